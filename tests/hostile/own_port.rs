//! A server that does not announce where it listens: its public address is another, or its log is JSON.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use tokio::time::sleep;

use crate::installation::Installation;

/// A debug build on a busy machine takes seconds to start.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// It is killed when dropped.
pub struct OwnPort {
    child: Child,
    log: PathBuf,
    pub url: String,
    http: Client,
}

impl OwnPort {
    /// With one more setting.
    pub async fn start(installation: &Installation, (name, value): (&str, &str)) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let (listen, log) = (format!("127.0.0.1:{port}"), installation.beside(&format!("log-{port}")));
        let mut command = installation.command(&["serve"]);
        command.env(name, value).env("ACUSE_LISTEN", &listen);
        let child = command.stdout(Stdio::null()).stderr(File::create(&log).expect("a log file")).spawn().expect("it starts");
        let http = Client::builder().redirect(Policy::none()).no_proxy().build().expect("a client");
        let server = Self { child, log, url: format!("http://{listen}"), http };
        let begun = Instant::now();
        while !server.get("/readyz").send().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(begun.elapsed() < START_TIMEOUT, "not ready within {START_TIMEOUT:?}: {}", server.log());
            sleep(POLL).await;
        }
        server
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.url))
    }

    /// A form as a page of its own sends it.
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.url)).header("sec-fetch-site", "same-origin").form(fields)
    }
}

impl Drop for OwnPort {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
