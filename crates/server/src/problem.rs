//! The one place where errors become `application/problem+json` (RFC 9457), in Spanish or English.

use acuse_store::StoreError;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// What a caller is told. `code` is stable; `detail` is for people.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: String,
    status: u16,
    detail: String,
    code: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
}

#[derive(Debug, Clone, Serialize)]
pub struct FieldProblem {
    pub field: String,
    pub code: String,
    pub message: String,
}

impl Problem {
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or_default().to_string();
        Self { kind: "about:blank", title, status: status.as_u16(), detail: detail.into(), code, errors: Vec::new() }
    }

    #[must_use]
    pub fn token_missing() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "token_missing", "Falta «Authorization: Bearer acu_…».")
    }

    #[must_use]
    pub fn token_unknown() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "token_unknown", "El token no existe o fue revocado.")
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!("The store failed: {error}");
        match error {
            StoreError::Unavailable(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "database_unavailable",
                "La base de datos no responde; no se registró nada. Intente de nuevo en un momento.",
            ),
            _ => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "Algo falló en el servidor; no se registró nada.")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        (status, [(CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}
