//! One way in which a payment was made, and the fields that belong to it.

use super::error::{Field, PaymentError, Refusal};
use crate::Date;
use crate::document::DocumentNumber;
use crate::id::PaymentId;
use crate::message::Value;
use crate::money::Money;
use crate::text::folded;

/// Letters of a bank, a number or a tax: they are columns of the receipt.
pub const LONGEST_DETAIL: usize = 120;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    Cash,
    Check,
    Transfer,
    Deposit,
    Card,
    Offset,
    Withholding,
    Advance,
}

impl Method {
    pub const ALL: [Method; 8] =
        [Self::Cash, Self::Check, Self::Transfer, Self::Deposit, Self::Card, Self::Offset, Self::Withholding, Self::Advance];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cash => "cash",
            Self::Check => "check",
            Self::Transfer => "transfer",
            Self::Deposit => "deposit",
            Self::Card => "card",
            Self::Offset => "offset",
            Self::Withholding => "withholding",
            Self::Advance => "advance",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == code)
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cash => "Efectivo",
            Self::Check => "Cheque",
            Self::Transfer => "Transferencia",
            Self::Deposit => "Depósito",
            Self::Card => "Tarjeta",
            Self::Offset => "Cruce",
            Self::Withholding => "Retención",
            Self::Advance => "Anticipo usado",
        }
    }

    /// Whether money moves now; the others settle without it.
    #[must_use]
    pub const fn is_money(self) -> bool {
        matches!(self, Self::Cash | Self::Check | Self::Transfer | Self::Deposit | Self::Card)
    }

    /// The fields, beside the amount, that may be given with this method.
    #[must_use]
    pub const fn fields(self) -> &'static [LineField] {
        use LineField::{Account, Advance, Bank, Base, Date, Kind, Reference, Tax};
        match self {
            Self::Cash => &[Bank, Reference],
            Self::Check => &[Reference, Bank, Account, Date, Kind],
            Self::Transfer | Self::Deposit | Self::Card => &[Reference, Bank, Account],
            Self::Offset => &[Reference],
            Self::Withholding => &[Reference, Tax, Base, Date],
            Self::Advance => &[Advance],
        }
    }

    const fn required(self) -> &'static [LineField] {
        match self {
            Self::Check => &[LineField::Reference],
            Self::Withholding => &[LineField::Reference, LineField::Tax],
            Self::Advance => &[LineField::Advance],
            Self::Cash | Self::Transfer | Self::Deposit | Self::Card | Self::Offset => &[],
        }
    }
}

impl From<Method> for Value {
    fn from(method: Method) -> Self {
        Self::both(method.name(), method.as_str())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineField {
    Method,
    Amount,
    Reference,
    Bank,
    Account,
    Date,
    Kind,
    Tax,
    Base,
    Advance,
}

impl LineField {
    /// Its name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Amount => "amount",
            Self::Reference => "reference",
            Self::Bank => "bank",
            Self::Account => "account",
            Self::Date => "date",
            Self::Kind => "kind",
            Self::Tax => "tax",
            Self::Base => "base",
            Self::Advance => "payment_id",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckKind {
    Ordinary,
    Certified,
    Cashier,
    Postdated,
}

impl CheckKind {
    pub const ALL: [CheckKind; 4] = [Self::Ordinary, Self::Certified, Self::Cashier, Self::Postdated];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Certified => "certified",
            Self::Cashier => "cashier",
            Self::Postdated => "postdated",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == code)
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ordinary => "Cheque",
            Self::Certified => "Cheque certificado",
            Self::Cashier => "Cheque de gerencia",
            Self::Postdated => "Cheque posfechado",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentLine {
    pub method: Method,
    pub amount: Money,
    /// Number of the cheque, transfer, voucher or certificate.
    pub reference: Option<String>,
    pub bank: Option<String>,
    /// Whole; receipts and mails show its last four.
    pub account: Option<String>,
    /// Of a cheque, the day from which it can be cashed.
    pub date: Option<Date>,
    pub kind: Option<CheckKind>,
    /// `IR 1,75 %`
    pub tax: Option<String>,
    /// Of a withholding, what the percentage is taken of.
    pub base: Option<Money>,
    pub advance_from: Option<PaymentId>,
}

impl PaymentLine {
    #[must_use]
    pub const fn new(method: Method, amount: Money) -> Self {
        Self {
            method,
            amount,
            reference: None,
            bank: None,
            account: None,
            date: None,
            kind: None,
            tax: None,
            base: None,
            advance_from: None,
        }
    }

    /// The line's name on receipts and pages: «Cheque posfechado», «Retención IR 2 %».
    #[must_use]
    pub fn name(&self) -> String {
        let name = self.kind.map_or(self.method.name(), CheckKind::name);
        match &self.tax {
            Some(tax) => named_with_tax(name, tax),
            None => name.to_string(),
        }
    }

    /// Fills in what follows from what was given: the number of a certificate stands as documents' numbers do.
    pub(super) fn complete(&mut self) {
        let certificate = self.reference.as_ref().filter(|_| self.method == Method::Withholding);
        if let Some(number) = certificate.and_then(|typed| typed.parse::<DocumentNumber>().ok()) {
            self.reference = Some(number.to_string());
        }
    }

    pub(super) fn check(&self, index: usize, today: Date, refusal: &mut Refusal) {
        if !self.amount.is_positive() {
            refusal.add(Field::Line { index, name: LineField::Amount }, PaymentError::AmountNotPositive);
        } else if self.amount > Money::LARGEST {
            refusal.add(Field::Line { index, name: LineField::Amount }, PaymentError::TotalTooLarge);
        }
        for (name, given, too_long) in self.given() {
            let field = Field::Line { index, name };
            if given && !self.method.fields().contains(&name) {
                refusal.add(field, PaymentError::FieldNotOfMethod { method: self.method });
            } else if !given && self.method.required().contains(&name) {
                refusal.add(field, PaymentError::FieldMissing { method: self.method });
            } else if too_long {
                refusal.add(field, PaymentError::FieldTooLong);
            }
        }
        if let Some(base) = self.base {
            self.check_base(base, index, refusal);
        }
        if let Some(Err(error)) = self.date.map(|date| super::year_of_payment(date, today)) {
            refusal.add(Field::Line { index, name: LineField::Date }, error);
        }
        if self.kind == Some(CheckKind::Postdated) && self.date.is_none() {
            refusal.add(Field::Line { index, name: LineField::Date }, PaymentError::PostdatedWithoutDate);
        }
    }

    fn check_base(&self, base: Money, index: usize, refusal: &mut Refusal) {
        if !base.is_positive() {
            refusal.add(Field::Line { index, name: LineField::Base }, PaymentError::AmountNotPositive);
        } else if base > Money::LARGEST {
            refusal.add(Field::Line { index, name: LineField::Base }, PaymentError::TotalTooLarge);
        } else if self.amount > base {
            let error = PaymentError::WithholdingExceedsBase { base, amount: self.amount };
            refusal.add(Field::Line { index, name: LineField::Amount }, error);
        }
    }

    /// Each optional field: its name, whether it was given, whether it is too long.
    fn given(&self) -> [(LineField, bool, bool); 8] {
        let text = |field: &Option<String>| field.as_ref().map_or(0, |text| text.chars().count());
        let [reference, bank, account, tax] = [text(&self.reference), text(&self.bank), text(&self.account), text(&self.tax)];
        [
            (LineField::Reference, reference > 0, reference > LONGEST_DETAIL),
            (LineField::Bank, bank > 0, bank > LONGEST_DETAIL),
            (LineField::Account, account > 0, account > LONGEST_DETAIL),
            (LineField::Tax, tax > 0, tax > LONGEST_DETAIL),
            (LineField::Base, self.base.is_some(), false),
            (LineField::Date, self.date.is_some(), false),
            (LineField::Kind, self.kind.is_some(), false),
            (LineField::Advance, self.advance_from.is_some(), false),
        ]
    }
}

/// A line's name with its tax, and no word twice where the tax begins with the name: «Retención IR 2 %», and of
/// «Retención fuente 2 %» only that.
#[must_use]
pub fn named_with_tax(name: &str, tax: &str) -> String {
    if folded(tax).starts_with(&folded(name)) { tax.to_owned() } else { format!("{name} {tax}") }
}
