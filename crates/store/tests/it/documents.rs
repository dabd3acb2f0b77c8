use acuse_domain::document::{DocumentError, DocumentFacts, DocumentKind, NewDocument, Side};
use acuse_domain::id::{ContactId, DocumentId};
use acuse_domain::money::Money;
use acuse_store::documents::{self, Age, AgeSum, CreateError, Filter};
use acuse_store::{Db, Page, contacts};
use acuse_testkit::builders::{TestCompany, company, contact, listed, received, usd};
use acuse_testkit::world::{World, noon};
use chrono::TimeDelta;

use crate::idempotency::once;

on_both_engines!(
    a_document_is_kept_with_its_balance,
    our_own_numbers_are_ours_alone,
    a_suppliers_number_is_its_own,
    a_document_breaks_no_rule,
    what_is_open_comes_oldest_due_first,
    documents_are_found_by_number_detail_and_person,
    documents_come_in_pages_by_due_date,
    open_balances_are_summed_by_age,
    the_same_request_twice_makes_one_document,
    another_companys_documents_are_unknown,
);

fn invoice(contact: ContactId, side: Side, number: &str, total: &str) -> NewDocument {
    let today = noon().date_naive();
    let facts = DocumentFacts {
        kind: DocumentKind::Invoice,
        side,
        number: number.parse().unwrap(),
        issue_date: today,
        due_date: today + TimeDelta::days(30),
        total: usd(total),
        detail: None,
    };
    NewDocument { contact, balance: facts.total, facts }
}

async fn create(db: &Db, made: &TestCompany, document: &NewDocument) -> Result<DocumentId, CreateError> {
    documents::create(db, &made.actor, document, None, noon()).await
}

async fn a_document_is_kept_with_its_balance(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let mut document = invoice(made.contacts[0], Side::Receivable, "1-1-7", "120.00");
    document.balance = usd("20.00");
    document.facts.detail = Some("Instalación 100 % «B»".to_string());
    let id = create(&world.db, &made, &document).await.unwrap();
    let kept = documents::find(&world.db, made.id, id).await.unwrap().unwrap();
    assert_eq!((kept.contact, kept.facts, kept.balance, kept.voided), (document.contact, document.facts, usd("20.00"), false));
}

async fn our_own_numbers_are_ours_alone(world: World) {
    let (ours, theirs) =
        (world.with(company().with_customer("A").with_customer("B")).await, world.with(company().with_customer("C")).await);
    let (a, b) = (ours.contacts[0], ours.contacts[1]);
    create(&world.db, &ours, &invoice(a, Side::Receivable, "1-1-7", "1.00")).await.unwrap();
    let taken = create(&world.db, &ours, &invoice(b, Side::Receivable, "001-001-000000007", "2.00")).await;
    assert!(matches!(&taken, Err(CreateError::NumberTaken(number)) if number.as_str() == "001-001-000000007"), "{taken:?}");
    let mut note = invoice(b, Side::Receivable, "1-1-7", "2.00");
    note.facts.kind = DocumentKind::DebitNote;
    create(&world.db, &ours, &note).await.unwrap();
    create(&world.db, &theirs, &invoice(theirs.contacts[0], Side::Receivable, "1-1-7", "1.00")).await.unwrap();
    let number = "1-1-7".parse().unwrap();
    let free = documents::is_number_free(&world.db, ours.id, Some(b), Side::Receivable, DocumentKind::Invoice, &number);
    assert!(!free.await.unwrap());
    let next = "1-1-8".parse().unwrap();
    assert!(documents::is_number_free(&world.db, ours.id, None, Side::Receivable, DocumentKind::Invoice, &next).await.unwrap());
}

async fn a_suppliers_number_is_its_own(world: World) {
    let made = world.with(company().with_supplier("Textiles").with_supplier("Hilos")).await;
    let [textiles, hilos] = made.contacts[..] else { panic!("two suppliers") };
    create(&world.db, &made, &invoice(textiles, Side::Payable, "1-1-7", "1.00")).await.unwrap();
    create(&world.db, &made, &invoice(hilos, Side::Payable, "1-1-7", "1.00")).await.unwrap();
    let taken = create(&world.db, &made, &invoice(hilos, Side::Payable, "1-1-7", "1.00")).await;
    assert!(matches!(taken, Err(CreateError::NumberTaken(_))), "{taken:?}");
    let number = "1-1-7".parse().unwrap();
    let free = async |contact| {
        documents::is_number_free(&world.db, made.id, contact, Side::Payable, DocumentKind::Invoice, &number).await.unwrap()
    };
    assert!(!free(Some(textiles)).await && free(None).await);
}

async fn a_document_breaks_no_rule(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let good = || invoice(made.contacts[0], Side::Receivable, "1-1-7", "120.00");
    let changed = |change: &dyn Fn(&mut NewDocument)| {
        let mut document = good();
        change(&mut document);
        document
    };
    let cases = [
        (changed(&|document| document.facts.total = Money::ZERO), DocumentError::TotalIsZero),
        (changed(&|document| document.facts.total = usd("-1.00")), DocumentError::TotalMustBePositive),
        (changed(&|document| document.facts.kind = DocumentKind::CreditNote), DocumentError::CreditNoteMustBeNegative),
        (changed(&|document| document.facts.due_date -= TimeDelta::days(31)), DocumentError::DueBeforeIssue),
        (changed(&|document| document.facts.issue_date += TimeDelta::days(2)), DocumentError::IssueDateInFuture),
        (changed(&|document| document.balance = usd("120.01")), DocumentError::BalanceOutOfRange),
        (changed(&|document| document.balance = usd("-0.01")), DocumentError::BalanceOutOfRange),
    ];
    for (document, rule) in cases {
        let refused = create(&world.db, &made, &document).await;
        assert!(matches!(&refused, Err(CreateError::Refused(found)) if *found == rule), "{rule:?}: {refused:?}");
    }
    let nobody = create(&world.db, &made, &changed(&|document| document.contact = ContactId(uuid::Uuid::now_v7()))).await;
    assert!(matches!(nobody, Err(CreateError::ContactNotFound)), "{nobody:?}");
    assert!(
        listed(documents::list(&world.db, made.id, &Filter::default(), documents::DUE_FIRST, PAGE, noon().date_naive()).await)
            .is_empty()
    );
}

const PAGE: Page = Page { after: None, limit: 50 };

async fn what_is_open_comes_oldest_due_first(world: World) {
    let builder = company().with_customer("Andina").with_open_invoice("10.00").with_invoice_overdue_by(40, "20.00");
    let made = world.with(builder.with_invoice_overdue_by(5, "30.00").with_credit_note("-4.00")).await;
    received(made.contacts[0], "30.00").settling(made.documents[2], "30.00").record(&world.db, &made.actor).await.unwrap();
    let open = documents::open_of(&world.db, made.id, made.contacts[0], Side::Receivable).await.unwrap();
    let found: Vec<_> = open.iter().map(|document| document.balance).collect();
    assert_eq!(found, [usd("20.00"), usd("10.00"), usd("-4.00")]);
    assert!(documents::open_of(&world.db, made.id, made.contacts[0], Side::Payable).await.unwrap().is_empty());
}

async fn documents_are_found_by_number_detail_and_person(world: World) {
    let made = world.with(company().with_contact(contact("Ñandú 50%", true, true)).with_customer("Andina")).await;
    let [nandu, andina] = made.contacts[..] else { panic!("two people") };
    let mut first = invoice(nandu, Side::Receivable, "1-1-7", "1.00");
    first.facts.detail = Some("Instalación ELÉCTRICA 50_50".to_string());
    create(&world.db, &made, &first).await.unwrap();
    create(&world.db, &made, &invoice(nandu, Side::Payable, "2-2-9", "2.00")).await.unwrap();
    let settled = create(&world.db, &made, &invoice(andina, Side::Receivable, "1-1-8", "3.00")).await.unwrap();
    received(andina, "3.00").settling(settled, "3.00").record(&world.db, &made.actor).await.unwrap();
    let find = async |filter: Filter| -> Vec<String> {
        let found = listed(documents::list(&world.db, made.id, &filter, documents::DUE_FIRST, PAGE, noon().date_naive()).await);
        let mut found: Vec<_> = found.into_iter().map(|listed| listed.document.facts.number.as_str()[14..].to_string()).collect();
        found.sort();
        found
    };
    let text = |text: &str| Filter { text: Some(text.to_string()), ..Filter::default() };
    assert_eq!(find(Filter::default()).await, ["007", "008", "009"]);
    assert_eq!(find(text("instalacion electrica")).await.len(), 1);
    assert_eq!(find(text("Eléctrica")).await.len(), 1);
    assert_eq!(find(text("50_5")).await.len(), 1);
    assert_eq!(find(text("%")).await.len(), 2);
    assert_eq!(find(text("000000008")).await.len(), 1);
    assert_eq!(find(text("nandu")).await.len(), 2);
    assert_eq!(find(Filter { side: Some(Side::Payable), ..Filter::default() }).await.len(), 1);
    assert_eq!(find(Filter { contact: Some(andina), ..Filter::default() }).await.len(), 1);
    assert_eq!(find(Filter { open_only: true, contact: Some(andina), ..Filter::default() }).await.len(), 0);
}

async fn documents_come_in_pages_by_due_date(world: World) {
    let mut builder = company().with_customer("Andina");
    for days in [3, 0, 3, -5, 40] {
        builder = builder.with_invoice_overdue_by(days, "1.00");
    }
    let made = world.with(builder).await;
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = Page { after, limit: 2 };
        let found = listed(
            documents::list(&world.db, made.id, &Filter::default(), documents::DUE_FIRST, page, noon().date_naive()).await,
        );
        after = found.last().map(|listed| listed.document.id.0);
        seen.extend(found.into_iter().map(|listed| listed.document.id));
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [4, 0, 2, 1, 3].map(|place| made.documents[place]));
}

async fn open_balances_are_summed_by_age(world: World) {
    let mut builder = company().with_customer("Andina");
    for (days, total) in
        [(-1, "1.00"), (0, "2.00"), (1, "4.00"), (30, "8.00"), (31, "16.00"), (60, "32.00"), (61, "64.00"), (900, "128.00")]
    {
        builder = builder.with_invoice_overdue_by(days, total);
    }
    let made = world.with(builder.with_supplier("Textiles").with_open_invoice("500.00")).await;
    let today = noon().date_naive();
    let sums = documents::aging(&world.db, made.id, Side::Receivable, today).await.unwrap();
    let expected = ["3.00", "12.00", "48.00", "192.00"].map(|balance| AgeSum { balance: usd(balance), documents: 2 });
    assert_eq!(sums, expected);
    let late = Filter { age: Some(Age::UpTo60), ..Filter::default() };
    assert_eq!(listed(documents::list(&world.db, made.id, &late, documents::DUE_FIRST, PAGE, today).await).len(), 2);
}

async fn the_same_request_twice_makes_one_document(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let document = invoice(made.contacts[0], Side::Receivable, "1-1-7", "1.00");
    let create = async |body| documents::create(&world.db, &made.actor, &document, Some(&once("k", body)), noon()).await;
    assert_eq!(create(1).await.unwrap(), create(1).await.unwrap());
    assert!(matches!(create(2).await, Err(CreateError::Once(_))));
}

async fn another_companys_documents_are_unknown(world: World) {
    let ours = world.with(company().with_customer("Andina").with_open_invoice("120.00")).await;
    let theirs = world.with(company()).await;
    let today = noon().date_naive();
    assert_eq!(documents::find(&world.db, theirs.id, ours.documents[0]).await.unwrap(), None);
    assert!(documents::open_of(&world.db, theirs.id, ours.contacts[0], Side::Receivable).await.unwrap().is_empty());
    assert!(
        listed(documents::list(&world.db, theirs.id, &Filter::default(), documents::DUE_FIRST, PAGE, today).await).is_empty()
    );
    let stolen = create(&world.db, &theirs, &invoice(ours.contacts[0], Side::Receivable, "1-1-7", "1.00")).await;
    assert!(matches!(stolen, Err(CreateError::ContactNotFound)), "{stolen:?}");
    let after_ours = Page { after: Some(ours.documents[0].0), limit: 9 };
    assert!(
        listed(documents::list(&world.db, theirs.id, &Filter::default(), documents::DUE_FIRST, after_ours, today).await)
            .is_empty()
    );
    assert_eq!(contacts::standing(&world.db, theirs.id, ours.contacts[0]).await.unwrap(), contacts::Standing::default());
}
