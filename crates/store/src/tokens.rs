//! Tokens of the API: `acu_…`, shown once, kept as SHA-256.

use acuse_domain::Instant;
use acuse_domain::id::{CompanyId, TokenId};
use sea_orm::FromQueryResult;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::Actor;
use crate::db::{Db, StoreError};
use crate::sql::{execute, new_id, one, values};
use crate::users::{random_token, token_hash};

/// Makes a token and gives it, this once.
pub async fn create(db: &Db, company: CompanyId, name: &str, now: Instant) -> Result<(TokenId, SecretString), StoreError> {
    let id = TokenId(new_id());
    let token = SecretString::from(format!("acu_{}", random_token().expose_secret()));
    let tx = db.begin_write().await?;
    let sql = "INSERT INTO api_token (company_id, id, name, token_hash, created_at) VALUES ($1, $2, $3, $4, $5)";
    execute(tx.as_conn(), sql, values![company.0, id.0, name, token_hash(token.expose_secret()), now]).await?;
    tx.commit().await?;
    Ok((id, token))
}

/// Whoever holds this token; none if it is unknown or revoked.
pub async fn actor(db: &Db, token: &str) -> Result<Option<Actor>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        company_id: Uuid,
        name: String,
    }
    let sql = "SELECT company_id, name FROM api_token WHERE token_hash = $1 AND revoked_at IS NULL";
    let row: Option<Row> = one(db.reader(), sql, values![token_hash(token)]).await?;
    Ok(row.map(|row| Actor { company: CompanyId(row.company_id), name: format!("API: {}", row.name) }))
}

/// Makes a token worthless at once.
pub async fn revoke(db: &Db, company: CompanyId, id: TokenId, now: Instant) -> Result<bool, StoreError> {
    let tx = db.begin_write().await?;
    let sql = "UPDATE api_token SET revoked_at = $3 WHERE company_id = $1 AND id = $2 AND revoked_at IS NULL";
    let revoked = execute(tx.as_conn(), sql, values![company.0, id.0, now]).await?;
    tx.commit().await?;
    Ok(revoked == 1)
}
