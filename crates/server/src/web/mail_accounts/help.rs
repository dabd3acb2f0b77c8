//! What a provider asks for before its account can send, said at once rather than after a failure.

use acuse_domain::email_address::EmailAddress;
use acuse_domain::message::Language;
use acuse_mail::providers;

pub struct ProviderHelp {
    pub title: String,
    pub steps: Vec<String>,
}

impl ProviderHelp {
    /// Nothing where the usual password will do.
    pub fn of(address: Option<&EmailAddress>, server: &str) -> Option<Self> {
        let by_address = address.and_then(|address| providers::of_domain(address.domain()));
        let provider = providers::of_host(server.trim()).or(by_address.filter(|_| server.trim().is_empty()))?;
        let steps = provider.setup(Language::Spanish).to_vec();
        (!steps.is_empty()).then(|| Self { title: format!("Antes de probar con {}", provider.name), steps })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_says_at_once_what_it_needs() {
        let of = |address: &str, server: &str| ProviderHelp::of(address.parse().ok().as_ref(), server);
        let gmail = of("ana@gmail.com", "smtp.gmail.com").expect("help");
        assert!(gmail.steps[0].contains("contraseña de aplicación"), "{:?}", gmail.steps);
        assert_eq!(of("ana@empresa.ec", "smtp.gmail.com").expect("help").title, gmail.title, "a company's own domain at Google");
        assert!(of("ana@hotmail.com", "").expect("help").steps[0].contains("no aceptan contraseñas"));
        assert!(of("ana@empresa.ec", "mail.empresa.ec").is_none());
        assert!(of("ana@gmail.com", "mail.empresa.ec").is_none(), "another server was chosen");
    }
}
