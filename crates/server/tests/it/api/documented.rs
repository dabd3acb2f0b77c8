//! /openapi.json tells the truth: every call is in it, and what is answered has the shape that it says.

use acuse_domain::message::code_of;
use acuse_testkit::builders::received;
use serde_json::{Value, json};

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

/// What of an answer contradicts its schema: types, required and undocumented fields, enumerations.
fn wrong_in(value: &Value, schema: &Value, document: &Value, at: &str) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        return wrong_in(value, &document["components"]["schemas"][name.rsplit('/').next().unwrap()], document, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let all: Vec<Option<String>> = choices.iter().map(|choice| wrong_in(value, choice, document, at)).collect();
        return if all.contains(&None) { None } else { all.into_iter().flatten().last() };
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return wrong_in(value, &merged(parts, document), document, at);
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return Some(format!("{at}: no type in {schema}")),
    };
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !types.contains(&is) {
        return Some(format!("{at}: {value} is no {types:?}"));
    }
    if let Some(known) = schema["enum"].as_array().filter(|_| is == "string") {
        return (!known.contains(value)).then(|| format!("{at}: {value} is none of {known:?}"));
    }
    if let Some(items) = value.as_array() {
        return items.iter().enumerate().find_map(|(i, item)| wrong_in(item, &schema["items"], document, &format!("{at}.{i}")));
    }
    let fields = value.as_object()?;
    let missing = schema["required"].as_array().into_iter().flatten().find(|name| !fields.contains_key(name.as_str().unwrap()));
    if let Some(name) = missing {
        return Some(format!("{at}: {name} is missing"));
    }
    fields.iter().find_map(|(name, field)| match &schema["properties"][name] {
        Value::Null => Some(format!("{at}.{name} is not documented")),
        known => wrong_in(field, known, document, &format!("{at}.{name}")),
    })
}

/// The parts of an `allOf` as one object.
fn merged(parts: &[Value], document: &Value) -> Value {
    let mut whole = json!({ "type": "object", "properties": {}, "required": [] });
    for part in parts {
        let part = match part["$ref"].as_str() {
            Some(name) => &document["components"]["schemas"][name.rsplit('/').next().unwrap()],
            None => part,
        };
        for (name, field) in part["properties"].as_object().unwrap() {
            whole["properties"][name] = field.clone();
        }
        let required = part["required"].as_array().cloned().unwrap_or_default();
        whole["required"].as_array_mut().unwrap().extend(required);
    }
    whole
}
