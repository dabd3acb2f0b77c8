//! The receipt as the page shows it, drawn from the frozen one.

use acuse_domain::Date;
use acuse_domain::identification::IdentificationType;
use acuse_domain::money::Money;
use acuse_domain::payment::{CheckKind, Method, named_with_tax};
use acuse_domain::receipt::{Line, Receipt};
use askama::Template;
use askama::filters::HtmlSafe;

use crate::web::calendar;

/// Documents that fit beside the page; the PDF has them all.
const MOST_DOCUMENTS: usize = 12;

/// Printed by `{{ paper }}`.
#[derive(Template)]
#[template(path = "payments/_paper.html")]
pub struct Paper {
    receipt: Receipt,
}

impl HtmlSafe for Paper {}

impl Paper {
    #[must_use]
    pub fn of(receipt: Receipt) -> Self {
        Self { receipt }
    }

    fn title(&self) -> &'static str {
        if self.receipt.is_received() { "Recibo de cobro" } else { "Recibo de pago" }
    }

    #[must_use]
    pub fn identification(&self) -> String {
        let contact = &self.receipt.contact;
        let kind = IdentificationType::parse(&contact.identification_type).map_or("", IdentificationType::name);
        format!("{kind} {}", contact.identification)
    }

    fn documents(&self) -> &[acuse_domain::receipt::Allocated] {
        let all = &self.receipt.allocations;
        &all[..all.len().min(MOST_DOCUMENTS)]
    }

    fn documents_left_out(&self) -> usize {
        self.receipt.allocations.len().saturating_sub(MOST_DOCUMENTS)
    }

    /// «Transferencia 88124507 por 1.150,00; cheque 000412 de Banco Guayaquil por 300,00.»
    fn lines_in_words(&self) -> String {
        let lines: Vec<String> = self.receipt.lines.iter().map(line_in_words).collect();
        format!("{}.", lines.join("; "))
    }

    fn amount(&self, plain: &str) -> String {
        amount(plain)
    }

    /// `2026-11-24` as `24/11/2026`.
    fn day(&self, plain: &str) -> String {
        plain.parse::<Date>().map_or_else(|_| plain.to_owned(), calendar::day)
    }

    fn is_zero(&self, plain: &str) -> bool {
        plain.parse::<Money>().is_ok_and(Money::is_zero)
    }
}

fn line_in_words(line: &Line) -> String {
    let kind = line.kind.as_deref().and_then(CheckKind::parse).map(CheckKind::name);
    let name = kind.or_else(|| Method::parse(&line.method).map(Method::name)).unwrap_or_default();
    let bank = line.bank.as_ref().map(|bank| format!("de {bank}"));
    let name = line.tax.as_deref().map_or(name.to_owned(), |tax| named_with_tax(name, tax));
    let parts = [Some(name.as_str()), line.reference.as_deref(), bank.as_deref(), line.account.as_deref()];
    let words: Vec<&str> = parts.into_iter().flatten().collect();
    format!("{} por {}", words.join(" "), amount(&line.amount))
}

/// `1450.00` as `1.450,00`.
fn amount(plain: &str) -> String {
    plain.parse::<Money>().map_or_else(|_| plain.to_owned(), |money| money.to_string())
}
