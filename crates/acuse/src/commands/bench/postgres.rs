//! A PostgreSQL of its own for a measure, from Debian's packages, that waits for the disk as in production.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::failed;
use super::programs::{Started, free_port, quiet, user_below_root, wait_until_somebody_listens};
use crate::failure::Failure;

/// Debian keeps its versions side by side here.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Stops when it goes, and its data with it.
pub struct Postgres {
    pub url: String,
    _server: Started,
    _folder: TempDir,
}

impl Postgres {
    /// Nothing where PostgreSQL is not installed.
    pub fn start() -> Result<Option<Self>, Failure> {
        let Some(programs) = newest() else { return Ok(None) };
        let folder = tempfile::Builder::new().prefix("acuse-bench-").tempdir().map_err(failed)?;
        let owner = user_below_root("postgres")?;
        if let Some((uid, gid)) = owner {
            chown(folder.path(), Some(uid), Some(gid)).map_err(failed)?;
        }
        let data = folder.path().join("data");
        let port = free_port()?;
        let password = uuid::Uuid::now_v7().simple().to_string();
        create(&programs, &data, &password, folder.path(), owner)?;
        let mut server = as_owner(&programs.join("postgres"), owner);
        server.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k"]).arg(folder.path());
        let server = Started(server.spawn().map_err(failed)?);
        wait_until_somebody_listens(port)?;
        let url = format!("postgres://acuse:{password}@127.0.0.1:{port}/postgres");
        Ok(Some(Self { url, _server: server, _folder: folder }))
    }
}

fn create(programs: &Path, data: &Path, password: &str, folder: &Path, owner: Option<(u32, u32)>) -> Result<(), Failure> {
    let password_file = folder.join("password");
    fs::write(&password_file, password).map_err(failed)?;
    if let Some((uid, gid)) = owner {
        chown(&password_file, Some(uid), Some(gid)).map_err(failed)?;
    }
    let mut initdb = as_owner(&programs.join("initdb"), owner);
    initdb.args(["--username=acuse", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--pwfile"]).arg(&password_file);
    let ended = initdb.arg("-D").arg(data).status().map_err(failed)?;
    fs::remove_file(&password_file).map_err(failed)?;
    if ended.success() { Ok(()) } else { Err(failed(format!("initdb: {ended}"))) }
}

/// It refuses to run as root.
fn as_owner(program: &Path, owner: Option<(u32, u32)>) -> Command {
    let mut command = quiet(program);
    if let Some((uid, gid)) = owner {
        command.uid(uid).gid(gid);
    }
    command
}

fn newest() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let numbered = versions.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    let (_, newest) = numbered.filter(|(_, path)| path.join("bin/postgres").exists()).max()?;
    Some(newest.join("bin"))
}
