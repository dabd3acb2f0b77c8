use acuse_server::Services;
use acuse_store::contacts;
use acuse_testkit::builders::{contact, received};
use axum::http::StatusCode;

use super::payments::scene::default_account;
use crate::support::TestApp;

#[tokio::test]
async fn inicio_says_what_the_day_asks_for() {
    let test = TestApp::start().await;
    let quiet = test.get("/").await;
    assert_eq!(quiet.status, StatusCode::OK);
    assert!(quiet.one("h1").ends_with(", Ana"));
    assert_eq!(quiet.all(".ac-todo b"), ["Ninguna cuenta de correo envía todavía"], "first what nothing goes without");
    assert_eq!(quiet.attribute(".ac-todo a", "href").as_deref(), Some("/mi-compania/correos"));
    assert!(!quiet.text().contains("Nada pendiente"));
    let sends = TestApp::start_with(|services| Services { default_account: Some(default_account()), ..services }).await;
    assert!(sends.get("/").await.text().contains("Nada pendiente"));
    let andina =
        contacts::create(&test.app.db, &test.actor, &contact("Andina", true, false), None, acuse_store::now()).await.unwrap();
    received(andina, "50.00").notifying().record(&test.app.db, &test.actor).await.unwrap();
    let id = andina.to_string();
    let form = [
        ("lado", "cobrar"),
        ("persona_id", id.as_str()),
        ("numero", "1-1-9"),
        ("emision", "02/01/2026"),
        ("vence", "02/02/2026"),
        ("total", "80"),
        ("accion", "guardar"),
    ];
    assert_eq!(test.post("/documentos/nuevo", &form).await.status, StatusCode::SEE_OTHER);
    let page = test.get("/").await;
    let todo = page.all(".ac-todo b");
    let asked = ["Ninguna cuenta de correo envía todavía", "1 envío con problemas", "1 documento por cobrar está vencido, 80,00"];
    assert_eq!(todo, asked, "nobody would send it");
    assert_eq!(page.one(".ac-bars tfoot td:last-child"), "80,00");
    let last = page.one("tbody tr:has(.ac-rowlink)");
    assert!(
        last.contains("Andina") && last.contains("RC-000001") && last.contains("En cola") && last.contains("50,00"),
        "{last}"
    );
}
