//! One message to one recipient, and its fate.

use std::time::Duration;

use crate::Instant;
use crate::mail_problem::ProblemCode;

/// Where a delivery stands. «Enviado» does not exist: only a server's answer makes `Accepted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    Queued,
    Sending,
    Accepted,
    Deferred,
    InDoubt,
    Failed,
    Bounced,
    Cancelled,
}

impl State {
    pub const ALL: [State; 8] = [
        State::Queued,
        State::Sending,
        State::Accepted,
        State::Deferred,
        State::InDoubt,
        State::Failed,
        State::Bounced,
        State::Cancelled,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Deferred => "deferred",
            Self::InDoubt => "in_doubt",
            Self::Failed => "failed",
            Self::Bounced => "bounced",
            Self::Cancelled => "cancelled",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == code)
    }

    /// The legal moves. A delivery's state changes by these and by nothing else.
    #[must_use]
    pub fn may_become(self, next: State) -> bool {
        use State::{Accepted, Bounced, Cancelled, Deferred, Failed, InDoubt, Queued, Sending};
        match self {
            Queued => matches!(next, Sending | Cancelled),
            // Back to the queue: the lease ended, the account rests, or the node is stopping. Cancelled: it did not go
            // through, and meanwhile its payment was voided.
            Sending => matches!(next, Accepted | Deferred | InDoubt | Failed | Queued | Cancelled),
            Deferred => matches!(next, Sending | Queued | Cancelled | Failed),
            InDoubt => matches!(next, Sending | Queued | Accepted | Bounced | Failed | Cancelled),
            Accepted => matches!(next, Bounced),
            Failed | Bounced => matches!(next, Queued),
            Cancelled => false,
        }
    }

    /// A person may call it back. What is being sent, or may have arrived, is called back only by voiding its payment.
    #[must_use]
    pub const fn can_be_cancelled(self) -> bool {
        matches!(self, Self::Queued | Self::Deferred)
    }

    /// Nothing more happens by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Accepted | Self::Failed | Self::Bounced | Self::Cancelled)
    }

    /// It did not arrive, and nothing more happens by itself.
    #[must_use]
    pub const fn needs_a_person(self) -> bool {
        matches!(self, Self::Failed | Self::Bounced)
    }

    /// It waits for its time to be sent.
    #[must_use]
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::Queued | Self::Deferred | Self::InDoubt)
    }

    /// In which group it stands. What waits for an account that does not send needs a person, however it came to wait;
    /// what a server puts off needs nobody.
    #[must_use]
    pub const fn group(self, account_is_stopped: bool, is_resolved: bool) -> Group {
        match self {
            Self::Accepted => Group::Accepted,
            Self::Cancelled => Group::Cancelled,
            Self::Failed | Self::Bounced if is_resolved => Group::Resolved,
            Self::Failed | Self::Bounced => Group::WithProblems,
            Self::Queued | Self::Deferred | Self::InDoubt if account_is_stopped => Group::WithProblems,
            Self::Queued | Self::Deferred | Self::InDoubt | Self::Sending => Group::UnderWay,
        }
    }

    /// The exact word on the screen; `Deferred` is followed by the time of the next attempt.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "En cola",
            Self::Sending => "Enviando",
            Self::Accepted => "Aceptado por el servidor",
            Self::Deferred => "Reintentando",
            Self::InDoubt => "Por confirmar",
            Self::Failed => "Falló",
            Self::Bounced => "Rebotado",
            Self::Cancelled => "Anulado",
        }
    }
}

/// Who has to do something next. Every page, list and count shows these groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// A person has to act for the mail to arrive.
    WithProblems,
    /// Nobody has to.
    UnderWay,
    Accepted,
    /// It failed, and that is over: another mail took its place, its payment was voided, or a person said so.
    Resolved,
    Cancelled,
}

impl Group {
    pub const ALL: [Group; 5] = [Self::WithProblems, Self::UnderWay, Self::Accepted, Self::Resolved, Self::Cancelled];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WithProblems => "with_problems",
            Self::UnderWay => "under_way",
            Self::Accepted => "accepted",
            Self::Resolved => "resolved",
            Self::Cancelled => "cancelled",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.as_str() == code)
    }
}

/// Who has to act on a problem, and so what happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The account: it rests, its deliveries are kept, its owner is told.
    Account,
    /// Try again later.
    Later,
    /// This recipient's address.
    Recipient,
    /// This message.
    Message,
    /// Nobody knows whether it arrived.
    InDoubt,
}

/// What a failed attempt was about. `reply` are the server's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: ProblemCode,
    pub reply: String,
    /// The phase of the session in which it was seen: `dns`, `connect`, `greeting`, `tls`, `auth`, `sender`, `recipient`, `message`.
    pub phase: &'static str,
}

/// How one attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Accepted {
        reply: String,
    },
    /// Temporary. `wait` is what the server asked for, where it named a time.
    TryLater {
        problem: Problem,
        wait: Option<Duration>,
    },
    /// For good, and about this recipient or this message.
    Refused {
        problem: Problem,
    },
    /// The connection was lost after the final dot and before the reply.
    InDoubt {
        problem: Problem,
    },
    /// For good, and about the account: its address or password, not this delivery.
    AccountAtFault {
        problem: Problem,
    },
}

/// What is recorded after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Accepted,
    Retry {
        at: Instant,
    },
    ConfirmAgain {
        at: Instant,
    },
    Failed,
    /// Back to the queue, to wait until the account is mended.
    WaitForAccount,
}

impl Next {
    #[must_use]
    pub const fn state(self) -> State {
        match self {
            Self::Accepted => State::Accepted,
            Self::Retry { .. } => State::Deferred,
            Self::ConfirmAgain { .. } => State::InDoubt,
            Self::Failed => State::Failed,
            Self::WaitForAccount => State::Queued,
        }
    }

    #[must_use]
    pub const fn at(self) -> Option<Instant> {
        match self {
            Self::Retry { at } | Self::ConfirmAgain { at } => Some(at),
            Self::Accepted | Self::Failed | Self::WaitForAccount => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_queued_and_deferred_can_be_cancelled() {
        let cancellable: Vec<_> = State::ALL.into_iter().filter(|s| s.can_be_cancelled()).collect();
        assert_eq!(cancellable, [State::Queued, State::Deferred]);
        assert!(cancellable.into_iter().all(|state| state.may_become(State::Cancelled)));
    }

    #[test]
    fn a_second_send_follows_only_a_wait_a_doubt_or_a_persons_wish() {
        let sendable: Vec<_> = State::ALL.into_iter().filter(|s| s.may_become(State::Sending)).collect();
        assert_eq!(sendable, [State::Queued, State::Deferred, State::InDoubt]);
        assert!(!State::Accepted.may_become(State::Queued));
    }

    #[test]
    fn a_person_is_called_for_what_failed_and_for_what_no_account_sends() {
        use Group::{Accepted, Cancelled, Resolved, UnderWay, WithProblems};
        let group = |state: State| [(false, false), (true, false), (false, true), (true, true)].map(|(a, b)| state.group(a, b));
        let waits = [UnderWay, WithProblems, UnderWay, WithProblems];
        let fails = [WithProblems, WithProblems, Resolved, Resolved];
        for (state, groups) in [
            (State::Queued, waits),
            (State::Sending, [UnderWay; 4]),
            (State::Accepted, [Accepted; 4]),
            (State::Deferred, waits),
            (State::InDoubt, waits),
            (State::Failed, fails),
            (State::Bounced, fails),
            (State::Cancelled, [Cancelled; 4]),
        ] {
            assert_eq!(group(state), groups, "{state:?}");
        }
    }

    #[test]
    fn every_state_has_its_own_code() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
    }
}
