//! The pages, for a person with a browser. Forms come in, pages go out; what they do is the store's acts.

pub mod calendar;
pub mod carried;
pub mod company;
pub mod conflict;
pub mod contacts;
pub mod deliveries;
pub mod documents;
pub mod filters;
pub mod form_errors;
pub mod home;
pub mod login;
pub mod mail_accounts;
pub mod mailbox;
pub mod once;
pub mod page;
pub mod pager;
pub mod path_id;
pub mod payments;
pub mod slips;
pub mod sort;
pub mod state_mark;
pub mod trail;
pub mod trouble;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::app::App;
use mail_accounts::connect;

/// An address, a password, a path to go back to, and the form that waits for the login (bytes).
const LARGEST_FORM_OF_STRANGERS: usize = 16 * 1024 + carried::LARGEST_ENCODED;

pub fn router() -> Router<App> {
    Router::new()
        .merge(for_everybody())
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
        .route("/demo/buzon", get(mailbox::list).post(mailbox::empty))
        .route("/demo/buzon/{id}", get(mailbox::open))
        .route("/demo/buzon/{id}/html", get(mailbox::html))
        .route("/demo/buzon/{id}/adjuntos/{place}", get(mailbox::attachment))
        .route("/demo/buzon/{id}/original", get(mailbox::original))
        .route("/mi-compania", get(mail_accounts::start))
        .route("/mi-compania/correos", get(mail_accounts::list).post(mail_accounts::create))
        .route("/mi-compania/correos/nueva", get(mail_accounts::new))
        .route("/mi-compania/correos/conectar/{provider}", post(connect::start))
        .route("/mi-compania/correos/oauth/{provider}", get(connect::back))
        .route("/mi-compania/correos/oauth/{provider}/confirmar", post(connect::confirm))
        .route("/mi-compania/correos/{id}/conectar", post(connect::again))
        .route("/mi-compania/correos/{id}", get(mail_accounts::edit).post(mail_accounts::change))
        .route("/mi-compania/correos/{id}/probar", get(mail_accounts::back_to_form).post(mail_accounts::try_saved))
        .route("/mi-compania/correos/si-falla", get(mail_accounts::start).post(mail_accounts::policy::change))
        .route("/mi-compania/correos/{id}/predeterminado", post(mail_accounts::policy::send_waiting))
        .route("/mi-compania/correos/{id}/desactivar", post(mail_accounts::disable))
        .route("/mi-compania/correos/{id}/activar", post(mail_accounts::enable))
        .route("/mi-compania/correos/{id}/eliminar", get(mail_accounts::ask_delete).post(mail_accounts::delete))
        .route("/mi-compania/correos/{id}/dominio", get(mail_accounts::domain::show).post(mail_accounts::domain::act))
        .route("/mi-compania/correos/{id}/dominio/resumen", get(mail_accounts::domain::summary))
        .route("/mi-compania/datos", get(company::profile).post(company::change))
        .route("/mi-compania/logo", company::logo_routes())
        .route("/mi-compania/logo/quitar", post(company::remove_logo))
        .merge(payments_at("/cobros"))
        .merge(payments_at("/pagos"))
}

/// What needs no login, and takes no more than it needs.
fn for_everybody() -> Router<App> {
    Router::new()
        .route("/entrar", get(login::ask).post(login::log_in))
        .route("/salir", post(login::log_out))
        .route("/tema", post(login::choose_theme))
        .layer(DefaultBodyLimit::max(LARGEST_FORM_OF_STRANGERS))
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
        .route(&at("/{id}/envios/{envio}/resolver"), post(payments::act::resolve))
}
