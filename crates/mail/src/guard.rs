//! The only way to another machine: resolve once, check every address, connect to what was checked.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use acuse_domain::host::ascii_host;
use rustls::ClientConfig;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::address_rules::{Allowed, is_public};
use crate::dns::{Dns, DnsError};

/// Where mail is handed over to a server: SMTP, submission with TLS from the start, submission, and the port that
/// providers offer where 25 is blocked.
pub const MAIL_PORTS: [u16; 4] = [25, 465, 587, 2525];
const WEB_PORTS: [u16; 1] = [443];

/// RFC 8305 5: the next address is tried after a quarter of a second, while the one before may still answer.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);
/// A name with more addresses than this is tried at its first ones.
const MOST_ADDRESSES: usize = 6;

/// What is allowed to be reached, who is asked for names, and which authorities are trusted. Cheap to clone.
#[derive(Clone)]
pub struct Network {
    rules: Arc<Rules>,
    /// How this machine introduces itself; its address where it has no public name.
    helo_name: Option<Arc<str>>,
    dns: Arc<Dns>,
}

#[derive(Clone)]
struct Rules {
    allowed: Vec<Allowed>,
    /// Mail servers that may be reached where they are, and nothing beside them.
    mail_servers: Vec<SocketAddr>,
    mail_ports: Vec<u16>,
    /// Nothing where neither the platform nor the operator names an authority: then no certificate is trusted.
    tls: Option<Arc<ClientConfig>>,
}

#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    #[error("«{0}» is neither a network (10.0.0.0/8), an address nor a host name")]
    AllowedHost(String),
    #[error("the file of extra authorities has no PEM certificate that can be read")]
    ExtraAuthorities,
}

/// Why a host cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    InvalidHost,
    HostNotFound,
    /// The name exists and has no address.
    NoAddress,
    DnsFailed,
    AddressNotAllowed,
    PortNotAllowed,
    Refused,
    Timeout,
    NoRoute,
}

impl Network {
    /// `allowed_private`: networks, addresses or host names that may be reached although they are not public.
    /// `extra_authorities`: a PEM file's bytes, trusted beside the platform's.
    ///
    /// Errs if an exception cannot be read, or the PEM has no certificate.
    pub fn new(allowed_private: &[String], extra_authorities: Option<&[u8]>) -> Result<Self, NetworkError> {
        let allowed = allowed_private
            .iter()
            .filter(|text| !text.trim().is_empty())
            .map(|text| Allowed::parse(text).ok_or_else(|| NetworkError::AllowedHost(text.clone())))
            .collect::<Result<Vec<_>, _>>()?;
        let extra = match extra_authorities {
            Some(pem) => read_authorities(pem)?,
            None => Vec::new(),
        };
        let rules = Rules { allowed, mail_servers: Vec::new(), mail_ports: MAIL_PORTS.to_vec(), tls: tls_config(extra)? };
        Ok(Self { rules: Arc::new(rules), dns: Arc::new(Dns::new(&[])), helo_name: None })
    }

    /// With the name for EHLO (RFC 5321 4.1.4): some servers refuse an address in its place.
    #[must_use]
    pub fn introducing_itself_as(self, name: Option<&str>) -> Self {
        Self { helo_name: name.map(Arc::from), ..self }
    }

    pub(crate) fn helo_name(&self) -> Option<&str> {
        self.helo_name.as_deref()
    }

    /// Asks these servers for names. None: the system's own.
    #[must_use]
    pub fn with_nameservers(self, servers: &[SocketAddr]) -> Self {
        Self { dns: Arc::new(Dns::new(servers)), ..self }
    }

    /// Mail accounts may use these ports too.
    #[must_use]
    pub fn with_mail_ports(self, more: &[u16]) -> Self {
        let mail_ports = self.rules.mail_ports.iter().chain(more).copied().collect();
        Self { rules: Arc::new(Rules { mail_ports, ..(*self.rules).clone() }), ..self }
    }

    /// Mail accounts may reach this address at this port, although it may not be public.
    #[must_use]
    pub fn with_mail_server(self, server: SocketAddr) -> Self {
        let mail_servers = self.rules.mail_servers.iter().copied().chain([server]).collect();
        Self { rules: Arc::new(Rules { mail_servers, ..(*self.rules).clone() }), ..self }
    }

    /// Whether a mail account may use this port, as far as that is known before the host is looked up: a host that an
    /// operator has allowed by name or network is reached at any port.
    #[must_use]
    pub fn may_use_mail_port(&self, host: &str, port: u16) -> bool {
        self.rules.mail_ports.contains(&port)
            || ascii_host(host).is_some_and(|host| self.rules.may_except(&host) || self.rules.may_be_mail_server(&host, port))
    }

    /// The addresses of a mail server that may be connected to. Every address is checked; one lookup is all there is.
    ///
    /// Errs if the host is no host, has no address, or has only addresses that are not allowed.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Unreachable> {
        self.reachable(host, port, &self.rules.mail_ports, &self.rules.mail_servers).await
    }

    /// The same for a web server.
    pub(crate) async fn resolve_web(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Unreachable> {
        self.reachable(host, port, &WEB_PORTS, &[]).await
    }

    async fn reachable(
        &self,
        host: &str,
        port: u16,
        usual: &[u16],
        servers: &[SocketAddr],
    ) -> Result<Vec<SocketAddr>, Unreachable> {
        let host = ascii_host(host).ok_or(Unreachable::InvalidHost)?;
        let found = self.look_up(&host).await?;
        let is_usual = usual.contains(&port);
        let may_reach = |address: &IpAddr| {
            is_public(*address) && is_usual
                || self.rules.except(&host, *address)
                || servers.contains(&SocketAddr::new(*address, port))
        };
        let allowed: Vec<IpAddr> = found.iter().copied().filter(may_reach).take(MOST_ADDRESSES).collect();
        match allowed.as_slice() {
            [] if found.iter().copied().any(is_public) => Err(Unreachable::PortNotAllowed),
            [] => Err(Unreachable::AddressNotAllowed),
            some => Ok(some.iter().map(|address| SocketAddr::new(*address, port)).collect()),
        }
    }

    /// Connects to the first of these addresses that answers.
    pub async fn connect(&self, addresses: &[SocketAddr]) -> Result<TcpStream, Unreachable> {
        let stream = match addresses {
            [only] => TcpStream::connect(only).await.map_err(|error| unreachable(&error))?,
            several => first_to_answer(several).await?,
        };
        // A small command must not wait for the acknowledgement of the one before.
        stream.set_nodelay(true).map_err(|error| unreachable(&error))?;
        Ok(stream)
    }

    /// The TLS settings with the platform's authorities and the operator's; nothing where no authority is known.
    #[must_use]
    pub fn tls(&self) -> Option<Arc<ClientConfig>> {
        self.rules.tls.clone()
    }

    #[must_use]
    pub fn dns(&self) -> &Dns {
        &self.dns
    }

    async fn look_up(&self, host: &str) -> Result<Vec<IpAddr>, Unreachable> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![address]);
        }
        let is_of_the_house = !host.contains('.') || self.rules.name(host);
        self.dns.addresses(host, is_of_the_house).await.map_err(|error| match error {
            DnsError::NotFound => Unreachable::HostNotFound,
            DnsError::NoRecords => Unreachable::NoAddress,
            DnsError::Failed | DnsError::Timeout => Unreachable::DnsFailed,
        })
    }
}

impl Rules {
    /// The operator allows this address of this host, although it may not be public.
    fn except(&self, host: &str, address: IpAddr) -> bool {
        self.allowed.iter().any(|rule| rule.allows(host, address))
    }

    /// The operator names this very host.
    fn name(&self, host: &str) -> bool {
        self.allowed.iter().any(|rule| matches!(rule, Allowed::Host(name) if name.eq_ignore_ascii_case(host)))
    }

    /// Whether one of the mail servers may be meant by a host of which only the name is known.
    fn may_be_mail_server(&self, host: &str, port: u16) -> bool {
        let address: Option<IpAddr> = host.parse().ok();
        let is_meant = |server: &SocketAddr| server.port() == port && address.is_none_or(|address| server.ip() == address);
        self.mail_servers.iter().any(is_meant)
    }

    /// Whether an exception may hold for a host of which only the name is known: its addresses could be in any network.
    fn may_except(&self, host: &str) -> bool {
        match host.parse() {
            Ok(address) => self.except(host, address),
            Err(_) => self.name(host) || self.allowed.iter().any(|rule| matches!(rule, Allowed::Network(..))),
        }
    }
}

async fn first_to_answer(addresses: &[SocketAddr]) -> Result<TcpStream, Unreachable> {
    let mut attempts = JoinSet::new();
    for (place, address) in (0u32..).zip(addresses.iter().copied()) {
        attempts.spawn(async move {
            tokio::time::sleep(NEXT_ADDRESS_AFTER * place).await;
            TcpStream::connect(address).await
        });
    }
    let mut why = Unreachable::NoRoute;
    while let Some(attempt) = attempts.join_next().await {
        match attempt {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => why = worse(why, unreachable(&error)),
            Err(_) => why = Unreachable::NoRoute,
        }
    }
    Err(why)
}

/// «Nobody listens there» says more than «there is no way», which a machine without IPv6 says of half the addresses.
fn worse(one: Unreachable, other: Unreachable) -> Unreachable {
    if one == Unreachable::NoRoute { other } else { one }
}

fn unreachable(error: &io::Error) -> Unreachable {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Unreachable::Refused,
        io::ErrorKind::TimedOut => Unreachable::Timeout,
        _ => Unreachable::NoRoute,
    }
}

fn read_authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, NetworkError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(authorities) if !authorities.is_empty() => Ok(authorities),
        _ => Err(NetworkError::ExtraAuthorities),
    }
}

fn tls_config(extra: Vec<CertificateDer<'static>>) -> Result<Option<Arc<ClientConfig>>, NetworkError> {
    let has_extra = !extra.is_empty();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = match Verifier::new_with_extra_roots(extra, Arc::clone(&provider)) {
        Ok(verifier) => verifier,
        Err(_) if has_extra => return Err(NetworkError::ExtraAuthorities),
        Err(error) => {
            tracing::warn!("No certificate authority is known, so no TLS server can be trusted: {error}");
            return Ok(None);
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Some(Arc::new(config)))
}
