//! What is set is understood as it was written, or refused by its name before anything begins.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use reqwest::StatusCode;

use crate::installation::Installation;

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

fn with(installation: &Installation, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = installation.command(arguments);
    command.envs(settings.iter().copied());
    command
}

#[test]
fn a_setting_that_means_nothing_is_refused_by_its_name_with_what_is_allowed() {
    let installation = Installation::empty();
    for (name, value, hint) in [
        ("ACUSE_PUBLIC_URL", "nonsense", "public_url: «nonsense» no es http://"),
        ("ACUSE_PUBLIC_URL", "ftp://acuse.empresa.ec", "public_url"),
        ("ACUSE_CONNECTIONS_PER_ACCOUNT", "0", "connections_per_account: «0» no está entre 1 y 100"),
        ("ACUSE_CONNECTIONS_PER_ACCOUNT", "muchas", "connections_per_account es un número"),
        ("ACUSE_WORKERS", "-1", "workers es un número"),
        ("ACUSE_ALLOWED_PRIVATE_HOSTS", "10.0.0.0/99", "allowed_private_hosts: «10.0.0.0/99» no es una red"),
        ("ACUSE_LOG_FORMAT", "xml", "log_format: «xml» no es text ni json"),
        ("ACUSE_LISTN", "127.0.0.1:0", "no hay un ajuste «listn»\n¿Quiso decir listen?"),
    ] {
        for command in ["serve", "doctor"] {
            let output = with(&installation, &[command], &[(name, value)]).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{name} {command}: {}", said(&output));
            assert!(said(&output).contains(hint), "{name} {command}: {}", said(&output));
        }
    }
    assert!(!installation.data_dir().exists(), "nothing was begun");
}

#[tokio::test]
async fn a_text_of_digits_is_text_in_the_environment_and_in_the_file() {
    let installation = Installation::new();
    fs::write(installation.beside("acuse.toml"), "oauth_google_client_id = 12345\nconnections_per_account = 2\n").unwrap();
    let settings = [("ACUSE_METRICS_TOKEN", "00012345"), ("ACUSE_OAUTH_GOOGLE_CLIENT_SECRET", "0099")];
    let server = installation.start(with(&installation, &["serve"], &settings)).await;
    let answer = async |token| server.get("/metrics").bearer_auth(token).send().await.unwrap().status();
    assert_eq!(answer("00012345").await, StatusCode::OK);
    assert_ne!(answer("12345").await, StatusCode::OK);
}

#[test]
fn a_postgresql_that_is_not_there_is_said_at_once() {
    let installation = Installation::empty();
    let settings = [("ACUSE_DATABASE_URL", "postgres://acuse@127.0.0.1:1/acuse")];
    for command in ["serve", "doctor"] {
        let begun = Instant::now();
        let output = with(&installation, &[command], &settings).output().unwrap();
        assert!(said(&output).contains("Connection refused"), "{command}: {}", said(&output));
        assert!(begun.elapsed() < Duration::from_secs(8), "{command} waited {:?}", begun.elapsed());
    }
}

/// As a user to whom the data folder is closed: nobody's, or this one's where it is no root.
fn shut_out(installation: &Installation, command: &str) -> Output {
    fs::set_permissions(installation.beside("."), Permissions::from_mode(0o755)).unwrap();
    let script = format!(
        "if [ $(id -u) = 0 ]; then exec setpriv --reuid=65534 --clear-groups \"$0\" {command}; fi; chmod 0 data; exec \"$0\" {command}"
    );
    installation.sh(&script).output().unwrap()
}

#[tokio::test]
async fn whoever_may_not_look_into_the_data_folder_is_told_so() {
    let installation = Installation::new();
    let folder = installation.data_dir().display().to_string();
    for command in ["doctor", "serve", "user list", "demo --data-dir data"] {
        let output = shut_out(&installation, command);
        assert_eq!(output.status.code(), Some(1), "{command}: {}", said(&output));
        let words = said(&output);
        assert!(
            words.contains("el usuario ") && words.contains("no puede leer ni escribir en la carpeta "),
            "{command}: {words}"
        );
        assert!(!words.contains("no hay una base") && !words.contains("✓ disco"), "{command}: {words}");
        assert!(command.starts_with("demo") || words.contains(&folder), "{command}: {words}");
    }
    fs::set_permissions(installation.data_dir(), Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_folder_that_cannot_be_made_or_is_a_file_is_said_with_its_name() {
    let installation = Installation::empty();
    let output = with(&installation, &["serve"], &[("ACUSE_DATA_DIR", "/proc/acuse")]).output().unwrap();
    assert!(said(&output).contains("no puede crear la carpeta /proc/acuse"), "{}", said(&output));
    fs::write(installation.data_dir(), "x").unwrap();
    for command in ["serve", "doctor"] {
        let output = installation.run(&[command], "");
        assert!(said(&output).contains("data, es un archivo y no una carpeta"), "{command}: {}", said(&output));
        assert!(!said(&output).contains("✓ disco"), "{}", said(&output));
    }
}

#[test]
fn before_the_first_start_doctor_says_one_thing() {
    let installation = Installation::empty();
    let words = said(&installation.run(&["doctor"], ""));
    assert_eq!(words.matches('✗').count(), 1, "{words}");
    assert!(words.contains("no hay una base de datos en ") && words.contains("«acuse serve» la crea"), "{words}");
}

#[tokio::test]
async fn what_is_typed_wrong_is_said_once_and_what_is_unknown_is_said() {
    let installation = Installation::new();
    let words = said(&installation.run(&["company", "create", "--ruc", "179", "--name", "x"], ""));
    assert_eq!(words.matches("13 dígitos").count(), 1, "{words}");
    let unknown = installation.run(&["user", "sessions", "--email", "nadie@cotopaxi.ec"], "");
    assert_eq!(unknown.status.code(), Some(1));
    assert!(said(&unknown).contains("no hay un usuario nadie@cotopaxi.ec"), "{}", said(&unknown));
}

#[test]
fn help_is_in_spanish() {
    let installation = Installation::empty();
    for arguments in
        [&["--help"][..], &["serve", "--help"], &["user", "--help"], &["user", "create", "--help"], &["backup", "--help"]]
    {
        let words = said(&installation.run(arguments, ""));
        assert!(words.contains("Uso: acuse") && words.contains("Muestra esta ayuda"), "{words}");
        for english in ["Usage", "Options:", "Commands:", "Arguments:", "Print ", " the "] {
            assert!(!words.contains(english), "{english}: {words}");
        }
    }
}
