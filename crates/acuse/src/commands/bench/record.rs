//! `acuse bench record`: POST /payments over HTTP by many clients at once, each answered after the commit.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use acuse_domain::day_in_ecuador;
use acuse_domain::id::{DocumentId, PaymentId};
use acuse_domain::money::Money;
use acuse_domain::payment::PaymentLine;
use acuse_server::{App, Services};
use acuse_store::{events, now, tokens};
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::company::{Company, PAID_CENTS};
use super::figures::{Line, grouped, median, percentile, rate, show};
use super::http::Client;
use super::station::Station;
use super::{Runs, failed};
use crate::failure::Failure;

/// Commits of one row that are the denominator.
const COMMITS: usize = 2_000;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    runs: Runs,
    /// Cobros de cada corrida.
    #[arg(long, default_value_t = 5_000)]
    payments: usize,
    /// Clientes simultáneos.
    #[arg(long, default_value_t = 50)]
    clients: usize,
}

/// What one run measured: rates, and how long answers took in microseconds.
struct Run {
    payments: u64,
    commits: u64,
    half: u64,
    slowest: u64,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let mut runs = Vec::new();
    for _ in 0..args.runs.runs {
        runs.push(one_run(&args).await?);
    }
    let middle = |value: fn(&Run) -> u64| median(&runs.iter().map(value).collect::<Vec<_>>());
    let (half, slowest) = (middle(|run| run.half), middle(|run| run.slowest));
    let line = Line {
        what: "SQLite, HTTP".to_string(),
        ours: middle(|run| run.payments),
        against: Some(("commits de una fila".to_string(), middle(|run| run.commits))),
        note: format!("p50 {} ms, p99 {} ms", tenths(half), tenths(slowest)),
    };
    let (count, clients, runs) = (grouped(args.payments as u64), args.clients, args.runs.runs);
    show(&format!("record: {count} POST /api/v1/payments con notify; {clients} clientes, {runs} corridas"), &[line]);
    Ok(())
}

/// Microseconds as milliseconds with one decimal.
fn tenths(micros: u64) -> String {
    format!("{},{}", micros / 1_000, micros % 1_000 / 100)
}

async fn one_run(args: &Args) -> Result<Run, Failure> {
    let station = Station::on_sqlite().await?;
    let company = Arc::new(Company::found(&station.db).await?);
    let commits = one_row_commits(&station, &company).await?;
    let (server, serving) = serve(&station).await?;
    let (_, token) = tokens::create(&station.db, company.by.company, "bench", now()).await?;
    let begun = Instant::now();
    let mut took = post_all(server, token.expose_secret(), &company, args).await?;
    let payments = rate(took.len(), begun.elapsed());
    serving.abort();
    station.close().await;
    took.sort_unstable();
    Ok(Run { payments, commits, half: percentile(&took, 50), slowest: percentile(&took, 99) })
}

/// The denominator: the smallest act of the store, one after the other on the same file, so that each waits for the disk.
async fn one_row_commits(station: &Station, company: &Company) -> Result<u64, Failure> {
    let payment = PaymentId(uuid::Uuid::now_v7());
    let begun = Instant::now();
    for _ in 0..COMMITS {
        events::note_download(&station.db, &company.by, payment.0, now()).await?;
    }
    Ok(rate(COMMITS, begun.elapsed()))
}

async fn serve(station: &Station) -> Result<(SocketAddr, tokio::task::JoinHandle<()>), Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let services = Services {
        db: station.db.clone(),
        keys: station.keys.clone(),
        network: station.network.clone(),
        default_account: None,
        providers: acuse_mail::oauth::Providers::default(),
        public_url: format!("http://{address}"),
        catcher: None,
    };
    let router = acuse_server::router::router(App::new(services));
    let serving = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!("The web server ended: {error}");
        }
    });
    Ok((address, serving))
}

/// Gives how long each answer took, in microseconds.
async fn post_all(server: SocketAddr, token: &str, company: &Arc<Company>, args: &Args) -> Result<Vec<u64>, Failure> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..args.clients {
        let (company, next, most) = (company.clone(), next.clone(), args.payments);
        let mut client = Client::connect(server, token).await.map_err(failed)?;
        clients.spawn(async move {
            let mut took = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= most {
                    return Ok::<_, Failure>(took);
                }
                let body = body(&company, index);
                let begun = Instant::now();
                let answer = client.post("/api/v1/payments", &body).await.map_err(failed)?;
                took.push(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
                if answer.status != 201 {
                    return Err(failed(format!("HTTP {}: {}", answer.status, String::from_utf8_lossy(&answer.body))));
                }
            }
        });
    }
    let mut all = Vec::with_capacity(args.payments);
    while let Some(client) = clients.join_next().await {
        all.extend(client.map_err(failed)??);
    }
    Ok(all)
}

/// The ordinary payment as a program would ask for it: five lines, three documents, one recipient.
fn body(company: &Company, index: usize) -> String {
    let payment = company.payment(index);
    let customer = company.customer(index);
    let line = |line: &PaymentLine| {
        json!({ "method": line.method.as_str(), "amount": line.amount.plain(), "reference": line.reference, "bank": line.bank,
            "account": line.account, "date": line.date.map(|date| date.to_string()), "kind": line.kind.map(|kind| kind.as_str()),
            "tax": line.tax })
    };
    let paid =
        |(id, cents): (&DocumentId, i64)| json!({ "document_id": id.0.to_string(), "amount": Money::from_cents(cents).plain() });
    json!({
        "direction": "received",
        "contact_id": customer.contact.0.to_string(),
        "date": day_in_ecuador(now()).to_string(),
        "lines": payment.lines.iter().map(line).collect::<Vec<_>>(),
        "allocations": customer.invoices.iter().zip(PAID_CENTS).map(paid).collect::<Vec<_>>(),
        "description": payment.description,
        "notify": true,
    })
    .to_string()
}
