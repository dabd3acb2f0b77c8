//! Turns a receipt into what people read: its PDF and the mails that carry it.
//!
//! Pure: the same facts give the same bytes. No network, no database, no clock. The only files read are the host's
//! fonts, and only for letters that the embedded fonts lack.

#![expect(clippy::float_arithmetic, reason = "places on a page are fractions of a point, and krilla and parley count in f32")]

pub mod logo;
pub mod mail;
mod page;
pub mod receipt;
mod words;
