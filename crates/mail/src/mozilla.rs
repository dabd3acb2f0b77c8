//! What a domain says of its own mail in Mozilla's format (wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat).
//! It comes from strangers: whatever is odd in it makes it be left aside.

use acuse_domain::email_address::EmailAddress;
use acuse_domain::host::ascii_host;
use acuse_domain::mail_account::Security;
use roxmltree::{Document, Node, ParsingOptions};

/// A description of one provider has some fifty.
const MOST_NODES: u32 = 5_000;
/// Servers of one description that are looked at.
const MOST_SERVERS: usize = 8;
/// Characters; more than any provider's user name has.
const LONGEST_USERNAME: usize = 320;

/// A server for sending that the description offers, encrypted and with a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offered {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    /// Nothing where it does not say.
    pub(crate) username: Option<String>,
    takes_password: bool,
}

/// The servers for this address, those that take a password first. Nothing for what is no description, or is one of
/// other domains only.
pub(crate) fn read(text: &str, address: &EmailAddress) -> Vec<Offered> {
    // A DTD is where entities come from that grow to gigabytes (allow_dtd), and files of this machine.
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let Ok(document) = Document::parse_with_options(text, options) else { return Vec::new() };
    let Some(provider) = document.root_element().children().find(|node| node.has_tag_name("emailProvider")) else {
        return Vec::new();
    };
    if !is_about(provider, address) {
        return Vec::new();
    }
    let servers = provider.children().filter(|node| node.has_tag_name("outgoingServer")).take(MOST_SERVERS);
    let mut offered: Vec<Offered> = servers.filter_map(|server| offered(server, address)).collect();
    offered.sort_by_key(|server| !server.takes_password);
    offered
}

fn is_about(provider: Node<'_, '_>, address: &EmailAddress) -> bool {
    let mut names = provider.children().filter(|node| node.has_tag_name("domain")).peekable();
    let own = ascii_host(address.domain());
    names.peek().is_none() || names.any(|name| ascii_host(&fill(words(name), address)) == own)
}

fn offered(server: Node<'_, '_>, address: &EmailAddress) -> Option<Offered> {
    let child = |name: &'static str| server.children().filter(move |node| node.has_tag_name(name));
    let first = |name: &'static str| child(name).next().map(words);
    if server.attribute("type") != Some("smtp") {
        return None;
    }
    let security = match first("socketType")? {
        "SSL" => Security::Tls,
        "STARTTLS" => Security::StartTls,
        // «plain»: a password would go out in clear.
        _ => return None,
    };
    let host = ascii_host(&fill(first("hostname")?, address))?;
    let port = first("port")?.parse().ok().filter(|port| *port > 0)?;
    let username = first("username").map(|text| fill(text, address));
    let is_writable = |text: &String| !text.is_empty() && text.len() <= LONGEST_USERNAME && !text.contains(char::is_control);
    let logins: Vec<&str> = child("authentication").map(words).collect();
    let takes = |names: &[&str]| logins.iter().any(|login| names.contains(login));
    let takes_password = takes(&["password-cleartext", "plain", "password-encrypted", "secure"]);
    // A provider that wants OAuth2 is one that can be connected with; others are none of ours.
    (takes_password || takes(&["OAuth2"]) || logins.is_empty()).then(|| Offered {
        host,
        port,
        security,
        username: username.filter(is_writable),
        takes_password: takes_password || logins.is_empty(),
    })
}

fn words<'a>(node: Node<'a, '_>) -> &'a str {
    node.text().unwrap_or_default().trim()
}

fn fill(text: &str, address: &EmailAddress) -> String {
    let whole = address.to_string();
    let local = whole.rsplit_once('@').map_or("", |(local, _)| local);
    text.replace("%EMAILADDRESS%", &whole).replace("%EMAILLOCALPART%", local).replace("%EMAILDOMAIN%", address.domain())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(domain: &str, servers: &str) -> String {
        format!(
            r#"<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="x"><domain>{domain}</domain>
            <incomingServer type="imap"><hostname>imap.empresa.ec</hostname></incomingServer>{servers}</emailProvider></clientConfig>"#
        )
    }

    fn server(host: &str, port: &str, socket: &str, username: &str, login: &str) -> String {
        format!(
            "<outgoingServer type=\"smtp\"><hostname>{host}</hostname><port>{port}</port><socketType>{socket}</socketType>\
             <username>{username}</username><authentication>{login}</authentication></outgoingServer>"
        )
    }

    fn read_one(text: &str) -> Vec<(String, u16, Security, Option<String>)> {
        let found = read(text, &"cobros@empresa.ec".parse().unwrap());
        found.into_iter().map(|server| (server.host, server.port, server.security, server.username)).collect()
    }

    #[test]
    fn the_first_encrypted_server_with_a_password_is_preferred() {
        let servers = server("claro.empresa.ec", "25", "plain", "%EMAILADDRESS%", "password-cleartext")
            + &server("oauth.empresa.ec", "587", "STARTTLS", "%EMAILADDRESS%", "OAuth2")
            + &server("smtp.%EMAILDOMAIN%", "465", "SSL", "%EMAILADDRESS%", "password-cleartext")
            + &server("otro.empresa.ec", "587", "STARTTLS", "%EMAILLOCALPART%", "password-encrypted");
        let found = read_one(&description("empresa.ec", &servers));
        let hosts: Vec<&str> = found.iter().map(|server| server.0.as_str()).collect();
        assert_eq!(hosts, ["smtp.empresa.ec", "otro.empresa.ec", "oauth.empresa.ec"]);
        let whole = Some("cobros@empresa.ec".to_owned());
        assert_eq!(found[0], ("smtp.empresa.ec".to_owned(), 465, Security::Tls, whole));
        assert_eq!(found[1].3.as_deref(), Some("cobros"));
    }

    #[test]
    fn what_is_odd_is_left_aside() {
        let good = server("mail.empresa.ec", "465", "SSL", "%EMAILADDRESS%", "password-cleartext");
        assert_eq!(read_one(&description("empresa.ec", &good)).len(), 1);
        assert_eq!(read_one(&description("EMPRESA.EC", &good)).len(), 1);
        assert_eq!(read_one(&description("%EMAILDOMAIN%", &good)).len(), 1);
        assert_eq!(read_one(&description("otra.ec", &good)).len(), 0);
        let bomb = format!(
            "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]>{}",
            description("empresa.ec", &good).replacen("<?xml version=\"1.0\"?>", "", 1)
        );
        let many = description("empresa.ec", &format!("{good}{}", "<a/>".repeat(10_000)));
        let deep = description("empresa.ec", &format!("{}{}", "<a>".repeat(4_000), "</a>".repeat(4_000)));
        for text in ["", "<", "<html><body>No existe</body></html>", "{}", &bomb, &many, &deep] {
            assert_eq!(read_one(text).len(), 0, "{:.80}", text);
        }
        for wrong in [
            server("mail.empresa.ec", "0", "SSL", "x", "password-cleartext"),
            server("mail.empresa.ec", "70000", "SSL", "x", "password-cleartext"),
            server("mail empresa", "465", "SSL", "x", "password-cleartext"),
            server("mail.empresa.ec", "465", "plain", "x", "password-cleartext"),
            server("mail.empresa.ec", "465", "SSL", "x", "client-IP-address"),
            good.replace("smtp", "exchange"),
        ] {
            assert_eq!(read_one(&description("empresa.ec", &wrong)).len(), 0, "{wrong}");
        }
        let name = server("mail.empresa.ec", "465", "SSL", "a&#13;&#10;b", "password-cleartext");
        assert_eq!(read_one(&description("empresa.ec", &name))[0].3, None);
    }
}
