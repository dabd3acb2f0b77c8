//! A consistent copy of a SQLite database while it is in use.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::file::{SIDECARS, beside, draft_beside, folder_of, sync_folder};
use super::integrity::{Depth, faults_of, unchanging};
use super::readiness::free_space;
use super::{Db, StoreError, code_of};
use crate::sql::{execute, number, values};

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("the database is PostgreSQL")]
    NotSqlite,
    #[error("{0} exists")]
    Exists(PathBuf),
    #[error("{0} is no folder")]
    NoFolder(PathBuf),
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    #[error("the database is damaged: {0}")]
    Damaged(String),
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Bytes that a file needs, and that may be written there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{folder} has {free} bytes of {needed}")]
pub struct NoRoom {
    pub folder: PathBuf,
    pub needed: u64,
    pub free: u64,
}

impl Db {
    /// Writes a copy that is whole when it has its name. Errs if the file exists, or there is no room for it.
    pub async fn back_up(&self, file: &Path) -> Result<(), BackupError> {
        if !self.is_sqlite() {
            return Err(BackupError::NotSqlite);
        }
        if fs::symlink_metadata(file).is_ok() {
            return Err(BackupError::Exists(file.to_path_buf()));
        }
        if !folder_of(file).is_dir() {
            return Err(BackupError::NoFolder(folder_of(file).to_path_buf()));
        }
        room_for(file, self.size().await?)?;
        let failed = |error: io::Error| BackupError::Io { path: file.to_path_buf(), error };
        let draft = draft_beside(file).map_err(failed)?;
        let written = self.copy_into(&draft).await;
        forget_sidecars(&draft);
        written.map_err(|error| self.not_written(file, error))?;
        if let Some(fault) = faults_of(&unchanging(&draft), Depth::Pages).await?.into_iter().next() {
            return Err(BackupError::Damaged(fault));
        }
        // SQLite leaves it to whoever asked for the copy that it is on the disk.
        File::open(&draft).and_then(|copy| copy.sync_all()).map_err(failed)?;
        draft.persist_noclobber(file).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists(file.to_path_buf()),
            _ => failed(error.error),
        })?;
        sync_folder(file).map_err(failed)
    }

    /// Bytes that a copy takes at most.
    async fn size(&self) -> Result<u64, StoreError> {
        let pages = number(&self.readers, "SELECT page_count AS n FROM pragma_page_count").await?;
        let unused = number(&self.readers, "SELECT freelist_count AS n FROM pragma_freelist_count").await?;
        let bytes = number(&self.readers, "SELECT page_size AS n FROM pragma_page_size").await?;
        Ok((pages - unused).unsigned_abs().saturating_mul(bytes.unsigned_abs()))
    }

    async fn copy_into(&self, draft: &Path) -> Result<(), StoreError> {
        let name = draft.to_str().ok_or_else(|| StoreError::Address(format!("{} is no UTF-8", draft.display())))?;
        execute(&self.readers, "VACUUM INTO $1", values![name]).await?;
        Ok(())
    }

    fn not_written(&self, file: &Path, error: StoreError) -> BackupError {
        match error {
            StoreError::Damaged(said) => BackupError::Damaged(said.to_string()),
            StoreError::Unavailable(said) if is_full(&code_of(&said).unwrap_or_default()) => more_than_free(file).into(),
            other => other.into(),
        }
    }
}

/// SQLite's FULL, and its IOERR_WRITE where a limit on the size of files stops it.
pub(super) fn is_full(code: &str) -> bool {
    matches!(code, "13" | "778")
}

/// Errs where the disk or the process's own limit (RLIMIT_FSIZE) leaves less than this many bytes for a file.
pub(super) fn room_for(file: &Path, needed: u64) -> Result<(), NoRoom> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize).current.unwrap_or(u64::MAX);
    let free = free_space(file).unwrap_or(u64::MAX).min(limit);
    if free < needed { Err(NoRoom { folder: folder_of(file).to_path_buf(), needed, free }) } else { Ok(()) }
}

/// The disk became full under a file that was being written: more is needed than is left, nobody knows how much.
pub(super) fn more_than_free(file: &Path) -> NoRoom {
    let free = free_space(file).unwrap_or(0);
    NoRoom { folder: folder_of(file).to_path_buf(), needed: free.saturating_add(1), free }
}

/// What a copy that failed may have left beside its draft.
pub(super) fn forget_sidecars(draft: &Path) {
    for ending in SIDECARS {
        let _ = fs::remove_file(beside(draft, ending));
    }
}
