//! Guessing at somebody's password, from outside.

use futures_util::future::join_all;
use reqwest::{RequestBuilder, StatusCode};

use crate::installation::{EMAIL, Installation, PASSWORD, Server};

async fn behind_a_proxy(installation: &Installation) -> Server {
    let mut command = installation.command(&["serve"]);
    command.env("ACUSE_TRUSTED_PROXIES", "127.0.0.1");
    installation.start(command).await
}

fn guess(server: &Server, cookies: &str, email: &str, password: &str, source: &str) -> RequestBuilder {
    server.form(cookies, "/entrar", &[("correo", email), ("clave", password)]).header("X-Forwarded-For", source)
}

async fn status(request: RequestBuilder) -> StatusCode {
    request.send().await.expect("an answer").status()
}

#[tokio::test]
async fn forty_guesses_at_once_are_five() {
    let installation = Installation::new();
    let server = behind_a_proxy(&installation).await;
    let guesses = (0..40).map(|n| status(guess(&server, "", EMAIL, "no es esta", &format!("198.51.100.{n}"))));
    let answers = join_all(guesses).await;
    let checked = answers.iter().filter(|status| **status == StatusCode::UNPROCESSABLE_ENTITY).count();
    let put_off = answers.iter().filter(|status| **status == StatusCode::TOO_MANY_REQUESTS).count();
    assert_eq!((checked, put_off), (5, 35));
    let right = guess(&server, "", EMAIL, PASSWORD, "203.0.113.1").send().await.unwrap();
    assert_eq!(right.status(), StatusCode::TOO_MANY_REQUESTS, "the sixth guess, though it is right");
    assert!(right.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn other_addresses_do_not_make_the_server_forget_a_guessed_one() {
    let installation = Installation::new();
    let server = behind_a_proxy(&installation).await;
    for _ in 0..8 {
        status(guess(&server, "", EMAIL, "no es esta", "198.51.100.1")).await;
    }
    for round in 0..10 {
        let others = (0..20).map(|n| {
            let (email, source) = (format!("otra{n}.{round}@cotopaxi.ec"), format!("198.18.{round}.{n}"));
            let server = &server;
            async move { status(guess(server, "", &email, "x", &source)).await }
        });
        join_all(others).await;
    }
    // Its wait may be over meanwhile; its count is not.
    status(guess(&server, "", EMAIL, "no es esta", "203.0.113.1")).await;
    assert_eq!(status(guess(&server, "", EMAIL, PASSWORD, "203.0.113.2")).await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn one_network_cannot_guess_at_everybody() {
    let installation = Installation::new();
    let server = installation.serve().await;
    let mut checked = 0;
    for n in 0..60 {
        // Not behind a trusted proxy: what the header says does not count.
        let answer = status(guess(&server, "", &format!("persona{n}@cotopaxi.ec"), "x", &format!("198.51.100.{n}"))).await;
        checked += usize::from(answer == StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert!((20..30).contains(&checked), "{checked} of 60");
}

#[tokio::test]
async fn whoever_entered_in_this_browser_before_gets_in_while_others_guess() {
    let installation = Installation::new();
    let server = behind_a_proxy(&installation).await;
    let cookies = server.log_in().await;
    for n in 0..10 {
        status(guess(&server, "", EMAIL, "no es esta", &format!("198.51.100.{n}"))).await;
    }
    assert_eq!(status(guess(&server, "", EMAIL, PASSWORD, "203.0.113.1")).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(status(guess(&server, &cookies, EMAIL, PASSWORD, "203.0.113.1")).await, StatusCode::SEE_OTHER);
    // The cookie alone opens nothing, and guesses with it are counted as well.
    let mut refused = StatusCode::UNPROCESSABLE_ENTITY;
    for _ in 0..7 {
        refused = status(guess(&server, &cookies, EMAIL, "no es esta", "203.0.113.1")).await;
    }
    assert_eq!(refused, StatusCode::TOO_MANY_REQUESTS, "the used cookie no longer counts, or counts its guesses");
    let known = cookies.split("; ").find(|cookie| cookie.starts_with("acuse_equipo=")).expect("a known browser");
    let home = server.get("/").header("Cookie", known).send().await.unwrap();
    assert_eq!(home.status(), StatusCode::SEE_OTHER, "it is no session");
}
