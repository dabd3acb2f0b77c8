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
use crate::secrets::Keyring;
use crate::sql::{code, execute, one, values};
use crate::users::token_hash;

/// Long enough to find a password and a telephone, short enough for a screen that somebody left.
const AWAY_AT_MOST: TimeDelta = TimeDelta::minutes(10);

/// What is to be connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
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
pub struct Departure<'a> {
    pub provider: Provider,
    pub state: &'a SecretString,
    pub verifier: &'a SecretString,
    pub nonce: &'a str,
    pub wish: &'a Wish,
}

/// Somebody who came back.
#[derive(Debug, Clone)]
pub struct Trip {
    pub verifier: SecretString,
    pub nonce: String,
    pub wish: Wish,
}

/// Notes a departure of this browser's session.
pub async fn depart(
    db: &Db,
    keys: &Keyring,
    by: &Actor,
    session_token: &str,
    departure: &Departure<'_>,
    now: Instant,
) -> Result<(), SaveError> {
    let state = token_hash(departure.state.expose_secret());
    let verifier = keys.seal(departure.verifier, &identity(&state))?;
    let (account, module, address) = match departure.wish {
        Wish::New { module, address } => (None, module, address.as_ref().map(ToString::to_string)),
        Wish::Existing { module, account } => (Some(account.0), module, None),
    };
    let tx = db.begin_write().await?;
    execute(tx.as_conn(), "DELETE FROM oauth_departure WHERE expires_at < $1", values![now]).await?;
    let sql = "INSERT INTO oauth_departure (state_hash, company_id, session_hash, provider, sealed_verifier, nonce,
        account_id, module, address, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let row = values![
        state,
        by.company.0,
        token_hash(session_token),
        departure.provider.as_str(),
        verifier,
        departure.nonce,
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
pub async fn come_back(
    db: &Db,
    keys: &Keyring,
    by: &Actor,
    session_token: &str,
    provider: Provider,
    state: &str,
    now: Instant,
) -> Result<Option<Trip>, StoreError> {
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
    let tx = db.begin_write().await?;
    let sql = "DELETE FROM oauth_departure WHERE state_hash = $1 AND company_id = $2 AND session_hash = $3
        RETURNING provider, sealed_verifier, nonce, account_id, module, address, expires_at";
    let row = values![state.clone(), by.company.0, token_hash(session_token)];
    let row: Option<Row> = one(tx.as_conn(), sql, row).await?;
    tx.commit().await?;
    let Some(row) = row.filter(|row| row.expires_at > now && row.provider == provider.as_str()) else { return Ok(None) };
    let Ok(verifier) = keys.open(&row.sealed_verifier, &identity(&state)) else { return Ok(None) };
    let module = code(&row.module, MailModule::parse)?;
    let wish = match row.account_id {
        Some(account) => Wish::Existing { module, account: MailAccountId(account) },
        None => Wish::New { module, address: row.address.and_then(|address| address.parse().ok()) },
    };
    Ok(Some(Trip { verifier, nonce: row.nonce, wish }))
}

fn identity(state: &[u8]) -> String {
    format!("oauth_departure:{state:02x?}")
}
