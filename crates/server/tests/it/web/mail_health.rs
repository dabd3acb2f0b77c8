//! Mi compañía › Correos when an account does not work: what it says, and what can be chosen.

use acuse_domain::access::Role;
use acuse_domain::failure_policy::{FailurePolicy, OnFailure, PatienceHours};
use acuse_domain::id::{MailAccountId, PaymentId};
use acuse_domain::mail_account::{MailModule, Security};
use acuse_server::{DefaultAccount, Services};
use acuse_store::pauses::{self, AccountKey};
use acuse_store::versions::Expected;
use acuse_store::{contacts, health, mail_accounts, now, routing};
use acuse_testkit::builders::{contact, mail_account, received, to};
use axum::http::StatusCode;
use chrono::TimeDelta;

use crate::support::TestApp;

const LIST: &str = "/mi-compania/correos";
const POLICY: &str = "/mi-compania/correos/si-falla";

fn with_default(services: Services) -> Services {
    let default_account = Some(DefaultAccount {
        server: "smtp.servidor.ec".to_owned(),
        port: 587,
        security: Security::StartTls,
        from_address: "avisos@servidor.ec".parse().unwrap(),
    });
    Services { default_account, ..services }
}

async fn with_own(app: &TestApp) -> MailAccountId {
    let form = mail_account(MailModule::ReceivedPayments, "x");
    mail_accounts::create(&app.app.db, &app.app.keys, &app.actor, &form, None, now()).await.unwrap()
}

/// So many cobros whose receipts wait.
async fn waiting(app: &TestApp, count: usize) -> Vec<PaymentId> {
    let andina = contacts::create(&app.app.db, &app.actor, &contact("Andina", true, false), None, now()).await.unwrap();
    let mut cobros = Vec::new();
    for _ in 0..count {
        cobros.push(received(andina, "10.00").notifying().record_at(&app.app.db, &app.actor, now()).await.unwrap());
    }
    cobros
}

#[tokio::test]
async fn what_happens_when_an_account_stops_is_chosen_on_the_page() {
    let app = TestApp::start_with(with_default).await;
    assert!(app.get(LIST).await.all("#fallo").is_empty(), "without an account of its own there is nothing to choose");
    with_own(&app).await;
    let list = app.get(LIST).await;
    assert_eq!(list.attribute("input[name=fallo][checked]", "value").as_deref(), Some("esperar"));
    assert!(list.text().contains("Después de 4 horas, usar el correo predeterminado"));
    assert_eq!(list.attribute("#avisar", "placeholder").as_deref(), Some("ana@cotopaxi.ec"), "the owners");

    let form = [("fallo", "predeterminado"), ("horas", " 12 "), ("avisar", "a@x.ec; b@x.ec")];
    assert_eq!(app.post(POLICY, &form).await.location(), LIST);
    let chosen = FailurePolicy {
        on_failure: OnFailure::UseDefault { after: PatienceHours::new(12).unwrap() },
        notify: vec!["a@x.ec".parse().unwrap(), "b@x.ec".parse().unwrap()],
    };
    assert_eq!(routing::policy(&app.app.db, app.company).await.unwrap(), chosen);
    let list = app.get(LIST).await;
    assert_eq!(list.attribute("input[name=fallo][checked]", "value").as_deref(), Some("predeterminado"));
    assert_eq!(list.attribute("#avisar", "value").as_deref(), Some("a@x.ec; b@x.ec"));

    for (field, value, said) in
        [("horas", "0", "de 1 a 72"), ("horas", "cuatro", "de 1 a 72"), ("avisar", "ana", "no es una dirección")]
    {
        let form: Vec<_> = form.iter().map(|(name, kept)| (*name, if *name == field { value } else { kept })).collect();
        let refused = app.post(POLICY, &form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.one(&format!("#{field}-error")).contains(said), "{field}");
        assert_eq!(refused.attribute(&format!("#{field}"), "value").as_deref(), Some(value), "what was typed stays");
    }
    assert_eq!(routing::policy(&app.app.db, app.company).await.unwrap(), chosen, "nothing was recorded");
    assert_eq!(app.post(POLICY, &[("fallo", "esperar")]).await.location(), LIST);
    assert_eq!(routing::policy(&app.app.db, app.company).await.unwrap(), FailurePolicy::default());
}

#[tokio::test]
async fn only_the_owner_chooses() {
    let app = TestApp::start_with(with_default).await;
    let id = with_own(&app).await;
    let accountant = app.session_of(Role::Accountant).await;
    let list = app.get_as(&accountant, LIST).await;
    assert!(list.attribute("fieldset:has(#avisar)", "disabled").is_some());
    assert!(list.all("fieldset button").is_empty(), "what is not allowed is not offered");
    let form = [("fallo", "predeterminado"), ("horas", "1"), ("avisar", "")];
    assert_eq!(app.post_as(&accountant, POLICY, &form).await.status, StatusCode::FORBIDDEN);
    let send = format!("{LIST}/{id}/predeterminado");
    assert_eq!(app.post_as(&accountant, &send, &[]).await.status, StatusCode::FORBIDDEN);
    let stranger = app.stranger().await.session;
    assert_eq!(app.post_as(&stranger, &send, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_waits_is_sent_by_the_default_account_with_one_click() {
    let app = TestApp::start_with(with_default).await;
    let id = with_own(&app).await;
    waiting(&app, 3).await;
    let account = AccountKey::Own(id);
    pauses::begin(&app.app.db, account, "bad_credentials", "535 5.7.8", now()).await.unwrap();
    let list = app.get(LIST).await;
    assert!(list.one(".ac-cure").contains("3 envíos esperan y ninguno se perdió."));
    assert_eq!(list.one(".ac-cure button"), "Enviar los 3 con el correo predeterminado");
    assert_eq!(list.all(".btn-primary"), ["Corregir la cuenta"], "one primary button");
    let action = list.attribute(".ac-cure form", "action").unwrap();
    assert_eq!(app.post(&action, &[]).await.location(), LIST);
    assert!(pauses::find(&app.app.db, account).await.unwrap().unwrap().default_sends_until.is_some());
    let list = app.get(LIST).await;
    assert!(list.all(".ac-cure button").is_empty(), "once");
    assert!(list.one(".ac-cure").contains("sale por el correo predeterminado"), "{}", list.one(".ac-cure"));
}

#[tokio::test]
async fn without_a_default_account_nothing_is_promised() {
    let app = TestApp::start().await;
    let id = with_own(&app).await;
    waiting(&app, 1).await;
    pauses::begin(&app.app.db, AccountKey::Own(id), "bad_credentials", "535 5.7.8", now()).await.unwrap();
    let list = app.get(LIST).await;
    assert!(list.one(".ac-cure").contains("1 envío espera y no se perdió."));
    assert!(list.all(".ac-cure button").is_empty());
    assert!(list.text().contains("Este servidor no tiene un correo predeterminado"));
    assert_eq!(list.all("input[name=fallo]").len(), 1);
}

#[tokio::test]
async fn a_resting_account_says_who_sends_meanwhile() {
    let app = TestApp::start_with(with_default).await;
    let id = with_own(&app).await;
    let resend = format!("/cobros/{}/reenviar", waiting(&app, 1).await[0]);
    let hours = |count: i64| now() - TimeDelta::hours(count);
    let after = PatienceHours::new(2).unwrap();
    let policy = FailurePolicy { on_failure: OnFailure::UseDefault { after }, ..FailurePolicy::default() };
    routing::change_policy(&app.app.db, &app.actor, &Expected::Any, to(policy)).await.unwrap();
    pauses::begin(&app.app.db, AccountKey::Own(id), "bad_credentials", "535 5.7.8", hours(1)).await.unwrap();
    assert!(app.get(LIST).await.one(".ac-cure").contains("Si sigue así, desde"));
    assert!(app.get(&resend).await.one("dialog").contains("La cuenta de correo está en pausa"));
    pauses::end(&app.app.db, AccountKey::Own(id), now()).await.unwrap();
    pauses::begin(&app.app.db, AccountKey::Own(id), "bad_credentials", "535 5.7.8", hours(3)).await.unwrap();
    let cure = app.get(LIST).await.one(".ac-cure");
    assert!(cure.contains("Mientras tanto sale por el correo predeterminado desde"), "{cure}");
    let dialog = app.get(&resend).await.one("dialog");
    assert!(dialog.contains("avisos@servidor.ec, correo predeterminado") && !dialog.contains("detenida"), "{dialog}");
    let todo = app.get("/").await.one(".ac-todo");
    assert!(todo.contains("cobros@distripichincha.ec está en pausa") && todo.contains("Mientras tanto sale por"), "{todo}");
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_announced_on_the_page_and_at_the_start() {
    let app = TestApp::start_with(with_default).await;
    let id = with_own(&app).await;
    let note = async |days| {
        let ends = now() + TimeDelta::days(days);
        health::note_certificate_any_company(&app.app.db, AccountKey::Own(id), ends, now()).await.unwrap();
    };
    note(30).await;
    assert!(!app.get(LIST).await.text().contains("El certificado"));
    assert!(!app.get("/").await.text().contains("El certificado"));
    note(12).await;
    assert!(app.get(LIST).await.one("article").contains("El certificado de smtp.example.com vence el"));
    let todo = app.get("/").await.one(".ac-todo");
    assert!(todo.contains("en 12 días") && todo.contains("cobros@distripichincha.ec deja de enviar"), "{todo}");
}

#[tokio::test]
async fn the_default_accounts_rest_is_told_to_those_who_depend_on_it() {
    let app = TestApp::start_with(with_default).await;
    pauses::begin(&app.app.db, AccountKey::Default, "bad_credentials", "535 5.7.8", now()).await.unwrap();
    assert!(app.get("/").await.one(".ac-todo").contains("El correo predeterminado está en pausa"));
    assert!(app.get(LIST).await.one("article").contains("Se vuelve a probar solo a las"));
    for module in MailModule::ALL {
        let form = mail_account(module, "x");
        mail_accounts::create(&app.app.db, &app.app.keys, &app.actor, &form, None, now()).await.unwrap();
    }
    assert!(app.get("/").await.text().contains("Nada pendiente"), "nobody's mail depends on it any more");
}
