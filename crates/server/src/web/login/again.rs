//! Who is logged in already shows once more that it is they, before what would keep somebody else in for good.

use acuse_domain::message::messages;
use acuse_store::logins::confirm::{self, Confirmed, Shown};
use acuse_store::logins::second_step::Proof;
use acuse_store::users::{self, Session};
use acuse_store::{Actor, Identity, second_factor};
use askama::Template;
use axum::Form;
use axum::body::to_bytes;
use axum::extract::{Query, Request, State};
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use chrono::TimeDelta;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::key::{self, WRONG_KEY};
use super::second_step::{USED_CODE, WRONG_CODE};
use super::{Browser, Wish, ask_with, go_on, local_path, session_cookie, spoken, theme};
use crate::access::{Caller, form_company, is_beside_the_page, session_token};
use crate::app::App;
use crate::client_address::ClientAddress;
use crate::web::carried::{self, Carried, Lost};
use crate::web::filters;
use crate::web::form_errors::FormErrors;
use crate::web::page::{Theme, shown, with_status};
use crate::web::trouble::{self, Trouble};

/// A login is recent for so long: somebody does a handful of things in a row and is asked once.
const RECENT: TimeDelta = TimeDelta::minutes(15);

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct AgainForm {
    clave: String,
    codigo: String,
    /// What the key answered, written by the script.
    respuesta: String,
    volver: String,
    lleva_a: String,
    lleva: String,
    lleva_sin: String,
    /// For which company the form was made that waits.
    compania: String,
}

impl AgainForm {
    fn carried(&self) -> Option<Carried> {
        let carried = Carried::back(&self.lleva_a, &self.lleva, &self.lleva_sin)?;
        Some(if self.compania.is_empty() { carried } else { carried.with(form_company::FIELD, &self.compania) })
    }
}

#[derive(Template)]
#[template(path = "login/again.html")]
struct AgainPage {
    theme: Theme,
    errors: FormErrors,
    email: String,
    has_authenticator: bool,
    has_passkeys: bool,
    back_to: String,
    carried: Option<Carried>,
    /// What could not wait and has to be done again; empty where nothing was lost.
    lost: &'static str,
}

/// Beside a route that asks for a recent login.
pub async fn ask_first(State(app): State<App>, request: Request, next: Next) -> Response {
    let session = request.extensions().get::<Caller>().and_then(|caller| caller.session.clone());
    let Some(session) = session.filter(|session| !is_recent(session)) else { return next.run(request).await };
    match asked(&app, &session, request).await {
        Ok(answer) => answer,
        Err(trouble) => trouble.into_response(),
    }
}

fn is_recent(session: &Session) -> bool {
    session.authenticated_at.is_some_and(|at| (acuse_store::now() - at).abs() < RECENT)
}

/// A page is come back to; a form waits.
async fn asked(app: &App, session: &Session, request: Request) -> Result<Response, Trouble> {
    if is_beside_the_page(request.headers()) {
        return Ok((StatusCode::UNAUTHORIZED, Html("Confirme primero que es usted.")).into_response());
    }
    let to = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    if request.method() != Method::POST {
        let to = utf8_percent_encode(&to, NON_ALPHANUMERIC);
        return Ok(Redirect::to(&format!("/entrar/otra-vez?volver={to}")).into_response());
    }
    let page = AgainPage::of(app, session, request.headers()).await?;
    if !carried::can_be_carried(&request) {
        let lost = Lost::of(request.uri().path());
        let page = AgainPage { lost: lost.words, back_to: lost.back_to.to_owned(), ..page };
        return Ok(with_status(StatusCode::UNAUTHORIZED, &page));
    }
    let Ok(body) = to_bytes(request.into_body(), carried::LARGEST).await else { return Ok(trouble::not_understood()) };
    Ok(with_status(StatusCode::UNAUTHORIZED, &AgainPage { carried: Some(Carried::of(&to, &body)), ..page }))
}

impl AgainPage {
    async fn of(app: &App, session: &Session, headers: &HeaderMap) -> Result<Self, Trouble> {
        let by = Actor {
            company: session.company,
            name: session.name.clone(),
            identity: Identity::User { user: session.user, session: session.id },
            source: None,
        };
        let standing = second_factor::standing(&app.db, &by).await?;
        Ok(Self {
            theme: theme(headers),
            errors: FormErrors::default(),
            email: session.email.clone(),
            has_authenticator: standing.authenticator_since.is_some(),
            has_passkeys: standing.passkeys > 0,
            back_to: "/".to_owned(),
            carried: None,
            lost: "",
        })
    }
}

async fn session_of(app: &App, headers: &HeaderMap) -> Result<Option<(String, Session)>, Trouble> {
    let Some(token) = session_token(app, headers) else { return Ok(None) };
    let session = users::session(&app.db, &token, acuse_store::now()).await?;
    Ok(session.map(|session| (token, session)))
}

pub async fn ask(State(app): State<App>, Query(wish): Query<Wish>, headers: HeaderMap) -> Result<Response, Trouble> {
    let Some((_, session)) = session_of(&app, &headers).await? else { return Ok(to_login(&wish.volver)) };
    let page = AgainPage::of(&app, &session, &headers).await?;
    Ok(shown(&AgainPage { back_to: local_path(&wish.volver).to_owned(), ..page }))
}

fn to_login(back_to: &str) -> Response {
    let to = utf8_percent_encode(local_path(back_to), NON_ALPHANUMERIC);
    Redirect::to(&format!("/entrar?volver={to}")).into_response()
}

pub async fn confirm(
    State(app): State<App>,
    ClientAddress(source): ClientAddress,
    headers: HeaderMap,
    Form(form): Form<AgainForm>,
) -> Result<Response, Trouble> {
    let Some((token, session)) = session_of(&app, &headers).await? else {
        return Ok(over(&app, &headers, &form).await);
    };
    let signed = match form.respuesta.is_empty() {
        true => None,
        false => key::signed(&app, &headers, &form.respuesta).await?,
    };
    let password = SecretString::from(form.clave.as_str());
    let (proof, field, [wrong, used]) = match &signed {
        Some(signed) => (Shown::Step(Proof::Passkey(signed)), "clave", [WRONG_KEY, WRONG_KEY]),
        None if !form.respuesta.is_empty() => return refused(&app, &headers, &session, form, "clave", WRONG_KEY).await,
        None if form.clave.is_empty() && !form.codigo.trim().is_empty() => {
            (Shown::Step(Proof::Code(&form.codigo)), "codigo", [WRONG_CODE, USED_CODE])
        }
        None if form.clave.is_empty() => {
            let has_code = AgainPage::of(&app, &session, &headers).await?.has_authenticator;
            let missing = if has_code { messages::proof_missing() } else { messages::login_password_missing() };
            return refused(&app, &headers, &session, form, "clave", &missing.to_string()).await;
        }
        None => (Shown::Password(&password), "clave", ["La contraseña no es correcta.", ""]),
    };
    let browser = Browser::of(&app, &headers, source);
    let who = (session.user, session.email.as_str(), token.as_str());
    match confirm::confirm_any_company(&app.db, &app.keys, who, &proof, &browser.origin(), acuse_store::now()).await? {
        Confirmed::Yes(token) => {
            let cookie = [(SET_COOKIE, session_cookie(&app, &token, session.is_kept))];
            let answer = match form.carried() {
                Some(carried) => go_on_as(&app, &headers, carried, token.expose_secret()).await?,
                None => Redirect::to(local_path(&form.volver)).into_response(),
            };
            Ok((AppendHeaders(cookie), answer).into_response())
        }
        Confirmed::Wrong => refused(&app, &headers, &session, form, field, wrong).await,
        Confirmed::Used => refused(&app, &headers, &session, form, field, used).await,
        Confirmed::Wait(seconds) => {
            let words = format!("Demasiados intentos. Espere {} y vuelva a intentar.", spoken(seconds));
            let mut answer = refused(&app, &headers, &session, form, field, &words).await?;
            *answer.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            Ok(answer)
        }
        Confirmed::Over => Ok(over(&app, &headers, &form).await),
    }
}

/// The same person goes on with their own form: it is sent as it is, where nothing of it is missing.
async fn go_on_as(app: &App, headers: &HeaderMap, carried: Carried, session: &str) -> Result<Response, Trouble> {
    if !carried.lacks_password() {
        return Ok(carried.go_on(app, &super::own_cookies(app, headers, session)).await);
    }
    go_on(app, headers, carried, session).await
}

async fn refused(
    app: &App,
    headers: &HeaderMap,
    session: &Session,
    form: AgainForm,
    field: &str,
    words: &str,
) -> Result<Response, Trouble> {
    let mut errors = FormErrors::default();
    errors.add(field, words);
    let page = AgainPage::of(app, session, headers).await?;
    let (back_to, carried) = (local_path(&form.volver).to_owned(), form.carried());
    Ok(with_status(StatusCode::UNPROCESSABLE_ENTITY, &AgainPage { errors, back_to, carried, ..page }))
}

/// The session ended meanwhile: the whole login, and what was typed before is kept.
async fn over(app: &App, headers: &HeaderMap, form: &AgainForm) -> Response {
    match form.carried() {
        Some(carried) => ask_with(app, headers, carried).await,
        None => to_login(&form.volver),
    }
}
