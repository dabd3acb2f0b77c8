//! Mails to those who look after an account: that it stopped, works again, or that something of it ends soon.
//!
//! A row for each recipient is written in the transaction that it tells of, so it is there if that happened, and once.

use acuse_domain::Instant;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{CompanyId, MailAccountId};
use acuse_domain::mail_account::MailModule;
use acuse_domain::text::escaped;
use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::account_key::AccountKey;
use crate::claims::{Claim, Queue};
use crate::db::{Db, StoreError, Tx};
use crate::own_mails::{STAYS_NEWS, Told};
use crate::sql::{Undecoded, execute, new_id, readable, values};
use crate::{own_mails, owners, routing};

/// What a dead worker held comes back, unless a server may have it: then it is never sent again.
const NOTICES: Queue = own_mails::queue(
    "account_notice",
    &["company_id", "id"],
    "state = CASE WHEN handed_over_at IS NULL THEN 'queued' ELSE 'in_doubt' END,
    next_attempt_at = CASE WHEN handed_over_at IS NULL THEN $1 END, finished_at = CASE WHEN handed_over_at IS NOT NULL THEN $1 END",
    "company_id, id, account_id, kind, about, recipient, problem_code, problem_reply, queued_at, attempts, fence",
);

/// What several mails have in common. With the recipient it exists once.
pub(crate) struct Subject {
    pub company: CompanyId,
    pub account: AccountKey,
    pub kind: &'static str,
    pub about: Instant,
}

/// Queues a mail to each who looks after the company's accounts: those it named, else its owners.
pub(crate) async fn queue_for_all(
    tx: &Tx,
    subject: &Subject,
    problem_code: &str,
    problem_reply: &str,
    now: Instant,
) -> Result<(), StoreError> {
    let named = routing::policy_in(tx.as_conn(), subject.company).await?.notify;
    let mut recipients: Vec<String> = named.iter().filter(|address| address.is_readable()).map(ToString::to_string).collect();
    if recipients.is_empty() {
        recipients = owners::of(tx.as_conn(), subject.company).await?;
    }
    for recipient in recipients {
        queue(tx, subject, &recipient, problem_code, problem_reply, now).await?;
    }
    Ok(())
}

/// Queues a mail to each who was told that the account stopped, and takes back what they were not told yet.
pub(crate) async fn queue_for_who_heard(tx: &Tx, subject: &Subject, now: Instant) -> Result<(), StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        recipient: String,
    }
    let stopped = values![subject.company.0, subject.account.id(), subject.about];
    let sql = "SELECT recipient FROM account_notice WHERE company_id = $1 AND account_id = $2 AND kind = 'stopped' AND about = $3
        AND state IN ('sending', 'accepted', 'in_doubt') ORDER BY recipient";
    let heard: Vec<Row> = readable(tx.as_conn(), "account_notice", sql, stopped).await?;
    take_back_stopped(tx, subject.account).await?;
    for row in heard {
        queue(tx, subject, &row.recipient, "", "", now).await?;
    }
    Ok(())
}

/// A certificate ends all the same.
async fn take_back_stopped(tx: &Tx, account: AccountKey) -> Result<(), StoreError> {
    let sql = "UPDATE account_notice SET state = 'cancelled', next_attempt_at = NULL
        WHERE account_id = $1 AND kind = 'stopped' AND state = 'queued'";
    execute(tx.as_conn(), sql, values![account.id()]).await?;
    Ok(())
}

async fn queue(
    tx: &Tx,
    subject: &Subject,
    recipient: &str,
    problem_code: &str,
    problem_reply: &str,
    now: Instant,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO account_notice (company_id, id, account_id, kind, about, recipient, problem_code, problem_reply,
        state, queued_at, next_attempt_at, attempts, fence) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9, $9, 0, 0)
        ON CONFLICT (account_id, kind, about, recipient) DO NOTHING";
    let row = values![
        subject.company.0,
        new_id(),
        subject.account.id(),
        subject.kind,
        subject.about,
        recipient,
        problem_code,
        problem_reply,
        now
    ];
    execute(tx.as_conn(), sql, row).await?;
    Ok(())
}

/// Takes back what of an account was not told yet and is not true any more.
pub(crate) async fn cancel_all(tx: &Tx, account: AccountKey) -> Result<(), StoreError> {
    let sql = "UPDATE account_notice SET state = 'cancelled', next_attempt_at = NULL WHERE account_id = $1 AND state = 'queued'";
    execute(tx.as_conn(), sql, values![account.id()]).await?;
    Ok(())
}

/// What a mail says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    Stopped {
        since: Instant,
        problem_code: String,
        reply: String,
    },
    /// After it had stopped at this moment.
    Recovered {
        since: Instant,
    },
    CertificateEnding {
        at: Instant,
    },
    /// Of an account connected to Google or Microsoft.
    ConnectionEnding {
        at: Instant,
    },
}

/// A mail in one worker's hands until its lease ends, with all that is needed to write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub company: CompanyId,
    pub claim: Claim,
    /// This one included.
    pub attempt: i32,
    pub queued_at: Instant,
    pub recipient: EmailAddress,
    pub news: News,
    /// What people call the company, and its razón social.
    pub company_name: String,
    pub legal_name: String,
    pub account: MailAccountId,
    pub module: MailModule,
    pub from_address: String,
    pub server: String,
    pub username: String,
    /// Deliveries that wait for the account.
    pub waiting: i64,
}

#[derive(FromQueryResult)]
struct ClaimRow {
    company_id: Uuid,
    id: Uuid,
    account_id: Uuid,
    kind: String,
    about: Instant,
    recipient: String,
    problem_code: String,
    problem_reply: String,
    queued_at: Instant,
    attempts: i32,
    fence: i64,
}

/// Whether a mail is due, or one under way has lost its worker. Whoever's it is.
pub async fn are_due_any_company(db: &Db, now: Instant) -> Result<bool, StoreError> {
    NOTICES.is_due(db, now).await
}

/// Claims up to `most` due mails until `now + lease`, whoever's they are; what a dead worker held first comes back.
pub async fn claim_due_any_company(db: &Db, most: u32, lease: TimeDelta, now: Instant) -> Result<Vec<Notice>, StoreError> {
    let tx = db.begin_write_any_company().await?;
    NOTICES.expire(&tx, now).await?;
    let stale = "UPDATE account_notice SET state = 'cancelled', next_attempt_at = NULL, finished_at = $1
        WHERE state = 'queued' AND next_attempt_at <= $1 AND queued_at < $2";
    execute(tx.as_conn(), stale, values![now, now - STAYS_NEWS]).await?;
    let mut claimed = Vec::new();
    for line in NOTICES.claim(&tx, most, lease, now, values![]).await? {
        match line {
            Ok(row) => claimed.extend(put_together(&tx, row, now).await?),
            Err(Undecoded { id, .. }) => give_up(&tx, id, now).await?,
        }
    }
    tx.commit().await?;
    Ok(claimed)
}

/// A mail that cannot be read says nothing to anybody.
async fn give_up(tx: &Tx, id: Uuid, now: Instant) -> Result<(), StoreError> {
    let sql = "UPDATE account_notice SET state = 'cancelled', finished_at = $2, lease_until = NULL WHERE id = $1";
    execute(tx.as_conn(), sql, values![id, now]).await?;
    Ok(())
}

/// Nothing, and the mail is given up, where the account is gone or the row cannot be read.
async fn put_together(tx: &Tx, row: ClaimRow, now: Instant) -> Result<Option<Notice>, StoreError> {
    #[derive(FromQueryResult)]
    struct About {
        legal_name: String,
        trade_name: Option<String>,
        module: String,
        from_address: String,
        server: String,
        username: String,
        waiting: i64,
    }
    let sql = "SELECT a.id, c.legal_name, c.trade_name, a.module, a.from_address, a.server, a.username,
            (SELECT COUNT(*) FROM delivery d WHERE d.company_id = a.company_id AND d.module = a.module
                AND d.state IN ('queued', 'sending', 'deferred')) AS waiting
        FROM mail_account a JOIN company c ON c.id = a.company_id WHERE a.company_id = $1 AND a.id = $2";
    let about: Vec<About> = readable(tx.as_conn(), "mail_account", sql, values![row.company_id, row.account_id]).await?;
    let about = about.into_iter().next();
    let claim = Claim { company: Some(CompanyId(row.company_id)), id: row.id, fence: row.fence };
    let module = about.as_ref().and_then(|about| MailModule::parse(&about.module));
    let (Some(about), Some(module), Ok(recipient), Some(news)) = (about, module, row.recipient.parse(), news(&row)) else {
        finish(tx, claim, "cancelled", "", now).await?;
        return Ok(None);
    };
    Ok(Some(Notice {
        company: CompanyId(row.company_id),
        claim,
        attempt: row.attempts,
        queued_at: row.queued_at,
        recipient,
        news,
        company_name: about.trade_name.unwrap_or_else(|| about.legal_name.clone()),
        legal_name: about.legal_name,
        account: MailAccountId(row.account_id),
        module,
        from_address: about.from_address,
        server: about.server,
        username: about.username,
        waiting: about.waiting,
    }))
}

fn news(row: &ClaimRow) -> Option<News> {
    let (since, at) = (row.about, row.about);
    Some(match row.kind.as_str() {
        "stopped" => News::Stopped { since, problem_code: row.problem_code.clone(), reply: escaped(&row.problem_reply) },
        "recovered" => News::Recovered { since },
        "certificate_ending" => News::CertificateEnding { at },
        "connection_ending" => News::ConnectionEnding { at },
        _ => return None,
    })
}

/// Notes that the server is given the mail now. Tells no where the lease was lost: then it must not be given.
pub async fn hand_over(db: &Db, claim: Claim, now: Instant) -> Result<bool, StoreError> {
    own_mails::hand_over(&NOTICES, db, claim, now).await
}

/// Writes down how a mail went. Tells no where the lease was lost meanwhile.
pub async fn record(db: &Db, claim: Claim, told: &Told, reply: &str, now: Instant) -> Result<bool, StoreError> {
    let tx = db.begin_write_any_company().await?;
    let is_ours = match told {
        Told::Again { at } => {
            let set = "state = 'queued', next_attempt_at = $1, handed_over_at = NULL, reply = $2";
            !NOTICES.finish(&tx, &[claim], set, values![*at, reply]).await?.is_empty()
        }
        ended => finish(&tx, claim, ended.state(), reply, now).await?,
    };
    tx.commit().await?;
    Ok(is_ours)
}

async fn finish(tx: &Tx, claim: Claim, state: &'static str, reply: &str, now: Instant) -> Result<bool, StoreError> {
    let set = "state = $1, finished_at = $2, reply = $3";
    Ok(!NOTICES.finish(tx, &[claim], set, values![state, now, reply]).await?.is_empty())
}
