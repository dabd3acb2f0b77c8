//! Open items and their balances.

use acuse_domain::document::{Document, DocumentFacts, DocumentKind, DocumentNumber, NewDocument, Side};
use acuse_domain::id::{CompanyId, ContactId, DocumentId};
use acuse_domain::money::{Money, amounts_meant};
use acuse_domain::payment::Allocation;
use acuse_domain::text::folded;
use acuse_domain::{Date, Instant, day_in_ecuador};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use crate::db::{Db, StoreError, Tx};
use crate::events::{self, EventKind, differences};
use crate::idempotency::{self, ClaimError, Once};
use crate::order::Order;
use crate::sql::{self, Inserted, Line, Of, all, each, execute, new_id, one, places, portions, readable, rows_of_places, values};
use crate::{Actor, Page, contacts};

#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("there is no such person")]
    ContactNotFound,
    /// The company has this number already (or, of a supplier, this supplier has).
    #[error("the number {0} is taken")]
    NumberTaken(DocumentNumber),
    #[error(transparent)]
    Refused(#[from] acuse_domain::document::DocumentError),
    #[error(transparent)]
    Once(#[from] ClaimError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub async fn create(
    db: &Db,
    by: &Actor,
    document: &NewDocument,
    once: Option<&Once>,
    now: Instant,
) -> Result<DocumentId, CreateError> {
    document.check(day_in_ecuador(now))?;
    let id = new_id();
    let tx = db.begin_write_for(by.company).await?;
    if let Some(earlier) = idempotency::claim(&tx, by.company, once, id, now).await? {
        tx.commit().await?;
        return Ok(DocumentId(earlier));
    }
    if contacts::find_in(tx.as_conn(), by.company, document.contact).await?.is_none() {
        return Err(CreateError::ContactNotFound);
    }
    let facts = &document.facts;
    let sql = "INSERT INTO document (company_id, id, contact_id, kind, side, number, issued_on, due_on, total_cents,
        balance_cents, detail, search_text, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let row = values![
        by.company.0,
        id,
        document.contact.0,
        facts.kind.as_str(),
        facts.side.as_str(),
        facts.number.as_str(),
        facts.issue_date,
        facts.due_date,
        facts.total.cents(),
        document.balance.cents(),
        facts.detail.clone(),
        folded(&format!("{} {}", facts.number, facts.detail.as_deref().unwrap_or_default())),
        now
    ];
    match sql::insert(tx.as_conn(), sql, row).await? {
        Inserted::Done => {}
        Inserted::Duplicate => return Err(CreateError::NumberTaken(facts.number.clone())),
    }
    let (kind, changes) = (EventKind::DocumentCreated, differences::of_document(document));
    events::append_named(&tx, by, (id, facts.number.as_str()), kind, now, "", &changes).await?;
    tx.commit().await?;
    Ok(DocumentId(id))
}

pub async fn find(db: &Db, company: CompanyId, id: DocumentId) -> Result<Option<Document>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM document WHERE company_id = $1 AND id = $2");
    Ok(one::<Row>(&db.of(company), &sql, values![company.0, id.0]).await?.map(Row::into_document))
}

/// Whether this number may still be used for a new document of the contact.
pub async fn is_number_free(
    db: &Db,
    company: CompanyId,
    contact: Option<ContactId>,
    side: Side,
    kind: DocumentKind,
    number: &DocumentNumber,
) -> Result<bool, StoreError> {
    let sql = "SELECT id FROM document WHERE company_id = $1 AND kind = $2 AND side = $3 AND number = $4
        AND voided_at IS NULL AND (side = 'receivable' OR contact_id = $5) LIMIT 1";
    #[derive(FromQueryResult)]
    struct Taken {
        #[expect(dead_code, reason = "its presence says that the number is taken")]
        id: Uuid,
    }
    let asked = values![company.0, kind.as_str(), side.as_str(), number.as_str(), contact.map(|contact| contact.0)];
    Ok(one::<Taken>(&db.of(company), sql, asked).await?.is_none())
}

/// What a contact still owes or is owed, oldest due first: what a payment can settle. One that cannot be read is none of it.
pub async fn open_of(db: &Db, company: CompanyId, contact: ContactId, side: Side) -> Result<Vec<Document>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM document WHERE company_id = $1 AND contact_id = $2 AND side = $3 AND balance_cents <> 0
        AND voided_at IS NULL ORDER BY due_on, number, id"
    );
    let rows: Vec<Row> = readable(&db.of(company), "document", &sql, values![company.0, contact.0, side.as_str()]).await?;
    Ok(rows.into_iter().map(Row::into_document).collect())
}

/// How old an open item is, by its due date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    NotDue,
    /// 1 to 30 days late.
    UpTo30,
    UpTo60,
    Over60,
    /// Late, however long.
    Overdue,
}

#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub side: Option<Side>,
    pub contact: Option<ContactId>,
    /// Only what still has a balance.
    pub open_only: bool,
    pub age: Option<Age>,
    /// Part of the number, the detail, or the person's name or identification; or an amount, of the total or the balance.
    pub text: Option<String>,
}

/// What a list can be put in order by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Due,
    Issued,
    Number,
    Person,
    Total,
    Balance,
}

/// What is due first.
pub const DUE_FIRST: Order<By> = Order { by: By::Due, descending: false };

impl By {
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Due => &["d.due_on"],
            Self::Issued => &["d.issued_on"],
            Self::Number => &["d.number"],
            Self::Person => &["COALESCE(c.sort_key, '')"],
            Self::Total => &["d.total_cents"],
            Self::Balance => &["d.balance_cents"],
        }
    }
}

/// A document in a list, with the name of its person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub document: Document,
    pub contact_name: String,
}

/// Documents in an order. The cursor is the last document's id.
pub async fn list(
    db: &Db,
    company: CompanyId,
    filter: &Filter,
    order: Order<By>,
    page: Page,
    today: Date,
) -> Result<Vec<Line<Listed>>, StoreError> {
    #[derive(FromQueryResult)]
    struct ListedRow {
        #[sea_orm(nested)]
        document: Row,
        contact_name: String,
    }
    let (condition, mut asked) = filter.condition(company, today);
    let (after, order_by) = order.keyset(By::keys, "d", LISTED, &mut asked, page.after);
    let sql = format!(
        "SELECT d.id, d.contact_id, d.kind, d.side, d.number, d.issued_on, d.due_on, d.total_cents, d.balance_cents, d.detail,
        d.voided_at, c.name AS contact_name {LISTED} WHERE {condition} AND {after} {order_by} LIMIT {}",
        page.limit
    );
    let rows = each(&db.of(company), "document", &sql, asked).await?;
    let listed = |row: ListedRow| Listed { document: row.document.into_document(), contact_name: row.contact_name };
    Ok(rows.into_iter().map(|line| line.map(listed)).collect())
}

/// How many documents a list has, on all its pages.
pub async fn count(db: &Db, company: CompanyId, filter: &Filter, today: Date) -> Result<u64, StoreError> {
    let (condition, asked) = filter.condition(company, today);
    sql::count(&db.of(company), &format!("SELECT COUNT(*) AS n {LISTED} WHERE {condition}"), asked).await
}

const LISTED: &str = "FROM document d LEFT JOIN contact c ON c.company_id = d.company_id AND c.id = d.contact_id";

impl Filter {
    /// What a document `d` of a contact `c` fulfils.
    fn condition(&self, company: CompanyId, today: Date) -> (String, Vec<Value>) {
        let (from, until) = self.age.map(|age| due_range(age, today)).unzip();
        let open = if self.open_only { "AND d.balance_cents <> 0 AND d.voided_at IS NULL" } else { "" };
        let text = self.text.as_deref().unwrap_or_default();
        let mut asked = values![
            company.0,
            self.side.map(|side| side.as_str()),
            self.contact.map(|contact| contact.0),
            from,
            until,
            sql::containing(text)
        ];
        let amount = match amounts_meant(text) {
            None => "",
            Some((from, until)) => {
                asked.extend(values![from.cents(), until.cents()]);
                "OR ABS(d.total_cents) BETWEEN $7 AND $8 OR ABS(d.balance_cents) BETWEEN $7 AND $8"
            }
        };
        let condition = format!(
            "d.company_id = $1 AND ($2 IS NULL OR d.side = $2) AND ($3 IS NULL OR d.contact_id = $3)
            AND ($4 IS NULL OR d.due_on >= $4) AND ($5 IS NULL OR d.due_on <= $5)
            AND (c.search_text LIKE $6 ESCAPE '\\' OR d.search_text LIKE $6 ESCAPE '\\' {amount}) {open}"
        );
        (condition, asked)
    }
}

/// The sum of open balances and their number, of one age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AgeSum {
    pub balance: Money,
    pub documents: i64,
}

/// Open balances of a side by age: not due, up to 30, up to 60, over 60 days late.
pub async fn aging(db: &Db, company: CompanyId, side: Side, today: Date) -> Result<[AgeSum; 4], StoreError> {
    #[derive(FromQueryResult)]
    struct SumRow {
        cents: i64,
        documents: i64,
    }
    let sql = "SELECT CAST(COALESCE(SUM(balance_cents), 0) AS BIGINT) AS cents, COUNT(*) AS documents FROM document
        WHERE company_id = $1 AND side = $2 AND balance_cents <> 0 AND voided_at IS NULL AND due_on BETWEEN $3 AND $4";
    let mut sums = [AgeSum::default(); 4];
    for (sum, age) in sums.iter_mut().zip([Age::NotDue, Age::UpTo30, Age::UpTo60, Age::Over60]) {
        let (from, until) = due_range(age, today);
        if let Some(row) = one::<SumRow>(&db.of(company), sql, values![company.0, side.as_str(), from, until]).await? {
            *sum = AgeSum { balance: Money::from_cents(row.cents), documents: row.documents };
        }
    }
    Ok(sums)
}

fn due_range(age: Age, today: Date) -> (Date, Date) {
    let earliest = Date::from_ymd_opt(1900, 1, 1).unwrap_or(Date::MIN);
    let latest = Date::from_ymd_opt(9999, 12, 31).unwrap_or(Date::MAX);
    let late = |days: i64| today - chrono::TimeDelta::days(days);
    match age {
        Age::NotDue => (today, latest),
        Age::UpTo30 => (late(30), late(1)),
        Age::UpTo60 => (late(60), late(31)),
        Age::Over60 => (earliest, late(61)),
        Age::Overdue => (earliest, late(1)),
    }
}

pub(crate) async fn find_many(
    conn: &impl ConnectionTrait,
    company: CompanyId,
    ids: &[DocumentId],
) -> Result<Vec<Document>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = places(1, ids.len());
    let sql = format!("SELECT {COLUMNS} FROM document WHERE company_id = $1 AND id IN ({list})");
    let mut asked: Vec<Value> = values![company.0];
    asked.extend(ids.iter().map(|id| Value::from(id.0)));
    Ok(all::<Row>(conn, &sql, asked).await?.into_iter().map(Row::into_document).collect())
}

/// Takes each allocation off its document's balance. The balance read before must still stand: the ledger is locked.
pub(crate) async fn take(tx: &Tx, company: CompanyId, allocations: &[Allocation]) -> Result<(), StoreError> {
    let row = |allocation: &Allocation| {
        values![allocation.document.id.0, allocation.amount.cents(), allocation.previous_balance().cents()]
    };
    let rows: Vec<Vec<Value>> = allocations.iter().map(row).collect();
    for portion in portions(&rows) {
        let sql = format!(
            "UPDATE document SET balance_cents = balance_cents - taken.column2 FROM (VALUES {}) AS taken
            WHERE company_id = $1 AND id = taken.column1 AND balance_cents = taken.column3",
            rows_of_places(1, portion)
        );
        let asked = values![company.0].into_iter().chain(portion.concat()).collect();
        if execute(tx.as_conn(), &sql, asked).await? != portion.len() as u64 {
            return Err(StoreError::unreadable("a balance moved although its ledger was locked"));
        }
    }
    Ok(())
}

/// Puts back what a voided payment had taken.
pub(crate) async fn give_back(tx: &Tx, company: CompanyId, payment: Uuid) -> Result<(), StoreError> {
    let sql = "UPDATE document SET balance_cents = balance_cents + (SELECT a.amount_cents FROM allocation a
            WHERE a.company_id = $1 AND a.payment_id = $2 AND a.document_id = document.id)
        WHERE company_id = $1 AND id IN (SELECT document_id FROM allocation WHERE company_id = $1 AND payment_id = $2)";
    execute(tx.as_conn(), sql, values![company.0, payment]).await?;
    Ok(())
}

const COLUMNS: &str = "id, contact_id, kind, side, number, issued_on, due_on, total_cents, balance_cents, detail, voided_at";

#[derive(FromQueryResult)]
pub(crate) struct Row {
    id: Uuid,
    contact_id: Uuid,
    kind: String,
    side: String,
    number: String,
    issued_on: Date,
    due_on: Date,
    total_cents: i64,
    balance_cents: i64,
    detail: Option<String>,
    voided_at: Option<Instant>,
}

impl Row {
    pub(crate) fn into_document(self) -> Document {
        let of = Of { table: "document", id: self.id };
        let signed = if self.total_cents < 0 { DocumentKind::CreditNote } else { DocumentKind::Invoice };
        Document {
            id: DocumentId(self.id),
            contact: ContactId(self.contact_id),
            facts: DocumentFacts {
                kind: of.code("kind", &self.kind, DocumentKind::parse).unwrap_or(signed),
                side: of.code("side", &self.side, Side::parse).unwrap_or(Side::Receivable),
                number: of.document_number(&self.number),
                issue_date: self.issued_on,
                due_date: self.due_on,
                total: Money::from_cents(self.total_cents),
                detail: self.detail,
            },
            balance: Money::from_cents(self.balance_cents),
            voided: self.voided_at.is_some(),
        }
    }
}
