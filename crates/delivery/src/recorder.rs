//! Writes outcomes down, many in one transaction, and keeps the leases of what is under way.

use std::collections::{HashMap, HashSet};
use std::slice;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Moment};

use acuse_domain::Instant;
use acuse_store::claims::Claim;
use acuse_store::deliveries::{self, Recorded};
use acuse_store::{Db, StoreError, clock, now};
use chrono::TimeDelta;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// A worker that is gone gives its deliveries back to the queue after this long.
pub(crate) const LEASE: TimeDelta = TimeDelta::seconds(60);
/// Three chances to renew before a lease ends.
const RENEW_EVERY: Duration = Duration::from_secs(20);
/// Twice as long as a lease without being renewed: whoever held it is gone, whatever the clock says.
const UNRENEWED: Duration = Duration::from_secs(120);
/// Outcomes in one transaction.
const MOST_AT_ONCE: usize = 256;
/// A database that does not answer is asked again; the outcomes wait in memory.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What this process holds a lease of.
#[derive(Clone, Default)]
pub(crate) struct Held(Arc<Mutex<HashSet<Claim>>>);

impl Held {
    pub(crate) fn add(&self, claims: impl Iterator<Item = Claim>) {
        self.locked().extend(claims);
    }

    /// Returns to the queue what was claimed and not begun.
    pub(crate) async fn give_back(&self, db: &Db, given: &[Claim]) {
        if given.is_empty() {
            return;
        }
        if let Err(error) = deliveries::return_to_queue(db, given, now()).await {
            tracing::warn!("{} deliveries return to the queue when their lease ends: {error}", given.len());
        }
        self.remove(given.iter().copied());
    }

    fn remove(&self, claims: impl Iterator<Item = Claim>) {
        let mut held = self.locked();
        for claim in claims {
            held.remove(&claim);
        }
    }

    fn all(&self) -> Vec<Claim> {
        self.locked().iter().copied().collect()
    }

    fn locked(&self) -> MutexGuard<'_, HashSet<Claim>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records until every sender of `done` is gone. Also renews leases, and frees those that others let end.
pub(crate) async fn run(db: Db, held: Held, mut done: mpsc::Receiver<Recorded>) {
    let mut recorder = Recorder { db, held, refused: Vec::new(), was_away: false, long_leases: HashMap::new() };
    let mut renewal = interval(RENEW_EVERY);
    renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut batch = Vec::with_capacity(MOST_AT_ONCE);
    loop {
        tokio::select! {
            // Leases first: outcomes that never stop coming must not let them end.
            biased;
            _ = renewal.tick() => {
                recorder.tend_leases().await;
                recorder.tend_long_leases().await;
                recorder.try_refused_again().await;
            }
            received = done.recv_many(&mut batch, MOST_AT_ONCE) => {
                recorder.record(std::mem::take(&mut batch)).await;
                if received == 0 {
                    return recorder.try_refused_again().await;
                }
            }
        }
    }
}

struct Recorder {
    db: Db,
    held: Held,
    /// Outcomes that the database refused. They stay ours, so that nothing is sent twice for want of a row.
    refused: Vec<Recorded>,
    /// The database did not answer at the last look at the leases.
    was_away: bool,
    /// Leases of others that end too late, as a clock that was set back leaves them, and since when they are known.
    long_leases: HashMap<Claim, (Instant, Moment)>,
}

impl Recorder {
    async fn record(&mut self, batch: Vec<Recorded>) {
        match self.write_down(&batch).await {
            Ok(()) => {}
            Err(error) => {
                tracing::error!("One of {} outcomes cannot be recorded: {error}", batch.len());
                for one in batch {
                    self.record_alone(one).await;
                }
            }
        }
    }

    /// If need be without the server's words: what happened matters more.
    async fn record_alone(&mut self, one: Recorded) {
        let bare = Recorded { reply: String::new(), ..one.clone() };
        if self.write_down(slice::from_ref(&one)).await.is_ok() {
            return;
        }
        if let Err(error) = self.write_down(slice::from_ref(&bare)).await {
            tracing::error!(delivery.id = %one.id, "An outcome cannot be recorded and is kept in memory: {error}");
            self.refused.push(one);
        }
    }

    async fn try_refused_again(&mut self) {
        for one in std::mem::take(&mut self.refused) {
            self.record_alone(one).await;
        }
    }

    /// Keeps at it while the database is away: what a server accepted must not be sent again because we forgot it.
    ///
    /// Errs if the database answers, and refuses.
    async fn write_down(&self, batch: &[Recorded]) -> Result<(), StoreError> {
        let lost = loop {
            match deliveries::record_attempts(&self.db, batch, now()).await {
                Ok(lost) => break lost,
                Err(StoreError::Unavailable(error)) => {
                    tracing::error!("{} outcomes wait for the database: {error}", batch.len());
                    sleep(TRY_AGAIN_AFTER).await;
                }
                Err(refused) => return Err(refused),
            }
        };
        for one in lost {
            tracing::warn!(delivery.id = %one.0, "An outcome came after its lease had ended and was not recorded");
        }
        self.held.remove(batch.iter().map(Recorded::claim));
        Ok(())
    }

    /// A lease that ends in a day is believed only as long as somebody renews it.
    async fn tend_long_leases(&mut self) {
        let ours = self.held.all();
        let found = match clock::long_leases_any_company(&self.db, now()).await {
            Ok(found) => found,
            Err(error) => return tracing::warn!("Leases could not be renewed: {error}"),
        };
        let mut known = HashMap::new();
        for (claim, until) in found.into_iter().filter(|(claim, _)| !ours.contains(claim)) {
            let seen = self.long_leases.get(&claim).filter(|(before, _)| *before == until).copied();
            known.insert(claim, seen.unwrap_or((until, Moment::now())));
        }
        let is_gone = |(_, since): &(Instant, Moment)| since.elapsed() > UNRENEWED;
        let gone: Vec<Claim> = known.iter().filter(|(_, seen)| is_gone(seen)).map(|(claim, _)| *claim).collect();
        self.long_leases = known;
        if gone.is_empty() {
            return;
        }
        match clock::release_any_company(&self.db, &gone, now()).await {
            Ok(released) => tracing::warn!("{released} deliveries of a worker that is gone went back to the queue"),
            Err(error) => tracing::warn!("Leases could not be renewed: {error}"),
        }
    }

    async fn tend_leases(&mut self) {
        let ours = self.held.all();
        let renewed = if ours.is_empty() { Ok(0) } else { deliveries::renew(&self.db, &ours, LEASE, now()).await };
        // When the database comes back, every lease has ended: the others get the time to renew theirs first.
        let released = match renewed {
            Ok(_) if self.was_away => self.db.ping().await.map(|()| 0),
            Ok(_) => deliveries::release_expired_any_company(&self.db, now()).await,
            Err(error) => Err(error),
        };
        self.was_away = released.is_err();
        match released {
            Ok(0) => {}
            Ok(released) => {
                tracing::warn!("{released} deliveries of a worker that is gone went back to the queue");
                self.db.nudge();
            }
            Err(error) => tracing::warn!("Leases could not be renewed: {error}"),
        }
    }
}
