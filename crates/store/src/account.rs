//! Mi cuenta: what belongs to a person in all their companies: the name, the password, the sessions.

use acuse_domain::Instant;
use acuse_domain::id::SessionId;
use acuse_domain::input::password::PasswordError;
use sea_orm::FromQueryResult;
use secrecy::SecretString;
use uuid::Uuid;

use crate::Actor;
use crate::db::{Db, StoreError};
use crate::events::EventKind;
use crate::passwords::{self, token_hash};
use crate::second_factor::{hold, hold_acting, person_of};
use crate::sessions::{self, Ended, is_idle};
use crate::sql::{all, execute, one, values};
use crate::user_mails::{self, Post};

/// Who asks, whichever the company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub email: String,
    /// Nothing where nobody changed it since it is noted.
    pub password_changed_at: Option<Instant>,
    /// What their companies are known as.
    pub companies: Vec<String>,
}

pub async fn find(db: &Db, by: &Actor) -> Result<Option<Account>, StoreError> {
    #[derive(FromQueryResult)]
    struct Person {
        name: String,
        email: String,
        password_changed_at: Option<Instant>,
    }
    #[derive(FromQueryResult)]
    struct Company {
        name: String,
    }
    let sql = "SELECT name, email, password_changed_at FROM person WHERE id = $1";
    let person: Option<Person> = one(&db.of_any_company(), sql, values![person_of(by)]).await?;
    let Some(person) = person else { return Ok(None) };
    let sql = "SELECT COALESCE(c.trade_name, c.legal_name) AS name FROM membership m JOIN company c ON c.id = m.company_id
        WHERE m.person_id = $1 ORDER BY CASE WHEN c.id = $2 THEN 0 ELSE 1 END, 1";
    let companies: Vec<Company> = all(&db.of_any_company(), sql, values![person_of(by), by.company.0]).await?;
    Ok(Some(Account {
        name: person.name,
        email: person.email,
        password_changed_at: person.password_changed_at,
        companies: companies.into_iter().map(|company| company.name).collect(),
    }))
}

/// What was recorded keeps the name under which it was done.
pub async fn rename(db: &Db, by: &Actor, name: &str, now: Instant) -> Result<(), StoreError> {
    let tx = db.begin_write_any_company().await?;
    let sql = "UPDATE person SET name = $2 WHERE id = $1 AND name <> $2";
    if execute(tx.as_conn(), sql, values![person_of(by), name]).await? > 0 {
        sessions::note_in_each_company(&tx, by, person_of(by), EventKind::UserRenamed, now, name).await?;
    }
    tx.commit().await
}

#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// It is the one they have.
    #[error("the new password is the old one")]
    Same,
    #[error("the session was ended meanwhile")]
    SessionOver,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The new password holds, every other session ends, and no browser is known any more. Whoever asks has shown the old one a
/// moment ago (`logins::confirm`); gives the session's new token.
pub async fn change_password(
    db: &Db,
    by: &Actor,
    (before, new): (&SecretString, &SecretString),
    session: &str,
    post: Post<'_>,
    now: Instant,
) -> Result<Option<SecretString>, ChangePasswordError> {
    use secrecy::ExposeSecret;
    let person = person_of(by);
    passwords::check_new(&db.of_any_company(), Some(person), None, &[], new).await??;
    if before.expose_secret() == new.expose_secret() {
        return Err(ChangePasswordError::Same);
    }
    let hash = passwords::hash(new.clone()).await.map_err(StoreError::from)?;
    let tx = db.begin_write_any_company().await?;
    if !hold_acting(&tx, by).await? {
        tx.undo().await?;
        return Err(ChangePasswordError::SessionOver);
    }
    let sql = "UPDATE person SET password_hash = $2, password_changed_at = $3 WHERE id = $1";
    execute(tx.as_conn(), sql, values![person, hash, now]).await?;
    let others = "person_id = $1 AND token_hash <> $2";
    sessions::end(&tx, others, values![person, token_hash(session)], Ended::BySomebody, now).await?;
    execute(tx.as_conn(), "DELETE FROM login_step WHERE person_id = $1", values![person]).await?;
    execute(tx.as_conn(), "DELETE FROM known_browser WHERE person_id = $1", values![person]).await?;
    sessions::end_links(&tx, person, now).await?;
    sessions::note_in_each_company(&tx, by, person, EventKind::UserPasswordChanged, now, "").await?;
    user_mails::tell_of_password(&tx, person, post, now).await?;
    let session = sessions::rotate(&tx, person, session, now).await?;
    tx.commit().await?;
    Ok(session)
}

/// A session of whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSession {
    /// Of an earlier version it has none, and ends with the others.
    pub id: Option<SessionId>,
    /// The one that asks.
    pub is_this: bool,
    pub user_agent: Option<String>,
    pub source: Option<String>,
    pub created_at: Instant,
    pub last_seen_at: Option<Instant>,
}

/// The sessions that live, this one first, then by their last use.
pub async fn sessions(db: &Db, by: &Actor, session: &str, now: Instant) -> Result<Vec<OwnSession>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        token_hash: Vec<u8>,
        session_id: Option<Uuid>,
        user_agent: Option<String>,
        source: Option<String>,
        created_at: Instant,
        last_seen_at: Option<Instant>,
        idle_seconds: Option<i32>,
    }
    let sql = "SELECT token_hash, id AS session_id, user_agent, source, created_at, last_seen_at, idle_seconds FROM login
        WHERE person_id = $1 AND expires_at > $2 ORDER BY COALESCE(last_seen_at, created_at) DESC, created_at DESC";
    let rows: Vec<Row> = all(&db.of_any_company(), sql, values![person_of(by), now]).await?;
    let own = token_hash(session);
    let mut found: Vec<OwnSession> = rows
        .into_iter()
        .filter(|row| !is_idle(row.last_seen_at, row.idle_seconds, now))
        .map(|row| OwnSession {
            id: row.session_id.map(SessionId),
            is_this: row.token_hash == own,
            user_agent: row.user_agent,
            source: row.source,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
        })
        .collect();
    found.sort_by_key(|session| !session.is_this);
    Ok(found)
}

/// Ends one of one's own sessions; says whether there was one.
pub async fn end_session(db: &Db, by: &Actor, id: SessionId, now: Instant) -> Result<bool, StoreError> {
    let tx = db.begin_write_any_company().await?;
    let theirs = "person_id = $1 AND id = $2";
    let ended = sessions::end(&tx, theirs, values![person_of(by), id.0], Ended::BySomebody, now).await?;
    if ended > 0 {
        sessions::note_in_each_company(&tx, by, person_of(by), EventKind::SessionsEnded, now, "1").await?;
    }
    tx.commit().await?;
    Ok(ended > 0)
}

/// Ends all but this one, and asks every other browser for the second step again. Gives their number.
pub async fn end_other_sessions(
    db: &Db,
    by: &Actor,
    session: &str,
    browser_tokens: &[String],
    now: Instant,
) -> Result<u64, StoreError> {
    let person = person_of(by);
    let tx = db.begin_write_any_company().await?;
    hold(&tx, person).await?;
    let others = "person_id = $1 AND token_hash <> $2";
    let ended = sessions::end(&tx, others, values![person, token_hash(session)], Ended::BySomebody, now).await?;
    execute(tx.as_conn(), "DELETE FROM login_step WHERE person_id = $1", values![person]).await?;
    #[derive(FromQueryResult)]
    struct Browser {
        token_hash: Vec<u8>,
    }
    let own: Vec<Vec<u8>> = browser_tokens.iter().map(|token| token_hash(token)).collect();
    let known: Vec<Browser> =
        all(tx.as_conn(), "SELECT token_hash FROM known_browser WHERE person_id = $1", values![person]).await?;
    for browser in known.into_iter().filter(|browser| !own.contains(&browser.token_hash)) {
        let sql = "UPDATE known_browser SET trusted_until = NULL WHERE person_id = $1 AND token_hash = $2";
        execute(tx.as_conn(), sql, values![person, browser.token_hash]).await?;
    }
    sessions::note_in_each_company(&tx, by, person, EventKind::SessionsEnded, now, &ended.to_string()).await?;
    tx.commit().await?;
    Ok(ended)
}
