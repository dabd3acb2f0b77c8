//! A new master key while the server runs, and the end of older ones.
//!
//! The key is in the file before anything is sealed with it, and older keys stay there until nothing needs them: whoever is
//! stopped at any moment has lost nothing, and the next run goes on. A server that runs reads the file again as soon as it
//! meets the new key, or is about to seal with an older one (`sealing_key::claim_in`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::db::{Db, StoreError};
use crate::mail_accounts::SaveError;
use crate::sealing::{self, UnlockError};
use crate::sealing_key::register_newest;
use crate::secrets::{self, KeyMark, Keyring};
use crate::sql::{execute, readable, values};

/// Every column that holds something sealed.
pub const SEALED_COLUMNS: [(&str, &str); 7] = [
    ("mail_account", "sealed_password"),
    ("oauth_connection", "sealed_refresh_token"),
    ("oauth_connection", "sealed_access_token"),
    ("dkim_key", "sealed_private_key"),
    ("authorization_request", "sealed_verifier"),
    ("authenticator", "sealed_secret"),
    ("user_mail", "sealed_token"),
];

/// What a rotation did.
#[derive(Debug)]
pub struct Rotation {
    /// The key that seals everything now.
    pub newest: KeyMark,
    /// An earlier run had made that key and was stopped.
    pub is_resumed: bool,
    pub resealed: u64,
    /// Older keys of the file, each with how many secrets lie under it still.
    pub older: Vec<(KeyMark, u64)>,
}

/// What is left in the key file.
#[derive(Debug)]
pub struct Retirement {
    pub removed: Vec<KeyMark>,
    /// Each with how many secrets lie under it; the newest is the last.
    pub kept: Vec<(KeyMark, u64)>,
}

/// Adds a key and seals everything again with it; goes on with an earlier run's key where that was stopped. Nothing where
/// there is no key file yet.
pub async fn rotate_any_company(db: &Db, key_file: &Path) -> Result<Option<Rotation>, UnlockError> {
    let Some(mut keys) = sealing::check_any_company(db, key_file).await? else { return Ok(None) };
    let mut resealed = reseal_under_newest(db, &keys).await?;
    let is_resumed = resealed > 0;
    if !is_resumed {
        keys = Keyring::rotate(key_file)?;
        resealed = reseal_under_newest(db, &keys).await?;
    }
    let mut marks = counted(&keys, &in_use(&db.of_any_company()).await?);
    let newest = marks.pop().map_or(KeyMark { id: 0, fingerprint: None }, |(newest, _)| newest);
    Ok(Some(Rotation { newest, is_resumed, resealed, older: marks }))
}

/// Only adds a key to the file: for whoever has to bring the file to other nodes before anything is sealed with it.
pub async fn add_any_company(db: &Db, key_file: &Path) -> Result<Option<KeyMark>, UnlockError> {
    let Some(_) = sealing::check_any_company(db, key_file).await? else { return Ok(None) };
    Ok(Keyring::rotate(key_file)?.marks().pop())
}

async fn reseal_under_newest(db: &Db, keys: &Keyring) -> Result<u64, UnlockError> {
    let tx = db.begin_write_any_company().await?;
    register_newest::<SaveError>(&tx, keys).await?;
    tx.commit().await?;
    let mut done = 0;
    loop {
        let resealed = sealing::reseal_any_company(db, keys).await?;
        if resealed == 0 {
            return Ok(done);
        }
        done += resealed;
    }
}

/// Takes keys out of the file that nothing lies under any more. Whoever is about to seal with one waits, and takes the
/// newest. Nothing where there is no key file.
pub async fn retire_any_company(db: &Db, key_file: &Path) -> Result<Option<Retirement>, UnlockError> {
    let Some(keys) = sealing::check_any_company(db, key_file).await? else { return Ok(None) };
    let tx = db.begin_write_any_company().await?;
    register_newest::<SaveError>(&tx, &keys).await?;
    let used = in_use(tx.as_conn()).await?;
    let is_needed = |mark: &KeyMark| mark.id == keys.newest() || used.contains_key(&mark.id);
    let removed: Vec<KeyMark> = keys.marks().into_iter().filter(|mark| !is_needed(mark)).collect();
    if !removed.is_empty() {
        keys.retire(&removed.iter().map(|mark| mark.id).collect::<BTreeSet<u32>>())?;
    }
    for mark in &removed {
        execute(tx.as_conn(), "DELETE FROM sealing_key WHERE key_id = $1", values![i64::from(mark.id)]).await?;
    }
    tx.commit().await?;
    Ok(Some(Retirement { removed, kept: counted(&keys, &used) }))
}

fn counted(keys: &Keyring, used: &BTreeMap<u32, u64>) -> Vec<(KeyMark, u64)> {
    let count = |mark: KeyMark| {
        let uses = used.get(&mark.id).copied().unwrap_or_default();
        (mark, uses)
    };
    keys.marks().into_iter().map(count).collect()
}

/// How much lies under each key.
async fn in_use(conn: &impl ConnectionTrait) -> Result<BTreeMap<u32, u64>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        sealed: Vec<u8>,
        n: i64,
    }
    let mut used = BTreeMap::new();
    for (table, column) in SEALED_COLUMNS {
        // A sealed text begins with the number of its key.
        let sql =
            format!("SELECT SUBSTR({column}, 1, 4) AS sealed, COUNT(*) AS n FROM {table} WHERE {column} IS NOT NULL GROUP BY 1");
        let rows: Vec<Row> = readable(conn, table, &sql, Vec::new()).await?;
        for row in rows {
            if let Some(id) = secrets::key_id(&row.sealed) {
                *used.entry(id).or_default() += row.n.unsigned_abs();
            }
        }
    }
    Ok(used)
}
