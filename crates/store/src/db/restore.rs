//! A copy put in the place of a SQLite database: looked through first, written beside it, then renamed.
//!
//! At every moment, also when the process or the machine stops, the database's name leads to the old one or to the new one,
//! and each is whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use acuse_domain::Instant;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteLockingMode};
use sqlx::{ConnectOptions, Connection};

use super::backup::{NoRoom, forget_sidecars, is_full, more_than_free, room_for};
use super::file::{
    SIDECARS, beside, draft_beside, draft_prefix, folder_of, give_to_owner_of, identity, lock_alone, real_path, sync_folder,
};
use super::integrity::{Depth, faults_of, unchanging};
use super::{Db, StoreError, unavailable};

/// A server that is just stopping lets go in this time.
const IN_USE_AFTER: Duration = Duration::from_secs(2);
/// The files of a database that hold its data; `-shm` is made anew from them.
const WITH_DATA: [&str; 3] = ["", "-wal", "-journal"];

#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("there is no file {0}")]
    NoCopy(PathBuf),
    #[error("{0} is no regular file")]
    NotAFile(PathBuf),
    #[error("{0} is the database itself")]
    IsTheDatabase(PathBuf),
    #[error("{copy} is damaged: {}", .faults.join("; "))]
    Damaged { copy: PathBuf, faults: Vec<String> },
    #[error("{0} is no database of Acuse")]
    NotOurs(PathBuf),
    /// Written by a later version: its number, and the last one known here.
    #[error("the copy has version {version}, and {known} is the last one known")]
    Newer { version: i64, known: i64 },
    #[error("there is a database at {0}")]
    Exists(PathBuf),
    #[error("{0} is in use")]
    InUse(PathBuf),
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    pub database: PathBuf,
    /// Whether the next start has migrations to run.
    pub is_older: bool,
    /// Where the database lies that was there before.
    pub kept: Option<PathBuf>,
}

impl Db {
    /// Puts `copy` in the place of the SQLite database at `path`; over one that exists only where `replacing` says so.
    pub async fn restore(path: &Path, copy: &Path, replacing: bool, now: Instant) -> Result<Restored, RestoreError> {
        let database = real_path(path);
        let (version, size) = look_through(&database, copy).await?;
        if fs::symlink_metadata(&database).is_ok() && !replacing {
            return Err(RestoreError::Exists(database));
        }
        let _alone = lock_alone(&database).map_err(|error| match error {
            StoreError::InUse(path) => RestoreError::InUse(path),
            other => other.into(),
        })?;
        settle(&database).await?;
        forget_drafts(&database);
        room_for(&database, size)?;
        let draft = written(&database, copy).await?;
        let kept = swap(&database, draft, now).map_err(|error| RestoreError::Io { path: database.clone(), error })?;
        Ok(Restored { database, is_older: version < Self::newest_version(), kept })
    }

    /// The last migration that this version knows.
    #[must_use]
    pub fn newest_version() -> i64 {
        sqlx::migrate!("./migrations").iter().map(|one| one.version).max().unwrap_or(0)
    }
}

/// The copy's version, and the bytes it takes. Touches nothing.
async fn look_through(database: &Path, copy: &Path) -> Result<(i64, u64), RestoreError> {
    let found = fs::metadata(copy).map_err(|_| RestoreError::NoCopy(copy.to_path_buf()))?;
    if !found.is_file() {
        return Err(RestoreError::NotAFile(copy.to_path_buf()));
    }
    if fs::metadata(database).is_ok_and(|own| identity(&own) == identity(&found)) {
        return Err(RestoreError::IsTheDatabase(copy.to_path_buf()));
    }
    if found.len() == 0 {
        return Err(RestoreError::NotOurs(copy.to_path_buf()));
    }
    let options = reading(copy);
    let faults = faults_of(&options, Depth::Indexes).await?;
    if !faults.is_empty() {
        return Err(RestoreError::Damaged { copy: copy.to_path_buf(), faults });
    }
    let mut connection = options.connect().await.map_err(unavailable)?;
    let version = version_of(&mut connection, copy).await;
    let size = sqlx::query_scalar("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
    let size: i64 = size.fetch_one(&mut connection).await.map_err(unavailable)?;
    let _ = connection.close().await;
    Ok((version?, size.unsigned_abs()))
}

/// A copy that was taken with `cp` may have its latest transactions beside it.
fn reading(copy: &Path) -> SqliteConnectOptions {
    let has_more = ["-wal", "-journal"].iter().any(|ending| fs::metadata(beside(copy, ending)).is_ok_and(|more| more.len() > 0));
    if has_more { unchanging(copy).immutable(false) } else { unchanging(copy) }
}

/// Errs where it is not one that this version, or an earlier one, has made.
async fn version_of(connection: &mut SqliteConnection, copy: &Path) -> Result<i64, RestoreError> {
    let foreign = || RestoreError::NotOurs(copy.to_path_buf());
    let sql = "SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version";
    let run: Vec<(i64, Vec<u8>)> = sqlx::query_as(sql).fetch_all(&mut *connection).await.map_err(|_| foreign())?;
    let _companies: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM company").fetch_one(connection).await.map_err(|_| foreign())?;
    let version = run.last().map(|(version, _)| *version).ok_or_else(foreign)?;
    let newest = Db::newest_version();
    if version > newest {
        return Err(RestoreError::Newer { version, known: newest });
    }
    let known = sqlx::migrate!("./migrations");
    let is_known =
        |(version, checksum): &(i64, Vec<u8>)| known.iter().any(|one| one.version == *version && *one.checksum == checksum[..]);
    if run.iter().all(is_known) { Ok(version) } else { Err(foreign()) }
}

/// Sees that nobody has the old database open, and brings what its `-wal` holds into it. One that is damaged is left as it is.
async fn settle(database: &Path) -> Result<(), RestoreError> {
    if fs::metadata(database).is_ok_and(|old| old.is_dir()) {
        return Err(RestoreError::NotAFile(database.to_path_buf()));
    }
    if fs::metadata(database).is_ok_and(|old| old.len() > 0) {
        match take_alone(database).await {
            Err(error) if is_busy(&error) => return Err(RestoreError::InUse(database.to_path_buf())),
            Err(error) => tracing::warn!("The database that was here cannot be read, and is kept as it is: {error}"),
            Ok(()) => {}
        }
    }
    Ok(())
}

async fn take_alone(database: &Path) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .create_if_missing(false)
        .locking_mode(SqliteLockingMode::Exclusive)
        .busy_timeout(IN_USE_AFTER)
        .disable_statement_logging();
    let mut connection = options.connect().await?;
    let taken = async {
        sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await?;
        sqlx::query("COMMIT").execute(&mut connection).await?;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await
    };
    let taken = taken.await;
    connection.close().await?;
    taken.map(|_| ())
}

fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|said| said.code()).unwrap_or_default();
    code.parse::<u32>().is_ok_and(|number| matches!(number & 0xff, 5 | 6))
}

/// What a restore that was killed left behind.
fn forget_drafts(database: &Path) {
    let prefix = draft_prefix(database);
    for entry in fs::read_dir(folder_of(database)).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(prefix.as_encoded_bytes()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The copy under a draft's name, whole and on the disk.
async fn written(database: &Path, copy: &Path) -> Result<tempfile::TempPath, RestoreError> {
    let failed = |error: io::Error| RestoreError::Io { path: database.to_path_buf(), error };
    let draft = draft_beside(database).map_err(failed)?;
    let Some(name) = draft.to_str().map(str::to_owned) else {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "no UTF-8")));
    };
    let mut source = reading(copy).connect().await.map_err(unavailable)?;
    let copied = sqlx::query("VACUUM INTO $1").bind(name).execute(&mut source).await;
    let _ = source.close().await;
    forget_sidecars(&draft);
    if let Err(error) = copied {
        let code = error.as_database_error().and_then(|said| said.code()).unwrap_or_default();
        if is_full(&code) {
            return Err(more_than_free(database).into());
        }
        return Err(unavailable(error).into());
    }
    let faults = faults_of(&unchanging(&draft), Depth::Pages).await?;
    if !faults.is_empty() {
        return Err(RestoreError::Damaged { copy: copy.to_path_buf(), faults });
    }
    give_to_owner_of(database, &draft);
    File::open(&draft).and_then(|written| written.sync_all()).map_err(failed)?;
    Ok(draft)
}

/// The old one gets a second name before it loses its own; its `-wal` and `-journal` must be gone before the new one has the
/// name, or SQLite would write them into it.
fn swap(database: &Path, draft: tempfile::TempPath, now: Instant) -> io::Result<Option<PathBuf>> {
    let aside = free_name(database, &format!(".before-restore-{}", now.format("%Y%m%dT%H%M%SZ")));
    let mut kept = None;
    for ending in WITH_DATA {
        let (from, to) = (beside(database, ending), beside(&aside, ending));
        if fs::symlink_metadata(&from).is_ok() {
            keep(&from, &to)?;
            kept.get_or_insert(to);
        }
    }
    sync_folder(database)?;
    for ending in SIDECARS {
        match fs::remove_file(beside(database, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    if let Err(error) = draft.persist(database) {
        if !database.exists() && aside.exists() {
            fs::rename(&aside, database)?;
        }
        return Err(error.error);
    }
    sync_folder(database)?;
    Ok(kept)
}

/// Another restore may have kept a database in the same second.
fn free_name(database: &Path, ending: &str) -> PathBuf {
    let is_free = |name: &PathBuf| WITH_DATA.iter().all(|part| fs::symlink_metadata(beside(name, part)).is_err());
    let numbered = (2..).map(|n| beside(database, &format!("{ending}-{n}")));
    std::iter::once(beside(database, ending)).chain(numbered).find(is_free).unwrap_or_else(|| beside(database, ending))
}

/// A file system without hard links leaves a moment without a database.
fn keep(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => fs::rename(from, to),
        done => done,
    }
}
