//! For workers: queues with work, claims under a lease, outcomes under a fence.

use std::collections::{HashMap, HashSet};

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
use super::void_notice::{Notice, notice_now, put_back, receipts_of};
use crate::companies::LogoId;
use crate::db::{Db, StoreError, Tx, skip_locked};
use crate::payments;
use crate::sql::{Of, Undecoded, all, code, each, execute, insert_rows, one, places, portions, readable, rows_of_places, values};

/// Where a delivery goes that did not go through. One whose payment was voided meanwhile is cancelled instead.
const COMES_BACK: &str = "('queued', 'deferred', 'in_doubt')";

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
    let sql = "SELECT l.company_id, l.module FROM delivery_queue l WHERE EXISTS (SELECT 1 FROM delivery d
        WHERE d.company_id = l.company_id AND d.module = l.module
        AND (d.next_attempt_at <= $1 OR d.next_attempt_at > $2))";
    let rows: Vec<Row> = readable(db.reader(), "delivery_queue", sql, values![now, now + LONGEST_WAIT]).await?;
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
    let tx = db.begin_write().await?;
    let sql = format!(
        "WITH due AS MATERIALIZED (
            SELECT id FROM delivery WHERE company_id = $1 AND module = $2
            AND (next_attempt_at <= $3 OR next_attempt_at > $6) AND ($5 IS NULL OR queued_at <= $5)
            ORDER BY next_attempt_at, id LIMIT {most} {})
        UPDATE delivery SET state = 'sending', attempts = attempts + 1, fence = fence + 1, lease_until = $4, next_attempt_at = NULL
        WHERE company_id = $1 AND state IN ('queued', 'deferred', 'in_doubt') AND id IN (SELECT id FROM due)
        RETURNING id, payment_id, kind, recipient, attempts, fence, queued_at, message_id, resend,
            (SELECT CAST(COALESCE(SUM(a.wait_ms), 0) AS BIGINT) FROM delivery_attempt a WHERE a.company_id = delivery.company_id
                AND a.delivery_id = delivery.id AND a.state = 'deferred' AND a.attempt > delivery.queued_fence) AS put_off_ms,
            (SELECT COUNT(*) FROM delivery_attempt a WHERE a.company_id = delivery.company_id AND a.delivery_id = delivery.id
                AND a.state = 'in_doubt' AND a.attempt > delivery.queued_fence) AS doubts",
        skip_locked(tx.as_conn())
    );
    let asked = values![queue.company.0, queue.module.as_str(), now, now + lease, queued_until, now + LONGEST_WAIT];
    let mut rows: Vec<ClaimRow> = Vec::new();
    for line in each(tx.as_conn(), "delivery", &sql, asked).await? {
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
        let (id, fence) = (row.id, row.fence);
        let is_voided = letters.get(&row.payment_id).is_some_and(|letter| letter.voided_at.is_some());
        if is_voided && row.kind == MessageKind::Receipt.as_str() {
            cancel_claimed(tx, queue.company, id, fence, now).await?;
            continue;
        }
        // Whoever asked for a notice by name gets it.
        let is_the_voids_own = row.kind == MessageKind::VoidNotice.as_str() && row.resend.is_none();
        let payment = PaymentId(row.payment_id);
        let notice = if is_the_voids_own { notice_now(tx, queue.company, payment, &row.recipient).await? } else { Notice::Goes };
        match notice {
            Notice::Goes => {}
            Notice::Waits => {
                put_back(tx, queue.company, id, fence, now + LOOK_AT_RECEIPT_AGAIN).await?;
                continue;
            }
            Notice::IsMoot => {
                cancel_claimed(tx, queue.company, id, fence, now).await?;
                continue;
            }
        }
        match put_together(tx, queue, row, &letters).await {
            Ok(one) => claimed.push(one),
            Err(StoreError::Unreadable(why)) => {
                tracing::error!(delivery.id = %id, "A delivery cannot be read and fails: {why}");
                fail_unread(tx, queue.company, id, fence, now).await?;
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
        receipt: payments::receipt_as_of(&letter.receipt, letter.voided_at, letter.void_reason.as_deref())?,
        logo: letter.logo_id.map(LogoId),
        recorded_at: letter.recorded_at,
        voided_at: letter.voided_at,
        resend,
        earlier,
    })
}

/// A receipt that came back to the queue although its payment was voided: it goes out neither as itself nor as a notice.
async fn cancel_claimed(tx: &Tx, company: CompanyId, id: Uuid, fence: i64, now: Instant) -> Result<(), StoreError> {
    let sql = "UPDATE delivery SET state = 'cancelled', attempts = attempts - 1, finished_at = $4, lease_until = NULL
        WHERE company_id = $1 AND id = $2 AND state = 'sending' AND fence = $3";
    execute(tx.as_conn(), sql, values![company.0, id, fence, now]).await?;
    Ok(())
}

/// As [`fail_unread`], where the claim's own row is what cannot be read.
async fn fail_undecoded(tx: &Tx, company: CompanyId, id: Uuid, now: Instant) -> Result<(), StoreError> {
    #[derive(FromQueryResult)]
    struct Claim {
        fence: i64,
    }
    let sql = "SELECT fence FROM delivery WHERE company_id = $1 AND id = $2";
    match one::<Claim>(tx.as_conn(), sql, values![company.0, id]).await? {
        Some(Claim { fence }) => fail_unread(tx, company, id, fence, now).await,
        None => Ok(()),
    }
}

/// What cannot be read today cannot be read in an hour; the queue goes on without it.
async fn fail_unread(tx: &Tx, company: CompanyId, id: Uuid, fence: i64, now: Instant) -> Result<(), StoreError> {
    let code = ProblemCode::MessageNotComposed.as_str();
    let sql = "UPDATE delivery SET state = 'failed', finished_at = $4, lease_until = NULL, reply = '', problem_code = $5,
        problem_phase = 'message' WHERE company_id = $1 AND id = $2 AND state = 'sending' AND fence = $3";
    execute(tx.as_conn(), sql, values![company.0, id, fence, now, code]).await?;
    let sql =
        "INSERT INTO delivery_attempt (company_id, delivery_id, attempt, at, phase, reply, problem_code, duration_ms, state)
        VALUES ($1, $2, $3, $4, 'message', '', $5, 0, 'failed') ON CONFLICT (company_id, delivery_id, attempt) DO NOTHING";
    let number = i32::try_from(fence).unwrap_or(i32::MAX);
    execute(tx.as_conn(), sql, values![company.0, id, number, now, code]).await?;
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

/// A delivery whose lease had ended and that another worker may have sent: its outcome was not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostLease(pub DeliveryId);

/// Writes down the outcomes of several attempts, of whatever companies, in one transaction. Gives those whose lease was lost.
pub async fn record_attempts(db: &Db, done: &[Recorded], now: Instant) -> Result<Vec<LostLease>, StoreError> {
    let mut in_order: Vec<&Recorded> = done.iter().collect();
    in_order.sort_by_key(|attempt| (attempt.company, attempt.id));
    let tx = db.begin_write().await?;
    let moved = move_on(&tx, &in_order, now).await?;
    let (kept, lost): (Vec<&Recorded>, Vec<&Recorded>) = in_order.into_iter().partition(|attempt| moved.contains(&attempt.id.0));
    let head = "INSERT INTO delivery_attempt (company_id, delivery_id, attempt, at, phase, reply, problem_code, duration_ms, state, wait_ms) VALUES";
    insert_rows(tx.as_conn(), head, kept.into_iter().map(attempt_row).collect()).await?;
    tx.commit().await?;
    Ok(lost.into_iter().map(|attempt| LostLease(attempt.id)).collect())
}

/// Moves deliveries from `sending`, as far as this worker still holds them. Gives those that moved.
async fn move_on(tx: &Tx, done: &[&Recorded], now: Instant) -> Result<HashSet<Uuid>, StoreError> {
    #[derive(FromQueryResult)]
    struct Moved {
        id: Uuid,
    }
    let rows: Vec<Vec<Value>> = done.iter().map(|one| outcome_row(one, now)).collect();
    let mut moved = HashSet::with_capacity(rows.len());
    for portion in portions(&rows) {
        let sql = format!(
            "UPDATE delivery SET state = CASE WHEN recalled AND done.column4 IN {COMES_BACK} THEN 'cancelled' ELSE done.column4 END,
                next_attempt_at = CASE WHEN recalled THEN NULL ELSE done.column5 END,
                finished_at = CASE WHEN recalled THEN done.column14 ELSE done.column6 END,
                may_have_arrived = may_have_arrived OR done.column4 = 'in_doubt', lease_until = NULL, reply = done.column7, problem_code = done.column8, problem_phase = done.column9,
                message_id = COALESCE(message_id, done.column10), account_source = done.column11,
                account_server = done.column12, account_from = done.column13
            FROM (VALUES {}) AS done
            WHERE company_id = done.column1 AND id = done.column2 AND fence = done.column3 AND state = 'sending' RETURNING id",
            rows_of_places(0, portion)
        );
        moved.extend(all::<Moved>(tx.as_conn(), &sql, portion.concat()).await?.into_iter().map(|row| row.id));
    }
    Ok(moved)
}

fn outcome_row(done: &Recorded, now: Instant) -> Vec<Value> {
    let state = done.next.state();
    debug_assert!(State::Sending.may_become(state));
    let waits = match done.next {
        Next::WaitForAccount => Some(now),
        other => other.at(),
    };
    values![
        done.company.0,
        done.id.0,
        done.fence,
        state.as_str(),
        waits,
        state.is_final().then_some(now),
        done.reply.as_str(),
        done.problem_code.clone(),
        done.problem_code.as_ref().map(|_| done.phase),
        done.message_id.as_str(),
        done.stamp.source,
        done.stamp.server.as_str(),
        done.stamp.from_address.as_str(),
        now
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
pub async fn renew(db: &Db, held: &[(CompanyId, DeliveryId, i64)], lease: TimeDelta, now: Instant) -> Result<u64, StoreError> {
    let tx = db.begin_write().await?;
    let renewed = change_held(&tx, "lease_until = $1", held, now + lease).await?;
    tx.commit().await?;
    Ok(renewed)
}

/// Gives back what was claimed and not begun: the node is stopping, or the account has just been paused.
pub async fn return_to_queue(db: &Db, held: &[(CompanyId, DeliveryId, i64)], now: Instant) -> Result<(), StoreError> {
    let tx = db.begin_write().await?;
    let change = "state = CASE WHEN recalled THEN 'cancelled' ELSE 'queued' END, attempts = attempts - 1,
        next_attempt_at = CASE WHEN recalled THEN NULL ELSE $1 END, finished_at = CASE WHEN recalled THEN $1 ELSE NULL END,
        lease_until = NULL";
    change_held(&tx, change, held, now).await?;
    tx.commit().await
}

/// Changes what these claims still hold; `at` is the change's `$1`. Gives how many they held.
pub(crate) async fn change_held(
    tx: &Tx,
    change: &str,
    held: &[(CompanyId, DeliveryId, i64)],
    at: Instant,
) -> Result<u64, StoreError> {
    let rows: Vec<Vec<Value>> = held.iter().map(|(company, id, fence)| values![company.0, id.0, *fence]).collect();
    let mut changed = 0;
    for portion in portions(&rows) {
        let sql = format!(
            "UPDATE delivery SET {change} FROM (VALUES {}) AS held
            WHERE company_id = held.column1 AND id = held.column2 AND fence = held.column3 AND state = 'sending'",
            rows_of_places(1, portion)
        );
        changed += execute(tx.as_conn(), &sql, values![at].into_iter().chain(portion.concat()).collect()).await?;
    }
    Ok(changed)
}

/// Returns to the queue what was being sent when its lease ended: its worker is gone, and nobody knows how far it had come.
pub async fn release_expired_any_company(db: &Db, now: Instant) -> Result<u64, StoreError> {
    let tx = db.begin_write().await?;
    let sql = format!(
        "UPDATE delivery SET state = CASE WHEN recalled THEN 'cancelled' ELSE 'queued' END,
            next_attempt_at = CASE WHEN recalled THEN NULL ELSE $1 END, finished_at = CASE WHEN recalled THEN $1 ELSE NULL END,
            may_have_arrived = TRUE, lease_until = NULL WHERE state = 'sending'
        AND (company_id, id) IN (SELECT company_id, id FROM delivery WHERE lease_until IS NOT NULL AND lease_until < $1 {})",
        skip_locked(tx.as_conn())
    );
    let released = execute(tx.as_conn(), &sql, values![now]).await?;
    tx.commit().await?;
    Ok(released)
}
