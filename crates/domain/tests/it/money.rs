use acuse_domain::money::{Money, MoneyError};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_amount_is_read_as_it_was_printed(cents in -Money::LARGEST.cents()..=Money::LARGEST.cents()) {
        let amount = Money::from_cents(cents);
        prop_assert_eq!(amount.plain().parse(), Ok(amount));
        prop_assert_eq!(Money::parse_local(&amount.to_string()), Ok(amount));
        prop_assert_eq!(Money::parse_local(&amount.to_string().replace('.', "")), Ok(amount));
        prop_assert_eq!(Money::parse_local(&amount.plain()), Ok(amount));
        prop_assert_eq!(Money::parse_local(&format!(" $ {amount}")), Ok(amount));
    }

    #[test]
    fn a_third_decimal_is_refused_and_never_rounded(whole in 0..=999_999_999_i64, decimals in 0..1_000_u16) {
        prop_assert_eq!(format!("{whole}.{decimals:03}").parse::<Money>(), Err(MoneyError::TooManyDecimals));
        prop_assert_eq!(Money::parse_local(&format!("{whole},{decimals:03}")), Err(MoneyError::TooManyDecimals));
    }

    #[test]
    fn no_text_makes_it_panic_or_leaves_the_range(typed in "[-−0-9., $٣e]{0,30}|\\PC{0,20}") {
        for amount in [typed.parse::<Money>(), Money::parse_local(&typed)].into_iter().flatten() {
            prop_assert!(amount <= Money::LARGEST && amount >= -Money::LARGEST, "{}", amount);
        }
    }
}

#[test]
fn a_point_before_three_digits_groups_thousands_and_is_no_decimal_point() {
    assert_eq!(Money::parse_local("1.234"), Ok(Money::from_cents(123_400)));
    for typed in ["0.500", "0.050", "00.500", "-0.500", "1234.567", "0.000"] {
        assert_eq!(Money::parse_local(typed), Err(MoneyError::TooManyDecimals), "{typed}");
    }
    assert!(Money::parse_local("0.123.456").is_err());
}
