//! «Historia»: what people did to a payment and what became of its deliveries, newest first.

use acuse_domain::Instant;
use acuse_domain::delivery::State;
use acuse_store::deliveries::{Delivery, MessageKind};
use acuse_store::events::{Event, EventKind};
use askama::Template;
use askama::filters::HtmlSafe;

use super::Book;
use crate::web::filters;

/// The section, printed by `{{ history }}`. It comes anew with the envíos.
#[derive(Template)]
#[template(path = "payments/_history.html")]
pub struct History {
    pub entries: Vec<Entry>,
    pub now: Instant,
}

impl HtmlSafe for History {}

pub struct Entry {
    pub at: Instant,
    /// `ok`, `bad`, or nothing.
    pub state: &'static str,
    pub words: String,
}

#[must_use]
pub fn history(book: Book, events: &[Event], deliveries: &[Delivery]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::with_capacity(events.len() + deliveries.len());
    for (event, words) in acts_in_words(book, events) {
        // Looking at the PDF again is no news.
        if event.kind == EventKind::ReceiptDownloaded && entries.last().is_some_and(|last| last.words == words) {
            continue;
        }
        let state = if event.kind == EventKind::PaymentVoided { "bad" } else { "" };
        entries.push(Entry { at: event.at, state, words });
    }
    entries.extend(deliveries.iter().filter_map(fate));
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    entries
}

/// What people did, in the order of `events`: newest first.
#[must_use]
pub fn acts_in_words(book: Book, events: &[Event]) -> Vec<(&Event, String)> {
    let mut told = Vec::with_capacity(events.len());
    // What a mail is depends on what was done before it.
    let mut letter = Letter::First;
    for event in events.iter().rev() {
        told.extend(event_in_words(book, event, letter).map(|words| (event, words)));
        letter = letter.after(event);
    }
    told.reverse();
    told
}

/// What is sent when somebody asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Letter {
    First,
    Again,
    VoidNotice,
}

impl Letter {
    fn after(self, event: &Event) -> Self {
        match (self, event.kind) {
            (_, EventKind::PaymentVoided) => Self::VoidNotice,
            (Self::First, EventKind::ReceiptResent) => Self::Again,
            (Self::First, EventKind::PaymentRecorded) if !matches!(event.detail.as_str(), "0" | "") => Self::Again,
            _ => self,
        }
    }
}

/// Nothing for what happens to people and tokens, which have no payment.
fn event_in_words(book: Book, event: &Event, letter: Letter) -> Option<String> {
    let Event { who, detail, .. } = event;
    let noun = book.noun();
    Some(match event.kind {
        EventKind::PaymentRecorded => match detail.as_str() {
            "0" | "" => format!("{who} registró el {noun}, sin envío"),
            "1" => format!("{who} registró el {noun} y pidió 1 envío"),
            n => format!("{who} registró el {noun} y pidió {n} envíos"),
        },
        EventKind::PaymentVoided => format!("{who} anuló el {noun}"),
        EventKind::ReceiptResent => match letter {
            Letter::First => format!("{who} envió el recibo a {detail}"),
            Letter::Again => format!("{who} reenvió el recibo a {detail}"),
            Letter::VoidNotice => format!("{who} pidió el aviso de anulación para {detail}"),
        },
        EventKind::DeliveryRetried => format!("{who} pidió reintentar el envío a {detail}"),
        EventKind::DeliveryCancelled => format!("{who} anuló el envío a {detail}"),
        EventKind::DeliveryResolved => format!("{who} dio por resuelto el envío a {detail}"),
        EventKind::ReceiptDownloaded => format!("{who} abrió el PDF"),
        EventKind::UserCreated
        | EventKind::UserRoleChanged
        | EventKind::UserRemoved
        | EventKind::UserPasswordChanged
        | EventKind::SessionsEnded
        | EventKind::TokenCreated
        | EventKind::TokenRevoked
        | EventKind::SecondFactorOn
        | EventKind::SecondFactorOff
        | EventKind::SecondFactorRequired
        | EventKind::RecoveryCodesRenewed
        | EventKind::RecoveryCodeUsed
        | EventKind::PasskeyAdded
        | EventKind::PasskeyRemoved
        | EventKind::UserRenamed => return None,
    })
}

fn fate(delivery: &Delivery) -> Option<Entry> {
    let to = &delivery.recipient;
    let (state, words) = match (delivery.state, delivery.kind) {
        (State::Accepted, MessageKind::Receipt) => ("ok", format!("Recibo aceptado para {to}")),
        (State::Accepted, MessageKind::VoidNotice) => ("ok", format!("Aviso de anulación aceptado para {to}")),
        (State::Bounced, MessageKind::Receipt) => ("bad", format!("Rebotó el envío a {to}")),
        (State::Bounced, MessageKind::VoidNotice) => ("bad", format!("Rebotó el aviso de anulación a {to}")),
        (State::Failed, MessageKind::Receipt) => ("bad", format!("Falló el envío a {to}")),
        (State::Failed, MessageKind::VoidNotice) => ("bad", format!("Falló el aviso de anulación a {to}")),
        (State::Queued | State::Sending | State::Deferred | State::InDoubt | State::Cancelled, _) => return None,
    };
    Some(Entry { at: delivery.finished_at?, state, words })
}
