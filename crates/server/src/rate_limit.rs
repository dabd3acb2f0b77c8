//! How often the API may be called: each token, and each network that calls without one. Counted by the process, in memory that
//! does not grow with who calls (docs/decisions/0029-rate-limits.md).

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use acuse_domain::id::TokenId;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;
use governor::{Quota, RateLimiter};
use ipnet::IpNet;

/// draft-ietf-httpapi-ratelimit-headers-10.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// Seconds within which the quota is good, and comes back.
const WINDOW: u64 = 60;
/// Keys of which the count is known, some 50 bytes each; whoever comes beyond them shares one.
const MOST_KEYS: usize = 10_000;
/// Bits of an IPv6 address that one customer of a provider holds (RFC 6177).
const ONE_NETWORK: u8 = 64;

/// The limits of a process; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallsPerMinute {
    pub of_a_token: u32,
    /// Of those who call without a token that opens, by network.
    pub without_token: u32,
}

pub(crate) struct RateLimits {
    tokens: Option<Limit<TokenId>>,
    strangers: Option<Limit<IpNet>>,
}

impl RateLimits {
    pub fn new(calls: CallsPerMinute) -> Self {
        Self { tokens: Limit::new("token", calls.of_a_token), strangers: Limit::new("network", calls.without_token) }
    }

    /// Counts a call with a token that opens.
    pub fn take(&self, token: TokenId) -> Result<HeaderMap, TooMany> {
        self.tokens.as_ref().map_or_else(|| Ok(HeaderMap::new()), |limit| limit.take(token))
    }

    /// Counts a call without one. Those whose address is not known count as one.
    pub fn take_of_stranger(&self, from: Option<IpAddr>) -> Result<HeaderMap, TooMany> {
        self.strangers.as_ref().map_or_else(|| Ok(HeaderMap::new()), |limit| limit.take(network_of(from)))
    }
}

fn network_of(from: Option<IpAddr>) -> IpNet {
    let address = from.map_or(IpAddr::from([0, 0, 0, 0]), |address| address.to_canonical());
    match address {
        IpAddr::V4(_) => address.into(),
        IpAddr::V6(_) => IpNet::new(address, ONE_NETWORK).map_or(address.into(), |network| network.trunc()),
    }
}

/// The quota is used up.
pub(crate) struct TooMany {
    pub headers: HeaderMap,
    /// Until one call is let through again.
    pub seconds: u64,
}

/// A quota that refills evenly: all of it at once, or one call each part of the minute.
struct Limit<K: Hash + Eq + Clone> {
    name: &'static str,
    quota: NonZeroU32,
    counts: RateLimiter<K, Counts<K>, DefaultClock, StateInformationMiddleware>,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(name: &'static str, per_minute: u32) -> Option<Self> {
        let quota = NonZeroU32::new(per_minute)?;
        let counts = RateLimiter::new(Quota::per_minute(quota), Counts::default(), DefaultClock::default());
        Some(Self { name, quota, counts })
    }

    fn take(&self, key: K) -> Result<HeaderMap, TooMany> {
        if self.counts.len() >= MOST_KEYS {
            self.counts.retain_recent();
        }
        match self.counts.check_key(&key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let missing = u64::from(self.quota.get().saturating_sub(remaining));
                Ok(self.headers(remaining, (missing * WINDOW).div_ceil(u64::from(self.quota.get()))))
            }
            Err(until) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                let seconds = whole_seconds(wait);
                Err(TooMany { headers: self.headers(0, seconds), seconds })
            }
        }
    }

    fn headers(&self, remaining: u32, seconds: u64) -> HeaderMap {
        let Self { name, quota, .. } = self;
        let fields = [(POLICY, format!("\"{name}\";q={quota};w={WINDOW}")), (LIMIT, format!("\"{name}\";r={remaining};t={seconds}"))];
        let value = |(field, text): (HeaderName, String)| Some((field, HeaderValue::try_from(text).ok()?));
        fields.into_iter().filter_map(value).collect()
    }
}

/// As Retry-After counts, and never none.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// Until when the calls of each key use up its quota.
struct Counts<K>(Mutex<Kept<K>>);

struct Kept<K> {
    of: HashMap<K, Nanos>,
    of_the_others: Option<Nanos>,
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(Mutex::new(Kept { of: HashMap::new(), of_the_others: None }))
    }
}

impl<K> Counts<K> {
    fn kept(&self) -> MutexGuard<'_, Kept<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq + Clone> StateStore for Counts<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut kept = self.kept();
        if kept.of.len() >= MOST_KEYS && !kept.of.contains_key(key) {
            let (outcome, next) = measure(kept.of_the_others)?;
            kept.of_the_others = Some(next);
            return Ok(outcome);
        }
        let (outcome, next) = measure(kept.of.get(key).copied())?;
        kept.of.insert(key.clone(), next);
        Ok(outcome)
    }
}

impl<K: Hash + Eq + Clone> ShrinkableKeyedStateStore<K> for Counts<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        self.kept().of.retain(|_, until| *until > drop_below);
    }

    fn len(&self) -> usize {
        self.kept().of.len()
    }

    fn is_empty(&self) -> bool {
        self.kept().of.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(headers: &HeaderMap) -> (&str, &str) {
        (headers["ratelimit-policy"].to_str().unwrap(), headers["ratelimit"].to_str().unwrap())
    }

    #[test]
    fn a_quota_is_used_up_and_says_when_it_comes_back() {
        let limit = Limit::new("token", 3).unwrap();
        for left in [("2", "20"), ("1", "40"), ("0", "60")] {
            let headers = limit.take(1).ok().expect("within the quota");
            assert_eq!(said(&headers), ("\"token\";q=3;w=60", format!("\"token\";r={};t={}", left.0, left.1).as_str()));
        }
        let too_many = limit.take(1).err().expect("beyond it");
        assert_eq!((too_many.seconds, said(&too_many.headers).1), (20, "\"token\";r=0;t=20"));
        assert!(limit.take(2).is_ok(), "another one has a quota of its own");
        assert!(Limit::<u8>::new("token", 0).is_none());
    }

    #[test]
    fn as_many_as_ever_call_no_more_is_kept_of_them() {
        let limit = Limit::new("network", 60).unwrap();
        for key in 0..MOST_KEYS + 60 {
            assert!(limit.take(key).is_ok(), "{key}");
        }
        assert_eq!(limit.counts.len(), MOST_KEYS);
        assert!(limit.take(usize::MAX).is_err(), "those beyond share one quota");
        assert!(limit.take(0).is_ok(), "those before have their own");
    }

    #[test]
    fn a_network_is_an_address_or_what_a_customer_holds() {
        let of = |address: &str| network_of(Some(address.parse().unwrap())).to_string();
        assert_eq!(of("190.152.4.9"), "190.152.4.9/32");
        assert_eq!(of("::ffff:190.152.4.9"), "190.152.4.9/32");
        assert_eq!(of("2001:db8:1:2:3::4"), "2001:db8:1:2::/64");
        assert_eq!(network_of(None).to_string(), "0.0.0.0/32");
    }
}
