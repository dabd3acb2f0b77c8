//! Whatever somebody brought about stands in the history with where they were: every kind that a browser can bring about.

use std::collections::BTreeSet;

use acuse_server::Services;
use acuse_store::audit::{self, Entry, Filter};
use acuse_store::events::EventKind;
use acuse_store::user_mails::{self, Content};
use acuse_store::{Page, now, users};
use acuse_testkit::builders::listed;
use acuse_testkit::outside;
use chrono::TimeDelta;
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::support::{PASSWORD, TestApp};
use crate::web::payments::scene::default_account;
use crate::web::second_factor::{Browser, aged};

const FROM: &str = "192.0.2.10:4711";
const ANA: &str = "ana@cotopaxi.ec";
const NEW_PASSWORD: &str = "siete alpacas azules";
const USERS: &str = "/mi-compania/usuarios";

/// Kinds about access that are not brought about here, and why not.
const ELSEWHERE: [(EventKind, &str); 7] = [
    (EventKind::UserCreated, "the operator's; of the first start: tests/outside/people.rs"),
    (EventKind::PasskeyAdded, "needs a key; its actor is the page's, as of the second step"),
    (EventKind::PasskeyRemoved, "as above"),
    (EventKind::StepWrong, "as a wrong login: store/tests/it/second_factor.rs"),
    (EventKind::NotConfirmed, "as above"),
    (EventKind::LoginThrottled, "as a wrong login: store/tests/it/logins.rs"),
    (EventKind::InvitationWithdrawn, "its actor is the page's, as of the invitation"),
];

async fn entries(app: &TestApp) -> Vec<Entry> {
    listed(audit::list(&app.app.db, app.company, &Filter::default(), Page { after: None, limit: 1_000 }).await)
}

fn browser(app: &TestApp) -> Browser<'_> {
    let mut browser = Browser::new(app);
    browser.from = Some(FROM.parse().unwrap());
    browser
}

/// The token of the newest mail.
async fn mailed(app: &TestApp) -> String {
    let lease = TimeDelta::seconds(60);
    let due = user_mails::claim_due_any_company(&app.app.db, &app.app.keys, 20, lease, now()).await.unwrap();
    let token = due.into_iter().rev().find_map(|mail| match mail.content {
        Content::Invitation { token, .. }
        | Content::Reset { token }
        | Content::ConfirmAddress { token }
        | Content::AddressChanged { token, .. } => Some(token),
        _ => None,
    });
    token.expect("a link was mailed").expose_secret().to_owned()
}

#[tokio::test]
async fn every_event_that_somebody_brought_about_says_from_where() {
    let app = TestApp::start_with(|services| Services { default_account: Some(default_account()), ..services }).await;
    let app = app.where_owners_found(TimeDelta::zero());
    let before: BTreeSet<Uuid> = entries(&app).await.into_iter().map(|entry| entry.id).collect();
    let mut ana = browser(&app);
    ana.log_in(PASSWORD).await;
    people(&app, &mut ana).await;
    own_account(&app, &mut ana).await;
    carried_over_a_lost_session(&app, &mut ana).await;
    company(&mut ana).await;

    let brought: Vec<Entry> = entries(&app).await.into_iter().filter(|entry| !before.contains(&entry.id)).collect();
    for entry in &brought {
        let is_somebodys = matches!(entry.who_kind.as_str(), "user" | "token" | "unknown");
        assert!(is_somebodys, "{} by {} {}", entry.code, entry.who_kind, entry.who);
        assert_eq!(entry.source.as_deref(), Some("192.0.2.10"), "{} by {}", entry.code, entry.who);
    }
    let seen: BTreeSet<&str> = brought.iter().map(|entry| entry.code.as_str()).collect();
    let is_access = |kind: &EventKind| {
        let word = kind.as_str().split('.').next().unwrap_or_default();
        matches!(word, "login" | "user" | "invitation" | "token" | "access" | "history")
    };
    for kind in EventKind::ALL.iter().filter(|kind| is_access(kind)) {
        let is_known = seen.contains(kind.as_str()) || ELSEWHERE.iter().any(|(own, why)| own == kind && !why.is_empty());
        assert!(is_known, "{} is not brought about: {seen:?}", kind.as_str());
    }
    let carried =
        brought.iter().filter(|entry| matches!(entry.code.as_str(), "contact.created" | "company.second_factor_required"));
    assert!(carried.count() >= 2, "both forms that waited were sent on: {seen:?}");
}

async fn people(app: &TestApp, ana: &mut Browser<'_>) {
    for (email, act) in [("no@cotopaxi.ec", "/rechazar"), ("caja@cotopaxi.ec", "")] {
        ana.post(&format!("{USERS}/invitar"), &[("correo", email), ("nombre", "Vero"), ("rol", "viewer")]).await;
        let path = format!("/invitacion/{}{act}", mailed(app).await);
        let answer = browser(app).post(&path, &[("nombre", "Vero"), ("clave", PASSWORD)]).await;
        assert!(answer.status.is_success() || answer.status.is_redirection(), "{}", answer.text());
    }
    let vero = acuse_store::access::members(&app.app.db, app.company).await.unwrap();
    let vero = vero.iter().find(|member| member.email == "caja@cotopaxi.ec").expect("she accepted").user;
    let mut own = browser(app);
    own.post("/entrar", &[("correo", "caja@cotopaxi.ec"), ("clave", PASSWORD)]).await;
    own.get(USERS).await;
    ana.post(&format!("{USERS}/{vero}"), &[("rol", "clerk")]).await;
    ana.post(&format!("{USERS}/{vero}/clave"), &[]).await;
    browser(app).post(&format!("/clave/{}", mailed(app).await), &[("clave", NEW_PASSWORD)]).await;
    ana.post(&format!("{USERS}/{vero}/quitar"), &[("x", "y")]).await;
    let form = ana.get("/mi-compania/integraciones/nuevo").await;
    let made =
        ana.send("/mi-compania/integraciones/nuevo", &form, "form.ac-narrow", &[("nombre", "ERP"), ("vence", "90d")]).await;
    assert!(made.status.is_success(), "{}", made.text());
    let token = acuse_store::tokens::list(&app.app.db, app.company).await.unwrap()[0].id;
    ana.post(&format!("/mi-compania/integraciones/{token}/revocar"), &[("motivo", "x")]).await;
    ana.get("/mi-compania/historial.csv").await;
}

async fn own_account(app: &TestApp, ana: &mut Browser<'_>) {
    ana.post("/mi-cuenta", &[("nombre", "Ana Paredes"), ("tema", "")]).await;
    browser(app).log_in("nueve avestruces").await;
    let on = ana.turn_on().await;
    ana.post("/salir", &[]).await;
    ana.log_in(PASSWORD).await;
    ana.post("/entrar/segundo-paso", &[("recuperacion", on.recovery[0].as_str())]).await;
    ana.post("/mi-cuenta/codigos", &[]).await;
    ana.post("/mi-cuenta/segundo-paso/quitar", &[]).await;
    let mut other = browser(app);
    other.log_in(PASSWORD).await;
    ana.post("/mi-cuenta/sesiones/cerrar-las-demas", &[]).await;
    ana.post("/mi-cuenta/clave", &[("actual", PASSWORD), ("nueva", NEW_PASSWORD)]).await;
    ana.post("/mi-cuenta/clave", &[("actual", NEW_PASSWORD), ("nueva", PASSWORD)]).await;
    ana.post("/mi-cuenta/correo", &[("correo", "otra@cotopaxi.ec"), ("clave", PASSWORD), ("asi_es", "otra@cotopaxi.ec")]).await;
    browser(app).post(&format!("/correo/{}", mailed(app).await), &[]).await;
    browser(app).post(&format!("/correo/{}", mailed(app).await), &[]).await;
    ana.log_in(PASSWORD).await;
}

/// A form whose session ended, and one that waited for «Confirme que es usted».
async fn carried_over_a_lost_session(app: &TestApp, ana: &mut Browser<'_>) {
    let form = ana.get("/personas/nueva").await;
    users::log_out(&app.app.db, &ana.session()).await.unwrap();
    let typed = [("nombre", "Andina"), ("tipo", "other"), ("numero", "X-1"), ("cliente", "1"), ("accion", "guardar")];
    let login = ana.send("/personas/nueva", &form, "main form", &typed).await;
    let done = ana.send("/entrar", &login, "form", &[("correo", ANA), ("clave", PASSWORD)]).await;
    assert!(done.location().starts_with("/personas/"), "{}", done.text());
    aged(app, 16).await;
    let asked = ana.post("/mi-compania/segundo-paso", &[("exigir", "owners")]).await;
    ana.send("/entrar/otra-vez", &asked, "form", &[("clave", PASSWORD)]).await;
    let url = format!("sqlite://{}", app.folder().join("acuse.db").display());
    outside::run(&url, "UPDATE company SET second_factor = 'nobody'", vec![]).await;
}

async fn company(ana: &mut Browser<'_>) {
    ana.post("/mi-compania/archivar", &[]).await;
    ana.post("/mi-compania/exportar", &[]).await;
    ana.post("/mi-compania/eliminar", &[("ruc", "1790012344001")]).await;
    ana.post("/mi-compania/eliminar/cancelar", &[]).await;
    let reopened = ana.post("/mi-compania/reabrir", &[]).await;
    assert!(reopened.status.is_redirection(), "{}", reopened.text());
}
