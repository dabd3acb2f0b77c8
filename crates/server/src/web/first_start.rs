//! The first page of an installation: a company and whoever answers for it. Only the link that `serve` printed opens it.

use acuse_domain::input::person::{self, Field, FoundingInput};
use acuse_store::first_start::{self, FoundError, Founding};
use acuse_store::sessions::Device;
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::SecretString;
use serde::Deserialize;

use crate::app::App;
use crate::client_address::ClientAddress;
use crate::web::door::{private, said};
use crate::web::form_errors::FormErrors;
use crate::web::invitation::{entered, password_message};
use crate::web::page::{Theme, refused, shown};
use crate::web::slips::Slips;
use crate::web::trouble::Trouble;

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct FoundingForm {
    ruc: String,
    razon: String,
    nombre: String,
    correo: String,
    clave: String,
    asi_es: String,
    accion: String,
    /// The RUC that looks like a slip, and is right.
    ruc_asi_es: String,
}

#[derive(Template)]
#[template(path = "door/first_start.html")]
struct FirstStartPage {
    theme: Theme,
    errors: FormErrors,
    token: String,
    typed: FoundingForm,
    /// A RUC to be confirmed.
    doubtful: Option<String>,
}

/// Where everything leads while nobody is on record.
pub async fn wait(State(app): State<App>, headers: HeaderMap) -> Result<Response, Trouble> {
    if !first_start::is_ahead_any_company(&app.db).await? {
        return Ok(Redirect::to("/entrar").into_response());
    }
    Ok(not_good(Theme::of(&headers)))
}

fn not_good(theme: Theme) -> Response {
    let words = "Acuse todavía no tiene usuarios. Quien lo puso en marcha tiene el enlace: «acuse serve» lo escribió al \
                 empezar, y escribe otro cada vez que empieza. Ábralo entero.";
    said(theme, StatusCode::FORBIDDEN, "Falta el enlace del primer inicio", words, ("Volver a mirar", "/"))
}

pub async fn ask(State(app): State<App>, Path(token): Path<String>, headers: HeaderMap) -> Result<Response, Trouble> {
    if !first_start::is_good_any_company(&app.db, &token).await? {
        return wait(State(app), headers).await;
    }
    let (errors, typed) = (FormErrors::default(), FoundingForm::default());
    Ok(private(shown(&FirstStartPage { theme: Theme::of(&headers), errors, token, typed, doubtful: None })))
}

pub async fn found(
    State(app): State<App>,
    ClientAddress(source): ClientAddress,
    Path(token): Path<String>,
    headers: HeaderMap,
    Form(mut form): Form<FoundingForm>,
) -> Result<Response, Trouble> {
    if !first_start::is_good_any_company(&app.db, &token).await? {
        return wait(State(app), headers).await;
    }
    let mut slips = Slips::of(&form.asi_es, Vec::new());
    slips.press(&mut form.accion, &mut [("correo", &mut form.correo)]);
    let input = FoundingInput { ruc: &form.ruc, legal_name: &form.razon, name: &form.nombre, email: &form.correo };
    let read = input.read();
    let mut errors = read.as_ref().err().cloned().map(|errors| FormErrors::of_input(errors, id_of)).unwrap_or_default();
    slips.ask("correo", &form.correo, "", &mut errors);
    let doubtful = read.as_ref().ok().and_then(|read| doubtful(read, &form.ruc_asi_es, &mut errors));
    let password = SecretString::from(form.clave.as_str());
    if let (Ok(read), true) = (read, errors.is_empty()) {
        let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let new = Founding {
            ruc: read.ruc,
            legal_name: read.legal_name,
            name: read.name,
            email: read.email,
            password: &password,
            device: Device { user_agent, source },
        };
        match first_start::found_any_company(&app.db, &token, new, acuse_store::now()).await {
            Ok(session) => return Ok(entered(&app, &session)),
            Err(FoundError::NotGood) => return wait(State(app), headers).await,
            Err(FoundError::NotCreated(error)) => errors.say("clave", password_message(error)?),
            Err(FoundError::Store(error)) => return Err(error.into()),
        }
    }
    errors.remember(slips.confirmed());
    let errors = errors.but_passwords();
    // A password is typed again.
    let typed = FoundingForm { clave: String::new(), ..form };
    Ok(private(refused(&FirstStartPage { theme: Theme::of(&headers), errors, token, typed, doubtful })))
}

/// Asks about a RUC that nobody has confirmed.
fn doubtful(read: &person::Founding, confirmed: &str, errors: &mut FormErrors) -> Option<String> {
    let doubt = read.ruc.doubt().filter(|_| confirmed != read.ruc.as_str())?;
    errors.say("ruc", doubt.message(&read.ruc));
    Some(read.ruc.to_string())
}

const fn id_of(field: Field) -> &'static str {
    match field {
        Field::Ruc => "ruc",
        Field::LegalName => "razon",
        Field::Name => "nombre",
        Field::Email | Field::Role => "correo",
    }
}
