//! What the commands ask a person, and how they show lists.

use std::io::{IsTerminal, stdin};

use acuse_domain::Instant;
use acuse_domain::email_address::{EmailAddress, InvalidEmailAddress};
use acuse_domain::identification::Ruc;
use acuse_domain::text::TextError;
use acuse_store::{Actor, Db, companies};
use secrecy::SecretString;
use serde_json::Value;

use crate::failure::Failure;

/// Between the columns of a list.
const GAP: &str = "  ";

/// Reads a secret from the terminal without showing it, or a line of standard input.
pub fn ask_password(prompt: &str) -> Result<SecretString, Failure> {
    let unread = |error: std::io::Error| Failure::new(format!("la contraseña no se pudo leer: {error}"), "");
    if stdin().is_terminal() {
        return rpassword::prompt_password(prompt).map(SecretString::from).map_err(unread);
    }
    let mut line = String::new();
    stdin().read_line(&mut line).map_err(unread)?;
    Ok(SecretString::from(line.trim_end_matches(['\r', '\n']).to_string()))
}

/// Columns under their heads, or one line of JSON: `{"data":[…]}`.
pub fn print_list(json: bool, heads: &[&str], rows: &[(Vec<String>, Value)]) {
    if json {
        let data: Vec<&Value> = rows.iter().map(|(_, value)| value).collect();
        println!("{}", serde_json::json!({ "data": data }));
        return;
    }
    let width = |place: usize| {
        let cells = rows.iter().filter_map(|(cells, _)| cells.get(place)).map(|cell| cell.chars().count());
        cells.max().unwrap_or(0).max(heads[place].chars().count())
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let heads: Vec<String> = heads.iter().map(ToString::to_string).collect();
    for cells in std::iter::once(&heads).chain(rows.iter().map(|(cells, _)| cells)) {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width));
        println!("{}", padded.collect::<Vec<_>>().join(GAP).trim_end());
    }
}

/// A moment as people here read it; a dash where it never came.
pub fn moment(at: Option<Instant>) -> String {
    at.map_or_else(|| "—".to_string(), |at| acuse_domain::local_time(at).format("%d/%m/%Y %H:%M").to_string())
}

/// A moment as programs read it (RFC 3339, UTC).
pub fn timestamp(at: Option<Instant>) -> Value {
    at.map_or(Value::Null, |at| at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true).into())
}

/// Whoever is at the command line, in the company with this RUC.
pub async fn operator_in(db: &Db, ruc: &str) -> Result<Actor, Failure> {
    operator_by("--company", db, ruc).await
}

/// The same where another option names the company.
pub async fn operator_by(option: &str, db: &Db, ruc: &str) -> Result<Actor, Failure> {
    let ruc: Ruc = ruc.parse().map_err(|error| Failure::new(format!("{option}: {error}"), ""))?;
    let found = companies::find_by_ruc_any_company(db, &ruc).await?;
    let none = || {
        let what = format!("no hay una compañía con RUC {ruc}");
        Failure::new(what, "«acuse company list» las muestra; «acuse company create» agrega una.")
    };
    found.map(|company| Actor::operator(company.id)).ok_or_else(none)
}

/// What the domain made of an option's text.
pub fn text(option: &str, read: Result<String, TextError>) -> Result<String, Failure> {
    read.map_err(|error| Failure::new(format!("{option}: {error}"), "Escríbalo en una línea."))
}

pub fn address(typed: &str) -> Result<EmailAddress, Failure> {
    let address: EmailAddress = typed.parse().map_err(|error: InvalidEmailAddress| Failure::new(error.to_string(), ""))?;
    warn_of_slip(&address);
    Ok(address)
}

fn warn_of_slip(address: &EmailAddress) {
    if let Some(meant) = address.meant() {
        eprintln!("Aviso: {address} parece un error de escritura. ¿Quiso decir {meant}?");
    }
}
