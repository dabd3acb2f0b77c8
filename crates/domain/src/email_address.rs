//! Addresses as people type and paste them: one, or a list such as `a@x.ec;b@y.ec, Ana <c@z.ec>`.

mod list;
pub mod slip;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

use crate::message::{Message, Value, messages, said_by_message};
use crate::text;

/// RFC 5321 4.5.3.1.3: a path of 256 octets, less its angle brackets.
const LONGEST: usize = 254;
/// RFC 5321 4.5.3.1.1.
const LONGEST_LOCAL: usize = 64;
/// Bytes of one address as it is typed: four of UTF-8 for every octet that it may have, and room around it. What is longer
/// is not looked at.
pub const LONGEST_TYPED: usize = 1_200;
/// Letters of a wrong address that are said again.
const LONGEST_QUOTE: usize = 120;

/// One address that a mail can be sent to: a dot-atom, `@`, and a domain with a dot. The domain stands as UTS 46 maps it
/// (lower case, letters rather than punycode), the local part as typed, composed (NFC, RFC 6532 3.1). Letters beyond ASCII
/// in it need a server that takes them (RFC 6531).
///
/// What was read of it is what is kept: its text, read again, is the same address. Two are equal where people mean the same
/// by them: RFC 5321 2.4 lets a server tell `Ana@` from `ana@`, and none that people use does.
#[derive(Debug, Clone)]
pub struct EmailAddress(String);

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        text::is_same(&self.0, &other.0)
    }
}

impl Eq for EmailAddress {}

impl Hash for EmailAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        text::case_folded(&self.0).hash(state);
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidEmailAddress {
    pub typed: String,
}

impl InvalidEmailAddress {
    #[must_use]
    pub fn message(&self) -> Message {
        let meant = self.typed.replace(',', ".");
        if meant != self.typed && normal(&meant).is_some() {
            return messages::email_with_comma(&self.typed, meant);
        }
        if list::addresses_in(&self.typed).len() > 1 {
            return messages::email_only_one();
        }
        if self.typed.matches('@').count() > 1 {
            return messages::email_with_two_signs(&self.typed);
        }
        match self.typed.rsplit_once('@') {
            None => messages::email_without_sign(&self.typed),
            Some(("", _)) => messages::email_without_name(&self.typed),
            Some((_, "")) => messages::email_without_domain(&self.typed),
            Some((local, domain)) if local.contains(char::is_whitespace) || domain.contains(char::is_whitespace) => {
                messages::email_with_blank(&self.typed)
            }
            Some((_, domain)) if !domain.contains('.') => messages::email_incomplete(&self.typed),
            _ => messages::email_invalid(&self.typed),
        }
    }
}

/// Why a list of addresses cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidAddresses {
    Address(InvalidEmailAddress),
    TooMany { most: usize },
}

impl InvalidAddresses {
    #[must_use]
    pub fn message(&self) -> Message {
        match self {
            Self::Address(error) => error.message(),
            Self::TooMany { most } => messages::too_many_addresses(*most),
        }
    }
}

said_by_message!(InvalidEmailAddress, InvalidAddresses);

impl From<InvalidEmailAddress> for InvalidAddresses {
    fn from(error: InvalidEmailAddress) -> Self {
        Self::Address(error)
    }
}

impl EmailAddress {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }

    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// As people are known by it when they log in: without capitals, where that is an address too.
    #[must_use]
    pub fn lowercase(&self) -> Self {
        self.0.to_lowercase().parse().unwrap_or_else(|_| self.clone())
    }

    /// The domain as the DNS and mail servers know it: letters beyond ASCII in punycode (RFC 5890, A-labels).
    #[must_use]
    pub fn ascii_domain(&self) -> String {
        ascii_domain(self.domain()).map_or_else(|| self.domain().to_owned(), Cow::into_owned)
    }

    /// As it is written into envelopes and headers: the only part beyond ASCII can be the local part.
    #[must_use]
    pub fn on_the_wire(&self) -> String {
        format!("{}@{}", self.local_part(), self.ascii_domain())
    }

    /// What stands in a record that was written otherwise, made safe to show. It may be no address at all: see
    /// [`EmailAddress::is_readable`].
    #[must_use]
    pub fn as_kept(kept: &str) -> Self {
        kept.parse().unwrap_or_else(|_| Self(text::one_line(text::cut(kept, LONGEST))))
    }

    /// Whether it is an address that a mail can be sent to, and not only what an unreadable record holds.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.0.parse::<Self>().is_ok_and(|again| again == *self)
    }
}

impl From<&EmailAddress> for Value {
    fn from(address: &EmailAddress) -> Self {
        Self::Text(address.to_string())
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidEmailAddress;

    /// One address as it is typed, or pasted with what stands around it elsewhere: `Ana <a@x.ec>`, `mailto:a@x.ec`.
    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let alone = |typed: &str| match &parse_list(typed, 1).ok()?[..] {
            [only] => Some(only.0.clone()),
            _ => None,
        };
        let short = Some(typed).filter(|typed| typed.len() <= LONGEST_TYPED);
        let read = short.and_then(|typed| normal(typed).or_else(|| alone(typed)));
        read.map(Self).ok_or_else(|| InvalidEmailAddress::quoting(typed))
    }
}

impl InvalidEmailAddress {
    fn quoting(typed: &str) -> Self {
        Self { typed: text::one_line(text::cut(typed, LONGEST_QUOTE)) }
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a list as mail programs and spreadsheets put it on the clipboard, with names, quotes and separators of every kind,
/// and drops what was said twice.
///
/// Errs with the first that is no address, or as soon as there are more than `most`.
pub fn parse_list(typed: &str, most: usize) -> Result<Vec<EmailAddress>, InvalidAddresses> {
    let mut list = Addresses::up_to(most);
    list.add(typed)?;
    Ok(list.into_found())
}

/// Collects addresses without those said twice, within a bound that is looked at before anything is read.
#[derive(Debug)]
pub struct Addresses {
    most: usize,
    bytes_left: usize,
    found: Vec<EmailAddress>,
    known: HashSet<EmailAddress>,
}

impl Addresses {
    #[must_use]
    pub fn up_to(most: usize) -> Self {
        let bytes_left = most.saturating_mul(LONGEST_TYPED);
        Self { most, bytes_left, found: Vec::new(), known: HashSet::new() }
    }

    /// Takes what one text holds. Errs as [`parse_list`].
    pub fn add(&mut self, typed: &str) -> Result<(), InvalidAddresses> {
        let too_many = InvalidAddresses::TooMany { most: self.most };
        // Also of an empty text, so that a list of a million of them ends.
        self.bytes_left = self.bytes_left.checked_sub(typed.len().max(1)).ok_or_else(|| too_many.clone())?;
        for found in list::addresses_in(typed) {
            let address = normal(&found).map(EmailAddress).ok_or_else(|| InvalidEmailAddress::quoting(&found))?;
            if self.known.contains(&address) {
                continue;
            }
            if self.found.len() == self.most {
                return Err(too_many);
            }
            self.known.insert(address.clone());
            self.found.push(address);
        }
        Ok(())
    }

    #[must_use]
    pub fn into_found(self) -> Vec<EmailAddress> {
        self.found
    }
}

/// The addresses of a record, each readable or [as it is kept](EmailAddress::as_kept).
#[must_use]
pub fn kept_list(kept: &str) -> Vec<EmailAddress> {
    let mut known = HashSet::new();
    let parts = kept.split([';', ',', '\n']).map(str::trim).filter(|part| !part.is_empty());
    parts.map(EmailAddress::as_kept).filter(|address| known.insert(address.clone())).collect()
}

/// The one spelling of an address, if it is one.
fn normal(typed: &str) -> Option<String> {
    let typed = text::without_unseen(typed);
    let typed = Some(typed.trim()).filter(|typed| typed.len() <= LONGEST_TYPED)?;
    let (local, domain) = typed.rsplit_once('@')?;
    let local: String = local.nfc().collect();
    let ascii = ascii_domain(domain)?;
    let domain = letters_of(&ascii)?;
    let fits = local.len() <= LONGEST_LOCAL && local.len() + 1 + ascii.len().max(domain.len()) <= LONGEST;
    (fits && is_local_part(&local) && is_domain(&domain)).then(|| format!("{local}@{domain}"))
}

/// UTS 46 as browsers and registries apply it; errs with nothing for what no registry would take, such as `xn--` before
/// what is no punycode.
fn ascii_domain(domain: &str) -> Option<Cow<'_, str>> {
    Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify).ok()
}

/// The letters of a domain in punycode, where both are the same name.
fn letters_of(ascii: &str) -> Option<String> {
    let (letters, read) = Uts46::new().to_unicode(ascii.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    let letters = read.ok().map(|()| letters.into_owned())?;
    (ascii_domain(&letters)? == ascii).then_some(letters)
}

fn is_local_part(local: &str) -> bool {
    !local.is_empty() && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_letter))
}

/// RFC 5322 3.2.3 atext, with RFC 6531's letters.
fn is_atom_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && c.is_alphanumeric())
}

fn is_domain(domain: &str) -> bool {
    let labels: Vec<&str> = domain.split('.').collect();
    let is_label = |label: &&str| !label.is_empty() && label.chars().all(|c| c == '-' || c.is_alphanumeric());
    labels.len() >= 2 && labels.iter().all(is_label) && !labels[labels.len() - 1].bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_field_may_hold_several_addresses() {
        let found = parse_list(" a@x.ec;b@Y.ec, c@z.ec ;; a@x.ec\n", 3).unwrap();
        assert_eq!(found.iter().map(EmailAddress::as_str).collect::<Vec<_>>(), ["a@x.ec", "b@y.ec", "c@z.ec"]);
        let pagos = InvalidEmailAddress { typed: "pagos".to_string() };
        assert_eq!(parse_list("a@x.ec, pagos", 3).unwrap_err(), pagos.into());
        assert_eq!(parse_list("", 3).unwrap(), []);
    }

    #[test]
    fn what_could_break_a_header_or_a_command_is_no_address() {
        for typed in [
            "",
            "a",
            "@x.ec",
            "a@",
            "a@x",
            "a b@x.ec",
            "a@x.ec\r\nBcc: b@y.ec",
            "a@x..ec",
            ".a@x.ec",
            "a@-x.ec",
            "a@1.2.3.4",
            "a@x.ec>",
            "Ana <a@x.ec>; Juan <j@x.ec>",
            "a@x.ec, b@x.ec",
            "a\"b@x.ec",
        ] {
            assert!(typed.parse::<EmailAddress>().is_err(), "{typed:?}");
        }
        assert!("josé.ñandú+recibos@compañía.ec".parse::<EmailAddress>().is_ok());
        assert!(format!("{}@x.ec", "a".repeat(65)).parse::<EmailAddress>().is_err());
    }

    #[test]
    fn a_domain_stands_in_one_spelling() {
        for (typed, kept, wire) in [
            ("a@Compañía.EC", "a@compañía.ec", "a@xn--compaa-7va5a.ec"),
            ("a@xn--compaa-7va5a.ec", "a@compañía.ec", "a@xn--compaa-7va5a.ec"),
            ("a@compan\u{303}i\u{301}a.ec", "a@compañía.ec", "a@xn--compaa-7va5a.ec"),
            ("jose\u{301}@\u{212a}.ec", "josé@k.ec", "josé@k.ec"),
            ("a@x\u{200b}.ec", "a@x.ec", "a@x.ec"),
            ("a@\u{ff11}\u{ff12}.ec", "a@12.ec", "a@12.ec"),
            ("\u{feff}a\u{200b}@x\0.ec\u{a0}", "a@x.ec", "a@x.ec"),
            ("pa\u{ad}gos\u{2060}@\u{202d}x.ec\u{202c}", "pagos@x.ec", "pagos@x.ec"),
            ("'ana@a.com' <ana@a.com>", "ana@a.com", "ana@a.com"),
            ("\"Smith, Alice\" <Alice@A.com>", "Alice@a.com", "Alice@a.com"),
            ("mailto:a@b.ec?subject=x", "a@b.ec", "a@b.ec"),
            ("a@x.ec.", "a@x.ec", "a@x.ec"),
            ("\u{3164}a\u{fe0f}@x.ec", "a@x.ec", "a@x.ec"),
        ] {
            let address: EmailAddress = typed.parse().unwrap_or_else(|error| panic!("{typed}: {error}"));
            assert_eq!((address.as_str(), address.on_the_wire().as_str()), (kept, wire), "{typed}");
        }
        for typed in ["a@İ.ec", "a@xn--.ec", "a@xn--a.ec", "a@x.ec..", "a@א1b.ec"] {
            assert!(typed.parse::<EmailAddress>().is_err(), "{typed:?}");
        }
    }

    #[test]
    fn the_same_address_is_equal_in_any_case_and_composition() {
        let read = |typed: &str| typed.parse::<EmailAddress>().unwrap();
        for (one, other) in
            [("Ana@x.ec", "ana@X.EC"), ("JOSÉ@x.ec", "jose\u{301}@x.ec"), ("a@COMPAÑÍA.ec", "a@compan\u{303}i\u{301}a.ec")]
        {
            assert_eq!(read(one), read(other));
            assert_eq!(HashSet::from([read(one), read(other)]).len(), 1, "{one}");
        }
        assert_ne!(read("josé@x.ec"), read("jose@x.ec"));
        assert_eq!(parse_list("Ana@x.ec; ana@x.ec", 1).unwrap()[0].as_str(), "Ana@x.ec");
    }

    #[test]
    fn what_is_too_much_is_not_read() {
        assert_eq!(parse_list("a@x.ec;b@x.ec;c@x.ec", 2), Err(InvalidAddresses::TooMany { most: 2 }));
        let many: String = (0..94_000).map(|n| format!("a{n}@x.ec;")).collect();
        let begun = std::time::Instant::now();
        assert_eq!(parse_list(&many, 20), Err(InvalidAddresses::TooMany { most: 20 }));
        let mut empty = Addresses::up_to(20);
        assert!((0..1_000_000).any(|_| empty.add("").is_err()));
        assert!(begun.elapsed().as_millis() < 500, "{:?}", begun.elapsed());
    }
}
