//! Who may enter a company, and how that is taken back. It holds from the next request on: nobody keeps a copy of it.

use acuse_domain::Instant;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{CompanyId, TokenId, UserId};
use acuse_domain::identification::Ruc;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::Actor;
use crate::db::{Db, StoreError, Tx};
use crate::events::{self, EventKind, differences};
use crate::invitations;
use crate::own_mails::STAYS_NEWS;
use crate::sessions::{self, Ended};
use crate::sql::{self, Of, all, execute, one, values};
use crate::tokens;
use crate::user_mails::{self, NewMail, Post};
use acuse_domain::access::{Permission, Role};

/// A person's place in one company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub user: UserId,
    pub name: String,
    pub email: String,
    pub company: CompanyId,
    pub ruc: Ruc,
    pub role: Role,
    pub last_login_at: Option<Instant>,
}

#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error("this person does not belong to the company")]
    NotAMember,
    /// Without an owner nobody could let anybody in.
    #[error("this person is the company's last owner")]
    LastOwner,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What went with a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    pub sessions: u64,
    /// Of the API, of the whole company: whoever was there may know them.
    pub tokens_left: u64,
}

/// The people of every company, by company and name.
pub async fn members_any_company(db: &Db) -> Result<Vec<Member>, StoreError> {
    let rows: Vec<Row> = all(&db.of_any_company(), &format!("{SELECT} ORDER BY c.ruc, p.name, p.email"), values![]).await?;
    Ok(rows.into_iter().map(Row::into_member).collect())
}

/// The people of one company, by name.
pub async fn members(db: &Db, company: CompanyId) -> Result<Vec<Member>, StoreError> {
    let sql = format!("{SELECT} WHERE m.company_id = $1 ORDER BY p.name, p.email");
    let rows: Vec<Row> = all(&db.of(company), &sql, values![company.0]).await?;
    Ok(rows.into_iter().map(Row::into_member).collect())
}

/// One of them.
pub async fn member(db: &Db, company: CompanyId, user: UserId) -> Result<Option<Member>, StoreError> {
    let sql = format!("{SELECT} WHERE m.company_id = $1 AND p.id = $2");
    let row: Option<Row> = one(&db.of(company), &sql, values![company.0, user.0]).await?;
    Ok(row.map(Row::into_member))
}

/// Tokens of the API that whoever belongs to the company may know, by age.
pub async fn live_tokens(db: &Db, company: CompanyId) -> Result<Vec<(TokenId, String)>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        name: String,
    }
    let sql = "SELECT id, name FROM api_token WHERE company_id = $1 AND revoked_at IS NULL ORDER BY id";
    let rows: Vec<Row> = all(&db.of(company), sql, values![company.0]).await?;
    Ok(rows.into_iter().map(|row| (TokenId(row.id), row.name)).collect())
}

/// Takes a person out of the company and ends their sessions there.
pub async fn remove(db: &Db, by: &Actor, email: &EmailAddress, now: Instant) -> Result<Removed, AccessError> {
    remove_and_tell(db, by, email, &[], Post::ByHand, now).await
}

/// The same, revokes these tokens, and tells the person by mail.
pub async fn remove_and_tell(
    db: &Db,
    by: &Actor,
    email: &EmailAddress,
    revoked: &[TokenId],
    post: Post<'_>,
    now: Instant,
) -> Result<Removed, AccessError> {
    let tx = db.begin_write_for(by.company).await?;
    let member = find_for_change(&tx, by.company, email).await?;
    if member.role == Role::Owner && is_last_owner(&tx, by.company).await? {
        return Err(AccessError::LastOwner);
    }
    let row = || values![by.company.0, member.user.0];
    // A login under way has ended, or finds the place taken back.
    execute(tx.as_conn(), "UPDATE person SET email = email WHERE id = $1", values![member.user.0]).await?;
    let ended = sessions::end(&tx, "company_id = $1 AND person_id = $2", row(), Ended::BySomebody, now).await?;
    execute(tx.as_conn(), "DELETE FROM membership WHERE company_id = $1 AND person_id = $2", row()).await?;
    invitations::withdraw_of(&tx, by.company, member.user.0, &member.email, now).await?;
    sessions::end_links(&tx, member.user.0, now).await?;
    let mail = NewMail { company: Some(by.company), ..NewMail::new("removed", &member.email, now + STAYS_NEWS) };
    user_mails::queue(&tx, post, &mail, now).await?;
    for id in revoked {
        tokens::revoke_in(&tx, by, *id, "", now).await?;
    }
    let sql = "SELECT COUNT(*) AS n FROM api_token WHERE company_id = $1 AND revoked_at IS NULL";
    let tokens_left = sql::count(tx.as_conn(), sql, values![by.company.0]).await?;
    events::append(&tx, by, member.user.0, EventKind::UserRemoved, now, &member.email).await?;
    tx.commit().await?;
    Ok(Removed { sessions: ended, tokens_left })
}

/// Gives a person another role in the company; tells the one they had.
pub async fn change_role(db: &Db, by: &Actor, email: &EmailAddress, role: Role, now: Instant) -> Result<Role, AccessError> {
    let tx = db.begin_write_for(by.company).await?;
    let member = find_for_change(&tx, by.company, email).await?;
    if member.role == role {
        tx.undo().await?;
        return Ok(role);
    }
    if member.role == Role::Owner && is_last_owner(&tx, by.company).await? {
        return Err(AccessError::LastOwner);
    }
    let sql = "UPDATE membership SET role = $3 WHERE company_id = $1 AND person_id = $2";
    execute(tx.as_conn(), sql, values![by.company.0, member.user.0, role.as_str()]).await?;
    note_role(&tx, by, &member, role, now).await?;
    tx.commit().await?;
    Ok(member.role)
}

/// Makes another person an owner; whoever hands over keeps the company's books.
pub async fn hand_over(db: &Db, by: &Actor, to: &EmailAddress, now: Instant) -> Result<(), AccessError> {
    let tx = db.begin_write_for(by.company).await?;
    let member = find_for_change(&tx, by.company, to).await?;
    let own = by.identity.id().unwrap_or_default();
    let sql = format!("{SELECT} WHERE m.company_id = $1 AND p.id = $2 AND m.role = 'owner'");
    let before: Option<Row> = one(tx.as_conn(), &sql, values![by.company.0, own]).await?;
    let before = before.ok_or(AccessError::NotAMember)?.into_member();
    if before.user == member.user {
        return Err(AccessError::LastOwner);
    }
    let sql = "UPDATE membership SET role = $3 WHERE company_id = $1 AND person_id = $2";
    for (one, role) in [(&member, Role::Owner), (&before, Role::Accountant)] {
        execute(tx.as_conn(), sql, values![by.company.0, one.user.0, role.as_str()]).await?;
        note_role(&tx, by, one, role, now).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Who may let nobody in any more leaves no open invitation behind.
async fn note_role(tx: &Tx, by: &Actor, member: &Member, role: Role, now: Instant) -> Result<(), StoreError> {
    if !role.holds(Permission::ManageUsers) {
        invitations::withdraw_of(tx, by.company, member.user.0, &member.email, now).await?;
    }
    let detail = format!("{} {} {}", member.email, member.role.as_str(), role.as_str());
    let changes = differences::of_role(Some(member.role), role);
    events::append_change(tx, by, member.user.0, EventKind::UserRoleChanged, now, &detail, &changes).await
}

/// The company's row is the lock of who belongs to it: two owners who leave at once would both see the other one stay.
async fn find_for_change(tx: &Tx, company: CompanyId, email: &EmailAddress) -> Result<Member, AccessError> {
    execute(tx.as_conn(), "UPDATE company SET ruc = ruc WHERE id = $1", values![company.0]).await?;
    let sql = format!("{SELECT} WHERE m.company_id = $1 AND p.email = $2");
    let row: Option<Row> = one(tx.as_conn(), &sql, values![company.0, email.lowercase().as_str()]).await?;
    Ok(row.ok_or(AccessError::NotAMember)?.into_member())
}

async fn is_last_owner(tx: &Tx, company: CompanyId) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) AS n FROM membership WHERE company_id = $1 AND role = 'owner'";
    Ok(sql::count(tx.as_conn(), sql, values![company.0]).await? <= 1)
}

const SELECT: &str = "SELECT p.id, p.name, p.email, p.last_login_at, m.company_id, m.role, c.ruc
    FROM membership m JOIN person p ON p.id = m.person_id JOIN company c ON c.id = m.company_id";

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    name: String,
    email: String,
    last_login_at: Option<Instant>,
    company_id: Uuid,
    role: String,
    ruc: String,
}

impl Row {
    fn into_member(self) -> Member {
        Member {
            user: UserId(self.id),
            name: self.name,
            email: self.email,
            company: CompanyId(self.company_id),
            ruc: Of { table: "company", id: self.company_id }.ruc(&self.ruc),
            role: Of { table: "membership", id: self.id }.code("role", &self.role, Role::parse).unwrap_or(Role::Viewer),
            last_login_at: self.last_login_at,
        }
    }
}
