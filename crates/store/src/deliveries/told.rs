//! Who has a payment's receipt, and who was told that it is void.

use std::collections::HashSet;

use acuse_domain::Instant;
use acuse_domain::delivery::State;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{CompanyId, PaymentId};
use acuse_domain::text;
use sea_orm::FromQueryResult;

use crate::db::{StoreError, Tx};
use crate::message_kind::{MessageKind, recipient_key};
use crate::sql::{readable, values};

/// Where a delivery stands, as far as it decides who has the receipt and who was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub kind: MessageKind,
    pub state: State,
    /// The server of an earlier attempt may have taken it.
    pub may_have_arrived: bool,
}

impl Standing {
    fn parse(kind: &str, state: &str, may_have_arrived: bool) -> Option<Self> {
        Some(Self { kind: MessageKind::parse(kind)?, state: State::parse(state)?, may_have_arrived })
    }

    /// Its recipient has the receipt, or may have it: what is under way or was once in doubt counts.
    #[must_use]
    pub fn may_have_brought_the_receipt(self) -> bool {
        self.brought_the_receipt() || self.kind == MessageKind::Receipt && self.state == State::Sending
    }

    /// «Se lo enviamos» may be said of it: a server took it, or may have.
    #[must_use]
    pub fn brought_the_receipt(self) -> bool {
        let is_there = matches!(self.state, State::Accepted | State::InDoubt);
        self.kind == MessageKind::Receipt && (is_there || self.may_have_arrived && self.state != State::Bounced)
    }

    /// Its recipient was told that the receipt is void, or is being told.
    #[must_use]
    pub fn tells_of_the_void(self) -> bool {
        let is_gone = matches!(self.state, State::Failed | State::Bounced | State::Cancelled);
        self.kind == MessageKind::VoidNotice && (!is_gone || self.may_have_arrived && self.state != State::Bounced)
    }
}

/// Whether two spellings name the same recipient.
#[must_use]
pub fn is_same_recipient(one: &str, other: &str) -> bool {
    text::is_same(one, other)
}

/// The first of each recipient.
pub fn each_once<T>(all: impl IntoIterator<Item = T>, address: impl Fn(&T) -> &str) -> Vec<T> {
    let mut known = HashSet::new();
    all.into_iter().filter(|one| known.insert(recipient_key(address(one)))).collect()
}

pub(crate) async fn who_has_the_receipt(
    tx: &Tx,
    company: CompanyId,
    payment: PaymentId,
) -> Result<Vec<EmailAddress>, StoreError> {
    recipients_of(tx, company, payment, Standing::may_have_brought_the_receipt).await
}

pub(crate) async fn who_is_told(tx: &Tx, company: CompanyId, payment: PaymentId) -> Result<Vec<EmailAddress>, StoreError> {
    recipients_of(tx, company, payment, Standing::tells_of_the_void).await
}

async fn recipients_of(
    tx: &Tx,
    company: CompanyId,
    payment: PaymentId,
    of: impl Fn(Standing) -> bool,
) -> Result<Vec<EmailAddress>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        recipient: String,
        kind: String,
        state: String,
        may_have_arrived: bool,
    }
    // Whatever else of a delivery cannot be read, who has the receipt is told.
    let sql = "SELECT id, recipient, kind, state, may_have_arrived FROM delivery
        WHERE company_id = $1 AND payment_id = $2 ORDER BY id";
    let rows: Vec<Row> = readable(tx.as_conn(), "delivery", sql, values![company.0, payment.0]).await?;
    let is_such = |row: &Row| Standing::parse(&row.kind, &row.state, row.may_have_arrived).is_some_and(&of);
    let such = rows.into_iter().filter(is_such).map(|row| row.recipient);
    // What is no address had nothing.
    Ok(each_once(such, String::as_str).iter().filter_map(|recipient| recipient.parse().ok()).collect())
}

/// A delivery of a payment, as far as a later mail to its recipient speaks of it.
pub(super) struct Earlier {
    pub recipient: String,
    pub standing: Standing,
    /// Its payment was voided while it was on its way.
    pub recalled: bool,
    pub queued_at: Instant,
    pub finished_at: Option<Instant>,
    pub message_id: Option<String>,
}

/// The deliveries of a payment, the first first.
pub(super) async fn standings(tx: &Tx, company: CompanyId, payment: PaymentId) -> Result<Vec<Earlier>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        recipient: String,
        kind: String,
        state: String,
        may_have_arrived: bool,
        recalled: bool,
        queued_at: Instant,
        finished_at: Option<Instant>,
        message_id: Option<String>,
    }
    let sql = "SELECT id, recipient, kind, state, may_have_arrived, recalled, queued_at, finished_at, message_id FROM delivery
        WHERE company_id = $1 AND payment_id = $2 ORDER BY id";
    let rows: Vec<Row> = readable(tx.as_conn(), "delivery", sql, values![company.0, payment.0]).await?;
    let known = |row: Row| {
        let Row { recipient, kind, state, may_have_arrived, recalled, queued_at, finished_at, message_id } = row;
        let standing = Standing::parse(&kind, &state, may_have_arrived)?;
        Some(Earlier { recipient, standing, recalled, queued_at, finished_at, message_id })
    };
    Ok(rows.into_iter().filter_map(known).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_to_have_been_sent_is_told_of_and_no_notice_is_a_receipt() {
        for state in State::ALL {
            for may_have_arrived in [false, true] {
                let of = |kind| Standing { kind, state, may_have_arrived };
                let (receipt, notice) = (of(MessageKind::Receipt), of(MessageKind::VoidNotice));
                let has_it = receipt.may_have_brought_the_receipt();
                assert!(has_it || !receipt.brought_the_receipt(), "{receipt:?}");
                assert_eq!(has_it && !receipt.brought_the_receipt(), state == State::Sending && !may_have_arrived, "{receipt:?}");
                assert!(!notice.may_have_brought_the_receipt() && !receipt.tells_of_the_void());
                // Where no answer was lost, only what a server took or may take has arrived.
                let arrived = matches!(state, State::Accepted | State::InDoubt | State::Sending);
                assert_eq!(has_it, arrived || may_have_arrived && state != State::Bounced, "{receipt:?}");
                let is_told = !matches!(state, State::Failed | State::Bounced | State::Cancelled);
                assert_eq!(notice.tells_of_the_void(), is_told || may_have_arrived && state != State::Bounced, "{notice:?}");
            }
        }
    }

    #[test]
    fn spellings_of_one_address_are_one_recipient_and_the_first_is_kept() {
        let typed = ["Bodega@RioDaule.ec", "bodega@riodaule.ec", "Ñandú@café.ec", "ñandú@CAFE\u{301}.ec", "otra@riodaule.ec"];
        assert_eq!(each_once(typed, |address| address), ["Bodega@RioDaule.ec", "Ñandú@café.ec", "otra@riodaule.ec"]);
    }
}
