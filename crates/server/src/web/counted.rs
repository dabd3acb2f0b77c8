//! How many, as a person reads it.

use std::fmt::Display;

/// `18.204`
#[must_use]
pub fn number(count: impl Display) -> String {
    let digits = count.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    groups.iter().map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join(".")
}

/// `1 entrada`, `18.204 entradas`
#[must_use]
pub fn counted(count: impl Display, one: &str, several: &str) -> String {
    let number = number(count);
    format!("{number} {}", if number == "1" { one } else { several })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_thousands_are_set_apart() {
        let entries = |count: u64| counted(count, "entrada", "entradas");
        assert_eq!([entries(0), entries(1), entries(999)], ["0 entradas", "1 entrada", "999 entradas"]);
        assert_eq!(
            [entries(1_000), entries(18_204), entries(1_234_567)],
            ["1.000 entradas", "18.204 entradas", "1.234.567 entradas"]
        );
    }
}
