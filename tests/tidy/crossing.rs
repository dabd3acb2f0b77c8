//! Who crosses companies says so in its name, or has its reason here.

use std::collections::BTreeSet;

use super::sources;

const WAYS: [&str; 2] = ["of_any_company()", "begin_write_any_company()"];

/// Files of the store and their functions, with why they ask for no company.
const REASONS: [(&str, &[&str], &str); 27] = [
    (
        "account.rs",
        &["find", "rename", "change_password", "sessions", "end_session", "end_other_sessions"],
        "a person's own things, in all of their companies",
    ),
    ("account_links.rs", &["make_reset"], "a password is a person's, in all of their companies"),
    ("audit/entering.rs", &["is_noted", "not_entered"], "before a login there is no company"),
    ("audit/verify.rs", &["note"], "what does not go together is every company's to know"),
    ("claims.rs", &["is_due"], "a queue is every company's"),
    ("companies.rs", &["create", "found"], "there is no company yet"),
    ("deliveries/work.rs", &["record_attempts", "renew", "return_to_queue"], "each claim names its company"),
    ("deletion.rs", &["confirm"], "the mails that tell of a company's end are of no company any more"),
    ("health.rs", &["find"], "an account's key is an id nobody can guess, and the default account has no company"),
    ("key_rotation.rs", &["reseal_under_newest"], "keys are the installation's"),
    ("logins.rs", &["count", "refused_already", "clear_away", "entered"], "before a login there is no company"),
    ("logins/browsers.rs", &["known_browser"], "before a login there is no company"),
    ("logins/confirm.rs", &["confirm"], "a password is a person's, in all of their companies"),
    ("logins/second_step.rs", &["checked"], "before a login there is no company"),
    ("memberships.rs", &["accounts", "enter", "offered", "received"], "what leads from one company into another"),
    ("notices.rs", &["record"], "a claim names its row, and the default account's have no company"),
    ("oauth/authorization_requests.rs", &["reseal"], "keys are the installation's"),
    ("own_mails.rs", &["hand_over"], "a claim names its row, and a person's mails have no company"),
    ("passkeys.rs", &["add", "list", "remove"], "a person's own things, in all of their companies"),
    ("pauses.rs", &["find", "end"], "as health.rs"),
    ("sealing.rs", &["settle"], "keys are the installation's"),
    ("second_factor.rs", &["activate", "standing", "turn_off"], "a person's own things, in all of their companies"),
    ("second_factor/recovery.rs", &["hash_of", "renew"], "a person's own things, in all of their companies"),
    ("sessions.rs", &["note_use"], "a session is its person's"),
    ("tokens.rs", &["holder"], "the token tells which company it is of"),
    ("user_mails.rs", &["record"], "a claim names its row, and a person's mails have no company"),
    (
        "users.rs",
        &["create", "verify", "session", "log_out", "hash_new", "id_of"],
        "a person is of several companies, and a session tells of which",
    ),
];

#[test]
fn what_crosses_companies_says_so() {
    let mut used = BTreeSet::new();
    let mut crossing = 0;
    let is_store = |path: &str| path.starts_with("crates/store/src/") && !path.contains("/src/db/");
    for source in sources().iter().filter(|source| is_store(&source.path)) {
        let file = source.path.trim_start_matches("crates/store/src/");
        let mut function = "";
        for (line, code) in source.code() {
            if let Some((_, rest)) = code.split_once("fn ").filter(|(before, _)| !before.contains('"')) {
                function = rest.split(['(', '<']).next().unwrap_or_default();
            }
            if !WAYS.iter().any(|way| code.contains(way)) {
                continue;
            }
            crossing += 1;
            if function.ends_with("_any_company") {
                continue;
            }
            let reason = REASONS.iter().find(|(own, functions, _)| *own == file && functions.contains(&function));
            assert!(reason.is_some(), "{file}:{line}: {function} crosses companies: name its company, or say why it does");
            used.insert((file.to_owned(), function.to_owned()));
        }
    }
    assert!(crossing > 30, "the store was not found: {crossing}");
    let known: usize = REASONS.iter().map(|(_, functions, _)| functions.len()).sum();
    assert_eq!(used.len(), known, "a reason that nothing needs: {used:?}");
}
