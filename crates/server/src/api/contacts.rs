//! Personas: customers and suppliers.

use acuse_domain::contact::{Contact, ContactDetails, EmailsByPurpose, LONGEST_NAME, LONGEST_TEXT, MOST_CREDIT_DAYS, Purpose};
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::ContactId;
use acuse_domain::identification::{Doubt, Identification, IdentificationType};
use acuse_mail::explanation::Language;
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
use crate::problem::{FieldProblem, LocalizedText, Problem};

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
    #[schema(required, schema_with = codes::schema::identification_types)]
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
    let role = fields.optional_code("role", params.role.as_deref(), role, &["customer", "supplier"]);
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
    let details = asked.body.read()?;
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
    let change = |details| asked.read()?.apply_to(details);
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

impl NewContact {
    fn read(self) -> Result<ContactDetails, Problem> {
        let mut fields = Fields::default();
        let name = fields.text("name", self.name.as_deref(), LONGEST_NAME);
        let kind = identification_type(&mut fields, self.identification_type.as_deref());
        let typed = fields.required("identification", self.identification);
        let identification = kind.zip(typed).and_then(|(kind, typed)| identification(&mut fields, kind, &typed));
        let (is_customer, is_supplier) = (self.is_customer.unwrap_or(false), self.is_supplier.unwrap_or(false));
        is_somebody(&mut fields, is_customer, is_supplier);
        let address = fields.optional_text("address", self.address.as_deref(), LONGEST_TEXT);
        let phone = fields.optional_text("phone", self.phone.as_deref(), LONGEST_TEXT);
        check_credit(&mut fields, self.credit_days);
        let emails = fields.addresses("emails", &self.emails.unwrap_or_default());
        let mut emails_by_purpose = EmailsByPurpose::default();
        self.emails_by_purpose.unwrap_or_default().apply_to(&mut emails_by_purpose, &mut fields);
        let (Some(name), Some(identification)) = (name, identification) else { return Err(fields.into_problem()) };
        fields.check()?;
        Ok(ContactDetails {
            name,
            identification,
            is_customer,
            is_supplier,
            address,
            phone,
            credit_days: self.credit_days,
            emails,
            emails_by_purpose,
            undecoded: Vec::new(),
        })
    }
}

impl ContactChange {
    /// Which fields it has, by their names.
    fn given(&self) -> impl Iterator<Item = &'static str> + use<> {
        let purposes = self.emails_by_purpose.as_ref();
        let purpose = |is_given: fn(&PurposesIn) -> bool| purposes.is_some_and(|purposes| purposes.as_ref().is_none_or(is_given));
        let fields = [
            ("name", self.name.is_some()),
            ("identification_type", self.identification_type.is_some()),
            ("identification", self.identification.is_some()),
            ("is_customer", self.is_customer.is_some()),
            ("is_supplier", self.is_supplier.is_some()),
            ("address", self.address.is_some()),
            ("phone", self.phone.is_some()),
            ("credit_days", self.credit_days.is_some()),
            ("emails", self.emails.is_some()),
            ("emails_by_purpose.received_payments", purpose(|of| of.received_payments.is_some())),
            ("emails_by_purpose.made_payments", purpose(|of| of.made_payments.is_some())),
            ("emails_by_purpose.invoices", purpose(|of| of.invoices.is_some())),
            ("emails_by_purpose.withholdings", purpose(|of| of.withholdings.is_some())),
        ];
        fields.into_iter().filter(|(_, is_given)| *is_given).map(|(field, _)| field)
    }

    fn apply_to(self, mut details: ContactDetails) -> Result<ContactDetails, Problem> {
        let mut fields = Fields::default();
        let given: Vec<&str> = self.given().collect();
        details.undecoded.retain(|field| !given.contains(field));
        if let Some(name) = self.name.and_then(|name| fields.text("name", Some(&name), LONGEST_NAME)) {
            details.name = name;
        }
        if self.identification_type.is_some() || self.identification.is_some() {
            let kind = fields.optional_code(
                "identification_type",
                self.identification_type.as_deref(),
                IdentificationType::parse,
                &codes::identification_types(),
            );
            let kind = kind.unwrap_or(details.identification.kind());
            let typed = self.identification.unwrap_or_else(|| details.identification.number().to_owned());
            if let Some(identification) = identification(&mut fields, kind, &typed) {
                details.identification = identification;
            }
        }
        details.is_customer = self.is_customer.unwrap_or(details.is_customer);
        details.is_supplier = self.is_supplier.unwrap_or(details.is_supplier);
        if !details.undecoded.iter().any(|field| matches!(*field, "is_customer" | "is_supplier")) {
            is_somebody(&mut fields, details.is_customer, details.is_supplier);
        }
        for (field, given, place) in [("address", self.address, &mut details.address), ("phone", self.phone, &mut details.phone)]
        {
            if let Some(text) = given {
                *place = fields.optional_text(field, text.as_deref(), LONGEST_TEXT);
            }
        }
        if let Some(days) = self.credit_days {
            check_credit(&mut fields, days);
            details.credit_days = days;
        }
        change_addresses("emails", self.emails, &mut details.emails, &mut fields);
        match self.emails_by_purpose {
            Some(Some(purposes)) => purposes.apply_to(&mut details.emails_by_purpose, &mut fields),
            Some(None) => details.emails_by_purpose = EmailsByPurpose::default(),
            None => {}
        }
        fields.check()?;
        Ok(details)
    }
}

impl PurposesIn {
    fn apply_to(self, kept: &mut EmailsByPurpose, fields: &mut Fields) {
        change_addresses("emails_by_purpose.received_payments", self.received_payments, &mut kept.received_payments, fields);
        change_addresses("emails_by_purpose.made_payments", self.made_payments, &mut kept.made_payments, fields);
        change_addresses("emails_by_purpose.invoices", self.invoices, &mut kept.invoices, fields);
        change_addresses("emails_by_purpose.withholdings", self.withholdings, &mut kept.withholdings, fields);
    }
}

fn change_addresses(field: &str, given: Option<Option<Addresses>>, kept: &mut Vec<EmailAddress>, fields: &mut Fields) {
    if let Some(addresses) = given {
        *kept = fields.addresses(field, &addresses.unwrap_or_default());
    }
}

fn identification_type(fields: &mut Fields, given: Option<&str>) -> Option<IdentificationType> {
    fields.code("identification_type", given, IdentificationType::parse, &codes::identification_types())
}

fn identification(fields: &mut Fields, kind: IdentificationType, typed: &str) -> Option<Identification> {
    let parsed = Identification::parse(kind, typed);
    parsed.map_err(|error| fields.add(FieldProblem::of_identification("identification", error))).ok()
}

fn is_somebody(fields: &mut Fields, is_customer: bool, is_supplier: bool) {
    if !is_customer && !is_supplier {
        let said = LocalizedText::new("Debe ser cliente, proveedor o ambos.", "It must be a customer, a supplier or both.");
        fields.note("is_customer", "role_missing", said);
    }
}

fn check_credit(fields: &mut Fields, days: Option<i32>) {
    if days.is_some_and(|days| !(0..=MOST_CREDIT_DAYS).contains(&days)) {
        let said = LocalizedText::new(
            format!("Los días de crédito van de 0 a {MOST_CREDIT_DAYS}."),
            format!("Days of credit go from 0 to {MOST_CREDIT_DAYS}."),
        );
        fields.note("credit_days", "credit_days_invalid", said);
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
