//! Access that is taken back while a server runs: from the next request on nothing opens.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::installation::{Installation, Server};

const RUC: &str = "1790012344001";

fn json(text: &str) -> Vec<Value> {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    value["data"].as_array().expect("a list").clone()
}

fn refused(installation: &Installation, arguments: &[&str], words: &str) {
    let done = installation.run(arguments, "");
    let errors = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{arguments:?}: {errors}");
    assert!(errors.contains(words), "{arguments:?}: {errors}");
}

async fn page(server: &Server, session: &str, path: &str) -> (StatusCode, String) {
    let answer = server.get(path).header("Cookie", session).send().await.unwrap();
    let to = answer.headers().get("location").map_or("", |to| to.to_str().unwrap()).to_string();
    (answer.status(), to)
}

async fn log_in_as(server: &Server, email: &str, cookies: &str) -> String {
    let form = [("correo", email), ("clave", "una clave larga")];
    let answer = server.form(cookies, "/entrar", &form).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{}", server.log());
    let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
    cookies.filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn a_token_that_is_revoked_opens_nothing_at_the_next_call_of_any_node() {
    let installation = Installation::new();
    let (one, other) = (installation.serve().await, installation.serve().await);
    for server in [&one, &other] {
        assert_eq!(server.api(Method::GET, "/company").send().await.unwrap().status(), StatusCode::OK);
    }
    let listed = installation.succeed(&["token", "list", "--json"], "");
    assert!(!listed.contains(&installation.token), "the secret is not shown");
    let tokens = json(&listed);
    assert_eq!((tokens.len(), tokens[0]["name"].as_str(), tokens[0]["company"].as_str()), (1, Some("ERP"), Some(RUC)));
    let id = tokens[0]["id"].as_str().unwrap().to_string();
    installation.succeed(&["token", "revoke", &id], "");
    for server in [&one, &other] {
        assert_eq!(server.api(Method::GET, "/company").send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    assert!(json(&installation.succeed(&["token", "list", "--json"], "")).is_empty());
    let all = json(&installation.succeed(&["token", "list", "--all", "--json"], ""));
    assert!(all[0]["revoked_at"].is_string() && all[0]["created_at"].is_string(), "{all:?}");
    refused(&installation, &["token", "revoke", &id], "ya estaba revocado");
    refused(&installation, &["token", "revoke", "--company", RUC, "--name", "ERP"], "no hay un token");
    assert_eq!(installation.run(&["token", "revoke"], "").status.code(), Some(2), "usage");
}

#[tokio::test]
async fn a_role_and_a_place_are_taken_back_at_once() {
    let installation = Installation::new();
    let server = installation.serve().await;
    installation.succeed(&["user", "create", "--email", "eva@cotopaxi.ec", "--company", RUC], "una clave larga");
    let session = log_in_as(&server, "eva@cotopaxi.ec", "").await;
    assert_eq!(page(&server, &session, "/mi-compania/correos").await.0, StatusCode::OK);
    installation.succeed(&["user", "role", "--email", "eva@cotopaxi.ec", "--company", RUC, "--role", "viewer"], "");
    assert_eq!(page(&server, &session, "/cobros").await.0, StatusCode::OK, "a viewer reads");
    let write = server.form(&session, "/cobros/nuevo", &[("x", "y")]).send().await.unwrap();
    assert_eq!(write.status(), StatusCode::FORBIDDEN);
    installation.succeed(&["user", "remove", "--email", "eva@cotopaxi.ec", "--company", RUC], "");
    let (status, to) = page(&server, &session, "/cobros").await;
    assert!(status.is_redirection() && to.starts_with("/entrar"), "{status} {to}");
    let users = json(&installation.succeed(&["user", "list", "--json"], ""));
    let emails: Vec<_> = users.iter().map(|user| user["email"].as_str().unwrap()).collect();
    assert_eq!(emails, ["ana@cotopaxi.ec"]);
    refused(&installation, &["user", "remove", "--email", "ana@cotopaxi.ec", "--company", RUC], "último administrador");
    refused(
        &installation,
        &["user", "role", "--email", "ana@cotopaxi.ec", "--company", RUC, "--role", "viewer"],
        "último administrador",
    );
    refused(&installation, &["user", "remove", "--email", "eva@cotopaxi.ec", "--company", RUC], "no es usuario");
    refused(&installation, &["user", "role", "--email", "x@y.ec", "--company", "0190402118001", "--role", "viewer"], "RUC");
    let usage = ["user", "role", "--email", "ana@cotopaxi.ec", "--company", RUC, "--role", "reina"];
    assert_eq!(installation.run(&usage, "").status.code(), Some(2));
}

#[tokio::test]
async fn a_new_login_a_logout_and_a_new_password_end_what_was_open() {
    let installation = Installation::new();
    let server = installation.serve().await;
    let is_open = async |session: &str| page(&server, session, "/cobros").await.0 == StatusCode::OK;
    let first = log_in_as(&server, "ana@cotopaxi.ec", "").await;
    let second = log_in_as(&server, "ana@cotopaxi.ec", &first).await;
    assert_ne!(first, second, "a session is new at every login");
    assert_eq!((is_open(&first).await, is_open(&second).await), (false, true));
    let planted = log_in_as(&server, "ana@cotopaxi.ec", "acuse_sesion=elegida-por-otro").await;
    assert!(!planted.contains("elegida-por-otro") && is_open(&planted).await);
    assert!(!is_open("acuse_sesion=elegida-por-otro").await);

    let answer = server.form(&second, "/salir", &[]).send().await.unwrap();
    assert!(answer.status().is_redirection());
    assert!(!is_open(&second).await, "the server forgot it, not only the browser");
    assert!(is_open(&planted).await);

    let sessions = json(&installation.succeed(&["user", "sessions", "--email", "ana@cotopaxi.ec", "--json"], ""));
    assert_eq!(sessions.len(), 1);
    let users = json(&installation.succeed(&["user", "list", "--company", RUC, "--json"], ""));
    assert!(users[0]["last_login_at"].is_string(), "{users:?}");
    installation.succeed(&["user", "password", "--email", "ana@cotopaxi.ec"], "otra clave larga");
    assert!(!is_open(&planted).await);
    let old = server.form("", "/entrar", &[("correo", "ana@cotopaxi.ec"), ("clave", "una clave larga")]).send().await.unwrap();
    assert_ne!(old.status(), StatusCode::SEE_OTHER, "the old password opens nothing");
    let new = server.form("", "/entrar", &[("correo", "ana@cotopaxi.ec"), ("clave", "otra clave larga")]).send().await.unwrap();
    assert_eq!(new.status(), StatusCode::SEE_OTHER);
    let ended = installation.succeed(&["user", "logout", "--email", "ana@cotopaxi.ec"], "");
    assert!(ended.contains('1'), "{ended}");
    refused(&installation, &["user", "logout", "--email", "nadie@cotopaxi.ec"], "no hay un usuario");
    refused(&installation, &["user", "password", "--email", "nadie@cotopaxi.ec"], "contraseña");
}

#[test]
fn lists_are_read_by_people_too() {
    let installation = Installation::new();
    let companies = installation.succeed(&["company", "list"], "");
    assert!(companies.contains(RUC) && companies.contains("Distribuidora Cotopaxi"), "{companies}");
    let users = installation.succeed(&["user", "list"], "");
    assert!(users.contains("ana@cotopaxi.ec") && users.contains("owner") && users.contains(RUC), "{users}");
    let tokens = installation.succeed(&["token", "list"], "");
    assert!(tokens.contains("ERP") && !tokens.contains(&installation.token), "{tokens}");
    let companies = json(&installation.succeed(&["company", "list", "--json"], ""));
    assert_eq!((companies[0]["users"].as_u64(), companies[0]["tokens"].as_u64()), (Some(1), Some(1)));
    for noun in ["company", "user", "token"] {
        let help = installation.succeed(&[noun, "--help"], "");
        assert!(help.contains("list"), "{help}");
    }
}
