//! The first step of a new account: only the module and the address.

use std::net::SocketAddr;

use acuse_domain::mail_account::{MailAccount, MailModule};
use acuse_domain::oauth::Provider;
use askama::Template;

use super::form::module_word;
use crate::app::App;
use crate::web::filters;
use crate::web::form_errors::FormErrors;
use crate::web::page::Page;

#[derive(Template)]
#[template(path = "mail_accounts/first_step.html")]
pub struct FirstStep {
    page: Page,
    errors: FormErrors,
    modules: Vec<ModuleChoice>,
    address: String,
    /// The address that was probably meant.
    meant: Option<String>,
    /// Whether a form of ours would be taken: there is a module without an account.
    is_open: bool,
    demo: Option<SocketAddr>,
    default_sends: bool,
    /// With whom an account can be connected here.
    connect: Vec<Provider>,
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
            meant: None,
            is_open: chosen.is_some(),
            demo: app.catcher.as_ref().map(acuse_mail::catcher::Catcher::local_addr),
            default_sends: app.default_account.is_some(),
            connect: app.providers.all().map(acuse_mail::oauth::Client::provider).collect(),
        }
    }

    /// Asks whether another address was meant before anything is looked up.
    pub fn doubting(self, meant: String) -> Self {
        Self { meant: Some(meant), ..self }
    }

    pub fn is_refused(&self) -> bool {
        !self.errors.is_empty()
    }
}
