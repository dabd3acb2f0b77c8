//! A date, a number, a yes or no, or a code that is none spoils its own line, which says so, and can be mended.

use acuse_store::now;
use acuse_store::pauses::{self, AccountKey};
use acuse_testkit::outside::{VALUE_COLUMNS, value_is_spoilt};
use serde_json::{Value, json};

use super::texts::{page_of, place};

/// Puts a word into each column of other values of a company that has one of everything, and walks every page and list.
#[tokio::test]
async fn a_value_that_is_none_spoils_its_own_line_only() {
    let place = place().await;
    let account = AccountKey::Own(acuse_domain::id::MailAccountId(place.account.parse().expect("an id")));
    pauses::begin(&place.api.world.db, account, "auth_rejected", "", now()).await.expect("a pause");
    for column in VALUE_COLUMNS {
        let before = value_is_spoilt(&place.api.world.url, *column, "'ayer'").await;
        place.go_through(&format!("{column:?}"), &[200, 409]).await;
        for list in ["contacts", "documents", "payments", "deliveries", "mail-accounts"] {
            let listed = place.api.get(&format!("/{list}")).await.json();
            let lines = |part: &str| listed[part].as_array().map_or(0, Vec::len);
            let all = if matches!(list, "contacts" | "documents") { 2 } else { 1 };
            assert_eq!(lines("data") + lines("unreadable"), all, "{list} after {column:?}: {listed}");
        }
        value_is_spoilt(&place.api.world.url, *column, &before).await;
    }
    place.go_through("everything is as it was", &[200]).await;
}

#[tokio::test]
async fn the_line_says_which_record_it_is() {
    let place = place().await;
    let (api, url) = (&place.api, place.api.world.url.clone());
    for (column, list, page, id) in [
        (("document", "due_on"), "/documents", "//documentos", None),
        (("payment", "paid_on"), "/payments", "//cobros", Some(&place.payment)),
        (("delivery", "queued_at"), "/deliveries", "//envios?estado=todos", Some(&place.delivery)),
    ] {
        let before = value_is_spoilt(&url, column, "'ayer'").await;
        let listed = api.get(list).await.expect(200);
        let lost = listed["unreadable"][0]["id"].as_str().unwrap_or_else(|| panic!("{listed}")).to_owned();
        assert!(id.is_none_or(|id| *id == lost), "{listed}");
        assert_eq!(listed["unreadable"][0]["code"], "record_unreadable");
        let shown = page_of(api, &place.session, page).await.text();
        assert!(shown.contains("No se puede leer") && shown.contains(&lost), "{page} names {lost}");
        if let Some(one) = id {
            api.get(&format!("{list}/{one}")).await.refused(409, "record_unreadable", &[]);
        }
        value_is_spoilt(&url, column, &before).await;
    }
}

#[tokio::test]
async fn a_field_that_cannot_be_read_is_mended_by_a_patch_and_kept_by_others() {
    let place = place().await;
    let (api, url) = (&place.api, place.api.world.url.clone());
    let contact = format!("/contacts/{}", place.contact);
    for (column, good) in [("credit_days", json!(30)), ("is_customer", json!(true)), ("phone", json!("099"))] {
        value_is_spoilt(&url, ("contact", column), "x'ff'").await;
        assert_eq!(named(&api.get(&contact).await.expect(200)), [column]);
        let other = api.patch(&contact, json!({ "address": format!("Calle {column}") })).await.expect(200);
        assert_eq!(named(&other), [column], "another field is changed, and this one stays");
        assert_eq!(named(&api.patch(&contact, json!({ column: good })).await.expect(200)), Vec::<String>::new());
    }
    let account = format!("/mail-accounts/{}", place.account);
    for (column, good) in [("port", json!(465)), ("security", json!("tls")), ("module", json!("received_payments"))] {
        value_is_spoilt(&url, ("mail_account", column), "'ayer'").await;
        assert_eq!(named(&api.get(&account).await.expect(200)), [column]);
        api.patch(&account, json!({ "from_name": "Otro nombre" })).await.refused(422, "field_unreadable", &[column]);
        let checked = api.post(&format!("{account}/check"), json!({})).await.expect(200);
        assert_eq!(checked["problem"]["code"], "account_unreadable", "nobody is asked: {checked}");
        let form = page_of(api, &place.session, &format!("//mi-compania/correos/{}", place.account)).await.text();
        assert!(form.contains("is-invalid"), "the form marks the field");
        let mended = api.patch(&account, json!({ column: good, "password": "clave" })).await.expect(200);
        assert_eq!(named(&mended), Vec::<String>::new());
    }
}

fn named(record: &Value) -> Vec<String> {
    let all = record["warnings"].as_array().expect("a list").iter();
    let unreadable = all.filter(|warning| warning["code"] == "field_unreadable");
    unreadable.map(|warning| warning["field"].as_str().expect("a name").to_owned()).collect()
}
