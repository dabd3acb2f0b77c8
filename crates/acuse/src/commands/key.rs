//! `acuse key rotate`: a new master key while the server runs, and the end of those that nothing needs any more.

use std::path::Path;

use acuse_store::Db;
use acuse_store::key_rotation::{self, Retirement, Rotation};
use acuse_store::secrets::KeyMark;

use crate::config::Config;
use crate::failure::Failure;
use crate::{database, master_key};

#[derive(clap::Subcommand)]
pub enum Key {
    /// Agrega una clave maestra y sella con ella todo lo guardado, también con el servidor en marcha. Si se interrumpe, la
    /// próxima vez sigue donde quedó.
    Rotate {
        /// Solo agrega la clave al archivo, para copiarlo a los demás nodos antes de usarla.
        #[arg(long)]
        add: bool,
        /// Quita del archivo las claves que ya no abren nada. Los respaldos anteriores de la base las siguen necesitando.
        #[arg(long, conflicts_with = "add")]
        retire: bool,
    },
}

pub async fn run(what: Key, config: &Config) -> Result<(), Failure> {
    let Key::Rotate { add, retire } = what;
    let db = database::up_to_date(config).await?;
    let file = &config.secret_key_file;
    let done = match (add, retire) {
        (true, _) => self::add(&db, file).await,
        (_, true) => self::retire(&db, file).await,
        _ => rotate(&db, file).await,
    };
    database::closed(db, done).await
}

async fn rotate(db: &Db, file: &Path) -> Result<(), Failure> {
    let rotated = key_rotation::rotate_any_company(db, file).await.map_err(|error| master_key::failure(error, file))?;
    let Some(Rotation { newest, is_resumed, resealed, older }) = rotated else { return nothing(file) };
    let how = if is_resumed { "Se terminó de usar" } else { "Desde ahora se sella con" };
    println!("{how} {}. Secretos sellados de nuevo: {resealed}.", one(newest));
    let closed: u64 = older.iter().map(|(_, uses)| uses).sum();
    if closed > 0 {
        println!("Quedan {closed} que no se abren; «acuse doctor» dice de qué son.");
    }
    if older.iter().any(|(_, uses)| *uses == 0) {
        println!("Respalde {}. «acuse key rotate --retire» quita las claves que ya no abren nada.", file.display());
    }
    Ok(())
}

async fn add(db: &Db, file: &Path) -> Result<(), Failure> {
    let added = key_rotation::add_any_company(db, file).await.map_err(|error| master_key::failure(error, file))?;
    let Some(added) = added else { return nothing(file) };
    println!("Se agregó {} a {}.", one(added), file.display());
    println!("Copie el archivo a los demás nodos y ejecute «acuse key rotate» para sellar todo con ella.");
    Ok(())
}

async fn retire(db: &Db, file: &Path) -> Result<(), Failure> {
    let retired = key_rotation::retire_any_company(db, file).await.map_err(|error| master_key::failure(error, file))?;
    let Some(Retirement { removed, kept }) = retired else { return nothing(file) };
    match &removed[..] {
        [] => println!("No había claves que quitar."),
        [removed] => println!("Se quitó {}.", one(removed.clone())),
        removed => println!("Se quitaron {}.", master_key::named(removed)),
    }
    for (mark, uses) in kept {
        println!("Queda {}: secretos sellados con ella, {uses}.", one(mark));
    }
    Ok(())
}

fn one(mark: KeyMark) -> String {
    master_key::named(&[mark])
}

fn nothing(file: &Path) -> Result<(), Failure> {
    println!("No hay nada sellado: {} se crea cuando empieza el servidor.", file.display());
    Ok(())
}
