//! The sender's domain: what the DNS says of it, the records to add, and the company's own signature.

mod row;
mod view;

pub use row::DomainRow;

use acuse_domain::id::MailAccountId;
use acuse_domain::mail_account::MailAccount;
use acuse_store::dkim::{self, DkimError, KeyState};
use axum::Form;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::domain_check::{self, DomainState};
use crate::web::frame::Frame;
use crate::web::page::{Section, shown};
use crate::web::path_id::PathId;
use crate::web::trouble::Trouble;

use view::{DomainPage, Note};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// Asks the DNS again although it was asked a moment ago.
    revisar: Option<String>,
}

/// What the page's buttons ask for.
#[derive(Deserialize)]
pub struct Act {
    accion: String,
}

pub async fn show(frame: Frame, PathId(id): PathId<MailAccountId>, Query(wanted): Query<Wanted>) -> Result<Response, Trouble> {
    let (account, standing) = standing_of(&frame, id).await?;
    if wanted.revisar.is_some() {
        // Answered under the plain address, so that a reload does not ask again.
        standing.new_report(&frame.app).await?;
        return Ok(Redirect::to(&path(id)).into_response());
    }
    let page = frame.page(Section::MiCompania).await?;
    let report = standing.report(&frame.app).await?;
    let note = match domain_check::is_demonstration(&frame.app, &account) {
        true => Some(Note::demonstration()),
        false => domain_check::is_demo_domain(&frame.app, &account).then(Note::demo_domain),
    };
    Ok(shown(&DomainPage::new(page, &account, &standing, &report, note)))
}

/// The line of the account's card, once the DNS has answered.
pub async fn summary(frame: Frame, PathId(id): PathId<MailAccountId>) -> Result<Response, Trouble> {
    let (account, standing) = standing_of(&frame, id).await?;
    if domain_check::is_demo_domain(&frame.app, &account) {
        return Ok(shown(&DomainRow::demonstration(&account)));
    }
    let report = standing.report(&frame.app).await?;
    Ok(shown(&DomainRow::of(&account, Some(&report))))
}

/// Makes a key, looks for its record, stops signing, or forgets it.
pub async fn act(frame: Frame, PathId(id): PathId<MailAccountId>, Form(asked): Form<Act>) -> Result<Response, Trouble> {
    let (account, standing) = standing_of(&frame, id).await?;
    match carry_out(&frame, &standing, &asked.accion).await {
        Ok(None) => Ok(Redirect::to(&path(id)).into_response()),
        Ok(Some(note)) => {
            let page = frame.page(Section::MiCompania).await?;
            let report = standing.report(&frame.app).await?;
            Ok(shown(&DomainPage::new(page, &account, &standing, &report, Some(note))))
        }
        Err(error) => Err(trouble(error)),
    }
}

/// Something to say where the act came to nothing.
async fn carry_out(frame: &Frame, standing: &DomainState, act: &str) -> Result<Option<Note>, DkimError> {
    let by = &frame.actor;
    match act {
        "crear" if standing.is_foreign() => Ok(Some(Note::foreign(standing.domain()))),
        "crear" if standing.key(KeyState::Made).is_some() => Ok(None),
        "crear" => match domain_check::make_key(&frame.app, by, standing.domain()).await {
            Ok(()) | Err(DkimError::Waiting) => Ok(None),
            Err(DkimError::NoName) => Ok(Some(Note::no_more_keys())),
            Err(error) => Err(error),
        },
        "comprobar" => Ok(Note::of(domain_check::check_key(&frame.app, by, standing).await?)),
        "detener" => {
            let used = standing.key(KeyState::Used).ok_or(DkimError::NotFound)?;
            dkim::turn_off(&frame.app.db, by, used.id).await.map(|()| None)
        }
        "descartar" => {
            let waiting = standing.key(KeyState::Made).or(standing.key(KeyState::Published)).ok_or(DkimError::NotFound)?;
            dkim::delete(&frame.app.db, by, waiting.id).await.map(|()| None)
        }
        _ => Ok(None),
    }
}

async fn standing_of(frame: &Frame, id: MailAccountId) -> Result<(MailAccount, DomainState), Trouble> {
    let account = super::found(frame, id).await?;
    let standing = DomainState::of(&frame.app, &account).await?.ok_or(Trouble::NotFound)?;
    Ok((account, standing))
}

fn path(id: MailAccountId) -> String {
    format!("/mi-compania/correos/{id}/dominio")
}

fn trouble(error: DkimError) -> Trouble {
    match error {
        DkimError::Store(error) => Trouble::Store(error),
        other => {
            tracing::warn!("A DKIM key could not be changed: {other}");
            Trouble::NotFound
        }
    }
}
