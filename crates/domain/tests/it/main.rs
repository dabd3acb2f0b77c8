//! Properties that hold for every value, and the rules as tables.

mod email_addresses;
mod identifications;
mod money;
mod payments;
mod texts;
mod typed_dates;
mod words;
