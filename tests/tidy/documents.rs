//! What is written for people can be read, and names what there is.

use std::fs;

use super::{read, root};

/// Variables that are no settings: of scripts and of one command.
const NO_SETTINGS: [&str; 2] = ["ACUSE_ADVISORY_DB", "ACUSE_MAIL_PASSWORD"];

/// Each page with its path from the root.
fn pages() -> Vec<(String, String)> {
    let mut paths = Vec::new();
    for folder in ["", "docs", "docs/decisions"] {
        for entry in fs::read_dir(root().join(folder)).expect("a folder") {
            let name = entry.expect("an entry").file_name().into_string().expect("a name");
            if name.ends_with(".md") {
                paths.push(if folder.is_empty() { name } else { format!("{folder}/{name}") });
            }
        }
    }
    assert!(paths.len() > 30, "the pages were not found: {paths:?}");
    paths.into_iter().map(|path| (path.clone(), read(&root().join(&path)))).collect()
}

/// Its lines with their numbers, and whether each is code.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str, bool)> {
    let mut is_code = false;
    text.lines().enumerate().map(move |(number, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        (number + 1, line, is_code || is_fence)
    })
}

#[test]
fn a_heading_stands_apart_and_a_table_is_one() {
    for (path, text) in pages() {
        let mut before = "";
        for (number, line, is_code) in lines(&text) {
            if is_code {
                before = "```";
                continue;
            }
            let at = format!("{path}:{number}: {line}");
            let is_heading = line.starts_with('#');
            assert!(!is_heading || before.is_empty(), "no blank line before a heading: {at}");
            assert!(number == 1 || !line.is_empty() || !before.is_empty(), "two blank lines: {at}");
            let is_row = line.starts_with('|');
            let begins_a_table = is_row && !before.starts_with('|');
            let is_head = text.lines().nth(number).is_some_and(|next| next.starts_with("|-") || next.starts_with("|:"));
            assert!(!begins_a_table || is_head, "a row of no table: {at}");
            before = line;
        }
        assert!(!text.contains("<<<<<<<") && !text.contains(">>>>>>>"), "{path}: a merge was not finished");
    }
}

#[test]
fn no_line_and_no_heading_is_there_twice() {
    for (path, text) in pages() {
        let mut seen = Vec::new();
        for (number, line, is_code) in lines(&text) {
            let is_long = line.chars().count() > 40 || line.starts_with('#');
            if is_code || !is_long {
                continue;
            }
            assert!(!seen.contains(&line), "{path}:{number}: a second time: {line}");
            seen.push(line);
        }
    }
}

#[test]
fn the_settings_that_pages_name_are_settings() {
    let defaults = read(&root().join("crates/acuse/acuse.default.toml"));
    let settings: Vec<&str> = defaults.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect();
    let mut found = 0;
    for (path, text) in pages() {
        for rest in text.split("ACUSE_").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
            // `ACUSE_…` and `ACUSE_API_RATE(_WITHOUT_TOKEN)` stand for names.
            if name.is_empty() {
                continue;
            }
            let is_known = settings.contains(&name.to_lowercase().as_str()) || NO_SETTINGS.contains(&&*format!("ACUSE_{name}"));
            assert!(is_known, "{path} names ACUSE_{name}, which is no setting");
            found += 1;
        }
    }
    assert!(found > 40, "they were not found: {found}");
}

#[test]
fn a_link_leads_to_a_file_that_is_there() {
    let mut followed = 0;
    for (path, text) in pages() {
        let folder = root().join(&path).parent().expect("a folder").to_path_buf();
        for rest in text.split("](").skip(1) {
            let target = rest.split([')', '#']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.contains(' ') {
                continue;
            }
            assert!(folder.join(target).exists(), "{path} leads to {target}, which is not there");
            followed += 1;
        }
    }
    assert!(followed > 15, "{followed}");
}

#[test]
fn decisions_are_headed_by_the_number_of_their_file() {
    for (path, text) in pages().into_iter().filter(|(path, _)| path.starts_with("docs/decisions/0")) {
        let number = &path["docs/decisions/".len()..][..4];
        let title = text.lines().next().unwrap_or_default();
        assert!(title.starts_with(&format!("# {number}: ")), "{path}: {title}");
    }
}
