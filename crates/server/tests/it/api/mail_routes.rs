//! The chain behind each module, and what the company wishes when its own account stops.

use acuse_store::pauses::{self, AccountKey};
use acuse_store::{health, now};
use acuse_testkit::outside;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::support::Api;

async fn with_own() -> (Api, AccountKey) {
    let api = Api::with_andina().await;
    let account = json!({ "module": "received_payments", "server": "smtp.gmail.com", "port": 587, "security": "starttls",
        "username": "cobros@empresa.ec", "password": "x", "from_name": "Empresa", "from_address": "cobros@empresa.ec" });
    let made = api.post("/mail-accounts", account).await.expect(201);
    let key = AccountKey::Own(made["id"].as_str().unwrap().parse().unwrap());
    (api, key)
}

async fn route(api: &Api) -> Value {
    api.get("/mail-routes").await.expect(200)["data"][0].clone()
}

#[tokio::test]
async fn the_chain_says_who_sends_now_and_who_would() {
    let (api, key) = with_own().await;
    let ends = now() + TimeDelta::days(10);
    health::note_certificate_any_company(&api.world.db, key, ends, now()).await.unwrap();
    let chain = &route(&api).await["chain"];
    let links: Vec<(&str, bool)> = chain
        .as_array()
        .unwrap()
        .iter()
        .map(|link| (link["source"].as_str().unwrap(), link["sends"].as_bool().unwrap()))
        .collect();
    assert_eq!(links, [("company", true), ("default", false)]);
    assert_eq!(chain[0]["certificate_ends_at"].as_str().map(|at| &at[..10]), Some(&*ends.format("%Y-%m-%d").to_string()));

    pauses::begin(&api.world.db, key, "bad_credentials", "535", now()).await.unwrap();
    let waiting = route(&api).await;
    assert_eq!((&waiting["source"], &waiting["chain"][0]["sends"]), (&json!("company"), &json!(false)));
    assert!(waiting["paused"].is_object() && waiting["chain"][0]["next_check_at"].is_string(), "{waiting}");
    assert_eq!(waiting["default_sends_from"], Value::Null, "it waits");

    api.patch("/mail-routes", json!({ "on_failure": "use_default", "after_hours": 2 })).await.expect(200);
    let still = route(&api).await;
    assert!(still["source"] == "company" && still["default_sends_from"].is_string(), "{still}");
    outside::rests_began_earlier(&api.world.url, 3).await;
    let instead = route(&api).await;
    assert_eq!((&instead["source"], &instead["paused"]), (&json!("default"), &Value::Null), "its mail does not wait");
    assert_eq!((&instead["from_address"], &instead["chain"][1]["sends"]), (&json!("avisos@servidor.ec"), &json!(true)));
    pauses::begin(&api.world.db, AccountKey::Default, "bad_credentials", "535", now()).await.unwrap();
    let nobody = route(&api).await;
    assert_eq!((&nobody["source"], nobody["paused"].is_object()), (&json!("company"), true), "both rest");
}

#[tokio::test]
async fn the_policy_is_changed_by_what_is_given() {
    let api = Api::with_andina().await;
    let patch = async |body| api.patch("/mail-routes", body).await.expect(200);
    assert_eq!(route(&api).await["policy"], json!({ "on_failure": "wait", "after_hours": null, "notify": [], "warnings": [] }));
    let four = json!({ "on_failure": "use_default", "after_hours": 4, "notify": [], "warnings": [] });
    assert_eq!(patch(json!({ "on_failure": "use_default" })).await, four, "four hours unless it says");
    let eight = patch(json!({ "after_hours": 8, "notify": "a@x.ec; b@x.ec" })).await;
    assert_eq!(eight, json!({ "on_failure": "use_default", "after_hours": 8, "notify": ["a@x.ec", "b@x.ec"], "warnings": [] }));
    assert_eq!(route(&api).await["policy"], eight);
    assert_eq!(patch(json!({})).await, eight);
    let waits = patch(json!({ "on_failure": "wait", "notify": [] })).await;
    assert_eq!(patch(json!({ "after_hours": null })).await, waits, "there is nothing to clear");
    assert_eq!(waits, json!({ "on_failure": "wait", "after_hours": null, "notify": [], "warnings": [] }));
}

#[tokio::test]
async fn a_policy_that_cannot_be_is_refused_by_field_and_nothing_changes() {
    let api = Api::with_andina().await;
    let before = route(&api).await["policy"].clone();
    for (body, code, field) in [
        (json!({ "on_failure": "retry" }), "value_unknown", "on_failure"),
        (json!({ "on_failure": "use_default", "after_hours": 0 }), "hours_invalid", "after_hours"),
        (json!({ "after_hours": 73 }), "hours_invalid", "after_hours"),
        (json!({ "after_hours": 9 }), "hours_without_default", "after_hours"),
        (json!({ "on_failure": "wait", "after_hours": 9 }), "hours_without_default", "after_hours"),
        (json!({ "after_hours": "4" }), "wrong_type", "after_hours"),
        (json!({ "after_hours": 1.5 }), "wrong_type", "after_hours"),
        (json!({ "notify": ["nadie"] }), "email_invalid", "notify.0"),
        (json!({ "notify": ["a@x.ec\r\nBcc: b@y.ec"] }), "email_invalid", "notify.0"),
        (json!({ "horas": 4 }), "unknown_field", "horas"),
    ] {
        api.patch("/mail-routes", body).await.refused(422, code, &[field]);
    }
    let many: Vec<String> = (0..21).map(|n| format!("a{n}@x.ec")).collect();
    api.patch("/mail-routes", json!({ "notify": many })).await.refused(422, "too_many_addresses", &["notify"]);
    assert_eq!(route(&api).await["policy"], before);
}
