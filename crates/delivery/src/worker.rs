//! The loop: queues that have work are end side by side, each for a bounded while.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use acuse_store::deliveries::{self, QueueKey, Recorded};
use acuse_store::pauses::{self, AccountKey};
use acuse_store::{StoreError, audit, clock, idempotency, now};
use rand::seq::SliceRandom;
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use crate::batch::{self, BatchEnd, EndedBatch};
use crate::engine::Engine;
use crate::{history, notices, probe, recorder, user_mails};

/// Always a slow look at the queue behind the nudges: another process may have filled it.
const POLL: Duration = Duration::from_secs(1);
/// Queues end at once; one that waits for a slow server must not keep the others out.
const MOST_QUEUES: usize = 256;
/// A queue that cannot send is looked at again after this long.
const IDLE_DELAY: Duration = Duration::from_secs(2);
/// Certificates end by the day.
const EVERY_HOUR: Duration = Duration::from_secs(3_600);
/// A clock is set back once, and what it held up has waited already.
const CLOCK: Duration = Duration::from_secs(60);
/// How long what was broken off may take to be given back and written down.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
/// Outcomes that may wait to be written down.
const OUTCOMES_WAITING: usize = 1_024;

/// Delivers until `stop` turns true or its sender is gone; then finishes what is under way and gives the rest back to the queue.
pub async fn run(engine: Engine, stop: watch::Receiver<bool>) {
    let engine = Arc::new(engine);
    let (done, outcomes) = mpsc::channel(OUTCOMES_WAITING);
    let recorder = tokio::spawn(recorder::run(engine.db.clone(), engine.held.clone(), outcomes));
    let (stopping, stopped) = watch::channel(false);
    let mut rounds = JoinSet::new();
    for task in [
        MaintenanceTask::Probes,
        MaintenanceTask::Notices,
        MaintenanceTask::Certificates,
        MaintenanceTask::Clock,
        MaintenanceTask::Keys,
        MaintenanceTask::UserMails,
        MaintenanceTask::Seals,
        MaintenanceTask::History,
    ] {
        rounds.spawn(task.run_periodically(engine.clone(), stopped.clone()));
    }
    let mut queues = Queues::new(engine.clone(), done, stopped);
    queues.serve_until(stop).await;
    let _ = stopping.send(true);
    // Side by side: one that does not answer has its time once, whoever waits for it.
    let (finished, maintained) = tokio::join!(
        timeout(engine.stop_timeout + SHUTDOWN_GRACE, queues.finish()),
        timeout(engine.stop_timeout, async { while rounds.join_next().await.is_some() {} }),
    );
    if finished.is_err() {
        tracing::warn!("Some deliveries were still under way; they return to the queue when their lease ends");
    }
    if maintained.is_err() {
        tracing::warn!("A probe or a mail about an account was still under way; another process takes it up");
    }
    if timeout(SHUTDOWN_GRACE, recorder).await.is_err() {
        tracing::error!("Some outcomes could not be written down before the node stopped");
    }
    // Servers that do not answer QUIT in time are left.
    let _ = timeout(SHUTDOWN_GRACE, engine.transport.pool.close_all()).await;
}

/// What is done for accounts, beside the queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MaintenanceTask {
    Probes,
    Notices,
    Certificates,
    /// What a clock that was set back has put off for too long.
    Clock,
    /// Idempotency keys that are kept no longer.
    Keys,
    UserMails,
    /// New entries of the companies' histories get their place in the chain.
    Seals,
    /// Whether the histories are still what was sealed.
    History,
}

impl MaintenanceTask {
    /// Until the node stops. An error is for the log: the next round may go well.
    async fn run_periodically(self, engine: Arc<Engine>, mut stopped: watch::Receiver<bool>) {
        let wait = match self {
            Self::Probes | Self::Notices | Self::UserMails | Self::Seals => POLL,
            Self::Certificates | Self::Keys => EVERY_HOUR,
            Self::Clock | Self::History => CLOCK,
        };
        // Whoever starts a node may just have mended its default account.
        if self == Self::Probes
            && let Err(error) = pauses::probe_soon_any_company(&engine.db, AccountKey::Default, now()).await
        {
            tracing::error!("The default account could not be probed: {error}");
        }
        let mut under_way = JoinSet::new();
        loop {
            while under_way.try_join_next().is_some() {}
            if let Err(error) = self.round(&engine, &mut under_way).await {
                tracing::error!("A maintenance task failed: {error}");
            }
            tokio::select! {
                () = sleep(wait) => {}
                _ = stopped.wait_for(|stopped| *stopped) => break,
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    async fn round(self, engine: &Arc<Engine>, under_way: &mut JoinSet<()>) -> Result<(), StoreError> {
        if engine.db.damage().is_some() {
            return Ok(());
        }
        match self {
            Self::Probes => probe::round(engine, under_way).await,
            Self::Notices => notices::round(engine, under_way).await,
            Self::UserMails => user_mails::round(engine, under_way).await,
            Self::Clock => {
                let moved = clock::catch_up_any_company(&engine.db, now()).await?;
                if moved > 0 {
                    tracing::warn!("The clock was set back: {moved} moments that lay in the future are due now");
                }
                Ok(())
            }
            Self::Seals => audit::seal_any_company(&engine.db).await.map(|_| ()),
            Self::History => history::check(&engine.db, now()).await,
            Self::Keys => idempotency::forget_expired_any_company(&engine.db, now()).await.map(|_| ()),
            Self::Certificates => {
                probe::certificates(engine).await?;
                probe::connections(engine).await
            }
        }
    }
}

/// What is being end, and what is left alone for a while.
struct Queues {
    engine: Arc<Engine>,
    done: mpsc::Sender<Recorded>,
    stopped: watch::Receiver<bool>,
    running: JoinSet<EndedBatch>,
    /// What batches have left that wait for a server's answer.
    unanswered: JoinSet<()>,
    busy: HashMap<QueueKey, Id>,
    idle_until: HashMap<QueueKey, Moment>,
}

impl Queues {
    fn new(engine: Arc<Engine>, done: mpsc::Sender<Recorded>, stopped: watch::Receiver<bool>) -> Self {
        Self {
            engine,
            done,
            stopped,
            running: JoinSet::new(),
            unanswered: JoinSet::new(),
            busy: HashMap::new(),
            idle_until: HashMap::new(),
        }
    }

    async fn serve_until(&mut self, mut stop: watch::Receiver<bool>) {
        let (engine, db) = (self.engine.clone(), self.engine.db.clone());
        while !*stop.borrow() {
            db.note_workers_alive();
            if let Err(error) = self.start_due().await {
                tracing::error!("The queue cannot be read: {error}");
            }
            self.engine.transport.pool.close_idle();
            tokio::select! {
                () = db.nudged() => self.idle_until.clear(),
                () = engine.throttles.freed() => self.idle_until.clear(),
                () = sleep(POLL) => {}
                Some(ended) = self.running.join_next_with_id(), if !self.running.is_empty() => self.note(ended),
                told = stop.changed() => if told.is_err() { return },
            }
        }
    }

    async fn start_due(&mut self) -> Result<(), StoreError> {
        // What is sent from a damaged database may not be written down, and would be sent again.
        if self.engine.db.damage().is_some() {
            return Ok(());
        }
        while let Some(ended) = self.running.try_join_next_with_id() {
            self.note(ended);
        }
        while self.unanswered.try_join_next().is_some() {}
        self.idle_until.retain(|_, until| *until > Moment::now());
        let mut due = deliveries::queues_due_any_company(&self.engine.db, now()).await?;
        // Where there are more queues than places, no queue is always the last.
        due.shuffle(&mut rand::rng());
        for queue in due {
            if self.running.len() < MOST_QUEUES && !self.busy.contains_key(&queue) && !self.idle_until.contains_key(&queue) {
                let batch = batch::run(self.engine.clone(), queue, self.done.clone(), self.stopped.clone());
                self.busy.insert(queue, self.running.spawn(batch).id());
            }
        }
        Ok(())
    }

    fn note(&mut self, ended: Result<(Id, EndedBatch), JoinError>) {
        let (id, end) = match ended {
            Ok((id, EndedBatch { end, mut under_way })) => {
                if !under_way.is_empty() {
                    self.unanswered.spawn(async move { while under_way.join_next().await.is_some() {} });
                }
                (id, end)
            }
            Err(broken) => {
                tracing::error!("A batch broke off: {broken}");
                (broken.id(), BatchEnd::Idle)
            }
        };
        let Some(queue) = self.busy.iter().find(|(_, running)| **running == id).map(|(queue, _)| *queue) else { return };
        self.busy.remove(&queue);
        if end == BatchEnd::Idle {
            self.idle_until.insert(queue, Moment::now() + IDLE_DELAY);
        }
    }

    /// The last of the senders of outcomes goes with it.
    async fn finish(mut self) {
        while let Some(ended) = self.running.join_next_with_id().await {
            self.note(ended);
        }
        self.unanswered.join_all().await;
    }
}
