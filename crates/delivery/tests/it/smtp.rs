//! A mail server that behaves as a test tells it, and can be told otherwise at any time.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acuse_mail::caught::{self, ReadMail};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

#[derive(Debug, Clone, Copy)]
pub enum Way {
    Accepts,
    AcceptsAfter(Duration),
    /// Greets so, and hangs up.
    Greets(&'static str),
    /// Answers MAIL so.
    SaysOfSender(&'static str),
    /// Answers RCPT so.
    SaysOfRecipient(&'static str),
    /// Answers AUTH so.
    SaysOfLogin(&'static str),
    IsSilentFromTheStart,
    IsSilentAfterTheDot,
    /// The first session hears nothing any more from there on: `greeting`, a command, `handshake` (after STARTTLS), or `.`; all others are served.
    FirstSessionIsSilentAt(&'static str),
    /// The same, of every session.
    IsSilentAt(&'static str),
    /// The same, of the messages for whoever's address begins with `cuelga`; all others are served.
    IsSilentForSomeAt(&'static str),
    /// Answers a command, or `.`, so, and hears nothing of RSET.
    RefusesAndHearsNoMore(&'static str, &'static str),
    HangsUpBeforeTheDot,
    HangsUpAfterTheDot,
}

impl Way {
    /// Whether a session, counted from one, hears nothing more from this place on.
    fn hangs(self, session: usize, place: &str, to: &str) -> bool {
        match self {
            Self::FirstSessionIsSilentAt(where_to) => session == 1 && where_to == place,
            Self::IsSilentAt(where_to) => where_to == place,
            Self::RefusesAndHearsNoMore(..) => place == "RSET",
            Self::IsSilentForSomeAt(where_to) => where_to == place && to.starts_with("cuelga"),
            _ => false,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Heard {
    pub to: String,
    pub raw: Vec<u8>,
}

impl Heard {
    pub fn read(&self) -> ReadMail {
        caught::parse(&self.raw)
    }
}

struct Mind {
    way: Way,
    heard: Vec<Heard>,
    logins: usize,
    sessions: usize,
    recipients: usize,
}

pub struct Server {
    pub port: u16,
    mind: Arc<Mutex<Mind>>,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn which(way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mind = Arc::new(Mutex::new(Mind { way, heard: Vec::new(), logins: 0, sessions: 0, recipients: 0 }));
        let shared = mind.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mind = shared.clone();
                tokio::spawn(async move { drop(converse(BufReader::new(stream), &mind).await) });
            }
        });
        Self { port, mind, task }
    }

    pub fn now(&self, way: Way) {
        self.mind.lock().unwrap().way = way;
    }

    /// Every message whose final dot arrived, whatever was answered.
    pub fn heard(&self) -> Vec<Heard> {
        self.mind.lock().unwrap().heard.clone()
    }

    pub fn logins(&self) -> usize {
        self.mind.lock().unwrap().logins
    }

    /// Connections so far.
    pub fn sessions(&self) -> usize {
        self.mind.lock().unwrap().sessions
    }

    /// How often it was told whom a message is for.
    pub fn recipients(&self) -> usize {
        self.mind.lock().unwrap().recipients
    }

    /// The subjects of what was heard for an address, in order.
    pub fn subjects_for(&self, to: &str) -> Vec<String> {
        self.heard().iter().filter(|heard| heard.to == to).map(|heard| heard.read().subject).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn converse(mut stream: BufReader<TcpStream>, mind: &Mutex<Mind>) -> io::Result<()> {
    let way = || mind.lock().unwrap().way;
    if matches!(way(), Way::IsSilentFromTheStart) {
        std::future::pending::<()>().await;
    }
    let number = one_more_session(mind);
    let hangs = |place: &str, to: &str| way().hangs(number, place, to);
    if hangs("greeting", "") {
        std::future::pending::<()>().await;
    }
    if let Way::Greets(words) = way() {
        return say(&mut stream, words).await;
    }
    say(&mut stream, "220 correo.test ESMTP").await?;
    let mut to = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        if verb == "RCPT" {
            mind.lock().unwrap().recipients += 1;
            to = line.trim().trim_start_matches("RCPT TO:<").trim_end_matches('>').to_owned();
        }
        if hangs(&verb, &to) {
            std::future::pending::<()>().await;
        }
        let answer = match (verb.as_str(), way()) {
            ("EHLO", _) => "250-correo.test\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 AUTH PLAIN",
            ("STARTTLS", _) if hangs("handshake", "") => {
                say(&mut stream, "220 2.0.0 Go on").await?;
                std::future::pending().await
            }
            ("STARTTLS", _) => "454 4.7.0 No certificate",
            ("AUTH", way) => {
                mind.lock().unwrap().logins += 1;
                if let Way::SaysOfLogin(words) = way { words } else { "235 2.7.0 Accepted" }
            }
            ("MAIL" | "RCPT", way) => match refuses(&verb, way) {
                Some(words) => {
                    to.clear();
                    words
                }
                None => "250 2.1.0 Ok",
            },
            ("DATA", Way::HangsUpBeforeTheDot) => return Ok(()),
            ("DATA", _) if to.is_empty() => "503 5.5.1 No recipients",
            ("DATA", _) => {
                say(&mut stream, "354 Go on").await?;
                if !take(&mut stream, mind, &to).await? {
                    return Ok(());
                }
                if hangs(".", &to) {
                    std::future::pending::<()>().await;
                }
                if let Way::RefusesAndHearsNoMore(".", words) = way() { words } else { "250 2.0.0 Ok: queued as 4FD1C7" }
            }
            ("QUIT", _) => "221 2.0.0 Bye",
            _ => "250 2.0.0 Ok",
        };
        say(&mut stream, answer).await?;
    }
}

fn refuses(verb: &str, way: Way) -> Option<&'static str> {
    match (verb, way) {
        ("MAIL", Way::SaysOfSender(words)) => Some(words),
        ("RCPT", Way::SaysOfSender(_)) => Some("503 5.5.1 No sender"),
        ("RCPT", Way::SaysOfRecipient(words) | Way::RefusesAndHearsNoMore("RCPT", words)) => Some(words),
        _ => None,
    }
}

fn one_more_session(mind: &Mutex<Mind>) -> usize {
    let mut mind = mind.lock().unwrap();
    mind.sessions += 1;
    mind.sessions
}

/// Whether it is to be answered.
async fn take(stream: &mut BufReader<TcpStream>, mind: &Mutex<Mind>, to: &str) -> io::Result<bool> {
    let way = mind.lock().unwrap().way;
    let mut raw = Vec::new();
    while !raw.ends_with(b"\r\n.\r\n") {
        if stream.read_until(b'\n', &mut raw).await? == 0 {
            return Ok(false);
        }
    }
    raw.truncate(raw.len() - 3);
    mind.lock().unwrap().heard.push(Heard { to: to.to_owned(), raw });
    match way {
        Way::AcceptsAfter(time) => tokio::time::sleep(time).await,
        Way::IsSilentAfterTheDot => std::future::pending().await,
        _ => {}
    }
    Ok(!matches!(way, Way::HangsUpAfterTheDot))
}

async fn say(stream: &mut BufReader<TcpStream>, words: &str) -> io::Result<()> {
    stream.write_all(format!("{words}\r\n").as_bytes()).await?;
    stream.flush().await
}
