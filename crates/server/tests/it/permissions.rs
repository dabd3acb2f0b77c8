//! Every path asks for what stands beside it, and what nobody was let in to answers nobody.

use acuse_domain::access::{HOLDERS, Permission, Role};
use acuse_server::route::{Access, Route};
use acuse_server::{api, web};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use axum::routing::get;
use tower::ServiceExt;

use crate::support::{Answer, TestApp};

/// Pages that nobody has to log in for, and why.
const OPEN_PAGES: [(&str, &str); 13] = [
    ("GET /entrar", "the login"),
    ("POST /entrar", "the login"),
    ("POST /salir", "ends what session there is"),
    ("POST /tema", "a colour, in this browser"),
    ("GET /mi-compania", "leads to a page that asks"),
    ("GET /mi-compania/correos/si-falla", "leads to a page that asks"),
    ("GET /mi-compania/correos/{id}/probar", "leads to a page that asks"),
    ("GET /entrar/segundo-paso", "the second half of the login"),
    ("POST /entrar/segundo-paso", "the second half of the login"),
    ("GET /entrar/otra-vez", "asks a session who it is, and leads to the login without one"),
    ("POST /entrar/otra-vez", "asks a session who it is, and leads to the login without one"),
    ("POST /entrar/llave", "the login by a key"),
    ("POST /entrar/llave/reto", "what a key signs to log in"),
];
const OPEN_CALLS: [&str; 2] = ["/healthz", "/readyz"];
const OPERATING: &str = include_str!("../../../../docs/operar.md");

async fn ask(app: &TestApp, session: &str, route: &Route) -> Answer {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let path = route.path.replace("{id}", id).replace("{envio}", id).replace("{provider}", "google").replace("{place}", "0");
    if route.method == Method::GET { app.get_as(session, &path).await } else { app.post_as(session, &path, &[]).await }
}

fn asks_for_login(answer: &Answer) -> bool {
    answer.status == StatusCode::UNAUTHORIZED || answer.location().starts_with("/entrar")
}

#[tokio::test]
async fn every_page_asks_for_the_permission_beside_its_path() {
    let app = TestApp::start().await;
    let sessions = [Role::Accountant, Role::Assistant, Role::Clerk, Role::Viewer].map(|role| (role, app.session_of(role)));
    let mut open = Vec::new();
    let routes = web::pages();
    for route in &routes {
        let name = format!("{} {}", route.method, route.path);
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
}

#[tokio::test]
async fn every_call_asks_for_a_token() {
    let app = TestApp::start().await;
    let mut seen = 0;
    for (path, call, access) in api::access() {
        assert_eq!(access == Access::Everybody, OPEN_CALLS.contains(&path.as_str()), "{path}");
        let methods = [
            (Method::GET, call.get),
            (Method::POST, call.post),
            (Method::PATCH, call.patch),
            (Method::PUT, call.put),
            (Method::DELETE, call.delete),
        ];
        for (method, call) in methods {
            let (Some(_), Access::Holders(permission)) = (call, access) else { continue };
            let asked = path.replace("{id}", "nada").replace("{provider}", "google");
            let request = Request::builder().method(&method).uri(asked).body(Body::empty()).unwrap();
            let answer = app.ask(request).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_eq!(permission == Permission::ViewRecords, method == Method::GET, "{method} {path} needs {permission:?}");
            seen += 1;
        }
    }
    assert!(seen > 30, "the calls were not found: {seen}");
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
