//! The database as commands find it. Only those that begin an installation make one, and only `serve`, `demo` and `migrate`
//! bring one that holds data to this version: a server of the version before may be using it.

use acuse_store::Db;

use crate::config::Config;
use crate::failure::{DAMAGED, Failure, damaged};
use crate::private_files;

/// For what begins an installation, or serves it.
pub async fn existing_or_new(config: &Config) -> Result<Db, Failure> {
    private_files::prepare(config)?;
    Ok(Db::open(&config.database_url).await?)
}

/// For what begins an installation: a new SQLite file is brought to this version.
pub async fn begun(config: &Config) -> Result<Db, Failure> {
    let db = existing_or_new(config).await?;
    if db.is_sqlite() && db.version().await?.is_none() {
        bring_up_to_date(&db).await?;
    }
    expect_this_version(&db).await?;
    Ok(db)
}

/// Ends a command: on SQLite what stands in the log is written into the database, so that the file alone has everything.
pub async fn closed<T>(db: Db, done: Result<T, Failure>) -> Result<T, Failure> {
    db.close().await;
    done
}

/// For what needs an installation: where there is none, nothing is made.
pub async fn existing(config: &Config) -> Result<Db, Failure> {
    private_files::may_use(&config.data_dir).map_err(Failure::from)?;
    private_files::mend(config);
    Ok(Db::open_existing(&config.database_url).await?)
}

/// For what looks at an installation of this version, or changes one thing in it.
pub async fn up_to_date(config: &Config) -> Result<Db, Failure> {
    let db = existing(config).await?;
    expect_this_version(&db).await?;
    Ok(db)
}

/// Errs where the database is of another version.
pub async fn expect_this_version(db: &Db) -> Result<(), Failure> {
    if db.version().await?.is_none() {
        let what_to_do = "Compruebe database_url y data_dir. Si es nueva, «acuse migrate» la prepara.";
        return Err(Failure::new("la base de datos no es de Acuse, o está vacía", what_to_do));
    }
    refuse_newer(db).await?;
    if db.is_migrated().await? {
        return Ok(());
    }
    Err(Failure::new(
        "la base de datos es de una versión anterior",
        "Respáldela, detenga el servidor y los demás nodos, y ejecute «acuse migrate».",
    ))
}

/// Looks for damage, and brings the database to this version. Errs if it is damaged and would have to be changed.
pub async fn bring_up_to_date(db: &Db) -> Result<(), Failure> {
    db.look_for_damage().await;
    refuse_newer(db).await?;
    if db.is_migrated().await? {
        return Ok(());
    }
    if let Some(reason) = db.damage() {
        return Err(Failure::new(damaged("la base de datos", reason), DAMAGED));
    }
    Ok(db.migrate().await?)
}

async fn refuse_newer(db: &Db) -> Result<(), Failure> {
    let (version, known) = (db.version().await?.unwrap_or(0), Db::newest_version());
    if version <= known {
        return Ok(());
    }
    Err(Failure::new(
        format!("la base de datos es de una versión más nueva de Acuse (datos {version}; esta conoce hasta {known})"),
        "No se tocó nada. Use esa versión, o una posterior.",
    ))
}
