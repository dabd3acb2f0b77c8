//! Questions about what was accepted, by the day and by whom.

use acuse_domain::Instant;
use acuse_domain::id::CompanyId;
use acuse_domain::mail_account::MailModule;
use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::SentBy;
use crate::db::{Db, StoreError};
use crate::sql::{Kept, all, one, values};

/// A delivery may be accepted so long after it was queued, and still be counted: retries end after two days, and an account
/// is seldom left broken for a month.
const LONGEST_WAY: TimeDelta = TimeDelta::days(30);

/// How many deliveries of a module were accepted through an account on each of so many days, the last of which began at
/// `today`.
pub async fn accepted_per_day(
    db: &Db,
    company: CompanyId,
    module: MailModule,
    by: SentBy<'_>,
    today: Instant,
    days: usize,
) -> Result<Vec<i64>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        day: i32,
        n: i64,
    }
    let begins: Vec<Instant> = (0..days).rev().map(|back| today - TimeDelta::days(i64::try_from(back).unwrap_or(0))).collect();
    let first = begins.first().copied().unwrap_or(today);
    let branch = |day: usize| format!(" WHEN finished_at < ${} THEN {}", day + 7, day);
    let branches: String = (0..begins.len()).map(branch).collect();
    let sql = format!(
        "SELECT CASE{branches} ELSE -1 END AS day, COUNT(*) AS n FROM delivery
        WHERE company_id = $1 AND state = 'accepted' AND id >= $2 AND finished_at >= $3 AND module = $4 AND account_source = $5
        AND ($6 IS NULL OR LOWER(account_from) = LOWER($6)) GROUP BY 1"
    );
    let (source, address) = by.columns();
    let mut asked = values![company.0, earliest_id(first - LONGEST_WAY), first, module.as_str(), source, address];
    asked.extend(begins.iter().map(|begin| sea_orm::Value::from(*begin + TimeDelta::days(1))));
    let mut counts = vec![0; days];
    for row in all::<Row>(&db.of(company), &sql, asked).await? {
        if let Some(place) = usize::try_from(row.day).ok().and_then(|day| counts.get_mut(day)) {
            *place = row.n;
        }
    }
    Ok(counts)
}

/// When a module's newest deliveries were last accepted through an account of the company's own.
pub async fn last_accepted_by_own(db: &Db, company: CompanyId, module: MailModule) -> Result<Option<Instant>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        at: Kept<Option<Instant>>,
    }
    // The newest by their queueing: with the index's order, and so without reading all that was ever sent.
    let sql = "SELECT MAX(newest.finished_at) AS at FROM (SELECT finished_at FROM delivery WHERE company_id = $1
        AND state = 'accepted' AND module = $2 AND account_source = 'company' ORDER BY id DESC LIMIT 50) AS newest";
    Ok(one::<Row>(&db.of(company), sql, values![company.0, module.as_str()]).await?.and_then(|row| row.at.or(None)))
}

/// The lowest id that a record of this moment could have.
fn earliest_id(at: Instant) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}
