use acuse_domain::email_address::{EmailAddress, InvalidAddresses, InvalidEmailAddress, parse_list};
use proptest::prelude::*;

const ADDRESS: &str = "[a-z0-9][a-z0-9_+-]{0,8}(\\.[a-z0-9]{1,5})?@[a-z0-9]{1,8}(\\.[a-z]{2,5}){1,2}";

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_list_is_read_whatever_separates_it(
        addresses in prop::collection::vec(ADDRESS, 0..6),
        separators in prop::collection::vec("[ ]{0,2}[;,\n][ ;,\n]{0,2}", 6),
    ) {
        let typed: String = addresses.iter().zip(&separators).map(|(address, separator)| format!("{address}{separator}")).collect();
        let mut expected: Vec<&String> = Vec::new();
        for address in &addresses {
            if !expected.contains(&address) {
                expected.push(address);
            }
        }
        let found = parse_list(&typed, 6).unwrap();
        prop_assert_eq!(found.iter().map(EmailAddress::as_str).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_accepted_address_can_break_no_line_and_no_list(typed in "\\PC{0,12}@\\PC{0,12}|[a-z@.;,<>\r\n\t \"-]{0,20}") {
        if let Ok(address) = typed.parse::<EmailAddress>() {
            let text = address.as_str();
            prop_assert!(!text.contains(|c: char| c.is_whitespace() || c.is_control() || ";,<>\"()[]:\\".contains(c)), "{:?}", text);
            prop_assert_eq!(text.matches('@').count(), 1);
            prop_assert_eq!(parse_list(text, 1).unwrap(), vec![address.clone()]);
        }
    }
}

#[test]
fn the_first_wrong_address_is_named() {
    for (typed, wrong) in [
        ("a@x.ec; b@", "b@"),
        ("a@x.ec b@y.ec", "a@x.ec b@y.ec"),
        ("Ana <a@x.ec>", "Ana <a@x.ec>"),
        ("a@x.ec\rb@y.ec", "a@x.ec b@y.ec"),
    ] {
        let expected = InvalidAddresses::Address(InvalidEmailAddress { typed: wrong.to_owned() });
        assert_eq!(parse_list(typed, 2), Err(expected));
    }
}
