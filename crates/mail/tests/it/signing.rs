//! DKIM: what we sign, receivers can verify with the key in the DNS, and only as long as nobody changed it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::LazyLock;

use acuse_domain::email_address::EmailAddress;
use acuse_mail::catcher::Catcher;
use acuse_mail::deliverability::{KeySeen, OwnKey, look_for};
use acuse_mail::dkim::{NewKey, Signer, make_key};
use acuse_mail::endpoint::{Endpoint, Limits};
use acuse_mail::guard::Network;
use acuse_mail::message::{Attachment, Mail, compose};
use acuse_mail::session::{Envelope, Session};
use acuse_testkit::dns::{DnsServer, Zone};
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::{AuthenticatedMessage, DkimResult, MessageAuthenticator};

const DOMAIN: &str = "empresa.ec";
const SELECTOR: &str = "acuse202611";
static KEY: LazyLock<NewKey> = LazyLock::new(|| make_key().unwrap());

fn own_key() -> OwnKey {
    OwnKey { selector: SELECTOR.to_owned(), public_key: KEY.public_key.clone(), signs: true }
}

async fn dns() -> DnsServer {
    let record = own_key().record(DOMAIN);
    DnsServer::start(Zone::new().txt(&record.name, &record.value)).await
}

/// As a receiver would, with mail-auth and this DNS.
async fn verdict(mail: &[u8], dns: SocketAddr) -> DkimResult {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = dns.port();
        connection
    });
    let server = NameServerConfig::new(dns.ip(), true, connections.to_vec());
    let receiver = MessageAuthenticator::new(ResolverConfig::from_name_servers(vec![server]), ResolverOpts::default()).unwrap();
    let message = AuthenticatedMessage::parse(mail).unwrap();
    let all = receiver.verify_dkim(&message).await;
    all.first().map_or(DkimResult::None, |first| first.result().clone())
}

fn mail() -> Vec<u8> {
    let (from, to): (EmailAddress, EmailAddress) = ("cobros@empresa.ec".parse().unwrap(), "pagos@andina.ec".parse().unwrap());
    let pdf: Vec<u8> = (0..=255).cycle().take(40_000).collect();
    compose(&Mail {
        from_name: "Ferretería Ñandú «El Tornillo» Cía. Ltda.",
        from_address: &from,
        to_name: None,
        to: &to,
        reply_to: None,
        subject: "Recibo de cobro a cliente RC-000046 por USD 1.321,50 – Güitig & Ñuñez",
        text: "Señores:\r\n\r\n.\r\n..\r\nFrom aquí  \r\n\r\n\r\n",
        html: Some("<p>Señores: ñ</p>"),
        logo_png: None,
        attachments: &[Attachment { name: "Recibo-RC-000046.pdf", mime: "application/pdf", bytes: &pdf }],
        message_id: "0190f6b2-1@empresa.ec",
        date: chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap(),
        in_reply_to: None,
    })
    .unwrap()
}

fn signer() -> Signer {
    Signer::new(DOMAIN, SELECTOR, &KEY.private_key).unwrap()
}

fn replaced(mail: &[u8], old: &str, new: &str) -> Vec<u8> {
    let text = String::from_utf8(mail.to_vec()).unwrap();
    assert!(text.contains(old), "{text}");
    text.replacen(old, new, 1).into_bytes()
}

#[tokio::test]
async fn what_went_over_the_wire_verifies_and_what_was_changed_on_the_way_does_not() {
    let dns = dns().await;
    let catcher = Catcher::start((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
    let network = Network::new(&["127.0.0.1".to_owned()], None).unwrap();
    let endpoint = Endpoint {
        host: "127.0.0.1".to_owned(),
        port: catcher.local_addr().port(),
        security: acuse_domain::mail_account::Security::None,
    };
    let mut session = Session::open(&network, &endpoint, None, &Limits::for_delivery()).await.unwrap();
    let (from, to): (EmailAddress, EmailAddress) = ("cobros@empresa.ec".parse().unwrap(), "pagos@andina.ec".parse().unwrap());
    let signed = signer().sign(&mail()).unwrap();
    session.send(&Envelope { from: &from, recipient: &to, copies: &[] }, &signed).await.unwrap();

    let arrived = catcher.messages()[0].raw.clone();
    assert_eq!(verdict(&arrived, dns.address()).await, DkimResult::Pass);
    for (old, new) in [
        ("Subject: ", "Subject: Pague ya "),
        ("From: ", "From: Otro <otro@empresa.ec>\r\nFrom: "),
        ("Message-ID: <0190", "Message-ID: <0191"),
        ("pagos@andina.ec", "pagos@otra.ec"),
        ("MIME-Version: 1.0", "Reply-To: ladron@otra.ec\r\nMIME-Version: 1.0"),
        ("multipart/mixed", "multipart/related"),
        ("Se=C3=B1ores", "Se=C3=B1oras"),
    ] {
        let changed = verdict(&replaced(&arrived, old, new), dns.address()).await;
        assert!(matches!(changed, DkimResult::Fail(_) | DkimResult::Neutral(_) | DkimResult::PermError(_)), "{new}: {changed:?}");
    }
    // What a relay may do: fold a header anew, add its own trace.
    let relayed = [b"Received: from x by y; Fri, 27 Nov 2026 07:00:00 +0000\r\n".as_slice(), &arrived].concat();
    assert_eq!(verdict(&relayed, dns.address()).await, DkimResult::Pass);
}

#[tokio::test]
async fn without_its_record_or_with_another_a_signature_is_worth_nothing() {
    let signed = signer().sign(&mail()).unwrap();
    let nothing = DnsServer::start(Zone::new()).await;
    assert_ne!(verdict(&signed, nothing.address()).await, DkimResult::Pass);
    let other = OwnKey { public_key: make_key().unwrap().public_key, ..own_key() }.record(DOMAIN);
    let another = DnsServer::start(Zone::new().txt(&other.name, &other.value)).await;
    assert_ne!(verdict(&signed, another.address()).await, DkimResult::Pass);
}

#[tokio::test]
async fn a_key_is_looked_for_in_the_dns() {
    let seen = async |zone: Zone| {
        let dns = DnsServer::start(zone).await;
        look_for(&Network::new(&[], None).unwrap().with_nameservers(&[dns.address()]), DOMAIN, &own_key()).await
    };
    let record = own_key().record(DOMAIN);
    assert_eq!(seen(Zone::new().txt(&record.name, &record.value)).await, KeySeen::Seen);
    assert_eq!(seen(Zone::new().alias(&record.name, "k.proveedor.ec").txt("k.proveedor.ec", &record.value)).await, KeySeen::Seen);
    assert_eq!(seen(Zone::new()).await, KeySeen::Missing);
    assert_eq!(seen(Zone::new().fails(&record.name)).await, KeySeen::Unanswered);
    let other = "v=DKIM1; k=rsa; p=AAAA";
    assert_eq!(seen(Zone::new().txt(&record.name, other)).await, KeySeen::Other(other.to_owned()));
    assert_eq!(seen(Zone::new().txt(&record.name, &record.value).txt(&record.name, other)).await, KeySeen::NotAlone);
}

#[test]
fn a_key_speaks_for_its_own_domain_only_and_is_never_shown() {
    let signer = signer();
    assert!(signer.speaks_for("Empresa.EC") && !signer.speaks_for("cobros.empresa.ec") && !signer.speaks_for("otra.ec"));
    assert!(!format!("{signer:?}").contains("PRIVATE") && format!("{signer:?}").len() < 60);
    let broken = secrecy::SecretString::from("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    assert!(Signer::new(DOMAIN, SELECTOR, &broken).is_err());
}
