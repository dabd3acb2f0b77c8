//! From the address alone: what is found, where it comes from, and that hostile answers lead nowhere.

use std::time::Duration;

use acuse_domain::email_address::EmailAddress;
use acuse_domain::mail_account::Security;
use acuse_mail::autoconfig::{Discovery, Ports, Source, discover, discover_at};
use acuse_mail::check::{self, Subject};
use acuse_mail::endpoint::Endpoint;
use acuse_mail::explanation::Language;
use acuse_mail::guard::Network;
use acuse_mail::login::Credentials;
use acuse_testkit::dns::{DnsServer, Zone};
use acuse_testkit::mail_servers::{MailServer, PASSWORD, RECIPIENT, USER};
use tokio::time::Instant;

use crate::certificates::Authority;
use crate::scripted::{Act, FallSilent, HELLO, Hear, OFFERS, Server, address};
use crate::web_server::{WebServer, page, redirect};

/// A network that asks this server for names and may reach this machine, but not the rest of the house.
fn asking(dns: &DnsServer, authority: &Authority) -> Network {
    let network = Network::new(&["127.0.0.1".to_owned()], Some(authority.pem.as_bytes())).unwrap();
    network.with_nameservers(&[dns.address()])
}

fn somebody() -> EmailAddress {
    address("cobros@empresa.ec")
}

/// Ports where nobody listens, to be replaced by those of a test's servers.
fn ports() -> Ports {
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    Ports { https: free(), tls: free(), starttls: free() }
}

fn shown(found: &Discovery) -> (Option<&str>, u16, Security, &str, &str) {
    let server = found.server.as_ref();
    (
        server.map(|server| server.value.as_str()),
        found.port.value,
        found.security.value,
        found.username.value.as_str(),
        server.map_or("nothing", |server| server.source.code()),
    )
}

#[tokio::test]
async fn a_known_domain_needs_no_network() {
    let nobody = { std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap() };
    let network = Network::new(&[], None).unwrap().with_nameservers(&[nobody]);
    let begun = Instant::now();
    for (typed, server, port, oauth) in [
        ("ana.perez@gmail.com", "smtp.gmail.com", 587, Some("google")),
        ("ana@hotmail.com", "smtp-mail.outlook.com", 587, Some("microsoft")),
        ("ana@yahoo.es", "smtp.mail.yahoo.com", 465, None),
        ("ana@icloud.com", "smtp.mail.me.com", 587, None),
        ("ana@zohomail.com", "smtp.zoho.com", 465, None),
    ] {
        let found = discover(&network, &address(typed)).await;
        assert_eq!((shown(&found).0, found.port.value, found.oauth()), (Some(server), port, oauth), "{typed}");
        assert_eq!(found.username.value, typed);
        assert!(!found.help(Language::Spanish).is_empty(), "{typed}");
    }
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn who_receives_a_domains_mail_is_known_to_send_it() {
    for (exchanger, server, phrase) in [
        ("aspmx.l.google.com", "smtp.gmail.com", "por el MX: Google Workspace"),
        ("smtp.google.com", "smtp.gmail.com", "por el MX: Google Workspace"),
        ("empresa-ec.mail.protection.outlook.com", "smtp.office365.com", "por el MX: Microsoft 365"),
        ("empresa-ec.r-v1.mx.microsoft", "smtp.office365.com", "por el MX: Microsoft 365"),
        ("mx.zoho.com", "smtppro.zoho.com", "por el MX: Zoho"),
        ("mx.zoho.eu", "smtppro.zoho.eu", "por el MX: Zoho Europa"),
        ("mx01.mail.icloud.com", "smtp.mail.me.com", "por el MX: iCloud"),
        ("mx1.hostinger.com", "smtp.hostinger.com", "por el MX: Hostinger"),
        ("smtp.secureserver.net", "smtpout.secureserver.net", "por el MX: GoDaddy"),
        ("mx1.titan.email", "smtp.titan.email", "por el MX: Titan"),
        ("mx.yandex.net", "smtp.yandex.com", "por el MX: Yandex"),
        ("mail.protonmail.ch", "smtp.protonmail.ch", "por el MX: Proton"),
        ("in1-smtp.messagingengine.com", "smtp.fastmail.com", "por el MX: Fastmail"),
        ("mx1.privateemail.com", "mail.privateemail.com", "por el MX: Private Email (Namecheap)"),
    ] {
        let dns = DnsServer::start(Zone::new().mx("empresa.ec", 10, "filtro.otro.ec").mx("empresa.ec", 20, exchanger)).await;
        let network = Network::new(&[], None).unwrap().with_nameservers(&[dns.address()]);
        let found = discover(&network, &somebody()).await;
        let by = found.server.as_ref().map(|known| known.source.phrase(Language::Spanish));
        assert_eq!((shown(&found).0, by.as_deref()), (Some(server), Some(phrase)), "{exchanger}");
        assert_eq!(dns.asked(), ["MX empresa.ec"], "nobody else is asked");
    }
}

fn description(servers: &str) -> String {
    format!(
        "<clientConfig version=\"1.1\"><emailProvider id=\"x\"><domain>empresa.ec</domain>{servers}</emailProvider></clientConfig>"
    )
}

fn offered(host: &str) -> String {
    format!(
        "<outgoingServer type=\"smtp\"><hostname>{host}</hostname><port>465</port><socketType>SSL</socketType>\
         <username>%EMAILLOCALPART%</username><authentication>password-cleartext</authentication></outgoingServer>"
    )
}

#[tokio::test]
async fn a_domain_describes_its_own_mail() {
    let authority = Authority::new();
    let zone = Zone::new()
        .address("autoconfig.empresa.ec", "127.0.0.1")
        .address("empresa.ec", "127.0.0.1")
        .address("correo.empresa.ec", "198.41.0.4")
        .srv("_submissions._tcp.empresa.ec", 0, 1, 465, "otro.empresa.ec")
        .address("otro.empresa.ec", "198.41.0.4");
    let dns = DnsServer::start(zone).await;
    for path in ["GET /mail/config-v1.1.xml ", "GET /.well-known/autoconfig/mail/config-v1.1.xml "] {
        let server = WebServer::start(authority.server(&["empresa.ec", "autoconfig.empresa.ec"]), move |request| {
            let is_there = request.starts_with(path);
            if is_there { page("200 OK", &description(&offered("correo.%EMAILDOMAIN%"))) } else { page("404 Not Found", "") }
        })
        .await;
        let ports = Ports { https: server.port(), ..ports() };
        let found = discover_at(&asking(&dns, &authority), &somebody(), ports).await;
        assert_eq!(shown(&found), (Some("correo.empresa.ec"), 465, Security::Tls, "cobros", "autoconfig"), "{path}");
        assert_eq!(found.server.unwrap().source.phrase(Language::Spanish), "autoconfig de empresa.ec");
        assert!(!server.heard().concat().contains("cobros"), "the domain is all that is told: {:?}", server.heard());
    }
}

#[tokio::test]
async fn a_hostile_description_leads_nowhere() {
    let authority = Authority::new();
    let inside = WebServer::start(authority.server(&["interna.ec"]), |_| page("200 OK", &description(&offered("malo.ec")))).await;
    let zone = || {
        Zone::new()
            .address("autoconfig.empresa.ec", "127.0.0.1")
            .address("malo.ec", "198.41.0.4")
            .address("privado.ec", "10.0.0.1")
            .address("interna.ec", "127.0.0.9")
            .srv("_submission._tcp.empresa.ec", 0, 1, 587, "bueno.empresa.ec")
            .address("bueno.empresa.ec", "198.41.0.4")
    };
    let bomb = format!("<!DOCTYPE x [<!ENTITY a \"{}\">]><x>{}</x>", "a".repeat(10_000), "&a;".repeat(20_000));
    let answers: Vec<(&str, Option<Vec<u8>>)> = vec![
        ("huge", page("200 OK", &description(&format!("{}{}", " ".repeat(300 * 1024), offered("malo.ec"))))),
        ("a bomb", page("200 OK", &bomb)),
        ("to plain http", redirect("http://malo.ec/mail/config-v1.1.xml")),
        ("to the inside", redirect(&format!("https://interna.ec:{}/", inside.port()))),
        ("to metadata", redirect("https://169.254.169.254/latest/")),
        (
            "of another domain",
            page("200 OK", &description(&offered("malo.ec")).replace("<domain>empresa.ec", "<domain>ajena.ec")),
        ),
        ("a private name", page("200 OK", &description(&offered("privado.ec")))),
        ("a private address", page("200 OK", &description(&offered("10.0.0.1")))),
        ("an odd spelling", page("200 OK", &description(&offered("0x0a.1")))),
        ("another port", page("200 OK", &description(&offered("malo.ec")).replace("465", "6379"))),
        ("unencrypted", page("200 OK", &description(&offered("malo.ec")).replace("SSL", "plain"))),
        ("a web page", page("200 OK", "<html><body>Bienvenido</body></html>")),
        ("binary", page("200 OK", "\0\u{1}\u{2}")),
        ("an error", page("500 Oops", &description(&offered("malo.ec")))),
        ("silence", None),
    ];
    for (what, answer) in answers {
        let dns = DnsServer::start(zone()).await;
        let server = WebServer::start(authority.server(&["autoconfig.empresa.ec"]), move |_| answer.clone()).await;
        let ports = Ports { https: server.port(), ..ports() };
        let begun = Instant::now();
        let found = discover_at(&asking(&dns, &authority), &somebody(), ports).await;
        assert_eq!(shown(&found), (Some("bueno.empresa.ec"), 587, Security::StartTls, "cobros@empresa.ec", "srv"), "{what}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{what}: {:?}", begun.elapsed());
        assert!(!server.heard().is_empty(), "{what}");
    }
    assert_eq!(inside.heard(), [""; 0]);
}

#[tokio::test]
async fn a_domain_names_its_server_in_the_dns() {
    let authority = Authority::new();
    let base = || {
        Zone::new().address("uno.empresa.ec", "198.41.0.4").address("dos.empresa.ec", "198.41.0.4").address("casa.ec", "10.0.0.1")
    };
    let (tls, starttls) = ("_submissions._tcp.empresa.ec", "_submission._tcp.empresa.ec");
    for (zone, expected) in [
        (base().srv(tls, 0, 1, 465, "uno.empresa.ec").srv(starttls, 0, 1, 587, "dos.empresa.ec"), Some(("uno.empresa.ec", 465))),
        (base().srv(tls, 0, 0, 0, ".").srv(starttls, 0, 1, 587, "dos.empresa.ec"), Some(("dos.empresa.ec", 587))),
        (base().srv(tls, 0, 1, 465, "casa.ec").srv(tls, 9, 1, 465, "uno.empresa.ec"), Some(("uno.empresa.ec", 465))),
        (base().srv(tls, 0, 1, 6379, "uno.empresa.ec"), None),
        (base().srv(tls, 0, 1, 465, "no-existe.ec"), None),
    ] {
        let dns = DnsServer::start(zone.clone()).await;
        let found = discover_at(&asking(&dns, &authority), &somebody(), ports()).await;
        let server = found.server.as_ref().map(|server| (server.value.as_str(), found.port.value));
        assert_eq!(server, expected, "{zone:?}");
    }
}

#[tokio::test]
async fn a_server_that_answers_under_a_usual_name_is_a_guess() {
    let authority = Authority::new();
    let tls = authority.server(&["mail.empresa.ec"]);
    let server = Server::start(vec![Act::Tls(tls), HELLO, Hear, OFFERS, FallSilent]).await;
    let dns = DnsServer::start(Zone::new().mx("empresa.ec", 0, "mail.empresa.ec").address("mail.empresa.ec", "127.0.0.1")).await;
    let port = server.address.port();
    let found = discover_at(&asking(&dns, &authority), &somebody(), Ports { tls: port, ..ports() }).await;
    assert_eq!(shown(&found), (Some("mail.empresa.ec"), port, Security::Tls, "cobros@empresa.ec", "guess"));
    assert_eq!(found.username.source, Source::Usual);
    assert!(!server.heard().concat().contains("cobros"), "{:?}", server.heard());
}

#[tokio::test]
async fn a_guess_with_a_foreign_certificate_is_left_to_probar() {
    // As at most cPanel hosters: the certificate is the machine's.
    let authority = Authority::new();
    let tls = authority.server(&["srv1.hosting.ec"]);
    let odd = Server::start(vec![Act::Tls(tls), HELLO, Hear, OFFERS, FallSilent]).await;
    let web = Server::start(vec![Act::Say("HTTP/1.1 400 Bad Request"), FallSilent]).await;
    let dns = DnsServer::start(Zone::new().mx("empresa.ec", 0, "mail.empresa.ec").address("smtp.empresa.ec", "127.0.0.1")).await;
    let (tls, starttls) = (odd.address.port(), web.address.port());
    let found = discover_at(&asking(&dns, &authority), &somebody(), Ports { tls, starttls, ..ports() }).await;
    assert_eq!(shown(&found), (Some("smtp.empresa.ec"), tls, Security::Tls, "cobros@empresa.ec", "guess"));
}

#[tokio::test]
async fn where_nothing_is_found_the_usual_is_shown_and_whether_all_was_asked() {
    let authority = Authority::new();
    let usual = (None, 587, Security::StartTls, "cobros@empresa.ec", "nothing");
    let empty = DnsServer::start(Zone::new().mx("empresa.ec", 0, "mx.empresa.ec")).await;
    let found = discover_at(&asking(&empty, &authority), &somebody(), ports()).await;
    assert_eq!((shown(&found), found.is_of_no_domain, found.is_incomplete), (usual, false, false));
    let nowhere = DnsServer::start(Zone::new()).await;
    let found = discover_at(&asking(&nowhere, &authority), &somebody(), ports()).await;
    assert_eq!((shown(&found), found.is_of_no_domain, found.is_incomplete), (usual, true, false));
    assert_eq!(nowhere.asked(), ["MX empresa.ec"], "a domain that does not exist has nothing below it");
    let begun = Instant::now();
    let mute = DnsServer::start(
        [
            "empresa.ec",
            "autoconfig.empresa.ec",
            "_submissions._tcp.empresa.ec",
            "_submission._tcp.empresa.ec",
            "mail.empresa.ec",
            "smtp.empresa.ec",
        ]
        .into_iter()
        .fold(Zone::new(), |zone, name| zone.silent(name)),
    )
    .await;
    let found = discover_at(&asking(&mute, &authority), &somebody(), ports()).await;
    assert_eq!((shown(&found), found.is_incomplete), (usual, true));
    assert!(begun.elapsed() < Duration::from_millis(5_500), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_domain_cannot_make_it_knock_inside() {
    let authority = Authority::new();
    let server = Server::start(vec![HELLO, Hear, OFFERS, FallSilent]).await;
    let web = WebServer::start(authority.server(&["empresa.ec", "autoconfig.empresa.ec"]), |_| page("200 OK", "")).await;
    let zone = Zone::new()
        .address("empresa.ec", "127.0.0.1")
        .address("autoconfig.empresa.ec", "127.0.0.1")
        .address("mail.empresa.ec", "127.0.0.1")
        .address("smtp.empresa.ec", "::ffff:127.0.0.1")
        .srv("_submission._tcp.empresa.ec", 0, 1, server.address.port(), "mail.empresa.ec");
    let dns = DnsServer::start(zone).await;
    let network = Network::new(&[], Some(authority.pem.as_bytes())).unwrap().with_nameservers(&[dns.address()]);
    let here = Ports { https: web.port(), tls: server.address.port(), starttls: server.address.port() };
    let begun = Instant::now();
    let found = discover_at(&network, &somebody(), here).await;
    assert_eq!((found.server, found.is_incomplete), (None, false));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!((server.connections(), web.heard().len()), (0, 0));
}

/// The promise as a whole, before a real Postfix with Dovecot: address and password are all that somebody types.
#[tokio::test]
async fn an_address_and_a_password_are_enough() {
    let authority = acuse_testkit::certificates::Authority::new();
    let server = MailServer::new(&authority)
        .certificate(authority.issue("mail.empresa.test"))
        .user(USER, PASSWORD)
        .mailbox(RECIPIENT)
        .only_own_senders()
        .start();
    let dns =
        DnsServer::start(Zone::new().mx("empresa.test", 0, "mail.empresa.test").address("mail.empresa.test", "127.0.0.1")).await;
    let network = Network::new(&["127.0.0.1".to_owned()], Some(authority.pem().as_bytes())).unwrap();
    let network = network.with_nameservers(&[dns.address()]);
    for (tls, starttls, security) in
        [(server.tls_port(), ports().starttls, Security::Tls), (ports().tls, server.starttls_port(), Security::StartTls)]
    {
        let found = discover_at(&network, &address(USER), Ports { tls, starttls, ..ports() }).await;
        assert_eq!(found.security.value, security);
        let endpoint = Endpoint { host: found.server.unwrap().value, port: found.port.value, security };
        let credentials = Some(Credentials::password(found.username.value, PASSWORD.into()));
        let (from_name, from, to) = ("Empresa".to_owned(), address(USER), Some(address(RECIPIENT)));
        let subject = Subject { endpoint, credentials, from_name, from, to, language: Language::Spanish };
        let report = check::run(&network, &subject, |_| {}).await;
        assert!(report.ok, "{report:?}");
    }
}
