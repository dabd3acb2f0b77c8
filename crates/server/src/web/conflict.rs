//! Somebody else changed a record while its form was open: the form comes back as it was typed, with both values of every
//! field that differs, and saves only when that is sent again. What a person had not touched comes as it is kept now.
//!
//! A form carries the version that it was made from, and what stood in it then, in two hidden fields: `version` and `antes`.
//! Where the store answers `ChangeError::Stale`, the page is drawn again with the version of now and a [`Conflict`].

use std::collections::{BTreeMap, HashMap};

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
    /// It was not touched, so the form has what is kept.
    is_taken_over: bool,
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
    /// Both lists name the same fields in the same order. `taken_over` are those whose typed value gave way; `afresh` is the
    /// address of the form.
    #[must_use]
    pub fn between(
        kept: Vec<ShownField>,
        typed: Vec<ShownField>,
        taken_over: &[&'static str],
        afresh: impl Into<String>,
    ) -> Self {
        let pairs = kept.into_iter().zip(typed).filter(|(kept, typed)| kept.value != typed.value);
        let differing = pairs.map(|(kept, typed)| {
            let is_taken_over = taken_over.contains(&kept.field);
            Differing { field: kept.field, label: kept.label, kept: kept.value, typed: typed.value, is_taken_over }
        });
        Self { differing: differing.collect(), afresh: afresh.into() }
    }

    /// Two fields that are read in one line: it was taken over if both were.
    #[must_use]
    pub fn read_together(self, field: &'static str, other: &'static str, taken_over: &[&'static str]) -> Self {
        let both = taken_over.contains(&field) && taken_over.contains(&other);
        let of_line = |one: Differing| if one.field == field { Differing { is_taken_over: both, ..one } } else { one };
        Self { differing: self.differing.into_iter().map(of_line).collect(), ..self }
    }
}

/// What a form has in one of its fields.
pub enum Slot<'a> {
    Text(&'a mut String),
    /// A box, ticked or not.
    Tick(&'a mut Option<String>),
}

impl Slot<'_> {
    fn get(&self) -> String {
        match self {
            Self::Text(text) => (*text).clone(),
            Self::Tick(tick) => tick.as_ref().cloned().unwrap_or_default(),
        }
    }

    fn set(self, value: &str) {
        match self {
            Self::Text(text) => value.clone_into(text),
            Self::Tick(tick) => *tick = (!value.is_empty()).then(|| value.to_owned()),
        }
    }
}

/// A form that is made from a record and saved over it.
pub trait Editing {
    /// The fields that are the record's, by the names of their inputs.
    fn slots(&mut self) -> Vec<(&'static str, Slot<'_>)>;
}

/// What stands in a form now, for its hidden field `antes`.
#[must_use]
pub fn snapshot(form: &mut impl Editing) -> String {
    let values: BTreeMap<&str, String> = form.slots().into_iter().map(|(name, slot)| (name, slot.get())).collect();
    serde_json::to_string(&values).unwrap_or_default()
}

/// Puts what is kept into the fields that are as they were when the form was made. Gives their names. A form that does not
/// say what it was made of keeps everything.
pub fn take_over<F: Editing>(typed: &mut F, before: &str, kept: &mut F) -> Vec<&'static str> {
    let before: HashMap<String, String> = serde_json::from_str(before).unwrap_or_default();
    let mut taken_over = Vec::new();
    for ((name, typed), (_, kept)) in typed.slots().into_iter().zip(kept.slots()) {
        let (now, kept) = (typed.get(), kept.get());
        if before.get(name).is_some_and(|before| as_sent(before) == as_sent(&now)) {
            typed.set(&kept);
            taken_over.push(name);
        }
    }
    taken_over
}

/// Browsers send the line breaks of a text as CR LF (HTML, 4.10.21.4), and single lines without.
fn as_sent(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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
            &[],
            "/x",
        );
        let html = conflict.render().unwrap();
        assert!(html.contains("Esto cambió mientras usted lo editaba"), "{html}");
        assert!(!html.contains("Quito") && html.contains("&#60;b&#62;") && html.contains(r##"href="#calle""##), "{html}");
        assert!(html.contains("vacío") && html.contains(r#"href="/x""#), "{html}");
        assert_eq!(Conflict::default().render().unwrap().trim(), "");
    }

    #[derive(Default)]
    struct Card {
        ciudad: String,
        calle: String,
        cliente: Option<String>,
    }

    impl Editing for Card {
        fn slots(&mut self) -> Vec<(&'static str, Slot<'_>)> {
            let Self { ciudad, calle, cliente } = self;
            vec![("ciudad", Slot::Text(ciudad)), ("calle", Slot::Text(calle)), ("cliente", Slot::Tick(cliente))]
        }
    }

    #[test]
    fn what_was_not_touched_comes_as_it_is_kept() {
        let card = |ciudad: &str, calle: &str, is: bool| Card {
            ciudad: ciudad.to_owned(),
            calle: calle.to_owned(),
            cliente: is.then(|| "1".to_owned()),
        };
        let before = snapshot(&mut card("Quito", "Uno", true));
        let mut typed = card("Quito", "Dos", true);
        let taken = take_over(&mut typed, &before, &mut card("Loja", "Tres", false));
        assert_eq!(taken, ["ciudad", "cliente"]);
        assert_eq!((typed.ciudad.as_str(), typed.calle.as_str(), typed.cliente), ("Loja", "Dos", None));
        let mut silent = card("Quito", "Dos", true);
        assert!(take_over(&mut silent, "", &mut card("Loja", "Tres", false)).is_empty());
        assert_eq!(silent.ciudad, "Quito");
    }

    #[test]
    fn a_version_that_is_none_is_nobodys() {
        assert_eq!(expected("7"), Expected::version(7));
        assert_eq!(expected(""), Expected::Any);
        assert_eq!(expected("siete"), Expected::OneOf(Vec::new()));
    }
}
