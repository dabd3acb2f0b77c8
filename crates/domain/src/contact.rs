//! Customers and suppliers, and where each kind of mail reaches them.

use crate::email_address::EmailAddress;
use crate::id::ContactId;
use crate::identification::Identification;
use crate::payment::Direction;

/// RFC 5321 4.5.3.1.8 makes a server take at least 100 recipients; a person's card needs far fewer.
pub const MOST_ADDRESSES: usize = 20;
pub const LONGEST_NAME: usize = 300;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub id: ContactId,
    /// Grows with every change.
    pub version: i64,
    pub details: ContactDetails,
}

/// A person's card, as it is typed and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactDetails {
    pub name: String,
    pub identification: Identification,
    pub is_customer: bool,
    pub is_supplier: bool,
    pub address: Option<String>,
    pub phone: Option<String>,
    /// Days of credit; fills in the due date of a new document.
    pub credit_days: Option<i32>,
    pub emails: Vec<EmailAddress>,
    pub emails_by_purpose: EmailsByPurpose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    ReceivedPayments,
    MadePayments,
    Invoices,
    Withholdings,
}

impl Purpose {
    pub const ALL: [Purpose; 4] = [Self::ReceivedPayments, Self::MadePayments, Self::Invoices, Self::Withholdings];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReceivedPayments => "received_payments",
            Self::MadePayments => "made_payments",
            Self::Invoices => "invoices",
            Self::Withholdings => "withholdings",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == code)
    }
}

/// Addresses that serve one purpose only. An empty list falls back to the contact's `emails`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EmailsByPurpose {
    pub received_payments: Vec<EmailAddress>,
    pub made_payments: Vec<EmailAddress>,
    pub invoices: Vec<EmailAddress>,
    pub withholdings: Vec<EmailAddress>,
}

impl EmailsByPurpose {
    #[must_use]
    pub fn of(&self, purpose: Purpose) -> &[EmailAddress] {
        match purpose {
            Purpose::ReceivedPayments => &self.received_payments,
            Purpose::MadePayments => &self.made_payments,
            Purpose::Invoices => &self.invoices,
            Purpose::Withholdings => &self.withholdings,
        }
    }

    pub fn of_mut(&mut self, purpose: Purpose) -> &mut Vec<EmailAddress> {
        match purpose {
            Purpose::ReceivedPayments => &mut self.received_payments,
            Purpose::MadePayments => &mut self.made_payments,
            Purpose::Invoices => &mut self.invoices,
            Purpose::Withholdings => &mut self.withholdings,
        }
    }
}

impl ContactDetails {
    /// Where mail of this purpose goes.
    #[must_use]
    pub fn recipients(&self, purpose: Purpose) -> &[EmailAddress] {
        match self.emails_by_purpose.of(purpose) {
            [] => &self.emails,
            own => own,
        }
    }

    /// Wherever the card has the wrong address, it gets the right one, once.
    pub fn replace_address(&mut self, wrong: &str, right: &EmailAddress) {
        let own = &mut self.emails_by_purpose;
        let lists =
            [&mut self.emails, &mut own.received_payments, &mut own.made_payments, &mut own.invoices, &mut own.withholdings];
        for list in lists {
            let Some(at) = list.iter().position(|own| own.as_str() == wrong) else { continue };
            if list.contains(right) && list[at] != *right {
                list.remove(at);
            } else {
                list[at] = right.clone();
            }
        }
    }

    /// Where the receipt of a payment goes.
    #[must_use]
    pub fn receipt_recipients(&self, direction: Direction) -> &[EmailAddress] {
        self.recipients(match direction {
            Direction::Received => Purpose::ReceivedPayments,
            Direction::Made => Purpose::MadePayments,
        })
    }
}
