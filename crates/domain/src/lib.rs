//! What the business means: money, identifications, documents, payments, receipts and their delivery.
//!
//! No I/O, no SQL, no clock and no randomness: what changes from one moment to the next comes in as an argument.

pub mod access;
pub mod api_token;
pub mod company;
pub mod contact;
pub mod delivery;
pub mod document;
pub mod email_address;
pub mod failure_policy;
pub mod host;
pub mod id;
pub mod identification;
pub mod input;
pub mod mail_account;
pub mod mail_problem;
pub mod message;
pub mod money;
pub mod news;
pub mod number;
pub mod oauth;
pub mod payment;
pub mod receipt;
pub mod text;
pub mod typed_date;
pub mod words;

/// A moment in UTC, as the database keeps it.
pub type Instant = chrono::DateTime<chrono::Utc>;
/// A day in the company's calendar (America/Guayaquil).
pub type Date = chrono::NaiveDate;

/// The day in Ecuador (UTC−5 all year) at this moment.
#[must_use]
pub fn day_in_ecuador(now: Instant) -> Date {
    local_time(now).date()
}

/// The clock on the wall in Ecuador at this moment.
#[must_use]
pub fn local_time(at: Instant) -> chrono::NaiveDateTime {
    at.naive_utc() - chrono::TimeDelta::hours(5)
}
