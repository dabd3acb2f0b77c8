//! What a browser sees of the provider, and what a client looks up.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{CLIENT_ID, Code, Consent, Shared};

pub(super) async fn configuration(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let issuer = &shared.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
    }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    response_type: String,
    client_id: String,
    redirect_uri: String,
    scope: String,
    state: String,
    nonce: String,
    code_challenge: String,
    code_challenge_method: String,
    login_hint: String,
    /// Of the page with two links.
    decision: String,
}

pub(super) async fn authorize(State(shared): State<Arc<Shared>>, Query(asked): Query<Asked>, uri: axum::http::Uri) -> Response {
    if let Some(wrong) = what_is_wrong(&asked) {
        return (StatusCode::BAD_REQUEST, wrong).into_response();
    }
    let consent = match asked.decision.as_str() {
        "si" => Consent::AtOnce,
        "no" => Consent::Refused,
        _ => shared.mind().consent,
    };
    match consent {
        Consent::AtOnce => back_with_code(&shared, &asked, &asked.scope),
        Consent::WithoutMail => back_with_code(&shared, &asked, "openid email"),
        Consent::Refused => back(&asked, &[("error", "access_denied"), ("error_description", "The user said no.")]),
        Consent::Asks => ask(&uri),
    }
}

fn what_is_wrong(asked: &Asked) -> Option<&'static str> {
    match asked {
        asked if asked.client_id != CLIENT_ID => Some("unknown client"),
        asked if asked.response_type != "code" => Some("only code is given"),
        asked if asked.code_challenge_method != "S256" || asked.code_challenge.len() < 43 => Some("PKCE with S256 is a must"),
        asked if asked.state.len() < 16 => Some("a state is a must"),
        asked if !asked.redirect_uri.starts_with("http") => Some("nowhere to go back to"),
        _ => None,
    }
}

fn ask(uri: &axum::http::Uri) -> Response {
    let here = uri.to_string().replace('&', "&amp;");
    Html(format!(
        "<!doctype html><html lang=es><link rel=icon href=data:,><title>Proveedor de prueba</title><h1>Acuse quiere enviar correo en su nombre</h1>\
         <p><a href=\"{here}&amp;decision=si\">Permitir</a> <a href=\"{here}&amp;decision=no\">Cancelar</a>"
    ))
    .into_response()
}

fn back_with_code(shared: &Shared, asked: &Asked, scope: &str) -> Response {
    let code = format!("codigo-{}", Uuid::now_v7());
    let mut mind = shared.mind();
    let address = mind.signed_in.clone().unwrap_or_else(|| asked.login_hint.clone());
    let kept = Code {
        address,
        challenge: asked.code_challenge.clone(),
        redirect_uri: asked.redirect_uri.clone(),
        nonce: asked.nonce.clone(),
        scope: scope.to_owned(),
    };
    mind.codes.insert(code.clone(), kept);
    drop(mind);
    back(asked, &[("code", &code), ("iss", &shared.issuer)])
}

fn back(asked: &Asked, answer: &[(&str, &str)]) -> Response {
    let mut url = format!("{}?state={}", asked.redirect_uri, encoded(&asked.state));
    for (name, value) in answer {
        url.push_str(&format!("&{name}={}", encoded(value)));
    }
    Redirect::to(&url).into_response()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
