//! A payment is voided while its receipt is on its way: what a customer then finds in their mailbox.

use std::time::Duration;

use acuse_domain::delivery::State;
use acuse_domain::id::PaymentId;
use acuse_store::conditions::Conditions;
use acuse_store::deliveries::MessageKind;
use acuse_store::now;
use acuse_store::payments::{self, VoidNotice};
use acuse_testkit::outside;
use acuse_testkit::world::World;

use crate::office::{Office, until};
use crate::smtp::{Server, Way};

on_both_engines!(
    a_receipt_that_no_server_took_before_the_void_is_never_sent_after_it,
    a_receipt_in_doubt_is_not_sent_again_after_the_void,
    a_receipt_that_the_server_takes_during_the_void_is_the_receipt,
);

const TO: &str = "pagos@andina.ec";

async fn void(office: &Office, cobro: PaymentId, notice: VoidNotice) {
    payments::void(office.db(), &office.company.actor, cobro, "Se registró dos veces", notice, &Conditions::default(), now())
        .await
        .unwrap();
}

/// Everything that still waits leaves; then what the server has heard is all that there will be.
async fn all_has_left(office: &Office, cobro: PaymentId) {
    for _ in 0..3 {
        outside::waits_are_over(&office.world.url).await;
        office.db().nudge();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    until("nothing is left to do", async || office.deliveries(cobro).await.iter().all(|one| one.state.is_final())).await;
}

/// `anulado`, or not, for each mail of that address.
fn mails(server: &Server) -> Vec<bool> {
    server.subjects_for(TO).iter().map(|subject| subject.to_lowercase().contains("anul")).collect()
}

async fn a_receipt_that_no_server_took_before_the_void_is_never_sent_after_it(world: World) {
    let server = Server::which(Way::IsSilentAt("RCPT")).await;
    let office = Office::with_default_at(world, server.port).await;
    let running = office.start();
    for notice in [VoidNotice::TellNobody, VoidNotice::TellWhoHadIt] {
        server.now(Way::IsSilentAt("RCPT"));
        let asked_before = server.recipients();
        let cobro = office.cobro(TO).await;
        until("the server was told for whom it is", async || server.recipients() > asked_before).await;
        assert_eq!(office.state(cobro).await, State::Sending);
        void(&office, cobro, notice).await;
        server.now(Way::Accepts);
        all_has_left(&office, cobro).await;
        assert!(mails(&server).is_empty(), "{notice:?}: who got nothing has nothing to be told");
        let receipt = &office.deliveries(cobro).await[0];
        assert_eq!((receipt.kind, receipt.state), (MessageKind::Receipt, State::Cancelled), "{notice:?}");
    }
    running.stop().await;
}

async fn a_receipt_in_doubt_is_not_sent_again_after_the_void(world: World) {
    let server = Server::which(Way::HangsUpAfterTheDot).await;
    let office = Office::with_default_at(world, server.port).await;
    let running = office.start();
    for (notice, expected) in [(VoidNotice::TellNobody, &[false][..]), (VoidNotice::TellWhoHadIt, &[false, true][..])] {
        server.now(Way::HangsUpAfterTheDot);
        let before = mails(&server).len();
        let cobro = office.cobro(TO).await;
        office.wait_for(cobro, State::InDoubt).await;
        void(&office, cobro, notice).await;
        server.now(Way::Accepts);
        all_has_left(&office, cobro).await;
        assert_eq!(mails(&server)[before..], *expected, "{notice:?}");
    }
    running.stop().await;
}

async fn a_receipt_that_the_server_takes_during_the_void_is_the_receipt(world: World) {
    let server = Server::which(Way::AcceptsAfter(Duration::from_millis(500))).await;
    let office = Office::with_default_at(world, server.port).await;
    let running = office.start();
    let cobro = office.cobro(TO).await;
    until("the server has it", async || server.heard().len() == 1).await;
    void(&office, cobro, VoidNotice::TellWhoHadIt).await;
    server.now(Way::Accepts);
    all_has_left(&office, cobro).await;
    running.stop().await;
    assert_eq!(mails(&server), [false, true]);
    let states: Vec<_> = office.deliveries(cobro).await.into_iter().map(|one| (one.kind, one.state)).collect();
    assert_eq!(states, [(MessageKind::Receipt, State::Accepted), (MessageKind::VoidNotice, State::Accepted)]);
}
