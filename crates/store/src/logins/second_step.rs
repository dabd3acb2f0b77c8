//! The second step: who showed the right password shows that they have the telephone or the key, too. Guesses are counted as
//! those at passwords are.

use std::net::IpAddr;

use acuse_domain::Instant;
use acuse_domain::news::AccountChange;
use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{Entry, Origin, Outcome, Subject, count, enter, forgive, known_browser, take_back};
use crate::audit;
use crate::db::{Db, StoreError, Tx};
use crate::events::EventKind;
use crate::metrics;
use crate::passkeys::{self, Signed};
use crate::passwords::{random_token, token_hash};
use crate::second_factor::{SecondFactorError, recovery, take_code};
use crate::secrets::Keyring;
use crate::sessions::note_in_each_company;
use crate::sql::{self, execute, one, values};
use crate::user_mails::{self, Post};

/// Long enough to find the telephone.
pub const LASTS: TimeDelta = TimeDelta::minutes(10);
/// «No pedirlo en este equipo durante 30 días»
pub const TRUSTED: TimeDelta = TimeDelta::days(30);

/// What somebody shows.
pub enum Proof<'a> {
    Code(&'a str),
    Recovery(&'a str),
    /// A key that signed the challenge.
    Passkey(&'a Signed),
}

/// An answer to the second step.
pub struct Answer<'a> {
    /// What the first step gave.
    pub token: &'a str,
    pub proof: Proof<'a>,
    /// This browser is not asked again for [`TRUSTED`].
    pub is_trusted: bool,
    pub origin: Origin<'a>,
    pub post: Post<'a>,
}

#[derive(Debug)]
pub enum Stepped {
    Entered {
        session: SecretString,
        browser_tokens: Vec<SecretString>,
        is_kept: bool,
    },
    Wrong,
    /// It was right, and was used before.
    Used,
    Wait(u32),
    /// It took too long, or something was taken back: from the beginning.
    Over,
}

/// Somebody between the two steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HalfWay {
    pub person: Uuid,
    pub email: String,
    pub has_authenticator: bool,
    pub has_passkeys: bool,
    is_kept: bool,
}

/// The first step is done; gives what opens the second.
pub(super) async fn begin(tx: &Tx, person: Uuid, is_kept: bool, now: Instant) -> Result<SecretString, StoreError> {
    execute(tx.as_conn(), "DELETE FROM login_step WHERE person_id = $1 AND expires_at < $2", values![person, now]).await?;
    let token = random_token();
    let sql = "INSERT INTO login_step (token_hash, person_id, is_kept, expires_at) VALUES ($1, $2, $3, $4)";
    execute(tx.as_conn(), sql, values![token_hash(token.expose_secret()), person, is_kept, now + LASTS]).await?;
    Ok(token)
}

pub async fn half_way_any_company(db: &Db, token: &str, now: Instant) -> Result<Option<HalfWay>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        person_id: Uuid,
        email: String,
        is_kept: bool,
        codes: i64,
        passkeys: i64,
    }
    let sql = "SELECT s.person_id, p.email, s.is_kept,
            (SELECT COUNT(*) FROM authenticator a WHERE a.person_id = p.id) AS codes,
            (SELECT COUNT(*) FROM passkey k WHERE k.person_id = p.id) AS passkeys
        FROM login_step s JOIN person p ON p.id = s.person_id WHERE s.token_hash = $1 AND s.expires_at > $2";
    let row: Option<Row> = one(&db.of_any_company(), sql, values![token_hash(token), now]).await?;
    Ok(row.map(|row| HalfWay {
        person: row.person_id,
        email: row.email,
        is_kept: row.is_kept,
        has_authenticator: row.codes > 0,
        has_passkeys: row.passkeys > 0,
    }))
}

/// Counts the guess, checks it, and opens the session where it was right.
pub async fn answer_any_company(db: &Db, keys: &Keyring, answer: &Answer<'_>, now: Instant) -> Result<Stepped, StoreError> {
    let Some(half_way) = half_way_any_company(db, answer.token, now).await? else { return Ok(Stepped::Over) };
    let subjects = subjects_of(db, half_way.person, &answer.origin, now).await?;
    if let Some(seconds) = count(db, &subjects, now).await? {
        audit::note_not_entered(db, Some(half_way.person), EventKind::LoginThrottled, answer.origin.source, now);
        metrics::count("acuse_login_attempts_total", &[("outcome", "wait")]);
        return Ok(Stepped::Wait(seconds));
    }
    let stepped = checked(db, keys, &half_way, answer, &subjects, now).await;
    if stepped.is_err() {
        // Nothing was checked, so nothing is counted.
        let tx = db.begin_write_any_company().await?;
        take_back(&tx, &subjects, now).await?;
        tx.commit().await?;
    }
    let outcome = if matches!(stepped, Ok(Stepped::Entered { .. })) { "entered" } else { "wrong" };
    metrics::count("acuse_login_attempts_total", &[("outcome", outcome)]);
    if matches!(stepped, Ok(Stepped::Wrong | Stepped::Used)) {
        audit::note_not_entered(db, Some(half_way.person), EventKind::StepWrong, answer.origin.source, now);
    }
    stepped
}

/// By whom guesses of somebody are counted whose password is known to be right.
pub(super) async fn subjects_of(db: &Db, person: Uuid, origin: &Origin<'_>, now: Instant) -> Result<Vec<Subject>, StoreError> {
    Ok(match known_browser(db, Some(person), &origin.shown(), now).await? {
        Some(token_hash) => vec![Subject::browser(person, &token_hash)],
        None => [Subject::person(person)].into_iter().chain(origin.source.map(Subject::network)).collect(),
    })
}

async fn checked(
    db: &Db,
    keys: &Keyring,
    half_way: &HalfWay,
    answer: &Answer<'_>,
    subjects: &[Subject],
    now: Instant,
) -> Result<Stepped, StoreError> {
    let person = half_way.person;
    let looked_for = Prepared::of(db, person, &answer.proof).await?;
    let tx = db.begin_write_any_company().await?;
    forgive(&tx, subjects, now).await?;
    let sql = "UPDATE person SET email = email WHERE id = $1";
    execute(tx.as_conn(), sql, values![person]).await?;
    let is_there = "DELETE FROM login_step WHERE token_hash = $1 AND expires_at > $2";
    if execute(tx.as_conn(), is_there, values![token_hash(answer.token), now]).await? == 0 {
        tx.undo().await?;
        return Ok(Stepped::Over);
    }
    if let Err(error) = looked_for.take(&tx, keys, person, (answer.origin.source, answer.post), now).await {
        tx.undo().await?;
        return match error {
            SecondFactorError::UsedCode => Ok(Stepped::Used),
            SecondFactorError::Store(error) => Err(error),
            // A secret that does not open opens nothing; codes for a lost telephone do.
            _ => Ok(Stepped::Wrong),
        };
    }
    let trusted_until = answer.is_trusted.then(|| now + TRUSTED);
    let entry = Entry { person, is_kept: half_way.is_kept, is_certain: true, origin: answer.origin, trusted_until };
    let Some(Outcome::Entered { session, browser_tokens }) = enter(&tx, &entry, now).await? else {
        tx.undo().await?;
        return Ok(Stepped::Over);
    };
    tx.commit().await?;
    Ok(Stepped::Entered { session, browser_tokens, is_kept: half_way.is_kept })
}

/// A proof with what takes time of it done, before anything is locked.
pub(super) enum Prepared<'a> {
    Code(&'a str),
    Recovery(Option<Vec<u8>>),
    Passkey(&'a Signed),
}

impl<'a> Prepared<'a> {
    pub(super) async fn of(db: &Db, person: Uuid, proof: &Proof<'a>) -> Result<Self, StoreError> {
        Ok(match proof {
            Proof::Code(code) => Self::Code(code),
            Proof::Recovery(code) => Self::Recovery(recovery::hash_of(db, person, code).await?),
            Proof::Passkey(signed) => Self::Passkey(signed),
        })
    }

    pub(super) async fn take(
        &self,
        tx: &Tx,
        keys: &Keyring,
        person: Uuid,
        (source, post): (Option<IpAddr>, Post<'_>),
        now: Instant,
    ) -> Result<(), SecondFactorError> {
        match self {
            Self::Code(code) => take_code(tx, keys, person, code, now).await,
            Self::Recovery(Some(hash)) => {
                recovery::take(tx, person, hash, now).await?;
                note_recovery(tx, person, source, now).await?;
                user_mails::tell_of_change(tx, person, AccountChange::RecoveryCodeUsed, post, now).await?;
                Ok(())
            }
            Self::Recovery(None) => Err(SecondFactorError::WrongCode),
            Self::Passkey(signed) => {
                if passkeys::note_use(tx, person, signed, now).await? {
                    Ok(())
                } else {
                    Err(SecondFactorError::WrongCode)
                }
            }
        }
    }
}

/// Whoever keeps an eye on the company hears that a telephone was lost, or that somebody else had a code.
async fn note_recovery(tx: &Tx, person: Uuid, source: Option<IpAddr>, now: Instant) -> Result<(), StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        name: String,
    }
    let row: Option<Row> = one(tx.as_conn(), "SELECT name FROM person WHERE id = $1", values![person]).await?;
    let left = "SELECT COUNT(*) AS n FROM recovery_code WHERE person_id = $1 AND used_at IS NULL";
    let left = sql::count(tx.as_conn(), left, values![person]).await?;
    let by = crate::Actor {
        company: acuse_domain::id::CompanyId(Uuid::nil()),
        name: row.map(|row| row.name).unwrap_or_default(),
        identity: crate::Identity::User { user: acuse_domain::id::UserId(person), session: None },
        source,
    };
    note_in_each_company(tx, &by, person, EventKind::RecoveryCodeUsed, now, &left.to_string()).await
}
