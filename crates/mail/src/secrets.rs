//! What must never be shown, in every form in which a server could say it back.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use acuse_domain::text::escaped;

use crate::reply::{LONGEST_LINE, without_code};

const SHOWN_INSTEAD: &str = "•••";
/// Shorter than this it is no password, and taking it away would leave nothing of a sentence.
const SHORTEST: usize = 3;

/// The secrets of one connection.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    forms: Vec<String>,
}

impl Secrets {
    /// Each as it is, in base64 (alone, or anywhere inside something longer), in hexadecimal and percent-encoded.
    pub(crate) fn of(secrets: &[String]) -> Self {
        let mut forms = Vec::new();
        for secret in secrets.iter().filter(|secret| secret.trim().len() >= SHORTEST) {
            forms.push(secret.clone());
            // Blanks at the end of a line are not kept.
            forms.push(secret.trim().to_owned());
            // As a reply is shown that says it.
            forms.push(escaped(secret));
            forms.push(STANDARD.encode(secret));
            forms.extend((0..3).filter_map(|before| inside_base64(secret, before)));
            forms.push(secret.bytes().map(|byte| format!("{byte:02x}")).collect());
            forms.push(percent_encoded(secret));
        }
        // The longest first: what is left of a part must not hide the whole.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        Self { forms }
    }

    /// The text without them; nothing of it where one is spread over several lines.
    pub(crate) fn hide(&self, text: String) -> String {
        if self.forms.is_empty() {
            return text;
        }
        let mut shown = text;
        for form in &self.forms {
            shown = without(&shown, form);
        }
        let joined: String = shown.lines().map(|line| without_code(line).trim()).collect();
        if self.forms.iter().any(|form| find(&joined, form).is_some()) {
            let code = shown.get(..3).unwrap_or_default();
            return format!("{code} {SHOWN_INSTEAD}");
        }
        shown.lines().map(|line| self.without_beginning(line)).collect::<Vec<_>>().join("\n")
    }

    /// A line that was cut may end with the beginning of a secret.
    fn without_beginning(&self, line: &str) -> String {
        if line.len() + 4 < LONGEST_LINE {
            return line.to_owned();
        }
        let ends =
            |form: &str| (SHORTEST..form.len()).rev().find(|len| form.is_char_boundary(*len) && ends_with(line, &form[..*len]));
        match self.forms.iter().filter_map(|form| ends(form)).max() {
            Some(len) => format!("{}{SHOWN_INSTEAD}", &line[..line.len() - len]),
            None => line.to_owned(),
        }
    }
}

/// What of the secret's base64 stays the same with so many other bytes before it in its group of three.
fn inside_base64(secret: &str, before: usize) -> Option<String> {
    let padded: Vec<u8> = std::iter::repeat_n(0, before).chain(secret.bytes()).collect();
    let whole = STANDARD_NO_PAD.encode(&padded);
    // The first letters also hold bits of what stands before, the last ones of what follows.
    let first = (before * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    let middle = whole.get(first..last)?;
    (middle.len() > SHORTEST).then(|| middle.to_owned())
}

fn percent_encoded(secret: &str) -> String {
    secret
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn without(text: &str, secret: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = find(rest, secret) {
        shown.push_str(&rest[..at]);
        shown.push_str(SHOWN_INSTEAD);
        rest = &rest[at + secret.len()..];
    }
    shown.push_str(rest);
    shown
}

fn ends_with(line: &str, end: &str) -> bool {
    let at = line.len().saturating_sub(end.len());
    line.is_char_boundary(at) && line[at..].eq_ignore_ascii_case(end)
}

/// Whatever the case: some servers shout.
fn find(text: &str, secret: &str) -> Option<usize> {
    text.to_ascii_lowercase().find(&secret.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_in_every_form() {
        let secret = "clave-muy-secreta 42";
        let secrets = Secrets::of(&[secret.to_owned()]);
        for echo in [
            secret.to_owned(),
            secret.to_uppercase(),
            STANDARD.encode(secret),
            STANDARD.encode(format!("\0cobros@empresa.ec\0{secret}")),
            STANDARD.encode(format!("x{secret}yz")),
            STANDARD.encode(format!("xy{secret}z")),
            percent_encoded(secret),
            secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
        ] {
            let shown = secrets.hide(format!("535 5.7.8 {echo} no"));
            assert!(shown.starts_with("535 5.7.8 ") && shown.contains(SHOWN_INSTEAD), "{shown}");
            assert!(!shown.contains("secreta") && !shown.contains("c2VjcmV0"), "{shown}");
        }
        assert_eq!(secrets.hide("535-clave-muy-\n535 secreta 42".to_owned()), "535 •••");
        let cut = format!("535 {}{}", "x".repeat(986), &secret[..10]);
        assert!(!secrets.hide(cut).contains("clave"));
        assert_eq!(secrets.hide("535 no".to_owned()), "535 no");
    }

    #[test]
    fn letters_of_any_kind_are_no_trouble() {
        let secrets = Secrets::of(&["contraseña-Ñ-🔑".to_owned(), "ab".to_owned(), String::new()]);
        assert_eq!(secrets.hide("535 ñ contraseña-Ñ-🔑 ñ".to_owned()), "535 ñ ••• ñ");
        assert_eq!(secrets.hide("ñ".to_owned()), "ñ");
    }
}
