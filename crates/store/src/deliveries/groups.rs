//! In which group each envío stands, for every list and every count: `domain::delivery::State::group` in SQL.

use acuse_domain::Instant;
use acuse_domain::delivery::{Group, State};
use acuse_domain::failure_policy::{Chain, Link, SendsNow};
use acuse_domain::id::{CompanyId, UserId};
use acuse_domain::mail_account::MailModule;
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use crate::db::{Db, StoreError};
use crate::pauses::{self, AccountKey};
use crate::routing;
use crate::sql::{Kept, Of, count, one, readable, values};

/// What took the place of a delivery `d` that did not arrive: a receipt (or notice) of the same payment that was accepted
/// later for the same address, or for the one that this was corrected to, or for an address that had not had it.
///
/// The last is how somebody works who corrects the address in Personas, or types another one in Reenviar. It says nothing
/// where it corrects another envío, where the same act sent to this address again, or where another recipient is still
/// without it: then nobody knows in whose place it came.
pub(super) const ACCEPTED_INSTEAD: &str = "FROM delivery a WHERE a.company_id = d.company_id AND a.payment_id = d.payment_id
    AND a.kind = d.kind AND a.state = 'accepted' AND (COALESCE(a.resend, 0) > COALESCE(d.resend, 0) OR a.finished_at > d.finished_at)
    AND (a.recipient_key = d.recipient_key OR COALESCE(a.corrects, a.id) = COALESCE(d.corrects, d.id)
        OR a.corrects IS NULL AND COALESCE(a.resend, 0) > COALESCE(d.resend, 0) AND NOT EXISTS (
            SELECT 1 FROM delivery e WHERE e.company_id = a.company_id AND e.payment_id = a.payment_id AND e.kind = a.kind
            AND (e.recipient_key = a.recipient_key AND COALESCE(e.resend, 0) < COALESCE(a.resend, 0)
                OR e.recipient_key = d.recipient_key AND e.resend = a.resend
                OR e.state IN ('failed', 'bounced') AND e.resolved_at IS NULL AND COALESCE(e.resend, 0) < COALESCE(a.resend, 0)
                    AND e.recipient_key <> d.recipient_key AND COALESCE(e.corrects, e.id) <> COALESCE(d.corrects, d.id)
                    AND NOT EXISTS (SELECT 1 FROM delivery g WHERE g.company_id = e.company_id AND g.payment_id = e.payment_id
                        AND g.kind = e.kind AND g.state = 'accepted' AND (g.recipient_key = e.recipient_key
                            OR COALESCE(g.corrects, g.id) = COALESCE(e.corrects, e.id))))))";

/// The correction of a delivery `d` that did not arrive: what becomes of the last one is what its sender has to know.
pub(super) const CORRECTED_BY: &str = "FROM delivery a WHERE a.company_id = d.company_id AND a.payment_id = d.payment_id
    AND a.kind = d.kind AND a.corrects = COALESCE(d.corrects, d.id) AND a.resend > COALESCE(d.resend, 0) AND a.state <> 'cancelled'";

/// Whether a delivery `d` that did not arrive is over.
fn resolved() -> String {
    format!(
        "(d.resolved_at IS NOT NULL
        OR d.kind = 'receipt' AND EXISTS (SELECT 1 FROM payment v WHERE v.company_id = d.company_id AND v.id = d.payment_id
            AND v.voided_at IS NOT NULL)
        OR EXISTS (SELECT 1 {CORRECTED_BY}) OR EXISTS (SELECT 1 {ACCEPTED_INSTEAD}))"
    )
}

/// The modules of a company whose mail nobody sends until a person acts: each with the moment until which the default account
/// sends what was queued, where somebody asked for that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stopped(Vec<(MailModule, Option<Instant>)>);

#[derive(FromQueryResult)]
struct Own {
    id: Uuid,
    module: String,
    default_sends_until: Kept<Option<Instant>>,
    rests: i64,
    since: Kept<Option<Instant>>,
}

impl Own {
    fn read(self) -> Option<(MailModule, Link, Option<Instant>)> {
        let of = Of { table: "account_pause", id: self.id };
        let since = of.kept("since", self.since).flatten();
        let resting_since = (self.rests == 1).then(|| since.unwrap_or_default());
        let until = of.kept("default_sends_until", self.default_sends_until).flatten();
        Some((MailModule::parse(&self.module)?, Link { resting_since }, until))
    }
}

impl Stopped {
    /// Reads who would send for each module now.
    pub async fn of(db: &Db, company: CompanyId, has_default: bool, now: Instant) -> Result<Self, StoreError> {
        // It rests as long as its row is there, whatever of that can be read.
        let sql = "SELECT a.id, a.module, p.default_sends_until, p.since,
                CAST(CASE WHEN p.account_id IS NULL THEN 0 ELSE 1 END AS BIGINT) AS rests FROM mail_account a
            LEFT JOIN account_pause p ON p.account_id = a.id WHERE a.company_id = $1 AND a.enabled";
        let own: Vec<Own> = readable(&db.of(company), "mail_account", sql, values![company.0]).await?;
        let own: Vec<(MailModule, Link, Option<Instant>)> = own.into_iter().filter_map(Own::read).collect();
        let default = match has_default {
            true => Some(Link { resting_since: pauses::find(db, AccountKey::Default).await?.map(|rest| rest.pause.since) }),
            false => None,
        };
        let on_failure = routing::policy(db, company).await?.on_failure;
        let stopped = MailModule::ALL.into_iter().filter_map(|module| {
            let own = own.iter().find(|(own, ..)| *own == module);
            let asked_until = own.and_then(|(.., until)| *until);
            let chain = Chain { own: own.map(|(_, link, _)| *link), default, on_failure, asked_until };
            let waits = matches!(chain.sends_now(now), SendsNow::Waits | SendsNow::Nobody);
            waits.then(|| (module, chain.default_sends_until()))
        });
        Ok(Self(stopped.collect()))
    }

    /// Whether a delivery of the module that was queued then waits for a person.
    #[must_use]
    pub fn holds(&self, module: MailModule, queued_at: Instant) -> bool {
        self.0.iter().any(|(stopped, until)| *stopped == module && until.is_none_or(|until| queued_at > until))
    }

    /// The same of a delivery `d`, with its values added to `asked`.
    fn condition(&self, asked: &mut Vec<Value>) -> String {
        let mut held = vec!["1 = 0".to_owned()];
        for (module, until) in &self.0 {
            asked.push(module.as_str().into());
            let module = asked.len();
            match until {
                None => held.push(format!("d.module = ${module}")),
                Some(until) => {
                    asked.push((*until).into());
                    held.push(format!("d.module = ${module} AND d.queued_at > ${}", module + 1));
                }
            }
        }
        format!("({})", held.join(" OR "))
    }
}

/// What a delivery `d` of this group fulfils, with its values added to `asked`.
pub(crate) fn condition(group: Group, stopped: &Stopped, asked: &mut Vec<Value>) -> String {
    match group {
        Group::WithProblems => format!(
            "d.state IN ('failed', 'bounced', 'queued', 'deferred', 'in_doubt') AND (
            d.state IN ('failed', 'bounced') AND NOT {} OR d.state IN ('queued', 'deferred', 'in_doubt') AND {})",
            resolved(),
            stopped.condition(asked)
        ),
        Group::UnderWay => format!(
            "d.state IN ('queued', 'sending', 'deferred', 'in_doubt') AND (d.state = 'sending' OR NOT {})",
            stopped.condition(asked)
        ),
        Group::Resolved => format!("d.state IN ('failed', 'bounced') AND {}", resolved()),
        Group::Accepted => format!("d.state = '{}'", State::Accepted.as_str()),
        Group::Cancelled => format!("d.state = '{}'", State::Cancelled.as_str()),
    }
}

/// How many deliveries of the company stand in a group.
pub async fn count_in_group(db: &Db, company: CompanyId, group: Group, stopped: &Stopped) -> Result<u64, StoreError> {
    let mut asked = values![company.0];
    let condition = condition(group, stopped, &mut asked);
    count(&db.of(company), &format!("SELECT COUNT(*) AS n FROM delivery d WHERE d.company_id = $1 AND {condition}"), asked).await
}

/// How many deliveries of the company stand in each group.
pub async fn count_by_group(db: &Db, company: CompanyId, stopped: &Stopped) -> Result<Vec<(Group, u64)>, StoreError> {
    let mut counts = Vec::with_capacity(Group::ALL.len());
    for group in Group::ALL {
        counts.push((group, count_in_group(db, company, group, stopped).await?));
    }
    Ok(counts)
}

/// Of the companies of one person, how many deliveries did not arrive and are not over, and how many of them bounced.
pub async fn undelivered_any_company(db: &Db, user: UserId) -> Result<Vec<(CompanyId, Undelivered)>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        company_id: Uuid,
        deliveries: i64,
        bounced: i64,
    }
    let sql = format!(
        "SELECT d.company_id, COUNT(*) AS deliveries,
            CAST(SUM(CASE WHEN d.state = 'bounced' THEN 1 ELSE 0 END) AS BIGINT) AS bounced
        FROM membership m JOIN delivery d ON d.company_id = m.company_id
        WHERE m.person_id = $1 AND d.state IN ('failed', 'bounced') AND NOT {} GROUP BY d.company_id",
        resolved()
    );
    let rows: Vec<Row> = readable(&db.of_any_company(), "delivery", &sql, values![user.0]).await?;
    let read = |row: Row| {
        let found = Undelivered { deliveries: row.deliveries.unsigned_abs(), bounced: row.bounced.unsigned_abs() };
        (CompanyId(row.company_id), found)
    };
    Ok(rows.into_iter().map(read).collect())
}

/// What did not arrive and waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Undelivered {
    pub deliveries: u64,
    /// Of them, those that a server took and sent back.
    pub bounced: u64,
}

/// Whose mails a card counts: those of one of the company's own accounts, by its address, or those of the default one.
#[derive(Debug, Clone, Copy)]
pub enum SentBy<'a> {
    Own(&'a str),
    Default,
}

impl<'a> SentBy<'a> {
    /// As the delivery's row names the account: its source, and its address where that matters.
    pub(super) const fn columns(self) -> (&'static str, Option<&'a str>) {
        match self {
            Self::Own(address) => ("company", Some(address)),
            Self::Default => ("default", None),
        }
    }
}

/// The mails of a module that a card tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Today {
    /// Since the day began.
    pub accepted: u64,
    /// Not sent yet, by whomever it will be.
    pub waiting: u64,
    /// Failed through this account, and not over.
    pub failed: u64,
}

pub async fn today_of_module(
    db: &Db,
    company: CompanyId,
    module: MailModule,
    by: SentBy<'_>,
    since: Instant,
) -> Result<Today, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        accepted: i64,
        waiting: i64,
        failed: i64,
    }
    let (source, address) = by.columns();
    let this = "d.account_source = $4 AND ($5 IS NULL OR LOWER(d.account_from) = LOWER($5))";
    let n = |condition: String| {
        format!("(SELECT COUNT(*) FROM delivery d WHERE d.company_id = $1 AND d.module = $2 AND {condition})")
    };
    let sql = format!(
        "SELECT {} AS accepted, {} AS waiting, {} AS failed",
        n(format!("d.state = 'accepted' AND d.finished_at >= $3 AND {this}")),
        n("d.state IN ('queued', 'sending', 'deferred', 'in_doubt')".to_owned()),
        n(format!("d.state IN ('failed', 'bounced') AND {this} AND NOT {}", resolved())),
    );
    let row: Option<Row> = one(&db.of(company), &sql, values![company.0, module.as_str(), since, source, address]).await?;
    Ok(row.map_or_else(Today::default, |row| Today {
        accepted: row.accepted.unsigned_abs(),
        waiting: row.waiting.unsigned_abs(),
        failed: row.failed.unsigned_abs(),
    }))
}

/// Why a delivery that did not arrive is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// Somebody said so.
    ByPerson {
        who: String,
        at: Instant,
        reason: Option<String>,
    },
    /// The receipt was accepted later, for this address.
    AcceptedFor(String),
    /// It was sent again to this address in its place, which did not arrive yet.
    CorrectedTo(String),
    PaymentVoided,
}

/// The columns that say it, of a delivery `d` of a payment `p`.
pub(super) const RESOLUTION: &str = "d.resolved_at, d.resolved_by, d.resolved_reason, p.voided_at";

#[derive(FromQueryResult)]
pub(super) struct ResolutionRow {
    resolved_at: Option<Instant>,
    resolved_by: Option<String>,
    resolved_reason: Option<String>,
    voided_at: Option<Instant>,
    accepted_instead: Option<String>,
    corrected_to: Option<String>,
}

impl ResolutionRow {
    /// Nothing where it arrived, or may still.
    pub(super) fn of(self, state: State, is_receipt: bool, of: Of) -> Option<Resolution> {
        if !state.needs_a_person() {
            return None;
        }
        if let Some(address) = self.accepted_instead {
            return Some(Resolution::AcceptedFor(of.address("recipient", &address).to_string()));
        }
        if let Some(at) = self.resolved_at {
            let who = self.resolved_by.unwrap_or_default();
            return Some(Resolution::ByPerson { who, at, reason: self.resolved_reason });
        }
        if let Some(address) = self.corrected_to {
            return Some(Resolution::CorrectedTo(of.address("recipient", &address).to_string()));
        }
        (is_receipt && self.voided_at.is_some()).then_some(Resolution::PaymentVoided)
    }
}
