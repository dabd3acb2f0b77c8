//! A text as its letters, whatever quoting they went through: two texts that say the same have the same letters.

use std::ops::Range;

use acuse_domain::text::escaped;

/// All that is not ASCII: a server that counts in bytes, or in Latin-1, says it otherwise.
const FOREIGN: u8 = 0xff;

/// A letter, and where in the text it stands with its quoting.
#[derive(Clone, Copy)]
pub(crate) struct Letter {
    /// Lower case; one letter for any row of foreign ones, one blank for any row of blanks, and base64's two alphabets as one.
    pub(crate) folded: u8,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// The letters of a text, with HTML's entities, backslashes and percent signs undone. Controls, and what is
/// not seen, are no letters.
pub(crate) fn letters(text: &str) -> Vec<Letter> {
    within(text, 0..text.len())
}

pub(crate) fn within(text: &str, range: Range<usize>) -> Vec<Letter> {
    let mut read = Vec::with_capacity(range.len());
    let mut at = range.start;
    while let Some(first) = text[at..range.end].chars().next() {
        let rest = &text[at..range.end];
        let (letter, length) = unquoted(rest).unwrap_or((Some(first), first.len_utf8()));
        push(&mut read, letter, at..at + length);
        at += length;
    }
    read
}

/// The letters as they stand, of what nobody has quoted.
pub(crate) fn undecoded(text: &str) -> Vec<u8> {
    let mut read = Vec::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        push(&mut read, Some(letter), at..at + letter.len_utf8());
    }
    read.into_iter().map(|letter| letter.folded).collect()
}

fn push(read: &mut Vec<Letter>, letter: Option<char>, place: Range<usize>) {
    let Some(folded) = letter.and_then(fold) else { return };
    match read.last_mut() {
        Some(last) if last.folded == folded && matches!(folded, FOREIGN | b' ') => last.to = place.end,
        _ => read.push(Letter { folded, from: place.start, to: place.end }),
    }
}

fn fold(letter: char) -> Option<u8> {
    match letter {
        _ if letter.is_whitespace() => Some(b' '),
        // What Unicode's decomposition puts after a letter.
        '\u{300}'..='\u{36f}' => None,
        '+' => Some(b'-'),
        '/' => Some(b'_'),
        _ if letter.is_ascii_control() => None,
        _ if letter.is_ascii() => u8::try_from(letter.to_ascii_lowercase()).ok(),
        _ if escaped(letter.encode_utf8(&mut [0; 4])).len() > letter.len_utf8() => None,
        _ => Some(FOREIGN),
    }
}

/// What stands quoted at the beginning, and the length of its quoting. A letter that is not seen is none.
fn unquoted(text: &str) -> Option<(Option<char>, usize)> {
    match text.as_bytes()[0] {
        b'\\' => after_backslash(text),
        b'&' => entity(text),
        b'%' => byte(text.get(1..3)?, 16).map(|letter| (letter, 3)),
        _ => None,
    }
}

fn after_backslash(text: &str) -> Option<(Option<char>, usize)> {
    let next = text[1..].chars().next()?;
    if let Some(inside) = text.strip_prefix("\\u{") {
        let (digits, _) = inside.split_once('}').filter(|(digits, _)| digits.len() <= 6)?;
        let letter = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
        return Some((Some(letter), digits.len() + 4));
    }
    let number = match next {
        'u' => text.get(2..6).and_then(|digits| u32::from_str_radix(digits, 16).ok()).map(|code| (char::from_u32(code), 6)),
        'x' => text.get(2..4).and_then(|digits| byte(digits, 16)).map(|letter| (letter, 4)),
        '0'..='3' => text.get(1..4).and_then(|digits| byte(digits, 8)).map(|letter| (letter, 4)),
        'n' | 'r' | 't' => Some((None, 2)),
        _ => None,
    };
    Some(number.unwrap_or((Some(next), 1 + next.len_utf8())))
}

/// A byte beyond ASCII is a foreign letter, or a part of one.
fn byte(digits: &str, radix: u32) -> Option<Option<char>> {
    let byte = u8::from_str_radix(digits, radix).ok()?;
    Some(Some(if byte.is_ascii() { char::from(byte) } else { char::REPLACEMENT_CHARACTER }))
}

fn entity(text: &str) -> Option<(Option<char>, usize)> {
    /// `&thetasym;` is the longest that a password could need.
    const LONGEST: usize = 10;
    let end = text.bytes().take(LONGEST).position(|byte| byte == b';')?;
    let name = &text[1..end];
    let letter = match (name.strip_prefix("#x").or(name.strip_prefix("#X")), name.strip_prefix('#')) {
        (Some(digits), _) => char::from_u32(u32::from_str_radix(digits, 16).ok()?)?,
        (None, Some(digits)) => char::from_u32(digits.parse().ok()?)?,
        (None, None) => match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            "nbsp" => ' ',
            _ if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => char::REPLACEMENT_CHARACTER,
            _ => return None,
        },
    };
    Some((Some(letter), end + 1))
}
