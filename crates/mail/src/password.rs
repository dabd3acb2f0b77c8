//! How a password that a server refused was probably meant: as a provider shows it, or as a clipboard changed it. Nothing
//! is changed unasked: a password is used to the letter, and this is only offered.

use crate::providers::{self, Provider};
use acuse_domain::message::Language;

/// Google, Yahoo and Fastmail show their app passwords so: four groups of four letters.
const APP_PASSWORD: [usize; 4] = [4, 4, 4, 4];
/// The shortest and the longest that known providers give out (Zoho 12, Fastmail and Google 16), with some room.
const LENGTHS: std::ops::RangeInclusive<usize> = 12..=32;

/// What would be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordMend {
    /// Blanks that only group an app password.
    WithoutBlanks,
    /// Apple's app passwords are grouped by hyphens, which belong to them.
    HyphensForBlanks,
    /// Blanks or a line's end at either end, as a clipboard brings them along.
    WithoutEnds,
    /// Curly quotes, dashes and unseen characters that a word processor or a chat put in.
    PlainCharacters,
}

impl PasswordMend {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WithoutBlanks => "without_blanks",
            Self::HyphensForBlanks => "hyphens_for_blanks",
            Self::WithoutEnds => "without_ends",
            Self::PlainCharacters => "plain_characters",
        }
    }

    /// «Usar la contraseña sin los espacios», on the button that does it.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::WithoutBlanks => "la contraseña sin los espacios",
            Self::HyphensForBlanks => "la contraseña con guiones",
            Self::WithoutEnds => "la contraseña sin lo que sobra en los extremos",
            Self::PlainCharacters => "la contraseña con caracteres sencillos",
        }
    }

    /// What it is about, and what is offered.
    #[must_use]
    pub const fn advice(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::WithoutBlanks, Language::Spanish) => {
                "Los espacios de la contraseña de aplicación solo la agrupan para leerla mejor: no son parte de ella. Pruebe sin los espacios."
            }
            (Self::WithoutBlanks, Language::English) => {
                "The blanks of the app password only group it for reading: they are no part of it. Try it without the blanks."
            }
            (Self::HyphensForBlanks, Language::Spanish) => {
                "Las contraseñas de aplicación de Apple llevan guiones entre sus grupos, no espacios. Pruebe con los guiones."
            }
            (Self::HyphensForBlanks, Language::English) => {
                "Apple's app passwords have hyphens between their groups, no blanks. Try it with the hyphens."
            }
            (Self::WithoutEnds, Language::Spanish) => {
                "La contraseña empieza o termina con un espacio o un salto de línea, que suele venir al copiarla. Pruebe sin él."
            }
            (Self::WithoutEnds, Language::English) => {
                "The password begins or ends with a blank or a line break, which often comes along when it is copied. Try it without."
            }
            (Self::PlainCharacters, Language::Spanish) => {
                "La contraseña lleva comillas tipográficas, rayas o caracteres invisibles, que suele poner el programa del que se copió. Pruebe con los caracteres sencillos."
            }
            (Self::PlainCharacters, Language::English) => {
                "The password has curly quotes, dashes or unseen characters, which the program it was copied from often puts in. Try it with the plain ones."
            }
        }
    }
}

/// What was meant, where the password as it stands differs from it. `host` is the SMTP server.
#[must_use]
pub fn meant(password: &str, host: &str) -> Option<(PasswordMend, String)> {
    let provider = providers::of_host(host);
    let plain: String = password.chars().filter_map(plain_character).collect();
    let trimmed = plain.trim();
    let is_apple = provider.is_some_and(|provider| provider.name == "iCloud");
    let (mend, meant) = if is_grouped(trimmed, provider) && is_apple {
        (PasswordMend::HyphensForBlanks, joined(trimmed, "-"))
    } else if is_grouped(trimmed, provider) {
        (PasswordMend::WithoutBlanks, joined(trimmed, ""))
    } else if trimmed.len() != plain.len() {
        (PasswordMend::WithoutEnds, trimmed.to_owned())
    } else {
        (PasswordMend::PlainCharacters, plain)
    };
    (meant != password && !meant.is_empty()).then_some((mend, meant))
}

/// Typographic characters as a keyboard has them; those that nobody sees are left out.
fn plain_character(c: char) -> Option<char> {
    match c {
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}' | '\u{2032}' => Some('\''),
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{201f}' | '\u{2033}' => Some('"'),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}' => Some('-'),
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{ad}' => None,
        c if c.is_whitespace() && c != '\t' => Some(' '),
        c => Some(c),
    }
}

/// Groups of one size, of letters and digits. Anywhere in the shape that everybody knows; in others only with a provider
/// that gives app passwords out: a sentence as a password has its blanks for good.
fn is_grouped(password: &str, provider: Option<&Provider>) -> bool {
    let groups: Vec<&str> = password.split_whitespace().collect();
    let are_alike = groups.len() > 1 && groups.iter().all(|group| group.len() == groups[0].len() && group.len() > 2);
    let has_only = |allowed: fn(&u8) -> bool| groups.iter().all(|group| group.bytes().all(|byte| allowed(&byte)));
    let is_usual = groups.iter().map(|group| group.len()).eq(APP_PASSWORD) && has_only(u8::is_ascii_alphabetic);
    let length: usize = groups.iter().map(|group| group.len()).sum();
    is_usual || (provider.is_some() && are_alike && has_only(u8::is_ascii_alphanumeric) && LENGTHS.contains(&length))
}

fn joined(groups: &str, between: &str) -> String {
    groups.split_whitespace().collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_told_from_what_is_meant_so() {
        use PasswordMend::{HyphensForBlanks, PlainCharacters, WithoutBlanks, WithoutEnds};
        for (host, typed, mended) in [
            ("smtp.gmail.com", "abcd efgh ijkl mnop", Some((WithoutBlanks, "abcdefghijklmnop"))),
            ("smtp.gmail.com", "abcd\u{a0}efgh\u{a0}ijkl\u{a0}mnop", Some((WithoutBlanks, "abcdefghijklmnop"))),
            ("smtp.gmail.com", " Abcd  efgh ijkl mnop\n", Some((WithoutBlanks, "Abcdefghijklmnop"))),
            ("mail.empresa.ec", "abcd efgh ijkl mnop", Some((WithoutBlanks, "abcdefghijklmnop"))),
            ("smtp.mail.yahoo.com", "abcd efgh ijkl mnop", Some((WithoutBlanks, "abcdefghijklmnop"))),
            ("smtp.zoho.com", "aB3d eF6h iJ9l", Some((WithoutBlanks, "aB3deF6hiJ9l"))),
            ("smtp.mail.me.com", "abcd-efgh-ijkl-mnop", None),
            ("smtp.mail.me.com", "abcd efgh ijkl mnop", Some((HyphensForBlanks, "abcd-efgh-ijkl-mnop"))),
            ("smtp.mail.me.com", "abcd\u{2013}efgh\u{2011}ijkl\u{2013}mnop", Some((PlainCharacters, "abcd-efgh-ijkl-mnop"))),
            ("mail.empresa.ec", "clave secreta\r\n", Some((WithoutEnds, "clave secreta"))),
            ("mail.empresa.ec", " clave", Some((WithoutEnds, "clave"))),
            ("mail.empresa.ec", "\u{201c}Clave\u{2019}1\u{201d}\u{200b}", Some((PlainCharacters, "\"Clave'1\""))),
            ("mail.empresa.ec", "una clave larga de antes", None),
            ("mail.empresa.ec", "tres casas unas rojas", None),
            ("mail.empresa.ec", "Contraseña-1", None),
            ("smtp.gmail.com", "abcdefghijklmnop", None),
            ("smtp.gmail.com", "   ", None),
        ] {
            let expected = mended.map(|(mend, password)| (mend, password.to_owned()));
            assert_eq!(meant(typed, host), expected, "{host}: {typed:?}");
        }
    }
}
