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
pub mod token;
pub mod warnings;

mod json;
mod otherwise;
mod parameters;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{any, get};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::{OpenApi, PathItem};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use crate::app::App;
use crate::docs;
use crate::route::Access::{self, AnyToken, Everybody, Holders};
use acuse_domain::access::Permission::{
    ConfigureCompany, KeepContacts, KeepDocuments, RecordPayments, SendReceipts, ViewRecords, VoidPayments,
};

/// Every call, and who may ask for it. Paths and methods stand at the handlers, where the documentation is made.
fn calls() -> [(Access, UtoipaMethodRouter<App>); 41] {
    [
        (Holders(ViewRecords), routes!(company::show)),
        (Holders(ConfigureCompany), routes!(company::change)),
        (Holders(ViewRecords), routes!(contacts::list)),
        (Holders(KeepContacts), routes!(contacts::create)),
        (Holders(ViewRecords), routes!(contacts::show)),
        (Holders(KeepContacts), routes!(contacts::change)),
        (Holders(ViewRecords), routes!(documents::list)),
        (Holders(KeepDocuments), routes!(documents::create)),
        (Holders(ViewRecords), routes!(documents::show)),
        (Holders(ViewRecords), routes!(payments::list)),
        (Holders(RecordPayments), routes!(payments::record)),
        (Holders(ViewRecords), routes!(payments::show)),
        (Holders(VoidPayments), routes!(payments::void)),
        (Holders(ViewRecords), routes!(payments::receipt)),
        (Holders(ViewRecords), routes!(payments::deliveries)),
        (Holders(SendReceipts), routes!(payments::send)),
        (Holders(ViewRecords), routes!(deliveries::list)),
        (Holders(ViewRecords), routes!(deliveries::show)),
        (Holders(SendReceipts), routes!(deliveries::retry)),
        (Holders(SendReceipts), routes!(deliveries::cancel)),
        (Holders(SendReceipts), routes!(deliveries::resolve)),
        (Holders(ViewRecords), routes!(mail_accounts::list)),
        (Holders(ConfigureCompany), routes!(mail_accounts::create)),
        (Holders(ViewRecords), routes!(mail_accounts::show)),
        (Holders(ConfigureCompany), routes!(mail_accounts::change)),
        (Holders(ConfigureCompany), routes!(mail_accounts::delete)),
        (Holders(ConfigureCompany), routes!(mail_check::unsaved)),
        (Holders(ConfigureCompany), routes!(mail_discovery::discover)),
        (Holders(ConfigureCompany), routes!(mail_check::saved)),
        (Holders(ViewRecords), routes!(mail_domain::show)),
        (Holders(ViewRecords), routes!(mail_domain::list_keys)),
        (Holders(ConfigureCompany), routes!(mail_domain::make_key)),
        (Holders(ConfigureCompany), routes!(mail_domain::delete_keys)),
        (Holders(ConfigureCompany), routes!(mail_domain::check_key)),
        (Holders(ConfigureCompany), routes!(mail_domain::stop_signing)),
        (Holders(ViewRecords), routes!(mail_routes::list)),
        (Holders(ConfigureCompany), routes!(mail_routes::change)),
        (AnyToken, routes!(token::show)),
        (AnyToken, routes!(token::revoke)),
        (Everybody, routes!(health::alive)),
        (Everybody, routes!(health::ready)),
    ]
}

/// What /openapi.json says.
#[must_use]
pub fn document() -> OpenApi {
    let add = |all: OpenApiRouter<App>, (access, (schemas, mut paths, handler)): (Access, UtoipaMethodRouter<App>)| {
        paths.paths.values_mut().for_each(|path| openapi::complete(path, access));
        all.routes((schemas, paths, handler))
    };
    calls().into_iter().fold(OpenApiRouter::with_openapi(openapi::head()), add).into_openapi()
}

/// Who may ask for a call, by its path and method.
pub fn access() -> impl Iterator<Item = (String, PathItem, Access)> {
    calls().into_iter().flat_map(|(access, (_, paths, _))| paths.paths.into_iter().map(move |(path, call)| (path, call, access)))
}

pub fn router(app: &App) -> Router<App> {
    let add = |all: OpenApiRouter<App>, (access, (schemas, paths, handler)): (Access, UtoipaMethodRouter<App>)| {
        all.routes((schemas, paths, access.guard(app, handler)))
    };
    Router::from(calls().into_iter().fold(OpenApiRouter::new(), add))
        .route("/openapi.json", get(docs::openapi))
        .route("/docs", get(docs::page))
        .route("/api", any(otherwise::no_such_call))
        .route("/api/{*rest}", any(otherwise::no_such_call))
        .method_not_allowed_fallback(otherwise::not_by_this_method)
        .layer(from_fn(parameters::refuse_unknown))
        .layer(CatchPanicLayer::custom(otherwise::panicked))
        .layer(from_fn(language::answer_in_their_language))
}
