//! The database itself: migrations, versions, and what happens when it is locked, full or gone.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use acuse_domain::failure_policy::FailurePolicy;
use acuse_domain::id::{CompanyId, MailAccountId};
use acuse_store::pauses::{self, AccountKey};
use acuse_store::payments::RecordError;
use acuse_store::{Db, StoreError, notices, routing};
use acuse_testkit::builders::{TestCompany, company, received, usd};
use acuse_testkit::outside;
use acuse_testkit::postgres::Postgres;
use acuse_testkit::world::World;
use sea_orm::{ConnectionTrait, Database};

use crate::payments::{all_numbers, balance};
use crate::record;

on_both_engines!(
    a_migrated_database_is_migrated_again_and_opened_again,
    two_processes_may_migrate_at_once,
    a_database_of_the_first_version_behaves_as_before,
    a_database_of_a_newer_version_is_left_alone,
    a_nudge_wakes_who_waits,
);

async fn a_migrated_database_is_migrated_again_and_opened_again(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("120.00")).await;
    received(made.contacts[0], "50.00")
        .settling(made.documents[0], "50.00")
        .notifying()
        .record(&world.db, &made.actor)
        .await
        .unwrap();
    let before = record::of_everything(&world).await;
    world.db.migrate().await.unwrap();
    let again = world.opened_again().await;
    again.migrate().await.unwrap();
    assert!(again.is_migrated().await.unwrap());
    assert_eq!(record::of_everything(&world).await, before);
    assert_eq!(all_numbers(&again, made.id).await, [1]);
    received(made.contacts[0], "70.00").settling(made.documents[0], "70.00").record(&again, &made.actor).await.unwrap();
    assert_eq!(all_numbers(&world.db, made.id).await, [1, 2]);
    again.close().await;
}

async fn two_processes_may_migrate_at_once(world: World) {
    let url = if world.db.is_sqlite() {
        format!("sqlite://{}", world.folder().join("other.db").display())
    } else {
        Postgres::shared().new_database()
    };
    let (one, other) = (Db::open(&url).await.unwrap(), Db::open(&url).await.unwrap());
    assert!(!one.is_migrated().await.unwrap());
    let (first, second) = tokio::join!(one.migrate(), other.migrate());
    assert_eq!((first.is_ok(), second.is_ok()), (true, true), "{first:?} {second:?}");
    assert!(other.is_migrated().await.unwrap());
}

async fn a_database_of_the_first_version_behaves_as_before(world: World) {
    let url = if world.db.is_sqlite() {
        format!("sqlite://{}?mode=rwc", world.folder().join("first.db").display())
    } else {
        Postgres::shared().new_database()
    };
    let first = Database::connect(url.as_str()).await.unwrap();
    let mut migrator = sqlx::migrate!("./migrations");
    migrator.migrations = migrator.migrations.iter().filter(|one| one.version == 1).cloned().collect();
    match first.get_database_backend() {
        sea_orm::DbBackend::Postgres => migrator.run(first.get_postgres_connection_pool()).await.unwrap(),
        _ => migrator.run(first.get_sqlite_connection_pool()).await.unwrap(),
    }
    first.close().await.unwrap();
    let (company, account, now) = (uuid::Uuid::now_v7(), uuid::Uuid::now_v7(), acuse_store::now());
    let sql = "INSERT INTO company (id, ruc, legal_name, created_at) VALUES ($1, '1790012344001', 'Antigua S.A.', $2)";
    outside::run(&url, sql, vec![company.into(), now.into()]).await;
    let sql = "INSERT INTO account_pause (account_id, since, problem_code, reply, probes, probe_at)
        VALUES ($1, $2, 'bad_credentials', '535', 2, $2)";
    outside::run(&url, sql, vec![account.into(), now.into()]).await;

    let db = Db::open(url.trim_end_matches("?mode=rwc")).await.unwrap();
    db.migrate().await.unwrap();
    assert!(db.is_migrated().await.unwrap());
    assert_eq!(routing::policy(&db, CompanyId(company)).await.unwrap(), FailurePolicy::default(), "deliveries wait");
    let resting = pauses::find(&db, AccountKey::Own(MailAccountId(account))).await.unwrap().unwrap();
    assert_eq!((resting.pause.since, resting.phase.as_str(), resting.on_trial), (now, "auth", false));
    assert!(!notices::are_due_any_company(&db, now).await.unwrap(), "nobody is told of what happened before");
    db.close().await;
}

async fn a_database_of_a_newer_version_is_left_alone(world: World) {
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        SELECT 9999, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
    record::run(&world, newer).await;
    let refused = world.db.migrate().await;
    assert!(matches!(refused, Err(StoreError::Version(_))), "{refused:?}");
}

async fn a_nudge_wakes_who_waits(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let db = world.db.clone();
    let waits = tokio::spawn(async move { tokio::time::timeout(Duration::from_secs(5), db.nudged()).await });
    received(made.contacts[0], "1.00").notifying().record(&world.db, &made.actor).await.unwrap();
    waits.await.unwrap().expect("the act wakes the workers");
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    for url in ["mysql://localhost/acuse", "acuse.db", ""] {
        assert!(matches!(Db::open(url).await.err(), Some(StoreError::Address(_))), "{url}");
    }
    let absent = Db::open("sqlite:///proc/no/such/folder/acuse.db").await.err();
    assert!(matches!(absent, Some(StoreError::Unavailable(_))), "{absent:?}");
}

async fn record_cobro(db: &Db, made: &TestCompany) -> Result<(), RecordError> {
    let cobro = received(made.contacts[0], "10.00").settling(made.documents[0], "10.00").notifying();
    cobro.record(db, &made.actor).await.map(|_| ())
}

#[track_caller]
fn is_unavailable(refused: &Result<(), RecordError>) {
    assert!(matches!(refused, Err(RecordError::Store(StoreError::Unavailable(_)))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_another_process_locks_sqlite_nothing_is_written_and_afterwards_it_goes_on() {
    let world = World::on_sqlite().await;
    let made = world.with(company().with_customer("Andina").with_open_invoice("120.00")).await;
    let before = record::of_everything(&world).await;
    let other = Database::connect(world.url.as_str()).await.unwrap();
    let held = sea_orm::TransactionTrait::begin(&other).await.unwrap();
    held.execute_unprepared("UPDATE company SET city = 'Cuenca'").await.unwrap();
    let asked = Instant::now();
    is_unavailable(&record_cobro(&world.db, &made).await);
    assert!((4..9).contains(&asked.elapsed().as_secs()), "it waits a little, not for ever: {:?}", asked.elapsed());
    assert_eq!(all_numbers(&world.db, made.id).await, Vec::<i64>::new(), "who reads is not locked out");
    held.rollback().await.unwrap();
    assert_eq!(record::of_everything(&world).await, before);
    record_cobro(&world.db, &made).await.unwrap();
    assert_eq!(all_numbers(&world.db, made.id).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_postgresql_dies_and_comes_back_the_same_process_goes_on() {
    let server = Postgres::durable();
    let url = server.new_database();
    let db = Db::open(&url).await.unwrap();
    db.migrate().await.unwrap();
    let made = company().with_customer("Andina").with_open_invoice("120.00").on(&db).await;
    record_cobro(&db, &made).await.unwrap();
    let busy: Vec<_> = (0..6)
        .map(|_| {
            let (db, made) = (db.clone(), made.clone());
            tokio::spawn(async move { record_cobro(&db, &made).await })
        })
        .collect();
    server.crash();
    let mut recorded = 1;
    for task in busy {
        match task.await.unwrap() {
            Ok(()) => recorded += 1,
            refused => is_unavailable(&refused),
        }
    }
    let (cobro, pinged) = tokio::join!(record_cobro(&db, &made), db.ping());
    is_unavailable(&cobro);
    assert!(matches!(pinged, Err(StoreError::Unavailable(_))), "{pinged:?}");
    server.start_again();
    record_cobro(&db, &made).await.unwrap();
    let numbers = all_numbers(&db, made.id).await;
    // Whoever was told that it is recorded was told the truth; the answer to a commit may have been lost with the server.
    assert!((recorded + 1..=8).contains(&numbers.len()), "{numbers:?} of {recorded}");
    assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>());
    let paid = numbers.len() as i64 * 1_000;
    let left = acuse_store::documents::find(&db, made.id, made.documents[0]).await.unwrap().unwrap().balance;
    assert_eq!(left, usd("120.00") - acuse_domain::money::Money::from_cents(paid));
}

/// Set for the copy of this test that runs with a limit on the size of its files.
const IN_A_SMALL_SPACE: &str = "ACUSE_STORE_SMALL_SPACE";

/// A limit on file size makes the kernel refuse writes as a full disk does, in the middle of a transaction. `trap ''` keeps
/// its signal from killing the process; the limit is a soft one, so that the process can lift it again.
#[test]
fn on_a_full_disk_nothing_is_half_written_and_with_room_it_goes_on() {
    if std::env::var_os(IN_A_SMALL_SPACE).is_some() {
        tokio::runtime::Runtime::new().unwrap().block_on(fill_the_disk_and_make_room());
        return;
    }
    let name = "database::on_a_full_disk_nothing_is_half_written_and_with_room_it_goes_on";
    let script = format!("trap '' XFSZ; exec \"$0\" --exact --nocapture {name}");
    let mut copy = Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env(IN_A_SMALL_SPACE, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said: Vec<String> = BufReader::new(copy.stdout.take().unwrap()).lines().map(Result::unwrap).collect();
    assert!(copy.wait().unwrap().success(), "{}", said.join("\n"));
    assert!(said.iter().any(|line| line.contains("the disk was full")), "{}", said.join("\n"));
}

async fn fill_the_disk_and_make_room() {
    let world = World::on_sqlite().await;
    let made = world.with(company().with_customer("Andina").with_open_invoice("999999.00")).await;
    let wal = std::fs::metadata(world.folder().join("acuse.db-wal")).unwrap().len();
    limit_file_size(Some(wal + 512 * 1024));
    let mut recorded = 0;
    loop {
        let (kept, refused) = record_eight_at_once(&world.db, &made).await;
        recorded += kept;
        refused.iter().for_each(is_unavailable);
        if !refused.is_empty() {
            break;
        }
    }
    while record_cobro(&world.db, &made).await.is_ok() {
        recorded += 1;
    }
    is_unavailable(&record_cobro(&world.db, &made).await);
    assert!(recorded > 0);
    let stands = async |numbers: i64| {
        assert_eq!(all_numbers(&world.db, made.id).await, (1..=numbers).collect::<Vec<_>>());
        let paid = acuse_domain::money::Money::from_cents(numbers * 1_000);
        assert_eq!(balance(&world, &made, 0).await, usd("999999.00") - paid);
        let rows = record::of_everything(&world).await;
        // Besides the company's own, the person's and the document's.
        let events = rows["rows of event"] - 3;
        assert_eq!([rows["rows of delivery"], events, rows["receipt_sequence.last"]], [numbers; 3]);
    };
    stands(recorded).await;
    limit_file_size(None);
    record_cobro(&world.db, &made).await.unwrap();
    stands(recorded + 1).await;
    println!("the disk was full after {recorded} cobros");
}

/// How many were recorded, and what the others were told.
async fn record_eight_at_once(db: &Db, made: &TestCompany) -> (i64, Vec<Result<(), RecordError>>) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (db, made) = (db.clone(), made.clone());
        tasks.spawn(async move { record_cobro(&db, &made).await });
    }
    let (kept, refused): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(Result::is_ok);
    (kept.len() as i64, refused)
}

fn limit_file_size(bytes: Option<u64>) {
    let limit = bytes.map_or("unlimited".to_string(), |bytes| bytes.to_string());
    let own = std::process::id().to_string();
    let done = Command::new("prlimit").args(["--pid", &own, &format!("--fsize={limit}:")]).status().unwrap();
    assert!(done.success(), "prlimit is part of util-linux");
}
