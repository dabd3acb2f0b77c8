//! The engine: claim → resolve the account → compose → send → decide → record.
//!
//! Its one promise: a delivery is never lost, and is sent a second time only where nobody can know whether it arrived.

mod accounts;
mod attempt;
mod batch;
mod circuit_breaker;
mod compose;
mod engine;
mod history;
mod notices;
mod probe;
mod recorder;
pub mod retry;
mod signing;
mod throttle;
mod tokens;
mod transport;
mod user_mails;
mod worker;

pub use accounts::DefaultAccount;
pub use engine::{Engine, Settings};
pub use worker::run;
