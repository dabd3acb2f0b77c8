//! A real DNS server on loopback, over UDP and TCP, that answers from a zone written in the test.
//!
//! ```text
//! let zone = Zone::new().address("mail.empresa.ec", "192.0.2.1").txt("empresa.ec", "v=spf1 -all").fails("roto.ec");
//! let dns = DnsServer::start(zone).await;
//! let network = Network::new(&[], None).unwrap().with_nameservers(&[dns.address()]);
//! assert_eq!(network.dns().txt("empresa.ec").await.unwrap(), ["v=spf1 -all"]);
//! assert_eq!(dns.asked(), ["TXT empresa.ec"]);
//! ```
//!
//! A name that the zone does not know, and that stands above none that it knows, does not exist (NXDOMAIN); one that it
//! knows without the kind that is asked for has no such records. Every name may be written with or without final dot.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, SOA, SRV, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// RFC 1035 2.3.4: bytes of an answer over UDP to somebody who names no other limit.
const LONGEST_DATAGRAM: u16 = 512;
/// RFC 1035 3.3.14: bytes of one piece of a text.
const LONGEST_PIECE: usize = 255;
/// Ports tried until one is free for both UDP and TCP.
const TRIES: usize = 50;
/// Seconds.
const TTL: u32 = 60;

/// What the server knows. Built piece by piece.
#[derive(Debug, Clone, Default)]
pub struct Zone {
    names: HashMap<String, Node>,
}

#[derive(Debug, Clone, Default)]
struct Node {
    records: Vec<RData>,
    /// The answers to one question for an address after another; the last one stays.
    changing: Vec<IpAddr>,
    refusal: Option<ResponseCode>,
    is_silent: bool,
    /// As the DNS writes it: `AAAA`.
    silent_for: Vec<String>,
    delay: Duration,
}

impl Zone {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An address, of IPv4 or IPv6. A name may have several.
    #[must_use]
    pub fn address(self, name: &str, address: &str) -> Self {
        self.record(name, address_data(parse(address)))
    }

    /// A new address at each question: the first question gets the first, all after the last get the last.
    #[must_use]
    pub fn changing(mut self, name: &str, addresses: &[&str]) -> Self {
        self.node(name).changing = addresses.iter().map(|address| parse(address)).collect();
        self
    }

    #[must_use]
    pub fn mx(self, name: &str, preference: u16, exchange: &str) -> Self {
        self.record(name, RData::MX(MX::new(preference, labels(exchange))))
    }

    /// A text of any length, cut into pieces as the DNS wants it.
    #[must_use]
    pub fn txt(self, name: &str, text: &str) -> Self {
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(LONGEST_PIECE).collect();
        self.record(name, RData::TXT(TXT::from_bytes(pieces)))
    }

    #[must_use]
    pub fn srv(self, name: &str, priority: u16, weight: u16, port: u16, target: &str) -> Self {
        self.record(name, RData::SRV(SRV::new(priority, weight, port, labels(target))))
    }

    #[must_use]
    pub fn alias(self, name: &str, target: &str) -> Self {
        self.record(name, RData::CNAME(CNAME(labels(target))))
    }

    /// The name is answered with SERVFAIL.
    #[must_use]
    pub fn fails(mut self, name: &str) -> Self {
        self.node(name).refusal = Some(ResponseCode::ServFail);
        self
    }

    /// The name is never answered.
    #[must_use]
    pub fn silent(mut self, name: &str) -> Self {
        self.node(name).is_silent = true;
        self
    }

    /// Questions of this kind (`"AAAA"`) about the name are never answered.
    #[must_use]
    pub fn silent_for(mut self, name: &str, kind: &str) -> Self {
        self.node(name).silent_for.push(kind.to_owned());
        self
    }

    /// The name is answered after this time.
    #[must_use]
    pub fn slow(mut self, name: &str, delay: Duration) -> Self {
        self.node(name).delay = delay;
        self
    }

    fn record(mut self, name: &str, data: RData) -> Self {
        self.node(name).records.push(data);
        self
    }

    fn node(&mut self, name: &str) -> &mut Node {
        self.names.entry(plain(name)).or_default()
    }

    /// What to answer, and after how long; nothing where silence was asked for.
    fn answer(&mut self, question: &Message) -> Option<(Message, Duration)> {
        let mut answer = Message::response(question.metadata.id, OpCode::Query);
        answer.metadata.recursion_desired = question.metadata.recursion_desired;
        answer.metadata.recursion_available = true;
        let asked = question.queries.first()?;
        answer.add_query(asked.clone());
        let (mut owner, kind) = (asked.name().clone(), asked.query_type());
        let mut delay = Duration::ZERO;
        // An alias leads on; as many times as a resolver would follow.
        for _ in 0..8 {
            let Some(node) = self.names.get_mut(&plain(&owner.to_ascii())) else { break };
            delay += node.delay;
            if node.is_silent || node.silent_for.contains(&kind.to_string()) {
                return None;
            }
            if let Some(code) = node.refusal {
                answer.metadata.response_code = code;
                return Some((answer, delay));
            }
            let found = node.take(kind);
            let alias = found.iter().find_map(|data| match data {
                RData::CNAME(target) if kind != RecordType::CNAME => Some(target.0.clone()),
                _ => None,
            });
            answer.add_answers(found.into_iter().map(|data| Record::from_rdata(owner.clone(), TTL, data)));
            match alias {
                Some(target) => owner = target,
                None => break,
            }
        }
        if answer.answers.is_empty() {
            answer.metadata.response_code = if self.exists(&owner) { ResponseCode::NoError } else { ResponseCode::NXDomain };
            let root = labels("");
            let soa = SOA::new(labels("ns.acuse.test"), labels("nadie.acuse.test"), 1, 60, 60, 60, 60);
            answer.add_authority(Record::from_rdata(root, TTL, RData::SOA(soa)));
        }
        Some((answer, delay))
    }

    /// The name itself is known, or one below it.
    fn exists(&self, name: &Name) -> bool {
        let name = plain(&name.to_ascii());
        let below = format!(".{name}");
        self.names.keys().any(|known| *known == name || known.ends_with(&below))
    }
}

impl Node {
    fn take(&mut self, kind: RecordType) -> Vec<RData> {
        if let Some(first) = self.changing.first().copied() {
            let data = address_data(first);
            if data.record_type() != kind {
                return Vec::new();
            }
            if self.changing.len() > 1 {
                self.changing.remove(0);
            }
            return vec![data];
        }
        let fits = |data: &&RData| data.record_type() == kind || data.record_type() == RecordType::CNAME;
        self.records.iter().filter(fits).cloned().collect()
    }
}

/// Answers until it is dropped.
pub struct DnsServer {
    address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    asked: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl DnsServer {
    pub async fn start(zone: Zone) -> Self {
        Self::serve(zone, bind().await)
    }

    /// Where one was before: it comes back. Panics if somebody else has taken its place.
    pub async fn start_at(address: SocketAddr, zone: Zone) -> Self {
        let udp = UdpSocket::bind(address).await.unwrap_or_else(|error| panic!("{address}: {error}"));
        let tcp = TcpListener::bind(address).await.unwrap_or_else(|error| panic!("{address}: {error}"));
        Self::serve(zone, (udp, tcp))
    }

    fn serve(zone: Zone, (udp, tcp): (UdpSocket, TcpListener)) -> Self {
        let address = udp.local_addr().expect("a bound socket has an address");
        let (zone, asked) = (Arc::new(Mutex::new(zone)), Arc::<Mutex<Vec<String>>>::default());
        let desk = Desk { zone: Arc::clone(&zone), asked: Arc::clone(&asked) };
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_datagrams(Arc::new(udp), desk.clone()));
        tasks.spawn(serve_connections(tcp, desk));
        Self { address, zone, asked, _tasks: tasks }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every question in the order in which it came: `"A mail.empresa.ec"`. A question that is asked again counts again.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics while it holds this").clone()
    }

    /// From now on it answers from another zone.
    pub fn change(&self, zone: Zone) {
        *self.zone.lock().expect("no test panics while it holds this") = zone;
    }
}

#[derive(Clone)]
struct Desk {
    zone: Arc<Mutex<Zone>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Desk {
    /// The answer, after its delay. Nothing for what is no question, or where silence was asked for.
    async fn answer(&self, question: &[u8], most: Option<u16>) -> Option<Vec<u8>> {
        let question = Message::from_vec(question).ok()?;
        let asked = question.queries.first()?;
        let line = format!("{} {}", asked.query_type(), plain(&asked.name().to_ascii()));
        self.asked.lock().ok()?.push(line);
        let (answer, delay) = self.zone.lock().ok()?.answer(&question)?;
        sleep(delay).await;
        let bytes = answer.to_vec().ok()?;
        let most = most.map(|least| question.edns.as_ref().map_or(least, |edns| edns.max_payload().max(least)));
        match most {
            Some(most) if bytes.len() > usize::from(most) => answer.truncate().to_vec().ok(),
            _ => Some(bytes),
        }
    }
}

async fn bind() -> (UdpSocket, TcpListener) {
    for _ in 0..TRIES {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback must be up");
        let address = udp.local_addr().expect("a bound socket has an address");
        if let Ok(tcp) = TcpListener::bind(address).await {
            return (udp, tcp);
        }
    }
    panic!("no port of loopback is free for both UDP and TCP");
}

async fn serve_datagrams(socket: Arc<UdpSocket>, desk: Desk) {
    let mut buffer = [0; 4_096];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        let (socket, desk, question) = (Arc::clone(&socket), desk.clone(), buffer[..length].to_vec());
        tokio::spawn(async move {
            if let Some(answer) = desk.answer(&question, Some(LONGEST_DATAGRAM)).await {
                let _ = socket.send_to(&answer, from).await;
            }
        });
    }
}

async fn serve_connections(listener: TcpListener, desk: Desk) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve_connection(stream, desk.clone()));
    }
}

/// RFC 1035 4.2.2: each message after its length.
async fn serve_connection(mut stream: TcpStream, desk: Desk) {
    while let Ok(length) = stream.read_u16().await {
        let mut question = vec![0; usize::from(length)];
        if stream.read_exact(&mut question).await.is_err() {
            return;
        }
        let Some(answer) = desk.answer(&question, None).await else { continue };
        let Ok(length) = u16::try_from(answer.len()) else { return };
        if stream.write_u16(length).await.is_err() || stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

fn address_data(address: IpAddr) -> RData {
    match address {
        IpAddr::V4(v4) => RData::A(A(v4)),
        IpAddr::V6(v6) => RData::AAAA(AAAA(v6)),
    }
}

fn parse(address: &str) -> IpAddr {
    address.parse().unwrap_or_else(|_| panic!("«{address}» is no address"))
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_lowercase()
}

fn labels(name: &str) -> Name {
    let parts = name.split('.').filter(|part| !part.is_empty()).map(str::as_bytes);
    Name::from_labels(parts).unwrap_or_else(|error| panic!("«{name}» is no name: {error}"))
}
