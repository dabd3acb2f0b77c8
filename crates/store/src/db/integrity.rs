//! Whether a SQLite file is whole (sqlite.org/pragma.html#pragma_quick_check), has what its migrations made, and lacks no record
//! that another one names.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::time::timeout;

use super::{Db, StoreError, condition, schema, unavailable};

/// A start waits so long for the check; a database of some GB goes on being checked while it is served.
const START_WAITS: Duration = Duration::from_secs(10);

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Every page, in one pass over the file.
    Pages,
    /// Besides, that every index has the rows of its table: some times as long.
    Indexes,
}

impl Db {
    /// What is broken, a line for each fault; nothing where it is whole. PostgreSQL looks after its own files.
    pub async fn faults(&self, depth: Depth) -> Result<Vec<String>, StoreError> {
        let Some(file) = &self.file else { return Ok(Vec::new()) };
        faults_of(&options(&file.path), depth).await
    }

    /// Looks for damage before anything is served, for ten seconds; where that is not enough it goes on in the background.
    /// What it finds is logged, and the process is not ready.
    pub async fn look_for_damage(&self) {
        let db = self.clone();
        let check = tokio::spawn(async move {
            match db.faults(Depth::Pages).await {
                Ok(faults) => condition::note_found(&faults),
                Err(error) => tracing::warn!("The database could not be checked for damage: {error}"),
            }
        });
        if timeout(START_WAITS, check).await.is_err() {
            tracing::info!("The database is large: it goes on being checked for damage while it is served");
        }
    }

    /// What was found broken since the process began, in the database's own words.
    #[must_use]
    pub fn damage(&self) -> Option<String> {
        condition::damage()
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).create_if_missing(false).disable_statement_logging()
}

/// For a file that nobody writes: nothing is made beside it, and nothing is looked for.
pub(super) fn unchanging(path: &Path) -> SqliteConnectOptions {
    options(path).read_only(true).immutable(true)
}

/// A connection of its own: a pool could not be closed while it is at work.
pub(super) async fn faults_of(options: &SqliteConnectOptions, depth: Depth) -> Result<Vec<String>, StoreError> {
    let found = match options.connect().await {
        Ok(mut connection) => {
            let found = look(&mut connection, depth).await;
            let _ = connection.close().await;
            found
        }
        Err(error) => Err(error),
    };
    match found {
        Ok(faults) => Ok(faults),
        Err(error) => match unavailable(error) {
            StoreError::Damaged(error) => Ok(vec![error.to_string()]),
            other => Err(other),
        },
    }
}

async fn look(connection: &mut SqliteConnection, depth: Depth) -> Result<Vec<String>, sqlx::Error> {
    // More than twenty lines say no more than that it is broken.
    let pragma = match depth {
        Depth::Pages => "PRAGMA quick_check(20)",
        Depth::Indexes => "PRAGMA integrity_check(20)",
    };
    let lines: Vec<String> = sqlx::query_scalar(pragma).fetch_all(&mut *connection).await?;
    let mut faults: Vec<String> = lines.into_iter().filter(|line| line != "ok").collect();
    if faults.is_empty() {
        faults = schema::differences(connection).await?;
    }
    if faults.is_empty() {
        faults = dangling_references(connection).await?;
    }
    Ok(faults)
}

/// Rows were lost: SQLite keeps foreign keys only on connections that ask for it, and `.recover` leaves out what it cannot read.
async fn dangling_references(connection: &mut SqliteConnection) -> Result<Vec<String>, sqlx::Error> {
    let sql = "SELECT COUNT(*) || ' of ' || \"table\" || ' name a ' || parent || ' that is missing' FROM pragma_foreign_key_check
        GROUP BY \"table\", parent";
    sqlx::query_scalar(sql).fetch_all(connection).await
}
