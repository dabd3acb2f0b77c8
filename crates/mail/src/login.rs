//! Who logs in, and the exchange by which it is done (RFC 4954; RFC 7628 and Google's XOAUTH2 for access tokens).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use smtp_proto::{AUTH_CRAM_MD5, AUTH_PLAIN};

use crate::secrets::Secrets;

/// RFC 5321 4.5.3.1.4: octets of a command with its line break. RFC 4954 4 has what is longer wait for the server's
/// empty challenge. Microsoft's access tokens are longer; a password is not, and servers take it with the command.
const LONGEST_COMMAND: usize = 512;

/// A user's name, and what proves that it is they. Never shown.
#[derive(Clone)]
pub enum Credentials {
    Password {
        username: String,
        password: SecretString,
    },
    /// Of a connection with the account's provider (OAuth 2.0); good for an hour or so.
    AccessToken {
        username: String,
        token: SecretString,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_token() { "AccessToken" } else { "Password" };
        f.debug_struct(kind).field("username", &self.username()).finish_non_exhaustive()
    }
}

/// The ways of logging in that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    Plain,
    /// The same, after the server's empty challenge: some do not read the answer in the command (RFC 4954 4).
    PlainWhenAsked,
    Login,
    CramMd5,
    XOAuth2,
    OAuthBearer,
}

impl Mechanism {
    /// Those offered, the best first: behind TLS the simplest is the surest; in clear, one that does not show the password.
    /// An access token goes through TLS or not at all (RFC 7628 4): whoever reads it can use it.
    pub(crate) fn offered(logins: &[String], encrypted: bool, who: &Credentials) -> Vec<Self> {
        let order: &[Self] = match (who, encrypted) {
            (Credentials::AccessToken { .. }, true) => &[Self::XOAuth2, Self::OAuthBearer],
            (Credentials::AccessToken { .. }, false) => &[],
            (Credentials::Password { .. }, true) => &[Self::Plain, Self::Login, Self::CramMd5, Self::PlainWhenAsked],
            (Credentials::Password { .. }, false) => &[Self::CramMd5, Self::Plain, Self::Login, Self::PlainWhenAsked],
        };
        order.iter().copied().filter(|login| logins.iter().any(|offered| offered == login.name())).collect()
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain | Self::PlainWhenAsked => "PLAIN",
            Self::Login => "LOGIN",
            Self::CramMd5 => "CRAM-MD5",
            Self::XOAuth2 => "XOAUTH2",
            Self::OAuthBearer => "OAUTHBEARER",
        }
    }

    /// The AUTH command, with the answer in it where the mechanism begins with one and it fits.
    pub(crate) fn command(self, who: &Credentials) -> String {
        match self.answer_in_command(who).map(|answer| format!("AUTH {} {answer}\r\n", self.name())) {
            Some(whole) if whole.len() <= LONGEST_COMMAND || !who.is_token() => whole,
            _ => format!("AUTH {}\r\n", self.name()),
        }
    }

    /// What to say to the server's challenge number `turn`, without its line break. Nothing where it makes no sense.
    pub(crate) fn answer(self, who: &Credentials, turn: usize, challenge: &str) -> Option<String> {
        match (self, turn) {
            (Self::XOAuth2 | Self::OAuthBearer, 0) if challenge.trim().is_empty() => self.first_answer(who),
            (Self::Plain | Self::PlainWhenAsked, 0) => self.first_answer(who),
            // The refusal comes after an answer that says nothing: an empty line with XOAUTH2
            // (developers.google.com/workspace/gmail/imap/xoauth2-protocol), a lone ^A with OAUTHBEARER (RFC 7628 3.2.3).
            (Self::XOAuth2, 0 | 1) => Some(String::new()),
            (Self::OAuthBearer, 0 | 1) => Some(STANDARD.encode("\u{1}")),
            // The prompts differ from server to server, their order does not.
            (Self::Login, 0) => Some(STANDARD.encode(who.username())),
            (Self::Login, 1) => Some(STANDARD.encode(who.secret())),
            (Self::CramMd5, 0) => encoded(who, AUTH_CRAM_MD5, &STANDARD.encode(decoded(challenge)?)),
            _ => None,
        }
    }

    /// What a challenge tells besides asking: the JSON in which a server says why it takes no token.
    pub(crate) fn told_by(self, challenge: &str) -> Option<String> {
        if !matches!(self, Self::XOAuth2 | Self::OAuthBearer) {
            return None;
        }
        let text = String::from_utf8(decoded(challenge)?).ok()?;
        text.trim_start().starts_with('{').then_some(text)
    }

    fn answer_in_command(self, who: &Credentials) -> Option<String> {
        if self == Self::PlainWhenAsked { None } else { self.first_answer(who) }
    }

    fn first_answer(self, who: &Credentials) -> Option<String> {
        let (user, secret) = (who.username(), who.secret());
        match self {
            Self::Plain | Self::PlainWhenAsked => Some(plain(who)),
            Self::XOAuth2 => Some(STANDARD.encode(format!("user={user}\u{1}auth=Bearer {secret}\u{1}\u{1}"))),
            // RFC 5801 4: the name is written with =2C and =3D.
            Self::OAuthBearer => {
                let name = user.replace('=', "=3D").replace(',', "=2C");
                Some(STANDARD.encode(format!("n,a={name},\u{1}auth=Bearer {secret}\u{1}\u{1}")))
            }
            Self::Login | Self::CramMd5 => None,
        }
    }
}

impl Credentials {
    #[must_use]
    pub fn password(username: impl Into<String>, password: SecretString) -> Self {
        Self::Password { username: username.into(), password }
    }

    #[must_use]
    pub fn access_token(username: impl Into<String>, token: SecretString) -> Self {
        Self::AccessToken { username: username.into(), token }
    }

    #[must_use]
    pub fn username(&self) -> &str {
        match self {
            Self::Password { username, .. } | Self::AccessToken { username, .. } => username,
        }
    }

    #[must_use]
    pub const fn is_token(&self) -> bool {
        matches!(self, Self::AccessToken { .. })
    }

    fn secret(&self) -> &str {
        match self {
            Self::Password { password: secret, .. } | Self::AccessToken { token: secret, .. } => secret.expose_secret(),
        }
    }

    /// What no reply may show: the password or the token, and each answer that begins a login with it.
    pub(crate) fn secrets(&self) -> Secrets {
        let mut secrets = Secrets::of(&[self.secret()], self.username());
        if !self.secret().is_empty() {
            let answers = [Mechanism::Plain, Mechanism::XOAuth2, Mechanism::OAuthBearer].map(|way| way.first_answer(self));
            answers.iter().flatten().for_each(|answer| secrets.add_said(answer));
        }
        secrets
    }

    /// RFC 4616: NUL separates the parts; line breaks would end a command.
    pub(crate) fn are_writable(&self) -> bool {
        let has_control = |text: &str| text.chars().any(char::is_control);
        !has_control(self.username()) && !has_control(self.secret())
    }
}

fn plain(who: &Credentials) -> String {
    encoded(who, AUTH_PLAIN, "").unwrap_or_default()
}

/// A challenge, with or without its padding.
fn decoded(challenge: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(challenge.trim().trim_end_matches('=')).ok()
}

fn encoded(who: &Credentials, mechanism: u64, challenge: &str) -> Option<String> {
    let credentials = mail_send::Credentials::new(who.username(), who.secret());
    credentials.encode(mechanism, challenge).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody() -> Credentials {
        Credentials::password("tim", "tanstaaftanstaaf".into())
    }

    fn connected(token: &str) -> Credentials {
        Credentials::access_token("someuser@example.com", token.into())
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
    fn a_token_is_said_as_google_and_the_rfc_show_it() {
        // The example of Google's page on XOAUTH2.
        let google = connected("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
        assert_eq!(
            Mechanism::XOAuth2.command(&google),
            "AUTH XOAUTH2 dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==\r\n"
        );
        let odd = Credentials::access_token("a=b,c@x.ec", "t".into());
        let said = Mechanism::OAuthBearer.answer(&odd, 0, "").unwrap();
        assert_eq!(STANDARD.decode(said).unwrap(), b"n,a=a=3Db=2Cc@x.ec,\x01auth=Bearer t\x01\x01");
    }

    #[test]
    fn a_long_token_waits_for_its_turn_and_a_refusal_is_heard_out() {
        let long = connected(&"t".repeat(1_500));
        for (login, last) in [(Mechanism::XOAuth2, ""), (Mechanism::OAuthBearer, "AQ==")] {
            assert_eq!(login.command(&long), format!("AUTH {}\r\n", login.name()));
            assert!(login.answer(&long, 0, "").unwrap().len() > 2_000);
            let json = STANDARD.encode(r#"{"status":"401","schemes":"bearer"}"#);
            assert_eq!(login.answer(&long, 1, &json).as_deref(), Some(last), "after the token");
            assert_eq!(login.answer(&connected("short"), 0, &json).as_deref(), Some(last), "the token stood in the command");
            assert_eq!(login.told_by(&json).as_deref(), Some(r#"{"status":"401","schemes":"bearer"}"#));
            assert_eq!(login.answer(&long, 2, &json), None);
            assert_eq!(login.told_by("no base64 !"), None);
        }
    }

    #[test]
    fn in_clear_the_password_is_hidden_where_it_can_be_and_a_token_is_not_said() {
        let offered: Vec<String> = ["LOGIN", "PLAIN", "CRAM-MD5", "XOAUTH2"].map(str::to_owned).to_vec();
        assert_eq!(Mechanism::offered(&offered, true, &somebody())[0], Mechanism::Plain);
        assert_eq!(Mechanism::offered(&offered, false, &somebody())[0], Mechanism::CramMd5);
        assert_eq!(Mechanism::offered(&["XOAUTH2".to_owned()], true, &somebody()), []);
        assert_eq!(Mechanism::offered(&offered, true, &connected("t")), [Mechanism::XOAuth2]);
        assert_eq!(Mechanism::offered(&offered, false, &connected("t")), []);
    }

    #[test]
    fn nobody_sees_the_password_or_the_token() {
        assert!(!format!("{:?}", somebody()).contains("tanstaaf"));
        assert!(!format!("{:?}", connected("ya29.secret")).contains("ya29"));
    }
}
