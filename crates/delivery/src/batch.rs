//! One batch of a queue: claims and sends until nothing is due, the account fails, or other queues should have their turn.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use acuse_domain::Instant;
use acuse_domain::delivery::{Outcome, Problem, State};
use acuse_domain::id::MailAccountId;
use acuse_render::logo::Logo;
use acuse_store::claims::Claim;
use acuse_store::deliveries::{self, Claimed, QueueKey, Recorded};
use acuse_store::{StoreError, health, mail_accounts, metrics, now, pauses};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::accounts::{Account, Sender, resolve};
use crate::attempt::{Attempted, HandedOver};
use crate::circuit_breaker::{Transition, fault, problem_of, softened};
use crate::engine::Engine;
use crate::recorder::LEASE;
use crate::retry::{self, Progress};
use crate::signing;
use crate::throttle::{ConnectionPermit, Throttle};

/// Deliveries claimed at once by a queue, for each of its connections.
const CLAIM_PER_CONNECTION: usize = 16;
/// After so many claims a queue steps back so that others get its place.
const CLAIMS_PER_BATCH: u32 = 16;

/// How long a batch waits for its last messages before others of the queue are looked for.
const WAIT_FOR_ANSWERS: Duration = Duration::from_secs(2);
/// Somebody who has just corrected an account watches what waits; most batches are over before the first look.
const LOOK_AT_ACCOUNT_EVERY: Duration = Duration::from_secs(1);

/// How a batch of a queue ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BatchEnd {
    /// Nothing is due any more, or other queues get their turn.
    Done,
    /// It cannot send now: no account, or one that is paused.
    Idle,
}

/// How a batch ended, and what is still being sent: a server that does not answer holds up its own message, not the queue.
pub(crate) struct EndedBatch {
    pub end: BatchEnd,
    pub under_way: JoinSet<()>,
}

/// Runs a batch of a queue. After an error the queue waits a little.
pub(crate) async fn run(
    engine: Arc<Engine>,
    queue: QueueKey,
    done: mpsc::Sender<Recorded>,
    stop: watch::Receiver<bool>,
) -> EndedBatch {
    let mut under_way = JoinSet::new();
    let end = match Batch::begin(&engine, queue, done, stop).await {
        Ok(Some(batch)) => Arc::new(batch).run(&mut under_way).await,
        Ok(None) => Ok(BatchEnd::Idle),
        Err(error) => Err(error),
    };
    let end = end.unwrap_or_else(|error| {
        tracing::error!(company.id = %queue.company, "A queue could not be end: {error}");
        BatchEnd::Idle
    });
    EndedBatch { end, under_way }
}

/// A batch of one queue, sent through one account.
struct Batch {
    engine: Arc<Engine>,
    queue: QueueKey,
    /// The queue's own account and its version when the batch began.
    own: Option<(MailAccountId, i64)>,
    /// That is not so any more: what no server has heard of is sent by the new one.
    is_changed: watch::Sender<bool>,
    account: Account,
    throttle: Arc<Throttle>,
    done: mpsc::Sender<Recorded>,
    stop: watch::Receiver<bool>,
    scope: Scope,
    /// It is not known to work since it last stopped: the first message that goes through is news.
    is_stopped: AtomicBool,
    /// The account failed, or its server asked to slow down: what is not begun goes back.
    has_ended: AtomicBool,
    /// That it failed is written down.
    is_open: AtomicBool,
}

/// What of the queue is sent in this batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    /// It showed a doubtful fault a moment ago.
    One,
    /// The account is paused, and this one delivery tries whether it works again.
    HalfOpen(Claim),
    QueuedUntil(Instant),
}

impl Batch {
    /// Nothing where the queue has no account that may be used now.
    async fn begin(
        engine: &Arc<Engine>,
        queue: QueueKey,
        done: mpsc::Sender<Recorded>,
        stop: watch::Receiver<bool>,
    ) -> Result<Option<Self>, StoreError> {
        let default = engine.settings.default_account.as_ref();
        // Before the account is read: what changes from here on is seen.
        let own = mail_accounts::version_for_module(&engine.db, queue.company, queue.module).await?;
        let (mut account, mut scope) = match resolve(&engine.db, &engine.keys, default, queue, now()).await? {
            Sender::Ready(account) => (account, Scope::All),
            Sender::Instead { account, queued_until } => (account, Scope::QueuedUntil(queued_until)),
            Sender::HalfOpen(account, claim) => (account, Scope::HalfOpen(claim)),
            Sender::Resting | Sender::Nobody => return Ok(None),
        };
        let throttle = engine.throttles.of(&account.pool_key);
        if let Some(last_doubtful) = engine.breakers.last_doubtful(&account.pool_key, now()) {
            if now() < last_doubtful + engine.retry_delay {
                return Ok(None);
            }
            if scope == Scope::All {
                scope = Scope::One;
            }
        }
        if throttle.is_backing_off() || throttle.is_stuck() {
            return Ok(None);
        }
        account.signer = signing::signer_of(&engine.db, &engine.keys, queue.company, &account).await;
        let is_stopped = health::find(&engine.db, account.key).await?.stopped_at.is_some().into();
        let (engine, has_ended, is_open) = (engine.clone(), AtomicBool::new(false), AtomicBool::new(false));
        let is_changed = watch::Sender::new(false);
        Ok(Some(Self { engine, queue, own, is_changed, account, throttle, done, stop, scope, is_stopped, has_ended, is_open }))
    }

    async fn run(self: Arc<Self>, under_way: &mut JoinSet<()>) -> Result<BatchEnd, StoreError> {
        let worth = u32::try_from(self.throttle.worth_claiming(CLAIM_PER_CONNECTION)).unwrap_or(1);
        let (claims, most) = match self.scope {
            Scope::One | Scope::HalfOpen(_) => (1, 1),
            Scope::All | Scope::QueuedUntil(_) => (CLAIMS_PER_BATCH, worth),
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
                // No connection came free for these either: a later batch may open one beside those that hang.
                let unsent: Vec<_> = claimed.iter().map(Claimed::claim).collect();
                self.engine.held.give_back(&self.engine.db, &unsent).await;
                break;
            }
        }
        self.wait_a_little(under_way).await;
        self.write_down_certificate().await?;
        // What is due in the queue may be what this batch must not send.
        let is_idle = self.has_ended.load(Ordering::Relaxed) || is_stuck || found_nothing && self.scope != Scope::All;
        Ok(if is_idle { BatchEnd::Idle } else { BatchEnd::Done })
    }

    async fn claim(&self, most: u32) -> Result<Vec<Claimed>, StoreError> {
        if self.is_over() {
            return Ok(Vec::new());
        }
        let (db, queue) = (&self.engine.db, self.queue);
        let claimed = match self.scope {
            Scope::QueuedUntil(until) => deliveries::claim_due_queued_until(db, queue, until, most, LEASE, now()).await?,
            Scope::All | Scope::One | Scope::HalfOpen(_) => deliveries::claim_due(db, queue, most, LEASE, now()).await?,
        };
        self.engine.held.add(claimed.iter().map(Claimed::claim));
        Ok(claimed)
    }

    async fn write_down_certificate(&self) -> Result<(), StoreError> {
        match self.engine.transport.certificates.take(&self.account.pool_key) {
            Some(ends_at) => health::note_certificate_any_company(&self.engine.db, self.account.seen(), ends_at, now()).await,
            None => Ok(()),
        }
    }

    fn is_half_open(&self) -> bool {
        matches!(self.scope, Scope::HalfOpen(_))
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
            let permit = if self.is_over() { None } else { self.throttle.acquire(|| self.is_over()).await };
            let Some(permit) = permit else {
                unsent.push(one.claim());
                break;
            };
            under_way.spawn(self.clone().send_one(one, permit));
        }
        unsent.extend(left.map(|one| one.claim()));
        self.engine.held.give_back(&self.engine.db, &unsent).await;
        !unsent.is_empty() && !self.is_over()
    }

    /// Most servers answer at once, and then the batch is over with its last message.
    async fn wait_a_little(&self, under_way: &mut JoinSet<()>) {
        let mut is_changed = self.is_changed.subscribe();
        tokio::select! {
            () = async { while under_way.join_next().await.is_some() {} } => {}
            () = sleep(WAIT_FOR_ANSWERS) => {}
            _ = is_changed.wait_for(|changed| *changed) => {}
        }
    }

    /// As long as anything of this batch is under way, so that a corrected account is used at once.
    fn watch_the_account(self: &Arc<Self>) {
        let batch = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                sleep(LOOK_AT_ACCOUNT_EVERY).await;
                let Some(batch) = batch.upgrade().filter(|batch| !*batch.stop.borrow()) else { return };
                let now = mail_accounts::version_for_module(&batch.engine.db, batch.queue.company, batch.queue.module).await;
                if now.is_ok_and(|now| now != batch.own) {
                    batch.is_changed.send_replace(true);
                    return;
                }
            }
        });
    }

    /// Gives the delivery back where it was not begun.
    async fn send_one(self: Arc<Self>, claimed: Claimed, _permit: ConnectionPermit) {
        let (engine, claimed, at) = (&self.engine, Arc::new(claimed), now());
        let attempted = if self.is_over() { None } else { self.attempt_with_logo(&claimed).await };
        let Some(mut attempted) = attempted else {
            engine.held.give_back(&engine.db, &[claimed.claim()]).await;
            engine.db.nudge();
            return;
        };
        attempted.outcome = self.tell_the_breaker(attempted.outcome, at).await;
        log(&claimed, &attempted, &self.account);
        let recorded = self.decide(&claimed, attempted, at);
        // The recorder outlives every batch: it ends when the last of these senders is gone.
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
            Some(id) => self.engine.transport.renderer.logo(&self.engine.db, claimed.company, id).await,
            None => Ok(None),
        }
    }

    /// In a task of its own: mails are composed on every core, and one that panics falls alone. Nothing where a stopping node,
    /// or a change of the account, broke it off before the server had the message.
    async fn attempt(self: &Arc<Self>, claimed: &Arc<Claimed>, logo: Option<Logo>) -> Option<Attempted> {
        let handed_over = HandedOver::default();
        let mut attempt = tokio::spawn({
            let (batch, claimed, handed_over) = (self.clone(), claimed.clone(), handed_over.clone());
            async move { batch.engine.transport.attempt(&claimed, &batch.account, logo.as_ref(), &handed_over).await }
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
            () = self.stop_timeout_passes() => {}
            () = account_changes => {}
        }
    }

    async fn stop_timeout_passes(&self) {
        let mut stop = self.stop.clone();
        // The sender is gone only when nobody waits for this any more.
        drop(stop.wait_for(|stopped| *stopped).await);
        sleep(self.engine.stop_timeout).await;
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
            | Outcome::AccountAtFault { problem } => (problem.reply, Some(problem.code.as_str().to_owned())),
        };
        measure(claimed, attempted.phase, next.state());
        Recorded {
            company: claimed.company,
            id: claimed.id,
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

    /// A fault of the account pauses it, once for all that run into it together; a message that goes through ends the pause.
    /// Gives the outcome as it counts for the delivery.
    async fn tell_the_breaker(&self, outcome: Outcome, begun: Instant) -> Outcome {
        let key = &self.account.pool_key;
        let transition = self.engine.breakers.after(key, &outcome, self.is_half_open(), begun, now());
        match transition {
            Transition::None => {}
            Transition::BackOff => self.has_ended.store(true, Ordering::Relaxed),
            Transition::Throttle => {
                self.has_ended.store(true, Ordering::Relaxed);
                let connections = self.engine.throttles.slow_down(key);
                tracing::warn!("{} asked to slow down: {connections} connections", self.account.endpoint.host);
            }
            Transition::Open => {
                if let Some(problem) = problem_of(&outcome) {
                    self.open_circuit(problem).await;
                }
            }
            Transition::Close => {
                self.throttle.went_well();
                if self.is_half_open() || self.is_stopped.load(Ordering::Relaxed) {
                    self.close_circuit().await;
                }
            }
        }
        softened(outcome, transition)
    }

    async fn open_circuit(&self, problem: &Problem) {
        self.has_ended.store(true, Ordering::Relaxed);
        if self.is_open.swap(true, Ordering::Relaxed) {
            return;
        }
        self.engine.breakers.reset(&self.account.pool_key);
        tracing::warn!("The account at {} is paused: {}", self.account.endpoint.host, problem.code);
        let (db, seen) = (&self.engine.db, self.account.seen());
        let written = match self.scope {
            Scope::HalfOpen(claim) => pauses::probe_failed_any_company(db, claim, seen, &fault(problem), now()).await,
            _ => pauses::stop_any_company(db, seen, &fault(problem), now()).await,
        };
        if let Err(error) = written {
            tracing::error!("That an account is paused could not be written down: {error}");
        }
    }

    async fn close_circuit(&self) {
        if !self.is_half_open() && !self.is_stopped.swap(false, Ordering::Relaxed) {
            return;
        }
        tracing::info!("The account at {} works again", self.account.endpoint.host);
        if let Err(error) = pauses::end(&self.engine.db, self.account.seen(), now()).await {
            tracing::error!("That an account works again could not be written down: {error}");
        }
    }
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
