//! What others wrote: where it comes from, and under what terms. The lists are deny.toml's, which cargo-deny reads too
//! (scripts/supply_chain.sh).

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use spdx::{Expression, ParseMode};

use super::{read, root};

fn allowed() -> Vec<String> {
    let settings: toml::Table = read(&root().join("deny.toml")).parse().expect("TOML");
    let list = settings["licenses"]["allow"].as_array().expect("a list");
    list.iter().map(|licence| licence.as_str().expect("a licence").to_owned()).collect()
}

/// Whether what is allowed is enough for the expression, as SPDX and Cargo write it.
fn may_be_used(expression: &str, allowed: &[String]) -> bool {
    let read = Expression::parse_mode(expression, ParseMode::LAX);
    read.is_ok_and(|expression| expression.evaluate(|asked| allowed.contains(&asked.to_string())))
}

fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    let output =
        command.args(["metadata", "--locked", "--format-version", "1"]).current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

#[test]
fn every_crate_is_of_crates_io_and_under_a_licence_that_we_know() {
    let (allowed, mut seen) = (allowed(), 0);
    for package in packages() {
        let name = format!("{} {}", package["name"].as_str().unwrap_or("?"), package["version"].as_str().unwrap_or("?"));
        let source = package["source"].as_str();
        let is_ours = source.is_none() && package["publish"].as_array().is_some_and(Vec::is_empty);
        let is_from_the_registry = source == Some("registry+https://github.com/rust-lang/crates.io-index");
        assert!(is_ours || is_from_the_registry, "{name} comes from {source:?}");
        let licence = package["license"].as_str().unwrap_or_else(|| panic!("{name} names no licence"));
        assert!(may_be_used(licence, &allowed), "{name} is under {licence}: see deny.toml");
        seen += 1;
    }
    assert!(seen > 300, "the crates were not found: {seen}");
    let foreign = ["GPL-3.0-only", "MIT AND GPL-3.0-only", "AGPL-3.0-or-later", "SSPL-1.0", "no-licence"];
    assert!(!foreign.iter().any(|licence| may_be_used(licence, &allowed)), "the check lets everything pass");
}

#[test]
fn every_npm_package_is_pinned_by_its_content_and_under_a_licence_that_we_know() {
    // Of fonts, which are passed on with their licence beside them.
    let allowed: Vec<String> = allowed().into_iter().chain(["OFL-1.1".to_owned()]).collect();
    let lock: Value = serde_json::from_str(&read(&root().join("web/package-lock.json"))).expect("JSON");
    let packages = lock["packages"].as_object().expect("packages");
    assert!(packages.len() > 20, "the packages were not found");
    for (path, package) in packages.iter().filter(|(path, _)| !path.is_empty()) {
        assert!(package["integrity"].as_str().is_some_and(|sum| sum.starts_with("sha512-")), "{path} has no checksum");
        let licence = package["license"].as_str().unwrap_or_else(|| panic!("{path} names no licence"));
        // npm's old name for it.
        let licence = licence.replace("BSD-0-Clause", "0BSD");
        assert!(may_be_used(&licence, &allowed), "{path} is under {licence}");
    }
}

#[test]
fn the_tools_that_look_after_crates_are_pinned() {
    let script = read(&root().join(Path::new("scripts/supply_chain.sh")));
    assert!(
        script.contains("\nCARGO_DENY=") && script.contains("--locked \"cargo-deny@$CARGO_DENY\""),
        "no version of cargo-deny"
    );
}
