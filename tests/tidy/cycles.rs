//! No two modules of a crate know each other, save those that the list names.

use std::collections::{BTreeMap, BTreeSet};

use super::{Source, sources};

/// Modules side by side that know each other in a circle: their parent, the modules, and why they do. A line may shrink or
/// go, never grow or come.
const CYCLES: [(&str, &[&str], &str); 13] = [
    ("acuse", &["failure", "master_key"], "why a key file does not fit is worded beside what reads it"),
    ("domain", &["contact", "document", "number", "payment"], "a contact knows its methods, a payment its documents and numbers"),
    ("domain", &["delivery", "mail_problem"], "a problem's verdict decides of the delivery, whose record names it"),
    ("domain::payment", &["error", "line"], "an error names the line's method"),
    ("mail", &["authentication", "diagnosis", "failure", "opening", "session"], "a failure keeps what the session saw"),
    ("server", &["api", "docs"], "the API serves its own description"),
    ("server", &["app", "client_address", "metrics"], "an address is read by the app's settings"),
    ("server::api", &["body", "json", "patch"], "a patch is a body that is read as JSON"),
    (
        "server::web",
        &["carried", "contacts", "deliveries", "frame", "login", "payments"],
        "a form outlives its session, and is sent on after the login",
    ),
    ("server::web", &["page", "trouble"], "trouble is shown in a page, which may meet some"),
    ("server::web::mail_accounts", &["cards", "policy"], "the policy's answer is the list of cards"),
    ("server::web::payments", &["doubts", "new", "parse_form"], "a doubt is asked in the form that it was typed in"),
    ("server", &["access", "route", "web"], "who may not is shown a page, and a page is a route"),
];

/// Who changes one of two modules that know each other has to read both. A module and those inside it are one thing.
#[test]
fn no_modules_know_each_other_in_a_circle() {
    let mut known = BTreeMap::new();
    for source in sources().iter().filter(|source| !source.is_test() && source.crate_name() != "testkit") {
        known.entry(source.crate_name().to_owned()).or_insert_with(Vec::new).push((module(&source.path), uses(source)));
    }
    let mut found = BTreeSet::new();
    for (crate_name, modules) in known {
        for (parent, circle) in circles(&modules) {
            let parent = [vec![crate_name.clone()], parent].concat().join("::");
            let is_listed = |(own, listed, _): &(&str, &[&str], &str)| {
                *own == parent && circle.iter().all(|module| listed.contains(&module.as_str()))
            };
            let line = CYCLES.iter().position(is_listed);
            found.insert(line.unwrap_or_else(|| panic!("{parent}: {circle:?} know each other; turn one of the arrows")));
        }
    }
    for (line, (parent, modules, _)) in CYCLES.iter().enumerate() {
        assert!(found.contains(&line), "{parent}: {modules:?} know each other no more: take them off the list");
    }
}

/// `["web", "payments"]` of `crates/server/src/web/payments.rs`.
fn module(path: &str) -> Vec<String> {
    let inside = path.split('/').skip(3).collect::<Vec<_>>().join("/");
    let inside = inside.trim_end_matches(".rs");
    if matches!(inside, "lib" | "main") { Vec::new() } else { inside.split('/').map(str::to_owned).collect() }
}

/// What a file names of its own crate, from the crate's root.
fn uses(source: &Source) -> Vec<Vec<String>> {
    let code = source.code().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
    let here = module(&source.path);
    let mut found = Vec::new();
    for root in ["crate::", "super::"] {
        for (start, _) in code.match_indices(root) {
            if !code[..start].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '$')) {
                read_path(&code[start..], &[], &mut found);
            }
        }
    }
    let from_root = |path: Vec<&str>| {
        let up = path.iter().take_while(|name| **name == "super").count();
        let above = if up == 0 { &[][..] } else { &here[..here.len().saturating_sub(up)] };
        above.iter().cloned().chain(path[up.max(1)..].iter().map(|name| (*name).to_owned())).collect()
    };
    found.into_iter().map(from_root).collect()
}

/// Reads a path, or the tree of a `use`, and gives what follows it.
fn read_path<'a>(text: &'a str, before: &[&'a str], found: &mut Vec<Vec<&'a str>>) -> &'a str {
    let Some(mut rest) = text.strip_prefix('{') else {
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        let path = [before, &[&text[..end]]].concat();
        return match text[end..].strip_prefix("::") {
            Some(rest) => read_path(rest, &path, found),
            None => {
                found.push(path);
                &text[end..]
            }
        };
    };
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if rest.is_empty() || rest.starts_with('}') {
            return rest.get(1..).unwrap_or_default();
        }
        let after = read_path(rest, before, found);
        rest = &after[after.find([',', '}']).unwrap_or(after.len())..];
    }
}

/// Children of one module that reach each other, with that module.
fn circles(modules: &[(Vec<String>, Vec<Vec<String>>)]) -> BTreeSet<(Vec<String>, Vec<String>)> {
    let all: BTreeSet<&[String]> = modules.iter().map(|(module, _)| module.as_slice()).collect();
    let mut arrows: BTreeMap<&[String], BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for (from, uses) in modules {
        for path in uses {
            let to = (0..=path.len()).rev().map(|end| &path[..end]).find(|to| all.contains(to)).unwrap_or_default();
            let common = from.iter().zip(to).take_while(|(one, other)| one == other).count();
            if let (Some(one), Some(other)) = (from.get(common), to.get(common)) {
                arrows.entry(&from[..common]).or_default().entry(one).or_default().insert(other);
            }
        }
    }
    let mut found = BTreeSet::new();
    for (parent, arrows) in arrows {
        let reached: BTreeMap<&str, BTreeSet<&str>> = arrows.keys().map(|from| (*from, reached_from(from, &arrows))).collect();
        for (one, theirs) in reached.iter().filter(|(one, theirs)| theirs.contains(*one)) {
            let circle = theirs.iter().filter(|other| reached.get(*other).is_some_and(|back| back.contains(one)));
            found.insert((parent.to_vec(), circle.map(|module| (*module).to_owned()).collect()));
        }
    }
    found
}

fn reached_from<'a>(from: &'a str, arrows: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        let to = arrows.get(module).into_iter().flatten();
        next.extend(to.filter(|module| reached.insert(**module)));
    }
    reached
}
