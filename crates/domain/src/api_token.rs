//! Tokens of the API: what one is made for, until when and from where it opens.

use std::fmt;
use std::net::IpAddr;

use chrono::{Months, NaiveTime, TimeDelta};
use ipnet::IpNet;

use crate::access::Scopes;
use crate::{Date, Instant, day_in_ecuador};

/// Days before its end from which on whoever keeps a token is told.
const TOLD_BEFORE: i64 = 14;
/// Years: what is looked at again no sooner is forgotten.
const LONGEST_LIFE: u32 = 5;
/// An office, its branches and a few servers.
pub const MOST_NETWORKS: usize = 20;

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    pub name: String,
    pub scopes: Scopes,
    /// The last day on which it opens; for ever where there is none.
    pub expires_on: Option<Date>,
    pub networks: Networks,
}

impl NewToken {
    /// For all that a token can be for, from everywhere and for ever.
    #[must_use]
    pub fn for_everything(name: &str) -> Self {
        Self { name: name.to_owned(), scopes: Scopes::all(), expires_on: None, networks: Networks::default() }
    }
}

/// How long a token may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    NinetyDays,
    Year,
}

impl Lifetime {
    /// The last day on which a token opens that is made today.
    #[must_use]
    pub fn ends_on(self, today: Date) -> Date {
        match self {
            Self::NinetyDays => today + TimeDelta::days(90),
            Self::Year => years_after(today, 1),
        }
    }
}

/// The last day that a token may be given today.
#[must_use]
pub fn latest_end(today: Date) -> Date {
    years_after(today, LONGEST_LIFE)
}

fn years_after(today: Date, years: u32) -> Date {
    today.checked_add_months(Months::new(12 * years)).unwrap_or(today)
}

/// When a token stops opening whose last day is this one: as the day ends in Ecuador.
#[must_use]
pub fn ends_at(last_day: Date) -> Instant {
    (last_day + TimeDelta::days(1)).and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(5)
}

#[must_use]
pub fn is_over(last_day: Date, now: Instant) -> bool {
    last_day < day_in_ecuador(now)
}

/// Whether it is time to make another one.
#[must_use]
pub fn ends_soon(last_day: Date, now: Instant) -> bool {
    let days = (last_day - day_in_ecuador(now)).num_days();
    (0..=TOLD_BEFORE).contains(&days)
}

/// From where a token opens; from everywhere where none is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Errs with the first that is neither an address nor a network.
    pub fn parse(written: &str) -> Result<Self, &str> {
        let parts =
            written.split(|letter: char| letter.is_whitespace() || [',', ';'].contains(&letter)).filter(|part| !part.is_empty());
        let mut networks: Vec<IpNet> = parts.map(|part| network(part).ok_or(part)).collect::<Result<_, _>>()?;
        networks.sort_unstable();
        networks.dedup();
        Ok(Self(networks))
    }

    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        self.0.is_empty()
    }

    /// As people write them: one address stands without its length.
    pub fn iter(&self) -> impl Iterator<Item = String> + '_ {
        let is_one = |network: &IpNet| network.prefix_len() == network.max_prefix_len();
        self.0.iter().map(move |network| if is_one(network) { network.addr().to_string() } else { network.to_string() })
    }

    /// Where they are named, an address that nobody knows is in none of them.
    #[must_use]
    pub fn include(&self, address: Option<IpAddr>) -> bool {
        let address = address.map(|address| address.to_canonical());
        self.is_everywhere() || address.is_some_and(|address| self.0.iter().any(|network| network.contains(&address)))
    }
}

/// `190.152.4.0/24`, `2001:db8::/32`, or one address alone.
fn network(written: &str) -> Option<IpNet> {
    let alone = || written.parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical()));
    written.parse::<IpNet>().ok().map(|network| network.trunc()).or_else(alone)
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn a_token_opens_until_its_last_day_ends_in_ecuador() {
        let last = day("2027-11-24");
        assert_eq!(ends_at(last), at("2027-11-25T05:00:00Z"));
        assert!(!is_over(last, at("2027-11-25T04:59:59Z")) && is_over(last, at("2027-11-25T05:00:00Z")));
        for (now, soon) in [
            ("2027-11-10T04:59:59Z", false),
            ("2027-11-10T05:00:00Z", true),
            ("2027-11-24T12:00:00Z", true),
            ("2027-11-25T12:00:00Z", false),
        ] {
            assert_eq!(ends_soon(last, at(now)), soon, "{now}");
        }
    }

    #[test]
    fn a_life_is_ninety_days_a_year_or_a_day_within_five_years() {
        let today = day("2028-02-29");
        assert_eq!(Lifetime::NinetyDays.ends_on(today), day("2028-05-29"));
        assert_eq!(Lifetime::Year.ends_on(today), day("2029-02-28"));
        assert_eq!(latest_end(today), day("2033-02-28"));
    }

    #[test]
    fn networks_are_read_as_people_write_them() {
        let read = |text| Networks::parse(text).map(|found| found.to_string());
        assert_eq!(
            read(" 190.152.4.9/24; 10.0.0.1\n2001:DB8::/32, 10.0.0.1"),
            Ok("10.0.0.1, 190.152.4.0/24, 2001:db8::/32".into())
        );
        assert_eq!(read("::ffff:10.0.0.1"), Ok("10.0.0.1".into()));
        assert_eq!(read(""), Ok(String::new()));
        for wrong in ["190.152.4", "190.152.4.0/33", "casa", "10.0.0.0/8/8"] {
            assert_eq!(read(wrong), Err(wrong));
        }
    }

    #[test]
    fn a_token_opens_from_its_networks_and_from_everywhere_where_none_is_named() {
        let networks = Networks::parse("190.152.4.0/24, 2001:db8::/32").unwrap();
        for (address, is_in) in [
            ("190.152.4.9", true),
            ("190.152.5.9", false),
            ("::ffff:190.152.4.9", true),
            ("2001:db8::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(networks.include(Some(address.parse().unwrap())), is_in, "{address}");
        }
        assert!(!networks.include(None), "from nobody knows where");
        assert!(Networks::default().include(None));
    }
}
