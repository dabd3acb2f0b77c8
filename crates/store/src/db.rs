//! The connection: one writer and several readers on SQLite, one pool on PostgreSQL. The one place that knows the engine.

mod backup;
mod file;
mod integrity;
mod reach;
mod readiness;
mod restore;
mod row_security;
mod rules;
mod schema;

use std::path::Path;
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
use tokio::time::timeout;

use crate::error::{code_of, condition, unavailable};
use crate::group::{Group, Member};
use file::DatabaseFile;
use reach::{Reach, tell};
use readiness::{Heartbeat, WriteProbe};

pub use crate::error::StoreError;
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
                StoreError::from(DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error))))
            }
            other => StoreError::Version(other.to_string()),
        })?;
        self.lay_down_rules().await?;
        self.lay_down_row_security().await
    }

    async fn run(&self, migrator: &sqlx::migrate::Migrator) -> Result<(), MigrateError> {
        match self.engine() {
            // A migration may change rows of every company.
            DbBackend::Postgres => Reach::EveryCompany.during(migrator.run(self.writer.get_postgres_connection_pool())).await,
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
        match crate::sql::number(&self.readers, sql).await {
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

    async fn begin(&self, reach: Reach) -> Result<Tx, StoreError> {
        Ok(Tx(match self.engine() {
            DbBackend::Postgres => Begun::Alone(reach.during(self.writer.begin()).await?),
            _ => Begun::Together(self.group.join(&self.writer).await?),
        }))
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
    // A pool tries again until its time is over, and then says only that it waited: the first connection says why there is none.
    let first = timeout(ACQUIRE_TIMEOUT, options.connect()).await;
    first.map_err(|_| sqlx::Error::PoolTimedOut).flatten().map_err(unavailable)?.close().await.map_err(unavailable)?;
    let pool: PgPool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // It says by itself whether the connection lives.
        .test_before_acquire(false)
        .after_connect(|connection, _| Box::pin(tell(connection)))
        .before_acquire(|connection, _| Box::pin(async move { tell(connection).await.map(|()| true) }))
        .connect_with(options)
        .await
        .map_err(unavailable)?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}
