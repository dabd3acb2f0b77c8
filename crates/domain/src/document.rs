//! Open items: what a customer owes us, and what we owe a supplier.

use std::fmt;
use std::str::FromStr;

use crate::Date;
use crate::contact::MOST_CREDIT_DAYS;
use crate::id::{ContactId, DocumentId};
use crate::message::{Message, Value, messages, said_by_message};
use crate::money::Money;
use crate::payment::Direction;
use unicode_normalization::UnicodeNormalization;

use crate::{text, typed_date};

/// Letters of a detail: it is one line of a list.
pub const LONGEST_DETAIL: usize = 300;
/// Bytes of a number as it is typed: 17 with its hyphens, and room between them.
const LONGEST_TYPED: usize = 100;

/// Which way an open item points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    Receivable,
    Payable,
}

impl Side {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Receivable => "receivable",
            Self::Payable => "payable",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Receivable, Self::Payable].into_iter().find(|side| side.as_str() == code)
    }

    /// The side that payments in this direction settle.
    #[must_use]
    pub const fn of_payments(direction: Direction) -> Self {
        match direction {
            Direction::Received => Self::Receivable,
            Direction::Made => Self::Payable,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    Invoice,
    SalesNote,
    Settlement,
    DebitNote,
    /// Its total and balance are negative: it lowers what is owed.
    CreditNote,
}

impl DocumentKind {
    pub const ALL: [DocumentKind; 5] = [Self::Invoice, Self::SalesNote, Self::Settlement, Self::DebitNote, Self::CreditNote];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::SalesNote => "sales_note",
            Self::Settlement => "settlement",
            Self::DebitNote => "debit_note",
            Self::CreditNote => "credit_note",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == code)
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invoice => "Factura",
            Self::SalesNote => "Nota de venta",
            Self::Settlement => "Liquidación",
            Self::DebitNote => "Nota de débito",
            Self::CreditNote => "Nota de crédito",
        }
    }

    /// As lists and receipts print it before the number.
    #[must_use]
    pub const fn short(self) -> &'static str {
        match self {
            Self::Invoice => "Fac.",
            Self::SalesNote => "N/V",
            Self::Settlement => "Liq.",
            Self::DebitNote => "N/D",
            Self::CreditNote => "N/C",
        }
    }
}

/// `001-001-000000123`: establishment, point of emission, sequence. A short form such as `1-1-123` is completed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentNumber(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidDocumentNumber;

impl InvalidDocumentNumber {
    #[must_use]
    pub fn message(self) -> Message {
        messages::document_number_invalid()
    }
}

said_by_message!(InvalidDocumentNumber, DocumentError);

impl DocumentNumber {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands in a record that was written otherwise, made safe to show: see [`DocumentNumber::is_readable`].
    #[must_use]
    pub fn as_kept(kept: &str) -> Self {
        kept.parse().unwrap_or_else(|_| Self(text::one_line(text::cut(kept, LONGEST_TYPED))))
    }

    /// Whether it has the shape of a number, and is not only what an unreadable record holds.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.0.parse::<Self>().is_ok_and(|again| again == *self)
    }
}

impl From<&DocumentNumber> for Value {
    fn from(number: &DocumentNumber) -> Self {
        Self::Text(number.to_string())
    }
}

impl fmt::Display for DocumentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for DocumentNumber {
    type Err = InvalidDocumentNumber;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let typed = Some(typed).filter(|typed| typed.len() <= LONGEST_TYPED).ok_or(InvalidDocumentNumber)?;
        let typed: String = text::token(typed).nfkc().map(text::plain_dash).collect();
        let parts: Vec<&str> = match typed.len() {
            15 if typed.bytes().all(|b| b.is_ascii_digit()) => vec![&typed[..3], &typed[3..6], &typed[6..]],
            _ if typed.contains('-') => typed.split('-').map(str::trim).collect(),
            _ => typed.split([' ', '.', '/']).collect(),
        };
        let [establishment, point, sequence] = parts[..] else { return Err(InvalidDocumentNumber) };
        let place = |part: &str, width: usize| {
            let fits = !part.is_empty() && part.len() <= width && part.bytes().all(|b| b.is_ascii_digit());
            let is_zero = part.bytes().all(|b| b == b'0');
            if fits && !is_zero { Ok(format!("{part:0>width$}")) } else { Err(InvalidDocumentNumber) }
        };
        Ok(Self(format!("{}-{}-{}", place(establishment, 3)?, place(point, 3)?, place(sequence, 9)?)))
    }
}

/// An open item as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub id: DocumentId,
    pub contact: ContactId,
    pub facts: DocumentFacts,
    /// What is still open; between zero and the total, on the total's side of zero.
    pub balance: Money,
    pub voided: bool,
}

/// What is written on the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentFacts {
    pub kind: DocumentKind,
    pub side: Side,
    pub number: DocumentNumber,
    pub issue_date: Date,
    pub due_date: Date,
    pub total: Money,
    /// A few words to know it by in a list.
    pub detail: Option<String>,
}

/// A document to be kept from now on, possibly already paid in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDocument {
    pub contact: ContactId,
    pub facts: DocumentFacts,
    pub balance: Money,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentError {
    TotalIsZero,
    CreditNoteMustBeNegative,
    TotalMustBePositive,
    DueBeforeIssue,
    BalanceOutOfRange,
    IssueDateInFuture,
    IssueYearOutOfRange { first: i32, last: i32 },
    DueTooLate,
}

impl DocumentError {
    #[must_use]
    pub fn message(self) -> Message {
        match self {
            Self::TotalIsZero => messages::total_is_zero(),
            Self::CreditNoteMustBeNegative => messages::credit_note_not_negative(),
            Self::TotalMustBePositive => messages::total_not_positive(),
            Self::DueBeforeIssue => messages::due_before_issue(),
            Self::BalanceOutOfRange => messages::balance_out_of_range(),
            Self::IssueDateInFuture => messages::issue_date_in_future(),
            Self::IssueYearOutOfRange { first, last } => messages::issue_year_out_of_range(first, last),
            Self::DueTooLate => messages::due_too_late(),
        }
    }
}

impl NewDocument {
    /// Errs with the first rule that the document breaks. `today` is the day in Ecuador; one day ahead is allowed.
    pub fn check(&self, today: Date) -> Result<(), DocumentError> {
        let facts = &self.facts;
        if facts.total.is_zero() {
            return Err(DocumentError::TotalIsZero);
        }
        match (facts.kind == DocumentKind::CreditNote, facts.total.is_negative()) {
            (true, false) => return Err(DocumentError::CreditNoteMustBeNegative),
            (false, true) => return Err(DocumentError::TotalMustBePositive),
            _ => {}
        }
        if facts.due_date < facts.issue_date {
            return Err(DocumentError::DueBeforeIssue);
        }
        if facts.issue_date.signed_duration_since(today).num_days() > 1 {
            return Err(DocumentError::IssueDateInFuture);
        }
        let last = typed_date::last_year(today);
        if typed_date::check_year(facts.issue_date, last).is_err() {
            return Err(DocumentError::IssueYearOutOfRange { first: typed_date::FIRST_YEAR, last });
        }
        if facts.due_date.signed_duration_since(facts.issue_date).num_days() > i64::from(MOST_CREDIT_DAYS) {
            return Err(DocumentError::DueTooLate);
        }
        let (low, high) = if facts.total.is_negative() { (facts.total, Money::ZERO) } else { (Money::ZERO, facts.total) };
        if self.balance < low || self.balance > high {
            return Err(DocumentError::BalanceOutOfRange);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_number_is_completed() {
        for (typed, kept) in [
            ("1-1-123", "001-001-000000123"),
            ("001-001-000000123", "001-001-000000123"),
            ("001001000000123", "001-001-000000123"),
            (" 2 - 10 - 7 ", "002-010-000000007"),
            ("001 001 123", "001-001-000000123"),
            ("\u{feff}1–1–1\u{200b}23\u{a0}", "001-001-000000123"),
        ] {
            assert_eq!(typed.parse::<DocumentNumber>().unwrap().as_str(), kept);
        }
        for typed in ["", "1-1", "0-1-1", "1-1-0", "1-1-1234567890", "a-1-1", "1-1-1-1", "1--1"] {
            assert!(typed.parse::<DocumentNumber>().is_err(), "{typed}");
        }
    }
}
