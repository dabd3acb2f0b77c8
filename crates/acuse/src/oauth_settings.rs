//! The operator's registrations with Google and Microsoft.

use acuse_domain::oauth::Provider;
use acuse_mail::oauth::Registration;
use secrecy::SecretString;

use crate::failure::Failure;
use crate::mail_url::MailUrl;

/// One registration as it is written; empty where nothing is. Has no `Debug`: it holds a secret.
#[derive(Clone)]
pub struct Given {
    pub provider: Provider,
    pub client_id: String,
    pub client_secret: String,
    pub issuer: String,
    pub smtp: String,
    pub tenant: String,
    pub scope: String,
}

impl Given {
    /// Nothing where it is not there. Errs with the setting that is missing or cannot be understood.
    pub fn understand(self) -> Result<Option<Registration>, Failure> {
        let name = |setting: &str| format!("oauth_{}_{setting}", self.provider.as_str());
        match (self.client_id.is_empty(), self.client_secret.is_empty()) {
            (true, true) => return Ok(None),
            (false, false) => {}
            _ => {
                return Err(Failure::new(
                    format!("{} y {} van juntas", name("client_id"), name("client_secret")),
                    "Escriba las dos, como las muestra la consola del proveedor, o ninguna.",
                ));
            }
        }
        if !self.issuer.is_empty() && !self.issuer.starts_with("https://") {
            return Err(Failure::new(
                format!("{}: no empieza con https://", name("issuer")),
                "Déjela vacía para el lugar usual del proveedor.",
            ));
        }
        let smtp = match self.smtp.as_str() {
            "" => None,
            url => {
                let url = url.parse::<MailUrl>();
                Some(url.map_err(|error| Failure::new(format!("{}: {error}", name("smtp")), MailUrl::EXAMPLE))?.endpoint)
            }
        };
        let usual = Registration::new(self.provider, self.client_id, SecretString::from(self.client_secret));
        Ok(Some(Registration {
            issuer: Some(self.issuer).filter(|issuer| !issuer.is_empty()),
            smtp: smtp.unwrap_or_else(|| usual.smtp.clone()),
            tenant: or_usual(self.tenant, usual.tenant.clone()),
            mail_scope: or_usual(self.scope, usual.mail_scope.clone()),
            ..usual
        }))
    }
}

fn or_usual(written: String, usual: String) -> String {
    if written.is_empty() { usual } else { written }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(client_id: &str, client_secret: &str) -> Given {
        let none = String::new;
        let (client_id, client_secret) = (client_id.to_owned(), client_secret.to_owned());
        Given {
            provider: Provider::Microsoft,
            client_id,
            client_secret,
            issuer: none(),
            smtp: none(),
            tenant: none(),
            scope: none(),
        }
    }

    #[test]
    fn a_provider_is_there_with_its_two_values_and_its_usual_places() {
        assert!(given("", "").understand().is_ok_and(|found| found.is_none()));
        let written = Given { tenant: "empresa.onmicrosoft.com".to_owned(), ..given("id", "secreto") };
        let found = written.understand().ok().flatten().expect("a registration");
        assert_eq!(
            (found.tenant.as_str(), found.smtp.to_string()),
            ("empresa.onmicrosoft.com", "smtp.office365.com:587".to_owned())
        );
        assert!(!format!("{found:?}").contains("secreto"));
    }

    #[test]
    fn half_a_registration_and_a_clear_issuer_are_refused() {
        assert!(given("id", "").understand().is_err());
        assert!(Given { issuer: "http://localhost:1".to_owned(), ..given("id", "s") }.understand().is_err());
        let own = Given { smtp: "smtps://localhost:4650".to_owned(), ..given("id", "s") }.understand();
        assert_eq!(own.ok().flatten().expect("a registration").smtp.port, 4650);
    }
}
