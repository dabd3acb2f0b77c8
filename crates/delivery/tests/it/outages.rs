//! The database goes away while mail is under way.

use std::time::Duration;

use acuse_domain::delivery::State;
use acuse_store::Db;
use acuse_testkit::postgres::Postgres;
use acuse_testkit::world::World;
use tokio::time::sleep;

use crate::office::{Office, until};
use crate::smtp::{Server, Way};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_while_postgresql_was_away_is_recorded_and_sent_once() {
    let postgres = Postgres::durable();
    let world = World::at(&postgres.new_database()).await;
    let server = Server::which(Way::AcceptsAfter(Duration::from_millis(1_500))).await;
    let office = Office::with_default_at(world, server.port).await.waiting_for_servers(Duration::from_secs(20));
    let cobros = [office.cobro("a@andina.ec").await, office.cobro("b@andina.ec").await];
    let running = office.start();
    until("the server has both", async || server.heard().len() == 2).await;
    postgres.crash();
    // Longer than the store itself waits for a connection.
    sleep(Duration::from_secs(12)).await;
    postgres.start_again();
    for cobro in cobros {
        let delivery = office.wait_for(cobro, State::Accepted).await;
        assert_eq!(delivery.attempts.len(), 1);
    }
    // And it goes on.
    let later = office.cobro("c@andina.ec").await;
    office.wait_for(later, State::Accepted).await;
    running.stop().await;
    assert_eq!(server.heard().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_while_sqlite_was_locked_is_recorded_and_sent_once() {
    let server = Server::which(Way::AcceptsAfter(Duration::from_millis(300))).await;
    let office = Office::with_default_at(World::on_sqlite().await, server.port).await;
    let cobro = office.cobro("a@andina.ec").await;
    let running = office.start();
    until("the server has it", async || server.heard().len() == 1).await;
    let lock = acuse_testkit::outside::Lock::of(&office.world.url).await;
    // Longer than a writer waits for another and for its turn.
    sleep(Duration::from_secs(12)).await;
    assert_eq!(office.state(cobro).await, State::Sending);
    lock.release().await;
    office.wait_for(cobro, State::Accepted).await;
    running.stop().await;
    assert_eq!(server.heard().len(), 1);
}

/// The engine outlives a start without a database it can use.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_starts_before_its_database_is_ready_waits_for_it() {
    let postgres = Postgres::durable();
    let world = World::at(&postgres.new_database()).await;
    let server = Server::which(Way::Accepts).await;
    let office = Office::with_default_at(world, server.port).await;
    let cobro = office.cobro("a@andina.ec").await;
    postgres.crash();
    let db: Db = office.world.db.clone();
    let running = office.start_on(db);
    sleep(Duration::from_millis(500)).await;
    postgres.start_again();
    office.wait_for(cobro, State::Accepted).await;
    running.stop().await;
}
