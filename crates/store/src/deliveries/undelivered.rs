//! What did not arrive stands in the history of the company.

use acuse_domain::Instant;
use acuse_domain::delivery::State;
use sea_orm::FromQueryResult;

use super::Recorded;
use crate::Actor;
use crate::db::{StoreError, Tx};
use crate::events::{self, Changes, EventKind};
use crate::sql::{Kept, one, values};

/// Notes that Acuse found that a mail does not arrive. Of every other outcome nothing.
pub(super) async fn note(tx: &Tx, attempt: &Recorded, now: Instant) -> Result<(), StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        recipient: Kept<String>,
    }
    let state = attempt.next.state();
    let kind = match state {
        State::Bounced => EventKind::MailBounced,
        State::Failed => EventKind::MailFailed,
        _ => return Ok(()),
    };
    let sql = "SELECT recipient FROM delivery WHERE company_id = $1 AND id = $2";
    let row: Option<Row> = one(tx.as_conn(), sql, values![attempt.company.0, attempt.id.0]).await?;
    let recipient = row.and_then(|row| row.recipient.value()).unwrap_or_default();
    let changes = Changes::new().set("Envío", state.word()).set("Servidor", &attempt.reply);
    events::append_change(tx, &Actor::acuse(attempt.company), attempt.id.0, kind, now, &recipient, &changes).await
}
