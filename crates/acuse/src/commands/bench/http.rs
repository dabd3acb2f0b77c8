//! The least of HTTP/1.1 that a client of the API needs: one kept connection, JSON out, a status and a body back.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Beyond this an answer of the API is none (bytes).
const LONGEST_HEAD: usize = 16 * 1_024;

pub struct Client {
    stream: TcpStream,
    /// What every request says after its first line.
    headers: String,
    received: Vec<u8>,
}

pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Client {
    pub async fn connect(server: SocketAddr, token: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let headers = format!("Host: {server}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n");
        Ok(Self { stream, headers, received: Vec::with_capacity(LONGEST_HEAD) })
    }

    pub async fn post(&mut self, path: &str, json: &str) -> io::Result<Answer> {
        let request = format!("POST {path} HTTP/1.1\r\n{}Content-Length: {}\r\n\r\n{json}", self.headers, json.len());
        self.stream.write_all(request.as_bytes()).await?;
        self.received.clear();
        let head = self.read_head().await?;
        let (status, length) = understood(&self.received[..head]).ok_or_else(|| unclear("the answer's head"))?;
        while self.received.len() < head + length {
            self.read_more().await?;
        }
        Ok(Answer { status, body: self.received[head..head + length].to_vec() })
    }

    async fn read_head(&mut self) -> io::Result<usize> {
        loop {
            if let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                return Ok(end + 4);
            }
            if self.received.len() > LONGEST_HEAD {
                return Err(unclear("an endless head"));
            }
            self.read_more().await?;
        }
    }

    async fn read_more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn understood(head: &[u8]) -> Option<(u16, usize)> {
    let head = std::str::from_utf8(head).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let named =
        |line: &str| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))?.1.trim().parse().ok();
    Some((status, head.lines().find_map(named)?))
}

fn unclear(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
