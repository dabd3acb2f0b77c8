//! What a list of payments adds up to, and what its rows say beside the payment itself.

use acuse_domain::delivery::Group;
use acuse_domain::id::{CompanyId, PaymentId};
use acuse_domain::money::Money;
use acuse_domain::payment::Method;
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::filter::{FROM, Filter};
use crate::db::{Db, StoreError};
use crate::deliveries::{Stopped, group_condition};
use crate::sql::{Of, one, places, readable, values};

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
    /// Their envíos that need a person.
    pub with_problems: u64,
}

/// The sums of everything that [`super::list`] would give, page after page.
pub async fn totals(db: &Db, company: CompanyId, filter: &Filter, stopped: &Stopped) -> Result<Totals, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        payments: i64,
        total: i64,
        money: i64,
        withheld: i64,
        unapplied: i64,
        with_problems: i64,
    }
    let sum = |column: &str| format!("CAST(COALESCE(SUM(CASE WHEN p.voided_at IS NULL THEN {column} ELSE 0 END), 0) AS BIGINT)");
    let withheld = "(SELECT COALESCE(SUM(l.amount_cents), 0) FROM payment_line l WHERE l.company_id = p.company_id
        AND l.payment_id = p.id AND l.method = 'withholding')";
    let (condition, mut asked) = filter.condition(company);
    let problem = group_condition(Group::WithProblems, stopped, &mut asked);
    let problems = format!(
        "SELECT COUNT(*) FROM delivery d JOIN payment p ON p.company_id = d.company_id AND p.id = d.payment_id
        LEFT JOIN contact c ON c.company_id = p.company_id AND c.id = p.contact_id
        WHERE d.company_id = $1 AND {problem} AND {condition}"
    );
    let sql = format!(
        "SELECT COUNT(*) AS payments, {} AS total, {} AS money, {} AS withheld, {} AS unapplied, ({problems}) AS with_problems
        {FROM} WHERE {condition}",
        sum("p.total_cents"),
        sum("p.money_cents"),
        sum(withheld),
        sum("p.unapplied_cents"),
    );
    let row: Option<Row> = one(&db.of(company), &sql, asked).await?;
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
    let rows: Vec<Row> = readable(&db.of(company), "payment_line", &sql, asked).await?;
    let line = |row: Row| {
        let method = Of { table: "payment_line", id: row.payment_id }.code("method", &row.method, Method::parse)?;
        Some((PaymentId(row.payment_id), method, Money::from_cents(row.amount_cents)))
    };
    Ok(rows.into_iter().filter_map(line).collect())
}
