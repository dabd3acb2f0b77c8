//! What this process knows of damage to its database.
//!
//! Kept for the whole process: an error does not say which connection it came from, and a process serves one database.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant as Moment};

use super::StoreError;

/// PostgreSQL says `io_error` also of a disk that was away for a moment; damage itself lasts until somebody mends it.
const IO_ERROR_COUNTS_FOR: Duration = Duration::from_secs(300);

/// A write that the disk refused counts so long, unless another one passes: the probe's own is small, and may pass where an
/// ordinary one does not.
const REFUSAL_COUNTS_FOR: Duration = Duration::from_secs(30);

static REFUSED: Mutex<Option<(Moment, Refusal)>> = Mutex::new(None);
/// Rows were changed since a transaction last ended: one that changed nothing says nothing of the disk.
static CHANGED: AtomicBool = AtomicBool::new(false);
static DAMAGE: Mutex<Option<Damage>> = Mutex::new(None);

struct Damage {
    reason: String,
    /// Nothing where it lasts.
    until: Option<Moment>,
}

/// How a database's own code for an error is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Lasting,
    Passing,
}

/// SQLite's CORRUPT and NOTADB (sqlite.org/rescode.html), also where a file is shorter than it says and on file systems that
/// check their sums, and IOERR_READ; PostgreSQL's data_corrupted, index_corrupted, undefined_file and io_error (Appendix A of its manual).
fn sign(code: &str) -> Option<Sign> {
    match code.parse::<u32>() {
        Ok(522 | 8_202 | 8_458) if code.len() < 5 => Some(Sign::Lasting),
        Ok(266) => Some(Sign::Passing),
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 11 | 26).then_some(Sign::Lasting),
        _ => match code {
            "XX001" | "XX002" | "58P01" => Some(Sign::Lasting),
            "58030" => Some(Sign::Passing),
            _ => None,
        },
    }
}

/// Why the disk takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    NotWritable,
}

/// SQLite's FULL, READONLY, PERM, and IOERR_WRITE where a limit on the size of files stops it; PostgreSQL's disk_full,
/// read_only_sql_transaction and insufficient_privilege.
pub(crate) fn refusal(code: &str) -> Option<Refusal> {
    let primary = code.parse::<u32>().ok().filter(|_| code.len() < 5).map(|number| number & 0xff);
    match (primary, code) {
        (Some(13), _) | (_, "53100") => Some(Refusal::Full),
        (Some(3 | 8), _) | (_, "778" | "25006" | "42501") => Some(Refusal::NotWritable),
        _ => None,
    }
}

/// What the disk refused a moment ago.
pub(crate) fn last_refusal() -> Option<Refusal> {
    let refused = REFUSED.lock().unwrap_or_else(PoisonError::into_inner);
    refused.filter(|(at, _)| at.elapsed() < REFUSAL_COUNTS_FOR).map(|(_, refusal)| refusal)
}

pub(crate) fn note_changed(rows: u64) {
    if rows > 0 {
        CHANGED.store(true, Ordering::Relaxed);
    }
}

/// A transaction is on the disk.
pub(crate) fn note_committed() {
    if CHANGED.swap(false, Ordering::Relaxed) {
        *REFUSED.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Whether this code says that what is on the disk is broken.
pub(crate) fn says_damaged(code: &str) -> bool {
    sign(code) == Some(Sign::Lasting)
}

/// Keeps in mind what an error says of the disk.
pub(crate) fn note(code: &str, reason: &str) {
    if let Some(refusal) = refusal(code) {
        CHANGED.store(false, Ordering::Relaxed);
        *REFUSED.lock().unwrap_or_else(PoisonError::into_inner) = Some((Moment::now(), refusal));
    }
    match sign(code) {
        Some(Sign::Lasting) => keep(reason, None),
        Some(Sign::Passing) => keep(reason, Some(Moment::now() + IO_ERROR_COUNTS_FOR)),
        None => {}
    }
}

/// A check found it.
pub(crate) fn note_found(faults: &[String]) {
    if let Some(first) = faults.first() {
        keep(first, None);
    }
}

/// The first thing that was found broken, as the database puts it.
pub(crate) fn damage() -> Option<String> {
    let known = DAMAGE.lock().unwrap_or_else(PoisonError::into_inner);
    known.as_ref().filter(|damage| damage.is_known_still()).map(|damage| damage.reason.clone())
}

/// Logged once: every later statement would say the same.
fn keep(reason: &str, until: Option<Moment>) {
    let mut known = DAMAGE.lock().unwrap_or_else(PoisonError::into_inner);
    match known.as_mut().filter(|damage| damage.is_known_still()) {
        Some(damage) => {
            if damage.until.is_some() {
                damage.until = until;
            }
        }
        None => {
            tracing::error!("The database is damaged: {reason}. Nothing is sent until Acuse starts again. {}", StoreError::CURE);
            *known = Some(Damage { reason: reason.to_string(), until });
        }
    }
}

impl Damage {
    fn is_known_still(&self) -> bool {
        self.until.is_none_or(|until| Moment::now() < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_broken_on_the_disk_is_told_from_what_is_busy_full_or_wrong() {
        for (code, expected) in [
            ("11", Some(Sign::Lasting)),   // SQLITE_CORRUPT
            ("267", Some(Sign::Lasting)),  // SQLITE_CORRUPT_VTAB
            ("523", Some(Sign::Lasting)),  // SQLITE_CORRUPT_SEQUENCE
            ("779", Some(Sign::Lasting)),  // SQLITE_CORRUPT_INDEX
            ("26", Some(Sign::Lasting)),   // SQLITE_NOTADB
            ("522", Some(Sign::Lasting)),  // SQLITE_IOERR_SHORT_READ
            ("8458", Some(Sign::Lasting)), // SQLITE_IOERR_CORRUPTFS
            ("XX001", Some(Sign::Lasting)),
            ("XX002", Some(Sign::Lasting)),
            ("58P01", Some(Sign::Lasting)),
            ("266", Some(Sign::Passing)), // SQLITE_IOERR_READ
            ("58030", Some(Sign::Passing)),
            ("5", None),     // SQLITE_BUSY
            ("13", None),    // SQLITE_FULL
            ("778", None),   // SQLITE_IOERR_WRITE
            ("2067", None),  // SQLITE_CONSTRAINT_UNIQUE
            ("23505", None), // unique_violation
            ("53100", None), // disk_full
            ("XX000", None), // internal_error
            ("57P01", None),
        ] {
            assert_eq!(sign(code), expected, "{code}");
        }
    }
}
