//! Reads replies.toml and says which rule holds for a reply.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use acuse_domain::mail_problem::ProblemCode;
use acuse_domain::text::folded;
use aho_corasick::AhoCorasick;
use serde::Deserialize;

use crate::reply::Reply;

static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| {
    let table: Table = toml::from_str(include_str!("replies.toml")).expect("replies.toml is checked by a test");
    Grammar::of(table)
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

/// A reply, ready to be compared: one line of lower-case words without accents, codes and mail addresses, and the codes.
pub(crate) struct Words {
    pub(crate) text: String,
    basic: String,
    enhanced: Option<Enhanced>,
    /// Which wordings of the grammar stand in the text.
    said: Vec<bool>,
}

/// RFC 3463: class, subject, detail.
type Enhanced = (u16, u16, u16);

impl Words {
    pub(crate) fn of(reply: &Reply) -> Self {
        let has_code = reply.code() > 0;
        let lines: Vec<&str> = if has_code { reply.messages().collect() } else { reply.text().lines().collect() };
        let joined = folded(&lines.join(" "));
        let mut enhanced = None;
        let mut text = String::with_capacity(joined.len());
        for word in joined.split_whitespace() {
            let word = without_addresses(word);
            match enhanced_code(&word) {
                // A code inside the text, as qmail writes it, counts; only those that lead a line are taken away.
                Some(code) => {
                    enhanced.get_or_insert(code);
                    if !word.starts_with(|c: char| c.is_ascii_digit()) {
                        push_word(&mut text, &word);
                    }
                }
                None => push_word(&mut text, &word),
            }
        }
        let said = GRAMMAR.wordings_in(&text);
        Self { text, basic: if has_code { reply.code().to_string() } else { String::new() }, enhanced, said }
    }

    /// Whether something stands in the text, at the beginning of a word.
    pub(crate) fn have(&self, part: &str) -> bool {
        self.text.match_indices(part).any(|(at, _)| begins_a_word(&self.text, at, part))
    }
}

fn push_word(text: &mut String, word: &str) {
    if !text.is_empty() && !word.is_empty() {
        text.push(' ');
    }
    text.push_str(word);
}

/// A mail address is a name: «spam@…» or «usuario@…» says nothing of the fault. What encloses it stays.
fn without_addresses(word: &str) -> Cow<'_, str> {
    const ENDS: [char; 15] = ['<', '>', '(', ')', ',', ';', ':', '[', ']', '"', '\'', '`', '«', '»', '|'];
    if !word.contains('@') {
        return Cow::Borrowed(word);
    }
    let is_address = |part: &str| part.find('@').is_some_and(|at| at > 0 && at + 1 < part.len());
    let kept = word.split_inclusive(ENDS).flat_map(|piece| {
        let end = piece.char_indices().last().filter(|(_, c)| ENDS.contains(c)).map_or(piece.len(), |(at, _)| at);
        let (part, end) = piece.split_at(end);
        [if is_address(part) { "" } else { part }, end]
    });
    Cow::Owned(kept.collect())
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

fn begins_a_word(text: &str, at: usize, part: &str) -> bool {
    !part.starts_with(char::is_alphanumeric) || !text[..at].ends_with(char::is_alphanumeric)
}

/// The code of the first rule that holds.
pub(crate) fn code_for(stage: Stage, words: &Words) -> Option<ProblemCode> {
    GRAMMAR.rules.iter().find(|rule| rule.holds(stage, words)).map(|rule| rule.code)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    words: Vocabulary,
    rule: Vec<Row>,
}

type Vocabulary = BTreeMap<String, Vec<String>>;

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
    code: ProblemCode,
    stages: Vec<Stage>,
    any: Vec<Phrase>,
    and: Vec<Phrase>,
    unless: Vec<Phrase>,
    basic: Vec<String>,
    enhanced: Vec<EnhancedRule>,
}

/// Parts that all have to be there, each in one of its wordings (by their place in the lexicon).
struct Phrase(Vec<Vec<usize>>);

/// The rules, and every wording that they name, looked for in one walk through a reply however long it is.
struct Grammar {
    rules: Vec<Rule>,
    lexicon: Vec<String>,
    finder: AhoCorasick,
}

enum EnhancedRule {
    None,
    Code { class: Option<u16>, subject: u16, detail: u16 },
}

impl Grammar {
    fn of(table: Table) -> Self {
        let mut reader = PhraseReader { words: table.words, lexicon: Vec::new(), places: BTreeMap::new() };
        let rules = table.rule.into_iter().map(|row| Rule::new(row, &mut reader)).collect();
        let finder = AhoCorasick::new(&reader.lexicon).expect("the lexicon is far below any limit");
        Self { rules, lexicon: reader.lexicon, finder }
    }

    fn wordings_in(&self, text: &str) -> Vec<bool> {
        let mut said = vec![false; self.lexicon.len()];
        for found in self.finder.find_overlapping_iter(text) {
            let place = found.pattern().as_usize();
            said[place] = said[place] || begins_a_word(text, found.start(), &self.lexicon[place]);
        }
        said
    }
}

/// `quota exceeded`, `sender + not allowed`, `@sender + @unknown`.
struct PhraseReader {
    words: Vocabulary,
    lexicon: Vec<String>,
    places: BTreeMap<String, usize>,
}

impl PhraseReader {
    fn phrases(&mut self, list: &[String]) -> Vec<Phrase> {
        list.iter().map(|one| Phrase(one.split(" + ").map(|part| self.wordings(part)).collect())).collect()
    }

    fn wordings(&mut self, part: &str) -> Vec<usize> {
        let wordings = match part.strip_prefix('@') {
            Some(name) => self.words.get(name).cloned().unwrap_or_default(),
            None => vec![part.to_owned()],
        };
        wordings.into_iter().map(|wording| self.place(wording)).collect()
    }

    /// Servers leave accents out as often as not, so that they count for nothing.
    fn place(&mut self, wording: String) -> usize {
        let wording = wording.split(' ').map(folded).collect::<Vec<_>>().join(" ");
        *self.places.entry(wording).or_insert_with_key(|wording| {
            self.lexicon.push(wording.clone());
            self.lexicon.len() - 1
        })
    }
}

impl Phrase {
    fn is_in(&self, words: &Words) -> bool {
        self.0.iter().all(|wordings| wordings.iter().any(|place| words.said[*place]))
    }
}

impl Rule {
    fn new(row: Row, reader: &mut PhraseReader) -> Self {
        Self {
            code: ProblemCode::parse(&row.code).expect("a test asks for the row of each"),
            stages: row.phases.split_whitespace().filter_map(Stage::parse).collect(),
            any: reader.phrases(&row.any),
            and: reader.phrases(&row.and),
            unless: reader.phrases(&row.unless),
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
            && [&self.any, &self.and].iter().all(|one_of| one_of.is_empty() || one_of.iter().any(|phrase| phrase.is_in(words)))
            && !self.unless.iter().any(|phrase| phrase.is_in(words))
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
        for wordings in table.words.values() {
            assert!(wordings.iter().all(|text| *text == text.to_lowercase() && !text.is_empty()), "{wordings:?}");
        }
        for row in table.rule {
            assert!(ProblemCode::parse(&row.code).is_some(), "{}: it has no row in problems.toml", row.code);
            for phase in row.phases.split_whitespace() {
                assert!(Stage::parse(phase).is_some(), "{}: {phase}", row.code);
            }
            for text in row.any.iter().chain(&row.and).chain(&row.unless) {
                assert_eq!(*text, text.to_lowercase());
                for name in text.split(" + ").filter_map(|part| part.strip_prefix('@')) {
                    assert!(table.words.contains_key(name), "{}: @{name}", row.code);
                }
            }
            for code in row.enhanced.iter().filter(|code| *code != "none") {
                assert!(matches!(enhanced_rule(code), EnhancedRule::Code { .. }), "{code}");
            }
        }
    }

    #[test]
    fn an_address_in_a_reply_is_not_read() {
        let text = |reply: &str| Words::of(&Reply::from_text(reply)).text;
        assert_eq!(text("550 5.1.1 <spam@quota.ec>: User unknown"), "<>: user unknown");
        assert_eq!(text("550 blocked@lista.ec... No such user"), "no such user");
        assert_eq!(text("550 (no-existe@x.ec:blocked) User @ host"), "(:blocked) user @ host");
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
