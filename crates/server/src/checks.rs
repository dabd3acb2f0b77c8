//! Probar, for the form and for the API: what is tried, and how many at once. A check knocks at a server that somebody
//! named; a few at a time are work, many would be an attack on somebody else in our name.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::CompanyId;
use acuse_domain::mail_account::MailAccountSettings;
use acuse_mail::check::Subject;
use acuse_mail::endpoint::Endpoint;
use acuse_mail::explanation::Language;
use acuse_mail::login::Credentials;
use secrecy::SecretString;
use uuid::Uuid;

/// Checks of one company that may run side by side: its two modules, and one that was forgotten in another window.
const AT_ONCE: usize = 3;
/// Seconds until another is worth a try: no check lasts longer.
pub const ENDS_WITHIN: u32 = 20;

/// Mails of checks whose company is remembered, for the demo's mailbox: as many as it keeps of all kinds.
const MOST_MAILS: usize = 500;

/// The checks that are running, by company.
#[derive(Clone, Default)]
pub struct Checks {
    running: Arc<Mutex<HashMap<CompanyId, usize>>>,
    mails: Arc<Mutex<VecDeque<(Uuid, CompanyId)>>>,
}

/// A check that runs for as long as this is kept.
pub struct Running {
    checks: Checks,
    company: CompanyId,
}

impl Checks {
    /// Nothing while the company has as many as it may.
    #[must_use]
    pub fn begin(&self, company: CompanyId) -> Option<Running> {
        let mut running = self.lock();
        let count = running.entry(company).or_default();
        if *count >= AT_ONCE {
            return None;
        }
        *count += 1;
        Some(Running { checks: self.clone(), company })
    }

    /// An id for the mail of a check, by which it is known whose it was.
    #[must_use]
    pub fn mail_of(&self, company: CompanyId) -> Uuid {
        let id = Uuid::now_v7();
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.truncate(MOST_MAILS - 1);
        mails.push_front((id, company));
        id
    }

    /// Whose check sent the mail with this id.
    #[must_use]
    pub fn sender_of(&self, mail: Uuid) -> Option<CompanyId> {
        let mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.iter().find(|(id, _)| *id == mail).map(|(_, company)| *company)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CompanyId, usize>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.checks.lock();
        if let Some(count) = running.get_mut(&self.company) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.company);
            }
        }
    }
}

/// What a check of these settings tries. Without a user there is no login, whatever the password.
#[must_use]
pub fn subject(
    settings: &MailAccountSettings,
    password: Option<SecretString>,
    to: Option<EmailAddress>,
    language: Language,
) -> Subject {
    let username = settings.username.clone();
    Subject {
        endpoint: Endpoint { host: settings.server.clone(), port: settings.port, security: settings.security },
        credentials: password.filter(|_| !username.is_empty()).map(|password| Credentials::password(username, password)),
        from_name: settings.from_name.clone(),
        from: settings.from_address.clone(),
        to,
        language,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_has_a_few_checks_at_once_and_another_company_its_own() {
        let (checks, [ours, theirs]) = (Checks::default(), [1, 2].map(|n| CompanyId(uuid::Uuid::from_u128(n))));
        let mut running: Vec<_> = (0..AT_ONCE).map(|_| checks.begin(ours).expect("a free place")).collect();
        assert!(checks.begin(ours).is_none());
        assert!(checks.begin(theirs).is_some());
        running.pop();
        assert!(checks.begin(ours).is_some(), "what has ended makes room");
        running.clear();
        assert!(checks.lock().is_empty(), "nothing is kept of what has ended");
    }
}
