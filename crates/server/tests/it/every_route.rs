//! What holds for each path of the router, also for those that are added later.

use std::collections::BTreeSet;
use std::fs;

use acuse_server::{Services, api, web};
use acuse_store::{now, tokens};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use secrecy::ExposeSecret;

use crate::support::{Answer, TestApp};
use crate::web::account_form::Filled;
use crate::web::payments::scene::Scene;

/// Beside pages and API.
const OTHERS: [&str; 5] = ["/metrics", "/openapi.json", "/docs", "/api/v1/no-such-call", "/no/such/page"];
/// GETs that write, and why they may: that somebody took a receipt or the history is part of the history, and whoever comes back from a
/// provider brings a state that is good once; whether the disk still takes a row is known only by writing one.
const NOTED: [&str; 6] = [
    "/readyz",
    "/cobros/{id}/recibo.pdf",
    "/pagos/{id}/recibo.pdf",
    "/api/v1/payments/{id}/receipt.pdf",
    "/mi-compania/correos/oauth/{provider}",
    "/mi-compania/historial.csv",
];

fn pages() -> Vec<String> {
    let found: BTreeSet<String> = web::pages().into_iter().map(|route| route.path).collect();
    assert!(found.len() > 50, "the paths are found: {found:?}");
    found.into_iter().collect()
}

fn calls() -> Vec<String> {
    let document = serde_json::to_value(api::document()).expect("JSON");
    document["paths"].as_object().expect("paths").keys().cloned().collect()
}

/// A company with a bit of everything, and who may ask for it.
struct Populated {
    scene: Scene,
    token: String,
    payment: String,
    delivery: String,
    account: String,
    /// A token's id, beside that of the one that asks.
    key: String,
}

impl Populated {
    async fn new() -> Self {
        let scene = Scene::set().await;
        let payment = scene.recorded().await;
        let delivery = scene.deliveries(payment).await[0].id.to_string();
        let app = &scene.app;
        let (_, token) = tokens::create(&app.app.db, app.company, "ERP", now()).await.unwrap();
        let saved = Filled::account("127.0.0.1:9".parse().unwrap()).with("modulo", "cobros").press(
            app,
            "/mi-compania/correos",
            "guardar",
        );
        assert_eq!(saved.await.status, StatusCode::SEE_OTHER);
        let account = acuse_store::mail_accounts::list(&app.app.db, app.company).await.unwrap()[0].id.to_string();
        let (payment, token) = (payment.to_string(), token.expose_secret().to_owned());
        let key = tokens::create(&app.app.db, app.company, "Tienda", now()).await.unwrap().0.to_string();
        Self { scene, token, payment, delivery, account, key }
    }

    /// The path of something that is there.
    fn real(&self, path: &str) -> String {
        let id = match path {
            path if path.contains("personas") || path.contains("contacts") => self.scene.customer.to_string(),
            path if path.contains("documentos") || path.contains("documents") => self.scene.invoices[0].to_string(),
            path if path.contains("integraciones") => self.key.clone(),
            path if path.contains("correos") || path.contains("mail-accounts") => self.account.clone(),
            path if path.contains("/v1/deliveries") => self.delivery.clone(),
            _ => self.payment.clone(),
        };
        let path = path.replace("{id}", &id).replace("{envio}", &self.delivery);
        path.replace("{provider}", "google")
            .replace("{token}", "x")
            .replace("{place}", "0")
            .replace("{hash}/{*name}", "x/acuse.css")
    }

    async fn ask(&self, method: Method, path: &str, is_known: bool) -> Answer {
        let (_, cookie) = self.scene.app.served();
        let mut request = Request::builder().method(method).uri(self.real(path)).header("sec-fetch-site", "same-origin");
        if is_known && path.starts_with("/api/") {
            request = request.header("authorization", format!("Bearer {}", self.token));
        } else if is_known {
            request = request.header("cookie", cookie);
        }
        self.scene.app.ask(request.body(Body::empty()).unwrap()).await
    }
}

fn all_paths() -> Vec<String> {
    pages().into_iter().chain(calls()).chain(OTHERS.map(str::to_owned)).collect()
}

#[tokio::test]
async fn nothing_private_is_kept_by_a_browser_or_a_proxy() {
    let populated = Populated::new().await;
    for path in all_paths() {
        for (method, is_known) in
            [(Method::GET, true), (Method::GET, false), (Method::HEAD, true), (Method::POST, false), (Method::PUT, true)]
        {
            let answer = populated.ask(method.clone(), &path, is_known).await;
            assert!(answer.header("cache-control").contains("no-store"), "{method} {path}: {}", answer.status);
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{method} {path}");
            assert!(!answer.header("content-security-policy").is_empty(), "{method} {path}");
            assert_eq!(answer.header("strict-transport-security"), "", "plain http: {path}");
        }
    }
    let asset = populated.scene.app.get("/static/x/acuse.css").await;
    assert_eq!(asset.header("cache-control"), "no-cache", "what is nobody's may be kept");
}

/// What OWASP ASVS 5.0 (3.4) asks of every answer, and what keeps other sites' pages apart.
#[tokio::test]
async fn every_answer_tells_the_browser_what_to_refuse() {
    let populated = Populated::new().await;
    for path in all_paths().into_iter().chain(["/static/x/acuse.css".to_owned(), "/favicon.ico".to_owned()]) {
        for (method, is_known) in [(Method::GET, true), (Method::GET, false), (Method::POST, true), (Method::DELETE, false)] {
            let answer = populated.ask(method.clone(), &path, is_known).await;
            let asked = format!("{method} {path}: {}", answer.status);
            let policy = answer.header("content-security-policy");
            for directive in ["default-src 'none'", "base-uri 'none'", "form-action '", "frame-ancestors '"] {
                assert!(policy.contains(directive), "{asked}: {directive} is not in {policy}");
            }
            for loose in ["unsafe-eval", "script-src *", "http:", "https:", "script-src 'unsafe-inline'"] {
                assert!(!policy.contains(loose), "{asked}: {policy}");
            }
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
            ] {
                assert_eq!(answer.header(name), value, "{asked}: {name}");
            }
            // What was opened by a link that is a secret tells nobody where it was.
            assert!(["same-origin", "no-referrer"].contains(&answer.header("referrer-policy")), "{asked}: referrer-policy");
            for feature in ["camera=()", "microphone=()", "geolocation=()", "payment=()", "usb=()"] {
                assert!(answer.header("permissions-policy").contains(feature), "{asked}: {feature}");
            }
            for told in ["server", "x-powered-by", "access-control-allow-origin"] {
                assert_eq!(answer.header(told), "", "{asked}: {told}");
            }
            let kind = answer.header("content-type");
            assert!(!kind.starts_with("text/") || kind.contains("charset=utf-8"), "{asked}: {kind}");
        }
    }
}

#[tokio::test]
async fn a_get_changes_nothing() {
    let populated = Populated::new().await;
    // Whatever is committed is first appended to the write-ahead log (sqlite.org/wal.html).
    let log = populated.scene.app.folder().join("acuse.db-wal");
    let written = || fs::metadata(&log).map_or(0, |log| log.len());
    let contents = || fs::read(&log).expect("a log");
    // When a token was last used is noted once in a while, beside its first call.
    let before_first_use = written();
    populated.ask(Method::GET, "/api/v1/company", true).await;
    while written() == before_first_use {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let mut noted = Vec::new();
    for path in all_paths() {
        let (size, before) = (written(), contents());
        let answer = populated.ask(Method::GET, &path, true).await;
        assert!(!answer.status.is_server_error(), "{path}: {}", answer.text());
        if written() != size || contents() != before {
            noted.push(path);
        }
    }
    noted.retain(|path| !NOTED.contains(&path.as_str()));
    assert_eq!(noted, Vec::<String>::new(), "these write");
    let log_before = contents();
    populated.ask(Method::GET, "/cobros/{id}/recibo.pdf", true).await;
    assert_ne!(contents(), log_before, "the test sees what is written");
}

#[tokio::test]
async fn an_installation_for_https_says_so_everywhere_and_takes_no_cookie_of_another_name() {
    let app = TestApp::start_with(|services| Services { public_url: "https://acuse.cotopaxi.ec".to_owned(), ..services }).await;
    for path in pages().iter().map(String::as_str).chain(OTHERS) {
        let answer = app.get_as("", path).await;
        assert_eq!(answer.header("strict-transport-security"), "max-age=31536000", "{path}");
    }
    let entered = app.post_as("", "/entrar", &[("correo", "ana@cotopaxi.ec"), ("clave", crate::support::PASSWORD)]).await;
    let cookies: Vec<&str> = entered.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
    assert_eq!(cookies.len(), 2);
    for cookie in &cookies {
        // RFC 6265bis 4.1.3.2
        assert!(cookie.starts_with("__Host-acuse_"), "{cookie}");
        assert!(cookie.contains("; Path=/;") && cookie.contains("; Secure") && cookie.contains("; HttpOnly"), "{cookie}");
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    let session = cookies[0].split(';').next().unwrap();
    for (cookie, status) in [(session, StatusCode::OK), (session.trim_start_matches("__Host-"), StatusCode::SEE_OTHER)] {
        let request = Request::get("/").header("cookie", cookie).body(Body::empty()).unwrap();
        assert_eq!(app.ask(request).await.status, status, "{cookie}");
    }
}

/// What each kind of path is asked with by whoever plays with its address.
fn spoilt_addresses(path: &str) -> [String; 6] {
    let long = "x".repeat(50_000);
    [
        format!("{path}?q=%00"),
        format!("{path}?nombre=a%00b&lado=x"),
        format!("{path}?q={long}"),
        format!("{path}?tras={long}"),
        format!("{path}?q=%FF"),
        format!("{path}?persona=%C3%28"),
    ]
}

/// The words of axum, serde and hyper.
const FRAMEWORKS_WORDS: [&str; 9] = [
    "Failed to",
    "Invalid URL",
    "Cannot parse",
    "Form requests must",
    "Expected request with",
    "length limit",
    "missing field",
    "duplicate field",
    "invalid type",
];

fn assert_ours(answer: &Answer, asked: &str) {
    let kind = answer.header("content-type").to_owned();
    let text = answer.text();
    assert!(!answer.status.is_server_error(), "{asked}: {}", answer.status);
    if answer.status.is_client_error() {
        let is_page = kind.starts_with("text/html") && text.contains(r#"lang="es-EC""#);
        assert!(is_page || kind == "application/problem+json", "{asked}: {} {kind} {text}", answer.status);
    }
    for words in FRAMEWORKS_WORDS {
        assert!(!text.contains(words), "{asked}: {text}");
    }
}

#[tokio::test]
async fn an_address_that_nobody_types_is_refused_in_our_words_everywhere() {
    let populated = Populated::new().await;
    for path in all_paths() {
        for spoilt in spoilt_addresses(&populated.real(&path)) {
            let answer = populated.ask(Method::GET, &spoilt, true).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", &spoilt[..spoilt.len().min(90)]);
            assert_ours(&answer, &spoilt[..spoilt.len().min(90)]);
        }
        if path.contains('{') {
            for id in ["%00", "a%00b", "%FF"] {
                let spoilt = path.split('{').next().unwrap().to_owned() + id;
                let answer = populated.ask(Method::GET, &spoilt, true).await;
                assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{spoilt}");
                assert_ours(&answer, &spoilt);
            }
            let no_id = path.split('{').next().unwrap().to_owned() + "no-es-un-id";
            assert_ours(&populated.ask(Method::GET, &no_id, true).await, &no_id);
        }
    }
}

#[tokio::test]
async fn nobody_reads_the_frameworks_words_whatever_is_sent() {
    let populated = Populated::new().await;
    let (_, cookie) = populated.scene.app.served();
    let bodies: [(&str, Vec<u8>); 9] = [
        ("", Vec::new()),
        ("text/plain", b"hola".to_vec()),
        ("application/json", b"{".to_vec()),
        ("application/json", b"[1]".to_vec()),
        ("application/json", b"{\"q\":\"\xff\"}".to_vec()),
        ("application/json", vec![b'['; 100_000]),
        ("application/x-www-form-urlencoded", b"accion=%FF&quitar=muchos&recordar=a&recordar=b&correo=a&correo=b".to_vec()),
        (
            "application/x-www-form-urlencoded",
            b"correo=%00&clave=a%00b&accion=guardar%00&fecha=%00&persona=%00&version=%00".to_vec(),
        ),
        ("multipart/form-data", b"--x".to_vec()),
    ];
    // Who logs out reads no more pages.
    for path in all_paths().into_iter().filter(|path| path != "/salir") {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            for (kind, body) in &bodies {
                let mut request = Request::builder()
                    .method(method.clone())
                    .uri(populated.real(&path))
                    .header("sec-fetch-site", "same-origin")
                    .header("cookie", &cookie)
                    .header("accept", "application/xml");
                if path.starts_with("/api/") {
                    request = request.header("authorization", format!("Bearer {}", populated.token));
                }
                if !kind.is_empty() {
                    request = request.header("content-type", *kind);
                }
                let answer = populated.scene.app.ask(request.body(Body::from(body.clone())).unwrap()).await;
                let sent = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
                assert_ours(&answer, &format!("{method} {path} {kind} {sent}"));
            }
        }
        for query in ["?limit=a&limit=b", "?q=a&q=b", "?lado=a&lado=b&persona=x&persona=y", "?tras=nada", "?modulo=a&modulo=b"] {
            let asked = populated.real(&path) + query;
            assert_ours(&populated.ask(Method::GET, &asked, true).await, &asked);
        }
    }
}

#[tokio::test]
async fn a_form_that_is_too_large_is_refused_in_our_words() {
    let app = TestApp::start().await;
    let large = "x".repeat(2 * 1024 * 1024);
    for path in ["/personas/nueva", "/cobros/nuevo", "/entrar", "/mi-compania/datos"] {
        let answer = app.post(path, &[("nombre", &large)]).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        assert_ours(&answer, path);
        assert_eq!(answer.one("h1"), "Es demasiado grande");
    }
}
