//! Mi compañía › Datos: taking everything along, archiving and opening again, and the end.

use acuse_store::deletion::{self, Asked, DeletionError};
use acuse_store::{archive, companies};
use axum::Form;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::stream;
use serde::Deserialize;

use super::{HERE, ProfileForm, profile_page};
use crate::export;
use crate::web::calendar;
use crate::web::form_errors::FormErrors;
use crate::web::frame::Frame;
use crate::web::page::with_status;
use crate::web::trouble::Trouble;

/// How far the company's end has come, as the page shows it.
pub struct Closing {
    /// When everything was last taken along.
    pub exported: Option<String>,
    pub asked: Option<AskedFor>,
    /// Who looks at it may say yes: it is time, and somebody else asked.
    pub may_confirm: bool,
    /// They asked for it themselves.
    pub is_own: bool,
    pub days: i64,
}

/// Who asked for the company's end, when, and from when on it may be confirmed.
pub struct AskedFor {
    pub by: String,
    pub at: String,
    pub due: String,
}

impl Closing {
    pub async fn of(frame: &Frame) -> Result<Self, Trouble> {
        let (db, company) = (&frame.app.db, frame.company());
        let now = acuse_store::now();
        let words = |at| calendar::moment(at, now);
        let asked = deletion::asked(db, company).await?;
        let is_own = asked.as_ref().is_some_and(|asked| asked.by == Some(frame.user));
        let is_time = asked.as_ref().is_some_and(|asked| asked.due_at <= now);
        let asked = asked.map(|asked: Asked| AskedFor { by: asked.by_name, at: words(asked.at), due: words(asked.due_at) });
        Ok(Self {
            exported: deletion::exported_at(db, company).await?.map(words),
            may_confirm: is_time && !is_own,
            is_own,
            asked,
            days: frame.app.deletion_wait.num_days(),
        })
    }
}

/// The RUC, typed again by who wants the company gone.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct TypedRuc {
    ruc: String,
}

/// Everything, as a ZIP that is made while it is sent.
pub async fn export(frame: Frame) -> Result<Response, Trouble> {
    let company = companies::find(&frame.app.db, frame.company()).await?.ok_or(Trouble::NotFound)?;
    let pieces = export::begin(frame.app.db.clone(), frame.actor.clone(), frame.app.keys_to_mail()).await?;
    let body = Body::from_stream(stream::unfold(pieces, |mut pieces| async { Some((pieces.recv().await?, pieces)) }));
    let digits: String = company.ruc.as_str().chars().filter(char::is_ascii_alphanumeric).collect();
    let day = calendar::today(acuse_store::now());
    let name = format!("attachment; filename=\"acuse-{digits}-{day}.zip\"");
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/zip")),
        (CONTENT_DISPOSITION, HeaderValue::try_from(name).unwrap_or(HeaderValue::from_static("attachment"))),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, body).into_response())
}

pub async fn archive(frame: Frame) -> Result<Response, Trouble> {
    archive::archive(&frame.app.db, &frame.actor, frame.app.post(), acuse_store::now()).await?;
    Ok(back())
}

pub async fn reopen(frame: Frame) -> Result<Response, Trouble> {
    archive::reopen(&frame.app.db, &frame.actor, frame.app.post(), acuse_store::now()).await?;
    Ok(back())
}

pub async fn ask_deletion(frame: Frame, Form(typed): Form<TypedRuc>) -> Result<Response, Trouble> {
    if !is_right(&frame, &typed).await? {
        return wrong_ruc(&frame).await;
    }
    let asked = deletion::ask(&frame.app.db, &frame.actor, frame.app.deletion_wait, frame.app.post(), acuse_store::now()).await;
    match asked {
        Ok(_) | Err(DeletionError::AskedAlready) => Ok(back()),
        Err(error) => refused(&frame, error).await,
    }
}

pub async fn cancel_deletion(frame: Frame) -> Result<Response, Trouble> {
    deletion::cancel(&frame.app.db, &frame.actor, frame.app.post(), acuse_store::now()).await?;
    Ok(back())
}

/// The second person's word; what is left is the door.
pub async fn confirm_deletion(frame: Frame, Form(typed): Form<TypedRuc>) -> Result<Response, Trouble> {
    if !is_right(&frame, &typed).await? {
        return wrong_ruc(&frame).await;
    }
    match deletion::confirm(&frame.app.db, &frame.actor, frame.app.post(), acuse_store::now()).await {
        Ok(()) => Ok(Redirect::to("/entrar").into_response()),
        Err(error) => refused(&frame, error).await,
    }
}

fn back() -> Response {
    Redirect::to(&format!("{HERE}#cerrar")).into_response()
}

async fn is_right(frame: &Frame, typed: &TypedRuc) -> Result<bool, Trouble> {
    let company = companies::find(&frame.app.db, frame.company()).await?.ok_or(Trouble::NotFound)?;
    Ok(typed.ruc.parse().is_ok_and(|ruc: acuse_domain::identification::Ruc| ruc == company.ruc))
}

async fn wrong_ruc(frame: &Frame) -> Result<Response, Trouble> {
    said(frame, StatusCode::UNPROCESSABLE_ENTITY, "Escriba el RUC de esta compañía, para que no se elimine otra.".to_owned())
        .await
}

async fn refused(frame: &Frame, error: DeletionError) -> Result<Response, Trouble> {
    let words = match error {
        DeletionError::NotArchived => "Primero archive la compañía.".to_owned(),
        DeletionError::NotExported => "Primero llévese los datos: después de eliminarla no hay otra copia aquí.".to_owned(),
        DeletionError::AskedAlready => "Ya se pidió eliminarla.".to_owned(),
        DeletionError::NotAsked => "Nadie pidió eliminarla, o se canceló.".to_owned(),
        DeletionError::TooEarly(at) => {
            let at = calendar::at_moment(at, acuse_store::now());
            format!("Todavía se espera: se puede confirmar {at}.")
        }
        DeletionError::SamePerson => "Quien la pidió no la confirma: hace falta otra persona.".to_owned(),
        DeletionError::Store(error) => return Err(error.into()),
    };
    said(frame, StatusCode::CONFLICT, words).await
}

/// The page with what is in the way.
async fn said(frame: &Frame, status: StatusCode, words: String) -> Result<Response, Trouble> {
    let company = companies::find(&frame.app.db, frame.company()).await?.ok_or(Trouble::NotFound)?;
    let mut errors = FormErrors::default();
    errors.add("ruc-eliminar", words);
    let page = profile_page(frame, ProfileForm::of(company.profile, company.version), errors).await?;
    Ok(with_status(status, &page))
}
