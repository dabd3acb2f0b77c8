//! A record with a date, a number or a code that is none spoils its own line: not the start, not a queue, not a list, and it
//! can be mended.

use std::convert::Infallible;

use acuse_domain::contact::ContactDetails;
use acuse_domain::id::PaymentId;
use acuse_domain::mail_account::{MailAccount, MailModule, Security};
use acuse_domain::mail_problem::ProblemCode;
use acuse_store::mail_accounts::{self, Edit, Form, SaveError};
use acuse_store::order::Order;
use acuse_store::pauses::{self, AccountKey};
use acuse_store::secrets::Keyring;
use acuse_store::versions::Expected;
use acuse_store::{Page, StoreError, contacts, deliveries, documents, notices, payments, sealing};
use acuse_testkit::builders::{TestCompany, company, mail_account, received};
use acuse_testkit::outside::{numbers, run_without_foreign_keys, value_is_spoilt};
use acuse_testkit::world::{World, noon, noon_and};
use chrono::TimeDelta;

on_both_engines!(
    a_spoilt_account_stops_no_start_and_rests,
    a_spoilt_date_fails_its_own_delivery_and_no_other,
    a_spoilt_pause_or_notice_holds_up_no_other,
    a_list_shows_which_record_cannot_be_read,
    what_names_a_contact_that_is_missing_is_not_passed_over,
    what_cannot_be_read_of_an_account_has_to_be_given_with_a_change,
    what_cannot_be_read_of_a_card_stays_until_it_is_given,
);

/// A time that no calendar of ours has.
fn never(world: &World) -> &'static str {
    if world.db.is_sqlite() { "'ayer'" } else { "'infinity'" }
}

/// With an account for cobros, sealed as `serve` would.
async fn with_account(world: &World) -> (TestCompany, Keyring) {
    let keys = unlock(world).await;
    let made = world.with(company().with_customer("Andina").with_open_invoice("9.00").with_open_invoice("8.00")).await;
    let form = mail_account(MailModule::ReceivedPayments, "clave");
    mail_accounts::create(&world.db, &keys, &made.actor, &form, None, noon()).await.unwrap();
    (made, keys)
}

async fn unlock(world: &World) -> Keyring {
    let file = world.folder().join("secret.key");
    sealing::unlock_any_company(&world.db, &file, noon_and(60)).await.expect("the server starts")
}

async fn a_spoilt_account_stops_no_start_and_rests(world: World) {
    let (made, _) = with_account(&world).await;
    for (column, garbage, rests) in [
        ("checked_at", never(&world), None),
        ("port", "70000", Some("account_unreadable")),
        ("security", "'ssl'", Some("account_unreadable")),
        ("module", "'otro'", Some("account_unreadable")),
        ("username", "'otro'", Some("secret_unreadable")),
    ] {
        let before = value_is_spoilt(&world.url, ("mail_account", column), garbage).await;
        let keys = unlock(&world).await;
        let account = mail_accounts::list(&world.db, made.id).await.unwrap().pop().expect("its line");
        assert_eq!(account.pause.map(|pause| pause.problem_code).as_deref(), rests, "{column}");
        let usable = mail_accounts::usable_by_id(&world.db, &keys, made.id, account.id).await.unwrap().unwrap();
        assert_eq!(usable.fault().map(ProblemCode::as_str), rests, "{column}");
        value_is_spoilt(&world.url, ("mail_account", column), &before).await;
        pauses::end(&world.db, AccountKey::Own(account.id), noon()).await.unwrap();
    }
    assert!(sealing::unreadable_any_company(&world.db, &unlock(&world).await).await.unwrap().is_nothing(), "as it was");
}

async fn a_spoilt_date_fails_its_own_delivery_and_no_other(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    for address in ["a@x.ec", "b@x.ec", "c@x.ec"] {
        received(made.contacts[0], "1.00").to(address).record(&world.db, &made.actor).await.unwrap();
    }
    value_is_spoilt(&world.url, ("delivery", "queued_at"), never(&world)).await;
    value_is_spoilt(&world.url, ("payment", "voided_at"), never(&world)).await;
    let queue = deliveries::queues_due_any_company(&world.db, noon_and(60)).await.unwrap()[0];
    let claimed = deliveries::claim_due(&world.db, queue, 9, TimeDelta::seconds(60), noon_and(60)).await.unwrap();
    assert_eq!(claimed.len(), 2);
    let failed = "SELECT COUNT(*) AS n FROM delivery WHERE state = 'failed' AND problem_code = 'message_not_composed'";
    assert_eq!(numbers(&world.url, failed).await, [1]);
    deliveries::unfinished_any_company(&world.db).await.unwrap();
}

async fn a_spoilt_pause_or_notice_holds_up_no_other(world: World) {
    let (made, _) = with_account(&world).await;
    let id = mail_accounts::list(&world.db, made.id).await.unwrap()[0].id;
    pauses::begin(&world.db, AccountKey::Own(id), "auth_rejected", "", noon()).await.unwrap();
    for column in ["since", "probe_at"] {
        value_is_spoilt(&world.url, ("account_pause", column), never(&world)).await;
        assert!(pauses::find(&world.db, AccountKey::Own(id)).await.unwrap().is_some(), "it rests all the same");
    }
    value_is_spoilt(&world.url, ("account_health", "stopped_at"), never(&world)).await;
    pauses::take_probes_any_company(&world.db, 9, noon_and(9_000)).await.unwrap();
    notices::claim_due_any_company(&world.db, 9, TimeDelta::minutes(1), noon_and(60)).await.unwrap();
    pauses::end(&world.db, AccountKey::Own(id), noon_and(60)).await.unwrap();
    assert!(pauses::find(&world.db, AccountKey::Own(id)).await.unwrap().is_none());
}

async fn a_list_shows_which_record_cannot_be_read(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("9.00").with_open_invoice("8.00")).await;
    for _ in 0..2 {
        received(made.contacts[0], "1.00").to("a@x.ec").record(&world.db, &made.actor).await.unwrap();
    }
    for (table, column) in [("document", "due_on"), ("payment", "recorded_at"), ("payment", "paid_on"), ("delivery", "queued_at")]
    {
        value_is_spoilt(&world.url, (table, column), never(&world)).await;
    }
    let page = Page { after: None, limit: 9 };
    let today = noon().date_naive();
    let open =
        documents::list(&world.db, made.id, &documents::Filter::default(), documents::DUE_FIRST, page, today).await.unwrap();
    assert_eq!(open.iter().filter(|line| line.is_err()).count(), 1);
    assert!(open.iter().any(|line| matches!(line, Err(lost) if made.documents.iter().any(|id| id.0 == lost.id))), "{open:?}");
    assert_eq!(open.len(), 2);
    let paid = payments::list(&world.db, made.id, &payments::Filter::default(), payments::LAST_RECORDED, page).await.unwrap();
    assert_eq!((paid.len(), paid.iter().filter(|line| line.is_err()).count()), (2, 1));
    let sent = deliveries::list(&world.db, made.id, &deliveries::Filter::default(), deliveries::NEWEST, page).await.unwrap();
    assert_eq!((sent.len(), sent.iter().filter(|line| line.is_err()).count()), (2, 1));
}

async fn what_names_a_contact_that_is_missing_is_not_passed_over(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("9.00").with_open_invoice("8.00")).await;
    for _ in 0..2 {
        let cobro = received(made.contacts[0], "1.00").settling(made.documents[0], "1.00").to("a@x.ec");
        cobro.record(&world.db, &made.actor).await.unwrap();
    }
    run_without_foreign_keys(&world.url, "DELETE FROM contact").await;
    let first = Page { after: None, limit: 1 };
    let today = noon().date_naive();
    for by in [documents::By::Person, documents::By::Due] {
        let order = Order { by, descending: false };
        let page = async |page| documents::list(&world.db, made.id, &documents::Filter::default(), order, page, today).await;
        let lost = page(first).await.unwrap().remove(0).unwrap_err();
        assert_eq!(lost.column, "contact_name");
        assert_eq!(page(Page { after: Some(lost.id), limit: 9 }).await.unwrap().len(), 1, "{by:?}");
    }
    for by in [payments::By::Person, payments::By::Recorded] {
        let order = Order { by, descending: true };
        let page = async |page| payments::list(&world.db, made.id, &payments::Filter::default(), order, page).await;
        let lost = page(first).await.unwrap().remove(0).unwrap_err();
        assert_eq!(lost.column, "contact_name");
        assert_eq!(page(Page { after: Some(lost.id), limit: 9 }).await.unwrap().len(), 1, "{by:?}");
        let found = payments::find(&world.db, made.id, PaymentId(lost.id)).await;
        assert!(matches!(found, Err(StoreError::Unreadable(_))), "{found:?}");
    }
    let page = Page { after: None, limit: 9 };
    let sent = deliveries::list(&world.db, made.id, &deliveries::Filter::default(), deliveries::NEWEST, page).await.unwrap();
    assert_eq!((sent.len(), sent.iter().filter(|line| line.is_err()).count()), (2, 2));
    run_without_foreign_keys(&world.url, "DELETE FROM payment").await;
    let order = Order { by: deliveries::By::Receipt, descending: false };
    let sent = deliveries::list(&world.db, made.id, &deliveries::Filter::default(), order, first).await.unwrap();
    let after = Page { after: Some(sent[0].as_ref().unwrap_err().id), limit: 9 };
    let rest = deliveries::list(&world.db, made.id, &deliveries::Filter::default(), order, after).await.unwrap();
    assert_eq!(rest.len(), 1);
}

async fn what_cannot_be_read_of_an_account_has_to_be_given_with_a_change(world: World) {
    let (made, keys) = with_account(&world).await;
    let account = mail_accounts::list(&world.db, made.id).await.unwrap().remove(0);
    let change = async |security: Option<Security>| {
        let decide = |account: &MailAccount| {
            let mut settings = account.settings.clone();
            settings.from_name = "Otro nombre".to_owned();
            settings.security = security.unwrap_or(settings.security);
            let untouched = if security.is_some() { Vec::new() } else { vec!["security"] };
            let form = Form { settings, password: None, checked: None };
            Ok::<_, SaveError>(Edit { form, enabled: account.enabled, untouched })
        };
        mail_accounts::edit(&world.db, &keys, &made.actor, account.id, &Expected::Any, decide).await
    };
    let was = value_is_spoilt(&world.url, ("mail_account", "security"), "'ssl'").await;
    let refused = change(None).await.unwrap_err();
    assert!(matches!(&refused, SaveError::Unreadable(fields) if fields == &["security"]), "{refused:?}");
    assert_eq!(numbers(&world.url, "SELECT COUNT(*) AS n FROM mail_account WHERE security = 'ssl'").await, [1], "it stays");
    mail_accounts::enable(&world.db, &made.actor, account.id, false).await.expect("turning it off needs no field");
    change(Security::parse(was.trim_matches('\''))).await.unwrap();
    let mended = mail_accounts::find(&world.db, made.id, account.id).await.unwrap().unwrap();
    assert_eq!((mended.unreadable, mended.settings.security), (Vec::new(), account.settings.security));
    let usable = mail_accounts::usable_by_id(&world.db, &keys, made.id, account.id).await.unwrap().unwrap();
    assert_eq!(usable.fault(), None, "the password was given for exactly this");
}

async fn what_cannot_be_read_of_a_card_stays_until_it_is_given(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let id = made.contacts[0];
    value_is_spoilt(&world.url, ("contact", "identification_type"), "'dni'").await;
    let spoilt = contacts::find(&world.db, made.id, id).await.unwrap().unwrap();
    assert!(spoilt.details.unreadable().contains(&"identification_type"));
    let phone = |details| Ok::<_, Infallible>(ContactDetails { phone: Some("099".to_owned()), ..details });
    contacts::change(&world.db, &made.actor, id, &Expected::Any, phone).await.unwrap();
    assert_eq!(numbers(&world.url, "SELECT COUNT(*) AS n FROM contact WHERE identification_type = 'dni'").await, [1]);
    let refused = received(id, "1.00").record(&world.db, &made.actor).await;
    assert!(refused.is_err(), "no receipt says for ever what merely stood in its place");
    let given = |details| Ok::<_, Infallible>(ContactDetails { undecoded: Vec::new(), ..details });
    contacts::change(&world.db, &made.actor, id, &Expected::Any, given).await.unwrap();
    assert_eq!(numbers(&world.url, "SELECT COUNT(*) AS n FROM contact WHERE identification_type = 'dni'").await, [0]);
}
