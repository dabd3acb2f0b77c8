//! A backup is whole or not there; a restore puts it in place whole or changes nothing.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::installation::{Installation, Server};

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Everything in the data folder but the lock, by name and content.
fn standing(installation: &Installation) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(installation.data_dir()).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<_> = entries
        .filter(|path| !path.to_string_lossy().ends_with(".lock"))
        .map(|path| (path.clone(), fs::read(&path).unwrap_or_default()))
        .collect();
    found.sort();
    found
}

#[track_caller]
fn refuses(installation: &Installation, file: &Path, words: &str) {
    let before = standing(installation);
    let done = installation.run(&["restore", "--force", file.to_str().unwrap()], "");
    assert_eq!(done.status.code(), Some(1), "{}", errors(&done));
    assert!(errors(&done).contains(words), "«{words}» in {}", errors(&done));
    assert!(standing(installation) == before, "nothing is touched: {}", errors(&done));
}

fn backup(installation: &Installation, name: &str) -> PathBuf {
    let file = installation.beside(name);
    installation.succeed(&["backup", file.to_str().unwrap()], "");
    file
}

async fn add_contact(server: &Server, name: &str) {
    let identification: String =
        name.bytes().map(|byte| format!("{byte:02x}")).collect::<String>().chars().rev().take(20).collect();
    let contact = json!({ "name": name, "identification_type": "other", "identification": identification, "is_customer": true,
        "emails": [] });
    let answer = server.api(Method::POST, "/contacts").json(&contact).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED, "{}", answer.text().await.unwrap());
}

async fn contacts(installation: &Installation) -> Vec<String> {
    let mut server = installation.serve().await;
    let listed: Value = server.api(Method::GET, "/contacts").send().await.unwrap().json().await.unwrap();
    server.stop();
    listed["data"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_string()).collect()
}

#[tokio::test]
async fn what_was_backed_up_comes_back_and_what_was_there_is_kept_aside() {
    let installation = Installation::new();
    let mut server = installation.serve().await;
    add_contact(&server, "antes").await;
    let copy = backup(&installation, "copia.db");
    add_contact(&server, "después").await;
    server.stop();
    let again = installation.run(&["restore", copy.to_str().unwrap()], "");
    assert!(errors(&again).contains("ya existe") && errors(&again).contains("--force"), "{}", errors(&again));
    let said = installation.succeed(&["restore", "--force", copy.to_str().unwrap()], "");
    let kept = said.lines().find_map(|line| line.strip_prefix("La que había quedó en ")).unwrap().trim_end_matches('.');
    assert_eq!(contacts(&installation).await, ["antes"]);
    let said = installation.succeed(&["restore", "--force", kept], "");
    assert!(said.contains("restaurada"), "{said}");
    assert_eq!(contacts(&installation).await, ["antes", "después"]);
}

#[tokio::test]
async fn the_last_transactions_of_a_killed_server_are_kept_with_the_old_database() {
    let installation = Installation::new();
    let copy = backup(&installation, "copia.db");
    let mut server = installation.serve().await;
    add_contact(&server, "en el wal").await;
    server.kill();
    assert!(fs::metadata(installation.data_dir().join("acuse.db-wal")).unwrap().len() > 0);
    let said = installation.succeed(&["restore", "--force", copy.to_str().unwrap()], "");
    let kept = said.lines().find_map(|line| line.strip_prefix("La que había quedó en ")).unwrap().trim_end_matches('.');
    assert!(contacts(&installation).await.is_empty(), "nothing of the old -wal comes into the new one");
    installation.succeed(&["restore", "--force", kept], "");
    assert_eq!(contacts(&installation).await, ["en el wal"]);
}

#[tokio::test]
async fn a_database_in_use_is_not_replaced_and_a_server_that_was_killed_uses_it_no_more() {
    let installation = Installation::new();
    let copy = backup(&installation, "copia.db");
    let mut server = installation.serve().await;
    let done = installation.run(&["restore", "--force", copy.to_str().unwrap()], "");
    assert_eq!(done.status.code(), Some(1), "{}", errors(&done));
    assert!(errors(&done).contains("un servidor usa"), "{}", errors(&done));
    add_contact(&server, "sigue").await;
    server.kill();
    drop(server);
    installation.succeed(&["restore", "--force", copy.to_str().unwrap()], "");
}

#[tokio::test]
async fn who_uses_the_database_without_our_lock_is_noticed_too() {
    let installation = Installation::new();
    let copy = backup(&installation, "copia.db");
    let url = format!("sqlite://{}", installation.database().display());
    let lock = acuse_testkit::outside::Lock::of(&url).await;
    let done = installation.run(&["restore", "--force", copy.to_str().unwrap()], "");
    assert!(errors(&done).contains("un servidor usa"), "{}", errors(&done));
    lock.release().await;
}

#[tokio::test]
async fn what_is_no_whole_copy_of_ours_is_refused_before_anything_is_touched() {
    let installation = Installation::new();
    let copy = fs::read(backup(&installation, "copia.db")).unwrap();
    let file = |name: &str, content: &[u8]| {
        fs::write(installation.beside(name), content).unwrap();
        installation.beside(name)
    };
    refuses(&installation, &installation.beside("missing.db"), "no existe");
    assert!(!installation.beside("missing.db").exists(), "it makes no file");
    refuses(&installation, &file("empty.db", b""), "no es una copia");
    refuses(&installation, &file("text.db", b"hola\n".repeat(2000).as_slice()), "está dañada (");
    refuses(&installation, &file("truncated.db", &copy[..copy.len() / 2]), "está dañada (");
    refuses(&installation, &file("header.db", &copy[..50]), "está dañada (");
    for page in [1, copy.len() / 4096 / 2, copy.len() / 4096 - 1] {
        let damaged = file("damaged.db", &copy);
        OpenOptions::new().write(true).open(&damaged).unwrap().write_all_at(&[0x5a; 4096], page as u64 * 4096).unwrap();
        refuses(&installation, &damaged, "está dañada (");
    }
    refuses(&installation, installation.data_dir().parent().unwrap(), "no es un archivo");
    refuses(&installation, &installation.database(), "es la base misma");
    let itself = installation.beside("link-to-itself.db");
    symlink(installation.database(), &itself).unwrap();
    refuses(&installation, &itself, "es la base misma");

    let newer = file("newer.db", &copy);
    let sql = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        SELECT 9999, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
    acuse_testkit::outside::run(&format!("sqlite://{}", newer.display()), sql, Vec::new()).await;
    refuses(&installation, &newer, "más nueva");
    let foreign = file("foreign.db", b"");
    acuse_testkit::outside::run(&format!("sqlite://{}", foreign.display()), "CREATE TABLE song (id INTEGER)", Vec::new()).await;
    refuses(&installation, &foreign, "no es una copia");
}

#[tokio::test]
async fn a_link_to_a_copy_and_a_link_to_the_database_are_followed() {
    let installation = Installation::new();
    let copy = backup(&installation, "copia.db");
    let link = installation.beside("ultima.db");
    symlink(&copy, &link).unwrap();
    let real = installation.beside("real.db");
    installation.move_database(&real);
    symlink(&real, installation.database()).unwrap();
    installation.succeed(&["restore", "--force", link.to_str().unwrap()], "");
    assert!(fs::symlink_metadata(installation.database()).unwrap().is_symlink(), "the link is left");
    assert!(fs::symlink_metadata(&real).unwrap().is_file());
    assert!(contacts(&installation).await.is_empty());
}

#[tokio::test]
async fn without_room_nothing_is_written_and_no_half_file_is_left() {
    let installation = Installation::new();
    let copy = backup(&installation, "copia.db");
    let before = standing(&installation);
    let limited = |what: String| installation.sh(&format!("ulimit -f 128; exec \"$0\" {what}")).output().unwrap();
    let done = limited(format!("restore --force {}", copy.display()));
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(errors(&done).contains("no hay espacio"), "{}", errors(&done));
    assert!(standing(&installation) == before);
    let small = installation.beside("small.db");
    let done = limited(format!("backup {}", small.display()));
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(errors(&done).contains("no hay espacio"), "{}", errors(&done));
    assert!(!small.exists());
    let left: Vec<_> = fs::read_dir(installation.beside("")).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("draft")), "{left:?}");
}

/// A file system of its own, of so many KiB; nothing where this machine lets nobody mount one.
pub struct SmallDisk(pub PathBuf);

impl SmallDisk {
    pub fn mount(at: PathBuf, kib: u32) -> Option<Self> {
        fs::create_dir(&at).unwrap();
        let options = format!("size={kib}k");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&at).stderr(Stdio::null()).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(at))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn on_a_full_disk_a_backup_says_so_and_leaves_nothing() {
    let installation = Installation::new();
    let Some(disk) = SmallDisk::mount(installation.beside("small"), 200) else {
        println!("No file system may be mounted here: left out");
        return;
    };
    let file = disk.0.join("copia.db");
    let done = installation.run(&["backup", file.to_str().unwrap()], "");
    assert_eq!(done.status.code(), Some(1));
    assert!(errors(&done).contains("no hay espacio"), "{}", errors(&done));
    assert_eq!(fs::read_dir(&disk.0).unwrap().count(), 0);
}

#[tokio::test]
async fn a_backup_neither_overwrites_nor_makes_folders() {
    let installation = Installation::new();
    let there = installation.beside("there.db");
    fs::write(&there, "algo mío").unwrap();
    let dangling = installation.beside("dangling.db");
    symlink(installation.beside("nowhere.db"), &dangling).unwrap();
    for (file, words) in [
        (there.clone(), "ya existe"),
        (dangling, "ya existe"),
        (installation.beside("no/such/copia.db"), "no hay una carpeta"),
        (installation.data_dir(), "ya existe"),
    ] {
        let done = installation.run(&["backup", file.to_str().unwrap()], "");
        assert_eq!(done.status.code(), Some(1), "{file:?}");
        assert!(errors(&done).contains(words), "{file:?}: {}", errors(&done));
    }
    assert_eq!(fs::read_to_string(there).unwrap(), "algo mío");
    assert!(!installation.beside("nowhere.db").exists() && !installation.beside("no").exists());
}

#[test]
fn no_command_makes_an_empty_database_where_there_is_none() {
    let installation = Installation::empty();
    let commands: [&[&str]; 13] = [
        &["doctor"],
        &["backup", "copia.db"],
        &["restore", "missing.db"],
        &["restore", "--force", "missing.db"],
        &["company", "list"],
        &["user", "list"],
        &["user", "create", "--email", "a@b.ec", "--company", "1790012344001"],
        &["user", "password", "--email", "a@b.ec"],
        &["user", "remove", "--email", "a@b.ec", "--company", "1790012344001"],
        &["user", "sessions", "--email", "a@b.ec"],
        &["user", "second-factor", "--off", "--email", "a@b.ec"],
        &["token", "list"],
        &["token", "create", "--company", "1790012344001", "--name", "x"],
    ];
    for arguments in commands {
        let done = installation.run(arguments, "una clave larga");
        assert_eq!(done.status.code(), Some(1), "{arguments:?}");
        let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), errors(&done));
        assert!(said.contains("no hay una base de datos") || said.contains("no existe"), "{arguments:?}: {said}");
        let made: Vec<_> = fs::read_dir(installation.data_dir()).into_iter().flatten().flatten().map(|one| one.path()).collect();
        let databases = made.iter().filter(|path| path.to_string_lossy().contains("acuse.db")).count();
        assert_eq!(databases, 0, "{arguments:?}: {made:?}");
        assert!(!installation.beside("missing.db").exists() && !installation.beside("copia.db").exists(), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_restore_that_is_killed_leaves_the_old_database_or_the_new_one_whole() {
    let installation = Installation::new();
    let mut server = installation.serve().await;
    for n in 0..30 {
        add_contact(&server, &format!("nuevo {n:02}")).await;
    }
    let copy = backup(&installation, "copia.db");
    server.stop();
    let mut ends = Vec::new();
    for step in 0..12u64 {
        let mut restoring = installation.command(&["restore", "--force", copy.to_str().unwrap()]);
        let mut restoring = restoring.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(step * 20)).await;
        let _ = restoring.kill();
        ends.push(restoring.wait().unwrap().code());
        let doctor = installation.run(&["doctor"], "");
        let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
        assert!(said.contains("✓ base de datos"), "after {step} steps: {said}");
    }
    assert_eq!(contacts(&installation).await.len(), 30, "{ends:?}");
    installation.succeed(&["restore", "--force", copy.to_str().unwrap()], "");
    let left: Vec<_> = standing(&installation).into_iter().map(|(path, _)| path).collect();
    assert!(left.iter().all(|path| !path.to_string_lossy().contains("draft")), "{left:?}");
    drop(File::open(installation.database()).unwrap());
}
