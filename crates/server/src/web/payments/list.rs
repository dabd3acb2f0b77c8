//! The list of cobros or of pagos: filters, sums, and how each receipt's deliveries stand.

use std::collections::HashMap;

use acuse_domain::delivery::State;
use acuse_domain::id::PaymentId;
use acuse_domain::money::Money;
use acuse_domain::payment::{Method, Status};
use acuse_mail::explanation::{Context, Language, explain};
use acuse_store::deliveries::{self, Delivery};
use acuse_store::payments::{self, Filter, Summary, Totals};
use acuse_store::{Line, Page as Slice, StoreError};
use askama::Template;
use axum::extract::State as Extract;
use axum::http::HeaderMap;
use axum::response::Response;
use axum_extra::extract::Query;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use uuid::Uuid;

use super::Book;
use super::sender::Sender;
use crate::access::{Authorized, Permission, RecordPayments, ViewRecords};
use crate::app::App;
use crate::web::page::{self, Page};
use crate::web::pager::Pager;
use crate::web::state_mark::StateMark;
use crate::web::trail::id_of;
use crate::web::trouble::Trouble;
use crate::web::{calendar, filters};

/// Rows of one page: two screens of a laptop.
const ROWS: u64 = 50;

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    desde: String,
    hasta: String,
    /// The last row of each page gone through, so that there is a way back.
    tras: Vec<Uuid>,
}

/// GET `/cobros`
pub async fn list(
    Extract(app): Extract<App>,
    may: Authorized<ViewRecords>,
    book: Book,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let company = may.actor.company;
    let filter = asked.filter(book);
    let totals = payments::totals(&app.db, company, &filter).await?;
    let slice = Slice { after: asked.tras.last().copied(), limit: ROWS };
    let summaries = payments::list(&app.db, company, &filter, slice).await?;
    let pager = asked.pager(book, &summaries, totals.payments);
    let page = Page::load(&app, &may, book.section(), &headers).await?;
    let view = ListPage {
        rows: rows(&app, &may, summaries).await?,
        is_empty: totals.payments == 0 && !asked.is_filtered(),
        sender: Sender::of(&app, company, book).await?,
        may_record: may.session.as_ref().is_some_and(|session| RecordPayments::is_held_by(session.role)),
        page,
        book,
        asked,
        totals,
        pager,
    };
    Ok(page::shown(&view))
}

impl Asked {
    fn filter(&self, book: Book) -> Filter {
        Filter {
            direction: Some(book.direction),
            contact: None,
            from: calendar::parse_day(&self.desde).ok(),
            until: calendar::parse_day(&self.hasta).ok(),
            // The other book's receipts have their own list.
            text: Some(self.q.trim().to_owned()).filter(|text| !text.is_empty()),
        }
    }

    fn is_filtered(&self) -> bool {
        [&self.q, &self.desde, &self.hasta].iter().any(|text| !text.trim().is_empty())
    }

    fn wrong_dates(&self) -> bool {
        [&self.desde, &self.hasta].iter().any(|typed| !typed.trim().is_empty() && calendar::parse_day(typed).is_err())
    }

    fn pager(&self, book: Book, summaries: &[Line<Summary>], of: u64) -> Pager {
        let before = self.tras.len() as u64 * ROWS;
        let last = before + summaries.len() as u64;
        let next = summaries.last().filter(|_| last < of).map(|row| {
            let mut passed = self.tras.clone();
            passed.push(id_of(row, |summary| summary.id.0));
            self.link(book, &passed)
        });
        let previous = self.tras.split_last().map(|(_, passed)| self.link(book, passed));
        Pager { first: before + 1, last, of, previous, next }
    }

    fn link(&self, book: Book, passed: &[Uuid]) -> String {
        let encoded = |text: &str| utf8_percent_encode(text.trim(), NON_ALPHANUMERIC).to_string();
        let mut link =
            format!("{}?q={}&desde={}&hasta={}", book.path(), encoded(&self.q), encoded(&self.desde), encoded(&self.hasta));
        for id in passed {
            link.push_str("&tras=");
            link.push_str(&id.to_string());
        }
        link
    }
}

/// The rows with their methods and deliveries: two questions for the whole page.
async fn rows(app: &App, may: &Authorized<ViewRecords>, summaries: Vec<Line<Summary>>) -> Result<Vec<Line<Row>>, StoreError> {
    let company = may.actor.company;
    let ids: Vec<PaymentId> = summaries.iter().flatten().map(|summary| summary.id).collect();
    let mut methods: HashMap<PaymentId, Vec<(Method, Money)>> = HashMap::new();
    for (id, method, amount) in payments::methods_of(&app.db, company, &ids).await? {
        methods.entry(id).or_default().push((method, amount));
    }
    let mut sends: HashMap<PaymentId, Vec<Delivery>> = HashMap::new();
    for delivery in deliveries::of_payments(&app.db, company, &ids).await? {
        sends.entry(delivery.payment).or_default().push(delivery);
    }
    let mut row = |summary: Summary| {
        let methods = methods.remove(&summary.id).unwrap_or_default();
        let sends = sends.remove(&summary.id).unwrap_or_default();
        Row::of(summary, &methods, &sends)
    };
    Ok(summaries.into_iter().map(|line| line.map(&mut row)).collect())
}

struct Row {
    summary: Summary,
    methods: String,
    withheld: Money,
    mark: StateMark,
}

impl Row {
    fn of(summary: Summary, methods: &[(Method, Money)], sends: &[Delivery]) -> Self {
        let moved: Vec<&str> = methods.iter().filter(|(method, _)| method.is_money()).map(|(method, _)| method.name()).collect();
        let words = match (&moved[..], methods) {
            ([only], _) => (*only).to_owned(),
            ([], [(only, _)]) => only.name().to_owned(),
            ([], several) => format!("{} formas", several.len()),
            (several, _) => format!("{} formas", several.len()),
        };
        let withheld = methods.iter().filter(|(method, _)| *method == Method::Withholding).map(|(_, amount)| *amount).sum();
        Self { methods: words, withheld, mark: mark(&summary, &latest(sends)), summary }
    }

    fn url(&self, book: &Book) -> String {
        book.page_of(self.summary.id)
    }

    /// A cobro's total, a pago's money: what each list is read for.
    fn figure(&self, book: &Book) -> String {
        let figure = if book.is_received() { self.summary.total } else { self.summary.headline() };
        figure.to_string()
    }

    fn is_voided(&self) -> bool {
        self.summary.status != Status::Posted
    }
}

/// Of each address, what came of it last: a receipt sent again to a corrected address is not a problem any more.
fn latest(sends: &[Delivery]) -> Vec<&Delivery> {
    let round = sends.iter().map(|delivery| delivery.resend).max().flatten();
    let mut latest: Vec<&Delivery> = Vec::new();
    for delivery in sends.iter().rev() {
        let is_settled = delivery.resend != round && delivery.state.needs_a_person();
        if latest.iter().all(|later| later.recipient != delivery.recipient) && !is_settled {
            latest.push(delivery);
        }
    }
    latest
}

fn mark(summary: &Summary, sends: &[&Delivery]) -> StateMark {
    if summary.status != Status::Posted && sends.is_empty() {
        return StateMark::of(State::Cancelled, None);
    }
    let states: Vec<_> = sends.iter().map(|delivery| (delivery.state, delivery.next_attempt_at)).collect();
    let mark = StateMark::of_all(&states);
    let trouble = sends
        .iter()
        .find(|delivery| !matches!(delivery.state, State::Accepted | State::Cancelled) && delivery.problem_code.is_some());
    match trouble.and_then(|delivery| delivery.problem_code.as_deref()) {
        Some(code) => mark.because(explain(code, &Context::default(), Language::Spanish).title),
        None => mark,
    }
}

#[derive(Template)]
#[template(path = "payments/list.html")]
struct ListPage {
    page: Page,
    book: Book,
    asked: Asked,
    rows: Vec<Line<Row>>,
    totals: Totals,
    pager: Pager,
    is_empty: bool,
    sender: Sender,
    may_record: bool,
}
