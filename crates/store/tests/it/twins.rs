//! A payment that looks like another is asked about once, and never refused.

use acuse_domain::payment::Notify;
use acuse_domain::payment::{Answered, Direction, Doubt, Likeness, Method, PaymentLine};
use acuse_store::conditions::Conditions;
use acuse_store::idempotency::Once;
use acuse_store::payments::{self, RecordError, VoidNotice};
use acuse_testkit::builders::{PaymentBuilder, TestCompany, company, usd};
use acuse_testkit::outside;
use acuse_testkit::world::{World, noon};
use chrono::TimeDelta;

on_both_engines!(
    the_same_figures_or_the_same_paper_are_a_twin,
    what_only_resembles_is_none,
    a_twin_is_named_and_recorded_when_it_is_answered,
    the_same_request_again_is_no_twin,
    a_number_that_many_have_hides_no_twin,
    a_payment_from_before_the_keys_is_found_too,
);

fn paper(method: Method, amount: &str, reference: &str, bank: &str) -> PaymentLine {
    let text = |text: &str| Some(text.to_string()).filter(|text| !text.is_empty());
    PaymentLine { reference: text(reference), bank: text(bank), ..PaymentLine::new(method, usd(amount)) }
}

fn cobro(made: &TestCompany, person: usize, line: PaymentLine) -> PaymentBuilder {
    PaymentBuilder::new(Direction::Received, made.contacts[person]).with_line(line)
}

async fn asked(world: &World, made: &TestCompany, payment: &PaymentBuilder, keys: Vec<String>) -> Vec<Doubt> {
    let answered = Answered::These(keys);
    let payment = payment.payment.clone();
    match payments::record(&world.db, &made.actor, payment, &Notify::Nobody, &answered, None, noon()).await {
        Ok(_) => Vec::new(),
        Err(RecordError::Doubtful(doubts)) => doubts,
        Err(error) => panic!("{error}"),
    }
}

async fn two_people(world: &World) -> TestCompany {
    world.with(company().with_customer("Andina").with_customer("Luis")).await
}

fn likeness(doubts: &[Doubt]) -> Option<Likeness> {
    match doubts {
        [Doubt::LikelyTwin(twin)] => Some(twin.likeness),
        [] => None,
        other => panic!("{other:?}"),
    }
}

async fn the_same_figures_or_the_same_paper_are_a_twin(world: World) {
    let made = two_people(&world).await;
    let first = cobro(&made, 0, paper(Method::Transfer, "150.00", "00-8812", "Banco Pichincha"));
    first.clone().record(&world.db, &made.actor).await.unwrap();
    for (line, expected) in [
        (paper(Method::Cash, "150.00", "", ""), Likeness::Figures),
        (paper(Method::Transfer, "150.00", "8812", "banco pichincha"), Likeness::Paper(Method::Transfer)),
        (paper(Method::Transfer, "99.00", "8812", ""), Likeness::Paper(Method::Transfer)),
    ] {
        let again = cobro(&made, 0, line);
        assert_eq!(likeness(&asked(&world, &made, &again, Vec::new()).await), Some(expected), "{again:?}");
    }
    // Of another person, the paper with the same amount.
    let of_luis = cobro(&made, 1, paper(Method::Transfer, "150.00", "8812", "Banco Pichincha"));
    assert_eq!(likeness(&asked(&world, &made, &of_luis, Vec::new()).await), Some(Likeness::Paper(Method::Transfer)));
    let much_later = first.payment.date + TimeDelta::days(40);
    let later = cobro(&made, 0, paper(Method::Transfer, "1.00", "8812", "")).dated(much_later);
    let (payment, now) = (later.payment.clone(), noon() + TimeDelta::days(40));
    let none = Answered::These(Vec::new());
    let doubts = payments::record(&world.db, &made.actor, payment, &Notify::Nobody, &none, None, now).await;
    assert!(matches!(doubts, Err(RecordError::Doubtful(_))), "a paper is one whatever the day");
}

async fn what_only_resembles_is_none(world: World) {
    let made = two_people(&world).await;
    let (db, by) = (&world.db, &made.actor);
    let voided = cobro(&made, 0, paper(Method::Transfer, "70.00", "555", "")).record(db, by).await.unwrap();
    payments::void(db, by, voided, "Mal digitado", VoidNotice::TellNobody, &Conditions::default(), noon()).await.unwrap();
    cobro(&made, 0, paper(Method::Transfer, "150.00", "8812", "Banco Pichincha")).record(db, by).await.unwrap();
    let yesterday = noon().date_naive() - TimeDelta::days(1);
    for (person, line, date) in [
        (0, paper(Method::Transfer, "70.00", "555", ""), None),
        (0, paper(Method::Check, "1.00", "8812", "Banco Pichincha"), None),
        (0, paper(Method::Transfer, "2.00", "8812", "Banco Guayaquil"), None),
        (1, paper(Method::Transfer, "3.00", "8812", "Banco Pichincha"), None),
        (1, paper(Method::Cash, "150.00", "", ""), None),
        (0, paper(Method::Transfer, "150.00", "s/n", ""), Some(yesterday)),
        (0, paper(Method::Transfer, "4.00", "s/n", ""), None),
    ] {
        let mut other = cobro(&made, person, line);
        other.payment.date = date.unwrap_or(other.payment.date);
        assert_eq!(likeness(&asked(&world, &made, &other, Vec::new()).await), None, "{other:?}");
    }
    let stranger = world.with(company().with_customer("Andina")).await;
    let theirs = cobro(&stranger, 0, paper(Method::Transfer, "150.00", "8812", "Banco Pichincha"));
    assert_eq!(likeness(&asked(&world, &stranger, &theirs, Vec::new()).await), None, "another company's");
}

async fn a_twin_is_named_and_recorded_when_it_is_answered(world: World) {
    let made = two_people(&world).await;
    let (db, by) = (&world.db, &made.actor);
    let twin = cobro(&made, 0, paper(Method::Check, "80.00", "412", "Banco Guayaquil"));
    let first = twin.clone().record(db, by).await.unwrap();
    let doubts = asked(&world, &made, &twin, Vec::new()).await;
    let [Doubt::LikelyTwin(named)] = &doubts[..] else { panic!("{doubts:?}") };
    assert_eq!(
        (named.payment, named.number.to_string().as_str(), named.recorded_by.as_str()),
        (first, "RC-000001", "Ana Paredes")
    );
    assert_eq!(asked(&world, &made, &twin, vec![doubts[0].key()]).await, []);
    let second = payments::list(
        db,
        by.company,
        &payments::Filter::default(),
        payments::LAST_RECORDED,
        acuse_store::Page { after: None, limit: 9 },
    )
    .await
    .unwrap();
    assert_eq!(second.len(), 2, "it was asked, and then recorded");
    let recorded = payments::find(db, by.company, second[0].as_ref().unwrap().id).await.unwrap().unwrap();
    assert_eq!(payments::doubts(db, by.company, &recorded).await.unwrap().len(), 1, "the later one names the earlier one");
    let recorded = payments::find(db, by.company, first).await.unwrap().unwrap();
    assert_eq!(payments::doubts(db, by.company, &recorded).await.unwrap(), [], "and not the other way round");
}

async fn the_same_request_again_is_no_twin(world: World) {
    let made = two_people(&world).await;
    let payment = cobro(&made, 0, paper(Method::Transfer, "150.00", "8812", "")).payment;
    let once = Once { key: "formulario 1".to_string(), request_hash: [7; 32] };
    let answered = Answered::These(Vec::new());
    let mut ids = Vec::new();
    for _ in 0..2 {
        let again = payment.clone();
        let id = payments::record(&world.db, &made.actor, again, &Notify::Nobody, &answered, Some(&once), noon()).await;
        ids.push(id.unwrap());
    }
    assert_eq!(ids[0], ids[1]);
}

async fn a_number_that_many_have_hides_no_twin(world: World) {
    let made = two_people(&world).await;
    let certificate = |person| {
        let line = paper(Method::Withholding, "1.00", "001-001-000000123", "");
        cobro(&made, person, PaymentLine { tax: Some("IR 1 %".to_string()), ..line })
    };
    // Certificates of one issuer have the numbers of another's; those of the other are newer.
    for person in [0, 1, 1, 1, 1, 1, 1, 1] {
        certificate(person).record(&world.db, &made.actor).await.unwrap();
    }
    let doubts = asked(&world, &made, &certificate(0), Vec::new()).await;
    let twin = doubts.iter().find_map(|doubt| if let Doubt::LikelyTwin(twin) = doubt { Some(twin) } else { None });
    assert_eq!(
        twin.map(|twin| (twin.number.to_string(), twin.likeness)),
        Some(("RC-000001".to_string(), Likeness::Paper(Method::Withholding))),
        "{doubts:?}"
    );
}

/// The migration gave the lines that stood on record their keys.
async fn a_payment_from_before_the_keys_is_found_too(world: World) {
    let made = two_people(&world).await;
    let migration = include_str!("../../migrations/0014_keys.sql");
    let statements = migration.split(';').filter(|statement| statement.contains("UPDATE payment_line"));
    let fill = statements.map(|statement| &statement[statement.find("UPDATE").unwrap()..]).next().expect("it fills the keys");
    let written = ["ABC-0012", "001-001-000000900", "88.124.507", "00412", "#77/1"];
    for (cents, reference) in written.into_iter().enumerate() {
        let line = paper(Method::Transfer, &format!("{}.00", cents + 1), reference, "");
        cobro(&made, 0, line).record(&world.db, &made.actor).await.unwrap();
    }
    outside::run(&world.url, "UPDATE payment_line SET paper_key = NULL", vec![]).await;
    outside::run(&world.url, fill, vec![]).await;
    for reference in ["abc0012", "001001000000900", "88124507", "412", "771"] {
        let again = cobro(&made, 0, paper(Method::Transfer, "50.00", reference, ""));
        let expected = Some(Likeness::Paper(Method::Transfer));
        assert_eq!(likeness(&asked(&world, &made, &again, Vec::new()).await), expected, "{reference}");
    }
}
