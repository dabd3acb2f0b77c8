//! JSON beside the schemas of /openapi.json.

use serde_json::{Value, json};

/// What of a value contradicts its schema: types, bounds, required and undocumented fields, enumerations.
pub fn wrong_in(value: &Value, schema: &Value, document: &Value, at: &str) -> Option<String> {
    let schema = resolved(schema, document);
    if let Some(choices) = schema["oneOf"].as_array() {
        let all: Vec<Option<String>> = choices.iter().map(|choice| wrong_in(value, choice, document, at)).collect();
        return if all.contains(&None) { None } else { all.into_iter().flatten().last() };
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return wrong_in(value, &merged(parts, document), document, at);
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return Some(format!("{at}: no type in {schema}")),
    };
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !types.contains(&is) {
        return Some(format!("{at}: {value} is no {types:?}"));
    }
    if let Some(known) = schema["enum"].as_array().filter(|_| is == "string") {
        return (!known.contains(value)).then(|| format!("{at}: {value} is none of {known:?}"));
    }
    if let Some(number) = value.as_i64()
        && (schema["minimum"].as_i64().is_some_and(|least| number < least)
            || schema["maximum"].as_i64().is_some_and(|most| number > most))
    {
        return Some(format!("{at}: {number} is outside of {schema}"));
    }
    if let Some(items) = value.as_array() {
        return items.iter().enumerate().find_map(|(i, item)| wrong_in(item, &schema["items"], document, &format!("{at}.{i}")));
    }
    let fields = value.as_object()?;
    let missing = schema["required"].as_array().into_iter().flatten().find(|name| !fields.contains_key(name.as_str().unwrap()));
    if let Some(name) = missing {
        return Some(format!("{at}: {name} is missing"));
    }
    fields.iter().find_map(|(name, field)| match &schema["properties"][name] {
        Value::Null => Some(format!("{at}.{name} is not documented")),
        known => wrong_in(field, known, document, &format!("{at}.{name}")),
    })
}

/// A schema itself where only its name stands.
pub fn resolved<'a>(schema: &'a Value, document: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(name) => &document["components"]["schemas"][name.rsplit('/').next().unwrap()],
        None => schema,
    }
}

/// The parts of an `allOf` as one object.
fn merged(parts: &[Value], document: &Value) -> Value {
    let mut whole = json!({ "type": "object", "properties": {}, "required": [] });
    for part in parts {
        let part = resolved(part, document);
        for (name, field) in part["properties"].as_object().unwrap() {
            whole["properties"][name] = field.clone();
        }
        let required = part["required"].as_array().cloned().unwrap_or_default();
        whole["required"].as_array_mut().unwrap().extend(required);
    }
    whole
}
