//! How an account is: since when it has not been seen to work, when its server's certificate ends, and what those who look
//! after it were told. They are told in the transaction that makes it so; `notices` has the mails.

use acuse_domain::Instant;
use acuse_domain::id::{CompanyId, MailAccountId};
use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::Actor;
use crate::account_key::{AccountKey, AccountVersion};
use crate::db::{Db, StoreError, Tx};
use crate::events::{self, EventKind};
use crate::notices::{self, Subject};
use crate::sql::{Kept, Of, execute, one, readable, values};

/// How long before its end something is announced: time to renew it over a holiday.
pub const ANNOUNCED_AHEAD: TimeDelta = TimeDelta::days(14);
/// A certificate that was seen longer ago may have been renewed: it is looked at again before anybody is told.
const STILL_TRUE: TimeDelta = TimeDelta::days(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// It stopped, and has not been seen to work since.
    pub stopped_at: Option<Instant>,
    /// Of the server's certificate, as it was last seen.
    pub certificate_ends_at: Option<Instant>,
}

impl Health {
    /// The certificate's end, where it is near or past.
    #[must_use]
    pub fn certificate_ending(&self, now: Instant) -> Option<Instant> {
        self.certificate_ends_at.filter(|ends| *ends <= now + ANNOUNCED_AHEAD)
    }
}

#[derive(FromQueryResult)]
struct Row {
    account_id: Uuid,
    stopped_at: Kept<Option<Instant>>,
    certificate_ends_at: Kept<Option<Instant>>,
}

impl Row {
    fn into_health(self) -> Health {
        let of = Of { table: "account_health", id: self.account_id };
        Health {
            // It stopped, whenever that was.
            stopped_at: of.kept("stopped_at", self.stopped_at).unwrap_or(Some(Instant::default())),
            certificate_ends_at: of.kept("certificate_ends_at", self.certificate_ends_at).flatten(),
        }
    }
}

/// Nothing is known of an account that never failed and was never seen over TLS.
pub async fn find(db: &Db, account: AccountKey) -> Result<Health, StoreError> {
    let sql = "SELECT account_id, stopped_at, certificate_ends_at FROM account_health WHERE account_id = $1";
    let row: Option<Row> = one(&db.of_any_company(), sql, values![account.id()]).await?;
    Ok(row.map(Row::into_health).unwrap_or_default())
}

/// Of the company's own accounts, those of which something is known.
pub async fn list(db: &Db, company: CompanyId) -> Result<Vec<(MailAccountId, Health)>, StoreError> {
    let sql = "SELECT account_id, stopped_at, certificate_ends_at FROM account_health WHERE company_id = $1";
    let rows: Vec<Row> = readable(&db.of(company), "account_health", sql, values![company.0]).await?;
    Ok(rows.into_iter().map(|row| (MailAccountId(row.account_id), row.into_health())).collect())
}

/// Notes when the certificate ends that an account's server has just shown.
pub async fn note_certificate_any_company(
    db: &Db,
    seen: impl Into<AccountVersion>,
    ends_at: Instant,
    now: Instant,
) -> Result<(), StoreError> {
    let seen = seen.into();
    let account = seen.account;
    let tx = db.begin_write_any_company().await?;
    if !seen.is_current(&tx).await? {
        return tx.undo().await;
    }
    let new = match account {
        AccountKey::Own(_) => "SELECT id, company_id, $2, $3 FROM mail_account WHERE id = $1",
        AccountKey::Default => "VALUES ($1, NULL, $2, $3)",
    };
    let sql = format!(
        "INSERT INTO account_health (account_id, company_id, certificate_ends_at, certificate_seen_at) {new}
        ON CONFLICT (account_id) DO UPDATE SET certificate_ends_at = $2, certificate_seen_at = $3"
    );
    execute(tx.as_conn(), &sql, values![account.id(), ends_at, now]).await?;
    tx.commit().await
}

/// An account whose certificate ends soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    pub account: AccountKey,
    /// None for the default account.
    pub company: Option<CompanyId>,
    pub ends_at: Instant,
}

#[derive(FromQueryResult)]
struct EndingRow {
    account_id: Uuid,
    company_id: Option<Uuid>,
    certificate_ends_at: Instant,
}

impl EndingRow {
    fn into_ending(self) -> Ending {
        Ending {
            account: AccountKey::of(self.account_id),
            company: self.company_id.map(CompanyId),
            ends_at: self.certificate_ends_at,
        }
    }
}

/// Certificates that would have to be announced, but were seen too long ago to be sure. Whoever's they are.
pub async fn certificates_to_look_at_any_company(db: &Db, now: Instant) -> Result<Vec<Ending>, StoreError> {
    let sql = "SELECT account_id, company_id, certificate_ends_at FROM account_health
        WHERE certificate_ends_at > $1 AND certificate_ends_at <= $2 AND certificate_seen_at < $3
        AND (certificate_announced IS NULL OR certificate_announced <> certificate_ends_at)";
    let asked = values![now, now + ANNOUNCED_AHEAD, now - STILL_TRUE];
    let rows: Vec<EndingRow> = readable(&db.of_any_company(), "account_health", sql, asked).await?;
    Ok(rows.into_iter().map(EndingRow::into_ending).collect())
}

/// Queues the mails about certificates that end within two weeks, once for each certificate. Gives what was news.
pub async fn announce_certificates_any_company(db: &Db, now: Instant) -> Result<Vec<Ending>, StoreError> {
    let tx = db.begin_write_any_company().await?;
    let sql = "UPDATE account_health SET certificate_announced = certificate_ends_at
        WHERE certificate_ends_at > $1 AND certificate_ends_at <= $2 AND certificate_seen_at >= $3
        AND (certificate_announced IS NULL OR certificate_announced <> certificate_ends_at)
        RETURNING account_id, company_id, certificate_ends_at";
    let asked = values![now, now + ANNOUNCED_AHEAD, now - STILL_TRUE];
    let rows: Vec<EndingRow> = readable(tx.as_conn(), "account_health", sql, asked).await?;
    let news: Vec<Ending> = rows.into_iter().map(EndingRow::into_ending).collect();
    for ending in &news {
        if let Some(company) = ending.company {
            let subject = Subject { company, account: ending.account, kind: "certificate_ending", about: ending.ends_at };
            notices::queue_for_all(&tx, &subject, "", "", now).await?;
        }
    }
    tx.commit().await?;
    if !news.is_empty() {
        db.nudge();
    }
    Ok(news)
}

/// Notes that an account stopped, and queues the mails that say so. Gives whether it was news.
pub(crate) async fn tell_stopped(
    tx: &Tx,
    account: AccountKey,
    problem_code: &str,
    reply: &str,
    now: Instant,
) -> Result<bool, StoreError> {
    #[derive(FromQueryResult)]
    struct Whose {
        company_id: Option<Uuid>,
    }
    let new = match account {
        AccountKey::Own(_) => "SELECT id, company_id, $2 FROM mail_account WHERE id = $1",
        AccountKey::Default => "VALUES ($1, NULL, $2)",
    };
    let sql = format!(
        "INSERT INTO account_health (account_id, company_id, stopped_at) {new}
        ON CONFLICT (account_id) DO UPDATE SET stopped_at = $2 WHERE account_health.stopped_at IS NULL RETURNING company_id"
    );
    let Some(whose) = one::<Whose>(tx.as_conn(), &sql, values![account.id(), now]).await? else { return Ok(false) };
    if let Some(company) = whose.company_id.map(CompanyId) {
        let (by, kind) = (Actor::acuse(company), EventKind::MailAccountPaused);
        events::append(tx, &by, account.id(), kind, now, problem_code).await?;
        let subject = Subject { company, account, kind: "stopped", about: now };
        notices::queue_for_all(tx, &subject, problem_code, reply, now).await?;
    }
    Ok(true)
}

/// Notes that an account works again. Who heard that it had stopped hears of it; who did not hear yet hears nothing.
pub(crate) async fn tell_recovered(tx: &Tx, account: AccountKey, now: Instant) -> Result<(), StoreError> {
    #[derive(FromQueryResult)]
    struct Stopped {
        company_id: Option<Uuid>,
        stopped_at: Kept<Instant>,
    }
    let sql = "SELECT company_id, stopped_at FROM account_health WHERE account_id = $1 AND stopped_at IS NOT NULL";
    let Some(stopped) = one::<Stopped>(tx.as_conn(), sql, values![account.id()]).await? else { return Ok(()) };
    let Some(stopped_at) = stopped.stopped_at.value() else {
        // Who heard of it, and when, cannot be read either.
        let sql = "UPDATE account_health SET stopped_at = NULL WHERE account_id = $1";
        return execute(tx.as_conn(), sql, values![account.id()]).await.map(|_| ());
    };
    let sql = "UPDATE account_health SET stopped_at = NULL WHERE account_id = $1 AND stopped_at = $2";
    let is_news = execute(tx.as_conn(), sql, values![account.id(), stopped_at]).await? == 1;
    if let Some(company) = stopped.company_id.map(CompanyId).filter(|_| is_news) {
        events::append(tx, &Actor::acuse(company), account.id(), EventKind::MailAccountWorks, now, "").await?;
        let subject = Subject { company, account, kind: "recovered", about: stopped_at };
        notices::queue_for_who_heard(tx, &subject, now).await?;
    }
    Ok(())
}

/// The account is gone or turned off.
pub(crate) async fn forget(tx: &Tx, account: AccountKey) -> Result<(), StoreError> {
    execute(tx.as_conn(), "DELETE FROM account_health WHERE account_id = $1", values![account.id()]).await?;
    notices::cancel_all(tx, account).await
}

/// The account may have another server now.
pub(crate) async fn forget_certificate(tx: &Tx, account: AccountKey) -> Result<(), StoreError> {
    let sql = "UPDATE account_health SET certificate_ends_at = NULL, certificate_seen_at = NULL WHERE account_id = $1";
    execute(tx.as_conn(), sql, values![account.id()]).await?;
    Ok(())
}
