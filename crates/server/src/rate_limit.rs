//! How often the API may be called: each token, and each network that calls without one. Counted by the process, in memory that
//! does not grow with who calls (docs/decisions/0029-rate-limits.md).

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use acuse_domain::id::TokenId;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

/// draft-ietf-httpapi-ratelimit-headers-10.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// Within which the quota is good, and comes back.
const WINDOW: Duration = Duration::from_secs(60);
/// Keys of which the count is known, some 60 bytes each; whoever comes beyond them shares one.
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

/// A quota that refills evenly, of which all can be used at once: the generic cell rate algorithm (ITU-T I.371), which keeps of
/// each key only when its quota is whole again.
struct Limit<K> {
    name: &'static str,
    quota: u32,
    begun: Instant,
    counts: Mutex<Counts<K>>,
}

/// Moments are counted from when the process began.
struct Counts<K> {
    whole_at: HashMap<K, Duration>,
    of_the_others: Duration,
}

impl<K: Hash + Eq> Limit<K> {
    fn new(name: &'static str, quota: u32) -> Option<Self> {
        let counts = Counts { whole_at: HashMap::new(), of_the_others: Duration::ZERO };
        (quota > 0).then(|| Self { name, quota, begun: Instant::now(), counts: Mutex::new(counts) })
    }

    fn take(&self, key: K) -> Result<HeaderMap, TooMany> {
        self.take_at(key, self.begun.elapsed())
    }

    fn take_at(&self, key: K, now: Duration) -> Result<HeaderMap, TooMany> {
        let each = WINDOW / self.quota;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let whole_at = counts.of(key, now);
        let used = whole_at.saturating_sub(now) + each;
        if used > WINDOW {
            let seconds = whole_seconds(used - WINDOW);
            return Err(TooMany { headers: self.headers(0, seconds), seconds });
        }
        *whole_at = now + used;
        let remaining = (WINDOW - used).as_nanos() / each.as_nanos().max(1);
        Ok(self.headers(u32::try_from(remaining).unwrap_or(self.quota).min(self.quota), whole_seconds(used)))
    }

    fn headers(&self, remaining: u32, seconds: u64) -> HeaderMap {
        let Self { name, quota, .. } = self;
        let fields = [
            (POLICY, format!("\"{name}\";q={quota};w={}", WINDOW.as_secs())),
            (LIMIT, format!("\"{name}\";r={remaining};t={seconds}")),
        ];
        let value = |(field, text): (HeaderName, String)| Some((field, HeaderValue::try_from(text).ok()?));
        fields.into_iter().filter_map(value).collect()
    }
}

/// As Retry-After counts, and never none.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

impl<K: Hash + Eq> Counts<K> {
    /// Of this key, or where too many are known, of all that are not.
    fn of(&mut self, key: K, now: Duration) -> &mut Duration {
        if self.whole_at.len() >= MOST_KEYS && !self.whole_at.contains_key(&key) {
            self.whole_at.retain(|_, whole_at| *whole_at > now);
            if self.whole_at.len() >= MOST_KEYS {
                return &mut self.of_the_others;
            }
        }
        self.whole_at.entry(key).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(headers: &HeaderMap) -> (&str, &str) {
        (headers["ratelimit-policy"].to_str().unwrap(), headers["ratelimit"].to_str().unwrap())
    }

    const NOW: Duration = Duration::from_secs(1_000);

    fn later(seconds: u64) -> Duration {
        NOW + Duration::from_secs(seconds)
    }

    #[test]
    fn a_quota_is_used_up_and_comes_back_evenly() {
        let limit = Limit::new("token", 3).unwrap();
        for (left, whole_in) in [(2, 20), (1, 40), (0, 60)] {
            let headers = limit.take_at(1, NOW).ok().expect("within the quota");
            assert_eq!(said(&headers), ("\"token\";q=3;w=60", format!("\"token\";r={left};t={whole_in}").as_str()));
        }
        let too_many = limit.take_at(1, NOW).expect_err("beyond it");
        assert_eq!((too_many.seconds, said(&too_many.headers).1), (20, "\"token\";r=0;t=20"));
        assert!(limit.take_at(2, NOW).is_ok(), "another one has a quota of its own");
        assert_eq!(limit.take_at(1, later(19)).expect_err("too soon").seconds, 1);
        assert!(limit.take_at(1, later(20)).is_ok(), "a refused call uses nothing up");
        assert!(limit.take_at(1, later(20)).is_err(), "one came back, not all");
        let headers = limit.take_at(1, later(500)).ok().expect("all came back");
        assert_eq!(said(&headers).1, "\"token\";r=2;t=20");
        assert!(Limit::<u8>::new("token", 0).is_none());
    }

    #[test]
    fn any_quota_lets_through_as_many_as_it_says() {
        for quota in [1, 7, 60, 599, 600, 7_001] {
            let limit = Limit::new("token", quota).unwrap();
            let let_through = (0..quota + 5).filter(|_| limit.take_at((), NOW).is_ok()).count();
            assert_eq!(let_through, quota as usize);
        }
        let headers = Limit::new("token", u32::MAX).unwrap().take_at((), NOW).ok().unwrap();
        assert_eq!(said(&headers).1, format!("\"token\";r={};t=1", u32::MAX));
    }

    #[test]
    fn as_many_as_ever_call_no_more_is_kept_of_them() {
        let limit = Limit::new("network", 60).unwrap();
        for key in 0..MOST_KEYS + 60 {
            assert!(limit.take_at(key, NOW).is_ok(), "{key}");
        }
        let kept = || limit.counts.lock().unwrap().whole_at.len();
        assert_eq!(kept(), MOST_KEYS);
        assert!(limit.take_at(usize::MAX, NOW).is_err(), "those beyond share one quota");
        assert!(limit.take_at(0, NOW).is_ok(), "those before have their own");
        assert!(limit.take_at(usize::MAX, later(3)).is_ok());
        assert_eq!(kept(), 1, "whose quota is whole again is forgotten");
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
