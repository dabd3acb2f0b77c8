//! Inicio: what the day asks for, what is owed, and what was recorded last.

use acuse_domain::Instant;
use acuse_domain::company::FirstSteps;
use acuse_domain::delivery::{Group, State as Fate};
use acuse_domain::document::Side;
use acuse_domain::id::CompanyId;
use acuse_domain::mail_account::MailModule;
use acuse_domain::message::Language;
use acuse_domain::money::Money;
use acuse_domain::payment::Direction;
use acuse_domain::text::lower_first;
use acuse_mail::explanation::{Context, explain_recorded};
use acuse_store::companies;
use acuse_store::deliveries::{self, Delivery, Filter, NEWEST, Stopped};
use acuse_store::documents::{self, AgeSum};
use acuse_store::pauses::Resting;
use acuse_store::payments::{self, Summary};
use acuse_store::{Db, Page as Rows, StoreError};
use askama::Template;
use axum::response::Response;
use chrono::{Datelike, Timelike};

use crate::app::App;
use crate::mail_route::{OwnLink, Routes, SendsNow};
use crate::web::calendar;
use crate::web::contacts::show::{marked, payment_path};
use crate::web::deliveries::cause;
use crate::web::filters;
use crate::web::frame::Frame;
use crate::web::mail_accounts::certificate_ending;
use crate::web::page::{Page, Section, shown};
use crate::web::state_mark::StateMark;
use crate::web::trouble::Trouble;
use acuse_domain::access::Permission;

/// Deliveries that «Para hoy» names one by one; more are summed up.
const NAMED: u64 = 3;
const LAST: u64 = 6;

#[derive(Template)]
#[template(path = "home/home.html")]
struct HomePage {
    page: Page,
    todo: Vec<Todo>,
    receivable: [AgeSum; 4],
    payable: Money,
    last: Vec<(Summary, StateMark)>,
    /// What a new company still lacks, for who may give it that.
    first_steps: Option<FirstSteps>,
}

/// What is owed of one age; the largest is 100 wide.
struct Bar {
    word: &'static str,
    balance: Money,
    width: i64,
    is_late: bool,
}

/// Something that waits for a person.
struct Todo {
    icon: &'static str,
    is_bad: bool,
    what: String,
    detail: String,
    href: String,
    act: &'static str,
}

pub async fn show(frame: Frame) -> Result<Response, Trouble> {
    let company = frame.company();
    let page = frame.page(Section::Inicio).await?;
    let today = page.today();
    let receivable = documents::aging(&frame.app.db, company, Side::Receivable, today).await?;
    let payable = documents::aging(&frame.app.db, company, Side::Payable, today).await?;
    let last = payments::list(
        &frame.app.db,
        company,
        &payments::Filter::default(),
        payments::LAST_RECORDED,
        Rows { after: None, limit: LAST },
    )
    .await?;
    let last: Vec<Summary> = last.into_iter().flatten().collect();
    let sent = deliveries::of_payments(&frame.app.db, company, &last.iter().map(|one| one.id).collect::<Vec<_>>()).await?;
    let (mut todo, told) = accounts(&frame, &page).await?;
    todo.extend(open_deliveries(&frame.app, &page, company, told).await?);
    todo.extend(overdue(&receivable, Side::Receivable));
    todo.extend(overdue(&payable, Side::Payable));
    let first_steps = match page.may(Permission::ConfigureCompany) {
        true => Some(companies::first_steps(&frame.app.db, company).await?).filter(|steps| !steps.are_over()),
        false => None,
    };
    Ok(shown(&HomePage {
        first_steps,
        todo,
        receivable,
        payable: payable.iter().map(|sum| sum.balance).sum(),
        last: marked(last, &sent, &page.stopped),
        page,
    }))
}

/// Accounts that rest, or will stop soon if nothing is done; and how many of the open deliveries these rows tell of.
async fn accounts(frame: &Frame, page: &Page) -> Result<(Vec<Todo>, u64), Trouble> {
    let company = frame.company();
    let routes = Routes::of(&frame.app, company).await?;
    let (mut todo, mut told) = (Vec::new(), 0);
    let (mut by_default, mut without) = (0, 0);
    for module in MailModule::ALL {
        let route = routes.route(&frame.app.db, module).await?;
        let held = held(&frame.app.db, company, module, &page.stopped).await?;
        match &route.own {
            None if route.default.as_ref().is_some_and(|default| default.rest.is_some()) => by_default += held,
            None if route.default.is_none() => without += 1,
            None => {}
            Some(own) => {
                if let Some(rest) = &own.rest {
                    todo.push(resting(own, rest, route.sends_now(page.now), held, page));
                    told += held;
                }
                todo.extend(ending(own, page));
            }
        }
    }
    if let Some(row) = resting_default(&routes, &frame.app, by_default, page.now).await? {
        todo.push(row);
        told += by_default;
    }
    if without == MailModule::ALL.len() {
        todo.insert(0, without_account());
    }
    Ok((todo, told))
}

/// Nothing that is recorded would reach anybody: that comes first.
fn without_account() -> Todo {
    Todo {
        icon: "send",
        is_bad: true,
        what: "Ninguna cuenta de correo envía todavía".to_owned(),
        detail: "Los recibos quedan en cola hasta que haya una.".to_owned(),
        href: "/mi-compania/correos".to_owned(),
        act: "Configurar el correo",
    }
}

/// How many deliveries of a module wait for an account that does not send.
async fn held(db: &Db, company: CompanyId, module: MailModule, stopped: &Stopped) -> Result<u64, StoreError> {
    let filter = Filter {
        group: Some((Group::WithProblems, stopped.clone())),
        states: vec![Fate::Queued, Fate::Deferred, Fate::InDoubt],
        module: Some(module),
        ..Filter::default()
    };
    deliveries::count(db, company, &filter).await
}

fn waiting_in_words(waiting: u64) -> String {
    match waiting {
        0 => "Ningún recibo espera todavía.".to_owned(),
        1 => "1 recibo espera.".to_owned(),
        waiting => format!("{waiting} recibos esperan."),
    }
}

fn resting(own: &OwnLink, rest: &Resting, sends: SendsNow, waiting: u64, page: &Page) -> Todo {
    let settings = &own.account.settings;
    let context = Context { host: &settings.server, username: &settings.username, ..Context::default() };
    let why = explain_recorded(&rest.pause.problem_code, &context, Language::Spanish).title;
    let meanwhile = match sends {
        SendsNow::Default => "Mientras tanto sale por el correo predeterminado.".to_owned(),
        _ => waiting_in_words(waiting),
    };
    Todo {
        icon: "alert-octagon",
        is_bad: true,
        what: format!("La cuenta {} está en pausa", settings.from_address),
        detail: format!("{why}, desde {}. {meanwhile}", calendar::moment(rest.pause.since, page.now)),
        href: account_link(own, page),
        act: "Revisar la cuenta",
    }
}

/// To the account, or to all of them for who may only look.
fn account_link(own: &OwnLink, page: &Page) -> String {
    match page.may(Permission::ConfigureCompany) {
        true => format!("/mi-compania/correos/{}", own.account.id),
        false => "/mi-compania/correos".to_owned(),
    }
}

fn ending(own: &OwnLink, page: &Page) -> Option<Todo> {
    let (settings, now) = (&own.account.settings, page.now);
    own.health.certificate_ending(now).map(|ends| Todo {
        icon: "alert-triangle",
        is_bad: ends <= now,
        what: certificate_ending(&settings.server, ends, now),
        detail: format!("Sin uno nuevo, {} deja de enviar. Lo renueva su proveedor de correo.", settings.from_address),
        href: account_link(own, page),
        act: "Revisar la cuenta",
    })
}

/// Only where the company's mail depends on it.
async fn resting_default(routes: &Routes, app: &App, waiting: u64, now: Instant) -> Result<Option<Todo>, Trouble> {
    for module in MailModule::ALL {
        let route = routes.route(&app.db, module).await?;
        if let (None, Some(default)) = (&route.own, &route.default)
            && let Some(rest) = &default.rest
        {
            let context = Context { host: &default.account.server, ..Context::default() };
            let why = explain_recorded(&rest.pause.problem_code, &context, Language::Spanish).title;
            return Ok(Some(Todo {
                icon: "alert-octagon",
                is_bad: true,
                what: "El correo predeterminado está en pausa".to_owned(),
                detail: format!(
                    "{why}, desde {}. {} Avise a quien cuida el servidor.",
                    calendar::moment(rest.pause.since, now),
                    waiting_in_words(waiting)
                ),
                href: "/mi-compania/correos".to_owned(),
                act: "Ver los correos",
            }));
        }
    }
    Ok(None)
}

/// What did not arrive, by name as far as there is room; and how many more need a person, less those `told` already.
async fn open_deliveries(app: &App, page: &Page, company: CompanyId, told: u64) -> Result<Vec<Todo>, Trouble> {
    let filter = Filter {
        group: Some((Group::WithProblems, page.stopped.clone())),
        states: vec![Fate::Failed, Fate::Bounced],
        ..Filter::default()
    };
    let found = deliveries::list(&app.db, company, &filter, NEWEST, Rows { after: None, limit: NAMED }).await?;
    let mut todo: Vec<Todo> = found.iter().flatten().map(failed).collect();
    let more = page.problems.saturating_sub(told + found.len() as u64);
    if more > 0 {
        let noun = if more == 1 { "envío" } else { "envíos" };
        let besides = if todo.is_empty() { "" } else { " más" };
        todo.push(Todo {
            icon: "send",
            is_bad: true,
            what: format!("{more} {noun}{besides} con problemas"),
            detail: "Cada uno dice por qué, y qué hacer.".to_owned(),
            href: "/envios?estado=problemas".to_owned(),
            act: "Ver los envíos",
        });
    }
    Ok(todo)
}

fn failed(delivery: &Delivery) -> Todo {
    let bounced = delivery.state == Fate::Bounced;
    let why = cause(delivery).unwrap_or_else(|| "El servidor no lo aceptó".to_owned());
    Todo {
        icon: if bounced { "arrow-back-up" } else { "alert-octagon" },
        is_bad: true,
        what: format!("{} el recibo de {}", if bounced { "Rebotó" } else { "Falló" }, delivery.contact_name),
        detail: format!("{}: {}. {}.", delivery.recipient, lower_first(&why), delivery.number),
        href: payment_path(delivery.number.direction, delivery.payment),
        act: "Ver el recibo",
    }
}

fn overdue(sums: &[AgeSum; 4], side: Side) -> Option<Todo> {
    let documents: i64 = sums[1..].iter().map(|sum| sum.documents).sum();
    let balance: Money = sums[1..].iter().map(|sum| sum.balance).sum();
    let (word, href, act) = match side {
        Side::Receivable => ("por cobrar", "/documentos?edad=vencidos", "Ver los vencidos"),
        Side::Payable => ("por pagar", "/documentos?lado=pagar&edad=vencidos", "Ver los vencidos"),
    };
    let what = match documents {
        0 => return None,
        1 => format!("1 documento {word} está vencido, {balance}"),
        _ => format!("{documents} documentos {word} están vencidos, {balance}"),
    };
    let detail = match (sums[3].documents, sums[2].documents) {
        (0, 0) => "Ninguno lleva más de 30 días.".to_owned(),
        (0, 1) => "Uno lleva más de 30 días.".to_owned(),
        (0, late) => format!("{late} llevan más de 30 días."),
        (1, _) => "Uno lleva más de 60 días.".to_owned(),
        (late, _) => format!("{late} llevan más de 60 días."),
    };
    Some(Todo { icon: "file-text", is_bad: false, what, detail, href: href.to_owned(), act })
}

impl HomePage {
    fn greeting(&self) -> String {
        let word = match calendar::local(self.page.now).hour() {
            5..=11 => "Buenos días",
            12..=18 => "Buenas tardes",
            _ => "Buenas noches",
        };
        format!("{word}, {}", self.page.user_name.split(' ').next().unwrap_or_default())
    }

    /// `martes 24 de noviembre de 2026`
    fn long_day(&self) -> String {
        const DAYS: [&str; 7] = ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"];
        const MONTHS: [&str; 12] = [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ];
        let today = self.page.today();
        let weekday = usize::try_from(today.weekday().num_days_from_monday()).unwrap_or_default();
        let month = usize::try_from(today.month0()).unwrap_or_default();
        format!("{} {} de {} de {}", DAYS[weekday], today.day(), MONTHS[month], today.year())
    }

    fn total(&self) -> Money {
        self.receivable.iter().map(|sum| sum.balance).sum()
    }

    fn bars(&self) -> Vec<Bar> {
        let largest = self.receivable.iter().map(|sum| sum.balance.cents()).max().unwrap_or_default();
        let words = ["Por vencer", "1 a 30 días", "31 a 60 días", "más de 60 días"];
        let width = |sum: &AgeSum| if largest > 0 { sum.balance.cents().max(0) * 100 / largest } else { 0 };
        let bar = |(row, (sum, word)): (usize, (&AgeSum, &'static str))| Bar {
            word,
            balance: sum.balance,
            width: width(sum),
            is_late: row > 0,
        };
        self.receivable.iter().zip(words).enumerate().map(bar).collect()
    }

    fn path(payment: &Summary) -> String {
        payment_path(payment.number.direction, payment.id)
    }

    fn word(payment: &Summary) -> &'static str {
        if payment.number.direction == Direction::Received { "Cobro" } else { "Pago" }
    }

    fn signed(payment: &Summary) -> Money {
        if payment.number.direction == Direction::Received { payment.headline() } else { -payment.headline() }
    }
}
