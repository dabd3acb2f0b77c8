//! Amounts in words: the table of cases, and a reader that knows nothing of the writer.

use acuse_domain::money::Money;
use acuse_domain::words::in_words;
use proptest::prelude::*;

#[test]
fn every_case_of_the_table_is_written_as_it_stands_there() {
    for (amount, words) in CASES {
        assert_eq!(in_words(Money::parse_local(amount).unwrap()).as_deref(), Some(words), "{amount}");
    }
}

#[test]
fn what_a_receipt_cannot_say_is_refused() {
    assert_eq!(in_words(Money::from_cents(-1)), None);
    assert_eq!(in_words(Money::from_cents(Money::LARGEST.cents() + 1)), None);
}

#[test]
fn every_amount_is_read_back_up_to_two_millions() {
    // Every dollar up to 30,000, then steps that share no factor with 10, so that all endings come by.
    for dollars in (0..30_000).chain((30_000..=2_000_000).step_by(7)) {
        reads_back(dollars * 100 + dollars % 100);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_amount_is_read_back(cents in 0..=Money::LARGEST.cents()) {
        reads_back(cents);
    }
}

fn reads_back(cents: i64) {
    let written = in_words(Money::from_cents(cents)).unwrap();
    assert_eq!(read(&written), Some(cents), "{cents}: {written}");
}

/// Reads an amount as a person would: word by word, each worth its number, with every rule of shape checked on the way.
fn read(written: &str) -> Option<i64> {
    let (cardinal, cents) = written.strip_suffix("/100 DÓLARES")?.split_once(" CON ")?;
    let cents: i64 = if cents.len() == 2 { cents.parse().ok()? } else { return None };
    let words: Vec<&str> = cardinal.split(' ').collect();
    if words == ["CERO"] {
        return Some(cents);
    }
    let (millions, rest) = match words.iter().position(|word| matches!(*word, "MILLÓN" | "MILLONES")) {
        Some(at) => (read_millions(&words[..at], words[at])?, &words[at + 1..]),
        None => (0, &words[..]),
    };
    let (thousands, rest) = match rest.iter().position(|word| *word == "MIL") {
        Some(0) => (1, &rest[1..]),
        Some(at) => (read_short(&rest[..at]).filter(|n| *n > 1)?, &rest[at + 1..]),
        None => (0, rest),
    };
    let units = if rest.is_empty() { 0 } else { read_hundreds(rest)? };
    Some(((millions * 1_000 + thousands) * 1_000 + units) * 100 + cents)
}

fn read_millions(words: &[&str], noun: &str) -> Option<i64> {
    let millions = read_short(words)?;
    ((millions == 1) == (noun == "MILLÓN")).then_some(millions)
}

/// Before MIL, MILLÓN and MILLONES the last word has lost its -O.
fn read_short(words: &[&str]) -> Option<i64> {
    let (last, head) = words.split_last()?;
    let whole = match *last {
        "UN" => "UNO",
        "VEINTIÚN" => "VEINTIUNO",
        "UNO" | "VEINTIUNO" => return None,
        other => other,
    };
    read_hundreds(&[head, &[whole]].concat())
}

fn read_hundreds(words: &[&str]) -> Option<i64> {
    match words {
        ["CIEN"] => Some(100),
        ["CIENTO", rest @ ..] => Some(100 + read_tens(rest)?),
        [first, rest @ ..] => match HUNDREDS.iter().find(|(word, _)| word == first) {
            Some((_, value)) if rest.is_empty() => Some(*value),
            Some((_, value)) => Some(value + read_tens(rest)?),
            None => read_tens(words),
        },
        [] => None,
    }
}

fn read_tens(words: &[&str]) -> Option<i64> {
    let simple = |word: &str| SIMPLE.iter().find(|(known, _)| *known == word).map(|(_, value)| *value);
    let tens = |word: &str| TENS.iter().find(|(known, _)| *known == word).map(|(_, value)| *value);
    match words {
        [word] => simple(word).or_else(|| tens(word)),
        [ten, "Y", unit] => Some(tens(ten)? + simple(unit).filter(|value| *value < 10)?),
        _ => None,
    }
}

#[rustfmt::skip]
const SIMPLE: [(&str, i64); 29] = [
    ("UNO", 1), ("DOS", 2), ("TRES", 3), ("CUATRO", 4), ("CINCO", 5), ("SEIS", 6), ("SIETE", 7), ("OCHO", 8), ("NUEVE", 9),
    ("DIEZ", 10), ("ONCE", 11), ("DOCE", 12), ("TRECE", 13), ("CATORCE", 14), ("QUINCE", 15), ("DIECISÉIS", 16),
    ("DIECISIETE", 17), ("DIECIOCHO", 18), ("DIECINUEVE", 19), ("VEINTE", 20), ("VEINTIUNO", 21), ("VEINTIDÓS", 22),
    ("VEINTITRÉS", 23), ("VEINTICUATRO", 24), ("VEINTICINCO", 25), ("VEINTISÉIS", 26), ("VEINTISIETE", 27),
    ("VEINTIOCHO", 28), ("VEINTINUEVE", 29),
];
#[rustfmt::skip]
const TENS: [(&str, i64); 7] = [
    ("TREINTA", 30), ("CUARENTA", 40), ("CINCUENTA", 50), ("SESENTA", 60), ("SETENTA", 70), ("OCHENTA", 80), ("NOVENTA", 90),
];
#[rustfmt::skip]
const HUNDREDS: [(&str, i64); 8] = [
    ("DOSCIENTOS", 200), ("TRESCIENTOS", 300), ("CUATROCIENTOS", 400), ("QUINIENTOS", 500), ("SEISCIENTOS", 600),
    ("SETECIENTOS", 700), ("OCHOCIENTOS", 800), ("NOVECIENTOS", 900),
];

/// Every case that the rules were written for.
#[rustfmt::skip]
const CASES: [(&str, &str); 110] = [
    ("0,00", "CERO CON 00/100 DÓLARES"),
    ("0,01", "CERO CON 01/100 DÓLARES"),
    ("0,10", "CERO CON 10/100 DÓLARES"),
    ("0,99", "CERO CON 99/100 DÓLARES"),
    ("1,00", "UNO CON 00/100 DÓLARES"),
    ("1,01", "UNO CON 01/100 DÓLARES"),
    ("1,50", "UNO CON 50/100 DÓLARES"),
    ("2,00", "DOS CON 00/100 DÓLARES"),
    ("9,99", "NUEVE CON 99/100 DÓLARES"),
    ("10,00", "DIEZ CON 00/100 DÓLARES"),
    ("11,00", "ONCE CON 00/100 DÓLARES"),
    ("15,00", "QUINCE CON 00/100 DÓLARES"),
    ("16,00", "DIECISÉIS CON 00/100 DÓLARES"),
    ("17,00", "DIECISIETE CON 00/100 DÓLARES"),
    ("19,00", "DIECINUEVE CON 00/100 DÓLARES"),
    ("20,00", "VEINTE CON 00/100 DÓLARES"),
    ("21,00", "VEINTIUNO CON 00/100 DÓLARES"),
    ("21,21", "VEINTIUNO CON 21/100 DÓLARES"),
    ("22,00", "VEINTIDÓS CON 00/100 DÓLARES"),
    ("23,00", "VEINTITRÉS CON 00/100 DÓLARES"),
    ("26,00", "VEINTISÉIS CON 00/100 DÓLARES"),
    ("29,99", "VEINTINUEVE CON 99/100 DÓLARES"),
    ("30,00", "TREINTA CON 00/100 DÓLARES"),
    ("31,00", "TREINTA Y UNO CON 00/100 DÓLARES"),
    ("32,00", "TREINTA Y DOS CON 00/100 DÓLARES"),
    ("41,00", "CUARENTA Y UNO CON 00/100 DÓLARES"),
    ("91,00", "NOVENTA Y UNO CON 00/100 DÓLARES"),
    ("99,00", "NOVENTA Y NUEVE CON 00/100 DÓLARES"),
    ("100,00", "CIEN CON 00/100 DÓLARES"),
    ("101,00", "CIENTO UNO CON 00/100 DÓLARES"),
    ("110,00", "CIENTO DIEZ CON 00/100 DÓLARES"),
    ("116,00", "CIENTO DIECISÉIS CON 00/100 DÓLARES"),
    ("121,00", "CIENTO VEINTIUNO CON 00/100 DÓLARES"),
    ("131,00", "CIENTO TREINTA Y UNO CON 00/100 DÓLARES"),
    ("150,00", "CIENTO CINCUENTA CON 00/100 DÓLARES"),
    ("199,99", "CIENTO NOVENTA Y NUEVE CON 99/100 DÓLARES"),
    ("200,00", "DOSCIENTOS CON 00/100 DÓLARES"),
    ("201,00", "DOSCIENTOS UNO CON 00/100 DÓLARES"),
    ("221,00", "DOSCIENTOS VEINTIUNO CON 00/100 DÓLARES"),
    ("500,00", "QUINIENTOS CON 00/100 DÓLARES"),
    ("501,00", "QUINIENTOS UNO CON 00/100 DÓLARES"),
    ("700,00", "SETECIENTOS CON 00/100 DÓLARES"),
    ("900,00", "NOVECIENTOS CON 00/100 DÓLARES"),
    ("999,00", "NOVECIENTOS NOVENTA Y NUEVE CON 00/100 DÓLARES"),
    ("999,99", "NOVECIENTOS NOVENTA Y NUEVE CON 99/100 DÓLARES"),
    ("1.000,00", "MIL CON 00/100 DÓLARES"),
    ("1.001,00", "MIL UNO CON 00/100 DÓLARES"),
    ("1.021,00", "MIL VEINTIUNO CON 00/100 DÓLARES"),
    ("1.031,00", "MIL TREINTA Y UNO CON 00/100 DÓLARES"),
    ("1.100,00", "MIL CIEN CON 00/100 DÓLARES"),
    ("1.101,00", "MIL CIENTO UNO CON 00/100 DÓLARES"),
    ("1.116,00", "MIL CIENTO DIECISÉIS CON 00/100 DÓLARES"),
    ("1.121,00", "MIL CIENTO VEINTIUNO CON 00/100 DÓLARES"),
    ("1.321,50", "MIL TRESCIENTOS VEINTIUNO CON 50/100 DÓLARES"),
    ("1.999,00", "MIL NOVECIENTOS NOVENTA Y NUEVE CON 00/100 DÓLARES"),
    ("2.000,00", "DOS MIL CON 00/100 DÓLARES"),
    ("2.001,00", "DOS MIL UNO CON 00/100 DÓLARES"),
    ("10.000,00", "DIEZ MIL CON 00/100 DÓLARES"),
    ("11.000,00", "ONCE MIL CON 00/100 DÓLARES"),
    ("16.000,00", "DIECISÉIS MIL CON 00/100 DÓLARES"),
    ("20.000,00", "VEINTE MIL CON 00/100 DÓLARES"),
    ("21.000,00", "VEINTIÚN MIL CON 00/100 DÓLARES"),
    ("21.021,00", "VEINTIÚN MIL VEINTIUNO CON 00/100 DÓLARES"),
    ("22.000,00", "VEINTIDÓS MIL CON 00/100 DÓLARES"),
    ("31.000,00", "TREINTA Y UN MIL CON 00/100 DÓLARES"),
    ("31.031,00", "TREINTA Y UN MIL TREINTA Y UNO CON 00/100 DÓLARES"),
    ("41.500,00", "CUARENTA Y UN MIL QUINIENTOS CON 00/100 DÓLARES"),
    ("91.000,00", "NOVENTA Y UN MIL CON 00/100 DÓLARES"),
    ("100.000,00", "CIEN MIL CON 00/100 DÓLARES"),
    ("100.001,00", "CIEN MIL UNO CON 00/100 DÓLARES"),
    ("101.000,00", "CIENTO UN MIL CON 00/100 DÓLARES"),
    ("101.101,00", "CIENTO UN MIL CIENTO UNO CON 00/100 DÓLARES"),
    ("110.000,00", "CIENTO DIEZ MIL CON 00/100 DÓLARES"),
    ("116.000,00", "CIENTO DIECISÉIS MIL CON 00/100 DÓLARES"),
    ("121.000,00", "CIENTO VEINTIÚN MIL CON 00/100 DÓLARES"),
    ("121.121,00", "CIENTO VEINTIÚN MIL CIENTO VEINTIUNO CON 00/100 DÓLARES"),
    ("131.000,00", "CIENTO TREINTA Y UN MIL CON 00/100 DÓLARES"),
    ("200.000,00", "DOSCIENTOS MIL CON 00/100 DÓLARES"),
    ("201.000,00", "DOSCIENTOS UN MIL CON 00/100 DÓLARES"),
    ("221.000,00", "DOSCIENTOS VEINTIÚN MIL CON 00/100 DÓLARES"),
    ("500.000,00", "QUINIENTOS MIL CON 00/100 DÓLARES"),
    ("501.000,00", "QUINIENTOS UN MIL CON 00/100 DÓLARES"),
    ("700.000,00", "SETECIENTOS MIL CON 00/100 DÓLARES"),
    ("900.000,00", "NOVECIENTOS MIL CON 00/100 DÓLARES"),
    ("999.999,00", "NOVECIENTOS NOVENTA Y NUEVE MIL NOVECIENTOS NOVENTA Y NUEVE CON 00/100 DÓLARES"),
    ("999.999,99", "NOVECIENTOS NOVENTA Y NUEVE MIL NOVECIENTOS NOVENTA Y NUEVE CON 99/100 DÓLARES"),
    ("1.000.000,00", "UN MILLÓN CON 00/100 DÓLARES"),
    ("1.000.001,00", "UN MILLÓN UNO CON 00/100 DÓLARES"),
    ("1.000.021,00", "UN MILLÓN VEINTIUNO CON 00/100 DÓLARES"),
    ("1.001.000,00", "UN MILLÓN MIL CON 00/100 DÓLARES"),
    ("1.021.000,00", "UN MILLÓN VEINTIÚN MIL CON 00/100 DÓLARES"),
    ("1.100.000,00", "UN MILLÓN CIEN MIL CON 00/100 DÓLARES"),
    ("2.000.000,00", "DOS MILLONES CON 00/100 DÓLARES"),
    ("2.000.001,00", "DOS MILLONES UNO CON 00/100 DÓLARES"),
    ("16.000.000,00", "DIECISÉIS MILLONES CON 00/100 DÓLARES"),
    ("21.000.000,00", "VEINTIÚN MILLONES CON 00/100 DÓLARES"),
    ("21.021.021,00", "VEINTIÚN MILLONES VEINTIÚN MIL VEINTIUNO CON 00/100 DÓLARES"),
    ("31.000.000,00", "TREINTA Y UN MILLONES CON 00/100 DÓLARES"),
    ("31.031.031,00", "TREINTA Y UN MILLONES TREINTA Y UN MIL TREINTA Y UNO CON 00/100 DÓLARES"),
    ("100.000.000,00", "CIEN MILLONES CON 00/100 DÓLARES"),
    ("100.100.100,00", "CIEN MILLONES CIEN MIL CIEN CON 00/100 DÓLARES"),
    ("101.000.000,00", "CIENTO UN MILLONES CON 00/100 DÓLARES"),
    ("101.101.101,00", "CIENTO UN MILLONES CIENTO UN MIL CIENTO UNO CON 00/100 DÓLARES"),
    ("121.000.000,00", "CIENTO VEINTIÚN MILLONES CON 00/100 DÓLARES"),
    ("121.121.121,00", "CIENTO VEINTIÚN MILLONES CIENTO VEINTIÚN MIL CIENTO VEINTIUNO CON 00/100 DÓLARES"),
    ("200.000.000,00", "DOSCIENTOS MILLONES CON 00/100 DÓLARES"),
    ("221.000.000,00", "DOSCIENTOS VEINTIÚN MILLONES CON 00/100 DÓLARES"),
    ("500.500.500,50", "QUINIENTOS MILLONES QUINIENTOS MIL QUINIENTOS CON 50/100 DÓLARES"),
    ("700.000.000,00", "SETECIENTOS MILLONES CON 00/100 DÓLARES"),
    ("999.999.999,99", "NOVECIENTOS NOVENTA Y NUEVE MILLONES NOVECIENTOS NOVENTA Y NUEVE MIL NOVECIENTOS NOVENTA Y NUEVE CON 99/100 DÓLARES"),
];
