//! Cobros and pagos: money that moved, the documents it settles, and what stays as anticipo.
//!
//! [`NewPayment::apply_to`] holds every rule of allocation; nothing else decides whether a payment may be recorded.

mod doubt;
mod error;
mod line;
mod offered;
mod twin;
mod withholding;

pub use doubt::{Answered, Doubt, doubts, paper};
pub use error::{AllocationField, Field, PaymentError, Refusal};
pub use line::{CheckKind, LineField, Method, PaymentLine, named_with_tax};
pub use offered::{BANKS, MethodChoice, TILLS, UsualTax};
pub use twin::{Likeness, Twin, is_same_paper, paper_key};
pub use withholding::{percentage, withheld};

use crate::document::{Document, DocumentNumber, Side};
use crate::email_address::EmailAddress;
use crate::id::{ContactId, DocumentId, PaymentId};
use crate::message::{Message, messages, said_by_message};
use crate::money::Money;
use crate::number::ReceiptNumber;
use crate::text::{self, TextError};
use crate::{Date, Instant, typed_date};

/// A payment is one page of a grid; more than this is a mistake or an attack.
pub const MOST_LINES: usize = 50;
pub const MOST_ALLOCATIONS: usize = 500;
/// Letters of a description: it is printed on the receipt.
pub const LONGEST_DESCRIPTION: usize = 1_000;
/// A pago in cash above this is not deductible (Ley de Régimen Tributario Interno, art. 103): it is warned of, never refused.
pub const DEDUCTIBLE_CASH: Money = Money::from_cents(50_000);
/// A date may be ahead of today by this many days, for whoever works past midnight or in another zone.
const DAYS_AHEAD: i64 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// A cobro: money in, from a customer.
    Received,
    /// A pago: money out, to a supplier.
    Made,
}

impl Direction {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Made => "made",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Received, Self::Made].into_iter().find(|direction| direction.as_str() == code)
    }
}

/// A payment as somebody asks for it to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPayment {
    pub direction: Direction,
    pub contact: ContactId,
    pub date: Date,
    pub lines: Vec<PaymentLine>,
    pub allocations: Vec<NewAllocation>,
    pub description: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewAllocation {
    pub document: DocumentId,
    pub amount: Money,
}

/// An earlier payment whose unapplied rest an `advance` line uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    pub payment: PaymentId,
    pub contact: ContactId,
    pub number: ReceiptNumber,
    pub date: Date,
    /// What is left of it.
    pub available: Money,
}

/// One document's share, with what it owed before and owes after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    pub document: Document,
    pub amount: Money,
}

impl Allocation {
    #[must_use]
    pub fn previous_balance(&self) -> Money {
        self.document.balance
    }

    #[must_use]
    pub fn balance(&self) -> Money {
        self.document.balance - self.amount
    }
}

/// A payment that may be recorded: every rule holds, every sum is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedPayment {
    pub payment: NewPayment,
    pub allocations: Vec<Allocation>,
    pub advances: Vec<Advance>,
    pub sums: Sums,
}

/// What a payment adds up to. `total = money + withholding + advance + offset = allocated + unapplied`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    pub total: Money,
    /// What moved now: cash, cheque, transfer, deposit, card.
    pub money: Money,
    pub withholding: Money,
    pub advance: Money,
    pub offset: Money,
    pub allocated: Money,
    pub unapplied: Money,
}

impl Sums {
    /// What the receipt says in large: the money that moved, or the total where none did.
    #[must_use]
    pub fn headline(&self) -> Money {
        if self.money.is_zero() { self.total } else { self.money }
    }
}

impl AppliedPayment {
    /// What is probably a slip in it.
    #[must_use]
    pub fn doubts(&self) -> Vec<Doubt> {
        let documents = self.allocations.iter().map(|allocation| allocation.document.facts.total);
        doubts(&self.payment.lines, self.sums.allocated, documents.filter(|total| total.is_positive()).sum())
    }
}

impl NewPayment {
    /// Applies the payment to documents and earlier anticipos as they stand now.
    ///
    /// `open` and `advances` hold what was found of the ids that the payment names; an id without its record is an
    /// unknown one. Errs with every rule that is broken, each with its field. `today` is the day in Ecuador.
    pub fn apply_to(mut self, open: &[Document], advances: &[Advance], today: Date) -> Result<AppliedPayment, Refusal> {
        self.lines.iter_mut().for_each(PaymentLine::complete);
        let mut refusal = Refusal::default();
        self.check_head(today, &mut refusal);
        self.check_lines(advances, today, &mut refusal);
        let allocations = self.find_documents(open, &mut refusal);
        let sums = self.add_up(&allocations);
        self.check_sums(&sums, &mut refusal);
        if !refusal.is_empty() {
            return Err(refusal);
        }
        let used = advances.iter().filter(|advance| self.uses(advance.payment)).cloned().collect();
        Ok(AppliedPayment { payment: self, allocations, advances: used, sums })
    }

    /// Ids of the earlier payments whose anticipo the lines use.
    pub fn advance_ids(&self) -> impl Iterator<Item = PaymentId> + '_ {
        self.lines.iter().filter_map(|line| line.advance_from)
    }

    fn uses(&self, payment: PaymentId) -> bool {
        self.advance_ids().any(|id| id == payment)
    }

    fn check_head(&self, today: Date, refusal: &mut Refusal) {
        if self.date.signed_duration_since(today).num_days() > DAYS_AHEAD {
            refusal.add(Field::Date, PaymentError::DateInFuture { today });
        } else if let Err(error) = year_of_payment(self.date, today) {
            refusal.add(Field::Date, error);
        }
        if self.description.as_ref().is_some_and(|text| text.chars().count() > LONGEST_DESCRIPTION) {
            refusal.add(Field::Description, PaymentError::DescriptionTooLong);
        }
        match self.lines.len() {
            0 => refusal.add(Field::Lines, PaymentError::NoLines),
            1..=MOST_LINES => {}
            _ => refusal.add(Field::Lines, PaymentError::TooManyLines),
        }
        if self.allocations.len() > MOST_ALLOCATIONS {
            refusal.add(Field::Allocations, PaymentError::TooManyAllocations);
        }
    }

    fn check_lines(&self, advances: &[Advance], today: Date, refusal: &mut Refusal) {
        for (index, line) in self.lines.iter().enumerate() {
            line.check(index, today, refusal);
            if let Some(id) = line.advance_from {
                self.check_advance(index, id, advances, refusal);
            }
        }
    }

    /// The lines up to and with this one must fit into what is left of the anticipo.
    fn check_advance(&self, index: usize, id: PaymentId, advances: &[Advance], refusal: &mut Refusal) {
        let field = Field::Line { index, name: LineField::Advance };
        let Some(advance) = advances.iter().find(|advance| advance.payment == id) else {
            return refusal.add(field, PaymentError::AdvanceNotFound);
        };
        if advance.contact != self.contact || advance.number.direction != self.direction {
            return refusal.add(field, PaymentError::AdvanceOfAnother);
        }
        let asked = self.lines[..=index].iter().filter(|line| line.advance_from == Some(id)).map(|line| line.amount).sum();
        if asked > advance.available {
            let error = PaymentError::AdvanceExceedsRest { payment: advance.number, available: advance.available, asked };
            refusal.add(Field::Line { index, name: LineField::Amount }, error);
        }
    }

    fn find_documents(&self, open: &[Document], refusal: &mut Refusal) -> Vec<Allocation> {
        let mut found: Vec<Allocation> = Vec::with_capacity(self.allocations.len());
        for (index, asked) in self.allocations.iter().enumerate() {
            let Some(document) = open.iter().find(|document| document.id == asked.document) else {
                refusal.add(Field::Allocation { index, name: AllocationField::Document }, PaymentError::DocumentNotFound);
                continue;
            };
            let repeated = found.iter().any(|earlier| earlier.document.id == document.id);
            match self.check_allocation(document, asked.amount, repeated) {
                Ok(()) => found.push(Allocation { document: document.clone(), amount: asked.amount }),
                Err((name, error)) => refusal.add(Field::Allocation { index, name }, error),
            }
        }
        found
    }

    fn check_allocation(&self, document: &Document, asked: Money, repeated: bool) -> Result<(), (AllocationField, PaymentError)> {
        let number = || document.facts.number.clone();
        let on_document = |error| Err((AllocationField::Document, error));
        if repeated {
            return on_document(PaymentError::DocumentRepeated { document: number() });
        }
        if document.contact != self.contact {
            return on_document(PaymentError::DocumentOfAnother { document: number() });
        }
        if document.facts.side != Side::of_payments(self.direction) {
            return on_document(PaymentError::DocumentOfOtherSide { document: number() });
        }
        if document.voided {
            return on_document(PaymentError::DocumentVoided { document: number() });
        }
        let on_amount = |error| Err((AllocationField::Amount, error));
        if asked.is_zero() || asked.is_negative() != document.facts.total.is_negative() {
            return on_amount(PaymentError::AllocationSign { document: number() });
        }
        if asked.cents().abs() > document.balance.cents().abs() {
            let error = PaymentError::AllocationExceedsBalance { document: number(), balance: document.balance, asked };
            return on_amount(error);
        }
        Ok(())
    }

    fn add_up(&self, allocations: &[Allocation]) -> Sums {
        let of = |wanted: fn(&Method) -> bool| -> Money {
            self.lines.iter().filter(|line| wanted(&line.method)).map(|line| line.amount).sum()
        };
        let total = of(|_| true);
        let allocated = allocations.iter().map(|allocation| allocation.amount).sum();
        Sums {
            total,
            money: of(|method| method.is_money()),
            withholding: of(|method| *method == Method::Withholding),
            advance: of(|method| *method == Method::Advance),
            offset: of(|method| *method == Method::Offset),
            allocated,
            unapplied: total - allocated,
        }
    }

    fn check_sums(&self, sums: &Sums, refusal: &mut Refusal) {
        // A single line that is too large has said so already.
        if sums.total > Money::LARGEST && self.lines.iter().all(|line| line.amount <= Money::LARGEST) {
            refusal.add(Field::Lines, PaymentError::TotalTooLarge);
        }
        if sums.allocated > sums.total && !self.allocations.is_empty() {
            let error = PaymentError::AllocationsExceedTotal { total: sums.total, allocated: sums.allocated };
            refusal.add(Field::Allocations, error);
        }
        if sums.allocated.is_negative() {
            refusal.add(Field::Allocations, PaymentError::CreditNotesExceedDocuments);
        }
        // An anticipo used and left over again would stand twice as anticipo.
        if sums.advance.is_positive() && sums.advance > sums.allocated {
            refusal.add(Field::Allocations, PaymentError::AdvanceNotApplied);
        }
    }
}

/// Errs where the year was hardly meant: of the payment, or of the day from which a cheque can be cashed.
fn year_of_payment(date: Date, today: Date) -> Result<(), PaymentError> {
    let last = typed_date::last_year(today);
    typed_date::check_year(date, last).map_err(|_| PaymentError::YearOutOfRange { first: typed_date::FIRST_YEAR, last })
}

/// The documents among these that were issued after the day on which they were paid: one of the two dates is a slip, or an
/// advance was paid.
pub fn issued_after<'a>(
    paid_on: Date,
    documents: impl IntoIterator<Item = (&'a DocumentNumber, Date)>,
) -> impl Iterator<Item = (&'a DocumentNumber, Date)> {
    documents.into_iter().filter(move |(_, issued_on)| *issued_on > paid_on)
}

/// Who gets the receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notify {
    Nobody,
    /// The contact's own addresses for this direction.
    Contact,
    Addresses(Vec<EmailAddress>),
}

/// Posted, or annulled: a payment is never deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    Posted,
    Voided { at: Instant, reason: String },
}

impl Status {
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Posted => "posted",
            Self::Voided { .. } => "voided",
        }
    }
}

/// Why a recorded payment may not be voided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VoidRefusal {
    AlreadyVoided,
    AdvanceInUse {
        left: Money,
        used: Money,
    },
    Reason(TextError),
    /// Somebody else recorded it, or on another day.
    NotOwn,
}

impl VoidRefusal {
    #[must_use]
    pub fn message(&self) -> Message {
        match self {
            Self::AlreadyVoided => messages::payment_already_voided(),
            Self::AdvanceInUse { .. } => messages::advance_in_use(),
            Self::Reason(error) => error.of(messages::a_reason()),
            Self::NotOwn => messages::void_not_own(),
        }
    }
}

said_by_message!(VoidRefusal);

/// Letters of a reason: it is printed on the receipt, or stands in the history.
pub const LONGEST_REASON: usize = 300;

/// Checks whether a payment that left `unapplied` as anticipo, of which `rest` is unused, may be voided for this reason.
/// Gives the reason as it will be printed.
pub fn may_void(status: &Status, unapplied: Money, rest: Money, reason: &str) -> Result<String, VoidRefusal> {
    if *status != Status::Posted {
        return Err(VoidRefusal::AlreadyVoided);
    }
    if rest != unapplied {
        return Err(VoidRefusal::AdvanceInUse { left: unapplied, used: unapplied - rest });
    }
    text::required(reason, LONGEST_REASON).map_err(VoidRefusal::Reason)
}
