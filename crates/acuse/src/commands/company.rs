//! `acuse company create|list`

use acuse_domain::identification::Ruc;
use acuse_domain::input::Errors;
use acuse_domain::input::company::{Field, ProfileInput};
use acuse_store::{companies, now};
use serde_json::json;

use crate::commands::terminal::{address, moment, print_list, timestamp};
use crate::config::Config;
use crate::database;
use crate::failure::Failure;

#[derive(clap::Subcommand)]
pub enum Company {
    /// Agrega una compañía; la primera empieza la instalación.
    Create {
        #[arg(long)]
        ruc: String,
        /// Razón social.
        #[arg(long)]
        name: String,
        /// A dónde llegan las respuestas a sus recibos.
        #[arg(long)]
        email: Option<String>,
    },
    /// Las compañías, con cuántos usuarios y tokens tienen.
    List {
        /// Una línea de JSON.
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(what: Company, config: &Config) -> Result<(), Failure> {
    match what {
        Company::Create { ruc, name, email } => create(&ruc, &name, email.as_deref(), config).await,
        Company::List { json } => list(json, config).await,
    }
}

async fn create(ruc: &str, name: &str, email: Option<&str>, config: &Config) -> Result<(), Failure> {
    let ruc: Ruc = ruc.parse().map_err(|error| Failure::new(format!("--ruc: {error}"), ""))?;
    if ruc.doubt().is_some() {
        eprintln!("Aviso: el dígito verificador de {ruc} no coincide. El SRI emite algunos así; compruébelo.");
    }
    // An empty option is no address, and not one that was left out as in a form.
    let email = email.map(address).transpose()?.map(|email| email.to_string());
    let input = ProfileInput { legal_name: Some(name.to_owned()), email, ..ProfileInput::default() };
    let profile = input.read().map_err(refused)?;
    let db = database::begun(config).await?;
    let created = companies::create(&db, &ruc, &profile, now()).await.map_err(|error| match error {
        companies::CreateError::RucTaken => Failure::new(format!("ya hay una compañía con RUC {ruc}"), ""),
        companies::CreateError::Store(error) => error.into(),
    });
    let id = database::closed(db, created).await?;
    println!("{id}");
    Ok(())
}

/// The first thing that is wrong with the name: the address was read before.
fn refused(errors: Errors<Field>) -> Failure {
    let first = errors.into_iter().next();
    Failure::new(format!("--name: {}", first.map(|(_, message)| message.to_string()).unwrap_or_default()), "")
}

async fn list(as_json: bool, config: &Config) -> Result<(), Failure> {
    let db = database::up_to_date(config).await?;
    let found = companies::list_any_company(&db).await.map_err(Failure::from);
    let found = database::closed(db, found).await?;
    let rows: Vec<_> = found
        .iter()
        .map(|one| {
            let cells = vec![
                one.ruc.to_string(),
                one.legal_name.clone(),
                one.users.to_string(),
                one.tokens.to_string(),
                moment(Some(one.created_at)),
            ];
            let value = json!({
                "id": one.id.to_string(), "ruc": one.ruc.to_string(), "name": one.legal_name, "users": one.users,
                "tokens": one.tokens, "created_at": timestamp(Some(one.created_at)),
            });
            (cells, value)
        })
        .collect();
    print_list(as_json, &["RUC", "COMPAÑÍA", "USUARIOS", "TOKENS", "CREADA"], &rows);
    Ok(())
}
