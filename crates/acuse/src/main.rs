//! One binary: the server, the demo, and the set-up without a browser.

mod commands;
mod config;
mod database;
mod demo_data;
mod failure;
mod installation;
mod logging;
mod mail_url;
mod master_key;
mod oauth_settings;
mod open_files;
mod private_files;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use commands::{backup, bench, company, demo, doctor, mail_check, mail_discover, mail_domain, migrate, serve, token, user};
use config::Config;
use failure::Failure;

/// Gives freed memory back to the system: glibc keeps what each thread's arena once held, hundreds of megabytes after a flood
/// of logins.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Cobros y pagos, sus recibos por correo, y la certeza de que llegaron.
#[derive(Parser)]
#[command(name = "acuse", version, about, disable_help_subcommand = true)]
struct Cli {
    /// The file of settings; acuse.toml here if there is one.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A complete sandbox with its own mail catcher; sends nothing outside.
    Demo(demo::Args),
    /// Web, API and delivery.
    Serve(serve::Args),
    /// Brings the database to this version.
    Migrate,
    /// Checks the installation and says how to mend it.
    Doctor,
    /// Prints every setting with its default, as a file to start from.
    Config,
    /// Companies.
    #[command(subcommand)]
    Company(company::Company),
    /// People who log in.
    #[command(subcommand)]
    User(user::User),
    /// Tokens of the API.
    #[command(subcommand)]
    Token(token::Token),
    /// Mail accounts.
    #[command(subcommand)]
    Mail(mail_check::Mail),
    /// A consistent copy of a SQLite database, also while it is in use.
    Backup(backup::BackupArgs),
    /// Puts a copy in the place of the database.
    Restore(backup::RestoreArgs),
    /// What this machine does in a second, and how near that is to what it could.
    #[command(subcommand)]
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    private_files::keep_to_oneself();
    let cli = Cli::parse();
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
        print!("{}", config::defaults());
        return Ok(ExitCode::SUCCESS);
    }
    let data_dir = match &cli.command {
        Command::Demo(args) => Some(args.folder()?),
        _ => None,
    };
    let config = Config::load(cli.config.as_deref(), data_dir.as_deref())?;
    match cli.command {
        Command::Bench(_) => logging::start_quiet(config.log_format),
        _ => logging::start(config.log_format),
    }
    // Both of rustls' providers are in the tree; it refuses to choose one by itself.
    let _ = rustls::crypto::ring::default_provider().install_default();
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
        Command::Mail(mail_check::Mail::Check(args)) => mail_check::run(args, &config).await,
        Command::Mail(mail_check::Mail::Discover(args)) => mail_discover::run(args, &config).await,
        Command::Mail(mail_check::Mail::Domain(args)) => mail_domain::run(args, &config).await,
        Command::Backup(args) => backup::backup(&args, &config).await.map(|()| ExitCode::SUCCESS),
        Command::Restore(args) => backup::restore(&args, &config).await.map(|()| ExitCode::SUCCESS),
        Command::Bench(what) => bench::run(what).await.map(|()| ExitCode::SUCCESS),
    }
}
