//! Reads replies.toml and says which rule holds for a reply.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::reply::Reply;

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let table: Table = toml::from_str(include_str!("replies.toml")).expect("replies.toml is checked by a test");
    table.rule.into_iter().map(Rule::from).collect()
});

/// Where a reply was seen, finer than what is shown as a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Connect,
    Tls,
    Greeting,
    Ehlo,
    StartTls,
    Auth,
    OAuth,
    Sender,
    Recipient,
    Message,
}

impl Stage {
    const ALL: [Stage; 10] = [
        Self::Connect,
        Self::Tls,
        Self::Greeting,
        Self::Ehlo,
        Self::StartTls,
        Self::Auth,
        Self::OAuth,
        Self::Sender,
        Self::Recipient,
        Self::Message,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Greeting => "greeting",
            Self::Ehlo => "ehlo",
            Self::StartTls => "starttls",
            Self::Auth => "auth",
            Self::OAuth => "oauth",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Message => "message",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "dns" {
            return Some(Self::Connect);
        }
        Self::ALL.into_iter().find(|stage| stage.as_str() == text)
    }
}

/// A reply, ready to be compared: one line of lower-case words without codes, and the codes.
pub(crate) struct Words {
    pub(crate) text: String,
    basic: String,
    enhanced: Option<Enhanced>,
}

/// RFC 3463: class, subject, detail.
type Enhanced = (u16, u16, u16);

impl Words {
    pub(crate) fn of(reply: &Reply) -> Self {
        let has_code = reply.code() > 0;
        let lines: Vec<&str> = if has_code { reply.messages().collect() } else { reply.text().lines().collect() };
        let joined = lines.join(" ").to_lowercase();
        let mut enhanced = None;
        let mut text = String::with_capacity(joined.len());
        for word in joined.split_whitespace() {
            match enhanced_code(word) {
                // A code inside the text, as qmail writes it, counts; only those that lead a line are taken away.
                Some(code) => {
                    enhanced.get_or_insert(code);
                    if !word.starts_with(|c: char| c.is_ascii_digit()) {
                        push_word(&mut text, word);
                    }
                }
                None => push_word(&mut text, word),
            }
        }
        Self { text, basic: if has_code { reply.code().to_string() } else { String::new() }, enhanced }
    }

    /// Whether all parts of a phrase (joined by « + ») stand in the text, each at the beginning of a word.
    pub(crate) fn have(&self, phrase: &[String]) -> bool {
        phrase.iter().all(|part| stands_in(&self.text, part))
    }
}

fn push_word(text: &mut String, word: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(word);
}

/// `5.1.1`, also as `(#5.1.1)`, `#5.1.1` or `'5.1.1`; not an address such as `5.1.1.9`.
fn enhanced_code(word: &str) -> Option<Enhanced> {
    let bare = word.trim_matches(|c: char| !c.is_ascii_digit());
    let mut numbers = bare.split('.');
    let mut next = |longest: usize| {
        let number = numbers.next()?;
        (1..=longest).contains(&number.len()).then(|| number.parse::<u16>().ok()).flatten()
    };
    let (class, subject, detail) = (next(1)?, next(3)?, next(3)?);
    (matches!(class, 2 | 4 | 5) && numbers.next().is_none()).then_some((class, subject, detail))
}

fn stands_in(text: &str, part: &str) -> bool {
    let begins_like_a_word = part.starts_with(char::is_alphanumeric);
    text.match_indices(part).any(|(at, _)| !begins_like_a_word || !text[..at].ends_with(char::is_alphanumeric))
}

/// The code of the first rule that holds.
pub(crate) fn code_for(stage: Stage, words: &Words) -> Option<&'static str> {
    RULES.iter().find(|rule| rule.holds(stage, words)).map(|rule| rule.code.as_str())
}

#[cfg(test)]
pub(crate) fn codes() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.code.as_str())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    rule: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    code: String,
    #[serde(default)]
    phases: String,
    #[serde(default)]
    any: Vec<String>,
    #[serde(default)]
    and: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    #[serde(default)]
    basic: Vec<String>,
    #[serde(default)]
    enhanced: Vec<String>,
}

struct Rule {
    code: String,
    stages: Vec<Stage>,
    any: Vec<Vec<String>>,
    and: Vec<Vec<String>>,
    unless: Vec<Vec<String>>,
    basic: Vec<String>,
    enhanced: Vec<EnhancedRule>,
}

enum EnhancedRule {
    None,
    Code { class: Option<u16>, subject: u16, detail: u16 },
}

impl From<Row> for Rule {
    fn from(row: Row) -> Self {
        let phrases = |list: Vec<String>| list.iter().map(|one| one.split(" + ").map(str::to_owned).collect()).collect();
        Self {
            code: row.code,
            stages: row.phases.split_whitespace().filter_map(Stage::parse).collect(),
            any: phrases(row.any),
            and: phrases(row.and),
            unless: phrases(row.unless),
            basic: row.basic,
            enhanced: row.enhanced.iter().map(|code| enhanced_rule(code)).collect(),
        }
    }
}

fn enhanced_rule(text: &str) -> EnhancedRule {
    let mut parts = text.split('.').map(|part| part.parse::<u16>().ok());
    match (parts.next(), parts.next().flatten(), parts.next().flatten()) {
        (Some(class), Some(subject), Some(detail)) => EnhancedRule::Code { class, subject, detail },
        _ => EnhancedRule::None,
    }
}

impl Rule {
    fn holds(&self, stage: Stage, words: &Words) -> bool {
        (self.stages.is_empty() || self.stages.contains(&stage))
            && (self.basic.is_empty() || self.basic.iter().any(|begin| words.basic.starts_with(begin.as_str())))
            && (self.enhanced.is_empty() || self.enhanced.iter().any(|rule| rule.holds(words.enhanced)))
            && [&self.any, &self.and].iter().all(|one_of| one_of.is_empty() || one_of.iter().any(|phrase| words.have(phrase)))
            && !self.unless.iter().any(|phrase| words.have(phrase))
    }
}

impl EnhancedRule {
    fn holds(&self, code: Option<Enhanced>) -> bool {
        match (self, code) {
            (Self::None, None) => true,
            (Self::Code { class, subject, detail }, Some((c, s, d))) => {
                class.is_none_or(|class| class == c) && *subject == s && *detail == d
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_says_where_it_holds_and_every_pattern_is_lower_case() {
        let table: Table = toml::from_str(include_str!("replies.toml")).unwrap();
        for row in table.rule {
            for phase in row.phases.split_whitespace() {
                assert!(Stage::parse(phase).is_some(), "{}: {phase}", row.code);
            }
            for text in row.any.iter().chain(&row.and).chain(&row.unless) {
                assert_eq!(*text, text.to_lowercase());
            }
            for code in row.enhanced.iter().filter(|code| *code != "none") {
                assert!(matches!(enhanced_rule(code), EnhancedRule::Code { .. }), "{code}");
            }
        }
    }

    #[test]
    fn codes_are_found_wherever_servers_put_them() {
        let code = |text: &str| Words::of(&Reply::from_text(text)).enhanced;
        assert_eq!(code("550 5.1.1 x"), Some((5, 1, 1)));
        assert_eq!(code("550 #5.1.0 Address rejected"), Some((5, 1, 0)));
        assert_eq!(code("553 sorry (#5.7.1)"), Some((5, 7, 1)));
        assert_eq!(code("550 blocked 5.1.1.9 x"), None);
        assert_eq!(code("534-5.7.9 a\n534 5.7.9  b"), Some((5, 7, 9)));
        assert_eq!(Words::of(&Reply::from_text("534-5.7.9 Go on\n534 5.7.9  Here")).text, "go on here");
    }
}
