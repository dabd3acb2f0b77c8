//! What the first commands promise.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::installation::Installation;

#[tokio::test]
async fn what_the_commands_made_is_served() {
    let installation = Installation::new();
    let mut server = installation.serve().await;
    let company = server.api(Method::GET, "/company").send().await.unwrap();
    assert_eq!(company.status(), StatusCode::OK);
    assert_eq!(company.json::<serde_json::Value>().await.unwrap()["ruc"], "1790012344001");
    let session = server.log_in().await;
    let home = server.get("/").header("Cookie", session).send().await.unwrap();
    assert!(home.text().await.unwrap().contains("Distribuidora Cotopaxi"));
    server.stop();
}

/// Its reader is gone, as a journal that died or the other end of a pipe.
#[tokio::test]
async fn a_log_that_nobody_reads_costs_its_lines_and_nothing_else() {
    let installation = Installation::new();
    let until_it_listens = r#"mkfifo log && (sed '/ at http/q' <log >&2 &) && exec "$0" serve 2>log"#;
    let mut command = installation.sh(until_it_listens);
    // Nobody listens at this port: every attempt is told in the log, and put off.
    command
        .env("ACUSE_DEFAULT_MAIL_URL", "smtp://127.0.0.1:1?security=none")
        .env("ACUSE_DEFAULT_MAIL_FROM", "avisos@servidor.ec")
        .env("ACUSE_ALLOWED_PRIVATE_HOSTS", "127.0.0.1");
    let server = installation.start(command).await;
    let contact = json!({ "name": "Andina", "identification_type": "other", "identification": "P000001", "is_customer": true,
        "emails": ["pagos@andina.ec"] });
    let made: Value = server.api(Method::POST, "/contacts").json(&contact).send().await.unwrap().json().await.unwrap();
    let payment = json!({ "direction": "received", "contact_id": made["id"], "date": "2026-11-24", "notify": true,
        "lines": [{ "method": "cash", "amount": "10.00" }], "allocations": [] });
    let recorded = server.api(Method::POST, "/payments").json(&payment).send().await.unwrap();
    let (status, said) = (recorded.status(), recorded.text().await.unwrap());
    assert_eq!(status, StatusCode::CREATED, "{said}");
    let begun = Instant::now();
    loop {
        let list: Value = server.api(Method::GET, "/deliveries").send().await.unwrap().json().await.unwrap();
        let delivery = &list["data"][0];
        if delivery["attempts"].as_array().is_some_and(|attempts| !attempts.is_empty()) {
            assert_ne!(delivery["state"], "sending", "{delivery}");
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "its outcome was not recorded: {delivery}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
