//! What each parameter takes, by its name: a query and a header are texts, and most of them stand for something else.

use utoipa::openapi::path::Parameter;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{Object, RefOr, Schema};

use crate::api::body::LONGEST_KEY;
use crate::api::codes::{CONTACT_ROLES, schema as codes};
use crate::api::pages::HIGHEST_LIMIT;

/// RFC 9110 8.8.3 and 13.1.1: `*`, or tags in quotes.
const ENTITY_TAGS: &str = r#"^[*]$|^(W/)?"[!#-~]*"([ \t]*,[ \t]*(W/)?"[!#-~]*")*$"#;

pub(super) fn describe(parameter: &mut RefOr<Parameter>) {
    if let RefOr::T(parameter) = parameter
        && let Some(schema) = schema(&parameter.name)
    {
        parameter.schema = Some(RefOr::T(Schema::Object(schema)));
    }
}

/// None where a parameter is as its handler says.
fn schema(name: &str) -> Option<Object> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    Some(match name {
        "If-Match" => text().pattern(Some(ENTITY_TAGS)).build(),
        "Idempotency-Key" => text().pattern(Some(key())).build(),
        "limit" => ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(HIGHEST_LIMIT)).build(),
        "after" => text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid))).build(),
        "open" => ObjectBuilder::new().schema_type(Type::Boolean).build(),
        "role" => text().enum_values(Some(CONTACT_ROLES)).build(),
        "side" => codes::sides(),
        "direction" => codes::directions(),
        "group" => codes::groups(),
        "module" => codes::modules(),
        _ => return None,
    })
}

/// Visible ASCII, as long as a key is kept.
fn key() -> String {
    format!("^[!-~]{{1,{LONGEST_KEY}}}$")
}
