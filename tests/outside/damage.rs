//! A database that is damaged, cut off, emptied or no database: nobody is told that all is well.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::installation::{Installation, Server};
use crate::restore::SmallDisk;

const PAGE: u64 = 4096;

fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Noise in the place of what stood there.
fn spoil(file: &Path, from: u64, length: usize) {
    let noise: Vec<u8> = (0..length).map(|n| (n * 131 % 251) as u8 ^ 0xa5).collect();
    OpenOptions::new().write(true).open(file).unwrap().write_all_at(&noise, from).unwrap();
}

/// Noise in the place of the first page of a table or an index, such as `name = 'document'`.
pub async fn spoil_root(installation: &Installation, which: &str) {
    let url = format!("sqlite://{}", installation.database().display());
    let sql = format!("SELECT rootpage AS n FROM sqlite_schema WHERE {which} ORDER BY rootpage LIMIT 1");
    let root = acuse_testkit::outside::numbers(&url, &sql).await[0];
    spoil(&installation.database(), (root as u64 - 1) * PAGE, 4096);
}

fn cut(file: &Path, length: u64) {
    OpenOptions::new().write(true).open(file).unwrap().set_len(length).unwrap();
}

async fn ready(server: &Server) -> (StatusCode, Value) {
    let answer = server.get("/readyz").send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// Neither doctor nor a server says that it is well: the server is not ready, or does not even start.
async fn is_noticed(installation: &Installation, what: &str) {
    let doctor = installation.run(&["doctor"], "");
    let said = words(&doctor);
    assert_eq!(doctor.status.code(), Some(1), "{what}: {said}");
    assert!(said.contains("✗ base de datos"), "{what}: {said}");
    assert!(said.contains("acuse restore"), "{what}: it says what to do: {said}");
    let mut serve = installation.command(&["serve"]);
    let log = installation.beside("damaged.log");
    serve.stderr(fs::File::create(&log).unwrap());
    let mut serve = serve.spawn().unwrap();
    let said = || fs::read_to_string(&log).unwrap();
    for _ in 0..1_200 {
        if let Some(ended) = serve.try_wait().unwrap() {
            assert_eq!(ended.code(), Some(1), "{what}: {}", said());
            assert!(said().contains("dañada") || said().contains("vacío"), "{what}: {}", said());
            return;
        }
        let listening =
            said().split_once(" at http://").and_then(|(_, rest)| rest.split_once('\n')).map(|(at, _)| at.to_string());
        if let Some(address) = listening {
            let answer = reqwest::Client::builder().no_proxy().build().unwrap();
            let answer = answer.get(format!("http://{address}/readyz")).send().await.unwrap();
            let (status, body) = (answer.status(), answer.json::<Value>().await.unwrap());
            let alive = said();
            serve.kill().unwrap();
            serve.wait().unwrap();
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{what}: {body} {alive}");
            assert_eq!(body["database"], "damaged", "{what}");
            assert_eq!(alive.matches("The database is damaged").count(), 1, "{what}: {alive}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}: neither an end nor an address: {}", said());
}

/// A file of some MB, all of it in the main file.
async fn filled() -> Installation {
    let installation = Installation::new();
    let mut server = installation.serve().await;
    for n in 0..60 {
        let contact = json!({ "name": format!("Cliente {n} {}", "x".repeat(150)), "identification_type": "other",
            "identification": format!("P{n:06}"), "is_customer": true, "emails": ["pagos@andina.ec"] });
        let answer = server.api(Method::POST, "/contacts").json(&contact).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
    }
    server.stop();
    installation
}

#[tokio::test]
async fn pages_that_were_overwritten_are_noticed_wherever_they_lie() {
    let installation = filled().await;
    let whole = fs::read(installation.database()).unwrap();
    let pages = whole.len() as u64 / PAGE;
    let places = [("the magic", 0, 16), ("the whole first page", 0, 4096), ("the schema", 100, 2000)];
    let (middle, last) = (pages / 2 * PAGE, (pages - 1) * PAGE);
    for (what, from, length) in
        places.into_iter().chain([("the second page", PAGE, 4096), ("all from the middle on", middle, (last - middle) as usize)])
    {
        fs::write(installation.database(), &whole).unwrap();
        spoil(&installation.database(), from, length);
        is_noticed(&installation, what).await;
    }
    fs::write(installation.database(), &whole).unwrap();
    let doctor = installation.run(&["doctor"], "");
    assert!(words(&doctor).contains("✓ base de datos"), "{}", words(&doctor));
}

#[tokio::test]
async fn every_page_of_an_index_is_looked_at() {
    let installation = filled().await;
    let url = format!("sqlite://{}", installation.database().display());
    let sql = "SELECT rootpage AS n FROM sqlite_schema WHERE type = 'index' ORDER BY rootpage";
    let roots = acuse_testkit::outside::numbers(&url, sql).await;
    assert!(roots.len() > 5, "{roots:?}");
    let whole = fs::read(installation.database()).unwrap();
    for root in [roots[0], roots[roots.len() / 2], roots[roots.len() - 1]] {
        fs::write(installation.database(), &whole).unwrap();
        spoil(&installation.database(), (root as u64 - 1) * PAGE, 4096);
        is_noticed(&installation, &format!("index at page {root}")).await;
    }
}

#[tokio::test]
async fn a_file_that_was_cut_emptied_or_is_another_is_noticed() {
    let installation = filled().await;
    let whole = fs::read(installation.database()).unwrap();
    for (what, length) in
        [("cut in the middle", whole.len() as u64 / 2), ("cut by a page", whole.len() as u64 - PAGE), ("emptied", 0)]
    {
        fs::write(installation.database(), &whole).unwrap();
        cut(&installation.database(), length);
        is_noticed(&installation, what).await;
        assert_eq!(fs::metadata(installation.database()).unwrap().len(), length, "{what}: it is left as it is");
    }
    fs::write(installation.database(), "no database at all\n".repeat(1000)).unwrap();
    is_noticed(&installation, "a text").await;
}

#[tokio::test]
async fn an_empty_wal_is_no_damage() {
    let installation = filled().await;
    fs::write(installation.data_dir().join("acuse.db-wal"), "").unwrap();
    assert!(words(&installation.run(&["doctor"], "")).contains("✓ base de datos"));
    let server = installation.serve().await;
    assert_eq!(ready(&server).await, (StatusCode::OK, json!({ "status": "ok", "database": "ok", "workers": "ok" })));
}

#[tokio::test]
async fn damage_that_is_met_while_serving_turns_readiness_and_is_logged_once() {
    let installation = filled().await;
    let server = installation.serve().await;
    let whole = fs::metadata(installation.database()).unwrap().len();
    spoil(&installation.database(), PAGE, (whole - PAGE) as usize);
    let mut last = (StatusCode::OK, Value::Null);
    // What was read before is in memory; these read what was not.
    for path in ["/documents", "/payments", "/contacts", "/deliveries", "/mail-accounts"].iter().cycle().take(100) {
        let _ = server.api(Method::GET, path).send().await;
        last = ready(&server).await;
        if last.0 != StatusCode::OK {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((last.0, last.1["database"].as_str()), (StatusCode::SERVICE_UNAVAILABLE, Some("damaged")), "{}", server.log());
    assert!(last.1["reason"].as_str().is_some_and(|reason| reason.contains("malformed")), "{}", last.1);
    for _ in 0..3 {
        let answer = server.api(Method::GET, "/contacts").send().await.unwrap();
        if answer.status() != StatusCode::OK {
            assert!(answer.headers().get("retry-after").is_none(), "waiting does not help");
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(
                (problem["status"].as_u64(), problem["code"].as_str()),
                (Some(503), Some("database_damaged")),
                "{problem}"
            );
        }
    }
    assert_eq!(server.log().matches("The database is damaged").count(), 1, "{}", server.log());
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), StatusCode::OK, "the process lives");
}

#[tokio::test]
async fn a_disk_that_takes_nothing_more_is_not_ready() {
    let installation = filled().await;
    // 64 KiB a file: a few transactions.
    let server = installation.begin(installation.sh("ulimit -f 128; exec \"$0\" serve")).await;
    let mut refused = None;
    for n in 0..100 {
        let contact = json!({ "name": "x".repeat(150), "identification_type": "other", "identification": format!("L{n:06}"),
            "is_customer": true, "emails": [] });
        let answer = server.api(Method::POST, "/contacts").json(&contact).send().await.unwrap();
        if answer.status() != StatusCode::CREATED {
            refused = Some(answer.status());
            break;
        }
    }
    assert_eq!(refused, Some(StatusCode::SERVICE_UNAVAILABLE), "{}", server.log());
    let (mut status, mut body) = ready(&server).await;
    for _ in 0..100 {
        if status != StatusCode::OK {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        (status, body) = ready(&server).await;
    }
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body} {}", server.log());
    assert!(["not_writable", "disk_full"].contains(&body["database"].as_str().unwrap()), "{body}");
}

/// Whole page by page, and yet not what a server can work with.
#[tokio::test]
async fn a_database_that_lacks_a_part_is_not_called_whole() {
    let installation = filled().await;
    let whole = fs::read(installation.database()).unwrap();
    let url = format!("sqlite://{}", installation.database().display());
    for sql in [
        "DROP TABLE payment_line",
        "ALTER TABLE contact DROP COLUMN phone",
        "DROP INDEX delivery_due",
        "CREATE TRIGGER ajeno AFTER INSERT ON payment BEGIN DELETE FROM delivery; END",
        "CREATE UNIQUE INDEX ajeno ON payment (contact_id)",
        "DROP INDEX contact_by_name; CREATE INDEX contact_by_name ON contact (company_id, search_text, id)",
        "DROP INDEX allocation_by_document; CREATE INDEX allocation_by_document ON payment_line (company_id, payment_id)",
        "DROP INDEX document_receivable_number; CREATE INDEX document_receivable_number ON document (company_id, kind, number)
            WHERE side = 'receivable' AND voided_at IS NULL",
        "DELETE FROM person",
        "DELETE FROM company",
    ] {
        fs::write(installation.database(), &whole).unwrap();
        acuse_testkit::outside::run_without_foreign_keys(&url, sql).await;
        is_noticed(&installation, sql).await;
        let copy = installation.beside("copia.db");
        fs::copy(installation.database(), &copy).unwrap();
        fs::write(installation.database(), &whole).unwrap();
        let restored = installation.run(&["restore", copy.to_str().unwrap()], "");
        assert_eq!(restored.status.code(), Some(1), "{sql}: {}", words(&restored));
        assert_eq!(fs::read(installation.database()).unwrap(), whole, "{sql}: nothing was touched");
    }
}

#[tokio::test]
async fn a_database_that_is_moved_away_or_replaced_under_a_server_is_noticed() {
    let installation = filled().await;
    let server = installation.serve().await;
    let (database, aside) = (installation.database(), installation.beside("aside.db"));
    fs::rename(&database, &aside).unwrap();
    let moved = ready(&server).await;
    fs::copy(&aside, &database).unwrap();
    let replaced = ready(&server).await;
    for (status, body) in [moved, replaced] {
        assert_eq!((status, body["database"].as_str()), (StatusCode::SERVICE_UNAVAILABLE, Some("file_replaced")), "{body}");
    }
    assert_eq!(server.log().matches("put it back").count(), 1, "{}", server.log());
    fs::rename(&aside, &database).unwrap();
    assert_eq!(ready(&server).await.0, StatusCode::OK);
}

/// Takes all the room that is left on a disk.
fn fill(file: &Path) {
    let mut file = fs::File::create(file).unwrap();
    while file.write_all(&[b'x'; 4096]).is_ok() {}
}

#[tokio::test]
async fn a_full_disk_is_named_at_once_and_so_is_the_room_that_was_made() {
    let installation = filled().await;
    let Some(disk) = SmallDisk::mount(installation.beside("small"), 20_000) else {
        println!("No file system may be mounted here: left out");
        return;
    };
    let (data, filler) = (disk.0.join("data"), disk.0.join("filler"));
    DirBuilder::new().mode(0o700).create(&data).unwrap();
    for name in ["acuse.db", "secret.key"] {
        fs::copy(installation.data_dir().join(name), data.join(name)).unwrap();
    }
    let on_it = |arguments: &[&str]| {
        let mut command = installation.command(arguments);
        command.env("ACUSE_DATA_DIR", &data);
        command
    };
    let mut server = installation.start(on_it(&["serve"])).await;
    let contact = |n: usize| {
        json!({ "name": "x".repeat(200), "identification_type": "other", "identification": format!("L{n:06}"),
            "is_customer": true, "emails": [] })
    };
    let post = async |n| server.api(Method::POST, "/contacts").json(&contact(n)).send().await.unwrap().status();
    assert_eq!((post(0).await, ready(&server).await.0), (StatusCode::CREATED, StatusCode::OK));
    fill(&filler);
    let mut n = 1;
    while post(n).await == StatusCode::CREATED {
        n += 1;
    }
    let (status, body) = ready(&server).await;
    assert_eq!((status, body["database"].as_str()), (StatusCode::SERVICE_UNAVAILABLE, Some("disk_full")), "{body}");
    fs::remove_file(&filler).unwrap();
    assert_eq!((post(n).await, ready(&server).await.0), (StatusCode::CREATED, StatusCode::OK), "{}", server.log());
    server.stop();
    fill(&filler);
    let doctor = words(&on_it(&["doctor"]).output().unwrap());
    assert!(doctor.contains("✗ base de datos: no responde: su disco está lleno"), "{doctor}");
    assert!(!doctor.contains("database_url") && doctor.contains("✓ clave maestra"), "{doctor}");
}
