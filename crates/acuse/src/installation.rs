//! What `serve` and `demo` run: the database, the keys, the network, and upon them the pages and the deliveries.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use acuse_delivery::{DefaultAccount, Engine};
use acuse_domain::company::CompanyCreation;
use acuse_mail::catcher::Catcher;
use acuse_mail::guard::Network;
use acuse_mail::oauth::Providers;
use acuse_server::metrics::Metrics;
use acuse_server::router::{operations, router};
use acuse_server::{App, CallsPerMinute, Services, listener};
use acuse_store::sealing::UnlockError;
use acuse_store::secrets::Keyring;
use acuse_store::{Db, now, sealing};
use chrono::TimeDelta;
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::config::{Config, FAREWELL};
use crate::failure::{DAMAGED, Failure};
use crate::open_files;
use crate::{database, master_key};

/// Which parts of the work this process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    All,
    Web,
    Worker,
}

/// An installation that is open and not yet serving.
pub struct Installation {
    pub db: Db,
    pub keys: Arc<Keyring>,
    network: Network,
    default_account: Option<DefaultAccount>,
    providers: Providers,
    catcher: Option<Catcher>,
    connections_per_account: usize,
    max_connections: usize,
    trusted_proxies: Vec<IpNet>,
    metrics_token: SecretString,
    company_creation: CompanyCreation,
    company_deletion_wait: TimeDelta,
    api_rate: CallsPerMinute,
}

/// How an installation is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// Bring the database to this version, also where others may be using it.
    pub migrate: bool,
    /// Forget the secrets that the key file does not open, instead of not starting.
    pub forget_secrets: bool,
}

impl Installation {
    pub async fn open(config: &Config, catcher: Option<Catcher>, how: Opening) -> Result<Self, Failure> {
        let db = database::existing_or_new(config).await?;
        let opened = Self::on(db.clone(), config, catcher, how).await;
        if opened.is_err() {
            db.close().await;
        }
        opened
    }

    async fn on(db: Db, config: &Config, catcher: Option<Catcher>, how: Opening) -> Result<Self, Failure> {
        if how.migrate || db.is_sqlite() {
            database::bring_up_to_date(&db).await?;
        } else {
            db.look_for_damage().await;
            database::expect_this_version(&db).await?;
        }
        let network = config.network()?;
        let default_account = config.default_account.as_ref().map(|(url, from)| DefaultAccount {
            endpoint: url.endpoint.clone(),
            credentials: url.credentials.clone(),
            from_address: from.clone(),
        });
        let keys = unlock(&db, config, how.forget_secrets).await?;
        Ok(Self {
            db,
            keys: Arc::new(keys),
            providers: Providers::new(&network, config.oauth.clone()),
            network,
            default_account,
            catcher,
            connections_per_account: config.connections_per_account,
            max_connections: config.max_connections,
            trusted_proxies: config.trusted_proxies.clone(),
            metrics_token: config.metrics_token.clone(),
            company_creation: config.company_creation,
            company_deletion_wait: config.company_deletion_wait,
            api_rate: config.api_rate,
        })
    }

    /// Works until it is told to stop; then finishes what is under way.
    pub async fn run(mut self, role: Role, listener: TcpListener, public_url: String, mut told: StopSignals) {
        let (stopping, stop) = watch::channel(false);
        let metrics = Metrics::new(self.metrics_token.expose_secret());
        let limits = open_files::connections(open_files::raise(), self.max_connections);
        let worker = (role != Role::Web).then(|| tokio::spawn(acuse_delivery::run(self.engine(&public_url), stop.clone())));
        let app = self.app(public_url).with_metrics(metrics);
        let answered = if role == Role::Worker { operations(app) } else { router(app) };
        let web = tokio::spawn(listener::serve(listener, answered, limits, stop));
        told.wait().await;
        tracing::info!("Stopping: what is under way is finished first");
        let _ = stopping.send(true);
        let _ = timeout(FAREWELL, web).await;
        if let Some(worker) = worker {
            let _ = worker.await;
        }
        self.db.close().await;
    }

    fn engine(&self, public_url: &str) -> Engine {
        let settings = acuse_delivery::Settings {
            default_account: self.default_account.clone(),
            connections_per_account: self.connections_per_account,
        };
        Engine::new(self.db.clone(), self.keys.clone(), self.network.clone(), settings)
            .with_providers(self.providers.clone())
            .with_public_url(public_url)
    }

    fn app(&mut self, public_url: String) -> App {
        App::new(Services {
            db: self.db.clone(),
            keys: self.keys.clone(),
            network: self.network.clone(),
            default_account: self.default_account.as_ref().map(|account| acuse_server::DefaultAccount {
                server: account.endpoint.host.clone(),
                port: account.endpoint.port,
                security: account.endpoint.security,
                from_address: account.from_address.clone(),
            }),
            providers: self.providers.clone(),
            public_url,
            catcher: self.catcher.take(),
        })
        .with_trusted_proxies(&self.trusted_proxies)
        .with_companies(self.company_creation, self.company_deletion_wait)
        .with_rate_limits(self.api_rate)
    }
}

/// The key file that goes with the database. Made only where the database holds nothing sealed.
async fn unlock(db: &Db, config: &Config, forget_secrets: bool) -> Result<Keyring, Failure> {
    let file = &config.secret_key_file;
    if db.damage().is_some() {
        return read_only_keys(db, file).await;
    }
    if !forget_secrets {
        return sealing::unlock_any_company(db, file, now()).await.map_err(|error| master_key::failure(error, file));
    }
    let unlocked = sealing::unlock_and_forget_any_company(db, file, now()).await;
    let (keys, forgotten) = unlocked.map_err(|error| master_key::failure(error, file))?;
    if forgotten.is_nothing() {
        tracing::info!("--forget-secrets: the key file opens every secret, and nothing was forgotten");
        eprintln!("No había nada que olvidar: {} abre todos los secretos.", file.display());
    } else {
        tracing::warn!("--forget-secrets: {forgotten:?} did not open and were forgotten");
        eprintln!("Se olvidaron {}.", master_key::counted(&forgotten));
    }
    Ok(keys)
}

/// The keys of a damaged database, which is only read until somebody restores it, and sends nothing (decision 0018): forgetting
/// secrets would not help.
async fn read_only_keys(db: &Db, file: &Path) -> Result<Keyring, Failure> {
    let missing = || Failure::new(format!("la base está dañada, y falta {}", file.display()), DAMAGED);
    match sealing::check_any_company(db, file).await {
        Ok(keys) => keys.ok_or_else(missing),
        Err(error @ (UnlockError::Missing { .. } | UnlockError::Foreign { .. })) => {
            Err(Failure::new(format!("la base está dañada, y {}", master_key::reason(&error, file)), DAMAGED))
        }
        Err(UnlockError::Store(error)) => {
            tracing::warn!("The key file could not be compared with the damaged database: {error}");
            Keyring::load(file)?.ok_or_else(missing)
        }
        Err(other) => Err(master_key::failure(other, file)),
    }
}

/// Binds the address, or says who may hold it.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::new(format!("{address} no se puede abrir: {error}"), "Elija otra dirección, como ACUSE_LISTEN=127.0.0.1:8081.")
    })
}

/// SIGTERM and Ctrl+C, from the moment that this is made: what comes before somebody waits for it is not lost.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    pub fn new() -> Result<Self, Failure> {
        let made = signal(SignalKind::terminate()).and_then(|terminate| {
            let interrupt = signal(SignalKind::interrupt())?;
            Ok(Self { terminate, interrupt })
        });
        made.map_err(|error| Failure::new(format!("no se puede esperar SIGTERM ({error})"), ""))
    }

    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
