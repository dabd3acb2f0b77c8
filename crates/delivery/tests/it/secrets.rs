//! An account whose secret does not open rests as any other that fails does: its owner hears of it, its deliveries wait or go
//! out through the default account, and it works again once somebody gives the password.

use acuse_domain::delivery::State;
use acuse_domain::failure_policy::{FailurePolicy, OnFailure, PatienceHours};
use acuse_domain::mail_account::MailModule;
use acuse_store::mail_accounts::{self, Form};
use acuse_store::pauses::{self, AccountKey};
use acuse_store::routing;
use acuse_store::versions::Expected;
use acuse_testkit::builders::to;
use acuse_testkit::outside;
use acuse_testkit::world::World;

use crate::office::{Office, own_form, until};
use crate::smtp::{Server, Way};

const OWNER: &str = "duena@distripichincha.ec";
const COBROS: MailModule = MailModule::ReceivedPayments;

on_both_engines!(
    an_account_whose_password_does_not_open_rests_and_says_so,
    an_account_whose_password_was_forgotten_sends_nothing_as_a_stranger,
    an_account_that_cannot_be_read_rests_and_the_default_one_stands_in,
);

async fn an_account_whose_password_does_not_open_rests_and_says_so(world: World) {
    let (own, default) = (Server::which(Way::Accepts).await, Server::which(Way::Accepts).await);
    let office = Office::with_default_at(world, default.port).await.with_owner(OWNER).await;
    let id = office.own_account(COBROS, own.port).await;
    let spoilt = vec![vec![0_u8; 64].into()];
    outside::run(&office.world.url, "UPDATE mail_account SET sealed_password = $1", spoilt).await;
    let running = office.start();
    let cobro = office.cobro("pagos@andina.ec").await;
    until("it rests", async || office.rests(AccountKey::Own(id)).await).await;
    let resting = pauses::find(office.db(), AccountKey::Own(id)).await.unwrap().unwrap();
    assert_eq!(resting.pause.problem_code, "secret_unreadable");
    until("its owner hears of it", async || default.subjects_for(OWNER).len() == 1).await;
    assert_eq!(office.state(cobro).await, State::Queued);

    // Time for its next probe: it changes nothing, and knocks nowhere.
    outside::rests_are_over(&office.world.url).await;
    until("it was probed", async || {
        let resting = pauses::find(office.db(), AccountKey::Own(id)).await.unwrap();
        resting.is_some_and(|resting| resting.probe_at > acuse_store::now() + chrono::TimeDelta::minutes(30))
    })
    .await;
    assert_eq!(own.sessions(), 0, "without a password nobody is asked");

    let after = PatienceHours::new(4).unwrap();
    let policy = FailurePolicy { on_failure: OnFailure::UseDefault { after }, ..FailurePolicy::default() };
    routing::change_policy(office.db(), &office.company.actor, &Expected::Any, to(policy)).await.unwrap();
    outside::rests_began_earlier(&office.world.url, 5).await;
    office.db().nudge();
    assert_eq!(office.wait_for(cobro, State::Accepted).await.account.unwrap().0, "default");

    let form = own_form(COBROS, own.port);
    mail_accounts::change(office.db(), &office.world.keys(), &office.company.actor, id, &form).await.unwrap();
    let cobro = office.cobro("pagos@andina.ec").await;
    assert_eq!(office.wait_for(cobro, State::Accepted).await.account.unwrap().0, "company");
    until("its owner hears that it works", async || default.subjects_for(OWNER).len() == 2).await;
    running.stop().await;
}

async fn an_account_whose_password_was_forgotten_sends_nothing_as_a_stranger(world: World) {
    let own = Server::which(Way::Accepts).await;
    let office = Office::without_default(world).await;
    let id = office.own_account(COBROS, own.port).await;
    outside::run(&office.world.url, "UPDATE mail_account SET sealed_password = NULL", vec![]).await;
    let running = office.start();
    let cobro = office.cobro("pagos@andina.ec").await;
    until("it rests", async || office.rests(AccountKey::Own(id)).await).await;
    assert_eq!((office.state(cobro).await, own.sessions()), (State::Queued, 0));
    let form = Form { checked: None, ..own_form(COBROS, own.port) };
    mail_accounts::change(office.db(), &office.world.keys(), &office.company.actor, id, &form).await.unwrap();
    office.wait_for(cobro, State::Accepted).await;
    running.stop().await;
}

async fn an_account_that_cannot_be_read_rests_and_the_default_one_stands_in(world: World) {
    let (own, default) = (Server::which(Way::Accepts).await, Server::which(Way::Accepts).await);
    let office = Office::with_default_at(world, default.port).await.with_owner(OWNER).await;
    let id = office.own_account(COBROS, own.port).await;
    let after = PatienceHours::new(4).unwrap();
    let policy = FailurePolicy { on_failure: OnFailure::UseDefault { after }, ..FailurePolicy::default() };
    routing::change_policy(office.db(), &office.company.actor, &Expected::Any, to(policy)).await.unwrap();
    for (column, garbage) in [("security", "'ssl'"), ("reply_to", "'nadie'"), ("from_address", "'nadie'"), ("bcc", "'nadie'")] {
        outside::value_is_spoilt(&office.world.url, ("mail_account", column), garbage).await;
    }
    let running = office.start();
    let cobro = office.cobro("pagos@andina.ec").await;
    until("it rests", async || office.rests(AccountKey::Own(id)).await).await;
    let resting = pauses::find(office.db(), AccountKey::Own(id)).await.unwrap().unwrap();
    assert_eq!(resting.pause.problem_code, "account_unreadable");
    until("its owner hears of it", async || default.subjects_for(OWNER).len() == 1).await;
    outside::rests_began_earlier(&office.world.url, 5).await;
    office.db().nudge();
    assert_eq!(office.wait_for(cobro, State::Accepted).await.account.unwrap().0, "default");
    let heard = default.heard();
    let receipt = heard.iter().find(|mail| mail.to == "pagos@andina.ec").expect("the receipt").read();
    assert!(receipt.reply_to.iter().all(|to| to.address != "nadie"), "answers go to nobody that cannot be read");
    assert!(heard.iter().all(|mail| mail.to != "nadie"), "nor does a copy");
    assert_eq!(own.sessions(), 0, "nobody is asked how to reach it");

    mail_accounts::change(office.db(), &office.world.keys(), &office.company.actor, id, &own_form(COBROS, own.port))
        .await
        .unwrap();
    let cobro = office.cobro("pagos@andina.ec").await;
    assert_eq!(office.wait_for(cobro, State::Accepted).await.account.unwrap().0, "company");
    running.stop().await;
}
