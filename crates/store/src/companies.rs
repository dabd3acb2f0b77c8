//! Companies and their logos.

use acuse_domain::Instant;
use acuse_domain::company::{Company, CompanyProfile};
use acuse_domain::id::CompanyId;
use acuse_domain::identification::Ruc;
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::db::{Db, StoreError};
use crate::sql::{self, Inserted, all, execute, new_id, one, optional_address, values};

#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("there is already a company with this RUC")]
    RucTaken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub async fn create(db: &Db, ruc: &Ruc, profile: &CompanyProfile, now: Instant) -> Result<CompanyId, CreateError> {
    let id = CompanyId(new_id());
    let tx = db.begin_write().await?;
    let sql = "INSERT INTO company (id, ruc, legal_name, trade_name, address, city, phone, email, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let row = values![
        id.0,
        ruc.as_str(),
        profile.legal_name.as_str(),
        profile.trade_name.clone(),
        profile.address.clone(),
        profile.city.clone(),
        profile.phone.clone(),
        profile.email.as_ref().map(ToString::to_string),
        now
    ];
    match sql::insert(tx.as_conn(), sql, row).await? {
        Inserted::Done => tx.commit().await?,
        Inserted::Duplicate => return Err(CreateError::RucTaken),
    }
    Ok(id)
}

pub async fn find(db: &Db, company: CompanyId) -> Result<Option<Company>, StoreError> {
    find_in(db.reader(), company).await
}

pub(crate) async fn find_in(conn: &impl ConnectionTrait, company: CompanyId) -> Result<Option<Company>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM company WHERE id = $1");
    one::<Row>(conn, &sql, values![company.0]).await?.map(Row::into_company).transpose()
}

/// The company with this RUC, whoever asks: for the command line.
pub async fn find_by_ruc_any_company(db: &Db, ruc: &Ruc) -> Result<Option<Company>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM company WHERE ruc = $1");
    one::<Row>(db.reader(), &sql, values![ruc.as_str()]).await?.map(Row::into_company).transpose()
}

/// A company as an operator lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub id: CompanyId,
    pub ruc: Ruc,
    pub legal_name: String,
    pub users: u64,
    /// That have not been revoked.
    pub tokens: u64,
    pub created_at: Instant,
}

/// Every company, oldest first.
pub async fn list_any_company(db: &Db) -> Result<Vec<Listed>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        ruc: String,
        legal_name: String,
        users: i64,
        tokens: i64,
        created_at: Instant,
    }
    let sql = "SELECT c.id, c.ruc, c.legal_name, c.created_at,
            (SELECT COUNT(*) FROM membership m WHERE m.company_id = c.id) AS users,
            (SELECT COUNT(*) FROM api_token t WHERE t.company_id = c.id AND t.revoked_at IS NULL) AS tokens
        FROM company c ORDER BY c.id";
    let rows: Vec<Row> = all(db.reader(), sql, values![]).await?;
    let listed = |row: Row| {
        Ok(Listed {
            id: CompanyId(row.id),
            ruc: row.ruc.parse().map_err(StoreError::unreadable)?,
            legal_name: row.legal_name,
            users: row.users.unsigned_abs(),
            tokens: row.tokens.unsigned_abs(),
            created_at: row.created_at,
        })
    };
    rows.into_iter().map(listed).collect()
}

pub async fn change(db: &Db, company: CompanyId, profile: &CompanyProfile) -> Result<(), StoreError> {
    let tx = db.begin_write().await?;
    let sql =
        "UPDATE company SET legal_name = $2, trade_name = $3, address = $4, city = $5, phone = $6, email = $7 WHERE id = $1";
    let row = values![
        company.0,
        profile.legal_name.as_str(),
        profile.trade_name.clone(),
        profile.address.clone(),
        profile.city.clone(),
        profile.phone.clone(),
        profile.email.as_ref().map(ToString::to_string)
    ];
    execute(tx.as_conn(), sql, row).await?;
    tx.commit().await
}

/// Keeps a logo that has been re-encoded as PNG; `None` takes it away.
pub async fn change_logo(db: &Db, company: CompanyId, png: Option<Vec<u8>>) -> Result<(), StoreError> {
    let tx = db.begin_write().await?;
    execute(tx.as_conn(), "UPDATE company SET logo = $2 WHERE id = $1", values![company.0, png]).await?;
    tx.commit().await
}

/// The logo as PNG.
pub async fn logo(db: &Db, company: CompanyId) -> Result<Option<Vec<u8>>, StoreError> {
    #[derive(FromQueryResult)]
    struct Logo {
        logo: Option<Vec<u8>>,
    }
    let row: Option<Logo> = one(db.reader(), "SELECT logo FROM company WHERE id = $1", values![company.0]).await?;
    Ok(row.and_then(|row| row.logo))
}

const COLUMNS: &str = "id, ruc, legal_name, trade_name, address, city, phone, email";

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    ruc: String,
    legal_name: String,
    trade_name: Option<String>,
    address: Option<String>,
    city: Option<String>,
    phone: Option<String>,
    email: Option<String>,
}

impl Row {
    fn into_company(self) -> Result<Company, StoreError> {
        Ok(Company {
            id: CompanyId(self.id),
            ruc: self.ruc.parse().map_err(StoreError::unreadable)?,
            profile: CompanyProfile {
                legal_name: self.legal_name,
                trade_name: self.trade_name,
                address: self.address,
                city: self.city,
                phone: self.phone,
                email: optional_address(self.email)?,
            },
        })
    }
}
