//! Open sessions kept for the next message of the same account.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::session::Session;

/// Longer than the pause between two batches, shorter than the patience of any known server.
const IDLE: Duration = Duration::from_secs(30);

/// Sessions that rest, by account. The key also names the version of the account's settings, so that a session opened
/// with an old password is never used again.
pub struct Pool {
    per_account: usize,
    resting: Mutex<HashMap<String, Vec<Resting>>>,
}

struct Resting {
    session: Session,
    since: Instant,
}

impl Pool {
    /// Keeps at most so many resting sessions for each account.
    #[must_use]
    pub fn new(per_account: usize) -> Self {
        Self { per_account, resting: Mutex::default() }
    }

    /// A session that still stands, or nothing: then one is opened.
    pub async fn take(&self, account: &str) -> Option<Session> {
        while let Some(Resting { mut session, since }) = self.pop(account) {
            if since.elapsed() < IDLE && session.is_open().await {
                return Some(session);
            }
            session.leave();
        }
        None
    }

    /// Takes a session back, if it can serve again.
    pub fn give_back(&self, account: &str, session: Session) {
        let mut leaving = self.grown_old();
        if session.is_usable() {
            let mut all = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
            let resting = all.entry(account.to_owned()).or_default();
            if resting.len() < self.per_account {
                resting.push(Resting { session, since: Instant::now() });
            } else {
                leaving.push(session);
            }
        } else {
            leaving.push(session);
        }
        leaving.into_iter().for_each(Session::leave);
    }

    /// Closes what has rested too long. Meant to be called now and then, since nobody may ever come back.
    pub fn close_idle(&self) {
        self.grown_old().into_iter().for_each(Session::leave);
    }

    /// Closes everything, before the process ends.
    pub async fn close_all(&self) {
        let all = std::mem::take(&mut *self.resting.lock().unwrap_or_else(PoisonError::into_inner));
        let mut leaving: JoinSet<()> = all.into_values().flatten().map(|one| one.session.quit()).collect();
        while leaving.join_next().await.is_some() {}
    }

    fn pop(&self, account: &str) -> Option<Resting> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner).get_mut(account)?.pop()
    }

    fn grown_old(&self) -> Vec<Session> {
        let mut old = Vec::new();
        self.resting.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, resting| {
            old.extend(resting.extract_if(.., |one| one.since.elapsed() >= IDLE).map(|one| one.session));
            !resting.is_empty()
        });
        old
    }
}
