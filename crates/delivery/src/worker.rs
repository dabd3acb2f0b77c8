//! The loop: lanes that have work are served side by side, each for a bounded while.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Moment};

use acuse_domain::delivery::{Next, Outcome};
use acuse_domain::id::{CompanyId, DeliveryId};
use acuse_mail::guard::Network;
use acuse_mail::pool::Pool;
use acuse_mail::session::Limits;
use acuse_store::deliveries::{self, Claimed, Lane, Recorded};
use acuse_store::secrets::Keyring;
use acuse_store::{Db, StoreError, now, pauses};
use futures_util::{StreamExt, stream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::accounts::{Account, DefaultAccount, Sender, resolve};
use crate::attempt::{Attempted, Desk};
use crate::letter::Drawer;
use crate::recorder::{self, Held, LEASE};
use crate::retry::{self, Progress};

/// Always a slow look at the queue behind the nudges: another process may have filled it.
const POLL: Duration = Duration::from_secs(1);
/// Lanes served at once; one that waits for a slow server must not keep the others out.
const MOST_LANES: usize = 256;
/// Deliveries claimed at once by a lane, for each of its connections.
const CLAIM_PER_CONNECTION: u32 = 16;
/// After so many claims a lane steps back so that others get its place.
const CLAIMS_PER_TURN: u32 = 16;
/// A lane that cannot send is looked at again after this long.
const REST: Duration = Duration::from_secs(2);
/// How long a stopping node waits for what is under way. Longer ones come back when their lease ends.
const FAREWELL: Duration = Duration::from_secs(25);
/// Outcomes that may wait to be written down.
const OUTCOMES_WAITING: usize = 1_024;

pub struct Settings {
    pub default_account: Option<DefaultAccount>,
    /// SMTP connections that one account may hold at once.
    pub connections_per_account: usize,
}

/// Everything that delivering takes.
pub struct Engine {
    db: Db,
    keys: Arc<Keyring>,
    desk: Arc<Desk>,
    settings: Settings,
    held: Held,
}

impl Engine {
    #[must_use]
    pub fn new(db: Db, keys: Arc<Keyring>, network: Network, settings: Settings) -> Self {
        let pool = Pool::new(settings.connections_per_account);
        let desk = Desk { network, pool, limits: Limits::for_delivery(), drawer: Drawer::default() };
        Self { db, keys, desk: Arc::new(desk), settings, held: Held::default() }
    }
}

/// Delivers until `stop` turns true; then finishes what is under way and gives the rest back to the queue.
pub async fn run(engine: Engine, mut stop: watch::Receiver<bool>) {
    let engine = Arc::new(engine);
    let (done, outcomes) = mpsc::channel(OUTCOMES_WAITING);
    let recorder = tokio::spawn(recorder::run(engine.db.clone(), engine.held.clone(), outcomes));
    let mut lanes = Lanes::default();
    while !*stop.borrow() {
        if let Err(error) = lanes.start_due(&engine, &done, &stop).await {
            tracing::error!("The queue cannot be read: {error}");
        }
        engine.desk.pool.close_idle();
        tokio::select! {
            () = engine.db.nudged() => lanes.look_at_all(),
            () = sleep(POLL) => {}
            Some(served) = lanes.running.join_next(), if !lanes.running.is_empty() => lanes.finished(served.ok()),
            _ = stop.changed() => {}
        }
    }
    drop(done);
    if timeout(FAREWELL, lanes.running.join_all()).await.is_err() {
        tracing::warn!("Some deliveries were still under way; they return to the queue when their lease ends");
    }
    if timeout(FAREWELL, recorder).await.is_err() {
        tracing::error!("Some outcomes could not be written down before the node stopped");
    }
    engine.desk.pool.close_all().await;
}

/// What is being served, and what is left alone for a while.
#[derive(Default)]
struct Lanes {
    running: JoinSet<(Lane, Served)>,
    busy: HashSet<Lane>,
    resting: HashMap<Lane, Moment>,
}

/// How a turn of a lane ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Served {
    /// Nothing is due any more, or others get their turn.
    Turn,
    /// It cannot send now: no account, or one that rests.
    Idle,
}

impl Lanes {
    async fn start_due(
        &mut self,
        engine: &Arc<Engine>,
        done: &mpsc::Sender<Recorded>,
        stop: &watch::Receiver<bool>,
    ) -> Result<(), StoreError> {
        while let Some(served) = self.running.try_join_next() {
            self.finished(served.ok());
        }
        self.resting.retain(|_, until| *until > Moment::now());
        for lane in deliveries::lanes_due_any_company(&engine.db, now()).await? {
            let free = self.running.len() < MOST_LANES && !self.busy.contains(&lane) && !self.resting.contains_key(&lane);
            if free {
                self.busy.insert(lane);
                let turn = serve(engine.clone(), lane, done.clone(), stop.clone());
                self.running.spawn(async move { (lane, turn.await) });
            }
        }
        Ok(())
    }

    fn finished(&mut self, served: Option<(Lane, Served)>) {
        let Some((lane, served)) = served else {
            // A turn panicked: nobody knows which lane it was, so none is busy any more than the claims allow.
            self.busy.clear();
            return;
        };
        self.busy.remove(&lane);
        if served == Served::Idle {
            self.resting.insert(lane, Moment::now() + REST);
        }
    }

    fn look_at_all(&mut self) {
        self.resting.clear();
    }
}

/// One turn of a lane: claims and sends until nothing is due, the account fails, or others should have their turn.
async fn serve(engine: Arc<Engine>, lane: Lane, done: mpsc::Sender<Recorded>, stop: watch::Receiver<bool>) -> Served {
    match try_serve(&engine, lane, &done, &stop).await {
        Ok(served) => served,
        Err(error) => {
            tracing::error!(company.id = %lane.company, "A lane could not be served: {error}");
            Served::Idle
        }
    }
}

async fn try_serve(
    engine: &Arc<Engine>,
    lane: Lane,
    done: &mpsc::Sender<Recorded>,
    stop: &watch::Receiver<bool>,
) -> Result<Served, StoreError> {
    let default = engine.settings.default_account.as_ref();
    let (account, probing) = match resolve(&engine.db, &engine.keys, default, lane, now()).await? {
        Sender::Ready(account) => (account, false),
        Sender::Probe(account) => (account, true),
        Sender::Resting | Sender::Nobody => return Ok(Served::Idle),
    };
    let logo = engine.desk.drawer.logo(&engine.db, lane.company).await?;
    let turn =
        Arc::new(Turn { engine: engine.clone(), account, logo, done: done.clone(), probing, stopped: AtomicBool::new(false) });
    let connections = engine.settings.connections_per_account.max(1);
    let claims = if probing { 1 } else { CLAIMS_PER_TURN };
    let batch = if probing { 1 } else { CLAIM_PER_CONNECTION * u32::try_from(connections).unwrap_or(1) };
    for _ in 0..claims {
        if *stop.borrow() || turn.stopped.load(Ordering::Relaxed) {
            break;
        }
        let claimed = deliveries::claim_due(&engine.db, lane, batch, LEASE, now()).await?;
        if claimed.is_empty() {
            break;
        }
        for one in &claimed {
            engine.held.add(one.company, one.id, one.fence);
        }
        turn.send_all(claimed, connections, stop).await;
    }
    Ok(if turn.stopped.load(Ordering::Relaxed) { Served::Idle } else { Served::Turn })
}

/// A lane's turn with one account.
struct Turn {
    engine: Arc<Engine>,
    account: Account,
    logo: Option<acuse_render::logo::Logo>,
    done: mpsc::Sender<Recorded>,
    /// The account rests, and this delivery tries whether it works again.
    probing: bool,
    /// The account failed: what is not begun goes back.
    stopped: AtomicBool,
}

impl Turn {
    async fn send_all(self: &Arc<Self>, claimed: Vec<Claimed>, connections: usize, stop: &watch::Receiver<bool>) {
        let unsent = stream::iter(claimed)
            .map(|one| {
                let (turn, stop) = (self.clone(), stop.clone());
                async move {
                    let ticket = (one.company, one.id, one.fence);
                    if *stop.borrow() || turn.stopped.load(Ordering::Relaxed) {
                        return Some(ticket);
                    }
                    // Its own task: mails are composed on every core, and one that panics falls alone.
                    if tokio::spawn(async move { turn.send_one(one).await }).await.is_err() {
                        tracing::error!(delivery.id = %ticket.1, "An attempt broke off; it returns when its lease ends");
                    }
                    None
                }
            })
            .buffer_unordered(connections)
            .filter_map(|ticket| async move { ticket })
            .collect::<Vec<(CompanyId, DeliveryId, i64)>>()
            .await;
        self.engine.held.give_back(&self.engine.db, &unsent).await;
    }

    async fn send_one(&self, claimed: Claimed) {
        let at = now();
        let attempted = self.engine.desk.attempt(&claimed, &self.account, self.logo.as_ref()).await;
        self.tell_the_account(&attempted.outcome).await;
        log(&claimed, &attempted, &self.account);
        let recorded = self.decide(claimed, attempted, at);
        // The recorder outlives every turn: it ends when the last of these senders is gone.
        let _ = self.done.send(recorded).await;
    }

    fn decide(&self, claimed: Claimed, attempted: Attempted, at: acuse_domain::Instant) -> Recorded {
        let progress = Progress {
            attempts: claimed.attempt,
            queued_at: claimed.queued_at,
            was_in_doubt: claimed.last_problem.as_deref() == Some("in_doubt"),
        };
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
            problem_code: if matches!(next, Next::ConfirmAgain { .. }) { Some("in_doubt".to_string()) } else { problem_code },
            message_id: attempted.message_id,
            stamp: self.account.stamp(),
            next,
        }
    }

    /// A fault of the account lets it rest, once for all that run into it together; a probe that succeeds ends the rest.
    async fn tell_the_account(&self, outcome: &Outcome) {
        let told = match outcome {
            Outcome::AccountAtFault { problem } if !self.stopped.swap(true, Ordering::Relaxed) => {
                tracing::warn!("The account at {} rests: {}", self.account.endpoint.host, problem.code);
                pauses::begin(&self.engine.db, self.account.key, &problem.code, &problem.reply, now()).await
            }
            Outcome::Accepted { .. } | Outcome::Refused { .. } if self.probing => {
                tracing::info!("The account at {} works again", self.account.endpoint.host);
                pauses::end(&self.engine.db, self.account.key).await
            }
            _ => Ok(()),
        };
        if let Err(error) = told {
            tracing::error!("The state of an account could not be written down: {error}");
        }
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
