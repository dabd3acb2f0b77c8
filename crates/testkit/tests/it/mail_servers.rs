use std::net::TcpStream;
use std::time::Duration;

use acuse_testkit::certificates::Authority;
use acuse_testkit::mail_servers::{MailServer, PASSWORD, PostfixWithDovecot, RECIPIENT, USER};

use crate::smtp_client::SmtpClient;

const SOON: Duration = Duration::from_secs(20);

/// \0cobros@empresa.test\0clave-de-prueba
const RIGHT_PASSWORD: &str = "AUTH PLAIN AGNvYnJvc0BlbXByZXNhLnRlc3QAY2xhdmUtZGUtcHJ1ZWJh";
/// \0cobros@empresa.test\0otra
const WRONG_PASSWORD: &str = "AUTH PLAIN AGNvYnJvc0BlbXByZXNhLnRlc3QAb3RyYQ==";

#[tokio::test]
async fn an_account_sends_through_starttls_and_through_tls() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let trusted = authority.write_pem(folder.path());
    let server = PostfixWithDovecot::start(&authority);

    for mut client in [SmtpClient::starttls(server.starttls_port(), &trusted), SmtpClient::tls(server.tls_port(), &trusted)] {
        assert!(client.say("EHLO prueba").contains("AUTH PLAIN LOGIN CRAM-MD5"));
        assert!(client.say(WRONG_PASSWORD).starts_with("535 5.7.8"));
        assert!(client.say(RIGHT_PASSWORD).starts_with("235 2.7.0"));
        assert!(client.send_mail(USER, RECIPIENT, "Recibo").starts_with("250 2.0.0"));
    }

    let mails = server.wait_for_mail(RECIPIENT, 2, SOON).await;
    assert!(mails.iter().all(|mail| String::from_utf8_lossy(mail).contains("Subject: Recibo\n")));
    assert_eq!(server.mailbox(USER).len(), 0);
}

#[test]
fn without_tls_the_submission_port_takes_nothing() {
    let server = PostfixWithDovecot::start(&Authority::new());
    let mut client = SmtpClient::plain(server.starttls_port());
    assert!(client.say("EHLO prueba").contains("STARTTLS"));
    assert!(client.say("MAIL FROM:<a@empresa.test>").starts_with("530 5.7.0 Must issue a STARTTLS"));
    let mut client = SmtpClient::plain(server.plain_port());
    assert!(!client.say("EHLO prueba").contains("STARTTLS"));
}

#[test]
fn strangers_unknown_users_full_mailboxes_and_large_mails_are_refused() {
    let lleno = "lleno@cliente.test";
    let server = MailServer::new(&Authority::new())
        .mailbox(RECIPIENT)
        .refusing(lleno, "452 4.2.2 El buzon esta lleno")
        .message_size_limit(20_000)
        .start();
    let mut client = SmtpClient::plain(server.plain_port());
    assert!(client.say("EHLO prueba").contains("SIZE 20000"));
    assert!(client.say("MAIL FROM:<a@empresa.test> SIZE=30000").starts_with("552 5.3.4"));
    client.say("RSET");
    let sender = client.say("MAIL FROM:<a@empresa.test>");
    assert!(sender.starts_with("250"), "{sender}");
    assert!(client.say("RCPT TO:<x@otra-empresa.test>").starts_with("554 5.7.1 <x@otra-empresa.test>: Relay access denied"));
    assert!(client.say("RCPT TO:<nadie@cliente.test>").starts_with("550 5.1.1"));
    let full = client.say(&format!("RCPT TO:<{lleno}>"));
    assert!(full.starts_with("452 4.2.2"), "{full}");
}

#[test]
fn an_account_without_password_or_with_a_foreign_sender_is_refused() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let trusted = authority.write_pem(folder.path());
    let locked = MailServer::new(&authority).user_without_password(USER).start();
    let mut client = SmtpClient::tls(locked.tls_port(), &trusted);
    client.say("EHLO prueba");
    assert!(client.say(RIGHT_PASSWORD).starts_with("535"));

    let strict = MailServer::new(&authority).user(USER, PASSWORD).mailbox(RECIPIENT).only_own_senders().start();
    let mut client = SmtpClient::tls(strict.tls_port(), &trusted);
    client.say("EHLO prueba");
    assert!(client.say(RIGHT_PASSWORD).starts_with("235"));
    client.say("MAIL FROM:<gerente@empresa.test>");
    assert!(client.say(&format!("RCPT TO:<{RECIPIENT}>")).starts_with("553 5.7.1"));
}

#[tokio::test]
async fn a_mail_accepted_and_returned_later_reaches_its_sender_as_a_report() {
    let server = MailServer::new(&Authority::new()).mailbox(USER).bouncing("antiguo@cliente.test").start();
    let mut client = SmtpClient::plain(server.plain_port());
    client.say("EHLO prueba");
    assert!(client.send_mail(USER, "antiguo@cliente.test", "Recibo").starts_with("250"));
    let report = String::from_utf8(server.wait_for_mail(USER, 1, SOON).await.remove(0)).unwrap();
    assert!(report.contains("Content-Type: message/delivery-status") && report.contains("Status: 5.1.1"), "{report}");
}

#[test]
fn a_client_refuses_an_expired_certificate() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let trusted = authority.write_pem(folder.path());
    let server = MailServer::new(&authority).certificate(authority.expired("localhost")).start();
    let refused = std::panic::catch_unwind(|| SmtpClient::tls(server.tls_port(), &trusted));
    assert!(refused.is_err());
}

#[tokio::test]
async fn a_stopped_server_starts_again_with_its_mail_and_a_dropped_one_is_gone() {
    let server = PostfixWithDovecot::start(&Authority::new());
    let port = server.plain_port();
    let mut client = SmtpClient::plain(port);
    client.say("EHLO prueba");
    client.send_mail("a@empresa.test", RECIPIENT, "Uno");
    server.wait_for_mail(RECIPIENT, 1, SOON).await;

    server.stop();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    server.start_again();
    SmtpClient::plain(port);
    assert_eq!(server.mailbox(RECIPIENT).len(), 1);

    drop(server);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}
