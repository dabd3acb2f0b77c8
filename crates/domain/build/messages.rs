//! Makes a function of every row of messages.toml: its placeholders are the arguments. A row that lacks a language, or whose
//! languages name different placeholders, ends the build.

use std::fmt::Write;
use std::{env, fs};

const TABLE: &str = "src/messages.toml";

pub fn make() {
    println!("cargo::rerun-if-changed={TABLE}");
    let table: toml::Table = fs::read_to_string(TABLE).expect("messages.toml is there").parse().expect("messages.toml is TOML");
    let mut functions = String::new();
    let mut rows = format!("pub(super) static ROWS: [Row; {}] = [\n", table.len());
    for (at, (name, row)) in table.iter().enumerate() {
        let row = read(name, row.as_table().unwrap_or_else(|| panic!("{name} is no row")));
        writeln!(
            rows,
            "    Row {{ name: {name:?}, code: {:?}, spanish: {:?}, short: {:?}, english: {:?} }},",
            row.code, row.spanish, row.short, row.english
        )
        .expect("a String grows");
        functions.push_str(&function(at, name, &row));
    }
    let made = format!("{rows}];\n\n{functions}");
    let folder = env::var("OUT_DIR").expect("cargo says where");
    fs::write(format!("{folder}/messages.rs"), made).expect("cargo's folder can be written");
}

struct Row<'a> {
    code: &'a str,
    spanish: &'a str,
    short: Option<&'a str>,
    english: &'a str,
    placeholders: Vec<&'a str>,
}

fn read<'a>(name: &'a str, row: &'a toml::Table) -> Row<'a> {
    let column = |column: &str| row.get(column).and_then(|value| value.as_str());
    let text = |language: &str| column(language).unwrap_or_else(|| panic!("{name} has no {language}"));
    assert!(
        row.keys().all(|key| ["code", "es", "short_es", "en"].contains(&key.as_str())),
        "{name} has a column that nobody reads"
    );
    let (spanish, english) = (text("es"), text("en"));
    let (placeholders, mut of_english) = (placeholders(spanish), placeholders(english));
    let mut of_spanish = placeholders.clone();
    of_spanish.sort_unstable();
    of_english.sort_unstable();
    assert_eq!(of_spanish, of_english, "{name}: the languages name different placeholders");
    let short = column("short_es");
    for one in short.map(self::placeholders).unwrap_or_default() {
        assert!(placeholders.contains(&one), "{name}: its short form has a placeholder of its own");
    }
    Row { code: column("code").unwrap_or(name), spanish, short, english, placeholders }
}

fn function(at: usize, name: &str, row: &Row<'_>) -> String {
    let each = |write: fn(&str) -> String| row.placeholders.iter().map(|one| write(one)).collect::<Vec<_>>().join(", ");
    let parameters = each(|one| format!("{one}: impl Into<Value>"));
    let values = each(|one| format!("({one:?}, {one}.into())"));
    let documentation = format!("/// {}\n#[must_use]\n", row.spanish);
    format!("{documentation}pub fn {name}({parameters}) -> Message {{\n    Message::new(&ROWS[{at}], vec![{values}])\n}}\n\n")
}

/// In the order in which they stand, each once.
fn placeholders(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for part in text.split('{').skip(1) {
        let (name, _) = part.split_once('}').unwrap_or_else(|| panic!("a brace is open: {text}"));
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
