//! The page of a sender's domain, as a person without JavaScript uses it, beside a real DNS.

use acuse_domain::access::Role;
use acuse_domain::id::MailAccountId;
use acuse_domain::mail_account::MailModule;
use acuse_mail::guard::Network;
use acuse_server::Services;
use acuse_store::dkim::{self, KeyState};
use acuse_store::mail_accounts;
use acuse_store::now;
use acuse_testkit::builders::mail_account;
use acuse_testkit::dns::{DnsServer, Zone};
use axum::http::StatusCode;
use futures_util::future::join_all;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpListener;

use crate::support::{Answer, TestApp};

const DOMAIN: &str = "distripichincha.ec";

fn zone() -> Zone {
    Zone::new()
        .mx(DOMAIN, 1, "smtp.google.com")
        .txt(DOMAIN, "v=spf1 mx -all")
        .txt("_spf.google.com", "v=spf1 ip4:35.190.247.0/24 -all")
        .txt("otra._domainkey.distripichincha.ec", "v=DKIM1; p=")
}

async fn app_beside(dns: &DnsServer) -> TestApp {
    let network = Network::new(&[], None).unwrap().with_nameservers(&[dns.address()]);
    TestApp::start_with(|services| Services { network, ..services }).await
}

async fn account(app: &TestApp, from: &str) -> MailAccountId {
    let mut form = mail_account(MailModule::ReceivedPayments, "clave");
    form.settings.server = "smtp.gmail.com".to_owned();
    form.settings.from_address = from.parse().unwrap();
    form.settings.username = from.to_owned();
    mail_accounts::create(&app.app.db, &app.app.keys, &app.actor, &form, None, now()).await.unwrap()
}

fn page_of(id: MailAccountId) -> String {
    format!("/mi-compania/correos/{id}/dominio")
}

fn value(page: &Answer, id: &str) -> String {
    page.attribute(&format!("#registro-{id}"), "value").unwrap_or_else(|| panic!("no {id}: {}", page.text()))
}

/// Questions after the first report.
fn asked_since(dns: &DnsServer, before: usize) -> usize {
    dns.asked().len() - before
}

#[tokio::test]
async fn each_finding_is_explained_with_the_record_to_copy() {
    let dns = DnsServer::start(zone()).await;
    let app = app_beside(&dns).await;
    let id = account(&app, "cobros@distripichincha.ec").await;
    let page = app.get(&page_of(id)).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.one("h1"), DOMAIN);
    assert_eq!(page.all(".ac-sends .ac-state"), ["En orden", "Con error", "Sin confirmar", "Falta"]);
    assert_eq!((value(&page, "spf-tipo"), value(&page, "spf-nombre")), ("TXT".to_owned(), "@".to_owned()));
    assert_eq!(page.one("#registro-spf-valor"), "v=spf1 mx include:_spf.google.com -all");
    assert!(page.one("#spf").contains("En el DNS está v=spf1 mx -all"), "{}", page.one("#spf"));
    assert_eq!(value(&page, "dmarc-nombre"), "_dmarc");
    assert_eq!(page.one("#registro-dmarc-valor"), "v=DMARC1; p=none; rua=mailto:cobros@distripichincha.ec");
    assert!(page.one("#dkim").contains("no se puede saber desde fuera"), "{}", page.one("#dkim"));
}

#[tokio::test]
async fn the_list_never_waits_for_the_dns() {
    let dns = DnsServer::start(zone()).await;
    let app = app_beside(&dns).await;
    let id = account(&app, "cobros@distripichincha.ec").await;
    let list = app.get("/mi-compania/correos").await;
    assert_eq!(asked_since(&dns, 0), 0, "the list is drawn from what is known");
    assert_eq!(list.attribute(".ac-dns a", "href").unwrap(), page_of(id), "without a script it is a link");
    let summary = list.attribute(".ac-dns", "hx-get").unwrap();
    let row = app.get(&summary).await;
    assert_eq!(row.all(".ac-state"), ["SPF con error", "DKIM sin confirmar", "Falta DMARC"]);
    assert!(row.one("a").starts_with("Ver registro"));
    let before = dns.asked().len();
    let list = app.get("/mi-compania/correos").await;
    assert_eq!(list.all(".ac-dns .ac-state").len(), 3, "from now on it is known");
    app.get(&page_of(id)).await;
    assert_eq!(asked_since(&dns, before), 0, "and for a few minutes nobody is asked again");
    let again = app.get(&format!("{}?revisar=ya", page_of(id))).await;
    assert_eq!((again.status, again.location()), (StatusCode::SEE_OTHER, page_of(id).as_str()));
    assert!(asked_since(&dns, before) > 0);
}

#[tokio::test]
async fn a_flood_of_looking_again_asks_the_dns_a_few_times() {
    let dns = DnsServer::start(zone()).await;
    let app = app_beside(&dns).await;
    let id = account(&app, "cobros@distripichincha.ec").await;
    let again = format!("{}?revisar=ya", page_of(id));
    app.get(&again).await;
    let once = asked_since(&dns, 0);
    let answers = join_all((0..70).map(|_| app.get(&again))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::SEE_OTHER));
    let flood = asked_since(&dns, once);
    assert!(flood <= 24 * once, "{flood} questions for 70 requests, {once} for one");
}

#[tokio::test]
async fn a_key_is_made_published_used_changed_and_turned_off() {
    let dns = DnsServer::start(zone()).await;
    let app = app_beside(&dns).await;
    let id = account(&app, "cobros@distripichincha.ec").await;
    let (here, back) = (page_of(id), (StatusCode::SEE_OTHER, page_of(id)));
    let press = async |act: &str| {
        let answer = app.post(&here, &[("accion", act)]).await;
        (answer.status, answer.location().to_owned())
    };
    let signs =
        async || dkim::signing_key(&app.app.db, &app.app.keys, app.company, DOMAIN).await.unwrap().map(|key| key.selector);
    assert_eq!(press("crear").await, back);
    let page = app.get(&here).await;
    let (host, record) = (value(&page, "firma-nombre"), page.one("#registro-firma-valor"));
    assert!(host.starts_with("acuse20") && host.ends_with("._domainkey"), "{host}");
    assert!(record.starts_with("v=DKIM1; k=rsa; p=MII") && record.len() > 390, "{record}");
    assert!(!page.text().contains("PRIVATE"));

    let early = app.post(&here, &[("accion", "comprobar")]).await;
    assert_eq!((early.status, early.one(".ac-note h2").as_str()), (StatusCode::OK, "El registro todavía no se ve"));
    assert_eq!(signs().await, None);
    let name = format!("{host}.{DOMAIN}");
    dns.change(zone().txt(&name, &record[..250]));
    let cut = app.post(&here, &[("accion", "comprobar")]).await;
    assert_eq!(cut.one(".ac-note h2"), "En ese nombre hay otro registro");
    dns.change(zone().txt(&name, &record));
    assert_eq!(press("comprobar").await, back);
    let first = signs().await.expect("from now on it signs");
    let page = app.get(&here).await;
    assert!(page.one("#dkim").contains("Acuse firma sus correos"), "{}", page.one("#dkim"));

    assert_eq!(press("crear").await, back);
    assert_eq!(signs().await.as_deref(), Some(first.as_str()), "the old key goes on until the new one is seen");
    let page = app.get(&here).await;
    let (new_host, new_record) = (value(&page, "firma-nombre"), page.one("#registro-firma-valor"));
    assert_ne!(new_host, host);
    dns.change(zone().txt(&name, &record).txt(&format!("{new_host}.{DOMAIN}"), &new_record));
    assert_eq!(press("comprobar").await, back);
    assert_ne!(signs().await.expect("the new one signs"), first);

    assert_eq!(press("detener").await, back);
    assert_eq!(signs().await, None);
    assert_eq!(press("comprobar").await, back);
    assert!(signs().await.is_some(), "it signs again");
    press("detener").await;
    assert_eq!(press("descartar").await, back);
    assert!(dkim::of_domain(&app.app.db, app.company, DOMAIN).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_providers_domain_has_nothing_to_add() {
    let dns = DnsServer::start(Zone::new()).await;
    let app = app_beside(&dns).await;
    let id = account(&app, "cotopaxi@gmail.com").await;
    let page = app.get(&page_of(id)).await;
    assert!(page.one("#domain").contains("Lo lleva Gmail"), "{}", page.one("#domain"));
    assert!(page.all("#firma").is_empty() && page.all("textarea").is_empty());
    assert_eq!(dns.asked(), Vec::<String>::new());
    let refused = app.post(&page_of(id), &[("accion", "crear")]).await;
    assert!(refused.one(".ac-note h2").contains("gmail.com no se le pueden agregar registros"));
    assert!(dkim::of_domain(&app.app.db, app.company, "gmail.com").await.unwrap().is_empty());
}

#[tokio::test]
async fn who_may_only_look_sees_no_buttons_and_another_company_sees_nothing() {
    let dns = DnsServer::start(zone()).await;
    let app = app_beside(&dns).await;
    let id = account(&app, "cobros@distripichincha.ec").await;
    let viewer = app.session_of(Role::Viewer).await;
    let page = app.get_as(&viewer, &page_of(id)).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.all("main form").is_empty());
    assert_eq!(app.post_as(&viewer, &page_of(id), &[("accion", "crear")]).await.status, StatusCode::FORBIDDEN);
    let stranger = app.stranger().await;
    for path in [page_of(id), format!("{}/resumen", page_of(id))] {
        assert_eq!(app.get_as(&stranger.session, &path).await.status, StatusCode::NOT_FOUND);
    }
    let act = app.post_as(&stranger.session, &page_of(id), &[("accion", "crear")]).await;
    assert_eq!(act.status, StatusCode::NOT_FOUND);
    let keys = dkim::of_domain(&app.app.db, app.company, DOMAIN).await.unwrap();
    assert!(keys.iter().all(|key| key.state == KeyState::Made) && keys.is_empty());
}

#[tokio::test]
async fn what_a_stranger_writes_into_the_dns_cannot_become_markup() {
    let evil = "v=DMARC1; p=<script>alert(1)</script>";
    let dns = DnsServer::start(zone().txt("_dmarc.distripichincha.ec", evil)).await;
    let app = app_beside(&dns).await;
    let id = account(&app, "cobros@distripichincha.ec").await;
    let page = app.get(&page_of(id)).await;
    assert!(page.one("#dmarc").contains(evil));
    assert!(!page.text().contains("<script>alert"));
}

/// A server that takes nobody's mail whose domain does not vouch for it.
async fn strict_server() -> std::net::SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufStream::new(stream);
            let mut line = "220 mail.estricto.ec ESMTP".to_owned();
            while stream.write_all(format!("{line}\r\n").as_bytes()).await.is_ok() && stream.flush().await.is_ok() {
                let mut heard = String::new();
                if stream.read_line(&mut heard).await.unwrap_or(0) == 0 {
                    break;
                }
                line = match heard.get(..4).unwrap_or_default() {
                    "MAIL" => "550 5.7.26 This mail is unauthenticated: SPF and DKIM did not pass".to_owned(),
                    _ => "250 Ok".to_owned(),
                };
            }
        }
    });
    address
}

#[tokio::test]
async fn a_server_that_does_not_believe_the_domain_leads_to_what_is_missing() {
    let server = strict_server().await;
    let app = TestApp::start().await;
    let mut form = mail_account(MailModule::ReceivedPayments, "clave");
    form.settings.server = "127.0.0.1".to_owned();
    form.settings.port = server.port();
    form.settings.security = acuse_domain::mail_account::Security::None;
    form.settings.from_address = "cobros@empresa.example".parse().unwrap();
    form.settings.username = String::new();
    form.password = None;
    let id = mail_accounts::create(&app.app.db, &app.app.keys, &app.actor, &form, None, now()).await.unwrap();
    let checked = app.post(&format!("/mi-compania/correos/{id}/probar"), &[]).await;
    assert_eq!(checked.attribute(".ac-fix a", "href").as_deref(), Some(page_of(id).as_str()), "{}", checked.text());
    assert_eq!(app.get(&page_of(id)).await.status, StatusCode::OK);
}
