//! What the engine promises, against servers that behave and servers that do not.

#[macro_use]
mod engines;
mod accepted;
mod accounts;
mod connected;
mod fallback;
mod health;
mod office;
mod outages;
mod poison;
mod postfix;
mod secrets;
mod signing;
mod silent;
mod smtp;
mod troubles;
mod user_mails;
mod voided;
mod workers;
