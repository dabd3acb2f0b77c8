//! The same request under one Idempotency-Key is carried out once.

use axum::body::Body;
use serde_json::{Value, json};

use super::support::{Api, in_days};

fn cobro(api: &Api, amount: &str) -> Value {
    json!({
        "direction": "received", "contact_id": api.ours.contacts[0].to_string(), "date": in_days(0),
        "lines": [{ "method": "cash", "amount": amount }], "notify": true
    })
}

async fn count(api: &Api, path: &str) -> usize {
    api.get(path).await.expect(200)["data"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_repeated_request_answers_what_the_first_one_made() {
    let api = Api::with_andina().await;
    let first = api.post_once("pedido-77", "/payments", &cobro(&api, "10.00")).await.expect(201);
    let again = api.post_once("pedido-77", "/payments", &cobro(&api, "10.00")).await.expect(201);
    assert_eq!(first, again);
    assert_eq!((count(&api, "/payments").await, count(&api, "/deliveries").await), (1, 1));
    let other = api.post_once("pedido-77", "/payments", &cobro(&api, "11.00")).await;
    other.refused(422, "idempotency_key_reused", &["Idempotency-Key"]);
    assert_eq!(count(&api, "/payments").await, 1);

    let send = format!("/payments/{}/deliveries", first["id"].as_str().unwrap());
    let sent = api.post_once("envio-1", &send, &json!({})).await.expect(202);
    assert_eq!(api.post_once("envio-1", &send, &json!({})).await.expect(202), sent);
    assert_eq!(count(&api, "/deliveries").await, 2);
}

#[tokio::test]
async fn eight_at_the_same_time_make_one_payment() {
    let api = Api::with_andina().await;
    let body = cobro(&api, "10.00");
    let one = || api.post_once("a-la-vez", "/payments", &body);
    let (a, b, c, d, e, f, g, h) = tokio::join!(one(), one(), one(), one(), one(), one(), one(), one());
    let ids: Vec<Value> = [a, b, c, d, e, f, g, h].iter().map(|answer| answer.expect(201)["id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(count(&api, "/payments").await, 1);
}

#[tokio::test]
async fn a_refused_request_leaves_its_key_free() {
    let api = Api::with_andina().await;
    let mut body = cobro(&api, "10.00");
    body["contact_id"] = json!(api.theirs.contacts[0].to_string());
    api.post_once("k", "/payments", &body).await.refused(422, "contact_not_found", &["contact_id"]);
    api.post_once("k", "/payments", &cobro(&api, "10.00")).await.expect(201);
}

#[tokio::test]
async fn a_key_is_1_to_255_visible_ascii_characters() {
    let api = Api::with_andina().await;
    for key in ["", "con espacio", &"k".repeat(256), "ñ"] {
        let request = api.request("POST", "/payments").header("content-type", "application/json");
        let request = request.header("idempotency-key", key.as_bytes());
        let answer = api.ask(request.body(Body::from(cobro(&api, "10.00").to_string())).unwrap()).await;
        answer.refused(422, "idempotency_key_invalid", &["Idempotency-Key"]);
    }
    let twice = api.request("POST", "/payments").header("content-type", "application/json");
    let twice = twice.header("idempotency-key", "a").header("idempotency-key", "b");
    let answer = api.ask(twice.body(Body::from(cobro(&api, "10.00").to_string())).unwrap()).await;
    answer.refused(422, "idempotency_key_invalid", &["Idempotency-Key"]);
    api.post_once(&"k".repeat(255), "/payments", &cobro(&api, "10.00")).await.expect(201);
    assert_eq!(count(&api, "/payments").await, 1);
}

#[tokio::test]
async fn voiding_and_cancelling_again_under_the_same_key_answer_as_the_first_time() {
    let api = Api::with_andina().await;
    let made = api.post("/payments", cobro(&api, "10.00")).await.expect(201);
    let cancel = format!("/deliveries/{}/cancel", made["deliveries"][0]["id"].as_str().unwrap());
    let cancelled = api.post_once("c-1", &cancel, &json!({})).await.expect(200);
    assert_eq!(api.post_once("c-1", &cancel, &json!({})).await.expect(200), cancelled);
    api.post_once("c-2", &cancel, &json!({})).await.refused(409, "delivery_not_in_state", &[]);
    let void = format!("/payments/{}/void", made["id"].as_str().unwrap());
    let reason = json!({ "reason": "Se registró dos veces" });
    let voided = api.post_once("v-1", &void, &reason).await.expect(200);
    assert_eq!(api.post_once("v-1", &void, &reason).await.expect(200), voided);
    let other = api.post_once("v-1", &void, &json!({ "reason": "Otro" })).await;
    other.refused(422, "idempotency_key_reused", &["Idempotency-Key"]);
    api.post_once("v-2", &void, &reason).await.refused(409, "payment_already_voided", &[]);
}
