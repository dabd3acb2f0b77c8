//! «Conectar con Google», «Conectar con Microsoft»: to the provider and back, and the account that comes of it.
//!
//! A form of ours must not end at another site (`form-action 'self'`), so it is answered by a page that leads on.

mod pending;
mod refusal;
mod shown;

use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::MailAccountId;
use acuse_domain::mail_account::{MailAccount, MailAccountSettings, MailModule};
use acuse_domain::oauth::Provider;
use acuse_mail::oauth::{Arrival, Client};
use acuse_mail::providers;
use acuse_store::mail_accounts::{self as accounts, SaveError};
use acuse_store::oauth::{self, Departure, NewConnection, Wish};
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::{HeaderValue, REFRESH};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::form::module_of;
use super::found;
use super::sealed::Seals;
use crate::access::{Authorized, ConfigureCompany, session_token};
use crate::app::App;
use crate::web::page::{Page, Section, refused, shown};
use crate::web::path_id::PathId;
use crate::web::trouble::Trouble;

use pending::Pending;
use refusal::Why;
use shown::{LeavingPage, NotConnectedPage, OtherAddressPage};

/// After an account's address: the script presses Probar there. Without one a person does; a GET tries nothing.
const BEGINS_TO_TRY: &str = "#probar";

/// Whoever leaves or comes back: for whom, and in which browser.
struct Traveller<'a> {
    app: &'a App,
    may: &'a Authorized<ConfigureCompany>,
    page: Page,
    session: String,
    client: &'a Client,
}

impl<'a> Traveller<'a> {
    async fn new(
        app: &'a App,
        may: &'a Authorized<ConfigureCompany>,
        headers: &HeaderMap,
        provider: Provider,
    ) -> Result<Self, Trouble> {
        let client = app.providers.of(provider).ok_or(Trouble::NotFound)?;
        let page = Page::load(app, may, Section::MiCompania, headers).await?;
        Ok(Self { app, may, page, session: session_token(app, headers).unwrap_or_default(), client })
    }

    fn provider(&self) -> Provider {
        self.client.provider()
    }

    /// What the operator registers with the provider.
    fn redirect_uri(&self) -> String {
        format!("{}/mi-compania/correos/oauth/{}", self.app.public_url, self.provider().as_str())
    }

    fn seals(&self) -> Seals<'_> {
        Seals::new(&self.app.keys, self.may.actor.company, &self.session, self.page.now)
    }

    fn turned_away(self, why: &Why, wish: Option<&Wish>) -> Response {
        refused(&NotConnectedPage::new(self.page, self.client.provider(), why, wish))
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
pub async fn start(
    State(app): State<App>,
    may: Authorized<ConfigureCompany>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Start>,
) -> Result<Response, Trouble> {
    let provider = Provider::parse(&provider).ok_or(Trouble::NotFound)?;
    let traveller = Traveller::new(&app, &may, &headers, provider).await?;
    let taken = accounts::list(&app.db, may.actor.company).await?;
    let is_free = |module: &MailModule| taken.iter().all(|account| account.settings.module != *module);
    let Some(module) = module_of(&form.modulo).or_else(|| MailModule::ALL.into_iter().find(is_free)).filter(is_free) else {
        return Ok(traveller.turned_away(&Why::ModuleTaken, None));
    };
    let typed = [&form.direccion, &form.remitente].into_iter().find_map(|typed| typed.trim().parse().ok());
    leave(traveller, Wish::New { module, address: typed }, None).await
}

/// Leaves for an account that is there: to connect it again, or for the first time in place of its password.
pub async fn again(
    State(app): State<App>,
    may: Authorized<ConfigureCompany>,
    PathId(id): PathId<MailAccountId>,
    headers: HeaderMap,
    Form(form): Form<Again>,
) -> Result<Response, Trouble> {
    let account = found(&app, &may, id).await?;
    let chosen = Provider::parse(&form.proveedor).or(account.connection.as_ref().map(|connection| connection.provider));
    let traveller = Traveller::new(&app, &may, &headers, chosen.ok_or(Trouble::NotFound)?).await?;
    let wish = Wish::Existing { module: account.settings.module, account: id };
    leave(traveller, wish, expected(&account)).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Again {
    proveedor: String,
}

async fn leave(traveller: Traveller<'_>, wish: Wish, hint: Option<EmailAddress>) -> Result<Response, Trouble> {
    let hint = match (&wish, hint) {
        (Wish::New { address, .. }, _) => address.clone(),
        (Wish::Existing { .. }, hint) => hint,
    };
    let departure = match traveller.client.depart(&traveller.redirect_uri(), hint.as_ref().map(EmailAddress::as_str)).await {
        Ok(departure) => departure,
        Err(denied) => return Ok(traveller.turned_away(&Why::from(denied), Some(&wish))),
    };
    let Traveller { app, may, page, session, client } = traveller;
    let (provider, now) = (client.provider(), page.now);
    let noted =
        Departure { provider, state: &departure.state, verifier: &departure.verifier, nonce: &departure.nonce, wish: &wish };
    oauth::depart(&app.db, &app.keys, &may.actor, &session, &noted, now).await.map_err(super::trouble)?;
    let mut answer = shown(&LeavingPage { page, provider: provider.name(), url: departure.url.clone() });
    if let Ok(leads_on) = HeaderValue::from_str(&format!("0; url={}", departure.url)) {
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

pub async fn back(
    State(app): State<App>,
    may: Authorized<ConfigureCompany>,
    Path(provider): Path<String>,
    Query(back): Query<Back>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let provider = Provider::parse(&provider).ok_or(Trouble::NotFound)?;
    let traveller = Traveller::new(&app, &may, &headers, provider).await?;
    let (session, now) = (&traveller.session, traveller.page.now);
    let trip = oauth::come_back(&app.db, &app.keys, &may.actor, session, provider, &back.state, now).await?;
    let Some(trip) = trip else { return Ok(traveller.turned_away(&Why::Gone, None)) };
    if !back.error.is_empty() {
        let why = Why::Said { error: back.error, description: back.error_description };
        return Ok(traveller.turned_away(&why, Some(&trip.wish)));
    }
    let arrival = Arrival {
        redirect_uri: &traveller.redirect_uri(),
        code: &back.code,
        verifier: &trip.verifier,
        nonce: &trip.nonce,
        issuer: back.iss.as_deref(),
    };
    let connected = match traveller.client.arrive(&arrival, now).await {
        Ok(connected) => connected,
        Err(why) => return Ok(traveller.turned_away(&Why::from(why), Some(&trip.wish))),
    };
    let account = match &trip.wish {
        Wish::New { .. } => None,
        Wish::Existing { account, .. } => Some(found(&app, &may, *account).await?),
    };
    let wanted = match &trip.wish {
        Wish::New { address, .. } => address.clone(),
        Wish::Existing { .. } => account.as_ref().and_then(expected),
    };
    let pending = Pending::new(provider, trip.wish, connected);
    match wanted {
        Some(wanted) if !wanted.as_str().eq_ignore_ascii_case(&pending.address) => Ok(ask_which(traveller, &wanted, &pending)),
        _ => {
            let sender = account.map(|account| account.settings.from_address);
            keep(traveller, pending, sender).await
        }
    }
}

/// Another mailbox was connected than the one that was named: a person says which sends.
fn ask_which(traveller: Traveller<'_>, wanted: &EmailAddress, pending: &Pending) -> Response {
    let sealed = traveller.seals().seal_pending(&pending.written());
    let Some(sealed) = sealed else { return traveller.turned_away(&Why::Gone, Some(&pending.wish)) };
    shown(&OtherAddressPage::new(traveller.page, traveller.client.provider(), wanted, pending, sealed))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Choice {
    sellada: String,
    remitente: String,
}

/// The answer to that question.
pub async fn confirm(
    State(app): State<App>,
    may: Authorized<ConfigureCompany>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    Form(choice): Form<Choice>,
) -> Result<Response, Trouble> {
    let provider = Provider::parse(&provider).ok_or(Trouble::NotFound)?;
    let traveller = Traveller::new(&app, &may, &headers, provider).await?;
    let opened = traveller.seals().open_pending(&choice.sellada).and_then(|written| Pending::read(&written));
    let pending = opened.filter(|pending| pending.provider == provider);
    let (Some(pending), Ok(sender)) = (pending, choice.remitente.parse()) else {
        return Ok(traveller.turned_away(&Why::Gone, None));
    };
    keep(traveller, pending, Some(sender)).await
}

/// Puts the connection on record and goes on to try it. Without a sender the connected address sends.
async fn keep(traveller: Traveller<'_>, pending: Pending, sender: Option<EmailAddress>) -> Result<Response, Trouble> {
    let Ok(address) = pending.address.parse::<EmailAddress>() else {
        return Ok(traveller.turned_away(&Why::Gone, Some(&pending.wish)));
    };
    let Traveller { app, may, page, client, .. } = &traveller;
    let smtp = client.smtp();
    let connection = NewConnection {
        provider: pending.provider,
        address: &pending.address,
        granted: &pending.granted,
        refresh_token: &pending.refresh_token,
    };
    let (db, keys, by, now) = (&app.db, &app.keys, &may.actor, page.now);
    let sender = sender.unwrap_or(address);
    let kept = match &pending.wish {
        Wish::New { module, .. } => {
            let settings = MailAccountSettings {
                module: *module,
                server: smtp.host.clone(),
                port: smtp.port,
                security: smtp.security,
                username: pending.address.clone(),
                from_name: page.company_name.clone(),
                from_address: sender,
                reply_to: None,
                bcc: None,
            };
            oauth::create_connected(db, keys, by, &settings, &connection, now).await
        }
        Wish::Existing { account, .. } => {
            let settings = MailAccountSettings {
                server: smtp.host.clone(),
                port: smtp.port,
                security: smtp.security,
                username: pending.address.clone(),
                from_address: sender,
                ..found(app, may, *account).await?.settings
            };
            oauth::connect(db, keys, by, *account, &settings, &connection, now).await.map(|()| *account)
        }
    };
    match kept {
        Ok(id) => Ok(Redirect::to(&format!("{}/{id}{BEGINS_TO_TRY}", super::LIST)).into_response()),
        Err(SaveError::ModuleTaken(_)) => Ok(traveller.turned_away(&Why::ModuleTaken, None)),
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
