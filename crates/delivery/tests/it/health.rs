//! An account stops and works again: its owner hears of each once, nothing is lost, and nobody hammers.

use std::time::Duration;

use acuse_domain::delivery::State;
use acuse_domain::mail_account::MailModule;
use acuse_store::pauses::{self, AccountKey};
use acuse_store::{notices, now};
use acuse_testkit::outside;
use acuse_testkit::world::World;
use chrono::TimeDelta;
use tokio::time::sleep;

use crate::office::{DEFAULT_SENDER, Office, until};
use crate::smtp::{Server, Way};

const WRONG_PASSWORD: Way = Way::SaysOfLogin("535 5.7.8 Username and Password not accepted");
const OWNER: &str = "duena@distripichincha.ec";
const COBROS: MailModule = MailModule::ReceivedPayments;
/// Longer than any round that could tell it again.
const A_WHILE: Duration = Duration::from_millis(2_500);

on_both_engines!(
    its_owner_hears_once_that_it_stopped_and_once_that_it_works_from_two_nodes,
    a_node_that_is_killed_between_the_pause_and_the_mail_loses_no_news,
    the_default_account_is_probed_once_for_all_its_lanes,
    a_quiet_account_is_found_to_work_again,
);

async fn its_owner_hears_once_that_it_stopped_and_once_that_it_works_from_two_nodes(world: World) {
    let (own, default) = (Server::which(WRONG_PASSWORD).await, Server::which(Way::Accepts).await);
    let office = Office::with_default_at(world, default.port).await.with_owner(OWNER).await.with_connections(1);
    let id = office.own_account(COBROS, own.port).await;
    for n in 0..6 {
        office.cobro(&format!("cliente{n}@andina.ec")).await;
    }
    let nodes = [office.start(), office.start_as_another_process().await];
    until("the owner is told", async || !default.subjects_for(OWNER).is_empty()).await;
    sleep(A_WHILE).await;
    let stopped = "Su cuenta de correo dejó de funcionar: cobros@distripichincha.ec (6 recibos en espera)";
    assert_eq!(default.subjects_for(OWNER), [stopped], "once");
    let mail = default.heard()[0].read();
    assert_eq!(mail.from[0].address, DEFAULT_SENDER);
    let text = mail.text.unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let page = format!("https://acuse.test/mi-compania/correos/{id}");
    for said in ["Usuario o contraseña no aceptados", "535 5.7.8 Username and Password not accepted", &page] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert_eq!(default.heard().len(), 1, "no receipt leaves through the default account");

    own.now(Way::Accepts);
    outside::rests_are_over(&office.world.url).await;
    until("all are accepted", async || office.in_state(State::Accepted).await == 6).await;
    until("the owner hears that it works", async || default.subjects_for(OWNER).len() == 2).await;
    sleep(A_WHILE).await;
    for node in nodes {
        node.stop().await;
    }
    let heard = default.subjects_for(OWNER);
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert!(heard[1].starts_with("Su cuenta de correo volvió a funcionar: cobros@distripichincha.ec"), "{heard:?}");
    let in_order: Vec<_> = (0..6).map(|n| format!("cliente{n}@andina.ec")).collect();
    assert_eq!(own.heard().into_iter().map(|heard| heard.to).collect::<Vec<_>>(), in_order);
}

async fn a_node_that_is_killed_between_the_pause_and_the_mail_loses_no_news(world: World) {
    let default = Server::which(Way::Accepts).await;
    let office = Office::with_default_at(world, default.port).await.with_owner(OWNER).await;
    let id = office.own_account(COBROS, 9).await;
    pauses::begin(office.db(), AccountKey::Own(id), "bad_credentials", "535", now()).await.unwrap();
    // It had taken the mail, and no server was asked yet.
    let lease = TimeDelta::seconds(-1);
    assert_eq!(notices::claim_due_any_company(office.db(), 10, lease, now()).await.unwrap().len(), 1);
    let running = office.start();
    until("the owner is told", async || !default.subjects_for(OWNER).is_empty()).await;
    sleep(A_WHILE).await;
    running.stop().await;
    assert_eq!(default.subjects_for(OWNER).len(), 1);
}

async fn the_default_account_is_probed_once_for_all_its_lanes(world: World) {
    let default =
        Server::which(Way::SaysOfSender("550 5.7.60 SMTP; Client does not have permissions to send as this sender")).await;
    let office = Office::with_default_at(world, default.port).await;
    let nodes = [office.start(), office.start_as_another_process().await];
    let first = office.cobro("pagos@andina.ec").await;
    until("it rests", async || office.rests(AccountKey::Default).await).await;
    let second = office.pago("ventas@bodega.ec").await;
    sleep(A_WHILE).await;
    let before = default.sessions();
    outside::rests_are_over(&office.world.url).await;
    until("it is probed", async || default.sessions() > before).await;
    sleep(A_WHILE).await;
    assert_eq!((default.sessions() - before, default.recipients()), (1, 1), "one probe, and nobody's receipt was in it");
    default.now(Way::Accepts);
    outside::rests_are_over(&office.world.url).await;
    for payment in [first, second] {
        office.wait_for(payment, State::Accepted).await;
    }
    for node in nodes {
        node.stop().await;
    }
}

async fn a_quiet_account_is_found_to_work_again(world: World) {
    let (own, default) = (Server::which(Way::Accepts).await, Server::which(Way::Accepts).await);
    let office = Office::with_default_at(world, default.port).await.with_owner(OWNER).await;
    let id = office.own_account(COBROS, own.port).await;
    pauses::begin(office.db(), AccountKey::Own(id), "bad_credentials", "535", now()).await.unwrap();
    let running = office.start();
    until("the owner is told", async || default.subjects_for(OWNER).len() == 1).await;
    outside::rests_are_over(&office.world.url).await;
    until("it works again", async || !office.rests(AccountKey::Own(id)).await).await;
    until("the owner is told", async || default.subjects_for(OWNER).len() == 2).await;
    running.stop().await;
    assert_eq!((own.logins(), own.heard().len()), (1, 0), "a login, and nothing is sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_default_account_rests_the_news_waits_and_then_is_still_true() {
    let own = Server::which(WRONG_PASSWORD).await;
    let default =
        Server::which(Way::SaysOfSender("550 5.7.60 SMTP; Client does not have permissions to send as this sender")).await;
    let office = Office::with_default_at(World::on_sqlite().await, default.port).await.with_owner(OWNER).await;
    office.own_account(COBROS, own.port).await;
    let running = office.start();
    office.pago("ventas@bodega.ec").await;
    until("the default account rests", async || office.rests(AccountKey::Default).await).await;
    office.cobro("pagos@andina.ec").await;
    sleep(A_WHILE).await;
    assert!(default.heard().is_empty());
    default.now(Way::Accepts);
    outside::rests_are_over(&office.world.url).await;
    until("the owner is told", async || default.subjects_for(OWNER).len() == 1).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_that_a_check_cannot_see_is_tried_with_one_delivery() {
    let own = Server::which(Way::SaysOfRecipient("550 5.7.1 Relaying denied. Proper authentication required.")).await;
    let office = Office::without_default(World::on_sqlite().await).await.with_connections(1);
    let id = office.own_account(COBROS, own.port).await;
    for n in 0..5 {
        office.cobro(&format!("cliente{n}@andina.ec")).await;
    }
    let running = office.start();
    until("it rests", async || office.rests(AccountKey::Own(id)).await).await;
    sleep(A_WHILE).await;
    assert_eq!(own.recipients(), 1);
    outside::rests_are_over(&office.world.url).await;
    until("one delivery was tried", async || own.recipients() == 2).await;
    sleep(A_WHILE).await;
    assert_eq!((own.recipients(), office.in_state(State::Queued).await), (2, 5), "and no more");
    own.now(Way::Accepts);
    outside::rests_are_over(&office.world.url).await;
    until("all are accepted", async || office.in_state(State::Accepted).await == 5).await;
    assert!(!office.rests(AccountKey::Own(id)).await);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_doubtful_fault_is_no_reason_to_rest() {
    let own = Server::which(Way::Greets("554 5.3.2 correo.test is busy, no SMTP service here")).await;
    let office = Office::without_default(World::on_sqlite().await).await.with_connections(1);
    let id = office.own_account(COBROS, own.port).await;
    let cobro = office.cobro("pagos@andina.ec").await;
    let running = office.start();
    let put_off = office.wait_for(cobro, State::Deferred).await;
    assert_eq!(put_off.problem_code.as_deref(), Some("server_refuses_us"));
    assert!(!office.rests(AccountKey::Own(id)).await);
    own.now(Way::Accepts);
    outside::waits_are_over(&office.world.url).await;
    office.wait_for(cobro, State::Accepted).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_doubtful_faults_in_a_row_are_enough() {
    let own = Server::which(Way::Greets("554 5.3.2 correo.test is busy, no SMTP service here")).await;
    let office = Office::without_default(World::on_sqlite().await).await.with_connections(1);
    let id = office.own_account(COBROS, own.port).await;
    let cobro = office.cobro("pagos@andina.ec").await;
    let running = office.start();
    until("it rests", async || {
        outside::waits_are_over(&office.world.url).await;
        office.rests(AccountKey::Own(id)).await
    })
    .await;
    running.stop().await;
    let waits = office.deliveries(cobro).await.pop().unwrap();
    assert_eq!((waits.state, waits.attempts.len(), own.sessions()), (State::Queued, 3, 3), "kept, and nobody hammered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_providers_limit_slows_its_own_account_down_and_nobody_else() {
    let own = Server::which(Way::SaysOfRecipient("450 4.7.1 Rate limit exceeded, too many messages")).await;
    let default = Server::which(Way::Accepts).await;
    let office = Office::with_default_at(World::on_sqlite().await, default.port).await;
    let id = office.own_account(COBROS, own.port).await;
    for n in 0..60 {
        office.cobro(&format!("cliente{n}@andina.ec")).await;
    }
    let running = office.start();
    until("it was told", async || office.in_state(State::Deferred).await > 0).await;
    let pago = office.pago("ventas@bodega.ec").await;
    office.wait_for(pago, State::Accepted).await;
    assert!(own.recipients() <= 8, "{} were tried against a server that said stop", own.recipients());
    assert!(!office.rests(AccountKey::Own(id)).await, "a limit is no fault");
    own.now(Way::Accepts);
    outside::waits_are_over(&office.world.url).await;
    until("all are accepted", async || {
        outside::waits_are_over(&office.world.url).await;
        office.in_state(State::Accepted).await == 61
    })
    .await;
    running.stop().await;
}
