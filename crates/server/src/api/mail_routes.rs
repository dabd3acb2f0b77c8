//! Which account would send each kind of mail now.

use acuse_domain::mail_account::{MailAccount, MailModule};
use acuse_mail::explanation::Language;
use acuse_store::mail_accounts;
use acuse_store::pauses::{self, AccountKey};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::codes;
use super::language::Reads;
use super::mail_accounts::PausedOut;
use super::openapi::Always;
use super::pages::List;
use crate::access::{Authorized, ViewRecords};
use crate::app::App;
use crate::problem::Problem;

/// The account that would send a module's mail now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailRoute)]
pub struct RouteOut {
    #[schema(schema_with = codes::schema::modules)]
    module: &'static str,
    /// `company`, `default`, or `none`: its mail waits.
    source: &'static str,
    from_address: Option<String>,
    server: Option<String>,
    /// Why the account rests; the module's mail waits meanwhile.
    paused: Option<PausedOut>,
}

/// Each module's account: the company's own, else the installation's default account, else none.
#[utoipa::path(get, path = "/api/v1/mail-routes", tag = "mail", responses((status = 200, body = List<RouteOut>), Always))]
pub async fn list(
    State(app): State<App>,
    may: Authorized<ViewRecords>,
    Reads(language): Reads,
) -> Result<Json<List<RouteOut>>, Problem> {
    let own = mail_accounts::list(&app.db, may.actor.company).await?;
    let mut routes = Vec::with_capacity(MailModule::ALL.len());
    for module in MailModule::ALL {
        let account = own.iter().find(|account| account.settings.module == module && account.enabled);
        routes.push(match account {
            Some(account) => RouteOut::own(module, account.clone(), language),
            None => RouteOut::default(&app, module, language).await?,
        });
    }
    Ok(Json(List::whole(routes)))
}

impl RouteOut {
    fn own(module: MailModule, account: MailAccount, language: Language) -> Self {
        let paused = account.pause.map(|pause| PausedOut::of(pause, &account.settings.server, language));
        Self {
            module: module.as_str(),
            source: "company",
            from_address: Some(account.settings.from_address.to_string()),
            server: Some(account.settings.server),
            paused,
        }
    }

    async fn default(app: &App, module: MailModule, language: Language) -> Result<Self, Problem> {
        let Some(account) = &app.default_account else {
            return Ok(Self { module: module.as_str(), source: "none", from_address: None, server: None, paused: None });
        };
        let resting = pauses::find(&app.db, AccountKey::Default).await?;
        Ok(Self {
            module: module.as_str(),
            source: "default",
            from_address: Some(account.from_address.to_string()),
            server: Some(account.server.clone()),
            paused: resting.map(|resting| PausedOut::of(resting.pause, &account.server, language)),
        })
    }
}
