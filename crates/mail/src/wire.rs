//! Bytes to and from a mail server: replies read within bounds, everything within a time.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use memchr::memchr;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::cleartext::Remembering;
use crate::reply::{LONGEST_LINE, Lines, MOST_BYTES, Reply, Taken, are_blank};
use crate::secrets::Secrets;

/// Replies are short; one read takes the three of a pipelined transaction.
const READ_AT_ONCE: usize = 4_096;
/// How long a reply may take that explains why a write failed: it is already there, or it never comes.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// After the final dot only the code matters, and a doubt makes a second copy: what a server says beside it is read past, up
/// to so many bytes, and not kept.
const MOST_AFTER_THE_DOT: usize = 2 * 1_024 * 1_024;
/// And up to so many lines: the longest answers have a dozen, and who adds one every few seconds would hold the message for
/// the whole time that RFC 5321 gives it.
const MOST_LINES_AFTER_THE_DOT: usize = 128;
/// Of a line whose end has not come: what a reply shows of it, and the little that is cut away around that.
const MOST_OF_A_LINE: usize = LONGEST_LINE + READ_AT_ONCE;
/// Replies of 1yz («wait») before the one that counts; who says more of them never comes to it.
const MOST_PRELIMINARY: usize = 20;

/// Why nothing more can be said on this connection.
#[derive(Debug)]
pub(crate) enum WireError {
    Timeout,
    Lost,
    /// What came is no reply; these were its first bytes.
    NotAReply(Vec<u8>),
    TooLong,
}

#[derive(Debug)]
pub(crate) enum TlsError {
    Timeout,
    Lost,
    NoAuthority,
    BadName,
    /// The peer did not speak TLS; these were its first bytes.
    NotTls(Vec<u8>),
    Tls(rustls::Error),
}

enum Stream {
    Clear(TcpStream),
    Tls(Box<TlsStream<Remembering>>),
}

/// One connection, with what has been received and not yet read.
pub(crate) struct Wire {
    stream: Stream,
    received: Vec<u8>,
    read: usize,
    /// The server has not said a byte.
    pub(crate) is_silent: bool,
    /// What the last reply of a 3yz asked, to the letter: what a login is computed from may look like one of its secrets.
    pub(crate) challenge: String,
    /// What no reply may show, from the greeting on.
    pub(crate) secrets: Secrets,
    /// Whatever the limit of a step, nothing goes on after this.
    pub(crate) ends: Option<Instant>,
}

impl Wire {
    pub(crate) fn clear(stream: TcpStream, secrets: Secrets, ends: Option<Instant>) -> Self {
        Self::over(Stream::Clear(stream), secrets, ends)
    }

    fn over(stream: Stream, secrets: Secrets, ends: Option<Instant>) -> Self {
        let challenge = String::new();
        Self { stream, received: Vec::new(), read: 0, is_silent: true, challenge, secrets, ends }
    }

    pub(crate) async fn tls(
        stream: TcpStream,
        config: Option<Arc<ClientConfig>>,
        host: &str,
        secrets: Secrets,
        limit: Duration,
        ends: Option<Instant>,
    ) -> Result<Self, TlsError> {
        let config = config.ok_or(TlsError::NoAuthority)?;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsError::BadName)?;
        let handshake = TlsConnector::from(config).connect(name, Remembering::new(stream)).into_fallible();
        match timeout_at(deadline(limit, ends), handshake).await {
            Err(_) => Err(TlsError::Timeout),
            Ok(Ok(stream)) => Ok(Self::over(Stream::Tls(Box::new(stream)), secrets, ends)),
            Ok(Err((error, stream))) => Err(tls_error(error, stream.first())),
        }
    }

    /// The bare connection again, to begin TLS on it. Nothing where the server has said more than it was asked.
    pub(crate) async fn into_clear(self) -> Option<TcpStream> {
        let Stream::Clear(stream) = self.stream else { return None };
        if self.read < self.received.len() {
            return None;
        }
        let mut byte = [0u8; 1];
        let peeked = poll_fn(|context| Poll::Ready(stream.poll_peek(context, &mut ReadBuf::new(&mut byte)))).await;
        if matches!(peeked, Poll::Ready(Ok(1..))) { None } else { Some(stream) }
    }

    /// «TLS 1.3», or nothing in clear.
    pub(crate) fn protocol(&self) -> Option<&'static str> {
        let Stream::Tls(stream) = &self.stream else { return None };
        match stream.get_ref().1.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => Some("TLS 1.3"),
            Some(rustls::ProtocolVersion::TLSv1_2) => Some("TLS 1.2"),
            _ => Some("TLS"),
        }
    }

    /// When the certificate ends that the server showed.
    pub(crate) fn certificate_ends_at(&self) -> Option<acuse_domain::Instant> {
        let Stream::Tls(stream) = &self.stream else { return None };
        crate::certificate::ends_at(stream.get_ref().1.peer_certificates()?.first()?)
    }

    /// Writes all of it. The limit is for each step forward: a slow link is not a dead one.
    pub(crate) async fn write(&mut self, bytes: &[u8], limit: Duration) -> Result<(), WireError> {
        let mut left = bytes;
        while !left.is_empty() {
            let deadline = deadline(limit, self.ends);
            let written = match &mut self.stream {
                Stream::Clear(stream) => timeout_at(deadline, stream.write(left)).await,
                Stream::Tls(stream) => timeout_at(deadline, stream.write(left)).await,
            };
            match written {
                Err(_) => return Err(WireError::Timeout),
                Ok(Ok(0) | Err(_)) => return Err(WireError::Lost),
                Ok(Ok(count)) => left = &left[count..],
            }
        }
        if let Stream::Tls(stream) = &mut self.stream {
            match timeout_at(deadline(limit, self.ends), stream.flush()).await {
                Err(_) => return Err(WireError::Timeout),
                Ok(Err(_)) => return Err(WireError::Lost),
                Ok(Ok(())) => {}
            }
        }
        Ok(())
    }

    /// Reads the reply that counts within the limit, however slowly its bytes come: what is preliminary is read past.
    pub(crate) async fn reply(&mut self, limit: Duration) -> Result<Reply, WireError> {
        Ok(self.reply_to_the_letter(limit).await?.hiding(&self.secrets))
    }

    /// The same, with whatever it shows: to be read, and hidden before it is kept.
    pub(crate) async fn reply_to_the_letter(&mut self, limit: Duration) -> Result<Reply, WireError> {
        let deadline = deadline(limit, self.ends);
        for _ in 0..=MOST_PRELIMINARY {
            let reply = self.next_reply(deadline).await?;
            if !reply.is_preliminary() {
                return Ok(reply);
            }
        }
        Err(WireError::TooLong)
    }

    async fn next_reply(&mut self, deadline: Instant) -> Result<Reply, WireError> {
        let mut lines = Lines::default();
        let mut taken = 0;
        loop {
            while let Some(line) = self.next_line() {
                taken += line.len() + 1;
                match lines.take(&self.received[line]) {
                    Taken::Last => {
                        let reply = lines.finish();
                        if reply.is_intermediate() {
                            self.challenge = reply.messages().collect();
                        }
                        return Ok(reply);
                    }
                    Taken::More => {}
                    Taken::NotAReply => return Err(WireError::NotAReply(self.first_bytes())),
                }
            }
            if taken + self.received.len() - self.read > MOST_BYTES {
                return Err(if self.looks_like_a_reply() {
                    WireError::TooLong
                } else {
                    WireError::NotAReply(self.first_bytes())
                });
            }
            self.receive(deadline).await?;
            // A TLS alert or a prompt without line break never becomes a line; nobody needs to wait for it.
            if lines.are_none() && !self.may_become_a_reply() {
                return Err(WireError::NotAReply(self.first_bytes()));
            }
        }
    }

    /// The server's word on a message that it has. A doubt makes a second copy, so whatever says yes or no is taken: a reply
    /// between lines that are none, one that is followed by silence before its last line, and what comes after a 1yz or 3yz.
    pub(crate) async fn word_on_the_message(&mut self, limit: Duration) -> Result<Reply, WireError> {
        let deadline = deadline(limit, self.ends);
        let mut lines = Lines::default();
        let (mut taken, mut lines_taken) = (0, 0);
        let error = loop {
            while lines_taken < MOST_LINES_AFTER_THE_DOT
                && let Some(line) = self.next_line()
            {
                (taken, lines_taken) = (taken + line.len() + 1, lines_taken + 1);
                if lines.take_generously(&self.received[line]) == Taken::Last {
                    let reply = std::mem::take(&mut lines).finish();
                    if reply.is_final() {
                        return Ok(reply.hiding(&self.secrets));
                    }
                }
            }
            taken += self.let_go_of_the_end_of_a_line();
            if lines_taken == MOST_LINES_AFTER_THE_DOT || taken + self.received.len() - self.read > MOST_AFTER_THE_DOT {
                break WireError::TooLong;
            }
            if let Err(error) = self.receive(deadline).await {
                break error;
            }
        };
        let unfinished = &self.received[self.read..];
        let is_last = lines.take_generously(unfinished) == Taken::Last;
        // Where the server fell silent, what it said has to do. Who goes on and on may not have come to the word that counts,
        // unless it is that word which has no end.
        let counts = !matches!(error, WireError::TooLong) || is_last && unfinished.len() > LONGEST_LINE;
        let came = lines.into_what_came().filter(|reply| counts && reply.is_final());
        came.map(|reply| reply.hiding(&self.secrets)).ok_or(error)
    }

    /// Of a line without end only the beginning is kept. Tells how many bytes went.
    fn let_go_of_the_end_of_a_line(&mut self) -> usize {
        let before = self.received.len();
        self.received.truncate(before.min(self.read + MOST_OF_A_LINE));
        before - self.received.len()
    }

    /// The reply that explains why the server stopped listening, if it said one.
    pub(crate) async fn last_words(&mut self) -> Option<Reply> {
        self.reply(LAST_WORDS).await.ok().filter(Reply::is_refusal)
    }

    /// Nothing is waiting to be read: what came after a reply that nobody asked for.
    pub(crate) fn is_quiet(&self) -> bool {
        are_blank(&self.received[self.read..])
    }

    pub(crate) fn first_bytes(&self) -> Vec<u8> {
        self.received.iter().copied().take(LONGEST_LINE).collect()
    }

    /// Whether the connection stands and the server has said nothing unasked, such as a 421 or its farewell.
    pub(crate) async fn is_open(&mut self) -> bool {
        let (is_quiet, mut byte) = (self.is_quiet(), [0u8; 1]);
        let polled = poll_fn(|context| {
            let mut buffer = ReadBuf::new(&mut byte);
            Poll::Ready(match &mut self.stream {
                Stream::Clear(stream) => Pin::new(stream).poll_read(context, &mut buffer),
                Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, &mut buffer),
            })
        });
        is_quiet && polled.await.is_pending()
    }

    fn next_line(&mut self) -> Option<std::ops::Range<usize>> {
        let end = self.read + memchr(b'\n', &self.received[self.read..])?;
        let line = self.read..end;
        self.read = end + 1;
        Some(line)
    }

    fn looks_like_a_reply(&self) -> bool {
        self.received.get(..3).is_some_and(|code| code.iter().all(u8::is_ascii_digit))
    }

    /// As far as the bytes go that have come.
    fn may_become_a_reply(&self) -> bool {
        let first = self.received[self.read..].iter().find(|byte| !are_blank(&[**byte]));
        first.is_none_or(u8::is_ascii_digit)
    }

    async fn receive(&mut self, deadline: Instant) -> Result<(), WireError> {
        if self.read == self.received.len() {
            self.received.clear();
            self.read = 0;
        }
        self.received.reserve(READ_AT_ONCE);
        let received = match &mut self.stream {
            Stream::Clear(stream) => timeout_at(deadline, stream.read_buf(&mut self.received)).await,
            Stream::Tls(stream) => timeout_at(deadline, stream.read_buf(&mut self.received)).await,
        };
        match received {
            Err(_) => Err(WireError::Timeout),
            Ok(Ok(0) | Err(_)) => Err(WireError::Lost),
            Ok(Ok(_)) => {
                self.is_silent = false;
                Ok(())
            }
        }
    }
}

pub(crate) fn deadline(limit: Duration, ends: Option<Instant>) -> Instant {
    let own = Instant::now() + limit;
    ends.map_or(own, |ends| own.min(ends))
}

fn tls_error(error: io::Error, first: &[u8]) -> TlsError {
    // The first byte of a TLS record is its type, 20 to 24 (RFC 8446 5.1).
    if first.first().is_some_and(|byte| !matches!(byte, 20..=24)) {
        return TlsError::NotTls(first.to_vec());
    }
    match error.into_inner().map(|inner| inner.downcast::<rustls::Error>()) {
        Some(Ok(error)) => TlsError::Tls(*error),
        _ => TlsError::Lost,
    }
}
