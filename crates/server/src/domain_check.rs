//! A sender's domain for pages and API alike: what the DNS says of it, and the company's own key for signing.

use std::sync::Arc;
use std::time::Instant;

use acuse_domain::mail_account::MailAccount;
use acuse_mail::deliverability::{self, KeySeen, OwnKey, Report, Subject, look_for, look_up};
use acuse_mail::providers::rewrites_sender;
use acuse_store::concurrency_limit::NotDone;
use acuse_store::dkim::{self, DkimError, DkimKey, KeyState, NewPair};
use acuse_store::{Actor, StoreError, now};

use crate::app::App;
use crate::heavy_work::{begin_lookup, make_dkim_pair};

/// Whose mail goes out with which keys.
pub(crate) struct DomainState {
    pub subject: Subject,
    pub keys: Vec<DkimKey>,
    /// The server puts its user in the place of the sender, so that nothing is signed.
    pub sender_is_rewritten: bool,
}

impl DomainState {
    /// Nothing where the sender's domain cannot be asked about.
    pub(crate) async fn of(app: &App, account: &MailAccount) -> Result<Option<Self>, StoreError> {
        let settings = &account.settings;
        let sender = settings.from_address.as_str();
        let Some(subject) = Subject::new(settings.from_address.domain(), Some(&settings.server)) else { return Ok(None) };
        let keys = dkim::of_domain(&app.db, account.company, subject.domain()).await?;
        let subject = subject.reporting_to(sender).with_keys(keys.iter().map(own_key).collect());
        let sender_is_rewritten = rewrites_sender(&settings.server, &settings.username, sender);
        Ok(Some(Self { subject, keys, sender_is_rewritten }))
    }

    pub(crate) fn domain(&self) -> &str {
        self.subject.domain()
    }

    /// A report of the last minutes, if there is one.
    pub(crate) fn known(&self, app: &App) -> Option<Arc<Report>> {
        app.domains.get(&self.subject)
    }

    /// Takes up to five seconds where the DNS has not been asked lately.
    pub(crate) async fn report(&self, app: &App) -> Result<Arc<Report>, NotDone> {
        match self.known(app) {
            Some(report) => Ok(report),
            None => self.new_report(app).await,
        }
    }

    /// One that nobody began before this was asked for; those who wait for a place share what is found meanwhile.
    pub(crate) async fn new_report(&self, app: &App) -> Result<Arc<Report>, NotDone> {
        let asked = Instant::now();
        let _place = begin_lookup().await?;
        if let Some(report) = app.domains.get_since(&self.subject, asked) {
            return Ok(report);
        }
        let begun = Instant::now();
        let report = Arc::new(look_up(&app.network, &self.subject).await);
        app.domains.put(&self.subject, report.clone(), begun);
        Ok(report)
    }

    /// Whether records can be put into the domain's DNS by the company.
    pub(crate) fn is_foreign(&self) -> bool {
        deliverability::is_foreign(self.domain())
    }

    pub(crate) fn key(&self, state: KeyState) -> Option<&DkimKey> {
        self.keys.iter().find(|key| key.state == state)
    }

    /// The key to look for: a new one, else the one that rests, else the one that signs.
    fn key_to_check(&self) -> Option<&DkimKey> {
        [KeyState::Made, KeyState::Published, KeyState::Used].into_iter().find_map(|state| self.key(state))
    }
}

/// What the demo's data calls its company's own (acuse/src/demo_data.rs): nobody has registered it.
pub const DEMO_DOMAIN: &str = "distcotopaxi.ec";

/// Whether what the DNS says of the domain is nobody's concern: in a demo it is the data's own, or no mail of it goes out.
pub(crate) fn is_demo_domain(app: &App, account: &MailAccount) -> bool {
    let is_of_the_data = app.catcher.is_some() && account.settings.from_address.domain() == DEMO_DOMAIN;
    is_of_the_data || is_demonstration(app, account)
}

/// Whether the account hands its mail to the demo's own server, so that nobody outside ever sees the domain.
pub(crate) fn is_demonstration(app: &App, account: &MailAccount) -> bool {
    let settings = &account.settings;
    app.catcher.as_ref().is_some_and(|catcher| {
        let at = catcher.local_addr();
        settings.port == at.port() && settings.server == at.ip().to_string()
    })
}

pub(crate) fn own_key(key: &DkimKey) -> OwnKey {
    OwnKey { selector: key.selector.clone(), public_key: key.public_key.clone(), signs: key.state == KeyState::Used }
}

/// Makes a key that waits for its record.
pub(crate) async fn make_key(app: &App, by: &Actor, domain: &str) -> Result<(), DkimError> {
    let pair = make_dkim_pair().await.map_err(StoreError::from)?.ok_or(DkimError::NotMade)?;
    let pair = NewPair { public_key: pair.public_key, private_key: pair.private_key };
    dkim::make(&app.db, &app.keys, by, domain, &pair, now()).await.map(|_| ())
}

/// Looks for the key's record; one that is seen signs from now on.
pub(crate) async fn check_key(app: &App, by: &Actor, standing: &DomainState) -> Result<KeySeen, DkimError> {
    let key = standing.key_to_check().ok_or(DkimError::NotFound)?;
    let place = begin_lookup().await.map_err(|full| StoreError::from(NotDone::from(full)))?;
    let seen = look_for(&app.network, standing.domain(), &own_key(key)).await;
    drop(place);
    if seen == KeySeen::Seen && key.state != KeyState::Used {
        dkim::turn_on(&app.db, by, key.id, now()).await?;
    }
    Ok(seen)
}
