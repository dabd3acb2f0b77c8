//! Many at once of what takes a core and much memory.

use std::io::Cursor;
use std::time::{Duration, Instant};

use image::{ImageFormat, Rgba, RgbaImage};
use reqwest::{RequestBuilder, StatusCode};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::installation::{Installation, Server};

/// What /healthz may take while the rest is overrun.
const HEALTH: Duration = Duration::from_secs(1);
/// An allocator gives back what it freed after a moment.
const GIVEN_BACK: Duration = Duration::from_secs(15);
const MIB: u64 = 1024;

/// What is done at once follows the cores, so the server has as many on every machine.
const CORES: usize = 2;

/// As `taskset` names them: of those that this process may use.
fn some_cores() -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("a running process");
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).expect("Linux says it").trim();
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        first.parse::<usize>().expect("a number")..=last.parse().expect("a number")
    };
    let cores: Vec<String> = allowed.split(',').flat_map(range).take(CORES).map(|core| core.to_string()).collect();
    cores.join(",")
}

/// A server behind a proxy on this machine: each visitor may then come from an address of their own.
async fn behind_a_proxy(installation: &Installation) -> Server {
    let mut command = installation.sh(&format!("exec taskset -c {} \"$0\" serve", some_cores()));
    command.env("ACUSE_TRUSTED_PROXIES", "127.0.0.1");
    installation.start(command).await
}

/// Sends them all at once, and asks for health until the last one is answered.
async fn at_once(server: &Server, requests: Vec<RequestBuilder>) -> Vec<(StatusCode, bool)> {
    let mut flood = JoinSet::new();
    for request in requests {
        flood.spawn(async move {
            let answer = request.send().await.expect("an answer");
            (answer.status(), answer.headers().contains_key("retry-after"))
        });
    }
    let mut answers = Vec::new();
    while !flood.is_empty() {
        let begun = Instant::now();
        assert_eq!(server.get("/healthz").send().await.unwrap().status(), StatusCode::OK);
        assert!(begun.elapsed() < HEALTH, "health took {:?}", begun.elapsed());
        sleep(Duration::from_millis(50)).await;
        while let Some(answer) = flood.try_join_next() {
            answers.push(answer.expect("no panic"));
        }
    }
    answers
}

async fn is_given_back(server: &Server, before: u64, more: u64) {
    let begun = Instant::now();
    while server.memory("VmRSS") > before + more {
        assert!(begun.elapsed() < GIVEN_BACK, "{} KiB before, {} KiB afterwards", before, server.memory("VmRSS"));
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn three_hundred_logins_at_once_take_no_more_memory_than_a_few() {
    let installation = Installation::new();
    let server = behind_a_proxy(&installation).await;
    server.log_in().await;
    let before = server.memory("VmRSS");
    let login = |n: u32| {
        let (email, source) = (format!("nadie{n}@cotopaxi.ec"), format!("198.51.{}.{}", n / 200, n % 200));
        server.form("", "/entrar", &[("correo", &email), ("clave", "no es esta")]).header("X-Forwarded-For", source)
    };
    let answers = at_once(&server, (0..300).map(login).collect()).await;
    let (refused, busy): (Vec<_>, Vec<_>) = answers.iter().partition(|(status, _)| *status == StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!refused.is_empty() && !busy.is_empty(), "{} checked, {} put off", refused.len(), busy.len());
    for (status, retry_after) in busy {
        assert!(status == StatusCode::SERVICE_UNAVAILABLE && retry_after, "{status}");
    }
    let peak = server.memory("VmHWM");
    assert!(peak < before + 300 * MIB, "{before} KiB before, {peak} KiB at the peak");
    is_given_back(&server, before, 80 * MIB).await;
    server.log_in().await;
}

#[tokio::test]
async fn thirty_large_logos_at_once_are_opened_one_by_one() {
    let installation = Installation::new();
    let server = installation.serve().await;
    let session = server.log_in().await;
    let before = server.memory("VmRSS");
    let upload = |picture: &[u8]| {
        let boundary = "----acuse";
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"logo\"; filename=\"l.png\"\r\nContent-Type: image/png\r\n\r\n"
        )
        .into_bytes();
        body.extend(picture);
        body.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
        let request = server.post(&session, "/mi-compania/logo");
        request.header("Content-Type", format!("multipart/form-data; boundary={boundary}")).body(body)
    };
    let large = png(3_000, 3_000);
    let answers = at_once(&server, (0..30).map(|_| upload(&large)).collect()).await;
    for (status, retry_after) in &answers {
        let put_off = *status == StatusCode::SERVICE_UNAVAILABLE && *retry_after;
        assert!(*status == StatusCode::SEE_OTHER || put_off, "{status}");
    }
    assert!(answers.iter().any(|(status, _)| *status == StatusCode::SEE_OTHER), "nobody's logo was taken");
    let peak = server.memory("VmHWM");
    assert!(peak < before + 400 * MIB, "{before} KiB before, {peak} KiB at the peak");
    is_given_back(&server, before, 100 * MIB).await;
    let too_large = upload(&png(6_001, 10)).send().await.unwrap();
    assert_eq!(too_large.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let picture = RgbaImage::from_pixel(width, height, Rgba([20, 90, 200, 255]));
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).expect("a PNG");
    bytes.into_inner()
}
