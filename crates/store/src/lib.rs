//! Everything on record: the only crate with SQL.
//!
//! A public write is an act of the business in one transaction; there is no `insert_x`. A function on a company's data
//! takes the company right after the connection; the few that cross companies are named `…_any_company`.

pub mod access;
pub mod account;
pub mod account_links;
pub mod archive;
pub mod audit;
pub mod claims;
pub mod clock;
pub mod companies;
pub mod concurrency_limit;
pub mod conditions;
pub mod contacts;
pub mod db;
pub mod deletion;
pub mod deliveries;
pub mod dkim;
pub mod documents;
pub mod events;
pub mod export;
pub mod first_start;
pub mod health;
pub mod idempotency;
pub mod invitations;
pub mod key_rotation;
pub mod logins;
pub mod mail_accounts;
pub mod memberships;
pub mod metrics;
pub mod notices;
pub mod oauth;
pub mod order;
pub mod own_mails;
pub mod passkeys;
pub mod pauses;
pub mod payments;
pub mod routing;
pub mod sealing;
pub mod second_factor;
pub mod secrets;
pub mod sessions;
pub mod tokens;
pub mod user_mails;
pub mod users;
pub mod versions;

mod account_key;
mod company_news;
mod error;
mod group;
mod message_kind;
mod numbers;
mod owners;
mod passwords;
mod receipts;
mod sealing_key;
mod sql;

use std::net::IpAddr;

use acuse_domain::id::{CompanyId, SessionId, TokenId, UserId};
use uuid::Uuid;

pub use db::{Db, StoreError};
pub use sql::{Line, Undecoded};

/// How the history names whoever works at the command line.
const OPERATOR: &str = "Operador";
/// And what nobody asked for.
const ACUSE: &str = "Acuse";
/// And whoever did not show who they are.
const NOBODY_KNOWN: &str = "Sin identificar";

/// Who does something, and to which company's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub company: CompanyId,
    /// As the history shows it: a person's name, or «API: tienda en línea».
    pub name: String,
    pub identity: Identity,
    /// Where the request came from, if that is known.
    pub source: Option<IpAddr>,
}

/// As whom somebody acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    User {
        user: UserId,
        session: Option<SessionId>,
    },
    Token(TokenId),
    /// At the command line.
    Operator,
    /// Acuse by itself.
    Acuse,
    /// Who did not get in.
    Unknown,
}

impl Identity {
    /// The user's or the token's.
    #[must_use]
    pub fn id(self) -> Option<Uuid> {
        match self {
            Self::User { user, .. } => Some(user.0),
            Self::Token(token) => Some(token.0),
            Self::Operator | Self::Acuse | Self::Unknown => None,
        }
    }

    /// As the history keeps it.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::User { .. } => "user",
            Self::Token(_) => "token",
            Self::Operator => "operator",
            Self::Acuse => "acuse",
            Self::Unknown => "unknown",
        }
    }

    #[must_use]
    pub const fn session(self) -> Option<SessionId> {
        match self {
            Self::User { session, .. } => session,
            _ => None,
        }
    }
}

impl Actor {
    /// Somebody without a session or a token of their own: the demo, a benchmark, a test.
    #[must_use]
    pub fn named(company: CompanyId, name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::operator(company) }
    }

    /// Who works at the command line, on a company's records.
    #[must_use]
    pub fn operator(company: CompanyId) -> Self {
        Self { company, name: OPERATOR.to_string(), identity: Identity::Operator, source: None }
    }

    /// What Acuse does by itself.
    #[must_use]
    pub fn acuse(company: CompanyId) -> Self {
        Self { company, name: ACUSE.to_string(), identity: Identity::Acuse, source: None }
    }

    /// Who did not show who they are.
    #[must_use]
    pub fn unknown(company: CompanyId, source: Option<IpAddr>) -> Self {
        Self { company, name: NOBODY_KNOWN.to_string(), identity: Identity::Unknown, source }
    }
}

/// One page of a list: what follows `after`, at most `limit` rows.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    pub after: Option<Uuid>,
    pub limit: u64,
}

/// This moment, to the millisecond: what both engines keep without loss.
#[must_use]
pub fn now() -> acuse_domain::Instant {
    use chrono::SubsecRound;
    chrono::Utc::now().trunc_subsecs(3)
}
