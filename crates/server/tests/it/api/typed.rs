//! What programs send as people typed it: what is doubtful is recorded and said, what is no object is refused.

use acuse_testkit::builders::company;
use axum::body::Body;
use serde_json::{Value, json};

use super::support::{Api, in_days};

fn codes(of: &Value) -> Vec<String> {
    let warnings = of["warnings"].as_array().expect("a list").iter();
    warnings.map(|warning| format!("{} {}", warning["code"].as_str().unwrap(), warning["field"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn an_address_that_looks_like_a_slip_is_a_warning_at_its_place() {
    let api = Api::with_andina().await;
    let contact = json!({
        "name": "Sierra", "identification_type": "ruc", "identification": "1790016919001", "is_customer": true,
        "emails": "\"Sierra, Ana\" <ana@sierra.ec>; pagos@gmial.com", "emails_by_purpose": { "invoices": ["f@hotmail.con"] }
    });
    let made = api.post("/contacts", contact).await.expect(201);
    assert_eq!(made["emails"], json!(["ana@sierra.ec", "pagos@gmial.com"]));
    assert_eq!(codes(&made), ["address_slip emails.1", "address_slip emails_by_purpose.invoices.0"]);
    assert_eq!(made["warnings"][0]["message"], "pagos@gmial.com: ¿quiso decir pagos@gmail.com?");
    let company = api.patch("/company", json!({ "email": "a@outlok.com" })).await.expect(200);
    assert_eq!(codes(&company), ["address_slip email"]);
    let routes = api.patch("/mail-routes", json!({ "notify": ["a@yaho.com"] })).await.expect(200);
    assert_eq!(codes(&routes), ["address_slip notify.0"]);
    let cobro = json!({
        "direction": "received", "contact_id": api.ours.contacts[0].to_string(), "date": in_days(0),
        "lines": [{ "method": "cash", "amount": "10.00" }], "recipients": ["Pagos <pagos@gmial.com>"]
    });
    let made = api.post("/payments", cobro).await.expect(201);
    assert_eq!(codes(&made), ["address_slip recipients.0"]);
    assert_eq!(codes(&made["deliveries"][0]), ["address_slip recipient"]);
}

#[tokio::test]
async fn a_date_that_may_be_a_slip_is_a_warning_and_one_of_another_time_is_refused() {
    let api = Api::of(company().with_customer("Andina").with_open_invoice("120.00")).await;
    let document = json!({
        "kind": "invoice", "side": "receivable", "contact_id": api.ours.contacts[0].to_string(), "number": "1-1-77",
        "issue_date": in_days(0), "due_date": in_days(30), "total": "45.00"
    });
    let made = api.post("/documents", document.clone()).await.expect(201);
    // Each with a certificate of its own: the same one again would be a twin.
    let certificates = std::cell::Cell::new(900);
    let cobro = |date: String| {
        let number = certificates.replace(certificates.get() + 1);
        json!({
            "direction": "received", "contact_id": api.ours.contacts[0].to_string(), "date": date,
            "lines": [{ "method": "withholding", "amount": "0.30", "reference": format!("1-1-{number}"), "tax": "IR 2 %" }],
            "allocations": [{ "document_id": made["id"], "amount": "0.30" }]
        })
    };
    let today = api.post("/payments", cobro(in_days(0))).await.expect(201);
    assert_eq!(today["warnings"], json!([]));
    assert_eq!(today["lines"][0]["reference"], "001-001-000000900", "completed as a document's number is");
    let tomorrow = api.post("/payments", cobro(in_days(1))).await.expect(201);
    assert_eq!(codes(&tomorrow), ["date_in_future date"]);
    let older = api.post("/payments", cobro(in_days(-3))).await.expect(201);
    assert_eq!(codes(&older), ["payment_before_document date"]);
    for date in ["1926-11-29", "0026-11-29", "1989-12-31"] {
        api.post("/payments", cobro(date.to_owned())).await.refused(422, "year_out_of_range", &["date"]);
        let mut old = document.clone();
        (old["issue_date"], old["number"]) = (json!(date), json!("1-1-78"));
        api.post("/documents", old).await.refused(422, "year_out_of_range", &["issue_date"]);
    }
    let problem = api.post("/payments", cobro("2026-02-31".to_owned())).await.refused(422, "date_invalid", &["date"]);
    assert_eq!(problem["detail"], "2026-02-31 no existe.");
    let mut late = document.clone();
    (late["due_date"], late["number"]) = (json!("2206-11-29"), json!("1-1-79"));
    api.post("/documents", late).await.refused(422, "due_too_late", &["due_date"]);
}

#[tokio::test]
async fn an_address_in_another_case_is_the_same_one_and_its_spelling_can_be_changed() {
    let api = Api::with_andina().await;
    let contact = format!("/contacts/{}", api.ours.contacts[0]);
    for spelling in ["Pagos@Andina.ec", "pagos@andina.ec", "PAGOS@andina.ec; pagos@ANDINA.ec"] {
        let expected = spelling.split(';').next().unwrap().replace("@Andina", "@andina");
        let changed = api.patch(&contact, json!({ "emails": spelling })).await.expect(200);
        assert_eq!(changed["emails"], json!([expected]));
        let company = api.patch("/company", json!({ "email": expected })).await.expect(200);
        assert_eq!(company["email"], json!(expected));
        let routes = api.patch("/mail-routes", json!({ "notify": spelling })).await.expect(200);
        assert_eq!(routes["notify"], json!([expected]));
    }
}

#[tokio::test]
async fn what_stands_in_an_objects_place_is_refused_at_every_call() {
    let api = Api::with_andina().await;
    let account = json!({ "module": "received_payments", "server": "smtp.x.ec", "port": 587, "security": "starttls",
        "from_address": "a@x.example" });
    let account = api.post("/mail-accounts", account).await.expect(201)["id"].as_str().unwrap().to_owned();
    let before = api.on_record().await;
    let document = serde_json::to_value(acuse_server::api::document()).expect("JSON");
    let mut asked = 0;
    for (path, calls) in document["paths"].as_object().expect("paths") {
        for (method, call) in calls.as_object().expect("calls").iter().filter(|(_, call)| call.get("requestBody").is_some()) {
            // A PATCH tells that there is no such record before it looks at its fields.
            let id = if path.contains("mail-accounts") { account.clone() } else { api.ours.contacts[0].to_string() };
            let path = path.replace("{id}", &id);
            for body in ["[]", "[null]", "[null,null,null,null,null,null,null,null,null,null,null]", "\"x\"", "7", "true", "null"]
            {
                let request = api.request(&method.to_uppercase(), &format!("/{path}")).header("content-type", "application/json");
                let answer = api.ask(request.body(Body::from(body)).unwrap()).await;
                let problem = answer.refused(422, "wrong_type", &[""]);
                assert_eq!(problem["detail"], "Debe ser un objeto.", "{method} {path} {body}: {call}");
            }
            asked += 1;
        }
    }
    assert!(asked >= 9, "{asked} calls with a body");
    for (at, value) in [
        ("lines", json!([["cash", "1.00", null, null, null, null, null, null, null]])),
        ("allocations", json!([[api.ours.documents[0].to_string(), "1.00"]])),
    ] {
        let mut body = json!({
            "direction": "received", "contact_id": api.ours.contacts[0].to_string(), "date": in_days(0),
            "lines": [{ "method": "cash", "amount": "1.00" }]
        });
        body[at] = value;
        api.post("/payments", body).await.refused(422, "wrong_type", &[&format!("{at}.0")]);
    }
    let nested =
        api.patch(&format!("/contacts/{}", api.ours.contacts[0]), json!({ "emails_by_purpose": [[], [], [], []] })).await;
    nested.refused(422, "wrong_type", &["emails_by_purpose"]);
    assert_eq!(api.on_record().await, before);
}
