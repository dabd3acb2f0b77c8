//! `acuse bench render`: receipts drawn one after the other in one thread.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use acuse_domain::receipt::Receipt;
use acuse_render::logo::Logo;
use acuse_render::receipt::receipt_pdf;

use super::company::LOGO;
use super::figures::{Line, median, rate, show};
use super::node::Node;
use super::{Runs, failed};
use crate::failure::Failure;

/// Long enough that a pause of the machine does not decide.
const MEASURED: Duration = Duration::from_secs(2);

const SIMPLE: &str = include_str!("../../../../../bench/receipts/simple.json");
const ORDINARY: &str = include_str!("../../../../../bench/receipts/ordinary.json");
const LONG: &str = include_str!("../../../../../bench/receipts/long.json");
/// The receipt's name, what it has, and its text.
const RECEIPTS: [(&str, &str, &str); 3] = [
    ("simple", "simple (1 forma, 1 documento)", SIMPLE),
    ("ordinary", "usual (5 formas, 3 documentos)", ORDINARY),
    ("long", "largo (200 documentos)", LONG),
];

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    runs: Runs,
    /// Mide al lado pdfkit con los mismos textos y letras, desde esta carpeta.
    #[arg(long, value_name = "CARPETA", num_args = 0..=1, default_missing_value = "bench")]
    compare: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let node = args.compare.as_deref().map(Node::ready).transpose()?;
    let logo = Logo::from_upload(LOGO).map_err(failed)?;
    let mut ours = [const { Vec::new() }; RECEIPTS.len()];
    let mut theirs = [const { Vec::new() }; RECEIPTS.len()];
    let mut bytes = [0; RECEIPTS.len()];
    for _ in 0..args.runs.runs {
        let rates = node.as_ref().map(Node::renderings).transpose()?;
        for (place, (name, _, text)) in RECEIPTS.iter().enumerate() {
            let (rate, size) = renderings(text, &logo)?;
            ours[place].push(rate);
            bytes[place] = size;
            theirs[place].extend(rates.as_ref().and_then(|rates| rates.get(*name)).copied());
        }
    }
    let line = |(place, (_, what, _)): (usize, &(&str, &str, &str))| Line {
        what: (*what).to_string(),
        ours: median(&ours[place]),
        against: node.is_some().then(|| ("pdfkit".to_string(), median(&theirs[place]))),
        note: format!("{} KB", bytes[place] / 1_000),
    };
    let lines: Vec<Line> = RECEIPTS.iter().enumerate().map(line).collect();
    show(&format!("render: recibos en PDF etiquetado con logotipo, un hilo, {} corridas", args.runs.runs), &lines);
    Ok(())
}

fn renderings(text: &str, logo: &Logo) -> Result<(u64, usize), Failure> {
    let mut receipt: Receipt = serde_json::from_str(text).map_err(failed)?;
    let mut bytes = receipt_pdf(&receipt, Some(logo)).map_err(failed)?.len();
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < MEASURED {
        count += 1;
        receipt.number = format!("RC-{count:06}");
        bytes = receipt_pdf(&receipt, Some(logo)).map_err(failed)?.len();
    }
    Ok((rate(count, begun.elapsed()), bytes))
}
