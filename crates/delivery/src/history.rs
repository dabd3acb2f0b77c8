//! Once a day every company's history is compared with its seals.

use acuse_domain::{Instant, local_time};
use acuse_store::metrics::gauge;
use acuse_store::{Db, StoreError, audit};
use chrono::{SubsecRound, TimeDelta, Timelike};

/// When few people work.
const HOUR_IN_ECUADOR: u32 = 3;

/// Does nothing where it was done since the last time that it was due.
pub async fn check(db: &Db, now: Instant) -> Result<(), StoreError> {
    let chains = audit::verify_due_any_company(db, last_due(now), now).await?;
    if chains.is_empty() {
        return Ok(());
    }
    let altered: Vec<_> = chains.iter().filter(|chain| !chain.findings.is_empty()).collect();
    for chain in &altered {
        let first = chain.findings.first().map(ToString::to_string).unwrap_or_default();
        tracing::error!(company.id = %chain.company, "The history is not what was sealed: {first}; see «acuse audit verify»");
    }
    gauge("acuse_history_faults", &[], altered.len() as u64);
    tracing::info!("The history of {} companies was compared with its seals", chains.len());
    Ok(())
}

fn last_due(now: Instant) -> Instant {
    let (now, local) = (now.trunc_subsecs(0), local_time(now));
    let since_midnight = TimeDelta::seconds(i64::from(local.num_seconds_from_midnight()));
    let today = now - since_midnight + TimeDelta::hours(HOUR_IN_ECUADOR.into());
    if today <= now { today } else { today - TimeDelta::days(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_at_three_in_the_morning_of_ecuador() {
        let due = |now: &str| last_due(now.parse().expect("an instant")).to_rfc3339();
        assert_eq!(due("2026-11-24T08:00:00Z"), "2026-11-24T08:00:00+00:00");
        assert_eq!(due("2026-11-24T07:59:59Z"), "2026-11-23T08:00:00+00:00");
        assert_eq!(due("2026-11-25T04:30:00Z"), "2026-11-24T08:00:00+00:00", "half past eleven at night");
    }
}
