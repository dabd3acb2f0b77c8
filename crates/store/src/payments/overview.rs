//! What a list of payments adds up to, and what its rows say beside the payment itself.

use acuse_domain::id::{CompanyId, PaymentId};
use acuse_domain::money::Money;
use acuse_domain::number::ReceiptNumber;
use acuse_domain::payment::Method;
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::Filter;
use crate::db::{Db, StoreError};
use crate::sql::{Of, containing, one, places, readable, values};

/// What a filtered list holds. Voided payments are counted and add nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    pub payments: u64,
    pub total: Money,
    /// What moved: cash, cheque, transfer, deposit, card.
    pub money: Money,
    pub withheld: Money,
    /// What was left as anticipo when they were recorded.
    pub unapplied: Money,
    /// Payments with a delivery that failed or bounced.
    pub with_problems: u64,
}

/// The sums of everything that [`super::list`] would give, page after page.
pub async fn totals(db: &Db, company: CompanyId, filter: &Filter) -> Result<Totals, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        payments: i64,
        total: i64,
        money: i64,
        withheld: i64,
        unapplied: i64,
        with_problems: i64,
    }
    let number: Option<ReceiptNumber> = filter.text.as_deref().and_then(|text| text.parse().ok());
    let text = if number.is_some() { None } else { filter.text.as_deref() };
    let direction = number.map(|number| number.direction).or(filter.direction);
    let sum = |column: &str| format!("CAST(COALESCE(SUM(CASE WHEN p.voided_at IS NULL THEN {column} ELSE 0 END), 0) AS BIGINT)");
    let withheld = "(SELECT COALESCE(SUM(l.amount_cents), 0) FROM payment_line l WHERE l.company_id = p.company_id
        AND l.payment_id = p.id AND l.method = 'withholding')";
    let problem = "CASE WHEN EXISTS (SELECT 1 FROM delivery d WHERE d.company_id = p.company_id AND d.payment_id = p.id
        AND d.state IN ('failed', 'bounced')) THEN 1 ELSE 0 END";
    let sql = format!(
        "SELECT COUNT(*) AS payments, {} AS total, {} AS money, {} AS withheld, {} AS unapplied,
        CAST(COALESCE(SUM({problem}), 0) AS BIGINT) AS with_problems
        FROM payment p JOIN contact c ON c.company_id = p.company_id AND c.id = p.contact_id
        WHERE p.company_id = $1 AND ($2 IS NULL OR p.direction = $2) AND ($3 IS NULL OR p.contact_id = $3)
        AND ($4 IS NULL OR p.paid_on >= $4) AND ($5 IS NULL OR p.paid_on <= $5)
        AND c.search_text LIKE $6 ESCAPE '\\' AND ($7 IS NULL OR p.sequence = $7)",
        sum("p.total_cents"),
        sum("p.money_cents"),
        sum(withheld),
        sum("p.unapplied_cents"),
    );
    let asked = values![
        company.0,
        direction.map(|direction| direction.as_str()),
        filter.contact.map(|contact| contact.0),
        filter.from,
        filter.until,
        containing(text.unwrap_or_default()),
        number.map(|number| number.sequence)
    ];
    let row: Option<Row> = one(db.reader(), &sql, asked).await?;
    Ok(row.map_or_else(Totals::default, |row| Totals {
        payments: row.payments.unsigned_abs(),
        total: Money::from_cents(row.total),
        money: Money::from_cents(row.money),
        withheld: Money::from_cents(row.withheld),
        unapplied: Money::from_cents(row.unapplied),
        with_problems: row.with_problems.unsigned_abs(),
    }))
}

/// The lines of several payments, as far as a list shows them, in the order in which they were typed.
pub async fn methods_of(
    db: &Db,
    company: CompanyId,
    payments: &[PaymentId],
) -> Result<Vec<(PaymentId, Method, Money)>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        payment_id: Uuid,
        method: String,
        amount_cents: i64,
    }
    if payments.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT payment_id, method, amount_cents FROM payment_line
        WHERE company_id = $1 AND payment_id IN ({}) ORDER BY payment_id, position",
        places(1, payments.len())
    );
    let mut asked: Vec<Value> = values![company.0];
    asked.extend(payments.iter().map(|id| Value::from(id.0)));
    let rows: Vec<Row> = readable(db.reader(), "payment_line", &sql, asked).await?;
    let line = |row: Row| {
        let method = Of { table: "payment_line", id: row.payment_id }.code("method", &row.method, Method::parse)?;
        Some((PaymentId(row.payment_id), method, Money::from_cents(row.amount_cents)))
    };
    Ok(rows.into_iter().filter_map(line).collect())
}
