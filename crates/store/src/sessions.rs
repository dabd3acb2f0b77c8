//! Sessions of browsers: how one takes the place of another, when it ends unused, and how all of a person's are ended.

use std::net::IpAddr;

use acuse_domain::Instant;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{CompanyId, SessionId, UserId};
use acuse_domain::identification::Ruc;
use chrono::TimeDelta;
use sea_orm::{FromQueryResult, Value};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::db::{Db, StoreError, Tx};
use crate::events::EventKind;
use crate::passwords::{random_token, token_hash};
use crate::sql::{Of, all, execute, insert_rows, new_id, one, values};
use crate::{Actor, Identity};

/// A session ends after a working week, however much it is used.
const LONGEST: TimeDelta = TimeDelta::days(7);
/// A session that its browser was not asked to keep ends after a working day without use (seconds). One that is kept lasts
/// until its absolute end.
const IDLE_SECONDS: i32 = 12 * 3_600;
/// A browser that is opened again after the holidays is told why it has to enter.
const REMEMBERED: TimeDelta = TimeDelta::days(30);
/// How exactly it is known when a session or a token was last used: each note is a write.
pub(crate) const NOTED_EVERY: TimeDelta = TimeDelta::minutes(5);

/// Somebody who is let in.
pub(crate) struct NewSession {
    pub person: Uuid,
    pub company: CompanyId,
    /// It outlives the browser's window.
    pub is_kept: bool,
    /// They showed all that a login asks of them; where a trusted browser spared them the second step, they did not.
    pub is_certain: bool,
    pub device: Device,
}

/// The browser that a session belongs to, as it says of itself, and where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    pub user_agent: Option<String>,
    pub source: Option<IpAddr>,
}

/// Letters of what a browser says of itself that are kept.
const LONGEST_USER_AGENT: usize = 400;

impl Device {
    fn as_kept(&self) -> (Option<String>, Option<String>) {
        let short = |said: &String| said.chars().take(LONGEST_USER_AGENT).collect();
        (self.user_agent.as_ref().map(short), self.source.map(|source| source.to_canonical().to_string()))
    }
}

/// Begins a session and gives its token; the one that the browser had before is worth nothing from here on.
pub(crate) async fn begin(tx: &Tx, begun: &NewSession, earlier: Option<&str>, now: Instant) -> Result<SecretString, StoreError> {
    if let Some(earlier) = earlier {
        end(tx, "token_hash = $1", values![token_hash(earlier)], Ended::LoggedOut, now).await?;
    }
    end(tx, "person_id = $1 AND expires_at < $2", values![begun.person, now], Ended::Expired, now).await?;
    // Nobody came back with these.
    execute(tx.as_conn(), "DELETE FROM ended_session WHERE ended_at < $1", values![now - REMEMBERED]).await?;
    let token = random_token();
    let idle = (!begun.is_kept).then_some(IDLE_SECONDS);
    let sql = "INSERT INTO login (token_hash, id, person_id, company_id, created_at, last_seen_at, authenticated_at, expires_at,
            idle_seconds, user_agent, source)
        VALUES ($1, $2, $3, $4, $5, $5, $10, $6, $7, $8, $9)";
    let (user_agent, source) = begun.device.as_kept();
    let hash = token_hash(token.expose_secret());
    let certain_at = begun.is_certain.then_some(now);
    let row = values![hash, new_id(), begun.person, begun.company.0, now, now + LONGEST, idle, user_agent, source, certain_at];
    execute(tx.as_conn(), sql, row).await?;
    Ok(token)
}

/// The session goes on under a new token, until its end. Nothing where it is over, or another person's.
pub(crate) async fn rotate(tx: &Tx, person: Uuid, token: &str, now: Instant) -> Result<Option<SecretString>, StoreError> {
    let new = random_token();
    let sql = "UPDATE login SET token_hash = $3, last_seen_at = $4
        WHERE token_hash = $1 AND person_id = $2 AND expires_at > $4";
    let row = values![token_hash(token), person, token_hash(new.expose_secret()), now];
    Ok((execute(tx.as_conn(), sql, row).await? == 1).then_some(new))
}

/// It is certain again that its owner sits there.
pub(crate) async fn note_certain(tx: &Tx, token: &str, now: Instant) -> Result<(), StoreError> {
    let sql = "UPDATE login SET authenticated_at = $2 WHERE token_hash = $1";
    execute(tx.as_conn(), sql, values![token_hash(token), now]).await?;
    Ok(())
}

/// What was shown in the others counts for nothing: it was shown before the person's login asked for something else.
pub(crate) async fn doubt_others(tx: &Tx, person: Uuid, token: &str) -> Result<(), StoreError> {
    let sql = "UPDATE login SET authenticated_at = NULL WHERE person_id = $1 AND token_hash <> $2";
    execute(tx.as_conn(), sql, values![person, token_hash(token)]).await?;
    Ok(())
}

/// Links that would change how a person comes in open nothing from here on: they were asked for under what was changed.
pub(crate) async fn end_links(tx: &Tx, person: Uuid, now: Instant) -> Result<(), StoreError> {
    let sql = "UPDATE person_link SET used_at = $2
        WHERE person_id = $1 AND used_at IS NULL AND kind IN ('reset', 'confirm_address')";
    execute(tx.as_conn(), sql, values![person, now]).await?;
    Ok(())
}

/// Keeps in mind where somebody was last.
pub(crate) async fn note_entry(tx: &Tx, company: CompanyId, person: Uuid, now: Instant) -> Result<(), StoreError> {
    let sql = "UPDATE membership SET last_entered_at = $3 WHERE company_id = $1 AND person_id = $2";
    execute(tx.as_conn(), sql, values![company.0, person, now]).await?;
    Ok(())
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
        let Ok(tx) = db.begin_write_any_company().await else { return };
        let sql = "UPDATE login SET last_seen_at = $2 WHERE token_hash = $1";
        if execute(tx.as_conn(), sql, values![token, now]).await.is_ok() {
            let _ = tx.commit().await;
        }
    });
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was not used for a working day.
    Idle,
    /// It had lasted as long as a session may.
    Expired,
    /// Its own browser left, or entered anew.
    LoggedOut,
    /// The operator ended it, changed the password or took the access away.
    BySomebody,
}

impl Ended {
    const ALL: [Ended; 4] = [Self::Idle, Self::Expired, Self::LoggedOut, Self::BySomebody];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Expired => "expired",
            Self::LoggedOut => "logged_out",
            Self::BySomebody => "ended",
        }
    }

    fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ended| ended.as_str() == code)
    }
}

/// Whose a session was that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedSession {
    pub user: UserId,
    pub company: CompanyId,
    pub email: String,
    pub why: Ended,
}

/// Names a session without opening it: what a browser may keep after its end.
#[must_use]
pub fn fingerprint(token: &str) -> String {
    token_hash(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whose session it was, and why it is over. `None` where it lives, or is long forgotten.
pub async fn ended_any_company(db: &Db, fingerprint: &str, now: Instant) -> Result<Option<EndedSession>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        person_id: Uuid,
        company_id: Uuid,
        email: String,
        reason: String,
    }
    let Some(hash) = read_fingerprint(fingerprint) else { return Ok(None) };
    // Whoever asks has found that it opens nothing: if its time is not over, it was not used.
    let sql = "SELECT l.person_id, l.company_id, p.email,
            CASE WHEN l.expires_at <= $2 THEN 'expired' ELSE 'idle' END AS reason
        FROM login l JOIN person p ON p.id = l.person_id WHERE l.token_hash = $1";
    let own: Option<Row> = one(&db.of_any_company(), sql, values![hash.clone(), now]).await?;
    let row = match own {
        Some(row) => Some(row),
        None => {
            let sql = "SELECT e.person_id, e.company_id, p.email, e.reason FROM ended_session e
                JOIN person p ON p.id = e.person_id WHERE e.token_hash = $1";
            one(&db.of_any_company(), sql, values![hash]).await?
        }
    };
    let ended = |row: Row| {
        let why = Ended::parse(&row.reason).unwrap_or(Ended::BySomebody);
        EndedSession { user: UserId(row.person_id), company: CompanyId(row.company_id), email: row.email, why }
    };
    Ok(row.map(ended))
}

fn read_fingerprint(text: &str) -> Option<Vec<u8>> {
    let is_one = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    is_one.then(|| (0..text.len()).step_by(2).map(byte).collect())?
}

/// Ends the sessions that a condition finds; gives their number. Whose they were is known for [`REMEMBERED`].
pub(crate) async fn end(tx: &Tx, condition: &str, with: Vec<Value>, why: Ended, now: Instant) -> Result<u64, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        token_hash: Vec<u8>,
        person_id: Uuid,
        company_id: Uuid,
    }
    let sql = format!("DELETE FROM login WHERE {condition} RETURNING token_hash, person_id, company_id");
    let ended: Vec<Row> = all(tx.as_conn(), &sql, with).await?;
    let count = ended.len();
    let row = |row: Row| values![row.token_hash, row.person_id, row.company_id, why.as_str(), now];
    let head = "INSERT INTO ended_session (token_hash, person_id, company_id, reason, ended_at) VALUES";
    insert_rows(tx.as_conn(), head, ended.into_iter().map(row).collect()).await?;
    Ok(count as u64)
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
    let rows: Vec<Row> = all(&db.of_any_company(), sql, values![email.lowercase().as_str(), now]).await?;
    let alive = rows.into_iter().filter(|row| !is_idle(row.last_seen_at, row.idle_seconds, now));
    let open = |row: Row| {
        let ruc = Of { table: "company", id: row.company_id }.ruc(&row.ruc);
        OpenSession { ruc, created_at: row.created_at, last_seen_at: row.last_seen_at, expires_at: row.expires_at }
    };
    Ok(alive.map(open).collect())
}

/// Ends every session of a person, at once; gives their number.
pub async fn end_all_any_company(db: &Db, email: &EmailAddress, now: Instant) -> Result<u64, StoreError> {
    let tx = db.begin_write_any_company().await?;
    let address = email.lowercase();
    // A login under way is over before, or begins afterwards.
    let sql = "UPDATE person SET email = email WHERE email = $1";
    execute(tx.as_conn(), sql, values![address.as_str()]).await?;
    let theirs = "person_id IN (SELECT id FROM person WHERE email = $1)";
    let ended = end(&tx, theirs, values![address.as_str()], Ended::BySomebody, now).await?;
    note_for_companies(&tx, address.as_str(), EventKind::SessionsEnded, now).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Whose session this is, in its company. None where it is nobody's.
pub(crate) async fn actor(tx: &Tx, token: &str) -> Result<Option<Actor>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Option<Uuid>,
        person_id: Uuid,
        company_id: Uuid,
        name: String,
        source: Option<String>,
    }
    let sql = "SELECT l.id, l.person_id, l.company_id, p.name, l.source FROM login l JOIN person p ON p.id = l.person_id
        WHERE l.token_hash = $1";
    let row: Option<Row> = one(tx.as_conn(), sql, values![token_hash(token)]).await?;
    Ok(row.map(|row| Actor {
        company: CompanyId(row.company_id),
        name: row.name,
        identity: Identity::User { user: UserId(row.person_id), session: row.id.map(SessionId) },
        source: row.source.and_then(|source| source.parse().ok()),
    }))
}

/// As [`note_for_companies`], of what a person does to how they enter.
pub(crate) async fn note_in_each_company(
    tx: &Tx,
    by: &Actor,
    person: Uuid,
    kind: EventKind,
    now: Instant,
    detail: &str,
) -> Result<(), StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        company_id: Uuid,
    }
    let rows: Vec<Row> = all(tx.as_conn(), "SELECT company_id FROM membership WHERE person_id = $1", values![person]).await?;
    for row in rows {
        let by = Actor { company: CompanyId(row.company_id), ..by.clone() };
        crate::events::append(tx, &by, person, kind, now, detail).await?;
    }
    Ok(())
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
        let by = Actor::operator(CompanyId(row.company_id));
        crate::events::append(tx, &by, row.person_id, kind, now, address).await?;
    }
    Ok(())
}
