//! A document as it is typed.

use acuse_domain::Date;
use acuse_domain::contact::Contact;
use acuse_domain::document::{DocumentError, DocumentFacts, DocumentKind, DocumentNumber, LONGEST_DETAIL, NewDocument, Side};
use acuse_domain::money::Money;
use acuse_domain::text;
use acuse_store::contacts::Role;
use chrono::TimeDelta;
use serde::Deserialize;
use uuid::Uuid;

use crate::web::form_errors::FormErrors;
use crate::web::{amounts, calendar};

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
        let mut errors = FormErrors::default();
        if contact.is_none() {
            errors.add("persona", "Elija la persona de la lista, o créela primero.");
        }
        let number: Option<DocumentNumber> = self.number(&mut errors);
        let issue_date = day("emision", "la emisión", &self.emision, calendar::parse_past_day, &mut errors);
        let usual = contact.and_then(|contact| self.usual_due_date(contact));
        let due_date = match (self.vence.trim(), usual) {
            ("", Some(usual)) => Some(usual),
            (typed, _) => day("vence", "el vencimiento", typed, calendar::parse_day, &mut errors),
        };
        let total = amounts::read(&self.total, "total", "El total", &mut errors).map(|total| self.signed(total));
        let balance = if self.saldo.trim().is_empty() {
            total
        } else {
            amounts::read(&self.saldo, "saldo", "El saldo", &mut errors).map(|balance| self.signed(balance))
        };
        let detail = text::optional(Some(&self.detalle));
        if detail.as_ref().is_some_and(|detail| detail.chars().count() > LONGEST_DETAIL) {
            errors.add("detalle", format!("La descripción tiene más de {LONGEST_DETAIL} letras."));
        }
        let (Some(contact), Some(number), Some(issue_date), Some(due_date), Some(total), Some(balance)) =
            (contact, number, issue_date, due_date, total, balance)
        else {
            return Err(errors);
        };
        let facts = DocumentFacts { kind: self.kind(), side: self.side(), number, issue_date, due_date, total, detail };
        let document = NewDocument { contact: contact.id, facts, balance };
        if let Err(broken) = document.check(today) {
            let (field, words) = explained(broken);
            errors.add(field, words);
        }
        if errors.is_empty() { Ok(document) } else { Err(errors) }
    }

    fn number(&self, errors: &mut FormErrors) -> Option<DocumentNumber> {
        match self.numero.parse() {
            Ok(number) => Some(number),
            Err(_) if self.numero.trim().is_empty() => {
                errors.add("numero", "Falta el número del documento.");
                None
            }
            Err(_) => {
                errors.add("numero", "El número es como 001-001-000000123; también puede escribir 1-1-123.");
                None
            }
        }
    }

    /// People write a credit note's amounts without a minus; the books keep them negative.
    fn signed(&self, typed: Money) -> Money {
        if self.kind() == DocumentKind::CreditNote && typed.is_positive() { -typed } else { typed }
    }
}

type ReadDay = fn(&str) -> Result<Date, String>;

fn day(field: &'static str, what: &str, typed: &str, read: ReadDay, errors: &mut FormErrors) -> Option<Date> {
    if typed.trim().is_empty() {
        errors.add(field, format!("Falta {what}."));
        return None;
    }
    read(typed).map_err(|words| errors.add(field, format!("{words}."))).ok()
}

/// A broken rule, at the field that breaks it.
#[must_use]
pub fn explained(error: DocumentError) -> (&'static str, String) {
    let (field, words) = match error {
        DocumentError::IssueYearOutOfRange { first, last } => return ("emision", format!("El año va de {first} a {last}.")),
        DocumentError::DueTooLate => ("vence", "Vence más de diez años después de su emisión: revise el año."),
        DocumentError::TotalIsZero => ("total", "El total no puede ser cero."),
        DocumentError::TotalMustBePositive => ("total", "El total debe ser mayor que cero."),
        DocumentError::CreditNoteMustBeNegative => ("total", "El total de una nota de crédito baja lo que se debe."),
        DocumentError::DueBeforeIssue => ("vence", "Vence antes de su emisión."),
        DocumentError::BalanceOutOfRange => ("saldo", "El saldo va de cero al total."),
        DocumentError::IssueDateInFuture => ("emision", "La fecha de emisión está en el futuro."),
    };
    (field, words.to_owned())
}
