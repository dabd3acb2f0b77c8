//! What docs/security.md and ARCHITECTURE.md name is there.

use super::{read, root, sources};

/// Words of a test's name at least: shorter ones are settings and columns.
const WORDS_OF_A_NAME: usize = 4;

#[test]
fn every_file_and_test_that_the_pages_of_promises_name_is_there() {
    let (files, tests) = named_by("docs/security.md");
    assert!(files > 100 && tests > 30, "the names were not found: {files} files, {tests} tests");
    let (files, tests) = named_by("ARCHITECTURE.md");
    assert!(files > 60 && tests > 5, "the names were not found: {files} files, {tests} tests");
}

/// How many files and tests the page names, all of which are there.
fn named_by(page: &str) -> (usize, usize) {
    let text = read(&root().join(page));
    let sources = sources();
    let (mut files, mut tests) = (0, 0);
    for word in text.split(|c: char| c.is_whitespace() || "(),;:|".contains(c)) {
        let path = word.trim_end_matches('.').trim_matches('`');
        if ["crates/", "tests/", "scripts/", "docs/"].iter().any(|folder| path.starts_with(folder)) {
            assert!(root().join(path).exists(), "{page} names {path}, which is not there");
            files += 1;
        }
        let name = word.trim_matches('`');
        let is_name = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if name.len() + 2 == word.len() && is_name && name.split('_').count() >= WORDS_OF_A_NAME {
            let head = format!("fn {name}(");
            assert!(sources.iter().any(|source| source.text.contains(&head)), "{page} names {name}, which is no test");
            tests += 1;
        }
    }
    (files, tests)
}
