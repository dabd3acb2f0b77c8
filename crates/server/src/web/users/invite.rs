//! Inviting somebody, sending an invitation again, and taking it back.

use acuse_domain::access::Role;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::InvitationId;
use acuse_domain::input::person::{Field, InvitationInput};
use acuse_domain::message::messages;
use acuse_store::invitations::{self, InviteError, Invited, LASTS, NewInvitation};
use askama::Template;
use axum::Form;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::roles::RolesTable;
use super::{HERE, day_and_hour, link_page};
use crate::web::filters;
use crate::web::form_errors::FormErrors;
use crate::web::frame::Frame;
use crate::web::page::{Page, Section, refused, shown};
use crate::web::path_id::PathId;
use crate::web::slips::Slips;
use crate::web::trouble::{self, Trouble};

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct InviteForm {
    correo: String,
    nombre: String,
    rol: String,
    /// The invitation that this one takes the place of.
    corrige: String,
    /// The address looks like a slip and is right.
    asi_es: String,
    /// The answer about it.
    accion: String,
}

#[derive(Template)]
#[template(path = "users/invite.html")]
struct InvitePage {
    page: Page,
    errors: FormErrors,
    typed: InviteForm,
    roles: RolesTable,
    ends: String,
    is_mailed: bool,
}

impl InvitePage {
    async fn new(frame: &Frame, typed: InviteForm, errors: FormErrors) -> Result<Self, Trouble> {
        let page = frame.page(Section::MiCompania).await?.typing();
        let ends = day_and_hour(page.now + LASTS);
        let roles = RolesTable::new(Some(Role::parse(&typed.rol)));
        Ok(Self { page, errors, typed, roles, ends, is_mailed: frame.app.default_account.is_some() })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Start {
    corrige: String,
}

pub async fn ask(frame: Frame, Query(start): Query<Start>) -> Result<Response, Trouble> {
    let mut typed = InviteForm { rol: Role::Clerk.as_str().to_owned(), ..InviteForm::default() };
    if let Ok(id) = start.corrige.parse::<InvitationId>() {
        let open = invitations::open(&frame.app.db, frame.company()).await?;
        let corrected = open.into_iter().find(|one| one.id == id).ok_or(Trouble::NotFound)?;
        typed = InviteForm {
            correo: corrected.email,
            nombre: corrected.name,
            rol: corrected.role.as_str().to_owned(),
            corrige: start.corrige,
            ..typed
        };
    }
    Ok(shown(&InvitePage::new(&frame, typed, FormErrors::default()).await?))
}

pub async fn send(frame: Frame, Form(mut form): Form<InviteForm>) -> Result<Response, Trouble> {
    let mut slips = Slips::of(&form.asi_es, Vec::new());
    slips.press(&mut form.accion, &mut [("correo", &mut form.correo)]);
    let read = InvitationInput { email: &form.correo, name: &form.nombre, role: &form.rol }.read();
    let mut errors = read.as_ref().err().cloned().map(|errors| FormErrors::of_input(errors, id_of)).unwrap_or_default();
    slips.ask("correo", &form.correo, "", &mut errors);
    let (Ok((email, name, role)), true) = (read, errors.is_empty()) else {
        errors.remember(slips.confirmed());
        return Ok(refused(&InvitePage::new(&frame, form, errors).await?));
    };
    let new = NewInvitation { email: email.clone(), name, role };
    let corrected = form.corrige.parse().ok();
    let (db, now) = (&frame.app.db, acuse_store::now());
    match invitations::invite(db, &frame.actor, &new, corrected, frame.app.post(), now).await {
        Ok(invited) => return sent(&frame, &email, invited).await,
        Err(InviteError::AlreadyMember) => errors.say("correo", messages::already_member()),
        Err(InviteError::AlreadyInvited) => errors.say("correo", messages::already_invited()),
        Err(InviteError::NotFound) => return Err(Trouble::NotFound),
        Err(InviteError::Archived) => return Ok(trouble::archived(true)),
        Err(InviteError::Store(error)) => return Err(error.into()),
    }
    Ok(refused(&InvitePage::new(&frame, form, errors).await?))
}

const fn id_of(field: Field) -> &'static str {
    match field {
        Field::Name => "nombre",
        Field::Role => "rol",
        _ => "correo",
    }
}

/// The list where a mail carries the link, else the link.
async fn sent(frame: &Frame, to: &EmailAddress, invited: Invited) -> Result<Response, Trouble> {
    if frame.app.default_account.is_some() {
        return Ok(Redirect::to(&format!("{HERE}?hecho=invitacion")).into_response());
    }
    let words = "Con él crea su usuario y entra a esta compañía.";
    link_page(frame, format!("Invitación para {to}"), words, ("invitacion", &invited.token), invited.ends_at).await
}

pub async fn resend(frame: Frame, PathId(id): PathId<InvitationId>) -> Result<Response, Trouble> {
    let (db, company, now) = (&frame.app.db, frame.company(), acuse_store::now());
    let open = invitations::open(db, company).await?;
    let email = open.into_iter().find(|one| one.id == id).and_then(|one| one.email.parse::<EmailAddress>().ok());
    let Some(email) = email else { return Ok(Redirect::to(HERE).into_response()) };
    match invitations::resend(db, &frame.actor, id, frame.app.post(), now).await {
        Ok(invited) => sent(&frame, &email, invited).await,
        // Somebody was faster: the list says how it stands.
        Err(InviteError::NotFound | InviteError::AlreadyMember | InviteError::AlreadyInvited) => {
            Ok(Redirect::to(HERE).into_response())
        }
        Err(InviteError::Archived) => Ok(trouble::archived(true)),
        Err(InviteError::Store(error)) => Err(error.into()),
    }
}

pub async fn withdraw(frame: Frame, PathId(id): PathId<InvitationId>) -> Result<Response, Trouble> {
    invitations::withdraw(&frame.app.db, &frame.actor, id, acuse_store::now()).await?;
    Ok(Redirect::to(&format!("{HERE}?hecho=retirada")).into_response())
}
