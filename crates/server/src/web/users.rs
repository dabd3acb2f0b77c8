//! Mi compañía › Accesos › Usuarios: who comes in, as what, and who was invited.

pub mod invite;
pub mod member;
pub mod roles;

use acuse_domain::access::Permission;
use acuse_domain::message::Language;
use acuse_mail::explanation::{Context, explain_recorded};
use acuse_store::access::{self, Member};
use acuse_store::invitations::{self, Invitation, Mailed};
use acuse_store::second_factor;
use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::app::App;
use crate::web::account::second_factor::Requirement;
use crate::web::calendar;
use crate::web::filters;
use crate::web::frame::Frame;
use crate::web::page::{Page, Section, shown};
use crate::web::trouble::Trouble;
use acuse_domain::Instant;
use roles::RolesTable;

pub const HERE: &str = "/mi-compania/usuarios";

#[derive(Template)]
#[template(path = "users/list.html")]
pub struct UsersPage {
    page: Page,
    done: &'static str,
    members: Vec<Member>,
    invitations: Vec<Invitation>,
    own_email: String,
    roles: RolesTable,
    requirement: Requirement,
    dialog: Option<member::RemoveDialog>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Look {
    hecho: String,
}

pub async fn list(frame: Frame, Query(look): Query<Look>) -> Result<Response, Trouble> {
    Ok(shown(&UsersPage { done: said(&look.hecho), ..UsersPage::load(&frame).await? }))
}

/// What was done a moment ago.
fn said(what: &str) -> &'static str {
    match what {
        "invitacion" => "La invitación sale ahora por correo.",
        "retirada" => "La invitación se retiró: su enlace ya no sirve.",
        "rol" => "El rol cambió; vale desde ahora.",
        "quitado" => "Ya no entra: sus sesiones de esta compañía se cerraron.",
        "clave" => "El enlace para la contraseña nueva sale ahora por correo.",
        _ => "",
    }
}

impl UsersPage {
    pub async fn load(frame: &Frame) -> Result<Self, Trouble> {
        let (db, company) = (&frame.app.db, frame.company());
        Ok(Self {
            page: frame.page(Section::MiCompania).await?,
            done: "",
            members: access::members(db, company).await?,
            invitations: invitations::open(db, company).await?,
            own_email: frame.email().to_owned(),
            roles: RolesTable::new(None),
            requirement: Requirement { rule: second_factor::rule(db, company).await? },
            dialog: None,
        })
    }

    pub fn with_dialog(self, dialog: member::RemoveDialog) -> Self {
        Self { page: self.page.modal(), dialog: Some(dialog), ..self }
    }

    fn last_login(&self, member: &Member) -> String {
        member.last_login_at.map_or_else(|| "Todavía no entra".to_owned(), |at| capitalized(&calendar::moment(at, self.page.now)))
    }

    fn mark(&self, invitation: &Invitation) -> Mark {
        let since = calendar::moment(invitation.created_at, self.page.now);
        let until = format!("vence el {}", day_and_hour(invitation.ends_at));
        if invitation.has_ended(self.page.now) {
            return Mark::new("canceled", "ban", "Invitación vencida", "nadie la aceptó a tiempo".to_owned());
        }
        match &invitation.mailed {
            Mailed::Failed { problem_code, reply } => {
                Mark::new("bounced", "arrow-back-up", "La invitación no llegó", cause(problem_code.as_deref(), reply))
            }
            Mailed::Waiting => Mark::new("queued", "clock", "La invitación está por salir", until),
            Mailed::Sent => Mark::new("queued", "clock", "Invitación enviada", format!("{since} · {until}")),
            Mailed::ByHand => Mark::new("queued", "clock", "Enlace entregado a mano", format!("{since} · {until}")),
        }
    }
}

/// What became of an invitation, as the table shows it.
struct Mark {
    state: &'static str,
    icon: &'static str,
    word: &'static str,
    why: String,
}

impl Mark {
    const fn new(state: &'static str, icon: &'static str, word: &'static str, why: String) -> Self {
        Self { state, icon, word, why }
    }

    fn is_problem(&self) -> bool {
        self.state == "bounced"
    }
}

fn cause(problem_code: Option<&str>, reply: &str) -> String {
    match problem_code {
        Some(code) => explain_recorded(code, &Context::default(), Language::Spanish).title,
        None if reply.is_empty() => "el correo no se pudo enviar".to_owned(),
        None => acuse_domain::text::escaped(reply),
    }
}

fn capitalized(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// `27/11/2026 a las 10:30`
pub fn day_and_hour(at: Instant) -> String {
    format!("{} a las {}", calendar::day(acuse_domain::day_in_ecuador(at)), calendar::hour(at))
}

/// A link that somebody hands over: shown this once.
#[derive(Template)]
#[template(path = "users/link.html")]
struct LinkPage {
    page: Page,
    title: String,
    words: &'static str,
    url: String,
    ends: String,
}

/// The page with a link that no mail carries.
pub async fn link_page(
    frame: &Frame,
    title: String,
    words: &'static str,
    (path, token): (&str, &SecretString),
    ends_at: Instant,
) -> Result<Response, Trouble> {
    let page = frame.page(Section::MiCompania).await?;
    let url = link(&frame.app, path, token);
    Ok(crate::web::door::private(shown(&LinkPage { page, title, words, url, ends: day_and_hour(ends_at) })))
}

fn link(app: &App, path: &str, token: &SecretString) -> String {
    format!("{}/{path}/{}", app.public_url, token.expose_secret())
}
