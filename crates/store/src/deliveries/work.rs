//! For workers: queues with work, claims under a lease, outcomes under a fence.

use std::collections::HashMap;

use acuse_domain::Instant;
use acuse_domain::delivery::{Next, State};
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{CompanyId, DeliveryId, PaymentId};
use acuse_domain::mail_account::MailModule;
use acuse_domain::mail_problem::ProblemCode;
use acuse_domain::receipt::Receipt;
use chrono::TimeDelta;
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::MessageKind;
use super::told::Earlier;
use super::undelivered;
use super::void_notice::{Notice, notice_now, receipts_of};
use crate::claims::{Claim, Queue};
use crate::companies::LogoId;
use crate::db::{Db, StoreError, Tx};
use crate::receipts::receipt_as_of;
use crate::sql::{Of, Undecoded, code, execute, insert_rows, one, places, readable, values};

/// Its worker is gone, and nobody knows how far it had come.
pub(crate) const EXPIRED: &str = "state = CASE WHEN recalled THEN 'cancelled' ELSE 'queued' END, may_have_arrived = TRUE,
    next_attempt_at = CASE WHEN recalled THEN NULL ELSE $1 END, finished_at = CASE WHEN recalled THEN $1 ELSE NULL END";

/// Of one company's module, queued until a moment if one is given, or put off before the clock was set back. Nothing leaves an
/// archived company: its queue waits.
pub(crate) const DELIVERIES: Queue = Queue {
    table: "delivery",
    key: &["company_id", "id"],
    due: "company_id = $3 AND module = $4 AND state IN ('queued', 'deferred', 'in_doubt')
        AND (next_attempt_at <= $1 OR next_attempt_at > $5) AND ($6 IS NULL OR queued_at <= $6)
        AND NOT EXISTS (SELECT 1 FROM company c WHERE c.id = $3 AND c.archived_at IS NOT NULL)",
    order: "next_attempt_at, id",
    claimed: "lease_until = $2, state = 'sending', attempts = attempts + 1, next_attempt_at = NULL",
    lease: "lease_until",
    is_held: "delivery.state = 'sending'",
    expired: Some(EXPIRED),
    gives: "id, payment_id, kind, recipient, attempts, fence, queued_at, message_id, resend,
        (SELECT CAST(COALESCE(SUM(a.wait_ms), 0) AS BIGINT) FROM delivery_attempt a WHERE a.company_id = delivery.company_id
            AND a.delivery_id = delivery.id AND a.state = 'deferred' AND a.attempt > delivery.queued_fence) AS put_off_ms,
        (SELECT COUNT(*) FROM delivery_attempt a WHERE a.company_id = delivery.company_id AND a.delivery_id = delivery.id
            AND a.state = 'in_doubt' AND a.attempt > delivery.queued_fence) AS doubts",
};

/// Nobody is made to wait longer than a day (`acuse_mail::diagnosis` obeys no longer time): what lies further ahead was put
/// off before the clock was set back. Ten minutes more, by which the clocks of two nodes may differ.
pub(crate) const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(24 * 60 + 10);
/// How soon a notice looks again at the receipt that it takes back.
const LOOK_AT_RECEIPT_AGAIN: TimeDelta = TimeDelta::seconds(5);

/// A company and a module: deliveries that share an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueKey {
    pub company: CompanyId,
    pub module: MailModule,
}

/// Every queue that has something due, whoever's it is. Each is asked for its own share, so none can starve another.
pub async fn queues_due_any_company(db: &Db, now: Instant) -> Result<Vec<QueueKey>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        company_id: Uuid,
        module: String,
    }
    let sql = "SELECT l.company_id, l.module FROM delivery_queue l JOIN company c ON c.id = l.company_id
        WHERE c.archived_at IS NULL AND EXISTS (SELECT 1 FROM delivery d
        WHERE d.company_id = l.company_id AND d.module = l.module
        AND (d.next_attempt_at <= $1 OR d.next_attempt_at > $2))";
    let rows: Vec<Row> = readable(&db.of_any_company(), "delivery_queue", sql, values![now, now + LONGEST_WAIT]).await?;
    let queue = |row: Row| {
        let module = Of { table: "delivery_queue", id: row.company_id }.code("module", &row.module, MailModule::parse)?;
        Some(QueueKey { company: CompanyId(row.company_id), module })
    };
    Ok(rows.into_iter().filter_map(queue).collect())
}

/// A delivery in one worker's hands until its lease ends, with all that is needed to send it.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub company: CompanyId,
    pub id: DeliveryId,
    pub payment: PaymentId,
    pub kind: MessageKind,
    pub module: MailModule,
    pub recipient: EmailAddress,
    /// This one included.
    pub attempt: i32,
    pub fence: i64,
    pub queued_at: Instant,
    pub message_id: Option<String>,
    /// How long it has been put off in all, since it was queued or a person had it tried again.
    pub put_off_for: TimeDelta,
    /// An earlier attempt, since then, ended in doubt.
    pub was_in_doubt: bool,
    pub receipt: Receipt,
    /// What the receipt is printed with.
    pub logo: Option<LogoId>,
    pub recorded_at: Instant,
    pub voided_at: Option<Instant>,
    /// The receipt's n-th reenvío.
    pub resend: Option<i32>,
    /// Of a reenvío and of a void notice: the mail that it repeats or takes back.
    pub earlier: Option<EarlierMail>,
}

impl Claimed {
    #[must_use]
    pub fn claim(&self) -> Claim {
        Claim { company: Some(self.company), id: self.id.0, fence: self.fence }
    }
}

/// What a later mail can say to a recipient about the receipt that they were sent before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EarlierMail {
    /// When this recipient's server first accepted the receipt, and under which Message-ID; none if it never did.
    pub first_accepted: Option<(Instant, String)>,
    /// When the receipt was sent that they have or may have.
    pub brought_at: Option<Instant>,
}

#[derive(FromQueryResult)]
struct ClaimRow {
    id: Uuid,
    payment_id: Uuid,
    kind: String,
    recipient: String,
    attempts: i32,
    fence: i64,
    queued_at: Instant,
    message_id: Option<String>,
    resend: Option<i32>,
    put_off_ms: i64,
    doubts: i64,
}

/// Claims up to `most` due deliveries of a queue until `now + lease`, the longest waiting first. One that cannot be read, or
/// whose receipt cannot, fails here, alone.
pub async fn claim_due(db: &Db, queue: QueueKey, most: u32, lease: TimeDelta, now: Instant) -> Result<Vec<Claimed>, StoreError> {
    claim(db, queue, None, most, lease, now).await
}

/// The same, of what was queued until a moment.
pub async fn claim_due_queued_until(
    db: &Db,
    queue: QueueKey,
    until: Instant,
    most: u32,
    lease: TimeDelta,
    now: Instant,
) -> Result<Vec<Claimed>, StoreError> {
    claim(db, queue, Some(until), most, lease, now).await
}

async fn claim(
    db: &Db,
    queue: QueueKey,
    queued_until: Option<Instant>,
    most: u32,
    lease: TimeDelta,
    now: Instant,
) -> Result<Vec<Claimed>, StoreError> {
    let tx = db.begin_write_for(queue.company).await?;
    let asked = values![queue.company.0, queue.module.as_str(), now + LONGEST_WAIT, queued_until];
    let mut rows: Vec<ClaimRow> = Vec::new();
    for line in DELIVERIES.claim(&tx, most, lease, now, asked).await? {
        match line {
            Ok(row) => rows.push(row),
            Err(Undecoded { id, .. }) => fail_undecoded(&tx, queue.company, id, now).await?,
        }
    }
    rows.sort_by_key(|row| (row.queued_at, row.id));
    let claimed = with_letters(&tx, queue, rows, now).await?;
    tx.commit().await?;
    Ok(claimed)
}

#[derive(FromQueryResult)]
struct LetterRow {
    id: Uuid,
    receipt: String,
    recorded_at: Instant,
    voided_at: Option<Instant>,
    void_reason: Option<String>,
    logo_id: Option<Uuid>,
}

async fn with_letters(tx: &Tx, queue: QueueKey, rows: Vec<ClaimRow>, now: Instant) -> Result<Vec<Claimed>, StoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT id, receipt, recorded_at, voided_at, void_reason, logo_id FROM payment WHERE company_id = $1 AND id IN ({})",
        places(1, rows.len())
    );
    let mut asked: Vec<Value> = values![queue.company.0];
    asked.extend(rows.iter().map(|row| Value::from(row.payment_id)));
    let letters: Vec<LetterRow> = readable(tx.as_conn(), "payment", &sql, asked).await?;
    let letters: HashMap<Uuid, LetterRow> = letters.into_iter().map(|row| (row.id, row)).collect();
    let mut claimed = Vec::with_capacity(rows.len());
    for row in rows {
        let claim = Claim { company: Some(queue.company), id: row.id, fence: row.fence };
        let is_voided = letters.get(&row.payment_id).is_some_and(|letter| letter.voided_at.is_some());
        if is_voided && row.kind == MessageKind::Receipt.as_str() {
            cancel_claimed(tx, claim, now).await?;
            continue;
        }
        // Whoever asked for a notice by name gets it.
        let is_the_voids_own = row.kind == MessageKind::VoidNotice.as_str() && row.resend.is_none();
        let payment = PaymentId(row.payment_id);
        let notice = if is_the_voids_own { notice_now(tx, queue.company, payment, &row.recipient).await? } else { Notice::Goes };
        match notice {
            Notice::Goes => {}
            Notice::Waits => {
                put_back(tx, claim, now + LOOK_AT_RECEIPT_AGAIN).await?;
                continue;
            }
            Notice::IsMoot => {
                cancel_claimed(tx, claim, now).await?;
                continue;
            }
        }
        match put_together(tx, queue, row, &letters).await {
            Ok(one) => claimed.push(one),
            Err(StoreError::Unreadable(why)) => {
                tracing::error!(delivery.id = %claim.id, "A delivery cannot be read and fails: {why}");
                fail_unread(tx, queue.company, claim, now).await?;
            }
            Err(other) => return Err(other),
        }
    }
    Ok(claimed)
}

async fn put_together(
    tx: &Tx,
    queue: QueueKey,
    row: ClaimRow,
    letters: &HashMap<Uuid, LetterRow>,
) -> Result<Claimed, StoreError> {
    let letter = letters.get(&row.payment_id).ok_or_else(|| StoreError::unreadable("its payment"))?;
    let kind = code(&row.kind, MessageKind::parse)?;
    let resend = row.resend.filter(|_| kind == MessageKind::Receipt);
    let earlier = match (kind, resend) {
        (MessageKind::Receipt, None) => None,
        _ => Some(earlier_mail(tx, queue.company, &row).await?),
    };
    Ok(Claimed {
        company: queue.company,
        id: DeliveryId(row.id),
        payment: PaymentId(row.payment_id),
        kind,
        module: queue.module,
        recipient: row.recipient.parse().map_err(StoreError::unreadable)?,
        attempt: row.attempts,
        fence: row.fence,
        queued_at: row.queued_at,
        message_id: row.message_id,
        put_off_for: TimeDelta::milliseconds(row.put_off_ms.clamp(0, i64::from(i32::MAX))),
        was_in_doubt: row.doubts > 0,
        receipt: receipt_as_of(&letter.receipt, letter.voided_at, letter.void_reason.as_deref())?,
        logo: letter.logo_id.map(LogoId),
        recorded_at: letter.recorded_at,
        voided_at: letter.voided_at,
        resend,
        earlier,
    })
}

/// A receipt that came back to the queue although its payment was voided: it goes out neither as itself nor as a notice.
async fn cancel_claimed(tx: &Tx, claim: Claim, now: Instant) -> Result<(), StoreError> {
    let set = "state = 'cancelled', attempts = attempts - 1, finished_at = $1";
    DELIVERIES.finish(tx, &[claim], set, values![now]).await.map(|_| ())
}

async fn put_back(tx: &Tx, claim: Claim, until: Instant) -> Result<(), StoreError> {
    let set = "state = 'queued', attempts = attempts - 1, next_attempt_at = $1";
    DELIVERIES.finish(tx, &[claim], set, values![until]).await.map(|_| ())
}

/// As [`fail_unread`], where the claim's own row is what cannot be read.
async fn fail_undecoded(tx: &Tx, company: CompanyId, id: Uuid, now: Instant) -> Result<(), StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        fence: i64,
    }
    let sql = "SELECT fence FROM delivery WHERE company_id = $1 AND id = $2";
    match one::<Row>(tx.as_conn(), sql, values![company.0, id]).await? {
        Some(Row { fence }) => fail_unread(tx, company, Claim { company: Some(company), id, fence }, now).await,
        None => Ok(()),
    }
}

/// What cannot be read today cannot be read in an hour; the queue goes on without it.
async fn fail_unread(tx: &Tx, company: CompanyId, claim: Claim, now: Instant) -> Result<(), StoreError> {
    let code = ProblemCode::MessageNotComposed.as_str();
    let set = "state = 'failed', finished_at = $1, reply = '', problem_code = $2, problem_phase = 'message'";
    DELIVERIES.finish(tx, &[claim], set, values![now, code]).await?;
    let sql =
        "INSERT INTO delivery_attempt (company_id, delivery_id, attempt, at, phase, reply, problem_code, duration_ms, state)
        VALUES ($1, $2, $3, $4, 'message', '', $5, 0, 'failed') ON CONFLICT (company_id, delivery_id, attempt) DO NOTHING";
    let number = i32::try_from(claim.fence).unwrap_or(i32::MAX);
    execute(tx.as_conn(), sql, values![company.0, claim.id, number, now, code]).await?;
    Ok(())
}

async fn earlier_mail(tx: &Tx, company: CompanyId, row: &ClaimRow) -> Result<EarlierMail, StoreError> {
    let receipts = receipts_of(tx, company, PaymentId(row.payment_id), &row.recipient).await?;
    let was_accepted = |sent: &Earlier| matches!(sent.standing.state, State::Accepted | State::Bounced);
    let accepted = |sent: &Earlier| Some((sent.finished_at.filter(|_| was_accepted(sent))?, sent.message_id.clone()?));
    // Of a lost answer only the sending is known.
    let brought = |sent: &Earlier| sent.finished_at.filter(|_| was_accepted(sent)).unwrap_or(sent.queued_at);
    Ok(EarlierMail {
        first_accepted: receipts.iter().filter_map(accepted).min_by_key(|(at, _)| *at),
        brought_at: receipts.iter().filter(|sent| sent.standing.brought_the_receipt()).map(brought).min(),
    })
}

/// The account that a delivery was tried with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// `company` or `default`.
    pub source: &'static str,
    pub server: String,
    pub from_address: String,
}

/// How one attempt went, to be written down.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub company: CompanyId,
    pub id: DeliveryId,
    pub fence: i64,
    pub at: Instant,
    pub duration_ms: i64,
    pub phase: &'static str,
    pub reply: String,
    pub problem_code: Option<String>,
    pub message_id: String,
    pub stamp: Stamp,
    pub next: Next,
}

impl Recorded {
    #[must_use]
    pub fn claim(&self) -> Claim {
        Claim { company: Some(self.company), id: self.id.0, fence: self.fence }
    }
}

/// A delivery whose lease had ended and that another worker may have sent: its outcome was not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostLease(pub DeliveryId);

/// Writes down the outcomes of several attempts, of whatever companies, in one transaction. Gives those whose lease was lost.
pub async fn record_attempts(db: &Db, done: &[Recorded], now: Instant) -> Result<Vec<LostLease>, StoreError> {
    let mut in_order: Vec<&Recorded> = done.iter().collect();
    in_order.sort_by_key(|attempt| (attempt.company, attempt.id));
    let tx = db.begin_write_any_company().await?;
    let outcomes = in_order.iter().map(|one| (one.claim(), outcome(one, now))).collect();
    let moved = DELIVERIES.change_each(&tx, outcomes, OUTCOME, MOVED, values![now]).await?;
    let (kept, lost): (Vec<&Recorded>, Vec<&Recorded>) = in_order.into_iter().partition(|one| moved.contains(&one.claim()));
    let head = "INSERT INTO delivery_attempt (company_id, delivery_id, attempt, at, phase, reply, problem_code, duration_ms, state, wait_ms) VALUES";
    insert_rows(tx.as_conn(), head, kept.iter().map(|one| attempt_row(one)).collect()).await?;
    for attempt in kept {
        undelivered::note(&tx, attempt, now).await?;
    }
    tx.commit().await?;
    Ok(lost.into_iter().map(|attempt| LostLease(attempt.id)).collect())
}

const OUTCOME: &str = "state, next_attempt_at, finished_at, reply, problem_code, problem_phase, message_id, account_source, \
    account_server, account_from";
/// What did not go through comes back, unless its payment was voided meanwhile.
const MOVED: &str = "state = CASE WHEN recalled AND held.state IN ('queued', 'deferred', 'in_doubt') THEN 'cancelled'
        ELSE held.state END,
    next_attempt_at = CASE WHEN recalled THEN NULL ELSE held.next_attempt_at END,
    finished_at = CASE WHEN recalled THEN $1 ELSE held.finished_at END,
    may_have_arrived = may_have_arrived OR held.state = 'in_doubt', reply = held.reply, problem_code = held.problem_code,
    problem_phase = held.problem_phase, message_id = COALESCE(delivery.message_id, held.message_id),
    account_source = held.account_source, account_server = held.account_server, account_from = held.account_from,
    lease_until = NULL";

/// As [`OUTCOME`] names it.
fn outcome(done: &Recorded, now: Instant) -> Vec<Value> {
    let state = done.next.state();
    debug_assert!(State::Sending.may_become(state));
    let waits = match done.next {
        Next::WaitForAccount => Some(now),
        other => other.at(),
    };
    values![
        state.as_str(),
        waits,
        state.is_final().then_some(now),
        done.reply.as_str(),
        done.problem_code.clone(),
        done.problem_code.as_ref().map(|_| done.phase),
        done.message_id.as_str(),
        done.stamp.source,
        done.stamp.server.as_str(),
        done.stamp.from_address.as_str()
    ]
}

fn attempt_row(done: &Recorded) -> Vec<Value> {
    values![
        done.company.0,
        done.id.0,
        i32::try_from(done.fence).unwrap_or(i32::MAX),
        done.at,
        done.phase,
        done.reply.as_str(),
        done.problem_code.clone(),
        done.duration_ms,
        done.next.state().as_str(),
        done.next.at().map(|at| (at - done.at).clamp(TimeDelta::zero(), LONGEST_WAIT).num_milliseconds())
    ]
}

/// Makes the lease of what is still being sent last until `now + lease`. Gives how many are still held.
pub async fn renew(db: &Db, held: &[Claim], lease: TimeDelta, now: Instant) -> Result<usize, StoreError> {
    let tx = db.begin_write_any_company().await?;
    let renewed = DELIVERIES.renew(&tx, held, now + lease).await?;
    tx.commit().await?;
    Ok(renewed.len())
}

/// Gives back what was claimed and not begun: the node is stopping, or the account has just been paused.
pub async fn return_to_queue(db: &Db, held: &[Claim], now: Instant) -> Result<(), StoreError> {
    let tx = db.begin_write_any_company().await?;
    let set = "state = CASE WHEN recalled THEN 'cancelled' ELSE 'queued' END, attempts = attempts - 1,
        next_attempt_at = CASE WHEN recalled THEN NULL ELSE $1 END, finished_at = CASE WHEN recalled THEN $1 ELSE NULL END";
    DELIVERIES.finish(&tx, held, set, values![now]).await?;
    tx.commit().await
}

/// Returns to the queue what was being sent when its lease ended: its worker is gone.
pub async fn release_expired_any_company(db: &Db, now: Instant) -> Result<u64, StoreError> {
    let tx = db.begin_write_any_company().await?;
    let released = DELIVERIES.expire(&tx, now).await?;
    tx.commit().await?;
    Ok(released)
}
