//! From what went wrong to a code of the catalogue and to who has to act.
//!
//! The order of the decision: where it happened, then the words that say who is at fault, then the codes, since
//! providers misuse codes more than words. A broken account must never be taken for a wrong recipient.

use std::time::Duration;

use acuse_domain::delivery::Verdict;
use acuse_domain::mail_problem::{ProblemCode, Whose};

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
    pub code: ProblemCode,
    pub verdict: Verdict,
    /// What the server asked for, where it named a time or a limit that ends at one.
    pub wait: Option<Duration>,
    /// For a bounce: the code of what it was about.
    pub cause: Option<ProblemCode>,
}

impl Diagnosis {
    /// The code that says what to do: a bounce's cause, where it is not the address that is to mend.
    #[must_use]
    pub fn advice(&self) -> ProblemCode {
        self.cause.filter(|cause| cause.whose_fault() != Whose::Recipient).unwrap_or(self.code)
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
    if failure.cause == Cause::RefusedToken && diagnosis.code == ProblemCode::BadCredentials {
        diagnosis = plain(ProblemCode::OauthExpired);
    }
    // And who gave a password has no connection that could run out: words about tokens mean that nothing else is taken,
    // 501 that the server could not read what was said (RFC 4954, 4).
    if failure.cause == Cause::Refused && diagnosis.code == ProblemCode::OauthExpired {
        let unread = failure.reply.as_ref().is_some_and(|reply| reply.code() == 501);
        diagnosis = plain(if unread { ProblemCode::ProtocolError } else { ProblemCode::SmtpAuthDisabled });
    }
    if receives_only(failure, diagnosis.code) {
        diagnosis = plain(ProblemCode::NotASubmissionHost);
    }
    if refuses_a_stranger(failure, diagnosis.code) {
        diagnosis = plain(ProblemCode::RelayDenied);
    }
    diagnosis
}

impl Failure {
    /// The server does not take the access token that it was shown.
    #[must_use]
    pub fn refuses_token(&self) -> bool {
        self.cause == Cause::RefusedToken && classify(self).code == ProblemCode::OauthExpired
    }
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
        Some(Stage::Greeting) if reply.code() == 0 => plain(ProblemCode::NotSmtp),
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
        return plain(ProblemCode::DeliveryDelayed);
    }
    let cause = (!is_final).then(|| of_reply(Stage::Recipient, Some(&Reply::from_text(said))).code);
    let bounced = plain(ProblemCode::Bounced);
    Diagnosis { cause, verdict: cause.map_or(bounced.verdict, verdict_of_bounce), ..bounced }
}

/// A mail that came back because of the account, its limits or the message says nothing of the address.
fn verdict_of_bounce(cause: ProblemCode) -> Verdict {
    match cause.whose_fault() {
        Whose::Account => Verdict::Account,
        Whose::Message => Verdict::Message,
        Whose::Nobody if cause == ProblemCode::RateLimited => Verdict::Later,
        Whose::Recipient | Whose::Nobody => Verdict::Recipient,
    }
}

fn plain(code: ProblemCode) -> Diagnosis {
    Diagnosis { code, verdict: code.row().verdict, wait: None, cause: None }
}

/// The code of a situation that needs no words. Nothing where the server's reply decides.
fn code_of_cause(failure: &Failure) -> Option<ProblemCode> {
    let lost_in_the_end = failure.after_final_dot && failure.reply.is_none();
    Some(match &failure.cause {
        Cause::Refused | Cause::RefusedEhlo | Cause::RefusedStartTls | Cause::RefusedToken => return None,
        Cause::Timeout | Cause::ConnectionLost | Cause::Protocol if lost_in_the_end => ProblemCode::InDoubt,
        Cause::NoToken { code } => *code,
        Cause::InvalidInput { .. } => ProblemCode::InvalidInput,
        Cause::HostNotFound => ProblemCode::HostNotFound,
        Cause::HostWithoutAddress => ProblemCode::HostWithoutAddress,
        Cause::DnsFailed => ProblemCode::DnsFailed,
        Cause::AddressNotAllowed => ProblemCode::AddressNotAllowed,
        Cause::PortNotAllowed => ProblemCode::PortNotAllowed,
        Cause::ConnectionRefused => ProblemCode::ConnectionRefused,
        Cause::ConnectionTimeout => ProblemCode::ConnectionTimeout,
        Cause::NetworkUnreachable => ProblemCode::NetworkUnreachable,
        Cause::PortWantsTls => ProblemCode::PortWantsTls,
        Cause::PortWantsStartTls => ProblemCode::PortWantsStarttls,
        Cause::NotSmtp => ProblemCode::NotSmtp,
        Cause::Protocol => ProblemCode::ProtocolError,
        Cause::StartTlsNotOffered => ProblemCode::StarttlsNotOffered,
        Cause::StartTlsInjection => ProblemCode::StarttlsInjection,
        Cause::CertificateExpired { .. } => ProblemCode::CertificateExpired,
        Cause::CertificateNameMismatch { .. } => ProblemCode::CertificateNameMismatch,
        Cause::CertificateUntrusted => ProblemCode::CertificateUntrusted,
        Cause::TlsHandshake => ProblemCode::TlsHandshakeFailed,
        Cause::TlsRequired => ProblemCode::TlsRequired,
        Cause::AuthNotSupported => ProblemCode::AuthNotSupported,
        Cause::Utf8Unsupported if failure.phase == Phase::Sender => ProblemCode::SenderUtf8Unsupported,
        Cause::Utf8Unsupported => ProblemCode::Utf8AddressUnsupported,
        Cause::NotComposed { .. } => ProblemCode::MessageNotComposed,
        Cause::MessageTooBig { .. } => ProblemCode::MessageTooBig,
        Cause::Timeout => ProblemCode::Timeout,
        Cause::ConnectionLost => ProblemCode::ConnectionLost,
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
    let Some(reply) = reply else { return plain(ProblemCode::ProtocolError) };
    if is_out_of_place(stage, reply) {
        return plain(ProblemCode::ProtocolError);
    }
    let words = Words::of(reply);
    let code = phrases::code_for(stage, &words).unwrap_or(ProblemCode::ProtocolError);
    let mut diagnosis = plain(code);
    if reply.is_temporary() && code.row().temporary {
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
fn limit_ends(code: ProblemCode, words: &Words) -> Option<Duration> {
    if code != ProblemCode::RateLimited {
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
fn refuses_a_stranger(failure: &Failure, code: ProblemCode) -> bool {
    failure.as_a_stranger
        && failure.phase == Phase::Recipient
        && matches!(code, ProblemCode::MailboxNotFound | ProblemCode::RecipientRefused)
        && failure.reply_text().get(4..).is_some_and(|said| said.to_lowercase().starts_with("invalid recipient"))
}

/// The host is where a provider receives mail: it listens on port 25 only, and knows no logins.
fn receives_only(failure: &Failure, code: ProblemCode) -> bool {
    let host = failure.endpoint.host.to_lowercase();
    let is_exchanger = host.starts_with("mx.")
        || host.starts_with("aspmx")
        || host.ends_with(".mail.protection.outlook.com")
        || host
            .split('.')
            .next()
            .is_some_and(|label| label.strip_prefix("mx").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit())));
    is_exchanger
        && matches!(code, ProblemCode::ConnectionRefused | ProblemCode::ConnectionTimeout | ProblemCode::AuthNotSupported)
}

#[cfg(test)]
mod tests {
    use super::*;

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
