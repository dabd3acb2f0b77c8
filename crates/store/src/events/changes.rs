//! What was different before and after an act, field by field.

use std::fmt::Display;

use serde_json::{Value, json};

/// Letters of one value that are kept: the longest texts of a card fit.
const LONGEST_VALUE: usize = 500;
/// Fields of one act; a mail account has half as many.
const MOST_FIELDS: usize = 40;
/// What stands for a value that must stand nowhere.
const CHANGED: &str = "cambió";

/// By the field's name as the screen has it. A secret's value never gets in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes(Vec<Change>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub field: String,
    /// None: there was nothing.
    pub before: Option<String>,
    /// None: there is nothing now.
    pub after: Option<String>,
}

impl Changes {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing where both are the same. An empty value is none.
    #[must_use]
    pub fn field(mut self, name: &str, before: impl Display, after: impl Display) -> Self {
        let (before, after) = (before.to_string(), after.to_string());
        if before != after && self.0.len() < MOST_FIELDS {
            self.0.push(Change { field: name.to_owned(), before: kept(&before), after: kept(&after) });
        }
        self
    }

    /// The same of what may not be there.
    #[must_use]
    pub fn optional(self, name: &str, before: Option<impl Display>, after: Option<impl Display>) -> Self {
        let text = |value: Option<String>| value.unwrap_or_default();
        self.field(name, text(before.map(|value| value.to_string())), text(after.map(|value| value.to_string())))
    }

    /// What there was not before.
    #[must_use]
    pub fn set(self, name: &str, value: impl Display) -> Self {
        self.field(name, "", value)
    }

    /// A password, a code, a token: that it is another one now.
    #[must_use]
    pub fn secret(self, name: &str) -> Self {
        self.set(name, CHANGED)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Change> {
        self.0.iter()
    }

    /// As they are kept: a list in JSON, in the order of the screen; nothing where nothing is different.
    pub(super) fn as_kept(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let each = |change: &Change| json!({ "field": change.field, "before": change.before, "after": change.after });
        Value::Array(self.0.iter().map(each).collect()).to_string()
    }

    /// Whatever can be read of them.
    pub(crate) fn parse(kept: &str) -> Self {
        let Ok(Value::Array(all)) = serde_json::from_str(kept) else { return Self::default() };
        let text = |one: &Value, name: &str| one.get(name).and_then(Value::as_str).map(str::to_owned);
        let change = |one: Value| Change {
            field: text(&one, "field").unwrap_or_default(),
            before: text(&one, "before"),
            after: text(&one, "after"),
        };
        Self(all.into_iter().map(change).collect())
    }
}

fn kept(value: &str) -> Option<String> {
    if value.chars().count() > LONGEST_VALUE {
        return Some(value.chars().take(LONGEST_VALUE).chain(['…']).collect());
    }
    Some(value.to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_is_no_change_and_what_was_kept_is_read_again() {
        let changes = Changes::new().field("Puerto", 465, 587).field("Servidor", "a", "a").secret("Contraseña");
        let changes = changes.optional("Teléfono", Some("02 \"x\""), None::<&str>);
        let kept = r#"[{"after":"587","before":"465","field":"Puerto"},{"after":"cambió","before":null,"field":"Contraseña"},{"after":null,"before":"02 \"x\"","field":"Teléfono"}]"#;
        assert_eq!(changes.as_kept(), kept);
        assert_eq!(Changes::parse(kept), changes);
        assert!(Changes::new().as_kept().is_empty() && Changes::parse("").is_empty() && Changes::parse("{").is_empty());
    }

    #[test]
    fn however_much_is_changed_an_entry_has_an_end() {
        let long = "ñ".repeat(10_000);
        let all = (0..1_000).fold(Changes::new(), |all, n| all.set(&n.to_string(), &long));
        assert!(all.as_kept().len() < MOST_FIELDS * (2 * LONGEST_VALUE + 60));
    }
}
