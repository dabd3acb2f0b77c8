//! Another address to come in with: asked for with the password, confirmed at the new one, undone from the old one.

use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::UserId;
use acuse_domain::input::required_address;
use acuse_domain::message::messages;
use acuse_store::Identity;
use acuse_store::account_links::{self, LinkError, LinkKind, Standing};
use acuse_store::logins::counted::{self, Checked};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use secrecy::SecretString;
use serde::Deserialize;

use crate::app::App;
use crate::client_address::ClientAddress;
use crate::web::door::{private, said};
use crate::web::filters;
use crate::web::form_errors::FormErrors;
use crate::web::frame::Frame;
use crate::web::login::{Browser, spoken};
use crate::web::page::{Page, Section, Theme, refused, shown};
use crate::web::slips::Slips;
use crate::web::trouble::{self, Trouble};

#[derive(Template)]
#[template(path = "users/address.html")]
struct AddressPage {
    page: Page,
    errors: FormErrors,
    typed: String,
    current: String,
    is_mailed: bool,
    /// Where the link went.
    sent_to: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct AddressForm {
    correo: String,
    clave: String,
    asi_es: String,
    accion: String,
}

impl AddressPage {
    async fn new(frame: &Frame, typed: String, errors: FormErrors) -> Result<Self, Trouble> {
        let page = frame.page(Section::Inicio).await?.typing();
        let is_mailed = frame.app.default_account.is_some();
        Ok(Self { page, errors, typed, current: frame.email().to_owned(), is_mailed, sent_to: None })
    }
}

pub async fn ask(frame: Frame) -> Result<Response, Trouble> {
    Ok(shown(&AddressPage::new(&frame, String::new(), FormErrors::default()).await?))
}

pub async fn send(frame: Frame, Form(mut form): Form<AddressForm>) -> Result<Response, Trouble> {
    let Identity::User { user, .. } = frame.actor.identity else { return Ok(trouble::not_allowed()) };
    let mut slips = Slips::of(&form.asi_es, Vec::new());
    slips.press(&mut form.accion, &mut [("correo", &mut form.correo)]);
    let mut errors = FormErrors::default();
    let new = errors.keep("correo", required_address(&form.correo));
    if new.as_ref().is_some_and(|new| new.lowercase().as_str() == frame.email()) {
        errors.say("correo", messages::same_address());
    }
    slips.ask("correo", &form.correo, "", &mut errors);
    if errors.is_empty() {
        check_password(&frame, &form.clave, &mut errors).await?;
    }
    match new {
        Some(new) if errors.is_empty() && frame.app.default_account.is_some() => ask_at(&frame, user, new, form.correo).await,
        _ => {
            errors.remember(slips.confirmed());
            let errors = errors.but_passwords();
            Ok(refused(&AddressPage::new(&frame, form.correo, errors).await?))
        }
    }
}

async fn check_password(frame: &Frame, typed: &str, errors: &mut FormErrors) -> Result<(), Trouble> {
    if typed.is_empty() {
        errors.say("clave", messages::login_password_missing());
        return Ok(());
    }
    let (password, now) = (SecretString::from(typed), acuse_store::now());
    let browser = Browser::of(&frame.app, &frame.headers, frame.actor.source);
    let who = (frame.user, frame.email());
    match counted::check_password_any_company(&frame.app.db, who, &password, &browser.origin(), now).await? {
        Checked::Right => {}
        Checked::Wrong => errors.say("clave", messages::own_password_wrong()),
        Checked::Wait(seconds) => {
            errors.add("clave", format!("Demasiados intentos. Espere {} y vuelva a intentar.", spoken(seconds)));
        }
    }
    Ok(())
}

async fn ask_at(frame: &Frame, user: UserId, new: EmailAddress, typed: String) -> Result<Response, Trouble> {
    let app = &frame.app;
    account_links::ask_for_address_any_company(&app.db, user, &new, app.post(), acuse_store::now()).await?;
    let page = AddressPage::new(frame, typed, FormErrors::default()).await?;
    Ok(shown(&AddressPage { sent_to: Some(new.to_string()), ..page }))
}

#[derive(Template)]
#[template(path = "door/address.html")]
struct ConfirmPage {
    theme: Theme,
    token: String,
    address: String,
    undoes: bool,
}

/// What the link asks about; pressing the button does it.
pub async fn confirm(State(app): State<App>, Path(token): Path<String>, headers: HeaderMap) -> Result<Response, Trouble> {
    let theme = Theme::of(&headers);
    let link = account_links::find_any_company(&app.db, &token, acuse_store::now()).await?;
    let link = link.filter(|link| link.kind != LinkKind::Reset);
    Ok(match link {
        Some(link) if link.standing == Standing::Open => {
            let (undoes, address) = (link.kind == LinkKind::UndoAddress, link.email.unwrap_or_default());
            private(shown(&ConfirmPage { theme, token, address, undoes }))
        }
        link => over(theme, link.map(|link| link.standing)),
    })
}

fn over(theme: Theme, standing: Option<Standing>) -> Response {
    let (title, words) = match standing {
        Some(Standing::Used) => ("Este enlace ya se usó", "Sirve una sola vez, y lo que hacía está hecho o se reemplazó."),
        Some(Standing::Expired) => ("Este enlace venció", "Nada cambió. Si todavía quiere el cambio, pídalo otra vez."),
        Some(Standing::Open) | None => ("Este enlace no existe", "Está incompleto o cambiado. Cópielo entero del correo."),
    };
    said(theme, StatusCode::GONE, title, words, ("Ir a Entrar", "/entrar"))
}

pub async fn act(
    State(app): State<App>,
    ClientAddress(source): ClientAddress,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let (theme, now) = (Theme::of(&headers), acuse_store::now());
    let link = account_links::find_any_company(&app.db, &token, now).await?;
    let (done, title, words, next) = match link.map(|link| link.kind) {
        Some(LinkKind::ConfirmAddress) => {
            let done = account_links::confirm_address_any_company(&app.db, &token, source, app.post(), now).await;
            (done, "Correo confirmado", "Desde ahora entra con él. Avisamos al anterior.", ("Ir a Entrar", "/entrar"))
        }
        Some(LinkKind::UndoAddress) => {
            let done = account_links::undo_address_any_company(&app.db, &token, source, now).await;
            let words = "Entra otra vez con este correo, y todas las sesiones se cerraron. Elija ahora otra contraseña.";
            (done, "Cambio deshecho", words, ("Elegir otra contraseña", "/clave-olvidada"))
        }
        Some(LinkKind::Reset) | None => return Ok(over(theme, None)),
    };
    match done {
        Ok(()) => Ok(said(theme, StatusCode::OK, title, words, next)),
        Err(LinkError::EmailTaken) => {
            let words = "Otra persona ya entra con ese correo. Nada cambió.";
            Ok(said(theme, StatusCode::CONFLICT, "Ese correo ya está en uso", words, ("Ir a Entrar", "/entrar")))
        }
        Err(LinkError::Gone(standing)) => Ok(over(theme, standing)),
        Err(LinkError::NotCreated(_)) => Ok(over(theme, None)),
        Err(LinkError::Store(error)) => Err(error.into()),
    }
}
