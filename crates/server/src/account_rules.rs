//! What may stand in the fields of a mail account, for the form and for the API alike. Whether it works is for Probar to say.

use std::net::IpAddr;

use acuse_domain::mail_account::{LONGEST_PASSWORD, LONGEST_SENDER_NAME, LONGEST_USERNAME, MailAccount, MailAccountSettings};
use acuse_domain::text;
use acuse_mail::guard::Network;
use acuse_mail::host_name::ascii_host;

use crate::problem::LocalizedText;

/// Google shows its app passwords so: `abcd efgh ijkl mnop`.
const APP_PASSWORD_GROUPS: [usize; 4] = [4, 4, 4, 4];

/// Why a field cannot stand as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Stable, for callers of the API.
    pub code: &'static str,
    pub said: LocalizedText,
}

/// A host name or an IP address, and nothing around it. Letters beyond ASCII stay as they are: [`other_spelling`] gives
/// the name as the DNS knows it.
///
/// Errs with what stands in the way.
pub fn server(typed: &str) -> Result<String, Refused> {
    let typed = text::token(typed);
    let host = typed.as_str();
    let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    if let Some((spanish, english)) = stands_around_a_host(host) {
        return Err(refused("server_invalid", spanish, english));
    }
    let Some(ascii) = ascii_host(host) else {
        return Err(refused(
            "server_invalid",
            "Ese no es el nombre de un servidor; por ejemplo mail.suempresa.ec.",
            "That is not the name of a server; for example mail.yourcompany.ec.",
        ));
    };
    let is_plain = !ascii.split('.').any(|label| label.starts_with("xn--"));
    Ok(if is_plain || host.is_ascii() { ascii } else { unicode(&ascii) })
}

/// What people paste together with a host, and what to do about it.
fn stands_around_a_host(host: &str) -> Option<(&'static str, &'static str)> {
    if host.is_empty() {
        return Some(("Falta el servidor SMTP.", "The SMTP server is missing."));
    }
    if host.contains("://") {
        return Some((
            "Escriba solo el nombre del servidor, sin «smtp://» ni «https://».",
            "Write the server's name only, without “smtp://” or “https://”.",
        ));
    }
    if host.contains('@') {
        return Some((
            "Escriba el servidor, no la dirección de correo; por ejemplo mail.suempresa.ec.",
            "Write the server, not the e-mail address; for example mail.yourcompany.ec.",
        ));
    }
    if host.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
        return Some(("El nombre del servidor no lleva espacios.", "A server's name has no spaces."));
    }
    if host.contains(['/', '\\', '?', '#']) {
        return Some((
            "Escriba solo el nombre del servidor, sin lo que va después de «/».",
            "Write the server's name only, without what follows “/”.",
        ));
    }
    if host.contains(':') {
        return Some((
            "El puerto va en su propio campo; aquí solo el nombre del servidor.",
            "The port has a field of its own; here only the server's name.",
        ));
    }
    None
}

/// The other way to write an internationalised name: punycode for letters, letters for punycode. Nothing where there is
/// only one. Two names that look alike differ there.
#[must_use]
pub fn other_spelling(server: &str) -> Option<String> {
    let ascii = ascii_host(server)?;
    let other = if server.is_ascii() { unicode(&ascii) } else { ascii };
    (other != server.to_lowercase()).then_some(other)
}

fn unicode(ascii: &str) -> String {
    idna::domain_to_unicode(ascii).0
}

/// Errs if it is no port.
pub fn port(number: i64) -> Result<u16, Refused> {
    u16::try_from(number).ok().filter(|port| *port > 0).ok_or_else(no_port)
}

/// Errs if it is no number, or no port.
pub fn typed_port(typed: &str) -> Result<u16, Refused> {
    let digits = text::token(typed);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number).map_or_else(|| Err(no_port()), port)
}

fn no_port() -> Refused {
    refused("port_invalid", "El puerto va de 1 a 65535.", "A port goes from 1 to 65535.")
}

/// Mail leaves through the ports of mail, so that nobody reaches other services in an account's name.
///
/// Errs if the operator allows no such port.
pub fn mail_port(network: &Network, server: &str, port: u16) -> Result<(), Refused> {
    if network.may_use_mail_port(server, port) {
        return Ok(());
    }
    let said = LocalizedText::new(
        format!(
            "El puerto {port} no está permitido: use 587 o 465 (también 25 y 2525), o pida a quien cuida el servidor que lo permita."
        ),
        format!("Port {port} is not allowed: use 587 or 465 (25 and 2525 too), or ask the operator to allow it."),
    );
    Err(Refused { code: "port_not_allowed", said })
}

/// The user to log in as; empty where the server asks for none. What is not seen was pasted with it, and a line break would
/// end a command: neither stays.
///
/// Errs if it is too long.
pub fn username(typed: &str) -> Result<String, Refused> {
    bounded(text::token(typed), LONGEST_USERNAME)
}

/// The sender's name as recipients see it: one line, without what is not seen. Errs where it is too long.
pub fn sender_name(typed: &str) -> Result<String, Refused> {
    bounded(text::one_line(typed), LONGEST_SENDER_NAME)
}

fn bounded(text: String, longest: usize) -> Result<String, Refused> {
    if text.chars().count() > longest {
        let said = LocalizedText::new(
            format!("Es demasiado largo: caben {longest} caracteres."),
            format!("It is too long: {longest} characters fit."),
        );
        return Err(Refused { code: "field_too_long", said });
    }
    Ok(text)
}

/// A password is used exactly as it is: no space is dropped, no letter changed.
///
/// Errs if it has a control character (NUL separates the parts of a login, RFC 4616), or more bytes than a login carries.
pub fn password(typed: &str) -> Result<(), Refused> {
    if typed.chars().any(char::is_control) {
        return Err(refused(
            "invalid_characters",
            "La contraseña lleva un salto de línea u otro carácter de control; péguela sin él.",
            "The password has a line break or another control character; paste it without.",
        ));
    }
    if typed.len() > LONGEST_PASSWORD {
        let said = LocalizedText::new(
            format!("La contraseña es demasiado larga: caben {LONGEST_PASSWORD} bytes y tiene {}.", typed.len()),
            format!("The password is too long: {LONGEST_PASSWORD} bytes fit and it has {}.", typed.len()),
        );
        return Err(Refused { code: "password_too_long", said });
    }
    Ok(())
}

/// What a person may not have meant and a field of dots does not show. Says nothing of the password but its spaces.
#[must_use]
pub fn password_remark(password: &str) -> Option<LocalizedText> {
    let (starts, ends) = (password.starts_with(char::is_whitespace), password.ends_with(char::is_whitespace));
    let said = |spanish: &str, english: &str| Some(LocalizedText::new(spanish, english));
    match (starts, ends) {
        (true, true) => said(
            "La contraseña empieza y termina con un espacio; se usa así.",
            "The password begins and ends with a space; it is used so.",
        ),
        (true, false) => {
            said("La contraseña empieza con un espacio; se usa así.", "The password begins with a space; it is used so.")
        }
        (false, true) => {
            said("La contraseña termina con un espacio; se usa así.", "The password ends with a space; it is used so.")
        }
        (false, false) if is_app_password_in_groups(password) => said(
            "Los espacios entre los cuatro grupos suelen ser solo para leerla mejor; se usa así.",
            "The spaces between the four groups are usually only for reading; it is used so.",
        ),
        (false, false) => None,
    }
}

/// Why the secret that an account has cannot be used with other settings: it was given for what it is saved with.
#[must_use]
pub fn password_again(account: &MailAccount, settings: &MailAccountSettings) -> LocalizedText {
    let (was, is) = (&account.settings, settings);
    let changed: Vec<(&str, &str)> = [
        (was.server != is.server, ("el servidor", "the server")),
        (was.port != is.port, ("el puerto", "the port")),
        (was.security != is.security, ("el TLS", "TLS")),
        (was.username != is.username, ("el usuario", "the user")),
    ]
    .into_iter()
    .filter_map(|(differs, names)| differs.then_some(names))
    .collect();
    let (spanish, english): (Vec<&str>, Vec<&str>) = changed.iter().copied().unzip();
    let verb = if changed.len() == 1 { "Cambió" } else { "Cambiaron" };
    let spanish = format!("{verb} {}", listed(&spanish, "y"));
    let english = format!("You change {}", listed(&english, "and"));
    if account.connection.is_some() {
        let suyo = if changed.len() == 1 { "el suyo" } else { "los suyos" };
        return LocalizedText::new(
            format!("{spanish}, y la conexión solo vale para {suyo}: escriba una contraseña."),
            format!("{english}, and the connection is only for what it was made for: give a password."),
        );
    }
    LocalizedText::new(
        format!("{spanish}: escriba otra vez la contraseña."),
        format!("{english}: give the password again. The kept one is only used for what it was given for."),
    )
}

/// «the server, the port and TLS»
fn listed(names: &[&str], and: &str) -> String {
    match names {
        [before @ .., last] if !before.is_empty() => format!("{} {and} {last}", before.join(", ")),
        names => names.concat(),
    }
}

fn is_app_password_in_groups(password: &str) -> bool {
    let groups = password.split(' ').map(|group| if group.bytes().all(|b| b.is_ascii_lowercase()) { group.len() } else { 0 });
    groups.eq(APP_PASSWORD_GROUPS)
}

fn refused(code: &'static str, spanish: &str, english: &str) -> Refused {
    Refused { code, said: LocalizedText::new(spanish, english) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_name_and_nothing_around_it() {
        for (typed, said) in [
            ("", "Falta el servidor"),
            ("smtp://mail.empresa.ec", "sin «smtp://»"),
            ("https://mail.empresa.ec/roundcube", "sin «smtp://»"),
            ("mail.empresa.ec:587", "su propio campo"),
            ("[2001:db8::1]:587", "su propio campo"),
            ("mail empresa.ec", "no lleva espacios"),
            ("mail.empresa.ec\r\nX", "no lleva espacios"),
            ("cobros@empresa.ec", "no la dirección"),
            ("mail.empresa.ec/x", "después de «/»"),
            ("mail..ec", "no es el nombre"),
            ("mail,empresa.ec", "no es el nombre"),
            (&"a".repeat(64), "no es el nombre"),
        ] {
            let refused = server(typed).expect_err(typed);
            assert!(refused.said.spanish.contains(said), "{typed:?}: {}", refused.said.spanish);
        }
        for (typed, kept) in [
            ("mail.empresa.ec", "mail.empresa.ec"),
            (" SMTP.Gmail.com ", "smtp.gmail.com"),
            ("\t\u{a0}mail.\u{200b}empresa.ec\u{feff}\r\n", "mail.empresa.ec"),
            ("mail.empresa.ec.", "mail.empresa.ec"),
            ("127.0.0.1", "127.0.0.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:DB8::1]", "2001:db8::1"),
            ("Correo.Ñandú.ec", "correo.ñandú.ec"),
            ("correo.xn--and-6ma2c.ec", "correo.xn--and-6ma2c.ec"),
        ] {
            assert_eq!(server(typed).as_deref(), Ok(kept), "{typed}");
        }
    }

    #[test]
    fn an_internationalised_name_has_two_spellings_and_others_one() {
        assert_eq!(other_spelling("correo.ñandú.ec").as_deref(), Some("correo.xn--and-6ma2c.ec"));
        assert_eq!(other_spelling("correo.xn--and-6ma2c.ec").as_deref(), Some("correo.ñandú.ec"));
        for plain in ["smtp.gmail.com", "127.0.0.1", "2001:db8::1", "no es un servidor"] {
            assert_eq!(other_spelling(plain), None, "{plain}");
        }
    }

    #[test]
    fn a_port_is_a_number_from_1_to_65535() {
        for typed in ["", "0", "65536", "-1", "+25", "25a", "5 87", "99999999999999999999"] {
            assert_eq!(typed_port(typed).map_err(|refused| refused.code), Err("port_invalid"), "{typed:?}");
        }
        assert_eq!(typed_port(" 587\u{a0}\t"), Ok(587));
        assert_eq!((port(65535), port(-1).is_err(), port(70_000).is_err()), (Ok(65535), true, true));
    }

    #[test]
    fn a_user_keeps_to_one_line() {
        for (typed, kept) in [
            (" cobros@empresa.ec\r\n", "cobros@empresa.ec"),
            ("\u{feff}co\u{ad}bros\t@empresa.ec", "cobros @empresa.ec"),
            ("a\nb", "a b"),
            ("a\u{0}b\u{202e}\u{200d}", "ab"),
            ("a\u{2028}b", "a b"),
        ] {
            assert_eq!(username(typed).as_deref(), Ok(kept), "{typed:?}");
            assert_eq!(sender_name(typed).map(|name| name.contains(char::is_control)), Ok(false), "{typed:?}");
        }
        assert_eq!(username(&"a".repeat(321)).map_err(|refused| refused.code), Err("field_too_long"));
    }

    #[test]
    fn a_password_may_be_any_text_up_to_a_bound_that_is_said() {
        for typed in [" clave ", "clave ñ 🔑 密码", &"x".repeat(LONGEST_PASSWORD)] {
            assert_eq!(password(typed), Ok(()));
        }
        for typed in ["a\r\nb", "a\u{0}b", "\u{7f}"] {
            assert_eq!(password(typed).map_err(|refused| refused.code), Err("invalid_characters"));
        }
        let long = password(&"ñ".repeat(LONGEST_PASSWORD)).expect_err("twice the bytes");
        assert_eq!(long.code, "password_too_long");
        assert!(long.said.spanish.contains("8192") && long.said.english.contains("16384"), "{long:?}");
    }

    #[test]
    fn spaces_that_nobody_sees_are_pointed_out() {
        let remark = |typed: &str| password_remark(typed).map(|said| said.spanish).unwrap_or_default();
        assert!(remark(" clave").starts_with("La contraseña empieza con un espacio"));
        assert!(remark("clave\u{a0}").starts_with("La contraseña termina con un espacio"));
        assert!(remark(" clave ").starts_with("La contraseña empieza y termina"));
        assert!(remark("abcd efgh ijkl mnop").starts_with("Los espacios entre los cuatro grupos"));
        for plain in ["clave", "una clave larga", "abcd efgh ijkl", "ABCD efgh ijkl mnop", ""] {
            assert_eq!(remark(plain), "", "{plain}");
        }
    }
}
