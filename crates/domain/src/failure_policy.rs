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
    /// What a policy may say, by its codes.
    pub const CODES: [&str; 2] = [Self::WAIT, Self::USE_DEFAULT];
    pub const WAIT: &str = "wait";
    pub const USE_DEFAULT: &str = "use_default";

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wait => Self::WAIT,
            Self::UseDefault { .. } => Self::USE_DEFAULT,
        }
    }

    /// How long the own account rests before the default one sends.
    #[must_use]
    pub const fn after(self) -> Option<PatienceHours> {
        match self {
            Self::Wait => None,
            Self::UseDefault { after } => Some(after),
        }
    }

    /// From when on the default account sends for one that rests since then; never where the company waits.
    #[must_use]
    pub fn default_sends_from(self, resting_since: Instant) -> Option<Instant> {
        match self {
            Self::Wait => None,
            Self::UseDefault { after } => Some(resting_since + TimeDelta::hours(i64::from(after.0))),
        }
    }
}

/// Who sends for a module at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendsNow {
    Own,
    /// Because the company has none of its own, or in the place of one that rests.
    Default,
    /// What there is rests: the deliveries wait.
    Waits,
    Nobody,
}

/// An account, and since when it rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    pub resting_since: Option<Instant>,
}

/// The company's own enabled account for a module, and the installation's default one behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    pub own: Option<Link>,
    pub default: Option<Link>,
    pub on_failure: OnFailure,
    /// Somebody asked the default account to send once what was queued until then.
    pub asked_until: Option<Instant>,
}

impl Chain {
    #[must_use]
    pub fn sends_now(self, now: Instant) -> SendsNow {
        match self.own {
            Some(Link { resting_since: None }) => SendsNow::Own,
            Some(_) if self.default_works() && self.default_sends_from().is_some_and(|from| from <= now) => SendsNow::Default,
            Some(_) => SendsNow::Waits,
            None if self.default_works() => SendsNow::Default,
            None if self.default.is_some() => SendsNow::Waits,
            None => SendsNow::Nobody,
        }
    }

    #[must_use]
    pub fn default_works(self) -> bool {
        self.default.is_some_and(|default| default.resting_since.is_none())
    }

    /// What was queued until then goes out through the default account while the own one waits.
    #[must_use]
    pub fn default_sends_until(self) -> Option<Instant> {
        self.asked_until.filter(|_| self.default_works())
    }

    /// From when on the default account sends for an own one that rests.
    #[must_use]
    pub fn default_sends_from(self) -> Option<Instant> {
        self.default?;
        self.on_failure.default_sends_from(self.own?.resting_since?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_account_sends_where_there_is_no_other_and_for_one_that_rested_long_enough() {
        let now = Instant::default() + TimeDelta::hours(10);
        let works = Some(Link { resting_since: None });
        let rests = Some(Link { resting_since: Some(Instant::default()) });
        let (wait, four) = (OnFailure::Wait, OnFailure::UseDefault { after: PatienceHours::USUAL });
        let day = OnFailure::UseDefault { after: PatienceHours(24) };
        for (own, default, on_failure, sends) in [
            (works, works, wait, SendsNow::Own),
            (works, None, four, SendsNow::Own),
            (rests, works, wait, SendsNow::Waits),
            (rests, works, four, SendsNow::Default),
            (rests, works, day, SendsNow::Waits),
            (rests, rests, four, SendsNow::Waits),
            (rests, None, four, SendsNow::Waits),
            (None, works, wait, SendsNow::Default),
            (None, rests, four, SendsNow::Waits),
            (None, None, four, SendsNow::Nobody),
        ] {
            assert_eq!(
                Chain { own, default, on_failure, asked_until: None }.sends_now(now),
                sends,
                "{own:?} {default:?} {on_failure:?}"
            );
        }
    }

    #[test]
    fn the_default_account_sends_what_somebody_asked_for_while_it_works() {
        let works = Some(Link { resting_since: None });
        let rests = Some(Link { resting_since: Some(Instant::default()) });
        let asked = Some(Instant::default());
        let until =
            |default, asked_until| Chain { own: rests, default, on_failure: OnFailure::Wait, asked_until }.default_sends_until();
        assert_eq!([until(works, asked), until(works, None), until(rests, asked), until(None, asked)], [asked, None, None, None]);
    }

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
