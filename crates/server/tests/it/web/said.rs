//! What a page says of what was typed, left empty or counted.

use acuse_domain::access::Role;
use acuse_server::Services;
use acuse_server::route::Access;
use acuse_server::web;
use acuse_store::user_mails::Post;
use acuse_store::{archive, companies, now};
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;

use super::payments::scene::{Scene, default_account};
use crate::support::{PASSWORD, TestApp};

const ALL_LOST: &str = "No se muestra lo que escribió: escríbalo otra vez.";
const BUT_PASSWORDS: &str = "Lo demás está como usted lo escribió, menos la contraseña: escríbala otra vez.";
const THE_REST: &str = "Lo demás está como usted lo escribió.";

/// A form, what is sent of it, the field that is wrong, what is said under it, and what of the rest.
type Refused = (&'static str, &'static [(&'static str, &'static str)], &'static str, &'static str, &'static str);

const REFUSED: [Refused; 10] = [
    ("/mi-cuenta", &[("nombre", " ")], "nombre", "Falta el nombre.", THE_REST),
    ("/mi-cuenta/clave", &[("nueva", "nueve avestruces")], "actual", "Escriba su contraseña actual.", ALL_LOST),
    ("/mi-cuenta/clave", &[("actual", PASSWORD)], "nueva", "Escriba la contraseña nueva.", ALL_LOST),
    ("/mi-cuenta/clave", &[("actual", "otra cosa"), ("nueva", "x")], "actual", "La contraseña actual no es correcta.", ALL_LOST),
    ("/mi-cuenta/correo", &[("correo", "ana@otra.ec")], "clave", "Escriba la contraseña.", BUT_PASSWORDS),
    (
        "/mi-compania/usuarios/invitar",
        &[("correo", "pedro@@x"), ("rol", "clerk")],
        "correo",
        "«pedro@@x» no es una dirección de correo: tiene más de una arroba (@).",
        THE_REST,
    ),
    ("/companias/nueva", &[("razon", "Otra S.A.")], "ruc", "Falta el RUC.", THE_REST),
    (
        "/companias/nueva",
        &[("ruc", "1790012345002"), ("razon", "Otra S.A.")],
        "ruc",
        "1790012345002 termina en 002: así acaba el número de otro establecimiento, y el RUC de una compañía casi siempre en \
         001. Compruébelo.",
        THE_REST,
    ),
    (
        "/companias/nueva",
        &[("ruc", "1790012344001"), ("razon", "Otra S.A.")],
        "ruc",
        "Usted ya entra en la compañía con este RUC: Distribuidora Cotopaxi.",
        THE_REST,
    ),
    ("/mi-compania/integraciones/nuevo", &[("puede", "read"), ("vence", "1y")], "nombre", "Falta el nombre del token.", THE_REST),
];

#[tokio::test]
async fn what_is_empty_or_wrong_is_said_of_its_field_and_of_the_rest_only_what_is_so() {
    let mails = TestApp::start_with(|services| Services { default_account: Some(default_account()), ..services });
    let app = mails.await.where_owners_found(TimeDelta::days(30));
    for (form, typed, field, said, rest) in REFUSED {
        let answer = app.post(form, typed).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form} {typed:?}");
        assert_eq!(answer.one(&format!("#{field}-error")), said, "{form} {typed:?}");
        if !answer.all(".ac-errors p").is_empty() {
            assert_eq!(answer.one(".ac-errors p"), rest, "{form} {typed:?}");
        }
    }
    assert_eq!(app.post_as("", "/entrar", &[("correo", "ana@cotopaxi.ec")]).await.one("#clave-error"), "Escriba la contraseña.");
    let confirmed = [("ruc", "1790012345002"), ("razon", "Otra S.A."), ("asi_es", "1790012345002")];
    assert_eq!(app.post("/companias/nueva", &confirmed).await.location(), "/", "what was confirmed is right");
}

#[tokio::test]
async fn an_invitation_is_declined_after_a_question() {
    let app = TestApp::start().await;
    let invited = app.post("/mi-compania/usuarios/invitar", &[("correo", "eva@cotopaxi.ec"), ("rol", "clerk")]).await;
    let url = invited.attribute("#enlace", "value").unwrap();
    let path = url.strip_prefix(&app.app.public_url).unwrap();
    let page = app.get_as("", path).await;
    let asks = format!("{path}/rechazar");
    assert!(page.attributes("form", "action").iter().all(|action| *action != asks), "one press declines nothing");
    assert!(page.one("#clave-d").starts_with("12 letras o más."), "{}", page.one("#clave-d"));
    let without = app.post_as("", path, &[("nombre", "Eva")]).await;
    assert_eq!(
        (without.one("#clave-error").as_str(), without.one(".ac-errors p").as_str()),
        ("Escriba la contraseña nueva.", BUT_PASSWORDS)
    );
    let question = app.get_as("", &asks).await;
    assert!(question.one("h1").starts_with("¿Rechazar la invitación"), "{}", question.text());
    assert_eq!(app.get_as("", path).await.status, StatusCode::OK, "a question declines nothing");
    assert_eq!(app.post_as("", &asks, &[]).await.status, StatusCode::OK);
    assert_eq!(app.get_as("", &asks).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn companies_are_counted_as_one_enters_them_and_an_invitation_is_told() {
    let app = TestApp::start().await.where_owners_found(TimeDelta::days(30));
    let form = [("ruc", "1790012399001"), ("razon", "Hostería del Sol S.A.")];
    assert_eq!(app.post("/companias/nueva", &form).await.location(), "/");
    assert!(app.get("/companias").await.one(".ac-head p").starts_with("2 en las que entra"));
    assert!(app.get("/").await.text().contains("Ver las 2 compañías"));
    let other = companies::find_by_ruc_any_company(&app.app.db, &"1790012399001".parse().unwrap()).await.unwrap().unwrap();
    let by = acuse_store::Actor { company: other.id, ..app.actor.clone() };
    archive::archive(&app.app.db, &by, Post::ByHand, now()).await.unwrap();
    let refused = app.post("/personas/nueva", &[("nombre", "x")]).await;
    assert_eq!((refused.status, refused.one("a.btn-primary").as_str()), (StatusCode::CONFLICT, "Reabrirla"));
    let list = app.get("/companias").await;
    let head = list.one(".ac-head p");
    assert!(head.starts_with("Una, en la que entra") && head.ends_with(", y 1 archivada"), "{head}");
    assert!(app.get("/").await.text().contains("Ver sus compañías"));
    let stranger = app.stranger().await;
    let invite = [("correo", "ana@cotopaxi.ec"), ("rol", "accountant")];
    assert!(app.post_as(&stranger.session, "/mi-compania/usuarios/invitar", &invite).await.status.is_success());
    let told = app.get("/companias").await.one("[role=status] h2");
    assert!(told.contains("le invita a"), "{told}");
    assert!(app.get_as(&stranger.session, "/companias").await.all("[role=status] h2").is_empty(), "it is somebody else's");
}

/// «1 entradas», «las 1 últimas»
fn miscounted(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_word = |word: &str| word.len() > 3 && word != "más" && word.chars().all(char::is_alphabetic);
    let pair = words.windows(2).find(|pair| pair[0] == "1" && is_word(pair[1]) && pair[1].ends_with('s'));
    pair.map(|pair| pair.join(" "))
}

#[tokio::test]
async fn one_is_counted_as_one_and_no_sentence_ends_twice() {
    let scene = Scene::set().await;
    let app = &scene.app;
    scene.recorded().await;
    app.session_of(Role::Clerk).await;
    let pages = web::pages().into_iter().filter(|route| route.method == Method::GET && !route.path.contains('{'));
    let mut seen = 0;
    for route in pages.filter(|route| !matches!(route.access, Access::Everybody)) {
        let answer = app.get(&route.path).await;
        let Some(main) = answer.all("main").into_iter().next() else { continue };
        // «Proveedores 1»: a group and how many are in it.
        let main = answer.all(".ac-chips li").iter().fold(main, |text, chip| text.replace(chip, ""));
        assert_eq!(miscounted(&main), None, "{}: {main}", route.path);
        assert!(!main.contains(".. ") && !main.ends_with(".."), "{}: {main}", route.path);
        seen += 1;
    }
    assert!(seen > 15, "{seen}");
    assert_eq!(miscounted("hay 1 entradas"), Some("1 entradas".to_owned()));
    assert_eq!(miscounted("hay 1 entrada, y 21 entradas; 1 es"), None);
}
