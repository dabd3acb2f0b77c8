//! What follows an attempt. Pure: the same outcome at the same moment gives the same answer.

use acuse_domain::Instant;
use acuse_domain::delivery::{Next, Outcome};
use chrono::TimeDelta;

/// After the first, second, third and fourth failure; hourly from then on.
const WAIT_MINUTES: [i64; 4] = [1, 5, 15, 30];
const THEN_MINUTES: i64 = 60;
/// A receipt that was tried for this long in vain has failed. Time that it waited for its account does not count.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::hours(48);
/// A doubt is settled by sending once more, with the same Message-ID, when the first copy has had time to show up.
const CONFIRM_AFTER: TimeDelta = TimeDelta::minutes(15);
/// A wait is stretched by up to a tenth, so that what failed together does not come back together.
const JITTER_PERMILLE: i64 = 100;

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Attempts so far, the one that just ended included.
    pub attempts: i32,
    /// How long it has been put off before this attempt, all waits together. The clock is not asked: it may be set forward.
    pub put_off_for: TimeDelta,
    /// An attempt before this one ended in doubt.
    pub was_in_doubt: bool,
}

/// Decides what is recorded. `chance` is 0 to 999 and spreads the waits.
#[must_use]
pub fn after(outcome: &Outcome, progress: Progress, now: Instant, chance: i64) -> Next {
    match outcome {
        Outcome::Accepted { .. } => Next::Accepted,
        Outcome::Refused { .. } => Next::Failed,
        Outcome::AccountAtFault { .. } => Next::WaitForAccount,
        Outcome::InDoubt { .. } if progress.was_in_doubt => Next::Failed,
        Outcome::InDoubt { .. } => Next::ConfirmAgain { at: now + CONFIRM_AFTER },
        Outcome::TryLater { wait, .. } => {
            let asked = wait.and_then(|wait| TimeDelta::from_std(wait).ok()).unwrap_or_default();
            let wait = stretched(usual_wait(progress.attempts), chance).max(asked);
            let is_too_late = progress.put_off_for > TimeDelta::zero() && progress.put_off_for + wait > GIVE_UP_AFTER;
            if is_too_late { Next::Failed } else { Next::Retry { at: now + wait } }
        }
    }
}

/// How long something has been put off that was tried so often, where nobody wrote the waits down: never longer than it has
/// been there.
#[must_use]
pub fn put_off_for(attempts: i32, queued_at: Instant, now: Instant) -> TimeDelta {
    let by_its_attempts: TimeDelta = (1..attempts.clamp(1, 100)).map(usual_wait).sum();
    by_its_attempts.min((now - queued_at).max(TimeDelta::zero()))
}

fn usual_wait(attempts: i32) -> TimeDelta {
    let index = usize::try_from(attempts.max(1) - 1).unwrap_or_default();
    TimeDelta::minutes(WAIT_MINUTES.get(index).copied().unwrap_or(THEN_MINUTES))
}

fn stretched(wait: TimeDelta, chance: i64) -> TimeDelta {
    let most = wait.num_milliseconds() * JITTER_PERMILLE / 1_000;
    wait + TimeDelta::milliseconds(most * chance.clamp(0, 999) / 999)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use acuse_domain::delivery::Problem;
    use acuse_domain::mail_problem::ProblemCode;

    use super::*;

    fn at(minutes: i64) -> Instant {
        chrono::DateTime::from_timestamp(1_764_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
    }

    fn problem() -> Problem {
        Problem { code: ProblemCode::Greylisted, reply: "450 4.2.0 later".into(), phase: "recipient" }
    }

    fn later(wait_minutes: Option<u64>) -> Outcome {
        Outcome::TryLater { problem: problem(), wait: wait_minutes.map(|m| Duration::from_secs(m * 60)) }
    }

    fn progress(attempts: i32) -> Progress {
        Progress { attempts, put_off_for: TimeDelta::zero(), was_in_doubt: false }
    }

    #[test]
    fn waits_grow_from_a_minute_to_an_hour() {
        for (attempts, minutes) in [(1, 1), (2, 5), (3, 15), (4, 30), (5, 60), (40, 60)] {
            assert_eq!(after(&later(None), progress(attempts), at(100), 0), Next::Retry { at: at(100 + minutes) }, "{attempts}");
        }
    }

    #[test]
    fn waits_are_spread_by_at_most_a_tenth() {
        assert_eq!(after(&later(None), progress(5), at(0), 999), Next::Retry { at: at(66) });
    }

    #[test]
    fn a_server_that_names_a_time_is_obeyed() {
        assert_eq!(after(&later(Some(90)), progress(1), at(0), 0), Next::Retry { at: at(90) });
    }

    #[test]
    fn after_two_days_it_has_failed() {
        let put_off = |minutes| Progress { put_off_for: TimeDelta::minutes(minutes), ..progress(50) };
        assert_eq!(after(&later(None), put_off(47 * 60), at(7), 0), Next::Retry { at: at(67) });
        assert_eq!(after(&later(None), put_off(47 * 60 + 1), at(7), 0), Next::Failed);
        assert_eq!(after(&later(Some(49 * 60)), put_off(1), at(7), 0), Next::Failed);
    }

    #[test]
    fn what_waited_for_its_account_for_days_is_still_tried() {
        assert_eq!(after(&later(None), progress(4), at(100 * 60), 0), Next::Retry { at: at(100 * 60 + 30) });
    }

    #[test]
    fn a_clock_that_is_set_forward_makes_nobody_give_up() {
        assert_eq!(put_off_for(3, at(0), at(6)), TimeDelta::minutes(6));
        assert_eq!(put_off_for(3, at(0), at(100 * 24 * 60)), TimeDelta::minutes(6), "by what its attempts waited");
        assert_eq!(put_off_for(60, at(0), at(100 * 24 * 60)), TimeDelta::minutes(51 + 55 * 60));
        assert_eq!(put_off_for(3, at(0), at(-24 * 60)), TimeDelta::zero());
    }

    #[test]
    fn a_doubt_is_settled_once() {
        let doubt = Outcome::InDoubt { problem: problem() };
        assert_eq!(after(&doubt, progress(1), at(0), 0), Next::ConfirmAgain { at: at(15) });
        assert_eq!(after(&doubt, Progress { was_in_doubt: true, ..progress(2) }, at(16), 0), Next::Failed);
    }

    #[test]
    fn a_fault_of_the_account_never_marks_the_recipient() {
        let fault = Outcome::AccountAtFault { problem: problem() };
        assert_eq!(after(&fault, progress(50), at(60 * 100), 0), Next::WaitForAccount);
    }
}
