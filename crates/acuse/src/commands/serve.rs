//! `acuse serve`

use crate::config::Config;
use crate::failure::Failure;
use crate::installation::{Installation, Opening, Role, listen};

#[derive(clap::Args)]
pub struct Args {
    /// What this process does.
    #[arg(long, value_enum, default_value = "all")]
    role: Role,
    /// Bring a PostgreSQL database to this version first. SQLite does it by itself.
    #[arg(long)]
    migrate: bool,
    /// Start with a key file that is new or another one: what it does not open is forgotten, and said.
    #[arg(long)]
    forget_secrets: bool,
}

pub async fn run(args: Args, config: Config) -> Result<(), Failure> {
    let how = Opening { migrate: args.migrate, forget_secrets: args.forget_secrets };
    let installation = Installation::open(&config, None, how).await?;
    let listener = listen(config.listen).await?;
    let url = config.public_url(listener.local_addr().unwrap_or(config.listen));
    tracing::info!("Acuse {} at {url}", env!("CARGO_PKG_VERSION"));
    installation.run(args.role, listener, url).await
}
