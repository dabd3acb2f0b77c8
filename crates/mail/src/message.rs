//! A mail as bytes: `mixed[ alternative[ text, related[ html, logo ] ], attachments ]`.

use acuse_domain::Instant;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::text;
use mail_builder::MessageBuilder;
use mail_builder::headers::HeaderType;
use mail_builder::headers::address::Address;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::text::Text as HeaderText;
use mail_builder::mime::{BodyPart, MimePart};

/// How the HTML names its picture: `<img src="cid:logo@acuse">`.
pub const LOGO_CID: &str = "logo@acuse";
/// RFC 5322 2.1.1 allows lines of 998 bytes; a header field that must not be folded stays well below. A Message-ID has room
/// for an identifier and the longest domain there is (255).
const LONGEST_TOKEN: usize = 320;
/// A subject or name beyond this is no subject; it is folded, not cut.
const LONGEST_FIELD: usize = 2_000;

/// Everything a mail shows. Hidden copies stand in the envelope only.
#[derive(Debug, Clone)]
pub struct Mail<'a> {
    pub from_name: &'a str,
    pub from_address: &'a EmailAddress,
    pub to_name: Option<&'a str>,
    pub to: &'a EmailAddress,
    pub reply_to: Option<&'a EmailAddress>,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: Option<&'a str>,
    /// PNG, shown where the HTML says `cid:logo@acuse`.
    pub logo_png: Option<&'a [u8]>,
    pub attachments: &'a [Attachment<'a>],
    /// Without angle brackets. The same at every attempt, so that a second copy can be known for one.
    pub message_id: &'a str,
    pub date: Instant,
    /// The Message-ID that this mail follows, without angle brackets.
    pub in_reply_to: Option<&'a str>,
}

#[derive(Debug, Clone)]
pub struct Attachment<'a> {
    pub name: &'a str,
    /// `application/pdf`.
    pub mime: &'a str,
    pub bytes: &'a [u8],
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the field {field} cannot be written into a mail")]
pub struct InvalidField {
    pub field: &'static str,
}

/// Writes the mail. Lines end in CRLF and stay below 998 bytes; all but ASCII is encoded.
///
/// Errs if a field could break out of its header.
pub fn compose(mail: &Mail<'_>) -> Result<Vec<u8>, InvalidField> {
    check(mail)?;
    let mut builder = MessageBuilder::new()
        .from(mailbox(Some(mail.from_name), mail.from_address))
        .to(mailbox(mail.to_name, mail.to))
        .subject(text::one_line(mail.subject))
        .date(Date::new(mail.date.timestamp()))
        .message_id(mail.message_id);
    if let Some(reply_to) = mail.reply_to {
        builder = builder.reply_to(mailbox(None, reply_to));
    }
    if let Some(first) = mail.in_reply_to {
        builder = builder.in_reply_to(first).references(MessageId::new(first));
    }
    // RFC 3834 5: a holiday notice must not answer a machine.
    let builder = builder.header("Auto-Submitted", HeaderType::Text(HeaderText::new("auto-generated"))).body(body(mail));
    Ok(builder.write_to_vec().expect("writing to memory does not fail"))
}

/// A name and an address as every server can be told them: the name encoded (RFC 2047), the domain in punycode. Only a
/// local part beyond ASCII is left as it is, for servers that take it (RFC 6532).
fn mailbox(name: Option<&str>, address: &EmailAddress) -> Address<'static> {
    Address::new_address(text::optional(name), address.on_the_wire())
}

fn check(mail: &Mail<'_>) -> Result<(), InvalidField> {
    let is_line = |text: &str| text.len() <= LONGEST_FIELD && !text.chars().any(char::is_control);
    let is_token = |text: &str| {
        !text.is_empty()
            && text.len() <= LONGEST_TOKEN
            && text.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"(),;:\\".contains(&b))
    };
    let is_mime = |text: &str| is_token(text) && text.split_once('/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub));
    let rules = [
        ("from_name", is_line(mail.from_name)),
        ("to_name", mail.to_name.is_none_or(is_line)),
        ("subject", is_line(mail.subject)),
        ("message_id", is_token(mail.message_id)),
        ("in_reply_to", mail.in_reply_to.is_none_or(is_token)),
        ("attachment", mail.attachments.iter().all(|one| !one.name.is_empty() && is_line(one.name) && is_mime(one.mime))),
    ];
    match rules.into_iter().find(|(_, holds)| !holds) {
        Some((field, _)) => Err(InvalidField { field }),
        None => Ok(()),
    }
}

fn body<'a>(mail: &Mail<'a>) -> MimePart<'a> {
    let text = MimePart::new("text/plain", mail.text);
    let shown = match mail.html {
        None => text,
        Some(html) => MimePart::new("multipart/alternative", vec![text, page(html, mail.logo_png)]),
    };
    if mail.attachments.is_empty() {
        return shown;
    }
    let attached = mail
        .attachments
        .iter()
        .map(|one| MimePart::new(one.mime, BodyPart::Binary(one.bytes.into())).attachment(text::one_line(one.name)));
    MimePart::new("multipart/mixed", std::iter::once(shown).chain(attached).collect::<Vec<_>>())
}

fn page<'a>(html: &'a str, logo_png: Option<&'a [u8]>) -> MimePart<'a> {
    let page = MimePart::new("text/html", html);
    match logo_png {
        None => page,
        Some(png) => {
            let logo = MimePart::new("image/png", BodyPart::Binary(png.into())).inline().cid(LOGO_CID);
            MimePart::new("multipart/related", vec![page, logo])
        }
    }
}
