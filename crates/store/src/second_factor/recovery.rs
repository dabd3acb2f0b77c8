//! Codes for a lost telephone: ten, shown once, each good once.

use acuse_domain::Instant;
use acuse_domain::news::AccountChange;
use sea_orm::FromQueryResult;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{SecondFactorError, hold_acting, is_on_in, person_of};
use crate::Actor;
use crate::db::{Db, StoreError, Tx};
use crate::events::EventKind;
use crate::passwords::code_hash;
use crate::sessions;
use crate::sql::{self, execute, insert_rows, one, values};
use crate::user_mails::{self, Post};

pub const CODES: usize = 10;
/// Two groups of these: 40 bits, hashed as a password is.
const GROUP: usize = 4;
/// Small letters and digits that are not taken for each other.
const LETTERS: &[u8; 31] = b"23456789abcdefghjkmnpqrstuvwxyz";
const SALT_BYTES: usize = 16;

/// Codes that are nobody's yet, with what is kept of them.
pub(crate) struct Fresh {
    codes: Vec<SecretString>,
    hashes: Vec<Vec<u8>>,
    salt: Vec<u8>,
}

pub(crate) async fn fresh() -> Result<Fresh, StoreError> {
    let salt: [u8; SALT_BYTES] = rand::random();
    let codes: Vec<SecretString> = (0..CODES).map(|_| new_code()).collect();
    let mut hashes = Vec::new();
    for code in &codes {
        hashes.push(code_hash(as_compared(code.expose_secret()), salt.to_vec()).await?);
    }
    Ok(Fresh { codes, hashes, salt: salt.to_vec() })
}

fn new_code() -> SecretString {
    let letter = || char::from(LETTERS[rand::random_range(0..LETTERS.len())]);
    let group = || (0..GROUP).map(|_| letter()).collect::<String>();
    SecretString::from(format!("{}-{}", group(), group()))
}

/// As it is typed: in capitals, with blanks or without the hyphen.
fn as_compared(typed: &str) -> SecretString {
    let letters: String = typed.chars().filter(|letter| letter.is_alphanumeric()).collect();
    SecretString::from(letters.to_lowercase())
}

/// Ten new codes; those before end.
pub async fn renew(db: &Db, by: &Actor, post: Post<'_>, now: Instant) -> Result<Vec<SecretString>, SecondFactorError> {
    let (person, fresh) = (person_of(by), fresh().await?);
    let tx = db.begin_write_any_company().await?;
    if !hold_acting(&tx, by).await? {
        tx.undo().await?;
        return Err(SecondFactorError::SessionOver);
    }
    if !is_on_in(tx.as_conn(), person).await? {
        tx.undo().await?;
        return Err(SecondFactorError::Off);
    }
    let codes = keep(&tx, person, fresh).await?;
    sessions::note_in_each_company(&tx, by, person, EventKind::RecoveryCodesRenewed, now, "").await?;
    user_mails::tell_of_change(&tx, person, AccountChange::RecoveryCodesRenewed, post, now).await?;
    tx.commit().await?;
    Ok(codes)
}

async fn keep(tx: &Tx, person: Uuid, fresh: Fresh) -> Result<Vec<SecretString>, StoreError> {
    execute(tx.as_conn(), "DELETE FROM recovery_code WHERE person_id = $1", values![person]).await?;
    let rows = fresh.hashes.into_iter().map(|hash| values![person, hash, fresh.salt.clone()]).collect();
    insert_rows(tx.as_conn(), "INSERT INTO recovery_code (person_id, code_hash, salt) VALUES", rows).await?;
    Ok(fresh.codes)
}

/// Gives them to somebody who has none left to use.
pub(crate) async fn keep_where_none(tx: &Tx, person: Uuid, fresh: Fresh) -> Result<Vec<SecretString>, StoreError> {
    let sql = "SELECT COUNT(*) AS n FROM recovery_code WHERE person_id = $1 AND used_at IS NULL";
    if sql::count(tx.as_conn(), sql, values![person]).await? > 0 {
        return Ok(Vec::new());
    }
    keep(tx, person, fresh).await
}

/// What a typed code would be kept as. Nothing where the person has none.
pub(crate) async fn hash_of(db: &Db, person: Uuid, typed: &str) -> Result<Option<Vec<u8>>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        salt: Vec<u8>,
    }
    let sql = "SELECT salt FROM recovery_code WHERE person_id = $1 LIMIT 1";
    let row: Option<Row> = one(&db.of_any_company(), sql, values![person]).await?;
    match row {
        Some(row) => Ok(Some(code_hash(as_compared(typed), row.salt).await?)),
        None => Ok(None),
    }
}

/// Takes a code, once.
pub(crate) async fn take(tx: &Tx, person: Uuid, hash: &[u8], now: Instant) -> Result<(), SecondFactorError> {
    let sql = "UPDATE recovery_code SET used_at = $3 WHERE person_id = $1 AND code_hash = $2 AND used_at IS NULL";
    if execute(tx.as_conn(), sql, values![person, hash.to_vec(), now]).await? == 1 {
        return Ok(());
    }
    let sql = "SELECT COUNT(*) AS n FROM recovery_code WHERE person_id = $1 AND code_hash = $2";
    let is_known = sql::count(tx.as_conn(), sql, values![person, hash.to_vec()]).await? > 0;
    Err(if is_known { SecondFactorError::UsedCode } else { SecondFactorError::WrongCode })
}
