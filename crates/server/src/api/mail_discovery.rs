//! From an address alone: what an account for it would need.

use acuse_domain::email_address::EmailAddress;
use acuse_domain::input::required_address;
use acuse_domain::message::Language;
use acuse_mail::autoconfig::{self, Discovery, Known, Source};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::JsonRequest;
use super::codes;
use super::language::Reads;
use super::openapi::{Always, BadInput, Busy};
use super::warnings::Warning;
use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;

/// The address that mail will be sent from.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "address": "cobros@empresa.ec" }))]
pub struct DiscoverIn {
    #[schema(required, nullable = false)]
    address: Option<String>,
}

/// What an account for the address needs, each value with where it comes from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailDiscovery, example = json!({
    "server": { "value": "smtp.gmail.com", "source": "mx", "detail": "por el MX: Google Workspace" },
    "port": { "value": 587, "source": "mx", "detail": "por el MX: Google Workspace" },
    "security": { "value": "starttls", "source": "mx", "detail": "por el MX: Google Workspace" },
    "username": { "value": "cobros@empresa.ec", "source": "mx", "detail": "por el MX: Google Workspace" },
    "provider": "Google Workspace", "oauth": "google", "help": ["…"],
    "domain_exists": true, "complete": true, "warnings": []
}))]
pub struct DiscoveryOut {
    /// Null where nobody knows it: then the rest is only what is usual.
    server: Option<KnownText>,
    port: KnownPort,
    security: KnownSecurity,
    username: KnownText,
    /// Whose server it is, where that is known.
    provider: Option<String>,
    /// Who may be asked for permission instead of a password: `google` or `microsoft`.
    oauth: Option<&'static str>,
    /// What to have at hand before the first attempt.
    help: Vec<String>,
    /// False where the DNS says that there is no such domain: it is misspelt, or not yet registered.
    domain_exists: bool,
    /// False where somebody did not answer in time: asking again may find more.
    complete: bool,
    /// Of the address, whatever was found for it.
    warnings: Vec<Warning>,
}

/// A text and where it comes from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KnownText)]
pub struct KnownText {
    value: String,
    /// `preset`, `mx`, `autoconfig`, `srv`, `guess` or `usual`.
    source: &'static str,
    /// The same for people.
    detail: String,
}

/// A port and where it comes from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KnownPort)]
pub struct KnownPort {
    value: u16,
    source: &'static str,
    detail: String,
}

/// A kind of encryption and where it comes from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KnownSecurity)]
pub struct KnownSecurity {
    #[schema(schema_with = codes::schema::securities)]
    value: &'static str,
    source: &'static str,
    detail: String,
}

/// Finds server, port, encryption and user of an address: known providers, the domain's MX, its autoconfig and SRV
/// records, then servers that answer under usual names. Takes no password, and ends within 5 seconds.
#[utoipa::path(post, path = "/api/v1/mail-accounts/discover", tag = "mail", request_body = DiscoverIn,
    responses((status = 200, body = DiscoveryOut), Always, BadInput, Busy))]
pub async fn discover(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    asked: JsonRequest<DiscoverIn>,
) -> Result<Json<DiscoveryOut>, Problem> {
    let typed = asked.body.address.unwrap_or_default();
    let address = required_address(&typed).map_err(|message| Problem::of_field("address", message))?;
    let _running = app.checks.begin(caller.actor.company).ok_or_else(Problem::too_many_checks)?;
    let found = autoconfig::discover(&app.network, &address).await;
    Ok(Json(DiscoveryOut::of(&address, found, language)))
}

impl DiscoveryOut {
    #[must_use]
    pub fn of(address: &EmailAddress, found: Discovery, language: Language) -> Self {
        let text = |known: Known<String>| {
            let (source, detail) = provenance(&known.source, language);
            KnownText { value: known.value, source, detail }
        };
        let (provider, oauth) = (found.provider_name().map(str::to_owned), found.oauth());
        let help = found.help(language).to_vec();
        let (port_source, port_detail) = provenance(&found.port.source, language);
        let (security_source, security_detail) = provenance(&found.security.source, language);
        Self {
            server: found.server.map(text),
            port: KnownPort { value: found.port.value, source: port_source, detail: port_detail },
            security: KnownSecurity { value: found.security.value.as_str(), source: security_source, detail: security_detail },
            username: text(found.username),
            provider,
            oauth,
            help,
            domain_exists: !found.is_of_no_domain,
            complete: !found.is_incomplete,
            warnings: Warning::slip_in("address", Some(address), language).into_iter().collect(),
        }
    }
}

fn provenance(source: &Source, language: Language) -> (&'static str, String) {
    (source.code(), source.phrase(language))
}
