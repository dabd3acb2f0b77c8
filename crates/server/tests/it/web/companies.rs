//! Many companies and one person: finding one, going there, a new one, and the end of one.

use std::io::{Cursor, Read};
use std::time::Instant;

use acuse_domain::access::Role;
use acuse_domain::company::CompanyProfile;
use acuse_domain::id::{CompanyId, UserId};
use acuse_server::route::Access;
use acuse_server::web;
use acuse_store::{companies, contacts, deliveries, now, tokens, users};
use acuse_testkit::identifications::company_ruc;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use chrono::TimeDelta;
use secrecy::ExposeSecret;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::payments::scene::Scene;
use crate::support::{Answer, PASSWORD, TestApp};

const MANY: u32 = 104;
/// Of the server's time for a list of [`MANY`] companies: the release build needs a tenth of it.
const LONGEST: std::time::Duration = std::time::Duration::from_millis(500);

async fn ana(app: &TestApp) -> UserId {
    users::session(&app.app.db, &app.session, now()).await.unwrap().unwrap().user
}

/// Another company of the owner.
async fn found(app: &TestApp, name: &str, number: u32) -> CompanyId {
    let profile = CompanyProfile { legal_name: name.to_owned(), ..CompanyProfile::default() };
    let ruc = company_ruc(900_000 + number * 2).parse().unwrap();
    companies::found(&app.app.db, ana(app).await, &app.actor, &ruc, &profile, now()).await.unwrap()
}

fn borrowed(form: &[(String, String)]) -> Vec<(&str, &str)> {
    form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

async fn enter(app: &TestApp, company: CompanyId) -> Answer {
    app.post(&format!("/companias/{company}/entrar"), &[]).await
}

#[tokio::test]
async fn one_goes_to_another_company_and_to_no_strange_one() {
    let app = TestApp::start().await;
    assert!(app.get("/").await.all(".ac-company a, .ac-company form").is_empty(), "who has one company sees no others");
    let other = found(&app, "Hostería Baños del Sol S.A.", 1).await;
    let home = app.get("/").await;
    assert_eq!(home.one(".ac-company form[method=post] button"), "Hostería Baños del Sol S.A.");
    assert_eq!(enter(&app, other).await.location(), "/");
    assert!(app.get("/").await.one(".ac-company summary").contains("Hostería Baños del Sol"));
    let strange = app.stranger().await;
    assert_eq!(enter(&app, strange.company).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.post("/companias/nada/entrar", &[]).await.status, StatusCode::NOT_FOUND);
    assert!(app.get("/").await.one(".ac-company summary").contains("Hostería Baños del Sol"), "one is where one was");
    let listed = app.get("/companias?cuales=todas").await;
    assert_eq!(listed.all("tbody tr").len(), 2, "a strange company is in no list");
}

#[tokio::test]
async fn a_form_of_one_company_does_not_act_in_another() {
    let app = TestApp::start().await;
    let other = found(&app, "Hostería Baños del Sol S.A.", 1).await;
    let page = app.get("/personas/nueva").await;
    let typed = [("tipo", "other"), ("numero", "AB-123"), ("nombre", "Nueva S.A."), ("cliente", "1"), ("accion", "guardar")];
    let form = page.filled("form.ac-entry", &typed);
    enter(&app, other).await;
    let refused = app.post("/personas/nueva", &borrowed(&form)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text().contains("Distribuidora Cotopaxi") && refused.text().contains("Hostería Baños del Sol"));
    let people = async |company| {
        let page = acuse_store::Page { after: None, limit: 9 };
        contacts::list(&app.app.db, company, &contacts::Filter::default(), contacts::BY_NAME, page).await.unwrap().len()
    };
    assert_eq!((people(other).await, people(app.company).await), (0, 0), "nothing was kept anywhere");
    let back = refused.filled("form", &[]);
    let shown = app.post(&format!("/companias/{}/entrar", app.company), &borrowed(&back)).await;
    assert_eq!(shown.attribute("#nombre", "value").as_deref(), Some("Nueva S.A."), "{}", shown.text());
    let again = shown.filled("form.ac-entry", &[("accion", "guardar")]);
    assert_eq!(app.post("/personas/nueva", &borrowed(&again)).await.status, StatusCode::SEE_OTHER);
    assert_eq!((people(other).await, people(app.company).await), (0, 1));
    let strange = app.stranger().await.company.to_string();
    let foreign = app.post("/personas/nueva", &[("nombre", "X"), ("compania", &strange)]).await;
    assert_eq!(foreign.status, StatusCode::CONFLICT);
    assert!(foreign.all("form").is_empty(), "to a company that is not theirs nobody is led");
}

#[tokio::test]
async fn every_form_of_every_page_says_its_company() {
    let scene = Scene::set().await;
    let payment = scene.recorded().await.to_string();
    let company = scene.company().to_string();
    let mut seen = 0;
    let own = |route: &acuse_server::route::Route| route.method == Method::GET && matches!(route.access, Access::Holders(_));
    for route in web::pages().into_iter().filter(own) {
        let id = if route.path.contains("personas") { scene.customer.to_string() } else { payment.clone() };
        let path = route.path.replace("{id}", &id).replace("{provider}", "google").replace("{place}", "0");
        let page = scene.app.get(&path).await;
        if !page.header("content-type").starts_with("text/html") || page.status != StatusCode::OK {
            continue;
        }
        let fields = page.attributes("form[method=post] > input[name=compania]", "value");
        let addresses = page.attributes("form[method=post][enctype]", "action");
        let said = fields.iter().filter(|value| **value == company).count()
            + addresses.iter().filter(|address| address.ends_with(&format!("?compania={company}"))).count();
        assert_eq!(said, page.all("form[method=post]").len(), "{}", route.path);
        seen += said;
    }
    assert!(seen > 20, "the forms were not found: {seen}");
}

#[tokio::test]
async fn a_hundred_companies_are_listed_at_once_and_found_by_a_few_letters() {
    let app = TestApp::start().await;
    found(&app, "Textiles Otavalo Cía. Ltda.", 1).await;
    let dc = found(&app, "Notaría Décima de Ambato", 2).await;
    for number in 3..MANY {
        found(&app, &format!("Comercial Número {number} S.A."), number).await;
    }
    app.get("/companias?cuales=todas").await;
    let begun = Instant::now();
    let all = app.get("/companias?cuales=todas").await;
    let took = begun.elapsed();
    println!("{MANY} companies: {took:?}");
    assert!(took < LONGEST, "{took:?}");
    assert_eq!(all.all("tbody tr").len(), 104);
    assert!(all.one(".ac-head p").starts_with("104 en las que entra"));
    assert_eq!(app.get("/companias").await.all("tbody tr").len(), 9, "the last ones");
    assert_eq!(app.get("/").await.all(".ac-company form[method=post]").len(), 5);
    let first = async |typed: &str| {
        let found = app.get(&format!("/companias?q={typed}")).await;
        found.all(".ac-found button").into_iter().next().unwrap_or_default()
    };
    assert_eq!(first("ota").await, "Textiles Otavalo Cía. Ltda.", "the beginning of a word goes before its middle");
    assert_eq!(first("dc").await, "Distribuidora Cotopaxi Cía. Ltda.", "by its initials");
    assert_eq!(first("D%C3%89CIMA").await, "Notaría Décima de Ambato");
    assert_eq!(first("1790012344001").await, "Distribuidora Cotopaxi Cía. Ltda.");
    assert_eq!(first("%25").await, "");
    let marked = app.get("/companias?q=deci").await;
    assert_eq!(marked.one(".ac-found mark"), "Déci");
    enter(&app, dc).await;
    assert_eq!(app.get("/companias").await.all("tbody tr button")[0], "Notaría Décima de Ambato", "where one was last");
}

const NEW: [(&str, &str); 3] = [("ruc", "1890055210001"), ("razon", "Calzado Ambateño Cía. Ltda."), ("correo", "")];

#[tokio::test]
async fn whom_the_operator_lets_adds_a_company_and_begins_there() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/companias/nueva").await.status, StatusCode::FORBIDDEN, "the operator alone, unless told otherwise");
    assert_eq!(app.post("/companias/nueva", &NEW).await.status, StatusCode::FORBIDDEN);
    let app = app.where_owners_found(TimeDelta::days(7));
    let clerk = app.session_of(Role::Clerk).await;
    assert_eq!(app.post_as(&clerk, "/companias/nueva", &NEW).await.status, StatusCode::FORBIDDEN, "who is nobody's owner");
    assert_eq!(app.get("/").await.all(".ac-company .ac-menu a"), ["Agregar una compañía"], "and of others nothing");
    assert_eq!(app.post("/companias/nueva", &NEW).await.location(), "/");
    let home = app.get("/").await;
    assert!(home.one(".ac-company summary").contains("Calzado Ambateño"));
    assert_eq!(home.all(".ac-next li").len(), 3, "{}", home.text());
    assert!(home.all(".ac-next li[data-done]").is_empty());
    let own = app.post("/companias/nueva", &NEW).await;
    assert_eq!(own.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(own.text().contains("Usted ya entra en la compañía con este RUC"));
}

#[tokio::test]
async fn a_ruc_that_is_none_or_somebody_elses_is_said() {
    let app = TestApp::start().await.where_owners_found(TimeDelta::days(7));
    let stranger = app.stranger().await;
    let taken = app.post("/companias/nueva", &[("ruc", "0190402118001"), ("razon", "X")]).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(taken.text().contains("Pida a su administrador que le invite"));
    for secret in ["otra@paute.ec", &stranger.company.to_string()] {
        assert!(!taken.text().contains(secret), "it names nobody: {secret}");
    }
    for (ruc, words) in [("", "Falta"), ("179", "13"), ("2590055210001", "provincia"), ("1890055210000", "000")] {
        let wrong = app.post("/companias/nueva", &[("ruc", ruc), ("razon", "X")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{ruc}");
        assert!(wrong.one("#ruc-error").contains(words), "{ruc}: {}", wrong.one("#ruc-error"));
    }
    let nameless = app.post("/companias/nueva", &[("ruc", "1890055210001"), ("razon", " ")]).await;
    assert!(!nameless.one("#razon-error").is_empty());
    let doubtful = app.post("/companias/nueva", &[("ruc", "1710345066001"), ("razon", "Ñ <b>"), ("correo", "")]).await;
    assert_eq!(doubtful.status, StatusCode::UNPROCESSABLE_ENTITY);
    let confirmed = doubtful.filled("main form", &[("asi_es", "1710345066001")]);
    assert_eq!(app.post("/companias/nueva", &borrowed(&confirmed)).await.location(), "/");
    assert!(app.get("/").await.text().contains("Ñ &#60;b&#62;"));
}

#[tokio::test]
async fn an_archived_company_is_read_and_nothing_else() {
    let scene = Scene::set().await;
    let app = &scene.app;
    let payment = scene.recorded().await;
    assert_eq!(app.post("/mi-compania/archivar", &[]).await.status, StatusCode::SEE_OTHER);
    for path in ["/", "/cobros", "/personas", "/envios", "/mi-compania/datos", &format!("/cobros/{payment}/recibo.pdf")] {
        assert_eq!(app.get(path).await.status, StatusCode::OK, "{path}");
    }
    let home = app.get("/").await;
    assert!(
        home.text().contains("Compañía archivada") && !home.text().contains("/cobros/nuevo"),
        "what one may not is not offered"
    );
    for path in ["/cobros/nuevo", "/personas/nueva"] {
        let refused = app.get(path).await;
        assert_eq!((refused.status, refused.one("h1").as_str()), (StatusCode::CONFLICT, "La compañía está archivada"), "{path}");
    }
    let outlasts = [Access::Everybody, Access::LoggedIn];
    for route in web::pages().into_iter().filter(|route| route.method == Method::POST && !outlasts.contains(&route.access)) {
        let Access::Holders(permission) = route.access else { continue };
        if !permission.outlasts_archiving() {
            let path = route.path.replace("{id}", &payment.to_string()).replace("{envio}", &payment.to_string());
            let path = path.replace("{provider}", "google");
            assert_eq!(app.post(&path, &[]).await.status, StatusCode::CONFLICT, "{path}");
        }
    }
    let (_, token) = tokens::create(&app.app.db, app.company, "ERP", now()).await.unwrap();
    let call = async |method: Method, path: &str| {
        let request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        let request = request.header("authorization", format!("Bearer {}", token.expose_secret()));
        app.ask(request.header("content-type", "application/json").body(Body::from("{}")).unwrap()).await
    };
    assert_eq!(call(Method::GET, "/payments").await.status, StatusCode::OK);
    let refused = call(Method::POST, "/payments").await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text().contains(r#""code":"company_archived""#), "{}", refused.text());
    let viewer = app.session_of(Role::Viewer).await;
    assert_eq!(app.post_as(&viewer, "/mi-compania/reabrir", &[]).await.status, StatusCode::FORBIDDEN);
    assert!(deliveries::queues_due_any_company(&app.app.db, now()).await.unwrap().is_empty());
    app.post("/mi-compania/reabrir", &[]).await;
    assert_eq!(app.get("/cobros/nuevo").await.status, StatusCode::OK);
    assert_eq!(deliveries::queues_due_any_company(&app.app.db, now()).await.unwrap().len(), 1, "what waited goes on");
}

#[tokio::test]
async fn an_export_brings_everything_as_files_that_can_be_checked() {
    let scene = Scene::set().await;
    let payment = scene.recorded().await;
    let viewer = scene.app.session_of(Role::Accountant).await;
    assert_eq!(scene.app.post_as(&viewer, "/mi-compania/exportar", &[]).await.status, StatusCode::FORBIDDEN);
    let answer = scene.app.post("/mi-compania/exportar", &[]).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/zip"));
    assert!(answer.header("content-disposition").contains("acuse-1790012344001-"), "{}", answer.header("content-disposition"));
    let mut zip = zip::ZipArchive::new(Cursor::new(answer.body)).unwrap();
    let mut file = |name: &str| {
        let mut bytes = Vec::new();
        zip.by_name(name).unwrap_or_else(|_| panic!("no {name}")).read_to_end(&mut bytes).unwrap();
        bytes
    };
    let manifest: Value = serde_json::from_slice(&file("manifest.json")).unwrap();
    assert_eq!((&manifest["format"], &manifest["version"]), (&"acuse-export".into(), &1.into()));
    let files = manifest["files"].as_array().unwrap();
    for one in files {
        let bytes = file(one["name"].as_str().unwrap());
        let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(one["sha256"], sum.as_str(), "{one}");
    }
    let payments: Value = serde_json::from_slice(&file("data/payments.json")).unwrap();
    assert_eq!(payments[0]["id"], payment.to_string().as_str());
    assert_eq!(files.iter().find(|one| one["name"] == "data/payments.json").unwrap()["records"], 1);
    assert!(file("receipts/Recibo-RC-000001.pdf").starts_with(b"%PDF"));
    assert_eq!(serde_json::from_slice::<Value>(&file("data/mail_accounts.json")).unwrap(), serde_json::json!([]));
    assert!(scene.app.get("/mi-compania/datos").await.text().contains("La última vez"));
}

#[tokio::test]
async fn two_people_end_a_company_in_the_browser() {
    let app = TestApp::start().await.where_owners_found(TimeDelta::zero());
    let eva = app.session_of(Role::Owner).await;
    let ruc = [("ruc", "1790012344001")];
    assert_eq!(app.post("/mi-compania/eliminar", &ruc).await.status, StatusCode::CONFLICT, "not before it is archived");
    app.post("/mi-compania/archivar", &[]).await;
    assert_eq!(app.post("/mi-compania/eliminar", &ruc).await.status, StatusCode::CONFLICT, "nor before it was exported");
    app.post("/mi-compania/exportar", &[]).await;
    let wrong = app.post("/mi-compania/eliminar", &[("ruc", "0190402118001")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.one("#ruc-eliminar-error").contains("RUC de esta compañía"));
    assert_eq!(app.post("/mi-compania/eliminar", &ruc).await.status, StatusCode::SEE_OTHER);
    let own = app.get("/mi-compania/datos").await;
    assert!(own.text().contains("Quien la pidió no la confirma") && !own.text().contains("/eliminar/confirmar"));
    assert_eq!(app.post("/mi-compania/eliminar/confirmar", &ruc).await.status, StatusCode::CONFLICT);
    assert_eq!(app.post_as(&eva, "/mi-compania/eliminar/cancelar", &[]).await.status, StatusCode::SEE_OTHER);
    assert!(!app.get("/mi-compania/datos").await.text().contains("pidió eliminarla"));
    app.post("/mi-compania/eliminar", &ruc).await;
    let shown = app.get_as(&eva, "/mi-compania/datos").await;
    let form = shown.filled("form[action='/mi-compania/eliminar/confirmar']", &ruc);
    let gone = app.post_as(&eva, "/mi-compania/eliminar/confirmar", &borrowed(&form)).await;
    assert_eq!(gone.location(), "/entrar");
    assert!(app.get("/").await.location().starts_with("/entrar"));
    assert!(companies::find(&app.app.db, app.company).await.unwrap().is_none());
    let entered = app.post_as("", "/entrar", &[("correo", "ana@cotopaxi.ec"), ("clave", PASSWORD)]).await;
    assert_eq!(entered.status, StatusCode::UNPROCESSABLE_ENTITY, "a person without a company enters nowhere");
}
