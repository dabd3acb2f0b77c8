//! What is sent along is read or refused: nothing of it is passed over.

use axum::body::Body;
use serde_json::{Value, json};

use super::support::{Answer, Api};

const NOBODY: &str = "01938f2e-7c11-7a3b-9c1d-0f6f4f0a2b11";

async fn with_account() -> (Api, String) {
    let api = Api::with_andina().await;
    let account = json!({ "module": "received_payments", "server": "smtp.x.ec", "port": 587, "security": "starttls",
        "from_address": "a@x.example" });
    let id = api.post("/mail-accounts", account).await.expect(201)["id"].as_str().unwrap().to_owned();
    (api, id)
}

/// Every documented call by one of these methods, at a record that is there where it is a mail account's.
async fn calls(api: &Api, account: &str, methods: &[&str]) -> Vec<(String, String)> {
    let document = api.get("//openapi.json").await.expect(200);
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/api/")) {
        let id = if path.contains("mail-accounts") { account } else { NOBODY };
        for method in methods.iter().filter(|method| item[**method].is_object()) {
            found.push((method.to_uppercase(), format!("/{}", path.replace("{id}", id))));
        }
    }
    assert!(found.len() > 12, "{found:?}");
    found
}

async fn send(api: &Api, (method, path): &(String, String), headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
    let mut request = api.request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.ask(request.body(Body::from(body)).unwrap()).await
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn a_body_that_a_call_does_not_take_is_refused_by_every_call() {
    let (api, account) = with_account().await;
    let before = (api.on_record().await, api.get("/mail-accounts").await.body);
    for call in calls(&api, &account, &["post", "delete"]).await {
        let refused = async |headers: &[(&str, &str)], body: Vec<u8>, status: u16, code: &str| {
            let answer = send(&api, &call, headers, body).await;
            let problem: Value = answer.json();
            assert_eq!((answer.status.as_u16(), problem["code"].as_str()), (status, Some(code)), "{call:?} {problem}");
        };
        for body in ["[]", "\"a\"", "7"] {
            refused(&[JSON], body.into(), 422, "wrong_type").await;
        }
        refused(&[JSON], "{\"zz\":1}".into(), 422, "unknown_field").await;
        refused(&[JSON], "{x".into(), 400, "malformed_json").await;
        refused(&[JSON], vec![b'['; 100_000], 400, "malformed_json").await;
        refused(&[JSON], vec![b' '; 2 * 1024 * 1024], 413, "body_too_large").await;
        refused(&[], "{}".into(), 415, "unsupported_media_type").await;
    }
    assert_eq!((api.on_record().await, api.get("/mail-accounts").await.body), before);
}

#[tokio::test]
async fn a_body_that_is_packed_or_in_another_alphabet_is_refused_in_our_words() {
    let (api, account) = with_account().await;
    let before = api.on_record().await;
    for call in calls(&api, &account, &["post", "patch", "delete"]).await {
        for coding in ["gzip", "br", "foo", "identity, gzip", "gzip, identity"] {
            let answer = send(&api, &call, &[JSON, ("content-encoding", coding)], b"{}".to_vec()).await;
            answer.refused(415, "unsupported_content_encoding", &[]);
        }
        for kind in
            ["application/json; charset=utf-16", "application/json;charset=\"ISO-8859-1\"", "application/json; a=b; charset=x"]
        {
            send(&api, &call, &[("content-type", kind)], b"{}".to_vec()).await.refused(415, "unsupported_charset", &[]);
        }
    }
    assert_eq!(api.on_record().await, before);
    let contact = json!({ "name": "Nueva", "identification_type": "other", "identification": "N-1", "is_customer": true });
    let call = ("POST".to_owned(), "/contacts".to_owned());
    let kind = ("content-type", "application/json; charset=\"UTF-8\"");
    send(&api, &call, &[kind, ("content-encoding", "identity")], contact.to_string().into_bytes()).await.expect(201);
}

#[tokio::test]
async fn an_act_that_needs_no_body_takes_an_empty_object() {
    let (api, account) = with_account().await;
    let made = (409, "domain_not_yours");
    let none = (404, "dkim_key_not_found");
    for (act, (status, code)) in [("dkim", made), ("dkim/check", none), ("dkim/stop", none)] {
        for body in [None, Some(json!({}))] {
            let answer = api.send("POST", &format!("/mail-accounts/{account}/{act}"), body).await;
            answer.refused(status, code, &[]);
        }
    }
    assert_eq!(api.send("DELETE", &format!("/mail-accounts/{account}"), Some(json!({}))).await.status, 204);
}

#[tokio::test]
async fn a_parameter_that_a_call_does_not_have_is_refused_by_every_call() {
    let (api, account) = with_account().await;
    for call in calls(&api, &account, &["get", "post", "patch", "delete"]).await {
        for (query, field) in
            [("zz=1", "zz"), ("zz", "zz"), ("=1", ""), ("z%C3%B1+z=%31&limit=1", "zñ z"), ("&&LIMIT=1", "LIMIT")]
        {
            let asked = (call.0.clone(), format!("{}?{query}", call.1));
            let answer = send(&api, &asked, &[JSON], b"{}".to_vec()).await;
            answer.refused(422, "unknown_field", &[field]);
        }
    }
    for list in ["contacts", "documents", "payments", "deliveries", "mail-accounts", "mail-routes"] {
        api.get(&format!("/{list}?limit=50")).await.expect(200);
    }
    for taken in ["/payments?limit=1", "/contacts?&role=customer&", "/company?", "//healthz?zz=1"] {
        api.get(taken).await.expect(200);
    }
}

#[tokio::test]
async fn the_document_says_that_an_address_may_be_refused() {
    let (api, account) = with_account().await;
    let document = api.get("//openapi.json").await.expect(200);
    for (path, item) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/api/")) {
        for (method, call) in item.as_object().unwrap() {
            assert!(call["responses"]["422"].is_object(), "{method} {path}");
        }
    }
    for call in calls(&api, &account, &["get"]).await {
        let spoilt = (call.0.clone(), format!("{}?zz=a%00b", call.1));
        send(&api, &spoilt, &[], Vec::new()).await.refused(422, "parameter_invalid", &["zz"]);
    }
    for path in ["/contacts/%00", "/contacts/%FF", "/mail-accounts/%00"] {
        api.get(path).await.refused(422, "parameter_invalid", &["path"]);
    }
}
