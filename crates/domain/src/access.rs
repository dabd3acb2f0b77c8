//! Who may enter a company, and what they may do there: people by their role, programs by the scopes of their token.

use crate::text::{self, TextError};

/// Letters of a name: two given names and two family names, with room.
const LONGEST_NAME: usize = 150;

/// A person's name as it is kept.
pub fn user_name(typed: &str) -> Result<String, TextError> {
    text::name(typed, LONGEST_NAME)
}

/// What a token is for, as it is kept.
pub fn token_name(typed: &str) -> Result<String, TextError> {
    text::required(typed, LONGEST_NAME)
}

/// What somebody is in a company.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    Owner,
    Accountant,
    Assistant,
    Clerk,
    Viewer,
}

/// Something that one may or may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read everything of the company.
    ViewRecords,
    RecordPayments,
    /// Void what one recorded oneself, on the day it was recorded.
    VoidOwnPayments,
    VoidPayments,
    /// Send, re-send, retry and cancel.
    SendReceipts,
    KeepContacts,
    KeepDocuments,
    ExportRecords,
    /// Try a mail account as it is kept.
    CheckMailAccounts,
    /// The company's data, logo and mail accounts.
    ConfigureCompany,
    /// Read who did what.
    ViewAudit,
    /// Let people in, change what they may do, and take it back.
    ManageUsers,
    /// Tokens of the API.
    ManageTokens,
    /// Take everything of the company along, archive and reopen it, and ask for its deletion.
    CloseCompany,
}

use Role::{Accountant, Assistant, Clerk, Owner, Viewer};

/// Who holds each permission. What has no row here is nobody's.
pub const HOLDERS: [(Permission, &[Role]); 14] = [
    (Permission::ViewRecords, &Role::ALL),
    (Permission::RecordPayments, &[Owner, Accountant, Assistant, Clerk]),
    (Permission::VoidOwnPayments, &[Owner, Accountant, Assistant]),
    (Permission::VoidPayments, &[Owner, Accountant]),
    (Permission::SendReceipts, &[Owner, Accountant, Assistant]),
    (Permission::KeepContacts, &[Owner, Accountant, Assistant, Clerk]),
    (Permission::KeepDocuments, &[Owner, Accountant, Assistant, Clerk]),
    (Permission::ExportRecords, &[Owner, Accountant, Assistant, Viewer]),
    (Permission::CheckMailAccounts, &[Owner, Accountant]),
    (Permission::ConfigureCompany, &[Owner]),
    (Permission::ViewAudit, &[Owner, Accountant, Viewer]),
    (Permission::ManageUsers, &[Owner]),
    (Permission::ManageTokens, &[Owner]),
    (Permission::CloseCompany, &[Owner]),
];

impl Permission {
    /// Whether it is held in an archived company, too: that can be read, and opened again.
    #[must_use]
    pub const fn outlasts_archiving(self) -> bool {
        matches!(self, Self::ViewRecords | Self::ExportRecords | Self::ViewAudit | Self::CloseCompany)
    }
}

impl Role {
    /// From who may do most to who may do least.
    pub const ALL: [Self; 5] = [Owner, Accountant, Assistant, Clerk, Viewer];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Owner => "owner",
            Accountant => "accountant",
            Assistant => "assistant",
            Clerk => "clerk",
            Viewer => "viewer",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == code)
    }

    /// As pages and mails name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Owner => "Administración",
            Accountant => "Contabilidad",
            Assistant => "Asistente",
            Clerk => "Digitación",
            Viewer => "Solo lectura",
        }
    }

    /// What it comes to, in half a sentence.
    #[must_use]
    pub const fn in_short(self) -> &'static str {
        match self {
            Owner => "registra, envía y anula; decide los correos y quién entra",
            Accountant => "registra, envía y anula cobros y pagos",
            Assistant => "registra y envía cobros y pagos; anula los suyos el mismo día",
            Clerk => "registra cobros y pagos; no los envía ni los anula",
            Viewer => "ve todo y lo exporta; no cambia nada",
        }
    }

    #[must_use]
    pub fn holds(self, permission: Permission) -> bool {
        HOLDERS.iter().any(|(held, roles)| *held == permission && roles.contains(&self))
    }
}

/// Whom a company lets in by a second step alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SecondFactorRule {
    #[default]
    Nobody,
    Owners,
    Everybody,
}

impl SecondFactorRule {
    pub const ALL: [Self; 3] = [Self::Nobody, Self::Owners, Self::Everybody];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Owners => "owners",
            Self::Everybody => "everybody",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == code)
    }

    /// Whether somebody of this role needs a second step there.
    #[must_use]
    pub const fn asks(self, role: Role) -> bool {
        match self {
            Self::Nobody => false,
            Self::Owners => matches!(role, Owner),
            Self::Everybody => true,
        }
    }
}

/// What a token of the API was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    Read,
    Record,
    Send,
    Configure,
}

impl Scope {
    pub const ALL: [Self; 4] = [Self::Read, Self::Record, Self::Send, Self::Configure];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Record => "record",
            Self::Send => "send",
            Self::Configure => "configure",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == code)
    }

    /// The scope that a permission belongs to. People and tokens are let in by people alone: no token holds those.
    #[must_use]
    pub const fn of(permission: Permission) -> Option<Self> {
        use Permission as P;
        match permission {
            P::ViewRecords | P::ExportRecords | P::ViewAudit => Some(Self::Read),
            P::RecordPayments | P::VoidOwnPayments | P::VoidPayments | P::KeepContacts | P::KeepDocuments => Some(Self::Record),
            P::SendReceipts => Some(Self::Send),
            P::CheckMailAccounts | P::ConfigureCompany => Some(Self::Configure),
            P::ManageUsers | P::ManageTokens | P::CloseCompany => None,
        }
    }
}

/// The scopes of one token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    #[must_use]
    pub fn all() -> Self {
        Self::new(Scope::ALL)
    }

    /// In the order of [`Scope::ALL`], each once.
    #[must_use]
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let given: Vec<Scope> = scopes.into_iter().collect();
        Self(Scope::ALL.into_iter().filter(|scope| given.contains(scope)).collect())
    }

    /// As they are kept: codes with a space between.
    #[must_use]
    pub fn parse(codes: &str) -> Option<Self> {
        codes.split_ascii_whitespace().map(Scope::parse).collect::<Option<Vec<_>>>().map(Self::new)
    }

    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }

    #[must_use]
    pub fn holds(&self, permission: Permission) -> bool {
        Scope::of(permission).is_some_and(|scope| self.0.contains(&scope))
    }
}

impl std::fmt::Display for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let codes: Vec<&str> = self.iter().map(Scope::as_str).collect();
        f.write_str(&codes.join(" "))
    }
}

/// By what somebody may act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    Role(Role),
    Scopes(Scopes),
}

impl Grant {
    #[must_use]
    pub fn holds(&self, permission: Permission) -> bool {
        match self {
            Self::Role(role) => role.holds(permission),
            Self::Scopes(scopes) => scopes.holds(permission),
        }
    }
}
