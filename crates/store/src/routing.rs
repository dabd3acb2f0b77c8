//! What a company wishes while one of its own accounts does not work.

use acuse_domain::failure_policy::{FailurePolicy, OnFailure, PatienceHours};
use acuse_domain::id::CompanyId;
use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::Actor;
use crate::db::{Db, StoreError};
use crate::sql::{Of, execute, join_addresses, one, values};

pub async fn policy(db: &Db, company: CompanyId) -> Result<FailurePolicy, StoreError> {
    policy_in(db.reader(), company).await
}

pub(crate) async fn policy_in(conn: &impl ConnectionTrait, company: CompanyId) -> Result<FailurePolicy, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        fallback_after_hours: Option<i32>,
        failure_notices_to: String,
    }
    let sql = "SELECT fallback_after_hours, failure_notices_to FROM company WHERE id = $1";
    let Some(row) = one::<Row>(conn, sql, values![company.0]).await? else { return Ok(FailurePolicy::default()) };
    let after = row.fallback_after_hours.and_then(|hours| PatienceHours::new(hours.into()));
    let of = Of { table: "company", id: company.0 };
    Ok(FailurePolicy {
        on_failure: after.map_or(OnFailure::Wait, |after| OnFailure::UseDefault { after }),
        notify: of.addresses("failure_notices_to", &row.failure_notices_to),
    })
}

/// Changes it, for accounts that rest already too.
pub async fn change_policy(db: &Db, by: &Actor, policy: &FailurePolicy) -> Result<(), StoreError> {
    let hours = match policy.on_failure {
        OnFailure::Wait => None,
        OnFailure::UseDefault { after } => Some(i32::from(after.get())),
    };
    let tx = db.begin_write().await?;
    let sql = "UPDATE company SET fallback_after_hours = $2, failure_notices_to = $3 WHERE id = $1";
    execute(tx.as_conn(), sql, values![by.company.0, hours, join_addresses(&policy.notify)]).await?;
    tx.commit().await?;
    db.nudge();
    Ok(())
}
