//! Pages and JSON travel compressed where the browser asks for it, save where that would give something away
//! (docs/decisions/0023).

use axum::Router;
use axum::extract::Request;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_TYPE, ETAG, HOST, REFERER};
use axum::http::{Extensions, HeaderMap, HeaderName, StatusCode, Version};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tower_http::compression::predicate::{Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};

/// Below this an answer fits into one packet either way (bytes).
const WORTH_IT: u64 = 1_024;
/// What shrinks. Everything else is compressed already (PDF, PNG, fonts), or comes bit by bit (Probar's events).
const SHRINKS: [&str; 4] = ["text/html", "application/json", "application/problem+json", "text/plain"];
/// Pages that carry a secret, be it sealed, beside what somebody else may have put into their address.
const SECRETS: [&str; 3] = ["/mi-compania/correos", "/entrar", "/salir"];
/// They are stored in the forms that a browser takes, and are nobody's secret.
const ASSETS: &str = "/static/";

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Compresses the answers of `router`.
pub fn compressed<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    // The higher levels take many times as long to save a tenth.
    let compress =
        CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(SizeAbove::new(WORTH_IT).and(shrinks));
    router.layer(compress).layer(from_fn(keep_in_clear))
}

/// An answer with an ETag is one record: its tag stands for these bytes and no others.
fn shrinks(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    SHRINKS.contains(&kind) && !headers.contains_key(ETAG)
}

async fn keep_in_clear(mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !path.starts_with(ASSETS) && (SECRETS.iter().any(|secret| path.starts_with(secret)) || !is_own(request.headers())) {
        request.headers_mut().remove(ACCEPT_ENCODING);
    }
    next.run(request).await
}

/// Whether nobody else's page led here: only who makes a browser ask can learn something from how long the answers are. A
/// browser that does not say so names the page it comes from.
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match text(&FETCH_SITE) {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => text(&REFERER).is_none_or(|from| host_of(from) == text(&HOST)),
    }
}

fn host_of(address: &str) -> Option<&str> {
    address.split_once("://").and_then(|(_, rest)| rest.split('/').next())
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, VARY};
    use axum::response::IntoResponse;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    fn long(kind: &'static str) -> Response {
        ([(CONTENT_TYPE, kind)], "Comercial Andina ".repeat(500)).into_response()
    }

    async fn ask(path: &str, headers: &[(&str, &str)]) -> Response {
        let router = Router::new()
            .route("/cobros", get(async || long("text/html; charset=utf-8")))
            .route("/mi-compania/correos/nueva", get(async || long("text/html; charset=utf-8")))
            .route("/api/v1/payments", get(async || long("application/json")))
            .route("/api/v1/company", get(async || ([(ETAG, "\"1\"")], long("application/json")).into_response()))
            .route("/recibo.pdf", get(async || long("application/pdf")))
            .route("/probar", get(async || long("text/event-stream")))
            .route("/static/x/acuse.css", get(async || ([(CONTENT_ENCODING, "br")], long("text/css")).into_response()))
            .route("/corto", get(async || ([(CONTENT_TYPE, "text/html")], "hola").into_response()));
        let mut request = Request::get(path).header(HOST, "acuse.ec");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        compressed(router).oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer")
    }

    async fn coding(path: &str, headers: &[(&str, &str)]) -> Option<String> {
        let answer = ask(path, headers).await;
        answer.headers().get(CONTENT_ENCODING).map(|value| value.to_str().expect("text").to_owned())
    }

    #[tokio::test]
    async fn pages_and_json_come_in_the_form_that_was_asked_for() {
        for (asked, given) in [("br", "br"), ("gzip", "gzip"), ("gzip, deflate, br, zstd", "br"), ("gzip, br;q=0", "gzip")] {
            assert_eq!(coding("/cobros", &[("accept-encoding", asked)]).await.as_deref(), Some(given), "{asked}");
            assert_eq!(coding("/api/v1/payments", &[("accept-encoding", asked)]).await.as_deref(), Some(given), "{asked}");
        }
        assert_eq!(coding("/cobros", &[]).await, None);
        assert_eq!(coding("/cobros", &[("accept-encoding", "identity")]).await, None);
        let answer = ask("/cobros", &[("accept-encoding", "gzip")]).await;
        assert!(answer.headers().get(VARY).is_some_and(|vary| vary.to_str().is_ok_and(|vary| vary.contains("accept-encoding"))));
        assert!(answer.headers().get(CONTENT_LENGTH).is_none(), "the length of what is not sent");
        let body = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
        assert!(body.len() < 1_000, "{} bytes of 8,500", body.len());
    }

    #[tokio::test]
    async fn what_is_short_compressed_or_a_stream_stays_as_it_is() {
        let asked = [("accept-encoding", "gzip, br")];
        for path in ["/recibo.pdf", "/probar", "/corto", "/api/v1/company"] {
            assert_eq!(coding(path, &asked).await, None, "{path}");
        }
        assert_eq!(coding("/static/x/acuse.css", &asked).await.as_deref(), Some("br"), "once, by the build");
    }

    #[tokio::test]
    async fn nobody_else_learns_from_the_length_of_an_answer() {
        let asked = ("accept-encoding", "gzip, br");
        assert_eq!(coding("/mi-compania/correos/nueva", &[asked]).await, None);
        for site in ["cross-site", "same-site"] {
            assert_eq!(coding("/cobros", &[asked, ("sec-fetch-site", site)]).await, None, "{site}");
        }
        for site in ["same-origin", "none"] {
            assert!(coding("/cobros", &[asked, ("sec-fetch-site", site)]).await.is_some(), "{site}");
        }
        assert_eq!(coding("/cobros", &[asked, ("referer", "https://malo.ec/acuse.ec/")]).await, None);
        assert!(coding("/cobros", &[asked, ("referer", "https://acuse.ec/cobros")]).await.is_some());
    }
}
