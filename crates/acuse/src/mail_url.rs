//! `smtp://user:password@host:587?security=starttls`

use std::str::FromStr;

use acuse_domain::mail_account::Security;
use acuse_mail::endpoint::Endpoint;
use acuse_mail::login::Credentials;
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::Url;

/// A mail account in one line.
#[derive(Debug, Clone)]
pub struct MailUrl {
    pub endpoint: Endpoint,
    pub credentials: Option<Credentials>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailUrlError {
    #[error("no es una dirección smtp:// o smtps://")]
    NotAMailUrl,
    #[error("falta el servidor")]
    NoHost,
    #[error("security es starttls, tls o none")]
    Security,
}

impl MailUrl {
    pub const EXAMPLE: &str = "Escríbala como smtp://usuario:clave@servidor:587?security=starttls";
}

impl FromStr for MailUrl {
    type Err = MailUrlError;

    fn from_str(text: &str) -> Result<Self, MailUrlError> {
        let url = Url::parse(text).map_err(|_| MailUrlError::NotAMailUrl)?;
        let implicit_tls = match url.scheme() {
            "smtp" => false,
            "smtps" => true,
            _ => return Err(MailUrlError::NotAMailUrl),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(MailUrlError::NoHost)?.to_string();
        let port = url.port().unwrap_or(if implicit_tls { 465 } else { 587 });
        let named = url.query_pairs().find(|(name, _)| name == "security").map(|(_, value)| value.into_owned());
        let security = match named {
            Some(name) => Security::parse(&name).ok_or(MailUrlError::Security)?,
            None if implicit_tls || port == 465 => Security::Tls,
            None => Security::StartTls,
        };
        let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let credentials = (!url.username().is_empty()).then(|| {
            let password = SecretString::from(decoded(url.password().unwrap_or_default()));
            Credentials::password(decoded(url.username()), password)
        });
        Ok(Self { endpoint: Endpoint { host, port, security }, credentials })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn the_scheme_and_the_port_say_how_it_is_protected() {
        for (text, port, security) in [
            ("smtp://host.ec", 587, Security::StartTls),
            ("smtp://host.ec:465", 465, Security::Tls),
            ("smtps://host.ec", 465, Security::Tls),
            ("smtp://host.ec:25?security=none", 25, Security::None),
        ] {
            let url: MailUrl = text.parse().unwrap();
            assert_eq!((url.endpoint.port, url.endpoint.security), (port, security), "{text}");
        }
        assert_eq!("http://host.ec".parse::<MailUrl>().unwrap_err(), MailUrlError::NotAMailUrl);
        assert_eq!("smtp://h?security=ssl".parse::<MailUrl>().unwrap_err(), MailUrlError::Security);
    }

    #[test]
    fn names_and_passwords_may_hold_anything() {
        let url: MailUrl = "smtp://avisos%40empresa.ec:cl%40ve%20%C3%B1@host.ec".parse().unwrap();
        let Some(Credentials::Password { username, password }) = url.credentials else { panic!("no password") };
        assert_eq!(username, "avisos@empresa.ec");
        assert_eq!(password.expose_secret(), "cl@ve ñ");
    }
}
