//! «Conectar con Google», «Conectar con Microsoft»: to the provider and back, and the account that comes of it.
//!
//! A form of ours must not end at another site (`form-action 'self'`), so it is answered by a page that leads on.

mod pending;
mod refusal;
mod shown;

use acuse_domain::Instant;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::MailAccountId;
use acuse_domain::mail_account::{MailAccount, MailAccountSettings, MailModule};
use acuse_domain::oauth::Provider;
use acuse_mail::oauth::{AuthorizationResponse, Client};
use acuse_mail::providers;
use acuse_store::StoreError;
use acuse_store::mail_accounts::{self as accounts, SaveError};
use acuse_store::oauth::{self, AuthorizationRequest, Intent, NewConnection};
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::header::{HeaderValue, REFRESH};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::form::module_of;
use super::found;
use super::sealed::Seals;
use crate::web::frame::Frame;
use crate::web::page::{Page, Section, refused, shown};
use crate::web::path_id::PathId;
use crate::web::trouble::Trouble;

use pending::Pending;
use refusal::Why;
use shown::{NotConnectedPage, OtherAddressPage, ToProviderPage};

/// After an account's address: the script presses Probar there. Without one a person does; a GET tries nothing.
const BEGINS_TO_TRY: &str = "#probar";

/// Whoever leaves or comes back: for whom, and in which browser.
struct Connecting<'a> {
    frame: &'a Frame,
    session: String,
    client: &'a Client,
    now: Instant,
}

impl<'a> Connecting<'a> {
    fn new(frame: &'a Frame, provider: Provider) -> Result<Self, Trouble> {
        let client = frame.app.providers.of(provider).ok_or(Trouble::NotFound)?;
        Ok(Self { frame, session: frame.session_token(), client, now: acuse_store::now() })
    }

    fn provider(&self) -> Provider {
        self.client.provider()
    }

    /// What the operator registers with the provider.
    fn redirect_uri(&self) -> String {
        format!("{}/mi-compania/correos/oauth/{}", self.frame.app.public_url, self.provider().as_str())
    }

    fn seals(&self) -> Seals<'_> {
        Seals::new(&self.frame.app.keys, self.frame.company(), &self.session, self.now)
    }

    async fn page(&self) -> Result<Page, StoreError> {
        self.frame.page(Section::MiCompania).await
    }

    async fn refused(&self, why: &Why, intent: Option<&Intent>) -> Result<Response, Trouble> {
        Ok(refused(&NotConnectedPage::new(self.page().await?, self.provider(), why, intent)))
    }
}

/// The fields of the form in which the button stands; what else is in it does not matter here.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Start {
    modulo: String,
    direccion: String,
    remitente: String,
}

/// Leaves for a new account.
pub async fn start(frame: Frame, Path(provider): Path<String>, Form(form): Form<Start>) -> Result<Response, Trouble> {
    let provider = Provider::parse(&provider).ok_or(Trouble::NotFound)?;
    let connecting = Connecting::new(&frame, provider)?;
    let taken = accounts::list(&frame.app.db, frame.company()).await?;
    let is_free = |module: &MailModule| taken.iter().all(|account| account.settings.module != *module);
    let Some(module) = module_of(&form.modulo).or_else(|| MailModule::ALL.into_iter().find(is_free)).filter(is_free) else {
        return connecting.refused(&Why::ModuleTaken, None).await;
    };
    let typed = [&form.direccion, &form.remitente].into_iter().find_map(|typed| typed.trim().parse().ok());
    send_to_provider(connecting, Intent::New { module, address: typed }, None).await
}

/// Leaves for an account that is there: to connect it again, or for the first time in place of its password.
pub async fn again(frame: Frame, PathId(id): PathId<MailAccountId>, Form(form): Form<Again>) -> Result<Response, Trouble> {
    let account = found(&frame, id).await?;
    let chosen = Provider::parse(&form.proveedor).or(account.connection.as_ref().map(|connection| connection.provider));
    let connecting = Connecting::new(&frame, chosen.ok_or(Trouble::NotFound)?)?;
    let intent = Intent::Existing { module: account.settings.module, account: id };
    send_to_provider(connecting, intent, expected(&account)).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Again {
    proveedor: String,
}

async fn send_to_provider(connecting: Connecting<'_>, intent: Intent, hint: Option<EmailAddress>) -> Result<Response, Trouble> {
    let hint = match (&intent, hint) {
        (Intent::New { address, .. }, _) => address.clone(),
        (Intent::Existing { .. }, hint) => hint,
    };
    let begun =
        match connecting.client.begin_authorization(&connecting.redirect_uri(), hint.as_ref().map(EmailAddress::as_str)).await {
            Ok(begun) => begun,
            Err(denied) => return connecting.refused(&Why::from(denied), Some(&intent)).await,
        };
    let Connecting { frame: Frame { app, actor, .. }, session, client, now } = &connecting;
    let provider = client.provider();
    let noted =
        AuthorizationRequest { provider, state: &begun.state, verifier: &begun.verifier, nonce: &begun.nonce, intent: &intent };
    oauth::note_authorization_request(&app.db, &app.keys, actor, session, &noted, *now).await.map_err(super::trouble)?;
    let page = connecting.page().await?;
    let mut answer = shown(&ToProviderPage { page, provider: provider.name(), url: begun.url.clone() });
    if let Ok(leads_on) = HeaderValue::from_str(&format!("0; url={}", begun.url)) {
        answer.headers_mut().insert(REFRESH, leads_on);
    }
    Ok(answer)
}

/// What a provider sends the browser back with (RFC 6749 4.1.2, RFC 9207).
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Back {
    state: String,
    code: String,
    error: String,
    error_description: String,
    iss: Option<String>,
}

pub async fn back(frame: Frame, Path(provider): Path<String>, Query(back): Query<Back>) -> Result<Response, Trouble> {
    let provider = Provider::parse(&provider).ok_or(Trouble::NotFound)?;
    let connecting = Connecting::new(&frame, provider)?;
    let (session, now) = (&connecting.session, connecting.now);
    let request =
        oauth::take_authorization_request(&frame.app.db, &frame.app.keys, &frame.actor, session, provider, &back.state, now)
            .await?;
    let Some(request) = request else { return connecting.refused(&Why::Gone, None).await };
    if !back.error.is_empty() {
        let why = Why::Said { error: back.error, description: back.error_description };
        return connecting.refused(&why, Some(&request.intent)).await;
    }
    let response = AuthorizationResponse {
        redirect_uri: &connecting.redirect_uri(),
        code: &back.code,
        verifier: &request.verifier,
        nonce: &request.nonce,
        issuer: back.iss.as_deref(),
    };
    let connected = match connecting.client.finish_authorization(&response, now).await {
        Ok(connected) => connected,
        Err(why) => return connecting.refused(&Why::from(why), Some(&request.intent)).await,
    };
    let account = match &request.intent {
        Intent::New { .. } => None,
        Intent::Existing { account, .. } => Some(found(&frame, *account).await?),
    };
    let wanted = match &request.intent {
        Intent::New { address, .. } => address.clone(),
        Intent::Existing { .. } => account.as_ref().and_then(expected),
    };
    let pending = Pending::new(provider, request.intent, connected);
    match wanted {
        Some(wanted) if !wanted.as_str().eq_ignore_ascii_case(&pending.address) => ask_which(connecting, &wanted, &pending).await,
        _ => {
            let sender = account.map(|account| account.settings.from_address);
            keep(connecting, pending, sender).await
        }
    }
}

/// Another mailbox was connected than the one that was named: a person says which sends.
async fn ask_which(connecting: Connecting<'_>, wanted: &EmailAddress, pending: &Pending) -> Result<Response, Trouble> {
    let sealed = connecting.seals().seal_pending(&pending.written());
    let Some(sealed) = sealed else { return connecting.refused(&Why::Gone, Some(&pending.intent)).await };
    Ok(shown(&OtherAddressPage::new(connecting.page().await?, connecting.provider(), wanted, pending, sealed)))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Choice {
    sellada: String,
    remitente: String,
}

/// The answer to that question.
pub async fn confirm(frame: Frame, Path(provider): Path<String>, Form(choice): Form<Choice>) -> Result<Response, Trouble> {
    let provider = Provider::parse(&provider).ok_or(Trouble::NotFound)?;
    let connecting = Connecting::new(&frame, provider)?;
    let opened = connecting.seals().open_pending(&choice.sellada).and_then(|written| Pending::read(&written));
    let pending = opened.filter(|pending| pending.provider == provider);
    let (Some(pending), Ok(sender)) = (pending, choice.remitente.parse()) else {
        return connecting.refused(&Why::Gone, None).await;
    };
    keep(connecting, pending, Some(sender)).await
}

/// Puts the connection on record and goes on to try it. Without a sender the connected address sends.
async fn keep(connecting: Connecting<'_>, pending: Pending, sender: Option<EmailAddress>) -> Result<Response, Trouble> {
    let Ok(address) = pending.address.parse::<EmailAddress>() else {
        return connecting.refused(&Why::Gone, Some(&pending.intent)).await;
    };
    let Connecting { frame, client, now, .. } = &connecting;
    let smtp = client.smtp();
    let connection = NewConnection {
        provider: pending.provider,
        address: &pending.address,
        granted: &pending.granted,
        refresh_token: &pending.refresh_token,
    };
    let (db, keys, by, now) = (&frame.app.db, &frame.app.keys, &frame.actor, *now);
    let sender = sender.unwrap_or(address);
    let kept = match &pending.intent {
        Intent::New { module, .. } => {
            let settings = MailAccountSettings {
                module: *module,
                server: smtp.host.clone(),
                port: smtp.port,
                security: smtp.security,
                username: pending.address.clone(),
                from_name: frame.company_name().await?,
                from_address: sender,
                reply_to: None,
                bcc: None,
            };
            oauth::create_connected(db, keys, by, &settings, &connection, now).await
        }
        Intent::Existing { account, .. } => {
            let settings = MailAccountSettings {
                server: smtp.host.clone(),
                port: smtp.port,
                security: smtp.security,
                username: pending.address.clone(),
                from_address: sender,
                ..found(frame, *account).await?.settings
            };
            oauth::connect(db, keys, by, *account, &settings, &connection, now).await.map(|()| *account)
        }
    };
    match kept {
        Ok(id) => Ok(Redirect::to(&format!("{}/{id}{BEGINS_TO_TRY}", super::LIST)).into_response()),
        Err(SaveError::ModuleTaken(_)) => connecting.refused(&Why::ModuleTaken, None).await,
        Err(error) => Err(super::trouble(error)),
    }
}

/// With whom a mailbox is connected whose mail goes out through this server.
pub(super) fn provider_of(server: &str) -> Option<Provider> {
    match providers::of_host(server.trim())?.name.as_str() {
        "Gmail" => Some(Provider::Google),
        "Microsoft 365" | "Outlook.com" => Some(Provider::Microsoft),
        _ => None,
    }
}

/// The mailbox that is to be connected: the user of the account, where that is an address.
fn expected(account: &MailAccount) -> Option<EmailAddress> {
    let settings = &account.settings;
    settings.username.parse().ok().or_else(|| Some(settings.from_address.clone()))
}
