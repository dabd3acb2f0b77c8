//! Reads JSON, and says where it is wrong.

use acuse_domain::message::{Message, messages};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use super::by_name::ByName;
use super::patch;
use crate::problem::Problem;

type Expected = (&'static str, fn() -> Message);

/// What a reader expected, in serde's words and in ours.
const EXPECTED: [Expected; 8] = [
    ("a string or a list of strings", messages::a_text_or_list),
    ("a string", messages::a_text),
    ("a boolean", messages::a_boolean),
    ("a sequence", messages::a_list),
    ("a map", messages::an_object),
    ("struct", messages::an_object),
    ("u16", messages::a_port_number),
    ("i32", messages::a_whole_number),
];

pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(ByName(&mut json)).map_err(|error| match broken(bytes) {
        // A field may be wrong long before the text breaks off; that it breaks off is said first.
        Some(syntax) => not_read(&syntax, Vec::new()),
        None => not_read(error.inner(), path(error.path())),
    })?;
    json.end().map_err(|error| not_read(&error, Vec::new()))?;
    Ok(value)
}

/// Where the text is no JSON at all, whatever it was meant to say.
fn broken(bytes: &[u8]) -> Option<serde_json::Error> {
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes).err()
}

fn not_read(error: &serde_json::Error, path: Vec<String>) -> Problem {
    if error.is_data() {
        return of_shape(&error.to_string(), path);
    }
    Problem::new(StatusCode::BAD_REQUEST, messages::malformed_json(error.line(), error.column()))
}

/// 422 for what serde says about a shape: an unknown, missing or repeated field, or a value of the wrong type.
pub(super) fn of_shape(said: &str, path: Vec<String>) -> Problem {
    let named = said.split('`').nth(1).unwrap_or_default();
    if said.starts_with("unknown field") {
        return unknown_field(path, named);
    }
    if said.starts_with(patch::NOT_NULL) {
        return Problem::of_field(path.join("."), messages::null_not_allowed());
    }
    if said.starts_with("missing field") {
        return Problem::of_field(below(path, named), messages::field_missing());
    }
    if said.starts_with("duplicate field") {
        return Problem::of_field(below(path, named), messages::duplicate_field());
    }
    let expected = said.rsplit_once("expected ").map_or("", |(_, expected)| expected);
    let known = EXPECTED.iter().find(|(serde, _)| expected.starts_with(serde));
    let message = known.map_or_else(messages::wrong_type, |(_, expected)| messages::must_be(expected()));
    Problem::of_field(path.join("."), message)
}

pub(super) fn unknown_field(path: Vec<String>, named: &str) -> Problem {
    Problem::of_field(below(path, named), messages::unknown_field(named))
}

/// The path of a field of the thing at `path`, which may name the field already.
fn below(mut path: Vec<String>, field: &str) -> String {
    if path.last().is_none_or(|last| last != field) {
        path.push(field.to_owned());
    }
    path.join(".")
}

fn path(path: &Path) -> Vec<String> {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(key.clone()),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}
