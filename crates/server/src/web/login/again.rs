//! Who is logged in already shows once more that it is they, before what would keep somebody else in for good.

use std::net::IpAddr;

use acuse_domain::message::messages;
use acuse_store::logins::confirm::{self, Confirmed, Shown};
use acuse_store::logins::second_step::Proof;
use acuse_store::passkeys::Signed;
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
use super::second_step::{USED_CODE, USED_RECOVERY, WRONG_CODE, WRONG_RECOVERY};
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
const WRONG_PASSWORD: &str = "La contraseña no es correcta.";
const STEP_MISSING: &str = "Falta el segundo paso: escriba también el código, o use su llave.";

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct AgainForm {
    clave: String,
    codigo: String,
    recuperacion: String,
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

/// Whether all that their login asks was shown a moment ago.
pub(crate) fn is_recent(session: &Session) -> bool {
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
    if !carried::can_be_carried(&request) {
        return ask_without(app, session, request.headers(), Lost::of(request.uri().path())).await;
    }
    let page = AgainPage::of(app, session, request.headers()).await?;
    let Ok(body) = to_bytes(request.into_body(), carried::LARGEST).await else { return Ok(trouble::not_understood()) };
    Ok(with_status(StatusCode::UNAUTHORIZED, &AgainPage { carried: Some(Carried::of(&to, &body)), ..page }))
}

/// In the place of an answer to a form that could not be kept.
pub(crate) async fn ask_without(app: &App, session: &Session, headers: &HeaderMap, lost: Lost) -> Result<Response, Trouble> {
    let page = AgainPage::of(app, session, headers).await?;
    let page = AgainPage { lost: lost.words, back_to: lost.back_to.to_owned(), ..page };
    Ok(with_status(StatusCode::UNAUTHORIZED, &page))
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
    if signed.is_none() && !form.respuesta.is_empty() {
        return refused(&app, &headers, &session, form, "clave", WRONG_KEY).await;
    }
    let password = SecretString::from(form.clave.as_str());
    if signed.is_none() && password.expose_secret().is_empty() {
        return refused(&app, &headers, &session, form, "clave", &messages::login_password_missing().to_string()).await;
    }
    let (shown, field, words) = form.shows(&password, signed.as_ref());
    let browser = Browser::of(&app, &headers, source);
    let who = (session.user, session.email.as_str(), token.as_str());
    let confirmed =
        confirm::confirm_any_company(&app.db, &app.keys, who, &shown, &browser.origin(), app.post(), acuse_store::now()).await?;
    match confirmed {
        Confirmed::Yes(token) => {
            let cookie = [(SET_COOKIE, session_cookie(&app, &token, session.is_kept))];
            let answer = match form.carried() {
                Some(carried) => go_on_as(&app, &headers, carried, (token.expose_secret(), source)).await?,
                None => Redirect::to(local_path(&form.volver)).into_response(),
            };
            Ok((AppendHeaders(cookie), answer).into_response())
        }
        Confirmed::WrongPassword => refused(&app, &headers, &session, form, "clave", WRONG_PASSWORD).await,
        Confirmed::StepMissing => refused(&app, &headers, &session, form, "codigo", STEP_MISSING).await,
        Confirmed::WrongStep => refused(&app, &headers, &session, form, field, words[0]).await,
        Confirmed::UsedStep => refused(&app, &headers, &session, form, field, words[1]).await,
        Confirmed::Wait(seconds) => {
            let words = format!("Demasiados intentos. Espere {} y vuelva a intentar.", spoken(seconds));
            let mut answer = refused(&app, &headers, &session, form, "clave", &words).await?;
            *answer.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            Ok(answer)
        }
        Confirmed::Over => Ok(over(&app, &headers, &form).await),
    }
}

impl AgainForm {
    /// What is shown, in which field its second step stands, and what is said of it where it is not right, or used.
    fn shows<'a>(
        &'a self,
        password: &'a SecretString,
        signed: Option<&'a Signed>,
    ) -> (Shown<'a>, &'static str, [&'static str; 2]) {
        let after_password = |step| Shown { password: Some(password), step };
        match signed {
            Some(signed) => (Shown { password: None, step: Some(Proof::Passkey(signed)) }, "clave", [WRONG_KEY, WRONG_KEY]),
            None if !self.codigo.trim().is_empty() => {
                (after_password(Some(Proof::Code(&self.codigo))), "codigo", [WRONG_CODE, USED_CODE])
            }
            None if !self.recuperacion.trim().is_empty() => {
                let step = Some(Proof::Recovery(&self.recuperacion));
                (after_password(step), "rec", [WRONG_RECOVERY, USED_RECOVERY])
            }
            None => (after_password(None), "codigo", ["", ""]),
        }
    }
}

/// The same person goes on with their own form: it is sent as it is, where nothing of it is missing.
async fn go_on_as(
    app: &App,
    headers: &HeaderMap,
    carried: Carried,
    (session, source): (&str, Option<IpAddr>),
) -> Result<Response, Trouble> {
    if !carried.lacks_password() {
        return Ok(carried.go_on(app, &super::own_cookies(app, headers, session), source).await);
    }
    go_on(app, headers, carried, (session, source)).await
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
