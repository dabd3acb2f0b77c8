//! The file of a SQLite database: made whole or not at all, read by its owner alone, locked by whoever uses it.
//!
//! Beside it lies `<database>.lock`. Every process that has the database open holds it shared (flock(2)), and who replaces the
//! database holds it alone. The kernel lets go of it with the process, also after kill -9, so it is never stale.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Once;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection};

use super::{StoreError, unavailable};

/// What SQLite keeps beside a database while it is open, or after a crash (sqlite.org/tempfiles.html).
pub const SIDECARS: [&str; 3] = ["-wal", "-shm", "-journal"];
/// Whatever holds data is for its owner.
const OWNER_ONLY: u32 = 0o600;

/// Where a `sqlite:` address leads; nothing for another engine's.
#[must_use]
pub fn sqlite_path(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?;
    Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
}

/// `acuse.db` and `-wal` give `acuse.db-wal`.
#[must_use]
pub fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(ending);
    PathBuf::from(name)
}

/// A SQLite database that this process uses.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    pub(crate) path: PathBuf,
    /// Its device and inode.
    identity: (u64, u64),
    is_lost: Once,
    /// Nothing where the file system has no locks, or the folder cannot be written.
    _lock: Option<File>,
}

impl DatabaseFile {
    /// Errs if there is no database, it is an empty file, or it is being replaced.
    pub(crate) fn existing(path: &Path) -> Result<Self, StoreError> {
        let path = real_path(path);
        // First: a folder without a database is left as it is.
        let found = fs::metadata(&path).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => StoreError::file(&path, &error),
            _ => StoreError::Missing(path.clone()),
        })?;
        let lock = lock_shared(&path)?;
        // No database of SQLite's is empty, and one that was emptied would pass for a new one.
        if found.len() == 0 {
            Err(StoreError::Empty(path))
        } else {
            Ok(Self { path, identity: identity(&found), is_lost: Once::new(), _lock: lock })
        }
    }

    /// Whether its name still leads to what was opened. Where it does not, what is written goes into a file that nobody finds;
    /// logged once.
    pub(crate) fn is_in_place(&self) -> bool {
        let is_in_place = fs::metadata(&self.path).is_ok_and(|found| identity(&found) == self.identity);
        if !is_in_place {
            let path = self.path.display();
            self.is_lost.call_once(|| tracing::error!("{path} was moved away or replaced. Stop Acuse and put it back"));
        }
        is_in_place
    }

    /// Makes an empty database where there is none.
    pub(crate) async fn existing_or_new(path: &Path) -> Result<Self, StoreError> {
        let real = real_path(path);
        if fs::metadata(&real).is_err() {
            make(&real).await?;
        }
        Self::existing(&real)
    }
}

pub(crate) fn identity(file: &fs::Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Holds the lock alone. Errs if somebody has the database open.
pub(crate) fn lock_alone(database: &Path) -> Result<File, StoreError> {
    let failed = |error: io::Error| StoreError::file(&lock_path(database), &error);
    let lock = open_lock(database).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(database.to_path_buf())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn lock_shared(database: &Path) -> Result<Option<File>, StoreError> {
    let locked = open_lock(database).map(|lock| lock.try_lock_shared().map(|()| lock));
    let error = match locked {
        Ok(Ok(lock)) => return Ok(Some(lock)),
        Ok(Err(TryLockError::WouldBlock)) => return Err(StoreError::BeingReplaced(database.to_path_buf())),
        Ok(Err(TryLockError::Error(error))) | Err(error) => error,
    };
    tracing::warn!("{} cannot be locked, so a restore would not see that it is used: {error}", lock_path(database).display());
    Ok(None)
}

fn open_lock(database: &Path) -> io::Result<File> {
    let path = lock_path(database);
    let lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(OWNER_ONLY).open(&path)?;
    give_to_owner_of(database, &path);
    Ok(lock)
}

fn lock_path(database: &Path) -> PathBuf {
    beside(database, ".lock")
}

/// An empty database appears under its name when it is one, and never as a file of no bytes.
async fn make(path: &Path) -> Result<(), StoreError> {
    let failed = |error: io::Error| StoreError::file(path, &error);
    let draft = draft_beside(path).map_err(failed)?;
    let options = SqliteConnectOptions::new().filename(&draft).journal_mode(SqliteJournalMode::Wal);
    let connection: SqliteConnection = options.disable_statement_logging().connect().await.map_err(unavailable)?;
    connection.close().await.map_err(unavailable)?;
    give_to_owner_of(path, &draft);
    match draft.persist_noclobber(path) {
        Ok(()) => sync_folder(path).map_err(failed),
        // Another process was quicker.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists && path.exists() => Ok(()),
        Err(error) => Err(failed(error.error)),
    }
}

/// A new file beside this one, for its owner; it goes away unless it is given a name.
pub(crate) fn draft_beside(path: &Path) -> io::Result<tempfile::TempPath> {
    tempfile::Builder::new().prefix(&draft_prefix(path)).tempfile_in(folder_of(path)).map(tempfile::NamedTempFile::into_temp_path)
}

/// How the names of a file's drafts begin.
pub(crate) fn draft_prefix(path: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".draft-");
    prefix
}

/// A name is on the disk when its folder is.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// What root makes for another user's server must be readable by it, as SQLite itself does for its -wal. Others can give
/// nothing away, and own what they make.
pub(crate) fn give_to_owner_of(database: &Path, made: &Path) {
    let Ok(owner) = fs::metadata(database).or_else(|_| fs::metadata(folder_of(database))) else { return };
    if rustix::process::geteuid().is_root() && owner.uid() != 0 {
        let _ = chown(made, Some(owner.uid()), Some(owner.gid()));
    }
}

/// Behind links, so that a database has one name and its lock lies in one place.
pub(crate) fn real_path(path: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(path) {
        return real;
    }
    match (fs::canonicalize(folder_of(path)), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_path_buf(),
    }
}
