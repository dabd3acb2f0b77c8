//! Whether others believe the sender's domain, and the company's own DKIM key.

use acuse_domain::id::MailAccountId;
use acuse_domain::message::Language;
use acuse_domain::message::messages;
use acuse_mail::deliverability::{Finding, KeySeen, Record, Report};
use acuse_store::dkim::{self, DkimError, DkimKey, KeyState};
use acuse_store::mail_accounts;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

use super::body::NoBody;
use super::codes;
use super::ids::Id;
use super::language::Reads;
use super::openapi::{Always, BadInput, NotFound, NotNow};
use super::pages::{List, Params, WholeWanted};
use crate::access::Caller;
use crate::app::App;
use crate::domain_check::{self, DomainState, own_key};
use crate::problem::Problem;

/// What the DNS says of a sender's domain.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DomainReport)]
pub struct ReportOut {
    domain: String,
    /// The server that the mail is handed to.
    server: Option<String>,
    findings: Vec<FindingOut>,
}

/// One thing that the DNS says, or does not.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DomainFinding)]
pub struct FindingOut {
    #[schema(schema_with = codes::schema::domain_topics)]
    topic: &'static str,
    /// `unknown`: the DNS does not tell, or did not answer.
    #[schema(schema_with = codes::schema::finding_states)]
    state: &'static str,
    code: &'static str,
    title: String,
    /// What it means for the mail, and what to do.
    meaning: String,
    /// What stands in the DNS now; several records on a line each.
    found: Option<String>,
    /// To add, or to put in the place of what was found.
    record: Option<RecordOut>,
}

/// A record for the DNS.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DnsRecord)]
pub struct RecordOut {
    /// `TXT`, `CNAME` or `MX`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// In full.
    name: String,
    value: String,
}

/// A key that signs the domain's mail once its record is seen.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DkimKey)]
pub struct KeyOut {
    domain: String,
    selector: String,
    /// `made`: its record has not been seen; `published`: it was seen, and does not sign; `used`: it signs.
    #[schema(schema_with = codes::schema::dkim_states)]
    state: &'static str,
    record: RecordOut,
    made_at: DateTime<Utc>,
    seen_at: Option<DateTime<Utc>>,
}

/// What the DNS shows of the key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DkimCheck)]
pub struct KeyCheckOut {
    /// `not_alone`: other records stand under the same name; `unanswered`: the DNS did not answer.
    #[schema(schema_with = seen_schema)]
    seen: &'static str,
    /// What stands there instead.
    found: Option<String>,
    key: KeyOut,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Freshness {
    /// Asks the DNS again although it was asked in the last minutes.
    #[serde(default)]
    fresh: bool,
}

/// MX, SPF, DKIM and DMARC of the sender's domain, with the record to add. Answers of the last minutes are kept.
#[utoipa::path(get, path = "/api/v1/mail-accounts/{id}/domain", tag = "mail", params(("id" = uuid::Uuid, Path), Freshness),
    responses((status = 200, body = ReportOut), Always, NotFound, NotNow))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    Id(id): Id<MailAccountId>,
    Params(asked): Params<Freshness>,
) -> Result<Json<ReportOut>, Problem> {
    let standing = standing(&app, &caller, id).await?;
    let report = if asked.fresh { standing.new_report(&app).await? } else { standing.report(&app).await? };
    Ok(Json(ReportOut::of(&report, language)))
}

/// The domain's keys: one that waits for its record, one that was seen.
#[utoipa::path(get, path = "/api/v1/mail-accounts/{id}/dkim", tag = "mail", params(("id" = uuid::Uuid, Path), WholeWanted),
    responses((status = 200, body = List<KeyOut>), Always, NotFound, NotNow))]
pub async fn list_keys(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<MailAccountId>,
    _: WholeWanted,
) -> Result<Json<List<KeyOut>>, Problem> {
    let standing = standing(&app, &caller, id).await?;
    Ok(Json(List::whole(standing.keys.iter().map(KeyOut::of).collect())))
}

/// Makes a key. Nothing is signed with it before its record is seen; a key that signs goes on until then.
#[utoipa::path(post, path = "/api/v1/mail-accounts/{id}/dkim", tag = "mail", params(("id" = uuid::Uuid, Path)),
    responses((status = 201, body = KeyOut), Always, NotFound, NotNow, BadInput))]
pub async fn make_key(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<MailAccountId>,
    NoBody: NoBody,
) -> Result<(StatusCode, Json<KeyOut>), Problem> {
    let before = standing(&app, &caller, id).await?;
    if before.is_foreign() {
        return Err(domain_not_yours());
    }
    if before.key(KeyState::Made).is_some() {
        return Err(DkimError::Waiting.into());
    }
    domain_check::make_key(&app, &caller.actor, before.domain()).await?;
    let after = standing(&app, &caller, id).await?;
    let made = after.key(KeyState::Made).ok_or_else(key_not_found)?;
    Ok((StatusCode::CREATED, Json(KeyOut::of(made))))
}

/// Looks for the key's record in the DNS. Once it is seen, mail is signed with it.
#[utoipa::path(post, path = "/api/v1/mail-accounts/{id}/dkim/check", tag = "mail", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = KeyCheckOut), Always, NotFound, NotNow, BadInput))]
pub async fn check_key(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<MailAccountId>,
    NoBody: NoBody,
) -> Result<Json<KeyCheckOut>, Problem> {
    let before = standing(&app, &caller, id).await?;
    let seen = domain_check::check_key(&app, &caller.actor, &before).await?;
    let after = standing(&app, &caller, id).await?;
    let states = [KeyState::Made, KeyState::Used, KeyState::Published];
    let key = match seen {
        KeySeen::Seen => after.key(KeyState::Used),
        _ => states.into_iter().find_map(|state| after.key(state)),
    };
    let key = KeyOut::of(key.ok_or_else(key_not_found)?);
    Ok(Json(KeyCheckOut::of(seen, key)))
}

/// Stops signing. The key stays, and signs again after a check.
#[utoipa::path(post, path = "/api/v1/mail-accounts/{id}/dkim/stop", tag = "mail", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = KeyOut), Always, NotFound, NotNow, BadInput))]
pub async fn stop_signing(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<MailAccountId>,
    NoBody: NoBody,
) -> Result<Json<KeyOut>, Problem> {
    let before = standing(&app, &caller, id).await?;
    let used = before.key(KeyState::Used).ok_or_else(key_not_found)?;
    dkim::turn_off(&app.db, &caller.actor, used.id).await?;
    Ok(Json(KeyOut::of(&DkimKey { state: KeyState::Published, ..used.clone() })))
}

/// Forgets the domain's keys. Nothing is signed any more.
#[utoipa::path(delete, path = "/api/v1/mail-accounts/{id}/dkim", tag = "mail", params(("id" = uuid::Uuid, Path)),
    responses((status = 204), Always, NotFound, NotNow, BadInput))]
pub async fn delete_keys(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<MailAccountId>,
    NoBody: NoBody,
) -> Result<StatusCode, Problem> {
    let standing = standing(&app, &caller, id).await?;
    if standing.keys.is_empty() {
        return Err(key_not_found());
    }
    dkim::delete_all(&app.db, &caller.actor, standing.domain()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn standing(app: &App, caller: &Caller, id: MailAccountId) -> Result<DomainState, Problem> {
    let account = mail_accounts::find(&app.db, caller.actor.company, id).await?.ok_or_else(Problem::mail_account_not_found)?;
    DomainState::of(app, &account).await?.ok_or_else(domain_not_yours)
}

impl ReportOut {
    fn of(report: &Report, language: Language) -> Self {
        let findings = report.findings.iter().map(|finding| FindingOut::of(finding, language)).collect();
        Self { domain: report.domain.clone(), server: report.server.clone(), findings }
    }
}

impl FindingOut {
    fn of(finding: &Finding, language: Language) -> Self {
        Self {
            topic: finding.topic.as_str(),
            state: finding.state.as_str(),
            code: finding.code,
            title: finding.title(language),
            meaning: finding.meaning(language),
            found: finding.found.clone(),
            record: finding.record.clone().map(RecordOut::of),
        }
    }
}

impl RecordOut {
    fn of(record: Record) -> Self {
        Self { kind: record.kind, name: record.name, value: record.value }
    }
}

const SEEN: [&str; 5] = ["yes", "missing", "other", "not_alone", "unanswered"];

fn seen_schema() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(SEEN)).build()
}

impl KeyCheckOut {
    fn of(seen: KeySeen, key: KeyOut) -> Self {
        let [yes, missing, other, not_alone, unanswered] = SEEN;
        let (seen, found) = match seen {
            KeySeen::Seen => (yes, None),
            KeySeen::Missing => (missing, None),
            KeySeen::Other(found) => (other, Some(found)),
            KeySeen::NotAlone => (not_alone, None),
            KeySeen::Unanswered => (unanswered, None),
        };
        Self { seen, found, key }
    }
}

impl KeyOut {
    fn of(key: &DkimKey) -> Self {
        Self {
            domain: key.domain.clone(),
            selector: key.selector.clone(),
            state: key.state.as_str(),
            record: RecordOut::of(own_key(key).record(&key.domain)),
            made_at: key.made_at,
            seen_at: key.seen_at,
        }
    }
}

fn key_not_found() -> Problem {
    Problem::not_found(messages::dkim_key_not_found())
}

/// Nobody but the provider can put records there.
fn domain_not_yours() -> Problem {
    Problem::conflict(messages::domain_not_yours())
}
