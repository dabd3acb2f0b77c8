//! What becomes of an invitation in the hands of whom it was sent to.

use std::net::IpAddr;

use acuse_domain::Instant;
use acuse_domain::access::Role;
use acuse_domain::id::{CompanyId, SessionId, UserId};
use sea_orm::FromQueryResult;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{Standing, end, find_any_company};
use crate::db::{Db, StoreError, Tx};
use crate::events::{self, EventKind};
use crate::passwords::{random_token, token_hash};
use crate::second_factor::hold;
use crate::sessions::{self, Device, NewSession};
use crate::sql::{self, Inserted, Of, execute, one, values};
use crate::user_mails;
use crate::users::{self, CreateError};
use crate::{Actor, Identity};

#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// There is no such link, or it is over; the standing says why.
    #[error("the invitation is not open: {0:?}")]
    Gone(Option<Standing>),
    #[error("this person is in the company already")]
    AlreadyMember,
    #[error("somebody comes in with this address: they log in and accept")]
    HasUser,
    #[error(transparent)]
    NotCreated(#[from] CreateError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Somebody who has no user yet.
pub struct Newcomer<'a> {
    pub name: &'a str,
    pub password: &'a SecretString,
    pub device: Device,
    /// The session that the browser has, whoever's it is: the new one takes its place.
    pub earlier_session: Option<&'a str>,
}

#[derive(FromQueryResult)]
struct Taken {
    company_id: Uuid,
    id: Uuid,
    email: String,
    role: String,
}

impl Taken {
    fn role(&self) -> Role {
        Of { table: "invitation", id: self.id }.code("role", &self.role, Role::parse).unwrap_or(Role::Viewer)
    }
}

/// Makes a user of whoever has the link, lets them into the company, and opens their session.
pub async fn accept_as_new_any_company(
    db: &Db,
    token: &str,
    newcomer: Newcomer<'_>,
    now: Instant,
) -> Result<SecretString, AcceptError> {
    let found = find_any_company(db, token, now).await?.filter(|found| found.standing == Standing::Open);
    let Some(found) = found else { return Err(gone(db, token, now).await?) };
    let hash = users::hash_new(db, None, Some(found.company.0), &[newcomer.name, &found.email], newcomer.password).await?;
    let tx = db.begin_write_any_company().await?;
    let Some(taken) = take(&tx, token, now).await? else {
        tx.undo().await?;
        return Err(gone(db, token, now).await?);
    };
    let address = Of { table: "invitation", id: taken.id }.address("email", &taken.email);
    let Some(user) = users::put(&tx, newcomer.name, &address, &hash, now).await? else {
        return Err(AcceptError::HasUser);
    };
    let source = newcomer.device.source;
    join(&tx, &taken, user, newcomer.name, None, source, now).await?;
    let sql = "UPDATE person SET last_login_at = $2 WHERE id = $1";
    execute(tx.as_conn(), sql, values![user.0, now]).await?;
    let company = CompanyId(taken.company_id);
    let begun = NewSession { person: user.0, company, is_kept: false, is_certain: true, device: newcomer.device };
    let session = sessions::begin(&tx, &begun, newcomer.earlier_session, now).await?;
    tx.commit().await?;
    Ok(session)
}

/// Lets somebody who is logged in into the company. Their session goes on there, under a new token.
pub async fn accept_any_company(
    db: &Db,
    token: &str,
    session: &users::Session,
    session_token: &str,
    source: Option<IpAddr>,
    now: Instant,
) -> Result<SecretString, AcceptError> {
    let tx = db.begin_write_any_company().await?;
    let Some(taken) = take(&tx, token, now).await? else {
        tx.undo().await?;
        return Err(gone(db, token, now).await?);
    };
    join(&tx, &taken, session.user, &session.name, session.id, source, now).await?;
    let renewed = random_token();
    let sql = "UPDATE login SET token_hash = $2, company_id = $3 WHERE token_hash = $1";
    let (before, after) = (token_hash(session_token), token_hash(renewed.expose_secret()));
    if execute(tx.as_conn(), sql, values![before, after, taken.company_id]).await? == 0 {
        return Err(AcceptError::Gone(None));
    }
    tx.commit().await?;
    Ok(renewed)
}

/// Whoever has the link wants nothing of it. False where it was over before.
pub async fn decline_any_company(db: &Db, token: &str, source: Option<IpAddr>, now: Instant) -> Result<bool, StoreError> {
    let tx = db.begin_write_any_company().await?;
    let taken = change(&tx, token, "declined", now).await?;
    if let Some(taken) = &taken {
        user_mails::cancel_of_invitation(&tx, CompanyId(taken.company_id), taken.id, now).await?;
        let by = Actor { name: taken.email.clone(), ..Actor::unknown(CompanyId(taken.company_id), source) };
        events::append(&tx, &by, taken.id, EventKind::InvitationDeclined, now, &taken.email).await?;
    }
    tx.commit().await?;
    Ok(taken.is_some())
}

/// One of those who accept at once takes it; the others find it taken.
async fn take(tx: &Tx, token: &str, now: Instant) -> Result<Option<Taken>, StoreError> {
    change(tx, token, "accepted", now).await
}

/// Holds who belongs to the company first, as whoever takes somebody out does.
async fn change(tx: &Tx, token: &str, state: &'static str, now: Instant) -> Result<Option<Taken>, StoreError> {
    let hold = "UPDATE company SET ruc = ruc WHERE id = (SELECT company_id FROM invitation WHERE token_hash = $1)";
    execute(tx.as_conn(), hold, values![token_hash(token)]).await?;
    let sql = "UPDATE invitation SET state = $2, ended_at = $3 WHERE token_hash = $1 AND state = 'open' AND ends_at > $3
        RETURNING company_id, id, email, role";
    one(tx.as_conn(), sql, values![token_hash(token), state, now]).await
}

async fn join(
    tx: &Tx,
    taken: &Taken,
    user: UserId,
    name: &str,
    session: Option<SessionId>,
    source: Option<IpAddr>,
    now: Instant,
) -> Result<(), AcceptError> {
    let (company, role) = (CompanyId(taken.company_id), taken.role());
    // Whoever makes a link for them in another company meanwhile waits, and sees that they belong here.
    hold(tx, user.0).await?;
    let sql = "INSERT INTO membership (company_id, person_id, role) VALUES ($1, $2, $3)";
    if let Inserted::Duplicate = sql::insert(tx.as_conn(), sql, values![company.0, user.0, role.as_str()]).await? {
        return Err(AcceptError::AlreadyMember);
    }
    // What another company's administrator was handed opens no company that they came into since.
    sessions::end_links(tx, user.0, now).await?;
    user_mails::cancel_of_invitation(tx, company, taken.id, now).await?;
    // Another one, to the address that they come in with: it would let them in again after they were removed.
    let own = "email = (SELECT email FROM person WHERE id = $3)";
    end(tx, company, own, values![user.0], "replaced", now).await?;
    let by = Actor { company, name: name.to_owned(), identity: Identity::User { user, session }, source };
    let detail = format!("{}, {}", taken.email, role.name());
    events::append(tx, &by, user.0, EventKind::InvitationAccepted, now, &detail).await?;
    Ok(())
}

async fn gone(db: &Db, token: &str, now: Instant) -> Result<AcceptError, StoreError> {
    let standing = find_any_company(db, token, now).await?.map(|found| found.standing);
    Ok(AcceptError::Gone(standing.filter(|standing| *standing != Standing::Open)))
}
