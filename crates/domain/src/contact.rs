//! Customers and suppliers, and where each kind of mail reaches them.

use crate::email_address::EmailAddress;
use crate::id::ContactId;
use crate::identification::Identification;
use crate::payment::Direction;
use crate::text;

/// RFC 5321 4.5.3.1.8 makes a server take at least 100 recipients; a person's card needs far fewer.
pub const MOST_ADDRESSES: usize = 20;
/// Letters; the SRI's documents have as many for a razón social.
pub const LONGEST_NAME: usize = 300;
/// Letters of an address or a telephone with its extensions and notes.
pub const LONGEST_TEXT: usize = 500;
/// Days of credit: longer than any agreed term.
pub const MOST_CREDIT_DAYS: i32 = 3_650;
/// Addresses that one act sends to, and so mails in one queue at once.
pub const MOST_RECIPIENTS: usize = MOST_ADDRESSES;

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
    /// Fields of a record that hold nothing of their kind, by their names in the API. Whoever gives one takes it off; the
    /// others stay as they stand.
    pub undecoded: Vec<&'static str>,
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
    /// A card with nothing else on it yet.
    #[must_use]
    pub fn new(name: String, identification: Identification) -> Self {
        Self {
            name,
            identification,
            is_customer: false,
            is_supplier: false,
            address: None,
            phone: None,
            credit_days: None,
            emails: Vec::new(),
            emails_by_purpose: EmailsByPurpose::default(),
            undecoded: Vec::new(),
        }
    }

    /// The fields that an unreadable record left, by their names in the API: they are shown, and used for nothing.
    #[must_use]
    pub fn unreadable(&self) -> Vec<&'static str> {
        let is_read = |list: &[EmailAddress]| list.iter().all(EmailAddress::is_readable);
        let by_purpose = |purpose| is_read(self.emails_by_purpose.of(purpose));
        let fields = [
            ("identification", self.identification.is_readable()),
            ("emails", is_read(&self.emails)),
            ("emails_by_purpose.received_payments", by_purpose(Purpose::ReceivedPayments)),
            ("emails_by_purpose.made_payments", by_purpose(Purpose::MadePayments)),
            ("emails_by_purpose.invoices", by_purpose(Purpose::Invoices)),
            ("emails_by_purpose.withholdings", by_purpose(Purpose::Withholdings)),
        ];
        let mut unreadable = self.undecoded.clone();
        let others = fields.into_iter().filter(|(_, is_readable)| !is_readable).map(|(field, _)| field);
        unreadable.extend(others.filter(|field| !self.undecoded.contains(field)));
        unreadable
    }

    /// Every address on the card.
    pub fn addresses(&self) -> impl Iterator<Item = &EmailAddress> {
        let own = Purpose::ALL.into_iter().flat_map(|purpose| self.emails_by_purpose.of(purpose));
        self.emails.iter().chain(own)
    }

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
            let Some(at) = list.iter().position(|own| text::is_same(own.as_str(), wrong)) else { continue };
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
