//! Connections of browsers, programs and proxies: how many there may be, and for how long one may keep us waiting.
//!
//! A connection costs a file descriptor and some memory, and whoever opens it pays nothing. Each is therefore known by what
//! it does ([`connection`]): one that keeps us waiting for too long is closed, and when all places are taken the one that
//! has kept us waiting for longest makes room. A few places beyond are kept for /healthz and /readyz.
//! There is no bound by address: behind a proxy everybody has the same one.

mod connection;
mod tracked;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use acuse_store::metrics;
use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::ConnectInfo;
use axum::http::header::{CONNECTION, RETRY_AFTER};
use axum::http::{HeaderValue, Request, Response, StatusCode};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};
use tower::ServiceExt;

use connection::Connection;
use tracked::{TrackedAnswer, TrackedRequest, TrackedStream};

/// How often overdue connections are looked for.
const LOOK_ROUND: Duration = Duration::from_secs(1);
/// Connections that are closed and whose descriptors are not free yet.
const CLOSING: usize = 16;
/// A request's head, and an answer that is on its way: hyper answers a longer head by itself, with 431 and no word. RFC 9112 3
/// asks for 8,000 octets of a request line at least; this holds the longest address that hyper reads (65,534 bytes) with
/// usual headers, so that our own words refuse it. It grows with what comes, and the head has its ten seconds.
const BUFFER: usize = 96 * 1024;
/// Without descriptors nothing can be accepted; somebody closes one soon.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);
/// A log that says the same all the time hides the rest.
const SAY_AGAIN: Duration = Duration::from_secs(10);

/// How many connections are served at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub connections: usize,
    /// Beyond those, where only /healthz and /readyz are answered.
    pub for_health: usize,
}

/// Serves until `stop` says so; then what is under way is finished.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, mut stop: watch::Receiver<bool>) {
    let open = Arc::new(Open::new(limits));
    let mut tasks = JoinSet::new();
    let mut look_round = interval(LOOK_ROUND);
    let mut said = Said::default();
    loop {
        tokio::select! {
            () = stopped(&mut stop) => break,
            _ = look_round.tick() => {
                open.close_overdue(Instant::now());
                while tasks.try_join_next().is_some() {}
            }
            accepted = accept(&listener, &open) => match accepted {
                Ok((stream, peer, connection)) => {
                    tasks.spawn(answer(stream, peer, connection, open.clone(), router.clone(), stop.clone()));
                }
                Err(error) => {
                    said.now_and_then(|| tracing::warn!("A connection could not be accepted: {error}"));
                    if !is_its_own_end(&error) {
                        open.make_room(Instant::now());
                        sleep(OUT_OF_DESCRIPTORS).await;
                    }
                }
            }
        }
    }
    drop(listener);
    open.close_waiting();
    while !tasks.is_empty() {
        tokio::select! {
            _ = tasks.join_next() => {}
            _ = look_round.tick() => open.close_overdue(Instant::now()),
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stopping| *stopping).await;
}

/// The next connection and its place. Waits where there is none.
async fn accept(listener: &TcpListener, open: &Arc<Open>) -> io::Result<(TcpStream, SocketAddr, Registered)> {
    loop {
        // Whoever waits for a place waits in the kernel's queue, which costs no descriptor.
        if open.has_room(Instant::now()) {
            let (stream, peer) = listener.accept().await?;
            if let Some(connection) = open.admit(peer.ip(), Instant::now()) {
                return Ok((stream, peer, connection));
            }
        }
        tokio::select! {
            () = open.left.notified() => {}
            () = sleep(OUT_OF_DESCRIPTORS) => {}
        }
    }
}

/// Errors of one connection that ended before it was accepted (accept(2)); the next one may be accepted at once.
fn is_its_own_end(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

async fn answer(
    stream: TcpStream,
    peer: SocketAddr,
    registered: Registered,
    open: Arc<Open>,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let connection = registered.connection.clone();
    let service = service_fn(|request| respond(request, peer, connection.clone(), router.clone()));
    let mut protocol = http1::Builder::new();
    protocol.header_read_timeout(None::<Duration>).max_buf_size(BUFFER).keep_alive(!connection.is_for_health);
    {
        let mut serving =
            std::pin::pin!(protocol.serve_connection(TokioIo::new(TrackedStream::new(stream, connection.clone())), service));
        let mut is_stopping = false;
        loop {
            tokio::select! {
                // What a browser does to its connection is no news.
                _ = serving.as_mut() => break,
                () = connection.closed() => break,
                () = stopped(&mut stop), if !is_stopping => {
                    is_stopping = true;
                    serving.as_mut().graceful_shutdown();
                }
            }
        }
    }
    // Only now is its descriptor free.
    drop(registered);
    open.left.notify_one();
}

async fn respond(
    request: Request<Incoming>,
    peer: SocketAddr,
    connection: Arc<Connection>,
    router: Router,
) -> Result<Response<TrackedAnswer>, std::convert::Infallible> {
    connection.request_begins(Instant::now());
    let answer = if connection.is_for_health && !matches!(request.uri().path(), "/healthz" | "/readyz") {
        no_place()
    } else {
        let mut request = request.map(|body| Body::new(TrackedRequest::new(body, connection.clone())));
        request.extensions_mut().insert(ConnectInfo(peer));
        match router.oneshot(request).await {
            Ok(answer) => answer,
        }
    };
    connection.answer_begins(Instant::now());
    Ok(answer.map(|body| TrackedAnswer::new(body, connection)))
}

/// To whoever comes when only the places for health are left.
fn no_place() -> Response<Body> {
    const WORDS: &str = "Hay demasiadas conexiones en este momento. Espere unos segundos e intente de nuevo.\n";
    let headers = [(RETRY_AFTER, HeaderValue::from_static("5")), (CONNECTION, HeaderValue::from_static("close"))];
    (StatusCode::SERVICE_UNAVAILABLE, headers, WORDS).into_response()
}

/// The connections that are open.
struct Open {
    limits: Limits,
    connections: Mutex<HashMap<u64, Arc<Connection>>>,
    next: AtomicU64,
    /// Descriptors, those of closed ones included until they are free.
    held: AtomicUsize,
    left: Notify,
}

/// A connection that is counted until this is dropped.
struct Registered {
    connection: Arc<Connection>,
    number: u64,
    open: Arc<Open>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.open.held.fetch_sub(1, Ordering::Relaxed);
        let mut connections = self.open.lock();
        connections.remove(&self.number);
        gauge(connections.len());
    }
}

impl Open {
    fn new(limits: Limits) -> Self {
        Self { limits, connections: Mutex::default(), next: AtomicU64::new(0), held: AtomicUsize::new(0), left: Notify::new() }
    }

    /// Whether another would find a place, its own or that of one which makes room.
    fn has_room(&self, now: Instant) -> bool {
        if self.held.load(Ordering::Relaxed) >= self.limits.connections + self.limits.for_health + CLOSING {
            return false;
        }
        let connections = self.lock();
        let served = connections.values().filter(|connection| !connection.is_for_health).count();
        connections.len() < self.limits.connections + self.limits.for_health
            || served < self.limits.connections
            || longest_waiting(&connections, now).is_some()
    }

    fn admit(self: &Arc<Self>, peer: IpAddr, now: Instant) -> Option<Registered> {
        let mut connections = self.lock();
        let served = connections.values().filter(|connection| !connection.is_for_health).count();
        let has_place = served < self.limits.connections || close_longest_waiting(&mut connections, now);
        if !has_place && connections.len() >= self.limits.connections + self.limits.for_health {
            return None;
        }
        let connection = Arc::new(Connection::new(peer, !has_place, now));
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.held.fetch_add(1, Ordering::Relaxed);
        connections.insert(number, connection.clone());
        gauge(connections.len());
        Some(Registered { connection, number, open: self.clone() })
    }

    fn make_room(&self, now: Instant) {
        close_longest_waiting(&mut self.lock(), now);
    }

    fn close_overdue(&self, now: Instant) {
        for connection in self.lock().values().filter(|connection| connection.is_overdue(now)) {
            metrics::count("acuse_connections_closed_total", &[("reason", "timeout")]);
            connection.close();
        }
    }

    /// Those with no request under way.
    fn close_waiting(&self) {
        self.lock().values().filter(|connection| connection.has_no_request()).for_each(|connection| connection.close());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of the address that keeps most connections waiting, the one that has waited for longest: a flood makes room for itself,
/// before it costs anybody else a connection.
fn longest_waiting(connections: &HashMap<u64, Arc<Connection>>, now: Instant) -> Option<u64> {
    let mut by_address: HashMap<IpAddr, (usize, Instant, u64)> = HashMap::new();
    for (number, connection) in connections.iter().filter(|(_, connection)| !connection.is_for_health) {
        let Some(since) = connection.keeps_waiting_since(now) else { continue };
        let longest = by_address.entry(connection.peer).or_insert((0, since, *number));
        longest.0 += 1;
        if since < longest.1 {
            (longest.1, longest.2) = (since, *number);
        }
    }
    let worst = by_address.into_values().max_by_key(|(count, since, _)| (*count, std::cmp::Reverse(*since)));
    worst.map(|(_, _, number)| number)
}

fn close_longest_waiting(connections: &mut HashMap<u64, Arc<Connection>>, now: Instant) -> bool {
    let Some(connection) = longest_waiting(connections, now).and_then(|number| connections.remove(&number)) else { return false };
    metrics::count("acuse_connections_closed_total", &[("reason", "room")]);
    connection.close();
    true
}

fn gauge(count: usize) {
    metrics::gauge("acuse_connections", &[], count as u64);
}

/// When something was last said.
#[derive(Default)]
struct Said(Option<Instant>);

impl Said {
    fn now_and_then(&mut self, say: impl FnOnce()) {
        if self.0.is_none_or(|at| at.elapsed() > SAY_AGAIN) {
            self.0 = Some(Instant::now());
            say();
        }
    }
}
