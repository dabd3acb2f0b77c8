//! Null in a PATCH: it takes away, or is refused at its field. Nothing answers 200 and stays as it was.

use serde_json::{Value, json};

use super::support::Api;

enum Null {
    /// The field reads so afterwards.
    Clears(Value),
    Refused,
    /// A password is written and never read, and goes with its user (the contract: absent or empty keeps it).
    Keeps,
}

use Null::{Clears, Keeps, Refused};

/// Every field that a PATCH takes: its schema, its name, what null does.
fn fields() -> Vec<(&'static str, &'static str, Null)> {
    let nobody = json!({ "received_payments": [], "made_payments": [], "invoices": [], "withholdings": [] });
    vec![
        ("ContactChange", "name", Refused),
        ("ContactChange", "identification_type", Refused),
        ("ContactChange", "identification", Refused),
        ("ContactChange", "is_customer", Refused),
        ("ContactChange", "is_supplier", Refused),
        ("ContactChange", "address", Clears(Value::Null)),
        ("ContactChange", "phone", Clears(Value::Null)),
        ("ContactChange", "credit_days", Clears(Value::Null)),
        ("ContactChange", "emails", Clears(json!([]))),
        ("ContactChange", "emails_by_purpose", Clears(nobody)),
        ("CompanyChange", "legal_name", Refused),
        ("CompanyChange", "trade_name", Clears(Value::Null)),
        ("CompanyChange", "address", Clears(Value::Null)),
        ("CompanyChange", "city", Clears(Value::Null)),
        ("CompanyChange", "phone", Clears(Value::Null)),
        ("CompanyChange", "email", Clears(Value::Null)),
        ("FailurePolicyChange", "on_failure", Refused),
        ("FailurePolicyChange", "after_hours", Clears(json!(4))),
        ("FailurePolicyChange", "notify", Clears(json!([]))),
        ("MailAccountChange", "module", Refused),
        ("MailAccountChange", "server", Refused),
        ("MailAccountChange", "port", Refused),
        ("MailAccountChange", "security", Refused),
        ("MailAccountChange", "username", Clears(json!(""))),
        ("MailAccountChange", "password", Keeps),
        ("MailAccountChange", "from_name", Refused),
        ("MailAccountChange", "from_address", Refused),
        ("MailAccountChange", "reply_to", Clears(Value::Null)),
        ("MailAccountChange", "bcc", Clears(Value::Null)),
        ("MailAccountChange", "enabled", Refused),
    ]
}

/// Each field with a value, so that it can be seen to go.
fn filled(schema: &str) -> Value {
    match schema {
        "ContactChange" => json!({ "address": "Calle", "phone": "1", "credit_days": 5, "emails": ["a@x.ec"],
            "emails_by_purpose": { "received_payments": ["b@x.ec"], "made_payments": ["c@x.ec"], "invoices": ["d@x.ec"],
                "withholdings": ["e@x.ec"] } }),
        "CompanyChange" => {
            json!({ "trade_name": "Demo", "address": "Calle", "city": "Loja", "phone": "1", "email": "a@x.ec" })
        }
        "FailurePolicyChange" => json!({ "on_failure": "use_default", "after_hours": 9, "notify": ["a@x.ec"] }),
        _ => json!({ "username": "yo", "password": "clave", "reply_to": "a@x.ec", "bcc": "b@x.ec" }),
    }
}

async fn path(api: &Api, schema: &str) -> String {
    match schema {
        "ContactChange" => format!("/contacts/{}", api.ours.contacts[0]),
        "CompanyChange" => "/company".to_owned(),
        "FailurePolicyChange" => "/mail-routes".to_owned(),
        _ => {
            let account = json!({ "module": "received_payments", "server": "smtp.x.ec", "port": 587, "security": "starttls",
                "from_address": "a@x.example" });
            let made = api.post("/mail-accounts", account).await.expect(201);
            format!("/mail-accounts/{}", made["id"].as_str().unwrap())
        }
    }
}

#[tokio::test]
async fn null_takes_a_field_away_or_is_refused_there() {
    let api = Api::with_andina().await;
    let fields = fields();
    for schema in ["ContactChange", "CompanyChange", "FailurePolicyChange", "MailAccountChange"] {
        let path = path(&api, schema).await;
        for (_, field, null) in fields.iter().filter(|(of, ..)| *of == schema) {
            api.patch(&path, filled(schema)).await.expect(200);
            let before = api.get(&path).await;
            let answer = api.patch(&path, json!({ *field: null })).await;
            match null {
                Clears(empty) => {
                    let after = answer.expect(200);
                    assert_eq!(&after[field], empty, "{schema} {field}");
                    assert_ne!(answer.header("etag"), before.header("etag"), "{schema} {field}");
                    if *field == "username" {
                        assert_eq!(after["has_password"], false, "{after}");
                    }
                }
                Refused => {
                    let problem = answer.refused(422, "null_not_allowed", &[field]);
                    assert!(problem["detail"].as_str().unwrap().starts_with("No puede quedar sin valor"), "{problem}");
                    assert_eq!(api.get(&path).await.body, before.body, "{schema} {field}");
                }
                Keeps => {
                    answer.expect(200);
                    assert_eq!(api.get(&path).await.body, before.body, "{schema} {field}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_table_has_every_field_of_every_patch_and_the_document_says_which_take_null() {
    let api = Api::with_andina().await;
    let document = api.get("//openapi.json").await.expect(200);
    let mut documented = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let schema = &item["patch"]["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let Some(schema) = schema.as_str().and_then(|name| name.rsplit('/').next()) else {
            assert!(item["patch"].is_null(), "PATCH {path} takes a known shape");
            continue;
        };
        for (field, shape) in document["components"]["schemas"][schema]["properties"].as_object().unwrap() {
            documented.push((schema.to_owned(), field.clone(), shape.to_string().contains("\"null\"")));
        }
    }
    let fields = fields();
    let table = fields.iter().map(|(schema, field, null)| ((*schema).to_owned(), (*field).to_owned(), !matches!(null, Refused)));
    let mut table: Vec<(String, String, bool)> = table.collect();
    table.sort();
    documented.sort();
    assert_eq!(table, documented);
}
