//! Makes Rust of problems.toml: the codes as an enum, and a row for each.

use std::path::Path;
use std::{env, fs};

use toml::{Table, Value};

pub fn make() {
    println!("cargo::rerun-if-changed=src/problems.toml");
    let text = fs::read_to_string("src/problems.toml").expect("problems.toml is there");
    let table: Table = toml::from_str(&text).expect("problems.toml is TOML");
    let row = |(code, row): (&String, &Value)| row_of(code, row.as_table().expect("each code has a row"));
    let variants: Vec<String> = table.keys().map(|code| camel_case(code)).collect();
    let rows: Vec<String> = table.iter().map(row).collect();
    let generated = format!(
        "/// What a problem is known by: in the API, on record and here. In alphabetical order.\n\
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]\n\
        pub enum ProblemCode {{\n    {},\n}}\n\n\
        impl ProblemCode {{\n    pub const ALL: [Self; {count}] = [Self::{}];\n}}\n\n\
        static ROWS: [MailProblem; {count}] = [\n    {},\n];\n",
        variants.join(",\n    "),
        variants.join(", Self::"),
        rows.join(",\n    "),
        count = rows.len(),
    );
    let out = env::var_os("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("problem_code.rs"), generated).expect("the code is written");
}

/// A column that is not named here, or holds a value of another kind, does not build.
fn row_of(code: &str, row: &Table) -> String {
    refuse_others(code, row, &["verdict", "whose", "field", "certainty", "temporary", "try_ports", "connect", "es", "en"]);
    let choice = |column: &str, kind: &str| optional(row.get(column), |value| format!("{kind}::{}", camel_case(text(value))));
    let texts = |language: &str| texts_of(code, row[language].as_table().expect("es and en are tables"));
    format!(
        "MailProblem {{ name: {code:?}, verdict: Verdict::{}, whose: {}, field: {}, certainty: {}, temporary: {}, try_ports: {}, \
        connect: {}, es: {}, en: {} }}",
        camel_case(text(&row["verdict"])),
        choice("whose", "Whose"),
        choice("field", "AccountField"),
        choice("certainty", "Certainty"),
        row.get("temporary").is_some_and(|value| value.as_bool().expect("temporary is true or false")),
        choice("try_ports", "TryPorts"),
        choice("connect", "Connect"),
        texts("es"),
        texts("en"),
    )
}

fn texts_of(code: &str, texts: &Table) -> String {
    refuse_others(code, texts, &["title", "short", "silence", "fix", "fix_queue"]);
    let one = |column: &str| optional(texts.get(column), |value| format!("{:?}", text(value)));
    format!(
        "Texts {{ title: {:?}, short: {}, silence: {}, fix: {}, fix_queue: {} }}",
        text(&texts["title"]),
        one("short"),
        one("silence"),
        list(&texts["fix"]),
        optional(texts.get("fix_queue"), list),
    )
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn list(value: &Value) -> String {
    format!("&{:?}", value.as_array().expect("a list").iter().map(text).collect::<Vec<_>>())
}

fn optional(value: Option<&Value>, written: impl FnOnce(&Value) -> String) -> String {
    value.map_or_else(|| "None".to_owned(), |value| format!("Some({})", written(value)))
}

/// `mailbox_full` is `MailboxFull`.
fn camel_case(code: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    code.split('_').map(capital).collect()
}

fn refuse_others(code: &str, table: &Table, known: &[&str]) {
    for column in table.keys() {
        assert!(known.contains(&column.as_str()), "{code}: there is no column «{column}»");
    }
}
