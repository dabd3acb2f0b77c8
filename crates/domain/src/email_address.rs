//! Addresses as people type them: one, or a list such as `a@x.ec;b@y.ec, c@z.ec`.

use std::fmt;
use std::str::FromStr;

/// RFC 5321 4.5.3.1.3: a path of 256 octets, less its angle brackets.
const LONGEST: usize = 254;
/// RFC 5321 4.5.3.1.1.
const LONGEST_LOCAL: usize = 64;

/// One address that a mail can be sent to: a dot-atom, `@`, and a domain with a dot. Compared without regard to case of
/// the domain; the local part is kept as typed. Letters beyond ASCII are allowed (RFC 6531) and need a server that
/// takes them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailAddress(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("«{typed}» no es una dirección de correo")]
pub struct InvalidEmailAddress {
    pub typed: String,
}

impl EmailAddress {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }

    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidEmailAddress;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidEmailAddress { typed: typed.chars().take(120).collect() };
        let trimmed = typed.trim();
        let (local, domain) = trimmed.rsplit_once('@').ok_or_else(invalid)?;
        if trimmed.len() > LONGEST || !is_local_part(local) || !is_domain(domain) {
            return Err(invalid());
        }
        Ok(Self(format!("{local}@{}", domain.to_lowercase())))
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Splits at `;`, `,` and line breaks, trims, drops what is empty and what was said twice, and checks each.
///
/// Errs with the first that is no address.
pub fn parse_list(typed: &str) -> Result<Vec<EmailAddress>, InvalidEmailAddress> {
    let mut found: Vec<EmailAddress> = Vec::new();
    for part in typed.split([';', ',', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
        let address: EmailAddress = part.parse()?;
        if !found.contains(&address) {
            found.push(address);
        }
    }
    Ok(found)
}

fn is_local_part(local: &str) -> bool {
    !local.is_empty()
        && local.len() <= LONGEST_LOCAL
        && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_letter))
}

/// RFC 5322 3.2.3 atext, with RFC 6531's letters.
fn is_atom_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && c.is_alphanumeric())
}

fn is_domain(domain: &str) -> bool {
    let labels: Vec<&str> = domain.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c == '-' || c.is_alphanumeric())
    };
    labels.len() >= 2 && labels.iter().all(is_label) && !labels[labels.len() - 1].bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_field_may_hold_several_addresses() {
        let found = parse_list(" a@x.ec;b@Y.ec, c@z.ec ;; a@x.ec\n").unwrap();
        assert_eq!(found.iter().map(EmailAddress::as_str).collect::<Vec<_>>(), ["a@x.ec", "b@y.ec", "c@z.ec"]);
        assert_eq!(parse_list("a@x.ec, pagos").unwrap_err().typed, "pagos");
        assert_eq!(parse_list("").unwrap(), []);
    }

    #[test]
    fn what_could_break_a_header_or_a_command_is_no_address() {
        for typed in [
            "",
            "a",
            "@x.ec",
            "a@",
            "a@x",
            "a b@x.ec",
            "a@x.ec\r\nBcc: b@y.ec",
            "a@x..ec",
            ".a@x.ec",
            "a@-x.ec",
            "a@1.2.3.4",
            "<a@x.ec>",
            "a@x.ec>",
            "a\"b@x.ec",
        ] {
            assert!(typed.parse::<EmailAddress>().is_err(), "{typed:?}");
        }
        assert!("josé.ñandú+recibos@compañía.ec".parse::<EmailAddress>().is_ok());
        assert!(format!("{}@x.ec", "a".repeat(65)).parse::<EmailAddress>().is_err());
    }
}
