//! «distcotopaxi.ec ✓ SPF ✓ DKIM ⚠ Falta DMARC · Ver registro», on the account's card.

use acuse_domain::id::MailAccountId;
use acuse_domain::mail_account::MailAccount;
use acuse_domain::message::Language;
use acuse_mail::deliverability::{Finding, Report, State, Topic};
use acuse_store::StoreError;
use askama::Template;
use askama::filters::HtmlSafe;

use crate::app::App;
use crate::domain_check::{DEMO_DOMAIN, DomainState, is_demo_domain};
use crate::web::filters;

/// Printed by `{{ row }}`. Without a report it fetches itself, or is a link where there is no script.
#[derive(Template)]
#[template(path = "mail_accounts/_domain.html")]
pub struct DomainRow {
    account: MailAccountId,
    domain: String,
    marks: Option<Vec<Mark>>,
    has_record: bool,
}

impl HtmlSafe for DomainRow {}

/// A shape and a word.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<span class="ac-state" data-state="{{ state }}">{{ icon|ico }}<span>{{ word }}</span></span>"#
)]
pub struct Mark {
    state: &'static str,
    icon: &'static str,
    word: String,
}

impl HtmlSafe for Mark {}

impl Mark {
    pub fn new(state: State, word: String) -> Self {
        let (state, icon) = match state {
            State::Ok => ("ok", "circle-check"),
            State::Missing => ("warn", "alert-triangle"),
            State::Wrong => ("bad", "alert-octagon"),
            State::Unknown => ("none", "help-circle"),
        };
        Self { state, icon, word }
    }

    /// In a line with others.
    fn short(finding: &Finding) -> Self {
        let name = finding.topic.name();
        let word = match (finding.topic, finding.state) {
            (Topic::Domain, _) => finding.title(Language::Spanish),
            (_, State::Ok) => name.to_owned(),
            (_, State::Missing) => format!("Falta {name}"),
            (_, State::Wrong) => format!("{name} con error"),
            (_, State::Unknown) => format!("{name} sin confirmar"),
        };
        Self::new(finding.state, word)
    }
}

impl DomainRow {
    /// With what the DNS said in the last minutes; it is not asked.
    pub async fn known(app: &App, account: &MailAccount) -> Result<Self, StoreError> {
        if is_demo_domain(app, account) {
            return Ok(Self::demonstration(account));
        }
        let standing = DomainState::of(app, account).await?;
        let report = standing.and_then(|standing| standing.known(app));
        Ok(Self::of(account, report.as_deref()))
    }

    /// Its mail stays in the demo's mailbox, or the domain is the demo's own: what the DNS says of the domain is nobody's concern.
    pub fn demonstration(account: &MailAccount) -> Self {
        let is_of_the_demo = account.settings.from_address.domain() == DEMO_DOMAIN;
        let word = if is_of_the_demo { "Dominio de demostración" } else { "Queda en el buzón de prueba" };
        let mark = Mark::new(State::Unknown, word.to_owned());
        Self { marks: Some(vec![mark]), ..Self::of(account, None) }
    }

    pub fn of(account: &MailAccount, report: Option<&Report>) -> Self {
        // That mail comes back is what one expects: only its absence is worth a place in the line.
        let is_worth = |finding: &&Finding| finding.topic != Topic::Mx || finding.state != State::Ok;
        Self {
            account: account.id,
            domain: account.settings.from_address.domain().to_owned(),
            marks: report.map(|report| report.findings.iter().filter(is_worth).map(Mark::short).collect()),
            has_record: report.is_some_and(|report| report.findings.iter().any(|finding| finding.record.is_some())),
        }
    }
}
