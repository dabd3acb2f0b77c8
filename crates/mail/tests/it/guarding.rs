//! Where it may connect: nothing inside is contacted, however its address is written or found.

use std::time::Duration;

use acuse_domain::mail_account::Security;
use acuse_mail::check::{self, Subject};
use acuse_mail::diagnosis::classify;
use acuse_mail::endpoint::Endpoint;
use acuse_mail::explanation::Language;
use acuse_mail::failure::{Cause, Phase};
use acuse_mail::guard::{MAIL_PORTS, Network, Unreachable};
use acuse_mail::session::Session;
use acuse_testkit::dns::{DnsServer, Zone};
use tokio::time::Instant;

use crate::scripted::{FallSilent, HELLO, Server, address, quick};

fn nothing_inside() -> Network {
    Network::new(&[], None).unwrap()
}

fn asking(allowed: &[&str], dns: &DnsServer) -> Network {
    let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
    Network::new(&allowed, None).unwrap().with_nameservers(&[dns.address()])
}

#[tokio::test]
async fn an_inside_address_is_refused_in_every_spelling() {
    for host in [
        "127.0.0.1",
        "127.0.0.1.",
        "localhost",
        "[::1]",
        "::1",
        "2130706433",
        "0177.0.0.1",
        "0x7f.1",
        "0x7f000001",
        "127.1",
        "127.0.1",
        "017700000001",
        "１２７.0.0.1",
        "127。0。0。1",
        "::ffff:127.0.0.1",
        "[::ffff:7f00:1]",
        "::127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::1",
        "fe80::1%eth0",
        "[fe80::1%25eth0]",
        "fe80::1",
        "fd00:ec2::254",
        "169.254.169.254",
        "2852039166",
        "0xA9FEA9FE",
        "0.0.0.0",
        "0",
        "::",
        "10.0.0.1",
        "168.63.129.16",
    ] {
        for port in MAIL_PORTS {
            assert_eq!(nothing_inside().resolve(host, port).await, Err(Unreachable::AddressNotAllowed), "{host}:{port}");
        }
    }
}

#[tokio::test]
async fn what_is_neither_a_name_nor_an_address_is_refused() {
    for host in
        ["256.0.0.1", "1.2.3.4.5", "4294967296", "08.8.8.8", "mail.1", "]127.0.0.1[", "[127.0.0.1", "a%b", "x:25", "u@127.0.0.1"]
    {
        let found = nothing_inside().resolve(host, 587).await;
        assert_eq!(found, Err(Unreachable::InvalidHost), "{host}");
    }
}

#[tokio::test]
async fn a_name_that_stands_for_an_inside_address_is_refused() {
    let zone = Zone::new()
        .address("cuatro.ec", "127.0.0.1")
        .address("seis.ec", "::1")
        .address("nube.ec", "169.254.169.254")
        .address("vestido.ec", "::ffff:10.0.0.1")
        .address("traducido.ec", "64:ff9b::a00:1")
        .alias("alias.ec", "cuatro.ec");
    let dns = DnsServer::start(zone).await;
    for host in ["cuatro.ec", "seis.ec", "nube.ec", "vestido.ec", "traducido.ec", "alias.ec"] {
        assert_eq!(asking(&[], &dns).resolve(host, 587).await, Err(Unreachable::AddressNotAllowed), "{host}");
    }
}

#[tokio::test]
async fn of_a_name_with_both_only_the_public_address_is_contacted() {
    let zone = Zone::new().address("mixto.ec", "127.0.0.1").address("mixto.ec", "198.41.0.4").address("mixto.ec", "::1");
    let dns = DnsServer::start(zone).await;
    let found = asking(&[], &dns).resolve("mixto.ec", 587).await.unwrap();
    assert_eq!(found, ["198.41.0.4:587".parse().unwrap()]);
}

#[tokio::test]
async fn an_answer_that_changes_afterwards_changes_nothing() {
    let server = Server::start(vec![HELLO, FallSilent]).await;
    let inside = "127.0.0.1";
    let dns = DnsServer::start(Zone::new().changing("cambia.ec", &["198.51.100.9", inside])).await;
    let network = asking(&["198.51.100.0/24"], &dns);
    // Within one attempt there is one lookup: what it gave is checked and connected to.
    let endpoint = Endpoint { host: "cambia.ec".to_owned(), port: server.address.port(), security: Security::None };
    let first = Session::open(&network, &endpoint, None, &quick()).await.map(drop).unwrap_err();
    assert_eq!(first.phase, Phase::Connect);
    assert_ne!(first.cause, Cause::AddressNotAllowed);
    assert_eq!(dns.asked().iter().filter(|asked| *asked == "A cambia.ec").count(), 1);
    // And the next attempt judges the next answer anew.
    let second = Session::open(&network, &endpoint, None, &quick()).await.map(drop).unwrap_err();
    assert_eq!(classify(&second).code.as_str(), "address_not_allowed");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn mail_goes_through_the_ports_of_mail() {
    let network = nothing_inside();
    for port in MAIL_PORTS {
        assert!(network.resolve("198.41.0.4", port).await.is_ok(), "{port}");
        assert!(network.may_use_mail_port("mail.empresa.ec", port), "{port}");
    }
    for port in [1, 22, 80, 443, 3306, 6379, 8025, 65_535] {
        assert_eq!(network.resolve("198.41.0.4", port).await, Err(Unreachable::PortNotAllowed), "{port}");
        assert!(!network.may_use_mail_port("mail.empresa.ec", port), "{port}");
    }
    let more = nothing_inside().with_mail_ports(&[8025]);
    assert!(more.resolve("198.41.0.4", 8025).await.is_ok() && more.may_use_mail_port("mail.empresa.ec", 8025));
    assert!(more.resolve("198.41.0.4", 587).await.is_ok());
}

#[tokio::test]
async fn a_host_that_the_operator_names_is_reached_at_any_port() {
    let dns = DnsServer::start(Zone::new().address("correo.interno", "10.1.2.3").address("otro.interno", "10.1.2.4")).await;
    let by_name = asking(&["correo.interno"], &dns);
    assert!(by_name.resolve("correo.interno", 1025).await.is_ok());
    assert!(by_name.may_use_mail_port("correo.interno", 1025));
    assert!(!by_name.may_use_mail_port("otro.interno", 1025));
    assert_eq!(by_name.resolve("otro.interno", 1025).await, Err(Unreachable::AddressNotAllowed));
    let by_network = asking(&["10.1.2.0/24"], &dns);
    assert!(by_network.resolve("otro.interno", 1025).await.is_ok());
    assert!(by_network.may_use_mail_port("10.1.2.9", 1025) && !by_network.may_use_mail_port("10.1.3.9", 1025));
}

#[tokio::test]
async fn a_port_that_is_not_allowed_is_a_diagnosis() {
    let endpoint = Endpoint { host: "198.41.0.4".to_owned(), port: 6379, security: Security::None };
    let failure = Session::open(&nothing_inside(), &endpoint, None, &quick()).await.map(drop).unwrap_err();
    assert_eq!((failure.phase, classify(&failure).code.as_str()), (Phase::Connect, "port_not_allowed"));
}

/// What somebody with the form before them could learn of this house's machines.
async fn answer_about(network: &Network, host: &str, port: u16) -> (String, Duration) {
    let endpoint = Endpoint { host: host.to_owned(), port, security: Security::StartTls };
    let from = address("ventas@empresa.ec");
    let from_name = "Empresa".to_owned();
    let subject = Subject { endpoint, credentials: None, from_name, from, to: None, language: Language::Spanish };
    let begun = Instant::now();
    let mut report = check::run(network, &subject, |_| {}).await;
    let took = begun.elapsed();
    report.phases.iter_mut().for_each(|line| line.ms = 0);
    (format!("{report:?}").replace(host, "HOST"), took)
}

#[tokio::test]
async fn nobody_learns_what_listens_inside() {
    let server = Server::start(vec![HELLO, FallSilent]).await;
    let open = server.address.port();
    let closed = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() };
    // An address of documentation is routed nowhere: a packet to it is lost, as at a filter.
    let zone =
        Zone::new().address("abierto.ec", "127.0.0.1").address("filtrado.ec", "192.0.2.1").address("prohibido.ec", "10.9.9.9");
    let dns = DnsServer::start(zone).await;
    let network = asking(&[], &dns);
    let (expected, _) = answer_about(&network, "127.0.0.1", open).await;
    assert!(expected.contains("AddressNotAllowed"), "{expected}");
    for (host, port) in [
        ("127.0.0.1", closed),
        ("192.0.2.1", open),
        ("10.9.9.9", 587),
        ("abierto.ec", open),
        ("abierto.ec", closed),
        ("abierto.ec", 587),
        ("filtrado.ec", 587),
        ("prohibido.ec", open),
    ] {
        let (answer, took) = answer_about(&network, host, port).await;
        assert_eq!(answer, expected, "{host}:{port}");
        // A connection that is lost takes seconds; nothing here waits for one.
        assert!(took < Duration::from_secs(1), "{host}:{port} took {took:?}");
    }
    assert_eq!(server.connections(), 0);
}
