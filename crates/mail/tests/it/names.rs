//! Looking up names: what is known of a name, what is not, and what went wrong are told apart.

use std::time::Duration;

use acuse_domain::mail_account::Security;
use acuse_mail::diagnosis::classify;
use acuse_mail::dns::{DnsError, Mx, Srv};
use acuse_mail::endpoint::Endpoint;
use acuse_mail::guard::{Network, Unreachable};
use acuse_mail::session::Session;
use acuse_testkit::dns::{DnsServer, Zone};
use tokio::time::Instant;

use crate::scripted::quick;

fn asking(dns: &DnsServer) -> Network {
    Network::new(&[], None).unwrap().with_nameservers(&[dns.address()])
}

#[tokio::test]
async fn a_host_has_the_addresses_of_both_kinds() {
    let zone = Zone::new()
        .address("mail.empresa.ec", "198.41.0.4")
        .address("mail.empresa.ec", "2001:500:2::c")
        .alias("smtp.empresa.ec", "mail.empresa.ec");
    let dns = DnsServer::start(zone).await;
    let both = ["198.41.0.4:587".parse().unwrap(), "[2001:500:2::c]:587".parse().unwrap()];
    assert_eq!(asking(&dns).resolve("mail.empresa.ec", 587).await.unwrap(), both);
    assert_eq!(asking(&dns).resolve("MAIL.Empresa.EC.", 587).await.unwrap(), both);
    assert_eq!(asking(&dns).resolve("smtp.empresa.ec", 587).await.unwrap(), both);
}

#[tokio::test]
async fn a_name_beyond_ascii_is_asked_for_in_punycode() {
    let dns = DnsServer::start(Zone::new().address("correo.xn--compaa-7va5a.ec", "198.41.0.4")).await;
    assert!(asking(&dns).resolve("correo.Compañía.ec", 587).await.is_ok());
    assert!(dns.asked().contains(&"A correo.xn--compaa-7va5a.ec".to_owned()), "{:?}", dns.asked());
}

#[tokio::test]
async fn what_is_not_known_is_told_apart_from_what_does_not_exist() {
    let zone = Zone::new().mx("empresa.ec", 10, "mx.empresa.ec").fails("roto.ec").silent("mudo.ec");
    let dns = DnsServer::start(zone).await;
    let network = asking(&dns);
    assert_eq!(network.resolve("nada.ec", 587).await, Err(Unreachable::HostNotFound));
    assert_eq!(network.resolve("empresa.ec", 587).await, Err(Unreachable::NoAddress));
    assert_eq!(network.resolve("roto.ec", 587).await, Err(Unreachable::DnsFailed));
    assert_eq!(network.dns().txt("nada.ec").await, Err(DnsError::NotFound));
    assert_eq!(network.dns().txt("empresa.ec").await, Err(DnsError::NoRecords));
    assert_eq!(network.dns().txt("roto.ec").await, Err(DnsError::Failed));
    let begun = Instant::now();
    assert_eq!(network.dns().txt("mudo.ec").await, Err(DnsError::Timeout));
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    for no_name in ["", "a b.ec", "mail..ec", "x\r\ny.ec"] {
        assert_eq!(network.dns().mx(no_name).await, Err(DnsError::NotFound), "{no_name:?}");
    }
}

#[tokio::test]
async fn a_name_without_address_is_a_name_that_exists() {
    let zone = Zone::new().mx("empresa.ec", 10, "mx.empresa.ec").fails("roto.ec");
    let dns = DnsServer::start(zone).await;
    for (host, code) in [("nada.ec", "host_not_found"), ("empresa.ec", "host_without_address"), ("roto.ec", "dns_failed")] {
        let endpoint = Endpoint { host: host.to_owned(), port: 587, security: Security::StartTls };
        let failure = Session::open(&asking(&dns), &endpoint, None, &quick()).await.map(drop).unwrap_err();
        assert_eq!(classify(&failure).code.as_str(), code, "{host}");
    }
}

#[tokio::test]
async fn a_dns_that_cannot_be_reached_is_no_proof_that_a_name_does_not_exist() {
    let nobody = { std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap() };
    let network = Network::new(&[], None).unwrap().with_nameservers(&[nobody]);
    let found = network.resolve("mail.empresa.ec", 587).await;
    assert_eq!(found, Err(Unreachable::DnsFailed));
}

#[tokio::test]
async fn a_question_that_is_dropped_for_one_kind_of_address_does_not_hold_up_the_other() {
    // Some routers never answer a question for IPv6.
    let zone = Zone::new().address("mail.empresa.ec", "198.41.0.4").silent_for("mail.empresa.ec", "AAAA");
    let dns = DnsServer::start(zone).await;
    let begun = Instant::now();
    assert_eq!(asking(&dns).resolve("mail.empresa.ec", 587).await.unwrap().len(), 1);
    assert!(begun.elapsed() < Duration::from_millis(1_500), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn records_come_whole_and_in_their_order() {
    let long = format!("v=DKIM1; k=rsa; p={}", "A".repeat(700));
    let zone = Zone::new()
        .mx("empresa.ec", 20, "ALT.Empresa.ec")
        .mx("empresa.ec", 10, "mx.empresa.ec")
        .mx("sin-correo.ec", 0, ".")
        .txt("s1._domainkey.empresa.ec", &long)
        .srv("_submission._tcp.empresa.ec", 20, 0, 587, "tarde.empresa.ec")
        .srv("_submission._tcp.empresa.ec", 10, 1, 587, "poco.empresa.ec")
        .srv("_submission._tcp.empresa.ec", 10, 9, 465, "mucho.empresa.ec");
    let dns = DnsServer::start(zone).await;
    let network = asking(&dns);
    let mx = |preference, exchange: &str| Mx { preference, exchange: exchange.to_owned() };
    assert_eq!(network.dns().mx("empresa.ec").await.unwrap(), [mx(10, "mx.empresa.ec"), mx(20, "alt.empresa.ec")]);
    assert_eq!(network.dns().mx("sin-correo.ec").await.unwrap(), [mx(0, "")]);
    assert_eq!(network.dns().txt("s1._domainkey.empresa.ec").await.unwrap(), [long]);
    let srv = network.dns().srv("_submission._tcp.empresa.ec").await.unwrap();
    let first = Srv { priority: 10, weight: 9, port: 465, target: "mucho.empresa.ec".to_owned() };
    assert_eq!(srv.first(), Some(&first));
    assert_eq!(srv.last().unwrap().target, "tarde.empresa.ec");
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let mut zone = Zone::new();
    for n in 0..200 {
        zone = zone.txt("empresa.ec", &format!("{n} {}", "x".repeat(250)));
        zone = zone.address("mail.empresa.ec", &format!("198.41.0.{n}"));
    }
    let dns = DnsServer::start(zone).await;
    assert!(asking(&dns).dns().txt("empresa.ec").await.unwrap().len() <= 50);
    assert!(asking(&dns).resolve("mail.empresa.ec", 587).await.unwrap().len() <= 6);
}

#[tokio::test]
async fn a_record_that_was_just_mended_is_seen_at_once() {
    let dns = DnsServer::start(Zone::new().address("empresa.ec", "198.41.0.4")).await;
    let network = asking(&dns);
    assert_eq!(network.dns().txt("empresa.ec").await, Err(DnsError::NoRecords));
    dns.change(Zone::new().txt("empresa.ec", "v=spf1 -all"));
    assert_eq!(network.dns().txt("empresa.ec").await.unwrap(), ["v=spf1 -all"]);
}

#[tokio::test]
async fn this_machine_and_what_can_never_exist_are_not_asked_about() {
    let dns = DnsServer::start(Zone::new().address("nada.invalid", "198.41.0.4")).await;
    let network = Network::new(&["127.0.0.0/8".to_owned(), "::1".to_owned()], None).unwrap().with_nameservers(&[dns.address()]);
    assert!(network.resolve("localhost", 587).await.unwrap().iter().all(|address| address.ip().is_loopback()));
    assert_eq!(network.resolve("nada.invalid", 587).await, Err(Unreachable::HostNotFound));
    assert_eq!(dns.asked(), [""; 0]);
}

#[tokio::test]
async fn a_dns_that_comes_back_is_asked_again() {
    let zone = || Zone::new().address("mail.empresa.ec", "198.41.0.4");
    let dns = DnsServer::start(zone()).await;
    let (network, address) = (asking(&dns), dns.address());
    assert!(network.resolve("mail.empresa.ec", 587).await.is_ok());
    drop(dns);
    assert_eq!(network.resolve("mail.empresa.ec", 587).await, Err(Unreachable::DnsFailed));
    let _again = DnsServer::start_at(address, zone()).await;
    assert!(network.resolve("mail.empresa.ec", 587).await.is_ok());
}

#[tokio::test]
async fn many_names_are_looked_up_at_once() {
    let mut zone = Zone::new();
    for n in 0..300 {
        zone = zone.address(&format!("mail{n}.empresa.ec"), "198.41.0.4");
    }
    let dns = DnsServer::start(zone).await;
    let network = asking(&dns);
    let mut lookups = tokio::task::JoinSet::new();
    for n in 0..300 {
        let network = network.clone();
        lookups.spawn(async move { network.resolve(&format!("mail{n}.empresa.ec"), 587).await });
    }
    while let Some(found) = lookups.join_next().await {
        assert!(matches!(&found, Ok(Ok(_))), "{found:?}");
    }
}
