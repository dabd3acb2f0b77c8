//! An amount as a field of a form holds it.

use acuse_domain::money::{Money, MoneyError};
use acuse_domain::text::lower_first;

use crate::web::form_errors::FormErrors;

/// Reads the field with this `id`; `subject` is what it holds, as a sentence begins: «El total». Notes why there is none.
pub fn read(typed: &str, id: &str, subject: &str, errors: &mut FormErrors) -> Option<Money> {
    let why = match Money::parse_local(typed) {
        Ok(amount) => return Some(amount),
        Err(_) if typed.trim().is_empty() => format!("Falta {}.", lower_first(subject)),
        Err(MoneyError::NotANumber) => format!("{subject} no es un número."),
        Err(MoneyError::TooManyDecimals) => format!("{subject} tiene más de dos decimales."),
        Err(MoneyError::TooLarge) => format!("{subject} supera 999.999.999,99."),
        Err(MoneyError::Ambiguous { thousands, decimals }) => {
            let question = match decimals {
                Some(decimals) => format!("{subject}: ¿{thousands} o {decimals}?"),
                None => not_two_decimals(typed, subject),
            };
            errors.ask(
                id,
                question,
                [Some(thousands), decimals].into_iter().flatten().map(|amount| amount.to_string()).collect(),
            );
            return None;
        }
    };
    errors.add(id, why);
    None
}

/// «1,005» is a thousand and five, or a slip of the cents: both ways out, and none is guessed.
fn not_two_decimals(typed: &str, subject: &str) -> String {
    let typed = typed.trim();
    let (whole, decimals) = typed.split_once(',').unwrap_or((typed, ""));
    let cents: String = decimals.chars().take(2).collect();
    format!("{subject}: no se entiende {typed}. Escriba {whole}{decimals}, o con dos decimales: {whole},{cents}.")
}
