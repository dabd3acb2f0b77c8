//! Cobros and pagos: recorded and voided whole, in one transaction each.

mod filter;
mod overview;
mod read;
mod resend;
mod twins;

pub use filter::{By, Filter, LAST_RECORDED};
pub use overview::{Totals, methods_of, totals};
pub use read::{
    OfDocument, Recorded, RecordedAllocation, Summary, find, list, open_advances, receipt, receipt_logo, with_document,
};
pub use resend::{CardFull, ResendError, correct_and_resend, resend, resend_and_change_contact};

pub use twins::doubts;

use acuse_domain::contact::{Contact, ContactDetails};
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{ContactId, DeliveryId, DocumentId, PaymentId};
use acuse_domain::mail_account::MailModule;
use acuse_domain::money::Money;
use acuse_domain::number::ReceiptNumber;
use acuse_domain::payment::Notify;
use acuse_domain::payment::{
    Advance, Answered, AppliedPayment, Direction, Doubt, NewPayment, Refusal, Status, VoidRefusal, may_void, paper_key,
};
use acuse_domain::receipt::{Facts, Receipt};
use acuse_domain::{Date, Instant, day_in_ecuador};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use crate::conditions::Conditions;
use crate::db::{Db, StoreError, Tx};
use crate::deliveries::{self, MessageKind, NewDelivery};
use crate::events::{self, Changes, EventKind};
use crate::idempotency::{self, ClaimError, Once};
use crate::receipts::number;
use crate::sql::{all, execute, insert_rows, new_id, one, places, values};
use crate::{Actor, companies, contacts, documents, numbers};

#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("there is no such person")]
    ContactNotFound,
    /// The receipt was to be sent, and nobody knows where.
    #[error("the person has no address")]
    ContactHasNoEmail,
    #[error("{0}")]
    Refused(Refusal),
    /// It is probably a slip, and nobody has said that it is meant.
    #[error("{} doubts", .0.len())]
    Doubtful(Vec<Doubt>),
    #[error(transparent)]
    Once(#[from] ClaimError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Records a payment: its lines, allocations and number, the new balances, the frozen receipt and one delivery per
/// recipient, together or not at all. Errs with what is probably a slip and was not answered.
pub async fn record(
    db: &Db,
    by: &Actor,
    payment: NewPayment,
    notify: &Notify,
    answered: &Answered,
    once: Option<&Once>,
    now: Instant,
) -> Result<PaymentId, RecordError> {
    let tx = db.begin_write_for(by.company).await?;
    // Taking the number first locks the direction's ledger: balances read from here on cannot move, and ids grow as numbers do.
    let number = numbers::next(&tx, by.company, payment.direction).await?;
    let id = PaymentId(new_id());
    if let Some(earlier) = idempotency::claim(&tx, by.company, once, id.0, now).await? {
        // Gives the number back: a request that is repeated leaves no gap.
        tx.undo().await?;
        return Ok(PaymentId(earlier));
    }
    let contact = contacts::find_in(tx.as_conn(), by.company, payment.contact).await?.ok_or(RecordError::ContactNotFound)?;
    let recipients = recipients(notify, &contact.details, payment.direction)?;
    let applied = apply(&tx, by, payment, day_in_ecuador(now)).await?;
    ask(&tx, by, number, &applied, answered).await?;
    let receipt = freeze(&tx, by, &contact, number, &applied).await?;
    save(&tx, by, id, number, &applied, &receipt, now).await?;
    documents::take(&tx, by.company, &applied.allocations).await?;
    use_advances(&tx, by, &applied).await?;
    let delivery = NewDelivery {
        kind: MessageKind::Receipt,
        module: MailModule::of_payments(number.direction),
        resend: None,
        corrects: None,
    };
    deliveries::queue(&tx, by.company, id, delivery, &recipients, DeliveryId(new_id()), now).await?;
    let changes = Changes::new().set("Valor", applied.sums.total).set("Persona", &contact.details.name);
    let (subject, sends) = ((id.0, number.to_string()), recipients.len().to_string());
    let kind = EventKind::PaymentRecorded;
    events::append_named(&tx, by, (subject.0, &subject.1), kind, now, &sends, &changes).await?;
    tx.commit().await?;
    db.nudge();
    Ok(id)
}

fn recipients(notify: &Notify, contact: &ContactDetails, direction: Direction) -> Result<Vec<EmailAddress>, RecordError> {
    match notify {
        Notify::Nobody => Ok(Vec::new()),
        Notify::Addresses(addresses) if !addresses.is_empty() => Ok(without_repeats(addresses)),
        // What cannot be read of a person's card is no address; the card says so.
        Notify::Addresses(_) | Notify::Contact => match without_repeats(contact.receipt_recipients(direction)) {
            none if none.is_empty() => Err(RecordError::ContactHasNoEmail),
            own => Ok(own),
        },
    }
}

fn without_repeats(addresses: &[EmailAddress]) -> Vec<EmailAddress> {
    let readable = addresses.iter().filter(|address| address.is_readable()).cloned();
    deliveries::each_once(readable, EmailAddress::as_str)
}

async fn apply(tx: &Tx, by: &Actor, payment: NewPayment, today: Date) -> Result<AppliedPayment, RecordError> {
    let named: Vec<DocumentId> = payment.allocations.iter().map(|allocation| allocation.document).collect();
    let open = documents::find_many(tx.as_conn(), by.company, &named).await?;
    let advances = advances_named(tx, by, &payment).await?;
    payment.apply_to(&open, &advances, today).map_err(RecordError::Refused)
}

async fn ask(
    tx: &Tx,
    by: &Actor,
    number: ReceiptNumber,
    applied: &AppliedPayment,
    answered: &Answered,
) -> Result<(), RecordError> {
    if *answered == Answered::All {
        return Ok(());
    }
    let mut doubts = applied.doubts();
    let payment = &applied.payment;
    let sought =
        twins::Sought { number, contact: payment.contact, date: payment.date, total: applied.sums.total, lines: &payment.lines };
    doubts.extend(twins::find(tx.as_conn(), by.company, &sought).await?.map(Doubt::LikelyTwin));
    match answered.open(doubts) {
        open if open.is_empty() => Ok(()),
        open => Err(RecordError::Doubtful(open)),
    }
}

async fn advances_named(tx: &Tx, by: &Actor, payment: &NewPayment) -> Result<Vec<Advance>, StoreError> {
    let ids: Vec<PaymentId> = payment.advance_ids().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = places(1, ids.len());
    let sql = format!("{ADVANCE} WHERE company_id = $1 AND voided_at IS NULL AND id IN ({list})");
    let mut asked: Vec<Value> = values![by.company.0];
    asked.extend(ids.iter().map(|id| Value::from(id.0)));
    Ok(all::<AdvanceRow>(tx.as_conn(), &sql, asked).await?.into_iter().map(AdvanceRow::into_advance).collect())
}

async fn freeze(
    tx: &Tx,
    by: &Actor,
    contact: &Contact,
    number: ReceiptNumber,
    applied: &AppliedPayment,
) -> Result<Receipt, StoreError> {
    let company =
        companies::find_in(tx.as_conn(), by.company).await?.ok_or_else(|| StoreError::unreadable("the company is gone"))?;
    // A receipt says for ever what it says: nothing stands in the place of what cannot be read.
    if !company.profile.undecoded.is_empty() || !contact.details.undecoded.is_empty() {
        return Err(StoreError::unreadable(format!("company {} or contact {}", company.id, contact.id)));
    }
    let facts = Facts { company: &company, contact: &contact.details, number, applied, prepared_by: Some(&by.name) };
    Ok(Receipt::freeze(&facts))
}

async fn save(
    tx: &Tx,
    by: &Actor,
    id: PaymentId,
    number: ReceiptNumber,
    applied: &AppliedPayment,
    receipt: &Receipt,
    now: Instant,
) -> Result<(), StoreError> {
    let AppliedPayment { payment, sums, .. } = applied;
    let sql = "INSERT INTO payment (company_id, id, direction, sequence, contact_id, paid_on, description, total_cents,
        money_cents, allocated_cents, unapplied_cents, advance_rest_cents, recorded_at, recorded_by, recorder_id, receipt, logo_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $14, $15, (SELECT logo_id FROM company WHERE id = $1))";
    let row = values![
        by.company.0,
        id.0,
        number.direction.as_str(),
        number.sequence,
        payment.contact.0,
        payment.date,
        payment.description.clone(),
        sums.total.cents(),
        sums.money.cents(),
        sums.allocated.cents(),
        sums.unapplied.cents(),
        now,
        by.name.as_str(),
        by.identity.id(),
        serde_json::to_string(receipt).map_err(StoreError::unreadable)?
    ];
    execute(tx.as_conn(), sql, row).await?;
    save_lines(tx, by, id, payment).await?;
    save_allocations(tx, by, id, applied).await
}

async fn save_lines(tx: &Tx, by: &Actor, id: PaymentId, payment: &NewPayment) -> Result<(), StoreError> {
    let head = "INSERT INTO payment_line (company_id, payment_id, position, method, amount_cents, reference, bank, account,
        dated_on, kind, tax, base_cents, advance_from, paper_key) VALUES";
    let row = |(position, line): (usize, &acuse_domain::payment::PaymentLine)| {
        values![
            by.company.0,
            id.0,
            i32::try_from(position).unwrap_or(i32::MAX),
            line.method.as_str(),
            line.amount.cents(),
            line.reference.clone(),
            line.bank.clone(),
            line.account.clone(),
            line.date,
            line.kind.map(|kind| kind.as_str()),
            line.tax.clone(),
            line.base.map(Money::cents),
            line.advance_from.map(|id| id.0),
            paper_key(line)
        ]
    };
    insert_rows(tx.as_conn(), head, payment.lines.iter().enumerate().map(row).collect()).await
}

async fn save_allocations(tx: &Tx, by: &Actor, id: PaymentId, applied: &AppliedPayment) -> Result<(), StoreError> {
    let head =
        "INSERT INTO allocation (company_id, payment_id, position, document_id, amount_cents, previous_balance_cents) VALUES";
    let row = |(position, allocation): (usize, &acuse_domain::payment::Allocation)| {
        values![
            by.company.0,
            id.0,
            i32::try_from(position).unwrap_or(i32::MAX),
            allocation.document.id.0,
            allocation.amount.cents(),
            allocation.previous_balance().cents()
        ]
    };
    insert_rows(tx.as_conn(), head, applied.allocations.iter().enumerate().map(row).collect()).await
}

async fn use_advances(tx: &Tx, by: &Actor, applied: &AppliedPayment) -> Result<(), StoreError> {
    let sql = "UPDATE payment SET advance_rest_cents = advance_rest_cents - $3 WHERE company_id = $1 AND id = $2";
    for line in &applied.payment.lines {
        if let Some(source) = line.advance_from {
            execute(tx.as_conn(), sql, values![by.company.0, source.0, line.amount.cents()]).await?;
        }
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
pub enum VoidError {
    #[error("there is no such payment")]
    NotFound,
    #[error(transparent)]
    Refused(#[from] VoidRefusal),
    /// Somebody acted on the payment since it was read, or its receipt reached somebody.
    #[error("the payment was changed since")]
    Changed,
    #[error(transparent)]
    Once(#[from] ClaimError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether those who had the receipt are told that it was voided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoidNotice {
    TellWhoHadIt,
    TellNobody,
}

/// Voids a payment: every balance and anticipo comes back, what still waits to be sent is cancelled, the number stays used.
pub async fn void(
    db: &Db,
    by: &Actor,
    id: PaymentId,
    reason: &str,
    notice: VoidNotice,
    conditions: &Conditions,
    now: Instant,
) -> Result<(), VoidError> {
    let tx = db.begin_write_for(by.company).await?;
    let voided = match idempotency::claim(&tx, by.company, conditions.once.as_ref(), id.0, now).await? {
        Some(_) => Ok(()),
        None => void_in(&tx, by, id, (reason, notice), conditions, now).await,
    };
    match voided {
        Ok(()) => tx.commit().await?,
        // Told when what it was decided on is on the disk: who voided it first may be in the same open transaction.
        Err(_) => tx.undo().await?,
    }
    db.nudge();
    voided
}

async fn void_in(
    tx: &Tx,
    by: &Actor,
    id: PaymentId,
    (reason, notice): (&str, VoidNotice),
    conditions: &Conditions,
    now: Instant,
) -> Result<(), VoidError> {
    let direction = standing(tx, by, id).await?.ok_or(VoidError::NotFound)?.direction()?;
    numbers::lock(tx, by.company, direction).await?;
    // Read again under the lock: somebody may have voided it, or used its anticipo, since.
    let standing = standing(tx, by, id).await?.ok_or(VoidError::NotFound)?;
    if conditions.own_of_today && !is_own_of_today(by, standing.recorder_id, standing.recorded_at, now) {
        return Err(VoidRefusal::NotOwn.into());
    }
    let reason = may_void(&standing.status(), standing.unapplied(), standing.rest(), reason)?;
    if !conditions.is_up_to_date(tx, by.company, id.0).await? {
        return Err(VoidError::Changed);
    }
    let sql = "UPDATE payment SET voided_at = $3, voided_by = $4, void_reason = $5, advance_rest_cents = 0
        WHERE company_id = $1 AND id = $2";
    execute(tx.as_conn(), sql, values![by.company.0, id.0, now, by.name.as_str(), reason.as_str()]).await?;
    documents::give_back(tx, by.company, id.0).await?;
    give_advances_back(tx, by, id).await?;
    deliveries::recall_receipts(tx, by.company, id, now).await?;
    let had_it = deliveries::who_has_the_receipt(tx, by.company, id).await?;
    if !conditions.knew(had_it.iter().map(EmailAddress::as_str)) {
        return Err(VoidError::Changed);
    }
    if notice == VoidNotice::TellWhoHadIt {
        let delivery = NewDelivery {
            kind: MessageKind::VoidNotice,
            module: MailModule::of_payments(direction),
            resend: None,
            corrects: None,
        };
        deliveries::queue(tx, by.company, id, delivery, &had_it, DeliveryId(new_id()), now).await?;
    }
    let changes = Changes::new().field("Estado", "Registrado", format!("Anulado: «{reason}»"));
    events::append_change(tx, by, id.0, EventKind::PaymentVoided, now, &reason, &changes).await?;
    Ok(())
}

async fn give_advances_back(tx: &Tx, by: &Actor, id: PaymentId) -> Result<(), StoreError> {
    let sql = "UPDATE payment SET advance_rest_cents = advance_rest_cents + (SELECT SUM(l.amount_cents) FROM payment_line l
            WHERE l.company_id = $1 AND l.payment_id = $2 AND l.advance_from = payment.id)
        WHERE company_id = $1 AND id IN (SELECT advance_from FROM payment_line
            WHERE company_id = $1 AND payment_id = $2 AND advance_from IS NOT NULL)";
    execute(tx.as_conn(), sql, values![by.company.0, id.0]).await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Standing {
    direction: String,
    unapplied_cents: i64,
    advance_rest_cents: i64,
    voided_at: Option<Instant>,
    void_reason: Option<String>,
    recorder_id: Option<Uuid>,
    recorded_at: Instant,
}

/// Whether a payment is what they recorded today.
#[must_use]
pub fn is_own_of_today(by: &Actor, recorder: Option<Uuid>, recorded_at: Instant, now: Instant) -> bool {
    recorder.is_some() && recorder == by.identity.id() && day_in_ecuador(recorded_at) == day_in_ecuador(now)
}

impl Standing {
    fn direction(&self) -> Result<Direction, StoreError> {
        crate::sql::code(&self.direction, Direction::parse)
    }

    fn status(&self) -> Status {
        match self.voided_at {
            Some(at) => Status::Voided { at, reason: self.void_reason.clone().unwrap_or_default() },
            None => Status::Posted,
        }
    }

    fn unapplied(&self) -> Money {
        Money::from_cents(self.unapplied_cents)
    }

    fn rest(&self) -> Money {
        Money::from_cents(self.advance_rest_cents)
    }
}

async fn standing(tx: &Tx, by: &Actor, id: PaymentId) -> Result<Option<Standing>, StoreError> {
    let sql =
        "SELECT direction, unapplied_cents, advance_rest_cents, voided_at, void_reason, recorder_id, recorded_at FROM payment
        WHERE company_id = $1 AND id = $2";
    one(tx.as_conn(), sql, values![by.company.0, id.0]).await
}

pub(crate) const ADVANCE: &str = "SELECT id, contact_id, direction, sequence, paid_on, advance_rest_cents FROM payment";

#[derive(FromQueryResult)]
pub(crate) struct AdvanceRow {
    id: Uuid,
    contact_id: Uuid,
    direction: String,
    sequence: i64,
    paid_on: Date,
    advance_rest_cents: i64,
}

impl AdvanceRow {
    pub(crate) fn into_advance(self) -> Advance {
        Advance {
            payment: PaymentId(self.id),
            contact: ContactId(self.contact_id),
            number: number(self.id, &self.direction, self.sequence),
            date: self.paid_on,
            available: Money::from_cents(self.advance_rest_cents),
        }
    }
}
