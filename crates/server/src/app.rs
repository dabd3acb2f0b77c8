//! What every handler can reach.

use std::ops::Deref;
use std::sync::Arc;

use acuse_domain::company::CompanyCreation;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::mail_account::Security;
use acuse_mail::catcher::Catcher;
use acuse_mail::deliverability::Cache;
use acuse_mail::guard::Network;
use acuse_mail::oauth::Providers;
use acuse_store::Db;
use acuse_store::secrets::Keyring;
use acuse_store::user_mails::Post;
use chrono::TimeDelta;
use ipnet::IpNet;

use crate::checks::Checks;
use crate::metrics::Metrics;
use crate::rate_limit::{CallsPerMinute, RateLimits};

/// Time enough for everybody who is away for a week to hear of it.
const DELETION_WAIT: TimeDelta = TimeDelta::days(7);

/// The state of the router; cheap to clone.
#[derive(Clone)]
pub struct App {
    services: Arc<Services>,
    /// Those of Probar that are running.
    pub(crate) checks: Checks,
    /// What the DNS said of senders' domains a moment ago.
    pub(crate) domains: Cache,
    /// Whose X-Forwarded-For is believed.
    pub(crate) trusted_proxies: Arc<[IpNet]>,
    /// Who may read /metrics.
    pub(crate) metrics: Metrics,
    /// Who may add a company.
    pub(crate) company_creation: CompanyCreation,
    /// How long a company that is to be deleted waits for that.
    pub(crate) deletion_wait: TimeDelta,
    /// How often the API may be called.
    pub(crate) rate_limits: Arc<RateLimits>,
}

pub struct Services {
    pub db: Db,
    pub keys: Arc<Keyring>,
    /// For Probar; the server itself never sends a receipt.
    pub network: Network,
    pub default_account: Option<DefaultAccount>,
    /// With whom accounts can be connected here.
    pub providers: Providers,
    /// Where browsers find this installation, without a slash at the end.
    pub public_url: String,
    /// The demo's own mail server, whose messages are shown at /demo/buzon.
    pub catcher: Option<Catcher>,
}

/// The installation's own account, as far as pages show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultAccount {
    pub server: String,
    pub port: u16,
    pub security: Security,
    pub from_address: EmailAddress,
}

impl App {
    #[must_use]
    pub fn new(services: Services) -> Self {
        Self {
            services: Arc::new(services),
            checks: Checks::default(),
            domains: Cache::default(),
            trusted_proxies: Arc::default(),
            metrics: Metrics::new(""),
            company_creation: CompanyCreation::default(),
            deletion_wait: DELETION_WAIT,
            rate_limits: Arc::new(RateLimits::new(CallsPerMinute::default())),
        }
    }

    #[must_use]
    pub fn with_trusted_proxies(self, networks: &[IpNet]) -> Self {
        Self { trusted_proxies: networks.into(), ..self }
    }

    #[must_use]
    pub fn with_metrics(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// The same for what goes on after the answer.
    pub(crate) fn keys_to_mail(&self) -> Option<Arc<Keyring>> {
        self.default_account.is_some().then(|| self.keys.clone())
    }

    /// How a link reaches whom it is for: by mail where there is a default account.
    pub(crate) fn post(&self) -> Post<'_> {
        if self.default_account.is_some() { Post::Mail(&self.keys) } else { Post::ByHand }
    }

    #[must_use]
    pub fn with_companies(self, company_creation: CompanyCreation, deletion_wait: TimeDelta) -> Self {
        Self { company_creation, deletion_wait, ..self }
    }

    #[must_use]
    pub fn with_rate_limits(self, calls: CallsPerMinute) -> Self {
        Self { rate_limits: Arc::new(RateLimits::new(calls)), ..self }
    }

    /// Whether browsers come by https.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

impl Deref for App {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}
