//! Connections of mail accounts with their providers. Tokens are sealed before they reach the database.

mod authorization_requests;
mod renewal;

use acuse_domain::Instant;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{CompanyId, MailAccountId};
use acuse_domain::mail_account::{CredentialScope, MailAccount, MailAccountSettings, MailModule};
use acuse_domain::oauth::{ANNOUNCED_BEFORE, Granted, Provider};
use sea_orm::{ConnectionTrait, FromQueryResult};
use secrecy::SecretString;
use uuid::Uuid;

use crate::Actor;
use crate::db::{Db, StoreError, Tx};
use crate::events::{Changes, EventKind, differences};
use crate::mail_accounts::{self, Form, SaveError};
use crate::notices::{self, Subject};
use crate::pauses::{self, AccountKey};
use crate::sealing_key::{self, BATCH, Item, Kind};
use crate::secrets::{self, Keyring};
use crate::sql::{self, Kept, Of, execute, readable, values};

pub use authorization_requests::{
    AuthorizationRequest, Intent, PendingAuthorization, note_authorization_request, take_authorization_request,
};
pub use renewal::{Access, Token, Wanted, access_token};

/// An account that is connected, and what its tokens were given for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectedAccount {
    pub company: CompanyId,
    pub id: MailAccountId,
    pub scope: CredentialScope,
}

impl ConnectedAccount {
    #[must_use]
    pub fn of(account: &MailAccount) -> Self {
        Self { company: account.company, id: account.id, scope: account.settings.credential_scope() }
    }

    /// What a sealed token is bound to: in another row or column, or with another server, port, TLS or user in its row, it
    /// does not open. The one that is shown to the provider is bound to the provider as well.
    fn refresh_identity(&self, provider: Provider) -> String {
        let Self { company, id, scope } = self;
        format!("oauth_refresh_token:{company}:{id}:{}:{}", provider.as_str(), secrets::scope_identity(scope))
    }

    /// Of the refresh token and of the access token.
    fn identities_before_scopes(&self) -> [String; 2] {
        let Self { company, id, .. } = self;
        ["oauth_refresh_token", "oauth_access_token"].map(|kind| format!("{kind}:{company}:{id}"))
    }

    fn access_identity(&self) -> String {
        let Self { company, id, scope } = self;
        format!("oauth_access_token:{company}:{id}:{}", secrets::scope_identity(scope))
    }
}

/// What a provider gave when somebody connected.
#[derive(Debug, Clone, Copy)]
pub struct NewConnection<'a> {
    pub provider: Provider,
    /// Who gave the permission.
    pub address: &'a str,
    pub granted: &'a Granted,
    pub refresh_token: &'a SecretString,
}

/// Makes an account that is connected. Errs if the module has one.
pub async fn create_connected(
    db: &Db,
    keys: &Keyring,
    by: &Actor,
    settings: &MailAccountSettings,
    connection: &NewConnection<'_>,
    now: Instant,
) -> Result<MailAccountId, SaveError> {
    let id = MailAccountId(sql::new_id());
    let form = Form { settings: settings.clone(), password: None, checked: None };
    let tx = db.begin_write_for(by.company).await?;
    mail_accounts::insert_in(&tx, by.company, id, &form, None, now).await?;
    write(&tx, keys, &account(by, id, settings), connection, now).await?;
    let changes = differences::of_mail_account(None, settings);
    mail_accounts::note(&tx, by, id, settings, EventKind::MailAccountCreated, now, &changes).await?;
    note_connected(&tx, by, id, settings, connection, now).await?;
    tx.commit().await?;
    db.nudge();
    Ok(id)
}

/// Connects an account that is there, for the first time or again. Its password is forgotten, what is known of its last
/// check as well, and it works again if it was resting.
pub async fn connect(
    db: &Db,
    keys: &Keyring,
    by: &Actor,
    id: MailAccountId,
    settings: &MailAccountSettings,
    connection: &NewConnection<'_>,
    now: Instant,
) -> Result<(), SaveError> {
    let tx = db.begin_write_for(by.company).await?;
    let sql = "UPDATE mail_account SET server = $3, port = $4, security = $5, username = $6, from_address = $7,
        sealed_password = NULL, checked_at = NULL, check_ok = NULL, version = version + 1
        WHERE company_id = $1 AND id = $2";
    let row = values![
        by.company.0,
        id.0,
        settings.server.as_str(),
        i32::from(settings.port),
        settings.security.as_str(),
        settings.username.as_str(),
        settings.from_address.as_str()
    ];
    if execute(tx.as_conn(), sql, row).await? == 0 {
        return Err(SaveError::NotFound);
    }
    write(&tx, keys, &account(by, id, settings), connection, now).await?;
    note_connected(&tx, by, id, settings, connection, now).await?;
    pauses::changed_in(&tx, AccountKey::Own(id)).await?;
    tx.commit().await?;
    db.nudge();
    Ok(())
}

async fn note_connected(
    tx: &Tx,
    by: &Actor,
    id: MailAccountId,
    settings: &MailAccountSettings,
    connection: &NewConnection<'_>,
    now: Instant,
) -> Result<(), StoreError> {
    let changes = Changes::new().set("Permiso de", connection.address).set("Proveedor", connection.provider.name());
    mail_accounts::note(tx, by, id, settings, EventKind::MailAccountConnected, now, &changes).await
}

fn account(by: &Actor, id: MailAccountId, settings: &MailAccountSettings) -> ConnectedAccount {
    ConnectedAccount { company: by.company, id, scope: settings.credential_scope() }
}

async fn write(
    tx: &Tx,
    keys: &Keyring,
    account: &ConnectedAccount,
    connection: &NewConnection<'_>,
    now: Instant,
) -> Result<(), SaveError> {
    let NewConnection { provider, address, granted, refresh_token } = connection;
    sealing_key::claim_in::<SaveError>(tx, keys).await?;
    // A renewal that is under way meanwhile is for the connection of before: the fence refuses what it brings.
    let sql = "INSERT INTO oauth_connection (company_id, account_id, provider, address, scope, sealed_refresh_token,
            sealed_access_token, access_ends_at, connected_at, ends_at, generation, fence, failures)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, 1, 0)
        ON CONFLICT (company_id, account_id) DO UPDATE SET provider = $3, address = $4, scope = $5,
            sealed_refresh_token = $6, sealed_access_token = $7, access_ends_at = $8, connected_at = $9, ends_at = $10,
            generation = oauth_connection.generation + 1, fence = oauth_connection.fence + 1, lease_until = NULL,
            failures = 0, failure_words = NULL, retry_at = NULL, broken_at = NULL, broken_code = NULL, broken_words = NULL";
    let row = values![
        account.company.0,
        account.id.0,
        provider.as_str(),
        *address,
        granted.scope.as_str(),
        keys.seal(refresh_token, &account.refresh_identity(*provider))?,
        keys.seal(&granted.access_token, &account.access_identity())?,
        granted.access_ends_at,
        now,
        granted.ends_at
    ];
    execute(tx.as_conn(), sql, row).await?;
    Ok(())
}

/// A connection that ends within two weeks, or has ended, unless somebody connects again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub account: ConnectedAccount,
    pub module: MailModule,
    pub from_address: EmailAddress,
    pub provider: Provider,
    pub ends_at: Instant,
}

/// Those of enabled accounts whose end is known and near, the nearest first. A connection that the provider has taken back
/// is none of them: its account rests.
pub async fn ending_soon_any_company(db: &Db, now: Instant) -> Result<Vec<Ending>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        company_id: Uuid,
        account_id: Uuid,
        module: String,
        from_address: String,
        provider: String,
        ends_at: Instant,
        server: String,
        port: i32,
        security: String,
        username: String,
    }
    let sql = "SELECT c.company_id, c.account_id, a.module, a.from_address, c.provider, c.ends_at,
            a.server, a.port, a.security, a.username
        FROM oauth_connection c JOIN mail_account a ON a.company_id = c.company_id AND a.id = c.account_id
        WHERE c.ends_at <= $1 AND c.broken_at IS NULL AND a.enabled ORDER BY c.ends_at, c.account_id";
    let rows: Vec<Row> = readable(&db.of_any_company(), "oauth_connection", sql, values![now + ANNOUNCED_BEFORE]).await?;
    let ending = |row: Row| {
        let of = Of { table: "mail_account", id: row.account_id };
        Some(Ending {
            account: ConnectedAccount {
                company: CompanyId(row.company_id),
                id: MailAccountId(row.account_id),
                scope: mail_accounts::scope_of(row.server, row.port, &row.security, row.username)?,
            },
            module: of.code("module", &row.module, MailModule::parse)?,
            from_address: of.address("from_address", &row.from_address),
            provider: of.code("provider", &row.provider, Provider::parse)?,
            ends_at: row.ends_at,
        })
    };
    Ok(rows.into_iter().filter_map(ending).collect())
}

/// Queues the mails about connections that end within two weeks, once for each end. Gives how many ends were news.
pub async fn announce_ending_any_company(db: &Db, now: Instant) -> Result<usize, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        company_id: Uuid,
        account_id: Uuid,
        ends_at: Instant,
    }
    let tx = db.begin_write_any_company().await?;
    let sql = "UPDATE oauth_connection SET announced_end = ends_at
        WHERE ends_at > $1 AND ends_at <= $2 AND broken_at IS NULL
            AND (announced_end IS NULL OR announced_end <> ends_at)
            AND EXISTS (SELECT 1 FROM mail_account a
                WHERE a.company_id = oauth_connection.company_id AND a.id = oauth_connection.account_id AND a.enabled)
        RETURNING company_id, account_id, ends_at";
    let rows: Vec<Row> = readable(tx.as_conn(), "oauth_connection", sql, values![now, now + ANNOUNCED_BEFORE]).await?;
    for row in &rows {
        let (company, account) = (CompanyId(row.company_id), AccountKey::Own(MailAccountId(row.account_id)));
        let subject = Subject { company, account, kind: "connection_ending", about: row.ends_at };
        notices::queue_for_all(&tx, &subject, "", "", now).await?;
    }
    tx.commit().await?;
    if !rows.is_empty() {
        db.nudge();
    }
    Ok(rows.len())
}

/// Seals every token again that lies under an older key, or was sealed before tokens were bound to a scope. Gives how many
/// connections had such. What cannot be read is left as it is.
pub async fn reseal_any_company(db: &Db, keys: &Keyring) -> Result<u64, SaveError> {
    let rows: Vec<SealedRow> = readable(&db.of_any_company(), "oauth_connection", SEALED, Vec::new()).await?;
    let rows: Vec<&SealedRow> = rows.iter().filter(|row| !row.is_as_it_should_be(keys)).collect();
    let mut done = 0;
    for some in rows.chunks(BATCH) {
        let tx = db.begin_write_any_company().await?;
        sealing_key::claim_in::<SaveError>(&tx, keys).await?;
        for row in some {
            done += row.reseal(&tx, keys).await?;
        }
        tx.commit().await?;
    }
    Ok(done + authorization_requests::reseal(db, keys).await?)
}

pub(crate) async fn sealed_items(conn: &impl ConnectionTrait, keys: Option<&Keyring>) -> Result<Vec<Item>, StoreError> {
    let rows: Vec<SealedRow> = readable(conn, "oauth_connection", SEALED, Vec::new()).await?;
    let item = |row: &SealedRow| Item {
        kind: Kind::Connection,
        company: row.company_id,
        id: row.account_id,
        key_id: secrets::key_id(&row.sealed_refresh_token),
        opens: keys.is_some_and(|keys| row.opens(keys)),
    };
    Ok(rows.iter().map(item).collect())
}

const SEALED: &str = "SELECT c.company_id, c.account_id, c.provider, c.sealed_refresh_token, c.sealed_access_token,
    c.generation, a.server, a.port, a.security, a.username
    FROM oauth_connection c JOIN mail_account a ON a.company_id = c.company_id AND a.id = c.account_id";

#[derive(FromQueryResult)]
struct SealedRow {
    company_id: Uuid,
    account_id: Uuid,
    provider: Kept<String>,
    sealed_refresh_token: Vec<u8>,
    sealed_access_token: Vec<u8>,
    generation: Kept<i64>,
    server: Kept<String>,
    port: Kept<i32>,
    security: Kept<String>,
    username: Kept<String>,
}

impl SealedRow {
    fn is_as_it_should_be(&self, keys: &Keyring) -> bool {
        let (Some(account), Some(provider)) = (self.account(), self.provider()) else { return true };
        let is = |sealed: &[u8], identity: &str| keys.is_newest(sealed) && keys.open(sealed, identity).is_ok();
        is(&self.sealed_refresh_token, &account.refresh_identity(provider))
            && is(&self.sealed_access_token, &account.access_identity())
    }

    async fn reseal(&self, tx: &Tx, keys: &Keyring) -> Result<u64, SaveError> {
        let (Some(account), Some(provider)) = (self.account(), self.provider()) else { return Ok(0) };
        let [before_refresh, before_access] = account.identities_before_scopes();
        let refresh = keys.reseal(&self.sealed_refresh_token, &account.refresh_identity(provider), &before_refresh)?;
        let access = keys.reseal(&self.sealed_access_token, &account.access_identity(), &before_access)?;
        if refresh.is_none() && access.is_none() {
            return Ok(0);
        }
        // Tokens that were renewed meanwhile are not overwritten.
        let sql = "UPDATE oauth_connection SET sealed_refresh_token = COALESCE($3, sealed_refresh_token),
                sealed_access_token = COALESCE($4, sealed_access_token)
            WHERE company_id = $1 AND account_id = $2 AND generation = $5";
        let known = self.generation.clone().or(0);
        Ok(execute(tx.as_conn(), sql, values![self.company_id, self.account_id, refresh, access, known]).await?)
    }

    fn opens(&self, keys: &Keyring) -> bool {
        let (Some(account), Some(provider)) = (self.account(), self.provider()) else { return false };
        let either = |sealed: &[u8], bound: &str, before: &str| keys.open(sealed, bound).or_else(|_| keys.open(sealed, before));
        let [refresh, access] = account.identities_before_scopes();
        either(&self.sealed_refresh_token, &account.refresh_identity(provider), &refresh).is_ok()
            && either(&self.sealed_access_token, &account.access_identity(), &access).is_ok()
    }

    fn provider(&self) -> Option<Provider> {
        Provider::parse(&self.provider.clone().value()?)
    }

    fn account(&self) -> Option<ConnectedAccount> {
        let text = |kept: &Kept<String>| kept.clone().value();
        let port = self.port.clone().value()?;
        let scope = mail_accounts::scope_of(text(&self.server)?, port, &text(&self.security)?, text(&self.username)?)?;
        Some(ConnectedAccount { company: CompanyId(self.company_id), id: MailAccountId(self.account_id), scope })
    }
}
