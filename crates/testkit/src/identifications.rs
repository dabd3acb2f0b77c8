//! RUCs and cédulas whose check digits fit, made from a number. They belong to nobody that the tests know of.

/// Cédula of a natural person of Pichincha. `n` is below 100,000.
#[must_use]
pub fn cedula(n: u32) -> String {
    let nine = format!("171{:06}", n % 1_000_000);
    let sum: u32 = digits(&nine).enumerate().map(|(place, digit)| doubled_at_even_places(place, digit)).sum();
    format!("{nine}{}", (10 - sum % 10) % 10)
}

#[must_use]
pub fn natural_ruc(n: u32) -> String {
    format!("{}001", cedula(n))
}

/// RUC of a private company of Pichincha. Numbers whose check digit would be 10 do not exist: the next one is taken, so
/// that two numbers next to each other may give the same RUC; multiples of 2 never do.
#[must_use]
pub fn company_ruc(n: u32) -> String {
    const WEIGHTS: [u32; 9] = [4, 3, 2, 7, 6, 5, 4, 3, 2];
    let nine = format!("179{:06}", n % 1_000_000);
    let sum: u32 = digits(&nine).zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    match (11 - sum % 11) % 11 {
        10 => company_ruc(n + 1),
        digit => format!("{nine}{digit}001"),
    }
}

fn doubled_at_even_places(place: usize, digit: u32) -> u32 {
    let product = if place.is_multiple_of(2) { digit * 2 } else { digit };
    if product > 9 { product - 9 } else { product }
}

fn digits(number: &str) -> impl Iterator<Item = u32> + '_ {
    number.bytes().map(|byte| u32::from(byte - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use acuse_domain::identification::{Identification, IdentificationType, Ruc};

    #[test]
    fn made_numbers_raise_no_doubt() {
        for n in 0..3_000 {
            let cedula = Identification::parse(IdentificationType::Cedula, &cedula(n)).unwrap();
            assert_eq!(cedula.doubt(), None, "{cedula}");
            for ruc in [company_ruc(n), natural_ruc(n)] {
                assert_eq!(ruc.parse::<Ruc>().unwrap().doubt(), None, "{ruc}");
            }
        }
        let distinct: std::collections::BTreeSet<_> = (0..3_000).map(|n| company_ruc(2 * n)).collect();
        assert_eq!(distinct.len(), 3_000);
    }
}
