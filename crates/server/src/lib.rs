//! The web pages and API v1: the only room that knows HTTP and the shapes of its JSON.

pub mod access;
mod account_rules;
pub mod api;
pub mod app;
pub mod assets;
mod checks;
pub mod connected;
pub mod docs;
pub mod login_guard;
pub mod mail_route;
pub mod problem;
pub mod router;
pub mod security;
pub mod web;

mod domain_check;
mod drawing;

pub use app::{App, DefaultAccount, Services};
