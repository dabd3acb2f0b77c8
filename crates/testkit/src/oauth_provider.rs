//! An OpenID provider of the tests' own: it consents, checks PKCE, rotates refresh tokens and notices when one is used
//! twice; and it can be told to refuse, to wait, to fail and to talk nonsense.

mod pages;
mod tokens;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::http::header::LOCATION;
use axum::routing::{get, post};
use tokio::task::JoinHandle;
use tower::ServiceExt;
use uuid::Uuid;

use crate::certificates::Authority;
use crate::tls::Secured;

pub const CLIENT_ID: &str = "acuse-de-prueba";
pub const CLIENT_SECRET: &str = "secreto-del-cliente-7Q";
const LARGEST_PAGE: usize = 64 * 1_024;

/// What the token endpoint does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    Answers,
    AnswersAfter(Duration),
    /// 400 with this `error` and `error_description`, whatever was asked.
    Says(&'static str, &'static str),
    /// This status and no word of OAuth.
    Fails(u16),
    /// 200 and no JSON.
    Garbage,
    /// 200 and a body without end.
    Huge,
}

/// What the page does where a person would be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    AtOnce,
    Refused,
    /// All but the permission to send.
    WithoutMail,
    /// A page with two links.
    Asks,
}

pub struct OAuthProvider {
    pub issuer: String,
    mind: Arc<Shared>,
    router: Router,
    task: JoinHandle<()>,
}

/// What a browser gets that is sent to the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visit {
    /// Back to where it came from.
    Leads(String),
    Shows(String),
}

pub(crate) struct Shared {
    issuer: String,
    mind: Mutex<Mind>,
}

/// What the provider knows and how it is disposed.
pub(crate) struct Mind {
    /// Who is logged in there; none: whoever the login hint names.
    signed_in: Option<String>,
    consent: Consent,
    way: Way,
    /// Seconds that an access token is good.
    access_life: u64,
    /// Seconds that a connection is good, told with every token.
    connection_life: Option<u64>,
    rotates: bool,
    codes: HashMap<String, Code>,
    families: HashMap<Uuid, Family>,
    /// Every refresh token there ever was, by its family.
    refresh_tokens: HashMap<String, Uuid>,
    token_requests: usize,
}

pub(crate) struct Code {
    address: String,
    challenge: String,
    redirect_uri: String,
    nonce: String,
    scope: String,
}

/// What follows from one consent.
pub(crate) struct Family {
    address: String,
    scope: String,
    refresh_token: String,
    access_token: String,
    revoked: bool,
}

impl Shared {
    pub(crate) fn mind(&self) -> MutexGuard<'_, Mind> {
        self.mind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OAuthProvider {
    /// At `https://localhost:…`, consenting at once in the name of whoever is hinted at.
    pub async fn start(authority: &Authority) -> Self {
        let listener = Secured::bind(authority).await;
        let issuer = format!("https://localhost:{}", listener.port());
        let mind = Mind {
            signed_in: None,
            consent: Consent::AtOnce,
            way: Way::Answers,
            access_life: 3_600,
            connection_life: None,
            rotates: true,
            codes: HashMap::new(),
            families: HashMap::new(),
            refresh_tokens: HashMap::new(),
            token_requests: 0,
        };
        let shared = Arc::new(Shared { issuer: issuer.clone(), mind: Mutex::new(mind) });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(pages::configuration))
            .route("/authorize", get(pages::authorize))
            .route("/token", post(tokens::token))
            .with_state(shared.clone());
        let served = router.clone();
        let task = tokio::spawn(async move { drop(axum::serve(listener, served).await) });
        Self { issuer, mind: shared, router, task }
    }

    /// Opens a page of the provider, as a browser would.
    pub async fn visit(&self, url: &str) -> Visit {
        let path = url.strip_prefix(&self.issuer).unwrap_or_else(|| panic!("{url} is not of {}", self.issuer));
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let answer = self.router.clone().oneshot(request).await.expect("the router answers");
        if let Some(location) = answer.headers().get(LOCATION) {
            return Visit::Leads(location.to_str().expect("an address").to_owned());
        }
        let body = to_bytes(answer.into_body(), LARGEST_PAGE).await.expect("a page");
        Visit::Shows(String::from_utf8_lossy(&body).into_owned())
    }

    /// Where the browser is led back to. Panics if it is not.
    pub async fn leads_back(&self, url: &str) -> String {
        match self.visit(url).await {
            Visit::Leads(location) => location,
            Visit::Shows(page) => panic!("{page}"),
        }
    }

    pub fn sign_in(&self, address: &str) {
        self.mind.mind().signed_in = Some(address.to_owned());
    }

    pub fn consent(&self, consent: Consent) {
        self.mind.mind().consent = consent;
    }

    pub fn now(&self, way: Way) {
        self.mind.mind().way = way;
    }

    /// Seconds that access tokens are good from now on.
    pub fn access_tokens_live(&self, seconds: u64) {
        self.mind.mind().access_life = seconds;
    }

    /// Seconds that connections are good, as `refresh_token_expires_in` tells; none: it tells nothing.
    pub fn connections_live(&self, seconds: Option<u64>) {
        self.mind.mind().connection_life = seconds;
    }

    /// As Google does: the refresh token stays the same.
    pub fn keeps_refresh_tokens(&self) {
        self.mind.mind().rotates = false;
    }

    /// As when the owner changes the password: no token is good any more.
    pub fn revoke_everything(&self) {
        for family in self.mind.mind().families.values_mut() {
            family.revoked = true;
        }
    }

    /// Only the access tokens, long before their time.
    pub fn withdraw_access_tokens(&self) {
        for family in self.mind.mind().families.values_mut() {
            family.access_token = String::new();
        }
    }

    /// How often the token endpoint was asked.
    #[must_use]
    pub fn token_requests(&self) -> usize {
        self.mind.mind().token_requests
    }

    /// The token that a mail server would take for the address now.
    #[must_use]
    pub fn access_token(&self, address: &str) -> Option<String> {
        let mind = self.mind.mind();
        let mut live = mind.families.values().filter(|family| !family.revoked && family.address == address);
        live.find(|family| !family.access_token.is_empty()).map(|family| family.access_token.clone())
    }

    /// How a mail server asks whether a token is good.
    pub fn judge(&self) -> impl Fn(&str, &str) -> bool + Clone + Send + Sync + 'static {
        let shared = self.mind.clone();
        move |address, token| {
            let mind = shared.mind();
            !token.is_empty()
                && mind
                    .families
                    .values()
                    .any(|family| !family.revoked && family.address == address && family.access_token == token)
        }
    }
}

impl Drop for OAuthProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}
