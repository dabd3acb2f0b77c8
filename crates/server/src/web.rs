//! The pages, for a person with a browser. Forms come in, pages go out; what they do is the store's acts.

pub mod calendar;
pub mod contacts;
pub mod deliveries;
pub mod documents;
pub mod filters;
pub mod form_errors;
pub mod home;
pub mod login;
pub mod mailbox;
pub mod page;
pub mod pager;
pub mod path_id;
pub mod state_mark;
pub mod trail;
pub mod trouble;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

pub fn router() -> Router<App> {
    Router::new()
        .route("/entrar", get(login::ask).post(login::log_in))
        .route("/salir", post(login::log_out))
        .route("/tema", post(login::choose_theme))
        .route("/", get(home::show))
        .route("/personas", get(contacts::list::list))
        .route("/personas/buscar", get(contacts::search::suggest))
        .route("/personas/nueva", get(contacts::save::ask_new).post(contacts::save::create))
        .route("/personas/{id}", get(contacts::show::show))
        .route("/personas/{id}/modificar", get(contacts::save::ask_change).post(contacts::save::change))
        .route("/documentos", get(documents::list::list))
        .route("/documentos/nuevo", get(documents::new::ask).post(documents::new::create))
        .route("/documentos/{id}", get(documents::show::show))
        .route("/envios", get(deliveries::list).post(deliveries::act))
        .route("/demo/buzon", get(mailbox::list))
        .route("/demo/buzon/{id}", get(mailbox::open))
        .route("/demo/buzon/{id}/html", get(mailbox::html))
        .route("/demo/buzon/{id}/adjuntos/{place}", get(mailbox::attachment))
        .route("/demo/buzon/{id}/original", get(mailbox::original))
}
