//! Which state of a record a program saw (`ETag`), and that a change is meant for that one only (`If-Match`, RFC 9110 13.1.1).

use acuse_domain::message::messages;
use acuse_store::versions::Expected;
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::problem::Problem;

/// Tags in one If-Match. A client has as many states of a record as it has seen answers; more are a mistake or worse.
const MOST_TAGS: usize = 100;

/// The record as JSON, with the version that the body shows as its strong entity tag.
pub struct Tagged<T> {
    pub version: i64,
    pub body: T,
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.body).into_response();
        if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", self.version)) {
            response.headers_mut().insert(ETAG, tag);
        }
        response
    }
}

/// What the caller expects the record to be: anything where there is no If-Match.
#[derive(Debug)]
pub struct IfMatch(pub Expected);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read(&parts.headers).map(Self)
    }
}

/// Several lines of one header are one list (RFC 9110 5.3).
fn read(headers: &HeaderMap) -> Result<Expected, Problem> {
    let lines: Option<Vec<&str>> = headers.get_all(IF_MATCH).iter().map(|line| line.to_str().ok()).collect();
    let list = lines.ok_or_else(malformed)?.join(",");
    if !headers.contains_key(IF_MATCH) || list.trim() == "*" {
        return Ok(Expected::Any);
    }
    let tags = tags(&list).filter(|tags| !tags.is_empty() && tags.len() <= MOST_TAGS).ok_or_else(malformed)?;
    // Strong comparison (RFC 9110 8.8.3.2): a weak tag matches nothing, nor does a tag that no record of ours ever had.
    let strong = |tag: &&str| !tag.starts_with("W/");
    Ok(Expected::OneOf(tags.into_iter().filter(strong).filter_map(version).collect()))
}

/// `"7"` as this server writes it, and not `"+7"` or `"07"`, which it never wrote.
fn version(tag: &str) -> Option<i64> {
    let opaque = tag.trim_matches('"');
    opaque.parse().ok().filter(|version: &i64| version.to_string() == opaque)
}

/// Each entity tag of a list, with its `W/` and its quotes; nothing where it is no list of them. A comma may stand inside a
/// tag, and empty elements mean nothing (RFC 9110 5.6.1.2 and 8.8.3).
fn tags(list: &str) -> Option<Vec<&str>> {
    let mut tags = Vec::new();
    let mut rest = list.trim_start_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let prefix = if rest.starts_with("W/\"") { 2 } else { 0 };
        let quoted = rest.get(prefix..)?.strip_prefix('"')?;
        let length = quoted.find('"')?;
        if !quoted.bytes().take(length).all(|byte| byte == 0x21 || (0x23..=0x7e).contains(&byte)) {
            return None;
        }
        let (tag, after) = rest.split_at(prefix + length + 2);
        tags.push(tag);
        let after = after.trim_start_matches([' ', '\t']);
        if !after.is_empty() && !after.starts_with(',') {
            return None;
        }
        rest = after.trim_start_matches([' ', '\t', ',']);
    }
    Some(tags)
}

fn malformed() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, messages::if_match_invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_of(lines: &[&str]) -> Option<Expected> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(IF_MATCH, HeaderValue::from_str(line).unwrap());
        }
        read(&headers).ok()
    }

    #[test]
    fn if_match_is_read_as_the_rfc_writes_it() {
        let one_of = |versions: &[i64]| Some(Expected::OneOf(versions.to_vec()));
        for (lines, expected) in [
            (&[][..], Some(Expected::Any)),
            (&["*"], Some(Expected::Any)),
            (&[" * "], Some(Expected::Any)),
            (&["\"7\""], one_of(&[7])),
            (&["\"6\", \"7\""], one_of(&[6, 7])),
            (&["\"6\",\"7\""], one_of(&[6, 7])),
            (&[", \"6\" , ,\t\"7\","], one_of(&[6, 7])),
            (&["\"6\"", "\"7\""], one_of(&[6, 7])),
            (&["W/\"7\""], one_of(&[])),
            (&["W/\"6\", \"7\""], one_of(&[7])),
            (&["\"xyzzy\", \"r2d2,c3po\", \"7\""], one_of(&[7])),
            (&["\"\""], one_of(&[])),
            (&["\"+7\", \"07\", \" 7\""], None),
            (&["\"+7\", \"07\""], one_of(&[])),
            (&["7"], None),
            (&["\"7"], None),
            (&["7\""], None),
            (&["w/\"7\""], None),
            (&["W/ \"7\""], None),
            (&["\"6\" \"7\""], None),
            (&["\"7\", *"], None),
            (&[""], None),
            (&[","], None),
        ] {
            assert_eq!(read_of(lines), expected, "{lines:?}");
        }
        let many = vec!["\"7\""; MOST_TAGS + 1].join(",");
        assert_eq!(read_of(&[&many]), None);
    }
}
