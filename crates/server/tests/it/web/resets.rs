//! A forgotten password, and another address to come in with.

use std::time::Duration;

use acuse_server::Services;
use acuse_store::now;
use acuse_store::user_mails::{self, Content, UserMail};
use axum::http::StatusCode;
use chrono::TimeDelta;
use secrecy::ExposeSecret;

use crate::support::{Answer, PASSWORD, TestApp};
use crate::web::payments::scene::default_account;

const ANA: &str = "ana@cotopaxi.ec";
const NEW: &str = "otra clave larga";
const FORGOTTEN: &str = "/clave-olvidada";

async fn mailing() -> TestApp {
    TestApp::start_with(|services| Services { default_account: Some(default_account()), ..services }).await
}

async fn due(app: &TestApp) -> Vec<UserMail> {
    user_mails::claim_due_any_company(&app.app.db, &app.app.keys, 9, TimeDelta::seconds(60), now()).await.unwrap()
}

/// The mail that comes after the answer.
async fn mail(app: &TestApp) -> UserMail {
    for _ in 0..500 {
        if let Some(mail) = due(app).await.pop() {
            return mail;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no mail came");
}

fn h1(answer: &Answer) -> String {
    answer.one("h1")
}

#[tokio::test]
async fn a_forgotten_password_is_chosen_anew_by_a_link_that_is_good_once() {
    let app = mailing().await;
    assert_eq!(app.get_as("", "/entrar").await.attribute(".ac-label-row a", "href").as_deref(), Some(FORGOTTEN));
    let asked = app.post_as("", FORGOTTEN, &[("correo", "Ana@Cotopaxi.ec")]).await;
    assert_eq!((asked.status, h1(&asked).as_str()), (StatusCode::OK, "Revise su correo"));
    let sent = mail(&app).await;
    let Content::Reset { token } = &sent.content else { panic!("{sent:?}") };
    assert_eq!(sent.recipient.to_string(), ANA);
    let path = format!("/clave/{}", token.expose_secret());
    let page = app.get_as("", &path).await;
    assert_eq!((page.header("referrer-policy"), page.header("cache-control")), ("no-referrer", "no-store"));
    let short = app.post_as("", &path, &[("clave", "corta")]).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = app.post_as("", &path, &[("clave", NEW)]).await;
    assert_eq!(h1(&done), "Contraseña guardada");
    assert!(done.new_cookie().is_empty(), "the login asks whatever else it asks");
    assert_eq!(app.get("/cobros").await.status, StatusCode::SEE_OTHER, "every session ended");
    let used = app.post_as("", &path, &[("clave", NEW)]).await;
    assert_eq!((used.status, h1(&used).as_str()), (StatusCode::GONE, "Este enlace ya no sirve"));
    assert_eq!(h1(&app.get_as("", "/clave/inventada").await), "Este enlace no existe");
    assert_eq!(app.post_as("", "/entrar", &[("correo", ANA), ("clave", NEW)]).await.status, StatusCode::SEE_OTHER);
    assert!(matches!(due(&app).await[..], [UserMail { content: Content::PasswordChanged, .. }]), "they are told");
}

#[tokio::test]
async fn the_answer_is_the_same_whoever_the_address_is_of() {
    let app = mailing().await;
    let without = |answer: &Answer, email: &str| answer.text().replace(email, "X");
    let known = app.post_as("", FORGOTTEN, &[("correo", ANA)]).await;
    let unknown = app.post_as("", FORGOTTEN, &[("correo", "nadie@cotopaxi.ec")]).await;
    assert_eq!(known.status, unknown.status);
    assert_eq!(without(&known, ANA), without(&unknown, "nadie@cotopaxi.ec"));
    mail(&app).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(due(&app).await.is_empty(), "nobody else is mailed");
    for email in [ANA, "nadie@cotopaxi.ec"] {
        for _ in 0..3 {
            app.post_as("", FORGOTTEN, &[("correo", email)]).await;
        }
        let refused = app.post_as("", FORGOTTEN, &[("correo", email)]).await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{email}");
        assert!(!refused.header("retry-after").is_empty());
    }
}

#[tokio::test]
async fn where_no_mail_goes_out_an_administrator_is_named() {
    let app = TestApp::start().await;
    for answer in [app.get_as("", FORGOTTEN).await, app.post_as("", FORGOTTEN, &[("correo", ANA)]).await] {
        assert_eq!(h1(&answer), "Pida el enlace a un administrador");
        assert!(answer.all("form").is_empty());
    }
}

#[tokio::test]
async fn another_address_is_confirmed_at_the_new_one_and_undone_from_the_old_one() {
    let app = mailing().await;
    const HERE: &str = "/mi-cuenta/correo";
    for (form, said) in [
        ([("correo", "nueva@cotopaxi.ec"), ("clave", "mala")], "La contraseña no es la suya."),
        ([("correo", ANA), ("clave", PASSWORD)], "Ya entra con ese correo."),
        ([("correo", ""), ("clave", PASSWORD)], "Falta el correo."),
    ] {
        let refused = app.post(HERE, &form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
        assert_eq!(refused.one(".invalid-feedback"), said);
    }
    let asked = app.post(HERE, &[("correo", "nueva@cotopaxi.ec"), ("clave", PASSWORD)]).await;
    assert!(asked.text().contains("Revise nueva@cotopaxi.ec"), "{}", asked.text());
    let sent = mail(&app).await;
    let Content::ConfirmAddress { token } = &sent.content else { panic!("{sent:?}") };
    let path = format!("/correo/{}", token.expose_secret());
    assert!(h1(&app.get_as("", &path).await).contains("nueva@cotopaxi.ec"));
    let form = [("correo", "nueva@cotopaxi.ec"), ("clave", PASSWORD)];
    assert_eq!(app.post_as("", "/entrar", &form).await.status, StatusCode::UNPROCESSABLE_ENTITY, "looking changes nothing");
    assert_eq!(h1(&app.post_as("", &path, &[]).await), "Correo confirmado");
    assert_eq!(app.post_as("", "/entrar", &form).await.status, StatusCode::SEE_OTHER);
    assert_eq!(h1(&app.post_as("", &path, &[]).await), "Este enlace ya se usó");
    let told = mail(&app).await;
    let Content::AddressChanged { token, .. } = &told.content else { panic!("{told:?}") };
    assert_eq!(told.recipient.to_string(), ANA);
    let back = format!("/correo/{}", token.expose_secret());
    assert_eq!(h1(&app.post_as("", &back, &[]).await), "Cambio deshecho");
    assert_eq!(app.get("/cobros").await.status, StatusCode::SEE_OTHER, "whoever did it is out");
    assert_eq!(app.post_as("", "/entrar", &[("correo", ANA), ("clave", PASSWORD)]).await.status, StatusCode::SEE_OTHER);
}
