//! The database as commands find it. Only those that begin an installation make one.

use acuse_store::Db;

use crate::config::Config;
use crate::failure::Failure;
use crate::private_files;

/// For what begins an installation, or serves it.
pub async fn existing_or_new(config: &Config) -> Result<Db, Failure> {
    private_files::prepare(config)?;
    Ok(Db::open(&config.database_url).await?)
}

/// The same, brought to this version: SQLite needs nobody's consent.
pub async fn begun(config: &Config) -> Result<Db, Failure> {
    let db = existing_or_new(config).await?;
    bring_up_to_date(&db).await?;
    Ok(db)
}

/// For what needs an installation: where there is none, nothing is made.
pub async fn existing(config: &Config) -> Result<Db, Failure> {
    private_files::mend(config);
    Ok(Db::open_existing(&config.database_url).await?)
}

/// The same, brought to this version where that needs nobody's consent.
pub async fn up_to_date(config: &Config) -> Result<Db, Failure> {
    let db = existing(config).await?;
    if db.version().await?.is_none() {
        return Err(Failure::new("la base de datos no es de Acuse, o está vacía", "Compruebe database_url y data_dir."));
    }
    bring_up_to_date(&db).await?;
    Ok(db)
}

async fn bring_up_to_date(db: &Db) -> Result<(), Failure> {
    if db.is_sqlite() {
        db.migrate().await?;
    } else if !db.is_migrated().await? {
        return Err(Failure::new(
            "la base de datos es de otra versión",
            "Con los demás nodos detenidos, ejecute «acuse migrate».",
        ));
    }
    Ok(())
}
