//! What was chosen in the form and is not to be had any more: somebody settled, voided or used it meanwhile. It stays where it
//! was chosen, says what became of it, and is taken out only by whoever fills the form in.

use acuse_domain::document::{Document, Side};
use acuse_domain::id::{CompanyId, ContactId, DocumentId, PaymentId};
use acuse_domain::payment::{Advance, Status};
use acuse_store::{StoreError, documents, payments};

use super::Book;
use super::draft::Draft;
use crate::app::App;
use crate::web::calendar;

/// A document that was chosen and can take nothing now.
pub struct Closed {
    pub document: Document,
    /// What became of it: «ya se cobró en RC-000021 a las 03:02».
    pub why: String,
    /// The payment that settled it, by its number, and where it is.
    pub settled_by: Option<(String, String)>,
}

/// An anticipo that a line uses and of which nothing is left.
pub struct UsedUp {
    pub payment: PaymentId,
    /// «RC-000005 ya se usó entero».
    pub why: String,
}

impl Closed {
    pub fn sentence(&self) -> String {
        // What a credit note took off leaves no money behind.
        let way_out = if self.is_credit() { "quite la marca" } else { "quite la marca o déjelo como anticipo" };
        format!("{} {}: {way_out}.", self.document.facts.number, self.why)
    }

    fn is_credit(&self) -> bool {
        self.document.facts.total.is_negative()
    }

    async fn of(app: &App, company: CompanyId, book: Book, document: Document) -> Result<Self, StoreError> {
        if document.voided {
            return Ok(Self { document, why: "se anuló".to_owned(), settled_by: None });
        }
        let shares = payments::with_document(&app.db, company, document.id).await?;
        let last = match shares.iter().rfind(|share| !share.voided) {
            Some(share) => payments::find(&app.db, company, share.payment).await?,
            None => None,
        };
        let Some(last) = last else { return Ok(Self { document, why: "ya no tiene saldo".to_owned(), settled_by: None }) };
        let number = last.summary.number.to_string();
        let when = calendar::at_moment(last.recorded_at, acuse_store::now());
        let why = format!("ya se {} en {number} {when}", book.either("cobró", "pagó"));
        Ok(Self { document, why, settled_by: Some((number, book.page_of(last.summary.id))) })
    }
}

/// The documents of the draft that are the person's and not among the `open` ones.
pub async fn closed(
    app: &App,
    company: CompanyId,
    book: Book,
    contact: ContactId,
    draft: &Draft,
    open: &[Document],
) -> Result<Vec<Closed>, StoreError> {
    let mut closed: Vec<Closed> = Vec::new();
    for share in &draft.shares {
        let is_known = |id: DocumentId| open.iter().any(|one| one.id == id) || closed.iter().any(|one| one.document.id == id);
        if is_known(share.document) {
            continue;
        }
        // What is somebody else's was not ticked in this form: recording refuses it.
        let found = documents::find(&app.db, company, share.document).await?;
        let is_theirs = |one: &Document| {
            one.contact == contact && one.facts.side == Side::of_payments(book.direction) && (one.voided || one.balance.is_zero())
        };
        if let Some(document) = found.filter(is_theirs) {
            closed.push(Closed::of(app, company, book, document).await?);
        }
    }
    Ok(closed)
}

/// The anticipos that the draft's lines use and that are not among those that `left` something.
pub async fn used_up(app: &App, company: CompanyId, draft: &Draft, left: &[Advance]) -> Result<Vec<UsedUp>, StoreError> {
    let mut gone = Vec::new();
    for payment in draft.lines.iter().filter_map(|line| line.advance) {
        if left.iter().any(|advance| advance.payment == payment) {
            continue;
        }
        if let Some(found) = payments::find(&app.db, company, payment).await? {
            let became = if found.summary.status == Status::Posted { "ya se usó entero" } else { "se anuló" };
            gone.push(UsedUp { payment, why: format!("{} {became}", found.summary.number) });
        }
    }
    Ok(gone)
}
