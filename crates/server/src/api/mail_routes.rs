//! Which account sends each kind of mail now, what stands behind it, and what the company wishes when its own one stops.

use acuse_domain::Instant;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::failure_policy::{FailurePolicy, PatienceHours};
use acuse_domain::input::Errors;
use acuse_domain::input::failure_policy::{Field, PolicyInput};
use acuse_domain::mail_account::MailModule;
use acuse_domain::message::Language;
use acuse_store::pauses::Resting;
use acuse_store::routing;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::addresses::Addresses;
use super::codes;
use super::etag::Tagged;
use super::language::Reads;
use super::mail_accounts::PausedOut;
use super::openapi::{Always, BadInput, Stale};
use super::pages::{List, WholeWanted};
use super::patch::{self, Change};
use super::warnings::Warning;
use crate::access::Caller;
use crate::app::App;
use crate::mail_route::{Route, Routes, SendsNow};
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
    /// The company's own account, where it has one, then the default account.
    chain: Vec<LinkOut>,
    /// When the default account begins to send for the company's own one that rests.
    default_sends_from: Option<DateTime<Utc>>,
    policy: PolicyOut,
}

/// One account of a route.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailRouteLink)]
pub struct LinkOut {
    /// `company` or `default`.
    source: &'static str,
    from_address: String,
    server: String,
    /// It is the one that sends now.
    sends: bool,
    /// Why it rests.
    paused: Option<PausedOut>,
    /// When it is tried again by itself.
    next_check_at: Option<DateTime<Utc>>,
    /// When its server's certificate ends, as it was last seen.
    certificate_ends_at: Option<DateTime<Utc>>,
}

/// What happens when an account of the company's own stops, and who is told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FailurePolicy)]
pub struct PolicyOut {
    /// `wait` or `use_default`.
    on_failure: &'static str,
    /// Hours that it rests before the default account sends; null with `wait`.
    after_hours: Option<u8>,
    /// Empty: the company's owners.
    notify: Vec<String>,
    warnings: Vec<Warning>,
}

/// What is absent stays; null takes it away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FailurePolicyChange, example = json!({ "on_failure": "use_default", "after_hours": 4, "notify": ["contabilidad@demo.ec"] }))]
pub struct PolicyChange {
    /// `wait` or `use_default`.
    #[serde(default, deserialize_with = "patch::value")]
    #[schema(nullable = false)]
    on_failure: Option<String>,
    /// 1 to 72, only with `use_default`; 4 where it was never given, and after null.
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<i64>)]
    after_hours: Option<Option<i64>>,
    /// Null or an empty list: the company's owners.
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<Addresses>)]
    notify: Option<Option<Addresses>>,
}

/// Each module's account: the company's own, else the installation's default account, else none.
#[utoipa::path(get, path = "/api/v1/mail-routes", tag = "mail", params(WholeWanted),
    responses((status = 200, body = List<RouteOut>, headers(("ETag" = String, description = "The policy's version, for If-Match"))),
        Always))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    _: WholeWanted,
) -> Result<Tagged<List<RouteOut>>, Problem> {
    let all = Routes::of(&app, caller.actor.company).await?;
    let mut routes = Vec::with_capacity(MailModule::ALL.len());
    for module in MailModule::ALL {
        let route = all.route(&app.db, module).await?;
        routes.push(RouteOut::of(module, &route, language, acuse_store::now()));
    }
    Ok(Tagged { version: all.policy_version, body: List::whole(routes) })
}

/// Changes what happens when an account of the company's own stops.
#[utoipa::path(patch, path = "/api/v1/mail-routes", tag = "mail",
    params(("If-Match" = Option<String>, Header, description = "Changes only the state with this ETag")),
    request_body = PolicyChange,
    responses((status = 200, body = PolicyOut, headers(("ETag" = String, description = "The new version, for If-Match"))),
        Always, BadInput, Stale))]
pub async fn change(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    asked: Change<PolicyChange>,
) -> Result<Tagged<PolicyOut>, Problem> {
    let expected = asked.expected.clone();
    let change = |policy| Ok(PolicyInput::from(asked.read()?).apply_to(policy)?);
    let policy = routing::change_policy(&app.db, &caller.actor, &expected, change).await?;
    Ok(Tagged { version: policy.version, body: PolicyOut::of(&policy.value, language) })
}

impl From<PolicyChange> for PolicyInput {
    fn from(sent: PolicyChange) -> Self {
        Self {
            on_failure: sent.on_failure,
            after_hours: sent.after_hours.map(|hours| hours.map(|hours| hours.to_string()).unwrap_or_default()),
            notify: sent.notify.map(|list| list.unwrap_or_default().0),
        }
    }
}

impl From<Errors<Field>> for Problem {
    fn from(errors: Errors<Field>) -> Self {
        Self::of_input(errors, Field::to_string)
    }
}

impl PolicyOut {
    fn of(policy: &FailurePolicy, language: Language) -> Self {
        Self {
            on_failure: policy.on_failure.as_str(),
            after_hours: policy.on_failure.after().map(PatienceHours::get),
            notify: policy.notify.iter().map(EmailAddress::to_string).collect(),
            warnings: Warning::slips("notify", &policy.notify, language),
        }
    }
}

impl RouteOut {
    fn of(module: MailModule, route: &Route, language: Language, now: Instant) -> Self {
        let sends = route.sends_now(now);
        let own = route.own.as_ref().map(|own| {
            let settings = &own.account.settings;
            LinkOut::of("company", settings.from_address.to_string(), settings.server.clone())
                .resting(own.rest.as_ref(), language)
                .sending(sends == SendsNow::Own)
                .until(own.health.certificate_ends_at)
        });
        let default = route.default.as_ref().map(|default| {
            LinkOut::of("default", default.account.from_address.to_string(), default.account.server.clone())
                .resting(default.rest.as_ref(), language)
                .sending(sends == SendsNow::Default)
        });
        let chain: Vec<LinkOut> = own.into_iter().chain(default).collect();
        // Whoever sends now, else whoever they wait for.
        let head = chain.iter().find(|link| link.sends).or(chain.first());
        let rest = match (sends, &route.own, &route.default) {
            (SendsNow::Waits, Some(own), _) => own.rest.as_ref(),
            (SendsNow::Waits, None, Some(default)) => default.rest.as_ref(),
            _ => None,
        };
        Self {
            module: module.as_str(),
            source: head.map_or("none", |link| link.source),
            from_address: head.map(|link| link.from_address.clone()),
            server: head.map(|link| link.server.clone()),
            paused: rest.zip(head).map(|(rest, link)| PausedOut::of(rest.pause.clone(), &link.server, language)),
            default_sends_from: route.default_sends_from(),
            policy: PolicyOut::of(&route.policy, language),
            chain,
        }
    }
}

impl LinkOut {
    fn of(source: &'static str, from_address: String, server: String) -> Self {
        Self { source, from_address, server, sends: false, paused: None, next_check_at: None, certificate_ends_at: None }
    }

    fn resting(self, rest: Option<&Resting>, language: Language) -> Self {
        let paused = rest.map(|rest| PausedOut::of(rest.pause.clone(), &self.server, language));
        Self { paused, next_check_at: rest.map(|rest| rest.probe_at), ..self }
    }

    fn sending(self, sends: bool) -> Self {
        Self { sends, ..self }
    }

    fn until(self, certificate_ends_at: Option<Instant>) -> Self {
        Self { certificate_ends_at, ..self }
    }
}
