//! The pages, for a person with a browser. Forms come in, pages go out; what they do is the store's acts.

pub mod calendar;
pub mod filters;
pub mod form_errors;
pub mod page;
pub mod pager;
pub mod state_mark;
pub mod trouble;

use axum::Router;

use crate::app::App;

pub fn router() -> Router<App> {
    Router::new()
}
