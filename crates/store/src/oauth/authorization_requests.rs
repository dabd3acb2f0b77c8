//! People who are sent to a provider and come back: each with a state that is good once, for ten minutes, for the browser
//! that left and the provider it left for.

use acuse_domain::Instant;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::MailAccountId;
use acuse_domain::mail_account::MailModule;
use acuse_domain::oauth::Provider;
use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::Actor;
use crate::db::{Db, StoreError};
use crate::mail_accounts::SaveError;
use crate::passwords::token_hash;
use crate::sealing_key;
use crate::secrets::Keyring;
use crate::sql::{code, execute, one, readable, values};

/// Long enough to find a password and a telephone, short enough for a screen that somebody left.
const AWAY_AT_MOST: TimeDelta = TimeDelta::minutes(10);

/// What is to be connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// A new account for the module, for the address if one was named.
    New {
        module: MailModule,
        address: Option<EmailAddress>,
    },
    Existing {
        module: MailModule,
        account: MailAccountId,
    },
}

/// What is kept here of somebody who leaves.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationRequest<'a> {
    pub provider: Provider,
    pub state: &'a SecretString,
    pub verifier: &'a SecretString,
    pub nonce: &'a str,
    pub intent: &'a Intent,
}

/// Somebody who came back.
#[derive(Debug, Clone)]
pub struct PendingAuthorization {
    pub verifier: SecretString,
    pub nonce: String,
    pub intent: Intent,
}

/// Notes a request of this browser's session.
pub async fn note_authorization_request(
    db: &Db,
    keys: &Keyring,
    by: &Actor,
    session_token: &str,
    request: &AuthorizationRequest<'_>,
    now: Instant,
) -> Result<(), SaveError> {
    let state = token_hash(request.state.expose_secret());
    let (account, module, address) = match request.intent {
        Intent::New { module, address } => (None, module, address.as_ref().map(ToString::to_string)),
        Intent::Existing { module, account } => (Some(account.0), module, None),
    };
    let tx = db.begin_write_for(by.company).await?;
    sealing_key::claim_in::<SaveError>(&tx, keys).await?;
    let verifier = keys.seal(request.verifier, &identity(&state))?;
    execute(tx.as_conn(), "DELETE FROM authorization_request WHERE expires_at < $1", values![now]).await?;
    let sql = "INSERT INTO authorization_request (state_hash, company_id, session_hash, provider, sealed_verifier, nonce,
        account_id, module, address, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let row = values![
        state,
        by.company.0,
        token_hash(session_token),
        request.provider.as_str(),
        verifier,
        request.nonce,
        account,
        module.as_str(),
        address,
        now + AWAY_AT_MOST
    ];
    execute(tx.as_conn(), sql, row).await?;
    tx.commit().await?;
    Ok(())
}

/// Whoever comes back with this state, once. Nothing if it is unknown, used, too old, another browser's, or if they come
/// from another provider than they left for.
pub async fn take_authorization_request(
    db: &Db,
    keys: &Keyring,
    by: &Actor,
    session_token: &str,
    provider: Provider,
    state: &str,
    now: Instant,
) -> Result<Option<PendingAuthorization>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        provider: String,
        sealed_verifier: Vec<u8>,
        nonce: String,
        account_id: Option<Uuid>,
        module: String,
        address: Option<String>,
        expires_at: Instant,
    }
    let state = token_hash(state);
    let tx = db.begin_write_for(by.company).await?;
    let sql = "DELETE FROM authorization_request WHERE state_hash = $1 AND company_id = $2 AND session_hash = $3
        RETURNING provider, sealed_verifier, nonce, account_id, module, address, expires_at";
    let row = values![state.clone(), by.company.0, token_hash(session_token)];
    let row: Option<Row> = one(tx.as_conn(), sql, row).await?;
    tx.commit().await?;
    let Some(row) = row.filter(|row| row.expires_at > now && row.provider == provider.as_str()) else { return Ok(None) };
    let Ok(verifier) = keys.open(&row.sealed_verifier, &identity(&state)) else { return Ok(None) };
    let module = code(&row.module, MailModule::parse)?;
    let intent = match row.account_id {
        Some(account) => Intent::Existing { module, account: MailAccountId(account) },
        None => Intent::New { module, address: row.address.and_then(|address| address.parse().ok()) },
    };
    Ok(Some(PendingAuthorization { verifier, nonce: row.nonce, intent }))
}

/// Seals what waits under an older key again under the newest. Gives how many were.
pub(crate) async fn reseal(db: &Db, keys: &Keyring) -> Result<u64, SaveError> {
    #[derive(FromQueryResult)]
    struct Row {
        state_hash: Vec<u8>,
        sealed_verifier: Vec<u8>,
    }
    let sql = "SELECT state_hash, sealed_verifier FROM authorization_request";
    let rows: Vec<Row> = readable(&db.of_any_company(), "authorization_request", sql, Vec::new()).await?;
    let mut done = 0;
    for row in rows.iter().filter(|row| !keys.is_newest(&row.sealed_verifier)) {
        let bound_to = identity(&row.state_hash);
        let tx = db.begin_write_any_company().await?;
        sealing_key::claim_in::<SaveError>(&tx, keys).await?;
        if let Some(again) = keys.reseal(&row.sealed_verifier, &bound_to, &bound_to)? {
            let sql = "UPDATE authorization_request SET sealed_verifier = $2 WHERE state_hash = $1";
            done += execute(tx.as_conn(), sql, values![row.state_hash.clone(), again]).await?;
        }
        tx.commit().await?;
    }
    Ok(done)
}

fn identity(state: &[u8]) -> String {
    format!("authorization_request:{state:02x?}")
}
