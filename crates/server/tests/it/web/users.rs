//! Who comes in: seen, changed, taken out; and what a role that was lost does to a form.

use acuse_domain::access::Role;
use acuse_server::Services;
use acuse_store::access;
use axum::http::StatusCode;

use crate::support::{PASSWORD, TestApp};
use crate::web::payments::scene::{Scene, default_account};

const LIST: &str = "/mi-compania/usuarios";

async fn page_of(app: &TestApp, email: &str) -> String {
    let members = access::members(&app.app.db, app.company).await.unwrap();
    format!("{LIST}/{}", members.iter().find(|one| one.email == email).expect("a member").user)
}

#[tokio::test]
async fn the_list_shows_who_comes_in_as_what_and_since_when() {
    let app = TestApp::start().await;
    app.session_of(Role::Clerk).await;
    let list = app.get(LIST).await;
    let rows = list.all("section[aria-labelledby=quienes] tbody tr");
    assert_eq!(rows.len(), 2);
    assert!(rows[0].contains("ana@cotopaxi.ec Administración Hoy") && rows[0].contains("usted"), "{rows:?}");
    assert!(rows[1].contains("clerk@cotopaxi.ec Digitación"), "{rows:?}");
    assert_eq!(list.all("section[aria-labelledby=roles] tbody tr").len(), 5);
    for role in [Role::Accountant, Role::Assistant, Role::Viewer] {
        let session = app.session_of(role).await;
        assert_eq!(app.get_as(&session, LIST).await.status, StatusCode::FORBIDDEN, "{role:?}");
    }
    let clerk = page_of(&app, "clerk@cotopaxi.ec").await;
    let other = app.stranger().await;
    assert_eq!(app.get_as(&other.session, &clerk).await.status, StatusCode::NOT_FOUND, "another company's");
    assert_eq!(app.post_as(&other.session, &format!("{clerk}/quitar"), &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.post_as(&other.session, &format!("{clerk}/clave"), &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_role_changes_at_once_and_the_last_owner_stays() {
    let app = TestApp::start().await;
    let session = app.session_of(Role::Viewer).await;
    let viewer = page_of(&app, "viewer@cotopaxi.ec").await;
    let page = app.get(&viewer).await.text();
    let of_role = page.split("<form").find(|form| form.contains("name=\"rol\"")).expect("the form of the role");
    let of_role = of_role.split("</form>").next().expect("it ends");
    assert_eq!(of_role.matches("type=\"submit\"").count(), 1, "Enter in it does nothing else: {of_role}");
    assert_eq!(app.get(&viewer).await.attribute("input[checked]", "value").as_deref(), Some("viewer"));
    assert_eq!(app.post(&viewer, &[("rol", "accountant")]).await.location(), "/mi-compania/usuarios?hecho=rol");
    assert_eq!(app.get_as(&session, "/cobros/nuevo").await.status, StatusCode::OK);
    assert_eq!(app.post(&viewer, &[("rol", "rey")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let own = page_of(&app, "ana@cotopaxi.ec").await;
    for (path, form) in [(own.clone(), [("rol", "viewer")]), (format!("{own}/quitar"), [("x", "y")])] {
        let refused = app.post(&path, &form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert!(refused.text().contains("última persona con Administración"), "{path}");
    }
    assert_eq!(app.post(&viewer, &[("entregar", "1")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(app.get(LIST).await.status, StatusCode::FORBIDDEN, "who handed over keeps the books");
    assert_eq!(app.get_as(&session, LIST).await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_is_taken_out_is_out_with_the_tokens_that_were_ticked() {
    let app = TestApp::start_with(|services| Services { default_account: Some(default_account()), ..services }).await;
    let session = app.session_of(Role::Accountant).await;
    let (kept, _) = acuse_store::tokens::create(&app.app.db, app.company, "Tienda", acuse_store::now()).await.unwrap();
    let (gone, _) = acuse_store::tokens::create(&app.app.db, app.company, "ERP", acuse_store::now()).await.unwrap();
    let eva = page_of(&app, "accountant@cotopaxi.ec").await;
    let dialog = app.get(&format!("{eva}/quitar")).await;
    assert!(dialog.one("dialog").contains("Se le avisa a accountant@cotopaxi.ec."));
    assert_eq!(dialog.attributes("dialog input[name=token]", "value"), [kept.to_string(), gone.to_string()]);
    let done = app.post(&format!("{eva}/quitar"), &[("token", &gone.to_string())]).await;
    assert_eq!(done.location(), "/mi-compania/usuarios?hecho=quitado");
    assert_eq!(app.get_as(&session, "/cobros").await.status, StatusCode::SEE_OTHER);
    let left = access::live_tokens(&app.app.db, app.company).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(app.get(&eva).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_link_for_a_new_password_is_handed_over_where_no_mail_goes_out() {
    let app = TestApp::start().await;
    app.session_of(Role::Clerk).await;
    let clerk = page_of(&app, "clerk@cotopaxi.ec").await;
    let shown = app.post(&format!("{clerk}/clave"), &[]).await;
    let url = shown.attribute("#enlace", "value").unwrap();
    let path = url.strip_prefix("http://127.0.0.1:8080").unwrap();
    let page = app.get_as("", path).await;
    assert!(page.text().contains("clerk@cotopaxi.ec"));
    assert_eq!(app.post_as("", path, &[("clave", "otra clave larga")]).await.one("h1"), "Contraseña guardada");
    let form = [("correo", "clerk@cotopaxi.ec"), ("clave", "otra clave larga")];
    assert_eq!(app.post_as("", "/entrar", &form).await.status, StatusCode::SEE_OTHER);
    let _ = PASSWORD;
}

#[tokio::test]
async fn a_role_that_is_lost_in_mid_form_is_said_and_nothing_typed_is_lost() {
    let scene = Scene::set().await;
    let session = scene.app.session_of(Role::Accountant).await;
    let form = scene.cobro("1020", ["640", "380"]).await;
    let email = "accountant@cotopaxi.ec".parse().unwrap();
    let (db, by, now) = (&scene.app.app.db, &scene.app.actor, acuse_store::now());
    access::change_role(db, by, &email, Role::Viewer, now).await.unwrap();
    let mut form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    form.push(("accion", "guardar"));
    let said = scene.app.post_as(&session, "/cobros/nuevo", &form).await;
    assert_eq!((said.status, said.one("h1").as_str()), (StatusCode::FORBIDDEN, "Su rol no permite esto"));
    assert!(said.text().contains("Solo lectura") && said.one("dl").contains("88124507"), "what was typed is there");
    assert_eq!(scene.count(acuse_domain::payment::Direction::Received).await, 0);
    access::change_role(db, by, &email, Role::Accountant, now).await.unwrap();
    let again = said.filled("form", &[]);
    let again: Vec<(&str, &str)> = again.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(scene.app.post_as(&session, "/cobros/nuevo", &again).await.status, StatusCode::SEE_OTHER, "and can be sent");
    assert_eq!(scene.count(acuse_domain::payment::Direction::Received).await, 1);
}
