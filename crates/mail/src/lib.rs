//! E-mail: reaching a server, saying what is wrong with it, sending, and reading back. Knows no database.

pub mod autoconfig;
pub mod capabilities;
pub mod catcher;
pub mod caught;
pub mod check;
pub mod deliverability;
pub mod diagnosis;
pub mod dkim;
pub mod dns;
pub mod explanation;
pub mod failure;
pub mod guard;
pub mod https;
pub mod known;
pub mod login;
pub mod message;
pub mod oauth;
pub mod password;
pub mod pool;
pub mod providers;
pub mod reply;
pub mod session;

mod address_rules;
mod authentication;
mod certificate;
mod cleartext;
mod conversation;
mod correction;
mod letters;
mod mozilla;
mod opening;
mod phrases;
mod secrets;
mod transaction;
mod transparency;
mod wire;
