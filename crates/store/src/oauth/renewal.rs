//! A connection's access token, renewed by one at a time across all nodes.
//!
//! Whoever finds that a token runs out takes the row's lease, asks the provider with no transaction open, and writes down
//! what it gave in a transaction of its own before anybody uses it. The others wait for that. What can still go wrong, and
//! what then happens, stands in docs/decisions/0013-oauth-renewal.md.

use std::sync::Arc;
use std::time::Duration;

use acuse_domain::Instant;
use acuse_domain::mail_problem::ProblemCode;
use acuse_domain::oauth::{Denied, Granted, Provider};
use chrono::TimeDelta;
use sea_orm::{FromQueryResult, Value};
use secrecy::SecretString;
use tokio::time::{Instant as Moment, sleep};

use super::ConnectedAccount;
use crate::claims::{Claim, Queue};
use crate::db::{Db, StoreError, Tx};
use crate::mail_accounts::{self, SaveError};
use crate::sealing_key;
use crate::secrets::Keyring;
use crate::sql::{code, one, values};

/// A token with less time than this is renewed: a session that is opened with it must have time to log in.
const RENEWED_BEFORE: TimeDelta = TimeDelta::minutes(5);
/// While its provider gives no new one, a token is used almost to its end.
const LAST_USE_BEFORE: TimeDelta = TimeDelta::seconds(30);
/// Longer than a request to a provider may take with everything around it (`acuse_mail::https`), so that no two ask at once.
const LEASE: TimeDelta = TimeDelta::seconds(90);
/// How often the others look whether the new token is there.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How long they wait for it. A page that tries an account has 20 s in all.
const PATIENCE: Duration = Duration::from_secs(15);
/// A new token that cannot be written down is tried again, since the old one may be worth nothing any more.
const WRITING_PAUSES_MS: [u64; 5] = [100, 300, 1_000, 3_000, 10_000];
/// Minutes until a provider that gave nothing is asked again.
const ASK_AGAIN_MINUTES: [i64; 5] = [1, 2, 5, 10, 15];
/// A provider tells the end as seconds that are left: what differs by less is the same end.
const SAME_END: TimeDelta = TimeDelta::hours(1);

/// One connection's, as it was read. A lease that has ended is there for whoever comes.
const RENEWALS: Queue = Queue {
    table: "oauth_connection",
    key: &["company_id", "account_id"],
    due: "company_id = $3 AND account_id = $4 AND generation = $5 AND broken_at IS NULL
        AND (lease_until IS NULL OR lease_until <= $1)",
    order: "account_id",
    claimed: "lease_until = $2",
    lease: "lease_until",
    is_held: "TRUE",
    expired: None,
    gives: "fence",
};

/// Which token will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// One that is good for a while; a provider that gave nothing is left alone for some minutes.
    Usable,
    /// The same, for somebody who is waiting: the provider is asked even if it just gave nothing.
    UsableNow,
    /// Any but this generation's: the mail server refused it although its time had not come.
    After(i64),
}

/// What an account can log in with.
#[derive(Debug, Clone)]
pub enum Access {
    Token(Token),
    /// The provider denies access until somebody acts, and says so.
    Denied {
        code: ProblemCode,
        words: String,
    },
    /// The provider gives nothing at the moment; how often in a row, and what it said.
    NotNow {
        failures: i32,
        words: String,
    },
    /// The account has no connection.
    NotConnected,
}

#[derive(Debug, Clone)]
pub struct Token {
    pub secret: SecretString,
    /// Grows with every renewal.
    pub generation: i64,
}

/// The token to log in with now. `ask` is the request to the provider; it runs at most once, and goes on to the end, with
/// the writing down, also when the caller stops waiting.
///
/// Errs if the store does not answer, or a token does not open with the key at hand.
pub async fn access_token<Ask, Answer>(
    db: &Db,
    keys: &Arc<Keyring>,
    account: &ConnectedAccount,
    wanted: Wanted,
    now: Instant,
    ask: Ask,
) -> Result<Access, SaveError>
where
    Ask: FnOnce(Provider, SecretString) -> Answer + Send + 'static,
    Answer: Future<Output = Result<Granted, Denied>> + Send + 'static,
{
    let begun = Moment::now();
    let renewal = Renewal { db: db.clone(), keys: keys.clone(), account: account.clone(), now, begun };
    loop {
        match renewal.standing(wanted).await? {
            Standing::Settled(access) => return Ok(access),
            Standing::Due(lease) => {
                let renewed = tokio::spawn(renewal.clone().renew(lease, ask)).await;
                return renewed.unwrap_or_else(|_| Ok(nothing_now("")));
            }
            Standing::Busy if begun.elapsed() > PATIENCE => return Ok(nothing_now("")),
            Standing::Busy => sleep(LOOK_AGAIN).await,
        }
    }
}

fn nothing_now(words: &str) -> Access {
    Access::NotNow { failures: 0, words: words.to_owned() }
}

#[derive(Clone)]
struct Renewal {
    db: Db,
    keys: Arc<Keyring>,
    account: ConnectedAccount,
    now: Instant,
    begun: Moment,
}

enum Standing {
    Settled(Access),
    /// Ours to renew.
    Due(Lease),
    /// Somebody else is at it.
    Busy,
}

struct Lease {
    provider: Provider,
    refresh_token: SecretString,
    claim: Claim,
    generation: i64,
    failures: i32,
    ends_at: Option<Instant>,
}

#[derive(FromQueryResult)]
struct Row {
    provider: String,
    sealed_refresh_token: Vec<u8>,
    sealed_access_token: Vec<u8>,
    access_ends_at: Instant,
    ends_at: Option<Instant>,
    generation: i64,
    lease_until: Option<Instant>,
    failures: i32,
    failure_words: Option<String>,
    retry_at: Option<Instant>,
    broken_code: Option<String>,
    broken_words: Option<String>,
    server: String,
    port: i32,
    security: String,
    username: String,
}

impl Row {
    /// Whether its access token will do, with so much time left.
    fn will_do(&self, wanted: Wanted, time_left: TimeDelta, now: Instant) -> bool {
        let is_new = !matches!(wanted, Wanted::After(refused) if self.generation <= refused);
        is_new && self.access_ends_at > now + time_left
    }
}

impl Renewal {
    fn now(&self) -> Instant {
        self.now + TimeDelta::from_std(self.begun.elapsed()).unwrap_or_default()
    }

    async fn standing(&self, wanted: Wanted) -> Result<Standing, SaveError> {
        let Some(row) = self.row().await? else { return Ok(Standing::Settled(Access::NotConnected)) };
        let now = self.now();
        if let Some(code) = row.broken_code {
            // It may be of another version.
            let code = ProblemCode::parse(&code).unwrap_or(ProblemCode::OauthUnavailable);
            return Ok(Standing::Settled(Access::Denied { code, words: row.broken_words.unwrap_or_default() }));
        }
        if row.will_do(wanted, RENEWED_BEFORE, now) {
            return self.token(&row).map(Standing::Settled);
        }
        let may_ask = wanted == Wanted::UsableNow || row.retry_at.is_none_or(|at| at <= now);
        if !may_ask && row.will_do(wanted, LAST_USE_BEFORE, now) {
            return self.token(&row).map(Standing::Settled);
        }
        if !may_ask {
            let words = row.failure_words.unwrap_or_default();
            return Ok(Standing::Settled(Access::NotNow { failures: row.failures, words }));
        }
        if row.lease_until.is_some_and(|until| until > now) {
            return Ok(Standing::Busy);
        }
        self.claim(&row, now).await
    }

    async fn row(&self) -> Result<Option<Row>, StoreError> {
        let sql = "SELECT c.provider, c.sealed_refresh_token, c.sealed_access_token, c.access_ends_at, c.ends_at, c.generation,
            c.lease_until, c.failures, c.failure_words, c.retry_at, c.broken_code, c.broken_words,
            a.server, a.port, a.security, a.username
            FROM oauth_connection c JOIN mail_account a ON a.company_id = c.company_id AND a.id = c.account_id
            WHERE c.company_id = $1 AND c.account_id = $2";
        let row: Option<Row> =
            one(&self.db.of(self.account.company), sql, values![self.account.company.0, self.account.id.0]).await?;
        // The account was changed since the caller looked: its tokens are for what it is now.
        let Some(row) = row else { return Ok(None) };
        let scope = mail_accounts::scope_of(row.server.clone(), row.port, &row.security, row.username.clone());
        Ok(Some(row).filter(|_| scope.as_ref() == Some(&self.account.scope)))
    }

    fn token(&self, row: &Row) -> Result<Access, SaveError> {
        let secret = self.keys.open(&row.sealed_access_token, &self.account.access_identity())?;
        Ok(Access::Token(Token { secret, generation: row.generation }))
    }

    /// The refresh token is opened first: a lease that could not be used would only keep the others waiting.
    async fn claim(&self, row: &Row, now: Instant) -> Result<Standing, SaveError> {
        #[derive(FromQueryResult)]
        struct Claimed {
            fence: i64,
        }
        let provider = code(&row.provider, Provider::parse)?;
        let refresh_token = self.keys.open(&row.sealed_refresh_token, &self.account.refresh_identity(provider))?;
        let tx = self.db.begin_write_for(self.account.company).await?;
        let asked = values![self.account.company.0, self.account.id.0, row.generation];
        let claimed = RENEWALS.claim::<Claimed>(&tx, 1, LEASE, now, asked).await?.into_iter().next().transpose();
        tx.commit().await?;
        let Some(Claimed { fence }) = claimed.map_err(StoreError::from)? else { return Ok(Standing::Busy) };
        let claim = Claim { company: Some(self.account.company), id: self.account.id.0, fence };
        let Row { generation, failures, ends_at, .. } = *row;
        Ok(Standing::Due(Lease { provider, refresh_token, claim, generation, failures, ends_at }))
    }

    async fn renew<Ask, Answer>(self, lease: Lease, ask: Ask) -> Result<Access, SaveError>
    where
        Ask: FnOnce(Provider, SecretString) -> Answer,
        Answer: Future<Output = Result<Granted, Denied>>,
    {
        match ask(lease.provider, lease.refresh_token.clone()).await {
            Ok(granted) => self.keep_at_last(&lease, &granted).await,
            // The one refusal that a new connection mends; of others (an expired client secret) the operator has to hear.
            Err(Denied::ForGood { code: code @ ProblemCode::OauthExpired, words }) => self.note_broken(&lease, code, words).await,
            Err(Denied::ForGood { code, words }) => {
                self.note_failure(&lease, &words).await?;
                Ok(Access::Denied { code, words })
            }
            Err(Denied::ForNow { words }) => {
                self.note_failure(&lease, &words).await?;
                Ok(Access::NotNow { failures: lease.failures + 1, words })
            }
        }
    }

    /// Writes the new tokens down, and gives them out only then. A database that is away for a moment is waited for.
    async fn keep_at_last(&self, lease: &Lease, granted: &Granted) -> Result<Access, SaveError> {
        let mut pauses = WRITING_PAUSES_MS.into_iter();
        loop {
            match self.keep(lease, granted).await {
                Err(SaveError::Store(error)) => {
                    let Some(pause) = pauses.next() else {
                        tracing::error!(account.id = %self.account.id, "A renewed connection could not be written down: {error}");
                        return Err(SaveError::Store(error));
                    };
                    sleep(Duration::from_millis(pause)).await;
                }
                other => return other,
            }
        }
    }

    async fn keep(&self, lease: &Lease, granted: &Granted) -> Result<Access, SaveError> {
        let tx = self.db.begin_write_for(self.account.company).await?;
        sealing_key::claim_in::<SaveError>(&tx, &self.keys).await?;
        let seal_refresh = |token| self.keys.seal(token, &self.account.refresh_identity(lease.provider));
        let rotated = granted.refresh_token.as_ref().map(seal_refresh).transpose()?;
        let is_news = |end: &Instant| lease.ends_at.is_none_or(|known| (*end - known).abs() > SAME_END);
        let ends_at = granted.ends_at.filter(is_news);
        let access = self.keys.seal(&granted.access_token, &self.account.access_identity())?;
        let set = "sealed_access_token = $1, access_ends_at = $2, sealed_refresh_token = COALESCE($3, sealed_refresh_token),
            ends_at = COALESCE($4, ends_at), generation = generation + 1, failures = 0, failure_words = NULL, retry_at = NULL";
        if self.finish_in(tx, lease, set, values![access, granted.access_ends_at, rotated, ends_at]).await? {
            let generation = lease.generation + 1;
            return Ok(Access::Token(Token { secret: granted.access_token.clone(), generation }));
        }
        // Somebody connected the account again meanwhile, or took it away: that counts.
        match self.row().await? {
            Some(row) => self.token(&row),
            None => Ok(Access::NotConnected),
        }
    }

    /// Tells no where somebody else has the lease by now.
    async fn finish(&self, lease: &Lease, set: &str, values: Vec<Value>) -> Result<bool, StoreError> {
        self.finish_in(self.db.begin_write_for(self.account.company).await?, lease, set, values).await
    }

    async fn finish_in(&self, tx: Tx, lease: &Lease, set: &str, values: Vec<Value>) -> Result<bool, StoreError> {
        let finished = RENEWALS.finish(&tx, &[lease.claim], set, values).await?;
        tx.commit().await?;
        Ok(!finished.is_empty())
    }

    async fn note_broken(&self, lease: &Lease, code: ProblemCode, words: String) -> Result<Access, SaveError> {
        let set = "broken_at = $1, broken_code = $2, broken_words = $3";
        let is_noted = self.finish(lease, set, values![self.now(), code.as_str(), words.as_str()]).await?;
        match self.row().await? {
            Some(row) if !is_noted && row.broken_code.is_none() => self.token(&row),
            _ => Ok(Access::Denied { code, words }),
        }
    }

    async fn note_failure(&self, lease: &Lease, words: &str) -> Result<(), StoreError> {
        let before = usize::try_from(lease.failures).unwrap_or_default();
        let minutes = ASK_AGAIN_MINUTES[before.min(ASK_AGAIN_MINUTES.len() - 1)];
        let set = "failures = failures + 1, failure_words = $1, retry_at = $2";
        self.finish(lease, set, values![words, self.now() + TimeDelta::minutes(minutes)]).await.map(|_| ())
    }
}
