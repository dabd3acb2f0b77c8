//! API v1: JSON in, one act, JSON out.

use axum::Router;

use crate::app::App;

pub fn router() -> Router<App> {
    Router::new()
}
