//! A new master key while others seal and open; what is sealed opens in its own place alone.

use std::sync::Arc;

use acuse_domain::access::Role;
use acuse_domain::mail_account::MailModule;
use acuse_domain::oauth::Provider;
use acuse_store::dkim::{self, NewPair};
use acuse_store::invitations::{self, NewInvitation};
use acuse_store::key_rotation::{self, SEALED_COLUMNS};
use acuse_store::mail_accounts::{self, SaveError};
use acuse_store::oauth::{self, AuthorizationRequest, Intent, NewConnection};
use acuse_store::sealing::{self, Held};
use acuse_store::secrets::{Keyring, SealError};
use acuse_store::user_mails::{self, Content, Post};
use acuse_store::{Actor, Identity, second_factor, users};
use acuse_testkit::builders::{TestCompany, company, mail_account};
use acuse_testkit::outside;
use acuse_testkit::world::{World, noon, noon_and};
use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, Database, Statement, Value};
use secrecy::{ExposeSecret, SecretString};

use crate::oauth::granted;

const COBROS: MailModule = MailModule::ReceivedPayments;
const PAGOS: MailModule = MailModule::InvoicesAndMadePayments;
/// Beside its two accounts: two DKIM keys, two people on their way to a provider, a person's second step, and an invitation
/// that waits to be mailed.
const BESIDE: u64 = 2 + 2 + 1 + 1;
/// One company with passwords, one with connections.
const SEALED: u64 = 2 + 2 + 2 * BESIDE;

on_both_engines!(
    what_is_sealed_opens_in_its_own_row_and_column_alone,
    a_new_key_seals_everything_again_and_the_old_one_may_go,
    a_rotation_that_was_stopped_is_finished_with_its_own_key,
    a_key_that_something_needs_stays,
    a_node_that_does_not_have_the_new_key_seals_nothing,
    what_is_sealed_while_keys_are_changed_opens,
    who_leaves_for_a_provider_during_a_rotation_comes_back,
    a_link_that_waits_to_be_mailed_is_sealed_for_its_mail_alone,
);

async fn unlock(world: &World) -> Keyring {
    sealing::unlock_any_company(&world.db, &world.folder().join("secret.key"), noon()).await.unwrap()
}

/// Two accounts with a password each.
async fn with_passwords(world: &World, keys: &Keyring) -> TestCompany {
    let made = world.with(company()).await;
    for module in [COBROS, PAGOS] {
        mail_accounts::create(&world.db, keys, &made.actor, &mail_account(module, "clave"), None, noon()).await.unwrap();
    }
    beside(world, keys, &made).await;
    made
}

/// Two connected accounts.
async fn with_connections(world: &World, keys: &Keyring) -> TestCompany {
    let made = world.with(company()).await;
    for module in [COBROS, PAGOS] {
        let granted = granted("1", noon_and(3_600));
        let refresh_token = granted.refresh_token.clone().unwrap();
        let (provider, address) = (Provider::Google, "cobros@distripichincha.ec");
        let connection = NewConnection { provider, address, granted: &granted, refresh_token: &refresh_token };
        let settings = mail_account(module, "").settings;
        oauth::create_connected(&world.db, keys, &made.actor, &settings, &connection, noon()).await.unwrap();
    }
    beside(world, keys, &made).await;
    made
}

fn states(made: &TestCompany) -> [String; 2] {
    [1, 2].map(|n| format!("estado {n} de {}", made.id))
}

async fn beside(world: &World, keys: &Keyring, made: &TestCompany) {
    for domain in ["uno.ec", "dos.ec"] {
        let pair = NewPair { public_key: "p".to_owned(), private_key: "privada".into() };
        dkim::make(&world.db, keys, &made.actor, domain, &pair, noon()).await.unwrap();
    }
    for state in states(made) {
        let intent = Intent::New { module: COBROS, address: None };
        let (state, verifier) = (state.into(), "verificador".into());
        let request =
            AuthorizationRequest { provider: Provider::Google, state: &state, verifier: &verifier, nonce: "n", intent: &intent };
        oauth::note_authorization_request(&world.db, keys, &made.actor, "sesion", &request, noon()).await.unwrap();
    }
    people(world, keys, made).await;
}

async fn people(world: &World, keys: &Keyring, made: &TestCompany) {
    let (email, password) = (format!("{}@andina.ec", made.id), SecretString::from("ocho ñandúes"));
    let user = users::create(&world.db, made.id, "Ana", &email.parse().unwrap(), &password, Role::Owner, noon()).await.unwrap();
    let by = Actor { identity: Identity::User { user, session: None }, ..made.actor.clone() };
    let proposal = second_factor::propose(keys, &by, &email, noon()).unwrap();
    let secret = SecretString::from(proposal.key.expose_secret().replace(' ', ""));
    let typed = (proposal.sealed.as_str(), second_factor::code_at(&secret, noon()).unwrap());
    second_factor::activate(&world.db, &by, keys, (typed.0, &typed.1), "", Post::ByHand, noon()).await.unwrap();
    let email = format!("invitada.{}@andina.ec", made.id).parse().unwrap();
    let new = NewInvitation { email, name: "Invitada".to_owned(), role: Role::Viewer };
    invitations::invite(&world.db, &by, &new, None, Post::Mail(keys), noon()).await.unwrap();
}

/// How many of the invitations that wait can be written, with a link that opens them.
async fn mails(world: &World, keys: &Keyring) -> usize {
    let lease = TimeDelta::minutes(1);
    let claimed = user_mails::claim_due_any_company(&world.db, keys, 99, lease, noon_and(60)).await.unwrap();
    let mut found = 0;
    for mail in &claimed {
        let Content::Invitation { token, .. } = &mail.content else { panic!("an invitation: {mail:?}") };
        let opened = invitations::find_any_company(&world.db, token.expose_secret(), noon_and(60)).await.unwrap();
        found += usize::from(opened.is_some());
    }
    found
}

async fn exchange(world: &World, (table, column): (&str, &str), [one, other]: [&[u8]; 2]) {
    let sql = format!("UPDATE {table} SET {column} = $2 WHERE {column} = $1");
    for (was, is) in [(one, b"none".as_slice()), (other, one), (b"none", other)] {
        outside::run(&world.url, &sql, vec![was.to_vec().into(), is.to_vec().into()]).await;
    }
}

async fn rows(world: &World, sql: &str) -> Vec<Vec<u8>> {
    let connection = Database::connect(world.url.as_str()).await.unwrap();
    let found = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await.unwrap();
    connection.close().await.unwrap();
    found.iter().map(|row| row.try_get("", "found").unwrap()).collect()
}

/// How many of those who left come back.
async fn come_back(world: &World, keys: &Keyring, all: &[&TestCompany]) -> u64 {
    let mut back = 0;
    for made in all {
        for state in states(made) {
            let (by, at) = (&made.actor, noon_and(60));
            let found = oauth::take_authorization_request(&world.db, keys, by, "sesion", Provider::Google, &state, at).await;
            back += u64::from(found.unwrap().is_some());
        }
    }
    back
}

async fn what_is_sealed_opens_in_its_own_row_and_column_alone(world: World) {
    let keys = unlock(&world).await;
    for _ in 0..2 {
        with_passwords(&world, &keys).await;
        with_connections(&world, &keys).await;
    }
    let everything = sealing::unreadable_any_company(&world.db, &keys).await.unwrap();
    assert!(everything.is_nothing(), "{everything:?}");
    let is_postgres = world.url.starts_with("postgres");
    let row = if is_postgres { "ctid" } else { "rowid" };
    // Those two open when they are used: below.
    let is_looked_at = |table: &str| !["authorization_request", "user_mail"].contains(&table);
    for (table, column) in SEALED_COLUMNS.into_iter().filter(|(table, _)| is_looked_at(table)) {
        let order = if table == "authenticator" { "person_id" } else { "company_id" };
        let sealed =
            rows(&world, &format!("SELECT {column} AS found FROM {table} WHERE {column} IS NOT NULL ORDER BY {order}")).await;
        assert!(sealed.len() >= 4, "{table}: two rows of each of two companies");
        for (at, own) in sealed.iter().enumerate() {
            // Another row of the company, and those of another company.
            let other = &sealed[(at + 1) % sealed.len()];
            let put = async |was: &Vec<u8>, is: &Vec<u8>| {
                let sql = format!(
                    "UPDATE {table} SET {column} = $2 WHERE {row} = (SELECT {row} FROM {table} WHERE {column} = $1 LIMIT 1)"
                );
                let values: Vec<Value> = vec![was.clone().into(), is.clone().into()];
                outside::run(&world.url, &sql, values).await;
            };
            // Both are exchanged: each lies where the other was.
            let marker = b"none".to_vec();
            put(own, &marker).await;
            put(other, own).await;
            put(&marker, other).await;
            let closed = sealing::unreadable_any_company(&world.db, &keys).await.unwrap();
            let count = closed.passwords + closed.connections + closed.dkim_keys + closed.authenticators;
            assert_eq!(count, 2, "{table}.{column} {at}: {closed:?}");
            put(own, &marker).await;
            put(other, own).await;
            put(&marker, other).await;
        }
    }
    let sql = "UPDATE oauth_connection SET sealed_refresh_token = sealed_access_token";
    outside::run(&world.url, sql, vec![]).await;
    let closed = sealing::unreadable_any_company(&world.db, &keys).await.unwrap();
    assert_eq!(closed, Held { connections: 4, ..Held::default() }, "a token of the other kind");
}

async fn who_leaves_for_a_provider_during_a_rotation_comes_back(world: World) {
    let keys = unlock(&world).await;
    let (one, other) = (with_passwords(&world, &keys).await, with_passwords(&world, &keys).await);
    key_rotation::rotate_any_company(&world.db, &world.folder().join("secret.key")).await.unwrap();
    assert_eq!(come_back(&world, &keys, &[&one]).await, 2);
    // What stands in the others' rows is exchanged.
    let [a, b]: [Vec<u8>; 2] =
        rows(&world, "SELECT sealed_verifier AS found FROM authorization_request").await.try_into().unwrap();
    exchange(&world, ("authorization_request", "sealed_verifier"), [&a, &b]).await;
    assert_eq!(come_back(&world, &keys, &[&other]).await, 0, "another's verifier is none");
}

async fn a_link_that_waits_to_be_mailed_is_sealed_for_its_mail_alone(world: World) {
    let keys = unlock(&world).await;
    with_passwords(&world, &keys).await;
    with_passwords(&world, &keys).await;
    key_rotation::rotate_any_company(&world.db, &world.folder().join("secret.key")).await.unwrap();
    let [a, b]: [Vec<u8>; 2] = rows(&world, "SELECT sealed_token AS found FROM user_mail").await.try_into().unwrap();
    exchange(&world, ("user_mail", "sealed_token"), [&a, &b]).await;
    assert_eq!(mails(&world, &keys).await, 0, "another's link is none");
}

async fn opens_everything(world: &World) {
    let keys = Keyring::load(&world.folder().join("secret.key")).unwrap().unwrap();
    let closed = sealing::unreadable_any_company(&world.db, &keys).await.unwrap();
    assert!(closed.is_nothing(), "{closed:?}");
}

async fn a_new_key_seals_everything_again_and_the_old_one_may_go(world: World) {
    let (file, running) = (world.folder().join("secret.key"), unlock(&world).await);
    let (one, other) = (with_passwords(&world, &running).await, with_connections(&world, &running).await);
    let rotated = key_rotation::rotate_any_company(&world.db, &file).await.unwrap().unwrap();
    assert_eq!((rotated.newest.id, rotated.is_resumed, rotated.resealed), (2, false, SEALED));
    assert_eq!(rotated.older.iter().map(|(mark, uses)| (mark.id, *uses)).collect::<Vec<_>>(), [(1, 0)]);
    let account = &mail_accounts::list(&world.db, one.id).await.unwrap()[0];
    let usable = mail_accounts::usable_by_id(&world.db, &running, one.id, account.id).await.unwrap().unwrap();
    assert!(!usable.lacks_secret(), "who runs reads the file again");
    let retired = key_rotation::retire_any_company(&world.db, &file).await.unwrap().unwrap();
    assert_eq!(retired.removed.iter().map(|mark| mark.id).collect::<Vec<_>>(), [1]);
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 1);
    opens_everything(&world).await;
    assert_eq!(come_back(&world, &running, &[&one, &other]).await, 4);
    assert_eq!(mails(&world, &running).await, 2);
    sealing::unlock_any_company(&world.db, &file, noon()).await.expect("a start finds all as it should be");
}

async fn a_rotation_that_was_stopped_is_finished_with_its_own_key(world: World) {
    let (file, running) = (world.folder().join("secret.key"), unlock(&world).await);
    with_passwords(&world, &running).await;
    Keyring::rotate(&file).unwrap();
    let rotated = key_rotation::rotate_any_company(&world.db, &file).await.unwrap().unwrap();
    assert_eq!((rotated.newest.id, rotated.is_resumed, rotated.resealed), (2, true, 2 + BESIDE));
    let rotated = key_rotation::rotate_any_company(&world.db, &file).await.unwrap().unwrap();
    assert_eq!((rotated.newest.id, rotated.is_resumed), (3, false), "the next one is a new one");
}

async fn a_key_that_something_needs_stays(world: World) {
    let (file, running) = (world.folder().join("secret.key"), unlock(&world).await);
    with_passwords(&world, &running).await;
    Keyring::rotate(&file).unwrap();
    let retired = key_rotation::retire_any_company(&world.db, &file).await.unwrap().unwrap();
    assert_eq!(retired.removed, []);
    assert_eq!(retired.kept.iter().map(|(mark, uses)| (mark.id, *uses)).collect::<Vec<_>>(), [(1, 2 + BESIDE), (2, 0)]);
    opens_everything(&world).await;
}

async fn a_node_that_does_not_have_the_new_key_seals_nothing(world: World) {
    let (file, running) = (world.folder().join("secret.key"), unlock(&world).await);
    let made = with_passwords(&world, &running).await;
    let copy = world.folder().join("copia.key");
    std::fs::copy(&file, &copy).unwrap();
    let elsewhere = Keyring::load(&copy).unwrap().unwrap();
    key_rotation::rotate_any_company(&world.db, &file).await.unwrap();
    let account = mail_accounts::list(&world.db, made.id).await.unwrap()[0].id;
    let change =
        async |keys: &Keyring| mail_accounts::change(&world.db, keys, &made.actor, account, &mail_account(COBROS, "otra")).await;
    let refused = change(&elsewhere).await;
    assert!(matches!(refused, Err(SaveError::Seal(SealError::UnknownKey(2)))), "{refused:?}");
    std::fs::copy(&file, &copy).unwrap();
    change(&elsewhere).await.expect("the file came");
    change(&running).await.expect("it was read again");
    opens_everything(&world).await;
}

/// Races that are lost now and then are tried so often.
const ROUNDS: u64 = 5;

async fn what_is_sealed_while_keys_are_changed_opens(world: World) {
    let (file, running) = (world.folder().join("secret.key"), Arc::new(unlock(&world).await));
    let made = with_passwords(&world, &running).await;
    let accounts: Vec<_> = mail_accounts::list(&world.db, made.id).await.unwrap().iter().map(|account| account.id).collect();
    let server = world.opened_again().await;
    for round in 0..ROUNDS {
        let email = format!("invitada{round}@andina.ec").parse().unwrap();
        let new = NewInvitation { email, name: "Invitada".to_owned(), role: Role::Viewer };
        let seal = async {
            invitations::invite(&server, &made.actor, &new, None, Post::Mail(&running), noon()).await.unwrap();
            for module in [COBROS, PAGOS, COBROS, PAGOS] {
                let account = accounts[usize::from(module == PAGOS)];
                mail_accounts::change(&server, &running, &made.actor, account, &mail_account(module, "otra")).await.unwrap();
            }
        };
        let rotate = async {
            key_rotation::rotate_any_company(&world.db, &file).await.unwrap();
            key_rotation::retire_any_company(&world.db, &file).await.unwrap();
        };
        tokio::join!(seal, rotate);
        opens_everything(&world).await;
    }
    let keys = Keyring::load(&file).unwrap().unwrap();
    assert_eq!(mails(&world, &keys).await as u64, 1 + ROUNDS, "no link was sealed with a key that is gone");
    server.close().await;
}

#[tokio::test]
async fn every_sealed_column_is_known() {
    let world = World::on_sqlite().await;
    let sql = "SELECT CAST(m.name || '.' || c.name AS BLOB) AS found FROM sqlite_master m, pragma_table_info(m.name) c
        WHERE m.type = 'table' AND c.name LIKE 'sealed!_%' ESCAPE '!'";
    let mut found: Vec<String> = rows(&world, sql).await.into_iter().map(|name| String::from_utf8(name).unwrap()).collect();
    let mut known: Vec<String> = SEALED_COLUMNS.iter().map(|(table, column)| format!("{table}.{column}")).collect();
    found.sort();
    known.sort();
    assert_eq!(found, known, "a key would be taken out of the file while these need it");
}
