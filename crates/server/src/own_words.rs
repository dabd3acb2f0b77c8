//! No answer speaks in the framework's words, and no address reaches a handler that could not be looked for.
//!
//! One place for all routes, also for those that are added later: tests/it/every_route.rs walks them.

use acuse_domain::message::messages;
use std::borrow::Cow;

use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::header::{ALLOW, CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;
use percent_encoding::percent_decode_str;

use crate::api::body::is_packed;
use crate::api::language::preferred;
use crate::problem::Problem;
use crate::web::trouble;

/// Bytes of what is searched for: the longest name has 300 letters, and SQLite refuses patterns of 50,000.
const LONGEST_SEARCH: usize = 2_000;
/// Bytes of any other parameter. A provider's authorization code is the longest that we ask for.
const LONGEST_PARAMETER: usize = 8_192;

/// Beside what is below /api/.
const PROGRAMS_PATHS: [&str; 5] = ["/api", "/healthz", "/readyz", "/metrics", "/openapi.json"];

/// Bytes of any body. The routes say less; this is known before a byte of it is read.
const LARGEST_BODY_ANNOUNCED: u64 = 1024 * 1024 * 1024;

/// Refuses an address that no person and no page of ours wrote, and puts our words in place of the framework's.
pub async fn answer_in_our_words(request: Request, next: Next) -> Response {
    let body = request.body().size_hint();
    let mut response = answer(request, next, body.lower()).await;
    // The rest of its body may not have been read, and another request must not come on that connection.
    let is_left_unread = matches!(response.status(), StatusCode::PAYLOAD_TOO_LARGE | StatusCode::SERVICE_UNAVAILABLE);
    if is_left_unread && body.exact() != Some(0) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn answer(request: Request, next: Next, body: u64) -> Response {
    let is_for_a_program = is_for_programs(request.uri());
    let language = preferred(request.headers());
    if let Some(parameter) = unreadable(request.uri()) {
        return if is_for_a_program {
            Problem::of_field(parameter, messages::parameter_invalid()).answer(language)
        } else {
            trouble::unreadable_address()
        };
    }
    let refused_with = |status| {
        if is_for_a_program { Problem::refused_with(status).answer(language) } else { trouble::refused_with(status) }
    };
    if body > LARGEST_BODY_ANNOUNCED {
        return refused_with(StatusCode::PAYLOAD_TOO_LARGE);
    }
    if !is_for_a_program && is_packed(request.headers()) {
        return refused_with(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let is_asset = request.uri().path().starts_with("/static/");
    let response = next.run(request).await;
    let status = response.status();
    let is_refused = status.is_client_error() || status.is_server_error();
    if !is_refused || is_asset || is_ours(response.headers()) {
        return response;
    }
    let allowed = response.headers().get(ALLOW).cloned();
    let mut ours = refused_with(status);
    if let Some(allowed) = allowed {
        ours.headers_mut().insert(ALLOW, allowed);
    }
    ours
}

/// Who asks there reads JSON, not a page.
fn is_for_programs(uri: &Uri) -> bool {
    uri.path().starts_with("/api/") || PROGRAMS_PATHS.contains(&uri.path())
}

/// Ours are pages and JSON; the framework answers in plain text, or with nothing.
fn is_ours(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    !kind.is_empty() && !kind.starts_with("text/plain")
}

/// The parameter that is too long, no UTF-8, or has a NUL, which PostgreSQL takes in no text.
fn unreadable(uri: &Uri) -> Option<String> {
    if !is_text(uri.path()) {
        return Some("path".to_owned());
    }
    let pairs = uri.query().unwrap_or_default().split('&');
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).find_map(|(name, value)| {
        let longest = if name == "q" { LONGEST_SEARCH } else { LONGEST_PARAMETER };
        let decoded: Cow<'_, [u8]> = percent_decode_str(value).into();
        let fits = decoded.len() <= longest && name.len() <= LONGEST_PARAMETER && is_text(name) && is_text(value);
        (!fits).then(|| percent_decode_str(name).decode_utf8_lossy().chars().filter(|c| !c.is_control()).take(80).collect())
    })
}

fn is_text(encoded: &str) -> bool {
    percent_decode_str(encoded).decode_utf8().is_ok_and(|text| !text.contains('\0'))
}
