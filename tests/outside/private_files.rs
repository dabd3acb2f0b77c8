//! Whatever holds data is for its owner alone, from the first moment on.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::installation::Installation;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn all_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            all_below(&entry.path(), found);
        }
        found.push(entry.path());
    }
}

fn is_private(folder: &Path) {
    let mut found = vec![folder.to_path_buf()];
    all_below(folder, &mut found);
    assert!(found.len() > 2, "{found:?}");
    for path in found {
        assert_eq!(mode(&path) & 0o077, 0, "{} has mode {:04o}", path.display(), mode(&path));
    }
}

#[tokio::test]
async fn nothing_that_is_made_can_be_read_by_others_whatever_the_umask() {
    for umask in ["022", "000"] {
        let installation = Installation::empty();
        let run = |arguments: &str, input: &str| {
            let script = format!("umask {umask}; printf '%s' '{input}' | \"$0\" {arguments}");
            let done = installation.sh(&script).output().unwrap();
            assert!(done.status.success(), "{arguments}: {}", String::from_utf8_lossy(&done.stderr));
        };
        run("company create --ruc 1790012344001 --name Cotopaxi", "");
        run("user create --email ana@cotopaxi.ec --company 1790012344001", "una clave larga");
        let server = installation.start(installation.sh(&format!("umask {umask}; exec \"$0\" serve"))).await;
        server.log_in().await;
        assert!(installation.data_dir().join("acuse.db-wal").exists());
        is_private(&installation.data_dir());
        run(&format!("backup {}", installation.beside("copia.db").display()), "");
        assert_eq!(mode(&installation.beside("copia.db")), 0o600);
        drop(server);
        run(&format!("restore --force {}", installation.beside("copia.db").display()), "");
        is_private(&installation.data_dir());
    }
}

#[tokio::test]
async fn what_is_open_to_others_is_closed_at_the_start_and_named_in_the_log() {
    let installation = Installation::new();
    let (folder, database) = (installation.data_dir(), installation.database());
    installation.succeed(&["backup", folder.join("copia.db").to_str().unwrap()], "");
    set_mode(&folder, 0o755);
    set_mode(&database, 0o644);
    set_mode(&folder.join("copia.db"), 0o664);
    let before = mode(folder.parent().unwrap());
    let doctor = String::from_utf8(installation.run(&["doctor"], "").stdout).unwrap();
    assert!(doctor.contains("✗ permisos") && doctor.contains("acuse.db (0644)"), "{doctor}");
    assert_eq!(mode(&database), 0o644, "doctor only looks");
    let server = installation.serve().await;
    is_private(&folder);
    let log = server.log();
    for (name, old) in [("data", "0755"), ("acuse.db", "0644"), ("copia.db", "0664")] {
        let lines = log.lines().filter(|line| line.contains(&format!("{name} was open")) && line.contains(old)).count();
        assert_eq!(lines, 1, "{name} {old}: {log}");
    }
    assert_eq!(mode(folder.parent().unwrap()), before, "what is above is somebody else's");
    drop(server);
    assert!(!installation.serve().await.log().contains("was open"), "once");
    let doctor = String::from_utf8(installation.run(&["doctor"], "").stdout).unwrap();
    assert!(doctor.contains("✓ permisos"), "{doctor}");
}

#[tokio::test]
async fn a_database_behind_a_link_is_closed_where_it_lies_and_other_links_are_left_alone() {
    let installation = Installation::new();
    let elsewhere = installation.beside("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    set_mode(&elsewhere, 0o755);
    let real = elsewhere.join("real.db");
    installation.move_database(&real);
    symlink(&real, installation.database()).unwrap();
    let foreign = elsewhere.join("foreign.txt");
    fs::write(&foreign, "x").unwrap();
    set_mode(&foreign, 0o644);
    symlink(&foreign, installation.data_dir().join("foreign.txt")).unwrap();
    set_mode(&real, 0o644);
    let server = installation.serve().await;
    assert_eq!((mode(&real), mode(&foreign), mode(&elsewhere)), (0o600, 0o644, 0o755));
    assert!(server.log().contains("real.db was open"), "{}", server.log());
}

#[tokio::test]
async fn a_folder_that_others_share_stays_open_and_its_data_does_not() {
    let installation = Installation::new();
    set_mode(&installation.data_dir(), 0o1777);
    set_mode(&installation.database(), 0o644);
    let other = installation.data_dir().join("of-another-program");
    fs::write(&other, "x").unwrap();
    set_mode(&other, 0o644);
    let server = installation.serve().await;
    assert_eq!((mode(&installation.data_dir()), mode(&other), mode(&installation.database())), (0o1777, 0o644, 0o600));
    assert!(server.log().contains("is shared with other programs"), "{}", server.log());
}

#[tokio::test]
async fn the_demos_folder_and_its_credentials_are_private_too() {
    let installation = Installation::empty();
    fs::create_dir(installation.data_dir()).unwrap();
    set_mode(&installation.data_dir(), 0o777);
    fs::write(installation.data_dir().join("demo.json"), "").unwrap();
    set_mode(&installation.data_dir().join("demo.json"), 0o666);
    let mut demo = installation.sh("umask 000; exec \"$0\" demo --json --data-dir data");
    let mut demo = demo.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(demo.stdout.as_mut().unwrap()), &mut line).unwrap();
    is_private(&installation.data_dir());
    demo.kill().unwrap();
    demo.wait().unwrap();
    assert!(line.contains("smtp_port"), "{line}");
}
