//! Reads JSON, and says where it is wrong.

use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use super::by_name::ByName;
use super::patch;
use crate::problem::{LocalizedText, Problem};

/// What a reader expected, in serde's words and in ours.
const EXPECTED: [(&str, &str, &str); 8] = [
    ("a string or a list of strings", "un texto o una lista de textos", "a string or a list of strings"),
    ("a string", "un texto", "a string"),
    ("a boolean", "true o false", "true or false"),
    ("a sequence", "una lista", "a list"),
    ("a map", "un objeto", "an object"),
    ("struct", "un objeto", "an object"),
    ("u16", "un número entero de 0 a 65535", "a whole number from 0 to 65535"),
    ("i32", "un número entero", "a whole number"),
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
    let (line, column) = (error.line(), error.column());
    let said = LocalizedText::new(
        format!("No es JSON válido: línea {line}, columna {column}."),
        format!("This is not valid JSON: line {line}, column {column}."),
    );
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json", said)
}

/// 422 for what serde says about a shape: an unknown, missing or repeated field, or a value of the wrong type.
pub(super) fn of_shape(said: &str, path: Vec<String>) -> Problem {
    let named = said.split('`').nth(1).unwrap_or_default();
    if said.starts_with("unknown field") {
        return unknown_field(path, named);
    }
    if said.starts_with(patch::NOT_NULL) {
        let words = LocalizedText::new(
            "No puede quedar sin valor: indique uno, o no mande este campo y quedará como está.",
            "It cannot be without a value: give one, or leave the field out and it stays as it is.",
        );
        return Problem::of_field(path.join("."), "null_not_allowed", words);
    }
    if said.starts_with("missing field") {
        return Problem::of_field(
            below(path, named),
            "field_missing",
            LocalizedText::new("Falta este campo.", "This field is missing."),
        );
    }
    if said.starts_with("duplicate field") {
        let words = LocalizedText::new("Este campo consta dos veces.", "This field is there twice.");
        return Problem::of_field(below(path, named), "duplicate_field", words);
    }
    let expected = said.rsplit_once("expected ").map_or("", |(_, expected)| expected);
    let known = EXPECTED.iter().find(|(serde, ..)| expected.starts_with(serde));
    let words = match known {
        Some((_, spanish, english)) => LocalizedText::new(format!("Debe ser {spanish}."), format!("It must be {english}.")),
        None => LocalizedText::new("No es del tipo esperado.", "It is not of the expected type."),
    };
    Problem::of_field(path.join("."), "wrong_type", words)
}

pub(super) fn unknown_field(path: Vec<String>, named: &str) -> Problem {
    let words = LocalizedText::new(format!("No se conoce el campo «{named}»."), format!("There is no field «{named}»."));
    Problem::of_field(below(path, named), "unknown_field", words)
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
