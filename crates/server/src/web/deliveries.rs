//! Envíos: every mail, how it stands, and what to do about those that did not arrive.

use std::collections::BTreeSet;

use acuse_domain::delivery::{Group, State as Fate};
use acuse_domain::id::DeliveryId;
use acuse_domain::mail_account::MailModule;
use acuse_domain::mail_problem::{ProblemCode, Whose};
use acuse_domain::message::Language;
use acuse_domain::text::lower_first;
use acuse_mail::explanation::{Context, explain_recorded};
use acuse_store::deliveries::{self, By, Delivery, Filter, MessageKind, NEWEST, Stopped};
use acuse_store::{Line, Page as Rows};
use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::{Form, Query};
use serde::Deserialize;
use uuid::Uuid;

use crate::web::calendar;
use crate::web::contacts::list::Chip;
use crate::web::contacts::show::payment_path;
use crate::web::filters;
use crate::web::frame::Frame;
use crate::web::login::local_path;
use crate::web::once::new_key;
use crate::web::page::{Page, Section, shown};
use crate::web::pager::Pager;
use crate::web::payments::act::{cancel_once, not_done, resolve_once, retry_once};
use crate::web::sort::{Column, Sorting, order};
use crate::web::state_mark::{StateMark, Why};
use crate::web::trail::{ROWS, Trail, id_of};
use crate::web::trouble::Trouble;
use acuse_domain::access::Permission;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DeliveriesQuery {
    /// `problemas`, `en-camino`, `aceptados`, `resueltos`, `anulados`, `todos`; empty leads to what needs a person, if anything does.
    estado: String,
    q: String,
    /// A module's code: the account that carries it.
    cuenta: String,
    /// A problem's code.
    problema: String,
    orden: String,
    tras: Vec<Uuid>,
    /// What a bulk action was, what it did: how many moved, and how many could not.
    hecho: String,
    movidos: Option<usize>,
    quedan: Option<usize>,
}

#[derive(Template)]
#[template(path = "deliveries/list.html")]
struct ListPage<'a> {
    page: Page,
    asked: &'a DeliveriesQuery,
    group: &'static str,
    chips: Vec<Chip>,
    problems: Vec<(String, String)>,
    rows: Vec<Line<Row>>,
    sorting: Sorting,
    pager: Pager,
    here: String,
    /// Of the form with the buttons for several.
    once: String,
}

/// A delivery as its row shows it.
struct Row {
    delivery: Delivery,
    mark: StateMark,
    why: Option<Why>,
    /// `intento 3`, or when it is repeated.
    note: Option<String>,
    may: May,
    path: String,
    /// `cobros@`, or the default account.
    from: String,
    last_attempt: Option<String>,
}

/// What a person may do to a delivery. What cannot be done is not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct May {
    pub retry: bool,
    pub cancel: bool,
    pub resolve: bool,
}

impl May {
    #[must_use]
    pub fn of(delivery: &Delivery) -> Self {
        let state = delivery.state;
        let is_open = delivery.resolution.is_none();
        Self {
            retry: is_open && state.may_become(Fate::Queued) && state != Fate::Sending,
            cancel: state.can_be_cancelled(),
            resolve: is_open && state.needs_a_person(),
        }
    }

    fn anything(self) -> bool {
        self.retry || self.cancel || self.resolve
    }

    /// For the script, which offers what the chosen ones allow: the buttons' values.
    fn words(self) -> String {
        let all = [(self.retry, "reintentar"), (self.cancel, "anular"), (self.resolve, "resolver")];
        all.into_iter().filter_map(|(may, word)| may.then_some(word)).collect::<Vec<_>>().join(" ")
    }
}

/// The chips, by the word of their address.
const GROUPS: [(&str, &str, Option<Group>); 6] = [
    ("problemas", "Con problemas", Some(Group::WithProblems)),
    ("en-camino", "En camino", Some(Group::UnderWay)),
    ("aceptados", "Aceptados", Some(Group::Accepted)),
    ("resueltos", "Resueltos", Some(Group::Resolved)),
    ("anulados", "Anulados", Some(Group::Cancelled)),
    ("todos", "Todos", None),
];

const COLUMNS: [Column<By>; 4] = [
    Column { code: "para", by: By::Recipient, falls: false },
    Column { code: "recibo", by: By::Receipt, falls: true },
    Column { code: "estado", by: By::State, falls: false },
    Column { code: "fecha", by: By::Queued, falls: true },
];

pub async fn list(frame: Frame, Query(asked): Query<DeliveriesQuery>) -> Result<Response, Trouble> {
    let company = frame.company();
    let page = frame.page(Section::Envios).await?;
    let (code, _, group) = chosen(&asked.estado, page.problems > 0);
    let filter = Filter {
        group: group.map(|group| (group, page.stopped.clone())),
        module: MailModule::parse(&asked.cuenta),
        problem_code: (!asked.problema.is_empty()).then(|| asked.problema.clone()),
        text: Some(asked.q.trim().to_owned()),
        ..Filter::default()
    };
    let order = order(&COLUMNS, &asked.orden, NEWEST);
    let slice = Rows { after: asked.tras.last().copied(), limit: ROWS };
    let found = deliveries::list(&frame.app.db, company, &filter, order, slice).await?;
    let total = deliveries::count(&frame.app.db, company, &filter).await?;
    let trail = asked.trail(code);
    let sorting = Sorting::of(&COLUMNS, order, &asked.orden, |code| trail.with(&[("orden", code)]));
    let counts = deliveries::count_by_group(&frame.app.db, company, &page.stopped).await?;
    let titled = |code: String| {
        let title = title(&code);
        (code, title)
    };
    let everything = Filter { group: filter.group.clone(), ..Filter::default() };
    let problems = deliveries::problem_codes(&frame.app.db, company, &everything).await?.into_iter().map(titled).collect();
    let pager = trail.pager(found.last().map(|line| id_of(line, |one| one.id.0)), found.len(), total);
    Ok(shown(&ListPage {
        chips: GROUPS.iter().map(|one| chip(one, code, &counts)).collect(),
        here: trail.with(&[]),
        once: new_key(),
        pager,
        sorting,
        rows: found.into_iter().map(|line| line.map(|one| Row::of(one, &page))).collect(),
        problems,
        group: code,
        asked: &asked,
        page,
    }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    /// The ticked ones.
    envio: Vec<Uuid>,
    /// The one whose own button was pressed.
    uno: Option<Uuid>,
    accion: String,
    /// Why it is over, where somebody says so.
    motivo: String,
    volver: String,
    /// Makes pressing twice act once.
    clave: String,
}

/// Tries the chosen ones again, or cancels them. What has moved on meanwhile is left as it is, and counted.
pub async fn act(frame: Frame, Form(chosen): Form<Chosen>) -> Result<Response, Trouble> {
    let ids: BTreeSet<Uuid> = chosen.uno.map_or_else(|| chosen.envio.into_iter().collect(), |one| BTreeSet::from([one]));
    // A page offers no more; each is a transaction of its own.
    let most = usize::try_from(ROWS).unwrap_or(usize::MAX);
    let (mut moved, mut left) = (0, ids.len().saturating_sub(most));
    for id in ids.into_iter().take(most).map(DeliveryId) {
        let done = match chosen.accion.as_str() {
            "anular" => cancel_once(&frame.app, &frame.actor, id, &chosen.clave, None).await,
            "resolver" => resolve_once(&frame.app, &frame.actor, id, &chosen.motivo, &chosen.clave).await,
            _ => retry_once(&frame.app, &frame.actor, id, &chosen.clave, None).await,
        };
        match done {
            Ok(()) => moved += 1,
            Err(error) => {
                not_done(error)?;
                left += 1;
            }
        }
    }
    let back = local_path(&chosen.volver);
    let back = if back.starts_with("/envios") { back } else { "/envios" };
    let joint = if back.contains('?') { '&' } else { '?' };
    Ok(Redirect::to(&format!("{back}{joint}hecho={}&movidos={moved}&quedan={left}", done_word(&chosen.accion))).into_response())
}

fn done_word(action: &str) -> &'static str {
    match action {
        "anular" => "anular",
        "resolver" => "resolver",
        _ => "reintentar",
    }
}

/// Whether the address itself is at fault, so that only correcting it helps.
#[must_use]
pub fn is_about_the_address(delivery: &Delivery) -> bool {
    let over = matches!(delivery.state, Fate::Accepted | Fate::Cancelled) || delivery.resolution.is_some();
    !over
        && delivery.problem_code.as_deref().map_or(delivery.state == Fate::Bounced, |code| {
            ProblemCode::parse(code).is_some_and(|code| code.whose_fault() == Whose::Recipient)
        })
}

/// What a delivery carries where it is not simply the receipt: «Reenvío 2», «Aviso de anulación».
#[must_use]
pub fn letter(delivery: &Delivery) -> Option<String> {
    match delivery.kind {
        MessageKind::VoidNotice => Some("Aviso de anulación".to_owned()),
        MessageKind::Receipt => delivery.resend.map(|n| format!("Reenvío {n}")),
    }
}

/// Why it stands there, in a few words.
#[must_use]
pub fn cause(delivery: &Delivery) -> Option<String> {
    let code = delivery.problem_code.as_deref()?;
    (!matches!(delivery.state, Fate::Accepted | Fate::Cancelled)).then(|| title(code))
}

fn title(code: &str) -> String {
    explain_recorded(code, &Context::default(), Language::Spanish).title
}

fn chosen(code: &str, has_problems: bool) -> (&'static str, &'static str, Option<Group>) {
    let usual = if has_problems { GROUPS[0] } else { GROUPS[5] };
    GROUPS.into_iter().find(|(own, _, _)| *own == code).unwrap_or(usual)
}

fn chip((code, word, group): &(&'static str, &'static str, Option<Group>), current: &str, counts: &[(Group, u64)]) -> Chip {
    let count = counts.iter().filter(|(own, _)| group.is_none_or(|group| group == *own)).map(|(_, n)| n).sum();
    Chip { href: format!("/envios?estado={code}"), word, count, is_current: *code == current }
}

impl DeliveriesQuery {
    fn trail(&self, group: &'static str) -> Trail<'_> {
        let filters = vec![
            ("estado", group),
            ("q", self.q.as_str()),
            ("cuenta", &self.cuenta),
            ("problema", &self.problema),
            ("orden", &self.orden),
        ];
        Trail { path: "/envios", filters, behind: &self.tras }
    }
}

impl Row {
    fn of(delivery: Delivery, page: &Page) -> Self {
        let attempts = delivery.attempts.len();
        let note = match delivery.state {
            Fate::Deferred => Some(format!("intento {attempts}")),
            Fate::InDoubt => delivery.next_attempt_at.map(|at| format!("se reintenta a las {}", calendar::hour(at))),
            _ => None,
        };
        let last = delivery.attempts.last().map(|attempt| calendar::moment(attempt.ended_at(), page.now));
        let from = match &delivery.account {
            Some((source, _, _)) if source == "default" => "predeterminado".to_owned(),
            Some((_, _, sender)) => sender.split_once('@').map_or(sender.clone(), |(local, _)| format!("{local}@")),
            None => String::new(),
        };
        Self {
            mark: StateMark::of_delivery(&delivery, &page.stopped),
            why: Why::of(&delivery, &page.stopped),
            note,
            may: May::of(&delivery),
            path: payment_path(delivery.number.direction, delivery.payment),
            from,
            last_attempt: last,
            delivery,
        }
    }

    fn letter(&self) -> Option<String> {
        letter(&self.delivery)
    }

    fn is_about_the_address(&self) -> bool {
        is_about_the_address(&self.delivery)
    }

    /// The account does not send: it is what has to be looked after.
    fn waits_for_account(&self, stopped: &Stopped) -> bool {
        self.delivery.state.is_waiting() && stopped.holds(self.delivery.module, self.delivery.queued_at)
    }
}

impl ListPage<'_> {
    /// The accounts' modules, by what they carry: their whole names leave no room for anything else.
    fn modules() -> [(MailModule, &'static str); 2] {
        MailModule::ALL.map(|module| match module {
            MailModule::ReceivedPayments => (module, "Cobros a clientes"),
            MailModule::InvoicesAndMadePayments => (module, "Facturas y pagos a proveedores"),
        })
    }

    /// What came of the buttons for several, in words.
    fn outcome(&self) -> Option<String> {
        let moved = self.asked.movidos?;
        let left = self.asked.quedan.unwrap_or_default();
        Some(outcome(&self.asked.hecho, moved, left))
    }

    /// What can be done to at least one of them.
    fn may(&self) -> May {
        self.rows.iter().flatten().fold(May::default(), |all, row| May {
            retry: all.retry || row.may.retry,
            cancel: all.cancel || row.may.cancel,
            resolve: all.resolve || row.may.resolve,
        })
    }

    /// What was done well.
    fn is_done(&self) -> bool {
        self.asked.movidos.is_some_and(|moved| moved > 0)
    }
}

fn outcome(action: &str, moved: usize, left: usize) -> String {
    let envios = |n: usize| if n == 1 { "1 envío".to_owned() } else { format!("{n} envíos") };
    let (done, only) = match action {
        "anular" => ("Se anuló", "Solo se anula lo que todavía no salió."),
        "resolver" => ("Se dio por resuelto", "Solo se da por resuelto lo que falló o rebotó."),
        _ => ("Se reintenta", "Solo se reintenta lo que falló, rebotó o espera."),
    };
    match (moved, left) {
        (0, 0) => "Elija al menos un envío de la lista.".to_owned(),
        (0, _) => format!("No se cambió nada. {only}"),
        (_, 0) => format!("{done}: {}.", envios(moved)),
        (_, _) => format!(
            "{done}: {}. {} {} igual: {}",
            envios(moved),
            envios(left),
            if left == 1 { "quedó" } else { "quedaron" },
            lower_first(only)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_said_and_what_was_not() {
        assert_eq!(outcome("anular", 2, 0), "Se anuló: 2 envíos.");
        assert_eq!(outcome("anular", 0, 1), "No se cambió nada. Solo se anula lo que todavía no salió.");
        assert_eq!(
            outcome("resolver", 1, 1),
            "Se dio por resuelto: 1 envío. 1 envío quedó igual: solo se da por resuelto lo que falló o rebotó."
        );
        assert_eq!(outcome("", 0, 0), "Elija al menos un envío de la lista.");
    }
}
