//! Who is logged in shows once more that it is they: before what would keep somebody else in for good.

use acuse_domain::Instant;
use acuse_domain::id::UserId;
use secrecy::SecretString;

use super::second_step::{Prepared, Proof, subjects_of};
use super::{Origin, count, forgive, take_back};
use crate::audit;
use crate::db::{Db, StoreError};
use crate::events::EventKind;
use crate::second_factor::{SecondFactorError, hold};
use crate::secrets::Keyring;
use crate::sessions;
use crate::users;

/// What somebody shows.
pub enum Shown<'a> {
    Password(&'a SecretString),
    Step(Proof<'a>),
}

#[derive(Debug)]
pub enum Confirmed {
    /// The session goes on under this token.
    Yes(SecretString),
    Wrong,
    Used,
    Wait(u32),
    /// The session is over.
    Over,
}

/// Counts the guess, checks it, and notes that the session's owner sits there. What was wrong stands in their companies'
/// history.
pub async fn confirm_any_company(
    db: &Db,
    keys: &Keyring,
    whose: (UserId, &str, &str),
    shown: &Shown<'_>,
    origin: &Origin<'_>,
    now: Instant,
) -> Result<Confirmed, StoreError> {
    let confirmed = confirm(db, keys, whose, shown, origin, now).await?;
    let kind = match confirmed {
        Confirmed::Wrong | Confirmed::Used => EventKind::LoginWrong,
        Confirmed::Wait(_) => EventKind::LoginThrottled,
        Confirmed::Yes(_) | Confirmed::Over => return Ok(confirmed),
    };
    audit::note_not_entered(db, Some(whose.0.0), kind, origin.source, now);
    Ok(confirmed)
}

async fn confirm(
    db: &Db,
    keys: &Keyring,
    (user, email, session): (UserId, &str, &str),
    shown: &Shown<'_>,
    origin: &Origin<'_>,
    now: Instant,
) -> Result<Confirmed, StoreError> {
    let subjects = subjects_of(db, user.0, origin, now).await?;
    if let Some(seconds) = count(db, &subjects, now).await? {
        return Ok(Confirmed::Wait(seconds));
    }
    let prepared = match shown {
        Shown::Password(password) => match users::verify(db, email, password).await {
            Ok(Some(verified)) if verified.person == user.0 => Ok(Checked::Password(verified)),
            Ok(_) => return Ok(Confirmed::Wrong),
            Err(error) => Err(error),
        },
        Shown::Step(proof) => Prepared::of(db, user.0, proof).await.map(Checked::Step),
    };
    let tx = db.begin_write_any_company().await?;
    let checked = match prepared {
        Ok(checked) => checked,
        Err(error) => {
            take_back(&tx, &subjects, now).await?;
            tx.commit().await?;
            return Err(error);
        }
    };
    forgive(&tx, &subjects, now).await?;
    hold(&tx, user.0).await?;
    let taken = match &checked {
        Checked::Password(verified) => {
            if users::hold(&tx, verified).await? {
                Ok(())
            } else {
                Err(SecondFactorError::WrongCode)
            }
        }
        Checked::Step(prepared) => prepared.take(&tx, keys, user.0, now).await,
    };
    if let Err(error) = taken {
        tx.undo().await?;
        return match error {
            SecondFactorError::UsedCode => Ok(Confirmed::Used),
            SecondFactorError::Store(error) => Err(error),
            _ => Ok(Confirmed::Wrong),
        };
    }
    match sessions::rotate(&tx, user.0, session, now).await? {
        Some(token) => {
            tx.commit().await?;
            Ok(Confirmed::Yes(token))
        }
        None => {
            tx.undo().await?;
            Ok(Confirmed::Over)
        }
    }
}

enum Checked<'a> {
    Password(users::Verified),
    Step(Prepared<'a>),
}
