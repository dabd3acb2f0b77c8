//! What went wrong with the database, by what can be done about it.

pub(crate) mod condition;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sea_orm::{DbErr, RuntimeErr};

use crate::concurrency_limit::NotDone;
use crate::secrets::SealError;

/// What sea-orm says of a NULL in a column that has none, before the column's name (`TryGetError::Null`).
const NULL_DECODED: &str = "A null value was encountered while decoding ";

/// The database failed or did not answer. What was under way has not happened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database address is not understood: {0}")]
    Address(String),
    #[error("the database does not answer: {0}")]
    Unavailable(DbErr),
    #[error("the database is of another version: {0}")]
    Version(String),
    #[error("the database failed: {0}")]
    Failed(DbErr),
    #[error("the database is damaged: {0}")]
    Damaged(DbErr),
    #[error("there is no database at {0}")]
    Missing(PathBuf),
    #[error("the database file {0} is empty")]
    Empty(PathBuf),
    #[error("the database {0} is being replaced by a restore")]
    BeingReplaced(PathBuf),
    #[error("the database {0} is in use")]
    InUse(PathBuf),
    #[error("a record cannot be read: {0}")]
    Unreadable(String),
    /// What takes a core or much memory is bounded; the bound was reached and nothing was begun.
    #[error("too much is under way already")]
    Overloaded,
    #[error("work on a thread of its own broke off")]
    Panicked,
}

impl StoreError {
    /// What an operator does about a damaged database.
    pub const CURE: &str = "Stop it, run «acuse doctor», and restore the last backup with «acuse restore»; without one, save what \
        can be read with «sqlite3 acuse.db .recover». On PostgreSQL: REINDEX, or restore.";

    /// Whether waiting does not help: what is on the disk is broken, or was found so before and nothing answers any more.
    #[must_use]
    pub fn is_of_damage(&self) -> bool {
        match self {
            Self::Damaged(_) => true,
            Self::Unavailable(_) => condition::damage().is_some(),
            _ => false,
        }
    }

    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        Self::Unavailable(DbErr::Conn(RuntimeErr::Internal(format!("{}: {error}", path.display()))))
    }

    pub(crate) fn unreadable(what: impl std::fmt::Display) -> Self {
        Self::Unreadable(what.to_string())
    }
}

impl From<SealError> for StoreError {
    fn from(why: SealError) -> Self {
        Self::unreadable(why)
    }
}

impl From<NotDone> for StoreError {
    fn from(why: NotDone) -> Self {
        match why {
            NotDone::Overloaded(_) => Self::Overloaded,
            NotDone::Panicked => Self::Panicked,
        }
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        let kind = if undecoded_column(&error).is_some() {
            "unreadable"
        } else if says_busy(&error) {
            "busy"
        } else if is_out_of_reach(&error) {
            "unavailable"
        } else {
            "refused"
        };
        crate::metrics::count("acuse_database_errors_total", &[("kind", kind)]);
        if let Some(code) = code_of(&error) {
            condition::note(&code, &error.to_string());
        }
        sorted(error)
    }
}

fn sorted(error: DbErr) -> StoreError {
    if code_of(&error).is_some_and(|code| condition::says_damaged(&code)) {
        StoreError::Damaged(error)
    } else if let Some(column) = undecoded_column(&error) {
        StoreError::unreadable(format!("column {column}"))
    } else if is_out_of_reach(&error) {
        StoreError::Unavailable(error)
    } else {
        StoreError::Failed(error)
    }
}

/// The column of a record that holds no value of its type, or none at all. Says nothing of what it holds.
pub(crate) fn undecoded_column(error: &DbErr) -> Option<String> {
    match error {
        DbErr::Query(RuntimeErr::SqlxError(error)) => match error.as_ref() {
            sqlx::Error::ColumnDecode { index, .. } => Some(index.trim_matches('"').to_owned()),
            _ => None,
        },
        DbErr::Type(said) => said.strip_prefix(NULL_DECODED).map(|column| column.trim_matches('"').to_owned()),
        _ => None,
    }
}

/// The database's own code for what went wrong.
pub(crate) fn code_of(error: &DbErr) -> Option<String> {
    let (DbErr::Conn(said) | DbErr::Exec(said) | DbErr::Query(said)) = error else { return None };
    let RuntimeErr::SqlxError(error) = said else { return None };
    error.as_database_error()?.code().map(|code| code.into_owned())
}

fn is_out_of_reach(error: &DbErr) -> bool {
    use sqlx::Error;
    match error {
        DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => match error.as_ref() {
            Error::Database(said) => said.code().is_some_and(|code| says_try_later(&code)),
            Error::Io(_) | Error::Tls(_) | Error::Protocol(_) => true,
            Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed | Error::BeginFailed => true,
            _ => false,
        },
        _ => false,
    }
}

/// SQLite's BUSY and LOCKED, PostgreSQL's serialization and deadlock: others were at the same rows.
fn says_busy(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error else { return false };
    let sqlx::Error::Database(said) = error.as_ref() else { return false };
    said.code().is_some_and(|code| {
        code.starts_with("40") || (code.len() < 5 && code.parse().is_ok_and(|code: u32| matches!(code & 0xff, 5 | 6)))
    })
}

/// Whether the same statement may succeed when the machine is well again, or another transaction is out of the way.
///
/// PostgreSQL's codes have five letters and their class in the first two (Appendix A of its manual): connection, resources
/// (a full disk), operator intervention, system error, and rolled back by a deadlock. SQLite's are numbers whose low byte
/// is the primary code (sqlite.org/rescode.html): BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN.
fn says_try_later(code: &str) -> bool {
    match code.parse::<u32>() {
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 5 | 6 | 8 | 10 | 13 | 14),
        _ => ["08", "53", "57", "58", "40"].iter().any(|class| code.starts_with(class)),
    }
}

/// Of what fails before there is a connection: out of reach, unless the file says that it is damaged.
pub(crate) fn unavailable(error: sqlx::Error) -> StoreError {
    sorted(DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))
}

#[cfg(test)]
mod tests {
    use super::says_try_later;

    #[test]
    fn a_full_or_locked_or_absent_database_is_no_fault_of_the_request() {
        for (code, later) in [
            ("5", true),     // SQLITE_BUSY
            ("517", true),   // SQLITE_BUSY_SNAPSHOT
            ("13", true),    // SQLITE_FULL
            ("778", true),   // SQLITE_IOERR_WRITE
            ("1032", true),  // SQLITE_READONLY_DBMOVED
            ("2067", false), // SQLITE_CONSTRAINT_UNIQUE
            ("1", false),    // SQLITE_ERROR
            ("53100", true), // disk_full
            ("57P01", true), // admin_shutdown
            ("57P03", true), // cannot_connect_now
            ("40P01", true), // deadlock_detected
            ("23505", false),
            ("42601", false),
        ] {
            assert_eq!(says_try_later(code), later, "{code}");
        }
    }
}
