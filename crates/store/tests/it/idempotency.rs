use std::collections::BTreeSet;

use acuse_store::idempotency::{self, ClaimError, Once};
use acuse_store::payments::{self, RecordError};
use acuse_testkit::builders::{company, received, usd};
use acuse_testkit::world::{World, noon, noon_and};

use crate::payments::{all_numbers, balance};

const DAY: i64 = 24 * 3_600;

on_both_engines!(
    the_same_request_twice_records_one_payment,
    the_same_request_at_once_records_one_payment,
    a_key_is_refused_to_another_request_and_free_after_a_day,
    a_refused_request_leaves_its_key_free,
    a_key_belongs_to_its_company,
);

pub fn once(key: &str, body: u8) -> Once {
    Once { key: key.to_string(), request_hash: [body; 32] }
}

async fn the_same_request_twice_records_one_payment(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("120.00")).await;
    let cobro = || received(made.contacts[0], "50.00").settling(made.documents[0], "50.00").notifying().once("pedido-1", 1);
    let first = cobro().record(&world.db, &made.actor).await.unwrap();
    let again = cobro().record_at(&world.db, &made.actor, noon_and(DAY)).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(balance(&world, &made, 0).await, usd("70.00"));
    assert_eq!(all_numbers(&world.db, made.id).await, [1]);
    let next = received(made.contacts[0], "1.00").record(&world.db, &made.actor).await.unwrap();
    assert_eq!(payments::find(&world.db, made.id, next).await.unwrap().unwrap().summary.number.to_string(), "RC-000002");
}

async fn the_same_request_at_once_records_one_payment(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("120.00")).await;
    let tasks: Vec<_> = (0..12)
        .map(|_| {
            let (db, by) = (world.db.clone(), made.actor.clone());
            let cobro = received(made.contacts[0], "50.00").settling(made.documents[0], "50.00").once("pedido-1", 1);
            tokio::spawn(async move { cobro.record(&db, &by).await.unwrap() })
        })
        .collect();
    let mut ids = BTreeSet::new();
    for task in tasks {
        ids.insert(task.await.unwrap());
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(all_numbers(&world.db, made.id).await, [1]);
    assert_eq!(balance(&world, &made, 0).await, usd("70.00"));
}

async fn a_key_is_refused_to_another_request_and_free_after_a_day(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let cobro = |body| received(made.contacts[0], "5.00").once("pedido-1", body);
    cobro(1).record(&world.db, &made.actor).await.unwrap();
    let other = cobro(2).record_at(&world.db, &made.actor, noon_and(DAY)).await;
    assert!(matches!(other, Err(RecordError::Once(ClaimError::KeyReused(_)))), "{other:?}");
    assert_eq!(all_numbers(&world.db, made.id).await, [1]);
    cobro(2).record_at(&world.db, &made.actor, noon_and(DAY + 1)).await.unwrap();
    assert_eq!(all_numbers(&world.db, made.id).await, [1, 2]);
    assert_eq!(idempotency::forget_expired_any_company(&world.db, noon_and(DAY + 1)).await.unwrap(), 0);
    assert_eq!(idempotency::forget_expired_any_company(&world.db, noon_and(2 * DAY + 2)).await.unwrap(), 1);
}

async fn a_refused_request_leaves_its_key_free(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("10.00")).await;
    let cobro = |amount| received(made.contacts[0], "50.00").settling(made.documents[0], amount).once("pedido-1", 1);
    let refused = cobro("10.01").record(&world.db, &made.actor).await;
    assert!(matches!(refused, Err(RecordError::Refused(_))), "{refused:?}");
    cobro("10.00").record(&world.db, &made.actor).await.unwrap();
    assert_eq!(all_numbers(&world.db, made.id).await, [1]);
}

async fn a_key_belongs_to_its_company(world: World) {
    let (ours, theirs) = (world.with(company().with_customer("A")).await, world.with(company().with_customer("B")).await);
    for made in [&ours, &theirs] {
        received(made.contacts[0], "5.00").once("1", 1).record_at(&world.db, &made.actor, noon()).await.unwrap();
        assert_eq!(all_numbers(&world.db, made.id).await, [1]);
    }
}
