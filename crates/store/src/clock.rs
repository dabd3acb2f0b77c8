//! What a clock that was set back has left in the future: moments that were written down before, and would only come when the
//! clock gets there again.

use acuse_domain::Instant;
use acuse_domain::id::CompanyId;
use chrono::TimeDelta;
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use crate::claims::Claim;
use crate::db::{Db, StoreError};
use crate::deliveries::{DELIVERIES, EXPIRED, LONGEST_WAIT};
use crate::pauses::SELDOM;
use crate::sql::{Kept, count, execute, readable, values};

/// Clocks of several nodes differ by less, and so does what a running clock is corrected by.
const USUAL_DIFFERENCE: TimeDelta = TimeDelta::minutes(10);
/// Longer than any lease but a delivery's may last (`own_mails::LOST_AFTER`), and than a provider is left alone
/// (`oauth::renewal`), by what two clocks differ.
const LONGEST_LEASE: TimeDelta = TimeDelta::minutes(40);

/// Rows whose moment cannot be right, and what is made of it.
struct Ahead {
    table: &'static str,
    column: &'static str,
    /// `$1`, `$2` … stand for `known`.
    is_ahead: &'static str,
    known: Vec<Value>,
}

fn all_that_may_be_ahead(now: Instant) -> Vec<Ahead> {
    let (soon, later) = (now + USUAL_DIFFERENCE, now + LONGEST_LEASE);
    let longest_rest = now + TimeDelta::minutes(SELDOM[3]) + USUAL_DIFFERENCE;
    let ahead = |table, column, is_ahead, known| Ahead { table, column, is_ahead, known };
    vec![
        ahead(
            "delivery",
            "next_attempt_at",
            "next_attempt_at > $1 AND (next_attempt_at > $2 OR queued_at > $1 OR EXISTS (SELECT 1 FROM delivery_attempt a
                WHERE a.company_id = delivery.company_id AND a.delivery_id = delivery.id AND a.at > $1))",
            values![soon, now + LONGEST_WAIT],
        ),
        ahead(
            "account_notice",
            "next_attempt_at",
            "next_attempt_at > $1 AND (next_attempt_at > $2 OR queued_at > $1)",
            values![soon, now + LONGEST_WAIT],
        ),
        // A notice's fence keeps whoever holds the lease from sending it as well.
        ahead("account_notice", "lease_until", "lease_until > $1", values![later]),
        ahead("account_notice", "handed_over_at", "handed_over_at > $1", values![soon]),
        ahead("account_pause", "probe_at", "probe_at > $1 OR since > $2 AND probe_at > $2", values![longest_rest, soon]),
        // The default account takes over so many hours after it.
        ahead("account_pause", "since", "since > $1", values![soon]),
        ahead("oauth_connection", "retry_at", "retry_at > $1", values![later]),
        ahead("oauth_connection", "lease_until", "lease_until > $1", values![later]),
        ahead("idempotency", "created_at", "created_at > $1", values![soon]),
        ahead(
            "user_mail",
            "next_attempt_at",
            "next_attempt_at > $1 AND (next_attempt_at > $2 OR queued_at > $1)",
            values![soon, now + LONGEST_WAIT],
        ),
        ahead("user_mail", "lease_until", "lease_until > $1", values![later]),
        ahead("user_mail", "handed_over_at", "handed_over_at > $1", values![soon]),
    ]
}

/// Brings to `now` what was put off, paused or claimed until a moment that lies too far ahead. Gives how much it was.
pub async fn catch_up_any_company(db: &Db, now: Instant) -> Result<u64, StoreError> {
    let mut moved = 0;
    for Ahead { table, column, is_ahead, known } in all_that_may_be_ahead(now) {
        // Nearly always there is none: a look that writes nothing.
        let look = format!("SELECT COUNT(*) AS n FROM {table} WHERE {is_ahead}");
        if count(&db.of_any_company(), &look, known.clone()).await? == 0 {
            continue;
        }
        let tx = db.begin_write_any_company().await?;
        let sql = format!("UPDATE {table} SET {column} = ${} WHERE {is_ahead}", known.len() + 1);
        moved += execute(tx.as_conn(), &sql, known.into_iter().chain([Value::from(now)]).collect()).await?;
        tx.commit().await?;
    }
    if moved > 0 {
        db.nudge();
    }
    Ok(moved)
}

/// A delivery that is being sent under a lease that ends too late, and until when.
pub type LongLease = (Claim, Instant);

/// Leases of deliveries that end later than one may. Whoever holds one may be alive on a node whose clock is ahead: only one
/// that is not renewed is of a worker that is gone.
pub async fn long_leases_any_company(db: &Db, now: Instant) -> Result<Vec<LongLease>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        company_id: Uuid,
        id: Uuid,
        fence: i64,
        lease_until: Kept<Instant>,
    }
    let sql = "SELECT company_id, id, fence, lease_until FROM delivery WHERE lease_until > $1";
    let rows: Vec<Row> = readable(&db.of_any_company(), "delivery", sql, values![now + USUAL_DIFFERENCE]).await?;
    // A lease that cannot be read is not renewed either: that is seen when it is looked at again.
    let lease = |row: Row| {
        let ends = row.lease_until.value().unwrap_or_default();
        (Claim { company: Some(CompanyId(row.company_id)), id: row.id, fence: row.fence }, ends)
    };
    Ok(rows.into_iter().map(lease).collect())
}

/// Returns these to the queue: their worker is gone.
pub async fn release_any_company(db: &Db, held: &[Claim], now: Instant) -> Result<usize, StoreError> {
    let tx = db.begin_write_any_company().await?;
    let released = DELIVERIES.finish(&tx, held, EXPIRED, values![now]).await?;
    tx.commit().await?;
    db.nudge();
    Ok(released.len())
}
