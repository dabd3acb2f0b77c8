//! SPF (RFC 7208): whether the domain's record lets this server send, and the record that would.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::facts::{Facts, Known};
use super::spf_record::{Mechanism, Qualifier, SpfRecord, mended};
use super::{Finding, Record, State, Subject, Topic};
use crate::address_rules::is_public;

/// RFC 7208 4.6.4: with more, receivers give up and the record counts for nothing.
const MOST_LOOKUPS: u32 = 10;
/// Beyond the limit it is only told by how much, and not for ever.
const MOST_FOLLOWED: u32 = 30;
/// RFC 7208 4.6.4: exchanges of one `mx` that are looked up.
const MOST_EXCHANGES: usize = 10;

pub(super) fn judge(facts: &mut Facts, subject: &Subject) -> Finding {
    let finding = |state, code| Finding::new(Topic::Spf, state, code);
    let texts = match facts.texts(&subject.domain) {
        Known::Found(texts) => texts,
        Known::NoRecords | Known::NoDomain => Vec::new(),
        Known::Failed => return finding(State::Unknown, "spf_unknown"),
    };
    let found: Vec<(String, SpfRecord)> =
        texts.into_iter().filter_map(|text| SpfRecord::read(&text).map(|record| (text, record))).collect();
    let sender = Sender::of(facts, subject);
    let proposal = |records: &[SpfRecord]| Record::txt(&subject.domain, mended(records, sender.term.as_deref(), None));
    let records: Vec<SpfRecord> = found.iter().map(|(_, record)| record.clone()).collect();
    let [(text, record)] = found.as_slice() else {
        let all = found.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join("\n");
        return match found.len() {
            0 if sender.envelope_is_providers => finding(State::Unknown, "spf_of_provider").add(proposal(&records)),
            0 => finding(State::Missing, "spf_missing").add(proposal(&records)),
            _ => finding(State::Wrong, "spf_several").seen(&all).add(proposal(&records)),
        };
    };
    if let Some(term) = record.broken() {
        return finding(State::Wrong, "spf_broken").with("term", term).seen(text).add(proposal(&records));
    }
    let mut walk = Walk { facts, sender: &sender, lookups: 0, stack: Vec::new(), trouble: None, has_macros: false };
    let verdict = walk.check(&subject.domain);
    let Walk { lookups, trouble, has_macros, .. } = walk;
    let walked = Walked { verdict, lookups, trouble, has_macros };
    let found = verdict_as_finding(&walked, record, &sender, proposal(&records)).seen(text);
    match &walked.trouble {
        // What the record itself names can be left out of it; what stands further off is not the company's to mend.
        Some(Trouble::NoRecord(name) | Trouble::Unreadable(name) | Trouble::Loop(name)) if record.includes(name) => {
            found.add(Record::txt(&subject.domain, mended(&records, sender.term.as_deref(), Some(name))))
        }
        _ => found,
    }
}

/// What a walk through the record and all that it includes came to.
struct Walked {
    verdict: Option<Qualifier>,
    lookups: u32,
    trouble: Option<Trouble>,
    has_macros: bool,
}

fn verdict_as_finding(walked: &Walked, record: &SpfRecord, sender: &Sender, mend: Record) -> Finding {
    let finding = |state, code| Finding::new(Topic::Spf, state, code);
    let is_open = record.all() == Some(Qualifier::Pass);
    match &walked.trouble {
        Some(Trouble::Unanswered) => return finding(State::Unknown, "spf_unknown"),
        Some(Trouble::Loop(name)) => return finding(State::Wrong, "spf_loop").with("term", name),
        Some(Trouble::NoRecord(name)) => return finding(State::Wrong, "spf_include_gone").with("term", name),
        Some(Trouble::Unreadable(name)) => return finding(State::Wrong, "spf_include_broken").with("term", name),
        None => {}
    }
    if walked.lookups > MOST_LOOKUPS {
        return finding(State::Wrong, "spf_too_many").with("count", &walked.lookups.to_string());
    }
    if is_open {
        return finding(State::Wrong, "spf_open").add(mend);
    }
    let passes = walked.verdict == Some(Qualifier::Pass);
    match (passes, record.all(), record.redirect()) {
        (true, Some(Qualifier::Neutral), _) | (true, None, None) => finding(State::Ok, "spf_ok_loose").add(mend),
        (true, ..) => finding(State::Ok, "spf_ok"),
        (false, ..) if sender.envelope_is_providers => finding(State::Unknown, "spf_of_provider").add(mend),
        (false, ..) if walked.has_macros => finding(State::Unknown, "spf_macros"),
        (false, ..) => match sender.reach {
            Reach::Known if walked.lookups == MOST_LOOKUPS && sender.costs_a_lookup() => finding(State::Wrong, "spf_no_room"),
            Reach::Known => finding(State::Wrong, "spf_not_listed").add(mend),
            Reach::NoServer => finding(State::Unknown, "spf_no_server"),
            Reach::Inside => finding(State::Unknown, "spf_inside"),
            Reach::Unanswered => finding(State::Unknown, "spf_unknown"),
        },
    }
}

/// Who would be sending, as a record can name it.
struct Sender {
    addresses: Vec<IpAddr>,
    /// Including one of these lets the provider's servers send.
    includes: &'static [String],
    /// The term to add.
    term: Option<String>,
    /// The provider's own address stands on the envelope, so that its SPF is asked for instead of ours.
    envelope_is_providers: bool,
    reach: Reach,
}

/// Whether enough is known of the server to say that it is not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Known,
    NoServer,
    /// It has no public address, so others see another one.
    Inside,
    Unanswered,
}

impl Sender {
    fn of(facts: &mut Facts, subject: &Subject) -> Self {
        let nobody =
            Self { addresses: Vec::new(), includes: &[], term: None, envelope_is_providers: false, reach: Reach::NoServer };
        let Some(server) = subject.server.as_deref() else { return nobody };
        if let Some(provider) = subject.provider().filter(|provider| !provider.dns.spf.is_empty() || provider.dns.own_envelope) {
            let term = provider.dns.spf_include(server).map(|include| format!("include:{include}"));
            let (includes, envelope_is_providers) = (provider.dns.spf.as_slice(), provider.dns.own_envelope);
            return Self { includes, term, envelope_is_providers, reach: Reach::Known, ..nobody };
        }
        match facts.addresses(server) {
            Known::Found(addresses) if addresses.iter().any(|address| is_public(*address)) => {
                let is_literal = server.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
                let term = if is_literal { ip_term(addresses[0]) } else { format!("a:{server}") };
                Self { addresses, term: Some(term), reach: Reach::Known, ..nobody }
            }
            Known::Found(_) => Self { reach: Reach::Inside, ..nobody },
            Known::NoRecords | Known::NoDomain | Known::Failed => Self { reach: Reach::Unanswered, ..nobody },
        }
    }

    fn costs_a_lookup(&self) -> bool {
        self.term.as_deref().is_some_and(|term| !term.starts_with("ip"))
    }
}

fn ip_term(address: IpAddr) -> String {
    if address.is_ipv4() { format!("ip4:{address}") } else { format!("ip6:{address}") }
}

/// Why no receiver can come to a verdict.
enum Trouble {
    Unanswered,
    Loop(String),
    NoRecord(String),
    Unreadable(String),
}

/// RFC 7208 4 and 5, except that all of a record is looked up, so that the count is what the last sender in it costs.
struct Walk<'a> {
    facts: &'a mut Facts,
    sender: &'a Sender,
    lookups: u32,
    stack: Vec<String>,
    trouble: Option<Trouble>,
    has_macros: bool,
}

impl Walk<'_> {
    /// What the domain's record says of the sender; nothing where it says nothing.
    fn check(&mut self, domain: &str) -> Option<Qualifier> {
        if self.stack.iter().any(|above| above == domain) {
            return self.give_up(Trouble::Loop(domain.to_owned()));
        }
        let record = self.record(domain)?;
        self.stack.push(domain.to_owned());
        let mut verdict = None;
        for (qualifier, mechanism) in record.directives() {
            let matches = self.matches(domain, mechanism);
            verdict = verdict.or(matches.then_some(qualifier));
        }
        if let Some(target) = record.redirect() {
            self.lookups += 1;
            let theirs = if self.lookups > MOST_FOLLOWED { None } else { self.check(target) };
            verdict = verdict.or(theirs);
        }
        self.stack.pop();
        verdict
    }

    fn matches(&mut self, domain: &str, mechanism: &Mechanism) -> bool {
        let asks = !matches!(mechanism, Mechanism::All | Mechanism::Ip4(..) | Mechanism::Ip6(..));
        self.lookups += u32::from(asks);
        if self.lookups > MOST_FOLLOWED {
            return false;
        }
        match mechanism {
            Mechanism::All => true,
            Mechanism::Include(target) => {
                let theirs = self.check(target);
                theirs == Some(Qualifier::Pass) || self.sender.includes.contains(target)
            }
            Mechanism::A(name, v4, v6) => self.is_one_of(name.as_deref().unwrap_or(domain), *v4, *v6),
            Mechanism::Mx(name, v4, v6) => self.is_an_exchange_of(name.as_deref().unwrap_or(domain), *v4, *v6),
            Mechanism::Ip4(network, length) => self.is_within(IpAddr::V4(*network), *length),
            Mechanism::Ip6(network, length) => self.is_within(IpAddr::V6(*network), *length),
            Mechanism::Ptr | Mechanism::Exists | Mechanism::Macro => {
                self.has_macros = true;
                false
            }
        }
    }

    fn record(&mut self, domain: &str) -> Option<SpfRecord> {
        let texts = match self.facts.texts(domain) {
            Known::Found(texts) => texts,
            Known::NoRecords | Known::NoDomain => Vec::new(),
            Known::Failed => return self.give_up(Trouble::Unanswered),
        };
        let mut records: Vec<SpfRecord> = texts.iter().filter_map(|text| SpfRecord::read(text)).collect();
        match (records.pop(), records.len()) {
            (Some(only), 0) if only.broken().is_none() => Some(only),
            (None, _) => self.give_up(Trouble::NoRecord(domain.to_owned())),
            _ => self.give_up(Trouble::Unreadable(domain.to_owned())),
        }
    }

    /// The first trouble stands.
    fn give_up<T>(&mut self, trouble: Trouble) -> Option<T> {
        self.trouble.get_or_insert(trouble);
        None
    }

    fn is_one_of(&mut self, name: &str, v4: u8, v6: u8) -> bool {
        if self.sender.addresses.is_empty() {
            return false;
        }
        match self.facts.addresses(name) {
            Known::Found(found) => found.into_iter().any(|own| self.is_within(own, if own.is_ipv4() { v4 } else { v6 })),
            Known::NoRecords | Known::NoDomain => false,
            Known::Failed => self.give_up(Trouble::Unanswered).unwrap_or(false),
        }
    }

    fn is_an_exchange_of(&mut self, name: &str, v4: u8, v6: u8) -> bool {
        if self.sender.addresses.is_empty() {
            return false;
        }
        match self.facts.exchanges(name) {
            Known::Found(found) => {
                let exchanges = found.into_iter().filter(|(_, exchange)| !exchange.is_empty()).take(MOST_EXCHANGES);
                exchanges.fold(false, |is_one, (_, exchange)| self.is_one_of(&exchange, v4, v6) || is_one)
            }
            Known::NoRecords | Known::NoDomain => false,
            Known::Failed => self.give_up(Trouble::Unanswered).unwrap_or(false),
        }
    }

    fn is_within(&self, network: IpAddr, length: u8) -> bool {
        self.sender.addresses.iter().any(|address| match (network, address) {
            (IpAddr::V4(network), IpAddr::V4(own)) => holds_v4(network, length, *own),
            (IpAddr::V6(network), IpAddr::V6(own)) => holds_v6(network, length, *own),
            _ => false,
        })
    }
}

fn holds_v4(network: Ipv4Addr, length: u8, address: Ipv4Addr) -> bool {
    let mask = u32::MAX.checked_shl(32 - u32::from(length.min(32))).unwrap_or(0);
    (network.to_bits() ^ address.to_bits()) & mask == 0
}

fn holds_v6(network: Ipv6Addr, length: u8, address: Ipv6Addr) -> bool {
    let mask = u128::MAX.checked_shl(128 - u32::from(length.min(128))).unwrap_or(0);
    (network.to_bits() ^ address.to_bits()) & mask == 0
}
