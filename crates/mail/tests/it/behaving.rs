//! Servers whose behaviour is not what they advertise: what works is found, remembered, and no account is locked by looking.

use std::sync::Arc;

use acuse_domain::mail_account::Security;
use acuse_mail::check::{self, CheckReport, Subject};
use acuse_mail::diagnosis::classify;
use acuse_mail::endpoint::Endpoint;
use acuse_mail::explanation::Language;
use acuse_mail::failure::Failure;
use acuse_mail::known::Known;
use acuse_mail::reply::Reply;
use acuse_mail::session::{Envelope, Session};
use acuse_testkit::certificates::Authority;
use acuse_testkit::mail_servers::exim::Exim;
use acuse_testkit::mail_servers::{PASSWORD, RECIPIENT, USER};

use crate::scripted::{Act, CLOSES, HELLO, SAYS_NOTHING, Server, THE_DOT, address, network, quick, somebody};

const ALL_LOGINS: (&str, &str) = ("EHLO", "250-mail.empresa.ec\n250-PIPELINING\n250 AUTH PLAIN LOGIN");

async fn server(answers: Vec<(&'static str, &'static str)>) -> Server {
    Server::start(vec![HELLO, Act::Converse([vec![ALL_LOGINS], answers].concat())]).await
}

/// Of a server that knows LOGIN: the prompts and the yes.
fn login_works() -> Vec<(&'static str, &'static str)> {
    // The name and the password of `somebody`, as LOGIN says them.
    vec![("AUTH LOGIN", "334 VXNlcm5hbWU6"), ("Y29icm9z", "334 UGFzc3dvcmQ6"), ("Y2xhdmUt", "235 2.7.0 ok")]
}

async fn checked(endpoint: Endpoint) -> CheckReport {
    let subject = Subject {
        endpoint,
        credentials: Some(somebody()),
        from_name: "Empresa".to_owned(),
        from: address("cobros@empresa.ec"),
        to: Some(address("pagos@andina.ec")),
        language: Language::Spanish,
    };
    check::run(&network(None), &subject, |_| {}).await
}

async fn opened(server: &Server, known: &Arc<Known>) -> Result<Session, Box<Failure>> {
    Session::open_knowing(&network(None), &server.endpoint(Security::None), Some(&somebody()), &quick(), known).await
}

async fn sent(session: &mut Session, message: &[u8]) -> Result<Reply, Box<Failure>> {
    let (from, to) = (address("cobros@empresa.ec"), address("pagos@andina.ec"));
    session.send(&Envelope { from: &from, recipient: &to, copies: &[] }, message).await
}

fn logins(server: &Server) -> Vec<String> {
    let heard = server.heard().into_iter().filter(|line| line.starts_with("AUTH"));
    heard.map(|line| line.split_whitespace().nth(1).unwrap_or_default().to_owned()).collect()
}

const MESSAGE: &[u8] = b"Subject: x\r\n\r\nhola\r\n";

#[tokio::test]
async fn a_login_that_is_broken_is_done_another_way_and_from_then_on_at_once() {
    for broken in [
        "535 5.7.8 Error: authentication failed",
        "535 Incorrect authentication data",
        "535 5.7.8 Authentication credentials invalid",
        "535 5.7.8 Error: authentication failed: Invalid authentication mechanism",
        "504 5.5.4 Unrecognized authentication type",
        "534 5.7.9 Authentication mechanism is too weak",
        "538 5.7.11 Encryption required for requested authentication mechanism",
        "501 5.5.2 Cannot decode response",
        "500 5.5.1 Command unrecognized",
        "454 4.7.0 Temporary authentication failure",
        CLOSES,
        SAYS_NOTHING,
    ] {
        let server = server([vec![("AUTH PLAIN", broken)], login_works()].concat()).await;
        let report = checked(server.endpoint(Security::None)).await;
        assert!(report.ok, "{broken}: {report:?}");
        assert!(report.phases.iter().any(|line| line.detail.as_deref().is_some_and(|detail| detail.ends_with("(LOGIN)"))));
        let before = logins(&server).len();
        let known = Arc::default();
        for _ in 0..3 {
            opened(&server, &known).await.unwrap_or_else(|failure| panic!("{broken}: {failure:?}")).quit().await;
        }
        assert_eq!(logins(&server)[before..].concat(), "PLAINLOGINLOGINLOGIN", "{broken}");
    }
}

#[tokio::test]
async fn a_refusal_that_names_the_password_or_the_account_is_not_argued_with() {
    for (said, code) in [
        ("535 5.7.8 Username and Password not accepted", "bad_credentials"),
        ("535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.", "smtp_auth_disabled"),
        ("534-5.7.9 Application-specific password required.\n534 5.7.9 gsmtp", "auth_app_password_required"),
        ("535 5.7.8 Error: user suspended, contact support", "account_suspended"),
        ("421 4.7.0 Too many bad logins, try again later", ""),
    ] {
        let server = server([vec![("AUTH PLAIN", said)], login_works()].concat()).await;
        let report = checked(server.endpoint(Security::None)).await;
        let found = report.problem.unwrap_or_else(|| panic!("{said}")).code.as_str();
        assert!(code.is_empty() || found == code, "{said}: {found}");
        assert_eq!(logins(&server), ["PLAIN"], "{said}");
    }
}

#[tokio::test]
async fn a_wrong_password_costs_two_tries_once_and_one_from_then_on() {
    let refuses = [("AUTH", "535 5.7.8 Error: authentication failed")];
    let offers = ("EHLO", "250-mail.empresa.ec\n250 AUTH PLAIN LOGIN CRAM-MD5");
    let server = server([vec![offers], refuses.to_vec()].concat()).await;
    let known = Arc::default();
    for tries in [2, 3, 4] {
        let failure = opened(&server, &known).await.map(drop).unwrap_err();
        assert_eq!((classify(&failure).code.as_str(), logins(&server).len()), ("bad_credentials", tries));
    }
}

#[tokio::test]
async fn a_server_that_closes_after_a_refusal_is_asked_once_more_the_other_way() {
    let closes_after = Server::start(vec![
        HELLO,
        Act::Hear,
        Act::Say("250-x\r\n250 AUTH PLAIN LOGIN"),
        Act::Hear,
        Act::Say("535 5.7.8 Error: authentication failed"),
    ])
    .await;
    let failure = opened(&closes_after, &Arc::default()).await.map(drop).unwrap_err();
    assert_eq!(classify(&failure).code.as_str(), "bad_credentials", "what was said counts, not that it closed");
    assert_eq!(closes_after.connections(), 2);
}

/// Whoever loses what comes at once is told one command at a time, and keeps being.
#[tokio::test]
async fn a_server_that_loses_pipelined_commands_is_spoken_to_in_turn() {
    for answer in [SAYS_NOTHING, CLOSES, "503 5.5.1 Error: need MAIL command", "554 SMTP synchronization error"] {
        let server = Server::start(vec![HELLO, Act::ConverseInTurn(vec![ALL_LOGINS], answer)]).await;
        let report = checked(server.endpoint(Security::None)).await;
        assert!(report.ok, "{answer}: {report:?}");
        let known = Arc::<Known>::default();
        let failure = sent(&mut opened(&server, &known).await.unwrap(), MESSAGE).await.unwrap_err();
        assert!(failure.lost_pipelined && !failure.after_final_dot, "{answer}: {failure:?}");
        let other = self::server(vec![ALL_LOGINS, (THE_DOT, CLOSES)]).await;
        let failure = sent(&mut opened(&other, &known).await.unwrap(), MESSAGE).await.unwrap_err();
        assert!(failure.after_final_dot && !failure.lost_pipelined, "what breaks off later is not that: {failure:?}");
        for _ in 0..2 {
            let mut again = opened(&server, &known).await.unwrap();
            sent(&mut again, MESSAGE).await.unwrap_or_else(|failure| panic!("{answer}: {failure:?}"));
        }
    }
}

#[tokio::test]
async fn parameters_that_are_offered_and_refused_are_left_out() {
    let refuses = |words| {
        vec![
            ("EHLO", "250-x\n250-SIZE 1000000\n250 AUTH PLAIN"),
            ("MAIL", "250 ok"),
            ("MAIL FROM:<cobros@empresa.ec> SIZE", words),
        ]
    };
    for words in ["555 5.5.4 Unsupported option: SIZE", "501 5.5.4 Syntax error in parameters", "504 not implemented"] {
        let server = server(refuses(words)).await;
        let known = Arc::default();
        let mut session = opened(&server, &known).await.unwrap();
        sent(&mut session, MESSAGE).await.unwrap_or_else(|failure| panic!("{words}: {failure:?}"));
        sent(&mut session, MESSAGE).await.unwrap();
        let mails: Vec<String> = server.heard().into_iter().filter(|line| line.starts_with("MAIL")).collect();
        assert_eq!(mails.len(), 3, "refused once and not asked again: {mails:?}");
    }
}

#[tokio::test]
async fn a_size_that_is_named_too_small_is_asked_about_and_not_believed() {
    let small = ("EHLO", "250-x\n250-SIZE 10\n250 AUTH PLAIN");
    let takes_it = server(vec![small]).await;
    sent(&mut opened(&takes_it, &Arc::default()).await.unwrap(), MESSAGE).await.unwrap();
    for (command, answer) in [("MAIL", "552 5.3.4 too big"), (THE_DOT, "552 5.3.4 too big"), ("DATA", CLOSES)] {
        let refuses = server(vec![small, (command, answer)]).await;
        let failure = sent(&mut opened(&refuses, &Arc::default()).await.unwrap(), MESSAGE).await.unwrap_err();
        assert_eq!(classify(&failure).code.as_str(), "message_too_big", "{command} {answer}");
    }
}

/// Each answer comes within its own time, and all of them together take longer than anybody waits.
#[tokio::test]
async fn who_answers_everything_at_the_last_moment_has_no_more_time_than_others() {
    let late = |said| [Act::Hear, Act::Wait(std::time::Duration::from_millis(400)), Act::Say(said)];
    let offers = Act::Say("250-x\r\n250 AUTH PLAIN");
    let mut script = vec![HELLO, Act::Hear, offers, Act::Hear, Act::Say("235")];
    script.extend([late("250"), late("250"), late("250"), late("250"), late("250"), late("354")].concat());
    let server = Server::start(script).await;
    let mut session = opened(&server, &Arc::default()).await.unwrap();
    let (from, to, begun) = (address("cobros@empresa.ec"), address("pagos@andina.ec"), std::time::Instant::now());
    let copies = ["a@empresa.ec", "b@empresa.ec", "c@empresa.ec"].map(address);
    let failure = session.send(&Envelope { from: &from, recipient: &to, copies: &copies }, MESSAGE).await.unwrap_err();
    assert_eq!(classify(&failure).code.as_str(), "timeout");
    assert!(begun.elapsed() < std::time::Duration::from_millis(1_900), "{:?}", begun.elapsed());
}

/// A real server: Exim whose PLAIN lost its password file.
#[tokio::test]
async fn exim_with_a_broken_mechanism_is_logged_in_to_by_the_other() {
    let authority = Authority::new();
    let exim = Exim::start_with_broken_plain(&authority.issue_for(&["localhost", "127.0.0.1"]));
    let credentials = acuse_mail::login::Credentials::password(USER, PASSWORD.into());
    let subject = |password: &str| Subject {
        endpoint: Endpoint { host: "localhost".to_owned(), port: exim.ports.starttls, security: Security::StartTls },
        credentials: Some(acuse_mail::login::Credentials::password(USER, password.into())),
        from_name: "Empresa".to_owned(),
        from: address(USER),
        to: Some(address(RECIPIENT)),
        language: Language::Spanish,
    };
    let network = network(Some(&authority.pem()));
    let report = check::run(&network, &Subject { credentials: Some(credentials), ..subject(PASSWORD) }, |_| {}).await;
    assert!(report.ok, "{report:?}");
    let report = check::run(&network, &subject("otra-clave"), |_| {}).await;
    assert_eq!(report.problem.unwrap().code.as_str(), "bad_credentials");
}
