//! Known mail providers: presets, and what helps with each in particular (providers.toml).

use std::collections::HashMap;
use std::sync::LazyLock;

use acuse_domain::mail_account::Security;
use serde::Deserialize;

/// Two slips of the finger; three make another name.
const MOST_SLIPS: usize = 2;

static PROVIDERS: LazyLock<Vec<Provider>> = LazyLock::new(|| {
    let table: Table = toml::from_str(include_str!("providers.toml")).expect("providers.toml is checked by a test");
    table.provider
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    provider: Vec<Provider>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    pub name: String,
    hosts: Vec<String>,
    domains: Vec<String>,
    #[serde(default)]
    mx: Vec<String>,
    mx_name: Option<String>,
    mx_server: Option<String>,
    oauth: Option<String>,
    #[serde(default)]
    pub(crate) setup: Setup,
    pub server: String,
    pub port: u16,
    security: String,
    /// Words of its greeting, where it names no host of its own.
    #[serde(default)]
    greets_as: Vec<String>,
    /// The one user name that everybody logs in with.
    pub username: Option<String>,
    /// Recipients a day.
    pub daily: Option<u32>,
    #[serde(default)]
    pub(crate) dns: Dns,
    #[serde(default)]
    pub(crate) help: HashMap<String, Help>,
}

/// What stands in the DNS of a domain that sends through the provider.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Dns {
    pub spf: Vec<String>,
    pub own_envelope: bool,
    pub dkim: Vec<String>,
    pub dkim_always: bool,
    dkim_cname: Option<String>,
    pub mx: Option<String>,
    rewrites_from: bool,
}

impl Dns {
    /// What to include so that this server of the provider's may send.
    pub(crate) fn spf_include(&self, server: &str) -> Option<&str> {
        let of_region = self.spf.iter().find(|include| server.ends_with(include.as_str()));
        of_region.or(self.spf.first()).map(String::as_str)
    }

    /// Where the CNAME of the provider's key stands for a domain, and what it points to; nothing where each domain gets
    /// another.
    pub(crate) fn dkim_cname(&self, domain: &str) -> Option<(String, String)> {
        let target = self.dkim_cname.as_deref()?.replace("{domain}", domain);
        Some((format!("{}._domainkey.{domain}", self.dkim.first()?), target))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setup {
    pub(crate) es: Vec<String>,
    pub(crate) en: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Help {
    pub(crate) title_es: Option<String>,
    pub(crate) title_en: Option<String>,
    #[serde(default)]
    pub(crate) es: Vec<String>,
    #[serde(default)]
    pub(crate) en: Vec<String>,
}

impl Provider {
    #[must_use]
    pub fn security(&self) -> Security {
        Security::parse(&self.security).unwrap_or(Security::StartTls)
    }

    /// `google` or `microsoft`: whose permission replaces the password.
    #[must_use]
    pub fn oauth(&self) -> Option<&str> {
        self.oauth.as_deref()
    }

    /// What the service is called that hosts other people's domains.
    #[must_use]
    pub fn name_of_other_domains(&self) -> &str {
        self.mx_name.as_deref().unwrap_or(&self.name)
    }

    /// The server for the domains that it hosts, where that is another than for its own.
    #[must_use]
    pub fn server_of_other_domains(&self) -> &str {
        self.mx_server.as_deref().unwrap_or(&self.server)
    }
}

/// All presets, in the order in which they are offered.
#[must_use]
pub fn all() -> &'static [Provider] {
    &PROVIDERS
}

/// Whose SMTP server that is.
#[must_use]
pub fn of_host(host: &str) -> Option<&'static Provider> {
    by_end(host, |provider| &provider.hosts)
}

/// Who receives mail at that MX.
#[must_use]
pub fn of_exchanger(host: &str) -> Option<&'static Provider> {
    by_end(host, |provider| &provider.mx)
}

/// The provider with the longest name that the host ends in.
fn by_end(host: &str, ends: impl Fn(&Provider) -> &[String]) -> Option<&'static Provider> {
    let host = host.to_lowercase();
    let is_end = |end: &String| host.strip_suffix(end.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let longest = |provider: &Provider| ends(provider).iter().filter(|end| is_end(end)).map(String::len).max();
    PROVIDERS.iter().filter(|provider| longest(provider).is_some()).max_by_key(|provider| longest(provider))
}

/// Whether the server will put its user in the place of this sender, which would break a signature.
#[must_use]
pub fn rewrites_sender(host: &str, username: &str, sender: &str) -> bool {
    of_host(host).is_some_and(|provider| provider.dns.rewrites_from) && !username.trim().eq_ignore_ascii_case(sender)
}

/// Whose mail addresses end so: the preset for `ana@gmail.com`.
#[must_use]
pub fn of_domain(domain: &str) -> Option<&'static Provider> {
    let domain = domain.to_lowercase();
    PROVIDERS.iter().find(|provider| provider.domains.contains(&domain))
}

/// The known server that was meant, where the name is only a slip away from it: `smpt.gmail.com` → `smtp.gmail.com`.
#[must_use]
pub fn meant_host(typed: &str) -> Option<&'static str> {
    let typed = typed.to_lowercase();
    if PROVIDERS.iter().any(|provider| typed == provider.server || typed == provider.server_of_other_domains()) {
        return None;
    }
    PROVIDERS
        .iter()
        .map(|provider| (slips(&typed, &provider.server), provider.server.as_str()))
        .filter(|(slips, _)| (1..=MOST_SLIPS).contains(slips))
        .min()
        .map(|(_, server)| server)
}

/// The name by which another machine greets in the place of a known provider's server: a hoster or an antivirus that
/// diverts outgoing mail. Nothing where the host is nobody's we know, or the greeting names no other house.
#[must_use]
pub fn stranger(host: &str, greeting: &str) -> Option<String> {
    let provider = of_host(host)?;
    let said = greeting.to_lowercase();
    let kin = provider.hosts.iter().map(String::as_str).chain(provider.greets_as.iter().map(String::as_str));
    // «gmail» of gmail.com, «yahoo» of mail.yahoo.com; «me» of me.com stands in too many words.
    let house = |name: &str| name.rsplit('.').nth(1).filter(|house| house.len() > 3).map(str::to_owned);
    let is_kin = |name: &str| said.contains(name) || house(name).is_some_and(|house| said.contains(&house));
    if kin.into_iter().any(is_kin) || said.contains(&provider.name.to_lowercase()) {
        return None;
    }
    let name = greeting.get(4..)?.split_whitespace().next()?.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    (name.contains('.') && acuse_domain::host::ascii_host(name).is_some() && name.parse::<std::net::IpAddr>().is_err())
        .then(|| name.to_owned())
}

/// Letters added, left out, changed, or swapped with their neighbour (optimal string alignment).
fn slips(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > MOST_SLIPS {
        return usize::MAX;
    }
    let mut rows = vec![(0..=other.len()).collect::<Vec<usize>>()];
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let changed = rows[i - 1][j - 1] + usize::from(one[i - 1] != other[j - 1]);
            let mut least = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use acuse_domain::mail_problem::ProblemCode;

    use super::*;

    #[test]
    fn a_slip_is_forgiven_and_another_name_is_not() {
        assert_eq!(meant_host("smpt.gmail.com"), Some("smtp.gmail.com"));
        assert_eq!(meant_host("smtp.gmial.com"), Some("smtp.gmail.com"));
        assert_eq!(meant_host("stmp.ofice365.com"), Some("smtp.office365.com"));
        assert_eq!(meant_host("smtp.gmail.com"), None);
        assert_eq!(meant_host("mail.empresa.ec"), None);
    }

    #[test]
    fn another_house_at_a_known_door_is_noticed() {
        let stranger = |host: &str, greeting: &str| super::stranger(host, greeting);
        assert_eq!(
            stranger("smtp.zoho.com", "220-srv12.hosting.ec ESMTP Exim 4.96 #2 Fri, 27 Nov 2026"),
            Some("srv12.hosting.ec".to_owned())
        );
        assert_eq!(stranger("mail.empresa.ec", "220 srv12.hosting.ec ESMTP Exim"), None);
        for (host, greeting) in [
            ("smtp.gmail.com", "220 smtp.gmail.com ESMTP d2e1a72fcca58-7b9 - gsmtp"),
            ("smtp.office365.com", "220 BN9PR03CA0123.outlook.office365.com Microsoft ESMTP MAIL Service ready"),
            ("smtp-mail.outlook.com", "220 CH2PR10CA0012.outlook.office365.com Microsoft ESMTP MAIL Service ready"),
            ("smtp.mail.yahoo.com", "220 hermes--production-bf1-abc.mail.bf1.yahoo.com ESMTP ready"),
            ("smtp.mail.me.com", "220 qs51p00im-qukt01080502.me.com ESMTP"),
            ("smtp.zoho.com", "220 mx.zohomail.com SMTP Server ready November 27, 2026"),
            ("smtp.hostinger.com", "220 ESMTP smtp.hostinger.com"),
            ("smtpout.secureserver.net", "220 p3plsmtpa11-05.prod.phx3.secureserver.net ESMTP"),
            ("email-smtp.us-east-1.amazonaws.com", "220 email-smtp.amazonaws.com ESMTP SimpleEmailService-d-ABC"),
            ("smtp.sendgrid.net", "220 SG ESMTP service ready at geopod-ismtpd-9"),
            ("smtp.mailgun.org", "220 Mailgun Influx ready"),
            ("smtp-relay.brevo.com", "220 smtp-relay.sendinblue.com ESMTP Service Ready"),
            ("in-v3.mailjet.com", "220 in.mailjet.com ESMTP Mailjet"),
            ("smtp.sparkpostmail.com", "220 2.0.0 smtp.sparkpostmail.com ESMTP ecelerity"),
        ] {
            assert_eq!(stranger(host, greeting), None, "{host}");
        }
    }

    #[test]
    fn providers_are_known_by_host_and_by_address() {
        assert_eq!(of_host("smtp.gmail.com").unwrap().name, "Gmail");
        assert_eq!(of_host("smtp-mail.outlook.com").unwrap().name, "Outlook.com");
        assert_eq!(of_host("email-smtp.sa-east-1.amazonaws.com").unwrap().name, "Amazon SES");
        assert!(of_host("mail.notgmail.com").is_none());
        assert_eq!(of_exchanger("ASPMX.L.Google.com").unwrap().name_of_other_domains(), "Google Workspace");
        assert_eq!(of_exchanger("empresa-ec.mail.protection.outlook.com").unwrap().server, "smtp.office365.com");
        assert_eq!(of_exchanger("hotmail-com.olc.protection.outlook.com").unwrap().name, "Outlook.com");
        assert_eq!(of_exchanger("mx.zoho.com").unwrap().server_of_other_domains(), "smtppro.zoho.com");
        assert!(of_exchanger("mx.notgoogle.com").is_none() && of_exchanger("").is_none());
        assert_eq!(of_domain("Hotmail.com").unwrap().server, "smtp-mail.outlook.com");
        for provider in all() {
            assert!(Security::parse(&provider.security).is_some(), "{}", provider.name);
            assert!(of_host(&provider.server).is_some(), "{}", provider.name);
            assert!(of_host(provider.server_of_other_domains()).is_some(), "{}", provider.name);
            assert!(matches!(provider.oauth(), None | Some("google" | "microsoft")), "{}", provider.name);
            assert_eq!(provider.setup.es.len(), provider.setup.en.len(), "{}", provider.name);
            assert!(provider.hosts.iter().chain(&provider.mx).chain(&provider.domains).all(|name| *name == name.to_lowercase()));
            for code in provider.help.keys() {
                assert!(ProblemCode::parse(code).is_some(), "{code}");
            }
        }
    }
}
