//! How many connections an account may hold at once: fewer once its provider says that these were too many, and slowly more
//! again. Each account has its own pace; one that is slowed down holds up nobody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Moment};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Nothing more is begun for so long after the provider said that it is too much. Most limits are counted by the minute.
const BREATH: Duration = Duration::from_secs(30);
/// All of an account's connections are in use and none came free for so long: they hang, or the server is slow.
const STUCK_AFTER: Duration = Duration::from_secs(2);
/// And for so long: they hang. One more is opened beside them, so that the next message shows whether it is the server.
const HANG_AFTER: Duration = Duration::from_secs(5);
/// Connections beside those that hang, for each that an account may hold.
const MOST_BESIDE: usize = 3;
/// How often who waits for a connection looks up.
const LOOK_UP: Duration = Duration::from_millis(250);
/// So many messages without a complaint, and one more connection is tried.
const GOOD_FOR_ONE_MORE: u32 = 50;

/// The paces of all accounts, by pool key.
pub(crate) struct Paces {
    most: usize,
    breath: Duration,
    hang_after: Duration,
    all: Mutex<HashMap<String, Arc<Pace>>>,
    freed: Arc<Notify>,
}

/// One account's.
pub(crate) struct Pace {
    most: usize,
    hang_after: Duration,
    gate: Arc<Semaphore>,
    mind: Mutex<Mind>,
    /// Told when a connection comes free that somebody could not wait for.
    freed: Arc<Notify>,
}

struct Mind {
    allowed: usize,
    /// Connections that are to be given up when they come back.
    owed: usize,
    good: u32,
    not_before: Option<Moment>,
    /// When a connection was last taken or came free.
    last_moved: Moment,
    /// Since when each of those in use is.
    in_use: Vec<Moment>,
    /// Somebody waited in vain since all of them were free.
    is_crowded: bool,
    /// Opened beside those that hang, and never more than those.
    beside: usize,
}

/// Leave to use one connection, until it is dropped.
pub(crate) struct Leave {
    pace: Arc<Pace>,
    since: Moment,
    permit: Option<OwnedSemaphorePermit>,
}

impl Paces {
    pub(crate) fn new(most: usize) -> Self {
        let (most, all, freed) = (most.max(1), Mutex::default(), Arc::default());
        Self { most, breath: BREATH, hang_after: HANG_AFTER, all, freed }
    }

    pub(crate) fn with_breath(self, breath: Duration) -> Self {
        Self { breath, ..self }
    }

    pub(crate) fn of(&self, account: &str) -> Arc<Pace> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Pace::new(self.most, self.hang_after, self.freed.clone()));
        all.entry(account.to_owned()).or_insert_with(new).clone()
    }

    /// Waits until a connection comes free that was missed.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// The provider said that it is too much: half the connections, after a while.
    pub(crate) fn slow_down(&self, account: &str) -> usize {
        self.of(account).slow_down(Moment::now() + self.breath)
    }
}

impl Pace {
    fn new(most: usize, hang_after: Duration, freed: Arc<Notify>) -> Self {
        let (not_before, last_moved, in_use) = (None, Moment::now(), Vec::new());
        let mind = Mind { allowed: most, owed: 0, good: 0, not_before, last_moved, in_use, is_crowded: false, beside: 0 };
        Self { most, hang_after, gate: Arc::new(Semaphore::new(most)), mind: Mutex::new(mind), freed }
    }

    #[cfg(test)]
    fn allowed(&self) -> usize {
        self.mind().allowed
    }

    /// Whether it is still taking breath.
    pub(crate) fn is_waiting(&self) -> bool {
        self.mind().not_before.is_some_and(|until| until > Moment::now())
    }

    /// Waits until fewer than allowed are in use, whichever lane uses them. Nothing where none comes free for a while, or
    /// `is_over` says so: nobody may be held up for as long as a server may be silent.
    pub(crate) async fn enter(self: &Arc<Self>, is_over: impl Fn() -> bool) -> Option<Leave> {
        let begun = Moment::now();
        let entering = self.gate.clone().acquire_owned();
        tokio::pin!(entering);
        loop {
            if let Ok(permit) = timeout(LOOK_UP, &mut entering).await {
                let since = self.mind().taken();
                // The gate is never closed.
                return Some(Leave { pace: self.clone(), since, permit: permit.ok() });
            }
            let mut mind = self.mind();
            if begun.max(mind.last_moved).elapsed() >= STUCK_AFTER {
                mind.is_crowded = true;
                return None;
            }
            if is_over() {
                return None;
            }
        }
    }

    /// Whether somebody has waited in vain and would again. Where all connections have hung for a while, one more is opened
    /// first.
    pub(crate) fn is_stuck(&self) -> bool {
        let mut mind = self.mind();
        if self.gate.available_permits() > 0 || !mind.is_crowded {
            return false;
        }
        if mind.last_moved.elapsed() < self.hang_after || mind.beside >= self.most * MOST_BESIDE {
            return true;
        }
        mind.beside += 1;
        mind.last_moved = Moment::now();
        self.gate.add_permits(1);
        false
    }

    /// As many messages as make sense to be claimed at once, of `each` for a connection.
    pub(crate) fn worth_claiming(&self, each: usize) -> usize {
        let (free, mut mind) = (self.gate.available_permits(), self.mind());
        mind.is_crowded &= free < mind.allowed;
        if mind.is_crowded { free.max(1) } else { mind.allowed * each }
    }

    /// A message went through.
    pub(crate) fn went_well(&self) {
        let mut mind = self.mind();
        if mind.allowed == self.most {
            return;
        }
        mind.good += 1;
        if mind.good >= GOOD_FOR_ONE_MORE {
            mind.good = 0;
            mind.allowed += 1;
            if mind.owed > 0 {
                mind.owed -= 1;
            } else {
                self.gate.add_permits(1);
            }
        }
    }

    fn slow_down(&self, not_before: Moment) -> usize {
        let mut mind = self.mind();
        // Those that were under way together heard the same complaint.
        if mind.not_before.is_none_or(|until| until <= Moment::now()) {
            let fewer = (mind.allowed / 2).max(1);
            let given_up = mind.allowed - fewer;
            mind.owed += given_up - self.gate.forget_permits(given_up);
            mind.allowed = fewer;
        }
        mind.good = 0;
        mind.not_before = Some(not_before);
        mind.allowed
    }

    fn mind(&self) -> MutexGuard<'_, Mind> {
        self.mind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mind {
    fn taken(&mut self) -> Moment {
        self.last_moved = Moment::now();
        self.in_use.push(self.last_moved);
        self.last_moved
    }

    /// Connections opened beside others that are more than those which still hang, once the one since `since` is back.
    fn came_free(&mut self, since: Moment, hang_after: Duration) -> usize {
        self.last_moved = Moment::now();
        if let Some(at) = self.in_use.iter().position(|taken| *taken == since) {
            self.in_use.swap_remove(at);
        }
        let hanging = self.in_use.iter().filter(|taken| taken.elapsed() >= hang_after).count();
        self.beside.saturating_sub(hanging)
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        let mut mind = self.pace.mind();
        let too_many = mind.came_free(self.since, self.pace.hang_after);
        match self.permit.take() {
            Some(permit) if mind.owed > 0 => {
                mind.owed -= 1;
                permit.forget();
            }
            permit => drop(permit),
        }
        mind.beside -= self.pace.gate.forget_permits(too_many);
        if mind.is_crowded {
            self.pace.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paces() -> Paces {
        Paces::new(4).with_breath(Duration::ZERO)
    }

    async fn entered(pace: &Arc<Pace>) -> Option<Leave> {
        timeout(Duration::from_millis(50), pace.enter(|| false)).await.ok().flatten()
    }

    #[tokio::test]
    async fn a_complaint_halves_the_connections_down_to_one() {
        let paces = paces();
        assert_eq!([(); 4].map(|()| paces.slow_down("a")), [2, 1, 1, 1]);
        assert_eq!(paces.of("b").allowed(), 4, "nobody else");
        let pace = paces.of("a");
        let only = entered(&pace).await.expect("one may");
        assert!(entered(&pace).await.is_none());
        drop(only);
        assert!(entered(&pace).await.is_some());
    }

    #[tokio::test]
    async fn connections_in_use_are_given_up_as_they_come_back() {
        let paces = paces();
        let pace = paces.of("a");
        let mut used = Vec::new();
        for _ in 0..4 {
            used.push(entered(&pace).await.expect("four may"));
        }
        paces.slow_down("a");
        used.truncate(2);
        assert!(entered(&pace).await.is_none(), "two are in use, and two may be");
        used.clear();
        let _two = (entered(&pace).await.expect("one"), entered(&pace).await.expect("two"));
        assert!(entered(&pace).await.is_none());
    }

    #[tokio::test]
    async fn good_messages_bring_the_connections_back_slowly() {
        let paces = paces();
        let pace = paces.of("a");
        paces.slow_down("a");
        paces.slow_down("a");
        for _ in 0..GOOD_FOR_ONE_MORE - 1 {
            pace.went_well();
        }
        assert_eq!(pace.allowed(), 1);
        for _ in 0..10 * GOOD_FOR_ONE_MORE {
            pace.went_well();
        }
        assert_eq!(pace.allowed(), 4);
        let mut used = Vec::new();
        for _ in 0..4 {
            used.push(entered(&pace).await.expect("four may again"));
        }
        assert!(entered(&pace).await.is_none());
    }

    #[tokio::test]
    async fn beside_connections_that_hang_others_are_opened_and_given_up_again() {
        let paces = Paces { hang_after: Duration::from_millis(20), ..Paces::new(2) };
        let pace = paces.of("a");
        let mut hung = Vec::new();
        for n in 0..8 {
            let leave = entered(&pace).await;
            assert!(leave.is_some(), "{n}");
            hung.extend(leave);
            pace.mind().is_crowded = true;
            tokio::time::sleep(Duration::from_millis(30)).await;
            assert_eq!(pace.is_stuck(), n == 7, "{n}");
        }
        drop(hung);
        let (_one, _two) = (entered(&pace).await.expect("two may again"), entered(&pace).await.expect("two"));
        assert!(entered(&pace).await.is_none(), "and no more");
    }

    /// The server is slow, and now and then nobody has anything to send: nothing hung, so nothing is opened beside it.
    #[tokio::test]
    async fn a_slow_server_and_idle_hours_open_no_more_connections() {
        let paces = Paces { hang_after: Duration::from_millis(60), ..Paces::new(1) };
        let pace = paces.of("a");
        for burst in 0..4 {
            for message in 0..3 {
                let leave = entered(&pace).await;
                assert!(leave.is_some(), "{burst} {message}");
                pace.mind().is_crowded = true;
                tokio::time::sleep(Duration::from_millis(15)).await;
                assert!(pace.is_stuck(), "{burst} {message}: in use for a quarter of what hangs");
            }
            tokio::time::sleep(Duration::from_millis(90)).await;
        }
        assert_eq!(pace.gate.available_permits(), 1);
    }

    /// One hangs for good, and what was opened beside it is used: there are never more than one beside it.
    #[tokio::test]
    async fn what_is_opened_beside_one_that_hangs_lasts_as_long_as_that() {
        let paces = Paces { hang_after: Duration::from_millis(20), ..Paces::new(1) };
        let pace = paces.of("a");
        let hangs = entered(&pace).await.expect("one may");
        pace.mind().is_crowded = true;
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert!(!pace.is_stuck());
        for n in 0..3 {
            let beside = entered(&pace).await;
            assert!(beside.is_some(), "{n}: beside it");
            assert!(entered(&pace).await.is_none(), "{n}: and no more");
        }
        drop(hangs);
        let _only = entered(&pace).await.expect("one may");
        assert!(entered(&pace).await.is_none());
    }

    #[test]
    fn one_complaint_of_many_at_once_counts_once() {
        let paces = Paces::new(8);
        assert_eq!([(); 4].map(|()| paces.slow_down("a")), [4, 4, 4, 4]);
        assert!(paces.of("a").is_waiting());
    }
}
