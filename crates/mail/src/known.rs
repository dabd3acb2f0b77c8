//! What a server was seen to do otherwise than it says: its behaviour is believed over its answer to EHLO.

use std::sync::{Mutex, PoisonError};

use crate::login::Mechanism;

/// What was learnt of one account's server, as it is set up now. Kept by whoever opens sessions of it, so that the next one
/// goes straight to what works.
#[derive(Debug, Default)]
pub struct Known(Mutex<Behaviour>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Behaviour {
    /// The mechanism by which a login went well.
    pub(crate) login: Option<Mechanism>,
    /// Two mechanisms were refused with words that may mean the password: it is the password, and a second try each time
    /// would only bring the account nearer to its lock.
    pub(crate) refuses_all_alike: bool,
    /// A pipelined transaction went well: whatever is lost later, it is not that.
    pub(crate) pipelining_works: bool,
    /// Loses commands or answers of a pipelined transaction.
    pub(crate) loses_pipelined: bool,
    /// Refuses the parameters of MAIL that it offers.
    pub(crate) refuses_parameters: bool,
}

impl Known {
    pub(crate) fn behaviour(&self) -> Behaviour {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn learn(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
