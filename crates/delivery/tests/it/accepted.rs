//! A payment is recorded, and its receipt arrives.

use std::net::Ipv4Addr;

use acuse_domain::delivery::State;
use acuse_domain::mail_account::MailModule;
use acuse_domain::payment::Notify;
use acuse_mail::catcher::Catcher;
use acuse_mail::caught::{self, ReadMail};
use acuse_store::conditions::Conditions;
use acuse_store::deliveries::MessageKind;
use acuse_store::payments::{self, VoidNotice};
use acuse_store::{mail_accounts, now};
use acuse_testkit::outside;
use acuse_testkit::world::World;

use crate::office::{DEFAULT_SENDER, Office, own_form};
use crate::smtp::{Server, Way};

on_both_engines!(
    a_recorded_payment_is_accepted_with_the_servers_words,
    each_module_has_its_own_account,
    a_resend_says_so_only_where_the_first_arrived,
    who_had_the_receipt_of_a_voided_payment_is_told,
    each_recipient_has_a_delivery_of_its_own,
);

async fn catcher() -> Catcher {
    Catcher::start((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap()
}

/// The mails of that address, oldest first.
fn mails(catcher: &Catcher, to: &str) -> Vec<ReadMail> {
    let mut found = catcher.messages();
    found.reverse();
    found.iter().filter(|caught| caught.rcpt_to == [to]).map(|caught| caught::parse(&caught.raw)).collect()
}

async fn a_recorded_payment_is_accepted_with_the_servers_words(world: World) {
    let catcher = catcher().await;
    let office = Office::with_default_at(world, catcher.local_addr().port()).await;
    let running = office.start();
    let cobro = office.cobro("pagos@andina.ec").await;
    let delivery = office.wait_for(cobro, State::Accepted).await;
    running.stop().await;

    assert!(delivery.reply.as_deref().unwrap().starts_with("250 "), "{delivery:?}");
    assert_eq!(delivery.account, Some(("default".into(), "127.0.0.1".into(), DEFAULT_SENDER.into())));
    assert_eq!((delivery.next_attempt_at, delivery.problem_code), (None, None));
    let [attempt] = delivery.attempts.as_slice() else { panic!("one attempt: {:?}", delivery.attempts) };
    assert_eq!((attempt.phase.as_str(), attempt.state), ("message", State::Accepted));
    assert_eq!(Some(&attempt.reply), delivery.reply.as_ref());
    assert!((0..30_000).contains(&attempt.duration_ms) && (now() - attempt.at).num_seconds() < 60, "{attempt:?}");

    let raw = catcher.messages()[0].raw.clone();
    assert!(String::from_utf8_lossy(&raw).contains("Auto-Submitted: auto-generated\r\n"));
    let mail = caught::parse(&raw);
    assert_eq!(mail.from[0].name.as_deref(), Some("Distribuidora Pichincha Compañía Limitada"));
    assert_eq!(mail.from[0].address, DEFAULT_SENDER);
    assert_eq!(mail.reply_to[0].address, "contabilidad@distripichincha.ec");
    assert_eq!(mail.message_id, delivery.message_id);
    assert_eq!(mail.attachments[0].name, "Recibo-RC-000001.pdf");
    assert!(mail.attachments[0].bytes.starts_with(b"%PDF"));
    assert!(mail.subject.contains("RC-000001") && mail.text.is_some() && mail.html.is_some(), "{}", mail.subject);
}

async fn each_module_has_its_own_account(world: World) {
    let (own, default) = (Server::which(Way::Accepts).await, Server::which(Way::Accepts).await);
    let office = Office::with_default_at(world, default.port).await;
    let id = office.own_account(MailModule::ReceivedPayments, own.port).await;
    let running = office.start();
    let (cobro, pago) = (office.cobro("pagos@andina.ec").await, office.pago("ventas@bodega.ec").await);
    let (cobrado, pagado) = (office.wait_for(cobro, State::Accepted).await, office.wait_for(pago, State::Accepted).await);
    assert_eq!((own.heard().len(), default.heard().len()), (1, 1));
    assert_eq!(cobrado.account.unwrap().0, "company");
    assert_eq!(pagado.account.unwrap().0, "default");
    let mail = own.heard()[0].read();
    assert_eq!((mail.from[0].name.as_deref(), mail.reply_to.len()), (Some("DistriPichincha"), 0));
    assert_eq!(default.heard()[0].read().attachments[0].name, "Recibo-RP-000001.pdf");

    // Without a name of its own it still is the company's account: answers go to whom it says.
    let mut form = own_form(MailModule::ReceivedPayments, own.port);
    form.settings.from_name = String::new();
    form.settings.reply_to = Some("caja@distripichincha.ec".parse().unwrap());
    mail_accounts::change(office.db(), &office.world.keys(), &office.company.actor, id, &form).await.unwrap();
    let cobro = office.cobro("pagos@andina.ec").await;
    office.wait_for(cobro, State::Accepted).await;
    assert_eq!(own.heard()[1].read().reply_to[0].address, "caja@distripichincha.ec");

    mail_accounts::enable(office.db(), &office.company.actor, id, false).await.unwrap();
    let cobro = office.cobro("pagos@andina.ec").await;
    assert_eq!(office.wait_for(cobro, State::Accepted).await.account.unwrap().0, "default");
    running.stop().await;
}

async fn a_resend_says_so_only_where_the_first_arrived(world: World) {
    let server = Server::which(Way::Accepts).await;
    let office = Office::with_default_at(world, server.port).await;
    let running = office.start();
    let resend = async |payment| {
        payments::resend(office.db(), &office.company.actor, payment, &Notify::Contact, None, now()).await.unwrap()
    };
    let arrived = office.cobro("pagos@andina.ec").await;
    let first = office.wait_for(arrived, State::Accepted).await;
    let again = resend(arrived).await;
    crate::office::until("the resend is accepted", async || office.find(again).await.state == State::Accepted).await;
    let mail = server.heard()[1].read();
    assert!(mail.subject.contains("reenvío 1"), "{}", mail.subject);
    assert_eq!((office.find(again).await.resend, mail.in_reply_to), (Some(1), first.message_id));

    server.now(Way::SaysOfRecipient("550 5.1.1 User unknown"));
    let refused = office.cobro("pagos@andina.ec").await;
    office.wait_for(refused, State::Failed).await;
    server.now(Way::Accepts);
    let again = resend(refused).await;
    crate::office::until("the resend is accepted", async || office.find(again).await.state == State::Accepted).await;
    let mail = server.heard()[2].read();
    assert!(!mail.subject.contains("reenvío"), "it never arrived: {}", mail.subject);
    assert_eq!(mail.in_reply_to, None);
    running.stop().await;
}

async fn who_had_the_receipt_of_a_voided_payment_is_told(world: World) {
    let catcher = catcher().await;
    let office = Office::with_default_at(world, catcher.local_addr().port()).await;
    let running = office.start();
    let cobro = office.cobro("pagos@andina.ec; llena@andina.ec").await;
    crate::office::until("one arrived and one waits", async || {
        office.in_state(State::Accepted).await == 1 && office.in_state(State::Deferred).await == 1
    })
    .await;
    payments::void(
        office.db(),
        &office.company.actor,
        cobro,
        "Se registró dos veces",
        VoidNotice::TellWhoHadIt,
        &Conditions::default(),
        now(),
    )
    .await
    .unwrap();
    let notice = office.wait_for(cobro, State::Accepted).await;
    let never = Notify::Addresses(vec!["nunca@andina.ec".parse().unwrap()]);
    let other = payments::resend(office.db(), &office.company.actor, cobro, &never, None, now()).await.unwrap();
    crate::office::until("the other one is told", async || office.find(other).await.state == State::Accepted).await;
    outside::waits_are_over(&office.world.url).await;
    running.stop().await;
    assert_eq!((notice.kind, notice.recipient.as_str()), (MessageKind::VoidNotice, "pagos@andina.ec"));
    assert_eq!(office.in_state(State::Cancelled).await, 1, "what had not arrived is not sent any more");
    let told = mails(&catcher, "pagos@andina.ec");
    assert_eq!((told.len(), catcher.count()), (2, 3));
    assert!(told[1].subject.to_lowercase().contains("anul"), "{}", told[1].subject);
    let text = |mail: &ReadMail| mail.text.as_deref().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let said = text(&told[1]);
    assert!(said.contains("RC-000001 que le enviamos el "), "it names the mail that it takes back: {said}");
    assert_eq!(told[1].in_reply_to, told[0].message_id, "and stands under it");
    let said = text(&mails(&catcher, "nunca@andina.ec")[0]);
    assert!(said.contains("RC-000001 emitido el ") && !said.contains("le enviamos"), "they were sent nothing: {said}");
}

async fn each_recipient_has_a_delivery_of_its_own(world: World) {
    let catcher = catcher().await;
    let office = Office::with_default_at(world, catcher.local_addr().port()).await;
    let running = office.start();
    office.cobro("pagos@andina.ec; rebota@andina.ec; gerencia@andina.ec").await;
    crate::office::until("all have ended", async || {
        office.in_state(State::Accepted).await == 2 && office.in_state(State::Failed).await == 1
    })
    .await;
    running.stop().await;
    assert_eq!(catcher.count(), 2);
    assert_ne!(mails(&catcher, "pagos@andina.ec")[0].message_id, mails(&catcher, "gerencia@andina.ec")[0].message_id);
}
