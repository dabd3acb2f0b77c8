//! What was sent, sending it again, and what of it may still be changed.

use acuse_domain::delivery::Next;
use acuse_domain::mail_account::MailModule;
use acuse_store::deliveries::{self, QueueKey, Recorded, Stamp};
use acuse_store::now;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::support::{Api, in_days};

async fn cobro_sent_to(api: &Api, recipients: Value) -> Value {
    let body = json!({
        "direction": "received", "contact_id": api.ours.contacts[0].to_string(), "date": in_days(0),
        "lines": [{ "method": "cash", "amount": "10.00" }], "recipients": recipients
    });
    api.post("/payments", body).await.expect(201)
}

#[tokio::test]
async fn a_receipt_is_sent_again_as_reenvio_1_to_the_contact_or_to_whom_one_says() {
    let api = Api::with_andina().await;
    let made = cobro_sent_to(&api, json!(["uno@andina.ec", "dos@andina.ec"])).await;
    let deliveries = format!("/payments/{}/deliveries", made["id"].as_str().unwrap());
    let again = api.send("POST", &deliveries, None).await.expect(202);
    assert_eq!(again["data"][0]["recipient"], "pagos@andina.ec");
    assert_eq!(again["data"][0]["resend_of"], 1);
    let third = api.post(&deliveries, json!({ "recipients": "a@x.ec; b@x.ec" })).await.expect(202);
    let to: Vec<&str> = third["data"].as_array().unwrap().iter().map(|one| one["recipient"].as_str().unwrap()).collect();
    assert_eq!((to, &third["data"][1]["resend_of"]), (vec!["a@x.ec", "b@x.ec"], &json!(2)));
    assert_eq!(api.get(&deliveries).await.expect(200)["data"].as_array().unwrap().len(), 5);
    api.post(&deliveries, json!({ "recipients": ["sin arroba"] })).await.refused(422, "email_invalid", &["recipients.0"]);
}

#[tokio::test]
async fn what_waits_is_cancelled_once_and_then_stays_so() {
    let api = Api::with_andina().await;
    let made = cobro_sent_to(&api, json!(["uno@andina.ec"])).await;
    let delivery = format!("/deliveries/{}", made["deliveries"][0]["id"].as_str().unwrap());
    let shown = api.get(&delivery).await.expect(200);
    assert_eq!((&shown["state"], &shown["attempts"], &shown["account"]), (&json!("queued"), &json!([]), &Value::Null));
    assert_eq!(api.send("POST", &format!("{delivery}/retry"), None).await.expect(200)["state"], "queued");
    assert_eq!(api.send("POST", &format!("{delivery}/cancel"), None).await.expect(200)["state"], "cancelled");
    api.send("POST", &format!("{delivery}/cancel"), None).await.refused(409, "delivery_not_in_state", &[]);
    api.send("POST", &format!("{delivery}/retry"), None).await.refused(409, "delivery_not_in_state", &[]);
}

#[tokio::test]
async fn deliveries_are_found_by_state_and_by_text() {
    let api = Api::with_andina().await;
    let made = cobro_sent_to(&api, json!(["uno@andina.ec", "dos@otra.ec"])).await;
    let first = made["deliveries"][0]["id"].as_str().unwrap();
    api.send("POST", &format!("/deliveries/{first}/cancel"), None).await.expect(200);
    let found = |answer: Value| answer["data"].as_array().unwrap().len();
    assert_eq!(found(api.get("/deliveries").await.expect(200)), 2);
    assert_eq!(found(api.get("/deliveries?state=cancelled").await.expect(200)), 1);
    assert_eq!(found(api.get("/deliveries?state=cancelled,queued&module=received_payments").await.expect(200)), 2);
    assert_eq!(found(api.get("/deliveries?state=failed").await.expect(200)), 0);
    assert_eq!(found(api.get("/deliveries?q=otra.ec").await.expect(200)), 1);
    api.get("/deliveries?state=sent").await.refused(422, "value_unknown", &["state"]);
}

async fn all_fail(api: &Api) {
    let (db, queue) = (&api.world.db, QueueKey { company: api.ours.id, module: MailModule::ReceivedPayments });
    let claimed = deliveries::claim_due(db, queue, 9, TimeDelta::seconds(60), now()).await.unwrap();
    let fails = |claimed: &deliveries::Claimed| Recorded {
        company: claimed.company,
        id: claimed.id,
        fence: claimed.fence,
        at: now(),
        duration_ms: 5,
        phase: "recipient",
        reply: "550 5.1.1 no".to_owned(),
        problem_code: Some("mailbox_not_found".to_owned()),
        message_id: format!("{}@acuse.example", claimed.id),
        stamp: Stamp { source: "company", server: "smtp.x.ec:587".to_owned(), from_address: "cobros@x.ec".to_owned() },
        next: Next::Failed,
    };
    let failed: Vec<Recorded> = claimed.iter().map(fails).collect();
    assert!(deliveries::record_attempts(db, &failed, now()).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_failed_is_closed_with_a_reason_and_shows_who_closed_it() {
    let api = Api::with_andina().await;
    let made = cobro_sent_to(&api, json!(["uno@andina.ec", "dos@andina.ec"])).await;
    let id = made["deliveries"][0]["id"].as_str().unwrap();
    let (delivery, resolve) = (format!("/deliveries/{id}"), format!("/deliveries/{id}/resolve"));
    assert_eq!(api.get(&delivery).await.expect(200)["group"], "under_way");
    api.send("POST", &resolve, None).await.refused(409, "delivery_not_in_state", &[]);
    all_fail(&api).await;
    let found = |answer: Value| answer["data"].as_array().unwrap().len();
    assert_eq!(found(api.get("/deliveries?group=with_problems&state=failed").await.expect(200)), 2);
    api.post(&resolve, json!({ "why": "en mano" })).await.refused(422, "unknown_field", &["why"]);
    let closed = api.post(&resolve, json!({ "reason": "se lo di en mano" })).await.expect(200);
    assert_eq!((&closed["state"], &closed["group"]), (&json!("failed"), &json!("resolved")));
    assert_eq!((&closed["resolution"]["by"], &closed["resolution"]["reason"]), (&json!("person"), &json!("se lo di en mano")));
    assert_eq!(api.send("POST", &resolve, None).await.expect(200), closed, "once");
    assert_eq!(found(api.get("/deliveries?group=resolved").await.expect(200)), 1);
    assert_eq!(found(api.get("/deliveries?group=with_problems").await.expect(200)), 1);
    api.get("/deliveries?group=over").await.refused(422, "value_unknown", &["group"]);
}
