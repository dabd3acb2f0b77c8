//! The commands that the documents tell people to type are commands, with the options that they show.

use crate::installation::Installation;

const PAGES: [(&str, &str); 7] = [
    ("README.md", include_str!("../../README.md")),
    ("README.es.md", include_str!("../../README.es.md")),
    ("SECURITY.md", include_str!("../../SECURITY.md")),
    ("CHANGELOG.md", include_str!("../../CHANGELOG.md")),
    ("docs/operar.md", include_str!("../../docs/operar.md")),
    ("docs/exportar.md", include_str!("../../docs/exportar.md")),
    ("docs/api-design.md", include_str!("../../docs/api-design.md")),
];

/// What stands after `acuse ` in code, each line and each span by itself; what a line is continued with belongs to it.
fn commands(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let joined = page.replace("\\\n", " ");
    let mut is_code = false;
    for line in joined.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        } else if is_code {
            found.extend(line.split(" · ").filter_map(|part| part.trim().strip_prefix("acuse ")).map(str::to_owned));
        } else {
            let spans = line.split('`').skip(1).step_by(2);
            found.extend(spans.filter_map(|span| span.strip_prefix("acuse ")).map(str::to_owned));
        }
    }
    found
}

/// `user list|role` is two commands; words that are no subcommand, and what follows `#`, are values.
fn words(command: &str) -> Vec<Vec<String>> {
    let command = command.split(" #").next().unwrap_or_default();
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    for word in command.split_whitespace().take_while(|word| !word.contains('>')) {
        let is_option = word.trim_start_matches('[').starts_with('-');
        let choices = if is_option { vec![word] } else { word.split('|').collect() };
        all = choices
            .iter()
            .flat_map(|choice| all.iter().map(|so_far| [so_far.clone(), vec![(*choice).to_owned()]].concat()))
            .collect();
    }
    all
}

#[test]
fn every_command_that_the_documents_show_is_there_with_its_options() {
    let installation = Installation::empty();
    let mut tried = 0;
    for (page, text) in PAGES {
        for command in commands(text) {
            for words in words(&command) {
                let names: Vec<&str> = words.iter().map(String::as_str).take_while(|word| is_name(word)).take(2).collect();
                let help = help_of(&installation, &names);
                let help = help.unwrap_or_else(|| panic!("{page} shows «acuse {command}», and there is no {names:?}"));
                for option in words.iter().map(|word| word.trim_matches(['[', ']'])).filter(|word| word.starts_with("--")) {
                    let option = option.split(['=', '|', ']']).next().unwrap_or_default();
                    assert!(help.contains(option), "{page} shows «acuse {command}», which has no {option}:\n{help}");
                    tried += 1;
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 80, "they were not found: {tried}");
}

fn is_name(word: &str) -> bool {
    !word.is_empty() && !word.starts_with('-') && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

fn help_of(installation: &Installation, names: &[&str]) -> Option<String> {
    let mut named = names.to_vec();
    named.push("--help");
    let output = installation.command(&named).output().expect("the binary starts");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
