//! An invitation from the page of whoever invites to the first page of whoever accepts.

use acuse_domain::access::Role;
use acuse_server::Services;
use acuse_store::now;
use acuse_store::user_mails::{self, Content};
use acuse_testkit::outside;
use axum::http::StatusCode;
use chrono::TimeDelta;
use secrecy::ExposeSecret;

use crate::support::{Answer, PASSWORD, TestApp};
use crate::web::payments::scene::default_account;

const INVITE: &str = "/mi-compania/usuarios/invitar";
const LIST: &str = "/mi-compania/usuarios";

/// As the owner, without a default account: the path of the link that the page shows.
pub async fn link_for(app: &TestApp, email: &str, role: &str) -> String {
    let answer = app.post(INVITE, &[("correo", email), ("nombre", "Verónica"), ("rol", role)]).await;
    path_of(&answer)
}

fn path_of(shown: &Answer) -> String {
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text());
    assert_eq!(shown.header("referrer-policy"), "no-referrer");
    let url = shown.attribute("#enlace", "value").expect("the link is shown");
    url.strip_prefix("http://127.0.0.1:8080").expect("of this installation").to_owned()
}

async fn accept(app: &TestApp, path: &str) -> Answer {
    app.post_as("", path, &[("nombre", "Verónica Chiluisa"), ("clave", PASSWORD)]).await
}

/// The session in an answer's cookie.
fn session(answer: &Answer) -> String {
    let cookie = answer.new_cookie();
    cookie.split(';').next().and_then(|cookie| cookie.split_once('=')).expect("a cookie").1.to_owned()
}

fn is_over(answer: &Answer, title: &str) {
    assert_eq!((answer.status, answer.one("h1").as_str()), (StatusCode::GONE, title));
    assert!(!answer.all("p").is_empty() && !answer.all("a.btn").is_empty(), "it says what to do");
}

#[tokio::test]
async fn whoever_is_invited_chooses_a_name_and_a_password_and_is_in() {
    let app = TestApp::start().await;
    let path = link_for(&app, "caja@cotopaxi.ec", "clerk").await;
    let listed = app.get(LIST).await;
    assert!(listed.all("tr").iter().any(|row| row.contains("caja@cotopaxi.ec") && row.contains("Enlace entregado a mano")));
    let page = app.get_as("", &path).await;
    assert_eq!(page.one("h1"), "Ana Toapanta le invita a Distribuidora Cotopaxi");
    assert!(page.text().contains("Digitación"));
    assert_eq!(page.attribute("#correo", "value").as_deref(), Some("caja@cotopaxi.ec"));
    assert_eq!(page.attribute("#nombre", "value").as_deref(), Some("Verónica"));
    assert_eq!((page.header("referrer-policy"), page.header("cache-control")), ("no-referrer", "no-store"));
    let entered = accept(&app, &path).await;
    assert_eq!((entered.status, entered.location()), (StatusCode::SEE_OTHER, "/"));
    let own = session(&entered);
    assert_eq!(app.get_as(&own, "/cobros/nuevo").await.status, StatusCode::OK);
    assert_eq!(app.get_as(&own, LIST).await.status, StatusCode::FORBIDDEN);
    is_over(&accept(&app, &path).await, "Esta invitación ya se usó");
    is_over(&app.get_as("", &path).await, "Esta invitación ya se usó");
}

#[tokio::test]
async fn what_is_wrong_is_said_and_the_link_stays_good() {
    let app = TestApp::start().await;
    let path = link_for(&app, "caja@cotopaxi.ec", "clerk").await;
    let short = app.post_as("", &path, &[("nombre", "Vero"), ("clave", "corta")]).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(short.one(".invalid-feedback").contains("12"));
    assert_eq!(short.attribute("#nombre", "value").as_deref(), Some("Vero"));
    let nameless = app.post_as("", &path, &[("nombre", " "), ("clave", PASSWORD)]).await;
    assert_eq!(nameless.one(".invalid-feedback"), "Falta el nombre.");
    assert_eq!(accept(&app, &path).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn each_link_that_is_over_says_why_and_what_to_do() {
    let app = TestApp::start().await;
    let url = format!("sqlite://{}", app.folder().join("acuse.db").display());
    let expired = link_for(&app, "a@cotopaxi.ec", "viewer").await;
    let withdrawn = link_for(&app, "b@cotopaxi.ec", "viewer").await;
    let declined = link_for(&app, "c@cotopaxi.ec", "viewer").await;
    let (past, email) = (now() - TimeDelta::seconds(1), "a@cotopaxi.ec");
    outside::run(&url, "UPDATE invitation SET ends_at = $1 WHERE email = $2", vec![past.into(), email.into()]).await;
    is_over(&app.get_as("", &expired).await, "Esta invitación venció");
    is_over(&accept(&app, &expired).await, "Esta invitación venció");
    let list = app.get(LIST).await;
    assert!(list.all("tr").iter().any(|row| row.contains(email) && row.contains("Invitación vencida")));
    let forms = list.attributes("form", "action");
    let of = |end: &str, nth: usize| forms.iter().filter(|path| path.ends_with(end)).nth(nth).unwrap().clone();
    assert_eq!(app.post(&of("/retirar", 1), &[]).await.location(), "/mi-compania/usuarios?hecho=retirada");
    is_over(&accept(&app, &withdrawn).await, "Esta invitación se retiró");
    let renewed = path_of(&app.post(&of("/reenviar", 0), &[]).await);
    is_over(&app.get_as("", &expired).await, "Hay una invitación más nueva");
    assert_eq!(app.get_as("", &renewed).await.status, StatusCode::OK);
    assert_eq!(app.post_as("", &format!("{declined}/rechazar"), &[]).await.one("h1"), "Invitación rechazada");
    is_over(&accept(&app, &declined).await, "Esta invitación se rechazó");
    is_over(&app.get_as("", "/invitacion/inventada").await, "Esta invitación no existe");
}

#[tokio::test]
async fn who_comes_in_already_logs_in_and_accepts() {
    let app = TestApp::start().await;
    let stranger = app.stranger().await;
    let path = link_for(&app, "otra@paute.ec", "accountant").await;
    let page = app.get_as("", &path).await;
    assert!(page.all("#clave").is_empty(), "no new password");
    assert_eq!(page.attribute("a.btn-primary", "href"), Some(format!("/entrar?volver={path}")));
    let refused = accept(&app, &path).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "an invitation changes no password");
    assert!(app.get_as(&stranger.session, &path).await.text().contains("Aceptar y entrar"));
    let entered = app.post_as(&stranger.session, &path, &[]).await;
    assert_eq!((entered.status, entered.location()), (StatusCode::SEE_OTHER, "/"));
    let own = session(&entered);
    assert!(app.get_as(&own, "/mi-compania/datos").await.text().contains("1790012344001"), "in the company that invited");
    let again = link_for(&app, "otra2@paute.ec", "viewer").await;
    let said = app.post_as(&own, &again, &[]).await;
    assert_eq!((said.status, said.one("h1").as_str()), (StatusCode::CONFLICT, "Ya pertenece a la compañía"));
}

#[tokio::test]
async fn whom_nobody_can_invite_is_said_before_anything_is_sent() {
    let app = TestApp::start().await;
    app.session_of(Role::Viewer).await;
    link_for(&app, "caja@cotopaxi.ec", "clerk").await;
    for (email, role, said) in [
        ("viewer@cotopaxi.ec", "clerk", "Ya entra a esta compañía."),
        ("CAJA@cotopaxi.ec", "clerk", "Ya tiene una invitación abierta. Reenvíela o retírela en la lista de usuarios."),
        ("", "clerk", "Falta el correo."),
        ("otra@cotopaxi.ec", "", "Elija qué podrá hacer."),
        ("otra@cotopaxi.ec", "rey", "Elija qué podrá hacer."),
    ] {
        let refused = app.post(INVITE, &[("correo", email), ("rol", role)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{email}");
        assert!(refused.all(".ac-errors li").contains(&said.to_owned()), "{email}: {}", refused.text());
        assert_eq!(refused.attribute("#correo", "value").as_deref(), Some(email));
    }
    let slip = app.post(INVITE, &[("correo", "caja@gmial.com"), ("rol", "clerk")]).await;
    assert_eq!(slip.status, StatusCode::UNPROCESSABLE_ENTITY, "a slip is asked about");
    let hostile = "<b>x</b>@cotopaxi.ec";
    let refused = app.post(INVITE, &[("correo", hostile), ("rol", "clerk")]).await;
    assert!(!refused.text().contains("<b>x</b>"));
}

#[tokio::test]
async fn where_there_is_a_default_account_the_link_goes_by_mail_alone() {
    let app = TestApp::start_with(|services| Services { default_account: Some(default_account()), ..services }).await;
    let sent = app.post(INVITE, &[("correo", "caja@cotopaxi.ec"), ("rol", "clerk")]).await;
    assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, "/mi-compania/usuarios?hecho=invitacion"));
    let lease = TimeDelta::seconds(60);
    let due = user_mails::claim_due_any_company(&app.app.db, &app.app.keys, 9, lease, now()).await.unwrap();
    let Content::Invitation { token, .. } = &due[0].content else { panic!("{due:?}") };
    let list = app.get(LIST).await;
    assert!(!list.text().contains(token.expose_secret()), "no page shows it");
    assert!(list.text().contains("La invitación está por salir"));
    let told = acuse_store::own_mails::Told::Failed;
    let reply = "550 5.1.1 <x> no existe";
    user_mails::record(&app.app.db, due[0].claim, &told, Some("unknown_recipient"), reply, now()).await.unwrap();
    let list = app.get(LIST).await;
    assert!(list.all("tr[data-problem]")[0].contains("La invitación no llegó"));
    let correct = list.attribute("tr[data-problem] a", "href").expect("Corregir");
    let form = app.get(&correct).await;
    assert_eq!(form.attribute("#correo", "value").as_deref(), Some("caja@cotopaxi.ec"));
    let corrected = form.filled("form.ac-entry", &[("correo", "caja2@cotopaxi.ec")]);
    let corrected: Vec<(&str, &str)> = corrected.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(app.post(INVITE, &corrected).await.status, StatusCode::SEE_OTHER);
    let list = app.get(LIST).await.text();
    assert!(list.contains("caja2@cotopaxi.ec") && !list.contains(">caja@cotopaxi.ec"));
}
