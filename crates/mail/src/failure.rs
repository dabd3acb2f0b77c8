//! How a session with a mail server can fail, as situations that somebody can act on.

use std::fmt;
use std::time::Duration;

use acuse_domain::mail_account::Security;
use acuse_domain::mail_problem::ProblemCode;

use crate::endpoint::Endpoint;
use crate::reply::Reply;

/// The steps of a session, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    Dns,
    Connect,
    Greeting,
    Tls,
    Auth,
    Sender,
    Recipient,
    Message,
}

impl Phase {
    pub const ALL: [Phase; 8] =
        [Self::Dns, Self::Connect, Self::Greeting, Self::Tls, Self::Auth, Self::Sender, Self::Recipient, Self::Message];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Message => "message",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == code)
    }
}

/// What went wrong. Where the server refused with words, `Failure::reply` has them and they decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    InvalidInput {
        field: &'static str,
    },
    HostNotFound,
    /// The name exists, for mail that comes in perhaps, and has no address.
    HostWithoutAddress,
    DnsFailed,
    AddressNotAllowed,
    PortNotAllowed,
    ConnectionRefused,
    ConnectionTimeout,
    NetworkUnreachable,
    /// Silence or TLS records where a clear greeting was expected.
    PortWantsTls,
    /// A clear greeting where TLS was expected.
    PortWantsStartTls,
    NotSmtp,
    Protocol,
    StartTlsNotOffered,
    StartTlsInjection,
    /// `on` is the certificate's last day, where the verifier names it.
    CertificateExpired {
        on: Option<chrono::NaiveDate>,
    },
    CertificateNameMismatch {
        names: Vec<String>,
    },
    CertificateUntrusted,
    TlsHandshake,
    /// Login was wanted and the server offers it only after TLS.
    TlsRequired,
    AuthNotSupported,
    Utf8Unsupported,
    /// Nothing was sent: this field cannot be written into a mail.
    NotComposed {
        field: &'static str,
    },
    MessageTooBig {
        limit: usize,
    },
    /// The server answered with a refusal: `Failure::reply`.
    Refused,
    RefusedEhlo,
    RefusedStartTls,
    /// The same, to an access token.
    RefusedToken,
    /// The account's provider gives no access token.
    NoToken {
        code: ProblemCode,
    },
    Timeout,
    ConnectionLost,
}

/// Where and how it ended. Holds no secret: commands are never kept, and replies are cleared of an echoed password.
#[derive(Debug, Clone)]
pub struct Failure {
    pub phase: Phase,
    pub cause: Cause,
    pub reply: Option<Reply>,
    /// The whole message and its final dot were handed over: it may have arrived.
    pub after_final_dot: bool,
    /// The session had been used before: a connection lost at `Sender` then only means that the server tired of waiting.
    pub on_used_session: bool,
    /// Its transaction was pipelined and broke off before the message was handed over: sent in turn over a new connection it
    /// may go well.
    pub lost_pipelined: bool,
    /// The server offers logins, and nobody logged in: what it refuses then may be all that it refuses strangers.
    pub as_a_stranger: bool,
    pub endpoint: Endpoint,
    pub took: Duration,
}

impl Failure {
    /// There is nothing to log in with, so the server was not even asked. `words` are the provider's.
    #[must_use]
    pub fn without_token(endpoint: &Endpoint, code: ProblemCode, words: &str) -> Self {
        Self {
            phase: Phase::Auth,
            cause: Cause::NoToken { code },
            reply: Some(Reply::from_text(words)),
            as_a_stranger: false,
            after_final_dot: false,
            on_used_session: false,
            lost_pipelined: false,
            endpoint: endpoint.clone(),
            took: Duration::ZERO,
        }
    }

    /// The server's words, or nothing.
    #[must_use]
    pub fn reply_text(&self) -> &str {
        self.reply.as_ref().map_or("", Reply::text)
    }

    /// An idle connection had been closed by the server; nothing was sent, and a fresh one will do.
    #[must_use]
    pub fn is_stale_session(&self) -> bool {
        let lost = self.cause == Cause::ConnectionLost || self.reply.as_ref().is_some_and(Reply::closes);
        self.on_used_session && self.phase == Phase::Sender && lost
    }

    #[must_use]
    pub const fn security(&self) -> Security {
        self.endpoint.security
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed at {}: {:?}", self.endpoint, self.phase.as_str(), self.cause)?;
        match &self.reply {
            Some(reply) => write!(f, " ({reply})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

/// A failure before it is known to which endpoint it belongs.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) phase: Phase,
    pub(crate) cause: Cause,
    pub(crate) reply: Option<Reply>,
    pub(crate) after_final_dot: bool,
    /// See `Failure::lost_pipelined`.
    pub(crate) lost_pipelined: bool,
    /// The conversation is out of step: nothing more may be said on this connection.
    pub(crate) broken: bool,
    /// The server had not said a byte.
    pub(crate) was_silent: bool,
}

impl Trouble {
    pub(crate) const fn new(phase: Phase, cause: Cause) -> Self {
        let (after_final_dot, lost_pipelined, broken, was_silent) = (false, false, false, false);
        Self { phase, cause, reply: None, after_final_dot, lost_pipelined, broken, was_silent }
    }

    /// What a reply means that is not the one that was wanted.
    pub(crate) fn refused(phase: Phase, reply: Reply) -> Self {
        Self::refused_as(Cause::Refused, phase, reply)
    }

    /// Only 4yz and 5yz say no (RFC 5321 4.2.1). Any other reply is out of place: a server that is out of step accuses nobody,
    /// and nothing more is said to it.
    pub(crate) fn refused_as(cause: Cause, phase: Phase, reply: Reply) -> Self {
        let (cause, broken) = if reply.is_refusal() { (cause, false) } else { (Cause::Protocol, true) };
        Self { reply: Some(reply), broken, ..Self::new(phase, cause) }
    }
}
