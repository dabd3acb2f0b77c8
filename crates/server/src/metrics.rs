//! `/metrics`: what this process and the queue are doing, as Prometheus reads it. Names begin with `acuse_`; labels come
//! from short lists of our own, never from what somebody typed. Nothing in it is a company's.

use acuse_domain::message::messages;
use std::fs;
use std::time::Instant;

use acuse_store::metrics::{count, gauge, observe, rendered};
use acuse_store::{Db, deliveries};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::client_address::ClientAddress;
use crate::problem::Problem;

/// RFC 9110's methods; others are one.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// Prometheus text format 0.0.4.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Who may read what the process counts.
#[derive(Clone)]
pub struct Metrics {
    /// SHA-256 of the token that opens /metrics; without one only this machine reads it.
    token: Option<[u8; 32]>,
    begun: Instant,
}

impl Metrics {
    /// From now on, with this token; an empty one is none.
    #[must_use]
    pub fn new(token: &str) -> Self {
        gauge("acuse_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
        Self { token: (!token.is_empty()).then(|| Sha256::digest(token).into()), begun: Instant::now() }
    }

    /// With a token whoever has it; without one who asks from this machine, and not through a proxy on it.
    fn may_read(&self, client: &ClientAddress, headers: &HeaderMap) -> bool {
        match self.token {
            Some(token) => {
                let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
                // Hashes are compared, so how long it takes tells nothing of the token.
                given.strip_prefix("Bearer ").is_some_and(|given| <[u8; 32]>::from(Sha256::digest(given.trim())) == token)
            }
            None => {
                let came_by_proxy = ["x-forwarded-for", "forwarded", "via"].iter().any(|name| headers.contains_key(*name));
                !came_by_proxy && client.0.is_some_and(|client| client.to_canonical().is_loopback())
            }
        }
    }
}

/// What it says is of this moment.
pub async fn show(State(app): State<App>, client: ClientAddress, headers: HeaderMap) -> Response {
    if !app.metrics.may_read(&client, &headers) {
        return Problem::new(StatusCode::FORBIDDEN, messages::metrics_not_allowed()).into_response();
    }
    look_at_the_queue(&app.db).await;
    look_at_the_database(&app.db);
    look_at_the_process(app.metrics.begun);
    ([(CONTENT_TYPE, TEXT)], rendered()).into_response()
}

/// Counts each request by the route that answers it.
pub async fn measure(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = known_method(request.method());
    let answer = next.run(request).await;
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    observe("acuse_http_request_duration_seconds", &[("route", route), ("method", method)], begun.elapsed());
    let status = answer.status();
    count("acuse_http_requests_total", &[("route", route), ("method", method), ("status", status.as_str())]);
    answer
}

fn known_method(method: &Method) -> &'static str {
    METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

async fn look_at_the_queue(db: &Db) {
    match deliveries::unfinished_any_company(db).await {
        Ok(states) => {
            let now = acuse_store::now();
            for unfinished in states {
                let state = unfinished.state.as_str();
                gauge("acuse_deliveries", &[("state", state)], unfinished.count);
                let age = unfinished.oldest.map_or(0, |oldest| (now - oldest).num_seconds().max(0));
                gauge("acuse_oldest_delivery_age_seconds", &[("state", state)], age.unsigned_abs());
            }
            gauge("acuse_database_up", &[], 1);
        }
        Err(error) => {
            tracing::warn!("The queue could not be counted: {error}");
            gauge("acuse_database_up", &[], 0);
        }
    }
}

fn look_at_the_database(db: &Db) {
    for pool in db.pools() {
        gauge("acuse_database_connections", &[("pool", pool.name), ("state", "idle")], pool.idle.into());
        gauge("acuse_database_connections", &[("pool", pool.name), ("state", "in_use")], pool.in_use.into());
        gauge("acuse_database_connections_max", &[("pool", pool.name)], pool.most.into());
    }
}

fn look_at_the_process(begun: Instant) {
    gauge("acuse_process_uptime_seconds", &[], begun.elapsed().as_secs());
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        gauge("acuse_process_open_fds", &[], files.count() as u64);
    }
    if let Some(kib) = resident_kib(&fs::read_to_string("/proc/self/status").unwrap_or_default()) {
        gauge("acuse_process_resident_memory_bytes", &[], kib * 1024);
    }
}

/// proc(5): `VmRSS: 12345 kB`, with blanks or tabs between.
fn resident_kib(status: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok())
}
