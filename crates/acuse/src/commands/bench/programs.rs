//! Postfix's own load tools: a server that swallows every mail, and a client that sends as fast as it can.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::failed;
use super::figures::rate;
use crate::failure::Failure;

/// Debian keeps servers in the `sbin` folders, which an ordinary user's PATH leaves out.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/// Connections that wait to be accepted.
const BACKLOG: &str = "1000";
/// A program listens some milliseconds after its start.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Bytes of a message that smtp-source sends.
const MESSAGE: &str = "40000";

/// A server started for a measure; ends with it.
pub struct Started(pub Child);

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// smtp-sink(1): accepts every mail and throws it away.
pub struct Sink {
    pub port: u16,
    _server: Started,
}

impl Sink {
    pub fn start() -> Result<Self, Failure> {
        let port = free_port()?;
        let mut command = quiet(&program("smtp-sink", "postfix")?);
        if let Some((uid, gid)) = user_below_root("nobody")? {
            // As root it insists on knowing whose rights it shall take.
            command.uid(uid).gid(gid);
        }
        let server = command.arg("-c").arg(format!("127.0.0.1:{port}")).arg(BACKLOG).spawn().map_err(failed)?;
        let started = Self { port, _server: Started(server) };
        wait_until_somebody_listens(port)?;
        Ok(started)
    }

    /// smtp-source(1), the denominator: many mails of 40 KB on each connection. Gives how many a second.
    pub fn flood(&self, messages: usize, connections: usize) -> Result<u64, Failure> {
        let mut command = quiet(&program("smtp-source", "postfix")?);
        command.args(["-d", "-l", MESSAGE, "-f", "carga@acuse.example", "-t", "carga@cliente.example"]);
        command.arg("-s").arg(connections.to_string()).arg("-m").arg(messages.to_string());
        command.arg(format!("127.0.0.1:{}", self.port));
        let begun = Instant::now();
        let ended = command.status().map_err(failed)?;
        if ended.success() { Ok(rate(messages, begun.elapsed())) } else { Err(failed(format!("smtp-source: {ended}"))) }
    }
}

/// Errs with the Debian package to install where the program is missing.
pub fn program(name: &str, package: &str) -> Result<PathBuf, Failure> {
    let found = FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
    found.ok_or_else(|| {
        Failure::new(format!("falta el programa {name}"), format!("Instale el paquete de Debian: apt-get install {package}"))
    })
}

/// A loopback port that nobody listens on at this moment.
pub fn free_port() -> Result<u16, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
    Ok(listener.local_addr().map_err(failed)?.port())
}

pub fn wait_until_somebody_listens(port: u16) -> Result<(), Failure> {
    let begun = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if begun.elapsed() > PATIENCE {
            return Err(failed(format!("nadie escucha en el puerto {port}")));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// The ids of a user whose rights a server takes; none where this process is not root and keeps its own.
pub fn user_below_root(name: &str) -> Result<Option<(u32, u32)>, Failure> {
    if std::fs::metadata("/proc/self").map_err(failed)?.uid() != 0 {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").map_err(failed)?;
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == name);
    let number = |at: usize| fields.as_ref().and_then(|fields| fields.get(at)).and_then(|text| text.parse().ok());
    match (number(2), number(3)) {
        (Some(uid), Some(gid)) => Ok(Some((uid, gid))),
        _ => Err(failed(format!("no existe el usuario {name}"))),
    }
}

/// A command that says nothing and reads nothing.
pub fn quiet(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
    command
}
