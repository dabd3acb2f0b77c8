//! The earlier payment that a payment looks like.

use acuse_domain::id::{CompanyId, ContactId, PaymentId};
use acuse_domain::money::Money;
use acuse_domain::number::ReceiptNumber;
use acuse_domain::payment::{self, Doubt, Likeness, Method, PaymentLine, Twin, is_same_paper, reference_key};
use acuse_domain::{Date, Instant};
use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use super::{Recorded, number};
use crate::db::{Db, StoreError};
use crate::sql::{readable, values};

/// Banks and printers begin to count again; a number of two years ago is another paper.
const COMPARED: TimeDelta = TimeDelta::days(366);
/// Lines with one number that are looked at, the newest first: more are no numbers of papers («S/N»), and each payment would
/// read all of them.
const MOST_LINES: usize = 50;

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
    found.extend(find(db.reader(), company, &sought).await?.map(Doubt::LikelyTwin));
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
    let mut keys: Vec<String> =
        sought.lines.iter().filter_map(|line| line.reference.as_deref()).filter_map(reference_key).collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        return Ok(None);
    }
    let of_key = |place: usize| {
        format!(
            "SELECT * FROM (SELECT payment_id, method, amount_cents, reference, bank, tax FROM payment_line WHERE company_id = $1
                AND LTRIM(UPPER(REPLACE(REPLACE(reference, ' ', ''), '-', '')), '0') = ${place}
                ORDER BY payment_id DESC LIMIT {MOST_LINES}) k{place}"
        )
    };
    let of_each: Vec<String> = (6..6 + keys.len()).map(of_key).collect();
    let sql = format!(
        "SELECT p.id, p.direction, p.sequence, p.recorded_at, p.recorded_by, p.contact_id, l.method, l.amount_cents,
            l.reference, l.bank, l.tax
        FROM ({}) l CROSS JOIN payment p
        WHERE p.company_id = $1 AND p.id = l.payment_id AND p.direction = $2 AND p.sequence < $3 AND p.voided_at IS NULL AND p.paid_on BETWEEN $4 AND $5",
        of_each.join(" UNION ALL ")
    );
    let (from, until) = (sought.date - COMPARED, sought.date + COMPARED);
    let mut asked = values![company.0, sought.number.direction.as_str(), sought.number.sequence, from, until];
    asked.extend(keys.into_iter().map(Value::from));
    // A damaged record is nobody's twin, and keeps no other from being recorded.
    let mut rows: Vec<PaperRow> = readable(conn, "payment", &sql, asked).await?;
    // Put in order here: SQLite would walk all payments for it, and CROSS JOIN keeps the few lines first.
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
