//! The open items of one side, oldest due first; the sums by age are also the filter.

use acuse_domain::document::{DocumentNumber, Side};
use acuse_domain::money::Money;
use acuse_store::documents::{self, Age, AgeSum, By, DUE_FIRST, Filter, Listed};
use acuse_store::{Line, Page as Rows};
use askama::Template;
use axum::response::Response;
use axum_extra::extract::Query;
use serde::Deserialize;
use uuid::Uuid;

use crate::web::contacts::list::Chip;
use crate::web::filters;
use crate::web::frame::Frame;
use crate::web::page::{Page, Section, shown};
use crate::web::pager::Pager;
use crate::web::sort::{Column, Sorting, order};
use crate::web::trail::{ROWS, Trail, id_of};
use crate::web::trouble::Trouble;
use acuse_domain::access::Permission;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DocumentsQuery {
    /// `pagar`; else what is to be collected.
    lado: String,
    /// How old: `por-vencer`, `vencidos`, `1-30`, `31-60`, `mas-60`.
    edad: String,
    /// `todos` shows the settled ones too.
    estado: String,
    q: String,
    orden: String,
    tras: Vec<Uuid>,
}

#[derive(Template)]
#[template(path = "documents/list.html")]
struct ListPage<'a> {
    page: Page,
    asked: &'a DocumentsQuery,
    side: Side,
    chips: Vec<Chip>,
    ages: Vec<AgeTab>,
    overdue: AgeSum,
    total: u64,
    rows: Vec<Line<Listed>>,
    sorting: Sorting,
    pager: Pager,
}

/// A sum by age, and the bar that shows its share of the whole.
struct AgeTab {
    href: String,
    word: &'static str,
    balance: Money,
    is_current: bool,
    is_late: bool,
    /// Of 200 units.
    bar: i64,
    /// Of «Todos»: where the late part of the bar begins.
    late_from: Option<i64>,
}

/// As wide as the bar of everything together.
const BAR: i64 = 200;

const COLUMNS: [Column<By>; 6] = [
    Column { code: "numero", by: By::Number, falls: false },
    Column { code: "persona", by: By::Person, falls: false },
    Column { code: "emision", by: By::Issued, falls: true },
    Column { code: "vence", by: By::Due, falls: false },
    Column { code: "total", by: By::Total, falls: true },
    Column { code: "saldo", by: By::Balance, falls: true },
];

pub async fn list(frame: Frame, Query(asked): Query<DocumentsQuery>) -> Result<Response, Trouble> {
    let company = frame.company();
    let page = frame.page(Section::Documentos).await?;
    let today = page.today();
    let filter = asked.filter();
    let side = asked.side();
    let order = order(&COLUMNS, &asked.orden, DUE_FIRST);
    let slice = Rows { after: asked.tras.last().copied(), limit: ROWS };
    let rows = documents::list(&frame.app.db, company, &filter, order, slice, today).await?;
    let total = documents::count(&frame.app.db, company, &filter, today).await?;
    let sums = documents::aging(&frame.app.db, company, side, today).await?;
    let other = if side == Side::Receivable { Side::Payable } else { Side::Receivable };
    let others: i64 = documents::aging(&frame.app.db, company, other, today).await?.iter().map(|sum| sum.documents).sum();
    let trail = asked.trail();
    let sorting = Sorting::of(&COLUMNS, order, &asked.orden, |code| trail.with(&[("orden", code)]));
    Ok(shown(&ListPage {
        chips: asked.chips(&trail, sums.iter().map(|sum| sum.documents).sum(), others),
        ages: asked.ages(&trail, &sums),
        overdue: AgeSum {
            balance: sums[1..].iter().map(|sum| sum.balance).sum(),
            documents: sums[1..].iter().map(|sum| sum.documents).sum(),
        },
        pager: trail.pager(rows.last().map(|line| id_of(line, |row| row.document.id.0)), rows.len(), total),
        page,
        side,
        total,
        sorting,
        rows,
        asked: &asked,
    }))
}

impl DocumentsQuery {
    fn side(&self) -> Side {
        if self.lado == "pagar" { Side::Payable } else { Side::Receivable }
    }

    fn age(&self) -> Option<Age> {
        match self.edad.as_str() {
            "por-vencer" => Some(Age::NotDue),
            "vencidos" => Some(Age::Overdue),
            "1-30" => Some(Age::UpTo30),
            "31-60" => Some(Age::UpTo60),
            "mas-60" => Some(Age::Over60),
            _ => None,
        }
    }

    fn filter(&self) -> Filter {
        let age = self.age();
        let open_only = age.is_some() || self.estado != "todos";
        Filter { side: Some(self.side()), contact: None, open_only, age, text: Some(self.sought()) }
    }

    /// A number is found however it is typed: `1-1-5001` is 001-001-000005001.
    fn sought(&self) -> String {
        self.q.parse::<DocumentNumber>().map_or_else(|_| self.q.clone(), |number| number.to_string())
    }

    fn trail(&self) -> Trail<'_> {
        let filters = vec![
            ("lado", self.lado.as_str()),
            ("edad", &self.edad),
            ("estado", &self.estado),
            ("q", &self.q),
            ("orden", &self.orden),
        ];
        Trail { path: "/documentos", filters, behind: &self.tras }
    }

    fn chips(&self, trail: &Trail<'_>, own: i64, others: i64) -> Vec<Chip> {
        let is_payable = self.side() == Side::Payable;
        let (receivable, payable) = if is_payable { (others, own) } else { (own, others) };
        let chip = |code, word, count: i64, is_current| {
            let href = trail.with(&[("lado", code), ("edad", "")]);
            Chip { href, word, count: count.unsigned_abs(), is_current }
        };
        vec![chip("", "Por cobrar", receivable, !is_payable), chip("pagar", "Por pagar", payable, is_payable)]
    }

    fn ages(&self, trail: &Trail<'_>, sums: &[AgeSum; 4]) -> Vec<AgeTab> {
        let all: Money = sums.iter().map(|sum| sum.balance).sum();
        let share = |part: Money| if all.is_positive() { (part.cents().max(0) * BAR / all.cents()).min(BAR) } else { 0 };
        let tab = |code, word, balance, is_late| AgeTab {
            href: trail.with(&[("edad", code), ("estado", "")]),
            word,
            balance,
            is_current: self.edad == code,
            is_late,
            bar: share(balance),
            late_from: None,
        };
        let not_due = share(sums[0].balance);
        let mut everything = tab("", "Todos", all, false);
        everything.bar = if all.is_positive() { BAR } else { 0 };
        everything.late_from = (all.is_positive() && not_due < BAR).then_some(not_due);
        vec![
            everything,
            tab("por-vencer", "Por vencer", sums[0].balance, false),
            tab("vencidos", "Vencidos", sums[1..].iter().map(|sum| sum.balance).sum(), true),
            tab("1-30", "de 1 a 30 días", sums[1].balance, true),
            tab("31-60", "de 31 a 60", sums[2].balance, true),
            tab("mas-60", "más de 60", sums[3].balance, true),
        ]
    }
}

impl ListPage<'_> {
    fn person(&self) -> &'static str {
        if self.side == Side::Payable { "Proveedor" } else { "Cliente" }
    }

    fn is_filtered(&self) -> bool {
        !self.asked.q.is_empty() || !self.asked.edad.is_empty()
    }
}
