//! What the tests share: the receipts they print, and the tools that read a PDF back.

use std::path::{Path, PathBuf};
use std::process::Command;

use acuse_domain::receipt::Receipt;
use acuse_render::logo::Logo;
use acuse_render::receipt::receipt_pdf;

pub fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

pub fn receipt(name: &str) -> Receipt {
    let path = here(&format!("data/{name}.json"));
    serde_json::from_slice(&std::fs::read(&path).expect("the receipt is there")).expect("it is a receipt")
}

/// The file exactly as a company uploads it.
pub fn uploaded_logo() -> Vec<u8> {
    std::fs::read(here("data/logo-ferrisierra.png")).expect("the logo is there")
}

pub fn logo() -> Logo {
    Logo::from_upload(&uploaded_logo()).expect("the logo is a picture")
}

/// The PDF of a receipt of the data folder, with the logo where its company has one.
pub fn pdf(name: &str) -> Vec<u8> {
    let receipt = receipt(name);
    let logo = (receipt.company.trade_name.as_deref() == Some("FerriSierra")).then(logo);
    receipt_pdf(&receipt, logo.as_ref()).expect("it prints")
}

/// Writes a PDF where the tools can read it.
pub fn saved(name: &str, pdf: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pdf"));
    std::fs::write(&path, pdf).expect("the folder can be written");
    path
}

/// What a program answers; it must be installed (poppler-utils, zbar-tools, qpdf).
pub fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|reason| panic!("{program} is needed: {reason}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The text of a PDF in the order it is written.
pub fn text_of(name: &str, pdf: &[u8]) -> String {
    let path = saved(&format!("text-{name}"), pdf);
    run("pdftotext", &["-raw", &path.to_string_lossy(), "-"])
}

/// The pages of a PDF as pictures at 110 dpi, in order.
pub fn pictures(name: &str, pdf: &[u8]) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pages-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let path = saved(name, pdf);
    run("pdftoppm", &["-r", "110", "-png", &path.to_string_lossy(), &folder.join("p").to_string_lossy()]);
    let mut pages: Vec<PathBuf> =
        std::fs::read_dir(&folder).expect("it is there").map(|file| file.expect("it is a file").path()).collect();
    pages.sort();
    pages
}
