//! Text as people typed it, made safe to print: receipt, mail and page show the same.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::message::{Message, messages, said_by_message};

/// Marks on one letter: Vietnamese has two, Greek of before 1982 three; more only cover the lines around them.
const MOST_MARKS: usize = 3;

/// Composed (NFC), without controls and what is not seen or can reorder text on the page (Unicode's categories Cc and
/// Cf: bidi marks and overrides, zero widths, tags), with at most three marks on one letter, and with one space wherever
/// there is room between words. Joiners stay inside a word: emoji and several scripts are written with them. What it gives,
/// it gives again unchanged.
#[must_use]
pub fn one_line(typed: &str) -> String {
    let seen = typed.chars().filter(|c| c.is_whitespace() || is_joiner(*c) || !is_unseen(*c));
    let seen: String = seen.map(|c| if is_blank(c) { ' ' } else { c }).collect();
    let composed: String = few_marks(seen.nfd()).nfc().collect();
    let words = composed.split_whitespace().map(|word| word.trim_start_matches(marks_nothing).trim_end_matches(is_joiner));
    let words = words.filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// As [`one_line`], but keeps the line breaks a person made.
#[must_use]
pub fn lines(typed: &str) -> String {
    let text = typed.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    text.split('\n').map(one_line).collect::<Vec<_>>().join("\n").trim().to_string()
}

/// One line for a machine to read (a host, a user, a number): as [`one_line`], and without joiners, which stand in no such
/// name.
#[must_use]
pub fn token(typed: &str) -> String {
    one_line(&without_unseen(typed))
}

/// Without what is not seen, what only changes the letter before it and fillers too; blanks and line breaks stay as they are.
#[must_use]
pub fn without_unseen(typed: &str) -> String {
    typed.chars().filter(|c| c.is_whitespace() || !(is_unseen(*c) || is_selector(*c) || is_blank(*c))).collect()
}

/// `None` where nothing is left to see.
#[must_use]
pub fn optional(typed: Option<&str>) -> Option<String> {
    typed.map(one_line).filter(|text| !text.is_empty())
}

/// Why a text is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextError {
    Missing,
    TooLong {
        most: usize,
    },
    /// One word of it is written in several alphabets.
    MixedAlphabets,
}

impl TextError {
    #[must_use]
    pub fn message(self) -> Message {
        match self {
            Self::Missing => messages::field_missing(),
            Self::TooLong { most } => messages::field_too_long(most),
            Self::MixedAlphabets => messages::field_mixes_alphabets(),
        }
    }

    /// The same, said of a field with a name.
    #[must_use]
    pub fn of(self, field: Message) -> Message {
        match self {
            Self::Missing => messages::named_field_missing(field),
            Self::TooLong { most } => messages::named_field_too_long(field, most),
            Self::MixedAlphabets => messages::named_field_mixes_alphabets(field),
        }
    }
}

said_by_message!(TextError);

/// [One line](one_line) with something in it, of at most `most` letters.
pub fn required(typed: &str, most: usize) -> Result<String, TextError> {
    at_most(Some(typed), most)?.ok_or(TextError::Missing)
}

/// As [`required`], for what people and companies are called: nobody takes «Аna» with the А of Cyrillic for Ana
/// (Unicode TR39, 5.1).
pub fn name(typed: &str, most: usize) -> Result<String, TextError> {
    let name = required(typed, most)?;
    if mixes_alphabets(&name) { Err(TextError::MixedAlphabets) } else { Ok(name) }
}

/// Whether one word has letters of several of those alphabets whose letters are taken for each other.
#[must_use]
pub fn mixes_alphabets(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c)).any(|word| {
        let mut own = word.chars().filter_map(alphabet);
        let first = own.next();
        own.any(|other| Some(other) != first)
    })
}

/// The Unicode blocks of alphabets that share shapes with Latin's.
const ALPHABETS: [(&str, &[(char, char)]); 7] = [
    (
        "Latin",
        &[
            ('A', 'Z'),
            ('a', 'z'),
            ('\u{c0}', '\u{d6}'),
            ('\u{d8}', '\u{f6}'),
            ('\u{f8}', '\u{2af}'),
            ('\u{1e00}', '\u{1eff}'),
            ('\u{2c60}', '\u{2c7f}'),
            ('\u{a722}', '\u{a7ff}'),
            ('\u{ff21}', '\u{ff5a}'),
        ],
    ),
    ("Greek", &[('\u{370}', '\u{3ff}'), ('\u{1f00}', '\u{1fff}')]),
    ("Cyrillic", &[('\u{400}', '\u{52f}'), ('\u{1c80}', '\u{1c8f}'), ('\u{a640}', '\u{a69f}')]),
    ("Armenian", &[('\u{530}', '\u{58f}')]),
    ("Georgian", &[('\u{10a0}', '\u{10ff}'), ('\u{1c90}', '\u{1cbf}'), ('\u{2d00}', '\u{2d2f}')]),
    ("Cherokee", &[('\u{13a0}', '\u{13ff}'), ('\u{ab70}', '\u{abbf}')]),
    ("Coptic", &[('\u{2c80}', '\u{2cff}')]),
];

fn alphabet(letter: char) -> Option<&'static str> {
    let is_in = |ranges: &[(char, char)]| ranges.iter().any(|(from, to)| (*from..=*to).contains(&letter));
    ALPHABETS.iter().find(|(_, ranges)| letter.is_alphabetic() && is_in(ranges)).map(|(name, _)| *name)
}

/// [One line](one_line) of at most `most` letters; `None` where nothing is left to see.
pub fn at_most(typed: Option<&str>, most: usize) -> Result<Option<String>, TextError> {
    match optional(typed) {
        Some(text) if text.chars().count() > most => Err(TextError::TooLong { most }),
        text => Ok(text),
    }
}

/// The last four of an account number, as receipts and mails may show it: `••3421`. Short numbers are hidden whole.
#[must_use]
pub fn masked_account(account: &str) -> String {
    let letters: Vec<char> = account.chars().filter(|c| c.is_alphanumeric()).collect();
    if letters.len() < 6 {
        return "••••".to_string();
    }
    format!("••{}", letters[letters.len() - 4..].iter().collect::<String>())
}

/// Lower case without accents, for searching: «Ñacato Cía.» → `nacato cia.`. Letters of another width, ligatures and the
/// final sigma are taken for the plain ones, and joiners for nothing.
#[must_use]
pub fn folded(text: &str) -> String {
    let plain: String = token(text).nfkd().collect();
    let lower = plain.to_lowercase();
    let letters = lower.nfkd().filter(|c| !is_combining_mark(*c)).map(|c| if c == 'ς' { 'σ' } else { c });
    token(&letters.collect::<String>())
}

/// The text whatever case, room and composition it was written in; accents count: «JOSÉ  Pérez» → `josé pérez`.
#[must_use]
pub fn case_folded(text: &str) -> String {
    let lower = token(text).to_lowercase();
    let letters = lower.nfc().map(|c| if c == 'ς' { 'σ' } else { c });
    letters.collect()
}

/// The last words of a sentence: «Cía. Ltda.» brings its point along.
#[must_use]
pub fn ended(words: &str) -> String {
    if words.ends_with('.') { words.to_owned() } else { format!("{words}.") }
}

/// A sentence's words as they go on inside another one: «La dirección no existe» → `la dirección no existe`.
#[must_use]
pub fn lower_first(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// Whether people mean the same by both.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    one == other || case_folded(one) == case_folded(other)
}

/// Words of others as they may be shown anywhere: what is not seen or reorders text stands as `\u{202e}`. Line breaks and
/// tabs stay.
#[must_use]
pub fn escaped(words: &str) -> String {
    let mut shown = String::with_capacity(words.len());
    for c in words.chars() {
        if is_unseen(c) && !matches!(c, '\n' | '\t') {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The hyphen for every dash that a text program puts in its place.
#[must_use]
pub const fn plain_dash(c: char) -> char {
    if matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}') { '-' } else { c }
}

/// At most `longest` letters of a text that is shown and no more than that.
#[must_use]
pub fn cut(text: &str, longest: usize) -> &str {
    text.char_indices().nth(longest).map_or(text, |(end, _)| &text[..end])
}

/// Leaves out a mark after as many on the same letter, and a joiner after another.
fn few_marks(text: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    let (mut marks_in_a_row, mut joins) = (0, false);
    text.filter(move |c| {
        if is_joiner(*c) {
            return !std::mem::replace(&mut joins, true);
        }
        joins = false;
        marks_in_a_row = if piles_up(*c) { marks_in_a_row + 1 } else { 0 };
        marks_in_a_row <= MOST_MARKS
    })
}

/// U+200C and U+200D.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// What chooses how the letter before it is drawn, and is not seen itself: variation selectors, Khmer's inherent vowels.
const fn is_selector(c: char) -> bool {
    matches!(c, '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// At the beginning of a word there is nothing that it could join or change.
const fn marks_nothing(c: char) -> bool {
    is_joiner(c) || is_selector(c)
}

/// The blocks of combining diacritical marks. Marks of scripts that need several on one letter are none of them.
fn piles_up(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Blanks for the eye that Unicode counts among letters and marks: Hangul's fillers and the empty Braille cell.
const fn is_blank(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}')
}

/// Controls, format characters, the joiner of graphemes, which is a mark that marks nothing, and the two separators that end a line for some readers only.
fn is_unseen(c: char) -> bool {
    use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator};
    let is_unseen = |c: char| matches!(c.general_category(), Control | Format | LineSeparator | ParagraphSeparator);
    c.is_ascii_control() || c == '\u{34f}' || !c.is_ascii() && is_unseen(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_reorder_or_pile_up_is_dropped() {
        assert_eq!(one_line("  Comercial\tAndina\n S.A.\u{202e} "), "Comercial Andina S.A.");
        assert_eq!(one_line("a\u{301}\u{301}\u{301}\u{301}b"), "á\u{301}\u{301}b");
        assert_eq!(lines("uno\r\ndos\u{7}\n\ntres"), "uno\ndos\n\ntres");
        for nothing in [" \u{feff} ", "\u{3164}", "\u{2800}\u{a0}\u{34f}\t", "\u{fe0f}", "\u{fe0f} \u{200d}\u{fe0f}", "\u{e0100}"]
        {
            assert_eq!(optional(Some(nothing)), None, "{nothing:?}");
        }
        assert_eq!(one_line("Amor \u{2764}\u{fe0f}"), "Amor \u{2764}\u{fe0f}");
        assert_eq!(token("\u{3164}a\u{fe0f}b\u{115f}"), "ab");
    }

    #[test]
    fn what_people_mean_by_the_same_is_the_same() {
        for (one, other) in [
            ("JOSÉ  Pérez", "jose\u{301}\u{a0}pe\u{301}rez"),
            ("Comercial\u{ad} Andina\u{200b}", "COMERCIAL ANDINA"),
            ("a\u{200d}b", "AB"),
            ("ΟΔΟΣ", "οδος"),
        ] {
            assert!(is_same(one, other), "{one:?} {other:?}");
        }
        assert!(!is_same("José", "Jose"), "another name");
        assert_eq!(folded("COMPAN\u{303}I\u{301}A\u{200d}"), "compania");
    }

    #[test]
    fn an_account_number_shows_its_last_four() {
        assert_eq!(masked_account("2100 44 3421"), "••3421");
        assert_eq!(masked_account("12345"), "••••");
    }
}
