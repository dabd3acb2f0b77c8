//! A receipt that is sent again, and who is told of a void after it.

use acuse_domain::Instant;
use acuse_domain::contact::{Contact, ContactDetails};
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{ContactId, DeliveryId, PaymentId};
use acuse_domain::mail_account::MailModule;
use acuse_domain::payment::Direction;
use acuse_domain::payment::Notify;
use sea_orm::FromQueryResult;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{recipients, without_repeats};
use crate::conditions::Conditions;
use crate::db::{Db, StoreError, Tx};
use crate::deliveries::{self, MessageKind, NewDelivery};
use crate::events::{self, EventKind};
use crate::idempotency::{self, ClaimError, Once};
use crate::sql::{code, new_id, one, values};
use crate::versions::{ChangeError, Expected};
use crate::{Actor, contacts, numbers};

/// The addresses that were to be kept are too many for one card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardFull;

#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    #[error("there is no such payment")]
    NotFound,
    #[error("the person has no address")]
    ContactHasNoEmail,
    /// The payment is voided, and nobody has its receipt.
    #[error("nobody has the receipt")]
    NobodyHasIt,
    /// The payment is voided, and each of them was told of it or is being told.
    #[error("they were told already")]
    AlreadyTold,
    /// The card would hold more addresses than it may.
    #[error("the card would hold too many addresses")]
    CardFull,
    /// The receipt of a voided payment goes out no more.
    #[error("the payment is voided")]
    Voided,
    /// Somebody acted on the payment since it was read, or it was to be sent something else.
    #[error("the payment was changed since")]
    Changed,
    /// What was to be corrected is what the server refused.
    #[error("it is the address that the server refused")]
    SameAddress,
    #[error(transparent)]
    Once(#[from] ClaimError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sends the receipt again as «Reenvío n», or tells of a voided payment whoever was not told yet.
///
/// A payment whose receipt was never sent is sent for the first time: that is no reenvío. Gives the first of the new
/// deliveries; [`deliveries::queued_with`] finds the others.
pub async fn resend(
    db: &Db,
    by: &Actor,
    id: PaymentId,
    notify: &Notify,
    once: Option<&Once>,
    now: Instant,
) -> Result<DeliveryId, ResendError> {
    resend_and_change_contact(db, by, id, notify, Ok, &Conditions::once(once), now).await
}

/// The same, and changes the person's card with it: both or neither.
pub async fn resend_and_change_contact(
    db: &Db,
    by: &Actor,
    id: PaymentId,
    notify: &Notify,
    change: impl FnOnce(ContactDetails) -> Result<ContactDetails, CardFull> + Send,
    conditions: &Conditions,
    now: Instant,
) -> Result<DeliveryId, ResendError> {
    let tx = db.begin_write_for(by.company).await?;
    let resent = resend_in(&tx, by, id, notify, change, conditions, None, now).await;
    end_resend(db, tx, resent).await
}

/// «Corregir y reenviar»: the person's card gets the right address in place of the wrong one, and the mail goes there, once
/// however often it is asked for.
pub async fn correct_and_resend(
    db: &Db,
    by: &Actor,
    delivery: DeliveryId,
    corrected: &EmailAddress,
    read: Option<usize>,
    now: Instant,
) -> Result<DeliveryId, ResendError> {
    let tx = db.begin_write_for(by.company).await?;
    let resent = correct_in(&tx, by, delivery, corrected, read, now).await;
    end_resend(db, tx, resent).await
}

/// A refusal is told when what it was decided on is on the disk.
async fn end_resend(db: &Db, tx: Tx, resent: Result<DeliveryId, ResendError>) -> Result<DeliveryId, ResendError> {
    match resent {
        Ok(_) => tx.commit().await?,
        Err(_) => tx.undo().await?,
    }
    db.nudge();
    resent
}

async fn correct_in(
    tx: &Tx,
    by: &Actor,
    delivery: DeliveryId,
    corrected: &EmailAddress,
    read: Option<usize>,
    now: Instant,
) -> Result<DeliveryId, ResendError> {
    let wrong = deliveries::addressed(tx, by.company, delivery).await?.ok_or(ResendError::NotFound)?;
    if wrong.is_void_receipt {
        return Err(ResendError::Voided);
    }
    if deliveries::is_same_recipient(&wrong.recipient, corrected.as_str()) {
        return Err(ResendError::SameAddress);
    }
    // The correction is its own key: no page has to remember it. Where it failed it may be asked for again. A key of the API
    // holds no blank.
    let failed = deliveries::failed_corrections(tx, by.company, wrong.first_wrong(), corrected).await?;
    let key = format!("corregir {delivery} {corrected} {failed}");
    let once = Some(Once { request_hash: Sha256::digest(&key).into(), key });
    let conditions = Conditions { once, read, ..Conditions::default() };
    let change = |mut details: ContactDetails| {
        details.replace_address(&wrong.recipient, corrected);
        Ok(details)
    };
    let notify = Notify::Addresses(vec![corrected.clone()]);
    resend_in(tx, by, PaymentId(wrong.payment), &notify, change, &conditions, Some(wrong.first_wrong()), now).await
}

#[expect(clippy::too_many_arguments, reason = "what the two acts differ in")]
async fn resend_in(
    tx: &Tx,
    by: &Actor,
    id: PaymentId,
    notify: &Notify,
    change: impl FnOnce(ContactDetails) -> Result<ContactDetails, CardFull>,
    conditions: &Conditions,
    corrects: Option<DeliveryId>,
    now: Instant,
) -> Result<DeliveryId, ResendError> {
    let direction = code(&sent_payment(tx, by, id).await?.ok_or(ResendError::NotFound)?.direction, Direction::parse)?;
    numbers::lock(tx, by.company, direction).await?;
    // Read again under the lock: somebody may have voided it since.
    let payment = sent_payment(tx, by, id).await?.ok_or(ResendError::NotFound)?;
    let first = DeliveryId(new_id());
    if let Some(earlier) = idempotency::claim(tx, by.company, conditions.once.as_ref(), first.0, now).await? {
        return Ok(DeliveryId(earlier));
    }
    let kind = if payment.voided_at.is_some() { MessageKind::VoidNotice } else { MessageKind::Receipt };
    if conditions.kind.is_some_and(|asked| asked != kind) || !conditions.is_up_to_date(tx, by.company, id.0).await? {
        return Err(ResendError::Changed);
    }
    let contact = change_contact(tx, by, ContactId(payment.contact_id), change).await?;
    let recipients = match kind {
        MessageKind::VoidNotice => recipients_of_notice(tx, by, id, notify).await?,
        MessageKind::Receipt => recipients_of_receipt(notify, &contact.details, direction)?,
    };
    let resend = deliveries::next_resend(tx, by.company, id).await?;
    let delivery = NewDelivery { kind, module: MailModule::of_payments(direction), resend, corrects };
    deliveries::queue(tx, by.company, id, delivery, &recipients, first, now).await?;
    let detail = recipients.iter().map(EmailAddress::as_str).collect::<Vec<_>>().join(", ");
    events::append(tx, by, id.0, EventKind::ReceiptResent, now, &detail).await?;
    Ok(first)
}

async fn change_contact(
    tx: &Tx,
    by: &Actor,
    id: ContactId,
    change: impl FnOnce(ContactDetails) -> Result<ContactDetails, CardFull>,
) -> Result<Contact, ResendError> {
    let changed = contacts::change_in(tx, by, id, &Expected::Any, change).await;
    changed.map_err(|error| match error {
        ChangeError::NotFound => ResendError::NotFound,
        ChangeError::Store(error) => ResendError::Store(error),
        ChangeError::Refused(CardFull) => ResendError::CardFull,
        ChangeError::Stale | ChangeError::Taken => StoreError::unreadable("only the addresses of a card were changed").into(),
    })
}

fn recipients_of_receipt(
    notify: &Notify,
    contact: &ContactDetails,
    direction: Direction,
) -> Result<Vec<EmailAddress>, ResendError> {
    let recipients = recipients(notify, contact, direction).map_err(|_| ResendError::ContactHasNoEmail)?;
    if recipients.is_empty() { Err(ResendError::ContactHasNoEmail) } else { Ok(recipients) }
}

/// Whoever is named, or else may have the receipt, and was not told by the void or since.
async fn recipients_of_notice(tx: &Tx, by: &Actor, id: PaymentId, notify: &Notify) -> Result<Vec<EmailAddress>, ResendError> {
    let wanted = match notify {
        Notify::Addresses(addresses) if !addresses.is_empty() => without_repeats(addresses),
        Notify::Addresses(_) | Notify::Contact | Notify::Nobody => deliveries::who_has_the_receipt(tx, by.company, id).await?,
    };
    if wanted.is_empty() {
        return Err(ResendError::NobodyHasIt);
    }
    let told = deliveries::who_is_told(tx, by.company, id).await?;
    let is_told = |address: &EmailAddress| told.iter().any(|told| deliveries::is_same_recipient(told.as_str(), address.as_str()));
    let untold: Vec<EmailAddress> = wanted.into_iter().filter(|address| !is_told(address)).collect();
    if untold.is_empty() { Err(ResendError::AlreadyTold) } else { Ok(untold) }
}

#[derive(FromQueryResult)]
struct SentPayment {
    direction: String,
    contact_id: Uuid,
    voided_at: Option<Instant>,
}

async fn sent_payment(tx: &Tx, by: &Actor, id: PaymentId) -> Result<Option<SentPayment>, StoreError> {
    let sql = "SELECT direction, contact_id, voided_at FROM payment WHERE company_id = $1 AND id = $2";
    one(tx.as_conn(), sql, values![by.company.0, id.0]).await
}
