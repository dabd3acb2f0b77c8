//! Which of somebody's companies is meant by a few letters: of its names, of its RUC, or the initials.

use crate::text::folded;

/// Words that stand in a name and lend no initial: «Hostería Baños del Sol» is also HBS.
const SMALL_WORDS: [&str; 8] = ["de", "del", "la", "las", "el", "los", "y", "e"];
const SHORTEST_INITIALS: usize = 2;

/// How well a company is met, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    BeginningOfName,
    BeginningOfWord,
    Initials,
    BeginningOfRuc,
    WithinName,
    WithinRuc,
}

/// `None` where nothing of the company is like what was typed. Accents and capitals do not matter.
#[must_use]
pub fn matched(typed: &str, names: &[&str], ruc: &str) -> Option<Match> {
    let typed = folded(typed);
    if typed.is_empty() {
        return None;
    }
    let of_names = names.iter().filter_map(|name| of_name(&typed, &folded(name))).min();
    of_names.into_iter().chain(of_ruc(&typed, ruc)).min()
}

fn of_name(typed: &str, name: &str) -> Option<Match> {
    if name.starts_with(typed) {
        return Some(Match::BeginningOfName);
    }
    if words(name).any(|word| name.split_at(offset(name, word)).1.starts_with(typed)) {
        return Some(Match::BeginningOfWord);
    }
    if has_initials(typed, name) {
        return Some(Match::Initials);
    }
    name.contains(typed).then_some(Match::WithinName)
}

fn of_ruc(typed: &str, ruc: &str) -> Option<Match> {
    let digits = typed.replace([' ', '-'], "");
    match ruc.find(&digits).filter(|_| !digits.is_empty())? {
        0 => Some(Match::BeginningOfRuc),
        _ => Some(Match::WithinRuc),
    }
}

fn has_initials(typed: &str, name: &str) -> bool {
    let initials = |with_small: bool| -> String {
        let counted = words(name).filter(|word| with_small || !SMALL_WORDS.contains(word));
        counted.filter_map(|word| word.chars().next()).collect()
    };
    typed.chars().count() >= SHORTEST_INITIALS && [true, false].into_iter().any(|small| initials(small).starts_with(typed))
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// Where a part of a text begins in it (bytes).
fn offset(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

/// Where in a name the letters stand that were typed, for who marks them: from and to, in bytes.
#[must_use]
pub fn place(typed: &str, name: &str) -> Option<(usize, usize)> {
    let typed: Vec<char> = folded(typed).chars().collect();
    let letters: Vec<(usize, char)> =
        name.char_indices().map(|(at, letter)| (at, folded(&letter.to_string()).chars().next().unwrap_or(letter))).collect();
    if typed.is_empty() || letters.len() < typed.len() {
        return None;
    }
    let begins = |from: usize| typed.iter().zip(&letters[from..]).all(|(one, (_, other))| one == other);
    let from = (0..=letters.len() - typed.len()).find(|from| begins(*from))?;
    let end = letters.get(from + typed.len()).map_or(name.len(), |(at, _)| *at);
    Some((letters[from].0, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COTOPAXI: [&str; 2] = ["Distribuidora Cotopaxi Cía. Ltda.", "La Cotopaxi"];

    #[test]
    fn a_company_is_found_by_its_names_its_ruc_and_its_initials() {
        let of = |typed| matched(typed, &COTOPAXI, "1792043182001");
        assert_eq!(of("dist"), Some(Match::BeginningOfName));
        assert_eq!(of("la c"), Some(Match::BeginningOfName));
        assert_eq!(of("CIA"), Some(Match::BeginningOfWord));
        assert_eq!(of("dc"), Some(Match::Initials));
        assert_eq!(of("dcc"), Some(Match::Initials));
        assert_eq!(of("topax"), Some(Match::WithinName));
        assert_eq!(of("1792 043"), Some(Match::BeginningOfRuc));
        assert_eq!(of("182001"), Some(Match::WithinRuc));
        for nothing in ["  ", "-", "xc", "a' OR 1=1", "%"] {
            assert_eq!(of(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn small_words_may_be_left_out_of_initials_and_accents_everywhere() {
        for typed in ["hbs", "hbds", "banos", "BAÑOS"] {
            assert!(matched(typed, &["Hostería Baños del Sol S.A."], "1890744105001").is_some(), "{typed}");
        }
    }

    #[test]
    fn what_was_typed_is_marked_in_the_name_as_it_is_written() {
        let name = "Hostería Baños del Sol";
        let marked = |typed| place(typed, name).map(|(from, to)| &name[from..to]);
        assert_eq!(marked("banos"), Some("Baños"));
        assert_eq!(marked("ría b"), Some("ría B"));
        assert_eq!(marked("sol"), Some("Sol"));
        assert_eq!(marked("hbs"), None);
        assert_eq!(place("ﬁﬁﬁ", "fi"), None);
    }
}
