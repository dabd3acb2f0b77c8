//! Envíos: queued with their payment, then moved only by the legal moves of `domain::delivery`.

mod accepted;
mod groups;
mod read;
mod resolve;
mod told;
mod undelivered;
mod void_notice;
mod work;

pub use accepted::{accepted_per_day, last_accepted_by_own};
pub use groups::{
    Resolution, SentBy, Stopped, Today, Undelivered, count_by_group, count_in_group, today_of_module, undelivered_any_company,
};
pub use read::{
    Attempt, By, Delivery, Filter, NEWEST, Unfinished, bounced_of, count, count_in, find, list, mails_sent, of_payments,
    problem_codes, queued_with, unfinished_any_company,
};
pub use resolve::resolve;
pub use told::{Standing, each_once, is_same_recipient};
pub use work::{
    Claimed, EarlierMail, LostLease, QueueKey, Recorded, Stamp, claim_due, claim_due_queued_until, queues_due_any_company,
    record_attempts, release_expired_any_company, renew, return_to_queue,
};

pub use crate::message_kind::{MessageKind, recipient_key};
pub(crate) use groups::condition as group_condition;
use read::find_in;
pub(crate) use told::{who_has_the_receipt, who_is_told};
pub(crate) use work::{DELIVERIES, EXPIRED, LONGEST_WAIT};

use acuse_domain::Instant;
use acuse_domain::delivery::State;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{CompanyId, DeliveryId, PaymentId};
use acuse_domain::mail_account::MailModule;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::Actor;
use crate::conditions::Conditions;
use crate::db::{Db, StoreError, Tx};
use crate::events::{self, EventKind};
use crate::idempotency::{self, ClaimError};
use crate::sql::{all, code, count as counted, execute, insert_rows, new_id, one, values};
use crate::versions::for_update;

/// What the deliveries of one act have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewDelivery {
    pub kind: MessageKind,
    pub module: MailModule,
    pub resend: Option<i32>,
    /// What it is sent in the place of.
    pub corrects: Option<DeliveryId>,
}

/// Queues one delivery per recipient; `first` is the id of the first.
pub(crate) async fn queue(
    tx: &Tx,
    company: CompanyId,
    payment: PaymentId,
    delivery: NewDelivery,
    recipients: &[EmailAddress],
    first: DeliveryId,
    now: Instant,
) -> Result<(), StoreError> {
    if recipients.is_empty() {
        return Ok(());
    }
    let queue = "INSERT INTO delivery_queue (company_id, module) VALUES ($1, $2) ON CONFLICT (company_id, module) DO NOTHING";
    execute(tx.as_conn(), queue, values![company.0, delivery.module.as_str()]).await?;
    let head = "INSERT INTO delivery (company_id, id, payment_id, kind, module, recipient, state, resend, corrects, queued_at,
        next_attempt_at, attempts, fence, recipient_key) VALUES";
    let row = |(index, recipient): (usize, &EmailAddress)| {
        values![
            company.0,
            if index == 0 { first.0 } else { new_id() },
            payment.0,
            delivery.kind.as_str(),
            delivery.module.as_str(),
            recipient.as_str(),
            State::Queued.as_str(),
            delivery.resend,
            delivery.corrects.map(|corrects| corrects.0),
            now,
            now,
            0_i32,
            0_i64,
            recipient_key(recipient.as_str())
        ]
    };
    insert_rows(tx.as_conn(), head, recipients.iter().enumerate().map(row).collect()).await
}

/// The number of the next reenvío; none if nothing of this payment was ever queued.
pub(crate) async fn next_resend(tx: &Tx, company: CompanyId, payment: PaymentId) -> Result<Option<i32>, StoreError> {
    #[derive(FromQueryResult)]
    struct Counted {
        queued: i64,
        last: i32,
    }
    let sql = "SELECT COUNT(*) AS queued, CAST(COALESCE(MAX(resend), 0) AS INTEGER) AS last FROM delivery
        WHERE company_id = $1 AND payment_id = $2";
    let counted: Option<Counted> = one(tx.as_conn(), sql, values![company.0, payment.0]).await?;
    Ok(counted.filter(|counted| counted.queued > 0).map(|counted| counted.last + 1))
}

/// Calls back the receipts of a payment that is voided. What is being sent ends as the receipt that it is, and is not
/// tried again.
pub(crate) async fn recall_receipts(tx: &Tx, company: CompanyId, payment: PaymentId, now: Instant) -> Result<(), StoreError> {
    #[derive(FromQueryResult)]
    struct Held {
        #[expect(dead_code, reason = "only the locks are wanted")]
        id: Uuid,
    }
    // In the order in which workers write outcomes, so that neither waits for the other.
    let sql =
        format!("SELECT id FROM delivery WHERE company_id = $1 AND payment_id = $2 ORDER BY id {}", for_update(tx.as_conn()));
    all::<Held>(tx.as_conn(), &sql, values![company.0, payment.0]).await?;
    let sql = "UPDATE delivery SET recalled = $4, next_attempt_at = NULL,
            state = CASE WHEN state = 'sending' THEN state ELSE 'cancelled' END,
            finished_at = CASE WHEN state = 'sending' THEN finished_at ELSE $3 END
        WHERE company_id = $1 AND payment_id = $2 AND kind = 'receipt' AND state IN ('queued', 'deferred', 'in_doubt', 'sending')";
    execute(tx.as_conn(), sql, values![company.0, payment.0, now, true]).await?;
    Ok(())
}

#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error("there is no such delivery")]
    NotFound,
    /// It stands where this is not possible.
    #[error("a delivery that is {0:?} does not allow this")]
    NotNow(State),
    /// It is the receipt of a payment that is voided: that goes out no more.
    #[error("the payment is voided")]
    Voided,
    /// Somebody acted on the payment since it was read.
    #[error("the payment was changed since")]
    Changed,
    /// More than [`LONGEST_REASON`](acuse_domain::payment::LONGEST_REASON) letters.
    #[error("the reason is too long")]
    ReasonTooLong,
    #[error(transparent)]
    Once(#[from] ClaimError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Tries again at once: what waits, what failed, what bounced.
pub async fn retry(db: &Db, by: &Actor, id: DeliveryId, conditions: &Conditions, now: Instant) -> Result<(), MoveError> {
    let tx = db.begin_write_for(by.company).await?;
    let moved = match idempotency::claim(&tx, by.company, conditions.once.as_ref(), id.0, now).await? {
        Some(_) => Ok(()),
        None => retry_in(&tx, by, id, conditions, now).await,
    };
    end_move(db, tx, moved).await
}

/// A refusal is told when what it was decided on is on the disk.
async fn end_move(db: &Db, tx: Tx, moved: Result<(), MoveError>) -> Result<(), MoveError> {
    match moved {
        Ok(()) => tx.commit().await?,
        Err(_) => tx.undo().await?,
    }
    db.nudge();
    moved
}

async fn retry_in(tx: &Tx, by: &Actor, id: DeliveryId, conditions: &Conditions, now: Instant) -> Result<(), MoveError> {
    let held = hold(tx, by.company, id).await?;
    if held.is_void_receipt {
        return Err(MoveError::Voided);
    }
    if held.state != State::Queued && !held.state.may_become(State::Queued) || held.state == State::Sending {
        return Err(MoveError::NotNow(held.state));
    }
    if held.state == State::Queued && held.next_attempt_at.is_some_and(|at| at <= now) {
        // Due already: who asked first asked for this too.
        return Ok(());
    }
    if !conditions.is_up_to_date(tx, by.company, held.payment).await? {
        return Err(MoveError::Changed);
    }
    let sql = "UPDATE delivery SET state = 'queued', next_attempt_at = $3, finished_at = NULL, attempts = CASE
            WHEN state IN ('failed', 'bounced') THEN 0 ELSE attempts END, queued_at = CASE
            WHEN state IN ('failed', 'bounced') THEN $3 ELSE queued_at END, queued_fence = CASE
            WHEN state IN ('failed', 'bounced') THEN fence ELSE queued_fence END,
            resolved_at = NULL, resolved_by = NULL, resolved_reason = NULL
        WHERE company_id = $1 AND id = $2 AND state = $4";
    let moved = execute(tx.as_conn(), sql, values![by.company.0, id.0, now, held.state.as_str()]).await?;
    if moved != 1 {
        return Err(MoveError::NotNow(held.state));
    }
    events::append(tx, by, held.payment, EventKind::DeliveryRetried, now, &held.recipient).await?;
    Ok(())
}

/// Cancels what waits.
pub async fn cancel(db: &Db, by: &Actor, id: DeliveryId, conditions: &Conditions, now: Instant) -> Result<(), MoveError> {
    let tx = db.begin_write_for(by.company).await?;
    let moved = match idempotency::claim(&tx, by.company, conditions.once.as_ref(), id.0, now).await? {
        Some(_) => Ok(()),
        None => cancel_in(&tx, by, id, conditions, now).await,
    };
    end_move(db, tx, moved).await
}

async fn cancel_in(tx: &Tx, by: &Actor, id: DeliveryId, conditions: &Conditions, now: Instant) -> Result<(), MoveError> {
    let held = hold(tx, by.company, id).await?;
    if !held.state.can_be_cancelled() {
        return Err(MoveError::NotNow(held.state));
    }
    if !conditions.is_up_to_date(tx, by.company, held.payment).await? {
        return Err(MoveError::Changed);
    }
    let sql = "UPDATE delivery SET state = 'cancelled', next_attempt_at = NULL, finished_at = $3
        WHERE company_id = $1 AND id = $2 AND state = $4";
    if execute(tx.as_conn(), sql, values![by.company.0, id.0, now, held.state.as_str()]).await? != 1 {
        return Err(MoveError::NotNow(held.state));
    }
    events::append(tx, by, held.payment, EventKind::DeliveryCancelled, now, &held.recipient).await?;
    Ok(())
}

pub(crate) struct Held {
    id: DeliveryId,
    state: State,
    corrects: Option<Uuid>,
    /// The receipt of a payment that is voided by now.
    pub is_void_receipt: bool,
    pub payment: Uuid,
    pub recipient: String,
    next_attempt_at: Option<Instant>,
}

impl Held {
    /// What the mail to a corrected address stands for: of a correction of a correction, the first one.
    pub(crate) fn first_wrong(&self) -> DeliveryId {
        self.corrects.map_or(self.id, DeliveryId)
    }
}

/// Whom a delivery is for, and of which payment.
pub(crate) async fn addressed(tx: &Tx, company: CompanyId, id: DeliveryId) -> Result<Option<Held>, StoreError> {
    match hold(tx, company, id).await {
        Ok(held) => Ok(Some(held)),
        Err(MoveError::Store(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// How many corrections of a delivery to this address did not arrive either.
pub(crate) async fn failed_corrections(
    tx: &Tx,
    company: CompanyId,
    of: DeliveryId,
    to: &EmailAddress,
) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) AS n FROM delivery WHERE company_id = $1 AND corrects = $2 AND recipient_key = $3
        AND payment_id = (SELECT f.payment_id FROM delivery f WHERE f.company_id = $1 AND f.id = $2)
        AND state IN ('failed', 'bounced')";
    counted(tx.as_conn(), sql, values![company.0, of.0, recipient_key(to.as_str())]).await
}

async fn hold(tx: &Tx, company: CompanyId, id: DeliveryId) -> Result<Held, MoveError> {
    #[derive(FromQueryResult)]
    struct Row {
        state: String,
        kind: String,
        payment_id: Uuid,
        recipient: String,
        next_attempt_at: Option<Instant>,
        voided_at: Option<Instant>,
        corrects: Option<Uuid>,
    }
    let sql = "SELECT d.corrects, d.state, d.kind, d.payment_id, d.recipient, d.next_attempt_at, p.voided_at FROM delivery d
        JOIN payment p ON p.company_id = d.company_id AND p.id = d.payment_id WHERE d.company_id = $1 AND d.id = $2";
    let row: Row = one(tx.as_conn(), sql, values![company.0, id.0]).await?.ok_or(MoveError::NotFound)?;
    Ok(Held {
        id,
        corrects: row.corrects,
        state: code(&row.state, State::parse)?,
        is_void_receipt: row.voided_at.is_some() && code(&row.kind, MessageKind::parse)? == MessageKind::Receipt,
        payment: row.payment_id,
        recipient: row.recipient,
        next_attempt_at: row.next_attempt_at,
    })
}
