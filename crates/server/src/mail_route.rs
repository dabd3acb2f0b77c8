//! Empresa × Módulo: the account that sends, and the chain behind it. Pages and API show the same.

use acuse_domain::Instant;
pub use acuse_domain::failure_policy::SendsNow;
use acuse_domain::failure_policy::{Chain, FailurePolicy, Link};
use acuse_domain::id::CompanyId;
use acuse_domain::mail_account::{MailAccount, MailModule};
use acuse_store::health::{self, Health};
use acuse_store::pauses::{self, AccountKey, Resting};
use acuse_store::{Db, StoreError, mail_accounts, routing};

use crate::app::{App, DefaultAccount};

/// What of a company's routes is the same for every module.
pub struct Routes {
    pub policy: FailurePolicy,
    pub policy_version: i64,
    accounts: Vec<MailAccount>,
    health: Vec<(acuse_domain::id::MailAccountId, Health)>,
    default: Option<DefaultAccount>,
    default_rest: Option<Resting>,
}

/// The chain of one module.
pub struct Route {
    pub own: Option<OwnLink>,
    pub default: Option<DefaultLink>,
    pub policy: FailurePolicy,
}

/// The company's own enabled account.
pub struct OwnLink {
    pub account: MailAccount,
    pub rest: Option<Resting>,
    pub health: Health,
}

/// The installation's default account.
pub struct DefaultLink {
    pub account: DefaultAccount,
    pub rest: Option<Resting>,
}

impl Routes {
    pub async fn of(app: &App, company: CompanyId) -> Result<Self, StoreError> {
        let db: &Db = &app.db;
        let default_rest = match &app.default_account {
            Some(_) => pauses::find(db, AccountKey::Default).await?,
            None => None,
        };
        let policy = routing::versioned_policy(db, company).await?;
        Ok(Self {
            policy: policy.value,
            policy_version: policy.version,
            accounts: mail_accounts::list(db, company).await?,
            health: health::list(db, company).await?,
            default: app.default_account.clone(),
            default_rest,
        })
    }

    pub async fn route(&self, db: &Db, module: MailModule) -> Result<Route, StoreError> {
        let own = match self.accounts.iter().find(|account| account.enabled && account.settings.module == module) {
            Some(account) => Some(OwnLink {
                account: account.clone(),
                rest: pauses::find(db, AccountKey::Own(account.id)).await?,
                health: self.health.iter().find(|(id, _)| *id == account.id).map(|(_, health)| *health).unwrap_or_default(),
            }),
            None => None,
        };
        let default = self.default.clone().map(|account| DefaultLink { account, rest: self.default_rest.clone() });
        Ok(Route { own, default, policy: self.policy.clone() })
    }

    /// Accounts that are turned off.
    pub fn disabled(&self) -> Vec<MailAccount> {
        self.accounts.iter().filter(|account| !account.enabled).cloned().collect()
    }
}

impl Route {
    #[must_use]
    pub fn sends_now(&self, now: Instant) -> SendsNow {
        self.chain().sends_now(now)
    }

    /// From when on the default account sends for an own one that rests.
    #[must_use]
    pub fn default_sends_from(&self) -> Option<Instant> {
        self.chain().default_sends_from()
    }

    fn chain(&self) -> Chain {
        let since = |rest: &Option<Resting>| Link { resting_since: rest.as_ref().map(|rest| rest.pause.since) };
        Chain {
            own: self.own.as_ref().map(|own| since(&own.rest)),
            default: self.default.as_ref().map(|default| since(&default.rest)),
            on_failure: self.policy.on_failure,
            asked_until: self.own.as_ref().and_then(|own| own.rest.as_ref()?.default_sends_until),
        }
    }
}
