//! A database opens with the key file that sealed what it holds, and with no other.

use acuse_domain::access::Role;
use acuse_domain::mail_account::MailModule;
use acuse_store::dkim::{self, NewPair};
use acuse_store::mail_accounts::{self, Form, SaveError};
use acuse_store::pauses::{self, AccountKey};
use acuse_store::sealing::{self, Held, UnlockError};
use acuse_store::secrets::{Keyring, SealError};
use acuse_store::users;
use acuse_store::{Db, notices};
use acuse_testkit::builders::{company, mail_account};
use acuse_testkit::outside;
use acuse_testkit::world::{World, noon, noon_and};
use chrono::TimeDelta;

const COBROS: MailModule = MailModule::ReceivedPayments;
const PAGOS: MailModule = MailModule::InvoicesAndMadePayments;
const HELD: Held = Held { passwords: 2, connections: 0, dkim_keys: 1, authenticators: 0 };

on_both_engines!(
    a_key_file_is_made_only_where_nothing_is_sealed,
    another_key_file_is_refused_and_changes_nothing,
    a_database_without_canary_is_known_by_its_secrets,
    what_no_key_opens_is_forgotten_when_asked_and_its_accounts_rest,
    a_single_spoilt_secret_stops_its_account_and_nothing_else,
    after_a_rotation_the_older_key_may_go_only_when_nothing_needs_it,
    a_node_with_another_key_file_seals_nothing,
    of_two_nodes_that_seal_at_once_with_two_key_files_one_is_refused,
    a_start_with_another_key_file_does_not_overtake_what_is_being_sealed,
);

/// Two passwords and a DKIM key, sealed as `serve` would.
async fn filled(world: &World) -> Keyring {
    let file = world.folder().join("secret.key");
    let keys = sealing::unlock_any_company(&world.db, &file, noon()).await.unwrap();
    let made = world.with(company()).await;
    for module in [COBROS, PAGOS] {
        let mut form = mail_account(module, "clave");
        form.settings.from_address = format!("{}@distripichincha.ec", module.as_str()).parse().unwrap();
        mail_accounts::create(&world.db, &keys, &made.actor, &form, None, noon()).await.unwrap();
    }
    let pair = NewPair { public_key: "p".to_owned(), private_key: "privada".into() };
    dkim::make(&world.db, &keys, &made.actor, "distripichincha.ec", &pair, noon()).await.unwrap();
    keys
}

async fn unlock(db: &Db, world: &World, file: &str) -> Result<Keyring, UnlockError> {
    sealing::unlock_any_company(db, &world.folder().join(file), noon_and(60)).await
}

async fn a_key_file_is_made_only_where_nothing_is_sealed(world: World) {
    let file = world.folder().join("secret.key");
    assert!(sealing::check_any_company(&world.db, &file).await.unwrap().is_none());
    assert!(!file.exists(), "a look makes nothing");
    unlock(&world.db, &world, "secret.key").await.unwrap();
    std::fs::remove_file(&file).unwrap();
    unlock(&world.db, &world, "secret.key").await.expect("nothing was sealed with the first");
    filled(&world).await;
    std::fs::remove_file(&file).unwrap();
    for _ in 0..2 {
        let missing = unlock(&world.db, &world, "secret.key").await;
        assert!(matches!(&missing, Err(UnlockError::Missing { held: HELD, .. })), "{:?}", missing.err());
        assert!(!file.exists(), "nothing takes its place");
    }
}

async fn another_key_file_is_refused_and_changes_nothing(world: World) {
    let keys = filled(&world).await;
    Keyring::create(&world.folder().join("otra.key")).unwrap();
    let foreign = unlock(&world.db, &world, "otra.key").await.err().expect("it is another key");
    let UnlockError::Foreign { held, needed, found } = &foreign else { panic!("{foreign:?}") };
    assert_eq!((*held, needed[0].id), (HELD, 1));
    assert_eq!(needed[0].fingerprint, keys.fingerprint(1), "the canary names the key that is wanted");
    assert_ne!(needed[0].fingerprint, found[0].fingerprint);
    unlock(&world.db, &world, "secret.key").await.expect("the right one still opens everything");
    let opened = sealing::unreadable_any_company(&world.db, &keys).await.unwrap();
    assert!(opened.is_nothing(), "{opened:?}");
}

async fn a_database_without_canary_is_known_by_its_secrets(world: World) {
    filled(&world).await;
    outside::run(&world.url, "DELETE FROM sealing_key", vec![]).await;
    Keyring::create(&world.folder().join("otra.key")).unwrap();
    assert!(matches!(unlock(&world.db, &world, "otra.key").await, Err(UnlockError::Foreign { held: HELD, .. })));
    unlock(&world.db, &world, "secret.key").await.unwrap();
    let file = world.folder().join("secret.key");
    std::fs::remove_file(&file).unwrap();
    let missing = unlock(&world.db, &world, "secret.key").await.err().unwrap();
    let UnlockError::Missing { needed, .. } = missing else { panic!("{missing:?}") };
    assert!(needed[0].fingerprint.is_some(), "from the first start on there is a canary");
}

async fn what_no_key_opens_is_forgotten_when_asked_and_its_accounts_rest(world: World) {
    filled(&world).await;
    let listed = outside_accounts(&world).await;
    let owner = "duena@distripichincha.ec".parse().unwrap();
    users::create(&world.db, listed[0].0, "Ana", &owner, &"una clave larga".into(), Role::Owner, noon()).await.unwrap();
    let file = world.folder().join("otra.key");
    let (keys, forgotten) = sealing::unlock_and_forget_any_company(&world.db, &file, noon_and(60)).await.unwrap();
    assert_eq!(forgotten, HELD);
    for (company, id) in &listed {
        let usable = mail_accounts::usable_by_id(&world.db, &keys, *company, *id).await.unwrap().unwrap();
        assert!(usable.lacks_secret() && !usable.account.has_password);
        let resting = pauses::find(&world.db, AccountKey::Own(*id)).await.unwrap().expect("it rests");
        assert_eq!((resting.pause.problem_code.as_str(), resting.pause.since), ("secret_unreadable", noon_and(60)));
    }
    let told = notices::claim_due_any_company(&world.db, 10, TimeDelta::minutes(1), noon_and(61)).await.unwrap();
    assert_eq!(told.len(), 2, "the owner hears of each account");
    let (_, again) = sealing::unlock_and_forget_any_company(&world.db, &file, noon_and(70)).await.unwrap();
    assert!(again.is_nothing());
    unlock(&world.db, &world, "otra.key").await.expect("it is this database's key now");
    assert!(unlock(&world.db, &world, "secret.key").await.is_ok(), "nothing is sealed: any key will do");
}

async fn outside_accounts(world: &World) -> Vec<(acuse_domain::id::CompanyId, acuse_domain::id::MailAccountId)> {
    let connection = sea_orm::Database::connect(world.url.as_str()).await.unwrap();
    use sea_orm::ConnectionTrait;
    let statement = sea_orm::Statement::from_string(connection.get_database_backend(), "SELECT company_id, id FROM mail_account");
    let rows = connection.query_all_raw(statement).await.unwrap();
    let found = rows.iter().map(|row| {
        let id = |column| row.try_get::<uuid::Uuid>("", column).unwrap();
        (acuse_domain::id::CompanyId(id("company_id")), acuse_domain::id::MailAccountId(id("id")))
    });
    let found = found.collect();
    connection.close().await.unwrap();
    found
}

async fn a_single_spoilt_secret_stops_its_account_and_nothing_else(world: World) {
    let keys = filled(&world).await;
    outside::run(&world.url, "UPDATE mail_account SET server = 'smtp.otro.ec' WHERE module = $1", vec![COBROS.as_str().into()])
        .await;
    unlock(&world.db, &world, "secret.key").await.expect("its key is at hand");
    let spoilt = sealing::unreadable_any_company(&world.db, &keys).await.unwrap();
    assert_eq!(spoilt, Held { passwords: 1, ..Held::default() });
    for (company, id) in outside_accounts(&world).await {
        let account = mail_accounts::find(&world.db, company, id).await.unwrap().unwrap();
        let code = account.pause.map(|pause| pause.problem_code);
        assert_eq!(code.as_deref(), (account.settings.module == COBROS).then_some("secret_unreadable"));
    }
}

async fn after_a_rotation_the_older_key_may_go_only_when_nothing_needs_it(world: World) {
    filled(&world).await;
    let path = world.folder().join("secret.key");
    let first = std::fs::read_to_string(&path).unwrap();
    Keyring::rotate(&path).unwrap();
    let both = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, both.trim_start_matches(&first)).unwrap();
    let wanting = unlock(&world.db, &world, "secret.key").await;
    assert!(matches!(&wanting, Err(UnlockError::Foreign { needed, .. }) if needed[0].id == 1), "{:?}", wanting.err());
    std::fs::write(&path, &both).unwrap();
    unlock(&world.db, &world, "secret.key").await.expect("both are there, and everything is sealed under the newest");
    std::fs::write(&path, both.trim_start_matches(&first)).unwrap();
    unlock(&world.db, &world, "secret.key").await.expect("nothing needs the first any more");
}

async fn a_node_with_another_key_file_seals_nothing(world: World) {
    let made = world.with(company()).await;
    unlock(&world.db, &world, "a.key").await.unwrap();
    let file = world.folder().join("b.key");
    let (ours, theirs) = (Keyring::load(&world.folder().join("a.key")).unwrap().unwrap(), Keyring::create(&file).unwrap());
    let refused = mail_accounts::create(&world.db, &theirs, &made.actor, &mail_account(COBROS, "x"), None, noon()).await;
    assert!(matches!(refused, Err(SaveError::Seal(SealError::ForeignKey(1)))), "{refused:?}");
    let id = mail_accounts::create(&world.db, &ours, &made.actor, &mail_account(COBROS, "x"), None, noon()).await.unwrap();
    let form = Form { ..mail_account(COBROS, "y") };
    let refused = mail_accounts::change(&world.db, &theirs, &made.actor, id, &form).await;
    assert!(matches!(refused, Err(SaveError::Seal(SealError::ForeignKey(1)))), "{refused:?}");
    let pair = NewPair { public_key: "p".to_owned(), private_key: "privada".into() };
    let refused = dkim::make(&world.db, &theirs, &made.actor, "x.ec", &pair, noon()).await;
    assert!(matches!(refused, Err(dkim::DkimError::Seal(SealError::ForeignKey(1)))), "{refused:?}");
}

/// Races that are lost now and then are tried so often.
const ROUNDS: u64 = 10;

async fn forget_everything_sealed(world: &World) {
    for table in ["account_pause", "mail_account", "sealing_key"] {
        outside::run(&world.url, &format!("DELETE FROM {table}"), vec![]).await;
    }
}

async fn of_two_nodes_that_seal_at_once_with_two_key_files_one_is_refused(world: World) {
    let made = world.with(company()).await;
    let other = world.opened_again().await;
    let files = ["a.key", "b.key"].map(|name| world.folder().join(name));
    let [a, b] = [&files[0], &files[1]].map(|file| Keyring::create(file).unwrap());
    for round in 0..ROUNDS {
        // As a database of a version without canaries, or one to which both were started at once.
        forget_everything_sealed(&world).await;
        let (cobros, pagos) = (mail_account(COBROS, "x"), mail_account(PAGOS, "y"));
        let (first, second) = tokio::join!(
            mail_accounts::create(&world.db, &a, &made.actor, &cobros, None, noon()),
            mail_accounts::create(&other, &b, &made.actor, &pagos, None, noon())
        );
        assert!(first.is_ok() != second.is_ok(), "round {round}: {first:?} {second:?}");
        let opens = if first.is_ok() { &files[0] } else { &files[1] };
        sealing::check_any_company(&world.db, opens).await.expect("the one that sealed opens all of it");
    }
    other.close().await;
}

async fn a_start_with_another_key_file_does_not_overtake_what_is_being_sealed(world: World) {
    let made = world.with(company()).await;
    let other = world.opened_again().await;
    Keyring::create(&world.folder().join("b.key")).unwrap();
    let file = world.folder().join("a.key");
    for round in 0..ROUNDS {
        forget_everything_sealed(&world).await;
        let ours = unlock(&world.db, &world, "a.key").await.expect("nothing is sealed");
        let cobros = mail_account(COBROS, "x");
        let create = async {
            tokio::time::sleep(std::time::Duration::from_millis(round)).await;
            mail_accounts::create(&world.db, &ours, &made.actor, &cobros, None, noon()).await
        };
        let (sealed, started) = tokio::join!(create, unlock(&other, &world, "b.key"));
        assert!(sealed.is_ok() != started.is_ok(), "round {round}: {sealed:?} {:?}", started.err());
        if sealed.is_ok() {
            sealing::check_any_company(&world.db, &file).await.expect("what was sealed opens");
        }
    }
    other.close().await;
}
