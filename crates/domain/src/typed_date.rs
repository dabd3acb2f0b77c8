//! Days as people type and paste them: `29/11/2026`, `29-11-26`, `29112026`, `29/11`, `29-nov-2026`, `hoy`.

use chrono::{Datelike, TimeDelta};

use crate::Date;
use crate::message::{Message, messages, said_by_message};
use crate::text;

/// Older papers are a slip of the year.
pub const FIRST_YEAR: i32 = 1990;
/// Letters of the longest day with its weekday and hour; what is longer is none.
const LONGEST_TYPED: usize = 60;
const MONTHS: [&str; 12] =
    ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"];
const WEEKDAYS: [&str; 7] = ["lunes", "martes", "miercoles", "jueves", "viernes", "sabado", "domingo"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DateError {
    NotADate,
    NoSuchDay { shown: String },
    MonthBeforeDay { shown: String },
    YearOutOfRange { year: i32, first: i32, last: i32 },
    InFuture { day: Date, today: Date },
}

impl DateError {
    #[must_use]
    pub fn message(&self) -> Message {
        match self {
            Self::NotADate => messages::date_not_understood(),
            Self::NoSuchDay { shown } => messages::no_such_day(shown),
            Self::MonthBeforeDay { shown } => messages::month_before_day(shown),
            Self::YearOutOfRange { year, first, last } => messages::year_out_of_range(*year, *first, *last),
            Self::InFuture { day, today } => messages::day_in_future(*day, *today),
        }
    }
}

said_by_message!(DateError);

/// The last year that a payment or the issue of a document may have.
#[must_use]
pub fn last_year(today: Date) -> i32 {
    today.year() + 1
}

/// Errs with the year where it is not from [`FIRST_YEAR`] to `last`.
pub fn check_year(date: Date, last: i32) -> Result<(), DateError> {
    let (year, first) = (date.year(), FIRST_YEAR);
    if (first..=last).contains(&year) { Ok(()) } else { Err(DateError::YearOutOfRange { year, first, last }) }
}

/// Reads a day; without its year it is one of this year.
///
/// Errs where it is none of the calendar, or of a year that was hardly meant. Whether it may stand where it was typed is for
/// that place to say.
pub fn read(typed: &str, today: Date) -> Result<Date, DateError> {
    let typed: String = text::folded(text::cut(typed, LONGEST_TYPED + 1)).chars().map(text::plain_dash).collect();
    if typed.chars().count() > LONGEST_TYPED {
        return Err(DateError::NotADate);
    }
    let days_from_today = match typed.as_str() {
        "hoy" => Some(0),
        "ayer" => Some(-1),
        "anteayer" | "antier" | "antes de ayer" => Some(-2),
        "manana" => Some(1),
        _ => None,
    };
    if let Some(days) = days_from_today {
        return today.checked_add_signed(TimeDelta::days(days)).ok_or(DateError::NotADate);
    }
    let parts = parts(&typed).ok_or(DateError::NotADate)?;
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts[..] {
        [digits] => compact(digits, today),
        [day, month] => written(day, month, None, today),
        [year, month, day] if year.len() == 4 => written(day, month, Some(year), today),
        [day, month, year] => written(day, month, Some(year), today),
        _ => Err(DateError::NotADate),
    }
}

/// As [`read`], for what has happened already: only a program may run ahead of midnight.
pub fn read_past(typed: &str, today: Date) -> Result<Date, DateError> {
    let day = read(typed, today).map_err(|error| match error {
        // No later year is of any use here.
        DateError::YearOutOfRange { year, first, .. } => DateError::YearOutOfRange { year, first, last: today.year() },
        other => other,
    })?;
    if day > today { Err(DateError::InFuture { day, today }) } else { Ok(day) }
}

/// The numbers and names of a day, less its weekday, the «de» between them, and an hour behind it.
fn parts(typed: &str) -> Option<Vec<String>> {
    let hour = |text: &str| text.contains(':') && text.chars().all(|c| c.is_ascii_digit() || ":.z+-".contains(c));
    let day = match typed.split_once('t') {
        Some((day, time)) if hour(time) => day,
        _ => typed,
    };
    let day = day.replace('\\', "/");
    let words = day.split([' ', '/', '-', '.', ',']).filter(|word| !word.is_empty());
    let mut parts: Vec<String> = Vec::new();
    for word in words {
        match word {
            "de" | "del" => {}
            word if parts.is_empty() && WEEKDAYS.iter().any(|day| is_short_for(word, day)) => {}
            word if parts.len() == 3 && (hour(word) || matches!(word, "am" | "pm" | "a" | "p" | "m")) => {}
            word => parts.push(word.to_owned()),
        }
    }
    // A sign before it, or two separators in a row, are a slip.
    let is_clean = !day.starts_with(['-', '/', '.', ',']) && !["//", "--", ".."].iter().any(|slip| day.contains(slip));
    is_clean.then_some(parts)
}

fn is_short_for(word: &str, whole: &str) -> bool {
    word.len() >= 3 && whole.starts_with(word)
}

/// `29112026`, `291126`, `2911`, and `20261129`, where the other order gives no day of our time.
fn compact(digits: &str, today: Date) -> Result<Date, DateError> {
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(DateError::NotADate);
    }
    match digits.len() {
        4 => written(&digits[..2], &digits[2..], None, today),
        6 => written(&digits[..2], &digits[2..4], Some(&digits[4..]), today),
        8 => written(&digits[..2], &digits[2..4], Some(&digits[4..]), today)
            .or_else(|error| written(&digits[6..], &digits[4..6], Some(&digits[..4]), today).map_err(|_| error)),
        _ => Err(DateError::NotADate),
    }
}

fn written(day: &str, month: &str, year: Option<&str>, today: Date) -> Result<Date, DateError> {
    let number = |text: &str, longest: usize| {
        let fits = (1..=longest).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| text.parse::<u32>().ok()).flatten().ok_or(DateError::NotADate)
    };
    let day = number(day, 2)?;
    let month = month_named(month).map_or_else(|| number(month, 2), Ok)?;
    let year = match year {
        None => today.year(),
        Some(typed) if typed.len() == 2 => full_year(number(typed, 2)?),
        Some(typed) if typed.len() == 4 => i32::try_from(number(typed, 4)?).map_err(|_| DateError::NotADate)?,
        Some(_) => return Err(DateError::NotADate),
    };
    let shown = format!("{day:02}/{month:02}/{year:04}");
    if month > 12 && (1..=12).contains(&day) && month <= 31 {
        return Err(DateError::MonthBeforeDay { shown });
    }
    let date = Date::from_ymd_opt(year, month, day).ok_or(DateError::NoSuchDay { shown })?;
    check_year(date, last_year(today) + MOST_YEARS_DUE)?;
    Ok(date)
}

/// A due date lies up to ten years after the issue of its document; its own rule counts the days.
const MOST_YEARS_DUE: i32 = 10;

fn full_year(two_digits: u32) -> i32 {
    let two_digits = i32::try_from(two_digits).unwrap_or_default();
    if two_digits >= FIRST_YEAR % 100 { 1900 + two_digits } else { 2000 + two_digits }
}

fn month_named(word: &str) -> Option<u32> {
    let word = if word == "setiembre" || word == "set" { "septiembre" } else { word };
    let at = MONTHS.iter().position(|month| is_short_for(word, month))?;
    u32::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> Date {
        "2026-11-29".parse().expect("a day")
    }

    #[test]
    fn a_day_is_read_as_people_write_it() {
        for (typed, day) in [
            ("29/11/2026", "2026-11-29"),
            (" 9/1/26 ", "2026-01-09"),
            ("29-11-26", "2026-11-29"),
            ("29.11.2026", "2026-11-29"),
            ("29–11–2026", "2026-11-29"),
            ("\u{feff}29\u{a0}11\u{a0}2026\t", "2026-11-29"),
            ("29112026", "2026-11-29"),
            ("291126", "2026-11-29"),
            ("2911", "2026-11-29"),
            ("29/11", "2026-11-29"),
            ("2026-11-29", "2026-11-29"),
            ("2026/11/29", "2026-11-29"),
            ("20261129", "2026-11-29"),
            ("20121120", "2012-11-20"),
            ("2026-11-29T10:15:00", "2026-11-29"),
            ("29/11/2026 0:00:00", "2026-11-29"),
            ("29/11/2026, 10:15 a. m.", "2026-11-29"),
            ("29-nov-26", "2026-11-29"),
            ("29\\11\\2026", "2026-11-29"),
            ("29 de noviembre de 2026", "2026-11-29"),
            ("domingo, 29 de Noviembre del 2026", "2026-11-29"),
            ("4 set 2026", "2026-09-04"),
            ("２９/１１/２０２６", "2026-11-29"),
            ("29/02/24", "2024-02-29"),
            ("31/12/95", "1995-12-31"),
            ("HOY", "2026-11-29"),
            ("ayer", "2026-11-28"),
            ("Anteayer", "2026-11-27"),
            ("mañana", "2026-11-30"),
        ] {
            assert_eq!(read(typed, today()), Ok(day.parse().expect("a day")), "{typed:?}");
        }
    }

    #[test]
    fn what_is_no_day_says_why() {
        for (typed, why) in [
            ("31/02/2026", "31/02/2026 no existe."),
            ("31022026", "31/02/2026 no existe."),
            ("31/2", "31/02/2026 no existe."),
            ("29/02/2026", "29/02/2026 no existe."),
            ("0/11/2026", "00/11/2026 no existe."),
            ("32/11/2026", "32/11/2026 no existe."),
            ("11/29/2026", "11/29/2026 no existe: primero va el día y después el mes."),
            ("29/11/1926", "1926 no puede ser el año: va de 1990 a 2037."),
            ("29/11/0026", "26 no puede ser el año: va de 1990 a 2037."),
            ("29/11/62", "2062 no puede ser el año: va de 1990 a 2037."),
            ("29/11/2206", "2206 no puede ser el año: va de 1990 a 2037."),
            ("", "Escriba la fecha como 29/11/2026."),
            ("29", "Escriba la fecha como 29/11/2026."),
            ("29/11/126", "Escriba la fecha como 29/11/2026."),
            ("-29/11/2026", "Escriba la fecha como 29/11/2026."),
            ("29/11/2026/1", "Escriba la fecha como 29/11/2026."),
            ("29//11/2026", "Escriba la fecha como 29/11/2026."),
            ("29 de brumario", "Escriba la fecha como 29/11/2026."),
            ("el lunes", "Escriba la fecha como 29/11/2026."),
        ] {
            assert_eq!(read(typed, today()).map_err(|error| error.to_string()), Err(why.to_owned()), "{typed:?}");
        }
    }
}
