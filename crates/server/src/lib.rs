//! The web pages and API v1: the only crate that knows HTTP and the shapes of its JSON.

pub mod access;
pub mod api;
pub mod app;
pub mod assets;
mod checks;
mod client_address;
mod compression;
pub mod connected;
mod cookies;
pub mod docs;
pub mod export;
mod heavy_work;
pub mod listener;
pub mod mail_route;
pub mod metrics;
mod own_words;
mod passkeys;
pub mod problem;
mod rate_limit;
pub mod route;
pub mod router;
pub mod security;
pub mod web;

mod domain_check;

pub use app::{App, DefaultAccount, Services};
pub use rate_limit::CallsPerMinute;
