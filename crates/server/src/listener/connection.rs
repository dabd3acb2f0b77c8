//! What one connection is doing, and whether it has kept us waiting for too long.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// From the connection's beginning to the first byte of its first request, and from there to the head's end. A browser
/// sends both within a second or two.
const HEAD: Duration = Duration::from_secs(10);
/// Between two requests: longer than nginx (60 s) and Apache keep a connection of theirs, so that they are who closes it.
const IDLE: Duration = Duration::from_secs(75);
/// A body or an answer may pause for so long altogether …
const PAUSES: Duration = Duration::from_secs(20);
/// … and a second more for so many bytes: a telephone on the edge of its network.
const SLOWEST: u64 = 4 * 1024;
/// One that is there for its health has come to ask at once.
const HEALTH: Duration = Duration::from_secs(2);
/// Nobody is closed for another's sake before a request had time to arrive.
const SPARED: Duration = Duration::from_millis(500);

pub(super) struct Connection {
    pub peer: IpAddr,
    pub is_for_health: bool,
    state: Mutex<State>,
    close: Notify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Before the first request.
    New,
    /// Between two.
    Idle,
    /// A head has begun.
    Head,
    /// A request is read and worked on.
    Request,
    Answer,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// Read or written in this phase.
    bytes: u64,
    /// Since when we wait for the other side, in this phase.
    waiting: Option<Instant>,
    waited: Duration,
    /// Nothing is to be added to the answer.
    is_answered: bool,
}

impl State {
    fn enter(&mut self, phase: Phase, now: Instant) {
        *self = Self { phase, since: now, bytes: 0, waiting: None, waited: Duration::ZERO, is_answered: false };
    }

    fn waits(&mut self, now: Instant) {
        self.waiting.get_or_insert(now);
    }

    fn goes_on(&mut self, bytes: usize, now: Instant) {
        if let Some(since) = self.waiting.take() {
            self.waited += now.saturating_duration_since(since);
        }
        self.bytes += bytes as u64;
    }

    fn is_overdue(&self, now: Instant) -> bool {
        let age = now.saturating_duration_since(self.since);
        match (self.phase, self.waiting) {
            (Phase::New | Phase::Head, _) => age > HEAD,
            (Phase::Idle, _) => age > IDLE,
            (Phase::Request | Phase::Answer, None) => false,
            (Phase::Request | Phase::Answer, Some(since)) => {
                self.waited + now.saturating_duration_since(since) > PAUSES + Duration::from_secs(self.bytes / SLOWEST)
            }
        }
    }
}

impl Connection {
    pub fn new(peer: IpAddr, is_for_health: bool, now: Instant) -> Self {
        let state = State { phase: Phase::New, since: now, bytes: 0, waiting: None, waited: Duration::ZERO, is_answered: false };
        Self { peer, is_for_health, state: Mutex::new(state), close: Notify::new() }
    }

    pub fn close(&self) {
        self.close.notify_one();
    }

    pub async fn closed(&self) {
        self.close.notified().await;
    }

    pub fn read(&self, now: Instant) {
        let mut state = self.lock();
        if matches!(state.phase, Phase::New | Phase::Idle) {
            state.enter(Phase::Head, now);
        }
    }

    pub fn request_begins(&self, now: Instant) {
        self.lock().enter(Phase::Request, now);
    }

    pub fn body_waits(&self, now: Instant) {
        self.lock().waits(now);
    }

    pub fn body_goes_on(&self, bytes: usize, now: Instant) {
        self.lock().goes_on(bytes, now);
    }

    pub fn answer_begins(&self, now: Instant) {
        self.lock().enter(Phase::Answer, now);
    }

    pub fn answer_is_made(&self) {
        self.lock().is_answered = true;
    }

    pub fn write_waits(&self, now: Instant) {
        let mut state = self.lock();
        if state.phase == Phase::Answer {
            state.waits(now);
        }
    }

    pub fn written(&self, bytes: usize, now: Instant) {
        let mut state = self.lock();
        if state.phase == Phase::Answer {
            state.goes_on(bytes, now);
        }
    }

    /// Everything that was written is with the system.
    pub fn flushed(&self, now: Instant) {
        let mut state = self.lock();
        if state.phase == Phase::Answer && state.is_answered {
            state.enter(Phase::Idle, now);
        }
    }

    pub fn is_overdue(&self, now: Instant) -> bool {
        let state = self.lock();
        let has_begun = matches!(state.phase, Phase::Request | Phase::Answer);
        let comes_late = self.is_for_health && !has_begun && now.saturating_duration_since(state.since) > HEALTH;
        comes_late || state.is_overdue(now)
    }

    pub fn has_no_request(&self) -> bool {
        matches!(self.lock().phase, Phase::New | Phase::Idle | Phase::Head)
    }

    /// Since when a request has been coming, or its answer going, for as long as it is the other side that we wait for.
    pub fn keeps_waiting_since(&self, now: Instant) -> Option<Instant> {
        let state = self.lock();
        let waits = matches!(state.phase, Phase::New | Phase::Idle | Phase::Head) || state.waiting.is_some();
        (waits && now.saturating_duration_since(state.since) > SPARED).then_some(state.since)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> (Connection, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        (Connection::new([192, 0, 2, 1].into(), false, start), move |second| start + Duration::from_secs(second))
    }

    #[test]
    fn a_head_has_ten_seconds_however_many_bytes_come() {
        let (connection, at) = begun();
        assert!(!connection.is_overdue(at(10)) && connection.is_overdue(at(11)), "no byte at all");
        for second in 5..=15 {
            connection.read(at(second));
        }
        assert!(!connection.is_overdue(at(15)) && connection.is_overdue(at(16)), "a byte each second");
    }

    #[test]
    fn between_two_requests_there_is_more_time() {
        let (connection, at) = begun();
        connection.request_begins(at(1));
        connection.answer_begins(at(2));
        connection.flushed(at(3));
        assert!(!connection.has_no_request(), "the answer is not whole");
        connection.answer_is_made();
        connection.flushed(at(3));
        assert!(!connection.is_overdue(at(78)) && connection.is_overdue(at(79)));
        connection.read(at(70));
        assert!(connection.is_overdue(at(81)), "the next head has its own ten");
    }

    #[test]
    fn a_body_may_be_slow_and_not_slower() {
        let (dribbling, at) = begun();
        let (slow, _) = begun();
        dribbling.request_begins(at(0));
        slow.request_begins(at(0));
        for second in 0..60 {
            for (connection, bytes) in [(&dribbling, 1), (&slow, 8 * 1024)] {
                connection.body_waits(at(second));
                connection.body_goes_on(bytes, at(second + 1));
            }
        }
        dribbling.body_waits(at(60));
        slow.body_waits(at(60));
        assert!(dribbling.is_overdue(at(61)) && !slow.is_overdue(at(61)));
    }

    #[test]
    fn our_own_time_is_nobodys_fault() {
        let (connection, at) = begun();
        connection.request_begins(at(0));
        assert!(!connection.is_overdue(at(3600)), "the handler works");
        connection.answer_begins(at(3600));
        assert!(
            !connection.is_overdue(at(7200)) && connection.keeps_waiting_since(at(7200)).is_none(),
            "a live answer is silent"
        );
        connection.write_waits(at(7200));
        assert!(connection.is_overdue(at(7221)), "nobody reads it");
        connection.written(1, at(7221));
        assert!(!connection.is_overdue(at(7300)));
    }

    #[test]
    fn whoever_has_just_come_is_spared() {
        let (connection, at) = begun();
        assert!(connection.keeps_waiting_since(at(0)).is_none());
        assert_eq!(connection.keeps_waiting_since(at(1)), Some(at(0)));
        connection.request_begins(at(1));
        assert!(connection.keeps_waiting_since(at(9)).is_none(), "we work for it");
        connection.body_waits(at(9));
        assert_eq!(connection.keeps_waiting_since(at(9)), Some(at(1)));
    }
}
