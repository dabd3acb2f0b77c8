//! Lists are put in order by each of their columns, page after page, and found by what people remember of a payment.

use acuse_domain::day_in_ecuador;
use acuse_domain::document::Side;
use acuse_domain::payment::{Method, PaymentLine};
use acuse_store::order::Order;
use acuse_store::{Page, contacts, deliveries, documents, payments};
use acuse_testkit::builders::{TestCompany, company, listed, made, received, usd};
use acuse_testkit::world::{World, noon};
use chrono::TimeDelta;
use uuid::Uuid;

on_both_engines!(
    every_order_gives_each_row_once_over_its_pages,
    a_list_of_payments_begins_with_the_newest_date,
    a_payment_is_found_by_amount_and_reference,
    a_document_is_found_by_its_amounts,
    signs_of_a_pattern_are_plain_letters,
    overdue_is_whatever_is_late,
);

/// Rows that a page of these tests has: fewer than there are, and no divisor of them.
const FEW: u64 = 2;

/// The ids of all pages.
async fn pages(page: impl AsyncFn(Page) -> Vec<Uuid>) -> Vec<Uuid> {
    let mut all: Vec<Uuid> = Vec::new();
    loop {
        let found = page(Page { after: all.last().copied(), limit: FEW }).await;
        let is_last = found.len() < usize::try_from(FEW).unwrap();
        all.extend(found);
        if is_last {
            return all;
        }
        assert!(all.len() < 100, "the pages have no end");
    }
}

/// Payments of several days, people and amounts, some of them alike.
async fn some(world: &World) -> TestCompany {
    let ours = company().with_customer("Andina").with_open_invoice("1450.00").with_invoice_overdue_by(40, "80.00");
    let ours = ours.with_customer("Ñandú").with_open_invoice("1450.00").with_invoice_overdue_by(3, "80.00");
    let ours = world.with(ours.with_supplier("Papelera").with_open_invoice("12.00")).await;
    let today = day_in_ecuador(noon());
    for (person, amount, days, to) in [
        (0, "100.00", 0, "b@x.ec"),
        (1, "100.00", 2, "a@x.ec"),
        (0, "1450.00", 1, "A@x.ec"),
        (1, "7.50", 2, "c@x.ec"),
        (0, "100.00", 9, "b@x.ec"),
    ] {
        let cobro = received(ours.contacts[person], amount).dated(today - TimeDelta::days(days)).to(to);
        cobro.record(&world.db, &ours.actor).await.unwrap();
    }
    made(ours.contacts[2], "100.00").to("p@x.ec").record(&world.db, &ours.actor).await.unwrap();
    let theirs = world.with(company().with_customer("Otra").with_open_invoice("1450.00")).await;
    received(theirs.contacts[0], "100.00").to("z@x.ec").record(&world.db, &theirs.actor).await.unwrap();
    ours
}

/// The same rows each way, and each once.
async fn is_whole(expected: usize, list: impl AsyncFn(bool, Page) -> Vec<Uuid>, what: &str) {
    let rising = pages(async |page| list(false, page).await).await;
    let mut falling = pages(async |page| list(true, page).await).await;
    assert_eq!(rising.len(), expected, "{what}");
    falling.reverse();
    assert_eq!(rising, falling, "{what} turned round");
}

async fn every_order_gives_each_row_once_over_its_pages(world: World) {
    let ours = some(&world).await;
    let db = &world.db;
    {
        use payments::By;
        for by in [By::Recorded, By::Date, By::Number, By::Person, By::Total, By::Headline] {
            let list = async |descending, page| {
                let found = payments::list(db, ours.id, &payments::Filter::default(), Order { by, descending }, page).await;
                listed(found).into_iter().map(|one| one.id.0).collect()
            };
            is_whole(6, list, &format!("{by:?}")).await;
        }
    }
    {
        use documents::By;
        for by in [By::Due, By::Issued, By::Number, By::Person, By::Total, By::Balance] {
            let today = day_in_ecuador(noon());
            let list = async |descending, page| {
                let order = Order { by, descending };
                let found = documents::list(db, ours.id, &documents::Filter::default(), order, page, today).await;
                listed(found).into_iter().map(|one| one.document.id.0).collect()
            };
            is_whole(5, list, &format!("{by:?}")).await;
        }
    }
    {
        use contacts::By;
        for by in [By::Name, By::Identification, By::Receivable, By::Payable] {
            let list = async |descending, page| {
                let found = contacts::list(db, ours.id, &contacts::Filter::default(), Order { by, descending }, page).await;
                found.unwrap().into_iter().map(|one| one.id.0).collect()
            };
            is_whole(3, list, &format!("{by:?}")).await;
        }
    }
    {
        use deliveries::By;
        for by in [By::Queued, By::Recipient, By::Receipt, By::State] {
            let list = async |descending, page| {
                let found = deliveries::list(db, ours.id, &deliveries::Filter::default(), Order { by, descending }, page).await;
                listed(found).into_iter().map(|one| one.id.0).collect()
            };
            is_whole(6, list, &format!("{by:?}")).await;
        }
    }
}

const ALL: Page = Page { after: None, limit: 50 };

async fn a_list_of_payments_begins_with_the_newest_date(world: World) {
    let ours = some(&world).await;
    let newest = Order { by: payments::By::Date, descending: true };
    let found = listed(payments::list(&world.db, ours.id, &payments::Filter::default(), newest, ALL).await);
    let numbers: Vec<String> = found.iter().map(|one| one.number.to_string()).collect();
    assert_eq!(numbers, ["RP-000001", "RC-000001", "RC-000003", "RC-000004", "RC-000002", "RC-000005"]);
    let largest = Order { by: payments::By::Total, descending: true };
    let found = listed(payments::list(&world.db, ours.id, &payments::Filter::default(), largest, ALL).await);
    assert_eq!((found[0].total, found[5].total), (usd("1450.00"), usd("7.50")));
}

async fn a_payment_is_found_by_amount_and_reference(world: World) {
    let ours = some(&world).await;
    let transfer = PaymentLine { reference: Some("88124507".to_owned()), ..PaymentLine::new(Method::Transfer, usd("35.20")) };
    let withheld = PaymentLine {
        reference: Some("001-001-000000900".to_owned()),
        tax: Some("IR 2 %".to_owned()),
        ..PaymentLine::new(Method::Withholding, usd("2.00"))
    };
    let both = received(ours.contacts[0], "20.00").with_line(transfer).with_line(withheld).to("x@x.ec");
    both.record(&world.db, &ours.actor).await.unwrap();
    let found = async |typed: &str| {
        let text = Some(typed.to_owned());
        let filter = payments::Filter { text: text.clone(), ..payments::Filter::default() };
        let shown = listed(payments::list(&world.db, ours.id, &filter, payments::LAST_RECORDED, ALL).await);
        let totals = payments::totals(&world.db, ours.id, &filter, &deliveries::Stopped::default()).await.unwrap();
        assert_eq!(totals.payments, shown.len() as u64, "{typed}");
        let filter = deliveries::Filter { text, ..deliveries::Filter::default() };
        let sent = listed(deliveries::list(&world.db, ours.id, &filter, deliveries::NEWEST, ALL).await);
        let numbers: Vec<String> = shown.iter().map(|one| one.number.to_string()).collect();
        let of_sent: Vec<String> = sent.iter().map(|one| one.number.to_string()).collect();
        assert_eq!(numbers, of_sent, "{typed}: the envíos' list finds the same");
        numbers
    };
    for typed in ["1.450,00", "1,450.00", "1450", "1450.00", "$1450", "USD 1.450,00"] {
        assert_eq!(found(typed).await, ["RC-000003"], "{typed}");
    }
    for typed in ["88124507", "8812", "35,20", "001-001-000000900", "000000900", "1-1-900", "57,20", "55,20"] {
        assert_eq!(found(typed).await, ["RC-000006"], "{typed}");
    }
    assert_eq!(found("RC-000002").await, ["RC-000002"]);
    assert_eq!(found("7,5").await, ["RC-000004"]);
    assert_eq!(found("99999").await, Vec::<String>::new());
}

async fn a_document_is_found_by_its_amounts(world: World) {
    let ours = some(&world).await;
    received(ours.contacts[0], "50.00").settling(ours.documents[0], "50.00").record(&world.db, &ours.actor).await.unwrap();
    let today = day_in_ecuador(noon());
    let count = async |typed: &str| {
        let filter =
            documents::Filter { text: Some(typed.to_owned()), side: Some(Side::Receivable), ..documents::Filter::default() };
        documents::count(&world.db, ours.id, &filter, today).await.unwrap()
    };
    assert_eq!(count("1.450,00").await, 2, "the total");
    assert_eq!(count("1400").await, 1, "the balance");
    assert_eq!(count("80,00").await, 2);
    assert_eq!(count("3,33").await, 0);
}

async fn signs_of_a_pattern_are_plain_letters(world: World) {
    let ours = some(&world).await;
    for (method, reference) in [(Method::Transfer, "50%A"), (Method::Transfer, "50_A"), (Method::Transfer, "50\\A")] {
        let line = PaymentLine { reference: Some(reference.to_owned()), ..PaymentLine::new(method, usd("3.00")) };
        received(ours.contacts[0], "1.00").with_line(line).record(&world.db, &ours.actor).await.unwrap();
    }
    for typed in ["50%a", "50_A", "50\\A", "%", "_", "\\"] {
        let filter = payments::Filter { text: Some(typed.to_owned()), ..payments::Filter::default() };
        let found = listed(payments::list(&world.db, ours.id, &filter, payments::LAST_RECORDED, ALL).await);
        assert_eq!(found.len(), 1, "{typed}");
    }
}

async fn overdue_is_whatever_is_late(world: World) {
    let ours = some(&world).await;
    let today = day_in_ecuador(noon());
    let late = documents::Filter {
        age: Some(documents::Age::Overdue),
        side: Some(Side::Receivable),
        open_only: true,
        ..documents::Filter::default()
    };
    let found = listed(documents::list(&world.db, ours.id, &late, documents::DUE_FIRST, ALL, today).await);
    assert_eq!(found.iter().map(|one| one.document.balance).collect::<Vec<_>>(), [usd("80.00"), usd("80.00")]);
    assert!(found.iter().all(|one| one.document.facts.due_date < today));
}
