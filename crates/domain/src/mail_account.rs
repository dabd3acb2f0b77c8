//! Which mail goes out through which account, and how a connection to it is protected.

use crate::Instant;
use crate::email_address::EmailAddress;
use crate::id::{CompanyId, MailAccountId};
use crate::message::Value;
use crate::oauth::Connection;
use crate::payment::Direction;

/// Characters; more than any provider's user name has.
pub const LONGEST_USERNAME: usize = 320;
/// Characters of the name before a sender's address: a company's own name fits.
pub const LONGEST_SENDER_NAME: usize = crate::company::LONGEST_TEXT;
/// Bytes of UTF-8. RFC 4954 4 lets an answer have 12,288 octets, which in base64 leaves 9,216 for user and password.
pub const LONGEST_PASSWORD: usize = 8_192;

/// A kind of mail that a company may send through an account of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MailModule {
    ReceivedPayments,
    InvoicesAndMadePayments,
}

impl From<MailModule> for Value {
    fn from(value: MailModule) -> Self {
        Self::both(value.name(), value.as_str())
    }
}

impl MailModule {
    pub const ALL: [MailModule; 2] = [MailModule::ReceivedPayments, MailModule::InvoicesAndMadePayments];

    /// The module that carries the receipts of payments in this direction.
    #[must_use]
    pub const fn of_payments(direction: Direction) -> Self {
        match direction {
            Direction::Received => Self::ReceivedPayments,
            Direction::Made => Self::InvoicesAndMadePayments,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReceivedPayments => "received_payments",
            Self::InvoicesAndMadePayments => "invoices_and_made_payments",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|module| module.as_str() == code)
    }

    /// The name that users know from the screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReceivedPayments => "Notificación de cobros a clientes",
            Self::InvoicesAndMadePayments => "Facturación electrónica y notificación de pagos a proveedores",
        }
    }
}

/// How the connection to a mail server is protected. Clear text is used only where `None` was chosen by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Security {
    /// Starts in clear and must change to TLS before anything is said (RFC 3207).
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Tls,
    None,
}

impl Security {
    pub const ALL: [Security; 3] = [Security::StartTls, Security::Tls, Security::None];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StartTls => "starttls",
            Self::Tls => "tls",
            Self::None => "none",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|security| security.as_str() == code)
    }

    /// The name on the screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StartTls => "STARTTLS",
            Self::Tls => "SSL/TLS",
            Self::None => "Sin cifrar",
        }
    }
}

/// What is needed to reach a server and to write the sender's lines. The password is kept apart: it is written, never read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailAccountSettings {
    pub module: MailModule,
    pub server: String,
    pub port: u16,
    pub security: Security,
    /// Empty where the server asks for no login.
    pub username: String,
    pub from_name: String,
    pub from_address: EmailAddress,
    pub reply_to: Option<EmailAddress>,
    pub bcc: Option<EmailAddress>,
}

/// What a stored secret was given for. It is good for exactly this: whoever changes any of it gives a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialScope {
    pub server: String,
    pub port: u16,
    pub security: Security,
    pub username: String,
}

impl MailAccountSettings {
    /// Where and as whom an account with these settings logs in.
    #[must_use]
    pub fn credential_scope(&self) -> CredentialScope {
        let Self { server, port, security, username, .. } = self;
        CredentialScope { server: server.clone(), port: *port, security: *security, username: username.clone() }
    }
}

/// Why an account rests: what the server said, and our code for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    pub since: Instant,
    pub problem_code: String,
    pub reply: String,
}

/// The last time somebody pressed Probar on the saved account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastCheck {
    pub at: Instant,
    pub ok: bool,
}

/// A company's own outgoing account for one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailAccount {
    pub id: MailAccountId,
    pub company: CompanyId,
    /// Grows with every change of its settings.
    pub version: i64,
    pub settings: MailAccountSettings,
    /// The fields that an unreadable record left, by their names in the API. Such an account sends nothing.
    pub unreadable: Vec<&'static str>,
    /// A disabled account sends nothing: its module falls back to the default account.
    pub enabled: bool,
    pub pause: Option<Pause>,
    pub last_check: Option<LastCheck>,
    pub has_password: bool,
    /// With its provider, in place of a password.
    pub connection: Option<Connection>,
}

impl MailAccount {
    /// Whether the account's own password or connection cannot be used with these settings: it was given for others, and is
    /// neither kept with them nor tried with them. Where what it was given for cannot be read, its seal decides: it opens for
    /// exactly that, if that is what somebody gives again.
    #[must_use]
    pub fn needs_new_password(&self, settings: &MailAccountSettings) -> bool {
        let is_known = !["server", "port", "security", "username"].iter().any(|field| self.unreadable.contains(field));
        let is_same = settings.credential_scope() == self.settings.credential_scope();
        self.has_secret() && is_known && !settings.username.is_empty() && !is_same
    }

    /// A password of its own, or a connection in its place.
    #[must_use]
    pub const fn has_secret(&self) -> bool {
        self.has_password || self.connection.is_some()
    }

    /// Unreadable fields of the settings in whose place something else stands there; an address stands there as it is kept.
    pub fn stood_in_for(&self) -> impl Iterator<Item = &'static str> {
        let MailAccountSettings { from_address, reply_to, bcc, .. } = &self.settings;
        let shown = [("from_address", Some(from_address)), ("reply_to", reply_to.as_ref()), ("bcc", bcc.as_ref())];
        let is_shown = move |field: &str| {
            shown.iter().any(|(name, address)| *name == field && address.is_some_and(|address| !address.is_readable()))
        };
        self.unreadable.iter().copied().filter(move |field| *field != "enabled" && !is_shown(field))
    }
}
