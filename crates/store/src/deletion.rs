//! The end of a company: asked for by one, after a waiting time said yes to by another, and then nothing of it is left.

use acuse_domain::Instant;
use acuse_domain::id::{CompanyId, UserId};
use acuse_domain::news::CompanyNews;
use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::audit::erase;
use crate::company_news::{Farewell, tell_owners};
use crate::db::{Db, StoreError, Tx};
use crate::events::{self, EventKind};
use crate::sql::{Inserted, execute, insert, one, values};
use crate::user_mails::Post;
use crate::{Actor, Identity};

/// A deletion that waits for its time and for a second person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub at: Instant,
    /// None: the operator.
    pub by: Option<UserId>,
    pub by_name: String,
    /// Before this nobody can say yes to it.
    pub due_at: Instant,
}

#[derive(Debug, thiserror::Error)]
pub enum DeletionError {
    /// People still work there.
    #[error("the company is not archived")]
    NotArchived,
    /// What nobody took along would be lost.
    #[error("nobody exported the company")]
    NotExported,
    #[error("the deletion was asked for already")]
    AskedAlready,
    #[error("nobody asked for the deletion")]
    NotAsked,
    #[error("the waiting time is over at {0}")]
    TooEarly(Instant),
    /// One person alone deletes no company.
    #[error("who asked for it cannot say yes to it")]
    SamePerson,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Every table with rows of a company but its history, those first that name rows of others. `$1` is the company.
pub const TABLES: [(&str, &str); 26] = [
    ("company_deletion", "company_id = $1"),
    ("allocation", "company_id = $1"),
    ("payment_line", "company_id = $1"),
    ("delivery_attempt", "company_id = $1"),
    ("delivery", "company_id = $1"),
    ("delivery_queue", "company_id = $1"),
    ("payment", "company_id = $1"),
    ("receipt_sequence", "company_id = $1"),
    ("document", "company_id = $1"),
    ("contact", "company_id = $1"),
    ("account_pause", "account_id IN (SELECT id FROM mail_account WHERE company_id = $1)"),
    ("account_health", "company_id = $1"),
    ("account_notice", "company_id = $1"),
    ("oauth_connection", "company_id = $1"),
    ("authorization_request", "company_id = $1"),
    ("mail_account", "company_id = $1"),
    ("dkim_key", "company_id = $1"),
    ("company_logo", "company_id = $1"),
    ("idempotency", "company_id = $1"),
    ("user_mail", "company_id = $1"),
    ("invitation", "company_id = $1"),
    ("api_token", "company_id = $1"),
    ("login", "company_id = $1"),
    ("ended_session", "company_id = $1"),
    ("membership", "company_id = $1"),
    ("company", "id = $1"),
];

/// The deletion that was asked for, if one was.
pub async fn asked(db: &Db, company: CompanyId) -> Result<Option<Asked>, StoreError> {
    asked_in(&db.of(company), company).await
}

async fn asked_in(conn: &impl ConnectionTrait, company: CompanyId) -> Result<Option<Asked>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        asked_at: Instant,
        asked_by: Option<Uuid>,
        asked_by_name: String,
        due_at: Instant,
    }
    let sql = "SELECT asked_at, asked_by, asked_by_name, due_at FROM company_deletion WHERE company_id = $1";
    let row: Option<Row> = one(conn, sql, values![company.0]).await?;
    Ok(row.map(|row| Asked { at: row.asked_at, by: row.asked_by.map(UserId), by_name: row.asked_by_name, due_at: row.due_at }))
}

/// Notes that everything was taken along.
pub async fn note_export(db: &Db, by: &Actor, post: Post<'_>, now: Instant) -> Result<(), StoreError> {
    let tx = db.begin_write_for(by.company).await?;
    execute(tx.as_conn(), "UPDATE company SET exported_at = $2 WHERE id = $1", values![by.company.0, now]).await?;
    events::append(&tx, by, by.company.0, EventKind::CompanyExported, now, "").await?;
    tell_owners(&tx, by, (CompanyNews::Exported, None), post, now).await?;
    tx.commit().await
}

/// When everything was last taken along.
pub async fn exported_at(db: &Db, company: CompanyId) -> Result<Option<Instant>, StoreError> {
    Ok(state_in(&db.of(company), company).await?.and_then(|state| state.exported_at))
}

/// Asks for the deletion of an archived company whose data somebody has, not before `wait` has gone by.
pub async fn ask(db: &Db, by: &Actor, wait: TimeDelta, post: Post<'_>, now: Instant) -> Result<Asked, DeletionError> {
    let tx = db.begin_write_for(by.company).await?;
    let state = lock(&tx, by.company).await?;
    let Some(archived_at) = state.archived_at else { return Err(DeletionError::NotArchived) };
    // What was exported before lacks what was recorded until then.
    if state.exported_at.is_none_or(|at| at < archived_at) {
        return Err(DeletionError::NotExported);
    }
    let asked = Asked { at: now, by: user(by), by_name: by.name.clone(), due_at: now + wait };
    let sql = "INSERT INTO company_deletion (company_id, asked_at, asked_by, asked_by_name, due_at) VALUES ($1, $2, $3, $4, $5)";
    let row = values![by.company.0, now, asked.by.map(|user| user.0), asked.by_name.as_str(), asked.due_at];
    if let Inserted::Duplicate = insert(tx.as_conn(), sql, row).await? {
        return Err(DeletionError::AskedAlready);
    }
    events::append(&tx, by, by.company.0, EventKind::CompanyDeletionAsked, now, "").await?;
    tell_owners(&tx, by, (CompanyNews::DeletionAsked, Some(asked.due_at)), post, now).await?;
    tx.commit().await?;
    Ok(asked)
}

/// The company stays. False where nobody had asked for its deletion.
pub async fn cancel(db: &Db, by: &Actor, post: Post<'_>, now: Instant) -> Result<bool, StoreError> {
    let tx = db.begin_write_for(by.company).await?;
    if execute(tx.as_conn(), "DELETE FROM company_deletion WHERE company_id = $1", values![by.company.0]).await? == 0 {
        tx.undo().await?;
        return Ok(false);
    }
    events::append(&tx, by, by.company.0, EventKind::CompanyDeletionCancelled, now, "").await?;
    tell_owners(&tx, by, (CompanyNews::DeletionCancelled, None), post, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// The second person's word: everything of the company goes, in one act. Its people stay, without an entry there.
pub async fn confirm(db: &Db, by: &Actor, post: Post<'_>, now: Instant) -> Result<(), DeletionError> {
    let tx = db.begin_write_any_company().await?;
    let state = lock(&tx, by.company).await?;
    let asked = asked_in(tx.as_conn(), by.company).await?.ok_or(DeletionError::NotAsked)?;
    if state.archived_at.is_none() {
        return Err(DeletionError::NotArchived);
    }
    if now < asked.due_at {
        return Err(DeletionError::TooEarly(asked.due_at));
    }
    if asked.by == user(by) {
        return Err(DeletionError::SamePerson);
    }
    let farewell = Farewell::of(&tx, by).await?;
    erase(&tx, by.company, now, async |tx| delete_rows(tx, by.company).await).await?;
    farewell.queue(&tx, post, now).await?;
    tx.commit().await?;
    tracing::info!(company.id = %by.company, "A company was deleted");
    Ok(())
}

async fn delete_rows(tx: &Tx, company: CompanyId) -> Result<(), StoreError> {
    for (table, of_company) in TABLES {
        execute(tx.as_conn(), &format!("DELETE FROM {table} WHERE {of_company}"), values![company.0]).await?;
    }
    Ok(())
}

/// None is the operator, who is one person too.
fn user(by: &Actor) -> Option<UserId> {
    match by.identity {
        Identity::User { user, .. } => Some(user),
        Identity::Token(_) | Identity::Operator | Identity::Acuse | Identity::Unknown => None,
    }
}

#[derive(FromQueryResult)]
struct State {
    archived_at: Option<Instant>,
    exported_at: Option<Instant>,
}

/// The company's row is the lock of its end: nobody opens it again meanwhile.
async fn lock(tx: &Tx, company: CompanyId) -> Result<State, DeletionError> {
    execute(tx.as_conn(), "UPDATE company SET ruc = ruc WHERE id = $1", values![company.0]).await?;
    state_in(tx.as_conn(), company).await?.ok_or(DeletionError::NotArchived)
}

async fn state_in(conn: &impl ConnectionTrait, company: CompanyId) -> Result<Option<State>, StoreError> {
    one(conn, "SELECT archived_at, exported_at FROM company WHERE id = $1", values![company.0]).await
}
