//! What is said of a problem fits who reads it: who waits at Probar is not told that something happens by itself, and a
//! message in the queue does not wait for a person where it is tried again. And whose a fault is, the catalogue's row says
//! once for all.

use acuse_domain::delivery::Verdict;
use acuse_domain::mail_problem::{ProblemCode, Whose};
use acuse_mail::check::{self, CheckReport, Subject};
use acuse_mail::diagnosis::classify_text;
use acuse_mail::explanation::{Context, Language, Situation, explain, explain_recorded, in_short};
use acuse_mail::login::Credentials;
use acuse_mail::password::PasswordMend;

use crate::scripted::{Act, HELLO, Server, address, network};
use acuse_domain::mail_account::Security;
use acuse_mail::endpoint::Endpoint;

/// Words of the queue: something is repeated, waits or goes on without the reader.
const BY_ITSELF: [&str; 22] = [
    "se reintenta",
    "se vuelve a",
    "por sí solo",
    "no hay que hacer nada",
    "no hace falta hacer nada",
    "en cola",
    "la cola",
    "los envíos esperan",
    "se enviará",
    "se repite una vez",
    "reenvíe",
    "reenviar",
    "by itself",
    "nothing has to be done",
    "nothing needs to be done",
    "is tried again",
    "is tried once more",
    "is retried",
    "in the queue",
    "deliveries wait",
    "send again",
    "sent again",
];
/// Asks a person to do again what the queue does.
const BY_HAND: [&str; 12] = [
    "vuelva a intentarlo",
    "pruebe otra vez",
    "pruebe de nuevo",
    "probar otra vez",
    "probar de nuevo",
    "inténtelo",
    "«probar»",
    "la prueba",
    "try again",
    "try it again",
    "you try",
    "the test",
];

fn words(code: ProblemCode, situation: Situation, language: Language) -> String {
    let context = Context { host: "mail.empresa.ec", sender: "cobros@empresa.ec", situation, ..Context::default() };
    let said = explain(code, &context, language);
    format!("{}. {}", said.title, said.fix.join(" ")).to_lowercase()
}

#[test]
fn who_waits_at_probar_is_not_told_of_the_queue() {
    for code in ProblemCode::ALL {
        for language in [Language::Spanish, Language::English] {
            let said = words(code, Situation::Check, language);
            let found: Vec<&&str> = BY_ITSELF.iter().filter(|words| said.contains(**words)).collect();
            assert!(found.is_empty(), "{code}: {found:?} in {said}");
        }
    }
}

#[test]
fn what_is_tried_again_by_itself_waits_for_nobody() {
    let waits = |code: &ProblemCode| matches!(code.row().verdict, Verdict::Later | Verdict::InDoubt);
    for code in ProblemCode::ALL.into_iter().filter(waits) {
        for language in [Language::Spanish, Language::English] {
            let said = words(code, Situation::Queue, language);
            let found: Vec<&&str> = BY_HAND.iter().filter(|words| said.contains(**words)).collect();
            assert!(found.is_empty(), "{code}: {found:?} in {said}");
        }
    }
}

/// The recipient of a test is whoever the tester typed: nobody's record is to be corrected.
#[test]
fn the_address_of_a_test_is_not_a_customers() {
    for code in ProblemCode::ALL.into_iter().filter(|code| code.whose_fault() == Whose::Recipient) {
        let (check, queue) = (words(code, Situation::Check, Language::Spanish), words(code, Situation::Queue, Language::Spanish));
        assert_ne!(check, queue, "{code}");
        assert!(!check.contains("la persona") && !queue.contains("la prueba"), "{code}: {check} / {queue}");
    }
}

#[test]
fn whose_fault_it_is_follows_from_the_row() {
    for code in ProblemCode::ALL {
        let expected = match (code, code.row().verdict) {
            (ProblemCode::MailboxFull, Verdict::Later) | (_, Verdict::Recipient) => Whose::Recipient,
            (_, Verdict::Account) => Whose::Account,
            (_, Verdict::Message) => Whose::Message,
            (_, Verdict::Later | Verdict::InDoubt) => Whose::Nobody,
        };
        assert_eq!(code.whose_fault(), expected, "{code}");
    }
    assert_eq!(ProblemCode::SenderMailboxFull.whose_fault(), Whose::Account);
}

#[test]
fn a_code_of_another_version_is_shown_as_it_is() {
    let code = "a_code_of_another_version";
    assert_eq!(ProblemCode::parse(code), None);
    let said = explain_recorded(code, &Context::default(), Language::Spanish);
    assert_eq!((said.title.as_str(), said.fix.len(), in_short(code)), (code, 0, code));
    for code in ProblemCode::ALL {
        let said = explain_recorded(code.as_str(), &Context::default(), Language::Spanish);
        assert_eq!(said, explain(code, &Context::default(), Language::Spanish), "{code}");
    }
}

#[test]
fn a_bounce_because_of_the_account_blames_no_address() {
    for (report, cause, verdict, advice) in [
        ("smtp; 550 5.1.1 <x@y.ec>: User unknown", Some(ProblemCode::MailboxNotFound), Verdict::Recipient, ProblemCode::Bounced),
        ("smtp; 550 5.2.2 Mailbox Full", Some(ProblemCode::MailboxFull), Verdict::Recipient, ProblemCode::Bounced),
        ("smtp; 554 4.4.7 Message expired: unable to deliver in 840 minutes", None, Verdict::Recipient, ProblemCode::Bounced),
        (
            "smtp; 550 DMARC check failed",
            Some(ProblemCode::DomainNotAuthenticated),
            Verdict::Account,
            ProblemCode::DomainNotAuthenticated,
        ),
        ("smtp; 550 5.7.1 Relaying denied", Some(ProblemCode::RelayDenied), Verdict::Account, ProblemCode::RelayDenied),
        (
            "smtp; 554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
            Some(ProblemCode::IpBlocked),
            Verdict::Account,
            ProblemCode::IpBlocked,
        ),
        (
            "smtp; 554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException",
            Some(ProblemCode::SenderMailboxFull),
            Verdict::Account,
            ProblemCode::SenderMailboxFull,
        ),
        (
            "smtp; 550 5.4.5 Daily user sending limit exceeded",
            Some(ProblemCode::RateLimited),
            Verdict::Later,
            ProblemCode::RateLimited,
        ),
        (
            "smtp; 552 5.3.4 Message size exceeds fixed limit",
            Some(ProblemCode::MessageTooBig),
            Verdict::Message,
            ProblemCode::MessageTooBig,
        ),
    ] {
        let found = classify_text("dsn", report);
        assert_eq!(
            (found.code, found.cause, found.verdict, found.advice()),
            (ProblemCode::Bounced, cause, verdict, advice),
            "{report}"
        );
    }
}

async fn refused(password: &str, language: Language) -> CheckReport {
    let refusal = "535-5.7.8 Username and Password not accepted.\n535 5.7.8 gsmtp";
    let server = Server::start(vec![HELLO, Act::Converse(vec![("AUTH", refusal)])]).await;
    let subject = Subject {
        endpoint: Endpoint { host: "127.0.0.1".to_owned(), ..server.endpoint(Security::None) },
        credentials: Some(Credentials::password("cobros@empresa.ec", password.into())),
        from_name: String::new(),
        from: address("cobros@empresa.ec"),
        to: None,
        language,
    };
    check::run(&network(None), &subject, |_| {}).await
}

#[tokio::test]
async fn an_app_password_refused_with_its_blanks_is_offered_without_them() {
    let blanks = Some(PasswordMend::WithoutBlanks);
    for (password, mend, spanish, english) in [
        ("abcd efgh ijkl mnop", blanks, "sin los espacios", "without the blanks"),
        ("abcd\u{a0}efgh\u{a0}ijkl\u{a0}mnop", blanks, "sin los espacios", "without the blanks"),
        ("clave-1 \n", Some(PasswordMend::WithoutEnds), "salto de línea", "line break"),
        ("\u{201c}clave-1\u{201d}", Some(PasswordMend::PlainCharacters), "comillas tipográficas", "curly quotes"),
        ("abcd-efgh-ijkl-mnop", None, "Escriba otra vez la contraseña", "password"),
        ("una clave con espacios", None, "Escriba otra vez la contraseña", "password"),
    ] {
        for (language, words) in [(Language::Spanish, spanish), (Language::English, english)] {
            let report = refused(password, language).await;
            let problem = report.problem.as_ref().unwrap();
            assert_eq!(report.suggestion.as_ref().and_then(|better| better.password), mend, "{password:?}: {report:?}");
            let code = if password.contains('\n') { "invalid_input" } else { "bad_credentials" };
            assert_eq!(problem.code.as_str(), code, "{password:?}");
            assert!(problem.fix.join(" ").contains(words), "{password:?}: {:?}", problem.fix);
            let told = format!("{report:?}");
            assert!(!told.contains(password) && !told.contains("abcdefghijklmnop"), "the password is told: {told}");
        }
    }
}
