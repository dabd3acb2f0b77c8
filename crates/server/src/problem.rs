//! The one place where errors become `application/problem+json` (RFC 9457), in Spanish or English.

mod english;
mod refusals;
mod words;

pub use words::{LocalizedText, sentence};

use acuse_mail::explanation::Language;
use acuse_store::StoreError;
use acuse_store::concurrency_limit::NotDone;
use axum::http::header::{CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// Seconds after which every check that runs now has ended.
const CHECKS_END_AFTER: HeaderValue = HeaderValue::from_static("20");
/// Seconds after which a database that did not answer is worth another try.
const TRY_AGAIN_AFTER: HeaderValue = HeaderValue::from_static("5");
/// What nobody mends by trying again.
const DATABASE_DAMAGED: &str = "database_damaged";

/// What a caller is told. `code` is stable; the words are for people.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: LocalizedText,
    errors: Vec<FieldProblem>,
}

/// What is wrong with one field.
#[derive(Debug, Clone)]
pub struct FieldProblem {
    /// As the request writes it: `lines.0.amount`.
    pub field: String,
    pub code: &'static str,
    pub message: LocalizedText,
}

impl FieldProblem {
    #[must_use]
    pub fn new(field: impl Into<String>, code: &'static str, message: LocalizedText) -> Self {
        Self { field: field.into(), code, message }
    }
}

impl Problem {
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: LocalizedText) -> Self {
        Self { status, code, detail, errors: Vec::new() }
    }

    /// 422 with every field that is wrong. Its code is that of the first, since what follows is often its consequence.
    #[must_use]
    pub fn of_fields(errors: Vec<FieldProblem>) -> Self {
        let (code, detail) = match errors.first() {
            Some(first) => (first.code, first.message.clone()),
            None => ("invalid_request", LocalizedText::new("Hay datos que corregir.", "Some fields have to be corrected.")),
        };
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, code, detail, errors }
    }

    /// 422 about one field.
    #[must_use]
    pub fn of_field(field: impl Into<String>, code: &'static str, message: LocalizedText) -> Self {
        Self::of_fields(vec![FieldProblem::new(field, code, message)])
    }

    /// What was asked for was read, and is refused for what it says.
    pub(crate) fn is_of_fields(&self) -> bool {
        self.status == StatusCode::UNPROCESSABLE_ENTITY
    }

    #[must_use]
    pub fn not_found(code: &'static str, es: &str, en: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, LocalizedText::new(es, en))
    }

    #[must_use]
    pub fn token_missing() -> Self {
        let detail = LocalizedText::new("Falta «Authorization: Bearer acu_…».", "«Authorization: Bearer acu_…» is missing.");
        Self::new(StatusCode::UNAUTHORIZED, "token_missing", detail)
    }

    #[must_use]
    pub fn token_unknown() -> Self {
        let detail = LocalizedText::new("El token no existe o fue revocado.", "There is no such token, or it was revoked.");
        Self::new(StatusCode::UNAUTHORIZED, "token_unknown", detail)
    }

    #[must_use]
    pub fn too_many_checks() -> Self {
        let detail = LocalizedText::new(
            "Ya se están probando varias cuentas de su compañía. Espere a que terminen, 20 segundos como máximo.",
            "Several accounts of your company are being tried already. Wait until they end, 20 seconds at most.",
        );
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_checks", detail)
    }

    /// What takes a core or much memory is bounded, and the bound is reached.
    #[must_use]
    pub fn overloaded() -> Self {
        let detail = LocalizedText::new(
            "Hay demasiado trabajo en este momento; no se hizo nada. Intente de nuevo en unos segundos.",
            "Too much is under way at the moment; nothing was done. Try again in a few seconds.",
        );
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail)
    }

    /// What the address asks for: too long, or with what nobody types.
    #[must_use]
    pub fn unreadable_address(parameter: &str) -> Self {
        let said = LocalizedText::new(
            "Es demasiado largo, o tiene caracteres que no son texto.",
            "It is too long, or has characters that are no text.",
        );
        Self::of_field(parameter, "parameter_invalid", said)
    }

    /// Whatever was refused before a call of ours had its say, by the status that it was refused with.
    #[must_use]
    pub fn refused_with(status: StatusCode) -> Self {
        let said = if status.is_client_error() {
            LocalizedText::new("No se entendió la solicitud; vea /docs.", "The request was not understood; see /docs.")
        } else {
            LocalizedText::new("Algo falló en el servidor.", "Something failed in the server.")
        };
        Self::new(status, if status.is_client_error() { "invalid_request" } else { "internal_error" }, said)
    }

    /// Something that should not happen; what it was stands in the log.
    #[must_use]
    pub fn internal() -> Self {
        let detail = LocalizedText::new(
            "Algo falló en el servidor; no se registró nada.",
            "Something failed in the server; nothing was recorded.",
        );
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail)
    }

    /// The answer in the reader's language.
    #[must_use]
    pub fn answer(&self, language: Language) -> Response {
        let body = serde_json::to_vec(&Body::of(self, language)).unwrap_or_default();
        let mut response = (self.status, [(CONTENT_TYPE, "application/problem+json")], body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(words::tag(language)));
        if self.status == StatusCode::SERVICE_UNAVAILABLE && self.code != DATABASE_DAMAGED {
            headers.insert(RETRY_AFTER, TRY_AGAIN_AFTER);
        }
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(RETRY_AFTER, CHECKS_END_AFTER);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Overloaded) {
            return Self::overloaded();
        }
        tracing::error!("The store failed: {error}");
        if let StoreError::Unreadable(_) = error {
            return Self::new(StatusCode::CONFLICT, "record_unreadable", record_unreadable());
        }
        if error.is_of_damage() {
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, DATABASE_DAMAGED, database_damaged());
        }
        let StoreError::Unavailable(_) = error else { return Self::internal() };
        let detail = LocalizedText::new(
            "La base de datos no responde; no se registró nada. Intente de nuevo en un momento.",
            "The database does not answer; nothing was recorded. Try again in a moment.",
        );
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable", detail)
    }
}

fn database_damaged() -> LocalizedText {
    LocalizedText::new(
        "La base de datos está dañada; no se registró nada. Esperar no lo arregla: avise a quien cuida el servidor.",
        "The database is damaged; nothing was recorded. Waiting does not mend it: tell who looks after the server.",
    )
}

fn record_unreadable() -> LocalizedText {
    LocalizedText::new(
        "Lo guardado de este registro no se puede leer. Los demás no cambian; avise a quien cuida el servidor, que lo verá en su registro.",
        "What is kept of this record cannot be read. The others are as they were; tell who looks after the server, whose log names it.",
    )
}

impl From<NotDone> for Problem {
    fn from(why: NotDone) -> Self {
        StoreError::from(why).into()
    }
}

/// In Spanish; the API's outermost layer, which knows what the caller reads, may say it again in English.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.answer(Language::Spanish);
        response.extensions_mut().insert(self);
        response
    }
}

/// An error as RFC 9457 writes it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "about:blank", "title": "Datos no válidos", "status": 422, "code": "allocation_exceeds_balance",
    "detail": "El abono a 001-001-000000123 supera su saldo: quedan 120,00.",
    "errors": [{ "field": "allocations.0.amount", "code": "allocation_exceeds_balance",
        "message": "El abono a 001-001-000000123 supera su saldo: quedan 120,00." }]
}))]
pub struct Body<'a> {
    /// `about:blank`: `code` says which error it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    status: u16,
    /// For people; Spanish, or English by Accept-Language.
    detail: &'a str,
    /// Stable, for programs.
    code: &'static str,
    /// What is wrong with which field; empty where no field is.
    errors: Vec<FieldBody<'a>>,
}

/// What is wrong with one field of the request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldProblem)]
struct FieldBody<'a> {
    /// Its place in the request: `lines.0.amount`.
    field: &'a str,
    /// Stable, for programs.
    code: &'static str,
    message: &'a str,
}

impl<'a> Body<'a> {
    fn of(problem: &'a Problem, language: Language) -> Self {
        let field =
            |error: &'a FieldProblem| FieldBody { field: &error.field, code: error.code, message: error.message.in_(language) };
        Self {
            kind: "about:blank",
            title: words::title(problem.status, language),
            status: problem.status.as_u16(),
            detail: problem.detail.in_(language),
            code: problem.code,
            errors: problem.errors.iter().map(field).collect(),
        }
    }
}
