//! People who log in, and their sessions.

use acuse_domain::Instant;
use acuse_domain::access::{Role, SecondFactorRule};
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{CompanyId, SessionId, UserId};
use acuse_domain::input::password::PasswordError;
use sea_orm::FromQueryResult;
use secrecy::SecretString;
use uuid::Uuid;

use crate::Actor;
use crate::concurrency_limit::NotDone;
use crate::db::{Db, StoreError, Tx};
use crate::events::{self, Changes, EventKind, differences};
use crate::owners;
use crate::passwords::{self, hash, token_hash};
use crate::second_factor;
use crate::sessions::{self, Ended};
use crate::sql::{self, Inserted, all, execute, new_id, one, values};

#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("there is already a user with this address")]
    EmailTaken,
    #[error("the password could not be hashed")]
    NotHashed,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NotDone> for CreateError {
    fn from(why: NotDone) -> Self {
        match why {
            NotDone::Overloaded(_) => Self::Store(why.into()),
            NotDone::Panicked => Self::NotHashed,
        }
    }
}

/// Makes a user with a role in one company.
pub async fn create(
    db: &Db,
    company: CompanyId,
    name: &str,
    email: &EmailAddress,
    password: &SecretString,
    role: Role,
    now: Instant,
) -> Result<UserId, CreateError> {
    let hash = hash_new(db, None, Some(company.0), &[name, email.as_str()], password).await?;
    // Whether they are in a company asks for all of them.
    let tx = db.begin_write_any_company().await?;
    let Some(id) = put(&tx, name, email, &hash, now).await? else { return Err(CreateError::EmailTaken) };
    let sql = "INSERT INTO membership (company_id, person_id, role) VALUES ($1, $2, $3)";
    execute(tx.as_conn(), sql, values![company.0, id.0, role.as_str()]).await?;
    let detail = format!("{email} {}", role.as_str());
    let (by, changes) = (Actor::operator(company), differences::of_role(None, role));
    events::append_named(&tx, &by, (id.0, name), EventKind::UserCreated, now, &detail, &changes).await?;
    tx.commit().await?;
    Ok(id)
}

/// The hash of a password that is good enough for somebody with these data. Whoever takes a new password asks here.
pub(crate) async fn hash_new(
    db: &Db,
    person: Option<Uuid>,
    company: Option<Uuid>,
    own: &[&str],
    password: &SecretString,
) -> Result<String, CreateError> {
    passwords::check_new(&db.of_any_company(), person, company, own, password).await??;
    Ok(hash(password.clone()).await?)
}

/// Writes a person down; nothing where somebody comes in with this address already.
pub(crate) async fn put(
    tx: &Tx,
    name: &str,
    email: &EmailAddress,
    hash: &str,
    now: Instant,
) -> Result<Option<UserId>, StoreError> {
    if let Some(id) = let_in_again(tx, name, email, hash).await? {
        forget_entries(tx, id.0).await?;
        second_factor::forget_in(tx, id.0).await?;
        return Ok(Some(id));
    }
    let id = UserId(new_id());
    let sql = "INSERT INTO person (id, email, name, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)";
    let row = values![id.0, email.lowercase().as_str(), name, hash, now];
    Ok(match sql::insert(tx.as_conn(), sql, row).await? {
        Inserted::Done => Some(id),
        Inserted::Duplicate => None,
    })
}

/// Who was removed from their last company is on record still, and may come back with a new password.
async fn let_in_again(tx: &Tx, name: &str, email: &EmailAddress, hash: &str) -> Result<Option<UserId>, StoreError> {
    let sql = "UPDATE person SET name = $2, password_hash = $3
        WHERE email = $1 AND NOT EXISTS (SELECT 1 FROM membership m WHERE m.person_id = person.id) RETURNING id";
    let row: Option<Id> = one(tx.as_conn(), sql, values![email.lowercase().as_str(), name, hash]).await?;
    Ok(row.map(|row| UserId(row.id)))
}

#[derive(FromQueryResult)]
struct Id {
    id: Uuid,
}

/// Who logs in with an address.
pub(crate) async fn id_of(db: &Db, email: &str) -> Result<Option<Uuid>, StoreError> {
    let row: Option<Id> = one(&db.of_any_company(), "SELECT id FROM person WHERE email = $1", values![email]).await?;
    Ok(row.map(|row| row.id))
}

/// Gives a user a new password and ends their sessions. Errs if there is no such user.
pub async fn change_password_any_company(db: &Db, email: &EmailAddress, password: &SecretString) -> Result<bool, CreateError> {
    let address = email.lowercase();
    let known = id_of(db, address.as_str()).await?;
    let hash = hash_new(db, known, None, &[], password).await?;
    let tx = db.begin_write_any_company().await?;
    let sql = "UPDATE person SET password_hash = $2, password_changed_at = $3 WHERE email = $1 RETURNING id";
    let row: Option<Id> = one(tx.as_conn(), sql, values![address.as_str(), hash, crate::now()]).await?;
    let Some(person) = row else {
        tx.undo().await?;
        return Ok(false);
    };
    forget_entries(&tx, person.id).await?;
    sessions::note_for_companies(&tx, address.as_str(), EventKind::UserPasswordChanged, crate::now()).await?;
    tx.commit().await?;
    Ok(true)
}

/// Every session and every known browser of a person: who knew the old password may have entered with it.
pub(crate) async fn forget_entries(tx: &Tx, person: Uuid) -> Result<(), StoreError> {
    sessions::end(tx, "person_id = $1", values![person], Ended::BySomebody, crate::now()).await?;
    sessions::end_links(tx, person, crate::now()).await?;
    execute(tx.as_conn(), "DELETE FROM login_step WHERE person_id = $1", values![person]).await?;
    execute(tx.as_conn(), "DELETE FROM known_browser WHERE person_id = $1", values![person]).await?;
    Ok(())
}

/// Who is logged in, and in which company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: Option<SessionId>,
    pub user: UserId,
    pub name: String,
    pub email: String,
    pub company: CompanyId,
    pub role: Role,
    /// Since when it is certain that its owner sits there; `None` where they did not show all that a login asks of them.
    pub authenticated_at: Option<Instant>,
    /// Its browser was asked to keep it.
    pub is_kept: bool,
    /// The company asks for a second step, and this person has none.
    pub lacks_second_factor: bool,
}

/// Somebody whose password was right when it was looked at. What it was compared with may have changed since: only
/// [`admit`] lets them in.
pub(crate) struct Verified {
    pub person: Uuid,
    password_hash: String,
    /// The same password with the parameters of today, where it was kept with others.
    renewed_hash: Option<String>,
}

/// Compares a password with the one on record, without counting. `None` if there is nobody by that name or it is another
/// one: nobody learns which of the two, and it takes the same time.
pub(crate) async fn verify(db: &Db, login_name: &str, password: &SecretString) -> Result<Option<Verified>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        password_hash: String,
    }
    let sql = "SELECT id, password_hash FROM person WHERE email = $1
        AND EXISTS (SELECT 1 FROM membership m WHERE m.person_id = person.id)";
    let row: Option<Row> = one(&db.of_any_company(), sql, values![login_name]).await?;
    let expected = row.as_ref().map(|row| row.password_hash.clone());
    let is_right = passwords::verify(password.clone(), expected).await?;
    let Some(row) = row.filter(|_| is_right) else { return Ok(None) };
    let renewed_hash = match passwords::is_of_other_times(&row.password_hash) {
        // It can wait for a quieter moment.
        true => hash(password.clone()).await.ok(),
        false => None,
    };
    Ok(Some(Verified { person: row.id, password_hash: row.password_hash, renewed_hash }))
}

/// Whether the password is still theirs. Holds the person's row until the transaction ends: whoever takes something back from
/// them waits for it, and finds what it wrote.
pub(crate) async fn hold(tx: &Tx, verified: &Verified) -> Result<bool, StoreError> {
    let sql = "UPDATE person SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
    let kept = verified.renewed_hash.as_ref().unwrap_or(&verified.password_hash);
    let row = values![verified.person, verified.password_hash.as_str(), kept.as_str()];
    Ok(execute(tx.as_conn(), sql, row).await? == 1)
}

/// The company where they enter; `None` if every place was taken back meanwhile. Holds the person's row as [`hold`].
pub(crate) async fn admit(tx: &Tx, person: Uuid, now: Instant) -> Result<Option<CompanyId>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        company_id: Uuid,
    }
    execute(tx.as_conn(), "UPDATE person SET last_login_at = $2 WHERE id = $1", values![person, now]).await?;
    // Where they were last; an archived company only where there is no other.
    let sql = "SELECT m.company_id FROM membership m JOIN company c ON c.id = m.company_id WHERE m.person_id = $1
        ORDER BY c.archived_at IS NOT NULL, m.last_entered_at IS NULL, m.last_entered_at DESC, m.company_id LIMIT 1";
    let Some(row) = one::<Row>(tx.as_conn(), sql, values![person]).await? else { return Ok(None) };
    sessions::note_entry(tx, CompanyId(row.company_id), person, now).await?;
    Ok(Some(CompanyId(row.company_id)))
}

pub async fn session(db: &Db, token: &str, now: Instant) -> Result<Option<Session>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        session_id: Option<Uuid>,
        name: String,
        email: String,
        company_id: Uuid,
        role: String,
        last_seen_at: Option<Instant>,
        idle_seconds: Option<i32>,
        authenticated_at: Option<Instant>,
        second_factor: String,
        factors: i64,
    }
    let sql = "SELECT p.id, l.id AS session_id, p.name, p.email, l.company_id, m.role, l.last_seen_at, l.idle_seconds,
            l.authenticated_at, c.second_factor,
            (SELECT COUNT(*) FROM authenticator a WHERE a.person_id = p.id)
                + (SELECT COUNT(*) FROM passkey k WHERE k.person_id = p.id) AS factors
        FROM login l JOIN person p ON p.id = l.person_id JOIN company c ON c.id = l.company_id
        JOIN membership m ON m.person_id = l.person_id AND m.company_id = l.company_id
        WHERE l.token_hash = $1 AND l.expires_at > $2";
    let row: Option<Row> = one(&db.of_any_company(), sql, values![token_hash(token), now]).await?;
    let Some(row) = row.filter(|row| !sessions::is_idle(row.last_seen_at, row.idle_seconds, now)) else { return Ok(None) };
    sessions::note_use(db, token, row.last_seen_at, now);
    // Who knows what they may do, may do the least.
    let role = sql::Of { table: "membership", id: row.id }.code("role", &row.role, Role::parse).unwrap_or(Role::Viewer);
    let rule = SecondFactorRule::parse(&row.second_factor).unwrap_or(SecondFactorRule::Everybody);
    Ok(Some(Session {
        id: row.session_id.map(SessionId),
        user: UserId(row.id),
        name: row.name,
        email: row.email,
        company: CompanyId(row.company_id),
        role,
        authenticated_at: row.authenticated_at,
        is_kept: row.idle_seconds.is_none(),
        lacks_second_factor: row.factors == 0 && rule.asks(role),
    }))
}

pub async fn log_out(db: &Db, token: &str) -> Result<(), StoreError> {
    let tx = db.begin_write_any_company().await?;
    if let Some(by) = sessions::actor(&tx, token).await? {
        let subject = by.identity.id().unwrap_or_default();
        events::append_named(&tx, &by, (subject, &by.name), EventKind::LoggedOut, crate::now(), "", &Changes::new()).await?;
    }
    sessions::end(&tx, "token_hash = $1", values![token_hash(token)], Ended::LoggedOut, crate::now()).await?;
    tx.commit().await
}

/// Names and addresses of a company's users.
pub async fn list(db: &Db, company: CompanyId) -> Result<Vec<(String, String)>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        name: String,
        email: String,
    }
    let sql =
        "SELECT p.name, p.email FROM membership m JOIN person p ON p.id = m.person_id WHERE m.company_id = $1 ORDER BY p.name";
    let rows: Vec<Row> = all(&db.of(company), sql, values![company.0]).await?;
    Ok(rows.into_iter().map(|row| (row.name, row.email)).collect())
}

/// Where a company's owners log in.
pub async fn owners(db: &Db, company: CompanyId) -> Result<Vec<String>, StoreError> {
    owners::of(&db.of(company), company).await
}
