//! What the test servers need from the machine: its programs, its users, a folder and free ports.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Debian keeps servers in the `sbin` folders, which an ordinary user's PATH leaves out.
const PROGRAM_FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Others may pass through (the database's user must reach its own data) but not list.
const PASS_THROUGH: u32 = 0o711;

/// The program's path. Panics with the Debian package to install when it is absent.
pub fn program(name: &str, debian_package: &str) -> PathBuf {
    let found = PROGRAM_FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{name} is not installed: apt-get install {debian_package}"))
}

/// A new empty folder of this user's under the machine's temporary folder.
pub fn new_folder(purpose: &str) -> PathBuf {
    let folder = home().join(format!("{purpose}-{}", uuid::Uuid::now_v7().simple()));
    create_folder(&folder);
    folder
}

/// The folder shared by every test process of this user.
pub fn home() -> PathBuf {
    let uid = own_uid();
    let home = std::env::temp_dir().join(format!("acuse-testkit-{uid}"));
    create_folder(&home);
    let owner = fs::symlink_metadata(&home).expect("the folder was just made").uid();
    assert_eq!(owner, uid, "{} belongs to somebody else: remove it", home.display());
    home
}

pub fn create_folder(path: &Path) {
    let made = fs::DirBuilder::new().recursive(true).mode(PASS_THROUGH).create(path);
    made.unwrap_or_else(|error| panic!("cannot make {}: {error}", path.display()));
}

pub fn is_root() -> bool {
    own_uid() == 0
}

fn own_uid() -> u32 {
    fs::metadata("/proc/self").expect("/proc must be mounted").uid()
}

pub struct User {
    pub uid: u32,
    pub gid: u32,
}

/// Errs (None) if the machine has no such user.
pub fn user(name: &str) -> Option<User> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let fields: Vec<&str> = users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == name)?;
    Some(User { uid: fields.get(2)?.parse().ok()?, gid: fields.get(3)?.parse().ok()? })
}

pub fn give(path: &Path, owner: &User) {
    let given = std::os::unix::fs::chown(path, Some(owner.uid), Some(owner.gid));
    given.unwrap_or_else(|error| panic!("cannot give {} away: {error}", path.display()));
}

/// A loopback port nobody listens on at this moment. Another process may still take it first: who uses it retries.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback must be up");
    listener.local_addr().expect("a bound listener has an address").port()
}

/// Runs to the end and gives what it printed. Errs with one text of everything it said. Its output goes through a file:
/// a daemon left behind keeps the handle, and a pipe would then never end.
pub fn run(command: &mut Command) -> Result<String, String> {
    let mut said = tempfile::tempfile().map_err(|error| error.to_string())?;
    let also = said.try_clone().map_err(|error| error.to_string())?;
    let errors = said.try_clone().map_err(|error| error.to_string())?;
    let status = command.stdin(Stdio::null()).stdout(also).stderr(errors).status();
    let status = status.map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let text = read_from_start(&mut said);
    if status.success() {
        Ok(text)
    } else {
        Err(format!("{} ended with {status}: {}", command.get_program().display(), text.trim()))
    }
}

fn read_from_start(file: &mut fs::File) -> String {
    use std::io::{Read, Seek};
    let mut bytes = Vec::new();
    let read = file.rewind().and_then(|()| file.read_to_end(&mut bytes));
    read.expect("an open temporary file can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    #[should_panic(expected = "smtp-nothing is not installed: apt-get install postfix")]
    fn a_missing_program_names_its_debian_package() {
        super::program("smtp-nothing", "postfix");
    }
}
