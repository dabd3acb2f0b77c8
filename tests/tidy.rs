//! What ARCHITECTURE.md promises and a script can see.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

#[path = "tidy/crossing.rs"]
mod crossing;
#[path = "tidy/cycles.rs"]
mod cycles;
#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/promises.rs"]
mod promises;
#[path = "tidy/supply.rs"]
mod supply;

/// A crate may know these others, and nothing else of ours.
const DEPENDENCIES: [(&str, &[&str]); 7] = [
    ("domain", &[]),
    ("mail", &["domain"]),
    ("render", &["domain"]),
    ("store", &["domain"]),
    ("delivery", &["domain", "mail", "render", "store"]),
    ("server", &["domain", "mail", "render", "store"]),
    ("acuse", &["delivery", "domain", "mail", "render", "server", "store"]),
];

const LONGEST_FUNCTION: usize = 70;
const LONGEST_FILE: usize = 500;
/// What is longer today: `path lines` or `path function lines`. A line may shrink or go, never grow or come.
const RATCHET: &str = include_str!("tidy_ratchet.txt");

/// Of every migration, as it landed.
const MIGRATIONS: &str = include_str!("migrations.sha256");

struct Source {
    /// From the root of the workspace, with `/`.
    path: String,
    text: String,
}

impl Source {
    fn crate_name(&self) -> &str {
        self.path.split('/').nth(1).unwrap_or_default()
    }

    fn is_test(&self) -> bool {
        ["/tests/", "/build/", "/build.rs"].iter().any(|part| self.path.contains(part)) || self.path.starts_with("tests/")
    }

    /// The lines of code before the file's own tests, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.text.find("\n#[cfg(test)]\nmod ").unwrap_or(self.text.len());
        self.text[..end]
            .lines()
            .enumerate()
            .map(|(n, line)| (n + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

#[test]
fn crates_depend_only_on_whom_they_may() {
    for (crate_name, allowed) in DEPENDENCIES {
        let manifest = read(&root().join("crates").join(crate_name).join("Cargo.toml"));
        let runtime = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        for (other, _) in DEPENDENCIES.iter().chain(&[("testkit", &[] as &[&str])]) {
            let named = runtime
                .lines()
                .any(|line| line.starts_with(&format!("acuse-{other}.")) || line.starts_with(&format!("acuse-{other} ")));
            assert!(!named || allowed.contains(other), "{crate_name} must not know {other}");
        }
    }
}

#[test]
fn each_kind_of_work_has_its_one_crate() {
    let rules: [(&str, &[&str], &[&str]); 5] = [
        (
            "SQL",
            &["INSERT INTO ", "DELETE FROM ", " FROM delivery", " FROM payment", "UPDATE payment", "sea_orm", "sqlx::"],
            &["store"],
        ),
        ("SMTP", &["mail_send", "smtp_proto", "EHLO "], &["mail"]),
        ("the environment", &["env::var", "env::args", "env::vars"], &["acuse"]),
        ("HTTP", &["axum::", "tower_http"], &["server", "acuse"]),
        ("floats", &[": f32", ": f64", "as f32", "as f64", "<f32>", "<f64>"], &["render"]),
    ];
    for source in sources().iter().filter(|source| !source.is_test() && source.crate_name() != "testkit") {
        for (what, signs, crates) in &rules {
            for (line, code) in source.code() {
                let found = signs.iter().any(|sign| code.contains(sign));
                assert!(!found || crates.contains(&source.crate_name()), "{what} outside {crates:?}: {}:{line}", source.path);
            }
        }
    }
}

/// Who asks for a name or opens a connection by a way of their own escapes the rules of what may be reached.
#[test]
fn outbound_connections_pass_the_guard() {
    let ways = [
        ("TcpStream::connect", "crates/mail/src/guard.rs"),
        ("hickory_", "crates/mail/src/dns.rs"),
        ("reqwest::", "crates/mail/src/https.rs"),
        ("lookup_host", "nowhere"),
        ("to_socket_addrs", "nowhere"),
        ("UdpSocket", "nowhere"),
    ];
    // The benchmarks start their own servers on this machine.
    let is_bench = |source: &Source| source.path.starts_with("crates/acuse/src/commands/bench/");
    for source in sources().iter().filter(|source| !source.is_test() && source.crate_name() != "testkit" && !is_bench(source)) {
        for (line, code) in source.code() {
            for (way, only) in ways {
                assert!(!code.contains(way) || source.path == only, "{way} outside {only}: {}:{line}", source.path);
            }
        }
    }
}

/// A database that has run a migration does not start with another one of the same number.
#[test]
fn a_migration_that_landed_is_never_changed() {
    let landed: BTreeMap<&str, &str> =
        MIGRATIONS.lines().filter_map(|line| line.split_once("  ")).map(|(sum, name)| (name, sum)).collect();
    let folder = root().join("crates/store/migrations");
    let mut found = 0;
    for path in fs::read_dir(&folder).expect("migrations").flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let sum: String = Sha256::digest(fs::read(&path).expect("a file")).iter().map(|byte| format!("{byte:02x}")).collect();
        let Some(expected) = landed.get(name.as_str()) else {
            panic!("{name} has no line in tests/migrations.sha256; when it is final, add «{sum}  {name}»");
        };
        assert_eq!(sum, *expected, "{name} landed and was changed: put it back, and write what you need as a new migration");
        found += 1;
    }
    assert_eq!(found, landed.len(), "a migration that landed is gone");
}

#[test]
fn decisions_have_no_clock_and_no_chance() {
    for source in
        sources().iter().filter(|source| source.crate_name() == "domain" || source.path.ends_with("delivery/src/retry.rs"))
    {
        for (line, code) in source.code() {
            let found = ["Utc::now", "SystemTime", "Instant::now", "rand::", "now_v7"].iter().any(|sign| code.contains(sign));
            assert!(!found, "a clock or chance in a decision: {}:{line}", source.path);
        }
    }
}

#[test]
fn what_is_serialized_stands_at_an_edge() {
    let edges = [
        "crates/server/src/api",
        "crates/server/src/web",
        "crates/server/src/problem",
        "crates/acuse/src/",
        "crates/domain/src/receipt.rs",
    ];
    // Tables of knowledge that the crate embeds and reads itself.
    let tables = ["crates/mail/src/"];
    for source in sources().iter().filter(|source| !source.is_test() && source.crate_name() != "testkit") {
        for (line, code) in source.code() {
            if !code.contains("derive(") {
                continue;
            }
            let at_edge = edges.iter().any(|edge| source.path.starts_with(edge));
            let is_table = tables.iter().any(|table| source.path.starts_with(table))
                && !code.contains("Serialize,")
                && !code.contains("Serialize)");
            let serializes = code.contains("Serialize") || code.contains("Deserialize");
            assert!(!serializes || at_edge || is_table, "a shape for the outside far from any edge: {}:{line}", source.path);
        }
    }
}

/// A sentence that nobody says any more is a rule that went.
#[test]
fn every_message_is_said_somewhere() {
    let table = read(&root().join("crates/domain/src/messages.toml"));
    let rows: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix('[')?.strip_suffix(']')).collect();
    assert!(rows.len() > 100, "the rows were not found");
    let sources = sources();
    let said: BTreeSet<&str> = sources
        .iter()
        .filter(|source| !source.is_test())
        .flat_map(|source| source.code().flat_map(|(_, line)| line.split("messages::").skip(1)))
        .map(|call| call.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default())
        .collect();
    for row in rows {
        assert!(said.contains(row), "messages.toml: nobody says «{row}»");
    }
}

/// `ProblemCode` is the one name of a mail problem: what has another spelling is found by the compiler.
#[test]
fn no_code_of_a_mail_problem_is_written_as_text() {
    // The same word for something else, by the path where it stands.
    let exempt = [
        ("domain/src/delivery.rs", "in_doubt", "a delivery's state"),
        ("domain/src/delivery.rs", "bounced", "a delivery's state"),
        ("store/src/own_mails.rs", "in_doubt", "a mail's state"),
        ("store/src/invitations.rs", "in_doubt", "a mail's state"),
        ("server/src/web/users.rs", "bounced", "the mark of an invitation"),
        ("server/src/web/state_mark.rs", "in_doubt", "a delivery's state"),
        ("server/src/web/state_mark.rs", "bounced", "a delivery's state"),
        ("server/src/listener.rs", "timeout", "why a connection was closed, in the metrics"),
        ("mail/src/deliverability.rs", "domain_not_found", "a finding about a sender's domain"),
    ];
    let table = read(&root().join("crates/domain/src/problems.toml"));
    let codes: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix('[')?.strip_suffix(']')).collect();
    assert!(codes.len() > 50, "the codes were not found");
    let mut used = BTreeSet::new();
    for source in sources().iter().filter(|source| !source.is_test() && source.crate_name() != "testkit") {
        for (line, text) in source.code() {
            for code in codes.iter().filter(|code| text.contains(&format!("\"{code}\""))) {
                let why = exempt.iter().position(|(path, own, _)| source.path == format!("crates/{path}") && own == code);
                used.insert(why.unwrap_or_else(|| panic!("{}:{line}: «{code}» as text", source.path)));
            }
        }
    }
    assert_eq!(used.len(), exempt.len(), "an exemption that nothing needs");
}

/// A function on a company's data names the company, or says in its name that it crosses companies.
#[test]
fn a_companys_data_is_asked_for_by_company() {
    // Each is one function, by its path, with why no company is asked for.
    let exempt = [
        ("companies.rs", "create", "there is no company yet"),
        ("tokens.rs", "holder", "the token tells which company it is of"),
        ("users.rs", "session", "the session tells which company it is of"),
        ("users.rs", "log_out", "the session tells which company it is of"),
        ("deliveries/work.rs", "record_attempts", "each outcome names its company"),
        ("health.rs", "find", "an account's key is an id nobody can guess, and the default account has no company"),
        ("pauses.rs", "find", "an account's key is an id nobody can guess, and the default account has no company"),
        ("pauses.rs", "begin", "as find"),
        ("pauses.rs", "end", "as find"),
    ];
    let mut used = BTreeSet::new();
    // These know no company's data.
    let without = ["/db.rs", "/src/db/", "/concurrency_limit.rs"];
    let is_store =
        |source: &&Source| source.path.starts_with("crates/store/src/") && !without.iter().any(|file| source.path.contains(file));
    for source in sources().iter().filter(is_store) {
        for (start, _) in source.text.match_indices("pub async fn ") {
            let head = &source.text[start..start + source.text[start..].find('{').unwrap_or(0)];
            let name = head.trim_start_matches("pub async fn ").split(['(', '<']).next().unwrap_or_default();
            let scoped = head.contains("company: CompanyId")
                || head.contains("by: &Actor")
                || head.contains("queue: QueueKey")
                || head.contains("account: &ConnectedAccount")
                || head.contains("claim: Claim")
                || head.contains("held: &[Claim]");
            if scoped || name.ends_with("_any_company") {
                continue;
            }
            let why = exempt.iter().position(|(path, own, _)| source.path == format!("crates/store/src/{path}") && *own == name);
            used.insert(why.unwrap_or_else(|| panic!("{}: {name} names no company", source.path)));
        }
    }
    assert_eq!(used.len(), exempt.len(), "an exemption that nothing needs");
}

/// Each machine has its own mirrors: packages come from where its package managers are set to look.
#[test]
fn no_address_of_a_package_registry_is_written_down() {
    // In two parts, so that this file has none either.
    let hosts = [
        ("deb", "debian.org"),
        ("archive", "debian.org"),
        ("security", "debian.org"),
        ("ftp", "debian.org"),
        ("snapshot", "debian.org"),
        ("archive", "ubuntu.com"),
        ("ports", "ubuntu.com"),
        ("apt", "postgresql.org"),
        ("deb", "nodesource.com"),
        ("registry", "npmjs.org"),
        ("registry", "yarnpkg.com"),
        ("registry", "npmmirror.com"),
        ("static", "crates.io"),
        ("index", "crates.io"),
        ("proxy", "golang.org"),
        ("pypi", "org"),
        ("files", "pythonhosted.org"),
        ("rubygems", "org"),
        ("download", "docker.com"),
        ("cdn", "playwright.dev"),
    ];
    let hosts = hosts.map(|(host, domain)| format!("{host}.{domain}"));
    let listed = std::process::Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git is there");
    let files = String::from_utf8(listed.stdout).expect("names in UTF-8");
    assert!(files.split('\0').count() > 100, "the files were not found");
    for path in files.split('\0').filter(|path| !path.is_empty()) {
        let Ok(bytes) = fs::read(root().join(path)) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        for (number, line) in text.lines().enumerate() {
            let found = hosts.iter().find(|host| line.contains(host.as_str()));
            assert!(found.is_none(), "{path}:{}: the address of a registry, {}", number + 1, line.trim());
            let is_lock = path.ends_with("package-lock.json") && line.contains("\"resolved\": \"http");
            assert!(!is_lock, "{path}:{}: npm wrote down where it fetched from", number + 1);
        }
    }
}

#[test]
fn no_shortcut_is_left_in() {
    let signs = ["#[ignore", "#[allow(", "#![allow(", "todo!(", "unimplemented!(", "dbg!("];
    for source in sources().iter().filter(|source| !source.path.ends_with("tests/tidy.rs")) {
        assert!(!source.path.ends_with("/mod.rs"), "{}: a module's file has its name", source.path);
        for (number, line) in source.text.lines().enumerate() {
            assert!(!signs.iter().any(|sign| line.contains(sign)), "{}:{}: {}", source.path, number + 1, line.trim());
        }
    }
    for manifest in fs::read_dir(root().join("crates")).expect("crates").flatten() {
        let text = read(&manifest.path().join("Cargo.toml"));
        assert!(text.contains("[lints]\nworkspace = true"), "{}: the workspace's lints", manifest.path().display());
    }
}

#[test]
fn functions_and_files_grow_no_longer_than_the_list_says() {
    let allowed: BTreeMap<&str, usize> =
        RATCHET.lines().filter_map(|line| line.rsplit_once(' ')).filter_map(|(what, n)| Some((what, n.parse().ok()?))).collect();
    let mut longer = Vec::new();
    for source in &sources() {
        let length = source.text.lines().count();
        if length > LONGEST_FILE {
            longer.push((source.path.clone(), length));
        }
        longer.extend(long_functions(source));
    }
    for (what, length) in &longer {
        let most = allowed.get(what.as_str()).copied().unwrap_or(0);
        assert!(*length <= most, "«{what}» has {length} lines; the list allows {most}. Split it.");
    }
    for (what, most) in &allowed {
        let now = longer.iter().find(|(own, _)| own == what).map(|(_, length)| *length);
        assert_eq!(now, Some(*most), "«{what}» became shorter: say so in tests/tidy_ratchet.txt");
    }
}

/// From a line that begins a function to the brace that closes it at the same indentation.
fn long_functions(source: &Source) -> Vec<(String, usize)> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = &line[..line.len() - code.len()];
        let begins = [
            "fn ",
            "pub fn ",
            "async fn ",
            "pub async fn ",
            "pub(crate) fn ",
            "pub(crate) async fn ",
            "pub(super) fn ",
            "const fn ",
            "pub const fn ",
        ]
        .iter()
        .any(|head| code.starts_with(head));
        if !begins {
            continue;
        }
        let closing = format!("{indent}}}");
        let length = lines[start..].iter().position(|line| **line == closing).map_or(1, |end| end + 1);
        if length > LONGEST_FUNCTION {
            let name = code.split("fn ").nth(1).and_then(|rest| rest.split(['(', '<']).next()).unwrap_or_default();
            found.push((format!("{} {name}", source.path), length));
        }
    }
    found
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for folder in ["crates", "tests"] {
        collect(&root().join(folder), &mut found);
    }
    assert!(found.len() > 50, "the sources were not found");
    found
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
            found.push(Source { path: relative, text: read(&path) });
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
