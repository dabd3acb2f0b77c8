//! A person's page: what they owe, where their mails go, and what happened last.

use acuse_domain::contact::{Contact, Purpose};
use acuse_domain::document::Side;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::ContactId;
use acuse_domain::money::Money;
use acuse_domain::payment::Direction;
use acuse_store::Page as Rows;
use acuse_store::contacts::{self, Standing};
use acuse_store::deliveries::{self, Delivery, Stopped, is_same_recipient};
use acuse_store::documents::{self, Listed};
use acuse_store::payments::{self, Summary};
use askama::Template;
use axum::response::Response;

use crate::web::filters;
use crate::web::frame::Frame;
use crate::web::page::{Page, Section, shown};
use crate::web::path_id::PathId;
use crate::web::state_mark::{StateMark, Why};
use crate::web::trouble::Trouble;
use acuse_domain::access::Permission;

/// What fits beside the addresses; the rest is in the lists.
const LAST: u64 = 8;

#[derive(Template)]
#[template(path = "contacts/show.html")]
struct ContactPage {
    page: Page,
    contact: Contact,
    standing: Standing,
    overdue: Money,
    payments: Vec<(Summary, StateMark)>,
    documents: Vec<Listed>,
    addresses: Vec<AddressFate>,
}

/// One of a person's addresses: what goes there, and how the last mail fared.
struct AddressFate {
    address: EmailAddress,
    serves: String,
    last: Option<(StateMark, bool)>,
}

pub async fn show(frame: Frame, PathId(id): PathId<ContactId>) -> Result<Response, Trouble> {
    let company = frame.company();
    let contact = contacts::find(&frame.app.db, company, id).await?.ok_or(Trouble::NotFound)?;
    let page = frame.page(Section::Personas).await?;
    let today = page.today();
    let filter = payments::Filter { contact: Some(id), ..payments::Filter::default() };
    let summaries =
        payments::list(&frame.app.db, company, &filter, payments::LAST_RECORDED, Rows { after: None, limit: LAST }).await?;
    let summaries: Vec<Summary> = summaries.into_iter().flatten().collect();
    let sent = deliveries::of_payments(&frame.app.db, company, &summaries.iter().map(|one| one.id).collect::<Vec<_>>()).await?;
    let open = documents::Filter { contact: Some(id), open_only: true, ..documents::Filter::default() };
    let documents =
        documents::list(&frame.app.db, company, &open, documents::DUE_FIRST, Rows { after: None, limit: 100 }, today).await?;
    let documents: Vec<Listed> = documents.into_iter().flatten().collect();
    let side = if contact.details.is_customer { Side::Receivable } else { Side::Payable };
    let is_late = |one: &&Listed| one.document.facts.side == side && one.document.facts.due_date < today;
    let overdue = documents.iter().filter(is_late).map(|one| one.document.balance).sum();
    Ok(shown(&ContactPage {
        standing: contacts::standing(&frame.app.db, company, id).await?,
        overdue,
        addresses: addresses(&contact, &sent, &page.stopped),
        payments: marked(summaries, &sent, &page.stopped),
        documents,
        contact,
        page,
    }))
}

fn addresses(contact: &Contact, sent: &[Delivery], stopped: &Stopped) -> Vec<AddressFate> {
    let details = &contact.details;
    let mut all: Vec<&EmailAddress> = details.emails.iter().collect();
    for purpose in Purpose::ALL {
        all.extend(details.emails_by_purpose.of(purpose));
    }
    let mut seen: Vec<&EmailAddress> = Vec::new();
    for address in all {
        if !seen.contains(&address) {
            seen.push(address);
        }
    }
    seen.into_iter()
        .map(|address| {
            let last = sent.iter().filter(|one| is_same_recipient(&one.recipient, address.as_str())).max_by_key(|one| one.id);
            AddressFate { address: address.clone(), serves: serves(contact, address), last: last.map(|last| fate(last, stopped)) }
        })
        .collect()
}

fn fate(delivery: &Delivery, stopped: &Stopped) -> (StateMark, bool) {
    let mark = StateMark::of_delivery(delivery, stopped);
    let is_problem = mark.is_problem();
    let mark = match Why::of(delivery, stopped) {
        Some(why) => mark.because(why.short, why.whole),
        None => mark,
    };
    (mark, is_problem)
}

/// The payments with how their deliveries stand.
pub fn marked(payments: Vec<Summary>, sent: &[Delivery], stopped: &Stopped) -> Vec<(Summary, StateMark)> {
    let mark = |payment: Summary| {
        let own: Vec<&Delivery> = sent.iter().filter(|one| one.payment == payment.id).collect();
        let mark = StateMark::of_payment(&own, stopped);
        (payment, mark)
    };
    payments.into_iter().map(mark).collect()
}

/// `Cobros, facturas`: the purposes whose mails go there.
fn serves(contact: &Contact, address: &EmailAddress) -> String {
    let words: Vec<&str> = Purpose::ALL
        .into_iter()
        .filter(|purpose| contact.details.recipients(*purpose).contains(address))
        .map(|purpose| match purpose {
            Purpose::ReceivedPayments => "cobros",
            Purpose::MadePayments => "pagos",
            Purpose::Invoices => "facturas",
            Purpose::Withholdings => "retenciones",
        })
        .collect();
    match words.len() {
        4 => "Para todo".to_owned(),
        0 => "Sin uso: cada propósito tiene los suyos".to_owned(),
        _ => {
            let all = words.join(", ");
            all[..1].to_uppercase() + &all[1..]
        }
    }
}

impl ContactPage {
    fn roles(&self) -> &'static str {
        match (self.contact.details.is_customer, self.contact.details.is_supplier) {
            (true, true) => "Cliente y proveedor",
            (false, true) => "Proveedor",
            _ => "Cliente",
        }
    }

    /// Whether what matters most of this person is what we owe them.
    fn is_mostly_supplier(&self) -> bool {
        !self.contact.details.is_customer
    }

    fn payment_path(payment: &Summary) -> String {
        payment_path(payment.number.direction, payment.id)
    }

    fn payment_word(payment: &Summary) -> &'static str {
        if payment.number.direction == Direction::Received { "Cobro" } else { "Pago" }
    }

    fn is_payable(document: &Listed) -> bool {
        document.document.facts.side == Side::Payable
    }
}

/// The page of a recorded cobro or pago.
#[must_use]
pub fn payment_path(direction: Direction, id: acuse_domain::id::PaymentId) -> String {
    match direction {
        Direction::Received => format!("/cobros/{id}"),
        Direction::Made => format!("/pagos/{id}"),
    }
}
