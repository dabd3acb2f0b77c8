//! From an address to the server that sends for it: what is known by heart, what the domain says of itself, and where a
//! server answers. No password is ever involved, and only the domain is told to anybody.

use std::future::Future;
use std::time::Duration;

use acuse_domain::email_address::EmailAddress;
use acuse_domain::host::ascii_host;
use acuse_domain::mail_account::Security;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::dns::DnsError;
use crate::endpoint::{Endpoint, Limits};
use crate::failure::{Cause, Failure};
use crate::guard::{Network, Unreachable};
use crate::https::{Web, WebError};
use crate::mozilla;
use crate::providers::{self, Provider};
use crate::session::Session;
use acuse_domain::message::Language;

/// Somebody waits before an open form.
const IN_ALL: Duration = Duration::from_millis(4_800);
/// For the question that decides most: who receives the domain's mail.
const FOR_MX: Duration = Duration::from_millis(1_700);
/// For a web server to describe the domain's mail.
const FOR_DESCRIPTION: Duration = Duration::from_millis(2_700);
/// For a server to greet, TLS included.
const FOR_GREETING: Duration = Duration::from_millis(2_700);

/// Where the steps knock. Other than the usual ports only for servers that a test starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    pub https: u16,
    /// TLS from the start.
    pub tls: u16,
    pub starttls: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self { https: 443, tls: 465, starttls: 587 }
    }
}

/// What fills in the form of an account, each value with where it comes from.
#[derive(Debug, Clone)]
pub struct Discovery {
    /// Nothing where nobody knows it: then the rest is only what is usual.
    pub server: Option<Known<String>>,
    pub port: Known<u16>,
    pub security: Known<Security>,
    pub username: Known<String>,
    /// Whose server it is, where that is known.
    pub provider: Option<&'static Provider>,
    /// The address's domain does not exist: it is misspelt, or not yet registered.
    pub is_of_no_domain: bool,
    /// Somebody did not answer in time: asking again may find more.
    pub is_incomplete: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known<T> {
    pub value: T,
    pub source: Source,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The address's domain is this provider's own.
    Preset(&'static str),
    /// This provider receives the domain's mail.
    Mx(&'static str),
    /// The domain's own description, in Mozilla's format.
    Autoconfig(String),
    /// An SRV record (RFC 6186, RFC 8314).
    Srv,
    /// A mail server answers there.
    Guess(u16),
    /// Nothing is known, and most have it so.
    Usual,
}

impl Source {
    /// For programs; never changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Preset(_) => "preset",
            Self::Mx(_) => "mx",
            Self::Autoconfig(_) => "autoconfig",
            Self::Srv => "srv",
            Self::Guess(_) => "guess",
            Self::Usual => "usual",
        }
    }

    /// For people: «por el MX: Google Workspace».
    #[must_use]
    pub fn phrase(&self, language: Language) -> String {
        match (self, language) {
            (Self::Preset(provider), Language::Spanish) => format!("de {provider}"),
            (Self::Preset(provider), Language::English) => format!("from {provider}"),
            (Self::Mx(provider), Language::Spanish) => format!("por el MX: {provider}"),
            (Self::Mx(provider), Language::English) => format!("by the MX: {provider}"),
            (Self::Autoconfig(domain), Language::Spanish) => format!("autoconfig de {domain}"),
            (Self::Autoconfig(domain), Language::English) => format!("autoconfig of {domain}"),
            (Self::Srv, Language::Spanish) => "registro SRV".to_owned(),
            (Self::Srv, Language::English) => "SRV record".to_owned(),
            (Self::Guess(port), Language::Spanish) => format!("supuesto: responde en {port}"),
            (Self::Guess(port), Language::English) => format!("guess: answers on {port}"),
            (Self::Usual, Language::Spanish) => "lo habitual".to_owned(),
            (Self::Usual, Language::English) => "what is usual".to_owned(),
        }
    }
}

impl Discovery {
    /// `google` or `microsoft`, where the provider lets a program connect without a password.
    #[must_use]
    pub fn oauth(&self) -> Option<&'static str> {
        self.provider?.oauth()
    }

    /// What the service is called, where it is known.
    #[must_use]
    pub fn provider_name(&self) -> Option<&'static str> {
        match self.server.as_ref().map(|server| &server.source) {
            Some(Source::Mx(name) | Source::Preset(name)) => Some(name),
            _ => self.provider.map(|provider| provider.name.as_str()),
        }
    }

    /// What to have at hand before the first attempt, such as an app password.
    #[must_use]
    pub fn help(&self, language: Language) -> &'static [String] {
        self.provider.map_or(&[], |provider| provider.setup(language))
    }

    fn of_provider(address: &EmailAddress, provider: &'static Provider, source: Source) -> Self {
        let server = match source {
            Source::Mx(_) => provider.server_of_other_domains(),
            _ => provider.server.as_str(),
        };
        let offer = Offer {
            host: server.to_owned(),
            port: provider.port,
            security: provider.security(),
            username: provider.username.clone(),
            source,
        };
        Self { provider: Some(provider), ..Self::of_offer(address, offer) }
    }

    fn of_offer(address: &EmailAddress, offer: Offer) -> Self {
        let Offer { host, port, security, username, source } = offer;
        let of_user = match username {
            Some(value) => Known { value, source: source.clone() },
            // RFC 6186 4: the whole address comes first where nothing is said of the user's name.
            None if matches!(source, Source::Preset(_) | Source::Mx(_)) => {
                Known { value: address.to_string(), source: source.clone() }
            }
            None => Known { value: address.to_string(), source: Source::Usual },
        };
        Self {
            provider: providers::of_host(&host),
            port: Known { value: port, source: source.clone() },
            security: Known { value: security, source: source.clone() },
            server: Some(Known { value: host, source }),
            username: of_user,
            is_of_no_domain: false,
            is_incomplete: false,
        }
    }

    /// RFC 8314 3.3: submission, where nothing is known of the server.
    fn unknown(address: &EmailAddress, is_incomplete: bool) -> Self {
        Self {
            server: None,
            port: Known { value: 587, source: Source::Usual },
            security: Known { value: Security::StartTls, source: Source::Usual },
            username: Known { value: address.to_string(), source: Source::Usual },
            provider: None,
            is_of_no_domain: false,
            is_incomplete,
        }
    }
}

/// A way to send that some step found.
struct Offer {
    host: String,
    port: u16,
    security: Security,
    /// Nothing where that step does not say.
    username: Option<String>,
    source: Source,
}

/// How a step ended.
enum Found {
    Offer(Offer),
    Nothing,
    /// Nobody answered in time, or the DNS is in trouble.
    NotKnown,
}

/// What is known of the address without asking anybody: works with no network.
#[must_use]
pub fn preset(address: &EmailAddress) -> Option<Discovery> {
    let provider = providers::of_domain(address.domain())?;
    Some(Discovery::of_provider(address, provider, Source::Preset(&provider.name)))
}

/// What can be known of the address. Ends within 5 s.
pub async fn discover(network: &Network, address: &EmailAddress) -> Discovery {
    discover_at(network, address, Ports::default()).await
}

/// The same, knocking at other ports.
pub async fn discover_at(network: &Network, address: &EmailAddress, ports: Ports) -> Discovery {
    if let Some(known) = preset(address) {
        return known;
    }
    let Some(domain) = ascii_host(address.domain()) else { return Discovery::unknown(address, false) };
    let ends = Instant::now() + IN_ALL;
    let is_incomplete = match timeout(FOR_MX, network.dns().mx(&domain)).await {
        Ok(Ok(exchangers)) => {
            if let Some(provider) = exchangers.iter().find_map(|mx| providers::of_exchanger(&mx.exchange)) {
                return Discovery::of_provider(address, provider, Source::Mx(provider.name_of_other_domains()));
            }
            false
        }
        Ok(Err(DnsError::NotFound)) => return Discovery { is_of_no_domain: true, ..Discovery::unknown(address, false) },
        Ok(Err(DnsError::NoRecords)) => false,
        Ok(Err(DnsError::Failed | DnsError::Timeout)) | Err(_) => true,
    };
    let search = Search { network: network.clone(), address: address.clone(), domain, ports };
    first_offer(search, ends, is_incomplete).await
}

/// All steps begin at once; the first in order that has something to offer is heard, without waiting for those after it.
async fn first_offer(search: Search, ends: Instant, mut is_incomplete: bool) -> Discovery {
    let address = search.address.clone();
    let steps = [
        Running::start(search.clone().description()),
        Running::start(search.clone().service_records()),
        Running::start(search.guess()),
    ];
    for step in steps {
        match step.result(ends).await {
            Found::Offer(offer) => return Discovery::of_offer(&address, offer),
            Found::Nothing => {}
            Found::NotKnown => is_incomplete = true,
        }
    }
    Discovery::unknown(&address, is_incomplete)
}

/// A step under way; who lets go of it stops it.
struct Running(JoinHandle<Found>);

impl Running {
    fn start(step: impl Future<Output = Found> + Send + 'static) -> Self {
        Self(tokio::spawn(step))
    }

    async fn result(mut self, ends: Instant) -> Found {
        match timeout_at(ends, &mut self.0).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) | Err(_) => Found::NotKnown,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Clone)]
struct Search {
    network: Network,
    address: EmailAddress,
    /// As the DNS knows it.
    domain: String,
    ports: Ports,
}

impl Search {
    /// Mozilla's description, at the two places of the domain's own. The address is not sent along: a description is for
    /// the whole domain.
    async fn description(self) -> Found {
        let port = if self.ports.https == 443 { String::new() } else { format!(":{}", self.ports.https) };
        let domain = &self.domain;
        let (own, well_known) = tokio::join!(
            self.read_description(format!("https://autoconfig.{domain}{port}/mail/config-v1.1.xml")),
            self.read_description(format!("https://{domain}{port}/.well-known/autoconfig/mail/config-v1.1.xml")),
        );
        match (own, well_known) {
            (Found::Offer(offer), _) | (_, Found::Offer(offer)) => Found::Offer(offer),
            (Found::NotKnown, _) | (_, Found::NotKnown) => Found::NotKnown,
            (Found::Nothing, Found::Nothing) => Found::Nothing,
        }
    }

    async fn read_description(&self, url: String) -> Found {
        let answer = match Web::new(&self.network).get(&url, FOR_DESCRIPTION).await {
            Ok(answer) if answer.is_success() => answer,
            Err(WebError::Timeout | WebError::Unreachable(Unreachable::DnsFailed)) => return Found::NotKnown,
            Ok(_) | Err(_) => return Found::Nothing,
        };
        let Ok(text) = std::str::from_utf8(&answer.body) else { return Found::Nothing };
        for server in mozilla::read(text, &self.address) {
            // What an owner of a domain writes there is checked like what a user types.
            if self.network.resolve(&server.host, server.port).await.is_ok() {
                let source = Source::Autoconfig(self.address.domain().to_owned());
                let mozilla::Offered { host, port, security, username, .. } = server;
                return Found::Offer(Offer { host, port, security, username, source });
            }
        }
        Found::Nothing
    }

    /// RFC 8314 5.1: the service with TLS from the start comes first.
    async fn service_records(self) -> Found {
        let (tls, starttls) = tokio::join!(
            self.service_record("_submissions._tcp", Security::Tls),
            self.service_record("_submission._tcp", Security::StartTls),
        );
        match (tls, starttls) {
            (Found::Offer(offer), _) | (_, Found::Offer(offer)) => Found::Offer(offer),
            (Found::NotKnown, _) | (_, Found::NotKnown) => Found::NotKnown,
            (Found::Nothing, Found::Nothing) => Found::Nothing,
        }
    }

    async fn service_record(&self, service: &str, security: Security) -> Found {
        let records = match self.network.dns().srv(&format!("{service}.{}", self.domain)).await {
            Ok(records) => records,
            Err(DnsError::NotFound | DnsError::NoRecords) => return Found::Nothing,
            Err(DnsError::Failed | DnsError::Timeout) => return Found::NotKnown,
        };
        for record in records {
            if !record.target.is_empty() && self.network.resolve(&record.target, record.port).await.is_ok() {
                let (host, port) = (record.target, record.port);
                return Found::Offer(Offer { host, port, security, username: None, source: Source::Srv });
            }
        }
        Found::Nothing
    }

    /// Names that most hosters give to a domain's server, where a mail server answers.
    async fn guess(self) -> Found {
        let (mail, smtp) = (format!("mail.{}", self.domain), format!("smtp.{}", self.domain));
        let (tls, starttls) = (self.ports.tls, self.ports.starttls);
        let knocks = tokio::join!(
            self.knock(&mail, tls, Security::Tls),
            self.knock(&mail, starttls, Security::StartTls),
            self.knock(&smtp, tls, Security::Tls),
            self.knock(&smtp, starttls, Security::StartTls),
        );
        let mut answers = [knocks.0, knocks.1, knocks.2, knocks.3];
        // A stable sort: among those alike, the order above.
        answers.sort_by_key(|(how, _)| *how);
        match answers.into_iter().next() {
            Some((Knock::Greeted | Knock::Odd, Endpoint { host, port, security })) => {
                Found::Offer(Offer { host, port, security, username: None, source: Source::Guess(port) })
            }
            _ => Found::Nothing,
        }
    }

    async fn knock(&self, host: &str, port: u16, security: Security) -> (Knock, Endpoint) {
        let endpoint = Endpoint { host: host.to_owned(), port, security };
        let limits = Limits { in_all: Some(FOR_GREETING), ..Limits::each(FOR_GREETING) };
        let how = match Session::look_in(&self.network, &endpoint, &limits).await {
            Ok(session) => {
                // Nobody waits for the farewell.
                drop(session);
                Knock::Greeted
            }
            Err(failure) => Knock::of(&failure),
        };
        (how, endpoint)
    }
}

/// How a door was answered, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Knock {
    Greeted,
    /// A mail server is there, and something about it has to be mended, such as its certificate's name: Probar says what.
    Odd,
    Nobody,
}

impl Knock {
    fn of(failure: &Failure) -> Self {
        let is_certificate = matches!(
            failure.cause,
            Cause::CertificateExpired { .. } | Cause::CertificateNameMismatch { .. } | Cause::CertificateUntrusted
        );
        if is_certificate || failure.reply.is_some() { Self::Odd } else { Self::Nobody }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_value_comes_from_is_said_in_both_languages() {
        let sources = [
            (Source::Preset("Gmail"), "preset", "de Gmail"),
            (Source::Mx("Google Workspace"), "mx", "por el MX: Google Workspace"),
            (Source::Autoconfig("empresa.ec".to_owned()), "autoconfig", "autoconfig de empresa.ec"),
            (Source::Srv, "srv", "registro SRV"),
            (Source::Guess(465), "guess", "supuesto: responde en 465"),
            (Source::Usual, "usual", "lo habitual"),
        ];
        for (source, code, phrase) in sources {
            assert_eq!((source.code(), source.phrase(Language::Spanish).as_str()), (code, phrase));
            assert_ne!(source.phrase(Language::English), phrase);
        }
    }
}
