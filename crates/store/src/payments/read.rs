//! Questions about recorded payments.

use acuse_domain::document::{DocumentKind, DocumentNumber};
use acuse_domain::id::{CompanyId, ContactId, DocumentId, PaymentId};
use acuse_domain::money::Money;
use acuse_domain::number::ReceiptNumber;
use acuse_domain::payment::{Advance, CheckKind, Direction, Method, PaymentLine, Status};
use acuse_domain::receipt::Receipt;
use acuse_domain::{Date, Instant};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::filter::{By, FROM, Filter};
use super::{ADVANCE, AdvanceRow};
use crate::Page;
use crate::db::{Db, StoreError};
use crate::order::Order;
use crate::receipts::{number, receipt_as_of};
use crate::sql::{Line, Of, each, one, readable, values};

/// A recorded payment, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub summary: Summary,
    pub description: Option<String>,
    pub lines: Vec<PaymentLine>,
    pub allocations: Vec<RecordedAllocation>,
    pub recorded_at: Instant,
    pub recorded_by: String,
    /// The user or the token that recorded it, where that is known.
    pub recorder: Option<Uuid>,
    pub voided_by: Option<String>,
    /// What is left of its anticipo.
    pub advance_rest: Money,
    /// What was frozen; nothing where it cannot be read.
    pub receipt: Option<Receipt>,
    /// Columns of it, and of its lines and allocations, that cannot be read.
    pub unreadable: Vec<&'static str>,
}

/// A payment as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub id: PaymentId,
    pub number: ReceiptNumber,
    pub contact: ContactId,
    pub contact_name: String,
    pub date: Date,
    pub total: Money,
    pub money: Money,
    pub allocated: Money,
    pub unapplied: Money,
    pub status: Status,
}

impl Summary {
    /// The receipt's large figure: what moved, or the total where nothing did.
    #[must_use]
    pub fn headline(&self) -> Money {
        if self.money.is_zero() { self.total } else { self.money }
    }

    #[must_use]
    pub fn is_voided(&self) -> bool {
        self.status != Status::Posted
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedAllocation {
    pub document: DocumentId,
    pub kind: DocumentKind,
    pub number: DocumentNumber,
    pub issue_date: Date,
    pub due_date: Date,
    pub total: Money,
    pub previous_balance: Money,
    pub amount: Money,
    /// As it stands now, after whatever came later.
    pub balance_now: Money,
}

impl RecordedAllocation {
    /// What the document owed right after this payment.
    #[must_use]
    pub fn balance(&self) -> Money {
        self.previous_balance - self.amount
    }
}

pub async fn find(db: &Db, company: CompanyId, id: PaymentId) -> Result<Option<Recorded>, StoreError> {
    let sql = format!(
        "SELECT {SUMMARY}, p.description, p.recorded_at, p.recorded_by, p.recorder_id, p.voided_by, p.advance_rest_cents, p.receipt
        {FROM} WHERE p.company_id = $1 AND p.id = $2"
    );
    let Some(row) = one::<Row>(&db.of(company), &sql, values![company.0, id.0]).await? else { return Ok(None) };
    let mut unreadable = Vec::new();
    let lines = lines(db, company, id, &mut unreadable).await?;
    let allocations = allocations(db, company, id, &mut unreadable).await?;
    let receipt = row.receipt_now().inspect_err(|_| {
        Of { table: "payment", id: id.0 }.unreadable("receipt");
        unreadable.push("receipt");
    });
    Ok(Some(Recorded {
        receipt: receipt.ok(),
        unreadable,
        summary: row.summary.into_summary(),
        description: row.description,
        lines,
        allocations,
        recorded_at: row.recorded_at,
        recorded_by: row.recorded_by,
        recorder: row.recorder_id,
        voided_by: row.voided_by,
        advance_rest: Money::from_cents(row.advance_rest_cents),
    }))
}

/// The receipt as it would be printed now: as recorded, or marked as voided.
pub async fn receipt(db: &Db, company: CompanyId, id: PaymentId) -> Result<Option<Receipt>, StoreError> {
    #[derive(FromQueryResult)]
    struct ReceiptRow {
        receipt: String,
        voided_at: Option<Instant>,
        void_reason: Option<String>,
    }
    let sql = "SELECT receipt, voided_at, void_reason FROM payment WHERE company_id = $1 AND id = $2";
    let row: Option<ReceiptRow> = one(&db.of(company), sql, values![company.0, id.0]).await?;
    row.map(|row| receipt_as_of(&row.receipt, row.voided_at, row.void_reason.as_deref())).transpose()
}

/// The logo that a receipt is printed with: the company's when it was recorded, as PNG.
pub async fn receipt_logo(db: &Db, company: CompanyId, id: PaymentId) -> Result<Option<Vec<u8>>, StoreError> {
    #[derive(FromQueryResult)]
    struct Logo {
        png: Vec<u8>,
    }
    let sql = "SELECT l.png FROM payment p JOIN company_logo l ON l.company_id = p.company_id AND l.id = p.logo_id
        WHERE p.company_id = $1 AND p.id = $2";
    Ok(one::<Logo>(&db.of(company), sql, values![company.0, id.0]).await?.map(|row| row.png))
}

/// Payments in an order. The cursor is the last payment's id.
pub async fn list(
    db: &Db,
    company: CompanyId,
    filter: &Filter,
    order: Order<By>,
    page: Page,
) -> Result<Vec<Line<Summary>>, StoreError> {
    let (condition, mut asked) = filter.condition(company);
    let (after, order_by) = order.keyset(By::keys, "p", FROM, &mut asked, page.after);
    let sql = format!("SELECT {SUMMARY} {FROM} WHERE {condition} AND {after} {order_by} LIMIT {}", page.limit);
    let rows: Vec<Line<SummaryRow>> = each(&db.of(company), "payment", &sql, asked).await?;
    Ok(rows.into_iter().map(|line| line.map(SummaryRow::into_summary)).collect())
}

/// A payment's share in one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfDocument {
    pub payment: PaymentId,
    pub number: ReceiptNumber,
    pub date: Date,
    pub amount: Money,
    pub voided: bool,
}

/// The payments that settled a document, oldest first.
pub async fn with_document(db: &Db, company: CompanyId, document: DocumentId) -> Result<Vec<OfDocument>, StoreError> {
    #[derive(FromQueryResult)]
    struct Share {
        id: Uuid,
        direction: String,
        sequence: i64,
        paid_on: Date,
        amount_cents: i64,
        voided_at: Option<Instant>,
    }
    let sql = "SELECT p.id, p.direction, p.sequence, p.paid_on, a.amount_cents, p.voided_at
        FROM allocation a LEFT JOIN payment p ON p.company_id = a.company_id AND p.id = a.payment_id
        WHERE a.company_id = $1 AND a.document_id = $2 ORDER BY p.id";
    let rows: Vec<Share> = readable(&db.of(company), "payment", sql, values![company.0, document.0]).await?;
    let share = |row: Share| OfDocument {
        payment: PaymentId(row.id),
        number: number(row.id, &row.direction, row.sequence),
        date: row.paid_on,
        amount: Money::from_cents(row.amount_cents),
        voided: row.voided_at.is_some(),
    };
    Ok(rows.into_iter().map(share).collect())
}

/// Anticipos of a contact that still have a rest, oldest first.
pub async fn open_advances(
    db: &Db,
    company: CompanyId,
    contact: ContactId,
    direction: Direction,
) -> Result<Vec<Advance>, StoreError> {
    let sql = format!(
        "{ADVANCE} WHERE company_id = $1 AND contact_id = $2 AND direction = $3 AND advance_rest_cents > 0
        AND voided_at IS NULL ORDER BY sequence"
    );
    let asked = values![company.0, contact.0, direction.as_str()];
    let rows: Vec<AdvanceRow> = readable(&db.of(company), "payment", &sql, asked).await?;
    Ok(rows.into_iter().map(AdvanceRow::into_advance).collect())
}

/// A line that cannot be read is left out, and noted.
async fn lines(
    db: &Db,
    company: CompanyId,
    id: PaymentId,
    unreadable: &mut Vec<&'static str>,
) -> Result<Vec<PaymentLine>, StoreError> {
    #[derive(FromQueryResult)]
    struct LineRow {
        method: String,
        amount_cents: i64,
        reference: Option<String>,
        bank: Option<String>,
        account: Option<String>,
        dated_on: Option<Date>,
        kind: Option<String>,
        tax: Option<String>,
        base_cents: Option<i64>,
        advance_from: Option<Uuid>,
    }
    let sql = "SELECT payment_id AS id, method, amount_cents, reference, bank, account, dated_on, kind, tax, base_cents,
            advance_from FROM payment_line WHERE company_id = $1 AND payment_id = $2 ORDER BY position";
    let rows: Vec<Line<LineRow>> = each(&db.of(company), "payment_line", sql, values![company.0, id.0]).await?;
    let of = Of { table: "payment_line", id: id.0 };
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let Ok(row) = row else {
            unreadable.push("lines");
            continue;
        };
        let Some(method) = of.code("method", &row.method, Method::parse) else {
            unreadable.push("lines.method");
            continue;
        };
        let kind = row.kind.as_deref().and_then(|kind| of.code("kind", kind, CheckKind::parse));
        if kind.is_none() && row.kind.is_some() {
            unreadable.push("lines.kind");
        }
        lines.push(PaymentLine {
            method,
            amount: Money::from_cents(row.amount_cents),
            reference: row.reference,
            bank: row.bank,
            account: row.account,
            date: row.dated_on,
            kind,
            tax: row.tax,
            base: row.base_cents.map(Money::from_cents),
            advance_from: row.advance_from.map(PaymentId),
        });
    }
    Ok(lines)
}

async fn allocations(
    db: &Db,
    company: CompanyId,
    id: PaymentId,
    unreadable: &mut Vec<&'static str>,
) -> Result<Vec<RecordedAllocation>, StoreError> {
    #[derive(FromQueryResult)]
    struct AllocationRow {
        document_id: Uuid,
        kind: String,
        number: String,
        issued_on: Date,
        due_on: Date,
        total_cents: i64,
        previous_balance_cents: i64,
        amount_cents: i64,
        balance_cents: i64,
    }
    let sql = "SELECT a.payment_id AS id, a.document_id, d.kind, d.number, d.issued_on, d.due_on, d.total_cents, a.previous_balance_cents, a.amount_cents,
        d.balance_cents FROM allocation a LEFT JOIN document d ON d.company_id = a.company_id AND d.id = a.document_id
        WHERE a.company_id = $1 AND a.payment_id = $2 ORDER BY a.position";
    let rows: Vec<Line<AllocationRow>> = each(&db.of(company), "allocation", sql, values![company.0, id.0]).await?;
    let allocation = |row: Line<AllocationRow>| {
        let Ok(row) = row else {
            unreadable.push("allocations");
            return None;
        };
        let of = Of { table: "document", id: row.document_id };
        let number = of.document_number(&row.number);
        if !number.is_readable() {
            unreadable.push("allocations.number");
        }
        Some(RecordedAllocation {
            document: DocumentId(row.document_id),
            kind: of.code("kind", &row.kind, DocumentKind::parse).unwrap_or(DocumentKind::Invoice),
            number,
            issue_date: row.issued_on,
            due_date: row.due_on,
            total: Money::from_cents(row.total_cents),
            previous_balance: Money::from_cents(row.previous_balance_cents),
            amount: Money::from_cents(row.amount_cents),
            balance_now: Money::from_cents(row.balance_cents),
        })
    };
    Ok(rows.into_iter().filter_map(allocation).collect())
}

const SUMMARY: &str = "p.id, p.direction, p.sequence, p.contact_id, c.name AS contact_name, p.paid_on, p.total_cents,
    p.money_cents, p.allocated_cents, p.unapplied_cents, p.voided_at, p.void_reason";

#[derive(FromQueryResult)]
struct SummaryRow {
    id: Uuid,
    direction: String,
    sequence: i64,
    contact_id: Uuid,
    contact_name: String,
    paid_on: Date,
    total_cents: i64,
    money_cents: i64,
    allocated_cents: i64,
    unapplied_cents: i64,
    voided_at: Option<Instant>,
    void_reason: Option<String>,
}

impl SummaryRow {
    fn into_summary(self) -> Summary {
        Summary {
            id: PaymentId(self.id),
            number: number(self.id, &self.direction, self.sequence),
            contact: ContactId(self.contact_id),
            contact_name: self.contact_name,
            date: self.paid_on,
            total: Money::from_cents(self.total_cents),
            money: Money::from_cents(self.money_cents),
            allocated: Money::from_cents(self.allocated_cents),
            unapplied: Money::from_cents(self.unapplied_cents),
            status: match self.voided_at {
                Some(at) => Status::Voided { at, reason: self.void_reason.unwrap_or_default() },
                None => Status::Posted,
            },
        }
    }
}

#[derive(FromQueryResult)]
struct Row {
    #[sea_orm(nested)]
    summary: SummaryRow,
    description: Option<String>,
    recorded_at: Instant,
    recorded_by: String,
    recorder_id: Option<Uuid>,
    voided_by: Option<String>,
    advance_rest_cents: i64,
    receipt: String,
}

impl Row {
    fn receipt_now(&self) -> Result<Receipt, StoreError> {
        receipt_as_of(&self.receipt, self.summary.voided_at, self.summary.void_reason.as_deref())
    }
}
