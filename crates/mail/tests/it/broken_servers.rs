//! Real servers, configured right and then broken on purpose: Postfix with Dovecot, Exim, OpenSMTPD. Each failure is told by
//! what the server itself says.

use acuse_domain::mail_account::Security;
use acuse_mail::check::{self, CheckReport, Subject};
use acuse_mail::endpoint::Endpoint;
use acuse_mail::explanation::Language;
use acuse_mail::login::Credentials;
use acuse_testkit::certificates::{Authority, Certificate};
use acuse_testkit::mail_servers::exim::Exim;
use acuse_testkit::mail_servers::opensmtpd::OpenSmtpd;
use acuse_testkit::mail_servers::unpacked::Ports;
use acuse_testkit::mail_servers::{FULL, MailServer, PASSWORD, PostfixWithDovecot, RECIPIENT, USER};

use crate::scripted::{address, network};

const STRANGER: &str = "alguien@ajeno.test";

enum Running {
    Postfix(PostfixWithDovecot),
    Exim(Exim),
    OpenSmtpd(OpenSmtpd),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Postfix,
    Exim,
    OpenSmtpd,
}

impl Running {
    fn start(kind: Kind, authority: &Authority, certificate: Certificate) -> Self {
        match kind {
            Kind::Postfix => {
                let server = MailServer::new(authority).certificate(certificate).user(USER, PASSWORD).mailbox(RECIPIENT);
                Self::Postfix(server.full(FULL).only_own_senders().start())
            }
            Kind::Exim => Self::Exim(Exim::start(&certificate)),
            Kind::OpenSmtpd => Self::OpenSmtpd(OpenSmtpd::start(&certificate)),
        }
    }

    fn ports(&self) -> Ports {
        match self {
            Self::Postfix(server) => {
                Ports { starttls: server.starttls_port(), tls: server.tls_port(), plain: server.plain_port() }
            }
            Self::Exim(server) => server.ports,
            Self::OpenSmtpd(server) => server.ports,
        }
    }
}

/// What somebody typed into the form.
#[derive(Clone)]
struct Typed {
    port: u16,
    security: Security,
    password: Option<&'static str>,
    from: &'static str,
    to: &'static str,
}

impl Typed {
    fn right(ports: Ports) -> Self {
        Self { port: ports.starttls, security: Security::StartTls, password: Some(PASSWORD), from: USER, to: RECIPIENT }
    }

    /// A machine that is busy with other tests may let five seconds go by: then it is asked again.
    async fn check(&self, trusted: Option<&Authority>) -> CheckReport {
        let mut report = self.check_once(trusted).await;
        for _ in 0..2 {
            if code(&report) == "timeout" {
                report = self.check_once(trusted).await;
            }
        }
        report
    }

    async fn check_once(&self, trusted: Option<&Authority>) -> CheckReport {
        let credentials = self.password.map(|password| Credentials::password(USER, password.into()));
        let subject = Subject {
            endpoint: Endpoint { host: "localhost".to_owned(), port: self.port, security: self.security },
            credentials,
            from_name: "Empresa".to_owned(),
            from: address(self.from),
            to: Some(address(self.to)),
            language: Language::Spanish,
        };
        check::run(&network(trusted.map(Authority::pem).as_deref()), &subject, |_| {}).await
    }
}

fn code(report: &CheckReport) -> &'static str {
    report.problem.as_ref().map_or("", |problem| problem.code.as_str())
}

fn said(report: &CheckReport) -> String {
    report.phases.last().and_then(|line| line.reply.clone()).unwrap_or_default()
}

/// Everything that needs one server with a certificate that is right.
async fn is_told_what_is_wrong(kind: Kind) {
    let authority = Authority::new();
    let server = Running::start(kind, &authority, authority.issue_for(&["localhost", "127.0.0.1"]));
    let ports = server.ports();
    let right = Typed::right(ports);
    let tls = Typed { port: ports.tls, security: Security::Tls, ..right.clone() };
    for typed in [&right, &tls] {
        let report = typed.check(Some(&authority)).await;
        assert!(report.ok, "{kind:?}: {report:?}");
        assert!(report.note.unwrap().contains("no deseados"));
    }
    let mut wrong = vec![
        ("wrong password", Typed { password: Some("otra-clave"), ..right.clone() }, "bad_credentials"),
        (
            "no password, to somebody elsewhere",
            Typed { password: None, from: STRANGER, to: STRANGER, ..right.clone() },
            "relay_denied",
        ),
        ("somebody else's address", Typed { from: "ventas@empresa.test", ..right.clone() }, "sender_not_allowed"),
        ("nobody by that name", Typed { to: "nadie@cliente.test", ..right.clone() }, "mailbox_not_found"),
        ("a port without TLS", Typed { port: ports.plain, ..right.clone() }, "starttls_not_offered"),
        (
            "SSL/TLS on a port without TLS",
            Typed { port: ports.plain, security: Security::Tls, ..right.clone() },
            "starttls_not_offered",
        ),
        ("SSL/TLS on the port of STARTTLS", Typed { security: Security::Tls, ..right.clone() }, "port_wants_starttls"),
        ("STARTTLS on the port of SSL/TLS", Typed { port: ports.tls, ..right.clone() }, "port_wants_tls"),
        ("a port where nobody listens", Typed { port: 9, ..right.clone() }, "connection_refused"),
    ];
    // Behind OpenSMTPD only the delivery finds out.
    if kind != Kind::OpenSmtpd {
        wrong.push(("a full mailbox", Typed { to: FULL, ..right.clone() }, "mailbox_full"));
    }
    for (what, typed, expected) in wrong {
        let report = typed.check(Some(&authority)).await;
        println!("{kind:?}: {what}: {} {:?}", code(&report), said(&report));
        assert_eq!(code(&report), expected, "{kind:?}: {what}: {report:?}");
        if let Some(better) = report.suggestion.filter(|_| expected.starts_with("port_wants")) {
            let corrected = Typed { port: better.port, security: better.security, ..typed };
            assert!(corrected.check(Some(&authority)).await.ok, "{kind:?}: {what}, corrected");
        } else {
            assert!(!expected.starts_with("port_wants"), "{kind:?}: {what}: no correction is offered");
        }
    }
    assert_eq!(code(&right.check(None).await), "certificate_untrusted", "{kind:?}");
}

async fn has_its_certificate_read(kind: Kind) {
    let authority = Authority::new();
    for (certificate, expected, words) in [
        (authority.expired("localhost"), "certificate_expired", "01/02/2020"),
        (authority.for_other_name(), "certificate_name_mismatch", "no de «localhost»"),
    ] {
        let server = Running::start(kind, &authority, certificate);
        let right = Typed::right(server.ports());
        for typed in [&right, &Typed { port: server.ports().tls, security: Security::Tls, ..right.clone() }] {
            let report = typed.check(Some(&authority)).await;
            assert_eq!(code(&report), expected, "{kind:?}: {report:?}");
            assert!(report.problem.unwrap().title.contains(words), "{kind:?}");
        }
    }
}

/// Says so where this machine cannot have OpenSMTPD.
fn left_out() -> bool {
    let why = OpenSmtpd::missing();
    if let Some(why) = &why {
        println!("{why}");
    }
    why.is_some()
}

#[tokio::test]
async fn postfix_is_told_what_is_wrong() {
    is_told_what_is_wrong(Kind::Postfix).await;
}

#[tokio::test]
async fn exim_is_told_what_is_wrong() {
    is_told_what_is_wrong(Kind::Exim).await;
}

#[tokio::test]
async fn opensmtpd_is_told_what_is_wrong() {
    if left_out() {
        return;
    }
    is_told_what_is_wrong(Kind::OpenSmtpd).await;
}

#[tokio::test]
async fn postfix_has_its_certificate_read() {
    has_its_certificate_read(Kind::Postfix).await;
}

#[tokio::test]
async fn exim_has_its_certificate_read() {
    has_its_certificate_read(Kind::Exim).await;
}

#[tokio::test]
async fn opensmtpd_has_its_certificate_read() {
    if left_out() {
        return;
    }
    has_its_certificate_read(Kind::OpenSmtpd).await;
}
