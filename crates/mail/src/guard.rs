//! The only way to another machine: resolve once, check every address, connect to what was checked.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::address_rules::{Allowed, is_public};

/// RFC 8305 5: the next address is tried after a quarter of a second, while the one before may still answer.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);
/// A name with more addresses than this is tried at its first ones.
const MOST_ADDRESSES: usize = 6;
/// RFC 1035 2.3.4.
const LONGEST_HOST: usize = 253;

/// What is allowed to be reached, and which authorities are trusted. Cheap to clone.
#[derive(Clone)]
pub struct Network {
    rules: Arc<Rules>,
    /// How this machine introduces itself; its address where it has no public name.
    helo_name: Option<Arc<str>>,
}

struct Rules {
    allowed: Vec<Allowed>,
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
    DnsFailed,
    AddressNotAllowed,
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
        Ok(Self { rules: Arc::new(Rules { allowed, tls: tls_config(extra)? }), helo_name: None })
    }

    /// With the name for EHLO (RFC 5321 4.1.4): some servers refuse an address in its place.
    #[must_use]
    pub fn introducing_itself_as(self, name: Option<&str>) -> Self {
        Self { helo_name: name.map(Arc::from), ..self }
    }

    pub(crate) fn helo_name(&self) -> Option<&str> {
        self.helo_name.as_deref()
    }

    /// The addresses of a host that may be connected to. Every address is checked; one lookup is all there is.
    ///
    /// Errs if the host is no host, has no address, or has only addresses that are not allowed.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Unreachable> {
        let found = self.look_up(host, port).await?;
        let mut allowed: Vec<SocketAddr> = found.into_iter().filter(|address| self.may_reach(host, address.ip())).collect();
        if allowed.is_empty() {
            return Err(Unreachable::AddressNotAllowed);
        }
        allowed.truncate(MOST_ADDRESSES);
        Ok(allowed)
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

    fn may_reach(&self, host: &str, address: IpAddr) -> bool {
        is_public(address) || self.rules.allowed.iter().any(|rule| rule.allows(host, address))
    }

    async fn look_up(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Unreachable> {
        let host = ascii_host(host).ok_or(Unreachable::InvalidHost)?;
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        // RFC 6761 6.4: never delegated, so nobody needs to be asked.
        if host.ends_with(".invalid") {
            return Err(Unreachable::HostNotFound);
        }
        let found: Vec<SocketAddr> =
            tokio::net::lookup_host((host.as_str(), port)).await.map_err(|e| not_resolved(&e))?.collect();
        if found.is_empty() { Err(Unreachable::DnsFailed) } else { Ok(found) }
    }
}

/// The host as the DNS knows it: letters beyond ASCII as punycode, brackets of an IPv6 address dropped.
pub(crate) fn ascii_host(host: &str) -> Option<String> {
    let host = host.trim_matches(['[', ']']);
    if host.parse::<IpAddr>().is_ok() {
        return Some(host.to_owned());
    }
    let host = idna::domain_to_ascii(host).ok()?;
    let host = host.trim_end_matches('.');
    let is_label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    (host.len() <= LONGEST_HOST && host.split('.').all(is_label)).then(|| host.to_owned())
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

/// getaddrinfo's answers arrive as text only: «Name or service not known» (glibc), «nodename nor servname» (BSD),
/// «Name does not resolve» (musl) mean that the name does not exist; the rest is the DNS being in trouble.
fn not_resolved(error: &io::Error) -> Unreachable {
    let text = error.to_string();
    let unknown = ["Name or service not known", "nodename nor servname", "Name does not resolve"];
    if unknown.iter().any(|words| text.contains(words)) { Unreachable::HostNotFound } else { Unreachable::DnsFailed }
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
