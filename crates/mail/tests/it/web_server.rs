//! HTTPS servers that answer exactly as a test tells them, over a real socket.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What to answer to a request, as bytes on the wire. Nothing: never.
type Answering = Arc<dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync>;

pub struct WebServer {
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl WebServer {
    pub async fn start(tls: Arc<ServerConfig>, answering: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let (ears, answering) = (Arc::clone(&heard), Arc::new(answering) as Answering);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&tls), Arc::clone(&ears), Arc::clone(&answering)));
            }
        });
        Self { address, heard }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Every request, head and body.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, tls: Arc<ServerConfig>, ears: Arc<Mutex<Vec<String>>>, answering: Answering) {
    let Ok(mut stream) = TlsAcceptor::from(tls).accept(stream).await else { return };
    let mut request = Vec::new();
    while !is_whole(&request) {
        match stream.read_buf(&mut request).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let answer = answering(&request);
    ears.lock().unwrap().push(request);
    let Some(answer) = answer else { return std::future::pending().await };
    drop(stream.write_all(&answer).await);
    drop(stream.shutdown().await);
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    body.len() >= length.unwrap_or(0)
}

pub fn page(status: &str, body: &str) -> Option<Vec<u8>> {
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    Some(format!("{head}{body}").into_bytes())
}

pub fn redirect(to: &str) -> Option<Vec<u8>> {
    Some(format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes())
}
