//! What a company wishes for its mail while an account of its own does not work.

use std::fmt;

use super::{Errors, addresses};
use crate::contact::MOST_ADDRESSES;
use crate::failure_policy::{FailurePolicy, OnFailure, PatienceHours};
use crate::message::{Message, messages};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyInput {
    pub on_failure: Option<String>,
    pub after_hours: Option<String>,
    pub notify: Option<Vec<String>>,
}

/// `Display` is its name in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    OnFailure,
    AfterHours,
    /// `None` is the list as a whole.
    Notify(Option<usize>),
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnFailure => f.write_str("on_failure"),
            Self::AfterHours => f.write_str("after_hours"),
            Self::Notify(None) => f.write_str("notify"),
            Self::Notify(Some(index)) => write!(f, "notify.{index}"),
        }
    }
}

impl PolicyInput {
    /// The policy with what was given. Hours that nobody gave, or that were cleared, are the usual ones.
    pub fn apply_to(self, mut policy: FailurePolicy) -> Result<FailurePolicy, Errors<Field>> {
        let mut errors = Errors::default();
        let code = match self.on_failure.as_deref() {
            None => Some(policy.on_failure.as_str()),
            Some(given) => errors.keep(Field::OnFailure, known(given)),
        };
        let given = self.after_hours.as_deref().map(str::trim).filter(|typed| !typed.is_empty());
        let hours = given.and_then(|typed| errors.keep(Field::AfterHours, hours(typed)));
        if code == Some(OnFailure::WAIT) && hours.is_some() {
            errors.add(Field::AfterHours, messages::hours_without_default());
        }
        let kept = policy.on_failure.after().filter(|_| self.after_hours.is_none());
        policy.on_failure = match code {
            Some(OnFailure::USE_DEFAULT) => OnFailure::UseDefault { after: hours.or(kept).unwrap_or(PatienceHours::USUAL) },
            _ => OnFailure::Wait,
        };
        if let Some(typed) = &self.notify {
            policy.notify = addresses(typed, MOST_ADDRESSES, Field::Notify, &mut errors);
        }
        errors.check(policy)
    }
}

fn known(given: &str) -> Result<&'static str, Message> {
    let known = OnFailure::CODES.into_iter().find(|code| *code == given);
    known.ok_or_else(|| messages::value_unknown(OnFailure::CODES.join(", ")))
}

fn hours(typed: &str) -> Result<PatienceHours, Message> {
    let hours = typed.parse().ok().and_then(PatienceHours::new);
    hours.ok_or_else(|| messages::hours_invalid(i32::from(PatienceHours::MOST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_failure(policy: FailurePolicy, code: Option<&str>, hours: Option<&str>) -> Result<Option<u8>, &'static str> {
        let text = |given: Option<&str>| given.map(str::to_owned);
        let input = PolicyInput { on_failure: text(code), after_hours: text(hours), notify: None };
        let read = input.apply_to(policy).map(|policy| policy.on_failure.after().map(PatienceHours::get));
        read.map_err(|errors| errors.into_iter().next().map_or("", |(_, message)| message.code()))
    }

    #[test]
    fn hours_are_those_given_or_kept_or_the_usual_and_none_while_it_waits() {
        let eight = || FailurePolicy {
            on_failure: OnFailure::UseDefault { after: PatienceHours::new(8).expect("hours") },
            notify: Vec::new(),
        };
        let (waits, default, wait) = (FailurePolicy::default, Some(OnFailure::USE_DEFAULT), Some(OnFailure::WAIT));
        assert_eq!(on_failure(eight(), None, None), Ok(Some(8)));
        assert_eq!(on_failure(eight(), None, Some("")), Ok(Some(4)), "cleared");
        assert_eq!(on_failure(eight(), wait, None), Ok(None));
        assert_eq!(on_failure(waits(), default, None), Ok(Some(4)));
        assert_eq!(on_failure(waits(), default, Some(" 12 ")), Ok(Some(12)));
        assert_eq!(on_failure(waits(), None, Some("9")), Err("hours_without_default"));
        assert_eq!(on_failure(eight(), wait, Some("9")), Err("hours_without_default"));
        assert_eq!(on_failure(waits(), wait, Some("")), Ok(None));
        for wrong in ["0", "73", "cuatro", "1.5", "-1"] {
            assert_eq!(on_failure(eight(), None, Some(wrong)), Err("hours_invalid"), "{wrong}");
        }
        assert_eq!(on_failure(eight(), Some("retry"), None), Err("value_unknown"));
    }
}
