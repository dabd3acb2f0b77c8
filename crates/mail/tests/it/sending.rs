//! Handing over a message: what is refused, what is lost, and what nobody knows.

use std::time::Duration;

use acuse_domain::delivery::Verdict;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::mail_account::Security;
use acuse_mail::caught;
use acuse_mail::diagnosis::classify;
use acuse_mail::endpoint::Limits;
use acuse_mail::failure::{Failure, Phase};
use acuse_mail::message::{Attachment, Mail, compose};
use acuse_mail::reply::Reply;
use acuse_mail::session::{Envelope, Session};
use tokio::time::Instant;

use crate::scripted::{Act, FallSilent, HELLO, Hear, HearMessage, OFFERS, SAYS_NOTHING, Say, Server, THE_DOT, address, network};

const MESSAGE: &[u8] = b"Subject: x\r\n\r\nhola\r\n";
const SLOW_OFFERS: Act = Say("250-mail\r\n250 8BITMIME");

async fn open(script: Vec<Act>) -> (Server, Session) {
    let begin = if script.len() > 3 && matches!(&script[0], Say(offer) if offer.starts_with("250-")) {
        vec![HELLO, Hear]
    } else {
        vec![HELLO, Hear, OFFERS]
    };
    let server = Server::start(begin.into_iter().chain(script).collect()).await;
    let session = server.open(Security::None, None).await.unwrap();
    (server, session)
}

async fn send(session: &mut Session, to: &str) -> Result<Reply, Box<Failure>> {
    let (from, to) = (address("cobros@empresa.ec"), address(to));
    session.send(&Envelope { from: &from, recipient: &to, copies: &[] }, MESSAGE).await
}

#[tokio::test]
async fn a_transaction_takes_two_writes_where_the_server_can_follow() {
    let (server, mut session) =
        open(vec![Hear, Say("250 a\r\n250 b\r\n354 c"), HearMessage, Say("250 2.0.0 Ok: queued as 7"), FallSilent]).await;
    assert_eq!(send(&mut session, "pagos@andina.ec").await.unwrap().text(), "250 2.0.0 Ok: queued as 7");
    let heard = server.heard();
    assert_eq!(heard[1], "MAIL FROM:<cobros@empresa.ec> SIZE=20\r\nRCPT TO:<pagos@andina.ec>\r\nDATA\r\n");
    assert_eq!(heard[2], "Subject: x\r\n\r\nhola\r\n.\r\n");
    assert!(session.is_usable());
}

#[tokio::test]
async fn a_server_that_cannot_follow_is_asked_in_turn() {
    let script =
        vec![SLOW_OFFERS, Hear, Say("250 a"), Hear, Say("250 b"), Hear, Say("354 c"), HearMessage, Say("250 ok"), FallSilent];
    let (server, mut session) = open(script).await;
    send(&mut session, "pagos@andina.ec").await.unwrap();
    assert_eq!(server.heard()[1..4], ["MAIL FROM:<cobros@empresa.ec>\r\n", "RCPT TO:<pagos@andina.ec>\r\n", "DATA\r\n"]);
}

#[tokio::test]
async fn nobody_accepted_and_354_is_taken_back_with_a_lone_dot() {
    let script = vec![
        Hear,
        Say("250 a\r\n550 5.1.1 User unknown\r\n354 go"),
        Hear,
        Say("554 5.5.1 no valid recipients"),
        Hear,
        Say("250 reset"),
        Hear,
        Say("250 a\r\n250 b\r\n354 c"),
        HearMessage,
        Say("250 ok"),
        FallSilent,
    ];
    let (server, mut session) = open(script).await;
    let failure = send(&mut session, "nadie@andina.ec").await.unwrap_err();
    assert_eq!((failure.phase, classify(&failure).code.as_str()), (Phase::Recipient, "mailbox_not_found"));
    assert!(session.is_usable());
    send(&mut session, "pagos@andina.ec").await.unwrap();
    assert_eq!(server.heard()[2..4], [".\r\n", "RSET\r\n"]);
}

/// The limits are a delivery's, of minutes: who is refused hears of it at once all the same, and what the server does not
/// answer then costs the next message a moment and a fresh session.
#[tokio::test]
async fn a_refusal_is_handed_over_whatever_the_server_does_after_it() {
    let pipelining = ("EHLO", "250-mail\n250 PIPELINING");
    let in_turn = ("EHLO", "250 mail");
    for (place, said, phase) in [
        ("MAIL", "550 5.7.1 no", Phase::Sender),
        ("RCPT", "550 5.1.1 User unknown", Phase::Recipient),
        ("DATA", "451 4.3.0 later", Phase::Message),
        (THE_DOT, "554 5.7.1 Spam message rejected", Phase::Message),
    ] {
        for offers in [pipelining, in_turn] {
            let go = ("DATA", "354 go");
            let converse = Act::Converse(vec![offers, go, (place, said), ("RSET", SAYS_NOTHING)]);
            let server = Server::start(vec![HELLO, converse]).await;
            let limits = Limits::for_delivery();
            let mut session = Session::open(&network(None), &server.endpoint(Security::None), None, &limits).await.unwrap();
            let begun = Instant::now();
            let failure = send(&mut session, "pagos@andina.ec").await.unwrap_err();
            assert_eq!((failure.phase, failure.reply_text()), (phase, said), "{place}");
            assert!(begun.elapsed() < Duration::from_secs(1), "{place}: {:?}", begun.elapsed());
            assert!(!server.heard().iter().any(|line| line.starts_with("RSET")), "{place}: RSET waits for the next message");
            let begun = Instant::now();
            let next = send(&mut session, "pagos@andina.ec").await.unwrap_err();
            assert!(next.is_stale_session() && !session.is_usable(), "{place}: {next:?}");
            assert!(begun.elapsed() < Duration::from_secs(5), "{place}: {:?}", begun.elapsed());
        }
    }
}

/// Of a pipelined transaction the answers still to come only tell whether the connection can be used again.
#[tokio::test]
async fn a_refusal_does_not_wait_for_the_answers_to_what_was_sent_with_it() {
    for said in ["550 5.7.1 no", "250 a\r\n550 5.1.1 User unknown"] {
        let (_, phase) = said.rsplit_once("\r\n").map_or((said, Phase::Sender), |(_, last)| (last, Phase::Recipient));
        let server = Server::start(vec![HELLO, Hear, OFFERS, Hear, Say(said), FallSilent]).await;
        let limits = Limits::for_delivery();
        let mut session = Session::open(&network(None), &server.endpoint(Security::None), None, &limits).await.unwrap();
        let begun = Instant::now();
        let failure = send(&mut session, "pagos@andina.ec").await.unwrap_err();
        assert_eq!(failure.phase, phase);
        assert!(begun.elapsed() < Duration::from_secs(5) && !session.is_usable(), "{said}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_hidden_copy_never_gets_an_empty_message() {
    let (server, mut session) =
        open(vec![Hear, Say("250 a\r\n550 5.1.1 User unknown\r\n250 copy\r\n354 go"), Hear, Say("250 ok"), FallSilent]).await;
    let (from, to, copy): (EmailAddress, _, _) = (address("a@empresa.ec"), address("b@andina.ec"), address("c@empresa.ec"));
    let failure = session.send(&Envelope { from: &from, recipient: &to, copies: &[copy] }, MESSAGE).await.unwrap_err();
    assert_eq!(failure.phase, Phase::Recipient);
    assert!(!session.is_usable());
    drop(session);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(server.heard().len(), 2, "no dot was sent: {:?}", server.heard());
}

#[tokio::test]
async fn the_account_is_blamed_for_what_the_server_says_of_it_at_the_recipient() {
    for (said, code) in [
        ("554 5.7.1 <cobros@empresa.ec>: Sender address rejected: Access denied", "sender_not_allowed"),
        ("454 4.7.1 <pagos@andina.ec>: Relay access denied", "relay_denied"),
        ("554 5.7.1 <unknown[192.0.2.10]>: Client host rejected: Access denied", "auth_required"),
        ("550-Verification failed for <cobros@empresa.ec>\r\n550 Sender verify failed", "sender_not_found"),
        ("504 5.5.2 <pc>: Helo command rejected: need fully-qualified hostname", "helo_rejected"),
    ] {
        let answers: &'static str = Box::leak(format!("250 a\r\n{said}\r\n503 no").into_boxed_str());
        let (_server, mut session) = open(vec![Hear, Say(answers), Hear, Say("250 reset"), FallSilent]).await;
        let diagnosis = classify(&send(&mut session, "pagos@andina.ec").await.unwrap_err());
        assert_eq!((diagnosis.code.as_str(), diagnosis.verdict), (code, Verdict::Account), "{said}");
        assert!(session.is_usable());
    }
}

#[tokio::test]
async fn before_the_final_dot_it_is_lost_and_after_it_in_doubt() {
    let go = || vec![Hear, Say("250 a\r\n250 b\r\n354 c")];
    let cases = [
        (vec![], Phase::Sender, "connection_lost"),
        (vec![Hear], Phase::Sender, "connection_lost"),
        (vec![Hear, Say("250 a")], Phase::Recipient, "connection_lost"),
        (vec![Hear, Say("250 a\r\n250 b")], Phase::Message, "connection_lost"),
        (vec![Hear, Say("250 a\r\n250 b"), FallSilent], Phase::Message, "timeout"),
        ([go(), vec![HearMessage]].concat(), Phase::Message, "in_doubt"),
        ([go(), vec![HearMessage, FallSilent]].concat(), Phase::Message, "in_doubt"),
        ([go(), vec![HearMessage, Act::Bytes(b"\0\0nonsense\r\n".to_vec())]].concat(), Phase::Message, "in_doubt"),
        (
            [go(), vec![HearMessage, Say("451 try later"), Hear, Say("250 r"), FallSilent]].concat(),
            Phase::Message,
            "message_deferred",
        ),
        (
            [go(), vec![HearMessage, Say("554 5.7.1 Spam message rejected"), Hear, Say("250 r"), FallSilent]].concat(),
            Phase::Message,
            "content_rejected",
        ),
    ];
    for (script, phase, code) in cases {
        let (_server, mut session) = open(script).await;
        let failure = send(&mut session, "pagos@andina.ec").await.unwrap_err();
        assert_eq!((failure.phase, classify(&failure).code.as_str()), (phase, code));
        assert_eq!(failure.after_final_dot, code == "in_doubt" || failure.reply.is_some());
        assert_eq!(session.is_usable(), failure.reply.is_some());
    }
}

#[tokio::test]
async fn a_message_cut_off_half_way_is_not_in_doubt() {
    let unbounded = Say("250-mail\r\n250 PIPELINING");
    let (_server, mut session) = open(vec![unbounded, Hear, Say("250 a\r\n250 b\r\n354 c"), Hear]).await;
    let (from, to) = (address("a@empresa.ec"), address("b@andina.ec"));
    // More than the kernel keeps on the way: the rest cannot have left when the server goes.
    let large = b"0123456789012345678901234567890123456789\r\n".repeat(1_000_000);
    let failure = session.send(&Envelope { from: &from, recipient: &to, copies: &[] }, &large).await.unwrap_err();
    assert_eq!((classify(&failure).code.as_str(), failure.after_final_dot), ("connection_lost", false));
}

#[tokio::test]
async fn a_server_that_says_goodbye_is_left() {
    let (_server, mut session) = open(vec![Hear, Say("421 4.3.2 Service shutting down")]).await;
    let failure = send(&mut session, "pagos@andina.ec").await.unwrap_err();
    assert_eq!(classify(&failure).code.as_str(), "server_shutting_down");
    assert!(!session.is_usable() && !failure.is_stale_session());
}

#[tokio::test]
async fn what_a_server_cannot_take_is_not_sent_to_it() {
    let too_big = "552 5.3.4 Message size exceeds fixed limit\r\n503 no\r\n503 no";
    let (server, mut session) = open(vec![Hear, Say(too_big), Hear, Say("250 r"), Hear, Say("250 r"), FallSilent]).await;
    let (from, to) = (address("a@empresa.ec"), address("b@andina.ec"));
    let failure = session.send(&Envelope { from: &from, recipient: &to, copies: &[] }, &vec![b'x'; 1_000_001]).await.unwrap_err();
    assert_eq!(classify(&failure).code.as_str(), "message_too_big");
    let failure = send(&mut session, "ñandú@andina.ec").await.unwrap_err();
    assert_eq!((failure.phase, classify(&failure).code.as_str()), (Phase::Recipient, "utf8_address_unsupported"));
    let asked = "MAIL FROM:<a@empresa.ec> SIZE=1000001\r\nRCPT TO:<b@andina.ec>\r\nDATA\r\n";
    assert_eq!(server.heard()[1..], [asked, "RSET\r\n"]);
    assert!(session.is_usable());
}

#[tokio::test]
async fn letters_beyond_ascii_are_announced() {
    let offers = Say("250-mail\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8");
    let (server, mut session) =
        open(vec![offers, Hear, Say("250 a\r\n250 b\r\n354 c"), HearMessage, Say("250 ok"), FallSilent]).await;
    let (from, to) = (address("cobros@compañía.ec"), address("ñandú@andina.ec"));
    session.send(&Envelope { from: &from, recipient: &to, copies: &[] }, "Subject: x\r\n\r\nñ\r\n".as_bytes()).await.unwrap();
    assert_eq!(
        server.heard()[1],
        "MAIL FROM:<cobros@xn--compaa-7va5a.ec> BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<ñandú@andina.ec>\r\nDATA\r\n"
    );
}

#[tokio::test]
async fn a_send_that_was_dropped_half_way_spoils_the_session() {
    let (_server, mut session) = open(vec![Hear, FallSilent]).await;
    let dropped = tokio::time::timeout(Duration::from_millis(50), send(&mut session, "pagos@andina.ec")).await;
    assert!(dropped.is_err() && !session.is_usable());
}

/// Neither SMTPUTF8 nor 8BITMIME: all that such a server is sent is ASCII, and what a person reads is what was written.
#[tokio::test]
async fn a_server_of_ascii_is_sent_ascii_and_people_read_what_was_written() {
    for (name, from, to, answers_to, subject) in [
        (
            "Ñandú & Cía.",
            "cobros@compañía.ec",
            "pagos@ñandú.ec",
            "ventas@compañía.ec",
            "Recibo de cobro RC-000046 – USD 1.321,50",
        ),
        ("株式会社", "a@例え.jp", "b@пример.рф", "c@xn--r8jz45g.jp", "領収書"),
        ("אבג", "a@straße.de", "b@Ελλάδα.gr", "c@x.ec", "\u{1f9fe} recibo"),
    ] {
        let (from, to, answers_to) = (address(from), address(to), address(answers_to));
        let text = format!("{name}: {subject}\r\n.\r\nhasta ñ\r\n");
        let mail = Mail {
            from_name: name,
            from_address: &from,
            to_name: Some(name),
            to: &to,
            reply_to: Some(&answers_to),
            subject,
            text: &text,
            html: Some("<p>ñ</p>"),
            logo_png: None,
            attachments: &[Attachment { name: "Recibo ñ.pdf", mime: "application/pdf", bytes: b"%PDF\xff\xfe" }],
            message_id: "1@x.ec",
            date: chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap(),
            in_reply_to: None,
        };
        let bytes = compose(&mail).unwrap();
        assert!(bytes.is_ascii(), "{name}");
        let script = vec![
            Say("250-mail\r\n250 SIZE 1000000"),
            Hear,
            Say("250 a"),
            Hear,
            Say("250 b"),
            Hear,
            Say("250 c"),
            Hear,
            Say("354 d"),
            HearMessage,
            Say("250 ok"),
            FallSilent,
        ];
        let (server, mut session) = open(script).await;
        session.send(&Envelope { from: &from, recipient: &to, copies: std::slice::from_ref(&answers_to) }, &bytes).await.unwrap();
        let heard = server.heard().concat();
        assert!(heard.is_ascii() && !heard.contains("SMTPUTF8") && !heard.contains("8BITMIME"), "{heard}");
        let read = caught::parse(&bytes);
        let mailbox = |boxes: &[caught::Mailbox]| (boxes[0].name.clone(), boxes[0].address.parse::<EmailAddress>().unwrap());
        assert_eq!(mailbox(&read.from), (Some(name.to_owned()), from));
        assert_eq!(mailbox(&read.to), (Some(name.to_owned()), to));
        assert_eq!(mailbox(&read.reply_to).1, answers_to);
        assert_eq!(
            (read.subject.as_str(), read.text.map(|text| text.replace("\r\n", "\n"))),
            (subject, Some(text.replace("\r\n", "\n")))
        );
        assert_eq!(read.attachments[0].name, "Recibo ñ.pdf");
    }
}

#[tokio::test]
async fn a_local_part_beyond_ascii_in_a_header_is_not_sent_to_who_cannot_take_it() {
    let (from, to) = (address("cobros@x.ec"), address("pagos@x.ec"));
    let message = "From: <cobros@x.ec>\r\nReply-To: <josé@x.ec>\r\n\r\nhola\r\n".as_bytes();
    let (server, mut session) = open(vec![SLOW_OFFERS, Hear, Say("250 a"), FallSilent]).await;
    let failure = session.send(&Envelope { from: &from, recipient: &to, copies: &[] }, message).await.unwrap_err();
    assert_eq!((failure.phase, classify(&failure).verdict), (Phase::Sender, Verdict::Account));
    assert!(server.heard().iter().all(|heard| !heard.starts_with("MAIL")), "{:?}", server.heard());
}

/// What a server says stands escaped wherever it is shown.
#[tokio::test]
async fn words_that_reorder_or_hide_are_escaped() {
    let script = vec![Hear, Say("550 5.1.1 a\u{202e}b\u{200b}c\u{2066}d\u{feff}e\u{2028}f\u{e0041}g\u{7}h"), FallSilent];
    let (_server, mut session) = open(script).await;
    let failure = send(&mut session, "nadie@andina.ec").await.unwrap_err();
    let shown = failure.reply_text();
    assert_eq!(shown, "550 5.1.1 a\\u{202e}b\\u{200b}c\\u{2066}d\\u{feff}e\\u{2028}f\\u{e0041}g\\u{7}h");
}
