//! What a server says it can do, in its answer to EHLO (RFC 5321 4.1.1.1).

use crate::reply::Reply;

/// The extensions that matter to somebody who sends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    pub start_tls: bool,
    pub pipelining: bool,
    pub eight_bit: bool,
    pub smtp_utf8: bool,
    pub enhanced_codes: bool,
    /// Bytes; nothing where the server names no limit.
    pub size: Option<usize>,
    /// Upper case, in the server's order.
    pub logins: Vec<String>,
}

impl Capabilities {
    #[must_use]
    pub fn of(reply: &Reply) -> Self {
        let mut found = Self::default();
        for line in reply.messages().skip(1) {
            found.note(&line.to_ascii_uppercase());
        }
        found
    }

    fn note(&mut self, line: &str) {
        // «AUTH=LOGIN PLAIN» is how servers spoke to clients of before RFC 2554; some still say only that. Of a list's commas
        // the standard knows nothing, and clients of all kinds read over them.
        let separates = |c: char| c.is_ascii_whitespace() || matches!(c, '=' | ',');
        let mut words = line.split(separates).filter(|word| !word.is_empty());
        match words.next().unwrap_or_default() {
            "STARTTLS" => self.start_tls = true,
            "PIPELINING" => self.pipelining = true,
            "8BITMIME" => self.eight_bit = true,
            "SMTPUTF8" => self.smtp_utf8 = true,
            "ENHANCEDSTATUSCODES" => self.enhanced_codes = true,
            // RFC 1870 3: zero, like no number, means that there is no fixed limit.
            "SIZE" => self.size = words.next().and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0),
            "AUTH" => {
                for login in words.filter(|word| !self.logins.iter().any(|known| known == word)).collect::<Vec<_>>() {
                    self.logins.push(login.to_owned());
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_naming_logins_are_read() {
        let offers = Capabilities::of(&Reply::from_text(
            "250-AUTH PLAIN is only my name\n250-AUTH=LOGIN PLAIN\n250-auth plain CRAM-MD5\n250-SIZE 0\n250-STARTTLS\n250 pipelining",
        ));
        assert_eq!(offers.logins, ["LOGIN", "PLAIN", "CRAM-MD5"]);
        assert_eq!((offers.size, offers.start_tls, offers.pipelining, offers.smtp_utf8), (None, true, true, false));
        assert_eq!(Capabilities::of(&Reply::from_text("250-x\n250 SIZE 35882577")).size, Some(35_882_577));
    }
}
