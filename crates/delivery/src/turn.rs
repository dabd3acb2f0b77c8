//! One turn of a lane: claims and sends until nothing is due, the account fails, or others should have their turn.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use acuse_domain::Instant;
use acuse_domain::delivery::{Outcome, Problem, State};
use acuse_domain::id::MailAccountId;
use acuse_render::logo::Logo;
use acuse_store::deliveries::{self, Claimed, Lane, Recorded};
use acuse_store::{StoreError, health, mail_accounts, metrics, now, pauses};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::accounts::{Account, Sender, resolve};
use crate::attempt::{Attempted, HandedOver};
use crate::pace::{Leave, Pace};
use crate::recorder::{LEASE, Ticket};
use crate::retry::{self, Progress};
use crate::signing;
use crate::weight::{Sentence, fault, problem_of, softened};
use crate::worker::Engine;

/// Deliveries claimed at once by a lane, for each of its connections.
const CLAIM_PER_CONNECTION: usize = 16;
/// After so many claims a lane steps back so that others get its place.
const CLAIMS_PER_TURN: u32 = 16;

/// How long a turn waits for its last messages before others of the lane are looked for.
const WAIT_FOR_ANSWERS: Duration = Duration::from_secs(2);
/// Somebody who has just corrected an account watches what waits; most turns are over before the first look.
const LOOK_AT_ACCOUNT_EVERY: Duration = Duration::from_secs(1);

/// How a turn of a lane ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Served {
    /// Nothing is due any more, or others get their turn.
    Turn,
    /// It cannot send now: no account, or one that rests.
    Idle,
}

/// How a turn ended, and what is still being sent: a server that does not answer holds up its own message, not the lane.
pub(crate) struct Ended {
    pub served: Served,
    pub under_way: JoinSet<()>,
}

/// Serves a lane for a bounded while. An error lets it rest.
pub(crate) async fn serve(engine: Arc<Engine>, lane: Lane, done: mpsc::Sender<Recorded>, stop: watch::Receiver<bool>) -> Ended {
    let mut under_way = JoinSet::new();
    let served = match Turn::begin(&engine, lane, done, stop).await {
        Ok(Some(turn)) => Arc::new(turn).take(&mut under_way).await,
        Ok(None) => Ok(Served::Idle),
        Err(error) => Err(error),
    };
    let served = served.unwrap_or_else(|error| {
        tracing::error!(company.id = %lane.company, "A lane could not be served: {error}");
        Served::Idle
    });
    Ended { served, under_way }
}

/// A lane's turn with one account.
struct Turn {
    engine: Arc<Engine>,
    lane: Lane,
    /// The lane's own account and its version when the turn began.
    own: Option<(MailAccountId, i64)>,
    /// That is not so any more: what no server has heard of is sent by the new one.
    is_changed: watch::Sender<bool>,
    account: Account,
    pace: Arc<Pace>,
    done: mpsc::Sender<Recorded>,
    stop: watch::Receiver<bool>,
    scope: Scope,
    /// It is not known to work since it last stopped: the first message that goes through is news.
    is_stopped: AtomicBool,
    /// The account failed, or asks for patience: what is not begun goes back.
    has_ended: AtomicBool,
    /// That it failed is written down.
    rests: AtomicBool,
}

/// What of the lane is sent in this turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    /// The account is under suspicion.
    One,
    /// The account rests, and this one delivery tries whether it works again.
    Trial,
    QueuedUntil(Instant),
}

impl Turn {
    /// Nothing where the lane has no account that may be used now.
    async fn begin(
        engine: &Arc<Engine>,
        lane: Lane,
        done: mpsc::Sender<Recorded>,
        stop: watch::Receiver<bool>,
    ) -> Result<Option<Self>, StoreError> {
        let default = engine.settings.default_account.as_ref();
        // Before the account is read: what changes from here on is seen.
        let own = mail_accounts::version_for_module(&engine.db, lane.company, lane.module).await?;
        let (mut account, mut scope) = match resolve(&engine.db, &engine.keys, default, lane, now()).await? {
            Sender::Ready(account) => (account, Scope::All),
            Sender::Instead { account, queued_until } => (account, Scope::QueuedUntil(queued_until)),
            Sender::Trial(account) => (account, Scope::Trial),
            Sender::Resting | Sender::Nobody => return Ok(None),
        };
        let pace = engine.paces.of(&account.pool_key);
        if let Some(doubted_at) = engine.suspicions.doubted_at(&account.pool_key, now()) {
            if now() < doubted_at + engine.second_look {
                return Ok(None);
            }
            if scope == Scope::All {
                scope = Scope::One;
            }
        }
        if pace.is_waiting() || pace.is_stuck() {
            return Ok(None);
        }
        account.signer = signing::signer_of(&engine.db, &engine.keys, lane.company, &account).await;
        let is_stopped = health::find(&engine.db, account.key).await?.stopped_at.is_some().into();
        let (engine, has_ended, rests) = (engine.clone(), AtomicBool::new(false), AtomicBool::new(false));
        let is_changed = watch::Sender::new(false);
        Ok(Some(Self { engine, lane, own, is_changed, account, pace, done, stop, scope, is_stopped, has_ended, rests }))
    }

    async fn take(self: Arc<Self>, under_way: &mut JoinSet<()>) -> Result<Served, StoreError> {
        let worth = u32::try_from(self.pace.worth_claiming(CLAIM_PER_CONNECTION)).unwrap_or(1);
        let (claims, most) = match self.scope {
            Scope::One | Scope::Trial => (1, 1),
            Scope::All | Scope::QueuedUntil(_) => (CLAIMS_PER_TURN, worth),
        };
        let mut claimed = self.claim(most).await?;
        let found_nothing = claimed.is_empty();
        let mut is_stuck = false;
        if !found_nothing {
            self.watch_the_account();
        }
        for left in (0..claims).rev() {
            if claimed.is_empty() {
                break;
            }
            // The next are claimed while these are being sent, so that no connection waits for the disk.
            let more = async { if left > 0 { self.claim(most).await } else { Ok(Vec::new()) } };
            let (stuck, next) = tokio::join!(self.begin_all(claimed, under_way), more);
            claimed = next?;
            is_stuck = stuck;
            if is_stuck {
                // No connection came free for these either: a later turn may open one beside those that hang.
                let unsent: Vec<_> = claimed.iter().map(ticket).collect();
                self.engine.held.give_back(&self.engine.db, &unsent).await;
                break;
            }
        }
        self.wait_a_little(under_way).await;
        self.write_down_certificate().await?;
        // What is due in the lane may be what this turn must not send.
        let is_idle = self.has_ended.load(Ordering::Relaxed) || is_stuck || found_nothing && self.scope != Scope::All;
        Ok(if is_idle { Served::Idle } else { Served::Turn })
    }

    async fn claim(&self, most: u32) -> Result<Vec<Claimed>, StoreError> {
        if self.is_over() {
            return Ok(Vec::new());
        }
        let (db, lane) = (&self.engine.db, self.lane);
        let claimed = match self.scope {
            Scope::QueuedUntil(until) => deliveries::claim_due_queued_until(db, lane, until, most, LEASE, now()).await?,
            Scope::All | Scope::One | Scope::Trial => deliveries::claim_due(db, lane, most, LEASE, now()).await?,
        };
        self.engine.held.add(claimed.iter().map(ticket));
        Ok(claimed)
    }

    async fn write_down_certificate(&self) -> Result<(), StoreError> {
        match self.engine.desk.certificates.take(&self.account.pool_key) {
            Some(ends_at) => health::note_certificate_any_company(&self.engine.db, self.account.seen(), ends_at, now()).await,
            None => Ok(()),
        }
    }

    fn is_over(&self) -> bool {
        *self.stop.borrow() || *self.is_changed.borrow() || self.has_ended.load(Ordering::Relaxed)
    }

    /// Begins each as soon as a connection is free, and gives back what is not begun. Tells whether no connection came free:
    /// then all of them hang, or the server is slow.
    async fn begin_all(self: &Arc<Self>, claimed: Vec<Claimed>, under_way: &mut JoinSet<()>) -> bool {
        let mut left = claimed.into_iter();
        let mut unsent = Vec::new();
        for one in left.by_ref() {
            while under_way.try_join_next().is_some() {}
            let leave = if self.is_over() { None } else { self.pace.enter(|| self.is_over()).await };
            let Some(leave) = leave else {
                unsent.push(ticket(&one));
                break;
            };
            under_way.spawn(self.clone().send_one(one, leave));
        }
        unsent.extend(left.map(|one| ticket(&one)));
        self.engine.held.give_back(&self.engine.db, &unsent).await;
        !unsent.is_empty() && !self.is_over()
    }

    /// Most servers answer at once, and then the lane's turn is over with its last message.
    async fn wait_a_little(&self, under_way: &mut JoinSet<()>) {
        let mut is_changed = self.is_changed.subscribe();
        tokio::select! {
            () = async { while under_way.join_next().await.is_some() {} } => {}
            () = sleep(WAIT_FOR_ANSWERS) => {}
            _ = is_changed.wait_for(|changed| *changed) => {}
        }
    }

    /// As long as anything of this turn is under way, so that a corrected account is used at once.
    fn watch_the_account(self: &Arc<Self>) {
        let turn = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                sleep(LOOK_AT_ACCOUNT_EVERY).await;
                let Some(turn) = turn.upgrade().filter(|turn| !*turn.stop.borrow()) else { return };
                let now = mail_accounts::version_for_module(&turn.engine.db, turn.lane.company, turn.lane.module).await;
                if now.is_ok_and(|now| now != turn.own) {
                    turn.is_changed.send_replace(true);
                    return;
                }
            }
        });
    }

    /// Gives the delivery back where it was not begun.
    async fn send_one(self: Arc<Self>, claimed: Claimed, _leave: Leave) {
        let (engine, claimed, at) = (&self.engine, Arc::new(claimed), now());
        let attempted = if self.is_over() { None } else { self.attempt_with_logo(&claimed).await };
        let Some(mut attempted) = attempted else {
            engine.held.give_back(&engine.db, &[ticket(&claimed)]).await;
            engine.db.nudge();
            return;
        };
        attempted.outcome = self.tell_the_account(attempted.outcome, at).await;
        log(&claimed, &attempted, &self.account);
        let recorded = self.decide(&claimed, attempted, at);
        // The recorder outlives every turn: it ends when the last of these senders is gone.
        let _ = self.done.send(recorded).await;
    }

    /// Nothing where its logo could not be read just now either.
    async fn attempt_with_logo(self: &Arc<Self>, claimed: &Arc<Claimed>) -> Option<Attempted> {
        match self.logo_of(claimed).await {
            Ok(logo) => self.attempt(claimed, logo).await,
            Err(error) => {
                tracing::error!(delivery.id = %claimed.id, "The logo of a receipt could not be read: {error}");
                None
            }
        }
    }

    async fn logo_of(&self, claimed: &Claimed) -> Result<Option<Logo>, StoreError> {
        match claimed.logo {
            Some(id) => self.engine.desk.drawer.logo(&self.engine.db, claimed.company, id).await,
            None => Ok(None),
        }
    }

    /// In a task of its own: mails are composed on every core, and one that panics falls alone. Nothing where a stopping node,
    /// or a change of the account, broke it off before the server had the message.
    async fn attempt(self: &Arc<Self>, claimed: &Arc<Claimed>, logo: Option<Logo>) -> Option<Attempted> {
        let handed_over = HandedOver::default();
        let mut attempt = tokio::spawn({
            let (turn, claimed, handed_over) = (self.clone(), claimed.clone(), handed_over.clone());
            async move { turn.engine.desk.attempt(&claimed, &turn.account, logo.as_ref(), &handed_over).await }
        });
        let ended = tokio::select! {
            ended = &mut attempt => ended,
            () = self.has_to_break_off(&handed_over) => {
                attempt.abort();
                attempt.await
            }
        };
        match ended {
            Ok(attempted) => Some(attempted),
            Err(_) if handed_over.is_so() => Some(Attempted::in_doubt(claimed, &self.account)),
            Err(broken) if broken.is_cancelled() => None,
            Err(broken) => Some(Attempted::not_composed(claimed, &self.account, &broken)),
        }
    }

    async fn has_to_break_off(&self, handed_over: &HandedOver) {
        let account_changes = async {
            drop(self.is_changed.subscribe().wait_for(|changed| *changed).await);
            if handed_over.is_so() {
                pending::<()>().await;
            }
        };
        tokio::select! {
            () = self.patience_ends() => {}
            () = account_changes => {}
        }
    }

    async fn patience_ends(&self) {
        let mut stop = self.stop.clone();
        // The sender is gone only when nobody waits for this any more.
        drop(stop.wait_for(|stopped| *stopped).await);
        sleep(self.engine.patience_at_stop).await;
    }

    fn decide(&self, claimed: &Claimed, attempted: Attempted, at: Instant) -> Recorded {
        let progress =
            Progress { attempts: claimed.attempt, put_off_for: claimed.put_off_for, was_in_doubt: claimed.was_in_doubt };
        let next = retry::after(&attempted.outcome, progress, now(), rand::random_range(0..1_000));
        let (reply, problem_code) = match attempted.outcome {
            Outcome::Accepted { reply } => (reply, None),
            Outcome::TryLater { problem, .. }
            | Outcome::Refused { problem }
            | Outcome::InDoubt { problem }
            | Outcome::AccountAtFault { problem } => (problem.reply, Some(problem.code)),
        };
        measure(claimed, attempted.phase, next.state());
        Recorded {
            company: claimed.company,
            id: claimed.id,
            attempt: claimed.attempt,
            fence: claimed.fence,
            at,
            duration_ms: attempted.took_ms,
            phase: attempted.phase,
            reply,
            problem_code,
            message_id: attempted.message_id,
            stamp: self.account.stamp(),
            next,
        }
    }

    /// A fault of the account lets it rest, once for all that run into it together; a message that goes through ends the
    /// rest, or a suspicion. Gives the outcome as it counts for the delivery.
    async fn tell_the_account(&self, outcome: Outcome, begun: Instant) -> Outcome {
        let key = &self.account.pool_key;
        let sentence = self.engine.suspicions.sentence(key, &outcome, self.scope == Scope::Trial, begun, now());
        match sentence {
            Sentence::GoesOn => {}
            Sentence::StepsBack => self.has_ended.store(true, Ordering::Relaxed),
            Sentence::SlowsDown => {
                self.has_ended.store(true, Ordering::Relaxed);
                let connections = self.engine.paces.slow_down(key);
                tracing::warn!("{} asks for patience: {connections} connections", self.account.endpoint.host);
            }
            Sentence::Rests => {
                if let Some(problem) = problem_of(&outcome) {
                    self.let_it_rest(problem).await;
                }
            }
            Sentence::Works => {
                self.pace.went_well();
                if self.scope == Scope::Trial || self.is_stopped.load(Ordering::Relaxed) {
                    self.let_it_work().await;
                }
            }
        }
        softened(outcome, sentence)
    }

    async fn let_it_rest(&self, problem: &Problem) {
        self.has_ended.store(true, Ordering::Relaxed);
        if self.rests.swap(true, Ordering::Relaxed) {
            return;
        }
        self.engine.suspicions.forget(&self.account.pool_key);
        tracing::warn!("The account at {} rests: {}", self.account.endpoint.host, problem.code);
        let (db, seen) = (&self.engine.db, self.account.seen());
        let written = match self.scope {
            Scope::Trial => pauses::probe_failed_any_company(db, seen, &fault(problem), now()).await,
            _ => pauses::stop_any_company(db, seen, &fault(problem), now()).await.map(|_| ()),
        };
        if let Err(error) = written {
            tracing::error!("That an account rests could not be written down: {error}");
        }
    }

    async fn let_it_work(&self) {
        if self.scope != Scope::Trial && !self.is_stopped.swap(false, Ordering::Relaxed) {
            return;
        }
        tracing::info!("The account at {} works again", self.account.endpoint.host);
        if let Err(error) = pauses::end(&self.engine.db, self.account.seen(), now()).await {
            tracing::error!("That an account works again could not be written down: {error}");
        }
    }
}

fn ticket(claimed: &Claimed) -> Ticket {
    (claimed.company, claimed.id, claimed.fence)
}

fn measure(claimed: &Claimed, phase: &'static str, state: State) {
    metrics::count("acuse_delivery_attempts_total", &[("phase", phase), ("outcome", state.as_str())]);
    if state == State::Accepted {
        // Negative where the clock was set back meanwhile.
        let took = (now() - claimed.queued_at).to_std().unwrap_or_default();
        metrics::observe("acuse_record_to_accepted_seconds", &[("kind", claimed.kind.as_str())], took);
    }
}

fn log(claimed: &Claimed, attempted: &Attempted, account: &Account) {
    let (id, host, took) = (claimed.id, &account.endpoint.host, attempted.took_ms);
    match &attempted.outcome {
        Outcome::Accepted { .. } => {
            tracing::info!(delivery.id = %id, "Accepted by {host} at attempt {} in {took} ms", claimed.attempt);
        }
        Outcome::TryLater { problem, .. }
        | Outcome::Refused { problem }
        | Outcome::InDoubt { problem }
        | Outcome::AccountAtFault { problem } => {
            tracing::warn!(delivery.id = %id, "Not accepted by {host}: {} at {}, attempt {}", problem.code, problem.phase, claimed.attempt);
        }
    }
}
