//! A company's own signature: on its mail, once its record stands in the DNS.

use std::net::{Ipv4Addr, SocketAddr};

use acuse_domain::delivery::State;
use acuse_domain::mail_account::MailModule;
use acuse_mail::catcher::Catcher;
use acuse_mail::deliverability::OwnKey;
use acuse_mail::dkim::make_key;
use acuse_store::dkim::{self, NewPair};
use acuse_store::now;
use acuse_testkit::dns::{DnsServer, Zone};
use acuse_testkit::world::World;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::{AuthenticatedMessage, DkimResult, MessageAuthenticator};

use crate::office::Office;

on_both_engines!(a_receipt_is_signed_once_the_key_is_turned_on_and_verifies);

const DOMAIN: &str = "distripichincha.ec";

async fn passes(mail: &[u8], dns: SocketAddr) -> bool {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = dns.port();
        connection
    });
    let server = NameServerConfig::new(dns.ip(), true, connections.to_vec());
    let receiver = MessageAuthenticator::new(ResolverConfig::from_name_servers(vec![server]), ResolverOpts::default()).unwrap();
    let message = AuthenticatedMessage::parse(mail).unwrap();
    receiver.verify_dkim(&message).await.iter().any(|one| *one.result() == DkimResult::Pass)
}

async fn a_receipt_is_signed_once_the_key_is_turned_on_and_verifies(world: World) {
    let catcher = Catcher::start((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
    let office = Office::with_default_at(world, catcher.local_addr().port()).await;
    office.own_account(MailModule::ReceivedPayments, catcher.local_addr().port()).await;
    let (db, keys, by) = (office.db(), office.world.keys(), office.company.actor.clone());
    let key = tokio::task::spawn_blocking(make_key).await.unwrap().unwrap();
    let own = OwnKey { selector: format!("acuse{}", now().format("%Y%m")), public_key: key.public_key.clone(), signs: true };
    let pair = NewPair { public_key: key.public_key, private_key: key.private_key };
    let id = dkim::make(db, &keys, &by, DOMAIN, &pair, now()).await.unwrap();
    let record = own.record(DOMAIN);
    let dns = DnsServer::start(Zone::new().txt(&record.name, &record.value)).await;
    let running = office.start();
    let send = async |to: &str| {
        let cobro = office.cobro(to).await;
        office.wait_for(cobro, State::Accepted).await;
        let arrived = catcher.messages().into_iter().find(|mail| mail.rcpt_to == [to]).unwrap();
        arrived.raw.to_vec()
    };
    let is_signed = |mail: &[u8]| String::from_utf8_lossy(mail).starts_with("DKIM-Signature: ");

    assert!(!is_signed(&send("antes@andina.ec").await), "its record was not seen yet");
    dkim::turn_on(db, &by, id, now()).await.unwrap();
    let signed = send("ahora@andina.ec").await;
    assert!(is_signed(&signed) && passes(&signed, dns.address()).await);
    let pago = office.pago("bodega@proveedor.ec").await;
    office.wait_for(pago, State::Accepted).await;
    let of_default = catcher.messages().into_iter().find(|mail| mail.rcpt_to == ["bodega@proveedor.ec"]).unwrap();
    assert!(!is_signed(&of_default.raw), "the default account is not the company's domain");
    dkim::turn_off(db, &by, id).await.unwrap();
    assert!(!is_signed(&send("luego@andina.ec").await));
    running.stop().await;
}
