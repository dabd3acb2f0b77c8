//! Letting somebody into a company by a link that is good once: asked for by who may, accepted by who has it.

use acuse_domain::Instant;
use acuse_domain::access::Role;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{CompanyId, InvitationId};
use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::Actor;
use crate::db::{Db, StoreError, Tx};
use crate::events::{self, EventKind};
use crate::passwords::{random_token, token_hash};
use crate::sql::{self, Inserted, Of, execute, new_id, one, readable, values};
use crate::user_mails::{self, NewMail, Post};

mod accept;

pub use accept::{AcceptError, Newcomer, accept_any_company, accept_as_new_any_company, decline_any_company};

/// From the moment that it is made.
pub const LASTS: TimeDelta = TimeDelta::hours(72);

/// Whom to let in, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvitation {
    pub email: EmailAddress,
    /// As whoever invites knows them; may be empty.
    pub name: String,
    pub role: Role,
}

/// An invitation that was made. Its token is given this once.
pub struct Invited {
    pub id: InvitationId,
    pub ends_at: Instant,
    pub token: SecretString,
}

#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    #[error("this person is in the company already")]
    AlreadyMember,
    #[error("this address has an open invitation")]
    AlreadyInvited,
    #[error("there is no such invitation that is open")]
    NotFound,
    /// Nobody is let in there any more.
    #[error("the company is archived")]
    Archived,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where the mail of an invitation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mailed {
    /// It was handed over by a person.
    ByHand,
    Waiting,
    Sent,
    /// By the code of the problem and the server's words.
    Failed {
        problem_code: Option<String>,
        reply: String,
    },
}

/// An invitation that nobody has accepted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    pub id: InvitationId,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub created_at: Instant,
    pub ends_at: Instant,
    pub mailed: Mailed,
}

impl Invitation {
    #[must_use]
    pub fn has_ended(&self, now: Instant) -> bool {
        self.ends_at <= now
    }
}

/// Invites somebody; `instead_of` takes back the invitation that it corrects. An expired one of the same address is replaced.
pub async fn invite(
    db: &Db,
    by: &Actor,
    new: &NewInvitation,
    instead_of: Option<InvitationId>,
    post: Post<'_>,
    now: Instant,
) -> Result<Invited, InviteError> {
    let tx = db.begin_write_for(by.company).await?;
    hold_open(&tx, by.company).await?;
    let address = new.email.lowercase();
    let sql =
        "SELECT COUNT(*) AS n FROM membership m JOIN person p ON p.id = m.person_id WHERE m.company_id = $1 AND p.email = $2";
    if sql::count(tx.as_conn(), sql, values![by.company.0, address.as_str()]).await? > 0 {
        return Err(InviteError::AlreadyMember);
    }
    if let Some(corrected) = instead_of {
        end(&tx, by.company, "id = $3", values![corrected.0], "replaced", now).await?;
    }
    let same = "email = $3 AND ends_at <= $4";
    end(&tx, by.company, same, values![address.as_str(), now], "replaced", now).await?;
    let invited = put(&tx, by, new, post, now).await?;
    tx.commit().await?;
    Ok(invited)
}

/// Whoever leaves, comes in or archives meanwhile waits.
async fn hold_open(tx: &Tx, company: CompanyId) -> Result<(), InviteError> {
    let sql = "UPDATE company SET ruc = ruc WHERE id = $1 AND archived_at IS NULL";
    if execute(tx.as_conn(), sql, values![company.0]).await? == 1 { Ok(()) } else { Err(InviteError::Archived) }
}

async fn put(tx: &Tx, by: &Actor, new: &NewInvitation, post: Post<'_>, now: Instant) -> Result<Invited, InviteError> {
    let (id, token, ends_at, address) = (InvitationId(new_id()), random_token(), now + LASTS, new.email.lowercase());
    let sql = "INSERT INTO invitation (company_id, id, email, name, role, inviter, inviter_id, token_hash, state, created_at,
        ends_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'open', $9, $10)";
    let hash = token_hash(token.expose_secret());
    let (role, inviter) = (new.role.as_str(), by.name.as_str());
    let row =
        values![by.company.0, id.0, address.as_str(), new.name.as_str(), role, inviter, by.identity.id(), hash, now, ends_at];
    if let Inserted::Duplicate = sql::insert(tx.as_conn(), sql, row).await? {
        return Err(InviteError::AlreadyInvited);
    }
    let mail = NewMail {
        company: Some(by.company),
        invitation: Some(id.0),
        token: Some(&token),
        ..NewMail::new("invitation", address.as_str(), ends_at)
    };
    user_mails::queue(tx, post, &mail, now).await?;
    events::append(tx, by, id.0, EventKind::UserInvited, now, &format!("{address}, {}", new.role.name())).await?;
    Ok(Invited { id, ends_at, token })
}

/// A new link in place of the one before, which opens nothing from here on.
pub async fn resend(db: &Db, by: &Actor, id: InvitationId, post: Post<'_>, now: Instant) -> Result<Invited, InviteError> {
    let tx = db.begin_write_for(by.company).await?;
    hold_open(&tx, by.company).await?;
    let ended = end(&tx, by.company, "id = $3", values![id.0], "replaced", now).await?;
    let Some(Ended { email, name, role, .. }) = ended.into_iter().next() else { return Err(InviteError::NotFound) };
    let of = || Of { table: "invitation", id: id.0 };
    let role = of().code("role", &role, Role::parse).ok_or(InviteError::NotFound)?;
    let new = NewInvitation { email: of().address("email", &email), name, role };
    let invited = put(&tx, by, &new, post, now).await?;
    tx.commit().await?;
    Ok(invited)
}

/// Takes an invitation back: its link opens nothing from here on. False where it was over before.
pub async fn withdraw(db: &Db, by: &Actor, id: InvitationId, now: Instant) -> Result<bool, StoreError> {
    let tx = db.begin_write_for(by.company).await?;
    let ended = end(&tx, by.company, "id = $3", values![id.0], "withdrawn", now).await?;
    for one in &ended {
        events::append(&tx, by, id.0, EventKind::InvitationWithdrawn, now, &one.email).await?;
    }
    tx.commit().await?;
    Ok(!ended.is_empty())
}

/// Whoever loses a company, or may let nobody in any more, has nobody let in after them: neither by invitations of theirs nor
/// by one to their own address.
pub(crate) async fn withdraw_of(tx: &Tx, company: CompanyId, person: Uuid, email: &str, now: Instant) -> Result<(), StoreError> {
    let theirs = "(inviter_id = $3 OR email = $4)";
    end(tx, company, theirs, values![person, email], "withdrawn", now).await?;
    Ok(())
}

/// Nobody comes into a company that is only read.
pub(crate) async fn withdraw_all(tx: &Tx, company: CompanyId, now: Instant) -> Result<(), StoreError> {
    end(tx, company, "id IS NOT NULL", Vec::new(), "withdrawn", now).await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Ended {
    id: Uuid,
    email: String,
    name: String,
    role: String,
}

/// Ends open invitations of a company; `which` begins to count at `$3`.
async fn end(
    tx: &Tx,
    company: CompanyId,
    which: &str,
    with: Vec<sea_orm::Value>,
    state: &'static str,
    now: Instant,
) -> Result<Vec<Ended>, StoreError> {
    let at = with.len() + 3;
    let sql = format!(
        "UPDATE invitation SET state = $2, ended_at = ${at} WHERE company_id = $1 AND state = 'open' AND {which}
        RETURNING id, email, name, role"
    );
    let row = [values![company.0, state], with, values![now]].concat();
    let ended: Vec<Ended> = sql::all(tx.as_conn(), &sql, row).await?;
    for one in &ended {
        user_mails::cancel_of_invitation(tx, company, one.id, now).await?;
    }
    Ok(ended)
}

/// Those that nobody has accepted and that were not taken back, by address; expired ones too.
pub async fn open(db: &Db, company: CompanyId) -> Result<Vec<Invitation>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        email: String,
        name: String,
        role: String,
        created_at: Instant,
        ends_at: Instant,
        mail_state: Option<String>,
        problem_code: Option<String>,
        reply: Option<String>,
    }
    let sql = "SELECT i.id, i.email, i.name, i.role, i.created_at, i.ends_at, m.state AS mail_state, m.problem_code, m.reply
        FROM invitation i LEFT JOIN user_mail m ON m.invitation_id = i.id AND m.company_id = i.company_id
        WHERE i.company_id = $1 AND i.state = 'open' ORDER BY i.email";
    let rows: Vec<Row> = readable(&db.of(company), "invitation", sql, values![company.0]).await?;
    let invitation = |row: Row| {
        let mailed = match row.mail_state.as_deref() {
            None => Mailed::ByHand,
            Some("accepted" | "in_doubt") => Mailed::Sent,
            Some("failed" | "cancelled") => {
                Mailed::Failed { problem_code: row.problem_code, reply: row.reply.unwrap_or_default() }
            }
            Some(_) => Mailed::Waiting,
        };
        Some(Invitation {
            id: InvitationId(row.id),
            role: Of { table: "invitation", id: row.id }.code("role", &row.role, Role::parse)?,
            email: row.email,
            name: row.name,
            created_at: row.created_at,
            ends_at: row.ends_at,
            mailed,
        })
    };
    Ok(rows.into_iter().filter_map(invitation).collect())
}

/// How an invitation stands for who has its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Open,
    Accepted,
    Expired,
    Withdrawn,
    /// A newer link was sent.
    Replaced,
    Declined,
}

/// An invitation as its link shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub id: InvitationId,
    pub company: CompanyId,
    pub company_name: String,
    pub inviter: String,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub ends_at: Instant,
    pub standing: Standing,
    /// Somebody comes in with this address already.
    pub has_user: bool,
}

/// The invitation of a link, whichever company it leads into.
pub async fn find_any_company(db: &Db, token: &str, now: Instant) -> Result<Option<Found>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        company_id: Uuid,
        company_name: String,
        inviter: String,
        email: String,
        name: String,
        role: String,
        state: String,
        ends_at: Instant,
        users: i64,
    }
    let sql =
        "SELECT i.id, i.company_id, COALESCE(c.trade_name, c.legal_name) AS company_name, i.inviter, i.email, i.name, i.role,
            i.state, i.ends_at, (SELECT COUNT(*) FROM person p WHERE p.email = i.email
                AND EXISTS (SELECT 1 FROM membership m WHERE m.person_id = p.id)) AS users
        FROM invitation i JOIN company c ON c.id = i.company_id WHERE i.token_hash = $1";
    let row: Option<Row> = one(&db.of_any_company(), sql, values![token_hash(token)]).await?;
    Ok(row.and_then(|row| {
        Some(Found {
            id: InvitationId(row.id),
            company: CompanyId(row.company_id),
            role: Of { table: "invitation", id: row.id }.code("role", &row.role, Role::parse)?,
            standing: standing(&row.state, row.ends_at, now),
            company_name: row.company_name,
            inviter: row.inviter,
            email: row.email,
            name: row.name,
            ends_at: row.ends_at,
            has_user: row.users > 0,
        })
    }))
}

/// An invitation as whoever it is for learns of it. Its link alone accepts it: an address says who is meant, not who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub company_name: String,
    pub inviter: String,
    pub email: String,
    pub role: Role,
    pub ends_at: Instant,
}

/// The open invitations to an address, the first to end first.
pub async fn waiting_for_any_company(db: &Db, email: &str, now: Instant) -> Result<Vec<Waiting>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        company_name: String,
        inviter: String,
        email: String,
        role: String,
        ends_at: Instant,
    }
    let sql = "SELECT i.id, COALESCE(c.trade_name, c.legal_name) AS company_name, i.inviter, i.email, i.role, i.ends_at
        FROM invitation i JOIN company c ON c.id = i.company_id
        WHERE i.email = $1 AND i.state = 'open' AND i.ends_at > $2 ORDER BY i.ends_at, i.id";
    let rows: Vec<Row> = readable(&db.of_any_company(), "invitation", sql, values![email, now]).await?;
    let waiting = |row: Row| {
        Some(Waiting {
            role: Of { table: "invitation", id: row.id }.code("role", &row.role, Role::parse)?,
            company_name: row.company_name,
            inviter: row.inviter,
            email: row.email,
            ends_at: row.ends_at,
        })
    };
    Ok(rows.into_iter().filter_map(waiting).collect())
}

fn standing(state: &str, ends_at: Instant, now: Instant) -> Standing {
    match state {
        "open" if ends_at > now => Standing::Open,
        "open" => Standing::Expired,
        "accepted" => Standing::Accepted,
        "replaced" => Standing::Replaced,
        "declined" => Standing::Declined,
        _ => Standing::Withdrawn,
    }
}
