//! Cobros and pagos.

mod ask;
mod shown;

pub use ask::PaymentIn;
pub use shown::{PaymentOut, SummaryOut};

use acuse_domain::access::Permission;
use acuse_domain::id::{CompanyId, ContactId, PaymentId};
use acuse_domain::input::payment::PaymentInput;
use acuse_domain::message::Language;
use acuse_domain::payment::Notify;
use acuse_domain::payment::{Answered, Direction};
use acuse_store::conditions::Conditions;
use acuse_store::deliveries::Delivery;
use acuse_store::payments::{self, Filter, VoidNotice};
use acuse_store::{deliveries as sent, events};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::addresses::Addresses;
use super::body::{JsonRequest, OptionalJsonRequest};
use super::codes;
use super::deliveries::DeliveryOut;
use super::fields::Fields;
use super::ids::Id;
use super::language::Reads;
use super::openapi::{Always, BadInput, NotFound, NotNow};
use super::pages::{List, Params, Wanted, WholeWanted, apart};
use crate::access::Caller;
use crate::access::by_token::lacks_scope;
use crate::app::App;
use crate::heavy_work::draw_receipt;
use crate::problem::Problem;
use crate::web::page::stopped;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PaymentsWanted {
    /// `received` or `made`.
    direction: Option<String>,
    #[param(format = "uuid")]
    contact_id: Option<String>,
    /// Paid on this day or later.
    #[param(format = "date")]
    from: Option<String>,
    /// Paid on this day or earlier.
    #[param(format = "date")]
    until: Option<String>,
    /// Part of the person's name, identification or addresses, or of a reference; an amount (the total, what moved or a line);
    /// or a receipt's number.
    q: Option<String>,
    /// 1 to 200; 50 where absent.
    limit: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "Se registró dos veces", "notify": true }))]
pub struct VoidPayment {
    /// Printed on the receipt.
    #[schema(required, nullable = false)]
    reason: Option<String>,
    /// Tells whoever had the receipt that it is void. False where absent.
    notify: Option<bool>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "recipients": ["pagos@andina.ec"] }))]
pub struct SendReceipt {
    /// The contact's own addresses where absent.
    recipients: Option<Addresses>,
}

/// Payments, newest first.
#[utoipa::path(get, path = "/api/v1/payments", tag = "payments", params(PaymentsWanted),
    responses((status = 200, body = List<SummaryOut>), Always))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    Params(params): Params<PaymentsWanted>,
) -> Result<Json<List<SummaryOut>>, Problem> {
    let mut fields = Fields::default();
    let wanted = Wanted::read(&mut fields, params.limit.as_deref(), params.after.as_deref());
    let filter = Filter {
        direction: fields.optional_code("direction", params.direction.as_deref(), Direction::parse, &codes::directions()),
        contact: fields.optional_id("contact_id", params.contact_id.as_deref()).map(ContactId),
        from: fields.optional_date("from", params.from.as_deref()),
        until: fields.optional_date("until", params.until.as_deref()),
        text: params.q,
    };
    fields.check()?;
    let mut rows = payments::list(&app.db, caller.actor.company, &filter, payments::LAST_RECORDED, wanted.page()).await?;
    let next = wanted.cut_lines(&mut rows, |payment| payment.id.0);
    let (rows, unreadable) = apart(rows, language);
    let ids: Vec<PaymentId> = rows.iter().map(|payment| payment.id).collect();
    let deliveries = sent::of_payments(&app.db, caller.actor.company, &ids).await?;
    let deliveries = shown_of(&app, caller.actor.company, deliveries, language).await?;
    Ok(Json(List { data: SummaryOut::all(rows, deliveries), next, unreadable }))
}

/// Records a payment with its lines, allocations, receipt and deliveries: all of it or nothing.
#[utoipa::path(post, path = "/api/v1/payments", tag = "payments", request_body = PaymentIn,
    params(("Idempotency-Key" = Option<String>, Header, description = "Carries the request out once in 24 hours")),
    responses((status = 201, body = PaymentOut), Always, BadInput))]
pub async fn record(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    asked: JsonRequest<PaymentIn>,
) -> Result<(StatusCode, Json<PaymentOut>), Problem> {
    let (payment, notify) = PaymentInput::from(asked.body).read()?;
    may_tell(&caller, notify != Notify::Nobody)?;
    let id = payments::record(&app.db, &caller.actor, payment, &notify, &Answered::All, asked.once.as_ref(), acuse_store::now())
        .await?;
    Ok((StatusCode::CREATED, found(&app, &caller, id, language).await?))
}

/// Errs where a mail would leave and the token was not made for that.
fn may_tell(caller: &Caller, tells: bool) -> Result<(), Problem> {
    if tells && !caller.may(Permission::SendReceipts) { Err(lacks_scope(Permission::SendReceipts)) } else { Ok(()) }
}

/// One payment, whole.
#[utoipa::path(get, path = "/api/v1/payments/{id}", tag = "payments", params(("id" = Uuid, Path)),
    responses((status = 200, body = PaymentOut), Always, NotFound))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    Id(id): Id<PaymentId>,
) -> Result<Json<PaymentOut>, Problem> {
    found(&app, &caller, id, language).await
}

/// Voids a payment: balances and anticipos come back, the number stays used.
#[utoipa::path(post, path = "/api/v1/payments/{id}/void", tag = "payments",
    params(("id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "Carries the request out once in 24 hours")),
    request_body = VoidPayment, responses((status = 200, body = PaymentOut), Always, NotFound, NotNow, BadInput))]
pub async fn void(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    Id(id): Id<PaymentId>,
    asked: JsonRequest<VoidPayment>,
) -> Result<Json<PaymentOut>, Problem> {
    let notice = if asked.body.notify.unwrap_or(false) { VoidNotice::TellWhoHadIt } else { VoidNotice::TellNobody };
    may_tell(&caller, notice == VoidNotice::TellWhoHadIt)?;
    let reason = asked.body.reason.unwrap_or_default();
    let own_of_today = !caller.may(Permission::VoidPayments);
    let conditions = Conditions { own_of_today, ..Conditions::once(asked.once.as_ref()) };
    payments::void(&app.db, &caller.actor, id, &reason, notice, &conditions, acuse_store::now()).await?;
    found(&app, &caller, id, language).await
}

/// The receipt as PDF, marked where the payment is voided.
#[utoipa::path(get, path = "/api/v1/payments/{id}/receipt.pdf", tag = "payments", params(("id" = Uuid, Path)),
    responses((status = 200, content_type = "application/pdf", body = Vec<u8>), Always, NotFound))]
pub async fn receipt(State(app): State<App>, caller: Caller, Id(id): Id<PaymentId>) -> Result<impl IntoResponse, Problem> {
    let company = caller.actor.company;
    let receipt = payments::receipt(&app.db, company, id).await?.ok_or_else(Problem::payment_not_found)?;
    let logo = payments::receipt_logo(&app.db, company, id).await?;
    let name = format!("attachment; filename=\"{}\"", receipt.file_name());
    let pdf = draw_receipt(receipt, logo).await?.ok_or_else(Problem::internal)?;
    if let Err(error) = events::note_download(&app.db, &caller.actor, id.0, acuse_store::now()).await {
        // The receipt is there; that it was opened is only good to know.
        tracing::warn!("A download was not noted: {error}");
    }
    Ok(([(CONTENT_TYPE, "application/pdf".to_owned()), (CONTENT_DISPOSITION, name)], pdf))
}

/// The deliveries of a payment, oldest first.
#[utoipa::path(get, path = "/api/v1/payments/{id}/deliveries", tag = "payments", params(("id" = Uuid, Path), WholeWanted),
    responses((status = 200, body = List<DeliveryOut>), Always, NotFound))]
pub async fn deliveries(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    Id(id): Id<PaymentId>,
    _: WholeWanted,
) -> Result<Json<List<DeliveryOut>>, Problem> {
    let company = caller.actor.company;
    let deliveries = sent::of_payments(&app.db, company, &[id]).await?;
    if deliveries.is_empty() {
        payments::find(&app.db, company, id).await?.ok_or_else(Problem::payment_not_found)?;
    }
    Ok(Json(List::whole(shown_of(&app, company, deliveries, language).await?)))
}

/// Sends the receipt, or sends it again. Of a voided payment, tells those who are named, or who may have its receipt, that
/// it is void: each of them once, whoever asked for it.
#[utoipa::path(post, path = "/api/v1/payments/{id}/deliveries", tag = "payments", request_body = SendReceipt,
    params(("id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "Carries the request out once in 24 hours")),
    responses((status = 202, body = List<DeliveryOut>), Always, NotFound, NotNow, BadInput))]
pub async fn send(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    Id(id): Id<PaymentId>,
    OptionalJsonRequest(asked): OptionalJsonRequest<SendReceipt>,
) -> Result<(StatusCode, Json<List<DeliveryOut>>), Problem> {
    let mut fields = Fields::default();
    let recipients = fields.addresses("recipients", &asked.body.recipients.unwrap_or_default());
    fields.check()?;
    let notify = if recipients.is_empty() { Notify::Contact } else { Notify::Addresses(recipients) };
    let first = payments::resend(&app.db, &caller.actor, id, &notify, asked.once.as_ref(), acuse_store::now()).await?;
    let queued = sent::queued_with(&app.db, caller.actor.company, first).await?;
    Ok((StatusCode::ACCEPTED, Json(List::whole(shown_of(&app, caller.actor.company, queued, language).await?))))
}

async fn found(app: &App, caller: &Caller, id: PaymentId, language: Language) -> Result<Json<PaymentOut>, Problem> {
    let company = caller.actor.company;
    let payment = payments::find(&app.db, company, id).await?.ok_or_else(Problem::payment_not_found)?;
    let deliveries = sent::of_payments(&app.db, company, &[id]).await?;
    let doubts = payments::doubts(&app.db, company, &payment).await?;
    let deliveries = shown_of(app, company, deliveries, language).await?;
    Ok(Json(PaymentOut::of(payment, &doubts, deliveries, language)))
}

async fn shown_of(
    app: &App,
    company: CompanyId,
    deliveries: Vec<Delivery>,
    language: Language,
) -> Result<Vec<DeliveryOut>, Problem> {
    let stopped = stopped(app, company, acuse_store::now()).await?;
    Ok(DeliveryOut::all(deliveries, &stopped, language))
}
