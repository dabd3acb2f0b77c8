//! The circuit breaker of an account: one certain fault opens it, of a doubtful one it takes several in a row.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use acuse_domain::Instant;
use acuse_domain::delivery::{Outcome, Problem};
use acuse_domain::mail_problem::{Certainty, ProblemCode};
use acuse_store::pauses::{Fault, OFTEN, SELDOM};
use chrono::TimeDelta;

/// Doubtful failures in a row, each a while after the other, that open it.
const DOUBTS_IN_A_ROW: u32 = 3;
/// An unreachable server does for so many attempts, over so long: its owner hears of it, and its deliveries do not use up their
/// two days.
const UNREACHABLE_IN_A_ROW: u32 = 5;
const UNREACHABLE_FOR: TimeDelta = TimeDelta::minutes(30);

/// What an attempt does to the circuit breaker of the account it was made with. The breaker itself is the account's pause in
/// the store: closed without one, open with one, half-open while a probe or one delivery tries whether it works again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transition {
    None,
    /// The server let it in and listened to whom the mail is for.
    Close,
    /// Nothing more is begun for a while; then one delivery at a time.
    BackOff,
    /// As many at once were too many.
    Throttle,
    Open,
}

/// What an attempt says of the account it was made with.
#[derive(Debug, PartialEq, Eq)]
enum Sign<'a> {
    AtFault(&'a Problem),
    /// The server let it in and listened to whom the mail is for.
    Works,
    /// It ended before that.
    Unproven(&'a Problem),
    /// The server was not asked at all.
    Nothing,
}

fn sign_of(outcome: &Outcome) -> Sign<'_> {
    match outcome {
        Outcome::AccountAtFault { problem } => Sign::AtFault(problem),
        Outcome::Refused { problem } if problem.code == ProblemCode::MessageNotComposed => Sign::Nothing,
        Outcome::TryLater { problem, .. } if !matches!(problem.phase, "recipient" | "message") => Sign::Unproven(problem),
        Outcome::Accepted { .. } | Outcome::Refused { .. } | Outcome::InDoubt { .. } | Outcome::TryLater { .. } => Sign::Works,
    }
}

/// Failures of accounts that have not been seen to work since, by pool key. They live as long as the process: forgetting them
/// costs two more attempts.
#[derive(Default)]
pub(crate) struct CircuitBreakers(Mutex<HashMap<String, Failures>>);

#[derive(Debug, Clone, Copy)]
struct Failures {
    /// Doubtful ones in a row.
    doubtful: u32,
    /// Attempts in a row that did not reach the server.
    unreachable: u32,
    since: Instant,
    last: Instant,
}

impl CircuitBreakers {
    /// `begun` is when the attempt began: what was under way when the last trouble was seen is the same trouble.
    pub(crate) fn after(&self, account: &str, outcome: &Outcome, probing: bool, begun: Instant, now: Instant) -> Transition {
        if let Outcome::TryLater { problem, .. } = outcome
            && problem.code == ProblemCode::RateLimited
        {
            return Transition::Throttle;
        }
        match sign_of(outcome) {
            Sign::Works => {
                self.locked().remove(account);
                Transition::Close
            }
            Sign::Nothing => Transition::None,
            Sign::AtFault(_) | Sign::Unproven(_) if probing => Transition::Open,
            Sign::AtFault(problem) | Sign::Unproven(problem) if problem.code.certainty() == Certainty::Doubtful => {
                let counted = self.count(account, begun, now, |failures| failures.doubtful += 1);
                if counted.doubtful >= DOUBTS_IN_A_ROW { Transition::Open } else { Transition::BackOff }
            }
            Sign::AtFault(_) => Transition::Open,
            Sign::Unproven(problem) if problem.code.certainty() == Certainty::Unreachable => {
                let counted = self.count(account, begun, now, |failures| failures.unreachable += 1);
                let is_enough = counted.unreachable >= UNREACHABLE_IN_A_ROW && now - counted.since >= UNREACHABLE_FOR;
                if is_enough { Transition::Open } else { Transition::None }
            }
            Sign::Unproven(_) => Transition::None,
        }
    }

    /// When a doubtful fault was last seen, if it was not enough for a pause and nothing has gone well since. Never after
    /// `now`: a clock that is set back holds nobody up.
    pub(crate) fn last_doubtful(&self, account: &str, now: Instant) -> Option<Instant> {
        let mut all = self.locked();
        let failures = all.get_mut(account).filter(|failures| failures.doubtful > 0)?;
        failures.last = failures.last.min(now);
        Some(failures.last)
    }

    /// It is open now, or the account was changed: what comes next is counted anew.
    pub(crate) fn reset(&self, account: &str) {
        self.locked().remove(account);
    }

    fn count(&self, account: &str, begun: Instant, now: Instant, add: impl FnOnce(&mut Failures)) -> Failures {
        let mut all = self.locked();
        let fresh = Failures { doubtful: 0, unreachable: 0, since: now, last: begun };
        let failures = all.entry(account.to_owned()).or_insert(fresh);
        // Seen after now: the clock was set back meanwhile.
        if begun >= failures.last || failures.last > now {
            failures.since = failures.since.min(now);
            add(failures);
            failures.last = now;
        }
        *failures
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<String, Failures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A doubtful fault that does not pause the account is no reason to hold up the delivery for longer than its usual wait.
pub(crate) fn softened(outcome: Outcome, transition: Transition) -> Outcome {
    match outcome {
        Outcome::AccountAtFault { problem } if transition == Transition::BackOff => Outcome::TryLater { problem, wait: None },
        other => other,
    }
}

/// As the store keeps it, with how often the account may be tried.
pub(crate) fn fault(problem: &Problem) -> Fault<'_> {
    let is_unreachable = problem.code.certainty() == Certainty::Unreachable;
    Fault {
        problem_code: problem.code.as_str(),
        reply: &problem.reply,
        phase: problem.phase,
        probe_after: if is_unreachable { OFTEN } else { SELDOM },
    }
}

/// The problem that an outcome is about; none where it was accepted.
pub(crate) fn problem_of(outcome: &Outcome) -> Option<&Problem> {
    match outcome {
        Outcome::Accepted { .. } => None,
        Outcome::TryLater { problem, .. }
        | Outcome::Refused { problem }
        | Outcome::InDoubt { problem }
        | Outcome::AccountAtFault { problem } => Some(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Instant {
        Instant::default() + TimeDelta::minutes(minutes)
    }

    fn fails(code: ProblemCode) -> Outcome {
        Outcome::AccountAtFault { problem: Problem { code, reply: String::new(), phase: "auth" } }
    }

    fn later(code: ProblemCode, phase: &'static str) -> Outcome {
        Outcome::TryLater { problem: Problem { code, reply: String::new(), phase }, wait: None }
    }

    fn seen(breakers: &CircuitBreakers, outcome: &Outcome, minute: i64) -> Transition {
        breakers.after("a", outcome, false, at(minute), at(minute))
    }

    #[test]
    fn a_wrong_password_is_certain_at_once() {
        for code in [
            ProblemCode::BadCredentials,
            ProblemCode::CertificateExpired,
            ProblemCode::SmtpAuthDisabled,
            ProblemCode::SenderNotAllowed,
        ] {
            assert_eq!(seen(&CircuitBreakers::default(), &fails(code), 0), Transition::Open, "{code}");
        }
    }

    #[test]
    fn a_doubtful_fault_takes_three_in_a_row() {
        for outcome in [fails(ProblemCode::ServerRefusesUs), later(ProblemCode::AuthTemporarilyRefused, "auth")] {
            let breakers = CircuitBreakers::default();
            let said: Vec<_> = (0..3).map(|minute| seen(&breakers, &outcome, minute)).collect();
            assert_eq!(said, [Transition::BackOff, Transition::BackOff, Transition::Open]);
        }
        let breakers = CircuitBreakers::default();
        seen(&breakers, &fails(ProblemCode::IpBlocked), 0);
        seen(&breakers, &fails(ProblemCode::IpBlocked), 1);
        assert_eq!(seen(&breakers, &Outcome::Accepted { reply: String::new() }, 2), Transition::Close);
        assert_eq!(seen(&breakers, &fails(ProblemCode::IpBlocked), 3), Transition::BackOff, "not in a row any more");
    }

    #[test]
    fn what_failed_together_counts_once() {
        let breakers = CircuitBreakers::default();
        for _ in 0..10 {
            let said = breakers.after("a", &fails(ProblemCode::ServerRefusesUs), false, at(0), at(1));
            assert_eq!(said, Transition::BackOff);
        }
    }

    #[test]
    fn a_server_that_is_unreachable_is_given_half_an_hour() {
        let away = later(ProblemCode::ConnectionRefused, "connect");
        let breakers = CircuitBreakers::default();
        for minute in [0, 1, 6, 21] {
            assert_eq!(seen(&breakers, &away, minute), Transition::None);
        }
        assert_eq!(seen(&breakers, &away, 51), Transition::Open);
        let many = CircuitBreakers::default();
        for minute in 0..30 {
            assert_eq!(seen(&many, &away, minute), Transition::None, "{minute}");
        }
        assert_eq!(seen(&many, &away, 30), Transition::Open);
    }

    #[test]
    fn a_recipients_own_trouble_says_nothing_against_the_account() {
        for outcome in [
            later(ProblemCode::MailboxFull, "recipient"),
            later(ProblemCode::Greylisted, "recipient"),
            later(ProblemCode::Timeout, "message"),
        ] {
            let breakers = CircuitBreakers::default();
            for minute in 0..60 {
                assert_eq!(seen(&breakers, &outcome, minute), Transition::Close);
            }
        }
    }

    #[test]
    fn a_probe_proves_or_it_does_not() {
        for outcome in [fails(ProblemCode::ServerRefusesUs), later(ProblemCode::ConnectionRefused, "connect")] {
            assert_eq!(CircuitBreakers::default().after("a", &outcome, true, at(0), at(0)), Transition::Open);
        }
    }
}
