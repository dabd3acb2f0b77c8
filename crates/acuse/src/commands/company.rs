//! `acuse company create|list|archive|reopen|export|delete`

use std::io::Write;
use std::path::{Path, PathBuf};

use acuse_domain::identification::Ruc;
use acuse_domain::input::Errors;
use acuse_domain::input::company::{Field, ProfileInput};
use acuse_store::deletion::{self, DeletionError};
use acuse_store::user_mails::Post;
use acuse_store::{Actor, Db, archive, companies, now};
use serde_json::json;
use tempfile::NamedTempFile;

use crate::commands::terminal::{self, address, moment, print_list, timestamp};
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
    /// Archiva una compañía: se lee, y nadie registra ni envía.
    Archive {
        #[arg(long)]
        ruc: String,
    },
    /// Abre de nuevo una compañía archivada.
    Reopen {
        #[arg(long)]
        ruc: String,
    },
    /// Guarda todo lo de una compañía en un ZIP: JSON, recibos en PDF y logos, sin contraseñas.
    Export {
        #[arg(long)]
        ruc: String,
        /// El ZIP, que todavía no existe.
        #[arg(long, value_name = "ARCHIVO")]
        to: PathBuf,
    },
    /// Pide que se elimine una compañía archivada y exportada, o lo confirma o cancela.
    Delete {
        #[arg(long)]
        ruc: String,
        /// Confirma lo que otra persona pidió, cuando pasó el plazo: borra todo lo de la compañía.
        #[arg(long, conflicts_with = "cancel")]
        confirm: bool,
        /// No se elimina.
        #[arg(long)]
        cancel: bool,
    },
}

pub async fn run(what: Company, config: &Config) -> Result<(), Failure> {
    match what {
        Company::Create { ruc, name, email } => create(&ruc, &name, email.as_deref(), config).await,
        Company::List { json } => list(json, config).await,
        other => with_one(other, config).await,
    }
}

/// What is done with a company that is there.
async fn with_one(what: Company, config: &Config) -> Result<(), Failure> {
    let db = database::up_to_date(config).await?;
    let done = match what {
        Company::Archive { ruc } => archive(&db, &ruc).await,
        Company::Reopen { ruc } => reopen(&db, &ruc).await,
        Company::Export { ruc, to } => export(&db, &ruc, &to).await,
        Company::Delete { ruc, confirm: true, .. } => confirm_deletion(&db, &ruc).await,
        Company::Delete { ruc, cancel: true, .. } => cancel_deletion(&db, &ruc).await,
        Company::Delete { ruc, .. } => ask_deletion(&db, &ruc, config).await,
        Company::Create { .. } | Company::List { .. } => Ok(()),
    };
    database::closed(db, done).await
}

async fn archive(db: &Db, ruc: &str) -> Result<(), Failure> {
    let by = operator_in(db, ruc).await?;
    let done = archive::archive(db, &by, Post::ByHand, now()).await?;
    println!("{}", if done { "La compañía quedó archivada." } else { "La compañía ya estaba archivada." });
    Ok(())
}

async fn reopen(db: &Db, ruc: &str) -> Result<(), Failure> {
    let by = operator_in(db, ruc).await?;
    let done = archive::reopen(db, &by, Post::ByHand, now()).await?;
    println!("{}", if done { "La compañía está abierta de nuevo." } else { "La compañía ya estaba abierta." });
    Ok(())
}

/// Written beside its name, and given the name when it is whole.
async fn export(db: &Db, ruc: &str, to: &Path) -> Result<(), Failure> {
    let by = operator_in(db, ruc).await?;
    if to.exists() {
        return Err(Failure::new(format!("{} ya existe", to.display()), "Elija otro nombre."));
    }
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unwritten = |error: std::io::Error| Failure::new(format!("{} no se pudo escribir: {error}", to.display()), "");
    let mut file = NamedTempFile::new_in(folder).map_err(unwritten)?;
    let begun = acuse_server::export::begin(db.clone(), by, None).await;
    let mut pieces = begun.map_err(|_| Failure::new("hay demasiado trabajo en este momento", "Intente de nuevo."))?;
    while let Some(piece) = pieces.recv().await {
        file.write_all(&piece.map_err(unwritten)?).map_err(unwritten)?;
    }
    file.as_file().sync_all().map_err(unwritten)?;
    file.persist_noclobber(to).map_err(|error| unwritten(error.error))?;
    println!("{}", to.display());
    Ok(())
}

async fn ask_deletion(db: &Db, ruc: &str, config: &Config) -> Result<(), Failure> {
    let by = operator_in(db, ruc).await?;
    let asked = deletion::ask(db, &by, config.company_deletion_wait, Post::ByHand, now()).await.map_err(not_deleted)?;
    println!("Se pidió eliminarla. Un administrador de la compañía puede confirmarlo desde el {}.", moment(Some(asked.due_at)));
    Ok(())
}

async fn cancel_deletion(db: &Db, ruc: &str) -> Result<(), Failure> {
    let by = operator_in(db, ruc).await?;
    let done = deletion::cancel(db, &by, Post::ByHand, now()).await?;
    println!("{}", if done { "La compañía no se elimina." } else { "Nadie había pedido eliminarla." });
    Ok(())
}

async fn confirm_deletion(db: &Db, ruc: &str) -> Result<(), Failure> {
    let by = operator_in(db, ruc).await?;
    deletion::confirm(db, &by, Post::ByHand, now()).await.map_err(not_deleted)?;
    println!("La compañía con RUC {ruc} se eliminó.");
    Ok(())
}

fn not_deleted(error: DeletionError) -> Failure {
    let (reason, what_to_do) = match error {
        DeletionError::NotArchived => ("la compañía no está archivada".to_owned(), "Antes: «acuse company archive --ruc …»."),
        DeletionError::NotExported => {
            ("nadie se llevó sus datos".to_owned(), "Antes: «acuse company export --ruc … --to ARCHIVO».")
        }
        DeletionError::AskedAlready => ("ya se pidió eliminarla".to_owned(), "«--confirm» lo confirma, «--cancel» lo cancela."),
        DeletionError::NotAsked => {
            ("nadie pidió eliminarla".to_owned(), "La pide un administrador, o este comando sin --confirm.")
        }
        DeletionError::TooEarly(at) => {
            (format!("todavía se espera, hasta el {}", moment(Some(at))), "Hasta entonces se puede cancelar.")
        }
        DeletionError::SamePerson => {
            ("quien la pidió no la confirma".to_owned(), "La confirma un administrador en Mi compañía › Compañía.")
        }
        DeletionError::Store(error) => return error.into(),
    };
    Failure::new(reason, what_to_do)
}

/// Whoever is at the command line, in the company with this RUC.
async fn operator_in(db: &Db, ruc: &str) -> Result<Actor, Failure> {
    terminal::operator_by("--ruc", db, ruc).await
}

async fn create(ruc: &str, name: &str, email: Option<&str>, config: &Config) -> Result<(), Failure> {
    let ruc: Ruc = ruc.parse().map_err(|error| Failure::new(format!("--ruc: {error}"), ""))?;
    if let Some(doubt) = ruc.doubt() {
        eprintln!("Aviso: {}", doubt.message(&ruc));
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
                if one.archived_at.is_some() { "sí".to_owned() } else { String::new() },
            ];
            let value = json!({
                "id": one.id.to_string(), "ruc": one.ruc.to_string(), "name": one.legal_name, "users": one.users,
                "tokens": one.tokens, "created_at": timestamp(Some(one.created_at)), "archived_at": timestamp(one.archived_at),
            });
            (cells, value)
        })
        .collect();
    print_list(as_json, &["RUC", "COMPAÑÍA", "USUARIOS", "TOKENS", "CREADA", "ARCHIVADA"], &rows);
    Ok(())
}
