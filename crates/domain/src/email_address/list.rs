//! What mail programs, browsers and spreadsheets put on the clipboard where addresses were copied.
//!
//! Outlook: `Smith, Alice <alice@a.com>; 'Juan' <j@x.ec>` and `Alice [mailto:alice@a.com]`. Gmail, Apple Mail:
//! `"Smith, Alice" <alice@a.com>, Juan <j@x.ec>`. Excel: cells apart by tabs, rows by line breaks, names in cells of their
//! own. A link: `mailto:a@b.ec?subject=x`. RFC 5322 3.4 adds comments: `alice@a.com (Alice)`.
//!
//! Nothing that could have been meant as an address is left out: it is handed on, and refused by whoever reads it.

use std::iter::Peekable;
use std::str::Chars;

use super::normal;
use crate::text;

/// Ends of domains that stand after a comma only by a slip.
const ENDS: [&str; 10] = ["com", "net", "org", "ec", "es", "edu", "gob", "fin", "info", "co"];

/// Each text that stands where an address should; whether it is one is for others to say.
pub(super) fn addresses_in(typed: &str) -> Vec<String> {
    let tokens = tokens(&cleaned(typed));
    let mut found = Vec::new();
    for entry in tokens.split(|token| *token == Token::End).map(after_label) {
        let is_link = entry.iter().any(|token| matches!(token, Token::Word(text) | Token::Angle(text) if is_link(text)));
        let begun = found.len();
        read_entry(entry, &mut found);
        if is_link {
            found[begun..].iter_mut().for_each(|address| *address = without_query(address));
        }
    }
    found
}

/// Without the «Para:» of a header's line, or the name of a group (RFC 5322 3.4). Who had a blind copy is not told apart from
/// others here, and stays refused.
fn after_label(entry: &[Token]) -> &[Token] {
    let is_name = |token: &Token| match token {
        Token::Word(text) | Token::Quoted(text) => !text.contains(['@', '.']),
        _ => false,
    };
    let name = entry.iter().take_while(|token| is_name(token));
    let end = name.enumerate().find_map(|(at, token)| match token {
        Token::Word(text) if text.ends_with(':') => Some((at, text)),
        _ => None,
    });
    match end {
        Some((at, label)) if !["bcc:", "cco:"].contains(&label.to_lowercase().as_str()) => {
            let after = &entry[at + 1..];
            let has_address = after.iter().any(|token| match token {
                Token::Word(text) | Token::Quoted(text) => is_meant(text),
                token => matches!(token, Token::Angle(_)),
            });
            if has_address { after } else { entry }
        }
        _ => entry,
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    /// `<…>`, or Outlook's `[mailto:…]`.
    Angle(String),
    Comma,
    Tab,
    /// `;` or the end of a line.
    End,
}

/// One kind of break, blank and quote, and nothing that is not seen.
fn cleaned(typed: &str) -> String {
    let seen = text::without_unseen(typed);
    let plain = |c: char| match c {
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
        '\t' => '\t',
        c if c.is_whitespace() => ' ',
        '“' | '”' | '„' | '«' | '»' => '"',
        '、' => ',',
        // Unicode's full-width forms of ASCII.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    };
    seen.chars().map(plain).collect()
}

fn tokens(typed: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    let mut rest = typed.chars().peekable();
    while let Some(c) = rest.next() {
        let token = match c {
            ';' | '\n' => Some(Token::End),
            ',' => Some(Token::Comma),
            '\t' => Some(Token::Tab),
            ' ' => None,
            '"' if word.is_empty() => Some(quoted(&mut rest)),
            '(' => comment(&mut rest),
            '<' => Some(enclosed('<', '>', &mut rest)),
            '[' if !word.ends_with('@') => Some(enclosed('[', ']', &mut rest)),
            c => {
                word.push(c);
                // The end of a label; `mailto:` begins an address, and no address holds a colon.
                if c != ':' || word.contains('@') || is_link(&word) {
                    continue;
                }
                None
            }
        };
        if !word.is_empty() {
            tokens.push(Token::Word(std::mem::take(&mut word)));
        }
        tokens.extend(token);
    }
    if !word.is_empty() {
        tokens.push(Token::Word(word));
    }
    tokens
}

/// Up to the closing quote; `\"` and a spreadsheet's `""` stand for one. Without it, a word that no address is.
fn quoted(rest: &mut Peekable<Chars<'_>>) -> Token {
    let mut inside = String::new();
    while let Some(c) = rest.next() {
        match c {
            '\\' => inside.extend(rest.next()),
            '"' if rest.peek() == Some(&'"') && !inside.is_empty() => inside.extend(rest.next()),
            '"' => return Token::Quoted(inside),
            c => inside.push(c),
        }
    }
    Token::Word(format!("\"{inside}"))
}

/// A comment says nothing, and may hold others. One that does not end hides no address.
fn comment(rest: &mut Peekable<Chars<'_>>) -> Option<Token> {
    let (mut depth, mut inside) = (1, String::from("("));
    while let Some(c) = rest.next() {
        inside.push(c);
        match c {
            '\\' => inside.extend(rest.next()),
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return None;
        }
    }
    Some(Token::Word(inside))
}

fn enclosed(open: char, close: char, rest: &mut Peekable<Chars<'_>>) -> Token {
    let mut inside = String::new();
    for c in rest.by_ref() {
        if c == close {
            let inside = inside.trim().to_owned();
            // «Juan [ventas] <j@x.ec>»
            return if open == '[' && !inside.contains('@') { Token::Word(format!("[{inside}]")) } else { Token::Angle(inside) };
        }
        inside.push(c);
    }
    Token::Word(format!("{open}{inside}"))
}

/// What stands between two commas or tabs.
struct Cell {
    addresses: Vec<String>,
    /// It ends with an address in angle brackets after a name that could have begun before the comma.
    goes_on_with_a_name: bool,
    /// Its text, where nothing in it looks like an address.
    name: String,
    ends_with: Option<Token>,
}

fn read_entry(entry: &[Token], found: &mut Vec<String>) {
    let mut cells: Vec<Cell> = Vec::new();
    for cell in entry.split_inclusive(|token| matches!(token, Token::Comma | Token::Tab)) {
        let ends_with = cell.last().filter(|token| matches!(token, Token::Comma | Token::Tab)).cloned();
        let inside = if ends_with.is_some() { &cell[..cell.len() - 1] } else { cell };
        cells.push(read_cell(inside, ends_with));
    }
    let has_address = cells.iter().any(|cell| !cell.addresses.is_empty());
    let is_row = cells.iter().any(|cell| cell.ends_with == Some(Token::Tab)) && has_address;
    join_slipped_commas(&mut cells);
    for (cell, is_half_a_name) in cells.iter().zip(halves_of_names(&cells)) {
        let (name, is_mark) = (&cell.name, has_address && !cell.name.contains(char::is_alphanumeric));
        if !name.is_empty() && !is_mark && !is_row && !is_half_a_name {
            found.push(name.clone());
        }
        found.extend(cell.addresses.iter().cloned());
    }
}

/// `d@gmail,com`: handed on as one, to be asked about.
fn join_slipped_commas(cells: &mut [Cell]) {
    let is_end = |name: &str| !name.is_empty() && name.split('.').all(|label| ENDS.contains(&label));
    for at in 1..cells.len() {
        let (before, after) = cells.split_at_mut(at);
        let (cell, next) = (&mut before[at - 1], &mut after[0]);
        if let Some(address) = cell.addresses.last_mut()
            && cell.ends_with == Some(Token::Comma)
            && next.addresses.is_empty()
            && is_end(&next.name)
        {
            *address = format!("{address},{}", std::mem::take(&mut next.name));
        }
    }
}

/// Which cells are «Smith», before «, Alice <alice@a.com>». A dot inside a word is rather an address that lost its @.
fn halves_of_names(cells: &[Cell]) -> Vec<bool> {
    let is_word = |word: &str| !word.trim_end_matches('.').contains('.');
    let is_name = |cell: &Cell| cell.ends_with == Some(Token::Comma) && cell.name.split(' ').all(is_word);
    // From the end, since what comes after says what a cell is, and reading it for each cell would take for ever.
    let mut goes_on = false;
    let from_the_end = cells.iter().rev().map(|cell| {
        goes_on = if cell.addresses.is_empty() { goes_on && is_name(cell) } else { cell.goes_on_with_a_name };
        goes_on
    });
    let mut halves: Vec<bool> = from_the_end.collect();
    halves.reverse();
    halves
}

fn read_cell(tokens: &[Token], ends_with: Option<Token>) -> Cell {
    let mut cell = Cell { addresses: Vec::new(), goes_on_with_a_name: false, name: String::new(), ends_with };
    // What stands before the next address: its name, or addresses of their own.
    let mut before: Vec<&Token> = Vec::new();
    for token in tokens {
        let Token::Angle(address) = token else {
            before.push(token);
            continue;
        };
        cell.goes_on_with_a_name |= cell.addresses.is_empty() && !before.is_empty();
        // A name may have a dot in it («Booking.com <…>»), and no @.
        let own = before.drain(..).filter_map(|token| match token {
            Token::Word(word) if is_meant(word) && word != "@" => Some(bare(word)),
            _ => None,
        });
        cell.addresses.extend(own);
        cell.addresses.push(bare(address));
    }
    read_unbracketed(&before, &mut cell);
    cell
}

/// Words after which no `<…>` came.
fn read_unbracketed(tokens: &[&Token], cell: &mut Cell) {
    let words: Vec<(&str, bool)> = tokens
        .iter()
        .filter_map(|token| match token {
            Token::Word(text) => Some((text.as_str(), false)),
            Token::Quoted(text) => Some((text.as_str(), true)),
            Token::Angle(_) | Token::Comma | Token::Tab | Token::End => None,
        })
        .filter(|(text, _)| !text.trim().is_empty())
        .collect();
    let joined = |words: &[(&str, bool)]| words.iter().map(|(text, _)| *text).collect::<Vec<_>>().join(" ");
    if !words.iter().any(|(text, _)| is_meant(text)) {
        let name = joined(&words);
        // `<a@x.ec> Ana`: nobody writes a name there.
        if cell.addresses.is_empty() {
            cell.name = name;
        } else if name.contains(char::is_alphanumeric) {
            cell.addresses.push(name);
        }
        return;
    }
    let is_mark = |text: &str| text == "y" || text == "e" || !text.contains(|c: char| c.is_alphanumeric() || c == '@');
    let own: Vec<(&str, bool)> = words.iter().copied().filter(|(text, _)| !is_mark(text)).collect();
    let (before, last) = own.split_at(own.len().saturating_sub(1));
    if let ([before @ .., (local, false)], [(domain, false)]) = (before, last)
        && domain.starts_with('@')
        && !is_meant(local)
        && before.iter().all(|(text, _)| is_name(text))
    {
        return cell.addresses.push(bare(&format!("{local}{domain}")));
    }
    let is_named = before.iter().all(|(text, _)| is_name(text)) && last.iter().all(|(text, _)| normal(&bare(text)).is_some());
    let own = if is_named { last } else { &own[..] };
    if !own.iter().all(|(text, _)| is_meant(text)) {
        return cell.addresses.push(joined(own));
    }
    for (text, is_quoted) in own.iter().copied() {
        // A spreadsheet quotes a cell that has a comma or a break in it.
        if is_quoted { cell.addresses.extend(addresses_in(text)) } else { cell.addresses.push(bare(text)) }
    }
}

/// «Ana», before an address without brackets. What begins in small letters is rather an address that lost its @.
fn is_name(text: &str) -> bool {
    text.starts_with(char::is_uppercase) && text.chars().all(char::is_alphabetic)
}

/// Whether somebody meant an address by it.
fn is_meant(text: &str) -> bool {
    text.contains('@') || is_link(text)
}

fn is_link(text: &str) -> bool {
    linked(text).is_some()
}

/// What a link's `mailto:` names. Outlook and text files put it in marks.
fn linked(text: &str) -> Option<&str> {
    let (head, named) = text.trim_start_matches(['\'', '<']).split_at_checked("mailto:".len())?;
    head.eq_ignore_ascii_case("mailto:").then(|| named.trim_end_matches(['\'', '>']).trim())
}

/// Without Outlook's apostrophes, a link's `mailto:` and the full stop of a sentence that it ended.
fn bare(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_suffix('.').filter(|text| !text.ends_with('.')).unwrap_or(text);
    let unquoted = || text.strip_suffix('\'').map_or(text, |inner| inner.strip_prefix('\'').unwrap_or(inner));
    linked(text).unwrap_or_else(unquoted).to_owned()
}

/// A link's address ends at `?`, and may have its letters as `%40` (RFC 6068 2).
fn without_query(address: &str) -> String {
    let at = address.find(['@', '%']).unwrap_or_default();
    let end = address[at..].find('?').map_or(address.len(), |question| at + question);
    let address = &address[..end];
    let mut bytes = Vec::with_capacity(address.len());
    let mut rest = address.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_put_on_the_clipboard_is_read() {
        for (pasted, addresses) in [
            ("\"Smith, Alice\" <alice@a.com>; Juan <j@x.ec>", "alice@a.com j@x.ec"),
            ("Smith, Alice <alice@a.com>; Pérez, Juan, Dr. <j@x.ec>;", "alice@a.com j@x.ec"),
            ("Alice Smith<alice@a.com>,\r\n 'Juan' <'j@x.ec'>,", "alice@a.com j@x.ec"),
            ("'alice@a.com' <alice@a.com>", "alice@a.com alice@a.com"),
            ("alice@a.com<mailto:alice@a.com>", "alice@a.com alice@a.com"),
            ("Alice Smith [mailto:alice@a.com]", "alice@a.com"),
            ("Juan [ventas] <j@x.ec>", "j@x.ec"),
            ("[j@x.ec](mailto:j@x.ec)", "j@x.ec"),
            ("mailto:a@b.ec?subject=x&cc=c@d.ec", "a@b.ec"),
            ("MAILTO:a%40b.ec,c@d.ec?subject=x", "a@b.ec c@d.ec"),
            ("'mailto:ana@x.ec'", "ana@x.ec"),
            ("'mailto:ana@x.ec, <mailto:b@y.ec>", "ana@x.ec b@y.ec"),
            ("Booking.com <a@b.ec>; Ventas @ Andina <c@d.ec>", "a@b.ec c@d.ec"),
            ("<a@b.ec>", "a@b.ec"),
            ("<a@b.ec> <c@d.ec>", "a@b.ec c@d.ec"),
            ("a@b.ec c@d.ec\te@f.ec\u{a0}g@h.ec\u{2028}i@j.ec", "a@b.ec c@d.ec e@f.ec g@h.ec i@j.ec"),
            ("Nombre\tjuan@x.ec\t0991234567\nAna María\tana@x.ec\t", "juan@x.ec ana@x.ec"),
            ("\"a@x.ec, b@y.ec\"", "a@x.ec b@y.ec"),
            ("\"a@x.ec\n\"\"b@y.ec\"\"\"", "a@x.ec b@y.ec"),
            ("a@x.ec (Ana (ventas), \\) Quito), (Juan) j@x.ec", "a@x.ec j@x.ec"),
            ("\"Ana \\\"la jefa\\\" Páez; ventas\" <a@x.ec>", "a@x.ec"),
            ("“Smith, Alice” <alice@a.com>", "alice@a.com"),
            ("a@x.ec / b@y.ec - c@z.ec", "a@x.ec b@y.ec c@z.ec"),
            ("a@x.ec, b@y.ec y c@z.ec.", "a@x.ec b@y.ec c@z.ec"),
            ("b@y.ec Ana <a@x.ec>", "b@y.ec a@x.ec"),
            ("；a＠x.ec，b@y.ec；", "a@x.ec b@y.ec"),
            ("ａｎａ＠ｘ．ｅｃ", "ana@x.ec"),
            ("Para: ana@x.ec; CC: luis@y.ec", "ana@x.ec luis@y.ec"),
            ("To:ana@x.ec\nCc: Luis <luis@y.ec>, b@z.ec", "ana@x.ec luis@y.ec b@z.ec"),
            ("Contabilidad: ana@x.ec, luis@y.ec;", "ana@x.ec luis@y.ec"),
            ("\"Los de Quito\" norte: ana@x.ec;", "ana@x.ec"),
            ("ana @x.ec", "ana@x.ec"),
            ("Ana ana@a.ec", "ana@a.ec"),
            ("Ana María ana @a.ec; b@y.ec", "ana@a.ec b@y.ec"),
            (" ;, \t\n ", ""),
        ] {
            assert_eq!(addresses_in(pasted).join(" "), addresses, "{pasted:?}");
        }
    }

    #[test]
    fn what_may_have_been_meant_as_an_address_is_not_passed_over() {
        for (typed, handed_on) in [
            ("a@x.ec; pagos", "a@x.ec|pagos"),
            ("pagos, a@x.ec", "pagos|a@x.ec"),
            ("pagos.andina.ec, Ana <a@x.ec>", "pagos.andina.ec|a@x.ec"),
            ("pagos a@x.ec", "pagos a@x.ec"),
            ("a@x.ec\r\nBcc: b@y.ec", "a@x.ec|Bcc: b@y.ec"),
            ("CCO: b@y.ec", "CCO: b@y.ec"),
            ("Para: pagos", "Para: pagos"),
            ("d@gmail,com", "d@gmail,com"),
            ("d@gmail,com, e@andina.com,ec", "d@gmail,com|e@andina.com,ec"),
            ("pagos@ Ana <a@x.ec>", "pagos@|a@x.ec"),
            ("@andina Ana <a@x.ec>", "@andina|a@x.ec"),
            ("pagos@andina Ana <a@x.ec>", "pagos@andina|a@x.ec"),
            ("Ana <a@x.ec> Juan", "a@x.ec|Juan"),
            ("Ana <pagos>", "pagos"),
            ("\"Ana <a@x.ec>; b@y.ec", "\"Ana <a@x.ec>; b@y.ec"),
            ("Ana (a@x.ec; b@y.ec", "Ana (a@x.ec; b@y.ec"),
            ("Ana <a@x.ec; b@y.ec", "Ana <a@x.ec; b@y.ec"),
            ("Nombre\tJuan", "Nombre|Juan"),
            ("-", "-"),
        ] {
            assert_eq!(addresses_in(typed).join("|"), handed_on, "{typed:?}");
        }
    }

    /// A form's field is a few kilobytes; several of them, and several people at once, share one core.
    #[test]
    fn reading_takes_as_long_as_the_text_is_long() {
        for unit in [
            "a,",
            "a\t",
            "a;",
            "a ",
            "<a>",
            "<",
            "\"",
            "\"\"",
            "\\\"",
            "(",
            "()",
            "[",
            "[@",
            "'",
            "@",
            "a@x.ec,",
            "a:",
            "a: ",
            "A ",
            "a@x,com,",
            "a <b@y.ec> ",
            "%40",
        ] {
            let typed = unit.repeat(60_000 / unit.len());
            for typed in [typed.clone(), format!("\"{typed}"), format!("mailto:{typed}"), format!("{typed}<z@x.ec>")] {
                let begun = std::time::Instant::now();
                let _ = addresses_in(&typed);
                assert!(begun.elapsed().as_secs() < 5, "60 kB of {unit:?}: {:?}", begun.elapsed());
            }
        }
    }
}
