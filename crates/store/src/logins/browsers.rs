//! Browsers in which somebody entered before: counted by themselves, and for a while not asked for a second step.

use acuse_domain::Instant;
use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::db::{Db, StoreError, Tx};
use crate::passwords::token_hash;
use crate::sql::{all, execute, one, places, values};

/// A browser is known for so long after it was last used to enter.
const KNOWN: TimeDelta = TimeDelta::days(180);
/// Browsers of one person.
const MOST_KNOWN: u64 = 20;

/// The token by which this browser is known to be the person's. Asks as much for somebody who does not exist.
pub(super) async fn known_browser(
    db: &Db,
    person: Option<Uuid>,
    shown: &[Vec<u8>],
    now: Instant,
) -> Result<Option<Vec<u8>>, StoreError> {
    if shown.is_empty() {
        return Ok(None);
    }
    let sql = format!(
        "SELECT token_hash FROM known_browser WHERE person_id = $1 AND used_at > $2 AND token_hash IN ({}) LIMIT 1",
        places(2, shown.len())
    );
    let mut row = values![person.unwrap_or_default(), now - KNOWN];
    row.extend(shown.iter().cloned().map(sea_orm::Value::from));
    let row: Option<Browser> = one(&db.of_any_company(), &sql, row).await?;
    Ok(row.map(|row| row.token_hash))
}

/// Until when one of the shown tokens spares the person the second step.
async fn trust(tx: &Tx, person: Uuid, shown: &[Vec<u8>]) -> Result<Option<Instant>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        trusted_until: Option<Instant>,
    }
    let mut longest = None;
    for token_hash in shown {
        let sql = "SELECT trusted_until FROM known_browser WHERE person_id = $1 AND token_hash = $2";
        let row: Option<Row> = one(tx.as_conn(), sql, values![person, token_hash.clone()]).await?;
        longest = longest.max(row.and_then(|row| row.trusted_until));
    }
    Ok(longest)
}

pub(super) async fn is_trusted(tx: &Tx, person: Uuid, shown: &[Vec<u8>], now: Instant) -> Result<bool, StoreError> {
    Ok(trust(tx, person, shown).await?.is_some_and(|until| until > now))
}

/// The person is known by the new token from now on, and no longer by those that the browser showed. Gives those of the
/// shown that make others known.
pub(super) async fn know_browser(
    tx: &Tx,
    person: Uuid,
    token: &SecretString,
    shown: &[Vec<u8>],
    trusted_until: Option<Instant>,
    now: Instant,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let trusted_until = trusted_until.or(trust(tx, person, shown).await?);
    for shown in shown {
        let sql = "DELETE FROM known_browser WHERE person_id = $1 AND token_hash = $2";
        execute(tx.as_conn(), sql, values![person, shown.clone()]).await?;
    }
    let sql = "INSERT INTO known_browser (person_id, token_hash, used_at, trusted_until) VALUES ($1, $2, $3, $4)";
    execute(tx.as_conn(), sql, values![person, token_hash(token.expose_secret()), now, trusted_until]).await?;
    forget_old_browsers(tx, person, now).await?;
    if shown.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT token_hash FROM known_browser WHERE used_at > $1 AND token_hash IN ({})", places(1, shown.len()));
    let row = values![now - KNOWN].into_iter().chain(shown.iter().cloned().map(sea_orm::Value::from)).collect();
    let others: Vec<Browser> = all(tx.as_conn(), &sql, row).await?;
    Ok(others.into_iter().map(|row| row.token_hash).collect())
}

#[derive(FromQueryResult)]
struct Browser {
    token_hash: Vec<u8>,
}

async fn forget_old_browsers(tx: &Tx, person: Uuid, now: Instant) -> Result<(), StoreError> {
    let sql = "DELETE FROM known_browser WHERE person_id = $1 AND used_at < $2";
    execute(tx.as_conn(), sql, values![person, now - KNOWN]).await?;
    let sql = format!(
        "SELECT token_hash FROM known_browser WHERE person_id = $1 ORDER BY used_at DESC, token_hash LIMIT 100 OFFSET {MOST_KNOWN}"
    );
    let surplus: Vec<Browser> = all(tx.as_conn(), &sql, values![person]).await?;
    for row in surplus {
        let sql = "DELETE FROM known_browser WHERE person_id = $1 AND token_hash = $2";
        execute(tx.as_conn(), sql, values![person, row.token_hash]).await?;
    }
    Ok(())
}
