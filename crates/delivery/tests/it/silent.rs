//! A server that does not answer: its own message waits, and nobody else's does.

use std::time::{Duration, Instant as Moment};

use acuse_domain::delivery::State;
use acuse_domain::mail_account::{MailModule, Security};
use acuse_store::mail_accounts;
use acuse_store::versions::Expected;
use acuse_testkit::world::World;

use crate::office::{Office, own_form, until};
use crate::smtp::{Server, Way};

on_both_engines!(
    one_message_that_hangs_holds_up_none_of_the_others,
    as_many_that_hang_as_there_are_connections_hold_up_no_other,
    a_corrected_account_is_used_at_once,
    a_deleted_or_disabled_account_is_not_waited_for,
    a_refusal_is_on_record_whatever_the_server_does_after_it,
);

/// What these servers are given in place of RFC 5321's minutes: much longer than the tests wait for the others.
const LONG: Duration = Duration::from_secs(60);
/// Far below that, with the time it takes to see that nothing answers; two cores may be busy with other tests.
const SOON: Duration = Duration::from_secs(15);
/// A server of port 465 that takes the connection and begins no handshake, and those of 587 around it.
const IN_TLS: [(&str, Security); 3] =
    [("greeting", Security::Tls), ("STARTTLS", Security::StartTls), ("handshake", Security::StartTls)];
const PLACES: [&str; 8] = ["greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", ".", "QUIT"];

async fn one_message_that_hangs_holds_up_none_of_the_others(world: World) {
    let mut office = Office::without_default(world).await.waiting_for_servers(LONG).leaving_after(Duration::from_millis(200));
    office = office.with_connections(2);
    let start = Server::which(Way::Accepts).await;
    let account = office.own_account(MailModule::ReceivedPayments, start.port).await;
    for place in PLACES {
        let server = Server::which(Way::FirstSessionIsSilentAt(place)).await;
        let form = own_form(MailModule::ReceivedPayments, server.port);
        mail_accounts::change(office.db(), &office.world.keys(), &office.company.actor, account, &form).await.unwrap();
        let (before, doubts) = (office.in_state(State::Accepted).await, office.in_state(State::InDoubt).await);
        let mut cobros = Vec::new();
        for n in 0..40 {
            cobros.push(office.cobro(&format!("c{n}@andina.ec")).await);
        }
        let begun = Moment::now();
        let running = office.start();
        let hung = u64::from(place != "QUIT");
        until(place, async || office.in_state(State::Accepted).await == before + 40 - hung).await;
        // And what comes now does not wait either.
        let late = office.cobro("tarde@andina.ec").await;
        office.wait_for(late, State::Accepted).await;
        assert!(begun.elapsed() < SOON, "{place}: {:?}", begun.elapsed());
        let stopping = Moment::now();
        running.stop().await;
        assert!(stopping.elapsed() < SOON, "{place}: the node stops in {:?}", stopping.elapsed());
        let in_doubt = office.in_state(State::InDoubt).await - doubts;
        assert_eq!(in_doubt, u64::from(place == "."), "{place}: only what the server has is in doubt");
        let mut waiting = Vec::new();
        for cobro in cobros {
            if office.state(cobro).await == State::Queued {
                waiting.push(cobro);
            }
        }
        assert_eq!(waiting.len() as u64, hung - in_doubt, "{place}: what hung before is back in the queue");
        // Out of the way of the next.
        server.now(Way::Accepts);
        let running = office.start();
        for cobro in waiting {
            office.wait_for(cobro, State::Accepted).await;
        }
        running.stop().await;
    }
}

async fn as_many_that_hang_as_there_are_connections_hold_up_no_other(world: World) {
    let office = Office::without_default(world).await.waiting_for_servers(LONG).leaving_after(Duration::from_millis(200));
    let office = office.with_connections(2);
    let server = Server::which(Way::IsSilentForSomeAt("RCPT")).await;
    office.own_account(MailModule::ReceivedPayments, server.port).await;
    for place in ["RCPT", "."] {
        server.now(Way::IsSilentForSomeAt(place));
        let before = office.in_state(State::Accepted).await;
        for n in 0..3 {
            office.cobro(&format!("cuelga{n}@andina.ec")).await;
        }
        for n in 0..10 {
            office.cobro(&format!("c{n}@andina.ec")).await;
        }
        let (running, begun) = (office.start(), Moment::now());
        until(place, async || office.in_state(State::Accepted).await == before + 10).await;
        assert!(begun.elapsed() < LONG / 2, "{place}: {:?}", begun.elapsed());
        running.stop().await;
        server.now(Way::Accepts);
        let running = office.start();
        until("the rest", async || office.in_state(State::Queued).await == 0).await;
        running.stop().await;
    }
}

async fn a_corrected_account_is_used_at_once(world: World) {
    let office = Office::without_default(world).await.waiting_for_servers(LONG).leaving_after(Duration::from_millis(200));
    let start = Server::which(Way::Accepts).await;
    let account = office.own_account(MailModule::ReceivedPayments, start.port).await;
    let in_clear = PLACES.into_iter().filter(|place| *place != "QUIT").map(|place| (place, Security::None));
    for (place, security) in in_clear.chain(IN_TLS) {
        let (hanging, well) = (Server::which(Way::IsSilentAt(place)).await, Server::which(Way::Accepts).await);
        let change = async |port, security| {
            let mut form = own_form(MailModule::ReceivedPayments, port);
            form.settings.security = security;
            mail_accounts::change(office.db(), &office.world.keys(), &office.company.actor, account, &form).await.unwrap();
        };
        change(hanging.port, security).await;
        let doubts = office.in_state(State::InDoubt).await;
        for n in 0..20 {
            office.cobro(&format!("c{n}@andina.ec")).await;
        }
        let running = office.start();
        until("all connections hang", async || hanging.sessions() == 4).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        change(well.port, Security::None).await;
        let (begun, has_it) = (Moment::now(), hanging.heard().len());
        until(place, async || well.heard().len() == 20 - has_it).await;
        assert!(begun.elapsed() < SOON, "{place}: {:?}", begun.elapsed());
        assert_eq!(has_it, if place == "." { 4 } else { 0 });
        running.stop().await;
        assert_eq!(office.in_state(State::InDoubt).await - doubts, has_it as u64, "{place}: a doubt by itself");
        assert_eq!(well.heard().len(), 20 - has_it, "{place}: nothing twice");
    }
}

async fn a_deleted_or_disabled_account_is_not_waited_for(world: World) {
    let default = Server::which(Way::Accepts).await;
    let office = Office::with_default_at(world, default.port).await.waiting_for_servers(LONG);
    let office = office.leaving_after(Duration::from_millis(200));
    for is_deleted in [false, true] {
        let hanging = Server::which(Way::IsSilentAt("AUTH")).await;
        let hanging_id = match is_deleted {
            false => office.own_account(MailModule::ReceivedPayments, hanging.port).await,
            true => office.own_account(MailModule::InvoicesAndMadePayments, hanging.port).await,
        };
        let mut sent = Vec::new();
        for n in 0..10 {
            let to = format!("c{n}@andina.ec");
            sent.push(if is_deleted { office.pago(&to).await } else { office.cobro(&to).await });
        }
        let running = office.start();
        until("all connections hang", async || hanging.sessions() == 4).await;
        let begun = Moment::now();
        if is_deleted {
            mail_accounts::delete(office.db(), &office.company.actor, hanging_id, &Expected::Any).await.unwrap();
        } else {
            mail_accounts::enable(office.db(), &office.company.actor, hanging_id, false).await.unwrap();
        }
        for one in sent {
            office.wait_for(one, State::Accepted).await;
        }
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        running.stop().await;
    }
}

/// What the server said of a message is neither held up nor lost by what is said to it afterwards: not in doubt, not sent again.
async fn a_refusal_is_on_record_whatever_the_server_does_after_it(world: World) {
    let office = Office::without_default(world).await.waiting_for_servers(LONG).leaving_after(Duration::from_millis(200));
    let server = Server::which(Way::Accepts).await;
    office.own_account(MailModule::ReceivedPayments, server.port).await;
    for (place, words) in [("RCPT", "550 5.1.1 User unknown"), (".", "554 5.7.1 Spam message rejected")] {
        server.now(Way::RefusesAndHearsNoMore(place, words));
        let heard = server.heard().len();
        let (running, begun) = (office.start(), Moment::now());
        // The second finds the first one's connection, and gets another.
        for to in ["uno@andina.ec", "dos@andina.ec"] {
            let cobro = office.cobro(to).await;
            office.wait_for(cobro, State::Failed).await;
        }
        assert!(begun.elapsed() < SOON, "{place}: {:?}", begun.elapsed());
        running.stop().await;
        assert_eq!(office.in_state(State::InDoubt).await, 0, "{place}");
        assert_eq!(server.heard().len() - heard, if place == "." { 2 } else { 0 }, "{place}: nothing twice");
    }
}
