//! Who logs in, and the exchange by which it is done (RFC 4954).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use smtp_proto::{AUTH_CRAM_MD5, AUTH_PLAIN};

/// A user's name and password. Never shown.
#[derive(Clone)]
pub struct Credentials {
    pub username: String,
    pub password: SecretString,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// The ways of logging in with a password that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    Plain,
    Login,
    CramMd5,
}

impl Mechanism {
    /// Those offered, the best first: behind TLS the simplest is the surest; in clear, one that does not show the password.
    pub(crate) fn offered(logins: &[String], encrypted: bool) -> Vec<Self> {
        let order = if encrypted { [Self::Plain, Self::Login, Self::CramMd5] } else { [Self::CramMd5, Self::Plain, Self::Login] };
        order.into_iter().filter(|login| logins.iter().any(|offered| offered == login.name())).collect()
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::CramMd5 => "CRAM-MD5",
        }
    }

    /// The AUTH command, with the answer in it where the mechanism begins with one.
    pub(crate) fn command(self, who: &Credentials) -> String {
        match self {
            Self::Plain => format!("AUTH PLAIN {}\r\n", plain(who)),
            Self::Login | Self::CramMd5 => format!("AUTH {}\r\n", self.name()),
        }
    }

    /// What to say to the server's challenge number `turn`, without its line break. Nothing where it makes no sense.
    pub(crate) fn answer(self, who: &Credentials, turn: usize, challenge: &str) -> Option<String> {
        match (self, turn) {
            (Self::Plain, 0) => Some(plain(who)),
            // The prompts differ from server to server, their order does not.
            (Self::Login, 0) => Some(STANDARD.encode(&who.username)),
            (Self::Login, 1) => Some(STANDARD.encode(who.password.expose_secret())),
            (Self::CramMd5, 0) => encoded(who, AUTH_CRAM_MD5, challenge.trim()),
            _ => None,
        }
    }
}

impl Credentials {
    /// Every form in which a server could echo the password.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let password = self.password.expose_secret();
        if password.is_empty() {
            return Vec::new();
        }
        vec![plain(self), STANDARD.encode(password), password.to_owned()]
    }

    /// RFC 4616: NUL separates the parts; line breaks would end a command.
    pub(crate) fn are_writable(&self) -> bool {
        let has_control = |text: &str| text.chars().any(char::is_control);
        !has_control(&self.username) && !has_control(self.password.expose_secret())
    }
}

fn plain(who: &Credentials) -> String {
    encoded(who, AUTH_PLAIN, "").unwrap_or_default()
}

fn encoded(who: &Credentials, mechanism: u64, challenge: &str) -> Option<String> {
    let credentials = mail_send::Credentials::new(who.username.as_str(), who.password.expose_secret());
    credentials.encode(mechanism, challenge).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody() -> Credentials {
        Credentials { username: "tim".to_owned(), password: "tanstaaftanstaaf".into() }
    }

    #[test]
    fn each_login_says_what_its_rfc_says() {
        let who = somebody();
        assert_eq!(Mechanism::Plain.command(&who), "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n");
        assert_eq!(Mechanism::Login.answer(&who, 0, "VXNlcm5hbWU6").unwrap(), "dGlt");
        assert_eq!(Mechanism::Login.answer(&who, 1, "UGFzc3dvcmQ6").unwrap(), "dGFuc3RhYWZ0YW5zdGFhZg==");
        // RFC 2195 2.
        let challenge = "PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+";
        assert_eq!(Mechanism::CramMd5.answer(&who, 0, challenge).unwrap(), "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw");
        assert_eq!(Mechanism::CramMd5.answer(&who, 0, "no base64 !"), None);
    }

    #[test]
    fn in_clear_the_password_is_hidden_where_it_can_be() {
        let offered: Vec<String> = ["LOGIN", "PLAIN", "CRAM-MD5", "XOAUTH2"].map(str::to_owned).to_vec();
        assert_eq!(Mechanism::offered(&offered, true)[0], Mechanism::Plain);
        assert_eq!(Mechanism::offered(&offered, false)[0], Mechanism::CramMd5);
        assert_eq!(Mechanism::offered(&["XOAUTH2".to_owned()], true), []);
    }

    #[test]
    fn nobody_sees_the_password() {
        assert!(!format!("{:?}", somebody()).contains("tanstaaf"));
    }
}
