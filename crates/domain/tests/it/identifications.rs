use acuse_domain::identification::{Doubt, Identification, IdentificationError, IdentificationType, Ruc};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn of_ten_cedulas_that_differ_in_the_last_digit_one_fits(province in province(), middle in "[0-5][0-9]{6}") {
        let fits = without_doubt((0..10).map(|digit| format!("{province}{middle}{digit}")), IdentificationType::Cedula);
        prop_assert_eq!(fits, 1);
    }

    #[test]
    fn a_natural_persons_ruc_is_the_cedula_with_a_number(province in province(), middle in "[0-5][0-9]{6}", branch in 1..1_000_u16) {
        for digit in 0..10 {
            let cedula = Identification::parse(IdentificationType::Cedula, &format!("{province}{middle}{digit}")).unwrap();
            let ruc: Ruc = format!("{province}{middle}{digit}{branch:03}").parse().unwrap();
            // A company's own RUC is that of its main establishment.
            let of_branch = (branch != 1).then_some(Doubt::Establishment);
            prop_assert_eq!(ruc.doubt(), cedula.doubt().or(of_branch));
        }
    }

    #[test]
    fn no_ruc_of_a_company_or_a_public_body_is_doubted(province in province(), middle in "[6-9][0-9]{6}", branch in 1..1_000_u16) {
        let rucs = (0..10).map(|digit| format!("{province}{middle}{digit}{branch:03}"));
        prop_assert_eq!(without_doubt(rucs, IdentificationType::Ruc), 10);
    }

    #[test]
    fn no_text_makes_it_panic(typed in "\\PC{0,20}|[0-9٣ ]{9,14}") {
        for kind in IdentificationType::ALL {
            if let Ok(identification) = Identification::parse(kind, &typed) {
                let _either_way = identification.doubt();
                prop_assert!(identification.number().is_ascii());
            }
        }
    }
}

fn province() -> impl Strategy<Value = String> {
    prop_oneof![(1..=24_u8).prop_map(|n| format!("{n:02}")), Just("30".to_string())]
}

fn without_doubt(numbers: impl Iterator<Item = String>, kind: IdentificationType) -> usize {
    numbers.filter(|number| Identification::parse(kind, number).unwrap().doubt().is_none()).count()
}

#[test]
fn only_a_natural_persons_ruc_is_checked() {
    for ruc in ["1790016919001", "1790016918001", "0990004196001", "1768152560001", "1768152570001", "1710034065001"] {
        let checked: Ruc = ruc.parse().unwrap();
        assert_eq!(checked.doubt(), None, "{ruc}");
    }
    assert_eq!("1710034066001".parse::<Ruc>().unwrap().doubt(), Some(Doubt::CheckDigit));
}

#[test]
fn only_provinces_that_exist_are_taken() {
    for province in 0..100 {
        let exists = matches!(province, 1..=24 | 30);
        let cedula = Identification::parse(IdentificationType::Cedula, &format!("{province:02}10034065"));
        assert_eq!(cedula.is_ok(), exists, "{province}");
        if !exists {
            assert_eq!(cedula, Err(IdentificationError::Province));
        }
    }
}
