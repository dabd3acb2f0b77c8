use acuse_domain::day_in_ecuador;
use acuse_domain::delivery::Next;
use acuse_domain::failure_policy::{FailurePolicy, OnFailure, PatienceHours};
use acuse_domain::id::MailAccountId;
use acuse_domain::mail_account::{LastCheck, MailModule};
use acuse_store::claims::Claim;
use acuse_store::deliveries::{self, QueueKey, SentBy};
use acuse_store::health::{self, Ending};
use acuse_store::pauses::{self, AccountKey, AccountVersion, Fault, OFTEN};
use acuse_store::versions::Expected;
use acuse_store::{Db, mail_accounts, routing};
use acuse_testkit::builders::{TestCompany, company, mail_account, received, to};
use acuse_testkit::world::{World, noon, noon_and};
use chrono::TimeDelta;

use crate::deliveries::{claim, outcome};

const COBROS: MailModule = MailModule::ReceivedPayments;
const DAY: i64 = 24 * 3_600;

on_both_engines!(
    a_company_waits_until_it_chooses_otherwise,
    a_probe_is_made_by_one,
    a_server_out_of_reach_is_tried_more_often,
    one_delivery_tries_what_a_check_cannot,
    a_probe_of_an_account_that_was_mended_changes_nothing,
    what_was_learnt_of_earlier_settings_is_not_written_on_the_new_ones,
    what_waits_now_can_be_sent_by_the_default_account_once,
    what_was_put_off_for_the_account_leaves_when_it_works,
    a_certificate_is_announced_once_and_two_weeks_ahead,
    a_certificate_that_was_seen_long_ago_is_looked_at_again,
    the_days_count_what_was_accepted,
    an_own_accounts_last_success_is_known,
);

async fn with_account(world: &World) -> (TestCompany, MailAccountId) {
    let made = world.with(company().with_customer("Andina")).await;
    let form = mail_account(COBROS, "a");
    let id = mail_accounts::create(&world.db, &world.keys(), &made.actor, &form, None, noon()).await.unwrap();
    (made, id)
}

/// The one probe that is due.
async fn probe(db: &Db, at: i64) -> Claim {
    let [probe] = &pauses::take_probes_any_company(db, 10, noon_and(at)).await.unwrap()[..] else { panic!("one is due") };
    probe.claim
}

async fn a_company_waits_until_it_chooses_otherwise(world: World) {
    let (ours, theirs) = (world.with(company()).await, world.with(company()).await);
    assert_eq!(routing::policy(&world.db, ours.id).await.unwrap(), FailurePolicy::default());
    let chosen = FailurePolicy {
        on_failure: OnFailure::UseDefault { after: PatienceHours::new(72).unwrap() },
        notify: vec!["a@x.ec".parse().unwrap(), "b@x.ec".parse().unwrap()],
    };
    routing::change_policy(&world.db, &ours.actor, &Expected::Any, to(chosen.clone())).await.unwrap();
    assert_eq!(routing::policy(&world.db, ours.id).await.unwrap(), chosen);
    assert_eq!(routing::policy(&world.db, theirs.id).await.unwrap(), FailurePolicy::default());
    routing::change_policy(&world.db, &ours.actor, &Expected::Any, to(FailurePolicy::default())).await.unwrap();
    assert_eq!(routing::policy(&world.db, ours.id).await.unwrap(), FailurePolicy::default());
}

async fn a_probe_is_made_by_one(world: World) {
    let (made, id) = with_account(&world).await;
    let db = &world.db;
    pauses::begin(db, AccountKey::Own(id), "bad_credentials", "535", noon()).await.unwrap();
    pauses::begin(db, AccountKey::Default, "bad_credentials", "535", noon()).await.unwrap();
    assert!(pauses::take_probes_any_company(db, 10, noon_and(60)).await.unwrap().is_empty(), "not yet");
    let due = noon_and(15 * 60);
    let other = world.opened_again().await;
    let (one, two) = tokio::join!(pauses::take_probes_any_company(db, 10, due), pauses::take_probes_any_company(&other, 10, due));
    let mut taken = [one.unwrap(), two.unwrap()].concat();
    taken.sort_by_key(|probe| probe.company);
    let whose: Vec<_> = taken.iter().map(|probe| (probe.account, probe.company, probe.phase.as_str())).collect();
    assert_eq!(whose, [(AccountKey::Default, None, "auth"), (AccountKey::Own(id), Some(made.id), "auth")]);
    // Whoever took it died.
    assert_eq!(pauses::take_probes_any_company(db, 10, due + TimeDelta::minutes(4)).await.unwrap().len(), 2);
}

async fn a_server_out_of_reach_is_tried_more_often(world: World) {
    let (_, id) = with_account(&world).await;
    let fault = Fault { problem_code: "connection_refused", reply: "", phase: "connect", probe_after: OFTEN };
    let account = AccountKey::Own(id);
    pauses::stop_any_company(&world.db, account, &fault, noon()).await.unwrap();
    let mut waits = Vec::new();
    let mut at = noon();
    for _ in 0..5 {
        let resting = pauses::find(&world.db, account).await.unwrap().unwrap();
        assert_eq!((resting.pause.since, resting.phase.as_str()), (noon(), "connect"));
        waits.push((resting.probe_at - at).num_minutes());
        at = resting.probe_at;
        let claim = probe(&world.db, (at - noon()).num_seconds()).await;
        assert!(pauses::probe_failed_any_company(&world.db, claim, account, &fault, at).await.unwrap());
    }
    assert_eq!(waits, [5, 10, 15, 30, 30]);
}

async fn one_delivery_tries_what_a_check_cannot(world: World) {
    let (_, id) = with_account(&world).await;
    let (db, account) = (&world.db, AccountKey::Own(id));
    let fault = Fault { problem_code: "relay_denied", reply: "550", phase: "recipient", probe_after: OFTEN };
    pauses::stop_any_company(db, account, &fault, noon()).await.unwrap();
    assert_eq!(pauses::take_trial_any_company(db, account, noon()).await.unwrap(), None);
    pauses::put_on_trial_any_company(db, probe(db, 300).await, account, noon_and(300)).await.unwrap();
    assert!(pauses::find(db, account).await.unwrap().unwrap().on_trial);
    let other = world.opened_again().await;
    let (one, two) = tokio::join!(
        pauses::take_trial_any_company(db, account, noon_and(301)),
        pauses::take_trial_any_company(&other, account, noon_and(301))
    );
    let taken: Vec<Claim> = [one.unwrap(), two.unwrap()].into_iter().flatten().collect();
    assert_eq!(taken.len(), 1, "one delivery, not two");
    pauses::probe_failed_any_company(db, taken[0], account, &fault, noon_and(302)).await.unwrap();
    let resting = pauses::find(db, account).await.unwrap().unwrap();
    assert_eq!((resting.on_trial, resting.probe_at), (false, noon_and(302 + 10 * 60)));
}

async fn a_probe_of_an_account_that_was_mended_changes_nothing(world: World) {
    let (made, id) = with_account(&world).await;
    let account = AccountKey::Own(id);
    pauses::begin(&world.db, account, "bad_credentials", "535", noon()).await.unwrap();
    let claim = probe(&world.db, DAY).await;
    mail_accounts::change(&world.db, &world.keys(), &made.actor, id, &mail_account(COBROS, "b")).await.unwrap();
    let fault = Fault { problem_code: "bad_credentials", reply: "535", phase: "auth", probe_after: OFTEN };
    assert!(!pauses::probe_failed_any_company(&world.db, claim, account, &fault, noon_and(DAY)).await.unwrap());
    assert_eq!(pauses::find(&world.db, account).await.unwrap(), None);
}

async fn what_was_learnt_of_earlier_settings_is_not_written_on_the_new_ones(world: World) {
    let (made, id) = with_account(&world).await;
    let (db, keys, by, account) = (&world.db, world.keys(), &made.actor, AccountKey::Own(id));
    let now_of = async || mail_accounts::find(db, made.id, id).await.unwrap().unwrap();
    let seen = AccountVersion { account, version: Some(now_of().await.version) };
    let fault = Fault { problem_code: "bad_credentials", reply: "535", phase: "recipient", probe_after: OFTEN };
    mail_accounts::change(db, &keys, by, id, &mail_account(COBROS, "b")).await.unwrap();

    assert!(!pauses::stop_any_company(db, seen, &fault, noon()).await.unwrap());
    assert_eq!(pauses::find(db, account).await.unwrap(), None, "the old password was wrong, not the new one");
    health::note_certificate_any_company(db, seen, noon_and(DAY), noon()).await.unwrap();
    assert_eq!(health::find(db, account).await.unwrap().certificate_ends_at, None);
    let check = LastCheck { at: noon(), ok: true };
    assert!(!mail_accounts::note_check(db, by, id, seen.version.unwrap(), &check).await.unwrap());
    assert_eq!(now_of().await.last_check, None);

    pauses::stop_any_company(db, account, &fault, noon()).await.unwrap();
    let claim = probe(db, 300).await;
    let rests = pauses::find(db, account).await.unwrap();
    pauses::end(db, seen, noon_and(1)).await.unwrap();
    pauses::put_on_trial_any_company(db, claim, seen, noon_and(2)).await.unwrap();
    pauses::probe_failed_any_company(db, claim, seen, &fault, noon_and(3)).await.unwrap();
    assert!(!mail_accounts::note_check(db, by, id, seen.version.unwrap(), &check).await.unwrap());
    assert_eq!(pauses::find(db, account).await.unwrap(), rests, "what went well with the old settings ends no rest");
    assert_eq!(health::find(db, account).await.unwrap().stopped_at, Some(noon()));

    let seen = AccountVersion { account, version: Some(now_of().await.version) };
    assert!(mail_accounts::note_check(db, by, id, seen.version.unwrap(), &check).await.unwrap());
    assert_eq!((now_of().await.last_check, pauses::find(db, account).await.unwrap()), (Some(check), None));
}

async fn what_waits_now_can_be_sent_by_the_default_account_once(world: World) {
    let (made, id) = with_account(&world).await;
    let db = &world.db;
    for at in [0, 10, 60] {
        let cobro = received(made.contacts[0], "10.00").to(&format!("c{at}@andina.ec"));
        cobro.record_at(db, &made.actor, noon_and(at)).await.unwrap();
    }
    assert!(!pauses::send_waiting_by_default(db, &made.actor, id, noon_and(30)).await.unwrap(), "it does not rest");
    pauses::begin(db, AccountKey::Own(id), "bad_credentials", "535", noon_and(20)).await.unwrap();
    let strangers = world.with(company()).await;
    assert!(!pauses::send_waiting_by_default(db, &strangers.actor, id, noon_and(30)).await.unwrap());
    assert!(pauses::send_waiting_by_default(db, &made.actor, id, noon_and(30)).await.unwrap());
    let until = pauses::find(db, AccountKey::Own(id)).await.unwrap().unwrap().default_sends_until.unwrap();
    assert_eq!(until, noon_and(30));
    let queue = QueueKey { company: made.id, module: COBROS };
    let lease = TimeDelta::seconds(60);
    let claimed = deliveries::claim_due_queued_until(db, queue, until, 10, lease, noon_and(90)).await.unwrap();
    let to: Vec<_> = claimed.iter().map(|one| one.recipient.as_str()).collect();
    assert_eq!(to, ["c0@andina.ec", "c10@andina.ec"], "what came later waits");
    pauses::end(db, AccountKey::Own(id), noon_and(91)).await.unwrap();
    pauses::begin(db, AccountKey::Own(id), "bad_credentials", "535", noon_and(92)).await.unwrap();
    let again = pauses::find(db, AccountKey::Own(id)).await.unwrap().unwrap();
    assert_eq!(again.default_sends_until, None, "once");
}

async fn what_was_put_off_for_the_account_leaves_when_it_works(world: World) {
    let (made, id) = with_account(&world).await;
    let db = &world.db;
    let mut cobros = Vec::new();
    for _ in 0..2 {
        cobros.push(received(made.contacts[0], "10.00").to("c@andina.ec").record_at(db, &made.actor, noon()).await.unwrap());
    }
    let queue = QueueKey { company: made.id, module: COBROS };
    let claimed = claim(db, queue, 10, noon_and(1)).await;
    let later = Next::Retry { at: noon_and(DAY) };
    let mut away = outcome(&claimed[0], later, "", Some("connection_refused"), noon_and(2));
    away.phase = "connect";
    let mut full = outcome(&claimed[1], later, "452", Some("mailbox_full"), noon_and(2));
    full.phase = "recipient";
    deliveries::record_attempts(db, &[away, full], noon_and(2)).await.unwrap();
    pauses::begin(db, AccountKey::Own(id), "connection_refused", "", noon_and(3)).await.unwrap();
    pauses::end(db, AccountKey::Own(id), noon_and(600)).await.unwrap();
    let due = async |id| deliveries::find(db, made.id, id).await.unwrap().unwrap().next_attempt_at;
    assert_eq!(due(claimed[0].id).await, Some(noon_and(600)));
    assert_eq!(due(claimed[1].id).await, Some(noon_and(DAY)), "its recipient's trouble is its own");
}

async fn a_certificate_is_announced_once_and_two_weeks_ahead(world: World) {
    let (made, id) = with_account(&world).await;
    let (db, account) = (&world.db, AccountKey::Own(id));
    let ends_at = noon_and(20 * DAY);
    health::note_certificate_any_company(db, account, ends_at, noon()).await.unwrap();
    assert!(health::announce_certificates_any_company(db, noon_and(60)).await.unwrap().is_empty(), "there is time");
    let now = noon_and(6 * DAY);
    health::note_certificate_any_company(db, account, ends_at, now).await.unwrap();
    health::note_certificate_any_company(db, AccountKey::Default, ends_at, now).await.unwrap();
    let other = world.opened_again().await;
    let (one, two) =
        tokio::join!(health::announce_certificates_any_company(db, now), health::announce_certificates_any_company(&other, now));
    let mut news = [one.unwrap(), two.unwrap()].concat();
    news.sort_by_key(|ending| ending.company);
    let ours = Ending { account, company: Some(made.id), ends_at };
    assert_eq!(news, [Ending { account: AccountKey::Default, company: None, ends_at }, ours]);
    let known = health::list(db, made.id).await.unwrap();
    assert_eq!(known[0].1.certificate_ending(now), Some(ends_at));
    assert_eq!(known[0].1.certificate_ending(noon()), None);
    // The next certificate is another story.
    let next = noon_and(18 * DAY);
    health::note_certificate_any_company(db, account, next, now).await.unwrap();
    assert_eq!(health::announce_certificates_any_company(db, now).await.unwrap().len(), 1);
    assert!(health::announce_certificates_any_company(db, now).await.unwrap().is_empty());
    let strangers = world.with(company()).await;
    assert!(health::list(db, strangers.id).await.unwrap().is_empty());
    mail_accounts::change(db, &world.keys(), &made.actor, id, &mail_account(COBROS, "b")).await.unwrap();
    assert_eq!(health::find(db, account).await.unwrap().certificate_ends_at, None, "it may have another server");
}

async fn a_certificate_that_was_seen_long_ago_is_looked_at_again(world: World) {
    let (_, id) = with_account(&world).await;
    let (db, account) = (&world.db, AccountKey::Own(id));
    health::note_certificate_any_company(db, account, noon_and(20 * DAY), noon()).await.unwrap();
    let now = noon_and(8 * DAY);
    assert!(health::announce_certificates_any_company(db, now).await.unwrap().is_empty(), "it may have been renewed");
    let looked_at = health::certificates_to_look_at_any_company(db, now).await.unwrap();
    assert_eq!(looked_at.iter().map(|ending| ending.account).collect::<Vec<_>>(), [account]);
    health::note_certificate_any_company(db, account, noon_and(100 * DAY), now).await.unwrap();
    assert!(health::certificates_to_look_at_any_company(db, now).await.unwrap().is_empty());
    assert!(health::announce_certificates_any_company(db, now).await.unwrap().is_empty());
}

async fn the_days_count_what_was_accepted(world: World) {
    let (made, _) = with_account(&world).await;
    let today = noon() - TimeDelta::hours(12);
    for (at, count) in [(noon() - TimeDelta::days(3), 5), (noon() - TimeDelta::days(1), 2), (today, 1), (noon(), 3)] {
        for _ in 0..count {
            let cobro = received(made.contacts[0], "1.00").dated(day_in_ecuador(at)).to("c@andina.ec");
            cobro.record_at(&world.db, &made.actor, at).await.unwrap();
        }
        let queue = QueueKey { company: made.id, module: COBROS };
        let claimed = claim(&world.db, queue, 10, at).await;
        let done: Vec<_> = claimed.iter().map(|one| outcome(one, Next::Accepted, "250", None, at)).collect();
        deliveries::record_attempts(&world.db, &done, at).await.unwrap();
    }
    let own = SentBy::Own("Cobros@distripichincha.ec");
    let count = async |company, module, by| deliveries::accepted_per_day(&world.db, company, module, by, today, 3).await.unwrap();
    assert_eq!(count(made.id, COBROS, own).await, [0, 2, 4]);
    assert_eq!(count(made.id, COBROS, SentBy::Own("nuevo@distripichincha.ec")).await, [0, 0, 0], "a new account sent none of it");
    assert_eq!(count(made.id, COBROS, SentBy::Default).await, [0, 0, 0]);
    assert_eq!(count(made.id, MailModule::InvoicesAndMadePayments, own).await, [0, 0, 0]);
    let strangers = world.with(company()).await;
    assert_eq!(count(strangers.id, COBROS, own).await, [0, 0, 0]);
}

async fn an_own_accounts_last_success_is_known(world: World) {
    let (made, _) = with_account(&world).await;
    assert_eq!(deliveries::last_accepted_by_own(&world.db, made.id, COBROS).await.unwrap(), None);
    for (at, source) in [(1, "company"), (2, "company"), (3, "default")] {
        received(made.contacts[0], "1.00").to("c@andina.ec").record_at(&world.db, &made.actor, noon_and(at)).await.unwrap();
        let claimed = claim(&world.db, QueueKey { company: made.id, module: COBROS }, 10, noon_and(at)).await;
        let mut done = outcome(&claimed[0], Next::Accepted, "250", None, noon_and(at));
        done.stamp.source = source;
        deliveries::record_attempts(&world.db, &[done], noon_and(at)).await.unwrap();
    }
    assert_eq!(deliveries::last_accepted_by_own(&world.db, made.id, COBROS).await.unwrap(), Some(noon_and(2)));
}
