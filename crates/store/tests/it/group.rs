//! Acts at the same time, which on SQLite wait for the disk together: each stands or falls by itself.

use std::time::Duration;

use acuse_domain::money::Money;
use acuse_store::payments::RecordError;
use acuse_testkit::builders::{company, received, usd};
use acuse_testkit::world::World;

use crate::payments::{all_numbers, balance};
use crate::record;

on_both_engines!(of_acts_at_the_same_time_only_the_refused_are_undone, who_goes_away_takes_nobody_along);

/// At the same time.
const ACTS: usize = 60;

async fn of_acts_at_the_same_time_only_the_refused_are_undone(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("1000.00")).await;
    let tasks: Vec<_> = (0..ACTS)
        .map(|index| {
            let amount = if asks_too_much(index) { "2000.00" } else { "10.00" };
            let cobro = received(made.contacts[0], amount).settling(made.documents[0], amount).notifying();
            let (db, by) = (world.db.clone(), made.actor.clone());
            tokio::spawn(async move { cobro.record(&db, &by).await })
        })
        .collect();
    for (index, task) in tasks.into_iter().enumerate() {
        match task.await.unwrap() {
            Ok(_) => assert!(!asks_too_much(index)),
            Err(RecordError::Refused(_)) => assert!(asks_too_much(index)),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(all_numbers(&world.db, made.id).await, (1..=40).collect::<Vec<_>>());
    assert_eq!(balance(&world, &made, 0).await, usd("600.00"));
}

fn asks_too_much(index: usize) -> bool {
    index.is_multiple_of(3)
}

async fn who_goes_away_takes_nobody_along(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("1000.00")).await;
    let tasks: Vec<_> = (0..ACTS)
        .map(|_| {
            let cobro = received(made.contacts[0], "10.00").settling(made.documents[0], "10.00").notifying();
            let (db, by) = (world.db.clone(), made.actor.clone());
            tokio::spawn(async move { cobro.record(&db, &by).await })
        })
        .collect();
    for (index, task) in tasks.into_iter().enumerate() {
        if index.is_multiple_of(2) {
            task.abort();
            tokio::time::sleep(Duration::from_micros(200)).await;
        } else {
            task.await.unwrap().unwrap();
        }
    }
    let last = received(made.contacts[0], "10.00").settling(made.documents[0], "10.00").notifying();
    last.record(&world.db, &made.actor).await.unwrap();
    let numbers = all_numbers(&world.db, made.id).await;
    let count = i64::try_from(numbers.len()).unwrap();
    assert!(count > 30, "{count}");
    assert_eq!(numbers, (1..=count).collect::<Vec<_>>());
    assert_eq!(balance(&world, &made, 0).await, usd("1000.00") - Money::from_cents(count * 1_000));
    assert_eq!(record::of_everything(&world).await["rows of delivery"], count);
}
