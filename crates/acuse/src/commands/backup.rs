//! `acuse backup` and `acuse restore`

use std::path::{Path, PathBuf};

use acuse_store::db::{BackupError, NoRoom, RestoreError, sqlite_path};
use acuse_store::{Db, StoreError, now};

use crate::config::Config;
use crate::database;
use crate::failure::{DAMAGED, Failure, damaged};
use crate::private_files;

#[derive(clap::Args)]
pub struct BackupArgs {
    /// El archivo que se escribe; no debe existir.
    file: PathBuf,
}

#[derive(clap::Args)]
pub struct RestoreArgs {
    /// Un archivo escrito por «acuse backup».
    file: PathBuf,
    /// Reemplaza una base que existe, que se guarda con otro nombre. Detenga antes el servidor.
    #[arg(long)]
    force: bool,
}

pub async fn backup(args: &BackupArgs, config: &Config) -> Result<(), Failure> {
    let db = database::existing(config).await?;
    let done = db.back_up(&args.file).await.map_err(not_backed_up);
    database::closed(db, done).await?;
    println!("Copia escrita en {}.", args.file.display());
    println!("Guarde aparte {}: sin esa clave no se abren las contraseñas.", config.secret_key_file.display());
    Ok(())
}

fn not_backed_up(error: BackupError) -> Failure {
    match error {
        BackupError::NotSqlite => Failure::new("la base es PostgreSQL", "Respáldela con pg_dump."),
        BackupError::Exists(path) => Failure::new(format!("{} ya existe", path.display()), "Elija otro nombre."),
        BackupError::NoFolder(path) => Failure::new(format!("no hay una carpeta {}", path.display()), "Créela primero."),
        BackupError::NoRoom(missing) => no_room(&missing),
        BackupError::Damaged(fault) => Failure::new(damaged("la base de datos", fault), DAMAGED),
        BackupError::Io { path, error } => not_written(&path, &error),
        BackupError::Store(error) => error.into(),
    }
}

pub async fn restore(args: &RestoreArgs, config: &Config) -> Result<(), Failure> {
    let Some(place) = sqlite_path(&config.database_url) else {
        return Err(Failure::new("la base es PostgreSQL", "Restáurela con pg_restore o psql."));
    };
    if !args.file.exists() {
        return Err(not_restored(RestoreError::NoCopy(args.file.clone())));
    }
    private_files::prepare(config)?;
    let restored = Db::restore(&place, &args.file, args.force, now()).await.map_err(not_restored)?;
    println!("Base de datos restaurada en {}.", restored.database.display());
    if let Some(kept) = restored.kept {
        println!("La que había quedó en {}.", kept.display());
    }
    if restored.is_older {
        println!("La copia es de una versión anterior: «acuse serve» o «acuse migrate» la pone al día.");
    }
    Ok(())
}

fn not_restored(error: RestoreError) -> Failure {
    match error {
        RestoreError::NoCopy(path) => Failure::new(format!("no existe {}", path.display()), "Compruebe el nombre de la copia."),
        RestoreError::NotAFile(path) => Failure::new(format!("{} no es un archivo", path.display()), "Indique la copia misma."),
        RestoreError::IsTheDatabase(path) => {
            Failure::new(format!("{} es la base misma", path.display()), "Indique una copia que escribió «acuse backup».")
        }
        RestoreError::Damaged { copy, faults } => Failure::new(
            damaged(&copy.display().to_string(), faults.first().map_or("", String::as_str)),
            "No se tocó nada. Use otra copia, o rescate lo que se pueda leer de esta con «sqlite3 … .recover».",
        ),
        RestoreError::NotOurs(path) => {
            Failure::new(format!("{} no es una copia de Acuse", path.display()), "No se tocó nada. Indique otra copia.")
        }
        RestoreError::Newer { version, known } => Failure::new(
            format!("la copia es de una versión más nueva de Acuse (datos {version}; esta conoce hasta {known})"),
            "No se tocó nada. Instale esa versión y restaure con ella.",
        ),
        RestoreError::Exists(path) => {
            Failure::new(format!("{} ya existe", path.display()), "Detenga el servidor y agregue --force; se guarda aparte.")
        }
        RestoreError::InUse(path) => {
            Failure::new(format!("un servidor usa {}", path.display()), "No se tocó nada. Deténgalo y vuelva a empezar.")
        }
        RestoreError::NoRoom(missing) => no_room(&missing),
        RestoreError::Io { path, error } => not_written(&path, &error),
        RestoreError::Store(StoreError::InUse(path)) => not_restored(RestoreError::InUse(path)),
        RestoreError::Store(error) => error.into(),
    }
}

fn no_room(missing: &NoRoom) -> Failure {
    let mib = |bytes: u64| bytes.div_ceil(1024 * 1024);
    let NoRoom { folder, needed, free } = missing;
    Failure::new(
        format!("no hay espacio en {}: hacen falta {} MiB y quedan {}", folder.display(), mib(*needed), free / (1024 * 1024)),
        "No se cambió nada. Libere espacio, o revise el límite del tamaño de archivos (ulimit -f).",
    )
}

fn not_written(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} no se pudo escribir: {error}", path.display()), "Revise los permisos y el disco.")
}
