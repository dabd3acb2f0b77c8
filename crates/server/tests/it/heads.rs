//! A request's head on a real connection: as long as hyper reads an address, the words are ours.

use acuse_server::listener::{self, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::TestApp;

/// The whole answer to one request that closes its connection.
async fn asked(address: std::net::SocketAddr, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
    // Whoever is refused half-way is no longer read.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_long_address_is_refused_in_our_words_and_an_endless_head_is_refused() {
    let app = TestApp::start().await;
    let (router, cookie) = app.served();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_stop, stopped) = watch::channel(false);
    tokio::spawn(listener::serve(listener, router, Limits { connections: 10, for_health: 2 }, stopped));
    let cookie = format!("cookie: {cookie}\r\n");
    for bytes in [3_000, 30_000, 50_000, 65_000] {
        let long = "x".repeat(bytes);
        for path in ["contacts", "documents", "payments", "deliveries", "mail-accounts"] {
            let answer = asked(address, &format!("/api/v1/{path}?q={long}"), "").await;
            assert!(answer.starts_with("HTTP/1.1 422 "), "{path} {bytes}: {:.200}", answer);
            assert!(answer.contains("\"code\":\"parameter_invalid\""), "{path} {bytes}: {:.200}", answer);
        }
        for path in ["/cobros", "/pagos", "/personas", "/documentos", "/envios"] {
            let answer = asked(address, &format!("{path}?q={long}"), &cookie).await;
            assert!(answer.starts_with("HTTP/1.1 422 ") && answer.contains("No se puede buscar eso"), "{path}: {:.200}", answer);
        }
    }
    // The bound stays; hyper's own answers have no words (docs/api-design.md, Errors).
    assert!(asked(address, &format!("/api/v1/contacts?q={}", "x".repeat(70_000)), "").await.starts_with("HTTP/1.1 414 "));
    let endless = format!("x-long: {}\r\n", "x".repeat(200_000));
    assert!(asked(address, "/api/v1/contacts", &endless).await.starts_with("HTTP/1.1 431 "));
    assert!(asked(address, "/api/v1/contacts", "if-match: \"\u{1}\"\r\n").await.starts_with("HTTP/1.1 400 "));
}
