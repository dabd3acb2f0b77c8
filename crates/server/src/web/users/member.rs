//! One person of the company: another role, handing over, a link for a new password, and taking them out.

use acuse_domain::access::Role;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{TokenId, UserId};
use acuse_domain::message::{Message, messages};
use acuse_store::access::{self, AccessError, Member};
use acuse_store::account_links::{self, MakeError};
use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::Form;
use serde::Deserialize;

use super::roles::RolesTable;
use super::{HERE, UsersPage, link_page};
use crate::web::filters;
use crate::web::form_errors::FormErrors;
use crate::web::frame::Frame;
use crate::web::page::{Page, Section, refused, shown};
use crate::web::path_id::PathId;
use crate::web::trouble::Trouble;

#[derive(Template)]
#[template(path = "users/member.html")]
struct MemberPage {
    page: Page,
    errors: FormErrors,
    member: Member,
    roles: RolesTable,
    is_own: bool,
    is_mailed: bool,
}

impl MemberPage {
    async fn new(frame: &Frame, member: Member, picked: Option<Role>, errors: FormErrors) -> Result<Self, Trouble> {
        let page = frame.page(Section::MiCompania).await?.typing();
        let is_own = member.email == frame.email();
        let is_mailed = frame.app.default_account.is_some();
        Ok(Self { page, errors, member, roles: RolesTable::new(Some(picked)), is_own, is_mailed })
    }
}

async fn find(frame: &Frame, user: UserId) -> Result<(Member, EmailAddress), Trouble> {
    let member = access::member(&frame.app.db, frame.company(), user).await?.ok_or(Trouble::NotFound)?;
    let email = member.email.parse().map_err(|_| Trouble::NotFound)?;
    Ok((member, email))
}

pub async fn show(frame: Frame, PathId(user): PathId<UserId>) -> Result<Response, Trouble> {
    let (member, _) = find(&frame, user).await?;
    let role = member.role;
    Ok(shown(&MemberPage::new(&frame, member, Some(role), FormErrors::default()).await?))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct RoleForm {
    rol: String,
    /// Whoever asks hands over: the other one becomes an owner in their place.
    entregar: Option<String>,
}

pub async fn change(frame: Frame, PathId(user): PathId<UserId>, Form(form): Form<RoleForm>) -> Result<Response, Trouble> {
    let (member, email) = find(&frame, user).await?;
    let (db, by, now) = (&frame.app.db, &frame.actor, acuse_store::now());
    let picked = Role::parse(&form.rol);
    let done = match (picked, &form.entregar) {
        // Whoever handed over sees this list no more.
        (_, Some(_)) => access::hand_over(db, by, &email, now).await.map(|()| "/mi-compania/datos".to_owned()),
        (Some(role), None) => access::change_role(db, by, &email, role, now).await.map(|_| format!("{HERE}?hecho=rol")),
        (None, None) => return refuse(&frame, member, None, messages::member_role_missing()).await,
    };
    match done {
        Ok(next) => Ok(Redirect::to(&next).into_response()),
        Err(AccessError::LastOwner) => refuse(&frame, member, picked, messages::last_owner()).await,
        Err(AccessError::NotAMember) => Err(Trouble::NotFound),
        Err(AccessError::Store(error)) => Err(error.into()),
    }
}

async fn refuse(frame: &Frame, member: Member, picked: Option<Role>, why: Message) -> Result<Response, Trouble> {
    let mut errors = FormErrors::default();
    errors.say("", why);
    Ok(refused(&MemberPage::new(frame, member, picked, errors).await?))
}

/// What goes with a person who is taken out.
pub struct RemoveDialog {
    pub member: Member,
    pub tokens: Vec<(TokenId, String)>,
    pub tells: bool,
    pub errors: FormErrors,
}

impl RemoveDialog {
    async fn of(frame: &Frame, member: Member) -> Result<Self, Trouble> {
        let tokens = access::live_tokens(&frame.app.db, frame.company()).await?;
        Ok(Self { member, tokens, tells: frame.app.default_account.is_some(), errors: FormErrors::default() })
    }

    pub fn back(&self) -> String {
        format!("{HERE}/{}", self.member.user)
    }
}

pub async fn ask_remove(frame: Frame, PathId(user): PathId<UserId>) -> Result<Response, Trouble> {
    let (member, _) = find(&frame, user).await?;
    let dialog = RemoveDialog::of(&frame, member).await?;
    Ok(shown(&UsersPage::load(&frame).await?.with_dialog(dialog)))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct RemoveForm {
    token: Vec<String>,
}

pub async fn remove(frame: Frame, PathId(user): PathId<UserId>, Form(form): Form<RemoveForm>) -> Result<Response, Trouble> {
    let (member, email) = find(&frame, user).await?;
    let (db, by, now) = (&frame.app.db, &frame.actor, acuse_store::now());
    let revoked: Vec<TokenId> = form.token.iter().filter_map(|id| id.parse().ok()).collect();
    match access::remove_and_tell(db, by, &email, &revoked, frame.app.post(), now).await {
        Ok(_) => {}
        Err(AccessError::LastOwner) => {
            let mut dialog = RemoveDialog::of(&frame, member).await?;
            dialog.errors.say("", messages::last_owner());
            return Ok(refused(&UsersPage::load(&frame).await?.with_dialog(dialog)));
        }
        Err(AccessError::NotAMember) => return Err(Trouble::NotFound),
        Err(AccessError::Store(error)) => return Err(error.into()),
    }
    Ok(Redirect::to(&format!("{HERE}?hecho=quitado")).into_response())
}

/// A link for a new password: mailed to them, or shown to be handed over.
pub async fn reset(frame: Frame, PathId(user): PathId<UserId>) -> Result<Response, Trouble> {
    let (member, email) = find(&frame, user).await?;
    match account_links::make_reset(&frame.app.db, &frame.actor, user, frame.app.post(), acuse_store::now()).await {
        Ok(_) if frame.app.default_account.is_some() => Ok(Redirect::to(&format!("{HERE}?hecho=clave")).into_response()),
        Ok((token, ends_at)) => {
            let words = "Con él elige una contraseña nueva; sus sesiones se cierran.";
            link_page(&frame, format!("Contraseña nueva para {email}"), words, ("clave", &token), ends_at).await
        }
        Err(MakeError::BelongsElsewhere) => {
            let role = member.role;
            refuse(&frame, member, Some(role), messages::user_of_other_companies()).await
        }
        Err(MakeError::NotAMember) => Err(Trouble::NotFound),
        Err(MakeError::Store(error)) => Err(error.into()),
    }
}
