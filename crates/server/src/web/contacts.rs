//! Personas: who pays and who is paid.

pub mod form;
pub mod list;
pub mod roles;
pub mod save;
pub mod search;
pub mod show;
