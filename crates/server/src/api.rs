//! API v1: JSON in, one act, JSON out.

pub mod addresses;
pub mod body;
mod bounded;
mod by_name;
pub mod codes;
pub mod company;
pub mod contacts;
pub mod deliveries;
pub mod documents;
pub mod etag;
pub mod fields;
pub mod health;
pub mod ids;
pub mod language;
pub mod mail_accounts;
pub mod mail_check;
pub mod mail_discovery;
pub mod mail_domain;
pub mod mail_routes;
pub mod openapi;
pub mod pages;
pub mod patch;
pub mod payments;
pub mod warnings;

mod json;
mod otherwise;
mod parameters;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{any, get};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::docs;

/// Every call, with the handler that answers it. Paths and methods stand at the handlers, where the documentation is made.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(company::show, company::change))
        .routes(routes!(contacts::list, contacts::create))
        .routes(routes!(contacts::show, contacts::change))
        .routes(routes!(documents::list, documents::create))
        .routes(routes!(documents::show))
        .routes(routes!(payments::list, payments::record))
        .routes(routes!(payments::show))
        .routes(routes!(payments::void))
        .routes(routes!(payments::receipt))
        .routes(routes!(payments::deliveries, payments::send))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::show))
        .routes(routes!(deliveries::retry))
        .routes(routes!(deliveries::cancel))
        .routes(routes!(deliveries::resolve))
        .routes(routes!(mail_accounts::list, mail_accounts::create))
        .routes(routes!(mail_accounts::show, mail_accounts::change, mail_accounts::delete))
        .routes(routes!(mail_check::unsaved))
        .routes(routes!(mail_discovery::discover))
        .routes(routes!(mail_check::saved))
        .routes(routes!(mail_domain::show))
        .routes(routes!(mail_domain::list_keys, mail_domain::make_key, mail_domain::delete_keys))
        .routes(routes!(mail_domain::check_key))
        .routes(routes!(mail_domain::stop_signing))
        .routes(routes!(mail_routes::list, mail_routes::change))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
}

/// What /openapi.json says.
#[must_use]
pub fn document() -> OpenApi {
    routes().into_openapi()
}

pub fn router() -> Router<App> {
    Router::from(routes())
        .route("/openapi.json", get(docs::openapi))
        .route("/docs", get(docs::page))
        .route("/api", any(otherwise::no_such_call))
        .route("/api/{*rest}", any(otherwise::no_such_call))
        .method_not_allowed_fallback(otherwise::not_by_this_method)
        .layer(from_fn(parameters::refuse_unknown))
        .layer(CatchPanicLayer::custom(otherwise::panicked))
        .layer(from_fn(language::answer_in_their_language))
}
