//! What a server answered: its own words, cut to what is worth keeping.

use std::fmt;

use acuse_domain::text::escaped;

/// RFC 5321 4.5.3.1.5 allows 512 octets; real servers go over it. What is longer is cut, not refused.
pub const LONGEST_LINE: usize = 1_000;
/// Nobody reads more; what follows is skipped.
pub const MOST_LINES: usize = 100;
/// A reply that has not ended by then is no reply (100 lines of 1,000 bytes are kept of it at most).
pub const MOST_BYTES: usize = 128 * 1_024;

/// One complete reply: a code and one or more lines, as they were sent. Controls, and what is not seen or reorders text,
/// stand escaped: whatever shows these words later needs to know nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    pub(crate) text: String,
}

impl Reply {
    /// Reads a whole reply from text, for example from a delivery report or a record: lines separated by `\n`.
    /// The code is 0 where the text begins with none.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let mut lines = Lines::default();
        for line in text.lines().take(MOST_LINES) {
            lines.keep(line.as_bytes());
        }
        let code = code_of(trimmed(text.as_bytes())).unwrap_or(0);
        Self { code, text: lines.text }
    }

    /// The first whole reply in what a server sent. Nothing where none has ended yet, or it is no reply.
    #[must_use]
    pub fn first_in(sent: &[u8]) -> Option<Self> {
        let mut lines = Lines::default();
        for line in sent.split_inclusive(|byte| *byte == b'\n') {
            match lines.take(line.strip_suffix(b"\n")?) {
                Taken::More => {}
                Taken::Last => return Some(lines.finish()),
                Taken::NotAReply => return None,
            }
        }
        None
    }

    /// RFC 5321 4.2.1: a client that does not know a code goes by its first digit.
    #[must_use]
    pub const fn code(&self) -> u16 {
        self.code
    }

    /// All lines, joined by `\n`, each with its code: what is shown as the server's own words.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub const fn is_positive(&self) -> bool {
        matches!(self.code, 200..=299)
    }

    /// The server waits for the rest: of a login, or of a message.
    #[must_use]
    pub const fn is_intermediate(&self) -> bool {
        matches!(self.code, 300..=399)
    }

    /// The answer itself is still to come. RFC 5321 4.2.1 has no such reply any more; RFC 821 had, and some servers still do.
    pub(crate) const fn is_preliminary(&self) -> bool {
        matches!(self.code, 100..=199)
    }

    /// It says no, for now or for good.
    pub(crate) const fn is_refusal(&self) -> bool {
        matches!(self.code, 400..=599)
    }

    /// It says yes or no.
    pub(crate) const fn is_final(&self) -> bool {
        self.is_positive() || self.is_refusal()
    }

    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(self.code, 400..=499)
    }

    /// The server is about to close the connection (RFC 5321 3.8).
    #[must_use]
    pub const fn closes(&self) -> bool {
        self.code == 421
    }

    /// The same reply, with what a challenge had told before it. The code stays this reply's own.
    #[must_use]
    pub(crate) fn after(self, told: &str) -> Self {
        let mut lines = Lines::default();
        lines.keep(format!("334 {told}").as_bytes());
        Self { code: self.code, text: format!("{}\n{}", lines.text, self.text) }
    }

    /// The text of each line without its code.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &str> {
        self.text.lines().map(without_code)
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({:?})", self.text)
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Collects the lines of a reply as they arrive.
#[derive(Default)]
pub(crate) struct Lines {
    text: String,
    count: usize,
    code: u16,
}

/// What a further line meant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    More,
    Last,
    NotAReply,
}

impl Lines {
    /// Takes one line, without its line feed. Wider than RFC 5321 4.2, which has a code, then nothing, or a blank or hyphen
    /// and a text: blanks and NUL around a line do not count, nor does an empty line before a reply, a tab is a blank, and
    /// a line without a code inside of a reply belongs to it.
    pub(crate) fn take(&mut self, line: &[u8]) -> Taken {
        self.take_if(line, |after_code| matches!(after_code, b' ' | b'\t'))
    }

    /// The same, with anything but a further digit after the code.
    pub(crate) fn take_generously(&mut self, line: &[u8]) -> Taken {
        self.take_if(line, |after_code| !after_code.is_ascii_digit())
    }

    fn take_if(&mut self, line: &[u8], ends: impl Fn(u8) -> bool) -> Taken {
        let line = trimmed(line);
        let read = code_of(line).and_then(|code| match line.get(3) {
            None => Some((code, Taken::Last)),
            Some(b'-') => Some((code, Taken::More)),
            Some(after) => ends(*after).then_some((code, Taken::Last)),
        });
        match read {
            Some((code, taken)) => {
                // RFC 5321 4.2.1: the code is the same on every line; where a server disagrees with itself, the last counts.
                self.code = code;
                self.keep(line);
                taken
            }
            None if line.is_empty() => Taken::More,
            None if self.code > 0 => {
                self.keep(line);
                Taken::More
            }
            None => Taken::NotAReply,
        }
    }

    /// No line of a reply has come.
    pub(crate) const fn are_none(&self) -> bool {
        self.code == 0
    }

    /// What has been read of a reply that did not come to its end.
    pub(crate) fn into_what_came(self) -> Option<Reply> {
        (self.code > 0).then(|| self.finish())
    }

    pub(crate) fn finish(self) -> Reply {
        Reply { code: self.code, text: self.text }
    }

    fn keep(&mut self, line: &[u8]) {
        if self.count == MOST_LINES {
            return;
        }
        if self.count > 0 {
            self.text.push('\n');
        }
        let shown = escaped(&letters_of(beginning(line)).trim_end().replace('\t', " "));
        let end = shown.floor_char_boundary(LONGEST_LINE);
        self.text.push_str(&shown[..end]);
        self.count += 1;
    }
}

/// What is kept of a line; no letter of UTF-8 is cut through.
fn beginning(line: &[u8]) -> &[u8] {
    const MOST_BYTES_OF_A_LETTER: usize = 4;
    let goes_on = |at: &usize| line.get(*at).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000);
    let end = (LONGEST_LINE - MOST_BYTES_OF_A_LETTER + 1..=LONGEST_LINE).rev().find(|at| !goes_on(at)).unwrap_or(LONGEST_LINE);
    &line[..line.len().min(end)]
}

/// RFC 6531 3.7.1 has UTF-8; what is none is what servers of western Europe and America write since before.
fn letters_of(line: &[u8]) -> String {
    let mut letters = String::with_capacity(line.len());
    for chunk in line.utf8_chunks() {
        letters.push_str(chunk.valid());
        letters.extend(chunk.invalid().iter().map(|byte| windows_1252(*byte)));
    }
    letters
}

/// Latin-1 but for 80 to 9F (hexadecimal), where five places are nothing.
fn windows_1252(byte: u8) -> char {
    const FROM_80: [char; 32] = [
        '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž', '\u{fffd}', //
        '\u{fffd}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{fffd}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => FROM_80[usize::from(byte) - 0x80],
        _ => char::from(byte),
    }
}

/// The text of a line of a reply.
pub(crate) fn without_code(line: &str) -> &str {
    match code_of(line.as_bytes()) {
        Some(_) => line[3..].strip_prefix([' ', '-']).unwrap_or(&line[3..]),
        None => line,
    }
}

/// NUL is what servers send that write a string with its end; a carriage return before the line feed is part of it.
fn trimmed(line: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | 0);
    let start = line.iter().position(|byte| !is_blank(byte)).unwrap_or(line.len());
    let end = line.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &line[start..end]
}

/// Bytes between replies that say nothing.
pub(crate) fn are_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0))
}

fn code_of(line: &[u8]) -> Option<u16> {
    let digits = line.get(..3)?;
    let is_code = matches!(digits[0], b'1'..=b'5') && digits.iter().all(u8::is_ascii_digit);
    is_code.then(|| digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_printable() {
        let mut lines = Lines::default();
        for _ in 0..500 {
            assert_eq!(lines.take(&[b"250-".as_slice(), &[b'x'; 5_000]].concat()), Taken::More);
        }
        assert_eq!(lines.take(b"250 \x1b[31mred\x07\r"), Taken::Last);
        let reply = lines.finish();
        assert_eq!(reply.text().lines().count(), MOST_LINES);
        assert!(reply.text().lines().all(|line| line.len() <= LONGEST_LINE));
        assert_eq!(Reply::from_text("250 \x1b[31mred\x07\r").text(), "250 \\u{1b}[31mred\\u{7}");
        assert_eq!(Reply::from_text("550 a\u{202e}b\u{2028}c\u{e0041}").text(), "550 a\\u{202e}b\\u{2028}c\\u{e0041}");
    }

    #[test]
    fn letters_are_read_as_utf8_and_what_is_none_as_windows_1252() {
        let shown = |line: &[u8]| {
            let mut lines = Lines::default();
            lines.take(line);
            lines.finish().text
        };
        let replies: [(&[u8], &str); 6] = [
            (b"550 El buz\xf3n est\xe1 lleno", "550 El buzón está lleno"),
            (b"550 caf\xe9", "550 café"),
            (b"550 \x93No existe\x94 \x80 5", "550 “No existe” € 5"),
            ("550 El buzón está lleno".as_bytes(), "550 El buzón está lleno"),
            ("550 漢字 \u{1f4ed}".as_bytes(), "550 漢字 \u{1f4ed}"),
            (b"550 \x81", "550 \u{fffd}"),
        ];
        for (sent, read) in replies {
            assert_eq!(shown(sent), read);
        }
        for before in 0..8 {
            let long = shown(format!("550 {}{}", "x".repeat(before), "ñ€\u{1f4ed}".repeat(400)).as_bytes());
            let rest = long[4 + before..].trim_matches(['ñ', '€', '\u{1f4ed}']);
            assert!(rest.is_empty() && long.len() > LONGEST_LINE - 4, "{before}: {rest}");
        }
    }

    #[test]
    fn only_three_digits_and_a_separator_make_a_reply() {
        for line in ["25", "abc", "25a ok", "999 x", "220x", "HTTP/1.1 400 Bad Request", "SSH-2.0-OpenSSH"] {
            assert_eq!(Lines::default().take(line.as_bytes()), Taken::NotAReply, "{line:?}");
        }
        for line in ["250", "250\r", "250 \r", "\u{0}250\u{0}\r", " 250\tok", "250 "] {
            assert_eq!(Lines::default().take(line.as_bytes()), Taken::Last, "{line:?}");
        }
        assert_eq!(Lines::default().take(b"220x"), Taken::NotAReply);
        assert_eq!(Lines::default().take_generously(b"250ok"), Taken::Last);
        assert_eq!(Lines::default().take_generously(b"2500"), Taken::NotAReply);
        assert_eq!(Reply::first_in(b"250-a\r\n250 b\r\n354 c\r\n").map(|reply| reply.text), Some("250-a\n250 b".to_owned()));
        assert!(Reply::first_in(b"250-a\r\n250 b").is_none() && Reply::first_in(b"").is_none());
    }
}
