//! Guessing passwords must take longer than it is worth, and must not keep their owner out.
//!
//! Every guess is counted before it is checked, in the database: so many at once are counted one after the other, on
//! however many nodes. An address and the network a guess comes from each have some free failures; after them every further
//! guess waits, longer every time. Rows go by age alone, so nobody can push out another's. Whoever uses a browser in which
//! they entered before is counted by that browser and not by the two, and gets in while others guess.

mod browsers;
pub mod confirm;
pub mod second_step;

use std::net::IpAddr;

use acuse_domain::Instant;
use acuse_domain::email_address::EmailAddress;
use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::audit;
use crate::db::{Db, StoreError, Tx, skip_locked};
use crate::events::EventKind;
use crate::passkeys::{self, Signed};
use crate::passwords::{random_token, token_hash};
use crate::sessions::{self, Device, NewSession};
use crate::sql::{self, execute, one, values};
use crate::users::{self, Verified};
use crate::{metrics, second_factor};
use browsers::{is_trusted, know_browser, known_browser};

pub mod counted;

/// Mistyping is human; guessing takes many more.
const ADDRESS: Patience = Patience { free: 5, first_wait: 5, longest_wait: 15 * 60 };
/// An office, or a proxy that was not made known, stands behind one address.
const NETWORK: Patience = Patience { free: 20, first_wait: 1, longest_wait: 60 };
/// Failures this long after the last one no longer count.
const MEMORY: TimeDelta = TimeDelta::hours(1);
/// Rows that one guess clears away: more than one guess adds.
const CLEARED_AT_ONCE: u64 = 100;
/// Cookies of one browser that are looked at: people who share it.
const MOST_TOKENS: usize = 6;

/// Somebody who wants to come in.
pub struct Attempt<'a> {
    pub email: &'a str,
    pub password: &'a SecretString,
    /// Where the request comes from, if that is known.
    pub source: Option<IpAddr>,
    /// What earlier logins gave this browser.
    pub browser_tokens: &'a [String],
    /// The session that this browser has, whoever's it is: the new one takes its place.
    pub earlier_session: Option<&'a str>,
    /// The session outlives the browser's window.
    pub is_kept: bool,
    /// What the browser says of itself.
    pub user_agent: Option<&'a str>,
}

impl<'a> Attempt<'a> {
    /// In a browser that was never used here.
    #[must_use]
    pub const fn new(email: &'a str, password: &'a SecretString) -> Self {
        Self { email, password, source: None, browser_tokens: &[], earlier_session: None, is_kept: false, user_agent: None }
    }

    fn origin(&self) -> Origin<'a> {
        let Self { source, browser_tokens, earlier_session, user_agent, .. } = *self;
        Origin { source, browser_tokens, earlier_session, user_agent }
    }
}

/// The browser that somebody comes with, as an [`Attempt`] has it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Origin<'a> {
    pub source: Option<IpAddr>,
    pub browser_tokens: &'a [String],
    pub earlier_session: Option<&'a str>,
    pub user_agent: Option<&'a str>,
}

impl Origin<'_> {
    fn shown(&self) -> Vec<Vec<u8>> {
        self.browser_tokens.iter().take(MOST_TOKENS).map(|token| token_hash(token)).collect()
    }
}

#[derive(Debug)]
pub enum Outcome {
    Entered {
        session: SecretString,
        /// What makes the browser known from now on, newest first: to this person, and to those who share it. Worth nothing
        /// without a password. Tokens that make nobody known any more are not among them.
        browser_tokens: Vec<SecretString>,
    },
    /// The password was right; what opens the second step, and nothing else (logins/second_step.rs).
    SecondStep { token: SecretString },
    /// Address and password do not fit: nobody learns which of the two.
    Wrong,
    /// Not looked at before so many seconds have gone by.
    Wait(u32),
}

/// How many failures are free, and how the waits after them grow (seconds): doubled each time.
#[derive(Clone, Copy)]
struct Patience {
    free: i64,
    first_wait: i64,
    longest_wait: i64,
}

impl Patience {
    fn wait(self, failures: i64) -> TimeDelta {
        let doublings = failures - self.free;
        let seconds = if doublings < 0 { 0 } else { self.first_wait << doublings.min(20) };
        TimeDelta::seconds(seconds.min(self.longest_wait))
    }
}

/// Something whose failures are counted.
struct Subject {
    key: Vec<u8>,
    patience: Patience,
    /// A success takes back its own count alone: who enters with an account of their own goes on guessing at others'.
    is_shared: bool,
}

impl Subject {
    fn new(kind: &str, what: &[u8], patience: Patience, is_shared: bool) -> Self {
        let key = Sha256::new().chain_update(kind).chain_update([0]).chain_update(what).finalize().to_vec();
        Self { key, patience, is_shared }
    }

    fn address(typed: &str) -> Self {
        Self::new("address", typed.as_bytes(), ADDRESS, false)
    }

    /// Of IPv6 the /64: a customer has at least that much (RFC 6177 2).
    fn network(source: IpAddr) -> Self {
        Self::network_as("network", source)
    }

    fn network_as(kind: &str, source: IpAddr) -> Self {
        match source.to_canonical() {
            IpAddr::V4(source) => Self::new(kind, &source.octets(), NETWORK, true),
            IpAddr::V6(source) => Self::new(kind, &source.octets()[..8], NETWORK, true),
        }
    }

    /// Of who has shown a password already: guesses at codes, and at the password within a session.
    fn person(person: Uuid) -> Self {
        Self::new("person", person.as_bytes(), ADDRESS, false)
    }

    fn browser(person: Uuid, token_hash: &[u8]) -> Self {
        Self::new("browser", &[person.as_bytes(), token_hash].concat(), ADDRESS, false)
    }
}

#[derive(FromQueryResult)]
struct Counted {
    failures: i64,
    last_at: Instant,
    retry_at: Instant,
}

impl Counted {
    /// What still counts now. A time in the future is this moment: a clock that was set back keeps nobody out for longer
    /// than the wait they had.
    fn seen_at(self, now: Instant, patience: Patience) -> Self {
        if now - self.last_at > MEMORY {
            return Self { failures: 0, last_at: now, retry_at: now };
        }
        if self.last_at > now {
            return Self { last_at: now, retry_at: now + patience.wait(self.failures), ..self };
        }
        Self { retry_at: self.retry_at.min(self.last_at + patience.wait(self.failures)), ..self }
    }

    fn left(&self, now: Instant) -> Option<u32> {
        let left = (self.retry_at - now).num_milliseconds();
        (left > 0).then(|| u32::try_from((left + 999) / 1000).unwrap_or(u32::MAX))
    }
}

/// Counts a guess, checks it, and opens a session where it was right.
pub async fn log_in_any_company(db: &Db, attempt: &Attempt<'_>, now: Instant) -> Result<Outcome, StoreError> {
    let email = login_name(attempt.email);
    let person = users::id_of(db, &email).await?;
    let shown = attempt.origin().shown();
    let known = known_browser(db, person, &shown, now).await?;
    let subjects = match &known {
        Some(token_hash) => vec![Subject::browser(person.unwrap_or_default(), token_hash)],
        None => [Subject::address(&email)].into_iter().chain(attempt.source.map(Subject::network)).collect(),
    };
    if let Some(seconds) = count(db, &subjects, now).await? {
        metrics::count("acuse_login_attempts_total", &[("outcome", "wait")]);
        audit::note_not_entered(db, person, EventKind::LoginThrottled, attempt.source, now);
        return Ok(Outcome::Wait(seconds));
    }
    let verified = match users::verify(db, &email, attempt.password).await {
        Ok(verified) => verified,
        Err(error) => {
            // Nothing was checked, so nothing is counted.
            let tx = db.begin_write_any_company().await?;
            take_back(&tx, &subjects, now).await?;
            tx.commit().await?;
            return Err(error);
        }
    };
    let entered = match verified {
        Some(verified) => entered(db, &verified, attempt, &subjects, &shown, now).await?,
        None => None,
    };
    let outcome = match &entered {
        Some(Outcome::SecondStep { .. }) => "second_step",
        Some(_) => "entered",
        None => "wrong",
    };
    metrics::count("acuse_login_attempts_total", &[("outcome", outcome)]);
    if entered.is_none() {
        audit::note_not_entered(db, person, EventKind::LoginWrong, attempt.source, now);
    }
    Ok(entered.unwrap_or(Outcome::Wrong))
}

/// What was typed, as it stands on record if it is somebody's address.
fn login_name(typed: &str) -> String {
    typed
        .parse()
        .map_or_else(|_| acuse_domain::text::token(typed).to_lowercase(), |address: EmailAddress| address.lowercase().to_string())
}

/// Counts one guess for each of the subjects, or none of them: then it gives the seconds to wait.
async fn count(db: &Db, subjects: &[Subject], now: Instant) -> Result<Option<u32>, StoreError> {
    // A flood is refused without a write. What is read here may be old; then the transaction below decides.
    if let Some(seconds) = refused_already(db, subjects, now).await? {
        return Ok(Some(seconds));
    }
    let tx = db.begin_write_any_company().await?;
    let mut waits = None;
    let mut counted = Vec::new();
    for subject in subjects {
        // Takes the row, so that whoever counts the same subject waits for this transaction. An address before a network,
        // and no row of anybody else's: two never wait for each other.
        let sql = "INSERT INTO login_attempt (subject, failures, last_at, retry_at) VALUES ($1, 0, $2, $2)
            ON CONFLICT (subject) DO UPDATE SET failures = login_attempt.failures RETURNING failures, last_at, retry_at";
        let row: Option<Counted> = one(tx.as_conn(), sql, values![subject.key.clone(), now]).await?;
        let row = row.ok_or_else(|| StoreError::unreadable("a count vanished"))?.seen_at(now, subject.patience);
        waits = waits.max(row.left(now));
        counted.push(row);
    }
    for (subject, row) in subjects.iter().zip(counted) {
        let failures = if waits.is_some() { row.failures } else { row.failures + 1 };
        let (last_at, retry_at) =
            if waits.is_some() { (row.last_at, row.retry_at) } else { (now, now + subject.patience.wait(failures)) };
        let sql = "UPDATE login_attempt SET failures = $2, last_at = $3, retry_at = $4 WHERE subject = $1";
        execute(tx.as_conn(), sql, values![subject.key.clone(), failures, last_at, retry_at]).await?;
    }
    tx.commit().await?;
    if let Err(error) = clear_away(db, now).await {
        tracing::warn!("Counts of logins that no longer count were not cleared away: {error}");
    }
    Ok(waits)
}

async fn refused_already(db: &Db, subjects: &[Subject], now: Instant) -> Result<Option<u32>, StoreError> {
    let mut waits = None;
    for subject in subjects {
        let sql = "SELECT failures, last_at, retry_at FROM login_attempt WHERE subject = $1";
        let row: Option<Counted> = one(&db.of_any_company(), sql, values![subject.key.clone()]).await?;
        // From the future: the transaction writes down that it is now.
        if let Some(row) = row.filter(|row| row.last_at <= now) {
            waits = waits.max(row.seen_at(now, subject.patience).left(now));
        }
    }
    Ok(waits)
}

/// Some of the rows that no longer count, whoever's they are; in a transaction of its own, which waits for nobody.
async fn clear_away(db: &Db, now: Instant) -> Result<(), StoreError> {
    let sql = "SELECT COUNT(*) AS n FROM (SELECT 1 FROM login_attempt WHERE last_at < $1 LIMIT 1) AS old";
    if sql::count(&db.of_any_company(), sql, values![now - MEMORY]).await? == 0 {
        return Ok(());
    }
    let tx = db.begin_write_any_company().await?;
    let sql = format!(
        "DELETE FROM login_attempt WHERE subject IN (SELECT subject FROM login_attempt WHERE last_at < $1
            ORDER BY last_at LIMIT {CLEARED_AT_ONCE} {})",
        skip_locked(tx.as_conn())
    );
    execute(tx.as_conn(), &sql, values![now - MEMORY]).await?;
    tx.commit().await
}

async fn take_back(tx: &Tx, subjects: &[Subject], counted_at: Instant) -> Result<(), StoreError> {
    for subject in subjects {
        let sql = "UPDATE login_attempt SET failures = failures - 1,
            retry_at = CASE WHEN last_at = $2 THEN $2 ELSE retry_at END WHERE subject = $1 AND failures > 0";
        execute(tx.as_conn(), sql, values![subject.key.clone(), counted_at]).await?;
    }
    Ok(())
}

/// It was them after all: what was theirs alone is forgotten, a session begins, and the browser is known. All of it, or
/// nothing where the password or the access was taken back while it was checked. Where a second step follows, the guess alone
/// is taken back: who knows the password goes on being counted.
///
/// Rows are taken in one order: counts, the person, sessions, browsers.
async fn entered(
    db: &Db,
    verified: &Verified,
    attempt: &Attempt<'_>,
    subjects: &[Subject],
    shown: &[Vec<u8>],
    now: Instant,
) -> Result<Option<Outcome>, StoreError> {
    let asks = second_factor::is_on_in(&db.of_any_company(), verified.person).await?;
    let tx = db.begin_write_any_company().await?;
    if asks {
        take_back(&tx, subjects, now).await?;
    } else {
        forgive(&tx, subjects, now).await?;
    }
    if !users::hold(&tx, verified).await? {
        tx.undo().await?;
        return Ok(None);
    }
    // Nobody changes it from here on.
    let asks = second_factor::is_on_in(tx.as_conn(), verified.person).await?;
    if asks && !is_trusted(&tx, verified.person, shown, now).await? {
        let token = second_step::begin(&tx, verified.person, attempt.is_kept, now).await?;
        tx.commit().await?;
        return Ok(Some(Outcome::SecondStep { token }));
    }
    let (is_kept, origin) = (attempt.is_kept, attempt.origin());
    let entry = Entry { person: verified.person, is_kept, is_certain: !asks, origin, trusted_until: None };
    let Some(outcome) = enter(&tx, &entry, now).await? else {
        tx.undo().await?;
        return Ok(None);
    };
    tx.commit().await?;
    Ok(Some(outcome))
}

/// Somebody whose key signed a challenge: it is both steps. Nothing where the key was used or taken away meanwhile.
pub async fn enter_by_key_any_company(
    db: &Db,
    signed: &Signed,
    is_kept: bool,
    origin: &Origin<'_>,
    now: Instant,
) -> Result<Option<Outcome>, StoreError> {
    let tx = db.begin_write_any_company().await?;
    second_factor::hold(&tx, signed.person).await?;
    let entry = Entry { person: signed.person, is_kept, is_certain: true, origin: *origin, trusted_until: None };
    let outcome = match passkeys::note_use(&tx, signed.person, signed, now).await? {
        true => enter(&tx, &entry, now).await?,
        false => None,
    };
    if outcome.is_none() {
        tx.undo().await?;
        return Ok(None);
    }
    tx.commit().await?;
    metrics::count("acuse_login_attempts_total", &[("outcome", "entered")]);
    Ok(outcome)
}

/// After a success.
async fn forgive(tx: &Tx, subjects: &[Subject], counted_at: Instant) -> Result<(), StoreError> {
    for subject in subjects {
        if subject.is_shared {
            take_back(tx, std::slice::from_ref(subject), counted_at).await?;
        } else {
            execute(tx.as_conn(), "DELETE FROM login_attempt WHERE subject = $1", values![subject.key.clone()]).await?;
        }
    }
    Ok(())
}

/// Somebody who is let in.
struct Entry<'a> {
    person: Uuid,
    is_kept: bool,
    /// They showed all that their login asks; a trusted browser spares them the second step, and is no proof of who they are.
    is_certain: bool,
    origin: Origin<'a>,
    /// Until when this browser is not asked for the second step; `None` leaves it as it was.
    trusted_until: Option<Instant>,
}

/// Opens the session. Nothing where every place was taken back from them.
async fn enter(tx: &Tx, entry: &Entry<'_>, now: Instant) -> Result<Option<Outcome>, StoreError> {
    let Entry { person, is_kept, is_certain, origin, trusted_until } = *entry;
    let Some(company) = users::admit(tx, person, now).await? else { return Ok(None) };
    let device = Device { user_agent: origin.user_agent.map(ToOwned::to_owned), source: origin.source };
    let begun = NewSession { person, company, is_kept, is_certain, device };
    let session = sessions::begin(tx, &begun, origin.earlier_session, now).await?;
    audit::note_entered(tx, session.expose_secret(), now).await?;
    let token = random_token();
    let others = know_browser(tx, person, &token, &origin.shown(), trusted_until, now).await?;
    let is_others = |token: &&String| others.contains(&token_hash(token));
    let others = origin.browser_tokens.iter().filter(is_others).take(MOST_TOKENS - 1).map(|token| token.as_str().into());
    Ok(Some(Outcome::Entered { session, browser_tokens: std::iter::once(token).chain(others).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Instant {
        Instant::from_timestamp(1_795_539_600 + second, 0).expect("a moment")
    }

    #[test]
    fn waits_grow_and_have_an_end() {
        let seconds = |failures| ADDRESS.wait(failures).num_seconds();
        assert_eq!([0, 4, 5, 6, 7, 12, 13, i64::MAX].map(seconds), [0, 0, 5, 10, 20, 640, 900, 900]);
        assert_eq!([19, 20, 25, 26, 400].map(|failures| NETWORK.wait(failures).num_seconds()), [0, 1, 32, 60, 60]);
    }

    #[test]
    fn a_time_in_the_future_is_now() {
        let from_tomorrow = Counted { failures: 7, last_at: at(86_400), retry_at: at(86_420) }.seen_at(at(0), ADDRESS);
        assert_eq!(from_tomorrow.left(at(0)), Some(20));
        let until_tomorrow = Counted { failures: 7, last_at: at(-5), retry_at: at(86_420) }.seen_at(at(0), ADDRESS);
        assert_eq!(until_tomorrow.left(at(0)), Some(15), "also where only one of the two lies there");
        let long_ago = Counted { failures: 99, last_at: at(-3601), retry_at: at(-2000) }.seen_at(at(0), ADDRESS);
        assert_eq!((long_ago.failures, long_ago.left(at(0))), (0, None));
    }

    #[test]
    fn a_network_is_an_address_or_a_64() {
        let key = |text: &str| Subject::network(text.parse().expect("an address")).key;
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_eq!(key("192.0.2.1"), key("::ffff:192.0.2.1"));
    }
}
