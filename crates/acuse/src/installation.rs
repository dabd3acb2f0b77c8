//! What `serve` and `demo` run: the database, the keys, the network, and upon them the pages and the deliveries.

use std::net::SocketAddr;
use std::sync::Arc;

use acuse_delivery::{DefaultAccount, Engine};
use acuse_mail::catcher::Catcher;
use acuse_mail::guard::Network;
use acuse_mail::oauth::Providers;
use acuse_server::metrics::Metrics;
use acuse_server::router::{operations, router};
use acuse_server::{App, Services, listener};
use acuse_store::Db;
use acuse_store::secrets::Keyring;
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::config::{Config, FAREWELL};
use crate::failure::Failure;
use crate::open_files;

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
}

impl Installation {
    pub async fn open(config: &Config, catcher: Option<Catcher>) -> Result<Self, Failure> {
        std::fs::create_dir_all(&config.data_dir).map_err(|error| {
            Failure::new(format!("la carpeta {} no se puede crear: {error}", config.data_dir.display()), "Elija otra data_dir.")
        })?;
        let keys = Keyring::load_or_create(&config.secret_key_file)?;
        let network = config.network()?;
        let default_account = config.default_account.as_ref().map(|(url, from)| DefaultAccount {
            endpoint: url.endpoint.clone(),
            credentials: url.credentials.clone(),
            from_address: from.clone(),
        });
        Ok(Self {
            db: Db::open(&config.database_url).await?,
            keys: Arc::new(keys),
            providers: Providers::new(&network, config.oauth.clone()),
            network,
            default_account,
            catcher,
            connections_per_account: config.connections_per_account,
            max_connections: config.max_connections,
            trusted_proxies: config.trusted_proxies.clone(),
            metrics_token: config.metrics_token.clone(),
        })
    }

    /// Works until SIGTERM or Ctrl+C; then finishes what is under way.
    pub async fn run(mut self, role: Role, listener: TcpListener, public_url: String) -> Result<(), Failure> {
        let (stopping, stop) = watch::channel(false);
        let metrics = Metrics::new(self.metrics_token.expose_secret());
        let limits = open_files::connections(open_files::raise(), self.max_connections);
        let worker = (role != Role::Web).then(|| tokio::spawn(acuse_delivery::run(self.engine(&public_url), stop.clone())));
        let app = self.app(public_url).with_metrics(metrics);
        let answered = if role == Role::Worker { operations(app) } else { router(app) };
        let web = tokio::spawn(listener::serve(listener, answered, limits, stop));
        wait_for_a_signal().await;
        tracing::info!("Stopping: what is under way is finished first");
        let _ = stopping.send(true);
        let _ = timeout(FAREWELL, web).await;
        if let Some(worker) = worker {
            let _ = worker.await;
        }
        self.db.close().await;
        Ok(())
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
    }
}

/// Binds the address, or says who may hold it.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::new(format!("{address} no se puede abrir: {error}"), "Elija otra dirección, como ACUSE_LISTEN=127.0.0.1:8081.")
    })
}

async fn wait_for_a_signal() {
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => {
            tracing::error!("SIGTERM cannot be awaited: {error}");
            let _ = tokio::signal::ctrl_c().await;
            return;
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
