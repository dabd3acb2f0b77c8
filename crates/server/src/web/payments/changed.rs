//! A form that was read before somebody else changed its payment does nothing: its page comes back and says what changed.

use acuse_store::events::Event;
use askama::Template;
use askama::filters::HtmlSafe;

use super::Book;
use super::history::acts_in_words;
use crate::web::filters;

/// Printed by `{{ changed }}`, over the page or in its question.
#[derive(Debug, Clone, Template)]
#[template(path = "payments/_changed.html")]
pub struct Changed {
    title: String,
    /// What was done since the page was read, oldest first.
    since: Vec<String>,
    /// What was asked for is done, and cannot be asked for again.
    is_over: bool,
}

impl HtmlSafe for Changed {}

impl Changed {
    /// `title` says what was not done. `read` is how far the page knew the history, where the form said so.
    #[must_use]
    pub fn of(book: Book, history: &[Event], read: Option<usize>, title: impl Into<String>) -> Self {
        let mut acts: Vec<String> = acts_in_words(book, history)
            .into_iter()
            .filter(|(event, _)| event.kind.changes_something())
            .map(|(_, words)| words)
            .collect();
        acts.truncate(acts.len().saturating_sub(read.unwrap_or(acts.len())));
        acts.reverse();
        Self { title: title.into(), since: acts, is_over: false }
    }

    /// Where it cannot be asked for again.
    #[must_use]
    pub fn for_good(self) -> Self {
        Self { is_over: true, ..self }
    }

    /// Where nobody did anything and something happened all the same.
    #[must_use]
    pub fn or_else(mut self, happened: &str) -> Self {
        if self.since.is_empty() {
            self.since.push(happened.to_owned());
        }
        self
    }
}
