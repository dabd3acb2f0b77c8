//! Records that several people change: read, changed and written in one transaction, and told apart by their version.
//!
//! An act takes the change and not the changed record: what was read outside the transaction may be old by the time it is
//! written, and would undo what others changed meanwhile.

use sea_orm::{ConnectionTrait, DbBackend, SqlErr};

use crate::db::{StoreError, Tx};

/// Which state of the record a change was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Whatever it is now.
    Any,
    /// One of these versions: another one means that somebody changed it meanwhile.
    OneOf(Vec<i64>),
}

impl Expected {
    /// As somebody saw it.
    #[must_use]
    pub fn version(version: i64) -> Self {
        Self::OneOf(vec![version])
    }

    /// For what is done with the record and does not change it. A change is checked in its transaction, by its act.
    #[must_use]
    pub fn includes(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }

    /// Errs with [`ChangeError::Stale`] where the record is another one by now.
    pub(crate) fn check<Refused>(&self, version: i64) -> Result<(), ChangeError<Refused>> {
        if self.includes(version) { Ok(()) } else { Err(ChangeError::Stale) }
    }
}

/// A value that is no record of its own, with the version of where it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    pub value: T,
    pub version: i64,
}

/// Why a record stayed as it was. `Refused` is why the change itself was none.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError<Refused> {
    #[error("there is no such record")]
    NotFound,
    /// Somebody changed the record since the state that was expected.
    #[error("the record was changed meanwhile")]
    Stale,
    /// A value that only one record may have belongs to another.
    #[error("another record has this value")]
    Taken,
    #[error("{0}")]
    Refused(Refused),
    #[error(transparent)]
    Store(StoreError),
}

impl<Refused> From<StoreError> for ChangeError<Refused> {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Failed(failed) if matches!(failed.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Self::Taken,
            _ => Self::Store(error),
        }
    }
}

/// Commits a change, or undoes what did not become one.
///
/// A refusal too is told only when what it was decided on is on the disk: on SQLite that may be another act's, in the same
/// open transaction.
pub(crate) async fn end<T, Refused>(tx: Tx, changed: Result<T, ChangeError<Refused>>) -> Result<T, ChangeError<Refused>> {
    match changed {
        Ok(changed) => {
            tx.commit().await.map_err(ChangeError::Store)?;
            Ok(changed)
        }
        Err(refused) => {
            tx.undo().await.map_err(ChangeError::Store)?;
            Err(refused)
        }
    }
}

/// Spliced in behind the SELECT that a change begins with: PostgreSQL keeps others from changing the row until this
/// transaction ends, and gives the row as the last of them left it. SQLite has one writer anyway.
pub(crate) fn for_update(conn: &impl ConnectionTrait) -> &'static str {
    match conn.get_database_backend() {
        DbBackend::Postgres => "FOR UPDATE",
        _ => "",
    }
}
