//! Reaching a server: every way in which it can go wrong is told apart, and none hangs or harms.

use std::time::Duration;

use acuse_domain::mail_account::Security;
use acuse_mail::diagnosis::classify;
use acuse_mail::endpoint::{Endpoint, Limits};
use acuse_mail::failure::{Failure, Phase};
use acuse_mail::session::Session;
use time::{Duration as Days, OffsetDateTime};
use tokio::time::Instant;

use crate::certificates::Authority;
use crate::scripted::{Act, FallSilent, HELLO, Hear, OFFERS, PASSWORD, Say, Server, Wait, network, quick, somebody};

/// The phase and the code of a failure to open.
async fn trouble(script: Vec<Act>, security: Security) -> (Phase, &'static str) {
    let server = Server::start(script).await;
    let failure = server.open(security, Some(&somebody())).await.map(drop).unwrap_err();
    (failure.phase, classify(&failure).code.as_str())
}

#[tokio::test]
async fn what_is_not_a_mail_server_is_said_to_be_none() {
    for greeting in [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "* OK IMAP4rev1 ready\r\n",
        "+OK POP3\r\n",
        "\0\0\0\u{1}\n",
    ] {
        let script = vec![Act::Bytes(greeting.as_bytes().to_vec()), FallSilent];
        assert_eq!(trouble(script, Security::StartTls).await, (Phase::Greeting, "not_smtp"), "{greeting:?}");
    }
}

#[tokio::test]
async fn silence_is_a_timeout_and_a_closed_door_a_lost_connection() {
    assert_eq!(trouble(vec![FallSilent], Security::StartTls).await, (Phase::Greeting, "timeout"));
    assert_eq!(trouble(vec![], Security::StartTls).await, (Phase::Greeting, "connection_lost"));
    assert_eq!(trouble(vec![HELLO, Hear], Security::StartTls).await, (Phase::Greeting, "connection_lost"));
    assert_eq!(trouble(vec![HELLO, Hear, FallSilent], Security::StartTls).await, (Phase::Greeting, "timeout"));
    assert_eq!(trouble(vec![HELLO, Hear, OFFERS, Hear, FallSilent], Security::StartTls).await, (Phase::Tls, "timeout"));
}

#[tokio::test]
async fn a_reply_that_never_ends_is_given_up_within_bounds() {
    let begun = Instant::now();
    let a_gigabyte = Act::Repeat(vec![b'x'; 1 << 20], 1 << 10);
    assert_eq!(trouble(vec![a_gigabyte.clone()], Security::StartTls).await.1, "not_smtp");
    assert_eq!(trouble(vec![Act::Bytes(b"220 ".to_vec()), a_gigabyte.clone()], Security::StartTls).await.1, "protocol_error");
    let endless = Act::Repeat(b"220-more\r\n".repeat(1_000), 1 << 20);
    assert_eq!(trouble(vec![endless], Security::StartTls).await.1, "protocol_error");
    let binary: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    assert_eq!(trouble(vec![Act::Bytes(binary), FallSilent], Security::StartTls).await.1, "not_smtp");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_reply_that_drips_has_no_more_time_than_another() {
    let drip = vec![Act::Bytes(b"2".to_vec()), Wait(Duration::from_millis(300))];
    let script: Vec<Act> = drip.into_iter().cycle().take(40).collect();
    let begun = Instant::now();
    assert_eq!(trouble(script, Security::StartTls).await.1, "timeout");
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn the_greetings_own_words_decide() {
    let refused = |line| vec![Say(line), FallSilent];
    assert_eq!(
        trouble(refused("421 4.3.2 Too many connections"), Security::StartTls).await,
        (Phase::Greeting, "server_refuses_us")
    );
    assert_eq!(
        trouble(refused("554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org"), Security::StartTls).await.1,
        "ip_blocked"
    );
    let no_ehlo = vec![HELLO, Hear, Say("550 invalid HELO argument"), FallSilent];
    assert_eq!(trouble(no_ehlo, Security::StartTls).await, (Phase::Greeting, "helo_rejected"));
}

#[tokio::test]
async fn a_server_of_before_ehlo_is_spoken_to_all_the_same() {
    let server = Server::start(vec![HELLO, Hear, Say("502 Command not implemented"), Hear, Say("250 hello"), FallSilent]).await;
    assert!(server.open(Security::None, None).await.is_ok());
    assert!(server.heard()[1].starts_with("HELO ["));
}

#[tokio::test]
async fn without_tls_no_password_goes_out() {
    let authority = Authority::new();
    let tls = authority.server(&["127.0.0.1"]);
    let plain_offer = Say("250-mail.empresa.ec\r\n250 AUTH PLAIN LOGIN");
    let scripts = [
        (vec![HELLO, Hear, plain_offer, FallSilent], "starttls_not_offered"),
        (vec![HELLO, Hear, OFFERS, Hear, Say("454 4.7.0 TLS not available due to local problem"), FallSilent], "starttls_broken"),
        (vec![HELLO, Hear, OFFERS, Hear, Say("454 4.7.0 TLS is busy, try again later"), FallSilent], "server_temporary_error"),
        (vec![HELLO, Hear, OFFERS, Hear, Say("502 5.5.1 no"), FallSilent], "starttls_not_offered"),
        (vec![HELLO, Hear, OFFERS, Hear, Say("220 go\r\n250-mail\r\n250 AUTH PLAIN"), FallSilent], "starttls_injection"),
        (vec![HELLO, Hear, OFFERS, Hear, Say("220"), Hear, Say("454 TLS not available"), FallSilent], "tls_handshake_failed"),
        (vec![HELLO, Hear, OFFERS, Hear, Say("220"), Hear, Say("HTTP/1.1 400 Bad Request"), FallSilent], "tls_handshake_failed"),
        (vec![HELLO, Hear, OFFERS, Hear, Say("220 go"), Act::Tls(tls), FallSilent], "certificate_untrusted"),
    ];
    for (script, code) in scripts {
        let server = Server::start(script).await;
        let failure = server.open(Security::StartTls, Some(&somebody())).await.map(drop).unwrap_err();
        assert_eq!((failure.phase, classify(&failure).code.as_str()), (Phase::Tls, code));
        assert!(!server.heard().concat().contains("AUTH"), "{:?}", server.heard());
    }
}

#[tokio::test]
async fn a_port_that_speaks_the_other_way_is_said_to() {
    assert_eq!(trouble(vec![HELLO, FallSilent], Security::Tls).await, (Phase::Greeting, "port_wants_starttls"));
    let alert = vec![Act::Bytes(vec![21, 3, 1, 0, 2, 2, 70]), FallSilent];
    assert_eq!(trouble(alert, Security::StartTls).await, (Phase::Greeting, "port_wants_tls"));
    assert_eq!(trouble(vec![Hear, Say("HTTP/1.1 400 Bad Request")], Security::Tls).await, (Phase::Greeting, "not_smtp"));
}

async fn with_certificate(authority: &Authority, names: &[&str], days: i64) -> Result<Session, Box<Failure>> {
    let now = OffsetDateTime::now_utc();
    let tls = authority.server_valid(names, now - Days::days(60), now + Days::days(days));
    let server = Server::start(vec![Act::Tls(tls), HELLO, Hear, OFFERS, FallSilent]).await;
    let endpoint = Endpoint { host: "localhost".to_owned(), ..server.endpoint(Security::Tls) };
    Session::open(&network(Some(&authority.pem)), &endpoint, None, &quick()).await
}

#[tokio::test]
async fn a_certificate_is_believed_only_if_all_of_it_is_right() {
    let authority = Authority::new();
    assert!(with_certificate(&authority, &["localhost"], 1).await.is_ok());
    let expired = with_certificate(&authority, &["localhost"], -1).await.map(drop).unwrap_err();
    assert_eq!((expired.phase, classify(&expired).code.as_str()), (Phase::Tls, "certificate_expired"));
    let other = with_certificate(&authority, &["srv1.hosting.com"], 1).await.map(drop).unwrap_err();
    assert_eq!(classify(&other).code.as_str(), "certificate_name_mismatch");
    let said = acuse_mail::explanation::explain(
        acuse_domain::mail_problem::ProblemCode::CertificateNameMismatch,
        &acuse_mail::explanation::Context { host: "localhost", ..Default::default() }.with(&other),
        acuse_mail::explanation::Language::Spanish,
    );
    assert_eq!(said.title, "El certificado es de «srv1.hosting.com», no de «localhost»");
    let stranger = Authority { pem: authority.pem.clone(), ..Authority::new() };
    let unknown = with_certificate(&stranger, &["localhost"], 1).await.map(drop).unwrap_err();
    assert_eq!(classify(&unknown).code.as_str(), "certificate_untrusted");
}

#[tokio::test]
async fn what_was_offered_before_tls_does_not_count_after_it() {
    let authority = Authority::new();
    let tls = authority.server(&["127.0.0.1"]);
    let script = vec![
        HELLO,
        Hear,
        OFFERS,
        Hear,
        Say("220 go"),
        Act::Tls(tls),
        Hear,
        Say("250-mail\r\n250 AUTH LOGIN"),
        Hear,
        Say("334 x"),
        Hear,
        Say("334 y"),
        Hear,
        Say("235 ok"),
        FallSilent,
    ];
    let server = Server::start(script).await;
    let session =
        Session::open(&network(Some(&authority.pem)), &server.endpoint(Security::StartTls), Some(&somebody()), &quick())
            .await
            .unwrap();
    assert!(!session.capabilities().pipelining);
    assert_eq!(server.heard()[3], "AUTH LOGIN\r\n");
}

#[tokio::test]
async fn login_says_what_is_missing() {
    let open = |offer, answers: Vec<&'static str>| {
        let mut script = vec![HELLO, Hear, Say(offer)];
        for answer in answers {
            script.extend([Hear, Say(answer)]);
        }
        script.push(FallSilent);
        script
    };
    let plain = "250-x\r\n250 AUTH PLAIN LOGIN";
    assert_eq!(
        trouble(open(plain, vec!["535 5.7.8 Username and Password not accepted"]), Security::None).await,
        (Phase::Auth, "bad_credentials")
    );
    assert_eq!(
        trouble(open(plain, vec!["454 4.7.0 Temporary authentication failure"]), Security::None).await.1,
        "auth_temporarily_refused"
    );
    assert_eq!(trouble(open("250-x\r\n250 STARTTLS", vec![]), Security::None).await, (Phase::Auth, "tls_required"));
    assert_eq!(trouble(open("250-x\r\n250 AUTH XOAUTH2", vec![]), Security::None).await, (Phase::Auth, "auth_not_supported"));
    assert_eq!(
        trouble(open(plain, vec!["504 5.5.4 Unrecognized", "334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "535 no"]), Security::None)
            .await
            .1,
        "bad_credentials"
    );
    assert_eq!(
        trouble(open("250-x\r\n250 AUTH CRAM-MD5", vec!["334 PDE4OTY+", "535 no"]), Security::None).await.1,
        "bad_credentials"
    );
}

#[tokio::test]
async fn the_password_is_nowhere_to_be_seen() {
    let base64 = "AGNvYnJvc0BlbXByZXNhLmVjAGNsYXZlLW11eS1zZWNyZXRhLTQy";
    let echo: &'static str = Box::leak(format!("535 5.7.8 AUTH PLAIN {base64} {PASSWORD} refused").into_boxed_str());
    let server = Server::start(vec![HELLO, Hear, Say("250-x\r\n250 AUTH PLAIN"), Hear, Say(echo), FallSilent]).await;
    let failure = server.open(Security::None, Some(&somebody())).await.map(drop).unwrap_err();
    assert!(server.heard()[1].contains(base64), "the server did hear it");
    for shown in [format!("{failure:?}"), failure.to_string(), failure.reply_text().to_owned(), format!("{:?}", somebody())] {
        assert!(!shown.contains(PASSWORD) && !shown.contains(base64), "{shown}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_server_is_told_before_anything_is_contacted() {
    for (host, port, field) in [
        ("", 25, "server"),
        ("a b.ec", 25, "server"),
        ("mail.ec\r\nQUIT", 25, "server"),
        ("mail..ec", 25, "server"),
        ("mail.ec", 0, "port"),
    ] {
        let endpoint = Endpoint { host: host.to_owned(), port, security: Security::None };
        let failure = Session::open(&network(None), &endpoint, None, &quick()).await.map(drop).unwrap_err();
        assert_eq!(failure.cause, acuse_mail::failure::Cause::InvalidInput { field }, "{host:?}");
    }
    let endpoint = Endpoint { host: "smtp.nada.invalid".to_owned(), port: 25, security: Security::None };
    let failure = Session::open(&network(None), &endpoint, None, &quick()).await.map(drop).unwrap_err();
    assert_eq!((failure.phase, classify(&failure).code.as_str()), (Phase::Dns, "host_not_found"));
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_said_to_be_one() {
    let free = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() };
    let endpoint = Endpoint { host: "127.0.0.1".to_owned(), port: free, security: Security::None };
    let failure = Session::open(&network(None), &endpoint, None, &Limits::for_check()).await.map(drop).unwrap_err();
    assert_eq!((failure.phase, classify(&failure).code.as_str()), (Phase::Connect, "connection_refused"));
}
