//! What happened to a payment, or to who has access, and who did it.

use acuse_domain::Instant;
use acuse_domain::id::CompanyId;
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::Actor;
use crate::db::{Db, StoreError, Tx};
use crate::sql::{execute, new_id, readable, values};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    PaymentRecorded,
    PaymentVoided,
    ReceiptResent,
    DeliveryRetried,
    DeliveryCancelled,
    DeliveryResolved,
    ReceiptDownloaded,
    UserCreated,
    UserRoleChanged,
    UserRemoved,
    UserPasswordChanged,
    SessionsEnded,
    TokenCreated,
    TokenRevoked,
    SecondFactorOn,
    SecondFactorOff,
    SecondFactorRequired,
    RecoveryCodesRenewed,
    RecoveryCodeUsed,
    PasskeyAdded,
    PasskeyRemoved,
    UserRenamed,
}

impl EventKind {
    const ALL: [EventKind; 22] = [
        Self::PaymentRecorded,
        Self::PaymentVoided,
        Self::ReceiptResent,
        Self::DeliveryRetried,
        Self::DeliveryCancelled,
        Self::DeliveryResolved,
        Self::ReceiptDownloaded,
        Self::UserCreated,
        Self::UserRoleChanged,
        Self::UserRemoved,
        Self::UserPasswordChanged,
        Self::SessionsEnded,
        Self::TokenCreated,
        Self::TokenRevoked,
        Self::SecondFactorOn,
        Self::SecondFactorOff,
        Self::SecondFactorRequired,
        Self::RecoveryCodesRenewed,
        Self::RecoveryCodeUsed,
        Self::PasskeyAdded,
        Self::PasskeyRemoved,
        Self::UserRenamed,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaymentRecorded => "payment.recorded",
            Self::PaymentVoided => "payment.voided",
            Self::ReceiptResent => "receipt.resent",
            Self::DeliveryRetried => "delivery.retried",
            Self::DeliveryCancelled => "delivery.cancelled",
            Self::DeliveryResolved => "delivery.resolved",
            Self::ReceiptDownloaded => "receipt.downloaded",
            Self::UserCreated => "user.created",
            Self::UserRoleChanged => "user.role_changed",
            Self::UserRemoved => "user.removed",
            Self::UserPasswordChanged => "user.password_changed",
            Self::SessionsEnded => "user.sessions_ended",
            Self::TokenCreated => "token.created",
            Self::TokenRevoked => "token.revoked",
            Self::SecondFactorOn => "user.second_factor_on",
            Self::SecondFactorOff => "user.second_factor_off",
            Self::SecondFactorRequired => "company.second_factor_required",
            Self::RecoveryCodesRenewed => "user.recovery_codes_renewed",
            Self::RecoveryCodeUsed => "user.recovery_code_used",
            Self::PasskeyAdded => "user.passkey_added",
            Self::PasskeyRemoved => "user.passkey_removed",
            Self::UserRenamed => "user.renamed",
        }
    }
}

impl EventKind {
    /// It changes its subject; looking at the PDF does not.
    #[must_use]
    pub fn changes_something(self) -> bool {
        self != Self::ReceiptDownloaded
    }

    fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == code)
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
    list_in(db.reader(), company, subject).await
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
    let tx = db.begin_write().await?;
    append(&tx, by, payment, EventKind::ReceiptDownloaded, now, "").await?;
    tx.commit().await
}

pub(crate) async fn append(
    tx: &Tx,
    by: &Actor,
    subject: Uuid,
    kind: EventKind,
    now: Instant,
    detail: &str,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO event (company_id, id, subject_id, kind, who, at, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let row = values![by.company.0, new_id(), subject, kind.as_str(), by.name.as_str(), now, detail];
    execute(tx.as_conn(), sql, row).await?;
    Ok(())
}
