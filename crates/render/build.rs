//! Takes the fonts that `npm run build` cuts in web/ into this crate, so that the program needs no file beside it.

use std::path::Path;
use std::{env, fs};

const FONTS: [&str; 3] = ["AcuseSans-Regular.ttf", "AcuseSans-Semibold.ttf", "NotoEmoji-Regular.ttf"];

fn main() {
    let made = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../web/dist/fonts");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    for font in FONTS {
        let from = made.join(font);
        println!("cargo::rerun-if-changed={}", from.display());
        if let Err(reason) = fs::copy(&from, Path::new(&out).join(font)) {
            println!(
                "cargo::error=The receipt's font {font} is not in web/dist/fonts ({reason}): run npm ci && npm run build in web/"
            );
        }
    }
}
