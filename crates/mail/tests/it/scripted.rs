//! Servers that do exactly what a test tells them, over a real socket.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acuse_domain::email_address::EmailAddress;
use acuse_domain::mail_account::Security;
use acuse_mail::endpoint::{Endpoint, Limits};
use acuse_mail::failure::Failure;
use acuse_mail::guard::Network;
use acuse_mail::login::Credentials;
use acuse_mail::session::Session;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// One thing a scripted server does.
#[derive(Clone)]
pub enum Act {
    Say(&'static str),
    Bytes(Vec<u8>),
    /// Repeats a piece until the client goes away, or so many times.
    Repeat(Vec<u8>, usize),
    /// Reads what comes in one piece.
    Hear,
    /// Reads up to the final dot.
    HearMessage,
    Wait(Duration),
    Tls(Arc<ServerConfig>),
    /// Answers each command like a server that works, but for those that begin so. The last answer given for one counts.
    Converse(Vec<(&'static str, &'static str)>),
    /// The same, of a server that sees only the first of the commands that come at once: to the others it answers so.
    ConverseInTurn(Vec<(&'static str, &'static str)>, &'static str),
    /// Never says anything again, but stays.
    FallSilent,
}

pub use Act::{FallSilent, Hear, HearMessage, Say, Wait};

/// A server that plays the script once for each connection. What it heard is kept, a piece per `Hear`.
pub struct Server {
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

impl Server {
    pub async fn start(script: Vec<Act>) -> Self {
        Self::start_at("127.0.0.1:0", script).await
    }

    pub async fn start_at(place: &str, script: Vec<Act>) -> Self {
        let listener = TcpListener::bind(place).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heard, connections) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<usize>>::default());
        let (ears, count) = (Arc::clone(&heard), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *count.lock().unwrap() += 1;
                tokio::spawn(play(stream, script.clone(), Arc::clone(&ears)));
            }
        });
        Self { address, heard, connections }
    }

    pub fn endpoint(&self, security: Security) -> Endpoint {
        Endpoint { host: "127.0.0.1".to_owned(), port: self.address.port(), security }
    }

    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    pub async fn open(&self, security: Security, who: Option<&Credentials>) -> Result<Session, Box<Failure>> {
        Session::open(&network(None), &self.endpoint(security), who, &quick()).await
    }
}

async fn play(stream: TcpStream, script: Vec<Act>, ears: Arc<Mutex<Vec<String>>>) {
    let at = script.iter().position(|act| matches!(act, Act::Tls(_))).unwrap_or(script.len());
    let mut stream = stream;
    if !act_out(&mut stream, &script[..at], &ears).await {
        return;
    }
    if let Some(Act::Tls(config)) = script.get(at)
        && let Ok(mut secure) = TlsAcceptor::from(Arc::clone(config)).accept(stream).await
    {
        act_out(&mut secure, &script[at + 1..], &ears).await;
    }
}

async fn act_out<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, script: &[Act], ears: &Mutex<Vec<String>>) -> bool {
    for act in script {
        let went_well = match act {
            Act::Say(line) => stream.write_all(format!("{line}\r\n").as_bytes()).await.is_ok(),
            Act::Bytes(bytes) => stream.write_all(bytes).await.is_ok(),
            Act::Repeat(piece, times) => {
                let mut went_well = true;
                for _ in 0..*times {
                    went_well = went_well && stream.write_all(piece).await.is_ok();
                }
                went_well
            }
            Act::Hear => hear(stream, ears, |_| true).await,
            Act::HearMessage => hear(stream, ears, |text| text.ends_with("\r\n.\r\n")).await,
            Act::Wait(time) => {
                tokio::time::sleep(*time).await;
                true
            }
            Act::Converse(answers) => converse(stream, answers, None, ears).await,
            Act::ConverseInTurn(answers, to_others) => converse(stream, answers, Some(to_others), ears).await,
            Act::FallSilent => std::future::pending().await,
            Act::Tls(_) => false,
        };
        drop(stream.flush().await);
        if !went_well {
            return false;
        }
    }
    true
}

/// Instead of an answer.
pub const CLOSES: &str = "(closes)";
pub const SAYS_NOTHING: &str = "(says nothing)";
/// The command that stands for the end of the message.
pub const THE_DOT: &str = ".";

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    answers: &[(&'static str, &'static str)],
    to_others: Option<&'static str>,
    ears: &Mutex<Vec<String>>,
) -> bool {
    let mut received = String::new();
    let mut in_message = false;
    let mut buffer = vec![0; 65_536];
    loop {
        let mut is_first = true;
        while let Some(end) = received.find("\r\n") {
            let line: String = received.drain(..end + 2).collect();
            if in_message && line.trim_end() != THE_DOT {
                continue;
            }
            ears.lock().unwrap().push(line.clone());
            let answer = answers.iter().rev().find(|(command, _)| line.starts_with(command));
            let answer = answer.map_or_else(|| usual_answer(&line), |(_, answer)| answer);
            let is_lost = !std::mem::take(&mut is_first) && line.trim_end() != THE_DOT;
            let answer = to_others.filter(|_| is_lost).unwrap_or(answer);
            in_message = line.starts_with("DATA") && answer.lines().any(|line| line.starts_with("354"));
            match answer {
                CLOSES => return false,
                SAYS_NOTHING => std::future::pending().await,
                _ if stream.write_all(format!("{}\r\n", answer.replace('\n', "\r\n")).as_bytes()).await.is_err() => return false,
                _ => {}
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return false,
            Ok(count) => received.push_str(&String::from_utf8_lossy(&buffer[..count])),
        }
    }
}

fn usual_answer(line: &str) -> &'static str {
    match line.split_whitespace().next().unwrap_or_default() {
        "EHLO" => "250-mail.empresa.ec\n250-SIZE 1000000\n250-8BITMIME\n250 AUTH PLAIN LOGIN",
        "AUTH" => "235 2.7.0 Authentication successful",
        "DATA" => "354 End data with <CR><LF>.<CR><LF>",
        "QUIT" => "221 2.0.0 Bye",
        _ => "250 2.0.0 Ok",
    }
}

async fn hear<S: AsyncRead + Unpin>(stream: &mut S, ears: &Mutex<Vec<String>>, is_all: impl Fn(&str) -> bool) -> bool {
    let mut heard = String::new();
    let mut buffer = vec![0; 65_536];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return false,
            Ok(count) => heard.push_str(&String::from_utf8_lossy(&buffer[..count])),
        }
        if is_all(&heard) {
            ears.lock().unwrap().push(heard);
            return true;
        }
    }
}

/// A network that may reach this machine, and trusts this authority.
pub fn network(authority: Option<&str>) -> Network {
    Network::new(&["127.0.0.1".to_owned(), "localhost".to_owned()], authority.map(str::as_bytes)).unwrap()
}

/// Half a second a step: these servers answer at once or never.
pub fn quick() -> Limits {
    Limits::each(Duration::from_millis(500))
}

pub fn address(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

pub fn somebody() -> Credentials {
    Credentials::password("cobros@empresa.ec", PASSWORD.into())
}

pub const PASSWORD: &str = "clave-muy-secreta-42";
pub const HELLO: Act = Act::Say("220 mail.empresa.ec ESMTP");
pub const OFFERS: Act =
    Act::Say("250-mail.empresa.ec\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS");
