//! The one place where errors become `application/problem+json` (RFC 9457), in Spanish or English.

mod refusals;
mod words;

use acuse_domain::access::Scope;
use acuse_domain::input::Errors;
use acuse_domain::message::{Language, Message, messages};
use acuse_store::StoreError;
use acuse_store::concurrency_limit::NotDone;
use axum::http::header::{CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// Seconds after which every check that runs now has ended.
const CHECKS_END_AFTER: u64 = 20;
/// Seconds after which a database that did not answer is worth another try.
const TRY_AGAIN_AFTER: HeaderValue = HeaderValue::from_static("5");

/// What a caller is told. `code` is stable; the words are for people.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    detail: Message,
    errors: Vec<FieldProblem>,
    /// That a token lacks.
    scope: Option<Scope>,
    /// Seconds after which the same is worth another try.
    retry_after: Option<u64>,
}

/// What is wrong with one field.
#[derive(Debug, Clone)]
pub struct FieldProblem {
    /// As the request writes it: `lines.0.amount`.
    pub field: String,
    pub message: Message,
}

impl Problem {
    #[must_use]
    pub fn new(status: StatusCode, detail: Message) -> Self {
        Self { status, detail, errors: Vec::new(), scope: None, retry_after: None }
    }

    /// 422 with every field that is wrong. Its code is that of the first, since what follows is often its consequence.
    #[must_use]
    pub fn of_fields(errors: Vec<FieldProblem>) -> Self {
        let detail = errors.first().map_or_else(messages::fields_to_correct, |first| first.message.clone());
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    /// 422 with everything that is wrong with an input; `name` is what the request calls a field.
    #[must_use]
    pub fn of_input<F>(errors: Errors<F>, name: impl Fn(&F) -> String) -> Self {
        Self::of_fields(errors.into_iter().map(|(field, message)| FieldProblem { field: name(&field), message }).collect())
    }

    /// 422 about one field.
    #[must_use]
    pub fn of_field(field: impl Into<String>, message: Message) -> Self {
        Self::of_fields(vec![FieldProblem { field: field.into(), message }])
    }

    /// What was asked for was read, and is refused for what it says.
    pub(crate) fn is_of_fields(&self) -> bool {
        self.status == StatusCode::UNPROCESSABLE_ENTITY
    }

    #[must_use]
    pub fn not_found(detail: Message) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    #[must_use]
    pub fn conflict(detail: Message) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    #[must_use]
    pub fn too_many_checks() -> Self {
        Self { retry_after: Some(CHECKS_END_AFTER), ..Self::new(StatusCode::TOO_MANY_REQUESTS, messages::too_many_checks()) }
    }

    /// Calls beyond a quota, of which one is let through again after so many seconds.
    #[must_use]
    pub fn too_many_requests(seconds: u64) -> Self {
        let detail = messages::too_many_requests(seconds.to_string());
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// A token that was made for something else.
    #[must_use]
    pub fn lacks_scope(scope: Scope) -> Self {
        Self { scope: Some(scope), ..Self::new(StatusCode::FORBIDDEN, messages::scope_missing(scope.as_str())) }
    }

    /// Whatever was refused before a call of ours had its say, by the status that it was refused with.
    #[must_use]
    pub fn refused_with(status: StatusCode) -> Self {
        Self::new(status, if status.is_client_error() { messages::invalid_request() } else { messages::server_failed() })
    }

    /// Something that should not happen; what it was stands in the log.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, messages::internal_error())
    }

    /// The answer in the reader's language.
    #[must_use]
    pub fn answer(&self, language: Language) -> Response {
        let body = serde_json::to_vec(&Body::of(self, language)).unwrap_or_default();
        let mut response = (self.status, [(CONTENT_TYPE, "application/problem+json")], body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(words::tag(language)));
        if self.status == StatusCode::SERVICE_UNAVAILABLE && self.detail != messages::database_damaged() {
            headers.insert(RETRY_AFTER, TRY_AGAIN_AFTER);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(challenge) = self.scope.and_then(insufficient_scope) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// RFC 6750 3.1.
fn insufficient_scope(scope: Scope) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("Bearer error=\"insufficient_scope\", scope=\"{}\"", scope.as_str())).ok()
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let unavailable = |detail| Self::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        if matches!(error, StoreError::Overloaded) {
            return unavailable(messages::overloaded());
        }
        tracing::error!("The store failed: {error}");
        match error {
            StoreError::Unreadable(_) => Self::conflict(messages::record_unreadable()),
            // Trying again mends nothing.
            error if error.is_of_damage() => unavailable(messages::database_damaged()),
            StoreError::Unavailable(_) => unavailable(messages::database_unavailable()),
            _ => Self::internal(),
        }
    }
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
    detail: String,
    /// Stable, for programs.
    code: &'static str,
    /// What is wrong with which field; empty where no field is.
    errors: Vec<FieldBody<'a>>,
    /// That the token lacks: with `scope_missing` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    scope: Option<&'static str>,
}

/// What is wrong with one field of the request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldProblem)]
struct FieldBody<'a> {
    /// Its place in the request: `lines.0.amount`.
    field: &'a str,
    /// Stable, for programs.
    code: &'static str,
    message: String,
}

impl<'a> Body<'a> {
    fn of(problem: &'a Problem, language: Language) -> Self {
        let field = |error: &'a FieldProblem| FieldBody {
            field: &error.field,
            code: error.message.code(),
            message: error.message.in_(language),
        };
        Self {
            kind: "about:blank",
            title: words::title(problem.status, language),
            status: problem.status.as_u16(),
            detail: problem.detail.in_(language),
            code: problem.detail.code(),
            errors: problem.errors.iter().map(field).collect(),
            scope: problem.scope.map(Scope::as_str),
        }
    }
}
