//! A payment that is probably on record already.

use super::line::{Method, PaymentLine};
use crate::Instant;
use crate::id::PaymentId;
use crate::number::ReceiptNumber;
use crate::text::folded;

/// The earlier one of two that look alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    pub payment: PaymentId,
    pub number: ReceiptNumber,
    pub recorded_at: Instant,
    pub recorded_by: String,
    pub likeness: Likeness,
}

/// Why two payments look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// The same cheque, transfer, deposit, voucher or certificate.
    Paper(Method),
    /// The same person, date and total.
    Figures,
}

/// What people write before a number.
const NUMBER: [&str; 6] = ["numero", "num", "nro", "no", "n", "ref"];

/// A reference as it is compared: its letters and digits, without accents, leading zeros and the word for number. `None` where
/// it names nothing: it has no digit (`s/n`).
#[must_use]
fn reference_key(reference: &str) -> Option<String> {
    let letters: String = folded(reference).chars().filter(|c| c.is_alphanumeric()).collect();
    let is_number = |rest: &&str| rest.starts_with(|c: char| c.is_ascii_digit());
    let number = NUMBER.iter().find_map(|word| letters.strip_prefix(word).filter(is_number));
    let key = number.unwrap_or(&letters).trim_start_matches('0');
    key.contains(|c: char| c.is_ascii_digit()).then(|| key.to_owned())
}

/// The number of a line that is a piece of paper: what is cash, set off or an anticipo has none.
#[must_use]
pub fn paper_key(line: &PaymentLine) -> Option<String> {
    match line.method {
        Method::Cash | Method::Offset | Method::Advance => None,
        Method::Check | Method::Transfer | Method::Deposit | Method::Card | Method::Withholding => {
            line.reference.as_deref().and_then(reference_key)
        }
    }
}

/// Whether two lines are the same piece of paper: one kind and one number, of banks that may be the same.
///
/// Customers' cheques of one bank, and transfers of many, may share a number: of two people only the same amount tells.
/// One certificate withholds two taxes, and of two documents.
#[must_use]
pub fn is_same_paper(one: &PaymentLine, other: &PaymentLine, of_one_person: bool) -> bool {
    let key = paper_key(one);
    let same_number = key.is_some() && key == paper_key(other) && one.method == other.method;
    let same_amount = one.amount == other.amount;
    same_number
        && match one.method {
            Method::Check | Method::Transfer | Method::Deposit | Method::Card => {
                may_be_same(one.bank.as_deref(), other.bank.as_deref()) && (of_one_person || same_amount)
            }
            Method::Withholding => of_one_person && same_amount && one.tax == other.tax,
            Method::Cash | Method::Offset | Method::Advance => false,
        }
}

fn may_be_same(bank: Option<&str>, other: Option<&str>) -> bool {
    match (bank, other) {
        (Some(bank), Some(other)) => folded(bank) == folded(other),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Money;

    fn line(method: Method, reference: &str, bank: &str, cents: i64) -> PaymentLine {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        PaymentLine { reference: text(reference), bank: text(bank), ..PaymentLine::new(method, Money::from_cents(cents)) }
    }

    #[test]
    fn a_paper_is_known_by_its_number_however_it_is_written() {
        let check = |reference: &str, bank: &str, cents| line(Method::Check, reference, bank, cents);
        let own = check("000412", "Banco Guayaquil", 100);
        assert!(is_same_paper(&own, &check("412", "banco guayaquil", 200), true));
        assert!(is_same_paper(&own, &check("412", "", 100), false));
        assert!(!is_same_paper(&own, &check("412", "Banco Guayaquil", 200), false));
        assert!(!is_same_paper(&own, &check("412", "Banco Pichincha", 100), true));
        assert!(!is_same_paper(&own, &line(Method::Transfer, "412", "Banco Guayaquil", 100), true));
        for (one, other) in [
            ("ABC-001", "A.B.C.001"),
            ("ABC–001", "ＡＢＣ００１"),
            ("88124507", "88.124.507"),
            ("#88124507", "Nº 88124507"),
            ("Nro. 0412", "412"),
            ("ñ-123", "Ñ123"),
        ] {
            assert_eq!(reference_key(one), reference_key(other), "{one} {other}");
        }
        assert_ne!(reference_key("N412"), reference_key("A412"));
        let none = line(Method::Transfer, "s/n", "", 100);
        assert!(!is_same_paper(&none, &none, true));
    }

    #[test]
    fn one_certificate_stands_for_two_taxes() {
        let of = |tax: &str| PaymentLine { tax: Some(tax.to_owned()), ..line(Method::Withholding, "001-001-000000873", "", 100) };
        assert!(is_same_paper(&of("IR 2 %"), &of("IR 2 %"), true));
        assert!(!is_same_paper(&of("IR 2 %"), &of("IVA 30 %"), true));
        assert!(!is_same_paper(&of("IR 2 %"), &of("IR 2 %"), false));
    }
}
