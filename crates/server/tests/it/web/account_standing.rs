//! What Correos says of an account without being asked: tested or not, in clear, of a demo, and where there is no room for more.

use std::net::{Ipv4Addr, SocketAddr};

use acuse_domain::mail_account::{LastCheck, MailModule, Security};
use acuse_mail::catcher::Catcher;
use acuse_server::Services;
use acuse_store::{mail_accounts, now};
use acuse_testkit::builders::mail_account;

use super::account_form::{Filled, LIST};
use crate::support::TestApp;

async fn with(test: &TestApp, form: mail_accounts::Form) -> String {
    mail_accounts::create(&test.app.db, &test.app.keys, &test.actor, &form, None, now()).await.unwrap().to_string()
}

#[tokio::test]
async fn with_both_modules_taken_the_way_on_is_shown() {
    let test = TestApp::start().await;
    let ids = [
        with(&test, mail_account(MailModule::ReceivedPayments, "a")).await,
        with(&test, mail_account(MailModule::InvoicesAndMadePayments, "b")).await,
    ];
    let page = test.get("/mi-compania/correos/nueva").await;
    let links = page.attributes(".ac-choices a", "href");
    assert_eq!(links, ids.map(|id| format!("{LIST}/{id}")));
    assert!(page.all(".ac-choices a").iter().all(|word| word.starts_with("Modificar")));
    assert_eq!(page.one(".ac-note h2"), "¿Necesita otro remitente?");
    assert_eq!(page.all("button[type=submit]").iter().filter(|word| *word == "Continuar").count(), 0);
}

#[tokio::test]
async fn a_tested_account_says_when_it_was_tested() {
    let test = TestApp::start().await;
    let untried = with(&test, mail_account(MailModule::ReceivedPayments, "a")).await;
    assert_eq!(test.get(&format!("{LIST}/{untried}")).await.one("#diag"), "Sin probar");
    let checked = Some(LastCheck { at: now(), ok: true });
    let tested = with(&test, mail_accounts::Form { checked, ..mail_account(MailModule::InvoicesAndMadePayments, "b") }).await;
    let page = test.get(&format!("{LIST}/{tested}")).await;
    assert!(page.one("#diag").starts_with("Probada hoy"), "{}", page.one("#diag"));
    assert!(page.one(".ac-verdict-head p").starts_with("Configuración correcta"));
}

#[tokio::test]
async fn a_password_in_clear_is_a_warning_and_no_green_tick() {
    let test = TestApp::start().await;
    let mut form = mail_account(MailModule::ReceivedPayments, "a");
    form.settings.security = Security::None;
    form.checked = Some(LastCheck { at: now(), ok: true });
    with(&test, form).await;
    let card = test.get(LIST).await;
    assert!(
        card.all(".ac-account .ac-state[data-state=warn]").iter().any(|words| words.contains("sin cifrar")),
        "{}",
        card.text()
    );
}

#[tokio::test]
async fn a_demo_s_domain_is_said_to_be_one_and_looked_for_nowhere() {
    let catcher = Catcher::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let server = catcher.local_addr();
    let test = TestApp::start_with(|services| Services { catcher: Some(catcher), ..services }).await;
    Filled::account(server).press(&test, LIST, "guardar").await;
    let list = test.get(LIST).await;
    assert_eq!(list.all(".ac-dns .ac-state"), ["Queda en el buzón de prueba"], "cotopaxi.ec is none of the demo's own");
    let own = Filled::account(server).with("modulo", "facturacion").with("remitente", "pagos@distcotopaxi.ec");
    own.press(&test, LIST, "guardar").await;
    let list = test.get(LIST).await;
    assert!(list.all(".ac-dns .ac-state").contains(&"Dominio de demostración".to_owned()), "{}", list.text());
    assert_eq!(list.attribute(".ac-dns", "hx-get"), None, "nothing is fetched that could be red");
    assert_eq!(list.all(".ac-account .ac-state[data-state=bad]").len(), 0);
}
