//! What a form carries from Probar to Guardar without showing it: the password as it was typed, and what the check
//! answered. Both are sealed with the master key for one company and one session, and open for half an hour
//! (docs/decisions/0007-password-between-probar-and-guardar.md).

use acuse_domain::Instant;
use acuse_domain::id::CompanyId;
use acuse_domain::mail_account::{CredentialScope, LastCheck, MailAccountSettings};
use acuse_store::secrets::Keyring;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// Long enough to look for a setting in the provider's pages, short enough for a context that somebody left.
const OPENS_FOR: TimeDelta = TimeDelta::minutes(30);

/// Who may open what was sealed.
pub struct Seals<'a> {
    keys: &'a Keyring,
    owner: String,
    now: Instant,
}

impl<'a> Seals<'a> {
    #[must_use]
    pub fn new(keys: &'a Keyring, company: CompanyId, session_token: &str, now: Instant) -> Self {
        Self { keys, owner: format!("{company}:{}", encoded(&Sha256::digest(session_token))), now }
    }

    /// For a hidden field. It goes with the server, port, TLS and user it was typed for, and with no others.
    #[must_use]
    pub fn seal_password(&self, password: &SecretString, scope: &CredentialScope) -> Option<String> {
        self.seal(&self.password_identity(scope), password.expose_secret())
    }

    /// Nothing if it is too old, another session's, was typed for something else, or was changed.
    #[must_use]
    pub fn open_password(&self, sealed: &str, scope: &CredentialScope) -> Option<SecretString> {
        self.open(&self.password_identity(scope), sealed).map(|(_, password)| SecretString::from(password))
    }

    /// A connection that waits for an answer.
    #[must_use]
    pub fn seal_pending(&self, written: &SecretString) -> Option<String> {
        self.seal(&self.pending_identity(), written.expose_secret())
    }

    #[must_use]
    pub fn open_pending(&self, sealed: &str) -> Option<SecretString> {
        self.open(&self.pending_identity(), sealed).map(|(_, written)| SecretString::from(written))
    }

    /// What a check of these settings answered.
    #[must_use]
    pub fn seal_check(&self, settings: &MailAccountSettings, password: Option<&SecretString>, ok: bool) -> Option<String> {
        self.seal(&self.check_identity(settings, password), if ok { "ok" } else { "wrong" })
    }

    /// Nothing if the check was of other settings or another password.
    #[must_use]
    pub fn open_check(&self, settings: &MailAccountSettings, password: Option<&SecretString>, sealed: &str) -> Option<LastCheck> {
        let (at, answer) = self.open(&self.check_identity(settings, password), sealed)?;
        Some(LastCheck { at, ok: answer == "ok" })
    }

    fn password_identity(&self, scope: &CredentialScope) -> String {
        let CredentialScope { server, port, security, username } = scope;
        format!("typed_password:{}:{}:{port}:{}:{server}:{username}", self.owner, security.as_str(), server.len())
    }

    fn pending_identity(&self) -> String {
        format!("oauth_pending:{}", self.owner)
    }

    /// What a check depends on is part of the identity: sealed for these settings, it opens for no others.
    fn check_identity(&self, settings: &MailAccountSettings, password: Option<&SecretString>) -> String {
        let mut digest = Sha256::new();
        let port = settings.port.to_string();
        let password = password.map_or("", |password| password.expose_secret());
        let from = settings.from_address.as_str();
        for part in [&settings.server, &port, settings.security.as_str(), &settings.username, from, password] {
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
        format!("check:{}:{}", self.owner, encoded(&digest.finalize()))
    }

    fn seal(&self, identity: &str, text: &str) -> Option<String> {
        let dated = SecretString::from(format!("{}\n{text}", self.now.timestamp_micros()));
        match self.keys.seal(&dated, identity) {
            Ok(sealed) => Some(encoded(&sealed)),
            Err(error) => {
                tracing::error!("A form's secret could not be sealed: {error}");
                None
            }
        }
    }

    fn open(&self, identity: &str, sealed: &str) -> Option<(Instant, String)> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let dated = self.keys.open(&sealed, identity).ok()?;
        let (at, text) = dated.expose_secret().split_once('\n')?;
        let at = DateTime::from_timestamp_micros(at.parse().ok()?)?;
        (at <= self.now && self.now - at <= OPENS_FOR).then(|| (at, text.to_owned()))
    }
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use acuse_domain::mail_account::{MailModule, Security};

    fn now() -> Instant {
        "2026-11-24T14:12:00Z".parse().unwrap()
    }

    fn company() -> CompanyId {
        CompanyId(uuid::Uuid::from_u128(7))
    }

    fn settings() -> MailAccountSettings {
        MailAccountSettings {
            module: MailModule::ReceivedPayments,
            server: "mail.empresa.ec".to_owned(),
            port: 587,
            security: Security::StartTls,
            username: "cobros@empresa.ec".to_owned(),
            from_name: "Empresa".to_owned(),
            from_address: "cobros@empresa.ec".parse().unwrap(),
            reply_to: None,
            bcc: None,
        }
    }

    #[test]
    fn a_typed_password_opens_for_its_own_session_and_for_half_an_hour() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keyring::load_or_create(&folder.path().join("secret.key")).unwrap();
        let seals = Seals::new(&keys, company(), "sesion", now());
        let scope = settings().credential_scope();
        let sealed = seals.seal_password(&SecretString::from("clave\ncon ñ "), &scope).unwrap();
        assert!(!sealed.contains("clave"));
        let opened = |company, session, now| {
            Seals::new(&keys, company, session, now).open_password(&sealed, &scope).map(|open| open.expose_secret().to_owned())
        };
        assert_eq!(opened(company(), "sesion", now() + OPENS_FOR).as_deref(), Some("clave\ncon ñ "));
        assert_eq!(opened(company(), "sesion", now() + OPENS_FOR + TimeDelta::seconds(1)), None);
        assert_eq!(opened(company(), "otra", now()), None);
        assert_eq!(opened(CompanyId(uuid::Uuid::from_u128(8)), "sesion", now()), None);
        assert!(seals.open_password("", &scope).is_none());
        assert!(seals.open_password("%%%", &scope).is_none());
        for other in [
            CredentialScope { server: "mail.otra.ec".to_owned(), ..scope.clone() },
            CredentialScope { port: 465, ..scope.clone() },
            CredentialScope { security: Security::None, ..scope.clone() },
            CredentialScope { username: "otro".to_owned(), ..scope.clone() },
        ] {
            assert!(seals.open_password(&sealed, &other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn a_check_counts_for_exactly_what_was_checked() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keyring::load_or_create(&folder.path().join("secret.key")).unwrap();
        let seals = Seals::new(&keys, company(), "sesion", now());
        let password = SecretString::from("clave");
        let sealed = seals.seal_check(&settings(), Some(&password), true).unwrap();
        let open = |settings: &MailAccountSettings, password: Option<&SecretString>| {
            seals.open_check(settings, password, &sealed).map(|check| check.ok)
        };
        assert_eq!(open(&settings(), Some(&password)), Some(true));
        assert_eq!(open(&settings(), Some(&SecretString::from("otra"))), None);
        assert_eq!(open(&settings(), None), None);
        assert_eq!(open(&MailAccountSettings { port: 465, ..settings() }, Some(&password)), None);
        assert_eq!(open(&MailAccountSettings { security: Security::Tls, ..settings() }, Some(&password)), None);
        let other_name = MailAccountSettings { from_name: "Otro nombre".to_owned(), ..settings() };
        assert_eq!(open(&other_name, Some(&password)), Some(true), "a name is not checked");
        // A sealed check cannot be passed off as a password, nor the other way round.
        assert!(seals.open_password(&sealed, &settings().credential_scope()).is_none());
    }
}
