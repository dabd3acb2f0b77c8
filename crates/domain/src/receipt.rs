//! The printed facts of a payment, frozen when it was recorded.
//!
//! This is the one domain type that is serialized: the database keeps it for ever, so a field may be added with a
//! default, and none may change its meaning. Amounts are strings with two decimals, dates `YYYY-MM-DD`, as in the API.

use serde::{Deserialize, Serialize};

use crate::Date;
use crate::company::Company;
use crate::contact::ContactDetails;
use crate::money::Money;
use crate::number::ReceiptNumber;
use crate::payment::{Allocation, AppliedPayment, Direction, Method, PaymentLine};
use crate::text;
use crate::words::in_words;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// `received` or `made`.
    pub direction: String,
    pub number: String,
    pub date: String,
    #[serde(default)]
    pub voided: Option<Voided>,
    pub company: Party,
    pub contact: Counterparty,
    pub lines: Vec<Line>,
    /// What moved now: cash, cheque, transfer, deposit and card.
    pub money: String,
    /// Every line together.
    pub total: String,
    pub sums: Sums,
    /// The headline amount in words, without «SON:».
    pub in_words: String,
    pub allocations: Vec<Allocated>,
    pub allocated: String,
    /// What is still owed on the documents named here.
    pub balance: String,
    pub unapplied: String,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub prepared_by: Option<String>,
    #[serde(default)]
    pub authorized_by: Option<String>,
    /// Where the receipt can be verified; none until the installation has such a page.
    #[serde(default)]
    pub verify: Option<Verify>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voided {
    pub date: String,
    #[serde(default)]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    pub legal_name: String,
    #[serde(default)]
    pub trade_name: Option<String>,
    pub ruc: String,
    #[serde(default)]
    pub address: Option<String>,
    #[serde(default)]
    pub phone: Option<String>,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub city: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counterparty {
    pub name: String,
    /// `ruc`, `cedula`, `passport` or `other`.
    pub identification_type: String,
    pub identification: String,
    #[serde(default)]
    pub address: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub method: String,
    #[serde(default)]
    pub kind: Option<String>,
    #[serde(default)]
    pub tax: Option<String>,
    #[serde(default)]
    pub bank: Option<String>,
    /// Already masked: `••3421`.
    #[serde(default)]
    pub account: Option<String>,
    #[serde(default)]
    pub reference: Option<String>,
    #[serde(default)]
    pub date: Option<String>,
    pub amount: String,
}

/// The parts of `total` that were not money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    pub withholding: String,
    pub advance: String,
    pub offset: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocated {
    pub kind: String,
    pub number: String,
    #[serde(default)]
    pub issue_date: Option<String>,
    pub total: String,
    pub previous_balance: String,
    pub amount: String,
    pub balance: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verify {
    /// Host and path without `https://`, as it is printed.
    pub address: String,
}

impl Receipt {
    #[must_use]
    pub fn is_received(&self) -> bool {
        self.direction == Direction::Received.as_str()
    }

    /// «Recibo de cobro a cliente» or «Recibo de pago a proveedor».
    #[must_use]
    pub fn title(&self) -> &'static str {
        if self.is_received() { "Recibo de cobro a cliente" } else { "Recibo de pago a proveedor" }
    }

    /// The name of the PDF: `Recibo-RC-000045.pdf`, `Recibo-RC-000044-ANULADO.pdf`.
    #[must_use]
    pub fn file_name(&self) -> String {
        let mark = if self.voided.is_some() { "-ANULADO" } else { "" };
        // A name of a file stands in headers and on disks: whatever a record holds, it is letters, digits and hyphens.
        let number: String = self.number.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        format!("Recibo-{number}{mark}.pdf")
    }

    /// What the receipt says in large: the money that moved, or the total where none did.
    #[must_use]
    pub fn headline(&self) -> &str {
        if self.money == "0.00" { &self.total } else { &self.money }
    }
}

/// Everything that is known when a payment gets its number.
pub struct Facts<'a> {
    pub company: &'a Company,
    pub contact: &'a ContactDetails,
    pub number: ReceiptNumber,
    pub applied: &'a AppliedPayment,
    pub prepared_by: Option<&'a str>,
}

impl Receipt {
    /// What will be printed from now on, whatever happens to the company's or the contact's data later.
    #[must_use]
    pub fn freeze(facts: &Facts<'_>) -> Self {
        let AppliedPayment { payment, allocations, sums, .. } = facts.applied;
        Self {
            direction: payment.direction.as_str().to_string(),
            number: facts.number.to_string(),
            date: payment.date.to_string(),
            voided: None,
            company: Party::of(facts.company),
            contact: Counterparty::of(facts.contact),
            lines: payment.lines.iter().map(|line| Line::of(line, facts.applied)).collect(),
            money: sums.money.plain(),
            total: sums.total.plain(),
            sums: Sums { withholding: sums.withholding.plain(), advance: sums.advance.plain(), offset: sums.offset.plain() },
            in_words: in_words(sums.headline()).unwrap_or_default(),
            allocations: allocations.iter().map(Allocated::of).collect(),
            allocated: sums.allocated.plain(),
            balance: allocations.iter().map(Allocation::balance).sum::<Money>().plain(),
            unapplied: sums.unapplied.plain(),
            description: payment.description.as_deref().map(text::lines).filter(|text| !text.is_empty()),
            prepared_by: text::optional(facts.prepared_by),
            authorized_by: None,
            verify: None,
        }
    }

    /// The same receipt, annulled.
    #[must_use]
    pub fn voided(mut self, on: Date, reason: &str) -> Self {
        self.voided = Some(Voided { date: on.to_string(), reason: Some(text::one_line(reason)) });
        self
    }
}

impl Party {
    fn of(company: &Company) -> Self {
        let profile = &company.profile;
        Self {
            legal_name: text::one_line(&profile.legal_name),
            trade_name: text::optional(profile.trade_name.as_deref()),
            ruc: company.ruc.to_string(),
            address: text::optional(profile.address.as_deref()),
            phone: text::optional(profile.phone.as_deref()),
            email: profile.email.as_ref().filter(|email| email.is_readable()).map(ToString::to_string),
            city: text::optional(profile.city.as_deref()),
        }
    }
}

impl Counterparty {
    fn of(contact: &ContactDetails) -> Self {
        Self {
            name: text::one_line(&contact.name),
            identification_type: contact.identification.kind().as_str().to_string(),
            identification: contact.identification.number().to_string(),
            address: text::optional(contact.address.as_deref()),
        }
    }
}

impl Line {
    /// An anticipo used shows the receipt that left it.
    fn of(line: &PaymentLine, applied: &AppliedPayment) -> Self {
        let source = line.advance_from.and_then(|id| applied.advances.iter().find(|advance| advance.payment == id));
        let dated = matches!(line.method, Method::Cash | Method::Transfer | Method::Deposit | Method::Card | Method::Check);
        let own_date = line.date.or(dated.then_some(applied.payment.date));
        Self {
            method: line.method.as_str().to_string(),
            kind: line.kind.map(|kind| kind.as_str().to_string()),
            tax: text::optional(line.tax.as_deref()),
            bank: text::optional(line.bank.as_deref()),
            account: line.account.as_deref().map(text::masked_account),
            reference: source.map(|s| s.number.to_string()).or_else(|| text::optional(line.reference.as_deref())),
            date: source.map(|s| s.date).or(own_date).map(|date| date.to_string()),
            amount: line.amount.plain(),
        }
    }
}

impl Allocated {
    fn of(allocation: &Allocation) -> Self {
        let facts = &allocation.document.facts;
        Self {
            kind: facts.kind.as_str().to_string(),
            number: facts.number.to_string(),
            issue_date: Some(facts.issue_date.to_string()),
            total: facts.total.plain(),
            previous_balance: allocation.previous_balance().plain(),
            amount: allocation.amount.plain(),
            balance: allocation.balance().plain(),
        }
    }
}
