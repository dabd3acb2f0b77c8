//! Keys that sign a company's mail. The private half is sealed before it reaches the database, and opened only to sign.

use acuse_domain::Instant;
use acuse_domain::id::{CompanyId, DkimKeyId};
use sea_orm::{ConnectionTrait, FromQueryResult};
use secrecy::SecretString;
use uuid::Uuid;

use crate::Actor;
use crate::db::{Db, StoreError, Tx};
use crate::events::{self, Changes, EventKind};
use crate::sealing_key::{self, BATCH, Item, Kind};
use crate::secrets::{self, Keyring, SealError};
use crate::sql::{self, Inserted, Kept, Of, all, execute, new_id, one, readable, values};

/// Keys of one domain that may be made in a month: `acuse202611`, then `acuse202611-2` and so on.
const MOST_NAMES: u32 = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Its record has not been seen in the DNS yet.
    Made,
    /// Its record was seen; mail is not signed with it.
    Published,
    /// Mail is signed with it.
    Used,
}

impl KeyState {
    pub const ALL: [Self; 3] = [Self::Made, Self::Published, Self::Used];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Published => "published",
            Self::Used => "used",
        }
    }

    fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == code)
    }
}

/// A key without its private half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DkimKey {
    pub id: DkimKeyId,
    pub domain: String,
    pub selector: String,
    /// Base64, as it stands in the record's `p=`.
    pub public_key: String,
    pub state: KeyState,
    pub made_at: Instant,
    pub seen_at: Option<Instant>,
}

/// A pair that was made just now.
pub struct NewPair {
    pub public_key: String,
    pub private_key: SecretString,
}

/// What signing takes.
pub struct SigningKey {
    pub selector: String,
    pub private_key: SecretString,
}

#[derive(Debug, thiserror::Error)]
pub enum DkimError {
    /// A key of the domain waits already for its record.
    #[error("a key of this domain waits for its record")]
    Waiting,
    #[error("a key could not be made")]
    NotMade,
    /// So many keys of the domain were made this month that their names are used up.
    #[error("no name is left for another key this month")]
    NoName,
    #[error("there is no such key")]
    NotFound,
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps a new key, which does not sign before its record is seen. A key that signs goes on signing.
pub async fn make(
    db: &Db,
    keys: &Keyring,
    by: &Actor,
    domain: &str,
    pair: &NewPair,
    now: Instant,
) -> Result<DkimKeyId, DkimError> {
    let id = DkimKeyId(new_id());
    let tx = db.begin_write_for(by.company).await?;
    sealing_key::claim_in::<DkimError>(&tx, keys).await?;
    let sealed = keys.seal(&pair.private_key, &identity(by.company, id.0))?;
    let Some(selector) = take_name(&tx, domain, now).await? else {
        tx.undo().await?;
        return Err(DkimError::NoName);
    };
    let sql = "INSERT INTO dkim_key (company_id, id, domain, selector, public_key, sealed_private_key, state, made_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'made', $7)";
    let row = values![by.company.0, id.0, domain, selector.as_str(), pair.public_key.as_str(), sealed, now];
    match sql::insert(tx.as_conn(), sql, row).await? {
        Inserted::Done => {}
        Inserted::Duplicate => return Err(DkimError::Waiting),
    }
    let (kind, changes) = (EventKind::DkimKeyMade, Changes::new().set("Selector", &selector));
    events::append_named(&tx, by, (id.0, domain), kind, now, "", &changes).await?;
    tx.commit().await?;
    Ok(id)
}

/// A name in the domain that no key ever had.
async fn take_name(tx: &Tx, domain: &str, now: Instant) -> Result<Option<String>, StoreError> {
    let month = now.format("acuse%Y%m");
    for number in 1..=MOST_NAMES {
        let selector = if number == 1 { month.to_string() } else { format!("{month}-{number}") };
        let sql = "INSERT INTO dkim_name (domain, selector) VALUES ($1, $2) ON CONFLICT (domain, selector) DO NOTHING";
        if execute(tx.as_conn(), sql, values![domain, selector.as_str()]).await? == 1 {
            return Ok(Some(selector));
        }
    }
    Ok(None)
}

/// The key's record was seen: from now on it signs, in the place of the one before, which is forgotten.
pub async fn turn_on(db: &Db, by: &Actor, id: DkimKeyId, now: Instant) -> Result<(), DkimError> {
    let tx = db.begin_write_for(by.company).await?;
    let sql = "DELETE FROM dkim_key WHERE company_id = $1 AND id <> $2 AND state <> 'made'
        AND domain = (SELECT domain FROM dkim_key WHERE company_id = $1 AND id = $2)";
    execute(tx.as_conn(), sql, values![by.company.0, id.0]).await?;
    let sql = "UPDATE dkim_key SET state = 'used', seen_at = $3 WHERE company_id = $1 AND id = $2";
    commit_some(tx, by, EventKind::DkimTurnedOn, sql, values![by.company.0, id.0, now]).await
}

/// Mail is not signed any more; the key stays, and signs again once it is turned on.
pub async fn turn_off(db: &Db, by: &Actor, id: DkimKeyId) -> Result<(), DkimError> {
    let tx = db.begin_write_for(by.company).await?;
    let sql = "UPDATE dkim_key SET state = 'published' WHERE company_id = $1 AND id = $2 AND state <> 'made'";
    commit_some(tx, by, EventKind::DkimTurnedOff, sql, values![by.company.0, id.0]).await
}

/// Forgets a key for good.
pub async fn delete(db: &Db, by: &Actor, id: DkimKeyId) -> Result<(), DkimError> {
    let tx = db.begin_write_for(by.company).await?;
    let sql = "DELETE FROM dkim_key WHERE company_id = $1 AND id = $2";
    commit_some(tx, by, EventKind::DkimKeyDeleted, sql, values![by.company.0, id.0]).await
}

/// Forgets all keys of a domain.
pub async fn delete_all(db: &Db, by: &Actor, domain: &str) -> Result<(), DkimError> {
    let tx = db.begin_write_for(by.company).await?;
    let sql = "DELETE FROM dkim_key WHERE company_id = $1 AND domain = $2";
    commit_some(tx, by, EventKind::DkimKeyDeleted, sql, values![by.company.0, domain]).await
}

/// A domain's keys: the one that waits for its record, and the one that was seen.
pub async fn of_domain(db: &Db, company: CompanyId, domain: &str) -> Result<Vec<DkimKey>, StoreError> {
    let sql = format!("{SELECT} WHERE company_id = $1 AND domain = $2 ORDER BY id");
    let rows: Vec<Row> = readable(&db.of(company), "dkim_key", &sql, values![company.0, domain]).await?;
    Ok(rows.into_iter().map(Row::into_key).collect())
}

/// The key that signs a domain's mail. Errs if it cannot be opened with the master key at hand.
pub async fn signing_key(db: &Db, keys: &Keyring, company: CompanyId, domain: &str) -> Result<Option<SigningKey>, DkimError> {
    let sql = format!("{SELECT} WHERE company_id = $1 AND domain = $2 AND state = 'used'");
    let Some(row) = one::<Row>(&db.of(company), &sql, values![company.0, domain]).await? else { return Ok(None) };
    let private_key = keys.open(&row.sealed_private_key, &identity(company, row.id))?;
    Ok(Some(SigningKey { selector: row.selector, private_key }))
}

/// Seals every private key again under the newest master key. Gives how many were.
pub async fn reseal_any_company(db: &Db, keys: &Keyring) -> Result<u64, DkimError> {
    let mut rows: Vec<SealedRow> = readable(&db.of_any_company(), "dkim_key", SEALED, Vec::new()).await?;
    rows.retain(|row| !keys.is_newest(&row.sealed_private_key));
    let mut done = 0;
    for some in rows.chunks(BATCH) {
        let tx = db.begin_write_any_company().await?;
        sealing_key::claim_in::<DkimError>(&tx, keys).await?;
        for row in some {
            let bound_to = identity(CompanyId(row.company_id), row.id);
            let Some(again) = keys.reseal(&row.sealed_private_key, &bound_to, &bound_to)? else { continue };
            let sql = "UPDATE dkim_key SET sealed_private_key = $3 WHERE company_id = $1 AND id = $2";
            done += execute(tx.as_conn(), sql, values![row.company_id, row.id, again]).await?;
        }
        tx.commit().await?;
    }
    Ok(done)
}

pub(crate) async fn sealed_items(conn: &impl ConnectionTrait, keys: Option<&Keyring>) -> Result<Vec<Item>, StoreError> {
    let rows: Vec<SealedRow> = readable(conn, "dkim_key", SEALED, Vec::new()).await?;
    let item = |row: &SealedRow| Item {
        kind: Kind::DkimKey,
        company: row.company_id,
        id: row.id,
        key_id: secrets::key_id(&row.sealed_private_key),
        opens: keys.is_some_and(|keys| keys.open(&row.sealed_private_key, &identity(CompanyId(row.company_id), row.id)).is_ok()),
    };
    Ok(rows.iter().map(item).collect())
}

/// Commits a change of rows and notes each; without such a row nothing has happened.
async fn commit_some(tx: Tx, by: &Actor, kind: EventKind, sql: &str, values: Vec<sea_orm::Value>) -> Result<(), DkimError> {
    #[derive(FromQueryResult)]
    struct Changed {
        id: Uuid,
        domain: Kept<String>,
        selector: Kept<String>,
    }
    let sql = format!("{sql} RETURNING id, domain, selector");
    let changed: Vec<Changed> = all(tx.as_conn(), &sql, values).await?;
    if changed.is_empty() {
        tx.undo().await?;
        return Err(DkimError::NotFound);
    }
    for key in changed {
        let (domain, selector) = (key.domain.or(String::new()), key.selector.or(String::new()));
        let changes = Changes::new().set("Selector", selector);
        events::append_named(&tx, by, (key.id, &domain), kind, crate::now(), "", &changes).await?;
    }
    Ok(tx.commit().await?)
}

/// What a sealed key is bound to: moved to another row, it does not open.
fn identity(company: CompanyId, id: Uuid) -> String {
    format!("dkim_key:{company}:{id}")
}

/// A sealed key by itself: nothing else of its row is needed to seal it again.
#[derive(FromQueryResult)]
struct SealedRow {
    company_id: Uuid,
    id: Uuid,
    sealed_private_key: Vec<u8>,
}

const SEALED: &str = "SELECT company_id, id, sealed_private_key FROM dkim_key";

const SELECT: &str = "SELECT id, domain, selector, public_key, sealed_private_key, state, made_at, seen_at FROM dkim_key";

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    domain: String,
    selector: String,
    public_key: String,
    sealed_private_key: Vec<u8>,
    state: String,
    made_at: Instant,
    seen_at: Option<Instant>,
}

impl Row {
    /// A key whose state cannot be read does not sign.
    fn into_key(self) -> DkimKey {
        let of = Of { table: "dkim_key", id: self.id };
        DkimKey {
            id: DkimKeyId(self.id),
            domain: self.domain,
            selector: self.selector,
            public_key: self.public_key,
            state: of.code("state", &self.state, KeyState::parse).unwrap_or(KeyState::Made),
            made_at: self.made_at,
            seen_at: self.seen_at,
        }
    }
}
