//! `acuse serve`

use crate::config::Config;
use crate::failure::Failure;
use crate::installation::{Installation, Role, listen};

#[derive(clap::Args)]
pub struct Args {
    /// What this process does.
    #[arg(long, value_enum, default_value = "all")]
    role: Role,
    /// Bring a PostgreSQL database to this version first. SQLite does it by itself.
    #[arg(long)]
    migrate: bool,
}

pub async fn run(args: Args, config: Config) -> Result<(), Failure> {
    let installation = Installation::open(&config, None).await?;
    if args.migrate || installation.db.is_sqlite() {
        installation.migrate().await?;
    } else if !installation.db.is_migrated().await? {
        return Err(Failure::new(
            "la base de datos es de otra versión",
            "Con los demás nodos detenidos, ejecute «acuse migrate», o «acuse serve --migrate».",
        ));
    }
    let listener = listen(config.listen).await?;
    let url = config.public_url(listener.local_addr().unwrap_or(config.listen));
    tracing::info!("Acuse {} at {url}", env!("CARGO_PKG_VERSION"));
    installation.run(args.role, listener, url).await
}
