use acuse_domain::payment::Notify;
use acuse_store::events::{self, EventKind};
use acuse_store::payments;
use acuse_testkit::builders::{company, received};
use acuse_testkit::world::{World, noon, noon_and};

on_both_engines!(a_payments_history_says_who_did_what_newest_first);

async fn a_payments_history_says_who_did_what_newest_first(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let (db, by) = (&world.db, &made.actor);
    let id = received(made.contacts[0], "1.00").record(db, by).await.unwrap();
    let other = received(made.contacts[0], "1.00").record(db, by).await.unwrap();
    let shop = acuse_store::Actor { name: "API: tienda".to_string(), ..by.clone() };
    payments::resend(db, &shop, id, &Notify::Contact, None, noon_and(5)).await.unwrap();
    events::note_download(db, by, id.0, noon_and(9)).await.unwrap();
    let history = events::list(db, made.id, id.0).await.unwrap();
    let found: Vec<_> = history.iter().map(|event| (event.kind, event.who.as_str(), event.at, event.detail.as_str())).collect();
    let expected = [
        (EventKind::ReceiptDownloaded, "Ana Paredes", noon_and(9), ""),
        (EventKind::ReceiptResent, "API: tienda", noon_and(5), "pagos@andina.ec"),
        (EventKind::PaymentRecorded, "Ana Paredes", noon(), "0"),
    ];
    assert_eq!(found, expected);
    assert_eq!(events::list(db, made.id, other.0).await.unwrap().len(), 1);
}
