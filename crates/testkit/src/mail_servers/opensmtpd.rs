//! A real OpenSMTPD, unpacked beside the system (scripts/mail-servers.sh). Its socket and its queue have fixed places, so
//! there is one at a time on a machine: who starts another waits.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::unpacked::{self, Ports};
use super::{PASSWORD, RECIPIENT, USER};
use crate::certificates::Certificate;
use crate::host;
use crate::reaper::{self, Reaper};

const CONFIGURATION: &str = include_str!("smtpd.conf");

/// Holds the machine's lock as long as the server lives: it is its standard input.
const RUN: &str = r#"
flock 0
echo $$ >"$1/smtpd.pid"
LD_LIBRARY_PATH=$3 exec "$2" -d -f "$1/smtpd.conf" >"$1/smtpd.log" 2>&1
"#;

/// A running OpenSMTPD: the account USER with PASSWORD, which may send only as itself; mailboxes USER and RECIPIENT.
/// Dropping it stops it.
#[derive(Debug)]
pub struct OpenSmtpd {
    pub ports: Ports,
    _stops_when_dropped: Reaper,
}

impl OpenSmtpd {
    /// Why this machine has none, where its apt sources do not offer the one that works.
    #[must_use]
    pub fn missing() -> Option<String> {
        let why = fs::read_to_string(unpacked::root().parent()?.join("without-opensmtpd")).ok()?;
        Some(why.trim().to_owned())
    }

    /// Panics with its log if it does not come up.
    pub fn start(certificate: &Certificate) -> Self {
        unpacked::start_somehow(|| Self::try_start(certificate))
    }

    fn try_start(certificate: &Certificate) -> Result<Self, String> {
        let (folder, ports) = (host::new_folder("opensmtpd"), Ports::free());
        let root = unpacked::root();
        write_files(&folder, certificate)?;
        let configuration = unpacked::fill(CONFIGURATION, &folder, &ports, ", ");
        fs::write(folder.join("smtpd.conf"), configuration).map_err(|error| error.to_string())?;
        let stop = format!("kill $(cat '{}/smtpd.pid')", reaper::path(&folder));
        let opensmtpd = Self { ports, _stops_when_dropped: Reaper::watch(&folder, &stop) };
        let only_one = File::create(host::home().join("opensmtpd.lock")).map_err(|error| error.to_string())?;
        let (program, libraries) = (root.join("usr/sbin/smtpd"), unpacked::libraries(root));
        let arguments = [reaper::path(&folder), reaper::path(&program), &libraries];
        reaper::bury(reaper::spawn(RUN, &arguments, Some(only_one)));
        opensmtpd.ports.wait_until_open().map_err(|error| format!("{error}\n{}", log(&folder)))?;
        Ok(opensmtpd)
    }
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("smtpd.log")).unwrap_or_default()
}

fn write_files(folder: &Path, certificate: &Certificate) -> Result<(), String> {
    let (_certificate, key) = certificate.write_pem(folder);
    fs::set_permissions(key, Permissions::from_mode(0o600)).map_err(|error| error.to_string())?;
    let password = host::run(Command::new(host::program("openssl", "openssl")).args(["passwd", "-6", PASSWORD]))?;
    for (name, text) in [
        ("users", format!("{USER} {}\n", password.trim())),
        ("own", format!("{USER} {USER}\n")),
        ("mailboxes", format!("{USER} nobody\n{RECIPIENT} nobody\n")),
    ] {
        fs::write(folder.join(name), text).map_err(|error| error.to_string())?;
    }
    Ok(())
}
