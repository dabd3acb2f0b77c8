//! Who has to act: each envío stands in one group, and every list and count says the same.

use acuse_domain::delivery::{Group, Next, State};
use acuse_domain::failure_policy::{FailurePolicy, OnFailure, PatienceHours};
use acuse_domain::id::{DeliveryId, MailAccountId, PaymentId};
use acuse_domain::mail_account::MailModule;
use acuse_domain::payment::Notify;
use acuse_store::conditions::Conditions;
use acuse_store::deliveries::{self, Delivery, Filter, MoveError, Resolution, Stopped};
use acuse_store::events::{self, EventKind};
use acuse_store::pauses::{self, AccountKey};
use acuse_store::payments::{self, VoidNotice};
use acuse_store::versions::Expected;
use acuse_store::{Page, mail_accounts, routing};
use acuse_testkit::builders::{TestCompany, company, listed, mail_account, received, to};
use acuse_testkit::world::{World, noon, noon_and};

use crate::deliveries::{accept, claim_all, outcome};

on_both_engines!(
    every_state_and_cause_is_counted_alike_everywhere,
    who_sends_decides_what_waits_for_a_person,
    a_later_acceptance_closes_what_it_stands_for_and_nothing_else,
    a_corrected_address_closes_the_chain_of_its_corrections,
    what_is_put_right_for_one_says_nothing_of_another,
    a_correction_that_is_cancelled_stands_for_nothing,
    the_older_one_that_is_accepted_later_closes_the_newer,
    a_resolved_one_is_over_until_it_is_tried_again,
    a_voided_payment_leaves_no_failed_receipt_to_mend,
    what_did_not_fail_is_not_resolved,
);

const COBROS: MailModule = MailModule::ReceivedPayments;
const ALL: Page = Page { after: None, limit: 100 };

async fn found(world: &World, made: &TestCompany, payment: PaymentId) -> Vec<Delivery> {
    deliveries::of_payments(&world.db, made.id, &[payment]).await.unwrap()
}

async fn stopped(world: &World, made: &TestCompany, has_default: bool) -> Stopped {
    Stopped::of(&world.db, made.id, has_default, noon_and(7_200)).await.unwrap()
}

async fn with_account(world: &World, made: &TestCompany) -> MailAccountId {
    mail_accounts::create(&world.db, &world.keys(), &made.actor, &mail_account(COBROS, "a"), None, noon()).await.unwrap()
}

async fn rests(world: &World, id: MailAccountId) {
    pauses::begin(&world.db, AccountKey::Own(id), "bad_credentials", "535 5.7.8 no", noon()).await.unwrap();
}

/// Claims what is due, and lets each end as `end` says of its recipient.
async fn all_end(world: &World, end: impl Fn(&str) -> (Next, Option<&'static str>)) {
    let done: Vec<_> = claim_all(world)
        .await
        .iter()
        .map(|claimed| {
            let (next, problem) = end(claimed.recipient.as_str());
            outcome(claimed, next, "4xx", problem, noon_and(3_601))
        })
        .collect();
    assert!(deliveries::record_attempts(&world.db, &done, noon_and(3_601)).await.unwrap().is_empty());
}

/// The group of each of these is the one that its row says, and the counts, the list and the payments' sums agree.
async fn agree(world: &World, made: &TestCompany, payment: PaymentId, stopped: &Stopped, expected: &[(&str, Group)]) {
    let deliveries_of = found(world, made, payment).await;
    let mut grouped: Vec<(&str, Group)> = deliveries_of.iter().map(|one| (one.recipient.as_str(), one.group(stopped))).collect();
    grouped.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(grouped, expected);
    let counts = deliveries::count_by_group(&world.db, made.id, stopped).await.unwrap();
    for (group, count) in counts {
        let of_group = expected.iter().filter(|(_, own)| *own == group).count() as u64;
        assert_eq!(count, of_group, "{group:?}");
        assert_eq!(deliveries::count_in_group(&world.db, made.id, group, stopped).await.unwrap(), of_group);
        let filter = Filter { group: Some((group, stopped.clone())), ..Filter::default() };
        let shown = listed(deliveries::list(&world.db, made.id, &filter, deliveries::NEWEST, ALL).await);
        assert_eq!(shown.len() as u64, of_group, "the list of {group:?}");
        assert!(shown.iter().all(|one| one.group(stopped) == group));
        assert_eq!(deliveries::count(&world.db, made.id, &filter).await.unwrap(), of_group);
        if group == Group::WithProblems {
            let sums = payments::totals(&world.db, made.id, &payments::Filter::default(), stopped).await.unwrap();
            assert_eq!(sums.with_problems, of_group, "the sums above the payments");
        }
    }
}

async fn every_state_and_cause_is_counted_alike_everywhere(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let account = with_account(&world, &made).await;
    let everybody = "ok@x.ec;gris@x.ec;duda@x.ec;cuenta@x.ec;no@x.ec;mal@x.ec;fuera@x.ec;espera@x.ec";
    let payment = received(made.contacts[0], "1.00").to(everybody).record(&world.db, &made.actor).await.unwrap();
    let fuera = found(&world, &made, payment).await.into_iter().find(|one| one.recipient == "fuera@x.ec").unwrap();
    deliveries::cancel(&world.db, &made.actor, fuera.id, &Conditions::default(), noon()).await.unwrap();
    let at = noon_and(90_000);
    all_end(&world, |recipient| match recipient {
        "ok@x.ec" => (Next::Accepted, None),
        "gris@x.ec" => (Next::Retry { at }, Some("greylisted")),
        "duda@x.ec" => (Next::ConfirmAgain { at }, Some("in_doubt")),
        "cuenta@x.ec" | "espera@x.ec" => (Next::WaitForAccount, Some("bad_credentials")),
        _ => (Next::Failed, Some("mailbox_not_found")),
    })
    .await;
    use Group::{Accepted, Cancelled, UnderWay, WithProblems};
    let of = |waiting: Group| {
        [
            ("ok@x.ec", Accepted),
            ("gris@x.ec", waiting),
            ("duda@x.ec", waiting),
            ("cuenta@x.ec", waiting),
            ("espera@x.ec", waiting),
            ("no@x.ec", WithProblems),
            ("mal@x.ec", WithProblems),
            ("fuera@x.ec", Cancelled),
        ]
    };
    agree(&world, &made, payment, &stopped(&world, &made, true).await, &of(UnderWay)).await;
    rests(&world, account).await;
    agree(&world, &made, payment, &stopped(&world, &made, true).await, &of(WithProblems)).await;
    let mal = found(&world, &made, payment).await.into_iter().find(|one| one.recipient == "mal@x.ec").unwrap();
    deliveries::resolve(&world.db, &made.actor, mal.id, Some("se lo di en mano"), &Conditions::default(), noon_and(4_000))
        .await
        .unwrap();
    let mut resolved = of(WithProblems);
    resolved[6].1 = Group::Resolved;
    agree(&world, &made, payment, &stopped(&world, &made, true).await, &resolved).await;
}

async fn who_sends_decides_what_waits_for_a_person(world: World) {
    let made = world.with(company().with_customer("Andina").with_supplier("Papelera")).await;
    let payment = received(made.contacts[0], "1.00").to("a@x.ec").record(&world.db, &made.actor).await.unwrap();
    let group = async |has_default| {
        let stopped = stopped(&world, &made, has_default).await;
        let group = found(&world, &made, payment).await[0].group(&stopped);
        assert_eq!(deliveries::count_in_group(&world.db, made.id, group, &stopped).await.unwrap(), 1);
        group
    };
    assert_eq!(group(false).await, Group::WithProblems, "nobody sends");
    assert_eq!(group(true).await, Group::UnderWay);
    let account = with_account(&world, &made).await;
    assert_eq!(group(false).await, Group::UnderWay);
    rests(&world, account).await;
    assert_eq!(group(true).await, Group::WithProblems);
    let soon =
        FailurePolicy { on_failure: OnFailure::UseDefault { after: PatienceHours::new(1).unwrap() }, ..FailurePolicy::default() };
    routing::change_policy(&world.db, &made.actor, &Expected::Any, to(soon)).await.unwrap();
    assert_eq!(group(true).await, Group::UnderWay, "the default account sends after an hour");
    assert_eq!(group(false).await, Group::WithProblems, "there is none");
    routing::change_policy(&world.db, &made.actor, &Expected::Any, to(FailurePolicy::default())).await.unwrap();
    assert_eq!(group(true).await, Group::WithProblems);
    pauses::send_waiting_by_default(&world.db, &made.actor, account, noon_and(60)).await.unwrap();
    assert_eq!(group(true).await, Group::UnderWay, "somebody had it sent by the default account");
    assert_eq!(group(false).await, Group::WithProblems);
    pauses::begin(&world.db, AccountKey::Default, "bad_credentials", "535 no", noon()).await.unwrap();
    assert_eq!(group(true).await, Group::WithProblems, "which rests too");
    pauses::end(&world.db, AccountKey::Own(account), noon_and(70)).await.unwrap();
    assert_eq!(group(true).await, Group::UnderWay);
}

/// Sends the receipt again to these addresses, and lets all of them be accepted.
async fn resent(world: &World, made: &TestCompany, payment: PaymentId, typed: &str) {
    let addresses = acuse_domain::email_address::parse_list(typed, 20).unwrap();
    payments::resend(&world.db, &made.actor, payment, &Notify::Addresses(addresses), None, noon()).await.unwrap();
    let claimed = claim_all(world).await;
    accept(world, &claimed, noon_and(4_000)).await;
}

async fn a_later_acceptance_closes_what_it_stands_for_and_nothing_else(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let fails = |recipient: &str| match recipient {
        "bien@x.ec" => (Next::Accepted, None),
        _ => (Next::Failed, Some("mailbox_not_found")),
    };
    for (again, closes) in [("bien@x.ec", false), ("mal@x.ec", true), ("otra@x.ec", true), ("bien@x.ec;otra@x.ec", true)] {
        let payment = received(made.contacts[0], "1.00").to("bien@x.ec;mal@x.ec").record(&world.db, &made.actor).await.unwrap();
        all_end(&world, fails).await;
        resent(&world, &made, payment, again).await;
        let first = found(&world, &made, payment).await.into_iter().find(|one| one.recipient == "mal@x.ec").unwrap();
        let resolution = first.resolution.clone();
        assert_eq!(first.group(&Stopped::default()) == Group::Resolved, closes, "sent again to {again}");
        if closes {
            let by = if again == "mal@x.ec" { "mal@x.ec" } else { "otra@x.ec" };
            assert_eq!(resolution, Some(Resolution::AcceptedFor(by.to_owned())), "sent again to {again}");
        }
    }
    // Asked for the same address once more and refused once more: it is as open as before.
    let payment = received(made.contacts[0], "1.00").to("bien@x.ec;mal@x.ec").record(&world.db, &made.actor).await.unwrap();
    all_end(&world, fails).await;
    let both = acuse_domain::email_address::parse_list("mal@x.ec;bien@x.ec", 20).unwrap();
    payments::resend(&world.db, &made.actor, payment, &Notify::Addresses(both), None, noon()).await.unwrap();
    all_end(&world, fails).await;
    let open = found(&world, &made, payment).await;
    assert_eq!(open.iter().filter(|one| one.group(&Stopped::default()) == Group::WithProblems).count(), 2);
}

async fn a_corrected_address_closes_the_chain_of_its_corrections(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let payment = received(made.contacts[0], "1.00").to("bien@x.ec;mal@x.ec").record(&world.db, &made.actor).await.unwrap();
    let fails = |recipient: &str| match recipient {
        "bien@x.ec" => (Next::Accepted, None),
        _ => (Next::Failed, Some("mailbox_not_found")),
    };
    all_end(&world, fails).await;
    let last_wrong = async || {
        let open = found(&world, &made, payment).await;
        let open: Vec<_> = open.into_iter().filter(|one| one.group(&Stopped::default()) == Group::WithProblems).collect();
        open.last().map(|one| one.id)
    };
    let correct = async |wrong: DeliveryId, right: &str| {
        let right = right.parse().unwrap();
        payments::correct_and_resend(&world.db, &made.actor, wrong, &right, None, noon()).await.unwrap();
        all_end(&world, fails).await;
    };
    correct(last_wrong().await.unwrap(), "peor@x.ec").await;
    assert_eq!(deliveries::count_in_group(&world.db, made.id, Group::WithProblems, &Stopped::default()).await.unwrap(), 1);
    let first = found(&world, &made, payment).await.into_iter().find(|one| one.recipient == "mal@x.ec").unwrap();
    assert_eq!(first.resolution, Some(Resolution::CorrectedTo("peor@x.ec".to_owned())), "the last one stands for both");
    // The same once more, as somebody does who has just been told that the mailbox is there now.
    correct(first.id, "peor@x.ec").await;
    assert_eq!(found(&world, &made, payment).await.len(), 4, "it is sent again: the earlier one had failed");
    correct(last_wrong().await.unwrap(), "bien@x.ec").await;
    assert_eq!(last_wrong().await, None, "an address that had it already was the right one");
    assert_eq!(deliveries::count_in_group(&world.db, made.id, Group::Resolved, &Stopped::default()).await.unwrap(), 3);
}

/// Two addresses are wrong, and one of them is put right: the other one still has no receipt.
async fn what_is_put_right_for_one_says_nothing_of_another(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let fails = |recipient: &str| match recipient.starts_with("bien") {
        true => (Next::Accepted, None),
        false => (Next::Failed, Some("mailbox_not_found")),
    };
    let both = async || {
        let payment = received(made.contacts[0], "1.00").to("uno@x.ec;dos@x.ec").record(&world.db, &made.actor).await.unwrap();
        all_end(&world, fails).await;
        payment
    };
    let open = async |payment| {
        let all = found(&world, &made, payment).await;
        let open = all.into_iter().filter(|one| one.group(&Stopped::default()) == Group::WithProblems);
        open.map(|one| one.recipient).collect::<Vec<_>>()
    };
    let payment = both().await;
    let uno = found(&world, &made, payment).await.into_iter().find(|one| one.recipient == "uno@x.ec").unwrap();
    payments::correct_and_resend(&world.db, &made.actor, uno.id, &"bien@x.ec".parse().unwrap(), None, noon()).await.unwrap();
    all_end(&world, fails).await;
    assert_eq!(open(payment).await, ["dos@x.ec"]);
    // Now there is only one that another address can stand for.
    resent(&world, &made, payment, "bien2@x.ec").await;
    assert_eq!(open(payment).await, [""; 0]);

    let payment = both().await;
    resent(&world, &made, payment, "bien@x.ec").await;
    assert_eq!(open(payment).await, ["uno@x.ec", "dos@x.ec"], "nobody said in whose place");
}

async fn a_correction_that_is_cancelled_stands_for_nothing(world: World) {
    let (made, payment, id) = failed(&world).await;
    let right = "bien@x.ec".parse().unwrap();
    let later = payments::correct_and_resend(&world.db, &made.actor, id, &right, None, noon()).await.unwrap();
    let first = async || found(&world, &made, payment).await.into_iter().find(|one| one.id == id).unwrap().resolution;
    assert_eq!(first().await, Some(Resolution::CorrectedTo("bien@x.ec".to_owned())));
    deliveries::cancel(&world.db, &made.actor, later, &Conditions::default(), noon()).await.unwrap();
    assert_eq!(first().await, None, "nobody sends it now");
}

/// The receipt is asked for again, that fails too, and then the first one is tried again and accepted.
async fn the_older_one_that_is_accepted_later_closes_the_newer(world: World) {
    let (made, payment, id) = failed(&world).await;
    let again = Notify::Addresses(vec!["MAL@x.ec".parse().unwrap()]);
    payments::resend(&world.db, &made.actor, payment, &again, None, noon()).await.unwrap();
    all_end(&world, |_| (Next::Failed, Some("mailbox_full"))).await;
    deliveries::retry(&world.db, &made.actor, id, &Conditions::default(), noon()).await.unwrap();
    let claimed = claim_all(&world).await;
    accept(&world, &claimed, noon_and(5_000)).await;
    let newer = found(&world, &made, payment).await.into_iter().find(|one| one.id != id).unwrap();
    assert_eq!(newer.resolution, Some(Resolution::AcceptedFor("mal@x.ec".to_owned())));
}

/// A cobro whose receipt failed.
async fn failed(world: &World) -> (TestCompany, PaymentId, DeliveryId) {
    let made = world.with(company().with_customer("Andina")).await;
    let payment = received(made.contacts[0], "1.00").to("mal@x.ec").record(&world.db, &made.actor).await.unwrap();
    all_end(world, |_| (Next::Failed, Some("mailbox_not_found"))).await;
    let id = found(world, &made, payment).await[0].id;
    (made, payment, id)
}

async fn a_resolved_one_is_over_until_it_is_tried_again(world: World) {
    let (made, payment, id) = failed(&world).await;
    for _ in 0..2 {
        deliveries::resolve(
            &world.db,
            &made.actor,
            id,
            Some("  se lo di\u{202e} en mano "),
            &Conditions::default(),
            noon_and(4_000),
        )
        .await
        .unwrap();
    }
    let kept = found(&world, &made, payment).await.remove(0);
    let who = made.actor.name.clone();
    let said = Resolution::ByPerson { who: who.clone(), at: noon_and(4_000), reason: Some("se lo di en mano".to_owned()) };
    assert_eq!((kept.state, kept.resolution), (State::Failed, Some(said)));
    let history = events::list(&world.db, made.id, payment.0).await.unwrap();
    let told: Vec<_> = history.iter().filter(|event| event.kind == EventKind::DeliveryResolved).collect();
    assert_eq!(told.len(), 1, "once, however often it is pressed");
    assert_eq!(
        (told[0].who.as_str(), told[0].at, told[0].detail.as_str()),
        (who.as_str(), noon_and(4_000), "mal@x.ec: se lo di en mano")
    );
    deliveries::retry(&world.db, &made.actor, id, &Conditions::default(), noon()).await.unwrap();
    all_end(&world, |_| (Next::Failed, Some("mailbox_not_found"))).await;
    assert_eq!(found(&world, &made, payment).await[0].group(&Stopped::default()), Group::WithProblems);
}

async fn a_voided_payment_leaves_no_failed_receipt_to_mend(world: World) {
    let (made, payment, _) = failed(&world).await;
    let other = received(made.contacts[0], "1.00").to("bien@x.ec").record(&world.db, &made.actor).await.unwrap();
    let claimed = claim_all(&world).await;
    accept(&world, &claimed, noon_and(100)).await;
    for id in [payment, other] {
        payments::void(&world.db, &made.actor, id, "por error", VoidNotice::TellWhoHadIt, &Conditions::default(), noon_and(200))
            .await
            .unwrap();
    }
    all_end(&world, |_| (Next::Failed, Some("mailbox_full"))).await;
    assert_eq!(found(&world, &made, payment).await[0].resolution, Some(Resolution::PaymentVoided));
    let notices = found(&world, &made, other).await;
    let notice = notices.iter().find(|one| one.kind == deliveries::MessageKind::VoidNotice).unwrap();
    assert_eq!(notice.group(&Stopped::default()), Group::WithProblems, "that somebody does not know of the void is open");
}

async fn what_did_not_fail_is_not_resolved(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let payment = received(made.contacts[0], "1.00").to("a@x.ec").record(&world.db, &made.actor).await.unwrap();
    let id = found(&world, &made, payment).await[0].id;
    let resolved = deliveries::resolve(&world.db, &made.actor, id, None, &Conditions::default(), noon()).await;
    assert!(matches!(resolved, Err(MoveError::NotNow(State::Queued))));
}
