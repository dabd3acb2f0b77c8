//! What a token says of itself, where it stops, and how often it may call.

use std::net::SocketAddr;

use acuse_domain::access::{Scope, Scopes};
use acuse_domain::api_token::{Networks, NewToken};
use acuse_domain::day_in_ecuador;
use acuse_server::{CallsPerMinute, router::router};
use acuse_store::now;
use acuse_store::tokens::{self, Issued};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::{NaiveDate, TimeDelta};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::TestApp;

async fn issued(test: &TestApp, new: NewToken) -> String {
    match tokens::issue(&test.app.db, &test.actor, &new, None, now()).await.unwrap() {
        Issued::Now { token, .. } => token.expose_secret().to_owned(),
        Issued::Before(id) => panic!("{id} was made before"),
    }
}

fn ending_in(days: i64) -> NewToken {
    NewToken { expires_on: Some(day_in_ecuador(now()) + TimeDelta::days(days)), ..NewToken::for_everything("ERP") }
}

struct Said {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Said {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
    }
}

async fn ask(router: &Router, method: &str, path: &str, token: &str, from: &str, language: &str) -> Said {
    let mut request = Request::builder().method(method).uri(path).header("accept-language", language);
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut request = request.body(Body::empty()).unwrap();
    let address: SocketAddr = format!("{from}:4711").parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(address));
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    Said { status: parts.status, headers: parts.headers, body: serde_json::from_slice(&body).unwrap_or_default() }
}

async fn get(router: &Router, path: &str, token: &str) -> Said {
    ask(router, "GET", path, token, "192.0.2.9", "es").await
}

#[tokio::test]
async fn a_token_says_what_it_is_and_takes_itself_back() {
    let test = TestApp::start().await;
    let router = router(test.app.clone());
    let new = NewToken {
        name: "ERP de bodega".to_owned(),
        scopes: Scopes::new([Scope::Send, Scope::Record]),
        expires_on: NaiveDate::from_ymd_opt(2027, 11, 24),
        networks: Networks::parse("192.0.2.0/24, 10.0.0.1").unwrap(),
    };
    let token = issued(&test, new).await;
    let said = get(&router, "/api/v1/token", &token).await;
    assert_eq!(said.status, StatusCode::OK, "whatever it is for: {}", said.body);
    assert_eq!(said.body["name"], "ERP de bodega");
    assert_eq!(said.body["scopes"], json!(["record", "send"]));
    assert_eq!(said.body["expires_at"], "2027-11-25T05:00:00Z");
    assert_eq!(said.body["from"], json!(["10.0.0.1", "192.0.2.0/24"]));
    assert_eq!(said.body["company"]["ruc"], "1790012344001");
    assert!(!said.body.to_string().contains(&token[8..20]), "never what it opens with");
    let gone = ask(&router, "DELETE", "/api/v1/token", &token, "192.0.2.9", "es").await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    get(&router, "/api/v1/token", &token).await.refused(401, "token_unknown");
}

#[tokio::test]
async fn a_token_stops_on_its_day_and_says_so_two_weeks_before() {
    let test = TestApp::start().await;
    let router = router(test.app.clone());
    let over = issued(&test, ending_in(-1)).await;
    let refused = get(&router, "/api/v1/company", &over).await;
    refused.refused(401, "token_expired");
    assert_eq!(refused.header("www-authenticate"), "Bearer");
    for (days, is_told) in [(0, true), (14, true), (15, false)] {
        let answer = get(&router, "/api/v1/company", &issued(&test, ending_in(days)).await).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers.contains_key("acuse-token-expires"), is_told, "{days}");
    }
    let end = day_in_ecuador(now()) + TimeDelta::days(4);
    let soon = get(&router, "/api/v1/company", &issued(&test, ending_in(3)).await).await;
    assert_eq!(soon.header("acuse-token-expires"), format!("{end}T05:00:00Z"));
}

#[tokio::test]
async fn a_token_opens_only_from_its_networks() {
    let test = TestApp::start().await;
    let router = router(test.app.clone());
    let networks = Networks::parse("190.152.4.0/24").unwrap();
    let token = issued(&test, NewToken { networks, ..NewToken::for_everything("ERP") }).await;
    let from = async |address: &str| ask(&router, "GET", "/api/v1/company", &token, address, "en").await;
    assert_eq!(from("190.152.4.9").await.status, StatusCode::OK);
    let refused = from("190.152.5.9").await;
    refused.refused(403, "token_not_from_here");
    assert!(refused.body["detail"].as_str().unwrap().contains("another one"), "{}", refused.body);
}

#[tokio::test]
async fn a_token_calls_as_often_as_it_may_and_is_told_how_often_that_is() {
    let test = TestApp::start().await;
    let router = router(test.app.clone().with_rate_limits(CallsPerMinute { of_a_token: 3, without_token: 2 }));
    let (one, other) = (issued(&test, ending_in(99)).await, issued(&test, ending_in(99)).await);
    let first = get(&router, "/api/v1/company", &one).await;
    assert_eq!(first.header("ratelimit-policy"), "\"token\";q=3;w=60");
    assert_eq!(first.header("ratelimit"), "\"token\";r=2;t=20");
    assert_eq!(get(&router, "/api/v1/contacts/x", &one).await.header("ratelimit"), "\"token\";r=1;t=40", "a refusal counts");
    get(&router, "/api/v1/company", &one).await;
    for language in ["es", "en"] {
        let refused = ask(&router, "GET", "/api/v1/company", &one, "192.0.2.9", language).await;
        refused.refused(429, "too_many_requests");
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=20).contains(&wait), "{wait}");
        assert_eq!(refused.header("ratelimit"), format!("\"token\";r=0;t={wait}"), "{language}");
    }
    assert_eq!(get(&router, "/api/v1/company", &other).await.status, StatusCode::OK, "each token has its own");
    assert_eq!(get(&router, "/healthz", "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_has_no_token_is_counted_by_network_and_nobody_else_pays_for_it() {
    let test = TestApp::start().await;
    let router = router(test.app.clone().with_rate_limits(CallsPerMinute { of_a_token: 100, without_token: 2 }));
    let token = issued(&test, ending_in(99)).await;
    let from = async |token: &str, address: &str| ask(&router, "GET", "/api/v1/company", token, address, "es").await;
    from("", "192.0.2.9").await.refused(401, "token_missing");
    let guess = from("acu_adivinado", "192.0.2.9").await;
    guess.refused(401, "token_unknown");
    assert_eq!(guess.header("ratelimit-policy"), "\"network\";q=2;w=60");
    from("acu_otro", "192.0.2.9").await.refused(429, "too_many_requests");
    assert_eq!(from(&token, "192.0.2.9").await.status, StatusCode::OK, "a token that opens is not the network's");
    from("", "192.0.2.10").await.refused(401, "token_missing");
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        for _ in 0..4 {
            assert_eq!(ask(&router, "GET", path, "", "192.0.2.9", "es").await.status, StatusCode::OK, "{path}");
        }
    }
}
