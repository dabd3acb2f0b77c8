//! A real Exim, unpacked beside the system (scripts/mail-servers.sh), whole in a temporary folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::unpacked::{self, Ports};
use super::{FULL, PASSWORD, RECIPIENT, USER};
use crate::certificates::Certificate;
use crate::host;
use crate::reaper::{self, Reaper};

const CONFIGURATION: &str = include_str!("exim.conf");

/// A running Exim: the account USER with PASSWORD, which may send only as itself; mailboxes USER, RECIPIENT and FULL.
/// Dropping it stops it.
#[derive(Debug)]
pub struct Exim {
    pub ports: Ports,
    folder: PathBuf,
    _stops_when_dropped: Reaper,
}

impl Exim {
    /// Panics with its log if it does not come up.
    pub fn start(certificate: &Certificate) -> Self {
        unpacked::start_somehow(|| Self::try_start(certificate, CONFIGURATION))
    }

    /// It offers PLAIN and LOGIN, and refuses every PLAIN.
    pub fn start_with_broken_plain(certificate: &Certificate) -> Self {
        let (before, plain) = CONFIGURATION.split_once("driver = plaintext").expect("PLAIN is the first authenticator");
        let (condition, after) = plain.split_once("server_condition = ").expect("PLAIN has a condition");
        let rest = after.split_once('\n').map_or("", |(_, rest)| rest);
        let broken = format!("{before}driver = plaintext{condition}server_condition = false\n{rest}");
        unpacked::start_somehow(|| Self::try_start(certificate, &broken))
    }

    fn try_start(certificate: &Certificate, configuration: &str) -> Result<Self, String> {
        let (folder, ports) = (host::new_folder("exim"), Ports::free());
        let root = unpacked::root();
        write_files(&folder, certificate);
        let (program, libraries) = (root.join("usr/sbin/exim4"), unpacked::libraries(root));
        let configuration = unpacked::fill(configuration, &folder, &ports, " : ")
            .replace("@EXIM@", reaper::path(&program))
            .replace("@LIBRARIES@", &libraries);
        fs::write(folder.join("exim.conf"), configuration).map_err(|error| error.to_string())?;
        let stop = format!("kill $(cat '{}/exim.pid')", reaper::path(&folder));
        let exim = Self { ports, _stops_when_dropped: Reaper::watch(&folder, &stop), folder };
        let mut command = Command::new(program);
        command.env("LD_LIBRARY_PATH", libraries).arg("-C").arg(exim.folder.join("exim.conf")).arg("-bd");
        host::run(&mut command)?;
        exim.ports.wait_until_open().map_err(|error| format!("{error}\n{}", exim.log()))?;
        Ok(exim)
    }

    fn log(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.folder.join("log").join(name)).unwrap_or_default();
        read("mainlog") + &read("paniclog")
    }
}

fn write_files(folder: &Path, certificate: &Certificate) {
    let owner = unpacked::known_user("Debian-exim");
    for inner in ["spool", "log", "mail"] {
        host::create_folder(&folder.join(inner));
        host::give(&folder.join(inner), &owner);
    }
    let (_certificate, key) = certificate.write_pem(folder);
    host::give(&key, &owner);
    let mailboxes = [USER, RECIPIENT, FULL].map(|address| format!("{address}: {}/mail/{address}\n", folder.display())).concat();
    for (name, text) in [("users", format!("{USER}: {PASSWORD}\n")), ("mailboxes", mailboxes), ("full", format!("{FULL}:\n"))] {
        fs::write(folder.join(name), text).expect("the folder is ours");
    }
}
