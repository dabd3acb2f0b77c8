use acuse_domain::access::Role;
use acuse_domain::failure_policy::FailurePolicy;
use acuse_domain::id::MailAccountId;
use acuse_domain::mail_account::{LastCheck, MailModule};
use acuse_store::notices::{self, News, Notice};
use acuse_store::own_mails::Told;
use acuse_store::pauses::{self, AccountKey};
use acuse_store::users;
use acuse_store::versions::Expected;
use acuse_store::{Db, health, mail_accounts, routing};
use acuse_testkit::builders::{TestCompany, company, mail_account, received, to};
use acuse_testkit::world::{World, noon, noon_and};
use chrono::TimeDelta;
use secrecy::SecretString;

const COBROS: MailModule = MailModule::ReceivedPayments;
const LEASE: TimeDelta = TimeDelta::seconds(60);

on_both_engines!(
    the_owners_hear_once_that_an_account_stopped_and_once_that_it_works,
    who_was_named_hears_instead_of_the_owners,
    two_nodes_that_see_the_same_fault_tell_it_once,
    what_was_not_told_yet_is_not_told_after_it_is_over,
    a_correction_that_was_not_seen_to_work_is_no_recovery,
    an_account_that_is_turned_off_or_gone_is_nobodys_news,
    a_dead_worker_s_mail_goes_out_unless_a_server_may_have_it,
    news_of_yesterday_is_not_told,
    the_default_accounts_rest_is_told_to_nobody_by_mail,
    a_certificate_is_told_to_each_once,
);

async fn with_account(world: &World) -> (TestCompany, MailAccountId) {
    let made = world.with(company().with_customer("Andina")).await;
    for (email, role) in [("duena@x.ec", Role::Owner), ("socio@x.ec", Role::Owner), ("contador@x.ec", Role::Accountant)] {
        let password = SecretString::from("una clave larga");
        users::create(&world.db, made.id, "Ana", &email.parse().unwrap(), &password, role, noon()).await.unwrap();
    }
    let form = mail_account(COBROS, "a");
    let id = mail_accounts::create(&world.db, &world.keys(), &made.actor, &form, None, noon()).await.unwrap();
    (made, id)
}

async fn stops(db: &Db, id: MailAccountId, at: i64) {
    pauses::begin(db, AccountKey::Own(id), "bad_credentials", "535 5.7.8 no", noon_and(at)).await.unwrap();
}

async fn due(db: &Db, at: i64) -> Vec<Notice> {
    let mut claimed = notices::claim_due_any_company(db, 10, LEASE, noon_and(at)).await.unwrap();
    claimed.sort_by(|one, other| one.recipient.as_str().cmp(other.recipient.as_str()));
    claimed
}

/// Sends all that is due, and gives to whom.
async fn told(db: &Db, at: i64) -> Vec<String> {
    let mut to = Vec::new();
    for notice in due(db, at).await {
        assert!(notices::hand_over(db, notice.claim, noon_and(at)).await.unwrap());
        notices::record(db, notice.claim, &Told::Accepted, "250", noon_and(at)).await.unwrap();
        to.push(notice.recipient.to_string());
    }
    to
}

async fn the_owners_hear_once_that_an_account_stopped_and_once_that_it_works(world: World) {
    let (made, id) = with_account(&world).await;
    let db = &world.db;
    received(made.contacts[0], "10.00").to("a@andina.ec; b@andina.ec").record_at(db, &made.actor, noon()).await.unwrap();
    stops(db, id, 10).await;
    stops(db, id, 11).await;
    assert!(notices::are_due_any_company(db, noon_and(12)).await.unwrap());
    let first = due(db, 12).await;
    assert_eq!(first.iter().map(|one| one.recipient.as_str()).collect::<Vec<_>>(), ["duena@x.ec", "socio@x.ec"]);
    let Notice { news, company_name, from_address, server, waiting, account, .. } = &first[0];
    let reply = "535 5.7.8 no".to_string();
    assert_eq!(*news, News::Stopped { since: noon_and(10), problem_code: "bad_credentials".into(), reply });
    assert_eq!((company_name.as_str(), from_address.as_str()), ("DistriPichincha", "cobros@distripichincha.ec"));
    assert_eq!((server.as_str(), *waiting, *account), ("smtp.example.com", 2, id));
    for one in &first {
        assert!(notices::hand_over(db, one.claim, noon_and(12)).await.unwrap());
        notices::record(db, one.claim, &Told::Accepted, "250", noon_and(12)).await.unwrap();
    }
    stops(db, id, 1_000).await;
    assert!(due(db, 1_001).await.is_empty(), "they know");
    pauses::end(db, AccountKey::Own(id), noon_and(2_000)).await.unwrap();
    pauses::end(db, AccountKey::Own(id), noon_and(2_001)).await.unwrap();
    let second = due(db, 2_002).await;
    assert_eq!(second.iter().map(|one| &one.news).collect::<Vec<_>>(), [&News::Recovered { since: noon_and(10) }; 2]);
    assert!(due(db, 2_003).await.is_empty());
    assert_eq!(told(db, 2_100).await.len(), 2, "their worker died before it gave them to a server");
    stops(db, id, 3_000).await;
    assert_eq!(told(db, 3_001).await.len(), 2, "a new failure is news");
}

async fn who_was_named_hears_instead_of_the_owners(world: World) {
    let (made, id) = with_account(&world).await;
    let named = FailurePolicy { notify: vec!["sistemas@x.ec".parse().unwrap()], ..FailurePolicy::default() };
    routing::change_policy(&world.db, &made.actor, &Expected::Any, to(named)).await.unwrap();
    stops(&world.db, id, 10).await;
    assert_eq!(told(&world.db, 11).await, ["sistemas@x.ec"]);
    routing::change_policy(&world.db, &made.actor, &Expected::Any, to(FailurePolicy::default())).await.unwrap();
    pauses::end(&world.db, AccountKey::Own(id), noon_and(20)).await.unwrap();
    assert_eq!(told(&world.db, 21).await, ["sistemas@x.ec"], "who heard of the failure hears of its end");
}

async fn two_nodes_that_see_the_same_fault_tell_it_once(world: World) {
    let (_, id) = with_account(&world).await;
    let other = world.opened_again().await;
    tokio::join!(stops(&world.db, id, 10), stops(&other, id, 10), stops(&world.db, id, 11), stops(&other, id, 11));
    assert_eq!(told(&world.db, 12).await, ["duena@x.ec", "socio@x.ec"]);
    let ends = |db| pauses::end(db, AccountKey::Own(id), noon_and(20));
    let (one, two) = tokio::join!(ends(&world.db), ends(&other));
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(told(&other, 21).await, ["duena@x.ec", "socio@x.ec"]);
}

async fn what_was_not_told_yet_is_not_told_after_it_is_over(world: World) {
    let (_, id) = with_account(&world).await;
    stops(&world.db, id, 10).await;
    pauses::end(&world.db, AccountKey::Own(id), noon_and(11)).await.unwrap();
    assert!(due(&world.db, 12).await.is_empty());
    stops(&world.db, id, 13).await;
    assert_eq!(told(&world.db, 14).await.len(), 2);
}

async fn a_correction_that_was_not_seen_to_work_is_no_recovery(world: World) {
    let (made, id) = with_account(&world).await;
    let (db, keys) = (&world.db, world.keys());
    stops(db, id, 10).await;
    told(db, 11).await;
    mail_accounts::change(db, &keys, &made.actor, id, &mail_account(COBROS, "b")).await.unwrap();
    assert!(health::find(db, AccountKey::Own(id)).await.unwrap().stopped_at.is_some());
    stops(db, id, 12).await;
    assert!(due(db, 13).await.is_empty(), "the same failure, told already");
    let mut checked = mail_account(COBROS, "c");
    checked.checked = Some(LastCheck { at: noon_and(14), ok: true });
    mail_accounts::change(db, &keys, &made.actor, id, &checked).await.unwrap();
    assert_eq!(told(db, 15).await.len(), 2, "now it is known to work");
    assert_eq!(health::find(db, AccountKey::Own(id)).await.unwrap().stopped_at, None);
}

async fn an_account_that_is_turned_off_or_gone_is_nobodys_news(world: World) {
    let (made, id) = with_account(&world).await;
    let db = &world.db;
    stops(db, id, 10).await;
    mail_accounts::enable(db, &made.actor, id, false).await.unwrap();
    assert!(due(db, 11).await.is_empty());
    mail_accounts::enable(db, &made.actor, id, true).await.unwrap();
    stops(db, id, 12).await;
    mail_accounts::delete(db, &made.actor, id, &Expected::Any).await.unwrap();
    assert!(due(db, 13).await.is_empty());
    assert!(health::list(db, made.id).await.unwrap().is_empty());
}

async fn a_dead_worker_s_mail_goes_out_unless_a_server_may_have_it(world: World) {
    let (_, id) = with_account(&world).await;
    let db = &world.db;
    stops(db, id, 10).await;
    let [held, given] = &due(db, 11).await[..] else { panic!("two owners") };
    assert!(notices::hand_over(db, given.claim, noon_and(12)).await.unwrap());
    assert!(notices::are_due_any_company(db, noon_and(80)).await.unwrap(), "a lease has ended");
    let again = due(db, 80).await;
    assert_eq!(again.iter().map(|one| (&one.recipient, one.attempt)).collect::<Vec<_>>(), [(&held.recipient, 2)]);
    let late = notices::hand_over(db, held.claim, noon_and(81)).await.unwrap();
    assert!(!late, "its first worker must not send it any more");
    assert!(due(db, 3_600).await.iter().all(|one| one.recipient == held.recipient), "never twice");
    assert!(!notices::are_due_any_company(db, noon_and(3_601)).await.unwrap(), "and it is not looked for for ever");
}

async fn news_of_yesterday_is_not_told(world: World) {
    let (_, id) = with_account(&world).await;
    stops(&world.db, id, 10).await;
    assert!(due(&world.db, 25 * 3_600).await.is_empty());
    pauses::end(&world.db, AccountKey::Own(id), noon_and(25 * 3_600)).await.unwrap();
    assert!(due(&world.db, 25 * 3_600 + 1).await.is_empty(), "who did not hear of it need not hear of its end");
}

async fn the_default_accounts_rest_is_told_to_nobody_by_mail(world: World) {
    with_account(&world).await;
    pauses::begin(&world.db, AccountKey::Default, "bad_credentials", "535", noon()).await.unwrap();
    assert!(health::find(&world.db, AccountKey::Default).await.unwrap().stopped_at.is_some());
    assert!(due(&world.db, 1).await.is_empty());
    pauses::end(&world.db, AccountKey::Default, noon_and(2)).await.unwrap();
    assert!(due(&world.db, 3).await.is_empty());
    assert_eq!(health::find(&world.db, AccountKey::Default).await.unwrap().stopped_at, None);
}

async fn a_certificate_is_told_to_each_once(world: World) {
    let (_, id) = with_account(&world).await;
    let at = noon_and(10 * 24 * 3_600);
    for seen in [1, 2] {
        health::note_certificate_any_company(&world.db, AccountKey::Own(id), at, noon_and(seen)).await.unwrap();
        health::announce_certificates_any_company(&world.db, noon_and(seen)).await.unwrap();
    }
    let said = due(&world.db, 5).await;
    assert_eq!(said.iter().map(|one| &one.news).collect::<Vec<_>>(), [&News::CertificateEnding { at }; 2]);
    let again = Told::Again { at: noon_and(60) };
    notices::record(&world.db, said[0].claim, &again, "451", noon_and(6)).await.unwrap();
    assert!(due(&world.db, 59).await.is_empty());
    assert_eq!(due(&world.db, 60).await.len(), 1);
}
