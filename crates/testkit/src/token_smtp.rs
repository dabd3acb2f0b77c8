//! A mail server that lets in whoever shows an access token that is good now, by XOAUTH2 or OAUTHBEARER, over TLS from the
//! start.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::server::TlsStream;

use crate::certificates::Authority;
use crate::tls::Secured;

/// Lines of a test's mails are short; tokens are the longest that is said.
const LONGEST_LINE: usize = 16_384;

pub struct TokenSmtp {
    pub port: u16,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

/// What came to pass.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The commands up to their first space and the next word: `AUTH XOAUTH2`.
    pub commands: Vec<String>,
    pub logins: usize,
    pub refused_logins: usize,
    /// Whom each accepted message was for.
    pub accepted: Vec<String>,
}

/// Whether a user's token is good now.
type Judge = Box<dyn Fn(&str, &str) -> bool + Send + Sync>;

struct Host {
    mechanisms: &'static str,
    is_good: Judge,
    seen: Arc<Mutex<Seen>>,
}

impl TokenSmtp {
    /// `mechanisms` as EHLO names them; `is_good` judges a user and a token.
    pub async fn start(
        authority: &Authority,
        mechanisms: &'static str,
        is_good: impl Fn(&str, &str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let mut door = Secured::bind(authority).await;
        let port = door.port();
        let seen = Arc::<Mutex<Seen>>::default();
        let host = Arc::new(Host { mechanisms, is_good: Box::new(is_good), seen: seen.clone() });
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = door.next().await;
                let host = host.clone();
                tokio::spawn(async move { drop(Guest { stream: BufReader::new(stream), host }.talk().await) });
            }
        });
        Self { port, seen, task }
    }

    #[must_use]
    pub fn seen(&self) -> Seen {
        locked(&self.seen).clone()
    }
}

impl Drop for TokenSmtp {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Guest {
    stream: BufReader<TlsStream<TcpStream>>,
    host: Arc<Host>,
}

impl Guest {
    async fn talk(mut self) -> io::Result<()> {
        self.say("220 correo.test ESMTP").await?;
        let (mut is_in, mut to) = (false, String::new());
        while let Some(line) = self.line().await? {
            let words: Vec<&str> = line.splitn(3, ' ').collect();
            locked(&self.host.seen).commands.push(words.iter().take(2).copied().collect::<Vec<_>>().join(" "));
            let verb = words[0].to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    let offers = format!("250-correo.test\r\n250-SIZE 1000000\r\n250 AUTH {}", self.host.mechanisms);
                    self.say(&offers).await?;
                }
                "AUTH" => is_in = self.log_in(words.get(1).copied(), words.get(2).copied()).await?,
                "MAIL" if !is_in => self.say("530 5.7.0 Authentication required").await?,
                "RCPT" => {
                    to = line.trim_start_matches("RCPT TO:<").split('>').next().unwrap_or_default().to_owned();
                    self.say("250 2.1.5 Ok").await?;
                }
                "DATA" => self.take(&to).await?,
                "QUIT" => return self.say("221 2.0.0 Bye").await,
                _ => self.say("250 2.0.0 Ok").await?,
            }
        }
        Ok(())
    }

    async fn log_in(&mut self, mechanism: Option<&str>, initial: Option<&str>) -> io::Result<bool> {
        let mechanism = mechanism.unwrap_or_default().to_owned();
        let said = match initial {
            Some(said) => said.to_owned(),
            None => {
                self.say("334 ").await?;
                self.line().await?.unwrap_or_default()
            }
        };
        let said = String::from_utf8(STANDARD.decode(said).unwrap_or_default()).unwrap_or_default();
        let (user, token) = read(&mechanism, &said).unwrap_or_default();
        locked(&self.host.seen).logins += 1;
        if (self.host.is_good)(&user, &token) {
            self.say("235 2.7.0 Accepted").await?;
            return Ok(true);
        }
        locked(&self.host.seen).refused_logins += 1;
        let why = STANDARD.encode(r#"{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}"#);
        self.say(&format!("334 {why}")).await?;
        let last = self.line().await?.unwrap_or_default();
        let is_answered = if mechanism == "XOAUTH2" { last.is_empty() } else { last == "AQ==" };
        let words = if is_answered { "535 5.7.8 Username and Password not accepted" } else { "501 5.5.4 Not what was asked" };
        self.say(words).await?;
        Ok(false)
    }

    async fn take(&mut self, to: &str) -> io::Result<()> {
        self.say("354 Go on").await?;
        while let Some(line) = self.line().await? {
            if line == "." {
                locked(&self.host.seen).accepted.push(to.to_owned());
                return self.say("250 2.0.0 Ok: queued").await;
            }
        }
        Ok(())
    }

    async fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 || line.len() > LONGEST_LINE {
            return Ok(None);
        }
        Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
    }

    async fn say(&mut self, words: &str) -> io::Result<()> {
        self.stream.write_all(format!("{words}\r\n").as_bytes()).await?;
        self.stream.flush().await
    }
}

/// `user=U^Aauth=Bearer T^A^A`, or `n,a=U,^Aauth=Bearer T^A^A`.
fn read(mechanism: &str, said: &str) -> Option<(String, String)> {
    let (head, rest) = said.split_once('\u{1}')?;
    let user = match mechanism {
        "XOAUTH2" => head.strip_prefix("user=")?,
        "OAUTHBEARER" => head.strip_prefix("n,a=")?.strip_suffix(',')?,
        _ => return None,
    };
    let token = rest.split('\u{1}').find_map(|part| part.strip_prefix("auth=Bearer "))?;
    Some((user.to_owned(), token.to_owned()))
}

fn locked(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
