//! Which account sends, and whether it may.

use std::sync::Arc;

use acuse_domain::Instant;
use acuse_domain::delivery::Problem;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::failure_policy::{Chain, Link, OnFailure, SendsNow};
use acuse_domain::id::CompanyId;
use acuse_domain::mail_problem::ProblemCode;
use acuse_mail::dkim::Signer;
use acuse_mail::endpoint::Endpoint;
use acuse_mail::failure::Phase;
use acuse_mail::login::Credentials;
use acuse_store::claims::Claim;
use acuse_store::deliveries::{QueueKey, Stamp};
use acuse_store::mail_accounts::{self, Usable};
use acuse_store::oauth::ConnectedAccount;
use acuse_store::pauses::{self, AccountKey, AccountVersion, Resting};
use acuse_store::secrets::Keyring;
use acuse_store::{Db, StoreError, routing};

use crate::circuit_breaker::fault;

/// The installation's own account, used where a company has none of its own.
#[derive(Debug, Clone)]
pub struct DefaultAccount {
    pub endpoint: Endpoint,
    pub credentials: Option<Credentials>,
    pub from_address: EmailAddress,
}

/// An account, ready to be connected to.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub key: AccountKey,
    /// Of the settings; the default account has none.
    version: Option<i64>,
    /// Changes with every change of the settings, so that a session of the old ones is not used again.
    pub pool_key: String,
    pub endpoint: Endpoint,
    pub credentials: Option<Credentials>,
    /// Why it can send nothing, before any server is asked.
    pub fault: Option<ProblemCode>,
    /// Logs in with a token of its provider, fetched when a session is opened.
    pub connected: Option<ConnectedAccount>,
    pub from_address: EmailAddress,
    /// The sender's name; of the default account it is the company's razón social, which stands on the receipt.
    pub from_name: Option<String>,
    pub reply_to: Option<EmailAddress>,
    pub bcc: Option<EmailAddress>,
    /// Signs what goes out in the name of the company's domain.
    pub signer: Option<Arc<Signer>>,
}

/// What a queue may do now.
pub(crate) enum Sender {
    Ready(Account),
    /// The default account, in the place of one that is paused, for what was queued until a moment: somebody asked for it.
    Instead {
        account: Account,
        queued_until: Instant,
    },
    /// It is paused, and a check cannot prove more: one delivery shows whether it works again.
    HalfOpen(Account, Claim),
    Resting,
    /// The company has no account and the installation has no default one: the deliveries wait.
    Nobody,
}

/// An account whose secret does not open (another key file), or is gone, or that cannot be read, is paused. Errs if the
/// store does not answer.
pub(crate) async fn resolve(
    db: &Db,
    keys: &Keyring,
    default: Option<&DefaultAccount>,
    queue: QueueKey,
    now: Instant,
) -> Result<Sender, StoreError> {
    let Some(usable) = mail_accounts::for_module(db, keys, queue.company, queue.module).await? else {
        return by_default(db, default, now).await;
    };
    let own = own_account(usable);
    if let Some(code) = own.fault
        && pauses::find(db, own.key).await?.is_none()
    {
        tracing::warn!(company.id = %queue.company, "The account at {} is paused: {code}", own.endpoint.host);
        pauses::stop_any_company(db, own.seen(), &fault(&of_its_own(code)), now).await?;
    }
    let Some(paused) = pauses::find(db, own.key).await? else {
        // Where it was changed a moment ago, the next batch sees what it is now.
        return Ok(if own.fault.is_some() { Sender::Resting } else { Sender::Ready(own) });
    };
    if paused.on_trial
        && own.fault.is_none()
        && let Some(claim) = pauses::take_trial_any_company(db, own.key, now).await?
    {
        return Ok(Sender::HalfOpen(own, claim));
    }
    in_its_place(db, default, queue, &own, &paused, now).await
}

async fn by_default(db: &Db, default: Option<&DefaultAccount>, now: Instant) -> Result<Sender, StoreError> {
    let Some(account) = default.map(default_account) else { return Ok(Sender::Nobody) };
    let paused = pauses::find(db, AccountKey::Default).await?;
    let chain = Chain { own: None, default: link(default, paused.as_ref()), on_failure: OnFailure::Wait, asked_until: None };
    let on_trial = paused.is_some_and(|paused| paused.on_trial);
    Ok(match chain.sends_now(now) {
        SendsNow::Own | SendsNow::Default => Sender::Ready(account),
        SendsNow::Waits if on_trial => match pauses::take_trial_any_company(db, AccountKey::Default, now).await? {
            Some(claim) => Sender::HalfOpen(account, claim),
            None => Sender::Resting,
        },
        SendsNow::Waits => Sender::Resting,
        SendsNow::Nobody => Sender::Nobody,
    })
}

/// A company's own account is paused: the default one sends where the company chose so long ago, or asked for it once.
async fn in_its_place(
    db: &Db,
    default: Option<&DefaultAccount>,
    queue: QueueKey,
    own: &Account,
    paused: &Resting,
    now: Instant,
) -> Result<Sender, StoreError> {
    let Some(account) = default.map(|default| default_account(default).in_place_of(own)) else { return Ok(Sender::Resting) };
    let default_paused = pauses::find(db, AccountKey::Default).await?;
    let chain = Chain {
        own: Some(Link { resting_since: Some(paused.pause.since) }),
        default: link(default, default_paused.as_ref()),
        on_failure: routing::policy(db, queue.company).await?.on_failure,
        asked_until: paused.default_sends_until,
    };
    Ok(match (chain.sends_now(now), chain.default_sends_until()) {
        (SendsNow::Default, _) => Sender::Ready(account),
        (SendsNow::Waits, Some(queued_until)) => Sender::Instead { account, queued_until },
        (SendsNow::Own | SendsNow::Waits | SendsNow::Nobody, _) => Sender::Resting,
    })
}

fn link(default: Option<&DefaultAccount>, paused: Option<&Resting>) -> Option<Link> {
    default.map(|_| Link { resting_since: paused.map(|paused| paused.pause.since) })
}

/// The account of a probe, as it is now; nothing where it is gone.
pub(crate) async fn to_be_probed(
    db: &Db,
    keys: &Keyring,
    default: Option<&DefaultAccount>,
    company: Option<CompanyId>,
    key: AccountKey,
) -> Result<Option<Account>, StoreError> {
    let (AccountKey::Own(id), Some(company)) = (key, company) else { return Ok(default.map(default_account)) };
    Ok(mail_accounts::usable_by_id(db, keys, company, id).await?.map(own_account))
}

/// What is wrong with an account before any server is asked.
fn of_its_own(code: ProblemCode) -> Problem {
    Problem { code, reply: String::new(), phase: Phase::Auth.as_str() }
}

impl Account {
    /// What an attempt with it proves counts for the account as it is here.
    pub(crate) fn seen(&self) -> AccountVersion {
        AccountVersion { account: self.key, version: self.version }
    }

    /// Who logs in; empty where nobody does.
    pub(crate) fn username(&self) -> &str {
        match (&self.connected, &self.credentials) {
            (Some(connected), _) => &connected.scope.username,
            (None, credentials) => credentials.as_ref().map_or("", Credentials::username),
        }
    }

    /// The default account speaks for the company, and answers go to where that account's would have gone, as far as that
    /// can be read.
    fn in_place_of(self, own: &Account) -> Self {
        let readable = |address: &EmailAddress| address.is_readable().then(|| address.clone());
        let reply_to = own.reply_to.as_ref().and_then(readable).or_else(|| readable(&own.from_address));
        Self { reply_to, bcc: own.bcc.as_ref().and_then(readable), ..self }
    }

    pub(crate) fn stamp(&self) -> Stamp {
        Stamp {
            source: if self.key == AccountKey::Default { "default" } else { "company" },
            server: self.endpoint.host.clone(),
            from_address: self.from_address.to_string(),
        }
    }
}

fn own_account(own: Usable) -> Account {
    let (scope, fault) = (own.account.settings.credential_scope(), own.fault());
    let password = own.password_for(&scope).filter(|_| !scope.username.is_empty());
    let credentials = password.map(|password| Credentials::password(scope.username, password.clone()));
    let account = own.account;
    let connected = account.connection.as_ref().map(|_| ConnectedAccount::of(&account));
    let (version, settings) = (account.version, account.settings);
    Account {
        key: AccountKey::Own(account.id),
        version: Some(version),
        pool_key: format!("{}:{version}", account.id),
        endpoint: Endpoint { host: settings.server, port: settings.port, security: settings.security },
        credentials,
        fault,
        connected,
        from_address: settings.from_address,
        from_name: Some(settings.from_name).filter(|name| !name.is_empty()),
        reply_to: settings.reply_to,
        bcc: settings.bcc,
        signer: None,
    }
}

pub(crate) fn default_account(default: &DefaultAccount) -> Account {
    Account {
        key: AccountKey::Default,
        version: None,
        pool_key: "default".to_string(),
        endpoint: default.endpoint.clone(),
        credentials: default.credentials.clone(),
        fault: None,
        connected: None,
        from_address: default.from_address.clone(),
        from_name: None,
        reply_to: None,
        bcc: None,
        signer: None,
    }
}
