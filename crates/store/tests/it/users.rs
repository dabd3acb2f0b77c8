use acuse_domain::access::{Role, Scopes};
use acuse_domain::input::password::PasswordError;
use acuse_store::tokens::Holder;
use acuse_store::users::{self, CreateError};
use acuse_store::{Actor, Identity, tokens};
use acuse_testkit::builders::company;
use acuse_testkit::world::{World, log_in, noon, noon_and};
use secrecy::{ExposeSecret, SecretString};

use crate::record;

const WEEK: i64 = 7 * 24 * 3_600;

on_both_engines!(
    who_knows_the_password_is_let_in,
    a_session_ends_by_itself_and_by_logging_out,
    a_new_password_ends_every_session,
    an_address_belongs_to_one_user,
    who_is_of_another_company_is_not_taken_over,
    a_token_speaks_for_its_company_until_it_is_revoked,
    no_secret_is_kept_in_clear,
);

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

async fn who_knows_the_password_is_let_in(world: World) {
    let made = world.with(company()).await;
    let email = "Ana.Paredes@andina.ec".parse().unwrap();
    let id = users::create(&world.db, made.id, "Ana Paredes", &email, &secret("ocho ñandúes"), Role::Accountant, noon())
        .await
        .unwrap();
    let token = log_in(&world.db, " ana.paredes@ANDINA.ec ", "ocho ñandúes", noon()).await.unwrap();
    let session = users::session(&world.db, token.expose_secret(), noon()).await.unwrap().unwrap();
    assert_eq!(
        (session.user, session.company, session.role, session.name.as_str()),
        (id, made.id, Role::Accountant, "Ana Paredes")
    );
    for (address, password) in
        [("ana.paredes@andina.ec", "ocho ñandues"), ("ana.paredes@andina.ec", ""), ("nadie@andina.ec", "ocho ñandúes")]
    {
        assert!(log_in(&world.db, address, password, noon()).await.is_none(), "{address} {password}");
    }
    assert!(users::session(&world.db, "adivinado", noon()).await.unwrap().is_none());
    assert!(users::session(&world.db, "", noon()).await.unwrap().is_none());
    assert_eq!(
        users::list(&world.db, made.id).await.unwrap(),
        [("Ana Paredes".to_string(), "ana.paredes@andina.ec".to_string())]
    );
}

async fn a_session_ends_by_itself_and_by_logging_out(world: World) {
    let made = world.with(company()).await;
    let email = "ana@andina.ec".parse().unwrap();
    users::create(&world.db, made.id, "Ana", &email, &secret("ocho ñandúes"), Role::Owner, noon()).await.unwrap();
    let token = log_in(&world.db, "ana@andina.ec", "ocho ñandúes", noon()).await.unwrap();
    let lives = async |token: &SecretString, at| users::session(&world.db, token.expose_secret(), at).await.unwrap().is_some();
    assert!(lives(&token, noon_and(WEEK - 1)).await);
    assert!(!lives(&token, noon_and(WEEK)).await);
    let second = log_in(&world.db, "ana@andina.ec", "ocho ñandúes", noon_and(WEEK + 1)).await.unwrap();
    assert_eq!(record::of_everything(&world).await["rows of login"], 1, "the ended session is swept away");
    users::log_out(&world.db, second.expose_secret()).await.unwrap();
    assert!(!lives(&second, noon_and(WEEK + 2)).await);
}

async fn a_new_password_ends_every_session(world: World) {
    let made = world.with(company()).await;
    let email = "ana@andina.ec".parse().unwrap();
    users::create(&world.db, made.id, "Ana", &email, &secret("ocho ñandúes"), Role::Owner, noon()).await.unwrap();
    let token = log_in(&world.db, "ana@andina.ec", "ocho ñandúes", noon()).await.unwrap();
    let short = users::change_password_any_company(&world.db, &email, &secret("ñandúes")).await;
    assert!(matches!(short, Err(CreateError::Password(PasswordError::TooShort))), "{short:?}");
    assert!(users::change_password_any_company(&world.db, &email, &secret("nueve avestruces")).await.unwrap());
    assert!(users::session(&world.db, token.expose_secret(), noon()).await.unwrap().is_none());
    assert!(log_in(&world.db, "ana@andina.ec", "ocho ñandúes", noon()).await.is_none());
    assert!(log_in(&world.db, "ana@andina.ec", "nueve avestruces", noon()).await.is_some());
    let nobody = "nadie@andina.ec".parse().unwrap();
    assert!(!users::change_password_any_company(&world.db, &nobody, &secret("nueve avestruces")).await.unwrap());
}

async fn an_address_belongs_to_one_user(world: World) {
    let made = world.with(company()).await;
    let create = async |address: &str, password: &str| {
        users::create(&world.db, made.id, "Ana", &address.parse().unwrap(), &secret(password), Role::Viewer, noon()).await
    };
    create("ana@andina.ec", "ocho ñandúes").await.unwrap();
    assert!(matches!(create("ANA@andina.ec", "ocho ñandúes").await, Err(CreateError::EmailTaken)));
    let refused =
        [("12345678", PasswordError::TooShort), ("123456789012", PasswordError::Common), ("eva@andina.ec", PasswordError::Own)];
    for (password, why) in refused {
        let answer = create("eva@andina.ec", password).await;
        assert!(matches!(&answer, Err(CreateError::Password(own)) if *own == why), "{password} {answer:?}");
    }
}

async fn who_is_of_another_company_is_not_taken_over(world: World) {
    let (ours, theirs) = (world.with(company()).await, world.with(company()).await);
    let email = "ana@andina.ec".parse().unwrap();
    users::create(&world.db, ours.id, "Ana", &email, &secret("ocho ñandúes"), Role::Owner, noon()).await.unwrap();
    let taken = users::create(&world.db, theirs.id, "Intrusa", &email, &secret("nueve lechuzas"), Role::Owner, noon()).await;
    assert!(matches!(taken, Err(CreateError::EmailTaken)), "{taken:?}");
    assert!(log_in(&world.db, "ana@andina.ec", "nueve lechuzas", noon()).await.is_none());
    assert!(log_in(&world.db, "ana@andina.ec", "ocho ñandúes", noon()).await.is_some());
}

async fn a_token_speaks_for_its_company_until_it_is_revoked(world: World) {
    let (ours, theirs) = (world.with(company()).await, world.with(company()).await);
    let (id, token) = tokens::create(&world.db, ours.id, "tienda en línea", noon()).await.unwrap();
    assert!(token.expose_secret().starts_with("acu_") && token.expose_secret().len() > 40);
    let Holder { actor, scopes, .. } = tokens::holder(&world.db, token.expose_secret(), None, noon()).await.unwrap();
    assert_eq!(actor, Actor { identity: Identity::Token(id), ..Actor::named(ours.id, "API: tienda en línea") });
    assert_eq!(scopes, Scopes::all());
    assert!(tokens::holder(&world.db, "acu_adivinado", None, noon()).await.is_err());
    assert!(!tokens::revoke(&world.db, &Actor::operator(theirs.id), id, "", noon()).await.unwrap());
    assert!(tokens::holder(&world.db, token.expose_secret(), None, noon()).await.is_ok());
    assert!(tokens::revoke(&world.db, &Actor::operator(ours.id), id, "", noon()).await.unwrap());
    assert!(tokens::holder(&world.db, token.expose_secret(), None, noon()).await.is_err());
    assert!(!tokens::revoke(&world.db, &Actor::operator(ours.id), id, "", noon()).await.unwrap());
}

async fn no_secret_is_kept_in_clear(world: World) {
    let made = world.with(company()).await;
    let email = "ana@andina.ec".parse().unwrap();
    users::create(&world.db, made.id, "Ana", &email, &secret("ocho-nandues-2"), Role::Owner, noon()).await.unwrap();
    let session = log_in(&world.db, "ana@andina.ec", "ocho-nandues-2", noon()).await.unwrap();
    let (_, token) = tokens::create(&world.db, made.id, "tienda", noon()).await.unwrap();
    let hash = record::text(&world, "SELECT password_hash AS t FROM person").await;
    assert!(hash.starts_with("$argon2id$") && !hash.contains("nandues"), "{hash}");
    let hex = if world.db.is_sqlite() { "hex(token_hash)" } else { "encode(token_hash, 'hex')" };
    for table in ["login", "api_token"] {
        let kept = record::text(&world, &format!("SELECT {hex} AS t FROM {table}")).await;
        assert_eq!(kept.len(), 64, "{table} keeps a SHA-256");
    }
    assert_ne!(session.expose_secret(), token.expose_secret());
}
