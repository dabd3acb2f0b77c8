//! What lists say above and below their rows.

use acuse_domain::day_in_ecuador;
use acuse_domain::delivery::{Group, Next, State};
use acuse_domain::document::Side;
use acuse_domain::payment::{Direction, Method, PaymentLine};
use acuse_store::conditions::Conditions;
use acuse_store::deliveries::{Filter, Stopped};
use acuse_store::payments::{self, VoidNotice};
use acuse_store::{contacts, deliveries, documents};
use acuse_testkit::builders::{company, made, received, usd};
use acuse_testkit::world::{World, noon, noon_and};

use crate::deliveries::{claim_all, outcome};

on_both_engines!(
    the_sums_of_a_list_leave_out_what_is_voided,
    a_row_tells_its_forms_in_order,
    people_are_counted_and_found_by_identification,
    documents_are_counted_as_their_list_shows_them,
    envios_are_counted_by_state_and_problem,
);

fn withheld(amount: &str) -> PaymentLine {
    let (reference, tax) = (Some("001-001-000000873".to_string()), Some("IR 2 %".to_string()));
    PaymentLine { reference, tax, ..PaymentLine::new(Method::Withholding, usd(amount)) }
}

async fn the_sums_of_a_list_leave_out_what_is_voided(world: World) {
    let ours = world.with(company().with_customer("Andina").with_customer("Ñandú").with_open_invoice("120.00")).await;
    let theirs = world.with(company().with_customer("Otra")).await;
    received(theirs.contacts[0], "999.00").record(&world.db, &theirs.actor).await.unwrap();
    let andina = received(ours.contacts[0], "100.00").with_line(withheld("2.00")).to("a@x.ec");
    andina.record(&world.db, &ours.actor).await.unwrap();
    let voided = received(ours.contacts[1], "50.00").record(&world.db, &ours.actor).await.unwrap();
    payments::void(&world.db, &ours.actor, voided, "por error", VoidNotice::TellNobody, &Conditions::default(), noon_and(1))
        .await
        .unwrap();
    let failed: Vec<_> = claim_all(&world).await;
    let outcomes = [outcome(&failed[0], Next::Failed, "550 5.1.1 no", Some("mailbox_not_found"), noon_and(2))];
    assert!(deliveries::record_attempts(&world.db, &outcomes, noon_and(2)).await.unwrap().is_empty());

    let filter = payments::Filter { direction: Some(Direction::Received), ..payments::Filter::default() };
    let totals = payments::totals(&world.db, ours.id, &filter, &Stopped::default()).await.unwrap();
    assert_eq!((totals.payments, totals.with_problems), (2, 1));
    assert_eq!((totals.total, totals.money, totals.withheld), (usd("102.00"), usd("100.00"), usd("2.00")));
    assert_eq!(totals.unapplied, usd("102.00"));

    let text = |text: &str| payments::Filter { text: Some(text.to_string()), ..payments::Filter::default() };
    assert_eq!(payments::totals(&world.db, ours.id, &text("nandu"), &Stopped::default()).await.unwrap().payments, 1);
    assert_eq!(payments::totals(&world.db, ours.id, &text("RC-1"), &Stopped::default()).await.unwrap().total, usd("102.00"));
    let contact = payments::Filter { contact: Some(ours.contacts[1]), ..payments::Filter::default() };
    assert_eq!(payments::totals(&world.db, ours.id, &contact, &Stopped::default()).await.unwrap().total, usd("0.00"));
    let day = day_in_ecuador(noon());
    let later = payments::Filter { from: day.succ_opt(), until: day.succ_opt(), ..payments::Filter::default() };
    assert_eq!(payments::totals(&world.db, ours.id, &later, &Stopped::default()).await.unwrap(), payments::Totals::default());
}

async fn a_row_tells_its_forms_in_order(world: World) {
    let ours = world.with(company().with_customer("Andina").with_supplier("Papelera")).await;
    let cobro = received(ours.contacts[0], "100.00").with_line(withheld("2.00"));
    let cobro = cobro.record(&world.db, &ours.actor).await.unwrap();
    let pago = made(ours.contacts[1], "7.00").record(&world.db, &ours.actor).await.unwrap();
    let forms = payments::methods_of(&world.db, ours.id, &[pago, cobro]).await.unwrap();
    let of = |id| forms.iter().filter(|(own, ..)| *own == id).map(|(_, method, amount)| (*method, *amount)).collect::<Vec<_>>();
    assert_eq!(of(cobro), [(Method::Transfer, usd("100.00")), (Method::Withholding, usd("2.00"))]);
    assert_eq!(of(pago), [(Method::Transfer, usd("7.00"))]);
    let theirs = world.with(company().with_customer("Otra")).await;
    assert_eq!(payments::methods_of(&world.db, theirs.id, &[cobro]).await.unwrap(), []);
}

async fn people_are_counted_and_found_by_identification(world: World) {
    let ours = world.with(company().with_customer("Andina").with_customer("Ñandú").with_supplier("Papelera")).await;
    let count = async |role, text: &str| {
        let filter = contacts::Filter { role, text: Some(text.to_string()) };
        contacts::count(&world.db, ours.id, &filter).await.unwrap()
    };
    assert_eq!(count(None, "").await, 3);
    assert_eq!(count(Some(contacts::Role::Customer), "").await, 2);
    assert_eq!(count(Some(contacts::Role::Supplier), "nandu").await, 0);
    assert_eq!(count(None, "nandu").await, 1);
    let andina = contacts::find(&world.db, ours.id, ours.contacts[0]).await.unwrap().unwrap();
    let wanted = &andina.details.identification;
    let found = contacts::find_by_identification(&world.db, ours.id, wanted).await.unwrap();
    assert_eq!(found.map(|contact| contact.id), Some(andina.id));
    let theirs = world.with(company()).await;
    assert_eq!(contacts::find_by_identification(&world.db, theirs.id, wanted).await.unwrap(), None);
}

async fn documents_are_counted_as_their_list_shows_them(world: World) {
    let ours = company().with_customer("Andina").with_open_invoice("120.00").with_invoice_overdue_by(40, "80.00");
    let ours = world.with(ours).await;
    received(ours.contacts[0], "120.00").settling(ours.documents[0], "120.00").record(&world.db, &ours.actor).await.unwrap();
    let today = day_in_ecuador(noon());
    let count = async |filter: documents::Filter| documents::count(&world.db, ours.id, &filter, today).await.unwrap();
    let receivable = documents::Filter { side: Some(Side::Receivable), ..documents::Filter::default() };
    assert_eq!(count(receivable.clone()).await, 2);
    assert_eq!(count(documents::Filter { open_only: true, ..receivable.clone() }).await, 1);
    assert_eq!(count(documents::Filter { age: Some(documents::Age::UpTo60), ..receivable.clone() }).await, 1);
    assert_eq!(count(documents::Filter { age: Some(documents::Age::UpTo30), ..receivable }).await, 0);
    assert_eq!(count(documents::Filter { side: Some(Side::Payable), ..documents::Filter::default() }).await, 0);
}

async fn envios_are_counted_by_state_and_problem(world: World) {
    let ours = world.with(company().with_customer("Andina")).await;
    received(ours.contacts[0], "1.00").to("a@x.ec;b@x.ec;c@x.ec").record(&world.db, &ours.actor).await.unwrap();
    let claimed = claim_all(&world).await;
    let outcomes = [
        outcome(&claimed[0], Next::Accepted, "250 OK", None, noon_and(1)),
        outcome(&claimed[1], Next::Failed, "550 5.1.1 no", Some("mailbox_not_found"), noon_and(1)),
        outcome(&claimed[2], Next::Failed, "554 spam", Some("content_rejected"), noon_and(1)),
    ];
    assert!(deliveries::record_attempts(&world.db, &outcomes, noon_and(1)).await.unwrap().is_empty());
    let bad = [State::Failed, State::Bounced];
    assert_eq!(deliveries::count_in(&world.db, ours.id, &bad).await.unwrap(), 2);
    let problems = Filter { group: Some((Group::WithProblems, Stopped::default())), ..Filter::default() };
    let codes = deliveries::problem_codes(&world.db, ours.id, &problems).await.unwrap();
    assert_eq!(codes, ["content_rejected", "mailbox_not_found"]);
    let one = deliveries::Filter { problem_code: Some("content_rejected".to_string()), ..deliveries::Filter::default() };
    assert_eq!(deliveries::count(&world.db, ours.id, &one).await.unwrap(), 1);
    let number = deliveries::Filter { text: Some("RC-1".to_string()), ..deliveries::Filter::default() };
    assert_eq!(deliveries::count(&world.db, ours.id, &number).await.unwrap(), 3);
    let theirs = world.with(company().with_customer("Otra")).await;
    assert_eq!(deliveries::count(&world.db, theirs.id, &deliveries::Filter::default()).await.unwrap(), 0);
}
