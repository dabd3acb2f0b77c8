//! Reports that were made a moment ago.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Report, Subject};

/// Who has just changed a record presses «Revisar de nuevo»; everybody else may see a report that is so old.
const KEPT: Duration = Duration::from_secs(300);
/// What the DNS left unanswered is asked again sooner.
const PARTIAL_KEPT: Duration = Duration::from_secs(20);
const MOST_REPORTS: usize = 512;

/// Answers by domain and server. Cheap to clone.
#[derive(Clone, Default)]
pub struct Cache {
    reports: Arc<Mutex<HashMap<Key, Kept>>>,
}

/// Domain, server, and the keys of ours with whether they sign.
type Key = (String, Option<String>, Vec<(String, bool)>);
/// When it was asked for.
type Kept = (Instant, Arc<Report>);

impl Cache {
    /// A report that is young enough.
    #[must_use]
    pub fn get(&self, subject: &Subject) -> Option<Arc<Report>> {
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports.get(&key(subject)).filter(|(since, report)| since.elapsed() < age(report)).map(|(_, report)| report.clone())
    }

    /// A report whose questions were asked at this time or later.
    #[must_use]
    pub fn get_since(&self, subject: &Subject, asked: Instant) -> Option<Arc<Report>> {
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports.get(&key(subject)).filter(|(since, _)| *since >= asked).map(|(_, report)| report.clone())
    }

    /// `asked`: when its questions began.
    pub fn put(&self, subject: &Subject, report: Arc<Report>, asked: Instant) {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        if reports.len() >= MOST_REPORTS {
            reports.retain(|_, (since, report)| since.elapsed() < age(report));
        }
        if reports.len() >= MOST_REPORTS {
            reports.clear();
        }
        reports.insert(key(subject), (asked, report));
    }
}

fn age(report: &Report) -> Duration {
    if report.is_partial() { PARTIAL_KEPT } else { KEPT }
}

fn key(subject: &Subject) -> Key {
    let keys = subject.own_keys.iter().map(|key| (key.selector.clone(), key.signs)).collect();
    (subject.domain.clone(), subject.server.clone(), keys)
}
