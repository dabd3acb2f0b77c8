//! `acuse serve`

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
    installation.run(args.role, listener, url, StopSignals::new()?).await;
    Ok(())
}
