//! What may be recorded: sums and balances hold for every payment, and each rule says its own name and field.

use acuse_domain::Date;
use acuse_domain::document::{Document, DocumentFacts, DocumentKind, Side};
use acuse_domain::id::{ContactId, DocumentId, PaymentId};
use acuse_domain::money::Money;
use acuse_domain::number::ReceiptNumber;
use acuse_domain::payment::{
    Advance, Answered, CheckKind, Direction, Doubt, Method, NewAllocation, NewPayment, PaymentLine, Status, VoidRefusal,
    issued_after, may_void, withheld,
};
use acuse_domain::text::TextError;
use chrono::{Datelike, TimeDelta};
use proptest::prelude::*;
use uuid::Uuid;

const CUSTOMER: ContactId = ContactId(Uuid::from_u128(1));
const SOMEBODY_ELSE: ContactId = ContactId(Uuid::from_u128(2));

fn today() -> Date {
    Date::from_ymd_opt(2026, 11, 24).unwrap()
}

fn cents(cents: i64) -> Money {
    Money::from_cents(cents)
}

/// The document with this place in the list; a negative total makes it a credit note.
fn document(place: usize, total: i64, balance: i64) -> Document {
    let kind = if total < 0 { DocumentKind::CreditNote } else { DocumentKind::Invoice };
    Document {
        id: DocumentId(Uuid::from_u128(100 + place as u128)),
        contact: CUSTOMER,
        facts: DocumentFacts {
            kind,
            side: Side::Receivable,
            number: format!("1-1-{}", place + 1).parse().unwrap(),
            issue_date: today(),
            due_date: today(),
            total: cents(total),
            detail: None,
        },
        balance: cents(balance),
        voided: false,
    }
}

fn advance(available: i64) -> Advance {
    Advance {
        payment: PaymentId(Uuid::from_u128(7)),
        contact: CUSTOMER,
        number: ReceiptNumber { direction: Direction::Received, sequence: 7 },
        date: today(),
        available: cents(available),
    }
}

fn line(method: Method, amount: i64) -> PaymentLine {
    let mut line = PaymentLine::new(method, cents(amount));
    match method {
        Method::Check => line.reference = Some("123".to_string()),
        Method::Withholding => {
            line.reference = Some("001-001-000000009".to_string());
            line.tax = Some("IR 1,75 %".to_string());
        }
        Method::Advance => line.advance_from = Some(advance(0).payment),
        _ => {}
    }
    line
}

fn cobro(lines: Vec<PaymentLine>, allocations: &[(&Document, i64)]) -> NewPayment {
    let allocations =
        allocations.iter().map(|(document, amount)| NewAllocation { document: document.id, amount: cents(*amount) });
    NewPayment {
        direction: Direction::Received,
        contact: CUSTOMER,
        date: today(),
        lines,
        allocations: allocations.collect(),
        description: None,
    }
}

/// What somebody may type, right and wrong: documents with a total and a part of it open; lines; allocations that name a
/// document by its place and say how much of the balance, in percent, they settle.
#[derive(Debug, Clone)]
struct Typed {
    documents: Vec<(i64, i64)>,
    lines: Vec<(Method, i64)>,
    allocations: Vec<(usize, i64)>,
    advance: i64,
}

fn typed() -> impl Strategy<Value = Typed> {
    let total = prop_oneof![5 => 1..200_000_i64, 1 => -50_000..-1_i64];
    let documents = prop::collection::vec((total, 0..=100_i64), 1..5)
        .prop_map(|documents| documents.into_iter().map(|(total, open)| (total, total * open / 100)).collect());
    let method = prop::sample::select(Method::ALL.to_vec());
    let lines = prop::collection::vec((method, prop_oneof![20 => 1..150_000_i64, 1 => -5..=0_i64]), 1..5);
    let allocations = prop::collection::vec((0..5_usize, prop_oneof![8 => 1..=100_i64, 1 => -20..=130_i64]), 0..4);
    (documents, lines, allocations, 0..200_000_i64).prop_map(|(documents, lines, allocations, advance)| Typed {
        documents,
        lines,
        allocations,
        advance,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_payment_adds_up_or_is_refused(typed in typed()) {
        let open: Vec<Document> =
            typed.documents.iter().enumerate().map(|(place, (total, balance))| document(place, *total, *balance)).collect();
        let unknown = document(99, 1, 1);
        let asked: Vec<(&Document, i64)> = typed.allocations.iter().map(|(place, percent)| {
            let document = open.get(*place).unwrap_or(&unknown);
            (document, document.balance.cents() * percent / 100)
        }).collect();
        let lines: Vec<PaymentLine> = typed.lines.iter().map(|(method, amount)| line(*method, *amount)).collect();
        let payment = cobro(lines, &asked);
        let may = may_be_recorded(&typed, &asked);
        let applied = payment.apply_to(&open, &[advance(typed.advance)], today());
        prop_assert_eq!(applied.is_ok(), may, "{:?}", applied);
        let Ok(applied) = applied else { return Ok(()) };
        let sums = applied.sums;
        let all_lines: Money = applied.payment.lines.iter().map(|line| line.amount).sum();
        let all_allocations: Money = applied.allocations.iter().map(|allocation| allocation.amount).sum();
        prop_assert_eq!(all_allocations + sums.unapplied, all_lines);
        prop_assert_eq!(sums.money + sums.withholding + sums.advance + sums.offset, sums.total);
        prop_assert!(!sums.unapplied.is_negative());
        for allocation in &applied.allocations {
            let (balance, total) = (allocation.balance().cents(), allocation.document.facts.total.cents());
            prop_assert!(balance * total.signum() >= 0 && balance.abs() <= allocation.previous_balance().cents().abs());
        }
    }
}

/// The rules once more, said in another way.
fn may_be_recorded(typed: &Typed, asked: &[(&Document, i64)]) -> bool {
    let sum_of =
        |wanted: &dyn Fn(Method) -> bool| typed.lines.iter().filter(|(method, _)| wanted(*method)).map(|(_, n)| n).sum::<i64>();
    let (total, advances) = (sum_of(&|_| true), sum_of(&|method| method == Method::Advance));
    let allocated: i64 = asked.iter().map(|(_, amount)| amount).sum();
    let distinct: std::collections::BTreeSet<_> = asked.iter().map(|(document, _)| document.id).collect();
    let within = |(document, amount): &(&Document, i64)| {
        let (lowest, highest) = (document.balance.cents().min(0), document.balance.cents().max(0));
        *amount != 0 && (lowest..=highest).contains(amount) && document.id.0 != Uuid::from_u128(199)
    };
    typed.lines.iter().all(|(_, amount)| *amount > 0)
        && asked.iter().all(within)
        && distinct.len() == asked.len()
        && (0..=total).contains(&allocated)
        && advances <= typed.advance
        && advances <= allocated
}

#[track_caller]
fn refused(payment: NewPayment, open: &[Document], advances: &[Advance], field: &str, code: &str) {
    let refusal = payment.apply_to(open, advances, today()).expect_err(code);
    let found: Vec<(String, &str)> = refusal.iter().map(|(field, error)| (field.to_string(), error.message().code())).collect();
    assert_eq!(found, [(field.to_string(), code)], "{refusal}");
}

#[test]
fn an_allocation_names_an_open_document_of_the_same_person_and_side_once() {
    let invoice = document(0, 10_000, 4_000);
    let pays = |amount| cobro(vec![line(Method::Cash, 20_000)], &[(&invoice, amount)]);
    let open = std::slice::from_ref(&invoice);
    refused(pays(4_001), open, &[], "allocations.0.amount", "allocation_exceeds_balance");
    refused(pays(0), open, &[], "allocations.0.amount", "allocation_not_positive");
    refused(pays(-1), open, &[], "allocations.0.amount", "allocation_not_positive");
    refused(pays(1), &[], &[], "allocations.0.document_id", "document_not_found");
    refused(
        pays(1),
        &[Document { contact: SOMEBODY_ELSE, ..invoice.clone() }],
        &[],
        "allocations.0.document_id",
        "document_of_another_contact",
    );
    refused(pays(1), &[Document { voided: true, ..invoice.clone() }], &[], "allocations.0.document_id", "document_voided");
    let mut payable = invoice.clone();
    payable.facts.side = Side::Payable;
    refused(pays(1), &[payable], &[], "allocations.0.document_id", "document_of_other_side");
    let twice = cobro(vec![line(Method::Cash, 20_000)], &[(&invoice, 1_000), (&invoice, 1_000)]);
    refused(twice, open, &[], "allocations.1.document_id", "document_repeated");
    let too_little = cobro(vec![line(Method::Cash, 3_999)], &[(&invoice, 4_000)]);
    refused(too_little, open, &[], "allocations", "allocations_exceed_total");
    let settled = Document { balance: Money::ZERO, ..invoice.clone() };
    refused(pays(1), &[settled], &[], "allocations.0.amount", "allocation_exceeds_balance");
}

#[test]
fn an_anticipo_is_used_once_and_wholly_on_documents_of_its_person() {
    let invoice = document(0, 10_000, 10_000);
    let open = std::slice::from_ref(&invoice);
    let uses = |amount| cobro(vec![line(Method::Advance, amount)], &[(&invoice, amount)]);
    assert!(uses(3_000).apply_to(open, &[advance(3_000)], today()).is_ok());
    refused(uses(3_001), open, &[advance(3_000)], "lines.0.amount", "advance_exceeds_rest");
    refused(uses(1), open, &[], "lines.0.payment_id", "advance_not_found");
    let another = Advance { contact: SOMEBODY_ELSE, ..advance(3_000) };
    refused(uses(1), open, &[another], "lines.0.payment_id", "advance_of_another");
    let of_a_pago = Advance { number: ReceiptNumber { direction: Direction::Made, sequence: 7 }, ..advance(3_000) };
    refused(uses(1), open, &[of_a_pago], "lines.0.payment_id", "advance_of_another");
    let in_two_lines = cobro(vec![line(Method::Advance, 2_000), line(Method::Advance, 1_001)], &[(&invoice, 3_001)]);
    refused(in_two_lines, open, &[advance(3_000)], "lines.1.amount", "advance_exceeds_rest");
    let left_over = cobro(vec![line(Method::Advance, 2_000)], &[(&invoice, 1_999)]);
    refused(left_over, open, &[advance(3_000)], "allocations", "advance_not_applied");
}

#[test]
fn a_line_carries_what_belongs_to_its_method() {
    let with = |line: PaymentLine| cobro(vec![line], &[]);
    refused(with(line(Method::Cash, 0)), &[], &[], "lines.0.amount", "amount_not_positive");
    refused(with(line(Method::Cash, -5)), &[], &[], "lines.0.amount", "amount_not_positive");
    refused(with(line(Method::Cash, Money::LARGEST.cents() + 1)), &[], &[], "lines.0.amount", "amount_too_large");
    refused(with(PaymentLine::new(Method::Check, cents(1))), &[], &[], "lines.0.reference", "field_missing");
    refused(
        with(PaymentLine { tax: Some("IVA".to_string()), ..line(Method::Card, 1) }),
        &[],
        &[],
        "lines.0.tax",
        "field_not_of_method",
    );
    refused(
        with(PaymentLine { date: Some(today()), ..line(Method::Transfer, 1) }),
        &[],
        &[],
        "lines.0.date",
        "field_not_of_method",
    );
    refused(
        with(PaymentLine { bank: Some("x".repeat(121)), ..line(Method::Transfer, 1) }),
        &[],
        &[],
        "lines.0.bank",
        "field_too_long",
    );
    let postdated = PaymentLine { kind: Some(CheckKind::Postdated), ..line(Method::Check, 1) };
    refused(with(postdated), &[], &[], "lines.0.date", "postdated_without_date");
    for method in Method::ALL {
        let whole = cobro(vec![line(Method::Cash, 500), line(method, 100)], &[]);
        let advances = [advance(100)];
        let applied = whole.apply_to(&[], &advances, today());
        assert_eq!(applied.is_ok(), method != Method::Advance, "{method:?}: an anticipo must be applied to documents");
    }
}

#[test]
fn a_payment_has_a_bounded_size_and_no_date_beyond_tomorrow() {
    let dated = |days| NewPayment { date: today() + TimeDelta::days(days), ..cobro(vec![line(Method::Cash, 1)], &[]) };
    assert!(dated(1).apply_to(&[], &[], today()).is_ok());
    assert!(dated(-4_000).apply_to(&[], &[], today()).is_ok());
    refused(dated(2), &[], &[], "date", "date_in_future");
    refused(dated(-365 * 40), &[], &[], "date", "year_out_of_range");
    refused(dated(-365 * 2_000), &[], &[], "date", "year_out_of_range");
    refused(cobro(vec![], &[]), &[], &[], "lines", "lines_missing");
    refused(cobro(vec![line(Method::Cash, 1); 51], &[]), &[], &[], "lines", "too_many_lines");
    let largest = vec![line(Method::Cash, Money::LARGEST.cents()), line(Method::Cash, 1)];
    refused(cobro(largest, &[]), &[], &[], "lines", "amount_too_large");
    let wordy = NewPayment { description: Some("ñ".repeat(1_001)), ..cobro(vec![line(Method::Cash, 1)], &[]) };
    refused(wordy, &[], &[], "description", "description_too_long");
}

#[test]
fn a_credit_note_is_settled_against_documents_and_never_alone() {
    let (invoice, note) = (document(0, 10_000, 10_000), document(1, -3_000, -3_000));
    let open = [invoice.clone(), note.clone()];
    let net = cobro(vec![line(Method::Cash, 7_000)], &[(&invoice, 10_000), (&note, -3_000)]);
    let applied = net.apply_to(&open, &[], today()).unwrap();
    assert_eq!((applied.sums.allocated, applied.sums.unapplied), (cents(7_000), Money::ZERO));
    assert!(applied.allocations.iter().all(|allocation| allocation.balance().is_zero()));
    let alone = cobro(vec![line(Method::Cash, 1)], &[(&note, -3_000)]);
    refused(alone, &open, &[], "allocations", "credit_notes_exceed_documents");
    let as_debt = cobro(vec![line(Method::Cash, 1)], &[(&note, 1)]);
    refused(as_debt, &open, &[], "allocations.0.amount", "allocation_not_positive");
}

#[test]
fn a_payment_is_voided_once_with_a_reason_and_with_its_anticipo_unused() {
    assert_eq!(may_void(&Status::Posted, cents(10), cents(10), " mal\u{202e} digitado \n").unwrap(), "mal digitado");
    assert_eq!(may_void(&Status::Posted, cents(10), cents(10), " \u{feff} "), Err(VoidRefusal::Reason(TextError::Missing)));
    let in_use = VoidRefusal::AdvanceInUse { left: cents(10), used: cents(3) };
    assert_eq!(may_void(&Status::Posted, cents(10), cents(7), "x"), Err(in_use));
    let voided = Status::Voided { at: chrono::DateTime::UNIX_EPOCH, reason: "x".to_string() };
    assert_eq!(may_void(&voided, cents(10), Money::ZERO, "x"), Err(VoidRefusal::AlreadyVoided));
}

fn withholding(tax: &str, base: Option<i64>, amount: i64) -> PaymentLine {
    PaymentLine { tax: Some(tax.to_string()), base: base.map(cents), ..line(Method::Withholding, amount) }
}

fn codes(payment: NewPayment, open: &[Document]) -> Vec<&'static str> {
    payment
        .apply_to(open, &[], today())
        .expect("no rule is broken")
        .doubts()
        .iter()
        .map(|doubt| doubt.message(|index| index).code())
        .collect()
}

#[test]
fn a_withholding_is_its_percentage_of_the_base_or_it_is_asked_about() {
    let invoice = document(0, 11_200, 11_200);
    let open = std::slice::from_ref(&invoice);
    let of = |tax: &str, base, amount| codes(cobro(vec![withholding(tax, base, amount)], &[(&invoice, amount)]), open);
    assert_eq!(of("IR 2 %", Some(10_000), 200), Vec::<&str>::new());
    assert_eq!(of("IR 2 %", Some(10_000), 9_900), ["withholding_disagrees"]);
    assert_eq!(of("IR 2 %", Some(10_000), 201), ["withholding_disagrees"]);
    // 33.33 at 2.75 % is 0.9166: a cent up or down of the rounded one is more than half a cent away.
    assert_eq!(of("IR 2,75 %", Some(3_333), 92), Vec::<&str>::new());
    assert_eq!(of("IR 2,75 %", Some(3_333), 91), ["withholding_disagrees"]);
    // Exactly half a cent may be rounded either way.
    assert_eq!(of("IR 1 %", Some(50), 1), Vec::<&str>::new());
    // Of an unknown base, no more than the percentage of all the documents can have been withheld.
    assert_eq!(of("IR 2 %", None, 224), Vec::<&str>::new());
    assert_eq!(of("IR 2 %", None, 9_900), ["withholding_too_large"]);
    assert_eq!(of("IR", None, 9_900), Vec::<&str>::new());
    refused(
        cobro(vec![withholding("IVA 30 %", Some(10_000), 303_000)], &[]),
        &[],
        &[],
        "lines.0.amount",
        "withholding_exceeds_base",
    );
    refused(cobro(vec![withholding("IVA 30 %", Some(0), 1)], &[]), &[], &[], "lines.0.base", "amount_not_positive");
    let of_a_transfer = PaymentLine { base: Some(cents(1)), ..line(Method::Transfer, 1) };
    refused(cobro(vec![of_a_transfer], &[]), &[], &[], "lines.0.base", "field_not_of_method");
}

#[test]
fn a_withholding_that_settles_nothing_is_asked_about_and_money_is_not() {
    let invoice = document(0, 11_200, 11_200);
    let open = std::slice::from_ref(&invoice);
    let own = || withholding("IR 2 %", Some(10_000), 200);
    assert_eq!(codes(cobro(vec![own()], &[]), &[]), ["withholding_not_applied"]);
    assert_eq!(codes(cobro(vec![own()], &[(&invoice, 150)]), open), ["withholding_not_applied"]);
    let with_money = cobro(vec![own(), line(Method::Transfer, 20_000)], &[(&invoice, 11_200)]);
    assert_eq!(codes(with_money, open), Vec::<&str>::new(), "the anticipo is of the transfer");
}

#[test]
fn the_same_paper_on_two_lines_is_asked_about() {
    let paper = |method, reference: &str, cents| PaymentLine { reference: Some(reference.to_owned()), ..line(method, cents) };
    let of = |lines| codes(cobro(lines, &[]), &[]);
    let transfer = || paper(Method::Transfer, "88124507", 100);
    assert_eq!(of(vec![transfer(), line(Method::Cash, 5), paper(Method::Transfer, "88.124.507", 200)]), ["line_repeated"]);
    assert_eq!(of(vec![transfer(), paper(Method::Transfer, "88124508", 100)]), Vec::<&str>::new());
    assert_eq!(of(vec![transfer(), paper(Method::Deposit, "88124507", 100)]), Vec::<&str>::new());
    let taxes = |one, other| {
        let of_tax = |tax| PaymentLine { reference: Some("001-001-000000900".to_owned()), ..withholding(tax, None, 100) };
        of(vec![of_tax(one), of_tax(other), line(Method::Cash, 5)]).into_iter().filter(|code| *code == "line_repeated").count()
    };
    assert_eq!((taxes("IR 2 %", "IVA 30 %"), taxes("IR 2 %", "IR 2 %")), (0, 1), "one certificate withholds two taxes");
}

#[test]
fn a_tax_without_a_percentage_is_asked_for_it() {
    let of = |tax: &str, base| codes(cobro(vec![withholding(tax, base, 100)], &[]), &[]);
    assert!(of("312", Some(5_714)).contains(&"withholding_unknown"));
    assert!(!of("312", None).contains(&"withholding_unknown"), "nothing to compare with");
    assert!(of("IVA 30", Some(10_000)).contains(&"withholding_disagrees"));
    assert!(!of("Fuente 1,75", Some(5_714)).contains(&"withholding_disagrees"));
}

#[test]
fn an_answer_answers_one_doubt_with_its_figures() {
    let doubts =
        |amount| cobro(vec![withholding("IR 2 %", Some(10_000), amount)], &[]).apply_to(&[], &[], today()).unwrap().doubts();
    let keys: Vec<String> = doubts(9_900).iter().map(Doubt::key).collect();
    assert_eq!(Answered::These(keys.clone()).open(doubts(9_900)), []);
    assert_eq!(Answered::These(keys[..1].to_vec()).open(doubts(9_900)).len(), 1);
    assert_eq!(Answered::These(keys).open(doubts(9_800)).len(), 2, "another amount is another doubt");
    assert_eq!(Answered::These(Vec::new()).open(doubts(9_900)).len(), 2);
    assert_eq!(Answered::All.open(doubts(9_900)), []);
}

proptest! {
    #[test]
    fn what_is_proposed_is_never_doubted(base in 1..=Money::LARGEST.cents() / 100, hundredths in 1..=10_000_i64) {
        let tax = format!("IR {},{:02} %", hundredths / 100, hundredths % 100);
        let proposed = withheld(cents(base), hundredths);
        prop_assume!(proposed.is_positive());
        let doubts = cobro(vec![withholding(&tax, Some(base), proposed.cents())], &[]).apply_to(&[], &[], today()).unwrap().doubts();
        prop_assert!(doubts.iter().all(|doubt| doubt.message(|index| index).code() == "withholding_not_applied"), "{:?}", doubts);
    }
}
#[test]
fn a_cheque_is_for_a_day_of_our_time() {
    let cheque = |date: &str| {
        let postdated = PaymentLine { date: Some(date.parse().unwrap()), ..line(Method::Check, 1) };
        cobro(vec![PaymentLine { kind: Some(CheckKind::Postdated), ..postdated }], &[])
    };
    let next_year = format!("{}-12-31", today().year() + 1);
    assert!(cheque(&next_year).apply_to(&[], &[], today()).is_ok());
    for slip in ["1926-11-29", "2206-11-29"] {
        refused(cheque(slip), &[], &[], "lines.0.date", "year_out_of_range");
    }
}

#[test]
fn the_number_of_a_certificate_is_completed_and_any_other_stands_as_it_is() {
    for (method, typed, kept) in [
        (Method::Withholding, "1-1-900", "001-001-000000900"),
        (Method::Withholding, "001001000000900", "001-001-000000900"),
        (Method::Withholding, "900", "900"),
        (Method::Transfer, "1-1-900", "1-1-900"),
    ] {
        let whole = PaymentLine { reference: Some(typed.to_owned()), ..line(method, 1) };
        let applied = cobro(vec![whole], &[]).apply_to(&[], &[], today()).unwrap();
        assert_eq!(applied.payment.lines[0].reference.as_deref(), Some(kept), "{typed}");
    }
}

#[test]
fn a_document_issued_after_it_was_paid_is_found() {
    let (older, newer) = (document(0, 10, 10), document(1, 10, 10));
    let day = |days| today() + TimeDelta::days(days);
    let issued = [(&older.facts.number, day(-1)), (&newer.facts.number, day(1))];
    assert_eq!(issued_after(today(), issued).collect::<Vec<_>>(), [(&newer.facts.number, day(1))]);
    assert_eq!(issued_after(day(1), issued).count(), 0);
}
