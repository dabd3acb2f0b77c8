//! The worst mistake would be to mark a customer's address because our own account is broken: whatever the phase, words
//! that blame the account, its sender, its limits or our machine never blame the recipient. And nothing a server says
//! makes the reader fall over.

use acuse_domain::delivery::Verdict;
use acuse_mail::capabilities::Capabilities;
use acuse_mail::diagnosis::{classify_bounce, classify_text};
use acuse_mail::explanation::{Context, Language, explain};
use acuse_mail::reply::{MOST_LINES, Reply};
use proptest::prelude::*;
use proptest::sample::select;

/// Sentences without codes, as servers say them of who sends.
const OF_THE_ACCOUNT: [&str; 64] = [
    "<cobros@empresa.ec>: Sender address rejected: not owned by user ventas@empresa.ec",
    "<cobros@empresa.ec>: Sender address rejected: not logged in",
    "<cobros@empresa.ec>: Sender address rejected: Domain not found",
    "<cobros@empresa.ec>: Sender address rejected: Access denied",
    "<cobros@empresa.ec>: Sender address rejected: User unknown in virtual mailbox table",
    "<cobros@empresa.ec>: Sender address rejected: Your account has been suspended",
    "<pc>: Helo command rejected: need fully-qualified hostname",
    "<pc>: Helo command rejected: Host not found",
    "<unknown[192.0.2.10]>: Client host rejected: Access denied",
    "<unknown[192.0.2.10]>: Client host rejected: cannot find your hostname, [192.0.2.10]",
    "Verification failed for <cobros@empresa.ec> No Such User Here Sender verify failed",
    "Verification failed for <cobros@empresa.ec> Unrouteable address Sender verify failed",
    "Recipient address rejected: Sender is not same as SMTP authenticate username",
    "Please turn on SMTP Authentication in your mail client",
    "SMTP AUTH is required for message submission on port 587",
    "Authentication required",
    "Authentication failure",
    "Client was not authenticated to send anonymous mail",
    "<pagos@andina.ec>: Relay access denied",
    "Relaying denied. Proper authentication required.",
    "relay not permitted",
    "Unable to relay recipient in non-accepted domain",
    "sorry, that domain isn't in my list of allowed rcpthosts",
    "TenantAttribution; Relay Access Denied",
    "Relaying disallowed as cobros@empresa.ec",
    "Client does not have permissions to send as this sender",
    "SendAsDenied; cobros@empresa.ec not allowed to send as ventas@empresa.ec",
    "From address is not one of your addresses",
    "Sender address is not valid for your login. Check your email program settings.",
    "The from address does not match a verified Sender Identity",
    "Email address is not verified. The following identities failed the check in region US-EAST-1: cobros@empresa.ec",
    "Your SMTP account is not yet activated",
    "Domain of sender address cobros@empresa.local does not exist",
    "Access denied, bad outbound sender",
    "Access denied, tenant has exceeded threshold",
    "Unusual sending activity detected. Please try after sometime",
    "Your account has been temporarily suspended for sending",
    "Outgoing mail from \"cobros@empresa.ec\" has been suspended.",
    "Sending paused for this account",
    "Account cobros@empresa.ec disabled for outgoing mail",
    "Your outgoing mail is suspended due to compromised credentials",
    "Daily user sending limit exceeded",
    "Domain empresa.ec has exceeded the max emails per hour (201/200 (100%)) allowed. Message discarded.",
    "User cobros@empresa.ec has exceeded its 24-hour sending limit",
    "Too many messages, slow down",
    "Ratelimit \"hosting\" exceeded",
    "Su cuenta ha superado el límite de envíos por hora",
    "Mailbox sending quota exceeded for cobros@empresa.ec",
    "Service unavailable; Client host [192.0.2.10] blocked using zen.spamhaus.org",
    "Access denied, banned sending IP [192.0.2.10]",
    "JunkMail rejected - [192.0.2.10] is in an RBL",
    "Mail from 192.0.2.10 rejected: no PTR record",
    "192.0.2.10 is not allowed to send from <empresa.ec> per its SPF Record",
    "SPF check failed: empresa.ec doesn't allow sending mails from 192.0.2.10",
    "This mail is unauthenticated, which poses a security risk. Gmail requires SPF or DKIM",
    "Unauthenticated email from empresa.ec is not accepted due to domain's DMARC policy",
    "mailbox full; STOREDRV.Submission.Exception:QuotaExceededException",
    "Must issue a STARTTLS command first",
    "Session encryption is required",
    "Invalid credentials for relay [192.0.2.10]. The IP address you've registered doesn't match",
    "Unauthorized IP address",
    "Debe autenticarse antes de enviar correo",
    "El remitente no pertenece al usuario autenticado",
    "Sending is disabled for this user",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_broken_account_never_marks_the_customers_address(
        sentence in select(OF_THE_ACCOUNT.to_vec()),
        phase in select(vec!["recipient", "message"]),
        basic in select(vec!["450", "451", "452", "454", "501", "530", "535", "550", "551", "552", "553", "554", "571"]),
        enhanced in select(vec!["", "5.1.1 ", "5.7.1 ", "5.1.0 ", "4.7.1 ", "5.2.1 ", "5.0.0 ", "5.1.2 ", "5.2.2 "]),
        tail in select(vec!["", ".", " [SN4PR03MB6752.namprd03.prod.outlook.com]", " - gsmtp", " See https://help.example.com/errors#550"]),
        shouting in any::<bool>(),
    ) {
        let sentence = if shouting { sentence.to_uppercase() } else { sentence.to_owned() };
        let reply = format!("{basic} {enhanced}{sentence}{tail}");
        let found = classify_text(phase, &reply);
        prop_assert!(
            matches!(found.verdict, Verdict::Account | Verdict::Later | Verdict::Message),
            "{phase}: {reply}: {} {:?}", found.code, found.verdict
        );
        prop_assert_ne!(found.code.as_str(), "mailbox_not_found", "{}", reply);
    }

    #[test]
    fn whatever_a_server_says_has_a_title_and_a_next_step(
        phase in select(vec!["dns", "connect", "tls", "greeting", "ehlo", "starttls", "auth", "oauth", "sender", "recipient", "message", "dsn", "?"]),
        begin in "([2-5][0-9]{2}[ -])?([245]\\.[0-9]{1,3}\\.[0-9]{1,3} )?",
        text in "\\PC{0,200}|[\\x00-\\xff\\r\\n]{0,200}",
    ) {
        let said = format!("{begin}{text}");
        let found = classify_text(phase, &said);
        let _bounce = classify_bounce(&said);
        for language in [Language::Spanish, Language::English] {
            let explained = explain(found.code, &Context { host: &text, username: &text, sender: &text, ..Context::default() }, language);
            prop_assert!(!explained.title.is_empty() && !explained.fix.is_empty(), "{}", found.code);
        }
    }

    #[test]
    fn what_is_kept_of_a_reply_can_be_shown(sent in proptest::collection::vec(any::<u8>(), 0..2_000), begin in "([2-5][0-9]{2}[- ])?") {
        let sent = [begin.as_bytes(), &sent, b"\r\n"].concat();
        if let Some(reply) = Reply::first_in(&sent) {
            prop_assert!(reply.text().lines().count() <= MOST_LINES);
            prop_assert!(!reply.text().chars().any(|c| c.is_control() && c != '\n'));
            let _offers = Capabilities::of(&reply);
        }
    }

    #[test]
    fn a_refusal_that_nobody_knows_is_read_by_its_phase(words in "[bcdfgjkvwxyz]{3,9}( [bcdfgjkvwxyz]{3,9}){0,5}") {
        for (phase, code, verdict) in [
            ("greeting", "server_refuses_us", Verdict::Account),
            ("auth", "bad_credentials", Verdict::Account),
            ("sender", "sender_not_allowed", Verdict::Account),
            ("recipient", "recipient_refused", Verdict::Recipient),
            ("message", "content_rejected", Verdict::Message),
        ] {
            let found = classify_text(phase, &format!("554 {words}"));
            prop_assert_eq!((found.code.as_str(), found.verdict), (code, verdict), "{}: {}", phase, words);
            prop_assert_eq!(classify_text(phase, &format!("451 {words}")).verdict, Verdict::Later, "{}: {}", phase, words);
        }
    }
}
