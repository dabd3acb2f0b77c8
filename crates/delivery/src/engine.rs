//! Everything that delivering takes, and how it is set.

use std::sync::Arc;
use std::time::Duration;

use acuse_mail::endpoint::Limits;
use acuse_mail::guard::Network;
use acuse_mail::oauth::Providers;
use acuse_mail::pool::Pool;
use acuse_store::Db;
use acuse_store::secrets::Keyring;
use chrono::TimeDelta;

use crate::accounts::DefaultAccount;
use crate::circuit_breaker::CircuitBreakers;
use crate::compose::ReceiptRenderer;
use crate::recorder::Held;
use crate::throttle::Throttles;
use crate::tokens::Tokens;
use crate::transport::{Certificates, Servers, Transport};

/// After a doubtful fault nothing is sent for this long: a busy server is well by then.
const RETRY_DELAY: TimeDelta = TimeDelta::seconds(30);
/// How long a stopping node lets a server answer. Most do within a second, and a doubt costs more than waiting.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

pub struct Settings {
    pub default_account: Option<DefaultAccount>,
    /// SMTP connections that one account may hold at once.
    pub connections_per_account: usize,
}

/// Everything that delivering takes.
pub struct Engine {
    pub(crate) db: Db,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) transport: Transport,
    pub(crate) settings: Settings,
    pub(crate) held: Held,
    pub(crate) breakers: CircuitBreakers,
    pub(crate) throttles: Throttles,
    /// How long nothing is sent through an account that showed a doubtful fault.
    pub(crate) retry_delay: TimeDelta,
    /// Where the links of mails lead, without a slash at the end.
    pub(crate) public_url: String,
    pub(crate) stop_timeout: Duration,
}

impl Engine {
    #[must_use]
    pub fn new(db: Db, keys: Arc<Keyring>, network: Network, settings: Settings) -> Self {
        let pool = Pool::new(settings.connections_per_account);
        let tokens = Tokens { db: db.clone(), keys: keys.clone(), providers: Providers::default() };
        let transport = Transport {
            network,
            pool,
            limits: Limits::for_delivery(),
            renderer: ReceiptRenderer::default(),
            certificates: Certificates::default(),
            tokens,
            servers: Servers::default(),
        };
        Self {
            db,
            keys,
            transport,
            throttles: Throttles::new(settings.connections_per_account),
            settings,
            held: Held::default(),
            breakers: CircuitBreakers::default(),
            retry_delay: RETRY_DELAY,
            public_url: String::new(),
            stop_timeout: STOP_TIMEOUT,
        }
    }

    /// Where browsers find this installation, for the links of mails.
    #[must_use]
    pub fn with_public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = url.into();
        self
    }

    /// Sends nothing for so long through an account that showed a doubtful fault, or whose server asked to slow down.
    #[must_use]
    pub fn with_retry_delay(mut self, wait: Duration) -> Self {
        self.retry_delay = TimeDelta::from_std(wait).unwrap_or(RETRY_DELAY);
        self.throttles = self.throttles.with_back_off(wait);
        self
    }

    /// Waits for servers no longer than this, in place of RFC 5321's minutes.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.transport.limits = limits;
        self
    }

    /// Sends through accounts that are connected with these.
    #[must_use]
    pub fn with_providers(mut self, providers: Providers) -> Self {
        self.transport.tokens.providers = providers;
        self
    }

    /// When told to stop, breaks off what a server has not answered by then.
    #[must_use]
    pub const fn with_stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = timeout;
        self
    }
}
