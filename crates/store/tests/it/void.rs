use std::collections::BTreeMap;

use acuse_domain::delivery::State;
use acuse_domain::id::PaymentId;
use acuse_domain::money::Money;
use acuse_domain::payment::Notify;
use acuse_domain::payment::{Direction, Status, VoidRefusal};
use acuse_store::conditions::Conditions;
use acuse_store::deliveries::{self, MessageKind};
use acuse_store::events::{self, EventKind};
use acuse_store::payments::{self, VoidError, VoidNotice};
use acuse_testkit::builders::{PaymentBuilder, TestCompany, company, received, usd};
use acuse_testkit::world::{World, noon, noon_and};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::deliveries::{accept, claim_all};
use crate::payments::{all_numbers, balance, deliveries_of};
use crate::record;

on_both_engines!(
    a_void_gives_every_balance_back_and_keeps_the_number,
    a_void_is_refused_while_the_anticipo_is_used_elsewhere,
    a_payment_is_voided_once_even_at_once,
    a_void_cancels_what_waits_and_tells_who_had_it,
    a_void_and_the_use_of_its_anticipo_at_once_are_one_or_the_other,
    any_sequence_of_records_and_voids_leaves_what_stands,
);

async fn void(world: &World, made: &TestCompany, id: PaymentId) -> Result<(), VoidError> {
    payments::void(&world.db, &made.actor, id, "Mal digitado", VoidNotice::TellNobody, &Conditions::default(), noon_and(60)).await
}

async fn a_void_gives_every_balance_back_and_keeps_the_number(world: World) {
    let builder =
        company().with_customer("Andina").with_open_invoice("120.00").with_open_invoice("80.00").with_credit_note("-20.00");
    let made = world.with(builder).await;
    let (db, by) = (&world.db, &made.actor);
    let earlier = received(made.contacts[0], "30.00").record(db, by).await.unwrap();
    received(made.contacts[0], "10.00").settling(made.documents[0], "10.00").record(db, by).await.unwrap();
    let cobro = received(made.contacts[0], "100.00").using(earlier, "30.00").settling(made.documents[0], "110.00");
    let id = cobro.settling(made.documents[2], "-20.00").record(db, by).await.unwrap();
    assert_eq!(payments::find(db, made.id, id).await.unwrap().unwrap().advance_rest, usd("40.00"));
    void(&world, &made, id).await.unwrap();
    let balances = [balance(&world, &made, 0).await, balance(&world, &made, 1).await, balance(&world, &made, 2).await];
    assert_eq!(balances, [usd("110.00"), usd("80.00"), usd("-20.00")]);
    let rests = payments::open_advances(db, made.id, made.contacts[0], Direction::Received).await.unwrap();
    assert_eq!(rests.iter().map(|rest| (rest.payment, rest.available)).collect::<Vec<_>>(), [(earlier, usd("30.00"))]);
    let kept = payments::find(db, made.id, id).await.unwrap().unwrap();
    assert_eq!(kept.summary.number.to_string(), "RC-000003");
    assert_eq!(kept.summary.status, Status::Voided { at: noon_and(60), reason: "Mal digitado".to_string() });
    assert_eq!((kept.voided_by.as_deref(), kept.advance_rest), (Some("Ana Paredes"), Money::ZERO));
    assert_eq!(kept.receipt.as_ref().unwrap().voided.as_ref().unwrap().reason.as_deref(), Some("Mal digitado"));
    assert_eq!(kept.receipt.as_ref().unwrap().file_name(), "Recibo-RC-000003-ANULADO.pdf");
    let history: Vec<_> = events::list(db, made.id, id.0).await.unwrap().into_iter().map(|event| event.kind).collect();
    assert_eq!(history, [EventKind::PaymentVoided, EventKind::PaymentRecorded]);
    received(made.contacts[0], "1.00").record(db, by).await.unwrap();
    assert_eq!(all_numbers(db, made.id).await, [1, 2, 3, 4]);
    void(&world, &made, earlier).await.unwrap();
}

async fn a_void_is_refused_while_the_anticipo_is_used_elsewhere(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("120.00")).await;
    let earlier = received(made.contacts[0], "30.00").record(&world.db, &made.actor).await.unwrap();
    let uses =
        PaymentBuilder::new(Direction::Received, made.contacts[0]).using(earlier, "12.00").settling(made.documents[0], "12.00");
    let uses = uses.record(&world.db, &made.actor).await.unwrap();
    let before = record::of_everything(&world).await;
    let refused = void(&world, &made, earlier).await;
    let expected = VoidRefusal::AdvanceInUse { left: usd("30.00"), used: usd("12.00") };
    assert!(matches!(&refused, Err(VoidError::Refused(found)) if *found == expected), "{refused:?}");
    assert_eq!(record::of_everything(&world).await, before);
    void(&world, &made, uses).await.unwrap();
    void(&world, &made, earlier).await.unwrap();
    assert_eq!(balance(&world, &made, 0).await, usd("120.00"));
    let voided =
        PaymentBuilder::new(Direction::Received, made.contacts[0]).using(earlier, "1.00").settling(made.documents[0], "1.00");
    assert_eq!(crate::payments::codes(voided.record(&world.db, &made.actor).await), ["advance_not_found"]);
}

async fn a_payment_is_voided_once_even_at_once(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("120.00")).await;
    let cobro = received(made.contacts[0], "50.00").settling(made.documents[0], "50.00");
    let id = cobro.record(&world.db, &made.actor).await.unwrap();
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let (db, by) = (world.db.clone(), made.actor.clone());
            tokio::spawn(async move {
                payments::void(&db, &by, id, "x", VoidNotice::TellNobody, &Conditions::default(), noon()).await
            })
        })
        .collect();
    let mut voided = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => voided += 1,
            Err(VoidError::Refused(VoidRefusal::AlreadyVoided)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((voided, balance(&world, &made, 0).await), (1, usd("120.00")));
    assert_eq!(events::list(&world.db, made.id, id.0).await.unwrap().len(), 2);
}

async fn a_void_cancels_what_waits_and_tells_who_had_it(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let (db, by) = (&world.db, &made.actor);
    let id = received(made.contacts[0], "50.00").to("tuvo@andina.ec").record(db, by).await.unwrap();
    accept(&world, &claim_all(&world).await, noon()).await;
    payments::resend(db, by, id, &Notify::Addresses(vec!["espera@andina.ec".parse().unwrap()]), None, noon()).await.unwrap();
    payments::void(db, by, id, "Duplicado", VoidNotice::TellWhoHadIt, &Conditions::default(), noon_and(60)).await.unwrap();
    let all = deliveries::of_payments(db, made.id, &[id]).await.unwrap();
    let found: Vec<_> = all.iter().map(|delivery| (delivery.recipient.as_str(), delivery.kind, delivery.state)).collect();
    let expected = [
        ("tuvo@andina.ec", MessageKind::Receipt, State::Accepted),
        ("espera@andina.ec", MessageKind::Receipt, State::Cancelled),
        ("tuvo@andina.ec", MessageKind::VoidNotice, State::Queued),
    ];
    assert_eq!(found, expected);
    let notice = claim_all(&world).await.pop().unwrap();
    assert_eq!(notice.receipt.voided.unwrap().reason.as_deref(), Some("Duplicado"));
    assert_eq!(notice.voided_at, Some(noon_and(60)));
    let untold = received(made.contacts[0], "5.00").notifying().record(db, by).await.unwrap();
    payments::void(db, by, untold, "x", VoidNotice::TellWhoHadIt, &Conditions::default(), noon()).await.unwrap();
    assert_eq!(deliveries_of(&world, &made, untold).await, [("pagos@andina.ec".to_string(), State::Cancelled, None)]);
}

async fn a_void_and_the_use_of_its_anticipo_at_once_are_one_or_the_other(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("120.00")).await;
    for _ in 0..6 {
        let earlier = received(made.contacts[0], "5.00").record(&world.db, &made.actor).await.unwrap();
        let uses =
            PaymentBuilder::new(Direction::Received, made.contacts[0]).using(earlier, "5.00").settling(made.documents[0], "5.00");
        let before = balance(&world, &made, 0).await;
        let (used, voided) = tokio::join!(uses.record(&world.db, &made.actor), void(&world, &made, earlier));
        assert_ne!(used.is_ok(), voided.is_ok(), "{used:?} {voided:?}");
        let taken = if used.is_ok() { usd("5.00") } else { Money::ZERO };
        assert_eq!(balance(&world, &made, 0).await, before - taken);
    }
}

/// What a person may do next: record a cobro that settles part of each invoice and may use an anticipo, or void one.
#[derive(Debug, Clone)]
enum Step {
    Record { cents: i64, parts: [i64; 3], uses: Option<usize> },
    Void(usize),
}

/// In fiftieths of the balance: mostly some of it, now and then nothing or too much.
fn part() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 5..20_i64, 1 => Just(0), 1 => 45..60_i64]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let record = (1_000..9_000_i64, [part(), part(), part()], prop::option::weighted(0.7, 0..6_usize))
        .prop_map(|(cents, parts, uses)| Step::Record { cents, parts, uses });
    prop::collection::vec(prop_oneof![3 => record, 2 => (0..12_usize).prop_map(Step::Void)], 10..25)
}

/// After every step each balance is its total less the allocations of what stands, and each anticipo's rest what it left
/// less what stands of its uses; when all is voided, everything is as it was before.
async fn any_sequence_of_records_and_voids_leaves_what_stands(world: World) {
    let mut runner = TestRunner::deterministic();
    let mut seen = 0;
    for _ in 0..6 {
        let builder =
            company().with_customer("Andina").with_open_invoice("120.00").with_open_invoice("80.00").with_credit_note("-20.00");
        let mut ledger = Ledger { made: world.with(builder).await, recorded: Vec::new() };
        for step in steps().new_tree(&mut runner).unwrap().current() {
            ledger.take(&world, &step).await;
            ledger.check(&world).await;
        }
        for place in (0..ledger.recorded.len()).rev() {
            ledger.take(&world, &Step::Void(place)).await;
        }
        ledger.check(&world).await;
        seen += ledger.recorded.iter().filter(|payment| payment.uses.is_some()).count();
        assert!(ledger.recorded.iter().all(|payment| payment.voided), "newest first, nothing stands in the way");
        let balances = [
            balance(&world, &ledger.made, 0).await,
            balance(&world, &ledger.made, 1).await,
            balance(&world, &ledger.made, 2).await,
        ];
        assert_eq!(balances, [usd("120.00"), usd("80.00"), usd("-20.00")]);
    }
    assert!(seen > 3, "anticipos were used only {seen} times");
}

/// The same bookkeeping, done in the plainest way.
struct Ledger {
    made: TestCompany,
    recorded: Vec<Entry>,
}

struct Entry {
    id: PaymentId,
    allocated: [i64; 3],
    unapplied: i64,
    uses: Option<(usize, i64)>,
    voided: bool,
}

const TOTALS: [i64; 3] = [12_000, 8_000, -2_000];

impl Ledger {
    fn balances(&self) -> [i64; 3] {
        let standing = |place: usize| self.recorded.iter().filter(|e| !e.voided).map(|e| e.allocated[place]).sum::<i64>();
        [0, 1, 2].map(|place| TOTALS[place] - standing(place))
    }

    fn rest(&self, place: usize) -> i64 {
        let used = self.recorded.iter().filter(|e| !e.voided).filter_map(|e| e.uses).filter(|(of, _)| *of == place);
        if self.recorded[place].voided { 0 } else { self.recorded[place].unapplied - used.map(|(_, cents)| cents).sum::<i64>() }
    }

    async fn take(&mut self, world: &World, step: &Step) {
        match step {
            Step::Record { cents, parts, uses } => self.record(world, *cents, *parts, *uses).await,
            Step::Void(place) if *place < self.recorded.len() => {
                let entry = &self.recorded[*place];
                let may = !entry.voided && self.rest(*place) == entry.unapplied;
                let voided = void(world, &self.made, entry.id).await;
                assert_eq!(voided.is_ok(), may, "{voided:?}");
                self.recorded[*place].voided |= may;
            }
            Step::Void(_) => {}
        }
    }

    async fn record(&mut self, world: &World, cents: i64, parts: [i64; 3], uses: Option<usize>) {
        let balances = self.balances();
        let allocated = [0, 1, 2].map(|place| balances[place] * parts[place] / 50);
        let sum = allocated.iter().sum::<i64>();
        let uses = uses.filter(|place| *place < self.recorded.len()).map(|place| (place, self.rest(place).min(sum)));
        let uses = uses.filter(|(_, rest)| *rest > 0);
        let advance = uses.map_or(0, |(_, rest)| rest);
        let text = |cents| Money::from_cents(cents).plain();
        let mut cobro = received(self.made.contacts[0], &text(cents));
        if let Some((place, rest)) = uses {
            cobro = cobro.using(self.recorded[place].id, &text(rest));
        }
        for (place, cents) in allocated.into_iter().enumerate().filter(|(_, cents)| *cents != 0) {
            cobro = cobro.settling(self.made.documents[place], &text(cents));
        }
        let total = cents + advance;
        let fits = [0, 1, 2].iter().all(|place| allocated[*place].abs() <= balances[*place].abs());
        let may = fits && (0..=total).contains(&sum) && advance <= sum;
        let done = cobro.record(&world.db, &self.made.actor).await;
        assert_eq!(done.is_ok(), may, "{done:?}");
        if let Ok(id) = done {
            self.recorded.push(Entry { id, allocated, unapplied: total - sum, uses, voided: false });
        }
    }

    async fn check(&self, world: &World) {
        for (place, expected) in self.balances().into_iter().enumerate() {
            assert_eq!(balance(world, &self.made, place).await.cents(), expected);
        }
        let rests = payments::open_advances(&world.db, self.made.id, self.made.contacts[0], Direction::Received).await.unwrap();
        let found: BTreeMap<PaymentId, i64> = rests.into_iter().map(|rest| (rest.payment, rest.available.cents())).collect();
        let expected =
            (0..self.recorded.len()).map(|place| (self.recorded[place].id, self.rest(place))).filter(|(_, rest)| *rest > 0);
        assert_eq!(found, expected.collect());
        assert_eq!(all_numbers(&world.db, self.made.id).await, (1..=self.recorded.len() as i64).collect::<Vec<_>>());
    }
}
