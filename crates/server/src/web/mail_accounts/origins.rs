//! Where the values of the form came from. Said under a field for as long as it holds what was proposed; what a person
//! changed is theirs. Travels through the form, so that it is still true after Probar, a correction or a refusal.

use std::collections::BTreeMap;

use acuse_domain::mail_account::MailAccountSettings;
use acuse_domain::message::Language;
use acuse_mail::autoconfig::{Discovery, Source};
use serde::{Deserialize, Deserializer, Serialize};

/// Characters of a hint; longer ones are not ours.
const LONGEST_HINT: usize = 120;
const TYPED: &str = "escrito por usted";

/// By field: the value that was proposed, and its source in words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Origins(BTreeMap<String, (String, String)>);

impl Origins {
    /// An account on record: what still stands needs no source, and what was changed since is the person's.
    #[must_use]
    pub fn on_record(settings: &MailAccountSettings) -> Self {
        let mut origins = Self::default();
        origins.propose("servidor", &settings.server, "");
        origins.propose("puerto", &settings.port.to_string(), "");
        origins.propose("tls", settings.security.as_str(), "");
        origins.propose("usuario", &settings.username, "");
        origins
    }

    /// What the address alone led to. Where nothing was found the fields stay empty: a guess of ours would pass for a fact.
    #[must_use]
    pub fn found(found: &Discovery) -> Self {
        let mut origins = Self::default();
        let phrase = |source: &Source| source.phrase(Language::Spanish);
        origins.propose("usuario", &found.username.value, &phrase(&found.username.source));
        if let Some(server) = &found.server {
            origins.propose("servidor", &server.value, &phrase(&server.source));
            origins.propose("puerto", &found.port.value.to_string(), &in_short(&found.port.source));
            origins.propose("tls", found.security.value.as_str(), &in_short(&found.security.source));
        }
        origins
    }

    pub fn propose(&mut self, field: &str, value: &str, source: &str) {
        self.0.insert(field.to_owned(), (value.to_owned(), source.to_owned()));
    }

    /// What was proposed for a field.
    #[must_use]
    pub fn given(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(|(value, _)| value.as_str())
    }

    /// The hint under a field that holds `value` now.
    #[must_use]
    pub fn hint(&self, field: &str, value: &str) -> Option<String> {
        let (proposed, source) = self.0.get(field)?;
        let words = if value == proposed { source.as_str() } else { TYPED };
        (!words.is_empty() && !value.is_empty()).then(|| words.to_owned())
    }

    /// For the form's hidden field.
    #[must_use]
    pub fn carried(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// For a narrow field beside the server's, which says it in full.
fn in_short(source: &Source) -> String {
    match source {
        Source::Mx(provider) => format!("de {}", provider.split(' ').next().unwrap_or_default()),
        Source::Autoconfig(_) => "autoconfig".to_owned(),
        Source::Guess(_) => "supuesto: responde".to_owned(),
        Source::Preset(_) | Source::Srv | Source::Usual => source.phrase(Language::Spanish),
    }
}

/// What cannot be read says nothing: a hint is never worth refusing a form.
impl<'de> Deserialize<'de> for Origins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut carried: BTreeMap<String, (String, String)> = serde_json::from_str(&text).unwrap_or_default();
        carried.retain(|_, (_, source)| source.chars().count() <= LONGEST_HINT);
        Ok(Self(carried))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through_the_form(origins: &Origins) -> Origins {
        serde_json::from_value(serde_json::Value::String(origins.carried())).expect("never an error")
    }

    #[test]
    fn a_source_is_said_only_of_what_it_gave() {
        let mut origins = Origins::default();
        origins.propose("servidor", "smtp.gmail.com", "por el MX: Google Workspace");
        let again = through_the_form(&through_the_form(&origins));
        assert_eq!(again, origins);
        assert_eq!(again.hint("servidor", "smtp.gmail.com").as_deref(), Some("por el MX: Google Workspace"));
        assert_eq!(again.hint("servidor", "mail.empresa.ec").as_deref(), Some("escrito por usted"));
        assert_eq!(again.hint("servidor", ""), None);
        assert_eq!(again.hint("puerto", "587"), None, "nobody proposed one");
    }

    #[test]
    fn what_the_address_led_to_stands_in_the_fields_and_nothing_is_made_up() {
        let preset = |address: &str| acuse_mail::autoconfig::preset(&address.parse().unwrap());
        let gmail = Origins::found(&preset("ana@gmail.com").expect("a provider known by heart"));
        assert_eq!(gmail.given("servidor"), Some("smtp.gmail.com"));
        assert_eq!(gmail.hint("servidor", "smtp.gmail.com").as_deref(), Some("de Gmail"));
        assert_eq!(gmail.hint("puerto", "587").as_deref(), Some("de Gmail"));
        assert_eq!(in_short(&Source::Mx("Google Workspace")), "de Google");
        let nobody = Discovery { server: None, ..preset("ana@gmail.com").expect("any") };
        let empty = Origins::found(&nobody);
        assert_eq!((empty.given("servidor"), empty.given("puerto")), (None, None));
        assert_eq!(empty.given("usuario"), Some("ana@gmail.com"));
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        for text in ["", "{", "[1]", r#"{"servidor":"x"}"#] {
            let origins: Origins = serde_json::from_value(serde_json::Value::String(text.to_owned())).expect("never an error");
            assert_eq!(origins, Origins::default(), "{text}");
        }
        let mut long = Origins::default();
        long.propose("servidor", "x", &"y".repeat(LONGEST_HINT + 1));
        assert_eq!(through_the_form(&long), Origins::default());
    }
}
