//! What the mails about an account show that works again, or that will stop soon.

use acuse_domain::{day_in_ecuador, text};

use super::view::{CompanyView, WaitingView, moment};
use super::{AccountEnding, AccountFacts, AccountRecovered, Ends};
use crate::words::long_date;

pub struct FactsOfAccount {
    pub address: String,
    pub module: String,
    pub server: String,
    pub url: String,
}

pub struct RecoveredView {
    pub subject: String,
    pub preheader: String,
    pub company: CompanyView,
    pub account: FactsOfAccount,
    pub since: String,
    pub at: String,
    pub waiting: WaitingView,
}

pub struct EndingView {
    pub subject: String,
    pub preheader: String,
    pub company: CompanyView,
    pub account: FactsOfAccount,
    pub is_certificate: bool,
    /// «11 de diciembre de 2026»
    pub day: String,
}

impl FactsOfAccount {
    fn of(facts: &AccountFacts<'_>) -> Self {
        Self {
            address: facts.address.to_string(),
            module: facts.module.to_string(),
            server: facts.server.to_string(),
            url: facts.url.to_string(),
        }
    }
}

impl RecoveredView {
    pub fn of(recovered: &AccountRecovered<'_>) -> Self {
        let AccountRecovered { facts, since, at, waiting } = recovered;
        let leaving = match waiting {
            0 => String::new(),
            1 => " (sale 1 recibo)".to_string(),
            count => format!(" (salen {count} recibos)"),
        };
        Self {
            subject: text::one_line(&format!("Su cuenta de correo volvió a funcionar: {}{leaving}", facts.address)),
            preheader: "No tiene que hacer nada: lo que esperaba sale solo.".to_string(),
            company: CompanyView::named(facts.company_name, facts.company_legal_name),
            account: FactsOfAccount::of(facts),
            since: moment(*since),
            at: moment(*at),
            waiting: WaitingView { count: *waiting },
        }
    }
}

impl EndingView {
    pub fn of(ending: &AccountEnding<'_>) -> Self {
        let facts = &ending.facts;
        let day = long_date(&day_in_ecuador(ending.at).to_string());
        let is_certificate = ending.what == Ends::Certificate;
        let subject = match ending.what {
            Ends::Certificate => format!("El certificado de su servidor de correo vence el {day}: {}", facts.server),
            Ends::Connection => format!("La conexión de su cuenta de correo vence el {day}: {}", facts.address),
        };
        Self {
            subject: text::one_line(&subject),
            preheader: format!("Hasta entonces {} envía con normalidad. Así se evita que deje de enviar.", facts.address),
            company: CompanyView::named(facts.company_name, facts.company_legal_name),
            account: FactsOfAccount::of(facts),
            is_certificate,
            day,
        }
    }
}
