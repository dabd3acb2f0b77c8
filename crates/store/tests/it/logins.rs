//! Guessing at passwords: counted in the database, before anything is checked.

use std::net::IpAddr;

use acuse_domain::Instant;
use acuse_domain::access::Role;
use acuse_store::logins::{self, Attempt, Outcome};
use acuse_store::users;
use acuse_store::{Db, StoreError};
use acuse_testkit::builders::company;
use acuse_testkit::outside;
use acuse_testkit::world::{World, noon, noon_and};
use futures_util::future::join_all;
use secrecy::{ExposeSecret, SecretString};

use crate::record;

/// Three guesses among ten thousand others, on a busy machine: each takes a hash and some short looks.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(5);
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
    people_who_share_a_browser_do_not_push_each_other_out,
    many_who_enter_at_once_wait_for_nobodys_old_counts,
    ten_thousand_other_addresses_neither_free_a_guessed_one_nor_stay,
);

async fn with_ana(world: &World) {
    with_people(world, &[ANA]).await;
}

async fn with_people(world: &World, emails: &[&str]) {
    let made = world.with(company()).await;
    for email in emails {
        let (email, password) = (email.parse().unwrap(), SecretString::from(RIGHT));
        users::create(&world.db, made.id, "Ana", &email, &password, Role::Owner, noon()).await.unwrap();
    }
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
        let attempt = Attempt { source, browser_tokens: &self.browser, ..Attempt::new(self.email, &password) };
        loop {
            // Tests of one process share the queue of passwords; what finds no place in it was not counted.
            match logins::log_in_any_company(db, &attempt, now).await {
                Err(StoreError::Overloaded) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
                answer => return answer.unwrap(),
            }
        }
    }
}

fn wait(outcome: &Outcome) -> Option<u32> {
    match outcome {
        Outcome::Wait(seconds) => Some(*seconds),
        _ => None,
    }
}

fn browser_token(outcome: Outcome) -> String {
    browser_tokens(outcome).remove(0)
}

/// What the browser keeps.
fn browser_tokens(outcome: Outcome) -> Vec<String> {
    match outcome {
        Outcome::Entered { browser_tokens, .. } => browser_tokens.iter().map(|token| token.expose_secret().to_owned()).collect(),
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

async fn people_who_share_a_browser_do_not_push_each_other_out(world: World) {
    let (ana, luis) = (ANA, "luis@andina.ec");
    with_people(&world, &[ana, luis]).await;
    let enter = |email, password, browser: &[String], second| {
        let (world, browser) = (&world, browser.to_vec());
        async move { Guess { email, browser, ..Guess::new(password) }.at(&world.db, noon_and(second)).await }
    };
    let mut cookie = browser_tokens(enter(luis, RIGHT, &[], 0).await);
    for second in 1..=10 {
        cookie = browser_tokens(enter(ana, RIGHT, &cookie, second).await);
        assert_eq!(cookie.len(), 2, "one of Ana's and one of Luis's");
    }
    // Tokens that a new password made worthless leave no trace either.
    let new = SecretString::from(WRONG);
    users::change_password_any_company(&world.db, &ana.parse().unwrap(), &new).await.unwrap();
    cookie = browser_tokens(enter(ana, WRONG, &cookie, 20).await);
    assert_eq!(cookie.len(), 2);
    for second in 30..36 {
        enter(luis, "x", &[], second).await;
    }
    assert!(wait(&enter(luis, RIGHT, &[], 36).await).is_some(), "somebody guesses at Luis");
    cookie = browser_tokens(enter(luis, RIGHT, &cookie, 36).await);
    for second in 40..46 {
        enter(ana, "x", &[], second).await;
    }
    assert!(wait(&enter(ana, WRONG, &[], 46).await).is_some(), "and at Ana");
    assert_eq!(browser_tokens(enter(ana, WRONG, &cookie, 46).await).len(), 2);
}

/// Few enough to leave room in the queue of passwords.
const AT_ONCE: usize = 10;

async fn many_who_enter_at_once_wait_for_nobodys_old_counts(world: World) {
    with_ana(&world).await;
    let other = world.opened_again().await;
    let emails: Vec<String> = (0..AT_ONCE).map(|n| format!("persona{n}@andina.ec")).collect();
    for round in 0..6 {
        // What everybody left two hours ago no longer counts; each clears it away and is counted anew.
        let now = noon_and(round * 2 * 3_600);
        let guesses = emails.iter().enumerate().map(|(n, email)| {
            let db = if n % 2 == 0 { &world.db } else { &other };
            async move { Guess { email, source: Some("192.0.2.7"), ..Guess::new(WRONG) }.at(db, now).await }
        });
        for answer in join_all(guesses).await {
            assert!(matches!(answer, Outcome::Wrong), "{answer:?}");
        }
    }
    other.close().await;
}

async fn ten_thousand_other_addresses_neither_free_a_guessed_one_nor_stay(world: World) {
    with_ana(&world).await;
    for _ in 0..8 {
        Guess::new(WRONG).at(&world.db, noon()).await;
    }
    // As somebody would leave them who tries one after the other: each is a row of its own.
    let bytes = if world.db.is_sqlite() { "CAST('otra' || n AS BLOB)" } else { "convert_to('otra' || n, 'UTF8')" };
    let sql = format!(
        "WITH RECURSIVE many (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 10000)
        INSERT INTO login_attempt (subject, failures, last_at, retry_at) SELECT {bytes}, 1, $1, $1 FROM many"
    );
    outside::run(&world.url, &sql, vec![noon_and(1).into()]).await;
    let begun = std::time::Instant::now();
    assert!(wait(&Guess::new(RIGHT).at(&world.db, noon_and(4)).await).is_some(), "others push nobody out");
    assert!(matches!(Guess::new(WRONG).at(&world.db, noon_and(5)).await, Outcome::Wrong));
    assert!(wait(&Guess::new(RIGHT).at(&world.db, noon_and(6)).await).is_some(), "its count goes on");
    assert!(begun.elapsed() < LONGEST, "three guesses took {:?}", begun.elapsed());
    // Every further one clears away more than it adds.
    let rows = async || record::of_everything(&world).await["rows of login_attempt"];
    let mut before = rows().await;
    let names: Vec<String> = (0..100).map(|n| format!("nueva{n}@andina.ec")).collect();
    for (n, email) in names.iter().enumerate() {
        Guess { email, ..Guess::new("") }.at(&world.db, noon_and(2 * 3_600)).await;
        if n < 3 {
            assert!(rows().await <= before - 90, "one guess clears away a hundred");
        }
        before = rows().await;
    }
    assert!((100..=110).contains(&before), "{before} rows are left of ten thousand");
}
