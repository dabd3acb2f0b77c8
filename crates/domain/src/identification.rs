//! RUC, cédula and passport of Ecuador.
//!
//! Only the shape blocks: length, digits, province, and a RUC's last three digits. A check digit that does not fit is a
//! [`Doubt`], and only of natural persons (third digit 0 to 5), whose RUC is their cédula: since 2022 the SRI gives
//! companies numbers that fit no formula (1793213150001 is one).

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;

use crate::message::{Message, messages, said_by_message};
use crate::text;

/// Letters of an identification as it is typed: the longest has 20, and there may be room between them.
const LONGEST_TYPED: usize = 100;

/// «Consumidor final», nobody in particular (SRI, ficha técnica de comprobantes electrónicos, tabla 6).
const FINAL_CONSUMER: &str = "9999999999999";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdentificationType {
    Ruc,
    Cedula,
    Passport,
    Other,
}

impl IdentificationType {
    pub const ALL: [IdentificationType; 4] = [Self::Ruc, Self::Cedula, Self::Passport, Self::Other];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ruc => "ruc",
            Self::Cedula => "cedula",
            Self::Passport => "passport",
            Self::Other => "other",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == code)
    }

    /// As the screens call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ruc => "RUC",
            Self::Cedula => "Cédula",
            Self::Passport => "Pasaporte",
            Self::Other => "Identificación",
        }
    }

    /// What the typed number can be: 13 digits are a RUC, 10 a cédula, anything else a passport.
    #[must_use]
    pub fn guess(typed: &str) -> Self {
        let typed = without_dashes(&without_spaces(typed));
        let digits = typed.bytes().all(|b| b.is_ascii_digit());
        match typed.len() {
            13 if digits => Self::Ruc,
            10 if digits => Self::Cedula,
            _ => Self::Passport,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentificationError {
    Missing,
    RucLength,
    CedulaLength,
    Province,
    RucSuffix,
    PassportShape,
    FinalConsumer,
}

impl IdentificationError {
    #[must_use]
    pub fn message(self) -> Message {
        match self {
            Self::Missing => messages::identification_missing(),
            Self::RucLength => messages::ruc_length(),
            Self::CedulaLength => messages::cedula_length(),
            Self::Province => messages::province_unknown(),
            Self::RucSuffix => messages::ruc_suffix(),
            Self::PassportShape => messages::identification_invalid(),
            Self::FinalConsumer => messages::final_consumer(),
        }
    }
}

said_by_message!(IdentificationError);

/// Something that looks wrong and may still be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    CheckDigit,
    /// A company's RUC that does not end with its main establishment's 001.
    Establishment,
}

impl Doubt {
    /// About a company's own RUC.
    #[must_use]
    pub fn message(self, ruc: &Ruc) -> Message {
        match self {
            Self::CheckDigit => messages::ruc_doubtful(ruc.as_str()),
            Self::Establishment => messages::ruc_of_establishment(ruc.as_str(), &ruc.0[10..]),
        }
    }
}

/// Who somebody is, as a checked number of its type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identification {
    kind: IdentificationType,
    number: String,
}

impl Identification {
    /// Errs with the first rule of its type that the number breaks.
    pub fn parse(kind: IdentificationType, typed: &str) -> Result<Self, IdentificationError> {
        let mut number = without_spaces(typed);
        if matches!(kind, IdentificationType::Ruc | IdentificationType::Cedula) {
            number = without_dashes(&number);
        }
        if number.is_empty() {
            return Err(IdentificationError::Missing);
        }
        match kind {
            IdentificationType::Ruc if number == FINAL_CONSUMER => return Err(IdentificationError::FinalConsumer),
            IdentificationType::Ruc => check_ruc_shape(&number)?,
            IdentificationType::Cedula => check_cedula_shape(&number)?,
            IdentificationType::Passport | IdentificationType::Other => check_passport_shape(&number)?,
        }
        Ok(Self { kind, number })
    }

    /// What stands in a record that was written otherwise, made safe to show. It may break the rules of its type: see
    /// [`Identification::is_readable`].
    #[must_use]
    pub fn as_kept(kind: IdentificationType, kept: &str) -> Self {
        Self::parse(kind, kept).unwrap_or_else(|_| Self { kind, number: text::one_line(text::cut(kept, LONGEST_TYPED)) })
    }

    /// Whether it keeps the rules of its type, and is not only what an unreadable record holds.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        Self::parse(self.kind, &self.number).is_ok_and(|again| again == *self)
    }

    #[must_use]
    pub fn kind(&self) -> IdentificationType {
        self.kind
    }

    #[must_use]
    pub fn number(&self) -> &str {
        &self.number
    }

    #[must_use]
    pub fn doubt(&self) -> Option<Doubt> {
        let fits = match self.kind {
            _ if !self.is_readable() => true,
            IdentificationType::Ruc => ruc_check_digit_fits(&self.number),
            IdentificationType::Cedula => cedula_check_digit_fits(&self.number),
            IdentificationType::Passport | IdentificationType::Other => true,
        };
        (!fits).then_some(Doubt::CheckDigit)
    }
}

/// As screens and receipts print it: `RUC 1791824407001`.
impl fmt::Display for Identification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.number)
    }
}

/// A company's RUC.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ruc(String);

impl Ruc {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands in a record that was written otherwise, as [`Identification::as_kept`].
    #[must_use]
    pub fn as_kept(kept: &str) -> Self {
        Self(Identification::as_kept(IdentificationType::Ruc, kept).number)
    }

    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.0.parse::<Self>().is_ok_and(|again| again == *self)
    }

    #[must_use]
    pub fn doubt(&self) -> Option<Doubt> {
        match self.is_readable() {
            true if !ruc_check_digit_fits(&self.0) => Some(Doubt::CheckDigit),
            true if !self.0.ends_with("001") => Some(Doubt::Establishment),
            _ => None,
        }
    }
}

impl FromStr for Ruc {
    type Err = IdentificationError;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        Identification::parse(IdentificationType::Ruc, typed).map(|checked| Self(checked.number))
    }
}

impl fmt::Display for Ruc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn without_spaces(typed: &str) -> String {
    text::token(text::cut(typed, LONGEST_TYPED)).nfkc().filter(|c| !c.is_whitespace()).map(text::plain_dash).collect()
}

/// Cédulas are also written `171034506-5`, and a RUC `1710345065-001`.
fn without_dashes(number: &str) -> String {
    number.replace('-', "")
}

fn check_ruc_shape(number: &str) -> Result<(), IdentificationError> {
    if number.len() != 13 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(IdentificationError::RucLength);
    }
    check_province(number)?;
    if number.ends_with("000") {
        return Err(IdentificationError::RucSuffix);
    }
    Ok(())
}

fn check_cedula_shape(number: &str) -> Result<(), IdentificationError> {
    if number.len() != 10 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(IdentificationError::CedulaLength);
    }
    check_province(number)
}

fn check_province(number: &str) -> Result<(), IdentificationError> {
    match number[..2].parse::<u8>() {
        Ok(1..=24 | 30) => Ok(()),
        _ => Err(IdentificationError::Province),
    }
}

fn check_passport_shape(number: &str) -> Result<(), IdentificationError> {
    let fits = (3..=20).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fits { Ok(()) } else { Err(IdentificationError::PassportShape) }
}

/// Natural persons carry their cédula, which has a check digit; what others have fits no formula.
fn ruc_check_digit_fits(ruc: &str) -> bool {
    digits(ruc)[2] > 5 || cedula_check_digit_fits(&ruc[..10])
}

/// Modulo 10 with weights 2, 1, 2, … over the first nine digits.
fn cedula_check_digit_fits(cedula: &str) -> bool {
    let digits = digits(cedula);
    let sum: u32 = digits[..9].iter().enumerate().map(|(place, digit)| weighted(place, *digit)).sum();
    digits[9] == (10 - sum % 10) % 10
}

fn weighted(place: usize, digit: u32) -> u32 {
    let product = if place.is_multiple_of(2) { digit * 2 } else { digit };
    if product > 9 { product - 9 } else { product }
}

fn digits(number: &str) -> Vec<u32> {
    number.bytes().map(|b| u32::from(b - b'0')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_fit_raise_no_doubt() {
        for ruc in ["1792123453001", "0991345671001", "1710345065001", "1760001550001", "0962467429001"] {
            assert_eq!(ruc.parse::<Ruc>().unwrap().doubt(), None, "{ruc}");
        }
        assert_eq!(Identification::parse(IdentificationType::Cedula, "1710345065").unwrap().doubt(), None);
    }

    #[test]
    fn a_wrong_check_digit_is_a_doubt_and_no_error() {
        for ruc in ["1710345066001", "0912345678001"] {
            assert_eq!(ruc.parse::<Ruc>().unwrap().doubt(), Some(Doubt::CheckDigit), "{ruc}");
        }
        assert_eq!(Identification::parse(IdentificationType::Cedula, "1710345066").unwrap().doubt(), Some(Doubt::CheckDigit));
    }

    #[test]
    fn companies_have_numbers_without_a_check_digit() {
        for ruc in ["1793213150001", "1793189906001", "0993366721001", "1793200738001", "1792123454001", "1768152560002"] {
            let own = if ruc.ends_with("001") { None } else { Some(Doubt::Establishment) };
            assert_eq!(ruc.parse::<Ruc>().unwrap().doubt(), own, "{ruc}");
            assert_eq!(Identification::parse(IdentificationType::Ruc, ruc).unwrap().doubt(), None, "{ruc}");
        }
    }

    #[test]
    fn what_is_pasted_with_a_number_is_no_part_of_it() {
        for typed in
            ["171034506-5", "\u{feff}1710345065\t", "17\u{a0}1034\u{200b}5065", "1710345\u{ad}065", "１７１０３４５０６５"]
        {
            let read = Identification::parse(IdentificationType::Cedula, typed);
            assert_eq!(read.map(|read| read.number().to_owned()).as_deref(), Ok("1710345065"), "{typed:?}");
            assert_eq!(IdentificationType::guess(typed), IdentificationType::Cedula, "{typed:?}");
        }
        assert_eq!("1710345065–001".parse::<Ruc>().unwrap().as_str(), "1710345065001");
    }

    #[test]
    fn a_wrong_shape_is_refused() {
        for (ruc, error) in [
            ("179212345300", IdentificationError::RucLength),
            ("17921234530011", IdentificationError::RucLength),
            ("179212345300a", IdentificationError::RucLength),
            ("2592123453001", IdentificationError::Province),
            ("0092123453001", IdentificationError::Province),
            ("1792123453000", IdentificationError::RucSuffix),
            ("", IdentificationError::Missing),
        ] {
            assert_eq!(ruc.parse::<Ruc>(), Err(error), "{ruc}");
        }
        assert_eq!(Identification::parse(IdentificationType::Cedula, "171034506"), Err(IdentificationError::CedulaLength));
        assert_eq!(Identification::parse(IdentificationType::Passport, "A;1"), Err(IdentificationError::PassportShape));
        assert!(Identification::parse(IdentificationType::Passport, "AB-12345").is_ok());
    }
}
