//! A payment to be recorded, with who is told of it.

use super::{Errors, addresses};
use crate::Date;
use crate::contact::MOST_RECIPIENTS;
use crate::id::{ContactId, DocumentId, PaymentId};
use crate::message::{Message, messages};
use crate::money::Money;
use crate::payment::{
    AllocationField, CheckKind, Direction, Field, LONGEST_DESCRIPTION, LineField, MOST_ALLOCATIONS, MOST_LINES, Method,
    NewAllocation, NewPayment, Notify, PaymentError, PaymentLine,
};
use crate::text;

/// Days, amounts and ids are read by the edge, each by its own spelling: the value, or why there is none.
#[derive(Debug, Clone)]
pub struct PaymentInput {
    pub direction: Result<Direction, Message>,
    pub contact: Result<ContactId, Message>,
    pub date: Result<Date, Message>,
    pub lines: Option<Vec<LineInput>>,
    pub allocations: Vec<AllocationInput>,
    pub description: String,
    /// Where it is not said: whether there are recipients.
    pub notify: Option<bool>,
    /// The contact's own addresses where absent.
    pub recipients: Option<Vec<String>>,
}

/// A field that is absent is `None`.
#[derive(Debug, Clone)]
pub struct LineInput {
    pub method: Result<Method, Message>,
    pub amount: Result<Money, Message>,
    pub reference: Option<String>,
    pub bank: Option<String>,
    pub account: Option<String>,
    pub date: Option<Result<Date, Message>>,
    pub kind: Option<Result<CheckKind, Message>>,
    pub tax: Option<String>,
    pub base: Option<Result<Money, Message>>,
    pub advance_from: Option<Result<PaymentId, Message>>,
}

#[derive(Debug, Clone)]
pub struct AllocationInput {
    pub document: Result<DocumentId, Message>,
    pub amount: Result<Money, Message>,
}

impl PaymentInput {
    /// What can be said before the open documents are known: [`NewPayment::apply_to`] says the rest.
    pub fn read(self) -> Result<(NewPayment, Notify), Errors<Field>> {
        let mut errors = Errors::default();
        let direction = errors.keep(Field::Direction, self.direction);
        let contact = errors.keep(Field::Contact, self.contact);
        let date = errors.keep(Field::Date, self.date);
        let notify = notify(self.notify, self.recipients, &mut errors);
        let lines = lines(self.lines, &mut errors);
        let allocations = allocations(self.allocations, &mut errors);
        let description = Some(text::lines(&self.description)).filter(|text| !text.is_empty());
        if description.as_ref().is_some_and(|text| text.chars().count() > LONGEST_DESCRIPTION) {
            errors.add(Field::Description, PaymentError::DescriptionTooLong.message());
        }
        let (Some(direction), Some(contact), Some(date)) = (direction, contact, date) else { return Err(errors) };
        errors.check((NewPayment { direction, contact, date, lines, allocations, description }, notify))
    }
}

fn notify(wanted: Option<bool>, recipients: Option<Vec<String>>, errors: &mut Errors<Field>) -> Notify {
    let is_given = recipients.is_some();
    let found = addresses(&recipients.unwrap_or_default(), MOST_RECIPIENTS, Field::Recipients, errors);
    match (wanted, found.is_empty()) {
        (Some(false) | None, true) => Notify::Nobody,
        (Some(true), true) if is_given => {
            if errors.is_empty_of(|field| matches!(field, Field::Recipients(_))) {
                errors.add(Field::Recipients(None), messages::recipients_missing());
            }
            Notify::Nobody
        }
        (Some(true), true) => Notify::Contact,
        (Some(true) | None, false) => Notify::Addresses(found),
        (Some(false), false) => {
            errors.add(Field::Recipients(None), messages::recipients_without_notify());
            Notify::Nobody
        }
    }
}

fn lines(given: Option<Vec<LineInput>>, errors: &mut Errors<Field>) -> Vec<PaymentLine> {
    let Some(given) = given else {
        errors.add(Field::Lines, messages::field_missing());
        return Vec::new();
    };
    if given.len() > MOST_LINES {
        errors.add(Field::Lines, PaymentError::TooManyLines.message());
        return Vec::new();
    }
    given.into_iter().enumerate().filter_map(|(index, line)| line.read(index, errors)).collect()
}

fn allocations(given: Vec<AllocationInput>, errors: &mut Errors<Field>) -> Vec<NewAllocation> {
    if given.len() > MOST_ALLOCATIONS {
        errors.add(Field::Allocations, PaymentError::TooManyAllocations.message());
        return Vec::new();
    }
    let read = |(index, given): (usize, AllocationInput)| {
        let document = errors.keep(Field::Allocation { index, name: AllocationField::Document }, given.document);
        let amount = errors.keep(Field::Allocation { index, name: AllocationField::Amount }, given.amount);
        Some(NewAllocation { document: document?, amount: amount? })
    };
    given.into_iter().enumerate().filter_map(read).collect()
}

impl LineInput {
    fn read(self, index: usize, errors: &mut Errors<Field>) -> Option<PaymentLine> {
        let field = |name| Field::Line { index, name };
        let method = errors.keep(field(LineField::Method), self.method);
        let amount = errors.keep(field(LineField::Amount), self.amount);
        let base = self.base.and_then(|base| errors.keep(field(LineField::Base), base));
        let date = self.date.and_then(|date| errors.keep(field(LineField::Date), date));
        let kind = self.kind.and_then(|kind| errors.keep(field(LineField::Kind), kind));
        let advance_from = self.advance_from.and_then(|payment| errors.keep(field(LineField::Advance), payment));
        Some(PaymentLine {
            reference: text::optional(self.reference.as_deref()),
            bank: text::optional(self.bank.as_deref()),
            account: text::optional(self.account.as_deref()),
            date,
            kind,
            tax: text::optional(self.tax.as_deref()),
            base,
            advance_from,
            ..PaymentLine::new(method?, amount?)
        })
    }
}
