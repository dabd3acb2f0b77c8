//! An account as its row has it, whatever stands there.

use acuse_domain::Instant;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{CompanyId, MailAccountId};
use acuse_domain::mail_account::{CredentialScope, LastCheck, MailAccount, MailAccountSettings, MailModule, Pause, Security};
use acuse_domain::oauth::{Connection, Provider};
use acuse_domain::text::escaped;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{identity, scope_of};
use crate::sql::{Kept, Of, Reading};

pub(super) const SELECT: &str =
    "SELECT a.company_id, a.id, a.module, a.server, a.port, a.security, a.username, a.sealed_password,
    a.from_name, a.from_address, a.reply_to, a.bcc, a.enabled, a.version, a.checked_at, a.check_ok,
    p.since AS paused_since, p.problem_code AS paused_code, p.reply AS paused_reply,
    c.provider, c.address AS connected_address, c.connected_at, c.ends_at AS connection_ends_at,
    c.broken_at AS connection_broken_at
    FROM mail_account a LEFT JOIN account_pause p ON p.account_id = a.id
    LEFT JOIN oauth_connection c ON c.company_id = a.company_id AND c.account_id = a.id";

#[derive(Clone, FromQueryResult)]
pub(super) struct Row {
    company_id: Uuid,
    id: Uuid,
    module: Kept<String>,
    server: Kept<String>,
    port: Kept<i32>,
    security: Kept<String>,
    username: Kept<String>,
    sealed_password: Kept<Option<Vec<u8>>>,
    from_name: Kept<String>,
    from_address: Kept<String>,
    reply_to: Kept<Option<String>>,
    bcc: Kept<Option<String>>,
    enabled: Kept<bool>,
    version: Kept<i64>,
    checked_at: Kept<Option<Instant>>,
    check_ok: Kept<Option<bool>>,
    paused_since: Kept<Option<Instant>>,
    paused_code: Kept<Option<String>>,
    paused_reply: Kept<Option<String>>,
    provider: Kept<Option<String>>,
    connected_address: Kept<Option<String>>,
    connected_at: Kept<Option<Instant>>,
    connection_ends_at: Kept<Option<Instant>>,
    connection_broken_at: Kept<Option<Instant>>,
}

impl Reading {
    fn port(&mut self, kept: Kept<i32>) -> u16 {
        self.parsed("port", kept, |port| u16::try_from(port).ok().filter(|port| *port > 0)).unwrap_or_default()
    }

    fn sender(&mut self, kept: Kept<String>) -> EmailAddress {
        let kept = self.kept("from_address", kept, String::new());
        self.known("from_address", EmailAddress::as_kept(&kept))
    }

    fn address(&mut self, field: &'static str, kept: Kept<Option<String>>) -> Option<EmailAddress> {
        let kept = self.kept(field, kept, None).filter(|kept| !kept.trim().is_empty())?;
        Some(self.known(field, EmailAddress::as_kept(&kept)))
    }

    fn known(&mut self, field: &'static str, address: EmailAddress) -> EmailAddress {
        if !address.is_readable() {
            self.note(field);
        }
        address
    }
}

impl Row {
    pub(super) fn sealed(&self) -> Option<Vec<u8>> {
        self.sealed_password.clone().or(None)
    }

    fn scope(&self) -> Option<CredentialScope> {
        let text = |kept: &Kept<String>| kept.clone().value();
        scope_of(text(&self.server)?, self.port.clone().value()?, &text(&self.security)?, text(&self.username)?)
    }

    /// What its password is bound to; nothing where that cannot be read.
    pub(super) fn identity(&self) -> Option<String> {
        Some(identity(CompanyId(self.company_id), MailAccountId(self.id), &self.scope()?))
    }

    fn connection(&self, of: Of) -> Option<Connection> {
        let provider = self.provider.clone().or(None)?;
        Some(Connection {
            provider: of.code("provider", &provider, Provider::parse)?,
            address: self.connected_address.clone().or(None).unwrap_or_default(),
            // Only said to people; the tokens have times of their own.
            connected_at: of.kept("connected_at", self.connected_at.clone()).flatten().unwrap_or_default(),
            ends_at: of.kept("ends_at", self.connection_ends_at.clone()).flatten(),
            broken_at: of.kept("broken_at", self.connection_broken_at.clone()).flatten(),
        })
    }

    fn pause(&self, of: Of) -> Option<Pause> {
        let problem_code = self.paused_code.clone().or(None)?;
        let since = of.kept("paused_since", self.paused_since.clone()).flatten().unwrap_or_default();
        Some(Pause { since, problem_code, reply: escaped(&self.paused_reply.clone().or(None).unwrap_or_default()) })
    }

    /// As it may be shown. With what cannot be read of it nothing is sent: see [`Usable::fault`].
    pub(super) fn into_account(self) -> MailAccount {
        let of = Of { table: "mail_account", id: self.id };
        let (connection, pause) = (self.connection(of), self.pause(of));
        let mut reading = Reading::of(of);
        let settings = MailAccountSettings {
            module: reading.code("module", self.module, MailModule::parse, MailModule::ReceivedPayments),
            server: reading.kept("server", self.server, String::new()),
            port: reading.port(self.port),
            security: reading.code("security", self.security, Security::parse, Security::Tls),
            username: reading.kept("username", self.username, String::new()),
            from_name: reading.kept("from_name", self.from_name, String::new()),
            from_address: reading.sender(self.from_address),
            reply_to: reading.address("reply_to", self.reply_to),
            bcc: reading.address("bcc", self.bcc),
        };
        let enabled = reading.kept("enabled", self.enabled, false);
        let checked_at = of.kept("checked_at", self.checked_at).flatten();
        let check_ok = of.kept("check_ok", self.check_ok).flatten();
        MailAccount {
            id: MailAccountId(self.id),
            company: CompanyId(self.company_id),
            version: of.kept("version", self.version).unwrap_or_default(),
            settings,
            unreadable: reading.unreadable,
            enabled,
            pause,
            last_check: checked_at.zip(check_ok).map(|(at, ok)| LastCheck { at, ok }),
            has_password: !matches!(self.sealed_password.value(), Some(None)),
            connection,
        }
    }
}
