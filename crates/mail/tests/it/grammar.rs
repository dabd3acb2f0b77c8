//! Replies as RFC 5321 4.2, 2034 and 4954 let a server write them, and a little wider, made by chance: all are understood.

use acuse_domain::delivery::Verdict;
use acuse_domain::mail_account::Security;
use acuse_mail::capabilities::Capabilities;
use acuse_mail::diagnosis::{classify, classify_text};
use acuse_mail::endpoint::Endpoint;
use acuse_mail::reply::Reply;
use acuse_mail::session::{Envelope, Session};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use crate::certificates::Authority;
use crate::scripted::{Act, FallSilent, HELLO, Hear, HearMessage, Server, address, network, quick, somebody};

/// RFC 5321 4.2: textstring is any of these; RFC 6531 3.7.1 adds UTF-8, and servers add whatever their tables hold.
fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => Just(Vec::new()),
        4 => proptest::collection::vec(prop_oneof![Just(b'\t'), 0x20..=0x7eu8], 1..90),
        1 => "\\PC{1,40}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(0x80..=0xffu8, 1..40),
        1 => proptest::collection::vec(0x20..=0x7eu8, 500..3_000),
    ]
}

fn line_end() -> impl Strategy<Value = &'static str> {
    prop_oneof![8 => Just("\r\n"), 1 => Just("\n"), 1 => Just(" \t\r\n"), 1 => Just("\0\r\n"), 1 => Just("\r\r\n")]
}

fn code(classes: std::ops::RangeInclusive<u16>) -> impl Strategy<Value = u16> {
    (classes, 0..100u16).prop_map(|(class, rest)| class * 100 + rest)
}

/// `*( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF`, and what stands around it in the wild.
fn reply(code: impl Strategy<Value = u16>) -> impl Strategy<Value = (u16, Vec<u8>)> {
    let before = prop_oneof![12 => Just(""), 1 => Just("\r\n"), 1 => Just("\0"), 1 => Just(" ")];
    let last = (prop_oneof![4 => Just(" "), 1 => Just("\t"), 2 => Just("")], text(), line_end());
    (code, before, proptest::collection::vec((text(), line_end()), 0..6), last).prop_map(|(code, before, lines, last)| {
        let mut bytes = before.as_bytes().to_vec();
        for (text, end) in lines {
            bytes.extend([format!("{code}-").as_bytes(), &text, end.as_bytes()].concat());
        }
        let (separator, text, end) = last;
        let text = if separator.is_empty() { Vec::new() } else { text };
        bytes.extend([code.to_string().as_bytes(), separator.as_bytes(), &text, end.as_bytes()].concat());
        (code, bytes)
    })
}

/// A runner for tests that open connections: fewer cases, and none is written to a file.
fn on_the_wire<S: Strategy>(given: S, test: impl Fn(S::Value, &Runtime)) {
    let runtime = Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, max_shrink_iters: 64, ..Config::default() });
    runner
        .run(&given, |value| {
            test(value, &runtime);
            Ok(())
        })
        .unwrap();
}

proptest! {
    #[test]
    fn a_reply_is_read_to_its_end_and_no_further((expected, bytes) in reply(code(2..=5)), (_, next) in reply(code(2..=5))) {
        let read = Reply::first_in(&[bytes.clone(), next].concat()).expect("a reply");
        prop_assert_eq!(read.code(), expected);
        let own = Reply::first_in(&bytes).expect("a reply");
        prop_assert_eq!(&read, &own);
        let last_line = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        prop_assert_eq!(Reply::first_in(&bytes[..last_line]), None, "its last line is missing");
    }

    /// RFC 5321 4.2.1: what is not known is treated by its first digit.
    #[test]
    fn a_code_that_nobody_knows_is_treated_by_its_first_digit((code, bytes) in reply(code(2..=5))) {
        let read = Reply::first_in(&bytes).unwrap();
        prop_assert_eq!(read.is_positive(), code / 100 == 2);
        prop_assert_eq!(read.is_intermediate(), code / 100 == 3);
        prop_assert_eq!(read.is_temporary(), code / 100 == 4);
    }

    /// RFC 5321 4.1.1.1: `ehlo-line = ehlo-keyword *( SP ehlo-param )`, in any case, in any order.
    #[test]
    fn what_a_server_offers_is_read_however_it_writes_it(
        lines in Just(offers()).prop_shuffle(), upper in any::<bool>(), end in line_end(), blank in prop_oneof![Just(" "), Just("  "), Just("\t")],
        unknown in "X-[A-Z0-9]{1,12}( [!-~]{1,20}){0,3}", size in prop_oneof![Just(""), Just(" 0"), Just(" 99999999999999999999999")],
    ) {
        let mut lines: Vec<String> = lines.into_iter().map(|line| line.replace(' ', blank)).collect();
        lines.push(unknown);
        lines.push(format!("SIZE{size}"));
        let mut bytes = format!("250-correo.empresa.ec greets AUTH SIZE 1{end}").into_bytes();
        let last = lines.len() - 1;
        for (n, line) in lines.iter().enumerate() {
            let line = if upper { line.to_uppercase() } else { line.to_lowercase() };
            bytes.extend(format!("250{}{line}{end}", if n == last { ' ' } else { '-' }).bytes());
        }
        let read = Capabilities::of(&Reply::first_in(&bytes).unwrap());
        prop_assert!(read.start_tls && read.pipelining && read.eight_bit && read.smtp_utf8 && read.enhanced_codes, "{:?}", read);
        prop_assert_eq!(read.size, None, "no limit is named");
        let mut logins = read.logins.clone();
        logins.sort();
        prop_assert_eq!(logins, ["CRAM-MD5", "LOGIN", "PLAIN", "XOAUTH2"]);
    }

    /// RFC 2034 4 and 3463 2: `class "." subject "." detail`, the subject and detail of up to three digits, or none at all.
    #[test]
    fn an_enhanced_code_is_read_on_any_line_and_its_absence_too(lines in 1..5usize, on in 0..5usize, detail in "0{0,2}1", end in "[ ]?") {
        let said = "The email account that you tried to reach does not exist";
        let text = |with: usize| {
            let line = |n: usize| {
                let sign = if n + 1 == lines { ' ' } else { '-' };
                let code = if n == on.min(lines - 1) || with > 1 { format!("5.1.{detail} ") } else { String::new() };
                let words = if n == 0 { said } else { "" };
                format!("550{sign}{}{words}{end}", if with == 0 { String::new() } else { code })
            };
            (0..lines).map(line).collect::<Vec<_>>().join("\n")
        };
        for with in 0..3 {
            prop_assert_eq!(classify_text("recipient", &text(with)).code.as_str(), "mailbox_not_found", "{}", text(with));
        }
    }
}

fn offers() -> Vec<String> {
    let offers =
        ["STARTTLS", "PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "AUTH PLAIN LOGIN", "AUTH=LOGIN CRAM-MD5"];
    offers.into_iter().chain(["AUTH XOAUTH2,PLAIN", "HELP", "DSN"]).map(str::to_owned).collect()
}

const MESSAGE: &[u8] = b"Subject: x\r\n\r\nhola\r\n";

async fn sent(mut session: Session) -> Result<Reply, Box<acuse_mail::failure::Failure>> {
    let (from, to) = (address("cobros@empresa.ec"), address("pagos@andina.ec"));
    session.send(&Envelope { from: &from, recipient: &to, copies: &[] }, MESSAGE).await
}

#[test]
fn a_whole_session_goes_by_whatever_replies_the_standard_allows() {
    let step = || reply(code(2..=2)).prop_map(|(_, bytes)| bytes);
    let go = reply(code(3..=3)).prop_map(|(_, bytes)| bytes);
    on_the_wire((step(), step(), step(), step(), go, step(), step()), |(hello, ehlo, mail, rcpt, go, taken, reset), runtime| {
        runtime.block_on(async {
            let [hello, ehlo, mail, rcpt, go, taken, reset] = [hello, ehlo, mail, rcpt, go, taken, reset].map(Act::Bytes);
            let tried = vec![hello, Hear, ehlo, Hear, mail.clone(), Hear, reset];
            let script = [tried, vec![Hear, mail, Hear, rcpt, Hear, go, HearMessage, taken, FallSilent]].concat();
            let server = Server::start(script.clone()).await;
            let mut session = server.open(Security::None, None).await.expect("a greeting and an answer to EHLO");
            let (from, to) = (address("cobros@empresa.ec"), address("pagos@andina.ec"));
            session.try_sender(&from).await.expect("MAIL");
            let envelope = Envelope { from: &from, recipient: &to, copies: &[] };
            let answer = session.send(&envelope, MESSAGE).await.unwrap_or_else(|failure| panic!("{failure:?}"));
            assert!(answer.is_positive());
        });
    });
}

/// Garbage before a yes, a yes without its end, a first 1yz or 3yz: the message was taken, and no second copy goes out.
#[test]
fn a_yes_after_the_final_dot_is_heard_through_whatever_surrounds_it() {
    let noise = prop_oneof![
        2 => Just(Vec::new()),
        1 => text().prop_map(|text| [b"x".as_slice(), &text, b"\r\n"].concat()),
        1 => Just(b"\r\n\0\r\n".to_vec()),
        1 => reply(code(1..=1)).prop_map(|(_, bytes)| bytes),
        1 => reply(code(3..=3)).prop_map(|(_, bytes)| bytes),
        1 => Just(b"999 what\r\n".to_vec()),
    ];
    let yes = prop_oneof![
        4 => reply(code(2..=2)).prop_map(|(_, bytes)| bytes),
        1 => Just(b"250".to_vec()),
        1 => Just(b"250 2.0.0 Ok: queued".to_vec()),
        1 => Just(b"250-2.0.0 Ok\r\n250-queued\r\n".to_vec()),
        1 => Just(b"250ok\r\n".to_vec()),
        1 => Just(b"250-first\r\nqueued as 7\r\n250 last\r\n".to_vec()),
    ];
    on_the_wire((noise, yes, any::<bool>()), |(noise, yes, closes), runtime| {
        runtime.block_on(async {
            let mut script =
                vec![HELLO, Hear, Act::Say("250 x"), Hear, Act::Say("250"), Hear, Act::Say("250"), Hear, Act::Say("354")];
            script.extend([HearMessage, Act::Bytes(noise.clone()), Act::Bytes(yes.clone())]);
            script.extend((!closes).then_some(FallSilent));
            let server = Server::start(script).await;
            let session = server.open(Security::None, None).await.unwrap();
            let answer = sent(session).await.unwrap_or_else(|failure| {
                panic!(
                    "{:?} {:?}: {} {failure:?}",
                    noise.escape_ascii().to_string(),
                    yes.escape_ascii().to_string(),
                    classify(&failure).code.as_str()
                )
            });
            assert!(answer.is_positive());
        });
    });
}

/// RFC 4954 4: `334 SP [base64] CRLF`, the prompts of LOGIN in anybody's words, and any yes.
#[test]
fn a_login_goes_by_whatever_challenges_the_standard_allows() {
    let prompt = "[A-Za-z ñ:]{0,30}".prop_map(|text| STANDARD.encode(text));
    let challenge = prop_oneof![
        Just("334".to_owned()),
        Just("334 ".to_owned()),
        prompt.prop_map(|prompt| format!("334 {prompt}")),
        Just("334 no base64 at all !".to_owned()),
        Just("301 go on".to_owned()),
    ];
    let yes = prop_oneof![Just("235"), Just("235 "), Just("235-a\r\n235"), Just("250 2.7.0 ok"), Just("299")];
    on_the_wire((challenge.clone(), challenge, yes), |(first, second, yes), runtime| {
        runtime.block_on(async {
            let say = |text: &str| Act::Bytes(format!("{text}\r\n").into_bytes());
            let script = vec![
                HELLO,
                Hear,
                Act::Say("250-x\r\n250 auth login"),
                Hear,
                say(&first),
                Hear,
                say(&second),
                Hear,
                say(yes),
                FallSilent,
            ];
            let server = Server::start(script).await;
            let endpoint = Endpoint { host: "127.0.0.1".to_owned(), ..server.endpoint(Security::None) };
            Session::open(&network(None), &endpoint, Some(&somebody()), &quick()).await.expect("logged in");
            let heard = server.heard();
            assert_eq!(heard[1], "AUTH LOGIN\r\n");
            assert_eq!(heard[2].trim_end(), STANDARD.encode("cobros@empresa.ec"));
        });
    });
}

/// RFC 2195 asks for the challenge in base64; some write it without its padding.
#[tokio::test]
async fn a_challenge_without_padding_is_answered_too() {
    for challenge in ["334 PDE4OTZAcG9zdD4=", "334 PDE4OTZAcG9zdD4", "334-PDE4OTZA\r\n334 cG9zdD4="] {
        let script = vec![
            HELLO,
            Hear,
            Act::Say("250-x\r\n250 AUTH CRAM-MD5"),
            Hear,
            Act::Say(challenge),
            Hear,
            Act::Say("235"),
            FallSilent,
        ];
        let server = Server::start(script).await;
        server.open(Security::None, Some(&somebody())).await.map(drop).expect(challenge);
        let answer = STANDARD.decode(server.heard()[2].trim_end()).expect("base64");
        assert!(answer.starts_with(b"cobros@empresa.ec "), "{challenge}");
    }
}

/// Where a reply is out of place: a phase, and the command that it answers there.
const PLACES: [(&str, &str); 9] = [
    ("greeting", ""),
    ("EHLO", "250-x\n250 AUTH PLAIN LOGIN"),
    ("STARTTLS", "220 go"),
    ("AUTH", "235 ok"),
    ("MAIL", "250 ok"),
    ("RCPT TO:<pagos@andina.ec>", "250 ok"),
    ("RCPT TO:<copia@empresa.ec>", "250 ok"),
    ("DATA", "354 go"),
    (".", "250 queued"),
];

/// What a server comes to that answers one command so and works otherwise: the code of its trouble, or nothing.
async fn code_of(place: &str, said: &str, pipelines: bool, tls: &Authority) -> (String, Verdict, Server) {
    let leaked = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let bytes = |text: &str| Act::Bytes(format!("{}\r\n", text.replace('\n', "\r\n")).into_bytes());
    let offers = if pipelines { "250-x\n250-PIPELINING\n250 AUTH PLAIN LOGIN" } else { "250-x\n250 AUTH PLAIN LOGIN" };
    let greeting = if place == "greeting" { said } else { "220 mail.empresa.ec" };
    let converse = Act::Converse(vec![("EHLO", offers), (leaked(place.to_owned()), leaked(said.to_owned()))]);
    let (script, security) = match place {
        "STARTTLS" => {
            let until = vec![HELLO, Hear, Act::Say("250-x\r\n250 STARTTLS"), Hear, bytes(said)];
            (
                [until, vec![Act::Tls(tls.server(&["127.0.0.1"])), Act::Converse(vec![("EHLO", offers)])]].concat(),
                Security::StartTls,
            )
        }
        "greeting" => (vec![bytes(greeting), Act::Converse(vec![("EHLO", offers)])], Security::None),
        _ => (vec![bytes(greeting), converse], Security::None),
    };
    let server = Server::start(script).await;
    let (from, to, copies) = (address("cobros@empresa.ec"), address("pagos@andina.ec"), [address("copia@empresa.ec")]);
    let opened = Session::open(&network(Some(&tls.pem)), &server.endpoint(security), Some(&somebody()), &quick()).await;
    let sent = match opened {
        Ok(mut session) => session.send(&Envelope { from: &from, recipient: &to, copies: &copies }, MESSAGE).await.map(drop),
        Err(failure) => Err(failure),
    };
    match sent {
        Ok(()) => (String::new(), Verdict::Later, server),
        Err(failure) => {
            let diagnosis = classify(&failure);
            (diagnosis.code.to_string(), diagnosis.verdict, server)
        }
    }
}

/// RFC 5321 4.2.1 knows 1yz no more and 3yz at DATA and AUTH only: a server that says them elsewhere is out of step, which is
/// nobody's fault and passes. «Wait» is waited for.
#[tokio::test]
async fn a_reply_out_of_place_accuses_nobody() {
    let tls = Authority::new();
    for pipelines in [false, true] {
        for (place, yes) in PLACES {
            let yes = if place == "greeting" { "220 hola" } else { yes };
            let waits = [format!("150 wait\n{yes}"), format!("100 a\n199-b\n199 c\n{yes}")];
            for said in &waits {
                let (code, _, server) = code_of(place, said, pipelines, &tls).await;
                assert_eq!(code, "", "{place}: {said:?} {:?}", server.heard());
            }
            let mut odd = vec!["150 wait\n".repeat(40), "000 x".to_owned(), "699 x".to_owned(), "999 x".to_owned()];
            match place {
                "DATA" => odd.push("250 ok".to_owned()),
                // There a 3yz is a challenge: see below.
                "AUTH" => {}
                _ => odd.push("354 go".to_owned()),
            }
            for said in &odd {
                let (code, verdict, server) = code_of(place, said, pipelines, &tls).await;
                // After the message only a yes or a no counts, and silence is a doubt.
                let expected = if place == "." { ("in_doubt", Verdict::InDoubt) } else { ("protocol_error", Verdict::Later) };
                assert_eq!((code.as_str(), verdict), expected, "{place}, pipelining {pipelines}: {said:?} {:?}", server.heard());
            }
        }
    }
}

/// What ends a login that makes no sense is our own taking it back: the «no» to that is no word on the password.
#[tokio::test]
async fn challenges_without_end_are_no_wrong_password() {
    for end in ["334 ", "501 5.7.0 Authentication cancelled", "535 5.7.8 Error: authentication failed"] {
        let server =
            Server::start(vec![HELLO, Act::Converse(vec![("", "334 "), ("EHLO", "250-x\n250 AUTH LOGIN PLAIN"), ("*", end)])])
                .await;
        let failure = server.open(Security::None, Some(&somebody())).await.map(drop).unwrap_err();
        let diagnosis = classify(&failure);
        assert_eq!(
            (diagnosis.code.as_str(), diagnosis.verdict),
            ("protocol_error", Verdict::Later),
            "{end}: {:?}",
            server.heard()
        );
    }
}

/// RSET has no refusal (RFC 5321 4.1.1.5): what comes in its place is no word on the sender.
#[tokio::test]
async fn a_reset_that_is_refused_accuses_nobody() {
    for said in ["354 x", "502 5.5.1 not implemented", "550 5.7.1 xyzzy", "999 x"] {
        let server = Server::start(vec![HELLO, Act::Converse(vec![("RSET", said)])]).await;
        let mut session = server.open(Security::None, Some(&somebody())).await.unwrap();
        session.try_sender(&address("cobros@empresa.ec")).await.unwrap();
        let failure = sent(session).await.unwrap_err();
        assert_eq!(classify(&failure).verdict, Verdict::Later, "{said}");
        assert!(failure.is_stale_session(), "{said}: a fresh one will do");
    }
}
