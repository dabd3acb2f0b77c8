//! The form of an account: what a browser sends, read into settings, with the words for each field that is wrong.

use std::net::IpAddr;

use acuse_domain::email_address::EmailAddress;
use acuse_domain::mail_account::{MailAccount, MailAccountSettings, MailModule, Security};
use acuse_mail::providers;
use serde::Deserialize;

use crate::web::form_errors::FormErrors;

/// RFC 1035 2.3.4.
const LONGEST_HOST: usize = 253;
/// RFC 1035 2.3.4.
const LONGEST_LABEL: usize = 63;
/// Characters; more than any provider's user name has.
const LONGEST_USERNAME: usize = 320;
/// Characters; a sender's name is shown in one line of a mail program.
const LONGEST_NAME: usize = 120;
/// Characters; a token pasted as a password has some hundreds.
const LONGEST_PASSWORD: usize = 1_000;

/// RFC 8314 3.3: submission with STARTTLS, where nothing is known of the server.
const USUAL_PORT: &str = "587";

/// As it comes from the browser. Has no `Debug`, since it holds a password.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct AccountForm {
    pub modulo: String,
    pub nombre: String,
    pub remitente: String,
    pub servidor: String,
    pub puerto: String,
    pub tls: String,
    pub usuario: String,
    pub clave: String,
    /// A provider's app password, pasted beside the advice that asks for it.
    pub clave_app: String,
    pub clave_sellada: String,
    pub probada: String,
    pub responder: String,
    pub oculta: String,
    pub hacia: String,
    pub accion: String,
    pub corregir_servidor: String,
    pub corregir_puerto: String,
    pub corregir_tls: String,
}

/// What was typed, as values.
pub struct Filled {
    pub settings: MailAccountSettings,
    /// Who gets the message that tries the account.
    pub to: Option<EmailAddress>,
}

impl AccountForm {
    /// Filled in from the address alone: the preset of its domain, else what is usual.
    #[must_use]
    pub fn from_address(module: MailModule, address: &EmailAddress, company_name: &str) -> Self {
        let preset = providers::of_domain(address.domain());
        Self {
            modulo: module_word(module).to_owned(),
            nombre: company_name.to_owned(),
            remitente: address.to_string(),
            servidor: preset.map_or_else(String::new, |preset| preset.server.clone()),
            puerto: preset.map_or_else(|| USUAL_PORT.to_owned(), |preset| preset.port.to_string()),
            tls: preset.map_or(Security::StartTls, |preset| preset.security()).as_str().to_owned(),
            usuario: address.to_string(),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn from_account(account: &MailAccount) -> Self {
        let settings = &account.settings;
        let text = |address: &Option<EmailAddress>| address.as_ref().map(ToString::to_string).unwrap_or_default();
        Self {
            modulo: module_word(settings.module).to_owned(),
            nombre: settings.from_name.clone(),
            remitente: settings.from_address.to_string(),
            servidor: settings.server.clone(),
            puerto: settings.port.to_string(),
            tls: settings.security.as_str().to_owned(),
            usuario: settings.username.clone(),
            responder: text(&settings.reply_to),
            oculta: text(&settings.bcc),
            ..Self::default()
        }
    }

    /// Puts the suggested server, port and TLS in place of what was typed.
    pub fn correct(&mut self) {
        for (typed, better) in [
            (&mut self.servidor, &mut self.corregir_servidor),
            (&mut self.puerto, &mut self.corregir_puerto),
            (&mut self.tls, &mut self.corregir_tls),
        ] {
            if !better.is_empty() {
                *typed = std::mem::take(better);
            }
        }
    }

    /// The demo's own server, which asks for no login.
    pub fn use_demo_server(&mut self, address: std::net::SocketAddr) {
        self.servidor = address.ip().to_string();
        self.puerto = address.port().to_string();
        self.tls = Security::None.as_str().to_owned();
        self.usuario = String::new();
        self.clave = String::new();
    }

    /// Nothing where `errors` says what to mend.
    pub fn read(&self, errors: &mut FormErrors) -> Option<Filled> {
        let module = read_module(&self.modulo, errors);
        let from_name = read_line("nombre", &self.nombre, LONGEST_NAME, errors);
        let from_address = read_address("remitente", &self.remitente, errors);
        let server = keep("servidor", read_host(&self.servidor), errors);
        let port = keep("puerto", read_port(&self.puerto), errors);
        let security = keep("tls", Security::parse(&self.tls).ok_or_else(|| "Elija un tipo de TLS.".to_owned()), errors);
        let username = read_line("usuario", &self.usuario, LONGEST_USERNAME, errors);
        let reply_to = read_optional_address("responder", &self.responder, errors);
        let bcc = read_optional_address("oculta", &self.oculta, errors);
        let to = read_optional_address("hacia", &self.hacia, errors);
        for typed in [&self.clave, &self.clave_app] {
            if typed.chars().any(breaks_a_line) || typed.chars().count() > LONGEST_PASSWORD {
                errors.add("clave", "La contraseña tiene un carácter que no puede llevar, o es demasiado larga.");
            }
        }
        let settings = MailAccountSettings {
            module: module?,
            server: server?,
            port: port?,
            security: security?,
            username: username?,
            from_name: from_name?,
            from_address: from_address?,
            reply_to: reply_to?,
            bcc: bcc?,
        };
        errors.is_empty().then_some(Filled { settings, to: to? })
    }
}

/// A module as the pages' addresses and forms name it.
#[must_use]
pub const fn module_word(module: MailModule) -> &'static str {
    match module {
        MailModule::ReceivedPayments => "cobros",
        MailModule::InvoicesAndMadePayments => "facturacion",
    }
}

#[must_use]
pub fn module_of(word: &str) -> Option<MailModule> {
    MailModule::ALL.into_iter().find(|module| module_word(*module) == word)
}

/// The words for an address that is none. Nothing is wrong with it where it is well written.
pub fn read_address(field: &str, typed: &str, errors: &mut FormErrors) -> Option<EmailAddress> {
    let typed = typed.trim();
    let read = match typed {
        "" => Err("Falta el correo.".to_owned()),
        typed => typed.parse().map_err(|error: acuse_domain::email_address::InvalidEmailAddress| format!("{error}.")),
    };
    keep(field, read, errors)
}

fn read_optional_address(field: &str, typed: &str, errors: &mut FormErrors) -> Option<Option<EmailAddress>> {
    if typed.trim().is_empty() { Some(None) } else { read_address(field, typed, errors).map(Some) }
}

fn read_module(typed: &str, errors: &mut FormErrors) -> Option<MailModule> {
    keep("modulo", module_of(typed).ok_or_else(|| "Elija el módulo.".to_owned()), errors)
}

fn read_line(field: &str, typed: &str, longest: usize, errors: &mut FormErrors) -> Option<String> {
    let trimmed = typed.trim();
    let read = if typed.chars().any(breaks_a_line) {
        Err("Escríbalo en una sola línea, sin caracteres de control.".to_owned())
    } else if trimmed.chars().count() > longest {
        Err(format!("Es demasiado largo: caben {longest} caracteres."))
    } else {
        Ok(trimmed.to_owned())
    };
    keep(field, read, errors)
}

fn read_port(typed: &str) -> Result<u16, String> {
    let port = typed.trim().parse::<u16>().ok().filter(|port| *port > 0);
    port.ok_or_else(|| "El puerto va de 1 a 65535.".to_owned())
}

/// A host name or an IP address, and nothing around it.
fn read_host(typed: &str) -> Result<String, String> {
    let host = typed.trim_matches(' ');
    let wrong = |words: &str| Err(words.to_owned());
    if host.is_empty() {
        return wrong("Falta el servidor SMTP.");
    }
    if host.parse::<IpAddr>().is_ok() {
        return Ok(host.to_owned());
    }
    if host.contains("://") {
        return wrong("Escriba solo el nombre del servidor, sin «smtp://» ni «https://».");
    }
    if host.contains('@') {
        return wrong("Escriba el servidor, no la dirección de correo; por ejemplo mail.suempresa.ec.");
    }
    if host.contains(char::is_whitespace) {
        return wrong("El nombre del servidor no lleva espacios.");
    }
    if host.contains(':') {
        return wrong("El puerto va en su propio campo; aquí solo el nombre del servidor.");
    }
    let is_label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.chars().all(|letter| letter.is_alphanumeric() || letter == '-' || letter == '_')
    };
    if host.len() > LONGEST_HOST || !host.trim_end_matches('.').split('.').all(is_label) {
        return wrong("Ese no es el nombre de un servidor; por ejemplo mail.suempresa.ec.");
    }
    Ok(host.to_lowercase())
}

fn breaks_a_line(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}')
}

fn keep<T>(field: &str, read: Result<T, String>, errors: &mut FormErrors) -> Option<T> {
    read.map_err(|words| errors.add(field, words)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled() -> AccountForm {
        AccountForm {
            modulo: "cobros".to_owned(),
            nombre: "Distribuidora Cotopaxi".to_owned(),
            remitente: "cobros@distcotopaxi.ec".to_owned(),
            servidor: "mail.distcotopaxi.ec".to_owned(),
            puerto: "465".to_owned(),
            tls: "tls".to_owned(),
            ..AccountForm::default()
        }
    }

    fn error(field: &str, form: &AccountForm) -> String {
        let mut errors = FormErrors::default();
        assert!(form.read(&mut errors).is_none(), "{field}");
        errors.of(field).unwrap_or_else(|| panic!("no error on {field}: {errors:?}")).to_owned()
    }

    #[test]
    fn a_server_is_a_name_and_nothing_around_it() {
        for (typed, said) in [
            ("", "Falta el servidor"),
            ("smtp://mail.empresa.ec", "sin «smtp://»"),
            ("mail.empresa.ec:587", "su propio campo"),
            ("mail empresa.ec", "no lleva espacios"),
            ("mail.empresa.ec\r\nX", "no lleva espacios"),
            ("cobros@empresa.ec", "no la dirección"),
            ("mail..ec", "no es el nombre"),
            ("mail.empresa.ec/x", "no es el nombre"),
            ("[::1]:25", "su propio campo"),
        ] {
            let words = error("servidor", &AccountForm { servidor: typed.to_owned(), ..filled() });
            assert!(words.contains(said), "{typed:?}: {words}");
        }
        for typed in ["mail.empresa.ec", " SMTP.Gmail.com ", "127.0.0.1", "2001:db8::1", "correo.ñandú.ec"] {
            let form = AccountForm { servidor: typed.to_owned(), ..filled() };
            assert!(form.read(&mut FormErrors::default()).is_some(), "{typed}");
        }
    }

    #[test]
    fn a_port_is_a_number_up_to_65535() {
        for typed in ["", "0", "65536", "-1", "25a", "5 87"] {
            let words = error("puerto", &AccountForm { puerto: typed.to_owned(), ..filled() });
            assert!(words.contains("1 a 65535"), "{typed:?}: {words}");
        }
    }

    #[test]
    fn no_field_carries_a_line_break_into_a_mail() {
        let evil = "a\r\nBcc: todos@otra.ec".to_owned();
        error("nombre", &AccountForm { nombre: evil.clone(), ..filled() });
        error("remitente", &AccountForm { remitente: evil.clone(), ..filled() });
        error("usuario", &AccountForm { usuario: evil.clone(), ..filled() });
        error("clave", &AccountForm { clave: evil.clone(), ..filled() });
        error("responder", &AccountForm { responder: evil.clone(), ..filled() });
        error("oculta", &AccountForm { oculta: evil.clone(), ..filled() });
        error("hacia", &AccountForm { hacia: evil, ..filled() });
    }

    #[test]
    fn each_field_has_its_own_error() {
        let form = AccountForm { modulo: "otro".to_owned(), tls: "ssl".to_owned(), puerto: "x".to_owned(), ..filled() };
        let mut errors = FormErrors::default();
        assert!(form.read(&mut errors).is_none());
        for field in ["modulo", "tls", "puerto"] {
            assert!(errors.of(field).is_some(), "{field}");
        }
    }

    #[test]
    fn the_address_alone_fills_the_form_in() {
        let known = AccountForm::from_address(MailModule::ReceivedPayments, &"ana@gmail.com".parse().unwrap(), "Ana");
        assert_eq!((known.servidor.as_str(), known.puerto.as_str(), known.tls.as_str()), ("smtp.gmail.com", "587", "starttls"));
        assert_eq!(known.usuario, "ana@gmail.com");
        let own = AccountForm::from_address(MailModule::ReceivedPayments, &"ana@empresa.ec".parse().unwrap(), "Ana");
        assert_eq!((own.servidor.as_str(), own.puerto.as_str(), own.tls.as_str()), ("", "587", "starttls"));
    }
}
