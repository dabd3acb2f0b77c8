//! Accounts that fail, rest and are mended; nobody else suffers for them, and no customer's address is blamed.

use acuse_domain::delivery::State;
use acuse_domain::mail_account::{LastCheck, MailModule};
use acuse_store::mail_accounts;
use acuse_store::now;
use acuse_store::pauses::{self, AccountKey};
use acuse_testkit::outside;
use acuse_testkit::world::World;

use crate::office::{Office, own_form, until};
use crate::smtp::{Server, Way};

const WRONG_PASSWORD: Way = Way::SaysOfLogin("535 5.7.8 Username and Password not accepted");

on_both_engines!(
    a_wrong_password_pauses_the_account_and_keeps_its_deliveries,
    an_account_that_rests_is_tried_with_one_delivery,
    without_any_account_deliveries_wait_for_one,
);

async fn a_wrong_password_pauses_the_account_and_keeps_its_deliveries(world: World) {
    let (own, default) = (Server::which(WRONG_PASSWORD).await, Server::which(Way::Accepts).await);
    let office = Office::with_default_at(world, default.port).await;
    let id = office.own_account(MailModule::ReceivedPayments, own.port).await;
    let mut cobros = Vec::new();
    for n in 0..12 {
        cobros.push(office.cobro(&format!("cliente{n}@andina.ec")).await);
    }
    let running = office.start();
    until("the account rests", async || pauses::find(office.db(), AccountKey::Own(id)).await.unwrap().is_some()).await;
    until("nothing is under way", async || office.in_state(State::Sending).await == 0).await;
    let pause = pauses::find(office.db(), AccountKey::Own(id)).await.unwrap().unwrap().pause;
    assert_eq!((pause.problem_code.as_str(), pause.reply.get(..3)), ("bad_credentials", Some("535")));
    assert_eq!(office.in_state(State::Queued).await, 12, "kept, and no address is marked");
    assert!(own.logins() <= 4, "it does not hammer: {} logins", own.logins());

    let pago = office.pago("ventas@bodega.ec").await;
    office.wait_for(pago, State::Accepted).await;

    own.now(Way::Accepts);
    let form = own_form(MailModule::ReceivedPayments, own.port);
    mail_accounts::change(office.db(), &office.world.keys(), &office.company.actor, id, &form).await.unwrap();
    for cobro in cobros {
        office.wait_for(cobro, State::Accepted).await;
    }
    running.stop().await;
    assert_eq!((own.heard().len(), default.heard().len()), (12, 1));
}

async fn an_account_that_rests_is_tried_with_one_delivery(world: World) {
    let own = Server::which(WRONG_PASSWORD).await;
    let office = Office::without_default(world).await;
    let id = office.own_account(MailModule::ReceivedPayments, own.port).await;
    let running = office.start();
    let first = office.cobro("pagos@andina.ec").await;
    until("the account rests", async || pauses::find(office.db(), AccountKey::Own(id)).await.unwrap().is_some()).await;
    for _ in 0..20 {
        office.cobro("pagos@andina.ec").await;
    }
    let before = own.logins();
    outside::rests_are_over(&office.world.url).await;
    until("it was tried again", async || own.logins() > before).await;
    until("it rests longer", async || {
        let resting = pauses::find(office.db(), AccountKey::Own(id)).await.unwrap().unwrap();
        (59..=60).contains(&(resting.probe_at - now()).num_minutes())
    })
    .await;
    assert_eq!(own.logins(), before + 1, "one delivery, no more");
    // A server that is away proves nothing: the account rests on.
    own.now(Way::SaysOfLogin("454 4.7.0 Too many login attempts, please try again later"));
    outside::rests_are_over(&office.world.url).await;
    until("it was tried again", async || own.logins() == before + 2).await;
    until("it rests longer", async || {
        let resting = pauses::find(office.db(), AccountKey::Own(id)).await.unwrap().unwrap();
        (resting.probe_at - now()).num_minutes() > 200
    })
    .await;
    own.now(Way::Accepts);
    outside::rests_are_over(&office.world.url).await;
    outside::waits_are_over(&office.world.url).await;
    until("all are accepted", async || office.in_state(State::Accepted).await == 21).await;
    running.stop().await;
    assert_eq!(pauses::find(office.db(), AccountKey::Own(id)).await.unwrap(), None);
    assert_eq!((office.state(first).await, own.heard().len()), (State::Accepted, 21));
}

async fn without_any_account_deliveries_wait_for_one(world: World) {
    let server = Server::which(Way::Accepts).await;
    let office = Office::without_default(world).await;
    let running = office.start();
    let cobro = office.cobro("pagos@andina.ec").await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let waiting = office.deliveries(cobro).await.pop().unwrap();
    assert_eq!((waiting.state, waiting.attempts.len()), (State::Queued, 0));
    office.own_account(MailModule::ReceivedPayments, server.port).await;
    office.wait_for(cobro, State::Accepted).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correct_check_ends_the_rest() {
    let own = Server::which(WRONG_PASSWORD).await;
    let office = Office::without_default(World::on_sqlite().await).await;
    let id = office.own_account(MailModule::ReceivedPayments, own.port).await;
    let running = office.start();
    let cobro = office.cobro("pagos@andina.ec").await;
    until("the account rests", async || pauses::find(office.db(), AccountKey::Own(id)).await.unwrap().is_some()).await;
    own.now(Way::Accepts);
    let wrong = LastCheck { at: now(), ok: false };
    let version = mail_accounts::find(office.db(), office.company.actor.company, id).await.unwrap().unwrap().version;
    mail_accounts::note_check(office.db(), &office.company.actor, id, version, &wrong).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(office.state(cobro).await, State::Queued, "a wrong check ends nothing");
    mail_accounts::note_check(office.db(), &office.company.actor, id, version, &LastCheck { ok: true, ..wrong }).await.unwrap();
    office.wait_for(cobro, State::Accepted).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_account_leaves_its_module_to_the_default_one() {
    let (own, default) = (Server::which(WRONG_PASSWORD).await, Server::which(Way::Accepts).await);
    let office = Office::with_default_at(World::on_sqlite().await, default.port).await;
    let id = office.own_account(MailModule::ReceivedPayments, own.port).await;
    let running = office.start();
    let cobro = office.cobro("pagos@andina.ec").await;
    until("the account rests", async || pauses::find(office.db(), AccountKey::Own(id)).await.unwrap().is_some()).await;
    mail_accounts::enable(office.db(), &office.company.actor, id, false).await.unwrap();
    let delivery = office.wait_for(cobro, State::Accepted).await;
    assert_eq!(delivery.account.unwrap().0, "default");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_asked_to_wait_before_logging_in_does_not_hammer() {
    let own = Server::which(Way::SaysOfLogin("454 4.7.0 Too many login attempts, please try again later")).await;
    let office = Office::without_default(World::on_sqlite().await).await;
    let id = office.own_account(MailModule::ReceivedPayments, own.port).await;
    for n in 0..40 {
        office.cobro(&format!("cliente{n}@andina.ec")).await;
    }
    let running = office.start();
    until("the account rests", async || pauses::find(office.db(), AccountKey::Own(id)).await.unwrap().is_some()).await;
    until("nothing is under way", async || office.in_state(State::Sending).await == 0).await;
    running.stop().await;
    assert!((3..=8).contains(&own.logins()), "{} logins", own.logins());
    assert_eq!(office.in_state(State::Queued).await + office.in_state(State::Deferred).await, 40);
}
