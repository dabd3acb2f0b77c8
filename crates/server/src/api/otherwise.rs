//! What is answered where no handler is.

use std::any::Any;

use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::problem::{LocalizedText, Problem};

pub(super) async fn no_such_call(uri: Uri) -> Problem {
    let path = uri.path();
    let said =
        LocalizedText::new(format!("La API no tiene «{path}»; vea /docs."), format!("The API has no «{path}»; see /docs."));
    Problem::new(StatusCode::NOT_FOUND, "route_not_found", said)
}

pub(super) async fn not_by_this_method(method: Method) -> Problem {
    let said = LocalizedText::new(
        format!("Aquí no se puede {method}; vea /docs."),
        format!("{method} is not possible here; see /docs."),
    );
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", said)
}

/// A panic has been written to standard error with its place; the caller learns no more than that it was our fault.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("A request panicked; the panic stands on standard error.");
    Problem::internal().into_response()
}
