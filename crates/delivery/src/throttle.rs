//! How many connections an account may hold at once: half once its provider says that these were too many, and slowly more
//! again (AIMD). Each account has a throttle of its own; one that is slowed down holds up nobody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Moment};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Nothing more is begun for so long after the provider said that it is too much. Most limits are counted by the minute.
const BACK_OFF: Duration = Duration::from_secs(30);
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

/// Of all accounts, by pool key.
pub(crate) struct Throttles {
    most: usize,
    back_off: Duration,
    hang_after: Duration,
    all: Mutex<HashMap<String, Arc<Throttle>>>,
    freed: Arc<Notify>,
}

/// One account's.
pub(crate) struct Throttle {
    most: usize,
    hang_after: Duration,
    gate: Arc<Semaphore>,
    state: Mutex<State>,
    /// Told when a connection comes free that somebody could not wait for.
    freed: Arc<Notify>,
}

struct State {
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

/// One connection may be used until this is dropped.
pub(crate) struct ConnectionPermit {
    throttle: Arc<Throttle>,
    since: Moment,
    permit: Option<OwnedSemaphorePermit>,
}

impl Throttles {
    pub(crate) fn new(most: usize) -> Self {
        let (most, all, freed) = (most.max(1), Mutex::default(), Arc::default());
        Self { most, back_off: BACK_OFF, hang_after: HANG_AFTER, all, freed }
    }

    pub(crate) fn with_back_off(self, back_off: Duration) -> Self {
        Self { back_off, ..self }
    }

    pub(crate) fn of(&self, account: &str) -> Arc<Throttle> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Throttle::new(self.most, self.hang_after, self.freed.clone()));
        all.entry(account.to_owned()).or_insert_with(new).clone()
    }

    /// Waits until a connection comes free that was missed.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// The provider said that it is too much: half the connections, after a while.
    pub(crate) fn slow_down(&self, account: &str) -> usize {
        self.of(account).slow_down(Moment::now() + self.back_off)
    }
}

impl Throttle {
    fn new(most: usize, hang_after: Duration, freed: Arc<Notify>) -> Self {
        let (not_before, last_moved, in_use) = (None, Moment::now(), Vec::new());
        let state = State { allowed: most, owed: 0, good: 0, not_before, last_moved, in_use, is_crowded: false, beside: 0 };
        Self { most, hang_after, gate: Arc::new(Semaphore::new(most)), state: Mutex::new(state), freed }
    }

    #[cfg(test)]
    fn allowed(&self) -> usize {
        self.state().allowed
    }

    /// Whether it is still backing off.
    pub(crate) fn is_backing_off(&self) -> bool {
        self.state().not_before.is_some_and(|until| until > Moment::now())
    }

    /// Waits until fewer than allowed are in use, whichever queue uses them. Nothing where none comes free for a while, or
    /// `is_over` says so: nobody may be held up for as long as a server may be silent.
    pub(crate) async fn acquire(self: &Arc<Self>, is_over: impl Fn() -> bool) -> Option<ConnectionPermit> {
        let begun = Moment::now();
        let entering = self.gate.clone().acquire_owned();
        tokio::pin!(entering);
        loop {
            if let Ok(permit) = timeout(LOOK_UP, &mut entering).await {
                let since = self.state().taken();
                // The gate is never closed.
                return Some(ConnectionPermit { throttle: self.clone(), since, permit: permit.ok() });
            }
            let mut state = self.state();
            if begun.max(state.last_moved).elapsed() >= STUCK_AFTER {
                state.is_crowded = true;
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
        let mut state = self.state();
        if self.gate.available_permits() > 0 || !state.is_crowded {
            return false;
        }
        if state.last_moved.elapsed() < self.hang_after || state.beside >= self.most * MOST_BESIDE {
            return true;
        }
        state.beside += 1;
        state.last_moved = Moment::now();
        self.gate.add_permits(1);
        false
    }

    /// As many messages as make sense to be claimed at once, of `each` for a connection.
    pub(crate) fn worth_claiming(&self, each: usize) -> usize {
        let (free, mut state) = (self.gate.available_permits(), self.state());
        state.is_crowded &= free < state.allowed;
        if state.is_crowded { free.max(1) } else { state.allowed * each }
    }

    /// A message went through.
    pub(crate) fn went_well(&self) {
        let mut state = self.state();
        if state.allowed == self.most {
            return;
        }
        state.good += 1;
        if state.good >= GOOD_FOR_ONE_MORE {
            state.good = 0;
            state.allowed += 1;
            if state.owed > 0 {
                state.owed -= 1;
            } else {
                self.gate.add_permits(1);
            }
        }
    }

    fn slow_down(&self, not_before: Moment) -> usize {
        let mut state = self.state();
        // Those that were under way together heard the same complaint.
        if state.not_before.is_none_or(|until| until <= Moment::now()) {
            let fewer = (state.allowed / 2).max(1);
            let given_up = state.allowed - fewer;
            state.owed += given_up - self.gate.forget_permits(given_up);
            state.allowed = fewer;
        }
        state.good = 0;
        state.not_before = Some(not_before);
        state.allowed
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
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

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut state = self.throttle.state();
        let too_many = state.came_free(self.since, self.throttle.hang_after);
        match self.permit.take() {
            Some(permit) if state.owed > 0 => {
                state.owed -= 1;
                permit.forget();
            }
            permit => drop(permit),
        }
        state.beside -= self.throttle.gate.forget_permits(too_many);
        if state.is_crowded {
            self.throttle.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttles() -> Throttles {
        Throttles::new(4).with_back_off(Duration::ZERO)
    }

    async fn entered(throttle: &Arc<Throttle>) -> Option<ConnectionPermit> {
        timeout(Duration::from_millis(50), throttle.acquire(|| false)).await.ok().flatten()
    }

    #[tokio::test]
    async fn a_complaint_halves_the_connections_down_to_one() {
        let throttles = throttles();
        assert_eq!([(); 4].map(|()| throttles.slow_down("a")), [2, 1, 1, 1]);
        assert_eq!(throttles.of("b").allowed(), 4, "nobody else");
        let throttle = throttles.of("a");
        let only = entered(&throttle).await.expect("one may");
        assert!(entered(&throttle).await.is_none());
        drop(only);
        assert!(entered(&throttle).await.is_some());
    }

    #[tokio::test]
    async fn connections_in_use_are_given_up_as_they_come_back() {
        let throttles = throttles();
        let throttle = throttles.of("a");
        let mut used = Vec::new();
        for _ in 0..4 {
            used.push(entered(&throttle).await.expect("four may"));
        }
        throttles.slow_down("a");
        used.truncate(2);
        assert!(entered(&throttle).await.is_none(), "two are in use, and two may be");
        used.clear();
        let _two = (entered(&throttle).await.expect("one"), entered(&throttle).await.expect("two"));
        assert!(entered(&throttle).await.is_none());
    }

    #[tokio::test]
    async fn good_messages_bring_the_connections_back_slowly() {
        let throttles = throttles();
        let throttle = throttles.of("a");
        throttles.slow_down("a");
        throttles.slow_down("a");
        for _ in 0..GOOD_FOR_ONE_MORE - 1 {
            throttle.went_well();
        }
        assert_eq!(throttle.allowed(), 1);
        for _ in 0..10 * GOOD_FOR_ONE_MORE {
            throttle.went_well();
        }
        assert_eq!(throttle.allowed(), 4);
        let mut used = Vec::new();
        for _ in 0..4 {
            used.push(entered(&throttle).await.expect("four may again"));
        }
        assert!(entered(&throttle).await.is_none());
    }

    #[tokio::test]
    async fn beside_connections_that_hang_others_are_opened_and_given_up_again() {
        let throttles = Throttles { hang_after: Duration::from_millis(20), ..Throttles::new(2) };
        let throttle = throttles.of("a");
        let mut hung = Vec::new();
        for n in 0..8 {
            let permit = entered(&throttle).await;
            assert!(permit.is_some(), "{n}");
            hung.extend(permit);
            throttle.state().is_crowded = true;
            tokio::time::sleep(Duration::from_millis(30)).await;
            assert_eq!(throttle.is_stuck(), n == 7, "{n}");
        }
        drop(hung);
        let (_one, _two) = (entered(&throttle).await.expect("two may again"), entered(&throttle).await.expect("two"));
        assert!(entered(&throttle).await.is_none(), "and no more");
    }

    /// The server is slow, and now and then nobody has anything to send: nothing hung, so nothing is opened beside it.
    #[tokio::test]
    async fn a_slow_server_and_idle_hours_open_no_more_connections() {
        let throttles = Throttles { hang_after: Duration::from_millis(60), ..Throttles::new(1) };
        let throttle = throttles.of("a");
        for burst in 0..4 {
            for message in 0..3 {
                let permit = entered(&throttle).await;
                assert!(permit.is_some(), "{burst} {message}");
                throttle.state().is_crowded = true;
                tokio::time::sleep(Duration::from_millis(15)).await;
                assert!(throttle.is_stuck(), "{burst} {message}: in use for a quarter of what hangs");
            }
            tokio::time::sleep(Duration::from_millis(90)).await;
        }
        assert_eq!(throttle.gate.available_permits(), 1);
    }

    /// One hangs for good, and what was opened beside it is used: there are never more than one beside it.
    #[tokio::test]
    async fn what_is_opened_beside_one_that_hangs_lasts_as_long_as_that() {
        let throttles = Throttles { hang_after: Duration::from_millis(20), ..Throttles::new(1) };
        let throttle = throttles.of("a");
        let hangs = entered(&throttle).await.expect("one may");
        throttle.state().is_crowded = true;
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert!(!throttle.is_stuck());
        for n in 0..3 {
            let beside = entered(&throttle).await;
            assert!(beside.is_some(), "{n}: beside it");
            assert!(entered(&throttle).await.is_none(), "{n}: and no more");
        }
        drop(hangs);
        let _only = entered(&throttle).await.expect("one may");
        assert!(entered(&throttle).await.is_none());
    }

    #[test]
    fn one_complaint_of_many_at_once_counts_once() {
        let throttles = Throttles::new(8);
        assert_eq!([(); 4].map(|()| throttles.slow_down("a")), [4, 4, 4, 4]);
        assert!(throttles.of("a").is_backing_off());
    }
}
