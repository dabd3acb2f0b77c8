//! When a server's certificate ends: the one thing that is read of it here. Whether it is to be trusted, rustls has decided.

use acuse_domain::Instant;
use chrono::NaiveDateTime;

/// DER's universal tags (X.690 8) that stand in the way to a certificate's validity (RFC 5280 4.1).
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The certificate's `notAfter`. Nothing where the bytes do not have that form.
pub(crate) fn ends_at(der: &[u8]) -> Option<Instant> {
    let (_, certificate, _) = element(der).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, to_be_signed, _) = element(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (first, _, after_first) = element(to_be_signed)?;
    // The version stands there only where it is not the first.
    let serial_on = if first == VERSION { after_first } else { to_be_signed };
    let (_, _, signature_on) = element(serial_on)?;
    let (_, _, issuer_on) = element(signature_on)?;
    let (_, _, validity_on) = element(issuer_on)?;
    let (_, validity, _) = element(validity_on).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, _, not_after_on) = element(validity)?;
    let (tag, not_after, _) = element(not_after_on)?;
    moment(tag, std::str::from_utf8(not_after).ok()?)
}

/// An element's tag, its content, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // The length itself is so many bytes long; four are more than any certificate has.
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (length.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

/// RFC 5280 4.1.2.5: `YYMMDDHHMMSSZ` until 2049, then `YYYYMMDDHHMMSSZ`.
fn moment(tag: u8, written: &str) -> Option<Instant> {
    let whole = match tag {
        UTC_TIME => format!("{}{written}", if written.get(..2)? < "50" { "20" } else { "19" }),
        GENERALIZED_TIME => written.to_owned(),
        _ => return None,
    };
    NaiveDateTime::parse_from_str(&whole, "%Y%m%d%H%M%SZ").ok().map(|at| at.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Certificate → tbsCertificate → version?, serial, algorithm, issuer, validity.
    fn certificate(version: &[u8], not_after: &[u8]) -> Vec<u8> {
        let validity = [b"\x17\x0d260101000000Z", not_after].concat();
        let parts = [version, b"\x02\x01\x05", b"\x30\x00", b"\x30\x00", &wrapped(&validity)].concat();
        wrapped(&wrapped(&parts))
    }

    fn wrapped(content: &[u8]) -> Vec<u8> {
        [&[SEQUENCE, 0x81, u8::try_from(content.len()).unwrap()], content].concat()
    }

    #[test]
    fn both_ways_of_writing_the_end_are_read() {
        let at = |text: &str| text.parse::<Instant>().ok();
        let version = b"\xa0\x03\x02\x01\x02";
        assert_eq!(ends_at(&certificate(version, b"\x17\x0d261211235959Z")), at("2026-12-11T23:59:59Z"));
        assert_eq!(ends_at(&certificate(b"", b"\x17\x0d991231235959Z")), at("1999-12-31T23:59:59Z"));
        assert_eq!(ends_at(&certificate(version, b"\x18\x0f20510102030405Z")), at("2051-01-02T03:04:05Z"));
    }

    #[test]
    fn whatever_else_comes_has_no_end() {
        let whole = certificate(b"\xa0\x03\x02\x01\x02", b"\x17\x0d261211235959Z");
        for cut in 0..whole.len() {
            assert_eq!(ends_at(&whole[..cut]), None);
        }
        for wrong in [&b"\x17\x0d269911235959Z"[..], b"\x04\x0d261211235959Z", b"\x17\x00", b"\x17\x0d2612112359\xff9Z"] {
            assert_eq!(ends_at(&certificate(b"", wrong)), None);
        }
        assert_eq!(ends_at(b"\x30\x84\xff\xff\xff\xff"), None);
        assert_eq!(ends_at(b"\x30\x80\x00\x00"), None);
    }
}
