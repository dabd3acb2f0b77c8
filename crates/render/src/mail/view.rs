//! What the templates show: every value already written as people read it.

use acuse_domain::receipt::{Allocated, Line, Receipt};
use acuse_domain::text;
use chrono::{Datelike, FixedOffset, Timelike};

use super::{AccountStopped, MailFacts, VoidedNotice};
use crate::words::{self, given, is_zero, long_date, money};

/// More documents go in the PDF only: the mail stays under 20 KB and on one screen.
const MOST_DOCUMENTS: usize = 12;
/// Continental Ecuador, the whole year round.
const HOURS_WEST_OF_UTC: i32 = 5;

pub struct ReceiptView {
    pub subject: String,
    pub preheader: String,
    pub company: CompanyView,
    pub contact: ContactView,
    pub receipt: FactsView,
    pub words: WordsView,
    pub lines: Vec<LineView>,
    pub documents: Vec<DocumentView>,
    pub documents_left_out: usize,
    pub documents_count: usize,
    pub verify: Option<VerifyView>,
    pub resend: Option<ResendView>,
    pub voided: Option<VoidedView>,
}

pub struct CompanyView {
    pub name: String,
    pub legal_name: String,
    pub ruc: String,
    pub address: Option<String>,
    pub phone: Option<String>,
    pub logo: Option<LogoView>,
}

/// In CSS pixels.
pub struct LogoView {
    pub width: u32,
    pub height: u32,
}

pub struct ContactView {
    pub name: String,
}

pub struct FactsView {
    pub title: &'static str,
    pub number: String,
    pub date: String,
    pub money: String,
    pub total: String,
    pub allocated: String,
    pub balance: String,
    pub unapplied: Option<String>,
    pub description: Option<String>,
    pub file: String,
}

pub struct WordsView {
    pub headline: &'static str,
    pub party: &'static str,
    pub thing: &'static str,
    pub documents: &'static str,
    pub unapplied: &'static str,
    pub opening: &'static str,
}

pub struct LineView {
    pub what: String,
    pub note: Option<String>,
    pub amount: String,
}

pub struct DocumentView {
    pub name: String,
    pub amount: String,
    pub balance: String,
}

pub struct VerifyView {
    pub url: String,
    pub text: String,
}

pub struct ResendView {
    pub n: u32,
    pub first_sent: String,
}

pub struct VoidedView {
    pub date: String,
    /// «que le enviamos el …», or «emitido el …» to whom it was never sent.
    pub known_as: Option<String>,
    pub reason: Option<String>,
}

impl ReceiptView {
    pub fn of(receipt: &Receipt, facts: &MailFacts<'_>) -> Self {
        let voided = receipt.voided.as_ref();
        let documents: Vec<DocumentView> = receipt.allocations.iter().map(|paid| document(paid, voided.is_some())).collect();
        let documents_count = documents.len();
        let shown = if documents_count > MOST_DOCUMENTS + 1 { MOST_DOCUMENTS } else { documents_count };
        Self {
            subject: subject(receipt, facts),
            preheader: preheader(receipt, facts),
            company: CompanyView::of(receipt, facts),
            contact: ContactView { name: text::one_line(&receipt.contact.name) },
            receipt: FactsView::of(receipt),
            words: WordsView::of(receipt),
            lines: receipt.lines.iter().map(line).collect(),
            documents: documents.into_iter().take(shown).collect(),
            documents_left_out: documents_count - shown,
            documents_count,
            verify: receipt
                .verify
                .as_ref()
                .map(|verify| VerifyView { url: format!("https://{}", verify.address), text: verify.address.clone() }),
            resend: facts.resend.map(|resend| ResendView { n: resend.n, first_sent: long_date(&resend.first_sent.to_string()) }),
            voided: voided.map(|voided| VoidedView {
                date: long_date(&voided.date),
                known_as: facts.voided_notice.map(known_as),
                reason: given(voided.reason.as_deref()),
            }),
        }
    }
}

fn known_as(notice: VoidedNotice) -> String {
    match notice.sent {
        Some(sent) => format!("que le enviamos el {}", long_date(&sent.to_string())),
        None => format!("emitido el {}", long_date(&notice.issued.to_string())),
    }
}

fn subject(receipt: &Receipt, facts: &MailFacts<'_>) -> String {
    let (title, number, amount) = (receipt.title(), &receipt.number, money(receipt.headline()));
    match (&receipt.voided, facts.resend) {
        (Some(_), _) => format!("Anulado: {} {number} por USD {amount}", title.to_lowercase()),
        (None, Some(resend)) => format!("{title} {number} por USD {amount} (reenvío {})", resend.n),
        (None, None) => format!("{title} {number} por USD {amount}"),
    }
}

/// What a list of mails shows after the subject.
fn preheader(receipt: &Receipt, facts: &MailFacts<'_>) -> String {
    let number = &receipt.number;
    if receipt.voided.is_some() {
        let owed = receipt.allocations.iter().filter_map(|paid| paid.previous_balance.parse::<acuse_domain::money::Money>().ok());
        let owed: acuse_domain::money::Money = owed.sum();
        return match receipt.allocations.is_empty() {
            true => format!("El recibo {number} ya no tiene valor."),
            false => format!("El recibo {number} ya no tiene valor; el saldo vuelve a USD {owed}."),
        };
    }
    let resend = facts.resend.map(|resend| format!("Reenvío {}", resend.n));
    let documents = match receipt.allocations.as_slice() {
        [] => None,
        [only] => Some(words::document(&only.kind, &only.number)),
        several => Some(format!("{} documentos", several.len())),
    };
    let owed = documents.is_some().then(|| format!("saldo USD {}", money(&receipt.balance)));
    let parts =
        [resend, Some(number.clone()), Some(long_date(&receipt.date)), documents, owed, Some("el PDF va adjunto".to_string())];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

impl CompanyView {
    fn of(receipt: &Receipt, facts: &MailFacts<'_>) -> Self {
        let company = &receipt.company;
        let legal_name = text::one_line(&company.legal_name);
        Self {
            name: given(company.trade_name.as_deref()).unwrap_or_else(|| legal_name.clone()),
            legal_name,
            ruc: company.ruc.clone(),
            address: given(company.address.as_deref()),
            phone: given(company.phone.as_deref()),
            logo: facts.logo.and_then(|logo| logo.for_mail()).map(|logo| LogoView { width: logo.width, height: logo.height }),
        }
    }
}

impl CompanyView {
    /// For a mail to the company itself: its people know the rest.
    pub fn named(name: &str, legal_name: &str) -> Self {
        Self {
            name: text::one_line(name),
            legal_name: text::one_line(legal_name),
            ruc: String::new(),
            address: None,
            phone: None,
            logo: None,
        }
    }
}

impl FactsView {
    fn of(receipt: &Receipt) -> Self {
        Self {
            title: receipt.title(),
            number: receipt.number.clone(),
            date: long_date(&receipt.date),
            money: money(receipt.headline()),
            total: money(&receipt.total),
            allocated: money(&receipt.allocated),
            balance: money(&receipt.balance),
            unapplied: (!is_zero(&receipt.unapplied)).then(|| money(&receipt.unapplied)),
            description: receipt.description.as_deref().map(text::lines).filter(|typed| !typed.is_empty()),
            file: receipt.file_name(),
        }
    }
}

impl WordsView {
    fn of(receipt: &Receipt) -> Self {
        let is_received = receipt.is_received();
        let (headline, party, thing, opening) = match (is_zero(&receipt.money), is_received) {
            (true, _) => ("Compensamos", "con", "cruce", "Registramos esta compensación, sin movimiento de dinero."),
            (false, true) => ("Recibimos", "de", "cobro", "Registramos su pago. ¡Muchas gracias!"),
            (false, false) => ("Le pagamos", "a", "pago", "Le hicimos este pago. Gracias por trabajar con nosotros."),
        };
        let unapplied = if is_received { "Queda a su favor, como anticipo," } else { "Queda entregado como anticipo" };
        Self { headline, party, thing, documents: "Aplicado a estos documentos", unapplied, opening }
    }
}

fn line(line: &Line) -> LineView {
    let reference = given(line.reference.as_deref()).map(|reference| format!("n.º\u{a0}{reference}"));
    let parts = [Some(words::method(line)), words::place(line), reference];
    let effective = line.date.as_deref().filter(|_| words::is_postdated(line));
    LineView {
        what: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        note: effective.map(|date| format!("Se hace efectivo desde el {}.", long_date(date))),
        amount: money(&line.amount),
    }
}

/// After a receipt is voided its documents owe again what they owed before.
fn document(paid: &Allocated, is_voided: bool) -> DocumentView {
    DocumentView {
        name: words::document(&paid.kind, &paid.number),
        amount: money(&paid.amount),
        balance: money(if is_voided { &paid.previous_balance } else { &paid.balance }),
    }
}

pub struct AccountView {
    pub subject: String,
    pub preheader: String,
    pub company: CompanyView,
    pub account: StoppedView,
    pub problem: ProblemView,
    pub waiting: WaitingView,
}

pub struct StoppedView {
    pub address: String,
    pub module: String,
    pub since: String,
    pub server: String,
    pub url: String,
}

pub struct ProblemView {
    pub title: String,
    pub reply: String,
    pub fix: Vec<String>,
}

pub struct WaitingView {
    pub count: u32,
}

impl AccountView {
    pub fn of(stopped: &AccountStopped<'_>) -> Self {
        let waiting = match stopped.waiting {
            0 => None,
            1 => Some("1 recibo en espera".to_string()),
            count => Some(format!("{count} recibos en espera")),
        };
        let in_brackets = waiting.as_ref().map(|waiting| format!(" ({waiting})")).unwrap_or_default();
        let lost = if stopped.waiting == 1 { "no se ha perdido" } else { "no se ha perdido ninguno" };
        let waits = waiting.map_or_else(|| "Todavía no espera ningún recibo".to_string(), |waiting| format!("{waiting}; {lost}"));
        Self {
            subject: text::one_line(&format!("Su cuenta de correo dejó de funcionar: {}{in_brackets}", stopped.address)),
            preheader: format!("{waits}. Así se arregla."),
            company: CompanyView::named(stopped.company_name, stopped.company_legal_name),
            account: StoppedView {
                address: stopped.address.to_string(),
                module: stopped.module.to_string(),
                since: moment(stopped.since),
                server: stopped.server.to_string(),
                url: stopped.url.to_string(),
            },
            problem: ProblemView {
                title: stopped.problem_title.trim_end_matches('.').to_string(),
                reply: text::one_line(stopped.reply),
                fix: stopped.fix.to_vec(),
            },
            waiting: WaitingView { count: stopped.waiting },
        }
    }
}

/// «24 de noviembre a las 09:14», as clocks in Ecuador showed it.
pub fn moment(instant: acuse_domain::Instant) -> String {
    let ecuador = FixedOffset::west_opt(HOURS_WEST_OF_UTC * 3600).expect("five hours are an offset");
    let local = instant.with_timezone(&ecuador);
    let day = words::long_date(&local.date_naive().to_string());
    let without_year = day.trim_end_matches(&format!(" de {}", local.year())).to_string();
    format!("{without_year} a las {:02}:{:02}", local.hour(), local.minute())
}
