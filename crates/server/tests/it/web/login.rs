use acuse_server::Services;
use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::support::{PASSWORD, TestApp};

const ANA: &str = "ana@cotopaxi.ec";

#[tokio::test]
async fn whoever_is_not_logged_in_is_led_to_the_login_and_back() {
    let test = TestApp::start().await;
    let asked = test.get_as("", "/personas/buscar?q=andi").await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER);
    assert_eq!(asked.location(), "/entrar?volver=%2Fpersonas%2Fbuscar%3Fq%3Dandi");
    let door = test.get_as("", asked.location()).await;
    assert_eq!(door.attribute("input[name=volver]", "value").as_deref(), Some("/personas/buscar?q=andi"));
    let form = [("correo", " Ana@Cotopaxi.EC "), ("clave", PASSWORD), ("volver", "/personas/buscar?q=andi")];
    let entered = test.post_as("", "/entrar", &form).await;
    assert_eq!((entered.status, entered.location()), (StatusCode::SEE_OTHER, "/personas/buscar?q=andi"));
    let cookie = entered.new_cookie();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.contains("Max-Age"), "{cookie}");
    assert!(!cookie.contains("Secure"), "plain http: {cookie}");
}

#[tokio::test]
async fn the_cookie_is_for_https_where_the_installation_is_and_lasts_where_asked() {
    let test = TestApp::start_with(|services| Services { public_url: "https://acuse.cotopaxi.ec".to_string(), ..services }).await;
    let entered = test.post_as("", "/entrar", &[("correo", ANA), ("clave", PASSWORD), ("recordar", "1")]).await;
    let cookie = entered.new_cookie();
    assert!(cookie.contains("; Secure") && cookie.contains("Max-Age=604800"), "{cookie}");
}

#[tokio::test]
async fn the_login_leads_to_no_other_site() {
    let test = TestApp::start().await;
    for elsewhere in ["//malo.ec", "https://malo.ec", "/\\malo.ec", "javascript:alert(1)", "/a\r\nSet-Cookie: x=1", "malo.ec"] {
        let form = [("correo", ANA), ("clave", PASSWORD), ("volver", elsewhere)];
        assert_eq!(test.post_as("", "/entrar", &form).await.location(), "/", "{elsewhere}");
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_look_the_same_and_the_sixth_try_waits() {
    let test = TestApp::start().await;
    let refused = test.post_as("", "/entrar", &[("correo", ANA), ("clave", "otra clave"), ("volver", "/cobros")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.one(".invalid-feedback"), "El correo o la contraseña no son correctos.");
    assert_eq!(refused.attribute("#correo", "value").as_deref(), Some(ANA));
    assert_eq!(refused.attribute("#clave", "value"), None, "a password is never sent back");
    assert_eq!(refused.attribute("input[name=volver]", "value").as_deref(), Some("/cobros"));
    let unknown = test.post_as("", "/entrar", &[("correo", "nadie@cotopaxi.ec"), ("clave", "x")]).await;
    assert_eq!(unknown.one(".invalid-feedback"), refused.one(".invalid-feedback"));
    for _ in 0..4 {
        test.post_as("", "/entrar", &[("correo", ANA), ("clave", "otra clave")]).await;
    }
    let too_many = test.post_as("", "/entrar", &[("correo", ANA), ("clave", PASSWORD)]).await;
    assert_eq!(too_many.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(too_many.one(".invalid-feedback").starts_with("Demasiados intentos"));
    assert!(!too_many.header("retry-after").is_empty());
}

#[tokio::test]
async fn after_salir_the_cookie_opens_nothing() {
    let test = TestApp::start().await;
    let entered = test.post_as("", "/entrar", &[("correo", ANA), ("clave", PASSWORD)]).await;
    let session = entered.new_cookie().split([';', '=']).nth(1).unwrap().to_owned();
    assert_eq!(test.get_as(&session, "/personas/buscar?q=an").await.status, StatusCode::OK);
    assert_eq!(test.get_as(&session, "/entrar").await.location(), "/", "whoever is in needs no door");
    let out = test.post_as(&session, "/salir", &[]).await;
    assert_eq!(out.location(), "/entrar");
    assert!(out.new_cookie().contains("acuse_sesion=;") && out.new_cookie().contains("Max-Age=0"));
    assert_eq!(test.get_as(&session, "/personas/buscar?q=an").await.location(), "/entrar?volver=%2Fpersonas%2Fbuscar%3Fq%3Dan");
}

#[tokio::test]
async fn another_site_cannot_send_a_form_in_the_browsers_name() {
    let test = TestApp::start().await;
    let foreign = Request::post("/salir").header("sec-fetch-site", "cross-site").body(Body::empty()).unwrap();
    let answer = test.ask(foreign).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.one("h1"), "El formulario vino de otro sitio");
}

#[tokio::test]
async fn what_does_not_exist_is_said_in_words() {
    let test = TestApp::start().await;
    let page = test.get("/no/existe").await;
    assert_eq!((page.status, page.one("h1").as_str()), (StatusCode::NOT_FOUND, "Esta página no existe"));
    let api = test.get("/api/v1/no-existe").await;
    assert_eq!(api.status, StatusCode::NOT_FOUND);
    assert_eq!(api.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn the_theme_is_kept_in_the_browser() {
    let test = TestApp::start().await;
    let chosen = test.post("/tema", &[("tema", "oscuro"), ("volver", "/personas")]).await;
    assert_eq!(chosen.location(), "/personas");
    assert!(chosen.new_cookie().starts_with("tema=oscuro; Path=/"), "{}", chosen.new_cookie());
    assert!(test.post("/tema", &[("tema", "sistema")]).await.new_cookie().contains("Max-Age=0"));
}
