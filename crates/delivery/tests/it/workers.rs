//! Several engines on one queue, and queues beside each other.

use std::collections::HashSet;
use std::time::Duration;

use acuse_domain::delivery::{Next, State};
use acuse_domain::id::DeliveryId;
use acuse_domain::mail_account::MailModule;
use acuse_store::deliveries::{self, LostLease, QueueKey, Recorded, Stamp};
use acuse_store::now;
use acuse_testkit::outside;
use acuse_testkit::world::World;
use chrono::TimeDelta;

use crate::office::{Office, until};
use crate::smtp::{Server, Way};

on_both_engines!(
    two_engines_never_send_one_delivery_twice,
    what_a_dead_worker_held_is_sent_and_its_late_word_refused,
    a_stopping_engine_leaves_nothing_half_done,
    few_are_not_held_up_by_many,
);

async fn two_engines_never_send_one_delivery_twice(world: World) {
    let server = Server::which(Way::Accepts).await;
    let office = Office::with_default_at(world, server.port).await.waiting_for_servers(Duration::from_secs(20));
    let recipients = |n: usize| (0..20).map(|m| format!("c{}@andina.ec", n * 20 + m)).collect::<Vec<_>>().join(";");
    for n in 0..10 {
        office.cobro(&recipients(n)).await;
    }
    let engines = [office.start(), office.start_as_another_process().await];
    until("all are accepted", async || office.in_state(State::Accepted).await == 200).await;
    for engine in engines {
        engine.stop().await;
    }
    let to: HashSet<String> = server.heard().into_iter().map(|heard| heard.to).collect();
    assert_eq!((to.len(), server.heard().len()), (200, 200));
}

async fn what_a_dead_worker_held_is_sent_and_its_late_word_refused(world: World) {
    let server = Server::which(Way::Accepts).await;
    let office = Office::with_default_at(world, server.port).await;
    let cobro = office.cobro("pagos@andina.ec").await;
    let queue = QueueKey { company: office.company.id, module: MailModule::ReceivedPayments };
    let held = deliveries::claim_due(office.db(), queue, 10, TimeDelta::seconds(60), now()).await.unwrap();
    outside::leases_have_ended(&office.world.url).await;
    let running = office.start();
    office.wait_for(cobro, State::Accepted).await;
    let late = Recorded {
        company: held[0].company,
        id: held[0].id,
        fence: held[0].fence,
        at: now(),
        duration_ms: 1,
        phase: "recipient",
        reply: "550 5.1.1 too late".into(),
        problem_code: Some("mailbox_not_found".into()),
        message_id: "x@y".into(),
        stamp: Stamp { source: "default", server: "x".into(), from_address: "x@y.ec".into() },
        next: Next::Failed,
    };
    let lost = deliveries::record_attempts(office.db(), &[late], now()).await.unwrap();
    running.stop().await;
    assert_eq!(lost, [LostLease(held[0].id)]);
    let delivery = office.deliveries(cobro).await.pop().unwrap();
    assert_eq!((delivery.state, delivery.attempts.len(), server.heard().len()), (State::Accepted, 1, 1));
}

async fn a_stopping_engine_leaves_nothing_half_done(world: World) {
    let server = Server::which(Way::AcceptsAfter(Duration::from_millis(400))).await;
    let office = Office::with_default_at(world, server.port).await.waiting_for_servers(Duration::from_secs(20));
    for n in 0..40 {
        office.cobro(&format!("c{n}@andina.ec")).await;
    }
    let running = office.start();
    until("some are under way", async || !server.heard().is_empty()).await;
    running.stop().await;
    let accepted = office.in_state(State::Accepted).await;
    assert_eq!(accepted, u64::try_from(server.heard().len()).unwrap(), "what was under way was finished and recorded");
    assert!((1..40).contains(&accepted), "{accepted}");
    assert_eq!(office.in_state(State::Queued).await, 40 - accepted, "the rest is back in the queue");
}

async fn few_are_not_held_up_by_many(world: World) {
    let server = Server::which(Way::AcceptsAfter(Duration::from_millis(1))).await;
    let office = Office::with_default_at(world, server.port).await.waiting_for_servers(Duration::from_secs(20));
    let everybody = (0..500).map(|n| format!("m{n}@andina.ec")).collect::<Vec<_>>().join(";");
    for _ in 0..4 {
        office.cobro(&everybody).await;
    }
    office.pago("f1@bodega.ec; f2@bodega.ec; f3@bodega.ec; f4@bodega.ec; f5@bodega.ec").await;
    let running = office.start();
    until("the few are out", async || server.heard().iter().filter(|heard| heard.to.starts_with('f')).count() == 5).await;
    let many = server.heard().iter().filter(|heard| heard.to.starts_with('m')).count();
    running.stop().await;
    assert!(many < 500, "{many} of the many went first");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_holds_up_its_own_lane_only() {
    let (hanging, well) = (Server::which(Way::IsSilentFromTheStart).await, Server::which(Way::Accepts).await);
    let office = Office::with_default_at(World::on_sqlite().await, well.port)
        .await
        .waiting_for_servers(Duration::from_secs(60))
        .leaving_after(Duration::from_millis(300));
    office.own_account(MailModule::ReceivedPayments, hanging.port).await;
    for n in 0..30 {
        office.cobro(&format!("c{n}@andina.ec")).await;
    }
    let running = office.start();
    until("the queue hangs", async || office.in_state(State::Sending).await > 0).await;
    let pago = office.pago("ventas@bodega.ec").await;
    office.wait_for(pago, State::Accepted).await;
    // It cannot be waited for: what no server has seen goes back, and no attempt is counted.
    running.stop().await;
    assert_eq!(office.in_state(State::Queued).await, 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_has_and_does_not_answer_is_in_doubt_when_the_engine_stops() {
    let server = Server::which(Way::IsSilentAfterTheDot).await;
    let office = Office::with_default_at(World::on_sqlite().await, server.port)
        .await
        .waiting_for_servers(Duration::from_secs(60))
        .leaving_after(Duration::from_millis(300));
    let cobro = office.cobro("pagos@andina.ec").await;
    let running = office.start();
    until("the server has it", async || server.heard().len() == 1).await;
    running.stop().await;
    let delivery = office.deliveries(cobro).await.pop().unwrap();
    assert_eq!(delivery.state, State::InDoubt);
    assert_eq!(delivery.message_id, server.heard()[0].read().message_id);
    let ours: DeliveryId = delivery.id;
    assert!(delivery.message_id.unwrap().starts_with(&ours.to_string()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_whose_owner_is_gone_stops() {
    let office = Office::without_default(World::on_sqlite().await).await;
    tokio::time::timeout(Duration::from_secs(20), office.start().abandoned()).await.expect("it stops by itself");
}
