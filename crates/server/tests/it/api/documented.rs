//! /openapi.json tells the truth: every call is in it, and what is answered has the shape that it says.

use acuse_domain::message::code_of;
use acuse_testkit::builders::received;
use serde_json::{Value, json};

use super::shapes::wrong_in;
use super::support::{Api, in_days};

/// The contract's calls of API v1.
const CONTRACT: [&str; 26] = [
    "GET /api/v1/company",
    "PATCH /api/v1/company",
    "GET /api/v1/contacts",
    "POST /api/v1/contacts",
    "GET /api/v1/contacts/{id}",
    "PATCH /api/v1/contacts/{id}",
    "GET /api/v1/documents",
    "POST /api/v1/documents",
    "GET /api/v1/documents/{id}",
    "GET /api/v1/payments",
    "POST /api/v1/payments",
    "GET /api/v1/payments/{id}",
    "POST /api/v1/payments/{id}/void",
    "GET /api/v1/payments/{id}/receipt.pdf",
    "GET /api/v1/payments/{id}/deliveries",
    "POST /api/v1/payments/{id}/deliveries",
    "GET /api/v1/deliveries",
    "GET /api/v1/deliveries/{id}",
    "POST /api/v1/deliveries/{id}/retry",
    "POST /api/v1/deliveries/{id}/cancel",
    "GET /api/v1/mail-accounts",
    "POST /api/v1/mail-accounts",
    "GET /api/v1/mail-accounts/{id}",
    "PATCH /api/v1/mail-accounts/{id}",
    "DELETE /api/v1/mail-accounts/{id}",
    "GET /api/v1/mail-routes",
];

async fn document(api: &Api) -> Value {
    api.get("//openapi.json").await.expect(200)
}

#[tokio::test]
async fn every_call_is_documented_and_every_documented_call_is_answered() {
    let api = Api::with_andina().await;
    let document = document(&api).await;
    for call in CONTRACT.into_iter().chain([
        "POST /api/v1/mail-accounts/check",
        "POST /api/v1/mail-accounts/{id}/check",
        "POST /api/v1/mail-accounts/discover",
    ]) {
        let (method, path) = call.split_once(' ').unwrap();
        assert!(document["paths"][path][method.to_lowercase()].is_object(), "{call}");
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, call) in item.as_object().unwrap() {
            let answer = api.send(&method.to_uppercase(), &format!("/{}", path.replace("{id}", "x")), Some(json!({}))).await;
            assert!(!answer.text().contains("route_not_found"), "{method} {path}: {}", answer.text());
            assert_ne!(answer.status.as_u16(), 405, "{method} {path}");
            if path.starts_with("/api/") {
                let status = answer.status.as_u16().to_string();
                assert!(call["responses"][&status].is_object(), "{method} {path} answered {status}, which is not documented");
            }
        }
    }
    let scheme = &document["components"]["securitySchemes"]["token"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("bearer")));
}

#[tokio::test]
async fn what_is_answered_has_the_documented_shape() {
    let api = Api::with_andina().await;
    let document = document(&api).await;
    let payment = received(api.ours.contacts[0], "10.00").settling(api.ours.documents[0], "10.00").notifying();
    let id = payment.record(&api.world.db, &api.ours.actor).await.unwrap();
    let account = json!({ "module": "received_payments", "server": "smtp.x.ec", "port": 587, "security": "starttls",
        "from_address": "a@x.example" });
    let account = api.post("/mail-accounts", account).await.expect(201)["id"].as_str().unwrap().to_owned();
    for (path, asked) in [
        ("/api/v1/company", "/company".to_owned()),
        ("/api/v1/contacts", "/contacts".to_owned()),
        ("/api/v1/contacts/{id}", format!("/contacts/{}", api.ours.contacts[0])),
        ("/api/v1/documents", "/documents".to_owned()),
        ("/api/v1/documents/{id}", format!("/documents/{}", api.ours.documents[0])),
        ("/api/v1/payments", "/payments".to_owned()),
        ("/api/v1/payments/{id}", format!("/payments/{id}")),
        ("/api/v1/payments/{id}/deliveries", format!("/payments/{id}/deliveries")),
        ("/api/v1/deliveries", "/deliveries".to_owned()),
        ("/api/v1/mail-accounts", "/mail-accounts".to_owned()),
        ("/api/v1/mail-accounts/{id}", format!("/mail-accounts/{account}")),
        ("/api/v1/mail-accounts/{id}/domain", format!("/mail-accounts/{account}/domain")),
        ("/api/v1/mail-accounts/{id}/dkim", format!("/mail-accounts/{account}/dkim")),
        ("/api/v1/mail-routes", "/mail-routes".to_owned()),
    ] {
        let answer = api.get(&asked).await.expect(200);
        let schema = &document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{path}");
        if let Some(wrong) = wrong_in(&answer, schema, &document, path) {
            panic!("{wrong}");
        }
    }
    let refused = api.post("/payments", json!({ "date": in_days(5) })).await.json();
    let problem = &document["components"]["schemas"]["Problem"];
    assert_eq!(wrong_in(&refused, problem, &document, "Problem"), None);
}

#[tokio::test]
async fn the_examples_of_the_document_are_taken() {
    let api = Api::with_andina().await;
    let document = document(&api).await;
    let example = |name: &str| document["components"]["schemas"][name]["example"].clone();
    api.post("/contacts", example("NewContact")).await.expect(201);
    api.post("/mail-accounts", example("NewMailAccount")).await.expect(201);
    let mut payment = example("NewPayment");
    payment["contact_id"] = json!(api.ours.contacts[0].to_string());
    payment["allocations"][0]["document_id"] = json!(api.ours.documents[0].to_string());
    payment["date"] = json!(in_days(0));
    let made = api.post("/payments", payment).await.expect(201);
    api.post(&format!("/payments/{}/void", made["id"].as_str().unwrap()), example("VoidPayment")).await.expect(200);
    let mut invoice = example("NewDocument");
    invoice["contact_id"] = json!(api.ours.contacts[0].to_string());
    invoice["issue_date"] = json!(in_days(0));
    invoice["due_date"] = json!(in_days(30));
    invoice["number"] = json!("7-7-7");
    api.post("/documents", invoice).await.expect(201);
}

#[test]
fn every_warning_of_the_source_stands_in_the_docs() {
    const DOCS: &str = include_str!("../../../../../docs/api-design.md");
    const WARNINGS: &str = include_str!("../../../src/api/warnings.rs");
    const DOUBTS: &str = include_str!("../../../../domain/src/payment/doubt.rs");
    let said =
        |source: &'static str| source.split("messages::").skip(1).filter_map(|call| code_of(call.split(['(', ' ']).next()?));
    // A row that begins so is a part of a sentence.
    let is_part = |code: &&str| code.starts_with("a_");
    let codes: Vec<&str> = said(WARNINGS).chain(said(DOUBTS)).filter(|code| !is_part(code)).collect();
    assert!(codes.len() >= 11, "they are found: {codes:?}");
    for code in codes {
        assert!(DOCS.contains(&format!("`{code}`")), "{code} is not documented");
    }
}

#[tokio::test]
async fn the_calls_and_codes_that_the_docs_name_are_there() {
    const DOCS: &str = include_str!("../../../../../docs/api-design.md");
    const SENTENCES: &str = include_str!("../../../../domain/src/messages.toml");
    let api = Api::with_andina().await;
    let document = document(&api).await;
    let mut calls = 0;
    for span in DOCS.split('`').skip(1).step_by(2) {
        let Some((method, path)) = span.split_once(' ').filter(|(method, _)| ["GET", "POST", "PATCH", "DELETE"].contains(method))
        else {
            continue;
        };
        let path = path.split([' ', '?']).next().unwrap();
        if path.contains('…') {
            continue;
        }
        let call = &document["paths"][format!("/api/v1{path}")][method.to_lowercase()];
        assert!(call.is_object(), "{method} {path} is no call");
        calls += 1;
    }
    assert!(calls >= 8, "{calls}");
    let mut codes = 0;
    let parts: Vec<&str> = DOCS.split('`').collect();
    // «422 `field_missing`»: a status, and its code.
    for (before, code) in parts.iter().step_by(2).zip(parts.iter().skip(1).step_by(2)) {
        let status = before.strip_suffix(' ').map(|said| said.get(said.len().saturating_sub(3)..).unwrap_or_default());
        let is_code = code.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
        if is_code && status.is_some_and(|status| status.starts_with('4') && status.parse::<u16>().is_ok()) {
            assert!(
                SENTENCES.contains(&format!("[{code}]")) || SENTENCES.contains(&format!("code = \"{code}\"")),
                "{code} is said nowhere"
            );
            codes += 1;
        }
    }
    assert!(codes >= 15, "{codes}");
}

#[tokio::test]
async fn the_page_shows_every_call_and_asks_nobody_else() {
    let api = Api::with_andina().await;
    let page = api.get("//docs").await;
    assert_eq!(page.status.as_u16(), 200);
    let text = page.text();
    for call in CONTRACT {
        assert!(text.contains(call), "{call}");
    }
    assert!(!text.contains("src=\"http") && !text.contains("href=\"http"), "nothing from elsewhere");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
}

#[tokio::test]
async fn a_watchman_sees_that_it_is_alive_and_ready() {
    let api = Api::with_andina().await;
    assert_eq!(api.get("//healthz").await.expect(200), json!({ "status": "ok" }));
    assert_eq!(api.get("//readyz").await.expect(200), json!({ "status": "ok", "database": "ok" }));
    api.world.db.clone().close().await;
    assert_eq!(api.get("//healthz").await.expect(200), json!({ "status": "ok" }));
    assert_eq!(api.get("//readyz").await.expect(503)["database"], "unavailable");
    let answer = api.get("/payments").await;
    answer.refused(503, "database_unavailable", &[]);
    assert_eq!(answer.header("retry-after"), "5");
}
