//! Companies, people, documents and payments in one sentence each:
//! `company().with_customer("Andina").with_open_invoice("120.00")`, `received(customer, "150.00").settling(invoice, "120.00")`.
//!
//! Everything goes through the store's public acts.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};

use acuse_domain::company::CompanyProfile;
use acuse_domain::contact::ContactDetails;
use acuse_domain::document::{DocumentFacts, DocumentKind, NewDocument, Side};
use acuse_domain::email_address::parse_list;
use acuse_domain::id::{CompanyId, ContactId, DocumentId, PaymentId};
use acuse_domain::identification::{Identification, IdentificationType};
use acuse_domain::mail_account::{MailAccountSettings, MailModule, Security};
use acuse_domain::money::Money;
use acuse_domain::payment::Notify;
use acuse_domain::payment::{Answered, Direction, Method, NewAllocation, NewPayment, PaymentLine};
use acuse_domain::{Date, Instant, day_in_ecuador};
use acuse_store::idempotency::Once;
use acuse_store::payments::RecordError;
use acuse_store::{Actor, Db, Line, StoreError, companies, contacts, documents, mail_accounts, payments};
use chrono::TimeDelta;
use secrecy::SecretString;

use crate::identifications::{cedula, company_ruc};
use crate::world::noon;

/// Addresses in one text: a test may queue more at once than a person may.
const MOST_TYPED: usize = 2_000;

/// An amount as the API writes it. Panics if it is none.
#[must_use]
pub fn usd(amount: &str) -> Money {
    amount.parse().unwrap_or_else(|error| panic!("{amount}: {error:?}"))
}

/// A change that leaves nothing of what there was.
pub fn to<T>(value: T) -> impl FnOnce(T) -> Result<T, Infallible> {
    move |_| Ok(value)
}

#[must_use]
pub fn company() -> CompanyBuilder {
    CompanyBuilder { people: Vec::new(), now: noon() }
}

/// A company to be made, with people and their documents.
#[derive(Debug, Clone)]
pub struct CompanyBuilder {
    people: Vec<Person>,
    now: Instant,
}

#[derive(Debug, Clone)]
struct Person {
    details: ContactDetails,
    documents: Vec<DocumentFacts>,
}

impl CompanyBuilder {
    /// Their address is `pagos@<first word>.ec`.
    #[must_use]
    pub fn with_customer(self, name: &str) -> Self {
        self.with_contact(contact(name, true, false))
    }

    #[must_use]
    pub fn with_supplier(self, name: &str) -> Self {
        self.with_contact(contact(name, false, true))
    }

    #[must_use]
    pub fn with_contact(mut self, details: ContactDetails) -> Self {
        self.people.push(Person { details, documents: Vec::new() });
        self
    }

    /// The last person's addresses, as somebody would type them; none if empty.
    #[must_use]
    pub fn with_emails(mut self, typed: &str) -> Self {
        self.last_person().details.emails = parse_list(typed, MOST_TYPED).unwrap_or_else(|error| panic!("{error}"));
        self
    }

    /// An invoice of the last person: receivable of a customer, payable of a supplier. Issued and due today.
    #[must_use]
    pub fn with_open_invoice(self, total: &str) -> Self {
        self.with_document(DocumentKind::Invoice, total, 0)
    }

    /// An invoice that was due so many days ago; a negative number is still to come.
    #[must_use]
    pub fn with_invoice_overdue_by(self, days: i64, total: &str) -> Self {
        self.with_document(DocumentKind::Invoice, total, days)
    }

    /// A credit note; its total is negative.
    #[must_use]
    pub fn with_credit_note(self, total: &str) -> Self {
        self.with_document(DocumentKind::CreditNote, total, 0)
    }

    fn with_document(mut self, kind: DocumentKind, total: &str, days_overdue: i64) -> Self {
        let due_date = day_in_ecuador(self.now) - TimeDelta::days(days_overdue);
        let person = self.last_person();
        let side = if person.details.is_customer { Side::Receivable } else { Side::Payable };
        let issue_date = due_date.min(day_in_ecuador(noon()));
        let number = format!("001-001-{:09}", unique()).parse().expect("it has the form of a document's number");
        person.documents.push(DocumentFacts { kind, side, number, issue_date, due_date, total: usd(total), detail: None });
        self
    }

    fn last_person(&mut self) -> &mut Person {
        self.people.last_mut().expect("add a customer or a supplier first")
    }

    /// Makes them all.
    pub async fn on(self, db: &Db) -> TestCompany {
        let ruc = company_ruc(unique() * 2).parse().expect("made by the algorithm");
        let profile = CompanyProfile {
            legal_name: "Distribuidora Pichincha Compañía Limitada".to_string(),
            trade_name: Some("DistriPichincha".to_string()),
            address: Some("Av. 10 de Agosto N24-15 y Cordero".to_string()),
            city: Some("Quito".to_string()),
            phone: Some("02 222 3344".to_string()),
            email: Some("contabilidad@distripichincha.ec".parse().expect("an address")),
            undecoded: Vec::new(),
        };
        let id = companies::create(db, &ruc, &profile, self.now).await.expect("the RUC is new");
        let mut made = TestCompany { id, actor: Actor::named(id, "Ana Paredes"), contacts: Vec::new(), documents: Vec::new() };
        for person in self.people {
            let contact = contacts::create(db, &made.actor, &person.details, None, self.now).await.expect("a new person");
            made.contacts.push(contact);
            for facts in person.documents {
                let document = NewDocument { contact, balance: facts.total, facts };
                let id = documents::create(db, &made.actor, &document, None, self.now).await.expect("a new document");
                made.documents.push(id);
            }
        }
        made
    }
}

/// What a builder made, in the order of its sentence.
#[derive(Debug, Clone)]
pub struct TestCompany {
    pub id: CompanyId,
    pub actor: Actor,
    pub contacts: Vec<ContactId>,
    pub documents: Vec<DocumentId>,
}

/// A person's card with a cédula that nobody else has, and one address.
#[must_use]
pub fn contact(name: &str, is_customer: bool, is_supplier: bool) -> ContactDetails {
    let word: String = name.chars().take_while(char::is_ascii_alphabetic).collect();
    let host = if word.is_empty() { "persona".to_string() } else { word.to_lowercase() };
    ContactDetails {
        is_customer,
        is_supplier,
        emails: vec![format!("pagos@{host}.ec").parse().expect("an address")],
        ..ContactDetails::new(
            name.to_string(),
            Identification::parse(IdentificationType::Cedula, &cedula(unique())).expect("made by the algorithm"),
        )
    }
}

/// A cobro of today, as one transfer.
#[must_use]
pub fn received(from: ContactId, amount: &str) -> PaymentBuilder {
    PaymentBuilder::new(Direction::Received, from).by(Method::Transfer, amount)
}

/// A pago of today, as one transfer.
#[must_use]
pub fn made(to: ContactId, amount: &str) -> PaymentBuilder {
    PaymentBuilder::new(Direction::Made, to).by(Method::Transfer, amount)
}

/// A payment to be recorded; nobody is told unless it says so.
#[derive(Debug, Clone)]
pub struct PaymentBuilder {
    pub payment: NewPayment,
    pub notify: Notify,
    pub once: Option<Once>,
}

impl PaymentBuilder {
    /// Without lines yet.
    #[must_use]
    pub fn new(direction: Direction, contact: ContactId) -> Self {
        let date = day_in_ecuador(noon());
        let payment = NewPayment { direction, contact, date, lines: Vec::new(), allocations: Vec::new(), description: None };
        Self { payment, notify: Notify::Nobody, once: None }
    }

    #[must_use]
    pub fn by(self, method: Method, amount: &str) -> Self {
        self.with_line(PaymentLine::new(method, usd(amount)))
    }

    /// Uses the anticipo that an earlier payment left.
    #[must_use]
    pub fn using(self, earlier: PaymentId, amount: &str) -> Self {
        self.with_line(PaymentLine { advance_from: Some(earlier), ..PaymentLine::new(Method::Advance, usd(amount)) })
    }

    #[must_use]
    pub fn with_line(mut self, line: PaymentLine) -> Self {
        self.payment.lines.push(line);
        self
    }

    #[must_use]
    pub fn settling(mut self, document: DocumentId, amount: &str) -> Self {
        self.payment.allocations.push(NewAllocation { document, amount: usd(amount) });
        self
    }

    #[must_use]
    pub fn dated(mut self, date: Date) -> Self {
        self.payment.date = date;
        self
    }

    /// The receipt goes to the contact's own addresses.
    #[must_use]
    pub fn notifying(mut self) -> Self {
        self.notify = Notify::Contact;
        self
    }

    /// The receipt goes to these addresses, as somebody would type them.
    #[must_use]
    pub fn to(mut self, typed: &str) -> Self {
        self.notify = Notify::Addresses(parse_list(typed, MOST_TYPED).unwrap_or_else(|error| panic!("{error}")));
        self
    }

    /// As a request with this Idempotency-Key; `body` stands for what it asked.
    #[must_use]
    pub fn once(mut self, key: &str, body: u8) -> Self {
        self.once = Some(Once { key: key.to_string(), request_hash: [body; 32] });
        self
    }

    /// Records it at noon.
    pub async fn record(self, db: &Db, by: &Actor) -> Result<PaymentId, RecordError> {
        self.record_at(db, by, noon()).await
    }

    pub async fn record_at(self, db: &Db, by: &Actor, now: Instant) -> Result<PaymentId, RecordError> {
        payments::record(db, by, self.payment, &self.notify, &Answered::All, self.once.as_ref(), now).await
    }
}

/// An account at a provider, with a password.
#[must_use]
pub fn mail_account(module: MailModule, password: &str) -> mail_accounts::Form {
    let settings = MailAccountSettings {
        module,
        server: "smtp.example.com".to_string(),
        port: 587,
        security: Security::StartTls,
        username: "cobros@distripichincha.ec".to_string(),
        from_name: "DistriPichincha".to_string(),
        from_address: "cobros@distripichincha.ec".parse().expect("an address"),
        reply_to: None,
        bcc: None,
    };
    mail_accounts::Form { settings, password: Some(SecretString::from(password)), checked: None }
}

/// Different at every call of this process, and small enough for every number made of it.
fn unique() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A list without a record that cannot be read.
pub fn listed<T>(list: Result<Vec<Line<T>>, StoreError>) -> Vec<T> {
    list.expect("the store answers").into_iter().map(|line| line.expect("a record that can be read")).collect()
}
