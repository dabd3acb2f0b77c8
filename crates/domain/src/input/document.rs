//! An open item to be kept.

use super::{Errors, optional_text};
use crate::Date;
use crate::document::{DocumentError, DocumentFacts, DocumentKind, InvalidDocumentNumber, LONGEST_DETAIL, NewDocument, Side};
use crate::id::ContactId;
use crate::message::{Message, messages};
use crate::money::Money;

/// Days and amounts are read by the edge, each by its own spelling: the value, or why there is none.
#[derive(Debug, Clone)]
pub struct DocumentInput {
    pub kind: Result<DocumentKind, Message>,
    pub side: Result<Side, Message>,
    pub contact: Result<ContactId, Message>,
    pub number: String,
    pub issue_date: Result<Date, Message>,
    pub due_date: Result<Date, Message>,
    pub total: Result<Money, Message>,
    /// What is still open; the total where nothing was settled before.
    pub balance: Option<Result<Money, Message>>,
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Kind,
    Side,
    Contact,
    Number,
    IssueDate,
    DueDate,
    Total,
    Balance,
    Detail,
}

impl DocumentInput {
    /// `today` is the day in Ecuador.
    pub fn read(self, today: Date) -> Result<NewDocument, Errors<Field>> {
        let mut errors = Errors::default();
        let kind = errors.keep(Field::Kind, self.kind);
        let side = errors.keep(Field::Side, self.side);
        let contact = errors.keep(Field::Contact, self.contact);
        let number = if self.number.trim().is_empty() {
            Err(messages::document_number_missing())
        } else {
            self.number.parse().map_err(|error: InvalidDocumentNumber| error.message())
        };
        let number = errors.keep(Field::Number, number);
        let issue_date = errors.keep(Field::IssueDate, self.issue_date);
        let due_date = errors.keep(Field::DueDate, self.due_date);
        let total = errors.keep(Field::Total, self.total);
        let balance = match self.balance {
            Some(balance) => errors.keep(Field::Balance, balance),
            None => total,
        };
        let detail = errors.keep(Field::Detail, optional_text(&self.detail, LONGEST_DETAIL, messages::a_detail)).flatten();
        let (Some(kind), Some(side), Some(contact), Some(number)) = (kind, side, contact, number) else { return Err(errors) };
        let (Some(issue_date), Some(due_date)) = (issue_date, due_date) else { return Err(errors) };
        let (Some(total), Some(balance)) = (total, balance) else { return Err(errors) };
        let facts = DocumentFacts { kind, side, number, issue_date, due_date, total, detail };
        let document = NewDocument { contact, facts, balance };
        if let Err(error) = document.check(today) {
            errors.add(Field::of(error), error.message());
        }
        errors.check(document)
    }
}

impl Field {
    /// The field that breaks a rule.
    #[must_use]
    pub const fn of(error: DocumentError) -> Self {
        match error {
            DocumentError::TotalIsZero | DocumentError::CreditNoteMustBeNegative | DocumentError::TotalMustBePositive => {
                Self::Total
            }
            DocumentError::DueBeforeIssue | DocumentError::DueTooLate => Self::DueDate,
            DocumentError::BalanceOutOfRange => Self::Balance,
            DocumentError::IssueDateInFuture | DocumentError::IssueYearOutOfRange { .. } => Self::IssueDate,
        }
    }
}
