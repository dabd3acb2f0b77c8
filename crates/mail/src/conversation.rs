//! The catcher's side of one SMTP conversation (RFC 5321 4.1.1).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::caught::Kept;

/// What providers allow (bytes).
const LARGEST_MESSAGE: usize = 25 * 1_024 * 1_024;
/// RFC 4954 4 asks for 12,288 octets in AUTH lines, the longest there are.
const LONGEST_LINE: u64 = 12_288;
/// RFC 5321 4.5.3.1.8.
const MOST_RECIPIENTS: usize = 100;
/// A client that says nothing but nonsense is sent away.
const MOST_ERRORS: usize = 20;
/// A message of the usual size in one read.
const READ_AT_ONCE: usize = 64 * 1_024;
/// How long a client may stay silent.
const PATIENCE: Duration = Duration::from_secs(300);
const FINAL_DOT: &[u8] = b".\r\n";

pub(crate) struct Conversation {
    stream: BufReader<TcpStream>,
    answers: Vec<u8>,
    kept: Arc<Kept>,
    mail_from: Option<String>,
    rcpt_to: Vec<String>,
    errors: usize,
}

enum Next {
    GoOn,
    Message,
    Login { asked_for_password: bool },
    Bye,
}

impl Conversation {
    pub(crate) fn new(stream: TcpStream, kept: Arc<Kept>) -> Self {
        let stream = BufReader::with_capacity(READ_AT_ONCE, stream);
        Self { stream, answers: Vec::new(), kept, mail_from: None, rcpt_to: Vec::new(), errors: 0 }
    }

    pub(crate) async fn hold(mut self) -> io::Result<()> {
        self.stream.get_ref().set_nodelay(true)?;
        self.say("220 acuse ESMTP demo");
        loop {
            let Some(line) = self.line().await? else { return Ok(()) };
            let next = self.answer(&line).await;
            match next {
                Next::GoOn => {}
                Next::Message => self.take_message().await?,
                Next::Login { asked_for_password } => self.take_login(asked_for_password).await?,
                Next::Bye => return self.flush().await,
            }
            if self.errors > MOST_ERRORS {
                self.say("421 4.7.0 Too many errors");
                return self.flush().await;
            }
        }
    }

    async fn answer(&mut self, line: &str) -> Next {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                self.forget();
                self.say("250-acuse");
                self.say("250-PIPELINING");
                self.say(&format!("250-SIZE {LARGEST_MESSAGE}"));
                self.say("250-8BITMIME");
                self.say("250-SMTPUTF8");
                self.say("250-ENHANCEDSTATUSCODES");
                self.say("250 AUTH PLAIN LOGIN");
            }
            "HELO" => {
                self.forget();
                self.say("250 acuse");
            }
            "AUTH" => return self.auth(rest),
            "MAIL" => self.mail(rest),
            "RCPT" => self.recipient(rest).await,
            "DATA" if self.rcpt_to.is_empty() => self.refuse("503 5.5.1 No valid recipients"),
            "DATA" => {
                self.say("354 End with a dot on a line of its own");
                return Next::Message;
            }
            "RSET" => {
                self.forget();
                self.say("250 2.0.0 Ok");
            }
            "NOOP" => self.say("250 2.0.0 Ok"),
            "VRFY" => self.say("252 2.0.0 Send it and see"),
            "QUIT" => {
                self.say("221 2.0.0 Bye");
                return Next::Bye;
            }
            _ => self.refuse("502 5.5.2 Command not known"),
        }
        Next::GoOn
    }

    fn auth(&mut self, rest: &str) -> Next {
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" if initial.is_empty() => {
                self.say("334 ");
                return Next::Login { asked_for_password: true };
            }
            "PLAIN" => self.judge_login(initial),
            "LOGIN" if initial.is_empty() => {
                self.say("334 VXNlcm5hbWU6");
                return Next::Login { asked_for_password: false };
            }
            "LOGIN" => {
                self.say("334 UGFzc3dvcmQ6");
                return Next::Login { asked_for_password: true };
            }
            _ => self.refuse("504 5.5.4 Mechanism not known"),
        }
        Next::GoOn
    }

    async fn take_login(&mut self, asked_for_password: bool) -> io::Result<()> {
        if !asked_for_password {
            let Some(_) = self.line().await? else { return Ok(()) };
            self.say("334 UGFzc3dvcmQ6");
        }
        if let Some(answer) = self.line().await? {
            self.judge_login(&answer);
        }
        Ok(())
    }

    fn judge_login(&mut self, answer: &str) {
        let said_something = STANDARD.decode(answer.trim()).is_ok_and(|said| said.iter().any(|byte| *byte != 0));
        if said_something {
            self.say("235 2.7.0 Welcome");
        } else {
            self.refuse("535 5.7.8 Name or password missing");
        }
    }

    fn mail(&mut self, rest: &str) {
        let Some(address) = path(rest, "FROM:") else { return self.refuse("501 5.5.4 MAIL FROM:<address>") };
        if self.mail_from.is_some() {
            return self.refuse("503 5.5.1 One sender is enough");
        }
        let size = rest.split_ascii_whitespace().find_map(|word| word.to_ascii_uppercase().strip_prefix("SIZE=")?.parse().ok());
        if size.is_some_and(|size: usize| size > LARGEST_MESSAGE) {
            return self.refuse("552 5.3.4 Message size exceeds fixed limit");
        }
        self.mail_from = Some(address.to_owned());
        self.say("250 2.1.0 Ok");
    }

    async fn recipient(&mut self, rest: &str) {
        /// Long enough to be seen on a page, short enough to wait for.
        const SLOW: Duration = Duration::from_secs(2);
        let Some(address) = path(rest, "TO:").filter(|address| address.contains('@')) else {
            return self.refuse("501 5.1.3 RCPT TO:<address>");
        };
        if self.mail_from.is_none() {
            return self.refuse("503 5.5.1 MAIL first");
        }
        if self.rcpt_to.len() == MOST_RECIPIENTS {
            return self.say("452 4.5.3 Too many recipients");
        }
        match address.split('@').next().unwrap_or_default() {
            "rebota" => return self.say(&format!("550 5.1.1 <{address}>: Recipient address rejected: User unknown")),
            "llena" => return self.say(&format!("452 4.2.2 <{address}>: Mailbox full")),
            "lenta" => tokio::time::sleep(SLOW).await,
            _ => {}
        }
        self.rcpt_to.push(address.to_owned());
        self.say("250 2.1.5 Ok");
    }

    /// Reads up to the final dot in large pieces, then undoes the doubled dots. What follows it is left to be read: a
    /// client may send its next command along (RFC 2920 4).
    async fn take_message(&mut self) -> io::Result<()> {
        self.flush().await?;
        let mut raw = Vec::with_capacity(READ_AT_ONCE);
        let mut is_too_big = false;
        loop {
            let piece = timeout(PATIENCE, self.stream.fill_buf()).await??;
            if piece.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let (before, taken) = (raw.len(), piece.len());
            raw.extend_from_slice(piece);
            if let Some(end) = end_of_message(&raw, before) {
                self.stream.consume(end - before);
                raw.truncate(end - FINAL_DOT.len());
                break;
            }
            self.stream.consume(taken);
            if raw.len() > LARGEST_MESSAGE {
                is_too_big = true;
                raw.drain(..raw.len() - FINAL_DOT.len());
            }
        }
        let (mail_from, rcpt_to) = (self.mail_from.take().unwrap_or_default(), std::mem::take(&mut self.rcpt_to));
        if is_too_big {
            self.refuse("552 5.3.4 Message size exceeds fixed limit");
        } else {
            let id = self.kept.keep(mail_from, rcpt_to, without_doubled_dots(raw));
            self.say(&format!("250 2.0.0 Ok: caught as {id}"));
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.mail_from = None;
        self.rcpt_to.clear();
    }

    fn refuse(&mut self, answer: &str) {
        self.errors += 1;
        self.say(answer);
    }

    fn say(&mut self, answer: &str) {
        self.answers.extend_from_slice(answer.as_bytes());
        self.answers.extend_from_slice(b"\r\n");
    }

    async fn flush(&mut self) -> io::Result<()> {
        if !self.answers.is_empty() {
            timeout(PATIENCE, self.stream.get_mut().write_all(&self.answers)).await??;
            self.answers.clear();
        }
        Ok(())
    }

    /// The next line; answers are written when nothing more is waiting, so a pipelined batch gets one packet back.
    async fn line(&mut self) -> io::Result<Option<String>> {
        if !self.stream.buffer().contains(&b'\n') {
            self.flush().await?;
        }
        let mut line = Vec::new();
        timeout(PATIENCE, (&mut self.stream).take(LONGEST_LINE).read_until(b'\n', &mut line)).await??;
        if !line.ends_with(b"\n") {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()))
    }
}

/// `FROM:<a@x> SIZE=1` → `a@x`.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<&'a str> {
    let start = rest.get(..keyword.len()).filter(|word| word.eq_ignore_ascii_case(keyword))?.len();
    let (address, _) = rest[start..].trim_start().strip_prefix('<')?.split_once('>')?;
    Some(address)
}

/// Where the message ends, just past its final dot. Everything before `searched` has been looked through.
fn end_of_message(raw: &[u8], searched: usize) -> Option<usize> {
    if searched < FINAL_DOT.len() && raw.starts_with(FINAL_DOT) {
        return Some(FINAL_DOT.len());
    }
    let from = searched.saturating_sub(FINAL_DOT.len() + 1);
    memmem::find(&raw[from..], b"\r\n.\r\n").map(|at| from + at + 2 + FINAL_DOT.len())
}

fn without_doubled_dots(raw: Vec<u8>) -> Vec<u8> {
    if memmem::find(&raw, b"\r\n.").is_none() && !raw.starts_with(b".") {
        return raw;
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut at_line_start = true;
    for byte in raw {
        if !(at_line_start && byte == b'.') {
            out.push(byte);
        }
        at_line_start = byte == b'\n';
    }
    out
}
