//! Pages that say that something cannot be done now, and what to do instead.

use acuse_store::StoreError;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// The role does not allow it.
#[must_use]
pub fn not_allowed() -> Response {
    (StatusCode::FORBIDDEN, "Su usuario no tiene permiso para esto.").into_response()
}

/// Another site sent the form.
#[must_use]
pub fn foreign_form() -> Response {
    (StatusCode::FORBIDDEN, "El formulario vino de otro sitio. Vuelva a Acuse y envíelo desde allí.").into_response()
}

#[must_use]
pub fn store_failed(error: &StoreError) -> Response {
    tracing::error!("The store failed: {error}");
    (StatusCode::SERVICE_UNAVAILABLE, "La base de datos no responde; no se guardó nada. Intente de nuevo en un momento.")
        .into_response()
}
