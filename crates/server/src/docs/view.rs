//! What the page shows of the OpenAPI document.

use askama::Template;
use serde_json::Value;

/// OpenAPI has one entry for each of these under a path.
const METHODS: [&str; 4] = ["get", "post", "patch", "delete"];

#[derive(Template)]
#[template(path = "docs/show.html")]
pub(super) struct Docs {
    introduction: Vec<String>,
    groups: Vec<Group>,
    shapes: Vec<Shape>,
}

struct Group {
    name: String,
    description: String,
    calls: Vec<Call>,
}

struct Call {
    method: String,
    path: String,
    summary: String,
    parameters: Vec<Field>,
    /// The name of its body's shape.
    body: Option<String>,
    answers: Vec<Answer>,
}

struct Answer {
    status: String,
    description: String,
    shape: Option<String>,
}

struct Shape {
    name: String,
    description: String,
    fields: Vec<Field>,
    example: Option<String>,
}

struct Field {
    name: String,
    kind: String,
    required: bool,
    description: String,
}

impl Docs {
    pub(super) fn of(document: &Value) -> Self {
        let paragraphs = text(&document["info"]["description"]);
        Self {
            introduction: paragraphs.split("\n\n").map(str::to_owned).collect(),
            groups: list(&document["tags"]).map(|tag| Group::of(tag, document)).collect(),
            shapes: entries(&document["components"]["schemas"]).map(|(name, schema)| Shape::of(name, schema, document)).collect(),
        }
    }
}

impl Group {
    fn of(tag: &Value, document: &Value) -> Self {
        let name = text(&tag["name"]);
        let mut calls = Vec::new();
        for (path, item) in entries(&document["paths"]) {
            for method in METHODS {
                let call = &item[method];
                if list(&call["tags"]).any(|of| *of == name) {
                    calls.push(Call::of(method, path, call));
                }
            }
        }
        Self { description: text(&tag["description"]), name, calls }
    }
}

impl Call {
    fn of(method: &str, path: &str, call: &Value) -> Self {
        Self {
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: [text(&call["summary"]), text(&call["description"])].join(" ").trim().to_owned(),
            parameters: list(&call["parameters"]).map(parameter).collect(),
            body: shape_of(&call["requestBody"]["content"]),
            answers: entries(&call["responses"]).map(|(status, answer)| Answer::of(status, answer)).collect(),
        }
    }
}

fn parameter(parameter: &Value) -> Field {
    Field {
        name: text(&parameter["name"]),
        kind: kind(&parameter["schema"]),
        required: parameter["required"] == true,
        description: text(&parameter["description"]),
    }
}

impl Answer {
    fn of(status: &str, answer: &Value) -> Self {
        Self { status: status.to_owned(), description: text(&answer["description"]), shape: shape_of(&answer["content"]) }
    }
}

impl Shape {
    fn of(name: &str, schema: &Value, document: &Value) -> Self {
        let example = &schema["example"];
        Self {
            name: name.to_owned(),
            description: text(&schema["description"]),
            fields: fields(schema, document),
            example: example.is_object().then(|| format!("{example:#}")),
        }
    }
}

/// The fields of an object, with those of the shapes that it takes in.
fn fields(schema: &Value, document: &Value) -> Vec<Field> {
    let taken_in = list(&schema["allOf"]).flat_map(|part| match part["$ref"].as_str() {
        Some(name) => fields(&document["components"]["schemas"][last(name)], document),
        None => fields(part, document),
    });
    let own = entries(&schema["properties"]).map(|(name, field)| Field {
        name: name.clone(),
        kind: kind(field),
        required: list(&schema["required"]).any(|required| required == name),
        description: text(&field["description"]),
    });
    taken_in.chain(own).collect()
}

/// A type in a few words: `string`, `Delivery[]`, `queued | sent`, `integer | null`.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        return last(name).to_owned();
    }
    let either = |parts: &Value| list(parts).map(kind).collect::<Vec<_>>().join(" | ");
    if schema["oneOf"].is_array() {
        return either(&schema["oneOf"]);
    }
    if schema["enum"].is_array() {
        return list(&schema["enum"]).map(text).collect::<Vec<_>>().join(" | ");
    }
    let is_list = schema["type"] == "array" || list(&schema["type"]).any(|one| one == "array");
    let name = if is_list {
        format!("{}[]", kind(&schema["items"]))
    } else {
        let plain = list(&schema["type"]).find(|one| *one != "null").unwrap_or(&schema["type"]);
        schema["format"].as_str().map_or_else(|| text(plain), str::to_owned)
    };
    if list(&schema["type"]).any(|one| one == "null") { format!("{name} | null") } else { name }
}

fn shape_of(content: &Value) -> Option<String> {
    let (media, body) = entries(content).next()?;
    let name = kind(&body["schema"]);
    if media.ends_with("json") && !name.is_empty() { Some(name) } else { None }
}

fn last(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
