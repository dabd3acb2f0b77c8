//! Against a real Postfix with Dovecot.

use std::time::Duration;

use acuse_domain::mail_account::Security;
use acuse_mail::caught;
use acuse_mail::check::{self, Subject};
use acuse_mail::diagnosis::classify;
use acuse_mail::endpoint::{Endpoint, Limits};
use acuse_mail::explanation::Language;
use acuse_mail::failure::{Failure, Phase};
use acuse_mail::login::Credentials;
use acuse_mail::message::{Attachment, Mail, compose};
use acuse_mail::session::{Envelope, Session};
use acuse_testkit::certificates::Authority;
use acuse_testkit::mail_servers::{MailServer, PASSWORD, PostfixWithDovecot, RECIPIENT, USER};

use crate::scripted::{address, network};

/// A Maildir delivery takes some 50 ms; two cores may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(20);

struct Place {
    authority: Authority,
    server: PostfixWithDovecot,
}

impl Place {
    fn start() -> Self {
        let authority = Authority::new();
        let server = MailServer::new(&authority)
            .user(USER, PASSWORD)
            .mailbox(RECIPIENT)
            .refusing("llena@cliente.test", "452 4.2.2 El buzón está lleno")
            .message_size_limit(300_000)
            .only_own_senders()
            .start();
        Self { authority, server }
    }

    fn endpoint(&self, security: Security) -> Endpoint {
        let port = if security == Security::Tls { self.server.tls_port() } else { self.server.starttls_port() };
        Endpoint { host: "localhost".to_owned(), port, security }
    }

    async fn open(&self, security: Security, password: Option<&str>) -> Result<Session, Box<Failure>> {
        let who = password.map(|password| Credentials::password(USER, password.into()));
        let network = network(Some(&self.authority.pem()));
        Session::open(&network, &self.endpoint(security), who.as_ref(), &Limits::for_check()).await
    }
}

fn receipt(to: &str, pdf: &[u8], number: &str) -> Vec<u8> {
    let attachments = [Attachment { name: "Recibo señor Ñuñez.pdf", mime: "application/pdf", bytes: pdf }];
    let message_id = format!("{number}@empresa.test");
    let mail = Mail {
        from_name: "Ferretería Ñandú Cía. Ltda.",
        from_address: &address(USER),
        to_name: None,
        to: &address(to),
        reply_to: None,
        subject: &format!("Recibo de cobro a cliente {number}"),
        text: "Señores:\r\n.\r\nGracias.\r\n",
        html: Some("<p>Señores: gracias.</p>"),
        logo_png: None,
        attachments: &attachments,
        message_id: &message_id,
        date: chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap(),
        in_reply_to: None,
    };
    compose(&mail).unwrap()
}

async fn send(session: &mut Session, from: &str, to: &str, message: &[u8]) -> Result<(), (Phase, &'static str)> {
    let (from, to) = (address(from), address(to));
    let outcome = session.send(&Envelope { from: &from, recipient: &to, copies: &[] }, message).await;
    outcome.map(drop).map_err(|failure| (failure.phase, classify(&failure).code.as_str()))
}

#[tokio::test]
async fn receipts_arrive_whole_over_starttls_and_over_tls() {
    let place = Place::start();
    let pdf: Vec<u8> = (0..=255).cycle().take(40_000).collect();
    for (nth, security) in [(1, Security::StartTls), (2, Security::Tls)] {
        let mut session = place.open(security, Some(PASSWORD)).await.unwrap();
        assert!(session.capabilities().pipelining);
        let number = format!("RC-00000{nth}");
        send(&mut session, USER, RECIPIENT, &receipt(RECIPIENT, &pdf, &number)).await.unwrap();
        session.quit().await;
        let mails = place.server.wait_for_mail(RECIPIENT, nth, PATIENCE).await;
        let read = mails.iter().map(|raw| caught::parse(raw)).find(|read| read.subject.ends_with(&number)).unwrap();
        assert_eq!(read.from[0].name.as_deref(), Some("Ferretería Ñandú Cía. Ltda."));
        assert_eq!(read.text.unwrap().replace("\r\n", "\n"), "Señores:\n.\nGracias.\n");
        assert_eq!((read.attachments[0].name.as_str(), &read.attachments[0].bytes), ("Recibo señor Ñuñez.pdf", &pdf));
        assert_eq!(read.message_id, Some(format!("{number}@empresa.test")));
    }
}

#[tokio::test]
async fn what_postfix_refuses_is_understood_and_the_session_goes_on() {
    let place = Place::start();
    let mut session = place.open(Security::StartTls, Some(PASSWORD)).await.unwrap();
    let small = receipt(RECIPIENT, b"%PDF", "RC-000001");
    let large = receipt(RECIPIENT, &vec![7; 400_000], "RC-000002");
    for (from, to, message, phase, code) in [
        (USER, "nadie@cliente.test", &small, Phase::Recipient, "mailbox_not_found"),
        (USER, "llena@cliente.test", &small, Phase::Recipient, "mailbox_full"),
        ("ventas@empresa.test", RECIPIENT, &small, Phase::Recipient, "sender_not_allowed"),
        (USER, RECIPIENT, &large, Phase::Sender, "message_too_big"),
    ] {
        assert_eq!(send(&mut session, from, to, message).await, Err((phase, code)), "{from} {to}");
        assert!(session.is_usable());
    }
    send(&mut session, USER, RECIPIENT, &small).await.unwrap();
    assert_eq!(place.server.wait_for_mail(RECIPIENT, 1, PATIENCE).await.len(), 1);
}

#[tokio::test]
async fn who_may_not_send_is_told_why() {
    let place = Place::start();
    let wrong = place.open(Security::StartTls, Some("otra-clave")).await.map(drop).unwrap_err();
    assert_eq!((wrong.phase, classify(&wrong).code.as_str()), (Phase::Auth, "bad_credentials"));
    assert!(!format!("{wrong:?}").contains("otra-clave"));
    let mut anonymous = place.open(Security::StartTls, None).await.unwrap();
    let message = receipt(RECIPIENT, b"%PDF", "RC-1");
    for (from, to, code) in [(USER, RECIPIENT, "auth_required"), ("otro@ajeno.test", "alguien@ajeno.test", "relay_denied")] {
        assert_eq!(send(&mut anonymous, from, to, &message).await, Err((Phase::Recipient, code)));
    }
    let swapped = Endpoint { security: Security::Tls, ..place.endpoint(Security::StartTls) };
    let failure =
        Session::open(&network(Some(&place.authority.pem())), &swapped, None, &Limits::for_check()).await.map(drop).unwrap_err();
    assert_eq!(classify(&failure).code.as_str(), "port_wants_starttls");
    let stranger =
        Session::open(&network(None), &place.endpoint(Security::Tls), None, &Limits::for_check()).await.map(drop).unwrap_err();
    assert_eq!(classify(&stranger).code.as_str(), "certificate_untrusted");
}

#[tokio::test]
async fn a_check_of_a_real_server_says_each_phase() {
    let place = Place::start();
    let subject = Subject {
        endpoint: place.endpoint(Security::StartTls),
        credentials: Some(Credentials::password(USER, PASSWORD.into())),
        from_name: "Empresa".to_owned(),
        from: address(USER),
        to: Some(address(RECIPIENT)),
        language: Language::Spanish,
    };
    let report = check::run(&network(Some(&place.authority.pem())), &subject, |_| {}).await;
    assert!(report.ok, "{report:?}");
    assert_eq!(report.phases.len(), 8);
    let protection = report.phases[3].detail.as_deref().unwrap();
    assert!(protection.starts_with("TLS 1.3, certificado válido hasta el "), "{protection}");
    let mails = place.server.wait_for_mail(RECIPIENT, 1, PATIENCE).await;
    assert_eq!(caught::parse(&mails[0]).subject, "Prueba de la cuenta de correo");
}
