//! Coming in and going out.

pub mod again;
pub mod key;
pub mod second_step;

use std::net::IpAddr;

use acuse_domain::message::messages;
use acuse_store::logins::{self, Attempt, Origin, Outcome};
use acuse_store::sessions::{self, Ended, EndedSession};
use acuse_store::{companies, first_start, users};
use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::header::{RETRY_AFTER, SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::AppendHeaders;
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::access::form_company;
use crate::access::session_token;
use crate::app::App;
use crate::client_address::ClientAddress;
use crate::cookies;
use crate::passkeys::Party;
use crate::web::carried::act::Act;
use crate::web::carried::{self, Carried, Lost};
use crate::web::filters;
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
    /// What a key answered, written by the script.
    #[serde(default)]
    respuesta: String,
    #[serde(default)]
    volver: String,
    /// The form that waits (web/carried.rs).
    #[serde(default)]
    lleva_a: String,
    #[serde(default)]
    lleva: String,
    #[serde(default)]
    lleva_sin: String,
}

impl LoginForm {
    fn carried(&self) -> Option<Carried> {
        Carried::back(&self.lleva_a, &self.lleva, &self.lleva_sin)
    }
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    theme: Theme,
    errors: FormErrors,
    email: String,
    keep: bool,
    back_to: String,
    /// Whether a key can be asked for here.
    has_keys: bool,
    /// Why one is here; empty for who simply comes.
    why: &'static str,
    /// The form that waits.
    carried: Option<Carried>,
    /// What could not wait and has to be done again; empty where nothing was lost.
    lost: &'static str,
}

impl LoginPage {
    /// The page that one goes on to holds in its address what was typed for it.
    fn goes_on_with_an_address(&self) -> bool {
        self.back_to.starts_with("/mi-compania/correos/nueva?")
    }
}

/// Between the login and a form that somebody else began, or that nobody knows who began.
#[derive(Template)]
#[template(path = "carried.html")]
struct GoOnPage {
    theme: Theme,
    user: String,
    company: String,
    act: Act,
    /// Where the form leads, and all that was typed into it.
    action: String,
    fields: Vec<(String, String)>,
}

pub async fn ask(State(app): State<App>, Query(wish): Query<Wish>, headers: HeaderMap) -> Result<Response, Trouble> {
    let back_to = local_path(&wish.volver);
    if let Some(token) = session_token(&app, &headers)
        && users::session(&app.db, &token, acuse_store::now()).await?.is_some()
    {
        return Ok(Redirect::to(back_to).into_response());
    }
    if first_start::is_ahead_any_company(&app.db).await? {
        return Ok(Redirect::to("/primer-inicio").into_response());
    }
    let why = why(carried::ended_session(&app, &headers).await.as_ref(), !wish.volver.is_empty());
    let back_to = back_to.to_owned();
    let (theme, errors) = (theme(&headers), FormErrors::default());
    let has_keys = has_keys(&app);
    let email = String::new();
    Ok(shown(&LoginPage { theme, errors, email, keep: false, back_to, has_keys, why, carried: None, lost: "" }))
}

/// The login in the place of a form's answer, with the form inside.
pub async fn ask_with(app: &App, headers: &HeaderMap, carried: Carried) -> Response {
    ask_after_a_form(app, headers, Some(carried), Lost { words: "", back_to: "" }).await
}

/// The same for a form that could not be kept.
pub async fn ask_without(app: &App, headers: &HeaderMap, lost: Lost) -> Response {
    ask_after_a_form(app, headers, None, lost).await
}

async fn ask_after_a_form(app: &App, headers: &HeaderMap, carried: Option<Carried>, lost: Lost) -> Response {
    let ended = carried::ended_session(app, headers).await;
    let page = LoginPage {
        theme: theme(headers),
        errors: FormErrors::default(),
        why: if ended.is_some() { why(ended.as_ref(), true) } else { "Su sesión terminó." },
        email: ended.map(|ended| ended.email).unwrap_or_default(),
        keep: false,
        back_to: lost.back_to.to_owned(),
        has_keys: has_keys(app),
        carried,
        lost: lost.words,
    };
    with_status(StatusCode::UNAUTHORIZED, &page)
}

fn has_keys(app: &App) -> bool {
    Party::of(&app.public_url).is_some()
}

fn why(ended: Option<&EndedSession>, wanted_something: bool) -> &'static str {
    match ended.map(|ended| ended.why) {
        Some(Ended::Idle) => "Su sesión terminó: pasaron 12 horas sin uso.",
        Some(Ended::Expired) => "Su sesión terminó: dura siete días como máximo.",
        Some(Ended::LoggedOut) => "Usted salió de Acuse en este navegador.",
        Some(Ended::BySomebody) => "Su sesión se cerró: alguien la cerró, o cambiaron su contraseña o su acceso.",
        None if wanted_something => "Para ver esa página, entre primero.",
        None => "",
    }
}

pub async fn log_in(
    State(app): State<App>,
    ClientAddress(source): ClientAddress,
    headers: HeaderMap,
    Form(form): Form<LoginForm>,
) -> Result<Response, Trouble> {
    if form.clave.is_empty() {
        let words = messages::login_password_missing().to_string();
        return Ok(refuse(&headers, &app, form, "clave", words, StatusCode::UNPROCESSABLE_ENTITY));
    }
    let password = SecretString::from(form.clave.as_str());
    let browser = Browser::of(&app, &headers, source);
    let Origin { browser_tokens, earlier_session, user_agent, .. } = browser.origin();
    let is_kept = form.recordar.is_some();
    let attempt =
        Attempt { email: &form.correo, password: &password, source, browser_tokens, earlier_session, is_kept, user_agent };
    match logins::log_in_any_company(&app.db, &attempt, acuse_store::now()).await? {
        Outcome::Entered { session, browser_tokens } => {
            let entered = Entered { session, browser_tokens, is_kept, source };
            let_in(&app, &headers, entered, form.carried(), &form.volver).await
        }
        Outcome::SecondStep { token } => second_step::lead_to(&app, &headers, &token, form.carried(), &form.volver).await,
        Outcome::Wrong => {
            let words = "El correo o la contraseña no son correctos.".to_owned();
            Ok(refuse(&headers, &app, form, "clave", words, StatusCode::UNPROCESSABLE_ENTITY))
        }
        Outcome::Wait(seconds) => {
            let words = format!("Demasiados intentos. Espere {} y vuelva a intentar.", spoken(seconds));
            let mut answer = refuse(&headers, &app, form, "clave", words, StatusCode::TOO_MANY_REQUESTS);
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            Ok(answer)
        }
    }
}

/// The browser that somebody comes with, by what it sent.
pub(crate) struct Browser {
    source: Option<IpAddr>,
    tokens: Vec<String>,
    session: Option<String>,
    user_agent: Option<String>,
}

impl Browser {
    pub(crate) fn of(app: &App, headers: &HeaderMap, source: Option<IpAddr>) -> Self {
        let known = cookies::read(app, headers, cookies::KNOWN_BROWSER).unwrap_or_default();
        let tokens = known.split(SEPARATOR).filter(|token| !token.is_empty()).map(str::to_owned).collect();
        let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self { source, tokens, session: session_token(app, headers), user_agent }
    }

    pub(crate) fn origin(&self) -> Origin<'_> {
        Origin {
            source: self.source,
            browser_tokens: &self.tokens,
            earlier_session: self.session.as_deref(),
            user_agent: self.user_agent.as_deref(),
        }
    }
}

/// Somebody to whom a session was opened.
struct Entered {
    session: SecretString,
    browser_tokens: Vec<SecretString>,
    is_kept: bool,
    source: Option<IpAddr>,
}

/// The cookie of a session; kept, it outlives the browser's window.
pub(crate) fn session_cookie(app: &App, session: &SecretString, is_kept: bool) -> String {
    cookies::write(app, cookies::SESSION, session.expose_secret(), is_kept.then_some(KEPT_SECONDS))
}

/// In with their cookies, and on to where they wanted to go.
async fn let_in(
    app: &App,
    headers: &HeaderMap,
    entered: Entered,
    carried: Option<Carried>,
    back_to: &str,
) -> Result<Response, Trouble> {
    let known: Vec<&str> = entered.browser_tokens.iter().map(ExposeSecret::expose_secret).collect();
    let known = cookies::write(app, cookies::KNOWN_BROWSER, &known.join(&SEPARATOR.to_string()), Some(KNOWN_SECONDS));
    let done_with = [cookies::LAST_SESSION, cookies::SECOND_STEP, cookies::CHALLENGE];
    let left = done_with.into_iter().filter(|name| cookies::read(app, headers, name).is_some());
    let forgotten = left.map(|name| cookies::write(app, name, "", Some(0)));
    let new: Vec<_> = [session_cookie(app, &entered.session, entered.is_kept), known]
        .into_iter()
        .chain(forgotten)
        .map(|cookie| (SET_COOKIE, cookie))
        .collect();
    let answer = match carried {
        Some(carried) => go_on(app, headers, carried, (entered.session.expose_secret(), entered.source)).await?,
        None => Redirect::to(local_path(back_to)).into_response(),
    };
    Ok((AppendHeaders(new), answer).into_response())
}

/// On with the form that waited: sent as it is where the same person is back in the same company, else shown, and nothing done.
async fn go_on(
    app: &App,
    headers: &HeaderMap,
    carried: Carried,
    (session, source): (&str, Option<IpAddr>),
) -> Result<Response, Trouble> {
    let Some(now) = users::session(&app.db, session, acuse_store::now()).await? else {
        return Ok(Redirect::to("/entrar").into_response());
    };
    let before = carried::ended_session(app, headers).await;
    let is_same = before.is_some_and(|before| before.user == now.user && before.company == now.company);
    let own = own_cookies(app, headers, session);
    if is_same && !carried.lacks_password() {
        return Ok(carried.go_on(app, &own, source).await);
    }
    if let Some(shown) = carried.clone().only_shown() {
        return Ok(shown.go_on(app, &own, source).await);
    }
    let company = companies::find(&app.db, now.company).await?.map(|company| company.known_as().to_owned());
    Ok(shown(&GoOnPage {
        theme: theme(headers),
        user: now.name,
        company: company.unwrap_or_default(),
        act: Act::of(&app.db, now.company, &carried).await?,
        action: carried.to().to_owned(),
        fields: carried.with(form_company::FIELD, &now.company.to_string()).fields().to_vec(),
    }))
}

/// What the browser would send by itself with the form that goes on.
fn own_cookies(app: &App, headers: &HeaderMap, session: &str) -> String {
    let mut own = format!("{}={session}", cookies::full_name(app, cookies::SESSION));
    if let Some(theme) = cookies::find(headers, Theme::COOKIE) {
        own.push_str(&format!("; {}={theme}", Theme::COOKIE));
    }
    own
}

pub async fn log_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, Trouble> {
    let gone = (SET_COOKIE, cookies::write(&app, cookies::SESSION, "", Some(0)));
    let Some(token) = session_token(&app, &headers) else {
        return Ok((AppendHeaders([gone]), Redirect::to("/entrar")).into_response());
    };
    users::log_out(&app.db, &token).await?;
    let left = cookies::write(&app, cookies::LAST_SESSION, &sessions::fingerprint(&token), None);
    Ok((AppendHeaders([gone, (SET_COOKIE, left)]), Redirect::to("/entrar")).into_response())
}

fn refuse(headers: &HeaderMap, app: &App, form: LoginForm, field: &str, words: String, status: StatusCode) -> Response {
    let mut errors = FormErrors::default();
    errors.add(field, words);
    let back_to = local_path(&form.volver).to_owned();
    let (keep, carried) = (form.recordar.is_some(), form.carried());
    let (theme, email, has_keys) = (theme(headers), form.correo, has_keys(app));
    let page = LoginPage { theme, errors, email, keep, back_to, has_keys, why: "", carried, lost: "" };
    with_status(status, &page)
}

pub(crate) fn theme(headers: &HeaderMap) -> Theme {
    Theme::of(headers)
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

/// So many seconds, as one says them.
#[must_use]
pub fn spoken(seconds: u32) -> String {
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

pub(crate) fn theme_cookie(app: &App, chosen: &str) -> String {
    let secure = cookies::secure(app);
    let (value, lasts) = match chosen {
        chosen @ ("claro" | "oscuro") => (chosen, 365 * 24 * 3600),
        _ => ("", 0),
    };
    format!("{}={value}; Path=/; SameSite=Lax; Max-Age={lasts}{secure}", Theme::COOKIE)
}

/// Light, dark, or what the system says; kept in this browser.
pub async fn choose_theme(
    State(app): State<App>,
    form: Result<Form<ThemeForm>, axum::extract::rejection::FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else { return trouble::not_understood() };
    ([(SET_COOKIE, theme_cookie(&app, &form.tema))], Redirect::to(local_path(&form.volver))).into_response()
}
