//! What may stand in the fields of a mail account, for the form and for the API alike. Whether it works is for Probar to say.

use std::net::IpAddr;

use acuse_domain::mail_account::{LONGEST_PASSWORD, LONGEST_SENDER_NAME, LONGEST_USERNAME, MailAccount, MailAccountSettings};
use acuse_domain::message::{Message, messages};
use acuse_domain::text;
use acuse_mail::guard::Network;
use acuse_mail::host_name::ascii_host;

/// Google shows its app passwords so: `abcd efgh ijkl mnop`.
const APP_PASSWORD_GROUPS: [usize; 4] = [4, 4, 4, 4];

/// A host name or an IP address, and nothing around it. Letters beyond ASCII stay as they are: [`other_spelling`] gives
/// the name as the DNS knows it.
///
/// Errs with what stands in the way.
pub fn server(typed: &str) -> Result<String, Message> {
    let typed = text::token(typed);
    let host = typed.as_str();
    let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    if let Some(why) = stands_around_a_host(host) {
        return Err(why);
    }
    let ascii = ascii_host(host).ok_or_else(messages::server_invalid)?;
    let is_plain = !ascii.split('.').any(|label| label.starts_with("xn--"));
    Ok(if is_plain || host.is_ascii() { ascii } else { unicode(&ascii) })
}

/// What people paste together with a host, and what to do about it.
fn stands_around_a_host(host: &str) -> Option<Message> {
    let is_of_no_name = |letter: char| letter.is_whitespace() || letter.is_control();
    match host {
        "" => Some(messages::server_missing()),
        host if host.contains("://") => Some(messages::server_with_scheme()),
        host if host.contains('@') => Some(messages::server_is_an_address()),
        host if host.contains(is_of_no_name) => Some(messages::server_with_spaces()),
        host if host.contains(['/', '\\', '?', '#']) => Some(messages::server_with_path()),
        host if host.contains(':') => Some(messages::server_with_port()),
        _ => None,
    }
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
pub fn port(number: i64) -> Result<u16, Message> {
    u16::try_from(number).ok().filter(|port| *port > 0).ok_or_else(messages::port_invalid)
}

/// Errs if it is no number, or no port.
pub fn typed_port(typed: &str) -> Result<u16, Message> {
    let digits = text::token(typed);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number).map_or_else(|| Err(messages::port_invalid()), port)
}

/// Mail leaves through the ports of mail, so that nobody reaches other services in an account's name.
///
/// Errs if the operator allows no such port.
pub fn mail_port(network: &Network, server: &str, port: u16) -> Result<(), Message> {
    if network.may_use_mail_port(server, port) { Ok(()) } else { Err(messages::port_not_allowed(port)) }
}

/// The user to log in as; empty where the server asks for none. What is not seen was pasted with it, and a line break would
/// end a command: neither stays.
///
/// Errs if it is too long.
pub fn username(typed: &str) -> Result<String, Message> {
    bounded(text::token(typed), LONGEST_USERNAME, messages::a_username)
}

/// The sender's name as recipients see it: one line, without what is not seen. Errs where it is too long.
pub fn sender_name(typed: &str) -> Result<String, Message> {
    bounded(text::one_line(typed), LONGEST_SENDER_NAME, messages::a_sender_name)
}

fn bounded(text: String, most: usize, field: fn() -> Message) -> Result<String, Message> {
    if text.chars().count() > most { Err(messages::named_field_too_long(field(), most)) } else { Ok(text) }
}

/// A password is used exactly as it is: no space is dropped, no letter changed.
///
/// Errs if it has a control character (NUL separates the parts of a login, RFC 4616), or more bytes than a login carries.
pub fn password(typed: &str) -> Result<(), Message> {
    if typed.chars().any(char::is_control) {
        return Err(messages::password_with_controls());
    }
    if typed.len() > LONGEST_PASSWORD {
        return Err(messages::password_too_long(LONGEST_PASSWORD.to_string(), typed.len().to_string()));
    }
    Ok(())
}

/// What a person may not have meant and a field of dots does not show. Says nothing of the password but its spaces.
#[must_use]
pub fn password_remark(password: &str) -> Option<Message> {
    let (starts, ends) = (password.starts_with(char::is_whitespace), password.ends_with(char::is_whitespace));
    match (starts, ends) {
        (true, true) => Some(messages::password_begins_and_ends_with_space()),
        (true, false) => Some(messages::password_begins_with_space()),
        (false, true) => Some(messages::password_ends_with_space()),
        (false, false) if is_app_password_in_groups(password) => Some(messages::password_in_groups()),
        (false, false) => None,
    }
}

/// Why the secret that an account has cannot be used with other settings: it was given for what it is saved with.
#[must_use]
pub fn password_again(account: &MailAccount, settings: &MailAccountSettings) -> Message {
    let (was, is) = (&account.settings, settings);
    let fields: [(bool, fn() -> Message); 4] = [
        (was.server != is.server, messages::a_server),
        (was.port != is.port, messages::a_port),
        (was.security != is.security, messages::a_security),
        (was.username != is.username, messages::a_username),
    ];
    let mut changed: Vec<Message> = fields.into_iter().filter_map(|(differs, name)| differs.then(name)).collect();
    let last = changed.pop().unwrap_or_else(messages::a_server);
    let before = changed.into_iter().reduce(messages::listed);
    let changed = before.map_or(last.clone(), |before| messages::listed_last(before, last));
    if account.connection.is_some() { messages::password_for_connection(changed) } else { messages::password_again(changed) }
}

fn is_app_password_in_groups(password: &str) -> bool {
    let groups = password.split(' ').map(|group| if group.bytes().all(|b| b.is_ascii_lowercase()) { group.len() } else { 0 });
    groups.eq(APP_PASSWORD_GROUPS)
}

#[cfg(test)]
mod tests {
    use acuse_domain::message::Language;

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
            assert!(refused.to_string().contains(said), "{typed:?}: {refused}");
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
            assert_eq!(typed_port(typed).map_err(|refused| refused.code()), Err("port_invalid"), "{typed:?}");
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
        assert_eq!(username(&"a".repeat(321)).map_err(|refused| refused.code()), Err("field_too_long"));
    }

    #[test]
    fn a_password_may_be_any_text_up_to_a_bound_that_is_said() {
        for typed in [" clave ", "clave ñ 🔑 密码", &"x".repeat(LONGEST_PASSWORD)] {
            assert_eq!(password(typed), Ok(()));
        }
        for typed in ["a\r\nb", "a\u{0}b", "\u{7f}"] {
            assert_eq!(password(typed).map_err(|refused| refused.code()), Err("invalid_characters"));
        }
        let long = password(&"ñ".repeat(LONGEST_PASSWORD)).expect_err("twice the bytes");
        assert_eq!(long.code(), "password_too_long");
        assert!(long.to_string().contains("8192") && long.in_(Language::English).contains("16384"), "{long:?}");
    }

    #[test]
    fn spaces_that_nobody_sees_are_pointed_out() {
        let remark = |typed: &str| password_remark(typed).map(|remark| remark.to_string()).unwrap_or_default();
        assert!(remark(" clave").starts_with("La contraseña empieza con un espacio"));
        assert!(remark("clave\u{a0}").starts_with("La contraseña termina con un espacio"));
        assert!(remark(" clave ").starts_with("La contraseña empieza y termina"));
        assert!(remark("abcd efgh ijkl mnop").starts_with("Los espacios entre los cuatro grupos"));
        for plain in ["clave", "una clave larga", "abcd efgh ijkl", "ABCD efgh ijkl mnop", ""] {
            assert_eq!(remark(plain), "", "{plain}");
        }
    }
}
