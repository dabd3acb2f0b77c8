//! `acuse migrate`

use acuse_store::Db;

use crate::config::Config;
use crate::database;
use crate::failure::Failure;

pub async fn run(config: &Config) -> Result<(), Failure> {
    let db = database::existing_or_new(config).await?;
    let done = migrate(&db, config).await;
    database::closed(db, done).await
}

async fn migrate(db: &Db, config: &Config) -> Result<(), Failure> {
    if db.is_sqlite() && db.version().await?.is_none() {
        println!("Base de datos nueva: {}", config.database_url);
    }
    database::bring_up_to_date(db).await?;
    println!("La base de datos está al día.");
    Ok(())
}
