//! Fields of a PATCH: absent keeps what there is, null takes it away (RFC 7396), and what cannot be without says so.

use acuse_store::versions::Expected;
use axum::extract::{FromRequest, FromRequestParts, Request};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};

use super::body::JsonRequest;
use super::etag::IfMatch;
use crate::problem::Problem;

/// What [`value`] says of null; json.rs makes it our words.
pub(super) const NOT_NULL: &str = "null takes nothing away here";

/// For a field that can be cleared, with `#[serde(default, deserialize_with = "patch::given")]`: `None` is absent,
/// `Some(None)` is null.
pub fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// For a field that always has a value, with `#[serde(default, deserialize_with = "patch::value")]`: null is refused, since
/// whoever sends it wants something that does not happen.
pub fn value<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let given: Option<T> = Option::deserialize(deserializer)?;
    given.map(Some).ok_or_else(|| D::Error::custom(NOT_NULL))
}

/// For a field of a call in which null stands for what is absent: `None` is both.
pub fn kept<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.map(Some))
}

/// A PATCH: the state that it is meant for, and what it changes.
///
/// Whether its fields can be read is told only by [`Change::read`], which the act calls once the record is found and is the
/// expected one: 404 comes before 412, and 412 before 422. What is no JSON, or too large, is refused before.
pub struct Change<T> {
    pub expected: Expected,
    body: Result<T, Problem>,
}

impl<T> Change<T> {
    /// Errs with the field that cannot be read.
    pub fn read(self) -> Result<T, Problem> {
        self.body
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Change<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let IfMatch(expected) = IfMatch::from_request_parts(&mut parts, state).await?;
        let asked = JsonRequest::<T>::from_request(Request::from_parts(parts, body), state).await;
        match asked {
            Err(problem) if !problem.is_of_fields() => Err(problem),
            asked => Ok(Self { expected, body: asked.map(|asked| asked.body) }),
        }
    }
}
