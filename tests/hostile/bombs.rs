//! Little that becomes much: nested, compressed, repeated, long.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::{Method, RequestBuilder};

use crate::attack::Attack;
use crate::raw::say;
use crate::scene::Scene;

/// KiB that all of them together may make the server grow by.
const MOST_MEMORY: u64 = 200 * 1024;

pub async fn attacks(scene: &Scene) -> Vec<Attack> {
    let before = scene.server.memory("VmRSS");
    let mut rows = vec![json(scene).await, packed(scene).await, forms(scene).await, heads(scene).await];
    let mut row = Attack::new("memory after bombs", "less than 200 MiB more at the peak; it answers");
    let peak = scene.server.memory("VmHWM");
    row.tried(peak < before + MOST_MEMORY, || format!("{before} KiB before, {peak} KiB at the peak"));
    let health = scene.request(Method::GET, "/healthz").send().await.expect("an answer").status();
    row.tried(health.is_success(), || format!("health: {health}"));
    rows.push(row);
    rows
}

async fn refused(row: &mut Attack, what: &str, request: RequestBuilder) {
    // Whoever sends on after a refusal may find the connection closed.
    let Ok(answer) = request.send().await else { return row.tried(true, String::new) };
    let status = answer.status();
    row.tried(status.is_client_error(), || format!("{what}: {status}"));
}

async fn json(scene: &Scene) -> Attack {
    let mut row = Attack::new("JSON nested, repeated or endless", "4xx");
    let many = |part: &str, count: usize| part.repeat(count);
    let bodies = [
        ("arrays", many("[", 500_000)),
        ("objects", many("{\"a\":", 150_000)),
        ("closed arrays", many("[", 200_000) + &many("]", 200_000)),
        ("fields", format!("{{{}\"x\":1}}", many("\"a\":1,", 150_000))),
        ("emails", format!("{{\"name\":\"x\",\"emails\":[{}\"a@b.ec\"]}}", many("\"a@b.ec\",", 90_000))),
        ("name", format!("{{\"name\":\"{}\"}}", many("x", 1_000_000))),
        ("marks", format!("{{\"name\":\"a{}\"}}", many("\u{301}", 400_000))),
        ("escapes", format!("{{\"name\":\"{}\"}}", many("\\u0000", 150_000))),
        ("digits", format!("{{\"credit_days\":{}}}", many("9", 900_000))),
        ("exponent", "{\"credit_days\":1e999999999}".to_owned()),
        ("half a pair", "{\"name\":\"\\ud800\"}".to_owned()),
        ("twice", "{\"name\":\"a\",\"name\":\"b\"}".to_owned()),
        ("prototype", "{\"__proto__\":{\"is_customer\":true},\"constructor\":{}}".to_owned()),
        ("too large", many(" ", 3_000_000)),
    ];
    for (what, body) in bodies {
        for path in ["/contacts", "/payments", "/documents"] {
            let request = scene.api(Method::POST, path).header("content-type", "application/json").body(body.clone());
            refused(&mut row, &format!("{what} at {path}"), request).await;
        }
    }
    row
}

fn gzip(bytes: usize) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![b' '; 1024 * 1024];
    for _ in 0..bytes / zeros.len() {
        packed.write_all(&zeros).expect("memory takes it");
    }
    packed.finish().expect("memory takes it")
}

async fn packed(scene: &Scene) -> Attack {
    let mut row = Attack::new("compressed body (500 MiB in 500 KiB)", "4xx, never unpacked");
    let bomb = gzip(500 * 1024 * 1024);
    for coding in ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x-gzip", "identity, gzip"] {
        let call = scene.api(Method::POST, "/contacts").header("content-type", "application/json");
        refused(&mut row, coding, call.header("content-encoding", coding).body(bomb.clone())).await;
        let form = scene.post("/personas/nueva").header("content-type", "application/x-www-form-urlencoded");
        refused(&mut row, coding, form.header("content-encoding", coding).body(bomb.clone())).await;
        let upload = scene.post("/mi-compania/logo").header("content-type", "multipart/form-data; boundary=x");
        refused(&mut row, coding, upload.header("content-encoding", coding).body(bomb.clone())).await;
    }
    row
}

async fn forms(scene: &Scene) -> Attack {
    let mut row = Attack::new("form with too much of everything", "4xx, or the form again");
    let part = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n";
    let bodies = [
        ("application/x-www-form-urlencoded", "a=b&".repeat(250_000)),
        ("application/x-www-form-urlencoded", format!("{}=x", "a".repeat(1_000_000))),
        ("application/x-www-form-urlencoded", format!("nombre={}", "%F0%9F%92%A9".repeat(80_000))),
        ("application/x-www-form-urlencoded", format!("correo={}", "a;".repeat(300_000))),
        ("multipart/form-data; boundary=x", part.repeat(15_000)),
        (
            "multipart/form-data; boundary=x",
            format!("--x\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n", "a".repeat(500_000)),
        ),
        ("multipart/form-data; boundary=x", format!("--x\r\n{}", "A: b\r\n".repeat(100_000))),
        ("multipart/form-data; boundary=", "--".repeat(100_000)),
        ("multipart/form-data", part.to_owned()),
        ("multipart/mixed; boundary=x", part.to_owned()),
    ];
    for (kind, body) in bodies {
        for path in ["/personas/nueva", "/cobros/nuevo", "/mi-compania/logo", "/entrar"] {
            let request = scene.post(path).header("content-type", kind).body(body.clone());
            let Ok(answer) = request.send().await else { continue };
            let status = answer.status();
            row.tried(matches!(status.as_u16(), 200 | 400..=499), || format!("{kind} of {} at {path}: {status}", body.len()));
        }
    }
    row
}

async fn heads(scene: &Scene) -> Attack {
    let mut row = Attack::new("head that is too long or never a head", "4xx, or closed");
    let own = scene.server.address();
    let heads = [
        format!("GET /{} HTTP/1.1\r\nHost: {own}\r\n\r\n", "a".repeat(200_000)),
        format!("GET /personas?q={} HTTP/1.1\r\nHost: {own}\r\n\r\n", "a".repeat(60_000)),
        format!("GET / HTTP/1.1\r\nHost: {own}\r\nX: {}\r\n\r\n", "a".repeat(1_000_000)),
        format!("GET / HTTP/1.1\r\nHost: {own}\r\n{}\r\n", "X: a\r\n".repeat(10_000)),
        format!("GET / HTTP/1.1\r\nHost: {own}\r\nCookie: {}\r\n\r\n", "a=b; ".repeat(100_000)),
        format!("GET / HTTP/1.1\r\n{}: x\r\n\r\n", "A".repeat(300_000)),
        format!("{} / HTTP/1.1\r\nHost: {own}\r\n\r\n", "G".repeat(100_000)),
        format!("GET / HTTP/9.9\r\nHost: {own}\r\n\r\n"),
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "\r\n".repeat(200_000),
        format!(
            "GET / HTTP/1.1\r\nHost: {own}\r\nRange: bytes={}\r\nAccept-Language: {}\r\n\r\n",
            "0-,".repeat(9_000),
            "a,".repeat(9_000)
        ),
    ];
    for head in heads {
        let heard = say(&scene.server, head.as_bytes()).await;
        // The login is what a page without a session leads to.
        row.tried(heard.status() < 500 && heard.status() != 200, || {
            format!("{:?}…: {}", head.chars().take(60).collect::<String>(), heard.status())
        });
    }
    row
}
