//! Names and addresses of machines, as people write them and as the DNS knows them.

use std::net::{Ipv4Addr, Ipv6Addr};

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

/// The other way to write an internationalised name: punycode for letters, letters for punycode. Nothing where there is
/// only one. Two names that look alike differ there.
#[must_use]
pub fn other_spelling(host: &str) -> Option<String> {
    let ascii = ascii_host(host)?;
    let other = if host.is_ascii() { in_letters(&ascii) } else { ascii };
    (other != host.to_lowercase()).then_some(other)
}

pub(crate) fn in_letters(ascii: &str) -> String {
    idna::domain_to_unicode(ascii).0
}

/// The text is a number where a name should end, and no address.
#[derive(Debug, PartialEq, Eq)]
struct NotAnAddress;

/// An IPv4 address in any spelling that the C library reads (inet_aton): one to four parts, each decimal, octal (`0177`)
/// or hexadecimal (`0x7f`), the last one filling what is left. Nothing for what is a name: no domain ends in a number
/// (WHATWG URL 3.5, «ends in a number»).
fn read_ipv4(host: &str) -> Result<Option<Ipv4Addr>, NotAnAddress> {
    let parts: Vec<&str> = host.split('.').collect();
    let last = parts.last().copied().unwrap_or_default();
    let is_number = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()) || number(last).is_some();
    if !is_number {
        return Ok(None);
    }
    let numbers: Vec<u32> = parts.iter().copied().map(number).collect::<Option<_>>().ok_or(NotAnAddress)?;
    let (rest, firsts) = numbers.split_last().ok_or(NotAnAddress)?;
    let whole = firsts.iter().try_fold(0u32, |whole, part| (*part <= 255).then_some(whole << 8 | part)).ok_or(NotAnAddress)?;
    let left = 4_usize.checked_sub(firsts.len()).filter(|left| *left > 0).ok_or(NotAnAddress)?;
    let fits = left == 4 || *rest >> (8 * left) == 0;
    let whole = if left == 4 { 0 } else { whole << (8 * left) };
    if fits { Ok(Some(Ipv4Addr::from_bits(whole | rest))) } else { Err(NotAnAddress) }
}

fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    // A sign would be read too; «0x» alone is zero, as the C library and browsers have it.
    match digits {
        "" if radix == 16 => Some(0),
        digits if digits.bytes().all(|b| b.is_ascii_alphanumeric()) => u32::from_str_radix(digits, radix).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_means_the_same_in_every_spelling() {
        let read = |text| read_ipv4(text).map(|found| found.map(|address| address.to_string()));
        for here in ["127.0.0.1", "2130706433", "0177.0.0.1", "0x7f.1", "127.1", "0x7F000001", "017700000001", "127.0.1"] {
            assert_eq!(read(here), Ok(Some("127.0.0.1".to_owned())), "{here}");
        }
        assert_eq!(read("0"), Ok(Some("0.0.0.0".to_owned())));
        assert_eq!(read("255.255.255.255"), Ok(Some("255.255.255.255".to_owned())));
        for name in ["empresa.ec", "1.ec", "0x7f.empresa.ec", "x1", "mail-1", "1a", "0xempresa"] {
            assert_eq!(read(name), Ok(None), "{name}");
        }
        for neither in ["256.0.0.1", "1.2.3.4.5", "4294967296", "1.2.3.256", "1.16777216", "08.8.8.8", "mail.1", "a.0x1"] {
            assert_eq!(read(neither), Err(NotAnAddress), "{neither}");
        }
    }

    #[test]
    fn an_internationalised_name_has_two_spellings_and_others_one() {
        assert_eq!(other_spelling("correo.ñandú.ec").as_deref(), Some("correo.xn--and-6ma2c.ec"));
        assert_eq!(other_spelling("correo.xn--and-6ma2c.ec").as_deref(), Some("correo.ñandú.ec"));
        for plain in ["smtp.gmail.com", "127.0.0.1", "2001:db8::1", "no es un servidor"] {
            assert_eq!(other_spelling(plain), None, "{plain}");
        }
    }
}
