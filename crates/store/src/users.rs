//! People who log in, and their sessions.

use acuse_domain::Instant;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{CompanyId, UserId};
use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, FromQueryResult};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::concurrency_limit::NotDone;
use crate::db::{Db, StoreError};
use crate::passwords::{hash, verify};
use crate::sql::{self, Inserted, all, execute, new_id, one, values};

/// A session ends after a working week without being renewed.
const SESSION: TimeDelta = TimeDelta::days(7);
/// Shorter passwords are refused (NIST SP 800-63B, 5.1.1.2 asks for eight).
pub const SHORTEST_PASSWORD: usize = 8;

/// What somebody may do in a company.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    Owner,
    Accountant,
    Viewer,
}

impl Role {
    pub const ALL: [Role; 3] = [Self::Owner, Self::Accountant, Self::Viewer];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Accountant => "accountant",
            Self::Viewer => "viewer",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == code)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("the password is shorter than {SHORTEST_PASSWORD} characters")]
    PasswordTooShort,
    #[error("there is already a user with this address")]
    EmailTaken,
    #[error("the password could not be hashed")]
    NotHashed,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NotDone> for CreateError {
    fn from(why: NotDone) -> Self {
        match why {
            NotDone::Overloaded(_) => Self::Store(why.into()),
            NotDone::Panicked => Self::NotHashed,
        }
    }
}

/// Makes a user with a role in one company.
pub async fn create(
    db: &Db,
    company: CompanyId,
    name: &str,
    email: &EmailAddress,
    password: &SecretString,
    role: Role,
    now: Instant,
) -> Result<UserId, CreateError> {
    if password.expose_secret().chars().count() < SHORTEST_PASSWORD {
        return Err(CreateError::PasswordTooShort);
    }
    let hash = hash(password.clone()).await?;
    let id = UserId(new_id());
    let tx = db.begin_write().await?;
    let sql = "INSERT INTO person (id, email, name, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)";
    let row = values![id.0, email.as_str().to_lowercase(), name, hash, now];
    if let Inserted::Duplicate = sql::insert(tx.as_conn(), sql, row).await? {
        return Err(CreateError::EmailTaken);
    }
    let sql = "INSERT INTO membership (company_id, person_id, role) VALUES ($1, $2, $3)";
    execute(tx.as_conn(), sql, values![company.0, id.0, role.as_str()]).await?;
    tx.commit().await?;
    Ok(id)
}

/// Gives a user a new password and ends their sessions. Errs if there is no such user.
pub async fn change_password_any_company(db: &Db, email: &EmailAddress, password: &SecretString) -> Result<bool, CreateError> {
    if password.expose_secret().chars().count() < SHORTEST_PASSWORD {
        return Err(CreateError::PasswordTooShort);
    }
    let hash = hash(password.clone()).await?;
    let tx = db.begin_write().await?;
    let sql = "UPDATE person SET password_hash = $2 WHERE email = $1";
    let address = email.as_str().to_lowercase();
    let changed = execute(tx.as_conn(), sql, values![address.as_str(), hash]).await?;
    let sql = "DELETE FROM login WHERE person_id IN (SELECT id FROM person WHERE email = $1)";
    execute(tx.as_conn(), sql, values![address.as_str()]).await?;
    // Who knew the old password may have entered with it.
    let sql = "DELETE FROM known_browser WHERE person_id IN (SELECT id FROM person WHERE email = $1)";
    execute(tx.as_conn(), sql, values![address.as_str()]).await?;
    tx.commit().await?;
    Ok(changed == 1)
}

/// Who is logged in, and in which company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub user: UserId,
    pub name: String,
    pub email: String,
    pub company: CompanyId,
    pub role: Role,
}

/// Checks an address and a password and opens a session, without counting: whoever asks from outside goes through
/// [`crate::logins`]. `None` if they do not fit: nobody learns which of the two.
/// Takes the same time for a known and an unknown address.
pub async fn log_in(db: &Db, email: &str, password: &SecretString, now: Instant) -> Result<Option<SecretString>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        password_hash: String,
        company_id: Uuid,
    }
    let sql = "SELECT p.id, p.password_hash, m.company_id FROM person p JOIN membership m ON m.person_id = p.id
        WHERE p.email = $1 ORDER BY m.company_id LIMIT 1";
    let row: Option<Row> = one(db.reader(), sql, values![email.trim().to_lowercase()]).await?;
    let expected = row.as_ref().map(|row| row.password_hash.clone());
    if !verify(password.clone(), expected).await? {
        return Ok(None);
    }
    let Some(row) = row else { return Ok(None) };
    let token = random_token();
    let tx = db.begin_write().await?;
    execute(tx.as_conn(), "DELETE FROM login WHERE expires_at < $1", values![now]).await?;
    let sql = "INSERT INTO login (token_hash, person_id, company_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)";
    let row = values![token_hash(token.expose_secret()), row.id, row.company_id, now, now + SESSION];
    execute(tx.as_conn(), sql, row).await?;
    tx.commit().await?;
    Ok(Some(token))
}

pub async fn session(db: &Db, token: &str, now: Instant) -> Result<Option<Session>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        name: String,
        email: String,
        company_id: Uuid,
        role: String,
    }
    let sql = "SELECT p.id, p.name, p.email, l.company_id, m.role FROM login l JOIN person p ON p.id = l.person_id
        JOIN membership m ON m.person_id = l.person_id AND m.company_id = l.company_id
        WHERE l.token_hash = $1 AND l.expires_at > $2";
    let row: Option<Row> = one(db.reader(), sql, values![token_hash(token), now]).await?;
    Ok(row.map(|row| Session {
        user: UserId(row.id),
        name: row.name,
        email: row.email,
        company: CompanyId(row.company_id),
        // Who knows what they may do, may do the least.
        role: sql::Of { table: "membership", id: row.id }.code("role", &row.role, Role::parse).unwrap_or(Role::Viewer),
    }))
}

pub async fn log_out(db: &Db, token: &str) -> Result<(), StoreError> {
    let tx = db.begin_write().await?;
    execute(tx.as_conn(), "DELETE FROM login WHERE token_hash = $1", values![token_hash(token)]).await?;
    tx.commit().await
}

/// Names and addresses of a company's users.
pub async fn list(db: &Db, company: CompanyId) -> Result<Vec<(String, String)>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        name: String,
        email: String,
    }
    let sql =
        "SELECT p.name, p.email FROM membership m JOIN person p ON p.id = m.person_id WHERE m.company_id = $1 ORDER BY p.name";
    let rows: Vec<Row> = all(db.reader(), sql, values![company.0]).await?;
    Ok(rows.into_iter().map(|row| (row.name, row.email)).collect())
}

/// Where a company's owners log in.
pub async fn owners(db: &Db, company: CompanyId) -> Result<Vec<String>, StoreError> {
    owners_in(db.reader(), company).await
}

pub(crate) async fn owners_in(conn: &impl ConnectionTrait, company: CompanyId) -> Result<Vec<String>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        email: String,
    }
    let sql = "SELECT p.email FROM membership m JOIN person p ON p.id = m.person_id
        WHERE m.company_id = $1 AND m.role = 'owner' ORDER BY p.email";
    let rows: Vec<Row> = all(conn, sql, values![company.0]).await?;
    Ok(rows.into_iter().map(|row| row.email).collect())
}

/// 256 random bits, for a cookie or an API token.
pub(crate) fn random_token() -> SecretString {
    use base64::Engine;
    let bytes: [u8; 32] = rand::random();
    SecretString::from(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

pub(crate) fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
