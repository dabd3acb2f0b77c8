//! Receipt numbers without gaps, and the lock of a direction's ledger.

use acuse_domain::id::CompanyId;
use acuse_domain::number::ReceiptNumber;
use acuse_domain::payment::Direction;
use sea_orm::FromQueryResult;

use crate::db::{StoreError, Tx};
use crate::sql::{execute, one, values};

#[derive(FromQueryResult)]
struct Last {
    last: i64,
}

/// Takes the next number. Until the transaction ends nobody else takes one, nor touches this direction's balances.
pub(crate) async fn next(tx: &Tx, company: CompanyId, direction: Direction) -> Result<ReceiptNumber, StoreError> {
    let sql = "INSERT INTO receipt_sequence (company_id, direction, last) VALUES ($1, $2, 1)
        ON CONFLICT (company_id, direction) DO UPDATE SET last = receipt_sequence.last + 1 RETURNING last";
    let row: Option<Last> = one(tx.as_conn(), sql, values![company.0, direction.as_str()]).await?;
    let sequence = row.ok_or_else(|| StoreError::unreadable("no receipt number"))?.last;
    Ok(ReceiptNumber { direction, sequence })
}

/// Holds this direction's balances until the transaction ends, without taking a number.
pub(crate) async fn lock(tx: &Tx, company: CompanyId, direction: Direction) -> Result<(), StoreError> {
    let sql = "UPDATE receipt_sequence SET last = last WHERE company_id = $1 AND direction = $2";
    execute(tx.as_conn(), sql, values![company.0, direction.as_str()]).await?;
    Ok(())
}
