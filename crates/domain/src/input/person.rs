//! Whom a company lets in, and who begins an installation.

use super::{Errors, company, required_address, required_name};
use crate::access::{Role, user_name};
use crate::company::LONGEST_TEXT;
use crate::email_address::EmailAddress;
use crate::identification::Ruc;
use crate::message::{Message, messages};
use crate::text::TextError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Ruc,
    LegalName,
    Name,
    Email,
    Role,
}

/// A person's name as they typed it.
pub fn name(typed: &str) -> Result<String, Message> {
    user_name(typed).map_err(|error| error.of(messages::a_persons_name()))
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InvitationInput<'a> {
    pub email: &'a str,
    /// May be empty: they write it themselves.
    pub name: &'a str,
    pub role: &'a str,
}

impl InvitationInput<'_> {
    pub fn read(&self) -> Result<(EmailAddress, String, Role), Errors<Field>> {
        let mut errors = Errors::default();
        let email = errors.keep(Field::Email, required_address(self.email));
        let named = match user_name(self.name) {
            Err(TextError::Missing) => Ok(String::new()),
            other => other.map_err(|error| error.of(messages::a_persons_name())),
        };
        let name = errors.keep(Field::Name, named);
        let role = errors.keep(Field::Role, Role::parse(self.role).ok_or_else(messages::member_role_missing));
        match (email, name, role) {
            (Some(email), Some(name), Some(role)) => Ok((email, name, role)),
            _ => Err(errors),
        }
    }
}

/// The company and the person that an installation begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundingInput<'a> {
    pub ruc: &'a str,
    pub legal_name: &'a str,
    pub name: &'a str,
    pub email: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Founding {
    pub ruc: Ruc,
    pub legal_name: String,
    pub name: String,
    pub email: EmailAddress,
}

impl FoundingInput<'_> {
    pub fn read(&self) -> Result<Founding, Errors<Field>> {
        let mut errors = Errors::default();
        let ruc = errors.keep(Field::Ruc, company::ruc(self.ruc));
        let missing = messages::named_field_missing(messages::a_legal_name());
        let read = required_name(self.legal_name, LONGEST_TEXT, messages::a_legal_name, missing);
        let legal_name = errors.keep(Field::LegalName, read);
        let name = errors.keep(Field::Name, name(self.name));
        let email = errors.keep(Field::Email, required_address(self.email));
        match (ruc, legal_name, name, email) {
            (Some(ruc), Some(legal_name), Some(name), Some(email)) => Ok(Founding { ruc, legal_name, name, email }),
            _ => Err(errors),
        }
    }
}
