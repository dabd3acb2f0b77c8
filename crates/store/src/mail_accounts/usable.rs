//! Accounts with the password that opens, and the seals of all of them.

use acuse_domain::id::{CompanyId, MailAccountId};
use acuse_domain::mail_account::{CredentialScope, MailAccount, MailModule};
use acuse_domain::mail_problem::ProblemCode;
use sea_orm::{ConnectionTrait, FromQueryResult};
use secrecy::SecretString;
use uuid::Uuid;

use super::row::{Row, SELECT};
use super::{SaveError, identity, scope_of};
use crate::db::{Db, StoreError, Tx};
use crate::sealing_key::{self, BATCH, Item, Kind};
use crate::secrets::{self, Keyring, SealError};
use crate::sql::{Kept, execute, one, readable, values};

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

    /// Why it can send nothing, before any server is asked.
    #[must_use]
    pub fn fault(&self) -> Option<ProblemCode> {
        fault(&self.account, !self.lacks_secret())
    }
}

fn fault(account: &MailAccount, has_secret: bool) -> Option<ProblemCode> {
    if !account.unreadable.is_empty() {
        return Some(ProblemCode::AccountUnreadable);
    }
    (!has_secret).then_some(ProblemCode::SecretUnreadable)
}

/// The company's own enabled account for a module.
pub async fn for_module(db: &Db, keys: &Keyring, company: CompanyId, module: MailModule) -> Result<Option<Usable>, StoreError> {
    let sql = format!("{SELECT} WHERE a.company_id = $1 AND a.module = $2 AND a.enabled");
    Ok(one(&db.of(company), &sql, values![company.0, module.as_str()]).await?.map(|row| usable(row, keys)))
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
        version: Kept<i64>,
    }
    let sql = "SELECT id, version FROM mail_account WHERE company_id = $1 AND module = $2 AND enabled";
    let row: Option<Version> = one(&db.of(company), sql, values![company.0, module.as_str()]).await?;
    Ok(row.map(|row| (MailAccountId(row.id), row.version.or(0))))
}

/// One saved account, to be tried.
pub async fn usable_by_id(db: &Db, keys: &Keyring, company: CompanyId, id: MailAccountId) -> Result<Option<Usable>, StoreError> {
    let sql = format!("{SELECT} WHERE a.company_id = $1 AND a.id = $2");
    Ok(one(&db.of(company), &sql, values![company.0, id.0]).await?.map(|row| usable(row, keys)))
}

fn usable(row: Row, keys: &Keyring) -> Usable {
    let open = |sealed: Vec<u8>| keys.open(&sealed, &row.identity().ok_or(SealError::DoesNotOpen)?);
    let password = row.sealed().map(open);
    let account = row.into_account();
    if let Some(Err(error)) = &password {
        tracing::error!(company.id = %account.company, "The password of a mail account does not open: {error}");
    }
    Usable { account, password }
}

/// Enabled accounts that do not rest and can send nothing, with the code of their fault. `opens` says whether the secret of
/// one does.
pub(crate) async fn faults_in(
    tx: &Tx,
    opens: impl Fn(&MailAccount) -> bool,
) -> Result<Vec<(MailAccount, ProblemCode)>, StoreError> {
    let sql = format!("{SELECT} WHERE a.enabled AND p.account_id IS NULL");
    let rows: Vec<Row> = readable(tx.as_conn(), "mail_account", &sql, Vec::new()).await?;
    let at_fault = |row: Row| {
        let account = row.into_account();
        let has_secret = account.settings.username.is_empty() || opens(&account);
        fault(&account, has_secret).map(|code| (account, code))
    };
    Ok(rows.into_iter().filter_map(at_fault).collect())
}

/// A sealed password, and what it was given for. Nothing else of its account is needed to seal it again.
#[derive(FromQueryResult)]
struct SealedRow {
    company_id: Uuid,
    id: Uuid,
    sealed_password: Vec<u8>,
    server: Kept<String>,
    port: Kept<i32>,
    security: Kept<String>,
    username: Kept<String>,
}

const SEALED: &str = "SELECT company_id, id, sealed_password, server, port, security, username FROM mail_account
    WHERE sealed_password IS NOT NULL ORDER BY company_id, id";

impl SealedRow {
    async fn all(conn: &impl ConnectionTrait) -> Result<Vec<Self>, StoreError> {
        readable(conn, "mail_account", SEALED, Vec::new()).await
    }

    fn identity(&self) -> Option<String> {
        let text = |kept: &Kept<String>| kept.clone().value();
        let scope = scope_of(text(&self.server)?, self.port.clone().value()?, &text(&self.security)?, text(&self.username)?)?;
        Some(identity(CompanyId(self.company_id), MailAccountId(self.id), &scope))
    }

    fn identity_before_scopes(&self) -> String {
        format!("mail_account:{}:{}", CompanyId(self.company_id), MailAccountId(self.id))
    }

    fn is_as_it_should_be(&self, keys: &Keyring) -> bool {
        let opens = |identity: String| keys.open(&self.sealed_password, &identity).is_ok();
        keys.is_newest(&self.sealed_password) && self.identity().is_some_and(opens)
    }

    fn opens(&self, keys: &Keyring) -> bool {
        let Some(identity) = self.identity() else { return false };
        [identity, self.identity_before_scopes()].iter().any(|identity| keys.open(&self.sealed_password, identity).is_ok())
    }
}

/// Seals every password again that lies under an older key, or as versions before 1.2 sealed
/// it: for an account, and not for its server, port, TLS and user. Gives how many were. What does not open, or cannot be
/// read, is left as it is.
pub async fn reseal_any_company(db: &Db, keys: &Keyring) -> Result<u64, SaveError> {
    let mut rows = SealedRow::all(&db.of_any_company()).await?;
    rows.retain(|row| !row.is_as_it_should_be(keys));
    let mut done = 0;
    for some in rows.chunks(BATCH) {
        let tx = db.begin_write_any_company().await?;
        let mut held = Vec::new();
        for row in some {
            // Whoever changes an account holds it first, and then the key.
            let sql = "UPDATE mail_account SET sealed_password = $3 WHERE company_id = $1 AND id = $2 AND sealed_password = $3";
            if execute(tx.as_conn(), sql, values![row.company_id, row.id, row.sealed_password.clone()]).await? == 1 {
                held.push(row);
            }
        }
        sealing_key::claim_in::<SaveError>(&tx, keys).await?;
        for row in held {
            done += reseal(&tx, keys, row).await?;
        }
        tx.commit().await?;
    }
    Ok(done)
}

async fn reseal(tx: &Tx, keys: &Keyring, row: &SealedRow) -> Result<u64, SaveError> {
    let Some(identity) = row.identity() else { return Ok(0) };
    let sealed = &row.sealed_password;
    let Some(again) = keys.reseal(sealed, &identity, &row.identity_before_scopes())? else { return Ok(0) };
    // Whoever gave another password meanwhile is not overwritten.
    let sql = "UPDATE mail_account SET sealed_password = $3 WHERE company_id = $1 AND id = $2 AND sealed_password = $4";
    Ok(execute(tx.as_conn(), sql, values![row.company_id, row.id, again, sealed.clone()]).await?)
}

pub(crate) async fn sealed_items(conn: &impl ConnectionTrait, keys: Option<&Keyring>) -> Result<Vec<Item>, StoreError> {
    let item = |row: SealedRow| Item {
        kind: Kind::Password,
        company: row.company_id,
        id: row.id,
        key_id: secrets::key_id(&row.sealed_password),
        opens: keys.is_some_and(|keys| row.opens(keys)),
    };
    Ok(SealedRow::all(conn).await?.into_iter().map(item).collect())
}
