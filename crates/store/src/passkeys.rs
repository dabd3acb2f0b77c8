//! Public keys by which people enter (WebAuthn), and the challenges that their browsers sign. What the bytes mean is known to
//! whoever checks the signatures; here they are kept, and each challenge is answered once.

use acuse_domain::Instant;
use acuse_domain::id::PasskeyId;
use acuse_domain::news::AccountChange;
use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::Actor;
use crate::db::{Db, StoreError, Tx};
use crate::events::EventKind;
use crate::passwords::{random_token, token_hash};
use crate::second_factor::{Changed, SecondFactorError, expect_enough, hold_acting, person_of, recovery, settle};
use crate::sessions;
use crate::sql::{self, Inserted, all, execute, one, values};
use crate::user_mails::{self, Post};

/// Long enough to find the key.
pub const CHALLENGE_LASTS: TimeDelta = TimeDelta::minutes(5);
/// Whoever comes may ask for one: no more than so many wait at once.
const MOST_CHALLENGES: u64 = 20_000;
/// Keys of one person.
pub const MOST_KEYS: u64 = 20;

/// A key of whoever asks, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub id: PasskeyId,
    pub name: String,
    pub created_at: Instant,
    pub used_at: Option<Instant>,
}

/// A key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub person: Uuid,
    pub credential: Vec<u8>,
    /// What never changes of it: the public key.
    pub public_part: Vec<u8>,
    /// What each use changes: the counter.
    pub counted: Vec<u8>,
}

/// A key that signed its challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    pub person: Uuid,
    pub credential: Vec<u8>,
    /// The counter as it was compared with, and as it is now.
    pub counted_before: Vec<u8>,
    pub counted: Vec<u8>,
}

/// A key that was just made.
pub struct NewPasskey<'a> {
    pub name: &'a str,
    pub credential: Vec<u8>,
    pub public_part: Vec<u8>,
    pub counted: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// It is on record already, this person's or another's.
    #[error("the key is on record already")]
    Taken,
    #[error("a person has at most {MOST_KEYS} keys")]
    TooMany,
    #[error("the session was ended meanwhile")]
    SessionOver,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps what a browser is to sign; gives what names it. Errs where too many wait.
pub async fn keep_challenge_any_company(db: &Db, state: Vec<u8>, now: Instant) -> Result<SecretString, StoreError> {
    let tx = db.begin_write_any_company().await?;
    execute(tx.as_conn(), "DELETE FROM passkey_challenge WHERE expires_at < $1", values![now]).await?;
    if sql::count(tx.as_conn(), "SELECT COUNT(*) AS n FROM passkey_challenge", Vec::new()).await? >= MOST_CHALLENGES {
        tx.undo().await?;
        return Err(StoreError::Overloaded);
    }
    let token = random_token();
    let sql = "INSERT INTO passkey_challenge (token_hash, state, expires_at) VALUES ($1, $2, $3)";
    execute(tx.as_conn(), sql, values![token_hash(token.expose_secret()), state, now + CHALLENGE_LASTS]).await?;
    tx.commit().await?;
    Ok(token)
}

/// The challenge, once.
pub async fn take_challenge_any_company(db: &Db, token: &str, now: Instant) -> Result<Option<Vec<u8>>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        state: Vec<u8>,
        expires_at: Instant,
    }
    let tx = db.begin_write_any_company().await?;
    let sql = "DELETE FROM passkey_challenge WHERE token_hash = $1 RETURNING state, expires_at";
    let row: Option<Row> = one(tx.as_conn(), sql, values![token_hash(token)]).await?;
    tx.commit().await?;
    Ok(row.filter(|row| row.expires_at > now).map(|row| row.state))
}

/// The key that a browser says it has.
pub async fn find_any_company(db: &Db, credential: &[u8]) -> Result<Option<Kept>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        person_id: Uuid,
        credential_id: Vec<u8>,
        public_part: Vec<u8>,
        counted: Vec<u8>,
    }
    let sql = "SELECT person_id, credential_id, public_part, counted FROM passkey WHERE credential_id = $1";
    let row: Option<Row> = one(&db.of_any_company(), sql, values![credential.to_vec()]).await?;
    Ok(row.map(|row| Kept {
        person: row.person_id,
        credential: row.credential_id,
        public_part: row.public_part,
        counted: row.counted,
    }))
}

/// The names of a person's keys, for a browser that is to offer one of them, or to make none twice.
pub async fn credentials_any_company(db: &Db, person: Uuid) -> Result<Vec<Vec<u8>>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        credential_id: Vec<u8>,
    }
    let sql = "SELECT credential_id FROM passkey WHERE person_id = $1 ORDER BY created_at";
    let rows: Vec<Row> = all(&db.of_any_company(), sql, values![person]).await?;
    Ok(rows.into_iter().map(|row| row.credential_id).collect())
}

/// The keys of whoever asks.
pub async fn list(db: &Db, by: &Actor) -> Result<Vec<Listed>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        name: String,
        created_at: Instant,
        used_at: Option<Instant>,
    }
    let sql = "SELECT id, name, created_at, used_at FROM passkey WHERE person_id = $1 ORDER BY created_at, id";
    let rows: Vec<Row> = all(&db.of_any_company(), sql, values![person_of(by)]).await?;
    let listed = |row: Row| Listed { id: PasskeyId(row.id), name: row.name, created_at: row.created_at, used_at: row.used_at };
    Ok(rows.into_iter().map(listed).collect())
}

/// The key lets its owner in from here on.
pub async fn add(
    db: &Db,
    by: &Actor,
    new: &NewPasskey<'_>,
    session: &str,
    post: Post<'_>,
    now: Instant,
) -> Result<Changed, AddError> {
    let (person, fresh) = (person_of(by), recovery::fresh().await?);
    let tx = db.begin_write_any_company().await?;
    if !hold_acting(&tx, by).await? {
        tx.undo().await?;
        return Err(AddError::SessionOver);
    }
    let sql = "SELECT COUNT(*) AS n FROM passkey WHERE person_id = $1";
    if sql::count(tx.as_conn(), sql, values![person]).await? >= MOST_KEYS {
        tx.undo().await?;
        return Err(AddError::TooMany);
    }
    let sql = "INSERT INTO passkey (id, person_id, credential_id, name, public_part, counted, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let NewPasskey { name, credential, public_part, counted } = new;
    let row = values![sql::new_id(), person, credential.clone(), *name, public_part.clone(), counted.clone(), now];
    if let Inserted::Duplicate = sql::insert(tx.as_conn(), sql, row).await? {
        return Err(AddError::Taken);
    }
    let codes = recovery::keep_where_none(&tx, person, fresh).await?;
    sessions::note_in_each_company(&tx, by, person, EventKind::PasskeyAdded, now, name).await?;
    user_mails::tell_of_change(&tx, person, AccountChange::PasskeyAdded, post, now).await?;
    let session = settle(&tx, person, session, now).await?;
    tx.commit().await?;
    Ok(Changed { session, codes })
}

/// The key lets nobody in any more. Errs where a company asks for a second step and this was the last.
pub async fn remove(
    db: &Db,
    by: &Actor,
    id: PasskeyId,
    session: &str,
    post: Post<'_>,
    now: Instant,
) -> Result<Changed, SecondFactorError> {
    #[derive(FromQueryResult)]
    struct Row {
        name: String,
    }
    let person = person_of(by);
    let tx = db.begin_write_any_company().await?;
    if !hold_acting(&tx, by).await? {
        tx.undo().await?;
        return Err(SecondFactorError::SessionOver);
    }
    let sql = "DELETE FROM passkey WHERE person_id = $1 AND id = $2 RETURNING name";
    let row: Option<Row> = one(tx.as_conn(), sql, values![person, id.0]).await?;
    let checked = match &row {
        Some(_) => expect_enough(&tx, person).await,
        None => Err(SecondFactorError::Off),
    };
    let (Some(row), Ok(())) = (row, &checked) else {
        tx.undo().await?;
        return Err(checked.err().unwrap_or(SecondFactorError::Off));
    };
    sessions::note_in_each_company(&tx, by, person, EventKind::PasskeyRemoved, now, &row.name).await?;
    user_mails::tell_of_change(&tx, person, AccountChange::PasskeyRemoved, post, now).await?;
    let session = settle(&tx, person, session, now).await?;
    tx.commit().await?;
    Ok(Changed { session, codes: Vec::new() })
}

/// Keeps the counter in mind. Not where another use came between.
pub(crate) async fn note_use(tx: &Tx, person: Uuid, signed: &Signed, now: Instant) -> Result<bool, StoreError> {
    if signed.person != person {
        return Ok(false);
    }
    let sql = "UPDATE passkey SET counted = $4, used_at = $5 WHERE person_id = $1 AND credential_id = $2 AND counted = $3";
    let row = values![person, signed.credential.clone(), signed.counted_before.clone(), signed.counted.clone(), now];
    Ok(execute(tx.as_conn(), sql, row).await? == 1)
}
