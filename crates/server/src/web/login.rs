//! Coming in and going out.

use acuse_store::logins::{self, Attempt, Outcome};
use acuse_store::users;
use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::AppendHeaders;
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::access::session_token;
use crate::app::App;
use crate::client_address::ClientAddress;
use crate::cookies;
use crate::web::form_errors::FormErrors;
use crate::web::page::{Theme, shown, with_status};
use crate::web::trouble::{self, Trouble};

/// Seven days, as long as the store keeps a session.
const KEPT_SECONDS: u32 = 7 * 24 * 3600;
/// As long as the store knows a browser.
const KNOWN_SECONDS: u32 = 180 * 24 * 3600;
/// Between the tokens of people who share a browser.
const SEPARATOR: char = '.';

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
    if let Some(token) = session_token(&app, &headers)
        && users::session(&app.db, &token, acuse_store::now()).await?.is_some()
    {
        return Ok(Redirect::to(back_to).into_response());
    }
    let back_to = back_to.to_owned();
    Ok(shown(&LoginPage { theme: theme(&headers), errors: FormErrors::default(), email: String::new(), keep: false, back_to }))
}

pub async fn log_in(
    State(app): State<App>,
    ClientAddress(source): ClientAddress,
    headers: HeaderMap,
    Form(form): Form<LoginForm>,
) -> Result<Response, Trouble> {
    let password = SecretString::from(form.clave.as_str());
    let known = cookies::read(&app, &headers, cookies::KNOWN_BROWSER).unwrap_or_default();
    let browser_tokens: Vec<String> = known.split(SEPARATOR).filter(|token| !token.is_empty()).map(str::to_owned).collect();
    let earlier_session = session_token(&app, &headers);
    let attempt = Attempt {
        email: &form.correo,
        password: &password,
        source,
        browser_tokens: &browser_tokens,
        earlier_session: earlier_session.as_deref(),
        is_kept: form.recordar.is_some(),
    };
    match logins::log_in_any_company(&app.db, &attempt, acuse_store::now()).await? {
        Outcome::Entered { session, browser_tokens } => {
            let lasts = form.recordar.as_ref().map(|_| KEPT_SECONDS);
            let session = cookies::write(&app, cookies::SESSION, session.expose_secret(), lasts);
            let known: Vec<&str> = browser_tokens.iter().map(ExposeSecret::expose_secret).collect();
            let known = known.join(&SEPARATOR.to_string());
            let known = cookies::write(&app, cookies::KNOWN_BROWSER, &known, Some(KNOWN_SECONDS));
            let new = AppendHeaders([(SET_COOKIE, session), (SET_COOKIE, known)]);
            Ok((new, Redirect::to(local_path(&form.volver))).into_response())
        }
        Outcome::Wrong => {
            let words = "El correo o la contraseña no son correctos.".to_owned();
            Ok(again(&headers, form, "clave", words, StatusCode::UNPROCESSABLE_ENTITY))
        }
        Outcome::Wait(seconds) => {
            let words = format!("Demasiados intentos. Espere {} y vuelva a intentar.", spoken(seconds));
            let mut answer = again(&headers, form, "clave", words, StatusCode::TOO_MANY_REQUESTS);
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            Ok(answer)
        }
    }
}

pub async fn log_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, Trouble> {
    if let Some(token) = session_token(&app, &headers) {
        users::log_out(&app.db, &token).await?;
    }
    let gone = cookies::write(&app, cookies::SESSION, "", Some(0));
    Ok(([(SET_COOKIE, gone)], Redirect::to("/entrar")).into_response())
}

fn again(headers: &HeaderMap, form: LoginForm, field: &str, words: String, status: StatusCode) -> Response {
    let mut errors = FormErrors::default();
    errors.add(field, words);
    let back_to = local_path(&form.volver).to_owned();
    with_status(status, &LoginPage { theme: theme(headers), errors, email: form.correo, keep: form.recordar.is_some(), back_to })
}

fn theme(headers: &HeaderMap) -> Theme {
    Theme::from_cookie(cookies::find(headers, Theme::COOKIE).as_deref())
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
    let secure = cookies::secure(&app);
    let (value, lasts) = match form.tema.as_str() {
        chosen @ ("claro" | "oscuro") => (chosen, 365 * 24 * 3600),
        _ => ("", 0),
    };
    let cookie = format!("{}={value}; Path=/; SameSite=Lax; Max-Age={lasts}{secure}", Theme::COOKIE);
    ([(SET_COOKIE, cookie)], Redirect::to(local_path(&form.volver))).into_response()
}
