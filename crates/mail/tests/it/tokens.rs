//! Logging in with an access token, to servers that say of it what Google, Microsoft and Dovecot say.

use acuse_domain::mail_account::Security;
use acuse_mail::diagnosis::classify;
use acuse_mail::endpoint::Endpoint;
use acuse_mail::failure::{Failure, Phase};
use acuse_mail::login::Credentials;
use acuse_mail::session::Session;
use acuse_testkit::certificates::Authority;
use acuse_testkit::token_smtp::{Seen, TokenSmtp};

use crate::scripted::{Act, HELLO, Hear, Say, Server, network, quick};

const USER: &str = "cobros@empresa.ec";
const GOOD: &str = "ya29.un-token-bueno";

async fn opened(mechanisms: &'static str, token: &str) -> (Result<Session, Box<Failure>>, Seen) {
    let authority = Authority::new();
    let server = TokenSmtp::start(&authority, mechanisms, |user, token| user == USER && token.starts_with(GOOD)).await;
    let endpoint = Endpoint { host: "localhost".to_owned(), port: server.port, security: Security::Tls };
    let who = Credentials::access_token(USER, token.into());
    let session = Session::open(&network(Some(&authority.pem())), &endpoint, Some(&who), &quick()).await;
    (session, server.seen())
}

#[tokio::test]
async fn a_good_token_opens_the_door_however_long_it_is() {
    for mechanisms in ["XOAUTH2", "PLAIN LOGIN OAUTHBEARER", "PLAIN XOAUTH2 OAUTHBEARER"] {
        for token in [GOOD.to_owned(), format!("{GOOD}{}", "x".repeat(3_000))] {
            let (session, seen) = opened(mechanisms, &token).await;
            assert!(session.is_ok(), "{mechanisms}: {:?}", session.err());
            assert_eq!((seen.logins, seen.refused_logins), (1, 0));
        }
    }
}

#[tokio::test]
async fn a_token_that_ran_out_is_told_with_the_servers_reason() {
    for mechanisms in ["XOAUTH2", "OAUTHBEARER"] {
        let (session, seen) = opened(mechanisms, "ya29.uno-viejo-y-secreto").await;
        let failure = session.map(drop).unwrap_err();
        assert_eq!((failure.phase, classify(&failure).code.as_str()), (Phase::Auth, "oauth_expired"));
        assert_eq!(
            failure.reply_text(),
            "334 {\"status\":\"401\",\"schemes\":\"bearer\",\"scope\":\"https://mail.google.com/\"}\n535 5.7.8 Username and Password not accepted",
            "the challenge was answered as {mechanisms} wants it"
        );
        assert_eq!(seen.refused_logins, 1, "and it was not shown twice");
        assert!(!format!("{failure:?}{failure}").contains("uno-viejo"));
    }
}

#[tokio::test]
async fn a_refusal_without_a_reason_is_the_tokens_too() {
    let code = async |reply: &'static str| {
        let authority = crate::certificates::Authority::new();
        let script = vec![
            Act::Tls(authority.server(&["localhost"])),
            HELLO,
            Hear,
            Say("250-x\r\n250 AUTH XOAUTH2"),
            Hear,
            Say(reply),
            Hear,
        ];
        let server = Server::start(script).await;
        let endpoint = Endpoint { host: "localhost".to_owned(), port: server.address.port(), security: Security::Tls };
        let who = Credentials::access_token(USER, GOOD.into());
        let opened = Session::open(&network(Some(&authority.pem)), &endpoint, Some(&who), &quick()).await;
        classify(&opened.map(drop).unwrap_err()).code.as_str()
    };
    assert_eq!(code("535 5.7.3 Authentication unsuccessful [CP2P123.LAMP123.prod.outlook.com]").await, "oauth_expired");
    assert_eq!(
        code("535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.").await,
        "smtp_auth_disabled"
    );
    assert_eq!(code("454 4.7.0 Temporary authentication failure").await, "auth_temporarily_refused");
}

#[tokio::test]
async fn a_token_is_never_said_in_clear() {
    let script = vec![HELLO, Hear, Say("250-x\r\n250 AUTH XOAUTH2 PLAIN"), Hear];
    let server = Server::start(script).await;
    let who = Credentials::access_token(USER, GOOD.into());
    let failure = server.open(Security::None, Some(&who)).await.map(drop).unwrap_err();
    assert_eq!((failure.phase, classify(&failure).code.as_str()), (Phase::Auth, "tls_required"));
    assert_eq!(server.heard().len(), 1, "only the greeting: {:?}", server.heard());
}
