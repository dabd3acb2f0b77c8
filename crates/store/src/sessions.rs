//! Sessions of browsers: how one takes the place of another, when it ends unused, and how all of a person's are ended.

use acuse_domain::Instant;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::CompanyId;
use acuse_domain::identification::Ruc;
use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::access;
use crate::db::{Db, StoreError, Tx};
use crate::events::EventKind;
use crate::sql::{Of, all, execute, values};
use crate::users::{random_token, token_hash};

/// A session ends after a working week, however much it is used.
const LONGEST: TimeDelta = TimeDelta::days(7);
/// A session that its browser was not asked to keep ends after a working day without use (seconds). One that is kept lasts
/// until its absolute end.
const IDLE_SECONDS: i32 = 12 * 3_600;
/// How exactly it is known when a session or a token was last used: each note is a write.
pub(crate) const NOTED_EVERY: TimeDelta = TimeDelta::minutes(5);

/// Somebody who is let in.
pub(crate) struct NewSession {
    pub person: Uuid,
    pub company: CompanyId,
    /// It outlives the browser's window.
    pub is_kept: bool,
}

/// Begins a session and gives its token; the one that the browser had before is worth nothing from here on.
pub(crate) async fn begin(tx: &Tx, begun: &NewSession, earlier: Option<&str>, now: Instant) -> Result<SecretString, StoreError> {
    if let Some(earlier) = earlier {
        execute(tx.as_conn(), "DELETE FROM login WHERE token_hash = $1", values![token_hash(earlier)]).await?;
    }
    let sql = "DELETE FROM login WHERE person_id = $1 AND expires_at < $2";
    execute(tx.as_conn(), sql, values![begun.person, now]).await?;
    let token = random_token();
    let idle = (!begun.is_kept).then_some(IDLE_SECONDS);
    let sql = "INSERT INTO login (token_hash, person_id, company_id, created_at, last_seen_at, expires_at, idle_seconds)
        VALUES ($1, $2, $3, $4, $4, $5, $6)";
    let row = values![token_hash(token.expose_secret()), begun.person, begun.company.0, now, now + LONGEST, idle];
    execute(tx.as_conn(), sql, row).await?;
    Ok(token)
}

/// Whether a session has ended for want of use.
pub(crate) fn is_idle(last_seen: Option<Instant>, idle_seconds: Option<i32>, now: Instant) -> bool {
    match (last_seen, idle_seconds) {
        (Some(seen), Some(seconds)) => now - seen >= TimeDelta::seconds(i64::from(seconds)),
        _ => false,
    }
}

/// Keeps in mind that a session is used. Nobody waits for it, and without it the session ends a little earlier.
pub(crate) fn note_use(db: &Db, token: &str, last_seen: Option<Instant>, now: Instant) {
    if last_seen.is_some_and(|seen| (now - seen).abs() < NOTED_EVERY) {
        return;
    }
    let (db, token) = (db.clone(), token_hash(token));
    tokio::spawn(async move {
        let Ok(tx) = db.begin_write().await else { return };
        let sql = "UPDATE login SET last_seen_at = $2 WHERE token_hash = $1";
        if execute(tx.as_conn(), sql, values![token, now]).await.is_ok() {
            let _ = tx.commit().await;
        }
    });
}

/// A session as an operator sees it; the cookie itself is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    pub ruc: Ruc,
    pub created_at: Instant,
    pub last_seen_at: Option<Instant>,
    pub expires_at: Instant,
}

/// The sessions of a person that live, newest first.
pub async fn list_any_company(db: &Db, email: &EmailAddress, now: Instant) -> Result<Vec<OpenSession>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        company_id: Uuid,
        ruc: String,
        created_at: Instant,
        last_seen_at: Option<Instant>,
        expires_at: Instant,
        idle_seconds: Option<i32>,
    }
    let sql = "SELECT c.id AS company_id, c.ruc, l.created_at, l.last_seen_at, l.expires_at, l.idle_seconds FROM login l
        JOIN person p ON p.id = l.person_id JOIN company c ON c.id = l.company_id
        WHERE p.email = $1 AND l.expires_at > $2 ORDER BY l.created_at DESC";
    let rows: Vec<Row> = all(db.reader(), sql, values![email.lowercase().as_str(), now]).await?;
    let alive = rows.into_iter().filter(|row| !is_idle(row.last_seen_at, row.idle_seconds, now));
    let open = |row: Row| {
        let ruc = Of { table: "company", id: row.company_id }.ruc(&row.ruc);
        OpenSession { ruc, created_at: row.created_at, last_seen_at: row.last_seen_at, expires_at: row.expires_at }
    };
    Ok(alive.map(open).collect())
}

/// Ends every session of a person, at once; gives their number.
pub async fn end_all_any_company(db: &Db, email: &EmailAddress, now: Instant) -> Result<u64, StoreError> {
    let tx = db.begin_write().await?;
    let address = email.lowercase();
    // A login under way is over before, or begins afterwards.
    let sql = "UPDATE person SET email = email WHERE email = $1";
    execute(tx.as_conn(), sql, values![address.as_str()]).await?;
    let sql = "DELETE FROM login WHERE person_id IN (SELECT id FROM person WHERE email = $1)";
    let ended = execute(tx.as_conn(), sql, values![address.as_str()]).await?;
    note_for_companies(&tx, address.as_str(), EventKind::SessionsEnded, now).await?;
    tx.commit().await?;
    Ok(ended)
}

/// In the history of each company that a person belongs to.
pub(crate) async fn note_for_companies(tx: &Tx, address: &str, kind: EventKind, now: Instant) -> Result<(), StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        company_id: Uuid,
        person_id: Uuid,
    }
    let sql = "SELECT m.company_id, m.person_id FROM membership m JOIN person p ON p.id = m.person_id WHERE p.email = $1";
    let rows: Vec<Row> = all(tx.as_conn(), sql, values![address]).await?;
    for row in rows {
        let by = access::operator(CompanyId(row.company_id));
        crate::events::append(tx, &by, row.person_id, kind, now, address).await?;
    }
    Ok(())
}
