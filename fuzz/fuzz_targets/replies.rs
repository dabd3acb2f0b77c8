//! Whatever a mail server says: it is read within bounds, it means something, and there is a next step.

#![no_main]

use acuse_mail::capabilities::Capabilities;
use acuse_mail::diagnosis::{Diagnosis, classify_bounce, classify_text};
use acuse_domain::message::Language;
use acuse_mail::explanation::{Context, explain};
use acuse_mail::reply::{LONGEST_LINE, MOST_LINES, Reply};
use libfuzzer_sys::fuzz_target;

const PHASES: [&str; 12] = [
    "dns", "connect", "tls", "greeting", "ehlo", "starttls", "auth", "oauth", "sender", "recipient", "message", "dsn",
];

fuzz_target!(|data: &[u8]| {
    let Some((&phase, said)) = data.split_first() else { return };
    if let Some(reply) = Reply::first_in(said) {
        assert!((100..600).contains(&reply.code()));
        check_text(reply.text());
        let offers = Capabilities::of(&reply);
        assert!(offers.logins.len() <= MOST_LINES * LONGEST_LINE);
    }
    let text = String::from_utf8_lossy(said);
    check_text(Reply::from_text(&text).text());
    let phase = PHASES[usize::from(phase) % PHASES.len()];
    check_diagnosis(classify_text(phase, &text), &text);
    check_diagnosis(classify_bounce(&text), &text);
});

/// What is kept of a reply can be shown anywhere.
fn check_text(text: &str) {
    assert!(text.lines().count() <= MOST_LINES);
    // A byte that is no UTF-8 is shown as three.
    assert!(text.lines().all(|line| line.len() <= 3 * LONGEST_LINE));
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
}

fn check_diagnosis(found: Diagnosis, said: &str) {
    let context = Context { host: said, username: said, sender: said, ..Context::default() };
    for language in [Language::Spanish, Language::English] {
        let explained = explain(found.code, &context, language);
        assert!(!explained.title.is_empty() && !explained.fix.is_empty(), "{}", found.code);
    }
    assert!(found.wait.is_none_or(|wait| wait.as_secs() <= 24 * 3_600));
}
