//! Postfix's own load tools: a server that swallows all, and a client that sends as fast as it can.

use std::net::{Ipv4Addr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::host;
use crate::reaper::{self, Reaper};

/// Connections that wait to be accepted; a benchmark opens many at once.
const BACKLOG: &str = "1024";
/// It listens some milliseconds after its start.
const START_TIMEOUT: Duration = Duration::from_secs(10);
const START_POLL: Duration = Duration::from_millis(5);

/// smtp-sink: accepts every mail and throws it away. Stops on drop and with the process.
#[derive(Debug)]
pub struct SmtpSink {
    port: u16,
    _stops_when_dropped: Reaper,
}

impl SmtpSink {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With smtp-sink(1)'s options: `["-q", "rcpt"]` hangs up at RCPT, `["-w", "1"]` answers DATA a second late.
    pub fn start_with(options: &[&str]) -> Self {
        let folder = host::new_folder("smtp-sink");
        let port = host::free_port();
        let mut command = Command::new(host::program("smtp-sink", "postfix"));
        if host::is_root() {
            command.args(["-u", "nobody"]);
        }
        command.args(options).arg(format!("127.0.0.1:{port}")).arg(BACKLOG);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
        let sink = command.spawn().expect("smtp-sink was just found");
        let reaper = Reaper::watch(&folder, &format!("kill {}", sink.id()));
        reaper::bury(sink);
        wait_until_it_listens(port);
        Self { port, _stops_when_dropped: reaper }
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

fn wait_until_it_listens(port: u16) {
    let end = Instant::now() + START_TIMEOUT;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(Instant::now() < end, "smtp-sink does not listen on port {port}");
        std::thread::sleep(START_POLL);
    }
}

/// smtp-source: what the machine can do at most, against which a benchmark is read.
#[derive(Debug, Clone, Copy)]
pub struct SmtpSource {
    pub messages: u32,
    /// Of each message, in bytes.
    pub size: u32,
    /// At the same time.
    pub connections: u32,
}

impl SmtpSource {
    /// Sends them all, many mails on each connection, and gives the messages per second. Panics if any is refused.
    pub fn send_to(&self, port: u16, recipient: &str) -> u64 {
        let mut command = Command::new(host::program("smtp-source", "postfix"));
        command.args(["-d", "-f", "carga@acuse.test", "-t", recipient]);
        command.arg("-m").arg(self.messages.to_string()).arg("-l").arg(self.size.to_string());
        command.arg("-s").arg(self.connections.to_string()).arg(format!("127.0.0.1:{port}"));
        let begin = Instant::now();
        host::run(&mut command).unwrap_or_else(|error| panic!("{error}"));
        let microseconds = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX).max(1);
        u64::from(self.messages) * 1_000_000 / microseconds
    }
}
