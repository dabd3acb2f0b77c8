//! A claimed delivery as the bytes that are sent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use acuse_domain::day_in_ecuador;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{CompanyId, PaymentId};
use acuse_mail::message::{self, Attachment, InvalidField, Mail};
use acuse_render::logo::Logo;
use acuse_render::mail::{MailFacts, RenderedMail, Resend, VoidedNotice, receipt_mail};
use acuse_render::receipt::{RenderError, receipt_pdf};
use acuse_store::companies::LogoId;
use acuse_store::deliveries::{Claimed, MessageKind};
use acuse_store::pauses::AccountKey;
use acuse_store::{Db, StoreError, companies};

use crate::accounts::Account;
use crate::signing;

/// Logos kept for the next delivery; one is some 50 KB, and opened some megabytes.
const MOST_LOGOS: usize = 32;
/// PDFs kept for the payment's next recipient or attempt; one is some 30 KB.
const MOST_PDFS: usize = 128;

/// Pictures and pages that the next delivery may need again.
#[derive(Default)]
pub(crate) struct ReceiptRenderer {
    logos: Mutex<HashMap<(CompanyId, LogoId), Option<Logo>>>,
    pdfs: Mutex<HashMap<PdfKey, Arc<Vec<u8>>>>,
}

type PdfKey = (CompanyId, PaymentId, bool);

/// A mail that is complete, and the Message-ID it will carry at every attempt.
pub(crate) struct Composed {
    pub bytes: Vec<u8>,
    pub message_id: String,
}

/// The mail cannot be made: whatever is tried, this delivery fails alone.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ComposeError {
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    Field(#[from] InvalidField),
}

impl ReceiptRenderer {
    /// The picture that a receipt is printed with. It never changes, so it is read once.
    pub(crate) async fn logo(&self, db: &Db, company: CompanyId, id: LogoId) -> Result<Option<Logo>, StoreError> {
        if let Some(kept) = locked(&self.logos).get(&(company, id)) {
            return Ok(kept.clone());
        }
        let logo = companies::logo_by_id(db, company, id).await?.and_then(|png| Logo::from_stored(png).ok());
        let mut logos = locked(&self.logos);
        if logos.len() >= MOST_LOGOS {
            logos.clear();
        }
        logos.insert((company, id), logo.clone());
        Ok(logo)
    }

    /// Draws the receipt and writes the mail. Takes a millisecond of a core; call it beside the event loop.
    pub(crate) fn compose(&self, claimed: &Claimed, account: &Account, logo: Option<&Logo>) -> Result<Composed, ComposeError> {
        let pdf = self.pdf(claimed, logo)?;
        let rendered = receipt_mail(&claimed.receipt, &facts(claimed, logo));
        let message_id = message_id(claimed, account);
        let bytes = signing::signed(write(claimed, account, &rendered, &pdf, logo, &message_id)?, claimed, account);
        Ok(Composed { bytes, message_id })
    }

    fn pdf(&self, claimed: &Claimed, logo: Option<&Logo>) -> Result<Arc<Vec<u8>>, RenderError> {
        let key = (claimed.company, claimed.payment, claimed.voided_at.is_some());
        if let Some(kept) = locked(&self.pdfs).get(&key) {
            return Ok(kept.clone());
        }
        let pdf = Arc::new(receipt_pdf(&claimed.receipt, logo)?);
        let mut pdfs = locked(&self.pdfs);
        if pdfs.len() >= MOST_PDFS {
            pdfs.clear();
        }
        pdfs.insert(key, pdf.clone());
        Ok(pdf)
    }
}

fn facts<'a>(claimed: &Claimed, logo: Option<&'a Logo>) -> MailFacts<'a> {
    let earlier = claimed.earlier.as_ref();
    let accepted = earlier.and_then(|earlier| earlier.first_accepted.as_ref());
    // A reenvío of what never arrived must not say «ya le enviamos este recibo».
    let again = claimed.resend.zip(accepted);
    MailFacts {
        resend: again.map(|(number, (at, _))| Resend { n: number.unsigned_abs(), first_sent: day_in_ecuador(*at) }),
        voided_notice: (claimed.kind == MessageKind::VoidNotice).then(|| VoidedNotice {
            issued: day_in_ecuador(claimed.recorded_at),
            sent: earlier.and_then(|earlier| earlier.brought_at).map(day_in_ecuador),
        }),
        logo,
    }
}

fn write(
    claimed: &Claimed,
    account: &Account,
    rendered: &RenderedMail,
    pdf: &[u8],
    logo: Option<&Logo>,
    message_id: &str,
) -> Result<Vec<u8>, InvalidField> {
    let company = &claimed.receipt.company;
    let answers_to: Option<EmailAddress> = match account.key {
        // The default account speaks for the company: answers go to the company, or to the account in whose place it sends.
        AccountKey::Default => {
            account.reply_to.clone().or_else(|| company.email.as_deref().and_then(|address| address.parse().ok()))
        }
        AccountKey::Own(_) => account.reply_to.clone(),
    };
    let mut attachments = Vec::new();
    if let Some(name) = &rendered.attachment_name {
        attachments.push(Attachment { name, mime: "application/pdf", bytes: pdf });
    }
    message::compose(&Mail {
        from_name: account.from_name.as_deref().unwrap_or(&company.legal_name),
        from_address: &account.from_address,
        to_name: None,
        to: &claimed.recipient,
        reply_to: answers_to.as_ref(),
        subject: &rendered.subject,
        text: &rendered.text,
        html: Some(&rendered.html),
        logo_png: logo.and_then(|logo| logo.for_mail()).map(|mail| mail.png.as_slice()),
        attachments: &attachments,
        message_id,
        date: claimed.queued_at,
        in_reply_to: claimed.earlier.as_ref().and_then(|earlier| earlier.first_accepted.as_ref()).map(|(_, id)| id.as_str()),
    })
}

/// The same at every attempt of a delivery, so that a recipient's server can tell a second copy for one.
pub(crate) fn message_id(claimed: &Claimed, account: &Account) -> String {
    // RFC 5322 3.6.4 has ASCII only.
    let host = || account.from_address.ascii_domain();
    claimed.message_id.clone().unwrap_or_else(|| format!("{}@{}", claimed.id, host()))
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
