//! The list: for each module, the account that would send now, how it is, and what happens if it stops.

use acuse_domain::Instant;
use acuse_domain::company::Company;
use acuse_domain::delivery::{Group, State};
use acuse_domain::id::CompanyId;
use acuse_domain::mail_account::{MailAccount, MailModule};
use acuse_domain::mail_problem::{Connect, ProblemCode};
use acuse_domain::message::Language;
use acuse_domain::oauth::{ConnectionState, Provider};
use acuse_mail::explanation::{Context, Explanation, Situation, explain_recorded};
use acuse_store::deliveries::{Filter, SentBy};
use acuse_store::pauses::Resting;
use acuse_store::{StoreError, companies, deliveries, users};
use askama::Template;
use chrono::NaiveTime;

use super::check_view::{PASSWORD_IN_CLEAR, shows_password};
use super::domain::DomainRow;
use super::form::module_word;
use super::policy::PolicyForm;
use crate::app::App;
use crate::mail_route::{OwnLink, Route, Routes, SendsNow};
use crate::web::conflict::Conflict;
use crate::web::form_errors::FormErrors;
use crate::web::frame::Frame;
use crate::web::page::{Page, Section};
use crate::web::state_mark::StateMark;
use crate::web::{calendar, filters};
use acuse_domain::access::Permission;

/// Days that the little chart shows, today included.
const DAYS: usize = 14;

#[derive(Template)]
#[template(path = "mail_accounts/list.html")]
pub struct ListPage {
    page: Page,
    cards: Vec<Card>,
    disabled: Vec<MailAccount>,
    question: Option<DeleteQuestion>,
    policy: PolicyForm,
    /// Those who are told where nobody was named.
    owners: String,
    has_default: bool,
    errors: FormErrors,
    conflict: Conflict,
}

/// A module and who sends for it.
struct Card {
    /// For `aria-labelledby`.
    id: &'static str,
    module: MailModule,
    today: Today,
    spark: Option<Spark>,
    sender: Sender,
    /// An account of its own that is turned off.
    turned_off: Option<MailAccount>,
}

/// What went out through the card's own account, and what waits for it.
struct Today {
    accepted: u64,
    waiting: u64,
    problems: u64,
}

/// Accepted on each of the last days, as bars.
struct Spark {
    bars: Vec<Bar>,
    most: i64,
    least: i64,
    today: i64,
}

struct Bar {
    x: usize,
    height: i64,
}

#[expect(clippy::large_enum_variant, reason = "a page has two of them")]
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
    /// «El certificado de mail.empresa.ec vence el 11/12/2026, en 12 días»
    ending: Option<String>,
}

/// Why an account rests, when it is tried again by itself, and who sends meanwhile.
struct Rest {
    since: String,
    /// When it is tried again; nothing where the next delivery tries it.
    again: Option<String>,
    why: Explanation,
    reply: String,
    worked_until: Option<String>,
    meanwhile: Option<String>,
    /// What waits can be sent through the default account.
    may_send_by_default: bool,
}

impl ListPage {
    pub async fn load(frame: &Frame) -> Result<Self, StoreError> {
        let (app, company) = (&frame.app, frame.company());
        let page = frame.page(Section::MiCompania).await?;
        let routes = Routes::of(app, company).await?;
        let disabled = routes.disabled();
        let mut cards = Vec::new();
        if let Some(company) = companies::find(&app.db, company).await? {
            let today = midnight(page.now);
            for (id, module) in ["m1", "m2"].into_iter().zip(MailModule::ALL) {
                let route = routes.route(&app.db, module).await?;
                let by =
                    route.own.as_ref().map_or(SentBy::Default, |own| SentBy::Own(own.account.settings.from_address.as_str()));
                let days = deliveries::accepted_per_day(&app.db, company.id, module, by, today, DAYS).await?;
                let today = Today::of(app, &page, company.id, module, by, today).await?;
                let sender = sender(app, &company, &route, &today, module, page.now).await?;
                let turned_off = disabled.iter().find(|account| account.settings.module == module).cloned();
                let spark = Spark::of(&days);
                cards.push(Card { id, module, today, spark, sender, turned_off });
            }
        }
        Ok(Self {
            page,
            cards,
            disabled,
            question: None,
            policy: PolicyForm::of(&routes.policy, routes.policy_version),
            owners: users::owners(&app.db, company).await?.join("; "),
            has_default: app.default_account.is_some(),
            errors: FormErrors::default(),
            conflict: Conflict::default(),
        })
    }

    /// With a dialog over it.
    pub fn asking(self, question: DeleteQuestion) -> Self {
        Self { page: self.page.modal(), question: Some(question), ..self }
    }

    /// With what was typed for «Si una cuenta propia deja de funcionar», and what is wrong with it.
    pub fn refused(self, policy: PolicyForm, errors: FormErrors) -> Self {
        Self { policy, errors, ..self }
    }

    /// With what was typed there, and what somebody else wrote meanwhile.
    pub fn conflicting(self, policy: PolicyForm, conflict: Conflict) -> Self {
        Self { policy, conflict, ..self }
    }

    /// The page's own primary steps back where an account has to be mended, and behind a dialog.
    fn adding_is_primary(&self) -> bool {
        self.question.is_none() && !self.cards.iter().any(Card::rests)
    }

    fn has_own(&self) -> bool {
        self.cards.iter().any(|card| matches!(card.sender, Sender::Own(_)))
    }

    /// Beside the one narrow card that a resting account leaves.
    fn policy_is_beside(&self) -> bool {
        self.cards.iter().filter(|card| !card.rests()).count() == 1
    }

    fn primary(&self) -> &'static str {
        if self.question.is_some() { "btn-secondary" } else { "btn-primary" }
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

impl Today {
    /// What waits for an account that does not send is a problem too.
    async fn of(
        app: &App,
        page: &Page,
        company: CompanyId,
        module: MailModule,
        by: SentBy<'_>,
        since: Instant,
    ) -> Result<Self, StoreError> {
        let all = deliveries::today_of_module(&app.db, company, module, by, since).await?;
        let held = Filter {
            group: Some((Group::WithProblems, page.stopped.clone())),
            states: vec![State::Queued, State::Deferred, State::InDoubt],
            module: Some(module),
            ..Filter::default()
        };
        let held = deliveries::count(&app.db, company, &held).await?;
        Ok(Self { accepted: all.accepted, waiting: all.waiting, problems: all.failed + held })
    }
}

impl Spark {
    /// Heights of a chart of 34; nothing where nothing was accepted.
    fn of(counts: &[i64]) -> Option<Self> {
        let most = counts.iter().copied().max().filter(|most| *most > 0)?;
        let bar = |(day, count): (usize, &i64)| Bar { x: (day * 21).div_ceil(2), height: (count * 34 / most).max(1) };
        Some(Self {
            bars: counts.iter().enumerate().map(bar).collect(),
            most,
            least: counts.iter().copied().min().unwrap_or_default(),
            today: counts.last().copied().unwrap_or_default(),
        })
    }

    fn days(&self) -> usize {
        self.bars.len()
    }
}

impl OwnAccount {
    /// With whom its owner would connect it again.
    fn provider(&self) -> Option<Provider> {
        self.account.connection.as_ref().map(|connection| connection.provider)
    }

    /// Connecting it again is what mends it.
    fn is_disconnected(&self) -> bool {
        let code = self.account.pause.as_ref().and_then(|pause| ProblemCode::parse(&pause.problem_code));
        self.account.connection.is_some() && code.is_some_and(|code| code.row().connect == Some(Connect::Again))
    }

    /// The last day of a connection that is to be announced, and whether it has passed.
    fn connection_ends(&self, now: &Instant) -> Option<(String, bool)> {
        let connection = self.account.connection.as_ref()?;
        let ends_at = connection.ends_at?;
        match connection.state(*now) {
            ConnectionState::Connected => None,
            ConnectionState::EndingSoon => Some((calendar::day(acuse_domain::day_in_ecuador(ends_at)), false)),
            ConnectionState::Ended => Some((calendar::day(acuse_domain::day_in_ecuador(ends_at)), true)),
        }
    }

    /// What should not stay as it is although it works.
    fn warning(&self) -> Option<&'static str> {
        shows_password(&self.account.settings).then_some(PASSWORD_IN_CLEAR)
    }

    /// `smtp.gmail.com · 587 · STARTTLS · con contraseña`
    fn how(&self) -> String {
        let settings = &self.account.settings;
        let login = match (&self.account.connection, settings.username.is_empty(), self.account.has_password) {
            (Some(connection), ..) => format!("conectada con {}", connection.provider.name()),
            (None, true, _) => "sin usuario".to_owned(),
            (None, false, true) => "con contraseña".to_owned(),
            (None, false, false) => "falta la contraseña".to_owned(),
        };
        let unless = |field, text: String| match self.account.unreadable.contains(&field) {
            true => "no se puede leer".to_owned(),
            false => text,
        };
        let server = unless("server", settings.server.clone());
        let port = unless("port", settings.port.to_string());
        let security = unless("security", settings.security.name().to_owned());
        format!("{server} · {port} · {security} · {login}")
    }
}

async fn sender(
    app: &App,
    company: &Company,
    route: &Route,
    today: &Today,
    module: MailModule,
    now: Instant,
) -> Result<Sender, StoreError> {
    if let Some(own) = &route.own {
        let worked_until = match own.rest {
            Some(_) => deliveries::last_accepted_by_own(&app.db, company.id, module).await?,
            None => None,
        };
        let domain = DomainRow::known(app, &own.account).await?;
        return Ok(Sender::Own(Box::new(own_account(own, domain, route, today, worked_until, now))));
    }
    let Some(default) = &route.default else { return Ok(Sender::Nobody) };
    let sender = default.account.from_address.to_string();
    let context = Context { host: &default.account.server, sender: &sender, situation: Situation::Queue, ..Context::default() };
    Ok(Sender::Default {
        from: format!("{} <{sender}>", company.profile.legal_name),
        reply_to: company.profile.email.as_ref().map(ToString::to_string),
        rest: default.rest.clone().map(|resting| rest(resting, &context, now)),
    })
}

fn own_account(
    own: &OwnLink,
    domain: DomainRow,
    route: &Route,
    today: &Today,
    worked_until: Option<Instant>,
    now: Instant,
) -> OwnAccount {
    let account = own.account.clone();
    let settings = &account.settings;
    let sender = settings.from_address.to_string();
    let context = Context {
        host: &settings.server,
        username: &settings.username,
        sender: &sender,
        situation: Situation::Queue,
        ..Context::default()
    };
    let rest = own.rest.clone().map(|resting| {
        let default_works = route.default.as_ref().is_some_and(|default| default.rest.is_none());
        let is_asked = resting.default_sends_until.is_some();
        let may_send = default_works && !is_asked && route.sends_now(now) == SendsNow::Waits && today.waiting > 0;
        Rest {
            worked_until: worked_until.map(|at| calendar::moment(at, now)),
            meanwhile: meanwhile(route, &resting, now),
            may_send_by_default: may_send,
            ..rest(resting, &context, now)
        }
    });
    let (verdict, when) = match (&rest, &account.last_check) {
        (Some(rest), _) => (StateMark::verdict(false), format!("en pausa desde {}", rest.since)),
        (None, Some(check)) => {
            let marked = if check.ok { "" } else { "guardada con error, " };
            (StateMark::verdict(check.ok), format!("{marked}probada {}", calendar::moment(check.at, now)))
        }
        (None, None) => (StateMark::untried(), "se guardó sin una prueba correcta".to_owned()),
    };
    let ending = own.health.certificate_ending(now).map(|ends| certificate_ending(&settings.server, ends, now));
    OwnAccount { account, domain, verdict, when, rest, ending }
}

/// Who sends for an account that rests, or will.
fn meanwhile(route: &Route, resting: &Resting, now: Instant) -> Option<String> {
    let since = |at: Instant| calendar::moment(at, now);
    match (route.default_sends_from(), resting.default_sends_until) {
        (Some(from), _) if route.sends_now(now) == SendsNow::Default => {
            Some(format!("Mientras tanto sale por el correo predeterminado desde {}.", since(from)))
        }
        (Some(from), None) if from > now => {
            Some(format!("Si sigue así, desde {} sale por el correo predeterminado.", since(from)))
        }
        (_, Some(until)) => Some(format!("Lo que esperaba {} sale por el correo predeterminado.", since(until))),
        _ => None,
    }
}

pub fn certificate_ending(server: &str, ends: Instant, now: Instant) -> String {
    let day = calendar::today(ends);
    let date = calendar::day(day);
    match (day - calendar::today(now)).num_days() {
        ..0 => format!("El certificado de {server} venció el {date}"),
        0 => format!("El certificado de {server} vence hoy"),
        1 => format!("El certificado de {server} vence mañana"),
        days => format!("El certificado de {server} vence el {date}, en {days} días"),
    }
}

fn rest(resting: Resting, context: &Context<'_>, now: Instant) -> Rest {
    let Resting { pause, probe_at, on_trial, .. } = resting;
    Rest {
        since: calendar::moment(pause.since, now),
        again: (!on_trial).then(|| again(probe_at, now)),
        why: explain_recorded(&pause.problem_code, context, Language::Spanish),
        reply: pause.reply,
        worked_until: None,
        meanwhile: None,
        may_send_by_default: false,
    }
}

/// «a las 11:31», «el 28/11 a las 02:10», or at any moment now.
fn again(probe_at: Instant, now: Instant) -> String {
    if probe_at <= now {
        return "en un momento".to_owned();
    }
    let hour = calendar::hour(probe_at);
    if calendar::today(probe_at) == calendar::today(now) {
        format!("a las {hour}")
    } else {
        format!("el {} a las {hour}", calendar::short_moment(probe_at, now))
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

    #[test]
    fn the_next_test_is_told_by_the_clock() {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        let now = at("2026-11-24T16:00:00Z");
        assert_eq!(again(at("2026-11-24T16:31:00Z"), now), "a las 11:31");
        assert_eq!(again(at("2026-11-25T07:10:00Z"), now), "el 25/11 a las 02:10");
        assert_eq!(again(now, now), "en un momento");
    }

    #[test]
    fn a_certificate_that_ends_says_when() {
        let said = |ends: &str| certificate_ending("mail.x.ec", ends.parse().unwrap(), "2026-11-24T16:00:00Z".parse().unwrap());
        assert_eq!(said("2026-12-06T23:59:59Z"), "El certificado de mail.x.ec vence el 06/12/2026, en 12 días");
        assert_eq!(said("2026-11-25T23:59:59Z"), "El certificado de mail.x.ec vence mañana");
        assert_eq!(said("2026-11-24T23:59:59Z"), "El certificado de mail.x.ec vence hoy");
        assert_eq!(said("2026-11-20T23:59:59Z"), "El certificado de mail.x.ec venció el 20/11/2026");
    }

    #[test]
    fn bars_stand_as_high_as_their_days() {
        let spark = Spark::of(&[0, 26, 52]).unwrap();
        assert_eq!(spark.bars.iter().map(|bar| (bar.x, bar.height)).collect::<Vec<_>>(), [(0, 1), (11, 17), (21, 34)]);
        assert!(Spark::of(&[0; 14]).is_none());
    }
}
