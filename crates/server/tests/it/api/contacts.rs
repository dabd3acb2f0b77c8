//! Personas and the company itself.

use serde_json::{Value, json};

use super::support::Api;

fn andina() -> Value {
    json!({
        "name": "Comercial Sierra S.A.", "identification_type": "ruc", "identification": "1792123453001", "is_customer": true,
        "emails": "pagos@sierra.ec;gerencia@sierra.ec, pagos@sierra.ec",
        "emails_by_purpose": { "received_payments": ["tesoreria@sierra.ec"] }
    })
}

#[tokio::test]
async fn a_contact_keeps_its_addresses_however_they_were_written() {
    let api = Api::with_andina().await;
    let made = api.post("/contacts", andina()).await.expect(201);
    assert_eq!(made["emails"], json!(["pagos@sierra.ec", "gerencia@sierra.ec"]));
    assert_eq!(made["emails_by_purpose"]["received_payments"], json!(["tesoreria@sierra.ec"]));
    assert_eq!((&made["is_supplier"], &made["warnings"]), (&json!(false), &json!([])));
    let path = format!("/contacts/{}", made["id"].as_str().unwrap());
    let change =
        json!({ "emails": ["nuevo@sierra.ec"], "phone": "02 222 3344", "emails_by_purpose": { "received_payments": null } });
    let changed = api.patch(&path, change).await.expect(200);
    assert_eq!((&changed["emails"], &changed["name"]), (&json!(["nuevo@sierra.ec"]), &made["name"]));
    assert_eq!(changed["emails_by_purpose"]["received_payments"], json!([]));
    assert_eq!(api.patch(&path, json!({ "phone": null })).await.expect(200)["phone"], Value::Null);
    assert_eq!(api.get(&path).await.expect(200)["emails"], json!(["nuevo@sierra.ec"]));
}

#[tokio::test]
async fn a_wrong_check_digit_warns_and_a_wrong_shape_is_refused() {
    let api = Api::with_andina().await;
    let mut doubtful = andina();
    doubtful["identification"] = json!("1710345066001");
    let made = api.post("/contacts", doubtful).await.expect(201);
    assert_eq!(made["warnings"][0]["code"], "check_digit");
    let before = api.on_record().await;
    for (name, value, code) in [
        ("identification", json!("179212345300"), "ruc_length"),
        ("identification", json!("2592123453001"), "province_unknown"),
        ("identification", json!("1710345066001"), "identification_taken"),
        ("identification_type", json!("dni"), "value_unknown"),
        ("name", json!("  "), "field_missing"),
        ("credit_days", json!(-1), "credit_days_invalid"),
        ("is_customer", json!(false), "role_missing"),
        ("emails", json!("pagos"), "email_invalid"),
    ] {
        let mut body = andina();
        body[name] = value;
        let field = if name == "emails" { "emails.0" } else { name };
        api.post("/contacts", body).await.refused(422, code, &[field]);
    }
    assert_eq!(api.on_record().await, before);
}

#[tokio::test]
async fn the_ruc_of_a_company_is_not_doubted_for_its_check_digit() {
    let api = Api::with_andina().await;
    for ruc in ["1793213150001", "1793189906001", "0993366721001", "1768152570001"] {
        let mut body = andina();
        body["identification"] = json!(ruc);
        assert_eq!(api.post("/contacts", body).await.expect(201)["warnings"], json!([]), "{ruc}");
    }
}

#[tokio::test]
async fn contacts_are_listed_by_name_and_found_by_a_part_of_it() {
    let api = Api::with_andina().await;
    api.post("/contacts", andina()).await.expect(201);
    let names = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|contact| contact["name"].as_str().unwrap().to_owned()).collect()
    };
    let first = api.get("/contacts?limit=1").await.expect(200);
    assert_eq!(names(&first), ["Andina"]);
    let rest = api.get(&format!("/contacts?after={}", first["next"].as_str().unwrap())).await.expect(200);
    assert_eq!((names(&rest), &rest["next"]), (vec!["Comercial Sierra S.A.".to_owned()], &Value::Null));
    assert_eq!(names(&api.get("/contacts?q=SIERRA&role=customer").await.expect(200)), ["Comercial Sierra S.A."]);
    assert_eq!(names(&api.get("/contacts?role=supplier").await.expect(200)), [""; 0]);
}

#[tokio::test]
async fn the_company_changes_what_is_its_own_to_change() {
    let api = Api::with_andina().await;
    let company = api.get("/company").await.expect(200);
    assert_eq!(company["id"], api.ours.id.to_string());
    let changed = api.patch("/company", json!({ "trade_name": null, "email": "nuevo@demo.ec" })).await.expect(200);
    assert_eq!((&changed["trade_name"], &changed["email"]), (&Value::Null, &json!("nuevo@demo.ec")));
    assert_eq!((&changed["legal_name"], &changed["city"]), (&company["legal_name"], &company["city"]));
    api.patch("/company", json!({ "ruc": "1792123453001" })).await.refused(422, "unknown_field", &["ruc"]);
    api.patch("/company", json!({ "legal_name": "" })).await.refused(422, "field_missing", &["legal_name"]);
    api.patch("/company", json!({ "email": "nada" })).await.refused(422, "email_invalid", &["email"]);
    assert_eq!(api.get("/company").await.expect(200), changed);
}
