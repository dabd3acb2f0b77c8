//! What each parameter takes, by its name: a query and a header are texts, and most of them stand for something else.

use utoipa::openapi::path::Parameter;
use utoipa::openapi::schema::{AnyOfBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};

use crate::api::body::LONGEST_KEY;
use crate::api::codes::{CONTACT_ROLES, schema as codes};
use crate::api::pages::HIGHEST_LIMIT;

/// RFC 9110 8.8.3: a tag in quotes. Several, apart by commas, are read too.
const ENTITY_TAG: &str = r#"^(W/)?"[!#-~]{0,20}"$"#;

pub(super) fn describe(parameter: &mut RefOr<Parameter>) {
    if let RefOr::T(parameter) = parameter
        && let Some(schema) = schema(&parameter.name)
    {
        parameter.schema = Some(RefOr::T(schema));
    }
}

/// None where a parameter is as its handler says.
fn schema(name: &str) -> Option<Schema> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let object = match name {
        "If-Match" => return Some(expected_state()),
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
    };
    Some(Schema::Object(object))
}

/// `*`, or a tag (RFC 9110 13.1.1).
fn expected_state() -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let tag = text().pattern(Some(ENTITY_TAG));
    Schema::AnyOf(AnyOfBuilder::new().item(text().enum_values(Some(["*"]))).item(tag).build())
}

/// Visible ASCII, as long as a key is kept.
fn key() -> String {
    format!("^[!-~]{{1,{LONGEST_KEY}}}$")
}
