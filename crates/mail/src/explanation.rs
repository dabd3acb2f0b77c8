//! A problem's title and what to do about it, in the reader's language.

use acuse_domain::day_in_ecuador;
use acuse_domain::mail_problem::ProblemCode;
pub use acuse_domain::message::Language;

use crate::failure::{Cause, Failure};
use crate::opening::Detail;
use crate::providers::{self, Provider};

/// A hoster or an antivirus may answer in another server's place; what it then says is not about the account.
const INTERCEPTED_ES: &str = "En lugar de {host} respondió «{answered_by}»: la red o el hosting de esta máquina desvía el correo saliente, y lo que dice no se refiere a su cuenta. Quien cuida el servidor de Acuse debe pedir que permitan la salida; pruebe también el otro puerto (587 o 465).";
const INTERCEPTED_EN: &str = "“{answered_by}” answered in the place of {host}: this machine's network or hosting diverts outgoing mail, and what it says is not about your account. The operator should ask for the way out to be opened; try the other port too (587 or 465).";

/// Who reads what is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Situation {
    /// A person waits at Probar: nothing goes on by itself.
    #[default]
    Check,
    /// A message waits in the queue, or its account rests.
    Queue,
}

/// What is known of the case. What is not known is left out of the texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context<'a> {
    /// The SMTP server.
    pub host: &'a str,
    pub username: &'a str,
    pub sender: &'a str,
    pub certificate_name: Option<String>,
    pub expired_on: Option<chrono::NaiveDate>,
    /// Bytes.
    pub size_limit: Option<usize>,
    /// What of a message could not be written.
    pub field: &'a str,
    /// Who greeted in the place of a known provider's server.
    pub answered_by: Option<String>,
    pub situation: Situation,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    pub title: String,
    /// In the order in which it should be tried.
    pub fix: Vec<String>,
}

impl<'a> Context<'a> {
    /// The context with what a failure adds to it.
    #[must_use]
    pub fn with(mut self, failure: &Failure) -> Self {
        match &failure.cause {
            Cause::CertificateNameMismatch { names } => self.certificate_name = names.first().cloned(),
            Cause::CertificateExpired { on } => self.expired_on = *on,
            Cause::MessageTooBig { limit } => self.size_limit = Some(*limit),
            Cause::NotComposed { field } => self.field = field,
            _ => {}
        }
        self
    }

    fn value(&self, name: &str) -> Option<String> {
        let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        match name {
            "host" => known(self.host),
            "username" => known(self.username),
            "sender" => known(self.sender),
            "field" => known(self.field),
            "certificate_name" => self.certificate_name.clone(),
            "expired_on" => self.expired_on.map(|day| day.format("%d/%m/%Y").to_string()),
            "suggested_host" => providers::meant_host(self.host).map(str::to_owned),
            "answered_by" => self.answered_by.clone(),
            "limit" => self.size_limit.map(|bytes| format!("{} MB", bytes / 1_000_000)),
            _ => None,
        }
    }
}

/// What is said of a code on record. One that is not known any more is shown as it is.
#[must_use]
pub fn explain_recorded(code: &str, context: &Context<'_>, language: Language) -> Explanation {
    match ProblemCode::parse(code) {
        Some(code) => explain(code, context, language),
        None => Explanation { title: code.to_owned(), fix: Vec::new() },
    }
}

/// Title and advice, the provider's own first.
#[must_use]
pub fn explain(code: ProblemCode, context: &Context<'_>, language: Language) -> Explanation {
    let texts = match language {
        Language::Spanish => &code.row().es,
        Language::English => &code.row().en,
    };
    let fix = match (context.situation, texts.fix_queue) {
        (Situation::Queue, Some(fix)) => fix,
        _ => texts.fix,
    };
    let (own_title, own_help) = match providers::of_host(context.host) {
        Some(provider) => provider.help(code, language),
        None => (None, &[][..]),
    };
    let warning = context.answered_by.as_ref().map(|_| match language {
        Language::Spanish => INTERCEPTED_ES.to_owned(),
        Language::English => INTERCEPTED_EN.to_owned(),
    });
    Explanation {
        title: fill(own_title.unwrap_or(texts.title), context),
        fix: warning
            .iter()
            .chain(own_help)
            .map(String::as_str)
            .chain(fix.iter().copied())
            .map(|text| fill(text, context))
            .collect(),
    }
}

impl Provider {
    /// What to have at hand before the first attempt.
    #[must_use]
    pub fn setup(&self, language: Language) -> &[String] {
        match language {
            Language::Spanish => &self.setup.es,
            Language::English => &self.setup.en,
        }
    }

    /// The problem's own title with this provider, and what to do first.
    fn help(&self, code: ProblemCode, language: Language) -> (Option<&str>, &[String]) {
        match (self.help.get(code.as_str()), language) {
            (None, _) => (None, &[]),
            (Some(help), Language::Spanish) => (help.title_es.as_deref(), &help.es),
            (Some(help), Language::English) => (help.title_en.as_deref(), &help.en),
        }
    }
}

/// The title in three to five words, for a row of a list. A code that is not known any more is shown as it is.
#[must_use]
pub fn in_short(code: &str) -> &str {
    ProblemCode::parse(code).and_then(|code| code.row().es.short).unwrap_or(code)
}

/// The two verdicts of a check; in Spanish word for word as accountants know them.
pub(crate) const fn verdict(ok: bool, language: Language) -> &'static str {
    match (ok, language) {
        (true, Language::Spanish) => "Configuración correcta",
        (false, Language::Spanish) => "Configuración errónea",
        (true, Language::English) => "The settings are right",
        (false, Language::English) => "The settings are wrong",
    }
}

/// What was seen in a step of a check: «TLS 1.3, certificado válido hasta el 11/12/2026».
pub(crate) fn seen(detail: Detail, language: Language) -> String {
    match (detail, language) {
        (Detail::Plain(text), _) => text,
        (Detail::Protected { protocol, ends_at: None }, _) => protocol.to_owned(),
        (Detail::Protected { protocol, ends_at: Some(ends) }, language) => {
            let day = day_in_ecuador(ends).format("%d/%m/%Y");
            match language {
                Language::Spanish => format!("{protocol}, certificado válido hasta el {day}"),
                Language::English => format!("{protocol}, certificate valid until {day}"),
            }
        }
        (Detail::InClear, Language::Spanish) => "Sin cifrar, como se eligió".to_owned(),
        (Detail::InClear, Language::English) => "Not encrypted, as chosen".to_owned(),
        (Detail::NoUser, Language::Spanish) => "Sin usuario".to_owned(),
        (Detail::NoUser, Language::English) => "No user".to_owned(),
    }
}

/// What a check that went well has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof<'a> {
    /// A message was taken for this address.
    Message {
        to: &'a str,
    },
    UserAndSender,
    /// There is no user, so nobody logged in.
    Sender,
}

impl Proof<'_> {
    /// What that proves, and what it does not: acceptance is not arrival.
    pub(crate) fn in_words(self, language: Language) -> String {
        let taken = match (self, language) {
            (Self::Message { to }, Language::Spanish) => {
                return format!(
                    "El servidor aceptó el mensaje para {to}. Eso prueba que la cuenta puede enviar; no prueba que ya llegó a la bandeja de entrada: revise también la carpeta de no deseados."
                );
            }
            (Self::Message { to }, Language::English) => {
                return format!(
                    "The server took the message for {to}. That proves that the account can send; it does not prove that it is in the inbox yet: look into the junk folder too."
                );
            }
            (Self::UserAndSender, Language::Spanish) => "aceptó el usuario y el remitente",
            (Self::UserAndSender, Language::English) => "took user and sender",
            (Self::Sender, Language::Spanish) => "aceptó el remitente sin pedir usuario",
            (Self::Sender, Language::English) => "took the sender without asking for a user",
        };
        match language {
            Language::Spanish => format!(
                "El servidor {taken}, y no se envió nada. Algunos servidores solo dicen que no al enviar de verdad: escriba una dirección para probarlo."
            ),
            Language::English => format!(
                "The server {taken}, and nothing was sent. Some servers only say no to a real message: give an address to try it."
            ),
        }
    }
}

/// Fills in `{names}`; `[a part|another]` gives the first part whose values are all known, or nothing.
fn fill(text: &str, context: &Context<'_>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        filled.push_str(&values(before, context).unwrap_or_default());
        let (choices, tail) = after.split_once(']').unwrap_or((after, ""));
        filled.push_str(&choices.split('|').find_map(|part| values(part, context)).unwrap_or_default());
        rest = tail;
    }
    filled.push_str(&values(rest, context).unwrap_or_default());
    filled
}

/// Nothing where a value is not known.
fn values(text: &str, context: &Context<'_>) -> Option<String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}')?;
        filled.push_str(before);
        filled.push_str(&context.value(name)?);
        rest = tail;
    }
    filled.push_str(rest);
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_fits_in_a_row_of_a_list() {
        for code in ProblemCode::ALL {
            let short = in_short(code.as_str());
            assert_ne!(short, code.as_str(), "{code} has no short cause");
            assert!(short.split(' ').count() <= 5 && short.chars().count() <= 36, "{code}: «{short}» is too long for a row");
            assert!(!short.contains(['[', '{']) && !short.ends_with('.'), "{code}: «{short}»");
        }
    }

    #[test]
    fn every_problem_reads_well_with_everything_known_and_with_nothing() {
        let full = Context {
            host: "mail.empresa.ec",
            username: "cobros@empresa.ec",
            sender: "ventas@empresa.ec",
            certificate_name: Some("srv1.hosting.com".to_owned()),
            expired_on: chrono::NaiveDate::from_ymd_opt(2026, 11, 3),
            field: "subject",
            size_limit: Some(25_000_000),
            answered_by: Some("srv2.hosting.com".to_owned()),
            situation: Situation::Queue,
        };
        for code in ProblemCode::ALL {
            for context in [&full, &Context::default()] {
                for language in [Language::Spanish, Language::English] {
                    let said = explain(code, context, language);
                    for text in said.fix.iter().chain([&said.title]) {
                        assert!(text.len() > 8 && !text.contains(['{', '[', ']', '|', '}']), "{code}: {text:?}");
                        assert!(!text.contains("  ") && text.trim() == text, "{code}: {text:?}");
                    }
                    assert!(!said.fix.is_empty(), "{code}");
                }
            }
        }
    }

    #[test]
    fn texts_name_what_is_known() {
        let context = Context { host: "smpt.gmail.com", ..Context::default() };
        let said = explain(ProblemCode::HostNotFound, &context, Language::Spanish);
        assert_eq!(said.title, "No existe el servidor «smpt.gmail.com»");
        assert!(said.fix[0].starts_with("¿Quiso decir smtp.gmail.com? "), "{:?}", said.fix);
        let gmail = Context { host: "smtp.gmail.com", ..Context::default() };
        assert_eq!(
            explain(ProblemCode::AuthAppPasswordRequired, &gmail, Language::Spanish).title,
            "Gmail pide una contraseña de aplicación"
        );
        assert_eq!(
            explain(ProblemCode::SenderNotAllowed, &gmail, Language::English).title,
            "The server does not let you send as that sender"
        );
    }
}
