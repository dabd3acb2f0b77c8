//! What the catcher keeps, and reading a mail back: what a person would see of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use acuse_domain::Instant;
use mail_parser::{Address, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType};
use uuid::Uuid;

/// The demo's mailbox shows these; older ones are forgotten.
const MOST_MESSAGES: usize = 500;
/// Whatever their number, all messages together take no more memory than this (bytes).
const MOST_BYTES: usize = 256 * 1_024 * 1_024;

/// A message as it was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caught {
    pub id: u64,
    pub received_at: Instant,
    pub mail_from: String,
    pub rcpt_to: Vec<String>,
    pub raw: Vec<u8>,
}

/// What is kept, newest last.
#[derive(Default)]
pub(crate) struct Kept {
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
pub(crate) struct Shelf {
    pub(crate) messages: VecDeque<Arc<Caught>>,
    pub(crate) bytes: usize,
    pub(crate) count: u64,
}

impl Kept {
    /// Keeps a message and gives it its number.
    pub(crate) fn keep(&self, mail_from: String, rcpt_to: Vec<String>, raw: Vec<u8>) -> u64 {
        let received_at = Instant::from(SystemTime::now());
        let mut shelf = self.lock();
        shelf.count += 1;
        let id = shelf.count;
        shelf.bytes += raw.len();
        shelf.messages.push_back(Arc::new(Caught { id, received_at, mail_from, rcpt_to, raw }));
        while shelf.messages.len() > MOST_MESSAGES || (shelf.bytes > MOST_BYTES && shelf.messages.len() > 1) {
            if let Some(oldest) = shelf.messages.pop_front() {
                shelf.bytes -= oldest.raw.len();
            }
        }
        id
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A mail as a mail program shows it. All of it was written by others: text, never trusted HTML.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadMail {
    pub message_id: Option<String>,
    pub in_reply_to: Option<String>,
    pub subject: String,
    pub from: Vec<Mailbox>,
    pub to: Vec<Mailbox>,
    pub reply_to: Vec<Mailbox>,
    pub date: Option<Instant>,
    pub text: Option<String>,
    pub html: Option<String>,
    pub attachments: Vec<ReadAttachment>,
    /// Pictures that the HTML names by `cid:`.
    pub inline: Vec<InlineImage>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    pub name: Option<String>,
    pub address: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadAttachment {
    pub name: String,
    pub mime: String,
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlineImage {
    /// Without angle brackets.
    pub cid: String,
    pub mime: String,
    pub bytes: Vec<u8>,
}

/// Reads a whole message. What cannot be read is left out.
#[must_use]
pub fn parse(raw: &[u8]) -> ReadMail {
    let Some(message) = MessageParser::default().parse(raw) else { return ReadMail::default() };
    let mut read = ReadMail {
        message_id: message.message_id().map(str::to_owned),
        in_reply_to: first_text(message.in_reply_to()),
        subject: message.subject().unwrap_or_default().to_owned(),
        from: mailboxes(message.from()),
        to: mailboxes(message.to()),
        reply_to: mailboxes(message.reply_to()),
        date: message.date().and_then(|date| Instant::from_timestamp(date.to_timestamp(), 0)),
        text: own_body(&message, |part| matches!(part.body, PartType::Text(_))),
        html: own_body(&message, |part| matches!(part.body, PartType::Html(_))),
        ..ReadMail::default()
    };
    for part in message.attachments() {
        sort_in(&mut read, part);
    }
    read
}

/// The id with which Acuse names its mails: the left part of the Message-ID, where that is a UUID.
#[must_use]
pub fn id(raw: &[u8]) -> Option<Uuid> {
    let message = MessageParser::default().parse_headers(raw)?;
    message.message_id()?.split('@').next()?.parse().ok()
}

/// The first part of that kind which is a body, not one that the parser would make out of the other.
fn own_body(message: &Message<'_>, is_kind: impl Fn(&MessagePart<'_>) -> bool) -> Option<String> {
    let is_attachment = |part: &MessagePart<'_>| part.content_disposition().is_some_and(|how| how.is_attachment());
    let part = message.parts.iter().find(|part| is_kind(part) && !is_attachment(part))?;
    part.text_contents().map(str::to_owned)
}

fn sort_in(read: &mut ReadMail, part: &MessagePart<'_>) {
    let mime = part.content_type().map_or_else(
        || "application/octet-stream".to_owned(),
        |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("octet-stream")),
    );
    let bytes = part.contents().to_vec();
    match part.content_id() {
        Some(cid) if mime.starts_with("image/") => {
            read.inline.push(InlineImage { cid: cid.trim_matches(['<', '>']).to_owned(), mime, bytes });
        }
        _ => read.attachments.push(ReadAttachment { name: part.attachment_name().unwrap_or_default().to_owned(), mime, bytes }),
    }
}

fn mailboxes(address: Option<&Address<'_>>) -> Vec<Mailbox> {
    let Some(address) = address else { return Vec::new() };
    let read =
        |one: &mail_parser::Addr<'_>| Some(Mailbox { name: one.name().map(str::to_owned), address: one.address()?.to_owned() });
    address.iter().filter_map(read).collect()
}

fn first_text(value: &HeaderValue<'_>) -> Option<String> {
    match value {
        HeaderValue::Text(text) => Some(text.to_string()),
        HeaderValue::TextList(list) => list.first().map(ToString::to_string),
        _ => None,
    }
}
