//! Mi compañía › Correos: the company's own outgoing accounts. A password is written, never read.

mod settings;

pub use settings::{AccountChange, AccountIn, CheckSaved, CheckUnsaved};

use acuse_domain::host::other_spelling;
use acuse_domain::id::MailAccountId;
use acuse_domain::input::mail_account::{AccountInput, ValidAccount, password_remark};
use acuse_domain::mail_account::{MailAccount, Pause};
use acuse_domain::message::Language;
use acuse_domain::oauth::Connection;
use acuse_mail::explanation::{Context, Situation};
use acuse_store::companies;
use acuse_store::mail_accounts::{self, Edit, Form};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::{JsonRequest, NoBody};
use super::codes;
use super::deliveries::ProblemOut;
use super::etag::{IfMatch, Tagged};
use super::ids::Id;
use super::language::Reads;
use super::openapi::{Always, BadInput, NotFound, NotNow, Stale};
use super::pages::{List, WholeWanted};
use super::patch::Change;
use super::warnings::Warning;
use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;

/// An account of the company's own, for one module.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailAccount)]
pub struct AccountOut {
    id: Uuid,
    #[schema(schema_with = codes::schema::modules)]
    module: &'static str,
    server: String,
    /// The other way to write an internationalised name: letters for punycode, punycode for letters.
    server_note: Option<String>,
    port: u16,
    #[schema(schema_with = codes::schema::securities)]
    security: &'static str,
    username: String,
    from_name: String,
    from_address: String,
    reply_to: Option<String>,
    bcc: Option<String>,
    /// A disabled account sends nothing: its module falls back to the default account.
    enabled: bool,
    has_password: bool,
    /// `password` or `oauth`: then it is connected with its provider and holds no password. Connecting needs a browser: Mi compañía › Correos.
    auth: &'static str,
    oauth: Option<ConnectionOut>,
    /// Why it rests; its deliveries wait meanwhile.
    paused: Option<PausedOut>,
    last_check: Option<LastCheckOut>,
    /// Of the request that saved it, and of what cannot be read.
    warnings: Vec<Warning>,
}

/// An account's connection with its provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailConnection)]
pub struct ConnectionOut {
    #[schema(schema_with = codes::schema::oauth_providers)]
    provider: &'static str,
    /// Who gave the permission.
    address: String,
    #[schema(schema_with = codes::schema::connection_states)]
    state: &'static str,
    /// When it ends unless somebody connects again; null where that is not known.
    expires_at: Option<DateTime<Utc>>,
}

/// Since when an account rests after a fault of its own, and what to do about it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pause)]
pub struct PausedOut {
    since: DateTime<Utc>,
    /// The server's own words.
    reply: String,
    problem: ProblemOut,
}

/// The last check of the account as it is saved.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LastCheck)]
pub struct LastCheckOut {
    at: DateTime<Utc>,
    ok: bool,
}

/// The company's accounts, one for each module at most.
#[utoipa::path(get, path = "/api/v1/mail-accounts", tag = "mail", params(WholeWanted),
    responses((status = 200, body = List<AccountOut>), Always))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    _: WholeWanted,
) -> Result<Json<List<AccountOut>>, Problem> {
    let accounts = mail_accounts::list(&app.db, caller.actor.company).await?;
    Ok(Json(List::whole(accounts.into_iter().map(|account| AccountOut::of(account, language)).collect())))
}

/// Saves a new account. From now on its module is sent with it.
#[utoipa::path(post, path = "/api/v1/mail-accounts", tag = "mail", request_body = AccountIn,
    params(("Idempotency-Key" = Option<String>, Header, description = "Carries the request out once in 24 hours")),
    responses((status = 201, body = AccountOut, headers(("ETag" = String, description = "The account's version, for If-Match"))),
        Always, BadInput))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    asked: JsonRequest<AccountIn>,
) -> Result<(StatusCode, Tagged<AccountOut>), Problem> {
    let company = companies::find(&app.db, caller.actor.company).await?.ok_or_else(Problem::internal)?;
    let may_use_port = |server: &str, port| app.network.may_use_mail_port(server, port);
    let ValidAccount { settings, password } = AccountInput::from(asked.body).read(&company.profile.legal_name, may_use_port)?;
    let warnings = password_warnings(password.as_ref(), language);
    let form = Form { settings, password, checked: None };
    let once = asked.once.as_ref();
    let id = mail_accounts::create(&app.db, &app.keys, &caller.actor, &form, once, acuse_store::now()).await?;
    Ok((StatusCode::CREATED, found(&app, &caller, id, warnings, language).await?))
}

/// One account.
#[utoipa::path(get, path = "/api/v1/mail-accounts/{id}", tag = "mail", params(("id" = Uuid, Path)),
    responses((status = 200, body = AccountOut, headers(("ETag" = String, description = "The account's version, for If-Match"))),
        Always, NotFound))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    Id(id): Id<MailAccountId>,
) -> Result<Tagged<AccountOut>, Problem> {
    found(&app, &caller, id, Vec::new(), language).await
}

/// Changes an account as it is now, and lets it work again if it rested. An absent or empty password keeps the one it has;
/// with another server, port, TLS or user it has to be given again.
#[utoipa::path(patch, path = "/api/v1/mail-accounts/{id}", tag = "mail",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "Changes only the state with this ETag")),
    request_body = AccountChange,
    responses((status = 200, body = AccountOut, headers(("ETag" = String, description = "The new version, for If-Match"))),
        Always, NotFound, NotNow, BadInput, Stale))]
pub async fn change(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    Id(id): Id<MailAccountId>,
    asked: Change<AccountChange>,
) -> Result<Tagged<AccountOut>, Problem> {
    let mut warnings = Vec::new();
    let expected = asked.expected.clone();
    let decide = |account: &MailAccount| {
        let change = asked.read()?;
        let enabled = change.enabled.unwrap_or(account.enabled);
        let input = AccountInput::from(change);
        let untouched = input.untouched();
        let may_use_port = |server: &str, port| app.network.may_use_mail_port(server, port);
        let ValidAccount { settings, password } = input.apply_to(account, may_use_port)?;
        warnings = password_warnings(password.as_ref(), language);
        Ok::<_, Problem>(Edit { form: Form { settings, password, checked: None }, enabled, untouched })
    };
    mail_accounts::edit(&app.db, &app.keys, &caller.actor, id, &expected, decide).await?;
    found(&app, &caller, id, warnings, language).await
}

/// Forgets an account and its password. Its module falls back to the default account.
#[utoipa::path(delete, path = "/api/v1/mail-accounts/{id}", tag = "mail",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "Forgets only the state with this ETag")),
    responses((status = 204), Always, NotFound, BadInput, Stale))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<MailAccountId>,
    IfMatch(expected): IfMatch,
    NoBody: NoBody,
) -> Result<StatusCode, Problem> {
    mail_accounts::delete(&app.db, &caller.actor, id, &expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn found(
    app: &App,
    caller: &Caller,
    id: MailAccountId,
    warnings: Vec<Warning>,
    language: Language,
) -> Result<Tagged<AccountOut>, Problem> {
    let account = mail_accounts::find(&app.db, caller.actor.company, id).await?.ok_or_else(Problem::mail_account_not_found)?;
    Ok(Tagged { version: account.version, body: AccountOut::of(account, language).warning(warnings) })
}

pub(super) fn password_warnings(password: Option<&SecretString>, language: Language) -> Vec<Warning> {
    let said = password.and_then(|password| password_remark(password.expose_secret()));
    said.map(|said| Warning::password_spaces(&said, language)).into_iter().collect()
}

impl AccountOut {
    fn warning(mut self, of_request: Vec<Warning>) -> Self {
        self.warnings.extend(of_request);
        self
    }

    fn of(account: MailAccount, language: Language) -> Self {
        let (settings, unreadable) = (account.settings, account.unreadable);
        let warnings = Warning::unreadable(unreadable, language).chain(Warning::slips_of_account(&settings, language)).collect();
        let paused = account.pause.map(|pause| PausedOut::of(pause, &settings.server, language));
        Self {
            id: account.id.0,
            module: settings.module.as_str(),
            server_note: other_spelling(&settings.server).map(|other| also_written(&other, language)),
            server: settings.server,
            port: settings.port,
            security: settings.security.as_str(),
            username: settings.username,
            from_name: settings.from_name,
            from_address: settings.from_address.to_string(),
            reply_to: settings.reply_to.map(|address| address.to_string()),
            bcc: settings.bcc.map(|address| address.to_string()),
            enabled: account.enabled,
            has_password: account.has_password,
            auth: if account.connection.is_some() { "oauth" } else { "password" },
            oauth: account.connection.map(ConnectionOut::of),
            paused,
            last_check: account.last_check.map(|check| LastCheckOut { at: check.at, ok: check.ok }),
            warnings,
        }
    }
}

fn also_written(other: &str, language: Language) -> String {
    match language {
        Language::Spanish => format!("También se escribe {other}"),
        Language::English => format!("Also written {other}"),
    }
}

impl ConnectionOut {
    fn of(connection: Connection) -> Self {
        Self {
            provider: connection.provider.as_str(),
            state: connection.state(acuse_store::now()).as_str(),
            expires_at: connection.ends_at,
            address: connection.address,
        }
    }
}

impl PausedOut {
    pub(super) fn of(pause: Pause, server: &str, language: Language) -> Self {
        let context = Context { host: server, situation: Situation::Queue, ..Context::default() };
        Self { since: pause.since, reply: pause.reply, problem: ProblemOut::of(pause.problem_code, &context, language) }
    }
}
