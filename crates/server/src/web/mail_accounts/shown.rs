//! The page of one account: its form with the diagnosis beside it. Never holds a password.

use std::net::SocketAddr;

use acuse_domain::email_address::EmailAddress;
use acuse_domain::host::other_spelling;
use acuse_domain::input::mail_account as rules;
use acuse_domain::mail_account::{MailAccount, MailModule, Security};
use acuse_domain::mail_problem::{Connect, ProblemCode};
use acuse_domain::message::{Message, messages};
use acuse_domain::oauth;
use acuse_mail::autoconfig::Discovery;
use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::check_view::{self, Diagnosis, Row};
use super::connect;
use super::form::{AccountForm, module_word};
use super::help::ProviderHelp;
use crate::app::App;
use crate::web::conflict::Conflict;
use crate::web::form_errors::FormErrors;
use crate::web::page::Page;
use crate::web::{calendar, filters};

/// The form of an account.
#[derive(Template)]
#[template(path = "mail_accounts/account.html")]
pub struct AccountPage {
    page: Page,
    /// Under the fields; on top only if the form was refused.
    errors: FormErrors,
    is_refused: bool,
    /// What stands in the way of trying or saving it, and is no field's fault.
    notice: Option<Message>,
    title: String,
    action: String,
    modules: Vec<Choice>,
    securities: Vec<Choice>,
    /// Without its passwords.
    typed: AccountForm,
    hints: Hints,
    sealed: Sealed,
    /// Somebody else changed it while the form was open.
    conflict: Conflict,
    diagnosis: Option<Diagnosis>,
    help: Option<ProviderHelp>,
    /// The address was not enough.
    unknown: Option<Unknown>,
    is_new: bool,
    /// Why its port cannot be saved: that is not offered then.
    refused_port: Option<Message>,
    /// Of a saved account: how its last test ended, and when.
    tested: Option<(bool, String)>,
    demo: Option<SocketAddr>,
    /// In place of a password.
    connection: Option<oauth::Connection>,
    /// With whom it could be connected instead of the password that is not taken.
    instead: Option<oauth::Provider>,
}

/// What goes into the form's hidden fields.
#[derive(Default)]
pub struct Sealed {
    pub password: Option<String>,
    /// The password for the correction that Probar suggested.
    pub corrected: Option<String>,
    pub check: Option<String>,
}

/// A domain whose server was not found.
struct Unknown {
    domain: String,
    /// Somebody did not answer in time.
    is_incomplete: bool,
    /// Where to look again.
    again: String,
}

struct Choice {
    word: &'static str,
    name: &'static str,
    is_chosen: bool,
}

/// Where a value comes from, said under its field.
struct Hints {
    name: Option<&'static str>,
    server: Option<String>,
    /// The server's name as the DNS writes it, or as people do.
    other_spelling: Option<String>,
    port: Option<String>,
    security: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

impl AccountPage {
    /// As it is first seen.
    pub fn of(app: &App, page: Page, mut form: AccountForm, saved: Option<&MailAccount>) -> Self {
        let address: Option<EmailAddress> = form.remitente.trim().parse().ok();
        let title = match form.remitente.trim() {
            "" => "Configuración".to_owned(),
            typed => typed.to_owned(),
        };
        let action = match saved {
            Some(saved) => format!("/mi-compania/correos/{}", saved.id),
            None => "/mi-compania/correos".to_owned(),
        };
        let instead = connect::provider_of(&form.servidor).filter(|provider| app.providers.of(*provider).is_some());
        let may_use_port = |port| app.network.may_use_mail_port(form.servidor.trim(), port);
        let refused_port = match rules::port(&form.puerto) {
            Ok(port) => (!may_use_port(port)).then(|| messages::port_not_allowed(port)),
            Err(why) => Some(why).filter(|why| *why != messages::port_missing()),
        };
        let has_stored = saved.is_some_and(|saved| saved.has_password);
        form.forget_password();
        Self {
            errors: FormErrors::default(),
            is_refused: false,
            notice: None,
            title,
            action,
            modules: MailModule::ALL.map(|module| choice(module_word(module), module.name(), &form.modulo)).into(),
            securities: Security::ALL.map(|security| choice(security.as_str(), security.name(), &form.tls)).into(),
            hints: Hints::of(&form, &page.company_name, has_stored),
            help: if has_stored { None } else { ProviderHelp::of(address.as_ref(), &form.servidor) },
            conflict: Conflict::default(),
            typed: form,
            page,
            sealed: Sealed::default(),
            diagnosis: None,
            unknown: None,
            is_new: saved.is_none(),
            refused_port,
            tested: saved
                .and_then(|saved| saved.last_check.as_ref())
                .map(|check| (check.ok, calendar::moment(check.at, acuse_store::now()))),
            connection: saved.and_then(|saved| saved.connection.clone()),
            instead,
            demo: app.catcher.as_ref().map(acuse_mail::catcher::Catcher::local_addr),
        }
    }

    /// As it comes back with what is to be mended.
    pub fn refused(self, errors: FormErrors) -> Self {
        // Where it is to be typed again, nothing is kept and nothing of it is there.
        let password = self.hints.password.filter(|_| errors.of("clave").is_none());
        Self { hints: Hints { password, ..self.hints }, errors, is_refused: true, ..self }
    }

    /// As it comes back where somebody else was faster: with both values of what differs.
    pub fn conflicting(self, conflict: Conflict) -> Self {
        Self { conflict, ..self }
    }

    /// As it comes back from Probar.
    pub fn checked(self, diagnosis: Diagnosis, errors: FormErrors) -> Self {
        Self { errors, diagnosis: Some(diagnosis), ..self }
    }

    pub fn noticing(self, notice: Message) -> Self {
        Self { notice: Some(notice), ..self }
    }

    /// As the address alone filled it in.
    pub fn searched(self, address: &EmailAddress, found: &Discovery) -> Self {
        if found.server.is_some() {
            return self;
        }
        let encoded = utf8_percent_encode(address.as_str(), NON_ALPHANUMERIC);
        let module = self.modules.iter().find(|module| module.is_chosen).map_or("", |module| module.word);
        let again = format!("/mi-compania/correos/nueva?modulo={module}&direccion={encoded}&tal_cual=si");
        let unknown = Unknown { domain: address.domain().to_owned(), is_incomplete: found.is_incomplete, again };
        Self { unknown: Some(unknown), ..self }
    }

    pub fn with_sealed(mut self, sealed: Sealed) -> Self {
        if sealed.password.is_some() {
            self.hints.password = Some("Se usa la que escribió; escriba otra para cambiarla".to_owned());
        }
        self.sealed = sealed;
        self
    }

    /// What of the password may surprise whoever typed it, beside where it comes from.
    pub fn remarking(mut self, remark: Option<String>) -> Self {
        if let Some(remark) = remark {
            let said = self.hints.password.take();
            self.hints.password = Some([said, Some(remark)].into_iter().flatten().collect::<Vec<_>>().join(" "));
        }
        self
    }

    /// What the script says while one types a password of that kind.
    fn remark(&self, like: &str) -> String {
        check_view::remark(like).unwrap_or_default()
    }

    fn checked_at(&self) -> String {
        format!("Hoy {}", calendar::hour(self.page.now))
    }

    fn wants_app_password(&self) -> bool {
        self.problem_code() == Some(ProblemCode::AuthAppPasswordRequired)
    }

    /// What is missing has a page of its own, once the account is saved.
    fn is_about_the_domain(&self) -> bool {
        !self.is_new && self.problem_code() == Some(ProblemCode::DomainNotAuthenticated)
    }

    /// A password that is not taken, of a mailbox that can be connected.
    fn connects_instead(&self) -> Option<oauth::Provider> {
        let is_its_fault = self.problem_code().is_some_and(|code| code.row().connect == Some(Connect::Instead));
        self.instead.filter(|_| is_its_fault && self.connection.is_none())
    }

    fn problem_code(&self) -> Option<ProblemCode> {
        self.diagnosis.as_ref()?.problem.as_ref().map(|problem| problem.code)
    }

    /// The next sensible act is the only primary button: a cure where there is one, else Probar.
    fn probe_is_primary(&self) -> bool {
        match &self.diagnosis {
            None => true,
            Some(diagnosis) => !diagnosis.ok && diagnosis.correction.is_none() && !self.wants_app_password(),
        }
    }

    fn is_correct(&self) -> bool {
        self.diagnosis.as_ref().is_some_and(|diagnosis| diagnosis.ok)
    }

    fn save_word(&self) -> &'static str {
        match &self.diagnosis {
            Some(diagnosis) if diagnosis.ok => "Guardar",
            Some(_) => "Guardar sin corregir",
            None if self.is_new => "Guardar sin probar",
            None => "Guardar",
        }
    }

    /// What it means to save it as it is.
    fn saving_means(&self) -> Option<String> {
        if let Some(why) = &self.refused_port {
            return Some(why.to_string());
        }
        let means = match &self.diagnosis {
            Some(diagnosis) if diagnosis.ok => None,
            Some(_) => Some("Sin corregir queda marcada con el error, y nada sale por ella hasta que funcione."),
            None if self.is_new => Some("Puede guardarla así; queda marcada «Sin probar»."),
            None => None,
        };
        means.map(str::to_owned)
    }

    fn untried(&self) -> [Row; 7] {
        Row::untried()
    }
}

impl Hints {
    fn of(form: &AccountForm, company_name: &str, has_stored: bool) -> Self {
        let from = |field: &str, value: &str| form.origen.hint(field, value);
        let username = match form.usuario.as_str() {
            "" => from("usuario", "").or_else(|| Some("Si está vacío, se entra sin usuario".to_owned())),
            user if user == form.remitente => Some("igual al correo".to_owned()),
            user => from("usuario", user),
        };
        Self {
            name: (!form.nombre.is_empty() && form.nombre == company_name).then_some("de Mi compañía"),
            server: from("servidor", &form.servidor),
            other_spelling: other_spelling(form.servidor.trim()),
            port: from("puerto", &form.puerto),
            security: from("tls", &form.tls),
            username,
            password: has_stored.then(|| "Si está vacía, se usa la guardada".to_owned()),
        }
    }
}

fn choice(word: &'static str, name: &'static str, chosen: &str) -> Choice {
    Choice { word, name, is_chosen: word == chosen }
}
