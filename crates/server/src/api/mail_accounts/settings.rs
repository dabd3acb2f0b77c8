//! The fields of an account as they are sent.

use acuse_domain::email_address::EmailAddress;
use acuse_domain::input::optional_address;
use acuse_domain::mail_account::{MailAccount, MailAccountSettings, MailModule, Security};
use acuse_domain::message::Message;
use acuse_mail::guard::Network;
use acuse_store::mail_accounts;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::account_rules as rules;
use crate::api::codes;
use crate::api::fields::{self, Fields};
use crate::api::patch;
use crate::problem::Problem;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMailAccount, example = json!({
    "module": "received_payments", "server": "smtp.gmail.com", "port": 587, "security": "starttls",
    "username": "cobros@empresa.ec", "password": "…", "from_name": "Empresa S.A.", "from_address": "cobros@empresa.ec",
    "reply_to": null, "bcc": null
}))]
pub struct AccountIn {
    #[schema(required, schema_with = codes::schema::modules)]
    pub(in crate::api) module: Option<String>,
    #[schema(required, nullable = false)]
    pub(in crate::api) server: Option<String>,
    #[schema(required, nullable = false, value_type = u16)]
    pub(in crate::api) port: Option<i64>,
    /// `none` sends in clear.
    #[schema(required, schema_with = codes::schema::securities)]
    pub(in crate::api) security: Option<String>,
    /// Absent or empty where the server asks for no login.
    pub(in crate::api) username: Option<String>,
    /// Written, never read.
    #[schema(write_only)]
    pub(in crate::api) password: Option<String>,
    /// The company's razón social where absent.
    pub(in crate::api) from_name: Option<String>,
    #[schema(required, nullable = false)]
    pub(in crate::api) from_address: Option<String>,
    pub(in crate::api) reply_to: Option<String>,
    /// Gets a hidden copy of everything.
    pub(in crate::api) bcc: Option<String>,
}

/// What is absent stays; null takes it away, and of `password` keeps it.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MailAccountChange, example = json!({ "port": 465, "security": "tls" }))]
pub struct AccountChange {
    #[serde(default, deserialize_with = "patch::value")]
    #[schema(schema_with = codes::schema::modules)]
    pub(in crate::api) module: Option<String>,
    #[serde(default, deserialize_with = "patch::value")]
    #[schema(nullable = false)]
    pub(in crate::api) server: Option<String>,
    #[serde(default, deserialize_with = "patch::value")]
    #[schema(nullable = false, value_type = u16)]
    pub(in crate::api) port: Option<i64>,
    #[serde(default, deserialize_with = "patch::value")]
    #[schema(schema_with = codes::schema::securities)]
    pub(in crate::api) security: Option<String>,
    /// Null or empty forgets the user and the password: the server asks for no login.
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<String>)]
    pub(in crate::api) username: Option<Option<String>>,
    /// Absent, null or empty keeps the one it has: it goes with its user.
    #[schema(write_only)]
    pub(in crate::api) password: Option<String>,
    #[serde(default, deserialize_with = "patch::value")]
    #[schema(nullable = false)]
    pub(in crate::api) from_name: Option<String>,
    #[serde(default, deserialize_with = "patch::value")]
    #[schema(nullable = false)]
    pub(in crate::api) from_address: Option<String>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<String>)]
    pub(in crate::api) reply_to: Option<Option<String>>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<String>)]
    pub(in crate::api) bcc: Option<Option<String>>,
    /// False lets its module fall back to the default account.
    #[serde(default, deserialize_with = "patch::value")]
    #[schema(nullable = false)]
    pub(in crate::api) enabled: Option<bool>,
}

/// Settings that are valid, and the password if one was given.
pub struct AccountRequest {
    pub settings: MailAccountSettings,
    pub password: Option<SecretString>,
}

impl AccountIn {
    pub(in crate::api) fn read(self, company_name: &str, network: &Network) -> Result<AccountRequest, Problem> {
        let mut fields = Fields::default();
        let module = fields.keep("module", fields::code(self.module.as_deref(), MailModule::parse, &codes::modules()));
        let server = fields.required("server", self.server).and_then(|typed| keep(&mut fields, "server", rules::server(&typed)));
        let port = fields.required("port", self.port).and_then(|port| keep(&mut fields, "port", rules::port(port)));
        if let (Some(server), Some(port)) = (&server, port) {
            keep(&mut fields, "port", rules::mail_port(network, server, port));
        }
        let security = fields.keep("security", fields::code(self.security.as_deref(), Security::parse, &codes::securities()));
        let username = keep(&mut fields, "username", rules::username(&self.username.unwrap_or_default())).unwrap_or_default();
        let password = password(&mut fields, self.password);
        if !username.is_empty() && password.is_none() {
            fields.required::<()>("password", None);
        }
        let from_name = self.from_name.and_then(|name| sender_name(&mut fields, &name)).filter(|name| !name.is_empty());
        let from_address = fields.keep("from_address", fields::address(self.from_address.as_deref()));
        let reply_to = fields.keep("reply_to", optional_address(self.reply_to.as_deref().unwrap_or_default())).flatten();
        let bcc = fields.keep("bcc", optional_address(self.bcc.as_deref().unwrap_or_default())).flatten();
        let from_name = from_name.unwrap_or_else(|| company_name.to_owned());
        let (Some(module), Some(server), Some(port)) = (module, server, port) else { return Err(fields.into_problem()) };
        let (Some(security), Some(from_address)) = (security, from_address) else { return Err(fields.into_problem()) };
        fields.check()?;
        let settings = MailAccountSettings { module, server, port, security, username, from_name, from_address, reply_to, bcc };
        Ok(AccountRequest { settings, password })
    }
}

impl AccountChange {
    /// The fields that it leaves as they are, by their names.
    pub(in crate::api) fn untouched(&self) -> Vec<&'static str> {
        let fields = [
            ("module", self.module.is_none()),
            ("server", self.server.is_none()),
            ("port", self.port.is_none()),
            ("security", self.security.is_none()),
            ("username", self.username.is_none()),
            ("from_name", self.from_name.is_none()),
            ("from_address", self.from_address.is_none()),
            ("reply_to", self.reply_to.is_none()),
            ("bcc", self.bcc.is_none()),
        ];
        fields.into_iter().filter(|(_, is_absent)| *is_absent).map(|(field, _)| field).collect()
    }

    pub(in crate::api) fn apply_to(self, account: &MailAccount, network: &Network) -> Result<AccountRequest, Problem> {
        let mut fields = Fields::default();
        let mut settings = account.settings.clone();
        let module = fields.optional_code("module", self.module.as_deref(), MailModule::parse, &codes::modules());
        settings.module = module.unwrap_or(settings.module);
        if let Some(server) = self.server.and_then(|typed| keep(&mut fields, "server", rules::server(&typed))) {
            settings.server = server;
        }
        let port = self.port.and_then(|port| keep(&mut fields, "port", rules::port(port)));
        settings.port = port.unwrap_or(settings.port);
        if settings.port != account.settings.port || settings.server != account.settings.server {
            keep(&mut fields, "port", rules::mail_port(network, &settings.server, settings.port));
        }
        let security = fields.optional_code("security", self.security.as_deref(), Security::parse, &codes::securities());
        settings.security = security.unwrap_or(settings.security);
        let username = self.username.map(Option::unwrap_or_default);
        if let Some(name) = username.and_then(|typed| keep(&mut fields, "username", rules::username(&typed))) {
            settings.username = name;
        }
        if let Some(name) = self.from_name.and_then(|name| sender_name(&mut fields, &name)) {
            settings.from_name = fields.required("from_name", Some(name).filter(|name| !name.is_empty())).unwrap_or_default();
        }
        if let Some(address) = self.from_address.and_then(|typed| fields.keep("from_address", fields::address(Some(&typed)))) {
            settings.from_address = address;
        }
        change_address("reply_to", self.reply_to, &mut settings.reply_to, &mut fields);
        change_address("bcc", self.bcc, &mut settings.bcc, &mut fields);
        let password = password(&mut fields, self.password);
        if !settings.username.is_empty() && password.is_none() {
            if !account.has_password && account.connection.is_none() {
                fields.required::<()>("password", None);
            } else if mail_accounts::needs_new_password(account, &settings) {
                fields.note("password", rules::password_again(account, &settings));
            }
        }
        fields.check()?;
        Ok(AccountRequest { settings, password })
    }
}

fn change_address(field: &str, given: Option<Option<String>>, kept: &mut Option<EmailAddress>, fields: &mut Fields) {
    if let Some(address) = given {
        *kept = fields.keep(field, optional_address(address.as_deref().unwrap_or_default())).flatten();
    }
}

fn sender_name(fields: &mut Fields, typed: &str) -> Option<String> {
    keep(fields, "from_name", rules::sender_name(typed))
}

/// Nothing where it is absent or empty.
fn password(fields: &mut Fields, given: Option<String>) -> Option<SecretString> {
    let password = SecretString::from(given.filter(|password| !password.is_empty())?);
    keep(fields, "password", rules::password(password.expose_secret()));
    Some(password)
}

/// Notes why a value cannot stand.
fn keep<T>(fields: &mut Fields, field: &str, read: Result<T, Message>) -> Option<T> {
    read.map_err(|why| fields.note(field, why)).ok()
}
