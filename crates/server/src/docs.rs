//! /openapi.json, and /docs: the same read by people, without a script or a request elsewhere.

mod view;

use std::sync::LazyLock;

use askama::Template;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;

use crate::api;
use crate::problem::Problem;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(api::document()).unwrap_or_default());
/// Written once: writing it takes milliseconds, and anybody may ask.
static WRITTEN: LazyLock<Bytes> = LazyLock::new(|| DOCUMENT.to_string().into());
static PAGE: LazyLock<Option<String>> = LazyLock::new(|| view::Docs::of(&DOCUMENT).render().ok());

pub async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], WRITTEN.clone()).into_response()
}

pub async fn page() -> Response {
    match &*PAGE {
        Some(page) => Html(page.as_str()).into_response(),
        None => Problem::internal().into_response(),
    }
}
