//! Links that change how somebody comes in, each good once: to a new password, to a new address, and back to the one before.

use std::net::IpAddr;

use acuse_domain::Instant;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{CompanyId, UserId};
use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::db::{Db, StoreError, Tx};
use crate::events::{self, EventKind};
use crate::passwords::{random_token, token_hash};
use crate::second_factor::hold;
use crate::sessions::{self, note_in_each_company};
use crate::sql::{self, Inserted, execute, new_id, one, values};
use crate::user_mails::{self, NewMail, Post};
use crate::users::{self, CreateError};
use crate::{Actor, Identity, access};

const RESET_LASTS: TimeDelta = TimeDelta::hours(1);
const CONFIRMATION_LASTS: TimeDelta = TimeDelta::hours(24);
/// Over a weekend.
const UNDO_LASTS: TimeDelta = TimeDelta::hours(72);
/// A link that is over is kept so long, to say so.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    Reset,
    ConfirmAddress,
    UndoAddress,
}

impl LinkKind {
    const ALL: [Self; 3] = [Self::Reset, Self::ConfirmAddress, Self::UndoAddress];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::ConfirmAddress => "confirm_address",
            Self::UndoAddress => "undo_address",
        }
    }

    const fn lasts(self) -> TimeDelta {
        match self {
            Self::Reset => RESET_LASTS,
            Self::ConfirmAddress => CONFIRMATION_LASTS,
            Self::UndoAddress => UNDO_LASTS,
        }
    }
}

/// A link as its page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub kind: LinkKind,
    /// Where they come in now.
    pub current: String,
    /// What a use makes their address.
    pub email: Option<String>,
    pub ends_at: Instant,
    pub standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Open,
    Used,
    Expired,
}

#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("the link is not good: {0:?}")]
    Gone(Option<Standing>),
    #[error("somebody else comes in with this address")]
    EmailTaken,
    #[error(transparent)]
    NotCreated(#[from] CreateError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    #[error("this person does not belong to the company")]
    NotAMember,
    /// Whoever has the link comes in as them, everywhere: what one company's administrator hands over opens no other company.
    #[error("this person belongs to another company as well")]
    BelongsElsewhere,
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(FromQueryResult)]
struct Person {
    id: Uuid,
    email: String,
}

/// Mails a link for a new password to whoever comes in with this address; nothing where nobody does.
pub async fn mail_reset_any_company(db: &Db, email: &EmailAddress, post: Post<'_>, now: Instant) -> Result<(), StoreError> {
    let tx = db.begin_write_any_company().await?;
    let sql = "SELECT id, email FROM person WHERE email = $1
        AND EXISTS (SELECT 1 FROM membership m WHERE m.person_id = person.id)";
    let person: Option<Person> = one(tx.as_conn(), sql, values![email.lowercase().as_str()]).await?;
    if let Some(person) = person {
        make_and_mail(&tx, &person, LinkKind::Reset, None, post, now).await?;
    }
    tx.commit().await
}

/// A link for a new password, asked for by who manages the company's users. It is given where they hand it over.
pub async fn make_reset(
    db: &Db,
    by: &Actor,
    user: UserId,
    post: Post<'_>,
    now: Instant,
) -> Result<(SecretString, Instant), MakeError> {
    let member = access::member(db, by.company, user).await?.ok_or(MakeError::NotAMember)?;
    let tx = db.begin_write_any_company().await?;
    hold(&tx, user.0).await?;
    let sql = "SELECT COUNT(*) AS n FROM membership WHERE person_id = $1 AND company_id <> $2";
    if matches!(post, Post::ByHand) && sql::count(tx.as_conn(), sql, values![user.0, by.company.0]).await? > 0 {
        return Err(MakeError::BelongsElsewhere);
    }
    let person = Person { id: user.0, email: member.email };
    let token = make_and_mail(&tx, &person, LinkKind::Reset, None, post, now).await?;
    events::append(&tx, by, user.0, EventKind::ResetLinkMade, now, &person.email).await?;
    tx.commit().await?;
    Ok((token, now + RESET_LASTS))
}

/// A newer link of its kind ends those before: whoever has an older mail has nothing. A way back stays good beside others.
async fn make_and_mail(
    tx: &Tx,
    person: &Person,
    kind: LinkKind,
    new: Option<&str>,
    post: Post<'_>,
    now: Instant,
) -> Result<SecretString, StoreError> {
    let sql = "DELETE FROM person_link WHERE ends_at < $1";
    execute(tx.as_conn(), sql, values![now - REMEMBERED]).await?;
    hold(tx, person.id).await?;
    if kind != LinkKind::UndoAddress {
        end_open(tx, person.id, kind, now).await?;
    }
    let (token, ends_at) = (random_token(), now + kind.lasts());
    let sql = "INSERT INTO person_link (id, person_id, kind, token_hash, email, created_at, ends_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let hash = token_hash(token.expose_secret());
    execute(tx.as_conn(), sql, values![new_id(), person.id, kind.as_str(), hash, new, now, ends_at]).await?;
    // A link to undo a change goes where they came in before, which is what a use makes their address again.
    let (mail, recipient, detail) = match kind {
        LinkKind::Reset => ("reset", person.email.as_str(), ""),
        LinkKind::ConfirmAddress => ("confirm_address", new.unwrap_or_default(), ""),
        LinkKind::UndoAddress => ("address_changed", new.unwrap_or_default(), person.email.as_str()),
    };
    let mail = NewMail { token: Some(&token), detail, ..NewMail::new(mail, recipient, ends_at) };
    user_mails::queue(tx, post, &mail, now).await?;
    Ok(token)
}

async fn end_open(tx: &Tx, person: Uuid, kind: LinkKind, now: Instant) -> Result<(), StoreError> {
    let sql = "UPDATE person_link SET used_at = $3 WHERE person_id = $1 AND kind = $2 AND used_at IS NULL";
    execute(tx.as_conn(), sql, values![person, kind.as_str(), now]).await?;
    Ok(())
}

/// What a link leads to, whoever's it is.
pub async fn find_any_company(db: &Db, token: &str, now: Instant) -> Result<Option<Link>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        kind: String,
        current: String,
        email: Option<String>,
        ends_at: Instant,
        used_at: Option<Instant>,
    }
    let sql = "SELECT l.kind, p.email AS current, l.email, l.ends_at, l.used_at
        FROM person_link l JOIN person p ON p.id = l.person_id WHERE l.token_hash = $1";
    let row: Option<Row> = one(&db.of_any_company(), sql, values![token_hash(token)]).await?;
    Ok(row.and_then(|row| {
        let kind = LinkKind::ALL.into_iter().find(|kind| kind.as_str() == row.kind)?;
        let standing = match row.used_at {
            Some(_) => Standing::Used,
            None if row.ends_at <= now => Standing::Expired,
            None => Standing::Open,
        };
        Some(Link { kind, current: row.current, email: row.email, ends_at: row.ends_at, standing })
    }))
}

#[derive(FromQueryResult)]
struct Taken {
    person_id: Uuid,
    email: Option<String>,
}

/// One of those who use a link at once takes it; the others find it used.
async fn take(tx: &Tx, token: &str, kind: LinkKind, now: Instant) -> Result<Option<Taken>, StoreError> {
    // The person before their links, as whoever makes one.
    let first = "UPDATE person SET email = email WHERE id = (SELECT person_id FROM person_link WHERE token_hash = $1)";
    execute(tx.as_conn(), first, values![token_hash(token)]).await?;
    let sql = "UPDATE person_link SET used_at = $3 WHERE token_hash = $1 AND kind = $2 AND used_at IS NULL AND ends_at > $3
        RETURNING person_id, email";
    one(tx.as_conn(), sql, values![token_hash(token), kind.as_str(), now]).await
}

async fn gone(db: &Db, token: &str, now: Instant) -> Result<LinkError, StoreError> {
    Ok(LinkError::Gone(find_any_company(db, token, now).await?.map(|link| link.standing)))
}

/// Gives whoever the link is for a new password. Their sessions end, no browser is known any more, and they are told.
pub async fn reset_any_company(
    db: &Db,
    token: &str,
    password: &SecretString,
    source: Option<IpAddr>,
    post: Post<'_>,
    now: Instant,
) -> Result<(), LinkError> {
    let found = find_any_company(db, token, now).await?;
    let Some(link) = found.filter(|link| link.standing == Standing::Open && link.kind == LinkKind::Reset) else {
        return Err(gone(db, token, now).await?);
    };
    let person = users::id_of(db, &link.current).await?;
    let hash = users::hash_new(db, person, None, &[&link.current], password).await?;
    let tx = db.begin_write_any_company().await?;
    let Some(taken) = take(&tx, token, LinkKind::Reset, now).await? else {
        tx.undo().await?;
        return Err(gone(db, token, now).await?);
    };
    let sql = "UPDATE person SET password_hash = $2, password_changed_at = $3 WHERE id = $1 RETURNING id, email, name";
    let person: Option<Named> = one(tx.as_conn(), sql, values![taken.person_id, hash, now]).await?;
    let Some(person) = person else { return Err(LinkError::Gone(None)) };
    users::forget_entries(&tx, person.id).await?;
    let by = by_link(person.id, &person.name, source);
    note_in_each_company(&tx, &by, person.id, EventKind::UserPasswordChanged, now, "por el enlace de su correo").await?;
    user_mails::tell_of_password(&tx, person.id, post, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Who has the link acts as the person that it is for, in each of their companies.
fn by_link(person: Uuid, name: &str, source: Option<IpAddr>) -> Actor {
    let identity = Identity::User { user: UserId(person), session: None };
    Actor { company: CompanyId(Uuid::nil()), name: name.to_owned(), identity, source }
}

#[derive(FromQueryResult)]
struct Named {
    id: Uuid,
    email: String,
    name: String,
}

/// Mails a link to the address that somebody wants to come in with; nothing where somebody else does already, which nobody
/// learns by asking.
pub async fn ask_for_address_any_company(
    db: &Db,
    user: UserId,
    new: &EmailAddress,
    post: Post<'_>,
    now: Instant,
) -> Result<(), StoreError> {
    let tx = db.begin_write_any_company().await?;
    let new = new.lowercase();
    hold(&tx, user.0).await?;
    end_open(&tx, user.0, LinkKind::ConfirmAddress, now).await?;
    let sql = "SELECT COUNT(*) AS n FROM person WHERE email = $1";
    if sql::count(tx.as_conn(), sql, values![new.as_str()]).await? == 0 {
        let person = Person { id: user.0, email: String::new() };
        make_and_mail(&tx, &person, LinkKind::ConfirmAddress, Some(new.as_str()), post, now).await?;
    }
    tx.commit().await
}

/// The new address is theirs from here on; the one before is told, with a link that undoes it. What was mailed to that one
/// opens nothing else any more: it may be given up because somebody else reads it.
pub async fn confirm_address_any_company(
    db: &Db,
    token: &str,
    source: Option<IpAddr>,
    post: Post<'_>,
    now: Instant,
) -> Result<(), LinkError> {
    let tx = db.begin_write_any_company().await?;
    let Some(taken) = take(&tx, token, LinkKind::ConfirmAddress, now).await? else {
        tx.undo().await?;
        return Err(gone(db, token, now).await?);
    };
    let (before, new) = change_address(&tx, &taken, source, now).await?;
    sessions::end_links(&tx, taken.person_id, now).await?;
    let person = Person { id: taken.person_id, email: new };
    make_and_mail(&tx, &person, LinkKind::UndoAddress, Some(&before), post, now).await?;
    tx.commit().await?;
    Ok(())
}

/// The address before is theirs again. Whoever changed it may sit in their sessions: those end, and what is under way too.
pub async fn undo_address_any_company(db: &Db, token: &str, source: Option<IpAddr>, now: Instant) -> Result<(), LinkError> {
    let tx = db.begin_write_any_company().await?;
    let Some(taken) = take(&tx, token, LinkKind::UndoAddress, now).await? else {
        tx.undo().await?;
        return Err(gone(db, token, now).await?);
    };
    change_address(&tx, &taken, source, now).await?;
    // Of several changes in a row the earliest way back is the owner's: a later one does not end it, it ends those after it.
    let sql = "UPDATE person_link SET used_at = $3 WHERE person_id = $1 AND kind = 'undo_address' AND used_at IS NULL
        AND created_at > (SELECT created_at FROM person_link WHERE token_hash = $2)";
    execute(tx.as_conn(), sql, values![taken.person_id, token_hash(token), now]).await?;
    users::forget_entries(&tx, taken.person_id).await?;
    tx.commit().await?;
    Ok(())
}

/// Gives the address before and the new one.
async fn change_address(tx: &Tx, taken: &Taken, source: Option<IpAddr>, now: Instant) -> Result<(String, String), LinkError> {
    let new = taken.email.clone().unwrap_or_default();
    let sql = "SELECT id, email, name FROM person WHERE id = $1";
    let person: Option<Named> = one(tx.as_conn(), sql, values![taken.person_id]).await?;
    let Named { id, email: before, name } = person.ok_or(LinkError::Gone(None))?;
    let sql = "UPDATE person SET email = $2 WHERE id = $1";
    if let Inserted::Duplicate = sql::insert(tx.as_conn(), sql, values![taken.person_id, new.as_str()]).await? {
        return Err(LinkError::EmailTaken);
    }
    let detail = format!("{before} {new}");
    note_in_each_company(tx, &by_link(id, &name, source), id, EventKind::UserAddressChanged, now, &detail).await?;
    Ok((before, new))
}
