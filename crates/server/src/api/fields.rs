//! From what was sent to values that are valid, collecting everything that is wrong on the way.

use acuse_domain::Date;
use acuse_domain::contact::MOST_ADDRESSES;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::input::{self, Errors};
use acuse_domain::message::{Message, messages};
use acuse_domain::money::{Money, MoneyError};
use uuid::Uuid;

use super::addresses::Addresses;
use crate::problem::Problem;

/// What is wrong so far. A reader gives nothing for a field that is absent or wrong, and notes why.
#[derive(Default)]
pub struct Fields(Errors<String>);

impl Fields {
    pub fn note(&mut self, field: impl Into<String>, message: Message) {
        self.0.add(field.into(), message);
    }

    /// Errs with everything that was noted.
    pub fn check(self) -> Result<(), Problem> {
        self.0.check(()).map_err(|errors| Problem::of_input(errors, String::clone))
    }

    pub fn keep<T>(&mut self, field: &str, read: Result<T, Message>) -> Option<T> {
        self.0.keep(field.to_owned(), read)
    }

    pub fn optional_date(&mut self, field: &str, given: Option<&str>) -> Option<Date> {
        self.keep(field, date(Some(given?)))
    }

    pub fn optional_id(&mut self, field: &str, given: Option<&str>) -> Option<Uuid> {
        self.keep(field, id(Some(given?)))
    }

    pub fn addresses(&mut self, field: &str, given: &Addresses) -> Vec<EmailAddress> {
        let entry = |index: Option<usize>| index.map_or_else(|| field.to_owned(), |index| format!("{field}.{index}"));
        input::addresses(&given.0, MOST_ADDRESSES, entry, &mut self.0)
    }

    /// One of the codes that `parse` knows.
    pub fn optional_code<T>(
        &mut self,
        field: &str,
        given: Option<&str>,
        parse: impl Fn(&str) -> Option<T>,
        known: &[&str],
    ) -> Option<T> {
        self.keep(field, code(Some(given?), parse, known))
    }
}

/// Errs where it is absent or null.
pub fn required<T>(given: Option<T>) -> Result<T, Message> {
    given.ok_or_else(messages::field_missing)
}

/// `120.00`; `name` is what it would be.
pub fn amount(given: Option<&str>, name: Message) -> Result<Money, Message> {
    let given = required(given)?;
    given.parse().map_err(|error| match error {
        MoneyError::NotANumber => messages::amount_invalid(),
        error => error.of(name, given),
    })
}

/// `2026-11-24`
pub fn date(given: Option<&str>) -> Result<Date, Message> {
    let given = required(given)?;
    // chrono would also take 2026-1-2 and years of any length.
    let has_its_shape = given.len() == 10
        && given.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !has_its_shape {
        return Err(messages::date_invalid());
    }
    Date::parse_from_str(given, "%Y-%m-%d").map_err(|_| messages::no_such_day(given))
}

pub fn id(given: Option<&str>) -> Result<Uuid, Message> {
    required(given)?.parse().map_err(|_| messages::id_invalid())
}

/// One of the codes that `parse` knows.
pub fn code<T>(given: Option<&str>, parse: impl Fn(&str) -> Option<T>, known: &[&str]) -> Result<T, Message> {
    parse(required(given)?).ok_or_else(|| messages::value_unknown(known.join(", ")))
}
