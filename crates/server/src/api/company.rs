//! Mi compañía.

use acuse_domain::company::{Company, CompanyProfile};
use acuse_domain::identification::Doubt;
use acuse_domain::input::Errors;
use acuse_domain::input::company::{Field, ProfileInput};
use acuse_domain::message::Language;
use acuse_store::companies;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::etag::Tagged;
use super::language::Reads;
use super::openapi::{Always, BadInput, Stale};
use super::patch::{self, Change};
use super::warnings::Warning;
use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;

/// The company that the token belongs to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Company)]
pub struct CompanyOut {
    id: Uuid,
    ruc: String,
    legal_name: String,
    trade_name: Option<String>,
    address: Option<String>,
    city: Option<String>,
    phone: Option<String>,
    /// Where answers go when the default account sends.
    email: Option<String>,
    warnings: Vec<Warning>,
}

/// What is absent stays; null takes it away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "trade_name": "Demo", "email": "contabilidad@demo.ec" }))]
pub struct CompanyChange {
    #[serde(default, deserialize_with = "patch::value")]
    #[schema(nullable = false)]
    legal_name: Option<String>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<String>)]
    trade_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<String>)]
    address: Option<Option<String>>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<String>)]
    city: Option<Option<String>>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<String>)]
    phone: Option<Option<String>>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<String>)]
    email: Option<Option<String>>,
}

/// The company.
#[utoipa::path(get, path = "/api/v1/company", tag = "company",
    responses((status = 200, body = CompanyOut, headers(("ETag" = String, description = "The company's version, for If-Match"))),
        Always))]
pub async fn show(State(app): State<App>, caller: Caller, Reads(language): Reads) -> Result<Tagged<CompanyOut>, Problem> {
    let company = companies::find(&app.db, caller.actor.company).await?.ok_or_else(Problem::internal)?;
    Ok(CompanyOut::tagged(company, language))
}

/// Changes the company's data as they are now. Receipts already recorded keep what they say.
#[utoipa::path(patch, path = "/api/v1/company", tag = "company",
    params(("If-Match" = Option<String>, Header, description = "Changes only the state with this ETag")),
    request_body = CompanyChange,
    responses((status = 200, body = CompanyOut, headers(("ETag" = String, description = "The new version, for If-Match"))),
        Always, BadInput, Stale))]
pub async fn change(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    asked: Change<CompanyChange>,
) -> Result<Tagged<CompanyOut>, Problem> {
    let expected = asked.expected.clone();
    let change = |profile| Ok(ProfileInput::from(asked.read()?).apply_to(profile)?);
    let company = companies::change(&app.db, &caller.actor, &expected, change).await?;
    Ok(CompanyOut::tagged(company, language))
}

impl From<CompanyChange> for ProfileInput {
    fn from(sent: CompanyChange) -> Self {
        Self {
            legal_name: sent.legal_name,
            trade_name: sent.trade_name.map(Option::unwrap_or_default),
            address: sent.address.map(Option::unwrap_or_default),
            city: sent.city.map(Option::unwrap_or_default),
            phone: sent.phone.map(Option::unwrap_or_default),
            email: sent.email.map(Option::unwrap_or_default),
        }
    }
}

impl From<Errors<Field>> for Problem {
    fn from(errors: Errors<Field>) -> Self {
        Self::of_input(errors, |field| field.as_str().to_owned())
    }
}

impl CompanyOut {
    fn tagged(company: Company, language: Language) -> Tagged<Self> {
        Tagged { version: company.version, body: Self::of(company, language) }
    }

    fn of(company: Company, language: Language) -> Self {
        let mut warnings: Vec<Warning> = Warning::unreadable(company.unreadable(), language).collect();
        if company.ruc.doubt() == Some(Doubt::CheckDigit) {
            warnings.push(Warning::check_digit("ruc", language));
        }
        warnings.extend(Warning::slip_in("email", company.profile.email.as_ref(), language));
        let CompanyProfile { legal_name, trade_name, address, city, phone, email, .. } = company.profile;
        Self {
            id: company.id.0,
            ruc: company.ruc.to_string(),
            legal_name,
            trade_name,
            address,
            city,
            phone,
            email: email.map(|email| email.to_string()),
            warnings,
        }
    }
}
