//! The first person of an installation, who needs no command line: `serve` prints a link while nobody is on record.

use acuse_domain::Instant;
use acuse_domain::access::Role;
use acuse_domain::company::CompanyProfile;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::CompanyId;
use acuse_domain::identification::Ruc;
use sea_orm::{ConnectionTrait, FromQueryResult};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::companies::{self, CreateError as CompanyError};
use crate::db::{Db, StoreError};
use crate::events::{self, EventKind};
use crate::passwords::{random_token, token_hash};
use crate::sessions::{self, Device, NewSession};
use crate::sql::{self, execute, one, values};
use crate::users::{self, CreateError};
use crate::{Actor, Identity};

/// A company and its first person.
pub struct Founding<'a> {
    pub ruc: Ruc,
    pub legal_name: String,
    pub name: String,
    pub email: EmailAddress,
    pub password: &'a SecretString,
    pub device: Device,
}

#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// It is not what the last start printed, or somebody is on record already.
    #[error("the link is not good")]
    NotGood,
    #[error(transparent)]
    NotCreated(#[from] CreateError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether nobody is on record.
pub async fn is_ahead_any_company(db: &Db) -> Result<bool, StoreError> {
    nobody_is_there(&db.of_any_company()).await
}

async fn nobody_is_there(conn: &impl ConnectionTrait) -> Result<bool, StoreError> {
    Ok(sql::count(conn, "SELECT COUNT(*) AS n FROM (SELECT 1 FROM person LIMIT 1) AS anybody", values![]).await? == 0)
}

/// A new token for the first person; the one before is worth nothing. None where somebody is on record.
pub async fn offer_any_company(db: &Db) -> Result<Option<SecretString>, StoreError> {
    if !nobody_is_there(&db.of_any_company()).await? {
        return Ok(None);
    }
    let (token, tx) = (random_token(), db.begin_write_any_company().await?);
    let sql = "INSERT INTO first_start (id, token_hash) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET token_hash = $1";
    execute(tx.as_conn(), sql, values![token_hash(token.expose_secret())]).await?;
    tx.commit().await?;
    Ok(Some(token))
}

/// Whether a token is the one that was printed last, and still good.
pub async fn is_good_any_company(db: &Db, token: &str) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) AS n FROM first_start WHERE token_hash = $1";
    Ok(sql::count(&db.of_any_company(), sql, values![token_hash(token)]).await? == 1
        && nobody_is_there(&db.of_any_company()).await?)
}

/// Makes the company, its first owner and their session. A company that the operator made before is theirs from here on.
pub async fn found_any_company(db: &Db, token: &str, new: Founding<'_>, now: Instant) -> Result<SecretString, FoundError> {
    if !is_good_any_company(db, token).await? {
        return Err(FoundError::NotGood);
    }
    let hash = users::hash_new(db, None, None, &[&new.name, new.email.as_str(), &new.legal_name], new.password).await?;
    let tx = db.begin_write_any_company().await?;
    // Taken with the row: one of two at once finds it gone.
    let taken = execute(tx.as_conn(), "DELETE FROM first_start WHERE token_hash = $1", values![token_hash(token)]).await?;
    if taken == 0 || !nobody_is_there(tx.as_conn()).await? {
        return Err(FoundError::NotGood);
    }
    let company = match find_by_ruc(tx.as_conn(), &new.ruc).await? {
        Some(company) => company,
        None => {
            let profile = CompanyProfile { legal_name: new.legal_name, email: Some(new.email.clone()), ..Default::default() };
            let by = |company| Actor { name: new.name.clone(), ..Actor::unknown(company, new.device.source) };
            companies::create_in(&tx, &new.ruc, &profile, by, now).await.map_err(|error| match error {
                CompanyError::RucTaken => FoundError::NotGood,
                CompanyError::Store(error) => FoundError::Store(error),
            })?
        }
    };
    let Some(user) = users::put(&tx, &new.name, &new.email, &hash, now).await? else { return Err(FoundError::NotGood) };
    let sql = "INSERT INTO membership (company_id, person_id, role) VALUES ($1, $2, $3)";
    execute(tx.as_conn(), sql, values![company.0, user.0, Role::Owner.as_str()]).await?;
    execute(tx.as_conn(), "UPDATE person SET last_login_at = $2 WHERE id = $1", values![user.0, now]).await?;
    let by = Actor { company, name: new.name, identity: Identity::User { user, session: None }, source: new.device.source };
    let detail = format!("{} {}", new.email, Role::Owner.as_str());
    events::append(&tx, &by, user.0, EventKind::UserCreated, now, &detail).await?;
    let begun = NewSession { person: user.0, company, is_kept: false, is_certain: true, device: new.device };
    let session = sessions::begin(&tx, &begun, None, now).await?;
    tx.commit().await?;
    Ok(session)
}

async fn find_by_ruc(conn: &impl ConnectionTrait, ruc: &Ruc) -> Result<Option<CompanyId>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    let row: Option<Row> = one(conn, "SELECT id FROM company WHERE ruc = $1", values![ruc.as_str()]).await?;
    Ok(row.map(|row| CompanyId(row.id)))
}
