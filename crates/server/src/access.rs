//! Who may do what. A handler's signature says it: `may: Authorized<VoidPayments>` carries the company and the actor.

use acuse_domain::message::messages;
use std::marker::PhantomData;

use acuse_store::users::{self, Role, Session};
use acuse_store::{Actor, tokens};
use axum::extract::{FromRequestParts, Request};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, REFERER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::app::App;
use crate::cookies;
use crate::problem::Problem;

/// Something that a role may or may not do.
pub trait Permission: Send + Sync + 'static {
    fn is_held_by(role: Role) -> bool;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident => $roles:pat),+ $(,)?) => {$(
        $(#[$doc])*
        pub struct $name;

        impl Permission for $name {
            fn is_held_by(role: Role) -> bool {
                matches!(role, $roles)
            }
        }
    )+};
}

permissions! {
    /// Read everything of the company.
    ViewRecords => _,
    RecordPayments => Role::Owner | Role::Accountant,
    VoidPayments => Role::Owner | Role::Accountant,
    /// Send, re-send, retry and cancel.
    SendReceipts => Role::Owner | Role::Accountant,
    KeepContacts => Role::Owner | Role::Accountant,
    KeepDocuments => Role::Owner | Role::Accountant,
    /// The company's data, logo and mail accounts.
    ConfigureCompany => Role::Owner,
}

/// Somebody who holds permission `P` in the company that `actor` names.
pub struct Authorized<P> {
    pub actor: Actor,
    /// Of a browser; a token of the API has none.
    pub session: Option<Session>,
    permission: PhantomData<P>,
}

impl<P: Permission> FromRequestParts<App> for Authorized<P> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        if parts.uri.path().starts_with("/api/") { by_token(parts, app).await } else { by_session(parts, app).await }
    }
}

/// A token belongs to one company and may do everything there.
async fn by_token<P>(parts: &Parts, app: &App) -> Result<Authorized<P>, Response> {
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let only = headers.next().filter(|_| headers.next().is_none());
    let header = only.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = header.strip_prefix("Bearer ").map(str::trim).filter(|token| token.starts_with("acu_"));
    let Some(token) = token else {
        return Err(Problem::new(StatusCode::UNAUTHORIZED, messages::token_missing()).into_response());
    };
    match tokens::actor(&app.db, token).await {
        Ok(Some(actor)) => Ok(Authorized { actor, session: None, permission: PhantomData }),
        Ok(None) => Err(Problem::new(StatusCode::UNAUTHORIZED, messages::token_unknown()).into_response()),
        Err(error) => Err(Problem::from(error).into_response()),
    }
}

async fn by_session<P: Permission>(parts: &Parts, app: &App) -> Result<Authorized<P>, Response> {
    let Some(token) = session_token(app, &parts.headers) else { return Err(to_login(parts)) };
    match users::session(&app.db, &token, acuse_store::now()).await {
        Ok(Some(session)) if P::is_held_by(session.role) => {
            let actor = Actor { company: session.company, name: session.name.clone() };
            Ok(Authorized { actor, session: Some(session), permission: PhantomData })
        }
        Ok(Some(_)) => Err(crate::web::trouble::not_allowed()),
        Ok(None) => Err(to_login(parts)),
        Err(error) => Err(crate::web::trouble::store_failed(&error)),
    }
}

/// The token in the session's cookie.
#[must_use]
pub fn session_token(app: &App, headers: &HeaderMap) -> Option<String> {
    cookies::read(app, headers, cookies::SESSION)
}

/// Marks an answer that stands for the login: a form that was sent along need not be lost.
#[derive(Debug, Clone, Copy)]
pub struct LoginNeeded;

/// Login, and back to where the person wanted to go; after a form, to the page it stood in. What a script asks for beside
/// the page is told in a word: a login page would come out in the middle of something else.
fn to_login(parts: &Parts) -> Response {
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let is_beside_the_page = text("sec-fetch-mode").is_some_and(|mode| mode != "navigate") || text("hx-request").is_some();
    let mut answer = if is_beside_the_page {
        (StatusCode::UNAUTHORIZED, Html("Su sesión terminó.")).into_response()
    } else {
        let wanted =
            if parts.method == Method::GET { parts.uri.path_and_query().map(|path| path.as_str()) } else { came_from(parts) };
        match wanted {
            None | Some("/") => Redirect::to("/entrar").into_response(),
            Some(wanted) => {
                Redirect::to(&format!("/entrar?volver={}", utf8_percent_encode(wanted, NON_ALPHANUMERIC))).into_response()
            }
        }
    };
    answer.extensions_mut().insert(LoginNeeded);
    answer
}

/// The path of the page in which a form stood, if it is one of ours.
fn came_from(parts: &Parts) -> Option<&str> {
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let (_, from) = text(REFERER)?.split_once("://")?;
    let path = from.strip_prefix(text(HOST)?)?;
    path.starts_with('/').then_some(path)
}

/// Refuses a form that another site sends in the browser's name. Browsers say where a request comes from
/// (`Sec-Fetch-Site`, else `Origin`); what says neither is no browser with a cookie jar of ours. The session's cookie
/// is `SameSite=Lax` besides. The API knows no cookies and needs none of this.
pub async fn refuse_foreign_forms(request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || request.uri().path().starts_with("/api/") || is_from_here(request.headers()) {
        return next.run(request).await;
    }
    crate::web::trouble::foreign_form()
}

fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match (text(ORIGIN.as_str()), text(HOST.as_str())) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, own)| own == host),
        (None, _) => true,
        (Some(_), None) => false,
    }
}
