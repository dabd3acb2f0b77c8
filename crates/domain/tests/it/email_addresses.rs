use acuse_domain::email_address::{EmailAddress, InvalidAddresses, InvalidEmailAddress, parse_list};
use proptest::prelude::*;

const ADDRESS: &str = "[a-z0-9][a-z0-9_+-]{0,8}(\\.[a-z0-9]{1,5})?@[a-z0-9]{1,8}(\\.[a-z]{2,5}){1,2}";

/// An address as programs write it, in place of `@`.
const DRESSES: [&str; 12] = [
    "@",
    "<@>",
    "Juan Pérez <@>",
    "\"Smith, Alice\" <@>",
    "\"Ana \\\"la jefa\\\"; ventas\" <@>",
    "Smith, Alice<@>",
    "'@'",
    "'@' <@>",
    "\"@\"",
    "mailto:@?subject=hola",
    "Alice [mailto:@]",
    "@ (Ana, de (cobros))",
];
const SEPARATORS: [&str; 8] = ["; ", ";", ", ", ",", "\r\n", ";\t\n", " ;;, ", "\u{2028}"];
const UNSEEN: [&str; 12] =
    ["", "", "", "", "\u{200b}", "\u{200c}", "\u{200d}", "\u{2060}", "\u{feff}", "\u{ad}", "\u{202a}", "\u{2063}"];

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
    fn a_list_is_read_whatever_stands_around_and_between_its_addresses(
        addresses in prop::collection::vec(ADDRESS, 1..8),
        dresses in prop::collection::vec(0..DRESSES.len(), 8),
        separators in prop::collection::vec(prop::sample::select(&SEPARATORS[..]), 8),
        unseen in prop::collection::vec(prop::sample::select(&UNSEEN[..]), 8),
        shouted in any::<bool>(),
    ) {
        let mut typed = String::new();
        for (at, address) in addresses.iter().enumerate() {
            let half = address.len() / 2;
            let with_unseen = format!("{}{}{}", &address[..half], unseen[at], &address[half..]);
            typed += &DRESSES[dresses[at]].replace('@', &with_unseen);
            typed += separators[at];
        }
        // The same list once more, in another case: nobody is named twice.
        if shouted {
            typed += &addresses.join("; ").to_uppercase();
        }
        let mut expected: Vec<&String> = Vec::new();
        for address in &addresses {
            if !expected.contains(&address) {
                expected.push(address);
            }
        }
        let found = parse_list(&typed, 8);
        let found = found.map_err(|error| TestCaseError::fail(format!("{typed:?}: {error}")))?;
        prop_assert_eq!(found.iter().map(EmailAddress::as_str).collect::<Vec<_>>(), expected, "{:?}", typed);
    }

    #[test]
    fn whatever_is_typed_is_read_or_refused(typed in "[a-z@.;, \t\n\"'<>()\\[\\]\\\\:?%]{0,40}|\\PC{0,40}") {
        if let Ok(read) = parse_list(&typed, 40) {
            let kept = read.iter().map(EmailAddress::as_str).collect::<Vec<_>>().join(";");
            prop_assert_eq!(parse_list(&kept, 40), Ok(read));
        }
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
        ("Ana <a@x.ec>, pagos@andina, b@", "pagos@andina"),
        ("a@x.ec\npagos", "pagos"),
        ("juan a@x.ec", "juan a@x.ec"),
    ] {
        let expected = InvalidAddresses::Address(InvalidEmailAddress { typed: wrong.to_owned() });
        assert_eq!(parse_list(typed, 9), Err(expected));
    }
}

#[test]
fn what_is_wrong_with_an_address_is_said() {
    for (typed, words) in [
        ("d@gmail,com", "«d@gmail,com» tiene una coma: ¿quiso decir d@gmail.com?"),
        ("a@x.ec, b@x.ec", "Aquí va una sola dirección de correo."),
        ("pagos", "«pagos» no es una dirección de correo: le falta la arroba (@)."),
        ("pedro@@x", "«pedro@@x» no es una dirección de correo: tiene más de una arroba (@)."),
        ("a@b@x.ec", "«a@b@x.ec» no es una dirección de correo: tiene más de una arroba (@)."),
        ("@x.ec", "«@x.ec» no es una dirección de correo: le falta lo que va antes de la arroba (@)."),
        ("a@", "«a@» no es una dirección de correo: le falta lo que va después de la arroba (@), como empresa.ec."),
        ("an a@x.ec", "«an a@x.ec» no es una dirección de correo: tiene un espacio."),
        ("pagos@andina", "«pagos@andina» no está completo: falta lo que va después del punto, como .ec."),
    ] {
        assert_eq!(typed.parse::<EmailAddress>().unwrap_err().to_string(), words);
    }
    assert_eq!(
        parse_list("a@x.ec; d@gmail,com", 9).unwrap_err().to_string(),
        "«d@gmail,com» tiene una coma: ¿quiso decir d@gmail.com?"
    );
}
