//! Coming in and going out.

use std::sync::Arc;

use acuse_store::{sessions, users};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::access::{SESSION_COOKIE, cookie, session_token};
use crate::app::App;
use crate::login_guard::{Knock, LoginGuard};
use crate::web::form_errors::FormErrors;
use crate::web::page::{Theme, shown, with_status};
use crate::web::trouble::{self, Trouble};

/// Seven days, as long as the store keeps a session.
const KEPT_SECONDS: u32 = 7 * 24 * 3600;

#[derive(Deserialize)]
pub struct Wish {
    /// Where the person wanted to go.
    #[serde(default)]
    volver: String,
}

#[derive(Deserialize)]
pub struct LoginForm {
    #[serde(default)]
    correo: String,
    #[serde(default)]
    clave: String,
    /// Ticked: the cookie outlives the browser's window.
    #[serde(default)]
    recordar: Option<String>,
    #[serde(default)]
    volver: String,
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    theme: Theme,
    errors: FormErrors,
    email: String,
    keep: bool,
    back_to: String,
}

pub async fn ask(State(app): State<App>, Query(wish): Query<Wish>, headers: HeaderMap) -> Result<Response, Trouble> {
    let back_to = local_path(&wish.volver);
    if let Some(token) = session_token(&headers)
        && users::session(&app.db, &token, acuse_store::now()).await?.is_some()
    {
        return Ok(Redirect::to(back_to).into_response());
    }
    let back_to = back_to.to_owned();
    Ok(shown(&LoginPage { theme: theme(&headers), errors: FormErrors::default(), email: String::new(), keep: false, back_to }))
}

pub async fn log_in(
    State(app): State<App>,
    Extension(guard): Extension<Arc<LoginGuard>>,
    headers: HeaderMap,
    Form(form): Form<LoginForm>,
) -> Result<Response, Trouble> {
    let now = acuse_store::now();
    if let Knock::Wait(seconds) = guard.knock(&form.correo, now) {
        let words = format!("Demasiados intentos con este correo. Espere {} y vuelva a intentar.", spoken(seconds));
        let mut answer = again(&headers, form, "clave", words, StatusCode::TOO_MANY_REQUESTS);
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        return Ok(answer);
    }
    let password = SecretString::from(form.clave.as_str());
    let Some(token) = users::log_in(&app.db, &form.correo, &password, now).await? else {
        guard.note_failure(&form.correo, now);
        let words = "El correo o la contraseña no son correctos.".to_owned();
        return Ok(again(&headers, form, "clave", words, StatusCode::UNPROCESSABLE_ENTITY));
    };
    guard.forget(&form.correo);
    let earlier = session_token(&headers);
    sessions::begin(&app.db, token.expose_secret(), earlier.as_deref(), form.recordar.is_some(), now).await?;
    let lasts = if form.recordar.is_some() { format!("; Max-Age={KEPT_SECONDS}") } else { String::new() };
    let cookie = session_cookie(&app, token.expose_secret(), &lasts);
    Ok(([(SET_COOKIE, cookie)], Redirect::to(local_path(&form.volver))).into_response())
}

pub async fn log_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, Trouble> {
    if let Some(token) = session_token(&headers) {
        users::log_out(&app.db, &token).await?;
    }
    let gone = session_cookie(&app, "", "; Max-Age=0");
    Ok(([(SET_COOKIE, gone)], Redirect::to("/entrar")).into_response())
}

fn again(headers: &HeaderMap, form: LoginForm, field: &str, words: String, status: StatusCode) -> Response {
    let mut errors = FormErrors::default();
    errors.add(field, words);
    let back_to = local_path(&form.volver).to_owned();
    with_status(status, &LoginPage { theme: theme(headers), errors, email: form.correo, keep: form.recordar.is_some(), back_to })
}

fn session_cookie(app: &App, token: &str, lasts: &str) -> String {
    let secure = if app.public_url.starts_with("https://") { "; Secure" } else { "" };
    format!("{SESSION_COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax{lasts}{secure}")
}

fn theme(headers: &HeaderMap) -> Theme {
    Theme::from_cookie(cookie(headers, Theme::COOKIE).as_deref())
}

/// A path of ours, else the start: `//elsewhere.ec` and `/\\elsewhere.ec` lead a browser away.
#[must_use]
pub fn local_path(wanted: &str) -> &str {
    let is_ours = wanted.starts_with('/')
        && !wanted.starts_with("//")
        && !wanted.contains('\\')
        && !wanted.chars().any(char::is_control)
        && wanted.is_ascii()
        && !wanted.starts_with("/entrar");
    if is_ours { wanted } else { "/" }
}

fn spoken(seconds: u32) -> String {
    match seconds {
        1 => "1 segundo".to_owned(),
        2..=90 => format!("{seconds} segundos"),
        more => format!("{} minutos", more.div_ceil(60)),
    }
}

#[derive(Deserialize)]
pub struct ThemeForm {
    #[serde(default)]
    tema: String,
    #[serde(default)]
    volver: String,
}

/// Light, dark, or what the system says; kept in this browser.
pub async fn choose_theme(
    State(app): State<App>,
    form: Result<Form<ThemeForm>, axum::extract::rejection::FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else { return trouble::not_understood() };
    let secure = if app.public_url.starts_with("https://") { "; Secure" } else { "" };
    let (value, lasts) = match form.tema.as_str() {
        chosen @ ("claro" | "oscuro") => (chosen, 365 * 24 * 3600),
        _ => ("", 0),
    };
    let cookie = format!("{}={value}; Path=/; SameSite=Lax; Max-Age={lasts}{secure}", Theme::COOKIE);
    ([(SET_COOKIE, cookie)], Redirect::to(local_path(&form.volver))).into_response()
}
