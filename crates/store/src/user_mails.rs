//! Mails to people about how they come in: an invitation, a link for a new password or address, and news of what was changed.
//!
//! A row is written in the transaction that it tells of. The token of its link lies sealed, bound to the row, until the mail
//! has left or is given up; then nobody has it but its reader.

use acuse_domain::Instant;
use acuse_domain::access::Role;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::CompanyId;
use acuse_domain::news::{AccountChange, CompanyNews};
use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use secrecy::SecretString;
use uuid::Uuid;

use crate::claims::{Claim, Queue};
use crate::db::{Db, StoreError, Tx};
use crate::own_mails::{self, STAYS_NEWS, Told};
use crate::sealing_key::{BATCH, claim_in};
use crate::secrets::Keyring;
use crate::sql::{Undecoded, execute, new_id, one, readable, values};

/// What a dead worker held comes back, unless a server may have it: then it is never sent again.
const MAILS: Queue = own_mails::queue(
    "user_mail",
    &["id"],
    "state = CASE WHEN handed_over_at IS NULL THEN 'queued' ELSE 'in_doubt' END,
    next_attempt_at = CASE WHEN handed_over_at IS NULL THEN $1 END,
    sealed_token = CASE WHEN handed_over_at IS NULL THEN sealed_token END,
    finished_at = CASE WHEN handed_over_at IS NOT NULL THEN $1 END",
    "id, kind, company_id, invitation_id, recipient, detail, sealed_token, ends_at, queued_at, attempts, fence",
);

/// How a link reaches whom it is for.
#[derive(Clone, Copy)]
pub enum Post<'a> {
    /// Through the default account.
    Mail(&'a Keyring),
    /// There is no default account: whoever asked for the link hands it over.
    ByHand,
}

/// A mail that is to be sent.
pub(crate) struct NewMail<'a> {
    pub kind: &'static str,
    pub company: Option<CompanyId>,
    pub invitation: Option<Uuid>,
    pub recipient: &'a str,
    pub detail: &'a str,
    pub token: Option<&'a SecretString>,
    pub ends_at: Instant,
}

impl<'a> NewMail<'a> {
    pub(crate) fn new(kind: &'static str, recipient: &'a str, ends_at: Instant) -> Self {
        Self { kind, company: None, invitation: None, recipient, detail: "", token: None, ends_at }
    }
}

/// Queues a mail, where mails are sent.
pub(crate) async fn queue(tx: &Tx, post: Post<'_>, mail: &NewMail<'_>, now: Instant) -> Result<(), StoreError> {
    let Post::Mail(keys) = post else { return Ok(()) };
    let id = new_id();
    if mail.token.is_some() {
        claim_in::<StoreError>(tx, keys).await?;
    }
    let sealed = mail.token.map(|token| keys.seal(token, &identity(id))).transpose()?;
    let sql = "INSERT INTO user_mail (id, kind, company_id, invitation_id, recipient, detail, sealed_token, ends_at, state,
        queued_at, next_attempt_at, attempts, fence) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9, $9, 0, 0)";
    let company = mail.company.map(|company| company.0);
    let row = values![id, mail.kind, company, mail.invitation, mail.recipient, mail.detail, sealed, mail.ends_at, now];
    execute(tx.as_conn(), sql, row).await?;
    Ok(())
}

fn identity(id: Uuid) -> String {
    format!("user_mail:{id}")
}

/// Tells somebody what was changed in how they enter: it may have been done by somebody else (OWASP ASVS 5.0 6.3.7).
pub(crate) async fn tell_of_change(
    tx: &Tx,
    person: Uuid,
    change: AccountChange,
    post: Post<'_>,
    now: Instant,
) -> Result<(), StoreError> {
    let email = address_of(tx, person).await?;
    let mail = NewMail { detail: change.as_str(), ..NewMail::new("account_changed", &email, now + STAYS_NEWS) };
    queue(tx, post, &mail, now).await
}

/// «Su contraseña cambió.»
pub(crate) async fn tell_of_password(tx: &Tx, person: Uuid, post: Post<'_>, now: Instant) -> Result<(), StoreError> {
    let email = address_of(tx, person).await?;
    queue(tx, post, &NewMail::new("password_changed", &email, now + STAYS_NEWS), now).await
}

async fn address_of(tx: &Tx, person: Uuid) -> Result<String, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        email: String,
    }
    let row: Option<Row> = one(tx.as_conn(), "SELECT email FROM person WHERE id = $1", values![person]).await?;
    row.map(|row| row.email).ok_or_else(|| StoreError::unreadable("a person vanished"))
}

/// Takes back what of an invitation was not sent yet.
pub(crate) async fn cancel_of_invitation(tx: &Tx, company: CompanyId, invitation: Uuid, now: Instant) -> Result<(), StoreError> {
    let sql = "UPDATE user_mail SET state = 'cancelled', next_attempt_at = NULL, sealed_token = NULL, finished_at = $3
        WHERE company_id = $1 AND invitation_id = $2 AND state = 'queued'";
    execute(tx.as_conn(), sql, values![company.0, invitation, now]).await?;
    Ok(())
}

/// What a mail says.
#[derive(Debug)]
pub enum Content {
    Invitation {
        company: CompanyNames,
        inviter: String,
        role: Role,
        token: SecretString,
    },
    /// A link for a new password.
    Reset {
        token: SecretString,
    },
    /// To the new address.
    ConfirmAddress {
        token: SecretString,
    },
    /// To the one before, with the link that undoes it.
    AddressChanged {
        new: String,
        token: SecretString,
    },
    PasswordChanged,
    AccountChanged(AccountChange),
    Removed {
        company: CompanyNames,
    },
    Company {
        company: CompanyNames,
        news: CompanyNews,
        who: String,
        /// From when on a deletion may be confirmed.
        due_at: Option<Instant>,
    },
}

/// What people call a company, and its razón social.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompanyNames {
    pub known_as: String,
    pub legal_name: String,
}

/// A mail in one worker's hands until its lease ends, with all that is needed to write it.
#[derive(Debug)]
pub struct UserMail {
    pub claim: Claim,
    /// This one included.
    pub attempt: i32,
    pub queued_at: Instant,
    /// Until when its link is good.
    pub ends_at: Instant,
    pub recipient: EmailAddress,
    pub content: Content,
}

#[derive(FromQueryResult)]
struct ClaimRow {
    id: Uuid,
    kind: String,
    company_id: Option<Uuid>,
    invitation_id: Option<Uuid>,
    recipient: String,
    detail: String,
    sealed_token: Option<Vec<u8>>,
    ends_at: Instant,
    queued_at: Instant,
    attempts: i32,
    fence: i64,
}

/// Whether a mail is due, or one under way has lost its worker.
pub async fn are_due_any_company(db: &Db, now: Instant) -> Result<bool, StoreError> {
    MAILS.is_due(db, now).await
}

/// Claims up to `most` due mails until `now + lease`; what a dead worker held first comes back.
pub async fn claim_due_any_company(
    db: &Db,
    keys: &Keyring,
    most: u32,
    lease: TimeDelta,
    now: Instant,
) -> Result<Vec<UserMail>, StoreError> {
    let tx = db.begin_write_any_company().await?;
    MAILS.expire(&tx, now).await?;
    let stale = "UPDATE user_mail SET state = 'cancelled', next_attempt_at = NULL, sealed_token = NULL, finished_at = $1
        WHERE state = 'queued' AND next_attempt_at <= $1 AND ends_at < $1";
    execute(tx.as_conn(), stale, values![now]).await?;
    let mut claimed = Vec::new();
    for line in MAILS.claim(&tx, most, lease, now, values![]).await? {
        match line {
            Ok(row) => claimed.extend(put_together(&tx, keys, row, now).await?),
            Err(Undecoded { id, .. }) => give_up(&tx, id, now).await?,
        }
    }
    tx.commit().await?;
    Ok(claimed)
}

/// A mail that cannot be written says nothing to anybody.
async fn give_up(tx: &Tx, id: Uuid, now: Instant) -> Result<(), StoreError> {
    let sql = "UPDATE user_mail SET state = 'failed', finished_at = $2, lease_until = NULL, sealed_token = NULL WHERE id = $1";
    execute(tx.as_conn(), sql, values![id, now]).await?;
    Ok(())
}

async fn put_together(tx: &Tx, keys: &Keyring, row: ClaimRow, now: Instant) -> Result<Option<UserMail>, StoreError> {
    let (content, recipient) = (content(tx, keys, &row).await?, row.recipient.parse());
    let (Some(content), Ok(recipient)) = (content, recipient) else {
        tracing::warn!("A mail to a user cannot be written and is given up: {}", row.id);
        give_up(tx, row.id, now).await?;
        return Ok(None);
    };
    let claim = Claim { company: None, id: row.id, fence: row.fence };
    let (attempt, queued_at, ends_at) = (row.attempts, row.queued_at, row.ends_at);
    Ok(Some(UserMail { claim, attempt, queued_at, ends_at, recipient, content }))
}

/// Nothing where its token does not open, or what it is about is gone.
async fn content(tx: &Tx, keys: &Keyring, row: &ClaimRow) -> Result<Option<Content>, StoreError> {
    let token = || keys.open(row.sealed_token.as_deref()?, &identity(row.id)).ok();
    Ok(match row.kind.as_str() {
        "invitation" => invitation(tx, row, token()).await?,
        "reset" => token().map(|token| Content::Reset { token }),
        "confirm_address" => token().map(|token| Content::ConfirmAddress { token }),
        "address_changed" => token().map(|token| Content::AddressChanged { new: row.detail.clone(), token }),
        "password_changed" => Some(Content::PasswordChanged),
        "account_changed" => AccountChange::parse(&row.detail).map(Content::AccountChanged),
        "company_news" => company_news(tx, row).await?,
        "removed" => names(tx, row).await?.map(|company| Content::Removed { company }),
        _ => None,
    })
}

async fn company_news(tx: &Tx, row: &ClaimRow) -> Result<Option<Content>, StoreError> {
    let mut lines = row.detail.lines();
    let (Some(news), Some(who)) = (lines.next().and_then(CompanyNews::parse), lines.next()) else { return Ok(None) };
    let own = match (lines.next(), lines.next()) {
        (Some(known_as), Some(legal_name)) => {
            Some(CompanyNames { known_as: known_as.to_owned(), legal_name: legal_name.to_owned() })
        }
        _ => names(tx, row).await?,
    };
    let due_at = (news == CompanyNews::DeletionAsked).then_some(row.ends_at);
    Ok(own.map(|company| Content::Company { company, news, who: who.to_owned(), due_at }))
}

async fn invitation(tx: &Tx, row: &ClaimRow, token: Option<SecretString>) -> Result<Option<Content>, StoreError> {
    #[derive(FromQueryResult)]
    struct Invited {
        role: String,
        inviter: String,
    }
    let sql = "SELECT id, role, inviter FROM invitation WHERE company_id = $1 AND id = $2 AND state = 'open'";
    let invited: Vec<Invited> = readable(tx.as_conn(), "invitation", sql, values![row.company_id, row.invitation_id]).await?;
    let (Some(invited), Some(company), Some(token)) = (invited.into_iter().next(), names(tx, row).await?, token) else {
        return Ok(None);
    };
    let role = Role::parse(&invited.role);
    Ok(role.map(|role| Content::Invitation { company, inviter: invited.inviter, role, token }))
}

async fn names(tx: &Tx, row: &ClaimRow) -> Result<Option<CompanyNames>, StoreError> {
    names_of(tx, row.company_id).await
}

pub(crate) async fn names_of(tx: &Tx, company: Option<Uuid>) -> Result<Option<CompanyNames>, StoreError> {
    #[derive(FromQueryResult)]
    struct Names {
        legal_name: String,
        trade_name: Option<String>,
    }
    let sql = "SELECT legal_name, trade_name FROM company WHERE id = $1";
    let found: Option<Names> = one(tx.as_conn(), sql, values![company]).await?;
    let names = |Names { legal_name, trade_name }| CompanyNames {
        known_as: trade_name.unwrap_or_else(|| legal_name.clone()),
        legal_name,
    };
    Ok(found.map(names))
}

/// Notes that the server is given the mail now. Tells no where the lease was lost: then it must not be given.
pub async fn hand_over(db: &Db, claim: Claim, now: Instant) -> Result<bool, StoreError> {
    own_mails::hand_over(&MAILS, db, claim, now).await
}

/// Writes down how a mail went, and what was wrong with it. Tells no where the lease was lost meanwhile.
pub async fn record(
    db: &Db,
    claim: Claim,
    told: &Told,
    problem_code: Option<&str>,
    reply: &str,
    now: Instant,
) -> Result<bool, StoreError> {
    let tx = db.begin_write_any_company().await?;
    let said = values![told.state(), problem_code, reply];
    let ours = match told {
        Told::Again { at } => {
            let set = "state = $1, problem_code = $2, reply = $3, next_attempt_at = $4, handed_over_at = NULL";
            MAILS.finish(&tx, &[claim], set, [said, values![*at]].concat()).await?
        }
        _ => {
            let set = "state = $1, problem_code = $2, reply = $3, finished_at = $4, sealed_token = NULL";
            MAILS.finish(&tx, &[claim], set, [said, values![now]].concat()).await?
        }
    };
    tx.commit().await?;
    Ok(!ours.is_empty())
}

/// Seals every token that waits again under the newest key. Gives how many were.
pub async fn reseal_any_company(db: &Db, keys: &Keyring) -> Result<u64, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        sealed_token: Vec<u8>,
    }
    let sql = "SELECT id, sealed_token FROM user_mail WHERE sealed_token IS NOT NULL";
    let mut rows: Vec<Row> = readable(&db.of_any_company(), "user_mail", sql, values![]).await?;
    rows.retain(|row| !keys.is_newest(&row.sealed_token));
    let mut done = 0;
    for some in rows.chunks(BATCH) {
        let tx = db.begin_write_any_company().await?;
        let mut held = Vec::new();
        for row in some {
            // Whoever takes a mail back and queues another holds it first, and then the key. Not where it was sent meanwhile.
            let sql = "UPDATE user_mail SET sealed_token = $2 WHERE id = $1 AND sealed_token = $2";
            if execute(tx.as_conn(), sql, values![row.id, row.sealed_token.clone()]).await? == 1 {
                held.push(row);
            }
        }
        claim_in::<StoreError>(&tx, keys).await?;
        for row in held {
            let Some(again) = keys.reseal(&row.sealed_token, &identity(row.id), &identity(row.id))? else { continue };
            let sql = "UPDATE user_mail SET sealed_token = $2 WHERE id = $1";
            done += execute(tx.as_conn(), sql, values![row.id, again]).await?;
        }
        tx.commit().await?;
    }
    Ok(done)
}
