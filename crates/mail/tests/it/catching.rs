//! Our own session against our own catcher.

use acuse_domain::email_address::EmailAddress;
use acuse_domain::mail_account::Security;
use acuse_mail::catcher::Catcher;
use acuse_mail::caught;
use acuse_mail::endpoint::{Endpoint, Limits};
use acuse_mail::failure::{Cause, Phase};
use acuse_mail::guard::Network;
use acuse_mail::login::Credentials;
use acuse_mail::session::{Envelope, Session};

fn address(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

async fn session_with(catcher: &Catcher) -> Session {
    let network = Network::new(&["127.0.0.1".to_owned()], None).unwrap();
    let endpoint = Endpoint { host: "127.0.0.1".to_owned(), port: catcher.local_addr().port(), security: Security::None };
    let who = Credentials::password("demo", "una-clave".into());
    Session::open(&network, &endpoint, Some(&who), &Limits::for_check()).await.unwrap()
}

#[tokio::test]
async fn what_is_sent_is_caught_byte_for_byte() {
    let catcher = Catcher::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let mut session = session_with(&catcher).await;
    let (from, to, copy) = (address("cobros@empresa.ec"), address("pagos@andina.ec"), address("copia@empresa.ec"));
    let long = "x\r\n".repeat(60_000);
    for message in
        ["Subject: uno\r\n\r\n.\r\n..dos\r\n.tres\r\n", "Subject: dos\r\n\r\nfin\r\n", &format!("Subject: tres\r\n\r\n{long}")]
    {
        let envelope = Envelope { from: &from, recipient: &to, copies: std::slice::from_ref(&copy) };
        let reply = session.send(&envelope, message.as_bytes()).await.unwrap();
        assert!(reply.is_positive());
        let caught = catcher.messages().remove(0);
        assert_eq!(String::from_utf8_lossy(&caught.raw), message);
        assert_eq!(
            (caught.mail_from.as_str(), &caught.rcpt_to[..]),
            ("cobros@empresa.ec", &["pagos@andina.ec".to_owned(), "copia@empresa.ec".to_owned()][..])
        );
    }
    assert_eq!(caught::parse(&catcher.get(2).unwrap().raw).subject, "dos");
    session.quit().await;
}

#[tokio::test]
async fn a_refused_recipient_leaves_the_session_usable() {
    let catcher = Catcher::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let mut session = session_with(&catcher).await;
    let from = address("cobros@empresa.ec");
    for (to, code) in [("rebota@andina.ec", 550), ("llena@andina.ec", 452)] {
        let envelope = Envelope { from: &from, recipient: &address(to), copies: &[] };
        let failure = session.send(&envelope, b"Subject: x\r\n\r\nx\r\n").await.unwrap_err();
        assert_eq!((failure.phase, &failure.cause, failure.reply.unwrap().code()), (Phase::Recipient, &Cause::Refused, code));
        assert!(session.is_usable());
    }
    let envelope = Envelope { from: &from, recipient: &address("alguien@andina.ec"), copies: &[address("rebota@andina.ec")] };
    session.send(&envelope, b"Subject: x\r\n\r\nx\r\n").await.unwrap();
    assert_eq!(catcher.messages().len(), 1);
}
