//! A real PostgreSQL for tests, from the machine's own package, in a temporary folder.
//!
//! nextest runs every test in a process of its own, and a start costs a second or two: so the processes of this user share one
//! server. The first starts it; it stops by itself some seconds after the last has ended.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::host;
use crate::reaper::{self, Reaper};

/// Every test process brings a pool of its own; PostgreSQL's default of 100 runs out with 16 of them.
const MAX_CONNECTIONS: u32 = 400;
/// Who owns the tests' databases: as in an installation that is well set up, nobody whom row security lets pass.
const ROLE: &str = "servidor";
/// A free port may be taken by somebody else before the server gets to it.
const START_ATTEMPTS: u32 = 3;
/// Nothing of a test survives its machine's power cut, so nothing waits for the disk.
const CARELESS: &str = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n";

/// Stops the shared server after 10 s without users, and drops the databases of test processes that have ended (an empty one
/// takes 7 MB). Standard input is the lock that says that this reaper lives; it is let go before the users' lock, so that who
/// comes next starts a new server. Arguments: users' lock, folder, stop command, psql.
const STOP_WHEN_IDLE: &str = r#"
exec 9<"$1"
idle=0
seconds=0
while :; do
    sleep 1 </dev/null 9<&-
    seconds=$((seconds + 1))
    if flock -n 9; then
        idle=$((idle + 1))
        [ "$idle" -ge 10 ] && break
        flock -u 9
    else
        idle=0
        [ $((seconds % 3)) -eq 0 ] && read -r port password <"$2/address" || continue
        administrator=postgres://acuse:$password@127.0.0.1:$port/postgres
        for database in $("$4" -XAtc "SELECT datname FROM pg_database WHERE datname LIKE 'test\_%'" "$administrator" </dev/null 9<&-); do
            owner=${database#test_}
            [ -e "/proc/${owner%%_*}" ] || "$4" -Xqc "DROP DATABASE IF EXISTS $database WITH (FORCE)" "$administrator" </dev/null 9<&-
        done
    fi
done
sh -c "$3" </dev/null 9<&-
rm -rf "$2"
exec 0<&-
"#;

#[derive(Debug)]
pub struct Postgres {
    cluster: Cluster,
    _stops_when_dropped: Option<Reaper>,
    _in_use: Option<File>,
}

impl Postgres {
    /// The server of all test processes of this user: for tests that only need databases.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| {
            let shared = join_or_start(&host::home().join("postgres"));
            shared.make_role();
            shared
        })
    }

    /// A server for this value alone, which a test may stop; fast, because it never waits for the disk.
    pub fn start() -> Self {
        Self::start_alone(CARELESS)
    }

    /// As `start`, but every commit is on the disk as in production: for benchmarks and kill -9.
    pub fn durable() -> Self {
        Self::start_alone("")
    }

    fn start_alone(settings: &str) -> Self {
        let folder = host::new_folder("postgres");
        let mut cluster = Cluster::new(&folder);
        let reaper = Reaper::watch(&folder, &cluster.stop_command());
        cluster.start(settings);
        let started = Self { cluster, _stops_when_dropped: Some(reaper), _in_use: None };
        started.make_role();
        started
    }

    /// The URL of a new, empty database. Whoever connects with it by hand sees every company's rows; the store tells its own
    /// connections what they see.
    pub fn new_database(&self) -> String {
        format!("{}?options=-c%20app.every_company%3Don", self.new_database_of_nobody())
    }

    /// The same for a connection that is told nothing.
    pub fn new_database_of_nobody(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        self.run_sql(&self.cluster.url("acuse", "postgres"), &format!("CREATE DATABASE {name} OWNER {ROLE}"));
        self.cluster.url(ROLE, &name)
    }

    /// The same database, entered as a superuser.
    #[must_use]
    pub fn as_superuser(url: &str) -> String {
        url.replace(&format!("//{ROLE}:"), "//acuse:")
    }

    /// Other processes may be making it at this moment, or have made it.
    fn make_role(&self) {
        let password = &self.cluster.password;
        let sql = format!(
            "DO $$ BEGIN
                PERFORM pg_advisory_xact_lock(1);
                IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{ROLE}') THEN
                    CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}';
                    GRANT SET ON PARAMETER session_replication_role TO {ROLE};
                END IF;
            END $$"
        );
        self.run_sql(&self.cluster.url("acuse", "postgres"), &sql);
    }

    /// What psql prints for the statement, unaligned and without heads. Panics if it fails.
    pub fn run_sql(&self, url: &str, sql: &str) -> String {
        let psql = self.cluster.programs.join("psql");
        let answer = host::run(Command::new(psql).args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, url]));
        answer.unwrap_or_else(|error| panic!("{error}")).trim().to_owned()
    }

    /// As if its machine lost power: connections break, nothing is flushed. Only for `start` and `durable`.
    pub fn crash(&self) {
        assert!(self._in_use.is_none(), "the shared server serves other tests too: use Postgres::start()");
        self.cluster.control(&["-m", "immediate", "-w", "stop"]).unwrap_or_else(|error| panic!("{error}"));
    }

    /// On the same port, with the same data.
    pub fn start_again(&self) {
        self.cluster.begin().unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Locks are taken in one order, door then users, by everyone but the reaper, which never takes the door.
fn join_or_start(home: &Path) -> Postgres {
    host::create_folder(home);
    let door = open_lock(&home.join("door.lock"));
    door.lock().expect("flock works on the temporary folder");
    let in_use = open_lock(&home.join("users.lock"));
    in_use.lock_shared().expect("flock works on the temporary folder");
    let reaper_lives = open_lock(&home.join("reaper.lock"));
    let cluster = match reaper_lives.try_lock() {
        Ok(()) => start_shared(home, reaper_lives),
        Err(_held_by_a_reaper) if home.join("server/address").exists() => Cluster::read(&home.join("server")),
        Err(_held_by_a_reaper) => {
            // The process that was starting the server has been killed: let the reaper clean up first.
            in_use.unlock().and_then(|()| reaper_lives.lock()).and_then(|()| in_use.lock_shared()).expect("flock works here");
            start_shared(home, reaper_lives)
        }
    };
    Postgres { cluster, _stops_when_dropped: None, _in_use: Some(in_use) }
}

fn start_shared(home: &Path, reaper_lives: File) -> Cluster {
    let folder = home.join("server");
    if folder.exists() {
        stop_forgotten(&folder);
    }
    host::create_folder(&folder);
    let mut cluster = Cluster::new(&folder);
    let users = home.join("users.lock");
    let psql = cluster.programs.join("psql");
    let arguments = [reaper::path(&users), reaper::path(&folder), &cluster.stop_command(), reaper::path(&psql)];
    reaper::bury(reaper::spawn(STOP_WHEN_IDLE, &arguments, Some(reaper_lives)));
    cluster.start(CARELESS);
    cluster.write_address();
    cluster
}

/// Somebody killed the reaper, or the machine was switched off.
fn stop_forgotten(folder: &Path) {
    if folder.join("address").exists() {
        // An error says that it does not run, which is what was wanted.
        let _not_running = Cluster::read(folder).control(&["-m", "immediate", "-w", "stop"]);
    }
    fs::remove_dir_all(folder).unwrap_or_else(|error| panic!("cannot remove {}: {error}", folder.display()));
}

fn open_lock(path: &Path) -> File {
    let opened = File::options().create(true).truncate(false).write(true).mode(0o600).open(path);
    opened.unwrap_or_else(|error| panic!("cannot open {}: {error}", path.display()))
}

#[derive(Debug)]
struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    password: String,
}

impl Cluster {
    fn new(folder: &Path) -> Self {
        Self { programs: programs(), folder: folder.to_owned(), port: 0, password: uuid::Uuid::now_v7().simple().to_string() }
    }

    fn start(&mut self, settings: &str) {
        self.create();
        for attempt in 1..=START_ATTEMPTS {
            self.port = host::free_port();
            self.configure(settings);
            match self.begin() {
                Ok(()) => break,
                Err(error) if attempt == START_ATTEMPTS => panic!("{error}\n{}", self.log()),
                Err(_port_taken) => {}
            }
        }
    }

    fn create(&self) {
        if let Some(user) = database_user() {
            host::give(&self.folder, &host::user(user).expect("it was just found"));
        }
        let password_file = self.folder.join("password");
        write_private(&password_file, &self.password);
        if let Some(user) = database_user() {
            host::give(&password_file, &host::user(user).expect("it was just found"));
        }
        let mut initdb = self.as_database_user("initdb");
        initdb.args(["--no-sync", "--username=acuse", "--auth=password", "--encoding=UTF8", "--locale=C"]);
        initdb.arg("--pwfile").arg(&password_file).arg("-D").arg(self.data());
        host::run(&mut initdb).unwrap_or_else(|error| panic!("{error}"));
        fs::remove_file(&password_file).expect("the folder is ours");
    }

    fn configure(&self, settings: &str) {
        let (port, folder) = (self.port, self.folder.display());
        let text = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{folder}'\n\
             max_connections = {MAX_CONNECTIONS}\n{settings}"
        );
        // Read after postgresql.conf, so that it wins over what initdb found out about the machine.
        let conf = self.data().join("postgresql.auto.conf");
        fs::write(&conf, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", conf.display()));
    }

    fn begin(&self) -> Result<(), String> {
        self.control(&["-w", "start", "-l", reaper::path(&self.folder.join("log"))])
    }

    fn control(&self, arguments: &[&str]) -> Result<(), String> {
        let mut pg_ctl = self.as_database_user("pg_ctl");
        host::run(pg_ctl.arg("-D").arg(self.data()).args(arguments)).map(|_said| ())
    }

    /// For the reaper's shell. Fast: it does not wait for clients to leave.
    fn stop_command(&self) -> String {
        let setpriv = database_user().map(become_user).unwrap_or_default().join(" ");
        format!("{setpriv} '{}' -D '{}' -m fast -w stop", self.programs.join("pg_ctl").display(), self.data().display())
    }

    /// PostgreSQL refuses to run as root.
    fn as_database_user(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut command = match database_user() {
            None => Command::new(program),
            Some(user) => {
                let words = become_user(user);
                let mut command = Command::new(&words[0]);
                command.args(&words[1..]).arg(program);
                command
            }
        };
        command.current_dir("/");
        command
    }

    fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn write_address(&self) {
        write_private(&self.folder.join("address"), &format!("{} {}\n", self.port, self.password));
    }

    fn read(folder: &Path) -> Self {
        let address = fs::read_to_string(folder.join("address")).expect("a server with a reaper has an address");
        let (port, password) = address.trim().split_once(' ').expect("port and password");
        let port = port.parse().expect("a port");
        Self { programs: programs(), folder: folder.to_owned(), port, password: password.to_owned() }
    }
}

/// The newest of the versions that Debian keeps side by side.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let number = |path: &Path| path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<u32>().ok());
    let installed = versions.map(|entry| entry.path()).filter(|path| path.join("bin/initdb").exists());
    let newest = installed.filter_map(|path| Some((number(&path)?, path))).max();
    newest.map(|(_, path)| path.join("bin")).unwrap_or_else(|| panic!("PostgreSQL is not installed: apt-get install postgresql"))
}

/// None when this process is not root and runs the server as itself.
fn database_user() -> Option<&'static str> {
    let known = ["postgres", "nobody"].into_iter().find(|name| host::user(name).is_some());
    if host::is_root() { Some(known.expect("every Debian has the user nobody")) } else { None }
}

fn become_user(name: &str) -> Vec<String> {
    let setpriv = host::program("setpriv", "util-linux").display().to_string();
    let user = host::user(name).expect("it was just found");
    vec![setpriv, format!("--reuid={}", user.uid), format!("--regid={}", user.gid), "--clear-groups".to_owned()]
}

fn write_private(path: &Path, text: &str) {
    let opened = File::options().create(true).truncate(true).write(true).mode(0o600).open(path);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    written.unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}
