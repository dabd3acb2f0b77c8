//! The pages on the way to a provider and back.

use acuse_domain::email_address::EmailAddress;
use acuse_domain::oauth::Provider;
use acuse_store::oauth::Intent;
use askama::Template;

use super::super::form::module_word;
use super::pending::Pending;
use super::refusal::{Said, Why, in_words};
use crate::web::filters;
use crate::web::page::Page;

/// Leads on to the provider by itself; a browser that does not follow has the link.
#[derive(Template)]
#[template(path = "mail_accounts/connect/leaving.html")]
pub struct ToProviderPage {
    pub page: Page,
    pub provider: &'static str,
    pub url: String,
}

#[derive(Template)]
#[template(path = "mail_accounts/connect/not_connected.html")]
pub struct NotConnectedPage {
    page: Page,
    said: Said,
    again: Option<Again>,
}

/// The same attempt once more.
struct Again {
    action: String,
    provider: Provider,
    module: &'static str,
    address: String,
}

impl NotConnectedPage {
    pub fn new(page: Page, provider: Provider, why: &Why, intent: Option<&Intent>) -> Self {
        Self { page, said: in_words(why, provider), again: intent.map(|intent| Again::of(provider, intent)) }
    }
}

impl Again {
    fn of(provider: Provider, intent: &Intent) -> Self {
        match intent {
            Intent::New { module, address } => Self {
                action: format!("/mi-compania/correos/conectar/{}", provider.as_str()),
                provider,
                module: module_word(*module),
                address: address.as_ref().map(ToString::to_string).unwrap_or_default(),
            },
            Intent::Existing { module, account } => Self {
                action: format!("/mi-compania/correos/{account}/conectar"),
                provider,
                module: module_word(*module),
                address: String::new(),
            },
        }
    }
}

/// «Se conectó ana@…, y usted escribió cobros@…».
#[derive(Template)]
#[template(path = "mail_accounts/connect/other_address.html")]
pub struct OtherAddressPage {
    page: Page,
    provider: Provider,
    wanted: String,
    connected: String,
    sealed: String,
    again: Again,
}

impl OtherAddressPage {
    pub fn new(page: Page, provider: Provider, wanted: &EmailAddress, pending: &Pending, sealed: String) -> Self {
        let again = Again::of(provider, &pending.intent);
        Self { page, provider, wanted: wanted.to_string(), connected: pending.address.clone(), sealed, again }
    }
}
