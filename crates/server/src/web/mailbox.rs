//! The demo's mailbox: what the built-in mail server caught, as its recipients would see it. There is none outside a demo.

use std::collections::HashMap;
use std::sync::Arc;

use acuse_domain::id::CompanyId;
use acuse_mail::caught::{self, Caught, Mailbox, ReadMail};
use acuse_store::{companies, deliveries};
use askama::Template;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use crate::security::{A_MAIL_IN_A_FRAME, A_PAGE_WITH_A_MAIL};
use crate::web::frame::Frame;
use crate::web::page::{Page, Section, shown};
use crate::web::trouble::Trouble;
use crate::web::{calendar, filters};
use acuse_domain::access::Permission;

/// As many as one scrolls through; the newest.
const MOST_SHOWN: usize = 100;
/// A message's beginning tells who sent it and how it is built; the attachments' base64 says nothing to a reader.
const ORIGINAL_SHOWN: usize = 16 * 1024;

#[derive(Template)]
#[template(path = "mailbox/mailbox.html")]
struct MailboxPage {
    page: Page,
    list: Vec<Entry>,
    open: Option<OpenMail>,
}

struct Entry {
    id: u64,
    to: String,
    subject: String,
    at: acuse_domain::Instant,
    /// `09:14`, or `23/11` for another day.
    when: String,
    is_open: bool,
}

struct OpenMail {
    id: u64,
    mail: ReadMail,
    received_at: acuse_domain::Instant,
    envelope_to: String,
    original: String,
}

/// The list, with its newest mail open.
pub async fn list(frame: Frame) -> Result<Response, Trouble> {
    show_mailbox(&frame, None).await
}

pub async fn open(frame: Frame, Path(id): Path<String>) -> Result<Response, Trouble> {
    let caught = find(&frame, &id).await?;
    show_mailbox(&frame, Some(caught)).await
}

async fn show_mailbox(frame: &Frame, wanted: Option<Arc<Caught>>) -> Result<Response, Trouble> {
    let messages = own_messages(frame).await?;
    let open = wanted.or_else(|| messages.first().cloned());
    let open_id = open.as_ref().map(|caught| caught.id);
    let page = MailboxPage {
        page: frame.page(Section::Buzon).await?,
        list: messages.iter().take(MOST_SHOWN).map(|caught| Entry::of(caught, open_id)).collect(),
        open: open.map(|caught| OpenMail::of(&caught)),
    };
    let mut answer = shown(&page);
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, A_PAGE_WITH_A_MAIL);
    Ok(answer)
}

/// Throws away the company's own mails.
pub async fn empty(frame: Frame) -> Result<Redirect, Trouble> {
    let catcher = frame.app.catcher.as_ref().ok_or(Trouble::NotFound)?;
    let own: Vec<u64> = own_messages(&frame).await?.iter().map(|caught| caught.id).collect();
    catcher.forget(&own);
    Ok(Redirect::to("/demo/buzon"))
}

/// The mail's own HTML, for the frame: its inline pictures become part of it, and nothing of it runs or asks.
pub async fn html(frame: Frame, Path(id): Path<String>) -> Result<Response, Trouble> {
    let mail = caught::parse(&find(&frame, &id).await?.raw);
    let mut html = mail.html.ok_or(Trouble::NotFound)?;
    for image in &mail.inline {
        let data = format!("data:{};base64,{}", image.mime, STANDARD.encode(&image.bytes));
        html = html.replace(&format!("cid:{}", image.cid), &data);
    }
    let headers = [
        (CONTENT_TYPE, axum::http::HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, A_MAIL_IN_A_FRAME),
    ];
    Ok((headers, html).into_response())
}

/// An attachment, by its place. A PDF opens; anything else is saved, since it was written by others.
pub async fn attachment(frame: Frame, Path((id, place)): Path<(String, String)>) -> Result<Response, Trouble> {
    let mut mail = caught::parse(&find(&frame, &id).await?.raw);
    let place = place.parse().ok().filter(|place: &usize| *place < mail.attachments.len()).ok_or(Trouble::NotFound)?;
    let file = mail.attachments.swap_remove(place);
    let is_pdf = file.mime == "application/pdf";
    let kind = if is_pdf { "application/pdf" } else { "application/octet-stream" };
    let how = if is_pdf { "inline" } else { "attachment" };
    let headers =
        [(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, format!("{how}; filename=\"{}\"", safe_name(&file.name)))];
    Ok((headers, file.bytes).into_response())
}

/// The message as it came over the wire.
pub async fn original(frame: Frame, Path(id): Path<String>) -> Result<Response, Trouble> {
    let caught = find(&frame, &id).await?;
    let headers = [
        (CONTENT_TYPE, "message/rfc822".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"mensaje-{}.eml\"", caught.id)),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, caught.raw.clone()).into_response())
}

/// Another company's mail is not there.
async fn find(frame: &Frame, id: &str) -> Result<Arc<Caught>, Trouble> {
    let id: u64 = id.parse().map_err(|_| Trouble::NotFound)?;
    own_messages(frame).await?.into_iter().find(|caught| caught.id == id).ok_or(Trouble::NotFound)
}

/// What the company sent, newest first: the Message-ID names the delivery, the notice or the check. What no company sent,
/// but somebody handed to the catcher by hand, is shown to the demo's own company, which came first.
async fn own_messages(frame: &Frame) -> Result<Vec<Arc<Caught>>, Trouble> {
    let catcher = frame.app.catcher.as_ref().ok_or(Trouble::NotFound)?;
    let own = frame.company();
    let messages: Vec<_> = catcher.messages().into_iter().map(|caught| (caught::id(&caught.raw), caught)).collect();
    let ids: Vec<Uuid> = messages.iter().filter_map(|(id, _)| *id).collect();
    let companies = companies::list_any_company(&frame.app.db).await?;
    let mut senders: HashMap<Uuid, CompanyId> = HashMap::new();
    for company in &companies {
        let sent = deliveries::mails_sent(&frame.app.db, company.id, &ids).await?;
        senders.extend(sent.into_iter().map(|id| (id, company.id)));
    }
    let first = companies.first().map(|company| company.id);
    let sender = |id: &Option<Uuid>| id.and_then(|id| senders.get(&id).copied().or_else(|| frame.app.checks.sender_of(id)));
    let is_own = |id: &Option<Uuid>| sender(id).or(first) == Some(own);
    Ok(messages.into_iter().filter(|(id, _)| is_own(id)).map(|(_, caught)| caught).collect())
}

/// Letters, digits, points and lines: what cannot break out of a header's quotes.
fn safe_name(name: &str) -> String {
    let kept: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')).collect();
    if kept.is_empty() { "adjunto".to_owned() } else { kept }
}

impl Entry {
    fn of(caught: &Caught, open: Option<u64>) -> Self {
        let mail = caught::parse(&caught.raw);
        Self {
            id: caught.id,
            to: caught.rcpt_to.join(", "),
            subject: mail.subject,
            at: caught.received_at,
            when: calendar::short_moment(caught.received_at, acuse_store::now()),
            is_open: open == Some(caught.id),
        }
    }
}

impl OpenMail {
    fn of(caught: &Caught) -> Self {
        let mail = caught::parse(&caught.raw);
        let end = caught.raw.len().min(ORIGINAL_SHOWN);
        let mut original = String::from_utf8_lossy(&caught.raw[..end]).into_owned();
        if end < caught.raw.len() {
            original.push_str("\n[…]");
        }
        Self { id: caught.id, mail, received_at: caught.received_at, envelope_to: caught.rcpt_to.join(", "), original }
    }

    fn from(&self) -> String {
        named(&self.mail.from)
    }

    fn to(&self) -> String {
        if self.mail.to.is_empty() { self.envelope_to.clone() } else { named(&self.mail.to) }
    }

    fn reply_to(&self) -> String {
        named(&self.mail.reply_to)
    }

    fn date(&self) -> String {
        let at = self.mail.date.unwrap_or(self.received_at);
        format!("{} {}", calendar::day(calendar::today(at)), calendar::second(at))
    }
}

fn named(people: &[Mailbox]) -> String {
    let one = |person: &Mailbox| match &person.name {
        Some(name) if !name.is_empty() => format!("{name} <{}>", person.address),
        _ => person.address.clone(),
    };
    people.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// `38 KB`
fn size(bytes: &[u8]) -> String {
    match bytes.len() {
        small @ ..1000 => format!("{small} bytes"),
        large => format!("{} KB", large.div_ceil(1000)),
    }
}
