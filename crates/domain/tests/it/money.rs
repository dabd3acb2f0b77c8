use acuse_domain::message::messages;
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
        let read = Money::parse_local(&format!("{whole},{decimals:03}"));
        prop_assert!(matches!(read, Err(MoneyError::TooManyDecimals | MoneyError::Ambiguous { .. })), "{:?}", read);
    }

    #[test]
    fn no_text_makes_it_panic_or_leaves_the_range(typed in "[-−0-9., $٣e]{0,30}|\\PC{0,20}") {
        for amount in [typed.parse::<Money>(), Money::parse_local(&typed)].into_iter().flatten() {
            prop_assert!(amount <= Money::LARGEST && amount >= -Money::LARGEST, "{}", amount);
        }
    }
}

/// An amount as somebody spells it: thousands apart or not, decimals or not, with a sign and a currency.
#[derive(Debug, Clone)]
struct Spelling {
    grouping: &'static str,
    point: char,
    decimals: usize,
    before: &'static str,
    after: &'static str,
}

fn spelling() -> impl Strategy<Value = Spelling> {
    let grouping = prop::sample::select(vec!["", ".", ",", " ", "\u{a0}", "\u{202f}", "\u{2009}", "'", "’"]);
    let before =
        prop::sample::select(vec!["", "USD ", "usd", "$", "$ ", "US$ ", "USD\u{a0}", " ", "\u{feff}", "\t", "$\u{202f}"]);
    let after = prop::sample::select(vec!["", " ", "\u{a0}", "\u{200b}", "\n"]);
    (grouping, prop::sample::select(vec!['.', ',']), 0..=2_usize, before, after)
        .prop_filter("one sign for both is no spelling", |(grouping, point, ..)| !grouping.starts_with(*point))
        .prop_map(|(grouping, point, decimals, before, after)| Spelling { grouping, point, decimals, before, after })
}

fn spelled(cents: i64, how: &Spelling) -> String {
    let whole = (cents.abs() / 100).to_string();
    let mut text = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push_str(how.grouping);
        }
        text.push(digit);
    }
    let decimals = format!("{:02}", cents.abs() % 100);
    if how.decimals > 0 {
        text.push(how.point);
        text.push_str(&decimals[..how.decimals]);
    }
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}{text}{}", how.before, how.after)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_amount_is_read_as_it_was_meant_however_it_is_spelled_or_asked_about(cents in -Money::LARGEST.cents()..=Money::LARGEST.cents(), how in spelling()) {
        // What is not written is not there.
        let cents = match how.decimals { 0 => cents / 100 * 100, 1 => cents / 10 * 10, _ => cents };
        let typed = spelled(cents, &how);
        let meant = Money::from_cents(cents);
        match Money::parse_local(&typed) {
            Ok(read) => prop_assert_eq!(read, meant, "{:?}", typed),
            Err(MoneyError::Ambiguous { thousands, .. }) => {
                prop_assert_eq!(thousands, meant, "{:?}", typed);
                prop_assert!(how.grouping == "," && how.decimals == 0 && typed.matches(',').count() == 1, "{:?}", typed);
            }
            Err(error) => prop_assert!(false, "{:?}: {:?}", typed, error),
        }
    }

    #[test]
    fn nothing_is_read_a_thousand_times_too_large_or_small(whole in 1..1_000_i64, tail in 0..1_000_i64) {
        let read = Money::parse_local(&format!("{whole},{tail:03}"));
        let decimals = (tail % 10 == 0).then(|| Money::from_cents(whole * 100 + tail / 10));
        prop_assert_eq!(read, Err(MoneyError::Ambiguous { thousands: Money::from_cents((whole * 1_000 + tail) * 100), decimals }));
    }
}

#[test]
fn a_comma_before_three_digits_is_asked_about() {
    let asked = |typed: &str| Money::parse_local(typed).unwrap_err().of(messages::a_value(), typed).to_string();
    assert_eq!(asked("1,500"), "El valor: ¿1.500,00 o 1,50?");
    assert_eq!(asked("USD -1,500"), "El valor: ¿−1.500,00 o −1,50?");
    assert_eq!(asked("1,234"), "El valor: no se entiende 1,234. Escriba 1.234,00, o con dos decimales: 1,23.");
    assert_eq!(Money::parse_local("1,500.50"), Ok(Money::from_cents(150_050)));
    assert_eq!(Money::parse_local("USD 35,00"), Ok(Money::from_cents(3_500)));
}

#[test]
fn a_point_before_three_digits_groups_thousands_and_is_no_decimal_point() {
    assert_eq!(Money::parse_local("1.234"), Ok(Money::from_cents(123_400)));
    for typed in ["0.500", "0.050", "00.500", "-0.500", "1234.567", "0.000"] {
        assert_eq!(Money::parse_local(typed), Err(MoneyError::TooManyDecimals), "{typed}");
    }
    assert!(Money::parse_local("0.123.456").is_err());
}
