//! What an event is about, and what that is called.

use acuse_domain::id::CompanyId;
use acuse_domain::number::ReceiptNumber;
use acuse_domain::payment::Direction;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::db::{StoreError, Tx};
use crate::sql::{Kept, one, values};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    Payment,
    Delivery,
    Contact,
    Document,
    Company,
    MailAccount,
    DkimKey,
    Person,
    Token,
}

impl SubjectKind {
    /// By the first word of an event's code. What has no row of its own is about a person.
    const BY_WORD: [(&'static str, Self); 11] = [
        ("payment", Self::Payment),
        ("receipt", Self::Payment),
        ("delivery", Self::Payment),
        ("mail", Self::Delivery),
        ("contact", Self::Contact),
        ("document", Self::Document),
        ("company", Self::Company),
        ("history", Self::Company),
        ("mail_account", Self::MailAccount),
        ("dkim", Self::DkimKey),
        ("token", Self::Token),
    ];

    pub(super) fn of(code: &str) -> Self {
        let word = code.split('.').next().unwrap_or_default();
        Self::BY_WORD.into_iter().find(|(own, _)| *own == word).map_or(Self::Person, |(_, kind)| kind)
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Delivery => "delivery",
            Self::Contact => "contact",
            Self::Document => "document",
            Self::Company => "company",
            Self::MailAccount => "mail_account",
            Self::DkimKey => "dkim_key",
            Self::Person => "person",
            Self::Token => "token",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let all = [Self::Delivery, Self::Person];
        all.into_iter().chain(Self::BY_WORD.map(|(_, kind)| kind)).find(|kind| kind.as_str() == code)
    }
}

/// What the subject is called in this transaction. Empty where there is no such record.
pub(super) async fn name(tx: &Tx, company: CompanyId, kind: SubjectKind, id: Uuid) -> Result<String, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        name: Kept<String>,
    }
    let sql = match kind {
        SubjectKind::Payment | SubjectKind::Delivery => return receipt_number(tx, company, kind, id).await,
        SubjectKind::Contact => "SELECT name FROM contact WHERE company_id = $1 AND id = $2",
        SubjectKind::Document => "SELECT number AS name FROM document WHERE company_id = $1 AND id = $2",
        SubjectKind::Company => "SELECT legal_name AS name FROM company WHERE id = $1 AND id = $2",
        SubjectKind::MailAccount => "SELECT from_address AS name FROM mail_account WHERE company_id = $1 AND id = $2",
        SubjectKind::DkimKey => "SELECT domain AS name FROM dkim_key WHERE company_id = $1 AND id = $2",
        SubjectKind::Token => "SELECT name FROM api_token WHERE company_id = $1 AND id = $2",
        SubjectKind::Person => {
            let sql = "SELECT name FROM person WHERE id = $1";
            let row: Option<Row> = one(tx.as_conn(), sql, values![id]).await?;
            return Ok(row.and_then(|row| row.name.value()).unwrap_or_default());
        }
    };
    let row: Option<Row> = one(tx.as_conn(), sql, values![company.0, id]).await?;
    Ok(row.and_then(|row| row.name.value()).unwrap_or_default())
}

async fn receipt_number(tx: &Tx, company: CompanyId, kind: SubjectKind, id: Uuid) -> Result<String, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        direction: Kept<String>,
        sequence: Kept<i64>,
    }
    let sql = match kind {
        SubjectKind::Delivery => {
            "SELECT p.direction, p.sequence FROM delivery d JOIN payment p ON p.company_id = d.company_id AND p.id = d.payment_id
            WHERE d.company_id = $1 AND d.id = $2"
        }
        _ => "SELECT direction, sequence FROM payment WHERE company_id = $1 AND id = $2",
    };
    let row: Option<Row> = one(tx.as_conn(), sql, values![company.0, id]).await?;
    let number = row.and_then(|row| {
        let direction = Direction::parse(&row.direction.value()?)?;
        Some(ReceiptNumber { direction, sequence: row.sequence.value()? }.to_string())
    });
    Ok(number.unwrap_or_default())
}
