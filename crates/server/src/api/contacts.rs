//! Personas: customers and suppliers.

use acuse_domain::contact::{Contact, Purpose};
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::ContactId;
use acuse_domain::identification::Doubt;
use acuse_domain::input::Errors;
use acuse_domain::input::contact::{ContactInput, Field};
use acuse_domain::message::Language;
use acuse_store::contacts::{self, Filter, Role};
use acuse_store::versions::ChangeError;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::addresses::Addresses;
use super::body::JsonRequest;
use super::codes;
use super::etag::Tagged;
use super::fields::Fields;
use super::ids::Id;
use super::language::Reads;
use super::openapi::{Always, BadInput, NotFound, Stale};
use super::pages::{List, Params, Wanted};
use super::patch::{self, Change};
use super::warnings::Warning;
use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;

/// A customer or supplier.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contact)]
pub struct ContactOut {
    id: Uuid,
    name: String,
    #[schema(schema_with = codes::schema::identification_types)]
    identification_type: &'static str,
    identification: String,
    is_customer: bool,
    is_supplier: bool,
    address: Option<String>,
    phone: Option<String>,
    credit_days: Option<i32>,
    emails: Vec<String>,
    emails_by_purpose: PurposesOut,
    warnings: Vec<Warning>,
}

/// Addresses for one purpose only; an empty list falls back to `emails`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EmailsByPurpose)]
pub struct PurposesOut {
    received_payments: Vec<String>,
    made_payments: Vec<String>,
    invoices: Vec<String>,
    withholdings: Vec<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Comercial Andina S.A.", "identification_type": "ruc", "identification": "1792123453001",
    "is_customer": true, "emails": "pagos@andina.ec; gerencia@andina.ec",
    "emails_by_purpose": { "received_payments": ["pagos@andina.ec"] }
}))]
pub struct NewContact {
    #[schema(required, nullable = false)]
    name: Option<String>,
    /// What the number looks like where absent.
    #[schema(schema_with = codes::nullable::identification_types)]
    identification_type: Option<String>,
    #[schema(required, nullable = false)]
    identification: Option<String>,
    /// False where absent, but a contact is one of the two.
    is_customer: Option<bool>,
    is_supplier: Option<bool>,
    address: Option<String>,
    phone: Option<String>,
    /// Fills in the due date of a new document.
    credit_days: Option<i32>,
    emails: Option<Addresses>,
    emails_by_purpose: Option<PurposesIn>,
}

/// What is absent stays; null takes it away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "emails": ["pagos@andina.ec"], "phone": null }))]
pub struct ContactChange {
    #[serde(default, deserialize_with = "patch::value")]
    #[schema(nullable = false)]
    name: Option<String>,
    #[serde(default, deserialize_with = "patch::value")]
    #[schema(schema_with = codes::schema::identification_types)]
    identification_type: Option<String>,
    #[serde(default, deserialize_with = "patch::value")]
    #[schema(nullable = false)]
    identification: Option<String>,
    #[serde(default, deserialize_with = "patch::value")]
    #[schema(nullable = false)]
    is_customer: Option<bool>,
    #[serde(default, deserialize_with = "patch::value")]
    #[schema(nullable = false)]
    is_supplier: Option<bool>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<String>)]
    address: Option<Option<String>>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<String>)]
    phone: Option<Option<String>>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<i32>)]
    credit_days: Option<Option<i32>>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<Addresses>)]
    emails: Option<Option<Addresses>>,
    /// Null takes those of every purpose away.
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<PurposesIn>)]
    emails_by_purpose: Option<Option<PurposesIn>>,
}

/// Of a change, an absent purpose stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PurposesIn {
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<Addresses>)]
    received_payments: Option<Option<Addresses>>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<Addresses>)]
    made_payments: Option<Option<Addresses>>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<Addresses>)]
    invoices: Option<Option<Addresses>>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<Addresses>)]
    withholdings: Option<Option<Addresses>>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContactsWanted {
    /// `customer` or `supplier`.
    role: Option<String>,
    /// Part of a name, an identification or an address.
    q: Option<String>,
    /// 1 to 200; 50 where absent.
    limit: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Contacts by name.
#[utoipa::path(get, path = "/api/v1/contacts", tag = "contacts", params(ContactsWanted),
    responses((status = 200, body = List<ContactOut>), Always))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    Params(params): Params<ContactsWanted>,
) -> Result<Json<List<ContactOut>>, Problem> {
    let mut fields = Fields::default();
    let wanted = Wanted::read(&mut fields, params.limit.as_deref(), params.after.as_deref());
    let role = fields.optional_code("role", params.role.as_deref(), role, &codes::CONTACT_ROLES);
    fields.check()?;
    let filter = Filter { role, text: params.q };
    let mut rows = contacts::list(&app.db, caller.actor.company, &filter, contacts::BY_NAME, wanted.page()).await?;
    let next = wanted.cut(&mut rows, |contact| contact.id.0);
    Ok(Json(List {
        data: rows.into_iter().map(|contact| ContactOut::of(contact, language)).collect(),
        next,
        unreadable: Vec::new(),
    }))
}

/// Keeps a new contact.
#[utoipa::path(post, path = "/api/v1/contacts", tag = "contacts", request_body = NewContact,
    params(("Idempotency-Key" = Option<String>, Header, description = "Carries the request out once in 24 hours")),
    responses((status = 201, body = ContactOut, headers(("ETag" = String, description = "The contact's version, for If-Match"))), Always, BadInput))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    asked: JsonRequest<NewContact>,
) -> Result<(StatusCode, Tagged<ContactOut>), Problem> {
    let details = ContactInput::from(asked.body).read()?;
    let id = contacts::create(&app.db, &caller.actor, &details, asked.once.as_ref(), acuse_store::now()).await?;
    let contact = contacts::find(&app.db, caller.actor.company, id).await?.ok_or_else(Problem::contact_not_found)?;
    Ok((StatusCode::CREATED, ContactOut::tagged(contact, language)))
}

/// One contact.
#[utoipa::path(get, path = "/api/v1/contacts/{id}", tag = "contacts", params(("id" = Uuid, Path)),
    responses((status = 200, body = ContactOut, headers(("ETag" = String, description = "The contact's version, for If-Match"))),
        Always, NotFound))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    Id(id): Id<ContactId>,
) -> Result<Tagged<ContactOut>, Problem> {
    let contact = contacts::find(&app.db, caller.actor.company, id).await?.ok_or_else(Problem::contact_not_found)?;
    Ok(ContactOut::tagged(contact, language))
}

/// Changes a contact as it is now. Receipts already recorded keep what they say.
#[utoipa::path(patch, path = "/api/v1/contacts/{id}", tag = "contacts",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "Changes only the state with this ETag")),
    request_body = ContactChange,
    responses((status = 200, body = ContactOut, headers(("ETag" = String, description = "The new version, for If-Match"))),
        Always, NotFound, BadInput, Stale))]
pub async fn change(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    Id(id): Id<ContactId>,
    asked: Change<ContactChange>,
) -> Result<Tagged<ContactOut>, Problem> {
    let expected = asked.expected.clone();
    let change = |details| Ok(ContactInput::from(asked.read()?).apply_to(details)?);
    let changed = contacts::change(&app.db, &caller.actor, id, &expected, change).await;
    let contact = changed.map_err(|error| match error {
        ChangeError::NotFound => Problem::contact_not_found(),
        ChangeError::Taken => Problem::identification_taken(),
        other => other.into(),
    })?;
    Ok(ContactOut::tagged(contact, language))
}

fn role(code: &str) -> Option<Role> {
    match code {
        "customer" => Some(Role::Customer),
        "supplier" => Some(Role::Supplier),
        _ => None,
    }
}

impl From<NewContact> for ContactInput {
    fn from(sent: NewContact) -> Self {
        Self {
            name: sent.name,
            identification_type: sent.identification_type,
            identification: sent.identification,
            is_customer: sent.is_customer,
            is_supplier: sent.is_supplier,
            address: sent.address,
            phone: sent.phone,
            credit_days: sent.credit_days.map(|days| days.to_string()),
            emails: sent.emails.map(|list| list.0),
            emails_by_purpose: sent.emails_by_purpose.unwrap_or_default().lists(),
        }
    }
}

impl From<ContactChange> for ContactInput {
    fn from(sent: ContactChange) -> Self {
        Self {
            name: sent.name,
            identification_type: sent.identification_type,
            identification: sent.identification,
            is_customer: sent.is_customer,
            is_supplier: sent.is_supplier,
            address: sent.address.map(Option::unwrap_or_default),
            phone: sent.phone.map(Option::unwrap_or_default),
            credit_days: sent.credit_days.map(|days| days.map(|days| days.to_string()).unwrap_or_default()),
            emails: sent.emails.map(|list| list.unwrap_or_default().0),
            emails_by_purpose: match sent.emails_by_purpose {
                Some(Some(purposes)) => purposes.lists(),
                Some(None) => Purpose::ALL.map(|_| Some(Vec::new())),
                None => Default::default(),
            },
        }
    }
}

impl PurposesIn {
    /// In the order of [`Purpose::ALL`].
    fn lists(self) -> [Option<Vec<String>>; 4] {
        [self.received_payments, self.made_payments, self.invoices, self.withholdings]
            .map(|given| given.map(|list| list.unwrap_or_default().0))
    }
}

impl From<Errors<Field>> for Problem {
    fn from(errors: Errors<Field>) -> Self {
        Self::of_input(errors, Field::to_string)
    }
}

impl ContactOut {
    fn tagged(contact: Contact, language: Language) -> Tagged<Self> {
        Tagged { version: contact.version, body: Self::of(contact, language) }
    }

    fn of(contact: Contact, language: Language) -> Self {
        let details = contact.details;
        let mut warnings: Vec<Warning> = Warning::unreadable(details.unreadable(), language).collect();
        if details.identification.doubt() == Some(Doubt::CheckDigit) {
            warnings.push(Warning::check_digit("identification", language));
        }
        warnings.extend(Warning::slips("emails", &details.emails, language));
        for purpose in Purpose::ALL {
            let field = format!("emails_by_purpose.{}", purpose.as_str());
            warnings.extend(Warning::slips(&field, details.emails_by_purpose.of(purpose), language));
        }
        Self {
            id: contact.id.0,
            name: details.name,
            identification_type: details.identification.kind().as_str(),
            identification: details.identification.number().to_owned(),
            is_customer: details.is_customer,
            is_supplier: details.is_supplier,
            address: details.address,
            phone: details.phone,
            credit_days: details.credit_days,
            emails: written(&details.emails),
            emails_by_purpose: PurposesOut {
                received_payments: written(&details.emails_by_purpose.received_payments),
                made_payments: written(&details.emails_by_purpose.made_payments),
                invoices: written(&details.emails_by_purpose.invoices),
                withholdings: written(&details.emails_by_purpose.withholdings),
            },
            warnings,
        }
    }
}

fn written(addresses: &[EmailAddress]) -> Vec<String> {
    addresses.iter().map(ToString::to_string).collect()
}
