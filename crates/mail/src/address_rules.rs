//! Which network addresses are public, and which an operator has allowed although they are not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IANA's special-purpose IPv4 blocks that are not globally reachable (RFC 6890), multicast, reserved, and Azure's
/// metadata address, which stands in public space.
const NOT_PUBLIC_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Only 2000::/3 is global unicast (RFC 4291); inside it, IETF assignments with Teredo, documentation, and 6to4.
const NOT_PUBLIC_V6: &[(Ipv6Addr, u32)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];
const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// RFC 6052: the last 32 bits are an IPv4 address.
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Whether anybody on the internet would reach the same machine under this address.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(v4) => !NOT_PUBLIC_V4.iter().any(|&(network, bits)| holds_v4(network, bits, v4)),
        IpAddr::V6(v6) => {
            holds_v6(GLOBAL_UNICAST.0, GLOBAL_UNICAST.1, v6)
                && !NOT_PUBLIC_V6.iter().any(|&(network, bits)| holds_v6(network, bits, v6))
        }
    }
}

/// The IPv4 address that an IPv6 one stands for (mapped, or translated by NAT64), else the address itself.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return IpAddr::V4(v4);
    }
    if holds_v6(NAT64.0, NAT64.1, v6) {
        let [.., a, b, c, d] = v6.octets();
        return IpAddr::V4(Ipv4Addr::new(a, b, c, d));
    }
    address
}

/// An operator's exception: a network such as `10.0.0.0/8` or `fd00::/8`, an address, or a host name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Allowed {
    Network(IpAddr, u32),
    Host(String),
}

impl Allowed {
    /// Errs where the text is neither a network, an address nor a host name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some((address, bits)) = text.split_once('/') {
            let address: IpAddr = address.parse().ok()?;
            let bits: u32 = bits.parse().ok()?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            return (bits <= most).then_some(Self::Network(address, bits));
        }
        if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Some(Self::Network(address, if address.is_ipv4() { 32 } else { 128 }));
        }
        let is_name = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '-' || c == '_');
        let name = idna::domain_to_ascii(text).ok().filter(|_| is_name)?;
        Some(Self::Host(name.trim_end_matches('.').to_owned()))
    }

    pub(crate) fn allows(&self, host: &str, address: IpAddr) -> bool {
        match (self, plain(address)) {
            (Self::Host(name), _) => name.eq_ignore_ascii_case(host.trim_end_matches('.')),
            (Self::Network(IpAddr::V4(network), bits), IpAddr::V4(v4)) => holds_v4(*network, *bits, v4),
            (Self::Network(IpAddr::V6(network), bits), IpAddr::V6(v6)) => holds_v6(*network, *bits, v6),
            (Self::Network(..), _) => false,
        }
    }
}

fn holds_v4(network: Ipv4Addr, bits: u32, address: Ipv4Addr) -> bool {
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    network.to_bits() & mask == address.to_bits() & mask
}

fn holds_v6(network: Ipv6Addr, bits: u32, address: Ipv6Addr) -> bool {
    let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
    network.to_bits() & mask == address.to_bits() & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_inside_is_public() {
        for inside in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2001::1",
            "3fff::1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        for outside in
            ["8.8.8.8", "172.32.0.1", "100.128.0.1", "142.250.0.1", "2a00:1450::1", "64:ff9b::808:808", "::ffff:8.8.8.8"]
        {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn an_operator_allows_networks_addresses_and_names() {
        let allows = |rule: &str, host: &str, address: &str| Allowed::parse(rule).unwrap().allows(host, address.parse().unwrap());
        assert!(allows("10.0.0.0/8", "x", "10.255.0.1"));
        assert!(allows("10.0.0.0/8", "x", "::ffff:10.255.0.1"));
        assert!(!allows("10.0.0.0/8", "x", "11.0.0.1"));
        assert!(allows("127.0.0.1", "x", "127.0.0.1") && !allows("127.0.0.1", "x", "127.0.0.2"));
        assert!(allows("::1", "x", "::1") && allows("[::1]", "x", "::1"));
        assert!(allows("0.0.0.0/0", "x", "127.0.0.1") && !allows("0.0.0.0/0", "x", "::1"));
        assert!(allows("Correo.Compañía.ec", "correo.xn--compaa-7va5a.ec", "127.0.0.1"));
        assert!(allows("Correo.Local", "correo.local.", "127.0.0.1") && !allows("correo.local", "otro.local", "127.0.0.1"));
        for wrong in ["", "10.0.0.0/33", "10.0.0/8x", "a b", "http://x"] {
            assert_eq!(Allowed::parse(wrong), None, "{wrong:?}");
        }
    }
}
