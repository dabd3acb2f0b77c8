//! What people are told: a row of messages.toml with the values of its placeholders, in the language of whoever reads it.

use std::fmt;

use crate::Date;

/// A function for each row of messages.toml.
pub mod messages {
    use super::{Message, Row, Value};

    include!(concat!(env!("OUT_DIR"), "/messages.rs"));
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    #[default]
    Spanish,
    English,
}

/// One situation, with what is needed to say it. `Display` is its Spanish.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    row: &'static Row,
    values: Vec<(&'static str, Value)>,
}

/// A row of messages.toml.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    name: &'static str,
    code: &'static str,
    spanish: &'static str,
    short: Option<&'static str>,
    english: &'static str,
}

/// What stands in the place of a placeholder, written as each language writes it. A noun says itself what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    /// An amount, or a name on screens and a code in the API.
    Both {
        spanish: String,
        english: String,
    },
    Date(Date),
    /// With marks between its thousands.
    Count(usize),
    /// What the message is about.
    Message(Box<Message>),
}

/// The code of the table's row with this name.
#[must_use]
pub fn code_of(name: &str) -> Option<&'static str> {
    messages::ROWS.iter().find(|row| row.name == name).map(|row| row.code)
}

impl Message {
    fn new(row: &'static Row, values: Vec<(&'static str, Value)>) -> Self {
        Self { row, values }
    }

    /// Stable, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.row.code
    }

    #[must_use]
    pub fn in_(&self, language: Language) -> String {
        let said = self.within(language);
        let begins_with_what_it_is_about =
            self.row.spanish.starts_with('{') && matches!(self.values.first(), Some((_, Value::Message(_))));
        if begins_with_what_it_is_about { upper_first(&said) } else { said }
    }

    /// In Spanish, where there is little room; `None` where it has no such form.
    #[must_use]
    pub fn short(&self) -> Option<String> {
        self.row.short.map(|text| self.filled(text, Language::Spanish))
    }

    /// The amounts of which one was meant, where it asks for one.
    #[must_use]
    pub fn choices(&self) -> Vec<String> {
        let asks = self.row.code == "amount_ambiguous";
        let meant = self.values.iter().filter(|(name, _)| asks && ["one", "other", "whole"].contains(name));
        meant.map(|(_, value)| value.in_(Language::Spanish)).collect()
    }

    /// As it goes on inside another sentence.
    #[must_use]
    pub fn within(&self, language: Language) -> String {
        let text = match language {
            Language::Spanish => self.row.spanish,
            Language::English => self.row.english,
        };
        self.filled(text, language)
    }

    fn filled(&self, mut rest: &str, language: Language) -> String {
        let mut said = String::with_capacity(rest.len() + 32);
        while let Some((before, (name, after))) = rest.split_once('{').and_then(|(b, rest)| Some((b, rest.split_once('}')?))) {
            said.push_str(before);
            if let Some((_, value)) = self.values.iter().find(|(own, _)| *own == name) {
                said.push_str(&value.in_(language));
            }
            // «Cía. Ltda.» at a sentence's end brings its point along.
            rest = if said.ends_with('.') { after.strip_prefix('.').unwrap_or(after) } else { after };
        }
        said + rest
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.in_(Language::Spanish))
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.row.name)
    }
}

impl From<Message> for String {
    fn from(message: Message) -> Self {
        message.to_string()
    }
}

impl Value {
    fn in_(&self, language: Language) -> String {
        match (self, language) {
            (Self::Text(text), _) => text.clone(),
            (Self::Both { spanish, .. }, Language::Spanish) => spanish.clone(),
            (Self::Both { english, .. }, Language::English) => english.clone(),
            (Self::Date(day), Language::Spanish) => day.format("%d/%m/%Y").to_string(),
            (Self::Date(day), Language::English) => day.to_string(),
            (Self::Count(count), Language::Spanish) => grouped(*count, '.'),
            (Self::Count(count), Language::English) => grouped(*count, ','),
            (Self::Message(message), language) => message.within(language),
        }
    }
}

/// Words as a sentence begins: `el total no es un número.` → `El total no es un número.`
fn upper_first(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn grouped(count: usize, mark: char) -> String {
    let digits = count.to_string();
    let mut said = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            said.push(mark);
        }
        said.push(digit);
    }
    said
}

impl Value {
    pub(crate) fn both(spanish: impl Into<String>, english: impl Into<String>) -> Self {
        Self::Both { spanish: spanish.into(), english: english.into() }
    }
}

macro_rules! values {
    ($($given:ty => $value:expr),+ $(,)?) => {$(
        impl From<$given> for Value {
            fn from(given: $given) -> Self {
                ($value)(given)
            }
        }
    )+};
}

values! {
    &str => |text: &str| Self::Text(text.to_owned()),
    String => Self::Text,
    &String => |text: &String| Self::Text(text.clone()),
    Date => Self::Date,
    usize => Self::Count,
    // Years, ports and lines are no counts.
    i32 => |number: i32| Self::Text(number.to_string()),
    u16 => |number: u16| Self::Text(number.to_string()),
    Message => |message: Message| Self::Message(Box::new(message)),
}

/// An error that people read: its words stand in the table, and its `Display` is their Spanish.
macro_rules! said_by_message {
    ($($error:ty),+ $(,)?) => {$(
        impl std::fmt::Display for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.message(), f)
            }
        }

        impl std::error::Error for $error {}

        impl From<$error> for $crate::message::Message {
            fn from(error: $error) -> Self {
                error.message()
            }
        }
    )+};
}
pub(crate) use said_by_message;

#[cfg(test)]
mod tests {
    use super::messages::{self, ROWS};
    use super::*;
    use crate::money::Money;

    /// Words that English has not, outside of what is quoted between «».
    fn sounds_spanish(text: &str) -> bool {
        const WORDS: [&str; 24] = [
            "el", "la", "los", "las", "del", "que", "para", "una", "este", "esta", "debe", "falta", "tiene", "son", "hay",
            "puede", "escriba", "correo", "fecha", "cobro", "pago", "ya", "ese", "su",
        ];
        let unquoted: String = text.split('«').map(|part| part.split_once('»').map_or(part, |(_, rest)| rest)).collect();
        let lower = unquoted.to_lowercase();
        lower.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '.' && c != '@').any(|word| WORDS.contains(&word))
    }

    #[test]
    fn every_row_is_a_sentence_in_both_languages() {
        for row in &ROWS {
            assert!(!sounds_spanish(row.english), "{}: {}", row.name, row.english);
            for text in [row.spanish, row.english] {
                let is_sentence = text.ends_with(['.', '?']) && !text.starts_with(char::is_lowercase);
                let is_part = !text.ends_with(['.', '?']) && !text.starts_with(char::is_uppercase) || text == "TLS";
                assert!(is_sentence != is_part, "{}: {text}", row.name);
            }
        }
    }

    #[test]
    fn a_name_with_a_point_ends_a_sentence_once() {
        for row in &ROWS {
            let names = row.spanish.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0));
            let message = Message::new(row, names.map(|name| (name, Value::from("Cotopaxi S.A."))).collect());
            for said in [message.in_(Language::Spanish), message.in_(Language::English)] {
                assert!(!said.contains("S.A.."), "{}: {said}", row.name);
            }
        }
    }

    #[test]
    fn codes_are_written_alike() {
        for row in &ROWS {
            for word in [row.code, row.name] {
                assert!(word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{word}");
            }
        }
    }

    #[test]
    fn values_are_written_as_the_language_writes_them() {
        let day: Date = "2026-11-24".parse().expect("a day");
        let said = |message: &Message| (message.in_(Language::Spanish), message.in_(Language::English));
        let pair = |spanish: &str, english: &str| (spanish.to_owned(), english.to_owned());
        let in_future = messages::date_in_future(day);
        assert_eq!(
            said(&in_future),
            pair("La fecha está en el futuro; hoy es 24/11/2026.", "The date is in the future; today is 2026-11-24.")
        );
        let too_large = messages::amount_too_large(messages::a_line_amount(2_usize), Money::LARGEST);
        assert_eq!(
            said(&too_large),
            pair("El valor de la forma 2 supera 999.999.999,99.", "The amount of line 2 exceeds 999999999.99.")
        );
        assert_eq!(
            messages::description_too_long(1_000_usize).in_(Language::English),
            "The description has more than 1,000 characters."
        );
        let slip = messages::address_slip("ana@gmial.com", "ana@gmail.com");
        assert_eq!(slip.to_string(), "ana@gmial.com: ¿quiso decir ana@gmail.com?", "an address keeps its letters");
        assert_eq!(slip.code(), "address_slip");
        assert_eq!(messages::named_field_missing(messages::a_total()).code(), "field_missing");
    }
}
