//! `acuse bench deliver`: queued deliveries whose PDF is already drawn → accepted, every outcome durable.

use std::time::Instant;

use acuse_domain::email_address::EmailAddress;

use super::company::{Company, recipient};
use super::figures::{Line, grouped, median, rate, show};
use super::postgres::Postgres;
use super::programs::Sink;
use super::station::Station;
use super::{Runs, failed};
use crate::failure::Failure;

/// A payment's PDF is drawn for its first recipient and kept for the others.
const RECIPIENTS: usize = 500;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    runs: Runs,
    /// Envíos de cada corrida.
    #[arg(long, default_value_t = 5_000)]
    deliveries: usize,
    /// Conexiones simultáneas con el servidor.
    #[arg(long, default_value_t = 10)]
    connections: usize,
    /// Una base PostgreSQL vacía; sin ella se inicia una propia, si está instalado.
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let sink = Sink::start()?;
    let own = if args.postgres.is_some() { None } else { Postgres::start()? };
    let postgres = args.postgres.as_deref().or(own.as_ref().map(|own| own.url.as_str()));
    let size = mail_size().await?;
    let (mut source, mut on_sqlite, mut on_postgres) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..args.runs.runs {
        source.push(sink.flood(args.deliveries, args.connections)?);
        on_sqlite.push(deliver(Station::on_sqlite().await?, &sink, &args).await?);
        if let Some(url) = postgres {
            on_postgres.push(deliver(Station::on_postgres(url).await?, &sink, &args).await?);
        }
    }
    let against = ("smtp-source".to_string(), median(&source));
    let line = |what: &str, rates: &[u64]| Line {
        what: what.to_string(),
        ours: median(rates),
        against: Some(against.clone()),
        note: String::new(),
    };
    let mut lines = vec![line("SQLite", &on_sqlite)];
    if on_postgres.is_empty() {
        println!("PostgreSQL no se midió: instale postgresql o indique --postgres URL.");
    } else {
        lines.push(line("PostgreSQL", &on_postgres));
    }
    let (count, runs) = (grouped(args.deliveries as u64), args.runs.runs);
    let how = format!("{} conexiones, {runs} corridas", args.connections);
    show(&format!("deliver: {count} envíos en cola, de {} KB → aceptados y anotados; {how}", size / 1_000), &lines);
    Ok(())
}

/// Bytes of one of the mails; smtp-source's are 40,000.
async fn mail_size() -> Result<usize, Failure> {
    let station = Station::on_sqlite().await?;
    let company = Company::found(&station.db).await?;
    let payment = company.record(&station.db, company.small_payment(0), vec![recipient(0)?]).await?;
    let size = station.mail_size(company.by.company, payment).await?;
    station.close().await;
    Ok(size)
}

async fn deliver(station: Station, sink: &Sink, args: &Args) -> Result<u64, Failure> {
    let company = Company::found(&station.db).await?;
    let mut queued = 0;
    while queued < args.deliveries {
        let next = RECIPIENTS.min(args.deliveries - queued);
        let to: Vec<EmailAddress> = (queued..queued + next).map(recipient).collect::<Result<_, _>>()?;
        company.record(&station.db, company.small_payment(queued / RECIPIENTS), to).await?;
        queued += next;
    }
    let begun = Instant::now();
    let delivering = station.deliver_to(sink.port, args.connections)?;
    station.all_accepted(company.by.company, args.deliveries).await?;
    let took = begun.elapsed();
    delivering.stop().await.map_err(failed)?;
    station.close().await;
    Ok(rate(args.deliveries, took))
}
