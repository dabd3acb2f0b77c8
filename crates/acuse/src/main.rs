//! One binary: the server, the demo, and the set-up without a browser.

mod commands;
mod config;
mod database;
mod demo_data;
mod failure;
mod help;
mod installation;
mod logging;
mod mail_url;
mod master_key;
mod oauth_settings;
mod open_files;
mod private_files;
mod settings;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use commands::{
    audit, backup, bench, company, demo, doctor, key, mail_check, mail_discover, mail_domain, migrate, serve, token, user,
};
use config::Config;
use failure::Failure;

/// Gives freed memory back to the system: glibc keeps what each thread's arena once held, hundreds of megabytes after a flood
/// of logins.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Cobros y pagos, sus recibos por correo, y la certeza de que llegaron.
#[derive(Parser)]
#[command(name = "acuse", version, about)]
struct Cli {
    /// El archivo de ajustes; sin esta opción, acuse.toml de esta carpeta si lo hay.
    #[arg(long, global = true, value_name = "ARCHIVO")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Una demostración completa con su propio buzón; nada sale de esta máquina.
    Demo(demo::Args),
    /// Páginas, API y envíos.
    Serve(serve::Args),
    /// Pone la base de datos al día.
    Migrate,
    /// Revisa la instalación y dice cómo arreglarla.
    Doctor,
    /// Muestra cada ajuste con su valor inicial, como un acuse.toml para empezar.
    Config,
    /// Compañías.
    #[command(subcommand)]
    Company(company::Company),
    /// Quién entra.
    #[command(subcommand)]
    User(user::User),
    /// Tokens de la API.
    #[command(subcommand)]
    Token(token::Token),
    /// El historial de las compañías.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Cuentas de correo.
    #[command(subcommand)]
    Mail(mail_check::Mail),
    /// La clave maestra, que sella contraseñas y otros secretos.
    #[command(subcommand)]
    Key(key::Key),
    /// Una copia consistente de una base SQLite, también en marcha.
    Backup(backup::BackupArgs),
    /// Pone una copia en el lugar de la base.
    Restore(backup::RestoreArgs),
    /// Cuánto hace esta máquina en un segundo, y cuánto podría como máximo.
    #[command(subcommand)]
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    private_files::keep_to_oneself();
    let typed = help::in_spanish(Cli::command()).get_matches();
    let cli = Cli::from_arg_matches(&typed).unwrap_or_else(|error| error.exit());
    match run(cli) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("acuse: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    if let Command::Config = cli.command {
        print!("{}", settings::defaults());
        return Ok(ExitCode::SUCCESS);
    }
    // Both of rustls' providers are in the tree; it refuses to choose one by itself.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = match &cli.command {
        Command::Demo(_) => Config::of_the_demo(cli.config.as_deref())?,
        _ => Config::load(cli.config.as_deref())?,
    };
    match cli.command {
        Command::Bench(_) => logging::start_quiet(config.log_format),
        _ => logging::start(config.log_format),
    }
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    if config.workers > 0 {
        threads.worker_threads(config.workers);
    }
    let runtime = threads
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("no se puede empezar: {error}"), "Revise los límites del sistema."))?;
    runtime.block_on(carry_out(cli.command, config))
}

/// Where a file meets the process's limit, a write errs and the database says that it is full; unasked, the kernel would end
/// the process (setrlimit(2), RLIMIT_FSIZE).
fn outlive_a_size_limit() {
    let _ = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()));
}

async fn carry_out(command: Command, config: Config) -> Result<ExitCode, Failure> {
    outlive_a_size_limit();
    match command {
        Command::Demo(args) => demo::run(args, config).await.map(|()| ExitCode::SUCCESS),
        Command::Serve(args) => serve::run(args, config).await.map(|()| ExitCode::SUCCESS),
        Command::Migrate => migrate::run(&config).await.map(|()| ExitCode::SUCCESS),
        Command::Doctor => doctor::run(&config).await,
        Command::Config => Ok(ExitCode::SUCCESS),
        Command::Company(what) => company::run(what, &config).await.map(|()| ExitCode::SUCCESS),
        Command::User(what) => user::run(what, &config).await.map(|()| ExitCode::SUCCESS),
        Command::Token(what) => token::run(what, &config).await.map(|()| ExitCode::SUCCESS),
        Command::Audit(what) => audit::run(what, &config).await,
        Command::Mail(mail_check::Mail::Check(args)) => mail_check::run(args, &config).await,
        Command::Mail(mail_check::Mail::Discover(args)) => mail_discover::run(args, &config).await,
        Command::Mail(mail_check::Mail::Domain(args)) => mail_domain::run(args, &config).await,
        Command::Key(what) => key::run(what, &config).await.map(|()| ExitCode::SUCCESS),
        Command::Backup(args) => backup::backup(&args, &config).await.map(|()| ExitCode::SUCCESS),
        Command::Restore(args) => backup::restore(&args, &config).await.map(|()| ExitCode::SUCCESS),
        Command::Bench(what) => bench::run(what).await.map(|()| ExitCode::SUCCESS),
    }
}
