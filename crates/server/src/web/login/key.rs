//! Entering by a key, which is both steps.

use acuse_store::logins::{self, Outcome};
use acuse_store::passkeys::Signed;
use axum::Form;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use secrecy::ExposeSecret;

use super::{Browser, Entered, LoginForm, let_in, refuse};
use crate::app::App;
use crate::client_address::ClientAddress;
use crate::cookies;
use crate::passkeys::{Challenge, Party};
use crate::web::trouble::{self, Trouble};

pub const WRONG_KEY: &str = "La llave no se reconoció. Inténtelo otra vez, o entre con su contraseña o un código.";

const JSON: &str = "application/json";

/// What a browser is to sign; for whoever comes.
pub async fn challenge(State(app): State<App>) -> Result<Response, Trouble> {
    let Some(party) = Party::of(&app.public_url) else { return Ok(trouble::not_found()) };
    let Some(challenge) = party.ask(&app.db).await? else { return Ok(trouble::not_understood()) };
    Ok(sent(&app, &challenge))
}

pub(crate) fn sent(app: &App, challenge: &Challenge) -> Response {
    let lasts = u32::try_from(acuse_store::passkeys::CHALLENGE_LASTS.num_seconds()).unwrap_or_default();
    let cookie = cookies::write(app, cookies::CHALLENGE, challenge.token.expose_secret(), Some(lasts));
    ([(CONTENT_TYPE, JSON.to_owned()), (SET_COOKIE, cookie)], challenge.options.clone()).into_response()
}

/// The key that signed this browser's challenge; nothing where none did.
pub(crate) async fn signed(app: &App, headers: &HeaderMap, answer: &str) -> Result<Option<Signed>, Trouble> {
    let (Some(party), Some(token)) = (Party::of(&app.public_url), cookies::read(app, headers, cookies::CHALLENGE)) else {
        return Ok(None);
    };
    Ok(party.signed(&app.db, &token, answer).await?)
}

pub async fn log_in(
    State(app): State<App>,
    ClientAddress(source): ClientAddress,
    headers: HeaderMap,
    Form(form): Form<LoginForm>,
) -> Result<Response, Trouble> {
    let browser = Browser::of(&app, &headers, source);
    let is_kept = form.recordar.is_some();
    let outcome = match signed(&app, &headers, &form.respuesta).await? {
        Some(signed) => {
            logins::enter_by_key_any_company(&app.db, &signed, is_kept, &browser.origin(), acuse_store::now()).await?
        }
        None => None,
    };
    match outcome {
        Some(Outcome::Entered { session, browser_tokens }) => {
            let entered = Entered { session, browser_tokens, is_kept, source };
            let_in(&app, &headers, entered, form.carried(), &form.volver).await
        }
        _ => {
            let gone = [(SET_COOKIE, cookies::write(&app, cookies::CHALLENGE, "", Some(0)))];
            let answer = refuse(&headers, &app, form, "clave", WRONG_KEY.to_owned(), StatusCode::UNPROCESSABLE_ENTITY);
            Ok((AppendHeaders(gone), answer).into_response())
        }
    }
}
