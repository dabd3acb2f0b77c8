//! Whether the process is alive, and whether it can do its work.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::openapi::BadAddress;
use crate::app::App;
use acuse_store::db::NotReady;

/// How the process is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`, or `unavailable`.
    status: &'static str,
    /// Whether the database answers; only asked by /readyz.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    database: Option<&'static str>,
    /// `ok` or `stopped`, where this process delivers; only asked by /readyz.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    workers: Option<&'static str>,
    /// Why it is unavailable.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// The process is alive.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, body = Health), BadAddress))]
pub async fn alive() -> Json<Health> {
    Json(Health { status: "ok", database: None, workers: None, reason: None })
}

/// The process can do its work: its database answers, is whole, of this version and can be written, and its workers live.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, body = Health), (status = 503, body = Health), BadAddress))]
pub async fn ready(State(app): State<App>) -> Response {
    let workers = app.db.has_workers();
    let Err(why) = app.db.readiness().await else {
        let workers = workers.then_some("ok");
        return Json(Health { status: "ok", database: Some("ok"), workers, reason: None }).into_response();
    };
    tracing::warn!("Not ready: {why}");
    let (database, workers) = match why {
        NotReady::WorkersStopped => ("ok", Some("stopped")),
        _ => (why.code(), workers.then_some("ok")),
    };
    let health = Health { status: "unavailable", database: Some(database), workers, reason: Some(why.to_string()) };
    (StatusCode::SERVICE_UNAVAILABLE, Json(health)).into_response()
}
