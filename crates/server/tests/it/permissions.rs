//! Every path asks for what stands beside it, and what nobody was let in to answers nobody.

use acuse_domain::access::{HOLDERS, Permission, Role, Scope, Scopes};
use acuse_domain::api_token::NewToken;
use acuse_server::route::{Access, Route};
use acuse_server::{api, web};
use acuse_store::now;
use acuse_store::tokens::{self, Issued};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use axum::routing::get;
use secrecy::ExposeSecret;
use tower::ServiceExt;

use crate::support::{Answer, TestApp};

/// Pages that nobody has to log in for, and why.
const OPEN_PAGES: [(&str, &str); 26] = [
    ("GET /entrar", "the login"),
    ("POST /entrar", "the login"),
    ("POST /salir", "ends what session there is"),
    ("POST /tema", "a colour, in this browser"),
    ("GET /mi-compania", "leads to a page that asks"),
    ("GET /mi-compania/correos/si-falla", "leads to a page that asks"),
    ("GET /mi-compania/correos/{id}/probar", "leads to a page that asks"),
    ("GET /invitacion/{token}", "whoever has the link"),
    ("POST /invitacion/{token}", "whoever has the link"),
    ("GET /invitacion/{token}/rechazar", "whoever has the link"),
    ("POST /invitacion/{token}/rechazar", "whoever has the link"),
    ("GET /clave-olvidada", "asks for a link, which goes by mail"),
    ("POST /clave-olvidada", "asks for a link, which goes by mail"),
    ("GET /clave/{token}", "whoever has the link"),
    ("POST /clave/{token}", "whoever has the link"),
    ("GET /correo/{token}", "whoever has the link"),
    ("POST /correo/{token}", "whoever has the link"),
    ("GET /primer-inicio", "says that the link is missing"),
    ("GET /primer-inicio/{token}", "whoever has the link, while nobody is on record"),
    ("POST /primer-inicio/{token}", "whoever has the link, while nobody is on record"),
    ("GET /entrar/segundo-paso", "the second half of the login"),
    ("POST /entrar/segundo-paso", "the second half of the login"),
    ("GET /entrar/otra-vez", "asks a session who it is, and leads to the login without one"),
    ("POST /entrar/otra-vez", "asks a session who it is, and leads to the login without one"),
    ("POST /entrar/llave", "the login by a key"),
    ("POST /entrar/llave/reto", "what a key signs to log in"),
];
/// Pages for whoever is logged in, whatever they are in their company.
const OWN_PAGES: [&str; 4] = ["GET /companias", "GET /companias/nueva", "POST /companias/nueva", "POST /companias/{id}/entrar"];
const OPEN_CALLS: [&str; 2] = ["/healthz", "/readyz"];
const OPERATING: &str = include_str!("../../../../docs/operar.md");

async fn ask(app: &TestApp, session: &str, route: &Route) -> Answer {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let path = route.path.replace("{id}", id).replace("{envio}", id).replace("{provider}", "google").replace("{place}", "0");
    let path = path.replace("{token}", "x");
    if route.method == Method::GET { app.get_as(session, &path).await } else { app.post_as(session, &path, &[]).await }
}

fn asks_for_login(answer: &Answer) -> bool {
    answer.status == StatusCode::UNAUTHORIZED || answer.location().starts_with("/entrar")
}

#[tokio::test]
async fn every_page_asks_for_the_permission_beside_its_path() {
    let app = TestApp::start().await;
    let sessions = [Role::Accountant, Role::Assistant, Role::Clerk, Role::Viewer].map(|role| (role, app.session_of(role)));
    let (mut open, mut personal) = (Vec::new(), Vec::new());
    let routes = web::pages();
    for route in &routes {
        let name = format!("{} {}", route.method, route.path);
        if route.access == Access::LoggedIn {
            assert!(asks_for_login(&ask(&app, "", route).await), "{name} answers who is not logged in");
            personal.push(name);
            continue;
        }
        let Access::Holders(permission) = route.access else {
            open.push(name);
            continue;
        };
        assert!(asks_for_login(&ask(&app, "", route).await), "{name} answers who is not logged in");
        let is_ones_own = route.path.starts_with("/mi-cuenta");
        let only_reads = permission != Permission::ViewRecords || route.method == Method::GET || is_ones_own;
        assert!(only_reads, "who only reads sends no form: {name}");
    }
    for (role, session) in sessions {
        let session = session.await;
        for route in &routes {
            let Access::Holders(permission) = route.access else { continue };
            let answer = ask(&app, &session, route).await;
            let is_let_in = answer.status != StatusCode::FORBIDDEN && !asks_for_login(&answer);
            assert_eq!(is_let_in, role.holds(permission), "{role:?} at {} {}", route.method, route.path);
        }
    }
    open.sort();
    let mut known = OPEN_PAGES.map(|(page, _)| page);
    known.sort_unstable();
    assert_eq!(open, known, "a page for everybody says why");
    assert_eq!(personal, OWN_PAGES, "what is a person's own in all of their companies");
}

/// Every call by its method and path, and who may ask for it.
fn calls() -> Vec<(Method, String, Access)> {
    let each = |(path, call, access): (String, utoipa::openapi::PathItem, Access)| {
        let methods = [
            (Method::GET, call.get),
            (Method::POST, call.post),
            (Method::PATCH, call.patch),
            (Method::PUT, call.put),
            (Method::DELETE, call.delete),
        ];
        methods.into_iter().filter(|(_, call)| call.is_some()).map(move |(method, _)| (method, path.clone(), access))
    };
    let all: Vec<_> = api::access().flat_map(each).collect();
    assert!(all.len() > 30, "the calls were not found: {}", all.len());
    all
}

async fn call(app: &TestApp, token: Option<&str>, method: &Method, path: &str) -> Answer {
    let path = path.replace("{id}", "01890a5d-ac96-774b-bcce-b302099a8057").replace("{provider}", "google");
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    app.ask(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn every_call_asks_for_a_token() {
    let app = TestApp::start().await;
    for (method, path, access) in calls() {
        assert_eq!(access == Access::Everybody, OPEN_CALLS.contains(&path.as_str()), "{path}");
        if access == Access::Everybody {
            continue;
        }
        assert_eq!(call(&app, None, &method, &path).await.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        if let Access::Holders(permission) = access {
            assert_eq!(permission == Permission::ViewRecords, method == Method::GET, "{method} {path} needs {permission:?}");
        }
    }
}

#[tokio::test]
async fn a_token_of_each_scope_is_let_in_at_the_calls_of_its_scope_and_at_no_other() {
    let app = TestApp::start().await;
    let sets = Scope::ALL.map(|scope| vec![scope]).into_iter().chain([Vec::new()]);
    for scopes in sets {
        for (method, path, access) in calls() {
            // One of the calls revokes its token.
            let token = token_for(&app, &scopes).await;
            let answer = call(&app, Some(&token), &method, &path).await;
            let asked = format!("{scopes:?} at {method} {path}: {}", answer.text());
            let needed = match access {
                Access::Everybody | Access::LoggedIn | Access::AnyToken => None,
                Access::Holders(permission) => Some(Scope::of(permission).expect("what no token may is no call")),
            };
            let is_let_in = !matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED);
            assert_eq!(is_let_in, needed.is_none_or(|scope| scopes.contains(&scope)), "{asked}");
            if let Some(scope) = needed.filter(|_| !is_let_in) {
                let problem: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
                let told = (problem["code"].as_str(), problem["scope"].as_str());
                assert_eq!(told, (Some("scope_missing"), Some(scope.as_str())), "{asked}");
                let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{}\"", scope.as_str());
                assert_eq!(answer.header("www-authenticate"), challenge, "{asked}");
            }
        }
    }
}

async fn token_for(app: &TestApp, scopes: &[Scope]) -> String {
    let new = NewToken { scopes: Scopes::new(scopes.iter().copied()), ..NewToken::for_everything("ERP") };
    match tokens::issue(&app.app.db, &app.actor, &new, None, now()).await.unwrap() {
        Issued::Now { token, .. } => token.expose_secret().to_owned(),
        Issued::Before(id) => panic!("{id} was made before"),
    }
}

#[test]
fn the_document_names_the_scope_of_each_call() {
    let document = serde_json::to_value(api::document()).unwrap();
    for (method, path, access) in calls() {
        let named = &document["paths"][&path][method.as_str().to_lowercase()]["security"];
        let expected = match access {
            Access::Everybody | Access::LoggedIn => serde_json::json!([{}]),
            Access::AnyToken => serde_json::json!([{ "token": [] }]),
            Access::Holders(permission) => serde_json::json!([{ "token": [Scope::of(permission).unwrap().as_str()] }]),
        };
        assert_eq!(named, &expected, "{method} {path}");
    }
}

#[tokio::test]
async fn a_handler_that_nobody_was_let_in_to_answers_nobody() {
    let app = TestApp::start().await;
    let unguarded = Router::new()
        .route("/personas", get(web::contacts::list::list))
        .route("/api/v1/company", get(api::company::show))
        .with_state(app.app.clone());
    for path in ["/personas", "/api/v1/company"] {
        let request = Request::get(path).header("cookie", app.served().1).body(Body::empty()).unwrap();
        let answer = unguarded.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
    }
}

#[test]
fn the_operators_table_is_the_one_that_counts() {
    for (permission, roles) in HOLDERS {
        let cells = Role::ALL.map(|role| if roles.contains(&role) { "sí" } else { "no" }).join(" | ");
        let row = OPERATING.lines().find(|line| line.contains(&format!("`{permission:?}`")));
        assert!(row.is_some_and(|row| row.ends_with(&format!("| {cells} |"))), "{permission:?} is {cells}: {row:?}");
    }
}
