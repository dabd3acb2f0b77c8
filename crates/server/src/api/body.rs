//! A request's JSON, and the key under which it is carried out once.

use acuse_domain::message::{Message, messages};
use acuse_store::idempotency::Once;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::json;
use crate::problem::Problem;

/// As Stripe's; longer keys are a mistake.
pub const LONGEST_KEY: usize = 255;

/// What a caller asks for, read as JSON.
pub struct JsonRequest<T> {
    pub body: T,
    /// Present where the caller gave an Idempotency-Key.
    pub once: Option<Once>,
}

/// The same where nothing has to be said: an empty body stands for `{}`.
pub struct OptionalJsonRequest<T>(pub JsonRequest<T>);

/// Of a call that says everything by its path.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// The same where it is not carried out by a key: no body, `{}` or null. Whoever sends more wants something that does not happen.
pub struct NoBody;

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonRequest<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, bytes) = read(request, state).await?;
        is_json(&parts.headers)?;
        Ok(Self { body: json::read(&bytes)?, once: once(&parts, &bytes)? })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for OptionalJsonRequest<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, bytes) = read(request, state).await?;
        if !bytes.is_empty() {
            is_json(&parts.headers)?;
        }
        let json: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        Ok(Self(JsonRequest { body: json::read(json)?, once: once(&parts, &bytes)? }))
    }
}

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, bytes) = read(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self);
        }
        is_json(&parts.headers)?;
        // Several programs send null where they have no body.
        if bytes.trim_ascii() == b"null" { Ok(Self) } else { json::read::<Nothing>(&bytes).map(|_| Self) }
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<(Parts, Bytes), Problem> {
    let (parts, body) = request.into_parts();
    let whole = Request::from_parts(parts.clone(), body);
    let bytes = Bytes::from_request(whole, state).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, messages::body_too_large());
        }
        Problem::new(StatusCode::BAD_REQUEST, messages::body_incomplete())
    })?;
    Ok((parts, bytes))
}

/// JSON in UTF-8 (RFC 8259 8.1), as it is: nothing is unpacked, so that 1 MB stays 1 MB.
fn is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let mut parts = kind.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let charset = parts.find_map(|part| part.strip_prefix("charset=")).map(|charset| charset.trim_matches('"'));
    let is_json = kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json");
    if !is_json {
        return Err(unsupported(messages::unsupported_media_type()));
    }
    // US-ASCII is UTF-8.
    if charset.is_some_and(|charset| !matches!(charset, "utf-8" | "utf8" | "us-ascii")) {
        return Err(unsupported(messages::unsupported_charset()));
    }
    if is_packed(headers) {
        return Err(unsupported(messages::unsupported_content_encoding()));
    }
    Ok(())
}

/// Nothing here unpacks what is sent: a little would become much.
pub(crate) fn is_packed(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(CONTENT_ENCODING).iter().map(|value| value.to_str().unwrap_or("?"));
    let is_plain = |coding: &str| coding.is_empty() || coding.eq_ignore_ascii_case("identity");
    !codings.flat_map(|codings| codings.split(',')).all(|coding| is_plain(coding.trim()))
}

fn unsupported(why: Message) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why)
}

/// The key with a hash of method, path and body: another request under the same key is refused.
fn once(parts: &Parts, body: &[u8]) -> Result<Option<Once>, Problem> {
    let mut keys = parts.headers.get_all("idempotency-key").iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let readable = key.to_str().ok().filter(|_| keys.next().is_none()).filter(|key| (1..=LONGEST_KEY).contains(&key.len()));
    let Some(key) = readable.filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic())) else {
        return Err(Problem::of_field("Idempotency-Key", messages::idempotency_key_invalid(LONGEST_KEY)));
    };
    let mut hash = Sha256::new();
    hash.update(format!("{} {}\n", parts.method, parts.uri.path()));
    hash.update(body);
    Ok(Some(Once { key: key.to_owned(), request_hash: hash.finalize().into() }))
}
