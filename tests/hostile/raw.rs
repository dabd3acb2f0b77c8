//! Bytes that no client sends, and whatever comes back.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::installation::Server;

/// A debug build on a busy machine takes seconds for its first byte; after that it says all, or nothing more.
const FIRST_BYTE: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_millis(700);
const MOST_READ: usize = 4 * 1024 * 1024;

pub struct Heard(String);

/// Sends it on a connection of its own, and reads until the server is silent or closes.
pub async fn say(server: &Server, bytes: &[u8]) -> Heard {
    let mut stream = TcpStream::connect(server.address()).await.expect("it listens");
    // Whoever is refused early may be closed while still sending.
    let _ = timeout(FIRST_BYTE, stream.write_all(bytes)).await;
    let (mut heard, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    while heard.len() < MOST_READ {
        let patience = if heard.is_empty() { FIRST_BYTE } else { SILENCE };
        match timeout(patience, stream.read(&mut buffer)).await {
            Ok(Ok(0)) | Err(_) | Ok(Err(_)) => break,
            Ok(Ok(count)) => heard.extend_from_slice(&buffer[..count]),
        }
    }
    Heard(String::from_utf8_lossy(&heard).into_owned())
}

impl Heard {
    /// 0 where the connection was closed without a word.
    pub fn status(&self) -> u16 {
        self.0.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or_default()
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    /// How many answers came.
    pub fn answers(&self) -> usize {
        self.0.matches("HTTP/1.1 ").count()
    }
}
