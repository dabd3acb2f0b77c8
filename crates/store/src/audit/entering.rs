//! Who came in, and who did not.

use std::net::IpAddr;

use acuse_domain::Instant;
use acuse_domain::id::CompanyId;
use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::Actor;
use crate::db::{Db, StoreError, Tx};
use crate::events::{self, Changes, EventKind};
use crate::sessions;
use crate::sql::{all, count, values};

/// Of one person's, that somebody had to wait is written down once within this time: a flood is refused without a write.
const ONCE_WITHIN: TimeDelta = TimeDelta::minutes(15);

/// Notes that a session began.
pub(crate) async fn note_entered(tx: &Tx, session: &str, now: Instant) -> Result<(), StoreError> {
    let Some(by) = sessions::actor(tx, session).await? else { return Ok(()) };
    let subject = by.identity.id().unwrap_or_default();
    events::append_named(tx, &by, (subject, &by.name), EventKind::LoginEntered, now, "", &Changes::new()).await
}

/// Notes in each of a person's companies that somebody did not get in as them. Nobody waits for it: an answer that came later
/// for who exists would tell who does.
pub(crate) fn note_not_entered(db: &Db, person: Option<Uuid>, kind: EventKind, source: Option<IpAddr>, now: Instant) {
    let Some(person) = person else { return };
    let db = db.clone();
    tokio::spawn(async move {
        if let Err(error) = not_entered(&db, person, kind, source, now).await {
            tracing::error!("A login that failed does not stand in the history: {error}");
        }
    });
}

async fn not_entered(db: &Db, person: Uuid, kind: EventKind, source: Option<IpAddr>, now: Instant) -> Result<(), StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        company_id: Uuid,
    }
    let companies: Vec<Row> =
        all(&db.of_any_company(), "SELECT company_id FROM membership WHERE person_id = $1", values![person]).await?;
    for row in companies {
        if kind == EventKind::LoginThrottled && is_noted(db, row.company_id, person, now).await? {
            continue;
        }
        let tx = db.begin_write_any_company().await?;
        events::append(&tx, &Actor::unknown(CompanyId(row.company_id), source), person, kind, now, "").await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn is_noted(db: &Db, company: Uuid, person: Uuid, now: Instant) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) AS n FROM event WHERE company_id = $1 AND subject_id = $2 AND kind = $3 AND at > $4";
    let asked = values![company, person, EventKind::LoginThrottled.as_str(), now - ONCE_WITHIN];
    Ok(count(&db.of_any_company(), sql, asked).await? > 0)
}
