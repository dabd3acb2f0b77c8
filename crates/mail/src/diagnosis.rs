//! From what went wrong to a code of the catalogue and to who has to act.
//!
//! The order of the decision: where it happened, then the words that say who is at fault, then the codes, since
//! providers misuse codes more than words. A broken account must never be taken for a wrong recipient.

use std::time::Duration;

use acuse_domain::delivery::Verdict;

use crate::catalogue::{self, Whose, problem, whose_fault};
use crate::failure::{Cause, Failure, Phase};
use crate::phrases::{self, Stage, Words};
use crate::reply::Reply;

/// A daily limit is over tomorrow.
const TOMORROW: Duration = Duration::from_secs(24 * 3_600);
const NEXT_HOUR: Duration = Duration::from_secs(3_600);
/// Who names a longer wait than this is not obeyed to the letter: a delivery is given up after two days.
const LONGEST_WAIT: Duration = TOMORROW;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Diagnosis {
    /// A code of the catalogue.
    pub code: &'static str,
    pub verdict: Verdict,
    /// What the server asked for, where it named a time or a limit that ends at one.
    pub wait: Option<Duration>,
    /// For a bounce: the code of what it was about.
    pub cause: Option<&'static str>,
}

impl Diagnosis {
    /// The code whose row of the catalogue says what to do: a bounce's cause, where it is not the address that is to mend.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        self.cause.filter(|cause| whose_fault(cause) != Whose::Recipient).unwrap_or(self.code)
    }
}

/// What a failure means and who has to act.
#[must_use]
pub fn classify(failure: &Failure) -> Diagnosis {
    let mut diagnosis = match code_of_cause(failure) {
        Some(code) => plain(code),
        None => of_reply(stage(failure), failure.reply.as_ref()),
    };
    // Servers have one refusal for all logins; a token that is not taken has run out or was withdrawn.
    if failure.cause == Cause::RefusedToken && diagnosis.code == "bad_credentials" {
        diagnosis = plain("oauth_expired");
    }
    // And who gave a password has no connection that could run out: words about tokens mean that nothing else is taken,
    // 501 that the server could not read what was said (RFC 4954, 4).
    if failure.cause == Cause::Refused && diagnosis.code == "oauth_expired" {
        let unread = failure.reply.as_ref().is_some_and(|reply| reply.code() == 501);
        diagnosis = plain(if unread { "protocol_error" } else { "smtp_auth_disabled" });
    }
    if receives_only(failure, diagnosis.code) {
        diagnosis = plain("not_a_submission_host");
    }
    if refuses_a_stranger(failure, diagnosis.code) {
        diagnosis = plain("relay_denied");
    }
    diagnosis
}

/// What a text means that was seen in a phase: `connect tls greeting ehlo starttls auth oauth sender recipient message
/// dsn`. For texts that others have kept, such as a delivery report's.
#[must_use]
pub fn classify_text(phase: &str, text: &str) -> Diagnosis {
    if phase == "dsn" {
        return classify_bounce(text);
    }
    let reply = Reply::from_text(text);
    match Stage::parse(phase) {
        Some(Stage::Greeting) if reply.code() == 0 => plain("not_smtp"),
        stage => of_reply(stage.unwrap_or(Stage::Message), Some(&reply)),
    }
}

/// What a delivery report's diagnostic text means: still being tried, or bounced and why.
#[must_use]
pub fn classify_bounce(text: &str) -> Diagnosis {
    let said = text.split_once(';').map_or(text, |(kind, rest)| if kind.len() < 12 { rest } else { text }).trim();
    let words = Words::of(&Reply::from_text(said));
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| words.have(phrase));
    if says(&["message discarded", "max emails per hour", "max defers and failures"]) {
        return of_reply(Stage::Message, Some(&Reply::from_text(said)));
    }
    let is_final = says(&["expired", "gave up", "giving up", "too many hops", "queue too long", "retry timeout exceeded"]);
    let unreached =
        ["connect to ", "temporarily suspended", "requests to connect", "delayed", "will be retried", "still being retried"];
    if !is_final && (says(&unreached) || said.starts_with('4')) {
        return plain("delivery_delayed");
    }
    let cause = (!is_final).then(|| of_reply(Stage::Recipient, Some(&Reply::from_text(said))).code);
    let bounced = plain("bounced");
    Diagnosis { cause, verdict: cause.map_or(bounced.verdict, verdict_of_bounce), ..bounced }
}

/// A mail that came back because of the account, its limits or the message says nothing of the address.
fn verdict_of_bounce(cause: &'static str) -> Verdict {
    match whose_fault(cause) {
        Whose::Account => Verdict::Account,
        Whose::Message => Verdict::Message,
        Whose::Nobody if cause == "rate_limited" => Verdict::Later,
        Whose::Recipient | Whose::Nobody => Verdict::Recipient,
    }
}

/// Who has to act on a code of the catalogue, where the reply says no more of it.
#[must_use]
pub fn verdict_of(code: &str) -> Verdict {
    problem(code).map_or(Verdict::Later, |problem| problem.verdict())
}

fn plain(code: &'static str) -> Diagnosis {
    Diagnosis { code, verdict: verdict_of(code), wait: None, cause: None }
}

/// The code of a situation that needs no words. Nothing where the server's reply decides.
fn code_of_cause(failure: &Failure) -> Option<&'static str> {
    let lost_in_the_end = failure.after_final_dot && failure.reply.is_none();
    Some(match &failure.cause {
        Cause::Refused | Cause::RefusedEhlo | Cause::RefusedStartTls | Cause::RefusedToken => return None,
        Cause::Timeout | Cause::ConnectionLost | Cause::Protocol if lost_in_the_end => "in_doubt",
        Cause::NoToken { code } => catalogue::known(code).unwrap_or("oauth_unavailable"),
        Cause::InvalidInput { .. } => "invalid_input",
        Cause::HostNotFound => "host_not_found",
        Cause::HostWithoutAddress => "host_without_address",
        Cause::DnsFailed => "dns_failed",
        Cause::AddressNotAllowed => "address_not_allowed",
        Cause::PortNotAllowed => "port_not_allowed",
        Cause::ConnectionRefused => "connection_refused",
        Cause::ConnectionTimeout => "connection_timeout",
        Cause::NetworkUnreachable => "network_unreachable",
        Cause::PortWantsTls => "port_wants_tls",
        Cause::PortWantsStartTls => "port_wants_starttls",
        Cause::NotSmtp => "not_smtp",
        Cause::Protocol => "protocol_error",
        Cause::StartTlsNotOffered => "starttls_not_offered",
        Cause::StartTlsInjection => "starttls_injection",
        Cause::CertificateExpired { .. } => "certificate_expired",
        Cause::CertificateNameMismatch { .. } => "certificate_name_mismatch",
        Cause::CertificateUntrusted => "certificate_untrusted",
        Cause::TlsHandshake => "tls_handshake_failed",
        Cause::TlsRequired => "tls_required",
        Cause::AuthNotSupported => "auth_not_supported",
        Cause::Utf8Unsupported if failure.phase == Phase::Sender => "sender_utf8_unsupported",
        Cause::Utf8Unsupported => "utf8_address_unsupported",
        Cause::NotComposed { .. } => "message_not_composed",
        Cause::MessageTooBig { .. } => "message_too_big",
        Cause::Timeout => "timeout",
        Cause::ConnectionLost => "connection_lost",
    })
}

fn stage(failure: &Failure) -> Stage {
    match (&failure.cause, failure.phase) {
        (Cause::RefusedEhlo, _) => Stage::Ehlo,
        (Cause::RefusedStartTls, _) => Stage::StartTls,
        (_, Phase::Dns | Phase::Connect) => Stage::Connect,
        (_, Phase::Greeting) => Stage::Greeting,
        (_, Phase::Tls) => Stage::Tls,
        (_, Phase::Auth) => Stage::Auth,
        (_, Phase::Sender) => Stage::Sender,
        (_, Phase::Recipient) => Stage::Recipient,
        (_, Phase::Message) => Stage::Message,
    }
}

fn of_reply(stage: Stage, reply: Option<&Reply>) -> Diagnosis {
    let Some(reply) = reply else { return plain("protocol_error") };
    if is_out_of_place(stage, reply) {
        return plain("protocol_error");
    }
    let words = Words::of(reply);
    let code = phrases::code_for(stage, &words).unwrap_or("protocol_error");
    let mut diagnosis = plain(code);
    if reply.is_temporary() && passes_by_itself(code) {
        diagnosis.verdict = Verdict::Later;
    }
    if diagnosis.verdict == Verdict::Later {
        diagnosis.wait = named_wait(&words.text).or_else(|| limit_ends(code, &words));
    }
    diagnosis
}

/// It says neither yes nor no, and accuses nobody. While logging in, a 334 may carry a provider's reasons.
fn is_out_of_place(stage: Stage, reply: &Reply) -> bool {
    reply.is_preliminary() || reply.is_intermediate() && !matches!(stage, Stage::Auth | Stage::OAuth)
}

/// Problems that a server also reports with a code that means «try again», and then is to be believed. Not so where it
/// is only cautious: a relay denied with 454, a missing TLS with 450 and a domain without papers with 421 stay as they are.
fn passes_by_itself(code: &str) -> bool {
    matches!(
        code,
        "server_refuses_us"
            | "ip_blocked"
            | "sender_not_found"
            | "mailbox_not_found"
            | "mailbox_disabled"
            | "domain_not_found"
            | "recipient_refused"
            | "content_rejected"
            | "message_invalid"
    )
}

/// «Greylisted for 300 seconds», «try again in 5 minutes», «wait 1 hour».
fn named_wait(text: &str) -> Option<Duration> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(3).find_map(|three| {
        let announces = matches!(three[0], "for" | "in" | "after" | "wait" | "within" | "least" | "another" | "en" | "espere");
        let count: u64 = three[1].parse().ok().filter(|_| announces)?;
        let unit = match three[2] {
            unit if unit.starts_with("sec") || unit.starts_with("seg") => 1,
            unit if unit.starts_with("min") => 60,
            unit if unit.starts_with("hour") || unit.starts_with("hora") => 3_600,
            _ => return None,
        };
        Some(Duration::from_secs(count.saturating_mul(unit)).min(LONGEST_WAIT))
    })
}

/// A limit by the day is over tomorrow, one by the hour in an hour.
fn limit_ends(code: &str, words: &Words) -> Option<Duration> {
    if code != "rate_limited" {
        return None;
    }
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| words.text.contains(phrase));
    if says(&["daily", "24-hour", "24 hour", "per day", "quota", "a day"]) {
        Some(TOMORROW)
    } else if says(&["hourly", "per hour", "this hour", "/ 1h", "1h ", "por hora"]) {
        Some(NEXT_HOUR)
    } else {
        None
    }
}

/// OpenSMTPD says to who has not logged in that an address elsewhere is invalid: it is the login that is missing.
fn refuses_a_stranger(failure: &Failure, code: &str) -> bool {
    failure.as_a_stranger
        && failure.phase == Phase::Recipient
        && matches!(code, "mailbox_not_found" | "recipient_refused")
        && failure.reply_text().get(4..).is_some_and(|said| said.to_lowercase().starts_with("invalid recipient"))
}

/// The host is where a provider receives mail: it listens on port 25 only, and knows no logins.
fn receives_only(failure: &Failure, code: &str) -> bool {
    let host = failure.endpoint.host.to_lowercase();
    let is_exchanger = host.starts_with("mx.")
        || host.starts_with("aspmx")
        || host.ends_with(".mail.protection.outlook.com")
        || host
            .split('.')
            .next()
            .is_some_and(|label| label.strip_prefix("mx").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit())));
    is_exchanger && matches!(code, "connection_refused" | "connection_timeout" | "auth_not_supported")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_names_a_problem_of_the_catalogue() {
        for code in phrases::codes() {
            assert!(catalogue::problem(code).is_some(), "{code}");
        }
    }

    #[test]
    fn a_time_that_is_named_is_obeyed() {
        let wait = |text: &str| classify_text("recipient", text).wait.map(|wait| wait.as_secs());
        assert_eq!(wait("450 4.2.0 Greylisted for 300 seconds"), Some(300));
        assert_eq!(wait("451 4.7.1 Greylisting in action, please come back in 5 minutes"), Some(300));
        assert_eq!(wait("451 try again in 99999999999999999999 hours"), None);
        assert_eq!(wait("451 wait 9000000000000000000 hours"), Some(86_400));
        assert_eq!(wait("550 5.4.5 Daily user sending limit exceeded"), Some(86_400));
        assert_eq!(wait("550 sending too many emails - rate overlimit = 83.6 / 1h"), Some(3_600));
        assert_eq!(wait("550 5.1.1 User unknown"), None);
    }
}
