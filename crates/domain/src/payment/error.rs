//! Why a payment is refused: each reason with what is needed to act on it, and the field it is about.

use std::fmt;

use super::line::{LONGEST_DETAIL, LineField, Method};
use super::{LONGEST_DESCRIPTION, MOST_ALLOCATIONS, MOST_LINES};
use crate::Date;
use crate::document::DocumentNumber;
use crate::message::{Message, messages, said_by_message};
use crate::money::Money;
use crate::number::ReceiptNumber;

/// `Display` is its name in the API: `lines.0.amount`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Direction,
    Contact,
    Date,
    Description,
    Lines,
    Line {
        index: usize,
        name: LineField,
    },
    Allocations,
    Allocation {
        index: usize,
        name: AllocationField,
    },
    /// `None` is the list as a whole.
    Recipients(Option<usize>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllocationField {
    Document,
    Amount,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direction => f.write_str("direction"),
            Self::Contact => f.write_str("contact_id"),
            Self::Date => f.write_str("date"),
            Self::Description => f.write_str("description"),
            Self::Lines => f.write_str("lines"),
            Self::Line { index, name } => write!(f, "lines.{index}.{}", name.as_str()),
            Self::Allocations => f.write_str("allocations"),
            Self::Allocation { index, name: AllocationField::Document } => write!(f, "allocations.{index}.document_id"),
            Self::Allocation { index, name: AllocationField::Amount } => write!(f, "allocations.{index}.amount"),
            Self::Recipients(None) => f.write_str("recipients"),
            Self::Recipients(Some(index)) => write!(f, "recipients.{index}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentError {
    DateInFuture { today: Date },
    YearOutOfRange { first: i32, last: i32 },
    DescriptionTooLong,
    NoLines,
    TooManyLines,
    TooManyAllocations,
    AmountNotPositive,
    TotalTooLarge,
    FieldNotOfMethod { method: Method },
    FieldMissing { method: Method },
    FieldTooLong,
    PostdatedWithoutDate,
    WithholdingExceedsBase { base: Money, amount: Money },
    AdvanceNotFound,
    AdvanceOfAnother,
    AdvanceExceedsRest { payment: ReceiptNumber, available: Money, asked: Money },
    DocumentNotFound,
    DocumentRepeated { document: DocumentNumber },
    DocumentOfAnother { document: DocumentNumber },
    DocumentOfOtherSide { document: DocumentNumber },
    DocumentVoided { document: DocumentNumber },
    AllocationSign { document: DocumentNumber },
    AllocationExceedsBalance { document: DocumentNumber, balance: Money, asked: Money },
    AllocationsExceedTotal { total: Money, allocated: Money },
    CreditNotesExceedDocuments,
    AdvanceNotApplied,
}

impl PaymentError {
    /// `row` is where a line stands, counted from 1, for whoever reads it.
    #[must_use]
    pub fn at(&self, field: Field, row: impl Fn(usize) -> usize) -> Message {
        match (self, field) {
            (Self::AmountNotPositive, Field::Line { index, name: LineField::Base }) => {
                messages::amount_not_positive(messages::a_line_base(row(index)))
            }
            (Self::AmountNotPositive, Field::Line { index, .. }) => {
                messages::amount_not_positive(messages::a_line_amount(row(index)))
            }
            (Self::FieldMissing { .. }, Field::Line { name: LineField::Tax, .. }) => messages::withheld_tax_missing(),
            _ => self.message(),
        }
    }

    #[must_use]
    pub fn message(&self) -> Message {
        match self {
            Self::DateInFuture { today } => messages::date_in_future(*today),
            Self::YearOutOfRange { first, last } => messages::payment_year_out_of_range(*first, *last),
            Self::DescriptionTooLong => messages::description_too_long(LONGEST_DESCRIPTION),
            Self::NoLines => messages::lines_missing(),
            Self::TooManyLines => messages::too_many_lines(MOST_LINES),
            Self::TooManyAllocations => messages::too_many_allocations(MOST_ALLOCATIONS),
            Self::AmountNotPositive => messages::amount_not_positive(messages::a_value()),
            Self::TotalTooLarge => messages::total_too_large(Money::LARGEST),
            Self::FieldNotOfMethod { method } => messages::field_not_of_method(*method),
            Self::FieldMissing { method } => missing(*method),
            Self::FieldTooLong => messages::field_too_long(LONGEST_DETAIL),
            Self::PostdatedWithoutDate => messages::postdated_without_date(),
            Self::WithholdingExceedsBase { base, amount } => messages::withholding_exceeds_base(*amount, *base),
            Self::AdvanceNotFound => messages::advance_not_found(),
            Self::AdvanceOfAnother => messages::advance_of_another(),
            Self::AdvanceExceedsRest { payment, available, asked } => {
                messages::advance_exceeds_rest(*payment, *available, *asked)
            }
            Self::DocumentNotFound => messages::document_not_found(),
            Self::DocumentRepeated { document } => messages::document_repeated(document),
            Self::DocumentOfAnother { document } => messages::document_of_another_contact(document),
            Self::DocumentOfOtherSide { document } => messages::document_of_other_side(document),
            Self::DocumentVoided { document } => messages::document_voided(document),
            Self::AllocationSign { document } => messages::allocation_not_positive(document),
            Self::AllocationExceedsBalance { document, balance, .. } => messages::allocation_exceeds_balance(document, *balance),
            Self::AllocationsExceedTotal { total, allocated } => messages::allocations_exceed_total(*allocated - *total),
            Self::CreditNotesExceedDocuments => messages::credit_notes_exceed_documents(),
            Self::AdvanceNotApplied => messages::advance_not_applied(),
        }
    }
}

fn missing(method: Method) -> Message {
    match method {
        Method::Check => messages::check_number_missing(),
        Method::Withholding => messages::certificate_number_missing(),
        Method::Advance => messages::advance_missing(),
        Method::Cash | Method::Transfer | Method::Deposit | Method::Card | Method::Offset => messages::reference_missing(),
    }
}

said_by_message!(PaymentError);

/// Every rule that a payment breaks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal(Vec<(Field, PaymentError)>);

impl Refusal {
    pub(super) fn add(&mut self, field: Field, error: PaymentError) {
        self.0.push((field, error));
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &(Field, PaymentError)> {
        self.0.iter()
    }

    /// Each rule in words, at its field.
    pub fn messages(&self, row: impl Fn(usize) -> usize) -> impl Iterator<Item = (Field, Message)> {
        self.0.iter().map(move |(field, error)| (*field, error.at(*field, &row)))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons: Vec<String> = self.0.iter().map(|(field, error)| format!("{field}: {error}")).collect();
        f.write_str(&reasons.join(" "))
    }
}

impl std::error::Error for Refusal {}
