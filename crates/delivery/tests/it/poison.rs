//! One delivery that cannot be read, written or recorded; the others do not notice.

use acuse_domain::delivery::State;
use acuse_domain::id::PaymentId;
use acuse_testkit::outside;
use acuse_testkit::world::World;

use crate::office::{Office, until};
use crate::smtp::{Server, Way};

on_both_engines!(
    a_receipt_that_cannot_be_read_fails_alone,
    a_mail_that_cannot_be_written_fails_alone,
    an_outcome_that_cannot_be_recorded_holds_up_no_other,
);

async fn is_the_only_one_to_fail(office: &Office, server: &Server, poison: PaymentId) {
    let failed = office.wait_for(poison, State::Failed).await;
    until("the others are out", async || office.in_state(State::Accepted).await == 10).await;
    assert_eq!(failed.problem_code.as_deref(), Some("message_not_composed"));
    assert_eq!((failed.attempts.len(), failed.attempts[0].state, failed.next_attempt_at), (1, State::Failed, None));
    assert_eq!(server.heard().len(), 10);
}

async fn eleven_of_which_one_is_poisoned(office: &Office, from: &str, to: &str) -> PaymentId {
    let mut cobros = Vec::new();
    for n in 0..11 {
        cobros.push(office.cobro(&format!("c{n}@andina.ec")).await);
    }
    outside::receipt_is_spoilt(&office.world.url, cobros[3], from, to).await;
    cobros[3]
}

async fn a_receipt_that_cannot_be_read_fails_alone(world: World) {
    let server = Server::which(Way::Accepts).await;
    let office = Office::with_default_at(world, server.port).await;
    let poison = eleven_of_which_one_is_poisoned(&office, "{", "").await;
    let running = office.start();
    is_the_only_one_to_fail(&office, &server, poison).await;
    running.stop().await;
}

async fn a_mail_that_cannot_be_written_fails_alone(world: World) {
    let server = Server::which(Way::Accepts).await;
    let office = Office::with_default_at(world, server.port).await;
    let poison = eleven_of_which_one_is_poisoned(&office, "Distribuidora Pichincha", "Distri\\r\\nBcc: x@y.ec\\r\\n").await;
    let running = office.start();
    is_the_only_one_to_fail(&office, &server, poison).await;
    running.stop().await;
}

async fn an_outcome_that_cannot_be_recorded_holds_up_no_other(world: World) {
    let server = Server::which(Way::Accepts).await;
    let office = Office::with_default_at(world, server.port).await;
    let poison = office.cobro("c0@andina.ec").await;
    for n in 1..=10 {
        office.cobro(&format!("c{n}@andina.ec")).await;
    }
    // The row that the attempt would write is there already.
    let id = office.deliveries(poison).await[0].id;
    let sql = "INSERT INTO delivery_attempt (company_id, delivery_id, attempt, at, phase, reply, duration_ms, state)
        SELECT company_id, id, 1, queued_at, 'message', '', 0, 'deferred' FROM delivery WHERE id = $1";
    outside::run(&office.world.url, sql, vec![id.0.into()]).await;
    let running = office.start();
    until("the others are out", async || office.in_state(State::Accepted).await == 10).await;
    assert_eq!(office.state(poison).await, State::Sending, "it is kept, not sent again");
    outside::run(&office.world.url, "DELETE FROM delivery_attempt WHERE delivery_id = $1", vec![id.0.into()]).await;
    running.stop().await;
    assert_eq!(office.state(poison).await, State::Accepted, "its last chance is when the engine stops");
    assert_eq!(server.heard().len(), 11);
}
