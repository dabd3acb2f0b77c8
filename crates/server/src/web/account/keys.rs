//! Keys to enter without a password: adding and taking away.

use acuse_domain::id::PasskeyId;
use acuse_domain::input::person;
use acuse_store::now;
use acuse_store::passkeys::{self, AddError, NewPasskey};
use axum::Form;
use axum::http::header::USER_AGENT;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::second_factor::{codes_or, refuse};
use super::{AccountPage, Dialog, device};
use crate::cookies;
use crate::passkeys::Party;
use crate::web::frame::Frame;
use crate::web::login::key::sent;
use crate::web::page::{refused, shown};
use crate::web::trouble::{self, Trouble};

const NOT_MADE: &str = "El navegador no creó la llave, o tardó más de 5 minutos. Inténtelo otra vez.";

/// What a new key is to be called.
pub struct Question {
    pub name: String,
}

pub async fn ask(frame: Frame) -> Result<Response, Trouble> {
    if Party::of(&frame.app.public_url).is_none() {
        return Err(Trouble::NotFound);
    }
    let user_agent = frame.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let question = Question { name: device::named(user_agent) };
    Ok(shown(&AccountPage::load(&frame).await?.over(Dialog::Key(question))))
}

/// What a browser is to make a key for.
pub async fn challenge(frame: Frame) -> Result<Response, Trouble> {
    let Some(party) = Party::of(&frame.app.public_url) else { return Err(Trouble::NotFound) };
    let user = frame.user;
    let challenge = party.ask_new(&frame.app.db, user.0, frame.email(), &frame.actor.name).await?;
    let Some(challenge) = challenge else { return Ok(trouble::not_understood()) };
    Ok(sent(&frame.app, &challenge))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct KeyForm {
    nombre: String,
    respuesta: String,
}

pub async fn add(frame: Frame, Form(form): Form<KeyForm>) -> Result<Response, Trouble> {
    let Some(party) = Party::of(&frame.app.public_url) else { return Err(Trouble::NotFound) };
    let user = frame.user;
    let name = match person::name(&form.nombre) {
        Ok(name) => name,
        Err(error) => return again(&frame, form, "llave", error.to_string()).await,
    };
    let token = cookies::read(&frame.app, &frame.headers, cookies::CHALLENGE).unwrap_or_default();
    let Some(made) = party.made(&frame.app.db, &token, user.0, &form.respuesta).await? else {
        return again(&frame, form, "llave", NOT_MADE.to_owned()).await;
    };
    let new = NewPasskey { name: &name, credential: made.credential, public_part: made.public_part, counted: made.counted };
    let (app, token) = (&frame.app, frame.session_token());
    match passkeys::add(&app.db, &frame.actor, &new, &token, app.post(), now()).await {
        Ok(changed) => codes_or(&frame, changed, "llave").await,
        Err(AddError::Taken) => again(&frame, form, "llave", "Esa llave ya está agregada.".to_owned()).await,
        Err(AddError::TooMany) => again(&frame, form, "llave", "Ya tiene 20 llaves: quite una que no use.".to_owned()).await,
        Err(AddError::SessionOver) => Err(Trouble::SessionOver),
        Err(AddError::Store(error)) => Err(error.into()),
    }
}

async fn again(frame: &Frame, form: KeyForm, field: &str, words: String) -> Result<Response, Trouble> {
    let page = AccountPage::load(frame).await?.over(Dialog::Key(Question { name: form.nombre }));
    Ok(refused(&page.refusing(field, words)))
}

pub async fn remove(
    frame: Frame,
    crate::web::path_id::PathId(id): crate::web::path_id::PathId<PasskeyId>,
) -> Result<Response, Trouble> {
    let (app, token) = (&frame.app, frame.session_token());
    match passkeys::remove(&app.db, &frame.actor, id, &token, app.post(), now()).await {
        Ok(changed) => Ok(frame.renewed(changed.session.as_ref(), Redirect::to("/mi-cuenta?hecho=sin-llave")).into_response()),
        Err(error) => refuse(&frame, error).await,
    }
}
