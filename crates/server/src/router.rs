//! The table of contents: every path, and the handler that answers it. Permissions stand in the handlers' signatures.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::{Extension, Router};

use crate::access::refuse_foreign_forms;
use crate::app::App;
use crate::login_guard::LoginGuard;
use crate::security::security_headers;
use crate::{api, assets, web};

/// A request larger than this is refused before it is read: 500 allocations take 50 KB.
const LARGEST_BODY: usize = 1024 * 1024;

/// Pages, API and assets.
pub fn router(app: App) -> Router {
    let all = Router::new()
        .merge(api::router())
        .merge(web::router())
        .merge(assets::router())
        .fallback(web::trouble::unknown_path)
        .layer(Extension(Arc::new(LoginGuard::default())))
        .layer(from_fn(refuse_foreign_forms))
        .layer(DefaultBodyLimit::max(LARGEST_BODY));
    security_headers(all).with_state(app)
}
