//! Cobros and pagos through the API, as the contract's example records them.

use acuse_testkit::builders::company;
use serde_json::{Value, json};

use super::support::{Api, in_days};

/// The contract's example: 150.00 by transfer, 120.00 of it to the first invoice.
fn cobro(api: &Api) -> Value {
    json!({
        "direction": "received", "contact_id": api.ours.contacts[0].to_string(), "date": in_days(0),
        "lines": [{ "method": "transfer", "amount": "150.00", "reference": "8812" }],
        "allocations": [{ "document_id": api.ours.documents[0].to_string(), "amount": "120.00" }],
        "description": "Abono de noviembre", "notify": true, "recipients": ["pagos@andina.ec"]
    })
}

#[tokio::test]
async fn a_cobro_is_recorded_with_its_number_its_sums_and_its_deliveries() {
    let api = Api::with_andina().await;
    let made = api.post("/payments", cobro(&api)).await.expect(201);
    for (name, value) in [
        ("number", "RC-000001"),
        ("direction", "received"),
        ("status", "posted"),
        ("total", "150.00"),
        ("money", "150.00"),
        ("allocated", "120.00"),
        ("unapplied", "30.00"),
        ("description", "Abono de noviembre"),
    ] {
        assert_eq!(made[name], value, "{made}");
    }
    assert_eq!(made["lines"], json!([{ "method": "transfer", "amount": "150.00", "reference": "8812" }]));
    let allocation = &made["allocations"][0];
    assert_eq!((&allocation["previous_balance"], &allocation["balance"]), (&json!("120.00"), &json!("0.00")));
    let delivery = &made["deliveries"][0];
    assert_eq!((&delivery["recipient"], &delivery["state"]), (&json!("pagos@andina.ec"), &json!("queued")));
    assert_eq!((&delivery["resend_of"], &delivery["problem"]), (&Value::Null, &Value::Null));
    assert_eq!(made["recorded_at"].as_str().map(|at| at.ends_with('Z')), Some(true));

    let document = api.get(&format!("/documents/{}", api.ours.documents[0])).await.expect(200);
    assert_eq!((&document["balance"], &document["status"]), (&json!("0.00"), &json!("settled")));
    let id = made["id"].as_str().unwrap();
    assert_eq!(api.get(&format!("/payments/{id}")).await.expect(200), made);
}

#[tokio::test]
async fn without_recipients_the_receipt_goes_to_the_contacts_own_addresses_and_without_notify_to_nobody() {
    let api = Api::with_andina().await;
    let mut body = cobro(&api);
    body.as_object_mut().unwrap().remove("recipients");
    let made = api.post("/payments", body.clone()).await.expect(201);
    assert_eq!(made["deliveries"][0]["recipient"], "pagos@andina.ec");
    body.as_object_mut().unwrap().remove("notify");
    body["allocations"] = json!([]);
    assert_eq!(api.post("/payments", body).await.expect(201)["deliveries"], json!([]));
}

#[tokio::test]
async fn a_pago_to_a_supplier_has_a_sequence_of_its_own_and_warns_about_much_cash() {
    let api = Api::of(company().with_supplier("Imprenta").with_open_invoice("900.00")).await;
    let body = json!({
        "direction": "made", "contact_id": api.ours.contacts[0].to_string(), "date": in_days(0),
        "lines": [
            { "method": "cash", "amount": "600.00" },
            { "method": "check", "amount": "290.00", "reference": "118", "bank": "Pichincha", "kind": "postdated", "date": in_days(30) },
            { "method": "withholding", "amount": "10.00", "reference": "001-001-000000009", "tax": "IR 1,75 %" }
        ],
        "allocations": [{ "document_id": api.ours.documents[0].to_string(), "amount": "900.00" }]
    });
    let made = api.post("/payments", body).await.expect(201);
    assert_eq!((&made["number"], &made["total"], &made["money"]), (&json!("RP-000001"), &json!("900.00"), &json!("890.00")));
    assert_eq!(made["warnings"][0]["code"], "cash_not_deductible");
    assert_eq!(made["lines"][1]["kind"], "postdated");
}

#[tokio::test]
async fn an_anticipo_is_kept_and_used_by_a_later_cobro() {
    let api = Api::with_andina().await;
    let first = api.post("/payments", cobro(&api)).await.expect(201);
    let second = json!({
        "direction": "received", "contact_id": api.ours.contacts[0].to_string(), "date": in_days(0),
        "lines": [{ "method": "advance", "amount": "30.00", "payment_id": first["id"] }],
        "allocations": [{ "document_id": api.ours.documents[1].to_string(), "amount": "30.00" }]
    });
    let made = api.post("/payments", second).await.expect(201);
    assert_eq!((&made["total"], &made["money"], &made["unapplied"]), (&json!("30.00"), &json!("0.00"), &json!("0.00")));
    let first_now = format!("/payments/{}", first["id"].as_str().unwrap());
    let rest = api.get(&first_now).await.expect(200)["unapplied_rest"].clone();
    assert_eq!((&first["unapplied_rest"], rest), (&json!("30.00"), json!("0.00")));
    let void = api.post(&format!("{first_now}/void"), json!({ "reason": "Error" })).await;
    void.refused(409, "advance_in_use", &[]);
}

#[tokio::test]
async fn voiding_gives_every_balance_back_and_happens_once() {
    let api = Api::with_andina().await;
    let made = api.post("/payments", cobro(&api)).await.expect(201);
    let void = format!("/payments/{}/void", made["id"].as_str().unwrap());
    api.post(&void, json!({})).await.refused(422, "field_missing", &["reason"]);
    let voided = api.post(&void, json!({ "reason": "Se registró dos veces", "notify": true })).await.expect(200);
    assert_eq!((&voided["status"], &voided["void_reason"]), (&json!("voided"), &json!("Se registró dos veces")));
    assert_eq!(voided["deliveries"][0]["state"], "cancelled");
    let document = api.get(&format!("/documents/{}", api.ours.documents[0])).await.expect(200);
    assert_eq!(document["balance"], "120.00");
    api.post(&void, json!({ "reason": "Otra vez" })).await.refused(409, "payment_already_voided", &[]);
}

#[tokio::test]
async fn the_receipt_is_a_pdf_under_its_number() {
    let api = Api::with_andina().await;
    let made = api.post("/payments", cobro(&api)).await.expect(201);
    let pdf = api.get(&format!("/payments/{}/receipt.pdf", made["id"].as_str().unwrap())).await;
    assert_eq!(pdf.status.as_u16(), 200);
    assert_eq!(pdf.header("content-type"), "application/pdf");
    assert!(pdf.header("content-disposition").contains("Recibo-RC-000001.pdf"), "{:?}", pdf.headers);
    assert!(pdf.body.starts_with(b"%PDF-"));
}

#[tokio::test]
async fn a_list_is_read_page_by_page_newest_first() {
    let api = Api::with_andina().await;
    let mut body = cobro(&api);
    body["allocations"] = json!([]);
    for _ in 0..5 {
        api.post("/payments", body.clone()).await.expect(201);
    }
    let first = api.get("/payments?limit=2&direction=received").await.expect(200);
    let numbers = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|payment| payment["number"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(numbers(&first), ["RC-000005", "RC-000004"]);
    assert_eq!(first["data"][0]["deliveries"][0]["payment_id"], first["data"][0]["id"]);
    let second = api.get(&format!("/payments?limit=2&after={}", first["next"].as_str().unwrap())).await.expect(200);
    assert_eq!(numbers(&second), ["RC-000003", "RC-000002"]);
    let last = api.get(&format!("/payments?limit=2&after={}", second["next"].as_str().unwrap())).await.expect(200);
    assert_eq!((numbers(&last), &last["next"]), (vec!["RC-000001".to_owned()], &Value::Null));
    assert_eq!(api.get("/payments?q=RC-000003").await.expect(200)["data"].as_array().unwrap().len(), 1);
    assert_eq!(api.get("/payments?direction=made").await.expect(200)["data"], json!([]));
}

#[tokio::test]
async fn what_is_probably_a_slip_is_recorded_and_said() {
    let api = Api::with_andina().await;
    let withheld = |amount: &str, base: &str, reference: &str| {
        let mut body = cobro(&api);
        body["lines"] =
            json!([{ "method": "withholding", "amount": amount, "base": base, "tax": "IR 2 %", "reference": reference }]);
        body["allocations"] = json!([{ "document_id": api.ours.documents[0].to_string(), "amount": amount }]);
        body
    };
    let made = api.post("/payments", withheld("2.00", "100.00", "1-1-900")).await.expect(201);
    assert_eq!((&made["lines"][0]["base"], &made["warnings"]), (&json!("100.00"), &json!([])));
    let made = api.post("/payments", withheld("99.00", "100.00", "1-1-901")).await.expect(201);
    let warning = &made["warnings"][0];
    assert_eq!((&warning["field"], &warning["code"]), (&json!("lines.0.amount"), &json!("withholding_disagrees")), "{made}");
    let mut excess = withheld("101.00", "100.00", "1-1-902");
    excess["allocations"] = json!([]);
    api.post("/payments", excess).await.refused(422, "withholding_exceeds_base", &["lines.0.amount"]);
    api.post("/payments", withheld("1.00", "1,00", "1-1-903")).await.refused(422, "amount_invalid", &["lines.0.base"]);
}

#[tokio::test]
async fn a_likely_duplicate_is_recorded_and_names_the_other_payment() {
    let api = Api::with_andina().await;
    let mut body = cobro(&api);
    body["allocations"] = json!([]);
    let first = api.post("/payments", body.clone()).await.expect(201);
    assert_eq!(first["warnings"], json!([]));
    let second = api.post("/payments", body).await.expect(201);
    let warning = &second["warnings"][0];
    assert_eq!((&warning["code"], &warning["payment_id"]), (&json!("likely_duplicate"), &first["id"]), "{second}");
    assert!(warning["message"].as_str().unwrap().contains("RC-000001"));
}
