//! The same work done with Node's usual parts, by the scripts under bench/.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::failed;
use super::programs::program;
use crate::failure::Failure;

/// Where Debian's and NodeSource's packages keep the headers that better-sqlite3 is built with.
const HEADERS: &str = "/usr/include/node/node.h";

pub struct Node {
    node: PathBuf,
    folder: PathBuf,
}

impl Node {
    /// Installs what the folder's lock file names, where it is not there yet.
    pub fn ready(folder: &Path) -> Result<Self, Failure> {
        let folder = folder.canonicalize().map_err(|error| {
            Failure::new(format!("{}: {error}", folder.display()), "Indique la carpeta bench del código: --compare bench")
        })?;
        if !folder.join("node_modules").exists() {
            let mut npm = Command::new(program("npm", "npm")?);
            if Path::new(HEADERS).exists() {
                npm.env("npm_config_nodedir", "/usr");
            }
            let ended = npm.arg("ci").current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::null()).status().map_err(failed)?;
            if !ended.success() {
                return Err(failed(format!("npm ci en {}: {ended}", folder.display())));
            }
        }
        Ok(Self { node: program("node", "nodejs")?, folder })
    }

    /// Receipts a second, by nodemailer, pdfkit and better-sqlite3.
    pub fn receipts(&self, port: u16, payments: usize) -> Result<u64, Failure> {
        let database = tempfile::Builder::new().prefix("acuse-bench-").tempdir().map_err(failed)?;
        let file = database.path().join("node.db").display().to_string();
        let rates = self.rates("receipts.mjs", &[&port.to_string(), &payments.to_string(), &file])?;
        rates.get("per_second").copied().ok_or_else(|| failed("receipts.mjs no dijo cuántos"))
    }

    /// Receipts a second that pdfkit draws, by their name.
    pub fn renderings(&self) -> Result<BTreeMap<String, u64>, Failure> {
        self.rates("render.mjs", &[])
    }

    fn rates(&self, script: &str, arguments: &[&str]) -> Result<BTreeMap<String, u64>, Failure> {
        let mut command = Command::new(&self.node);
        let said = command.arg(script).args(arguments).current_dir(&self.folder).stdin(Stdio::null()).output().map_err(failed)?;
        if !said.status.success() {
            return Err(failed(format!("{script}: {}", String::from_utf8_lossy(&said.stderr))));
        }
        serde_json::from_slice(&said.stdout).map_err(failed)
    }
}
