//! One message over an open session: announced, handed over, and the server's word on it (RFC 5321 3.3).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use acuse_domain::email_address::EmailAddress;
use tokio::time::Instant;

use crate::failure::{Cause, Phase, Trouble};
use crate::opening::wire_trouble;
use crate::reply::Reply;
use crate::session::{AFTER_THE_VERDICT, Envelope, Session};
use crate::transparency::with_final_dot;
use crate::wire::WireError;

/// Bytes a second. A slower link than a modem's is a server that takes a byte now and then, so that nobody gives it up.
const SLOWEST_LINK: usize = 1_000;

impl Session {
    pub(crate) async fn transact(
        &mut self,
        envelope: &Envelope<'_>,
        message: &[u8],
        handed_over: &AtomicBool,
    ) -> Result<Reply, Trouble> {
        let commands = self.commands(envelope, message)?;
        let ends = self.wire.ends;
        let outcome = self.transact_by(&commands, message, handed_over, ends).await;
        self.wire.ends = ends;
        outcome.map_err(|trouble| self.told_of_its_size(trouble, message))
    }

    async fn transact_by(
        &mut self,
        commands: &Commands,
        message: &[u8],
        handed_over: &AtomicBool,
        ends: Option<Instant>,
    ) -> Result<Reply, Trouble> {
        self.wire.ends = earlier(ends, self.limits.announcement);
        let go_ahead = if self.offers.pipelining && !self.known.behaviour().loses_pipelined {
            match self.announce_at_once(commands).await {
                Err(trouble) => return Err(self.after_pipelined(trouble)),
                Ok(go_ahead) => {
                    self.known.learn(|known| known.pipelining_works = true);
                    go_ahead
                }
            }
        } else {
            self.announce_in_turn(commands).await?
        };
        let slowest = u64::try_from(message.len() / SLOWEST_LINK).unwrap_or(u64::MAX);
        self.wire.ends = earlier(ends, self.limits.block.saturating_add(Duration::from_secs(slowest)));
        handed_over.store(true, Ordering::SeqCst);
        self.hand_over(go_ahead, message, ends).await
    }

    /// A server, or a firewall before it, may lose what comes at once, or complain of it. Once it went well, it is not that.
    fn after_pipelined(&self, trouble: Trouble) -> Trouble {
        if self.known.behaviour().pipelining_works || self.sent > 0 && trouble.phase == Phase::Sender {
            return trouble;
        }
        let is_suspect = match trouble.cause {
            Cause::Timeout | Cause::ConnectionLost | Cause::Protocol => true,
            _ => trouble.reply.as_ref().is_some_and(|reply| complains_of_pipelining(reply, trouble.phase)),
        };
        if !is_suspect {
            self.known.learn(|known| known.pipelining_works = true);
            return trouble;
        }
        self.known.learn(|known| known.loses_pipelined = true);
        Trouble { broken: true, lost_pipelined: true, ..trouble }
    }

    /// SIZE and BODY are refused by servers that offer them: the same once more without.
    pub(crate) fn may_be_for_its_parameters(&self, trouble: &Trouble) -> bool {
        trouble.phase == Phase::Sender
            && trouble.cause == Cause::Refused
            && !trouble.broken
            && (self.offers.size.is_some() || self.offers.eight_bit)
            && !self.known.behaviour().refuses_parameters
            && trouble.reply.as_ref().is_some_and(|reply| matches!(reply.code(), 500..=502 | 504 | 555))
    }

    pub(crate) async fn transact_without_parameters(
        &mut self,
        envelope: &Envelope<'_>,
        message: &[u8],
        handed_over: &AtomicBool,
    ) -> Result<Reply, Trouble> {
        self.known.learn(|known| known.refuses_parameters = true);
        let outcome = self.transact(envelope, message, handed_over).await;
        if outcome.as_ref().is_err_and(|trouble| trouble.phase == Phase::Sender) {
            self.known.learn(|known| known.refuses_parameters = false);
        }
        outcome
    }

    /// The limit that a server names is asked about and not believed; where it refuses or hangs up, that is why.
    fn told_of_its_size(&self, trouble: Trouble, message: &[u8]) -> Trouble {
        let Some(limit) = self.offers.size.filter(|limit| message.len() > *limit) else { return trouble };
        let is_refused = trouble.reply.as_ref().is_some_and(|reply| matches!(reply.code(), 452 | 552));
        let is_cut_off = trouble.phase == Phase::Message && trouble.cause == Cause::ConnectionLost;
        if is_refused || is_cut_off && !trouble.after_final_dot {
            return Trouble { cause: Cause::MessageTooBig { limit }, ..trouble };
        }
        trouble
    }

    /// MAIL, RCPT and DATA in one write (RFC 2920), then all their answers. The first refusal that matters counts.
    async fn announce_at_once(&mut self, commands: &Commands) -> Result<GoAhead, Trouble> {
        let batch = [commands.mail.as_str(), &commands.recipient, &commands.copies.concat(), "DATA\r\n"].concat();
        if let Err(error) = self.wire.write(batch.as_bytes(), self.limits.mail).await {
            return Err(self.unfinished(Phase::Sender, error).await);
        }
        let mail = self.answer(Phase::Sender, self.limits.mail).await?;
        let closes = mail.closes();
        let mut refused = unless_yes(Phase::Sender, mail).err();
        if let Some(refused) = refused.take_if(|refused| closes || refused.broken) {
            return Err(refused);
        }
        self.hurry_after(refused.as_ref());
        let recipient = self.answer(Phase::Recipient, self.limits.recipient).await;
        let refused = match (refused, recipient) {
            (Some(refused), Ok(reply)) if !reply.is_intermediate() => Some(refused),
            (Some(refused), _) => return Err(broken(refused)),
            (None, recipient) => unless_yes(Phase::Recipient, recipient?).err(),
        };
        self.hurry_after(refused.as_ref());
        let (mut copies_taken, mut refused) = (0, refused);
        for _ in &commands.copies {
            match self.answer(Phase::Recipient, self.limits.recipient).await.map(|copy| unless_yes(Phase::Recipient, copy)) {
                Ok(Ok(_)) => copies_taken += 1,
                Ok(Err(copy)) if copy.broken => refused = Some(broken(refused.unwrap_or(copy))),
                Ok(Err(_)) => {}
                // Whose answer comes next, nobody knows.
                Err(lost) => return Err(refused.map_or(lost, broken)),
            }
        }
        if let Some(refused) = refused.take_if(|refused| refused.broken) {
            return Err(refused);
        }
        match (refused, self.answer(Phase::Message, self.limits.data).await) {
            (None, data) => go_ahead(data?),
            (Some(refused), Ok(data)) if data.is_intermediate() => Err(self.take_back(refused, copies_taken).await),
            (Some(refused), Ok(_)) => Err(refused),
            (Some(refused), Err(_)) => Err(broken(refused)),
        }
    }

    /// Once it is known what the server says of the message, the answers that are still to come only tell whether it can be
    /// spoken to again.
    fn hurry_after(&mut self, refused: Option<&Trouble>) {
        if refused.is_some() {
            self.wire.ends = earlier(self.wire.ends, AFTER_THE_VERDICT);
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
            let closes = reply.closes();
            // A copy that is refused holds up nobody; a server that is out of step does.
            if let Err(refused) = unless_yes(Phase::Recipient, reply)
                && (closes || refused.broken)
            {
                return Err(refused);
            }
        }
        go_ahead(self.ask(Phase::Message, "DATA\r\n", self.limits.data).await?)
    }

    /// The whole message with its final dot in one write, and the server's word on it.
    async fn hand_over(&mut self, GoAhead: GoAhead, message: &[u8], ends: Option<Instant>) -> Result<Reply, Trouble> {
        let body = with_final_dot(message);
        if let Err(error) = self.wire.write(&body, self.limits.block).await {
            return Err(self.unfinished(Phase::Message, error).await);
        }
        self.wire.ends = ends;
        let reply = match self.wire.word_on_the_message(self.limits.final_dot).await {
            Ok(reply) => reply,
            Err(error) => return Err(Trouble { after_final_dot: true, ..wire_trouble(Phase::Message, error) }),
        };
        if !reply.is_positive() {
            return Err(Trouble { after_final_dot: true, ..Trouble::refused(Phase::Message, reply) });
        }
        Ok(reply)
    }

    pub(crate) async fn ask_sender(&mut self, from: &EmailAddress) -> Result<Reply, Trouble> {
        let path = self.path(from).ok_or(Trouble::new(Phase::Sender, Cause::Utf8Unsupported))?;
        let command = format!("MAIL FROM:<{path}>{}\r\n", if path.is_ascii() { "" } else { " SMTPUTF8" });
        self.accepted(Phase::Sender, &command, self.limits.mail).await
    }

    async fn accepted(&mut self, phase: Phase, command: &str, limit: Duration) -> Result<Reply, Trouble> {
        unless_yes(phase, self.ask(phase, command, limit).await?)
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

    fn commands(&self, envelope: &Envelope<'_>, message: &[u8]) -> Result<Commands, Trouble> {
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
        let is_bare = self.known.behaviour().refuses_parameters;
        if self.offers.size.is_some() && !is_bare {
            mail.push_str(&format!(" SIZE={}", message.len()));
        }
        if self.offers.eight_bit && !is_plain && !is_bare {
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

/// The server said 354, or another 3yz: it waits for the message.
struct GoAhead;

struct Commands {
    mail: String,
    recipient: String,
    copies: Vec<String>,
}

/// A plain yes to DATA leaves nobody knowing what the server waits for: it is as much out of place as a go-ahead elsewhere.
fn go_ahead(data: Reply) -> Result<GoAhead, Trouble> {
    if data.is_intermediate() { Ok(GoAhead) } else { Err(Trouble::refused(Phase::Message, data)) }
}

fn unless_yes(phase: Phase, reply: Reply) -> Result<Reply, Trouble> {
    if reply.is_positive() { Ok(reply) } else { Err(Trouble::refused(phase, reply)) }
}

/// «improper command pipelining», «SMTP synchronization error», or a RCPT that is said to come too early.
fn complains_of_pipelining(reply: &Reply, phase: Phase) -> bool {
    let words = reply.text().to_lowercase();
    words.contains("pipelin") || words.contains("synchroni") || reply.code() == 503 && phase != Phase::Sender
}

fn earlier(ends: Option<Instant>, limit: Duration) -> Option<Instant> {
    let own = Instant::now() + limit;
    Some(ends.map_or(own, |ends| ends.min(own)))
}

fn broken(trouble: Trouble) -> Trouble {
    Trouble { broken: true, ..trouble }
}

fn head_of(message: &[u8]) -> &[u8] {
    let end = memchr::memmem::find(message, b"\r\n\r\n").unwrap_or(message.len());
    &message[..end]
}
