use std::collections::BTreeSet;

use acuse_domain::Instant;
use acuse_domain::delivery::{Group, Next, State};
use acuse_domain::id::{DeliveryId, PaymentId};
use acuse_domain::mail_account::MailModule;
use acuse_store::conditions::Conditions;
use acuse_store::deliveries::{self, Claimed, Filter, MoveError, QueueKey, Recorded, SentBy, Stamp, Stopped, Today};
use acuse_store::events::{self, EventKind};
use acuse_store::payments::{self, Notify, ResendError};
use acuse_store::{Db, Page};
use acuse_testkit::builders::{TestCompany, company, listed, made, received};
use acuse_testkit::world::{World, noon, noon_and};
use chrono::TimeDelta;

use crate::idempotency::once;
use crate::payments::deliveries_of;
use crate::record;

/// Seconds that a claim lasts in these tests.
const LEASE: i64 = 60;
/// Late enough for everything that was queued.
const LATER: i64 = 3_600;

on_both_engines!(
    two_workers_at_once_never_hold_the_same_delivery,
    a_claim_takes_no_more_than_it_was_asked,
    each_lane_has_its_own_share,
    an_accepted_delivery_says_so_with_the_servers_words,
    every_outcome_moves_to_its_state,
    a_worker_that_lost_its_lease_may_not_record,
    what_is_given_back_costs_no_attempt,
    only_what_waits_can_be_cancelled,
    a_person_can_try_again_what_failed_but_not_what_arrived,
    each_resend_has_the_next_number,
    a_first_sending_is_no_resend,
    the_same_resend_twice_is_one,
    deliveries_are_found_by_state_module_and_text,
    another_companys_deliveries_are_unknown,
    many_outcomes_are_recorded_by_two_workers_at_once,
);

pub async fn claim(db: &Db, queue: QueueKey, most: u32, now: Instant) -> Vec<Claimed> {
    deliveries::claim_due(db, queue, most, TimeDelta::seconds(LEASE), now).await.unwrap()
}

/// Claims all that is due an hour after noon, whoever's it is.
pub async fn claim_all(world: &World) -> Vec<Claimed> {
    let mut claimed = Vec::new();
    for queue in deliveries::queues_due_any_company(&world.db, noon_and(LATER)).await.unwrap() {
        claimed.extend(claim(&world.db, queue, 1_000, noon_and(LATER)).await);
    }
    claimed
}

pub fn outcome(claimed: &Claimed, next: Next, reply: &str, problem: Option<&str>, at: Instant) -> Recorded {
    Recorded {
        company: claimed.company,
        id: claimed.id,
        fence: claimed.fence,
        at,
        duration_ms: 42,
        phase: "message",
        reply: reply.to_string(),
        problem_code: problem.map(str::to_string),
        message_id: format!("{}@acuse.example", claimed.id),
        stamp: Stamp {
            source: "company",
            server: "smtp.example.com:587".into(),
            from_address: "cobros@distripichincha.ec".into(),
        },
        next,
    }
}

pub async fn accept(world: &World, claimed: &[Claimed], at: Instant) {
    let done: Vec<_> = claimed.iter().map(|claimed| outcome(claimed, Next::Accepted, "250 2.0.0 OK", None, at)).collect();
    assert!(deliveries::record_attempts(&world.db, &done, at).await.unwrap().is_empty());
}

/// A company with one cobro per address, and the queue that its receipts wait in.
async fn with_queued(world: &World, addresses: &[&str]) -> (TestCompany, Vec<PaymentId>, QueueKey) {
    let made = world.with(company().with_customer("Andina")).await;
    let mut ids = Vec::new();
    for address in addresses {
        ids.push(received(made.contacts[0], "1.00").to(address).record(&world.db, &made.actor).await.unwrap());
    }
    let queue = QueueKey { company: made.id, module: MailModule::ReceivedPayments };
    (made, ids, queue)
}

async fn state(world: &World, claimed: &Claimed) -> State {
    deliveries::find(&world.db, claimed.company, claimed.id).await.unwrap().unwrap().state
}

async fn two_workers_at_once_never_hold_the_same_delivery(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let everybody: Vec<String> = (0..120).map(|n| format!("p{n}@andina.ec")).collect();
    received(made.contacts[0], "1.00").to(&everybody.join(";")).record(&world.db, &made.actor).await.unwrap();
    let queue = QueueKey { company: made.id, module: MailModule::ReceivedPayments };
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let db = world.db.clone();
            tokio::spawn(async move {
                let mut held = Vec::new();
                let mut empty = 0;
                // A worker may find nothing because another is just claiming it.
                while empty < 3 && held.len() <= 120 {
                    let claimed = claim(&db, queue, 7, noon()).await;
                    empty = if claimed.is_empty() { empty + 1 } else { 0 };
                    held.extend(claimed.into_iter().map(|claimed| (claimed.id, claimed.fence)));
                }
                held
            })
        })
        .collect();
    let mut held: Vec<(DeliveryId, i64)> = Vec::new();
    for worker in workers {
        held.extend(worker.await.unwrap());
    }
    assert_eq!(held.len(), 120);
    assert_eq!(held.iter().collect::<BTreeSet<_>>().len(), 120);
    assert!(held.iter().all(|(_, fence)| *fence == 1));
}

async fn a_claim_takes_no_more_than_it_was_asked(world: World) {
    let addresses: Vec<String> = (0..30).map(|n| format!("p{n}@andina.ec")).collect();
    let (_, _, queue) = with_queued(&world, &addresses.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert!(claim(&world.db, queue, 5, noon_and(-1)).await.is_empty());
    let first: Vec<_> = claim(&world.db, queue, 5, noon()).await;
    assert_eq!(first.iter().map(|claimed| claimed.recipient.as_str()).collect::<Vec<_>>(), &addresses[..5]);
    assert_eq!(claim(&world.db, queue, 50, noon()).await.len(), 25);
    assert!(claim(&world.db, queue, 50, noon_and(LATER)).await.is_empty());
}

async fn each_lane_has_its_own_share(world: World) {
    let (busy, _, busy_queue) = with_queued(&world, &["a@x.ec", "b@x.ec", "c@x.ec"]).await;
    let quiet = world.with(company().with_supplier("Textiles")).await;
    made(quiet.contacts[0], "1.00").notifying().record(&world.db, &quiet.actor).await.unwrap();
    let quiet_queue = QueueKey { company: quiet.id, module: MailModule::InvoicesAndMadePayments };
    let mut due = deliveries::queues_due_any_company(&world.db, noon()).await.unwrap();
    due.sort();
    let mut expected = [busy_queue, quiet_queue];
    expected.sort();
    assert_eq!(due, expected);
    assert!(deliveries::queues_due_any_company(&world.db, noon_and(-1)).await.unwrap().is_empty());
    assert_eq!(claim(&world.db, quiet_queue, 50, noon()).await.len(), 1);
    assert_eq!(deliveries::queues_due_any_company(&world.db, noon()).await.unwrap(), [busy_queue]);
    assert!(claim(&world.db, QueueKey { module: MailModule::InvoicesAndMadePayments, ..busy_queue }, 9, noon()).await.is_empty());
    assert_eq!(claim(&world.db, busy_queue, 50, noon()).await.len(), 3);
    assert!(deliveries::queues_due_any_company(&world.db, noon()).await.unwrap().is_empty());
    assert_eq!(busy.id, busy_queue.company);
}

async fn an_accepted_delivery_says_so_with_the_servers_words(world: World) {
    let (made, ids, queue) = with_queued(&world, &["pagos@andina.ec"]).await;
    let claimed = claim(&world.db, queue, 1, noon()).await.pop().unwrap();
    assert_eq!((claimed.attempt, claimed.fence, claimed.payment, claimed.queued_at), (1, 1, ids[0], noon()));
    assert_eq!(claimed.receipt.number, "RC-000001");
    assert_eq!(state(&world, &claimed).await, State::Sending);
    accept(&world, std::slice::from_ref(&claimed), noon_and(2)).await;
    let kept = deliveries::find(&world.db, made.id, claimed.id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.reply.as_deref(), kept.finished_at), (State::Accepted, Some("250 2.0.0 OK"), Some(noon_and(2))));
    assert_eq!(kept.message_id, Some(format!("{}@acuse.example", claimed.id)));
    let account = ("company", "smtp.example.com:587", "cobros@distripichincha.ec");
    assert_eq!(kept.account.as_ref().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())), Some(account));
    assert_eq!((kept.attempts.len(), kept.attempts[0].duration_ms, kept.attempts[0].state), (1, 42, State::Accepted));
    assert_eq!((kept.next_attempt_at, kept.problem_code), (None, None));
    let today = async |by| deliveries::today_of_module(&world.db, made.id, queue.module, by, noon()).await.unwrap();
    assert_eq!(today(SentBy::Own("cobros@distripichincha.ec")).await, Today { accepted: 1, waiting: 0, failed: 0 });
    assert_eq!(
        today(SentBy::Own("nuevo@distripichincha.ec")).await,
        Today::default(),
        "what another account sent is not its own"
    );
    assert_eq!(today(SentBy::Default).await, Today::default());
}

async fn every_outcome_moves_to_its_state(world: World) {
    let (made, _, queue) = with_queued(&world, &["a@x.ec", "b@x.ec", "c@x.ec", "d@x.ec"]).await;
    let claimed = claim(&world.db, queue, 4, noon()).await;
    let [at, again] = [noon_and(60), noon_and(900)];
    let nexts = [Next::Retry { at }, Next::ConfirmAgain { at: again }, Next::Failed, Next::WaitForAccount];
    let done: Vec<_> = claimed
        .iter()
        .zip(nexts)
        .map(|(claimed, next)| outcome(claimed, next, "451 4.7.1", Some("greylisted"), noon_and(1)))
        .collect();
    assert!(deliveries::record_attempts(&world.db, &done, noon_and(1)).await.unwrap().is_empty());
    let expected = [
        (State::Deferred, Some(at), None),
        (State::InDoubt, Some(again), None),
        (State::Failed, None, Some(noon_and(1))),
        (State::Queued, Some(noon_and(1)), None),
    ];
    for (claimed, (state, next, finished)) in claimed.iter().zip(expected) {
        let kept = deliveries::find(&world.db, made.id, claimed.id).await.unwrap().unwrap();
        assert_eq!((kept.state, kept.next_attempt_at, kept.finished_at), (state, next, finished));
        assert_eq!(kept.problem_code.as_deref(), Some("greylisted"));
    }
    assert_eq!(claim(&world.db, queue, 9, noon_and(59)).await.len(), 1);
    let second = claim(&world.db, queue, 9, noon_and(60)).await;
    assert_eq!(second.iter().map(|claimed| (claimed.id, claimed.attempt)).collect::<Vec<_>>(), [(claimed[0].id, 2)]);
    assert_eq!(second[0].message_id, Some(format!("{}@acuse.example", claimed[0].id)));
    let counted = deliveries::count_by_group(&world.db, made.id, &Stopped::default()).await.unwrap();
    let counted: Vec<_> = counted.into_iter().filter(|(_, n)| *n > 0).collect();
    assert_eq!(counted, [(Group::WithProblems, 1), (Group::UnderWay, 3)]);
    let by = SentBy::Own("cobros@distripichincha.ec");
    let today = deliveries::today_of_module(&world.db, made.id, queue.module, by, noon()).await.unwrap();
    assert_eq!(today, Today { accepted: 0, waiting: 3, failed: 1 });
}

async fn a_worker_that_lost_its_lease_may_not_record(world: World) {
    let (made, _, queue) = with_queued(&world, &["a@x.ec"]).await;
    let slow = claim(&world.db, queue, 1, noon()).await.pop().unwrap();
    assert_eq!(deliveries::release_expired_any_company(&world.db, noon_and(LEASE)).await.unwrap(), 0);
    assert_eq!(deliveries::release_expired_any_company(&world.db, noon_and(LEASE + 1)).await.unwrap(), 1);
    let late = outcome(&slow, Next::Failed, "554", None, noon_and(LEASE + 2));
    let lost = deliveries::record_attempts(&world.db, std::slice::from_ref(&late), noon_and(LEASE + 2)).await.unwrap();
    assert_eq!(lost, [deliveries::LostLease(slow.id)]);
    let second = claim(&world.db, queue, 1, noon_and(LEASE + 2)).await.pop().unwrap();
    assert_eq!((second.id, second.fence), (slow.id, 2));
    let lost = deliveries::record_attempts(&world.db, &[late], noon_and(LEASE + 3)).await.unwrap();
    assert_eq!(lost, [deliveries::LostLease(slow.id)]);
    assert_eq!(state(&world, &second).await, State::Sending);
    let renewed = deliveries::renew(&world.db, &[slow.claim()], TimeDelta::seconds(LEASE), noon()).await.unwrap();
    assert_eq!(renewed, 0);
    deliveries::return_to_queue(&world.db, &[slow.claim()], noon()).await.unwrap();
    assert_eq!(state(&world, &second).await, State::Sending);
    accept(&world, std::slice::from_ref(&second), noon_and(LEASE + 4)).await;
    let kept = deliveries::find(&world.db, made.id, slow.id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.attempts.len()), (State::Accepted, 1));
}

async fn what_is_given_back_costs_no_attempt(world: World) {
    let (_, _, queue) = with_queued(&world, &["a@x.ec"]).await;
    let held = claim(&world.db, queue, 1, noon()).await.pop().unwrap();
    deliveries::return_to_queue(&world.db, &[held.claim()], noon_and(5)).await.unwrap();
    assert_eq!(state(&world, &held).await, State::Queued);
    let again = claim(&world.db, queue, 1, noon_and(5)).await.pop().unwrap();
    assert_eq!((again.attempt, again.fence), (1, 2));
}

async fn only_what_waits_can_be_cancelled(world: World) {
    let (made, ids, queue) = with_queued(&world, &["a@x.ec", "b@x.ec"]).await;
    let (db, by) = (&world.db, &made.actor);
    let all = deliveries::of_payments(db, made.id, &ids).await.unwrap();
    deliveries::cancel(db, by, all[0].id, &Conditions::default(), noon_and(1)).await.unwrap();
    let again = deliveries::cancel(db, by, all[0].id, &Conditions::default(), noon_and(1)).await;
    assert!(matches!(again, Err(MoveError::NotNow(State::Cancelled))), "{again:?}");
    let history = events::list(db, made.id, ids[0].0).await.unwrap();
    assert_eq!((history[0].kind, history[0].detail.as_str()), (EventKind::DeliveryCancelled, "a@x.ec"));
    let held = claim(db, queue, 9, noon()).await;
    assert_eq!(held.iter().map(|claimed| claimed.id).collect::<Vec<_>>(), [all[1].id]);
    let sending = deliveries::cancel(db, by, all[1].id, &Conditions::default(), noon()).await;
    assert!(matches!(sending, Err(MoveError::NotNow(State::Sending))), "{sending:?}");
    let later = outcome(&held[0], Next::Retry { at: noon_and(60) }, "451", None, noon());
    deliveries::record_attempts(db, &[later], noon()).await.unwrap();
    deliveries::cancel(db, by, all[1].id, &Conditions::default(), noon()).await.unwrap();
    assert!(claim(db, queue, 9, noon_and(LATER)).await.is_empty());
}

async fn a_person_can_try_again_what_failed_but_not_what_arrived(world: World) {
    let (made, ids, queue) = with_queued(&world, &["a@x.ec", "b@x.ec", "c@x.ec"]).await;
    let (db, by) = (&world.db, &made.actor);
    let held = claim(db, queue, 9, noon()).await;
    let sending = deliveries::retry(db, by, held[0].id, &Conditions::default(), noon()).await;
    assert!(matches!(sending, Err(MoveError::NotNow(State::Sending))), "{sending:?}");
    let nexts = [Next::Accepted, Next::Failed, Next::Retry { at: noon_and(LATER) }];
    let done: Vec<_> = held.iter().zip(nexts).map(|(held, next)| outcome(held, next, "…", None, noon())).collect();
    deliveries::record_attempts(db, &done, noon()).await.unwrap();
    let accepted = deliveries::retry(db, by, held[0].id, &Conditions::default(), noon()).await;
    assert!(matches!(accepted, Err(MoveError::NotNow(State::Accepted))), "{accepted:?}");
    for held in &held[1..] {
        deliveries::retry(db, by, held.id, &Conditions::default(), noon_and(5)).await.unwrap();
    }
    let again = claim(db, queue, 9, noon_and(5)).await;
    let found: BTreeSet<_> = again.iter().map(|claimed| (claimed.id, claimed.attempt, claimed.queued_at)).collect();
    // What had failed begins anew, with 48 hours ahead of it; what was waiting only waits no longer.
    assert_eq!(found, BTreeSet::from([(held[1].id, 1, noon_and(5)), (held[2].id, 2, noon())]));
    assert_eq!(events::list(db, made.id, ids[1].0).await.unwrap()[0].kind, EventKind::DeliveryRetried);
    accept(&world, &again, noon_and(6)).await;
    assert_eq!(deliveries::find(db, made.id, held[1].id).await.unwrap().unwrap().attempts.len(), 2);
}

async fn each_resend_has_the_next_number(world: World) {
    let (made, ids, _) = with_queued(&world, &["a@x.ec"]).await;
    let (db, by) = (&world.db, &made.actor);
    accept(&world, &claim_all(&world).await, noon_and(3)).await;
    let to = |typed: &str| Notify::Addresses(acuse_domain::email_address::parse_list(typed, 20).unwrap());
    payments::resend(db, by, ids[0], &Notify::Contact, None, noon_and(10)).await.unwrap();
    let second = payments::resend(db, by, ids[0], &to("a@x.ec;nueva@x.ec"), None, noon_and(20)).await.unwrap();
    let found = deliveries_of(&world, &made, ids[0]).await;
    let resent: Vec<_> = found.iter().map(|(address, _, resend)| (address.as_str(), *resend)).collect();
    assert_eq!(resent, [("a@x.ec", None), ("pagos@andina.ec", Some(1)), ("a@x.ec", Some(2)), ("nueva@x.ec", Some(2))]);
    let together = deliveries::queued_with(db, made.id, second).await.unwrap();
    assert_eq!(together.iter().map(|delivery| delivery.recipient.as_str()).collect::<Vec<_>>(), ["a@x.ec", "nueva@x.ec"]);
    let claimed = claim_all(&world).await;
    let first_accepted: Vec<_> =
        claimed.iter().map(|claimed| claimed.earlier.as_ref().unwrap().first_accepted.as_ref().map(|(at, _)| *at)).collect();
    assert_eq!(first_accepted, [None, Some(noon_and(3)), None]);
    assert_eq!(events::list(db, made.id, ids[0].0).await.unwrap()[0].detail, "a@x.ec, nueva@x.ec");
}

async fn a_first_sending_is_no_resend(world: World) {
    let made = world.with(company().with_customer("Andina").with_customer("Sin correo").with_emails("")).await;
    let (db, by) = (&world.db, &made.actor);
    let id = received(made.contacts[0], "1.00").record(db, by).await.unwrap();
    payments::resend(db, by, id, &Notify::Contact, None, noon()).await.unwrap();
    assert_eq!(deliveries_of(&world, &made, id).await, [("pagos@andina.ec".to_string(), State::Queued, None)]);
    let nowhere = received(made.contacts[1], "1.00").record(db, by).await.unwrap();
    let before = record::of_everything(&world).await;
    let refused = payments::resend(db, by, nowhere, &Notify::Contact, Some(&once("k", 1)), noon()).await;
    assert!(matches!(refused, Err(ResendError::ContactHasNoEmail)), "{refused:?}");
    let to_nobody = payments::resend(db, by, id, &Notify::Nobody, None, noon()).await;
    assert!(matches!(to_nobody, Err(ResendError::ContactHasNoEmail)), "{to_nobody:?}");
    assert_eq!(record::of_everything(&world).await, before);
}

async fn the_same_resend_twice_is_one(world: World) {
    let (made, ids, _) = with_queued(&world, &["a@x.ec"]).await;
    let (db, by) = (&world.db, &made.actor);
    let resend = async |body| payments::resend(db, by, ids[0], &Notify::Contact, Some(&once("k", body)), noon()).await;
    assert_eq!(resend(1).await.unwrap(), resend(1).await.unwrap());
    let other = resend(2).await;
    assert!(matches!(other, Err(ResendError::Once(_))), "{other:?}");
    assert_eq!(deliveries_of(&world, &made, ids[0]).await.len(), 2);
}

async fn deliveries_are_found_by_state_module_and_text(world: World) {
    let made_company = world.with(company().with_customer("Ñandú S.A.").with_supplier("Textiles")).await;
    let (db, by) = (&world.db, &made_company.actor);
    received(made_company.contacts[0], "1.00").to("uno_a@x.ec").record(db, by).await.unwrap();
    received(made_company.contacts[0], "1.00").to("dosXa@x.ec").record(db, by).await.unwrap();
    made(made_company.contacts[1], "1.00").to("tres@x.ec").record(db, by).await.unwrap();
    let module = MailModule::ReceivedPayments;
    let claimed = claim(db, QueueKey { company: made_company.id, module }, 1, noon()).await;
    deliveries::record_attempts(db, &[outcome(&claimed[0], Next::Failed, "550", Some("no_such_user"), noon())], noon())
        .await
        .unwrap();
    let find = async |filter: Filter| -> Vec<String> {
        let found =
            listed(deliveries::list(db, made_company.id, &filter, deliveries::NEWEST, Page { after: None, limit: 50 }).await);
        found.into_iter().map(|delivery| delivery.recipient).collect()
    };
    let text = |text: &str| Filter { text: Some(text.to_string()), ..Filter::default() };
    assert_eq!(find(Filter::default()).await, ["tres@x.ec", "dosXa@x.ec", "uno_a@x.ec"]);
    assert_eq!(find(text("nandu")).await, ["dosXa@x.ec", "uno_a@x.ec"]);
    assert_eq!(find(text("_a@")).await, ["uno_a@x.ec"]);
    assert_eq!(find(text("DOSXA")).await, ["dosXa@x.ec"]);
    assert_eq!(find(text("RP-1")).await, ["tres@x.ec"]);
    assert!(find(text("RP-2")).await.is_empty());
    assert_eq!(find(Filter { states: vec![State::Failed], ..Filter::default() }).await, ["uno_a@x.ec"]);
    assert_eq!(find(Filter { module: Some(module), ..text("dos") }).await, ["dosXa@x.ec"]);
    assert_eq!(find(Filter { problem_code: Some("no_such_user".into()), ..Filter::default() }).await, ["uno_a@x.ec"]);
    let first = listed(
        deliveries::list(db, made_company.id, &Filter::default(), deliveries::NEWEST, Page { after: None, limit: 2 }).await,
    );
    let page = Page { after: Some(first[1].id.0), limit: 2 };
    let rest = listed(deliveries::list(db, made_company.id, &Filter::default(), deliveries::NEWEST, page).await);
    assert_eq!(rest.iter().map(|delivery| delivery.recipient.as_str()).collect::<Vec<_>>(), ["uno_a@x.ec"]);
}

async fn another_companys_deliveries_are_unknown(world: World) {
    let (ours, ids, _) = with_queued(&world, &["a@x.ec"]).await;
    let theirs = world.with(company()).await;
    let db = &world.db;
    let id = deliveries::of_payments(db, ours.id, &ids).await.unwrap()[0].id;
    assert_eq!(deliveries::find(db, theirs.id, id).await.unwrap(), None);
    assert!(deliveries::queued_with(db, theirs.id, id).await.unwrap().is_empty());
    assert!(
        listed(deliveries::list(db, theirs.id, &Filter::default(), deliveries::NEWEST, Page { after: None, limit: 9 }).await)
            .is_empty()
    );
    assert!(matches!(deliveries::cancel(db, &theirs.actor, id, &Conditions::default(), noon()).await, Err(MoveError::NotFound)));
    assert!(matches!(deliveries::retry(db, &theirs.actor, id, &Conditions::default(), noon()).await, Err(MoveError::NotFound)));
    assert!(matches!(
        deliveries::resolve(db, &theirs.actor, id, None, &Conditions::default(), noon()).await,
        Err(MoveError::NotFound)
    ));
    let counted = deliveries::count_by_group(db, theirs.id, &Stopped::default()).await.unwrap();
    assert!(counted.into_iter().all(|(_, n)| n == 0));
}

async fn many_outcomes_are_recorded_by_two_workers_at_once(world: World) {
    let addresses: Vec<String> = (0..40).map(|n| format!("p{n}@andina.ec")).collect();
    let (made, _, queue) = with_queued(&world, &addresses.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let held = claim(&world.db, queue, 50, noon()).await;
    let done: Vec<_> = held.iter().map(|held| outcome(held, Next::Accepted, "250", None, noon())).collect();
    let backwards: Vec<_> = done.iter().rev().cloned().collect();
    let (one, other, released) = tokio::join!(
        deliveries::record_attempts(&world.db, &done, noon()),
        deliveries::record_attempts(&world.db, &backwards, noon()),
        deliveries::release_expired_any_company(&world.db, noon()),
    );
    assert_eq!(one.unwrap().len() + other.unwrap().len(), 40);
    assert_eq!(released.unwrap(), 0);
    assert_eq!(deliveries::count_in(&world.db, made.id, &[State::Accepted]).await.unwrap(), 40);
}
