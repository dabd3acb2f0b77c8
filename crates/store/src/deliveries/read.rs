//! Questions about envíos.

use std::collections::HashMap;

use acuse_domain::Instant;
use acuse_domain::delivery::State;
use acuse_domain::id::{CompanyId, ContactId, DeliveryId, PaymentId};
use acuse_domain::mail_account::MailModule;
use acuse_domain::number::ReceiptNumber;
use acuse_domain::text::escaped;
use chrono::TimeDelta;
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::{Kind, Standing};
use crate::Page;
use crate::db::{Db, StoreError};
use crate::payments::number;
use crate::sql::{self, Kept, Line, Of, containing, each, one, places, plain_letters, readable, values};

/// A delivery with its attempts, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub id: DeliveryId,
    pub payment: PaymentId,
    pub number: ReceiptNumber,
    pub contact: ContactId,
    pub contact_name: String,
    pub kind: Kind,
    pub module: MailModule,
    pub recipient: String,
    pub state: State,
    /// The server of an earlier attempt may have taken it: its answer was lost, or the worker was.
    pub may_have_arrived: bool,
    /// The receipt's n-th reenvío. A void notice is none, however often it was asked for.
    pub resend: Option<i32>,
    pub queued_at: Instant,
    pub next_attempt_at: Option<Instant>,
    pub finished_at: Option<Instant>,
    pub message_id: Option<String>,
    /// Which account sent it, or tried to: `company` or `default`, its server and its sender.
    pub account: Option<(String, String, String)>,
    /// The server's last words.
    pub reply: Option<String>,
    pub problem_code: Option<String>,
    pub attempts: Vec<Attempt>,
}

impl Delivery {
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing { kind: self.kind, state: self.state, may_have_arrived: self.may_have_arrived }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Instant,
    pub phase: String,
    pub reply: String,
    pub problem_code: Option<String>,
    pub duration_ms: i64,
    /// Where the delivery stood after it.
    pub state: State,
}

impl Attempt {
    /// When the server had answered, or was given up.
    #[must_use]
    pub fn ended_at(&self) -> Instant {
        self.at + TimeDelta::milliseconds(self.duration_ms.max(0))
    }
}

/// Which of these ids are of the company's own mails: deliveries, and notices about its accounts.
pub async fn mails_sent(db: &Db, company: CompanyId, ids: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = places(1, ids.len());
    let sql = format!(
        "SELECT id FROM delivery WHERE company_id = $1 AND id IN ({wanted})
        UNION ALL SELECT id FROM account_notice WHERE company_id = $1 AND id IN ({wanted})"
    );
    let values = std::iter::once(Value::from(company.0)).chain(ids.iter().map(|id| Value::from(*id))).collect();
    let rows: Vec<Row> = readable(db.reader(), "delivery", &sql, values).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

pub async fn find(db: &Db, company: CompanyId, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
    let sql = format!("{SELECT} WHERE d.company_id = $1 AND d.id = $2");
    Ok(load(db, company, &sql, values![company.0, id.0]).await?.pop().transpose()?)
}

/// The deliveries of several payments, oldest first.
pub async fn of_payments(db: &Db, company: CompanyId, payments: &[PaymentId]) -> Result<Vec<Delivery>, StoreError> {
    if payments.is_empty() {
        return Ok(Vec::new());
    }
    let list = places(1, payments.len());
    let sql = format!("{SELECT} WHERE d.company_id = $1 AND d.payment_id IN ({list}) ORDER BY d.queued_at, d.id");
    let mut asked: Vec<Value> = values![company.0];
    asked.extend(payments.iter().map(|id| Value::from(id.0)));
    Ok(load(db, company, &sql, asked).await?.into_iter().filter_map(Result::ok).collect())
}

/// What was queued together with this delivery, itself included.
pub async fn queued_with(db: &Db, company: CompanyId, id: DeliveryId) -> Result<Vec<Delivery>, StoreError> {
    let sql = format!(
        "{SELECT} JOIN delivery f ON f.company_id = d.company_id AND f.payment_id = d.payment_id
        WHERE d.company_id = $1 AND f.id = $2 AND COALESCE(d.resend, 0) = COALESCE(f.resend, 0) AND d.kind = f.kind
        ORDER BY d.id"
    );
    Ok(load(db, company, &sql, values![company.0, id.0]).await?.into_iter().filter_map(Result::ok).collect())
}

/// The groups that the list of envíos offers as filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Failed and bounced, and what waits longer than it should: deferred and in doubt.
    WithProblems,
    UnderWay,
    Accepted,
    Cancelled,
    All,
}

impl Group {
    #[must_use]
    pub const fn states(self) -> &'static [State] {
        match self {
            Self::WithProblems => &[State::Deferred, State::InDoubt, State::Failed, State::Bounced],
            Self::UnderWay => &[State::Queued, State::Sending],
            Self::Accepted => &[State::Accepted],
            Self::Cancelled => &[State::Cancelled],
            Self::All => &State::ALL,
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Empty means every state.
    pub states: Vec<State>,
    pub module: Option<MailModule>,
    pub problem_code: Option<String>,
    /// Part of an address, of the person's name, or a receipt's number.
    pub text: Option<String>,
}

/// Deliveries, newest first. The cursor is the last delivery's id.
pub async fn list(db: &Db, company: CompanyId, filter: &Filter, page: Page) -> Result<Vec<Line<Delivery>>, StoreError> {
    let (condition, asked) = filter.condition(company, page.after);
    load(db, company, &format!("{SELECT} WHERE {condition} ORDER BY d.id DESC LIMIT {}", page.limit), asked).await
}

/// How many deliveries a list has, on all its pages.
pub async fn count(db: &Db, company: CompanyId, filter: &Filter) -> Result<u64, StoreError> {
    let (condition, asked) = filter.condition(company, None);
    sql::count(db.reader(), &format!("SELECT COUNT(*) AS n {FROM} WHERE {condition}"), asked).await
}

impl Filter {
    fn condition(&self, company: CompanyId, after: Option<Uuid>) -> (String, Vec<Value>) {
        let number: Option<ReceiptNumber> = self.text.as_deref().and_then(|text| text.parse().ok());
        let text = if number.is_some() { None } else { self.text.as_deref() };
        // Of every state, also one that cannot be read.
        let states = if self.states.len() == State::ALL.len() { &[] } else { &self.states[..] };
        let condition = format!(
            "d.company_id = $1 AND ($2 IS NULL OR d.module = $2) AND ($3 IS NULL OR d.problem_code = $3)
            AND (c.search_text LIKE $4 ESCAPE '\\' OR {recipient} LIKE $4 ESCAPE '\\')
            AND ($5 IS NULL OR p.sequence = $5) AND ($6 IS NULL OR p.direction = $6) AND ($7 IS NULL OR d.id < $7)
            {states}",
            recipient = plain_letters("d.recipient"),
            states = if states.is_empty() { String::new() } else { format!("AND d.state IN ({})", places(7, states.len())) }
        );
        let mut asked = values![
            company.0,
            self.module.map(|module| module.as_str()),
            self.problem_code.clone(),
            containing(text.unwrap_or_default()),
            number.map(|number| number.sequence),
            number.map(|number| number.direction.as_str()),
            after
        ];
        asked.extend(states.iter().map(|state| Value::from(state.as_str())));
        (condition, asked)
    }
}

/// The problems that deliveries in these states have, most frequent first.
pub async fn problem_codes(db: &Db, company: CompanyId, states: &[State]) -> Result<Vec<String>, StoreError> {
    #[derive(FromQueryResult)]
    struct CodeRow {
        problem_code: String,
    }
    let sql = format!(
        "SELECT problem_code FROM delivery WHERE company_id = $1 AND problem_code IS NOT NULL AND state IN ({})
        GROUP BY problem_code ORDER BY COUNT(*) DESC, problem_code",
        places(1, states.len())
    );
    let mut asked: Vec<Value> = values![company.0];
    asked.extend(states.iter().map(|state| Value::from(state.as_str())));
    let rows: Vec<CodeRow> = readable(db.reader(), "delivery", &sql, asked).await?;
    Ok(rows.into_iter().map(|row| row.problem_code).collect())
}

/// How many deliveries of the company stand in each state.
pub async fn count_by_state(db: &Db, company: CompanyId) -> Result<Vec<(State, i64)>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        state: String,
        n: i64,
    }
    let sql = "SELECT state, COUNT(*) AS n FROM delivery WHERE company_id = $1 GROUP BY state";
    let rows: Vec<Row> = readable(db.reader(), "delivery", sql, values![company.0]).await?;
    // The database keeps a state to those that there are.
    Ok(rows.into_iter().filter_map(|row| State::parse(&row.state).map(|state| (state, row.n))).collect())
}

/// How many deliveries of the company stand in one of these states.
pub async fn count_in(db: &Db, company: CompanyId, states: &[State]) -> Result<u64, StoreError> {
    let list = places(1, states.len());
    let sql = format!("SELECT COUNT(*) AS n FROM delivery WHERE company_id = $1 AND state IN ({list})");
    let mut asked: Vec<Value> = values![company.0];
    asked.extend(states.iter().map(|state| Value::from(state.as_str())));
    sql::count(db.reader(), &sql, asked).await
}

/// Accepted since `since`, waiting now, and with problems since `since`, of one module.
pub async fn today_of_module(
    db: &Db,
    company: CompanyId,
    module: MailModule,
    since: Instant,
) -> Result<(i64, i64, i64), StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        accepted: i64,
        waiting: i64,
        problems: i64,
    }
    let sql = "SELECT CAST(COALESCE(SUM(CASE WHEN state = 'accepted' AND finished_at >= $3 THEN 1 ELSE 0 END), 0) AS BIGINT) AS accepted,
        CAST(COALESCE(SUM(CASE WHEN state IN ('queued', 'sending', 'deferred', 'in_doubt') THEN 1 ELSE 0 END), 0) AS BIGINT) AS waiting,
        CAST(COALESCE(SUM(CASE WHEN state IN ('failed', 'bounced') AND finished_at >= $3 THEN 1 ELSE 0 END), 0) AS BIGINT) AS problems
        FROM delivery WHERE company_id = $1 AND module = $2 AND (finished_at >= $3 OR finished_at IS NULL)";
    let row: Option<Row> = one(db.reader(), sql, values![company.0, module.as_str(), since]).await?;
    Ok(row.map_or((0, 0, 0), |row| (row.accepted, row.waiting, row.problems)))
}

const SELECT: &str = "SELECT d.id, d.payment_id, p.direction, p.sequence, p.contact_id, c.name AS contact_name, d.kind, d.module,
    d.recipient, d.state, d.may_have_arrived, d.resend, d.queued_at, d.next_attempt_at, d.finished_at, d.message_id, d.account_source,
    d.account_server, d.account_from, d.reply, d.problem_code, d.fence
    FROM delivery d JOIN payment p ON p.company_id = d.company_id AND p.id = d.payment_id
    JOIN contact c ON c.company_id = p.company_id AND c.id = p.contact_id";

const FROM: &str = "FROM delivery d JOIN payment p ON p.company_id = d.company_id AND p.id = d.payment_id
    JOIN contact c ON c.company_id = p.company_id AND c.id = p.contact_id";

async fn load(db: &Db, company: CompanyId, sql: &str, asked: Vec<Value>) -> Result<Vec<Line<Delivery>>, StoreError> {
    let rows: Vec<Line<Row>> = each(db.reader(), "delivery", sql, asked).await?;
    // What was never claimed was never tried.
    let tried: Vec<Uuid> = rows.iter().flatten().filter(|row| row.fence > 0).map(|row| row.id).collect();
    let mut attempts: HashMap<Uuid, Vec<Attempt>> = HashMap::new();
    for (id, attempt) in attempts_of(db, company, &tried).await? {
        attempts.entry(id).or_default().push(attempt);
    }
    let mut whole = |row: Row| {
        let own = attempts.remove(&row.id).unwrap_or_default();
        row.into_delivery(own)
    };
    Ok(rows.into_iter().map(|line| line.map(&mut whole)).collect())
}

async fn attempts_of(db: &Db, company: CompanyId, ids: &[Uuid]) -> Result<Vec<(Uuid, Attempt)>, StoreError> {
    #[derive(FromQueryResult)]
    struct AttemptRow {
        id: Uuid,
        at: Instant,
        phase: String,
        reply: String,
        problem_code: Option<String>,
        duration_ms: i64,
        state: String,
    }
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT delivery_id AS id, at, phase, reply, problem_code, duration_ms, state FROM delivery_attempt
        WHERE company_id = $1 AND delivery_id IN ({}) ORDER BY delivery_id, attempt",
        places(1, ids.len())
    );
    let mut asked: Vec<Value> = values![company.0];
    asked.extend(ids.iter().map(|id| Value::from(*id)));
    let rows: Vec<AttemptRow> = readable(db.reader(), "delivery_attempt", &sql, asked).await?;
    let attempt = |row: AttemptRow| {
        let AttemptRow { id, at, phase, reply, problem_code, duration_ms, state } = row;
        let of = Of { table: "delivery_attempt", id };
        let state = of.code("state", &state, State::parse).unwrap_or(State::Failed);
        (id, Attempt { at, phase, reply: escaped(&reply), problem_code, duration_ms, state })
    };
    Ok(rows.into_iter().map(attempt).collect())
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    payment_id: Uuid,
    direction: String,
    sequence: i64,
    contact_id: Uuid,
    contact_name: String,
    kind: String,
    module: String,
    recipient: String,
    state: String,
    may_have_arrived: bool,
    resend: Option<i32>,
    queued_at: Instant,
    next_attempt_at: Option<Instant>,
    finished_at: Option<Instant>,
    message_id: Option<String>,
    account_source: Option<String>,
    account_server: Option<String>,
    account_from: Option<String>,
    reply: Option<String>,
    problem_code: Option<String>,
    fence: i64,
}

impl Row {
    /// A module that cannot be read is the one that carries such receipts.
    fn into_delivery(self, attempts: Vec<Attempt>) -> Delivery {
        let of = Of { table: "delivery", id: self.id };
        let number = number(self.payment_id, &self.direction, self.sequence);
        let module = of.code("module", &self.module, MailModule::parse);
        let kind = of.code("kind", &self.kind, Kind::parse).unwrap_or(Kind::Receipt);
        Delivery {
            id: DeliveryId(self.id),
            payment: PaymentId(self.payment_id),
            number,
            contact: ContactId(self.contact_id),
            contact_name: self.contact_name,
            kind,
            module: module.unwrap_or(MailModule::of_payments(number.direction)),
            recipient: of.address("recipient", &self.recipient).to_string(),
            state: of.code("state", &self.state, State::parse).unwrap_or(State::Failed),
            may_have_arrived: self.may_have_arrived,
            resend: self.resend.filter(|_| kind == Kind::Receipt),
            queued_at: self.queued_at,
            next_attempt_at: self.next_attempt_at,
            finished_at: self.finished_at,
            message_id: self.message_id,
            account: self.account_source.zip(self.account_server).zip(self.account_from).map(|((a, b), c)| (a, b, c)),
            reply: self.reply.as_deref().map(escaped),
            problem_code: self.problem_code,
            attempts,
        }
    }
}

/// Deliveries of one state that have no end yet, of all companies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    pub state: State,
    pub count: u64,
    /// When the oldest of them was queued.
    pub oldest: Option<Instant>,
}

/// By an index that holds only these: what is finished costs nothing here.
pub async fn unfinished_any_company(db: &Db) -> Result<Vec<Unfinished>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        n: i64,
        oldest: Kept<Option<Instant>>,
    }
    let mut found = Vec::new();
    for state in [State::Queued, State::Sending, State::Deferred, State::InDoubt] {
        // Says what the index holds in its own words: SQLite takes it only then.
        let these =
            format!("delivery WHERE state IN ('queued', 'sending', 'deferred', 'in_doubt') AND state = '{}'", state.as_str());
        let sql = format!(
            "SELECT (SELECT COUNT(*) FROM {these}) AS n, (SELECT queued_at FROM {these} ORDER BY queued_at LIMIT 1) AS oldest"
        );
        let row: Option<Row> = one(db.reader(), &sql, values![]).await?;
        found.extend(row.map(|row| Unfinished { state, count: row.n.unsigned_abs(), oldest: row.oldest.or(None) }));
    }
    Ok(found)
}
