//! From what was typed or sent to a value that is valid, or to everything that is wrong with it.
//!
//! A rule and its limit stand here once, whoever asks. An edge writes its own names into an input (`None` is a field that was
//! not given, an empty text one that was cleared), and finds its own name for each [`Errors`] by the field's enum.

pub mod api_token;
pub mod company;
pub mod contact;
pub mod document;
pub mod failure_policy;
pub mod mail_account;
pub mod password;
pub mod payment;
pub mod person;

use crate::email_address::{Addresses, EmailAddress, InvalidAddresses};
use crate::message::{Message, messages};
use crate::text::{self, TextError};

/// What is wrong, in the order of the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors<Field>(Vec<(Field, Message)>);

impl<Field> Default for Errors<Field> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<Field> Errors<Field> {
    pub fn add(&mut self, field: Field, message: Message) {
        self.0.push((field, message));
    }

    /// Writes a value that was read into its place, or notes why there is none.
    fn put<T>(&mut self, field: Field, read: Result<T, Message>, place: &mut T) {
        if let Some(value) = self.keep(field, read) {
            *place = value;
        }
    }

    /// Notes why there is no value.
    pub fn keep<T>(&mut self, field: Field, read: Result<T, Message>) -> Option<T> {
        read.map_err(|message| self.add(field, message)).ok()
    }

    /// Whether nothing is wrong with these fields.
    fn is_empty_of(&self, is_theirs: impl Fn(&Field) -> bool) -> bool {
        !self.0.iter().any(|(field, _)| is_theirs(field))
    }

    /// Errs with everything that was noted.
    pub fn check<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl<Field> IntoIterator for Errors<Field> {
    type Item = (Field, Message);
    type IntoIter = std::vec::IntoIter<(Field, Message)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// A text of at most `most` letters; `None` where nothing is left to see.
/// What a company is called.
fn required_name(typed: &str, most: usize, name: fn() -> Message, missing: Message) -> Result<String, Message> {
    text::name(typed, most).map_err(|error| if error == TextError::Missing { missing } else { error.of(name()) })
}

fn optional_text(typed: &str, most: usize, name: fn() -> Message) -> Result<Option<String>, Message> {
    text::at_most(Some(typed), most).map_err(|error| error.of(name()))
}

/// A text with something in it; `missing` says what to write.
fn required_text(typed: &str, most: usize, name: fn() -> Message, missing: Message) -> Result<String, Message> {
    text::required(typed, most).map_err(|error| if error == TextError::Missing { missing } else { error.of(name()) })
}

/// Errs where nothing was typed, too.
pub fn required_address(typed: &str) -> Result<EmailAddress, Message> {
    optional_address(typed)?.ok_or_else(messages::address_missing)
}

/// Nothing where nothing was typed.
pub fn optional_address(typed: &str) -> Result<Option<EmailAddress>, Message> {
    let typed = Some(typed).filter(|typed| !typed.trim().is_empty());
    typed.map(str::parse).transpose().map_err(|error: crate::email_address::InvalidEmailAddress| error.message())
}

/// Every address of a list; each entry may itself be several, separated by `;` or `,`. Notes every one that is none, by its
/// entry, and stops at the first that is too many.
pub fn addresses<Field>(
    typed: &[String],
    most: usize,
    field: impl Fn(Option<usize>) -> Field,
    errors: &mut Errors<Field>,
) -> Vec<EmailAddress> {
    let mut list = Addresses::up_to(most);
    let mut wrong = 0;
    for (index, typed) in typed.iter().enumerate() {
        match list.add(typed) {
            Ok(()) => {}
            Err(error @ InvalidAddresses::Address(_)) => {
                wrong += 1;
                errors.add(field(Some(index)), error.message());
            }
            Err(InvalidAddresses::TooMany { .. }) => wrong = usize::MAX,
        }
        if wrong > most {
            errors.add(field(None), messages::too_many_addresses(most));
            break;
        }
    }
    list.into_found()
}
