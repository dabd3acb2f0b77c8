//! How many receipts one thread prints in a second: `cargo run --release -p acuse-render --example speed`.

use std::path::Path;
use std::time::{Duration, Instant};

use acuse_domain::receipt::Receipt;
use acuse_render::logo::Logo;
use acuse_render::receipt::receipt_pdf;

const MEASURED: Duration = Duration::from_secs(3);

fn main() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let logo = Logo::from_upload(&std::fs::read(data.join("logo-ferrisierra.png")).expect("the logo is there"))
        .expect("it is a picture");
    for (what, file) in [("simple", "cobro-simple"), ("ordinary", "cobro-parcial-anticipo"), ("long", "cobro-200-documentos")] {
        let json = std::fs::read(data.join(format!("{file}.json"))).expect("the receipt is there");
        let mut receipt: Receipt = serde_json::from_slice(&json).expect("it is a receipt");
        receipt_pdf(&receipt, Some(&logo)).expect("it prints");
        let (started, mut count, mut bytes) = (Instant::now(), 0_u64, 0);
        while started.elapsed() < MEASURED {
            count += 1;
            receipt.number = format!("RC-{count:06}");
            bytes = receipt_pdf(&receipt, Some(&logo)).expect("it prints").len();
        }
        let rate = u128::from(count) * 1000 / started.elapsed().as_millis();
        println!("{what:9} {rate:6}/s  {bytes} bytes");
    }
}
