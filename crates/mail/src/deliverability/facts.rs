//! What is known of the DNS so far, and what would have to be asked to know more.
//!
//! Judging is pure: it reads the facts, and notes each question whose answer it misses. Whoever can ask the DNS brings the
//! answers and has it judged again, until nothing is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Letters of one TXT record that are read. The longest that make sense, 4096-bit keys, have some 800.
const LONGEST_TEXT: usize = 4_096;
/// Records of one answer that are read.
const MOST_RECORDS: usize = 64;

/// A question to the DNS. Names are in lower case, without a dot at the end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    Txt(String),
    Mx(String),
    /// A and AAAA together.
    Addresses(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Each record's strings joined, as RFC 7208 3.3 and RFC 6376 3.6.2.2 ask.
    Txt(Vec<String>),
    /// Preference and exchange; the exchange is empty in a null MX (RFC 7505).
    Mx(Vec<(u16, String)>),
    Addresses(Vec<IpAddr>),
    /// The name has records, or names below it, but none of this kind.
    NoRecords,
    /// Neither the name nor anything below it exists (RFC 8020).
    NoDomain,
    /// The DNS did not answer, or not in time: nothing is known.
    Failed,
}

/// An answer as its reader wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known<T> {
    Found(T),
    NoRecords,
    NoDomain,
    Failed,
}

#[derive(Debug, Default)]
pub struct Facts {
    answers: BTreeMap<Question, Answer>,
    wanted: BTreeSet<Question>,
}

impl Facts {
    pub fn learn(&mut self, question: Question, answer: Answer) {
        self.wanted.remove(&question);
        self.answers.insert(question, answer);
    }

    /// Questions without an answer that the last judgement would have needed.
    pub fn wanted(&mut self) -> Vec<Question> {
        std::mem::take(&mut self.wanted).into_iter().collect()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    pub(super) fn texts(&mut self, name: &str) -> Known<Vec<String>> {
        self.ask(Question::Txt(lower(name)), |answer| match answer {
            Answer::Txt(records) => Some(records.iter().take(MOST_RECORDS).map(|record| text(record)).collect()),
            _ => None,
        })
    }

    pub(super) fn exchanges(&mut self, name: &str) -> Known<Vec<(u16, String)>> {
        self.ask(Question::Mx(lower(name)), |answer| match answer {
            Answer::Mx(found) => Some(found.iter().take(MOST_RECORDS).cloned().collect()),
            _ => None,
        })
    }

    pub(super) fn addresses(&mut self, name: &str) -> Known<Vec<IpAddr>> {
        if let Ok(literal) = name.trim_matches(['[', ']']).parse() {
            return Known::Found(vec![literal]);
        }
        self.ask(Question::Addresses(lower(name)), |answer| match answer {
            Answer::Addresses(found) => Some(found.iter().take(MOST_RECORDS).copied().collect()),
            _ => None,
        })
    }

    fn ask<T>(&mut self, question: Question, read: impl FnOnce(&Answer) -> Option<Vec<T>>) -> Known<Vec<T>> {
        let Some(answer) = self.answers.get(&question) else {
            self.wanted.insert(question);
            return Known::Failed;
        };
        match (answer, read(answer)) {
            (_, Some(found)) if found.is_empty() => Known::NoRecords,
            (_, Some(found)) => Known::Found(found),
            (Answer::NoRecords, None) => Known::NoRecords,
            (Answer::NoDomain, None) => Known::NoDomain,
            (_, None) => Known::Failed,
        }
    }
}

fn lower(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// What can be shown of a record: an invisible character breaks its rules where it stands.
fn text(record: &str) -> String {
    let visible = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    record.chars().take(LONGEST_TEXT).map(visible).collect()
}
