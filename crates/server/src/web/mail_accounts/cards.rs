//! The list: for each module, the account that would send now.

use acuse_domain::Instant;
use acuse_domain::company::Company;
use acuse_domain::id::CompanyId;
use acuse_domain::mail_account::{MailAccount, MailModule};
use acuse_mail::explanation::{Context, Explanation, Language, explain};
use acuse_store::pauses::{self, AccountKey, Resting};
use acuse_store::{StoreError, companies, deliveries, mail_accounts};
use askama::Template;
use chrono::NaiveTime;

use super::domain::DomainRow;
use super::form::module_word;
use crate::app::App;
use crate::web::page::Page;
use crate::web::state_mark::StateMark;
use crate::web::{calendar, filters};

#[derive(Template)]
#[template(path = "mail_accounts/list.html")]
pub struct ListPage {
    page: Page,
    may_configure: bool,
    cards: Vec<Card>,
    disabled: Vec<MailAccount>,
    question: Option<DeleteQuestion>,
}

/// A module and who sends for it.
struct Card {
    /// For `aria-labelledby`.
    id: &'static str,
    module: MailModule,
    today: Today,
    sender: Sender,
    /// An account of its own that is turned off.
    turned_off: Option<MailAccount>,
}

struct Today {
    accepted: i64,
    waiting: i64,
    problems: i64,
}

enum Sender {
    Own(Box<OwnAccount>),
    /// The installation's account, as the recipient sees it.
    Default {
        from: String,
        reply_to: Option<String>,
        rest: Option<Rest>,
    },
    Nobody,
}

struct OwnAccount {
    account: MailAccount,
    /// Of the sender's domain; answered from what is known, and fetched by the page where nothing is.
    domain: DomainRow,
    verdict: StateMark,
    /// «probada hoy 09:12»
    when: String,
    rest: Option<Rest>,
}

/// Why an account rests, and when it is tried again by itself.
struct Rest {
    since: String,
    again: String,
    why: Explanation,
    reply: String,
}

impl ListPage {
    pub async fn load(app: &App, page: Page, company: CompanyId, may_configure: bool) -> Result<Self, StoreError> {
        let company = companies::find(&app.db, company).await?;
        let Some(company) = company else {
            return Ok(Self { page, may_configure, cards: Vec::new(), disabled: Vec::new(), question: None });
        };
        let (enabled, disabled): (Vec<_>, Vec<_>) =
            mail_accounts::list(&app.db, company.id).await?.into_iter().partition(|account| account.enabled);
        let mut cards = Vec::new();
        for (id, module) in ["m1", "m2"].into_iter().zip(MailModule::ALL) {
            let own = enabled.iter().find(|account| account.settings.module == module);
            let (accepted, waiting, problems) =
                deliveries::today_of_module(&app.db, company.id, module, midnight(page.now)).await?;
            let sender = sender(app, &company, own, page.now).await?;
            let turned_off = disabled.iter().find(|account| account.settings.module == module).cloned();
            cards.push(Card { id, module, today: Today { accepted, waiting, problems }, sender, turned_off });
        }
        Ok(Self { page, may_configure, cards, disabled, question: None })
    }

    /// With a dialog over it.
    pub fn asking(self, question: DeleteQuestion) -> Self {
        Self { question: Some(question), ..self }
    }

    /// The page's own primary steps back where an account has to be mended, and behind a dialog.
    fn adding_is_primary(&self) -> bool {
        self.question.is_none() && !self.cards.iter().any(Card::rests)
    }
}

impl Card {
    fn rests(&self) -> bool {
        matches!(&self.sender, Sender::Own(own) if own.rest.is_some())
    }

    fn new_account(&self) -> String {
        format!("/mi-compania/correos/nueva?modulo={}", module_word(self.module))
    }
}

impl OwnAccount {
    /// `smtp.gmail.com · 587 · STARTTLS · con contraseña`
    fn how(&self) -> String {
        let settings = &self.account.settings;
        let login = match (settings.username.is_empty(), self.account.has_password) {
            (true, _) => "sin usuario",
            (false, true) => "con contraseña",
            (false, false) => "falta la contraseña",
        };
        format!("{} · {} · {} · {login}", settings.server, settings.port, settings.security.name())
    }
}

async fn sender(app: &App, company: &Company, own: Option<&MailAccount>, now: Instant) -> Result<Sender, StoreError> {
    if let Some(account) = own {
        let resting = pauses::find(&app.db, AccountKey::Own(account.id)).await?;
        let domain = DomainRow::known(app, account).await?;
        return Ok(Sender::Own(Box::new(own_account(account.clone(), domain, resting, now))));
    }
    let Some(default) = &app.default_account else { return Ok(Sender::Nobody) };
    let sender = default.from_address.to_string();
    let context = Context { host: &default.server, sender: &sender, ..Context::default() };
    let rest = pauses::find(&app.db, AccountKey::Default).await?.map(|resting| rest(resting, &context, now));
    Ok(Sender::Default {
        from: format!("{} <{sender}>", company.profile.legal_name),
        reply_to: company.profile.email.as_ref().map(ToString::to_string),
        rest,
    })
}

fn own_account(account: MailAccount, domain: DomainRow, resting: Option<Resting>, now: Instant) -> OwnAccount {
    let settings = &account.settings;
    let sender = settings.from_address.to_string();
    let context = Context { host: &settings.server, username: &settings.username, sender: &sender, ..Context::default() };
    let rest = resting.map(|resting| rest(resting, &context, now));
    let (verdict, when) = match (&rest, &account.last_check) {
        (Some(rest), _) => (StateMark::verdict(false), format!("en pausa desde {}", rest.since)),
        (None, Some(check)) => {
            let marked = if check.ok { "" } else { "guardada con error, " };
            (StateMark::verdict(check.ok), format!("{marked}probada {}", calendar::moment(check.at, now)))
        }
        (None, None) => (StateMark::untried(), "se guardó sin una prueba correcta".to_owned()),
    };
    OwnAccount { account, domain, verdict, when, rest }
}

fn rest(resting: Resting, context: &Context<'_>, now: Instant) -> Rest {
    let Resting { pause, probe_at } = resting;
    Rest {
        since: calendar::moment(pause.since, now),
        again: calendar::short_moment(probe_at, now),
        why: explain(&pause.problem_code, context, Language::Spanish),
        reply: pause.reply,
    }
}

/// When the day began on the wall's clock.
fn midnight(now: Instant) -> Instant {
    now - (calendar::local(now).time() - NaiveTime::MIN)
}

/// «Eliminar…», asked over the list.
pub struct DeleteQuestion {
    address: String,
    module: &'static str,
    action: String,
    /// What takes over.
    default_sends: bool,
}

impl DeleteQuestion {
    pub fn about(app: &App, account: &MailAccount) -> Self {
        Self {
            address: account.settings.from_address.to_string(),
            module: account.settings.module.name(),
            action: format!("/mi-compania/correos/{}/eliminar", account.id),
            default_sends: app.default_account.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_begins_at_midnight_in_guayaquil() {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        assert_eq!(midnight(at("2026-11-25T04:59:59Z")), at("2026-11-24T05:00:00Z"));
        assert_eq!(midnight(at("2026-11-25T05:00:00Z")), at("2026-11-25T05:00:00Z"));
    }
}
