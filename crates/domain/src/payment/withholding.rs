//! What is withheld of a base: a tax names its percentage.

use super::offered::UsualTax;
use crate::money::Money;
use crate::text::folded;

/// Of a percentage in hundredths, 100 %.
const WHOLE: i64 = 10_000;

/// The percentage named by a tax, in hundredths: `IR 1,75 % · bienes` is 175. Without its sign it is one where a usual tax
/// has it: `IVA 30`, and not the code `312`.
#[must_use]
pub fn percentage(tax: &str) -> Option<i64> {
    let plain = folded(tax).replace("por ciento", "%").replace("porciento", "%");
    let Some((before, _)) = plain.split_once('%') else { return usual_percentage(&plain) };
    let digits = before.trim_end().rsplit(|c: char| !c.is_ascii_digit() && c != ',' && c != '.').next()?;
    hundredths_of(digits).filter(|hundredths| (1..=WHOLE).contains(hundredths))
}

/// Of a text without `%`: its one number, where a usual tax of the kind that is named has it.
fn usual_percentage(tax: &str) -> Option<i64> {
    let numbers = tax.split(|c: char| !c.is_ascii_digit() && c != ',' && c != '.').map(|number| number.trim_matches([',', '.']));
    let mut numbers = numbers.filter(|number| !number.is_empty());
    let hundredths = numbers.next().filter(|_| numbers.next().is_none()).and_then(hundredths_of)?;
    let names = |kind: &str| tax.split(|c: char| !c.is_alphabetic()).any(|word| word == kind);
    let kind = if names("iva") {
        "IVA"
    } else if ["ir", "renta", "fuente"].into_iter().any(names) {
        "IR"
    } else {
        ""
    };
    UsualTax::ALL.into_iter().any(|tax| tax.name.starts_with(kind) && tax.hundredths == hundredths).then_some(hundredths)
}

/// `1,75` is 175; noughts may follow, as spreadsheets write them.
fn hundredths_of(digits: &str) -> Option<i64> {
    let (whole, decimals) = digits.split_once([',', '.']).unwrap_or((digits, ""));
    let decimals = decimals.trim_end_matches('0');
    let (two, more) = (format!("{decimals:0<2}"), decimals.len() > 2);
    if whole.len() > 3 || more { None } else { format!("{whole}{two}").parse().ok() }
}

/// That percentage of the base, rounded to the cent.
#[must_use]
pub fn withheld(base: Money, hundredths: i64) -> Money {
    Money::from_cents((base.cents() * hundredths + WHOLE / 2).div_euclid(WHOLE))
}

/// Whether an amount is the percentage of the base, but for half a cent.
pub(super) fn is_withheld(amount: Money, base: Money, hundredths: i64) -> bool {
    (amount.cents() * WHOLE - base.cents() * hundredths).abs() <= WHOLE / 2
}

/// Whether an amount is more than the percentage of all that it could have been taken of.
pub(super) fn is_more(amount: Money, most: Money, hundredths: i64) -> bool {
    amount.cents() * WHOLE > most.cents() * hundredths + WHOLE / 2
}

#[cfg(test)]
mod tests {
    use super::super::named_with_tax;
    use super::*;

    #[test]
    fn no_word_stands_twice_before_a_tax() {
        for (tax, named) in [
            ("IR 2 %", "Retención IR 2 %"),
            ("Retención fuente 2 %", "Retención fuente 2 %"),
            ("retencion IVA 30 %", "retencion IVA 30 %"),
            ("fuente 2 %", "Retención fuente 2 %"),
        ] {
            assert_eq!(named_with_tax("Retención", tax), named);
        }
    }

    #[test]
    fn a_tax_names_its_percentage() {
        for (tax, hundredths) in [
            ("IR 1,75 % · bienes", Some(175)),
            ("IVA 30%", Some(3_000)),
            ("IR 2.75 %", Some(275)),
            ("IR 2 ％", Some(200)),
            ("IR ２ %", Some(200)),
            ("IR 2.000 %", Some(200)),
            ("IR 1,7500 %", Some(175)),
            ("IR 2 por ciento", Some(200)),
            ("IR 1,755 %", None),
            ("IVA 30", Some(3_000)),
            ("Fuente 1,75", Some(175)),
            ("retención 10", Some(1_000)),
            ("ret. renta 2.75.", Some(275)),
            ("312", None),
            ("IR 30", None),
            ("IVA 30 70", None),
            ("IR", None),
            ("IR %", None),
            ("IR 1.2.3 %", None),
            ("IR 0 %", None),
            ("IR 101 %", None),
        ] {
            assert_eq!(percentage(tax), hundredths, "{tax}");
        }
        assert_eq!(withheld(Money::from_cents(3_333), 275), Money::from_cents(92));
    }
}
