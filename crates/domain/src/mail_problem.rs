//! What can go wrong with a mail account, and whose it is to mend: the rows of problems.toml.

use std::fmt;

use crate::delivery::Verdict;

include!(concat!(env!("OUT_DIR"), "/problem_code.rs"));

/// A row of problems.toml, where each column is explained.
#[derive(Debug)]
pub struct MailProblem {
    name: &'static str,
    /// Who has to act, where the server's reply says no more of it.
    pub verdict: Verdict,
    whose: Option<Whose>,
    pub field: Option<AccountField>,
    certainty: Option<Certainty>,
    pub temporary: bool,
    pub try_ports: Option<TryPorts>,
    pub connect: Option<Connect>,
    pub es: Texts,
    pub en: Texts,
}

#[derive(Debug)]
pub struct Texts {
    pub title: &'static str,
    /// For a row of a list, which keeps to one line; the pages' language has one of every problem.
    pub short: Option<&'static str>,
    pub silence: Option<&'static str>,
    /// For who waits at Probar.
    pub fix: &'static [&'static str],
    /// For what waits in the queue, where that differs.
    pub fix_queue: Option<&'static [&'static str]>,
}

/// Whose fault a problem is, and so who has to act: the one answer for every page, button, notice and the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// A field of an account's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// How much one failure says of the account it was met with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    Certain,
    /// A sound account meets it now and then.
    Doubtful,
    /// The server is out of reach, or not itself: it may be back in a minute.
    Unreachable,
}

/// Where a check looks whether the server answers at its usual ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryPorts {
    Always,
    /// Where the connection is not encrypted.
    InClear,
}

/// What connecting the account with its provider does about a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connect {
    /// It mends a connection that was there.
    Again,
    /// It takes the place of a password.
    Instead,
}

impl ProblemCode {
    #[must_use]
    pub fn row(self) -> &'static MailProblem {
        &ROWS[self as usize]
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// Nothing of a code of another version: what is on record may be older or newer.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }

    #[must_use]
    pub fn certainty(self) -> Certainty {
        self.row().certainty.unwrap_or(Certainty::Certain)
    }

    #[must_use]
    pub fn whose_fault(self) -> Whose {
        self.row().whose.unwrap_or(match self.row().verdict {
            Verdict::Account => Whose::Account,
            Verdict::Recipient => Whose::Recipient,
            Verdict::Message => Whose::Message,
            Verdict::Later | Verdict::InDoubt => Whose::Nobody,
        })
    }
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
