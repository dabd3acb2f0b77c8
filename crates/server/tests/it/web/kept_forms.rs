//! A form whose session ended is not lost: the login carries it, and goes on with it.

use acuse_domain::payment::Direction;
use acuse_store::{contacts, sessions, users};
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, COOKIE};
use axum::http::{Method, Request, StatusCode};

use acuse_server::web;
use acuse_server::web::carried::Carried;
use acuse_server::web::carried::act::Act;

use super::payments::scene::*;
use crate::support::{Answer, PASSWORD, TestApp, encoded};

const ANA: &str = "ana@cotopaxi.ec";

fn borrowed(form: &[(String, String)]) -> Vec<(&str, &str)> {
    form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// The login that came in place of an answer, filled in.
async fn log_in(app: &TestApp, session: &str, login: &Answer, email: &str, password: &str) -> Answer {
    let form = login.filled("form", &[("correo", email), ("clave", password)]);
    app.post_as(session, "/entrar", &borrowed(&form)).await
}

#[tokio::test]
async fn a_cobro_typed_in_a_session_that_ended_is_recorded_after_the_login() {
    let scene = Scene::set().await;
    let mut form = scene.cobro("100", ["100", ""]).await;
    form.push(field("accion", "guardar"));
    sessions::end_all_any_company(&scene.app.app.db, &ANA.parse().unwrap(), acuse_store::now()).await.unwrap();
    let login = scene.app.post("/cobros/nuevo", &borrowed(&form)).await;
    assert_eq!(login.status, StatusCode::UNAUTHORIZED);
    assert_eq!(login.one("h1"), "Entrar");
    assert!(login.text().contains("Su sesión se cerró"), "it says why one is here");
    assert!(login.text().contains("Lo que escribió está aquí"));
    assert_eq!(login.attribute("#correo", "value").as_deref(), Some(ANA));
    // A wrong password loses nothing.
    let again = log_in(&scene.app, &scene.app.session, &login, ANA, "otra clave").await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    let saved = log_in(&scene.app, &scene.app.session, &again, ANA, PASSWORD).await;
    let id = id_of(&saved);
    assert!(saved.new_cookie().starts_with("acuse_sesion="), "and the browser is in: {}", saved.new_cookie());
    assert_eq!(scene.count(Direction::Received).await, 1);
    assert_eq!(scene.balance(scene.invoices[0]).await, "540,00");
    // Sent twice, it is one.
    assert_eq!(id_of(&log_in(&scene.app, &scene.app.session, &login, ANA, PASSWORD).await), id);
    assert_eq!(scene.count(Direction::Received).await, 1);
}

#[tokio::test]
async fn somebody_else_finds_the_form_filled_in_and_nothing_saved() {
    let scene = Scene::set().await;
    let mut form = scene.cobro("100", ["100", ""]).await;
    form.push(field("accion", "guardar"));
    scene.app.session_of(acuse_domain::access::Role::Accountant).await;
    let stranger = scene.app.stranger().await;
    users::log_out(&scene.app.app.db, &scene.app.session).await.unwrap();
    let login = scene.app.post("/cobros/nuevo", &borrowed(&form)).await;
    let shown = log_in(&scene.app, &scene.app.session, &login, "accountant@cotopaxi.ec", PASSWORD).await;
    assert_eq!((shown.status, shown.one("h1").as_str()), (StatusCode::OK, "Nuevo cobro"));
    assert_eq!(shown.attribute("#valor-1", "value").as_deref(), Some("100"));
    assert_eq!(shown.one("#descripcion"), "Abono de noviembre");
    assert!(shown.text().contains("Todavía no se guardó:"), "it says that nothing was saved");
    // In another company even less.
    let elsewhere = log_in(&scene.app, &scene.app.session, &login, "otra@paute.ec", PASSWORD).await;
    assert_eq!(elsewhere.one("h1"), "Nuevo cobro");
    assert_eq!(scene.count(Direction::Received).await, 0);
    // Whoever comes without a cookie is nobody that is known.
    let unknown = scene.app.post_as("", "/cobros/nuevo", &borrowed(&form)).await;
    let shown = log_in(&scene.app, "", &unknown, ANA, PASSWORD).await;
    assert_eq!(shown.one("h1"), "Nuevo cobro");
    assert_eq!(scene.count(Direction::Received).await, 0);
    assert!(
        contacts::list(
            &scene.app.app.db,
            stranger.company,
            &contacts::Filter::default(),
            contacts::BY_NAME,
            acuse_store::Page { after: None, limit: 9 }
        )
        .await
        .unwrap()
        .is_empty()
    );
}

#[tokio::test]
async fn an_act_of_somebody_else_waits_for_a_press() {
    let scene = Scene::set().await;
    let id = scene.recorded().await;
    let other = scene.app.session_of(acuse_domain::access::Role::Accountant).await;
    users::log_out(&scene.app.app.db, &scene.app.session).await.unwrap();
    let login = scene.app.post(&format!("/cobros/{id}/anular"), &[("motivo", "Se repitió")]).await;
    let waits = log_in(&scene.app, &scene.app.session, &login, "accountant@cotopaxi.ec", PASSWORD).await;
    assert_eq!(waits.one("h1"), "Anular el cobro RC-000001");
    assert!(waits.one("dl").contains("Se repitió"), "the reason that was typed");
    assert_eq!((waits.one("form button"), waits.one("form a")), ("Anular el cobro".to_owned(), "Volver al cobro".to_owned()));
    assert_eq!(waits.attribute("form a", "href"), Some(format!("/cobros/{id}")));
    assert_eq!(waits.attribute("form button[autofocus]", "type"), None, "nobody presses it by chance");
    assert_eq!(scene.balance(scene.invoices[0]).await, "0,00", "nothing is done yet");
    let form = waits.filled("form", &[]);
    let action = waits.attribute("form", "action").unwrap();
    id_of(&scene.app.post_as(&other, &action, &borrowed(&form)).await);
    assert_eq!(scene.balance(scene.invoices[0]).await, "640,00");
}

#[tokio::test]
async fn a_password_does_not_travel_and_its_form_is_not_saved_without_it() {
    let test = TestApp::start().await;
    users::log_out(&test.app.db, &test.session).await.unwrap();
    let form = [
        ("modulo", "cobros"),
        ("nombre", "Cotopaxi"),
        ("remitente", "cobros@cotopaxi.ec"),
        ("servidor", "smtp.paute.ec"),
        ("puerto", "587"),
        ("tls", "starttls"),
        ("usuario", "cobros@cotopaxi.ec"),
        ("clave", "muy secreta"),
        ("accion", "guardar"),
    ];
    let login = test.post("/mi-compania/correos", &form).await;
    assert_eq!(login.status, StatusCode::UNAUTHORIZED);
    assert!(!login.text().contains("muy secreta") && !login.text().contains("muy%20secreta"));
    assert!(login.text().contains("hay que escribirla otra vez"));
    let shown = log_in(&test, &test.session, &login, ANA, PASSWORD).await;
    assert!(shown.text().contains("smtp.paute.ec"), "{}", shown.text());
    assert!(shown.text().contains("Todavía no se guardó:"));
    assert!(shown.one(".ac-errors h2").starts_with("No se guardó:"), "Guardar was pressed: {}", shown.one(".ac-errors h2"));
    assert!(acuse_store::mail_accounts::list(&test.app.db, test.company).await.unwrap().is_empty());
}

#[tokio::test]
async fn every_form_of_a_page_is_carried_and_comes_back_as_it_was() {
    let scene = Scene::set().await;
    let id = scene.recorded().await;
    users::log_out(&scene.app.app.db, &scene.app.session).await.unwrap();
    for path in [
        "/cobros/nuevo",
        "/pagos/nuevo",
        "/personas/nueva",
        "/documentos/nuevo",
        "/envios",
        "/mi-compania/datos",
        "/mi-compania/correos",
        "/mi-compania/correos/si-falla",
        "/mi-compania/logo/quitar",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain(["reenviar", "anular"].map(|act| format!("/cobros/{id}/{act}")))
    {
        let login = scene.app.post(&path, &[("nota", "Ñandú & «cía»"), ("accion", "x")]).await;
        assert_eq!((login.status, login.one("h1").as_str()), (StatusCode::UNAUTHORIZED, "Entrar"), "{path}");
        assert_eq!(login.attribute("input[name=lleva_a]", "value").as_deref(), Some(path.as_str()));
        let carried = login.attribute("input[name=lleva]", "value").unwrap();
        assert_eq!(carried, encoded(&[("nota", "Ñandú & «cía»"), ("accion", "x")]), "{path}");
        assert!(login.text().contains("Usted salió de Acuse en este navegador."), "{path}");
    }
}

/// What each form would do is asked by its name, to whoever comes back as somebody else.
#[tokio::test]
async fn the_question_names_the_act_that_waits() {
    let scene = Scene::set().await;
    let id = scene.recorded().await;
    let envio = scene.deliveries(id).await.remove(0);
    let of_envio = |act: &str| format!("/cobros/{id}/envios/{}/{act}", envio.id);
    let to = &envio.recipient;
    scene.app.session_of(acuse_domain::access::Role::Accountant).await;
    users::log_out(&scene.app.app.db, &scene.app.session).await.unwrap();
    type Fields<'a> = &'a [(&'a str, &'a str)];
    let acts: [(String, Fields<'_>, String); 9] = [
        (format!("/cobros/{id}/anular"), &[], "Anular el cobro RC-000001".into()),
        (format!("/cobros/{id}/reenviar"), &[("otra", "x@b.ec")], "Reenviar el recibo RC-000001".into()),
        (format!("/cobros/{id}/reenviar"), &[("pide", "aviso")], "Enviar el aviso de anulación RC-000001".into()),
        (of_envio("corregir"), &[("correo", "x@b.ec")], format!("Corregir y reenviar el recibo a {to} de RC-000001")),
        (of_envio("reintentar"), &[], format!("Reintentar el envío a {to} de RC-000001")),
        ("/envios".into(), &[("envio", "1"), ("envio", "2"), ("accion", "reintentar")], "Reintentar 2 envíos".into()),
        ("/envios".into(), &[("envio", "1"), ("accion", "resolver")], "Dar por resuelto 1 envío".into()),
        ("/mi-compania/logo/quitar".into(), &[], "Quitar el logo".into()),
        ("/demo/buzon".into(), &[], "Vaciar el buzón".into()),
    ];
    for (path, fields, title) in acts {
        let login = scene.app.post(&path, fields).await;
        let waits = log_in(&scene.app, &scene.app.session, &login, "accountant@cotopaxi.ec", PASSWORD).await;
        assert_eq!((waits.status, waits.one("h1")), (StatusCode::OK, title), "{path}");
        assert!(!waits.text().contains("Lo que estaba por enviarse"));
    }
}

#[tokio::test]
async fn every_form_that_acts_has_words_of_its_own() {
    let test = TestApp::start().await;
    let mut seen = 0;
    // A file does not travel.
    let forms = web::pages().into_iter().filter(|route| route.method == Method::POST && route.path != "/mi-compania/logo");
    for route in forms {
        let path = &route.path;
        let Some(carried) = Carried::back(path, "", "") else { continue };
        if carried.clone().only_shown().is_none() {
            let act = Act::of(&test.app.db, test.company, &carried).await.unwrap();
            assert_ne!(act.title, "Enviar el formulario", "{path}: what would it do?");
            seen += 1;
        }
    }
    assert!(seen > 8, "the routes were not found: {seen}");
}

#[tokio::test]
async fn the_company_comes_back_as_it_was_typed_and_is_not_saved() {
    let test = TestApp::start().await;
    test.session_of(acuse_domain::access::Role::Owner).await;
    let form = test.get("/mi-compania/datos").await.filled("form[action='/mi-compania/datos']", &[]);
    let form = replaced(&form, "razon", "Otra razón");
    users::log_out(&test.app.db, &test.session).await.unwrap();
    let login = test.post("/mi-compania/datos", &borrowed(&form)).await;
    let shown = log_in(&test, &test.session, &login, "owner@cotopaxi.ec", PASSWORD).await;
    assert_eq!(shown.attribute("#razon", "value").as_deref(), Some("Otra razón"));
    let kept = acuse_store::companies::find(&test.app.db, test.company).await.unwrap().unwrap();
    assert_ne!(kept.profile.legal_name, "Otra razón");
}

#[tokio::test]
async fn what_cannot_wait_says_what_to_do_again() {
    let test = TestApp::start().await;
    users::log_out(&test.app.db, &test.session).await.unwrap();
    let logo = Request::post("/mi-compania/logo")
        .header("sec-fetch-site", "same-origin")
        .header(CONTENT_TYPE, "multipart/form-data; boundary=x")
        .body(Body::from("--x--"))
        .unwrap();
    let login = test.ask(logo).await;
    assert_eq!((login.status, login.one("h1").as_str()), (StatusCode::UNAUTHORIZED, "Entrar"));
    assert!(login.text().contains("elija el logo otra vez"), "{}", login.text());
    assert_eq!(login.attribute("input[name=volver]", "value").as_deref(), Some("/mi-compania/datos"));
    // A form that is only a button waits like any other.
    let login = test.post("/demo/buzon", &[]).await;
    assert_eq!(login.attribute("input[name=lleva_a]", "value").as_deref(), Some("/demo/buzon"));
    // What is typed into a page's address goes on with it.
    let login = test.get("/entrar?volver=%2Fmi-compania%2Fcorreos%2Fnueva%3Fcorreo%3Da%2540b.ec").await;
    assert!(login.text().contains("entre y seguimos con la cuenta nueva"), "{}", login.text());
}

#[tokio::test]
async fn a_form_of_another_site_is_carried_nowhere() {
    let scene = Scene::set().await;
    let foreign = Request::post("/cobros/nuevo")
        .header("sec-fetch-site", "cross-site")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("content-length", "3")
        .body(Body::from("a=b"))
        .unwrap();
    assert_eq!(scene.app.ask(foreign).await.status, StatusCode::FORBIDDEN);
    let foreign = Request::post("/entrar")
        .header("sec-fetch-site", "cross-site")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(encoded(&[
            ("correo", ANA),
            ("clave", PASSWORD),
            ("lleva_a", "/cobros/nuevo"),
            ("lleva", "accion=guardar"),
        ])))
        .unwrap();
    assert_eq!(scene.app.ask(foreign).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_script_is_told_in_a_word_and_gets_no_page() {
    let test = TestApp::start().await;
    let asked = Request::get("/personas/buscar?q=andi").header("sec-fetch-mode", "cors").body(Body::empty()).unwrap();
    let told = test.ask(asked).await;
    assert_eq!((told.status, told.text().as_str()), (StatusCode::UNAUTHORIZED, "Su sesión terminó."));
    let asked = Request::get("/cobros").header("sec-fetch-mode", "navigate").header(COOKIE, "x=y").body(Body::empty()).unwrap();
    assert_eq!(test.ask(asked).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_login_says_why_one_is_there() {
    let test = TestApp::start().await;
    let status = |answer: &Answer| answer.all("[role=status]").join(" ");
    assert_eq!(status(&test.get_as("", "/entrar").await), "");
    assert_eq!(status(&test.get_as("", "/entrar?volver=%2Fcobros").await), "Para ver esa página, entre primero.");
    sessions::end_all_any_company(&test.app.db, &ANA.parse().unwrap(), acuse_store::now()).await.unwrap();
    let door = test.get("/cobros").await;
    assert_eq!(
        status(&test.get(door.location()).await),
        "Su sesión se cerró: alguien la cerró, o cambiaron su contraseña o su acceso."
    );
    let entered = test.post_as("", "/entrar", &[("correo", ANA), ("clave", PASSWORD)]).await;
    let session = entered.new_cookie().split([';', '=']).nth(1).unwrap().to_owned();
    let out = test.post_as(&session, "/salir", &[]).await;
    let left = out.headers.get_all("set-cookie").iter().nth(1).unwrap().to_str().unwrap().split(';').next().unwrap().to_owned();
    assert!(!left.contains(&session), "what is kept opens nothing");
    let asked = Request::get("/entrar").header(COOKIE, left).body(Body::empty()).unwrap();
    assert_eq!(status(&test.ask(asked).await), "Usted salió de Acuse en este navegador.");
}
