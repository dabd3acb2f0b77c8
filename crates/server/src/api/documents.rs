//! Documentos: open items and their balances.

use acuse_domain::day_in_ecuador;
use acuse_domain::document::{Document, DocumentError, DocumentKind, Side};
use acuse_domain::id::{ContactId, DocumentId};
use acuse_domain::input::Errors;
use acuse_domain::input::document::{DocumentInput, Field};
use acuse_domain::message::messages;
use acuse_mail::explanation::Language;
use acuse_store::documents::{self, Filter, Listed};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::body::JsonRequest;
use super::codes;
use super::fields::{self, Fields};
use super::ids::Id;
use super::language::Reads;
use super::openapi::{Always, BadInput, NotFound};
use super::pages::{List, Params, Wanted, apart};
use super::warnings::Warning;
use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;

/// An open item as it stands now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Document)]
pub struct DocumentOut {
    id: Uuid,
    #[schema(schema_with = codes::schema::document_kinds)]
    kind: &'static str,
    #[schema(schema_with = codes::schema::sides)]
    side: &'static str,
    contact_id: Uuid,
    number: String,
    issue_date: NaiveDate,
    due_date: NaiveDate,
    #[schema(example = "120.00")]
    total: String,
    /// What is still open.
    #[schema(example = "120.00")]
    balance: String,
    detail: Option<String>,
    /// `open`, `settled` or `voided`.
    status: &'static str,
    warnings: Vec<Warning>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDocument, example = json!({
    "kind": "invoice", "side": "receivable", "contact_id": "01938f2e-7c11-7a3b-9c1d-0f6f4f0a2b11",
    "number": "001-001-000000123", "issue_date": "2026-11-02", "due_date": "2026-12-02", "total": "120.00"
}))]
pub struct DocumentIn {
    #[schema(required, schema_with = codes::schema::document_kinds)]
    kind: Option<String>,
    #[schema(required, schema_with = codes::schema::sides)]
    side: Option<String>,
    #[schema(required, nullable = false, format = "uuid")]
    contact_id: Option<String>,
    /// `001-001-000000123`; `1-1-123` is completed.
    #[schema(required, nullable = false)]
    number: Option<String>,
    #[schema(required, nullable = false, format = "date")]
    issue_date: Option<String>,
    #[schema(required, nullable = false, format = "date")]
    due_date: Option<String>,
    /// Of a credit note, negative.
    #[schema(required, nullable = false)]
    total: Option<String>,
    /// What is still open where part of it was settled before; the total where absent.
    balance: Option<String>,
    /// A few words to know it by in a list.
    detail: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DocumentsWanted {
    /// `receivable` or `payable`.
    side: Option<String>,
    #[param(format = "uuid")]
    contact_id: Option<String>,
    /// `true` for what still has a balance.
    open: Option<String>,
    /// Part of the number, the detail, or the person's name or identification.
    q: Option<String>,
    /// 1 to 200; 50 where absent.
    limit: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Documents by due date.
#[utoipa::path(get, path = "/api/v1/documents", tag = "documents", params(DocumentsWanted),
    responses((status = 200, body = List<DocumentOut>), Always))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    Params(params): Params<DocumentsWanted>,
) -> Result<Json<List<DocumentOut>>, Problem> {
    let mut fields = Fields::default();
    let wanted = Wanted::read(&mut fields, params.limit.as_deref(), params.after.as_deref());
    let filter = Filter {
        side: fields.optional_code("side", params.side.as_deref(), Side::parse, &codes::sides()),
        contact: fields.optional_id("contact_id", params.contact_id.as_deref()).map(ContactId),
        open_only: fields.optional_code("open", params.open.as_deref(), yes_or_no, &["true", "false"]).unwrap_or(false),
        age: None,
        text: params.q,
    };
    fields.check()?;
    let today = day_in_ecuador(acuse_store::now());
    let mut rows = documents::list(&app.db, caller.actor.company, &filter, documents::DUE_FIRST, wanted.page(), today).await?;
    let next = wanted.cut_lines(&mut rows, |listed| listed.document.id.0);
    let (rows, unreadable) = apart(rows, language);
    let data = rows.into_iter().map(|Listed { document, .. }| DocumentOut::of(document, language)).collect();
    Ok(Json(List { data, next, unreadable }))
}

/// Keeps a new document, open until payments settle it.
#[utoipa::path(post, path = "/api/v1/documents", tag = "documents", request_body = DocumentIn,
    params(("Idempotency-Key" = Option<String>, Header, description = "Carries the request out once in 24 hours")),
    responses((status = 201, body = DocumentOut), Always, BadInput))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    asked: JsonRequest<DocumentIn>,
) -> Result<(StatusCode, Json<DocumentOut>), Problem> {
    let document = DocumentInput::from(asked.body).read(day_in_ecuador(acuse_store::now()))?;
    let id = documents::create(&app.db, &caller.actor, &document, asked.once.as_ref(), acuse_store::now()).await?;
    let document = documents::find(&app.db, caller.actor.company, id).await?.ok_or_else(Problem::document_not_found)?;
    Ok((StatusCode::CREATED, Json(DocumentOut::of(document, language))))
}

/// One document.
#[utoipa::path(get, path = "/api/v1/documents/{id}", tag = "documents", params(("id" = Uuid, Path)),
    responses((status = 200, body = DocumentOut), Always, NotFound))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    Id(id): Id<DocumentId>,
) -> Result<Json<DocumentOut>, Problem> {
    let document = documents::find(&app.db, caller.actor.company, id).await?.ok_or_else(Problem::document_not_found)?;
    Ok(Json(DocumentOut::of(document, language)))
}

fn yes_or_no(code: &str) -> Option<bool> {
    code.parse().ok()
}

impl From<DocumentIn> for DocumentInput {
    fn from(sent: DocumentIn) -> Self {
        Self {
            kind: fields::code(sent.kind.as_deref(), DocumentKind::parse, &codes::document_kinds()),
            side: fields::code(sent.side.as_deref(), Side::parse, &codes::sides()),
            contact: fields::id(sent.contact_id.as_deref()).map(ContactId),
            number: sent.number.unwrap_or_default(),
            issue_date: fields::date(sent.issue_date.as_deref()),
            due_date: fields::date(sent.due_date.as_deref()),
            total: fields::amount(sent.total.as_deref(), messages::a_total()),
            balance: sent.balance.map(|balance| fields::amount(Some(&balance), messages::a_balance())),
            detail: sent.detail.unwrap_or_default(),
        }
    }
}

impl From<Errors<Field>> for Problem {
    fn from(errors: Errors<Field>) -> Self {
        Self::of_input(errors, |field| name_of(*field).to_owned())
    }
}

const fn name_of(field: Field) -> &'static str {
    match field {
        Field::Kind => "kind",
        Field::Side => "side",
        Field::Contact => "contact_id",
        Field::Number => "number",
        Field::IssueDate => "issue_date",
        Field::DueDate => "due_date",
        Field::Total => "total",
        Field::Balance => "balance",
        Field::Detail => "detail",
    }
}

/// For what the act found only in its transaction.
impl From<DocumentError> for Problem {
    fn from(error: DocumentError) -> Self {
        Self::of_field(name_of(Field::of(error)), error.message())
    }
}

impl DocumentOut {
    fn of(document: Document, language: Language) -> Self {
        let unreadable = if document.facts.number.is_readable() { Vec::new() } else { vec!["number"] };
        let status = match (document.voided, document.balance.is_zero()) {
            (true, _) => "voided",
            (false, true) => "settled",
            (false, false) => "open",
        };
        let facts = document.facts;
        let today = day_in_ecuador(acuse_store::now());
        let in_future = Warning::in_future("issue_date", facts.issue_date, today, language);
        Self {
            id: document.id.0,
            kind: facts.kind.as_str(),
            side: facts.side.as_str(),
            contact_id: document.contact.0,
            number: facts.number.to_string(),
            issue_date: facts.issue_date,
            due_date: facts.due_date,
            total: facts.total.plain(),
            balance: document.balance.plain(),
            detail: facts.detail,
            status,
            warnings: Warning::unreadable(unreadable, language).chain(in_future).collect(),
        }
    }
}
