use acuse_domain::access::Role;
use acuse_domain::delivery::State;
use acuse_domain::id::PaymentId;
use acuse_store::{contacts, deliveries};
use acuse_testkit::builders::{contact, received};
use axum::http::StatusCode;

use crate::support::TestApp;

/// A cobro whose receipt is queued to as many addresses.
async fn cobro(test: &TestApp, name: &str, emails: &str) -> PaymentId {
    let details = acuse_domain::contact::ContactDetails {
        emails: acuse_domain::email_address::parse_list(emails, 20).unwrap(),
        ..contact(name, true, false)
    };
    let id = contacts::create(&test.app.db, &test.actor, &details, None, acuse_store::now()).await.unwrap();
    received(id, "50.00").notifying().record(&test.app.db, &test.actor).await.unwrap()
}

#[tokio::test]
async fn envios_are_counted_by_state_and_lead_to_their_payment() {
    let test = TestApp::start().await;
    let payment = cobro(&test, "Andina", "pagos@andina.ec; gerencia@andina.ec").await;
    let list = test.get("/envios").await;
    assert_eq!(
        list.all(".ac-chips a"),
        ["Con problemas 2", "En camino 0", "Aceptados 0", "Resueltos 0", "Anulados 0", "Todos 2"]
    );
    assert_eq!(list.one(".ac-chips [aria-current]"), "Con problemas 2", "nobody sends them: there is no account");
    assert_eq!(list.all("tbody .ac-state"), ["En cola", "En cola"]);
    assert_eq!(list.attribute("tbody td a", "href"), Some(format!("/cobros/{payment}")));
    assert_eq!(test.get("/envios?estado=todos&q=andina").await.all("tbody tr").len(), 2);
    assert_eq!(test.get("/envios?estado=todos&q=nadie").await.all("tbody tr").len(), 0);
    assert_eq!(test.get("/envios?estado=todos&q=RC-000001").await.all("tbody tr").len(), 2);
    assert_eq!(test.get("/envios?estado=todos&cuenta=invoices_and_made_payments").await.all("tbody tr").len(), 0);
    assert_eq!(test.get("/envios?estado=aceptados").await.one("h2"), "No hay envíos aquí");
}

#[tokio::test]
async fn chosen_envios_are_cancelled_together_and_what_moved_on_is_counted() {
    let test = TestApp::start().await;
    let payment = cobro(&test, "Andina", "pagos@andina.ec; gerencia@andina.ec").await;
    let queued = deliveries::of_payments(&test.app.db, test.company, &[payment]).await.unwrap();
    let ids: Vec<String> = queued.iter().map(|one| one.id.to_string()).collect();
    let mut form = vec![("accion", "anular"), ("volver", "/envios?estado=todos")];
    // As a body may hold them; each counts once.
    form.extend((0..20_000).map(|n| ("envio", ids[n % 2].as_str())));
    let done = test.post("/envios", &form).await;
    assert_eq!(done.location(), "/envios?estado=todos&hecho=anular&movidos=2&quedan=0");
    assert_eq!(test.get(done.location()).await.one(".ac-note"), "Se anuló: 2 envíos.");
    let states = deliveries::of_payments(&test.app.db, test.company, &[payment]).await.unwrap();
    assert!(states.iter().all(|one| one.state == State::Cancelled));
    let again = test.post("/envios", &[("uno", ids[0].as_str()), ("accion", "reintentar"), ("volver", "https://malo.ec")]).await;
    assert_eq!(again.location(), "/envios?hecho=reintentar&movidos=0&quedan=1");
    let none = test.post("/envios", &[("accion", "anular")]).await;
    assert_eq!(test.get(none.location()).await.one(".ac-note"), "Elija al menos un envío de la lista.");
}

#[tokio::test]
async fn another_company_s_envios_cannot_be_moved_and_a_viewer_moves_none() {
    let test = TestApp::start().await;
    let payment = cobro(&test, "Andina", "pagos@andina.ec").await;
    let queued = deliveries::of_payments(&test.app.db, test.company, &[payment]).await.unwrap();
    let id = queued[0].id.to_string();
    let stranger = test.stranger().await;
    let theirs = test.post_as(&stranger.session, "/envios", &[("envio", id.as_str()), ("accion", "anular")]).await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND);
    assert_eq!(test.get_as(&stranger.session, "/envios").await.all("tbody tr").len(), 0);
    let viewer = test.session_of(Role::Viewer).await;
    assert_eq!(
        test.post_as(&viewer, "/envios", &[("envio", id.as_str()), ("accion", "anular")]).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(test.get_as(&viewer, "/envios").await.all("input[name=envio]").len(), 0);
    let kept = deliveries::of_payments(&test.app.db, test.company, &[payment]).await.unwrap();
    assert_eq!(kept[0].state, State::Queued);
}
