//! What a company wishes while one of its own accounts does not work.

use acuse_domain::failure_policy::{FailurePolicy, OnFailure, PatienceHours};
use acuse_domain::id::CompanyId;
use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::Actor;
use crate::db::{Db, StoreError, Tx};
use crate::events::{self, EventKind, differences};
use crate::sql::{Kept, Of, execute, join_addresses, one, values};
use crate::versions::{self, ChangeError, Expected, Versioned, for_update};

pub async fn policy(db: &Db, company: CompanyId) -> Result<FailurePolicy, StoreError> {
    policy_in(&db.of(company), company).await
}

pub(crate) async fn policy_in(conn: &impl ConnectionTrait, company: CompanyId) -> Result<FailurePolicy, StoreError> {
    Ok(versioned_policy_in(conn, company).await?.value)
}

/// With its version, for whoever is going to change it.
pub async fn versioned_policy(db: &Db, company: CompanyId) -> Result<Versioned<FailurePolicy>, StoreError> {
    versioned_policy_in(&db.of(company), company).await
}

async fn versioned_policy_in(conn: &impl ConnectionTrait, company: CompanyId) -> Result<Versioned<FailurePolicy>, StoreError> {
    let row: Option<Row> = one(conn, SELECT, values![company.0]).await?;
    let first = Versioned { value: FailurePolicy::default(), version: 1 };
    Ok(row.map_or(first, |row| row.into_policy(company)))
}

/// Changes it as it is now, for accounts that rest already too. Gives it as it is from then on.
pub async fn change_policy<Refused: Send>(
    db: &Db,
    by: &Actor,
    expected: &Expected,
    change: impl FnOnce(FailurePolicy) -> Result<FailurePolicy, Refused> + Send,
) -> Result<Versioned<FailurePolicy>, ChangeError<Refused>> {
    let tx = db.begin_write_for(by.company).await?;
    let changed = change_policy_in(&tx, by, expected, change).await;
    let changed = versions::end(tx, changed).await?;
    db.nudge();
    Ok(changed)
}

async fn change_policy_in<Refused>(
    tx: &Tx,
    by: &Actor,
    expected: &Expected,
    change: impl FnOnce(FailurePolicy) -> Result<FailurePolicy, Refused>,
) -> Result<Versioned<FailurePolicy>, ChangeError<Refused>> {
    let company = by.company;
    let sql = format!("{SELECT} {}", for_update(tx.as_conn()));
    let Some(row) = one::<Row>(tx.as_conn(), &sql, values![company.0]).await? else { return Err(ChangeError::NotFound) };
    let kept = row.into_policy(company);
    expected.check::<Refused>(kept.version)?;
    let policy = change(kept.value.clone()).map_err(ChangeError::Refused)?;
    // Letter by letter: an address in another case is the same one, and yet a change.
    if policy == kept.value && join_addresses(&policy.notify) == join_addresses(&kept.value.notify) {
        return Ok(kept);
    }
    let hours = match policy.on_failure {
        OnFailure::Wait => None,
        OnFailure::UseDefault { after } => Some(i32::from(after.get())),
    };
    let version = kept.version + 1;
    let sql = "UPDATE company SET fallback_after_hours = $2, failure_notices_to = $3, failure_policy_version = $4 WHERE id = $1";
    execute(tx.as_conn(), sql, values![company.0, hours, join_addresses(&policy.notify), version]).await?;
    let changes = differences::of_failure_policy(&kept.value, &policy);
    events::append_change(tx, by, company.0, EventKind::FailurePolicyChanged, crate::now(), "", &changes).await?;
    Ok(Versioned { value: policy, version })
}

const SELECT: &str = "SELECT fallback_after_hours, failure_notices_to, failure_policy_version FROM company WHERE id = $1";

#[derive(FromQueryResult)]
struct Row {
    fallback_after_hours: Kept<Option<i32>>,
    failure_notices_to: Kept<String>,
    failure_policy_version: Kept<i64>,
}

impl Row {
    fn into_policy(self, company: CompanyId) -> Versioned<FailurePolicy> {
        let of = Of { table: "company", id: company.0 };
        let after = of.kept("fallback_after_hours", self.fallback_after_hours).flatten();
        let after = after.and_then(|hours| PatienceHours::new(hours.into()));
        let notify = of.kept("failure_notices_to", self.failure_notices_to).unwrap_or_default();
        let policy = FailurePolicy {
            on_failure: after.map_or(OnFailure::Wait, |after| OnFailure::UseDefault { after }),
            notify: of.addresses("failure_notices_to", &notify),
        };
        Versioned { value: policy, version: of.kept("failure_policy_version", self.failure_policy_version).unwrap_or_default() }
    }
}
