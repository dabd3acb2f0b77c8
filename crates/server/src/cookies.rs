//! The cookies that tell who somebody is.
//!
//! Where browsers come by https their names begin with `__Host-` (RFC 6265bis 4.1.3.2): no neighbour of the domain and no
//! page that came without encryption can put one in our place, and the plain name is not looked at.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

use crate::app::App;

/// Of a browser's session.
pub const SESSION: &str = "acuse_sesion";
/// Of a browser in which somebody entered before.
pub const KNOWN_BROWSER: &str = "acuse_equipo";

/// Of somebody whose password was right and whose second step is still to come.
pub const SECOND_STEP: &str = "acuse_paso";

/// Names the challenge that a browser's key is to sign.
pub const CHALLENGE: &str = "acuse_reto";

/// Names the session that somebody left, and opens nothing: what the next login page is told from.
pub const LAST_SESSION: &str = "acuse_ultima";

/// What the browser sent back.
#[must_use]
pub fn read(app: &App, headers: &HeaderMap, name: &str) -> Option<String> {
    find(headers, &full_name(app, name))
}

/// A `Set-Cookie` for this site alone and out of scripts' reach. Without `seconds` it ends with the browser's window.
#[must_use]
pub fn write(app: &App, name: &str, value: &str, seconds: Option<u32>) -> String {
    let lasts = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{lasts}{}", full_name(app, name), secure(app))
}

/// An attribute for every cookie of ours.
#[must_use]
pub fn secure(app: &App) -> &'static str {
    if app.is_https() { "; Secure" } else { "" }
}

/// A cookie by the whole of its name.
#[must_use]
pub fn find(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(own, _)| *own == name)
        .map(|(_, value)| value.to_string())
}

/// As the browser knows it.
#[must_use]
pub fn full_name(app: &App, name: &str) -> String {
    if app.is_https() { format!("__Host-{name}") } else { name.to_owned() }
}
