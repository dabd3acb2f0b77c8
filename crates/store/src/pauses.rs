//! Accounts that rest after a fault of their own, and when they are tried again.

use acuse_domain::Instant;
use acuse_domain::id::MailAccountId;
use acuse_domain::mail_account::Pause;
use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::db::{Db, StoreError, Tx};
use crate::sql::{execute, one, values};

/// After a fault an account is tried with one delivery after 15 minutes, then 1, 4 and every 12 hours.
const PROBE_AFTER_MINUTES: [i64; 4] = [15, 60, 240, 720];

/// A company's own account, or the installation's default one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountKey {
    Own(MailAccountId),
    Default,
}

impl AccountKey {
    fn id(self) -> Uuid {
        match self {
            Self::Own(id) => id.0,
            Self::Default => Uuid::nil(),
        }
    }
}

/// A resting account, and when one delivery may be tried through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resting {
    pub pause: Pause,
    pub probe_at: Instant,
}

pub async fn find(db: &Db, account: AccountKey) -> Result<Option<Resting>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        since: Instant,
        problem_code: String,
        reply: String,
        probe_at: Instant,
    }
    let sql = "SELECT since, problem_code, reply, probe_at FROM account_pause WHERE account_id = $1";
    let row: Option<Row> = one(db.reader(), sql, values![account.id()]).await?;
    Ok(row.map(|row| Resting {
        pause: Pause { since: row.since, problem_code: row.problem_code, reply: row.reply },
        probe_at: row.probe_at,
    }))
}

/// Lets an account rest, or rest longer after a failed probe. Other deliveries that were under way when the account failed
/// are no probes: only what fails when the next probe is due makes the wait longer.
pub async fn begin(db: &Db, account: AccountKey, problem_code: &str, reply: &str, now: Instant) -> Result<(), StoreError> {
    #[derive(FromQueryResult)]
    struct Probes {
        probes: i32,
    }
    let tx = db.begin_write().await?;
    let sql =
        "INSERT INTO account_pause (account_id, since, problem_code, reply, probes, probe_at) VALUES ($1, $2, $3, $4, 0, $5)
        ON CONFLICT (account_id) DO UPDATE SET problem_code = $3, reply = $4,
            probes = account_pause.probes + CASE WHEN account_pause.probe_at <= $2 THEN 1 ELSE 0 END
        RETURNING probes";
    let first = now + TimeDelta::minutes(PROBE_AFTER_MINUTES[0]);
    let row: Option<Probes> = one(tx.as_conn(), sql, values![account.id(), now, problem_code, reply, first]).await?;
    let probes = usize::try_from(row.map_or(0, |row| row.probes)).unwrap_or_default();
    let minutes = PROBE_AFTER_MINUTES[probes.min(PROBE_AFTER_MINUTES.len() - 1)];
    let sql = "UPDATE account_pause SET probe_at = $2 WHERE account_id = $1";
    execute(tx.as_conn(), sql, values![account.id(), now + TimeDelta::minutes(minutes)]).await?;
    tx.commit().await
}

/// Lets an account work again: it was changed, checked, or a delivery went through.
pub async fn end(db: &Db, account: AccountKey) -> Result<(), StoreError> {
    let tx = db.begin_write().await?;
    end_in(&tx, account).await?;
    tx.commit().await?;
    db.nudge();
    Ok(())
}

pub(crate) async fn end_in(tx: &Tx, account: AccountKey) -> Result<(), StoreError> {
    execute(tx.as_conn(), "DELETE FROM account_pause WHERE account_id = $1", values![account.id()]).await?;
    Ok(())
}
