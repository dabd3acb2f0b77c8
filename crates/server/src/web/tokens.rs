//! Mi compañía › Accesos › Integraciones: the tokens with which programs use the API.

pub mod new;

use acuse_domain::Instant;
use acuse_domain::access::{Permission, Scope, Scopes};
use acuse_domain::api_token::{ends_soon, is_over};
use acuse_domain::id::TokenId;
use acuse_domain::text;
use acuse_store::tokens::{self, TokenInfo};
use askama::Template;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::Form;
use serde::Deserialize;

use crate::web::form_errors::FormErrors;
use crate::web::frame::Frame;
use crate::web::page::{Page, Section, refused, shown};
use crate::web::path_id::PathId;
use crate::web::trouble::Trouble;
use crate::web::{calendar, filters};
use acuse_domain::message::messages;

const HERE: &str = "/mi-compania/integraciones";
/// Letters of why a token is revoked.
const LONGEST_REASON: usize = 300;
/// Days without use after which that is said.
const IDLE: i64 = 30;

#[derive(Template)]
#[template(path = "tokens/list.html")]
struct ListPage {
    page: Page,
    tokens: Vec<Row>,
    notice: Notice,
    question: Option<Question>,
}

/// A token in the list.
struct Row {
    token: TokenInfo,
    may: String,
    end: End,
    used: Option<Used>,
}

/// What there is to say of a token's end.
enum End {
    Never,
    On(String),
    /// `en 6 días`
    Soon(String),
    /// It opens nothing any more, and since when.
    Over(String),
}

struct Used {
    at: String,
    /// From where, or for how long not.
    note: String,
}

/// What was just done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Notice {
    Nothing,
    Revoked,
    /// The form came a second time.
    MadeBefore,
}

/// Whether a token is to be revoked.
struct Question {
    token: TokenInfo,
    may: String,
    used: Option<Used>,
    payments: u64,
    reason: String,
    errors: FormErrors,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Seen {
    hecho: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct RevokeForm {
    motivo: String,
}

pub async fn list(frame: Frame, Query(seen): Query<Seen>) -> Result<Response, Trouble> {
    let notice = match seen.hecho.as_str() {
        "revocado" => Notice::Revoked,
        "antes" => Notice::MadeBefore,
        _ => Notice::Nothing,
    };
    Ok(shown(&ListPage { notice, ..ListPage::of(&frame).await? }))
}

/// GET `/mi-compania/integraciones/{id}/revocar`
pub async fn ask_revoke(frame: Frame, PathId(id): PathId<TokenId>) -> Result<Response, Trouble> {
    match Question::of(&frame, id, String::new(), FormErrors::default()).await? {
        Some(question) => Ok(shown(&ListPage::asking(&frame, question).await?)),
        None => Ok(Redirect::to(HERE).into_response()),
    }
}

pub async fn revoke(frame: Frame, PathId(id): PathId<TokenId>, Form(form): Form<RevokeForm>) -> Result<Response, Trouble> {
    let reason = match text::at_most(Some(&form.motivo), LONGEST_REASON) {
        Ok(reason) => reason.unwrap_or_default(),
        Err(error) => {
            let mut errors = FormErrors::default();
            errors.say("motivo", error.of(messages::a_reason()));
            let question = Question::of(&frame, id, form.motivo, errors).await?;
            let Some(question) = question else { return Ok(Redirect::to(HERE).into_response()) };
            return Ok(refused(&ListPage::asking(&frame, question).await?));
        }
    };
    let found = tokens::find(&frame.app.db, frame.company(), id).await?;
    found.ok_or(Trouble::NotFound)?;
    tokens::revoke(&frame.app.db, &frame.actor, id, &reason, acuse_store::now()).await?;
    Ok(Redirect::to(&format!("{HERE}?hecho=revocado")).into_response())
}

impl ListPage {
    async fn of(frame: &Frame) -> Result<Self, Trouble> {
        let now = acuse_store::now();
        let tokens = tokens::list(&frame.app.db, frame.company()).await?.into_iter().map(|token| Row::of(token, now)).collect();
        let page = frame.page(Section::MiCompania).await?;
        Ok(Self { page, tokens, notice: Notice::Nothing, question: None })
    }

    async fn asking(frame: &Frame, question: Question) -> Result<Self, Trouble> {
        let behind = Self::of(frame).await?;
        Ok(Self { page: behind.page.modal(), question: Some(question), ..behind })
    }

    fn notice(&self) -> Option<(&'static str, &'static str)> {
        match self.notice {
            Notice::Nothing => None,
            Notice::Revoked => Some(("Token revocado", "Ya no da acceso a nada.")),
            Notice::MadeBefore => {
                Some(("Ese token ya se creó", "Se mostró esa única vez. Si no lo copió, revóquelo y cree otro."))
            }
        }
    }
}

impl Question {
    /// None where there is nothing left to revoke. Errs where there is no such token.
    async fn of(frame: &Frame, id: TokenId, reason: String, errors: FormErrors) -> Result<Option<Self>, Trouble> {
        let (db, company) = (&frame.app.db, frame.company());
        let token = tokens::find(db, company, id).await?.ok_or(Trouble::NotFound)?;
        if token.revoked_at.is_some() {
            return Ok(None);
        }
        let payments = tokens::payments_recorded(db, company, id).await?;
        let (may, used) = (in_words(&token.scopes), Used::of(&token, acuse_store::now()));
        Ok(Some(Self { token, may, used, payments, reason, errors }))
    }

    /// How a token is recognised beside its name.
    fn known_by(&self) -> String {
        self.token.hint.iter().chain([&self.may]).cloned().collect::<Vec<_>>().join(" · ")
    }

    fn left(&self) -> Option<String> {
        match self.payments {
            0 => None,
            1 => Some("1 cobro o pago".to_owned()),
            n => Some(format!("{n} cobros y pagos")),
        }
    }
}

impl Row {
    fn of(token: TokenInfo, now: Instant) -> Self {
        let (may, end, used) = (in_words(&token.scopes), End::of(&token, now), Used::of(&token, now));
        Self { token, may, end, used }
    }

    fn is_over(&self) -> bool {
        matches!(self.end, End::Over(_))
    }

    fn ends_soon(&self) -> bool {
        matches!(self.end, End::Soon(_))
    }
}

impl End {
    fn of(token: &TokenInfo, now: Instant) -> Self {
        let today = calendar::today(now);
        if let Some(at) = token.revoked_at {
            return Self::Over(format!("Revocado el {}", calendar::day(calendar::today(at))));
        }
        match token.expires_on {
            None => Self::Never,
            Some(day) if is_over(day, now) => Self::Over(format!("Venció el {}", calendar::day(day))),
            Some(day) if ends_soon(day, now) => Self::Soon(match (day - today).num_days() {
                0 => "hoy".to_owned(),
                1 => "mañana".to_owned(),
                days => format!("en {days} días"),
            }),
            Some(day) => Self::On(calendar::day(day)),
        }
    }
}

impl Used {
    fn of(token: &TokenInfo, now: Instant) -> Option<Self> {
        let at = token.last_used_at?;
        let (day, today) = (calendar::today(at), calendar::today(now));
        let idle = (today - day).num_days();
        let from = token.last_used_from.as_ref().map(|from| format!("desde {from}"));
        let note = if idle > IDLE { format!("hace {idle} días") } else { from.unwrap_or_default() };
        Some(Self { at: if idle == 0 { calendar::moment(at, now) } else { calendar::day(day) }, note })
    }
}

/// `leer, registrar, enviar`
fn in_words(scopes: &Scopes) -> String {
    let word = |scope| match scope {
        Scope::Read => "leer",
        Scope::Record => "registrar",
        Scope::Send => "enviar",
        Scope::Configure => "configurar",
    };
    scopes.iter().map(word).collect::<Vec<_>>().join(", ")
}
