//! One turn of a lane: claims and sends until nothing is due, the account fails, or others should have their turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use acuse_domain::Instant;
use acuse_domain::delivery::{Outcome, Problem};
use acuse_render::logo::Logo;
use acuse_store::deliveries::{self, Claimed, Lane, Recorded};
use acuse_store::{StoreError, health, now, pauses};
use futures_util::{StreamExt, stream};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::accounts::{Account, Sender, resolve};
use crate::attempt::{Attempted, HandedOver};
use crate::pace::Pace;
use crate::recorder::{LEASE, Ticket};
use crate::retry::{self, Progress};
use crate::signing;
use crate::weight::{Sentence, fault, problem_of, softened};
use crate::worker::Engine;

/// Deliveries claimed at once by a lane, for each of its connections.
const CLAIM_PER_CONNECTION: u32 = 16;
/// After so many claims a lane steps back so that others get its place.
const CLAIMS_PER_TURN: u32 = 16;

/// How a turn of a lane ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Served {
    /// Nothing is due any more, or others get their turn.
    Turn,
    /// It cannot send now: no account, or one that rests.
    Idle,
}

/// Serves a lane for a bounded while. An error lets it rest.
pub(crate) async fn serve(engine: Arc<Engine>, lane: Lane, done: mpsc::Sender<Recorded>, stop: watch::Receiver<bool>) -> Served {
    let served = match Turn::begin(&engine, lane, done, stop).await {
        Ok(Some(turn)) => Arc::new(turn).take(lane).await,
        Ok(None) => Ok(Served::Idle),
        Err(error) => Err(error),
    };
    served.unwrap_or_else(|error| {
        tracing::error!(company.id = %lane.company, "A lane could not be served: {error}");
        Served::Idle
    })
}

/// A lane's turn with one account.
struct Turn {
    engine: Arc<Engine>,
    account: Account,
    pace: Arc<Pace>,
    logo: Option<Logo>,
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
        let (mut account, mut scope) = match resolve(&engine.db, &engine.keys, default, lane, now()).await? {
            Sender::Ready(account) => (account, Scope::All),
            Sender::Instead { account, queued_until } => (account, Scope::QueuedUntil(queued_until)),
            Sender::Trial(account) => (account, Scope::Trial),
            Sender::Resting | Sender::Nobody => return Ok(None),
        };
        let pace = engine.paces.of(&account.pool_key);
        if let Some(doubted_at) = engine.suspicions.doubted_at(&account.pool_key) {
            if now() < doubted_at + engine.second_look {
                return Ok(None);
            }
            if scope == Scope::All {
                scope = Scope::One;
            }
        }
        if pace.is_waiting() {
            return Ok(None);
        }
        account.signer = signing::signer_of(&engine.db, &engine.keys, lane.company, &account).await;
        let logo = engine.desk.drawer.logo(&engine.db, lane.company).await?;
        let is_stopped = health::find(&engine.db, account.key).await?.stopped_at.is_some().into();
        let (engine, has_ended, rests) = (engine.clone(), AtomicBool::new(false), AtomicBool::new(false));
        Ok(Some(Self { engine, account, pace, logo, done, stop, scope, is_stopped, has_ended, rests }))
    }

    async fn take(self: Arc<Self>, lane: Lane) -> Result<Served, StoreError> {
        let connections = self.pace.allowed();
        let (claims, most) = match self.scope {
            Scope::One | Scope::Trial => (1, 1),
            Scope::All | Scope::QueuedUntil(_) => {
                (CLAIMS_PER_TURN, CLAIM_PER_CONNECTION * u32::try_from(connections).unwrap_or(1))
            }
        };
        let mut claimed = self.claim(lane, most).await?;
        let found_nothing = claimed.is_empty();
        for left in (0..claims).rev() {
            if claimed.is_empty() {
                break;
            }
            // The next are claimed while these are being sent, so that no connection waits for the disk.
            let more = async { if left > 0 { self.claim(lane, most).await } else { Ok(Vec::new()) } };
            let ((), next) = tokio::join!(self.send_all(claimed, connections), more);
            claimed = next?;
        }
        self.write_down_certificate().await?;
        // What is due in the lane may be what this turn must not send.
        let is_idle = self.has_ended.load(Ordering::Relaxed) || found_nothing && self.scope != Scope::All;
        Ok(if is_idle { Served::Idle } else { Served::Turn })
    }

    async fn claim(&self, lane: Lane, most: u32) -> Result<Vec<Claimed>, StoreError> {
        if self.is_over() {
            return Ok(Vec::new());
        }
        let db = &self.engine.db;
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
        *self.stop.borrow() || self.has_ended.load(Ordering::Relaxed)
    }

    async fn send_all(self: &Arc<Self>, claimed: Vec<Claimed>, connections: usize) {
        let unsent: Vec<Ticket> = stream::iter(claimed)
            .map(|one| self.clone().send_one(Arc::new(one)))
            .buffer_unordered(connections)
            .filter_map(|unsent| async move { unsent })
            .collect()
            .await;
        self.engine.held.give_back(&self.engine.db, &unsent).await;
    }

    /// Gives the delivery back where it was not begun.
    async fn send_one(self: Arc<Self>, claimed: Arc<Claimed>) -> Option<Ticket> {
        let _leave = self.pace.enter().await;
        if self.is_over() {
            return Some(ticket(&claimed));
        }
        let at = now();
        let Some(mut attempted) = self.attempt(&claimed).await else { return Some(ticket(&claimed)) };
        attempted.outcome = self.tell_the_account(attempted.outcome, at).await;
        log(&claimed, &attempted, &self.account);
        let recorded = self.decide(&claimed, attempted, at);
        // The recorder outlives every turn: it ends when the last of these senders is gone.
        let _ = self.done.send(recorded).await;
        None
    }

    /// In a task of its own: mails are composed on every core, and one that panics falls alone. Nothing where a stopping node
    /// broke it off before the server had the message.
    async fn attempt(self: &Arc<Self>, claimed: &Arc<Claimed>) -> Option<Attempted> {
        let handed_over = HandedOver::default();
        let mut attempt = tokio::spawn({
            let (turn, claimed, handed_over) = (self.clone(), claimed.clone(), handed_over.clone());
            async move { turn.engine.desk.attempt(&claimed, &turn.account, turn.logo.as_ref(), &handed_over).await }
        });
        let ended = tokio::select! {
            ended = &mut attempt => ended,
            () = self.patience_ends() => {
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

    async fn patience_ends(&self) {
        let mut stop = self.stop.clone();
        // The sender is gone only when nobody waits for this any more.
        drop(stop.wait_for(|stopped| *stopped).await);
        sleep(self.engine.patience_at_stop).await;
    }

    fn decide(&self, claimed: &Claimed, attempted: Attempted, at: Instant) -> Recorded {
        let progress =
            Progress { attempts: claimed.attempt, tried_since: claimed.tried_since, was_in_doubt: claimed.was_in_doubt };
        let next = retry::after(&attempted.outcome, progress, now(), rand::random_range(0..1_000));
        let (reply, problem_code) = match attempted.outcome {
            Outcome::Accepted { reply } => (reply, None),
            Outcome::TryLater { problem, .. }
            | Outcome::Refused { problem }
            | Outcome::InDoubt { problem }
            | Outcome::AccountAtFault { problem } => (problem.reply, Some(problem.code)),
        };
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
