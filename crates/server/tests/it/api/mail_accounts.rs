//! Correos through the API: accounts, what sends each module, and Probar.

use acuse_mail::catcher::Catcher;
use acuse_mail::guard::Network;
use acuse_store::pauses::{self, AccountKey};
use acuse_testkit::builders::company;
use acuse_testkit::dns::{DnsServer, Zone};
use serde_json::{Value, json};

use super::support::Api;

const PASSWORD: &str = "s3creta-del-banco";

fn account() -> Value {
    json!({
        "module": "received_payments", "server": "smtp.gmail.com", "port": 587, "security": "starttls",
        "username": "cobros@empresa.ec", "password": PASSWORD, "from_name": "Empresa S.A.",
        "from_address": "cobros@empresa.ec", "reply_to": null, "bcc": null
    })
}

#[tokio::test]
async fn an_account_is_saved_changed_and_forgotten_and_its_password_is_never_shown() {
    let api = Api::with_andina().await;
    let made = api.post("/mail-accounts", account()).await;
    assert!(!made.text().contains(PASSWORD), "{}", made.text());
    let made = made.expect(201);
    assert_eq!((&made["has_password"], &made["enabled"], &made["paused"]), (&json!(true), &json!(true), &Value::Null));
    assert!(made.get("password").is_none(), "{made}");
    let path = format!("/mail-accounts/{}", made["id"].as_str().unwrap());
    let password = async || -> Option<String> {
        use secrecy::ExposeSecret;
        let (db, keys) = (&api.world.db, api.world.keys());
        let id = made["id"].as_str().unwrap().parse().unwrap();
        let usable = acuse_store::mail_accounts::usable_by_id(db, &keys, api.ours.id, id).await.unwrap().unwrap();
        usable.password_for(&usable.account.settings.credential_scope()).map(|it| it.expose_secret().to_owned())
    };
    for body in [json!({ "from_name": "Otro" }), json!({ "password": "" }), json!({ "password": null })] {
        let changed = api.patch(&path, body).await.expect(200);
        assert_eq!((&changed["from_name"], &changed["port"]), (&json!("Otro"), &json!(587)));
        assert_eq!(password().await.as_deref(), Some(PASSWORD));
    }
    api.patch(&path, json!({ "password": "otra" })).await.expect(200);
    assert_eq!(password().await.as_deref(), Some("otra"));
    assert_eq!(api.get("/mail-accounts").await.expect(200)["data"].as_array().unwrap().len(), 1);
    api.post("/mail-accounts", account()).await.refused(422, "module_taken", &["module"]);
    assert_eq!(api.send("DELETE", &path, None).await.status.as_u16(), 204);
    api.get(&path).await.refused(404, "mail_account_not_found", &[]);
    api.send("DELETE", &path, None).await.refused(404, "mail_account_not_found", &[]);
}

#[tokio::test]
async fn a_kept_password_never_goes_to_another_server() {
    let api = Api::with_andina().await;
    let made = api.post("/mail-accounts", account()).await.expect(201);
    let path = format!("/mail-accounts/{}", made["id"].as_str().unwrap());
    let before = api.get(&path).await.expect(200);
    for elsewhere in [
        json!({ "server": "smtp.de-otro.ec" }),
        json!({ "port": 465 }),
        json!({ "security": "none" }),
        json!({ "security": "tls" }),
        json!({ "username": "otro@empresa.ec" }),
        json!({ "port": 465, "security": "tls", "module": "invoices_and_made_payments" }),
    ] {
        api.patch(&path, elsewhere.clone()).await.refused(422, "password_required_for_server", &["password"]);
        api.post(&format!("{path}/check"), elsewhere).await.refused(422, "password_required_for_server", &["password"]);
        assert_eq!(api.get(&path).await.expect(200), before);
    }
    // The same server, written otherwise.
    let same = json!({ "server": " SMTP.Gmail.com. ", "username": " cobros@empresa.ec ", "port": 587, "security": "starttls" });
    assert_eq!(api.patch(&path, same).await.expect(200)["has_password"], true);
    // Without a user there is nothing to keep, and what is gone does not come back.
    let without = api.patch(&path, json!({ "server": "smtp.de-otro.ec", "port": 25, "username": "" })).await.expect(200);
    assert_eq!(without["has_password"], false);
    api.patch(&path, json!({ "username": "cobros@empresa.ec" })).await.refused(422, "field_missing", &["password"]);
    let changed = api.patch(&path, json!({ "server": "smtp.de-otro.ec", "password": "otra" })).await.expect(200);
    assert_eq!(changed["server"], "smtp.de-otro.ec");
}

#[tokio::test]
async fn an_account_that_cannot_be_right_is_refused_by_field() {
    let api = Api::with_andina().await;
    for (name, value, code) in [
        ("module", json!("todos"), "value_unknown"),
        ("server", json!("smtp.gmail.com:587"), "server_invalid"),
        ("server", json!("a b"), "server_invalid"),
        ("server", json!("x\r\nRSET"), "server_invalid"),
        ("server", json!(""), "field_missing"),
        ("port", Value::Null, "field_missing"),
        ("port", json!(0), "port_invalid"),
        ("port", json!(70000), "port_invalid"),
        ("port", json!(-1), "port_invalid"),
        ("port", json!("587"), "wrong_type"),
        ("security", json!("ssl"), "value_unknown"),
        ("password", json!(""), "field_missing"),
        ("password", json!("a\r\nb"), "invalid_characters"),
        ("password", json!("x".repeat(10 * 1024)), "password_too_long"),
        ("server", json!("https://mail.empresa.ec"), "server_invalid"),
        ("server", json!("mail.empresa.ec/correo"), "server_invalid"),
        ("from_address", json!("cobros"), "email_invalid"),
        ("reply_to", json!("a@x.ec\r\nBcc: b@y.ec"), "email_invalid"),
        ("clave", json!("x"), "unknown_field"),
    ] {
        let mut body = account();
        body[name] = value;
        for path in ["/mail-accounts", "/mail-accounts/check"] {
            let answer = api.post(path, body.clone()).await;
            answer.refused(422, code, &[name]);
            assert!(!answer.text().contains(PASSWORD), "{}", answer.text());
        }
    }
    assert_eq!(api.get("/mail-accounts").await.expect(200)["data"], json!([]));
}

#[tokio::test]
async fn an_internationalised_server_is_shown_both_ways() {
    let api = Api::with_andina().await;
    let mut body = account();
    body["server"] = json!("Correo.Ñandú.ec");
    let made = api.post("/mail-accounts", body).await.expect(201);
    assert_eq!(made["server"], "correo.ñandú.ec");
    assert_eq!(made["server_note"], "También se escribe correo.xn--and-6ma2c.ec");
    let path = format!("/mail-accounts/{}", made["id"].as_str().unwrap());
    let change = json!({ "server": "correo.xn--and-6ma2c.ec", "password": PASSWORD });
    let changed = api.patch(&path, change).await.expect(200);
    assert_eq!(changed["server_note"], "También se escribe correo.ñandú.ec");
    let plain = api.patch(&path, json!({ "server": "mail.empresa.ec", "password": PASSWORD })).await.expect(200);
    assert_eq!(plain["server_note"], Value::Null);
}

#[tokio::test]
async fn settings_and_enabled_change_together_or_not_at_all() {
    let api = Api::with_andina().await;
    let made = api.post("/mail-accounts", account()).await.expect(201);
    let path = format!("/mail-accounts/{}", made["id"].as_str().unwrap());
    let changed = json!({ "port": 465, "security": "tls", "enabled": false, "password": PASSWORD });
    let changed = api.patch(&path, changed).await.expect(200);
    assert_eq!((&changed["port"], &changed["enabled"]), (&json!(465), &json!(false)));
    let mut other = account();
    other["module"] = json!("invoices_and_made_payments");
    api.post("/mail-accounts", other).await.expect(201);
    let refused = json!({ "module": "invoices_and_made_payments", "enabled": true });
    api.patch(&path, refused).await.refused(422, "module_taken", &["module"]);
    assert_eq!(api.get(&path).await.expect(200)["enabled"], false, "nothing of it was done");
}

#[tokio::test]
async fn each_module_says_which_account_would_send() {
    let api = Api::with_andina().await;
    let routes = api.get("/mail-routes").await.expect(200);
    let contract = json!({ "module": "received_payments", "source": "default", "from_address": "avisos@servidor.ec",
        "server": "smtp.servidor.ec", "paused": null });
    for (name, value) in contract.as_object().unwrap() {
        assert_eq!(&routes["data"][0][name], value, "{name}");
    }
    let made = api.post("/mail-accounts", account()).await.expect(201);
    let id = made["id"].as_str().unwrap();
    let reply = "535 5.7.8 Username and Password not accepted";
    let key = AccountKey::Own(id.parse().unwrap());
    pauses::begin(&api.world.db, key, "auth_app_password_required", reply, acuse_store::now()).await.unwrap();
    let routes = api.get("/mail-routes").await.expect(200);
    let own = &routes["data"][0];
    assert_eq!((&own["source"], &own["from_address"]), (&json!("company"), &json!("cobros@empresa.ec")));
    assert_eq!((&own["server"], &own["paused"]["reply"]), (&json!("smtp.gmail.com"), &json!(reply)));
    assert_eq!(own["paused"]["problem"]["title"], "Gmail pide una contraseña de aplicación");
    assert_eq!(routes["data"][1]["source"], "default");
    let off = api.patch(&format!("/mail-accounts/{id}"), json!({ "enabled": false })).await.expect(200);
    assert_eq!(off["enabled"], false);
    assert_eq!(api.get("/mail-routes").await.expect(200)["data"][0]["source"], "default");
}

#[tokio::test]
async fn a_check_reports_each_phase_whether_correct_or_wrong() {
    let api = Api::with_andina().await;
    let catcher = Catcher::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let mut body = json!({
        "server": "127.0.0.1", "port": catcher.local_addr().port(), "security": "none", "from_address": "cobros@empresa.ec",
        "to": "yo@empresa.ec"
    });
    let report = api.post("/mail-accounts/check", body.clone()).await.expect(200);
    assert_eq!((&report["ok"], &report["verdict"]), (&json!(true), &json!("Configuración correcta")));
    assert_eq!((&report["problem"], &report["suggestion"]), (&Value::Null, &Value::Null));
    let phases: Vec<&str> = report["phases"].as_array().unwrap().iter().map(|it| it["phase"].as_str().unwrap()).collect();
    assert_eq!((phases.first(), phases.last()), (Some(&"dns"), Some(&"message")));
    assert_eq!(catcher.count(), 1);

    drop(catcher);
    body["port"] = json!(1);
    let report = api.post("/mail-accounts/check", body).await.expect(200);
    assert_eq!((&report["ok"], &report["verdict"]), (&json!(false), &json!("Configuración errónea")));
    assert_eq!(report["problem"]["code"], "connection_refused");
    assert!(!report["problem"]["fix"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_check_and_a_discovery_say_which_address_looks_like_a_slip() {
    let dns = DnsServer::start(Zone::new()).await;
    let network = Network::new(&["127.0.0.0/8".to_owned()], None).unwrap().with_nameservers(&[dns.address()]);
    let api = Api::on(network, company()).await;
    let slips = |answer: &Value| -> Vec<String> {
        let warnings = answer["warnings"].as_array().unwrap().iter();
        warnings.map(|warning| format!("{} {}", warning["code"].as_str().unwrap(), warning["field"].as_str().unwrap())).collect()
    };
    let body = json!({ "server": "127.0.0.1", "port": 1, "security": "none", "from_address": "a@gmial.com",
        "reply_to": "b@gmial.com", "bcc": "c@gmial.com", "to": "d@gmial.com", "username": "yo", "password": " x" });
    let all =
        ["address_slip from_address", "address_slip reply_to", "address_slip bcc", "address_slip to", "password_spaces password"];
    assert_eq!(slips(&api.post("/mail-accounts/check", body).await.expect(200)), all);
    let mut saved = account();
    (saved["server"], saved["port"]) = (json!("127.0.0.1"), json!(1));
    let made = api.post("/mail-accounts", saved).await.expect(201);
    let path = format!("/mail-accounts/{}/check", made["id"].as_str().unwrap());
    assert_eq!(slips(&api.send("POST", &path, None).await.expect(200)), Vec::<String>::new());
    let tried = api.post(&path, json!({ "bcc": "c@gmial.com", "to": "d@gmial.com" })).await.expect(200);
    assert_eq!(slips(&tried), all[2..4]);
    let found = api.post("/mail-accounts/discover", json!({ "address": "z@gmial.com" })).await.expect(200);
    assert_eq!(slips(&found), ["address_slip address"]);
    let found = api.post("/mail-accounts/discover", json!({ "address": "z@gmail.com" })).await.expect(200);
    assert_eq!(slips(&found), Vec::<String>::new());
}

#[tokio::test]
async fn a_saved_account_is_checked_with_its_own_password_and_remembers_the_answer() {
    let api = Api::with_andina().await;
    let mut body = account();
    body["server"] = json!("127.0.0.1");
    body["port"] = json!(1);
    let made = api.post("/mail-accounts", body).await.expect(201);
    let path = format!("/mail-accounts/{}", made["id"].as_str().unwrap());
    let report = api.send("POST", &format!("{path}/check"), None).await;
    assert!(!report.text().contains(PASSWORD), "{}", report.text());
    assert_eq!(report.expect(200)["ok"], false);
    assert_eq!(api.get(&path).await.expect(200)["last_check"]["ok"], false);
    let nothing = json!({ "server": null, "port": null, "username": null, "password": null, "from_name": null, "to": null });
    assert_eq!(api.post(&format!("{path}/check"), nothing).await.expect(200)["problem"]["code"], "connection_refused");
    let other = api.post(&format!("{path}/check"), json!({ "to": "nadie" })).await;
    other.refused(422, "email_invalid", &["to"]);
}

#[tokio::test]
async fn mail_leaves_through_the_ports_of_mail_and_no_other() {
    let api = Api::with_andina().await;
    let with = |server: &str, port: u16| {
        let mut account = account();
        (account["server"], account["port"]) = (json!(server), json!(port));
        account
    };
    for port in [22, 80, 3306, 6379, 8025] {
        api.post("/mail-accounts", with("198.41.0.4", port)).await.refused(422, "port_not_allowed", &["port"]);
        api.post("/mail-accounts/check", with("198.41.0.4", port)).await.refused(422, "port_not_allowed", &["port"]);
    }
    // What the operator allows is reached at any port.
    let made = api.post("/mail-accounts", with("127.0.0.1", 8025)).await.expect(201);
    let path = format!("/mail-accounts/{}", made["id"].as_str().unwrap());
    let elsewhere = json!({ "server": "198.41.0.4", "password": "otra" });
    api.patch(&path, elsewhere).await.refused(422, "port_not_allowed", &["port"]);
    api.patch(&path, json!({ "server": "198.41.0.4", "password": "otra", "port": 2525 })).await.expect(200);
}

#[tokio::test]
async fn an_address_alone_tells_what_its_account_needs() {
    let api = Api::with_andina().await;
    let found = api.post("/mail-accounts/discover", json!({ "address": "Ana.Perez@Gmail.com" })).await.expect(200);
    let known = |value: Value| json!({ "value": value, "source": "preset", "detail": "de Gmail" });
    assert_eq!((&found["server"], &found["port"]), (&known(json!("smtp.gmail.com")), &known(json!(587))));
    assert_eq!((&found["security"], &found["username"]), (&known(json!("starttls")), &known(json!("Ana.Perez@gmail.com"))));
    assert_eq!((&found["provider"], &found["oauth"], &found["complete"]), (&json!("Gmail"), &json!("google"), &json!(true)));
    assert!(found["help"][0].as_str().unwrap().contains("contraseña de aplicación"), "{found}");
    let asking = api.request("POST", "/mail-accounts/discover").header("accept-language", "en");
    let asking = asking.header("content-type", "application/json").body("{\"address\":\"a@yahoo.com\"}".into()).unwrap();
    let found = api.ask(asking).await.expect(200);
    assert_eq!((&found["server"]["detail"], &found["oauth"]), (&json!("from Yahoo"), &Value::Null));
    for (body, code) in [(json!({}), "field_missing"), (json!({ "address": "ana" }), "email_invalid")] {
        api.post("/mail-accounts/discover", body).await.refused(422, code, &["address"]);
    }
    let with_password = json!({ "address": "a@gmail.com", "password": PASSWORD });
    assert_eq!(api.post("/mail-accounts/discover", with_password).await.status.as_u16(), 422, "no password is wanted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_who_change_one_account_at_once_lose_nothing() {
    let api = Api::with_andina().await;
    let made = api.post("/mail-accounts", account()).await.expect(201);
    let path = format!("/mail-accounts/{}", made["id"].as_str().unwrap());
    for round in 0..5 {
        let fields = [
            ("from_name", json!(format!("Nombre {round}"))),
            ("reply_to", json!(format!("r{round}@empresa.ec"))),
            ("bcc", json!(format!("b{round}@empresa.ec"))),
            ("from_address", json!(format!("f{round}@empresa.ec"))),
        ];
        let changes = fields.iter().cycle().take(20).map(|(name, value)| api.patch(&path, json!({ *name: value })));
        for answer in futures_util::future::join_all(changes).await {
            answer.expect(200);
        }
        let kept = api.get(&path).await.expect(200);
        for (name, value) in fields {
            assert_eq!(kept[name], value, "round {round}");
        }
    }
}

#[tokio::test]
async fn a_change_that_is_meant_for_an_earlier_state_is_refused() {
    let api = Api::with_andina().await;
    let made = api.post("/mail-accounts", account()).await.expect(201);
    let path = format!("/mail-accounts/{}", made["id"].as_str().unwrap());
    let etag = async || {
        let asked = api.request("GET", &path).body(axum::body::Body::empty()).unwrap();
        api.ask(asked).await.headers.get("etag").unwrap().to_str().unwrap().to_owned()
    };
    let patch = async |tag: &str, body: Value| {
        let asked = api.request("PATCH", &path).header("if-match", tag).header("content-type", "application/json");
        api.ask(asked.body(body.to_string().into()).unwrap()).await
    };
    let first = etag().await;
    patch(&first, json!({ "from_name": "Uno" })).await.expect(200);
    patch(&first, json!({ "from_name": "Dos" })).await.refused(412, "precondition_failed", &[]);
    let now = api.get(&path).await.expect(200);
    assert_eq!(now["from_name"], "Uno");
    patch(&etag().await, json!({ "enabled": false })).await.expect(200);
    patch("*", json!({ "from_name": "Tres" })).await.expect(200);
    patch(&first, json!({ "bcc": "a@b.ec" })).await.refused(412, "precondition_failed", &[]);
}

/// A server that answers a login only when it is told to.
async fn answers_when_told() -> (std::net::SocketAddr, std::sync::Arc<tokio::sync::Notify>, std::sync::Arc<tokio::sync::Notify>) {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (reached, told) = (std::sync::Arc::new(tokio::sync::Notify::new()), std::sync::Arc::new(tokio::sync::Notify::new()));
    let (reaches, waits) = (reached.clone(), told.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let _ = stream.write_all(b"220 lento ESMTP\r\n").await;
            let mut line = String::new();
            while stream.read_line(&mut line).await.unwrap_or(0) > 0 {
                let answer: &[u8] =
                    if line.starts_with("EHLO") { b"250-lento\r\n250 AUTH PLAIN\r\n" } else { b"235 2.7.0 ok\r\n" };
                let answer: &[u8] =
                    if line.starts_with("MAIL") || line.starts_with("RSET") { b"250 2.0.0 ok\r\n" } else { answer };
                if line.starts_with("AUTH") {
                    reaches.notify_one();
                    waits.notified().await;
                }
                let _ = stream.write_all(answer).await;
                line.clear();
            }
        }
    });
    (address, reached, told)
}

#[tokio::test]
async fn a_check_that_ends_after_somebody_changed_the_account_marks_nothing_correct() {
    let api = Api::with_andina().await;
    let (server, reached, told) = answers_when_told().await;
    let mut body = account();
    (body["server"], body["port"], body["security"]) = (json!("127.0.0.1"), json!(server.port()), json!("none"));
    let made = api.post("/mail-accounts", body).await.expect(201);
    let path = format!("/mail-accounts/{}", made["id"].as_str().unwrap());
    let checking = format!("{path}/check");
    let check = api.send("POST", &checking, None);
    let change = async {
        reached.notified().await;
        api.patch(&path, json!({ "password": "una que nadie ha probado" })).await.expect(200);
        told.notify_one();
    };
    let (report, ()) = tokio::join!(check, change);
    assert_eq!(report.expect(200)["ok"], true, "what was tried was correct");
    assert_eq!(api.get(&path).await.expect(200)["last_check"], Value::Null, "the new password was not");
}
