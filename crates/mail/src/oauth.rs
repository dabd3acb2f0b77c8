//! Access to a mailbox without its password: authorization code with PKCE (RFC 6749, RFC 7636), and the tokens after it.
//!
//! Nothing here is kept: who calls seals and stores what a provider gave, before it is used.

mod endpoints;
mod id_token;
mod token_endpoint;

use std::fmt;
use std::sync::Arc;

use acuse_domain::Instant;
use acuse_domain::mail_account::Security;
use acuse_domain::mail_problem::ProblemCode;
use acuse_domain::oauth::{Denied, Granted, Provider};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RefreshToken, Scope, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;

use crate::endpoint::Endpoint;
use crate::guard::Network;
use crate::https::Web;

use endpoints::Endpoints;
use id_token::Expected;
use token_endpoint::{BearerClient, opened, post, unfit};

/// What is asked for besides the mailbox: who it is that connects.
const IDENTITY_SCOPES: [&str; 2] = ["openid", "email"];

/// How the operator has registered this installation with a provider. Never shown.
#[derive(Clone)]
pub struct Registration {
    pub provider: Provider,
    pub client_id: String,
    pub client_secret: SecretString,
    /// The provider's issuer, where it is not the usual one: sovereign clouds, and tests.
    pub issuer: Option<String>,
    /// Microsoft's directory; `common` lets any account in.
    pub tenant: String,
    /// What permits sending over SMTP.
    pub mail_scope: String,
    /// Where the mail of connected accounts goes out.
    pub smtp: Endpoint,
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").field("provider", &self.provider).field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Registration {
    /// With the provider's usual endpoints.
    #[must_use]
    pub fn new(provider: Provider, client_id: String, client_secret: SecretString) -> Self {
        let (mail_scope, host) = match provider {
            Provider::Google => ("https://mail.google.com/", "smtp.gmail.com"),
            Provider::Microsoft => ("https://outlook.office.com/SMTP.Send", "smtp.office365.com"),
        };
        Self {
            provider,
            client_id,
            client_secret,
            issuer: None,
            tenant: "common".to_owned(),
            mail_scope: mail_scope.to_owned(),
            smtp: Endpoint { host: host.to_owned(), port: 587, security: Security::StartTls },
        }
    }
}

/// The providers with which accounts can be connected here. Cheap to clone.
#[derive(Clone, Default)]
pub struct Providers {
    clients: Arc<[Client]>,
}

impl Providers {
    #[must_use]
    pub fn new(network: &Network, registrations: Vec<Registration>) -> Self {
        let client = |registration| Client { registration, web: Web::new(network), endpoints: OnceCell::new() };
        Self { clients: registrations.into_iter().map(client).collect() }
    }

    #[must_use]
    pub fn of(&self, provider: Provider) -> Option<&Client> {
        self.clients.iter().find(|client| client.provider() == provider)
    }

    /// In the order in which they are offered.
    pub fn all(&self) -> impl Iterator<Item = &Client> {
        self.clients.iter()
    }

    /// Asks for the next token. Errs like the provider, and if the operator has taken its registration away.
    pub async fn refresh(&self, provider: Provider, refresh_token: &SecretString, now: Instant) -> Result<Granted, Denied> {
        match self.of(provider) {
            Some(client) => client.refresh(refresh_token, now).await,
            None => Err(Denied::ForGood {
                code: ProblemCode::OauthMisconfigured,
                words: format!("(this installation is not registered with {})", provider.name()),
            }),
        }
    }
}

/// This installation, in the eyes of one provider.
pub struct Client {
    registration: Registration,
    web: Web,
    /// Looked up once where the issuer is not the usual one.
    endpoints: OnceCell<Endpoints>,
}

/// Where to send the browser, and what must come back with it.
pub struct AuthorizationRequest {
    pub url: String,
    pub state: SecretString,
    pub verifier: SecretString,
    pub nonce: String,
}

/// What came back with the browser, and what it left with.
pub struct AuthorizationResponse<'a> {
    pub redirect_uri: &'a str,
    pub code: &'a str,
    pub verifier: &'a SecretString,
    pub nonce: &'a str,
    /// RFC 9207: who says that they answer, where they say so.
    pub issuer: Option<&'a str>,
}

/// A mailbox that lets us in.
pub struct Connected {
    /// Who gave the permission.
    pub address: String,
    pub granted: Granted,
    pub refresh_token: SecretString,
}

/// Why a mailbox is not connected although its owner came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotConnected {
    Denied(Denied),
    /// The person left out the permission to send.
    PermissionMissing,
    /// There is no lasting permission: it would end within the hour.
    NotLasting,
    /// The provider does not say, in a way that can be trusted, whose mailbox it is.
    NobodyKnown(&'static str),
}

impl From<Denied> for NotConnected {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl Client {
    #[must_use]
    pub const fn provider(&self) -> Provider {
        self.registration.provider
    }

    /// Where the mail of connected accounts goes out.
    #[must_use]
    pub const fn smtp(&self) -> &Endpoint {
        &self.registration.smtp
    }

    /// Where to send the browser. `login_hint`: the address that the person named, so that the provider offers it.
    ///
    /// Errs if the provider's endpoints have to be looked up and cannot.
    pub async fn begin_authorization(
        &self,
        redirect_uri: &str,
        login_hint: Option<&str>,
    ) -> Result<AuthorizationRequest, Denied> {
        let client = self.client(self.endpoints().await?, redirect_uri)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = CsrfToken::new_random().into_secret();
        let mut request = client
            .authorize_url(CsrfToken::new_random)
            .add_scopes(self.scopes())
            .set_pkce_challenge(challenge)
            .add_extra_param("nonce", nonce.clone());
        // Google gives a lasting permission only when asked for it, and again only with a new consent.
        let own: &[(&str, &str)] = match (self.provider(), login_hint) {
            (Provider::Google, _) => &[("access_type", "offline"), ("prompt", "consent")],
            (Provider::Microsoft, None) => &[("prompt", "select_account")],
            (Provider::Microsoft, Some(_)) => &[],
        };
        for (name, value) in own.iter().copied().chain(login_hint.map(|address| ("login_hint", address))) {
            request = request.add_extra_param(name.to_owned(), value.to_owned());
        }
        let (url, state) = request.url();
        let verifier = SecretString::from(verifier.into_secret());
        Ok(AuthorizationRequest { url: url.into(), state: SecretString::from(state.into_secret()), verifier, nonce })
    }

    /// Trades the code for tokens, and learns whose mailbox it is.
    pub async fn finish_authorization(
        &self,
        response: &AuthorizationResponse<'_>,
        now: Instant,
    ) -> Result<Connected, NotConnected> {
        let endpoints = self.endpoints().await?;
        if response.issuer.is_some_and(|issuer| !endpoints.is_issuer(issuer, None)) {
            return Err(NotConnected::NobodyKnown("another issuer answers"));
        }
        let secrets = [response.code, response.verifier.expose_secret(), self.registration.client_secret.expose_secret()];
        let client = self.client(endpoints, response.redirect_uri)?;
        let request = client
            .exchange_code(AuthorizationCode::new(response.code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(response.verifier.expose_secret().to_owned()));
        let web = self.web.clone();
        let ask = move |asked| post(web.clone(), asked);
        let answer = opened(request.request_async(&ask).await, &secrets)?;
        let id_token = answer.extra_fields().id_token();
        let granted = token_endpoint::granted(&answer, &self.registration, now)?;
        let Some(id_token) = id_token else { return Err(NotConnected::NobodyKnown("there is no ID token")) };
        let expected = Expected { endpoints, client_id: &self.registration.client_id, nonce: response.nonce, now };
        let address = id_token::address(id_token, &expected).map_err(NotConnected::NobodyKnown)?;
        if !granted.scope.split(' ').any(|scope| scope.eq_ignore_ascii_case(&self.registration.mail_scope)) {
            return Err(NotConnected::PermissionMissing);
        }
        let refresh_token = granted.refresh_token.clone().ok_or(NotConnected::NotLasting)?;
        Ok(Connected { address, granted, refresh_token })
    }

    async fn refresh(&self, refresh_token: &SecretString, now: Instant) -> Result<Granted, Denied> {
        let client = self.client(self.endpoints().await?, "")?;
        let token = RefreshToken::new(refresh_token.expose_secret().to_owned());
        let web = self.web.clone();
        let ask = move |asked| post(web.clone(), asked);
        let answered = client.exchange_refresh_token(&token).request_async(&ask).await;
        let secrets = [refresh_token.expose_secret(), self.registration.client_secret.expose_secret()];
        let answer = opened(answered, &secrets)?;
        token_endpoint::granted(&answer, &self.registration, now)
    }

    fn scopes(&self) -> impl Iterator<Item = Scope> {
        // Microsoft gives a lasting permission for a scope of its own.
        let lasting = (self.provider() == Provider::Microsoft).then_some("offline_access");
        let named = [self.registration.mail_scope.as_str()].into_iter().chain(lasting).chain(IDENTITY_SCOPES);
        named.map(|scope| Scope::new(scope.to_owned())).collect::<Vec<_>>().into_iter()
    }

    async fn endpoints(&self) -> Result<&Endpoints, Denied> {
        self.endpoints.get_or_try_init(|| Endpoints::of(&self.registration, &self.web)).await
    }

    /// `redirect_uri` is empty where it is not used.
    fn client(&self, endpoints: &Endpoints, redirect_uri: &str) -> Result<BearerClient, Denied> {
        let Registration { client_id, client_secret, .. } = &self.registration;
        let client = oauth2::Client::new(ClientId::new(client_id.clone()))
            .set_client_secret(ClientSecret::new(client_secret.expose_secret().to_owned()))
            .set_auth_type(oauth2::AuthType::RequestBody)
            .set_auth_uri(AuthUrl::new(endpoints.authorize.clone()).map_err(|error| unfit(&error))?)
            .set_token_uri(TokenUrl::new(endpoints.token.clone()).map_err(|error| unfit(&error))?);
        if redirect_uri.is_empty() {
            return Ok(client);
        }
        Ok(client.set_redirect_uri(RedirectUrl::new(redirect_uri.to_owned()).map_err(|error| unfit(&error))?))
    }
}
