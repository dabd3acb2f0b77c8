//! Amounts in words, as an Ecuadorian receipt prints them after «SON:»: `CIENTO CINCUENTA CON 00/100 DÓLARES`.
//!
//! The rules follow the RAE's Ortografía (2010), VIII.3.1: *uno* and what ends in it shorten before MIL, MILLÓN and
//! MILLONES, and keep their -O before «CON»; DÓLARES stays plural; 1.000 is MIL.

use crate::money::Money;

const BELOW_THIRTY: [&str; 30] = [
    "CERO",
    "UNO",
    "DOS",
    "TRES",
    "CUATRO",
    "CINCO",
    "SEIS",
    "SIETE",
    "OCHO",
    "NUEVE",
    "DIEZ",
    "ONCE",
    "DOCE",
    "TRECE",
    "CATORCE",
    "QUINCE",
    "DIECISÉIS",
    "DIECISIETE",
    "DIECIOCHO",
    "DIECINUEVE",
    "VEINTE",
    "VEINTIUNO",
    "VEINTIDÓS",
    "VEINTITRÉS",
    "VEINTICUATRO",
    "VEINTICINCO",
    "VEINTISÉIS",
    "VEINTISIETE",
    "VEINTIOCHO",
    "VEINTINUEVE",
];
const TENS: [&str; 10] = ["", "", "", "TREINTA", "CUARENTA", "CINCUENTA", "SESENTA", "SETENTA", "OCHENTA", "NOVENTA"];
const HUNDREDS: [&str; 10] = [
    "",
    "CIENTO",
    "DOSCIENTOS",
    "TRESCIENTOS",
    "CUATROCIENTOS",
    "QUINIENTOS",
    "SEISCIENTOS",
    "SETECIENTOS",
    "OCHOCIENTOS",
    "NOVECIENTOS",
];

/// The amount in capitals, without «SON:». `None` for a negative amount or one above 999.999.999,99.
#[must_use]
pub fn in_words(amount: Money) -> Option<String> {
    if amount.is_negative() || amount > Money::LARGEST {
        return None;
    }
    let dollars = amount.cents() / 100;
    Some(format!("{} CON {:02}/100 DÓLARES", cardinal(dollars), amount.cents() % 100))
}

fn cardinal(n: i64) -> String {
    if n == 0 {
        return BELOW_THIRTY[0].to_string();
    }
    let (millions, thousands, units) = (n / 1_000_000, n / 1_000 % 1_000, n % 1_000);
    let mut parts = Vec::new();
    match millions {
        0 => {}
        1 => parts.push("UN MILLÓN".to_string()),
        _ => parts.push(format!("{} MILLONES", shortened(below_thousand(millions)))),
    }
    match thousands {
        0 => {}
        1 => parts.push("MIL".to_string()),
        _ => parts.push(format!("{} MIL", shortened(below_thousand(thousands)))),
    }
    if units > 0 {
        parts.push(below_thousand(units));
    }
    parts.join(" ")
}

fn below_thousand(n: i64) -> String {
    let index = |i: i64| usize::try_from(i).unwrap_or_default();
    let (hundreds, rest) = (n / 100, n % 100);
    let tail = match rest {
        0 => String::new(),
        1..30 => BELOW_THIRTY[index(rest)].to_string(),
        _ if rest % 10 == 0 => TENS[index(rest / 10)].to_string(),
        _ => format!("{} Y {}", TENS[index(rest / 10)], BELOW_THIRTY[index(rest % 10)]),
    };
    match (hundreds, tail.is_empty()) {
        (0, _) => tail,
        (1, true) => "CIEN".to_string(),
        (_, true) => HUNDREDS[index(hundreds)].to_string(),
        (_, false) => format!("{} {tail}", HUNDREDS[index(hundreds)]),
    }
}

/// Before a masculine noun: UNO → UN, VEINTIUNO → VEINTIÚN.
fn shortened(words: String) -> String {
    if let Some(head) = words.strip_suffix("VEINTIUNO") {
        return format!("{head}VEINTIÚN");
    }
    match words.strip_suffix("UNO") {
        Some(head) => format!("{head}UN"),
        None => words,
    }
}
