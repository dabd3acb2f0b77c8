//! Tokens of the API: `acu_…`, shown once, kept as SHA-256.

use acuse_domain::Instant;
use acuse_domain::access::Scopes;
use acuse_domain::id::{CompanyId, TokenId};
use acuse_domain::identification::Ruc;
use sea_orm::FromQueryResult;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::db::{Db, StoreError};
use crate::events::{self, EventKind};
use crate::passwords::{random_token, token_hash};
use crate::sessions::NOTED_EVERY;
use crate::sql::{Of, all, execute, new_id, one, values};
use crate::{Actor, Identity};

/// Makes a token and gives it, this once.
pub async fn create(db: &Db, company: CompanyId, name: &str, now: Instant) -> Result<(TokenId, SecretString), StoreError> {
    let id = TokenId(new_id());
    let token = SecretString::from(format!("acu_{}", random_token().expose_secret()));
    let tx = db.begin_write().await?;
    let sql = "INSERT INTO api_token (company_id, id, name, token_hash, created_at) VALUES ($1, $2, $3, $4, $5)";
    execute(tx.as_conn(), sql, values![company.0, id.0, name, token_hash(token.expose_secret()), now]).await?;
    events::append(&tx, &Actor::operator(company), id.0, EventKind::TokenCreated, now, name).await?;
    tx.commit().await?;
    Ok((id, token))
}

/// Whoever holds this token, and what it was made for; none if it is unknown or revoked.
pub async fn holder(db: &Db, token: &str) -> Result<Option<(Actor, Scopes)>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        company_id: Uuid,
        id: Uuid,
        name: String,
        scopes: String,
        last_used_at: Option<Instant>,
    }
    let sql = "SELECT company_id, id, name, scopes, last_used_at FROM api_token WHERE token_hash = $1 AND revoked_at IS NULL";
    let row: Option<Row> = one(db.reader(), sql, values![token_hash(token)]).await?;
    Ok(row.map(|row| {
        note_use(db, row.company_id, row.id, row.last_used_at);
        let (company, identity) = (CompanyId(row.company_id), Identity::Token(TokenId(row.id)));
        let actor = Actor { company, name: format!("API: {}", row.name), identity, source: None };
        // What cannot be read opens nothing.
        let scopes = Of { table: "api_token", id: row.id }.code("scopes", &row.scopes, Scopes::parse);
        (actor, scopes.unwrap_or_else(|| Scopes::new([])))
    }))
}

/// Keeps in mind that a token is used. Nobody waits for it.
fn note_use(db: &Db, company: Uuid, id: Uuid, last_used: Option<Instant>) {
    let now = crate::now();
    if last_used.is_some_and(|used| (now - used).abs() < NOTED_EVERY) {
        return;
    }
    let db = db.clone();
    tokio::spawn(async move {
        let Ok(tx) = db.begin_write().await else { return };
        let sql = "UPDATE api_token SET last_used_at = $3 WHERE company_id = $1 AND id = $2";
        if execute(tx.as_conn(), sql, values![company, id, now]).await.is_ok() {
            let _ = tx.commit().await;
        }
    });
}

/// A token as it is listed: what it opens with was shown once and is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    pub company: CompanyId,
    pub ruc: Ruc,
    pub id: TokenId,
    pub name: String,
    pub created_at: Instant,
    pub last_used_at: Option<Instant>,
    pub revoked_at: Option<Instant>,
}

/// The tokens of every company, revoked ones too, by company and age.
pub async fn list_any_company(db: &Db) -> Result<Vec<TokenInfo>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        company_id: Uuid,
        ruc: String,
        id: Uuid,
        name: String,
        created_at: Instant,
        last_used_at: Option<Instant>,
        revoked_at: Option<Instant>,
    }
    let sql = "SELECT t.company_id, c.ruc, t.id, t.name, t.created_at, t.last_used_at, t.revoked_at
        FROM api_token t JOIN company c ON c.id = t.company_id ORDER BY c.ruc, t.id";
    let rows: Vec<Row> = all(db.reader(), sql, values![]).await?;
    let info = |row: Row| TokenInfo {
        company: CompanyId(row.company_id),
        ruc: Of { table: "company", id: row.company_id }.ruc(&row.ruc),
        id: TokenId(row.id),
        name: row.name,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        revoked_at: row.revoked_at,
    };
    Ok(rows.into_iter().map(info).collect())
}

/// Makes every token of the company worthless at once; gives their number.
pub async fn revoke_all(db: &Db, by: &Actor, now: Instant) -> Result<u64, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        name: String,
    }
    let tx = db.begin_write().await?;
    let sql = "UPDATE api_token SET revoked_at = $2 WHERE company_id = $1 AND revoked_at IS NULL RETURNING id, name";
    let revoked: Vec<Row> = all(tx.as_conn(), sql, values![by.company.0, now]).await?;
    for row in &revoked {
        events::append(&tx, by, row.id, EventKind::TokenRevoked, now, &row.name).await?;
    }
    tx.commit().await?;
    Ok(revoked.len() as u64)
}

/// Makes a token worthless at once. False where there is no such token, or it was revoked before.
pub async fn revoke(db: &Db, company: CompanyId, id: TokenId, now: Instant) -> Result<bool, StoreError> {
    let tx = db.begin_write().await?;
    let sql = "UPDATE api_token SET revoked_at = $3 WHERE company_id = $1 AND id = $2 AND revoked_at IS NULL";
    let revoked = execute(tx.as_conn(), sql, values![company.0, id.0, now]).await?;
    if revoked == 1 {
        events::append(&tx, &Actor::operator(company), id.0, EventKind::TokenRevoked, now, "").await?;
    }
    tx.commit().await?;
    Ok(revoked == 1)
}
