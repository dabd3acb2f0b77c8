//! Probar: a line per phase, the verdict word for word, and never more than twenty seconds.

use std::time::Duration;

use acuse_domain::mail_account::Security;
use acuse_mail::catcher::Catcher;
use acuse_mail::caught;
use acuse_mail::check::{self, CheckReport, Subject};
use acuse_mail::endpoint::Endpoint;
use acuse_mail::explanation::Language;
use acuse_mail::failure::Phase;
use tokio::time::Instant;

use crate::scripted::{Act, FallSilent, HELLO, Hear, PASSWORD, SAYS_NOTHING, Say, Server, Wait, address, network, somebody};

fn subject(endpoint: Endpoint, to: Option<&str>) -> Subject {
    Subject {
        endpoint,
        credentials: Some(somebody()),
        from_name: "Empresa S.A.".to_owned(),
        from: address("cobros@empresa.ec"),
        to: to.map(address),
        language: Language::Spanish,
    }
}

fn phases(report: &CheckReport) -> Vec<(&'static str, bool)> {
    report.phases.iter().map(|line| (line.phase.as_str(), line.ok)).collect()
}

async fn of_catcher(catcher: &Catcher, to: Option<&str>) -> (CheckReport, Vec<Phase>) {
    let endpoint = Endpoint { host: "127.0.0.1".to_owned(), port: catcher.local_addr().port(), security: Security::None };
    let mut told = Vec::new();
    let report = check::run(&network(None), &subject(endpoint, to), |line| told.push(line.phase)).await;
    (report, told)
}

#[tokio::test]
async fn a_right_account_is_called_so_and_nothing_is_sent() {
    let catcher = Catcher::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (report, told) = of_catcher(&catcher, None).await;
    assert_eq!((report.ok, report.verdict, report.problem.clone()), (true, "Configuración correcta", None));
    let all = ["dns", "connect", "greeting", "tls", "auth", "sender"];
    assert_eq!(phases(&report), all.map(|phase| (phase, true)));
    assert_eq!(told.len(), 6);
    assert!(catcher.messages().is_empty());
}

#[tokio::test]
async fn with_an_address_a_real_mail_arrives() {
    let catcher = Catcher::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (report, _) = of_catcher(&catcher, Some("yo@empresa.ec")).await;
    assert!(report.ok, "{report:?}");
    assert_eq!(phases(&report)[6..], [("recipient", true), ("message", true)]);
    assert!(report.phases[7].reply.as_deref().unwrap().starts_with("250 2.0.0"));
    let read = caught::parse(&catcher.messages()[0].raw);
    assert_eq!((read.subject.as_str(), read.to[0].address.as_str()), ("Prueba de la cuenta de correo", "yo@empresa.ec"));
    let (report, _) = of_catcher(&catcher, Some("rebota@empresa.ec")).await;
    assert_eq!(phases(&report).last(), Some(&("recipient", false)));
    assert_eq!(report.problem.unwrap().code.as_str(), "mailbox_not_found");
}

#[tokio::test]
async fn a_wrong_password_is_explained() {
    let server = Server::start(vec![
        HELLO,
        Hear,
        Say("250-x\r\n250 AUTH PLAIN"),
        Hear,
        Say("535-5.7.8 Username and Password not accepted\r\n535 5.7.8 gsmtp"),
        FallSilent,
    ])
    .await;
    let report = check::run(&network(None), &subject(server.endpoint(Security::None), None), |_| {}).await;
    assert_eq!((report.ok, report.verdict), (false, "Configuración errónea"));
    let failed = report.phases.last().unwrap();
    assert_eq!(
        (failed.phase, failed.reply.as_deref()),
        (Phase::Auth, Some("535-5.7.8 Username and Password not accepted\n535 5.7.8 gsmtp"))
    );
    let problem = report.problem.clone().unwrap();
    assert_eq!((problem.code.as_str(), problem.title.as_str()), ("bad_credentials", "Usuario o contraseña no aceptados"));
    assert!(problem.fix[0].contains("«cobros@empresa.ec»"));
    assert!(!format!("{report:?}").contains(PASSWORD));
}

#[tokio::test]
async fn without_an_address_the_server_hears_of_no_recipient() {
    let script =
        vec![HELLO, Hear, Say("250-x\r\n250 AUTH PLAIN"), Hear, Say("235 ok"), Hear, Say("250 ok"), Hear, Say("221 bye")];
    let server = Server::start(script).await;
    let report = check::run(&network(None), &subject(server.endpoint(Security::None), None), |_| {}).await;
    assert!(report.ok, "{report:?}");
    let begun = Instant::now();
    while server.heard().len() < 4 {
        assert!(begun.elapsed() < Duration::from_secs(2), "the goodbye is said aside: {:?}", server.heard());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(server.heard()[2..], ["MAIL FROM:<cobros@empresa.ec>\r\n", "QUIT\r\n"]);
}

/// The server's word is known: neither RSET nor QUIT can hold it up or change it.
#[tokio::test]
async fn what_a_server_keeps_to_itself_after_its_word_holds_up_no_check() {
    for (silent_at, to) in [("QUIT", None), ("QUIT", Some("yo@empresa.ec")), ("RSET", None), ("RSET", Some("yo@empresa.ec"))] {
        let server = Server::start(vec![HELLO, Act::Converse(vec![(silent_at, SAYS_NOTHING)])]).await;
        let begun = Instant::now();
        let report = check::run(&network(None), &subject(server.endpoint(Security::None), to), |_| {}).await;
        assert!(report.ok, "{silent_at} {to:?}: {report:?}");
        let most = if silent_at == "RSET" && to.is_some() { 4 } else { 1 };
        assert!(begun.elapsed() < Duration::from_secs(most), "{silent_at} {to:?}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_check_speaks_the_readers_language_throughout() {
    let catcher = Catcher::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let endpoint = Endpoint { host: "127.0.0.1".to_owned(), port: catcher.local_addr().port(), security: Security::None };
    for (language, verdict, in_clear, no_user, note) in [
        (
            Language::Spanish,
            "Configuración correcta",
            "Sin cifrar, como se eligió",
            "Sin usuario",
            "El servidor aceptó el remitente sin",
        ),
        (
            Language::English,
            "The settings are right",
            "Not encrypted, as chosen",
            "No user",
            "The server took the sender without",
        ),
    ] {
        let nobody = Subject { language, credentials: None, ..subject(endpoint.clone(), None) };
        let report = check::run(&network(None), &nobody, |_| {}).await;
        let detail = |phase| report.phases.iter().find(|line| line.phase == phase).and_then(|line| line.detail.clone());
        assert_eq!(
            (report.verdict, detail(Phase::Tls).as_deref(), detail(Phase::Auth).as_deref()),
            (verdict, Some(in_clear), Some(no_user))
        );
        assert!(report.note.as_deref().is_some_and(|said| said.starts_with(note)), "only what was done: {:?}", report.note);
        let wrong = Subject { language, ..subject(Endpoint { port: 9, ..endpoint.clone() }, None) };
        let wrong = check::run(&network(None), &wrong, |_| {}).await.verdict;
        assert_eq!(wrong, if language == Language::Spanish { "Configuración errónea" } else { "The settings are wrong" });
    }
}

/// Every step uses almost all the time it may take; the clock is turned forward while everybody waits.
#[tokio::test(start_paused = true)]
async fn a_check_ends_in_twenty_seconds_whatever_the_server_does() {
    let slow = |line| [Hear, Wait(Duration::from_millis(4_900)), Say(line)];
    let mut script = vec![Wait(Duration::from_millis(4_900)), HELLO];
    for line in ["250-x\r\n250 AUTH PLAIN", "235 ok", "250 ok", "250 ok", "250 ok"] {
        script.extend(slow(line));
    }
    let drip: Vec<Act> = [Act::Bytes(b"2".to_vec()), Wait(Duration::from_secs(1))].into_iter().cycle().take(100).collect();
    for script in [script, vec![FallSilent], drip] {
        let server = Server::start(script).await;
        let begun = Instant::now();
        let report = check::run(&network(None), &subject(server.endpoint(Security::None), Some("yo@empresa.ec")), |_| {}).await;
        assert!(begun.elapsed() <= Duration::from_secs(20), "{:?}", begun.elapsed());
        assert!(!report.ok);
    }
}

#[tokio::test]
async fn a_slip_in_the_servers_name_is_pointed_out() {
    let endpoint = Endpoint { host: "smpt.gmail.com".to_owned(), port: 587, security: Security::StartTls };
    let report = check::run(&network(None), &subject(endpoint, None), |_| {}).await;
    assert!(report.problem.unwrap().fix.concat().contains("¿Quiso decir smtp.gmail.com?"));
}

/// Whatever the sender's domain: what is sent is a whole mail, with an identifier of ASCII.
#[tokio::test]
async fn the_test_mail_of_any_domain_is_a_whole_one() {
    let longest = format!("a@{}.ec", ["x".repeat(63), "y".repeat(63), "z".repeat(63), "w".repeat(40)].join("."));
    for sender in ["cobros@ñandú.ec", "u@xn--andu-jqa.ec", "u@faß.de", &longest] {
        let catcher = Catcher::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let endpoint = Endpoint { host: "127.0.0.1".to_owned(), port: catcher.local_addr().port(), security: Security::None };
        let subject = Subject { from: address(sender), ..subject(endpoint, Some("yo@empresa.ec")) };
        let report = check::run(&network(None), &subject, |_| {}).await;
        assert!(report.ok, "{sender}: {report:?}");
        let read = caught::parse(&catcher.messages()[0].raw);
        assert_eq!((read.subject.as_str(), read.to[0].address.as_str()), ("Prueba de la cuenta de correo", "yo@empresa.ec"));
        assert!(read.text.is_some_and(|text| text.contains("Esta es una prueba")), "{sender}");
        let id = read.message_id.expect("a Message-ID");
        assert!(id.is_ascii() && id.ends_with(&address(sender).ascii_domain()), "{id}");
    }
}

/// A record of another version may hold what cannot be written: nothing goes out then, and why is said.
#[tokio::test]
async fn what_cannot_be_written_is_not_sent_empty() {
    let server = Server::start(vec![HELLO, Act::Converse(vec![])]).await;
    let from = acuse_domain::email_address::EmailAddress::as_kept("cobros@la empresa");
    let subject = Subject { from, ..subject(server.endpoint(Security::None), Some("yo@empresa.ec")) };
    let report = check::run(&network(None), &subject, |_| {}).await;
    let problem = report.problem.expect("a problem");
    assert_eq!((problem.code.as_str(), report.verdict), ("message_not_composed", "Configuración errónea"));
    assert!(problem.fix[0].contains("message_id"), "{:?}", problem.fix);
    assert!(!server.heard().iter().any(|line| line.starts_with("DATA") || line.starts_with("RCPT")), "{:?}", server.heard());
}

#[tokio::test]
async fn a_sender_of_other_letters_is_said_to_be_that() {
    let server = Server::start(vec![HELLO, Act::Converse(vec![])]).await;
    let subject = Subject { from: address("ñ@x.ec"), ..subject(server.endpoint(Security::None), None) };
    let problem = check::run(&network(None), &subject, |_| {}).await.problem.expect("a problem");
    assert_eq!(problem.code.as_str(), "sender_utf8_unsupported");
    assert_eq!(problem.title, "El servidor no acepta remitentes con tildes o eñes: «ñ@x.ec»");
    assert!(!server.heard().iter().any(|line| line.starts_with("MAIL")), "{:?}", server.heard());
}
