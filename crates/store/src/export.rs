//! Everything on record about a company, table by table, for who takes it along (docs/exportar.md says what each is). Secrets
//! are not among it: neither passwords, keys and tokens, nor what they are compared with.

use acuse_domain::id::CompanyId;
use acuse_domain::{Date, Instant};
use sea_orm::{FromQueryResult, QueryResult};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::audit::hex;
use crate::db::{Db, StoreError};
use crate::sql::{self, all, values};

/// Records that are read at once: with their parts some megabytes at most.
pub const AT_ONCE: u64 = 100;

/// One file of an export: the records of a table, each with the rows that belong to it.
pub struct Part {
    /// Of the file.
    pub name: &'static str,
    from: &'static str,
    company: &'static str,
    /// By which the records are put in order.
    id: &'static str,
    columns: &'static [Column],
    children: &'static [Child],
}

struct Child {
    name: &'static str,
    table: &'static str,
    /// The column that names the record.
    parent: &'static str,
    order: &'static str,
    columns: &'static [Column],
}

/// What stands in a column, and what it is called.
type Column = (Kind, &'static str);

#[derive(Clone, Copy)]
enum Kind {
    Id,
    Text,
    Whole,
    YesOrNo,
    Moment,
    Day,
    /// JSON as it was written.
    Json,
    /// In hexadecimal.
    Bytes,
}

use Kind::{Bytes, Day, Id, Json, Moment, Text, Whole, YesOrNo};

/// In the order of an export.
pub const PARTS: [Part; 8] = [
    Part {
        name: "company",
        from: "company",
        company: "id",
        id: "id",
        columns: &[
            (Id, "id"),
            (Text, "ruc"),
            (Text, "legal_name"),
            (Text, "trade_name"),
            (Text, "address"),
            (Text, "city"),
            (Text, "phone"),
            (Text, "email"),
            (Id, "logo_id"),
            (Moment, "created_at"),
            (Moment, "archived_at"),
        ],
        children: &[],
    },
    Part {
        name: "users",
        from: "membership m JOIN person p ON p.id = m.person_id",
        company: "m.company_id",
        id: "p.id",
        columns: &[(Id, "p.id"), (Text, "p.email"), (Text, "p.name"), (Text, "m.role"), (Moment, "m.last_entered_at")],
        children: &[],
    },
    Part {
        name: "contacts",
        from: "contact",
        company: "company_id",
        id: "id",
        columns: &[
            (Id, "id"),
            (Text, "name"),
            (Text, "identification_type"),
            (Text, "identification"),
            (YesOrNo, "is_customer"),
            (YesOrNo, "is_supplier"),
            (Text, "address"),
            (Text, "phone"),
            (Whole, "credit_days"),
            (Text, "emails"),
            (Text, "emails_received_payments"),
            (Text, "emails_made_payments"),
            (Text, "emails_invoices"),
            (Text, "emails_withholdings"),
            (Moment, "created_at"),
        ],
        children: &[],
    },
    Part {
        name: "documents",
        from: "document",
        company: "company_id",
        id: "id",
        columns: &[
            (Id, "id"),
            (Id, "contact_id"),
            (Text, "kind"),
            (Text, "side"),
            (Text, "number"),
            (Day, "issued_on"),
            (Day, "due_on"),
            (Whole, "total_cents"),
            (Whole, "balance_cents"),
            (Text, "detail"),
            (Moment, "voided_at"),
            (Moment, "created_at"),
        ],
        children: &[],
    },
    Part {
        name: "payments",
        from: "payment",
        company: "company_id",
        id: "id",
        columns: &[
            (Id, "id"),
            (Text, "direction"),
            (Whole, "sequence"),
            (Id, "contact_id"),
            (Day, "paid_on"),
            (Text, "description"),
            (Whole, "total_cents"),
            (Whole, "money_cents"),
            (Whole, "allocated_cents"),
            (Whole, "unapplied_cents"),
            (Whole, "advance_rest_cents"),
            (Moment, "recorded_at"),
            (Text, "recorded_by"),
            (Moment, "voided_at"),
            (Text, "voided_by"),
            (Text, "void_reason"),
            (Id, "logo_id"),
            (Json, "receipt"),
        ],
        children: &[
            Child {
                name: "lines",
                table: "payment_line",
                parent: "payment_id",
                order: "position",
                columns: &[
                    (Whole, "position"),
                    (Text, "method"),
                    (Whole, "amount_cents"),
                    (Text, "reference"),
                    (Text, "bank"),
                    (Text, "account"),
                    (Day, "dated_on"),
                    (Text, "kind"),
                    (Text, "tax"),
                    (Whole, "base_cents"),
                    (Id, "advance_from"),
                ],
            },
            Child {
                name: "allocations",
                table: "allocation",
                parent: "payment_id",
                order: "position",
                columns: &[(Whole, "position"), (Id, "document_id"), (Whole, "amount_cents"), (Whole, "previous_balance_cents")],
            },
        ],
    },
    Part {
        name: "deliveries",
        from: "delivery",
        company: "company_id",
        id: "id",
        columns: &[
            (Id, "id"),
            (Id, "payment_id"),
            (Text, "kind"),
            (Text, "module"),
            (Text, "recipient"),
            (Text, "state"),
            (Whole, "resend"),
            (Moment, "queued_at"),
            (Moment, "finished_at"),
            (Text, "message_id"),
            (Text, "account_source"),
            (Text, "account_server"),
            (Text, "account_from"),
            (Text, "reply"),
            (Text, "problem_code"),
            (Id, "corrects"),
            (Moment, "resolved_at"),
            (Text, "resolved_by"),
            (Text, "resolved_reason"),
        ],
        children: &[Child {
            name: "attempts",
            table: "delivery_attempt",
            parent: "delivery_id",
            order: "attempt",
            columns: &[
                (Whole, "attempt"),
                (Moment, "at"),
                (Text, "phase"),
                (Text, "reply"),
                (Text, "problem_code"),
                (Whole, "duration_ms"),
                (Text, "state"),
            ],
        }],
    },
    Part {
        name: "mail_accounts",
        from: "mail_account",
        company: "company_id",
        id: "id",
        columns: &[
            (Id, "id"),
            (Text, "module"),
            (Text, "server"),
            (Whole, "port"),
            (Text, "security"),
            (Text, "username"),
            (Text, "from_name"),
            (Text, "from_address"),
            (Text, "reply_to"),
            (Text, "bcc"),
            (YesOrNo, "enabled"),
            (Moment, "created_at"),
        ],
        children: &[],
    },
    Part {
        name: "events",
        from: "event",
        company: "company_id",
        id: "id",
        columns: &[
            (Id, "id"),
            (Moment, "at"),
            (Text, "kind"),
            (Text, "outcome"),
            (Text, "who"),
            (Text, "who_kind"),
            (Id, "who_id"),
            (Id, "session_id"),
            (Text, "source"),
            (Id, "subject_id"),
            (Text, "subject_kind"),
            (Text, "subject_name"),
            (Text, "detail"),
            // As it was sealed, and not as JSON.
            (Text, "changes"),
            (Text, "search_text"),
        ],
        children: &[Child {
            name: "seal",
            table: "event_seal",
            parent: "event_id",
            order: "seq",
            columns: &[(Whole, "seq"), (Bytes, "hash")],
        }],
    },
];

/// The next records of a part after the one with this id, and the id to go on from; none where these were the last.
pub async fn records(
    db: &Db,
    company: CompanyId,
    part: &Part,
    after: Option<Uuid>,
) -> Result<(Vec<Value>, Option<Uuid>), StoreError> {
    let Part { from, id, columns, .. } = part;
    let sql = format!(
        "SELECT {id} AS record_id, {} FROM {from} WHERE {} = $1 AND {id} > $2 ORDER BY {id} LIMIT {AT_ONCE}",
        names(columns),
        part.company
    );
    let rows = numbered(sql::rows(&db.of(company), &sql, values![company.0, after.unwrap_or_default()]).await?)?;
    let (Some(first), Some(last)) = (rows.first().map(|row| row.id), rows.last().map(|row| row.id)) else {
        return Ok((Vec::new(), None));
    };
    let mut records: Vec<(Uuid, Map<String, Value>)> = rows.into_iter().map(|row| (row.id, row.read(columns))).collect();
    for child in part.children {
        add_children(db, company, child, (first, last), &mut records).await?;
    }
    let next = (records.len() as u64 == AT_ONCE).then_some(last);
    Ok((records.into_iter().map(|(_, record)| Value::Object(record)).collect(), next))
}

async fn add_children(
    db: &Db,
    company: CompanyId,
    child: &Child,
    (first, last): (Uuid, Uuid),
    records: &mut [(Uuid, Map<String, Value>)],
) -> Result<(), StoreError> {
    let Child { name, table, parent, order, columns } = child;
    let sql = format!(
        "SELECT {parent} AS record_id, {} FROM {table} WHERE company_id = $1 AND {parent} BETWEEN $2 AND $3
        ORDER BY {parent}, {order}",
        names(columns)
    );
    let rows = numbered(sql::rows(&db.of(company), &sql, values![company.0, first, last]).await?)?;
    let mut rows = rows.into_iter().peekable();
    for (id, record) in records {
        let mut own = Vec::new();
        while let Some(row) = rows.next_if(|row| row.id <= *id) {
            if row.id == *id {
                own.push(Value::Object(row.read(columns)));
            }
        }
        record.insert((*name).to_owned(), Value::Array(own));
    }
    Ok(())
}

fn names(columns: &[Column]) -> String {
    columns.iter().map(|(_, column)| *column).collect::<Vec<_>>().join(", ")
}

struct Record {
    id: Uuid,
    row: QueryResult,
}

fn numbered(rows: Vec<QueryResult>) -> Result<Vec<Record>, StoreError> {
    let record = |row: QueryResult| Ok(Record { id: row.try_get("", "record_id")?, row });
    rows.into_iter().map(record).collect()
}

impl Record {
    fn read(&self, columns: &[Column]) -> Map<String, Value> {
        columns.iter().map(|(kind, column)| self.value(*kind, column)).collect()
    }

    /// What cannot be read is null, as what is not there.
    fn value(&self, kind: Kind, column: &str) -> (String, Value) {
        let name = column.rsplit('.').next().unwrap_or(column);
        let value = match kind {
            Id => self.get::<Uuid>(name).map(|id| id.to_string().into()),
            Text => self.get::<String>(name).map(Into::into),
            Whole => self.get::<i64>(name).or_else(|| self.get::<i32>(name).map(i64::from)).map(Into::into),
            YesOrNo => self.get::<bool>(name).map(Into::into),
            Moment => self.get::<Instant>(name).map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true).into()),
            Day => self.get::<Date>(name).map(|day| day.to_string().into()),
            Bytes => self.get::<Vec<u8>>(name).map(|bytes| hex(&bytes).into()),
            Json => self.get::<String>(name).map(|text| serde_json::from_str(&text).unwrap_or_else(|_| json!(text))),
        };
        (name.to_owned(), value.unwrap_or(Value::Null))
    }

    fn get<T: sea_orm::TryGetable>(&self, name: &str) -> Option<T> {
        self.row.try_get::<Option<T>>("", name).ok().flatten()
    }
}

/// A logo that the company has or had, as PNG; those after the one with this id, one at a time.
pub async fn next_logo(db: &Db, company: CompanyId, after: Option<Uuid>) -> Result<Option<(Uuid, Vec<u8>)>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        png: Vec<u8>,
    }
    let sql = "SELECT id, png FROM company_logo WHERE company_id = $1 AND id > $2 ORDER BY id LIMIT 1";
    let rows: Vec<Row> = all(&db.of(company), sql, values![company.0, after.unwrap_or_default()]).await?;
    Ok(rows.into_iter().next().map(|row| (row.id, row.png)))
}
