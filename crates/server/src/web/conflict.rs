//! Somebody else changed a record while its form was open: the form comes back as it was typed, with both values of every
//! field that differs, and saves only when that is sent again.
//!
//! A form carries `<input type="hidden" name="version" value="{{ form.version }}">`: the version that it was made from.
//! Where the store answers `ChangeError::Stale`, the page is drawn again with the version of now and a [`Conflict`].

use acuse_store::versions::Expected;
use askama::Template;
use askama::filters::HtmlSafe;
use axum::http::StatusCode;
use axum::response::Response;

use crate::web::filters;
use crate::web::page::with_status;

/// Printed by `{{ conflict }}` above the form, beside `{{ errors }}`; nothing while nobody was in the way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Template)]
#[template(path = "_conflict.html")]
pub struct Conflict {
    differing: Vec<Differing>,
    /// Where the form is as it is kept now.
    afresh: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Differing {
    field: &'static str,
    label: &'static str,
    kept: String,
    typed: String,
}

impl HtmlSafe for Conflict {}

/// A field of a form as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownField {
    /// The `id` of its input.
    pub field: &'static str,
    pub label: &'static str,
    pub value: String,
}

impl Conflict {
    /// Both lists name the same fields in the same order. `afresh` is the address of the form.
    #[must_use]
    pub fn between(kept: Vec<ShownField>, typed: Vec<ShownField>, afresh: impl Into<String>) -> Self {
        let pairs = kept.into_iter().zip(typed).filter(|(kept, typed)| kept.value != typed.value);
        let differing =
            pairs.map(|(kept, typed)| Differing { field: kept.field, label: kept.label, kept: kept.value, typed: typed.value });
        Self { differing: differing.collect(), afresh: afresh.into() }
    }
}

/// What a form expects its record to be. One that names no version was not made from a record.
#[must_use]
pub fn expected(version: &str) -> Expected {
    match version.trim() {
        "" => Expected::Any,
        version => Expected::OneOf(version.parse().into_iter().collect()),
    }
}

/// The answer to a form that somebody else was faster than.
#[must_use]
pub fn conflicting(page: &impl Template) -> Response {
    with_status(StatusCode::CONFLICT, page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(field: &'static str, value: &str) -> ShownField {
        ShownField { field, label: "Ciudad", value: value.to_owned() }
    }

    #[test]
    fn only_what_differs_is_shown_with_both_values() {
        let conflict = Conflict::between(
            vec![field("ciudad", "Quito"), field("calle", "<b>")],
            vec![field("ciudad", "Quito"), field("calle", "")],
            "/x",
        );
        let html = conflict.render().unwrap();
        assert!(html.contains("Otra persona cambió este registro mientras usted lo editaba"), "{html}");
        assert!(!html.contains("Quito") && html.contains("&#60;b&#62;") && html.contains(r##"href="#calle""##), "{html}");
        assert!(html.contains("vacío") && html.contains(r#"href="/x""#), "{html}");
        assert_eq!(Conflict::default().render().unwrap().trim(), "");
    }

    #[test]
    fn a_version_that_is_none_is_nobodys() {
        assert_eq!(expected("7"), Expected::version(7));
        assert_eq!(expected(""), Expected::Any);
        assert_eq!(expected("siete"), Expected::OneOf(Vec::new()));
    }
}
