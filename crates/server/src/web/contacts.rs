//! Personas: who pays and who is paid.

pub mod search;
