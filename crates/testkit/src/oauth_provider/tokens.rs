//! The token endpoint (RFC 6749 4.1.3 and 6, RFC 7636 4.6).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::body::Body;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{CLIENT_ID, CLIENT_SECRET, Family, Mind, Shared, Way};

/// Bytes; more than anybody would read of an answer.
const HUGE: usize = 64 * 1_024 * 1_024;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    grant_type: String,
    client_id: String,
    client_secret: String,
    code: String,
    code_verifier: String,
    redirect_uri: String,
    refresh_token: String,
}

type Refusal = (&'static str, &'static str);

pub(super) async fn token(State(shared): State<Arc<Shared>>, Form(asked): Form<Asked>) -> Response {
    let way = {
        let mut mind = shared.mind();
        mind.token_requests += 1;
        mind.way.clone()
    };
    match way {
        Way::Answers => {}
        Way::AnswersAfter(delay) => tokio::time::sleep(delay).await,
        Way::Says(error, description) => return refused((error, description)),
        Way::Fails(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return (status, "<h1>Algo falló</h1>").into_response();
        }
        Way::Garbage => return "<html>esto no es JSON</html>".into_response(),
        Way::Huge => return Body::from(vec![b' '; HUGE]).into_response(),
    }
    answer(&shared, &asked).map_or_else(refused, |tokens| Json(tokens).into_response())
}

fn refused((error, description): Refusal) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": error, "error_description": description }))).into_response()
}

fn answer(shared: &Shared, asked: &Asked) -> Result<Value, Refusal> {
    if asked.client_id != CLIENT_ID || asked.client_secret != CLIENT_SECRET {
        return Err(("invalid_client", "The client is not known, or its secret is wrong."));
    }
    match asked.grant_type.as_str() {
        "authorization_code" => by_code(shared, asked),
        "refresh_token" => by_refresh_token(shared, asked),
        _ => Err(("unsupported_grant_type", "authorization_code and refresh_token are.")),
    }
}

fn by_code(shared: &Shared, asked: &Asked) -> Result<Value, Refusal> {
    let mut mind = shared.mind();
    let code = mind.codes.remove(&asked.code).ok_or(("invalid_grant", "The code is unknown or was used."))?;
    if code.redirect_uri != asked.redirect_uri {
        return Err(("invalid_grant", "The redirect_uri is not the one of before."));
    }
    if URL_SAFE_NO_PAD.encode(Sha256::digest(asked.code_verifier.as_bytes())) != code.challenge {
        return Err(("invalid_grant", "PKCE verification failed."));
    }
    let family = Uuid::now_v7();
    let new = Family {
        address: code.address.clone(),
        scope: code.scope.clone(),
        refresh_token: String::new(),
        access_token: String::new(),
        revoked: false,
    };
    mind.families.insert(family, new);
    let mut tokens = mind.issue(family);
    tokens["id_token"] = Value::from(id_token(&shared.issuer, &code.address, &code.nonce));
    Ok(tokens)
}

fn by_refresh_token(shared: &Shared, asked: &Asked) -> Result<Value, Refusal> {
    const GONE: Refusal = ("invalid_grant", "Token has been expired or revoked.");
    let mut mind = shared.mind();
    let id = *mind.refresh_tokens.get(&asked.refresh_token).ok_or(GONE)?;
    let family = mind.families.get_mut(&id).ok_or(GONE)?;
    // An old one that shows up again was stolen, or its successor was lost: nobody can tell, so all of them end.
    if family.refresh_token != asked.refresh_token {
        family.revoked = true;
    }
    if family.revoked {
        return Err(GONE);
    }
    Ok(mind.issue(id))
}

impl Mind {
    fn issue(&mut self, id: Uuid) -> Value {
        let (life, lasts, rotates) = (self.access_life, self.connection_life, self.rotates);
        let Some(family) = self.families.get_mut(&id) else { return Value::Null };
        family.access_token = format!("acceso-{}", Uuid::now_v7());
        let is_first = family.refresh_token.is_empty();
        let mut tokens = json!({
            "access_token": family.access_token, "token_type": "Bearer", "expires_in": life, "scope": family.scope,
        });
        if is_first || rotates {
            family.refresh_token = format!("renovacion-{}", Uuid::now_v7());
            tokens["refresh_token"] = Value::from(family.refresh_token.as_str());
            self.refresh_tokens.insert(family.refresh_token.clone(), id);
        }
        if let Some(seconds) = lasts {
            tokens["refresh_token_expires_in"] = Value::from(seconds);
        }
        tokens
    }
}

/// Unsigned: our client takes it from this answer only.
fn id_token(issuer: &str, address: &str, nonce: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let claims = json!({
        "iss": issuer, "aud": CLIENT_ID, "sub": address, "email": address, "email_verified": true,
        "nonce": nonce, "iat": now, "exp": now + 3_600,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none" })), part(&claims))
}
