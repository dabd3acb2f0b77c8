//! What may stand in the fields of a mail account. Whether it works is for a check to say.

use std::net::IpAddr;

use secrecy::{ExposeSecret, SecretString};

use super::{Errors, optional_address, required_address};
use crate::email_address::EmailAddress;
use crate::host::{ascii_host, in_letters};
use crate::mail_account::{
    LONGEST_PASSWORD, LONGEST_SENDER_NAME, LONGEST_USERNAME, MailAccount, MailAccountSettings, MailModule, Security,
};
use crate::message::{Message, messages};
use crate::text;

/// Google shows its app passwords so: `abcd efgh ijkl mnop`.
const APP_PASSWORD_GROUPS: [usize; 4] = [4, 4, 4, 4];

#[derive(Debug, Clone, Default)]
pub struct AccountInput {
    pub module: Option<String>,
    pub server: Option<String>,
    pub port: Option<String>,
    pub security: Option<String>,
    /// Empty where the server asks for no login.
    pub username: Option<String>,
    /// An empty one is none: it is written, and never cleared by itself.
    pub password: Option<SecretString>,
    pub from_name: Option<String>,
    pub from_address: Option<String>,
    pub reply_to: Option<String>,
    pub bcc: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Module,
    Server,
    Port,
    Security,
    Username,
    Password,
    FromName,
    FromAddress,
    ReplyTo,
    Bcc,
}

impl Field {
    /// Its name in the API, and in a record that cannot be read.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Module => "module",
            Self::Server => "server",
            Self::Port => "port",
            Self::Security => "security",
            Self::Username => "username",
            Self::Password => "password",
            Self::FromName => "from_name",
            Self::FromAddress => "from_address",
            Self::ReplyTo => "reply_to",
            Self::Bcc => "bcc",
        }
    }
}

/// Settings that are valid, and the password where one was given.
#[derive(Debug, Clone)]
pub struct ValidAccount {
    pub settings: MailAccountSettings,
    pub password: Option<SecretString>,
}

impl AccountInput {
    /// A new account. A field that is absent is empty; without a sender's name the company's stands there. `may_use_port`
    /// says whether the operator lets mail leave through a server's port.
    pub fn read(mut self, company_name: &str, may_use_port: impl Fn(&str, u16) -> bool) -> Result<ValidAccount, Errors<Field>> {
        for text in [&mut self.module, &mut self.server, &mut self.port, &mut self.security, &mut self.from_address] {
            text.get_or_insert_default();
        }
        self.from_name = self.from_name.filter(|name| text::optional(Some(name)).is_some());
        let mut errors = Errors::default();
        let settings = self.settings(blank(company_name), &may_use_port, &mut errors);
        let password = self.password(&mut errors);
        if !settings.username.is_empty() && password.is_none() {
            errors.add(Field::Password, messages::password_missing());
        }
        errors.check(ValidAccount { settings, password })
    }

    /// The account with what was given. A password or a connection that it has goes with the server, port, TLS and user it was
    /// given for.
    pub fn apply_to(
        self,
        account: &MailAccount,
        may_use_port: impl Fn(&str, u16) -> bool,
    ) -> Result<ValidAccount, Errors<Field>> {
        let mut errors = Errors::default();
        let settings = self.settings(account.settings.clone(), &may_use_port, &mut errors);
        let password = self.password(&mut errors);
        if !settings.username.is_empty() && password.is_none() {
            if !account.has_secret() {
                errors.add(Field::Password, messages::password_missing());
            } else if account.needs_new_password(&settings) {
                errors.add(Field::Password, password_again(account, &settings));
            }
        }
        errors.check(ValidAccount { settings, password })
    }

    /// The fields that were not given, by their names.
    #[must_use]
    pub fn untouched(&self) -> Vec<&'static str> {
        let fields = [
            (Field::Module, &self.module),
            (Field::Server, &self.server),
            (Field::Port, &self.port),
            (Field::Security, &self.security),
            (Field::Username, &self.username),
            (Field::FromName, &self.from_name),
            (Field::FromAddress, &self.from_address),
            (Field::ReplyTo, &self.reply_to),
            (Field::Bcc, &self.bcc),
        ];
        fields.into_iter().filter(|(_, given)| given.is_none()).map(|(field, _)| field.as_str()).collect()
    }

    fn settings(
        &self,
        mut settings: MailAccountSettings,
        may_use_port: &impl Fn(&str, u16) -> bool,
        errors: &mut Errors<Field>,
    ) -> MailAccountSettings {
        if let Some(typed) = &self.module {
            errors.put(Field::Module, module(typed), &mut settings.module);
        }
        if let Some(typed) = &self.server {
            errors.put(Field::Server, server(typed), &mut settings.server);
        }
        if let Some(typed) = &self.port {
            errors.put(Field::Port, port(typed), &mut settings.port);
        }
        let is_known = !settings.server.is_empty() && settings.port > 0;
        let is_given = self.server.is_some() || self.port.is_some();
        if is_given && is_known && !may_use_port(&settings.server, settings.port) {
            errors.add(Field::Port, messages::port_not_allowed(settings.port));
        }
        if let Some(typed) = &self.security {
            errors.put(Field::Security, security(typed), &mut settings.security);
        }
        if let Some(typed) = &self.username {
            errors.put(Field::Username, username(typed), &mut settings.username);
        }
        if let Some(typed) = &self.from_name {
            errors.put(Field::FromName, sender_name(typed, &settings.from_name), &mut settings.from_name);
        }
        if let Some(typed) = &self.from_address {
            errors.put(Field::FromAddress, required_address(typed), &mut settings.from_address);
        }
        if let Some(typed) = &self.reply_to {
            errors.put(Field::ReplyTo, optional_address(typed), &mut settings.reply_to);
        }
        if let Some(typed) = &self.bcc {
            errors.put(Field::Bcc, optional_address(typed), &mut settings.bcc);
        }
        settings
    }

    /// As it was given, also where it cannot stand: it is not missing then.
    fn password(self, errors: &mut Errors<Field>) -> Option<SecretString> {
        let password = self.password.filter(|password| !password.expose_secret().is_empty())?;
        errors.keep(Field::Password, check_password(password.expose_secret()));
        Some(password)
    }
}

/// Where every field has still to be given.
fn blank(company_name: &str) -> MailAccountSettings {
    MailAccountSettings {
        module: MailModule::ReceivedPayments,
        server: String::new(),
        port: 0,
        security: Security::StartTls,
        username: String::new(),
        from_name: company_name.to_owned(),
        from_address: EmailAddress::as_kept(""),
        reply_to: None,
        bcc: None,
    }
}

fn module(code: &str) -> Result<MailModule, Message> {
    if code.is_empty() {
        return Err(messages::module_missing());
    }
    MailModule::parse(code).ok_or_else(|| messages::value_unknown(MailModule::ALL.map(MailModule::as_str).join(", ")))
}

fn security(code: &str) -> Result<Security, Message> {
    if code.is_empty() {
        return Err(messages::security_missing());
    }
    Security::parse(code).ok_or_else(|| messages::security_unknown(Security::ALL.map(Security::as_str).join(", ")))
}

/// A host name or an IP address, and nothing around it. Letters beyond ASCII stay as they are:
/// [`crate::host::other_spelling`] gives the name as the DNS knows it.
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
    Ok(if is_plain || host.is_ascii() { ascii } else { in_letters(&ascii) })
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

/// Errs if it is no number from 1 to 65535.
pub fn port(typed: &str) -> Result<u16, Message> {
    let digits = text::token(typed);
    if digits.is_empty() {
        return Err(messages::port_missing());
    }
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|port| is_number && *port > 0).ok_or_else(messages::port_invalid)
}

/// The user to log in as; empty where the server asks for none. What is not seen was pasted with it, and a line break would
/// end a command: neither stays.
///
/// Errs if it is too long.
pub fn username(typed: &str) -> Result<String, Message> {
    bounded(text::token(typed), LONGEST_USERNAME, messages::a_username)
}

/// The sender's name as recipients see it: one line, without what is not seen. Errs where it is too long, or takes away the
/// one that is there.
fn sender_name(typed: &str, kept: &str) -> Result<String, Message> {
    let name = bounded(text::one_line(typed), LONGEST_SENDER_NAME, messages::a_sender_name)?;
    if name.is_empty() && !kept.is_empty() { Err(messages::named_field_missing(messages::a_sender_name())) } else { Ok(name) }
}

fn bounded(text: String, most: usize, field: fn() -> Message) -> Result<String, Message> {
    if text.chars().count() > most { Err(messages::named_field_too_long(field(), most)) } else { Ok(text) }
}

/// A password is used exactly as it is: no space is dropped, no letter changed.
///
/// Errs if it has a control character (NUL separates the parts of a login, RFC 4616), or more bytes than a login carries.
fn check_password(typed: &str) -> Result<(), Message> {
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

fn is_app_password_in_groups(password: &str) -> bool {
    let groups = password.split(' ').map(|group| if group.bytes().all(|b| b.is_ascii_lowercase()) { group.len() } else { 0 });
    groups.eq(APP_PASSWORD_GROUPS)
}

/// Why the secret that an account has cannot be used with other settings: it was given for what it is saved with.
fn password_again(account: &MailAccount, settings: &MailAccountSettings) -> Message {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Language;

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
    fn a_port_is_a_number_from_1_to_65535() {
        for typed in ["0", "65536", "-1", "+25", "25a", "5 87", "99999999999999999999"] {
            assert_eq!(port(typed).map_err(|refused| refused.code()), Err("port_invalid"), "{typed:?}");
        }
        assert_eq!((port(" 587\u{a0}\t"), port("65535")), (Ok(587), Ok(65535)));
        assert_eq!(port(" \u{200b}"), Err(messages::port_missing()));
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
            assert_eq!(sender_name(typed, "").map(|name| name.contains(char::is_control)), Ok(false), "{typed:?}");
        }
        assert_eq!(username(&"a".repeat(321)).map_err(|refused| refused.code()), Err("field_too_long"));
    }

    #[test]
    fn a_password_may_be_any_text_up_to_a_bound_that_is_said() {
        for typed in [" clave ", "clave ñ 🔑 密码", &"x".repeat(LONGEST_PASSWORD)] {
            assert_eq!(check_password(typed), Ok(()));
        }
        for typed in ["a\r\nb", "a\u{0}b", "\u{7f}"] {
            assert_eq!(check_password(typed).map_err(|refused| refused.code()), Err("invalid_characters"));
        }
        let long = check_password(&"ñ".repeat(LONGEST_PASSWORD)).expect_err("twice the bytes");
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
