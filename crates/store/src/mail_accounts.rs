//! Companies' own outgoing accounts. Passwords are sealed before they reach the database, and opened only to be used.

mod row;
mod usable;

use acuse_domain::Instant;
use acuse_domain::id::{CompanyId, MailAccountId};
use acuse_domain::mail_account::{CredentialScope, LastCheck, MailAccount, MailAccountSettings, MailModule, Security};
use sea_orm::FromQueryResult;
use secrecy::SecretString;

use crate::Actor;
use crate::db::{Db, StoreError, Tx};
use crate::events::{self, Changes, EventKind, differences};
use crate::idempotency::{self, ClaimError, Once};
use crate::pauses::{self, AccountKey};
use crate::sealing_key;
use crate::secrets::{self, Keyring, SealError};
use crate::sql::{self, Inserted, Kept, execute, new_id, one, readable, values};
use crate::versions::{self, ChangeError, Expected, for_update};

use row::{Row, SELECT};

pub use usable::{Usable, for_module, reseal_any_company, usable_by_id, version_for_module};
pub(crate) use usable::{faults_in, sealed_items};

/// As the form calls it.
const PASSWORD: &str = "Contraseña";

#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The company has an account for this module already.
    #[error("the module has an account")]
    ModuleTaken(MailModule),
    #[error("there is no such account")]
    NotFound,
    /// Server, port, TLS or user changed: the secret that is kept was given for others, and no new one came.
    #[error("the password was given for another server, port, TLS or user")]
    PasswordRequired,
    /// These fields hold nothing that can be read, and a change would write down what merely stands in their place.
    #[error("what is kept in {0:?} cannot be read and has to be given")]
    Unreadable(Vec<&'static str>),
    /// It is not the version any more that was to be changed.
    #[error("somebody else changed the account")]
    Changed,
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
    let tx = db.begin_write_for(by.company).await?;
    if let Some(earlier) = idempotency::claim(&tx, by.company, once, id.0, now).await? {
        tx.commit().await?;
        return Ok(MailAccountId(earlier));
    }
    let scope = form.settings.credential_scope();
    let given = form.password.as_ref().filter(|_| !scope.username.is_empty());
    if given.is_some() {
        sealing_key::claim_in::<SaveError>(&tx, keys).await?;
    }
    let sealed = given.map(|password| keys.seal(password, &identity(by.company, id, &scope))).transpose()?;
    let changes = differences::of_mail_account(None, &form.settings);
    let changes = if sealed.is_some() { changes.secret(PASSWORD) } else { changes };
    insert_in(&tx, by.company, id, form, sealed, now).await?;
    note(&tx, by, id, &form.settings, EventKind::MailAccountCreated, now, &changes).await?;
    tx.commit().await?;
    db.nudge();
    Ok(id)
}

/// In the history, by the address that the account sends from.
pub(crate) async fn note(
    tx: &Tx,
    by: &Actor,
    id: MailAccountId,
    settings: &MailAccountSettings,
    kind: EventKind,
    now: Instant,
    changes: &Changes,
) -> Result<(), StoreError> {
    events::append_named(tx, by, (id.0, settings.from_address.as_str()), kind, now, "", changes).await
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

/// What an account becomes.
#[derive(Debug, Clone)]
pub struct Edit {
    pub form: Form,
    pub enabled: bool,
    /// Fields that nobody gave: `form` has them as they were read.
    pub untouched: Vec<&'static str>,
}

/// Changes an account as `decide` says of what stands there: nobody else changes it in between, so that two who change
/// different fields both find theirs. Only if it is as `expected`. Where nothing differs, nothing happens. A field that
/// cannot be read has to be given with whatever else is changed.
///
/// A changed account works again if it was resting. Whoever heard that it had stopped hears that it works once that was
/// seen: by a correct check of exactly these settings, or later by a delivery. A password takes the place of a connection.
pub async fn edit<Error: From<SaveError>>(
    db: &Db,
    keys: &Keyring,
    by: &Actor,
    id: MailAccountId,
    expected: &Expected,
    decide: impl FnOnce(&MailAccount) -> Result<Edit, Error>,
) -> Result<(), Error> {
    let tx = db.begin_write_for(by.company).await.map_err(SaveError::from)?;
    let changed = edit_in(&tx, keys, by, id, expected, decide).await;
    end(db, tx, changed).await
}

/// Commits what became of an account, or undoes it and says why.
async fn end<Error: From<SaveError>>(db: &Db, tx: Tx, changed: Result<(), ChangeError<Error>>) -> Result<(), Error> {
    match versions::end(tx, changed).await {
        Ok(()) => db.nudge(),
        Err(ChangeError::Refused(refused)) => return Err(refused),
        Err(ChangeError::NotFound) => return Err(SaveError::NotFound.into()),
        Err(ChangeError::Stale | ChangeError::Taken) => return Err(SaveError::Changed.into()),
        Err(ChangeError::Store(error)) => return Err(SaveError::Store(error).into()),
    }
    Ok(())
}

async fn edit_in<Error: From<SaveError>>(
    tx: &Tx,
    keys: &Keyring,
    by: &Actor,
    id: MailAccountId,
    expected: &Expected,
    decide: impl FnOnce(&MailAccount) -> Result<Edit, Error>,
) -> Result<(), ChangeError<Error>> {
    let before = lock(tx, by.company, id).await?.ok_or(ChangeError::NotFound)?;
    let account = before.clone().into_account();
    expected.check(account.version)?;
    let Edit { form, enabled, untouched } = decide(&account).map_err(ChangeError::Refused)?;
    let refused = |error: SaveError| ChangeError::Refused(Error::from(error));
    let (stay, mended): (Vec<_>, Vec<_>) = account.stood_in_for().partition(|field| untouched.contains(field));
    if form.settings != account.settings || form.password.is_some() || form.checked.is_some() || !mended.is_empty() {
        if !stay.is_empty() {
            return Err(refused(SaveError::Unreadable(stay)));
        }
        change_in(tx, keys, by, &before, &account, &form).await.map_err(refused)?;
    }
    if enabled != account.enabled || account.unreadable.contains(&"enabled") {
        enable_in(tx, by, id, enabled).await.map_err(refused)?;
    }
    Ok(())
}

/// Gives an account these settings, whatever it had.
pub async fn change(db: &Db, keys: &Keyring, by: &Actor, id: MailAccountId, form: &Form) -> Result<(), SaveError> {
    let decide = |account: &MailAccount| Ok(Edit { form: form.clone(), enabled: account.enabled, untouched: Vec::new() });
    edit(db, keys, by, id, &Expected::Any, decide).await
}

async fn change_in(
    tx: &Tx,
    keys: &Keyring,
    by: &Actor,
    before: &Row,
    account: &MailAccount,
    form: &Form,
) -> Result<(), SaveError> {
    let id = account.id;
    let secret = secret_after(account, form)?;
    let sealed = match &secret {
        Secret::Given(password) => {
            sealing_key::claim_in::<SaveError>(tx, keys).await?;
            Some(keys.seal(password, &identity(by.company, id, &form.settings.credential_scope()))?)
        }
        Secret::Kept => before.sealed(),
        Secret::None => None,
    };
    let sql = "UPDATE mail_account SET module = $3, server = $4, port = $5, security = $6, username = $7, from_name = $8,
        from_address = $9, reply_to = $10, bcc = $11, checked_at = $12, check_ok = $13, sealed_password = $14,
        version = version + 1
        WHERE company_id = $1 AND id = $2";
    let checked = form.checked.clone().or_else(|| account.last_check.clone().filter(|_| still_checked(account, form)));
    let mut row = columns(by.company, id, &Form { checked, ..form.clone() });
    row.push(sealed.into());
    match execute(tx.as_conn(), sql, row).await {
        Err(StoreError::Failed(error)) if matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_))) => {
            return Err(SaveError::ModuleTaken(form.settings.module));
        }
        other => other?,
    };
    if !matches!(secret, Secret::Kept) {
        forget_connection(tx, by.company, id).await?;
    }
    let changes = differences::of_mail_account(Some(&account.settings), &form.settings);
    let changes = if matches!(secret, Secret::Given(_)) { changes.secret(PASSWORD) } else { changes };
    let kind =
        if changes.is_empty() && form.checked.is_some() { EventKind::MailAccountChecked } else { EventKind::MailAccountChanged };
    note(tx, by, id, &form.settings, kind, crate::now(), &changes).await?;
    pauses::changed_in(tx, AccountKey::Own(id)).await?;
    if let Some(check) = form.checked.as_ref().filter(|check| check.ok) {
        pauses::works_in(tx, AccountKey::Own(id), check.at).await?;
    }
    Ok(())
}

/// The account goes back to a password.
async fn forget_connection(tx: &Tx, company: CompanyId, id: MailAccountId) -> Result<(), StoreError> {
    let sql = "DELETE FROM oauth_connection WHERE company_id = $1 AND account_id = $2";
    execute(tx.as_conn(), sql, values![company.0, id.0]).await?;
    Ok(())
}

/// What is known of the account stays known while all that a check depends on stays the same.
fn still_checked(account: &MailAccount, form: &Form) -> bool {
    let (was, is) = (&account.settings, &form.settings);
    form.password.is_none() && was.credential_scope() == is.credential_scope() && was.from_address == is.from_address
}

/// What an account logs in with after a change.
enum Secret<'a> {
    Given(&'a SecretString),
    /// The password or the connection that it has.
    Kept,
    /// Nobody logs in.
    None,
}

/// Errs if the secret at hand was given for something else, and no new one is given.
fn secret_after<'a>(account: &MailAccount, form: &'a Form) -> Result<Secret<'a>, SaveError> {
    match &form.password {
        _ if form.settings.username.is_empty() => Ok(Secret::None),
        Some(password) => Ok(Secret::Given(password)),
        None if account.needs_new_password(&form.settings) => Err(SaveError::PasswordRequired),
        None => Ok(Secret::Kept),
    }
}

/// The account as nobody else can change it before this transaction ends.
async fn lock(tx: &Tx, company: CompanyId, id: MailAccountId) -> Result<Option<Row>, StoreError> {
    if lock_version(tx, company, id).await?.is_none() {
        return Ok(None);
    }
    one(tx.as_conn(), &format!("{SELECT} WHERE a.company_id = $1 AND a.id = $2"), values![company.0, id.0]).await
}

/// The same, where nothing but its version is asked: what else cannot be read of it does not matter.
async fn lock_version(tx: &Tx, company: CompanyId, id: MailAccountId) -> Result<Option<i64>, StoreError> {
    #[derive(FromQueryResult)]
    struct Locked {
        version: Kept<i64>,
    }
    let sql = format!("SELECT version FROM mail_account WHERE company_id = $1 AND id = $2 {}", for_update(tx.as_conn()));
    let locked: Option<Locked> = one(tx.as_conn(), &sql, values![company.0, id.0]).await?;
    Ok(locked.map(|locked| locked.version.or(0)))
}

/// Turns an account on or off; its module falls back to the default account while it is off.
pub async fn enable(db: &Db, by: &Actor, id: MailAccountId, enabled: bool) -> Result<(), SaveError> {
    let tx = db.begin_write_for(by.company).await?;
    enable_in(&tx, by, id, enabled).await?;
    keep(db, tx).await
}

async fn enable_in(tx: &Tx, by: &Actor, id: MailAccountId, enabled: bool) -> Result<(), SaveError> {
    let sql = "SELECT COUNT(*) AS n FROM mail_account WHERE company_id = $1 AND id = $2 AND enabled <> $3";
    let is_news = sql::count(tx.as_conn(), sql, values![by.company.0, id.0, enabled]).await? > 0;
    let sql = "UPDATE mail_account SET enabled = $3, version = version + 1 WHERE company_id = $1 AND id = $2";
    if execute(tx.as_conn(), sql, values![by.company.0, id.0, enabled]).await? == 0 {
        return Err(SaveError::NotFound);
    }
    let kind = if enabled { EventKind::MailAccountEnabled } else { EventKind::MailAccountDisabled };
    if is_news {
        events::append(tx, by, id.0, kind, crate::now(), "").await?;
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

/// Forgets an account and its secret, only if it is as `expected`.
pub async fn delete(db: &Db, by: &Actor, id: MailAccountId, expected: &Expected) -> Result<(), SaveError> {
    let tx = db.begin_write_for(by.company).await?;
    let deleted = delete_in(&tx, by, id, expected).await;
    end(db, tx, deleted).await
}

async fn delete_in(tx: &Tx, by: &Actor, id: MailAccountId, expected: &Expected) -> Result<(), ChangeError<SaveError>> {
    let version = lock_version(tx, by.company, id).await?.ok_or(ChangeError::NotFound)?;
    expected.check(version)?;
    // Before: its name goes with it.
    events::append(tx, by, id.0, EventKind::MailAccountDeleted, crate::now(), "").await?;
    let sql = "DELETE FROM mail_account WHERE company_id = $1 AND id = $2";
    execute(tx.as_conn(), sql, values![by.company.0, id.0]).await?;
    Ok(pauses::forget_in(tx, AccountKey::Own(id)).await?)
}

/// Notes what Probar answered for the account as it is saved; a correct answer ends its rest. An answer about settings that
/// were changed meanwhile is not noted on the new ones. Gives whether it was.
pub async fn note_check(db: &Db, by: &Actor, id: MailAccountId, version: i64, check: &LastCheck) -> Result<bool, StoreError> {
    let tx = db.begin_write_for(by.company).await?;
    let sql = "UPDATE mail_account SET checked_at = $3, check_ok = $4 WHERE company_id = $1 AND id = $2 AND version = $5";
    let noted = execute(tx.as_conn(), sql, values![by.company.0, id.0, check.at, check.ok, version]).await? == 1;
    if noted {
        let changes = Changes::new().set("Prueba", if check.ok { "correcta" } else { "con errores" });
        events::append_change(&tx, by, id.0, EventKind::MailAccountChecked, check.at, "", &changes).await?;
    }
    if noted && check.ok {
        pauses::works_in(&tx, AccountKey::Own(id), check.at).await?;
    }
    tx.commit().await?;
    db.nudge();
    Ok(noted)
}

pub async fn list(db: &Db, company: CompanyId) -> Result<Vec<MailAccount>, StoreError> {
    let sql = format!("{SELECT} WHERE a.company_id = $1 ORDER BY a.module DESC");
    let rows: Vec<Row> = readable(&db.of(company), "mail_account", &sql, values![company.0]).await?;
    Ok(rows.into_iter().map(Row::into_account).collect())
}

pub async fn find(db: &Db, company: CompanyId, id: MailAccountId) -> Result<Option<MailAccount>, StoreError> {
    let sql = format!("{SELECT} WHERE a.company_id = $1 AND a.id = $2");
    Ok(one::<Row>(&db.of(company), &sql, values![company.0, id.0]).await?.map(Row::into_account))
}

/// What a sealed password is bound to: in another row, or with another server, port, TLS or user in its row, it does not
/// open.
fn identity(company: CompanyId, id: MailAccountId, scope: &CredentialScope) -> String {
    format!("mail_account:{company}:{id}:{}", secrets::scope_identity(scope))
}

/// Nothing where a part of it cannot be read: no secret was given for that.
pub(crate) fn scope_of(server: String, port: i32, security: &str, username: String) -> Option<CredentialScope> {
    let port = u16::try_from(port).ok().filter(|port| *port > 0)?;
    Some(CredentialScope { server, port, security: Security::parse(security)?, username })
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
