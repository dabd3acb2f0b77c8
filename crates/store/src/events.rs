//! What happened, to what, and who did it. It is only added to (src/db/rules); [`crate::audit`] reads and seals it.

mod changes;
pub(crate) mod differences;
mod subject;

use acuse_domain::Instant;
use acuse_domain::id::CompanyId;
use acuse_domain::text::folded;
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

pub use self::changes::{Change, Changes};
pub use self::subject::SubjectKind;

use crate::Actor;
use crate::db::{Db, StoreError, Tx};
use crate::sql::{execute, new_id, readable, values};

/// What happened, by the code it is kept and found by. A new kind has a sentence in `server/src/web/audit/sentences.rs`, too.
macro_rules! event_kinds {
    ($($kind:ident = $code:literal),+ $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EventKind { $($kind),+ }

        impl EventKind {
            pub const ALL: &[EventKind] = &[$(Self::$kind),+];

            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $code),+ }
            }
        }
    };
}

event_kinds! {
    PaymentRecorded = "payment.recorded",
    PaymentVoided = "payment.voided",
    ReceiptResent = "receipt.resent",
    DeliveryRetried = "delivery.retried",
    DeliveryCancelled = "delivery.cancelled",
    DeliveryResolved = "delivery.resolved",
    ReceiptDownloaded = "receipt.downloaded",
    UserCreated = "user.created",
    UserRoleChanged = "user.role_changed",
    UserRemoved = "user.removed",
    UserPasswordChanged = "user.password_changed",
    SessionsEnded = "user.sessions_ended",
    TokenCreated = "token.created",
    TokenRevoked = "token.revoked",
    UserInvited = "user.invited",
    InvitationWithdrawn = "invitation.withdrawn",
    InvitationAccepted = "invitation.accepted",
    InvitationDeclined = "invitation.declined",
    UserAddressChanged = "user.address_changed",
    ResetLinkMade = "user.reset_link_made",
    MailBounced = "mail.bounced",
    MailFailed = "mail.failed",
    ContactCreated = "contact.created",
    ContactChanged = "contact.changed",
    DocumentCreated = "document.created",
    CompanyCreated = "company.created",
    CompanyChanged = "company.changed",
    LogoChanged = "company.logo_changed",
    LogoRemoved = "company.logo_removed",
    FailurePolicyChanged = "company.failure_policy_changed",
    MailAccountCreated = "mail_account.created",
    MailAccountChanged = "mail_account.changed",
    MailAccountConnected = "mail_account.connected",
    MailAccountEnabled = "mail_account.enabled",
    MailAccountDisabled = "mail_account.disabled",
    MailAccountDeleted = "mail_account.deleted",
    MailAccountChecked = "mail_account.checked",
    MailAccountDefaultSends = "mail_account.default_sends",
    MailAccountPaused = "mail_account.paused",
    MailAccountWorks = "mail_account.works",
    DkimKeyMade = "dkim.made",
    DkimTurnedOn = "dkim.turned_on",
    DkimTurnedOff = "dkim.turned_off",
    DkimKeyDeleted = "dkim.deleted",
    LoginEntered = "login.entered",
    LoginWrong = "login.wrong",
    // The password was right, and what is asked besides was not.
    StepWrong = "login.step_wrong",
    // In an open session.
    NotConfirmed = "login.not_confirmed",
    LoginThrottled = "login.throttled",
    LoggedOut = "login.left",
    AccessRefused = "access.refused",
    HistoryExported = "history.exported",
    CompanyArchived = "company.archived",
    CompanyReopened = "company.reopened",
    CompanyExported = "company.exported",
    CompanyDeletionAsked = "company.deletion_asked",
    CompanyDeletionCancelled = "company.deletion_cancelled",
    SecondFactorOn = "user.second_factor_on",
    SecondFactorOff = "user.second_factor_off",
    SecondFactorRequired = "company.second_factor_required",
    RecoveryCodesRenewed = "user.recovery_codes_renewed",
    RecoveryCodeUsed = "user.recovery_code_used",
    PasskeyAdded = "user.passkey_added",
    PasskeyRemoved = "user.passkey_removed",
    UserRenamed = "user.renamed",
}

impl EventKind {
    /// It changes its subject; looking at the PDF does not.
    #[must_use]
    pub fn changes_something(self) -> bool {
        self != Self::ReceiptDownloaded
    }

    /// Somebody was not let do something.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        matches!(self, Self::LoginWrong | Self::StepWrong | Self::NotConfirmed | Self::LoginThrottled | Self::AccessRefused)
    }

    /// Follows from the first word of its code.
    #[must_use]
    pub fn subject_kind(self) -> SubjectKind {
        SubjectKind::of(self.as_str())
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == code)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub kind: EventKind,
    pub who: String,
    pub at: Instant,
    /// What the sentence on the page needs: a number of envíos, an address, a reason.
    pub detail: String,
}

/// The history of one payment, person or token, newest first.
pub async fn list(db: &Db, company: CompanyId, subject: Uuid) -> Result<Vec<Event>, StoreError> {
    list_in(&db.of(company), company, subject).await
}

async fn list_in(conn: &impl ConnectionTrait, company: CompanyId, subject: Uuid) -> Result<Vec<Event>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        kind: String,
        who: String,
        at: Instant,
        detail: String,
    }
    let sql = "SELECT id, kind, who, at, detail FROM event WHERE company_id = $1 AND subject_id = $2 ORDER BY id DESC";
    let rows: Vec<Row> = readable(conn, "event", sql, values![company.0, subject]).await?;
    let known = |row: Row| Some(Event { kind: EventKind::parse(&row.kind)?, who: row.who, at: row.at, detail: row.detail });
    Ok(rows.into_iter().filter_map(known).collect())
}

/// How far this history goes: what a page carries that shows it.
#[must_use]
pub fn so_far(history: &[Event]) -> usize {
    history.iter().filter(|event| event.kind.changes_something()).count()
}

/// The same of what is on record now.
pub(crate) async fn so_far_in(tx: &Tx, company: CompanyId, subject: Uuid) -> Result<usize, StoreError> {
    Ok(so_far(&list_in(tx.as_conn(), company, subject).await?))
}

/// Notes that somebody opened a payment's PDF.
pub async fn note_download(db: &Db, by: &Actor, payment: Uuid, now: Instant) -> Result<(), StoreError> {
    let tx = db.begin_write_for(by.company).await?;
    append(&tx, by, payment, EventKind::ReceiptDownloaded, now, "").await?;
    tx.commit().await
}

/// Adds to the history, with the act that it tells of: both are there, or neither.
pub(crate) async fn append(
    tx: &Tx,
    by: &Actor,
    subject: Uuid,
    kind: EventKind,
    now: Instant,
    detail: &str,
) -> Result<(), StoreError> {
    append_change(tx, by, subject, kind, now, detail, &Changes::new()).await
}

/// The same, with what was different before and after.
pub(crate) async fn append_change(
    tx: &Tx,
    by: &Actor,
    subject: Uuid,
    kind: EventKind,
    now: Instant,
    detail: &str,
    changes: &Changes,
) -> Result<(), StoreError> {
    let name = subject::name(tx, by.company, kind.subject_kind(), subject).await?;
    append_named(tx, by, (subject, &name), kind, now, detail, changes).await
}

/// The same, of a subject whose name is at hand.
pub(crate) async fn append_named(
    tx: &Tx,
    by: &Actor,
    (subject, name): (Uuid, &str),
    kind: EventKind,
    now: Instant,
    detail: &str,
    changes: &Changes,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO event (company_id, id, subject_id, kind, who, at, detail, who_kind, who_id, session_id, source,
            subject_kind, subject_name, changes, outcome, search_text)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let source = by.source.map(|source| source.to_canonical().to_string());
    let outcome = if kind.is_refusal() { "refused" } else { "done" };
    let row = values![
        by.company.0,
        new_id(),
        subject,
        kind.as_str(),
        by.name.as_str(),
        now,
        detail,
        by.identity.kind(),
        by.identity.id(),
        by.identity.session().map(|session| session.0),
        source.clone(),
        kind.subject_kind().as_str(),
        name,
        changes.as_kept(),
        outcome,
        search_text(by, name, detail, changes, source.as_deref())
    ];
    execute(tx.as_conn(), sql, row).await?;
    Ok(())
}

/// Whatever a person may look for and stands in this entry alone; what the page says of all of its kind is looked for by
/// [`crate::audit::SaidOf`].
fn search_text(by: &Actor, name: &str, detail: &str, changes: &Changes, source: Option<&str>) -> String {
    let values = changes.iter().flat_map(|one| [Some(one.field.as_str()), one.before.as_deref(), one.after.as_deref()]);
    let parts = [Some(by.name.as_str()), Some(name), Some(detail), source].into_iter().chain(values);
    folded(&parts.flatten().collect::<Vec<_>>().join(" "))
}
