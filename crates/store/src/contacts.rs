//! Customers and suppliers.

use acuse_domain::Instant;
use acuse_domain::contact::{Contact, ContactDetails, EmailsByPurpose};
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{CompanyId, ContactId};
use acuse_domain::identification::{Identification, IdentificationType};
use acuse_domain::money::Money;
use acuse_domain::text::{self, folded};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use crate::db::{Db, StoreError, Tx};
use crate::events::{self, EventKind, differences};
use crate::idempotency::{self, ClaimError, Once};
use crate::order::Order;
use crate::sql::{self, Inserted, Kept, Of, Reading, all, containing, execute, join_addresses, new_id, one, readable, values};
use crate::versions::{self, ChangeError, Expected, for_update};
use crate::{Actor, Page};

/// Letters of the name that put a list in order: PostgreSQL indexes no more than 2,704 bytes, and a letter has up to four.
const LONGEST_SORT_KEY: usize = 300;

#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Another person of the company has this identification.
    #[error("the identification is taken")]
    IdentificationTaken,
    #[error(transparent)]
    Once(#[from] ClaimError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub async fn create(
    db: &Db,
    by: &Actor,
    details: &ContactDetails,
    once: Option<&Once>,
    now: Instant,
) -> Result<ContactId, CreateError> {
    let id = new_id();
    let tx = db.begin_write_for(by.company).await?;
    if let Some(earlier) = idempotency::claim(&tx, by.company, once, id, now).await? {
        tx.commit().await?;
        return Ok(ContactId(earlier));
    }
    let sql = "INSERT INTO contact (company_id, id, name, identification_type, identification, is_customer, is_supplier,
        address, phone, credit_days, emails, emails_received_payments, emails_made_payments, emails_invoices,
        emails_withholdings, search_text, sort_key, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    let mut row = columns(by.company, ContactId(id), details);
    row.push(now.into());
    match sql::insert(tx.as_conn(), sql, row).await? {
        Inserted::Done => {}
        Inserted::Duplicate => return Err(CreateError::IdentificationTaken),
    }
    let changes = differences::of_contact(None, details);
    events::append_named(&tx, by, (id, &details.name), EventKind::ContactCreated, now, "", &changes).await?;
    tx.commit().await?;
    Ok(ContactId(id))
}

/// Changes a card as it is now: what others changed meanwhile stays. Gives the card as it is from then on.
pub async fn change<Refused: Send>(
    db: &Db,
    by: &Actor,
    id: ContactId,
    expected: &Expected,
    change: impl FnOnce(ContactDetails) -> Result<ContactDetails, Refused> + Send,
) -> Result<Contact, ChangeError<Refused>> {
    let tx = db.begin_write_for(by.company).await?;
    let changed = change_in(&tx, by, id, expected, change).await;
    versions::end(tx, changed).await
}

pub(crate) async fn change_in<Refused>(
    tx: &Tx,
    by: &Actor,
    id: ContactId,
    expected: &Expected,
    change: impl FnOnce(ContactDetails) -> Result<ContactDetails, Refused>,
) -> Result<Contact, ChangeError<Refused>> {
    let company = by.company;
    let sql = format!("SELECT {COLUMNS} FROM contact WHERE company_id = $1 AND id = $2 {}", for_update(tx.as_conn()));
    let Some(row) = one::<Row>(tx.as_conn(), &sql, values![company.0, id.0]).await? else { return Err(ChangeError::NotFound) };
    let contact = row.into_contact();
    expected.check::<Refused>(contact.version)?;
    let details = change(contact.details.clone()).map_err(ChangeError::Refused)?;
    // Letter by letter: an address in another case is the same one, and yet a change.
    let is_given = details.undecoded != contact.details.undecoded;
    if !is_given && columns(company, id, &details) == columns(company, id, &contact.details) {
        return Ok(contact);
    }
    let version = contact.version + 1;
    let mut row = values![company.0, id.0, version];
    let mut changes = String::from("version = $3");
    for ((column, field), value) in COLUMNS_AND_FIELDS.iter().zip(columns(company, id, &details).into_iter().skip(2)) {
        // What could not be read and was not given stays as it stands.
        if !details.undecoded.contains(field) {
            row.push(value);
            changes += &format!(", {column} = ${}", row.len());
        }
    }
    let sql = format!("UPDATE contact SET {changes} WHERE company_id = $1 AND id = $2");
    execute(tx.as_conn(), &sql, row).await?;
    let changes = differences::of_contact(Some(&contact.details), &details);
    let kind = EventKind::ContactChanged;
    events::append_named(tx, by, (id.0, &details.name), kind, crate::now(), "", &changes).await?;
    Ok(Contact { id, version, details })
}

pub async fn find(db: &Db, company: CompanyId, id: ContactId) -> Result<Option<Contact>, StoreError> {
    find_in(&db.of(company), company, id).await
}

pub(crate) async fn find_in(
    conn: &impl ConnectionTrait,
    company: CompanyId,
    id: ContactId,
) -> Result<Option<Contact>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM contact WHERE company_id = $1 AND id = $2");
    Ok(one::<Row>(conn, &sql, values![company.0, id.0]).await?.map(Row::into_contact))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Customer,
    Supplier,
}

/// Which people a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub role: Option<Role>,
    /// Part of a name, an identification or an address, without regard to case or accents.
    pub text: Option<String>,
}

/// What a list can be put in order by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Without regard to case or accents.
    Name,
    Identification,
    /// What they owe.
    Receivable,
    /// What they are owed.
    Payable,
}

pub const BY_NAME: Order<By> = Order { by: By::Name, descending: false };

impl By {
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Name => &["c.sort_key"],
            Self::Identification => &["c.identification"],
            Self::Receivable => &["(SELECT COALESCE(SUM(d.balance_cents), 0) FROM document d WHERE d.company_id = c.company_id
                AND d.contact_id = c.id AND d.side = 'receivable' AND d.balance_cents <> 0 AND d.voided_at IS NULL)"],
            Self::Payable => &["(SELECT COALESCE(SUM(d.balance_cents), 0) FROM document d WHERE d.company_id = c.company_id
                AND d.contact_id = c.id AND d.side = 'payable' AND d.balance_cents <> 0 AND d.voided_at IS NULL)"],
        }
    }
}

/// People in an order. The cursor is the last person's id.
pub async fn list(
    db: &Db,
    company: CompanyId,
    filter: &Filter,
    order: Order<By>,
    page: Page,
) -> Result<Vec<Contact>, StoreError> {
    let role = role_condition(filter);
    let mut asked = values![company.0, containing(filter.text.as_deref().unwrap_or_default())];
    let (after, order_by) = order.keyset(By::keys, "c", "FROM contact c", &mut asked, page.after);
    let sql = format!(
        "SELECT {COLUMNS} FROM contact c WHERE c.company_id = $1 AND search_text LIKE $2 ESCAPE '\\' {role}
        AND {after} {order_by} LIMIT {}",
        page.limit
    );
    let rows: Vec<Row> = readable(&db.of(company), "contact", &sql, asked).await?;
    Ok(rows.into_iter().map(Row::into_contact).collect())
}

/// How many people a list has, on all its pages.
pub async fn count(db: &Db, company: CompanyId, filter: &Filter) -> Result<u64, StoreError> {
    let role = role_condition(filter);
    let sql = format!("SELECT COUNT(*) AS n FROM contact WHERE company_id = $1 AND search_text LIKE $2 ESCAPE '\\' {role}");
    sql::count(&db.of(company), &sql, values![company.0, containing(filter.text.as_deref().unwrap_or_default())]).await
}

fn role_condition(filter: &Filter) -> &'static str {
    match filter.role {
        Some(Role::Customer) => "AND is_customer",
        Some(Role::Supplier) => "AND is_supplier",
        None => "",
    }
}

/// Who has this identification.
pub async fn find_by_identification(db: &Db, company: CompanyId, wanted: &Identification) -> Result<Option<Contact>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM contact WHERE company_id = $1 AND identification_type = $2 AND identification = $3");
    let asked = values![company.0, wanted.kind().as_str(), wanted.number()];
    Ok(one::<Row>(&db.of(company), &sql, asked).await?.map(Row::into_contact))
}

/// What a person owes, is owed, and has left as anticipo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    pub receivable: Money,
    pub payable: Money,
    /// Anticipos of a customer, not yet used.
    pub advance_received: Money,
    /// Anticipos given to a supplier, not yet used.
    pub advance_made: Money,
}

pub async fn standing(db: &Db, company: CompanyId, id: ContactId) -> Result<Standing, StoreError> {
    Ok(standings(db, company, &[id]).await?.pop().map(|(_, standing)| standing).unwrap_or_default())
}

/// The standings of several people, in the order asked.
pub async fn standings(db: &Db, company: CompanyId, ids: &[ContactId]) -> Result<Vec<(ContactId, Standing)>, StoreError> {
    #[derive(FromQueryResult)]
    struct Part {
        contact_id: Uuid,
        part: String,
        cents: i64,
    }
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = sql::places(1, ids.len());
    let sql = format!(
        "SELECT contact_id, side AS part, CAST(SUM(balance_cents) AS BIGINT) AS cents FROM document
        WHERE company_id = $1 AND contact_id IN ({list}) AND balance_cents <> 0 AND voided_at IS NULL GROUP BY contact_id, side
        UNION ALL
        SELECT contact_id, direction AS part, CAST(SUM(advance_rest_cents) AS BIGINT) AS cents FROM payment
        WHERE company_id = $1 AND contact_id IN ({list}) AND advance_rest_cents > 0 GROUP BY contact_id, direction"
    );
    let mut asked: Vec<Value> = values![company.0];
    asked.extend(ids.iter().map(|id| Value::from(id.0)));
    let parts: Vec<Part> = all(&db.of(company), &sql, asked).await?;
    let sum = |id: &ContactId, name: &str| {
        parts.iter().filter(|p| p.contact_id == id.0 && p.part == name).map(|p| Money::from_cents(p.cents)).sum()
    };
    let standing_of = |id: &ContactId| Standing {
        receivable: sum(id, "receivable"),
        payable: sum(id, "payable"),
        advance_received: sum(id, "received"),
        advance_made: sum(id, "made"),
    };
    Ok(ids.iter().map(|id| (*id, standing_of(id))).collect())
}

fn columns(company: CompanyId, id: ContactId, details: &ContactDetails) -> Vec<Value> {
    let by_purpose = &details.emails_by_purpose;
    values![
        company.0,
        id.0,
        details.name.as_str(),
        details.identification.kind().as_str(),
        details.identification.number(),
        details.is_customer,
        details.is_supplier,
        details.address.clone(),
        details.phone.clone(),
        details.credit_days,
        join_addresses(&details.emails),
        join_addresses(&by_purpose.received_payments),
        join_addresses(&by_purpose.made_payments),
        join_addresses(&by_purpose.invoices),
        join_addresses(&by_purpose.withholdings),
        search_text(details),
        sort_key(details)
    ]
}

fn sort_key(details: &ContactDetails) -> String {
    text::cut(&folded(&details.name), LONGEST_SORT_KEY).to_owned()
}

fn search_text(details: &ContactDetails) -> String {
    let addresses: Vec<EmailAddress> = details.addresses().cloned().collect();
    folded(&format!("{} {} {}", details.name, details.identification.number(), join_addresses(&addresses)))
}

/// The columns of a card in the order of [`columns`], each with its field's name in the API; the last two are made of the
/// others.
const COLUMNS_AND_FIELDS: [(&str, &str); 15] = [
    ("name", "name"),
    ("identification_type", "identification_type"),
    ("identification", "identification"),
    ("is_customer", "is_customer"),
    ("is_supplier", "is_supplier"),
    ("address", "address"),
    ("phone", "phone"),
    ("credit_days", "credit_days"),
    ("emails", "emails"),
    ("emails_received_payments", "emails_by_purpose.received_payments"),
    ("emails_made_payments", "emails_by_purpose.made_payments"),
    ("emails_invoices", "emails_by_purpose.invoices"),
    ("emails_withholdings", "emails_by_purpose.withholdings"),
    ("search_text", ""),
    ("sort_key", ""),
];

const COLUMNS: &str =
    "id, version, name, identification_type, identification, is_customer, is_supplier, address, phone, credit_days,
    emails, emails_received_payments, emails_made_payments, emails_invoices, emails_withholdings";

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    version: Kept<i64>,
    name: Kept<String>,
    identification_type: Kept<String>,
    identification: Kept<String>,
    is_customer: Kept<bool>,
    is_supplier: Kept<bool>,
    address: Kept<Option<String>>,
    phone: Kept<Option<String>>,
    credit_days: Kept<Option<i32>>,
    emails: Kept<String>,
    emails_received_payments: Kept<String>,
    emails_made_payments: Kept<String>,
    emails_invoices: Kept<String>,
    emails_withholdings: Kept<String>,
}

impl Row {
    fn into_contact(self) -> Contact {
        let of = Of { table: "contact", id: self.id };
        let mut reading = Reading::of(of);
        let kind =
            reading.code("identification_type", self.identification_type, IdentificationType::parse, IdentificationType::Other);
        let identification = reading.kept("identification", self.identification, String::new());
        let mut addresses = |field, kept| of.addresses(field, &reading.kept(field, kept, String::new()));
        let emails = addresses("emails", self.emails);
        let emails_by_purpose = EmailsByPurpose {
            received_payments: addresses("emails_by_purpose.received_payments", self.emails_received_payments),
            made_payments: addresses("emails_by_purpose.made_payments", self.emails_made_payments),
            invoices: addresses("emails_by_purpose.invoices", self.emails_invoices),
            withholdings: addresses("emails_by_purpose.withholdings", self.emails_withholdings),
        };
        let details = ContactDetails {
            name: reading.kept("name", self.name, String::new()),
            identification: of.identification(kind, &identification),
            is_customer: reading.kept("is_customer", self.is_customer, false),
            is_supplier: reading.kept("is_supplier", self.is_supplier, false),
            address: reading.kept("address", self.address, None),
            phone: reading.kept("phone", self.phone, None),
            credit_days: reading.kept("credit_days", self.credit_days, None),
            emails,
            emails_by_purpose,
            undecoded: reading.unreadable,
        };
        Contact { id: ContactId(self.id), version: of.kept("version", self.version).unwrap_or_default(), details }
    }
}
