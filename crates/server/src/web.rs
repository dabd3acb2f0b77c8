//! The pages, for a person with a browser. Forms come in, pages go out; what they do is the store's acts.

pub mod calendar;
pub mod contacts;
pub mod filters;
pub mod form_errors;
pub mod login;
pub mod page;
pub mod pager;
pub mod path_id;
pub mod state_mark;
pub mod trouble;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

pub fn router() -> Router<App> {
    Router::new()
        .route("/entrar", get(login::ask).post(login::log_in))
        .route("/salir", post(login::log_out))
        .route("/tema", post(login::choose_theme))
        .route("/personas/buscar", get(contacts::search::suggest))
}
