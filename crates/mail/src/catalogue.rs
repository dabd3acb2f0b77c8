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
    whose: Option<Whose>,
    field: Option<AccountField>,
    #[serde(default)]
    certainty: Certainty,
    pub(crate) es: Texts,
    pub(crate) en: Texts,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Texts {
    pub(crate) title: String,
    /// For a row of a list, which keeps to one line; the pages' language has one of every problem.
    pub(crate) short: Option<String>,
    /// For who waits at Probar.
    fix: Vec<String>,
    /// For what waits in the queue, where that differs.
    fix_queue: Option<Vec<String>>,
}

impl Texts {
    pub(crate) fn fix(&self, situation: Situation) -> &[String] {
        match (situation, &self.fix_queue) {
            (Situation::Queue, Some(fix)) => fix,
            _ => &self.fix,
        }
    }
}

/// Who reads what is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Situation {
    /// A person waits at Probar: nothing goes on by itself.
    #[default]
    Check,
    /// A message waits in the queue, or its account rests.
    Queue,
}

/// Whose fault a problem is, and so who has to act: the one answer for every page, button, notice and the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The account that sends, its sender, its limits or this machine.
    Account,
    /// The address it is for.
    Recipient,
    /// This message.
    Message,
    /// Nobody's: it passes.
    Nobody,
}

/// Whose fault a code of the catalogue is. A code that is not known any more is nobody's.
#[must_use]
pub fn whose_fault(code: &str) -> Whose {
    problem(code).map_or(Whose::Nobody, Problem::whose)
}

/// A field of an account's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountField {
    Server,
    Port,
    Security,
    Username,
    Password,
    Sender,
    /// Of the message that tries the account.
    Recipient,
}

/// Which field a problem points to.
#[must_use]
pub fn field_of(code: &str) -> Option<AccountField> {
    problem(code)?.field
}

/// How much one failure says of the account it was met with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    #[default]
    Certain,
    /// A sound account meets it now and then.
    Doubtful,
    /// The server is out of reach, or not itself: it may be back in a minute.
    Unreachable,
}

/// Of a code that is not known any more nothing is doubted.
#[must_use]
pub fn certainty(code: &str) -> Certainty {
    problem(code).map_or(Certainty::Certain, |problem| problem.certainty)
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

    fn whose(&self) -> Whose {
        self.whose.unwrap_or(match self.verdict {
            Who::Account => Whose::Account,
            Who::Recipient => Whose::Recipient,
            Who::Message => Whose::Message,
            Who::Later | Who::InDoubt => Whose::Nobody,
        })
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
pub fn codes() -> impl Iterator<Item = &'static str> {
    PROBLEMS.keys().map(String::as_str)
}
