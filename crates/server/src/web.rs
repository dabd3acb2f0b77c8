//! The pages, for a person with a browser. Forms come in, pages go out; what they do is the store's acts.

pub mod calendar;
pub mod contacts;
pub mod filters;
pub mod form_errors;
pub mod login;
pub mod page;
pub mod pager;
pub mod path_id;
pub mod payments;
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
        .merge(payments_at("/cobros"))
        .merge(payments_at("/pagos"))
}

/// The two books have the same pages.
fn payments_at(book: &str) -> Router<App> {
    let at = |path: &str| format!("{book}{path}");
    Router::new()
        .route(book, get(payments::list::list))
        .route(&at("/nuevo"), get(payments::new::ask).post(payments::new::submit))
        .route(&at("/{id}"), get(payments::show::show))
        .route(&at("/{id}/recibo.pdf"), get(payments::pdf::receipt))
        .route(&at("/{id}/reenviar"), get(payments::show::ask_resend).post(payments::act::resend))
        .route(&at("/{id}/anular"), get(payments::show::ask_void).post(payments::act::void))
        .route(&at("/{id}/envios"), get(payments::show::sends))
        .route(&at("/{id}/envios/{envio}/corregir"), post(payments::act::correct))
        .route(&at("/{id}/envios/{envio}/reintentar"), post(payments::act::retry))
        .route(&at("/{id}/envios/{envio}/anular"), post(payments::act::cancel))
}
