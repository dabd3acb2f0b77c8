//! From what was sent to values that are valid, collecting everything that is wrong on the way.

use acuse_domain::Date;
use acuse_domain::contact::MOST_ADDRESSES;
use acuse_domain::email_address::{Addresses, EmailAddress, InvalidAddresses, InvalidEmailAddress};
use acuse_domain::money::Money;
use acuse_domain::text::{self, TextError};
use uuid::Uuid;

use crate::problem::{FieldProblem, LocalizedText, Problem, sentence};

/// What is wrong so far. A reader gives nothing for a field that is absent or wrong, and notes why.
#[derive(Default)]
pub struct Fields(Vec<FieldProblem>);

impl Fields {
    pub fn note(&mut self, field: impl Into<String>, code: &'static str, message: LocalizedText) {
        self.0.push(FieldProblem::new(field, code, message));
    }

    pub fn add(&mut self, problem: FieldProblem) {
        self.0.push(problem);
    }

    /// Errs with everything that was noted.
    pub fn check(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(self.into_problem()) }
    }

    /// For where a value that must be there is not: the reason was noted.
    #[must_use]
    pub fn into_problem(self) -> Problem {
        Problem::of_fields(self.0)
    }

    pub fn required<T>(&mut self, field: &str, given: Option<T>) -> Option<T> {
        if given.is_none() {
            self.note(field, "field_missing", LocalizedText::new("Falta este campo.", "This field is missing."));
        }
        given
    }

    /// One line of text with something in it, of at most `longest` letters.
    pub fn text(&mut self, field: &str, given: Option<&str>, longest: usize) -> Option<String> {
        self.read_text(field, text::required(given.unwrap_or_default(), longest))
    }

    pub fn optional_text(&mut self, field: &str, given: Option<&str>, longest: usize) -> Option<String> {
        self.read_text(field, text::at_most(given, longest)).flatten()
    }

    /// What the domain made of a text.
    pub fn read_text<T>(&mut self, field: &str, read: Result<T, TextError>) -> Option<T> {
        match read {
            Ok(text) => Some(text),
            Err(TextError::Missing) => self.required(field, None),
            Err(TextError::TooLong { most }) => {
                let said =
                    LocalizedText::new(format!("Tiene más de {most} letras."), format!("It has more than {most} characters."));
                self.note(field, "field_too_long", said);
                None
            }
        }
    }

    pub fn amount(&mut self, field: &str, given: Option<&str>) -> Option<Money> {
        match self.required(field, given)?.parse() {
            Ok(amount) => Some(amount),
            Err(error) => {
                self.add(FieldProblem::of_money(field, error));
                None
            }
        }
    }

    pub fn date(&mut self, field: &str, given: Option<&str>) -> Option<Date> {
        let given = self.required(field, given)?;
        self.optional_date(field, Some(given))
    }

    pub fn optional_date(&mut self, field: &str, given: Option<&str>) -> Option<Date> {
        let given = given?;
        // chrono would also take 2026-1-2 and years of any length.
        let has_its_shape = given.len() == 10
            && given.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let date = has_its_shape.then(|| Date::parse_from_str(given, "%Y-%m-%d").ok()).flatten();
        if date.is_none() {
            let said = if has_its_shape {
                LocalizedText::new(format!("{given} no existe."), format!("There is no {given}."))
            } else {
                LocalizedText::new("No es una fecha como 2026-11-24.", "It is not a date such as 2026-11-24.")
            };
            self.note(field, "date_invalid", said);
        }
        date
    }

    pub fn id(&mut self, field: &str, given: Option<&str>) -> Option<Uuid> {
        let given = self.required(field, given)?;
        self.optional_id(field, Some(given))
    }

    pub fn optional_id(&mut self, field: &str, given: Option<&str>) -> Option<Uuid> {
        let id = given?.parse().ok();
        if id.is_none() {
            self.note(field, "id_invalid", LocalizedText::new("No es un identificador UUID.", "It is not a UUID."));
        }
        id
    }

    /// One of the codes that `parse` knows.
    pub fn code<T>(&mut self, field: &str, given: Option<&str>, parse: impl Fn(&str) -> Option<T>, known: &[&str]) -> Option<T> {
        let given = self.required(field, given)?;
        self.optional_code(field, Some(given), parse, known)
    }

    pub fn optional_code<T>(
        &mut self,
        field: &str,
        given: Option<&str>,
        parse: impl Fn(&str) -> Option<T>,
        known: &[&str],
    ) -> Option<T> {
        let value = parse(given?);
        if value.is_none() {
            let known = known.join(", ");
            self.note(
                field,
                "value_unknown",
                LocalizedText::new(format!("Debe ser uno de: {known}."), format!("It must be one of: {known}.")),
            );
        }
        value
    }

    pub fn address(&mut self, field: &str, given: Option<&str>) -> Option<EmailAddress> {
        let given = self.required(field, given)?;
        self.optional_address(field, Some(given))
    }

    pub fn optional_address(&mut self, field: &str, given: Option<&str>) -> Option<EmailAddress> {
        let given = given.filter(|typed| !typed.trim().is_empty())?;
        given.parse().map_err(|error| self.not_an_address(field.to_owned(), &error)).ok()
    }

    /// Every address of a list; each entry may itself be several, separated by `;` or `,`. Says every one that is none, and
    /// stops at the first that is too many.
    pub fn addresses(&mut self, field: &str, given: &super::addresses::Addresses) -> Vec<EmailAddress> {
        let mut list = Addresses::up_to(MOST_ADDRESSES);
        let mut wrong = 0;
        for (index, typed) in given.0.iter().enumerate() {
            match list.add(typed) {
                Ok(()) => {}
                Err(InvalidAddresses::Address(error)) => {
                    wrong += 1;
                    self.not_an_address(format!("{field}.{index}"), &error);
                }
                Err(InvalidAddresses::TooMany { .. }) => {
                    self.too_many_addresses(field);
                    break;
                }
            }
            if wrong > MOST_ADDRESSES {
                self.too_many_addresses(field);
                break;
            }
        }
        list.into_found()
    }

    fn too_many_addresses(&mut self, field: &str) {
        let said = LocalizedText::new(
            format!("Son más de {MOST_ADDRESSES} direcciones."),
            format!("There are more than {MOST_ADDRESSES} addresses."),
        );
        self.note(field, "too_many_addresses", said);
    }

    fn not_an_address(&mut self, field: String, error: &InvalidEmailAddress) {
        let english = format!("«{}» is not an e-mail address.", error.typed);
        self.note(field, "email_invalid", LocalizedText::new(sentence(error), english));
    }
}
