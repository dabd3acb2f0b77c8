//! US dollars, counted in whole cents.

mod search;
mod spelling;

pub use search::amounts_meant;

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use crate::message::{Message, Value, messages};

/// An amount in US dollars, exact to the cent. May be negative (a credit note's total is).
///
/// `Display` writes it as es-EC prints it, `1.234,56`; [`Money::plain`] as the API writes it, `1234.56`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

/// 999.999.999,99: the largest amount that a receipt can say in words.
const LARGEST_CENTS: i64 = 99_999_999_999;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoneyError {
    NotANumber,
    TooManyDecimals,
    TooLarge,
    /// `1,500`: thousands to one writer, a decimal comma to another. `1,234` has a decimal too many for the second.
    Ambiguous {
        thousands: Money,
        decimals: Option<Money>,
    },
}

impl MoneyError {
    /// Why `typed` is no amount; `field` is what it would be.
    #[must_use]
    pub fn of(self, field: Message, typed: &str) -> Message {
        match self {
            Self::NotANumber if typed.trim().is_empty() => messages::named_field_missing(field),
            Self::NotANumber => messages::amount_not_a_number(field),
            Self::TooManyDecimals => messages::too_many_decimals(field),
            Self::TooLarge => messages::amount_too_large(field, Money::LARGEST),
            Self::Ambiguous { thousands, decimals: Some(decimals) } => messages::amount_ambiguous(field, thousands, decimals),
            Self::Ambiguous { thousands, decimals: None } => without_two_decimals(field, typed.trim(), thousands),
        }
    }
}

/// «1,005» is a thousand and five, or a slip of the cents: both ways out, and none is guessed.
fn without_two_decimals(field: Message, typed: &str, thousands: Money) -> Message {
    let (whole, decimals) = typed.split_once(',').unwrap_or((typed, ""));
    let cents: String = decimals.chars().take(2).collect();
    messages::amount_without_two_decimals(field, typed, thousands, format!("{whole},{cents}"))
}

impl Money {
    pub const ZERO: Money = Money(0);
    pub const LARGEST: Money = Money(LARGEST_CENTS);

    #[must_use]
    pub const fn from_cents(cents: i64) -> Self {
        Self(cents)
    }

    #[must_use]
    pub const fn cents(self) -> i64 {
        self.0
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The amount as the API writes it: `1234.50`, `-30.00`.
    #[must_use]
    pub fn plain(self) -> String {
        let (sign, cents) = self.sign_and_cents();
        format!("{sign}{}.{:02}", cents / 100, cents % 100)
    }

    /// Reads an amount as people in Ecuador write it: `1.234,56` and `1,234.56`, `1234,5`, `1234`, grouped with blanks or
    /// apostrophes, with `USD` or `$` at either end.
    ///
    /// Where a comma and a point both stand, the last is the decimal one. A lone `1.500` is a thousand five hundred, as every
    /// page of ours prints it; of a lone `1,500` nobody can know (docs/decisions/0021).
    ///
    /// Errs if it is no number, can be read in two ways, has more than two decimals, or is above 999.999.999,99.
    pub fn parse_local(typed: &str) -> Result<Self, MoneyError> {
        let (negative, number) = spelling::bare(typed);
        let signed = |amount: Money| if negative { -amount } else { amount };
        match spelling::read(&number) {
            Ok(amount) => Ok(signed(amount)),
            Err(MoneyError::Ambiguous { thousands, decimals }) => {
                Err(MoneyError::Ambiguous { thousands: signed(thousands), decimals: decimals.map(signed) })
            }
            Err(error) => Err(error),
        }
    }

    /// As [`Money::parse_local`]; `field` is what it would be.
    pub fn read(typed: &str, field: Message) -> Result<Self, Message> {
        Self::parse_local(typed).map_err(|error| error.of(field, typed))
    }

    fn from_parts(whole: &str, decimals: &str) -> Result<Self, MoneyError> {
        let (negative, whole) = match whole.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, whole),
        };
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && decimals.is_empty()) || !all_digits(whole) || !all_digits(decimals) {
            return Err(MoneyError::NotANumber);
        }
        if decimals.len() > 2 {
            return Err(MoneyError::TooManyDecimals);
        }
        if whole.trim_start_matches('0').len() > 9 {
            return Err(MoneyError::TooLarge);
        }
        let cents: i64 = format!("{whole}{decimals:0<2}").parse().map_err(|_| MoneyError::TooLarge)?;
        Ok(Self(if negative { -cents } else { cents }))
    }

    fn sign_and_cents(self) -> (&'static str, u64) {
        (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs())
    }
}

impl From<Money> for Value {
    fn from(amount: Money) -> Self {
        Self::both(amount.to_string(), amount.plain())
    }
}

/// Reads the API's form: digits, a point and exactly two decimals, `120.00`, with a minus in front where it is negative.
impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (whole, decimals) = text.split_once('.').ok_or(MoneyError::NotANumber)?;
        if whole.trim_start_matches('-').is_empty() || decimals.len() < 2 {
            return Err(MoneyError::NotANumber);
        }
        Self::from_parts(whole, decimals)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = self.0.unsigned_abs();
        let whole = (cents / 100).to_string();
        let mut text = String::with_capacity(whole.len() + whole.len() / 3 + 4);
        if self.0 < 0 {
            text.push('−');
        }
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place).is_multiple_of(3) {
                text.push('.');
            }
            text.push(digit);
        }
        f.pad(&format!("{text},{:02}", cents % 100))
    }
}

impl Add for Money {
    type Output = Money;
    fn add(self, other: Money) -> Money {
        Money(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Money;
    fn sub(self, other: Money) -> Money {
        Money(self.0 - other.0)
    }
}

impl Neg for Money {
    type Output = Money;
    fn neg(self) -> Money {
        Money(-self.0)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Money) {
        self.0 += other.0;
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Money) {
        self.0 -= other.0;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Money>>(amounts: I) -> Money {
        amounts.fold(Money::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_print_as_an_accountant_in_ecuador_writes_them() {
        for (cents, printed, plain) in [
            (0, "0,00", "0.00"),
            (5, "0,05", "0.05"),
            (12_000, "120,00", "120.00"),
            (123_456, "1.234,56", "1234.56"),
            (-3_000, "−30,00", "-30.00"),
            (99_999_999_999, "999.999.999,99", "999999999.99"),
        ] {
            assert_eq!(Money(cents).to_string(), printed);
            assert_eq!(Money(cents).plain(), plain);
            assert_eq!(plain.parse(), Ok(Money(cents)));
            assert_eq!(Money::parse_local(printed), Ok(Money(cents)));
        }
    }

    #[test]
    fn a_typed_amount_is_read_the_way_it_was_meant() {
        for (typed, cents) in [
            ("1234", 123_400),
            ("1.234", 123_400),
            ("1234.5", 123_450),
            ("1,5", 150),
            (" 12,30 ", 1_230),
            (",50", 50),
            ("1.234.567,8", 123_456_780),
            ("1,500.50", 150_050),
            ("USD 35,00", 3_500),
            ("35,00.", 3_500),
            ("35.00 usd", 3_500),
            ("US$ 1,234,567", 123_456_700),
            ("$-5", -500),
            ("− $ 5", -500),
            ("1 234,5", 123_450),
            ("1\u{202f}234\u{202f}567,89\u{a0}$", 123_456_789),
            ("1'234.50", 123_450),
            ("\u{feff}12,30\u{200b}", 1_230),
        ] {
            assert_eq!(Money::parse_local(typed), Ok(Money(cents)), "{typed}");
        }
        for typed in [
            "", "abc", "1,234,5", "1.23.4", "12.3456", "1,2,3", "-", "1e5", "٣", "12 34", "1 5", "1.234.5", "1,5.0,0", "USD",
            "--5", "5-", "1''000", "EUR 5",
        ] {
            assert!(Money::parse_local(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn the_api_takes_exactly_two_decimals() {
        assert_eq!("1.234".parse::<Money>(), Err(MoneyError::TooManyDecimals));
        assert_eq!("1".parse::<Money>(), Err(MoneyError::NotANumber));
        assert_eq!("1.5".parse::<Money>(), Err(MoneyError::NotANumber));
        assert_eq!(".50".parse::<Money>(), Err(MoneyError::NotANumber));
        assert_eq!("1000000000.00".parse::<Money>(), Err(MoneyError::TooLarge));
    }
}
