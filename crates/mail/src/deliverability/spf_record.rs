//! An SPF record, read term by term (RFC 7208 4.6 and 12), and mended.

use std::net::{Ipv4Addr, Ipv6Addr};

/// What a match says of the sender (RFC 7208 4.6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Qualifier {
    Pass,
    Fail,
    SoftFail,
    Neutral,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mechanism {
    All,
    Include(String),
    /// The record's own domain where none is named; prefix lengths for IPv4 and IPv6.
    A(Option<String>, u8, u8),
    Mx(Option<String>, u8, u8),
    Ip4(Ipv4Addr, u8),
    Ip6(Ipv6Addr, u8),
    Ptr,
    Exists,
    /// Its name is made of who sends (RFC 7208 7): only the receiver can tell.
    Macro,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Directive(Qualifier, Mechanism),
    Redirect(String),
    /// `exp=` and modifiers of other kinds, which change no verdict.
    Modifier,
    /// No receiver takes a record that holds such a term.
    Broken,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    text: String,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SpfRecord {
    terms: Vec<Term>,
}

impl SpfRecord {
    /// Nothing where the text is no SPF record.
    pub(super) fn read(text: &str) -> Option<Self> {
        let rest = text.get(..6).filter(|version| version.eq_ignore_ascii_case("v=spf1")).map(|_| &text[6..])?;
        if !rest.is_empty() && !rest.starts_with(' ') {
            return None;
        }
        let terms = rest.split(' ').filter(|term| !term.is_empty());
        let mut terms: Vec<Term> = terms.map(|text| Term { text: text.to_owned(), kind: kind(text) }).collect();
        // RFC 7208 6: each of the two modifiers appears at most once.
        for name in ["redirect=", "exp="] {
            let twice = terms.iter_mut().filter(|term| starts(&term.text, name)).skip(1);
            twice.for_each(|term| term.kind = Kind::Broken);
        }
        Some(Self { terms })
    }

    /// The first term that no receiver understands.
    pub(super) fn broken(&self) -> Option<&str> {
        self.terms.iter().find(|term| term.kind == Kind::Broken).map(|term| term.text.as_str())
    }

    pub(super) fn directives(&self) -> impl Iterator<Item = (Qualifier, &Mechanism)> {
        self.terms.iter().filter_map(|term| match &term.kind {
            Kind::Directive(qualifier, mechanism) => Some((*qualifier, mechanism)),
            _ => None,
        })
    }

    /// Where the verdict comes from if nothing matched; it does not count beside `all` (RFC 7208 6.1).
    pub(super) fn redirect(&self) -> Option<&str> {
        self.terms.iter().filter(|_| self.all().is_none()).find_map(|term| match &term.kind {
            Kind::Redirect(target) => Some(target.as_str()),
            _ => None,
        })
    }

    pub(super) fn includes(&self, name: &str) -> bool {
        self.directives().any(|(_, mechanism)| matches!(mechanism, Mechanism::Include(own) if own == name))
    }

    /// What the record says of everybody else.
    pub(super) fn all(&self) -> Option<Qualifier> {
        self.directives().find(|(_, mechanism)| **mechanism == Mechanism::All).map(|(qualifier, _)| qualifier)
    }
}

/// One record out of all there are: every sender that they name, what is to be added, and an end that is strict but mild.
/// Terms that no receiver understands are left out, since with them the whole record counts for nothing.
///
/// `drop`: a name that is not to be included any more.
pub(super) fn mended(records: &[SpfRecord], add: Option<&str>, drop: Option<&str>) -> String {
    let is_dropped = |mechanism: &Mechanism| matches!(mechanism, Mechanism::Include(name) if Some(name.as_str()) == drop);
    let (mut senders, mut modifiers, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for term in records.iter().flat_map(|record| &record.terms) {
        match &term.kind {
            Kind::Directive(qualifier, Mechanism::All) => ends.push(*qualifier),
            Kind::Directive(_, mechanism) if is_dropped(mechanism) => {}
            Kind::Directive(..) => push_new(&mut senders, &term.text),
            Kind::Modifier => push_new(&mut modifiers, &term.text),
            Kind::Broken => meant(&term.text).iter().for_each(|meant| push_new(&mut senders, meant)),
            Kind::Redirect(_) => {}
        }
    }
    add.iter().for_each(|add| push_new(&mut senders, add));
    let redirects: Vec<&str> = records.iter().filter_map(SpfRecord::redirect).collect();
    let end = match (redirects.as_slice(), ends.as_slice()) {
        ([target], []) => format!("redirect={target}"),
        // What another record sent on to cannot be sent on to any more: it is named among the senders.
        (targets, ends) => {
            targets.iter().for_each(|target| push_new(&mut senders, &format!("include:{target}")));
            let is_strict = !ends.is_empty() && ends.iter().all(|end| *end == Qualifier::Fail);
            if is_strict { "-all".to_owned() } else { "~all".to_owned() }
        }
    };
    let version = "v=spf1".to_owned();
    [version].into_iter().chain(senders).chain([end]).chain(modifiers).collect::<Vec<_>>().join(" ")
}

fn push_new(terms: &mut Vec<String>, text: &str) {
    let text = text.strip_prefix('+').unwrap_or(text);
    if !terms.iter().any(|own| own.eq_ignore_ascii_case(text)) {
        terms.push(text.to_owned());
    }
}

/// What people write for `ip4:` and `ip6:`.
fn meant(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let renamed = [("ipv4:", "ip4:"), ("ipv6:", "ip6:"), ("ip:", "ip4:"), ("include=", "include:"), ("ip4=", "ip4:")]
        .into_iter()
        .find_map(|(wrong, right)| lower.strip_prefix(wrong).map(|rest| format!("{right}{rest}")));
    let renamed = renamed.or_else(|| lower.parse::<Ipv4Addr>().ok().map(|address| format!("ip4:{address}")))?;
    (kind(&renamed) != Kind::Broken).then_some(renamed)
}

fn kind(text: &str) -> Kind {
    directive(text).or_else(|| modifier(text)).unwrap_or(Kind::Broken)
}

fn directive(text: &str) -> Option<Kind> {
    let (qualifier, rest) = match text.chars().next()? {
        '+' => (Qualifier::Pass, &text[1..]),
        '-' => (Qualifier::Fail, &text[1..]),
        '~' => (Qualifier::SoftFail, &text[1..]),
        '?' => (Qualifier::Neutral, &text[1..]),
        _ => (Qualifier::Pass, text),
    };
    let end = rest.find([':', '/']).unwrap_or(rest.len());
    let (name, rest) = (rest[..end].to_ascii_lowercase(), &rest[end..]);
    Some(Kind::Directive(qualifier, mechanism(&name, rest)?))
}

/// `rest` begins with `:` or `/`, or is empty.
fn mechanism(name: &str, rest: &str) -> Option<Mechanism> {
    match name {
        "all" if rest.is_empty() => Some(Mechanism::All),
        "include" => named(rest.strip_prefix(':')?, Mechanism::Include),
        "exists" => named(rest.strip_prefix(':')?, |_| Mechanism::Exists),
        "ptr" if rest.is_empty() => Some(Mechanism::Ptr),
        "ptr" => named(rest.strip_prefix(':')?, |_| Mechanism::Ptr),
        "a" | "mx" => {
            let (domain, v4, v6) = with_lengths(rest)?;
            let make = if name == "a" { Mechanism::A } else { Mechanism::Mx };
            match domain {
                None => Some(make(None, v4, v6)),
                Some(domain) => named(domain, |domain| make(Some(domain), v4, v6)),
            }
        }
        "ip4" => {
            let (address, length) = split_length(rest.strip_prefix(':')?, 32)?;
            Some(Mechanism::Ip4(address.parse().ok()?, length))
        }
        "ip6" => {
            let (address, length) = split_length(rest.strip_prefix(':')?, 128)?;
            Some(Mechanism::Ip6(address.parse().ok()?, length))
        }
        _ => None,
    }
}

fn named(domain: &str, make: impl FnOnce(String) -> Mechanism) -> Option<Mechanism> {
    if domain.contains('%') {
        return is_visible(domain).then_some(Mechanism::Macro);
    }
    is_name(domain).then(|| make(domain.trim_end_matches('.').to_ascii_lowercase()))
}

/// `:domain/24//64`, each part optional.
fn with_lengths(rest: &str) -> Option<(Option<&str>, u8, u8)> {
    let (rest, v6) = match rest.rsplit_once("//") {
        Some((before, length)) => (before, prefix_length(length, 128)?),
        None => (rest, 128),
    };
    let (rest, v4) = match rest.rsplit_once('/') {
        Some((before, length)) => (before, prefix_length(length, 32)?),
        None => (rest, 32),
    };
    match rest.strip_prefix(':') {
        Some(domain) => Some((Some(domain), v4, v6)),
        None => rest.is_empty().then_some((None, v4, v6)),
    }
}

fn split_length(text: &str, most: u8) -> Option<(&str, u8)> {
    match text.rsplit_once('/') {
        Some((address, length)) => Some((address, prefix_length(length, most)?)),
        None => Some((text, most)),
    }
}

fn prefix_length(text: &str, most: u8) -> Option<u8> {
    text.parse().ok().filter(|length| *length <= most)
}

fn modifier(text: &str) -> Option<Kind> {
    let (name, value) = text.split_once('=')?;
    let is_modifier = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && is_visible(value);
    match name.to_ascii_lowercase().as_str() {
        _ if !is_modifier => None,
        "redirect" if value.contains('%') => Some(Kind::Directive(Qualifier::Pass, Mechanism::Macro)),
        "redirect" => is_name(value).then(|| Kind::Redirect(value.trim_end_matches('.').to_ascii_lowercase())),
        // A mechanism with the wrong sign between name and value is no modifier that somebody meant.
        "include" | "a" | "mx" | "ip4" | "ip6" | "ptr" | "exists" | "all" | "v" => None,
        _ => Some(Kind::Modifier),
    }
}

fn is_name(text: &str) -> bool {
    let text = text.trim_end_matches('.');
    let is_label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_label)
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic())
}

fn starts(text: &str, with: &str) -> bool {
    text.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> SpfRecord {
        SpfRecord::read(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn only_what_begins_with_the_version_is_an_spf_record() {
        assert!(SpfRecord::read("v=spf1").is_some());
        assert!(SpfRecord::read("V=SPF1 -all").is_some());
        for other in ["", "v=spf10 -all", "v=spf2.0/pra", "google-site-verification=x", "v=DMARC1; p=none", "v=spf", "ñ=spf1 "] {
            assert!(SpfRecord::read(other).is_none(), "{other}");
        }
    }

    #[test]
    fn what_receivers_understand_is_told_from_what_they_do_not() {
        for good in [
            "a",
            "+a",
            "a:mail.empresa.ec",
            "a/24",
            "a:mail.empresa.ec/24//64",
            "mx",
            "mx//64",
            "ip4:190.15.1.1",
            "ip4:190.15.0.0/16",
            "ip6:2800:68::/32",
            "include:_spf.google.com",
            "exists:%{i}._spf.empresa.ec",
            "include:%{d}.x.ec",
            "ptr",
            "ptr:empresa.ec",
            "-all",
            "~all",
            "?all",
            "redirect=_spf.empresa.ec",
            "exp=why.%{d}",
            "sender=x",
            "A:MAIL.EMPRESA.EC",
        ] {
            assert_eq!(record(&format!("v=spf1 {good}")).broken(), None, "{good}");
        }
        for bad in [
            "ip4:300.1.1.1",
            "ip4:190.15.1.1/33",
            "ipv4:190.15.1.1",
            "ip4:",
            "include:",
            "include=_spf.google.com",
            "incluye:x.ec",
            "all:x",
            "a:",
            "a/33",
            "mx:/x",
            "190.15.1.1",
            "redirect=",
            "“-all”",
            "v=spf1",
            "include:solo",
            "ip6:1.2.3.4",
        ] {
            assert_eq!(record(&format!("v=spf1 {bad} -all")).broken(), Some(bad), "{bad}");
        }
        assert_eq!(record("v=spf1 redirect=a.ec redirect=b.ec").broken(), Some("redirect=b.ec"));
    }

    #[test]
    fn a_redirect_does_not_count_beside_all() {
        assert_eq!(record("v=spf1 redirect=x.ec").redirect(), Some("x.ec"));
        assert_eq!(record("v=spf1 redirect=x.ec -all").redirect(), None);
    }

    #[test]
    fn one_record_keeps_every_sender_and_gains_the_new_one() {
        for (records, add, mend) in [
            (vec![], Some("include:_spf.google.com"), "v=spf1 include:_spf.google.com ~all"),
            (vec!["v=spf1 mx -all"], Some("include:_spf.google.com"), "v=spf1 mx include:_spf.google.com -all"),
            (vec!["v=spf1 +mx ?all"], Some("a:mail.empresa.ec"), "v=spf1 mx a:mail.empresa.ec ~all"),
            (vec!["v=spf1 a +all"], None, "v=spf1 a ~all"),
            (vec!["v=spf1 a"], None, "v=spf1 a ~all"),
            (vec!["v=spf1 a MX -all", "v=spf1 mx include:zoho.com ~all"], None, "v=spf1 a MX include:zoho.com ~all"),
            (vec!["v=spf1 redirect=_spf.empresa.ec"], Some("mx"), "v=spf1 mx redirect=_spf.empresa.ec"),
            (vec!["v=spf1 redirect=a.ec", "v=spf1 redirect=b.ec"], None, "v=spf1 include:a.ec include:b.ec ~all"),
            (vec!["v=spf1 redirect=a.ec", "v=spf1 mx -all"], None, "v=spf1 mx include:a.ec -all"),
            (vec!["v=spf1 ipv4:190.15.1.1 include: mx -all"], None, "v=spf1 ip4:190.15.1.1 mx -all"),
            (vec!["v=spf1 include=_spf.google.com 190.15.1.1 ~all"], None, "v=spf1 include:_spf.google.com ip4:190.15.1.1 ~all"),
            (vec!["v=spf1 mx exp=e.x.ec -all"], Some("a:x.ec"), "v=spf1 mx a:x.ec -all exp=e.x.ec"),
        ] {
            let read: Vec<SpfRecord> = records.iter().map(|text| record(text)).collect();
            assert_eq!(mended(&read, add, None), mend, "{records:?}");
            assert_eq!(record(mend).broken(), None);
        }
    }
}
