//! Guesses at passwords, and at who has one.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::StatusCode;

use crate::attack::Attack;
use crate::installation::{EMAIL, Installation, PASSWORD, Server};
use crate::scene::Scene;

/// KiB: four are checked at once, in 19 MiB each; the rest is what a hundred open requests take.
const MOST_MEMORY: u64 = 300 * 1024;
/// An answer to whoever exists may take so many times what another takes, by chance.
const ALIKE: u32 = 3;

pub async fn attacks(_: &Scene) -> Vec<Attack> {
    let installation = Installation::new();
    let mut command = installation.command(&["serve"]);
    command.env("ACUSE_TRUSTED_PROXIES", "127.0.0.1");
    let server = installation.start(command).await;
    vec![who_exists(&server).await, one_address(&server).await, all_addresses(&server).await, at_once(&server).await]
}

struct Heard {
    status: StatusCode,
    body: String,
    took: Duration,
}

async fn guess(server: &Server, email: &str, password: &str, source: &str) -> Heard {
    let begun = Instant::now();
    let request = server.form("", "/entrar", &[("correo", email), ("clave", password)]).header("x-forwarded-for", source);
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    let body = answer.text().await.unwrap_or_default().replace(email, "X");
    Heard { status, body, took: begun.elapsed() }
}

/// Fewer guesses than make anybody wait.
async fn who_exists(server: &Server) -> Attack {
    let mut row = Attack::new("who exists, by words or time of the login", "the same answer, in like time");
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for n in 0..4 {
        known.push(guess(server, EMAIL, "no es esta", &format!("198.51.100.{n}")).await);
        unknown.push(guess(server, "nadie@cotopaxi.ec", "no es esta", &format!("198.51.101.{n}")).await);
    }
    for (one, other) in known.iter().zip(&unknown) {
        let is_same = one.status == other.status && one.body == other.body;
        row.tried(is_same, || format!("{} and {}", one.status, other.status));
    }
    let middle = |heard: &mut Vec<Heard>| {
        heard.sort_by_key(|heard| heard.took);
        heard[heard.len() / 2].took
    };
    let (one, other) = (middle(&mut known), middle(&mut unknown));
    row.tried(one < other * ALIKE && other < one * ALIKE, || format!("{one:?} and {other:?}"));
    row
}

async fn one_address(server: &Server) -> Attack {
    let mut row = Attack::new("login flood on one address, from 60 networks", "5 are checked, the rest 429");
    let sources: Vec<String> = (0..60).map(|n| format!("203.0.{n}.1")).collect();
    let answers = join_all(sources.iter().map(|source| guess(server, "flota@cotopaxi.ec", "no es esta", source))).await;
    let checked = answers.iter().filter(|heard| heard.status == StatusCode::UNPROCESSABLE_ENTITY).count();
    for heard in &answers {
        let is_bounded = matches!(heard.status.as_u16(), 422 | 429 | 503) && checked <= 5;
        row.tried(is_bounded, || format!("{}; {checked} were checked", heard.status));
    }
    row
}

async fn all_addresses(server: &Server) -> Attack {
    let mut row = Attack::new("one password on 60 addresses, from one network", "30 at most are checked");
    let mut checked = 0;
    for n in 0..60 {
        let heard = guess(server, &format!("persona{n}@cotopaxi.ec"), "clave123", "192.0.2.7").await;
        checked += usize::from(heard.status == StatusCode::UNPROCESSABLE_ENTITY);
        row.tried(checked <= 30, || format!("{checked} are checked"));
    }
    row
}

async fn at_once(server: &Server) -> Attack {
    let mut row = Attack::new("100 logins at once", "bounded memory; who knows the password gets in");
    let before = server.memory("VmRSS");
    let guesses: Vec<(String, String)> = (0..100).map(|n| (format!("otra{n}@cotopaxi.ec"), format!("198.18.{n}.1"))).collect();
    let answers = join_all(guesses.iter().map(|(email, source)| guess(server, email, "x", source))).await;
    for heard in answers {
        row.tried(matches!(heard.status.as_u16(), 422 | 429 | 503), || format!("{}", heard.status));
    }
    let peak = server.memory("VmHWM");
    row.tried(peak < before + MOST_MEMORY, || format!("{before} KiB before, {peak} KiB at the peak"));
    let own = guess(server, EMAIL, PASSWORD, "192.0.2.99").await;
    row.tried(own.status == StatusCode::SEE_OTHER, || format!("the owner: {}", own.status));
    row
}
