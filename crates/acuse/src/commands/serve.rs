//! `acuse serve`

use acuse_store::first_start;
use secrecy::ExposeSecret;

use crate::config::Config;
use crate::failure::Failure;
use crate::installation::{Installation, Opening, Role, StopSignals, listen};

#[derive(clap::Args)]
pub struct Args {
    /// Qué hace este proceso: todo (all), páginas y API (web) o envíos (worker).
    #[arg(long, value_enum, default_value = "all")]
    role: Role,
    /// Pone antes al día una base PostgreSQL. Con SQLite se hace siempre.
    #[arg(long)]
    migrate: bool,
    /// Empieza con una clave nueva o distinta: olvida lo que no abre, y lo dice.
    #[arg(long)]
    forget_secrets: bool,
}

pub async fn run(args: Args, config: Config) -> Result<(), Failure> {
    let how = Opening { migrate: args.migrate, forget_secrets: args.forget_secrets };
    let installation = Installation::open(&config, None, how).await?;
    let listener = listen(config.listen).await?;
    let url = config.public_url(listener.local_addr().unwrap_or(config.listen));
    tracing::info!("Acuse {} at {url}", env!("CARGO_PKG_VERSION"));
    offer_first_start(&installation, args.role, &url).await?;
    installation.run(args.role, listener, url, StopSignals::new()?).await;
    Ok(())
}

/// While nobody is on record, whoever reads what this process writes makes the first user. It does not go to the log.
async fn offer_first_start(installation: &Installation, role: Role, url: &str) -> Result<(), Failure> {
    if role == Role::Worker || installation.db.damage().is_some() {
        return Ok(());
    }
    if let Some(token) = first_start::offer_any_company(&installation.db).await? {
        println!("Acuse todavía no tiene usuarios. Para empezar, abra: {url}/primer-inicio/{}", token.expose_secret());
    }
    Ok(())
}
