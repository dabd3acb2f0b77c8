//! What must never be shown, in every form in which a server could say it back, whole or in part.
//!
//! A text is compared letter by letter after its quoting is undone (see `letters`), so that a form need not be foreseen:
//! six letters in a row of a secret are hidden wherever they stand. Words that servers use in every refusal stay, also
//! where a password is made of them: a gap in a well-known sentence would tell more than the word.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use memchr::memmem;

use acuse_domain::text::{case_folded, cut, escaped, folded};

use crate::letters::{self, Letter, letters};
use crate::reply::{LONGEST_LINE, Reply, without_code};

const SHOWN_INSTEAD: &str = "•••";
/// Shorter than this it is no password, and taking it away would leave nothing of a sentence.
const SHORTEST: usize = 3;
/// So many letters in a row of a secret are a part of it; fewer stand anywhere by chance.
const RUN: usize = 6;
/// Words in a row that may be ordinary. More of them are a sentence that somebody chose.
const MOST_ORDINARY: usize = 2;
/// Letters of a secret that are looked for in base64 of base64: no password is longer, and a token need not be hidden whole.
const LONGEST_ENCODED_TWICE: usize = 256;
/// What is left of a text in which something stands between the letters of a secret: blanks, or dots and the like.
const WITHOUT_SEPARATORS: [fn(&u8) -> bool; 2] = [|letter| *letter != b' ', u8::is_ascii_alphanumeric];
const MECHANISMS: [&str; 5] = ["plain", "login", "cram-md5", "xoauth2", "oauthbearer"];

/// Of real servers' replies (tests/it/replies.tsv), of the rules that judge them (replies.toml) and of RFC 4954.
static ORDINARY: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("ordinary_words.txt").split_whitespace().collect());

/// The secrets of one connection.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    /// As they are, and as a reply shows them.
    whole: Vec<String>,
    /// In letters, each way of writing them.
    forms: Vec<Vec<u8>>,
    /// Of these, what separators leave.
    unseparated: Vec<Vec<u8>>,
    /// All that stands in a row in one of these.
    runs: HashSet<[u8; RUN]>,
    /// Words of the user's name, which everybody knows.
    known: HashSet<String>,
}

impl Secrets {
    pub(crate) fn of(secrets: &[&str], username: &str) -> Self {
        let known = words_of(username).map(str::to_lowercase).collect();
        let mut all = Self { known, ..Self::default() };
        for secret in secrets.iter().map(|secret| secret.trim()).filter(|secret| secret.len() >= SHORTEST) {
            all.whole.extend([secret.to_owned(), escaped(secret)]);
            all.add(letters::undecoded(secret));
            all.add(letters::undecoded(secret).into_iter().rev().collect());
            all.add(letters::undecoded(&folded(secret)));
            all.add(letters::undecoded(&case_folded(secret)));
            all.add_said(secret);
            let twice = in_base64(cut(secret, LONGEST_ENCODED_TWICE)).into_iter().flat_map(|once| in_base64(&once));
            in_base64(secret).into_iter().chain(twice).for_each(|form| all.add_said(&form));
            all.add_said(&secret.bytes().map(|byte| format!("{byte:02x}")).collect::<String>());
        }
        all.whole.dedup();
        all
    }

    /// What was sent in a login is hidden as it was sent.
    pub(crate) fn add_said(&mut self, said: &str) {
        self.add(letters(said).iter().map(|letter| letter.folded).collect());
    }

    fn add(&mut self, form: Vec<u8>) {
        if form.len() < SHORTEST || self.forms.contains(&form) {
            return;
        }
        self.runs.extend(form.array_windows().copied());
        for is_left in WITHOUT_SEPARATORS {
            let left: Vec<u8> = form.iter().copied().filter(is_left).collect();
            if left.len() >= RUN && !self.unseparated.contains(&left) {
                self.unseparated.push(left);
            }
        }
        self.forms.push(form);
    }

    /// The text without them; nothing of it where one is spread over several lines.
    pub(crate) fn hide(&self, text: String) -> String {
        if self.forms.is_empty() {
            return text;
        }
        let mut found = self.as_they_are(&text);
        let lines: Vec<Vec<Letter>> = line_ranges(&text).map(|line| letters::within(&text, line)).collect();
        for line in &lines {
            found.extend(self.runs_in(line));
            found.extend(self.short_forms_in(line));
            found.extend(self.cut_off_at_the_end(line));
        }
        found.extend(self.whole_in(&lines.concat()));
        found.retain(|part| !self.is_ordinary(&text, part));
        if found.iter().any(|part| text[part.clone()].contains('\n')) {
            return format!("{} {SHOWN_INSTEAD}", text.get(..3).unwrap_or_default());
        }
        found.extend(line_ranges(&text).filter_map(|line| self.said_to_auth(&text, line)));
        without(&text, found)
    }

    /// To the letter, whatever the case: some servers shout. What is short may stand in any word, and must stand alone.
    fn as_they_are(&self, text: &str) -> Vec<Range<usize>> {
        let lower = text.to_ascii_lowercase();
        let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let mut found = Vec::new();
        for secret in &self.whole {
            for (start, _) in lower.match_indices(&secret.to_ascii_lowercase()) {
                let end = start + secret.len();
                let stands_alone = !is_letter(text[..start].chars().next_back()) && !is_letter(text[end..].chars().next());
                if secret.len() >= RUN || stands_alone {
                    found.push(start..end);
                }
            }
        }
        found
    }

    fn runs_in(&self, line: &[Letter]) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for window in line.array_windows::<RUN>() {
            if self.runs.contains(&window.map(|letter| letter.folded)) {
                let part = window[0].from..window[RUN - 1].to;
                match found.last_mut() {
                    Some(last) if part.start < last.end => last.end = part.end,
                    _ => found.push(part),
                }
            }
        }
        found
    }

    fn short_forms_in(&self, line: &[Letter]) -> Vec<Range<usize>> {
        let is_letter = |at: Option<&Letter>| at.is_some_and(|letter| letter.folded.is_ascii_alphanumeric());
        let mut found = Vec::new();
        for form in self.forms.iter().filter(|form| form.len() < RUN) {
            for (at, part) in line.windows(form.len()).enumerate() {
                let is_it = part.iter().map(|letter| letter.folded).eq(form.iter().copied());
                if is_it && !is_letter(at.checked_sub(1).and_then(|at| line.get(at))) && !is_letter(line.get(at + part.len())) {
                    found.push(part[0].from..part[part.len() - 1].to);
                }
            }
        }
        found
    }

    /// A line that was cut may end with the beginning of a secret.
    fn cut_off_at_the_end(&self, line: &[Letter]) -> Option<Range<usize>> {
        let (first, last) = (line.first()?, line.last()?);
        if last.to - first.from + 8 < LONGEST_LINE {
            return None;
        }
        let ends_with =
            |form: &[u8]| line.iter().rev().map(|letter| letter.folded).take(form.len()).eq(form.iter().rev().copied());
        let begins = |form: &Vec<u8>| (SHORTEST..RUN.min(form.len())).rev().find(|len| ends_with(&form[..*len]));
        let longest = self.forms.iter().filter_map(begins).max()?;
        Some(line[line.len() - longest].from..last.to)
    }

    /// Whatever separators and line breaks stand between its letters.
    fn whole_in(&self, text: &[Letter]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for is_left in WITHOUT_SEPARATORS {
            let text: Vec<&Letter> = text.iter().filter(|letter| is_left(&letter.folded)).collect();
            let letters: Vec<u8> = text.iter().map(|letter| letter.folded).collect();
            for form in &self.unseparated {
                let parts = memmem::find_iter(&letters, form);
                found.extend(parts.map(|at| text[at].from..text[at + form.len() - 1].to));
            }
        }
        found
    }

    /// Whether it is a word or two of a sentence, and not set apart as what somebody said.
    fn is_ordinary(&self, text: &str, part: &Range<usize>) -> bool {
        let is_of_a_word = |c: &char| c.is_alphanumeric();
        let start = part.start - text[..part.start].chars().rev().take_while(is_of_a_word).map(char::len_utf8).sum::<usize>();
        let end = part.end + text[part.end..].chars().take_while(is_of_a_word).map(char::len_utf8).sum::<usize>();
        let (before, after) = (text[..start].chars().next_back(), &text[end..]);
        let is_set_apart = before.is_some_and(|c| "\"'`<«“‘=".contains(c)) || after.starts_with("...") || after.starts_with('…');
        let mut words = words_of(&text[start..end]);
        let are_ordinary = words.by_ref().take(MOST_ORDINARY).all(|word| self.knows(word)) && words.next().is_none();
        are_ordinary && !is_set_apart
    }

    fn knows(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        ORDINARY.contains(word.as_str()) || self.known.contains(&word)
    }

    /// What follows `AUTH` and a mechanism, unless it is a word of prose: the login's first answer, however it was cut.
    fn said_to_auth(&self, text: &str, line: Range<usize>) -> Option<Range<usize>> {
        let (said, lower) = (&text[line.clone()], text[line.clone()].to_ascii_lowercase());
        let after_mechanism = lower.match_indices("auth").find_map(|(at, auth)| {
            let rest = lower[at + auth.len()..].trim_start();
            let mechanism = MECHANISMS.iter().find(|name| rest.starts_with(**name))?;
            Some(lower.len() - rest.len() + mechanism.len())
        })?;
        let answer = said[after_mechanism..].trim_start_matches(|c: char| c.is_whitespace() || "\"'<:".contains(c));
        let start = said.len() - answer.len();
        if start == after_mechanism {
            return None;
        }
        let length = answer.find(|c: char| c.is_whitespace() || "\"'<>«»“”),;…".contains(c)).unwrap_or(answer.len());
        let answer = answer[..length].trim_end_matches('.');
        let is_of_prose = answer.len() <= SHORTEST
            || MECHANISMS.contains(&answer.to_ascii_lowercase().as_str())
            || answer.chars().skip(1).all(char::is_lowercase)
            || words_of(answer).all(|word| self.knows(word));
        (!is_of_prose).then(|| line.start + start..line.start + start + answer.len())
    }
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// Each line without its code.
fn line_ranges(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    text.split('\n').map(move |line| {
        let end = start + line.len();
        let range = end - without_code(line).len()..end;
        start = end + 1;
        range
    })
}

/// Its base64 alone, and inside of something else's.
fn in_base64(secret: &str) -> Vec<String> {
    std::iter::once(STANDARD.encode(secret)).chain((0..3).filter_map(|before| inside_base64(secret, before))).collect()
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

fn without(text: &str, mut parts: Vec<Range<usize>>) -> String {
    parts.sort_by_key(|part| part.start);
    let (mut shown, mut end) = (String::with_capacity(text.len()), 0);
    for part in parts {
        if part.start > end || end == 0 {
            shown.push_str(&text[end..part.start.max(end)]);
            shown.push_str(SHOWN_INSTEAD);
        }
        end = end.max(part.end);
    }
    shown.push_str(&text[end..]);
    shown
}

impl Reply {
    /// Without what must not be shown, should the server have said it back.
    #[must_use]
    pub(crate) fn hiding(mut self, secrets: &Secrets) -> Self {
        self.text = secrets.hide(self.text);
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::diagnosis::classify_text;

    /// As servers, proxies and languages quote what they say back, with the letters at the beginning that are not the secret's.
    fn forms(secret: &str) -> Vec<(String, usize)> {
        let base64 = |before: &str, skip| (STANDARD.encode(format!("{before}{secret}")), skip);
        let each = |quoted: &dyn Fn(char) -> String| (secret.chars().map(quoted).collect::<String>(), 0);
        let html = |c: char| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '"' => "&#34;".to_owned(),
            'ñ' => "&ntilde;".to_owned(),
            c => c.to_string(),
        };
        let (url_safe, skip) = base64("xy", 3);
        vec![
            (secret.to_owned(), 0),
            (secret.to_uppercase(), 0),
            base64("", 0),
            base64("\0cobros@empresa.ec\0", 27),
            base64("x", 3),
            (url_safe.replace('+', "-").replace('/', "_"), skip),
            base64("user=a\u{1}auth=Bearer ", 27),
            (secret.bytes().map(|byte| format!("{byte:02X}")).collect(), 0),
            each(&html),
            each(&|c| if "\"\\&<".contains(c) { format!("\\{c}") } else { c.to_string() }),
            each(&|c| if c.is_ascii() { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) }),
            each(&|c| c.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect()),
            // Latin-1, read as UTF-8.
            each(&|c| if c.is_ascii() { c.to_string() } else { "\u{fffd}".to_owned() }),
            each(&|c| escaped(&format!("{c}\u{1}"))),
            (STANDARD.encode(STANDARD.encode(secret)), 0),
            (secret.chars().rev().collect(), 0),
            each(&|c| if c == 'ñ' { "n".to_owned() } else { c.to_string() }),
            each(&|c| if c == 'ñ' { "n\u{303}".to_owned() } else { c.to_string() }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_000, ..ProptestConfig::default() })]

        #[test]
        fn a_part_of_a_secret_is_hidden_in_every_form(
            secret in "[A-Za-z0-9\"&<]{2,4}ñ[0-9][A-Za-z0-9\"&<]{6,30}", which in 0..18usize, cut in any::<proptest::sample::Index>(),
            (before, after) in prop_oneof![Just(("", "")), Just(("\"", "...\"")), Just(("<", ">")), Just(("Secret: ", " no"))],
        ) {
            let secrets = Secrets::of(&[&secret], "cobros@empresa.ec");
            let (form, skip) = forms(&secret).swap_remove(which);
            let eight: String = secret.chars().take(8).collect();
            let (whole, shortest) = (form.chars().count(), forms(&eight)[which].0.chars().count());
            let said: String = form.chars().take(shortest.min(whole) + cut.index(whole)).collect();
            let shown = secrets.hide(format!("535 5.7.8 no {before}{said}{after}"));
            prop_assert!(shown.starts_with("535 5.7.8 no ") && shown.contains(SHOWN_INSTEAD), "{}: {}", said, shown);
            let folded = |text: &str| letters(text).iter().map(|letter| letter.folded).collect::<Vec<_>>();
            let (left, of_it) = (folded(&shown), folded(&said));
            let told = of_it[skip..].windows(RUN).find(|run| memmem::find(&left, run).is_some());
            prop_assert!(told.is_none(), "{}: {}", said, shown);
        }
    }

    #[test]
    fn a_secret_is_hidden_whole_spread_or_cut() {
        let secret = "clave-muy-secreta 42";
        let secrets = Secrets::of(&[secret], "cobros@empresa.ec");
        for (echo, _) in forms(secret) {
            let shown = secrets.hide(format!("535 5.7.8 {echo} no"));
            assert!(shown.starts_with("535 5.7.8 ") && shown.contains(SHOWN_INSTEAD) && shown.ends_with(" no"), "{shown}");
            assert!(!shown.contains("secreta") && !shown.contains("c2VjcmV0"), "{shown}");
        }
        assert_eq!(secrets.hide("535-clave-muy-\n535 secreta 42".to_owned()), "535 •••");
        assert_eq!(secrets.hide("535 c l a v e m u y s e c".to_owned()), "535 c l a v e m u y s e c");
        assert_eq!(secrets.hide("535 c l a v e - m u y - s e c r e t a 4 2.".to_owned()), "535 •••.");
        assert_eq!(secrets.hide("535 c.l·a*v_e.m.u.y.s.e.c.r.e.t.a.4.2.".to_owned()), "535 •••.");
        let twice = STANDARD.encode(STANDARD.encode(format!("\0cobros@empresa.ec\0{secret}")));
        let shown = secrets.hide(format!("535 {twice} no"));
        assert!(!shown.contains(&twice[twice.len() - 40..twice.len() - 24]), "{shown}");
        assert_eq!(Secrets::of(&["montan\u{303}ero"], "").hide("535 montañero no".to_owned()), "535 ••• no");
        let cut = format!("535 {}{}", "x".repeat(990), &secret[..5]);
        assert!(!secrets.hide(cut).contains("clav"));
        assert_eq!(secrets.hide("535 no".to_owned()), "535 no");
    }

    #[test]
    fn the_answer_to_auth_is_hidden_however_it_was_cut() {
        let secrets = Secrets::of(&["Secreto12345"], "u@x.ec");
        for said in
            ["501 5.5.2 Syntax error in \"AUTH PLAIN AHVA...\"", "501 bad: auth plain  Qx9ZpLm", "501 AUTH XOAUTH2 <dXNlcj"]
        {
            let shown = secrets.hide(said.to_owned());
            assert!(shown.contains(SHOWN_INSTEAD), "{shown}");
            assert!(["AHVA", "Qx9ZpLm", "dXNlcj"].iter().all(|part| !shown.contains(part)), "{shown}");
        }
        for said in [
            "504 AUTH PLAIN not supported",
            "504 5.7.4 AUTH LOGIN DISABLED",
            "250 AUTH PLAIN LOGIN CRAM-MD5",
            "502 AUTH PLAIN: Unrecognized",
        ] {
            assert_eq!(secrets.hide(said.to_owned()), said);
        }
    }

    #[test]
    fn letters_of_any_kind_are_no_trouble() {
        let secrets = Secrets::of(&["contraseña-Ñ-🔑", "ab", ""], "");
        assert_eq!(secrets.hide("535 ñ contraseña-Ñ-🔑 ñ".to_owned()), "535 ñ ••• ñ");
        assert_eq!(secrets.hide("ñ".to_owned()), "ñ");
        let foreign = Secrets::of(&["漢字漢字"], "");
        assert_eq!(foreign.hide("535 漢字漢字 中".to_owned()), "535 ••• 中");
        let short = Secrets::of(&["a<b"], "");
        assert_eq!(short.hide("535 a&lt;b xa<by".to_owned()), "535 ••• xa<by");
    }

    /// A gap in a sentence that everybody knows says what the password is.
    #[test]
    fn a_password_of_ordinary_words_takes_none_from_a_sentence() {
        let said = "535 5.7.8 Username and Password not accepted for cobros@empresa.ec";
        for password in ["password", "Password123", "username", "Empresa2026", "not", "accepted!", "notaccepted"] {
            assert_eq!(Secrets::of(&[password], "cobros@empresa.ec").hide(said.to_owned()), said, "{password}");
        }
        let secrets = Secrets::of(&["password"], "");
        assert_eq!(secrets.hide("535 wrong password \"password\"".to_owned()), "535 wrong password \"•••\"");
        assert_eq!(secrets.hide("535 cGFzc3dvcmQ= no".to_owned()), "535 ••• no");
        assert_eq!(
            Secrets::of(&["Password123"], "").hide("535 bad \"Passwor...\" Password1".to_owned()),
            "535 bad \"•••...\" •••"
        );
        for line in include_str!("../tests/it/replies.tsv").lines().filter(|line| !line.starts_with('#')) {
            let mut parts = line.split('\t');
            let (phase, reply) = (parts.next().unwrap(), parts.next().unwrap_or_default());
            for password in ["password", "Authentication-1", "mailbox2026", "Spam.", "recipient"] {
                let shown = Secrets::of(&[password], "").hide(reply.to_owned());
                assert_eq!(classify_text(phase, &shown).code, classify_text(phase, reply).code, "{password}: {shown}");
            }
        }
    }
}
