//! Servers that mean harm, or are broken: a check of them ends in time with a clear word, keeps little in memory, and shows
//! no secret.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use acuse_domain::mail_account::Security;
use acuse_mail::check::{self, CheckReport, Subject};
use acuse_mail::endpoint::Endpoint;
use acuse_mail::explanation::Language;
use acuse_mail::failure::Phase;
use acuse_mail::guard::Network;
use acuse_mail::login::Credentials;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::certificates::Authority;
use crate::scripted::{Act, FallSilent, HELLO, Hear, OFFERS, PASSWORD, Say, Server, THE_DOT, Wait, address, network, somebody};

const COMMANDS: [&str; 6] = ["EHLO", "AUTH", "MAIL", "RCPT", "DATA", THE_DOT];
/// What the kernel's buffers hold on both sides of a loopback connection, beside the little that is read.
const MOST_TAKEN: usize = 16 << 20;

fn subject(endpoint: Endpoint) -> Subject {
    Subject {
        endpoint,
        credentials: Some(somebody()),
        from_name: "Empresa".to_owned(),
        from: address("cobros@empresa.ec"),
        to: Some(address("pagos@andina.ec")),
        language: Language::Spanish,
    }
}

async fn checked(network: &Network, endpoint: Endpoint) -> CheckReport {
    check::run(network, &subject(endpoint), |_| {}).await
}

fn code(report: &CheckReport) -> &'static str {
    report.problem.as_ref().map_or("", |problem| problem.code.as_str())
}

/// Stands before a server and lets only so many of its bytes through, then closes.
async fn cut_after(bytes: usize, server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from_client, mut to_client) = client.into_split();
                let (from_server, mut to_server) = TcpStream::connect(server).await.unwrap().into_split();
                let up = tokio::spawn(async move { copy(&mut from_client, &mut to_server).await });
                drop(copy(&mut from_server.take(bytes as u64), &mut to_client).await);
                drop(to_client.shutdown().await);
                // What the client says meanwhile is heard, so that it is closed and not reset.
                tokio::time::sleep(Duration::from_millis(5)).await;
                up.abort();
            });
        }
    });
    address
}

async fn checked_with_cut(network: &Network, server: &Server, security: Security, bytes: usize) -> CheckReport {
    let address = cut_after(bytes, server.address).await;
    checked(network, Endpoint { host: "localhost".to_owned(), port: address.port(), security }).await
}

#[tokio::test]
async fn a_connection_cut_at_any_byte_is_called_lost_or_in_doubt() {
    let server = Server::start(vec![HELLO, Act::Converse(vec![])]).await;
    let network = network(None);
    let mut seen = Vec::new();
    for bytes in 0.. {
        assert!(bytes < 1_000, "a session is never complete: {seen:?}");
        let report = checked_with_cut(&network, &server, Security::None, bytes).await;
        if report.ok {
            break;
        }
        let heard_the_end = report.phases.last().is_some_and(|line| line.phase == Phase::Message);
        let expected: &[&str] =
            if heard_the_end { &["connection_lost", "in_doubt"] } else { &["connection_lost", "protocol_error", "not_smtp"] };
        assert!(expected.contains(&code(&report)), "after {bytes} bytes: {report:?}");
        assert!(!format!("{report:?}").contains(PASSWORD));
        seen.push(code(&report));
    }
    assert!(seen.len() > 200 && seen.last() == Some(&"in_doubt"), "{} {:?}", seen.len(), seen.last());
}

#[tokio::test]
async fn a_connection_cut_in_the_midst_of_tls_is_no_riddle_either() {
    let authority = Authority::new();
    let tls = Act::Tls(authority.server(&["localhost"]));
    let server = Server::start(vec![HELLO, Hear, OFFERS, Hear, Say("220 go"), tls, Act::Converse(vec![])]).await;
    let network = network(Some(&authority.pem));
    let mut ended_well = false;
    for bytes in (0..6_000).step_by(37) {
        let report = checked_with_cut(&network, &server, Security::StartTls, bytes).await;
        ended_well = report.ok;
        if ended_well {
            break;
        }
        let expected = ["connection_lost", "in_doubt", "tls_handshake_failed", "protocol_error", "not_smtp"];
        assert!(expected.contains(&code(&report)), "after {bytes} bytes: {report:?}");
    }
    assert!(ended_well);
}

/// Floods after a command, and counts what was taken of it.
async fn flood(command: &'static str, piece: Vec<u8>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(drown(stream, command, piece.clone(), Arc::clone(&count)));
        }
    });
    (address, taken)
}

async fn drown(mut stream: TcpStream, command: &str, piece: Vec<u8>, count: Arc<AtomicUsize>) {
    let mut buffer = vec![0; 65_536];
    let mut in_message = false;
    drop(stream.write_all(b"220 mail.empresa.ec ESMTP\r\n").await);
    loop {
        let Ok(heard @ 1..) = stream.read(&mut buffer).await else { return };
        let line = String::from_utf8_lossy(&buffer[..heard]).into_owned();
        let line = if in_message { THE_DOT.to_owned() } else { line };
        if line.starts_with(command) {
            while count.fetch_add(piece.len(), Ordering::Relaxed) < 1 << 30 {
                if stream.write_all(&piece).await.is_err() {
                    return;
                }
            }
        }
        in_message = line.starts_with("DATA");
        let answer: &[u8] = match line.get(..4).unwrap_or_default() {
            "EHLO" => b"250-x\r\n250 AUTH PLAIN\r\n",
            "AUTH" => b"235 ok\r\n",
            "DATA" => b"354 go\r\n",
            _ => b"250 ok\r\n",
        };
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_gigabyte_in_any_answer_is_given_up_after_little_of_it() {
    let network = network(None);
    let pieces: [(&str, Vec<u8>); 4] = [
        ("no line end", vec![b'2'; 1 << 16]),
        ("endless lines", b"250-more and more\r\n".repeat(4_000)),
        ("binary", (0..=255).cycle().take(1 << 16).collect()),
        ("a line, then no end", [b"250-".as_slice(), &[b'x'; 1 << 16]].concat()),
    ];
    for (what, piece) in pieces {
        for command in COMMANDS {
            let begun = Instant::now();
            let (address, taken) = flood(command, piece.clone()).await;
            let report =
                checked(&network, Endpoint { host: "127.0.0.1".to_owned(), port: address.port(), security: Security::None })
                    .await;
            let expected = if command == THE_DOT { "in_doubt" } else { "protocol_error" };
            assert_eq!(code(&report), expected, "{what} after {command}: {report:?}");
            assert!(begun.elapsed() < Duration::from_secs(5), "{what} after {command}: {:?}", begun.elapsed());
            assert!(taken.load(Ordering::Relaxed) < MOST_TAKEN, "{what} after {command}: {taken:?} bytes");
            assert!(format!("{report:?}").len() < 200_000, "{what} after {command}");
        }
    }
}

/// What stands beside the code is read past: only a server that never comes to its word leaves a doubt.
#[tokio::test]
async fn a_word_on_the_message_counts_however_long_it_is() {
    for (before, line_end, problem) in [("250 ", "\r\n", ""), ("550 5.7.1 spam ", "\r\n", "content_rejected"), ("250 ", "", "")] {
        let megabytes = if line_end.is_empty() { 3 } else { 1 };
        let said = [before.as_bytes(), &vec![b'A'; megabytes << 20], line_end.as_bytes()].concat();
        let begin =
            vec![HELLO, Hear, Say("250-x\r\n250 AUTH PLAIN"), Hear, Say("235 ok"), Hear, Say("250 ok"), Hear, Say("250 ok")];
        let sent = vec![Hear, Say("250 ok"), Hear, Say("250 ok"), Hear, Say("354 go"), Act::HearMessage, Act::Bytes(said)];
        let server = Server::start([begin, sent, vec![FallSilent]].concat()).await;
        let report = checked(&network(None), server.endpoint(Security::None)).await;
        assert_eq!(code(&report), problem, "{before}{line_end:?}: {:?}", report.problem);
        assert!(format!("{report:?}").len() < 10_000);
    }
}

/// It would hold the message for the ten minutes that RFC 5321 gives the final dot.
#[tokio::test]
async fn an_answer_to_the_message_that_goes_on_and_on_is_given_up() {
    let begin = vec![HELLO, Hear, Say("250-x\r\n250 AUTH PLAIN"), Hear, Say("235 ok"), Hear, Say("250 ok"), Hear, Say("250 ok")];
    let sent = vec![Hear, Say("250 ok"), Hear, Say("250 ok"), Hear, Say("354 go"), Act::HearMessage];
    let drops: Vec<Act> =
        (0..2_000).flat_map(|_| [Act::Bytes(b"250-more\r\n".to_vec()), Act::Wait(Duration::from_millis(5))]).collect();
    let server = Server::start([begin, sent, drops, vec![FallSilent]].concat()).await;
    let begun = Instant::now();
    let report = checked(&network(None), server.endpoint(Security::None)).await;
    assert_eq!(code(&report), "in_doubt", "{:?}", report.problem);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_server_that_offers_ten_thousand_things_is_still_understood() {
    let offers: String = (0..10_000).map(|n| format!("250-X{n}\r\n")).collect::<String>() + "250 AUTH PLAIN";
    let offers: &'static str = Box::leak(offers.into_boxed_str());
    let server = Server::start(vec![HELLO, Act::Converse(vec![("EHLO", offers)])]).await;
    let report = checked(&network(None), server.endpoint(Security::None)).await;
    assert!(report.ok || code(&report) == "auth_not_supported", "{report:?}");
}

#[tokio::test]
async fn what_comes_unasked_after_the_message_does_no_harm() {
    let garbage = "250 2.0.0 Ok: queued\n999 what\n\u{1}\u{2}\n250 more";
    let server = Server::start(vec![HELLO, Act::Converse(vec![(THE_DOT, garbage)])]).await;
    let report = checked(&network(None), server.endpoint(Security::None)).await;
    assert!(report.ok, "{report:?}");
    assert_eq!(report.phases.last().unwrap().reply.as_deref(), Some("250 2.0.0 Ok: queued"));
}

/// The clock is turned forward while everybody waits.
#[tokio::test(start_paused = true)]
async fn answers_that_come_too_late_or_by_the_byte_are_not_waited_for() {
    let slowly = |text: &str| -> Vec<Act> {
        text.bytes().flat_map(|byte| [Act::Bytes(vec![byte]), Wait(Duration::from_secs(1))]).collect()
    };
    let late = |line| vec![Wait(Duration::from_secs(6)), Say(line)];
    let scripts: [Vec<Act>; 5] = [
        slowly("220 mail.empresa.ec\r\n"),
        [vec![HELLO, Hear], slowly("250-mail.empresa.ec\r\n250 AUTH PLAIN\r\n")].concat(),
        late("220 mail.empresa.ec"),
        [vec![HELLO, Hear], late("250 AUTH PLAIN")].concat(),
        [vec![HELLO, Hear, Say("250-x\r\n250 AUTH PLAIN"), Hear], late("235 ok")].concat(),
    ];
    for script in scripts {
        let server = Server::start([script, vec![FallSilent]].concat()).await;
        let begun = Instant::now();
        let report = checked(&network(None), server.endpoint(Security::None)).await;
        assert_eq!(code(&report), "timeout", "{report:?}");
        assert!(begun.elapsed() <= Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_password_said_back_in_any_answer_and_form_is_not_shown() {
    let plain = STANDARD.encode(format!("\0cobros@empresa.ec\0{PASSWORD}"));
    let hex: String = PASSWORD.bytes().map(|byte| format!("{byte:02x}")).collect();
    let forms = [
        PASSWORD.to_owned(),
        PASSWORD.to_uppercase(),
        plain,
        STANDARD.encode(PASSWORD),
        STANDARD.encode(format!("{PASSWORD}\n")),
        hex,
    ];
    for form in &forms {
        for command in ["", "EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RSET", "RCPT", "DATA", THE_DOT] {
            for status in ["550 5.7.1", "250-2.0.0", "451"] {
                let echo: &'static str =
                    Box::leak(format!("{status} you said {form} just now").replacen("250-", "550-x\n550 ", 1).into_boxed_str());
                // Somebody else may have said it before, or the server has it on record: it counts from the greeting on.
                let greeting = if command.is_empty() { Say(echo) } else { HELLO };
                let ehlo = match command {
                    "HELO" => vec![("EHLO", "502 5.5.1 EHLO unknown")],
                    "STARTTLS" => vec![("EHLO", "250-mail.empresa.ec\n250 STARTTLS")],
                    _ => vec![],
                };
                let echoes = if command.is_empty() { vec![] } else { vec![(command, echo)] };
                let server = Server::start(vec![greeting, Act::Converse([ehlo, echoes].concat())]).await;
                let security = if command == "STARTTLS" { Security::StartTls } else { Security::None };
                let report = checked(&network(None), server.endpoint(security)).await;
                let shown = format!("{report:?}");
                assert!(command == "RSET" || !report.ok, "{command}: {shown}");
                assert!(!shown.to_lowercase().contains(&form.to_lowercase()), "{command} {status}: {shown}");
                assert!(!shown.to_lowercase().contains("muy-secreta"), "{command} {status}: {shown}");
            }
        }
    }
}

/// The way in which a reply is cleaned before it is shown must not hide the password from the one that takes it out.
#[tokio::test]
async fn a_password_of_odd_letters_said_back_is_not_shown() {
    for password in [
        "muy\u{200b}secreta",
        "\u{202e}secreta",
        "secreta\u{a0}",
        "secreta  de blancos ",
        "se\u{feff}creta\u{2066}",
        "a\u{301}secreta",
    ] {
        for command in ["EHLO", "AUTH", "MAIL", THE_DOT] {
            let echo: &'static str = Box::leak(format!("550 5.7.1 no <{password}> here").into_boxed_str());
            let server = Server::start(vec![HELLO, Act::Converse(vec![(command, echo)])]).await;
            let who = Credentials::password("cobros@empresa.ec", password.to_owned().into());
            let subject = Subject { credentials: Some(who), ..subject(server.endpoint(Security::None)) };
            let shown = format!("{:?}", check::run(&network(None), &subject, |_| {}).await);
            assert!(shown.contains("•••"), "{command}: {shown}");
            assert!(!shown.contains("creta"), "{command}: {shown}");
        }
    }
}

#[tokio::test]
async fn a_long_password_of_any_letters_is_sent_whole_and_shown_nowhere() {
    let server = Server::start(vec![HELLO, Act::Converse(vec![("AUTH", "535 5.7.8 no")])]).await;
    for password in [" con espacios ".to_owned(), "🔑ñÑ漢字".to_owned(), "x".repeat(10_000)] {
        let who = Credentials::password("cobros@empresa.ec", password.clone().into());
        let subject = Subject { credentials: Some(who), ..subject(server.endpoint(Security::None)) };
        let report = check::run(&network(None), &subject, |_| {}).await;
        assert_eq!(code(&report), "bad_credentials");
        assert!(!format!("{report:?}").contains(&password));
        let sent = STANDARD.encode(format!("\0cobros@empresa.ec\0{password}"));
        assert!(server.heard().iter().any(|line| line.trim_end().ends_with(&sent)), "{} bytes", password.len());
    }
}

#[tokio::test]
async fn a_check_that_is_stopped_closes_its_connection_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint =
        Endpoint { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port(), security: Security::None };
    let check = tokio::spawn(async move { checked(&network(None), endpoint).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.write_all(b"220 mail.empresa.ec ESMTP\r\n").await.unwrap();
    let mut heard = [0; 1_000];
    assert!(stream.read(&mut heard).await.unwrap() > 0, "the check is under way");
    check.abort();
    let end = tokio::time::timeout(Duration::from_millis(500), stream.read(&mut heard)).await;
    assert!(matches!(end, Ok(Ok(0) | Err(_))), "{end:?}");
}
