//! A password is kept exactly as it was typed, and stands nowhere but sealed: not in a log, not in an answer, not in what
//! Debug shows, not in the database's files.

use std::fs;
use std::net::SocketAddr;

use acuse_domain::mail_account::{MailAccountSettings, MailModule, Security};
use acuse_mail::explanation::Language;
use acuse_store::{mail_accounts, now, tokens};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::account_form::{Filled, LIST, Log, catcher};
use crate::support::{Answer, TestApp};

const SECRET: &str = "Clave-Secreta-ñ 1";
const USER: &str = "cobros@cotopaxi.ec";

/// Everything that a reader could see of a test's doings.
struct Seen {
    log: Log,
    answers: Vec<String>,
}

impl Seen {
    fn note(&mut self, answer: &Answer) {
        self.answers.push(format!("{:?}\n{}", answer.headers, answer.text()));
    }

    fn has_no_password(&self, app: &TestApp) {
        let forms = [SECRET.to_owned(), "Clave-Secreta".to_owned(), format!("\0{USER}\0{SECRET}")];
        let encoded = forms.iter().flat_map(|form| [STANDARD.encode(form), URL_SAFE_NO_PAD.encode(form)]);
        let written = serde_json::to_string(SECRET).unwrap().trim_matches('"').to_owned();
        let percent = "Clave%2DSecreta".to_owned();
        let all: Vec<String> = forms.iter().cloned().chain(encoded).chain([written, percent]).collect();
        let is_clean = |what: &str, text: &[u8]| {
            for form in &all {
                let found = text.windows(form.len()).position(|window| window == form.as_bytes());
                assert_eq!(found, None, "{form:?} stands in {what}: {}", String::from_utf8_lossy(text));
            }
        };
        is_clean("the log", self.log.text().as_bytes());
        for answer in &self.answers {
            is_clean("an answer", answer.as_bytes());
        }
        let mut files = 0;
        for file in fs::read_dir(app.folder()).unwrap().flatten().filter(|file| file.path().is_file()) {
            is_clean(&format!("{:?}", file.file_name()), &fs::read(file.path()).unwrap());
            files += 1;
        }
        assert!(files >= 2, "the database's files were looked at");
    }
}

/// A server that repeats all it hears in each of its answers, readable and not, and refuses at the step that begins so.
async fn echoing(refuses: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let mut all = String::new();
            let _ = stream.write_all(b"220 eco ESMTP\r\n").await;
            let mut line = String::new();
            while stream.read_line(&mut line).await.unwrap_or(0) > 0 {
                if !line.starts_with("EHLO") {
                    all.push_str(line.trim());
                    all.push(' ');
                    let opened = line.split_whitespace().filter_map(|word| STANDARD.decode(word).ok());
                    for bytes in opened {
                        all.push_str(&String::from_utf8_lossy(&bytes).replace('\0', " "));
                    }
                }
                let answer = match &line {
                    line if line.starts_with(refuses) => format!("535 5.7.8 no: {all}\r\n"),
                    line if line.starts_with("EHLO") => "250-eco\r\n250 AUTH PLAIN\r\n".to_owned(),
                    line if line.starts_with("AUTH") => format!("235 2.7.0 si: {all}\r\n"),
                    _ => format!("250 2.0.0 si: {all}\r\n"),
                };
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    break;
                }
                line.clear();
            }
        }
    });
    address
}

fn filled(server: SocketAddr) -> Filled {
    Filled::account(server).with("usuario", USER).with("clave", SECRET)
}

/// A call of API v1 by a token of the company's.
async fn call(app: &TestApp, token: &str, method: &str, path: &str, body: Value) -> Answer {
    let request = Request::builder().method(method).uri(format!("/api/v1{path}"));
    let request = request.header("authorization", format!("Bearer {token}")).header("content-type", "application/json");
    app.ask(request.body(Body::from(body.to_string())).unwrap()).await
}

fn account(server: SocketAddr) -> Value {
    json!({
        "module": "invoices_and_made_payments", "server": "127.0.0.1", "port": server.port(), "security": "none",
        "username": USER, "password": SECRET, "from_address": USER
    })
}

#[tokio::test]
async fn a_password_stands_nowhere_after_any_flow() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let listening = tracing::subscriber::set_default(subscriber);
    let app = TestApp::start().await;
    let mut seen = Seen { log, answers: Vec::new() };
    tracing::info!("the log is written");

    let good = catcher().await;
    let right = filled(good.local_addr()).press(&app, LIST, "probar").await;
    assert_eq!(right.one("#diag"), "Configuración correcta");
    seen.note(&right);
    for refuses in ["AUTH", "MAIL"] {
        let wrong = filled(echoing(refuses).await).press(&app, LIST, "probar").await;
        assert_eq!(wrong.one("#diag"), "Configuración errónea");
        assert!(wrong.one(".ac-words").contains("•••"), "it was echoed: {}", wrong.one(".ac-words"));
        seen.note(&wrong);
    }
    seen.note(&filled(good.local_addr()).with("puerto", "x").press(&app, LIST, "probar").await);
    seen.note(&Filled::of(&right).press(&app, LIST, "guardar").await);
    let saved = mail_accounts::list(&app.app.db, app.company).await.unwrap().pop().unwrap();
    let path = format!("{LIST}/{}", saved.id);
    seen.note(&app.get(LIST).await);
    seen.note(&app.get(&path).await);
    seen.note(&app.post(&format!("{path}/probar"), &[]).await);

    let (_, token) = tokens::create(&app.app.db, app.company, "pruebas", now()).await.unwrap();
    let token = token.expose_secret().to_owned();
    for refuses in ["AUTH", "MAIL", "NADA"] {
        let report = call(&app, &token, "POST", "/mail-accounts/check", account(echoing(refuses).await)).await;
        assert_eq!(report.status, StatusCode::OK);
        assert!(report.text().contains("•••"), "{}", report.text());
        seen.note(&report);
    }
    let made = call(&app, &token, "POST", "/mail-accounts", account(good.local_addr())).await;
    assert_eq!(made.status, StatusCode::CREATED);
    seen.note(&made);
    let mut wrong = account(good.local_addr());
    wrong["port"] = json!(0);
    seen.note(&call(&app, &token, "POST", "/mail-accounts", wrong).await);
    seen.note(&call(&app, &token, "GET", "/mail-accounts", Value::Null).await);

    app.app.db.clone().close().await;
    let broken = filled(good.local_addr()).press(&app, LIST, "guardar").await;
    assert!(broken.status.is_server_error(), "{}", broken.status);
    seen.note(&broken);
    let broken = call(&app, &token, "POST", "/mail-accounts", account(good.local_addr())).await;
    assert!(broken.status.is_server_error(), "{}", broken.status);
    seen.note(&broken);

    drop(listening);
    assert!(seen.log.text().contains("the log is written"));
    seen.has_no_password(&app);
}

#[tokio::test]
async fn what_a_page_is_made_of_shows_no_password_when_it_is_printed() {
    let settings = MailAccountSettings {
        module: MailModule::ReceivedPayments,
        server: "mail.cotopaxi.ec".to_owned(),
        port: 587,
        security: Security::StartTls,
        username: USER.to_owned(),
        from_name: String::new(),
        from_address: USER.parse().unwrap(),
        reply_to: None,
        bcc: None,
    };
    let secret = || Some(SecretString::from(SECRET));
    let form = mail_accounts::Form { settings: settings.clone(), password: secret(), checked: None };
    let login = acuse_mail::login::Credentials::password(USER, SecretString::from(SECRET));
    let endpoint =
        acuse_mail::endpoint::Endpoint { host: "mail.cotopaxi.ec".to_owned(), port: 587, security: Security::StartTls };
    let subject = acuse_mail::check::Subject {
        endpoint,
        credentials: Some(login),
        from_name: String::new(),
        from: USER.parse().unwrap(),
        to: None,
        language: Language::Spanish,
    };
    for printed in [format!("{form:?}"), format!("{form:#?}"), format!("{subject:?}"), format!("{subject:#?}")] {
        assert!(printed.contains(USER) && !printed.contains("Clave-Secreta"), "{printed}");
    }
}

#[tokio::test]
async fn a_password_is_kept_to_the_letter_and_its_spaces_are_pointed_out() {
    let server = catcher().await;
    for (typed, said) in [
        (" empieza", "La contraseña empieza con un espacio"),
        ("termina\u{a0}", "La contraseña termina con un espacio"),
        ("abcd efgh ijkl mnop", "Los espacios entre los cuatro grupos suelen ser solo para leerla mejor"),
        ("ñandú 🔑 密码", ""),
    ] {
        let app = TestApp::start().await;
        let checked = filled(server.local_addr()).with("clave", typed).press(&app, LIST, "probar").await;
        assert!(checked.one("#de-clave").contains(said), "{typed:?}: {}", checked.one("#de-clave"));
        Filled::of(&checked).press(&app, LIST, "guardar").await;
        let saved = mail_accounts::list(&app.app.db, app.company).await.unwrap().pop().unwrap();
        let usable = mail_accounts::usable_by_id(&app.app.db, &app.app.keys, app.company, saved.id).await.unwrap().unwrap();
        assert_eq!(usable.password_for(&usable.account.settings.credential_scope()).unwrap().expose_secret(), typed);

        let (_, token) = tokens::create(&app.app.db, app.company, "pruebas", now()).await.unwrap();
        let mut body = account(server.local_addr());
        body["password"] = json!(typed);
        let made = call(&app, token.expose_secret(), "POST", "/mail-accounts", body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let made: Value = serde_json::from_str(&made.text()).unwrap();
        let warned = made["warnings"].as_array().unwrap().first().map(|one| one["message"].as_str().unwrap().to_owned());
        assert!(warned.unwrap_or_default().starts_with(said), "{typed:?}: {made}");
        let id = made["id"].as_str().unwrap().parse().unwrap();
        let usable = mail_accounts::usable_by_id(&app.app.db, &app.app.keys, app.company, id).await.unwrap().unwrap();
        assert_eq!(usable.password_for(&usable.account.settings.credential_scope()).unwrap().expose_secret(), typed);
    }
}

#[tokio::test]
async fn a_password_beyond_the_bound_is_refused_with_the_bound() {
    let app = TestApp::start().await;
    let server = catcher().await;
    let long = "x".repeat(10 * 1024);
    let refused = filled(server.local_addr()).with("clave", &long).press(&app, LIST, "guardar").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.one("#clave-error").contains("caben 8192 bytes y tiene 10240"), "{}", refused.one("#clave-error"));
    let fits = filled(server.local_addr()).with("clave", &long[..8192]).press(&app, LIST, "probar").await;
    assert_eq!(fits.one("#diag"), "Configuración correcta");
}

/// A server that takes one password and no other.
async fn knows(password: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let right = format!("AUTH PLAIN {}", STANDARD.encode(format!("\0{USER}\0{password}")));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let _ = stream.write_all(b"220 correo ESMTP\r\n").await;
            let mut line = String::new();
            while stream.read_line(&mut line).await.unwrap_or(0) > 0 {
                let answer: &[u8] = match line.trim() {
                    said if said.starts_with("EHLO") => b"250-correo\r\n250 AUTH PLAIN\r\n",
                    said if said == right => b"235 2.7.0 si\r\n",
                    said if said.starts_with("AUTH") => b"535 5.7.8 Username and Password not accepted\r\n",
                    _ => b"250 2.0.0 si\r\n",
                };
                if stream.write_all(answer).await.is_err() {
                    break;
                }
                line.clear();
            }
        }
    });
    address
}

#[tokio::test]
async fn a_refused_password_is_corrected_with_one_button_where_it_is_plain_how_it_was_meant() {
    for (typed, meant, label) in [
        ("abcd efgh ijkl mnop", "abcdefghijklmnop", "Usar la contraseña sin los espacios y probar de nuevo"),
        ("Clave-1 ", "Clave-1", "Usar la contraseña sin lo que sobra en los extremos y probar de nuevo"),
        ("l\u{2019}or\u{2014}1", "l'or-1", "Usar la contraseña con caracteres sencillos y probar de nuevo"),
    ] {
        let app = TestApp::start().await;
        let checked = filled(knows(meant).await).with("clave", typed).press(&app, LIST, "probar").await;
        assert_eq!(checked.one("#diag"), "Configuración errónea");
        assert_eq!(checked.one("button[value=corregir]"), label);
        assert!(
            checked.one(".ac-fix").contains("Cambia solo la contraseña; lo demás queda como está."),
            "{}",
            checked.one(".ac-fix")
        );
        assert!(!checked.text().contains(meant), "the page carries it sealed");

        let corrected = Filled::of(&checked).press(&app, LIST, "corregir").await;
        assert_eq!(corrected.one("#diag"), "Configuración correcta", "{}", corrected.text());
        Filled::of(&corrected).press(&app, LIST, "guardar").await;
        let saved = mail_accounts::list(&app.app.db, app.company).await.unwrap().pop().unwrap();
        let usable = mail_accounts::usable_by_id(&app.app.db, &app.app.keys, app.company, saved.id).await.unwrap().unwrap();
        assert_eq!(usable.password_for(&usable.account.settings.credential_scope()).unwrap().expose_secret(), meant);
    }
    let app = TestApp::start().await;
    let checked = filled(knows("otra").await).with("clave", "abcd-efgh-ijkl-mnop").press(&app, LIST, "probar").await;
    assert!(!checked.text().contains("value=\"corregir\""), "Apple's hyphens are part of the password");
}
