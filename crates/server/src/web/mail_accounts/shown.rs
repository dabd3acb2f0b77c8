//! The pages of one account: its first step, and its form with the diagnosis beside it. Neither ever holds a password.

use std::net::SocketAddr;

use acuse_domain::email_address::EmailAddress;
use acuse_domain::mail_account::{MailAccount, MailModule, Security};
use acuse_mail::providers::{self, Provider};
use askama::Template;

use super::change::Sealed;
use super::form::{AccountForm, module_word};
use super::probe::Diagnosis;
use crate::app::App;
use crate::web::form_errors::FormErrors;
use crate::web::page::Page;
use crate::web::{calendar, filters};

/// Only the module and the address.
#[derive(Template)]
#[template(path = "mail_accounts/first_step.html")]
pub struct FirstStep {
    page: Page,
    errors: FormErrors,
    modules: Vec<ModuleChoice>,
    address: String,
    /// Whether a form of ours would be taken: there is a module without an account.
    is_open: bool,
    demo: Option<SocketAddr>,
    default_sends: bool,
}

struct ModuleChoice {
    word: &'static str,
    name: &'static str,
    is_chosen: bool,
    /// The account that it has already: its address and its id.
    taken_by: Option<(String, String)>,
}

impl FirstStep {
    pub fn new(app: &App, page: Page, taken: &[MailAccount], wanted: &str, address: String, errors: FormErrors) -> Self {
        let account_of = |module: MailModule| taken.iter().find(|account| account.settings.module == module);
        let free = || MailModule::ALL.into_iter().filter(|module| account_of(*module).is_none());
        let chosen = free().find(|module| module_word(*module) == wanted).or_else(|| free().next());
        let modules = MailModule::ALL.map(|module| ModuleChoice {
            word: module_word(module),
            name: module.name(),
            is_chosen: chosen == Some(module),
            taken_by: account_of(module).map(|account| (account.settings.from_address.to_string(), account.id.to_string())),
        });
        Self {
            page,
            errors,
            modules: modules.into(),
            address,
            is_open: chosen.is_some(),
            demo: app.catcher.as_ref().map(acuse_mail::catcher::Catcher::local_addr),
            default_sends: app.default_account.is_some(),
        }
    }

    pub fn is_refused(&self) -> bool {
        !self.errors.is_empty()
    }
}

/// The form of an account.
#[derive(Template)]
#[template(path = "mail_accounts/account.html")]
pub struct AccountPage {
    page: Page,
    /// Under the fields; on top only if the form was refused.
    errors: FormErrors,
    is_refused: bool,
    title: String,
    action: String,
    modules: Vec<Choice>,
    securities: Vec<Choice>,
    typed: Typed,
    hints: Hints,
    sealed: Sealed,
    diagnosis: Option<Diagnosis>,
    is_new: bool,
    demo: Option<SocketAddr>,
}

struct Choice {
    word: &'static str,
    name: &'static str,
    is_chosen: bool,
}

/// The form's fields without its passwords.
struct Typed {
    name: String,
    from: String,
    server: String,
    port: String,
    username: String,
    reply_to: String,
    bcc: String,
    to: String,
}

/// Where a value comes from, said under its field.
#[derive(Default)]
struct Hints {
    name: Option<&'static str>,
    server: Option<String>,
    port: Option<String>,
    security: Option<String>,
    username: Option<&'static str>,
    password: Option<&'static str>,
}

impl AccountPage {
    /// As it is first seen.
    pub fn blank(app: &App, page: Page, form: AccountForm, saved: Option<&MailAccount>) -> Self {
        let mut title = form.remitente.trim().to_owned();
        if title.is_empty() {
            "Configuración".clone_into(&mut title);
        }
        let sealed = Sealed { password: None, check: None };
        let hints = Hints::of(&form, &page.company_name, saved.is_some_and(|saved| saved.has_password), false);
        let action = match saved {
            Some(saved) => format!("/mi-compania/correos/{}", saved.id),
            None => "/mi-compania/correos".to_owned(),
        };
        let modules = MailModule::ALL.map(|module| choice(module_word(module), module.name(), &form.modulo)).into();
        let securities = Security::ALL.map(|security| choice(security.as_str(), security.name(), &form.tls)).into();
        Self {
            page,
            errors: FormErrors::default(),
            is_refused: false,
            title,
            action,
            modules,
            securities,
            typed: Typed::of(form),
            hints,
            sealed,
            diagnosis: None,
            is_new: saved.is_none(),
            demo: app.catcher.as_ref().map(acuse_mail::catcher::Catcher::local_addr),
        }
    }

    /// As it comes back with what is to be mended.
    pub fn refused(
        app: &App,
        page: Page,
        form: AccountForm,
        saved: Option<&MailAccount>,
        errors: FormErrors,
        sealed: Option<Sealed>,
    ) -> Self {
        let blank = Self::blank(app, page, form, saved);
        Self { errors, is_refused: true, ..blank }.with_sealed(sealed.unwrap_or(Sealed { password: None, check: None }))
    }

    /// As it comes back from Probar.
    pub fn checked(
        app: &App,
        page: Page,
        form: AccountForm,
        saved: Option<&MailAccount>,
        diagnosis: Diagnosis,
        sealed: Sealed,
        errors: FormErrors,
    ) -> Self {
        let blank = Self::blank(app, page, form, saved);
        Self { errors, diagnosis: Some(diagnosis), ..blank }.with_sealed(sealed)
    }

    fn with_sealed(mut self, sealed: Sealed) -> Self {
        if sealed.password.is_some() {
            self.hints.password = Some("La que escribió; escriba otra para cambiarla");
        }
        self.sealed = sealed;
        self
    }

    fn checked_at(&self) -> String {
        format!("Hoy {}", calendar::hour(self.page.now))
    }

    fn wants_app_password(&self) -> bool {
        self.problem_code() == Some("auth_app_password_required")
    }

    fn problem_code(&self) -> Option<&'static str> {
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

    /// `aria-invalid` and the words of an error, else the words of a hint.
    fn described(&self, field: &str, has_hint: bool) -> askama::filters::Safe<String> {
        match (self.errors.of(field), has_hint) {
            (Some(_), _) => self.errors.attributes(field),
            (None, true) => askama::filters::Safe(format!(r#"aria-describedby="de-{field}""#)),
            (None, false) => askama::filters::Safe(String::new()),
        }
    }
}

impl Typed {
    fn of(form: AccountForm) -> Self {
        Self {
            name: form.nombre,
            from: form.remitente,
            server: form.servidor,
            port: form.puerto,
            username: form.usuario,
            reply_to: form.responder,
            bcc: form.oculta,
            to: form.hacia,
        }
    }

    fn has_rare(&self) -> bool {
        !self.reply_to.is_empty() || !self.bcc.is_empty()
    }

    fn domain(&self) -> Option<String> {
        self.from.trim().parse::<EmailAddress>().ok().map(|address| address.domain().to_owned())
    }
}

impl Hints {
    fn of(form: &AccountForm, company_name: &str, has_stored: bool, has_typed: bool) -> Self {
        let address: Option<EmailAddress> = form.remitente.trim().parse().ok();
        let preset = address
            .and_then(|address| providers::of_domain(address.domain()))
            .or_else(|| providers::of_host(form.servidor.trim()));
        let of = |is_preset: fn(&AccountForm, &Provider) -> bool| {
            preset.filter(|preset| is_preset(form, preset)).map(|preset| format!("de {}", preset.name))
        };
        Self {
            name: (!form.nombre.is_empty() && form.nombre == company_name).then_some("de Mi compañía"),
            server: of(|form, preset| form.servidor == preset.server),
            port: of(|form, preset| form.servidor == preset.server && form.puerto == preset.port.to_string()),
            security: of(|form, preset| form.servidor == preset.server && form.tls == preset.security().as_str()),
            username: match (form.usuario.is_empty(), form.usuario == form.remitente) {
                (true, _) => Some("vacío: el servidor no pide usuario"),
                (_, true) => Some("igual al correo"),
                _ => None,
            },
            password: match (has_typed, has_stored) {
                (true, _) => Some("La que escribió; escriba otra para cambiarla"),
                (false, true) => Some("Vacía: se conserva la guardada"),
                (false, false) => None,
            },
        }
    }
}

fn choice(word: &'static str, name: &'static str, chosen: &str) -> Choice {
    Choice { word, name, is_chosen: word == chosen }
}
