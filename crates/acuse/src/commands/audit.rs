//! `acuse audit verify`

use std::process::ExitCode;

use acuse_store::audit::{self, Chain};
use acuse_store::{Db, companies};

use crate::commands::terminal::operator_in;
use crate::config::Config;
use crate::database;
use crate::failure::Failure;

#[derive(clap::Subcommand)]
pub enum Audit {
    /// Recorre el historial de cada compañía y dice qué entrada cambió, falta o está fuera de lugar.
    Verify {
        /// El RUC de una compañía; sin esta opción, todas.
        #[arg(long, value_name = "RUC")]
        company: Option<String>,
        /// Número y hash que anotó en otra comprobación: dice si la cadena pasa todavía por allí.
        #[arg(long, value_name = "NÚMERO:HASH", requires = "company")]
        noted: Option<String>,
    },
}

pub async fn run(what: Audit, config: &Config) -> Result<ExitCode, Failure> {
    let Audit::Verify { company, noted } = what;
    let noted = noted.as_deref().map(read_noted).transpose()?;
    let db = database::up_to_date(config).await?;
    let done = verify(&db, company.as_deref(), noted).await;
    let is_whole = database::closed(db, done).await?;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read_noted(typed: &str) -> Result<(i64, String), Failure> {
    let read = typed.split_once(':').and_then(|(seq, hash)| Some((seq.trim().parse().ok()?, hash.trim().to_lowercase())));
    read.ok_or_else(|| Failure::new(format!("--noted: «{typed}» no es NÚMERO:HASH"), "Es lo que mostró otra comprobación."))
}

/// Whether nothing was found.
async fn verify(db: &Db, ruc: Option<&str>, noted: Option<(i64, String)>) -> Result<bool, Failure> {
    let only = match ruc {
        Some(ruc) => Some(operator_in(db, ruc).await?.company),
        None => None,
    };
    let mut is_whole = true;
    let (mut count, mut entries) = (0, 0);
    for listed in companies::list_any_company(db).await? {
        if only.is_some_and(|only| only != listed.id) {
            continue;
        }
        let chain = audit::verify(db, listed.id).await?;
        println!("{} {}", listed.ruc, listed.legal_name);
        print_chain(&chain);
        is_whole &= chain.findings.is_empty();
        (count, entries) = (count + 1, entries + chain.entries);
        if let Some((seq, hash)) = &noted {
            is_whole &= compare(audit::hash_at(db, listed.id, *seq).await?, *seq, hash);
        }
    }
    if is_whole {
        println!("Sin alteraciones. Compañías: {count}; entradas: {entries}.");
    } else {
        println!("El historial fue alterado. docs/auditoria.md dice qué significa cada línea.");
    }
    Ok(is_whole)
}

fn print_chain(chain: &Chain) {
    let Chain { entries, waiting, head, findings, more, .. } = chain;
    println!("  {entries} entradas selladas, {waiting} esperan su sello");
    println!("  para anotar fuera de aquí: {entries}:{head}");
    for finding in findings {
        println!("  ALTERADO: {finding}");
    }
    if *more > 0 {
        println!("  y {more} más");
    }
}

fn compare(hash: Option<String>, seq: i64, noted: &str) -> bool {
    match &hash {
        Some(hash) if hash == noted => println!("  la cadena pasa por lo anotado ({seq})"),
        Some(hash) => println!("  ALTERADO: en la entrada {seq} se anotó {noted} y ahora hay {hash}"),
        None => println!("  ALTERADO: se anotó la entrada {seq}, y la cadena no llega hasta allí"),
    }
    hash.as_deref() == Some(noted)
}
