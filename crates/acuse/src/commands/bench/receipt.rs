//! `acuse bench receipt`: payments recorded through the store → receipt drawn → sent → accepted, all of it durable.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::task::JoinSet;

use super::company::{Company, recipient};
use super::figures::{Line, grouped, median, rate, show};
use super::node::Node;
use super::programs::Sink;
use super::station::Station;
use super::{Runs, failed};
use crate::failure::Failure;

/// People and programs that record at the same time.
const CLERKS: usize = 10;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    runs: Runs,
    /// Cobros de cada corrida.
    #[arg(long, default_value_t = 2_000)]
    payments: usize,
    /// Conexiones simultáneas con el servidor.
    #[arg(long, default_value_t = 10)]
    connections: usize,
    /// Mide al lado un servicio de Node (nodemailer, pdfkit, better-sqlite3) desde esta carpeta.
    #[arg(long, value_name = "CARPETA", num_args = 0..=1, default_missing_value = "bench")]
    compare: Option<PathBuf>,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let node = args.compare.as_deref().map(Node::ready).transpose()?;
    let sink = Sink::start()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..args.runs.runs {
        if let Some(node) = &node {
            theirs.push(node.receipts(sink.port, args.payments)?);
        }
        ours.push(receipts(&sink, &args).await?);
    }
    let line = Line {
        what: "SQLite".to_string(),
        ours: median(&ours),
        against: node.is_some().then(|| ("nodemailer + pdfkit + better-sqlite3".to_string(), median(&theirs))),
        note: String::new(),
    };
    let (count, runs) = (grouped(args.payments as u64), args.runs.runs);
    show(
        &format!(
            "receipt: {count} cobros registrados → recibo → aceptado y anotado; {} conexiones, {runs} corridas",
            args.connections
        ),
        &[line],
    );
    Ok(())
}

async fn receipts(sink: &Sink, args: &Args) -> Result<u64, Failure> {
    let station = Station::on_sqlite().await?;
    let company = Arc::new(Company::found(&station.db).await?);
    company.take_logo(&station.db).await?;
    let delivering = station.deliver_to(sink.port, args.connections)?;
    let begun = Instant::now();
    record_all(&station, &company, args.payments).await?;
    station.all_accepted(company.by.company, args.payments).await?;
    let took = begun.elapsed();
    delivering.stop().await?;
    station.close().await;
    Ok(rate(args.payments, took))
}

async fn record_all(station: &Station, company: &Arc<Company>, payments: usize) -> Result<(), Failure> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut clerks = JoinSet::new();
    for _ in 0..CLERKS {
        let (db, company, next) = (station.db.clone(), company.clone(), next.clone());
        clerks.spawn(async move {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= payments {
                    return Ok::<_, Failure>(());
                }
                company.record(&db, company.payment(index), vec![recipient(index)?]).await?;
            }
        });
    }
    while let Some(clerk) = clerks.join_next().await {
        clerk.map_err(failed)??;
    }
    Ok(())
}
