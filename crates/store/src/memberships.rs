//! The companies of one person: which they are, how each stands, and in which one they are now.

use std::collections::HashMap;

use acuse_domain::access::Role;
use acuse_domain::id::{CompanyId, UserId};
use acuse_domain::identification::Ruc;
use acuse_domain::mail_account::MailModule;
use acuse_domain::money::Money;
use acuse_domain::{Date, Instant};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::audit;
use crate::db::{Db, StoreError};
use crate::deliveries::{self, Undelivered};
use crate::passwords::token_hash;
use crate::sql::{Of, count, execute, one, readable, values};

/// A company that somebody may enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    pub company: CompanyId,
    pub ruc: Ruc,
    pub legal_name: String,
    pub trade_name: Option<String>,
    pub role: Role,
    pub last_entered_at: Option<Instant>,
    pub is_archived: bool,
}

impl Membership {
    /// The name people know: nombre comercial, else razón social.
    #[must_use]
    pub fn known_as(&self) -> &str {
        self.trade_name.as_deref().unwrap_or(&self.legal_name)
    }
}

/// Where somebody was last stands first; where they never were, by name.
const LAST_ENTERED_FIRST: &str = "m.last_entered_at IS NULL, m.last_entered_at DESC, c.legal_name, c.id";

/// The companies of a person, the last entered first.
pub async fn list_any_company(db: &Db, user: UserId) -> Result<Vec<Membership>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        ruc: String,
        legal_name: String,
        trade_name: Option<String>,
        role: String,
        last_entered_at: Option<Instant>,
        archived_at: Option<Instant>,
    }
    let sql = format!(
        "SELECT c.id, c.ruc, c.legal_name, c.trade_name, c.archived_at, m.role, m.last_entered_at
        FROM membership m JOIN company c ON c.id = m.company_id WHERE m.person_id = $1 ORDER BY {LAST_ENTERED_FIRST}"
    );
    let rows: Vec<Row> = readable(&db.of_any_company(), "company", &sql, values![user.0]).await?;
    let read = |row: Row| Membership {
        company: CompanyId(row.id),
        ruc: Of { table: "company", id: row.id }.ruc(&row.ruc),
        legal_name: row.legal_name,
        trade_name: row.trade_name,
        role: Of { table: "membership", id: row.id }.code("role", &row.role, Role::parse).unwrap_or(Role::Viewer),
        last_entered_at: row.last_entered_at,
        is_archived: row.archived_at.is_some(),
    };
    Ok(rows.into_iter().map(read).collect())
}

/// What the frame of a page offers to somebody beside the company they are in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offered {
    /// The last entered, by what they are known as.
    pub others: Vec<(CompanyId, String)>,
    /// All of theirs that are in use, this one included.
    pub companies: u64,
    /// They have others, in use or archived.
    pub has_others: bool,
    /// They are owner of one at least.
    pub is_owner: bool,
}

pub async fn offered(db: &Db, company: CompanyId, user: UserId, most: u64) -> Result<Offered, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        known_as: String,
    }
    let sql = format!(
        "SELECT c.id, COALESCE(c.trade_name, c.legal_name) AS known_as
        FROM membership m JOIN company c ON c.id = m.company_id
        WHERE m.person_id = $1 AND m.company_id <> $2 AND c.archived_at IS NULL ORDER BY {LAST_ENTERED_FIRST} LIMIT {most}"
    );
    let rows: Vec<Row> = readable(&db.of_any_company(), "company", &sql, values![user.0, company.0]).await?;
    let all = "SELECT COUNT(*) AS n FROM membership m JOIN company c ON c.id = m.company_id
        WHERE m.person_id = $1 AND c.archived_at IS NULL";
    let beside = "SELECT COUNT(*) AS n FROM membership WHERE person_id = $1 AND company_id <> $2";
    let owned = "SELECT COUNT(*) AS n FROM membership WHERE person_id = $1 AND role = 'owner'";
    Ok(Offered {
        others: rows.into_iter().map(|row| (CompanyId(row.id), row.known_as)).collect(),
        companies: count(&db.of_any_company(), all, values![user.0]).await?,
        has_others: count(&db.of_any_company(), beside, values![user.0, company.0]).await? > 0,
        is_owner: count(&db.of_any_company(), owned, values![user.0]).await? > 0,
    })
}

/// Leads a session into another company of its person. False where they do not belong to it, or the session is over.
pub async fn enter(db: &Db, company: CompanyId, session_token: &str, now: Instant) -> Result<bool, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        person_id: Uuid,
    }
    let tx = db.begin_write_any_company().await?;
    // The membership before the session, as a login does.
    let sql = "UPDATE membership SET last_entered_at = $3 WHERE company_id = $2
        AND person_id = (SELECT person_id FROM login WHERE token_hash = $1) RETURNING person_id";
    let hash = token_hash(session_token);
    let member: Option<Row> = one(tx.as_conn(), sql, values![hash.clone(), company.0, now]).await?;
    let Some(Row { person_id }) = member else {
        tx.undo().await?;
        return Ok(false);
    };
    let sql = "UPDATE login SET company_id = $3 WHERE token_hash = $1 AND person_id = $2";
    if execute(tx.as_conn(), sql, values![hash, person_id, company.0]).await? == 0 {
        tx.undo().await?;
        return Ok(false);
    }
    audit::note_entered(&tx, session_token, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// How a company stands, for who looks after many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Of the cobros of the days that were asked for.
    pub received: Money,
    pub undelivered: Undelivered,
    /// The modules whose own account rests, with how many deliveries wait there.
    pub paused: Vec<(MailModule, u64)>,
    /// It sends through an account of its own, at least in one module.
    pub has_account: bool,
}

/// How each of somebody's companies stands: one question for each figure, whatever their number.
pub async fn figures_any_company(db: &Db, user: UserId, days: (Date, Date)) -> Result<HashMap<CompanyId, Figures>, StoreError> {
    let mut figures: HashMap<CompanyId, Figures> = HashMap::new();
    for (company, received) in received(db, user, days).await? {
        figures.entry(company).or_default().received = received;
    }
    for (company, undelivered) in deliveries::undelivered_any_company(db, user).await? {
        figures.entry(company).or_default().undelivered = undelivered;
    }
    for account in accounts(db, user).await? {
        let of = Of { table: "mail_account", id: account.company_id };
        let company = figures.entry(CompanyId(account.company_id)).or_default();
        company.has_account = true;
        if let Some(module) = of.code("module", &account.module, MailModule::parse).filter(|_| account.rests == 1) {
            company.paused.push((module, account.waiting.unsigned_abs()));
        }
    }
    Ok(figures)
}

async fn received(db: &Db, user: UserId, (from, to): (Date, Date)) -> Result<Vec<(CompanyId, Money)>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        company_id: Uuid,
        cents: i64,
    }
    let sql = "SELECT p.company_id, CAST(SUM(p.total_cents) AS BIGINT) AS cents
        FROM membership m JOIN payment p ON p.company_id = m.company_id
        WHERE m.person_id = $1 AND p.direction = 'received' AND p.voided_at IS NULL AND p.paid_on BETWEEN $2 AND $3
        GROUP BY p.company_id";
    let rows: Vec<Row> = readable(&db.of_any_company(), "payment", sql, values![user.0, from, to]).await?;
    Ok(rows.into_iter().map(|row| (CompanyId(row.company_id), Money::from_cents(row.cents))).collect())
}

#[derive(FromQueryResult)]
struct Account {
    company_id: Uuid,
    module: String,
    rests: i64,
    waiting: i64,
}

/// The companies' own accounts that are in use.
async fn accounts(db: &Db, user: UserId) -> Result<Vec<Account>, StoreError> {
    let sql = "SELECT a.company_id, a.module, CAST(CASE WHEN p.account_id IS NULL THEN 0 ELSE 1 END AS BIGINT) AS rests,
            (SELECT COUNT(*) FROM delivery d WHERE p.account_id IS NOT NULL AND d.company_id = a.company_id
                AND d.module = a.module AND d.state IN ('queued', 'deferred', 'in_doubt')) AS waiting
        FROM membership m JOIN mail_account a ON a.company_id = m.company_id AND a.enabled
        LEFT JOIN account_pause p ON p.account_id = a.id WHERE m.person_id = $1 ORDER BY a.company_id, a.module";
    readable(&db.of_any_company(), "mail_account", sql, values![user.0]).await
}
