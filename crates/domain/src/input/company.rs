//! What a company says of itself.

use super::{Errors, optional_address, optional_text, required_name};
use crate::company::{CompanyProfile, LONGEST_TEXT};
use crate::identification::{IdentificationError, Ruc};
use crate::message::{Message, messages};
use crate::text::{TextError, mixes_alphabets};

/// A company's RUC as it was typed.
pub fn ruc(typed: &str) -> Result<Ruc, Message> {
    match typed.trim() {
        "" => Err(messages::named_field_missing(messages::a_ruc())),
        typed => typed.parse().map_err(|error: IdentificationError| match error {
            IdentificationError::FinalConsumer => messages::company_of_final_consumer(),
            error => error.message(),
        }),
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileInput {
    pub legal_name: Option<String>,
    pub trade_name: Option<String>,
    pub address: Option<String>,
    pub city: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    LegalName,
    TradeName,
    Address,
    City,
    Phone,
    Email,
}

impl Field {
    /// Its name in the API, and in a record that cannot be read.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LegalName => "legal_name",
            Self::TradeName => "trade_name",
            Self::Address => "address",
            Self::City => "city",
            Self::Phone => "phone",
            Self::Email => "email",
        }
    }
}

impl ProfileInput {
    /// A new one. A field that is absent is empty.
    pub fn read(mut self) -> Result<CompanyProfile, Errors<Field>> {
        self.legal_name.get_or_insert_default();
        self.apply_to(CompanyProfile::default())
    }

    /// The profile with what was given. What could not be read of its record, and was not given, stays as it stands.
    pub fn apply_to(self, mut profile: CompanyProfile) -> Result<CompanyProfile, Errors<Field>> {
        let mut errors = Errors::default();
        let mut given = Vec::new();
        if let Some(typed) = &self.legal_name {
            let missing = messages::named_field_missing(messages::a_legal_name());
            let read = required_name(typed, LONGEST_TEXT, messages::a_legal_name, missing);
            profile.legal_name = errors.keep(Field::LegalName, read).unwrap_or_default();
            given.push(Field::LegalName);
        }
        if let Some(typed) = &self.trade_name {
            let read = optional_text(typed, LONGEST_TEXT, messages::a_trade_name);
            let mixes = || TextError::MixedAlphabets.of(messages::a_trade_name());
            let read = read.and_then(|name| if name.as_deref().is_some_and(mixes_alphabets) { Err(mixes()) } else { Ok(name) });
            profile.trade_name = errors.keep(Field::TradeName, read).flatten();
            given.push(Field::TradeName);
        }
        let texts = [
            (Field::Address, &self.address, messages::a_postal_address as fn() -> _, &mut profile.address),
            (Field::City, &self.city, messages::a_city, &mut profile.city),
            (Field::Phone, &self.phone, messages::a_phone, &mut profile.phone),
        ];
        for (field, typed, name, place) in texts {
            if let Some(typed) = typed {
                *place = errors.keep(field, optional_text(typed, LONGEST_TEXT, name)).flatten();
                given.push(field);
            }
        }
        if let Some(typed) = &self.email {
            profile.email = errors.keep(Field::Email, optional_address(typed)).flatten();
            given.push(Field::Email);
        }
        profile.undecoded.retain(|undecoded| !given.iter().any(|field| field.as_str() == *undecoded));
        errors.check(profile)
    }
}
