//! The stylesheet, the script, the icons and the fonts, embedded from web/dist and served from this server alone.

use std::borrow::Cow;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

/// SHA-256 of everything in web/dist, shortened (build.rs).
const HASH: &str = env!("ACUSE_ASSETS");

/// A year, the longest that RFC 9111 caches are asked to honour; the address changes with the content.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// For an address with another build's hash: a page of a neighbour that is being upgraded.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[exclude = "fonts/AcuseSans-*"]
struct Dist;

/// Where a page finds an embedded file: `url("acuse.css")` → `/static/3f2a…/acuse.css`.
/// Names are those of web/dist; files that name each other relatively (the stylesheet its fonts) stay together.
#[must_use]
pub fn url(name: &str) -> String {
    format!("/static/{HASH}/{name}")
}

pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/static/{hash}/{*name}", get(serve)).route("/favicon.ico", get(icon))
}

/// Where browsers look for the icon of what is no page of ours, like a PDF in their viewer.
async fn icon() -> impl IntoResponse {
    ([(CACHE_CONTROL, ASK_AGAIN)], Redirect::temporary(&url("marca.svg")))
}

async fn serve(Path((hash, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some(content_type) = content_type(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let Some((body, encoding)) = best(&name, &headers) else { return StatusCode::NOT_FOUND.into_response() };
    let mut response = body.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, if hash == HASH { FOR_EVER } else { ASK_AGAIN });
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// The smallest form that the browser takes; the build made `.br` and `.gz` beside what shrinks.
fn best(name: &str, headers: &HeaderMap) -> Option<(Cow<'static, [u8]>, Option<&'static str>)> {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    for (coding, ending) in [("br", "br"), ("gzip", "gz")] {
        if accepts(accepted, coding)
            && let Some(file) = Dist::get(&format!("{name}.{ending}"))
        {
            return Some((file.data, Some(coding)));
        }
    }
    Dist::get(name).map(|file| (file.data, None))
}

/// RFC 9110 12.5.3: a coding is listed, and not with weight 0.
fn accepts(header: &str, coding: &str) -> bool {
    header.split(',').any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let listed = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        listed && !parts.any(|part| matches!(part.replace(' ', "").as_str(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// None for what is not served by itself: the compressed twins.
fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;
    use crate::security::security_headers;

    async fn get(uri: &str, encoding: &str) -> Response {
        let request = Request::get(uri).header(ACCEPT_ENCODING, encoding).body(Body::empty()).expect("a request");
        security_headers(router::<()>()).oneshot(request).await.expect("an answer")
    }

    fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
        response.headers().get(name).map(|value| value.to_str().expect("text"))
    }

    #[tokio::test]
    async fn a_file_is_kept_for_ever_under_the_name_of_its_content() {
        let response = get(&url("acuse.css"), "gzip, br").await;
        assert_eq!(header(&response, "content-type"), Some("text/css; charset=utf-8"));
        assert_eq!(header(&response, "cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(header(&response, "content-encoding"), Some("br"));
        assert!(
            header(&response, "content-security-policy")
                .is_some_and(|policy| policy.contains("default-src 'none'") && policy.contains("script-src 'self'"))
        );
        assert_eq!(header(&response, "x-content-type-options"), Some("nosniff"));
        let neighbours = get("/static/000000000000/acuse.css", "identity").await;
        assert_eq!(header(&neighbours, "cache-control"), Some("no-cache"));
        assert_eq!(header(&neighbours, "content-encoding"), None);
    }

    #[tokio::test]
    async fn only_the_pages_own_files_are_served() {
        for name in ["nothing.css", "acuse.css.br", "../Cargo.toml", "fonts/AcuseSans-Regular.ttf", ""] {
            assert_eq!(get(&url(name), "br").await.status(), StatusCode::NOT_FOUND, "{name}");
        }
        assert_eq!(header(&get(&url("acuse.js"), "br;q=0, gzip").await, "content-encoding"), Some("gzip"));
    }

    #[tokio::test]
    async fn the_first_visit_stays_within_its_budget() {
        let mut bytes = 0;
        for name in ["acuse.css", "acuse.js", "icons.svg", "marca.svg", "fonts/hanken-grotesk-latin.woff2"] {
            let response = get(&url(name), "br").await;
            bytes += to_bytes(response.into_body(), usize::MAX).await.expect("a body").len();
        }
        assert!(bytes < 96 * 1024, "{bytes} bytes; with the page itself a first load is to stay under 100 KB");
    }

    #[test]
    fn every_icon_that_a_page_names_is_in_the_sprite() {
        let sprite = Dist::get("icons.svg").expect("icons.svg").data;
        let sprite = String::from_utf8_lossy(&sprite);
        let mut sources = Vec::new();
        collect(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")), &mut sources);
        collect(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut sources);
        let mut named = 0;
        for (file, text) in sources {
            for (at, _) in text.match_indices("\"|ico") {
                let Some(name) =
                    text[..at].rsplit('"').next().filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
                else {
                    continue;
                };
                named += 1;
                assert!(
                    sprite.contains(&format!(r#"id="{name}""#)),
                    "{file} names the icon «{name}»: add it to web/icons.txt and build web/"
                );
            }
        }
        assert!(named > 5, "the search finds the icons");
    }

    fn collect(folder: &std::path::Path, into: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => collect(&path, into),
                path => into.push((path.display().to_string(), std::fs::read_to_string(&path).expect("text"))),
            }
        }
    }
}
