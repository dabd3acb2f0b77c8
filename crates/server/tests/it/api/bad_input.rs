//! Every bad input: a clear 4xx with code and field, and nothing recorded.

use acuse_testkit::builders::{company, received};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::support::{Answer, Api, in_days};

/// A good cobro, to be spoilt.
fn cobro(api: &Api) -> Value {
    json!({
        "direction": "received", "contact_id": api.ours.contacts[0].to_string(), "date": in_days(0),
        "lines": [{ "method": "transfer", "amount": "150.00" }],
        "allocations": [{ "document_id": api.ours.documents[0].to_string(), "amount": "120.00" }],
        "notify": true
    })
}

/// The cobro with one value replaced, by JSON pointer.
fn spoilt(api: &Api, at: &str, value: Value) -> Value {
    let mut body = cobro(api);
    let (parent, name) = at.rsplit_once('/').expect("a pointer");
    body.pointer_mut(parent).expect("a place")[name] = value;
    body
}

#[tokio::test]
async fn a_payment_that_breaks_a_rule_is_refused_by_field_and_leaves_nothing() {
    let api =
        Api::of(company().with_customer("Andina").with_open_invoice("120.00").with_customer("Sierra").with_open_invoice("70.00"))
            .await;
    let before = api.on_record().await;
    let theirs = &api.theirs;
    let cases = [
        ("/direction", json!("in"), "value_unknown", "direction"),
        ("/contact_id", json!("7"), "id_invalid", "contact_id"),
        ("/contact_id", json!(theirs.contacts[0].to_string()), "contact_not_found", "contact_id"),
        ("/date", json!("24/11/2026"), "date_invalid", "date"),
        ("/date", json!("2026-02-30"), "date_invalid", "date"),
        ("/date", json!(in_days(2)), "date_in_future", "date"),
        ("/date", json!(20261124), "wrong_type", "date"),
        ("/lines", json!({}), "wrong_type", "lines"),
        ("/lines", Value::Null, "field_missing", "lines"),
        ("/notify", json!("yes"), "wrong_type", "notify"),
        ("/recipients", json!(7), "wrong_type", "recipients"),
        ("/recipients", json!(["pagos"]), "email_invalid", "recipients.0"),
        ("/recipients", json!("pagos@andina.ec, otra"), "email_invalid", "recipients.0"),
        ("/importe", json!("1.00"), "unknown_field", "importe"),
    ];
    for (at, value, code, field) in cases {
        api.post("/payments", spoilt(&api, at, value)).await.refused(422, code, &[field]);
    }
    assert_eq!(api.on_record().await, before);
}

#[tokio::test]
async fn an_amount_is_a_string_with_two_decimals_above_zero() {
    let api = Api::with_andina().await;
    let before = api.on_record().await;
    for (amount, code) in [
        (json!("0.00"), "amount_not_positive"),
        (json!("-5.00"), "amount_not_positive"),
        (json!("1.234"), "too_many_decimals"),
        (json!("1,50"), "amount_invalid"),
        (json!("10"), "amount_invalid"),
        (json!("1e3"), "amount_invalid"),
        (json!(""), "amount_invalid"),
        (json!("1000000000.00"), "amount_too_large"),
        (json!(10.5), "wrong_type"),
        (Value::Null, "field_missing"),
    ] {
        let mut body = cobro(&api);
        body["allocations"] = json!([]);
        body["lines"][0]["amount"] = amount;
        api.post("/payments", body).await.refused(422, code, &["lines.0.amount"]);
    }
    for (amount, code) in
        [("0.00", "allocation_not_positive"), ("-5.00", "allocation_not_positive"), ("1.234", "too_many_decimals")]
    {
        let mut body = cobro(&api);
        body["allocations"][0]["amount"] = json!(amount);
        api.post("/payments", body).await.refused(422, code, &["allocations.0.amount"]);
    }
    assert_eq!(api.on_record().await, before);
}

#[tokio::test]
async fn an_allocation_goes_to_an_open_document_of_the_same_contact_and_within_its_balance() {
    let api =
        Api::of(company().with_customer("Andina").with_open_invoice("120.00").with_customer("Sierra").with_open_invoice("70.00"))
            .await;
    let before = api.on_record().await;
    let refused = async |document: String, amount: &str, code: &str, field: &str| {
        let mut body = cobro(&api);
        body["allocations"] = json!([{ "document_id": document, "amount": amount }]);
        api.post("/payments", body).await.refused(422, code, &[field])
    };
    let own = api.ours.documents[0].to_string();
    let problem = refused(own, "120.01", "allocation_exceeds_balance", "allocations.0.amount").await;
    assert!(problem["detail"].as_str().unwrap().contains("supera su saldo: quedan 120,00"), "{problem}");
    let of_sierra = api.ours.documents[1].to_string();
    refused(of_sierra, "10.00", "document_of_another_contact", "allocations.0.document_id").await;
    let of_theirs = api.theirs.documents[0].to_string();
    refused(of_theirs, "10.00", "document_not_found", "allocations.0.document_id").await;
    let unknown = "01938f2e-7c11-7a3b-9c1d-0f6f4f0a2b11".to_owned();
    refused(unknown, "10.00", "document_not_found", "allocations.0.document_id").await;
    let mut body = cobro(&api);
    body["lines"][0]["amount"] = json!("100.00");
    api.post("/payments", body).await.refused(422, "allocations_exceed_total", &["allocations"]);
    let mut twice = cobro(&api);
    twice["allocations"] = json!([twice["allocations"][0], twice["allocations"][0]]);
    api.post("/payments", twice).await.refused(422, "document_repeated", &["allocations.1.document_id"]);
    assert_eq!(api.on_record().await, before);
}

#[tokio::test]
async fn a_line_takes_the_fields_of_its_method_and_no_others() {
    let api = Api::with_andina().await;
    for (line, code, field) in [
        (json!({ "method": "bitcoin", "amount": "1.00" }), "value_unknown", "lines.0.method"),
        (json!({ "amount": "1.00" }), "field_missing", "lines.0.method"),
        (json!({ "method": "cash", "amount": "1.00", "tax": "IR" }), "field_not_of_method", "lines.0.tax"),
        (json!({ "method": "check", "amount": "1.00" }), "field_missing", "lines.0.reference"),
        (
            json!({ "method": "check", "amount": "1.00", "reference": "1", "kind": "postdated" }),
            "postdated_without_date",
            "lines.0.date",
        ),
        (json!({ "method": "cash", "amount": "1.00", "note": "x" }), "unknown_field", "lines.0.note"),
    ] {
        let mut body = cobro(&api);
        body["allocations"] = json!([]);
        body["lines"] = json!([line]);
        let answer = api.post("/payments", body).await;
        answer.refused(422, code, &[field]);
    }
    let mut body = cobro(&api);
    body["lines"] = json!([{ "method": "advance", "amount": "150.00", "payment_id": "01938f2e-7c11-7a3b-9c1d-0f6f4f0a2b11" }]);
    let fields = ["lines.0.payment_id", "allocations"];
    api.post("/payments", body).await.refused(422, "advance_not_found", &fields);
    let mut body = cobro(&api);
    body["lines"] = json!([]);
    api.post("/payments", body).await.refused(422, "lines_missing", &["lines", "allocations"]);
    // Absent and null are the same.
    let mut body = cobro(&api);
    body["lines"] = json!([{ "method": "cash", "amount": "150.00", "tax": null, "payment_id": null, "kind": null }]);
    api.post("/payments", body).await.expect(201);
}

#[tokio::test]
async fn everything_wrong_is_told_at_once() {
    let api = Api::with_andina().await;
    let body = json!({ "direction": "in", "lines": [{ "method": "cash", "amount": "x" }], "allocations": [{}] });
    let answer = api.post("/payments", body).await;
    answer.refused(
        422,
        "value_unknown",
        &["direction", "contact_id", "date", "lines.0.amount", "allocations.0.document_id", "allocations.0.amount"],
    );
}

#[tokio::test]
async fn a_contact_without_address_cannot_be_notified_and_nothing_is_recorded() {
    let api = Api::of(company().with_customer("Callada").with_emails("").with_open_invoice("120.00")).await;
    let before = api.on_record().await;
    api.post("/payments", cobro(&api)).await.refused(422, "contact_has_no_email", &["recipients"]);
    assert_eq!(api.on_record().await, before);
    let mut body = cobro(&api);
    body["notify"] = json!(false);
    let made = api.post("/payments", body).await.expect(201);
    assert_eq!(made["number"], "RC-000001", "the refused one has taken no number");
    let send = format!("/payments/{}/deliveries", made["id"].as_str().unwrap());
    api.send("POST", &send, None).await.refused(422, "contact_has_no_email", &["recipients"]);
}

#[tokio::test]
async fn an_anticipo_used_twice_at_once_is_used_once() {
    let api = Api::with_andina().await;
    let first = received(api.ours.contacts[0], "50.00").record(&api.world.db, &api.ours.actor).await.unwrap();
    let using = |document: usize| {
        json!({
            "direction": "received", "contact_id": api.ours.contacts[0].to_string(), "date": in_days(0),
            "lines": [{ "method": "advance", "amount": "50.00", "payment_id": first.to_string() }],
            "allocations": [{ "document_id": api.ours.documents[document].to_string(), "amount": "50.00" }]
        })
    };
    let (a, b) = tokio::join!(api.post("/payments", using(0)), api.post("/payments", using(1)));
    let (made, refused) = if a.status.as_u16() == 201 { (a, b) } else { (b, a) };
    made.expect(201);
    refused.refused(422, "advance_exceeds_rest", &["lines.0.amount"]);
    assert_eq!(api.get("/payments").await.json()["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn another_companys_ids_do_not_exist() {
    let api = Api::with_andina().await;
    let theirs = received(api.theirs.contacts[0], "10.00").notifying().record(&api.world.db, &api.theirs.actor).await.unwrap();
    let delivery = acuse_store::deliveries::of_payments(&api.world.db, api.theirs.id, &[theirs]).await.unwrap()[0].id;
    let before = api.on_record().await;
    for (method, path, code) in [
        ("GET", format!("/contacts/{}", api.theirs.contacts[0]), "contact_not_found"),
        ("PATCH", format!("/contacts/{}", api.theirs.contacts[0]), "contact_not_found"),
        ("GET", format!("/documents/{}", api.theirs.documents[0]), "document_not_found"),
        ("GET", format!("/payments/{theirs}"), "payment_not_found"),
        ("GET", format!("/payments/{theirs}/receipt.pdf"), "payment_not_found"),
        ("GET", format!("/payments/{theirs}/deliveries"), "payment_not_found"),
        ("POST", format!("/payments/{theirs}/deliveries"), "payment_not_found"),
        ("GET", format!("/deliveries/{delivery}"), "delivery_not_found"),
        ("POST", format!("/deliveries/{delivery}/retry"), "delivery_not_found"),
        ("POST", format!("/deliveries/{delivery}/cancel"), "delivery_not_found"),
        ("GET", "/payments/7".to_owned(), "payment_not_found"),
        ("GET", "/contacts/01938f2e-7c11-7a3b-9c1d-0f6f4f0a2b11".to_owned(), "contact_not_found"),
    ] {
        let body = matches!(method, "POST" | "PATCH").then(|| json!({}));
        api.send(method, &path, body).await.refused(404, code, &[]);
    }
    let void = api.post(&format!("/payments/{theirs}/void"), json!({ "reason": "Mío" })).await;
    void.refused(404, "payment_not_found", &[]);
    assert_eq!(api.on_record().await, before);
}

#[tokio::test]
async fn a_document_number_is_used_once() {
    let api = Api::with_andina().await;
    let document = |contact: &str, number: &str| {
        json!({
            "kind": "invoice", "side": "receivable", "contact_id": contact, "number": number,
            "issue_date": in_days(0), "due_date": in_days(30), "total": "45.00"
        })
    };
    let andina = api.ours.contacts[0].to_string();
    let made = api.post("/documents", document(&andina, "9-9-77")).await.expect(201);
    assert_eq!((&made["number"], &made["balance"]), (&json!("009-009-000000077"), &json!("45.00")));
    let before = api.on_record().await;
    api.post("/documents", document(&andina, "009-009-000000077")).await.refused(422, "document_number_taken", &["number"]);
    for (name, value, code) in [
        ("number", json!("77"), "document_number_invalid"),
        ("contact_id", json!(api.theirs.contacts[0].to_string()), "contact_not_found"),
        ("issue_date", json!(in_days(2)), "date_in_future"),
        ("due_date", json!(in_days(-1)), "due_before_issue"),
        ("total", json!("0.00"), "total_is_zero"),
        ("total", json!("-1.00"), "total_not_positive"),
        ("total", json!("1.005"), "too_many_decimals"),
        ("balance", json!("45.01"), "balance_out_of_range"),
        ("kind", json!("factura"), "value_unknown"),
    ] {
        let mut body = document(&andina, "9-9-78");
        if name == "issue_date" {
            body["due_date"] = json!(in_days(40));
        }
        body[name] = value;
        api.post("/documents", body).await.refused(422, code, &[name]);
    }
    assert_eq!(api.on_record().await, before);
}

#[tokio::test]
async fn what_is_no_json_is_told_by_line_and_column() {
    let api = Api::with_andina().await;
    let send = async |kind: &str, body: Vec<u8>| -> Answer {
        let request = api.request("POST", "/payments").header("content-type", kind);
        api.ask(request.body(Body::from(body)).unwrap()).await
    };
    let problem = send("application/json", b"{\n  \"direction\": received }".to_vec()).await.refused(400, "malformed_json", &[]);
    assert_eq!(problem["detail"], "No es JSON válido: línea 2, columna 16.");
    for body in ["", "{", r#"{"a":"#, "{} {}", "\u{feff}{}"] {
        send("application/json", body.as_bytes().to_vec()).await.refused(400, "malformed_json", &[]);
    }
    send("application/json", b"{\"direction\": \"\xff\"}".to_vec()).await.refused(400, "malformed_json", &[]);
    send("application/json", b"[]".to_vec()).await.refused(422, "wrong_type", &[""]);
    send("application/json", b"{\"date\":\"x\",\"date\":\"y\"}".to_vec()).await.refused(422, "duplicate_field", &["date"]);
    send("text/plain", cobro(&api).to_string().into_bytes()).await.refused(415, "unsupported_media_type", &[]);
    send("application/json", vec![b' '; 10 * 1024 * 1024]).await.refused(413, "body_too_large", &[]);
    assert_eq!(send("application/json; charset=utf-8", cobro(&api).to_string().into_bytes()).await.status.as_u16(), 201);
}

#[tokio::test]
async fn a_list_is_asked_with_known_parameters() {
    let api = Api::with_andina().await;
    for (query, code, field) in [
        ("limit=0", "limit_invalid", "limit"),
        ("limit=201", "limit_invalid", "limit"),
        ("limit=many", "limit_invalid", "limit"),
        ("after=zzz", "cursor_invalid", "after"),
        ("page=2", "unknown_field", "page"),
        ("direction=in", "value_unknown", "direction"),
        ("from=ayer", "date_invalid", "from"),
    ] {
        api.get(&format!("/payments?{query}")).await.refused(422, code, &[field]);
    }
    api.get("/payments?limit=200").await.expect(200);
}

#[tokio::test]
async fn who_has_no_token_or_a_wrong_path_or_method_is_told_so() {
    let api = Api::with_andina().await;
    let ask = async |method: &str, path: &str, token: &str| -> Answer {
        let request = Request::builder().method(method).uri(path).header("authorization", token);
        api.ask(request.body(Body::empty()).unwrap()).await
    };
    let missing = ask("GET", "/api/v1/payments", "").await;
    missing.refused(401, "token_missing", &[]);
    assert_eq!(missing.header("www-authenticate"), "Bearer");
    ask("GET", "/api/v1/payments", "Bearer acu_nadie").await.refused(401, "token_unknown", &[]);
    let token = format!("Bearer {}", api.their_token);
    let two = api.request("GET", "/payments").header("authorization", &token).body(Body::empty()).unwrap();
    api.ask(two).await.refused(401, "token_missing", &[]);
    ask("GET", "/api/v1/cobros", &token).await.refused(404, "route_not_found", &[]);
    ask("GET", "/api", &token).await.refused(404, "route_not_found", &[]);
    let wrong = ask("DELETE", "/api/v1/payments", &token).await;
    wrong.refused(405, "method_not_allowed", &[]);
    assert_eq!(wrong.header("allow"), "GET,HEAD,POST");
}

#[tokio::test]
async fn messages_are_spanish_or_english_by_accept_language() {
    let api = Api::with_andina().await;
    let ask = async |language: &str| {
        let mut body = cobro(&api);
        body["allocations"][0]["amount"] = json!("130.00");
        let request = api.request("POST", "/payments").header("content-type", "application/json");
        let request = request.header("accept-language", language).body(Body::from(body.to_string()));
        let answer = api.ask(request.unwrap()).await;
        (
            answer.header("content-language").to_owned(),
            answer.refused(422, "allocation_exceeds_balance", &["allocations.0.amount"]),
        )
    };
    let (language, spanish) = ask("es-EC").await;
    assert_eq!((language.as_str(), &spanish["title"]), ("es", &json!("Datos no válidos")));
    let (language, english) = ask("en-GB,en;q=0.9,es;q=0.4").await;
    assert_eq!((language.as_str(), &english["title"]), ("en", &json!("Unprocessable Entity")));
    assert!(english["errors"][0]["message"].as_str().unwrap().ends_with("exceeds its balance, which is 120.00."), "{english}");
}
