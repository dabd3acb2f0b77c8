//! What the DNS says, in answers that tell apart a name that does not exist, one without such records, and a DNS that
//! is in trouble.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use acuse_domain::host::ascii_host;
use acuse_domain::text::escaped;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError as Answered, NetError};
use hickory_resolver::proto::op::{Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Hosts, Resolver, TokioResolver};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;

/// How long one question waits for its answer. It is asked twice.
const EACH_TRY: Duration = Duration::from_secs(2);
/// Tries after the first.
const MORE_TRIES: usize = 1;
/// Aliases and search domains ask further questions; together they have no more time than this.
const IN_ALL: Duration = Duration::from_millis(4_500);
/// How long an IPv4 address waits for the IPv6 ones, and the other way round: a resolver that drops one kind of question
/// must not slow down everybody.
const OTHER_FAMILY: Duration = Duration::from_millis(300);
/// A name with more records than this is known by its first ones.
const MOST_RECORDS: usize = 50;
/// Bytes of a TXT record; a DKIM key of 4,096 bits has some 750.
const LONGEST_TEXT: usize = 4_096;

/// What is looked at again when it changes, as the C library does: a laptop moves from network to network.
const SYSTEM_FILES: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// NXDOMAIN, or what cannot be a name at all.
    #[error("the name does not exist")]
    NotFound,
    /// The name exists, without a record of this kind.
    #[error("the name has no such records")]
    NoRecords,
    /// SERVFAIL, REFUSED, no server in reach: nothing is known of the name.
    #[error("the DNS could not answer")]
    Failed,
    #[error("the DNS did not answer in time")]
    Timeout,
}

/// Where a domain's mail is delivered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mx {
    pub preference: u16,
    /// Without the final dot, in lower case. Empty: the domain takes no mail (RFC 7505).
    pub exchange: String,
}

/// Where a service is offered (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Srv {
    pub priority: u16,
    pub weight: u16,
    pub port: u16,
    /// Without the final dot, in lower case. Empty: the service is decidedly not offered.
    pub target: String,
}

impl Dns {
    /// A domain's mail exchangers, the preferred one first.
    ///
    /// Errs if there are none, or the DNS does not say.
    pub async fn mx(&self, domain: &str) -> Result<Vec<Mx>, DnsError> {
        let found = self.records(domain, RecordType::MX).await?.into_iter().filter_map(|record| match record {
            RData::MX(mx) => Some(Mx { preference: mx.preference, exchange: plain(&mx.exchange) }),
            _ => None,
        });
        let mut found: Vec<Mx> = found.collect();
        found.sort();
        Ok(found)
    }

    /// The texts of a name, the pieces of each put together again. What is not UTF-8 in them is replaced.
    ///
    /// Errs if there are none, or the DNS does not say.
    pub async fn txt(&self, name: &str) -> Result<Vec<String>, DnsError> {
        let found = self.records(name, RecordType::TXT).await?.into_iter().filter_map(|record| match record {
            RData::TXT(txt) => Some(txt.txt_data.concat()),
            _ => None,
        });
        Ok(found.map(|bytes| escaped(&String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST_TEXT)]))).collect())
    }

    /// Where a service such as `_submissions._tcp.empresa.ec` is offered, the first choice first.
    ///
    /// Errs if that is not said, or the DNS does not answer.
    pub async fn srv(&self, name: &str) -> Result<Vec<Srv>, DnsError> {
        let found = self.records(name, RecordType::SRV).await?.into_iter().filter_map(|record| match record {
            RData::SRV(srv) => {
                let target = plain(&srv.target);
                Some(Srv { priority: srv.priority, weight: srv.weight, port: srv.port, target })
            }
            _ => None,
        });
        let mut found: Vec<Srv> = found.collect();
        found.sort_by_key(|srv| (srv.priority, u16::MAX - srv.weight));
        Ok(found)
    }

    async fn records(&self, name: &str, kind: RecordType) -> Result<Vec<RData>, DnsError> {
        let name = ascii_host(name).ok_or(DnsError::NotFound)?;
        self.asker().ask(&absolute(&name)?, kind).await
    }
}

/// Who is asked. Follows the system's configuration where no servers are named.
pub struct Dns {
    servers: Vec<SocketAddr>,
    at_hand: Mutex<Option<(Stamp, Arc<Asker>)>>,
}

/// When the system's files were last written, and how long they were.
type Stamp = [Option<(SystemTime, u64)>; SYSTEM_FILES.len()];

impl Dns {
    /// No servers: the system's.
    pub(crate) fn new(servers: &[SocketAddr]) -> Self {
        Self { servers: servers.to_vec(), at_hand: Mutex::new(None) }
    }

    /// The addresses of a host, those of IPv4 first. `search`: the system's search domains count, as for a name that is
    /// said among the machines of one house.
    pub(crate) async fn addresses(&self, host: &str, search: bool) -> Result<Vec<IpAddr>, DnsError> {
        let asker = self.asker();
        let name = absolute(host)?;
        let in_file = asker.in_hosts_file(&name);
        if !in_file.is_empty() {
            return Ok(in_file);
        }
        // RFC 6761 6.4: never delegated, so nobody needs to be asked.
        if host.ends_with(".invalid") {
            return Err(DnsError::NotFound);
        }
        let name = if search { relative(name) } else { name };
        let (v4, v6) = both(asker.ask(&name, RecordType::A), asker.ask(&name, RecordType::AAAA)).await;
        let found: Vec<IpAddr> = [&v4, &v6].into_iter().flatten().flatten().filter_map(RData::ip_addr).collect();
        if found.is_empty() { Err(why_neither(v4.err(), v6.err())) } else { Ok(found) }
    }

    fn asker(&self) -> Arc<Asker> {
        let stamp = SYSTEM_FILES.map(|path| {
            let file = std::fs::metadata(path).ok()?;
            Some((file.modified().ok()?, file.len()))
        });
        let mut at_hand = self.at_hand.lock().unwrap_or_else(PoisonError::into_inner);
        match &*at_hand {
            Some((of, asker)) if *of == stamp => Arc::clone(asker),
            _ => {
                let asker = Arc::new(Asker::new(&self.servers));
                *at_hand = Some((stamp, Arc::clone(&asker)));
                asker
            }
        }
    }
}

struct Asker {
    /// Nothing where it could not be made, and then every question fails.
    resolver: Option<TokioResolver>,
    hosts: Hosts,
}

impl Asker {
    fn new(servers: &[SocketAddr]) -> Self {
        let (config, found) = configuration(servers);
        let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default()).with_tls_config(no_tls());
        let options = builder.options_mut();
        options.ndots = found.ndots;
        options.timeout = EACH_TRY;
        options.attempts = MORE_TRIES;
        options.edns0 = true;
        // Who has just mended a record wants to see it; the system's resolver keeps answers for everybody.
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        let resolver = builder.build().inspect_err(|error| tracing::error!("No name can be looked up: {error}"));
        Self { resolver: resolver.ok(), hosts: Hosts::from_system().unwrap_or_default() }
    }

    async fn ask(&self, name: &Name, kind: RecordType) -> Result<Vec<RData>, DnsError> {
        let resolver = self.resolver.as_ref().ok_or(DnsError::Failed)?;
        let found = timeout(IN_ALL, resolver.lookup(name.clone(), kind)).await.map_err(|_| DnsError::Timeout)?;
        let found = found.map_err(|error| situation(&error))?;
        let records = found.answers().iter().map(|record| &record.data).filter(|data| data.record_type() == kind);
        let records: Vec<RData> = records.take(MOST_RECORDS).cloned().collect();
        if records.is_empty() { Err(DnsError::NoRecords) } else { Ok(records) }
    }

    fn in_hosts_file(&self, name: &Name) -> Vec<IpAddr> {
        let known = |kind| self.hosts.lookup_static_host(&Query::query(name.clone(), kind));
        let lines = [RecordType::A, RecordType::AAAA].into_iter().filter_map(known);
        lines.flat_map(|line| line.answers().iter().filter_map(|record| record.data.ip_addr()).collect::<Vec<_>>()).collect()
    }
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dns").field("servers", &self.servers).finish_non_exhaustive()
    }
}

fn configuration(servers: &[SocketAddr]) -> (ResolverConfig, ResolverOpts) {
    let system = hickory_resolver::system_conf::read_system_conf();
    match (servers, system) {
        ([], Ok(found)) => found,
        ([], Err(error)) => {
            // resolv.conf(5): without a server in it, the one of this machine is asked.
            tracing::warn!("The system's DNS configuration cannot be read, so this machine itself is asked: {error}");
            let here = NameServerConfig::udp_and_tcp(IpAddr::V4(Ipv4Addr::LOCALHOST));
            (ResolverConfig::from_name_servers(vec![here]), ResolverOpts::default())
        }
        (named, _) => (ResolverConfig::from_name_servers(named.iter().copied().map(server).collect()), ResolverOpts::default()),
    }
}

fn server(address: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.to_vec())
}

/// The resolver wants one although it asks nobody over TLS; its own would read every authority of the machine.
fn no_tls() -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring knows TLS 1.2 and 1.3")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}

fn absolute(host: &str) -> Result<Name, DnsError> {
    let mut name = Name::from_labels(host.split('.').map(str::as_bytes)).map_err(|_| DnsError::NotFound)?;
    name.set_fqdn(true);
    Ok(name)
}

fn relative(mut name: Name) -> Name {
    name.set_fqdn(false);
    name
}

fn plain(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_lowercase()
}

type Found = Result<Vec<RData>, DnsError>;

/// Both answers; one that comes long after the other is not waited for.
async fn both(v4: impl Future<Output = Found>, v6: impl Future<Output = Found>) -> (Found, Found) {
    let (mut v4, mut v6) = (pin!(v4), pin!(v6));
    tokio::select! {
        first = &mut v4 => {
            let other = second(&first, v6).await;
            (first, other)
        }
        first = &mut v6 => {
            let other = second(&first, v4).await;
            (other, first)
        }
    }
}

async fn second(first: &Found, other: impl Future<Output = Found>) -> Found {
    if first.is_ok() { timeout(OTHER_FAMILY, other).await.unwrap_or(Err(DnsError::Timeout)) } else { other.await }
}

/// That a name does not exist holds for both kinds of address; that it has none is only known when both say so.
fn why_neither(v4: Option<DnsError>, v6: Option<DnsError>) -> DnsError {
    let said = [v4, v6];
    [DnsError::NotFound, DnsError::Timeout, DnsError::Failed]
        .into_iter()
        .find(|why| said.contains(&Some(*why)))
        .unwrap_or(DnsError::NoRecords)
}

fn situation(error: &NetError) -> DnsError {
    match error {
        NetError::Dns(Answered::NoRecordsFound(none)) if none.response_code == ResponseCode::NXDomain => DnsError::NotFound,
        NetError::Dns(Answered::NoRecordsFound(_)) => DnsError::NoRecords,
        NetError::Timeout => DnsError::Timeout,
        _ => DnsError::Failed,
    }
}
