//! A connection that waits in a page's hidden field, sealed, until a person has said for which address it is.

use acuse_domain::Instant;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::MailAccountId;
use acuse_domain::mail_account::MailModule;
use acuse_domain::oauth::{Granted, Provider};
use acuse_mail::oauth::Connected;
use acuse_store::oauth::Intent;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub struct Pending {
    pub provider: Provider,
    pub intent: Intent,
    /// Who gave the permission.
    pub address: String,
    pub granted: Granted,
    pub refresh_token: SecretString,
}

/// As it is sealed. Has no `Debug`: it holds tokens.
#[derive(Serialize, Deserialize)]
struct Written {
    provider: String,
    module: String,
    account: Option<Uuid>,
    wanted: Option<String>,
    address: String,
    access_token: String,
    access_ends_at: Instant,
    ends_at: Option<Instant>,
    scope: String,
    refresh_token: String,
}

impl Pending {
    pub fn new(provider: Provider, intent: Intent, connected: Connected) -> Self {
        let Connected { address, granted, refresh_token } = connected;
        Self { provider, intent, address, granted, refresh_token }
    }

    pub fn written(&self) -> SecretString {
        let (module, account, wanted) = match &self.intent {
            Intent::New { module, address } => (module, None, address.as_ref().map(ToString::to_string)),
            Intent::Existing { module, account } => (module, Some(account.0), None),
        };
        let written = Written {
            provider: self.provider.as_str().to_owned(),
            module: module.as_str().to_owned(),
            account,
            wanted,
            address: self.address.clone(),
            access_token: self.granted.access_token.expose_secret().to_owned(),
            access_ends_at: self.granted.access_ends_at,
            ends_at: self.granted.ends_at,
            scope: self.granted.scope.clone(),
            refresh_token: self.refresh_token.expose_secret().to_owned(),
        };
        SecretString::from(serde_json::to_string(&written).unwrap_or_default())
    }

    /// Nothing where it is not what `written` wrote.
    pub fn read(written: &SecretString) -> Option<Self> {
        let written: Written = serde_json::from_str(written.expose_secret()).ok()?;
        let module = MailModule::parse(&written.module)?;
        let intent = match written.account {
            Some(account) => Intent::Existing { module, account: MailAccountId(account) },
            None => Intent::New { module, address: written.wanted.and_then(|address| address.parse::<EmailAddress>().ok()) },
        };
        let refresh_token = SecretString::from(written.refresh_token);
        let granted = Granted {
            access_token: written.access_token.into(),
            access_ends_at: written.access_ends_at,
            refresh_token: Some(refresh_token.clone()),
            ends_at: written.ends_at,
            scope: written.scope,
        };
        Some(Self { provider: Provider::parse(&written.provider)?, intent, address: written.address, granted, refresh_token })
    }
}
