//! What is read of a text is what is kept: read again, it is the same, whatever Unicode it was made of.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use acuse_domain::access::{token_name, user_name};
use acuse_domain::company::CompanyProfile;
use acuse_domain::document::DocumentNumber;
use acuse_domain::email_address::{EmailAddress, kept_list, parse_list};
use acuse_domain::identification::{Identification, IdentificationType, Ruc};
use acuse_domain::input::company::ProfileInput;
use acuse_domain::input::person::{FoundingInput, InvitationInput};
use acuse_domain::money::Money;
use acuse_domain::number::ReceiptNumber;
use acuse_domain::payment::{Status, may_void};
use acuse_domain::text::{self, TextError};
use proptest::prelude::*;

/// Letters that change when they are lowered, composed, mapped or shown: İ and K, ß, ligatures, the sigmas, marks, full
/// width, bidi, what is not seen, NUL, the neighbours of the surrogates, and every kind of room and break.
const ODD: &str = "İıKÅßẞﬀﬁΣσςée\u{301}\u{308}\u{327}\u{1ab0}\u{20d0}\u{591}\u{5b0}１２Ａａ．。｡＠-‐\u{200b}\u{200c}\u{200d}\u{200e}\u{202e}\u{2066}\u{2069}\u{feff}\u{ad}\u{0}\u{7}\u{1b}\u{7f}\u{85}\u{a0}\u{3000}\u{2028}\u{2029}\t\r\n\u{d7ff}\u{e000}\u{fffd}\u{ffff}\u{10ffff}\u{e0041}\u{fe0f}אبกำ각ᄀ각ॊ़ñŉǰΐ";

fn letters() -> impl Strategy<Value = String> {
    let odd: Vec<char> = ODD.chars().collect();
    let letter = prop_oneof![
        3 => prop::sample::select(odd),
        2 => prop::char::any(),
        3 => prop::sample::select("abcxyzABC0123456789".chars().collect::<Vec<_>>()),
        2 => prop::sample::select(" .-@;,_'\"<>()+=".chars().collect::<Vec<_>>()),
    ];
    let text = prop::collection::vec(letter, 0..24).prop_map(|letters| letters.into_iter().collect::<String>());
    prop_oneof![
        8 => text.clone(),
        1 => (text, 2..400_usize).prop_map(|(text, times)| text.repeat(times)),
    ]
}

fn address() -> impl Strategy<Value = String> {
    let label = prop_oneof![letters(), "[a-z0-9-]{1,12}", "xn--[a-z0-9-]{0,12}", "[a-z]{1,3}[İKßﬀσςéñ]{1,2}[a-z]{0,3}"];
    let domain = prop::collection::vec(label, 1..4).prop_map(|labels| labels.join("."));
    (prop_oneof![letters(), "[a-z]{1,6}", "[a-zİKßé]{1,6}"], domain, prop_oneof![Just(""), Just("."), Just(" ")])
        .prop_map(|(local, domain, end)| format!("{local}@{domain}{end}"))
}

/// Keeps what is read of a text, and reads it again.
fn stays<T: FromStr + Display + PartialEq + Debug>(typed: &str) -> Result<(), TestCaseError> {
    if let Ok(read) = typed.parse::<T>() {
        let kept = read.to_string();
        prop_assert!(!kept.contains('\0'), "{:?} is kept with NUL", typed);
        prop_assert_eq!(kept.parse::<T>().ok(), Some(read), "{:?} is kept as {:?}", typed, kept);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_address_is_kept_as_it_was_read(typed in prop_oneof![address(), letters()]) {
        stays::<EmailAddress>(&typed)?;
        if let Ok(read) = typed.parse::<EmailAddress>() {
            prop_assert!(read.ascii_domain().is_ascii());
            let name = read.lowercase();
            prop_assert!(name.is_readable() && name.lowercase() == name, "to log in as {:?}", name);
            let written = read.on_the_wire().parse::<EmailAddress>();
            prop_assert_eq!(written.as_ref(), Ok(&read), "on the wire it is another");
            prop_assert!(read.is_readable() && kept_list(read.as_str()) == [read.clone()]);
        }
    }

    #[test]
    fn a_list_of_addresses_is_kept_as_it_was_read(typed in prop::collection::vec(prop_oneof![address(), "[a-z]{1,3}@[a-z]{1,3}\\.ec"], 0..6)) {
        if let Ok(read) = parse_list(&typed.join(";"), 20) {
            let kept = read.iter().map(EmailAddress::as_str).collect::<Vec<_>>().join(";");
            prop_assert_eq!(parse_list(&kept, 20), Ok(read.clone()));
            prop_assert_eq!(kept_list(&kept), read);
        }
    }

    #[test]
    fn numbers_and_identifications_are_kept_as_they_were_read(typed in prop_oneof![letters(), "[0-9 １\u{a0}-]{9,17}"]) {
        stays::<Ruc>(&typed)?;
        stays::<DocumentNumber>(&typed)?;
        stays::<ReceiptNumber>(&typed)?;
        for kind in IdentificationType::ALL {
            if let Ok(read) = Identification::parse(kind, &typed) {
                prop_assert_eq!(Identification::parse(kind, read.number()), Ok(read.clone()));
            }
        }
        if let Ok(amount) = typed.parse::<Money>() {
            prop_assert_eq!(amount.plain().parse(), Ok(amount));
        }
        if let Ok(amount) = Money::parse_local(&typed) {
            prop_assert_eq!(Money::parse_local(&amount.to_string()), Ok(amount));
        }
    }

    #[test]
    fn names_reasons_and_descriptions_are_kept_as_they_were_read(typed in letters()) {
        // Joiners stand inside of words only.
        let is_seen = |text: &str| {
            let bare = text.replace(['\u{200c}', '\u{200d}'], "");
            text::escaped(&bare) == bare && (text.is_empty() || !bare.is_empty())
        };
        let line = text::one_line(&typed);
        prop_assert_eq!(text::one_line(&line), line.clone());
        prop_assert!(is_seen(&line) && !line.contains(['\n', '\t']), "{:?}", line);
        for read in [text::required(&typed, 40), user_name(&typed), token_name(&typed)] {
            match read {
                Ok(read) => prop_assert!(read == line && !read.is_empty(), "{:?}", read),
                Err(TextError::Missing) => prop_assert_eq!(line.as_str(), ""),
                Err(TextError::TooLong { most }) => prop_assert!(line.chars().count() > most),
                Err(TextError::MixedAlphabets) => prop_assert!(text::mixes_alphabets(&line), "{:?}", line),
            }
        }
        let profile = |name: &str, city: &str| {
            let input = ProfileInput { legal_name: Some(name.to_owned()), city: Some(city.to_owned()), ..ProfileInput::default() };
            input.apply_to(CompanyProfile::default())
        };
        if let Ok(read) = profile(&typed, &typed) {
            prop_assert_eq!(read.city.as_deref(), Some(read.legal_name.as_str()));
            prop_assert_eq!(profile(&read.legal_name, &read.legal_name), Ok(read));
        }
        let lines = text::lines(&typed);
        prop_assert_eq!(text::lines(&lines), lines.clone());
        prop_assert!(is_seen(&lines), "{:?}", lines);
        prop_assert_eq!(text::optional(Some(&line)), Some(line).filter(|line| !line.is_empty()));
        if let Ok(reason) = may_void(&Status::Posted, Money::ZERO, Money::ZERO, &typed) {
            prop_assert_eq!(may_void(&Status::Posted, Money::ZERO, Money::ZERO, &reason), Ok(reason));
        }
        let escaped = text::escaped(&typed);
        prop_assert_eq!(text::escaped(&escaped), escaped);
    }

    #[test]
    fn what_is_searched_for_is_found_as_it_was_kept(typed in letters()) {
        let folded = text::folded(&typed);
        prop_assert_eq!(text::folded(&folded), folded.clone());
        prop_assert_eq!(text::folded(&text::one_line(&typed)), folded);
    }

    #[test]
    fn what_an_unreadable_record_holds_is_shown_and_never_used(kept in letters()) {
        let address = EmailAddress::as_kept(&kept);
        prop_assert_eq!(address.is_readable(), kept.parse::<EmailAddress>().is_ok());
        let bare = address.as_str().replace(['\u{200c}', '\u{200d}'], "");
        prop_assert_eq!(text::escaped(&bare), bare);
        let ruc = Ruc::as_kept(&kept);
        prop_assert!(ruc.is_readable() || ruc.doubt().is_none());
        for kind in IdentificationType::ALL {
            let identification = Identification::as_kept(kind, &kept);
            prop_assert!(identification.is_readable() || identification.doubt().is_none());
        }
        prop_assert_eq!(DocumentNumber::as_kept(&kept).is_readable(), kept.parse::<DocumentNumber>().is_ok());
    }
}

#[test]
fn one_character_bricks_no_company() {
    for typed in
        ["a@İ.ec", "a@ﬀ.ec", "a@ẞ.ec", "a@faß.ec", "a@ΟΔΟΣ.ec", "a@K.ec", "a@１.ec", "a@x。ec", "a@xn--.ec", "é@e\u{301}.ec"]
    {
        if let Ok(address) = typed.parse::<EmailAddress>() {
            assert_eq!(address.to_string().parse(), Ok(address), "{typed}");
        }
    }
}

/// Who invites, and into which company, is read in a mail before anything else is known.
#[test]
fn a_name_is_of_one_alphabet_in_each_word() {
    for (typed, is_taken) in [
        ("María Fernanda Cevallos Ñuñez", true),
        ("Đặng Thị Hoa", true),
        ("Анна Ковалёва", true),
        ("Ana Ковалёва", true),
        ("Ωmega", false),
        ("Αλέξανδρος", true),
        ("Distribuidora Cotopaxi Cía. Ltda.", true),
        ("3M del Ecuador S.A.", true),
        ("\u{410}na Toapanta", false),
        ("Cot\u{43e}paxi", false),
        ("B\u{430}nco Pichincha", false),
        ("Ֆerri", false),
        ("株式会社 Andina", true),
        ("O\u{301}scar", true),
        ("Coto\u{200d}paxi", true),
    ] {
        assert_eq!(text::name(typed, 100).is_ok(), is_taken, "{typed}");
        assert_eq!(acuse_domain::access::user_name(typed).is_ok(), is_taken, "{typed}");
        let own = |legal_name: &str, trade_name: &str| ProfileInput {
            legal_name: Some(legal_name.to_owned()),
            trade_name: Some(trade_name.to_owned()),
            ..ProfileInput::default()
        };
        assert_eq!(own(typed, "").read().is_ok(), is_taken, "razón social {typed}");
        assert_eq!(own("Andina", typed).read().is_ok(), is_taken, "nombre comercial {typed}");
        let founding = FoundingInput { ruc: "1790012344001", legal_name: typed, name: "Ana", email: "ana@x.ec" };
        assert_eq!(founding.read().is_ok(), is_taken, "primer inicio {typed}");
        let invited = InvitationInput { email: "ana@x.ec", name: typed, role: "viewer" };
        assert_eq!(invited.read().is_ok(), is_taken, "invitación {typed}");
    }
}
