//! Connecting a mailbox and keeping it connected, with a provider that checks what it should and one that misbehaves.

use std::collections::HashMap;
use std::time::Duration;

use acuse_domain::Instant;
use acuse_domain::oauth::{Denied, Provider};
use acuse_mail::oauth::{AuthorizationRequest, AuthorizationResponse, Client, Connected, NotConnected, Providers, Registration};
use acuse_testkit::certificates::Authority;
use acuse_testkit::oauth_provider::{CLIENT_ID, CLIENT_SECRET, Consent, OAuthProvider, Visit, Way};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant as Moment;

use crate::scripted::network;

const BACK: &str = "https://acuse.example/mi-compania/correos/oauth/google";
const ANA: &str = "ana@empresa.ec";

struct Place {
    provider: OAuthProvider,
    providers: Providers,
}

impl Place {
    async fn new() -> Self {
        Self::with_secret(CLIENT_SECRET).await
    }

    async fn with_secret(secret: &str) -> Self {
        let authority = Authority::new();
        let provider = OAuthProvider::start(&authority).await;
        let mut registration = Registration::new(Provider::Google, CLIENT_ID.to_owned(), secret.into());
        registration.issuer = Some(provider.issuer.clone());
        let providers = Providers::new(&network(Some(&authority.pem())), vec![registration]);
        Self { provider, providers }
    }

    fn client(&self) -> &Client {
        self.providers.of(Provider::Google).unwrap()
    }

    async fn begin_authorization(&self) -> AuthorizationRequest {
        self.client().begin_authorization(BACK, Some(ANA)).await.unwrap()
    }

    /// Leaves, and comes back with what the browser brings.
    async fn back(&self) -> (AuthorizationRequest, HashMap<String, String>) {
        let request = self.begin_authorization().await;
        let brought = query(&self.provider.leads_back(&request.url).await);
        (request, brought)
    }

    async fn finish_authorization(&self, request: &AuthorizationRequest, code: &str) -> Result<Connected, NotConnected> {
        let response =
            AuthorizationResponse { redirect_uri: BACK, code, verifier: &request.verifier, nonce: &request.nonce, issuer: None };
        self.client().finish_authorization(&response, now()).await
    }

    async fn connect(&self) -> Result<Connected, NotConnected> {
        let (request, brought) = self.back().await;
        self.finish_authorization(&request, &brought["code"]).await
    }

    async fn refresh(&self, token: &SecretString) -> Result<acuse_domain::oauth::Granted, Denied> {
        self.providers.refresh(Provider::Google, token, now()).await
    }
}

fn now() -> Instant {
    std::time::SystemTime::now().into()
}

fn query(url: &str) -> HashMap<String, String> {
    let (_, query) = url.split_once('?').unwrap();
    let decoded = |text: &str| percent_decoded(text);
    query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.to_owned(), decoded(value))).collect()
}

fn percent_decoded(text: &str) -> String {
    oauth2::url::form_urlencoded::parse(format!("x={text}").as_bytes()).next().unwrap().1.into_owned()
}

fn for_good(denied: Denied) -> (&'static str, String) {
    match denied {
        Denied::ForGood { code, words } => (code.as_str(), words),
        Denied::ForNow { words } => panic!("for now only: {words}"),
    }
}

#[tokio::test]
async fn who_says_yes_is_connected_and_known_by_address() {
    let place = Place::new().await;
    let (request, brought) = place.back().await;
    assert_eq!(brought["state"], request.state.expose_secret());
    for asked in ["access_type=offline", "prompt=consent", "code_challenge_method=S256", "login_hint=ana%40empresa.ec"] {
        assert!(request.url.contains(asked), "{asked}: {}", request.url);
    }
    assert!(!request.url.contains(request.verifier.expose_secret()));
    let connected = place.finish_authorization(&request, &brought["code"]).await.map_err(|why| format!("{why:?}")).unwrap();
    assert_eq!(connected.address, ANA);
    assert_eq!(place.provider.access_token(ANA).as_deref(), Some(connected.granted.access_token.expose_secret()));
    assert!(connected.granted.access_ends_at > now() + chrono::TimeDelta::minutes(50));
    assert_eq!(connected.granted.ends_at, None, "Google said nothing of an end");
    assert!(connected.granted.scope.contains("https://mail.google.com/"));
}

#[tokio::test]
async fn a_code_is_good_once_and_only_for_who_asked_for_it() {
    let place = Place::new().await;
    let (request, brought) = place.back().await;
    let another = place.begin_authorization().await;
    let (code, words) = match place.finish_authorization(&another, &brought["code"]).await.map(drop).unwrap_err() {
        NotConnected::Denied(denied) => for_good(denied),
        other => panic!("{other:?}"),
    };
    assert_eq!((code, words.as_str()), ("oauth_expired", "invalid_grant: PKCE verification failed."));
    assert!(place.finish_authorization(&request, &brought["code"]).await.is_err(), "it is used up");
    let (request, brought) = place.back().await;
    let nonce = "of-another-attempt".to_owned();
    let answer = place.finish_authorization(&AuthorizationRequest { nonce, ..request }, &brought["code"]).await.map(drop);
    assert_eq!(answer.unwrap_err(), NotConnected::NobodyKnown("the ID token belongs to another attempt"));
}

#[tokio::test]
async fn another_providers_answer_is_not_taken() {
    let place = Place::new().await;
    let (request, brought) = place.back().await;
    let response = |issuer| AuthorizationResponse {
        redirect_uri: BACK,
        code: &brought["code"],
        verifier: &request.verifier,
        nonce: &request.nonce,
        issuer: Some(issuer),
    };
    let answer = place.client().finish_authorization(&response("https://evil.example"), now()).await.map(drop);
    assert_eq!(answer.unwrap_err(), NotConnected::NobodyKnown("another issuer answers"));
    assert_eq!(place.provider.token_requests(), 0, "and the code went nowhere");
    assert!(place.client().finish_authorization(&response(&brought["iss"]), now()).await.is_ok());
}

#[tokio::test]
async fn who_says_no_or_leaves_the_mail_out_is_told_so() {
    let place = Place::new().await;
    place.provider.consent(Consent::Refused);
    let (_, brought) = place.back().await;
    assert_eq!(brought["error"], "access_denied");
    place.provider.consent(Consent::WithoutMail);
    assert_eq!(place.connect().await.map(drop).unwrap_err(), NotConnected::PermissionMissing);
    place.provider.consent(Consent::Asks);
    let Visit::Shows(page) = place.provider.visit(&place.begin_authorization().await.url).await else { panic!("no page") };
    assert!(page.contains("Permitir"));
}

#[tokio::test]
async fn each_renewal_brings_the_next_token_and_an_old_one_ends_it_all() {
    let place = Place::new().await;
    place.provider.connections_live(Some(7 * 24 * 3_600));
    let first = place.connect().await.map_err(|why| format!("{why:?}")).unwrap().refresh_token;
    let second = place.refresh(&first).await.unwrap();
    assert_eq!(place.provider.access_token(ANA).as_deref(), Some(second.access_token.expose_secret()));
    let week = second.ends_at.unwrap() - now();
    assert!((6..=7).contains(&week.num_days()), "{week}");
    assert!(place.refresh(&second.refresh_token.clone().unwrap()).await.is_ok());
    let (code, words) = for_good(place.refresh(&first).await.unwrap_err());
    assert_eq!((code, words.as_str()), ("oauth_expired", "invalid_grant: Token has been expired or revoked."));
    assert!(place.refresh(&second.refresh_token.unwrap()).await.is_err());
}

#[tokio::test]
async fn a_provider_that_keeps_the_token_says_nothing_new() {
    let place = Place::new().await;
    place.provider.keeps_refresh_tokens();
    let token = place.connect().await.map_err(|why| format!("{why:?}")).unwrap().refresh_token;
    assert!(place.refresh(&token).await.unwrap().refresh_token.is_none());
    assert!(place.refresh(&token).await.is_ok());
}

#[tokio::test]
async fn what_passes_by_itself_is_no_reason_to_connect_again() {
    let place = Place::new().await;
    let token = place.connect().await.map_err(|why| format!("{why:?}")).unwrap().refresh_token;
    for way in [
        Way::Fails(500),
        Way::Fails(503),
        Way::Fails(429),
        Way::Fails(403),
        Way::Garbage,
        Way::Huge,
        Way::Says("temporarily_unavailable", "AADSTS90033: A transient error has occurred."),
    ] {
        place.provider.now(way.clone());
        let denied = place.refresh(&token).await.unwrap_err();
        assert!(matches!(denied, Denied::ForNow { .. }), "{way:?}: {denied:?}");
    }
    place.provider.now(Way::Answers);
    assert!(place.refresh(&token).await.is_ok());
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_given_up() {
    let place = Place::new().await;
    let token = place.connect().await.map_err(|why| format!("{why:?}")).unwrap().refresh_token;
    place.provider.now(Way::AnswersAfter(Duration::from_secs(60)));
    let begun = Moment::now();
    assert!(matches!(place.refresh(&token).await.unwrap_err(), Denied::ForNow { .. }));
    assert!(begun.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn a_wrong_secret_is_the_operators_and_is_not_shown() {
    let place = Place::with_secret("GOCSPX-uno-que-caduco").await;
    let (code, words) = match place.connect().await.map(drop).unwrap_err() {
        NotConnected::Denied(denied) => for_good(denied),
        other => panic!("{other:?}"),
    };
    assert_eq!(code, "oauth_misconfigured");
    assert!(words.starts_with("invalid_client"), "{words}");
    place.provider.now(Way::Says("invalid_client", "GOCSPX-uno-que-caduco is not the secret"));
    let denied = place.refresh(&"1//un-token".into()).await.unwrap_err();
    assert_eq!(for_good(denied).1, "invalid_client: ••• is not the secret");
    let shown = format!("{:?}", Registration::new(Provider::Google, String::new(), "GOCSPX-x".into()));
    assert!(!shown.contains("GOCSPX"));
}

#[tokio::test]
async fn without_a_registration_nobody_is_asked() {
    let denied = Providers::default().refresh(Provider::Microsoft, &"x".into(), now()).await.unwrap_err();
    assert_eq!(for_good(denied).0, "oauth_misconfigured");
}
