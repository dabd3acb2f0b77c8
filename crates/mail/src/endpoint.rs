//! Which server is reached, and how long each step with it may take.

use std::fmt;
use std::time::Duration;

use acuse_domain::mail_account::Security;

/// A server, and how the connection to it is protected.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    pub host: String,
    pub port: u16,
    pub security: Security,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// How long each step may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub dns: Duration,
    pub connect: Duration,
    pub greeting: Duration,
    pub tls: Duration,
    /// EHLO, STARTTLS, AUTH.
    pub command: Duration,
    pub mail: Duration,
    pub recipient: Duration,
    pub data: Duration,
    /// Each step forward of the message.
    pub block: Duration,
    pub final_dot: Duration,
    /// From the name to the login, and from MAIL to the answer to DATA: who answers each step at the last moment, or a byte
    /// at a time, has no more time than one who does not answer.
    pub opening: Duration,
    pub announcement: Duration,
    /// From the opening on, whatever the other limits say.
    pub in_all: Option<Duration>,
}

impl Limits {
    /// RFC 5321 4.5.3.2: greeting, MAIL and RCPT 5 minutes, DATA 2, a block 3, the final dot 10. For what it does not
    /// name, what a person would wait for a slow server.
    #[must_use]
    pub const fn for_delivery() -> Self {
        Self {
            dns: Duration::from_secs(20),
            connect: Duration::from_secs(30),
            greeting: Duration::from_secs(300),
            tls: Duration::from_secs(30),
            command: Duration::from_secs(300),
            mail: Duration::from_secs(300),
            recipient: Duration::from_secs(300),
            data: Duration::from_secs(120),
            block: Duration::from_secs(180),
            final_dot: Duration::from_secs(600),
            opening: Duration::from_secs(300),
            announcement: Duration::from_secs(300),
            in_all: None,
        }
    }

    /// Somebody is watching: 5 s a step.
    #[must_use]
    pub const fn for_check() -> Self {
        Self::each(Duration::from_secs(5))
    }

    /// The same limit for every step, and what several of them take together.
    #[must_use]
    pub const fn each(limit: Duration) -> Self {
        Self {
            dns: limit,
            connect: limit,
            greeting: limit,
            tls: limit,
            command: limit,
            mail: limit,
            recipient: limit,
            data: limit,
            block: limit,
            final_dot: limit,
            opening: limit.saturating_mul(6),
            announcement: limit.saturating_mul(3),
            in_all: None,
        }
    }
}
