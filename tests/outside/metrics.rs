//! What a supervisor reads, and what nobody else does.

use std::collections::BTreeMap;

use reqwest::StatusCode;

use crate::installation::{Installation, Server};

/// Samples by name and labels, as Prometheus' text format 0.0.4 has them. Panics where a line is none.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let (mut samples, mut types) = (BTreeMap::new(), BTreeMap::new());
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix("# ") {
            let words: Vec<&str> = comment.splitn(3, ' ').collect();
            assert!(words.len() == 3 && ["HELP", "TYPE"].contains(&words[0]), "{line}");
            if words[0] == "TYPE" {
                assert!(types.insert(words[1].to_owned(), words[2].to_owned()).is_none(), "told twice: {line}");
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
        let name = series.split('{').next().unwrap();
        let is_name = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        assert!(is_name(name) && name.starts_with("acuse_"), "{line}");
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
        assert!(types.contains_key(name) || types.contains_key(family), "of no type: {line}");
        if let Some(labels) = series.strip_prefix(name).filter(|labels| !labels.is_empty()) {
            let inside = labels.strip_prefix('{').and_then(|labels| labels.strip_suffix('}')).expect("labels in braces");
            for label in inside.split("\",") {
                let (key, value) = label.split_once("=\"").unwrap_or_else(|| panic!("no label: {line}"));
                assert!(is_name(key) && !value.contains('\n'), "{line}");
            }
        }
        assert!(samples.insert(series.to_owned(), value.parse().unwrap()).is_none(), "twice: {line}");
    }
    samples
}

async fn scraped(server: &Server) -> BTreeMap<String, f64> {
    let answer = server.get("/metrics").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    parse(&answer.text().await.unwrap())
}

#[tokio::test]
async fn metrics_say_what_the_process_does() {
    let installation = Installation::new();
    let server = installation.serve().await;
    server.log_in().await;
    server.get("/entrar").send().await.unwrap();
    // Paths that somebody makes up are one label.
    for n in 0..30 {
        server.get(&format!("/no/existe/{n}")).send().await.unwrap();
    }
    let samples = scraped(&server).await;
    let value = |series: &str| *samples.get(series).unwrap_or_else(|| panic!("no {series} in {samples:#?}"));
    assert_eq!(value(r#"acuse_http_requests_total{route="/entrar",method="POST",status="303"}"#), 1.0);
    assert_eq!(value(r#"acuse_http_requests_total{route="none",method="GET",status="404"}"#), 30.0);
    assert!(value(r#"acuse_http_request_duration_seconds_count{route="/entrar",method="GET"}"#) >= 1.0);
    assert_eq!(value(r#"acuse_deliveries{state="queued"}"#), 0.0);
    assert_eq!(value(r#"acuse_login_attempts_total{outcome="entered"}"#), 1.0);
    assert_eq!(value(r#"acuse_database_connections_max{pool="writer"}"#), 1.0);
    assert_eq!(value("acuse_database_up"), 1.0);
    assert!(value("acuse_connections") >= 1.0 && value("acuse_process_open_fds") > 5.0);
    assert!(value("acuse_process_resident_memory_bytes") > 1e6);
    assert!(samples.len() < 300, "{} series of a handful of requests", samples.len());
}

#[tokio::test]
async fn metrics_are_for_this_machine_or_for_who_has_the_token() {
    let installation = Installation::new();
    let server = installation.serve().await;
    let proxied = server.get("/metrics").header("X-Forwarded-For", "198.51.100.7").send().await.unwrap();
    assert_eq!(proxied.status(), StatusCode::FORBIDDEN);
    let mut command = installation.command(&["serve"]);
    command.env("ACUSE_METRICS_TOKEN", "una palabra larga").env("ACUSE_DATA_DIR", installation.beside("other"));
    let guarded = installation.start(command).await;
    for (token, status) in
        [(None, StatusCode::FORBIDDEN), (Some("otra"), StatusCode::FORBIDDEN), (Some("una palabra larga"), StatusCode::OK)]
    {
        let request = guarded.get("/metrics").header("X-Forwarded-For", "198.51.100.7");
        let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
        assert_eq!(request.send().await.unwrap().status(), status, "{token:?}");
    }
}

#[tokio::test]
async fn a_process_that_only_delivers_says_how_it_is() {
    let installation = Installation::new();
    let worker = installation.start(installation.command(&["serve", "--role", "worker"])).await;
    assert!(scraped(&worker).await.contains_key(r#"acuse_deliveries{state="deferred"}"#));
    assert_eq!(worker.get("/entrar").send().await.unwrap().status(), StatusCode::NOT_FOUND);
}
