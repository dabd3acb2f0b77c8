//! `acuse token …`: programs that use the API, and how that is taken back.

use acuse_domain::access::token_name;
use acuse_store::tokens::{self, TokenInfo};
use acuse_store::{Db, now};
use secrecy::ExposeSecret;
use serde_json::json;
use uuid::Uuid;

use crate::commands::terminal::{moment, operator_in, print_list, text, timestamp};
use crate::config::Config;
use crate::database;
use crate::failure::Failure;

#[derive(clap::Subcommand)]
pub enum Token {
    /// Crea un token de la API y lo muestra, solo esta vez.
    Create {
        /// El RUC de la compañía.
        #[arg(long, value_name = "RUC")]
        company: String,
        /// Para qué es; se ve en la historia.
        #[arg(long)]
        name: String,
    },
    /// Los tokens con su compañía y su último uso; nunca el secreto.
    List {
        /// Solo los de la compañía con este RUC.
        #[arg(long, value_name = "RUC")]
        company: Option<String>,
        /// También los revocados.
        #[arg(long)]
        all: bool,
        /// Una línea de JSON.
        #[arg(long)]
        json: bool,
    },
    /// Revoca en seguida un token: por su id, o por su compañía y nombre.
    Revoke {
        /// Como lo muestra «acuse token list».
        #[arg(value_name = "ID", required_unless_present = "name")]
        id: Option<Uuid>,
        /// El RUC de la compañía.
        #[arg(long, value_name = "RUC", requires = "name")]
        company: Option<String>,
        #[arg(long, requires = "company", conflicts_with = "id")]
        name: Option<String>,
    },
}

pub async fn run(what: Token, config: &Config) -> Result<(), Failure> {
    let db = database::up_to_date(config).await?;
    let done = match what {
        Token::Create { company, name } => create(&db, &company, &name).await,
        Token::List { company, all, json } => list(&db, company.as_deref(), all, json).await,
        Token::Revoke { id, company, name } => revoke(&db, id, company.zip(name)).await,
    };
    database::closed(db, done).await
}

async fn create(db: &Db, company: &str, name: &str) -> Result<(), Failure> {
    let company = operator_in(db, company).await?.company;
    let name = text("--name", token_name(name))?;
    let (_, token) = tokens::create(db, company, &name, now()).await?;
    println!("{}", token.expose_secret());
    eprintln!("Guárdelo: no se vuelve a mostrar.");
    Ok(())
}

async fn list(db: &Db, company: Option<&str>, all: bool, as_json: bool) -> Result<(), Failure> {
    let company = match company {
        Some(ruc) => Some(operator_in(db, ruc).await?.company),
        None => None,
    };
    let mut found = tokens::list_any_company(db).await?;
    found.retain(|one| company.is_none_or(|company| one.company == company) && (all || one.revoked_at.is_none()));
    let row = |one: &TokenInfo| {
        let cells = vec![
            one.id.to_string(),
            one.name.clone(),
            one.ruc.to_string(),
            moment(Some(one.created_at)),
            moment(one.last_used_at),
            moment(one.revoked_at),
        ];
        let value = json!({
            "id": one.id.to_string(), "name": one.name, "company": one.ruc.to_string(),
            "created_at": timestamp(Some(one.created_at)), "last_used_at": timestamp(one.last_used_at),
            "revoked_at": timestamp(one.revoked_at),
        });
        (cells, value)
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    print_list(as_json, &["ID", "NOMBRE", "COMPAÑÍA", "CREADO", "ÚLTIMO USO", "REVOCADO"], &rows);
    Ok(())
}

/// Those with this name that still open something.
async fn named(db: &Db, company: &str, name: &str) -> Result<Vec<TokenInfo>, Failure> {
    let company = operator_in(db, company).await?.company;
    // As earlier versions kept it, or as it is kept now.
    let is_named = |one: &TokenInfo| one.name == name || token_name(name).is_ok_and(|name| one.name == name);
    let all = tokens::list_any_company(db).await?.into_iter();
    Ok(all.filter(|one| one.company == company && is_named(one) && one.revoked_at.is_none()).collect())
}

async fn revoke(db: &Db, id: Option<Uuid>, name: Option<(String, String)>) -> Result<(), Failure> {
    let wanted: Vec<TokenInfo> = match (id, name) {
        (Some(id), _) => tokens::list_any_company(db).await?.into_iter().filter(|one| one.id.0 == id).collect(),
        (None, Some((company, name))) => named(db, &company, &name).await?,
        (None, None) => Vec::new(),
    };
    match wanted.as_slice() {
        [] => Err(Failure::new("no hay un token así", "«acuse token list» los muestra.")),
        [one] if tokens::revoke(db, one.company, one.id, now()).await? => {
            println!("El token «{}» se revocó: ya no da acceso.", one.name);
            Ok(())
        }
        [one] => Err(Failure::new(format!("el token «{}» ya estaba revocado", one.name), "")),
        several => {
            let ids: Vec<String> = several.iter().map(|one| one.id.to_string()).collect();
            Err(Failure::new("hay varios tokens con ese nombre", format!("Revoque cada uno por su id: {}", ids.join(", "))))
        }
    }
}
