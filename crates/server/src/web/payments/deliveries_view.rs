//! «Envíos del recibo»: each recipient, how it stands, the server's words, and what to do where something went wrong.

use acuse_domain::Instant;
use acuse_domain::delivery::{Group, State};
use acuse_domain::id::{DeliveryId, PaymentId};
use acuse_mail::explanation::{Context, Explanation, Language, Situation, explain_recorded};
use acuse_store::deliveries::{Attempt, Delivery, MessageKind, Resolution, Stopped, each_once, is_same_recipient};
use askama::Template;
use askama::filters::HtmlSafe;
use chrono::TimeDelta;

use super::Book;
use super::sender::Sender;
use crate::web::deliveries::{May, is_about_the_address, letter};
use crate::web::form_errors::FormErrors;
use crate::web::once::new_key;
use crate::web::state_mark::StateMark;
use crate::web::{calendar, filters};

/// Where something moved within this time, it may move again at any moment.
const LIVELY: TimeDelta = TimeDelta::minutes(2);

/// The page looks again after so long (ms): 0.2, 0.5 and 1 s after it was opened, then every half second for five seconds, so
/// that a server's answer stands there within half a second; then more slowly.
const PAUSES: [u64; 11] = [200, 300, 500, 500, 500, 500, 500, 500, 500, 500, 500];
const SLOW: u64 = 1_000;
/// While something waits for its time.
const SELDOM: u64 = 15_000;

/// The section, printed by `{{ sends }}`. The script asks for it again while something is under way.
#[derive(Template)]
#[template(path = "payments/_sends.html")]
pub struct DeliveriesView {
    /// The payment's own page.
    url: String,
    from: String,
    /// The first what needs a person, then the newest.
    list: Vec<DeliveryView>,
    /// Of a voided payment, its receipt's deliveries.
    before: Vec<DeliveryView>,
    /// Of a voided payment, who was not told, and why not.
    untold: Vec<(String, String)>,
    is_voided: bool,
    may_send: bool,
    refused: Refused,
    /// How far the page knows the history: what is pressed on it is refused where that went on.
    read: usize,
    /// How often the page has looked already.
    looks: usize,
    /// Makes pressing one of its buttons twice act once.
    once: String,
    now: Instant,
}

impl HtmlSafe for DeliveriesView {}

/// A form of the section that was sent and refused.
#[derive(Default)]
pub struct Refused {
    pub errors: FormErrors,
    /// What was typed in place of a delivery's address.
    pub typed: Option<(DeliveryId, String)>,
}

/// What the section needs to know of its payment.
pub struct PaymentContext<'a> {
    pub book: Book,
    pub id: PaymentId,
    pub is_voided: bool,
    pub may_send: bool,
    pub read: usize,
    pub stopped: &'a Stopped,
}

impl DeliveriesView {
    #[must_use]
    pub fn of(subject: &PaymentContext<'_>, deliveries: &[Delivery], sender: &Sender, refused: Refused, now: Instant) -> Self {
        let (before, mut current): (Vec<_>, Vec<_>) =
            deliveries.iter().cloned().partition(|delivery| subject.is_voided && delivery.kind == MessageKind::Receipt);
        let needs_a_person = |delivery: &Delivery| delivery.group(subject.stopped) == Group::WithProblems;
        current.sort_by_key(|delivery| (!needs_a_person(delivery), std::cmp::Reverse(delivery.id)));
        let sent = |delivery: Delivery| DeliveryView::of(delivery, subject.stopped);
        let from = current.iter().find_map(|delivery| delivery.account.as_ref()).map_or_else(|| sender.name_and_server(), named);
        Self {
            url: subject.book.page_of(subject.id),
            from,
            untold: if subject.is_voided { untold(&before, &current) } else { Vec::new() },
            list: current.into_iter().map(sent).collect(),
            before: before.into_iter().map(sent).collect(),
            is_voided: subject.is_voided,
            may_send: subject.may_send,
            refused,
            read: subject.read,
            looks: 0,
            once: new_key(),
            now,
        }
    }

    /// As it is at a later look.
    #[must_use]
    pub fn at_look(self, looks: usize) -> Self {
        Self { looks: looks.min(PAUSES.len()), ..self }
    }

    fn title(&self) -> &'static str {
        if self.is_voided { "Envíos del aviso de anulación" } else { "Envíos del recibo" }
    }

    /// When to look again; never where nothing more happens by itself.
    fn looks_again(&self) -> Option<String> {
        let all = || self.list.iter().chain(&self.before).map(|sent| &sent.delivery);
        let waiting = || all().filter(|delivery| !delivery.state.is_final());
        let is_soon = |delivery: &Delivery| {
            let near = delivery.next_attempt_at.is_none_or(|at| at <= self.now + TimeDelta::seconds(5));
            delivery.state == State::Sending || (near && self.now - delivery.queued_at < LIVELY)
        };
        let pause = if waiting().any(is_soon) { PAUSES.get(self.looks).copied().unwrap_or(SLOW) } else { SELDOM };
        waiting().next().map(|_| format!("every {pause}ms"))
    }

    /// Which look the next one is.
    fn next_look(&self) -> usize {
        (self.looks + 1).min(PAUSES.len())
    }

    /// Whether one of its cures is the page's next sensible act.
    #[must_use]
    pub fn has_primary(&self) -> bool {
        self.may_send && self.list.iter().any(|sent| sent.cure() == Cure::Address)
    }

    /// One button of a page is the primary one.
    fn is_first(&self, sent: &DeliveryView) -> bool {
        self.list.iter().find(|other| other.cure() == Cure::Address).is_some_and(|first| first.id() == sent.id())
    }

    fn before_in_words(&self) -> String {
        let count = |fate: Ended| self.before.iter().filter(|sent| sent.ended() == fate).count();
        let said = |fate: Ended, one: &str, more: &str| match count(fate) {
            0 => None,
            1 => Some(format!("1 {one}")),
            n => Some(format!("{n} {more}")),
        };
        let parts = [
            said(Ended::Accepted, "aceptado", "aceptados"),
            said(Ended::UnderWay, "en camino", "en camino"),
            said(Ended::Unknown, "sin confirmar", "sin confirmar"),
            said(Ended::NotThere, "no llegó", "no llegaron"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// What stands in the field of a correction.
    fn typed<'a>(&'a self, sent: &'a DeliveryView) -> &'a str {
        let typed = self.refused.typed.as_ref().filter(|(id, _)| *id == sent.id());
        typed.map_or(&sent.delivery.recipient, |(_, typed)| typed)
    }
}

/// `cobros@empresa.ec, por smtp.gmail.com`, or the default account by that name.
fn named((source, server, from): &(String, String, String)) -> String {
    if source == "default" { format!("{from}, correo predeterminado") } else { format!("{from}, por {server}") }
}

/// Who has no notice, because they had no receipt.
fn untold(before: &[Delivery], notices: &[Delivery]) -> Vec<(String, String)> {
    let is_told = |delivery: &&Delivery| notices.iter().any(|notice| is_same_recipient(&notice.recipient, &delivery.recipient));
    let mut untold = Vec::new();
    for delivery in each_once(before.iter().rev().filter(|delivery| !is_told(delivery)), |delivery| &delivery.recipient) {
        let has_it = |one: &Delivery| {
            is_same_recipient(&one.recipient, &delivery.recipient) && one.standing().may_have_brought_the_receipt()
        };
        let why = match delivery.state {
            _ if before.iter().any(has_it) => "No se pidió avisarle.",
            State::Bounced => "Su recibo rebotó, así que no hay de qué avisarle.",
            State::Failed => "Su recibo no llegó, así que no hay de qué avisarle.",
            State::Cancelled => "Su recibo no llegó a salir, así que no hay de qué avisarle.",
            _ => "No se pidió avisarle.",
        };
        untold.push((delivery.recipient.clone(), why.to_owned()));
    }
    untold
}

/// One delivery on the page.
struct DeliveryView {
    group: Group,
    mark: StateMark,
    delivery: Delivery,
}

/// What became of a receipt whose payment was voided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Accepted,
    /// A worker has it in its hands.
    UnderWay,
    /// It may have arrived.
    Unknown,
    NotThere,
}

/// What a person can do about a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cure {
    Nothing,
    /// Correct the address and send again.
    Address,
    /// Send again as it is.
    Retry,
    /// It waits for the account, or for its time.
    Wait,
}

impl DeliveryView {
    fn of(delivery: Delivery, stopped: &Stopped) -> Self {
        Self { group: delivery.group(stopped), mark: StateMark::of_delivery(&delivery, stopped), delivery }
    }

    fn mark(&self) -> &StateMark {
        &self.mark
    }

    /// A person has to act.
    fn is_bad(&self) -> bool {
        self.group == Group::WithProblems
    }

    fn letter(&self) -> Option<String> {
        letter(&self.delivery)
    }

    fn stands_since(&self) -> &Instant {
        self.delivery.finished_at.as_ref().unwrap_or(&self.delivery.queued_at)
    }

    fn ended(&self) -> Ended {
        match self.delivery.state {
            State::Accepted => Ended::Accepted,
            State::Queued | State::Sending | State::Deferred => Ended::UnderWay,
            _ if self.delivery.standing().brought_the_receipt() => Ended::Unknown,
            State::InDoubt | State::Failed | State::Bounced | State::Cancelled => Ended::NotThere,
        }
    }

    fn id(&self) -> DeliveryId {
        self.delivery.id
    }

    /// What went wrong, while it still matters.
    fn problem(&self) -> Option<Explanation> {
        let Delivery { problem_code, account, .. } = &self.delivery;
        if matches!(self.group, Group::Accepted | Group::Cancelled | Group::Resolved) {
            return None;
        }
        let (host, sender) = account.as_ref().map_or(("", ""), |(_, server, from)| (server, from));
        let context = Context { host, sender, situation: Situation::Queue, ..Context::default() };
        problem_code.as_ref().map(|code| explain_recorded(code, &context, Language::Spanish))
    }

    fn kind(&self) -> &'static str {
        if self.is_bad() { "bad" } else { "warn" }
    }

    fn icon(&self) -> &'static str {
        if self.is_bad() { "alert-octagon" } else { "alert-triangle" }
    }

    fn cure(&self) -> Cure {
        match self.delivery.state {
            State::Failed | State::Bounced if self.group == Group::Resolved => Cure::Nothing,
            State::Failed | State::Bounced if is_about_the_address(&self.delivery) => Cure::Address,
            State::Failed | State::Bounced => Cure::Retry,
            State::Queued | State::Deferred | State::InDoubt => Cure::Wait,
            State::Sending | State::Accepted | State::Cancelled => Cure::Nothing,
        }
    }

    /// The account does not send: what went wrong is not this delivery's.
    fn waits_for_account(&self) -> bool {
        let came_back = self.delivery.state == State::Queued && self.delivery.problem_code.is_some();
        came_back || self.delivery.state.is_waiting() && self.is_bad()
    }

    fn may_resolve(&self) -> bool {
        May::of(&self.delivery).resolve
    }

    /// Why nobody has to act any more.
    fn resolved(&self, now: Instant) -> Option<String> {
        Some(match self.delivery.resolution.as_ref()? {
            Resolution::AcceptedFor(address) if is_same_recipient(address, &self.delivery.recipient) => {
                "Se reenvió después a esta dirección y el servidor lo aceptó.".to_owned()
            }
            Resolution::AcceptedFor(address) => format!("Se reenvió después a {address} y el servidor lo aceptó."),
            Resolution::CorrectedTo(address) => format!("Se corrigió a {address}."),
            Resolution::PaymentVoided => "El recibo se anuló: ya no se envía.".to_owned(),
            Resolution::ByPerson { who, at, reason } => {
                let said = format!("{who} lo dio por resuelto {}", calendar::moment(*at, now));
                reason.as_ref().map_or(format!("{said}."), |reason| format!("{said}: «{reason}»"))
            }
        })
    }

    fn may_repeat_now(&self) -> bool {
        matches!(self.delivery.state, State::Deferred | State::InDoubt)
    }

    fn may_cancel(&self) -> bool {
        self.delivery.state.can_be_cancelled()
    }

    fn life(&self) -> Vec<Moment> {
        let mut life = vec![Moment { at: self.delivery.queued_at, state: "", word: "En cola".to_owned(), reply: String::new() }];
        life.extend(self.delivery.attempts.iter().map(|attempt| Moment::of(attempt, &self.delivery)));
        match (self.delivery.state, self.delivery.finished_at) {
            (State::Sending, _) => {
                let at = life.last().map_or(self.delivery.queued_at, |moment| moment.at);
                life.push(Moment { at, state: "", word: "Enviando".to_owned(), reply: String::new() });
            }
            (State::Cancelled, Some(at)) => {
                let word = if self.delivery.may_have_arrived { "No se envía otra vez" } else { "Anulado antes de salir" };
                life.push(Moment { at, state: "", word: word.to_owned(), reply: String::new() });
            }
            _ => {}
        }
        life.sort_by_key(|moment| moment.at);
        life
    }
}

/// A line of a delivery's life.
struct Moment {
    at: Instant,
    state: &'static str,
    word: String,
    reply: String,
}

impl Moment {
    fn of(attempt: &Attempt, delivery: &Delivery) -> Self {
        let is_last = delivery.attempts.last().is_some_and(|last| last.at == attempt.at);
        let again = delivery.next_attempt_at.filter(|_| is_last && delivery.state == State::Deferred);
        let (state, word) = match attempt.state {
            State::Accepted => ("ok", State::Accepted.word()),
            State::Failed => ("bad", State::Failed.word()),
            State::Bounced => ("bad", State::Bounced.word()),
            State::Deferred if again.is_some() => ("warn", "No se entregó; se reintenta a las"),
            State::Deferred => ("warn", "No se entregó; se reintentó"),
            State::InDoubt => ("warn", State::InDoubt.word()),
            State::Queued => ("warn", "Espera por la cuenta"),
            State::Sending | State::Cancelled => ("", attempt.state.word()),
        };
        let word = again.map_or(word.to_owned(), |at| format!("{word} {}", calendar::hour(at)));
        // The answer came at its end; a slow server is one that took long to say it.
        Self { at: attempt.ended_at(), state, word, reply: attempt.reply.clone() }
    }
}

/// `hoy 09:14`, for the state of an address in a dialog.
pub fn when(delivery: &Delivery, now: Instant) -> String {
    calendar::moment(delivery.finished_at.unwrap_or(delivery.queued_at), now)
}

#[cfg(test)]
mod tests {
    use acuse_domain::id::ContactId;
    use acuse_domain::mail_account::MailModule;
    use acuse_domain::mail_problem::{ProblemCode, Whose};
    use acuse_domain::number::ReceiptNumber;
    use acuse_domain::payment::Direction;
    use acuse_store::deliveries::Attempt;
    use uuid::Uuid;

    use super::*;

    fn delivery(state: State, code: &str) -> Delivery {
        Delivery {
            id: DeliveryId(Uuid::nil()),
            payment: PaymentId(Uuid::nil()),
            number: ReceiptNumber { direction: Direction::Received, sequence: 1 },
            contact: ContactId(Uuid::nil()),
            contact_name: "Ana".to_owned(),
            kind: MessageKind::Receipt,
            module: MailModule::ReceivedPayments,
            recipient: "ana@andina.ec".to_owned(),
            state,
            may_have_arrived: false,
            resend: None,
            queued_at: acuse_store::now(),
            next_attempt_at: None,
            finished_at: None,
            message_id: None,
            account: None,
            reply: None,
            problem_code: Some(code.to_owned()),
            attempts: Vec::new(),
            resolution: None,
        }
    }

    #[test]
    fn what_a_slow_server_answered_stands_at_the_time_of_its_answer() {
        let mut sent = DeliveryView::of(delivery(State::Accepted, ""), &Stopped::default());
        let at = sent.delivery.queued_at + TimeDelta::seconds(1);
        let reply = "250 2.0.0 Ok".to_owned();
        let phase = "message".to_owned();
        let attempt = Attempt { at, phase, reply, problem_code: None, duration_ms: 20_000, state: State::Accepted };
        sent.delivery.attempts = vec![attempt];
        let times: Vec<_> = sent.life().iter().map(|moment| (moment.at - sent.delivery.queued_at).num_seconds()).collect();
        assert_eq!(times, [0, 21]);
    }

    #[test]
    fn of_a_chain_of_corrections_only_the_newest_asks_for_something() {
        let number = |n: u128| DeliveryId(Uuid::from_u128(n));
        let wrong = |n: u128, recipient: &str| Delivery {
            id: number(n),
            recipient: recipient.to_owned(),
            resolution: (n < 3).then(|| Resolution::CorrectedTo("c@b.ec".to_owned())),
            ..delivery(State::Bounced, ProblemCode::MailboxNotFound.as_str())
        };
        let stopped = Stopped::default();
        let subject = PaymentContext {
            book: Book { direction: Direction::Received },
            id: PaymentId(Uuid::nil()),
            is_voided: false,
            may_send: true,
            read: 0,
            stopped: &stopped,
        };
        let sender = Sender { address: String::new(), server: String::new(), is_default: false, waits: None };
        let page = |chain: &[Delivery]| DeliveriesView::of(&subject, chain, &sender, Refused::default(), acuse_store::now());
        let chain = [wrong(1, "a@b.ec"), wrong(2, "b@b.ec"), wrong(3, "c@b.ec")];
        let shown = page(&chain);
        let html = shown.to_string();
        assert_eq!(html.matches("Corregir y reenviar").count(), 1, "{html}");
        assert_eq!(html.matches(r#"data-kind="bad""#).count(), 1);
        assert_eq!(html.matches("Se corrigió a c@b.ec.").count(), 2);
        assert_eq!(shown.list[0].delivery.recipient, "c@b.ec", "and it comes first");
        let all: Vec<&Delivery> = chain.iter().collect();
        assert!(StateMark::of_payment(&all, &stopped).to_string().contains("<span>Rebotado</span>"), "one of one");
    }

    #[test]
    fn an_address_is_corrected_only_where_it_is_at_fault_on_every_page() {
        for problem in ProblemCode::ALL {
            let (code, is_address) = (problem.as_str(), problem.whose_fault() == Whose::Recipient);
            for state in State::ALL {
                let delivery = delivery(state, code);
                let over = matches!(state, State::Accepted | State::Cancelled);
                assert_eq!(is_about_the_address(&delivery), is_address && !over, "{code} {state:?}");
                let sent = DeliveryView::of(delivery, &Stopped::default());
                let needs_a_person = state.needs_a_person();
                assert_eq!(sent.cure() == Cure::Address, is_address && needs_a_person, "{code} {state:?}");
                assert_eq!(sent.cure() == Cure::Retry, !is_address && needs_a_person, "{code} {state:?}");
                let context = Context { situation: Situation::Queue, ..Context::default() };
                let said = (!over).then(|| explain_recorded(code, &context, Language::Spanish));
                assert_eq!(sent.problem(), said, "{code} {state:?}");
            }
        }
    }
}
