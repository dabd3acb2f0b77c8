//! The second step of a login: codes of an application on the person's telephone (RFC 6238), and those that help where the
//! telephone is lost.

pub mod recovery;

use acuse_domain::Instant;
use acuse_domain::access::{Role, SecondFactorRule};
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::CompanyId;
use acuse_domain::news::AccountChange;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, FromQueryResult};
use secrecy::{ExposeSecret, SecretString};
use totp_rs::{Builder, Secret, Totp};
use uuid::Uuid;

use crate::Actor;
use crate::db::{Db, StoreError, Tx};
use crate::events::EventKind;
use crate::sealing_key::{BATCH, Item, Kind, claim_in};
use crate::secrets::{self, Keyring, SealError};
use crate::sessions::{self, Ended};
use crate::sql::{self, all, execute, one, readable, values};
use crate::user_mails::{self, Post};

/// What an application shows a code under.
const ISSUER: &str = "Acuse";
/// RFC 4226 4: 160 bits.
const SECRET_BYTES: usize = 20;
/// Steps of 30 seconds to either side: a telephone whose clock is a minute off gets in.
const STEPS_OFF: u16 = 2;
/// Somebody scans a code and types what they see.
const PROPOSAL_LASTS: TimeDelta = TimeDelta::minutes(30);

#[derive(Debug, thiserror::Error)]
pub enum SecondFactorError {
    #[error("the code is not the one that is shown now")]
    WrongCode,
    #[error("the code was used before")]
    UsedCode,
    /// The page with the secret is too old, or somebody else's.
    #[error("the proposed secret does not open any more")]
    Stale,
    /// A company of theirs asks for a second step.
    #[error("a company asks for a second step")]
    Required,
    #[error("there is no second step")]
    Off,
    #[error("the session was ended meanwhile")]
    SessionOver,
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A secret that nobody uses yet: it stands in the page that shows it, sealed for one person.
#[derive(Debug)]
pub struct Proposal {
    pub sealed: String,
    /// What the picture says: `otpauth://totp/…`
    pub url: SecretString,
    /// The secret to be typed, in groups of four letters.
    pub key: SecretString,
}

/// How a person's second step stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    pub authenticator_since: Option<Instant>,
    pub passkeys: u64,
    pub codes: u64,
    pub codes_left: u64,
    /// The companies that ask it of them.
    pub asked_by: Vec<String>,
}

impl Standing {
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.authenticator_since.is_some() || self.passkeys > 0
    }
}

/// What comes of a change of how somebody enters.
pub struct Changed {
    /// The session has a new token from here on.
    pub session: Option<SecretString>,
    /// Shown now and never again; nothing where the earlier ones stay.
    pub codes: Vec<SecretString>,
}

/// A new secret.
pub fn propose(keys: &Keyring, by: &Actor, email: &str, now: Instant) -> Result<Proposal, SecondFactorError> {
    let bytes: [u8; SECRET_BYTES] = rand::random();
    let secret = SecretString::from(Secret::from(bytes).to_base32());
    let written = SecretString::from(format!("{} {}", now.timestamp(), secret.expose_secret()));
    let sealed = URL_SAFE_NO_PAD.encode(keys.seal(&written, &proposal_identity(person_of(by)))?);
    shown(sealed, &secret, email)
}

/// The same secret once more, after a code that was not right.
pub fn propose_again(keys: &Keyring, by: &Actor, email: &str, sealed: &str, now: Instant) -> Result<Proposal, SecondFactorError> {
    shown(sealed.to_owned(), &opened(keys, by, sealed, now)?, email)
}

fn shown(sealed: String, secret: &SecretString, email: &str) -> Result<Proposal, SecondFactorError> {
    let totp = totp(secret, email).ok_or(SecondFactorError::Stale)?;
    let url = totp.to_url().map_err(|_| SecondFactorError::Stale)?;
    let groups: Vec<String> =
        secret.expose_secret().as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    Ok(Proposal { sealed, url: url.into(), key: groups.join(" ").into() })
}

fn opened(keys: &Keyring, by: &Actor, sealed: &str, now: Instant) -> Result<SecretString, SecondFactorError> {
    let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| SecondFactorError::Stale)?;
    let written = keys.open(&bytes, &proposal_identity(person_of(by))).map_err(|_| SecondFactorError::Stale)?;
    let (at, secret) = written.expose_secret().split_once(' ').ok_or(SecondFactorError::Stale)?;
    let at: i64 = at.parse().map_err(|_| SecondFactorError::Stale)?;
    let age = now.timestamp() - at;
    if (0..PROPOSAL_LASTS.num_seconds()).contains(&age) { Ok(secret.into()) } else { Err(SecondFactorError::Stale) }
}

fn totp(secret: &SecretString, email: &str) -> Option<Totp> {
    let secret = Secret::try_from_base32(secret.expose_secret()).ok()?;
    let named = Builder::new().with_secret(secret).with_skew(STEPS_OFF).with_issuer(Some(ISSUER));
    named.with_account_name(email.replace(':', "")).build().ok()
}

/// The code that an application shows at a moment.
#[must_use]
pub fn code_at(secret: &SecretString, now: Instant) -> Option<String> {
    Some(totp(secret, "")?.generate(now.timestamp().unsigned_abs()).to_string())
}

/// The step of a code that is right now, as somebody types it: `418 093`.
fn step_of(secret: &SecretString, typed: &str, now: Instant) -> Option<i64> {
    let digits: String = typed.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect();
    let step = totp(secret, "")?.check(&digits, now.timestamp().unsigned_abs())?;
    i64::try_from(step).ok()
}

/// Holds whoever acts. Tells no where their session was ended meanwhile: whoever ended it wants nothing of it done.
pub(crate) async fn hold_acting(tx: &Tx, by: &Actor) -> Result<bool, StoreError> {
    hold(tx, person_of(by)).await?;
    let crate::Identity::User { session: Some(session), .. } = by.identity else { return Ok(true) };
    Ok(sql::count(tx.as_conn(), "SELECT COUNT(*) AS n FROM login WHERE id = $1", values![session.0]).await? > 0)
}

/// The proposed secret is the person's from here on, in the place of any before. The code that shows it is used with that.
pub async fn activate(
    db: &Db,
    by: &Actor,
    keys: &Keyring,
    (sealed, code): (&str, &str),
    session: &str,
    post: Post<'_>,
    now: Instant,
) -> Result<Changed, SecondFactorError> {
    let secret = opened(keys, by, sealed, now)?;
    let step = step_of(&secret, code, now).ok_or(SecondFactorError::WrongCode)?;
    let person = person_of(by);
    let fresh = recovery::fresh().await?;
    let tx = db.begin_write_any_company().await?;
    if !hold_acting(&tx, by).await? {
        tx.undo().await?;
        return Err(SecondFactorError::SessionOver);
    }
    claim_in::<SecondFactorError>(&tx, keys).await?;
    let sql = "INSERT INTO authenticator (person_id, sealed_secret, activated_at, last_step) VALUES ($1, $2, $3, $4)
        ON CONFLICT (person_id) DO UPDATE SET sealed_secret = $2, activated_at = $3, last_step = $4";
    execute(tx.as_conn(), sql, values![person, keys.seal(&secret, &identity(person))?, now, step]).await?;
    let codes = recovery::keep_where_none(&tx, person, fresh).await?;
    sessions::note_in_each_company(&tx, by, person, EventKind::SecondFactorOn, now, "").await?;
    user_mails::tell_of_change(&tx, person, AccountChange::AuthenticatorOn, post, now).await?;
    let session = settle(&tx, person, session, now).await?;
    tx.commit().await?;
    Ok(Changed { session, codes })
}

/// The code is asked for no more. Errs where a company asks for a second step and this was the last.
pub async fn turn_off(db: &Db, by: &Actor, session: &str, post: Post<'_>, now: Instant) -> Result<Changed, SecondFactorError> {
    let person = person_of(by);
    let tx = db.begin_write_any_company().await?;
    if !hold_acting(&tx, by).await? {
        tx.undo().await?;
        return Err(SecondFactorError::SessionOver);
    }
    if execute(tx.as_conn(), "DELETE FROM authenticator WHERE person_id = $1", values![person]).await? == 0 {
        tx.undo().await?;
        return Err(SecondFactorError::Off);
    }
    if let Err(error) = expect_enough(&tx, person).await {
        tx.undo().await?;
        return Err(error);
    }
    sessions::note_in_each_company(&tx, by, person, EventKind::SecondFactorOff, now, "").await?;
    user_mails::tell_of_change(&tx, person, AccountChange::AuthenticatorOff, post, now).await?;
    let session = settle(&tx, person, session, now).await?;
    tx.commit().await?;
    Ok(Changed { session, codes: Vec::new() })
}

/// After something of it was taken away: errs where a company asks for a second step that is gone now. Codes for a lost
/// telephone are nothing without one.
pub(crate) async fn expect_enough(tx: &Tx, person: Uuid) -> Result<(), SecondFactorError> {
    if is_on_in(tx.as_conn(), person).await? {
        return Ok(());
    }
    if !asking(tx.as_conn(), person).await?.is_empty() {
        return Err(SecondFactorError::Required);
    }
    execute(tx.as_conn(), "DELETE FROM recovery_code WHERE person_id = $1", values![person]).await?;
    Ok(())
}

/// How somebody enters has changed: no browser is trusted on what was before, who is half-way in begins again, the other sessions
/// are asked again who sits there, and the one in which it was done goes on under a new token.
pub(crate) async fn settle(tx: &Tx, person: Uuid, session: &str, now: Instant) -> Result<Option<SecretString>, StoreError> {
    trust_nobody(tx, person).await?;
    sessions::doubt_others(tx, person, session).await?;
    sessions::rotate(tx, person, session, now).await
}

async fn trust_nobody(tx: &Tx, person: Uuid) -> Result<(), StoreError> {
    execute(tx.as_conn(), "UPDATE known_browser SET trusted_until = NULL WHERE person_id = $1", values![person]).await?;
    execute(tx.as_conn(), "DELETE FROM login_step WHERE person_id = $1", values![person]).await?;
    Ok(())
}

/// For somebody who lost everything: the operator takes away codes and keys, and ends the sessions. Says whether there was
/// such a person.
pub async fn turn_off_any_company(db: &Db, email: &EmailAddress, now: Instant) -> Result<bool, StoreError> {
    let tx = db.begin_write_any_company().await?;
    let address = email.lowercase();
    let sql = "UPDATE person SET email = email WHERE email = $1 RETURNING id";
    let Some(Id { id }) = one(tx.as_conn(), sql, values![address.as_str()]).await? else {
        tx.undo().await?;
        return Ok(false);
    };
    forget_in(&tx, id).await?;
    trust_nobody(&tx, id).await?;
    sessions::end(&tx, "person_id = $1", values![id], Ended::BySomebody, now).await?;
    sessions::note_for_companies(&tx, address.as_str(), EventKind::SecondFactorOff, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// Takes away codes and keys, as of somebody who comes back: the address may be another person's by now.
pub(crate) async fn forget_in(tx: &Tx, person: Uuid) -> Result<(), StoreError> {
    for table in ["authenticator", "recovery_code", "passkey"] {
        execute(tx.as_conn(), &format!("DELETE FROM {table} WHERE person_id = $1"), values![person]).await?;
    }
    Ok(())
}

/// How the second step of whoever asks stands.
pub async fn standing(db: &Db, by: &Actor) -> Result<Standing, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        activated_at: Option<Instant>,
        passkeys: i64,
        codes: i64,
        codes_left: i64,
    }
    let sql = "SELECT (SELECT activated_at FROM authenticator WHERE person_id = $1) AS activated_at,
        (SELECT COUNT(*) FROM passkey WHERE person_id = $1) AS passkeys,
        (SELECT COUNT(*) FROM recovery_code WHERE person_id = $1) AS codes,
        (SELECT COUNT(*) FROM recovery_code WHERE person_id = $1 AND used_at IS NULL) AS codes_left";
    let row: Option<Row> = one(&db.of_any_company(), sql, values![person_of(by)]).await?;
    let Some(row) = row else { return Ok(Standing::default()) };
    Ok(Standing {
        authenticator_since: row.activated_at,
        passkeys: row.passkeys.unsigned_abs(),
        codes: row.codes.unsigned_abs(),
        codes_left: row.codes_left.unsigned_abs(),
        asked_by: asking(&db.of_any_company(), person_of(by)).await?,
    })
}

/// What the companies are known as that ask a second step of a person.
async fn asking(conn: &impl ConnectionTrait, person: Uuid) -> Result<Vec<String>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        name: String,
        role: String,
        second_factor: String,
    }
    let sql = "SELECT COALESCE(c.trade_name, c.legal_name) AS name, m.role, c.second_factor
        FROM membership m JOIN company c ON c.id = m.company_id WHERE m.person_id = $1 ORDER BY 1";
    let rows: Vec<Row> = all(conn, sql, values![person]).await?;
    let asks = |row: &Row| {
        let rule = SecondFactorRule::parse(&row.second_factor).unwrap_or(SecondFactorRule::Everybody);
        Role::parse(&row.role).is_some_and(|role| rule.asks(role))
    };
    Ok(rows.into_iter().filter(asks).map(|row| row.name).collect())
}

/// Whom a company lets in by a second step alone.
pub async fn rule(db: &Db, company: CompanyId) -> Result<SecondFactorRule, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        second_factor: String,
    }
    let row: Option<Row> = one(&db.of(company), "SELECT second_factor FROM company WHERE id = $1", values![company.0]).await?;
    Ok(row.and_then(|row| SecondFactorRule::parse(&row.second_factor)).unwrap_or_default())
}

/// From here on the company lets these in by a second step alone. Whoever has none is led to it with the next page.
pub async fn require(db: &Db, by: &Actor, rule: SecondFactorRule, now: Instant) -> Result<(), StoreError> {
    let tx = db.begin_write_for(by.company).await?;
    let sql = "UPDATE company SET second_factor = $2 WHERE id = $1 AND second_factor <> $2";
    if execute(tx.as_conn(), sql, values![by.company.0, rule.as_str()]).await? > 0 {
        crate::events::append(&tx, by, by.company.0, EventKind::SecondFactorRequired, now, rule.as_str()).await?;
    }
    tx.commit().await
}

/// Whether a password alone does not let this person in.
pub(crate) async fn is_on_in(conn: &impl ConnectionTrait, person: Uuid) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) AS n FROM (SELECT person_id FROM authenticator WHERE person_id = $1
        UNION ALL SELECT person_id FROM passkey WHERE person_id = $1) AS factor";
    Ok(sql::count(conn, sql, values![person]).await? > 0)
}

/// Takes the code that somebody typed, once.
pub(crate) async fn take_code(tx: &Tx, keys: &Keyring, person: Uuid, typed: &str, now: Instant) -> Result<(), SecondFactorError> {
    #[derive(FromQueryResult)]
    struct Row {
        sealed_secret: Vec<u8>,
    }
    let sql = "SELECT sealed_secret FROM authenticator WHERE person_id = $1";
    let row: Option<Row> = one(tx.as_conn(), sql, values![person]).await?;
    let Some(row) = row else { return Err(SecondFactorError::WrongCode) };
    let secret = keys.open(&row.sealed_secret, &identity(person))?;
    let step = step_of(&secret, typed, now).ok_or(SecondFactorError::WrongCode)?;
    let sql = "UPDATE authenticator SET last_step = $2 WHERE person_id = $1 AND last_step < $2";
    let taken = execute(tx.as_conn(), sql, values![person, step]).await?;
    if taken == 1 { Ok(()) } else { Err(SecondFactorError::UsedCode) }
}

/// Whoever changes how this person enters waits until the transaction ends.
pub(crate) async fn hold(tx: &Tx, person: Uuid) -> Result<(), StoreError> {
    execute(tx.as_conn(), "UPDATE person SET email = email WHERE id = $1", values![person]).await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Id {
    id: Uuid,
}

/// Of a token there is none, and nothing of anybody's is found by it.
pub(crate) fn person_of(by: &Actor) -> Uuid {
    match by.identity {
        crate::Identity::User { user, .. } => user.0,
        crate::Identity::Token(_) | crate::Identity::Operator | crate::Identity::Acuse | crate::Identity::Unknown => Uuid::nil(),
    }
}

fn identity(person: Uuid) -> String {
    format!("authenticator:{person}")
}

fn proposal_identity(person: Uuid) -> String {
    format!("authenticator_proposal:{person}")
}

#[derive(FromQueryResult)]
struct SealedRow {
    person_id: Uuid,
    sealed_secret: Vec<u8>,
}

const SEALED: &str = "SELECT person_id, sealed_secret FROM authenticator";

/// Seals again what lies under an older key; gives how many.
pub(crate) async fn reseal_any_company(db: &Db, keys: &Keyring) -> Result<u64, SecondFactorError> {
    let mut rows: Vec<SealedRow> = readable(&db.of_any_company(), "authenticator", SEALED, Vec::new()).await?;
    rows.retain(|row| !keys.is_newest(&row.sealed_secret));
    let mut done = 0;
    for some in rows.chunks(BATCH) {
        let tx = db.begin_write_any_company().await?;
        claim_in::<SecondFactorError>(&tx, keys).await?;
        for row in some {
            let bound_to = identity(row.person_id);
            let Some(again) = keys.reseal(&row.sealed_secret, &bound_to, &bound_to)? else { continue };
            // Not where another secret took its place meanwhile: that one lies under a newer key already.
            let sql = "UPDATE authenticator SET sealed_secret = $2 WHERE person_id = $1 AND sealed_secret = $3";
            done += execute(tx.as_conn(), sql, values![row.person_id, again, row.sealed_secret.clone()]).await?;
        }
        tx.commit().await?;
    }
    Ok(done)
}

/// They belong to a person, whichever the company.
pub(crate) async fn sealed_items(conn: &impl ConnectionTrait, keys: Option<&Keyring>) -> Result<Vec<Item>, StoreError> {
    let rows: Vec<SealedRow> = readable(conn, "authenticator", SEALED, Vec::new()).await?;
    let item = |row: &SealedRow| Item {
        kind: Kind::Authenticator,
        company: Uuid::nil(),
        id: row.person_id,
        key_id: secrets::key_id(&row.sealed_secret),
        opens: keys.is_some_and(|keys| keys.open(&row.sealed_secret, &identity(row.person_id)).is_ok()),
    };
    Ok(rows.iter().map(item).collect())
}
