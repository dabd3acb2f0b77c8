//! Questions about envíos.

use std::collections::{HashMap, HashSet};

use acuse_domain::Instant;
use acuse_domain::delivery::{Group, State};
use acuse_domain::id::{CompanyId, ContactId, DeliveryId, PaymentId};
use acuse_domain::mail_account::MailModule;
use acuse_domain::mail_problem::{ProblemCode, Whose};
use acuse_domain::number::ReceiptNumber;
use acuse_domain::text::escaped;
use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use super::groups::{self, ACCEPTED_INSTEAD, CORRECTED_BY, RESOLUTION, Resolution, ResolutionRow, Stopped};
use super::{MessageKind, Standing};
use crate::Page;
use crate::db::{Db, StoreError};
use crate::order::Order;
use crate::receipts::{number, text_condition};
use crate::sql::{self, Kept, Line, Of, all, each, one, places, plain_letters, readable, values};

/// A delivery with its attempts, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub id: DeliveryId,
    pub payment: PaymentId,
    pub number: ReceiptNumber,
    pub contact: ContactId,
    pub contact_name: String,
    pub kind: MessageKind,
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
    /// Of what did not arrive: why nobody has to act any more.
    pub resolution: Option<Resolution>,
}

impl Delivery {
    #[must_use]
    pub fn group(&self, stopped: &Stopped) -> Group {
        self.state.group(stopped.holds(self.module, self.queued_at), self.resolution.is_some())
    }
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
    let rows: Vec<Row> = readable(&db.of(company), "delivery", &sql, values).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

pub async fn find(db: &Db, company: CompanyId, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
    find_in(&db.of(company), company, id).await
}

/// What is on record of a delivery, inside a transaction.
pub(crate) async fn find_in(
    conn: &impl ConnectionTrait,
    company: CompanyId,
    id: DeliveryId,
) -> Result<Option<Delivery>, StoreError> {
    let sql = format!("{} WHERE d.company_id = $1 AND d.id = $2", select());
    Ok(load(conn, company, &sql, values![company.0, id.0]).await?.pop().transpose()?)
}

/// The deliveries of several payments, oldest first.
pub async fn of_payments(db: &Db, company: CompanyId, payments: &[PaymentId]) -> Result<Vec<Delivery>, StoreError> {
    if payments.is_empty() {
        return Ok(Vec::new());
    }
    let list = places(1, payments.len());
    let sql = format!("{} WHERE d.company_id = $1 AND d.payment_id IN ({list}) ORDER BY d.queued_at, d.id", select());
    let mut asked: Vec<Value> = values![company.0];
    asked.extend(payments.iter().map(|id| Value::from(id.0)));
    Ok(load(&db.of(company), company, &sql, asked).await?.into_iter().filter_map(Result::ok).collect())
}

/// To which of these people's addresses, by [their keys](super::recipient_key), the last mail came back or was refused for the
/// address.
pub async fn bounced_of(db: &Db, company: CompanyId, people: &[ContactId]) -> Result<HashSet<(ContactId, String)>, StoreError> {
    #[derive(FromQueryResult)]
    struct Bounced {
        contact_id: Uuid,
        recipient_key: String,
        state: String,
        problem_code: Option<String>,
    }
    if people.is_empty() {
        return Ok(HashSet::new());
    }
    let list = places(1, people.len());
    let sql = format!(
        "SELECT p.contact_id, d.recipient_key, d.state, d.problem_code FROM delivery d
        JOIN payment p ON p.company_id = d.company_id AND p.id = d.payment_id
        WHERE d.company_id = $1 AND d.state IN ('bounced', 'failed') AND p.contact_id IN ({list}) AND NOT EXISTS (
            SELECT 1 FROM payment q JOIN delivery l ON l.company_id = q.company_id AND l.payment_id = q.id
            WHERE q.company_id = p.company_id AND q.contact_id = p.contact_id AND l.recipient_key = d.recipient_key AND l.id > d.id)"
    );
    let mut asked: Vec<Value> = values![company.0];
    asked.extend(people.iter().map(|id| Value::from(id.0)));
    let found: Vec<Bounced> = all(&db.of(company), &sql, asked).await?;
    let is_of_address = |one: &Bounced| match one.problem_code.as_deref().and_then(ProblemCode::parse) {
        Some(problem) => problem.whose_fault() == Whose::Recipient,
        None => one.state == State::Bounced.as_str(),
    };
    Ok(found.into_iter().filter(is_of_address).map(|one| (ContactId(one.contact_id), one.recipient_key)).collect())
}

/// What was queued together with this delivery, itself included.
pub async fn queued_with(db: &Db, company: CompanyId, id: DeliveryId) -> Result<Vec<Delivery>, StoreError> {
    let sql = format!(
        "{} JOIN delivery f ON f.company_id = d.company_id AND f.payment_id = d.payment_id
        WHERE d.company_id = $1 AND f.id = $2 AND COALESCE(d.resend, 0) = COALESCE(f.resend, 0) AND d.kind = f.kind
        ORDER BY d.id",
        select()
    );
    Ok(load(&db.of(company), company, &sql, values![company.0, id.0]).await?.into_iter().filter_map(Result::ok).collect())
}

/// Which deliveries a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// With the modules whose mail nobody sends now: they decide in which group stands what waits.
    pub group: Option<(Group, Stopped)>,
    /// Empty means every state.
    pub states: Vec<State>,
    pub module: Option<MailModule>,
    pub problem_code: Option<String>,
    /// Part of an address, of the person's name or of a reference, an amount, or a receipt's number.
    pub text: Option<String>,
}

/// What a list can be put in order by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// When it was first queued.
    Queued,
    Recipient,
    Receipt,
    State,
}

impl By {
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Queued => &[],
            Self::Recipient => &["LOWER(d.recipient)"],
            Self::Receipt => &["COALESCE(p.direction, '')", "COALESCE(p.sequence, 0)"],
            Self::State => &["d.state"],
        }
    }
}

/// The newest first.
pub const NEWEST: Order<By> = Order { by: By::Queued, descending: true };

/// Deliveries in an order. The cursor is the last delivery's id.
pub async fn list(
    db: &Db,
    company: CompanyId,
    filter: &Filter,
    order: Order<By>,
    page: Page,
) -> Result<Vec<Line<Delivery>>, StoreError> {
    let (condition, mut asked) = filter.condition(company);
    let (after, order_by) = order.keyset(By::keys, "d", FROM, &mut asked, page.after);
    load(&db.of(company), company, &format!("{} WHERE {condition} AND {after} {order_by} LIMIT {}", select(), page.limit), asked)
        .await
}

/// How many deliveries a list has, on all its pages.
pub async fn count(db: &Db, company: CompanyId, filter: &Filter) -> Result<u64, StoreError> {
    let (condition, asked) = filter.condition(company);
    sql::count(&db.of(company), &format!("SELECT COUNT(*) AS n {FROM} WHERE {condition}"), asked).await
}

/// The problems of the deliveries that a list has on all its pages, most frequent first.
pub async fn problem_codes(db: &Db, company: CompanyId, filter: &Filter) -> Result<Vec<String>, StoreError> {
    #[derive(FromQueryResult)]
    struct CodeRow {
        problem_code: String,
    }
    let (condition, asked) = filter.condition(company);
    let sql = format!(
        "SELECT d.problem_code {FROM} WHERE {condition} AND d.problem_code IS NOT NULL
        GROUP BY d.problem_code ORDER BY COUNT(*) DESC, d.problem_code"
    );
    let rows: Vec<CodeRow> = readable(&db.of(company), "delivery", &sql, asked).await?;
    Ok(rows.into_iter().map(|row| row.problem_code).collect())
}

impl Filter {
    fn condition(&self, company: CompanyId) -> (String, Vec<Value>) {
        let mut asked = values![company.0, self.module.map(|module| module.as_str()), self.problem_code.clone()];
        let own = "d.company_id = $1 AND ($2 IS NULL OR d.module = $2) AND ($3 IS NULL OR d.problem_code = $3)";
        let mut conditions = vec![own.to_owned()];
        // Of every state, also one that cannot be read.
        if !self.states.is_empty() && self.states.len() != State::ALL.len() {
            asked.extend(self.states.iter().map(|state| Value::from(state.as_str())));
            conditions.push(format!("d.state IN ({})", places(3, self.states.len())));
        }
        let recipient = plain_letters("d.recipient");
        conditions.extend(self.text.as_deref().and_then(|text| text_condition(text, Some(&recipient), &mut asked)));
        conditions.extend(self.group.as_ref().map(|(group, stopped)| groups::condition(*group, stopped, &mut asked)));
        (conditions.join(" AND "), asked)
    }
}

/// How many deliveries of the company stand in one of these states.
pub async fn count_in(db: &Db, company: CompanyId, states: &[State]) -> Result<u64, StoreError> {
    let list = places(1, states.len());
    let sql = format!("SELECT COUNT(*) AS n FROM delivery WHERE company_id = $1 AND state IN ({list})");
    let mut asked: Vec<Value> = values![company.0];
    asked.extend(states.iter().map(|state| Value::from(state.as_str())));
    sql::count(&db.of(company), &sql, asked).await
}

fn select() -> String {
    format!(
        "SELECT d.id, d.payment_id, p.direction, p.sequence, p.contact_id, c.name AS contact_name, d.kind, d.module,
        d.recipient, d.state, d.may_have_arrived, d.resend, d.queued_at, d.next_attempt_at, d.finished_at,
        d.message_id, d.account_source, d.account_server, d.account_from, d.reply, d.problem_code, d.fence, {RESOLUTION},
        CASE WHEN d.state IN ('failed', 'bounced') THEN (SELECT a.recipient {ACCEPTED_INSTEAD} ORDER BY a.id LIMIT 1) END
            AS accepted_instead,
        CASE WHEN d.state IN ('failed', 'bounced') THEN (SELECT a.recipient {CORRECTED_BY} ORDER BY a.resend DESC LIMIT 1) END
            AS corrected_to {FROM}"
    )
}

const FROM: &str = "FROM delivery d LEFT JOIN payment p ON p.company_id = d.company_id AND p.id = d.payment_id
    LEFT JOIN contact c ON c.company_id = p.company_id AND c.id = p.contact_id";

async fn load(
    conn: &impl ConnectionTrait,
    company: CompanyId,
    sql: &str,
    asked: Vec<Value>,
) -> Result<Vec<Line<Delivery>>, StoreError> {
    let rows: Vec<Line<Row>> = each(conn, "delivery", sql, asked).await?;
    // What was never claimed was never tried.
    let tried: Vec<Uuid> = rows.iter().flatten().filter(|row| row.fence > 0).map(|row| row.id).collect();
    let mut attempts: HashMap<Uuid, Vec<Attempt>> = HashMap::new();
    for (id, attempt) in attempts_of(conn, company, &tried).await? {
        attempts.entry(id).or_default().push(attempt);
    }
    let mut whole = |row: Row| {
        let own = attempts.remove(&row.id).unwrap_or_default();
        row.into_delivery(own)
    };
    Ok(rows.into_iter().map(|line| line.map(&mut whole)).collect())
}

async fn attempts_of(conn: &impl ConnectionTrait, company: CompanyId, ids: &[Uuid]) -> Result<Vec<(Uuid, Attempt)>, StoreError> {
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
    let rows: Vec<AttemptRow> = readable(conn, "delivery_attempt", &sql, asked).await?;
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
    #[sea_orm(nested)]
    resolution: ResolutionRow,
}

impl Row {
    /// A module that cannot be read is the one that carries such receipts.
    fn into_delivery(self, attempts: Vec<Attempt>) -> Delivery {
        let of = Of { table: "delivery", id: self.id };
        let number = number(self.payment_id, &self.direction, self.sequence);
        let module = of.code("module", &self.module, MailModule::parse);
        let kind = of.code("kind", &self.kind, MessageKind::parse).unwrap_or(MessageKind::Receipt);
        let state = of.code("state", &self.state, State::parse).unwrap_or(State::Failed);
        Delivery {
            id: DeliveryId(self.id),
            payment: PaymentId(self.payment_id),
            number,
            contact: ContactId(self.contact_id),
            contact_name: self.contact_name,
            kind,
            module: module.unwrap_or(MailModule::of_payments(number.direction)),
            recipient: of.address("recipient", &self.recipient).to_string(),
            state,
            may_have_arrived: self.may_have_arrived,
            resend: self.resend.filter(|_| kind == MessageKind::Receipt),
            queued_at: self.queued_at,
            next_attempt_at: self.next_attempt_at,
            finished_at: self.finished_at,
            message_id: self.message_id,
            account: self.account_source.zip(self.account_server).zip(self.account_from).map(|((a, b), c)| (a, b, c)),
            reply: self.reply.as_deref().map(escaped),
            problem_code: self.problem_code,
            attempts,
            resolution: self.resolution.of(state, kind == MessageKind::Receipt, of),
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
        let row: Option<Row> = one(&db.of_any_company(), &sql, values![]).await?;
        found.extend(row.map(|row| Unfinished { state, count: row.n.unsigned_abs(), oldest: row.oldest.or(None) }));
    }
    Ok(found)
}
