//! What a company wishes for its mail while an account of its own does not work.

use chrono::TimeDelta;

use crate::Instant;
use crate::email_address::EmailAddress;

/// What happens then, and who is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FailurePolicy {
    pub on_failure: OnFailure,
    /// Empty: the owners, at the addresses they log in with.
    pub notify: Vec<EmailAddress>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// The deliveries wait until the account works again.
    #[default]
    Wait,
    /// The installation's default account sends once the own one has rested for so long.
    UseDefault { after: PatienceHours },
}

/// Whole hours from 1 to 72: after three days a receipt would be news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatienceHours(u8);

impl PatienceHours {
    pub const MOST: u8 = 72;
    /// Half a working day: long enough to mend an account, short enough for the receipt to leave today.
    pub const USUAL: PatienceHours = PatienceHours(4);

    #[must_use]
    pub fn new(hours: i64) -> Option<Self> {
        u8::try_from(hours).ok().filter(|hours| (1..=Self::MOST).contains(hours)).map(Self)
    }

    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl OnFailure {
    /// From when on the default account sends for one that rests since then; never where the company waits.
    #[must_use]
    pub fn default_sends_from(self, resting_since: Instant) -> Option<Instant> {
        match self {
            Self::Wait => None,
            Self::UseDefault { after } => Some(resting_since + TimeDelta::hours(i64::from(after.0))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_waits_unless_it_says_otherwise() {
        assert_eq!(FailurePolicy::default().on_failure.default_sends_from(Instant::default()), None);
        let after = OnFailure::UseDefault { after: PatienceHours::USUAL };
        assert_eq!(after.default_sends_from(Instant::default()), Some(Instant::default() + TimeDelta::hours(4)));
    }

    #[test]
    fn patience_goes_from_an_hour_to_three_days() {
        let taken: Vec<i64> = (-1..=300).filter(|hours| PatienceHours::new(*hours).is_some()).collect();
        assert_eq!((taken.first(), taken.last(), taken.len()), (Some(&1), Some(&72), 72));
    }
}
