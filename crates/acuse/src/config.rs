//! The configuration: variables of the environment over a file over the defaults. The only crate that reads the environment.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use acuse_domain::company::CompanyCreation;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::oauth::Provider;
use acuse_mail::guard::Network;
use acuse_mail::oauth::Registration;
use acuse_server::CallsPerMinute;
use chrono::TimeDelta;
use figment::value::{Dict, Value};
use ipnet::IpNet;
use secrecy::SecretString;
use serde::Deserialize;

use crate::failure::Failure;
use crate::mail_url::MailUrl;
use crate::oauth_settings::Given;
use crate::settings;

/// RFC 1035 4.2.
const DNS_PORT: u16 = 53;
const KEY_FILE: &str = "secret.key";
const USUAL_LISTEN: &str = "127.0.0.1:8080";
/// More at once than this no mail server takes from one user.
const MOST_CONNECTIONS: usize = 100;
/// Where a demo listens, what it logs, and which mail servers may be tried from it. Every other setting would lead it to an
/// installation's data, its keys or its accounts.
const OF_THE_DEMO: [&str; 11] = [
    "listen",
    "workers",
    "max_connections",
    "log_format",
    "allowed_private_hosts",
    "allowed_mail_ports",
    "dns_servers",
    "extra_ca_file",
    "helo_name",
    "api_rate",
    "api_rate_without_token",
];

/// Has no `Debug`: it holds secrets.
#[derive(Clone, Deserialize)]
struct Written {
    data_dir: PathBuf,
    database_url: String,
    listen: String,
    public_url: String,
    trusted_proxies: String,
    secret_key_file: String,
    default_mail_url: String,
    default_mail_from: String,
    allowed_private_hosts: String,
    allowed_mail_ports: String,
    dns_servers: String,
    extra_ca_file: String,
    oauth_google_client_id: String,
    oauth_google_client_secret: String,
    oauth_google_issuer: String,
    oauth_google_smtp: String,
    oauth_microsoft_client_id: String,
    oauth_microsoft_client_secret: String,
    oauth_microsoft_tenant: String,
    oauth_microsoft_issuer: String,
    oauth_microsoft_smtp: String,
    oauth_microsoft_scope: String,
    helo_name: String,
    company_creation: String,
    company_deletion_days: u32,
    workers: usize,
    max_connections: usize,
    metrics_token: String,
    connections_per_account: usize,
    log_format: String,
    api_rate: u32,
    api_rate_without_token: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// Settings that have been understood.
#[derive(Debug, Clone)]
pub struct Config {
    pub data_dir: PathBuf,
    pub database_url: String,
    pub listen: SocketAddr,
    /// Whether somebody chose the address, or it is the default.
    pub listen_was_chosen: bool,
    /// As it was written; empty where it follows from the address.
    public_url: String,
    /// Whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<IpNet>,
    pub secret_key_file: PathBuf,
    pub default_account: Option<(MailUrl, EmailAddress)>,
    allowed_private_hosts: Vec<String>,
    allowed_mail_ports: Vec<u16>,
    /// The demo's own: to be reached there and nowhere beside it.
    pub catcher: Option<SocketAddr>,
    dns_servers: Vec<SocketAddr>,
    pub extra_ca: Option<Vec<u8>>,
    /// The providers with which accounts can be connected.
    pub oauth: Vec<Registration>,
    /// How this machine introduces itself to mail servers; its address where it has no public name.
    helo_name: Option<String>,
    /// Who may add a company.
    pub company_creation: CompanyCreation,
    /// How long one that is to be deleted waits.
    pub company_deletion_wait: TimeDelta,
    pub workers: usize,
    /// Of browsers and programs; 0 leaves it to the limit of open files.
    pub max_connections: usize,
    /// Opens /metrics; empty where only this machine reads it.
    pub metrics_token: SecretString,
    pub connections_per_account: usize,
    pub log_format: LogFormat,
    /// Calls of the API.
    pub api_rate: CallsPerMinute,
}

impl Config {
    /// Reads `file`, or acuse.toml where it exists. Errs with the setting that is unknown or cannot be understood.
    pub fn load(file: Option<&Path>) -> Result<Self, Failure> {
        Self::read(settings::given(file)?)
    }

    /// Of what is set, only what a demo may take; says on standard error what it leaves out.
    pub fn of_the_demo(file: Option<&Path>) -> Result<Self, Failure> {
        let mut given = settings::given(file)?;
        let is_its_own =
            |name: &str, value: &Value| OF_THE_DEMO.contains(&name) || name == "public_url" && is_of_this_machine(value);
        let left_out: Vec<String> =
            given.iter().filter(|(name, value)| !is_its_own(name, value)).map(|(name, _)| name.clone()).collect();
        if !left_out.is_empty() {
            eprintln!("Aviso: la demostración no usa {}.", left_out.join(", "));
        }
        given.retain(|name, value| is_its_own(name, value));
        Self::read(given)
    }

    fn read(given: Dict) -> Result<Self, Failure> {
        let config = Self::understand(settings::over_defaults(given)?)?;
        config.network()?;
        Ok(config)
    }

    /// Puts the database and its key into this folder.
    #[must_use]
    pub fn within(self, folder: &Path) -> Self {
        Self { data_dir: folder.to_path_buf(), database_url: database_in(folder), secret_key_file: folder.join(KEY_FILE), ..self }
    }

    fn understand(written: Written) -> Result<Self, Failure> {
        let oauth = written.oauth()?;
        let data_dir = written.data_dir;
        let listen =
            written.listen.parse().map_err(|_| unclear("listen", format!("«{}» no es dirección:puerto", written.listen)))?;
        let extra_ca = match written.extra_ca_file.as_str() {
            "" => None,
            path => Some(std::fs::read(path).map_err(|error| unclear("extra_ca_file", format!("{path}: {error}")))?),
        };
        Ok(Self {
            database_url: match written.database_url.as_str() {
                "" => database_in(&data_dir),
                url => url.to_string(),
            },
            secret_key_file: match written.secret_key_file.as_str() {
                "" => data_dir.join(KEY_FILE),
                path => PathBuf::from(path),
            },
            default_account: default_account(&written.default_mail_url, &written.default_mail_from)?,
            helo_name: helo_name(&written.helo_name, &written.public_url)?,
            allowed_private_hosts: split(&written.allowed_private_hosts),
            catcher: None,
            trusted_proxies: each(&written.trusted_proxies, network)
                .map_err(|text| unclear("trusted_proxies", format!("«{text}» no es dirección ni red, como 10.0.0.0/8")))?,
            oauth,
            allowed_mail_ports: each(&written.allowed_mail_ports, |text| text.parse().ok().filter(|port| *port > 0))
                .map_err(|text| unclear("allowed_mail_ports", format!("«{text}» no es un puerto, de 1 a 65535")))?,
            dns_servers: each(&written.dns_servers, nameserver)
                .map_err(|text| unclear("dns_servers", format!("«{text}» no es dirección ni dirección:puerto")))?,
            public_url: public_url(&written.public_url)?,
            data_dir,
            listen,
            listen_was_chosen: written.listen != USUAL_LISTEN,
            company_creation: company_creation(&written.company_creation)?,
            company_deletion_wait: TimeDelta::days(written.company_deletion_days.into()),
            extra_ca,
            workers: written.workers,
            max_connections: written.max_connections,
            metrics_token: written.metrics_token.into(),
            connections_per_account: connections_per_account(written.connections_per_account)?,
            log_format: log_format(&written.log_format)?,
            api_rate: CallsPerMinute { of_a_token: written.api_rate, without_token: written.api_rate_without_token },
        })
    }

    /// What may be reached outside. Errs if an exception or the extra authorities cannot be read.
    pub fn network(&self) -> Result<Network, Failure> {
        // Who writes a mail server's address into the settings allows its port; nobody wrote the catcher's.
        let own = self.default_account.iter().map(|(url, _)| url.endpoint.port);
        let own = own.filter(|port| self.catcher.is_none_or(|catcher| catcher.port() != *port));
        let own = own.chain(self.oauth.iter().map(|registration| registration.smtp.port));
        let ports: Vec<u16> = self.allowed_mail_ports.iter().copied().chain(own).collect();
        let network = Network::new(&self.allowed_private_hosts, self.extra_ca.as_deref())?;
        let network = network.with_mail_ports(&ports).with_nameservers(&self.dns_servers);
        let network = network.introducing_itself_as(self.helo_name.as_deref());
        Ok(match self.catcher {
            Some(catcher) => network.with_mail_server(catcher),
            None => network,
        })
    }

    /// What the operator registers with a provider as the place to come back to.
    #[must_use]
    pub fn redirect_uri(&self, provider: Provider) -> String {
        format!("{}/mi-compania/correos/oauth/{}", self.public_url(self.listen), provider.as_str())
    }

    /// Where browsers find an installation that listens here.
    #[must_use]
    pub fn public_url(&self, listening: SocketAddr) -> String {
        if self.public_url.is_empty() { format!("http://{listening}") } else { self.public_url.clone() }
    }
}

impl Written {
    fn oauth(&self) -> Result<Vec<Registration>, Failure> {
        let google = Given {
            provider: Provider::Google,
            client_id: self.oauth_google_client_id.clone(),
            client_secret: self.oauth_google_client_secret.clone(),
            issuer: self.oauth_google_issuer.clone(),
            smtp: self.oauth_google_smtp.clone(),
            tenant: String::new(),
            scope: String::new(),
        };
        let microsoft = Given {
            provider: Provider::Microsoft,
            client_id: self.oauth_microsoft_client_id.clone(),
            client_secret: self.oauth_microsoft_client_secret.clone(),
            issuer: self.oauth_microsoft_issuer.clone(),
            smtp: self.oauth_microsoft_smtp.clone(),
            tenant: self.oauth_microsoft_tenant.clone(),
            scope: self.oauth_microsoft_scope.clone(),
        };
        Ok([google.understand()?, microsoft.understand()?].into_iter().flatten().collect())
    }
}

/// The password for `acuse mail check`.
#[must_use]
pub fn mail_password() -> Option<String> {
    std::env::var("ACUSE_MAIL_PASSWORD").ok()
}

/// How long a stopping server waits for requests that are under way.
pub const FAREWELL: Duration = Duration::from_secs(10);

fn unclear(name: &str, why: String) -> Failure {
    Failure::new(format!("{name}: {why}"), "Corrija ese valor y vuelva a empezar.")
}

fn database_in(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("acuse.db").display())
}

/// Keys of the device are made for a name, which browsers take on this machine without https: `http://localhost:4290`.
fn is_of_this_machine(public_url: &Value) -> bool {
    public_url.as_str().is_some_and(|url| url.starts_with("http://localhost:"))
}

fn public_url(written: &str) -> Result<String, Failure> {
    let is_web = |url: &url::Url| matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
    if written.is_empty() || url::Url::parse(written).is_ok_and(|url| is_web(&url)) {
        return Ok(written.trim_end_matches('/').to_string());
    }
    Err(unclear("public_url", format!("«{written}» no es http://… ni https://…, como https://acuse.empresa.ec")))
}

fn connections_per_account(written: usize) -> Result<usize, Failure> {
    match written {
        1..=MOST_CONNECTIONS => Ok(written),
        _ => Err(unclear("connections_per_account", format!("«{written}» no está entre 1 y {MOST_CONNECTIONS}"))),
    }
}

fn company_creation(written: &str) -> Result<CompanyCreation, Failure> {
    let unknown = || unclear("company_creation", format!("«{written}» no es operator ni owners"));
    CompanyCreation::parse(written).ok_or_else(unknown)
}

fn log_format(written: &str) -> Result<LogFormat, Failure> {
    match written {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(unclear("log_format", format!("«{written}» no es text ni json"))),
    }
}

fn default_account(url: &str, from: &str) -> Result<Option<(MailUrl, EmailAddress)>, Failure> {
    match (url, from) {
        ("", "") => Ok(None),
        ("", _) | (_, "") => Err(Failure::new(
            "default_mail_url y default_mail_from van juntas",
            "Escriba las dos, o ninguna si cada compañía tendrá su propia cuenta.",
        )),
        (url, from) => {
            let url = url.parse().map_err(|error| Failure::new(format!("default_mail_url: {error}"), MailUrl::EXAMPLE))?;
            let from = from.parse().map_err(|error| Failure::new(format!("default_mail_from: {error}"), ""))?;
            Ok(Some((url, from)))
        }
    }
}

/// The name that was chosen, or the one under which browsers find this installation, where that is a public one.
fn helo_name(chosen: &str, public_url: &str) -> Result<Option<String>, Failure> {
    if !chosen.is_empty() {
        if !is_full_name(chosen) {
            let what = format!("helo_name: «{chosen}» no es un nombre completo");
            return Err(Failure::new(what, "Escriba un nombre como acuse.empresa.ec, o déjelo vacío."));
        }
        return Ok(Some(chosen.to_string()));
    }
    let host = url::Url::parse(public_url).ok().and_then(|url| url.domain().map(str::to_string));
    Ok(host.filter(|host| is_full_name(host) && !is_only_local(host)))
}

fn is_full_name(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(is_label) && name.parse::<std::net::IpAddr>().is_err()
}

/// RFC 6761, 6762, 8375 and what networks at home are called: names that say nothing to a server outside.
fn is_only_local(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    ["local", "localhost", "localdomain", "internal", "lan", "home", "arpa", "test", "invalid", "example"].contains(&last)
}

fn split(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_string).collect()
}

/// Errs with the first part that is none.
fn each<T>(list: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    split(list).into_iter().map(|part| read(&part).ok_or(part)).collect()
}

/// `10.0.0.0/8`, or one address alone.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`.
fn nameserver(text: &str) -> Option<SocketAddr> {
    let alone = || text.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, DNS_PORT));
    text.parse().ok().or_else(alone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_name_is_told_to_mail_servers_and_no_other() {
        let name = |chosen: &str, url: &str| helo_name(chosen, url).unwrap_or_default();
        assert_eq!(name("", "https://acuse.empresa.ec/x").as_deref(), Some("acuse.empresa.ec"));
        assert_eq!(name("correo.empresa.ec", "https://acuse.empresa.ec").as_deref(), Some("correo.empresa.ec"));
        for url in
            ["", "http://localhost:8080", "https://10.0.0.1", "http://acuse.local", "http://servidor:8080", "https://[::1]"]
        {
            assert_eq!(name("", url), None, "{url}");
        }
        assert!(helo_name("servidor", "").is_err() && helo_name("a b.ec", "").is_err());
    }

    #[test]
    fn a_nameserver_is_an_address_with_or_without_a_port() {
        let read = |text| nameserver(text).map(|server| server.to_string());
        assert_eq!(read("192.0.2.53"), Some("192.0.2.53:53".to_string()));
        assert_eq!(read("127.0.0.1:5353"), Some("127.0.0.1:5353".to_string()));
        assert_eq!(read("2001:db8::53"), Some("[2001:db8::53]:53".to_string()));
        assert_eq!(read("[2001:db8::53]:5353"), Some("[2001:db8::53]:5353".to_string()));
        assert_eq!(read("dns.empresa.ec"), None);
    }
}
