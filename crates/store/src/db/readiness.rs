//! Whether the database can do its work, and not only answer.

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant as Moment};

use sea_orm::{DbErr, RuntimeErr};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::condition::{self, Refusal};
use super::file::folder_of;
use super::{Db, StoreError, code_of};
use crate::sql::{execute, values};

/// Whoever asks more often is told what was found last: each look waits for the disk.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// A writer that is only busy is no reason to send visitors away.
const WRITE_TIMEOUT: Duration = Duration::from_secs(3);
/// Who is busy for longer than this is not: no transaction takes so long, and the disk has stopped answering.
const LONGEST_BUSY: Duration = Duration::from_secs(15);
/// Workers look at the queue every second; the slowest answer of a database that is only busy takes 15.
const WORKERS_TIMEOUT: Duration = Duration::from_secs(60);
/// With less (bytes) on its disk SQLite cannot write a transaction of the usual size and its checkpoint.
const LEAST_FREE: u64 = 1024 * 1024;

/// Why nobody should be sent here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    #[error("the database does not answer")]
    Unreachable,
    #[error("the database is damaged: {0}")]
    Damaged(String),
    #[error("the database file was moved away or replaced")]
    FileReplaced,
    #[error("the database is of another version")]
    NotMigrated,
    #[error("the database's disk is full")]
    DiskFull,
    #[error("the database cannot be written")]
    NotWritable,
    #[error("the delivery workers of this process stopped")]
    WorkersStopped,
}

impl NotReady {
    /// For programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreachable => "unavailable",
            Self::Damaged(_) => "damaged",
            Self::FileReplaced => "file_replaced",
            Self::NotMigrated => "not_migrated",
            Self::DiskFull => "disk_full",
            Self::NotWritable => "not_writable",
            Self::WorkersStopped => "workers_stopped",
        }
    }
}

/// When the delivery workers of this process last said that they live; nothing where it has none.
#[derive(Debug, Clone, Default)]
pub(super) struct Heartbeat(Arc<std::sync::Mutex<Option<Moment>>>);

impl From<Refusal> for NotReady {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full => Self::DiskFull,
            Refusal::NotWritable => Self::NotWritable,
        }
    }
}

/// What the last look at the disk found.
#[derive(Debug, Clone, Default)]
pub(super) struct WriteProbe(Arc<Mutex<Option<Probed>>>);

#[derive(Debug, Clone)]
struct Probed {
    at: Moment,
    found: Result<(), NotReady>,
    /// Since when no write has come to its end.
    waits_since: Option<Moment>,
}

impl Probed {
    fn new(at: Moment, written: Option<Result<(), NotReady>>, before: Option<&Self>) -> Self {
        let Some(found) = written else {
            let since = before.and_then(|before| before.waits_since).unwrap_or(at);
            let found = if at.duration_since(since) < LONGEST_BUSY { Ok(()) } else { Err(NotReady::NotWritable) };
            return Self { at, found, waits_since: Some(since) };
        };
        Self { at, found, waits_since: None }
    }

    /// What was found wrong is looked at again, save a disk that does not answer: whoever asks would wait for it.
    fn counts_still(&self) -> bool {
        (self.found.is_ok() || self.waits_since.is_some()) && self.at.elapsed() < LOOK_AGAIN_AFTER
    }
}

impl Db {
    /// Said by the delivery workers at every round.
    pub fn note_workers_alive(&self) {
        *self.workers.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Moment::now());
    }

    /// Whether this process has delivery workers.
    #[must_use]
    pub fn has_workers(&self) -> bool {
        self.workers.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Errs with the first reason not to be sent any work.
    pub async fn readiness(&self) -> Result<(), NotReady> {
        if let Some(reason) = self.damage() {
            return Err(NotReady::Damaged(reason));
        }
        if self.file.as_ref().is_some_and(|file| !file.is_in_place()) {
            return Err(NotReady::FileReplaced);
        }
        self.ping().await.map_err(|error| why(&error))?;
        if !self.is_migrated().await.map_err(|error| why(&error))? {
            return Err(NotReady::NotMigrated);
        }
        let last_beat = *self.workers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last_beat.is_some_and(|beat| beat.elapsed() > WORKERS_TIMEOUT) {
            return Err(NotReady::WorkersStopped);
        }
        if let Some(refusal) = condition::last_refusal() {
            return Err(refusal.into());
        }
        let mut last = self.probe.0.lock().await;
        if let Some(probed) = last.as_ref().filter(|probed| probed.counts_still()) {
            return probed.found.clone();
        }
        let written = self.can_write().await;
        let probed = Probed::new(Moment::now(), written, last.as_ref());
        last.insert(probed).found.clone()
    }

    /// Nothing where somebody else was writing all the time.
    async fn can_write(&self) -> Option<Result<(), NotReady>> {
        if let Some(file) = &self.file
            && free_space(&file.path).is_some_and(|free| free < LEAST_FREE)
        {
            return Some(Err(NotReady::DiskFull));
        }
        match timeout(WRITE_TIMEOUT, self.write_a_row()).await {
            Err(_) => None,
            Ok(Err(error)) if is_busy(&error) => None,
            Ok(written) => Some(written.map_err(|error| why(&error))),
        }
    }

    async fn write_a_row(&self) -> Result<(), StoreError> {
        let tx = self.begin_write_any_company().await?;
        execute(tx.as_conn(), "UPDATE write_probe SET at = $1", values![crate::now()]).await?;
        tx.commit().await
    }
}

/// Bytes that this user may still write where the file lies.
pub(super) fn free_space(path: &Path) -> Option<u64> {
    let space = rustix::fs::statvfs(folder_of(path)).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}

/// SQLite's BUSY and LOCKED; PostgreSQL's lock_not_available, deadlock_detected and serialization_failure.
fn is_busy(error: &StoreError) -> bool {
    let StoreError::Unavailable(error) = error else { return false };
    match code_of(error) {
        Some(code) => is_number_of(&code, &[5, 6]) || ["55P03", "40P01", "40001"].contains(&code.as_str()),
        None => matches!(error, DbErr::Conn(RuntimeErr::Internal(_))),
    }
}

fn why(error: &StoreError) -> NotReady {
    let (StoreError::Damaged(said) | StoreError::Unavailable(said) | StoreError::Failed(said)) = error else {
        return NotReady::Unreachable;
    };
    match condition::refusal(&code_of(said).unwrap_or_default()) {
        _ if matches!(error, StoreError::Damaged(_)) => NotReady::Damaged(said.to_string()),
        Some(refusal) => refusal.into(),
        None => NotReady::Unreachable,
    }
}

/// SQLite's codes are numbers whose low byte is the primary one.
fn is_number_of(code: &str, primary: &[u32]) -> bool {
    code.len() < 5 && code.parse::<u32>().is_ok_and(|number| primary.contains(&(number & 0xff)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_stopped_answering_is_no_busy_writer() {
        let start = Moment::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let once = Probed::new(after(0), None, None);
        assert_eq!(once.found, Ok(()), "somebody else writes");
        let still = Probed::new(after(14), None, Some(&once));
        assert_eq!(still.found, Ok(()));
        let hung = Probed::new(after(16), None, Some(&still));
        assert_eq!(hung.found, Err(NotReady::NotWritable));
        let well = Probed::new(after(20), Some(Ok(())), Some(&hung));
        assert_eq!(Probed::new(after(30), None, Some(&well)).found, Ok(()), "it is counted anew");
    }

    #[tokio::test]
    async fn a_process_whose_workers_stopped_is_not_ready() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}", folder.path().join("acuse.db").display())).await.unwrap();
        db.migrate().await.unwrap();
        assert!(!db.has_workers());
        assert_eq!(db.readiness().await, Ok(()), "a process without workers has none to lose");
        db.note_workers_alive();
        assert_eq!(db.readiness().await, Ok(()));
        *db.workers.0.lock().unwrap() = Moment::now().checked_sub(WORKERS_TIMEOUT + Duration::from_secs(1));
        assert_eq!(db.readiness().await, Err(NotReady::WorkersStopped));
    }
}
