//! Envíos: each message to each recipient, and its fate.

use acuse_domain::delivery::{Group, State};
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::DeliveryId;
use acuse_domain::mail_account::MailModule;
use acuse_domain::mail_problem::ProblemCode;
use acuse_mail::explanation::{Context, Language, Situation, explain_recorded};
use acuse_store::conditions::Conditions;
use acuse_store::deliveries::{self, Attempt, Delivery, Filter, NEWEST, Resolution, Stopped};
use axum::Json;
use axum::extract::State as Shared;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::body::{Nothing, OptionalJsonRequest};
use super::codes;
use super::fields::Fields;
use super::ids::Id;
use super::language::Reads;
use super::openapi::{Always, BadInput, NotFound, NotNow};
use super::pages::{List, Params, Wanted, apart};
use super::warnings::Warning;
use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::web::page::stopped;

/// One message to one recipient.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryOut {
    id: Uuid,
    pub(super) payment_id: Uuid,
    /// `receipt`, or `void_notice`: the receipt is void.
    kind: &'static str,
    pub(super) recipient: String,
    #[schema(schema_with = codes::schema::states)]
    state: &'static str,
    /// Who has to act: `with_problems` a person, `under_way` nobody; `resolved` failed and is over.
    #[schema(schema_with = codes::schema::groups)]
    group: &'static str,
    /// Of what is `resolved`: why.
    resolution: Option<ResolutionOut>,
    /// The account that sent it or tried to; null before the first attempt.
    account: Option<AccountOut>,
    /// Stays the same however often it is tried.
    message_id: Option<String>,
    /// The number of the re-sending that it belongs to; null for what was sent when the payment was recorded or voided.
    resend_of: Option<i32>,
    queued_at: DateTime<Utc>,
    next_attempt_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    /// Oldest first.
    attempts: Vec<AttemptOut>,
    problem: Option<ProblemOut>,
    warnings: Vec<Warning>,
}

/// Why nobody has to act on a delivery that failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Resolution)]
pub struct ResolutionOut {
    /// `person`: somebody said so. `accepted_for`: the receipt was accepted later, for another address or the same.
    /// `corrected_to`: it was sent again to another address in its place, which did not arrive yet.
    /// `payment_voided`.
    by: &'static str,
    /// Who said so.
    who: Option<String>,
    at: Option<DateTime<Utc>>,
    reason: Option<String>,
    /// The address that has the receipt.
    address: Option<String>,
}

/// The account behind a delivery.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryAccount)]
pub struct AccountOut {
    /// `company` or `default`.
    source: String,
    server: String,
    from_address: String,
}

/// One attempt and the server's own words.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub struct AttemptOut {
    at: DateTime<Utc>,
    /// How far it came.
    #[schema(schema_with = codes::schema::phases)]
    phase: String,
    reply: String,
    duration_ms: i64,
    /// Where the delivery stood after it.
    #[schema(schema_with = codes::schema::states)]
    state: &'static str,
}

/// What went wrong, and what to do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailProblem, example = json!({ "code": ProblemCode::AuthAppPasswordRequired.as_str(),
    "title": "Gmail pide una contraseña de aplicación", "fix": ["Cree una contraseña de aplicación…"] }))]
pub struct ProblemOut {
    /// Stable, for programs.
    code: String,
    title: String,
    /// In the order in which it should be tried.
    fix: Vec<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveriesWanted {
    /// One state, or several separated by commas.
    state: Option<String>,
    /// Who has to act; see `group` of a delivery.
    group: Option<String>,
    module: Option<String>,
    /// Only deliveries with this problem.
    problem: Option<String>,
    /// Part of an address, of the person's name or of a reference, an amount, or a receipt's number.
    q: Option<String>,
    /// 1 to 200; 50 where absent.
    limit: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Deliveries, newest first.
#[utoipa::path(get, path = "/api/v1/deliveries", tag = "deliveries", params(DeliveriesWanted),
    responses((status = 200, body = List<DeliveryOut>), Always))]
pub async fn list(
    Shared(app): Shared<App>,
    caller: Caller,
    Reads(language): Reads,
    Params(params): Params<DeliveriesWanted>,
) -> Result<Json<List<DeliveryOut>>, Problem> {
    let mut fields = Fields::default();
    let wanted = Wanted::read(&mut fields, params.limit.as_deref(), params.after.as_deref());
    let stopped = stopped(&app, caller.actor.company, acuse_store::now()).await?;
    let group = fields.optional_code("group", params.group.as_deref(), Group::parse, &codes::groups());
    let filter = Filter {
        group: group.map(|group| (group, stopped.clone())),
        states: states(&mut fields, params.state.as_deref()),
        module: fields.optional_code("module", params.module.as_deref(), MailModule::parse, &codes::modules()),
        problem_code: params.problem,
        text: params.q,
    };
    fields.check()?;
    let mut rows = deliveries::list(&app.db, caller.actor.company, &filter, NEWEST, wanted.page()).await?;
    let next = wanted.cut_lines(&mut rows, |delivery| delivery.id.0);
    let (rows, unreadable) = apart(rows, language);
    Ok(Json(List { data: DeliveryOut::all(rows, &stopped, language), next, unreadable }))
}

/// One delivery with its attempts.
#[utoipa::path(get, path = "/api/v1/deliveries/{id}", tag = "deliveries", params(("id" = Uuid, Path)),
    responses((status = 200, body = DeliveryOut), Always, NotFound))]
pub async fn show(
    Shared(app): Shared<App>,
    caller: Caller,
    Reads(language): Reads,
    Id(id): Id<DeliveryId>,
) -> Result<Json<DeliveryOut>, Problem> {
    found(&app, &caller, id, language).await
}

/// Tries again at once what waits, failed or bounced.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/retry", tag = "deliveries",
    params(("id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "Carries the request out once in 24 hours")),
    responses((status = 200, body = DeliveryOut), Always, NotFound, NotNow, BadInput))]
pub async fn retry(
    Shared(app): Shared<App>,
    caller: Caller,
    Reads(language): Reads,
    Id(id): Id<DeliveryId>,
    OptionalJsonRequest(asked): OptionalJsonRequest<Nothing>,
) -> Result<Json<DeliveryOut>, Problem> {
    let conditions = Conditions::once(asked.once.as_ref());
    deliveries::retry(&app.db, &caller.actor, id, &conditions, acuse_store::now()).await?;
    found(&app, &caller, id, language).await
}

/// Cancels what waits.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/cancel", tag = "deliveries",
    params(("id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "Carries the request out once in 24 hours")),
    responses((status = 200, body = DeliveryOut), Always, NotFound, NotNow, BadInput))]
pub async fn cancel(
    Shared(app): Shared<App>,
    caller: Caller,
    Reads(language): Reads,
    Id(id): Id<DeliveryId>,
    OptionalJsonRequest(asked): OptionalJsonRequest<Nothing>,
) -> Result<Json<DeliveryOut>, Problem> {
    let conditions = Conditions::once(asked.once.as_ref());
    deliveries::cancel(&app.db, &caller.actor, id, &conditions, acuse_store::now()).await?;
    found(&app, &caller, id, language).await
}

/// What somebody may say when it is over.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = Resolve)]
pub struct ResolveIn {
    /// For the history; at most 300 letters.
    reason: Option<String>,
}

/// Closes what failed or bounced: nobody has to act on it any more. Says so in the payment's history.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/resolve", tag = "deliveries", request_body = ResolveIn,
    params(("id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "Carries the request out once in 24 hours")),
    responses((status = 200, body = DeliveryOut), Always, NotFound, NotNow, BadInput))]
pub async fn resolve(
    Shared(app): Shared<App>,
    caller: Caller,
    Reads(language): Reads,
    Id(id): Id<DeliveryId>,
    OptionalJsonRequest(asked): OptionalJsonRequest<ResolveIn>,
) -> Result<Json<DeliveryOut>, Problem> {
    let (reason, conditions) = (asked.body.reason.as_deref(), Conditions::once(asked.once.as_ref()));
    deliveries::resolve(&app.db, &caller.actor, id, reason, &conditions, acuse_store::now()).await?;
    found(&app, &caller, id, language).await
}

async fn found(app: &App, caller: &Caller, id: DeliveryId, language: Language) -> Result<Json<DeliveryOut>, Problem> {
    let delivery = deliveries::find(&app.db, caller.actor.company, id).await?.ok_or_else(Problem::delivery_not_found)?;
    let stopped = stopped(app, caller.actor.company, acuse_store::now()).await?;
    Ok(Json(DeliveryOut::of(delivery, &stopped, language)))
}

fn states(fields: &mut Fields, given: Option<&str>) -> Vec<State> {
    let known = codes::states();
    let parts = given.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty());
    // What is repeated adds nothing; one more than there are shows what is wrong.
    parts.take(known.len() + 1).filter_map(|part| fields.optional_code("state", Some(part), State::parse, &known)).collect()
}

impl DeliveryOut {
    pub(super) fn all(deliveries: Vec<Delivery>, stopped: &Stopped, language: Language) -> Vec<Self> {
        deliveries.into_iter().map(|delivery| Self::of(delivery, stopped, language)).collect()
    }

    pub(super) fn of(delivery: Delivery, stopped: &Stopped, language: Language) -> Self {
        let group = delivery.group(stopped).as_str();
        let account = delivery.account.map(|(source, server, from_address)| AccountOut { source, server, from_address });
        let context = Context {
            host: account.as_ref().map_or("", |account| account.server.as_str()),
            sender: account.as_ref().map_or("", |account| account.from_address.as_str()),
            situation: Situation::Queue,
            ..Context::default()
        };
        let recipient = EmailAddress::as_kept(&delivery.recipient);
        let unreadable = if recipient.is_readable() { Vec::new() } else { vec!["recipient"] };
        let slip = Warning::slip_in("recipient", Some(&recipient), language);
        let problem = delivery.problem_code.map(|code| ProblemOut::of(code, &context, language));
        Self {
            id: delivery.id.0,
            payment_id: delivery.payment.0,
            kind: delivery.kind.as_str(),
            recipient: delivery.recipient,
            state: delivery.state.as_str(),
            group,
            resolution: delivery.resolution.map(ResolutionOut::of),
            account,
            message_id: delivery.message_id,
            resend_of: delivery.resend,
            queued_at: delivery.queued_at,
            next_attempt_at: delivery.next_attempt_at,
            finished_at: delivery.finished_at,
            attempts: delivery.attempts.into_iter().map(AttemptOut::of).collect(),
            problem,
            warnings: Warning::unreadable(unreadable, language).chain(slip).collect(),
        }
    }
}

impl ResolutionOut {
    fn of(resolution: Resolution) -> Self {
        let nothing = Self { by: "payment_voided", who: None, at: None, reason: None, address: None };
        match resolution {
            Resolution::PaymentVoided => nothing,
            Resolution::AcceptedFor(address) => Self { by: "accepted_for", address: Some(address), ..nothing },
            Resolution::CorrectedTo(address) => Self { by: "corrected_to", address: Some(address), ..nothing },
            Resolution::ByPerson { who, at, reason } => Self { by: "person", who: Some(who), at: Some(at), reason, ..nothing },
        }
    }
}

impl AttemptOut {
    fn of(attempt: Attempt) -> Self {
        let Attempt { at, phase, reply, duration_ms, state, .. } = attempt;
        Self { at, phase, reply, duration_ms, state: state.as_str() }
    }
}

impl ProblemOut {
    pub(super) fn found(code: ProblemCode, title: String, fix: Vec<String>) -> Self {
        Self { code: code.to_string(), title, fix }
    }

    pub(super) fn of(code: String, context: &Context<'_>, language: Language) -> Self {
        let said = explain_recorded(&code, context, language);
        Self { code, title: said.title, fix: said.fix }
    }
}
