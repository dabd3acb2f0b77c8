//! The earlier payment that a payment looks like.

use acuse_domain::id::{CompanyId, ContactId, PaymentId};
use acuse_domain::money::Money;
use acuse_domain::number::ReceiptNumber;
use acuse_domain::payment::{self, Doubt, Likeness, Method, PaymentLine, Twin, is_same_paper};
use acuse_domain::{Date, Instant};
use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::{Recorded, number};
use crate::db::{Db, StoreError};
use crate::sql::{readable, values};

/// Banks and printers begin to count again; a number of two years ago is another paper.
const COMPARED: TimeDelta = TimeDelta::days(366);
/// Lines with one number that are looked at, the newest first: a number that so many have is none of a paper, and each payment
/// would read all of them.
const MOST_LINES: usize = 50;
/// Of those with the same person, who come first, or the same amount: what is left to tell them apart is the bank, or the tax.
const MOST_ALIKE: usize = 5;

/// The payment whose twin is looked for, among those with a smaller number.
pub(super) struct Sought<'a> {
    pub number: ReceiptNumber,
    pub contact: ContactId,
    pub date: Date,
    pub total: Money,
    pub lines: &'a [PaymentLine],
}

/// What is probably a slip in a recorded payment, seen as when it was recorded.
pub async fn doubts(db: &Db, company: CompanyId, recorded: &Recorded) -> Result<Vec<Doubt>, StoreError> {
    let summary = &recorded.summary;
    let documents = recorded.allocations.iter().map(|allocation| allocation.total).filter(|total| total.is_positive());
    let mut found = payment::doubts(&recorded.lines, summary.allocated, documents.sum());
    let sought = Sought {
        number: summary.number,
        contact: summary.contact,
        date: summary.date,
        total: summary.total,
        lines: &recorded.lines,
    };
    found.extend(find(&db.of(company), company, &sought).await?.map(Doubt::LikelyTwin));
    Ok(found)
}

/// The newest one. A paper tells more than figures do.
pub(super) async fn find(
    conn: &impl ConnectionTrait,
    company: CompanyId,
    sought: &Sought<'_>,
) -> Result<Option<Twin>, StoreError> {
    match of_paper(conn, company, sought).await? {
        Some(twin) => Ok(Some(twin)),
        None => of_figures(conn, company, sought).await,
    }
}

async fn of_paper(conn: &impl ConnectionTrait, company: CompanyId, sought: &Sought<'_>) -> Result<Option<Twin>, StoreError> {
    let (from, until) = (sought.date - COMPARED, sought.date + COMPARED);
    let (direction, sequence) = (sought.number.direction.as_str(), sought.number.sequence);
    let mut asked = values![company.0, direction, sequence, from, until, sought.contact.0];
    let mut of_each = Vec::new();
    for line in sought.lines {
        let Some(key) = payment::paper_key(line) else { continue };
        let place = asked.len();
        asked.extend(values![key, line.method.as_str(), line.amount.cents()]);
        // CROSS JOIN: SQLite would walk all payments to put the few lines in order.
        of_each.push(format!(
            "SELECT * FROM (SELECT p.id, p.direction, p.sequence, p.recorded_at, p.recorded_by, p.contact_id, l.method,
                l.amount_cents, l.reference, l.bank, l.tax
            FROM (SELECT payment_id, method, amount_cents, reference, bank, tax FROM payment_line WHERE company_id = $1
                AND paper_key = ${key} AND method = ${method} ORDER BY payment_id DESC LIMIT {MOST_LINES}) l CROSS JOIN payment p
            WHERE p.company_id = $1 AND p.id = l.payment_id AND p.direction = $2 AND p.sequence < $3 AND p.voided_at IS NULL
                AND p.paid_on BETWEEN $4 AND $5 AND (p.contact_id = $6 OR l.amount_cents = ${amount})
            ORDER BY CASE WHEN p.contact_id = $6 THEN 0 ELSE 1 END, l.payment_id DESC LIMIT {MOST_ALIKE}) k{place}",
            key = place + 1,
            method = place + 2,
            amount = place + 3
        ));
    }
    if of_each.is_empty() {
        return Ok(None);
    }
    let sql = of_each.join(" UNION ALL ");
    // A damaged record is nobody's twin, and keeps no other from being recorded.
    let mut rows: Vec<PaperRow> = readable(conn, "payment", &sql, asked).await?;
    rows.sort_by_key(|row| std::cmp::Reverse(row.twin.sequence));
    let same = |row: PaperRow| {
        let paper = row.paper()?;
        let of_one_person = row.contact_id == sought.contact.0;
        let is_same = sought.lines.iter().any(|line| is_same_paper(line, &paper, of_one_person));
        is_same.then(|| row.twin.into_twin(Likeness::Paper(paper.method)))
    };
    Ok(rows.into_iter().find_map(same))
}

async fn of_figures(conn: &impl ConnectionTrait, company: CompanyId, sought: &Sought<'_>) -> Result<Option<Twin>, StoreError> {
    let sql = "SELECT id, direction, sequence, recorded_at, recorded_by FROM payment
        WHERE company_id = $1 AND contact_id = $2 AND paid_on = $3 AND direction = $4 AND total_cents = $5 AND sequence < $6
            AND voided_at IS NULL
        ORDER BY sequence DESC LIMIT 1";
    let asked = values![
        company.0,
        sought.contact.0,
        sought.date,
        sought.number.direction.as_str(),
        sought.total.cents(),
        sought.number.sequence
    ];
    let rows: Vec<TwinRow> = readable(conn, "payment", sql, asked).await?;
    Ok(rows.into_iter().next().map(|row| row.into_twin(Likeness::Figures)))
}

#[derive(FromQueryResult)]
struct TwinRow {
    id: Uuid,
    direction: String,
    sequence: i64,
    recorded_at: Instant,
    recorded_by: String,
}

impl TwinRow {
    fn into_twin(self, likeness: Likeness) -> Twin {
        Twin {
            payment: PaymentId(self.id),
            number: number(self.id, &self.direction, self.sequence),
            recorded_at: self.recorded_at,
            recorded_by: self.recorded_by,
            likeness,
        }
    }
}

#[derive(FromQueryResult)]
struct PaperRow {
    #[sea_orm(nested)]
    twin: TwinRow,
    contact_id: Uuid,
    method: String,
    amount_cents: i64,
    reference: Option<String>,
    bank: Option<String>,
    tax: Option<String>,
}

impl PaperRow {
    fn paper(&self) -> Option<PaymentLine> {
        let line = PaymentLine::new(Method::parse(&self.method)?, Money::from_cents(self.amount_cents));
        Some(PaymentLine { reference: self.reference.clone(), bank: self.bank.clone(), tax: self.tax.clone(), ..line })
    }
}
