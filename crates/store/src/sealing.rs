//! What of the database lies sealed, and whether the key file at hand is the one that opens it. A canary per key says so
//! before anything is done; without one (versions before 1.2) the secrets themselves do.

use std::collections::BTreeSet;
use std::path::Path;

use acuse_domain::Instant;
use acuse_domain::mail_account::MailAccount;
use sea_orm::ConnectionTrait;

use crate::db::{Db, StoreError, Tx};
use crate::mail_accounts::{self, SaveError};
use crate::pauses::{self, AccountKey, Fault, SELDOM};
use crate::sealing_key::{Canary, Item, Kind, canaries, canaries_held, write_canary};
use crate::second_factor::SecondFactorError;
use crate::secrets::{KeyFileError, KeyMark, Keyring};
use crate::sql::{execute, values};
use crate::{dkim, oauth, second_factor, user_mails};

/// How much lies sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    pub passwords: u64,
    pub connections: u64,
    pub dkim_keys: u64,
    /// Secrets of people's second step.
    pub authenticators: u64,
}

impl Held {
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.passwords == 0 && self.connections == 0 && self.dkim_keys == 0 && self.authenticators == 0
    }

    fn of<'a>(items: impl Iterator<Item = &'a Item>) -> Self {
        let mut held = Self::default();
        for item in items {
            match item.kind {
                Kind::Password => held.passwords += 1,
                Kind::Connection => held.connections += 1,
                Kind::DkimKey => held.dkim_keys += 1,
                Kind::Authenticator => held.authenticators += 1,
            }
        }
        held
    }
}

/// Why this key file does not go with this database.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError {
    #[error(transparent)]
    File(#[from] KeyFileError),
    #[error("the key file is missing, and the database holds secrets sealed with it")]
    Missing { held: Held, needed: Vec<KeyMark> },
    #[error("the key file is not the one that sealed the database's secrets")]
    Foreign { held: Held, needed: Vec<KeyMark>, found: Vec<KeyMark> },
    #[error(transparent)]
    Save(#[from] SaveError),
    #[error(transparent)]
    Dkim(#[from] dkim::DkimError),
    #[error(transparent)]
    SecondFactor(#[from] SecondFactorError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

async fn items(conn: &impl ConnectionTrait, keys: Option<&Keyring>) -> Result<Vec<Item>, StoreError> {
    let mut found = mail_accounts::sealed_items(conn, keys).await?;
    found.extend(oauth::sealed_items(conn, keys).await?);
    found.extend(dkim::sealed_items(conn, keys).await?);
    found.extend(second_factor::sealed_items(conn, keys).await?);
    Ok(found)
}

/// Reads the key file and looks whether it opens what the database holds; nothing where there is neither a file nor anything
/// sealed. Writes nothing.
pub async fn check_any_company(db: &Db, key_file: &Path) -> Result<Option<Keyring>, UnlockError> {
    let keys = Keyring::load(key_file)?;
    let (items, canaries) = (items(&db.of_any_company(), keys.as_ref()).await?, canaries(&db.of_any_company()).await?);
    compare(&items, &canaries, keys.as_ref())?;
    Ok(keys)
}

/// Errs where something is sealed that these keys do not open.
fn compare(items: &[Item], canaries: &[Canary], keys: Option<&Keyring>) -> Result<(), UnlockError> {
    let wanting = wanting(items, canaries, keys);
    if wanting.is_empty() {
        return Ok(());
    }
    let mark = |id: &u32| {
        let canary = canaries.iter().find(|canary| canary.key_id == i64::from(*id));
        KeyMark { id: *id, fingerprint: canary.map(|canary| canary.fingerprint.clone()) }
    };
    let (held, needed) = (Held::of(items.iter()), wanting.iter().map(mark).collect());
    Err(match keys {
        None => UnlockError::Missing { held, needed },
        Some(keys) => UnlockError::Foreign { held, needed, found: keys.marks() },
    })
}

/// What does not open although its key is at hand: spoilt, or led elsewhere past the store.
pub async fn unreadable_any_company(db: &Db, keys: &Keyring) -> Result<Held, StoreError> {
    let items = items(&db.of_any_company(), Some(keys)).await?;
    Ok(Held::of(items.iter().filter(|item| !item.opens)))
}

/// The keys that something is sealed with and that are not at hand.
fn wanting(items: &[Item], canaries: &[Canary], keys: Option<&Keyring>) -> BTreeSet<u32> {
    let used: BTreeSet<u32> = items.iter().filter_map(|item| item.key_id).collect();
    let is_at_hand = |id: &u32| {
        let Some(keys) = keys else { return false };
        match canaries.iter().find(|canary| canary.key_id == i64::from(*id)) {
            Some(canary) => keys.opens_canary(*id, &canary.canary),
            None => items.iter().any(|item| item.key_id == Some(*id) && item.opens),
        }
    };
    used.into_iter().filter(|id| !is_at_hand(id)).collect()
}

/// The key file that goes with the database. It is made where there is none and nothing is sealed; what versions before
/// sealed otherwise is sealed again, and accounts whose secret does not open begin to rest.
///
/// Errs, and has changed nothing, if the file is missing or another one.
pub async fn unlock_any_company(db: &Db, key_file: &Path, now: Instant) -> Result<Keyring, UnlockError> {
    let keys = match check_any_company(db, key_file).await? {
        Some(keys) => keys,
        None => Keyring::create(key_file)?,
    };
    settle(db, &keys, now).await?;
    Ok(keys)
}

/// As [`unlock_any_company`], and forgets what does not open instead of failing. Gives what it forgot.
pub async fn unlock_and_forget_any_company(db: &Db, key_file: &Path, now: Instant) -> Result<(Keyring, Held), UnlockError> {
    let keys = Keyring::load_or_create(key_file)?;
    let tx = db.begin_write_any_company().await?;
    let closed: Vec<Item> = items(tx.as_conn(), Some(&keys)).await?.into_iter().filter(|item| !item.opens).collect();
    for item in &closed {
        let sql = match item.kind {
            Kind::Password => {
                "UPDATE mail_account SET sealed_password = NULL, checked_at = NULL, check_ok = NULL, version = version + 1
                WHERE company_id = $1 AND id = $2"
            }
            Kind::Connection => "DELETE FROM oauth_connection WHERE company_id = $1 AND account_id = $2",
            Kind::DkimKey => "DELETE FROM dkim_key WHERE company_id = $1 AND id = $2",
            Kind::Authenticator => {
                // They enter by the password alone, and set it up again.
                execute(tx.as_conn(), "DELETE FROM authenticator WHERE person_id = $1", values![item.id]).await?;
                continue;
            }
        };
        execute(tx.as_conn(), sql, values![item.company, item.id]).await?;
    }
    // People on their way to a provider: they set out again.
    execute(tx.as_conn(), "DELETE FROM authorization_request", Vec::new()).await?;
    tx.commit().await?;
    settle(db, &keys, now).await?;
    Ok((keys, Held::of(closed.iter())))
}

async fn settle(db: &Db, keys: &Keyring, now: Instant) -> Result<(), UnlockError> {
    let tx = db.begin_write_any_company().await?;
    let canaries = canaries_held::<SaveError>(&tx, keys).await?;
    let found = items(tx.as_conn(), Some(keys)).await?;
    // Another node may have sealed something since the key file was compared.
    compare(&found, &canaries, Some(keys))?;
    let used: BTreeSet<u32> = found.iter().filter(|item| item.opens).filter_map(|item| item.key_id).collect();
    for id in used.into_iter().chain([keys.newest()]) {
        write_canary::<SaveError>(&tx, keys, id).await?;
    }
    // Of keys that sealed nothing that is left: whoever waits for them would wait for ever.
    execute(tx.as_conn(), "DELETE FROM sealing_key WHERE key_id > $1", values![i64::from(keys.newest())]).await?;
    tx.commit().await?;
    let resealed = reseal_any_company(db, keys).await?;
    if resealed > 0 {
        tracing::info!("{resealed} secrets were sealed again");
    }
    let tx = db.begin_write_any_company().await?;
    let items = items(tx.as_conn(), Some(keys)).await?;
    let resting = let_unreadable_rest(&tx, &items, now).await?;
    tx.commit().await?;
    if resting > 0 {
        tracing::warn!("{resting} mail accounts rest: their secrets do not open, or they cannot be read");
        db.nudge();
    }
    Ok(())
}

/// Seals everything again, in batches, that lies under an older key or is not bound as this version binds it. Gives how
/// many were.
pub async fn reseal_any_company(db: &Db, keys: &Keyring) -> Result<u64, UnlockError> {
    let resealed = mail_accounts::reseal_any_company(db, keys).await?
        + oauth::reseal_any_company(db, keys).await?
        + dkim::reseal_any_company(db, keys).await?
        + second_factor::reseal_any_company(db, keys).await?
        + user_mails::reseal_any_company(db, keys).await?;
    Ok(resealed)
}

/// Accounts that would log in and have nothing that opens, or cannot be read, rest like any that fails. Gives how many began
/// to.
async fn let_unreadable_rest(tx: &Tx, items: &[Item], now: Instant) -> Result<usize, StoreError> {
    let opens = |account: &MailAccount| {
        let is_its = |item: &&Item| {
            matches!(item.kind, Kind::Password | Kind::Connection) && (item.company, item.id) == (account.company.0, account.id.0)
        };
        items.iter().find(is_its).is_some_and(|item| item.opens)
    };
    let at_fault = mail_accounts::faults_in(tx, opens).await?;
    for (account, code) in &at_fault {
        tracing::warn!(company.id = %account.company, account.id = %account.id, "A mail account rests: {code}");
        let fault = Fault { problem_code: code.as_str(), reply: "", phase: "auth", probe_after: SELDOM };
        pauses::stop_in(tx, AccountKey::Own(account.id).into(), &fault, now).await?;
    }
    Ok(at_fault.len())
}
