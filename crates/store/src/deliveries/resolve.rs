//! «Dar por resuelto»: a person says that nobody has to act on what did not arrive.

use acuse_domain::Instant;
use acuse_domain::id::DeliveryId;
use acuse_domain::payment::LONGEST_REASON;
use acuse_domain::text;

use super::{MoveError, find_in, hold};
use crate::Actor;
use crate::conditions::Conditions;
use crate::db::{Db, Tx};
use crate::events::{self, EventKind};
use crate::idempotency;
use crate::sql::{execute, values};

/// Closes what failed or bounced. Whatever else closed it meanwhile is as good: then nothing happens.
pub async fn resolve(
    db: &Db,
    by: &Actor,
    id: DeliveryId,
    reason: Option<&str>,
    conditions: &Conditions,
    now: Instant,
) -> Result<(), MoveError> {
    let tx = db.begin_write_for(by.company).await?;
    if idempotency::claim(&tx, by.company, conditions.once.as_ref(), id.0, now).await?.is_none() {
        resolve_in(&tx, by, id, reason, now).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn resolve_in(tx: &Tx, by: &Actor, id: DeliveryId, reason: Option<&str>, now: Instant) -> Result<(), MoveError> {
    let reason = text::optional(reason);
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > LONGEST_REASON) {
        return Err(MoveError::ReasonTooLong);
    }
    let held = hold(tx, by.company, id).await?;
    if !held.state.needs_a_person() {
        return Err(MoveError::NotNow(held.state));
    }
    if find_in(tx.as_conn(), by.company, id).await?.is_some_and(|found| found.resolution.is_some()) {
        return Ok(());
    }
    let sql = "UPDATE delivery SET resolved_at = $3, resolved_by = $4, resolved_reason = $5
        WHERE company_id = $1 AND id = $2 AND state = $6 AND resolved_at IS NULL";
    let row = values![by.company.0, id.0, now, by.name.as_str(), reason.clone(), held.state.as_str()];
    if execute(tx.as_conn(), sql, row).await? != 1 {
        let now = hold(tx, by.company, id).await?.state;
        // Somebody else said so at the same moment.
        return if now == held.state { Ok(()) } else { Err(MoveError::NotNow(now)) };
    }
    let detail = reason.map_or(held.recipient.clone(), |reason| format!("{}: {reason}", held.recipient));
    events::append(tx, by, held.payment, EventKind::DeliveryResolved, now, &detail).await?;
    Ok(())
}
