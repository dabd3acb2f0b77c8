//! A sender's domain through the API: what the DNS says, and the company's own key.

use acuse_mail::guard::Network;
use acuse_testkit::builders::company;
use acuse_testkit::dns::{DnsServer, Zone};
use serde_json::{Value, json};

use super::support::Api;

fn zone() -> Zone {
    Zone::new()
        .mx("empresa.ec", 1, "smtp.google.com")
        .txt("empresa.ec", "v=spf1 include:_spf.google.com -all")
        .txt("_spf.google.com", "v=spf1 ip4:35.190.247.0/24 -all")
}

async fn api_beside(dns: &DnsServer) -> (Api, String) {
    let network = Network::new(&["127.0.0.0/8".to_owned()], None).unwrap().with_nameservers(&[dns.address()]);
    let api = Api::on(network, company()).await;
    let id = account(&api, "cobros@empresa.ec").await;
    (api, format!("/mail-accounts/{id}"))
}

async fn account(api: &Api, from: &str) -> String {
    let body = json!({ "module": "received_payments", "server": "smtp.gmail.com", "port": 587, "security": "starttls",
        "username": from, "password": "s3creta", "from_address": from });
    api.post("/mail-accounts", body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

fn finding<'a>(report: &'a Value, topic: &str) -> &'a Value {
    report["findings"].as_array().unwrap().iter().find(|finding| finding["topic"] == topic).unwrap()
}

#[tokio::test]
async fn the_findings_say_what_to_add_in_the_callers_language() {
    let dns = DnsServer::start(zone()).await;
    let (api, at) = api_beside(&dns).await;
    let report = api.get(&format!("{at}/domain")).await.expect(200);
    assert_eq!((&report["domain"], &report["server"]), (&json!("empresa.ec"), &json!("smtp.gmail.com")));
    assert_eq!(finding(&report, "spf")["state"], "ok");
    let dmarc = finding(&report, "dmarc");
    assert_eq!(
        (&dmarc["state"], &dmarc["code"], &dmarc["title"]),
        (&json!("missing"), &json!("dmarc_missing"), &json!("Falta DMARC"))
    );
    assert_eq!(
        dmarc["record"],
        json!({ "type": "TXT", "name": "_dmarc.empresa.ec", "value": "v=DMARC1; p=none; rua=mailto:cobros@empresa.ec" })
    );
    let english = api.request("GET", &format!("{at}/domain")).header("accept-language", "en");
    let english = api.ask(english.body(axum::body::Body::empty()).unwrap()).await.expect(200);
    assert_eq!(finding(&english, "dmarc")["title"], "DMARC is missing");

    dns.change(zone().txt("_dmarc.empresa.ec", "v=DMARC1; p=none"));
    let kept = api.get(&format!("{at}/domain")).await.expect(200);
    assert_eq!(finding(&kept, "dmarc")["state"], "missing", "kept for a few minutes");
    let fresh = api.get(&format!("{at}/domain?fresh=true")).await.expect(200);
    assert_eq!(finding(&fresh, "dmarc")["state"], "ok");
    api.get(&format!("{at}/domain?fresh=quizas")).await.expect(422);
    api.get("/mail-accounts/0193a6a0-0000-7000-8000-000000000000/domain").await.refused(404, "mail_account_not_found", &[]);
}

#[tokio::test]
async fn a_key_signs_once_its_record_is_seen_and_its_private_half_is_never_answered() {
    let dns = DnsServer::start(zone()).await;
    let (api, at) = api_beside(&dns).await;
    let at = format!("{at}/dkim");
    assert_eq!(api.get(&at).await.expect(200)["data"], json!([]));
    api.post(&format!("{at}/check"), json!({})).await.refused(404, "dkim_key_not_found", &[]);
    let made = api.send("POST", &at, None).await;
    assert!(!made.text().contains("PRIVATE"));
    let made = made.expect(201);
    assert_eq!((&made["state"], &made["domain"], &made["seen_at"]), (&json!("made"), &json!("empresa.ec"), &Value::Null));
    api.send("POST", &at, None).await.refused(409, "dkim_key_waiting", &[]);
    assert_eq!(api.post(&format!("{at}/check"), json!({})).await.expect(200)["seen"], "missing");
    let (name, value) = (made["record"]["name"].as_str().unwrap(), made["record"]["value"].as_str().unwrap());
    dns.change(zone().txt(name, value));
    let checked = api.post(&format!("{at}/check"), json!({})).await.expect(200);
    assert_eq!((&checked["seen"], &checked["key"]["state"]), (&json!("yes"), &json!("used")));
    assert_eq!(api.post(&format!("{at}/stop"), json!({})).await.expect(200)["state"], "published");
    assert_eq!(api.get(&at).await.expect(200)["data"][0]["state"], "published");
    assert_eq!(api.send("DELETE", &at, None).await.status.as_u16(), 204);
    api.send("DELETE", &at, None).await.refused(404, "dkim_key_not_found", &[]);
}

#[tokio::test]
async fn a_providers_domain_gets_no_key() {
    let dns = DnsServer::start(Zone::new()).await;
    let network = Network::new(&[], None).unwrap().with_nameservers(&[dns.address()]);
    let api = Api::on(network, company()).await;
    let id = account(&api, "cotopaxi@gmail.com").await;
    api.send("POST", &format!("/mail-accounts/{id}/dkim"), None).await.refused(409, "domain_not_yours", &[]);
    let report = api.get(&format!("/mail-accounts/{id}/domain")).await.expect(200);
    assert_eq!(finding(&report, "domain")["code"], "domain_of_provider");
}
