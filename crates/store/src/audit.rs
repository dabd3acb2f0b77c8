//! The history of a company as it is read, sealed and checked. [`crate::events`] writes it.

mod entering;
mod entries;
mod erasure;
mod seal;
mod verify;

pub(crate) use entering::{note_entered, note_not_entered};
pub use entries::{Doer, Entry, Filter, SaidOf, Who, Word, count, count_up_to, doers, list, note_export, note_refusal};
pub use erasure::HISTORY;
pub(crate) use erasure::erase;
pub use seal::seal_any_company;
pub(crate) use verify::hex;
pub use verify::{Chain, Finding, LastCheck, find_check, hash_at, verify, verify_all_any_company, verify_due_any_company};
