//! Mi cuenta: what belongs to a person in all their companies.

pub mod device;
pub mod keys;
pub mod second_factor;

use acuse_domain::Instant;
use acuse_domain::id::SessionId;
use acuse_domain::input::password::PasswordError;
use acuse_domain::input::person;
use acuse_domain::message::messages;
use acuse_store::account::{self, Account, ChangePasswordError, OwnSession};
use acuse_store::logins::confirm::{self, Confirmed, Shown};
use acuse_store::passkeys::{self as stored_keys, Listed};
use acuse_store::second_factor::{self as factor, Standing};
use acuse_store::{StoreError, now};
use askama::Template;
use axum::Form;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use secrecy::SecretString;
use serde::Deserialize;

use crate::client_address::ClientAddress;
use crate::passkeys::Party;
use crate::web::calendar;
use crate::web::carried::Lost;
use crate::web::filters;
use crate::web::form_errors::FormErrors;
use crate::web::frame::Frame;
use crate::web::login::{Browser, spoken, theme_cookie};
use crate::web::page::{Page, Section, Theme, refused, shown, with_status};
use crate::web::path_id::PathId;
use crate::web::trouble::Trouble;

const HERE: &str = "/mi-cuenta";

/// The page, and a dialog over it.
#[derive(Template)]
#[template(path = "account/account.html")]
struct AccountPage {
    page: Page,
    errors: FormErrors,
    account: Account,
    /// As it was typed.
    name: String,
    standing: Standing,
    keys: Vec<Listed>,
    /// Whether a key can be added: browsers come by a name, and safely.
    has_keys: bool,
    sessions: Vec<OwnSession>,
    done: &'static str,
    dialog: Option<Dialog>,
}

enum Dialog {
    Authenticator(second_factor::Proposed),
    Key(keys::Question),
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Seen {
    hecho: String,
}

/// What was done a moment ago, by the word in the address.
fn done(word: &str) -> &'static str {
    match word {
        "datos" => "Sus datos se guardaron.",
        "clave" => "La contraseña cambió. Las demás sesiones terminaron.",
        "segundo-paso" => "El segundo paso está activado: se le pedirá un código al entrar.",
        "sin-segundo-paso" => "La aplicación de códigos ya no se pide al entrar.",
        "llave" => "La llave se agregó.",
        "sin-llave" => "La llave se quitó: ya no abre su cuenta.",
        "sesion" => "La sesión se cerró.",
        "sesiones" => "Las demás sesiones se cerraron, y ningún otro equipo entra sin el segundo paso.",
        _ => "",
    }
}

impl AccountPage {
    async fn load(frame: &Frame) -> Result<Self, StoreError> {
        let (db, by) = (&frame.app.db, &frame.actor);
        let account = account::find(db, by).await?.unwrap_or(Account {
            name: by.name.clone(),
            email: frame.email().to_owned(),
            password_changed_at: None,
            companies: Vec::new(),
        });
        Ok(Self {
            page: frame.page(Section::MiCuenta).await?,
            errors: FormErrors::default(),
            name: account.name.clone(),
            account,
            standing: factor::standing(db, by).await?,
            keys: stored_keys::list(db, by).await?,
            has_keys: Party::of(&frame.app.public_url).is_some(),
            sessions: account::sessions(db, by, &frame.session_token(), now()).await?,
            done: "",
            dialog: None,
        })
    }

    fn refusing(self, field: &str, words: impl Into<String>) -> Self {
        let mut errors = FormErrors::default();
        errors.add(field, words);
        Self { errors, ..self }
    }

    fn refusing_secret(self, field: &str, words: impl Into<String>) -> Self {
        let page = self.refusing(field, words);
        Self { errors: page.errors.clone().of_secrets(), ..page }
    }

    /// The same of a form that is all passwords or codes.
    fn refusing_secrets(self, errors: FormErrors) -> Self {
        Self { errors: errors.of_secrets(), ..self }
    }

    fn over(self, dialog: Dialog) -> Self {
        Self { page: self.page.modal(), dialog: Some(dialog), ..self }
    }

    /// «Distribuidora Cotopaxi y 2 más»
    fn companies(&self) -> String {
        match self.account.companies.as_slice() {
            [] => String::new(),
            [only] => only.clone(),
            [first, second] => format!("{first} y {second}"),
            [first, rest @ ..] => format!("{first} y {} más", rest.len()),
        }
    }

    /// «Distribuidora Cotopaxi lo pide»
    fn asking(&self) -> String {
        match self.standing.asked_by.as_slice() {
            [] => String::new(),
            [only] => format!("{only} lo pide"),
            [first, rest @ ..] => format!("{first} y {} más lo piden", rest.len()),
        }
    }

    fn device(&self, session: &OwnSession) -> String {
        device::named(session.user_agent.as_deref().unwrap_or_default())
    }

    fn day(&self, at: &Instant) -> String {
        calendar::day(calendar::today(*at))
    }

    fn moment(&self, at: &Instant) -> String {
        calendar::moment(*at, self.page.now)
    }

    /// Whether few codes are left.
    fn lacks_codes(&self) -> bool {
        self.standing.is_on() && self.standing.codes_left <= 3
    }
}

pub async fn show(frame: Frame, Query(seen): Query<Seen>) -> Result<Response, Trouble> {
    let page = AccountPage::load(&frame).await?;
    Ok(shown(&AccountPage { done: done(&seen.hecho), ..page }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct DataForm {
    nombre: String,
    tema: String,
}

pub async fn change(frame: Frame, Form(form): Form<DataForm>) -> Result<Response, Trouble> {
    let name = match person::name(&form.nombre) {
        Ok(name) => name,
        Err(message) => {
            let page = AccountPage::load(&frame).await?.refusing("nombre", message);
            return Ok(refused(&AccountPage { name: form.nombre, ..page }));
        }
    };
    account::rename(&frame.app.db, &frame.actor, &name, now()).await?;
    let cookie = theme_cookie(&frame.app, &form.tema);
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to("/mi-cuenta?hecho=datos")).into_response())
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct PasswordForm {
    actual: String,
    nueva: String,
}

impl PasswordForm {
    /// What was left empty: it is no guess, and is counted as none.
    fn missing(&self) -> FormErrors {
        let mut errors = FormErrors::default();
        if self.actual.is_empty() {
            errors.say("actual", messages::own_password_missing());
        }
        if self.nueva.is_empty() {
            errors.say("nueva", PasswordError::Missing.message());
        }
        errors
    }
}

/// Shows the password they have, which counts as a recent login where a login asks for no more.
pub async fn change_password(
    frame: Frame,
    ClientAddress(source): ClientAddress,
    Form(form): Form<PasswordForm>,
) -> Result<Response, Trouble> {
    let missing = form.missing();
    if !missing.is_empty() {
        return Ok(refused(&AccountPage::load(&frame).await?.refusing_secrets(missing)));
    }
    let (before, new) = (SecretString::from(form.actual), SecretString::from(form.nueva));
    let (app, token) = (&frame.app, frame.session_token());
    let browser = Browser::of(app, &frame.headers, source);
    let user = frame.user;
    let who = (user, frame.email(), token.as_str());
    let shown = Shown::password(&before);
    let session =
        match confirm::confirm_any_company(&app.db, &app.keys, who, &shown, &browser.origin(), app.post(), now()).await? {
            Confirmed::Yes(session) => session,
            Confirmed::Wait(seconds) => {
                let words = format!("Demasiados intentos. Espere {} y vuelva a intentar.", spoken(seconds));
                let page = AccountPage::load(&frame).await?.refusing_secret("actual", words);
                let answer = with_status(StatusCode::TOO_MANY_REQUESTS, &page);
                return Ok(([(RETRY_AFTER, seconds.to_string())], answer).into_response());
            }
            Confirmed::Over => return Ok(Redirect::to("/entrar").into_response()),
            // A password is not all that they come in with.
            Confirmed::StepMissing if frame.login_is_recent() => SecretString::from(token.as_str()),
            Confirmed::StepMissing => return frame.ask_again(Lost::of("/mi-cuenta/clave")).await,
            Confirmed::WrongPassword | Confirmed::WrongStep | Confirmed::UsedStep => {
                let page = AccountPage::load(&frame).await?.refusing_secret("actual", "La contraseña actual no es correcta.");
                return Ok(refused(&page));
            }
        };
    let frame = frame.under(&session);
    let changed = {
        let token = frame.session_token();
        account::change_password(&app.db, &frame.actor, (&before, &new), &token, app.post(), now()).await
    };
    match changed {
        Ok(session) => Ok(frame.renewed(session.as_ref(), Redirect::to("/mi-cuenta?hecho=clave"))),
        Err(ChangePasswordError::SessionOver) => Err(Trouble::SessionOver),
        Err(ChangePasswordError::Store(error)) => Err(error.into()),
        Err(ChangePasswordError::Password(why)) => {
            let page = AccountPage::load(&frame).await?.refusing_secret("nueva", why.message());
            Ok(frame.renewed(Some(&session), refused(&page)))
        }
        Err(ChangePasswordError::Same) => {
            let page = AccountPage::load(&frame).await?.refusing_secret("nueva", messages::login_password_same());
            Ok(frame.renewed(Some(&session), refused(&page)))
        }
    }
}

pub async fn end_session(frame: Frame, PathId(id): PathId<SessionId>) -> Result<Redirect, Trouble> {
    match account::end_session(&frame.app.db, &frame.actor, id, now()).await? {
        true => Ok(Redirect::to("/mi-cuenta?hecho=sesion")),
        false => Err(Trouble::NotFound),
    }
}

pub async fn end_other_sessions(frame: Frame) -> Result<Redirect, Trouble> {
    let browser = Browser::of(&frame.app, &frame.headers, None);
    let known = browser.origin().browser_tokens;
    account::end_other_sessions(&frame.app.db, &frame.actor, &frame.session_token(), known, now()).await?;
    Ok(Redirect::to("/mi-cuenta?hecho=sesiones"))
}
