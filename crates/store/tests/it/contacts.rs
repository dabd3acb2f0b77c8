use acuse_domain::contact::ContactDetails;
use acuse_domain::email_address::parse_list;
use acuse_domain::id::CompanyId;
use acuse_domain::identification::{Identification, IdentificationType};
use acuse_domain::money::Money;
use acuse_store::contacts::{self, CreateError, Filter, Role, Standing};
use acuse_store::versions::{ChangeError, Expected};
use acuse_store::{Db, Page};
use acuse_testkit::builders::{company, contact, made, received, to, usd};
use acuse_testkit::world::{World, noon};

use crate::idempotency::once;

on_both_engines!(
    a_card_is_kept_as_it_was_given_and_changed,
    an_identification_belongs_to_one_person_of_a_company,
    people_are_found_by_part_of_anything_whatever_the_accents,
    what_is_typed_is_no_pattern,
    people_come_in_pages_by_name,
    a_persons_standing_says_what_is_owed_and_left,
    the_same_request_twice_makes_one_person,
    another_companys_people_are_unknown,
);

async fn a_card_is_kept_as_it_was_given_and_changed(world: World) {
    let made = world.with(company()).await;
    let mut card = contact("María José Ñacato d'Ávila", true, true);
    card.address = Some("Calle 1; DROP TABLE contact --".to_string());
    card.phone = Some("099".to_string());
    card.credit_days = Some(30);
    card.emails = parse_list("a@x.ec;josé@ñandú.ec", 20).unwrap();
    card.emails_by_purpose.received_payments = parse_list("cobros@x.ec", 20).unwrap();
    card.emails_by_purpose.withholdings = parse_list("ret@x.ec, ret2@x.ec", 20).unwrap();
    let id = contacts::create(&world.db, &made.actor, &card, None, noon()).await.unwrap();
    assert_eq!(contacts::find(&world.db, made.id, id).await.unwrap().unwrap().details, card);
    let bare = ContactDetails { emails: vec![], address: None, phone: None, credit_days: None, ..contact("Ana", true, false) };
    contacts::change(&world.db, &made.actor, id, &Expected::Any, to(bare.clone())).await.unwrap();
    assert_eq!(contacts::find(&world.db, made.id, id).await.unwrap().unwrap().details, bare);
}

async fn an_identification_belongs_to_one_person_of_a_company(world: World) {
    let (ours, theirs) = (world.with(company()).await, world.with(company()).await);
    let card = contact("Comercial Andina", true, false);
    let other = contact("Ferretería", true, false);
    contacts::create(&world.db, &ours.actor, &card, None, noon()).await.unwrap();
    let again =
        contacts::create(&world.db, &ours.actor, &ContactDetails { name: "Otra".into(), ..card.clone() }, None, noon()).await;
    assert!(matches!(again, Err(CreateError::IdentificationTaken)), "{again:?}");
    contacts::create(&world.db, &theirs.actor, &card, None, noon()).await.unwrap();
    let id = contacts::create(&world.db, &ours.actor, &other, None, noon()).await.unwrap();
    let taken = ContactDetails { identification: card.identification.clone(), ..other.clone() };
    let changed = contacts::change(&world.db, &ours.actor, id, &Expected::Any, to(taken)).await;
    assert!(matches!(changed, Err(ChangeError::Taken)), "{changed:?}");
    assert_eq!(contacts::find(&world.db, ours.id, id).await.unwrap().unwrap().details, other);
    let passport = Identification::parse(IdentificationType::Passport, card.identification.number()).unwrap();
    contacts::create(&world.db, &ours.actor, &ContactDetails { identification: passport, ..card }, None, noon()).await.unwrap();
}

async fn names(db: &Db, company: CompanyId, text: &str) -> Vec<String> {
    let filter = Filter { role: None, text: Some(text.to_string()) };
    let found = contacts::list(db, company, &filter, contacts::BY_NAME, Page { after: None, limit: 50 }).await.unwrap();
    found.into_iter().map(|contact| contact.details.name).collect()
}

async fn people_are_found_by_part_of_anything_whatever_the_accents(world: World) {
    let mut purpose = contact("Zoila Peña", true, false);
    purpose.emails_by_purpose.received_payments = parse_list("tesoreria@pena.ec", 20).unwrap();
    let made = world.with(company().with_contact(contact("Ñañez e Hijos CÍA. LTDA.", true, false)).with_contact(purpose)).await;
    for text in ["ñañez", "NANEZ", "cía", "cia. ltda", "hijos  cia", "pagos@", " ñañez "] {
        assert_eq!(names(&world.db, made.id, text).await[0], "Ñañez e Hijos CÍA. LTDA.", "{text}");
    }
    assert_eq!(names(&world.db, made.id, "tesoreria").await, ["Zoila Peña"]);
    let number = contacts::find(&world.db, made.id, made.contacts[0]).await.unwrap().unwrap().details.identification;
    assert_eq!(names(&world.db, made.id, &number.number()[2..9]).await.len(), 1);
    assert_eq!(names(&world.db, made.id, "").await.len(), 2);
    assert!(names(&world.db, made.id, "nadie").await.is_empty());
}

async fn what_is_typed_is_no_pattern(world: World) {
    let made = world.with(company().with_customer("100% Natural").with_customer("Andina_Sur").with_customer("Con\\barra")).await;
    assert_eq!(names(&world.db, made.id, "%").await, ["100% Natural"]);
    assert_eq!(names(&world.db, made.id, "a_s").await, ["Andina_Sur"]);
    assert_eq!(names(&world.db, made.id, "\\").await, ["Con\\barra"]);
    assert!(names(&world.db, made.id, "a%r").await.is_empty());
    assert!(names(&world.db, made.id, "' OR '1'='1").await.is_empty());
}

async fn people_come_in_pages_by_name(world: World) {
    let names = ["Ámbar", "andina", "Andina", "Barro", "Ñandú", "Oro", "Zinc"];
    let mut builder = company();
    for name in names.iter().rev() {
        builder = builder.with_customer(name);
    }
    let made = world.with(builder.with_supplier("Ajeno")).await;
    let filter = Filter { role: Some(Role::Customer), text: None };
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = contacts::list(&world.db, made.id, &filter, contacts::BY_NAME, Page { after, limit: 2 }).await.unwrap();
        after = page.last().map(|contact| contact.id.0);
        seen.extend(page.into_iter().map(|contact| contact.details.name));
        if after.is_none() {
            break;
        }
    }
    seen[1..3].sort();
    assert_eq!(seen, ["Ámbar", "Andina", "andina", "Barro", "Ñandú", "Oro", "Zinc"]);
    let suppliers = Filter { role: Some(Role::Supplier), text: None };
    assert_eq!(
        contacts::list(&world.db, made.id, &suppliers, contacts::BY_NAME, Page { after: None, limit: 9 }).await.unwrap().len(),
        1
    );
}

async fn a_persons_standing_says_what_is_owed_and_left(world: World) {
    let both = contact("Andina", true, true);
    let made_company = world
        .with(
            company()
                .with_contact(both)
                .with_open_invoice("120.00")
                .with_open_invoice("80.00")
                .with_credit_note("-20.00")
                .with_supplier("Textiles")
                .with_open_invoice("50.00"),
        )
        .await;
    let (db, by) = (&world.db, &made_company.actor);
    let (customer, supplier) = (made_company.contacts[0], made_company.contacts[1]);
    received(customer, "70.00").settling(made_company.documents[0], "40.00").record(db, by).await.unwrap();
    made(supplier, "9.00").record(db, by).await.unwrap();
    let standing = contacts::standing(db, by.company, customer).await.unwrap();
    let expected = Standing { receivable: usd("140.00"), advance_received: usd("30.00"), ..Standing::default() };
    assert_eq!(standing, expected);
    let both = contacts::standings(db, by.company, &[supplier, customer]).await.unwrap();
    let of_supplier =
        Standing { payable: usd("50.00"), advance_made: usd("9.00"), receivable: Money::ZERO, advance_received: Money::ZERO };
    assert_eq!(both, [(supplier, of_supplier), (customer, expected)]);
}

async fn the_same_request_twice_makes_one_person(world: World) {
    let made = world.with(company()).await;
    let card = contact("Andina", true, false);
    let first = contacts::create(&world.db, &made.actor, &card, Some(&once("k", 1)), noon()).await.unwrap();
    let again = contacts::create(&world.db, &made.actor, &card, Some(&once("k", 1)), noon()).await.unwrap();
    assert_eq!(first, again);
    let other = contacts::create(&world.db, &made.actor, &card, Some(&once("k", 2)), noon()).await;
    assert!(matches!(other, Err(CreateError::Once(_))), "{other:?}");
}

async fn another_companys_people_are_unknown(world: World) {
    let (ours, theirs) = (world.with(company().with_customer("Andina")).await, world.with(company()).await);
    assert_eq!(contacts::find(&world.db, theirs.id, ours.contacts[0]).await.unwrap(), None);
    let changed =
        contacts::change(&world.db, &theirs.actor, ours.contacts[0], &Expected::Any, to(contact("Robo", true, false))).await;
    assert!(matches!(changed, Err(ChangeError::NotFound)), "{changed:?}");
    assert_eq!(contacts::standing(&world.db, theirs.id, ours.contacts[0]).await.unwrap(), Standing::default());
    assert!(names(&world.db, theirs.id, "").await.is_empty());
}
