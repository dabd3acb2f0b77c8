//! What a status means, and the names of the languages.

use acuse_domain::message::Language;
use axum::http::StatusCode;

pub(super) const fn tag(language: Language) -> &'static str {
    match language {
        Language::Spanish => "es",
        Language::English => "en",
    }
}

/// What a status means, in a few words.
pub(super) fn title(status: StatusCode, language: Language) -> &'static str {
    if language == Language::English {
        return status.canonical_reason().unwrap_or("Error");
    }
    match status.as_u16() {
        400 => "Solicitud ilegible",
        401 => "Sin autorización",
        403 => "No permitido",
        404 => "No existe",
        405 => "Método no permitido",
        409 => "No es posible ahora",
        412 => "Ya no es el mismo",
        413 => "Solicitud demasiado grande",
        415 => "Tipo de contenido no admitido",
        422 => "Datos no válidos",
        429 => "Demasiadas a la vez",
        503 => "Servicio no disponible",
        _ => "Error",
    }
}
