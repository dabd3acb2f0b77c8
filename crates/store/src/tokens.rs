//! Tokens of the API: `acu_…`, shown once, kept as SHA-256.

use std::net::IpAddr;

use acuse_domain::access::Scopes;
use acuse_domain::api_token::{Networks, NewToken, is_over};
use acuse_domain::id::{CompanyId, TokenId};
use acuse_domain::identification::Ruc;
use acuse_domain::{Date, Instant};
use sea_orm::FromQueryResult;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::db::{Db, StoreError, Tx};
use crate::events::{self, EventKind};
use crate::idempotency::{self, ClaimError, Once};
use crate::passwords::{random_token, token_hash};
use crate::sessions::NOTED_EVERY;
use crate::sql::{self, Of, all, execute, new_id, one, values};
use crate::{Actor, Identity};

/// What every token begins with.
pub const PREFIX: &str = "acu_";
/// Letters that are shown of a token, of the 43 behind its prefix.
const HINT: (usize, usize) = (4, 3);

/// What came of asking for a token.
pub enum Issued {
    /// It is given this once.
    Now { id: TokenId, token: SecretString },
    /// The same request was made before, and answered then.
    Before(TokenId),
}

/// Makes a token and gives it, this once.
pub async fn issue(db: &Db, by: &Actor, new: &NewToken, once: Option<&Once>, now: Instant) -> Result<Issued, ClaimError> {
    let id = TokenId(new_id());
    let tx = db.begin_write_for(by.company).await?;
    if let Some(earlier) = idempotency::claim(&tx, by.company, once, id.0, now).await? {
        tx.commit().await?;
        return Ok(Issued::Before(TokenId(earlier)));
    }
    let token = insert(&tx, by, id, new, now).await?;
    tx.commit().await?;
    Ok(Issued::Now { id, token })
}

/// A token for everything, that does not expire: the demo's, a benchmark's, a test's.
pub async fn create(db: &Db, company: CompanyId, name: &str, now: Instant) -> Result<(TokenId, SecretString), StoreError> {
    let id = TokenId(new_id());
    let tx = db.begin_write_for(company).await?;
    let token = insert(&tx, &Actor::operator(company), id, &NewToken::for_everything(name), now).await?;
    tx.commit().await?;
    Ok((id, token))
}

async fn insert(tx: &Tx, by: &Actor, id: TokenId, new: &NewToken, now: Instant) -> Result<SecretString, StoreError> {
    let token = SecretString::from(format!("{PREFIX}{}", random_token().expose_secret()));
    let sql =
        "INSERT INTO api_token (company_id, id, name, token_hash, created_at, hint, scopes, expires_on, networks, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let row = values![
        by.company.0,
        id.0,
        new.name.as_str(),
        token_hash(token.expose_secret()),
        now,
        hint(token.expose_secret()),
        new.scopes.to_string(),
        new.expires_on,
        new.networks.to_string(),
        by.name.as_str()
    ];
    execute(tx.as_conn(), sql, row).await?;
    events::append(tx, by, id.0, EventKind::TokenCreated, now, &described(new)).await?;
    Ok(token)
}

/// `acu_7Fq2…kD9`: enough to recognise a token, too little to guess it.
fn hint(token: &str) -> String {
    let random = token.strip_prefix(PREFIX).unwrap_or(token);
    let (first, last) = HINT;
    let at = random.len().saturating_sub(last);
    format!("{PREFIX}{}…{}", random.get(..first).unwrap_or_default(), random.get(at..).unwrap_or_default())
}

/// As the history tells it: `ERP (read record) 2027-11-24 190.152.4.0/24`.
fn described(new: &NewToken) -> String {
    let mut text = format!("{} ({})", new.name, new.scopes);
    if let Some(day) = new.expires_on {
        text.push_str(&format!(" {day}"));
    }
    if !new.networks.is_everywhere() {
        text.push_str(&format!(" {}", new.networks));
    }
    text
}

/// Whoever holds a token that opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub actor: Actor,
    pub scopes: Scopes,
    pub expires_on: Option<Date>,
}

/// Why a token does not open.
#[derive(Debug, thiserror::Error)]
pub enum HolderError {
    #[error("there is no such token, or it was revoked")]
    Unknown,
    #[error("the token expired on {last_day}")]
    Expired { last_day: Date },
    #[error("the token is good only from other addresses")]
    NotFromHere,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whoever holds this token and calls from this address, and what it was made for.
pub async fn holder(db: &Db, token: &str, from: Option<IpAddr>, now: Instant) -> Result<Holder, HolderError> {
    #[derive(FromQueryResult)]
    struct Row {
        company_id: Uuid,
        id: Uuid,
        name: String,
        scopes: String,
        expires_on: Option<Date>,
        networks: String,
        last_used_at: Option<Instant>,
    }
    let sql = "SELECT company_id, id, name, scopes, expires_on, networks, last_used_at FROM api_token
        WHERE token_hash = $1 AND revoked_at IS NULL";
    let row: Option<Row> = one(&db.of_any_company(), sql, values![token_hash(token)]).await?;
    let row = row.ok_or(HolderError::Unknown)?;
    if let Some(last_day) = row.expires_on.filter(|day| is_over(*day, now)) {
        return Err(HolderError::Expired { last_day });
    }
    let kept = Of { table: "api_token", id: row.id };
    // What cannot be read opens nothing.
    let networks = kept.code("networks", &row.networks, |text| Networks::parse(text).ok());
    if !networks.is_some_and(|networks| networks.include(from)) {
        return Err(HolderError::NotFromHere);
    }
    let scopes = kept.code("scopes", &row.scopes, Scopes::parse).unwrap_or_else(|| Scopes::new([]));
    let (company, identity) = (CompanyId(row.company_id), Identity::Token(TokenId(row.id)));
    note_use(db, company, row.id, row.last_used_at, from);
    let actor = Actor { company, name: format!("API: {}", row.name), identity, source: from };
    Ok(Holder { actor, scopes, expires_on: row.expires_on })
}

/// Keeps in mind that a token is used, and from where. Nobody waits for it.
fn note_use(db: &Db, company: CompanyId, id: Uuid, last_used: Option<Instant>, from: Option<IpAddr>) {
    let now = crate::now();
    if last_used.is_some_and(|used| (now - used).abs() < NOTED_EVERY) {
        return;
    }
    let from = from.map(|address| address.to_canonical().to_string());
    let db = db.clone();
    tokio::spawn(async move {
        let Ok(tx) = db.begin_write_for(company).await else { return };
        let sql = "UPDATE api_token SET last_used_at = $3, last_used_from = $4 WHERE company_id = $1 AND id = $2";
        if execute(tx.as_conn(), sql, values![company.0, id, now, from]).await.is_ok() {
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
    /// Its first and last letters; earlier versions kept none.
    pub hint: Option<String>,
    pub scopes: Scopes,
    /// The last day on which it opens.
    pub expires_on: Option<Date>,
    pub networks: Networks,
    pub created_at: Instant,
    pub created_by: Option<String>,
    pub last_used_at: Option<Instant>,
    pub last_used_from: Option<String>,
    pub revoked_at: Option<Instant>,
}

impl TokenInfo {
    #[must_use]
    pub fn opens(&self, now: Instant) -> bool {
        self.revoked_at.is_none() && !self.expires_on.is_some_and(|day| is_over(day, now))
    }
}

const SELECT: &str = "SELECT t.company_id, c.ruc, t.id, t.name, t.hint, t.scopes, t.expires_on, t.networks, t.created_at,
        t.created_by, t.last_used_at, t.last_used_from, t.revoked_at
    FROM api_token t JOIN company c ON c.id = t.company_id";

#[derive(FromQueryResult)]
struct Row {
    company_id: Uuid,
    ruc: String,
    id: Uuid,
    name: String,
    hint: Option<String>,
    scopes: String,
    expires_on: Option<Date>,
    networks: String,
    created_at: Instant,
    created_by: Option<String>,
    last_used_at: Option<Instant>,
    last_used_from: Option<String>,
    revoked_at: Option<Instant>,
}

impl Row {
    fn into_info(self) -> TokenInfo {
        let kept = Of { table: "api_token", id: self.id };
        TokenInfo {
            company: CompanyId(self.company_id),
            ruc: Of { table: "company", id: self.company_id }.ruc(&self.ruc),
            id: TokenId(self.id),
            name: self.name,
            hint: self.hint,
            scopes: kept.code("scopes", &self.scopes, Scopes::parse).unwrap_or_else(|| Scopes::new([])),
            expires_on: self.expires_on,
            networks: kept.code("networks", &self.networks, |text| Networks::parse(text).ok()).unwrap_or_default(),
            created_at: self.created_at,
            created_by: self.created_by,
            last_used_at: self.last_used_at,
            last_used_from: self.last_used_from,
            revoked_at: self.revoked_at,
        }
    }
}

/// The tokens of every company, revoked ones too, by company and age.
pub async fn list_any_company(db: &Db) -> Result<Vec<TokenInfo>, StoreError> {
    let rows: Vec<Row> = all(&db.of_any_company(), &format!("{SELECT} ORDER BY c.ruc, t.id"), values![]).await?;
    Ok(rows.into_iter().map(Row::into_info).collect())
}

/// The tokens of a company: those that are not revoked first, newest first.
pub async fn list(db: &Db, company: CompanyId) -> Result<Vec<TokenInfo>, StoreError> {
    let sql = format!("{SELECT} WHERE t.company_id = $1 ORDER BY CASE WHEN t.revoked_at IS NULL THEN 0 ELSE 1 END, t.id DESC");
    let rows: Vec<Row> = all(&db.of(company), &sql, values![company.0]).await?;
    Ok(rows.into_iter().map(Row::into_info).collect())
}

pub async fn find(db: &Db, company: CompanyId, id: TokenId) -> Result<Option<TokenInfo>, StoreError> {
    let sql = format!("{SELECT} WHERE t.company_id = $1 AND t.id = $2");
    Ok(one::<Row>(&db.of(company), &sql, values![company.0, id.0]).await?.map(Row::into_info))
}

/// How many payments a token recorded.
pub async fn payments_recorded(db: &Db, company: CompanyId, id: TokenId) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) AS n FROM payment WHERE company_id = $1 AND recorder_id = $2";
    sql::count(&db.of(company), sql, values![company.0, id.0]).await
}

/// Makes every token of the company worthless at once; gives their number.
pub async fn revoke_all(db: &Db, by: &Actor, now: Instant) -> Result<u64, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        name: String,
    }
    let tx = db.begin_write_for(by.company).await?;
    let sql = "UPDATE api_token SET revoked_at = $2 WHERE company_id = $1 AND revoked_at IS NULL RETURNING id, name";
    let revoked: Vec<Row> = all(tx.as_conn(), sql, values![by.company.0, now]).await?;
    for row in &revoked {
        events::append(&tx, by, row.id, EventKind::TokenRevoked, now, &row.name).await?;
    }
    tx.commit().await?;
    Ok(revoked.len() as u64)
}

/// Makes a token worthless at once. False where there is no such token, or it was revoked before.
pub async fn revoke(db: &Db, by: &Actor, id: TokenId, reason: &str, now: Instant) -> Result<bool, StoreError> {
    let tx = db.begin_write_for(by.company).await?;
    let is_revoked = revoke_in(&tx, by, id, reason, now).await?;
    tx.commit().await?;
    Ok(is_revoked)
}

pub(crate) async fn revoke_in(tx: &Tx, by: &Actor, id: TokenId, reason: &str, now: Instant) -> Result<bool, StoreError> {
    let sql = "UPDATE api_token SET revoked_at = $3 WHERE company_id = $1 AND id = $2 AND revoked_at IS NULL";
    let is_revoked = execute(tx.as_conn(), sql, values![by.company.0, id.0, now]).await? == 1;
    if is_revoked {
        events::append(tx, by, id.0, EventKind::TokenRevoked, now, reason).await?;
    }
    Ok(is_revoked)
}
