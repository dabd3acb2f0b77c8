//! A new master key while the server runs: whoever stops the rotation at any moment, nothing is lost.

use std::process::Stdio;
use std::time::{Duration, Instant};

use acuse_testkit::identifications::company_ruc;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::installation::{Installation, Server};
use crate::secrets::{Chance, Recorder, password_for, serving};

const COMPANIES: u32 = 4;
const MODULES: [&str; 2] = ["received_payments", "invoices_and_made_payments"];
/// Rotations that are killed, each after so many milliseconds at most: a debug build takes a third of that to begin.
const KILLED: u64 = 12;
const LONGEST_MS: usize = 900;
const SENT_WITHIN: Duration = Duration::from_secs(60);

struct Account {
    token: String,
    id: String,
}

impl Account {
    async fn make(server: &Server, token: &str, module: &str, user: &str, port: u16) -> Self {
        let body = json!({
            "module": module, "server": "127.0.0.1", "port": port, "security": "none", "username": user,
            "password": password_for(port, "none", user), "from_address": user
        });
        let made = ask(server, token, Method::POST, "/mail-accounts", &body).await;
        Self { token: token.to_owned(), id: made["id"].as_str().expect("an id").to_owned() }
    }

    /// Its password opens, and is the right one: it says itself what it is for.
    async fn logs_in(&self, server: &Server, recorder: &Recorder) {
        let heard = recorder.heard().len();
        let report = ask(server, &self.token, Method::POST, &format!("/mail-accounts/{}/check", self.id), &json!({})).await;
        assert_eq!(report["ok"], true, "{report}");
        let heard = recorder.heard().split_off(heard);
        assert!(!heard.is_empty(), "it logged in");
        for (user, password) in heard {
            assert_eq!(password, password_for(recorder.address.port(), "none", &user));
        }
    }
}

async fn ask(server: &Server, token: &str, method: Method, path: &str, body: &Value) -> Value {
    let answer = server.api_as(token, method, path).json(body).send().await.expect("an answer");
    let (status, body) = (answer.status(), answer.json().await.unwrap_or_default());
    assert!(status.is_success(), "{path}: {status} {body}");
    body
}

async fn accounts(installation: &Installation, server: &Server, port: u16) -> Vec<Account> {
    let mut made = Vec::new();
    for company in 0..COMPANIES {
        let ruc = company_ruc(1_000 + company * 2);
        installation.succeed(&["company", "create", "--ruc", &ruc, "--name", "Compañía"], "");
        let token = installation.succeed(&["token", "create", "--company", &ruc, "--name", "ERP"], "");
        for module in MODULES {
            let user = format!("{module}{company}@cotopaxi.ec");
            made.push(Account::make(server, token.trim(), module, &user, port).await);
        }
    }
    made
}

/// A receipt by the company's own account.
async fn send(server: &Server, token: &str, number: u64) {
    let contact = json!({ "name": "Andina", "identification_type": "other", "identification": format!("P{number:06}"),
        "is_customer": true, "emails": ["pagos@andina.ec"] });
    let made = ask(server, token, Method::POST, "/contacts", &contact).await;
    let payment = json!({ "direction": "received", "contact_id": made["id"], "date": "2026-11-24", "notify": true,
        "lines": [{ "method": "cash", "amount": "10.00" }], "allocations": [] });
    ask(server, token, Method::POST, "/payments", &payment).await;
}

async fn all_were_sent(server: &Server, token: &str, expected: u64) {
    let begun = Instant::now();
    loop {
        let listed = ask(server, token, Method::GET, "/deliveries?limit=200", &Value::Null).await;
        let states: Vec<&str> =
            listed["data"].as_array().expect("a list").iter().filter_map(|one| one["state"].as_str()).collect();
        assert_eq!(states.len() as u64, expected);
        if states.iter().all(|state| *state == "accepted") {
            return;
        }
        assert!(begun.elapsed() < SENT_WITHIN, "{listed}\n{}", server.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn keys_of(installation: &Installation) -> Vec<String> {
    let text = std::fs::read_to_string(installation.data_dir().join("secret.key")).expect("it is always there, and whole");
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_rotation_that_is_killed_at_any_moment_loses_nothing() {
    let (installation, recorder) = (Installation::new(), Recorder::start());
    let mut server = serving(&installation).await;
    let accounts = accounts(&installation, &server, recorder.address.port()).await;
    let (mut chance, own) = (Chance(15), &accounts[0]);
    for round in 0..KILLED {
        let mut rotation = installation.command(&["key", "rotate"]);
        let mut rotation = rotation.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        let moment = Duration::from_millis(chance.below(LONGEST_MS) as u64);
        let begun = Instant::now();
        send(&server, &own.token, round).await;
        // What is sealed meanwhile opens as well.
        let account = &accounts[chance.below(accounts.len())];
        let shown = ask(&server, &account.token, Method::GET, &format!("/mail-accounts/{}", account.id), &Value::Null).await;
        let user = shown["username"].as_str().expect("a user");
        let again = json!({ "password": password_for(recorder.address.port(), "none", user) });
        ask(&server, &account.token, Method::PATCH, &format!("/mail-accounts/{}", account.id), &again).await;
        tokio::time::sleep(moment.saturating_sub(begun.elapsed())).await;
        let _ = rotation.kill();
        let _ = rotation.wait();
        account.logs_in(&server, &recorder).await;
    }
    let said = installation.succeed(&["key", "rotate"], "");
    assert!(said.contains("huella"), "{said}");
    for account in &accounts {
        account.logs_in(&server, &recorder).await;
    }
    all_were_sent(&server, &own.token, KILLED).await;
    let before = keys_of(&installation);
    assert!(before.len() > 1, "{before:?}");
    let said = installation.succeed(&["key", "rotate", "--retire"], "");
    assert_eq!(keys_of(&installation), before[before.len() - 1..], "{said}");
    server.stop();
    let server = serving(&installation).await;
    for account in &accounts {
        account.logs_in(&server, &recorder).await;
    }
    assert!(!server.log().contains("does not open"), "{}", server.log());
}

#[tokio::test]
async fn keys_that_something_needs_are_not_taken_away() {
    let (installation, recorder) = (Installation::new(), Recorder::start());
    let server = serving(&installation).await;
    let said = installation.succeed(&["key", "rotate", "--retire"], "");
    assert!(said.contains("No había claves que quitar"), "{said}");
    let token = installation.token.clone();
    let account = Account::make(&server, &token, MODULES[0], "cobros@cotopaxi.ec", recorder.address.port()).await;
    let said = installation.succeed(&["key", "rotate", "--add"], "");
    assert!(said.contains("la clave 2"), "{said}");
    let said = installation.succeed(&["key", "rotate", "--retire"], "");
    assert_eq!(keys_of(&installation).len(), 2, "{said}");
    let said = installation.succeed(&["key", "rotate"], "");
    assert!(said.contains("la clave 2") && said.contains("sellados de nuevo: 1"), "{said}");
    let said = installation.succeed(&["key", "rotate", "--retire"], "");
    assert!(said.contains("Se quitó la clave 1"), "{said}");
    account.logs_in(&server, &recorder).await;
    assert_eq!(server.get("/readyz").send().await.expect("an answer").status(), StatusCode::OK);
}
