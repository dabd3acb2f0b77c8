//! Connections that are opened and then keep the server waiting.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use crate::installation::{Installation, Server};

/// A person presses again after that.
const SOON: Duration = Duration::from_secs(5);
/// Longer than any time-out of the server's.
const LONGEST: Duration = Duration::from_secs(60);

async fn with_few_files(installation: &Installation) -> Server {
    installation.start(installation.sh("ulimit -n 256; exec \"$0\" serve")).await
}

async fn opened(server: &Server, count: usize, sent: &str) -> Vec<TcpStream> {
    let mut connections = Vec::new();
    for _ in 0..count {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = timeout(SOON, socket.connect(server.address().parse().unwrap())).await.expect("in time").unwrap();
        // Whoever has to make room is closed while others are still coming.
        let _ = stream.write_all(sent.as_bytes()).await;
        connections.push(stream);
    }
    connections
}

async fn everybody_else_is_served(server: &Server) {
    for _ in 0..3 {
        let begun = Instant::now();
        for path in ["/healthz", "/readyz"] {
            // A connection that was kept from before may have made room; whoever sends on it tries again, as browsers do.
            let answer = match server.get(path).send().await {
                Ok(answer) => answer,
                Err(_) => server.get(path).send().await.unwrap(),
            };
            assert_eq!(answer.status(), StatusCode::OK);
        }
        server.log_in().await;
        assert!(begun.elapsed() < SOON, "it took {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn idle_connections_keep_nobody_out() {
    let installation = Installation::new();
    let server = with_few_files(&installation).await;
    let _idle = opened(&server, 600, "").await;
    everybody_else_is_served(&server).await;
}

#[tokio::test]
async fn half_a_head_and_a_byte_now_and_then_keep_nobody_out() {
    let installation = Installation::new();
    let server = with_few_files(&installation).await;
    let mut halves = opened(&server, 400, "GET /entrar HTTP/1.1\r\nHost: acuse\r\nX-Slow: ").await;
    for _ in 0..3 {
        for half in &mut halves {
            let _ = half.write_all(b"a").await;
        }
        everybody_else_is_served(&server).await;
    }
}

#[tokio::test]
async fn bodies_that_dribble_keep_nobody_out() {
    let installation = Installation::new();
    let server = with_few_files(&installation).await;
    let head = "POST /entrar HTTP/1.1\r\nHost: acuse\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9000\r\n\r\ncorreo=";
    let mut bodies = opened(&server, 400, head).await;
    for _ in 0..3 {
        for body in &mut bodies {
            let _ = body.write_all(b"a").await;
        }
        everybody_else_is_served(&server).await;
    }
}

#[tokio::test]
async fn answers_that_nobody_reads_keep_nobody_out() {
    let installation = Installation::new();
    let server = with_few_files(&installation).await;
    let _unread = opened(&server, 400, &"GET /openapi.json HTTP/1.1\r\nHost: acuse\r\n\r\n".repeat(100)).await;
    everybody_else_is_served(&server).await;
}

/// Each of them alone, with nobody waiting for its place.
#[tokio::test]
async fn whoever_keeps_the_server_waiting_is_closed_in_the_end() {
    let installation = Installation::new();
    let server = installation.serve().await;
    let dribbled =
        "POST /entrar HTTP/1.1\r\nHost: acuse\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9000\r\n\r\n";
    for (what, sent) in [("silent", ""), ("half a head", "GET / HTTP/1.1\r\nHost: "), ("a body", dribbled)] {
        let mut stream = opened(&server, 1, sent).await.pop().unwrap();
        let (mut reader, mut writer) = stream.split();
        let dribble = async {
            // A byte each second is no sign of life. The silent one stays silent.
            loop {
                sleep(Duration::from_secs(1)).await;
                if !sent.is_empty() && writer.write_all(b"a").await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let mut answer = Vec::new();
        let closed = async {
            tokio::select! {
                _ = reader.read_to_end(&mut answer) => {}
                () = dribble => {}
            }
        };
        timeout(LONGEST, closed).await.unwrap_or_else(|_| panic!("{what} is never closed"));
    }
    let mut unread = opened(&server, 1, &"GET /openapi.json HTTP/1.1\r\nHost: acuse\r\n\r\n".repeat(200)).await.pop().unwrap();
    let begun = Instant::now();
    // Written to until it is closed: the server reads nothing while nobody reads its answers.
    while unread.write_all(b"\r\n").await.is_ok() {
        assert!(begun.elapsed() < LONGEST, "an answer that nobody reads is never given up");
        sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn without_any_descriptor_left_the_server_waits_and_goes_on() {
    let installation = Installation::new();
    let server = installation.start(installation.sh("ulimit -n 40; exec \"$0\" serve")).await;
    let crowd = opened(&server, 100, "").await;
    sleep(Duration::from_secs(3)).await;
    let busy = cpu_ticks(&server);
    sleep(Duration::from_secs(2)).await;
    assert!(cpu_ticks(&server) - busy < 100, "it spins: {} ticks of 10 ms in two seconds", cpu_ticks(&server) - busy);
    drop(crowd);
    let begun = Instant::now();
    while !matches!(server.get("/readyz").send().await, Ok(answer) if answer.status() == StatusCode::OK) {
        assert!(begun.elapsed() < SOON, "it does not recover: {}", server.log());
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn the_soft_limit_of_open_files_is_raised_and_said() {
    let installation = Installation::new();
    let server = installation.start(installation.sh("ulimit -Sn 128; exec \"$0\" serve")).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let numbers: Vec<&str> = files.split_whitespace().skip(3).take(2).collect();
    assert_eq!(numbers[0], numbers[1], "{files}");
    assert!(server.log().contains("raised from 128"), "{}", server.log());
}

/// proc(5): utime and stime, in ticks.
fn cpu_ticks(server: &Server) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).expect("a running process");
    let after_name = stat.rsplit_once(')').expect("a name").1;
    after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
}
