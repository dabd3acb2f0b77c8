//! Sessions that rest between two messages.

use std::time::Duration;

use acuse_domain::mail_account::Security;
use acuse_mail::pool::Pool;
use acuse_mail::session::Envelope;

use crate::scripted::{FallSilent, HELLO, Hear, HearMessage, OFFERS, Say, Server, Wait, address};

fn patient() -> Vec<crate::scripted::Act> {
    let mut script = vec![HELLO, Hear, OFFERS];
    for _ in 0..120 {
        script.extend([Hear, Say("250 a\r\n250 b\r\n354 c"), HearMessage, Say("250 ok")]);
    }
    script
}

#[tokio::test]
async fn a_session_serves_a_hundred_messages_of_its_own_account() {
    let server = Server::start(patient()).await;
    let pool = Pool::new(2);
    let (from, to) = (address("a@empresa.ec"), address("b@andina.ec"));
    for sent in 0..101 {
        let mut session = match pool.take("cuenta-1").await {
            Some(session) => session,
            None => server.open(Security::None, None).await.unwrap(),
        };
        session.send(&Envelope { from: &from, recipient: &to, copies: &[] }, b"x\r\n").await.unwrap();
        pool.give_back("cuenta-1", session);
        assert_eq!(server.connections(), if sent < 100 { 1 } else { 2 });
        assert!(pool.take("cuenta-2").await.is_none());
    }
}

#[tokio::test]
async fn a_session_that_the_server_closed_is_not_given_out() {
    for ending in [vec![], vec![Wait(Duration::from_millis(20)), Say("421 4.4.2 idle"), FallSilent]] {
        let server = Server::start([vec![HELLO, Hear, OFFERS], ending].concat()).await;
        let pool = Pool::new(2);
        pool.give_back("cuenta", server.open(Security::None, None).await.unwrap());
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert!(pool.take("cuenta").await.is_none());
    }
}

#[tokio::test]
async fn no_more_than_agreed_rest_and_none_for_long() {
    let server = Server::start(vec![HELLO, Hear, OFFERS, FallSilent]).await;
    let pool = Pool::new(1);
    let (one, two) = (server.open(Security::None, None).await.unwrap(), server.open(Security::None, None).await.unwrap());
    pool.give_back("cuenta", one);
    pool.give_back("cuenta", two);
    assert!(pool.take("cuenta").await.is_some());
    assert!(pool.take("cuenta").await.is_none());
    pool.give_back("cuenta", server.open(Security::None, None).await.unwrap());
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    assert!(pool.take("cuenta").await.is_none());
}
