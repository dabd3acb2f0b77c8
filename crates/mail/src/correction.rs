//! What would mend an account's settings, as far as a failure makes it certain: offered as one click.

use std::time::Duration;

use acuse_domain::email_address::EmailAddress;
use acuse_domain::mail_account::Security;
use acuse_domain::mail_problem::{ProblemCode, TryPorts};
use secrecy::ExposeSecret;

use crate::endpoint::{Endpoint, Limits};
use crate::failure::{Cause, Failure};
use crate::guard::Network;
use crate::login::Credentials;
use crate::password::{self, PasswordMend};
use crate::providers::{self, Provider};
use crate::session::Session;

/// How long another port or name is given to show that it answers.
const OTHER_DOOR: Duration = Duration::from_secs(3);
/// RFC 6409 3.1, and RFC 8314 7.3.
const USUAL_DOORS: [(u16, Security); 2] = [(587, Security::StartTls), (465, Security::Tls)];
/// A shared server's certificate may carry a hundred customers' names.
const MOST_NAMES: usize = 3;

/// The settings with which it would work, as far as that is certain. `server` and `username` are named where they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    pub port: u16,
    pub security: Security,
    pub server: Option<String>,
    pub username: Option<String>,
    /// What to change in the password (`password::meant`): the password itself is never told.
    pub password: Option<PasswordMend>,
}

/// What to change. Knocks at other doors where only that makes it certain: without credentials, within `left`.
pub(crate) async fn look_for(
    network: &Network,
    who: (Option<&Credentials>, &EmailAddress),
    failure: &Failure,
    code: ProblemCode,
    left: Duration,
) -> Option<Suggestion> {
    if let Some(suggestion) = follows_from(failure, code, who) {
        return Some(suggestion);
    }
    let knocking =
        Knocking { network, endpoint: &failure.endpoint, limits: Limits { in_all: Some(left), ..Limits::each(OTHER_DOOR) } };
    match code.row().try_ports {
        _ if code == ProblemCode::CertificateNameMismatch => knocking.by_name(names(failure)).await,
        Some(TryPorts::Always) => knocking.at_the_usual_ports().await,
        Some(TryPorts::InClear) if failure.endpoint.security == Security::None => knocking.at_the_usual_ports().await,
        _ => None,
    }
}

/// What needs no further look.
fn follows_from(
    failure: &Failure,
    code: ProblemCode,
    (credentials, from): (Option<&Credentials>, &EmailAddress),
) -> Option<Suggestion> {
    let endpoint = &failure.endpoint;
    let same = Suggestion::of(endpoint);
    match code {
        ProblemCode::PortWantsTls => Some(Suggestion { security: Security::Tls, ..same }),
        ProblemCode::PortWantsStarttls => Some(Suggestion { security: Security::StartTls, ..same }),
        ProblemCode::TlsRequired if endpoint.security == Security::None => {
            Some(Suggestion { security: Security::StartTls, ..same })
        }
        ProblemCode::HostNotFound | ProblemCode::HostWithoutAddress | ProblemCode::DnsFailed => {
            let server = providers::meant_host(&endpoint.host)?;
            Some(Suggestion { server: Some(server.to_owned()), ..same })
        }
        ProblemCode::NotASubmissionHost => Some(preset(providers::of_host(&endpoint.host)?)),
        ProblemCode::NotSmtp | ProblemCode::ConnectionRefused | ProblemCode::ConnectionTimeout
            if is_for_reading(&endpoint.host) =>
        {
            Some(preset(providers::of_host(&endpoint.host)?))
        }
        ProblemCode::BadCredentials | ProblemCode::AuthAppPasswordRequired => {
            let credentials = credentials?;
            let username =
                meant_user(credentials.username(), &endpoint.host, from).filter(|_| code == ProblemCode::BadCredentials);
            let password = meant_password(credentials, &endpoint.host);
            (username.is_some() || password.is_some()).then_some(Suggestion { username, password, ..same })
        }
        // A line's end in the password is found before anything is sent.
        ProblemCode::InvalidInput if matches!(failure.cause, Cause::InvalidInput { field: "username" }) => {
            let is_writable = |name: &str| !name.is_empty() && !name.chars().any(char::is_control);
            let credentials = credentials.filter(|who| is_writable(who.username()))?;
            Some(Suggestion { password: Some(meant_password(credentials, &endpoint.host)?), ..same })
        }
        _ => None,
    }
}

fn preset(provider: &Provider) -> Suggestion {
    let (port, security) = (provider.port, provider.security());
    Suggestion { port, security, server: Some(provider.server.clone()), username: None, password: None }
}

/// `imap.gmail.com` stands beside `smtp.gmail.com` on every help page.
fn is_for_reading(host: &str) -> bool {
    let first = host.split('.').next().unwrap_or_default().to_lowercase();
    first.starts_with("imap") || first.starts_with("pop")
}

fn meant_password(credentials: &Credentials, host: &str) -> Option<PasswordMend> {
    let Credentials::Password { password, .. } = credentials else { return None };
    password::meant(password.expose_secret(), host).map(|(mend, _)| mend)
}

/// The user name that was meant: the one word a provider asks for, or the whole address where only its first part was typed.
fn meant_user(typed: &str, host: &str, from: &EmailAddress) -> Option<String> {
    let provider = providers::of_host(host);
    if let Some(fixed) = provider.and_then(|provider| provider.username.as_deref()) {
        return (typed != fixed).then(|| fixed.to_owned());
    }
    let domain = from.domain().to_lowercase();
    let is_own_server = host.to_lowercase().ends_with(&format!(".{domain}"));
    let is_its_provider = provider.is_some() && provider.map(|it| &it.name) == providers::of_domain(&domain).map(|it| &it.name);
    let fits = typed.eq_ignore_ascii_case(from.local_part()) || is_own_server || is_its_provider;
    let is_a_name = !typed.is_empty() && typed.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
    (is_a_name && fits).then(|| format!("{typed}@{}", from.domain()))
}

/// The names that a certificate is good for and that a client could ask for.
fn names(failure: &Failure) -> Vec<String> {
    let Cause::CertificateNameMismatch { names } = &failure.cause else { return Vec::new() };
    let mut names: Vec<String> = names.iter().filter(|name| !name.starts_with('*')).cloned().collect();
    names.sort_by_key(|name| !(name.starts_with("mail.") || name.starts_with("smtp.")));
    names.truncate(MOST_NAMES);
    names
}

struct Knocking<'a> {
    network: &'a Network,
    endpoint: &'a Endpoint,
    limits: Limits,
}

impl Knocking<'_> {
    async fn at_the_usual_ports(&self) -> Option<Suggestion> {
        let [one, other] = USUAL_DOORS.map(|(port, security)| Endpoint { port, security, ..self.endpoint.clone() });
        let (one, other) = tokio::join!(self.answers(one), self.answers(other));
        one.or(other)
    }

    async fn by_name(&self, names: Vec<String>) -> Option<Suggestion> {
        for host in names {
            let there = Endpoint { host: host.clone(), ..self.endpoint.clone() };
            if self.is_open(&there).await {
                return Some(Suggestion { server: Some(host), ..Suggestion::of(&there) });
            }
        }
        None
    }

    async fn answers(&self, there: Endpoint) -> Option<Suggestion> {
        if there == *self.endpoint {
            return None;
        }
        self.is_open(&there).await.then(|| Suggestion::of(&there))
    }

    async fn is_open(&self, there: &Endpoint) -> bool {
        match Session::look_in(self.network, there, &self.limits).await {
            Ok(session) => {
                session.leave();
                true
            }
            Err(_) => false,
        }
    }
}

impl Suggestion {
    fn of(endpoint: &Endpoint) -> Self {
        Self { port: endpoint.port, security: endpoint.security, server: None, username: None, password: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_user_name_is_made_whole_where_the_domain_fits() {
        let meant = |typed: &str, host: &str, from: &str| meant_user(typed, host, &from.parse().unwrap());
        let whole = Some("cobros@empresa.ec".to_owned());
        assert_eq!(meant("cobros", "smtp.zoho.com", "cobros@empresa.ec"), whole);
        assert_eq!(meant("cobros", "mail.empresa.ec", "ventas@empresa.ec"), whole);
        assert_eq!(meant("cobros", "srv1.hosting.com", "ventas@empresa.ec"), None);
        assert_eq!(meant("cobros@empresa.ec", "mail.empresa.ec", "cobros@empresa.ec"), None);
        assert_eq!(meant("ana", "smtp.gmail.com", "otra@gmail.com"), Some("ana@gmail.com".to_owned()));
        assert_eq!(meant("", "mail.empresa.ec", "cobros@empresa.ec"), None);
    }

    #[test]
    fn a_provider_with_one_user_for_all_says_which() {
        let from = "cobros@empresa.ec".parse().unwrap();
        assert_eq!(meant_user("cobros@empresa.ec", "smtp.sendgrid.net", &from), Some("apikey".to_owned()));
        assert_eq!(meant_user("apikey", "smtp.sendgrid.net", &from), None);
        assert_eq!(meant_user("cobros", "smtp.sparkpostmail.com", &from), Some("SMTP_Injection".to_owned()));
    }
}
