//! Companies' own outgoing accounts. Passwords are sealed before they reach the database, and opened only to be used.

use acuse_domain::Instant;
use acuse_domain::id::{CompanyId, MailAccountId};
use acuse_domain::mail_account::{LastCheck, MailAccount, MailAccountSettings, MailModule, Security};
use acuse_domain::oauth::{Connection, Provider};
use acuse_domain::text::escaped;
use sea_orm::FromQueryResult;
use secrecy::SecretString;
use uuid::Uuid;

use crate::Actor;
use crate::db::{Db, StoreError, Tx};
use crate::idempotency::{self, ClaimError, Once};
use crate::oauth;
use crate::pauses::{self, AccountKey};
use crate::secrets::{Keyring, SealError};
use crate::sql::{self, Inserted, Of, all, execute, new_id, one, values};

#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The company has an account for this module already.
    #[error("the module has an account")]
    ModuleTaken(MailModule),
    #[error("there is no such account")]
    NotFound,
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Once(#[from] ClaimError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An account as a person fills it in.
#[derive(Debug, Clone)]
pub struct Form {
    pub settings: MailAccountSettings,
    /// `None` keeps the one it has.
    pub password: Option<SecretString>,
    /// What a check of exactly these settings answered, if there was one.
    pub checked: Option<LastCheck>,
}

pub async fn create(
    db: &Db,
    keys: &Keyring,
    by: &Actor,
    form: &Form,
    once: Option<&Once>,
    now: Instant,
) -> Result<MailAccountId, SaveError> {
    let id = MailAccountId(new_id());
    let tx = db.begin_write().await?;
    if let Some(earlier) = idempotency::claim(&tx, by.company, once, id.0, now).await? {
        tx.commit().await?;
        return Ok(MailAccountId(earlier));
    }
    let sealed = form.password.as_ref().map(|password| keys.seal(password, &identity(by.company, id))).transpose()?;
    insert_in(&tx, by.company, id, form, sealed, now).await?;
    tx.commit().await?;
    db.nudge();
    Ok(id)
}

pub(crate) async fn insert_in(
    tx: &Tx,
    company: CompanyId,
    id: MailAccountId,
    form: &Form,
    sealed_password: Option<Vec<u8>>,
    now: Instant,
) -> Result<(), SaveError> {
    let sql = "INSERT INTO mail_account (company_id, id, module, server, port, security, username, from_name, from_address,
        reply_to, bcc, checked_at, check_ok, sealed_password, enabled, version, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 1, $16)";
    let mut row = columns(company, id, form);
    row.extend(values![sealed_password, true, now]);
    match sql::insert(tx.as_conn(), sql, row).await? {
        Inserted::Done => Ok(()),
        Inserted::Duplicate => Err(SaveError::ModuleTaken(form.settings.module)),
    }
}

/// Changes an account and lets it work again if it was resting. Whoever heard that it had stopped hears that it works once
/// that was seen: by a correct check of exactly these settings, or later by a delivery. A password takes the
/// place of a connection.
pub async fn change(db: &Db, keys: &Keyring, by: &Actor, id: MailAccountId, form: &Form) -> Result<(), SaveError> {
    let tx = db.begin_write().await?;
    change_in(&tx, keys, by, id, form).await?;
    keep(db, tx).await
}

/// The same, and turns it on or off with it: both or neither.
pub async fn change_and_enable(
    db: &Db,
    keys: &Keyring,
    by: &Actor,
    id: MailAccountId,
    form: &Form,
    enabled: bool,
) -> Result<(), SaveError> {
    let tx = db.begin_write().await?;
    change_in(&tx, keys, by, id, form).await?;
    enable_in(&tx, by, id, enabled).await?;
    keep(db, tx).await
}

async fn change_in(tx: &Tx, keys: &Keyring, by: &Actor, id: MailAccountId, form: &Form) -> Result<(), SaveError> {
    let sealed = form.password.as_ref().map(|password| keys.seal(password, &identity(by.company, id))).transpose()?;
    let sql = "UPDATE mail_account SET module = $3, server = $4, port = $5, security = $6, username = $7, from_name = $8,
        from_address = $9, reply_to = $10, bcc = $11, checked_at = $12, check_ok = $13,
        sealed_password = COALESCE($14, sealed_password), version = version + 1
        WHERE company_id = $1 AND id = $2";
    let mut row = columns(by.company, id, form);
    row.push(sealed.into());
    let changed = match execute(tx.as_conn(), sql, row).await {
        Err(StoreError::Failed(error)) if matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_))) => {
            return Err(SaveError::ModuleTaken(form.settings.module));
        }
        other => other?,
    };
    if changed == 0 {
        return Err(SaveError::NotFound);
    }
    if form.password.is_some() {
        oauth::forget_in(tx, by.company, id).await?;
    }
    pauses::changed_in(tx, AccountKey::Own(id)).await?;
    if let Some(check) = form.checked.as_ref().filter(|check| check.ok) {
        pauses::works_in(tx, AccountKey::Own(id), check.at).await?;
    }
    Ok(())
}

/// Turns an account on or off; its module falls back to the default account while it is off.
pub async fn enable(db: &Db, by: &Actor, id: MailAccountId, enabled: bool) -> Result<(), SaveError> {
    let tx = db.begin_write().await?;
    enable_in(&tx, by, id, enabled).await?;
    keep(db, tx).await
}

async fn enable_in(tx: &Tx, by: &Actor, id: MailAccountId, enabled: bool) -> Result<(), SaveError> {
    let sql = "UPDATE mail_account SET enabled = $3, version = version + 1 WHERE company_id = $1 AND id = $2";
    if execute(tx.as_conn(), sql, values![by.company.0, id.0, enabled]).await? == 0 {
        return Err(SaveError::NotFound);
    }
    match enabled {
        true => pauses::changed_in(tx, AccountKey::Own(id)).await?,
        false => pauses::forget_in(tx, AccountKey::Own(id)).await?,
    }
    Ok(())
}

async fn keep(db: &Db, tx: Tx) -> Result<(), SaveError> {
    tx.commit().await?;
    db.nudge();
    Ok(())
}

pub async fn delete(db: &Db, by: &Actor, id: MailAccountId) -> Result<(), SaveError> {
    let tx = db.begin_write().await?;
    let sql = "DELETE FROM mail_account WHERE company_id = $1 AND id = $2";
    if execute(tx.as_conn(), sql, values![by.company.0, id.0]).await? == 0 {
        return Err(SaveError::NotFound);
    }
    pauses::forget_in(&tx, AccountKey::Own(id)).await?;
    tx.commit().await?;
    db.nudge();
    Ok(())
}

/// Notes what Probar answered for the account as it is saved; a correct answer ends its rest.
pub async fn note_check(db: &Db, by: &Actor, id: MailAccountId, check: &LastCheck) -> Result<(), StoreError> {
    let tx = db.begin_write().await?;
    let sql = "UPDATE mail_account SET checked_at = $3, check_ok = $4 WHERE company_id = $1 AND id = $2";
    let noted = execute(tx.as_conn(), sql, values![by.company.0, id.0, check.at, check.ok]).await?;
    if noted == 1 && check.ok {
        pauses::works_in(&tx, AccountKey::Own(id), check.at).await?;
    }
    tx.commit().await?;
    db.nudge();
    Ok(())
}

pub async fn list(db: &Db, company: CompanyId) -> Result<Vec<MailAccount>, StoreError> {
    let sql = format!("{SELECT} WHERE a.company_id = $1 ORDER BY a.module DESC");
    let rows: Vec<Row> = all(db.reader(), &sql, values![company.0]).await?;
    Ok(rows.into_iter().map(Row::into_account).collect())
}

pub async fn find(db: &Db, company: CompanyId, id: MailAccountId) -> Result<Option<MailAccount>, StoreError> {
    let sql = format!("{SELECT} WHERE a.company_id = $1 AND a.id = $2");
    Ok(one::<Row>(db.reader(), &sql, values![company.0, id.0]).await?.map(Row::into_account))
}

/// An account with what is needed to log in.
pub struct Usable {
    pub account: MailAccount,
    pub version: i64,
    pub password: Option<SecretString>,
}

/// The company's own enabled account for a module. Errs if its password cannot be opened with the key at hand.
pub async fn for_module(db: &Db, keys: &Keyring, company: CompanyId, module: MailModule) -> Result<Option<Usable>, SaveError> {
    let sql = format!("{SELECT} WHERE a.company_id = $1 AND a.module = $2 AND a.enabled");
    usable(one(db.reader(), &sql, values![company.0, module.as_str()]).await?, keys)
}

/// Which account that is, and how often it was changed: it needs no key, and is asked while mail is under way.
pub async fn version_for_module(
    db: &Db,
    company: CompanyId,
    module: MailModule,
) -> Result<Option<(MailAccountId, i64)>, StoreError> {
    #[derive(FromQueryResult)]
    struct Version {
        id: Uuid,
        version: i64,
    }
    let sql = "SELECT id, version FROM mail_account WHERE company_id = $1 AND module = $2 AND enabled";
    let row: Option<Version> = one(db.reader(), sql, values![company.0, module.as_str()]).await?;
    Ok(row.map(|row| (MailAccountId(row.id), row.version)))
}

/// One saved account, to be tried.
pub async fn usable_by_id(db: &Db, keys: &Keyring, company: CompanyId, id: MailAccountId) -> Result<Option<Usable>, SaveError> {
    let sql = format!("{SELECT} WHERE a.company_id = $1 AND a.id = $2");
    usable(one(db.reader(), &sql, values![company.0, id.0]).await?, keys)
}

fn usable(row: Option<Row>, keys: &Keyring) -> Result<Option<Usable>, SaveError> {
    let Some(row) = row else { return Ok(None) };
    let bound_to = identity(CompanyId(row.company_id), MailAccountId(row.id));
    let password = row.sealed_password.as_deref().map(|sealed| keys.open(sealed, &bound_to)).transpose()?;
    let version = row.version;
    let account = row.into_account();
    if !account.settings.unreadable().is_empty() {
        return Err(StoreError::unreadable(format!("mail account {}", account.id)).into());
    }
    Ok(Some(Usable { account, version, password }))
}

/// Seals every password and every connection's tokens again under the newest key. Gives how many were.
pub async fn reseal_any_company(db: &Db, keys: &Keyring) -> Result<u64, SaveError> {
    let tx = db.begin_write().await?;
    let sql = format!("{SELECT} WHERE a.sealed_password IS NOT NULL");
    let rows: Vec<Row> = all(tx.as_conn(), &sql, Vec::new()).await?;
    let mut done = 0;
    for row in rows {
        done += reseal(&tx, keys, &row).await?;
    }
    done += oauth::reseal_in(&tx, keys).await?;
    tx.commit().await?;
    Ok(done)
}

async fn reseal(tx: &Tx, keys: &Keyring, row: &Row) -> Result<u64, SaveError> {
    let Some(sealed) = row.sealed_password.as_deref().filter(|sealed| !keys.is_newest(sealed)) else { return Ok(0) };
    let bound_to = identity(CompanyId(row.company_id), MailAccountId(row.id));
    let again = keys.seal(&keys.open(sealed, &bound_to)?, &bound_to)?;
    let sql = "UPDATE mail_account SET sealed_password = $3 WHERE company_id = $1 AND id = $2";
    Ok(execute(tx.as_conn(), sql, values![row.company_id, row.id, again]).await?)
}

/// What a sealed password is bound to: moved to another row, it does not open.
fn identity(company: CompanyId, id: MailAccountId) -> String {
    format!("mail_account:{company}:{id}")
}

fn columns(company: CompanyId, id: MailAccountId, form: &Form) -> Vec<sea_orm::Value> {
    let Form { settings, checked, .. } = form;
    values![
        company.0,
        id.0,
        settings.module.as_str(),
        settings.server.as_str(),
        i32::from(settings.port),
        settings.security.as_str(),
        settings.username.as_str(),
        settings.from_name.as_str(),
        settings.from_address.as_str(),
        settings.reply_to.as_ref().map(ToString::to_string),
        settings.bcc.as_ref().map(ToString::to_string),
        checked.as_ref().map(|check| check.at),
        checked.as_ref().map(|check| check.ok)
    ]
}

const SELECT: &str = "SELECT a.company_id, a.id, a.module, a.server, a.port, a.security, a.username, a.sealed_password,
    a.from_name, a.from_address, a.reply_to, a.bcc, a.enabled, a.version, a.checked_at, a.check_ok,
    p.since AS paused_since, p.problem_code AS paused_code, p.reply AS paused_reply,
    c.provider, c.address AS connected_address, c.connected_at, c.ends_at AS connection_ends_at,
    c.broken_at AS connection_broken_at
    FROM mail_account a LEFT JOIN account_pause p ON p.account_id = a.id
    LEFT JOIN oauth_connection c ON c.company_id = a.company_id AND c.account_id = a.id";

#[derive(FromQueryResult)]
struct Row {
    company_id: Uuid,
    id: Uuid,
    module: String,
    server: String,
    port: i32,
    security: String,
    username: String,
    sealed_password: Option<Vec<u8>>,
    from_name: String,
    from_address: String,
    reply_to: Option<String>,
    bcc: Option<String>,
    enabled: bool,
    version: i64,
    checked_at: Option<Instant>,
    check_ok: Option<bool>,
    paused_since: Option<Instant>,
    paused_code: Option<String>,
    paused_reply: Option<String>,
    provider: Option<String>,
    connected_address: Option<String>,
    connected_at: Option<Instant>,
    connection_ends_at: Option<Instant>,
    connection_broken_at: Option<Instant>,
}

impl Row {
    fn connection(&self, of: Of) -> Option<Connection> {
        let (Some(provider), Some(connected_at)) = (&self.provider, self.connected_at) else { return None };
        Some(Connection {
            provider: of.code("provider", provider, Provider::parse)?,
            address: self.connected_address.clone().unwrap_or_default(),
            connected_at,
            ends_at: self.connection_ends_at,
            broken_at: self.connection_broken_at,
        })
    }

    /// As it may be shown. What cannot be read of it sends nothing: see [`usable`].
    fn into_account(self) -> MailAccount {
        let of = Of { table: "mail_account", id: self.id };
        let connection = self.connection(of);
        MailAccount {
            id: MailAccountId(self.id),
            company: CompanyId(self.company_id),
            settings: MailAccountSettings {
                module: of.code("module", &self.module, MailModule::parse).unwrap_or(MailModule::ReceivedPayments),
                server: self.server,
                port: u16::try_from(self.port).unwrap_or_default(),
                security: of.code("security", &self.security, Security::parse).unwrap_or(Security::Tls),
                username: self.username,
                from_name: self.from_name,
                from_address: of.address("from_address", &self.from_address),
                reply_to: of.optional_address("reply_to", self.reply_to),
                bcc: of.optional_address("bcc", self.bcc),
            },
            enabled: self.enabled,
            pause: self.paused_since.zip(self.paused_code).map(|(since, problem_code)| acuse_domain::mail_account::Pause {
                since,
                problem_code,
                reply: escaped(&self.paused_reply.unwrap_or_default()),
            }),
            last_check: self.checked_at.zip(self.check_ok).map(|(at, ok)| LastCheck { at, ok }),
            has_password: self.sealed_password.is_some(),
            connection,
        }
    }
}
