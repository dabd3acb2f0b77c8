//! A real Postfix with Dovecot as its password checker, whole in a temporary folder, on free loopback ports.

pub mod exim;
pub mod opensmtpd;
pub mod unpacked;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use crate::certificates::{Authority, Certificate};
use crate::host;
use crate::reaper::{self, Reaper};

/// The account of `PostfixWithDovecot::start`, and its mailbox.
pub const USER: &str = "cobros@empresa.test";
pub const PASSWORD: &str = "clave-de-prueba";
/// The second mailbox of `PostfixWithDovecot::start`, with no account.
pub const RECIPIENT: &str = "ana@cliente.test";
/// A mailbox that holds more than it may.
pub const FULL: &str = "llena@cliente.test";

/// Postfix's own default, bytes.
const MESSAGE_SIZE_LIMIT: u32 = 10_240_000;
/// A free port may be taken by somebody else before the server gets to it.
const START_ATTEMPTS: u32 = 3;
/// Both let go of their ports within milliseconds of the signal.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
const STOP_POLL: Duration = Duration::from_millis(10);
/// Delivery into a Maildir takes some 50 ms.
const MAILBOX_POLL: Duration = Duration::from_millis(20);

/// What `postfix start` would check and make in two seconds of shell; the queue's are those of its file postfix-files.
const FOLDERS: [(&str, &str); 20] = [
    ("config", "root"),
    ("log", "root"),
    ("mail", "nobody"),
    ("data", "postfix"),
    ("queue", "root"),
    ("queue/pid", "root"),
    ("queue/active", "postfix"),
    ("queue/bounce", "postfix"),
    ("queue/corrupt", "postfix"),
    ("queue/defer", "postfix"),
    ("queue/deferred", "postfix"),
    ("queue/flush", "postfix"),
    ("queue/hold", "postfix"),
    ("queue/incoming", "postfix"),
    ("queue/maildrop", "postfix"),
    ("queue/private", "postfix"),
    ("queue/public", "postfix"),
    ("queue/saved", "postfix"),
    ("queue/trace", "postfix"),
    ("dovecot", "root"),
];

const MAIN_CF: &str = include_str!("mail_servers/main.cf");
const MASTER_CF: &str = include_str!("mail_servers/master.cf");
const DOVECOT_CONF: &str = include_str!("mail_servers/dovecot.conf");

/// What the server is to be like; `start` starts it.
#[derive(Debug, Clone)]
pub struct MailServer {
    certificate: Certificate,
    users: Vec<(String, String)>,
    mailboxes: BTreeSet<String>,
    refusals: Vec<(String, String)>,
    bouncing: Vec<String>,
    full: BTreeSet<String>,
    message_size_limit: u32,
    only_own_senders: bool,
}

impl MailServer {
    /// No users and no mailboxes yet; its certificate is for localhost and 127.0.0.1.
    pub fn new(authority: &Authority) -> Self {
        Self {
            certificate: authority.issue_for(&["localhost", "127.0.0.1"]),
            users: Vec::new(),
            mailboxes: BTreeSet::new(),
            refusals: Vec::new(),
            bouncing: Vec::new(),
            full: BTreeSet::new(),
            message_size_limit: MESSAGE_SIZE_LIMIT,
            only_own_senders: false,
        }
    }

    pub fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = certificate;
        self
    }

    /// An account with a mailbox.
    pub fn user(mut self, address: &str, password: &str) -> Self {
        self.users.push((address.to_owned(), format!("{{PLAIN}}{password}")));
        self.mailbox(address)
    }

    /// An account with a mailbox whose password was never set: it may not log in with any.
    pub fn user_without_password(mut self, address: &str) -> Self {
        self.users.push((address.to_owned(), "!".to_owned()));
        self.mailbox(address)
    }

    /// Other addresses of the same domain are unknown users (550 5.1.1).
    pub fn mailbox(mut self, address: &str) -> Self {
        self.mailboxes.insert(address.to_owned());
        self
    }

    /// Answers RCPT TO for the address with `reply`: "452 4.2.2 El buzón está lleno".
    pub fn refusing(mut self, address: &str, reply: &str) -> Self {
        self.refusals.push((address.to_owned(), reply.to_owned()));
        self.mailbox(address)
    }

    /// Accepts mail for the address and returns it to its sender with a delivery report, 5.1.1.
    pub fn bouncing(mut self, address: &str) -> Self {
        self.bouncing.push(address.to_owned());
        self.mailbox(address)
    }

    /// A mailbox over its quota: Dovecot tells Postfix so at RCPT TO.
    pub fn full(mut self, address: &str) -> Self {
        self.full.insert(address.to_owned());
        self.mailbox(address)
    }

    /// In bytes; announced as SIZE. Larger messages get 552 5.3.4.
    pub fn message_size_limit(mut self, bytes: u32) -> Self {
        self.message_size_limit = bytes;
        self
    }

    /// A sender other than the account's own address gets 553 5.7.1.
    pub fn only_own_senders(mut self) -> Self {
        self.only_own_senders = true;
        self
    }

    /// Panics with the server's log if it does not come up.
    pub fn start(&self) -> PostfixWithDovecot {
        assert!(host::is_root(), "Postfix can only be started by root");
        let mut attempts = (1..=START_ATTEMPTS).map(|_| self.try_start());
        let mut error = String::new();
        let started = attempts.find_map(|started| started.map_err(|said| error = said).ok());
        started.unwrap_or_else(|| panic!("{error}"))
    }

    fn try_start(&self) -> Result<PostfixWithDovecot, String> {
        let folder = host::new_folder("mail");
        let [starttls, tls, plain, auth, quota] = [(); 5].map(|()| host::free_port());
        let ports = Ports { starttls, tls, plain, auth, quota };
        self.write_configuration(&folder, &ports);
        let programs = Programs::find();
        let reaper = Reaper::watch(&folder, &stop_command(&folder));
        let server = PostfixWithDovecot { programs, folder, ports, _stops_when_dropped: reaper };
        match server.begin() {
            Ok(()) => Ok(server),
            Err(error) => Err(format!("{error}\n{}", server.log())),
        }
    }

    fn write_configuration(&self, folder: &Path, ports: &Ports) {
        let config = folder.join("config");
        for (inner, owner) in FOLDERS {
            host::create_folder(&folder.join(inner));
            host::give(&folder.join(inner), &known_user(owner));
        }
        self.write_tables(&config);
        let chain = self.certificate.write_chain(&config);
        let fill = |template: &str| self.fill(template, folder, ports, &chain);
        write(&config.join("main.cf"), &fill(MAIN_CF));
        write(&config.join("master.cf"), &fill(MASTER_CF));
        write(&config.join("dovecot.conf"), &fill(DOVECOT_CONF));
    }

    fn write_tables(&self, config: &Path) {
        let table = |rows: Vec<String>| rows.join("\n") + "\n";
        write(
            &config.join("users"),
            &table(
                self.users.iter().map(|(name, password)| format!("{name}:{password}::::::")).chain(self.over_quota()).collect(),
            ),
        );
        write(&config.join("mailboxes"), &table(self.mailboxes.iter().map(|address| format!("{address} {address}/")).collect()));
        write(
            &config.join("refusals"),
            &table(self.refusals.iter().map(|(address, reply)| format!("{address} {reply}")).collect()),
        );
        write(&config.join("transports"), &table(self.bouncing.iter().map(|address| format!("{address} later:")).collect()));
        write(&config.join("senders"), &table(self.users.iter().map(|(name, _)| format!("{name} {name}")).collect()));
    }

    /// One byte is all they may hold.
    fn over_quota(&self) -> impl Iterator<Item = String> {
        self.full.iter().map(|address| format!("{address}:!::::::userdb_quota_rule=*:bytes=1"))
    }

    fn fill(&self, template: &str, folder: &Path, ports: &Ports, chain: &Path) -> String {
        let domains: BTreeSet<&str> = self.mailboxes.iter().filter_map(|address| Some(address.split_once('@')?.1)).collect();
        let nobody = known_user("nobody");
        let values = [
            (
                "@QUOTA_CHECK@",
                if self.full.is_empty() { "" } else { ", check_policy_service inet:127.0.0.1:@QUOTA_PORT@" }.to_owned(),
            ),
            ("@FOLDER@", folder.display().to_string()),
            ("@CHAIN@", chain.display().to_string()),
            ("@DOMAINS@", domains.into_iter().collect::<Vec<_>>().join(" ")),
            ("@NOBODY_UID@", nobody.uid.to_string()),
            ("@NOBODY_GID@", nobody.gid.to_string()),
            ("@MESSAGE_SIZE_LIMIT@", self.message_size_limit.to_string()),
            ("@SENDER_RESTRICTIONS@", if self.only_own_senders { "reject_sender_login_mismatch" } else { "" }.to_owned()),
            ("@STARTTLS_PORT@", ports.starttls.to_string()),
            ("@TLS_PORT@", ports.tls.to_string()),
            ("@PLAIN_PORT@", ports.plain.to_string()),
            ("@AUTH_PORT@", ports.auth.to_string()),
            ("@QUOTA_PORT@", ports.quota.to_string()),
        ];
        values.iter().fold(template.to_owned(), |text, (mark, value)| text.replace(mark, value))
    }
}

/// A running server. Dropping it stops it and removes its folder; so does the end of the process, however it comes.
#[derive(Debug)]
pub struct PostfixWithDovecot {
    programs: Programs,
    folder: PathBuf,
    ports: Ports,
    _stops_when_dropped: Reaper,
}

#[derive(Debug)]
struct Ports {
    starttls: u16,
    tls: u16,
    plain: u16,
    auth: u16,
    quota: u16,
}

impl PostfixWithDovecot {
    /// With the account USER and PASSWORD, and the mailboxes of USER and RECIPIENT.
    pub fn start(authority: &Authority) -> Self {
        MailServer::new(authority).user(USER, PASSWORD).mailbox(RECIPIENT).start()
    }

    /// Submission (RFC 6409): TLS by STARTTLS is required before anything else.
    pub fn starttls_port(&self) -> u16 {
        self.ports.starttls
    }

    /// Submissions (RFC 8314): TLS from the first byte.
    pub fn tls_port(&self) -> u16 {
        self.ports.tls
    }

    /// Offers neither STARTTLS nor AUTH; takes mail for its own mailboxes only.
    pub fn plain_port(&self) -> u16 {
        self.ports.plain
    }

    /// Every mail delivered to the address, raw, oldest first.
    pub fn mailbox(&self, address: &str) -> Vec<Vec<u8>> {
        let delivered = fs::read_dir(self.folder.join("mail").join(address).join("new")).into_iter().flatten().flatten();
        let mut paths: Vec<(SystemTime, PathBuf)> =
            delivered.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
        paths.sort();
        paths.iter().map(|(_, path)| fs::read(path).expect("nobody takes mail out of a test's mailbox")).collect()
    }

    /// As `mailbox`, once it holds at least `count`. Panics with the servers' log after `timeout`.
    pub async fn wait_for_mail(&self, address: &str, count: usize, timeout: Duration) -> Vec<Vec<u8>> {
        let end = Instant::now() + timeout;
        loop {
            let mails = self.mailbox(address);
            if mails.len() >= count {
                return mails;
            }
            let held = mails.len();
            assert!(Instant::now() < end, "{address} holds {held} mails, not {count}, after {timeout:?}\n{}", self.log());
            tokio::time::sleep(MAILBOX_POLL).await;
        }
    }

    /// Connections are refused from now on; mail in the queue stays.
    pub fn stop(&self) {
        let stop = stop_command(&self.folder);
        host::run(Command::new("sh").args(["-c", &stop])).unwrap_or_else(|error| panic!("{error}\n{}", self.log()));
        for port in [self.ports.starttls, self.ports.tls, self.ports.plain, self.ports.auth] {
            wait_until_refused(port);
        }
    }

    /// On the same ports, with the same mail.
    pub fn start_again(&self) {
        self.begin().unwrap_or_else(|error| panic!("{error}\n{}", self.log()));
    }

    /// What Postfix and Dovecot wrote so far.
    pub fn log(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.folder.join("log").join(name)).unwrap_or_default();
        read("postfix.log") + &read("dovecot.log")
    }

    fn begin(&self) -> Result<(), String> {
        let config = self.folder.join("config");
        // It is only there after `stop`.
        let _removed = fs::remove_file(self.folder.join("stopped"));
        host::run(Command::new(&self.programs.dovecot).arg("-c").arg(config.join("dovecot.conf")))?;
        // Not "postfix start", whose shell checks the installation for two seconds.
        host::run(Command::new(&self.programs.postfix_master).arg("-w").arg("-c").arg(config)).map(|_said| ())
    }
}

#[derive(Debug)]
struct Programs {
    postfix_master: PathBuf,
    dovecot: PathBuf,
}

impl Programs {
    fn find() -> Self {
        let postfix = host::program("postconf", "postfix");
        let folder =
            host::run(Command::new(postfix).args(["-d", "-h", "daemon_directory"])).unwrap_or_else(|error| panic!("{error}"));
        Self { postfix_master: Path::new(folder.trim()).join("master"), dovecot: host::program("dovecot", "dovecot-core") }
    }
}

/// For the shell. Not "doveadm stop", which waits for the init process to bury Dovecot: in a container that can take for ever.
/// It waits two seconds for servers that are only just starting, when the process that started them was killed.
fn stop_command(folder: &Path) -> String {
    let folder = reaper::path(folder);
    format!(
        "cd '{folder}'; pids='queue/pid/master.pid dovecot/master.pid'; \
         for i in 1 2 3 4 5 6 7 8 9 10; do [ -e stopped ] || cat $pids && break; sleep 0.2; done; \
         [ -e stopped ] || kill $(cat $pids); rm -f $pids; touch stopped"
    )
}

fn wait_until_refused(port: u16) {
    let end = Instant::now() + STOP_TIMEOUT;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
        assert!(Instant::now() < end, "the server on port {port} does not stop");
        std::thread::sleep(STOP_POLL);
    }
}

fn known_user(name: &str) -> host::User {
    host::user(name).unwrap_or_else(|| panic!("the user {name} is missing: apt-get install postfix dovecot-core"))
}

/// With an old date: Postfix waits until a configuration file has kept still for a second.
fn write(path: &Path, text: &str) {
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
    let created = File::create(path);
    let written = created.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.set_modified(an_hour_ago)));
    written.unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}
