//! The list of cobros or of pagos: filters, sums, and how each receipt's deliveries stand.

use std::collections::HashMap;

use acuse_domain::delivery::State;
use acuse_domain::id::PaymentId;
use acuse_domain::mail_account::MailModule;
use acuse_domain::money::Money;
use acuse_domain::payment::{Method, Status};
use acuse_store::deliveries::{self, Delivery, Stopped};
use acuse_store::order::Order;
use acuse_store::payments::{self, By, Filter, Summary, Totals};
use acuse_store::{Line, Page as Slice, StoreError};
use askama::Template;
use axum::response::Response;
use axum_extra::extract::Query;
use serde::Deserialize;
use uuid::Uuid;

use super::Book;
use super::sender::Sender;
use crate::web::date_range::DateRange;
use crate::web::filters;
use crate::web::frame::Frame;
use crate::web::page::{self, Page};
use crate::web::pager::Pager;
use crate::web::sort::{Column, Sorting, order};
use crate::web::state_mark::StateMark;
use crate::web::trail::{ROWS, Trail, id_of};
use crate::web::trouble::Trouble;
use acuse_domain::access::Permission;

/// The columns that put the list in order; the figure is a cobro's total, a pago's money.
fn columns(book: Book) -> [Column<By>; 4] {
    let figure = if book.is_received() { By::Total } else { By::Headline };
    [
        Column { code: "fecha", by: By::Date, falls: true },
        Column { code: "numero", by: By::Number, falls: true },
        Column { code: "persona", by: By::Person, falls: false },
        Column { code: "valor", by: figure, falls: true },
    ]
}

const NEWEST: Order<By> = Order { by: By::Date, descending: true };

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct PaymentsQuery {
    q: String,
    desde: String,
    hasta: String,
    orden: String,
    /// The last row of each page gone through, so that there is a way back.
    tras: Vec<Uuid>,
}

/// GET `/cobros`
pub async fn list(frame: Frame, book: Book, Query(asked): Query<PaymentsQuery>) -> Result<Response, Trouble> {
    let company = frame.company();
    let filter = asked.filter(book);
    let page = frame.page(book.section()).await?;
    let totals = payments::totals(&frame.app.db, company, &filter, &page.stopped).await?;
    let slice = Slice { after: asked.tras.last().copied(), limit: ROWS };
    let columns = columns(book);
    let order = order(&columns, &asked.orden, NEWEST);
    let summaries = payments::list(&frame.app.db, company, &filter, order, slice).await?;
    let trail = asked.trail(book);
    let pager = trail.pager(summaries.last().map(|line| id_of(line, |last| last.id.0)), summaries.len(), totals.payments);
    let sorting = Sorting::of(&columns, order, &asked.orden, |code| trail.with(&[("orden", code)]));
    let view = ListPage {
        rows: rows(&frame, summaries, &page.stopped).await?,
        problems: asked.problems(book),
        sorting,
        is_empty: totals.payments == 0 && !asked.is_filtered(),
        sender: Sender::of(&frame.app, company, book).await?,
        page,
        book,
        asked,
        totals,
        pager,
    };
    Ok(page::shown(&view))
}

impl PaymentsQuery {
    fn filter(&self, book: Book) -> Filter {
        Filter {
            direction: Some(book.direction),
            contact: None,
            from: self.days().first(),
            until: self.days().last(),
            // The other book's receipts have their own list.
            text: Some(self.q.trim().to_owned()).filter(|text| !text.is_empty()),
        }
    }

    fn is_filtered(&self) -> bool {
        [&self.q, &self.desde, &self.hasta].iter().any(|text| !text.trim().is_empty())
    }

    fn days(&self) -> DateRange<'_> {
        DateRange { from: &self.desde, until: &self.hasta }
    }

    fn trail(&self, book: Book) -> Trail<'_> {
        let filters = vec![("q", self.q.as_str()), ("desde", &self.desde), ("hasta", &self.hasta), ("orden", &self.orden)];
        Trail { path: book.path(), filters, behind: &self.tras }
    }

    /// The envíos of these payments that need a person.
    fn problems(&self, book: Book) -> String {
        let module = MailModule::of_payments(book.direction).as_str();
        let filters = vec![("estado", "problemas"), ("cuenta", module), ("q", self.q.trim())];
        Trail { path: "/envios", filters, behind: &[] }.with(&[])
    }
}

/// The rows with their methods and deliveries: two questions for the whole page.
async fn rows(frame: &Frame, summaries: Vec<Line<Summary>>, stopped: &Stopped) -> Result<Vec<Line<Row>>, StoreError> {
    let company = frame.company();
    let ids: Vec<PaymentId> = summaries.iter().flatten().map(|summary| summary.id).collect();
    let mut methods: HashMap<PaymentId, Vec<(Method, Money)>> = HashMap::new();
    for (id, method, amount) in payments::methods_of(&frame.app.db, company, &ids).await? {
        methods.entry(id).or_default().push((method, amount));
    }
    let mut sends: HashMap<PaymentId, Vec<Delivery>> = HashMap::new();
    for delivery in deliveries::of_payments(&frame.app.db, company, &ids).await? {
        sends.entry(delivery.payment).or_default().push(delivery);
    }
    let mut row = |summary: Summary| {
        let methods = methods.remove(&summary.id).unwrap_or_default();
        let sends = sends.remove(&summary.id).unwrap_or_default();
        Row::of(summary, &methods, &sends, stopped)
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
    fn of(summary: Summary, methods: &[(Method, Money)], sends: &[Delivery], stopped: &Stopped) -> Self {
        let moved: Vec<&str> = methods.iter().filter(|(method, _)| method.is_money()).map(|(method, _)| method.name()).collect();
        let words = match (&moved[..], methods) {
            ([only], _) => (*only).to_owned(),
            ([], [(only, _)]) => only.name().to_owned(),
            ([], several) => format!("{} formas", several.len()),
            (several, _) => format!("{} formas", several.len()),
        };
        let withheld = methods.iter().filter(|(method, _)| *method == Method::Withholding).map(|(_, amount)| *amount).sum();
        let mark = match (&summary.status, sends) {
            (Status::Voided { .. }, []) => StateMark::of(State::Cancelled, None),
            _ => StateMark::of_payment(&sends.iter().collect::<Vec<_>>(), stopped),
        };
        Self { methods: words, withheld, mark, summary }
    }

    fn url(&self, book: &Book) -> String {
        book.page_of(self.summary.id)
    }

    /// A cobro's total, a pago's money: what each list is read for.
    fn figure(&self, book: &Book) -> String {
        let figure = if book.is_received() { self.summary.total } else { self.summary.headline() };
        figure.to_string()
    }
}

#[derive(Template)]
#[template(path = "payments/list.html")]
struct ListPage {
    page: Page,
    book: Book,
    asked: PaymentsQuery,
    rows: Vec<Line<Row>>,
    totals: Totals,
    problems: String,
    sorting: Sorting,
    pager: Pager,
    is_empty: bool,
    sender: Sender,
}
