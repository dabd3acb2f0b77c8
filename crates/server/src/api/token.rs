//! The token that a call is made with.

use acuse_domain::access::Scope;
use acuse_domain::api_token::ends_at;
use acuse_store::tokens::{self, TokenInfo};
use acuse_store::{Identity, now};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::NoBody;
use super::openapi::{Always, BadInput};
use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;

/// What the history says of a token that its own program took back.
const BY_ITSELF: &str = "API";

/// What a token is and may do; never what it opens with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenOut {
    id: Uuid,
    name: String,
    /// Its first and last letters; null for one that an earlier version made.
    hint: Option<String>,
    /// `read`, `record`, `send`, `configure`.
    scopes: Vec<&'static str>,
    created_at: DateTime<Utc>,
    /// From when on it opens nothing; null where it does not expire.
    expires_at: Option<DateTime<Utc>>,
    /// Addresses and networks that it opens from; empty where from everywhere.
    from: Vec<String>,
    company: TokenCompany,
}

/// Whose records it opens.
#[derive(Debug, Serialize, ToSchema)]
struct TokenCompany {
    id: Uuid,
    ruc: String,
}

/// What this token is. Any token may ask.
#[utoipa::path(get, path = "/api/v1/token", tag = "token", responses((status = 200, body = TokenOut), Always))]
pub async fn show(State(app): State<App>, caller: Caller) -> Result<Json<TokenOut>, Problem> {
    let Identity::Token(id) = caller.actor.identity else { return Err(Problem::internal()) };
    let token = tokens::find(&app.db, caller.actor.company, id).await?.ok_or_else(Problem::internal)?;
    Ok(Json(token.into()))
}

/// Revokes this token: it opens nothing from the next call on. Any token may ask.
#[utoipa::path(delete, path = "/api/v1/token", tag = "token",
    responses((status = 204, description = "It is revoked"), Always, BadInput))]
pub async fn revoke(State(app): State<App>, caller: Caller, NoBody: NoBody) -> Result<StatusCode, Problem> {
    let Identity::Token(id) = caller.actor.identity else { return Err(Problem::internal()) };
    tokens::revoke(&app.db, &caller.actor, id, BY_ITSELF, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<TokenInfo> for TokenOut {
    fn from(token: TokenInfo) -> Self {
        Self {
            id: token.id.0,
            name: token.name,
            hint: token.hint,
            scopes: token.scopes.iter().map(Scope::as_str).collect(),
            created_at: token.created_at,
            expires_at: token.expires_on.map(ends_at),
            from: token.networks.iter().collect(),
            company: TokenCompany { id: token.company.0, ruc: token.ruc.to_string() },
        }
    }
}
