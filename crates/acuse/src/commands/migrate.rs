//! `acuse migrate`

use acuse_store::Db;

use crate::config::Config;
use crate::failure::Failure;

pub async fn run(config: &Config) -> Result<(), Failure> {
    let db = Db::open(&config.database_url).await?;
    db.migrate().await?;
    println!("La base de datos está al día.");
    Ok(())
}
