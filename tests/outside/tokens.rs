//! A token's bounds, as a program meets them.

use reqwest::{Method, Response, StatusCode};
use serde_json::Value;

use crate::installation::{Installation, Server};

const RUC: &str = "1790012344001";

fn made(installation: &Installation, options: &[&str]) -> String {
    let own = ["token", "create", "--company", RUC, "--name", "Tienda"];
    installation.succeed(&[&own, options].concat(), "").trim().to_owned()
}

async fn with_limits(installation: &Installation, limits: &[(&str, &str)]) -> Server {
    let mut command = installation.command(&["serve"]);
    command.envs(limits.iter().copied());
    installation.start(command).await
}

async fn get(server: &Server, path: &str, token: &str) -> Response {
    server.get(path).bearer_auth(token).send().await.expect("an answer")
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

#[tokio::test]
async fn a_call_says_what_is_left_and_one_too_many_when_to_come_back() {
    let installation = Installation::new();
    let server = with_limits(&installation, &[("ACUSE_API_RATE", "3"), ("ACUSE_API_RATE_WITHOUT_TOKEN", "2")]).await;
    for left in 0..3 {
        let answer = server.api(Method::GET, "/company").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(header(&answer, "ratelimit-policy"), "\"token\";q=3;w=60");
        assert!(header(&answer, "ratelimit").starts_with(&format!("\"token\";r={};t=", 2 - left)), "{answer:?}");
    }
    let refused = server.api(Method::GET, "/company").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = header(&refused, "retry-after").parse().expect("seconds");
    assert!((1..=20).contains(&wait), "{wait}");
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "too_many_requests");
    for _ in 0..2 {
        assert_eq!(get(&server, "/api/v1/company", "acu_adivinado").await.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(get(&server, "/api/v1/company", "acu_adivinado").await.status(), StatusCode::TOO_MANY_REQUESTS);
    for _ in 0..20 {
        assert_eq!(server.get("/healthz").send().await.unwrap().status(), StatusCode::OK, "never limited");
    }
    let other = made(&installation, &[]);
    assert_eq!(get(&server, "/api/v1/company", &other).await.status(), StatusCode::OK, "another token has its own");
}

#[tokio::test]
async fn a_token_of_the_command_line_has_its_scopes_its_end_and_its_networks() {
    let installation = Installation::new();
    let server = installation.serve().await;
    let token = made(&installation, &["--scopes", "read,send", "--expires", "90d", "--from", "127.0.0.0/8"]);
    let said: Value = get(&server, "/api/v1/token", &token).await.json().await.unwrap();
    assert_eq!((&said["scopes"], &said["from"]), (&serde_json::json!(["read", "send"]), &serde_json::json!(["127.0.0.0/8"])));
    assert!(said["expires_at"].is_string(), "{said}");
    let refused = server.post("", "/api/v1/contacts").bearer_auth(&token).json(&serde_json::json!({})).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let problem: Value = refused.json().await.unwrap();
    assert_eq!((problem["code"].as_str(), problem["scope"].as_str()), (Some("scope_missing"), Some("record")));
    let elsewhere = made(&installation, &["--from", "190.152.4.0/24", "--expires", "never"]);
    let refused = get(&server, "/api/v1/company", &elsewhere).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "token_not_from_here");

    let listed = installation.succeed(&["token", "list", "--json"], "");
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let tokens = listed["data"].as_array().unwrap();
    assert_eq!(tokens.len(), 3);
    assert_eq!((&tokens[1]["scopes"], &tokens[2]["expires_at"]), (&serde_json::json!(["read", "send"]), &Value::Null));
    assert!(tokens[0]["expires_at"].is_string(), "a year where nothing is said");
    assert!(installation.succeed(&["token", "list"], "").contains("127.0.0.0/8"));
    for (option, wrong) in [("--scopes", "reinar"), ("--expires", "2020-01-01"), ("--expires", "pronto"), ("--from", "casa")] {
        let arguments = ["token", "create", "--company", RUC, "--name", "Tienda", option, wrong];
        let done = installation.run(&arguments, "");
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.code() == Some(1) && errors.contains(option), "{option} {wrong}: {errors}");
    }
}
