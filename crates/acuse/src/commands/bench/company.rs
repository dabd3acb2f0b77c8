//! Who pays what in a measure: a company, fifty customers with three open invoices each.

use acuse_domain::company::CompanyProfile;
use acuse_domain::contact::ContactDetails;
use acuse_domain::document::{DocumentFacts, DocumentKind, NewDocument, Side};
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{ContactId, DocumentId, PaymentId};
use acuse_domain::identification::{Identification, IdentificationType};
use acuse_domain::money::Money;
use acuse_domain::payment::Notify;
use acuse_domain::payment::{Answered, CheckKind, Direction, Method, NewAllocation, NewPayment, PaymentLine};
use acuse_domain::{Instant, day_in_ecuador};
use acuse_render::logo::Logo;
use acuse_store::payments;
use acuse_store::{Actor, Db, companies, contacts, documents, now};
use chrono::TimeDelta;
use rand::Rng;

use super::failed;
use crate::failure::Failure;

pub const LOGO: &[u8] = include_bytes!("../../../../../bench/receipts/logo.png");
const CUSTOMERS: usize = 50;
/// Never paid off by a measure.
const OWED_CENTS: i64 = 900_000_000;
/// What a payment takes off its three invoices; 30 dollars stay as anticipo.
pub const PAID_CENTS: [i64; 3] = [115_000, 21_000, 4_650];

pub struct Company {
    pub by: Actor,
    pub customers: Vec<Customer>,
}

pub struct Customer {
    pub contact: ContactId,
    pub invoices: [DocumentId; 3],
}

impl Company {
    /// Another one at each call.
    pub async fn found(db: &Db) -> Result<Self, Failure> {
        let now = now();
        let ruc = format!("179{:07}001", rand::rng().random_range(0..10_000_000)).parse().map_err(failed)?;
        let id = companies::create(db, &ruc, &profile()?, now).await.map_err(failed)?;
        let by = Actor::named(id, "María Fernanda Cevallos");
        let mut customers = Vec::with_capacity(CUSTOMERS);
        for index in 0..CUSTOMERS {
            customers.push(customer(db, &by, index, now).await?);
        }
        Ok(Self { by, customers })
    }

    /// From now on its receipts carry its logo.
    pub async fn take_logo(&self, db: &Db) -> Result<(), Failure> {
        let logo = Logo::from_upload(LOGO).map_err(failed)?;
        Ok(companies::change_logo(db, &self.by, Some(logo.png().to_vec())).await?)
    }

    pub fn customer(&self, index: usize) -> &Customer {
        &self.customers[index % self.customers.len()]
    }

    /// The ordinary receipt: five lines, three documents.
    pub fn payment(&self, index: usize) -> NewPayment {
        let customer = self.customer(index);
        let pay = |(document, cents): (&DocumentId, i64)| NewAllocation { document: *document, amount: Money::from_cents(cents) };
        NewPayment {
            direction: Direction::Received,
            contact: customer.contact,
            date: day_in_ecuador(now()),
            lines: lines(index),
            allocations: customer.invoices.iter().zip(PAID_CENTS).map(pay).collect(),
            description: Some("Abono de noviembre según acuerdo. El cheque se deposita el 15 de diciembre.".to_string()),
        }
    }

    /// The simple receipt: one transfer that settles part of one invoice.
    pub fn small_payment(&self, index: usize) -> NewPayment {
        let mut payment = self.payment(index);
        payment.lines.retain(|line| line.method == Method::Transfer);
        payment.allocations.retain(|allocation| allocation.amount == Money::from_cents(PAID_CENTS[1]));
        payment
    }

    /// Records a payment whose receipt goes to these.
    pub async fn record(&self, db: &Db, payment: NewPayment, to: Vec<EmailAddress>) -> Result<PaymentId, Failure> {
        payments::record(db, &self.by, payment, &Notify::Addresses(to), &Answered::All, None, now()).await.map_err(failed)
    }
}

fn profile() -> Result<CompanyProfile, Failure> {
    Ok(CompanyProfile {
        legal_name: "Ferretería Sierra Centro Cía. Ltda.".to_string(),
        trade_name: Some("FerriSierra".to_string()),
        address: Some("Av. Eloy Alfaro N39-120 y Gaspar de Villarroel, Quito".to_string()),
        city: Some("Quito".to_string()),
        phone: Some("02 245 6789".to_string()),
        email: Some("cobros@ferrisierra.example".parse().map_err(failed)?),
        undecoded: Vec::new(),
    })
}

async fn customer(db: &Db, by: &Actor, index: usize, now: Instant) -> Result<Customer, Failure> {
    let identification = Identification::parse(IdentificationType::Ruc, &format!("099{index:07}001")).map_err(failed)?;
    let details = ContactDetails {
        is_customer: true,
        address: Some("Cdla. Kennedy Norte, mz. 408, solar 12, Guayaquil".to_string()),
        credit_days: Some(30),
        emails: vec![recipient(index)?],
        ..ContactDetails::new(format!("Comercial Andina del Valle {index} S.A."), identification)
    };
    let contact = contacts::create(db, by, &details, None, now).await.map_err(failed)?;
    let mut invoices = [DocumentId(uuid::Uuid::nil()); 3];
    for (place, invoice) in invoices.iter_mut().enumerate() {
        let issue_date = day_in_ecuador(now) - TimeDelta::days(40);
        let total = Money::from_cents(OWED_CENTS);
        let facts = DocumentFacts {
            kind: DocumentKind::Invoice,
            side: Side::Receivable,
            number: format!("001-001-{:09}", index * 3 + place + 1).parse().map_err(failed)?,
            issue_date,
            due_date: issue_date + TimeDelta::days(30),
            total,
            detail: None,
        };
        *invoice = documents::create(db, by, &NewDocument { contact, facts, balance: total }, None, now).await.map_err(failed)?;
    }
    Ok(Customer { contact, invoices })
}

pub fn recipient(index: usize) -> Result<EmailAddress, Failure> {
    format!("pagos{index}@cliente.example").parse().map_err(failed)
}

/// Each payment has papers of its own, as in life: with one number for all, recording would read what nobody has.
fn lines(index: usize) -> Vec<PaymentLine> {
    let cents = Money::from_cents;
    let text = |words: &str| Some(words.to_string());
    let withheld = |amount: i64, tax: &str| PaymentLine {
        reference: Some(format!("002-001-{:09}", 4_518 + index)),
        tax: text(tax),
        ..PaymentLine::new(Method::Withholding, cents(amount))
    };
    vec![
        PaymentLine {
            kind: Some(CheckKind::Postdated),
            bank: text("Produbanco"),
            reference: Some(format!("{:06}", 1_204 + index)),
            date: Some(day_in_ecuador(now()) + TimeDelta::days(21)),
            ..PaymentLine::new(Method::Check, cents(80_000))
        },
        PaymentLine {
            bank: text("Banco Guayaquil"),
            account: text("0012340917"),
            reference: Some((55_671_209 + index).to_string()),
            ..PaymentLine::new(Method::Transfer, cents(52_150))
        },
        withheld(2_000, "IR 2 %"),
        withheld(4_500, "IVA 30 %"),
        PaymentLine { bank: text("Caja general"), ..PaymentLine::new(Method::Cash, cents(5_000)) },
    ]
}
