//! A new password of somebody who logs in: one rule for every form and command. No mixture of letters and digits is asked for
//! (NIST SP 800-63B-4 3.1.1.2, OWASP ASVS 5.0 6.2.5): a password is refused where guessing finds it soon.

use std::cmp::Reverse;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use zxcvbn::zxcvbn;

use crate::message::{Message, messages, said_by_message};

/// Letters. ASVS 5.0 6.2.1 asks for 8 and recommends 15; see docs/decisions/0027.
pub const SHORTEST: usize = 12;
/// Letters: a sentence fits, and a hash takes no longer (ASVS 5.0 6.2.9 asks for 64 at least).
pub const LONGEST: usize = 256;
/// Guesses that a password withstands, estimated: what zxcvbn calls «safely unguessable», score 3.
const ENOUGH_GUESSES: u64 = 100_000_000;
/// Letters of a word of one's own that is looked for.
const SHORTEST_WORD: usize = 3;

/// What stands for a password in this country before anything else; the crate's lists are mostly English.
const COMMON_HERE: [&str; 32] = [
    "contraseña",
    "contrasena",
    "clave",
    "acuse",
    "bienvenido",
    "bienvenidos",
    "administrador",
    "administradora",
    "usuario",
    "empresa",
    "compania",
    "contabilidad",
    "contador",
    "facturacion",
    "secreto",
    "secreta",
    "segura",
    "ecuador",
    "quito",
    "guayaquil",
    "cuenca",
    "ambato",
    "barcelona",
    "emelec",
    "liga",
    "teamo",
    "tequiero",
    "amor",
    "jesus",
    "dios",
    "hola",
    "cambiame",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordError {
    Missing,
    TooShort,
    TooLong,
    /// Among the first that are tried.
    Common,
    /// Made of the person's name, address or company.
    Own,
}

said_by_message!(PasswordError);

impl PasswordError {
    #[must_use]
    pub fn message(&self) -> Message {
        match self {
            Self::Missing => messages::new_password_missing(),
            Self::TooShort => messages::login_password_too_short(SHORTEST),
            Self::TooLong => messages::login_password_too_long(LONGEST),
            Self::Common => messages::login_password_common(),
            Self::Own => messages::login_password_own(),
        }
    }
}

/// Whether somebody may choose this password; `own` are their name, their address and the names of their companies.
pub fn check(typed: &str, own: &[&str]) -> Result<(), PasswordError> {
    let length = typed.chars().count();
    if length == 0 {
        return Err(PasswordError::Missing);
    }
    if length < SHORTEST {
        return Err(PasswordError::TooShort);
    }
    if length > LONGEST {
        return Err(PasswordError::TooLong);
    }
    let guesses = |words: &[&str]| zxcvbn(typed, words).guesses().min(zxcvbn(&folded(typed), words).guesses());
    if guesses(&COMMON_HERE) < ENOUGH_GUESSES {
        return Err(PasswordError::Common);
    }
    let own = own_words(own);
    let all: Vec<&str> = own.iter().map(String::as_str).chain(COMMON_HERE).collect();
    // Several words of theirs count as many guesses there, and are the first that is tried.
    let rest = zxcvbn(&without(folded(typed), &own), &COMMON_HERE).guesses();
    if guesses(&all).min(rest) < ENOUGH_GUESSES {
        return Err(PasswordError::Own);
    }
    Ok(())
}

/// What stands beside the words, the longest taken out first.
fn without(text: String, words: &[String]) -> String {
    let mut words: Vec<&String> = words.iter().collect();
    words.sort_by_key(|word| Reverse(word.chars().count()));
    words.into_iter().fold(text, |text, word| text.replace(word.as_str(), ""))
}

/// Each word, and the whole without blanks: `Ana Paredes` is also looked for as `anaparedes`.
fn own_words(own: &[&str]) -> Vec<String> {
    let whole = |text: &str| text.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>();
    let of = |text: &&str| {
        let text = folded(text);
        let parts: Vec<String> = text.split(|letter: char| !letter.is_alphanumeric()).map(str::to_owned).collect();
        parts.into_iter().chain([whole(&text), text])
    };
    own.iter().flat_map(of).filter(|word| word.chars().count() >= SHORTEST_WORD).collect()
}

/// In small letters, without accents.
fn folded(text: &str) -> String {
    text.nfd().filter(|letter| !is_combining_mark(*letter)).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: [&str; 3] = ["Gabriela Toapanta Chicaiza", "gtoapanta@distcotopaxi.ec", "Distribuidora Cotopaxi Cía. Ltda."];

    #[test]
    fn what_is_tried_first_is_refused_and_a_sentence_is_not() {
        use PasswordError::{Common, Missing, Own, TooLong, TooShort};
        let cases = [
            ("", Err(Missing)),
            (" ", Err(TooShort)),
            ("12345678", Err(TooShort)),
            ("onceletras1", Err(TooShort)),
            ("contraseña123", Err(Common)),
            ("Contrasena2026", Err(Common)),
            ("passwordpassword", Err(Common)),
            ("qwertyuiop123", Err(Common)),
            ("123456789012", Err(Common)),
            ("aaaaaaaaaaaaaaaa", Err(Common)),
            ("abcabcabcabcabc", Err(Common)),
            ("acuseacuse2026", Err(Common)),
            ("iloveyou1234", Err(Common)),
            ("gabrielatoapanta", Err(Own)),
            ("Toapanta Gabriela 1", Err(Own)),
            ("Cotopaxi, Gabriela! 2026", Err(Own)),
            ("mi Gabriela distribuidora", Err(Own)),
            ("gtoapanta@distcotopaxi.ec", Err(Own)),
            ("DistribuidoraCotopaxi", Err(Own)),
            ("una clave larga", Ok(())),
            ("ocho ñandúes", Ok(())),
            ("nueve avestruces", Ok(())),
            ("Gabriela cena papayas verdes con su tía", Ok(())),
            ("kx9-Qm2_vT8pLw", Ok(())),
        ];
        for (typed, expected) in cases {
            assert_eq!(check(typed, &OWN), expected, "{typed}");
        }
        assert_eq!(check(&"ñ".repeat(LONGEST + 1), &OWN), Err(TooLong));
        assert_eq!(check(&"pájaro azul, 7 ".repeat(17), &[]), Ok(()));
    }

    #[test]
    fn the_first_of_every_list_are_refused_in_any_spelling() {
        for common in ["football1234", "Princess2024", "letmeinletmein", "P@ssw0rd1234", "administrador1", "guayaquil2026"] {
            assert!(check(common, &[]).is_err(), "{common}");
        }
    }
}
