//! The connection: one writer and several readers on SQLite, one pool on PostgreSQL. The one place that knows the engine.

mod backup;
mod condition;
mod file;
mod integrity;
mod readiness;
mod restore;
mod schema;

use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, RuntimeErr, SqlxPostgresConnector,
    SqlxSqliteConnector, TransactionTrait,
};
use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, PgPool, SqlitePool};
use tokio::sync::Notify;

use crate::concurrency_limit::NotDone;
use crate::group::{Group, Member};
use file::DatabaseFile;
use readiness::{Heartbeat, WriteProbe};

pub(crate) use condition::note_changed;

pub use backup::{BackupError, NoRoom};
pub use file::{beside, sqlite_path};
pub use integrity::Depth;
pub use readiness::NotReady;
pub use restore::{RestoreError, Restored};

/// How long a writer waits for another process on the same SQLite file before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for a connection before it is told that the database does not answer.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// Readers of SQLite: WAL lets them go on while the writer writes.
const SQLITE_READERS: u32 = 8;
const POSTGRES_CONNECTIONS: u32 = 16;
/// What sea-orm says of a NULL in a column that has none, before the column's name (`TryGetError::Null`).
const NULL_DECODED: &str = "A null value was encountered while decoding ";
/// Pages of 4 KiB that may wait in the WAL before a checkpoint: 16 MiB.
const WAL_PAGES: &str = "4096";

/// The open database.
#[derive(Clone)]
pub struct Db {
    writer: DatabaseConnection,
    readers: DatabaseConnection,
    /// Acts on SQLite that wait for the disk together. PostgreSQL brings its own.
    group: Group,
    wake: Arc<Notify>,
    /// Of SQLite, locked as long as this lives.
    file: Option<Arc<DatabaseFile>>,
    probe: WriteProbe,
    workers: Heartbeat,
}

/// How many connections a pool has open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolFigures {
    pub name: &'static str,
    pub idle: u32,
    pub in_use: u32,
    pub most: u32,
}

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
fn code_of(error: &DbErr) -> Option<String> {
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

/// A transaction that writes. Nothing of it stays unless it is committed.
pub struct Tx(Begun);

enum Begun {
    Alone(DatabaseTransaction),
    Together(Member),
}

impl Tx {
    pub(crate) fn as_conn(&self) -> &DatabaseTransaction {
        match &self.0 {
            Begun::Alone(tx) => tx,
            Begun::Together(member) => member.as_conn(),
        }
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self.0 {
            Begun::Alone(tx) => tx.commit().await?,
            Begun::Together(member) => member.commit().await?,
        }
        condition::note_committed();
        Ok(())
    }

    /// Undoes it all, and answers when what it saw of others is on the disk.
    pub(crate) async fn undo(self) -> Result<(), StoreError> {
        match self.0 {
            Begun::Alone(tx) => Ok(tx.rollback().await?),
            Begun::Together(member) => Ok(member.undo().await?),
        }
    }
}

impl Db {
    /// Opens `sqlite://path` or `postgres://…`. A missing SQLite file is made; nothing is migrated.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        match sqlite_path(url) {
            Some(path) => Self::on(url, Some(DatabaseFile::existing_or_new(&path).await?)).await,
            None => Self::on(url, None).await,
        }
    }

    /// The same, and errs where there is no SQLite file.
    pub async fn open_existing(url: &str) -> Result<Self, StoreError> {
        let file = sqlite_path(url).map(|path| DatabaseFile::existing(&path)).transpose()?;
        Self::on(url, file).await
    }

    async fn on(url: &str, file: Option<DatabaseFile>) -> Result<Self, StoreError> {
        let (writer, readers) = if let Some(file) = &file {
            open_sqlite(&file.path).await?
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let pool = open_postgres(url).await?;
            (pool.clone(), pool)
        } else {
            return Err(StoreError::Address("write sqlite://… or postgres://…".to_string()));
        };
        let (group, wake, file) = (Group::default(), Arc::new(Notify::new()), file.map(Arc::new));
        Ok(Self { writer, readers, group, wake, file, probe: WriteProbe::default(), workers: Heartbeat::default() })
    }

    /// Brings the tables to this version. Errs if the database belongs to a newer one.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let migrator = sqlx::migrate!("./migrations");
        let mut done = self.run(&migrator).await;
        // sqlx takes no lock on SQLite: another process may have made the same tables a moment earlier. What it has done is
        // passed over when it is looked at again.
        for _ in migrator.iter() {
            if done.is_ok() || !self.is_sqlite() {
                break;
            }
            done = self.run(&migrator).await;
        }
        done.map_err(|error| match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error))).into()
            }
            other => StoreError::Version(other.to_string()),
        })
    }

    async fn run(&self, migrator: &sqlx::migrate::Migrator) -> Result<(), MigrateError> {
        match self.engine() {
            DbBackend::Postgres => migrator.run(self.writer.get_postgres_connection_pool()).await,
            _ => migrator.run(self.writer.get_sqlite_connection_pool()).await,
        }
    }

    /// Whether every migration has run. Errs if the database does not answer.
    pub async fn is_migrated(&self) -> Result<bool, StoreError> {
        let known = sqlx::migrate!("./migrations").iter().count();
        let sql = "SELECT COUNT(*) AS n FROM _sqlx_migrations WHERE success";
        let row = self.readers.query_one_raw(sea_orm::Statement::from_string(self.engine(), sql)).await;
        match row {
            Ok(Some(row)) => Ok(row.try_get::<i64>("", "n")? >= i64::try_from(known).unwrap_or(i64::MAX)),
            Ok(None) => Ok(false),
            Err(error) => match StoreError::from(error) {
                StoreError::Failed(_) => Ok(false),
                unreachable => Err(unreachable),
            },
        }
    }

    /// The last migration that has run; none where none has. Errs if the database does not answer.
    pub async fn version(&self) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT COALESCE(MAX(version), 0) AS n FROM _sqlx_migrations WHERE success";
        match crate::sql::number(self.reader(), sql).await {
            Ok(version) => Ok(Some(version).filter(|version| *version > 0)),
            Err(StoreError::Failed(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Answers as soon as a statement has run.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.readers.execute_unprepared("SELECT 1").await?;
        Ok(())
    }

    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.engine() == DbBackend::Sqlite
    }

    /// Connections by pool, for who watches them.
    #[must_use]
    pub fn pools(&self) -> Vec<PoolFigures> {
        let figures = |name, most, size: u32, idle: usize| {
            let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(size);
            PoolFigures { name, idle, in_use: size - idle, most }
        };
        match self.engine() {
            DbBackend::Postgres => {
                let pool = self.readers.get_postgres_connection_pool();
                vec![figures("all", POSTGRES_CONNECTIONS, pool.size(), pool.num_idle())]
            }
            _ => {
                let (writer, readers) = (self.writer.get_sqlite_connection_pool(), self.readers.get_sqlite_connection_pool());
                vec![
                    figures("writer", 1, writer.size(), writer.num_idle()),
                    figures("readers", SQLITE_READERS, readers.size(), readers.num_idle()),
                ]
            }
        }
    }

    /// Wakes the delivery workers of this process.
    pub fn nudge(&self) {
        self.wake.notify_one();
    }

    /// Waits until somebody queues a delivery in this process.
    pub async fn nudged(&self) {
        self.wake.notified().await;
    }

    /// Closes every connection; what is not committed is undone.
    pub async fn close(self) {
        let Self { writer, readers, file, .. } = self;
        // Both names may stand for one pool; closing it twice does nothing.
        let _ = writer.close().await;
        let _ = readers.close().await;
        // Not before: who replaces the file waits for this lock.
        drop(file);
    }

    pub(crate) async fn begin_write(&self) -> Result<Tx, StoreError> {
        Ok(Tx(match self.engine() {
            DbBackend::Postgres => Begun::Alone(self.writer.begin().await?),
            _ => Begun::Together(self.group.join(&self.writer).await?),
        }))
    }

    pub(crate) fn reader(&self) -> &DatabaseConnection {
        &self.readers
    }

    fn engine(&self) -> DbBackend {
        self.readers.get_database_backend()
    }
}

/// Spliced in after a subquery that picks rows to claim: PostgreSQL's workers pass over rows that another holds, and
/// SQLite has one writer anyway.
pub(crate) fn skip_locked(conn: &impl ConnectionTrait) -> &'static str {
    match conn.get_database_backend() {
        DbBackend::Postgres => "FOR UPDATE SKIP LOCKED",
        _ => "",
    }
}

async fn open_sqlite(path: &Path) -> Result<(DatabaseConnection, DatabaseConnection), StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("wal_autocheckpoint", WAL_PAGES)
        .disable_statement_logging();
    let writer = sqlite_pool(1, options.clone()).await?;
    let readers = sqlite_pool(SQLITE_READERS, options).await?;
    Ok((SqlxSqliteConnector::from_sqlx_sqlite_pool(writer), SqlxSqliteConnector::from_sqlx_sqlite_pool(readers)))
}

async fn sqlite_pool(connections: u32, options: SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .after_release(|connection, _| {
            // SQLite rolls back by itself when the disk is full or fails. sqlx then counts an open transaction for ever and
            // would refuse every later one on this connection, so it is closed.
            Box::pin(async move {
                if connection.is_in_transaction() {
                    // A rollback may still be on its way to the connection's thread.
                    connection.ping().await?;
                }
                Ok(!connection.is_in_transaction())
            })
        })
        .connect_with(options)
        .await
        .map_err(unavailable)
}

async fn open_postgres(url: &str) -> Result<DatabaseConnection, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| StoreError::Address(error.to_string()))?
        .application_name("acuse")
        .disable_statement_logging();
    let pool: PgPool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options)
        .await
        .map_err(unavailable)?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

/// Of what fails before there is a connection: out of reach, unless the file says that it is damaged.
fn unavailable(error: sqlx::Error) -> StoreError {
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
