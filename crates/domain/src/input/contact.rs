//! A person's card.

use std::fmt;

use super::{Errors, addresses, optional_text, required_text};
use crate::contact::{ContactDetails, LONGEST_NAME, LONGEST_TEXT, MOST_ADDRESSES, MOST_CREDIT_DAYS, Purpose};
use crate::identification::{Identification, IdentificationType};
use crate::message::{Message, messages};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContactInput {
    pub name: Option<String>,
    pub identification_type: Option<String>,
    pub identification: Option<String>,
    pub is_customer: Option<bool>,
    pub is_supplier: Option<bool>,
    pub address: Option<String>,
    pub phone: Option<String>,
    pub credit_days: Option<String>,
    pub emails: Option<Vec<String>>,
    /// In the order of [`Purpose::ALL`].
    pub emails_by_purpose: [Option<Vec<String>>; 4],
}

/// `Display` is its name in the API, and in a record that cannot be read: `emails.3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Name,
    IdentificationType,
    Identification,
    IsCustomer,
    Address,
    Phone,
    CreditDays,
    /// `None` is the list as a whole.
    Emails(Option<usize>),
    EmailsFor(Purpose, Option<usize>),
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("name"),
            Self::IdentificationType => f.write_str("identification_type"),
            Self::Identification => f.write_str("identification"),
            Self::IsCustomer => f.write_str("is_customer"),
            Self::Address => f.write_str("address"),
            Self::Phone => f.write_str("phone"),
            Self::CreditDays => f.write_str("credit_days"),
            Self::Emails(None) => f.write_str("emails"),
            Self::Emails(Some(index)) => write!(f, "emails.{index}"),
            Self::EmailsFor(purpose, None) => write!(f, "emails_by_purpose.{}", purpose.as_str()),
            Self::EmailsFor(purpose, Some(index)) => write!(f, "emails_by_purpose.{}.{index}", purpose.as_str()),
        }
    }
}

impl ContactInput {
    /// A new card. A field that is absent is empty.
    pub fn read(mut self) -> Result<ContactDetails, Errors<Field>> {
        for text in [&mut self.name, &mut self.identification_type, &mut self.identification] {
            text.get_or_insert_default();
        }
        self.is_customer.get_or_insert_default();
        self.apply_to(ContactDetails::new(String::new(), Identification::as_kept(IdentificationType::Other, "")))
    }

    /// The card with what was given. What could not be read of its record, and was not given, stays as it stands.
    pub fn apply_to(self, mut details: ContactDetails) -> Result<ContactDetails, Errors<Field>> {
        let mut errors = Errors::default();
        details.undecoded.retain(|field| !self.gives(field));
        if let Some(name) = &self.name {
            let read = required_text(name, LONGEST_NAME, messages::a_name, messages::contact_name_missing());
            details.name = errors.keep(Field::Name, read).unwrap_or_default();
        }
        self.identify(&mut details, &mut errors);
        details.is_customer = self.is_customer.unwrap_or(details.is_customer);
        details.is_supplier = self.is_supplier.unwrap_or(details.is_supplier);
        let is_known = !details.undecoded.iter().any(|field| matches!(*field, "is_customer" | "is_supplier"));
        if is_known && !details.is_customer && !details.is_supplier {
            errors.add(Field::IsCustomer, messages::role_missing());
        }
        if let Some(typed) = &self.address {
            let read = optional_text(typed, LONGEST_TEXT, messages::a_postal_address);
            details.address = errors.keep(Field::Address, read).flatten();
        }
        if let Some(typed) = &self.phone {
            details.phone = errors.keep(Field::Phone, optional_text(typed, LONGEST_TEXT, messages::a_phone)).flatten();
        }
        if let Some(typed) = &self.credit_days {
            details.credit_days = errors.keep(Field::CreditDays, credit_days(typed)).flatten();
        }
        if let Some(typed) = &self.emails {
            details.emails = addresses(typed, MOST_ADDRESSES, Field::Emails, &mut errors);
        }
        for (purpose, typed) in Purpose::ALL.into_iter().zip(&self.emails_by_purpose) {
            if let Some(typed) = typed {
                let field = |index| Field::EmailsFor(purpose, index);
                *details.emails_by_purpose.of_mut(purpose) = addresses(typed, MOST_ADDRESSES, field, &mut errors);
            }
        }
        errors.check(details)
    }

    /// The type is what was given, else what the record has, else what the number looks like.
    #[must_use]
    pub fn kind(&self, kept: Option<IdentificationType>) -> Option<IdentificationType> {
        let guess = || {
            let number = self.identification.as_deref().filter(|number| !number.is_empty());
            number.map_or(IdentificationType::Ruc, IdentificationType::guess)
        };
        match self.identification_type.as_deref() {
            None => Some(kept.unwrap_or_else(guess)),
            Some("") => Some(guess()),
            Some(code) => IdentificationType::parse(code),
        }
    }

    fn identify(&self, details: &mut ContactDetails, errors: &mut Errors<Field>) {
        if self.identification_type.is_none() && self.identification.is_none() {
            return;
        }
        let Some(kind) = self.kind(Some(details.identification.kind())) else {
            let known: Vec<&str> = IdentificationType::ALL.iter().map(|kind| kind.as_str()).collect();
            return errors.add(Field::IdentificationType, messages::value_unknown(known.join(", ")));
        };
        let typed = self.identification.as_deref().unwrap_or(details.identification.number());
        let read = Identification::parse(kind, typed).map_err(|error| error.message());
        if let Some(identification) = errors.keep(Field::Identification, read) {
            details.identification = identification;
        }
    }

    fn gives(&self, field: &str) -> bool {
        let purpose = field.strip_prefix("emails_by_purpose.").and_then(Purpose::parse);
        match field {
            "name" => self.name.is_some(),
            "identification_type" => self.identification_type.is_some(),
            "identification" => self.identification.is_some(),
            "is_customer" => self.is_customer.is_some(),
            "is_supplier" => self.is_supplier.is_some(),
            "address" => self.address.is_some(),
            "phone" => self.phone.is_some(),
            "credit_days" => self.credit_days.is_some(),
            "emails" => self.emails.is_some(),
            _ => {
                Purpose::ALL.into_iter().zip(&self.emails_by_purpose).any(|(own, given)| Some(own) == purpose && given.is_some())
            }
        }
    }
}

fn credit_days(typed: &str) -> Result<Option<i32>, Message> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let days = typed.parse().ok().filter(|days| (0..=MOST_CREDIT_DAYS).contains(days));
    days.map(Some).ok_or_else(|| messages::credit_days_invalid(MOST_CREDIT_DAYS))
}
