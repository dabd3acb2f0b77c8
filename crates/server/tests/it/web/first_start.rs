//! An installation that nobody uses yet is begun in the browser, by whoever has the link that `serve` printed.

use acuse_store::first_start;
use acuse_testkit::outside;
use axum::http::StatusCode;
use secrecy::ExposeSecret;

use crate::support::{PASSWORD, TestApp};

async fn with_nobody() -> TestApp {
    let app = TestApp::start().await;
    let url = format!("sqlite://{}", app.folder().join("acuse.db").display());
    let sql = "DELETE FROM login; DELETE FROM known_browser; DELETE FROM membership; DELETE FROM person";
    outside::run_without_foreign_keys(&url, sql).await;
    app
}

const FORM: [(&str, &str); 5] = [
    ("ruc", "0190402118001"),
    ("razon", "Artesanías de Paute S.A."),
    ("nombre", "Rosa Guamán"),
    ("correo", "rosa@paute.ec"),
    ("clave", PASSWORD),
];

#[tokio::test]
async fn the_first_person_makes_the_company_and_themselves_and_is_in() {
    let app = with_nobody().await;
    assert_eq!(app.get_as("", "/").await.location(), "/entrar");
    assert_eq!(app.get_as("", "/entrar").await.location(), "/primer-inicio");
    let closed = app.get_as("", "/primer-inicio").await;
    assert_eq!((closed.status, closed.all("form").len()), (StatusCode::FORBIDDEN, 0), "not without the link");
    let token = first_start::offer_any_company(&app.app.db).await.unwrap().unwrap();
    let path = format!("/primer-inicio/{}", token.expose_secret());
    assert_eq!(app.get_as("", "/primer-inicio/inventado").await.status, StatusCode::FORBIDDEN);
    assert_eq!(app.post_as("", "/primer-inicio/inventado", &FORM).await.status, StatusCode::FORBIDDEN);
    assert_eq!(app.get_as("", &path).await.header("referrer-policy"), "no-referrer");
    let refused = app.post_as("", &path, &[("ruc", "123"), ("correo", "rosa"), ("clave", "x")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.all(".ac-errors li").len() >= 4, "{}", refused.text());
    assert_eq!(refused.attribute("#ruc", "value").as_deref(), Some("123"));
    let entered = app.post_as("", &path, &FORM).await;
    assert_eq!((entered.status, entered.location()), (StatusCode::SEE_OTHER, "/"), "{}", entered.text());
    let session = entered.new_cookie().split(';').next().unwrap().split_once('=').unwrap().1.to_owned();
    let home = app.get_as(&session, "/").await;
    assert!(home.text().contains("Artesanías de Paute S.A.") && home.text().contains("Rosa Guamán"));
    assert_eq!(app.get_as(&session, "/mi-compania/usuarios").await.status, StatusCode::OK);
    assert_eq!(app.get_as("", &path).await.location(), "/entrar", "once");
    assert_eq!(app.post_as("", &path, &FORM).await.location(), "/entrar");
}
