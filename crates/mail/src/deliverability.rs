//! Whether others believe that mail in a domain's name is the domain's: MX, SPF, DKIM and DMARC as the DNS shows them,
//! what is missing, and the record that would mend it. Nothing is claimed that the DNS does not say.

mod ask;
mod cache;
mod dkim;
mod dmarc;
mod facts;
mod organization;
mod spf;
mod spf_record;
mod tags;
mod words;

use std::collections::BTreeMap;

pub use ask::{look_for, look_up};
pub use cache::Cache;
pub use facts::{Answer, Facts, Question};

use facts::Known;

use acuse_domain::host::ascii_host;

use crate::providers::{self, Provider};
use acuse_domain::message::Language;

/// Names that nobody can register (RFC 2606, RFC 6761): nobody needs to be asked about them.
const RESERVED: [&str; 6] = ["example", "invalid", "test", "localhost", "local", "internal"];

/// Whose mail, by which server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Of the sender's address, as the DNS knows it.
    domain: String,
    /// The SMTP server that the mail is handed to.
    server: Option<String>,
    /// Where reports of DMARC are to go; the domain's postmaster where nobody is named.
    reports_to: Option<String>,
    own_keys: Vec<OwnKey>,
}

impl Subject {
    /// Nothing where the domain cannot be one.
    #[must_use]
    pub fn new(domain: &str, server: Option<&str>) -> Option<Self> {
        let domain = ascii_host(domain).filter(|domain| domain.contains('.') && domain.parse::<std::net::IpAddr>().is_err())?;
        let server = server.and_then(ascii_host).map(|server| server.to_ascii_lowercase());
        Some(Self { domain: domain.to_ascii_lowercase(), server, reports_to: None, own_keys: Vec::new() })
    }

    #[must_use]
    pub fn reporting_to(self, address: &str) -> Self {
        Self { reports_to: Some(address.to_owned()), ..self }
    }

    #[must_use]
    pub fn with_keys(self, own_keys: Vec<OwnKey>) -> Self {
        Self { own_keys, ..self }
    }

    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    #[must_use]
    pub fn server(&self) -> Option<&str> {
        self.server.as_deref()
    }

    fn provider(&self) -> Option<&'static Provider> {
        self.server.as_deref().and_then(providers::of_host)
    }
}

/// A DKIM key that was made here for the domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnKey {
    pub selector: String,
    /// As it stands in `p=`.
    pub public_key: String,
    /// Whether mail is signed with it now.
    pub signs: bool,
}

impl OwnKey {
    /// What has to stand in the DNS before mail is signed.
    #[must_use]
    pub fn record(&self, domain: &str) -> Record {
        let value = format!("v=DKIM1; k=rsa; p={}", self.public_key);
        Record::txt(&dkim::record_name(&self.selector, domain), value)
    }
}

/// What the DNS shows of a key of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySeen {
    Seen,
    Missing,
    /// Another record stands there; it is given.
    Other(String),
    /// Ours stands there beside others, and receivers may read any of them.
    NotAlone,
    /// The DNS did not answer.
    Unanswered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// The domain as a whole: it is a provider's, or does not exist.
    Domain,
    Mx,
    Spf,
    Dkim,
    Dmarc,
}

impl Topic {
    pub const ALL: [Self; 5] = [Self::Domain, Self::Mx, Self::Spf, Self::Dkim, Self::Dmarc];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::Mx => "mx",
            Self::Spf => "spf",
            Self::Dkim => "dkim",
            Self::Dmarc => "dmarc",
        }
    }

    /// The name that everybody uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Domain => "Dominio",
            Self::Mx => "MX",
            Self::Spf => "SPF",
            Self::Dkim => "DKIM",
            Self::Dmarc => "DMARC",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Ok,
    Missing,
    Wrong,
    /// The DNS does not tell, or did not answer.
    Unknown,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Ok, Self::Missing, Self::Wrong, Self::Unknown];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Wrong => "wrong",
            Self::Unknown => "unknown",
        }
    }
}

/// A record to put into the DNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// `TXT`, `CNAME` or `MX`.
    pub kind: &'static str,
    /// In full; some panels want it without the domain at its end.
    pub name: String,
    pub value: String,
}

impl Record {
    fn txt(name: &str, value: String) -> Self {
        Self { kind: "TXT", name: name.to_owned(), value }
    }

    /// What panels call host: `_dmarc`, or `@` for the domain itself.
    #[must_use]
    pub fn host<'a>(&'a self, domain: &str) -> &'a str {
        match self.name.strip_suffix(domain).map(|host| host.trim_end_matches('.')) {
            Some("") => "@",
            Some(host) => host,
            None => &self.name,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub topic: Topic,
    pub state: State,
    /// A row of deliverability.toml.
    pub code: &'static str,
    /// What stands in the DNS now; several records on a line each.
    pub found: Option<String>,
    /// To add, or in the place of the one that was found.
    pub record: Option<Record>,
    /// For the words.
    values: BTreeMap<&'static str, String>,
}

impl Finding {
    const fn new(topic: Topic, state: State, code: &'static str) -> Self {
        Self { topic, state, code, found: None, record: None, values: BTreeMap::new() }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.values.insert(name, value.to_owned());
        self
    }

    fn seen(mut self, record: &str) -> Self {
        self.found = Some(record.to_owned());
        self
    }

    fn add(mut self, record: Record) -> Self {
        self.record = Some(record);
        self
    }

    /// In a few words.
    #[must_use]
    pub fn title(&self, language: Language) -> String {
        words::title(self.code, &self.values, language)
    }

    /// What it means for the company's mail, and what to do.
    #[must_use]
    pub fn meaning(&self, language: Language) -> String {
        words::meaning(self.code, &self.values, language)
    }
}

/// What is known of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub domain: String,
    pub server: Option<String>,
    /// In the order of the topics, one for each.
    pub findings: Vec<Finding>,
}

impl Report {
    #[must_use]
    pub fn has_trouble(&self) -> bool {
        self.findings.iter().any(|finding| matches!(finding.state, State::Wrong | State::Missing))
    }

    /// Whether the DNS left something unanswered that it may answer later.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.findings.iter().any(|finding| finding.code.ends_with("_unknown"))
    }
}

/// Whether the domain belongs to a mail provider or to nobody, so that its records are no business of the company.
#[must_use]
pub fn is_foreign(domain: &str) -> bool {
    providers::of_domain(domain).is_some() || is_reserved(domain)
}

fn is_reserved(domain: &str) -> bool {
    RESERVED.contains(&domain.rsplit('.').next().unwrap_or_default())
        || ["example.com", "example.net", "example.org"].contains(&domain)
}

/// What the facts say; what they do not say yet is noted in them.
#[must_use]
pub fn judge(facts: &mut Facts, subject: &Subject) -> Report {
    let findings = match of_domain(facts, subject) {
        Some(finding) => vec![finding],
        None => {
            let (mx, spf, dkim) = (mx(facts, subject), spf::judge(facts, subject), dkim::judge(facts, subject));
            let may_vouch = |finding: &Finding| matches!(finding.state, State::Ok | State::Unknown);
            // SPF of an envelope that is not ours vouches for somebody else (RFC 7489 3.1.2).
            let envelope_is_ours = subject.provider().is_none_or(|provider| !provider.dns.own_envelope);
            let dmarc = dmarc::judge(facts, subject, may_vouch(&dkim) || envelope_is_ours && may_vouch(&spf));
            vec![mx, spf, dkim, dmarc]
        }
    };
    let findings = findings.into_iter().map(|finding| named(finding, subject)).collect();
    Report { domain: subject.domain.clone(), server: subject.server.clone(), findings }
}

/// With whom it is about; what is not known is left to the words.
fn named(mut finding: Finding, subject: &Subject) -> Finding {
    finding.values.insert("domain", subject.domain.clone());
    if let Some(server) = &subject.server {
        finding.values.insert("server", server.clone());
        let name = subject.provider().map_or(server.as_str(), Provider::name_of_other_domains);
        finding.values.entry("provider").or_insert_with(|| name.to_owned());
    }
    finding
}

/// What the DNS shows of a key of ours.
#[must_use]
pub fn see_key(facts: &mut Facts, domain: &str, key: &OwnKey) -> KeySeen {
    dkim::see(facts, domain, key)
}

/// Where there is nothing to add: the domain is a provider's, an example, or does not exist.
fn of_domain(facts: &mut Facts, subject: &Subject) -> Option<Finding> {
    let finding = |state, code| Some(Finding::new(Topic::Domain, state, code));
    if is_reserved(&subject.domain) {
        return finding(State::Unknown, "domain_reserved");
    }
    if let Some(owner) = providers::of_domain(&subject.domain) {
        let is_theirs = subject.provider().is_none_or(|provider| provider.name == owner.name)
            && (subject.server.is_none() || subject.provider().is_some());
        let found = if is_theirs { finding(State::Ok, "domain_of_provider") } else { finding(State::Wrong, "domain_elsewhere") };
        return found.map(|found| found.with("provider", &owner.name).with("host", &owner.server));
    }
    match facts.exchanges(&subject.domain) {
        Known::NoDomain => finding(State::Wrong, "domain_not_found"),
        _ => None,
    }
}

/// Whether answers and notices of failure come back.
fn mx(facts: &mut Facts, subject: &Subject) -> Finding {
    let finding = |state, code| Finding::new(Topic::Mx, state, code);
    match facts.exchanges(&subject.domain) {
        Known::Failed => finding(State::Unknown, "mx_unknown"),
        Known::NoRecords | Known::NoDomain => {
            let found = finding(State::Missing, "mx_missing");
            match subject.provider().and_then(|provider| provider.dns.mx.as_deref()) {
                Some(value) => found.add(Record { kind: "MX", name: subject.domain.clone(), value: value.to_owned() }),
                None => found,
            }
        }
        Known::Found(mut exchanges) => {
            exchanges.sort();
            let shown: Vec<String> = exchanges.iter().map(|(preference, name)| format!("{preference} {name}")).collect();
            let is_null = exchanges.iter().all(|(_, name)| name.is_empty());
            let found = if is_null { finding(State::Wrong, "mx_null") } else { finding(State::Ok, "mx_ok") };
            found.seen(&shown.join("\n"))
        }
    }
}
