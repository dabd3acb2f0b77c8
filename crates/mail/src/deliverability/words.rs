//! What a finding says to people (deliverability.toml).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use acuse_domain::message::Language;

static WORDS: LazyLock<BTreeMap<String, Row>> =
    LazyLock::new(|| toml::from_str(include_str!("../deliverability.toml")).expect("deliverability.toml is checked by a test"));

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    es: Texts,
    en: Texts,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    title: String,
    meaning: String,
}

type Values = BTreeMap<&'static str, String>;

/// The code itself where it has no words: a test sees to it that it has.
pub(super) fn title(code: &str, values: &Values, language: Language) -> String {
    texts(code, language).map_or_else(|| code.to_owned(), |texts| filled(&texts.title, values, language))
}

pub(super) fn meaning(code: &str, values: &Values, language: Language) -> String {
    texts(code, language).map_or_else(String::new, |texts| filled(&texts.meaning, values, language))
}

fn texts(code: &str, language: Language) -> Option<&'static Texts> {
    let row = WORDS.get(code)?;
    Some(match language {
        Language::Spanish => &row.es,
        Language::English => &row.en,
    })
}

/// `{names}` in the text, each filled once: what stands in a value is not looked into again. Only a server may be unknown.
fn filled(text: &str, values: &Values, language: Language) -> String {
    let unknown = match language {
        Language::Spanish => "su servidor",
        Language::English => "your server",
    };
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(before);
        filled.push_str(values.get(name).map_or(unknown, String::as_str));
        rest = tail;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_reads_well() {
        let known = ["domain", "server", "provider", "term", "count", "selector", "selectors", "bits", "policy", "host"];
        let values: Values = known.into_iter().map(|name| (name, format!("«{name}»"))).collect();
        for (code, row) in WORDS.iter() {
            for text in [&row.es.title, &row.es.meaning, &row.en.title, &row.en.meaning] {
                let said = filled(text, &values, Language::Spanish);
                assert!(said.len() > 2 && !said.contains(['{', '}', '[', ']']) && !said.contains("  "), "{code}: {said}");
                let names = text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
                names.for_each(|name| assert!(known.contains(&name), "{code}: {name}"));
            }
        }
    }

    #[test]
    fn a_value_is_never_read_as_a_text() {
        let values: Values = [("term", "{domain}".to_owned()), ("domain", "x.ec".to_owned())].into();
        assert_eq!(filled("a {term} b {domain}", &values, Language::Spanish), "a {domain} b x.ec");
    }
}
