//! Companies and their logos.

use acuse_domain::Instant;
use acuse_domain::access::Role;
use acuse_domain::company::{Company, CompanyProfile, FirstSteps};
use acuse_domain::id::{CompanyId, UserId};
use acuse_domain::identification::Ruc;
use sea_orm::{ConnectionTrait, FromQueryResult};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Actor;
use crate::db::{Db, StoreError, Tx};
use crate::events::{self, EventKind, differences};
use crate::sessions;
use crate::sql::{self, Inserted, Kept, Of, Reading, execute, new_id, one, readable, values};
use crate::versions::{self, ChangeError, Expected, for_update};

/// A picture that never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogoId(pub(crate) Uuid);

#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("there is already a company with this RUC")]
    RucTaken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub async fn create(db: &Db, ruc: &Ruc, profile: &CompanyProfile, now: Instant) -> Result<CompanyId, CreateError> {
    let tx = db.begin_write_any_company().await?;
    let id = create_in(&tx, ruc, profile, Actor::operator, now).await?;
    tx.commit().await?;
    Ok(id)
}

/// A company of somebody who is its owner from the first moment on. `by` is they, in the company where they are now.
pub async fn found(
    db: &Db,
    owner: UserId,
    by: &Actor,
    ruc: &Ruc,
    profile: &CompanyProfile,
    now: Instant,
) -> Result<CompanyId, CreateError> {
    let tx = db.begin_write_any_company().await?;
    let by = |company| Actor { company, ..by.clone() };
    let id = create_in(&tx, ruc, profile, by, now).await?;
    let sql = "INSERT INTO membership (company_id, person_id, role) VALUES ($1, $2, $3)";
    execute(tx.as_conn(), sql, values![id.0, owner.0, Role::Owner.as_str()]).await?;
    // What another company's administrator was handed opens no company that they made since.
    sessions::end_links(&tx, owner.0, now).await?;
    tx.commit().await?;
    Ok(id)
}

/// `by` is who makes it, once it has an id.
pub(crate) async fn create_in(
    tx: &Tx,
    ruc: &Ruc,
    profile: &CompanyProfile,
    by: impl FnOnce(CompanyId) -> Actor,
    now: Instant,
) -> Result<CompanyId, CreateError> {
    let id = CompanyId(new_id());
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
        Inserted::Done => {}
        Inserted::Duplicate => return Err(CreateError::RucTaken),
    }
    let changes = differences::of_company(None, profile);
    let subject = (id.0, profile.legal_name.as_str());
    events::append_named(tx, &by(id), subject, EventKind::CompanyCreated, now, ruc.as_str(), &changes).await?;
    Ok(id)
}

/// What is done of the first steps.
pub async fn first_steps(db: &Db, company: CompanyId) -> Result<FirstSteps, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        logo: i64,
        mail_account: i64,
        document: i64,
        payment: i64,
    }
    let is_there = |what: &str| format!("CAST(CASE WHEN EXISTS (SELECT 1 FROM {what}) THEN 1 ELSE 0 END AS BIGINT)");
    let sql = format!(
        "SELECT {} AS logo, {} AS mail_account, {} AS document, {} AS payment",
        is_there("company c WHERE c.id = $1 AND c.logo_id IS NOT NULL"),
        is_there("mail_account a WHERE a.company_id = $1"),
        is_there("document d WHERE d.company_id = $1"),
        is_there("payment p WHERE p.company_id = $1"),
    );
    let row: Option<Row> = one(&db.of(company), &sql, values![company.0]).await?;
    let row = row.ok_or_else(|| StoreError::unreadable("a company vanished"))?;
    let done = |n: i64| n > 0;
    Ok(FirstSteps {
        logo: done(row.logo),
        mail_account: done(row.mail_account),
        document: done(row.document),
        payment: done(row.payment),
    })
}

pub async fn find(db: &Db, company: CompanyId) -> Result<Option<Company>, StoreError> {
    find_in(&db.of(company), company).await
}

pub(crate) async fn find_in(conn: &impl ConnectionTrait, company: CompanyId) -> Result<Option<Company>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM company WHERE id = $1");
    Ok(one::<Row>(conn, &sql, values![company.0]).await?.map(Row::into_company))
}

/// The company with this RUC, whoever asks: for the command line.
pub async fn find_by_ruc_any_company(db: &Db, ruc: &Ruc) -> Result<Option<Company>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM company WHERE ruc = $1");
    Ok(one::<Row>(&db.of_any_company(), &sql, values![ruc.as_str()]).await?.map(Row::into_company))
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
    pub archived_at: Option<Instant>,
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
        archived_at: Option<Instant>,
    }
    let sql = "SELECT c.id, c.ruc, c.legal_name, c.created_at, c.archived_at,
            (SELECT COUNT(*) FROM membership m WHERE m.company_id = c.id) AS users,
            (SELECT COUNT(*) FROM api_token t WHERE t.company_id = c.id AND t.revoked_at IS NULL) AS tokens
        FROM company c ORDER BY c.id";
    let rows: Vec<Row> = readable(&db.of_any_company(), "company", sql, values![]).await?;
    let listed = |row: Row| Listed {
        id: CompanyId(row.id),
        ruc: Of { table: "company", id: row.id }.ruc(&row.ruc),
        legal_name: row.legal_name,
        users: row.users.unsigned_abs(),
        tokens: row.tokens.unsigned_abs(),
        created_at: row.created_at,
        archived_at: row.archived_at,
    };
    Ok(rows.into_iter().map(listed).collect())
}

/// Changes the profile as it is now: what others changed meanwhile stays. Gives the company as it is from then on.
pub async fn change<Refused: Send>(
    db: &Db,
    by: &Actor,
    expected: &Expected,
    change: impl FnOnce(CompanyProfile) -> Result<CompanyProfile, Refused> + Send,
) -> Result<Company, ChangeError<Refused>> {
    let tx = db.begin_write_for(by.company).await?;
    let changed = change_in(&tx, by, expected, change).await;
    versions::end(tx, changed).await
}

async fn change_in<Refused>(
    tx: &Tx,
    by: &Actor,
    expected: &Expected,
    change: impl FnOnce(CompanyProfile) -> Result<CompanyProfile, Refused>,
) -> Result<Company, ChangeError<Refused>> {
    let id = by.company;
    let sql = format!("SELECT {COLUMNS} FROM company WHERE id = $1 {}", for_update(tx.as_conn()));
    let Some(row) = one::<Row>(tx.as_conn(), &sql, values![id.0]).await? else { return Err(ChangeError::NotFound) };
    let company = row.into_company();
    expected.check::<Refused>(company.version)?;
    let profile = change(company.profile.clone()).map_err(ChangeError::Refused)?;
    // Letter by letter: an address in another case is the same one, and yet a change.
    let written = |profile: &CompanyProfile| profile.email.as_ref().map(ToString::to_string);
    if profile == company.profile && written(&profile) == written(&company.profile) {
        return Ok(company);
    }
    let version = company.version + 1;
    let mut row = values![id.0, version];
    let mut changes = String::from("version = $2");
    let columns = values![
        profile.legal_name.as_str(),
        profile.trade_name.clone(),
        profile.address.clone(),
        profile.city.clone(),
        profile.phone.clone(),
        profile.email.as_ref().map(ToString::to_string)
    ];
    for (column, value) in ["legal_name", "trade_name", "address", "city", "phone", "email"].into_iter().zip(columns) {
        // What could not be read and was not given stays as it stands.
        if !profile.undecoded.contains(&column) {
            row.push(value);
            changes += &format!(", {column} = ${}", row.len());
        }
    }
    execute(tx.as_conn(), &format!("UPDATE company SET {changes} WHERE id = $1"), row).await?;
    let changes = differences::of_company(Some(&company.profile), &profile);
    let subject = (id.0, profile.legal_name.as_str());
    events::append_named(tx, by, subject, EventKind::CompanyChanged, crate::now(), "", &changes).await?;
    Ok(Company { version, profile, ..company })
}

/// Keeps a logo that has been re-encoded as PNG; `None` takes it away. Receipts recorded before keep theirs.
pub async fn change_logo(db: &Db, by: &Actor, png: Option<Vec<u8>>) -> Result<(), StoreError> {
    let company = by.company;
    let id = png.as_deref().map(logo_id);
    let tx = db.begin_write_for(by.company).await?;
    if let Some(png) = png {
        let sql = "INSERT INTO company_logo (company_id, id, png) VALUES ($1, $2, $3) ON CONFLICT (company_id, id) DO NOTHING";
        execute(tx.as_conn(), sql, values![company.0, id, png]).await?;
    }
    let sql = "UPDATE company SET logo_id = $2 WHERE id = $1 AND logo_id IS DISTINCT FROM $2";
    let is_news = execute(tx.as_conn(), sql, values![company.0, id]).await? == 1;
    let kind = if id.is_some() { EventKind::LogoChanged } else { EventKind::LogoRemoved };
    if is_news {
        events::append(&tx, by, company.0, kind, crate::now(), "").await?;
    }
    tx.commit().await
}

/// The same picture has the same id.
fn logo_id(png: &[u8]) -> Uuid {
    let mut first = [0; 16];
    first.copy_from_slice(&Sha256::digest(png)[..16]);
    uuid::Builder::from_custom_bytes(first).into_uuid()
}

/// The logo as PNG.
pub async fn logo(db: &Db, company: CompanyId) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT l.png FROM company c JOIN company_logo l ON l.company_id = c.id AND l.id = c.logo_id WHERE c.id = $1";
    Ok(one::<Picture>(&db.of(company), sql, values![company.0]).await?.map(|row| row.png))
}

/// A logo that the company has or had, as PNG.
pub async fn logo_by_id(db: &Db, company: CompanyId, id: LogoId) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT png FROM company_logo WHERE company_id = $1 AND id = $2";
    Ok(one::<Picture>(&db.of(company), sql, values![company.0, id.0]).await?.map(|row| row.png))
}

#[derive(FromQueryResult)]
struct Picture {
    png: Vec<u8>,
}

const COLUMNS: &str = "id, version, ruc, legal_name, trade_name, address, city, phone, email";

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    version: Kept<i64>,
    ruc: Kept<String>,
    legal_name: Kept<String>,
    trade_name: Kept<Option<String>>,
    address: Kept<Option<String>>,
    city: Kept<Option<String>>,
    phone: Kept<Option<String>>,
    email: Kept<Option<String>>,
}

impl Row {
    fn into_company(self) -> Company {
        let of = Of { table: "company", id: self.id };
        let mut reading = Reading::of(of);
        let ruc = of.ruc(&reading.kept("ruc", self.ruc, String::new()));
        let email = reading.kept("email", self.email, None);
        let profile = CompanyProfile {
            legal_name: reading.kept("legal_name", self.legal_name, String::new()),
            trade_name: reading.kept("trade_name", self.trade_name, None),
            address: reading.kept("address", self.address, None),
            city: reading.kept("city", self.city, None),
            phone: reading.kept("phone", self.phone, None),
            email: of.optional_address("email", email),
            undecoded: reading.unreadable,
        };
        Company { id: CompanyId(self.id), version: of.kept("version", self.version).unwrap_or_default(), ruc, profile }
    }
}
