//! What somebody who searches for an amount means: written as people here do, as a machine does, or without its cents.

use super::{Money, MoneyError, spelling};

/// The amounts that are looked for, from and to: `1.450,00` and `1,450.00` are one, `1450` is every amount from 1.450,00 to
/// 1.450,99. None where no amount is meant.
#[must_use]
pub fn amounts_meant(typed: &str) -> Option<(Money, Money)> {
    let (is_negative, number) = spelling::bare(typed);
    // Somebody who is still typing.
    let number = number.strip_suffix([',', '.']).unwrap_or(&number);
    let from = match spelling::read(number) {
        Ok(amount) | Err(MoneyError::Ambiguous { thousands: amount, .. }) if !is_negative => amount,
        _ => return None,
    };
    let cents = number.rsplit_once([',', '.']).map(|(_, cents)| cents.len()).filter(|cents| *cents <= 2);
    let more = match cents {
        Some(2) => 0,
        Some(1) => 9,
        _ => 99,
    };
    Some((from, from + Money::from_cents(more)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_found_however_it_is_written() {
        let meant = |typed: &str| amounts_meant(typed).map(|(from, to)| (from.cents(), to.cents()));
        for typed in [
            "1.450,00",
            "1450,00",
            "1,450.00",
            "1450.00",
            " USD 1.450,00",
            "$1.450,00",
            "$ 1450.00",
            "1 450,00",
            "1.450,00 USD",
            "US$ 1.450,00",
            "1'450.00",
        ] {
            assert_eq!(meant(typed), Some((145_000, 145_000)), "{typed}");
        }
        for typed in ["1450", "1.450", "1,450", "1450,"] {
            assert_eq!(meant(typed), Some((145_000, 145_099)), "{typed}");
        }
        assert_eq!(meant("0,5"), Some((50, 59)));
        assert_eq!(meant("1.234.567,89"), Some((123_456_789, 123_456_789)));
        assert_eq!(meant("88124507"), Some((8_812_450_700, 8_812_450_799)));
    }

    #[test]
    fn what_is_no_amount_is_none() {
        for typed in ["", ",", "andina", "001-001-000000123", "1.45.00", "1,2,3", "12.34.56", "-5", "12345678901234", "1e5", "٣"]
        {
            assert_eq!(amounts_meant(typed), None, "{typed}");
        }
    }
}
