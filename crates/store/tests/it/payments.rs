use acuse_domain::delivery::State;
use acuse_domain::id::{CompanyId, ContactId, DocumentId, PaymentId};
use acuse_domain::money::Money;
use acuse_domain::payment::{Direction, Method, PaymentLine, Status};
use acuse_store::conditions::Conditions;
use acuse_store::events::{self, EventKind};
use acuse_store::payments::{self, Filter, RecordError};
use acuse_store::versions::Expected;
use acuse_store::{Db, Page, contacts, deliveries, documents};
use acuse_testkit::builders::{PaymentBuilder, TestCompany, company, listed, made, received, to, usd};
use acuse_testkit::world::{World, noon};
use chrono::TimeDelta;

use crate::record;

on_both_engines!(
    a_cobro_settles_documents_and_is_queued_to_its_customer,
    a_pago_has_numbers_of_its_own,
    every_field_of_every_method_is_kept,
    the_receipt_says_for_ever_what_was_true_when_it_was_recorded,
    a_refused_payment_leaves_nothing_behind,
    each_rule_of_allocation_is_kept,
    another_companys_payments_and_documents_are_unknown,
    numbers_are_dense_under_concurrent_recording,
    a_document_paid_twice_at_once_is_paid_once,
    an_anticipo_used_twice_at_once_is_used_once,
    payments_are_found_by_number_person_and_day,
    payments_come_in_pages_newest_first,
    five_hundred_documents_are_settled_at_once,
);

pub async fn balance(world: &World, made: &TestCompany, place: usize) -> Money {
    documents::find(&world.db, made.id, made.documents[place]).await.unwrap().unwrap().balance
}

/// The sequences of every cobro on record, in order.
pub async fn all_numbers(db: &Db, company: CompanyId) -> Vec<i64> {
    let filter = Filter { direction: Some(Direction::Received), ..Filter::default() };
    let all = listed(payments::list(db, company, &filter, payments::LAST_RECORDED, Page { after: None, limit: 10_000 }).await);
    let mut numbers: Vec<i64> = all.iter().map(|summary| summary.number.sequence).collect();
    numbers.sort_unstable();
    numbers
}

pub async fn deliveries_of(world: &World, made: &TestCompany, id: PaymentId) -> Vec<(String, State, Option<i32>)> {
    let found = deliveries::of_payments(&world.db, made.id, &[id]).await.unwrap();
    found.into_iter().map(|delivery| (delivery.recipient, delivery.state, delivery.resend)).collect()
}

/// The codes of the rules that a payment breaks.
pub fn codes<T: std::fmt::Debug>(refused: Result<T, RecordError>) -> Vec<&'static str> {
    match refused {
        Err(RecordError::Refused(refusal)) => refusal.iter().map(|(_, error)| error.message().code()).collect(),
        other => panic!("it should have been refused: {other:?}"),
    }
}

async fn a_cobro_settles_documents_and_is_queued_to_its_customer(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("120.00").with_open_invoice("80.00")).await;
    let cobro = received(made.contacts[0], "180.00").settling(made.documents[0], "120.00").settling(made.documents[1], "30.00");
    let id = cobro.to("pagos@andina.ec; gerencia@andina.ec, pagos@andina.ec").record(&world.db, &made.actor).await.unwrap();
    let kept = payments::find(&world.db, made.id, id).await.unwrap().unwrap();
    assert_eq!(kept.summary.number.to_string(), "RC-000001");
    assert_eq!(kept.summary.status, Status::Posted);
    assert_eq!((kept.summary.allocated, kept.summary.unapplied, kept.advance_rest), (usd("150.00"), usd("30.00"), usd("30.00")));
    let shares: Vec<_> = kept.allocations.iter().map(|share| (share.previous_balance, share.amount, share.balance_now)).collect();
    assert_eq!(shares, [(usd("120.00"), usd("120.00"), usd("0.00")), (usd("80.00"), usd("30.00"), usd("50.00"))]);
    assert_eq!([balance(&world, &made, 0).await, balance(&world, &made, 1).await], [usd("0.00"), usd("50.00")]);
    let queued: Vec<_> = deliveries_of(&world, &made, id).await;
    let expected = ["pagos@andina.ec", "gerencia@andina.ec"].map(|address| (address.to_string(), State::Queued, None));
    assert_eq!(queued, expected);
    let history = events::list(&world.db, made.id, id.0).await.unwrap();
    assert_eq!((history.len(), history[0].kind, history[0].detail.as_str()), (1, EventKind::PaymentRecorded, "2"));
    assert_eq!(history[0].who, "Ana Paredes");
    let settled_by = payments::with_document(&world.db, made.id, made.documents[1]).await.unwrap();
    assert_eq!(
        (settled_by.len(), settled_by[0].payment, settled_by[0].amount, settled_by[0].voided),
        (1, id, usd("30.00"), false)
    );
}

async fn a_pago_has_numbers_of_its_own(world: World) {
    let made_company = world.with(company().with_customer("Andina").with_supplier("Textiles").with_open_invoice("50.00")).await;
    let (db, by) = (&world.db, &made_company.actor);
    received(made_company.contacts[0], "1.00").record(db, by).await.unwrap();
    let pago = made(made_company.contacts[1], "50.00").settling(made_company.documents[0], "50.00").notifying();
    let id = pago.record(db, by).await.unwrap();
    let kept = payments::find(db, by.company, id).await.unwrap().unwrap();
    assert_eq!(kept.summary.number.to_string(), "RP-000001");
    assert_eq!(kept.receipt.as_ref().unwrap().title(), "Recibo de pago a proveedor");
    let delivery = deliveries::of_payments(db, by.company, &[id]).await.unwrap().pop().unwrap();
    assert_eq!(delivery.module, acuse_domain::mail_account::MailModule::InvoicesAndMadePayments);
}

async fn every_field_of_every_method_is_kept(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("120.00")).await;
    let (db, by) = (&world.db, &made.actor);
    let earlier = received(made.contacts[0], "10.00").record(db, by).await.unwrap();
    let text = |text: &str| Some(text.to_string());
    let check = PaymentLine {
        reference: text("1234"),
        bank: text("Banco de Pichincha — «ñ»"),
        account: text("2100443421"),
        date: Some(noon().date_naive() + TimeDelta::days(60)),
        kind: Some(acuse_domain::payment::CheckKind::Postdated),
        ..PaymentLine::new(Method::Check, usd("50.00"))
    };
    let withheld = PaymentLine {
        reference: text("001-001-000000077"),
        tax: text("IR 1,75 %"),
        base: Some(usd("120.00")),
        ..PaymentLine::new(Method::Withholding, usd("2.10"))
    };
    let mut cobro = PaymentBuilder::new(Direction::Received, made.contacts[0]).with_line(check).with_line(withheld);
    cobro = cobro.using(earlier, "10.00").by(Method::Cash, "0.01").settling(made.documents[0], "62.11");
    cobro.payment.description = text("Primera línea\nsegunda 'línea' \"con\" comillas");
    let expected = cobro.payment.clone();
    let id = cobro.record(db, by).await.unwrap();
    let kept = payments::find(db, by.company, id).await.unwrap().unwrap();
    assert_eq!(kept.lines, expected.lines);
    assert_eq!(kept.description, expected.description);
    assert_eq!((kept.summary.total, kept.summary.money), (usd("62.11"), usd("50.01")));
    assert_eq!((kept.recorded_at, kept.recorded_by.as_str()), (noon(), "Ana Paredes"));
    assert_eq!(kept.receipt.as_ref().unwrap().lines[0].account.as_deref(), Some("••3421"));
    assert_eq!(kept.receipt.as_ref().unwrap().lines[2].reference.as_deref(), Some("RC-000001"));
    assert_eq!(kept.receipt.as_ref().unwrap().in_words, "CINCUENTA CON 01/100 DÓLARES");
}

async fn the_receipt_says_for_ever_what_was_true_when_it_was_recorded(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("120.00")).await;
    let (db, by) = (&world.db, &made.actor);
    let first = received(made.contacts[0], "40.00").settling(made.documents[0], "40.00").record(db, by).await.unwrap();
    let printed = payments::receipt(db, by.company, first).await.unwrap().unwrap();
    assert_eq!((printed.allocations[0].previous_balance.as_str(), printed.allocations[0].balance.as_str()), ("120.00", "80.00"));
    received(made.contacts[0], "80.00").settling(made.documents[0], "80.00").record(db, by).await.unwrap();
    let mut card = contacts::find(db, by.company, made.contacts[0]).await.unwrap().unwrap().details;
    card.name = "Otro Nombre S.A.".to_string();
    contacts::change(db, by, made.contacts[0], &Expected::Any, to(card)).await.unwrap();
    let kept = payments::find(db, by.company, first).await.unwrap().unwrap();
    assert_eq!(kept.receipt, Some(printed));
    assert_eq!(kept.summary.contact_name, "Otro Nombre S.A.");
}

async fn a_refused_payment_leaves_nothing_behind(world: World) {
    let builder = company().with_customer("Andina").with_open_invoice("120.00").with_customer("Sin correo").with_emails("");
    let made = world.with(builder).await;
    let (db, by) = (&world.db, &made.actor);
    received(made.contacts[0], "10.00").record(db, by).await.unwrap();
    let before = record::of_everything(&world).await;
    let too_much = received(made.contacts[0], "200.00").settling(made.documents[0], "120.01").notifying().once("k", 1);
    assert_eq!(codes(too_much.record(db, by).await), ["allocation_exceeds_balance"]);
    let nobody = received(made.contacts[1], "5.00").notifying().record(db, by).await;
    assert!(matches!(nobody, Err(RecordError::ContactHasNoEmail)), "{nobody:?}");
    let unknown = received(ContactId(uuid::Uuid::now_v7()), "5.00").record(db, by).await;
    assert!(matches!(unknown, Err(RecordError::ContactNotFound)), "{unknown:?}");
    let tomorrow = noon().date_naive() + TimeDelta::days(2);
    assert_eq!(codes(received(made.contacts[0], "5.00").dated(tomorrow).record(db, by).await), ["date_in_future"]);
    assert_eq!(record::of_everything(&world).await, before);
    let next = received(made.contacts[0], "5.00").record(db, by).await.unwrap();
    assert_eq!(payments::find(db, by.company, next).await.unwrap().unwrap().summary.number.sequence, 2);
}

async fn each_rule_of_allocation_is_kept(world: World) {
    let builder = company().with_customer("Andina").with_open_invoice("120.00").with_open_invoice("80.00");
    let builder = builder.with_customer("Otra").with_open_invoice("9.00").with_supplier("Textiles").with_open_invoice("50.00");
    let made_company = world.with(builder).await;
    let [invoice, second, of_another, payable] = made_company.documents[..] else { panic!("four documents") };
    let (db, by, customer) = (&world.db, &made_company.actor, made_company.contacts[0]);
    let cobro = || received(customer, "500.00");
    assert_eq!(codes(cobro().settling(of_another, "1.00").record(db, by).await), ["document_of_another_contact"]);
    let wrong_side = made(made_company.contacts[2], "5.00").settling(payable, "1.00").settling(invoice, "1.00");
    assert_eq!(codes(wrong_side.record(db, by).await), ["document_of_another_contact"]);
    assert_eq!(codes(made(customer, "5.00").settling(invoice, "1.00").record(db, by).await), ["document_of_other_side"]);
    let twice = cobro().settling(invoice, "1.00").settling(second, "1.00").settling(invoice, "1.00");
    assert_eq!(codes(twice.record(db, by).await), ["document_repeated"]);
    let unknown = DocumentId(uuid::Uuid::now_v7());
    assert_eq!(codes(cobro().settling(unknown, "1.00").record(db, by).await), ["document_not_found"]);
    let several = cobro().settling(invoice, "120.01").settling(second, "0.00").settling(unknown, "1.00");
    assert_eq!(
        codes(several.record(db, by).await),
        ["allocation_exceeds_balance", "allocation_not_positive", "document_not_found"]
    );
    assert_eq!(codes(received(customer, "5.00").settling(invoice, "5.01").record(db, by).await), ["allocations_exceed_total"]);
    assert!(all_numbers(db, by.company).await.is_empty());
}

async fn another_companys_payments_and_documents_are_unknown(world: World) {
    let ours = world.with(company().with_customer("Andina").with_open_invoice("120.00")).await;
    let theirs = world.with(company().with_customer("Ajena").with_open_invoice("10.00")).await;
    let db = &world.db;
    let id = received(ours.contacts[0], "50.00")
        .settling(ours.documents[0], "20.00")
        .notifying()
        .record(db, &ours.actor)
        .await
        .unwrap();
    let before = record::of_everything(&world).await;
    let unknown_person = received(ours.contacts[0], "5.00").record(db, &theirs.actor).await;
    assert!(matches!(unknown_person, Err(RecordError::ContactNotFound)), "{unknown_person:?}");
    let document = received(theirs.contacts[0], "5.00").settling(ours.documents[0], "5.00").record(db, &theirs.actor).await;
    assert_eq!(codes(document), ["document_not_found"]);
    let anticipo =
        PaymentBuilder::new(Direction::Received, theirs.contacts[0]).using(id, "5.00").settling(theirs.documents[0], "5.00");
    assert_eq!(codes(anticipo.record(db, &theirs.actor).await), ["advance_not_found"]);
    assert_eq!(payments::find(db, theirs.id, id).await.unwrap(), None);
    assert_eq!(payments::receipt(db, theirs.id, id).await.unwrap(), None);
    assert!(
        listed(payments::list(db, theirs.id, &Filter::default(), payments::LAST_RECORDED, Page { after: None, limit: 9 }).await)
            .is_empty()
    );
    assert!(payments::with_document(db, theirs.id, ours.documents[0]).await.unwrap().is_empty());
    assert!(payments::open_advances(db, theirs.id, ours.contacts[0], Direction::Received).await.unwrap().is_empty());
    assert!(deliveries::of_payments(db, theirs.id, &[id]).await.unwrap().is_empty());
    assert!(events::list(db, theirs.id, id.0).await.unwrap().is_empty());
    let voided =
        payments::void(db, &theirs.actor, id, "robo", payments::VoidNotice::TellNobody, &Conditions::default(), noon()).await;
    assert!(matches!(voided, Err(payments::VoidError::NotFound)), "{voided:?}");
    let resent = payments::resend(db, &theirs.actor, id, &payments::Notify::Contact, None, noon()).await;
    assert!(matches!(resent, Err(payments::ResendError::NotFound)), "{resent:?}");
    assert_eq!(record::of_everything(&world).await, before);
}

async fn numbers_are_dense_under_concurrent_recording(world: World) {
    let made_company = world.with(company().with_customer("Andina").with_open_invoice("10.00").with_supplier("Textiles")).await;
    let tasks: Vec<_> = (0..60_usize)
        .map(|n| {
            let (db, by) = (world.db.clone(), made_company.actor.clone());
            let (customer, supplier, invoice) = (made_company.contacts[0], made_company.contacts[1], made_company.documents[0]);
            let payment = match n % 4 {
                0 => made(supplier, "2.00"),
                // One of these fits into the invoice; the others are refused.
                1 => received(customer, "10.00").settling(invoice, "7.00"),
                _ => received(customer, "1.00").notifying(),
            };
            tokio::spawn(async move { payment.record(&db, &by).await })
        })
        .collect();
    let (mut recorded, mut refused) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => recorded += 1,
            other => {
                assert_eq!(codes(other), ["allocation_exceeds_balance"]);
                refused += 1;
            }
        }
    }
    assert_eq!((recorded, refused), (46, 14));
    assert_eq!(all_numbers(&world.db, made_company.id).await, (1..=31).collect::<Vec<i64>>());
    let pagos = Filter { direction: Some(Direction::Made), ..Filter::default() };
    let pagos = listed(
        payments::list(&world.db, made_company.id, &pagos, payments::LAST_RECORDED, Page { after: None, limit: 100 }).await,
    );
    let newest_first: Vec<i64> = pagos.iter().map(|summary| summary.number.sequence).collect();
    assert_eq!(newest_first, (1..=15).rev().collect::<Vec<i64>>());
    assert_eq!(balance(&world, &made_company, 0).await, usd("3.00"));
}

async fn a_document_paid_twice_at_once_is_paid_once(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("120.00")).await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (db, by) = (world.db.clone(), made.actor.clone());
            let cobro = received(made.contacts[0], "120.00").settling(made.documents[0], "120.00");
            tokio::spawn(async move { cobro.record(&db, &by).await })
        })
        .collect();
    let mut recorded = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => recorded += 1,
            other => assert_eq!(codes(other), ["allocation_exceeds_balance"]),
        }
    }
    assert_eq!((recorded, balance(&world, &made, 0).await), (1, Money::ZERO));
}

async fn an_anticipo_used_twice_at_once_is_used_once(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("120.00").with_open_invoice("80.00")).await;
    let earlier = received(made.contacts[0], "30.00").record(&world.db, &made.actor).await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let (db, by) = (world.db.clone(), made.actor.clone());
            let uses = PaymentBuilder::new(Direction::Received, made.contacts[0]).using(earlier, "30.00");
            let uses = uses.settling(made.documents[n % 2], "30.00");
            tokio::spawn(async move { uses.record(&db, &by).await })
        })
        .collect();
    let mut recorded = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => recorded += 1,
            other => assert_eq!(codes(other), ["advance_exceeds_rest"]),
        }
    }
    assert_eq!(recorded, 1);
    assert!(payments::open_advances(&world.db, made.id, made.contacts[0], Direction::Received).await.unwrap().is_empty());
    assert_eq!(balance(&world, &made, 0).await + balance(&world, &made, 1).await, usd("170.00"));
}

async fn payments_are_found_by_number_person_and_day(world: World) {
    let made_company = world.with(company().with_customer("Ñandú 100%").with_customer("Andina").with_supplier("Textiles")).await;
    let (db, by) = (&world.db, &made_company.actor);
    let today = noon().date_naive();
    received(made_company.contacts[0], "1.00").dated(today - TimeDelta::days(3)).record(db, by).await.unwrap();
    received(made_company.contacts[1], "2.00").record(db, by).await.unwrap();
    made(made_company.contacts[2], "3.00").dated(today - TimeDelta::days(1)).record(db, by).await.unwrap();
    let find = async |filter: Filter| -> Vec<String> {
        let found =
            listed(payments::list(db, by.company, &filter, payments::LAST_RECORDED, Page { after: None, limit: 50 }).await);
        found.into_iter().map(|summary| summary.number.to_string()).collect()
    };
    let text = |text: &str| Filter { text: Some(text.to_string()), ..Filter::default() };
    assert_eq!(find(Filter::default()).await, ["RP-000001", "RC-000002", "RC-000001"]);
    assert_eq!(find(text("nandu")).await, ["RC-000001"]);
    assert_eq!(find(text("%")).await, ["RC-000001"]);
    assert_eq!(find(text("rc-2")).await, ["RC-000002"]);
    assert_eq!(find(text("RP-000001")).await, ["RP-000001"]);
    assert!(find(text("_")).await.is_empty());
    assert_eq!(find(Filter { direction: Some(Direction::Made), ..Filter::default() }).await, ["RP-000001"]);
    assert_eq!(find(Filter { contact: Some(made_company.contacts[1]), ..Filter::default() }).await, ["RC-000002"]);
    let days = |from, until| Filter {
        from: Some(today - TimeDelta::days(from)),
        until: Some(today - TimeDelta::days(until)),
        ..Filter::default()
    };
    assert_eq!(find(days(3, 1)).await, ["RP-000001", "RC-000001"]);
    assert_eq!(find(days(0, 0)).await, ["RC-000002"]);
}

async fn payments_come_in_pages_newest_first(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    for _ in 0..5 {
        received(made.contacts[0], "1.00").record(&world.db, &made.actor).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = listed(
            payments::list(&world.db, made.id, &Filter::default(), payments::LAST_RECORDED, Page { after, limit: 2 }).await,
        );
        after = page.last().map(|summary| summary.id.0);
        seen.extend(page.into_iter().map(|summary| summary.number.sequence));
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
}

async fn five_hundred_documents_are_settled_at_once(world: World) {
    let mut builder = company().with_customer("Andina");
    for _ in 0..500 {
        builder = builder.with_open_invoice("1.00");
    }
    let made = world.with(builder).await;
    let mut cobro = received(made.contacts[0], "500.00");
    for document in &made.documents {
        cobro = cobro.settling(*document, "1.00");
    }
    let id = cobro.record(&world.db, &made.actor).await.unwrap();
    assert_eq!(payments::find(&world.db, made.id, id).await.unwrap().unwrap().allocations.len(), 500);
    let owed = contacts::standing(&world.db, made.id, made.contacts[0]).await.unwrap();
    assert_eq!(owed, contacts::Standing::default());
}
