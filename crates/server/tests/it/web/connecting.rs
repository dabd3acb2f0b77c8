//! «Conectar con Google», there and back, with a provider and a mail server that behave as those do.

use std::sync::Arc;

use acuse_domain::access::Role;
use acuse_domain::id::MailAccountId;
use acuse_domain::mail_account::{MailModule, Security};
use acuse_domain::oauth::Provider;
use acuse_mail::endpoint::Endpoint;
use acuse_mail::guard::Network;
use acuse_mail::oauth::{Providers, Registration};
use acuse_server::Services;
use acuse_store::mail_accounts;
use acuse_store::now;
use acuse_store::pauses::{self, AccountKey};
use acuse_testkit::builders::mail_account;
use acuse_testkit::certificates::Authority;
use acuse_testkit::oauth_provider::{CLIENT_ID, CLIENT_SECRET, Consent, OAuthProvider, Way};
use acuse_testkit::token_smtp::TokenSmtp;
use axum::http::StatusCode;

use crate::support::{Answer, TestApp};

const LIST: &str = "/mi-compania/correos";
const START: &str = "/mi-compania/correos/conectar/google";
const ANA: &str = "ana@cotopaxi.ec";

struct Scene {
    app: TestApp,
    provider: OAuthProvider,
    smtp: TokenSmtp,
}

impl Scene {
    async fn new() -> Self {
        let authority = Authority::new();
        let provider = OAuthProvider::start(&authority).await;
        let smtp = TokenSmtp::start(&authority, "PLAIN XOAUTH2", provider.judge()).await;
        let pem = authority.pem();
        let network = Network::new(&["127.0.0.1".to_owned(), "localhost".to_owned()], Some(pem.as_bytes())).unwrap();
        let mut google = Registration::new(Provider::Google, CLIENT_ID.to_owned(), CLIENT_SECRET.into());
        google.issuer = Some(provider.issuer.clone());
        google.smtp = Endpoint { host: "localhost".to_owned(), port: smtp.port, security: Security::Tls };
        let providers = Providers::new(&network, vec![google]);
        let app = TestApp::start_with(|services| Services { network, providers, ..services }).await;
        Self { app, provider, smtp }
    }

    /// Presses the button, consents at the provider, and gives the path with which the browser comes back.
    async fn there(&self, path: &str, form: &[(&str, &str)]) -> String {
        let leaving = self.app.post(path, form).await;
        assert_eq!(leaving.status, StatusCode::OK, "{}", leaving.text());
        let url = leaving.attribute("main a.btn-primary", "href").expect("a link to the provider");
        assert_eq!(leaving.header("refresh"), format!("0; url={url}"), "it leads on by itself");
        let back = self.provider.leads_back(&url).await;
        back.strip_prefix("http://127.0.0.1:8080").unwrap_or_else(|| panic!("{back} is not ours")).to_owned()
    }

    /// There and back.
    async fn connect(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let back = self.there(path, form).await;
        self.app.get(&back).await
    }

    /// Follows the redirect to the account's page, where the script presses Probar, and presses it.
    async fn verdict(&self, answer: Answer) -> Answer {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        let page = answer.location().strip_suffix("#probar").expect("the page that begins to try");
        assert_eq!(self.app.get(page).await.status, StatusCode::OK);
        self.app.post(&format!("{page}/probar"), &[]).await
    }

    async fn account(&self) -> acuse_domain::mail_account::MailAccount {
        mail_accounts::list(&self.app.app.db, self.app.company).await.unwrap().pop().expect("an account")
    }
}

#[tokio::test]
async fn a_mailbox_is_connected_and_tried_without_a_password() {
    let scene = Scene::new().await;
    let first = scene.app.get(&format!("{LIST}/nueva")).await;
    assert!(first.text().contains("Conectar con Google") && !first.text().contains("Conectar con Microsoft"));
    let back = scene.connect(START, &[("modulo", "cobros"), ("direccion", ANA)]).await;
    let page = scene.verdict(back).await;
    assert_eq!(page.one("#diag"), "Configuración correcta");
    assert!(page.text().contains("Conectada con Google"), "in place of a password field");
    let account = scene.account().await;
    assert_eq!((account.settings.username.as_str(), account.settings.from_address.as_str()), (ANA, ANA));
    assert_eq!((account.settings.port, account.has_password), (scene.smtp.port, false));
    assert_eq!(scene.smtp.seen().accepted.len(), 0, "a check sends nothing");
    let list = scene.app.get(LIST).await;
    assert!(list.text().contains("conectada con Google") && list.text().contains("Configuración correcta"));
    for token in ["acceso-", "renovacion-", CLIENT_SECRET] {
        assert!(!page.text().contains(token) && !list.text().contains(token));
    }
}

#[tokio::test]
async fn without_a_registration_no_button_and_no_way() {
    let app = TestApp::start().await;
    assert!(!app.get(&format!("{LIST}/nueva")).await.text().contains("Conectar con"));
    assert_eq!(app.post(START, &[("modulo", "cobros")]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.post("/mi-compania/correos/conectar/otro", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_state_is_good_once_and_for_the_session_that_left() {
    let scene = Scene::new().await;
    scene.provider.sign_in(ANA);
    let back = scene.there(START, &[("modulo", "cobros")]).await;
    let stranger = scene.app.stranger().await;
    let theirs = scene.app.get_as(&stranger.session, &back).await;
    assert_eq!(theirs.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(theirs.one("h1"), "Este pedido de conexión ya no vale");
    let nobody = scene.app.get_as("", &back).await;
    assert!(nobody.location().starts_with("/entrar?volver="), "{}", nobody.location());
    assert_eq!(scene.app.get(&back).await.status, StatusCode::SEE_OTHER);
    assert_eq!(scene.app.get(&back).await.one("h1"), "Este pedido de conexión ya no vale", "once");
    assert_eq!(scene.app.get(&format!("{LIST}/oauth/google?state=x&code=y")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(mail_accounts::list(&scene.app.app.db, scene.app.company).await.unwrap().len(), 1);
}

#[tokio::test]
async fn who_may_only_look_connects_nothing() {
    let scene = Scene::new().await;
    let viewer = scene.app.session_of(Role::Viewer).await;
    assert_eq!(scene.app.post_as(&viewer, START, &[("modulo", "cobros")]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn another_mailbox_than_the_one_that_was_named_is_asked_about() {
    let scene = Scene::new().await;
    scene.provider.sign_in("gerencia@cotopaxi.ec");
    let asked = scene.connect(START, &[("modulo", "cobros"), ("direccion", ANA)]).await;
    assert_eq!((asked.status, asked.one("h1")), (StatusCode::OK, "Se conectó otro correo".to_owned()));
    assert!(asked.text().contains("gerencia@cotopaxi.ec") && asked.text().contains(ANA));
    assert!(mail_accounts::list(&scene.app.app.db, scene.app.company).await.unwrap().is_empty(), "nothing is kept yet");
    let sealed = asked.attribute("input[name=sellada]", "value").unwrap();
    assert!(!asked.text().contains("renovacion-"));
    let confirm = "/mi-compania/correos/oauth/google/confirmar";
    let stranger = scene.app.stranger().await;
    let form = [("sellada", sealed.as_str()), ("remitente", ANA)];
    assert_eq!(scene.app.post_as(&stranger.session, confirm, &form).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = scene.verdict(scene.app.post(confirm, &form).await).await;
    assert_eq!(page.one("#diag"), "Configuración correcta");
    let settings = scene.account().await.settings;
    assert_eq!((settings.username.as_str(), settings.from_address.as_str()), ("gerencia@cotopaxi.ec", ANA));
}

#[tokio::test]
async fn what_the_provider_refuses_is_said_with_what_to_do() {
    let scene = Scene::new().await;
    let form = [("modulo", "cobros"), ("direccion", ANA)];
    scene.provider.consent(Consent::Refused);
    let refused = scene.connect(START, &form).await;
    assert_eq!((refused.status, refused.one("h1")), (StatusCode::UNPROCESSABLE_ENTITY, "No se dio el permiso".to_owned()));
    assert!(refused.text().contains("Conectar otra vez con Google") && refused.text().contains("access_denied"));
    scene.provider.consent(Consent::WithoutMail);
    assert_eq!(scene.connect(START, &form).await.one("h1"), "Falta el permiso para enviar correo");
    scene.provider.consent(Consent::AtOnce);
    for (way, title) in [
        (Way::Fails(503), "Google no responde ahora"),
        (Way::Garbage, "Google no responde ahora"),
        (Way::Says("invalid_client", "The secret has expired"), "La aplicación de acceso no está bien registrada"),
        (Way::Says("invalid_grant", "<script>alert(1)</script>"), "Google no confirmó el permiso"),
    ] {
        scene.provider.now(way);
        let answer = scene.connect(START, &form).await;
        assert_eq!((answer.status, answer.one("h1").as_str()), (StatusCode::UNPROCESSABLE_ENTITY, title));
        assert!(!answer.text().contains("<script>alert"));
    }
    assert!(mail_accounts::list(&scene.app.app.db, scene.app.company).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_account_that_was_taken_back_works_again_in_one_click() {
    let scene = Scene::new().await;
    scene.connect(START, &[("modulo", "cobros"), ("direccion", ANA)]).await;
    let id = scene.account().await.id;
    scene.provider.revoke_everything();
    let tried = scene.app.post(&format!("{LIST}/{id}/probar"), &[]).await;
    assert_eq!(tried.one("#diag"), "Configuración errónea");
    assert!(tried.text().contains("invalid_grant: Token has been expired or revoked."), "{}", tried.text());
    let key = AccountKey::Own(id);
    pause(&scene, key).await;
    let list = scene.app.get(LIST).await;
    assert!(list.one(".ac-cure button").contains("Volver a conectar con Google"), "{}", list.text());

    let back = scene.connect(&format!("{LIST}/{id}/conectar"), &[]).await;
    let page = scene.verdict(back).await;
    assert_eq!(page.one("#diag"), "Configuración correcta");
    assert!(pauses::find(&scene.app.app.db, key).await.unwrap().is_none(), "what waited goes out");
    assert_eq!(scene.account().await.id, id);
}

async fn pause(scene: &Scene, key: AccountKey) {
    pauses::begin(&scene.app.app.db, key, "oauth_expired", "invalid_grant", now()).await.unwrap();
}

#[tokio::test]
async fn a_password_gives_way_to_a_connection_and_comes_back_when_it_is_typed() {
    let scene = Scene::new().await;
    let form = mail_account(MailModule::ReceivedPayments, "clave");
    let (db, keys) = (&scene.app.app.db, Arc::clone(&scene.app.app.keys));
    let id = mail_accounts::create(db, &keys, &scene.app.actor, &form, None, now()).await.unwrap();
    let again = format!("{LIST}/{id}/conectar");
    assert_eq!(scene.app.post(&again, &[]).await.status, StatusCode::NOT_FOUND, "with whom?");
    let back = scene.connect(&again, &[("proveedor", "google")]).await;
    scene.verdict(back).await;
    let account = scene.account().await;
    assert!(account.connection.is_some() && !account.has_password);

    let port = scene.smtp.port.to_string();
    let typed = [
        ("modulo", "cobros"),
        ("nombre", "Cotopaxi"),
        ("remitente", "cobros@distripichincha.ec"),
        ("servidor", "otro.servidor.ec"),
        ("puerto", port.as_str()),
        ("tls", "tls"),
        ("usuario", "cobros@distripichincha.ec"),
        ("clave", ""),
        ("accion", "guardar"),
    ];
    let refused = scene.app.post(&format!("{LIST}/{id}"), &typed).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "a token goes to no other server");
    assert!(refused.text().contains("solo vale para lo de antes"));
    let with_password: Vec<_> =
        typed.iter().map(|(name, value)| (*name, if *name == "clave" { "nueva" } else { *value })).collect();
    assert_eq!(scene.app.post(&format!("{LIST}/{id}"), &with_password).await.status, StatusCode::SEE_OTHER);
    let account = scene.account().await;
    assert!(account.connection.is_none() && account.has_password);
}

#[tokio::test]
async fn a_connection_that_ends_soon_is_announced_on_its_card() {
    let scene = Scene::new().await;
    scene.provider.connections_live(Some(7 * 24 * 3_600));
    scene.connect(START, &[("modulo", "cobros"), ("direccion", ANA)]).await;
    let list = scene.app.get(LIST).await;
    assert!(list.one(".ac-note").contains("La conexión con Google termina el"), "{}", list.text());
    scene.provider.connections_live(Some(60 * 24 * 3_600));
    let id: MailAccountId = scene.account().await.id;
    scene.connect(&format!("{LIST}/{id}/conectar"), &[]).await;
    assert!(scene.app.get(LIST).await.all(".ac-note").is_empty());
}
