//! Accounts that are connected with their provider: tokens run out, are taken back and are renewed while receipts go out.

use std::sync::Arc;

use acuse_delivery::{Engine, Settings};
use acuse_domain::delivery::State;
use acuse_domain::id::MailAccountId;
use acuse_domain::mail_account::{MailModule, Security};
use acuse_domain::oauth::Provider;
use acuse_mail::endpoint::Limits;
use acuse_mail::guard::Network;
use acuse_mail::oauth::{AuthorizationResponse, Providers, Registration};
use acuse_store::oauth::{self, NewConnection};
use acuse_store::pauses::{self, AccountKey};
use acuse_store::{Db, now};
use acuse_testkit::builders::mail_account;
use acuse_testkit::certificates::Authority;
use acuse_testkit::oauth_provider::{CLIENT_ID, CLIENT_SECRET, OAuthProvider, Way};
use acuse_testkit::token_smtp::TokenSmtp;
use acuse_testkit::world::World;

use crate::office::{Office, Running, until};

const BACK: &str = "https://acuse.example/vuelta";
/// As `builders::mail_account` names the user.
const USER: &str = "cobros@distripichincha.ec";
/// Seconds; less than a token must have left to be used.
const SHORT: u64 = 120;

on_both_engines!(
    a_receipt_goes_out_with_a_token_that_was_renewed,
    a_token_that_the_server_refuses_is_renewed_once,
    two_nodes_renew_one_token_once,
    a_permission_that_is_taken_back_pauses_the_account_until_somebody_connects,
    a_provider_that_is_down_puts_deliveries_off_and_blames_nobody,
);

/// A company whose account for cobros is connected, the provider, and the mail server that asks it.
struct Scene {
    office: Office,
    provider: OAuthProvider,
    smtp: TokenSmtp,
    network: Network,
    providers: Providers,
    account: Option<MailAccountId>,
}

impl Scene {
    async fn of(world: World, token_life: u64) -> Self {
        let authority = Authority::new();
        let provider = OAuthProvider::start(&authority).await;
        provider.access_tokens_live(token_life);
        let smtp = TokenSmtp::start(&authority, "PLAIN XOAUTH2", provider.judge()).await;
        let pem = authority.pem();
        let network = Network::new(&["127.0.0.1".to_owned(), "localhost".to_owned()], Some(pem.as_bytes())).unwrap();
        let mut registration = Registration::new(Provider::Google, CLIENT_ID.to_owned(), CLIENT_SECRET.into());
        registration.issuer = Some(provider.issuer.clone());
        let providers = Providers::new(&network, vec![registration]);
        let office = Office::without_default(world).await;
        let mut scene = Self { office, provider, smtp, network, providers, account: None };
        scene.connect().await;
        scene
    }

    /// As the page does: there and back, and the tokens on record.
    async fn connect(&mut self) {
        let client = self.providers.of(Provider::Google).unwrap();
        let left = client.begin_authorization(BACK, Some(USER)).await.unwrap();
        let back = self.provider.leads_back(&left.url).await;
        let code = back.split("code=").nth(1).unwrap().split('&').next().unwrap().replace("%2D", "-");
        let response =
            AuthorizationResponse { redirect_uri: BACK, code: &code, verifier: &left.verifier, nonce: &left.nonce, issuer: None };
        let connected = client.finish_authorization(&response, now()).await.map_err(|why| format!("{why:?}")).unwrap();
        let mut settings = mail_account(MailModule::ReceivedPayments, "").settings;
        (settings.server, settings.port, settings.security) = ("localhost".to_owned(), self.smtp.port, Security::Tls);
        let new = NewConnection {
            provider: Provider::Google,
            address: &connected.address,
            granted: &connected.granted,
            refresh_token: &connected.refresh_token,
        };
        let (db, keys, by) = (self.office.db(), self.office.world.keys(), &self.office.company.actor);
        match self.account {
            Some(id) => oauth::connect(db, &keys, by, id, &settings, &new, now()).await.unwrap(),
            None => self.account = Some(oauth::create_connected(db, &keys, by, &settings, &new, now()).await.unwrap()),
        }
    }

    fn start(&self) -> Running {
        self.start_on(self.office.db().clone())
    }

    fn start_on(&self, db: Db) -> Running {
        let settings = Settings { default_account: None, connections_per_account: 4 };
        let engine = Engine::new(db, Arc::new(self.office.world.keys()), self.network.clone(), settings)
            .with_limits(Limits::each(std::time::Duration::from_secs(5)))
            .with_providers(self.providers.clone());
        Running::of(engine)
    }

    async fn pause_code(&self) -> Option<(String, String)> {
        let resting = pauses::find(self.office.db(), AccountKey::Own(self.account.unwrap())).await.unwrap();
        resting.map(|resting| (resting.pause.problem_code, resting.pause.reply))
    }
}

async fn a_receipt_goes_out_with_a_token_that_was_renewed(world: World) {
    let scene = Scene::of(world, SHORT).await;
    scene.provider.access_tokens_live(3_600);
    let running = scene.start();
    let mut cobros = Vec::new();
    for n in 0..12 {
        cobros.push(scene.office.cobro(&format!("cliente{n}@andina.ec")).await);
    }
    for cobro in cobros {
        scene.office.wait_for(cobro, State::Accepted).await;
    }
    running.stop().await;
    let seen = scene.smtp.seen();
    assert_eq!((seen.accepted.len(), seen.refused_logins), (12, 0));
    assert_eq!(scene.provider.token_requests(), 2, "one for the code, one renewal for all");
}

async fn a_token_that_the_server_refuses_is_renewed_once(world: World) {
    let scene = Scene::of(world, 3_600).await;
    scene.provider.withdraw_access_tokens();
    let running = scene.start();
    let mut cobros = Vec::new();
    for n in 0..12 {
        cobros.push(scene.office.cobro(&format!("cliente{n}@andina.ec")).await);
    }
    for cobro in cobros {
        let delivery = scene.office.wait_for(cobro, State::Accepted).await;
        assert_eq!(delivery.attempts.len(), 1, "nobody had to wait for it");
    }
    running.stop().await;
    assert_eq!(scene.provider.token_requests(), 2);
    assert!(scene.smtp.seen().refused_logins <= 4, "once for each connection at most: {:?}", scene.smtp.seen());
}

async fn two_nodes_renew_one_token_once(world: World) {
    let scene = Scene::of(world, SHORT).await;
    scene.provider.access_tokens_live(3_600);
    scene.provider.now(Way::AnswersAfter(std::time::Duration::from_millis(300)));
    let mut cobros = Vec::new();
    for n in 0..40 {
        cobros.push(scene.office.cobro(&format!("cliente{n}@andina.ec")).await);
    }
    let (one, two) = (scene.start(), scene.start_on(scene.office.world.opened_again().await));
    for cobro in cobros {
        scene.office.wait_for(cobro, State::Accepted).await;
    }
    one.stop().await;
    two.stop().await;
    assert_eq!((scene.provider.token_requests(), scene.smtp.seen().refused_logins), (2, 0));
}

async fn a_permission_that_is_taken_back_pauses_the_account_until_somebody_connects(world: World) {
    let mut scene = Scene::of(world, 3_600).await;
    scene.provider.revoke_everything();
    let running = scene.start();
    let mut cobros = Vec::new();
    for n in 0..6 {
        cobros.push(scene.office.cobro(&format!("cliente{n}@andina.ec")).await);
    }
    until("the account rests", async || scene.pause_code().await.is_some()).await;
    until("nothing is under way", async || scene.office.in_state(State::Sending).await == 0).await;
    let (code, words) = scene.pause_code().await.unwrap();
    assert_eq!(code, "oauth_expired");
    for said in ["\"status\":\"401\"", "535 5.7.8", "invalid_grant: Token has been expired or revoked."] {
        assert!(words.contains(said), "{said} is not in {words}");
    }
    assert_eq!(scene.office.in_state(State::Queued).await, 6, "kept, and no address is marked");
    assert_eq!(scene.provider.token_requests(), 2, "it is not asked again and again");
    scene.connect().await;
    for cobro in cobros {
        scene.office.wait_for(cobro, State::Accepted).await;
    }
    running.stop().await;
}

async fn a_provider_that_is_down_puts_deliveries_off_and_blames_nobody(world: World) {
    let scene = Scene::of(world, 1).await;
    scene.provider.now(Way::Fails(503));
    let running = scene.start();
    let cobro = scene.office.cobro("pagos@andina.ec").await;
    let delivery = scene.office.wait_for(cobro, State::Deferred).await;
    assert_eq!(delivery.attempts.len(), 1);
    assert_eq!(scene.pause_code().await, None);
    running.stop().await;
    assert_eq!(scene.provider.token_requests(), 2);
    assert!(scene.smtp.seen().commands.is_empty(), "without a token the server is left in peace");
}
