//! /openapi.json, and /docs: the same read by people, without a script or a request elsewhere.

mod view;

use std::sync::LazyLock;

use askama::Template;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;

use crate::api;
use crate::problem::Problem;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(api::document()).unwrap_or_default());
static PAGE: LazyLock<Option<String>> = LazyLock::new(|| view::Docs::of(&DOCUMENT).render().ok());

pub async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.to_string()).into_response()
}

pub async fn page() -> Response {
    match &*PAGE {
        Some(page) => Html(page.as_str()).into_response(),
        None => Problem::internal().into_response(),
    }
}
