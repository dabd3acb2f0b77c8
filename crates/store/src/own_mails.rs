//! What the queues of our own mails have in common: those to whoever looks after an account (`notices`), and those to people
//! about how they come in (`user_mails`). A server that may have one of them is never given it a second time.

use acuse_domain::Instant;
use chrono::TimeDelta;

use crate::claims::{Claim, Queue};
use crate::db::{Db, StoreError};
use crate::sql::values;

/// A server was given the mail, and nobody came back to say how it ended.
const LOST_AFTER: TimeDelta = TimeDelta::minutes(30);
/// News that could not be told for so long is none any more; the pages have it.
pub(crate) const STAYS_NEWS: TimeDelta = TimeDelta::hours(24);

/// A queue of mails that wait by `state` and `next_attempt_at`.
pub(crate) const fn queue(
    table: &'static str,
    key: &'static [&'static str],
    expired: &'static str,
    gives: &'static str,
) -> Queue {
    Queue {
        table,
        key,
        due: "state = 'queued' AND next_attempt_at <= $1",
        order: "next_attempt_at, id",
        claimed: "lease_until = $2, state = 'sending', attempts = attempts + 1, next_attempt_at = NULL",
        lease: "lease_until",
        is_held: "state = 'sending'",
        expired: Some(expired),
        gives,
    }
}

/// Notes that the server is given the mail now. Tells no where the lease was lost: then it must not be given.
pub(crate) async fn hand_over(queue: &Queue, db: &Db, claim: Claim, now: Instant) -> Result<bool, StoreError> {
    // Its holder is in time to give it to a server.
    let not_handed_over = Queue { is_held: "state = 'sending' AND handed_over_at IS NULL AND lease_until >= $1", ..*queue };
    let tx = db.begin_write_any_company().await?;
    let set = "handed_over_at = $1, lease_until = $2";
    let ours = not_handed_over.change(&tx, &[claim], set, values![now, now + LOST_AFTER]).await?;
    tx.commit().await?;
    Ok(!ours.is_empty())
}

/// How a mail went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    Accepted,
    /// A server may have it.
    InDoubt,
    /// It will not be taken.
    Failed,
    /// No server has it: it goes out at this moment.
    Again {
        at: Instant,
    },
}

impl Told {
    /// The state of its row from then on.
    pub(crate) const fn state(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::InDoubt => "in_doubt",
            Self::Failed => "failed",
            Self::Again { .. } => "queued",
        }
    }
}
