//! Companies that nobody works in any more: read as ever, and nothing else, until somebody opens them again.

use acuse_domain::Instant;
use acuse_domain::id::CompanyId;
use acuse_domain::news::CompanyNews;
use sea_orm::FromQueryResult;

use crate::Actor;
use crate::company_news::tell_owners;
use crate::db::{Db, StoreError};
use crate::events::{self, EventKind};
use crate::invitations;
use crate::sql::{execute, one, values};
use crate::user_mails::Post;

/// Since when nothing happens in the company; `None` where it is open.
pub async fn archived_at(db: &Db, company: CompanyId) -> Result<Option<Instant>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        archived_at: Option<Instant>,
    }
    let sql = "SELECT archived_at FROM company WHERE id = $1";
    let row: Option<Row> = one(&db.of(company), sql, values![company.0]).await?;
    Ok(row.and_then(|row| row.archived_at))
}

/// From the next request on it is only read, and its queue waits. False where it was archived already.
pub async fn archive(db: &Db, by: &Actor, post: Post<'_>, now: Instant) -> Result<bool, StoreError> {
    let sql = "UPDATE company SET archived_at = $2 WHERE id = $1 AND archived_at IS NULL";
    let tx = db.begin_write_for(by.company).await?;
    if execute(tx.as_conn(), sql, values![by.company.0, now]).await? == 0 {
        tx.undo().await?;
        return Ok(false);
    }
    invitations::withdraw_all(&tx, by.company, now).await?;
    // Who deletes it needs a second person: not one whose password they could still give themselves.
    let sql = "UPDATE person_link SET used_at = $2 WHERE used_at IS NULL AND kind IN ('reset', 'confirm_address')
        AND person_id IN (SELECT person_id FROM membership WHERE company_id = $1)";
    execute(tx.as_conn(), sql, values![by.company.0, now]).await?;
    events::append(&tx, by, by.company.0, EventKind::CompanyArchived, now, "").await?;
    tell_owners(&tx, by, (CompanyNews::Archived, None), post, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// Its queue goes on, and nobody deletes it. False where it was open.
pub async fn reopen(db: &Db, by: &Actor, post: Post<'_>, now: Instant) -> Result<bool, StoreError> {
    let tx = db.begin_write_for(by.company).await?;
    let sql = "UPDATE company SET archived_at = NULL WHERE id = $1 AND archived_at IS NOT NULL";
    if execute(tx.as_conn(), sql, values![by.company.0]).await? == 0 {
        tx.undo().await?;
        return Ok(false);
    }
    let asked = execute(tx.as_conn(), "DELETE FROM company_deletion WHERE company_id = $1", values![by.company.0]).await?;
    if asked > 0 {
        events::append(&tx, by, by.company.0, EventKind::CompanyDeletionCancelled, now, "").await?;
    }
    events::append(&tx, by, by.company.0, EventKind::CompanyReopened, now, "").await?;
    tell_owners(&tx, by, (CompanyNews::Reopened, None), post, now).await?;
    tx.commit().await?;
    db.nudge();
    Ok(true)
}
