//! What the servers have in common that scripts/mail-servers.sh unpacks beside the system.

use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use super::{RECIPIENT, START_ATTEMPTS, USER};
use crate::host;

/// Another test's OpenSMTPD may have to end first.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    assert!(host::is_root(), "mail servers can only be started by root");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/mail-servers.sh");
    let said = host::run(Command::new("bash").arg(script)).unwrap_or_else(|error| panic!("{error}"));
    PathBuf::from(said.lines().last().unwrap_or_default())
});

/// The folder that holds them, as if it were `/`; fetched if it is not there.
pub(super) fn root() -> &'static Path {
    &ROOT
}

/// For LD_LIBRARY_PATH: what the system lacked of theirs.
pub(super) fn libraries(root: &Path) -> String {
    ["usr/lib", "lib"].map(|part| format!("{}/{part}/{}-linux-gnu", root.display(), std::env::consts::ARCH)).join(":")
}

/// Where a server listens, on loopback.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    pub starttls: u16,
    pub tls: u16,
    /// Offers neither STARTTLS nor AUTH.
    pub plain: u16,
}

impl Ports {
    pub(super) fn free() -> Self {
        Self { starttls: host::free_port(), tls: host::free_port(), plain: host::free_port() }
    }

    pub(super) fn wait_until_open(&self) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        for port in [self.starttls, self.tls, self.plain] {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
                if Instant::now() > end {
                    return Err(format!("nobody listens on port {port}"));
                }
                std::thread::sleep(POLL);
            }
        }
        Ok(())
    }
}

/// A free port may be taken by somebody else before the server gets to it.
pub(super) fn start_somehow<S>(try_start: impl Fn() -> Result<S, String>) -> S {
    let mut error = String::new();
    let started = (1..=START_ATTEMPTS).find_map(|_| try_start().map_err(|said| error = said).ok());
    started.unwrap_or_else(|| panic!("{error}"))
}

/// The configuration with what is particular to this one.
pub(super) fn fill(template: &str, folder: &Path, ports: &Ports, between_domains: &str) -> String {
    let domains = [USER, RECIPIENT].map(|address| address.split_once('@').expect("both are addresses").1).join(between_domains);
    let values = [
        ("@FOLDER@", folder.display().to_string()),
        ("@DOMAINS@", domains),
        ("@STARTTLS_PORT@", ports.starttls.to_string()),
        ("@TLS_PORT@", ports.tls.to_string()),
        ("@PLAIN_PORT@", ports.plain.to_string()),
    ];
    values.iter().fold(template.to_owned(), |text, (mark, value)| text.replace(mark, value))
}

pub(super) fn known_user(name: &str) -> host::User {
    host::user(name).unwrap_or_else(|| panic!("the user {name} is missing: run scripts/mail-servers.sh"))
}
