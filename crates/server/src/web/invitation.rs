//! What the link of an invitation opens: who invites, into which company, as what; and accepting it or not.

use acuse_domain::input::password::PasswordError;
use acuse_domain::input::person;
use acuse_domain::message::messages;
use acuse_store::invitations::{self, AcceptError, Found, Newcomer, Standing};
use acuse_store::sessions::Device;
use acuse_store::users::{self, CreateError, Session};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::header::{SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::access::session_token;
use crate::app::App;
use crate::client_address::ClientAddress;
use crate::cookies;
use crate::web::door::{private, said};
use crate::web::form_errors::FormErrors;
use crate::web::page::{Theme, refused, shown};
use crate::web::trouble::Trouble;
use crate::web::users::day_and_hour;

#[derive(Template)]
#[template(path = "door/invitation.html")]
struct InvitationPage {
    theme: Theme,
    errors: FormErrors,
    found: Found,
    token: String,
    name: String,
    ends: String,
    /// Who is logged in here.
    session: Option<Session>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct AcceptForm {
    nombre: String,
    clave: String,
}

impl InvitationPage {
    fn but_passwords(self) -> Self {
        Self { errors: self.errors.but_passwords(), ..self }
    }
}

async fn page(app: &App, headers: &HeaderMap, token: String, found: Found) -> Result<InvitationPage, Trouble> {
    let session = logged_in(app, headers).await?;
    let (ends, name) = (day_and_hour(found.ends_at), found.name.clone());
    Ok(InvitationPage { theme: Theme::of(headers), errors: FormErrors::default(), found, token, name, ends, session })
}

async fn logged_in(app: &App, headers: &HeaderMap) -> Result<Option<Session>, Trouble> {
    let Some(token) = session_token(app, headers) else { return Ok(None) };
    Ok(users::session(&app.db, &token, acuse_store::now()).await?)
}

pub async fn show(State(app): State<App>, Path(token): Path<String>, headers: HeaderMap) -> Result<Response, Trouble> {
    let found = invitations::find_any_company(&app.db, &token, acuse_store::now()).await?;
    match found {
        Some(found) if found.standing == Standing::Open => Ok(private(shown(&page(&app, &headers, token, found).await?))),
        found => Ok(over(Theme::of(&headers), found.map(|found| found.standing))),
    }
}

/// Why a link opens nothing, and what to do.
fn over(theme: Theme, standing: Option<Standing>) -> Response {
    let (title, words) = match standing {
        Some(Standing::Accepted) => {
            ("Esta invitación ya se usó", "Sirve una sola vez. Si fue usted, entre con su correo y su contraseña.")
        }
        Some(Standing::Expired) => {
            ("Esta invitación venció", "Sirve 72 horas. Pida al administrador de la compañía que la reenvíe.")
        }
        Some(Standing::Withdrawn) => {
            ("Esta invitación se retiró", "El administrador de la compañía la retiró. Si cree que es un error, pídale otra.")
        }
        Some(Standing::Replaced) => {
            ("Hay una invitación más nueva", "Este enlace ya no sirve porque le enviaron otro: use el del último correo.")
        }
        Some(Standing::Declined) => {
            ("Esta invitación se rechazó", "Si fue sin querer, pida al administrador de la compañía que le invite de nuevo.")
        }
        Some(Standing::Open) | None => {
            ("Esta invitación no existe", "El enlace está incompleto o cambiado. Cópielo entero del correo.")
        }
    };
    said(theme, StatusCode::GONE, title, words, ("Ir a Entrar", "/entrar"))
}

/// Accepts: with a name and a password where nobody is logged in, else as whoever is.
pub async fn accept(
    State(app): State<App>,
    ClientAddress(source): ClientAddress,
    Path(token): Path<String>,
    headers: HeaderMap,
    Form(form): Form<AcceptForm>,
) -> Result<Response, Trouble> {
    let now = acuse_store::now();
    let (theme, own) = (Theme::of(&headers), session_token(&app, &headers).unwrap_or_default());
    let found = invitations::find_any_company(&app.db, &token, now).await?;
    let Some(found) = found.filter(|found| found.standing == Standing::Open) else {
        return show(State(app), Path(token), headers).await;
    };
    let mut page = page(&app, &headers, token.clone(), found).await?;
    let accepted = match &page.session {
        Some(session) => invitations::accept_any_company(&app.db, &token, session, &own, source, now).await,
        None => {
            let name = page.errors.keep("nombre", person::name(&form.nombre));
            let password = SecretString::from(form.clave.as_str());
            page.name.clone_from(&form.nombre);
            if form.clave.is_empty() {
                page.errors.say("clave", PasswordError::Missing.message());
            }
            let (Some(name), true) = (name, page.errors.is_empty()) else { return Ok(private(refused(&page.but_passwords()))) };
            let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
            let device = Device { user_agent, source };
            let earlier_session = Some(own.as_str()).filter(|own| !own.is_empty());
            let newcomer = Newcomer { name: &name, password: &password, device, earlier_session };
            invitations::accept_as_new_any_company(&app.db, &token, newcomer, now).await
        }
    };
    let company = page.found.company_name.clone();
    match accepted {
        Ok(session) => Ok(entered(&app, &session)),
        Err(AcceptError::Gone(standing)) => Ok(over(theme, standing)),
        Err(AcceptError::AlreadyMember) => {
            let words = format!("Ya entra a {company}: no hace falta aceptar otra vez.");
            Ok(said(theme, StatusCode::CONFLICT, "Ya pertenece a la compañía", words, ("Ir al inicio", "/")))
        }
        Err(AcceptError::HasUser) => {
            page.found.has_user = true;
            page.errors.say("", messages::has_user_already());
            Ok(private(refused(&page)))
        }
        Err(AcceptError::NotCreated(error)) => {
            page.errors.say("clave", password_message(error)?);
            Ok(private(refused(&page.but_passwords())))
        }
        Err(AcceptError::Store(error)) => Err(error.into()),
    }
}

/// What is wrong with a new password. Errs with what is nobody's to mend.
pub fn password_message(error: CreateError) -> Result<acuse_domain::message::Message, Trouble> {
    match error {
        CreateError::Password(error) => Ok(error.message()),
        CreateError::EmailTaken => Ok(messages::has_user_already()),
        CreateError::NotHashed => Ok(messages::new_password_refused()),
        CreateError::Store(error) => Err(error.into()),
    }
}

/// On to the start page, with a session.
pub fn entered(app: &App, session: &SecretString) -> Response {
    let cookie = cookies::write(app, cookies::SESSION, session.expose_secret(), None);
    private((AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to("/")).into_response())
}

#[derive(Template)]
#[template(path = "door/decline.html")]
struct DeclinePage {
    theme: Theme,
    found: Found,
    token: String,
}

pub async fn ask_decline(State(app): State<App>, Path(token): Path<String>, headers: HeaderMap) -> Result<Response, Trouble> {
    let theme = Theme::of(&headers);
    match invitations::find_any_company(&app.db, &token, acuse_store::now()).await? {
        Some(found) if found.standing == Standing::Open => Ok(private(shown(&DeclinePage { theme, found, token }))),
        found => Ok(over(theme, found.map(|found| found.standing))),
    }
}

pub async fn decline(
    State(app): State<App>,
    ClientAddress(source): ClientAddress,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let theme = Theme::of(&headers);
    if invitations::decline_any_company(&app.db, &token, source, acuse_store::now()).await? {
        let words = "El enlace ya no sirve. No tiene que hacer nada más.";
        return Ok(said(theme, StatusCode::OK, "Invitación rechazada", words, ("Ir a Entrar", "/entrar")));
    }
    show(State(app), Path(token), headers).await
}
