//! A company's own account rests: the default one sends in its place where the company wished it, and says so.

use std::time::Duration;

use acuse_domain::delivery::State;
use acuse_domain::failure_policy::{FailurePolicy, OnFailure, PatienceHours};
use acuse_domain::mail_account::MailModule;
use acuse_store::pauses::{self, AccountKey};
use acuse_store::versions::Expected;
use acuse_store::{now, routing};
use acuse_testkit::builders::to;
use acuse_testkit::outside;
use acuse_testkit::world::World;
use tokio::time::sleep;

use crate::office::{DEFAULT_SENDER, Office, until};
use crate::smtp::{Server, Way};

const WRONG_PASSWORD: Way = Way::SaysOfLogin("535 5.7.8 Username and Password not accepted");
const COBROS: MailModule = MailModule::ReceivedPayments;

on_both_engines!(
    after_the_chosen_hours_the_default_account_sends_until_the_own_one_works,
    what_waits_now_is_sent_by_the_default_account_once,
);

async fn chooses(office: &Office, hours: i64) {
    let after = PatienceHours::new(hours).unwrap();
    let policy = FailurePolicy { on_failure: OnFailure::UseDefault { after }, ..FailurePolicy::default() };
    routing::change_policy(office.db(), &office.company.actor, &Expected::Any, to(policy)).await.unwrap();
}

async fn after_the_chosen_hours_the_default_account_sends_until_the_own_one_works(world: World) {
    let (own, default) = (Server::which(WRONG_PASSWORD).await, Server::which(Way::Accepts).await);
    let office = Office::with_default_at(world, default.port).await;
    let id = office.own_account(COBROS, own.port).await;
    chooses(&office, 4).await;
    let running = office.start();
    let cobro = office.cobro("pagos@andina.ec").await;
    until("it rests", async || office.rests(AccountKey::Own(id)).await).await;
    outside::rests_began_earlier(&office.world.url, 3).await;
    office.db().nudge();
    sleep(Duration::from_millis(2_500)).await;
    assert_eq!((office.state(cobro).await, default.heard().len()), (State::Queued, 0), "three hours are not four");

    outside::rests_began_earlier(&office.world.url, 5).await;
    let sent = office.wait_for(cobro, State::Accepted).await;
    let (source, server, from) = sent.account.unwrap();
    assert_eq!((source.as_str(), server.as_str(), from.as_str()), ("default", "127.0.0.1", DEFAULT_SENDER));
    let mail = default.heard()[0].read();
    let from = (mail.from[0].name.as_deref(), mail.from[0].address.as_str());
    assert_eq!(from, (Some("Distribuidora Pichincha Compañía Limitada"), DEFAULT_SENDER));
    assert_eq!(mail.reply_to[0].address, "cobros@distripichincha.ec", "answers go to the account it stands in for");

    own.now(Way::Accepts);
    outside::rests_are_over(&office.world.url).await;
    until("it works again", async || !office.rests(AccountKey::Own(id)).await).await;
    let cobro = office.cobro("pagos@andina.ec").await;
    let sent = office.wait_for(cobro, State::Accepted).await;
    running.stop().await;
    assert_eq!(sent.account.unwrap().0, "company");
    assert_eq!((own.heard().len(), default.heard().len()), (1, 1));
}

async fn what_waits_now_is_sent_by_the_default_account_once(world: World) {
    let (own, default) = (Server::which(WRONG_PASSWORD).await, Server::which(Way::Accepts).await);
    let office = Office::with_default_at(world, default.port).await;
    let id = office.own_account(COBROS, own.port).await;
    let running = office.start();
    let waiting = [office.cobro("a@andina.ec").await, office.cobro("b@andina.ec").await];
    until("it rests", async || office.rests(AccountKey::Own(id)).await).await;
    pauses::send_waiting_by_default(office.db(), &office.company.actor, id, now()).await.unwrap();
    for cobro in waiting {
        assert_eq!(office.wait_for(cobro, State::Accepted).await.account.unwrap().0, "default");
    }
    let later = office.cobro("c@andina.ec").await;
    sleep(Duration::from_millis(2_500)).await;
    assert_eq!(office.state(later).await, State::Queued, "what comes later waits for its account");
    running.stop().await;
    assert_eq!(default.heard().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_default_account_that_rests_stands_in_for_nobody() {
    let own = Server::which(WRONG_PASSWORD).await;
    let default = Server::which(Way::Accepts).await;
    let office = Office::with_default_at(World::on_sqlite().await, default.port).await;
    let id = office.own_account(COBROS, own.port).await;
    chooses(&office, 1).await;
    let running = office.start();
    let cobro = office.cobro("pagos@andina.ec").await;
    until("it rests", async || office.rests(AccountKey::Own(id)).await).await;
    pauses::begin(office.db(), AccountKey::Default, "bad_credentials", "535", now()).await.unwrap();
    outside::rests_began_earlier(&office.world.url, 2).await;
    sleep(Duration::from_millis(2_500)).await;
    assert_eq!(office.state(cobro).await, State::Queued);
    outside::rests_are_over(&office.world.url).await;
    assert_eq!(office.wait_for(cobro, State::Accepted).await.account.unwrap().0, "default");
    running.stop().await;
}
