//! A mail account that is connected with its provider instead of holding a password (OAuth 2.0, RFC 6749).

use chrono::TimeDelta;
use secrecy::SecretString;

use crate::Instant;
use crate::mail_problem::ProblemCode;

/// How long before its end a connection is announced: time enough for whoever can renew it to come back from holidays.
pub const ANNOUNCED_BEFORE: TimeDelta = TimeDelta::days(14);

/// Who gives access to mailboxes that way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Provider {
    Google,
    Microsoft,
}

impl Provider {
    pub const ALL: [Provider; 2] = [Self::Google, Self::Microsoft];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Microsoft => "microsoft",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == code)
    }

    /// The name on the screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Google => "Google",
            Self::Microsoft => "Microsoft",
        }
    }
}

/// What a provider gave: a token for an hour or so, and one with which to ask for the next.
#[derive(Debug, Clone)]
pub struct Granted {
    pub access_token: SecretString,
    pub access_ends_at: Instant,
    /// Nothing where the one that was shown stays good.
    pub refresh_token: Option<SecretString>,
    /// When the connection ends unless somebody connects again, where that is known.
    pub ends_at: Option<Instant>,
    /// What was permitted, separated by spaces.
    pub scope: String,
}

/// Why a provider gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// Asking again will not help: a person has to act. With the provider's words.
    ForGood { code: ProblemCode, words: String },
    /// It did not answer, or not with sense, or asked to wait.
    ForNow { words: String },
}

/// What is known of an account's connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    pub provider: Provider,
    /// Who gave the permission, as the provider names them.
    pub address: String,
    pub connected_at: Instant,
    pub ends_at: Option<Instant>,
    /// Since when the provider denies access for good.
    pub broken_at: Option<Instant>,
}

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    Connected,
    /// It works, and ends within [`ANNOUNCED_BEFORE`].
    EndingSoon,
    Ended,
}

impl ConnectionState {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::EndingSoon => "ending_soon",
            Self::Ended => "ended",
        }
    }
}

impl Connection {
    #[must_use]
    pub fn state(&self, now: Instant) -> ConnectionState {
        match self.ends_at {
            _ if self.broken_at.is_some() => ConnectionState::Ended,
            Some(end) if end <= now => ConnectionState::Ended,
            Some(end) if end - ANNOUNCED_BEFORE <= now => ConnectionState::EndingSoon,
            _ => ConnectionState::Connected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_announced_two_weeks_before_its_end() {
        let now: Instant = "2026-11-24T14:12:00Z".parse().unwrap();
        let ending = |ends_at| {
            let connection = Connection {
                provider: Provider::Google,
                address: "cobros@empresa.ec".to_owned(),
                connected_at: now,
                ends_at,
                broken_at: None,
            };
            connection.state(now)
        };
        assert_eq!(ending(None), ConnectionState::Connected);
        assert_eq!(ending(Some(now + TimeDelta::days(15))), ConnectionState::Connected);
        assert_eq!(ending(Some(now + TimeDelta::days(14))), ConnectionState::EndingSoon);
        assert_eq!(ending(Some(now)), ConnectionState::Ended);
    }
}
