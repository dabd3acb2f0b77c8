//! Who asks, and whether they may. The permission of a route stands beside its path (web.rs, api.rs) and is asked for before
//! its handler, which takes the [`Caller`] that was let in.

pub mod by_token;
pub mod form_company;

use acuse_domain::access::{Grant, Permission, Role};
use acuse_store::users::{self, Session};
use acuse_store::{Actor, Identity, archive, audit};
use axum::extract::{FromRequestParts, Request};
use axum::http::header::{HOST, ORIGIN, REFERER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::app::App;
use crate::client_address::client_address;
use crate::cookies;
use crate::problem::Problem;
use crate::web::trouble;

/// Who asks: somebody who holds the permission that stands beside the path.
#[derive(Debug, Clone)]
pub struct Caller {
    pub actor: Actor,
    pub grant: Grant,
    /// Of a browser; a token of the API has none.
    pub session: Option<Session>,
    /// The company is only read.
    pub is_archived: bool,
    /// What the answer tells whoever calls, of their token.
    pub told: HeaderMap,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = StatusCode;

    /// Errs where no permission was asked for: what nobody was let in to answers nobody.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!("No permission stands beside {}", parts.uri.path());
            StatusCode::INTERNAL_SERVER_ERROR
        })
    }
}

impl Caller {
    /// Errs with the answer to whoever is not known or may not. In an archived company nobody may do more than read.
    pub async fn holding(permission: Permission, parts: &Parts, app: &App) -> Result<Self, Response> {
        let is_call = parts.uri.path().starts_with("/api/");
        let caller = if is_call { by_token::caller(Some(permission), parts, app).await } else { by_session(parts, app).await }?;
        let caller = caller.seen_in(parts, app, is_call).await?;
        if let (false, Grant::Role(role)) = (caller.grant.holds(permission), &caller.grant) {
            let mut answer = trouble::not_allowed();
            answer.extensions_mut().insert(RoleLacks(*role));
            note_refusal(caller.actor, parts, app).await;
            return Err(answer);
        }
        if !caller.may(permission) {
            return Err(if is_call {
                Problem::company_archived().into_response()
            } else {
                trouble::archived(caller.grant.holds(Permission::CloseCompany))
            });
        }
        Ok(caller)
    }

    /// Errs with the answer to whoever is not logged in.
    pub async fn logged_in(parts: &Parts, app: &App) -> Result<Self, Response> {
        by_session(parts, app).await?.seen_in(parts, app, false).await
    }

    async fn seen_in(mut self, parts: &Parts, app: &App, is_call: bool) -> Result<Self, Response> {
        self.actor.source = client_address(parts, app);
        self.is_archived = match archive::archived_at(&app.db, self.actor.company).await {
            Ok(since) => since.is_some(),
            Err(error) if is_call => return Err(Problem::from(error).into_response()),
            Err(error) => return Err(trouble::store_failed(&error)),
        };
        Ok(self)
    }

    /// Whoever has a token that opens, whatever it is for.
    pub async fn with_any_token(parts: &Parts, app: &App) -> Result<Self, Response> {
        by_token::caller(None, parts, app).await?.seen_in(parts, app, true).await
    }

    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.grant.holds(permission) && (!self.is_archived || permission.outlasts_archiving())
    }
}

async fn by_session(parts: &Parts, app: &App) -> Result<Caller, Response> {
    let Some(token) = session_token(app, &parts.headers) else { return Err(to_login(parts)) };
    match users::session(&app.db, &token, acuse_store::now()).await {
        Ok(Some(session)) if session.lacks_second_factor && !is_for_setting_it_up(parts.uri.path()) => {
            Err(to_second_factor(parts))
        }
        Ok(Some(session)) => {
            let identity = Identity::User { user: session.user, session: session.id };
            let actor = Actor { company: session.company, name: session.name.clone(), identity, source: None };
            let (grant, told) = (Grant::Role(session.role), HeaderMap::new());
            Ok(Caller { actor, grant, session: Some(session), is_archived: false, told })
        }
        Ok(None) => Err(to_login(parts)),
        Err(error) => Err(trouble::store_failed(&error)),
    }
}

/// Who may not, may not whether or not it could be written down.
async fn note_refusal(actor: Actor, parts: &Parts, app: &App) {
    let actor = Actor { source: client_address(parts, app), ..actor };
    let what = format!("{} {}", parts.method, parts.uri.path());
    if let Err(error) = audit::note_refusal(&app.db, &actor, &what, acuse_store::now()).await {
        tracing::error!("A refusal does not stand in the history: {error}");
    }
}

/// Somebody whose company asks for a second step, and who has none yet, comes this far, and into another company of theirs.
fn is_for_setting_it_up(path: &str) -> bool {
    let is_below = |place: &str| path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    is_below("/mi-cuenta") || is_below("/companias")
}

fn to_second_factor(parts: &Parts) -> Response {
    if is_beside_the_page(&parts.headers) {
        return (StatusCode::UNAUTHORIZED, Html("Falta activar el segundo paso.")).into_response();
    }
    Redirect::to("/mi-cuenta/segundo-paso").into_response()
}

/// What a script asks for beside the page is told in a word: a whole page would come out in the middle of something else.
pub(crate) fn is_beside_the_page(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    text("sec-fetch-mode").is_some_and(|mode| mode != "navigate") || text("hx-request").is_some()
}

/// The token in the session's cookie.
#[must_use]
pub fn session_token(app: &App, headers: &HeaderMap) -> Option<String> {
    cookies::read(app, headers, cookies::SESSION)
}

/// Marks an answer to somebody whose role does not hold what they asked for: a form that was sent along need not be lost.
#[derive(Debug, Clone, Copy)]
pub struct RoleLacks(pub Role);

/// Marks an answer that stands for the login: a form that was sent along need not be lost.
#[derive(Debug, Clone, Copy)]
pub struct LoginNeeded;

/// Login, and back to where the person wanted to go; after a form, to the page it stood in. What a script asks for beside
/// the page is told in a word.
fn to_login(parts: &Parts) -> Response {
    let mut answer = if is_beside_the_page(&parts.headers) {
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
    trouble::foreign_form()
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
