//! From the address alone: what the DNS tells fills the form in, each value with where it came from.

use acuse_server::Services;
use acuse_testkit::dns::{DnsServer, Zone};

use super::account_form::{Filled, LIST};
use crate::support::{Answer, TestApp};

async fn asked(zone: Zone, address: &str) -> (TestApp, Answer) {
    let dns = DnsServer::start(zone).await;
    let nameserver = dns.address();
    let app = TestApp::start_with(|services| {
        let network = services.network.clone().with_nameservers(&[nameserver]);
        Services { network, ..services }
    })
    .await;
    let path = format!("{LIST}/nueva?modulo=cobros&direccion={}", address.replace('@', "%40"));
    let page = app.get(&path).await;
    (app, page)
}

#[tokio::test]
async fn the_mx_fills_the_form_in_and_is_named_under_each_field() {
    let zone = Zone::new().mx("cotopaxi.ec", 1, "aspmx.l.google.com");
    let (app, page) = asked(zone, "cobros@cotopaxi.ec").await;
    for (field, value) in [("#servidor", "smtp.gmail.com"), ("#puerto", "587"), ("#usuario", "cobros@cotopaxi.ec")] {
        assert_eq!(page.attribute(field, "value").as_deref(), Some(value), "{field}");
    }
    let hints = ["#de-servidor", "#de-puerto", "#de-tls", "#de-usuario"].map(|hint| page.one(hint));
    assert_eq!(hints, ["por el MX: Google Workspace", "de Google", "de Google", "igual al correo"]);
    assert!(page.one("#proveedor").contains("contraseña de aplicación"), "what Google wants is said before it refuses");
    let changed = Filled::of(&page).with("puerto", "465").press(&app, LIST, "probar").await;
    assert_eq!(changed.one("#de-puerto"), "escrito por usted");
    assert_eq!(changed.one("#de-servidor"), "por el MX: Google Workspace");
}

#[tokio::test]
async fn where_nothing_is_found_the_fields_stay_empty_and_it_says_what_to_ask() {
    let (_, page) = asked(Zone::new().txt("cotopaxi.ec", "nada de correo"), "cobros@cotopaxi.ec").await;
    assert_eq!(page.attribute("#servidor", "value").as_deref(), Some(""));
    assert_eq!(page.attribute("#puerto", "value").as_deref(), Some(""));
    assert_eq!(page.attribute("#usuario", "value").as_deref(), Some("cobros@cotopaxi.ec"));
    let said = page.one(".ac-note");
    for part in ["No encontramos el servidor de cotopaxi.ec", "mail.cotopaxi.ec", "465 o 587", "SSL/TLS o STARTTLS"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(page.all(".ac-note a").is_empty(), "everybody answered: asking again finds no more");
}

#[tokio::test]
async fn who_did_not_answer_can_be_asked_again() {
    let (_, page) = asked(Zone::new().fails("cotopaxi.ec"), "cobros@cotopaxi.ec").await;
    assert_eq!(page.one(".ac-note a"), "Buscar otra vez");
    let again = page.attribute(".ac-note a", "href").unwrap();
    assert_eq!(again, "/mi-compania/correos/nueva?modulo=cobros&direccion=cobros%40cotopaxi%2Eec&tal_cual=si");
}
