//! Pages before the login that say one thing, and what to do.

use askama::Template;
use axum::http::header::REFERRER_POLICY;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use crate::web::page::{Theme, with_status};

#[derive(Template)]
#[template(path = "door/said.html")]
struct SaidPage {
    theme: Theme,
    title: String,
    words: String,
    next: (&'static str, String),
}

/// One sentence, and where to go on.
pub fn said(
    theme: Theme,
    status: StatusCode,
    title: impl Into<String>,
    words: impl Into<String>,
    next: (&'static str, &str),
) -> Response {
    let next = (next.0, next.1.to_owned());
    private(with_status(status, &SaidPage { theme, title: title.into(), words: words.into(), next }))
}

/// Whose address is a secret: no other site learns it from a link.
pub fn private(mut response: Response) -> Response {
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
