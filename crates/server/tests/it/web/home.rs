use acuse_store::contacts;
use acuse_testkit::builders::{contact, received};
use axum::http::StatusCode;

use crate::support::TestApp;

#[tokio::test]
async fn inicio_says_what_the_day_asks_for() {
    let test = TestApp::start().await;
    let quiet = test.get("/").await;
    assert_eq!(quiet.status, StatusCode::OK);
    assert!(quiet.one("h1").ends_with(", Ana"));
    assert!(quiet.text().contains("Nada pendiente"));
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
    assert_eq!(todo, ["1 envío con problemas", "1 documento por cobrar está vencido, 80,00"], "nobody would send it");
    assert_eq!(page.one(".ac-bars tfoot td:last-child"), "80,00");
    let last = page.one("tbody tr:has(.ac-rowlink)");
    assert!(
        last.contains("Andina") && last.contains("RC-000001") && last.contains("En cola") && last.contains("50,00"),
        "{last}"
    );
}
