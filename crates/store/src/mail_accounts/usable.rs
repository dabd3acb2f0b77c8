//! Accounts with the password that opens, and the seals of all of them.

use acuse_domain::id::{CompanyId, MailAccountId};
use acuse_domain::mail_account::{CredentialScope, MailAccount, MailModule};
use sea_orm::{ConnectionTrait, FromQueryResult};
use secrecy::SecretString;
use uuid::Uuid;

use super::{Row, SELECT, SaveError};
use crate::db::{Db, StoreError, Tx};
use crate::oauth;
use crate::sealing::{Item, Kind};
use crate::secrets::{self, Keyring, SealError};
use crate::sql::{all, execute, one, values};

/// An account with what is needed to log in.
pub struct Usable {
    pub account: MailAccount,
    password: Option<Result<SecretString, SealError>>,
}

impl Usable {
    /// The password, for exactly what it was given for; nothing for any other server, port, TLS or user.
    #[must_use]
    pub fn password_for(&self, scope: &CredentialScope) -> Option<&SecretString> {
        let password = self.password.as_ref()?.as_ref().ok()?;
        (self.account.settings.credential_scope() == *scope).then_some(password)
    }

    /// Why nobody can log in with it: its password does not open with the keys at hand.
    #[must_use]
    pub fn unreadable(&self) -> Option<SealError> {
        self.password.as_ref()?.as_ref().err().copied()
    }

    /// Its user would log in, and there is nothing to do it with: the password does not open, or was forgotten.
    #[must_use]
    pub fn lacks_secret(&self) -> bool {
        let has_secret = self.account.connection.is_some() || matches!(self.password, Some(Ok(_)));
        !self.account.settings.username.is_empty() && !has_secret
    }
}

/// The company's own enabled account for a module.
pub async fn for_module(db: &Db, keys: &Keyring, company: CompanyId, module: MailModule) -> Result<Option<Usable>, StoreError> {
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
pub async fn usable_by_id(db: &Db, keys: &Keyring, company: CompanyId, id: MailAccountId) -> Result<Option<Usable>, StoreError> {
    let sql = format!("{SELECT} WHERE a.company_id = $1 AND a.id = $2");
    usable(one(db.reader(), &sql, values![company.0, id.0]).await?, keys)
}

fn usable(row: Option<Row>, keys: &Keyring) -> Result<Option<Usable>, StoreError> {
    let Some(row) = row else { return Ok(None) };
    let identity = row.identity()?;
    let password = row.sealed_password.as_deref().map(|sealed| keys.open(sealed, &identity));
    if let Some(Err(error)) = &password {
        tracing::error!(company.id = %CompanyId(row.company_id), "The password of a mail account does not open: {error}");
    }
    let account = row.into_account();
    if !account.settings.unreadable().is_empty() {
        return Err(StoreError::unreadable(format!("mail account {}", account.id)));
    }
    Ok(Some(Usable { account, password }))
}

/// Seals every password and every connection's tokens again that lie under an older key, or as versions before 1.2 sealed
/// them: for an account, and not for its server, port, TLS and user. Gives how many were. What does not open is left as it is.
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
    let Some(sealed) = row.sealed_password.as_deref() else { return Ok(0) };
    let Some(again) = keys.reseal(sealed, &row.identity()?, &row.identity_before_scopes())? else { return Ok(0) };
    // Whoever gave another password meanwhile is not overwritten.
    let sql = "UPDATE mail_account SET sealed_password = $3 WHERE company_id = $1 AND id = $2 AND sealed_password = $4";
    Ok(execute(tx.as_conn(), sql, values![row.company_id, row.id, again, sealed.to_vec()]).await?)
}

pub(crate) async fn sealed_items(conn: &impl ConnectionTrait, keys: Option<&Keyring>) -> Result<Vec<Item>, StoreError> {
    let sql = format!("{SELECT} WHERE a.sealed_password IS NOT NULL");
    let rows: Vec<Row> = all(conn, &sql, Vec::new()).await?;
    let item = |row: &Row| {
        let sealed = row.sealed_password.as_deref()?;
        let opens = |keys: &Keyring| {
            let bound = row.identity().is_ok_and(|identity| keys.open(sealed, &identity).is_ok());
            bound || keys.open(sealed, &row.identity_before_scopes()).is_ok()
        };
        Some(Item {
            kind: Kind::Password,
            company: row.company_id,
            id: row.id,
            key_id: secrets::key_id(sealed),
            opens: keys.is_some_and(opens),
        })
    };
    Ok(rows.iter().filter_map(item).collect())
}
