//! What every answer tells the browser to refuse.

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::map_response;
use axum::response::Response;

/// No inline script or style, nothing from elsewhere. `data:` is for the kit's own check marks and select arrows.
const PAGES: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; script-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// For the page that shows a mail in a frame (the demo's mailbox): the same, and frames of our own.
pub const A_PAGE_WITH_A_MAIL: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; script-src 'self'; connect-src 'self'; \
     frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// A mail shown as its recipient would see it: its own inline styles, no script, no request, framed by our pages only. Of our
/// origin, so that the page around it can give it its height; without script it does nothing with that.
/// For the answer that *is* the mail's HTML.
pub const A_MAIL_IN_A_FRAME: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-same-origin; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
);

const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// What no page of ours asks a browser for. Passkeys and the clipboard are not among it.
const ASKED_BY_NOBODY: HeaderValue = HeaderValue::from_static(
    "camera=(), display-capture=(), geolocation=(), hid=(), microphone=(), midi=(), payment=(), serial=(), usb=()",
);

/// A year, as browsers' lists ask for; of this name alone, since its neighbours are not ours.
const ONLY_BY_HTTPS: HeaderValue = HeaderValue::from_static("max-age=31536000");
/// What a browser or proxy keeps, the next person at the same machine can read. What is nobody's (assets) says so itself.
const KEPT_NOWHERE: HeaderValue = HeaderValue::from_static("no-store");

/// Adds the headers to every answer of `router`, errors included. An answer that carries its own policy keeps it.
pub fn security_headers<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.layer(map_response(harden))
}

/// Where browsers come by https: they never come by anything else again (RFC 6797).
pub fn only_by_https<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.layer(map_response(async |mut response: Response| {
        set(response.headers_mut(), STRICT_TRANSPORT_SECURITY, ONLY_BY_HTTPS);
        response
    }))
}

async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        set(headers, CONTENT_SECURITY_POLICY, PAGES);
        set(headers, X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    headers.entry(CACHE_CONTROL).or_insert(KEPT_NOWHERE);
    set(headers, X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    set(headers, CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin"));
    // No other site's page shows or reads what is here; mails carry their pictures themselves.
    set(headers, CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    set(headers, PERMISSIONS_POLICY, ASKED_BY_NOBODY);
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    headers.insert(name, value);
}
