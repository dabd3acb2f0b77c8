//! A folder with a database, one company, its owner and a token, made by the commands; and servers started on it.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use tempfile::TempDir;

const RUC: &str = "1790012344001";
pub const EMAIL: &str = "ana@cotopaxi.ec";
pub const PASSWORD: &str = "una clave larga";
/// A debug build on a busy machine takes seconds to start.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

pub struct Installation {
    folder: TempDir,
    pub token: String,
}

impl Installation {
    /// With `Distribuidora Cotopaxi`, her owner Ana and a token.
    pub fn new() -> Self {
        let mut installation = Self::empty();
        installation.succeed(&["company", "create", "--ruc", RUC, "--name", "Distribuidora Cotopaxi"], "");
        installation.succeed(&["user", "create", "--email", EMAIL, "--company", RUC], PASSWORD);
        let token = installation.succeed(&["token", "create", "--company", RUC, "--name", "ERP"], "");
        installation.token = token.trim().to_string();
        installation
    }

    /// A folder in which nothing was done yet.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder"), token: String::new() }
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn database(&self) -> PathBuf {
        self.data_dir().join("acuse.db")
    }

    /// Puts the database elsewhere, with its log: a command may have ended before that was written into it.
    pub fn move_database(&self, to: &Path) {
        for part in ["", "-wal", "-shm"] {
            let named = |path: &Path| path.with_extension(format!("db{part}"));
            if named(&self.database()).exists() {
                fs::rename(named(&self.database()), named(to)).expect("the folder is ours");
            }
        }
    }

    /// A path beside the data folder, for backups and the like.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `acuse` with its settings in the environment and nothing of the machine's own.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        self.surround(&mut command);
        command.args(arguments);
        command
    }

    /// The same through a shell: `sh("ulimit -n 64; exec \"$0\" serve")`, for limits and masks.
    pub fn sh(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        self.surround(&mut command);
        command.args(["-c", script]).arg(binary());
        command
    }

    fn surround(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("ACUSE_DATA_DIR", self.data_dir())
            .env("ACUSE_LISTEN", "127.0.0.1:0")
            .env("TMPDIR", self.folder.path())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
    }

    /// Runs a command to its end with these words on its standard input.
    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        // A command that asks for nothing may have ended already.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        child.wait_with_output().expect("the command ends")
    }

    /// Runs a command that must succeed, and gives its standard output.
    pub fn succeed(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "acuse {arguments:?} failed with {:?}: {errors}", output.status.code());
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// `acuse serve` on a port of its own, ready to answer.
    pub async fn serve(&self) -> Server {
        self.start(self.command(&["serve"])).await
    }

    /// Starts what is to become a server, such as `command(&["serve"])` with more settings.
    pub async fn start(&self, command: Command) -> Server {
        let server = self.begin(command).await;
        let begun = Instant::now();
        while !matches!(server.get("/readyz").send().await, Ok(answer) if answer.status() == StatusCode::OK) {
            assert!(begun.elapsed() < START_TIMEOUT, "not ready within {START_TIMEOUT:?}: {}", server.log());
            tokio::time::sleep(POLL).await;
        }
        server
    }

    /// The same for one that need not become ready: it listens.
    pub async fn begin(&self, mut command: Command) -> Server {
        let log = self.beside(&format!("log-{:08x}", rand::random::<u32>()));
        let child =
            command.stdout(Stdio::null()).stderr(File::create(&log).expect("a log file")).spawn().expect("the server starts");
        let mut server = Server { child, log, url: String::new(), token: self.token.clone(), http: client() };
        let begun = Instant::now();
        server.url = loop {
            if let Some(url) = server.announced_url() {
                break url;
            }
            if let Some(status) = server.child.try_wait().expect("a child") {
                panic!("the server ended with {status}: {}", server.log());
            }
            assert!(begun.elapsed() < START_TIMEOUT, "no address within {START_TIMEOUT:?}: {}", server.log());
            tokio::time::sleep(POLL).await;
        };
        server
    }
}

/// A running server; it is killed when dropped.
pub struct Server {
    child: Child,
    log: PathBuf,
    pub url: String,
    token: String,
    http: Client,
}

impl Server {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `127.0.0.1:port`, for raw connections.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// A request without cookies or token; redirects are not followed.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.url))
    }

    /// A request to the API with the installation's token: `api(Method::POST, "/contacts")`.
    pub fn api(&self, method: Method, path: &str) -> RequestBuilder {
        self.api_as(&self.token, method, path)
    }

    /// The same with another token.
    pub fn api_as(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/api/v1{path}", self.url)).bearer_auth(token)
    }

    /// A form as a page of this server posts it, with a session's cookies.
    pub fn form(&self, session: &str, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        self.post(session, path).form(fields)
    }

    /// The same with a body still to be given.
    pub fn post(&self, session: &str, path: &str) -> RequestBuilder {
        self.http
            .post(format!("{}{path}", self.url))
            .header("Origin", &self.url)
            .header("Sec-Fetch-Site", "same-origin")
            .header("Cookie", session)
    }

    /// Logs Ana in and gives the cookies of her session.
    pub async fn log_in(&self) -> String {
        let answer = self.form("", "/entrar", &[("correo", EMAIL), ("clave", PASSWORD)]).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "the login is refused: {}", self.log());
        let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
        cookies.filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ")
    }

    /// A line of /proc/PID/status in KiB, such as `VmHWM` (the peak of what it held in memory) or `VmRSS`.
    pub fn memory(&self, line: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a running process");
        let found = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
        found.and_then(|text| text.split_whitespace().next()?.parse().ok()).expect("a number of KiB")
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(&mut self) {
        let pid = self.pid().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        let begun = Instant::now();
        while self.child.try_wait().expect("a child").is_none() {
            assert!(begun.elapsed() < STOP_TIMEOUT, "it does not stop: {}", self.log());
            sleep(POLL);
        }
    }

    /// SIGKILL: what a power cut does.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn announced_url(&self) -> Option<String> {
        let log = self.log();
        let (_, rest) = log.split_once(" at http://")?;
        let (address, _) = rest.split_once('\n')?;
        Some(format!("http://{}", address.trim()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_acuse"))
}

fn client() -> Client {
    // Both of rustls' providers are in the tree; it refuses to choose one by itself.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(Policy::none()).no_proxy().timeout(Duration::from_secs(60)).build().expect("a client")
}
