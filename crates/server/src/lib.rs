//! The web pages and API v1: the only room that knows HTTP and the shapes of its JSON.

pub mod access;
pub mod api;
pub mod app;
pub mod assets;
pub mod docs;
pub mod login_guard;
pub mod problem;
pub mod router;
pub mod security;
pub mod web;

pub use app::{App, DefaultAccount, Services};
