//! Guessing passwords must take longer than it is worth. After five failures for an address each further one has to
//! wait, longer every time. Kept in memory: a restart forgives, and an attacker cannot cause one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use acuse_domain::Instant;
use chrono::TimeDelta;

/// Mistyping is human; guessing takes many more.
const FREE_FAILURES: u32 = 5;
const FIRST_WAIT_SECONDS: u32 = 5;
const LONGEST_WAIT_SECONDS: u32 = 15 * 60;
/// Failures older than this no longer count.
const MEMORY: TimeDelta = TimeDelta::hours(1);
/// Addresses remembered at once, some hundred bytes each.
const MOST_ADDRESSES: usize = 10_000;
/// Longer than any address (RFC 5321 4.5.3.1.3 allows 256 octets).
const LONGEST_KEY: usize = 256;

#[derive(Default)]
pub struct LoginGuard {
    failures: Mutex<HashMap<String, Failures>>,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knock {
    Welcome,
    /// Seconds.
    Wait(u32),
}

impl LoginGuard {
    /// Whether somebody may try this address now.
    #[must_use]
    pub fn knock(&self, address: &str, now: Instant) -> Knock {
        let known = self.lock();
        let Some(failures) = known.get(&key(address)) else { return Knock::Welcome };
        let until = failures.last + TimeDelta::seconds(i64::from(failures.wait()));
        match (until - now).num_milliseconds() {
            ..=0 => Knock::Welcome,
            left => Knock::Wait(u32::try_from(left.div_euclid(1000) + 1).unwrap_or(LONGEST_WAIT_SECONDS)),
        }
    }

    pub fn note_failure(&self, address: &str, now: Instant) {
        let mut known = self.lock();
        known.retain(|_, failures| now - failures.last < MEMORY);
        if known.len() >= MOST_ADDRESSES {
            known.clear();
        }
        let failures = known.entry(key(address)).or_insert(Failures { count: 0, last: now });
        *failures = Failures { count: failures.count.saturating_add(1), last: now };
    }

    /// It was them after all.
    pub fn forget(&self, address: &str) {
        self.lock().remove(&key(address));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failures {
    /// Seconds to wait after the last one: 5, 10, 20, …
    fn wait(self) -> u32 {
        match self.count.checked_sub(FREE_FAILURES) {
            None => 0,
            Some(doublings) => FIRST_WAIT_SECONDS.saturating_mul(1 << doublings.min(16)).min(LONGEST_WAIT_SECONDS),
        }
    }
}

fn key(address: &str) -> String {
    address.trim().to_lowercase().chars().take(LONGEST_KEY).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Instant {
        Instant::from_timestamp(1_795_539_600 + second, 0).expect("a moment")
    }

    #[test]
    fn after_five_failures_the_wait_grows() {
        let guard = LoginGuard::default();
        for second in 0..5 {
            assert_eq!(guard.knock("ana@x.ec", at(second)), Knock::Welcome);
            guard.note_failure("ana@x.ec", at(second));
        }
        assert_eq!(guard.knock(" Ana@X.ec ", at(5)), Knock::Wait(5));
        assert_eq!(guard.knock("otra@x.ec", at(5)), Knock::Welcome);
        assert_eq!(guard.knock("ana@x.ec", at(9)), Knock::Welcome);
        guard.note_failure("ana@x.ec", at(9));
        assert_eq!(guard.knock("ana@x.ec", at(10)), Knock::Wait(10));
        guard.forget("ana@x.ec");
        assert_eq!(guard.knock("ana@x.ec", at(10)), Knock::Welcome);
    }

    #[test]
    fn the_wait_has_an_end_and_failures_are_forgotten() {
        let guard = LoginGuard::default();
        for second in 0..100 {
            guard.note_failure("ana@x.ec", at(second));
        }
        assert_eq!(guard.knock("ana@x.ec", at(99)), Knock::Wait(901));
        guard.note_failure("otra@x.ec", at(99 + 3600));
        assert_eq!(guard.lock().len(), 1);
    }
}
