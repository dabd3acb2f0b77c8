//! A document as it is typed.

use acuse_domain::Date;
use acuse_domain::contact::Contact;
use acuse_domain::document::{DocumentKind, NewDocument, Side};
use acuse_domain::input::document::{DocumentInput, Field};
use acuse_domain::message::{Message, messages};
use acuse_domain::money::Money;
use acuse_domain::text;
use acuse_domain::typed_date::DateError;
use acuse_store::contacts::Role;
use chrono::TimeDelta;
use serde::Deserialize;
use uuid::Uuid;

use crate::web::calendar;
use crate::web::form_errors::FormErrors;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct DocumentForm {
    /// `cobrar` or `pagar`.
    pub lado: String,
    /// What was typed; `persona_id` is who was chosen.
    pub persona: String,
    pub persona_id: String,
    /// One of the list that a browser without script is offered.
    pub persona_elegida: String,
    pub tipo: String,
    pub numero: String,
    pub emision: String,
    pub vence: String,
    pub total: String,
    /// Empty means the total.
    pub saldo: String,
    pub detalle: String,
    /// Makes saving it twice keep one.
    pub clave: String,
    /// `guardar`, `otro`, `persona` or `crear`; empty while the page only checks.
    pub accion: String,
    /// «¿1.500,00 o 1,50?», answered: `total=1.500,00`.
    pub elegido: String,
    /// Somebody of the other side who is to be of this one too.
    pub tambien: String,
}

impl DocumentForm {
    /// Writes the amount that was chosen into its field.
    pub fn settle_amount(&mut self) {
        match self.elegido.split_once('=') {
            Some(("total", amount)) => self.total = amount.to_owned(),
            Some(("saldo", amount)) => self.saldo = amount.to_owned(),
            _ => {}
        }
    }

    #[must_use]
    pub fn side(&self) -> Side {
        if self.lado == "pagar" { Side::Payable } else { Side::Receivable }
    }

    /// What its person has to be.
    #[must_use]
    pub fn role(&self) -> Role {
        if self.side() == Side::Payable { Role::Supplier } else { Role::Customer }
    }

    #[must_use]
    pub fn kind(&self) -> DocumentKind {
        DocumentKind::parse(&self.tipo).unwrap_or(DocumentKind::Invoice)
    }

    #[must_use]
    pub fn chosen(&self) -> Option<Uuid> {
        self.persona_elegida.parse().or_else(|_| self.persona_id.parse()).ok()
    }

    /// Without script the chosen person stays in the form when another name is typed over it.
    #[must_use]
    pub fn names_somebody_else(&self, chosen: &Contact) -> bool {
        let typed = self.persona.trim();
        self.persona_elegida.is_empty() && !typed.is_empty() && !text::is_same(typed, &chosen.details.name)
    }

    /// The due date that the person's term gives to the day of issue.
    #[must_use]
    pub fn usual_due_date(&self, contact: &Contact) -> Option<Date> {
        let days = contact.details.credit_days?;
        calendar::parse_day(&self.emision).ok()?.checked_add_signed(TimeDelta::days(i64::from(days)))
    }

    /// The document of this contact, or every reason why it is none.
    pub fn read(&self, contact: Option<&Contact>, today: Date) -> Result<NewDocument, FormErrors> {
        let usual = contact.and_then(|contact| self.usual_due_date(contact));
        let due_date = match (self.vence.trim(), usual) {
            ("", Some(usual)) => Ok(usual),
            (typed, _) => day(messages::a_due_date(), typed, calendar::parse_day),
        };
        let amount = |typed: &str, name| Money::read(typed, name).map(|amount| self.signed(amount));
        let balance = Some(&self.saldo).filter(|typed| !typed.trim().is_empty());
        let input = DocumentInput {
            kind: Ok(self.kind()),
            side: Ok(self.side()),
            contact: contact.map(|contact| contact.id).ok_or_else(messages::document_contact_missing),
            number: self.numero.clone(),
            issue_date: day(messages::an_issue_date(), &self.emision, calendar::parse_past_day),
            due_date,
            total: amount(&self.total, messages::a_total()),
            balance: balance.map(|typed| amount(typed, messages::a_balance())),
            detail: self.detalle.clone(),
        };
        input.read(today).map_err(|errors| FormErrors::of_input(errors, id_of))
    }

    /// People write a credit note's amounts without a minus; the books keep them negative.
    fn signed(&self, typed: Money) -> Money {
        if self.kind() == DocumentKind::CreditNote && typed.is_positive() { -typed } else { typed }
    }
}

fn day(what: Message, typed: &str, read: fn(&str) -> Result<Date, DateError>) -> Result<Date, Message> {
    if typed.trim().is_empty() { Err(messages::named_field_missing(what)) } else { read(typed).map_err(|error| error.message()) }
}

pub const fn id_of(field: Field) -> &'static str {
    match field {
        Field::Kind => "tipo",
        Field::Side => "lado",
        Field::Contact => "persona",
        Field::Number => "numero",
        Field::IssueDate => "emision",
        Field::DueDate => "vence",
        Field::Total => "total",
        Field::Balance => "saldo",
        Field::Detail => "detalle",
    }
}
