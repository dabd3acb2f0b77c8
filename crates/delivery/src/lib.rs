//! The engine: claim → resolve the account → compose → send → decide → record.
//!
//! Its one promise: a delivery is never lost, and is sent a second time only where nobody can know whether it arrived.

mod accounts;
mod attempt;
mod letter;
mod notices;
mod pace;
mod probe;
mod recorder;
pub mod retry;
mod signing;
mod tokens;
mod turn;
mod weight;
mod worker;

pub use accounts::DefaultAccount;
pub use worker::{Engine, Settings, run};
