//! A clock that is set back or forward: nothing waits for a day, and nothing is given up for it.

use acuse_domain::delivery::{Next, State};
use acuse_domain::mail_account::MailModule;
use acuse_store::conditions::Conditions;
use acuse_store::deliveries::{self, QueueKey};
use acuse_store::pauses::{self, AccountKey};
use acuse_store::{clock, idempotency};
use acuse_testkit::builders::{company, received};
use acuse_testkit::world::{World, noon, noon_and};
use chrono::TimeDelta;

use crate::deliveries::{claim, outcome};

on_both_engines!(
    what_was_put_off_before_the_clock_was_set_back_is_due,
    what_waits_as_it_should_goes_on_waiting,
    a_doubt_is_remembered_whatever_the_clock_says,
    waits_are_counted_and_not_read_from_the_clock,
    a_pause_ends_in_its_time,
    a_lease_that_ends_in_a_day_is_seen,
);

const A_DAY: i64 = 24 * 3_600;

async fn one_cobro(world: &World) -> QueueKey {
    let made = world.with(company().with_customer("Andina")).await;
    received(made.contacts[0], "1.00").to("pagos@andina.ec").record(&world.db, &made.actor).await.unwrap();
    QueueKey { company: made.id, module: MailModule::ReceivedPayments }
}

async fn what_was_put_off_before_the_clock_was_set_back_is_due(world: World) {
    let queue = one_cobro(&world).await;
    for (seconds, back) in [(60, A_DAY), (3_600, A_DAY), (A_DAY, A_DAY), (300, 2 * 3_600), (0, 30 * A_DAY)] {
        let claimed = claim(&world.db, queue, 1, noon_and(60)).await;
        let put_off = outcome(&claimed[0], Next::Retry { at: noon_and(60 + seconds) }, "451", Some("greylisted"), noon_and(60));
        deliveries::record_attempts(&world.db, &[put_off], noon_and(60)).await.unwrap();
        let now = noon_and(60 - back);
        clock::catch_up_any_company(&world.db, now).await.unwrap();
        assert_eq!(deliveries::queues_due_any_company(&world.db, now).await.unwrap(), [queue], "{seconds} {back}");
        let again = claim(&world.db, queue, 1, now).await;
        assert_eq!(again.len(), 1, "{seconds} {back}");
        deliveries::return_to_queue(&world.db, &[again[0].claim()], now).await.unwrap();
    }
}

async fn what_waits_as_it_should_goes_on_waiting(world: World) {
    let queue = one_cobro(&world).await;
    let claimed = claim(&world.db, queue, 1, noon()).await;
    let put_off = outcome(&claimed[0], Next::Retry { at: noon_and(A_DAY) }, "451", Some("rate_limited"), noon());
    deliveries::record_attempts(&world.db, &[put_off], noon()).await.unwrap();
    pauses::begin(&world.db, AccountKey::Default, "bad_credentials", "535", noon()).await.unwrap();
    // Two nodes' clocks differ by some minutes.
    for seconds in [-300, 0, 300, A_DAY - 1] {
        let now = noon_and(seconds);
        assert_eq!(clock::catch_up_any_company(&world.db, now).await.unwrap(), 0, "{seconds}");
        if seconds >= 0 {
            assert!(claim(&world.db, queue, 1, now).await.is_empty(), "{seconds}");
        }
    }
    assert_eq!(claim(&world.db, queue, 1, noon_and(A_DAY)).await.len(), 1);
}

/// Otherwise a day would be full of second copies.
async fn a_doubt_is_remembered_whatever_the_clock_says(world: World) {
    let queue = one_cobro(&world).await;
    let yesterday = noon_and(-A_DAY);
    clock::catch_up_any_company(&world.db, yesterday).await.unwrap();
    let claimed = claim(&world.db, queue, 1, yesterday).await;
    assert!(!claimed[0].was_in_doubt);
    let doubt = outcome(&claimed[0], Next::ConfirmAgain { at: noon_and(900 - A_DAY) }, "", Some("in_doubt"), yesterday);
    deliveries::record_attempts(&world.db, &[doubt], yesterday).await.unwrap();
    let again = claim(&world.db, queue, 1, noon_and(900 - A_DAY)).await;
    assert!(again[0].was_in_doubt);
}

async fn waits_are_counted_and_not_read_from_the_clock(world: World) {
    let queue = one_cobro(&world).await;
    let mut now = noon();
    for (put_off_before, minutes) in [(0, 1), (1, 5), (6, 15)] {
        let claimed = claim(&world.db, queue, 1, now).await;
        assert_eq!(claimed[0].put_off_for, TimeDelta::minutes(put_off_before));
        let retry = Next::Retry { at: now + TimeDelta::minutes(minutes) };
        deliveries::record_attempts(&world.db, &[outcome(&claimed[0], retry, "451", Some("greylisted"), now)], now)
            .await
            .unwrap();
        // Somebody sets the clock forward by three days.
        now += TimeDelta::days(3);
    }
    let claimed = claim(&world.db, queue, 1, now).await;
    assert_eq!(claimed[0].put_off_for, TimeDelta::minutes(21));
    // Who has it tried again by hand begins anew.
    let failed = outcome(&claimed[0], Next::Failed, "550", Some("mailbox_not_found"), now);
    deliveries::record_attempts(&world.db, &[failed], now).await.unwrap();
    let by = acuse_store::Actor::named(queue.company, "Ana");
    deliveries::retry(&world.db, &by, claimed[0].id, &Conditions::default(), now).await.unwrap();
    let claimed = claim(&world.db, queue, 1, now).await;
    assert_eq!((claimed[0].put_off_for, claimed[0].was_in_doubt), (TimeDelta::zero(), false));
}

async fn a_pause_ends_in_its_time(world: World) {
    pauses::begin(&world.db, AccountKey::Default, "bad_credentials", "535", noon()).await.unwrap();
    let yesterday = noon_and(-A_DAY);
    assert!(clock::catch_up_any_company(&world.db, yesterday).await.unwrap() > 0);
    let resting = pauses::find(&world.db, AccountKey::Default).await.unwrap().unwrap();
    assert_eq!((resting.pause.since, resting.probe_at), (yesterday, yesterday));
    assert_eq!(pauses::take_probes_any_company(&world.db, 1, yesterday).await.unwrap().len(), 1);
    assert_eq!(idempotency::forget_expired_any_company(&world.db, yesterday).await.unwrap(), 0);
}

async fn a_lease_that_ends_in_a_day_is_seen(world: World) {
    let queue = one_cobro(&world).await;
    let claimed = claim(&world.db, queue, 1, noon()).await;
    assert!(clock::long_leases_any_company(&world.db, noon()).await.unwrap().is_empty());
    let found = clock::long_leases_any_company(&world.db, noon_and(-A_DAY)).await.unwrap();
    let (held, _) = found[0];
    assert_eq!(held, claimed[0].claim());
    assert_eq!(clock::release_any_company(&world.db, &[held], noon_and(-A_DAY)).await.unwrap(), 1);
    let delivery = deliveries::find(&world.db, queue.company, claimed[0].id).await.unwrap().unwrap();
    assert_eq!(delivery.state, State::Queued);
}
