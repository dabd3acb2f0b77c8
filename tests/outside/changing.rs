//! Many who change one record at once, over HTTP.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::installation::{Installation, Server};

async fn read(server: &Server, path: &str) -> (String, Value) {
    let answer = server.api(Method::GET, path).send().await.unwrap();
    let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
    (tag, answer.json().await.unwrap())
}

async fn all_at_once(requests: impl Iterator<Item = RequestBuilder>) -> Vec<StatusCode> {
    let sent: Vec<_> = requests.map(|request| tokio::spawn(request.send())).collect();
    let mut answers = Vec::new();
    for answer in sent {
        answers.push(answer.await.unwrap().unwrap().status());
    }
    answers
}

async fn new_contact(server: &Server) -> String {
    let body = json!({ "name": "Andina", "identification_type": "other", "identification": "AN-1", "is_customer": true });
    let made = server.api(Method::POST, "/contacts").json(&body).send().await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    format!("/contacts/{}", made.json::<Value>().await.unwrap()["id"].as_str().unwrap())
}

#[tokio::test]
async fn twenty_patches_at_once_lose_no_field() {
    let installation = Installation::new();
    let server = installation.serve().await;
    let contact = new_contact(&server).await;
    let contact = contact.as_str();
    let fields = ["address", "phone"];
    let purposes = ["received_payments", "made_payments", "invoices", "withholdings"];
    for round in 0..3 {
        let mut changes = vec![
            (contact, json!({ "name": format!("Nombre {round}") })),
            (contact, json!({ "credit_days": 30 + round })),
            (contact, json!({ "is_supplier": round % 2 == 0 })),
            (contact, json!({ "emails": [format!("todo{round}@x.ec")] })),
        ];
        changes.extend(fields.map(|field| (contact, json!({ field: format!("{field} {round}") }))));
        changes
            .extend(purposes.map(|field| (contact, json!({ "emails_by_purpose": { field: [format!("{field}{round}@x.ec")] } }))));
        let company = ["legal_name", "trade_name", "address", "city", "phone"];
        changes.extend(company.map(|field| ("/company", json!({ field: format!("{field} {round}") }))));
        changes.push(("/company", json!({ "email": format!("compania{round}@x.ec") })));
        changes.push(("/mail-routes", json!({ "on_failure": "use_default", "after_hours": 10 + round })));
        changes.push(("/mail-routes", json!({ "notify": [format!("avisos{round}@x.ec")] })));
        let sent = changes.iter().map(|(path, body)| server.api(Method::PATCH, path).json(body));
        for status in all_at_once(sent).await {
            assert_eq!(status, StatusCode::OK);
        }
        let (_, kept) = read(&server, contact).await;
        assert_eq!(kept["name"], format!("Nombre {round}"));
        assert_eq!((&kept["credit_days"], &kept["is_supplier"]), (&json!(30 + round), &json!(round % 2 == 0)));
        assert_eq!(kept["emails"], json!([format!("todo{round}@x.ec")]));
        for field in fields {
            assert_eq!(kept[field], format!("{field} {round}"));
        }
        for field in purposes {
            assert_eq!(kept["emails_by_purpose"][field], json!([format!("{field}{round}@x.ec")]));
        }
        let (_, kept) = read(&server, "/company").await;
        for field in company {
            assert_eq!(kept[field], format!("{field} {round}"));
        }
        assert_eq!(kept["email"], format!("compania{round}@x.ec"));
        let (_, routes) = read(&server, "/mail-routes").await;
        let policy = &routes["data"][0]["policy"];
        assert_eq!((&policy["after_hours"], &policy["notify"]), (&json!(10 + round), &json!([format!("avisos{round}@x.ec")])));
    }
}

#[tokio::test]
async fn of_twenty_who_name_the_same_state_one_is_answered_200_and_the_others_412() {
    let installation = Installation::new();
    let server = installation.serve().await;
    for path in [new_contact(&server).await.as_str(), "/company"] {
        let (tag, _) = read(&server, path).await;
        let sent = (0..20).map(|number| {
            let body = json!({ "phone": format!("0{number}") });
            server.api(Method::PATCH, path).header("if-match", &tag).json(&body)
        });
        let answers = all_at_once(sent).await;
        let with = |status| answers.iter().filter(|answer| **answer == status).count();
        assert_eq!((with(StatusCode::OK), with(StatusCode::PRECONDITION_FAILED)), (1, 19), "{path}");
        assert_ne!(read(&server, path).await.0, tag);
    }
}
