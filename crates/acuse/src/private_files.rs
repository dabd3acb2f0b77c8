//! What holds data is for its owner alone: folders 0700, files 0600. Made so by the process's umask, and mended at every start
//! where an earlier version, a copy or a restore by hand left more.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use acuse_store::db::sqlite_path;
use rustix::fs::{Access, Mode, access};

use crate::config::Config;
use crate::failure::Failure;

const OF_OTHERS: u32 = 0o077;
const STICKY: u32 = 0o1000;
const CREDENTIALS: &str = "demo.json";
/// Folders that a system's programs share (Filesystem Hierarchy Standard 3.0): closed, they would stop working.
const SHARED_FOLDERS: [&str; 22] = [
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/media",
    "/mnt",
    "/opt",
    "/run",
    "/sbin",
    "/srv",
    "/tmp",
    "/usr",
    "/usr/local",
    "/usr/share",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/opt",
];

/// A file or folder that other users may get at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposed {
    pub path: PathBuf,
    pub mode: u32,
    owner: u32,
}

/// From here on nothing that this process makes can be read by others, not even for a moment.
pub fn keep_to_oneself() {
    rustix::process::umask(Mode::from_raw_mode(OF_OTHERS));
}

/// Makes the data folder where it is missing, and closes what is open to others.
pub fn prepare(config: &Config) -> Result<(), Failure> {
    let folder = &config.data_dir;
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    may_use(folder).map_err(Failure::from)?;
    made.map_err(|error| {
        let reason = format!("el usuario {} no puede crear la carpeta {} ({error})", this_user(), folder.display());
        Failure::new(reason, "Elija otra data_dir, o créela y désela a ese usuario con «chown».")
    })?;
    mend(config);
    Ok(())
}

/// Errs where there is a data folder and this user may not read and write in it.
pub fn may_use(folder: &Path) -> Result<(), (String, &'static str)> {
    let wanted = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    let found = fs::metadata(folder);
    let shown = folder.display();
    let denied = match &found {
        Ok(there) if !there.is_dir() => {
            return Err((format!("data_dir, {shown}, es un archivo y no una carpeta"), "Elija otra data_dir."));
        }
        Ok(_) => access(folder, wanted).err().map(io::Error::from),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(io::Error::from(error.kind())),
    };
    let Some(denied) = denied else { return Ok(()) };
    let owner = found.map(|there| format!(", que es de {}", user(there.uid()))).unwrap_or_default();
    Err((
        format!("el usuario {} no puede leer ni escribir en la carpeta {shown}{owner} ({denied})", this_user()),
        "Use el usuario con que corre Acuse, como en «sudo -u acuse acuse doctor», u otra data_dir.",
    ))
}

fn this_user() -> String {
    user(rustix::process::geteuid().as_raw())
}

/// The name that /etc/passwd has for a user, else the number.
fn user(id: u32) -> String {
    let known = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = known.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| id.to_string())
}

/// A line in the log for each thing that was open, with the mode that it had.
pub fn mend(config: &Config) {
    if is_shared(&config.data_dir) {
        let folder = config.data_dir.display();
        tracing::warn!("{folder} is shared with other programs and stays as it is. Give Acuse a data_dir of its own");
    }
    for exposed in exposed(config) {
        let Exposed { path, mode, owner } = &exposed;
        let (shown, closed) = (path.display(), mode & !OF_OTHERS);
        match close(path, closed) {
            Ok(()) => tracing::warn!("{shown} was open to other users (mode {mode:04o}); it has mode {closed:04o} now"),
            Err(error) => tracing::warn!(
                "{shown} is open to other users (mode {mode:04o}, of user {owner}) and cannot be closed: {error}. Let its owner \
                 run chmod {closed:04o}"
            ),
        }
    }
}

/// Errs also where the file system keeps no modes.
fn close(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    match fs::metadata(path)?.permissions().mode() & OF_OTHERS {
        0 => Ok(()),
        _ => Err(io::Error::other("this file system keeps no modes")),
    }
}

/// The data folder, the database with what lies beside it, and whatever else is in the folder. Not the key file: one that
/// others have been able to read is refused, since it may be known.
#[must_use]
pub fn exposed(config: &Config) -> Vec<Exposed> {
    let folder = &config.data_dir;
    let mut found = Vec::new();
    let is_shared = is_shared(folder);
    if !is_shared {
        found.extend(look_at(folder));
        found.extend(files_of(folder, |_| true));
    } else {
        found.extend(files_of(folder, |name| name == CREDENTIALS));
    }
    if let Some(database) = sqlite_path(&config.database_url).and_then(|path| fs::canonicalize(path).ok())
        && let (Some(folder), Some(name)) = (database.parent(), database.file_name())
    {
        let belongs = |other: &OsStr| other.as_encoded_bytes().starts_with(name.as_encoded_bytes());
        found.extend(files_of(folder, belongs));
    }
    let key = fs::canonicalize(&config.secret_key_file).ok();
    found.retain(|exposed| Some(&exposed.path) != key.as_ref());
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found.dedup();
    found
}

/// Links are left alone: what they lead to is somebody's own business, unless it is the database.
fn files_of(folder: &Path, wanted: impl Fn(&OsStr) -> bool) -> Vec<Exposed> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| wanted(&entry.file_name()) && entry.file_type().is_ok_and(|kind| kind.is_file()));
    files.filter_map(|entry| look_at(&entry.path())).collect()
}

fn look_at(path: &Path) -> Option<Exposed> {
    let path = fs::canonicalize(path).ok()?;
    let found = fs::metadata(&path).ok()?;
    let mode = found.permissions().mode() & 0o7777;
    (mode & OF_OTHERS != 0).then(|| Exposed { path, mode, owner: found.uid() })
}

fn is_shared(folder: &Path) -> bool {
    let Ok(folder) = fs::canonicalize(folder) else { return false };
    let is_sticky = fs::metadata(&folder).is_ok_and(|found| found.permissions().mode() & STICKY != 0);
    is_sticky || SHARED_FOLDERS.iter().any(|shared| Path::new(shared) == folder)
}
