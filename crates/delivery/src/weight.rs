//! How much an account's trouble weighs: one certain fault is enough for it to rest, of a doubtful one it takes several.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use acuse_domain::Instant;
use acuse_domain::delivery::{Outcome, Problem};
use acuse_store::pauses::{Fault, OFTEN, SELDOM};
use chrono::TimeDelta;

use crate::accounts::{Sign, sign_of};

/// What a sound account meets now and then. Three in a row, each a while after the other, and it rests.
const DOUBTFUL: [&str; 10] = [
    // Busy servers greet with 421 or 554 for a minute.
    "server_refuses_us",
    // Somebody on the way may take it out of one answer.
    "starttls_not_offered",
    // A server that lost its certificate says 454 to STARTTLS, and so does one that renews it.
    "starttls_broken",
    // A connection that is cut half-way looks like this as well.
    "tls_handshake_failed",
    // Also a 535 that says «temporary»: the server could not ask its directory. Who goes on hammering is locked out.
    "auth_temporarily_refused",
    // A proxy on the way answered; the server itself may be well.
    "not_smtp",
    // Blocklists come and go, and some servers ask the recipient's before they answer: the next one may take it.
    "ip_blocked",
    // Judged anew by each recipient's provider.
    "domain_not_authenticated",
    // Directories of large providers lag.
    "sender_not_found",
    // Somebody empties it.
    "sender_mailbox_full",
];
const DOUBTS_IN_A_ROW: u32 = 3;

/// The server is out of reach, or not itself: it may be back in a minute, and every delivery waits by itself. Only where this
/// goes on does the account rest, so that its owner hears of it and its deliveries do not use up their two days.
const AWAY: [&str; 9] = [
    "dns_failed",
    "connection_refused",
    "connection_timeout",
    "network_unreachable",
    "timeout",
    "connection_lost",
    "protocol_error",
    "server_shutting_down",
    "server_temporary_error",
];
const AWAY_IN_A_ROW: u32 = 5;
const AWAY_FOR: TimeDelta = TimeDelta::minutes(30);

/// What an attempt means for the account it was made with, and for the turn it was made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sentence {
    GoesOn,
    /// The server let it in and listened to whom the mail is for.
    Works,
    /// Nothing more is begun for a while; then one delivery at a time.
    StepsBack,
    /// As many at once were too many.
    SlowsDown,
    Rests,
}

/// Troubles of accounts that have not been seen to work since, by pool key. They live as long as the process: a forgotten
/// suspicion costs two more attempts.
#[derive(Default)]
pub(crate) struct Suspicions(Mutex<HashMap<String, Suspicion>>);

#[derive(Debug, Clone, Copy)]
struct Suspicion {
    in_a_row: u32,
    away_in_a_row: u32,
    since: Instant,
    last: Instant,
}

impl Suspicions {
    /// `begun` is when the attempt began: what was under way when the last trouble was seen is the same trouble.
    pub(crate) fn sentence(&self, account: &str, outcome: &Outcome, probing: bool, begun: Instant, now: Instant) -> Sentence {
        if let Outcome::TryLater { problem, .. } = outcome
            && problem.code == "rate_limited"
        {
            return Sentence::SlowsDown;
        }
        match sign_of(outcome) {
            Sign::Works => {
                self.locked().remove(account);
                Sentence::Works
            }
            Sign::Nothing => Sentence::GoesOn,
            Sign::AtFault(_) | Sign::Unproven(_) if probing => Sentence::Rests,
            Sign::AtFault(problem) | Sign::Unproven(problem) if DOUBTFUL.contains(&problem.code.as_str()) => {
                let grown = self.grow(account, begun, now, |suspicion| suspicion.in_a_row += 1);
                if grown.in_a_row >= DOUBTS_IN_A_ROW { Sentence::Rests } else { Sentence::StepsBack }
            }
            Sign::AtFault(_) => Sentence::Rests,
            Sign::Unproven(problem) if AWAY.contains(&problem.code.as_str()) => {
                let grown = self.grow(account, begun, now, |suspicion| suspicion.away_in_a_row += 1);
                let is_enough = grown.away_in_a_row >= AWAY_IN_A_ROW && now - grown.since >= AWAY_FOR;
                if is_enough { Sentence::Rests } else { Sentence::GoesOn }
            }
            Sign::Unproven(_) => Sentence::GoesOn,
        }
    }

    /// When a doubtful fault was last seen, if it was not enough for a rest and nothing has gone well since. Never after
    /// `now`: a clock that is set back holds nobody up.
    pub(crate) fn doubted_at(&self, account: &str, now: Instant) -> Option<Instant> {
        let mut all = self.locked();
        let suspicion = all.get_mut(account).filter(|suspicion| suspicion.in_a_row > 0)?;
        suspicion.last = suspicion.last.min(now);
        Some(suspicion.last)
    }

    /// It rests now, or was changed: what comes next is a new story.
    pub(crate) fn forget(&self, account: &str) {
        self.locked().remove(account);
    }

    fn grow(&self, account: &str, begun: Instant, now: Instant, add: impl FnOnce(&mut Suspicion)) -> Suspicion {
        let mut all = self.locked();
        let fresh = Suspicion { in_a_row: 0, away_in_a_row: 0, since: now, last: begun };
        let suspicion = all.entry(account.to_owned()).or_insert(fresh);
        // Seen after now: the clock was set back meanwhile.
        if begun >= suspicion.last || suspicion.last > now {
            suspicion.since = suspicion.since.min(now);
            add(suspicion);
            suspicion.last = now;
        }
        *suspicion
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<String, Suspicion>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A doubtful fault that does not let the account rest is no reason to hold up the delivery for longer than its usual wait.
pub(crate) fn softened(outcome: Outcome, sentence: Sentence) -> Outcome {
    match outcome {
        Outcome::AccountAtFault { problem } if sentence == Sentence::StepsBack => Outcome::TryLater { problem, wait: None },
        other => other,
    }
}

/// As the store keeps it, with how often the account may be tried.
pub(crate) fn fault(problem: &Problem) -> Fault<'_> {
    let is_away = AWAY.contains(&problem.code.as_str());
    Fault {
        problem_code: &problem.code,
        reply: &problem.reply,
        phase: problem.phase,
        probe_after: if is_away { OFTEN } else { SELDOM },
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

    fn fails(code: &str) -> Outcome {
        Outcome::AccountAtFault { problem: Problem { code: code.into(), reply: String::new(), phase: "auth" } }
    }

    fn later(code: &str, phase: &'static str) -> Outcome {
        Outcome::TryLater { problem: Problem { code: code.into(), reply: String::new(), phase }, wait: None }
    }

    fn seen(suspicions: &Suspicions, outcome: &Outcome, minute: i64) -> Sentence {
        suspicions.sentence("a", outcome, false, at(minute), at(minute))
    }

    #[test]
    fn a_wrong_password_is_certain_at_once() {
        for code in ["bad_credentials", "certificate_expired", "smtp_auth_disabled", "sender_not_allowed", "a_new_code"] {
            assert_eq!(seen(&Suspicions::default(), &fails(code), 0), Sentence::Rests, "{code}");
        }
    }

    #[test]
    fn a_doubtful_fault_takes_three_in_a_row() {
        for outcome in [fails("server_refuses_us"), later("auth_temporarily_refused", "auth")] {
            let suspicions = Suspicions::default();
            let said: Vec<_> = (0..3).map(|minute| seen(&suspicions, &outcome, minute)).collect();
            assert_eq!(said, [Sentence::StepsBack, Sentence::StepsBack, Sentence::Rests]);
        }
        let suspicions = Suspicions::default();
        seen(&suspicions, &fails("ip_blocked"), 0);
        seen(&suspicions, &fails("ip_blocked"), 1);
        assert_eq!(seen(&suspicions, &Outcome::Accepted { reply: String::new() }, 2), Sentence::Works);
        assert_eq!(seen(&suspicions, &fails("ip_blocked"), 3), Sentence::StepsBack, "not in a row any more");
    }

    #[test]
    fn what_failed_together_counts_once() {
        let suspicions = Suspicions::default();
        for _ in 0..10 {
            let said = suspicions.sentence("a", &fails("server_refuses_us"), false, at(0), at(1));
            assert_eq!(said, Sentence::StepsBack);
        }
    }

    #[test]
    fn a_server_that_is_away_is_given_half_an_hour() {
        let away = later("connection_refused", "connect");
        let suspicions = Suspicions::default();
        for minute in [0, 1, 6, 21] {
            assert_eq!(seen(&suspicions, &away, minute), Sentence::GoesOn);
        }
        assert_eq!(seen(&suspicions, &away, 51), Sentence::Rests);
        let many = Suspicions::default();
        for minute in 0..30 {
            assert_eq!(seen(&many, &away, minute), Sentence::GoesOn, "{minute}");
        }
        assert_eq!(seen(&many, &away, 30), Sentence::Rests);
    }

    #[test]
    fn a_recipients_own_trouble_says_nothing_against_the_account() {
        for outcome in [later("mailbox_full", "recipient"), later("greylisted", "recipient"), later("timeout", "message")] {
            let suspicions = Suspicions::default();
            for minute in 0..60 {
                assert_eq!(seen(&suspicions, &outcome, minute), Sentence::Works);
            }
        }
    }

    #[test]
    fn a_probe_proves_or_it_does_not() {
        for outcome in [fails("server_refuses_us"), later("connection_refused", "connect")] {
            assert_eq!(Suspicions::default().sentence("a", &outcome, true, at(0), at(0)), Sentence::Rests);
        }
    }
}
