//! The web pages and API v1: the only room that knows HTTP and the shapes of its JSON.

pub mod assets;
pub mod security;
pub mod web;
