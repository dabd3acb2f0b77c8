//! The table of contents: every path, and the handler that answers it. Who may ask stands beside each path (web.rs, api.rs).

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;

use crate::access::refuse_foreign_forms;
use crate::app::App;
use crate::compression::compressed;
use crate::own_words::answer_in_our_words;
use crate::security::{only_by_https, security_headers};
use crate::{api, assets, metrics, web};

/// A request larger than this is refused before it is read: 500 allocations take 50 KB.
const LARGEST_BODY: usize = 1024 * 1024;

/// For a process that only delivers: how it is, and nothing else.
pub fn operations(app: App) -> Router {
    let all = Router::new()
        .route("/healthz", get(api::health::alive))
        .route("/readyz", get(api::health::ready))
        .route("/metrics", get(metrics::show))
        .layer(from_fn(metrics::measure));
    security_headers(all).with_state(app)
}

/// Pages, API and assets.
pub fn router(app: App) -> Router {
    let all = Router::new()
        .merge(api::router(&app))
        .merge(web::router(&app))
        .merge(assets::router())
        .route("/metrics", get(metrics::show))
        .fallback(web::trouble::unknown_path)
        .layer(from_fn_with_state(app.clone(), web::carried::over_login))
        .layer(from_fn(refuse_foreign_forms))
        .layer(from_fn(answer_in_our_words))
        .layer(from_fn(metrics::measure))
        .layer(DefaultBodyLimit::max(LARGEST_BODY));
    let all = security_headers(compressed(all));
    let all = if app.is_https() { only_by_https(all) } else { all };
    all.with_state(app)
}
