//! Documentos: what is still to be collected or to be paid.

pub mod form;
pub mod list;
pub mod new;
pub mod show;
