//! Numbers of receipts: `RC-000001` for cobros, `RP-000001` for pagos; one sequence per company and direction, no gaps.

use std::fmt;
use std::str::FromStr;

use crate::message::Value;
use crate::payment::Direction;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReceiptNumber {
    pub direction: Direction,
    /// Counts from 1.
    pub sequence: i64,
}

impl From<ReceiptNumber> for Value {
    fn from(number: ReceiptNumber) -> Self {
        Self::Text(number.to_string())
    }
}

impl fmt::Display for ReceiptNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:06}", prefix(self.direction), self.sequence)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidReceiptNumber;

impl FromStr for ReceiptNumber {
    type Err = InvalidReceiptNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let typed: String = crate::text::token(text).chars().map(crate::text::plain_dash).collect();
        let (letters, digits) = typed.split_once('-').ok_or(InvalidReceiptNumber)?;
        let direction = [Direction::Received, Direction::Made]
            .into_iter()
            .find(|direction| prefix(*direction).eq_ignore_ascii_case(letters))
            .ok_or(InvalidReceiptNumber)?;
        let sequence = digits.parse().ok().filter(|n| *n > 0).ok_or(InvalidReceiptNumber)?;
        Ok(Self { direction, sequence })
    }
}

const fn prefix(direction: Direction) -> &'static str {
    match direction {
        Direction::Received => "RC",
        Direction::Made => "RP",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_six_places_and_may_outgrow_them() {
        let number = ReceiptNumber { direction: Direction::Received, sequence: 45 };
        assert_eq!(number.to_string(), "RC-000045");
        assert_eq!("rc-45".parse(), Ok(number));
        assert_eq!(ReceiptNumber { direction: Direction::Made, sequence: 1_234_567 }.to_string(), "RP-1234567");
        assert!("RX-1".parse::<ReceiptNumber>().is_err());
        assert!("RC-0".parse::<ReceiptNumber>().is_err());
    }
}
