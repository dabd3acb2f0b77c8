//! A mail server on this machine that takes every message and keeps it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

pub struct Postbox {
    pub port: u16,
    mails: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Postbox {
    pub fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let (port, mails) = (listener.local_addr().expect("an address").port(), Arc::<Mutex<Vec<_>>>::default());
        let kept = mails.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = kept.clone();
                std::thread::spawn(move || converse(stream, &kept));
            }
        });
        Self { port, mails }
    }

    /// As soon as there are so many.
    pub async fn mails(&self, count: usize) -> Vec<Vec<u8>> {
        let begun = Instant::now();
        loop {
            let mails = self.mails.lock().expect("nobody panics with it").clone();
            if mails.len() >= count {
                return mails;
            }
            assert!(begun.elapsed() < ARRIVAL_TIMEOUT, "{} of {count} mails came", mails.len());
            tokio::time::sleep(POLL).await;
        }
    }
}

fn converse(mut stream: TcpStream, kept: &Mutex<Vec<Vec<u8>>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    stream.write_all(b"220 buzon ESMTP\r\n").ok()?;
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line).ok()? == 0 {
            return None;
        }
        let verb = String::from_utf8_lossy(&line).trim().to_uppercase();
        let answer: &[u8] = match verb.split(' ').next() {
            Some("EHLO") => b"250-buzon\r\n250-SIZE 50000000\r\n250 8BITMIME\r\n",
            Some("DATA") => {
                stream.write_all(b"354 go on\r\n").ok()?;
                let mail = read_mail(&mut reader)?;
                kept.lock().ok()?.push(mail);
                b"250 2.0.0 kept\r\n"
            }
            _ => b"250 2.0.0 ok\r\n",
        };
        stream.write_all(answer).ok()?;
    }
}

/// To the line with a dot alone, byte for byte.
fn read_mail(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut mail = Vec::new();
    while !mail.ends_with(b"\r\n.\r\n") {
        if reader.read_until(b'\n', &mut mail).ok()? == 0 {
            return None;
        }
    }
    Some(mail)
}
