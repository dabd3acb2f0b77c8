//! So many at once, a short queue behind them, and a quick «not now» for the rest.
//!
//! Whatever takes a core or much memory and can be asked for from outside runs behind one: a flood of requests then costs
//! what a few of them cost, and everything else goes on being answered.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Cheap to clone; clones share their places.
#[derive(Clone)]
pub struct ConcurrencyLimit {
    places: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    longest_wait: Duration,
}

/// A place that is held until this is dropped.
pub struct Permit {
    _place: OwnedSemaphorePermit,
}

/// Why the work has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    #[error("too much is under way already")]
    Overloaded(#[from] Overloaded),
    #[error("the work broke off")]
    Panicked,
}

/// The queue is full, or its wait was too long. Nothing was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much is under way already")]
pub struct Overloaded;

impl ConcurrencyLimit {
    /// `at_once` run, `queued` more wait for at most `longest_wait`.
    #[must_use]
    pub fn new(at_once: usize, queued: usize, longest_wait: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(at_once)), queue: Arc::new(Semaphore::new(queued)), longest_wait }
    }

    /// Waits for a place. Errs at once where the queue is full.
    pub async fn enter(&self) -> Result<Permit, Overloaded> {
        // Gives nothing while somebody waits: nobody overtakes.
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Ok(Permit { _place: place });
        }
        let _waiting = self.queue.try_acquire().map_err(|_| refused())?;
        match timeout(self.longest_wait, self.places.clone().acquire_owned()).await {
            Ok(Ok(place)) => Ok(Permit { _place: place }),
            _ => Err(refused()),
        }
    }

    /// Runs what takes a core on a thread of its own kind, beside the event loop. The place stays taken until it ends, also
    /// when nobody waits for it any more.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, NotDone> {
        let permit = self.enter().await?;
        let running = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        running.await.map_err(|_| NotDone::Panicked)
    }
}

fn refused() -> Overloaded {
    crate::metrics::count("acuse_overloaded_total", &[]);
    Overloaded
}

/// As many as this machine computes at once.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread::sleep;

    use super::*;

    #[tokio::test]
    async fn never_more_run_than_may_and_what_the_queue_does_not_hold_is_refused_at_once() {
        let limit = ConcurrencyLimit::new(2, 3, Duration::from_secs(20));
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let all = (0..40).map(|_| {
            let (limit, running, most) = (limit.clone(), running.clone(), most.clone());
            tokio::spawn(async move {
                let work = move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    sleep(Duration::from_millis(100));
                    running.fetch_sub(1, Ordering::SeqCst);
                };
                limit.run(work).await
            })
        });
        let mut done = 0;
        for task in all.collect::<Vec<_>>() {
            done += usize::from(task.await.unwrap().is_ok());
        }
        assert_eq!((done, most.load(Ordering::SeqCst)), (5, 2));
        assert_eq!(limit.run(|| 1).await, Ok(1), "afterwards there is room again");
    }

    #[tokio::test]
    async fn nobody_waits_for_longer_than_the_queue_says() {
        let limit = ConcurrencyLimit::new(1, 3, Duration::from_millis(50));
        let held = limit.enter().await;
        assert_eq!(limit.run(|| ()).await, Err(NotDone::Overloaded(Overloaded)));
        drop(held);
        assert_eq!(limit.run(|| ()).await, Ok(()));
    }

    #[tokio::test]
    async fn work_keeps_its_place_when_its_asker_is_gone_and_gives_it_back_when_it_breaks() {
        let limit = ConcurrencyLimit::new(1, 0, Duration::from_secs(1));
        let abandoned = tokio::spawn({
            let limit = limit.clone();
            async move { limit.run(|| sleep(Duration::from_millis(300))).await }
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        abandoned.abort();
        let _ = abandoned.await;
        assert_eq!(limit.run(|| ()).await, Err(NotDone::Overloaded(Overloaded)), "the thread goes on");
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(limit.run(|| panic!("on purpose")).await, Err::<(), _>(NotDone::Panicked));
        assert_eq!(limit.run(|| ()).await, Ok(()));
    }
}
