//! Servers that are down, slow, full, or hang up.

use std::net::Ipv4Addr;
use std::time::Duration;

use acuse_domain::delivery::State;
use acuse_mail::catcher::Catcher;
use acuse_store::now;
use acuse_testkit::outside;
use acuse_testkit::world::World;

use crate::office::Office;
use crate::smtp::{Server, Way};

on_both_engines!(
    while_the_server_is_down_it_is_tried_again_later,
    a_connection_lost_after_the_final_dot_is_a_doubt_that_is_settled_once,
);

async fn while_the_server_is_down_it_is_tried_again_later(world: World) {
    let catcher = Catcher::start((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
    let address = catcher.local_addr();
    drop(catcher);
    let office = Office::with_default_at(world, address.port()).await;
    let running = office.start();
    let cobro = office.cobro("pagos@andina.ec").await;
    let mut waits = Vec::new();
    for attempts in 1..=2 {
        crate::office::until("it was tried", async || {
            let delivery = office.deliveries(cobro).await.pop().unwrap();
            delivery.state == State::Deferred && delivery.attempts.len() == attempts
        })
        .await;
        let delivery = office.deliveries(cobro).await.pop().unwrap();
        assert_eq!(delivery.problem_code.as_deref(), Some("connection_refused"));
        waits.push((delivery.next_attempt_at.unwrap() - now()).num_seconds());
        if attempts == 1 {
            outside::waits_are_over(&office.world.url).await;
        }
    }
    assert!((40..=66).contains(&waits[0]) && (280..=330).contains(&waits[1]), "1 and 5 minutes: {waits:?}");

    let catcher = Catcher::start(address).await.unwrap();
    outside::waits_are_over(&office.world.url).await;
    let delivery = office.wait_for(cobro, State::Accepted).await;
    running.stop().await;
    let states: Vec<_> = delivery.attempts.iter().map(|attempt| (attempt.phase.as_str(), attempt.state)).collect();
    assert_eq!(states, [("connect", State::Deferred), ("connect", State::Deferred), ("message", State::Accepted)]);
    assert_eq!((catcher.count(), delivery.problem_code), (1, None));
}

async fn a_connection_lost_after_the_final_dot_is_a_doubt_that_is_settled_once(world: World) {
    let server = Server::which(Way::HangsUpAfterTheDot).await;
    let office = Office::with_default_at(world, server.port).await;
    let running = office.start();
    let cobro = office.cobro("pagos@andina.ec").await;
    let doubt = office.wait_for(cobro, State::InDoubt).await;
    assert_eq!(doubt.problem_code.as_deref(), Some("in_doubt"));
    let wait = (doubt.next_attempt_at.unwrap() - now()).num_seconds();
    assert!((14 * 60..=15 * 60).contains(&wait), "{wait}");

    // What comes between does not make the doubt new.
    server.now(Way::SaysOfRecipient("450 4.2.0 Greylisted, try again later"));
    outside::waits_are_over(&office.world.url).await;
    office.wait_for(cobro, State::Deferred).await;
    server.now(Way::HangsUpAfterTheDot);
    outside::waits_are_over(&office.world.url).await;
    let failed = office.wait_for(cobro, State::Failed).await;
    running.stop().await;
    assert_eq!((failed.problem_code.as_deref(), failed.attempts.len()), (Some("in_doubt"), 3));
    let ids: Vec<_> = server.heard().iter().map(|heard| heard.read().message_id).collect();
    assert_eq!(ids, [doubt.message_id.clone(), doubt.message_id], "twice, as the same message");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_doubt_that_is_settled_well_is_accepted() {
    let server = Server::which(Way::IsSilentAfterTheDot).await;
    let office = Office::with_default_at(World::on_sqlite().await, server.port).await;
    let running = office.start();
    let cobro = office.cobro("pagos@andina.ec").await;
    office.wait_for(cobro, State::InDoubt).await;
    server.now(Way::Accepts);
    outside::waits_are_over(&office.world.url).await;
    office.wait_for(cobro, State::Accepted).await;
    running.stop().await;
    assert_eq!(server.heard().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_lost_before_the_final_dot_is_no_doubt() {
    let server = Server::which(Way::HangsUpBeforeTheDot).await;
    let office = Office::with_default_at(World::on_sqlite().await, server.port).await;
    let running = office.start();
    let cobro = office.cobro("pagos@andina.ec").await;
    let delivery = office.wait_for(cobro, State::Deferred).await;
    assert_eq!(delivery.attempts[0].phase, "message");
    server.now(Way::Accepts);
    outside::waits_are_over(&office.world.url).await;
    office.wait_for(cobro, State::Accepted).await;
    running.stop().await;
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_server_is_waited_for_and_then_tried_later() {
    let server = Server::which(Way::AcceptsAfter(Duration::from_millis(300))).await;
    let office = Office::with_default_at(World::on_sqlite().await, server.port).await;
    let running = office.start();
    let cobro = office.cobro("pagos@andina.ec").await;
    let delivery = office.wait_for(cobro, State::Accepted).await;
    assert!(delivery.attempts[0].duration_ms >= 300, "{:?}", delivery.attempts);
    server.now(Way::IsSilentAt("RCPT"));
    let cobro = office.cobro("pagos@andina.ec").await;
    let delivery = office.wait_for(cobro, State::Deferred).await;
    assert_eq!((delivery.problem_code.as_deref(), delivery.attempts[0].phase.as_str()), (Some("timeout"), "recipient"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_recipient_fails_alone_with_the_servers_words() {
    let server = Server::which(Way::SaysOfRecipient("550 5.1.1 No such user here")).await;
    let office = Office::with_default_at(World::on_sqlite().await, server.port).await;
    let running = office.start();
    let cobro = office.cobro("nadie@andina.ec").await;
    let failed = office.wait_for(cobro, State::Failed).await;
    assert_eq!(failed.problem_code.as_deref(), Some("mailbox_not_found"));
    assert_eq!(failed.reply.as_deref(), Some("550 5.1.1 No such user here"));
    assert_eq!(failed.next_attempt_at, None);
    server.now(Way::Accepts);
    let other = office.cobro("pagos@andina.ec").await;
    office.wait_for(other, State::Accepted).await;
    assert_eq!(office.state(cobro).await, State::Failed);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_greylist_that_names_a_time_is_obeyed() {
    let server = Server::which(Way::SaysOfRecipient("450 4.2.0 Greylisted, try again in 20 minutes")).await;
    let office = Office::with_default_at(World::on_sqlite().await, server.port).await;
    let running = office.start();
    let cobro = office.cobro("pagos@andina.ec").await;
    let delivery = office.wait_for(cobro, State::Deferred).await;
    assert_eq!(delivery.problem_code.as_deref(), Some("greylisted"));
    let wait = (delivery.next_attempt_at.unwrap() - now()).num_seconds();
    assert!((19 * 60..=20 * 60).contains(&wait), "{wait}");
    server.now(Way::Accepts);
    outside::waits_are_over(&office.world.url).await;
    office.wait_for(cobro, State::Accepted).await;
    running.stop().await;
}
