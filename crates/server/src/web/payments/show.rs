//! The page of one cobro or pago, with its two dialogs, each of them a page of its own without script.

use std::collections::HashSet;

use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::PaymentId;
use acuse_domain::money::Money;
use acuse_domain::payment::{CheckKind, DEDUCTIBLE_CASH, Direction, Method, PaymentLine, Status};
use acuse_domain::text::masked_account;
use acuse_store::contacts;
use acuse_store::deliveries::{self, Delivery, MessageKind, Standing, Stopped, each_once, is_same_recipient, recipient_key};
use acuse_store::events::{self, Event};
use acuse_store::payments::{self, Recorded, RecordedAllocation, is_own_of_today};
use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::Query;
use serde::Deserialize;

use super::Book;
use super::changed::Changed;
use super::deliveries_view::{DeliveriesView, PaymentContext, Refused, when};
use super::history::{History, history};
use super::paper::Paper;
use super::sender::Sender;
use crate::web::form_errors::FormErrors;
use crate::web::frame::Frame;
use crate::web::once::new_key;
use crate::web::page::{self, Page};
use crate::web::path_id::PathId;
use crate::web::state_mark::StateMark;
use crate::web::trouble::{self, Trouble};
use crate::web::{calendar, filters};
use acuse_domain::access::Permission;

/// Addresses that the question about Reenviar offers: those a receipt went to last.
const MOST_CHOICES: usize = 100;

/// GET `/cobros/{id}`
pub async fn show(frame: Frame, book: Book, PathId(id): PathId<PaymentId>) -> Result<Response, Trouble> {
    let view = ShowPage::load(&frame, book, id, Refused::default()).await?;
    Ok(page::shown(&view))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Look {
    /// How often the page has looked already.
    vez: Option<usize>,
}

/// What of the page changes by itself.
#[derive(Template)]
#[template(ext = "html", source = "{{ sends }}{{ history }}")]
struct Fresh {
    sends: DeliveriesView,
    history: History,
}

/// GET `/cobros/{id}/envios`: the sections alone, for the script that keeps them fresh.
pub async fn sends(
    frame: Frame,
    book: Book,
    PathId(id): PathId<PaymentId>,
    Query(look): Query<Look>,
) -> Result<Response, Trouble> {
    let found = Found::load(&frame, book, id).await?;
    let history = History { entries: history(book, &found.events, &found.deliveries), now: acuse_store::now() };
    let sends = found.sends(book, Refused::default()).at_look(look.vez.unwrap_or_default());
    Ok(page::shown(&Fresh { sends, history }))
}

/// GET `/cobros/{id}/reenviar`
pub async fn ask_resend(frame: Frame, book: Book, PathId(id): PathId<PaymentId>) -> Result<Response, Trouble> {
    let mut view = ShowPage::load(&frame, book, id, Refused::default()).await?.behind();
    view.dialog = Some(Dialog::Resend(view.resend_dialog(&frame).await?));
    Ok(page::shown(&view))
}

/// GET `/cobros/{id}/anular`
pub async fn ask_void(frame: Frame, book: Book, PathId(id): PathId<PaymentId>) -> Result<Response, Trouble> {
    let view = ShowPage::load(&frame, book, id, Refused::default()).await?;
    if view.is_voided() {
        // Somebody was faster: the page says who.
        return Ok(Redirect::to(&book.page_of(id)).into_response());
    }
    if !view.found.may_void {
        return Ok(trouble::not_allowed());
    }
    let mut view = view.behind();
    view.dialog = Some(Dialog::Void(view.void_dialog()));
    Ok(page::shown(&view))
}

/// The payment, if it is of this book.
pub async fn recorded(frame: &Frame, book: Book, id: PaymentId) -> Result<Recorded, Trouble> {
    let recorded = payments::find(&frame.app.db, frame.company(), id).await?;
    recorded.filter(|recorded| recorded.summary.number.direction == book.direction).ok_or(Trouble::NotFound)
}

/// What is on record about one payment.
pub struct Found {
    pub recorded: Recorded,
    pub deliveries: Vec<Delivery>,
    pub sender: Sender,
    /// Newest first.
    events: Vec<Event>,
    stopped: Stopped,
    may_send: bool,
    may_void: bool,
}

impl Found {
    async fn load(frame: &Frame, book: Book, id: PaymentId) -> Result<Self, Trouble> {
        let company = frame.company();
        let recorded = recorded(frame, book, id).await?;
        let deliveries = deliveries::of_payments(&frame.app.db, company, &[id]).await?;
        let events = events::list(&frame.app.db, company, id.0).await?;
        let sender = Sender::of(&frame.app, company, book).await?;
        let may_send = frame.may(Permission::SendReceipts);
        let now = acuse_store::now();
        let is_own = is_own_of_today(&frame.actor, recorded.recorder, recorded.recorded_at, now);
        let may_void = frame.may(Permission::VoidPayments) || is_own && frame.may(Permission::VoidOwnPayments);
        let stopped = page::stopped(&frame.app, company, acuse_store::now()).await?;
        Ok(Self { recorded, deliveries, sender, events, stopped, may_send, may_void })
    }

    pub fn is_voided(&self) -> bool {
        self.recorded.summary.is_voided()
    }

    fn read(&self) -> usize {
        events::so_far(&self.events)
    }

    pub fn sends(&self, book: Book, refused: Refused) -> DeliveriesView {
        let summary = &self.recorded.summary;
        let subject = PaymentContext {
            book,
            id: summary.id,
            is_voided: self.is_voided(),
            may_send: self.may_send,
            read: self.read(),
            stopped: &self.stopped,
        };
        DeliveriesView::of(&subject, &self.deliveries, &self.sender, refused, acuse_store::now())
    }
}

#[derive(Template)]
#[template(path = "payments/show.html")]
pub struct ShowPage {
    page: Page,
    book: Book,
    found: Found,
    sends: DeliveriesView,
    /// None where the frozen receipt cannot be read.
    paper: Option<Paper>,
    history: History,
    /// A form of this page was refused because the payment had changed.
    changed: Option<Changed>,
    pub dialog: Option<Dialog>,
}

/// The question over the page.
pub enum Dialog {
    Resend(ResendDialog),
    Void(VoidDialog),
}

pub struct ResendDialog {
    /// Makes pressing Reenviar twice send once.
    pub once: String,
    pub choices: Vec<Choice>,
    /// Of a voided payment, who needs no other notice.
    pub told: Vec<String>,
    pub other: String,
    pub keeps_other: bool,
    /// «Reenvío 2», or nothing where the receipt was never sent.
    pub number: Option<i32>,
    pub errors: FormErrors,
}

/// An address that the receipt may go to, and what became of its last try.
pub struct Choice {
    pub address: String,
    pub ticked: bool,
    pub mark: Option<StateMark>,
    pub note: &'static str,
}

pub struct VoidDialog {
    /// Makes pressing Anular twice void once.
    pub once: String,
    pub reason: String,
    pub tells: bool,
    /// Addresses that have the receipt, or may have it.
    pub had_it: Vec<String>,
    pub errors: FormErrors,
}

impl ShowPage {
    pub async fn load(frame: &Frame, book: Book, id: PaymentId, refused: Refused) -> Result<Self, Trouble> {
        let found = Found::load(frame, book, id).await?;
        Ok(Self {
            history: History { entries: history(book, &found.events, &found.deliveries), now: acuse_store::now() },
            page: frame.page(book.section()).await?,
            book,
            sends: found.sends(book, refused),
            paper: found.recorded.receipt.clone().map(Paper::of),
            changed: None,
            dialog: None,
            found,
        })
    }

    /// The page as it lies behind a dialog.
    #[must_use]
    pub fn behind(self) -> Self {
        Self { page: self.page.modal(), ..self }
    }

    pub async fn resend_dialog(&self, frame: &Frame) -> Result<ResendDialog, Trouble> {
        let contact = contacts::find(&frame.app.db, frame.company(), self.found.recorded.summary.contact).await?;
        let contact = contact.ok_or(Trouble::NotFound)?;
        let own = contact.details.receipt_recipients(self.book.direction);
        let choices = if self.is_voided() { self.untold(own) } else { self.choices(own) };
        Ok(ResendDialog {
            once: new_key(),
            choices,
            told: self.told(),
            other: String::new(),
            // Who is told of a void is seldom who gets the next receipt.
            keeps_other: !self.is_voided(),
            number: self.next_resend(),
            errors: FormErrors::default(),
        })
    }

    /// The person's own addresses, and wherever else the receipt was sent.
    fn choices(&self, own: &[EmailAddress]) -> Vec<Choice> {
        let mut choices: Vec<Choice> = own.iter().map(|address| self.choice(address.as_str(), true)).collect();
        let mut known: HashSet<String> = choices.iter().map(|choice| recipient_key(&choice.address)).collect();
        for delivery in self.found.deliveries.iter().rev() {
            if known.len() < MOST_CHOICES && known.insert(recipient_key(&delivery.recipient)) {
                choices.push(self.choice(&delivery.recipient, false));
            }
        }
        choices
    }

    /// Whoever may have the receipt that is void now and was not told; then the person's other addresses.
    fn untold(&self, own: &[EmailAddress]) -> Vec<Choice> {
        let told = self.told();
        let had_it = self.had_it();
        let had = had_it.iter().map(|address| self.choice(address, true));
        let others = own.iter().map(|address| self.choice(address.as_str(), false));
        let is_told = |choice: &Choice| told.iter().any(|told| is_same_recipient(told, &choice.address));
        let untold = had.chain(others).filter(|choice| !is_told(choice));
        each_once(untold, |choice| &choice.address).into_iter().take(MOST_CHOICES).collect()
    }

    fn had_it(&self) -> Vec<String> {
        self.recipients_of(Standing::may_have_brought_the_receipt)
    }

    fn told(&self) -> Vec<String> {
        self.recipients_of(Standing::tells_of_the_void)
    }

    fn recipients_of(&self, of: impl Fn(Standing) -> bool) -> Vec<String> {
        let found = self.found.deliveries.iter().filter(|delivery| of(delivery.standing()));
        each_once(found.map(|delivery| delivery.recipient.clone()), String::as_str)
    }

    /// A bounced address comes unticked: it would bounce again.
    fn choice(&self, address: &str, is_own: bool) -> Choice {
        let last = self.found.deliveries.iter().rev().find(|delivery| is_same_recipient(&delivery.recipient, address));
        let is_dead = last.is_some_and(|delivery| delivery.state.needs_a_person());
        Choice {
            address: address.to_owned(),
            ticked: is_own && !is_dead,
            mark: last
                .map(|delivery| StateMark::of(delivery.state, delivery.next_attempt_at).saying(&when(delivery, self.page.now))),
            note: match (last, is_dead) {
                (None, _) => "Aún no se le envió.",
                (_, true) => "Sin marcar para que no falle otra vez.",
                _ => "",
            },
        }
    }

    fn next_resend(&self) -> Option<i32> {
        let last = self.found.deliveries.iter().map(|delivery| delivery.resend.unwrap_or_default()).max();
        last.map(|last| last + 1)
    }

    pub fn void_dialog(&self) -> VoidDialog {
        VoidDialog { once: new_key(), reason: String::new(), tells: true, had_it: self.had_it(), errors: FormErrors::default() }
    }

    /// What is sent now to whom it is asked for.
    pub fn letter(&self) -> MessageKind {
        if self.is_voided() { MessageKind::VoidNotice } else { MessageKind::Receipt }
    }

    /// As [`ShowPage::say_changed`], of what was asked for and is done already.
    pub fn say_over(&mut self, read: Option<usize>, title: impl Into<String>) {
        self.changed = Some(Changed::of(self.book, &self.found.events, read, title).for_good());
    }

    /// Says what was not done, and what others did since the form was read.
    pub fn say_changed(&mut self, read: Option<usize>, title: impl Into<String>) {
        self.changed = Some(Changed::of(self.book, &self.found.events, read, title));
    }

    /// The same, where it may also be that something happened by itself.
    pub fn say_changed_or(&mut self, read: Option<usize>, title: impl Into<String>, happened: &str) {
        self.changed = Some(Changed::of(self.book, &self.found.events, read, title).or_else(happened));
    }

    fn read(&self) -> usize {
        self.found.read()
    }

    fn recorded(&self) -> &Recorded {
        &self.found.recorded
    }

    fn is_voided(&self) -> bool {
        self.found.is_voided()
    }

    fn number(&self) -> String {
        self.recorded().summary.number.to_string()
    }

    fn url(&self) -> String {
        self.book.page_of(self.recorded().summary.id)
    }

    fn voided_line(&self) -> String {
        let Status::Voided { at, .. } = &self.recorded().summary.status else { return String::new() };
        let by = self.recorded().voided_by.as_deref().map(|name| format!(" por {name}")).unwrap_or_default();
        let day = calendar::today(*at);
        let time = calendar::hour(*at);
        if day == self.page.today() {
            format!("Anulado hoy a las {time}{by}")
        } else {
            format!("Anulado el {} a las {time}{by}", calendar::day(day))
        }
    }

    fn void_reason(&self) -> &str {
        match &self.recorded().summary.status {
            Status::Voided { reason, .. } => reason,
            Status::Posted => "",
        }
    }

    /// What voiding gave back, in one sentence.
    fn given_back(&self) -> String {
        let documents = self.recorded().allocations.len();
        let documents = match documents {
            0 => String::new(),
            1 => format!("Un documento volvió a quedar {}; ", self.book.due()),
            n => format!("{n} documentos volvieron a quedar {}; ", self.book.due()),
        };
        let unapplied = self.recorded().summary.unapplied;
        let advance = if unapplied.is_zero() { String::new() } else { format!("el anticipo de {unapplied} se retiró; ") };
        let sentence = format!("{documents}{advance}el número {} no se usa otra vez.", self.number());
        let mut letters = sentence.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }

    fn withheld(&self) -> Money {
        self.recorded().lines.iter().filter(|line| line.method == Method::Withholding).map(|line| line.amount).sum()
    }

    fn is_over_deductible(&self, line: &PaymentLine) -> bool {
        let cash: Money = self.recorded().lines.iter().filter(|l| l.method == Method::Cash).map(|l| l.amount).sum();
        self.book.direction == Direction::Made && line.method == Method::Cash && cash > DEDUCTIBLE_CASH
    }

    /// Under the name of a line: what one has to know about it.
    fn line_note(&self, line: &PaymentLine) -> String {
        match (line.kind, line.date) {
            (Some(CheckKind::Postdated), _) if self.is_voided() => "ya no está por depositar".to_owned(),
            (Some(CheckKind::Postdated), Some(day)) if self.book.is_received() => {
                format!("para depositar el {}", calendar::day(day))
            }
            (Some(CheckKind::Postdated), Some(day)) => format!("para el {}", calendar::day(day)),
            _ if line.base.is_some() => line.base.map(|base| format!("de una base de {base}")).unwrap_or_default(),
            _ if self.is_over_deductible(line) => "supera USD 500: no deducible".to_owned(),
            _ => String::new(),
        }
    }

    /// Bank and the end of the account, or the till.
    fn place(&self, line: &PaymentLine) -> String {
        let account = line.account.as_deref().map(masked_account);
        [line.bank.clone(), account].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    fn reference(&self, line: &PaymentLine) -> String {
        // An anticipo names the receipt that left it, which the frozen receipt knows.
        let position = self.recorded().lines.iter().position(|own| std::ptr::eq(own, line));
        let frozen = position.zip(self.recorded().receipt.as_ref()).and_then(|(at, receipt)| receipt.lines.get(at));
        frozen.and_then(|line| line.reference.clone()).unwrap_or_default()
    }

    fn if_voided(&self, allocation: &RecordedAllocation) -> String {
        (allocation.balance_now + allocation.amount).to_string()
    }

    fn total_label(&self) -> &'static str {
        let summary = &self.recorded().summary;
        if summary.money == summary.total { self.book.either("Total cobrado", "Total pagado") } else { "Total del recibo" }
    }
}
