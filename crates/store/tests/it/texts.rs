//! Texts of every kind, as long as they may be and as odd as Unicode has them, on both engines.

use acuse_domain::contact::{ContactDetails, LONGEST_NAME, LONGEST_TEXT, MOST_ADDRESSES};
use acuse_domain::email_address::EmailAddress;
use acuse_domain::text;
use acuse_store::companies;
use acuse_store::conditions::Conditions;
use acuse_store::contacts::{self, Filter};
use acuse_store::payments::{self, VoidNotice};
use acuse_store::versions::Expected;
use acuse_store::{Page, deliveries};
use acuse_testkit::builders::{company, contact, received, to};
use acuse_testkit::outside::{TEXT_COLUMNS, text_is_spoilt};
use acuse_testkit::world::{World, noon};
use chrono::TimeDelta;

on_both_engines!(
    the_largest_card_is_kept,
    what_is_looked_for_may_be_anything,
    a_receipt_keeps_the_logo_it_was_recorded_with,
    an_unreadable_record_stops_no_list_and_no_queue,
);

/// Letters that compress badly, so that no index saves itself by it.
fn letters(seed: u32, count: usize) -> String {
    let mut state = u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from((state >> 33) % 26).unwrap_or(0))
    };
    (0..count).map(next).collect()
}

async fn the_largest_card_is_kept(world: World) {
    let made = world.with(company()).await;
    let address = |seed: u32| -> EmailAddress {
        let domain: Vec<String> = (0..3).map(|part| letters(seed * 7 + part, 60)).collect();
        format!("{}@{}.ec", letters(seed, 60), domain.join(".")).parse().unwrap()
    };
    let list = |from: u32| (from..).take(MOST_ADDRESSES).map(address).collect::<Vec<_>>();
    let mut card = ContactDetails {
        name: "\u{1f9fe}".repeat(LONGEST_NAME),
        address: Some("ñ".repeat(LONGEST_TEXT)),
        phone: Some("ñ".repeat(LONGEST_TEXT)),
        emails: list(1),
        ..contact("Andina", true, true)
    };
    card.emails_by_purpose.received_payments = list(100);
    card.emails_by_purpose.made_payments = list(200);
    card.emails_by_purpose.invoices = list(300);
    card.emails_by_purpose.withholdings = list(400);
    let id = contacts::create(&world.db, &made.actor, &card, None, noon()).await.unwrap();
    assert_eq!(contacts::find(&world.db, made.id, id).await.unwrap().unwrap().details, card);
    contacts::change(&world.db, &made.actor, id, &Expected::Any, to(card.clone())).await.unwrap();
}

async fn what_is_looked_for_may_be_anything(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    for wanted in ["a\0b", "\u{202e}", "%", "İ", &"x".repeat(100_000), &"\u{fdfa}".repeat(10_000)] {
        let filter = Filter { role: None, text: Some((*wanted).to_owned()) };
        contacts::list(&world.db, made.id, &filter, contacts::BY_NAME, Page { after: None, limit: 5 }).await.unwrap();
        let filter = deliveries::Filter {
            problem_code: Some((*wanted).to_owned()),
            text: Some((*wanted).to_owned()),
            ..Default::default()
        };
        deliveries::list(&world.db, made.id, &filter, deliveries::NEWEST, Page { after: None, limit: 5 }).await.unwrap();
    }
    assert_eq!(text::folded("ÑACATO ﬁn ΟΔΟΣ"), "nacato fin οδοσ");
}

async fn a_receipt_keeps_the_logo_it_was_recorded_with(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let logo = |byte: u8| Some(vec![byte; 64]);
    companies::change_logo(&world.db, &made.actor, logo(1)).await.unwrap();
    let first = received(made.contacts[0], "1.00").notifying().record(&world.db, &made.actor).await.unwrap();
    companies::change_logo(&world.db, &made.actor, logo(2)).await.unwrap();
    let second = received(made.contacts[0], "1.00").notifying().record(&world.db, &made.actor).await.unwrap();
    companies::change_logo(&world.db, &made.actor, None).await.unwrap();
    let third = received(made.contacts[0], "1.00").notifying().record(&world.db, &made.actor).await.unwrap();
    companies::change_logo(&world.db, &made.actor, logo(1)).await.unwrap();
    for (payment, kept) in [(first, logo(1)), (second, logo(2)), (third, None)] {
        assert_eq!(payments::receipt_logo(&world.db, made.id, payment).await.unwrap(), kept);
    }
    assert_eq!(companies::logo(&world.db, made.id).await.unwrap(), logo(1));
    let queue = deliveries::queues_due_any_company(&world.db, noon()).await.unwrap()[0];
    for claimed in deliveries::claim_due(&world.db, queue, 9, TimeDelta::seconds(60), noon()).await.unwrap() {
        let kept = payments::receipt_logo(&world.db, made.id, claimed.payment).await.unwrap();
        let drawn = match claimed.logo {
            Some(id) => companies::logo_by_id(&world.db, made.id, id).await.unwrap(),
            None => None,
        };
        assert_eq!(drawn, kept);
    }
}

async fn an_unreadable_record_stops_no_list_and_no_queue(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("9.00").with_customer("Otra")).await;
    let spoilt = received(made.contacts[0], "1.00").to("a@x.ec").record(&world.db, &made.actor).await.unwrap();
    received(made.contacts[1], "1.00").to("b@x.ec").record(&world.db, &made.actor).await.unwrap();
    payments::void(&world.db, &made.actor, spoilt, "Mal", VoidNotice::TellNobody, &Conditions::default(), noon()).await.unwrap();
    // Nobody had the receipt; whoever is named is told all the same.
    let named = acuse_domain::payment::Notify::Addresses(vec!["a@x.ec".parse().unwrap()]);
    payments::resend(&world.db, &made.actor, spoilt, &named, None, noon()).await.unwrap();
    let page = Page { after: None, limit: 50 };
    for column in TEXT_COLUMNS {
        text_is_spoilt(&world.url, *column, "\u{202e}a@i\u{307}.ec{").await;
        let people = contacts::list(&world.db, made.id, &Filter::default(), contacts::BY_NAME, page).await.unwrap();
        assert_eq!(people.len(), 2, "{column:?}");
        assert_eq!(
            payments::list(&world.db, made.id, &payments::Filter::default(), payments::LAST_RECORDED, page).await.unwrap().len(),
            2,
            "{column:?}"
        );
        let sent = deliveries::list(&world.db, made.id, &deliveries::Filter::default(), deliveries::NEWEST, page).await.unwrap();
        assert_eq!(sent.len(), 3, "{column:?}");
        payments::find(&world.db, made.id, spoilt).await.unwrap().unwrap();
        companies::find(&world.db, made.id).await.unwrap().unwrap();
        for queue in deliveries::queues_due_any_company(&world.db, noon()).await.unwrap() {
            deliveries::claim_due(&world.db, queue, 9, TimeDelta::seconds(60), noon()).await.unwrap();
        }
    }
}
