//! A host's one name, however it was typed.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::address_rules::read_ipv4;

/// RFC 1035 2.3.4.
const LONGEST_HOST: usize = 253;

/// The host as the DNS knows it: letters beyond ASCII as punycode, no final dot. An address, however it is spelled
/// (brackets, a zone, `127.1`, `0x7f000001`, full-width digits), as the one address that it means.
#[must_use]
pub fn ascii_host(host: &str) -> Option<String> {
    if let Some(v6) = read_ipv6(host) {
        return Some(v6.to_string());
    }
    let host = idna::domain_to_ascii(host).ok()?;
    let host = host.strip_suffix('.').unwrap_or(&host);
    let is_label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if host.len() > LONGEST_HOST || !host.split('.').all(is_label) {
        return None;
    }
    match read_ipv4(host) {
        Ok(address) => address.map(|address: Ipv4Addr| address.to_string()).or_else(|| Some(host.to_owned())),
        Err(_) => None,
    }
}

/// With or without brackets. A zone (RFC 4007 11) says through which card a neighbour is reached: it changes nothing
/// about which address that is, and whether it is allowed.
fn read_ipv6(host: &str) -> Option<Ipv6Addr> {
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    inner.split_once('%').map_or(inner, |(address, _)| address).parse().ok()
}
