//! Envíos: every mail, how it stands, and what to do about those that did not arrive.

use std::collections::BTreeSet;

use acuse_domain::delivery::State as Fate;
use acuse_domain::id::DeliveryId;
use acuse_domain::mail_account::MailModule;
use acuse_mail::explanation::{Context, Language, Whose, explain, whose_fault};
use acuse_store::deliveries::{self, Delivery, Filter, Group, Kind, MoveError};
use acuse_store::{Line, Page as Rows};
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::{Form, Query};
use serde::Deserialize;
use uuid::Uuid;

use crate::access::{Authorized, Permission, SendReceipts, ViewRecords};
use crate::app::App;
use crate::web::calendar;
use crate::web::contacts::list::Chip;
use crate::web::contacts::show::payment_path;
use crate::web::filters;
use crate::web::login::local_path;
use crate::web::once::new_key;
use crate::web::page::{Page, Section, shown};
use crate::web::pager::Pager;
use crate::web::payments::act::{cancel_once, retry_once};
use crate::web::state_mark::StateMark;
use crate::web::trail::{ROWS, Trail, id_of};
use crate::web::trouble::Trouble;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// `problemas`, `en-camino`, `aceptados`, `anulados`, `todos`; empty leads to what needs a person, if anything does.
    estado: String,
    q: String,
    /// A module's code: the account that carries it.
    cuenta: String,
    /// A problem's code.
    problema: String,
    tras: Vec<Uuid>,
    /// What a bulk action did: how many moved, and how many could not.
    movidos: Option<usize>,
    quedan: Option<usize>,
}

#[derive(Template)]
#[template(path = "deliveries/list.html")]
struct ListPage<'a> {
    page: Page,
    asked: &'a Asked,
    group: &'static str,
    chips: Vec<Chip>,
    problems: Vec<(String, String)>,
    rows: Vec<Line<Row>>,
    pager: Pager,
    may_send: bool,
    here: String,
    /// Of the form with the buttons for several.
    once: String,
}

/// A delivery as its row shows it.
struct Row {
    delivery: Delivery,
    mark: StateMark,
    why: Option<String>,
    path: String,
    /// `cobros@`, or the default account.
    from: String,
    last_attempt: Option<String>,
}

/// The chips, by the word of their address.
const GROUPS: [(&str, &str, Group); 5] = [
    ("problemas", "Con problemas", Group::WithProblems),
    ("en-camino", "En camino", Group::UnderWay),
    ("aceptados", "Aceptados", Group::Accepted),
    ("anulados", "Anulados", Group::Cancelled),
    ("todos", "Todos", Group::All),
];

pub async fn list(
    State(app): State<App>,
    may: Authorized<ViewRecords>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let company = may.actor.company;
    let page = Page::load(&app, &may, Section::Envios, &headers).await?;
    let (code, _, group) = chosen(&asked.estado, page.problems > 0);
    let filter = Filter {
        states: group.states().to_vec(),
        module: MailModule::parse(&asked.cuenta),
        problem_code: (!asked.problema.is_empty()).then(|| asked.problema.clone()),
        text: Some(asked.q.trim().to_owned()),
    };
    let found = deliveries::list(&app.db, company, &filter, Rows { after: asked.tras.last().copied(), limit: ROWS }).await?;
    let total = deliveries::count(&app.db, company, &filter).await?;
    let trail = asked.trail(code);
    let counts = deliveries::count_by_state(&app.db, company).await?;
    let titled = |code: String| {
        let title = title(&code);
        (code, title)
    };
    let problems = deliveries::problem_codes(&app.db, company, group.states()).await?.into_iter().map(titled).collect();
    let pager = trail.pager(found.last().map(|line| id_of(line, |one| one.id.0)), found.len(), total);
    Ok(shown(&ListPage {
        chips: GROUPS.iter().map(|one| chip(one, code, &counts)).collect(),
        here: trail.with(&[]),
        once: new_key(),
        pager,
        rows: found.into_iter().map(|line| line.map(|one| Row::of(one, &page))).collect(),
        problems,
        may_send: may.session.as_ref().is_some_and(|session| SendReceipts::is_held_by(session.role)),
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
    volver: String,
    /// Makes pressing twice act once.
    clave: String,
}

/// Tries the chosen ones again, or cancels them. What has moved on meanwhile is left as it is, and counted.
pub async fn act(State(app): State<App>, may: Authorized<SendReceipts>, Form(chosen): Form<Chosen>) -> Result<Response, Trouble> {
    let ids: BTreeSet<Uuid> = chosen.uno.map_or_else(|| chosen.envio.into_iter().collect(), |one| BTreeSet::from([one]));
    // A page offers no more; each is a transaction of its own.
    let most = usize::try_from(ROWS).unwrap_or(usize::MAX);
    let (mut moved, mut left) = (0, ids.len().saturating_sub(most));
    for id in ids.into_iter().take(most).map(DeliveryId) {
        let done = match chosen.accion.as_str() {
            "anular" => cancel_once(&app, &may.actor, id, &chosen.clave, None).await,
            _ => retry_once(&app, &may.actor, id, &chosen.clave, None).await,
        };
        match done {
            Ok(()) => moved += 1,
            Err(MoveError::NotNow(_) | MoveError::Voided | MoveError::Changed) => left += 1,
            Err(MoveError::NotFound) => return Err(Trouble::NotFound),
            Err(MoveError::Store(error)) => return Err(error.into()),
        }
    }
    let back = local_path(&chosen.volver);
    let back = if back.starts_with("/envios") { back } else { "/envios" };
    let joint = if back.contains('?') { '&' } else { '?' };
    Ok(Redirect::to(&format!("{back}{joint}movidos={moved}&quedan={left}")).into_response())
}

/// Whether the address itself is at fault, so that only correcting it helps. The catalogue's row says whose a fault is.
#[must_use]
pub fn is_about_the_address(delivery: &Delivery) -> bool {
    let over = matches!(delivery.state, Fate::Accepted | Fate::Cancelled);
    !over
        && delivery.problem_code.as_deref().map_or(delivery.state == Fate::Bounced, |code| whose_fault(code) == Whose::Recipient)
}

/// What a delivery carries where it is not simply the receipt: «Reenvío 2», «Aviso de anulación».
#[must_use]
pub fn letter(delivery: &Delivery) -> Option<String> {
    match delivery.kind {
        Kind::VoidNotice => Some("Aviso de anulación".to_owned()),
        Kind::Receipt => delivery.resend.map(|n| format!("Reenvío {n}")),
    }
}

/// Why it stands there, in a few words.
#[must_use]
pub fn cause(delivery: &Delivery) -> Option<String> {
    let code = delivery.problem_code.as_deref()?;
    (!matches!(delivery.state, Fate::Accepted | Fate::Cancelled)).then(|| title(code))
}

fn title(code: &str) -> String {
    explain(code, &Context::default(), Language::Spanish).title
}

fn chosen(code: &str, has_problems: bool) -> (&'static str, &'static str, Group) {
    let usual = if has_problems { GROUPS[0] } else { GROUPS[4] };
    GROUPS.into_iter().find(|(own, _, _)| *own == code).unwrap_or(usual)
}

fn chip((code, word, group): &(&'static str, &'static str, Group), current: &str, counts: &[(Fate, i64)]) -> Chip {
    let count: i64 = counts.iter().filter(|(state, _)| group.states().contains(state)).map(|(_, n)| n).sum();
    Chip { href: format!("/envios?estado={code}"), word, count: count.unsigned_abs(), is_current: *code == current }
}

impl Asked {
    fn trail(&self, group: &'static str) -> Trail<'_> {
        let filters = vec![("estado", group), ("q", self.q.as_str()), ("cuenta", &self.cuenta), ("problema", &self.problema)];
        Trail { path: "/envios", filters, behind: &self.tras }
    }
}

impl Row {
    fn of(delivery: Delivery, page: &Page) -> Self {
        let attempts = delivery.attempts.len();
        let why = match (cause(&delivery), delivery.state) {
            (Some(why), Fate::Deferred) => Some(format!("{why}, intento {attempts}")),
            (why, Fate::InDoubt) => delivery
                .next_attempt_at
                .map_or(why, |at| Some(format!("Se cortó al final; se repite a las {}", calendar::hour(at)))),
            (why, _) => why,
        };
        let last = delivery.attempts.last().map(|attempt| calendar::moment(attempt.ended_at(), page.now));
        let from = match &delivery.account {
            Some((source, _, _)) if source == "default" => "predeterminado".to_owned(),
            Some((_, _, sender)) => sender.split_once('@').map_or(sender.clone(), |(local, _)| format!("{local}@")),
            None => String::new(),
        };
        Self {
            mark: StateMark::of(delivery.state, delivery.next_attempt_at),
            path: payment_path(delivery.number.direction, delivery.payment),
            why,
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

    fn may_be_retried(&self) -> bool {
        self.delivery.state.may_become(Fate::Queued) && self.delivery.state != Fate::Sending
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

    fn outcome(&self) -> Option<String> {
        let moved = self.asked.movidos?;
        let left = self.asked.quedan.unwrap_or_default();
        let said = match (moved, left) {
            (0, 0) => "Elija al menos un envío de la lista.".to_owned(),
            (1, 0) => "Listo: 1 envío.".to_owned(),
            (_, 0) => format!("Listo: {moved} envíos."),
            (_, 1) => format!("Listo: {moved}. 1 ya no lo permite: se envió o se anuló."),
            _ => format!("Listo: {moved}. {left} ya no lo permiten: se enviaron o se anularon."),
        };
        Some(said)
    }
}
