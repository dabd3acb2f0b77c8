//! Guessing at passwords: counted in the database, before anything is checked.

use std::net::IpAddr;

use acuse_domain::Instant;
use acuse_store::Db;
use acuse_store::logins::{self, Attempt, Outcome};
use acuse_store::users::{self, Role};
use acuse_testkit::builders::company;
use acuse_testkit::world::{World, noon, noon_and};
use futures_util::future::join_all;
use secrecy::{ExposeSecret, SecretString};

use crate::record;

const DAY: i64 = 24 * 3_600;
const ANA: &str = "ana@andina.ec";
const RIGHT: &str = "ocho ñandúes";
const WRONG: &str = "nueve avestruces";

on_both_engines!(
    forty_guesses_at_once_are_five,
    waits_grow_and_a_right_password_ends_them,
    a_clock_set_back_keeps_nobody_out,
    a_known_browser_gets_in_while_others_guess_and_is_counted_by_itself,
    an_account_of_ones_own_does_not_win_further_guesses,
    an_unknown_address_is_answered_like_a_known_one,
    what_no_longer_counts_goes_by_its_age,
    a_new_password_makes_every_browser_unknown,
);

async fn with_ana(world: &World) {
    let made = world.with(company()).await;
    let email = ANA.parse().unwrap();
    users::create(&world.db, made.id, "Ana", &email, &SecretString::from(RIGHT), Role::Owner, noon()).await.unwrap();
}

struct Guess<'a> {
    email: &'a str,
    password: &'a str,
    source: Option<&'a str>,
    browser: Vec<String>,
}

impl<'a> Guess<'a> {
    fn new(password: &'a str) -> Self {
        Self { email: ANA, password, source: None, browser: Vec::new() }
    }

    async fn at(&self, db: &Db, now: Instant) -> Outcome {
        let password = SecretString::from(self.password);
        let source = self.source.map(|source| source.parse::<IpAddr>().unwrap());
        let attempt = Attempt { email: self.email, password: &password, source, browser_tokens: &self.browser };
        logins::log_in_any_company(db, &attempt, now).await.unwrap()
    }
}

fn wait(outcome: &Outcome) -> Option<u32> {
    match outcome {
        Outcome::Wait(seconds) => Some(*seconds),
        _ => None,
    }
}

fn browser_token(outcome: Outcome) -> String {
    match outcome {
        Outcome::Entered { browser_token, .. } => browser_token.expose_secret().to_owned(),
        other => panic!("not let in: {other:?}"),
    }
}

async fn forty_guesses_at_once_are_five(world: World) {
    with_ana(&world).await;
    let guesses = (0..40).map(|_| async { Guess::new(WRONG).at(&world.db, noon()).await });
    let answers = join_all(guesses).await;
    let checked = answers.iter().filter(|answer| matches!(answer, Outcome::Wrong)).count();
    let waits = answers.iter().filter_map(wait).collect::<Vec<_>>();
    assert_eq!((checked, waits.len()), (5, 35));
    assert!(waits.iter().all(|seconds| *seconds <= 5), "{waits:?}");
}

async fn waits_grow_and_a_right_password_ends_them(world: World) {
    with_ana(&world).await;
    for _ in 0..5 {
        assert!(matches!(Guess::new(WRONG).at(&world.db, noon()).await, Outcome::Wrong));
    }
    assert_eq!(wait(&Guess::new(RIGHT).at(&world.db, noon_and(1)).await), Some(4));
    assert!(matches!(Guess::new(WRONG).at(&world.db, noon_and(5)).await, Outcome::Wrong));
    assert_eq!(wait(&Guess::new(RIGHT).at(&world.db, noon_and(6)).await), Some(9));
    assert!(matches!(Guess::new(RIGHT).at(&world.db, noon_and(15)).await, Outcome::Entered { .. }));
    for _ in 0..5 {
        assert!(matches!(Guess::new(WRONG).at(&world.db, noon_and(16)).await, Outcome::Wrong), "all is forgotten");
    }
}

async fn a_clock_set_back_keeps_nobody_out(world: World) {
    with_ana(&world).await;
    for second in 0..40 {
        Guess::new(WRONG).at(&world.db, noon_and(DAY + second * 60)).await;
    }
    let longest = 15 * 60;
    let first = wait(&Guess::new(RIGHT).at(&world.db, noon()).await).expect("it still waits");
    assert!(first <= longest, "{first} seconds");
    assert!(matches!(Guess::new(RIGHT).at(&world.db, noon_and(i64::from(first))).await, Outcome::Entered { .. }));
}

async fn a_known_browser_gets_in_while_others_guess_and_is_counted_by_itself(world: World) {
    with_ana(&world).await;
    let token = browser_token(Guess::new(RIGHT).at(&world.db, noon()).await);
    let known = |password| Guess { browser: vec!["inventado".to_owned(), token.clone()], ..Guess::new(password) };
    for _ in 0..6 {
        Guess::new(WRONG).at(&world.db, noon_and(1)).await;
    }
    assert!(wait(&Guess::new(RIGHT).at(&world.db, noon_and(2)).await).is_some(), "the address waits");
    let next = browser_token(known(RIGHT).at(&world.db, noon_and(2)).await);
    assert!(wait(&Guess::new(RIGHT).at(&world.db, noon_and(2)).await).is_some(), "for others it still does");
    assert!(wait(&known(RIGHT).at(&world.db, noon_and(2)).await).is_some(), "a token is good for one login");
    let stolen = Guess { browser: vec![next.clone()], ..Guess::new(WRONG) };
    for _ in 0..5 {
        assert!(matches!(stolen.at(&world.db, noon_and(3)).await, Outcome::Wrong));
    }
    assert!(wait(&stolen.at(&world.db, noon_and(3)).await).is_some(), "its guesses are counted too");
    let elsewhere = Guess { email: "otra@andina.ec", browser: vec![next], ..Guess::new(WRONG) };
    assert!(matches!(elsewhere.at(&world.db, noon_and(3)).await, Outcome::Wrong), "it says nothing of anybody else");
}

async fn an_account_of_ones_own_does_not_win_further_guesses(world: World) {
    with_ana(&world).await;
    let from = |email, password| Guess { email, password, source: Some("192.0.2.7"), browser: Vec::new() };
    let names: Vec<String> = (0..20).map(|n| format!("persona{n}@andina.ec")).collect();
    for (n, name) in names.iter().enumerate() {
        assert!(matches!(from(name, WRONG).at(&world.db, noon()).await, Outcome::Wrong), "{n}");
    }
    assert_eq!(wait(&from("otra@andina.ec", WRONG).at(&world.db, noon()).await), Some(1));
    assert!(matches!(from(ANA, RIGHT).at(&world.db, noon_and(1)).await, Outcome::Entered { .. }));
    assert!(matches!(from("otra@andina.ec", WRONG).at(&world.db, noon_and(2)).await, Outcome::Wrong));
    assert_eq!(wait(&from("otra@andina.ec", WRONG).at(&world.db, noon_and(2)).await), Some(2), "the login cleared nothing");
    let neighbour = Guess { source: Some("192.0.2.8"), ..from("otra@andina.ec", WRONG) };
    assert!(matches!(neighbour.at(&world.db, noon_and(2)).await, Outcome::Wrong), "another network is not concerned");
}

async fn an_unknown_address_is_answered_like_a_known_one(world: World) {
    with_ana(&world).await;
    let mut answers = Vec::new();
    for email in [ANA, "nadie@andina.ec"] {
        let mut waits = Vec::new();
        for second in 0..20 {
            waits.push(wait(&Guess { email, ..Guess::new(WRONG) }.at(&world.db, noon_and(second)).await));
        }
        answers.push(waits);
    }
    assert_eq!(answers[0], answers[1]);
}

async fn what_no_longer_counts_goes_by_its_age(world: World) {
    with_ana(&world).await;
    for _ in 0..8 {
        Guess::new(WRONG).at(&world.db, noon()).await;
    }
    for n in 0..30 {
        Guess { email: &format!("otra{n}@andina.ec"), ..Guess::new("") }.at(&world.db, noon_and(n)).await;
    }
    assert!(wait(&Guess::new(RIGHT).at(&world.db, noon_and(4)).await).is_some(), "others push nobody out");
    Guess { email: "luego@andina.ec", ..Guess::new("") }.at(&world.db, noon_and(2 * 3_600)).await;
    assert_eq!(record::of_everything(&world).await["rows of login_attempt"], 1);
}

async fn a_new_password_makes_every_browser_unknown(world: World) {
    with_ana(&world).await;
    let token = browser_token(Guess::new(RIGHT).at(&world.db, noon()).await);
    users::change_password_any_company(&world.db, &ANA.parse().unwrap(), &SecretString::from(WRONG)).await.unwrap();
    for _ in 0..5 {
        Guess::new(RIGHT).at(&world.db, noon()).await;
    }
    let known = Guess { browser: vec![token], ..Guess::new(WRONG) };
    assert!(wait(&known.at(&world.db, noon()).await).is_some());
}
