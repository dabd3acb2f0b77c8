//! A notice that the void itself queued for somebody whose receipt was on its way at that moment.

use acuse_domain::delivery::State;
use acuse_domain::id::{CompanyId, PaymentId};

use super::MessageKind;
use super::told::{Earlier, is_same_recipient, standings};
use crate::db::{StoreError, Tx};

/// What becomes of it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    Goes,
    /// Nobody knows yet what became of the receipt.
    Waits,
    /// The receipt did not arrive, so there is nothing to take back.
    IsMoot,
}

pub(super) async fn notice_now(tx: &Tx, company: CompanyId, payment: PaymentId, recipient: &str) -> Result<Notice, StoreError> {
    let receipts = receipts_of(tx, company, payment, recipient).await?;
    let was_recalled = |sent: &&Earlier| sent.recalled;
    Ok(match receipts.iter().find(was_recalled) {
        Some(_) if receipts.iter().any(|sent| sent.standing.brought_the_receipt()) => Notice::Goes,
        Some(_) if receipts.iter().any(|sent| sent.standing.state == State::Sending) => Notice::Waits,
        Some(_) => Notice::IsMoot,
        None => Notice::Goes,
    })
}

/// The receipts of the payment to this recipient.
pub(super) async fn receipts_of(
    tx: &Tx,
    company: CompanyId,
    payment: PaymentId,
    recipient: &str,
) -> Result<Vec<Earlier>, StoreError> {
    let mut receipts = standings(tx, company, payment).await?;
    receipts.retain(|sent| sent.standing.kind == MessageKind::Receipt && is_same_recipient(&sent.recipient, recipient));
    Ok(receipts)
}
