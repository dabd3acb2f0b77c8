//! The second step, between the password and the session.

use acuse_domain::message::{Message, messages};
use acuse_store::logins::second_step::{self, Answer, HalfWay, Proof, Stepped};
use acuse_store::passkeys::Signed;
use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::key::{self, WRONG_KEY};
use super::{Browser, Entered, Wish, ask_with, let_in, local_path, spoken, theme};
use crate::app::App;
use crate::client_address::ClientAddress;
use crate::cookies;
use crate::web::carried::Carried;
use crate::web::filters;
use crate::web::form_errors::FormErrors;
use crate::web::page::{Theme, shown, with_status};
use crate::web::trouble::Trouble;

pub const WRONG_CODE: &str =
    "Ese código no es el que se ve ahora. Si sigue igual, revise que la hora del teléfono sea automática.";
pub const USED_CODE: &str = "Ese código ya se usó: espere el siguiente.";
pub const WRONG_RECOVERY: &str = "No es uno de sus códigos de recuperación. Al sacar otros, los viejos dejan de servir.";
pub const USED_RECOVERY: &str = "Ese código de recuperación ya se usó: cada uno entra una vez.";

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct StepForm {
    codigo: String,
    recuperacion: String,
    /// What the key answered, written by the script.
    respuesta: String,
    /// The button beside the recovery code was pressed.
    usa: Option<String>,
    /// Ticked: this browser is not asked for a month.
    confiar: Option<String>,
    volver: String,
    lleva_a: String,
    lleva: String,
    lleva_sin: String,
}

impl StepForm {
    fn carried(&self) -> Option<Carried> {
        Carried::back(&self.lleva_a, &self.lleva, &self.lleva_sin)
    }

    /// What was left empty: it is no guess, and is counted as none.
    fn missing(&self, half_way: &HalfWay) -> Option<(&'static str, Message)> {
        if !self.codigo.trim().is_empty() || !self.recuperacion.trim().is_empty() {
            return None;
        }
        match half_way.has_authenticator && self.usa.is_none() {
            true => Some(("codigo", messages::step_code_missing())),
            false => Some(("rec", messages::recovery_code_missing())),
        }
    }

    /// In which field it stands, and what is wrong with it where it is not right, or used.
    fn shows<'a>(&'a self, signed: Option<&'a Signed>) -> (Proof<'a>, &'static str, [&'static str; 2]) {
        match signed {
            Some(signed) => (Proof::Passkey(signed), "codigo", [WRONG_KEY, WRONG_KEY]),
            None if self.codigo.trim().is_empty() && !self.recuperacion.trim().is_empty() => {
                (Proof::Recovery(&self.recuperacion), "rec", [WRONG_RECOVERY, USED_RECOVERY])
            }
            None => (Proof::Code(&self.codigo), "codigo", [WRONG_CODE, USED_CODE]),
        }
    }
}

#[derive(Template)]
#[template(path = "login/second_step.html")]
struct SecondStepPage {
    theme: Theme,
    errors: FormErrors,
    half_way: HalfWay,
    is_trusted: bool,
    back_to: String,
    carried: Option<Carried>,
}

/// From the right password on to the second step, with the form that waits.
pub(super) async fn lead_to(
    app: &App,
    headers: &HeaderMap,
    token: &SecretString,
    carried: Option<Carried>,
    back_to: &str,
) -> Result<Response, Trouble> {
    let cookie = [(SET_COOKIE, cookies::write(app, cookies::SECOND_STEP, token.expose_secret(), None))];
    let back_to = local_path(back_to);
    if carried.is_none() {
        let to = format!("/entrar/segundo-paso?volver={}", utf8_percent_encode(back_to, NON_ALPHANUMERIC));
        return Ok((AppendHeaders(cookie), Redirect::to(&to)).into_response());
    }
    let half_way = second_step::half_way_any_company(&app.db, token.expose_secret(), acuse_store::now()).await?;
    let Some(half_way) = half_way else { return Ok(Redirect::to("/entrar").into_response()) };
    let (theme, errors, back_to) = (theme(headers), FormErrors::default(), back_to.to_owned());
    let page = SecondStepPage { theme, errors, half_way, is_trusted: false, back_to, carried };
    Ok((AppendHeaders(cookie), shown(&page)).into_response())
}

pub async fn ask(State(app): State<App>, Query(wish): Query<Wish>, headers: HeaderMap) -> Result<Response, Trouble> {
    let Some(half_way) = half_way(&app, &headers).await? else { return Ok(Redirect::to("/entrar").into_response()) };
    let (theme, errors, back_to) = (theme(&headers), FormErrors::default(), local_path(&wish.volver).to_owned());
    Ok(shown(&SecondStepPage { theme, errors, half_way, is_trusted: false, back_to, carried: None }))
}

async fn half_way(app: &App, headers: &HeaderMap) -> Result<Option<HalfWay>, Trouble> {
    let Some(token) = cookies::read(app, headers, cookies::SECOND_STEP) else { return Ok(None) };
    Ok(second_step::half_way_any_company(&app.db, &token, acuse_store::now()).await?)
}

pub async fn answer(
    State(app): State<App>,
    ClientAddress(source): ClientAddress,
    headers: HeaderMap,
    Form(form): Form<StepForm>,
) -> Result<Response, Trouble> {
    let Some(half_way) = half_way(&app, &headers).await? else { return Ok(over(&app, &headers, form.carried()).await) };
    let signed = match form.respuesta.is_empty() {
        true => None,
        false => match key::signed(&app, &headers, &form.respuesta).await? {
            Some(signed) => Some(signed),
            None => return Ok(again(&headers, half_way, form, "codigo", WRONG_KEY, StatusCode::UNPROCESSABLE_ENTITY)),
        },
    };
    if let (None, Some((field, missing))) = (&signed, form.missing(&half_way)) {
        return Ok(again(&headers, half_way, form, field, &missing.to_string(), StatusCode::UNPROCESSABLE_ENTITY));
    }
    let (proof, field, [wrong, used]) = form.shows(signed.as_ref());
    let browser = Browser::of(&app, &headers, source);
    let token = cookies::read(&app, &headers, cookies::SECOND_STEP).unwrap_or_default();
    let answer = Answer { token: &token, proof, is_trusted: form.confiar.is_some(), origin: browser.origin(), post: app.post() };
    match second_step::answer_any_company(&app.db, &app.keys, &answer, acuse_store::now()).await? {
        Stepped::Entered { session, browser_tokens, is_kept } => {
            let entered = Entered { session, browser_tokens, is_kept, source };
            let_in(&app, &headers, entered, form.carried(), &form.volver).await
        }
        Stepped::Wrong => Ok(again(&headers, half_way, form, field, wrong, StatusCode::UNPROCESSABLE_ENTITY)),
        Stepped::Used => Ok(again(&headers, half_way, form, field, used, StatusCode::UNPROCESSABLE_ENTITY)),
        Stepped::Wait(seconds) => {
            let words = format!("Demasiados intentos. Espere {} y vuelva a intentar.", spoken(seconds));
            let mut answer = again(&headers, half_way, form, field, &words, StatusCode::TOO_MANY_REQUESTS);
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            Ok(answer)
        }
        Stepped::Over => Ok(over(&app, &headers, form.carried()).await),
    }
}

fn again(headers: &HeaderMap, half_way: HalfWay, form: StepForm, field: &str, words: &str, status: StatusCode) -> Response {
    let mut errors = FormErrors::default();
    errors.add(field, words);
    let (is_trusted, carried) = (form.confiar.is_some(), form.carried());
    let back_to = local_path(&form.volver).to_owned();
    with_status(status, &SecondStepPage { theme: theme(headers), errors, half_way, is_trusted, back_to, carried })
}

/// It took too long: from the password on, and what was typed before is kept.
async fn over(app: &App, headers: &HeaderMap, carried: Option<Carried>) -> Response {
    match carried {
        Some(carried) => ask_with(app, headers, carried).await,
        None => Redirect::to("/entrar").into_response(),
    }
}
