//! Who calls the API: the holder of a token, as often as its limit lets them.

use std::net::IpAddr;

use acuse_domain::access::{Grant, Permission, Scope};
use acuse_domain::api_token::{ends_at, ends_soon};
use acuse_domain::message::messages;
use acuse_store::tokens::{self, Holder, HolderError};
use acuse_store::{Identity, now};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::SecondsFormat;

use super::{Caller, note_refusal};
use crate::app::App;
use crate::client_address::client_address;
use crate::problem::Problem;
use crate::rate_limit::TooMany;

/// On every answer of a token's last two weeks: when it stops opening.
const EXPIRES: HeaderName = HeaderName::from_static("acuse-token-expires");

/// A token belongs to one company and may do there what its scopes say. Asked for no permission, any token that opens is let in.
pub(super) async fn caller(needed: Option<Permission>, parts: &Parts, app: &App) -> Result<Caller, Response> {
    let from = client_address(parts, app);
    let Holder { actor, scopes, expires_on } = match held(parts) {
        Some(token) => tokens::holder(&app.db, token, from, now()).await.map_err(refusal),
        None => Err(Problem::new(StatusCode::UNAUTHORIZED, messages::token_missing()).into_response()),
    }
    .map_err(|refusal| counted(refusal, app, from))?;
    let Identity::Token(id) = actor.identity else { return Err(Problem::internal().into_response()) };
    let mut told = app.rate_limits.take(id).map_err(too_many)?;
    if let Some(day) = expires_on.filter(|day| ends_soon(*day, now())) {
        let at = ends_at(day).to_rfc3339_opts(SecondsFormat::Secs, true);
        told.extend(HeaderValue::try_from(at).ok().map(|at| (EXPIRES, at)));
    }
    match needed {
        Some(permission) if !scopes.holds(permission) => {
            note_refusal(actor, parts, app).await;
            Err(with(told, lacks_scope(permission).into_response()))
        }
        _ => Ok(Caller { actor, grant: Grant::Scopes(scopes), session: None, is_archived: false, told }),
    }
}

/// The token that a request was sent with.
fn held(parts: &Parts) -> Option<&str> {
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let only = headers.next().filter(|_| headers.next().is_none())?;
    // RFC 9110 11.1: the scheme in any case.
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    token.starts_with(tokens::PREFIX).then_some(token)
}

fn refusal(error: HolderError) -> Response {
    let problem = match error {
        HolderError::Unknown => Problem::new(StatusCode::UNAUTHORIZED, messages::token_unknown()),
        HolderError::Expired { last_day } => Problem::new(StatusCode::UNAUTHORIZED, messages::token_expired(last_day)),
        HolderError::NotFromHere => Problem::new(StatusCode::FORBIDDEN, messages::token_not_from_here()),
        HolderError::Store(error) => error.into(),
    };
    problem.into_response()
}

/// Whoever has no token that opens is counted by their network; our own failures are nobody's.
fn counted(refusal: Response, app: &App, from: Option<IpAddr>) -> Response {
    if refusal.status().is_server_error() {
        return refusal;
    }
    match app.rate_limits.take_of_stranger(from) {
        Ok(told) => with(told, refusal),
        Err(too_many_calls) => too_many(too_many_calls),
    }
}

fn too_many(TooMany { headers, seconds }: TooMany) -> Response {
    with(headers, Problem::too_many_requests(seconds).into_response())
}

/// What a token is told that was not made for this.
pub fn lacks_scope(permission: Permission) -> Problem {
    match Scope::of(permission) {
        Some(scope) => Problem::lacks_scope(scope),
        None => Problem::internal(),
    }
}

fn with(told: HeaderMap, mut response: Response) -> Response {
    response.headers_mut().extend(told);
    response
}
