//! The first person needs no command line, and nobody else comes first.

use acuse_domain::access::Role;
use acuse_domain::identification::Ruc;
use acuse_store::companies;
use acuse_store::first_start::{self, FoundError, Founding};
use acuse_store::sessions::Device;
use acuse_store::users;
use acuse_testkit::builders::company;
use acuse_testkit::world::{World, noon, noon_and};
use secrecy::{ExposeSecret, SecretString};

const PASSWORD: &str = "una clave larga";

on_both_engines!(
    whoever_has_the_printed_link_begins,
    the_link_of_an_earlier_start_is_worth_nothing,
    of_two_at_once_one_begins,
    a_company_of_the_command_line_is_theirs,
    where_somebody_is_on_record_nothing_is_offered,
);

async fn found(world: &World, token: &SecretString) -> Result<SecretString, FoundError> {
    found_with(world, token, "1790012344001".parse().unwrap()).await
}

async fn found_with(world: &World, token: &SecretString, ruc: Ruc) -> Result<SecretString, FoundError> {
    let password = SecretString::from(PASSWORD);
    let new = Founding {
        ruc,
        legal_name: "Cotopaxi S.A.".into(),
        name: "Ana".into(),
        email: "ana@cotopaxi.ec".parse().unwrap(),
        password: &password,
        device: Device::default(),
    };
    first_start::found_any_company(&world.db, token.expose_secret(), new, noon()).await
}

async fn offer(world: &World) -> SecretString {
    first_start::offer_any_company(&world.db).await.unwrap().expect("nobody is there")
}

async fn whoever_has_the_printed_link_begins(world: World) {
    assert!(first_start::is_ahead_any_company(&world.db).await.unwrap());
    let token = offer(&world).await;
    assert!(matches!(found(&world, &"inventado".into()).await, Err(FoundError::NotGood)));
    let session = found(&world, &token).await.unwrap();
    let session = users::session(&world.db, session.expose_secret(), noon_and(1)).await.unwrap().unwrap();
    assert_eq!((session.role, session.name.as_str()), (Role::Owner, "Ana"));
    assert!(!first_start::is_ahead_any_company(&world.db).await.unwrap());
    assert!(matches!(found(&world, &token).await, Err(FoundError::NotGood)), "once");
}

async fn the_link_of_an_earlier_start_is_worth_nothing(world: World) {
    let (first, second) = (offer(&world).await, offer(&world).await);
    assert!(matches!(found(&world, &first).await, Err(FoundError::NotGood)));
    assert!(first_start::is_good_any_company(&world.db, second.expose_secret()).await.unwrap());
}

async fn of_two_at_once_one_begins(world: World) {
    let token = offer(&world).await;
    let (one, two) = tokio::join!(found(&world, &token), found(&world, &token));
    assert!(one.is_ok() != two.is_ok());
}

async fn a_company_of_the_command_line_is_theirs(world: World) {
    let made = world.with(company()).await;
    let ruc = companies::find(&world.db, made.id).await.unwrap().unwrap().ruc;
    let token = offer(&world).await;
    let session = found_with(&world, &token, ruc).await.unwrap();
    let session = users::session(&world.db, session.expose_secret(), noon_and(1)).await.unwrap().unwrap();
    assert_eq!(session.company, made.id);
}

async fn where_somebody_is_on_record_nothing_is_offered(world: World) {
    let (token, made) = (offer(&world).await, world.with(company()).await);
    let email = "ana@x.ec".parse().unwrap();
    users::create(&world.db, made.id, "Ana", &email, &PASSWORD.into(), Role::Owner, noon()).await.unwrap();
    assert!(first_start::offer_any_company(&world.db).await.unwrap().is_none());
    assert!(matches!(found(&world, &token).await, Err(FoundError::NotGood)));
}
