//! Who is told that a payment was voided: whoever has its receipt or may have it, once, and only if the void said so.

use acuse_domain::Instant;
use acuse_domain::delivery::{Next, State};
use acuse_domain::email_address::parse_list;
use acuse_domain::id::PaymentId;
use acuse_store::conditions::Conditions;
use acuse_store::deliveries::{self, Claimed, MessageKind, MoveError};
use acuse_store::payments::{self, Notify, ResendError, VoidError, VoidNotice};
use acuse_testkit::builders::{TestCompany, company, received};
use acuse_testkit::world::{World, noon, noon_and};
use chrono::TimeDelta;

use crate::deliveries::{accept, claim_all, outcome};

on_both_engines!(
    whatever_the_receipt_was_doing_only_the_void_decides_who_is_told,
    whatever_becomes_of_a_receipt_in_a_workers_hands_it_is_never_the_notice,
    a_receipt_that_came_back_after_a_doubt_may_have_arrived,
    each_of_several_recipients_is_told_once,
    nobody_is_told_twice_by_asking_again,
    who_was_not_told_by_the_void_can_be_told_once,
    a_receipt_of_a_voided_payment_is_not_tried_again,
    a_notice_that_failed_can_be_tried_again,
    other_capitals_are_the_same_recipient,
    what_the_server_refused_is_no_correction,
    a_notice_knows_when_its_recipient_was_sent_the_receipt,
    two_voids_at_once_tell_once,
    a_void_and_a_workers_outcome_at_once_leave_nothing_to_send,
);

const LONG_AFTER: i64 = 100 * 3_600;

fn to(typed: &str) -> Notify {
    Notify::Addresses(parse_list(typed, 20).unwrap())
}

async fn with_cobro(world: &World, addresses: &str) -> (TestCompany, PaymentId) {
    let made = world.with(company().with_customer("Andina")).await;
    let id = received(made.contacts[0], "5.00").to(addresses).record(&world.db, &made.actor).await.unwrap();
    (made, id)
}

async fn record(world: &World, claimed: &[Claimed], next: Next, at: Instant) {
    let done: Vec<_> = claimed.iter().map(|one| outcome(one, next, "…", None, at)).collect();
    deliveries::record_attempts(&world.db, &done, at).await.unwrap();
}

async fn void(world: &World, made: &TestCompany, id: PaymentId, notice: VoidNotice) {
    payments::void(&world.db, &made.actor, id, "Duplicado", notice, &Conditions::default(), noon_and(60)).await.unwrap();
}

/// What goes out from now on, if every server accepts everything and time passes: recipient and kind.
async fn goes_out(world: &World, id: PaymentId) -> Vec<(String, MessageKind)> {
    let mut sent = Vec::new();
    for round in 1..=4 {
        let at = noon_and(round * LONG_AFTER);
        deliveries::release_expired_any_company(&world.db, at).await.unwrap();
        for queue in deliveries::queues_due_any_company(&world.db, at).await.unwrap() {
            let claimed = deliveries::claim_due(&world.db, queue, 1_000, TimeDelta::seconds(60), at).await.unwrap();
            sent.extend(claimed.iter().filter(|one| one.payment == id).map(|one| (one.recipient.to_string(), one.kind)));
            accept(world, &claimed, at).await;
        }
    }
    sent
}

/// What a receipt may be doing when its payment is voided.
#[derive(Debug, Clone, Copy)]
enum Doing {
    Waits,
    WasPutOff,
    IsInDoubt,
    WasAccepted,
    Failed,
    FailedAfterADoubt,
    WasPutOffAfterADoubt,
    ItsWorkerDied,
}

impl Doing {
    const ALL: [(Self, bool); 8] = [
        (Self::Waits, false),
        (Self::WasPutOff, false),
        (Self::IsInDoubt, true),
        (Self::WasAccepted, true),
        (Self::Failed, false),
        (Self::FailedAfterADoubt, true),
        (Self::WasPutOffAfterADoubt, true),
        (Self::ItsWorkerDied, true),
    ];

    async fn bring_about(self, world: &World) {
        let retry = Next::Retry { at: noon_and(30) };
        let doubt = Next::ConfirmAgain { at: noon_and(10) };
        let nexts: &[Next] = match self {
            Self::Waits | Self::ItsWorkerDied => &[],
            Self::WasPutOff => &[retry],
            Self::IsInDoubt => &[doubt],
            Self::WasAccepted => &[Next::Accepted],
            Self::Failed => &[Next::Failed],
            Self::FailedAfterADoubt => &[doubt, Next::Failed],
            Self::WasPutOffAfterADoubt => &[doubt, retry],
        };
        for (round, next) in (0_i64..).zip(nexts) {
            record(world, &claim_all(world).await, *next, noon_and(round)).await;
        }
        if matches!(self, Self::ItsWorkerDied) {
            claim_all(world).await;
            deliveries::release_expired_any_company(&world.db, noon_and(LONG_AFTER)).await.unwrap();
        }
    }
}

async fn whatever_the_receipt_was_doing_only_the_void_decides_who_is_told(world: World) {
    for (doing, may_have_it) in Doing::ALL {
        for notice in [VoidNotice::TellNobody, VoidNotice::TellWhoHadIt] {
            let (made, id) = with_cobro(&world, "pagos@andina.ec").await;
            doing.bring_about(&world).await;
            void(&world, &made, id, notice).await;
            let is_told = may_have_it && notice == VoidNotice::TellWhoHadIt;
            let expected = if is_told { vec![("pagos@andina.ec".to_owned(), MessageKind::VoidNotice)] } else { vec![] };
            assert_eq!(goes_out(&world, id).await, expected, "{doing:?} {notice:?}");
            let all = deliveries::of_payments(&world.db, made.id, &[id]).await.unwrap();
            assert!(all.iter().all(|delivery| delivery.state.is_final()), "{doing:?} {notice:?}: {all:#?}");
            assert_eq!(all.len(), 1 + usize::from(is_told), "{doing:?} {notice:?}");
        }
    }
}

async fn whatever_becomes_of_a_receipt_in_a_workers_hands_it_is_never_the_notice(world: World) {
    // How it ended, and whether its recipient may have it.
    let nexts = [
        (Some(Next::Accepted), State::Accepted, true),
        (Some(Next::Failed), State::Failed, false),
        (Some(Next::Retry { at: noon_and(90) }), State::Cancelled, false),
        (Some(Next::ConfirmAgain { at: noon_and(90) }), State::Cancelled, true),
        (Some(Next::WaitForAccount), State::Cancelled, false),
        // Given back, and lost with its worker.
        (None, State::Cancelled, false),
        (None, State::Cancelled, true),
    ];
    for (case, (next, ends, may_have_it)) in nexts.into_iter().enumerate() {
        for notice in [VoidNotice::TellNobody, VoidNotice::TellWhoHadIt] {
            let (made, id) = with_cobro(&world, "pagos@andina.ec").await;
            let held = claim_all(&world).await;
            assert_eq!((held.len(), held[0].kind, held[0].voided_at), (1, MessageKind::Receipt, None));
            void(&world, &made, id, notice).await;
            assert_eq!(claim_all(&world).await.len(), 0, "{case} {notice:?}: nobody knows yet what there is to take back");
            match (next, case) {
                (Some(next), _) => record(&world, &held, next, noon_and(70)).await,
                (None, 5) => {
                    deliveries::return_to_queue(&world.db, &[held[0].claim()], noon_and(70)).await.unwrap();
                }
                _ => {
                    deliveries::release_expired_any_company(&world.db, noon_and(LONG_AFTER)).await.unwrap();
                }
            }
            let receipt = deliveries::find(&world.db, made.id, held[0].id).await.unwrap().unwrap();
            assert_eq!((receipt.state, receipt.kind), (ends, MessageKind::Receipt), "{case} {notice:?}");
            assert_eq!((receipt.next_attempt_at, receipt.finished_at.is_some()), (None, true), "{case} {notice:?}");
            let expected = match notice {
                VoidNotice::TellWhoHadIt if may_have_it => vec![("pagos@andina.ec".to_owned(), MessageKind::VoidNotice)],
                VoidNotice::TellWhoHadIt | VoidNotice::TellNobody => vec![],
            };
            assert_eq!(goes_out(&world, id).await, expected, "{case} {notice:?}");
            let all = deliveries::of_payments(&world.db, made.id, &[id]).await.unwrap();
            assert!(all.iter().all(|delivery| delivery.state.is_final()), "{case} {notice:?}: {all:#?}");
        }
    }
}

async fn a_receipt_that_came_back_after_a_doubt_may_have_arrived(world: World) {
    let (made, id) = with_cobro(&world, "pagos@andina.ec").await;
    let first = deliveries::of_payments(&world.db, made.id, &[id]).await.unwrap().pop().unwrap();
    assert!(!first.standing().may_have_brought_the_receipt());
    Doing::FailedAfterADoubt.bring_about(&world).await;
    let failed = deliveries::find(&world.db, made.id, first.id).await.unwrap().unwrap();
    assert!(
        failed.state == State::Failed && failed.standing().may_have_brought_the_receipt(),
        "the first copy may be there: {failed:?}"
    );
}

async fn each_of_several_recipients_is_told_once(world: World) {
    let (made, id) = with_cobro(&world, "uno@andina.ec; dos@andina.ec; tres@andina.ec; cuatro@andina.ec").await;
    let held = claim_all(&world).await;
    let next = |recipient: &str| match recipient {
        "uno@andina.ec" => Some(Next::Accepted),
        "dos@andina.ec" => Some(Next::ConfirmAgain { at: noon_and(10) }),
        "tres@andina.ec" => Some(Next::Failed),
        _ => None,
    };
    for one in &held {
        if let Some(next) = next(one.recipient.as_str()) {
            record(&world, std::slice::from_ref(one), next, noon()).await;
        }
    }
    // They had it twice, and are told once.
    payments::resend(&world.db, &made.actor, id, &to("uno@andina.ec"), None, noon()).await.unwrap();
    let again: Vec<_> = claim_all(&world).await.into_iter().filter(|one| one.resend.is_some()).collect();
    accept(&world, &again, noon_and(5)).await;
    let on_its_way: Vec<_> = held.iter().filter(|one| one.recipient.as_str() == "cuatro@andina.ec").cloned().collect();
    void(&world, &made, id, VoidNotice::TellWhoHadIt).await;
    record(&world, &on_its_way, Next::Retry { at: noon_and(70) }, noon_and(70)).await;
    let mut told = goes_out(&world, id).await;
    told.sort_by(|one, other| one.0.cmp(&other.0));
    // The receipt of «tres» was refused, and that of «cuatro» was on its way and did not arrive.
    let expected = ["dos@andina.ec", "uno@andina.ec"];
    assert_eq!(told, expected.map(|address| (address.to_owned(), MessageKind::VoidNotice)));
}

async fn nobody_is_told_twice_by_asking_again(world: World) {
    let (made, id) = with_cobro(&world, "pagos@andina.ec").await;
    let (db, by) = (&world.db, &made.actor);
    accept(&world, &claim_all(&world).await, noon()).await;
    void(&world, &made, id, VoidNotice::TellWhoHadIt).await;
    for round in 0..2 {
        // First the notice waits, then it was accepted.
        for notify in [Notify::Contact, to("pagos@andina.ec"), Notify::Nobody] {
            let again = payments::resend(db, by, id, &notify, None, noon_and(70)).await;
            assert!(matches!(again, Err(ResendError::AlreadyTold)), "{round} {notify:?}: {again:?}");
        }
        let told = deliveries::of_payments(db, made.id, &[id]).await.unwrap().pop().unwrap();
        let pressed = deliveries::retry(db, by, told.id, &Conditions::default(), noon_and(LONG_AFTER)).await;
        assert_eq!(pressed.is_ok(), round == 0, "what waits may be hurried: {pressed:?}");
        assert_eq!(goes_out(&world, id).await.len(), 1 - round);
    }
    // Somebody else is told, and who was told is not told with them.
    payments::resend(db, by, id, &to("pagos@andina.ec; otra@andina.ec"), None, noon_and(80)).await.unwrap();
    assert_eq!(goes_out(&world, id).await, [("otra@andina.ec".to_owned(), MessageKind::VoidNotice)]);
}

async fn who_was_not_told_by_the_void_can_be_told_once(world: World) {
    let (made, id) = with_cobro(&world, "pagos@andina.ec; nunca@andina.ec").await;
    let (db, by) = (&world.db, &made.actor);
    let held = claim_all(&world).await;
    for (one, next) in held.iter().zip([Next::Accepted, Next::Failed]) {
        record(&world, std::slice::from_ref(one), next, noon()).await;
    }
    void(&world, &made, id, VoidNotice::TellNobody).await;
    assert_eq!(goes_out(&world, id).await, []);
    payments::resend(db, by, id, &Notify::Contact, None, noon_and(70)).await.unwrap();
    let had_it = held[0].recipient.to_string();
    assert_eq!(goes_out(&world, id).await, [(had_it, MessageKind::VoidNotice)], "who had it, and nobody else");
    assert!(matches!(payments::resend(db, by, id, &Notify::Contact, None, noon_and(80)).await, Err(ResendError::AlreadyTold)));

    let (made, id) = with_cobro(&world, "pagos@andina.ec").await;
    void(&world, &made, id, VoidNotice::TellWhoHadIt).await;
    let nobody = payments::resend(&world.db, &made.actor, id, &Notify::Contact, None, noon_and(80)).await;
    assert!(matches!(nobody, Err(ResendError::NobodyHasIt)), "{nobody:?}");
    assert_eq!(goes_out(&world, id).await, []);
}

async fn a_receipt_of_a_voided_payment_is_not_tried_again(world: World) {
    let (made, id) = with_cobro(&world, "pagos@andina.ec").await;
    let (db, by) = (&world.db, &made.actor);
    Doing::Failed.bring_about(&world).await;
    let failed = deliveries::of_payments(db, made.id, &[id]).await.unwrap().pop().unwrap();
    void(&world, &made, id, VoidNotice::TellNobody).await;
    let retried = deliveries::retry(db, by, failed.id, &Conditions::default(), noon_and(70)).await;
    assert!(matches!(retried, Err(MoveError::Voided)), "{retried:?}");
    let before = crate::record::of_everything(&world).await;
    let corrected = payments::correct_and_resend(db, by, failed.id, &"bien@andina.ec".parse().unwrap(), None, noon_and(70)).await;
    assert!(matches!(corrected, Err(ResendError::Voided)), "{corrected:?}");
    assert_eq!(crate::record::of_everything(&world).await, before, "nor is the card changed");
    assert_eq!(goes_out(&world, id).await, []);
}

async fn a_notice_that_failed_can_be_tried_again(world: World) {
    let (made, id) = with_cobro(&world, "pagos@andina.ec").await;
    let (db, by) = (&world.db, &made.actor);
    accept(&world, &claim_all(&world).await, noon()).await;
    void(&world, &made, id, VoidNotice::TellWhoHadIt).await;
    let notice = claim_all(&world).await;
    record(&world, &notice, Next::Failed, noon_and(61)).await;
    deliveries::retry(db, by, notice[0].id, &Conditions::default(), noon_and(62)).await.unwrap();
    assert!(matches!(payments::resend(db, by, id, &Notify::Contact, None, noon_and(63)).await, Err(ResendError::AlreadyTold)));
    let held = claim_all(&world).await;
    assert_eq!(held.iter().map(|one| (one.id, one.kind)).collect::<Vec<_>>(), [(notice[0].id, MessageKind::VoidNotice)]);
    record(&world, &held, Next::Failed, noon_and(64)).await;
    // Or it goes to the right address, once.
    for _ in 0..2 {
        payments::correct_and_resend(db, by, notice[0].id, &"bien@andina.ec".parse().unwrap(), None, noon_and(70)).await.unwrap();
    }
    assert_eq!(goes_out(&world, id).await, [("bien@andina.ec".to_owned(), MessageKind::VoidNotice)]);
}

async fn other_capitals_are_the_same_recipient(world: World) {
    let (made, id) = with_cobro(&world, "Bodega@andina.ec; bodega@ANDINA.ec; pagos@andina.ec").await;
    let (db, by) = (&world.db, &made.actor);
    let held = claim_all(&world).await;
    assert_eq!(held.len(), 2, "one mailbox has one receipt: {held:#?}");
    accept(&world, &held, noon()).await;
    // They have it twice now, written in two ways.
    payments::resend(db, by, id, &to("BODEGA@andina.ec"), None, noon_and(1)).await.unwrap();
    let again = claim_all(&world).await;
    assert_eq!(again[0].earlier.as_ref().unwrap().first_accepted.as_ref().map(|(at, _)| *at), Some(noon()));
    accept(&world, &again, noon_and(2)).await;
    void(&world, &made, id, VoidNotice::TellWhoHadIt).await;
    let mut told = goes_out(&world, id).await;
    told.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(told, ["Bodega@andina.ec", "pagos@andina.ec"].map(|address| (address.to_owned(), MessageKind::VoidNotice)));
    for spelling in ["bodega@andina.ec", "BODEGA@Andina.EC", "Pagos@andina.ec"] {
        let asked = payments::resend(db, by, id, &to(spelling), None, noon_and(80)).await;
        assert!(matches!(asked, Err(ResendError::AlreadyTold)), "{spelling}: {asked:?}");
    }
}

async fn what_the_server_refused_is_no_correction(world: World) {
    let (made, id) = with_cobro(&world, "pagos@andina.ec").await;
    let (db, by) = (&world.db, &made.actor);
    Doing::Failed.bring_about(&world).await;
    let failed = deliveries::of_payments(db, made.id, &[id]).await.unwrap().pop().unwrap();
    let before = crate::record::of_everything(&world).await;
    for same in ["pagos@andina.ec", "Pagos@ANDINA.ec"] {
        let corrected = payments::correct_and_resend(db, by, failed.id, &same.parse().unwrap(), None, noon_and(70)).await;
        assert!(matches!(corrected, Err(ResendError::SameAddress)), "{same}: {corrected:?}");
    }
    assert_eq!(crate::record::of_everything(&world).await, before);
}

async fn a_notice_knows_when_its_recipient_was_sent_the_receipt(world: World) {
    for (doing, may_have_it) in Doing::ALL {
        let (made, id) = with_cobro(&world, "pagos@andina.ec").await;
        doing.bring_about(&world).await;
        void(&world, &made, id, VoidNotice::TellNobody).await;
        payments::resend(&world.db, &made.actor, id, &to("Pagos@andina.ec; nunca@andina.ec"), None, noon_and(70)).await.unwrap();
        let notices = claim_all(&world).await;
        let knows = |of: &str| {
            let of = notices.iter().find(|one| one.recipient.as_str() == of).unwrap();
            (of.kind, of.resend, of.earlier.as_ref().unwrap().brought_at.is_some())
        };
        assert_eq!(knows("Pagos@andina.ec"), (MessageKind::VoidNotice, None, may_have_it), "{doing:?}");
        assert_eq!(knows("nunca@andina.ec"), (MessageKind::VoidNotice, None, false), "{doing:?}");
        accept(&world, &notices, noon_and(71)).await;
        let all = deliveries::of_payments(&world.db, made.id, &[id]).await.unwrap();
        assert!(all.iter().all(|one| one.resend.is_none()), "a notice is no reenvío: {all:#?}");
    }
}

async fn two_voids_at_once_tell_once(world: World) {
    for _ in 0..5 {
        let (made, id) = with_cobro(&world, "pagos@andina.ec").await;
        accept(&world, &claim_all(&world).await, noon()).await;
        let first = Conditions::default();
        let ask = || payments::void(&world.db, &made.actor, id, "x", VoidNotice::TellWhoHadIt, &first, noon_and(60));
        let (one, other, third) = tokio::join!(ask(), ask(), ask());
        let voided = [one, other, third];
        assert_eq!(voided.iter().filter(|voided| voided.is_ok()).count(), 1);
        assert!(voided.iter().all(|voided| matches!(voided, Ok(()) | Err(VoidError::Refused(_)))), "{voided:?}");
        assert_eq!(goes_out(&world, id).await, [("pagos@andina.ec".to_owned(), MessageKind::VoidNotice)]);
    }
}

async fn a_void_and_a_workers_outcome_at_once_leave_nothing_to_send(world: World) {
    let nexts = [Next::Retry { at: noon_and(90) }, Next::ConfirmAgain { at: noon_and(90) }, Next::WaitForAccount];
    for round in 0..12 {
        let (made, id) = with_cobro(&world, "uno@andina.ec; dos@andina.ec; tres@andina.ec").await;
        let held = claim_all(&world).await;
        let next = nexts[round % 3];
        tokio::join!(void(&world, &made, id, VoidNotice::TellNobody), record(&world, &held, next, noon_and(61)));
        let all = deliveries::of_payments(&world.db, made.id, &[id]).await.unwrap();
        assert!(all.iter().all(|delivery| delivery.state == State::Cancelled), "{next:?}: {all:#?}");
        assert_eq!(goes_out(&world, id).await, [], "{next:?}");
    }
}
