//! Writes outcomes down, many in one transaction, and keeps the leases of what is under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acuse_domain::id::{CompanyId, DeliveryId};
use acuse_store::deliveries::{self, Recorded};
use acuse_store::{Db, now};
use chrono::TimeDelta;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// A worker that is gone gives its deliveries back to the queue after this long.
pub(crate) const LEASE: TimeDelta = TimeDelta::seconds(60);
/// Three chances to renew before a lease ends.
const RENEW_EVERY: Duration = Duration::from_secs(20);
/// Outcomes in one transaction.
const MOST_AT_ONCE: usize = 256;
/// A database that does not answer is asked again; the outcomes wait in memory.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What this process holds a lease of.
#[derive(Clone, Default)]
pub(crate) struct Held(Arc<Mutex<HashMap<DeliveryId, Lease>>>);

#[derive(Clone, Copy)]
struct Lease {
    company: CompanyId,
    fence: i64,
}

impl Held {
    pub(crate) fn add(&self, company: CompanyId, id: DeliveryId, fence: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Lease { company, fence });
    }

    fn remove(&self, id: DeliveryId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    fn all(&self) -> Vec<(CompanyId, DeliveryId, i64)> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().map(|(id, lease)| (lease.company, *id, lease.fence)).collect()
    }

    /// Returns to the queue what was claimed and not begun.
    pub(crate) async fn give_back(&self, db: &Db, given: &[(CompanyId, DeliveryId, i64)]) {
        if given.is_empty() {
            return;
        }
        if let Err(error) = deliveries::return_to_queue(db, given, now()).await {
            tracing::warn!("{} deliveries return to the queue when their lease ends: {error}", given.len());
        }
        for (_, id, _) in given {
            self.remove(*id);
        }
    }
}

/// Records until every sender of `done` is gone. Also renews leases, and frees those that others let end.
pub(crate) async fn run(db: Db, held: Held, mut done: mpsc::Receiver<Recorded>) {
    let mut renewal = interval(RENEW_EVERY);
    renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut batch = Vec::with_capacity(MOST_AT_ONCE);
    loop {
        tokio::select! {
            biased;
            received = done.recv_many(&mut batch, MOST_AT_ONCE) => {
                if received == 0 {
                    return;
                }
                record(&db, &batch).await;
                for outcome in batch.drain(..) {
                    held.remove(outcome.id);
                }
            }
            _ = renewal.tick() => tend_leases(&db, &held).await,
        }
    }
}

/// Keeps at it while the database is away: what a server accepted must not be sent again because we forgot it.
async fn record(db: &Db, batch: &[Recorded]) {
    loop {
        match deliveries::record_attempts(db, batch, now()).await {
            Ok(lost) => {
                for one in lost {
                    tracing::warn!(delivery.id = %one.0, "An outcome came after its lease had ended and was not recorded");
                }
                return;
            }
            Err(error) => {
                tracing::error!("{} outcomes wait for the database: {error}", batch.len());
                sleep(TRY_AGAIN_AFTER).await;
            }
        }
    }
}

async fn tend_leases(db: &Db, held: &Held) {
    let ours = held.all();
    if !ours.is_empty()
        && let Err(error) = deliveries::renew(db, &ours, LEASE, now()).await
    {
        tracing::warn!("Leases could not be renewed: {error}");
    }
    match deliveries::release_expired_any_company(db, now()).await {
        Ok(0) => {}
        Ok(released) => {
            tracing::warn!("{released} deliveries of a worker that is gone went back to the queue");
            db.nudge();
        }
        Err(error) => tracing::warn!("Ended leases could not be freed: {error}"),
    }
}
