//! `acuse backup` and `acuse restore`

use std::path::PathBuf;

use acuse_store::Db;

use crate::config::Config;
use crate::failure::Failure;

#[derive(clap::Args)]
pub struct BackupArgs {
    /// The file to write; it must not exist.
    file: PathBuf,
}

#[derive(clap::Args)]
pub struct RestoreArgs {
    /// A file that `acuse backup` wrote.
    file: PathBuf,
    /// Put it in the place of a database that exists. Stop the server first.
    #[arg(long)]
    force: bool,
}

pub async fn backup(args: &BackupArgs, config: &Config) -> Result<(), Failure> {
    let db = Db::open(&config.database_url).await?;
    if !db.is_sqlite() {
        return Err(Failure::new("la base es PostgreSQL", "Respáldela con pg_dump."));
    }
    if args.file.exists() {
        return Err(Failure::new(format!("{} ya existe", args.file.display()), "Elija otro nombre."));
    }
    db.copy_to(&args.file).await?;
    println!("Copia escrita en {}.", args.file.display());
    println!("Guarde aparte {}: sin esa clave no se abren las contraseñas.", config.secret_key_file.display());
    Ok(())
}

pub async fn restore(args: &RestoreArgs, config: &Config) -> Result<(), Failure> {
    let Some(place) = config.database_url.strip_prefix("sqlite://").map(PathBuf::from) else {
        return Err(Failure::new("la base es PostgreSQL", "Restáurela con pg_restore o psql."));
    };
    if place.exists() && !args.force {
        return Err(Failure::new(format!("{} ya existe", place.display()), "Detenga el servidor y agregue --force."));
    }
    let copy = Db::open(&format!("sqlite://{}", args.file.display())).await?;
    if !copy.is_migrated().await? {
        return Err(Failure::new(format!("{} no es una copia de Acuse", args.file.display()), ""));
    }
    copy.close().await;
    let written = std::fs::create_dir_all(&config.data_dir).and_then(|()| {
        for leftover in ["-wal", "-shm"] {
            let path = PathBuf::from(format!("{}{leftover}", place.display()));
            if path.exists() {
                std::fs::remove_file(path)?;
            }
        }
        std::fs::copy(&args.file, &place)
    });
    written.map_err(|error| Failure::new(format!("{} no se pudo escribir: {error}", place.display()), ""))?;
    println!("Base de datos restaurada en {}.", place.display());
    Ok(())
}
