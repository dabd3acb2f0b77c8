//! The same request twice makes one thing: what a POST with an Idempotency-Key made is kept for 24 hours.

use acuse_domain::Instant;
use acuse_domain::id::CompanyId;
use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::db::{Db, StoreError, Tx};
use crate::sql::{execute, one, values};

/// As the contract says.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// A request that must not be carried out twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    pub key: String,
    /// SHA-256 of the request: another body under the same key is refused.
    pub request_hash: [u8; 32],
}

/// The key was used for another request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the idempotency key was used for another request")]
pub struct KeyReused;

#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    #[error(transparent)]
    KeyReused(#[from] KeyReused),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Claims the key for what is about to be made. `Some(id)` is what the same request made before: do nothing, commit, answer with it.
///
/// Commit, since on SQLite what it made may be in the same open transaction and not yet on the disk.
pub(crate) async fn claim(
    tx: &Tx,
    company: CompanyId,
    once: Option<&Once>,
    made: Uuid,
    now: Instant,
) -> Result<Option<Uuid>, ClaimError> {
    #[derive(FromQueryResult)]
    struct Row {
        request_hash: Vec<u8>,
        made_id: Uuid,
    }
    let Some(once) = once else { return Ok(None) };
    let expired = "DELETE FROM idempotency WHERE company_id = $1 AND idempotency_key = $2 AND created_at < $3";
    execute(tx.as_conn(), expired, values![company.0, once.key.as_str(), now - KEPT]).await?;
    let insert = "INSERT INTO idempotency (company_id, idempotency_key, request_hash, made_id, created_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (company_id, idempotency_key) DO NOTHING";
    let row = values![company.0, once.key.as_str(), once.request_hash.to_vec(), made, now];
    if execute(tx.as_conn(), insert, row).await? == 1 {
        return Ok(None);
    }
    let find = "SELECT request_hash, made_id FROM idempotency WHERE company_id = $1 AND idempotency_key = $2";
    let earlier: Option<Row> = one(tx.as_conn(), find, values![company.0, once.key.as_str()]).await?;
    let earlier = earlier.ok_or_else(|| StoreError::unreadable("idempotency key vanished"))?;
    if earlier.request_hash != once.request_hash { Err(KeyReused.into()) } else { Ok(Some(earlier.made_id)) }
}

/// What was made under this key.
pub async fn made(db: &Db, company: CompanyId, key: &str) -> Result<Option<Uuid>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        made_id: Uuid,
    }
    let find = "SELECT made_id FROM idempotency WHERE company_id = $1 AND idempotency_key = $2";
    let row: Option<Row> = one(&db.of(company), find, values![company.0, key]).await?;
    Ok(row.map(|row| row.made_id))
}

/// Forgets keys older than 24 hours, whoever's they are.
pub async fn forget_expired_any_company(db: &Db, now: Instant) -> Result<u64, StoreError> {
    let tx = db.begin_write_any_company().await?;
    let sql = "DELETE FROM idempotency WHERE created_at < $1";
    let gone = execute(tx.as_conn(), sql, values![now - KEPT]).await?;
    tx.commit().await?;
    Ok(gone)
}
