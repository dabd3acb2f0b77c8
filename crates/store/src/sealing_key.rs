//! The canary of each key that something in the database is sealed with, and what all that is sealed have in common.

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::db::{StoreError, Tx};
use crate::secrets::{Keyring, SealError};
use crate::sql::{execute, number, one, readable, values};

/// Rows that are sealed again in one transaction: others write in between.
pub(crate) const BATCH: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Password,
    Connection,
    DkimKey,
    /// Of a person, whichever the company: `company` is nil.
    Authenticator,
}

/// Something sealed.
pub(crate) struct Item {
    pub kind: Kind,
    pub company: Uuid,
    /// Of the account, of the DKIM key, or of the person.
    pub id: Uuid,
    /// Nothing where it is no sealed text at all.
    pub key_id: Option<u32>,
    /// With the keys at hand.
    pub opens: bool,
}

#[derive(FromQueryResult)]
pub(crate) struct Canary {
    pub key_id: i64,
    pub fingerprint: String,
    pub canary: Vec<u8>,
}

pub(crate) async fn canaries(conn: &impl ConnectionTrait) -> Result<Vec<Canary>, StoreError> {
    let sql = "SELECT key_id, fingerprint, canary FROM sealing_key ORDER BY key_id";
    readable(conn, "sealing_key", sql, Vec::new()).await
}

/// The canaries that stood there before, and holds them, and the place of the one to come, until the transaction ends: nobody
/// seals anything meanwhile.
pub(crate) async fn canaries_held<Error: From<SealError> + From<StoreError>>(
    tx: &Tx,
    keys: &Keyring,
) -> Result<Vec<Canary>, Error> {
    let is_ours = propose::<Error>(tx, keys, keys.newest()).await?;
    execute(tx.as_conn(), "UPDATE sealing_key SET key_id = key_id", Vec::new()).await?;
    let mut found = canaries(tx.as_conn()).await?;
    found.retain(|canary| !is_ours || canary.key_id != i64::from(keys.newest()));
    Ok(found)
}

/// Writes the canary of a key where there is none, and says whether it did. Waits for whoever writes one meanwhile.
async fn propose<Error: From<SealError> + From<StoreError>>(tx: &Tx, keys: &Keyring, id: u32) -> Result<bool, Error> {
    let sql = "INSERT INTO sealing_key (key_id, fingerprint, canary) VALUES ($1, $2, $3) ON CONFLICT (key_id) DO NOTHING";
    let fingerprint = keys.fingerprint(id).unwrap_or_default();
    Ok(execute(tx.as_conn(), sql, values![i64::from(id), fingerprint, keys.canary(id)?]).await? == 1)
}

pub(crate) async fn write_canary<Error: From<SealError> + From<StoreError>>(
    tx: &Tx,
    keys: &Keyring,
    id: u32,
) -> Result<(), Error> {
    let known = canary_of(tx, id).await?;
    if known.is_some_and(|canary| keys.opens_canary(id, &canary)) {
        return Ok(());
    }
    let sql = "INSERT INTO sealing_key (key_id, fingerprint, canary) VALUES ($1, $2, $3)
        ON CONFLICT (key_id) DO UPDATE SET fingerprint = $2, canary = $3";
    let fingerprint = keys.fingerprint(id).unwrap_or_default();
    execute(tx.as_conn(), sql, values![i64::from(id), fingerprint, keys.canary(id)?]).await?;
    Ok(())
}

async fn canary_of(tx: &Tx, id: u32) -> Result<Option<Vec<u8>>, StoreError> {
    #[derive(FromQueryResult)]
    struct Sealed {
        canary: Vec<u8>,
    }
    let sql = "SELECT canary FROM sealing_key WHERE key_id = $1";
    let row: Option<Sealed> = one(tx.as_conn(), sql, values![i64::from(id)]).await?;
    Ok(row.map(|row| row.canary))
}

/// Whoever seals something for the database asks first, and does it with the database's newest key: a node that was started
/// with another key file is refused, and one that does not know the newest key yet reads its file again.
pub(crate) async fn claim_in<Error: From<SealError> + From<StoreError>>(tx: &Tx, keys: &Keyring) -> Result<(), Error> {
    let mut id = keys.newest();
    // A start with other keys, or a new key, waits for this transaction, and finds what it sealed.
    let mut is_held = hold(tx, id).await?;
    let last = last_key(tx).await?;
    if last > i64::from(id) {
        keys.read_again();
        id = keys.newest();
        if last > i64::from(id) {
            return Err(SealError::UnknownKey(u32::try_from(last).unwrap_or(u32::MAX)).into());
        }
        is_held = hold(tx, id).await?;
    }
    if !is_held && propose::<Error>(tx, keys, id).await? {
        return Ok(());
    }
    // Also where another node's came first a moment ago.
    let is_ours = canary_of(tx, id).await?.is_some_and(|canary| keys.opens_canary(id, &canary));
    if is_ours { Ok(()) } else { Err(SealError::ForeignKey(id).into()) }
}

/// Tells no where the key has no canary.
async fn hold(tx: &Tx, id: u32) -> Result<bool, StoreError> {
    let sql = "UPDATE sealing_key SET key_id = key_id WHERE key_id = $1";
    Ok(execute(tx.as_conn(), sql, values![i64::from(id)]).await? == 1)
}

async fn last_key(tx: &Tx) -> Result<i64, StoreError> {
    number(tx.as_conn(), "SELECT COALESCE(MAX(key_id), 0) AS n FROM sealing_key").await
}

/// From the end of this transaction on nobody seals with an older key, and what was being sealed with one is there.
pub(crate) async fn register_newest<Error: From<SealError> + From<StoreError>>(tx: &Tx, keys: &Keyring) -> Result<(), Error> {
    canaries_held::<Error>(tx, keys).await?;
    let id = keys.newest();
    let is_ours = canary_of(tx, id).await?.is_some_and(|canary| keys.opens_canary(id, &canary));
    if is_ours { Ok(()) } else { Err(SealError::ForeignKey(id).into()) }
}
