//! Names the embedded web files by their content, so that browsers may keep them for ever.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use sha2::{Digest, Sha256};

/// Hex digits of SHA-256 in the address: enough that two builds never share one.
const DIGITS: usize = 12;

fn main() {
    let dist = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR")).join("../../web/dist");
    println!("cargo:rerun-if-changed={}", dist.display());
    println!("cargo:rerun-if-changed=build.rs");
    let files = files_under(&dist);
    if !files.iter().any(|file| file.ends_with("acuse.css")) {
        eprintln!("web/dist is missing: run `npm ci && npm run build` in web/ (or ./run, which does it)");
        process::exit(1);
    }
    let mut all = Sha256::new();
    for file in files {
        all.update(fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())));
    }
    let hash: String = all.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    println!("cargo:rustc-env=ACUSE_ASSETS={}", &hash[..DIGITS]);
}

/// In the order of their names, so that the same files give the same hash. Empty if there is no such folder.
fn files_under(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.into_iter().flat_map(|path| if path.is_dir() { files_under(&path) } else { vec![path] }).collect()
}
