//! Mi compañía › Datos y logo.

use acuse_domain::access::Role;
use acuse_store::companies;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, COOKIE};
use axum::http::{Request, StatusCode};

use crate::support::{Answer, TestApp};

const HERE: &str = "/mi-compania/datos";

/// A PNG of one red pixel.
const PIXEL: &[u8] = &[
    0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0,
    0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 12, b'I', b'D', b'A', b'T', 8, 0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3, 1, 1, 0, 0x18,
    0xdd, 0x8d, 0xb0, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

async fn upload(app: &TestApp, session: &str, file: &[u8]) -> Answer {
    let mut body = b"--x\r\nContent-Disposition: form-data; name=\"logo\"; filename=\"l.png\"\r\n\r\n".to_vec();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--x--\r\n");
    let request = Request::post("/mi-compania/logo")
        .header(COOKIE, format!("acuse_sesion={session}"))
        .header(CONTENT_TYPE, "multipart/form-data; boundary=x")
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(body));
    app.ask(request.unwrap()).await
}

#[tokio::test]
async fn the_profile_is_changed_and_shown() {
    let app = TestApp::start().await;
    let shown = app.get(HERE).await;
    assert_eq!(shown.attribute("#razon", "value").as_deref(), Some("Distribuidora Cotopaxi Cía. Ltda."));
    let form =
        [("razon", " Cotopaxi  S.A. "), ("comercial", ""), ("ciudad", "Latacunga"), ("correo", "contabilidad@cotopaxi.ec")];
    let saved = app.post(HERE, &form).await;
    assert_eq!((saved.status, saved.location()), (StatusCode::SEE_OTHER, "/mi-compania/datos?guardado=si"));
    let profile = companies::find(&app.app.db, app.company).await.unwrap().unwrap().profile;
    assert_eq!(profile.legal_name, "Cotopaxi S.A.");
    assert_eq!(profile.trade_name, None);
    assert_eq!(profile.email.unwrap().as_str(), "contabilidad@cotopaxi.ec");
    assert!(app.get(saved.location()).await.one("[role=status]").contains("Guardado"));
}

#[tokio::test]
async fn a_profile_without_a_name_or_with_half_an_address_is_refused_as_typed() {
    let app = TestApp::start().await;
    let refused = app.post(HERE, &[("razon", " "), ("correo", "contabilidad@"), ("ciudad", "Latacunga")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.one("#razon-error"), "Falta la razón social.");
    assert!(refused.one("#correo-error").contains("le falta lo que va después de la arroba"));
    assert_eq!(refused.attribute("#ciudad", "value").as_deref(), Some("Latacunga"));
    let profile = companies::find(&app.app.db, app.company).await.unwrap().unwrap().profile;
    assert_eq!(profile.legal_name, "Distribuidora Cotopaxi Cía. Ltda.");
}

#[tokio::test]
async fn a_logo_is_taken_in_shown_and_taken_away() {
    let app = TestApp::start().await;
    let session = app.session_of(Role::Owner).await;
    assert_eq!(app.get("/mi-compania/logo").await.status, StatusCode::NOT_FOUND);
    assert_eq!(upload(&app, &session, PIXEL).await.location(), "/mi-compania/datos?guardado=si");
    let logo = app.get("/mi-compania/logo").await;
    assert_eq!(logo.header("content-type"), "image/png");
    assert!(logo.body.starts_with(b"\x89PNG"));
    assert_eq!(app.get(HERE).await.attribute("img", "src").as_deref(), Some("/mi-compania/logo"));
    app.post("/mi-compania/logo/quitar", &[]).await;
    assert!(companies::logo(&app.app.db, app.company).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_no_picture_is_refused_and_the_logo_stays() {
    let app = TestApp::start().await;
    let session = app.session_of(Role::Owner).await;
    upload(&app, &session, PIXEL).await;
    for file in [&b"<svg onload=alert(1)>"[..], &PIXEL[..30], b""] {
        let refused = upload(&app, &session, file).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!refused.one("#logo-error").is_empty());
    }
    let huge = upload(&app, &session, &vec![0; 10 * 1024 * 1024]).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(huge.one("#logo-error").contains("5 MB"), "{}", huge.one("#logo-error"));
    assert!(companies::logo(&app.app.db, app.company).await.unwrap().is_some());
}

#[tokio::test]
async fn only_the_owner_changes_the_company() {
    let app = TestApp::start().await;
    let accountant = app.session_of(Role::Accountant).await;
    let shown = app.get_as(&accountant, HERE).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.all("main button").is_empty());
    assert_eq!(app.post_as(&accountant, HERE, &[("razon", "Otra")]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(upload(&app, &accountant, PIXEL).await.status, StatusCode::FORBIDDEN);
}
