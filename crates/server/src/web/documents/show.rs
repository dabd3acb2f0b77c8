//! A document's page: what it was, what is left of it, and the payments that settled it.

use acuse_domain::document::{Document, Side};
use acuse_domain::id::DocumentId;
use acuse_domain::money::Money;
use acuse_store::payments::OfDocument;
use acuse_store::{contacts, documents, payments};
use askama::Template;
use axum::response::Response;

use crate::web::contacts::show::payment_path;
use crate::web::frame::Frame;
use crate::web::page::{Page, Section, shown};
use crate::web::path_id::PathId;
use crate::web::trouble::Trouble;
use crate::web::{calendar, filters};
use acuse_domain::access::Permission;

#[derive(Template)]
#[template(path = "documents/show.html")]
struct DocumentPage {
    page: Page,
    document: Document,
    contact_name: String,
    payments: Vec<OfDocument>,
    /// Settled before it was kept here.
    before: Money,
}

pub async fn show(frame: Frame, PathId(id): PathId<DocumentId>) -> Result<Response, Trouble> {
    let company = frame.company();
    let document = documents::find(&frame.app.db, company, id).await?.ok_or(Trouble::NotFound)?;
    let contact = contacts::find(&frame.app.db, company, document.contact).await?.ok_or(Trouble::NotFound)?;
    let payments = payments::with_document(&frame.app.db, company, id).await?;
    let settled: Money = payments.iter().filter(|one| !one.voided).map(|one| one.amount).sum();
    Ok(shown(&DocumentPage {
        page: frame.page(Section::Documentos).await?,
        before: document.facts.total - document.balance - settled,
        document,
        contact_name: contact.details.name,
        payments,
    }))
}

impl DocumentPage {
    fn is_payable(&self) -> bool {
        self.document.facts.side == Side::Payable
    }

    /// `vencida 22 días`, while something is owed.
    fn lateness(&self) -> Option<String> {
        let is_open = !self.document.balance.is_zero();
        calendar::overdue(self.document.facts.due_date, self.page.today()).filter(|_| is_open)
    }

    /// To the payment that settles it.
    fn settle(&self) -> String {
        let book = if self.is_payable() { "pagos" } else { "cobros" };
        format!("/{book}/nuevo?persona={}", self.document.contact)
    }

    fn path(payment: &OfDocument) -> String {
        payment_path(payment.number.direction, payment.payment)
    }
}
