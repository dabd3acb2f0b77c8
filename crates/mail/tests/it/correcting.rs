//! What a check offers to change in one click, and that it is right: the same check with the change goes well, or further.

use acuse_domain::mail_account::Security;
use acuse_mail::check::{self, CheckReport, Subject};
use acuse_mail::correction::Suggestion;
use acuse_mail::endpoint::Endpoint;
use acuse_mail::explanation::Language;
use acuse_mail::guard::Network;
use acuse_mail::login::Credentials;
use acuse_testkit::dns::{DnsServer, Zone};

use crate::certificates::Authority;
use crate::scripted::{Act, HELLO, Hear, OFFERS, PASSWORD, Say, Server, address};

/// A world in which some names lead to this machine.
struct World {
    authority: Authority,
    dns: DnsServer,
}

impl World {
    async fn where_here_is(names: &[&str]) -> Self {
        let zone = names.iter().fold(Zone::new(), |zone, name| zone.address(name, "127.0.0.1"));
        Self { authority: Authority::new(), dns: DnsServer::start(zone).await }
    }

    /// A server that works, with a certificate for these names, from the first byte on.
    async fn server(&self, names: &[&str], answers: Vec<(&'static str, &'static str)>) -> Server {
        Server::start(vec![Act::Tls(self.authority.server(names)), HELLO, Act::Converse(answers)]).await
    }

    async fn check(&self, typed: &Typed) -> CheckReport {
        let network = Network::new(&["127.0.0.1".to_owned()], Some(self.authority.pem.as_bytes())).unwrap();
        let subject = Subject {
            endpoint: Endpoint { host: typed.server.clone(), port: typed.port, security: typed.security },
            credentials: Some(Credentials::password(typed.username.clone(), PASSWORD.into())),
            from_name: "Empresa".to_owned(),
            from: address("cobros@empresa.ec"),
            to: None,
            language: Language::Spanish,
        };
        check::run(&network.with_nameservers(&[self.dns.address()]), &subject, |_| {}).await
    }
}

#[derive(Clone, Debug)]
struct Typed {
    server: String,
    port: u16,
    security: Security,
    username: String,
}

impl Typed {
    fn at(server: &str, port: u16) -> Self {
        Self { server: server.to_owned(), port, security: Security::Tls, username: "cobros@empresa.ec".to_owned() }
    }

    fn corrected(&self, better: Suggestion) -> Self {
        Self {
            server: better.server.unwrap_or_else(|| self.server.clone()),
            port: better.port,
            security: better.security,
            username: better.username.unwrap_or_else(|| self.username.clone()),
        }
    }
}

fn code(report: &CheckReport) -> &'static str {
    report.problem.as_ref().map_or("", |problem| problem.code.as_str())
}

#[tokio::test]
async fn the_servers_name_is_taken_from_its_certificate_if_it_leads_there() {
    let world = World::where_here_is(&["mail.empresa.ec", "srv1.hosting.com"]).await;
    let server = world.server(&["*.hosting.com", "gone.hosting.com", "srv1.hosting.com"], vec![]).await;
    let typed = Typed::at("mail.empresa.ec", server.address.port());
    let report = world.check(&typed).await;
    assert_eq!(code(&report), "certificate_name_mismatch");
    let better = report.suggestion.unwrap();
    assert_eq!((better.server.as_deref(), better.port), (Some("srv1.hosting.com"), typed.port));
    assert!(world.check(&typed.corrected(better)).await.ok);

    let server = world.server(&["gone.hosting.com"], vec![]).await;
    let report = world.check(&Typed::at("mail.empresa.ec", server.address.port())).await;
    assert_eq!((code(&report), report.suggestion), ("certificate_name_mismatch", None));
}

#[tokio::test]
async fn a_known_server_is_meant_by_a_slip() {
    let world = World::where_here_is(&["smtp.gmail.com"]).await;
    let server = world.server(&["smtp.gmail.com"], vec![]).await;
    let typed = Typed::at("smpt.gmail.com", server.address.port());
    let report = world.check(&typed).await;
    assert_eq!(code(&report), "host_not_found");
    assert!(world.check(&typed.corrected(report.suggestion.unwrap())).await.ok);
}

#[tokio::test]
async fn half_a_user_name_is_made_whole() {
    let world = World::where_here_is(&["mail.empresa.ec", "smtp.sendgrid.net"]).await;
    let refuses = vec![("AUTH", "535 Incorrect authentication data")];
    let server = world.server(&["mail.empresa.ec", "smtp.sendgrid.net"], refuses).await;
    for (host, typed, whole) in [
        ("mail.empresa.ec", "cobros", Some("cobros@empresa.ec")),
        ("mail.empresa.ec", "cobros@empresa.ec", None),
        ("smtp.sendgrid.net", "cobros@empresa.ec", Some("apikey")),
    ] {
        let typed = Typed { username: typed.to_owned(), ..Typed::at(host, server.address.port()) };
        let report = world.check(&typed).await;
        assert_eq!(code(&report), "bad_credentials");
        assert_eq!(report.suggestion.and_then(|better| better.username).as_deref(), whole, "{typed:?}");
    }
}

/// The usual ports of an address of this machine that nobody else uses.
#[tokio::test]
async fn the_port_where_it_answers_is_found() {
    let authority = Authority::new();
    let zone = Zone::new().address("mail.empresa.ec", "127.0.0.187");
    let world = World { dns: DnsServer::start(zone).await, authority };
    let tls = Act::Tls(world.authority.server(&["mail.empresa.ec"]));
    let script = vec![HELLO, Hear, OFFERS, Hear, Say("220 go"), tls, Act::Converse(vec![])];
    let _server = Server::start_at("127.0.0.187:587", script).await;
    let network = Network::new(&["127.0.0.187".to_owned()], Some(world.authority.pem.as_bytes())).unwrap();
    let endpoint = Endpoint { host: "mail.empresa.ec".to_owned(), port: 25, security: Security::StartTls };
    let subject = Subject {
        endpoint,
        credentials: None,
        from_name: String::new(),
        from: address("cobros@empresa.ec"),
        to: None,
        language: Language::Spanish,
    };
    let report = check::run(&network.with_nameservers(&[world.dns.address()]), &subject, |_| {}).await;
    assert_eq!(code(&report), "connection_refused");
    let better = report.suggestion.unwrap();
    assert_eq!((better.port, better.security, better.server), (587, Security::StartTls, None));
}

#[tokio::test]
async fn who_answers_in_a_known_servers_place_is_named() {
    let world = World::where_here_is(&["smtp.zoho.com"]).await;
    let tls = world.authority.server(&["srv12.hosting.ec"]);
    let hoster = Say("220-srv12.hosting.ec ESMTP Exim 4.96 #2\r\n220 and/or bulk e-mail.");
    let server = Server::start(vec![hoster, Hear, OFFERS, Hear, Say("220 go"), Act::Tls(tls)]).await;
    let typed = Typed { security: Security::StartTls, ..Typed::at("smtp.zoho.com", server.address.port()) };
    let report = world.check(&typed).await;
    assert_eq!(code(&report), "certificate_name_mismatch");
    let first = report.problem.unwrap().fix.remove(0);
    assert!(first.starts_with("En lugar de smtp.zoho.com respondió «srv12.hosting.ec»"), "{first}");
}

#[tokio::test]
async fn acceptance_is_not_called_arrival() {
    let world = World::where_here_is(&["mail.empresa.ec"]).await;
    let server = world.server(&["mail.empresa.ec"], vec![]).await;
    let report = world.check(&Typed::at("mail.empresa.ec", server.address.port())).await;
    assert!(report.ok && report.note.unwrap().contains("no se envió nada"));
    let hello = server.heard().into_iter().find(|line| line.starts_with("EHLO")).unwrap();
    assert_eq!(hello, "EHLO [127.0.0.1]\r\n");
}

#[tokio::test]
async fn a_machine_with_a_public_name_introduces_itself_by_it() {
    let server = Server::start(vec![HELLO, Act::Converse(vec![])]).await;
    let network = crate::scripted::network(None).introducing_itself_as(Some("acuse.empresa.ec"));
    let endpoint = server.endpoint(Security::None);
    let limits = crate::scripted::quick();
    acuse_mail::session::Session::open(&network, &endpoint, None, &limits).await.map(drop).unwrap();
    assert_eq!(server.heard()[0], "EHLO acuse.empresa.ec\r\n");
}
