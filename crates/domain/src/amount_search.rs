//! What somebody who searches for an amount means: written as people here do, as a machine does, or without its cents.

use crate::money::Money;

/// Digits before the cents: more is a reference, not an amount.
const MOST_DIGITS: usize = 13;

/// The amounts that are looked for, from and to: `1.450,00` and `1,450.00` are one, `1450` is every amount from 1.450,00 to
/// 1.450,99. None where no amount is meant.
#[must_use]
pub fn amounts_meant(typed: &str) -> Option<(Money, Money)> {
    let typed = typed.trim();
    let bare = typed.strip_prefix("USD").or_else(|| typed.strip_prefix('$')).unwrap_or(typed).trim();
    let (whole, cents) = match bare.rsplit_once([',', '.']) {
        Some((whole, cents)) if cents.len() <= 2 => (whole, cents),
        _ => (bare, ""),
    };
    let digits = ungrouped(whole)?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if digits.is_empty() || digits.len() > MOST_DIGITS || !is_number(&digits) || !is_number(cents) {
        return None;
    }
    let whole: i64 = digits.parse().ok()?;
    let amount = |filler: char| format!("{cents}{}", filler.to_string().repeat(2 - cents.len())).parse::<i64>().ok();
    Some((Money::from_cents(whole * 100 + amount('0')?), Money::from_cents(whole * 100 + amount('9')?)))
}

/// Without what stands between thousands, which is the same sign every time.
fn ungrouped(whole: &str) -> Option<String> {
    let Some(sign) = whole.chars().find(|c| matches!(c, ',' | '.')) else { return Some(whole.to_owned()) };
    let groups: Vec<&str> = whole.split(sign).collect();
    let (first, rest) = groups.split_first()?;
    let fits = (1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3);
    fits.then(|| groups.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_found_however_it_is_written() {
        let meant = |typed: &str| amounts_meant(typed).map(|(from, to)| (from.cents(), to.cents()));
        for typed in ["1.450,00", "1450,00", "1,450.00", "1450.00", " USD 1.450,00", "$1.450,00", "$ 1450.00"] {
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
