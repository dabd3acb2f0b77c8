//! What is answered where no handler is.

use acuse_domain::message::messages;
use std::any::Any;

use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

pub(super) async fn no_such_call(uri: Uri) -> Problem {
    Problem::not_found(messages::route_not_found(uri.path()))
}

pub(super) async fn not_by_this_method(method: Method) -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, messages::method_not_allowed(method.as_str()))
}

/// A panic has been written to standard error with its place; the caller learns no more than that it was our fault.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("A request panicked; the panic stands on standard error.");
    Problem::internal().into_response()
}
