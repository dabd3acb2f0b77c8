//! How an amount may be spelled.

use super::{Money, MoneyError};

/// Digits between two separators of thousands.
const GROUP: usize = 3;
/// What may stand between thousands and is never a decimal point.
const ROOM: [char; 3] = [' ', '\'', '’'];

/// Without its sign, its currency, the room around it and what is not seen; and whether it is negative.
pub fn bare(typed: &str) -> (bool, String) {
    let seen: String = typed.chars().filter(|c| !is_unseen(*c)).map(|c| if is_room(c) { ' ' } else { c }).collect();
    let mut rest = seen.as_str();
    let (mut negative, mut currency) = (false, false);
    loop {
        rest = rest.trim_matches(' ');
        if let Some(after) = rest.strip_prefix(['-', '−']).filter(|_| !negative) {
            (negative, rest) = (true, after);
        } else if let Some(without) = without_currency(rest).filter(|_| !currency) {
            (currency, rest) = (true, without);
        } else {
            return (negative, rest.to_owned());
        }
    }
}

fn without_currency(text: &str) -> Option<&str> {
    ["US$", "USD", "$"].into_iter().find_map(|sign| {
        let (length, whole) = (sign.len(), text.len());
        if text.get(..length).is_some_and(|head| head.eq_ignore_ascii_case(sign)) {
            return text.get(length..);
        }
        let before = whole.checked_sub(length)?;
        text.get(before..).filter(|end| end.eq_ignore_ascii_case(sign)).and_then(|_| text.get(..before))
    })
}

/// `1.234,56`, `1,234.56`, `1 234`, `1234.5`, …
pub fn read(number: &str) -> Result<Money, MoneyError> {
    if number.contains('-') {
        return Err(MoneyError::NotANumber);
    }
    // The full stop of a sentence.
    let number = number.strip_suffix('.').filter(|number| !number.is_empty()).unwrap_or(number);
    let Some(last) = number.rfind(['.', ',']) else { return Money::from_parts(&ungroup(number, &ROOM)?, "") };
    let separator = if number[last..].starts_with('.') { '.' } else { ',' };
    let other = if separator == '.' { ',' } else { '.' };
    let (whole, decimals) = (&number[..last], &number[last + 1..]);
    if whole.contains(separator) {
        // Twice the same: thousands, and no decimals.
        return Money::from_parts(&ungroup(number, &[separator])?, "");
    }
    if decimals.len() == GROUP && is_first_group(whole) {
        let thousands = Money::from_parts(&format!("{whole}{decimals}"), "")?;
        if separator == '.' {
            return Ok(thousands);
        }
        // No third decimal is ever left out of a reading, unless it is nothing.
        let two = decimals.strip_suffix('0').map(|two| Money::from_parts(whole, two)).transpose()?;
        return Err(MoneyError::Ambiguous { thousands, decimals: two });
    }
    let separators = [ROOM[0], ROOM[1], ROOM[2], other];
    Money::from_parts(&ungroup(whole, &separators)?, decimals)
}

/// No thousands are grouped after a lone zero, or four digits.
fn is_first_group(digits: &str) -> bool {
    (1..=GROUP).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Takes the one kind of separator out of `1.234.567`; errs if a group has not three digits.
fn ungroup(whole: &str, separators: &[char]) -> Result<String, MoneyError> {
    let Some(separator) = whole.chars().find(|c| separators.contains(c)) else { return Ok(whole.to_owned()) };
    let mut groups = whole.split(separator);
    let first = groups.next().unwrap_or_default();
    if !is_first_group(first) || groups.any(|group| group.len() != GROUP) {
        return Err(MoneyError::NotANumber);
    }
    Ok(whole.replace(separator, ""))
}

/// Room of any width: a blank, a tab, U+00A0, U+202F, U+2009.
fn is_room(c: char) -> bool {
    c.is_whitespace()
}

/// What comes along with a copied amount and nobody sees.
const fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
