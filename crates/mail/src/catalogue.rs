//! The catalogue of problems (problems.toml).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use acuse_domain::delivery::Verdict;
use serde::Deserialize;

static PROBLEMS: LazyLock<BTreeMap<String, Problem>> =
    LazyLock::new(|| toml::from_str(include_str!("problems.toml")).expect("problems.toml is checked by a test"));

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Problem {
    verdict: Who,
    pub(crate) es: Texts,
    pub(crate) en: Texts,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Texts {
    pub(crate) title: String,
    pub(crate) fix: Vec<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Who {
    Account,
    Later,
    Recipient,
    Message,
    InDoubt,
}

impl Problem {
    pub(crate) const fn verdict(&self) -> Verdict {
        match self.verdict {
            Who::Account => Verdict::Account,
            Who::Later => Verdict::Later,
            Who::Recipient => Verdict::Recipient,
            Who::Message => Verdict::Message,
            Who::InDoubt => Verdict::InDoubt,
        }
    }
}

pub(crate) fn problem(code: &str) -> Option<&'static Problem> {
    PROBLEMS.get(code)
}

/// The code itself, where the catalogue has it: codes that were written down may be of another version.
pub(crate) fn known(code: &str) -> Option<&'static str> {
    PROBLEMS.get_key_value(code).map(|(code, _)| code.as_str())
}

/// Every code there is, in alphabetical order.
#[cfg(test)]
pub(crate) fn codes() -> impl Iterator<Item = &'static str> {
    PROBLEMS.keys().map(String::as_str)
}
