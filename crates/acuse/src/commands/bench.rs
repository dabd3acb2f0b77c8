//! `acuse bench`: what this machine does in a second, beside what it could do at most in the same run.
//!
//! Each measure is the median of several runs, and its denominator is measured in turn with it: machines are noisy, so only
//! the ratio says something. Nothing of an installation is touched; every database is a new one.

mod company;
mod deliver;
mod figures;
mod http;
mod node;
mod postgres;
mod programs;
mod receipt;
mod record;
mod render;
mod station;

use crate::failure::Failure;

#[derive(clap::Subcommand)]
pub enum Bench {
    /// Envíos en cola, con su PDF ya hecho, hasta que el servidor los acepta y consta en la base.
    Deliver(deliver::Args),
    /// Cobros registrados, su recibo en PDF, enviado y aceptado.
    Receipt(receipt::Args),
    /// Recibos en PDF, en un solo hilo.
    Render(render::Args),
    /// Cobros registrados por la API, cada uno respondido cuando ya consta.
    Record(record::Args),
}

pub async fn run(what: Bench) -> Result<(), Failure> {
    match what {
        Bench::Deliver(args) => deliver::run(args).await,
        Bench::Receipt(args) => receipt::run(args).await,
        Bench::Render(args) => render::run(&args),
        Bench::Record(args) => record::run(args).await,
    }
}

/// How often each measure is taken; the median counts.
#[derive(clap::Args)]
struct Runs {
    /// Corridas de cada medida; vale la mediana.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=99))]
    runs: u32,
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("la medida no se pudo hacer: {error}"), "")
}
