//! Who is logged in shows once more that it is they, by all that their login asks: before what would keep somebody else in for
//! good.

use std::net::IpAddr;

use acuse_domain::Instant;
use acuse_domain::id::UserId;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::second_step::{Prepared, Proof, subjects_of};
use super::{Origin, count, forgive, take_back};
use crate::audit;
use crate::db::{Db, StoreError, Tx};
use crate::events::EventKind;
use crate::second_factor::{SecondFactorError, hold, is_on_in};
use crate::secrets::Keyring;
use crate::sessions;
use crate::user_mails::Post;
use crate::users;

/// What somebody shows.
#[derive(Default)]
pub struct Shown<'a> {
    pub password: Option<&'a SecretString>,
    /// A key is both steps.
    pub step: Option<Proof<'a>>,
}

impl<'a> Shown<'a> {
    #[must_use]
    pub const fn password(password: &'a SecretString) -> Self {
        Self { password: Some(password), step: None }
    }
}

#[derive(Debug)]
pub enum Confirmed {
    /// The session goes on under this token.
    Yes(SecretString),
    WrongPassword,
    WrongStep,
    /// The code was right, and was used before.
    UsedStep,
    /// The password is right, and their login asks for a second step: nothing is confirmed.
    StepMissing,
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
    post: Post<'_>,
    now: Instant,
) -> Result<Confirmed, StoreError> {
    let confirmed = confirm(db, keys, whose, shown, origin, post, now).await?;
    let kind = match confirmed {
        Confirmed::WrongPassword | Confirmed::WrongStep | Confirmed::UsedStep => EventKind::NotConfirmed,
        Confirmed::Wait(_) => EventKind::LoginThrottled,
        Confirmed::Yes(_) | Confirmed::StepMissing | Confirmed::Over => return Ok(confirmed),
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
    post: Post<'_>,
    now: Instant,
) -> Result<Confirmed, StoreError> {
    let subjects = subjects_of(db, user.0, origin, now).await?;
    if let Some(seconds) = count(db, &subjects, now).await? {
        return Ok(Confirmed::Wait(seconds));
    }
    let checked = Checked::of(db, user.0, email, shown).await;
    let tx = db.begin_write_any_company().await?;
    let checked = match checked {
        Ok(checked) => checked,
        Err(error) => {
            take_back(&tx, &subjects, now).await?;
            tx.commit().await?;
            return Err(error);
        }
    };
    forgive(&tx, &subjects, now).await?;
    hold(&tx, user.0).await?;
    if let Some(refused) = checked.refused(&tx, keys, user.0, (origin.source, post), now).await? {
        tx.undo().await?;
        if matches!(refused, Confirmed::StepMissing) {
            let tx = db.begin_write_any_company().await?;
            take_back(&tx, &subjects, now).await?;
            tx.commit().await?;
        }
        return Ok(refused);
    }
    let Some(token) = sessions::rotate(&tx, user.0, session, now).await? else {
        tx.undo().await?;
        return Ok(Confirmed::Over);
    };
    sessions::note_certain(&tx, token.expose_secret(), now).await?;
    tx.commit().await?;
    Ok(Confirmed::Yes(token))
}

/// What was shown, with what takes time of it done, before anything is locked.
struct Checked<'a> {
    password: Option<users::Verified>,
    step: Option<Prepared<'a>>,
}

impl<'a> Checked<'a> {
    async fn of(db: &Db, person: Uuid, email: &str, shown: &Shown<'a>) -> Result<Self, StoreError> {
        let password = match shown.password {
            Some(password) => users::verify(db, email, password).await?.filter(|verified| verified.person == person),
            None => None,
        };
        let step = match &shown.step {
            Some(proof) => Some(Prepared::of(db, person, proof).await?),
            None => None,
        };
        Ok(Self { password, step })
    }

    /// What is wrong or missing of it; nothing where it is all that a login asks of this person.
    async fn refused(
        &self,
        tx: &Tx,
        keys: &Keyring,
        person: Uuid,
        told: (Option<IpAddr>, Post<'_>),
        now: Instant,
    ) -> Result<Option<Confirmed>, StoreError> {
        let is_key = matches!(self.step, Some(Prepared::Passkey(_)));
        if !is_key && !self.knows_the_password(tx).await? {
            return Ok(Some(Confirmed::WrongPassword));
        }
        if !is_key && !is_on_in(tx.as_conn(), person).await? {
            return Ok(None);
        }
        let Some(step) = &self.step else { return Ok(Some(Confirmed::StepMissing)) };
        match step.take(tx, keys, person, told, now).await {
            Ok(()) => Ok(None),
            Err(SecondFactorError::UsedCode) => Ok(Some(Confirmed::UsedStep)),
            Err(SecondFactorError::Store(error)) => Err(error),
            Err(_) => Ok(Some(Confirmed::WrongStep)),
        }
    }

    async fn knows_the_password(&self, tx: &Tx) -> Result<bool, StoreError> {
        match &self.password {
            Some(verified) => users::hold(tx, verified).await,
            None => Ok(false),
        }
    }
}
