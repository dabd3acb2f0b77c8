//! A session with a mail server: opened phase by phase, used for many messages, closed politely.

use std::fmt;
use std::time::Duration;

use acuse_domain::email_address::EmailAddress;
use acuse_domain::mail_account::Security;
use tokio::time::Instant;

use crate::capabilities::Capabilities;
use crate::failure::{Cause, Failure, Phase, Trouble};
use crate::guard::Network;
use crate::login::Credentials;
use crate::opening::{self, Step};
use crate::reply::Reply;
use crate::transparency::with_final_dot;
use crate::wire::{Wire, WireError};

/// Providers close after some hundred messages; a fresh session costs little.
const MOST_MESSAGES: usize = 100;

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
    /// EHLO, STARTTLS, AUTH, RSET.
    pub command: Duration,
    pub mail: Duration,
    pub recipient: Duration,
    pub data: Duration,
    /// Each step forward of the message.
    pub block: Duration,
    pub final_dot: Duration,
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
            in_all: None,
        }
    }

    /// Somebody is watching: 5 s a step.
    #[must_use]
    pub const fn for_check() -> Self {
        Self::each(Duration::from_secs(5))
    }

    /// The same limit for every step.
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
            in_all: None,
        }
    }
}

/// Who a message is from and for, as the server is told.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    pub from: &'a EmailAddress,
    pub recipient: &'a EmailAddress,
    /// Hidden copies. A copy that is refused does not hold up the message.
    pub copies: &'a [EmailAddress],
}

/// An open session, logged in where credentials were given.
pub struct Session {
    pub(crate) wire: Wire,
    pub(crate) endpoint: Endpoint,
    pub(crate) limits: Limits,
    pub(crate) offers: Capabilities,
    logged_in: bool,
    certificate_ends_at: Option<acuse_domain::Instant>,
    sent: usize,
    /// Between transactions. Not so while one is under way, which also covers a `send` that was dropped half-way.
    idle: bool,
}

impl Session {
    /// From the name to the login, each step within its limit.
    ///
    /// Errs with the phase that failed; nothing has been sent then.
    pub async fn open(
        network: &Network,
        endpoint: &Endpoint,
        credentials: Option<&Credentials>,
        limits: &Limits,
    ) -> Result<Self, Box<Failure>> {
        Self::open_watched(network, endpoint, credentials, limits, &mut |_| {}).await
    }

    /// The same, telling of each step as it is done.
    pub(crate) async fn open_watched(
        network: &Network,
        endpoint: &Endpoint,
        credentials: Option<&Credentials>,
        limits: &Limits,
        watch: &mut (dyn FnMut(Step<'_>) + Send),
    ) -> Result<Self, Box<Failure>> {
        let begun = Instant::now();
        let ends = limits.in_all.map(|all| begun + all);
        match opening::open(network, endpoint, credentials, limits, ends, watch).await {
            Ok((wire, offers)) => Ok(Self {
                certificate_ends_at: wire.certificate_ends_at(),
                wire,
                endpoint: endpoint.clone(),
                limits: limits.clone(),
                offers,
                logged_in: credentials.is_some(),
                sent: 0,
                idle: true,
            }),
            Err(trouble) => Err(failure(trouble, endpoint, begun)),
        }
    }

    /// Sends one message. The answer is the server's to the final dot: from then on the message is its own.
    ///
    /// Errs with the phase that failed. The session stays usable where the server refused and went on listening.
    pub async fn send(&mut self, envelope: &Envelope<'_>, message: &[u8]) -> Result<Reply, Box<Failure>> {
        let begun = Instant::now();
        self.idle = false;
        let outcome = self.transact(envelope, message).await;
        match outcome {
            Ok(reply) => {
                self.sent += 1;
                self.idle = true;
                Ok(reply)
            }
            Err(trouble) => {
                let goes_on = self.can_go_on_after(&trouble);
                let failure = self.failure(trouble, begun);
                self.sent += 1;
                self.idle = goes_on && self.reset().await.is_ok();
                Err(failure)
            }
        }
    }

    /// Asks whether the server would take mail from this address, and sends nothing.
    pub async fn try_sender(&mut self, from: &EmailAddress) -> Result<Reply, Box<Failure>> {
        let begun = Instant::now();
        let outcome = self.ask_sender(from).await;
        outcome.map_err(|trouble| self.failure(trouble, begun))
    }

    /// Forgets a transaction that was begun (RFC 5321 4.1.1.5).
    pub async fn reset(&mut self) -> Result<(), Box<Failure>> {
        let begun = Instant::now();
        self.idle = false;
        let limit = self.limits.command;
        let reply = match self.wire.write(b"RSET\r\n", limit).await {
            Ok(()) => self.wire.reply(limit).await,
            Err(error) => Err(error),
        };
        let trouble = match reply {
            Ok(reply) if reply.is_positive() && self.wire.is_quiet() => {
                self.idle = true;
                return Ok(());
            }
            Ok(reply) => Trouble::refused(Phase::Sender, reply),
            Err(error) => wire_trouble(Phase::Sender, error),
        };
        Err(self.failure(trouble, begun))
    }

    /// Whether another message may be sent: nothing is under way, and it has not served its hundred.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        self.idle && self.sent < MOST_MESSAGES
    }

    /// Whether the server still holds the connection; asked of a session that has been idle.
    pub async fn is_open(&mut self) -> bool {
        self.wire.is_open().await
    }

    /// Says goodbye. The answer does not matter any more.
    pub async fn quit(mut self) {
        /// Nobody waits for a farewell.
        const FAREWELL: Duration = Duration::from_secs(2);
        if self.wire.write(b"QUIT\r\n", FAREWELL).await.is_ok() {
            drop(self.wire.reply(FAREWELL).await);
        }
    }

    /// When the certificate ends that the server showed; nothing in clear.
    #[must_use]
    pub const fn certificate_ends_at(&self) -> Option<acuse_domain::Instant> {
        self.certificate_ends_at
    }

    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    #[must_use]
    pub const fn capabilities(&self) -> &Capabilities {
        &self.offers
    }

    async fn transact(&mut self, envelope: &Envelope<'_>, message: &[u8]) -> Result<Reply, Trouble> {
        let commands = self.commands(envelope, message)?;
        let go_ahead = if self.offers.pipelining {
            self.announce_at_once(&commands).await?
        } else {
            self.announce_in_turn(&commands).await?
        };
        self.hand_over(go_ahead, message).await
    }

    /// MAIL, RCPT and DATA in one write (RFC 2920), then all their answers. The first refusal that matters counts.
    async fn announce_at_once(&mut self, commands: &Commands) -> Result<GoAhead, Trouble> {
        let batch = [commands.mail.as_str(), &commands.recipient, &commands.copies.concat(), "DATA\r\n"].concat();
        if let Err(error) = self.wire.write(batch.as_bytes(), self.limits.mail).await {
            return Err(self.unfinished(Phase::Sender, error).await);
        }
        let mail = self.answer(Phase::Sender, self.limits.mail).await?;
        if mail.closes() {
            return Err(Trouble::refused(Phase::Sender, mail));
        }
        let recipient = self.answer(Phase::Recipient, self.limits.recipient).await;
        let mut copies_taken = 0;
        for _ in &commands.copies {
            let copy = self.answer(Phase::Recipient, self.limits.recipient).await;
            copies_taken += usize::from(copy.is_ok_and(|reply| reply.is_positive()));
        }
        let data = self.answer(Phase::Message, self.limits.data).await;
        let refused = if mail.is_positive() {
            let recipient = recipient?;
            (!recipient.is_positive()).then(|| Trouble::refused(Phase::Recipient, recipient))
        } else {
            Some(Trouble::refused(Phase::Sender, mail))
        };
        match (refused, data) {
            (None, data) => go_ahead(data?),
            (Some(refused), Ok(data)) if data.code() == 354 => Err(self.take_back(refused, copies_taken).await),
            (Some(refused), Ok(_)) => Err(refused),
            (Some(refused), Err(_)) => Err(broken(refused)),
        }
    }

    /// Nobody was accepted and the server waits for the message all the same: RFC 2920 3.1 ends it with a lone dot.
    /// Where a copy was accepted the dot would send it an empty message, so the connection is given up.
    async fn take_back(&mut self, refused: Trouble, copies_taken: usize) -> Trouble {
        if copies_taken > 0 || self.wire.write(b".\r\n", self.limits.block).await.is_err() {
            return broken(refused);
        }
        match self.wire.reply(self.limits.command).await {
            Ok(_) => refused,
            Err(_) => broken(refused),
        }
    }

    async fn announce_in_turn(&mut self, commands: &Commands) -> Result<GoAhead, Trouble> {
        self.accepted(Phase::Sender, &commands.mail, self.limits.mail).await?;
        self.accepted(Phase::Recipient, &commands.recipient, self.limits.recipient).await?;
        for copy in &commands.copies {
            let reply = self.ask(Phase::Recipient, copy, self.limits.recipient).await?;
            if reply.closes() {
                return Err(Trouble::refused(Phase::Recipient, reply));
            }
        }
        go_ahead(self.ask(Phase::Message, "DATA\r\n", self.limits.data).await?)
    }

    /// The whole message with its final dot in one write, and the server's word on it.
    async fn hand_over(&mut self, GoAhead: GoAhead, message: &[u8]) -> Result<Reply, Trouble> {
        let body = with_final_dot(message);
        if let Err(error) = self.wire.write(&body, self.limits.block).await {
            return Err(self.unfinished(Phase::Message, error).await);
        }
        let reply = match self.wire.reply(self.limits.final_dot).await {
            Ok(reply) => reply,
            Err(error) => return Err(Trouble { after_final_dot: true, ..wire_trouble(Phase::Message, error) }),
        };
        if !reply.is_positive() {
            return Err(Trouble { after_final_dot: true, ..Trouble::refused(Phase::Message, reply) });
        }
        Ok(reply)
    }

    async fn ask_sender(&mut self, from: &EmailAddress) -> Result<Reply, Trouble> {
        let path = self.path(from).ok_or(Trouble::new(Phase::Sender, Cause::Utf8Unsupported))?;
        let command = format!("MAIL FROM:<{path}>{}\r\n", if path.is_ascii() { "" } else { " SMTPUTF8" });
        self.accepted(Phase::Sender, &command, self.limits.mail).await
    }

    async fn accepted(&mut self, phase: Phase, command: &str, limit: Duration) -> Result<Reply, Trouble> {
        let reply = self.ask(phase, command, limit).await?;
        if reply.is_positive() { Ok(reply) } else { Err(Trouble::refused(phase, reply)) }
    }

    async fn ask(&mut self, phase: Phase, command: &str, limit: Duration) -> Result<Reply, Trouble> {
        if let Err(error) = self.wire.write(command.as_bytes(), limit).await {
            return Err(self.unfinished(phase, error).await);
        }
        self.answer(phase, limit).await
    }

    async fn answer(&mut self, phase: Phase, limit: Duration) -> Result<Reply, Trouble> {
        self.wire.reply(limit).await.map_err(|error| wire_trouble(phase, error))
    }

    /// A write failed: the server may have said why before it closed.
    async fn unfinished(&mut self, phase: Phase, error: WireError) -> Trouble {
        match self.wire.last_words().await {
            Some(reply) => broken(Trouble::refused(phase, reply)),
            None => wire_trouble(phase, error),
        }
    }

    fn failure(&self, trouble: Trouble, begun: Instant) -> Box<Failure> {
        let mut failure = failure(trouble, &self.endpoint, begun);
        failure.on_used_session = self.sent > 0;
        failure.as_a_stranger = !self.logged_in && !self.offers.logins.is_empty();
        failure
    }

    fn can_go_on_after(&self, trouble: &Trouble) -> bool {
        let told_before_sending = matches!(trouble.cause, Cause::Utf8Unsupported | Cause::MessageTooBig { .. });
        let answered = trouble.cause == Cause::Refused && trouble.reply.as_ref().is_some_and(|reply| !reply.closes());
        (told_before_sending || answered) && !trouble.broken
    }

    fn commands(&self, envelope: &Envelope<'_>, message: &[u8]) -> Result<Commands, Trouble> {
        if let Some(limit) = self.offers.size.filter(|limit| message.len() > *limit) {
            return Err(Trouble::new(Phase::Sender, Cause::MessageTooBig { limit }));
        }
        let from = self.path(envelope.from).ok_or(Trouble::new(Phase::Sender, Cause::Utf8Unsupported))?;
        let recipient = self.path(envelope.recipient).ok_or(Trouble::new(Phase::Recipient, Cause::Utf8Unsupported))?;
        let copies: Vec<String> = envelope.copies.iter().filter_map(|copy| self.path(copy)).collect();
        let is_plain = message.is_ascii();
        let head_is_plain = is_plain || head_of(message).is_ascii();
        // An address beyond ASCII that only a header names, such as where answers go. What is encoded is plain.
        if !head_is_plain && !self.offers.smtp_utf8 {
            return Err(Trouble::new(Phase::Sender, Cause::Utf8Unsupported));
        }
        let paths_are_plain = from.is_ascii() && recipient.is_ascii() && copies.iter().all(|copy| copy.is_ascii());
        let mut mail = format!("MAIL FROM:<{from}>");
        if self.offers.size.is_some() {
            mail.push_str(&format!(" SIZE={}", message.len()));
        }
        if self.offers.eight_bit && !is_plain {
            mail.push_str(" BODY=8BITMIME");
        }
        if self.offers.smtp_utf8 && (!paths_are_plain || !head_is_plain) {
            mail.push_str(" SMTPUTF8");
        }
        mail.push_str("\r\n");
        let copies = copies.into_iter().map(|copy| format!("RCPT TO:<{copy}>\r\n")).collect();
        Ok(Commands { mail, recipient: format!("RCPT TO:<{recipient}>\r\n"), copies })
    }

    /// The address as this server can be told it: the domain as punycode, so that only a local part beyond ASCII needs
    /// SMTPUTF8 (RFC 6531). Nothing where the server cannot take it.
    fn path(&self, address: &EmailAddress) -> Option<String> {
        let path = address.on_the_wire();
        (path.is_ascii() || self.offers.smtp_utf8).then_some(path)
    }
}

/// The server said 354: it waits for the message.
struct GoAhead;

struct Commands {
    mail: String,
    recipient: String,
    copies: Vec<String>,
}

fn go_ahead(data: Reply) -> Result<GoAhead, Trouble> {
    match data.code() {
        354 => Ok(GoAhead),
        // Any other yes to DATA leaves nobody knowing what the server waits for.
        200..=399 => Err(Trouble { reply: Some(data), ..Trouble::new(Phase::Message, Cause::Protocol) }),
        _ => Err(Trouble::refused(Phase::Message, data)),
    }
}

fn broken(trouble: Trouble) -> Trouble {
    Trouble { broken: true, ..trouble }
}

fn head_of(message: &[u8]) -> &[u8] {
    let end = memchr::memmem::find(message, b"\r\n\r\n").unwrap_or(message.len());
    &message[..end]
}

pub(crate) fn wire_trouble(phase: Phase, error: WireError) -> Trouble {
    let cause = match error {
        WireError::Timeout => Cause::Timeout,
        WireError::Lost => Cause::ConnectionLost,
        WireError::NotAReply(_) | WireError::TooLong => Cause::Protocol,
    };
    Trouble::new(phase, cause)
}

fn failure(trouble: Trouble, endpoint: &Endpoint, begun: Instant) -> Box<Failure> {
    Box::new(Failure {
        phase: trouble.phase,
        cause: trouble.cause,
        reply: trouble.reply,
        after_final_dot: trouble.after_final_dot,
        on_used_session: false,
        as_a_stranger: false,
        endpoint: endpoint.clone(),
        took: begun.elapsed(),
    })
}
