//! What asks for a recent login asks for all that the login of this person asks: every page and form that says so.

use acuse_server::web;
use acuse_testkit::outside;
use axum::http::{Method, StatusCode};
use uuid::Uuid;

use super::second_factor::{Browser, TurnedOn, aged, code};
use crate::support::{Answer, PASSWORD, TestApp};

const AGAIN: &str = "/entrar/otra-vez";
const NEW_PASSWORD: &str = "siete alpacas azules";

/// As in every such address: of nobody.
fn at(path: &str) -> String {
    let id = Uuid::nil().to_string();
    path.replace("{id}", &id).replace("{provider}", "google")
}

async fn ask(browser: &mut Browser<'_>, method: &Method, path: &str) -> Answer {
    if *method == Method::GET { browser.get(path).await } else { browser.post(path, &[("x", "y")]).await }
}

fn asks_again(answer: &Answer) -> bool {
    answer.location().starts_with(AGAIN)
        || answer.status == StatusCode::UNAUTHORIZED && answer.text().contains("Confirme que es usted")
}

/// Codes are good again: each is used for one page here.
async fn codes_are_unused(app: &TestApp) {
    let url = format!("sqlite://{}", app.folder().join("acuse.db").display());
    outside::run(&url, "UPDATE authenticator SET last_step = 0", vec![]).await;
}

#[tokio::test]
async fn a_password_alone_opens_nothing_of_it_where_a_second_step_is_on() {
    let app = TestApp::start().await;
    let mut browser = Browser::of_owner(&app);
    let TurnedOn { secret, recovery, .. } = browser.turn_on().await;
    let mut tried = 0;
    for route in web::pages().into_iter().filter(|route| route.after_recent_login) {
        let (path, method) = (at(&route.path), route.method);
        aged(&app, 16).await;
        let first = ask(&mut browser, &method, &path).await;
        assert!(asks_again(&first), "{method} {path}: {}", first.status);
        let alone = browser.post(AGAIN, &[("clave", PASSWORD), ("volver", "/mi-cuenta")]).await;
        assert_eq!(alone.status, StatusCode::UNPROCESSABLE_ENTITY, "{method} {path}");
        assert!(alone.text().contains("Falta el segundo paso"), "{}", alone.text());
        let only_the_code = browser.post(AGAIN, &[("codigo", &code(&secret, 0)), ("volver", "/mi-cuenta")]).await;
        assert_eq!(only_the_code.status, StatusCode::UNPROCESSABLE_ENTITY, "{method} {path}");
        let second = ask(&mut browser, &method, &path).await;
        assert!(asks_again(&second), "{method} {path} after a password alone: {}", second.status);
        codes_are_unused(&app).await;
        let both = [("clave", PASSWORD), ("codigo", &code(&secret, 0)), ("volver", "/mi-cuenta")];
        assert_eq!(browser.post(AGAIN, &both).await.location(), "/mi-cuenta", "{method} {path}");
        tried += 1;
    }
    assert!(tried > 20, "{tried}");
    aged(&app, 16).await;
    let with_recovery = [("clave", PASSWORD), ("recuperacion", recovery[0].as_str()), ("volver", "/mi-cuenta")];
    assert_eq!(browser.post(AGAIN, &with_recovery).await.location(), "/mi-cuenta", "who has lost the telephone");
}

#[tokio::test]
async fn a_password_is_changed_by_more_than_itself_where_a_second_step_is_on() {
    let app = TestApp::start().await;
    let mut browser = Browser::of_owner(&app);
    let secret = browser.turn_on().await.secret;
    aged(&app, 16).await;
    let form = [("actual", PASSWORD), ("nueva", NEW_PASSWORD)];
    let asked = browser.post("/mi-cuenta/clave", &form).await;
    assert!(asks_again(&asked) && !asked.text().contains("alpacas"), "{}", asked.text());
    assert!(browser.get("/mi-cuenta/segundo-paso").await.location().starts_with(AGAIN), "and counts as no login");
    codes_are_unused(&app).await;
    let both = [("clave", PASSWORD), ("codigo", &code(&secret, 0)), ("volver", "/mi-cuenta")];
    assert_eq!(browser.post(AGAIN, &both).await.location(), "/mi-cuenta", "the password did not change");
    assert_eq!(browser.post("/mi-cuenta/clave", &form).await.location(), "/mi-cuenta?hecho=clave");
}

#[tokio::test]
async fn a_trusted_browser_is_asked_before_keys_change() {
    let app = TestApp::start().await;
    let secret = Browser::of_owner(&app).turn_on().await.secret;
    let mut browser = Browser::new(&app);
    browser.log_in(PASSWORD).await;
    browser.post("/entrar/segundo-paso", &[("codigo", &code(&secret, 1)), ("confiar", "1")]).await;
    assert_eq!(browser.post("/mi-cuenta/segundo-paso/quitar", &[]).await.location(), "/mi-cuenta?hecho=sin-segundo-paso");
    let secret = browser.turn_on().await.secret;
    browser.post("/salir", &[]).await;
    browser.log_in(PASSWORD).await;
    browser.post("/entrar/segundo-paso", &[("codigo", &code(&secret, 1)), ("confiar", "1")]).await;
    browser.post("/salir", &[]).await;
    assert_eq!(browser.log_in(PASSWORD).await.location(), "/personas", "trusted");
    let asked = browser.post("/mi-cuenta/segundo-paso/quitar", &[]).await;
    assert!(asks_again(&asked), "{}", asked.text());
}
