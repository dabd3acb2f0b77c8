//! Accounts that rest after a fault of their own, and when they are tried again.

use acuse_domain::Instant;
use acuse_domain::id::{CompanyId, MailAccountId};
use acuse_domain::mail_account::Pause;
use acuse_domain::text::escaped;
use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::Actor;
pub use crate::account_key::{AccountKey, AccountVersion};
use crate::claims::{Claim, Queue};
use crate::db::{Db, StoreError, Tx};
use crate::events::{self, EventKind};
use crate::health;
use crate::sql::{Kept, Line, Of, count, execute, one, values};

/// After a fault an account is tried again after 15 minutes, then 1, 4 and every 12 hours: who knocks often with a wrong
/// password is locked out.
pub const SELDOM: [i64; 4] = [15, 60, 240, 720];
/// A server that was only out of reach minds no knocking; its mail should leave soon after it is back.
pub const OFTEN: [i64; 4] = [5, 10, 15, 30];
/// Who took a probe upon itself and died lets others try after this long.
const PROBE_TAKES: TimeDelta = TimeDelta::minutes(3);

/// A probe that is not made by then is due again.
const PROBES: Queue = Queue {
    table: "account_pause",
    key: &["account_id"],
    due: "probe_at <= $1",
    order: "probe_at",
    claimed: "probe_at = $2",
    lease: "probe_at",
    is_held: "TRUE",
    expired: None,
    gives: "account_id, phase, fence,
        (SELECT a.company_id FROM mail_account a WHERE a.id = account_pause.account_id) AS company_id",
};
/// One account's trial by a delivery, which is a probe of it too.
const TRIALS: Queue = Queue { due: "account_id = $3 AND on_trial", claimed: "probe_at = $2, on_trial = FALSE", ..PROBES };

/// What an account is at fault with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault<'a> {
    pub problem_code: &'a str,
    pub reply: &'a str,
    /// Where in the session it was seen.
    pub phase: &'a str,
    /// Minutes to the probes: [`SELDOM`] or [`OFTEN`].
    pub probe_after: [i64; 4],
}

/// A resting account, and when it is tried again by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resting {
    pub pause: Pause,
    pub phase: String,
    pub probe_at: Instant,
    /// A check went well and cannot prove more: one delivery may be tried.
    pub on_trial: bool,
    /// What was queued until then goes out through the default account.
    pub default_sends_until: Option<Instant>,
}

/// It rests as long as its row is there, whatever of that can be read.
pub async fn find(db: &Db, account: AccountKey) -> Result<Option<Resting>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        since: Kept<Instant>,
        problem_code: Kept<String>,
        reply: Kept<String>,
        phase: Kept<String>,
        probe_at: Kept<Instant>,
        on_trial: Kept<bool>,
        default_sends_until: Kept<Option<Instant>>,
    }
    let sql = "SELECT since, problem_code, reply, phase, probe_at, on_trial, default_sends_until FROM account_pause
        WHERE account_id = $1";
    let row: Option<Row> = one(&db.of_any_company(), sql, values![account.id()]).await?;
    let of = Of { table: "account_pause", id: account.id() };
    Ok(row.map(|row| Resting {
        pause: Pause {
            since: of.kept("since", row.since).unwrap_or_default(),
            problem_code: of.kept("problem_code", row.problem_code).unwrap_or_default(),
            reply: escaped(&of.kept("reply", row.reply).unwrap_or_default()),
        },
        phase: of.kept("phase", row.phase).unwrap_or_default(),
        probe_at: of.kept("probe_at", row.probe_at).unwrap_or_default(),
        on_trial: of.kept("on_trial", row.on_trial).unwrap_or_default(),
        default_sends_until: of.kept("default_sends_until", row.default_sends_until).flatten(),
    }))
}

/// As [`stop_any_company`], for a fault that was seen at the login.
pub async fn begin(db: &Db, account: AccountKey, problem_code: &str, reply: &str, now: Instant) -> Result<(), StoreError> {
    let fault = Fault { problem_code, reply, phase: "auth", probe_after: SELDOM };
    stop_any_company(db, account, &fault, now).await.map(|_| ())
}

/// Lets an account rest, and queues the mail to those who look after it unless they know; tells whether that was news.
///
/// Other deliveries that were under way when the account failed are no probes: only what fails when the next probe is due
/// makes the wait longer.
pub async fn stop_any_company(
    db: &Db,
    seen: impl Into<AccountVersion>,
    fault: &Fault<'_>,
    now: Instant,
) -> Result<bool, StoreError> {
    let tx = db.begin_write_any_company().await?;
    let is_news = stop_in(&tx, seen.into(), fault, now).await?;
    tx.commit().await?;
    if is_news {
        db.nudge();
    }
    Ok(is_news)
}

pub(crate) async fn stop_in(tx: &Tx, seen: AccountVersion, fault: &Fault<'_>, now: Instant) -> Result<bool, StoreError> {
    if !seen.is_current(tx).await? {
        return Ok(false);
    }
    rest(tx, seen.account, fault, "CASE WHEN account_pause.probe_at <= $2 THEN 1 ELSE 0 END", now).await?;
    health::tell_stopped(tx, seen.account, fault.problem_code, fault.reply, now).await
}

/// Lets an account rest longer: the probe that this process took upon itself failed. Tells no where it counts no more: the
/// account was mended meanwhile, or somebody else has taken the probe.
pub async fn probe_failed_any_company(
    db: &Db,
    claim: Claim,
    seen: impl Into<AccountVersion>,
    fault: &Fault<'_>,
    now: Instant,
) -> Result<bool, StoreError> {
    let seen = seen.into();
    let tx = db.begin_write_any_company().await?;
    let counts = seen.is_current(&tx).await? && !PROBES.change(&tx, &[claim], "on_trial = FALSE", values![]).await?.is_empty();
    if counts {
        rest(&tx, seen.account, fault, "1", now).await?;
    }
    tx.commit().await?;
    Ok(counts)
}

async fn rest(tx: &Tx, account: AccountKey, fault: &Fault<'_>, counts: &str, now: Instant) -> Result<(), StoreError> {
    #[derive(FromQueryResult)]
    struct Probes {
        probes: i32,
    }
    let sql = format!(
        "INSERT INTO account_pause (account_id, since, problem_code, reply, phase, probes, probe_at, fence)
        VALUES ($1, $2, $3, $4, $5, 0, $6, $7)
        ON CONFLICT (account_id) DO UPDATE SET problem_code = $3, reply = $4, phase = $5, probes = account_pause.probes + {counts}
        RETURNING probes"
    );
    let Fault { problem_code, reply, phase, probe_after } = *fault;
    let first = now + TimeDelta::minutes(probe_after[0]);
    // Past the fence of every earlier pause: what a probe of that one finds does not count for this one.
    let fence = now.timestamp_millis();
    let row = values![account.id(), now, problem_code, reply, phase, first, fence];
    let row: Option<Probes> = one(tx.as_conn(), &sql, row).await?;
    let probes = usize::try_from(row.map_or(0, |row| row.probes)).unwrap_or_default();
    let minutes = probe_after[probes.min(probe_after.len() - 1)];
    let sql = "UPDATE account_pause SET probe_at = $2 WHERE account_id = $1";
    execute(tx.as_conn(), sql, values![account.id(), now + TimeDelta::minutes(minutes)]).await?;
    Ok(())
}

/// An account to be probed by whoever was given it here, and by nobody else for some minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    pub account: AccountKey,
    /// None for the default account.
    pub company: Option<CompanyId>,
    /// Where in the session its fault was seen.
    pub phase: String,
    pub claim: Claim,
}

/// Takes up to `most` accounts whose time to be tried has come, whoever's they are.
pub async fn take_probes_any_company(db: &Db, most: u32, now: Instant) -> Result<Vec<Probe>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        account_id: Uuid,
        company_id: Option<Uuid>,
        phase: Kept<String>,
        fence: i64,
    }
    // Nearly always there is none: a look that writes nothing.
    if !PROBES.is_due(db, now).await? {
        return Ok(Vec::new());
    }
    let tx = db.begin_write_any_company().await?;
    let rows: Vec<Line<Row>> = PROBES.claim(&tx, most, PROBE_TAKES, now, values![]).await?;
    tx.commit().await?;
    let probe = |row: Row| Probe {
        account: AccountKey::of(row.account_id),
        company: row.company_id.map(CompanyId),
        phase: row.phase.value().unwrap_or_default(),
        claim: Claim { company: None, id: row.account_id, fence: row.fence },
    };
    Ok(rows.into_iter().filter_map(Result::ok).map(probe).collect())
}

/// Has a resting account tried at the next occasion.
pub async fn probe_soon_any_company(db: &Db, account: AccountKey, now: Instant) -> Result<(), StoreError> {
    let tx = db.begin_write_any_company().await?;
    let sql = "UPDATE account_pause SET probe_at = $2 WHERE account_id = $1 AND probe_at > $2";
    execute(tx.as_conn(), sql, values![account.id(), now]).await?;
    tx.commit().await
}

/// The probe went well and proves nothing about where the fault was seen: one delivery may be tried.
pub async fn put_on_trial_any_company(
    db: &Db,
    claim: Claim,
    seen: impl Into<AccountVersion>,
    now: Instant,
) -> Result<(), StoreError> {
    let tx = db.begin_write_any_company().await?;
    if seen.into().is_current(&tx).await? {
        // Until a delivery comes there is nothing more to learn from a probe.
        let until = now + TimeDelta::minutes(SELDOM[3]);
        PROBES.change(&tx, &[claim], "on_trial = TRUE, probe_at = $1", values![until]).await?;
    }
    tx.commit().await?;
    db.nudge();
    Ok(())
}

/// Takes the one delivery's leave upon itself; whoever comes second gets nothing.
pub async fn take_trial_any_company(db: &Db, account: AccountKey, now: Instant) -> Result<Option<Claim>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        fence: i64,
    }
    let tx = db.begin_write_any_company().await?;
    let taken: Vec<Line<Row>> = TRIALS.claim(&tx, 1, PROBE_TAKES, now, values![account.id()]).await?;
    tx.commit().await?;
    let claim = |Row { fence }| Claim { company: None, id: account.id(), fence };
    Ok(taken.into_iter().find_map(Result::ok).map(claim))
}

/// Has what waits now for a resting account of the company sent through the default one. Gives whether it rests. Asked
/// again, it stays with what waited the first time.
pub async fn send_waiting_by_default(db: &Db, by: &Actor, id: MailAccountId, now: Instant) -> Result<bool, StoreError> {
    let tx = db.begin_write_for(by.company).await?;
    let sql = "SELECT COUNT(*) AS n FROM account_pause WHERE default_sends_until IS NULL AND account_id IN
        (SELECT id FROM mail_account WHERE company_id = $1 AND id = $2)";
    let is_news = count(tx.as_conn(), sql, values![by.company.0, id.0]).await? > 0;
    let sql = "UPDATE account_pause SET default_sends_until = COALESCE(default_sends_until, $3) WHERE account_id IN
        (SELECT id FROM mail_account WHERE company_id = $1 AND id = $2)";
    let asked = execute(tx.as_conn(), sql, values![by.company.0, id.0, now]).await?;
    if is_news {
        events::append(&tx, by, id.0, EventKind::MailAccountDefaultSends, now, "").await?;
    }
    tx.commit().await?;
    db.nudge();
    Ok(asked == 1)
}

/// An account was seen to work: its rest is over, and those who heard that it stopped hear of this too.
pub async fn end(db: &Db, seen: impl Into<AccountVersion>, now: Instant) -> Result<(), StoreError> {
    let seen = seen.into();
    let tx = db.begin_write_any_company().await?;
    if seen.is_current(&tx).await? {
        works_in(&tx, seen.account, now).await?;
    }
    tx.commit().await?;
    db.nudge();
    Ok(())
}

/// See [`end`].
pub(crate) async fn works_in(tx: &Tx, account: AccountKey, now: Instant) -> Result<(), StoreError> {
    end_in(tx, account).await?;
    hurry_in(tx, account, now).await?;
    health::tell_recovered(tx, account, now).await
}

/// What was put off because of an account's own trouble leaves as soon as that is over.
async fn hurry_in(tx: &Tx, account: AccountKey, now: Instant) -> Result<(), StoreError> {
    let sql = "UPDATE delivery SET next_attempt_at = $2 WHERE state = 'deferred' AND next_attempt_at > $2
        AND problem_phase IN ('dns', 'connect', 'greeting', 'tls', 'auth')
        AND (company_id, module) IN (SELECT company_id, module FROM mail_account WHERE id = $1)";
    execute(tx.as_conn(), sql, values![account.id(), now]).await?;
    Ok(())
}

/// Ends the rest of an account that was changed. Whether it works now is not known yet.
pub(crate) async fn changed_in(tx: &Tx, account: AccountKey) -> Result<(), StoreError> {
    end_in(tx, account).await?;
    health::forget_certificate(tx, account).await
}

/// Ends a rest, and says nothing about whether the account works.
pub(crate) async fn end_in(tx: &Tx, account: AccountKey) -> Result<(), StoreError> {
    execute(tx.as_conn(), "DELETE FROM account_pause WHERE account_id = $1", values![account.id()]).await?;
    Ok(())
}

/// The account is gone, or turned off or on: nobody has to hear of it any more.
pub(crate) async fn forget_in(tx: &Tx, account: AccountKey) -> Result<(), StoreError> {
    end_in(tx, account).await?;
    health::forget(tx, account).await
}
