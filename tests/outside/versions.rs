//! A database of another version: only what is asked to brings it to this one.

use std::fs;

use acuse_testkit::outside;

use crate::damage::spoil_root;
use crate::installation::Installation;

const RUC: &str = "1790012344001";
const EMAIL: &str = "ana@cotopaxi.ec";

/// Every command that looks at an installation or changes one thing in it.
const COMMANDS: &[&[&str]] = &[
    &["company", "list"],
    &["company", "create", "--ruc", RUC, "--name", "Cotopaxi"],
    &["user", "list"],
    &["user", "create", "--email", EMAIL, "--company", RUC],
    &["user", "role", "--email", EMAIL, "--company", RUC, "--role", "viewer"],
    &["user", "remove", "--email", EMAIL, "--company", RUC],
    &["user", "password", "--email", EMAIL],
    &["user", "sessions", "--email", EMAIL],
    &["user", "logout", "--email", EMAIL],
    &["user", "second-factor", "--off", "--email", EMAIL],
    &["token", "list"],
    &["token", "create", "--company", RUC, "--name", "ERP"],
    &["token", "revoke", "--company", RUC, "--name", "ERP"],
];

async fn of_the_first_version() -> Installation {
    let installation = Installation::empty();
    fs::create_dir(installation.data_dir()).unwrap();
    outside::first_version(&installation.database()).await;
    installation
}

async fn version(installation: &Installation) -> i64 {
    let url = format!("sqlite://{}", installation.database().display());
    outside::numbers(&url, "SELECT MAX(version) AS n FROM _sqlx_migrations").await[0]
}

/// Ends with 1 and these words.
fn refuses(installation: &Installation, arguments: &[&str], words: &[&str]) {
    let done = installation.run(arguments, "una clave larga");
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{arguments:?}: {said}");
    assert!(words.iter().all(|words| said.contains(words)), "{arguments:?}: {said}");
}

#[tokio::test]
async fn a_database_of_before_is_changed_by_serve_and_migrate_alone() {
    let installation = of_the_first_version().await;
    for arguments in COMMANDS {
        refuses(&installation, arguments, &["versión anterior", "acuse migrate"]);
        assert_eq!(version(&installation).await, 1, "{arguments:?} changed it under whoever serves it");
    }
    installation.run(&["doctor"], "");
    let copy = installation.beside("copia.db");
    installation.succeed(&["backup", copy.to_str().unwrap()], "");
    assert_eq!(version(&installation).await, 1);
    installation.succeed(&["migrate"], "");
    assert!(version(&installation).await > 1);
    installation.succeed(&["company", "create", "--ruc", RUC, "--name", "Cotopaxi"], "");
    let other = of_the_first_version().await;
    other.serve().await.stop();
    assert!(version(&other).await > 1, "an update is: stop, change the binary, start");
}

#[tokio::test]
async fn a_damaged_database_of_before_is_left_as_it_is() {
    let installation = of_the_first_version().await;
    spoil_root(&installation, "type = 'index' AND tbl_name = 'api_token'").await;
    for arguments in [["migrate"], ["serve"]] {
        refuses(&installation, &arguments, &["dañada", "acuse restore"]);
        assert_eq!(version(&installation).await, 1, "{arguments:?}");
    }
}

#[tokio::test]
async fn a_database_of_a_later_version_is_left_alone_by_every_command() {
    let installation = Installation::new();
    let url = format!("sqlite://{}", installation.database().display());
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        SELECT 9999, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
    outside::run(&url, later, vec![]).await;
    let before = outside::row_counts(&url).await;
    let more: [&[&str]; 2] = [&["serve"], &["migrate"]];
    for arguments in COMMANDS.iter().copied().chain(more) {
        refuses(&installation, arguments, &["versión más nueva"]);
    }
    let doctor = installation.run(&["doctor"], "");
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("✗ base de datos: es de una versión más nueva"));
    assert_eq!(outside::row_counts(&url).await, before);
}
